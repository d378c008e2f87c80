package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// shownRows is the default of --limit for tables that people read.
const shownRows = 100

// question are the flags that the queries of the history have in common.
type question struct {
	state                       stateFlags
	strategy, connector, symbol string
	since, until, out           string
	kinds                       []string
	open                        bool
	limit                       int
}

// addNames adds the flags that choose by name.
func (q *question) addNames(c *cobra.Command) {
	q.state.add(c)
	f := c.Flags()
	f.StringVar(&q.strategy, "strategy", "", "only those of the strategy `NAME`")
	f.StringVar(&q.connector, "connector", "", "only those at the connector `NAME`")
	f.StringVar(&q.symbol, "symbol", "", "only those of the `SYMBOL`")
}

func (q *question) add(c *cobra.Command) {
	q.addNames(c)
	f := c.Flags()
	f.StringVar(&q.since, "since", "", "`TIME` to start at, UTC: "+sinceHelp)
	f.StringVar(&q.until, "until", "", "`TIME` to end before")
	f.StringVar(&q.out, "out", "", "write all columns to a `FILE` instead, .csv or .parquet")
}

func (q *question) addLimit(c *cobra.Command) {
	c.Flags().IntVar(&q.limit, "limit", shownRows,
		"show the newest `N`; 0 is all, as with JSON and files unless a number is given")
}

// filter returns what the flags choose.
func (q *question) filter(s *settings, cmd *cobra.Command) (f history.Filter, err error) {
	f = history.Filter{Strategy: q.strategy, Connector: q.connector, Symbol: q.symbol, Kinds: q.kinds, Open: q.open,
		Limit: q.limit}
	if given := cmd.Flags().Lookup("limit"); given == nil || !given.Changed && (s.json() || q.out != "") {
		f.Limit = 0
	}
	if f.Limit < 0 {
		return f, fmt.Errorf("--limit is %d: must be at least 0", f.Limit)
	}
	if f.SinceNs, err = s.parseTime("since", q.since); err != nil {
		return f, err
	}
	f.UntilNs, err = s.parseTime("until", q.until)
	return f, err
}

// ask opens the history for fn, up to date, and says afterwards what the journal lacks.
func (q *question) ask(ctx context.Context, s *settings, fn func(*history.DB) error) error {
	if _, err := q.state.journalDir(s); err != nil {
		return err
	}
	dir, err := q.state.directory(s)
	if err != nil {
		return err
	}
	d, err := history.Open(ctx, dir)
	if err != nil {
		return withCode(ExitFailure, err)
	}
	defer func() { _ = d.Close() }()
	if err := q.known(ctx, d); err != nil {
		return err
	}
	err = fn(d)
	var coded *codedError
	if err != nil && !errors.As(err, &coded) {
		err = withCode(ExitFailure, err)
	}
	return s.tellDamage(d.Damage(), err)
}

// known refuses names that nothing in the history has.
func (q *question) known(ctx context.Context, d *history.DB) error {
	for _, n := range []struct {
		what, name string
		all        func(context.Context) ([]string, error)
	}{{"strategy", q.strategy, d.Strategies}, {"connector", q.connector, d.Connectors}, {"symbol", q.symbol,
		d.Symbols}} {
		if n.name == "" {
			continue
		}
		all, err := n.all(ctx)
		if err != nil {
			return withCode(ExitFailure, err)
		}
		if slices.Contains(all, n.name) {
			continue
		}
		if near := control.Nearest(n.name, all); near != "" {
			return withCode(ExitUsage, fmt.Errorf("there is no %s %q in the journal; did you mean %q?", n.what,
				n.name, near))
		}
		return withCode(ExitUsage, fmt.Errorf("there is no %s %q in the journal; there are %s", n.what, n.name,
			strings.Join(all, ", ")))
	}
	return nil
}

// view is a table as people see it: titles of columns, as columns makes them, by the names of the table's; a name
// that ends in $ is of money that comes or goes, in # of an amount.
type view struct {
	name   string // in JSON
	shown  []string
	titles []string
	none   string // what is said of no rows
	// since: rows from before the oldest record that is kept may be missing.
	since bool
}

// answer prints a table, or writes it to a file.
func (q *question) answer(s *settings, d *history.DB, t *history.Table, v *view) error {
	if q.out != "" {
		return s.writeTable(q.out, t)
	}
	if s.json() {
		return s.printTableJSON(d, t, v.name)
	}
	s.printRows(t, v.none, v.shown, v.titles)
	s.printUpTo(d, v.since)
	if len(t.Rows) < t.All {
		fmt.Fprintf(s.app.Stdout, "the newest %s of %s: --limit 0 shows all\n", whole(len(t.Rows)), whole(t.All))
	}
	return nil
}

// printRows prints a table, or what is said if it has no rows.
func (s *settings) printRows(t *history.Table, nothing string, shown, titles []string) {
	if len(t.Rows) == 0 {
		fmt.Fprintln(s.app.Stdout, nothing)
		return
	}
	printTable(s.app.Stdout, columns(titles...), shownCells(t, shown))
}

// shownCells returns the cells of all rows that are shown.
func shownCells(t *history.Table, shown []string) [][]string {
	rows := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = cells(t, row, shown)
	}
	return rows
}

// cells returns the cells of a row that are shown.
func cells(t *history.Table, row []any, shown []string) []string {
	texts := make([]string, len(shown))
	for i, name := range shown {
		style := byte(0)
		if end := name[len(name)-1]; end == '$' || end == '#' {
			name, style = name[:len(name)-1], end
		}
		at := slices.IndexFunc(t.Columns, func(c rowfile.Column) bool { return c.Name == name })
		texts[i] = cellText(row[at], t.Columns[at].Type, style)
	}
	return texts
}

func cellText(v any, t rowfile.ColumnType, style byte) string {
	switch x := v.(type) {
	case nil:
		return none
	case float64:
		switch style {
		case '$':
			return money(x)
		case '#':
			return amount(x)
		}
		return decimal(x)
	case int64:
		if t == rowfile.Time {
			return stamp(x)
		}
		return whole(x)
	case bool:
		return choose(x, "yes", "no")
	}
	return fmt.Sprint(v)
}

// stamp returns a time as tables have it.
func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000") }

// printUpTo names the records that an answer is made of.
func (s *settings) printUpTo(d *history.DB, since bool) {
	up := d.UpTo()
	text := fmt.Sprintf("up to record %d of %s UTC", up.Sequence, stamp(up.TimeNs))
	if since && up.FirstSequence > 1 {
		text += fmt.Sprintf("; what is not about money is kept from record %d of %s UTC on", up.FirstSequence,
			stamp(up.FirstNs))
	}
	fmt.Fprintln(s.app.Stdout, text)
}

// upToForm is the JSON form of what an answer is made of.
type upToForm struct {
	Sequence uint64 `json:"sequence"`
	Time     string `json:"time"`
	// FirstSequence is the first from which on there is every record: of before, there may be only what is about
	// money.
	FirstSequence uint64 `json:"first_sequence"`
	FirstTime     string `json:"first_time"`
}

func upToOf(d *history.DB) upToForm {
	up := d.UpTo()
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format(rowfile.TimeFormat) }
	return upToForm{up.Sequence, at(up.TimeNs), up.FirstSequence, at(up.FirstNs)}
}

func (s *settings) printTableJSON(d *history.DB, t *history.Table, name string) error {
	rows, err := jsonRows(t)
	if err != nil {
		return err
	}
	return printJSON(s.app.Stdout, map[string]any{"up_to": upToOf(d), name: rows, "total": t.All})
}

// jsonRows returns the rows of a table as objects.
func jsonRows(t *history.Table) ([]json.RawMessage, error) {
	rows := make([]json.RawMessage, len(t.Rows))
	fields := make([]history.Field, len(t.Columns))
	for n, row := range t.Rows {
		for i, c := range t.Columns {
			fields[i] = history.Field{Column: c, Value: row[i]}
		}
		var err error
		if rows[n], err = jsonObject(fields); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// writeTable writes a table to a file.
func (s *settings) writeTable(path string, t *history.Table) error {
	sheet, err := rowfile.CreateSheet(path, t.Columns)
	if err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := sheet.Write(row); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", path, err), sheet.Close())
		}
	}
	if err := sheet.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if s.json() {
		return printJSON(s.app.Stdout, map[string]any{"out": path, "rows": len(t.Rows)})
	}
	fmt.Fprintf(s.app.Stdout, "%s: %s\n", path, count(len(t.Rows), "row"))
	return nil
}

// tableCommand makes a command that answers with one table.
func (s *settings) tableCommand(use, short, long string, v *view, query func(d *history.DB, ctx context.Context,
	f *history.Filter) (*history.Table, error)) (*cobra.Command, *question) {
	q := &question{}
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: noArguments,
		PreRunE: func(*cobra.Command, []string) error { return checkSheet(q.out) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := q.filter(s, cmd)
			if err != nil {
				return withCode(ExitUsage, err)
			}
			return q.ask(cmd.Context(), s, func(d *history.DB) error {
				t, err := query(d, cmd.Context(), &f)
				if err != nil {
					return err
				}
				return q.answer(s, d, t, v)
			})
		}}
	q.add(c)
	return c, q
}

// checkSheet refuses the name of a table's file that has no format.
func checkSheet(path string) error {
	if path != "" && !strings.HasSuffix(path, ".csv") && !strings.HasSuffix(path, ".parquet") {
		return fmt.Errorf("--out is %q: must end in .csv or .parquet", path)
	}
	return nil
}

// historyLong ends the help of all queries.
const historyLong = "\nThe answer comes from the journal in <state_dir>/journal, whether or not a host is running, by way of\n" +
	"<state_dir>/history.db, which is brought up to date first and may be deleted. It names the record up to\n" +
	"which it is true. Times are UTC."

// ordersView is orders as people see them.
func ordersView() *view {
	return &view{name: "orders", none: "no orders", since: true,
		shown: []string{"sequence", "time", "strategy", "connector", "symbol", "order_id", "side", "price",
			"qty", "exec_qty", "avg_price", "fees#", "status", "reason"},
		titles: []string{">record", "time", "strategy", "connector", "symbol", ">order", "side", ">price", ">qty",
			">filled", ">at", ">fees", "status", "reason"}}
}

func (s *settings) ordersCommand() *cobra.Command {
	c, q := s.tableCommand("orders", "list orders, one per line: what was asked, what was done, how it ended",
		"orders lists orders by their first record. An open one is not known to be over: after a crash, the venue\n"+
			"knows more."+historyLong,
		ordersView(),
		(*history.DB).Orders)
	c.Flags().BoolVar(&q.open, "open", false, "only orders that are not known to be over")
	q.addLimit(c)
	return c
}

func (s *settings) fillsCommand() *cobra.Command {
	c, q := s.tableCommand("fills", "list executions",
		"fills lists executions. Realised is what an execution has realised, without fees."+historyLong,
		&view{name: "fills", none: "no executions",
			shown: []string{"sequence", "time", "strategy", "connector", "symbol", "order_id", "side", "price",
				"qty", "value#", "fee#", "fee_asset", "maker", "realised$", "position", "kind"},
			titles: []string{">record", "time", "strategy", "connector", "symbol", ">order", "side", ">price", ">qty",
				">value", ">fee", "paid in", "maker", ">realised", ">position", "kind"}},
		(*history.DB).Fills)
	q.addLimit(c)
	return c
}

func (s *settings) eventsCommand() *cobra.Command {
	c, q := s.tableCommand("events", "list runs, processes, commands, missing books, alerts and what else has happened",
		"events lists what has happened besides orders and money. Refused requests are shown with --kind refused."+historyLong,
		&view{name: "events", none: "no events", since: true,
			shown:  []string{"sequence", "time", "kind", "strategy", "connector", "symbol", "subject", "text", "who"},
			titles: []string{">record", "time", "kind", "strategy", "connector", "symbol", "subject", "what", "who"}},
		(*history.DB).Events)
	c.Flags().StringSliceVar(&q.kinds, "kind", nil, "only events of these `KINDS`, as 'runner journal cat' shows them")
	check := c.PreRunE
	c.PreRunE = func(cmd *cobra.Command, args []string) error {
		for _, k := range q.kinds {
			if _, err := journal.ParseKind(k); err != nil {
				return err
			}
		}
		return check(cmd, args)
	}
	q.addLimit(c)
	return c
}

func (s *settings) pnlCommand() *cobra.Command {
	by := "day"
	v := &view{name: "pnl", none: "nothing was traded"}
	c, _ := s.tableCommand("pnl", "sum up realised profit, fees and funding by day, strategy or symbol",
		"pnl sums up executions and funding, each currency apart. Realised is by the average price of a\n"+
			"strategy's position, without fees; net is realised less fees plus funding. What open positions would\n"+
			"bring is shown by 'runner ps'."+historyLong, v,
		func(d *history.DB, ctx context.Context, f *history.Filter) (*history.Table, error) {
			v.shown, v.titles = []string{by}, []string{by}
			if by == "symbol" {
				v.shown, v.titles = []string{"connector", "symbol"}, []string{"connector", "symbol"}
			}
			v.shown = append(v.shown, "currency", "fills", "traded_value#", "realised$", "fees#", "funding$", "net$")
			v.titles = append(v.titles, "currency", ">fills", ">traded", ">realised", ">fees", ">funding", ">net")
			return d.PnL(ctx, by, f)
		})
	c.Flags().StringVar(&by, "by", by, "day, strategy or symbol")
	check := c.PreRunE
	c.PreRunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains([]string{"day", "strategy", "symbol"}, by) {
			return fmt.Errorf("--by is %q: must be day, strategy or symbol", by)
		}
		return check(cmd, args)
	}
	return c
}
