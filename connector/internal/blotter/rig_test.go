package blotter_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	startNs = 1_790_000_000_000_000_000
	ms      = 1_000_000
	symbol  = "BTCUSDT"
	tick    = 0.1
	lot     = 0.001
)

// desk is an Output that does what a host does with it: it keeps the bots' orders and adds up their fills.
type desk struct {
	t       testing.TB
	b       *blotter.Blotter
	codec   *clientid.Codec
	nowNs   int64
	actions []blotter.Action
	errors  []connector.Error
	updates []connector.OrderUpdate

	open     map[uint64]hft.Order // by order id; there is one bot
	finals   map[uint64][]hft.Status
	position float64
	volume   float64
	value    float64
	fee      float64
	numFills int
	numEnds  int
	keep     bool   // updates are kept
	stopped  string // why the instrument takes no new orders
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	codec, err := clientid.New("hr", startNs/ms)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, codec: codec, nowNs: startNs, keep: true, open: make(map[uint64]hft.Order), finals: make(map[uint64][]hft.Status)}
	if d.b, err = blotter.New(blotter.Config{Codec: codec, Output: d}); err != nil {
		t.Fatal(err)
	}
	if err := d.b.Register(blotter.Instrument{No: 3, Symbol: symbol, TickSize: tick, LotSize: lot, BaseAsset: "BTC", QuoteAsset: "USDT"}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) Send(a *blotter.Action) { d.actions = append(d.actions, *a) }
func (d *desk) Error(e *connector.Error) {
	d.errors = append(d.errors, *e)
	switch {
	case e.Code == blotter.CodeStopped:
		d.stopped = e.Val.String()
	case e.Code == blotter.CodeResumed:
		d.stopped = ""
	}
}

// Order does what the host's holding does with an update, and checks what the host relies on.
func (d *desk) Order(u *connector.OrderUpdate) {
	if d.keep {
		d.updates = append(d.updates, *u)
	}
	if u.InstrumentNo != 3 || u.Owner.Bot != 7 {
		d.t.Fatalf("an update of nobody: %+v", u)
	}
	o := u.Order.Order
	if u.Fill {
		if !(u.ExecQty > 0) || !(u.ExecPrice() > 0) || math.IsNaN(u.FillValue) {
			d.t.Fatalf("an execution of nothing: %+v", u)
		}
		d.numFills++
		d.position += u.ExecQty * float64(u.Side)
		d.volume += u.ExecQty
		d.value += u.FillValue
		d.fee += u.FillFee
	}
	known, ok := d.open[o.OrderID]
	if ok && o.ExchTimestampNs < known.ExchTimestampNs && o.Req != hft.StatusRejected {
		d.t.Fatalf("order %d goes back in time: %d after %d", o.OrderID, o.ExchTimestampNs, known.ExchTimestampNs)
	}
	switch {
	case o.Req == hft.StatusRejected:
		if ok && known.Req == hft.StatusNew {
			d.end(&o)
		} else if ok {
			known.Req = hft.StatusNone
			d.open[o.OrderID] = known
		}
	case o.Final():
		if o.Pending() {
			d.t.Fatalf("an order is over and a request of it in flight: %+v", o)
		}
		if ok {
			d.end(&o)
		} else if !u.Fill {
			d.t.Fatalf("the end of order %d again: %+v", o.OrderID, o)
		}
	case ok:
		known.Update(&o)
		d.open[o.OrderID] = known
	default:
		if d.b.Counts().Adopted == 0 {
			d.t.Fatalf("order %d comes back: %+v", o.OrderID, o)
		}
		d.open[o.OrderID] = o
	}
}

func (d *desk) end(o *hft.Order) {
	delete(d.open, o.OrderID)
	d.finals[o.OrderID] = append(d.finals[o.OrderID], o.Status)
	d.numEnds++
}

func (d *desk) order(id uint64, priceTick int64, qty float64, side hft.Side) connector.Order {
	o := connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7, Incarnation: 1},
		Order: hft.NewOrder(id, priceTick, tick, qty, side, hft.Limit, hft.GTC)}
	o.LocalTimestampNs = d.nowNs
	return o
}

// submit, cancel and modify are what the host does before it calls the connector.
func (d *desk) submit(o connector.Order) {
	o.Req = hft.StatusNew
	d.open[o.OrderID] = o.Order
	d.b.Submit(&o, d.nowNs)
}

func (d *desk) cancel(id uint64) {
	o := d.open[id]
	o.Req, o.LocalTimestampNs = hft.StatusCanceled, d.nowNs
	d.open[id] = o
	d.b.Cancel(&connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7, Incarnation: 1}, Order: o}, d.nowNs)
}

func (d *desk) modify(id uint64, priceTick int64, qty float64) {
	o := d.open[id]
	o.Req, o.LocalTimestampNs = hft.StatusReplaced, d.nowNs
	d.open[id] = o
	o.PriceTick, o.Qty = priceTick, qty
	d.b.Modify(&connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7, Incarnation: 1}, Order: o}, d.nowNs)
}

// sent returns the requests sent since the last call, one after the other as text.
func (d *desk) sent() string {
	text := ""
	for _, a := range d.actions {
		if text != "" {
			text += ", "
		}
		text += a.Request.String()
	}
	d.actions = d.actions[:0]
	return text
}

// news returns the updates and errors since the last call as text.
func (d *desk) news() string {
	text := ""
	for _, u := range d.updates {
		if u.Fill {
			text += fmt.Sprintf("fill %v@%v ", u.ExecQty, u.ExecPriceTick)
		}
		text += u.Status.String()
		if u.Req != hft.StatusNone {
			text += "/" + u.Req.String()
		}
		if u.Active() {
			text += fmt.Sprintf(" %v@%d", math.Round(u.LeavesQty/lot), u.PriceTick)
		}
		text += "; "
	}
	for range d.errors {
		text += "error; "
	}
	d.updates, d.errors = d.updates[:0], d.errors[:0]
	return text
}

// after lets time pass and does what is due.
func (d *desk) after(ns int64) {
	d.nowNs += ns
	d.b.Due(d.nowNs)
}
