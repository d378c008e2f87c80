package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// sweep draws the first metric over the first two parameters, or over the only one; points that differ in others are
// averaged.
func (w *plots) sweep(s *Sweep) error {
	if len(s.Params) == 0 || len(s.Metrics) == 0 || len(s.Points) == 0 {
		return nil
	}
	grid := newSweepGrid(s)
	title := s.Metrics[0] + " by " + s.Params[0]
	if len(s.Params) == 1 {
		return w.save(grid.bars(title, s), "sweep", 7, 4)
	}
	title += " and " + s.Params[1]
	if len(s.Params) > 2 {
		title += ", mean of the others"
	}
	return w.save(grid.heatMap(title, s), "sweep", 7, 5)
}

// sweepGrid holds the mean of each cell, NaN where nothing was run.
type sweepGrid struct {
	columns, rows []string
	mean          []float64
}

func newSweepGrid(s *Sweep) *sweepGrid {
	values := sweepValues(s)
	g := &sweepGrid{columns: values[0], rows: []string{""}}
	if len(values) > 1 {
		g.rows = values[1]
	}
	columnOf, rowOf := indexes(g.columns), indexes(g.rows)
	sums, counts := make([]float64, len(g.columns)*len(g.rows)), make([]float64, len(g.columns)*len(g.rows))
	for _, p := range s.Points {
		row := 0
		if len(values) > 1 {
			row = rowOf[paramOf(p, 1)]
		}
		x := at(p.Metrics, 0)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		cell := row*len(g.columns) + columnOf[paramOf(p, 0)]
		sums[cell] += x
		counts[cell]++
	}
	for i := range sums {
		g.mean = append(g.mean, sums[i]/counts[i])
	}
	return g
}

func indexes(values []string) map[string]int {
	m := make(map[string]int, len(values))
	for i, v := range values {
		m[v] = i
	}
	return m
}

// Dims, X, Y and Z make the grid a plotter.GridXYZ.
func (g *sweepGrid) Dims() (columns, rows int) { return len(g.columns), len(g.rows) }
func (g *sweepGrid) X(column int) float64      { return float64(column) }
func (g *sweepGrid) Y(row int) float64         { return float64(row) }
func (g *sweepGrid) Z(column, row int) float64 { return g.mean[row*len(g.columns)+column] }

func (g *sweepGrid) extremes() (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, x := range g.mean {
		if !math.IsNaN(x) {
			low, high = min(low, x), max(high, x)
		}
	}
	return low, high, low <= high
}

func (g *sweepGrid) bars(title string, s *Sweep) *picture {
	p := newPicture(title)
	p.X.Label.Text, p.Y.Label.Text = printable(s.Params[0]), printable(s.Metrics[0])
	if _, _, ok := g.extremes(); !ok {
		return p
	}
	values := make(plotter.Values, len(g.mean))
	for i, x := range g.mean {
		if !math.IsNaN(x) {
			values[i] = x
		}
	}
	b, err := plotter.NewBarChart(values, vg.Points(min(40, 300/float64(len(values)))))
	if err != nil {
		p.err = err
		return p
	}
	b.Color, b.LineStyle.Width = color.NRGBA{0x5b, 0x86, 0xe5, 0xff}, 0
	p.Add(b)
	p.X.Tick.Marker = nameTicks(g.columns)
	p.drawn = true
	return p
}

func (g *sweepGrid) heatMap(title string, s *Sweep) *picture {
	p := newPicture(title)
	p.X.Label.Text, p.Y.Label.Text = printable(s.Params[0]), printable(s.Params[1])
	low, high, ok := g.extremes()
	if !ok {
		return p
	}
	if low == high { // a palette needs a range
		low, high = low-1, high+1
	}
	h := plotter.NewHeatMap(g, newShades(low < 0 && high > 0))
	h.NaN, h.Min, h.Max = color.Gray{238}, low, high
	if low < 0 && high > 0 { // both signs: zero is in the middle
		h.Max = max(high, -low)
		h.Min = -h.Max
	}
	p.Add(h)
	texts := plotter.XYLabels{}
	for i, x := range g.mean {
		if len(g.mean) <= 200 {
			texts.XYs = append(texts.XYs, plotter.XY{X: float64(i % len(g.columns)), Y: float64(i / len(g.columns))})
			texts.Labels = append(texts.Labels, formatNumber(x))
		}
	}
	labels, err := plotter.NewLabels(texts)
	if err != nil {
		p.err = fmt.Errorf("labels: %w", err)
		return p
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].XAlign, labels.TextStyle[i].YAlign = -0.5, -0.5
		labels.TextStyle[i].Font.Size = vg.Points(9)
	}
	p.Add(labels)
	p.X.Tick.Marker, p.Y.Tick.Marker = nameTicks(g.columns), nameTicks(g.rows)
	p.drawn = true
	return p
}

// shades is a palette; low values have the first colours.
type shades []color.Color

// Colors returns the colours.
func (s shades) Colors() []color.Color { return s }

// newShades goes from red over white to green when there are both signs, otherwise from light to dark blue.
func newShades(signed bool) shades {
	const n = 101
	white, blue := [3]float64{255, 255, 255}, [3]float64{47, 95, 208}
	s := make(shades, n)
	for i := range s {
		part := float64(i) / (n - 1)
		toward, share := blue, 0.1+0.55*part
		if signed {
			toward, share = [3]float64{26, 127, 83}, 0.7*(2*part-1)
			if part < 0.5 {
				toward, share = [3]float64{200, 68, 63}, 0.7*(1-2*part)
			}
		}
		mix := func(channel int) uint8 { return uint8(white[channel] + (toward[channel]-white[channel])*share) }
		s[i] = color.NRGBA{mix(0), mix(1), mix(2), 255}
	}
	return s
}

// nameTicks writes values below the cells, not all of them when there are many.
func nameTicks(names []string) plot.Ticker {
	every := (len(names) + 19) / 20
	return plot.TickerFunc(func(_, _ float64) []plot.Tick {
		var ticks []plot.Tick
		for i := 0; i < len(names); i += every {
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: printable(names[i])})
		}
		return ticks
	})
}
