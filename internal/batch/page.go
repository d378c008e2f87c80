package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/internal/report"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Page configures the title and contents of a report.
type Page struct {
	Title, Version string
	CreatedAt      time.Time
	// Metric is the metric that ranks a sweep.
	Metric string
}

// maxReportRuns is the maximum number of groups that a page shows completely; of a longer list, the first. A sweep's
// table has them all.
const maxReportRuns = 30

// NewReport makes the page of a run of evaluated groups, in their order. It reads their fills.
func NewReport(dir string, page Page, jobs []Job, results []JobResult, groups []Group) (*report.Report, error) {
	r := &report.Report{Title: page.Title, Version: page.Version, CreatedAt: page.CreatedAt.UTC().Format("2006-01-02 15:04:05 UTC")}
	for i := range groups {
		g := &groups[i]
		if len(r.Runs) == maxReportRuns || g.Finished == 0 && len(groups) > maxReportRuns {
			continue
		}
		run, err := g.run(dir, jobs, results)
		if err != nil {
			return nil, fmt.Errorf("report of %s: %w", g.Name(), err)
		}
		r.Runs = append(r.Runs, run)
	}
	r.Sweep = sweep(page.Metric, groups, r.Runs)
	return r, nil
}

// sweep is nil unless parameters were varied.
func sweep(metric string, groups []Group, runs []report.Run) *report.Sweep {
	s := &report.Sweep{Metrics: []string{metric}}
	for _, m := range stats.Default() {
		if m.Name != metric {
			s.Metrics = append(s.Metrics, m.Name)
		}
	}
	strategies := false
	for i := range groups {
		strategies = strategies || groups[i].Job.Strategy != groups[0].Job.Strategy
		for _, set := range groups[i].Job.Set {
			if !slices.Contains(s.Params, set.Name) {
				s.Params = append(s.Params, set.Name)
			}
		}
	}
	if len(s.Params) == 0 || len(groups) < 2 {
		return nil
	}
	for i := range groups {
		g := &groups[i]
		point := report.SweepPoint{Name: g.Name(), Params: make([]string, len(s.Params)), Failure: g.failure()}
		for _, set := range g.Job.Set {
			point.Params[slices.Index(s.Params, set.Name)] = set.Value
		}
		if strategies {
			point.Params = append([]string{g.Job.Strategy}, point.Params...)
		}
		for _, m := range s.Metrics {
			point.Metrics = append(point.Metrics, g.Value(m))
		}
		if slices.ContainsFunc(runs, func(r report.Run) bool { return r.Name == g.Name() }) {
			point.Run = g.Name()
		}
		s.Points = append(s.Points, point)
	}
	if strategies {
		s.Params = append([]string{"strategy"}, s.Params...)
	}
	return s
}

// failure returns why a group lacks some of its results.
func (g *Group) failure() string {
	switch {
	case g.Error != "":
		return g.Error
	case g.Warning() != "":
		return g.Warning()
	case g.Finished+g.Skipped < len(g.Jobs):
		return fmt.Sprintf("%d of %d parts are not done", len(g.Jobs)-g.Finished-g.Skipped, len(g.Jobs))
	}
	return ""
}

// run makes what the page shows of a group.
func (g *Group) run(dir string, jobs []Job, results []JobResult) (report.Run, error) {
	j := g.Job
	run := report.Run{Name: g.Name(), Strategy: j.Strategy, Plugin: j.Plugin.Name, PluginVersion: j.Plugin.Version + ", sha256 " + j.Plugin.SHA256,
		Params: params(j.ShownParams), Models: models(j), BookSize: j.Figures.BookSize, Currency: currency(&j.Spec.Assets[0]),
		Stats: g.Stats, Total: g.curves, Result: g.failure(), Failed: g.Error != ""}
	if run.Result == "" {
		run.Result = "end of data"
	}
	if g.Mixed {
		run.Currency = ""
	}
	for i := range j.Spec.Assets {
		a := &j.Spec.Assets[i]
		run.Instruments = append(run.Instruments, report.Instrument{Name: a.Symbol, TickSize: a.TickSize, LotSize: a.LotSize,
			Asset: fmt.Sprintf("%s, contract size %v", a.Type, a.ContractSize), Fees: fees(&a.Fee)})
		asset := report.Asset{Instrument: a.Symbol}
		if i < len(g.assetCurves) {
			asset.Curves = g.assetCurves[i]
		}
		run.Assets = append(run.Assets, asset)
	}
	run.Counts = report.Counts{Orders: g.Counts.Submits, Modifies: g.Counts.Modifies, Cancels: g.Counts.Cancels, Fills: g.Counts.Fills, Rejects: g.Counts.Rejects}
	latencies := newLatencies(j.Symbols())
	for _, n := range g.Jobs {
		r := &results[n]
		run.Data = append(run.Data, dataFiles(r)...)
		if r.Status != StatusFinished {
			continue
		}
		if run.StartNs == 0 || r.Result.StartNs < run.StartNs {
			run.StartNs = r.Result.StartNs
		}
		run.EndNs = max(run.EndNs, r.Result.EndNs)
		latencies.add(r.Result)
		if r.Result.End == backtest.EndReturned {
			run.Result = "the strategy returned"
		}
	}
	run.OrderLatency, run.FeedLatency = latencies.orders(), latencies.feeds()
	return run, g.addFills(dir, results, &run)
}

func dataFiles(r *JobResult) []report.DataFile {
	var list []report.DataFile
	for _, f := range r.Data {
		list = append(list, report.DataFile{Path: f.Path, Rows: f.Rows, StartNs: f.StartNs, EndNs: f.EndNs,
			Problems: slices.Concat(f.Errors, f.Findings)})
	}
	return list
}

// maxSampled is the maximum number of fills of a group used for the page's charts and histograms.
const maxSampled = 100_000

// addFills reads the fills of a group, evenly thinned when there are many.
func (g *Group) addFills(dir string, results []JobResult, run *report.Run) error {
	var total int64
	for _, n := range g.Jobs {
		total += results[n].Fills
	}
	stride := total/maxSampled + 1
	var rested, ahead []float64
	for _, n := range g.Jobs {
		if results[n].Status != StatusFinished {
			continue
		}
		row := int64(0)
		err := rowfile.ReadFills(filepath.Join(dir, results[n].Folder), func(f *backtest.FillRow) error {
			if row++; (row-1)%stride != 0 || int(f.AssetNo) >= len(run.Assets) || f.AssetNo < 0 {
				return nil
			}
			a := &run.Assets[f.AssetNo]
			a.Fills = append(a.Fills, report.Fill{TimestampNs: f.ExchTimestampNs, Side: f.Side, Price: f.Price, Qty: f.Qty, Maker: f.Maker, Cause: f.Cause.String()})
			if f.Maker {
				rested, ahead = append(rested, float64(f.RestedNs)/1e9), append(ahead, f.JoinedFrontQty)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if g.Counts.Submits == 0 {
		return nil
	}
	q := &report.Queue{RestTime: report.NewDistribution("rest time", "s", rested), QtyAhead: report.NewDistribution("quantity ahead", "", ahead), FillRate: math.NaN()}
	for _, cause := range []string{"queue", "through", "crossed", "taker"} {
		if n := g.Counts.FillsByCause[cause]; n > 0 {
			q.Causes = append(q.Causes, report.Count{Name: cause, Count: n})
		}
	}
	q.FillRate = float64(g.Counts.Filled) / float64(g.Counts.Submits)
	run.Queue = q
	return nil
}

// params lists parameters in the order of their names.
func params(object json.RawMessage) []report.NameValue {
	var values map[string]json.RawMessage
	if json.Unmarshal(object, &values) != nil {
		return nil
	}
	list := make([]report.NameValue, 0, len(values))
	for name, raw := range values {
		text := string(raw)
		var s string
		if json.Unmarshal(raw, &s) == nil {
			text = s
		}
		list = append(list, report.NameValue{Name: name, Value: text})
	}
	slices.SortFunc(list, func(a, b report.NameValue) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// models describes the exchange models, with an instrument's name before what differs.
func models(j *Job) []report.NameValue {
	list := []report.NameValue{{Name: "mode", Value: j.Spec.Compat}}
	if from, to := period(j.Spec.FromNs), period(j.Spec.ToNs); from+to != "" {
		list = append(list, report.NameValue{Name: "period", Value: from + " to " + to})
	}
	for i := range j.Spec.Assets {
		a := &j.Spec.Assets[i]
		prefix := ""
		if len(j.Spec.Assets) > 1 {
			prefix = a.Symbol + " "
		}
		x := &a.Exchange
		list = append(list, report.NameValue{Name: prefix + "exchange", Value: x.Model + options(x)},
			report.NameValue{Name: prefix + "queue", Value: queue(x)}, report.NameValue{Name: prefix + "order latency", Value: latencyText(&x.Latency)})
		if x.ModifyLatency != nil {
			list = append(list, report.NameValue{Name: prefix + "latency of modify", Value: latencyText(x.ModifyLatency)})
		}
		if x.CancelLatency != nil {
			list = append(list, report.NameValue{Name: prefix + "latency of cancel", Value: latencyText(x.CancelLatency)})
		}
		if a.FeedLatencyOffsetNs != 0 {
			list = append(list, report.NameValue{Name: prefix + "feed latency offset", Value: time.Duration(a.FeedLatencyOffsetNs).String()})
		}
	}
	return list
}

func options(x *backtest.ExchangeSpec) string {
	text := ""
	if x.ConsumeDepth {
		text += ", consume_depth"
	}
	if x.SweepFills {
		text += ", sweep_fills"
	}
	return text
}

func queue(x *backtest.ExchangeSpec) string {
	switch {
	case x.Model == "l3_fifo":
		return "first in, first out"
	case x.QueueN != 0:
		return x.Queue + ", n = " + strconv.FormatFloat(x.QueueN, 'g', -1, 64)
	}
	return x.Queue
}

func latencyText(l *backtest.LatencySpec) string {
	if len(l.Files) == 0 {
		return fmt.Sprintf("%v out, %v back", time.Duration(l.EntryNs), time.Duration(l.ResponseNs))
	}
	text := "interpolated from " + strings.Join(l.Files, ", ")
	if l.OffsetNs != 0 {
		text += fmt.Sprintf(", %v added", time.Duration(l.OffsetNs))
	}
	return text
}

func fees(f *backtest.FeeSpec) string {
	text := fmt.Sprintf("by %s: maker %v, taker %v", f.Model, f.Maker, f.Taker)
	if f.Buyer != 0 || f.Seller != 0 {
		text += fmt.Sprintf(", buyer %v, seller %v", f.Buyer, f.Seller)
	}
	return text
}

// currency is the currency of an instrument's equity, derived from its symbol; empty if it cannot be.
func currency(a *backtest.AssetSpec) string {
	for _, quote := range []string{"USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH"} {
		base, ok := strings.CutSuffix(strings.ToUpper(a.Symbol), quote)
		if !ok || base == "" {
			continue
		}
		if a.Type == "inverse" {
			return strings.TrimRight(base, "-_/")
		}
		return quote
	}
	return ""
}

// WriteReport writes dir/report.html.
func WriteReport(dir string, r *report.Report) (err error) {
	path := filepath.Join(dir, "report.html")
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := errors.Join(report.WriteHTML(f, r), f.Close()); err != nil {
		return fmt.Errorf("write the report %s: %w", path, err)
	}
	return nil
}
