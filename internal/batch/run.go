package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/connector"
)

// Config configures a Run. Jobs, Dir, CacheDir and NewExecutor are required.
type Config struct {
	Jobs []Job
	// Dir is the run directory; it is made.
	Dir string
	// CacheDir keeps converted recordings. It may be removed at any time while nothing runs.
	CacheDir string
	// Workers is the number of jobs that run at a time, at least 1.
	Workers int
	// NewExecutor makes what a worker runs its jobs by.
	NewExecutor func() Executor
	// Formats are the decoders of recorded messages, by the format's name.
	Formats map[string]connector.Format
	// StallAfter is after what time without progress of a running job there is a warning; 0 is a minute.
	StallAfter time.Duration
	// OnEvent, if not nil, is called with each event, by one goroutine at a time.
	OnEvent func(Event)
}

const defaultStallAfter = time.Minute

// JobResult is the outcome of a job.
type JobResult struct {
	Name   string `json:"name"`
	Folder string `json:"folder"`
	Status Status `json:"status"`
	// Error is the reason why it failed or was skipped.
	Error string `json:"error,omitempty"`
	// Resumed: it was finished before this run.
	Resumed bool `json:"resumed,omitempty"`
	// Seconds is its run time.
	Seconds float64          `json:"seconds"`
	Inputs  Inputs           `json:"inputs"`
	Data    []DataFile       `json:"data"`
	Result  *backtest.Result `json:"result,omitempty"`
	// Records are those of each asset, Orders and Fills the rows of the job's tables.
	Records []int64 `json:"records"`
	Orders  int64   `json:"orders"`
	Fills   int64   `json:"fills"`
}

// Reason is the cause of the job's failure in one line, empty if it did not fail.
func (r *JobResult) Reason() string {
	line, _, more := strings.Cut(r.Error, "\n")
	if more {
		line += " (see " + errorFile + ")"
	}
	return line
}

// DataFile is a file as the job read it, or several recordings that are one feed.
type DataFile struct {
	// Path is the first one's, followed by how many more there are.
	Path     string   `json:"path"`
	Symbol   string   `json:"symbol"`
	Rows     int64    `json:"rows"`
	StartNs  int64    `json:"start_ns,omitempty"`
	EndNs    int64    `json:"end_ns,omitempty"`
	Errors   []string `json:"errors,omitempty"`
	Findings []string `json:"findings,omitempty"`
}

// runner is one Run.
type runner struct {
	cfg     *Config
	prepare *preparer
	mu      sync.Mutex
}

// Run runs the jobs that are not finished in the run directory and returns what became of each, in their order. When
// ctx ends, running jobs are interrupted and the others are not started; that is not an error.
func Run(ctx context.Context, cfg Config) ([]JobResult, error) {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the run directory: %w", err)
	}
	cfg.StallAfter = cmp.Or(cfg.StallAfter, defaultStallAfter)
	r := &runner{cfg: &cfg}
	r.prepare = &preparer{cfg: &cfg, event: r.event, calls: map[string]*call{},
		chains: map[string]*chain{}, latencies: map[string]span{}}
	results := make([]JobResult, len(cfg.Jobs))
	var todo []int
	for i := range cfg.Jobs {
		job := &cfg.Jobs[i]
		results[i] = JobResult{Name: job.Name(), Folder: job.Folder(), Status: StatusInterrupted, Data: []DataFile{}, Records: []int64{}}
		if !r.finished(job, &results[i]) {
			todo = append(todo, i)
		}
	}
	r.event(Event{Kind: EventStart, Done: int64(len(cfg.Jobs) - len(todo)), Total: int64(len(cfg.Jobs))})
	queue := make(chan int)
	var workers sync.WaitGroup
	errs := make([]error, max(1, min(cfg.Workers, len(todo))))
	for w := range errs {
		workers.Go(func() { errs[w] = r.work(ctx, queue, results) })
	}
	for _, i := range todo {
		select {
		case queue <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	workers.Wait()
	return results, errors.Join(errs...)
}

func (r *runner) event(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cfg.OnEvent != nil {
		r.cfg.OnEvent(e)
	}
}

// finished reports whether a job need not be run, and reads its result.
func (r *runner) finished(job *Job, result *JobResult) bool {
	var before JobResult
	text, err := os.ReadFile(filepath.Join(r.cfg.Dir, job.Folder(), jobFile))
	if err != nil || json.Unmarshal(text, &before) != nil || before.Status != StatusFinished || before.Result == nil {
		return false
	}
	now, err := job.inputs()
	if err != nil {
		return false // the job says what is wrong with its files
	}
	if list := changes(&before.Inputs, &now); len(list) > 0 {
		for _, what := range list {
			r.event(Event{Kind: EventChanged, Job: job.Name(), Text: what})
		}
		return false
	}
	*result = before
	result.Resumed = true
	return true
}

// work runs jobs until there are no more.
func (r *runner) work(ctx context.Context, queue <-chan int, results []JobResult) error {
	executor := r.cfg.NewExecutor()
	for i := range queue {
		if ctx.Err() != nil {
			continue
		}
		job, result := &r.cfg.Jobs[i], &results[i]
		err := r.job(ctx, executor, job, result)
		switch {
		case err == nil:
		case errors.Is(err, errOutside):
			result.Status, result.Error = StatusSkipped, err.Error()
		case ctx.Err() != nil:
			result.Status, result.Result = StatusInterrupted, nil
		default:
			result.Status, result.Error = StatusFailed, err.Error()
		}
		r.event(Event{Kind: EventJobEnd, Job: job.Name(), Status: result.Status, Text: result.Reason()})
	}
	return executor.Close()
}

// errOutside is the reason why a job is skipped.
var errOutside = errors.New("its data is outside of from and to")

// outside reports whether all data, as far as it was looked over, is outside of the period.
func outside(spec *backtest.Spec, files []DataFile) bool {
	for _, f := range files {
		before, after := spec.FromNs > 0 && f.EndNs < spec.FromNs, spec.ToNs > 0 && f.StartNs >= spec.ToNs
		if f.EndNs == 0 || !before && !after {
			return false
		}
	}
	return len(files) > 0
}

// job runs one job and keeps what comes out. What an error leaves in the directory is of no use to anybody but the
// log.
func (r *runner) job(ctx context.Context, executor Executor, job *Job, result *JobResult) (err error) {
	if result.Inputs, err = job.inputs(); err != nil {
		return err
	}
	spec, files, err := r.prepare.spec(ctx, job)
	result.Data = append(result.Data, files...)
	if err != nil {
		return err
	}
	if outside(&spec, files) {
		return errOutside
	}
	report := throttled(r.event)
	dir := filepath.Join(r.cfg.Dir, job.Folder())
	var watch *stallWatch
	out, err := createOutput(dir, job, func(p backtest.Progress) {
		watch.step(p)
		report(Event{Kind: EventProgress, Job: job.Name(), Progress: &p})
	})
	if err != nil {
		return err
	}
	r.event(Event{Kind: EventJobStart, Job: job.Name()})
	begin := time.Now()
	watch = r.watchStalls(job.Name())
	err = executor.Run(ctx, job, &spec, out.log, out.take)
	watch.stop()
	result.Seconds = time.Since(begin).Seconds()
	if err == nil && out.result == nil {
		err = errors.New("the plugin ended the backtest without a result: rebuild it")
	}
	if err == nil && out.result.End == backtest.EndInterrupted {
		err = errors.New("the backtest was interrupted")
	}
	if err != nil {
		return r.failed(ctx, out, err)
	}
	if err = out.finish(); err != nil {
		return r.failed(ctx, out, err)
	}
	result.Result, result.Records, result.Orders, result.Fills = out.result, out.records, out.orders.NumRows(), out.fills.NumRows()
	if out.result.End == backtest.EndError {
		// What it did until then is worth a look, but the job is to be run again.
		err = errors.New(out.result.Error)
		return errors.Join(err, writeFile(filepath.Join(dir, errorFile), []byte(err.Error()+"\n")))
	}
	result.Status = StatusFinished
	if err := writeJSON(filepath.Join(dir, jobFile), result); err != nil {
		return err
	}
	return nil
}

// failed takes the job's files away except its log and says why there are no more.
func (r *runner) failed(ctx context.Context, out *output, cause error) error {
	log, _ := os.ReadFile(filepath.Join(out.dir, logFile)) // it is a help, not a result
	if err := out.discard(); err != nil {
		return errors.Join(cause, err)
	}
	if ctx.Err() != nil {
		return cause
	}
	if err := os.MkdirAll(out.dir, 0o755); err != nil {
		return errors.Join(cause, err)
	}
	err := writeFile(filepath.Join(out.dir, errorFile), []byte(cause.Error()+"\n"))
	if len(log) > 0 {
		err = errors.Join(err, writeFile(filepath.Join(out.dir, logFile), log))
	}
	return errors.Join(cause, err)
}
