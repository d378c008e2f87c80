package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// command is a request to a supervisor.
type command struct {
	kind  commandKind
	reply chan commandResult
}

type commandKind uint8

const (
	commandStart           commandKind = iota
	commandStartDiscarding             // what an earlier process has saved
	commandStop
	commandRestart
	commandRestartDiscarding // the state, where it cannot be saved
	commandTakeBinary        // restart where it runs, start where it failed
)

type commandResult struct {
	restart control.RestartResult
	already bool // nothing was to be done
	err     error
}

// supervisor is the goroutine that owns a strategy's process.
type supervisor struct {
	*strategy
	delays   *backoff.ExponentialBackOff
	failures []time.Time
	retry    *time.Timer // runs in state Backoff
	heldBack bool        // it starts when its venue has told what it waits for
	good     kept        // what ran last; the plugin directory may hold something else by now
}

func newSupervisor(s *strategy) *supervisor {
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	return &supervisor{strategy: s, delays: s.host.cfg.Supervision.newBackoff(), retry: retry}
}

// boot starts the strategy for the first time. What it fails for is tried again by run, the others trade meanwhile; the
// error is for what no further attempt can change.
func (s *supervisor) boot(ctx context.Context) error {
	if s.latched != nil {
		s.stayHeld()
		s.leaveOrders(ctx) // it may have been stopped when the host ended
		return nil
	}
	if waiting := s.waiting(); waiting != "" {
		s.heldBack = true
		s.setState(Backoff, waiting)
		return nil
	}
	s.heldBack = false
	s.setState(Starting, "")
	err := s.startFresh(ctx, s.launch, 0)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		s.setState(Stopped, "")
	case misconfigured(err):
		s.setState(Failed, err.Error())
		return err
	default:
		s.failedToStart(ctx, err)
	}
	return nil
}

// misconfigured reports whether a start failed for what the configuration or the plugin directory says, so that
// another attempt would end the same way.
func misconfigured(err error) bool {
	var launch *control.LaunchError
	if errors.As(err, &launch) {
		return launch.Lasting()
	}
	var params control.ParamErrors
	var missing noPluginError
	return errors.As(err, &params) || errors.As(err, &missing)
}

// run supervises until ctx ends, then stops the strategy in order.
func (s *supervisor) run(ctx context.Context) {
	defer close(s.done)
	defer s.retry.Stop()
	defer s.good.drop()
	registered := s.registered
	for {
		var ended chan ending
		if s.current != nil {
			ended = s.current.ended
		}
		select {
		case <-ctx.Done():
			if err := s.end(ctx); err != nil {
				s.log.Error("strategy has failed at the end of the run", "error", err)
			}
			return
		case e := <-ended:
			s.onEnding(ctx, e)
		case <-registered:
			registered = nil
			s.onRegistered(ctx)
		case <-s.told:
			if s.heldBack && s.waiting() == "" {
				s.onRegistered(ctx)
			}
		case <-s.retry.C:
			s.startAgain(ctx)
		case c := <-s.commands:
			if c.kind == commandStop {
				s.obeyStop(ctx, c)
				continue
			}
			c.reply <- s.obey(ctx, c.kind)
		}
	}
}

// onRegistered starts the strategy when its venues have answered. Where that is for nothing, what an earlier run has left ends.
func (s *supervisor) onRegistered(ctx context.Context) {
	s.heldBack = false
	s.mu.Lock()
	unfit := s.unfit
	s.mu.Unlock()
	if unfit != nil {
		s.retry.Stop()
		s.setState(Failed, unfit.Error())
		s.log.Error("strategy failed permanently: it does not match the venue's instruments", "error", unfit,
			"fix", "fix the configuration, then stop the run and start it again")
		s.leaveOrders(ctx)
		return
	}
	if s.getState() != Backoff {
		return
	}
	if err := s.boot(ctx); err != nil {
		s.log.Error("strategy failed permanently: misconfigured", "error", err)
		s.leaveOrders(ctx)
	}
}

func (s *supervisor) obey(ctx context.Context, kind commandKind) (r commandResult) {
	switch kind {
	case commandStart, commandStartDiscarding:
		if r.already = s.current != nil; r.already {
			break
		}
		if kind == commandStartDiscarding {
			s.dropState("runner start --discard-state")
		}
		r.err = s.startNow(ctx)
	case commandRestart, commandRestartDiscarding:
		r.restart, r.err = s.hotRestart(ctx, kind == commandRestartDiscarding)
	case commandTakeBinary:
		switch state, wants := s.wantsNew(s.cfg.Plugin); {
		case state == Running:
			r.restart, r.err = s.hotRestart(ctx, false)
		case wants:
			r.err = s.startNow(ctx)
		}
	}
	return r
}

// startAgain starts a strategy that failed.
func (s *supervisor) startAgain(ctx context.Context) {
	failure := s.status().Reason
	s.setState(Starting, failure)
	err := s.startFresh(ctx, s.relaunch, 1)
	switch {
	case err != nil && ctx.Err() != nil:
		s.setState(Backoff, failure)
	case err != nil:
		s.failedToStart(ctx, err)
	}
}

// startNow starts the binary that the plugin directory holds. Where that fails, a strategy that waited to be started
// again waits on.
func (s *supervisor) startNow(ctx context.Context) error {
	s.unlatch()
	s.mu.Lock()
	unfit := s.unfit
	s.byHand = false
	s.mu.Unlock()
	if unfit != nil {
		s.setState(Failed, unfit.Error())
		return unfit
	}
	if waiting := s.waiting(); waiting != "" {
		s.heldBack = true
		s.setState(Backoff, waiting)
		return fmt.Errorf("strategy %s: %s; it starts when that is over", s.cfg.Name, waiting)
	}
	before, reason := s.getState(), s.status().Reason
	s.retry.Stop()
	s.setState(Starting, "")
	err := s.startFresh(ctx, s.launch, 0)
	switch {
	case err == nil:
		s.delays.Reset()
		s.failures = nil
	case ctx.Err() != nil: // the run ends
		s.setState(before, reason)
	case before == Backoff:
		s.failedToStart(ctx, err)
	default:
		s.setState(Failed, err.Error())
	}
	return err
}

// relaunch is launch of the binary that ran last: the plugin directory may hold one by now that a hot restart has
// refused.
func (s *supervisor) relaunch(ctx context.Context) (*instance, error) {
	if s.good.path == "" {
		return s.launch(ctx)
	}
	if err := s.good.restore(); err != nil {
		s.log.Warn("the last binary is gone, starting the one in the plugin directory", "error", err)
		return s.launch(ctx)
	}
	found, err := findPlugin(s.host.cfg.PluginDir, s.cfg.Plugin)
	sum := ""
	if err == nil {
		sum, err = sumOf(found)
	}
	if err != nil {
		s.log.Warn("starting the last binary again", "plugin_folder", err)
	} else if sum != s.good.sum {
		s.log.Warn("starting the last binary again; the plugin directory holds a different one",
			"fix", "to use that one: runner restart "+s.cfg.Name)
	}
	return s.launchBinary(ctx, s.good.binary)
}

// obeyStop stops the strategy and answers when its orders have ended. Until then it obeys other commands.
func (s *supervisor) obeyStop(ctx context.Context, c command) {
	s.retry.Stop()
	s.mu.Lock()
	s.byHand = true
	s.mu.Unlock()
	s.latch(journal.HeldStopped, "")
	already := s.current == nil && s.getState() != Backoff
	confirmed, stopErr := s.shutDown(ctx)
	if !already {
		s.log.Info("stopped by command", "on_exit", s.cfg.OnExit)
	}
	s.host.background.Go(func() { c.reply <- commandResult{already: already, err: errors.Join(stopErr, <-confirmed)} })
}

// end stops the strategy because the run ends; the host waits for the end of its orders. A strategy that waits to be started
// again was not given up, but it has failed where it has never run, and where the data have ended: nobody starts it in them again.
func (s *supervisor) end(ctx context.Context) error {
	if s.getState() == Backoff {
		state := Stopped
		if s.good.path == "" && s.recovering() == "" || errors.Is(context.Cause(ctx), errDataEnded) {
			state = Failed
		}
		what := "it was waiting to restart when the run ended: "
		if s.waiting() != "" {
			what = "it was waiting for its venue when the run ended: "
		}
		s.setState(state, what+s.status().Reason)
	}
	_, err := s.shutDown(ctx)
	return err
}

// startFresh starts a process, with the state that an earlier one has saved where there is one; orders and position it
// gets all the same. It adds restarts to the count.
func (s *supervisor) startFresh(ctx context.Context, launch func(context.Context) (*instance, error), restarts int) error {
	inst, err := launch(ctx)
	if err != nil {
		return err
	}
	state := s.savedState()
	if err := s.strategy.activate(ctx, inst, state); err != nil {
		s.leaveOrders(ctx) // it may have sent some already, and its end may take its time
		inst.dispose()
		return s.refusal(err, state)
	}
	s.tellState(state)
	s.good.keep(inst.binary)
	s.mu.Lock()
	s.restarts += restarts
	s.mu.Unlock()
	s.setState(Running, "")
	s.log.Info("running", "plugin", s.cfg.Plugin, "version", inst.version, "pid", inst.process.PID())
	return nil
}

// onEnding handles a process that ended by itself or has to be ended.
func (s *supervisor) onEnding(ctx context.Context, e ending) {
	inst := s.current
	if !e.done {
		s.setState(Backoff, e.reason)
		_ = inst.process.Kill()
		s.dropState("the strategy ended unexpectedly")
	}
	s.retire(inst, e)
	s.leaveOrders(ctx) // at once: the end of what the process has started may take its time
	inst.dispose()
	if e.done {
		s.setState(Ended, "")
		s.log.Info("strategy has ended")
		return
	}
	s.onFailure("strategy ended unexpectedly", e.reason)
}

// notStarted is the outcome of a strategy whose process could not be started.
const notStarted = "strategy could not be started"

// failedToStart plans the next start. With the last the orders end that an earlier run has left for it.
func (s *supervisor) failedToStart(ctx context.Context, err error) {
	s.onFailure(notStarted, err.Error())
	if s.getState() == Failed {
		s.leaveOrders(ctx)
	}
}

// onFailure plans the next start, or gives up when there were too many. what happened is for the log.
func (s *supervisor) onFailure(what, reason string) {
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
		s.latch(journal.HeldGivenUp, reason)
		s.setState(Failed, fmt.Sprintf("failed %d times within %v, last: %s", len(s.failures), limits.CrashLoopWindow, reason))
		s.log.Error("strategy failed permanently: crash-loop limit reached", "failures", len(s.failures), "reason", reason,
			"fix", "see its log, then: runner start "+s.cfg.Name)
		return
	}
	delay := s.delays.NextBackOff()
	s.setState(Backoff, reason)
	s.log.Error(what, "reason", reason, "restart_in", delay.Round(time.Millisecond))
	s.retry.Reset(delay)
}

// shutDown stops the strategy's process in order and then its orders, at once: the end of what the process has started, and
// that of other strategies, may take its time.
func (s *supervisor) shutDown(ctx context.Context) (confirmed <-chan error, err error) {
	inst := s.current
	if inst == nil {
		if state := s.getState(); state == Backoff || state == Starting {
			s.setState(Stopped, "")
		}
		return s.leaveOrders(ctx), nil
	}
	s.setState(Stopping, "")
	stopped := s.leaveIfSilent(inst, nil)
	state, unsaved, failure := s.stop(inst)
	stopped()
	e := ending{reason: "stopped", done: failure == nil}
	if failure != nil {
		e.reason = failure.Error()
	}
	s.retire(inst, e)
	confirmed = s.leaveOrders(ctx)
	inst.dispose()
	if failure != nil {
		s.setState(Failed, failure.Error())
		return confirmed, failure
	}
	if unsaved != nil {
		s.log.Warn("the strategy has stopped, its state could not be saved: the next start is with the one before it, if any",
			"reason", unsaved)
	} else {
		s.keepState(state, "stop")
	}
	s.setState(Stopped, "")
	return confirmed, nil
}
