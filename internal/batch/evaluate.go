package batch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/sim"
)

// Group is a strategy with one set of parameters: the jobs of all parts of its data.
type Group struct {
	// Job is the first of them; Jobs are the places of all in the run.
	Job  *Job
	Jobs []int
	// Finished is the number of them with a result, Error the error of the first that failed. Skipped is how many have
	// no data in the period, Records how many samples the others have.
	Finished, Skipped int
	Records           int64
	Error             string
	// Stats are the figures of each finished part, or of each day when there is one part, and of all together last; nil
	// when nothing is finished. Assets has the same for each of several assets.
	Stats  []stats.Row
	Parts  []string
	Assets []AssetStats
	// Overlap is the reason for missing Stats although jobs are finished, empty otherwise: the parts overlap in time.
	Overlap string
	// Mixed: the assets are kept in different currencies, so Stats are those of the first only.
	Mixed  bool
	Counts backtest.Counts

	curves      stats.Curves
	assetCurves []stats.Curves
}

// AssetStats are the figures of one asset of several.
type AssetStats struct {
	Symbol string      `json:"symbol"`
	Rows   []stats.Row `json:"stats"`
}

// Name is the displayed name of the group.
func (g *Group) Name() string {
	whole := Job{Strategy: g.Job.Strategy, Set: g.Job.Set}
	return whole.Name()
}

// Warning is the reason for missing figures although nothing failed, empty otherwise.
func (g *Group) Warning() string {
	switch {
	case g.Overlap != "":
		return g.Overlap
	case g.Skipped == len(g.Jobs):
		return "all data is " + strings.TrimPrefix(errOutside.Error(), "its data is ")
	case g.Finished > 0 && g.Records == 0:
		return "nothing was recorded, so there are no statistics: set record_interval, or have the strategy record"
	}
	return ""
}

// Value returns a figure of the whole period, NaN when there is none.
func (g *Group) Value(metric string) float64 {
	if len(g.Stats) == 0 {
		return math.NaN()
	}
	v, _ := g.Stats[len(g.Stats)-1].Value(metric)
	return v
}

// Evaluate reads what the finished jobs of a run directory have recorded and takes the statistics of each strategy and set,
// in the order of the jobs.
func Evaluate(dir string, jobs []Job, results []JobResult) ([]Group, error) {
	var groups []Group
	for i := range jobs {
		at := slices.IndexFunc(groups, func(g Group) bool {
			return g.Job.Strategy == jobs[i].Strategy && slices.Equal(g.Job.Set, jobs[i].Set)
		})
		if at < 0 {
			at = len(groups)
			groups = append(groups, Group{Job: &jobs[i]})
		}
		groups[at].Jobs = append(groups[at].Jobs, i)
	}
	for i := range groups {
		if err := groups[i].evaluate(dir, jobs, results); err != nil {
			return groups, fmt.Errorf("statistics of %s: %w", groups[i].Name(), err)
		}
	}
	return groups, nil
}

// part holds the records of one finished job: the rows of each asset.
type part struct {
	name string
	rows [][]backtest.Record
}

func (g *Group) evaluate(dir string, jobs []Job, results []JobResult) error {
	var parts []part
	for _, n := range g.Jobs {
		r := &results[n]
		if r.Status == StatusFailed && g.Error == "" {
			g.Error = r.Reason()
		}
		if r.Status == StatusSkipped {
			g.Skipped++
		}
		if r.Status != StatusFinished {
			continue
		}
		g.Finished++
		for _, n := range r.Records {
			g.Records += n
		}
		p := part{name: jobs[n].Part}
		for asset := range jobs[n].Spec.Assets {
			rows, err := readRecords(filepath.Join(dir, r.Folder, recordsFile), asset, g.Job.Figures.Window)
			if err != nil {
				return err
			}
			p.rows = append(p.rows, rows)
			addCounts(&g.Counts, &r.Result.Assets[asset].Counts)
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil
	}
	// Files may have been named in any order; what happened has one.
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.startNs(), b.startNs()) })
	for i := range parts[1:] {
		if parts[i].endNs() > parts[i+1].startNs() {
			g.Overlap = fmt.Sprintf("%s and %s overlap in time, so there are no figures of all together", parts[i].name, parts[i+1].name)
			return nil
		}
	}
	return g.figures(parts)
}

// startNs and endNs are the times of the first and the last record, 0 without any.
func (p *part) startNs() int64 {
	if len(p.rows) == 0 || len(p.rows[0]) == 0 {
		return 0
	}
	return p.rows[0][0].TimestampNs
}

func (p *part) endNs() int64 {
	if len(p.rows) == 0 || len(p.rows[0]) == 0 {
		return 0
	}
	return p.rows[0][len(p.rows[0])-1].TimestampNs
}

// total returns the statistics of all assets: those of the first where they are of several currencies.
func (g *Group) total(list []*stats.Stats, split stats.Split) (*stats.Stats, error) {
	if len(list) == 1 || g.Mixed {
		return list[0], nil
	}
	o := g.options(0)
	o.Split = split
	return stats.Sum(o, list...)
}

// figures takes the statistics of finished parts.
func (g *Group) figures(parts []part) error {
	assets := g.Job.Spec.Assets
	whole := make([]*stats.Stats, len(assets))
	each := make([][]*stats.Stats, len(parts))
	for n := range assets {
		o := g.options(n)
		days := make([][]backtest.Record, len(parts))
		for i := range parts {
			days[i] = parts[i].rows[n]
			one, err := stats.New(days[i], o)
			if err != nil {
				return err
			}
			each[i] = append(each[i], one)
		}
		if len(parts) == 1 {
			o.Split = stats.SplitDay
		}
		joined, err := stats.Join(o.Asset, days...)
		if err != nil {
			return err
		}
		if whole[n], err = stats.New(joined, o); err != nil {
			return err
		}
		g.assetCurves = append(g.assetCurves, stats.CurvesOf(joined, o.Asset, maxCurvePoints))
	}
	g.Mixed = slices.ContainsFunc(assets, func(a backtest.AssetSpec) bool { return currency(&a) != currency(&assets[0]) })
	split := stats.SplitNone
	if len(parts) == 1 {
		split = stats.SplitDay
	}
	sum, err := g.total(whole, split)
	if err != nil {
		return err
	}
	g.curves = sum.Curves(maxCurvePoints)
	if len(assets) == 1 {
		g.curves = g.assetCurves[0] // of the rows as they were recorded
	}
	g.Stats = days(sum.Rows())
	if len(parts) > 1 {
		g.Stats = nil
		for i := range parts {
			one, err := g.total(each[i], stats.SplitNone)
			if err != nil {
				return err
			}
			g.Stats = append(g.Stats, one.Whole())
			g.Parts = append(g.Parts, parts[i].name)
		}
		g.Stats = append(g.Stats, sum.Whole())
	}
	if len(assets) > 1 {
		for n := range assets {
			g.Assets = append(g.Assets, AssetStats{assets[n].Symbol, days(whole[n].Rows())})
		}
	}
	return nil
}

// days leaves out days of one sample, as the midnight at the end of a day is one, and the one day that is the whole.
func days(rows []stats.Row) []stats.Row {
	last := len(rows) - 1
	kept := slices.DeleteFunc(slices.Clone(rows[:last]), func(r stats.Row) bool { return r.StartNs == r.EndNs })
	if len(kept) == 1 {
		kept = nil
	}
	return append(kept, rows[last])
}

// maxCurvePoints is the maximum number of points in the curves of a group.
const maxCurvePoints = 4000

func (g *Group) options(asset int) stats.Options {
	o := stats.Options{Asset: assetType(&g.Job.Spec.Assets[asset]), Window: g.Job.Figures.Window, BookSize: g.Job.Figures.BookSize,
		TradingDaysPerYear: g.Job.Figures.TradingDays}
	if o.Window == 0 {
		o.Window = stats.NoResampling
	}
	return o
}

func assetType(a *backtest.AssetSpec) sim.AssetType {
	if a.Type == "inverse" {
		return sim.InverseAsset(a.ContractSize)
	}
	return sim.LinearAsset(a.ContractSize)
}

// maxRowsAsRecorded is the number of rows of an asset used unchanged; of more, only those that statistics need.
const maxRowsAsRecorded = 200_000

// readRecords reads the records of one asset of one job.
func readRecords(path string, asset int, window time.Duration) (rows []backtest.Record, err error) {
	r, err := npy.OpenMember[backtest.Record](path, strconv.Itoa(asset)+".npy", npy.RecordDtype())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	thin := r.NumRows() > maxRowsAsRecorded && window > 0
	chunk := make([]backtest.Record, 4096)
	for {
		n, err := r.Read(chunk)
		for i := range chunk[:n] {
			// The last of each window and the very first are all that counts, as the columns are cumulative.
			if last := len(rows) - 1; thin && last > 0 && rows[last].TimestampNs/window.Nanoseconds() == chunk[i].TimestampNs/window.Nanoseconds() {
				rows[last] = chunk[i]
				continue
			}
			rows = append(rows, chunk[i])
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func addCounts(sum, c *backtest.Counts) {
	sum.Submits += c.Submits
	sum.Modifies += c.Modifies
	sum.Cancels += c.Cancels
	sum.Fills += c.Fills
	sum.Filled += c.Filled
	sum.Canceled += c.Canceled
	sum.Expired += c.Expired
	sum.Rejects += c.Rejects
	for cause, n := range c.FillsByCause {
		if sum.FillsByCause == nil {
			sum.FillsByCause = map[string]int64{}
		}
		sum.FillsByCause[cause] += n
	}
}
