package venue_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// TestPositionsThatCannotBe: a position of the private stream that cannot be true is not passed on, the venue is asked
// instead; one that jumps is believed when it is told twice.
func TestPositionsThatCannotBe(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var truth, asked atomic.Int64
	truth.Store(3)
	f.positions = func(context.Context) ([]protocol.Position, error) {
		asked.Add(1)
		return []protocol.Position{{Symbol: "BTC", Qty: float64(truth.Load()), TimestampNs: time.Now().UnixNano()}}, nil
	}
	told := make(chan protocol.Position, 1)
	f.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		sink.Position(<-told)
		return nil
	}
	r := start(t, f, nil, func(c *venue.Config) {
		c.Trading, c.AuditInterval, c.Filters[0].MaxQty = true, 10*time.Millisecond, 100
	}, "BTC")
	private := take(t, f.private, "the private stream")
	until(t, "the position is known", func() bool { return r.LastPosition(0) == 3 })
	bad := r.Counter(connector.BadMessages)
	for _, p := range []protocol.Position{{Qty: -9e12}, {Qty: math.NaN()}, {Qty: math.Inf(1)}, {Qty: 1e308}, {Qty: 3.3333}, {Qty: 104},
		{Qty: 4, TimestampNs: time.Now().Add(48 * time.Hour).UnixNano()}, {Qty: 4, TimestampNs: -1}} {
		p.Symbol = "BTC"
		told <- p
		private.send(t, "position")
		bad++
		until(t, "it is counted", func() bool { return r.Counter(connector.BadMessages) == bad })
		before := asked.Load()
		until(t, "the venue is asked", func() bool { return asked.Load() > before })
		if got := r.LastPosition(0); got != 3 {
			t.Fatalf("%+v was believed: %v", p, got)
		}
	}
	// Two answers are enough, of any size that can be.
	truth.Store(5000)
	until(t, "the jump is believed", func() bool { return r.LastPosition(0) == 5000 })
	// One that is told without a time ahead is.
	told <- protocol.Position{Symbol: "BTC", Qty: 5001, TimestampNs: time.Now().UnixNano()}
	truth.Store(5001)
	private.send(t, "position")
	until(t, "it is believed", func() bool { return r.LastPosition(0) == 5001 })
}

// ownID returns the client id of an order that an earlier run with the prefix "hr" has made.
func ownID(tb testing.TB, orderID uint64) string {
	tb.Helper()
	codec, err := clientid.New("hr", time.Now().UnixMilli())
	if err != nil {
		tb.Fatal(err)
	}
	id, err := codec.Encode(connector.Owner{Bot: 1, Incarnation: 1}, orderID)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// TestListsThatCannotBe: an own order that the list of open orders has as it cannot be is not adopted, and the
// instrument takes no new orders until the list can be true.
func TestListsThatCannotBe(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	id := ownID(t, 77)
	var healed atomic.Bool
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		r := protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: id, VenueID: "1", Status: hft.StatusPartiallyFilled, Side: hft.Buy,
			Price: 100, Qty: 10, CumQty: 4, HasCum: true, TimestampNs: time.Now().UnixNano()}
		if !healed.Load() {
			r.CumQty = 9990
		}
		return []protocol.Report{r}, nil
	}
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.AuditInterval, c.OrderPrefix = true, 10*time.Millisecond, "hr" }, "BTC")
	take(t, f.private, "the private stream")
	until(t, "it is said", func() bool { return codes(r, blotter.CodeStopped) == 1 })
	r.connector.Submit(r.order(0, 1))
	until(t, "an order is refused", func() bool { return r.refused("BTC accepts no new orders: ") == 1 })
	healed.Store(true)
	until(t, "it goes on", func() bool { return codes(r, blotter.CodeResumed) == 1 })
	if codes(r, blotter.CodeStopped) != 1 {
		t.Error("it was said twice")
	}
	r.connector.Submit(r.order(0, 2))
	until(t, "an order is taken", func() bool { return r.taken(2) })
}

// codes returns how many error events have a code.
func codes(r *run, code int64) (n int) {
	for _, e := range r.Errors() {
		if e.Kind == hft.CustomKind && e.Code == code && strings.Contains(e.Val.String(), "BTC") {
			n++
		}
	}
	return n
}

// TestPositionOfOneSymbol: a position that cannot be true, or is none, from the start keeps its own symbol from
// trading, which is said once, and no other; its open orders are known.
func TestPositionOfOneSymbol(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]protocol.Position{"half a lot": {Qty: 0.0005}, "hedge mode": {Err: errors.New("BTC is in hedge mode")}} {
		t.Run(name, func(t *testing.T) { testPositionOfOneSymbol(t, p) })
	}
}

func testPositionOfOneSymbol(t *testing.T, wrong protocol.Position) {
	t.Parallel()
	f := newFake(t)
	id := ownID(t, 77)
	var healed atomic.Bool
	f.positions = func(context.Context) ([]protocol.Position, error) {
		p := wrong
		if healed.Load() {
			p = protocol.Position{Qty: 0.002}
		}
		p.Symbol, p.TimestampNs = "BTC", time.Now().UnixNano()
		return []protocol.Position{p, {Symbol: "ETH", Qty: 0.001, TimestampNs: time.Now().UnixNano()}}, nil
	}
	f.openOrders = func(_ context.Context, symbol string) ([]protocol.Report, error) {
		if symbol != "BTC" {
			return nil, nil
		}
		return []protocol.Report{{Channel: protocol.ChannelQuery, Symbol: symbol, ClientID: id, VenueID: "1", Status: hft.StatusNew, Side: hft.Buy,
			Price: 100, Qty: 10, HasCum: true, TimestampNs: time.Now().UnixNano()}}, nil
	}
	f.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 10"), nil }
	log := &syncBuffer{}
	r := start(t, f, nil, func(c *venue.Config) {
		c.Trading, c.AuditInterval, c.OrderPrefix, c.Logger = true, 10*time.Millisecond, "hr", log.logger()
	}, "BTC", "ETH")
	market := take(t, f.market, "the market stream")
	market.send(t, "D BTC 10 11")
	market.send(t, "D ETH 10 11")
	until(t, "the other symbol is ready", func() bool { return r.IsReady(1) })
	r.trade(1)
	until(t, "it is said", func() bool { return codes(r, blotter.CodeStopped) == 1 })
	r.connector.Submit(r.order(0, 1))
	until(t, "an order is refused", func() bool { return r.refused("BTC accepts no new orders: ") == 1 })
	adopted := func() bool {
		for _, o := range r.connector.OpenOrders() {
			if o.OrderID == 77 && o.InstrumentNo == 0 {
				return true
			}
		}
		return false
	}
	if !adopted() || r.IsReady(0) || r.LastPosition(0) != 0 || r.LastPosition(1) != 0.001 {
		t.Errorf("the open order is known: %t; ready: %t; positions %v, %v", adopted(), r.IsReady(0), r.LastPosition(0), r.LastPosition(1))
	}
	healed.Store(true)
	until(t, "it goes on", func() bool { return codes(r, blotter.CodeResumed) == 1 && r.IsReady(0) && r.LastPosition(0) == 0.002 })
	until(t, "it is logged", func() bool { return bytes.Contains(log.bytes(), []byte("[INFO]  BTC accepts new orders again")) })
	if n := bytes.Count(log.bytes(), []byte("[ERROR]")); codes(r, blotter.CodeStopped) != 1 || n != 1 {
		t.Errorf("it was said in %d events and %d lines\n%s", codes(r, blotter.CodeStopped), n, log.bytes())
	}
	r.trade(0)
}

// TestHedgeRow: a position of hedge mode in the private stream stops its symbol at once, is said once, and no other symbol.
func TestHedgeRow(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var hedge atomic.Bool
	f.positions = func(context.Context) ([]protocol.Position, error) {
		p := protocol.Position{Symbol: "BTC", TimestampNs: time.Now().UnixNano()}
		if hedge.Load() {
			p.Err = protocol.HedgeMode("BTC")
		}
		return []protocol.Position{p}, nil
	}
	f.decodeUser = func(frame []byte, sink protocol.UserSink) error {
		hedge.Store(true)
		sink.Position(protocol.Position{Symbol: string(frame), Err: protocol.HedgeMode(frame)})
		return nil
	}
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.AuditInterval, c.OrderPrefix = true, time.Hour, "hr" }, "BTC", "ETH")
	private := take(t, f.private, "the private stream")
	r.trade(0)
	private.send(t, "BTC")
	private.send(t, "BTC")
	until(t, "it is said", func() bool { return codes(r, blotter.CodeStopped) == 1 })
	r.connector.Submit(r.order(0, 1))
	until(t, "an order is refused", func() bool { return r.refused("BTC accepts no new orders: BTC is in hedge mode") == 1 })
	r.trade(1)
	if codes(r, blotter.CodeStopped) != 1 {
		t.Error("it was said twice")
	}
	until(t, "the switch is reported", func() bool { return len(r.AccountEvents()) > 0 })
	if list := r.AccountEvents(); len(list) != 1 || list[0].Kind != connector.HedgeMode || list[0].InstrumentNo != -1 {
		t.Errorf("the switch was reported as %+v", list)
	}
}
