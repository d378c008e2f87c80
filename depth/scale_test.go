package depth

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// checkScale holds the quick conversions against the plain ones of package hft.
func checkScale(t *testing.T, s *scale, price, qty float64) {
	t.Helper()
	want := hft.PriceTick(price, s.tickSize)
	if tick, ok := s.quickTick(price); ok && tick != want {
		t.Errorf("quick tick of %v by %v is %d, want %d", price, s.tickSize, tick, want)
	}
	if tick, ok := s.priceTick(price); ok && tick != want {
		t.Errorf("tick of %v by %v is %d, want %d", price, s.tickSize, tick, want)
	} else if !ok && finite(price) && want >= -maxTick && want <= maxTick {
		t.Errorf("price %v by %v is refused", price, s.tickSize)
	}
	lots := hft.QtyLots(qty, s.lotSize)
	if got := s.zeroLots(qty); got != (lots == 0) {
		t.Errorf("%v by %v rounds to no lot: %v, but it is %d lots", qty, s.lotSize, got, lots)
	}
	if got := qty >= s.minQty; got != (lots > 0) {
		t.Errorf("%v by %v is at least a lot: %v, but it is %d lots", qty, s.lotSize, got, lots)
	}
	if _, plain := s.plainQty(qty); plain != (math.Float64bits(qty) == 0 || lots > 0 && finite(qty)) {
		t.Errorf("%v by %v is plain: %v", qty, s.lotSize, plain)
	}
}

var scaleSteps = []float64{0.1, 0.01, 0.001, 0.00001, 1e-8, 0.25, 0.5, 1, 3, 5, 100, 0.0025, 1.0 / 3, 7e-7}

func TestQuickTickIsPriceTick(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 5))
	for _, step := range scaleSteps {
		s := newScale(step, step, Fixed)
		for range 20000 {
			x := math.Exp2(random.Float64()*45) * step
			half := (math.Floor(x/step) + 0.5) * step
			for _, v := range [...]float64{x, half, math.Nextafter(half, 0), math.Nextafter(half, math.Inf(1)),
				math.Round(x/step) * step, -x, -half} {
				checkScale(t, &s, v, v)
			}
		}
		for v, i := math.Nextafter(0.5*step, 0), 0; i < 20; i++ {
			v = math.Nextafter(v, float64(i%2)*2*step)
			checkScale(t, &s, v, v)
		}
		for _, v := range [...]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64,
			-math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p53 * step, 0x1p40 * step, 0x1p63 * step} {
			checkScale(t, &s, v, v)
		}
		if t.Failed() {
			return
		}
	}
}

func FuzzScale(f *testing.F) {
	f.Add(61800.1, 0.0005, uint8(0), uint8(2))
	f.Fuzz(func(t *testing.T, price, qty float64, tick, lot uint8) {
		s := newScale(scaleSteps[int(tick)%len(scaleSteps)], scaleSteps[int(lot)%len(scaleSteps)], Fixed)
		checkScale(t, &s, price, qty)
	})
}
