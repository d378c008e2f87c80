package ipctest

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// depthEvent returns a depth event whose fields all depend on n.
func depthEvent(n int) hft.Event {
	return hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent,
		ExchTimestampNs: 1_700_000_000_000_000_000 + int64(n), LocalTimestampNs: 1_700_000_000_001_000_000 + int64(n),
		Px: 60000 + float64(n), Qty: 0.5 + float64(n)}
}

// restingOrder returns an order whose fields all depend on n.
func restingOrder(n int) hft.Order {
	o := hft.NewOrder(uint64(n)+1, 600_000+int64(n), 0.1, 1+float64(n), hft.Sell, hft.Limit, hft.GTX)
	o.Status, o.LeavesQty, o.ExecQty, o.ExecPriceTick, o.Maker = hft.StatusPartiallyFilled, 0.25+float64(n), 0.75,
		599_990+int64(n), true
	o.ExchTimestampNs, o.LocalTimestampNs = 1_700_000_000_000_000_000+int64(n), 1_700_000_000_000_500_000+int64(n)
	return o
}

// stateOf returns a state whose fields all depend on n.
func stateOf(n int) hft.StateValues {
	x := float64(n)
	return hft.StateValues{Position: -1 - x, Balance: 60000.5 + x, Fee: -0.25 - x, NumTrades: 7 + int64(n),
		TradingVolume: 3 + x, TradingValue: 1e6 + x}
}

func testInstruments(t *testing.T, f Fixture) {
	insts := Instruments()
	p := attach(t, f, 1, insts[2], insts[0])
	got := p.ch.Instruments()
	if len(got) != 2 || got[0] != insts[2] || got[1] != insts[0] {
		t.Fatalf("Instruments() = %+v, want what the channel was built with, in that order", got)
	}
}

func testRegistrationBurst(t *testing.T, f Fixture) {
	insts := Instruments()
	p := attach(t, f, 1, insts[1], insts[0])
	for instNo := range 2 {
		var orders []hft.Order // a bot without orders gets its state, too
		if instNo == 1 {
			orders = []hft.Order{restingOrder(1), restingOrder(11)}
		}
		var levels []hft.Event
		for i := range 40 { // more than fit into one record of any sensible size
			side := hft.BuyEvent
			if i >= 20 {
				side = hft.SellEvent
			}
			levels = append(levels, hft.Event{Ev: hft.LocalEvent | side | hft.DepthSnapshotEvent,
				Px: 100 + float64(i) + float64(instNo)/2, Qty: 1 + float64(i)})
		}
		p.register(instNo)
		p.answer(instNo, orders, stateOf(instNo), levels)
		checkBurst(t, p.burst(instNo), orders, stateOf(instNo), levels)
	}
	p.nothing()
}

// checkBurst checks the content of a registration burst. Levels are compared by flags, price and quantity: the
// timestamp of a book is the host's.
func checkBurst(t *testing.T, burst []ipc.LiveEvent, orders []hft.Order, state hft.StateValues, levels []hft.Event) {
	t.Helper()
	var gotOrders []hft.Order
	var gotLevels []hft.Event
	stated, cleared := false, false
	for i := range burst {
		ev := &burst[i]
		switch {
		case ev.Kind == ipc.EventOrder:
			gotOrders = append(gotOrders, ev.Order)
			fallthrough
		case ev.Kind == ipc.EventPosition:
			stated = true
			if ev.State != state {
				t.Fatalf("state is %+v, want %+v", ev.State, state)
			}
		case ev.Kind == ipc.EventFeed && ev.Feed.Kind() == hft.DepthClearEvent:
			cleared = true
			gotLevels = gotLevels[:0]
			checkClear(t, &ev.Feed)
		case ev.Kind == ipc.EventFeed:
			gotLevels = append(gotLevels, ev.Feed)
		default:
			t.Fatalf("the burst has an event of kind %d", ev.Kind)
		}
	}
	if !stated || !cleared || len(gotOrders) != len(orders) || len(gotLevels) != len(levels) {
		t.Fatalf("burst: state %v, clear %v, %d orders, %d levels; want both, %d and %d", stated, cleared,
			len(gotOrders), len(gotLevels), len(orders), len(levels))
	}
	if !slices.Equal(gotOrders, orders) {
		t.Fatalf("the orders are %+v, want %+v", gotOrders, orders)
	}
	if !slices.EqualFunc(gotLevels, levels, sameLevel) {
		t.Fatalf("the levels are %+v, want %+v", gotLevels, levels)
	}
}

func checkClear(t *testing.T, ev *hft.Event) {
	t.Helper()
	if ev.Side() != hft.SideNone || !ev.Is(hft.LocalEvent) {
		t.Fatalf("the clear is %#x, want one of both sides with LocalEvent", ev.Ev)
	}
}

func sameLevel(a, b hft.Event) bool { return a.Ev == b.Ev && a.Px == b.Px && a.Qty == b.Qty }

func testFeedOnlyAfterRegistration(t *testing.T, f Fixture) {
	insts := Instruments()
	p := attach(t, f, 1, insts[0])
	p.publish(0, depthEvent(1))
	p.register(0)
	p.publish(0, depthEvent(2))
	p.answer(0, nil, hft.StateValues{}, nil)
	for _, ev := range p.burst(0) {
		if ev.Kind == ipc.EventFeed && ev.Feed.Kind() == hft.DepthEvent {
			t.Fatalf("received %s, which is older than the book", describe(&ev))
		}
	}
	for _, want := range p.publish(0, depthEvent(3)) {
		p.want(0, &want)
	}
	p.nothing()
}

func testRegisterRefused(t *testing.T, f Fixture) {
	inst := Instruments()[0]
	connect(t, f, 1, inst)
	other, wrongTick, wrongLot := inst, inst, inst
	other.Connector = "gamma"
	wrongTick.TickSize *= 10
	wrongLot.LotSize *= 10
	for _, c := range []struct {
		name  string
		botID uint64
		inst  ipc.Instrument
		want  hft.BuildErrorKind
	}{
		{"connected bot id", 1, inst, hft.Duplicate},
		{"connector", 2, other, hft.ConnectorNotFound},
		{"tick size", 3, wrongTick, hft.InvalidArgument},
		{"lot size", 4, wrongLot, hft.InvalidArgument},
	} {
		ch, err := f.Attach(c.botID, []ipc.Instrument{c.inst})
		if err == nil {
			err = ch.Send(c.botID, 0, &ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument,
				TickSize: c.inst.TickSize, LotSize: c.inst.LotSize})
			ch.Close()
		}
		if !errors.Is(err, &hft.BuildError{Kind: c.want}) {
			t.Errorf("%s: Attach and register said %v, want a BuildError %q", c.name, err, c.want)
		}
	}
}

func testBatches(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	n := 0
	for _, size := range []int{1, 2, 70, 1, 500} {
		events := make([]hft.Event, size)
		for i := range events {
			events[i] = depthEvent(n)
			n++
		}
		for _, want := range p.publish(0, events...) {
			p.want(0, &want)
		}
	}
	p.nothing()
}

// testFeedAndPrivateOrder sends random runs of feed and private events before the bot looks: it has to see them in
// exactly the order in which they were sent.
func testFeedAndPrivateOrder(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[0], insts[1])
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var want []ipc.LiveEvent
		var wantNo []int
		for step := range 1 + rng.IntN(8) {
			instNo, n := rng.IntN(2), round*100+step
			first := len(want)
			switch rng.IntN(5) {
			case 0, 1:
				events := make([]hft.Event, 1+rng.IntN(4))
				for i := range events {
					events[i] = depthEvent(n*10 + i)
				}
				want = append(want, p.publish(instNo, events...)...)
			case 2:
				want = append(want, p.sendOrder(instNo, restingOrder(n), stateOf(n)))
			case 3:
				want = append(want, p.sendPosition(instNo, stateOf(n)))
			case 4:
				want = append(want, p.sendError(hft.LiveError{Kind: hft.OrderError, Connector: "alpha",
					AssetNo: instNo, OrderID: uint64(n), Val: hft.IntValue(int64(n))}))
			}
			for range want[first:] {
				wantNo = append(wantNo, instNo)
			}
		}
		for i := range want {
			p.want(wantNo[i], &want[i])
		}
	}
	p.nothing()
}

func testSeveralConnectors(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[2], insts[0]) // beta first
	const rounds = 50
	var want [2][]ipc.LiveEvent
	for round := range rounds {
		for instNo := range 2 {
			n := round*2 + instNo
			want[instNo] = append(want[instNo], p.publish(instNo, depthEvent(n), depthEvent(n+1000))...)
			want[instNo] = append(want[instNo], p.sendOrder(instNo, restingOrder(n), stateOf(n)))
		}
	}
	inBatch := -1
	for range len(want[0]) + len(want[1]) {
		instNo, ev := p.recv()
		if instNo < 0 || instNo > 1 || len(want[instNo]) == 0 || describe(ev) != describe(&want[instNo][0]) {
			t.Fatalf("received instrument %d %s, which is out of its connector's order", instNo, describe(ev))
		}
		if inBatch >= 0 && instNo != inBatch {
			t.Fatalf("a message of instrument %d is interrupted by one of instrument %d", inBatch, instNo)
		}
		if inBatch = -1; ev.More {
			inBatch = instNo
		}
		want[instNo] = want[instNo][1:]
	}
	p.nothing()
}

func testFloatsAreExact(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	for i, x := range []float64{math.NaN(), math.Float64frombits(0x7ff8000000000123), math.Inf(1), math.Inf(-1),
		math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, -1.5} {
		e := depthEvent(i)
		e.Px, e.Qty = x, -x
		for _, want := range p.publish(0, e) {
			p.want(0, &want)
		}
		o, s := restingOrder(i), stateOf(i)
		o.Qty, o.LeavesQty, o.ExecQty, o.TickSize = x, -x, x, x
		s.Position, s.Balance, s.Fee, s.TradingVolume, s.TradingValue = x, -x, x, -x, x
		want := p.sendOrder(0, o, s)
		p.want(0, &want)
		want = p.sendPosition(0, s)
		p.want(0, &want)
	}
	o := restingOrder(0)
	o.OrderID, o.PriceTick, o.ExecPriceTick = math.MaxUint64, hft.InvalidMin, hft.InvalidMax
	o.ExchTimestampNs, o.LocalTimestampNs = math.MinInt64, math.MaxInt64
	o.Side, o.OrdType, o.TimeInForce = hft.SideUnsupported, hft.OrdTypeUnsupported, hft.TimeInForceUnsupported
	o.Status, o.Req = hft.StatusUnsupported, hft.StatusRejected
	want := p.sendOrder(0, o, stateOf(1))
	p.want(0, &want)
}
