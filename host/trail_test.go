package host

import (
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// TestTrail: in whatever order changes are learnt, the position at a time is what was changed before it.
func TestTrail(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var tr trail
		now := 0.0
		changes := make(map[int64]float64)
		for range 1 + random.IntN(40) {
			ns, delta := 1+random.Int64N(30), float64(random.IntN(9)-4)
			tr.changed(ns, now, delta)
			now += delta
			changes[ns] += delta
		}
		want := 0.0
		for ns := range int64(32) {
			want += changes[ns-1]
			if got := tr.at(ns, now); got != want {
				t.Fatalf("%v at %d, want %v", got, ns, want)
			}
		}
	}
}

// TestLongTrail: what is older than what is remembered takes nothing from the rest.
func TestLongTrail(t *testing.T) {
	t.Parallel()
	var tr trail
	n := len(tr.steps)
	for i := range 3 * n {
		tr.changed(int64(10*(i+1)), float64(i), 1)
	}
	now := float64(3 * n)
	for k, ns := range []int64{1, int64(20*n) + 5, int64(30*n) - 5} {
		tr.changed(ns, now, 1)
		now++
		if at := int64(30 * n); tr.at(at+1, now) != now || tr.at(at, now) != now-1 || tr.at(at-4, now) != now-1 && k == 2 {
			t.Errorf("%d: %v, %v, %v", k, tr.at(at+1, now), tr.at(at, now), tr.at(at-4, now))
		}
	}
}

// TestEventBetweenLateExecutions: an execution that is learnt late counts from its own time on, also where its order
// was heard of later.
func TestEventBetweenLateExecutions(t *testing.T) {
	t.Parallel()
	p, list := shared(0, 0)
	fill := func(h *holding, side hft.Side, qty float64, ns, orderNs int64) {
		u := connector.OrderUpdate{Fill: true, FillValue: qty * 100, FillNs: ns}
		u.Order.Order = hft.Order{Side: side, TickSize: 0.1, ExecQty: qty, ExecPriceTick: 1000, ExchTimestampNs: orderNs}
		h.fill(&u)
	}
	fill(list[0], hft.Buy, 1, 10, 10)
	fill(list[0], hft.Buy, 4, 60, 60)
	fill(list[1], hft.Buy, 3, 20, 90)
	p.Account(&connector.AccountEvent{Kind: connector.Funding, ID: "1", Amount: -8, Asset: "USDT", TimestampNs: 40})
	if a, b := list[0].state.Funding, list[1].state.Funding; a != -2 || b != -6 {
		t.Errorf("funding of %v and %v, want -2 and -6", a, b)
	}
}
