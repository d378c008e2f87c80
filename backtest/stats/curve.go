package stats

import (
	"math"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// Point is one point of a curve.
type Point struct {
	TimestampNs int64
	// Value is NaN where the curve has a gap.
	Value float64
}

// Curves are the lines of a run's charts, over the same times before they are thinned.
type Curves struct {
	// Price is the mid price and Position the quantity held; both empty for a sum of assets.
	Price, Position []Point
	// Equity is after fee; Drawdown is its distance from the highest equity so far, never positive.
	Equity, EquityWithoutFee, Drawdown []Point
}

// CurvesOf returns the curves of an asset's rows, each of them thinned to at most about maxPoints by Thin. They are
// made of the rows as recorded, so that no drawdown hides in a window. A nil asset is sim.LinearAsset(1).
func CurvesOf(rows []backtest.Record, asset sim.AssetType, maxPoints int) Curves {
	if asset == nil {
		asset = sim.LinearAsset(1)
	}
	return curves(prepare(rows, asset), maxPoints)
}

// Curves returns the curves of the samples, thinned to at most about maxPoints by Thin.
func (s *Stats) Curves(maxPoints int) Curves { return curves(s.samples, maxPoints) }

func curves(samples []Sample, maxPoints int) Curves {
	points := make([]Point, len(samples))
	column := func(value func(*Sample) float64) []Point {
		known := false
		for i := range samples {
			points[i] = Point{samples[i].TimestampNs, value(&samples[i])}
			known = known || !math.IsNaN(points[i].Value)
		}
		if !known {
			return nil
		}
		return Thin(points, maxPoints)
	}
	peak := math.Inf(-1)
	return Curves{
		Price:            column(func(s *Sample) float64 { return s.Price }),
		Position:         column(func(s *Sample) float64 { return s.Position }),
		Equity:           column(func(s *Sample) float64 { return s.Equity() }),
		EquityWithoutFee: column(func(s *Sample) float64 { return s.EquityWithoutFee }),
		Drawdown: column(func(s *Sample) float64 {
			e := s.Equity()
			if e > peak {
				peak = e
			}
			return e - peak
		}),
	}
}

// Thin returns at most maxPoints of the points (4 if it is less than that), which are in ascending time: the first, the
// last, and the lowest and the highest of each of equally long stretches of time, so that no extreme is lost. A stretch
// without any value keeps one NaN, so a long gap stays one. The result is a copy.
func Thin(points []Point, maxPoints int) []Point {
	maxPoints = max(maxPoints, 4)
	if len(points) <= maxPoints {
		return append([]Point(nil), points...)
	}
	first, last := points[0], points[len(points)-1]
	buckets := (maxPoints - 2) / 2
	width := float64(last.TimestampNs-first.TimestampNs) / float64(buckets)
	bucketOf := func(p Point) int {
		return min(int(float64(p.TimestampNs-first.TimestampNs)/width), buckets-1)
	}
	if width == 0 {
		bucketOf = func(Point) int { return 0 }
	}
	thin := make([]Point, 0, maxPoints)
	thin = append(thin, first)
	inner := points[1 : len(points)-1]
	for begin := 0; begin < len(inner); {
		bucket, end := bucketOf(inner[begin]), begin+1
		for end < len(inner) && bucketOf(inner[end]) == bucket {
			end++
		}
		thin = appendExtremes(thin, inner[begin:end])
		begin = end
	}
	return append(thin, last)
}

// appendExtremes appends the lowest and the highest point in the order they come.
func appendExtremes(thin, bucket []Point) []Point {
	low, high := -1, -1
	for i, p := range bucket {
		if math.IsNaN(p.Value) {
			continue
		}
		if low < 0 || p.Value < bucket[low].Value {
			low = i
		}
		if high < 0 || p.Value > bucket[high].Value {
			high = i
		}
	}
	switch {
	case low < 0:
		return append(thin, bucket[0])
	case low == high:
		return append(thin, bucket[low])
	default:
		return append(thin, bucket[min(low, high)], bucket[max(low, high)])
	}
}
