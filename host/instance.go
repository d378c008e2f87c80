package host

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// instance is one process of a strategy with its session.
type instance struct {
	process *control.Process // nil for a process that attached itself
	session *session
	version string
	binary  binary
	ended   chan ending   // how it has ended by itself: of the watcher, and of who gave it up; has room for both
	quiet   chan struct{} // closed when its end is wanted
	once    sync.Once
	paused  atomic.Bool // it is suspended: it cannot show that it is well
	watcher sync.WaitGroup
}

// ending describes how an instance ended on its own.
type ending struct {
	reason string
	done   bool // it returned without an error
}

// heartbeatLooks is the number of checks of a bot within the heartbeat limit.
const heartbeatLooks = 10

// stopAnswer is the time in which a stopped process must report how its Run returned, if it has.
const stopAnswer = time.Second

// firstDescriptor is the number of the first inherited file in a plugin process.
const firstDescriptor = 3

// launch starts, handshakes and configures a new process of the plugin's present binary; it does not trade yet. It can
// be called while another instance of the strategy trades.
func (s *strategy) launch(ctx context.Context) (*instance, error) {
	found, err := findPlugin(s.host.cfg.PluginDir, s.cfg.Plugin)
	if err != nil {
		return nil, err
	}
	taken, err := takeBinary(found, filepath.Join(s.host.cfg.StateDir, binaryDir))
	if err != nil {
		return nil, err
	}
	return s.launchBinary(ctx, taken)
}

// launchBinary is launch of a binary that was taken before.
func (s *strategy) launchBinary(ctx context.Context, b binary) (*instance, error) {
	ctx, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.StartTimeout)
	defer cancel()
	s.mu.Lock()
	s.incarnation++
	s.tried = b.sum
	incarnation := s.incarnation
	s.mu.Unlock()
	ses, err := newSession(s, s.holdings, incarnation)
	if err != nil {
		return nil, err
	}
	inst := &instance{session: ses, binary: b, ended: make(chan ending, 2), quiet: make(chan struct{})}
	if err := s.start(ctx, inst); err != nil {
		inst.dispose()
		return nil, err
	}
	return inst, nil
}

func (s *strategy) start(ctx context.Context, inst *instance) error {
	pinned, err := hex.DecodeString(s.cfg.SHA256)
	if err != nil {
		return fmt.Errorf("strategy %s: sha256 %q is not a hexadecimal number", s.cfg.Name, s.cfg.SHA256)
	}
	if len(pinned) == 0 {
		pinned = nil
	}
	files, attachment := inst.session.files(firstDescriptor)
	inst.process, err = control.Launch(ctx, control.LaunchConfig{
		Spawner: s.host.spawner, Path: inst.binary.path, SHA256: pinned, ExtraFiles: files,
		Log: s.output.open(), LogRate: s.host.cfg.StrategyLogs.LinesPerSecond, Logger: s.log,
		StartTimeout: s.host.cfg.Supervision.StartTimeout, Left: s.noteLeft,
	})
	if err != nil {
		return fmt.Errorf("strategy %s: %w", s.cfg.Name, err)
	}
	description, err := inst.process.Describe(ctx)
	if err != nil {
		return fmt.Errorf("strategy %s: %w", s.cfg.Name, err)
	}
	inst.version = description.Version
	err = inst.process.Configure(ctx, control.Configuration{StrategyName: s.cfg.Name, Params: s.cfg.Params,
		Attachment: attachment, Books: books(s.cfg.Instruments)})
	if err != nil {
		return fmt.Errorf("strategy %s rejects its configuration: %w", s.cfg.Name, err)
	}
	return nil
}

// activate lets the instance trade: it gets the strategy's orders, position, books and state.
func (s *strategy) activate(ctx context.Context, inst *instance, state []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.StartTimeout)
	defer cancel()
	inst.session.activate()
	if err := inst.process.Start(ctx, state); err != nil {
		inst.session.deactivate()
		return fmt.Errorf("strategy %s: %w", s.cfg.Name, err)
	}
	s.mu.Lock()
	s.current, s.version, s.sum, s.startedAt = inst, inst.version, inst.binary.sum, time.Now()
	s.mu.Unlock()
	s.host.record.process(journal.KindStarted, s, inst, 0, s.cfg.Plugin, inst.version)
	inst.watcher.Add(1)
	go s.watch(inst)
	s.awaitSync(ctx, inst)
	return nil
}

// awaitSync returns when the strategy has its orders, position and books and takes its first step; sooner when it has
// ended, which its supervisor then finds.
func (s *strategy) awaitSync(ctx context.Context, inst *instance) {
	for ctx.Err() == nil && len(inst.ended) == 0 && !inst.session.inSync() {
		time.Sleep(100 * time.Microsecond)
	}
}

// watch reports when the instance ends by itself, damages its queues, or hangs.
func (s *strategy) watch(inst *instance) {
	defer inst.watcher.Done()
	exits := make(chan ending, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		exit, err := inst.process.Wait(ctx)
		switch {
		case err != nil:
			exits <- ending{reason: err.Error()}
		case exit.Error != "":
			exits <- ending{reason: exit.Error}
		default:
			exits <- ending{reason: "returned", done: true}
		}
	}()
	// Looks are counted instead of time, so that a machine that stood still does not make its bots look hung.
	limit := s.host.cfg.Supervision.HeartbeatTimeout
	ticker := time.NewTicker(max(limit/heartbeatLooks, time.Millisecond))
	defer ticker.Stop()
	last, silent := inst.session.control.Progress(), 0
	for {
		select {
		case e := <-exits:
			inst.ended <- e
			return
		case <-inst.quiet:
			return
		case <-ticker.C:
			silent++
			if progress := inst.session.control.Progress(); progress != last || inst.paused.Load() {
				last, silent = progress, 0
			}
			if silent >= heartbeatLooks {
				inst.ended <- ending{reason: fmt.Sprintf("hung: it has not called its bot for %v", limit)}
				return
			}
			if fault := inst.session.fault(); fault != "" {
				inst.ended <- ending{reason: fault}
				return
			}
		}
	}
}

// stop makes the instance return and gives its saved state, or why that could not be saved. failure is how the strategy has
// failed in its stop; a process that does not obey in time is killed.
func (s *strategy) stop(inst *instance) (state []byte, unsaved, failure error) {
	inst.hush()
	ctx, cancel := context.WithTimeout(context.Background(), s.host.cfg.Supervision.StopTimeout)
	defer cancel()
	inst.session.control.Interrupt()
	state, err := inst.process.Stop(ctx)
	if err != nil && ctx.Err() != nil { // that is the host's patience, not the plugin's reason
		err = fmt.Errorf("no answer within stop_timeout, %v", s.host.cfg.Supervision.StopTimeout)
	}
	answer, cancel := context.WithTimeout(context.Background(), stopAnswer)
	defer cancel()
	exit, waitErr := inst.process.Wait(answer)
	switch {
	case waitErr != nil && inst.process.ExitError() != nil:
		failure = fmt.Errorf("strategy %s ended unexpectedly while stopping: %w", s.cfg.Name, cmp.Or(err, waitErr))
	case waitErr != nil:
		failure = fmt.Errorf("strategy %s did not stop gracefully and was killed: %w", s.cfg.Name, cmp.Or(err, waitErr))
		_ = inst.process.Kill()
	case exit.Error != "":
		failure = fmt.Errorf("strategy %s failed while stopping: %s", s.cfg.Name, exit.Error)
	}
	return state, err, failure
}

// A strategy that is to stop is looked at every silentLook: after silentLooks in a row at which it has neither waited nor sent a
// request its orders begin to end. Looks are counted instead of time, so that a machine that stood still does not matter.
const silentLook, silentLooks = 100 * time.Millisecond, 10

// leaveIfSilent begins to end the orders of a strategy that does not answer its stop, which may take all of stop_timeout, until the
// returned function is called. It looks from the end of ending on, at once where that is nil. The process is there still: what it
// sends after all is ended with the rest when it is gone.
func (s *strategy) leaveIfSilent(inst *instance, ending <-chan struct{}) (stopped func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		if ending != nil {
			select {
			case <-ending:
			case <-ctx.Done():
			}
		}
		look := time.NewTicker(silentLook)
		defer look.Stop()
		for last, silent := inst.session.calls(), 0; silent < silentLooks; {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
			silent++
			if calls := inst.session.calls(); calls != last {
				last, silent = calls, 0
			}
		}
		s.host.leave([]*strategy{s}, true).await(ctx, leavingLook, leavingReport)
	})
	return func() {
		cancel()
		watch.Wait()
	}
}

// suspend makes the instance return and gives its saved state; the process stays, see resume. Both end with ctx: the strategy is
// to stop then.
func (s *strategy) suspend(ctx context.Context, inst *instance) (state []byte, err error) {
	inst.paused.Store(true)
	timed, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.StopTimeout)
	defer cancel()
	state, err = inst.process.Suspend(timed)
	if errors.Is(err, control.ErrUnsupported) {
		s.log.Warn("the plugin cannot be suspended: its state is lost if it cannot be saved", "error", err)
		stopped := s.leaveIfSilent(inst, ctx.Done())
		state, unsaved, failure := s.stop(inst)
		stopped()
		if unsaved != nil && failure != nil {
			unsaved = failure
		}
		return state, unsaved
	}
	return state, err
}

// resume lets a suspended instance go on.
func (s *strategy) resume(ctx context.Context, inst *instance) error {
	ctx, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.StopTimeout)
	defer cancel()
	if err := inst.process.Resume(ctx); err != nil {
		return err
	}
	inst.paused.Store(false)
	return nil
}

// pid returns the process's id, 0 when it is not known.
func (i *instance) pid() int {
	if i.process == nil {
		return i.session.strategy.peer.PID
	}
	return i.process.PID()
}

// hush ends the watching: the end of the instance is wanted.
func (i *instance) hush() { i.once.Do(func() { close(i.quiet) }) }

// dispose ends the process, if it still runs, and releases everything.
func (i *instance) dispose() {
	i.hush()
	i.watcher.Wait()
	if i.process != nil {
		if err := i.process.Close(); err != nil {
			i.session.strategy.noteLeft([]string{fmt.Sprintf("the strategy itself (pid %d): %v", i.process.PID(), err)})
		}
	}
	i.session.Close()
}

// noteLeft notes processes that cannot be ended.
func (s *strategy) noteLeft(processes []string) {
	s.log.Error(control.LeftText, "processes", processes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftProcesses = append(s.leftProcesses, processes...)
}

// retire takes an instance out of the strategy: its requests have been carried out, its counts are kept.
func (s *strategy) retire(inst *instance, e ending) {
	inst.session.deactivate()
	s.mu.Lock()
	s.stats.retire(inst.session.totals())
	if s.current == inst {
		s.current = nil
	}
	s.mu.Unlock()
	kind := journal.KindFailed
	if e.done {
		kind = journal.KindStopped
	}
	s.host.record.process(kind, s, inst, 0, e.reason)
}
