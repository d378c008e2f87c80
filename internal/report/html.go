package report

import (
	"bytes"
	_ "embed" // the page's parts
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/backtest/stats"
)

//go:embed assets/page.html
var pageHTML string

//go:embed assets/page.css
var pageCSS string

//go:embed assets/chart.js
var chartJS string

//go:embed assets/sweep.js
var sweepJS string

//go:embed assets/page.js
var pageJS string

// page is what the template is filled with.
type page struct {
	*Report
	Style  template.CSS
	Script template.JS
	Data   template.JS
	Views  []runView
	Map    *sweepView
}

// runView is a run as it is read.
type runView struct {
	*Run
	ID, Period, Short string
	PartsTitle        string
	// Key are the figures of the whole period, Parts those of each day or month.
	Key   []figureText
	Parts []partView

	Time, Queueing, Orders, Feed []chartView
	Percentiles                  []percentilesView
	Shares                       []shareView
	FillRate                     string
	HasQueue                     bool
	Rows, Problems               string
}

type partView struct {
	Period  string
	Figures []figureText
}

// chartView says where the script finds a chart.
type chartView struct {
	chart
	Run, Index int
}

type percentilesView struct {
	Name, Unit, Count string
	Values            []string
}

type shareView struct{ Name, Count, Share string }

// pageData is what the script reads.
type pageData struct {
	Runs  []runData  `json:"runs"`
	Sweep *sweepData `json:"sweep,omitempty"`
}

type runData struct {
	Charts []chart `json:"charts"`
}

// WriteHTML writes the page. The report is not changed; the error is that of w.
func WriteHTML(w io.Writer, r *Report) error {
	p := page{Report: r, Style: template.CSS(pageCSS), Script: template.JS(chartJS + sweepJS + pageJS)}
	data := pageData{Runs: []runData{}}
	b := budgetOf(r)
	for i := range r.Runs {
		view, charts := newRunView(&r.Runs[i], i, b)
		p.Views = append(p.Views, view)
		data.Runs = append(data.Runs, runData{charts})
	}
	if r.Sweep != nil {
		p.Map, data.Sweep = newSweepView(r)
	}
	// Marshal writes <, > and & as \u escapes, so no text can end the script element that holds the data.
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("report: the data of the page: %w", err)
	}
	p.Data = template.JS(text)
	t, err := template.New("page").Funcs(template.FuncMap{
		"exact": formatPrice, "count": formatInt, "short": formatShortPeriod,
	}).Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("report: the template of the page: %w", err)
	}
	var buffer bytes.Buffer
	if err := t.Execute(&buffer, p); err != nil {
		return fmt.Errorf("report: fill the page: %w", err)
	}
	if _, err := buffer.WriteTo(w); err != nil {
		return fmt.Errorf("report: write the page: %w", err)
	}
	return nil
}

// newRunView also returns all charts of the run, in the order the views number them.
func newRunView(run *Run, index int, b budget) (runView, []chart) {
	charts := []chart{}
	number := func(list []chart) (views []chartView) {
		for _, c := range list {
			views = append(views, chartView{c, index, len(charts)})
			charts = append(charts, c)
		}
		return views
	}
	v := runView{Run: run, ID: "run-" + strconv.Itoa(index+1), Period: formatPeriod(run.StartNs, run.EndNs),
		Short: formatShortPeriod(run.StartNs, run.EndNs), PartsTitle: partsTitle(run.Stats), HasQueue: run.Queue != nil}
	for i, row := range run.Stats {
		figures := make([]figureText, len(row.Figures))
		for j, f := range row.Figures {
			figures[j] = figure(f.Name, float64(f.Value), run)
		}
		v.Parts = append(v.Parts, partView{formatShortPeriod(row.StartNs, row.EndNs), figures})
		if i == len(run.Stats)-1 {
			v.Key = figures
			v.Parts[i].Period = "Whole period"
		}
	}
	v.Time = number(timeCharts(run, b))
	v.Queueing = number(queueCharts(run.Queue))
	v.Orders = number(barCharts("Order ", run.OrderLatency))
	v.Feed = number(barCharts("Feed, ", run.FeedLatency))
	for _, list := range []struct {
		what string
		of   []Distribution
	}{{"Order, ", run.OrderLatency}, {"Feed, ", run.FeedLatency}} {
		for i := range list.of {
			v.Percentiles = append(v.Percentiles, percentiles(list.what, &list.of[i]))
		}
	}
	if run.Queue != nil {
		v.Shares, v.FillRate = shares(run.Queue.Causes), formatPercent(run.Queue.FillRate)
	}
	v.Rows, v.Problems = dataText(run.Data)
	return v, charts
}

func percentiles(what string, d *Distribution) percentilesView {
	p := percentilesView{Name: what + d.Name, Unit: d.Unit, Count: formatInt(d.Count)}
	for _, x := range []float64{d.Min, d.Mean, d.P50, d.P90, d.P99, d.P999, d.Max} {
		if d.Count == 0 {
			x = math.NaN()
		}
		p.Values = append(p.Values, formatNumber(x))
	}
	return p
}

func shares(causes []Count) []shareView {
	var total int64
	for _, c := range causes {
		total += c.Count
	}
	list := make([]shareView, len(causes))
	for i, c := range causes {
		list[i] = shareView{c.Name, formatInt(c.Count), formatPercent(float64(c.Count) / float64(total))}
	}
	return list
}

func dataText(files []DataFile) (rows, problems string) {
	var n int64
	found := 0
	for _, f := range files {
		n += f.Rows
		found += len(f.Problems)
	}
	if found == 0 {
		return formatInt(n), "no problem found"
	}
	return formatInt(n), strings.Replace(formatInt(int64(found))+" problems found", "1 problems", "1 problem",
		map[bool]int{true: 1}[found == 1])
}

// partsTitle says what the parts are: days if each lies in a day of its own.
func partsTitle(rows []stats.Row) string {
	day := func(ns int64) string { return strings.Fields(formatTime(ns))[0] }
	seen := map[string]bool{}
	for _, row := range rows[:max(len(rows)-1, 0)] {
		if seen[day(row.StartNs)] || day(row.StartNs) != day(row.EndNs) {
			return "By part of the period"
		}
		seen[day(row.StartNs)] = true
	}
	return "By day"
}

// keyOf returns a figure for the overview; its text is a dash if the run has none.
func (v runView) keyOf(name string) figureText {
	for _, k := range v.Key {
		if k.Name == name {
			return k
		}
	}
	return figureText{Name: name, Value: missing}
}

// Overview returns the figures that runs are compared by.
func (v runView) Overview() []figureText {
	var list []figureText
	for _, name := range []string{"Return", "SR", "Sortino", "MaxDrawdown", "ReturnOverMDD", "MaxPositionValue"} {
		list = append(list, v.keyOf(name))
	}
	return list
}

// Uneven says whether ratios of the whole period are to be taken with care.
func (v runView) Uneven() bool { return len(v.Stats) > 0 && v.Stats[len(v.Stats)-1].Uneven }

// HasParts says whether there is more than the whole period.
func (v runView) HasParts() bool { return len(v.Parts) > 1 }

// Known says whether any order was counted.
func (v runView) Known() bool { return v.Counts != Counts{} }

// Sort is the value the overview's column is sorted by.
func (v runView) Sort(name string) string {
	if len(v.Stats) == 0 {
		return ""
	}
	return sortable(value(v.Stats[len(v.Stats)-1], name))
}

func value(row stats.Row, name string) float64 { x, _ := row.Value(name); return x }

// sortable writes a number for the script; nothing if there is none.
func sortable(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
