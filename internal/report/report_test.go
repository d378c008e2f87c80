package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/hft"
)

func page1(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile is a name that would run a script if it were taken as markup in any place of the page.
const hostile = `</script><script>alert(1)</script><img src=x onerror="alert(2)">'"&{{.}}` + "\u2028`${alert(3)}"

func hostileReport() *Report {
	r := sampleReport()
	r.Title, r.CreatedAt, r.Version = hostile, hostile, hostile
	run := &r.Runs[1]
	run.Name, run.Strategy, run.Plugin, run.PluginVersion, run.Result, run.Currency = hostile, hostile, hostile, hostile, hostile, hostile
	run.Params, run.Models = []NameValue{{hostile, hostile}}, []NameValue{{hostile, hostile}}
	run.Instruments[0] = Instrument{Name: hostile, Asset: hostile, Fees: hostile}
	run.Data[0].Path, run.Data[0].Problems = hostile, []string{hostile}
	run.Assets[0].Instrument, run.Assets[0].Fills[0].Cause = hostile, hostile
	run.OrderLatency[0].Name, run.OrderLatency[0].Unit, run.Queue.Causes[0].Name = hostile, hostile, hostile
	run.Stats[0].Figures[0].Name = hostile
	r.Sweep.Params[0], r.Sweep.Metrics[1], r.Sweep.Points[0].Params[0] = hostile, hostile, hostile
	r.Sweep.Points[0].Name, r.Sweep.Points[0].Failure, r.Sweep.Points[0].Run = hostile, hostile, hostile
	return r
}

func checkEscaped(t *testing.T, html string) {
	t.Helper()
	if n := strings.Count(html, "<script"); n != 2 {
		t.Errorf("%d script elements, want the data and the page's own", n)
	}
	if n := strings.Count(html, "</script"); n != 2 {
		t.Errorf("%d ends of script elements", n)
	}
	for _, bad := range []string{"<img", "<script>alert"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
}

func TestHostileNames(t *testing.T) { checkEscaped(t, page1(t, hostileReport())) }

func embedded(t *testing.T, html string) pageText {
	t.Helper()
	_, rest, _ := strings.Cut(html, `<script type="application/json" id="data">`)
	text, _, ok := strings.Cut(rest, "</script>")
	if !ok {
		t.Fatal("the page holds no data")
	}
	var data pageText
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatalf("the page's data: %v", err)
	}
	return data
}

// pageText is the data of a page as a script sees it.
type pageText struct {
	Runs []struct {
		Charts []struct {
			Kind   string
			Series []struct {
				Name string
				T    []int64
				V    []*float64
			}
			Fills *struct{ T []int64 }
		}
	}
	Sweep *struct {
		Values [][]string
		Points []struct{ P []int }
	}
}

func FuzzHostileNames(f *testing.F) {
	f.Add(hostile, "x")
	f.Add("\x00\xff", "<!--<script>")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := &Report{Title: a, Runs: []Run{
			{Name: b, Params: []NameValue{{a, b}}, Result: a, Assets: []Asset{{Instrument: b, Fills: []Fill{{Cause: a}}}}, Queue: &Queue{Causes: []Count{{b, 1}}}},
			{Name: a},
		}, Sweep: &Sweep{Params: []string{a}, Metrics: []string{b}, Points: []SweepPoint{{Params: []string{b}, Metrics: []float64{1}, Run: a}}}}
		html := page1(t, r)
		embedded(t, html)
		if strings.Count(html, "<script") != 2 || strings.Count(html, "</script") != 2 || strings.Count(html, "<section") != 4 {
			t.Errorf("names %q and %q change the page's structure", a, b)
		}
	})
}

func TestStructure(t *testing.T) {
	r := sampleReport()
	r.Runs[1].Stats[len(r.Runs[1].Stats)-1].Uneven = true
	html := page1(t, r)
	for what, want := range map[string]int{
		"<h1>": 1, `<section class="run"`: 4, `<tr data-run="run-`: 4, `<option value="run-`: 4, "<h3>By day</h3>": 3,
		"<figure ": 1 + (6 + 3 + 4) + 2*(4+3+4), "<canvas role=\"img\" tabindex=\"0\" aria-label=\"": 36, `<tr class="failed">`: 3,
		"Whole period": 3, "2 problems found": 3, "not enough margin": 3 + 2, "<a href=\"#run-1\">": 2, "No figures": 1, "not evenly spaced": 1, "No latency": 1,
	} {
		if got := strings.Count(html, what); got != want {
			t.Errorf("%q stands %d times in the page, want %d", what, got, want)
		}
	}
	for _, outside := range []string{"http:", "https:", "src=", "@import", "url("} {
		if i := strings.Index(html, outside); i >= 0 {
			t.Errorf("the page refers to something outside: %s", html[i:min(i+60, len(html))])
		}
	}
	if again := page1(t, r); again != html {
		t.Error("the same report gives another page")
	}
}

func TestDataOfThePage(t *testing.T) {
	r := sampleReport()
	var all []Fill
	for i := range 3 * maxFills {
		all = append(all, Fill{TimestampNs: int64(i) * 1e6, Side: hft.Buy, Price: 1})
	}
	r.Runs[1].Assets[0].Fills = all
	html := page1(t, r)
	if !strings.Contains(html, "Showing 5,000 of 15,000 fills") {
		t.Error("the page does not say that fills were left out")
	}
	data := embedded(t, html)
	for _, run := range data.Runs {
		for _, c := range run.Charts {
			for _, s := range c.Series {
				if len(s.T) != len(s.V) || len(s.T) == 0 || len(s.T) > MaxPoints {
					t.Errorf("series %s has %d times and %d values", s.Name, len(s.T), len(s.V))
				}
				for _, d := range s.T[1:] {
					if d < 0 {
						t.Errorf("series %s goes back in time", s.Name)
					}
				}
			}
		}
	}
	for _, c := range data.Runs[1].Charts {
		if c.Fills != nil && len(c.Fills.T) != maxFills {
			t.Errorf("%d fills", len(c.Fills.T))
		}
	}
	if got := data.Sweep.Values; !slices.Equal(got[0], []string{"5", "10", "20", "40"}) || len(data.Sweep.Points) != 36 {
		t.Errorf("sweep %v", got)
	}
}

func TestManyRunsStaySmall(t *testing.T) {
	r := &Report{Title: "many"}
	run := sampleRun("run", 1, 9000, "BTCUSDT")
	for i := range 150 {
		run.Name = fmt.Sprint("run ", i)
		r.Runs = append(r.Runs, run)
	}
	if n := len(page1(t, r)); n > 10<<20 {
		t.Errorf("150 runs make a page of %d bytes", n)
	}
}

func TestEmptyReports(t *testing.T) {
	nan := math.NaN()
	for name, r := range map[string]*Report{
		"nothing":    {},
		"no points":  {Title: "x", Sweep: &Sweep{}},
		"bare run":   {Runs: []Run{{}}},
		"no metrics": {Sweep: &Sweep{Params: []string{"a"}, Points: []SweepPoint{{}, {Params: []string{"1", "2"}, Metrics: []float64{1, 2}}}}},
		"odd numbers": {Runs: []Run{{Queue: &Queue{FillRate: nan, Causes: []Count{{"queue", 0}}}, FeedLatency: []Distribution{{}},
			Total:  stats.Curves{Equity: []stats.Point{{Value: nan}, {Value: math.Inf(1)}}},
			Assets: []Asset{{Fills: []Fill{{Price: nan, Qty: math.Inf(-1)}}, Curves: stats.Curves{Price: []stats.Point{{Value: nan}}}}},
			Stats:  []stats.Row{{Figures: []stats.Figure{{Name: "SR", Value: stats.Number(nan)}, {Name: "Return", Value: stats.Number(math.Inf(-1))}}}}}}},
	} {
		html := page1(t, r)
		embedded(t, html)
		if strings.Contains(html, "NaN</") || strings.Contains(html, "Inf<") {
			t.Errorf("%s: a number is not written for people", name)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteErrors(t *testing.T) {
	if err := WriteHTML(brokenWriter{}, &Report{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a broken writer gives %v", err)
	}
}

func TestFormat(t *testing.T) {
	for want, got := range map[string]string{
		"–": formatNumber(math.NaN()), "∞": formatNumber(math.Inf(1)), "−∞": formatNumber(math.Inf(-1)), "0": formatNumber(0),
		"−1,234,568": formatNumber(-1234567.8), "12.35": formatNumber(12.3456), "0.001235": formatNumber(0.0012346), "123.5": formatNumber(123.46),
		"1,235": formatNumber(1234.6), "100": formatNumber(100), "1.234e−07": formatNumber(1.2344e-7), "61,000.1": formatPrice(61000.1), "−999": formatInt(-999),
		"12.5 %": formatPercent(0.125), "1,000": formatInt(1000), "2024-08-08 22:00:00 – 23:00:00 UTC": formatPeriod(1723154400e9, 1723158000e9),
		"2024-08-08 22:00 – 08-09 00:00": formatShortPeriod(1723154400e9, 1723161600e9), "2023-12-31 00:00 – 2024-01-01 00:00": formatShortPeriod(1703980800e9, 1704067200e9),
		"+3.5": figure("Return", 3.5, &Run{Currency: "USDT"}).Value, "−3 %": figure("Return", -0.03, &Run{BookSize: 1}).Value,
		"+0.5": figure("ReturnOverTrade", 0.00005, &Run{}).Value, "4": figure("MaxDrawdown", 4, &Run{}).Value,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPartsTitle(t *testing.T) {
	const day = int64(24 * time.Hour)
	rows := func(bounds ...int64) (list []stats.Row) {
		for i := 0; i < len(bounds); i += 2 {
			list = append(list, stats.Row{StartNs: bounds[i], EndNs: bounds[i+1]})
		}
		return append(list, stats.Row{})
	}
	for _, c := range []struct {
		rows []stats.Row
		want string
	}{{rows(day, day+1, 2*day, 2*day+5), "By day"}, {rows(day, day+1, day+2, day+3), "By part of the period"}, {rows(day, 3*day), "By part of the period"}} {
		if got := partsTitle(c.rows); got != c.want {
			t.Errorf("%v: %s", c.rows, got)
		}
	}
}

func TestDistribution(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		values := make([]float64, 1+random.IntN(300))
		for i := range values {
			switch seed % 4 {
			case 0:
				values[i] = random.NormFloat64()
			case 1:
				values[i] = math.Exp(4 * random.NormFloat64())
			case 2:
				values[i] = float64(random.IntN(3))
			default:
				values[i] = 5
			}
		}
		checkDistribution(t, NewDistribution("x", "ms", append([]float64{math.NaN(), math.Inf(1)}, values...)), values)
	}
	if d := NewDistribution("x", "ms", nil); d.Count != 0 || d.Bins != nil {
		t.Errorf("nothing gives %+v", d)
	}
}

func checkDistribution(t *testing.T, d Distribution, values []float64) {
	t.Helper()
	slices.Sort(values)
	n := len(values)
	rank := func(p float64) float64 { return values[max(int(math.Ceil(p*float64(n))), 1)-1] }
	if d.Count != int64(n) || d.Min != values[0] || d.Max != values[n-1] || d.P50 != rank(0.5) || d.P90 != rank(0.9) || d.P99 != rank(0.99) || d.P999 != rank(0.999) {
		t.Fatalf("%+v of %v", d, values)
	}
	if len(d.Bins) == 0 || len(d.Bins) > bins+1 || d.Bins[0].From != d.Min || d.Bins[len(d.Bins)-1].To != d.Max {
		t.Fatalf("bins %+v", d.Bins)
	}
	for i, b := range d.Bins {
		want := int64(0)
		for _, v := range values {
			if v >= b.From && (v < b.To || i == len(d.Bins)-1) {
				want++
			}
		}
		if b.Count != want || i > 0 && b.From != d.Bins[i-1].To {
			t.Fatalf("bin %d %+v holds %d values", i, b, want)
		}
	}
}

func TestFromHistogram(t *testing.T) {
	h := hdrhistogram.New(1, 1e10, 3)
	for i := range int64(1000) {
		if err := h.RecordValue((i + 1) * 1e6); err != nil {
			t.Fatal(err)
		}
	}
	d := FromHistogram("entry", "ms", h, 1e-6)
	for _, c := range [][2]float64{{d.Min, 1}, {d.P50, 500}, {d.P99, 990}, {d.Max, 1000}, {d.Mean, 500.5}} {
		if math.Abs(c[0]-c[1]) > c[1]*0.002 {
			t.Errorf("%v, want %v", c[0], c[1])
		}
	}
	var sum int64
	for _, b := range d.Bins {
		sum += b.Count
	}
	if d.Count != 1000 || sum != 1000 {
		t.Errorf("%d values, %d in bins", d.Count, sum)
	}
}

func TestThinFills(t *testing.T) {
	all := make([]Fill, 100)
	for i := range all {
		all[i].TimestampNs = int64(i)
	}
	for _, n := range []int{0, 2, 7, 99, 100, 200} {
		got := thinFills(all, n)
		if len(got) != min(max(n, 2), 100) || got[0].TimestampNs != 0 || got[len(got)-1].TimestampNs != 99 ||
			!slices.IsSortedFunc(got, func(a, b Fill) int { return int(a.TimestampNs - b.TimestampNs) }) {
			t.Errorf("%d: %v", n, got)
		}
	}
}

func BenchmarkWriteHTML(b *testing.B) {
	r := sampleReport()
	for b.Loop() {
		if err := WriteHTML(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
