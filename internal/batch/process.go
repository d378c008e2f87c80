package batch

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/control"
)

// Executor runs jobs, one at a time. Close it after use.
type Executor interface {
	// Run runs a job's strategy on spec, whose files are event files. update is called by one goroutine at a time; log
	// takes what the strategy prints. The error is what kept the job from having a result; when ctx ends it is that of ctx.
	Run(ctx context.Context, job *Job, spec *backtest.Spec, log io.Writer, update func(control.BacktestUpdate) error) error
	Close() error
}

// Processes makes Executors that run each job in a process of its plugin. A process is used for the next job, too, when
// that has the same plugin; one in which a job failed is not.
type Processes struct {
	spawner *control.Spawner
	level   hclog.Level

	mu   sync.Mutex
	left []string // processes that could not be ended
}

// NewProcesses returns Processes whose plugins log from a level on. Close it after all Executors.
func NewProcesses(level hclog.Level) *Processes {
	return &Processes{spawner: control.NewSpawner(), level: level}
}

// Close ends what starts processes. The error names what plugins have started and could not be ended.
func (p *Processes) Close() error {
	if err := p.spawner.Close(); err != nil {
		return fmt.Errorf("close the spawner: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.left) > 0 {
		return fmt.Errorf("%s: %s", control.LeftText, strings.Join(p.left, ", "))
	}
	return nil
}

// Kill kills all processes and what they have started at once and waits for nothing: for a program that ends at once.
func (p *Processes) Kill() { p.spawner.Kill() }

func (p *Processes) noteLeft(processes []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, processes...)
}

// NewExecutor returns an Executor without a process yet.
func (p *Processes) NewExecutor() Executor {
	return &processExecutor{owner: p, log: &switchWriter{}}
}

// logRate is the maximum number of log lines per second of a backtest's strategy: its time is faster, and its log is
// one file.
const logRate = 1000

type processExecutor struct {
	owner   *Processes
	log     *switchWriter
	process *control.Process
	plugin  Plugin
}

var _ Executor = (*processExecutor)(nil)

func (e *processExecutor) Run(ctx context.Context, job *Job, spec *backtest.Spec, log io.Writer, update func(control.BacktestUpdate) error) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("describe the backtest: %w", err)
	}
	e.log.set(log)
	defer e.log.set(nil)
	if err := e.start(ctx, job.Plugin); err != nil {
		return err
	}
	err = e.process.Backtest(ctx, control.BacktestJob{StrategyName: job.Strategy, Params: job.Params, Spec: text}, update)
	if err != nil {
		// What state the process is in is not known.
		return errors.Join(err, e.Close())
	}
	return nil
}

// start starts the plugin's process unless it runs.
func (e *processExecutor) start(ctx context.Context, plugin Plugin) error {
	if e.process != nil && e.plugin == plugin && e.process.ExitError() == nil {
		return nil
	}
	if err := e.Close(); err != nil {
		return err
	}
	sum, err := hex.DecodeString(plugin.SHA256)
	if err != nil {
		return fmt.Errorf("checksum of plugin %s: %w", plugin.Name, err)
	}
	process, err := control.Launch(ctx, control.LaunchConfig{Spawner: e.owner.spawner, Path: plugin.Path, SHA256: sum,
		Log: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: e.log, DisableTime: true}), LogRate: logRate, Left: e.owner.noteLeft,
		Logger: hclog.New(&hclog.LoggerOptions{Level: e.owner.level, Output: io.Discard})})
	if err != nil {
		return fmt.Errorf("start the plugin: %w", err)
	}
	e.process, e.plugin = process, plugin
	return nil
}

// Close ends the process, if there is one.
func (e *processExecutor) Close() error {
	if e.process == nil {
		return nil
	}
	err := e.process.Close()
	e.process = nil
	if err != nil {
		return fmt.Errorf("end the plugin's process: %w", err)
	}
	return nil
}

// switchWriter writes to the log of the job that runs.
type switchWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *switchWriter) set(to io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

func (w *switchWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to == nil {
		return len(p), nil
	}
	n, err := w.to.Write(p)
	if err != nil {
		return n, fmt.Errorf("write the plugin's log: %w", err)
	}
	return n, nil
}
