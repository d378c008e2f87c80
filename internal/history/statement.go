package history

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Methods by which a statement tells what was realised.
const (
	// Average is by the average price of the position, FIFO by the oldest part of it that is left.
	Average = "average"
	FIFO    = "fifo"
)

// StatementOptions configures a Statement.
type StatementOptions struct {
	Filter
	Method string
	// Account takes all strategies on an instrument as one position, as the venue does. Otherwise each has its own.
	Account bool
}

// Statement sums up a period for accountants.
type Statement struct {
	// Positions has a row for each strategy and instrument, or each instrument; Fees and Funding one for each asset.
	Positions, Fees, Funding *Table
	// Lines are the executions and settlements, in their order.
	Lines *Table
}

// lot is a part of a position, bought or sold at one price.
type lot struct{ qty, price float64 }

// ledger is a position and the prices at which it came about.
type ledger struct {
	fifo    bool
	lotSize float64
	lots    []lot // one by the average method
	unit    float64
}

func (l *ledger) position() (sum float64) {
	for _, x := range l.lots {
		sum += x.qty
	}
	if whole, ok := hft.WholeLots(sum, l.lotSize); ok {
		return whole
	}
	return sum
}

// price returns the average price of the position.
func (l *ledger) price() (sum float64) {
	qty := 0.0
	for _, x := range l.lots {
		sum, qty = sum+x.qty*x.price, qty+x.qty
	}
	return sum / qty
}

// trade takes an execution of qty (signed) at a price and returns what it has realised.
func (l *ledger) trade(qty, price, unit float64) (realised float64) {
	l.unit = unit
	for len(l.lots) > 0 && (l.lots[0].qty > 0) != (qty > 0) && qty != 0 {
		first := &l.lots[0]
		closed := math.Copysign(min(math.Abs(qty), math.Abs(first.qty)), first.qty)
		realised += closed * (price - first.price) * unit
		first.qty, qty = l.whole(first.qty-closed), l.whole(qty+closed)
		if first.qty == 0 {
			l.lots = l.lots[1:]
		}
	}
	switch {
	case qty == 0:
	case l.fifo || len(l.lots) == 0:
		l.lots = append(l.lots, lot{qty, price})
	default:
		first := &l.lots[0]
		first.price = (first.qty*first.price + qty*price) / (first.qty + qty)
		first.qty = l.whole(first.qty + qty)
	}
	return realised
}

// execute is trade of an execution's figures; feeQty was taken of the position as the fee.
func (l *ledger) execute(side string, qty, price, value, feeQty float64) (realised float64) {
	if qty == 0 || price == 0 {
		return 0
	}
	if side == "sell" {
		return l.trade(-qty-feeQty, price, value/(qty*price))
	}
	return l.trade(qty-feeQty, price, value/(qty*price))
}

// whole returns a quantity in whole lots, if it is one except for the noise of binary fractions.
func (l *ledger) whole(qty float64) float64 {
	if whole, ok := hft.WholeLots(qty, l.lotSize); ok && l.lotSize > 0 {
		return whole
	}
	return qty
}

// statementKey is a position of a statement; bot is 0 for the account's.
type statementKey struct {
	bot        uint64
	instrument uint32
}

// statementSums are the sums of a position.
type statementSums struct {
	names                                  [4]any // strategy, connector, symbol, currency
	opening, bought, boughtValue           float64
	sold, soldValue, realised, fees, funds float64
	executions                             int64
	ledger                                 ledger
	began                                  bool // opening is known
}

// Statement returns what was traded, paid and realised in a time.
func (d *DB) Statement(ctx context.Context, o *StatementOptions) (*Statement, error) {
	if o.Method != Average && o.Method != FIFO {
		return nil, fmt.Errorf("history: method %q: use %s or %s", o.Method, Average, FIFO)
	}
	b := &statementBuilder{options: o, positions: make(map[statementKey]*statementSums),
		fees: make(map[string]float64), funding: make(map[string]float64)}
	b.lines = &Table{Columns: linesColumns()}
	s := &selection{order: "t.sequence",
		from: named(`(SELECT sequence, time_ns, bot, instrument, order_id, kind, side, qty, price, value, fee,
		fee_paid, fee_qty, fee_asset,
		0.0 AS amount, fresh, venue_order_id, execution_id, client_id, venue_ns FROM executions
		UNION ALL SELECT sequence, time_ns, bot, instrument, 0, 'funding', '', 0.0, price, 0.0, 0.0, 0.0, 0.0, asset,
			amount, 0, '', venue_id, '', venue_ns FROM funding)`)}
	s.add(rowfile.ID, "sequence = t.sequence", "bot = t.bot", "order_id")
	s.add(rowfile.Whole, "instrument = t.instrument", "time_ns", "venue_ns")
	s.add(rowfile.Flag, "fresh")
	s.add(rowfile.Text, "strategy = s.strategy", "connector = i.connector", "symbol = i.symbol",
		"currency = i.currency", "kind = t.kind", "side", "fee_asset", "venue_order_id",
		"execution_id", "client_id")
	s.add(rowfile.Number, "qty", "price", "value", "fee", "fee_paid", "amount", "lot_size", "fee_qty")
	f := o.Filter
	f.SinceNs, f.Kinds, f.Limit = 0, nil, 0 // positions come from before
	s.choose(&f, "time_ns")
	text := "SELECT " + strings.Join(s.exprs, ", ") + s.clauses() + " ORDER BY " + s.order
	if err := d.scan(ctx, text, s, b.take); err != nil {
		return nil, err
	}
	st := &Statement{Positions: b.sums(), Fees: assets(b.fees, "paid"), Funding: assets(b.funding, "received"),
		Lines: b.lines}
	for _, t := range []*Table{st.Positions, st.Fees, st.Funding, st.Lines} {
		t.clean()
	}
	return st, nil
}

func linesColumns() []rowfile.Column {
	s := &selection{}
	s.add(rowfile.ID, "sequence")
	s.add(rowfile.Time, "time", "venue_time")
	s.add(rowfile.Text, "line", "strategy", "connector", "symbol", "side")
	s.add(rowfile.Number, "qty", "price", "value")
	s.add(rowfile.Text, "currency")
	s.add(rowfile.Number, "realised", "position", "fee", "fee_paid")
	s.add(rowfile.Text, "fee_asset")
	s.add(rowfile.Number, "funding")
	s.add(rowfile.Text, "funding_asset", "venue_order_id", "venue_id", "client_id")
	s.add(rowfile.ID, "order_id")
	return s.columns
}

// statementBuilder sums up.
type statementBuilder struct {
	options       *StatementOptions
	positions     map[statementKey]*statementSums
	fees, funding map[string]float64
	lines         *Table
}

func textOf(v any) string { s, _ := v.(string); return s }

func numberOf(v any) float64 { x, _ := v.(float64); return x }

// take takes a row of the query: an execution or a settlement.
func (b *statementBuilder) take(row []any) {
	bot, instrument := row[1].(uint64), row[3].(int64)
	timeNs, fresh := row[4].(int64), row[6].(bool)
	currency, kind, side, asset := textOf(row[10]), textOf(row[11]), textOf(row[12]), textOf(row[13])
	qty, price, value, fee, feePaid, amount := numberOf(row[17]), numberOf(row[18]), numberOf(row[19]),
		numberOf(row[20]), numberOf(row[21]), numberOf(row[22])
	p := b.position(statementKey{bot, uint32(instrument)}, row)
	within := timeNs >= b.options.SinceNs
	if within && !p.began {
		p.began, p.opening = true, p.ledger.position()
	}
	if fresh && !b.options.Account { // the strategy's position was forgotten
		p.ledger.lots = nil
	}
	if asset == "" {
		asset = currency
	}
	realised := 0.0
	if kind != "funding" {
		realised = p.ledger.execute(side, qty, price, value, numberOf(row[24]))
	}
	if !within {
		return
	}
	line := []any{row[0], timeNs, valueOf(rowfile.Time, row[5]), kind, row[7], row[8], row[9], row[12], row[17],
		row[18], row[19], row[10], realised, p.ledger.position(),
		row[20], row[21], asset, nil, nil, row[14], row[15], row[16], row[2]}
	if kind == "funding" {
		b.funding[asset] += amount
		if asset == currency {
			p.funds += amount
		}
		for _, at := range []int{7, 8, 9, 10, 11, 12, 14, 15, 16, 22} {
			line[at] = nil
		}
		line[17], line[18] = amount, asset
	} else {
		if feePaid == 0 && fee != 0 && asset == currency {
			feePaid = fee
		}
		b.fees[asset] += feePaid
		p.add(side, qty, value, fee, realised)
	}
	b.lines.Rows = append(b.lines.Rows, line)
}

// add takes an execution of the statement's time.
func (p *statementSums) add(side string, qty, value, fee, realised float64) {
	p.executions++
	p.realised += realised
	p.fees += fee
	if side == "sell" {
		p.sold, p.soldValue = p.sold+qty, p.soldValue+value
	} else {
		p.bought, p.boughtValue = p.bought+qty, p.boughtValue+value
	}
}

func (b *statementBuilder) position(key statementKey, row []any) *statementSums {
	names := [4]any{row[7], row[8], row[9], row[10]}
	if b.options.Account {
		key.bot, names[0] = 0, nil
	}
	p := b.positions[key]
	if p == nil {
		p = &statementSums{names: names, ledger: ledger{fifo: b.options.Method == FIFO, lotSize: numberOf(row[23])}}
		b.positions[key] = p
	}
	return p
}

// sums returns a row for each position that had something in the time, or is not flat.
func (b *statementBuilder) sums() *Table {
	s := &selection{}
	s.add(rowfile.Text, "strategy", "connector", "symbol", "currency")
	s.add(rowfile.Number, "opening_position")
	s.add(rowfile.Whole, "executions")
	s.add(rowfile.Number, "bought", "bought_value", "sold", "sold_value", "realised", "fees", "funding", "net",
		"closing_position", "closing_price")
	t := &Table{Columns: s.columns}
	for _, p := range b.positions {
		closing := p.ledger.position()
		if !p.began {
			p.opening = closing
		}
		if !p.began && closing == 0 {
			continue
		}
		t.Rows = append(t.Rows, []any{p.names[0], p.names[1], p.names[2], p.names[3], p.opening, p.executions,
			p.bought, p.boughtValue, p.sold, p.soldValue,
			p.realised, p.fees, p.funds, p.realised - p.fees + p.funds, closing, finite(p.ledger.price())})
	}
	slices.SortFunc(t.Rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(textOf(a[1]), textOf(b[1])), cmp.Compare(textOf(a[2]), textOf(b[2])),
			cmp.Compare(textOf(a[0]), textOf(b[0])))
	})
	t.All = len(t.Rows)
	return t
}

// assets returns a row for each asset.
func assets(sums map[string]float64, title string) *Table {
	t := &Table{Columns: []rowfile.Column{{Name: "asset", Type: rowfile.Text}, {Name: title, Type: rowfile.Number}}}
	for asset, sum := range sums {
		t.Rows = append(t.Rows, []any{asset, sum})
	}
	slices.SortFunc(t.Rows, func(a, b []any) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	t.All = len(t.Rows)
	return t
}
