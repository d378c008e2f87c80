package market_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

func step(t testing.TB, text string) market.Step {
	t.Helper()
	s, err := market.ParseStep(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		step, text string
		steps      int64
		written    string
		err        error
	}{
		{"0.10", "60000.1", 600001, "60000.10", nil},
		{"0.10", "60000.12", 0, "", market.ErrStep},
		{"0.10", "60000.123", 0, "", market.ErrPrecision},
		{"0.10", "60000.1000", 600001, "60000.10", nil},
		{"0.05", "1.15", 23, "1.15", nil},
		{"0.05", "1.12", 0, "", market.ErrStep},
		{"0.00001000", "0.5", 50000, "0.50000000", nil},
		{"5", "15", 3, "15", nil},
		{"5", "12", 0, "", market.ErrStep},
		{"1", ".", 0, "", market.ErrNumber},
		{"1", "1e3", 0, "", market.ErrNumber},
		{"1", "-3", -3, "-3", nil},
		{"0.001", "-0.004", -4, "-0.004", nil},
	} {
		s := step(t, c.step)
		n, err := s.Parse(c.text)
		if !errors.Is(err, c.err) || n != c.steps {
			t.Errorf("%s in %s: %d, %v; want %d, %v", c.text, c.step, n, err, c.steps, c.err)
		}
		if err == nil && s.Format(n) != c.written {
			t.Errorf("%d of %s is written %s, want %s", n, c.step, s.Format(n), c.written)
		}
	}
	for _, bad := range []string{"", "0", "-1", "+1", "x", "0.0", "1e-3", ".", "0.0000000000001"} {
		if _, err := market.ParseStep(bad); err == nil {
			t.Errorf("step %q was taken", bad)
		}
	}
}

func TestValue(t *testing.T) {
	for _, c := range [][2]string{{"0.10", "0.001"}, {"0.01000000", "0.00001000"}, {"0.0000001", "1"}, {"5", "100"},
		{"0.000000000001", "0.000000000001"}} {
		s, err := market.NewSymbol(market.SymbolConfig{Name: "X", BaseAsset: "A", QuoteAsset: "B", TickSize: c[0],
			LotSize: c[1]})
		if err != nil {
			t.Fatal(err)
		}
		for _, tick := range []int64{1, 7, 600001, 1 << 40, 1 << 50} {
			for _, lots := range []int64{-1 << 50, -3, 0, 1, 12345, 1 << 50} {
				want := new(big.Rat).Mul(rational(c[0], tick), rational(c[1], lots))
				want.Mul(want, big.NewRat(1e8, 1))
				whole := new(big.Int).Quo(want.Num(), want.Denom())
				exact := int64(math.MaxInt64)
				if lots < 0 {
					exact = math.MinInt64
				}
				if whole.IsInt64() {
					exact = whole.Int64()
				}
				if got := s.Value(tick, lots); int64(got) != exact {
					t.Errorf("%d ticks of %s times %d lots of %s is %d, want %d", tick, c[0], lots, c[1], got, exact)
				}
			}
		}
	}
}

func rational(step string, n int64) *big.Rat {
	r, _ := new(big.Rat).SetString(step)
	return r.Mul(r, big.NewRat(n, 1))
}

// FuzzStep parses any text; what it takes is written and read back as the same number.
func FuzzStep(f *testing.F) {
	for _, seed := range []string{"1", "0.10", "-5.5", "99999999999999.99", ".", "-", "1e9", "0.000"} {
		f.Add("0.01", seed)
	}
	f.Add("", "")
	f.Fuzz(func(t *testing.T, stepText, text string) {
		s, err := market.ParseStep(stepText)
		if err != nil {
			return
		}
		n, err := s.Parse(text)
		if err != nil {
			return
		}
		if again, err := s.Parse(s.Format(n)); err != nil || again != n {
			t.Errorf("%q in %q is %d, written %q, read %d, %v", text, stepText, n, s.Format(n), again, err)
		}
	})
}
