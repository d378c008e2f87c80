package live_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

func TestSubmit(t *testing.T) {
	r := newRig(t)
	r.clock.Advance(5 * ms)
	if got, err := r.bot.SubmitSellOrder(1, 42, 3000.129, 0.5, hft.IOC, hft.Limit, false); got != hft.ElapseOk ||
		err != nil {
		t.Fatalf("SubmitSellOrder = %v, %v", got, err)
	}
	want := hft.NewOrder(42, 300013, 0.01, 0.5, hft.Sell, hft.Limit, hft.IOC)
	want.Req, want.LocalTimestampNs = hft.StatusNew, t0+int64(5*ms)
	if got := r.bot.Orders(1).Get(42); got == nil || *got != want {
		t.Errorf("the order is %+v, want %+v", got, want)
	}
	if len(r.requests) != 1 || r.requests[0].Kind != ipc.RequestOrder || r.requests[0].Order != want {
		t.Errorf("the host received %+v, want the order", r.requests)
	}
	if r.bot.Orders(0).Len() != 0 {
		t.Error("the order is in the orders of another asset")
	}
}

func TestSubmitRefuses(t *testing.T) {
	r := newRig(t)
	r.rest(1, t0)
	sent := len(r.requests)
	good := hft.OrderRequest{OrderID: 2, Price: 60000, Qty: 1, Side: hft.Buy, TimeInForce: hft.GTC, OrdType: hft.Limit}
	set := func(change func(o *hft.OrderRequest)) hft.OrderRequest { o := good; change(&o); return o }
	for _, test := range []struct {
		name    string
		assetNo int
		request hft.OrderRequest
		want    error
	}{
		{"asset -1", -1, good, hft.ErrInstrumentNotFound},
		{"asset 3", 3, good, hft.ErrInstrumentNotFound},
		{"used id", 0, set(func(o *hft.OrderRequest) { o.OrderID = 1 }), hft.ErrOrderIDExist},
		{"NaN price", 0, set(func(o *hft.OrderRequest) { o.Price = math.NaN() }), hft.ErrInvalidOrderRequest},
		{"infinite price", 0, set(func(o *hft.OrderRequest) { o.Price = math.Inf(1) }), hft.ErrInvalidOrderRequest},
		{"price 0", 0, set(func(o *hft.OrderRequest) { o.Price = 0 }), hft.ErrInvalidOrderRequest},
		{"negative price", 0, set(func(o *hft.OrderRequest) { o.Price = -1 }), hft.ErrInvalidOrderRequest},
		{"price of no tick", 0, set(func(o *hft.OrderRequest) { o.Price = 0.01 }), hft.ErrInvalidOrderRequest},
		{"price beyond ticks", 0, set(func(o *hft.OrderRequest) { o.Price = 1e300 }), hft.ErrInvalidOrderRequest},
		{"NaN qty", 0, set(func(o *hft.OrderRequest) { o.Qty = math.NaN() }), hft.ErrInvalidOrderRequest},
		{"infinite qty", 0, set(func(o *hft.OrderRequest) { o.Qty = math.Inf(1) }), hft.ErrInvalidOrderRequest},
		{"qty 0", 0, set(func(o *hft.OrderRequest) { o.Qty = 0 }), hft.ErrInvalidOrderRequest},
		{"negative qty", 0, set(func(o *hft.OrderRequest) { o.Qty = -1 }), hft.ErrInvalidOrderRequest},
		{"no side", 0, set(func(o *hft.OrderRequest) { o.Side = hft.SideNone }), hft.ErrInvalidOrderRequest},
		{"unsupported side", 0, set(func(o *hft.OrderRequest) { o.Side = hft.SideUnsupported }),
			hft.ErrInvalidOrderRequest},
		{"order type", 0, set(func(o *hft.OrderRequest) { o.OrdType = 2 }), hft.ErrInvalidOrderRequest},
		{"time in force", 0, set(func(o *hft.OrderRequest) { o.TimeInForce = 4 }), hft.ErrInvalidOrderRequest},
		{"market, qty 0", 0, set(func(o *hft.OrderRequest) { o.OrdType, o.Qty = hft.Market, 0 }),
			hft.ErrInvalidOrderRequest},
	} {
		for _, wait := range []bool{false, true} {
			if got, err := r.bot.SubmitOrder(test.assetNo, test.request, wait); got != hft.ElapseOk ||
				!errors.Is(err, test.want) {
				t.Errorf("%s: SubmitOrder = %v, %v; want %v", test.name, got, err, test.want)
			}
		}
	}
	if len(r.requests) != sent || r.bot.Orders(0).Len() != 1 {
		t.Errorf("refused orders left traces: %d requests, %d orders", len(r.requests)-sent, r.bot.Orders(0).Len())
	}
	for i, price := range []float64{math.NaN(), math.Inf(1), -1, 0, 60000} { // a market order needs no price
		o := set(func(o *hft.OrderRequest) { o.OrderID, o.OrdType, o.Price = uint64(10+i), hft.Market, price })
		if _, err := r.bot.SubmitOrder(0, o, false); err != nil {
			t.Errorf("market order with price %v: %v", price, err)
		}
		want := int64(0)
		if price == 60000 {
			want = 600000
		}
		if got := r.requests[len(r.requests)-1].Order.PriceTick; got != want {
			t.Errorf("market order with price %v was sent with tick %d, want %d", price, got, want)
		}
	}
}

// TestCancelAndModify checks what an order in each condition says to Cancel and Modify.
func TestCancelAndModify(t *testing.T) {
	for _, test := range []struct {
		name    string
		arrange func(r *rig)
		want    error
	}{
		{"new", func(r *rig) { r.rest(1, t0) }, nil},
		{"partially filled", func(r *rig) { r.order(0, report(r.rest(1, t0), hft.StatusPartiallyFilled, t0+1)) }, nil},
		{"not there", func(r *rig) {}, hft.ErrOrderNotFound},
		{"submitted", func(r *rig) { r.submit(1) }, hft.ErrOrderRequestInProcess},
		{"being cancelled", func(r *rig) {
			r.rest(1, t0)
			_, err := r.bot.Cancel(0, 1, false)
			r.must(err)
		}, hft.ErrOrderRequestInProcess},
		{"being modified", func(r *rig) {
			r.rest(1, t0)
			_, err := r.bot.Modify(0, 1, 60001, 1, false)
			r.must(err)
		}, hft.ErrOrderRequestInProcess},
		{"filled", func(r *rig) { r.order(0, report(r.submit(1), hft.StatusFilled, t0)) }, hft.ErrInvalidOrderStatus},
		{"canceled", func(r *rig) { r.order(0, report(r.submit(1), hft.StatusCanceled, t0)) },
			hft.ErrInvalidOrderStatus},
		{"expired", func(r *rig) { r.order(0, report(r.submit(1), hft.StatusExpired, t0)) }, hft.ErrInvalidOrderStatus},
		{"unknown", func(r *rig) { r.order(0, report(r.submit(1), hft.StatusUnknown, t0)) }, hft.ErrInvalidOrderStatus},
	} {
		for what, call := range map[string]func(b live.LiveBot) (hft.ElapseResult, error){
			"Cancel": func(b live.LiveBot) (hft.ElapseResult, error) { return b.Cancel(0, 1, false) },
			"Modify": func(b live.LiveBot) (hft.ElapseResult, error) { return b.Modify(0, 1, 61000, 2, false) },
		} {
			r := newRig(t)
			test.arrange(r)
			r.drain()
			sent := len(r.requests)
			got, err := call(r.bot)
			if got != hft.ElapseOk || !errors.Is(err, test.want) {
				t.Errorf("%s of an order that is %s = %v, %v; want %v", what, test.name, got, err, test.want)
			}
			if wantSent := err == nil; (len(r.requests) > sent) != wantSent {
				t.Errorf("%s of an order that is %s: %d requests sent", what, test.name, len(r.requests)-sent)
			}
		}
	}
	r := newRig(t)
	for _, assetNo := range []int{-1, 3} {
		if _, err := r.bot.Cancel(assetNo, 1, false); !errors.Is(err, hft.ErrInstrumentNotFound) {
			t.Errorf("Cancel(%d): %v", assetNo, err)
		}
		if _, err := r.bot.Modify(assetNo, 1, 1, 1, false); !errors.Is(err, hft.ErrInstrumentNotFound) {
			t.Errorf("Modify(%d): %v", assetNo, err)
		}
	}
}

func TestModify(t *testing.T) {
	r := newRig(t)
	before := r.rest(1, t0)
	for _, bad := range [][2]float64{{math.NaN(), 1}, {0, 1}, {-5, 1}, {math.Inf(1), 1}, {60000, 0}, {60000, -1},
		{60000, math.NaN()}, {60000, math.Inf(1)}} {
		if _, err := r.bot.Modify(0, 1, bad[0], bad[1], false); !errors.Is(err, hft.ErrInvalidOrderRequest) {
			t.Errorf("Modify to %v: %v, want ErrInvalidOrderRequest", bad, err)
		}
	}
	if got := *r.bot.Orders(0).Get(1); got != before {
		t.Fatalf("a refused modify changed the order to %+v", got)
	}
	r.clock.Advance(ms)
	if got, err := r.bot.Modify(0, 1, 61000, 2, false); got != hft.ElapseOk || err != nil {
		t.Fatalf("Modify = %v, %v", got, err)
	}
	want := before
	want.PriceTick, want.Qty, want.Req, want.LocalTimestampNs = 610000, 2, hft.StatusReplaced, t0+int64(ms)
	if got := *r.bot.Orders(0).Get(1); got != want || r.requests[1].Order != want {
		t.Errorf("order %+v, request %+v; want %+v", got, r.requests[1].Order, want)
	}
	// Refused: as before. Then accepted: as the exchange says.
	r.order(0, rejected(want))
	r.drain()
	before.LocalTimestampNs = want.LocalTimestampNs
	if got := *r.bot.Orders(0).Get(1); got != before {
		t.Errorf("after the refusal the order is %+v, want %+v", got, before)
	}
	r.after(ms, func() {
		o := report(r.requests[2].Order, hft.StatusNew, t0+9)
		o.LeavesQty = 3
		r.order(0, o)
	})
	got, err := r.bot.Modify(0, 1, 62000, 3, true)
	r.check("Modify with wait", got, err, hft.ElapseOrderResponse, nil, 2*ms)
	if o := r.bot.Orders(0).Get(1); o.PriceTick != 620000 || o.Qty != 3 || o.LeavesQty != 3 || !o.Cancellable() {
		t.Errorf("after the answer the order is %+v", *o)
	}
}

func TestCancelRefused(t *testing.T) {
	r := newRig(t)
	before := r.rest(1, t0)
	r.after(ms, func() { r.order(0, rejected(r.requests[1].Order)) })
	got, err := r.bot.Cancel(0, 1, true)
	r.check("Cancel with wait", got, err, hft.ElapseOrderResponse, nil, ms)
	if o := *r.bot.Orders(0).Get(1); o != before {
		t.Errorf("after the refusal the order is %+v, want %+v", o, before)
	}
	r.after(ms, func() { r.order(0, report(r.requests[2].Order, hft.StatusCanceled, t0+1)) })
	got, err = r.bot.Cancel(0, 1, true)
	r.check("Cancel with wait", got, err, hft.ElapseOrderResponse, nil, 2*ms)
	if o := r.bot.Orders(0).Get(1); o.Status != hft.StatusCanceled || o.Pending() {
		t.Errorf("after the answer the order is %+v", *o)
	}
}

func TestSubmitRejectedExpires(t *testing.T) {
	r := newRig(t)
	o := r.submit(1)
	r.order(0, rejected(o))
	r.drain()
	if got := r.bot.Orders(0).Get(1); got.Status != hft.StatusExpired || got.Pending() {
		t.Errorf("the refused order is %+v, want it expired", *got)
	}
	r.order(0, report(o, hft.StatusNew, t0+5)) // too late: it is final
	r.drain()
	if got := r.bot.Orders(0).Get(1); got.Status != hft.StatusExpired {
		t.Errorf("a final order became %v", got.Status)
	}
}

// TestSendFails: what the host did not take has not happened.
func TestSendFails(t *testing.T) {
	for _, refuse := range []error{hft.ErrRequestQueueFull, hft.ErrPeerGone} {
		r := newRig(t)
		before := r.rest(1, t0)
		r.refuse = refuse
		r.clock.Advance(ms)
		for _, wait := range []bool{false, true} {
			if got, err := r.bot.SubmitBuyOrder(0, 2, 60000, 1, hft.GTC, hft.Limit, wait); got != hft.ElapseOk ||
				!errors.Is(err, refuse) {
				t.Errorf("SubmitBuyOrder = %v, %v; want %v", got, err, refuse)
			}
			if got, err := r.bot.Modify(0, 1, 61000, 2, wait); got != hft.ElapseOk || !errors.Is(err, refuse) {
				t.Errorf("Modify = %v, %v; want %v", got, err, refuse)
			}
			if got, err := r.bot.Cancel(0, 1, wait); got != hft.ElapseOk || !errors.Is(err, refuse) {
				t.Errorf("Cancel = %v, %v; want %v", got, err, refuse)
			}
		}
		if got := r.bot.Orders(0); got.Len() != 1 || *got.Get(1) != before {
			t.Errorf("after failed requests there are %d orders, the first is %+v; want it alone: %+v", got.Len(),
				*got.Get(1), before)
		}
		r.refuse = nil
		if _, err := r.bot.Cancel(0, 1, false); err != nil {
			t.Errorf("Cancel once the host takes requests again: %v", err)
		}
	}
}

// TestQueueOfHubFills fills the hub's own queue, to see the error where it comes from.
func TestQueueOfHubFills(t *testing.T) {
	r := newRig(t)
	r.hub.Handle(nil)
	for id := uint64(1); id <= ipctest.RequestCapacity+1; id++ {
		_, err := r.bot.SubmitBuyOrder(0, id, 60000, 1, hft.GTC, hft.Limit, false)
		if full := id > ipctest.RequestCapacity; full != errors.Is(err, hft.ErrRequestQueueFull) ||
			!full && err != nil {
			t.Fatalf("submission %d: %v", id, err)
		}
	}
	if got := r.bot.Orders(0).Len(); got != ipctest.RequestCapacity {
		t.Errorf("%d orders, want the %d that were sent", got, ipctest.RequestCapacity)
	}
}

func TestResponseTimeout(t *testing.T) {
	r := newHub(t).build(3, func(b *live.LiveBotBuilder) { b.ResponseTimeout(20 * ms) })
	got, err := r.bot.SubmitBuyOrder(0, 1, 60000, 1, hft.GTC, hft.Limit, true)
	r.check("SubmitBuyOrder with wait", got, err, hft.ElapseOk, nil, 20*ms)
	r.order(0, report(r.requests[0].Order, hft.StatusNew, t0))
	r.drain()
	got, err = r.bot.Cancel(0, 1, true)
	r.check("Cancel with wait", got, err, hft.ElapseOk, nil, 40*ms)
	if o := r.bot.Orders(0).Get(1); o.Req != hft.StatusCanceled {
		t.Errorf("a time-out changed the order to %+v: its outcome is not known", *o)
	}
}

// TestTwoBotsOneOrderID: neither sees the other's orders.
func TestTwoBotsOneOrderID(t *testing.T) {
	r := newRig(t)
	other, err := r.builder(3).ID(botID + 1).Build(r.channel(3))
	if err != nil {
		t.Fatal(err)
	}
	r.submit(1)
	if _, err := other.SubmitSellOrder(0, 1, 70000, 2, hft.GTC, hft.Limit, false); err != nil {
		t.Fatal(err)
	}
	r.order(0, report(r.requests[0].Order, hft.StatusNew, t0))
	o := report(r.requests[1].Order, hft.StatusFilled, t0)
	r.must(r.hub.SendOrder(botID+1, 0, &o, hft.StateValues{Position: -2}))
	r.feed(0, bid(100, 1))
	for _, bot := range []live.LiveBot{r.bot, other} {
		if got, err := bot.WaitNextFeed(false, time.Second); got != hft.ElapseMarketFeed || err != nil {
			t.Fatalf("WaitNextFeed = %v, %v", got, err)
		}
	}
	mine, theirs := r.bot.Orders(0).Get(1), other.Orders(0).Get(1)
	if mine.Status != hft.StatusNew || mine.Side != hft.Buy || theirs.Status != hft.StatusFilled ||
		theirs.Side != hft.Sell || r.bot.Position(0) != 0 || other.Position(0) != -2 || r.bot.Orders(0).Len() != 1 {
		t.Errorf("mine %+v at %v, theirs %+v at %v", *mine, r.bot.Position(0), *theirs, other.Position(0))
	}
}
