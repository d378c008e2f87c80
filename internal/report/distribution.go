package report

import (
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Distribution is a histogram with its percentiles, all in Unit.
type Distribution struct {
	Name, Unit                          string
	Count                               int64
	Min, Mean, P50, P90, P99, P999, Max float64
	// Bins are in ascending order and need not be equally wide.
	Bins []Bin
}

// Bin counts the values from From up to but without To; the last one includes To.
type Bin struct {
	From, To float64
	Count    int64
}

// bins is how many a histogram has at most.
const bins = 40

// weight is a value that occurred count times.
type weight struct {
	value float64
	count int64
}

// NewDistribution counts values, which are not changed; NaN and infinities are left out.
func NewDistribution(name, unit string, values []float64) Distribution {
	weights := make([]weight, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			weights = append(weights, weight{v, 1})
		}
	}
	slices.SortFunc(weights, func(a, b weight) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	return distribute(name, unit, weights)
}

// FromHistogram counts the values of h multiplied by scale, a positive number: 1e-6 shows nanoseconds as milliseconds.
// It is for more values than one wants to keep.
func FromHistogram(name, unit string, h *hdrhistogram.Histogram, scale float64) Distribution {
	var weights []weight
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			weights = append(weights, weight{(float64(bar.From) + float64(bar.To)) / 2 * scale, bar.Count})
		}
	}
	return distribute(name, unit, weights)
}

// distribute makes a distribution of ascending weights.
func distribute(name, unit string, weights []weight) Distribution {
	d := Distribution{Name: name, Unit: unit}
	if len(weights) == 0 {
		return d
	}
	var sum float64
	for _, w := range weights {
		d.Count += w.count
		sum += w.value * float64(w.count)
	}
	d.Min, d.Max, d.Mean = weights[0].value, weights[len(weights)-1].value, sum/float64(d.Count)
	d.P50, d.P90 = percentile(weights, d.Count, 0.5), percentile(weights, d.Count, 0.9)
	d.P99, d.P999 = percentile(weights, d.Count, 0.99), percentile(weights, d.Count, 0.999)
	for _, e := range edges(&d) {
		if n := len(d.Bins); n > 0 {
			d.Bins[n-1].To = e
		}
		d.Bins = append(d.Bins, Bin{From: e})
	}
	if len(d.Bins) > 1 {
		d.Bins = d.Bins[:len(d.Bins)-1]
	} else {
		d.Bins[0].To = d.Max
	}
	bin := 0
	for _, w := range weights {
		for bin < len(d.Bins)-1 && w.value >= d.Bins[bin].To {
			bin++
		}
		d.Bins[bin].Count += w.count
	}
	return d
}

// percentile returns the smallest value that at least the share p of all does not exceed.
func percentile(weights []weight, total int64, p float64) float64 {
	rank := max(int64(math.Ceil(p*float64(total))), 1)
	for _, w := range weights {
		if rank -= w.count; rank <= 0 {
			return w.value
		}
	}
	return weights[len(weights)-1].value
}

// edges returns the borders of the bins: in equal ratios over a wide positive range, otherwise in equal steps with one
// bin for what is far out.
func edges(d *Distribution) []float64 {
	if d.Min == d.Max {
		return []float64{d.Min}
	}
	if d.Min > 0 && d.Max/d.Min > 20 {
		return between(d.Min, d.Max, bins, func(share float64) float64 { return d.Min * math.Pow(d.Max/d.Min, share) })
	}
	far := d.P99
	if !(far > d.Min) || d.Max-d.Min < 2*(far-d.Min) {
		far = d.Max
	}
	steps := between(d.Min, far, bins, func(share float64) float64 { return d.Min + (far-d.Min)*share })
	if far < d.Max {
		steps = append(steps, d.Max)
	}
	return steps
}

// between returns ascending borders from first to last; rounding may make some of them one.
func between(first, last float64, n int, at func(share float64) float64) []float64 {
	list := []float64{first}
	for i := 1; i < n; i++ {
		if e := at(float64(i) / float64(n)); e > list[len(list)-1] && e < last {
			list = append(list, e)
		}
	}
	return append(list, last)
}
