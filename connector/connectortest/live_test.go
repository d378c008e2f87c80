package connectortest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// liveDefect is one way in which a live connector breaks the contract.
type liveDefect int

const (
	faultless liveDefect = iota
	staysAway
	keepsTheBook
	saysNothing
	tellsTwice
	tellsLess
	sendsTwice
	adoptsNobody
	ignoresGaps
	numLiveDefects
)

// world is an exchange that is all in the head, with one instrument, and the account at it.
type world struct {
	mu     sync.Mutex
	defect liveDefect
	mid    float64
	orders []*worldOrder
	pos    float64
	lose   bool
	conn   *worldConn
}

type worldOrder struct {
	connector.Order
	open     bool
	executed float64
}

// worldConn is a connector to it. It answers at once, from the caller's goroutine.
type worldConn struct {
	w     *world
	insts []connector.Instrument
	early []connector.Order
	sink  connector.Sink
	ended bool
	// away says that connections are down: what happens is told when they are back.
	away bool
}

func (c *worldConn) Register(inst connector.Instrument) { c.insts = append(c.insts, inst) }
func (c *worldConn) Submit(o connector.Order)           { c.request(o, hft.StatusNew) }
func (c *worldConn) Cancel(o connector.Order)           { c.request(o, hft.StatusCanceled) }
func (c *worldConn) Modify(o connector.Order)           { c.request(o, hft.StatusReplaced) }

func (c *worldConn) request(o connector.Order, req hft.Status) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	o.Req = req
	switch {
	case c.ended:
	case c.sink == nil:
		c.early = append(c.early, o)
	default:
		c.handle(o)
	}
}

func (c *worldConn) tell(o connector.Order, status hft.Status) {
	u := connector.OrderUpdate{Order: o}
	u.Status, u.Req = status, hft.StatusNone
	c.sink.Order(&u)
}

func (c *worldConn) refuse(o connector.Order) {
	u := connector.OrderUpdate{Order: o}
	u.Req = hft.StatusRejected
	c.sink.Order(&u)
}

func (c *worldConn) handle(o connector.Order) {
	i := slices.IndexFunc(c.w.orders,
		func(other *worldOrder) bool { return other.open && sinktest.KeyOf(&other.Order) == sinktest.KeyOf(&o) })
	switch {
	case o.Req == hft.StatusNew && i >= 0:
		e := connector.Error{InstrumentNo: o.InstrumentNo, Owner: o.Owner,
			LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue("duplicate"))}
		e.OrderID = o.OrderID
		c.sink.Error(&e)
	case o.Req == hft.StatusNew:
		c.place(o)
	case i < 0:
		c.refuse(o)
	case o.Req == hft.StatusCanceled:
		c.w.orders[i].open = false
		c.tell(c.w.orders[i].Order, hft.StatusCanceled)
	default:
		c.w.orders[i].PriceTick, c.w.orders[i].Qty, c.w.orders[i].LeavesQty = o.PriceTick, o.Qty, o.Qty
		c.tell(c.w.orders[i].Order, hft.StatusNew)
	}
}

func (c *worldConn) place(o connector.Order) {
	crosses := (o.Price()-c.w.mid)*float64(o.Side) > 0
	if crosses && o.TimeInForce == hft.GTX {
		c.tell(o, hft.StatusExpired)
		return
	}
	placed := &worldOrder{Order: o, open: true}
	c.w.orders = append(c.w.orders, placed)
	if c.w.lose && c.w.defect == sendsTwice {
		c.w.orders = append(c.w.orders, &worldOrder{Order: o})
	}
	c.w.lose = false
	if crosses {
		c.execute(placed)
		return
	}
	c.tell(o, hft.StatusNew)
}

// execute fills an order.
func (c *worldConn) execute(o *worldOrder) {
	o.open, o.executed = false, o.Qty
	c.w.pos += float64(o.Side) * o.Qty
	u := connector.OrderUpdate{Order: o.Order, Fill: true, FillValue: 1}
	u.Status, u.Req, u.LeavesQty, u.ExecQty, u.ExecPriceTick = hft.StatusFilled, hft.StatusNone, 0, o.Qty, o.PriceTick
	if c.w.defect == tellsLess && c.away {
		u.ExecQty /= 2
	}
	c.sink.Order(&u)
	if c.w.defect == tellsTwice {
		c.sink.Order(&u)
	}
	c.sink.Position(0, c.w.pos, 1)
}

// feed publishes the book as it is.
func (c *worldConn) feed() {
	c.sink.Count(connector.Messages, 1)
	c.sink.Feed(0, []hft.Event{{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthSnapshotEvent, Px: c.w.mid - 1, Qty: 1},
		{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthSnapshotEvent, Px: c.w.mid + 1, Qty: 1}})
}

func (c *worldConn) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	c.w.mu.Lock()
	c.sink, c.w.conn = sink, c
	c.feed()
	for _, o := range c.w.orders {
		if o.open && c.w.defect != adoptsNobody {
			c.tell(o.Order, hft.StatusNew)
		}
	}
	sink.Ready(0)
	for _, o := range c.early {
		c.handle(o)
	}
	c.w.mu.Unlock()
	<-ctx.Done()
	c.w.mu.Lock()
	c.ended = true
	c.w.mu.Unlock()
	return nil
}

// lost loses the book and brings it back.
func (c *worldConn) lost(reason string) {
	if c.w.defect != keepsTheBook {
		c.sink.Stale(0, reason)
	}
	c.feed()
	if c.w.defect != staysAway {
		c.sink.Ready(0)
	}
}

func (w *world) MoveTo(_ string, price float64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conn
	c.sink.Feed(0, []hft.Event{{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, Px: w.mid - 1},
		{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthEvent, Px: w.mid + 1}})
	w.mid = price
	c.feed()
	for _, o := range w.orders {
		if o.open && (o.Price()-price)*float64(o.Side) >= 0 {
			c.execute(o)
		}
	}
	return nil
}

func (w *world) CutConnections() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn.away = true
	w.conn.sink.Count(connector.Reconnects, 1)
	if w.defect != saysNothing {
		w.conn.sink.Error(&connector.Error{InstrumentNo: -1,
			LiveError: hft.LiveErrorWith(hft.ConnectionInterrupted, hft.StringValue("cut"))})
	}
	w.conn.lost("cut")
	return nil
}

func (w *world) LeaveOutDepth() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.defect == ignoresGaps {
		return nil
	}
	w.conn.sink.Count(connector.Gaps, 1)
	w.conn.lost("gap")
	return nil
}

func (w *world) LoseAnswer() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = true
	return nil
}

func (w *world) State() (ExchangeState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := ExchangeState{Positions: map[string]float64{"X": w.pos},
		Books: map[string]ExchangeBook{"X": {map[float64]float64{w.mid - 1: 1}, map[float64]float64{w.mid + 1: 1}}}}
	for _, o := range w.orders {
		state.Orders = append(state.Orders, ExchangeOrder{"X", o.Side, o.open, o.executed})
	}
	return state, nil
}

func liveHarness(d liveDefect) Harness {
	w := &world{defect: d, mid: 1000.5}
	return Harness{Connector: &worldConn{w: w}, Again: func() connector.Connector { return &worldConn{w: w} },
		Exchange: w, Flood: 1000, Limit: 100 * time.Millisecond, Step: time.Millisecond,
		Instruments: []connector.Instrument{{No: 0, Symbol: "X", TickSize: 1, LotSize: 1}}}
}

func TestRunLive(t *testing.T) {
	RunLive(t, func(t *testing.T) Harness {
		h := liveHarness(faultless)
		h.Limit = Patience
		return h
	})
}

// Each defect is found by at least one check, with words that tell what is wrong.
func TestLiveDefectsAreFound(t *testing.T) {
	words := [numLiveDefects]string{staysAway: "books to be ready", keepsTheBook: "books to be lost",
		saysNothing: "lost connection", tellsTwice: "after the order's end", tellsLess: "add up to",
		sendsTwice: "one order was submitted, the exchange has 2", adoptsNobody: "to be adopted",
		ignoresGaps: "a gap to be counted"}
	for d := faultless + 1; d < numLiveDefects; d++ {
		var found []error
		for _, c := range liveChecks() {
			found = append(found, conduct(liveHarness(d), c))
		}
		if err := errors.Join(found...); err == nil || !strings.Contains(err.Error(), words[d]) {
			t.Errorf("defect %d: want %q in: %v", d, words[d], err)
		}
	}
	h := liveHarness(faultless)
	h.Again = nil
	if err := conduct(h, check{"adoption", adoption}); err == nil ||
		!strings.Contains(err.Error(), "Harness.Again is not set") {
		t.Errorf("without a second connector: %v", err)
	}
}

// TestWallClock: it waits, is woken, and ends with its context.
func TestWallClock(t *testing.T) {
	clock := wallClock{}
	ctx, cancel := context.WithCancel(context.Background())
	target := clock.NowNs() + int64(time.Millisecond)
	if nowNs, err := clock.WaitUntil(ctx, target, nil); nowNs != target || err != nil || clock.NowNs() < target {
		t.Errorf("waited until %d (%v), want %d", nowNs, err, target)
	}
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	if nowNs, err := clock.WaitUntil(ctx, target+int64(time.Hour), wake); err != nil ||
		nowNs >= target+int64(time.Hour) || len(wake) != 0 {
		t.Errorf("woken at %d (%v)", nowNs, err)
	}
	cancel()
	if _, err := clock.WaitUntil(ctx, target+int64(time.Hour), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context gives %v", err)
	}
}
