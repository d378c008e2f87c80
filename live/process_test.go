package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/live"
)

func TestBook(t *testing.T) {
	r := newRig(t)
	if d := r.bot.Depth(0); !math.IsNaN(d.BestBid()) || d.BestAskTick() != hft.InvalidMax || d.TickSize() != 0.1 ||
		d.LotSize() != 0.001 {
		t.Errorf("a new book is %s with steps %v and %v", r.bookText(0), d.TickSize(), d.LotSize())
	}
	unmarked := bid(105, 5)
	unmarked.Ev &^= hft.LocalEvent
	for _, step := range []struct {
		name   string
		events []hft.Event
		want   string
	}{
		{"depth", []hft.Event{bid(100, 1), bid(99, 4), ask(101, 2), ask(102, 5)}, "1@100 2@101"},
		{"removal", []hft.Event{bid(100, 0)}, "4@99 2@101"},
		{"not for the local side", []hft.Event{unmarked}, "4@99 2@101"},
		{"quote, which is for fused books", []hft.Event{event(hft.BuyEvent|hft.DepthBBOEvent, 105, 5)}, "4@99 2@101"},
		{"trade", []hft.Event{trade(105, 5)}, "4@99 2@101"},
		{"unknown kind", []hft.Event{event(hft.BuyEvent|200, 105, 5)}, "4@99 2@101"},
		{"snapshot level", []hft.Event{event(hft.SellEvent|hft.DepthSnapshotEvent, 100.5, 7)}, "4@99 7@100.5"},
		{"clear of one side to a price", []hft.Event{event(hft.SellEvent|hft.DepthClearEvent, 100.5, 0)}, "4@99 2@101"},
		{"clear of both sides", []hft.Event{event(hft.DepthClearEvent, math.NaN(), 0)}, "0@NaN 0@NaN"},
	} {
		r.feed(0, step.events...)
		r.drain()
		if got := r.bookText(0); got != step.want {
			t.Errorf("after %s the book is %s, want %s", step.name, got, step.want)
		}
	}
	if got := r.bookText(1); got != "0@NaN 0@NaN" {
		t.Errorf("the other asset's book is %s, want it empty", got)
	}
}

// dated is a book that notes the time it was told last.
type dated struct {
	depth.L2MarketDepth
	timestampNs int64
}

func (d *dated) UpdateBidDepth(price, qty float64, timestampNs int64) depth.L2Update {
	d.timestampNs = timestampNs
	return d.L2MarketDepth.UpdateBidDepth(price, qty, timestampNs)
}

// TestBookTime: a live book is dated by the exchange.
func TestBookTime(t *testing.T) {
	r := newHub(t)
	inst := r.hubInstruments()[0]
	book := &dated{L2MarketDepth: newBook(t, inst)}
	bot, err := live.NewBuilder().ID(botID).Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize,
		inst.LotSize, book, 0)).Build(r.channel(1))
	if err != nil {
		t.Fatal(err)
	}
	r.feed(0, bid(100, 1))
	if got, err := bot.Elapse(0); got != hft.ElapseOk || err != nil || book.timestampNs != t0+1 {
		t.Errorf("Elapse = %v, %v; the book's time is %d, want the exchange's %d", got, err, book.timestampNs, t0+1)
	}
	if exch, local, _ := bot.FeedLatency(0); exch != t0+1 || local != t0+2 {
		t.Errorf("FeedLatency = %d, %d", exch, local)
	}
}

// TestReconnect: a venue that was away clears the book and sends a snapshot as one message.
func TestReconnect(t *testing.T) {
	r := newRig(t)
	r.feed(0, bid(100, 1), ask(101, 2))
	r.drain()
	r.feed(0, event(hft.DepthClearEvent, math.NaN(), 0),
		event(hft.BuyEvent|hft.DepthSnapshotEvent, 90, 3), event(hft.BuyEvent|hft.DepthSnapshotEvent, 89, 4),
		event(hft.SellEvent|hft.DepthSnapshotEvent, 95, 5))
	if got, err := r.bot.WaitNextFeed(false, time.Second); got != hft.ElapseMarketFeed || err != nil {
		t.Fatalf("WaitNextFeed = %v, %v", got, err)
	}
	if got := r.bookText(0); got != "3@90 5@95" {
		t.Errorf("after the snapshot the book is %s, want 3@90 5@95", got)
	}
	if got := r.bot.Depth(0).BidQtyAtTick(1000); got != 0 {
		t.Errorf("the old best bid still has %v", got)
	}
}

func TestLastTrades(t *testing.T) {
	r := newHub(t)
	b := live.NewBuilder().ID(botID)
	insts := r.hubInstruments()
	for i, capacity := range []int{3, 0, 1} {
		b.Register(live.NewInstrument(insts[i].Connector, insts[i].Symbol, insts[i].TickSize, insts[i].LotSize,
			newBook(t, insts[i]), capacity))
	}
	var err error
	if r.bot, err = b.Build(r.channel(3)); err != nil {
		t.Fatal(err)
	}
	prices := func(assetNo int) string {
		var s []string
		for _, e := range r.bot.LastTrades(assetNo) {
			s = append(s, fmt.Sprint(e.Px))
		}
		return strings.Join(s, " ")
	}
	want := []string{"", "1", "1 2", "1 2 3", "2 3 4", "3 4 5", "4 5 6", "5 6 7", "6 7 8", "7 8 9"}
	for n := range want {
		if got := prices(0); got != want[n] {
			t.Errorf("after %d trades: %q, want %q", n, got, want[n])
		}
		sideless := event(hft.TradeEvent, float64(n+1), 1) // counts as well
		r.feed(0, bid(1, 1), sideless)
		r.feed(1, sideless)
		r.feed(2, sideless)
		r.drain()
	}
	if prices(1) != "" || prices(2) != "10" {
		t.Errorf("capacity 0 keeps %q, capacity 1 %q", prices(1), prices(2))
	}
	first := append([]hft.Event(nil), r.bot.LastTrades(0)...)
	grown := append(r.bot.LastTrades(0), hft.Event{Px: -1}) // is the strategy's own from here on
	r.feed(0, trade(11, 1))
	r.drain()
	if got := prices(0); got != "9 10 11" || grown[3].Px != -1 || first[0].Qty != 1 ||
		first[0].ExchTimestampNs != t0+1 {
		t.Errorf("trades %q, first before %+v", got, first[0])
	}
	r.bot.ClearLastTrades(0)
	if prices(0) != "" || prices(2) != "10" {
		t.Errorf("ClearLastTrades(0) left %q and %q", prices(0), prices(2))
	}
	r.feed(0, trade(12, 1))
	r.drain()
	r.bot.ClearLastTrades(hft.AllAssets)
	if prices(0) != "" || prices(2) != "" {
		t.Errorf("ClearLastTrades(AllAssets) left %q and %q", prices(0), prices(2))
	}
	offBook := func() {
		for assetNo := range 3 {
			r.feed(assetNo, event(hft.BuyEvent|hft.OffBookTrade, 13, 500), trade(14, 1))
		}
		r.drain()
	}
	offBook()
	if prices(0) != "14" || prices(2) != "14" {
		t.Errorf("not asked for, trades outside of the book are among %q and %q", prices(0), prices(2))
	}
	r.bot.KeepOffBookTrades(0)
	offBook()
	if prices(0) != "14 13 14" || prices(2) != "14" || r.bot.LastTrades(0)[1].Kind() != hft.OffBookTrade {
		t.Errorf("KeepOffBookTrades(0): %q and %q", prices(0), prices(2))
	}
	r.bot.KeepOffBookTrades(hft.AllAssets)
	r.feed(2, event(hft.SellEvent|hft.OffBookTrade, 15, 1))
	r.drain()
	if prices(2) != "15" {
		t.Errorf("KeepOffBookTrades(AllAssets): %q", prices(2))
	}
}

// TestReports is the table of what a report does to an order that rests since t0+10.
func TestReports(t *testing.T) {
	for _, test := range []struct {
		name   string
		status hft.Status // of the order before
		report func(o hft.Order) hft.Order
		want   hft.Status
	}{
		{"newer", hft.StatusNew, func(o hft.Order) hft.Order { return report(o, hft.StatusPartiallyFilled, t0+11) },
			hft.StatusPartiallyFilled},
		{"same time", hft.StatusNew, func(o hft.Order) hft.Order { return report(o, hft.StatusFilled, t0+10) },
			hft.StatusFilled},
		{"without a time", hft.StatusNew, func(o hft.Order) hft.Order { return report(o, hft.StatusCanceled, 0) },
			hft.StatusCanceled},
		{"older", hft.StatusNew, func(o hft.Order) hft.Order { return report(o, hft.StatusCanceled, t0+9) },
			hft.StatusNew},
		{"of a filled order", hft.StatusFilled, func(o hft.Order) hft.Order { return report(o, hft.StatusNew, t0+11) },
			hft.StatusFilled},
		{"of a canceled order", hft.StatusCanceled,
			func(o hft.Order) hft.Order { return report(o, hft.StatusNew, t0+11) }, hft.StatusCanceled},
		{"of an expired order", hft.StatusExpired,
			func(o hft.Order) hft.Order { return report(o, hft.StatusNew, t0+11) }, hft.StatusExpired},
		{"of a rejected order", hft.StatusRejected,
			func(o hft.Order) hft.Order { return report(o, hft.StatusNew, t0+11) }, hft.StatusRejected},
		{"unknown outcome", hft.StatusNew, func(o hft.Order) hft.Order { return report(o, hft.StatusUnknown, t0+11) },
			hft.StatusUnknown},
		{"after an unknown outcome", hft.StatusUnknown,
			func(o hft.Order) hft.Order { return report(o, hft.StatusNew, t0+11) }, hft.StatusNew},
		{"refusal of nothing", hft.StatusNew, rejected, hft.StatusNew},
	} {
		r := newRig(t)
		o := r.submit(1)
		r.order(0, report(o, test.status, t0+10))
		r.drain()
		before := *r.bot.Orders(0).Get(1)
		rep := test.report(o)
		rep.ExecQty, rep.ExecPriceTick, rep.LeavesQty, rep.Maker, rep.LocalTimestampNs = 0.25, 599999, 0.75, true, 1
		r.order(0, rep)
		r.drain()
		got := *r.bot.Orders(0).Get(1)
		if got.Status != test.want {
			t.Errorf("%s: status %v, want %v", test.name, got.Status, test.want)
		}
		applied := test.want != test.status || test.name == "newer"
		want := before
		if applied {
			want = rep
			want.LocalTimestampNs = before.LocalTimestampNs
			want.ExchTimestampNs = max(rep.ExchTimestampNs, before.ExchTimestampNs)
		}
		if got != want {
			t.Errorf("%s: order %+v, want %+v", test.name, got, want)
		}
	}
}

// TestUnknownOrder: an order that the bot does not know is taken up, unless all there is to say is a refusal.
func TestUnknownOrder(t *testing.T) {
	r := newRig(t)
	o := hft.NewOrder(5, 600000, 0.1, 1, hft.Buy, hft.Limit, hft.GTC)
	r.order(0, rejected(o))
	r.drain()
	if n := r.bot.Orders(0).Len(); n != 0 {
		t.Fatalf("the refusal of an unknown order made %d orders", n)
	}
	o = report(o, hft.StatusNew, t0)
	r.order(0, o)
	r.drain()
	if got := r.bot.Orders(0).Get(5); got == nil || *got != o {
		t.Fatalf("the order is %+v, want %+v", got, o)
	}
	if _, err := r.bot.Cancel(0, 5, false); err != nil {
		t.Errorf("Cancel of it: %v", err)
	}
}

// TestRefusalOfWhatIsOver: a refused request of a final order is over too, and nothing else changes; neither does an
// order whose modify another process of the bot asked for.
func TestRefusalOfWhatIsOver(t *testing.T) {
	for _, req := range []hft.Status{hft.StatusNew, hft.StatusCanceled, hft.StatusReplaced} {
		for _, status := range []hft.Status{hft.StatusFilled, hft.StatusCanceled, hft.StatusNew} {
			r := newRig(t)
			o := report(hft.NewOrder(5, 600000, 0.1, 1, hft.Buy, hft.Limit, hft.GTC), status, t0)
			o.Req = req
			r.order(0, o)
			r.order(0, rejected(o))
			r.drain()
			want := o
			want.Req = hft.StatusNone
			if req == hft.StatusNew && !o.Final() {
				want.Status = hft.StatusExpired
			}
			if got := *r.bot.Orders(0).Get(5); got != want {
				t.Errorf("%v with request %v refused is %+v, want %+v", status, req, got, want)
			}
		}
	}
}

func TestClearInactiveOrders(t *testing.T) {
	r := newRig(t)
	statuses := []hft.Status{hft.StatusNone, hft.StatusNew, hft.StatusPartiallyFilled, hft.StatusUnknown,
		hft.StatusFilled, hft.StatusCanceled, hft.StatusExpired, hft.StatusRejected}
	for assetNo := range 2 {
		for i, s := range statuses {
			r.order(assetNo, report(hft.NewOrder(uint64(i), 1, 0.1, 1, hft.Buy, hft.Limit, hft.GTC), s, t0))
		}
	}
	r.drain()
	r.bot.ClearInactiveOrders(0)
	if a, b := r.bot.Orders(0).Len(), r.bot.Orders(1).Len(); a != 4 || b != 8 {
		t.Fatalf("%d and %d orders left, want 4 and 8", a, b)
	}
	for o := range r.bot.Orders(0).All() {
		if o.Final() {
			t.Errorf("order %d is %v and still there", o.OrderID, o.Status)
		}
	}
	r.bot.ClearInactiveOrders(hft.AllAssets)
	if got := r.bot.Orders(1).Len(); got != 4 {
		t.Errorf("%d orders left, want 4", got)
	}
	if _, err := r.bot.SubmitBuyOrder(0, 7, 60000, 1, hft.GTC, hft.Limit, false); err != nil {
		t.Errorf("a cleared id cannot be used again: %v", err)
	}
	if got, err := r.bot.WaitOrderResponse(0, 7, ms); got != hft.ElapseOk || err != nil {
		t.Errorf("WaitOrderResponse of a reused id = %v, %v; want Ok: the old response is forgotten", got, err)
	}
}

func TestState(t *testing.T) {
	r := newRig(t)
	want := hft.StateValues{Position: 1.5, Balance: -90000, Fee: 12, NumTrades: 3, TradingVolume: 2.5,
		TradingValue: 1e5}
	r.must(r.hub.SendPosition(botID, 1, want))
	r.drain()
	if got := r.bot.StateValues(1); got != want || r.bot.Position(1) != 1.5 || r.bot.Position(0) != 0 {
		t.Errorf("state %+v, positions %v and %v", got, r.bot.Position(1), r.bot.Position(0))
	}
	// The state of a report counts even when the order itself is no news.
	o := report(r.submit(1), hft.StatusFilled, t0+5)
	r.order(0, o)
	want.Position = -2
	r.must(r.hub.SendOrder(botID, 0, &o, want))
	r.drain()
	if got := r.bot.StateValues(0); got != want {
		t.Errorf("state %+v, want %+v", got, want)
	}
}

func TestLatencies(t *testing.T) {
	r := newRig(t)
	if _, _, ok := r.bot.FeedLatency(0); ok {
		t.Error("there is a feed latency before the first event")
	}
	r.feed(0, event(hft.DepthClearEvent, math.NaN(), 0))
	r.drain()
	if _, _, ok := r.bot.FeedLatency(0); ok {
		t.Error("a clear has a feed latency")
	}
	r.feed(0, bid(1, 1), hft.Event{Ev: hft.LocalEvent | 200, ExchTimestampNs: 11, LocalTimestampNs: 12})
	r.must(r.hub.AnswerRegister(botID, 0, nil, hft.StateValues{}, []hft.Event{bid(2, 2)}))
	r.drain()
	if exch, local, ok := r.bot.FeedLatency(0); exch != 11 || local != 12 || !ok {
		t.Errorf("FeedLatency = %d, %d, %v; want 11, 12, true", exch, local, ok)
	}
	r.feed(0, hft.Event{Ev: hft.LocalEvent | hft.EstimatedTime | 200, ExchTimestampNs: 13, LocalTimestampNs: 14})
	r.drain()
	if exch, local, ok := r.bot.FeedLatency(0); exch != 11 || local != 12 || !ok {
		t.Errorf("FeedLatency = %d, %d, %v; want 11, 12, true: the time after that is an estimate", exch, local, ok)
	}
	if _, _, ok := r.bot.FeedLatency(1); ok {
		t.Error("the other asset has a feed latency")
	}

	want := func(what string, wantReq, wantExch, wantResp int64, wantOK bool) {
		t.Helper()
		if req, exch, resp, ok := r.bot.OrderLatency(0); req != wantReq || exch != wantExch || resp != wantResp ||
			ok != wantOK {
			t.Errorf("%s: OrderLatency = %d, %d, %d, %v; want %d, %d, %d, %v", what, req, exch, resp, ok, wantReq,
				wantExch, wantResp, wantOK)
		}
	}
	o := r.submit(1)
	want("before the first answer", 0, 0, 0, false)
	r.clock.Advance(3 * ms)
	r.order(0, report(o, hft.StatusNew, t0+int64(ms)))
	r.drain()
	want("submit", t0, t0+int64(ms), t0+int64(3*ms), true)
	r.clock.Advance(time.Hour)
	r.order(0, report(o, hft.StatusPartiallyFilled, t0+int64(time.Hour)))
	r.drain()
	want("fill of a resting order", t0, t0+int64(ms), t0+int64(3*ms), true)
	cancelNs := r.clock.NowNs()
	if _, err := r.bot.Cancel(0, 1, false); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * ms)
	r.order(0, rejected(report(o, hft.StatusNew, 0)))
	r.drain()
	want("refusal by the host", t0, t0+int64(ms), t0+int64(3*ms), true)
	if _, err := r.bot.Cancel(0, 1, false); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(ms)
	// The exchange's copy of an order has the time of its submission: the bot knows when it sent the cancel.
	r.order(0, report(o, hft.StatusCanceled, cancelNs+int64(2*ms)+1))
	r.drain()
	want("cancel", cancelNs+int64(2*ms), cancelNs+int64(2*ms)+1, cancelNs+int64(3*ms), true)
}

func TestOrderHook(t *testing.T) {
	var calls []string
	var fail error
	r := newHub(t)
	r.build(3, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(prev, next *hft.Order) error {
			before := "nothing"
			if prev != nil {
				before = prev.Status.String()
			}
			calls = append(calls, fmt.Sprintf("%d %s -> %v", next.OrderID, before, next.Status))
			if r.bot != nil && r.bot.Orders(0).Get(1) != nil { // the bot may be read, requests may be sent
				if _, err := r.bot.SubmitBuyOrder(0, 100+uint64(len(calls)), 60000, 1, hft.GTC, hft.Limit,
					false); err != nil {
					t.Errorf("SubmitBuyOrder from the hook: %v", err)
				}
			}
			return fail
		})
	})
	o := r.submit(1)
	r.order(0, report(o, hft.StatusNew, t0))
	r.order(0, report(hft.Order{OrderID: 9}, hft.StatusNew, t0))
	r.drain()
	fail = errors.New("enough")
	r.order(0, report(o, hft.StatusFilled, t0+1))
	r.feed(0, bid(100, 1))
	if got, err := r.bot.WaitNextFeed(true, time.Second); got != hft.ElapseOk || err != fail {
		t.Errorf("WaitNextFeed = %v, %v; want the hook's error itself", got, err)
	}
	if got := r.bot.Orders(0).Get(1).Status; got != hft.StatusFilled {
		t.Errorf("the order is %v although its report was received", got)
	}
	if got := r.bookText(0); got != "0@NaN 0@NaN" {
		t.Errorf("the book is %s: the call went on after the hook's error", got)
	}
	if got, want := strings.Join(calls, ", "), "1 None -> New, 9 nothing -> New, 1 New -> Filled"; got != want {
		t.Errorf("the hook saw %s, want %s", got, want)
	}
	if got := r.bot.Orders(0).Len(); got != 5 {
		t.Errorf("%d orders, want 2 and one from each call of the hook", got)
	}
}

func TestErrorHandler(t *testing.T) {
	var got []hft.LiveError
	var fail error
	r := newHub(t).build(3, func(b *live.LiveBotBuilder) {
		b.ErrorHandler(func(e hft.LiveError) error { got = append(got, e); return fail })
	})
	first := hft.LiveError{Kind: hft.OrderError, Connector: "alpha", AssetNo: 1, OrderID: 5,
		Val: hft.StringValue("no margin")}
	second := hft.LiveError{Kind: hft.ConnectionInterrupted, Connector: "beta", AssetNo: hft.AllAssets}
	r.must(r.hub.SendError(botID, first))
	r.drain()
	fail = hft.ErrEndOfData // an error like one of the channel's is still the handler's
	r.must(r.hub.SendError(botID, second))
	r.feed(0, bid(100, 1))
	if res, err := r.bot.Elapse(time.Second); res != hft.ElapseOk || err != fail {
		t.Errorf("Elapse = %v, %v; want the handler's error itself", res, err)
	}
	if len(got) != 2 || got[0].Error() != first.Error() || got[1].Error() != second.Error() {
		t.Errorf("the handler got %v", got)
	}
}

// TestErrorWithoutHandler: it is logged, by the given logger or the program's.
func TestErrorWithoutHandler(t *testing.T) {
	e := hft.LiveError{Kind: hft.OrderError, Connector: "alpha", AssetNo: 1, OrderID: 5,
		Val: hft.StringValue("no margin")}
	var lines []string
	r := newHub(t).build(3,
		func(b *live.LiveBotBuilder) { b.Logger(func(line string) { lines = append(lines, line) }) })
	r.must(r.hub.SendError(botID, e))
	r.drain()
	if len(lines) != 1 || lines[0] != "bot 7: OrderError connector alpha asset 1 order 5: no margin" {
		t.Errorf("logged %q", lines)
	}

	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	r = newHub(t).build(3, func(b *live.LiveBotBuilder) { b.Logger(nil) })
	r.must(r.hub.SendError(botID, e))
	r.drain()
	if !strings.Contains(out.String(), "no margin") {
		t.Errorf("the program's logger got %q", out.String())
	}
}

// TestWaitInCallback: a callback that waited would overwrite the event it is called for.
func TestWaitInCallback(t *testing.T) {
	r := newHub(t)
	var errs []error
	try := func() {
		for _, call := range []func() (hft.ElapseResult, error){
			func() (hft.ElapseResult, error) { return r.bot.Elapse(ms) },
			func() (hft.ElapseResult, error) { return r.bot.WaitNextFeed(true, ms) },
			func() (hft.ElapseResult, error) { return r.bot.WaitOrderResponse(0, 1, ms) },
			func() (hft.ElapseResult, error) {
				return r.bot.SubmitBuyOrder(0, 2, 60000, 1, hft.GTC, hft.Limit, true)
			},
			func() (hft.ElapseResult, error) { return r.bot.Cancel(0, 1, true) },
		} {
			_, err := call()
			errs = append(errs, err)
		}
	}
	r.build(3, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(_, _ *hft.Order) error { try(); return nil })
		b.ErrorHandler(func(hft.LiveError) error { try(); return nil })
	})
	o := r.submit(1)
	r.order(0, report(o, hft.StatusNew, t0))
	r.must(r.hub.SendError(botID, hft.NewLiveError(hft.OrderError)))
	r.drain()
	if len(errs) != 10 {
		t.Fatalf("%d calls, want 10", len(errs))
	}
	for i, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "without wait") {
			t.Errorf("waiting call %d from a callback: %v, want an error that says what to do", i, err)
		}
	}
	if len(r.requests) != 1 || r.clock.NowNs() != t0 {
		t.Errorf("%d requests, %v passed; want 1, 0", len(r.requests), r.clock.NowNs()-t0)
	}
	if got, err := r.bot.Elapse(ms); got != hft.ElapseOk || err != nil {
		t.Errorf("Elapse afterwards = %v, %v", got, err)
	}
}

func TestClosed(t *testing.T) {
	r := newRig(t)
	r.rest(1, t0)
	for range 2 {
		if err := r.bot.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	r.clock.Advance(time.Hour)
	for i, call := range []func() (hft.ElapseResult, error){
		func() (hft.ElapseResult, error) { return r.bot.Elapse(ms) },
		func() (hft.ElapseResult, error) { return r.bot.WaitNextFeed(true, ms) },
		func() (hft.ElapseResult, error) { return r.bot.WaitOrderResponse(0, 1, ms) },
		func() (hft.ElapseResult, error) {
			return r.bot.SubmitSellOrder(0, 2, 60000, 1, hft.GTC, hft.Limit, false)
		},
		func() (hft.ElapseResult, error) { return r.bot.Modify(0, 1, 60000, 1, false) },
		func() (hft.ElapseResult, error) { return r.bot.Cancel(0, 1, false) },
	} {
		if got, err := call(); got != hft.ElapseOk || !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("call %d after Close = %v, %v; want ErrInterrupted", i, got, err)
		}
	}
	if r.bot.Orders(0).Len() != 1 || r.bot.CurrentTimestampNs() != t0 {
		t.Errorf("after Close: %d orders, time %d; want 1 and %d", r.bot.Orders(0).Len(), r.bot.CurrentTimestampNs(),
			t0)
	}
}

func TestWrongAssetPanics(t *testing.T) {
	r := newRig(t)
	for _, assetNo := range []int{-2, 3} {
		for name, call := range map[string]func(){
			"Position":            func() { r.bot.Position(assetNo) },
			"StateValues":         func() { r.bot.StateValues(assetNo) },
			"Depth":               func() { r.bot.Depth(assetNo) },
			"LastTrades":          func() { r.bot.LastTrades(assetNo) },
			"ClearLastTrades":     func() { r.bot.ClearLastTrades(assetNo) },
			"KeepOffBookTrades":   func() { r.bot.KeepOffBookTrades(assetNo) },
			"Orders":              func() { r.bot.Orders(assetNo) },
			"ClearInactiveOrders": func() { r.bot.ClearInactiveOrders(assetNo) },
			"FeedLatency":         func() { r.bot.FeedLatency(assetNo) },
			"OrderLatency":        func() { r.bot.OrderLatency(assetNo) },
		} {
			func() {
				defer func() {
					if s := fmt.Sprint(recover()); !strings.Contains(s, fmt.Sprintf("asset %d", assetNo)) {
						t.Errorf("%s(%d) said %q", name, assetNo, s)
					}
				}()
				call()
			}()
		}
	}
	if r.bot.NumAssets() != 3 || r.bot.ID() != botID {
		t.Errorf("NumAssets %d, ID %d", r.bot.NumAssets(), r.bot.ID())
	}
}

func TestLoggingRecorder(t *testing.T) {
	r := newRig(t)
	var out bytes.Buffer
	rec := live.NewLoggingRecorder(slog.New(slog.NewTextHandler(&out, nil)))
	lines := func(want int) string {
		t.Helper()
		out.Reset()
		if err := rec.Record(r.bot); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("logged %d lines, want %d: %s", got, want, out.String())
		}
		return out.String()
	}
	lines(3) // the first time all of them
	lines(0) // also when the mid is NaN
	r.feed(1, bid(100, 1), ask(102, 1))
	r.drain()
	if got := lines(1); !strings.Contains(got, "asset=1") || !strings.Contains(got, "mid=101 ") {
		t.Errorf("logged %s", got)
	}
	r.feed(1, bid(99, 1)) // not the best
	r.drain()
	lines(0)
	r.must(r.hub.SendPosition(botID, 0, hft.StateValues{Position: 2, Fee: 0.5, NumTrades: 1}))
	r.drain()
	if got := lines(1); !strings.Contains(got, "asset=0") || !strings.Contains(got, "position=2 ") ||
		!strings.Contains(got, "fee=0.5 ") || !strings.Contains(got, fmt.Sprintf("timestamp_ns=%d ", t0)) {
		t.Errorf("logged %s", got)
	}
}
