package host

import (
	"context"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// hotRestart replaces the process: the new one is up and configured before the old one stops, and the old one goes on when
// its state cannot be saved, unless that may be lost.
func (s *supervisor) hotRestart(ctx context.Context, mayLose bool) (control.RestartResult, error) {
	old := s.current
	if old == nil && s.getState() == Backoff {
		return control.RestartResult{}, fmt.Errorf("strategy %s has no process to take over from, it is waiting to start: runner start %s starts it now: %s",
			s.cfg.Name, s.cfg.Name, s.status().Reason)
	}
	if old == nil {
		return control.RestartResult{}, fmt.Errorf("strategy %s is not running: runner start %s starts it", s.cfg.Name, s.cfg.Name)
	}
	next, err := s.launchBeside(ctx, old)
	if err != nil {
		return control.RestartResult{}, err
	}
	from := time.Now()
	state, lost := s.suspend(ctx, old)
	switch {
	case lost != nil && ctx.Err() != nil:
		next.dispose()
		return control.RestartResult{}, s.runEnds()
	case lost != nil && !mayLose:
		next.dispose()
		return control.RestartResult{}, s.goOn(ctx, old, lost)
	}
	if lost != nil {
		s.log.Warn("hot restart without state; the state is lost", "reason", lost)
		_ = old.process.Kill() // its Run or SaveState may still be at it
		s.dropState("runner restart --discard-state")
	}
	s.setState(Starting, "")
	s.retire(old, ending{reason: "replaced", done: true})
	kept := make(chan struct{})
	go func() { // the disk's time is not the market's
		defer close(kept)
		if lost == nil {
			s.keepState(state, "hot restart")
		}
	}()
	err = s.strategy.activate(ctx, next, state)
	gap := time.Since(from)
	<-kept
	if err != nil {
		next.dispose()
		return s.fallBack(ctx, old, state, err)
	}
	s.host.record.process(journal.KindReplaced, s.strategy, next, old.process.PID(), s.cfg.Plugin, next.version)
	s.good.keep(next.binary)
	result := control.RestartResult{Gap: gap, OldPID: old.process.PID(), NewPID: next.process.PID(), Version: next.version}
	if lost != nil {
		result.StateLost = lost.Error()
	}
	s.stats.mu.Lock()
	s.stats.gapsNs = append(s.stats.gapsNs, int64(gap))
	s.stats.mu.Unlock()
	s.mu.Lock()
	s.restarts++
	s.mu.Unlock()
	s.setState(Running, "")
	s.log.Info("hot restart", "gap", gap.Round(time.Microsecond), "version", next.version, "old_pid", result.OldPID,
		"pid", result.NewPID)
	old.dispose()
	return result, nil
}

// launchBeside is launch while the old process trades on. If that ends meanwhile or is to stop, the new one is
// abandoned: the orders of the strategy come first, and a new process may take all of its start timeout.
func (s *supervisor) launchBeside(ctx context.Context, old *instance) (next *instance, err error) {
	launching, cancel := context.WithCancel(ctx)
	defer cancel()
	launched := make(chan struct{})
	go func() {
		defer close(launched)
		next, err = s.launch(launching)
	}()
	giveUp := func() {
		cancel()
		<-launched
		if err == nil {
			next.dispose()
		}
	}
	for {
		select {
		case <-launched:
			if err != nil {
				return nil, fmt.Errorf("the new process failed, the old one keeps running: %w", err)
			}
			return next, nil
		case e := <-old.ended:
			giveUp()
			s.onEnding(ctx, e)
			return nil, fmt.Errorf("strategy %s was not restarted, its process ended before the new one was ready: %s", s.cfg.Name, e.reason)
		case c := <-s.commands:
			switch c.kind {
			case commandStop:
				giveUp()
				s.obeyStop(ctx, c)
				return nil, fmt.Errorf("strategy %s was not restarted, it was stopped before the new process was ready", s.cfg.Name)
			case commandStart, commandStartDiscarding:
				c.reply <- commandResult{already: true}
			default:
				c.reply <- commandResult{err: fmt.Errorf("strategy %s is being restarted already, wait for that or stop it", s.cfg.Name)}
			}
		}
	}
}

// runEnds is the error of a hot restart in which the run is to end: the old process is stopped then.
func (s *supervisor) runEnds() error {
	return fmt.Errorf("strategy %s was not restarted, the host is shutting down", s.cfg.Name)
}

// goOn lets the old process trade on after its state could not be saved, and says what came of the restart.
func (s *supervisor) goOn(ctx context.Context, old *instance, cause error) error {
	if err := s.resume(ctx, old); err != nil {
		if ctx.Err() != nil {
			return s.runEnds()
		}
		_ = old.process.Kill()
		select { // an instance that had to be stopped is no longer watched
		case old.ended <- ending{reason: cause.Error()}:
		default:
		}
		return fmt.Errorf("strategy %s: its state could not be saved (%w), and it could not continue, so it is started again: %w",
			s.cfg.Name, cause, err)
	}
	s.log.Warn("hot restart abandoned, the old process keeps running", "reason", cause, "pid", old.process.PID())
	return fmt.Errorf("strategy %s was not restarted, process %d keeps running: %w; to restart it without its state: runner restart --discard-state %s",
		s.cfg.Name, old.process.PID(), cause, s.cfg.Name)
}

// fallBack is for a new process that took its configuration but failed to start when the old one had stopped already:
// the old binary is started again with the state that was saved.
func (s *supervisor) fallBack(ctx context.Context, old *instance, state []byte, cause error) (control.RestartResult, error) {
	old.dispose()
	var again *instance
	err := s.good.restore() // that is the old one: it ran last
	if err == nil {
		again, err = s.launchBinary(ctx, s.good.binary)
	}
	if err == nil {
		err = s.strategy.activate(ctx, again, state)
	}
	if err != nil {
		s.leaveOrders(ctx) // first: the end of a process may take its time
		if again != nil {
			again.dispose()
		}
		if ctx.Err() == nil {
			s.onFailure(notStarted, err.Error())
		}
		return control.RestartResult{}, fmt.Errorf("the new process failed to start (%w), and so did the old binary: %w", cause, err)
	}
	s.setState(Running, "")
	s.log.Warn("hot restart failed, the old binary is running again", "error", cause, "pid", again.process.PID())
	return control.RestartResult{}, fmt.Errorf("the new process failed to start, the old binary is running again: %w", cause)
}
