package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// naive computes the figures by the letter of the specification, column by column, with nothing shared.
func naive(rows []backtest.Record, inverse bool, size float64, windowNs int64, book, year float64) map[string]float64 {
	type cell struct{ equity, value, trades, volume, turnover float64 }
	cells := map[int64]cell{}
	for i, r := range rows {
		label := int64(math.Floor(float64(r.TimestampNs)/float64(windowNs))) * windowNs
		c := cells[label]
		gross := r.Balance + r.Position*r.Price*size
		if inverse {
			gross = -r.Balance - r.Position/r.Price*size
		}
		c.equity, c.value = gross-r.Fee, math.Abs(r.Position)*r.Price
		if i > 0 {
			c.trades += float64(r.NumTrades) - float64(rows[i-1].NumTrades)
			c.volume += r.TradingVolume - rows[i-1].TradingVolume
			c.turnover += r.TradingValue - rows[i-1].TradingValue
		}
		cells[label] = c
	}
	var labels []int64
	for label := range cells {
		labels = append(labels, label)
	}
	sort.Slice(labels, func(i, j int) bool { return labels[i] < labels[j] })

	var d, down, values []float64
	var trades, volume, turnover, drawdown float64
	for i, label := range labels {
		c := cells[label]
		trades, volume, turnover = trades+c.trades, volume+c.volume, turnover+c.turnover
		values = append(values, c.value)
		for _, earlier := range labels[:i] {
			drawdown = math.Max(drawdown, cells[earlier].equity-c.equity)
		}
		if i > 0 {
			x := c.equity - cells[labels[i-1]].equity
			d, down = append(d, x), append(down, math.Pow(math.Min(0, x), 2))
		}
	}
	average := func(x []float64) float64 {
		total := 0.0
		for _, v := range x {
			total += v
		}
		return total / float64(len(x))
	}
	variance := 0.0
	for _, x := range d {
		variance += math.Pow(x-average(d), 2) / float64(len(d)-1)
	}
	first, last := labels[0], labels[len(labels)-1]
	days := float64(last-first) / 86400e9
	annual := math.Sqrt(86400e9 / float64(labels[1]-first) * year)
	gain := cells[last].equity - cells[first].equity
	sort.Float64s(values)
	return map[string]float64{
		"SR": average(d) / math.Sqrt(variance) * annual, "Sortino": average(d) / math.Sqrt(average(down)) * annual,
		"Return": gain / book, "AnnualReturn": gain / book / days * year, "MaxDrawdown": drawdown / book,
		"NumberOfTrades": trades, "DailyNumberOfTrades": trades / days, "TradingVolume": volume,
		"DailyTradingVolume": volume / days,
		"Turnover":           turnover / book, "DailyTurnover": turnover / book / days,
		"ReturnOverMDD": gain / drawdown, "ReturnOverTrade": gain / turnover,
		"MaxPositionValue": values[len(values)-1], "MeanPositionValue": average(values),
		"MedianPositionValue": (values[len(values)/2] + values[(len(values)-1)/2]) / 2,
		"MaxLeverage":         values[len(values)-1] / book,
	}
}

func TestAgainstNaive(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		rows := randomRows(random, 30+random.IntN(200), random.Int64N(100000*second)-50000*second)
		size, book, year := float64(1+random.IntN(9))/3, float64(1+random.IntN(1000)), float64(200+random.IntN(166))
		window := time.Duration(1+random.IntN(20)) * time.Second
		var asset sim.AssetType = sim.LinearAsset(size)
		inverse := seed%2 == 1
		if inverse {
			asset = sim.InverseAsset(size)
		}
		s, err := New(rows, Options{Asset: asset, Window: window, Metrics: All(), BookSize: book,
			TradingDaysPerYear: year})
		if err != nil {
			t.Fatal(err)
		}
		want := naive(rows, inverse, size, window.Nanoseconds(), book, year)
		if len(want) != len(s.Whole().Figures) {
			t.Fatalf("%d figures, want %d", len(s.Whole().Figures), len(want))
		}
		for _, f := range s.Whole().Figures {
			// Ratios of differences lose digits when the differences are small beside what they are of.
			if got, w := float64(f.Value), want[f.Name]; math.Abs(got-w) > 1e-6*max(1, math.Abs(w)) && !near(got, w) {
				t.Errorf("seed %d: %s = %v, want %v", seed, f.Name, got, w)
			}
		}
	}
}

// TestPartsAddUp holds the parts of a split against the whole: what happened between two parts belongs to the later.
func TestPartsAddUp(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 8))
		s, err := New(randomRows(random, 3000, 0), Options{Split: SplitHour, Metrics: All()})
		if err != nil {
			t.Fatal(err)
		}
		parts := s.Rows()[:len(s.Rows())-1]
		if len(parts) < 2 {
			t.Fatalf("%d parts: the rows are too close together for this test", len(parts))
		}
		for _, name := range []string{"NumberOfTrades", "TradingVolume", "TradingValue"} {
			var sum float64
			for _, p := range parts {
				sum += value(t, p, name)
			}
			if whole := value(t, s.Whole(), name); !near(sum, whole) {
				t.Errorf("seed %d: parts have %s %v, the whole %v", seed, name, sum, whole)
			}
		}
	}
}

func checkThin(t *testing.T, points []Point, limit int) {
	t.Helper()
	thin := Thin(points, limit)
	if len(thin) > max(limit, 4) {
		t.Fatalf("%d points, limit %d", len(thin), limit)
	}
	extremes := func(p []Point) (low, high float64) {
		low, high = math.Inf(1), math.Inf(-1)
		for _, x := range p {
			if !math.IsNaN(x.Value) {
				low, high = min(low, x.Value), max(high, x.Value)
			}
		}
		return low, high
	}
	l, h := extremes(points)
	if gotL, gotH := extremes(thin); gotL != l || gotH != h {
		t.Fatalf("extremes %v %v, want %v %v", gotL, gotH, l, h)
	}
	if len(points) == 0 {
		return
	}
	key := func(p Point) string { return fmt.Sprint(p) }
	if key(thin[0]) != key(points[0]) || key(thin[len(thin)-1]) != key(points[len(points)-1]) {
		t.Fatal("an end is lost")
	}
	next := 0 // each point kept is one of the given, in their order
	for _, p := range thin {
		for next < len(points) && key(points[next]) != key(p) {
			next++
		}
		if next == len(points) {
			t.Fatalf("%v is not one of the points, or out of order", p)
		}
		next++
	}
}

func TestThin(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 9))
		points := make([]Point, random.IntN(500))
		var at int64
		for i := range points {
			at += random.Int64N(3) * random.Int64N(1000)
			points[i] = Point{at, random.NormFloat64()}
			if random.IntN(4) == 0 {
				points[i].Value = math.NaN()
			}
		}
		checkThin(t, points, random.IntN(60))
	}
	checkThin(t, make([]Point, 50), 10) // all at one time
}

func FuzzThin(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 0, 9}, 5)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		points := make([]Point, len(data))
		var at int64
		for i, b := range data {
			at += int64(b&15) << (b & 31)
			points[i] = Point{at, float64(int8(b))}
		}
		checkThin(t, points, limit)
	})
}

func BenchmarkNew(b *testing.B) {
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), 864000, 0) // a day at 100 ms
	b.SetBytes(int64(len(rows) * 64))
	for b.Loop() {
		if _, err := New(rows, Options{Split: SplitDay}); err != nil {
			b.Fatal(err)
		}
	}
}
