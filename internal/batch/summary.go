package batch

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/stats"
)

// Summary is the result of a run, for programs. Its keys are stable.
type Summary struct {
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	Dir       string    `json:"dir"`
	// Interrupted: some jobs are not done.
	Interrupted bool           `json:"interrupted"`
	Jobs        JobCounts      `json:"jobs"`
	Results     []GroupSummary `json:"results"`
}

// JobCounts counts jobs by what became of them.
type JobCounts struct {
	Total       int `json:"total"`
	Finished    int `json:"finished"`
	Resumed     int `json:"resumed"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	Interrupted int `json:"interrupted"`
}

// GroupSummary is one strategy with one set.
type GroupSummary struct {
	Strategy string          `json:"strategy"`
	Set      []Setting       `json:"set"`
	Plugin   Plugin          `json:"plugin"`
	Params   json.RawMessage `json:"params"`
	// Stats are the figures of the whole period, Parts those of each part or day; null when nothing is finished.
	Stats  *stats.Row      `json:"stats"`
	Parts  []PartSummary   `json:"parts"`
	Assets []AssetStats    `json:"assets"`
	Counts backtest.Counts `json:"counts"`
	Jobs   []JobSummary    `json:"jobs"`
}

// PartSummary are the figures of one part.
type PartSummary struct {
	Part  string    `json:"part"`
	Stats stats.Row `json:"stats"`
}

// JobSummary is one job.
type JobSummary struct {
	Name    string     `json:"name"`
	Part    string     `json:"part"`
	Folder  string     `json:"folder"`
	Status  Status     `json:"status"`
	Resumed bool       `json:"resumed"`
	Error   string     `json:"error"`
	Seconds float64    `json:"seconds"`
	Data    []DataFile `json:"data"`
	// Result is that of job.json without the buckets of its distributions.
	Result *backtest.Result `json:"result"`
}

// Count counts jobs by what became of them.
func Count(results []JobResult) JobCounts {
	c := JobCounts{Total: len(results)}
	for i := range results {
		switch results[i].Status {
		case StatusFinished:
			c.Finished++
		case StatusFailed:
			c.Failed++
		case StatusSkipped:
			c.Skipped++
		case StatusInterrupted:
			c.Interrupted++
		}
		if results[i].Resumed {
			c.Resumed++
		}
	}
	return c
}

// Sort puts the groups in the order of a figure of the whole period: the best first, those without one last. More is
// better, except MaxDrawdown.
func Sort(groups []Group, metric string) {
	slices.SortStableFunc(groups, func(a, b Group) int {
		x, y := a.Value(metric), b.Value(metric)
		if metric == "MaxDrawdown" {
			x, y = -x, -y
		}
		switch {
		case x > y || !math.IsNaN(x) && math.IsNaN(y):
			return -1
		case x < y || math.IsNaN(x) && !math.IsNaN(y):
			return 1
		}
		return 0
	})
}

// Summarize makes the summary of evaluated groups.
func Summarize(version, dir string, createdAt time.Time, jobs []Job, results []JobResult, groups []Group) Summary {
	s := Summary{Version: version, CreatedAt: createdAt.UTC(), Dir: dir, Jobs: Count(results), Results: []GroupSummary{}}
	s.Interrupted = s.Jobs.Interrupted > 0
	for i := range groups {
		g := &groups[i]
		one := GroupSummary{Strategy: g.Job.Strategy, Set: slices.Clone(g.Job.Set), Plugin: g.Job.Plugin, Params: g.Job.ShownParams,
			Parts: []PartSummary{}, Assets: append([]AssetStats{}, g.Assets...), Counts: g.Counts, Jobs: []JobSummary{}}
		if one.Set == nil {
			one.Set = []Setting{}
		}
		if n := len(g.Stats); n > 0 {
			one.Stats = &g.Stats[n-1]
			for p := range g.Stats[:n-1] {
				one.Parts = append(one.Parts, PartSummary{g.PartName(p), g.Stats[p]})
			}
		}
		for _, n := range g.Jobs {
			r := &results[n]
			one.Jobs = append(one.Jobs, JobSummary{Name: r.Name, Part: jobs[n].Part, Folder: r.Folder, Status: r.Status, Resumed: r.Resumed,
				Error: r.Error, Seconds: r.Seconds, Data: r.Data, Result: withoutBuckets(r.Result)})
		}
		s.Results = append(s.Results, one)
	}
	return s
}

func withoutBuckets(r *backtest.Result) *backtest.Result {
	if r == nil {
		return nil
	}
	short := *r
	short.Assets = slices.Clone(r.Assets)
	for i := range short.Assets {
		a := &short.Assets[i]
		for _, d := range []*backtest.Distribution{&a.FeedLatency, &a.EntryLatency, &a.ResponseLatency, &a.RoundTrip} {
			d.Buckets = nil
		}
	}
	return &short
}

// PartName is the name of a part of Stats: that of its data or its day.
func (g *Group) PartName(n int) string {
	if n < len(g.Parts) {
		return g.Parts[n]
	}
	return time.Unix(0, g.Stats[n].StartNs).UTC().Format(time.DateOnly)
}

// WriteSummary writes dir/summary.json.
func WriteSummary(dir string, s *Summary) error {
	return writeJSON(filepath.Join(dir, "summary.json"), s)
}
