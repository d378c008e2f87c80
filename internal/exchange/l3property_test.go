package exchange_test

import (
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// playL3 drives an exchange with operations read from bytes, which come in fives, and checks what it reports: in the
// fixed mode with the ledger of the L2 exchanges, in the reference's by the ends of orders and the position.
func playL3(t *testing.T, compat sim.Compat, ops []byte) (fills int) {
	w, x := newL3World(t, compat, 20)
	l := &ledger{w: w, orders: map[[2]uint64]*account{}}
	resting, position := map[[2]uint64]bool{}, 0.0
	check := func(request *exchange.Request) {
		if compat == sim.Fixed {
			l.check(request)
			return
		}
		for _, r := range w.recorder.take() {
			key := [2]uint64{r.Owner, r.Order.OrderID}
			if r.Reject != sim.NotRejected {
				continue
			}
			if request == nil && !resting[key] {
				t.Fatalf("an event about an order that does not rest: %+v", r)
			}
			resting[key] = r.Order.Active()
			if r.Order.Status == hft.StatusFilled {
				position += r.Order.ExecQty * float64(r.Order.Side)
				fills++
			}
		}
		for key, want := range resting {
			if _, ok := x.Order(key[0], key[1]); ok != want {
				t.Fatalf("order %v rests: %v, its reports say %v", key, ok, want)
			}
		}
		if x.State().Position != position {
			t.Fatalf("position %v, executions add up to %v", x.State().Position, position)
		}
	}
	for ; len(ops) >= 5; ops = ops[5:] {
		w.nowNs++
		tick, qty := int64(95+ops[1]%12), float64(ops[2]%6)
		sideFlag, side := hft.BuyEvent, hft.Buy
		if ops[3]&1 == 0 {
			sideFlag, side = hft.SellEvent, hft.Sell
		}
		if kind := [16]uint64{10, 10, 10, 10, 11, 12, 12, 13, 13, 3}[ops[0]%16]; kind != 0 {
			if kind == hft.DepthClearEvent && ops[4]%8 != 0 {
				kind = hft.TradeEvent // clears are rare, and trades do nothing
			}
			e := hft.Event{Ev: kind | sideFlag, Px: float64(tick), Qty: qty, OrderID: uint64(ops[4] % 32)}
			_, known := x.Depth().(depth.L3MarketDepth).Order(e.OrderID)
			switch { // most events fit the book
			case ops[3] >= 250:
			case known && kind == hft.AddOrderEvent:
				e.Ev = hft.ModifyOrderEvent
			case !known && kind != hft.AddOrderEvent:
				x.OnEvent(w.nowNs, &hft.Event{Ev: hft.AddOrderEvent | sideFlag, Px: float64(tick), Qty: 1,
					OrderID: e.OrderID})
				check(nil)
			}
			x.OnEvent(w.nowNs, &e)
			if kind == hft.DepthClearEvent && compat == sim.Fixed {
				l.expired(side)
			}
			check(nil)
		} else {
			r := requestL3(ops, tick, qty, side)
			if a := l.orders[[2]uint64{r.Owner, r.Order.OrderID}]; a != nil {
				a.modifyQty = 0
				if !a.open {
					delete(l.orders, [2]uint64{r.Owner, r.Order.OrderID}) // the id is free again
				}
			}
			x.OnRequest(w.nowNs, &r)
			if x.Err() == nil {
				check(&r)
			}
		}
		if (x.Err() != nil) != (compat != sim.Fixed && x.FeedErrors() != exchange.L3FeedErrors{}) {
			t.Fatalf("%v, but feed errors are %+v", x.Err(), x.FeedErrors())
		}
	}
	return fills + int(l.sums.NumTrades)
}

func requestL3(ops []byte, tick int64, qty float64, side hft.Side) exchange.Request {
	r := exchange.Request{Owner: uint64(ops[4] & 1),
		Order: hft.NewOrder(uint64(ops[4]>>1)%8, tick, 1, qty, side, hft.Limit, hft.TimeInForce(ops[3]>>1&3))}
	switch ops[0] % 16 {
	case 10, 11, 12:
		r.Order.Req = hft.StatusNew
	case 13:
		r.Order.Req, r.Order.OrdType = hft.StatusNew, hft.Market
	case 14:
		r.Order.Req = hft.StatusReplaced
	default:
		r.Order.Req = hft.StatusCanceled
	}
	return r
}

// expired takes the reports of a clear.
func (l *ledger) expired(side hft.Side) {
	for _, r := range l.w.recorder.take() {
		a := l.orders[[2]uint64{r.Owner, r.Order.OrderID}]
		if a == nil || !a.open || a.side != side || r.Order.Status != hft.StatusExpired || r.Fill {
			l.failf("a clear of side %v gave the report %+v", side, r)
		}
		a.open, a.submitted, a.finals = false, false, a.finals+1
	}
	for key, a := range l.orders {
		if a.open && a.side == side {
			l.failf("order %v survived the clear of its side", key)
		}
	}
}

func TestL3Properties(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		fills := 0
		for range 60 {
			ops := make([]byte, 5*600)
			for i := range ops {
				ops[i] = byte(random.Uint32())
			}
			fills += playL3(t, compat, ops)
		}
		t.Logf("compat %d: %d executions", compat, fills)
		if fills < 500 {
			t.Errorf("compat %d: only %d executions", compat, fills)
		}
	}
}

func FuzzL3(f *testing.F) {
	f.Add([]byte{0, 3, 4, 1, 1, 10, 3, 4, 1, 2, 0, 3, 8, 1, 3, 7, 3, 2, 1, 131, 15, 0, 0, 0, 2})
	f.Add([]byte{0, 8, 4, 0, 1, 10, 9, 3, 0, 2, 14, 4, 2, 0, 2, 9, 0, 0, 0, 8, 13, 0, 8, 1, 6})
	f.Fuzz(func(t *testing.T, ops []byte) {
		playL3(t, sim.Fixed, ops)
		playL3(t, sim.Hftbacktest, ops)
	})
}
