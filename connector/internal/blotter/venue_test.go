package blotter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// style is how a venue reports and amends.
type style int

const (
	oneChannel  style = iota // status and execution in one report, acknowledgements tell the state, amending keeps the ids
	twoChannels              // status and executions apart, executions without a total, acknowledgements are empty
	replaces                 // as oneChannel, but amending makes a new order of another client id
	numStyles
)

// venueOrder is an order as it truly is.
type venueOrder struct {
	clientID, venueID string
	root              string // client id of the first order of its line
	side              hft.Side
	priceTick         int64
	qty, cum          int64
	value             float64
	status            hft.Status
	ns                int64
}

func (o *venueOrder) open() bool {
	return o.status == hft.StatusNew || o.status == hft.StatusPartiallyFilled
}

type event struct {
	ns  int64
	run func()
}

// randomVenue is a venue whose connection to the blotter is bad.
type randomVenue struct {
	d       *desk
	random  *rand.Rand
	style   style
	events  []event
	orders  []*venueOrder
	trades  []protocol.Report
	chaos   float64 // how bad the connection is
	outage  bool    // the stream is down
	ordered int
	reuse   bool    // bots use the ids of orders that are over again
	lies    float64 // how often what is told is not true
	mute    bool    // no question about an order has an answer
}

func (v *randomVenue) chance(p float64) bool { return v.random.Float64() < p*v.chaos }

func (v *randomVenue) later(ns int64, run func()) {
	v.events = append(v.events, event{v.d.nowNs + ns, run})
}

// latency is short and rarely long, so that things overtake each other.
func (v *randomVenue) latency() int64 {
	if v.chance(0.2) {
		return v.random.Int64N(400 * ms)
	}
	return v.random.Int64N(2 * ms)
}

// run lets everything happen that is due until endNs.
func (v *randomVenue) run(endNs int64) {
	for {
		for _, a := range v.d.actions {
			v.later(v.latency(), func() { v.arrive(a) })
		}
		v.d.actions = v.d.actions[:0]
		next, at := -1, endNs
		for i := range v.events {
			if v.events[i].ns < at {
				next, at = i, v.events[i].ns
			}
		}
		if due := v.d.b.NextDueNs(); due < at {
			v.d.nowNs = max(v.d.nowNs, due)
			v.d.b.Due(v.d.nowNs)
		} else if next < 0 {
			v.d.nowNs = endNs
			return
		} else {
			run := v.events[next].run
			v.events[next] = v.events[len(v.events)-1]
			v.events = v.events[:len(v.events)-1]
			v.d.nowNs = at
			run()
		}
	}
}

// ts is the venue's time, in milliseconds as venues have it.
func (v *randomVenue) ts() int64 { return v.d.nowNs / ms * ms }

// arrive is a request on its way into the venue.
func (v *randomVenue) arrive(a blotter.Action) {
	fail := func(c protocol.Cause) {
		v.later(v.latency(), func() {
			v.d.b.Failed(a.ClientID, a.Request, blotter.Failure{Cause: c}, v.d.nowNs)
		})
	}
	switch {
	case a.Request == blotter.FetchExecutions:
		list := v.distort(v.executions(a.SinceNs)...)
		if !v.chance(0.2) {
			v.later(v.latency(), func() { v.d.b.Executions(list, v.d.nowNs) })
		}
		return
	case v.chance(0.05), v.mute && a.Request == blotter.QueryOrder: // lost on the way
		fail(protocol.Unknown)
		return
	case v.chance(0.03): // late: it was taken for lost already
		fail(protocol.Unknown)
		v.later(v.random.Int64N(3000*ms), func() { v.execute(&a) })
		return
	case v.chance(0.05):
		fail([]protocol.Cause{protocol.Refused, protocol.Overloaded, protocol.OrderRate, protocol.ClockOff}[v.random.IntN(4)])
		return
	}
	r, cause, ok := v.execute(&a)
	switch {
	case v.chance(0.05): // the answer is lost
		v.later(1000*ms, func() {
			v.d.b.Failed(a.ClientID, a.Request, blotter.Failure{Cause: protocol.Unknown}, v.d.nowNs)
		})
	case ok:
		r = v.distort(r)[0]
		v.later(v.latency(), func() {
			v.d.b.Answered(a.ClientID, a.Request, &r, v.d.nowNs)
		})
	default:
		fail(cause)
	}
}

// find returns the newest order that an action is about.
func (v *randomVenue) find(a *blotter.Action) *venueOrder {
	for i := len(v.orders) - 1; i >= 0; i-- {
		if o := v.orders[i]; a.VenueID == o.venueID || a.VenueID == "" && a.ClientID == o.clientID {
			return o
		}
	}
	return nil
}

func (v *randomVenue) execute(a *blotter.Action) (r protocol.Report, cause protocol.Cause, ok bool) {
	o := v.find(a)
	switch a.Request {
	case blotter.Place:
		if o != nil {
			v.d.t.Fatalf("%s is placed twice", a.ClientID)
		}
		if v.chance(0.03) {
			return r, protocol.WouldTake, false
		}
		o = v.place(a.ClientID, a.ClientID, a.Side, a.PriceTick, lots(a.Qty))
		if v.random.IntN(3) == 0 { // it takes
			v.fill(o)
		}
		return v.ack(o), 0, true
	case blotter.QueryOrder:
		if o == nil {
			return r, protocol.NotFound, false
		}
		return v.report(o, protocol.ChannelQuery), 0, true
	}
	if o == nil || !o.open() {
		return r, protocol.Gone, false
	}
	if a.Request == blotter.Cancel {
		v.end(o, hft.StatusCanceled)
		return v.ack(o), 0, true
	}
	return v.amend(o, a)
}

func (v *randomVenue) amend(o *venueOrder, a *blotter.Action) (r protocol.Report, cause protocol.Cause, ok bool) {
	qty := lots(a.Qty)
	if v.style == replaces {
		v.end(o, hft.StatusCanceled)
		if v.chance(0.1) { // and the new one is refused
			r := v.distort(v.report(o, protocol.ChannelAck))[0]
			v.later(v.latency(), func() { _ = v.d.b.Report(&r, v.d.nowNs) })
			return r, protocol.Refused, false
		}
		id := a.NewClientID
		n := v.place(id, o.root, o.side, a.PriceTick, max(qty-lots(a.CumQty), 1))
		return v.ack(n), 0, true
	}
	if qty == o.qty && a.PriceTick == o.priceTick {
		return r, protocol.NoChange, false
	}
	if qty <= o.cum {
		v.end(o, hft.StatusCanceled)
		return v.ack(o), 0, true
	}
	o.qty, o.priceTick, o.ns = qty, a.PriceTick, v.ts()
	v.stream(v.report(o, protocol.ChannelStream))
	return v.ack(o), 0, true
}

func (v *randomVenue) place(id, root string, side hft.Side, priceTick, qty int64) *venueOrder {
	v.ordered++
	o := &venueOrder{clientID: id, venueID: fmt.Sprint("v", v.ordered), root: root, side: side, priceTick: priceTick, qty: qty,
		status: hft.StatusNew, ns: v.ts()}
	v.orders = append(v.orders, o)
	v.stream(v.report(o, protocol.ChannelStream))
	return o
}

// fill executes a part of an order or all of it.
func (v *randomVenue) fill(o *venueOrder) {
	n := 1 + v.random.Int64N(o.qty-o.cum)
	price := float64(o.priceTick) * tick
	o.cum += n
	o.value += price * float64(n)
	o.status, o.ns = hft.StatusPartiallyFilled, v.ts()
	if o.cum == o.qty {
		o.status = hft.StatusFilled
	}
	r := v.report(o, protocol.ChannelStream)
	trade := r
	trade.TradeID, trade.LastQty, trade.LastPrice = fmt.Sprint("t", len(v.trades)), float64(n)*lot, price
	if v.style == twoChannels {
		trade.Status, trade.HasCum, trade.CumQty, trade.AvgPrice = hft.StatusNone, false, 0, 0
		v.stream(trade)
		v.stream(r)
	} else {
		v.stream(trade)
	}
	trade.Status, trade.HasCum, trade.CumQty, trade.AvgPrice, trade.Channel = hft.StatusNone, false, 0, 0, protocol.ChannelQuery
	v.trades = append(v.trades, trade)
}

func (v *randomVenue) end(o *venueOrder, s hft.Status) {
	o.status, o.ns = s, v.ts()
	v.stream(v.report(o, protocol.ChannelStream))
}

// report says how an order is now.
func (v *randomVenue) report(o *venueOrder, c protocol.Channel) protocol.Report {
	r := protocol.Report{Channel: c, Symbol: symbol, ClientID: o.clientID, VenueID: o.venueID, Status: o.status, Side: o.side,
		Price: float64(o.priceTick) * tick, Qty: float64(o.qty) * lot, CumQty: float64(o.cum) * lot, HasCum: true, TimestampNs: o.ns}
	if o.cum > 0 && c != protocol.ChannelAck {
		r.AvgPrice = o.value / float64(o.cum)
	}
	return r
}

// ack is what a request is answered with.
func (v *randomVenue) ack(o *venueOrder) protocol.Report {
	if v.style == twoChannels {
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: symbol, ClientID: o.clientID, VenueID: o.venueID}
	}
	return v.report(o, protocol.ChannelAck)
}

// stream delivers a report: late, twice, in any order, or not.
func (v *randomVenue) stream(r protocol.Report) {
	if v.outage || v.chance(0.1) {
		return
	}
	if v.chance(0.2) {
		r.ClientID = "" // as in fast channels
	}
	for range 1 + v.random.IntN(2) {
		r := v.distort(r)[0]
		v.later(v.latency(), func() { _ = v.d.b.Report(&r, v.d.nowNs) })
	}
}

func (v *randomVenue) executions(sinceNs int64) []protocol.Report {
	var list []protocol.Report
	for _, t := range v.trades {
		if t.TimestampNs >= sinceNs {
			list = append(list, t)
		}
	}
	return list
}

// reconcile is what follows a reconnect.
func (v *randomVenue) reconcile() {
	v.outage = false
	list := v.distort(v.executions(v.d.b.SinceNs(symbol))...)
	var open []protocol.Report
	for _, o := range v.orders {
		if o.open() {
			open = append(open, v.report(o, protocol.ChannelQuery))
		}
	}
	both := []func(){func() { v.d.b.Executions(list, v.d.nowNs) }, func() { _ = v.d.b.Listed(symbol, v.distort(open...), v.d.nowNs, v.d.nowNs) }}
	if v.random.IntN(2) == 0 {
		both[0], both[1] = both[1], both[0]
	}
	both[0]()
	both[1]()
}

// step is something that a bot or the market does.
func (v *randomVenue) step(numOrders *uint64) {
	var cancellable, open []uint64
	for id := uint64(1); id <= *numOrders; id++ {
		if o, ok := v.d.open[id]; ok {
			open = append(open, id)
			if o.Cancellable() {
				cancellable = append(cancellable, id)
			}
		}
	}
	switch n := v.random.IntN(14); {
	case n < 3:
		id := *numOrders + 1
		if v.reuse {
			id = 1 + v.random.Uint64N(4)
		}
		if _, ok := v.d.open[id]; ok {
			return
		}
		*numOrders = max(*numOrders, id)
		side := hft.Buy
		if v.random.IntN(2) == 0 {
			side = hft.Sell
		}
		o := v.d.order(id, 1000+v.random.Int64N(5), float64(1+v.random.IntN(9))*lot, side)
		v.d.submit(o)
	case n < 5 && len(cancellable) > 0:
		v.d.cancel(cancellable[v.random.IntN(len(cancellable))])
	case n < 6 && len(open) > 0: // the host, whatever is in flight
		v.d.cancel(open[v.random.IntN(len(open))])
	case n < 8 && len(cancellable) > 0:
		v.d.modify(cancellable[v.random.IntN(len(cancellable))], 1000+v.random.Int64N(5), float64(1+v.random.IntN(9))*lot)
	case n < 9:
		v.outage, v.mute = v.chance(0.5), v.chance(0.5)
		if !v.outage {
			v.reconcile()
		}
	case len(v.orders) > 0:
		if o := v.orders[v.random.IntN(len(v.orders))]; o.open() {
			if v.random.IntN(8) == 0 {
				v.end(o, hft.StatusExpired)
			} else {
				v.fill(o)
			}
		}
	}
}

func lots(qty float64) int64 { return int64(math.Round(qty / lot)) }

// trade plays one random session, in which some of what is told is not true, and returns it: ended, reconciled, at rest
// and with nothing but the truth told.
func trade(t testing.TB, seed uint64, lies float64) (v *randomVenue, numOrders uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	v = &randomVenue{d: newDesk(t), random: random, style: style(random.IntN(int(numStyles))), reuse: random.IntN(4) == 0, lies: lies}
	v.d.keep = false
	if v.chaos = 1; random.IntN(4) == 0 {
		v.chaos = 0
	}
	for range 10 + random.IntN(30) {
		v.step(&numOrders)
		v.run(v.d.nowNs + random.Int64N(1<<random.IntN(29)+1))
	}
	v.chaos, v.lies, v.mute = 0, 0, false
	v.run(v.d.nowNs + 5000*ms)
	v.reconcile()
	v.run(v.d.nowNs + 60_000*ms)
	if lies > 0 {
		v.reconcile() // the next audit
		v.run(v.d.nowNs + 60_000*ms)
	}
	return v, numOrders
}
