package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/risk"
)

// Exit is the reason why a host ended.
type Exit string

// Reasons for the end of a host. ExitDuration is for callers that end a run after a time.
const (
	ExitInterrupted Exit = "interrupted"
	ExitEndOfData   Exit = "end_of_data"
	ExitDuration    Exit = "duration"
	ExitError       Exit = "error"
)

// SocketName is the name of the control socket in the state directory, AttachSocketName that of the socket by which
// processes attach themselves.
const (
	SocketName       = "runner.sock"
	AttachSocketName = "attach.sock"
)

// Host runs connectors and strategies. New makes one, Run is called once. The methods of control.Runner and Summary
// may be called from any goroutine.
type Host struct {
	cfg        Config
	clock      *hostipc.Clock
	log        hclog.Logger
	publishers []*publisher
	strategies []*strategy
	attached   attachedBots
	spawner    *control.Spawner
	background sync.WaitGroup
	opening    sync.Mutex // one connector at a time is opened
	record     *recorder
	gate       *risk.Gate
	startedAt  time.Time
	// names are the strategies of the journal and pastProcesses how many each has had, by bot.
	names         map[uint64]string
	pastProcesses map[uint64]uint32
	damaged       bool // the journal lacks something
	folder        struct {
		sync.Mutex
		lock *control.FolderLock
		lost atomic.Bool // another host has it, which was logged
		told time.Time   // when its loss was last logged, which each socket detects
	}

	leaving       *leaving
	endMu         sync.Mutex // guards what follows, which is known at the end, and when spawner is set
	accounts      accounts
	leftProcesses []string // of an earlier run
}

// StartError reports that a strategy could not be started when the host began.
type StartError struct {
	Strategy string
	Err      error
}

// Error names the strategy and the cause.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// New prepares a host: it makes the shared memory of the connectors and registers all instruments. The logger must not wait
// for anybody, as one of internal/runlog does not: connectors report, and log, while they hold locks.
func New(cfg Config, logger hclog.Logger) (*Host, error) {
	cfg.Supervision.ExitTimeout = cmp.Or(cfg.Supervision.ExitTimeout, defaultExitTimeout)
	h := &Host{cfg: cfg, log: logger, startedAt: time.Now()}
	if err := h.build(); err != nil {
		h.closeFeeds()
		return nil, err
	}
	return h, nil
}

func (h *Host) build() error {
	if h.cfg.Clock == nil {
		h.cfg.Clock = NewClock()
	}
	var ok bool
	if h.clock, ok = h.cfg.Clock.(*hostipc.Clock); !ok {
		return errors.New("Config.Clock is none of NewClock's")
	}
	h.record = &recorder{clock: h.clock, log: h.log, cfg: h.cfg.Journal}
	h.gate = risk.NewGate(h.cfg.Risk)
	byName, bots := make(map[string]*publisher), make(map[uint64]bool)
	for _, c := range h.cfg.Connectors {
		p, err := newPublisher(c, clockOf(c.Connector, h.clock), h.log)
		if err != nil {
			return err
		}
		p.configured, p.record = bots, h.record
		p.gate, p.limits = h.gate, h.gate.Connector(c.Name, c.Risk)
		h.publishers = append(h.publishers, p)
		byName[c.Name] = p
	}
	for _, c := range h.cfg.Strategies {
		s := newStrategy(h, c)
		s.limits = h.gate.Strategy(c.Name, c.Risk)
		h.strategies = append(h.strategies, s)
		bots[s.botID] = true
		if _, waits := s.waitsFor(byName); waits {
			s.registered = make(chan struct{})
			continue
		}
		if err := s.register(byName); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) closeFeeds() {
	for _, p := range h.publishers {
		_ = p.close()
	}
}

// Run starts everything, works until ctx ends, the recorded data ends or a connector fails, and shuts down gracefully:
// it stops the strategies, applies on_exit to their orders until the venues have confirmed that they are closed, and
// ends the connectors. The error is why it could not start or what failed; a *StartError when a strategy could not be
// started.
func (h *Host) Run(ctx context.Context) (exit Exit, err error) {
	defer h.closeFeeds()
	if err := os.MkdirAll(filepath.Join(h.cfg.StateDir, "logs"), 0o700); err != nil {
		return ExitError, fmt.Errorf("create the state directory: %w", err)
	}
	lock, err := control.LockFolder(h.cfg.StateDir)
	if err != nil {
		return ExitError, err
	}
	h.folder.lock = lock
	defer func() { _ = lock.Close() }() // after everything else
	socket, err := control.ListenRunner(filepath.Join(h.cfg.StateDir, SocketName))
	if err != nil {
		return ExitError, err
	}
	attach, err := control.ListenRunner(filepath.Join(h.cfg.StateDir, AttachSocketName))
	if err != nil {
		return ExitError, errors.Join(err, socket.Close())
	}
	defer func() { _ = attach.Close() }()
	// Binaries of an earlier run: nobody runs them when the directory is ours.
	if err := os.RemoveAll(filepath.Join(h.cfg.StateDir, binaryDir)); err != nil {
		h.log.Warn("cannot remove plugin copies of an earlier run", "error", err)
	}
	h.endMu.Lock()
	h.spawner = control.NewSpawner()
	h.endMu.Unlock()
	defer func() { _ = h.spawner.Close() }()
	h.endLeftovers()
	if err := h.openJournal(); err != nil {
		return ExitError, errors.Join(err, socket.Close())
	}
	defer func() { h.record.close(string(exit)) }()
	service, stopService := context.WithCancel(context.Background())
	defer h.background.Wait()
	defer stopService()
	h.watchHaltFile(service)
	h.serve(service, socket)
	return h.work(ctx, service, attach)
}

// Kill kills all strategy processes at once and waits for nothing: for a process that ends without the end of Run.
func (h *Host) Kill() {
	h.endMu.Lock()
	defer h.endMu.Unlock()
	if h.spawner != nil {
		h.spawner.Kill()
	}
}

func (h *Host) serve(ctx context.Context, socket net.Listener) {
	h.background.Go(func() {
		h.keepListening(ctx, SocketName, socket, func(l net.Listener) {
			if err := control.ServeRunner(ctx, l, h); err != nil {
				h.log.Error("control socket", "error", err)
			}
		})
	})
	h.background.Go(func() {
		h.clock.Watch(ctx, func(what string, by time.Duration) {
			h.log.Warn(what, "by", by)
			// The host's own clock goes on through that: its time is not in doubt.
			_ = note(h.record, &journal.Head{Kind: journal.KindClockStep}, &journal.ClockStep{ByNs: int64(by), Confirmed: 1})
		})
	})
	h.background.Go(func() { h.marks(ctx) })
}

// errDataEnded is the reason why strategies are stopped at the end of recorded data.
var errDataEnded = errors.New("end of the recorded data")

// connectorEnd is the end of a connector's Run.
type connectorEnd struct {
	p   *publisher
	err error
}

func (h *Host) work(ctx, service context.Context, attach net.Listener) (Exit, error) {
	ends := make(chan connectorEnd, len(h.publishers))
	for _, p := range h.publishers {
		connectors, stop := context.WithCancelCause(context.Background())
		p.stop = stop
		go func() { ends <- connectorEnd{p, h.runConnector(connectors, p)} }()
	}
	running := len(h.publishers)
	strategies, stopStrategies := context.WithCancelCause(context.Background())
	defer stopStrategies(nil)

	startErr := h.boot(ctx, strategies)
	exit := ExitInterrupted
	failure := startErr
	var attached sync.WaitGroup
	if startErr != nil {
		exit = ExitError
		for _, p := range h.publishers {
			p.start() // or no order would ever end
		}
	} else {
		h.watchPlugins(service)
		attached.Go(func() {
			h.keepListening(strategies, AttachSocketName, attach, func(l net.Listener) { h.serveAttached(strategies, l) })
		})
		for _, p := range h.publishers {
			p.start()
		}
		exit, running, failure = h.await(ctx, ends, running)
	}

	if exit == ExitEndOfData {
		stopStrategies(errDataEnded)
	}
	stopStrategies(nil)
	for _, s := range h.strategies {
		<-s.done
		s.output.close()
	}
	attached.Wait()
	h.endOrders()
	h.settleAccounts() // before the connectors end, which takes its time
	for _, p := range h.publishers {
		p.stop(h.leaving.timeUp(p))
	}
	for ; running > 0; running-- {
		if end := <-ends; end.err != nil && !errors.Is(end.err, context.Canceled) {
			h.log.Error("connector", "name", end.p.name, "error", end.err)
		}
	}
	h.settleAccounts() // again: what came late counts
	for _, s := range h.everyStrategy() {
		s.left.Store(0) // no more waiting
	}
	return exit, failure
}

// boot starts all strategies side by side and their supervisors. The first that cannot be started is the error.
func (h *Host) boot(ctx, strategies context.Context) error {
	errs := make([]error, len(h.strategies))
	var wg sync.WaitGroup
	supervisors := make([]*supervisor, len(h.strategies))
	for i, s := range h.strategies {
		supervisors[i] = newSupervisor(s)
		if s.cfg.Disabled {
			continue
		}
		wg.Go(func() {
			if err := supervisors[i].boot(ctx); err != nil {
				errs[i] = &StartError{Strategy: s.cfg.Name, Err: err}
			}
		})
	}
	wg.Wait()
	for _, s := range supervisors {
		go s.run(strategies)
	}
	if ctx.Err() != nil {
		return nil // interrupted while starting
	}
	return errors.Join(errs...)
}

// await returns when the host is to end: with how many connectors still run and what failed.
func (h *Host) await(ctx context.Context, ends <-chan connectorEnd, running int) (Exit, int, error) {
	for {
		select {
		case <-ctx.Done():
			return ExitInterrupted, running, nil
		case end := <-ends:
			running--
			if end.err != nil {
				h.log.Error("connector failed", "name", end.p.name, "error", end.err)
				e := hft.LiveErrorWith(hft.CriticalConnectionError, hft.StringValue(end.err.Error()))
				end.p.Error(&connector.Error{InstrumentNo: -1, LiveError: e})
				return ExitError, running, fmt.Errorf("connector %s: %w", end.p.name, end.err)
			}
			end.p.end()
			if running == 0 {
				h.awaitStrategies(ctx)
				return ExitEndOfData, 0, nil
			}
		}
	}
}

// awaitStrategies gives the strategies time to come to the end of the data.
func (h *Host) awaitStrategies(ctx context.Context) {
	limit := time.NewTimer(h.cfg.Supervision.StopTimeout)
	defer limit.Stop()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for {
		alive := 0
		for _, s := range h.everyStrategy() {
			if state := s.getState(); state == Running || state.expected() {
				alive++
			}
		}
		if alive == 0 {
			return
		}
		select {
		case <-poll.C:
		case <-limit.C:
			h.log.Warn("stopping strategies that did not reach the end of data in time", "strategies", alive)
			return
		case <-ctx.Done():
			return
		}
	}
}

// start lets the connector's time begin, unless it has.
func (p *publisher) start() {
	p.starting.Do(func() {
		p.clock.Start()
		close(p.started)
	})
}
