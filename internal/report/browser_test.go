package report

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a page in a real browser, and everything it complained about or asked the network for.
type browser struct {
	*testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

func findChromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	message := fmt.Sprintf("no browser (%s): install the package chromium to look at reports",
		strings.Join(names, ", "))
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// startBrowser starts one for a test and its parts.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := findChromium(t)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1280, 900))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closePage := chromedp.NewContext(ctx)
	t.Cleanup(closePage)
	b := &browser{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

// open writes the report to disk and opens it there; use looks at it. Whatever the browser then complained about or
// asked the network for is an error.
func (b *browser) open(t *testing.T, r *Report, use func(b *browser)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteHTML(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.complaints, b.requests = nil, nil
	b.mu.Unlock()
	outer := b.T
	b.T = t
	defer func() { b.T = outer }()
	address := (&url.URL{Scheme: "file", Path: file}).String()
	b.run(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("#content")))
	use(b)
	js[bool](b, "true") // a last frame, in which a complaint could come

	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
	for _, r := range b.requests {
		if r != address && !strings.HasPrefix(r, address+"#") && r != "data:," {
			t.Errorf("the page asked the network for %s", r)
		}
	}
	if len(b.requests) == 0 {
		t.Error("no request was seen, not even that of the file: the test is blind")
	}
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text)
	case *cdppage.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "a dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// call runs a command of the protocol.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.Fatal(err)
	}
}

// js returns the value of a script, after the next frame was drawn.
func js[T any](b *browser, script string) T {
	b.Helper()
	frame := "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(" + script + "))))"
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](frame, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// picture returns what a canvas of a figure shows.
func (b *browser) picture(figure string) string {
	b.Helper()
	return js[string](b, fmt.Sprintf("document.querySelector(%q).querySelector('canvas').toDataURL()", figure))
}

// blank returns the titles of the figures to be seen whose canvas has fewer than three colours or few drawn pixels.
func (b *browser) blank() []string {
	b.Helper()
	return js[[]string](b, `[...document.querySelectorAll("figure.chart")].filter((f) => f.offsetParent).filter((f) => {
		const c = f.querySelector("canvas"), copy = new OffscreenCanvas(c.width || 1, c.height || 1).getContext("2d", { willReadFrequently: true });
		copy.drawImage(c, 0, 0);
		const p = new Uint32Array(copy.getImageData(0, 0, c.width, c.height).data.buffer);
		return new Set(p).size < 3 || p.filter((v) => v !== 0).length < p.length / 500;
	}).map((f) => f.querySelector(".title").textContent)`)
}

// mouse moves the pointer to a place in a figure's canvas, given as shares of its size.
func (b *browser) mouse(kind input.DispatchMouseEventType, figure string, x, y float64) {
	b.Helper()
	box := js[map[string]float64](b, fmt.Sprintf("(() => { const c = document.querySelector(%q).querySelector('canvas'); c.scrollIntoView({block: 'center'}); return c.getBoundingClientRect().toJSON(); })()", figure))
	e := input.DispatchMouseEventParams{Type: kind, X: box["x"] + x*box["width"], Y: box["y"] + y*box["height"]}
	if kind != chromedp.MouseMoved {
		e.Button, e.ClickCount = input.MouseButtonLeft, 1
	}
	call(b, input.DispatchMouseEvent, e)
}

func (b *browser) readout(figure string) string {
	b.Helper()
	return js[string](b, fmt.Sprintf("document.querySelector(%q).querySelector('.readout').textContent", figure))
}

const (
	equityFigure   = `#run-1 figure[data-chart="0"]`
	priceFigure    = `#run-1 figure[data-chart="2"]`
	positionFigure = `#run-1 figure[data-chart="3"]`
)

func TestInABrowser(t *testing.T) {
	b := startBrowser(t)
	parts := func(r *Report, list map[string]func(*browser, *Report)) func(*testing.T) {
		return func(t *testing.T) {
			b.open(t, r, func(b *browser) {
				drawn(b, r)
				for _, name := range slices.Sorted(maps.Keys(list)) {
					list[name](b, r)
				}
			})
		}
	}
	t.Run("page", parts(sampleReport(), map[string]func(*browser, *Report){
		"1 charts": charts, "2 hover": hover, "3 zoom": zoom, "4 choose": choose, "5 sweep": sweepMap, "6 dark": dark}))
	t.Run("hostile names", parts(hostileReport(), map[string]func(*browser, *Report){"hostile": hostileNames}))

	one := Sweep{Params: []string{"n"}, Metrics: []string{"SR"},
		Points: []SweepPoint{{Params: []string{"1"}, Metrics: []float64{2}},
			{Params: []string{"2"}, Metrics: []float64{-3}}}}
	run := sampleRun("two rows", 1, 2, "BTCUSDT")
	run.FeedLatency = []Distribution{NewDistribution("constant", "ms", []float64{5, 5, 5})}
	t.Run("two rows, one parameter", parts(&Report{Title: "odd", Runs: []Run{run}, Sweep: &one}, nil))
	t.Run("nothing", parts(&Report{Title: "nothing"}, nil))
	t.Run("bare", parts(&Report{Title: "bare", Runs: []Run{{}, {}}, Sweep: &Sweep{}}, nil))
}

// drawn holds for every page.
func drawn(b *browser, r *Report) {
	b.Helper()
	if got := js[string](b, "document.title"); got != r.Title {
		b.Errorf("title %q", got)
	}
	if blank := b.blank(); len(blank) > 0 {
		b.Errorf("nothing is drawn in %q", blank)
	}
}

func charts(b *browser, _ *Report) {
	titles := js[[]string](b,
		`[...document.querySelectorAll("#run-1 figure .title")].map((t) => t.firstChild.textContent.trim())`)
	want := []string{"Equity", "Drawdown", "Price BTCUSDT", "Position BTCUSDT", "Price ETHUSDT", "Position ETHUSDT",
		"Fills by cause", "Time at rest before a fill", "Quantity ahead when joining", "Order entry", "Order response",
		"Order round trip", "Feed, exchange to local"}
	if !slices.Equal(titles, want) {
		b.Errorf("charts %q, want %q", titles, want)
	}
}

func hover(b *browser, r *Report) {
	before := b.readout(equityFigure)
	if !strings.Contains(before, "after fee") {
		b.Errorf("the legend of equity is %q", before)
	}
	b.mouse(chromedp.MouseMoved, priceFigure, 0.5, 0.5)
	// all charts of the run show the same moment
	for _, figure := range []string{equityFigure, priceFigure, positionFigure} {
		if got := b.readout(figure); !strings.Contains(got, "2024-08-08 23:5") &&
			!strings.Contains(got, "2024-08-09 00:0") {
			b.Errorf("under the pointer %s says %q", figure, got)
		}
	}
	// A fill tells about itself: look along the first one's time for it.
	told := false
	for y := 0.05; y < 0.95 && !told; y += 0.05 {
		b.mouse(chromedp.MouseMoved, priceFigure, fillShare(r), y)
		tip := js[string](b, "document.querySelector('.tip')?.textContent ?? ''")
		told = strings.Contains(tip, "maker") || strings.Contains(tip, "taker")
	}
	if !told {
		b.Error("no fill says what it is")
	}
	b.mouse(chromedp.MouseMoved, `#run-1 figure[data-chart="6"]`, 0.4, 0.5)
	if got := b.readout(`#run-1 figure[data-chart="6"]`); !strings.Contains(got, "queue 311 (55.9 %)") {
		b.Errorf("a bar under the pointer says %q", got)
	}
	if got := b.readout(equityFigure); got != before {
		b.Errorf("after the pointer left, the legend is %q", got)
	}
}

// fillShare returns where the first fill of the first run lies, as a share of the canvas, whose plot has margins.
func fillShare(r *Report) float64 {
	run := &r.Runs[0]
	at := float64(run.Assets[0].Fills[0].TimestampNs-run.StartNs) / float64(run.EndNs-run.StartNs)
	const width, left, right = 1167.0, 76, 14
	return (left + at*(width-left-right)) / width
}

func zoom(b *browser, _ *Report) {
	b.mouse(chromedp.MouseMoved, `#run-1 figure[data-chart="6"]`, 0.4, 0.5)
	whole, other := b.picture(equityFigure), b.picture(positionFigure)
	b.mouse(chromedp.MousePressed, equityFigure, 0.4, 0.5)
	b.mouse(chromedp.MouseMoved, equityFigure, 0.6, 0.5)
	b.mouse(chromedp.MouseReleased, equityFigure, 0.6, 0.5)
	b.mouse(chromedp.MouseMoved, `#run-1 figure[data-chart="6"]`, 0.4, 0.5)
	if b.picture(equityFigure) == whole || b.picture(positionFigure) == other {
		b.Error("a drag does not zoom all charts over time")
	}
	if blank := b.blank(); len(blank) > 0 {
		b.Errorf("zoomed, nothing is drawn in %q", blank)
	}
	js[bool](b,
		fmt.Sprintf("document.querySelector(%q).querySelector('canvas').dispatchEvent(new MouseEvent('dblclick'))",
			equityFigure))
	if b.picture(equityFigure) != whole || b.picture(positionFigure) != other {
		b.Error("a double click does not bring back the whole period")
	}
	key := func(name string) {
		js[bool](b, fmt.Sprintf("document.querySelector(%q).querySelector('canvas').dispatchEvent(new KeyboardEvent('keydown', {key: %q}))", equityFigure, name))
	}
	key("+")
	if b.picture(positionFigure) == other {
		b.Error("the plus key does not zoom")
	}
	key("Escape")
	key("ArrowRight")
	if got := b.readout(positionFigure); !strings.Contains(got, "2024-08-0") {
		b.Errorf("an arrow key shows %q", got)
	}
}

func choose(b *browser, r *Report) {
	shown := func() []string {
		return js[[]string](b,
			`[...document.querySelectorAll("section.run")].filter((s) => s.offsetParent).map((s) => s.id)`)
	}
	if got := shown(); !slices.Equal(got, []string{"run-1"}) {
		b.Errorf("at first %q are shown", got)
	}
	b.run(chromedp.Click(chromedp.CSS(`tr[data-run="run-2"] a`)))
	if got := shown(); !slices.Equal(got, []string{"run-2"}) ||
		js[string](b, "document.getElementById('run-select').value") != "run-2" {
		b.Errorf("after a click on the second, %q are shown", got)
	}
	if blank := b.blank(); len(blank) > 0 {
		b.Errorf("the second run draws nothing in %q", blank)
	}
	for want := range strings.FieldsSeq("run-3 run-4 run-1") {
		b.run(chromedp.Click(chromedp.CSS("#run-after")))
		if got := shown(); !slices.Equal(got, []string{want}) {
			b.Errorf("next shows %q, want %s", got, want)
		}
	}
	first := func() string {
		return js[string](b, "document.querySelector('table.overview tbody tr').dataset.run")
	}
	b.run(chromedp.Click(chromedp.CSS(`table.overview th:nth-child(4) button`))) // Sharpe ratio, the best first
	best := first()
	b.run(chromedp.Click(chromedp.CSS(`table.overview th:nth-child(4) button`)))
	if worst := first(); best != "run-1" || worst != "run-3" {
		b.Errorf("sorted by Sharpe ratio, the best is %s and the worst %s", best, worst)
	}
	if last := js[string](b,
		"document.querySelector('table.overview tbody tr:last-child').dataset.run"); last != "run-4" {
		b.Errorf("the run without figures is not the last one but %s", last)
	}
	if n := js[int](b, "document.querySelectorAll('table.overview tbody tr').length"); n != len(r.Runs) {
		b.Errorf("%d rows", n)
	}
}

func sweepMap(b *browser, _ *Report) {
	before := b.picture("#sweep-map")
	for i, label := range []string{"Metric", "Across", "Up", "skew"} {
		set := fmt.Sprintf(`(() => { const s = document.querySelectorAll("#sweep-controls select")[%d]; const label = s.parentNode.firstChild.textContent;
			s.selectedIndex = s.selectedIndex + 1; s.dispatchEvent(new Event("change")); return label; })()`, i)
		if got := js[string](b, set); got != label {
			b.Errorf("control %d is %q, want %q", i, got, label)
		}
		after := b.picture("#sweep-map")
		if after == before {
			b.Errorf("control %s does not change the map", label)
		}
		before = after
		if label == "Across" { // the two swapped; swap them back
			js[bool](b, `(() => { const s = document.querySelectorAll("#sweep-controls select")[1]; s.selectedIndex = 0; s.dispatchEvent(new Event("change")); return true; })()`)
			before = b.picture("#sweep-map")
		}
		if label == "Up" {
			js[bool](b, `(() => { const s = document.querySelectorAll("#sweep-controls select")[2]; s.selectedIndex = 1; s.dispatchEvent(new Event("change")); return true; })()`)
			before = b.picture("#sweep-map")
		}
	}
	b.mouse(chromedp.MouseMoved, "#sweep-map", 0.5, 0.3)
	if got := b.readout("#sweep-map"); !strings.Contains(got, "grid_num") || !strings.Contains(got, "order_qty") {
		b.Errorf("a cell under the pointer says %q", got)
	}
}

func dark(b *browser, _ *Report) {
	light := b.picture(equityFigure)
	call(b, emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme",
			Value: "dark"}}})
	if b.picture(equityFigure) == light {
		b.Error("the charts are the same in the dark")
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if blank := b.blank(); len(blank) > 0 {
		b.Errorf("nothing is printed of %q", blank)
	}
}

// hostileNames sees what a text search cannot: whether any of it runs.
func hostileNames(b *browser, _ *Report) {
	if got := js[string](b, "document.querySelector('h1').textContent"); got != hostile {
		b.Errorf("heading %q", got)
	}
	if got := js[string](b, "document.querySelector('#run-2 h2').textContent"); got != hostile {
		b.Errorf("name %q", got)
	}
	b.run(chromedp.Click(chromedp.CSS(`tr[data-run="run-2"] a`)))
	if blank := b.blank(); len(blank) > 0 {
		b.Errorf("nothing is drawn in %q", blank)
	}
	if n := js[int](b, "document.querySelectorAll('img, script:not(#data)').length"); n != 1 {
		b.Errorf("%d scripts and pictures, want the page's one", n)
	}
}
