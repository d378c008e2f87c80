package report

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hftrunner/backtest/stats"
	"hftrunner/hft"
)

// The colours of the page in daylight.
func equityColor() color.Color   { return color.NRGBA{0x2f, 0x5f, 0xd0, 0xff} }
func mutedColor() color.Color    { return color.NRGBA{0x98, 0xa2, 0xb3, 0xff} }
func lossColor() color.Color     { return color.NRGBA{0xc8, 0x44, 0x3f, 0xff} }
func positionColor() color.Color { return color.NRGBA{0x7a, 0x55, 0xc7, 0xff} }
func buyColor() color.Color      { return color.NRGBA{0x0f, 0x8a, 0x5f, 0xff} }
func sellColor() color.Color     { return color.NRGBA{0xd2, 0x56, 0x2b, 0xff} }

// plots writes the pictures of one report.
type plots struct {
	dir   string
	paths []string
}

// WritePNGs writes plots into dir, which is made if it is missing, and returns their paths: for each run equity,
// drawdown, latencies, and for each of its instruments price with fills and position; for a sweep its map. Files of the
// same name are replaced. What a run has no data for is left out.
func WritePNGs(dir string, r *Report) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report: the folder for plots: %w", err)
	}
	w := &plots{dir: dir}
	for i := range r.Runs {
		run := &r.Runs[i]
		prefix := fmt.Sprintf("%03d-%s", i+1, fileName(run.Name))
		if err := w.run(prefix, run); err != nil {
			return w.paths, fmt.Errorf("report: plots of run %q: %w", run.Name, err)
		}
	}
	if r.Sweep != nil {
		if err := w.sweep(r.Sweep); err != nil {
			return w.paths, fmt.Errorf("report: map of the sweep: %w", err)
		}
	}
	return w.paths, nil
}

// fileName keeps letters and digits of a name, which may be anything.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, name)
	if safe = strings.Trim(safe, "-."); len(safe) > 60 {
		safe = safe[:60]
	}
	if safe == "" {
		return "unnamed"
	}
	return safe
}

func (w *plots) run(prefix string, run *Run) error {
	equity := newTimePlot(run.Name+": equity", run.Currency)
	equity.line("without fee", run.Total.EquityWithoutFee, mutedColor(), false)
	equity.line("after fee", run.Total.Equity, equityColor(), false)
	if err := w.save(equity, prefix+"-equity", 9, 4.5); err != nil {
		return err
	}
	drawdown := newTimePlot(run.Name+": drawdown", run.Currency)
	drawdown.line("", run.Total.Drawdown, lossColor(), false)
	if err := w.save(drawdown, prefix+"-drawdown", 9, 3); err != nil {
		return err
	}
	for i := range run.Assets {
		a := &run.Assets[i]
		name := fmt.Sprintf("%s-%d-%s", prefix, i+1, fileName(a.Instrument))
		price := newTimePlot(run.Name+": price of "+a.Instrument, "price")
		price.line("mid price", a.Curves.Price, mutedColor(), false)
		price.fills("buy", a.Fills, hft.Buy, buyColor(), draw.PyramidGlyph{})
		price.fills("sell", a.Fills, hft.Sell, sellColor(), downGlyph{})
		if err := w.save(price, name+"-price", 9, 4.5); err != nil {
			return err
		}
		position := newTimePlot(run.Name+": position in "+a.Instrument, "quantity")
		position.line("", a.Curves.Position, positionColor(), true)
		if err := w.save(position, name+"-position", 9, 3); err != nil {
			return err
		}
	}
	for i, d := range append(append([]Distribution{}, run.OrderLatency...), run.FeedLatency...) {
		kind := "order "
		if i >= len(run.OrderLatency) {
			kind = "feed, "
		}
		p := newHistogramPlot(run.Name+": "+kind+d.Name, &d)
		if err := w.save(p, fmt.Sprintf("%s-latency-%d-%s", prefix, i+1, fileName(kind+d.Name)), 6, 4); err != nil {
			return err
		}
	}
	return nil
}

// picture is a plot, and whether there is anything in it.
type picture struct {
	*plot.Plot
	drawn bool
	err   error
}

func (w *plots) save(p *picture, name string, widthInch, heightInch float64) error {
	if p.err != nil {
		return fmt.Errorf("%s: %w", name, p.err)
	}
	if !p.drawn {
		return nil
	}
	path := filepath.Join(w.dir, name+".png")
	if err := p.Save(vg.Length(widthInch)*vg.Inch, vg.Length(heightInch)*vg.Inch, path); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	w.paths = append(w.paths, path)
	return nil
}

func newPicture(title string) *picture {
	p := &picture{Plot: plot.New()}
	p.Title.Text = printable(title)
	p.Title.Padding = vg.Points(6)
	for _, f := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Variant, f.Size = "Sans", vg.Points(9)
	}
	p.Title.TextStyle.Font.Size = vg.Points(12)
	p.Add(&plotter.Grid{
		Vertical:   draw.LineStyle{Color: color.Gray{230}, Width: vg.Points(0.5)},
		Horizontal: draw.LineStyle{Color: color.Gray{230}, Width: vg.Points(0.5)},
	})
	return p
}

// printable leaves out what cannot stand in a heading.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

func newTimePlot(title, unit string) *picture {
	p := newPicture(title)
	p.X.Label.Text, p.Y.Label.Text = "UTC", printable(unit)
	p.X.Tick.Marker = plot.TickerFunc(timeTicks)
	p.Legend.Top, p.Legend.Left = true, true
	return p
}

// timeTicks marks between four and about ten round times, given in seconds.
func timeTicks(low, high float64) []plot.Tick {
	const minute, hour, day = 60, 3600, 86400
	step, format := 1e-9, "15:04:05.000000"
	for _, s := range []float64{0.001, 0.01, 0.1, 1, 2, 5, 10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour,
		2 * hour, 4 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day} {
		if s <= (high-low)/4 {
			step = s
		}
	}
	switch {
	case step >= day:
		format = "2006-01-02"
	case step >= minute:
		format = "01-02 15:04"
	case step >= 1:
		format = "15:04:05"
	}
	var ticks []plot.Tick
	for k := math.Ceil(low / step); k*step <= high && len(ticks) < 20; k++ {
		at := time.UnixMicro(int64(math.Round(k * step * 1e6))).UTC()
		ticks = append(ticks, plot.Tick{Value: k * step, Label: at.Format(format)})
	}
	return ticks
}

func at64(ns int64) float64 { return float64(ns) / 1e9 }

// line draws the stretches of a curve between its gaps.
func (p *picture) line(name string, points []stats.Point, c color.Color, step bool) {
	var stretch plotter.XYs
	named := false
	flush := func() {
		if len(stretch) == 0 || p.err != nil {
			return
		}
		l, err := plotter.NewLine(stretch)
		if err != nil {
			p.err = err
			return
		}
		l.Color, l.Width = c, vg.Points(1)
		if step {
			l.StepStyle = plotter.PostStep
		}
		p.Add(l)
		if name != "" && !named {
			p.Legend.Add(name, l)
		}
		p.drawn, named, stretch = true, true, nil
	}
	for _, x := range stats.Thin(points, MaxPoints) {
		if math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
			flush()
			continue
		}
		stretch = append(stretch, plotter.XY{X: at64(x.TimestampNs), Y: x.Value})
	}
	flush()
}

func (p *picture) fills(name string, all []Fill, side hft.Side, c color.Color, shape draw.GlyphDrawer) {
	var points plotter.XYs
	for _, f := range thinFills(all, MaxFills) {
		if f.Side == side && !math.IsNaN(f.Price) && !math.IsInf(f.Price, 0) {
			points = append(points, plotter.XY{X: at64(f.TimestampNs), Y: f.Price})
		}
	}
	if len(points) == 0 || p.err != nil {
		return
	}
	s, err := plotter.NewScatter(points)
	if err != nil {
		p.err = err
		return
	}
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(2.5), Shape: shape}
	p.Add(s)
	p.Legend.Add(name, s)
	p.drawn = true
}

// downGlyph is a triangle that points down.
type downGlyph struct{}

// DrawGlyph draws it.
func (downGlyph) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.SetColor(style.Color)
	var p vg.Path
	p.Move(vg.Point{X: at.X, Y: at.Y - style.Radius})
	p.Line(vg.Point{X: at.X - style.Radius, Y: at.Y + style.Radius*0.7})
	p.Line(vg.Point{X: at.X + style.Radius, Y: at.Y + style.Radius*0.7})
	p.Close()
	c.Fill(p)
}

func newHistogramPlot(title string, d *Distribution) *picture {
	p := newPicture(title)
	p.X.Label.Text, p.Y.Label.Text = printable(d.Unit), "count"
	if d.Count == 0 {
		return p
	}
	h := &plotter.Histogram{FillColor: color.NRGBA{0x5b, 0x86, 0xe5, 0xff}, LineStyle: draw.LineStyle{Color: color.White, Width: vg.Points(0.5)}}
	log := d.Min > 0 && len(d.Bins) > 1 && d.Max/d.Min > 20
	for _, b := range d.Bins {
		if b.From == b.To { // a single value still wants a bar
			b.From, b.To = b.From-0.5, b.To+0.5
		}
		h.Bins = append(h.Bins, plotter.HistogramBin{Min: b.From, Max: b.To, Weight: float64(b.Count)})
	}
	p.Add(h)
	if log {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	p.Y.Min, p.drawn = 0, true
	return p
}
