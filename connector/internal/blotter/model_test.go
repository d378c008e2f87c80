package blotter_test

import (
	"math"
	"os"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// TestEqualsTheVenue lets bots trade on a random venue over a connection that loses, repeats, delays and reorders, and
// expects that in the end the bots know exactly what is true.
func TestEqualsTheVenue(t *testing.T) {
	seeds := uint64(6000)
	if os.Getenv("HFTRUNNER_LONG") != "" {
		seeds = 60_000
	}
	for seed := range seeds {
		v, numOrders := trade(t, seed, 0)
		check(t, seed, v, numOrders)
		if t.Failed() {
			t.Fatalf("seed %d, style %d", seed, v.style)
		}
	}
}

// mayDiffer reports whether an end may be shown that is not the last one: of an order that turned up after its end had
// been concluded. What was executed is exact all the same.
func (v *randomVenue) mayDiffer() bool { return v.d.b.Counts().Strays > 0 }

func check(t *testing.T, seed uint64, v *randomVenue, numOrders uint64) {
	t.Helper()
	d := v.d
	last := make(map[uint64]*venueOrder) // by order id: the order that stands for it now
	executed := make(map[uint64]int64)
	var position, volume int64
	value := 0.0
	for _, o := range v.orders {
		_, id, ok := d.codec.Decode(o.clientID)
		if !ok {
			t.Fatalf("%q is not ours", o.clientID)
		}
		last[id] = o
		executed[id] += o.cum
		position += o.cum * int64(o.side)
		volume += o.cum
		value += o.value * lot
	}
	if lots(d.position) != position || lots(d.volume) != volume {
		t.Errorf("seed %d: position %d and volume %d lots, not %d and %d", seed, lots(d.position), lots(d.volume), position, volume)
	}
	if d.b.Counts().Assumed == 0 && (math.Abs(d.value-value) > 1e-6 || d.numFills != len(v.trades)) {
		t.Errorf("seed %d: %d executions of %v, not %d of %v", seed, d.numFills, d.value, len(v.trades), value)
	}
	if v.reuse {
		return // an id does not tell which order it is
	}
	numOpen := 0
	for id := uint64(1); id <= numOrders; id++ {
		o, open := d.open[id]
		truth := last[id]
		switch {
		case open:
			numOpen++
			if truth == nil || !truth.open() || o.Req != hft.StatusNone {
				t.Errorf("seed %d: order %d is %+v, at the venue %+v", seed, id, o, truth)
			} else if o.PriceTick != truth.priceTick || lots(o.LeavesQty) != truth.qty-truth.cum || !o.Active() {
				t.Errorf("seed %d: order %d is shown as %+v, it is %+v", seed, id, o, truth)
			}
		case len(d.finals[id]) != 1:
			t.Errorf("seed %d: order %d ended %d times", seed, id, len(d.finals[id]))
		case truth == nil && d.finals[id][0] != hft.StatusExpired:
			t.Errorf("seed %d: order %d never was at the venue and is %v", seed, id, d.finals[id][0])
		case truth != nil && truth.open():
			t.Errorf("seed %d: order %d is over as %v and open at the venue: %+v", seed, id, d.finals[id][0], truth)
		case truth != nil && d.finals[id][0] != truth.status && !v.mayDiffer():
			t.Errorf("seed %d: order %d ended as %v, at the venue %v", seed, id, d.finals[id][0], truth.status)
		}
	}
	if d.b.Open() != numOpen || d.b.OpenOn(symbol) != numOpen {
		t.Errorf("seed %d: %d orders open, %d on the symbol, the bots have %d", seed, d.b.Open(), d.b.OpenOn(symbol), numOpen)
	}
}
