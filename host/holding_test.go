package host

import (
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

func newTestHolding() *holding {
	return &holding{cfg: InstrumentConfig{TickSize: 0.1, LotSize: 0.001}, owner: connector.Owner{Bot: 1, Incarnation: 1}, pub: &publisher{}}
}

// submit sends an order of the bot at localNs and returns what goes to the connector.
func submit(t *testing.T, h *holding, id uint64, localNs int64) connector.Order {
	t.Helper()
	o := hft.NewOrder(id, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTC)
	return ask(t, h, o, hft.StatusNew, localNs)
}

func ask(t *testing.T, h *holding, o hft.Order, req hft.Status, localNs int64) connector.Order {
	t.Helper()
	o.Req, o.LocalTimestampNs = req, localNs
	sent, reason := h.request(&o)
	if reason != "" {
		t.Fatal(reason)
	}
	return sent
}

// tell is a report of the venue about an order as it was sent.
func tell(h *holding, sent connector.Order, status, req hft.Status) {
	sent.Status, sent.Req = status, req
	h.update(&connector.OrderUpdate{Order: sent})
}

// TestRefusedSubmissionAfterCancel: a strategy dies right after it has sent an order; its cancel follows; then the venue
// refuses the order. The next process may have taken it over meanwhile.
func TestRefusedSubmissionAfterCancel(t *testing.T) {
	for name, between := range map[string]func(h *holding){
		"canceled": func(h *holding) { h.cancel(7, h.ownerOf(7)) },
		"taken over": func(h *holding) {
			h.cancel(7, h.ownerOf(7))
			h.handOver(2, nil)
		},
		"canceled by the bot": func(h *holding) { ask(t, h, *h.orders.View().Get(7), hft.StatusCanceled, 2) },
		"modified by the bot": func(h *holding) { ask(t, h, *h.orders.View().Get(7), hft.StatusReplaced, 2) },
	} {
		h := newTestHolding()
		sent := submit(t, h, 7, 1)
		between(h)
		tell(h, sent, hft.StatusExpired, hft.StatusRejected)
		if n := h.orders.View().Len(); n != 0 || len(h.owners) != 0 || h.numRejects != 1 {
			t.Errorf("%s: %d orders are open after the only one was refused, %d owners remembered, %d refusals counted", name, n, len(h.owners), h.numRejects)
		}
	}
}

// TestRefusedCancelsKeepTheOrder: what is refused but the submission leaves the order open.
func TestRefusedCancelsKeepTheOrder(t *testing.T) {
	for _, status := range []hft.Status{hft.StatusNone, hft.StatusNew, hft.StatusPartiallyFilled, hft.StatusUnknown} {
		h := newTestHolding()
		sent := submit(t, h, 7, 1)
		if status != hft.StatusNone {
			tell(h, sent, status, hft.StatusNone)
		}
		modify := ask(t, h, *h.orders.View().Get(7), hft.StatusReplaced, 2)
		open, _ := h.cancel(7, h.ownerOf(7))
		tell(h, modify, status, hft.StatusRejected)
		tell(h, open, status, hft.StatusRejected)
		o := h.orders.View().Get(7)
		if o == nil || o.Req != hft.StatusNone || o.Status != status {
			t.Errorf("after its modification and its cancel were refused, the order that was %v is %+v", status, o)
		}
		tell(h, sent, hft.StatusCanceled, hft.StatusNone)
		if h.orders.View().Len() != 0 {
			t.Error("a canceled order is open")
		}
	}
}

// TestLateRefusalIsNotTheNextOrders: an order fills while its cancel is under way, the bot uses the id again, and then comes
// the refusal of that cancel.
func TestLateRefusalIsNotTheNextOrders(t *testing.T) {
	h := newTestHolding()
	first := submit(t, h, 7, 1)
	tell(h, first, hft.StatusNew, hft.StatusNone)
	late := ask(t, h, *h.orders.View().Get(7), hft.StatusCanceled, 2)
	tell(h, first, hft.StatusFilled, hft.StatusNone)
	submit(t, h, 7, 3)
	tell(h, late, late.Status, hft.StatusRejected)
	if o := h.orders.View().Get(7); o == nil || o.Req != hft.StatusNew {
		t.Errorf("the refused cancel of the order before has made of the new one %+v", o)
	}
}

// TestLateFillDoesNotEndTheNextOrder: an execution comes after its order's end was told, when the bot has sent another order of
// that id, which the connector has not seen yet. It counts, and the next order is open all the same.
func TestLateFillDoesNotEndTheNextOrder(t *testing.T) {
	h := newTestHolding()
	first := submit(t, h, 7, 1)
	tell(h, first, hft.StatusCanceled, hft.StatusNone)
	next := submit(t, h, 7, 5)
	first.Status, first.Req, first.ExecQty, first.ExecPriceTick = hft.StatusCanceled, hft.StatusNone, 0.01, 1000
	h.update(&connector.OrderUpdate{Order: first, Fill: true, FillValue: 1})
	if h.state.NumTrades != 1 || h.numFills != 1 {
		t.Errorf("%d executions are counted, want 1", h.state.NumTrades)
	}
	o := h.orders.View().Get(7)
	if o == nil || o.Req != hft.StatusNew || o.LocalTimestampNs != 5 {
		t.Fatalf("the next order is %+v after a late execution of the first", o)
	}
	ask(t, h, *o, hft.StatusCanceled, 6)
	tell(h, next, hft.StatusCanceled, hft.StatusNone)
	if h.orders.View().Len() != 0 {
		t.Error("a canceled order is open")
	}
}

// TestLateFillOfARejectedOrder: the refusal is counted once.
func TestLateFillOfARejectedOrder(t *testing.T) {
	h := newTestHolding()
	sent := submit(t, h, 7, 1)
	tell(h, sent, hft.StatusRejected, hft.StatusNone)
	sent.Status, sent.Req, sent.ExecQty, sent.ExecPriceTick = hft.StatusRejected, hft.StatusNone, 0.01, 1000
	h.update(&connector.OrderUpdate{Order: sent, Fill: true, FillValue: 1})
	if h.numRejects != 1 || h.numFills != 1 {
		t.Errorf("%d refusals and %d executions are counted, want 1 of each", h.numRejects, h.numFills)
	}
}

// TestCancelOfAnEndedOrder: an order of a process that died has ended since it was looked at, and the next process has sent one
// with the same id, which is not canceled.
func TestCancelOfAnEndedOrder(t *testing.T) {
	h := newTestHolding()
	p := &publisher{instruments: []*instrument{{holdings: map[uint64]*holding{1: h}}}}
	old := submit(t, h, 7, 1)
	h.handOver(2, nil)
	tell(h, old, hft.StatusCanceled, hft.StatusNone)
	next := submit(t, h, 7, 2)
	if out := p.cancelOf(&old); out.Owner != old.Owner {
		t.Errorf("cancels the order of %+v", out.Owner)
	}
	if o := h.orders.View().Get(7); o.Req != next.Req {
		t.Errorf("the new order's request is %v now", o.Req)
	}
}

// TestFeeInTheTradedAsset: what spot takes of what was bought as the fee lowers the position, and costs once.
func TestFeeInTheTradedAsset(t *testing.T) {
	h := newTestHolding()
	h.mode = StrategyPosition
	fill := func(side hft.Side, price, fee, feeQty float64) {
		u := connector.OrderUpdate{Fill: true, FillValue: price * 1, FillFee: fee, FeePaid: fee, FeeQty: feeQty}
		u.OrderID, u.Side, u.Status, u.ExecQty, u.TickSize = 7, side, hft.StatusFilled, 1, 0.1
		u.ExecPriceTick = hft.PriceTick(price, 0.1)
		h.update(&u)
	}
	same := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	fill(hft.Buy, 100, 0.1, 0.001)
	fill(hft.Buy, 200, 0.21, 0.00105)
	same("position", h.state.Position, 2-0.00205)
	same("balance", h.state.Balance, -300+0.1+0.21)
	same("fee", h.state.Fee, 0.31)
	equity := func(price float64) float64 { return h.state.Balance + h.state.Position*price - h.state.Fee }
	same("profit at 300", h.profit.realised+h.profit.open(300)-h.state.Fee, equity(300))
	same("what was paid", equity(0), -300)
	fill(hft.Sell, 300, 0.3, 0)
	same("position", h.state.Position, 1-0.00205)
	same("profit at 250", h.profit.realised+h.profit.open(250)-h.state.Fee, equity(250))
	if lots := hft.LotsWithin(h.state.Position, h.cfg.LotSize); math.Abs(lots-0.997) > 1e-9 {
		t.Errorf("%v can be sold of %v", lots, h.state.Position)
	}
	if amount(0.997, 0.001) != "0.997" || amount(-0.00095, 0.001) != "-0.00095 (dust: less than a lot of 0.001)" {
		t.Errorf("%s, %s", amount(0.997, 0.001), amount(-0.00095, 0.001))
	}
}
