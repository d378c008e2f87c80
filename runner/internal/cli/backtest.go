package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// Executors makes what runs the jobs of a backtest, batch.Processes for one. Close it after all Executors.
type Executors interface {
	NewExecutor() batch.Executor
	Close() error
}

// backtestOptions are the flags of backtest.
type backtestOptions struct {
	sets        []string
	strategies  []string
	jobs        int
	out, resume string
	sort        string
}

func (s *settings) backtestCommand() *cobra.Command {
	o := &backtestOptions{}
	c := &cobra.Command{Use: "backtest [STRATEGY...]", Short: "run strategies on recorded data and report",
		Long: "backtest runs the strategies that have a backtest block, or those named, over the data in it: every file (day) and\n" +
			"every combination of --set values is a separate run, in parallel over the processors, in the plugin's process.\n" +
			"The results go to a directory, <state_dir>/backtests/<time>-<name>: report.html, summary.json, and for each run\n" +
			"records.npz, orders and fills as CSV and Parquet.\n\n" +
			"Ctrl-C interrupts what runs, keeps what is finished and prints how to continue; a second Ctrl-C exits immediately.",
		Example: "  runner backtest --config examples/backtest.hcl\n" +
			"  runner backtest grid-btc --set grid_num=5,10,20 --set order_qty=0.01,0.1 --sort Return",
		PreRunE: func(*cobra.Command, []string) error { return o.check() },
		RunE: func(cmd *cobra.Command, args []string) error {
			o.strategies = args
			return s.backtest(cmd.Context(), o, cmd.Flags().Changed("config"))
		}}
	f := c.Flags()
	f.StringArrayVar(&o.sets, "set", nil,
		"run with each of these values of a parameter, as `NAME=V1,V2` or STRATEGY.NAME=V1,V2")
	f.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "run `N` at a time")
	f.StringVar(&o.out, "out", "", "`DIR` for the results, which must not have any")
	f.StringVar(&o.resume, "resume", "",
		"continue the backtest in this `DIR`: finished runs with unchanged inputs are kept")
	f.StringVar(&o.sort, "sort", "SR", "`METRIC` that a sweep is sorted by, the best first")
	return c
}

func (o *backtestOptions) check() error {
	if o.jobs < 1 {
		return fmt.Errorf("--jobs is %d: must be at least 1", o.jobs)
	}
	if o.out != "" && o.resume != "" {
		return errors.New("--out and --resume exclude each other: use one of them")
	}
	var names []string
	for _, m := range stats.Default() {
		if names = append(names, m.Name); strings.EqualFold(m.Name, o.sort) {
			o.sort = m.Name
			return nil
		}
	}
	return fmt.Errorf("--sort is %q: must be one of %s", o.sort, strings.Join(names, ", "))
}

// backtest runs the command.
func (s *settings) backtest(ctx context.Context, o *backtestOptions, configGiven bool) error {
	if o.resume != "" {
		if err := s.continued(o, configGiven); err != nil {
			return err
		}
	}
	plan, err := s.plan(ctx, o)
	if err != nil {
		return err
	}
	if len(plan.file.Warnings) > 0 {
		fmt.Fprintf(s.app.Stderr, "%v\n\n", plan.file.Warnings)
	}
	if err := plan.begin(s); err != nil {
		return withCode(ExitFailure, err)
	}
	results, left, err := s.execute(ctx, o, plan)
	if err != nil {
		return withCode(ExitFailure, errors.Join(err, left))
	}
	if left != nil {
		left = withCode(ExitFailure, left)
	}
	return errors.Join(s.conclude(o, plan, results), left)
}

// execute runs the jobs while it shows how far they are and waits for signals. What could not be ended is no matter for
// the results.
func (s *settings) execute(ctx context.Context, o *backtestOptions,
	plan *backtestPlan) (results []batch.JobResult, left, err error) {
	executors := s.app.NewExecutors(plan.file.Runner.LogLevel)
	s.onSignal(ExitFailure, "finished runs are kept", nil)
	view := s.backtestView(plan)
	results, err = batch.Run(ctx, batch.Config{Jobs: plan.jobs, Dir: plan.dir, CacheDir: plan.cacheDir(),
		Workers: o.jobs, NewExecutor: executors.NewExecutor, Formats: s.app.Formats, OnEvent: view.event})
	view.close()
	return results, executors.Close(), err
}

// conclude evaluates, writes and prints what came out.
func (s *settings) conclude(o *backtestOptions, plan *backtestPlan, results []batch.JobResult) error {
	groups, err := batch.Evaluate(plan.dir, plan.jobs, results)
	if err != nil {
		return withCode(ExitFailure, err)
	}
	if plan.swept() {
		batch.Sort(groups, o.sort)
	}
	now := s.app.now()
	summary := batch.Summarize(s.app.Version, plan.dir, now, plan.jobs, results, groups)
	if err := batch.WriteSummary(plan.dir, &summary); err != nil {
		return withCode(ExitFailure, err)
	}
	page, err := batch.NewReport(plan.dir, batch.Page{Title: plan.title(), Version: s.app.Version, CreatedAt: now,
		Metric: o.sort}, plan.jobs, results, groups)
	if err == nil {
		err = batch.WriteReport(plan.dir, page)
	}
	if err != nil {
		return withCode(ExitFailure, err)
	}
	if s.json() {
		if err := printLine(s.app.Stdout, map[string]any{"event": "summary", "summary": summary}); err != nil {
			return err
		}
	} else {
		printBacktest(s.app.Stdout, plan, groups, results)
	}
	return s.verdict(plan, batch.Count(results))
}

// verdict is the error of a run in which not everything went well.
func (s *settings) verdict(plan *backtestPlan, c batch.JobCounts) error {
	switch {
	case c.Interrupted > 0:
		return withCode(ExitFailure, fmt.Errorf("%d of %s done before the interruption; continue with: %s",
			c.Total-c.Interrupted, count(c.Total, "run"), "runner backtest --resume "+plan.dir))
	case c.Failed > 0:
		return withCode(ExitFailure, fmt.Errorf("%d of %s failed", c.Failed, count(c.Total, "run")))
	}
	return nil
}

// now is the time of the wall clock, or that of a test.
func (a *App) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// backtestPlan is what a backtest amounts to.
type backtestPlan struct {
	file *config.File
	jobs []batch.Job
	dir  string
	// arguments are kept so that the backtest can be continued without repeating them.
	arguments arguments
}

// arguments are those parts of a command line that say what is run.
type arguments struct {
	Config     string   `json:"config"`
	Strategies []string `json:"strategies"`
	Sets       []string `json:"sets"`
}

func (p *backtestPlan) cacheDir() string { return filepath.Join(p.file.Runner.StateDir, "cache") }

func (p *backtestPlan) swept() bool {
	return slices.ContainsFunc(p.jobs, func(j batch.Job) bool { return len(j.Set) > 0 })
}

// name is that of the one strategy, or of the configuration.
func (p *backtestPlan) name() string {
	first := p.jobs[0].Strategy
	if slices.ContainsFunc(p.jobs, func(j batch.Job) bool { return j.Strategy != first }) {
		base := filepath.Base(p.file.Path)
		return strings.TrimSuffix(base, filepath.Ext(base))
	}
	return first
}

// title names the strategies.
func (p *backtestPlan) title() string {
	var names []string
	for i := range p.jobs {
		if n := p.jobs[i].Strategy; !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) > 4 {
		names = []string{p.name()}
	}
	return "Backtest of " + strings.Join(names, ", ")
}

// folder is a new name for a run's folder.
func (p *backtestPlan) folder(now time.Time) string {
	base := filepath.Join(p.file.Runner.StateDir, "backtests", now.UTC().Format("20060102T150405Z")+"-"+p.name())
	dir := base
	for n := 2; ; n++ {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", base, n)
	}
}
