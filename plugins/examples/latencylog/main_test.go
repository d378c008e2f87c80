package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

type book struct {
	hft.MarketDepth
	bid float64
}

func (b book) BestBid() float64  { return b.bid }
func (b book) TickSize() float64 { return 0.1 }

// bot answers every request 3 ms after it was sent, and calls the strategy's hook as the real one does.
type bot struct {
	hft.Bot
	strategy *latencyLog
	book     book
	nowNs    int64
	rounds   int
	end      error
	orders   hft.OrderMap
	refuse   bool
	fill     bool
	cancels  int
	sentNs   int64
	answered bool
}

func (b *bot) CurrentTimestampNs() int64 { return b.nowNs }
func (b *bot) NumAssets() int            { return 1 }
func (b *bot) Depth(int) hft.MarketDepth { return b.book }
func (b *bot) Orders(int) hft.Orders     { return b.orders.View() }
func (b *bot) ClearInactiveOrders(int) {
	b.orders.DeleteFunc(func(o *hft.Order) bool { return o.Final() })
}
func (b *bot) FeedLatency(int) (int64, int64, bool) { return b.nowNs - 2e6, b.nowNs, b.nowNs > 0 }

func (b *bot) OrderLatency(int) (int64, int64, int64, bool) {
	return b.sentNs, b.sentNs + 1e6, b.sentNs + 3e6, b.answered
}

func (b *bot) Elapse(d time.Duration) (hft.ElapseResult, error) {
	b.rounds--
	if b.rounds < 0 {
		if b.end == nil {
			return hft.ElapseEndOfData, hft.ErrEndOfData
		}
		return hft.ElapseOk, b.end
	}
	b.nowNs += int64(d)
	return hft.ElapseOk, nil
}

func (b *bot) SubmitBuyOrder(_ int, id uint64, price, qty float64, tif hft.TimeInForce, ordType hft.OrdType,
	_ bool) (hft.ElapseResult, error) {
	if b.orders.Get(id) != nil {
		return hft.ElapseOk, hft.ErrOrderIDExist
	}
	o := hft.NewOrder(id, hft.PriceTick(price, 0.1), 0.1, qty, hft.Buy, ordType, tif)
	o.Req = hft.StatusNew
	b.orders.Put(&o)
	b.sentNs = b.nowNs
	return hft.ElapseOk, nil
}

func (b *bot) Cancel(_ int, id uint64, _ bool) (hft.ElapseResult, error) {
	b.cancels++
	b.sentNs = b.nowNs
	b.orders.Get(id).Req = hft.StatusCanceled
	return hft.ElapseOk, nil
}

func (b *bot) WaitOrderResponse(_ int, id uint64, _ time.Duration) (hft.ElapseResult, error) {
	b.nowNs += 3e6
	o := b.orders.Get(id)
	next := *o
	switch {
	case o.Req == hft.StatusCanceled:
		next.Status = hft.StatusCanceled
	case b.refuse:
		next.Status = hft.StatusExpired
	case b.fill:
		next.Status, next.ExecQty = hft.StatusFilled, o.Qty
	default:
		next.Status = hft.StatusNew
	}
	next.Req = hft.StatusNone
	if err := b.strategy.OnOrder(o, &next); err != nil {
		return hft.ElapseOk, err
	}
	*o = next
	b.answered = true
	return hft.ElapseOrderResponse, nil
}

// run runs the strategy and returns what it logged.
func run(t *testing.T, b *bot) string {
	t.Helper()
	var out bytes.Buffer
	log := logger(&out, slog.LevelDebug)
	l, err := newLatencyLog(Params{Interval: time.Second, Distance: 0.01, OrderQty: 1}, log)
	if err != nil {
		t.Fatal(err)
	}
	b.strategy = l
	want := b.end
	if want == nil {
		want = hft.ErrEndOfData
	}
	if err := l.Run(context.Background(), b); !errors.Is(err, want) {
		t.Fatalf("Run: %v, want %v", err, want)
	}
	return out.String()
}

// logger returns a logger whose lines have no time.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
}

func TestLogsLatencies(t *testing.T) {
	b := &bot{book: book{bid: 1000}, rounds: 2}
	out := run(t, b)
	if n := strings.Count(out, "msg=feed asset=0 latency=2ms"); n != 2 {
		t.Errorf("%d feed latencies, want 2:\n%s", n, out)
	}
	if n := strings.Count(out, "msg=order asset=0 request=new entry=1ms response=2ms round_trip=3ms"); n != 2 {
		t.Errorf("%d order latencies, want 2:\n%s", n, out)
	}
	if n := strings.Count(out, "from=New to=Canceled"); n != 2 || b.cancels != 2 {
		t.Errorf("%d reports of a cancel, %d cancels; want 2:\n%s", n, b.cancels, out)
	}
	if b.orders.View().Len() != 0 {
		t.Error("orders are left")
	}
}

func TestRefusedOrderIsNotCancelled(t *testing.T) {
	b := &bot{book: book{bid: 1000}, rounds: 1, refuse: true}
	if out := run(t, b); b.cancels != 0 {
		t.Errorf("%d cancels:\n%s", b.cancels, out)
	}
}

func TestFillIsAWarning(t *testing.T) {
	if out := run(t, &bot{book: book{bid: 1000}, rounds: 1, fill: true}); !strings.Contains(out,
		`level=WARN msg="an order that was not meant to fill`) {
		t.Errorf("no warning:\n%s", out)
	}
}

func TestNoBookNoOrder(t *testing.T) {
	b := &bot{book: book{bid: math.NaN()}, rounds: 2}
	if out := run(t, b); strings.Contains(out, "report") || b.orders.View().Len() != 0 {
		t.Errorf("an order without a book:\n%s", out)
	}
}

func TestEnds(t *testing.T) {
	for _, end := range []error{nil, hft.ErrInterrupted, errors.New("broken")} {
		run(t, &bot{book: book{bid: 1000}, rounds: 1, end: end})
	}
}

func TestErrorEvents(t *testing.T) {
	var out bytes.Buffer
	l, err := newLatencyLog(Params{OrderQty: 1}, logger(&out, slog.LevelInfo))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []hft.LiveError{hft.CustomLiveError(hft.CodeFeedLost, hft.IntValue(12)),
		hft.NewLiveError(hft.ConnectionInterrupted)} {
		if err := l.OnError(e); err != nil {
			t.Errorf("%v ends the measurement: %v", e, err)
		}
	}
	if got := out.String(); !strings.Contains(got, "too slow") || !strings.Contains(got, "ConnectionInterrupted") {
		t.Errorf("got %s", got)
	}
}

func TestParams(t *testing.T) {
	d, err := pluginapi.Describe(plugin())
	if err != nil || len(d.Params) != 4 {
		t.Fatalf("got %+v, %v", d, err)
	}
	if _, err := newLatencyLog(Params{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("order_qty may be 0")
	}
}

func Example() {
	log := logger(os.Stdout, slog.LevelInfo)
	l, err := newLatencyLog(Params{OrderQty: 1}, log)
	if err != nil {
		log.Error(err.Error())
		return
	}
	_ = l.OnError(hft.LiveErrorWith(hft.OrderError, hft.StringValue("margin is insufficient")))
	// Output: level=WARN msg="error event" error="OrderError: margin is insufficient"
}
