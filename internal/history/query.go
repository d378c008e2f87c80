package history

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Table is an answer. A value is of the type that rowfile says for its column, nil where there is none.
type Table struct {
	Columns []rowfile.Column
	Rows    [][]any
	// All is the number of rows without Filter.Limit.
	All int
}

// Filter chooses rows; what is empty chooses all.
type Filter struct {
	Strategy, Connector, Symbol string
	// SinceNs and UntilNs bound the time, the latter not included; 0 leaves it open.
	SinceNs, UntilNs int64
	// Kinds are those of events.
	Kinds []string
	// Open chooses orders that are not known to be over.
	Open bool
	// Limit is the number of rows, the newest ones; 0 is all.
	Limit int
}

// selection is a query in the making.
type selection struct {
	columns []rowfile.Column
	exprs   []string
	from    string
	where   []string
	args    []any
	group   string
	order   string // the first rows are those that a limit keeps
}

// add adds columns of one type, "name" or "name = expression".
func (s *selection) add(t rowfile.ColumnType, columns ...string) {
	for _, c := range columns {
		name, expr, ok := strings.Cut(c, " = ")
		if !ok {
			expr = c
		}
		s.columns, s.exprs = append(s.columns, rowfile.Column{Name: name, Type: t}), append(s.exprs, expr)
	}
}

func (s *selection) when(wanted bool, condition string, args ...any) {
	if wanted {
		s.where, s.args = append(s.where, condition), append(s.args, args...)
	}
}

// choose adds the conditions of a filter; at is the column of time.
func (s *selection) choose(f *Filter, at string) {
	s.when(f.Strategy != "", "? = s.strategy", f.Strategy)
	s.when(f.Connector != "", "? = i.connector", f.Connector)
	s.when(f.Symbol != "", "? = i.symbol", f.Symbol)
	s.when(f.SinceNs != 0, "? <= "+at, f.SinceNs)
	s.when(f.UntilNs != 0, "? > "+at, f.UntilNs)
	if len(f.Kinds) > 0 {
		args := make([]any, len(f.Kinds))
		for i, k := range f.Kinds {
			args[i] = k
		}
		s.when(true, "t.kind IN ("+marksOf(len(args))+")", args...)
	}
}

// named joins the names to a table t with bot and instrument.
func named(table string) string {
	return table + " t LEFT JOIN strategies s ON s.bot = t.bot LEFT JOIN instruments i ON i.instrument = t.instrument"
}

// clauses returns FROM and WHERE.
func (s *selection) clauses() string {
	text := " FROM " + s.from
	if len(s.where) > 0 {
		text += " WHERE " + strings.Join(s.where, " AND ")
	}
	return text
}

// query returns the chosen rows in the query's order.
func (d *DB) query(ctx context.Context, s *selection, limit int) (*Table, error) {
	text := s.clauses()
	t := &Table{Columns: s.columns}
	if limit > 0 {
		if err := d.tx.QueryRowContext(ctx, "SELECT count(*)"+text, s.args...).Scan(&t.All); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
	}
	if s.group != "" {
		text += " GROUP BY " + s.group
	}
	text = "SELECT " + strings.Join(s.exprs, ", ") + text + " ORDER BY " + s.order
	if limit > 0 {
		text += fmt.Sprintf(" LIMIT %d", limit)
	}
	err := d.scan(ctx, text, s, func(row []any) { t.Rows = append(t.Rows, slices.Clone(row)) })
	t.clean()
	t.All = max(t.All, len(t.Rows))
	return t, err
}

// scan calls fn for each row of a query, which is valid until the next.
func (d *DB) scan(ctx context.Context, text string, s *selection, fn func(row []any)) error {
	rows, err := d.tx.QueryContext(ctx, text, s.args...)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	row := make([]any, len(s.columns))
	cells := make([]any, len(row))
	for i := range row {
		cells[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return fmt.Errorf("history: %w", err)
		}
		for i, c := range s.columns {
			row[i] = valueOf(c.Type, row[i])
		}
		fn(row)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// valueOf returns what SQLite has as a column's type has it. Times and texts that are not known are nil.
func valueOf(t rowfile.ColumnType, v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
	case float64:
		if t != rowfile.Number {
			return int64(x)
		}
	case int64:
		switch t {
		case rowfile.ID:
			return uint64(x)
		case rowfile.Flag:
			return x != 0
		case rowfile.Number:
			return float64(x)
		case rowfile.Time:
			if x == 0 {
				return nil
			}
		}
	}
	return v
}

// Orders returns orders, a row each, by their first record.
func (d *DB) Orders(ctx context.Context, f *Filter) (*Table, error) {
	t, err := d.query(ctx, ordersSelection(f), f.Limit)
	return t.reversed(), err
}

func ordersSelection(f *Filter) *selection {
	s := &selection{from: named("orders"), order: "t.sequence DESC"}
	s.add(rowfile.ID, "sequence = t.sequence")
	s.add(rowfile.Time, "time = coalesce(nullif(request_ns, 0), nullif(sent_ns, 0), report_ns)")
	s.add(rowfile.Text, "strategy = s.strategy")
	s.add(rowfile.ID, "incarnation")
	s.add(rowfile.Text, "connector = i.connector", "symbol = i.symbol")
	s.add(rowfile.ID, "order_id")
	s.add(rowfile.Text, "side", "type", "tif")
	s.add(rowfile.Number, "price", "qty", "leaves_qty", "exec_qty",
		"avg_price = CASE WHEN exec_qty > 0 THEN exec_value / exec_qty END", "exec_value", "fees")
	s.add(rowfile.Whole, "fills")
	s.add(rowfile.Text, "status")
	s.add(rowfile.Flag, "open = NOT over")
	s.add(rowfile.Text, "reason")
	s.add(rowfile.Whole, "cancels", "modifies")
	s.add(rowfile.Time, "saw_time = saw_ns")
	s.add(rowfile.Whole, "reacted_ns = CASE WHEN reacted_ns >= 0 THEN reacted_ns END")
	s.add(rowfile.Time, "request_time = local_ns", "sent_time = sent_ns", "answer_time = answer_ns",
		"report_time = report_ns", "fill_time = fill_ns",
		"last_fill_time = last_fill_ns", "end_time = end_ns", "venue_time = venue_ns")
	s.add(rowfile.Text, "currency = i.currency", "origin", "client_id", "venue_order_id")
	s.choose(f, s.exprs[1])
	s.when(f.Open, "over = 0")
	return s
}

// Fills returns executions.
func (d *DB) Fills(ctx context.Context, f *Filter) (*Table, error) {
	s := &selection{from: named("executions"), order: "t.sequence DESC"}
	s.add(rowfile.ID, "sequence = t.sequence")
	s.add(rowfile.Time, "time = time_ns")
	s.add(rowfile.Text, "strategy = s.strategy")
	s.add(rowfile.ID, "incarnation")
	s.add(rowfile.Text, "connector = i.connector", "symbol = i.symbol")
	s.add(rowfile.ID, "order_id")
	s.add(rowfile.Text, "side")
	s.add(rowfile.Number, "price", "qty", "value", "fee", "fee_paid")
	s.add(rowfile.Text, "fee_asset")
	s.add(rowfile.Flag, "maker")
	s.add(rowfile.Text, "kind = t.kind", "learnt")
	s.add(rowfile.Number, "realised", "position")
	s.add(rowfile.Text, "currency = i.currency", "origin", "client_id", "venue_order_id", "execution_id")
	s.add(rowfile.Time, "venue_time = venue_ns")
	s.choose(f, "time_ns")
	t, err := d.query(ctx, s, f.Limit)
	return t.reversed(), err
}

// Events returns what has happened besides orders and money. Without kinds, refused requests are not among them.
func (d *DB) Events(ctx context.Context, f *Filter) (*Table, error) {
	s := &selection{from: named("events"), order: "t.sequence DESC"}
	s.add(rowfile.ID, "sequence = t.sequence")
	s.add(rowfile.Time, "time = time_ns")
	s.add(rowfile.Text, "kind = t.kind", "strategy = s.strategy")
	s.add(rowfile.ID, "incarnation")
	s.add(rowfile.Text, "connector = i.connector", "symbol = i.symbol", "subject", "text", "who")
	s.add(rowfile.Whole, "count")
	s.choose(f, "time_ns")
	s.when(len(f.Kinds) == 0, "t.kind <> 'refused'")
	t, err := d.query(ctx, s, f.Limit)
	return t.reversed(), err
}

// EventKinds returns the kinds of events that there are.
func (d *DB) EventKinds(ctx context.Context) ([]string, error) {
	return d.names(ctx, "SELECT DISTINCT kind FROM events ORDER BY kind")
}

// Strategies returns the names of all strategies, Connectors and Symbols those of all instruments.
func (d *DB) Strategies(ctx context.Context) ([]string, error) {
	return d.names(ctx, "SELECT DISTINCT strategy FROM strategies WHERE strategy <> '' ORDER BY strategy")
}
func (d *DB) Connectors(ctx context.Context) ([]string, error) {
	return d.names(ctx, "SELECT DISTINCT connector FROM instruments ORDER BY connector")
}
func (d *DB) Symbols(ctx context.Context) ([]string, error) {
	return d.names(ctx, "SELECT DISTINCT symbol FROM instruments ORDER BY symbol")
}

func (d *DB) names(ctx context.Context, query string, args ...any) (names []string, err error) {
	rows, err := d.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name sql.NullString
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		names = append(names, name.String)
	}
	return names, rows.Err()
}

// clean rounds numbers to the 15 digits that a float64 has for certain: 60008.200000000004 is the product of a price's
// ticks and the tick size, and nobody has paid that.
func (t *Table) clean() {
	for _, row := range t.Rows {
		for i, v := range row {
			if x, ok := v.(float64); ok {
				row[i], _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64)
			}
		}
	}
}

// reversed turns the order of the rows round.
func (t *Table) reversed() *Table {
	if t != nil {
		slices.Reverse(t.Rows)
	}
	return t
}

// PnL returns realised profit, fees and funding by "day" (UTC), "strategy" or "symbol", each currency apart.
func (d *DB) PnL(ctx context.Context, by string, f *Filter) (*Table, error) {
	s := &selection{}
	group := ""
	switch by {
	case "day":
		s.add(rowfile.Text, "day = strftime('%Y-%m-%d', time_ns / 1000000000, 'unixepoch')")
		group = "1, 2"
	case "strategy":
		s.add(rowfile.Text, "strategy = s.strategy")
		group = "1, 2"
	case "symbol":
		s.add(rowfile.Text, "connector = i.connector", "symbol = i.symbol")
		group = "1, 2, 3"
	default:
		return nil, fmt.Errorf("history: PnL by %q: use day, strategy or symbol", by)
	}
	// Funding in an asset that is not the instrument's currency has a row of its own.
	s.from = `(SELECT time_ns, bot, instrument, NULL AS asset, value, qty, realised, fee, 0.0 AS funding,
		1 AS fill, fee = 0 AND coalesce(fee_paid, 0) <> 0 AS unvalued FROM executions
		UNION ALL SELECT time_ns, bot, instrument, nullif(asset, ''), 0.0, 0.0, 0.0, 0.0, amount, 0, 0 FROM funding)`
	s.from = named(s.from)
	s.add(rowfile.Text, "currency = coalesce(asset, i.currency)")
	s.add(rowfile.Whole, "fills = sum(fill)")
	s.add(rowfile.Number, "traded_value = sum(value)", "realised = sum(realised)", "fees = sum(fee)",
		"funding = sum(funding)",
		"net = sum(realised) - sum(fee) + sum(funding)")
	s.add(rowfile.Whole, "fees_unvalued = sum(unvalued)") // fills whose fee is in none of the sums
	s.choose(f, "time_ns")
	s.group, s.order = group, group
	return d.query(ctx, s, 0)
}
