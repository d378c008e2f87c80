package ipctest

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// testFieldsOfEachKind receives into an event full of leftovers: the fields of the kind received must not keep any.
func testFieldsOfEachKind(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	leftover := func() {
		dirty := depthEvent(99)
		dirty.OrderID, dirty.Ival, dirty.Fval = 98, 97, 96
		p.ev = ipc.LiveEvent{More: true, Feed: dirty, Order: restingOrder(95), State: stateOf(94),
			Err: hft.LiveError{Kind: hft.OrderError, Code: 93, Connector: "stale", AssetNo: 92, OrderID: 91,
				Val: hft.StringValue("stale")}}
	}
	sends := []func() ipc.LiveEvent{
		func() ipc.LiveEvent { return p.publish(0, hft.Event{Ev: hft.LocalEvent | hft.TradeEvent})[0] },
		func() ipc.LiveEvent { return p.sendOrder(0, hft.Order{OrderID: 1}, hft.StateValues{}) },
		func() ipc.LiveEvent { return p.sendPosition(0, hft.StateValues{}) },
		func() ipc.LiveEvent {
			return p.sendError(hft.LiveError{Kind: hft.CustomKind, Connector: "alpha", AssetNo: 0})
		},
	}
	for _, first := range sends {
		for _, second := range sends {
			want := []ipc.LiveEvent{first(), second()}
			leftover()
			p.want(0, &want[0])
			p.want(0, &want[1])
		}
	}
	l3 := depthEvent(1)
	l3.OrderID = 77
	for _, want := range p.publish(0, l3) {
		p.want(0, &want)
	}
}

func testErrorValues(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[0], insts[1])
	deep := hft.StringValue("bottom")
	for range 50 {
		deep = hft.ListValue(hft.MapValue(map[string]hft.Value{"inner": deep, "": {}}))
	}
	wide := make([]hft.Value, 10_000)
	for i := range wide {
		wide[i] = hft.IntValue(int64(i) * math.MaxInt32)
	}
	values := []hft.Value{
		{}, hft.StringValue(""), hft.StringValue("price ≤ 0 \x00\xff"), hft.IntValue(math.MinInt64),
		hft.FloatValue(math.NaN()), hft.FloatValue(math.Inf(-1)), hft.BoolValue(true), hft.BoolValue(false),
		hft.ListValue(), hft.MapValue(map[string]hft.Value{}), deep, hft.ListValue(wide...),
		hft.StringValue(strings.Repeat("x", 511)), hft.StringValue(strings.Repeat("y", 4097)),
		hft.StringValue(strings.Repeat("0123456789", 1<<20)), // 10 MB
	}
	for i, v := range values {
		e := hft.LiveError{Kind: hft.CustomKind, Code: int64(-i), Connector: "alpha", AssetNo: i % 2,
			OrderID: uint64(i), Val: v}
		// A long value may need the bot to read while it is being sent.
		sent := make(chan error, 1)
		go func() {
			err := f.SendError(1, e)
			if err == nil {
				err = f.SendPosition(1, i%2, stateOf(i))
			}
			sent <- err
		}()
		p.want(i%2, &ipc.LiveEvent{Kind: ipc.EventError, Err: e})
		p.want(i%2, &ipc.LiveEvent{Kind: ipc.EventPosition, State: stateOf(i)})
		if err := <-sent; err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	e := hft.NewLiveError(hft.ConnectionInterrupted) // about no instrument
	e.Connector = "alpha"
	want := p.sendError(e)
	p.want(-1, &want)
}

// order returns a submission that a host has no reason to refuse.
func order(n int) ipc.LiveRequest {
	o := hft.NewOrder(uint64(n)+1, 600_000+int64(n), 0.1, 0.001*float64(n+1), hft.Buy, hft.Limit, hft.GTX)
	o.Req, o.LocalTimestampNs = hft.StatusNew, 1_700_000_000_000_000_000+int64(n)
	return ipc.LiveRequest{Kind: ipc.RequestOrder, Order: o}
}

// wantRequest checks the next request at the host.
func wantRequest(t *testing.T, f Fixture, botID uint64, instNo int, want ipc.LiveRequest) {
	t.Helper()
	gotID, gotNo, got, ok := f.RecvRequest(patience)
	if !ok || gotID != botID || gotNo != instNo || got.Kind != want.Kind || got.Order != want.Order {
		t.Fatalf("host received (%v) bot %d instrument %d %+v,\nwant bot %d instrument %d %+v", ok, gotID, gotNo, got,
			botID, instNo, want)
	}
}

func testRequests(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 7, insts[1], insts[0])
	for n := range 500 { // goes round any ring
		q := order(n)
		switch n % 3 {
		case 1:
			q.Order.Req, q.Order.Status = hft.StatusCanceled, hft.StatusNew
		case 2:
			q.Order.Req, q.Order.Status, q.Order.Side = hft.StatusReplaced, hft.StatusPartiallyFilled, hft.Sell
		}
		if err := p.ch.Send(7, n%2, &q); err != nil {
			t.Fatalf("Send %d: %v", n, err)
		}
		wantRequest(t, f, 7, n%2, q)
	}
	if botID, instNo, q, ok := f.RecvRequest(0); ok {
		t.Fatalf("host received a request nobody sent: bot %d instrument %d %+v", botID, instNo, q)
	}
}

func testRequestQueueFull(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	sent := 0
	for ; ; sent++ {
		q := order(sent)
		err := p.ch.Send(1, 0, &q)
		if errors.Is(err, hft.ErrRequestQueueFull) {
			break
		}
		if err != nil || sent > 1<<22 {
			t.Fatalf("Send %d: %v, want nil until the queue is full and then ErrRequestQueueFull", sent, err)
		}
	}
	for n := range sent {
		wantRequest(t, f, 1, 0, order(n))
	}
	q := order(sent)
	if err := p.ch.Send(1, 0, &q); err != nil {
		t.Fatalf("Send after the host has caught up: %v", err)
	}
	wantRequest(t, f, 1, 0, q)
}

func testUnknownInstrument(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	for _, instNo := range []int{-1, 1, math.MaxInt} {
		q := order(1)
		if err := p.ch.Send(1, instNo, &q); !errors.Is(err, hft.ErrInstrumentNotFound) {
			t.Errorf("Send of instrument %d: %v, want ErrInstrumentNotFound", instNo, err)
		}
	}
	if _, _, q, ok := f.RecvRequest(0); ok {
		t.Errorf("the host received %+v", q)
	}
}

func testIsolation(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[0], insts[1])
	o := connect(t, f, 2, insts[1], insts[0]) // the other way round
	for n := range 20 {
		mine, theirs := restingOrder(5), restingOrder(5) // one order id, two bots
		mine.Qty, theirs.Qty = float64(n), -float64(n)
		wantMine := p.sendOrder(0, mine, stateOf(n))
		wantTheirs := o.sendOrder(0, theirs, stateOf(-n))
		p.want(0, &wantMine)
		p.nothing()
		o.want(0, &wantTheirs)
		o.nothing()
		wantMine = p.sendError(hft.LiveError{Kind: hft.OrderError, Connector: "alpha", AssetNo: 1, OrderID: 5})
		p.want(1, &wantMine)
		o.nothing()
		for _, want := range p.publish(0, depthEvent(n)) { // the feed reaches both, each by its own number
			p.want(0, &want)
			o.want(1, &want)
		}
		q := order(n)
		for _, sender := range []*peer{o, p} {
			if err := sender.ch.Send(sender.botID, n%2, &q); err != nil {
				t.Fatalf("Send: %v", err)
			}
			wantRequest(t, f, sender.botID, n%2, q)
		}
	}
	// A bot that stops reads nothing and disturbs no one.
	p.ch.Interrupt()
	for _, want := range o.publish(0, depthEvent(100)) {
		o.want(0, &want)
	}
	if err := p.ch.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for _, want := range o.publish(1, depthEvent(101)) {
		o.want(1, &want)
	}
}
