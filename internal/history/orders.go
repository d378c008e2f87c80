package history

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// orderKey identifies an order in the runner. A strategy may use an id again when its order is over.
type orderKey struct {
	bot                     uint64
	incarnation, instrument uint32
	id                      uint64
}

// orderRow is a row of orders.
type orderRow struct {
	key                                         orderKey
	sequence, lastSequence                      uint64
	origin, clientID, venueID                   string
	side, ordType, tif, status, reason          string
	price, qty, leaves, executed                float64
	value, fees                                 float64
	fills, cancels, modifies                    int64
	over, refused                               bool
	sawNs, reactedNs                            int64
	localNs, requestNs, sentNs, answerNs        int64
	reportNs, fillNs, lastFillNs, endNs, exchNs int64

	dirty, stored bool
}

// keptEnded is the number of ended orders in memory: a later record about another one reads its row from the file.
const keptEnded = 4096

// orderCache has the open orders, and some that are over.
type orderCache struct {
	newest map[orderKey]*orderRow // the last one of a key that was not refused
	ended  []*orderRow            // a ring
	next   int
}

const orderColumns = `sequence, last_sequence, bot, incarnation, instrument, order_id, origin, client_id,
	venue_order_id, side, type, tif, price, qty,
	leaves_qty, exec_qty, exec_value, fees, fills, status, over, refused, reason, cancels, modifies, saw_ns,
	reacted_ns, local_ns, request_ns,
	sent_ns, answer_ns, report_ns, fill_ns, last_fill_ns, end_ns, venue_ns`

// scanOrder reads a row of orderColumns.
func scanOrder(rows interface{ Scan(...any) error }) (*orderRow, error) {
	o := &orderRow{stored: true}
	f := func(x *float64) any { return (*orZero)(x) }
	return o, rows.Scan((*signed)(&o.sequence), (*signed)(&o.lastSequence), (*signed)(&o.key.bot), &o.key.incarnation,
		&o.key.instrument,
		(*signed)(&o.key.id), &o.origin, &o.clientID, &o.venueID, &o.side, &o.ordType, &o.tif, f(&o.price), f(&o.qty),
		f(&o.leaves), f(&o.executed),
		f(&o.value), f(&o.fees), &o.fills, &o.status, &o.over, &o.refused, &o.reason, &o.cancels, &o.modifies,
		&o.sawNs, &o.reactedNs, &o.localNs,
		&o.requestNs, &o.sentNs, &o.answerNs, &o.reportNs, &o.fillNs, &o.lastFillNs, &o.endNs, &o.exchNs)
}

// orZero is a number that may be null.
type orZero float64

// Scan takes the number, 0 for null.
func (x *orZero) Scan(v any) error {
	var n sql.NullFloat64
	err := n.Scan(v)
	*x = orZero(n.Float64)
	return err
}

// load reads the open orders.
func (c *orderCache) load(p *projector) error {
	*c = orderCache{newest: make(map[orderKey]*orderRow), ended: make([]*orderRow, keptEnded)}
	rows, err := p.conn.QueryContext(p.ctx, "SELECT "+orderColumns+" FROM orders WHERE over = 0 ORDER BY sequence")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		o, err := scanOrder(rows)
		if err != nil {
			return err
		}
		c.newest[o.key] = o
	}
	return rows.Err()
}

// save writes a row.
func (o *orderRow) save(p *projector) {
	if !o.dirty {
		return
	}
	write := p.put
	if o.stored {
		write = p.replace
	}
	o.dirty, o.stored = false, true
	write("orders", o.sequence, o.lastSequence, int64(o.key.bot), o.key.incarnation, o.key.instrument,
		int64(o.key.id), o.origin, o.clientID, o.venueID,
		o.side, o.ordType, o.tif, number(o.price), number(o.qty), number(o.leaves), number(o.executed),
		number(o.value), number(o.fees), o.fills,
		o.status, o.over, o.refused, o.reason, o.cancels, o.modifies, o.sawNs, o.reactedNs, o.localNs, o.requestNs,
		o.sentNs, o.answerNs, o.reportNs,
		o.fillNs, o.lastFillNs, o.endNs, o.exchNs)
}

// flush writes what has changed.
func (c *orderCache) flush(p *projector) {
	for _, o := range c.ended {
		if o != nil {
			o.save(p)
		}
	}
	for _, o := range c.newest {
		o.save(p)
	}
}

// retire puts an order that is over into the ring.
func (c *orderCache) retire(p *projector, o *orderRow) {
	if old := c.ended[c.next]; old != nil {
		old.save(p)
		if c.newest[old.key] == old {
			delete(c.newest, old.key)
		}
	}
	c.ended[c.next] = o
	c.next = (c.next + 1) % keptEnded
}

// lookUp returns the first row of a query, nil if there is none. What is in memory only is written first.
func (c *orderCache) lookUp(p *projector, where string, args ...any) *orderRow {
	c.flush(p)
	if p.err != nil {
		return nil
	}
	s, err := p.prepare("SELECT " + orderColumns + " FROM orders WHERE refused = 0 AND " + where +
		" ORDER BY sequence DESC LIMIT 1")
	if err == nil {
		var o *orderRow
		if o, err = scanOrder(s.QueryRowContext(p.ctx, args...)); err == nil {
			return o
		}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		p.err = err
	}
	return nil
}

// sameKey chooses the orders of a key.
const sameKey = "? = bot AND ? = instrument AND ? = order_id AND ? = incarnation"

// find returns the order that a record is about, nil if there is none. It is the newest of its id, unless the record
// says otherwise: by another first client id, or by an earlier request.
func (c *orderCache) find(p *projector, key orderKey, origin string, localNs int64) *orderRow {
	o, cached := c.newest[key]
	if !cached {
		o = c.lookUp(p, sameKey, int64(key.bot), key.instrument, int64(key.id), key.incarnation)
		if o != nil {
			c.newest[key] = o
			c.retire(p, o) // open ones are in memory
		}
	}
	switch {
	case o == nil:
	case origin != "" && o.origin != "" && o.origin != origin:
		return c.earlier(p, "? = origin", origin)
	case localNs > 0 && localNs < o.localNs:
		return c.earlier(p, sameKey+" AND ? > sequence", int64(key.bot), key.instrument, int64(key.id),
			key.incarnation, o.sequence)
	}
	return o
}

// earlier returns an order that is not the newest of its id.
func (c *orderCache) earlier(p *projector, where string, args ...any) *orderRow {
	o := c.lookUp(p, where, args...)
	if o == nil {
		return nil
	}
	if known := c.newest[o.key]; known != nil && known.sequence == o.sequence {
		return known
	}
	for _, known := range c.ended {
		if known != nil && known.sequence == o.sequence {
			return known
		}
	}
	c.retire(p, o)
	return o
}

// orderOf returns the order in a record.
func orderOf(r *journal.Record) *hft.Order {
	var o hft.Order
	switch r.Kind {
	case journal.KindRequest:
		o = bodyOf[journal.Request](r).Order
	case journal.KindRefused:
		o = bodyOf[journal.Refusal](r).Order
	case journal.KindSent:
		o = bodyOf[journal.Sent](r).Order
	case journal.KindAnswered:
		o = bodyOf[journal.Answer](r).Order
	case journal.KindOrder:
		o = bodyOf[journal.OrderState](r).Order
	case journal.KindExecution, journal.KindReconciled:
		o = bodyOf[journal.Execution](r).Order
	default:
		return nil
	}
	return &o
}

// originOf returns the first client id in a record about an order.
func originOf(r *journal.Record) string {
	switch r.Kind {
	case journal.KindSent, journal.KindAnswered, journal.KindOrder, journal.KindExecution:
		return r.Text(0)
	}
	return ""
}

func keyOf(r *journal.Record, o *hft.Order) orderKey {
	return orderKey{r.Bot, r.Incarnation, r.Instrument, o.OrderID}
}

// newOrder begins a row.
func newOrder(r *journal.Record, o *hft.Order) *orderRow {
	return &orderRow{key: keyOf(r, o), sequence: r.Sequence, lastSequence: r.Sequence,
		side:    strings.ToLower(o.Side.String()),
		ordType: strings.ToLower(o.OrdType.String()), tif: strings.ToLower(o.TimeInForce.String()), price: o.Price(),
		qty: o.Qty, leaves: o.LeavesQty,
		reactedNs: -1, status: statusName(o.Status), dirty: true}
}

// statusName returns a status; that of an order of which the venue has said nothing yet is that it was requested.
func statusName(s hft.Status) string {
	switch s {
	case hft.StatusNone:
		return "requested"
	case hft.StatusPartiallyFilled:
		return "partially_filled"
	}
	return strings.ToLower(s.String())
}

// order takes a record about an order.
func (p *projector) order(r *journal.Record) {
	c, o := &p.orders, orderOf(r)
	if r.Kind == journal.KindRequest && o.Req == hft.StatusNew {
		p.submitted(r, o)
		return
	}
	row := c.find(p, keyOf(r, o), originOf(r), o.LocalTimestampNs)
	if row == nil {
		if r.Kind == journal.KindRequest || r.Kind == journal.KindAnswered ||
			o.Req == hft.StatusRejected && !o.Final() {
			return // its order is unknown
		}
		row = newOrder(r, o)
		row.localNs = o.LocalTimestampNs
		c.newest[row.key] = row
	}
	wasOver := row.over
	row.lastSequence, row.dirty = r.Sequence, true
	switch r.Kind {
	case journal.KindRequest:
		if o.Req == hft.StatusCanceled {
			row.cancels++
		} else {
			row.modifies++
		}
	case journal.KindSent, journal.KindAnswered:
		row.exchange(r, o)
	default:
		row.report(r, o)
	}
	if row.over && !wasOver {
		c.retire(p, row)
	}
}

// submitted begins the row of a request.
func (p *projector) submitted(r *journal.Record, o *hft.Order) {
	b := bodyOf[journal.Request](r)
	row := newOrder(r, o)
	row.sawNs, row.reactedNs, row.localNs, row.requestNs = b.SawNs, b.ReactedNs, o.LocalTimestampNs, r.TimeNs
	if old := p.orders.newest[row.key]; old != nil && !old.over { // the id was free: there is no record of its end
		old.over, old.status, old.dirty = true, "unknown", true
		p.orders.retire(p, old)
	}
	p.orders.newest[row.key] = row
}

// exchange takes what was sent to the venue, or its answer.
func (row *orderRow) exchange(r *journal.Record, o *hft.Order) {
	if row.origin == "" {
		row.origin = r.Text(0)
	}
	if row.clientID == "" {
		row.clientID = r.Text(1)
	}
	if r.Kind == journal.KindSent {
		if o.Req == hft.StatusNew && row.sentNs == 0 {
			row.sentNs = r.TimeNs
		}
		return
	}
	if id := r.Text(2); id != "" {
		row.venueID = id
	}
	if o.Req == hft.StatusNew && row.answerNs == 0 {
		row.answerNs = r.TimeNs
		row.reason = r.Text(3)
	}
}

// report takes a report to the strategy.
func (row *orderRow) report(r *journal.Record, o *hft.Order) {
	if r.Kind == journal.KindOrder || r.Kind == journal.KindExecution {
		if origin := r.Text(0); origin != "" {
			row.origin, row.clientID = origin, r.Text(1)
		}
		if id := r.Text(2); id != "" {
			row.venueID = id
		}
	}
	if row.reportNs == 0 {
		row.reportNs = r.TimeNs
	}
	row.exchNs = max(row.exchNs, o.ExchTimestampNs)
	if r.Kind != journal.KindOrder {
		b := bodyOf[journal.Execution](r)
		row.executed += o.ExecQty
		row.value += b.Value
		row.fees += b.Fee
		row.fills++
		row.lastFillNs = r.TimeNs
		if row.fillNs == 0 {
			row.fillNs = r.TimeNs
		}
	}
	if row.over || o.Req == hft.StatusRejected && !o.Final() {
		return // a late execution, or the refusal of another request
	}
	row.price, row.qty, row.leaves, row.status = o.Price(), o.Qty, o.LeavesQty, statusName(o.Status)
	if o.Final() {
		row.over, row.endNs = true, r.TimeNs
	}
}

// refusal takes a request that was not sent.
func (p *projector) refusal(r *journal.Record) {
	o := orderOf(r)
	if o.Req == hft.StatusNew {
		row := newOrder(r, o)
		row.status, row.reason, row.over, row.refused, row.requestNs, row.endNs = "refused", r.Text(1), true, true,
			r.TimeNs, r.TimeNs
		row.localNs, row.leaves = o.LocalTimestampNs, 0
		row.save(p)
		return
	}
	if o.OrderID == 0 && o.Side == hft.SideNone {
		return // a count of several
	}
	if row := p.orders.find(p, keyOf(r, o), "", o.LocalTimestampNs); row != nil {
		row.lastSequence, row.dirty = r.Sequence, true
	}
}
