package host

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hftrunner/connector"
	"hftrunner/internal/control"
)

// command is what somebody asks a supervisor to do.
type command struct {
	kind  commandKind
	reply chan commandResult
}

type commandKind uint8

const (
	commandStart commandKind = iota
	commandStop
	commandRestart
)

type commandResult struct {
	restart control.RestartResult
	err     error
}

// supervisor is the goroutine that owns a strategy's process.
type supervisor struct {
	*strategy
	delays   *backoff.ExponentialBackOff
	failures []time.Time
	retry    *time.Timer // runs in state Backoff
}

func newSupervisor(s *strategy) *supervisor {
	limits := s.host.cfg.Supervision
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval = limits.BackoffMin, limits.BackoffMax
	delays.Multiplier, delays.RandomizationFactor = 2, 0.25
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	return &supervisor{strategy: s, delays: delays, retry: retry}
}

// boot starts the strategy for the first time.
func (s *supervisor) boot(ctx context.Context) error {
	s.setState(Starting, "")
	if err := s.startFresh(ctx, 0); err != nil {
		s.setState(Failed, err.Error())
		return err
	}
	return nil
}

// run supervises until ctx ends, then stops the strategy in order.
func (s *supervisor) run(ctx context.Context) {
	defer close(s.done)
	defer s.retry.Stop()
	for {
		var ended chan ending
		if s.current != nil {
			ended = s.current.ended
		}
		select {
		case <-ctx.Done():
			if err := s.shutDown(); err != nil {
				s.log.Warn("stop", "error", err)
			}
			return
		case e := <-ended:
			s.onEnding(e)
		case <-s.retry.C:
			if err := s.startFresh(ctx, 1); err != nil {
				s.onFailure(err.Error())
			}
		case c := <-s.commands:
			c.reply <- s.obey(ctx, c.kind)
		}
	}
}

func (s *supervisor) obey(ctx context.Context, kind commandKind) (r commandResult) {
	switch kind {
	case commandStart:
		if s.current != nil {
			r.err = fmt.Errorf("strategy %s is already running", s.cfg.Name)
			return r
		}
		s.retry.Stop()
		s.delays.Reset()
		s.failures = nil
		s.setState(Starting, "")
		if r.err = s.startFresh(ctx, 0); r.err != nil {
			s.setState(Failed, r.err.Error())
		}
	case commandStop:
		s.retry.Stop()
		r.err = s.shutDown()
	case commandRestart:
		r.restart, r.err = s.hotRestart(ctx)
	}
	return r
}

// startFresh starts a process without the state of an earlier one; orders and position it gets all the same. It adds
// restarts to the count.
func (s *supervisor) startFresh(ctx context.Context, restarts int) error {
	inst, err := s.launch(ctx)
	if err != nil {
		return err
	}
	if err := s.strategy.activate(ctx, inst, nil); err != nil {
		inst.dispose()
		return err
	}
	s.mu.Lock()
	s.restarts += restarts
	s.mu.Unlock()
	s.setState(Running, "")
	s.log.Info("running", "plugin", s.cfg.Plugin, "version", inst.version, "pid", inst.process.PID())
	return nil
}

// onEnding handles a process that ended by itself or has to be ended.
func (s *supervisor) onEnding(e ending) {
	inst := s.current
	if !e.done {
		s.setState(Backoff, e.reason)
		_ = inst.process.Kill()
	}
	s.retire(inst)
	inst.dispose()
	if e.done {
		s.setState(Ended, "")
		s.log.Info("strategy has ended")
		s.onExit()
		return
	}
	s.onExit()
	s.onFailure(e.reason)
}

// onFailure plans the next start, or gives up when there were too many.
func (s *supervisor) onFailure(reason string) {
	limits := s.host.cfg.Supervision
	now := time.Now()
	recent := s.failures[:0]
	for _, t := range s.failures {
		if now.Sub(t) < limits.CrashLoopWindow {
			recent = append(recent, t)
		}
	}
	if len(recent) == 0 {
		s.delays.Reset()
	}
	s.failures = append(recent, now)
	if len(s.failures) > limits.CrashLoopRestarts {
		s.setState(Failed, fmt.Sprintf("failed %d times within %v, last: %s", len(s.failures), limits.CrashLoopWindow, reason))
		s.log.Error("strategy is given up: it fails again and again", "failures", len(s.failures), "reason", reason,
			"fix", "see its log, then: runner start "+s.cfg.Name)
		return
	}
	delay := s.delays.NextBackOff()
	s.setState(Backoff, reason)
	s.log.Error("strategy ended unexpectedly", "reason", reason, "restart_in", delay.Round(time.Millisecond))
	s.retry.Reset(delay)
}

// onExit carries out the strategy's on_exit action.
func (s *strategy) onExit() {
	if s.cfg.OnExit != CancelOrders {
		return
	}
	for _, h := range s.holdings {
		h.pub.mu.Lock()
		open := h.cancelAll()
		h.pub.mu.Unlock()
		for i := range open {
			h.pub.connector.Cancel(open[i])
		}
		if len(open) > 0 {
			s.log.Info("canceling open orders", "connector", h.cfg.Connector, "symbol", h.cfg.Symbol, "orders", len(open))
		}
	}
}

// shutDown stops the strategy in order.
func (s *supervisor) shutDown() error {
	inst := s.current
	if inst == nil {
		if state := s.getState(); state == Backoff {
			s.setState(Stopped, "")
		}
		return nil
	}
	_, err := s.stop(inst)
	s.retire(inst)
	inst.dispose()
	s.onExit()
	s.setState(Stopped, "")
	return err
}

// hotRestart replaces the process: the new one is up and configured before the old one stops.
func (s *supervisor) hotRestart(ctx context.Context) (control.RestartResult, error) {
	old := s.current
	if old == nil {
		return control.RestartResult{}, fmt.Errorf("strategy %s is not running: runner start %s starts it", s.cfg.Name, s.cfg.Name)
	}
	next, err := s.launch(ctx)
	if err != nil {
		return control.RestartResult{}, fmt.Errorf("the new process failed, the old one keeps running: %w", err)
	}
	from := time.Now()
	state, err := s.stop(old)
	if err != nil {
		s.log.Warn("hot restart", "error", err)
	}
	s.setState(Starting, "")
	s.retire(old)
	if err := s.strategy.activate(ctx, next, state); err != nil {
		next.dispose()
		return s.fallBack(ctx, old, state, err)
	}
	gap := time.Since(from)
	result := control.RestartResult{Gap: gap, OldPID: old.process.PID(), NewPID: next.process.PID(), Version: next.version}
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

// fallBack is for a new process that took its configuration but failed to start when the old one had stopped already:
// the old binary is started again with the state that was saved.
func (s *supervisor) fallBack(ctx context.Context, old *instance, state []byte, cause error) (control.RestartResult, error) {
	from := old.binary
	old.dispose()
	again, err := s.launchBinary(ctx, from)
	if err == nil {
		if err = s.strategy.activate(ctx, again, state); err != nil {
			again.dispose()
		}
	}
	if err != nil {
		s.onExit()
		s.onFailure(err.Error())
		return control.RestartResult{}, fmt.Errorf("the new process failed to start (%w), and so did the old binary: %w", cause, err)
	}
	s.setState(Running, "")
	s.log.Warn("hot restart failed, the old binary runs again", "error", cause, "pid", again.process.PID())
	return control.RestartResult{}, fmt.Errorf("the new process failed to start, the old binary runs again: %w", cause)
}

var _ connector.Sink = (*publisher)(nil)
var _ connector.Clock = (*publisher)(nil)
