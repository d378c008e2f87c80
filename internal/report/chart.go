package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/hft"
)

// chart is what the page's script draws; the rest of a figure is in the page already.
type chart struct {
	Title string `json:"-"`
	// Alt says in words what is to be seen.
	Alt string `json:"-"`
	// Class sets the height.
	Class string `json:"-"`
	// Kind is time or bars.
	Kind   string   `json:"kind"`
	Unit   string   `json:"unit"`
	Series []series `json:"series,omitempty"`
	Fills  *fills   `json:"fills,omitempty"`
	// Bars: edges of the bins, one more than counts, or a label for each.
	Edges  floats   `json:"edges,omitempty"`
	Labels []string `json:"labels,omitempty"`
	Counts []int64  `json:"counts,omitempty"`
	Marks  []mark   `json:"marks,omitempty"`
	// Note is shown below the figure.
	Note string `json:"-"`
}

// series is a curve: Kind is line, step or area, Color the name of one of the style's colours.
type series struct {
	Name  string  `json:"name"`
	Kind  string  `json:"kind"`
	Color string  `json:"color"`
	Times timesUs `json:"t"`
	Value floats  `json:"v"`
}

type fills struct {
	Times timesUs  `json:"t"`
	Price floats   `json:"p"`
	Qty   floats   `json:"q"`
	Sides []int    `json:"s"`
	Maker []int    `json:"m"`
	Cause []string `json:"c"`
}

type mark struct {
	Name string `json:"name"`
	At   floats `json:"at"`
}

// timesUs are ascending times, as JSON the first one and then differences, which are short.
type timesUs []int64

func (t timesUs) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	before := int64(0)
	for i, us := range t {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, us-before, 10)
		before = us
	}
	return append(text, ']'), nil
}

// floats are written with nine digits, more than a screen can show; null if not finite.
type floats []float64

func (f floats) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, x := range f {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			text = append(text, "null"...)
			continue
		}
		short := strconv.AppendFloat(nil, x, 'g', -1, 64)
		if nine := strconv.AppendFloat(nil, x, 'g', 9, 64); len(nine) < len(short) {
			short = nine
		}
		text = append(text, short...)
	}
	return append(text, ']'), nil
}

// budget is how much of a run goes into the page.
type budget struct{ points, fills int }

// budgetOf shares 200,000 points and 50,000 fills among all runs, which makes a page of about 4 MB at most.
func budgetOf(r *Report) budget {
	curves := 0
	for i := range r.Runs {
		curves += 3 + 2*len(r.Runs[i].Assets)
	}
	return budget{
		points: min(max(200_000/max(curves, 1), 100), MaxPoints),
		fills:  min(max(50_000/max(len(r.Runs), 1), 100), maxFills),
	}
}

func curve(name, kind, color string, points []stats.Point, b budget) series {
	points = stats.Thin(points, b.points)
	s := series{Name: name, Kind: kind, Color: color, Times: make(timesUs, len(points)),
		Value: make(floats, len(points))}
	for i, p := range points {
		s.Times[i], s.Value[i] = p.TimestampNs/1000, p.Value
	}
	return s
}

// rangeOf returns the lowest and highest value; ok is false if none is known.
func rangeOf(points []stats.Point) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if !math.IsNaN(p.Value) {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	return low, high, low <= high
}

func rangeText(what string, points []stats.Point, unit string) string {
	low, high, ok := rangeOf(points)
	if !ok {
		return what + ": no data."
	}
	last := math.NaN()
	for _, p := range points {
		if !math.IsNaN(p.Value) {
			last = p.Value
		}
	}
	return fmt.Sprintf("%s between %s and %s%s, at the end %s.", what, formatNumber(low), formatNumber(high),
		space(unit), formatNumber(last))
}

func space(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}

// timeCharts returns the charts over time of a run, those without any data left out.
func timeCharts(run *Run, b budget) []chart {
	var list []chart
	if len(run.Total.Equity) > 0 {
		c := chart{Title: "Equity", Kind: "time", Class: "tall", Unit: run.Currency,
			Alt: rangeText("Equity after fee", run.Total.Equity, run.Currency)}
		if len(run.Total.EquityWithoutFee) > 0 {
			c.Series = append(c.Series, curve("without fee", "line", "muted", run.Total.EquityWithoutFee, b))
		}
		c.Series = append(c.Series, curve("after fee", "line", "equity", run.Total.Equity, b))
		list = append(list, c)
	}
	if len(run.Total.Drawdown) > 0 {
		list = append(list, chart{Title: "Drawdown", Kind: "time", Class: "low", Unit: run.Currency,
			Alt:    rangeText("Drawdown of the equity after fee", run.Total.Drawdown, run.Currency),
			Series: []series{curve("drawdown", "area", "loss", run.Total.Drawdown, b)}})
	}
	for i := range run.Assets {
		a := &run.Assets[i]
		if len(a.Curves.Price) > 0 || len(a.Fills) > 0 {
			list = append(list, priceChart(a, b, b.fills/len(run.Assets)))
		}
		if len(a.Curves.Position) > 0 {
			list = append(list, chart{Title: "Position " + a.Instrument, Kind: "time", Class: "low",
				Alt:    rangeText("Position in "+a.Instrument, a.Curves.Position, ""),
				Series: []series{curve("position", "steparea", "position", a.Curves.Position, b)}})
		}
	}
	return list
}

func priceChart(a *Asset, b budget, maxFills int) chart {
	c := chart{Title: "Price " + a.Instrument, Kind: "time", Class: "tall"}
	if len(a.Curves.Price) > 0 {
		c.Series = []series{curve("mid price", "line", "price", a.Curves.Price, b)}
	}
	shown := thinFills(a.Fills, maxFills)
	buys := 0
	f := &fills{}
	for _, x := range shown {
		maker := 0
		if x.Maker {
			maker = 1
		}
		f.Times, f.Price, f.Qty = append(f.Times, x.TimestampNs/1000), append(f.Price, x.Price), append(f.Qty, x.Qty)
		f.Sides, f.Maker, f.Cause = append(f.Sides, int(x.Side)), append(f.Maker, maker), append(f.Cause, x.Cause)
	}
	for i := range a.Fills {
		if a.Fills[i].Side == hft.Buy {
			buys++
		}
	}
	if len(shown) > 0 {
		c.Fills = f
	}
	c.Alt = rangeText("Mid price of "+a.Instrument, a.Curves.Price, "") +
		fmt.Sprintf(" Own fills: %d buys, %d sells.", buys, len(a.Fills)-buys)
	if len(shown) < len(a.Fills) {
		c.Note = fmt.Sprintf("Showing %s of %s fills, evenly sampled; the run's files have all of them.",
			formatInt(int64(len(shown))), formatInt(int64(len(a.Fills))))
	}
	return c
}

// thinFills picks at most n fills, evenly over the list with both its ends.
func thinFills(all []Fill, n int) []Fill {
	n = max(n, 2)
	if len(all) <= n {
		return all
	}
	picked := make([]Fill, n)
	for i := range picked {
		picked[i] = all[i*(len(all)-1)/(n-1)]
	}
	return picked
}

// barCharts returns the charts of distributions, empty ones left out.
func barCharts(what string, list []Distribution) []chart {
	var charts []chart
	for i := range list {
		d := &list[i]
		if d.Count == 0 {
			continue
		}
		c := chart{Title: what + d.Name, Kind: "bars", Class: "small", Unit: d.Unit, Alt: fmt.Sprintf(
			"Histogram of %s values: half of them up to %s%s, 99 of 100 up to %s, highest %s.", formatInt(d.Count),
			formatNumber(d.P50), space(d.Unit), formatNumber(d.P99), formatNumber(d.Max))}
		for _, b := range d.Bins {
			c.Edges, c.Counts = append(c.Edges, b.From), append(c.Counts, b.Count)
		}
		if len(d.Bins) > 0 {
			c.Edges = append(c.Edges, d.Bins[len(d.Bins)-1].To)
		}
		c.Marks = []mark{{"p50", floats{d.P50}}, {"p99", floats{d.P99}}}
		charts = append(charts, c)
	}
	return charts
}

// queueCharts returns why fills happened, how long orders rested and how much was ahead of them.
func queueCharts(q *Queue) []chart {
	if q == nil {
		return nil
	}
	var charts []chart
	if slices.ContainsFunc(q.Causes, func(c Count) bool { return c.Count > 0 }) {
		c := chart{Title: "Fills by cause", Kind: "bars", Class: "small", Alt: "Fills by cause:"}
		for _, n := range q.Causes {
			c.Labels, c.Counts = append(c.Labels, n.Name), append(c.Counts, n.Count)
			c.Alt += fmt.Sprintf(" %s %s.", n.Name, formatInt(n.Count))
		}
		charts = append(charts, c)
	}
	rest, ahead := q.RestTime, q.QtyAhead
	rest.Name, ahead.Name = "Time at rest before a fill", "Quantity ahead when joining"
	return append(charts, barCharts("", []Distribution{rest, ahead})...)
}
