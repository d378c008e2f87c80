package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// A process that attached itself is a strategy without a supervisor: the host neither restarts it nor considers it
// hung, because it may be stopped in a debugger. Each connection is a strategy value of its own, which takes over what
// the bot of that id held before.

const (
	// attachedPlugin stands where the name of a plugin does.
	attachedPlugin = "(attached)"
	// maxAttachedBots bounds the bots that are connected or remembered for what they hold.
	maxAttachedBots = 128
	// maxAttachedInstruments is the number of instruments of a connector from which processes cannot add another.
	maxAttachedInstruments = 512
	// handover is the time that an attach request waits for the exit of a process with the same bot id.
	handover = 200 * time.Millisecond
	// faultLook is the interval between checks of an attached process's queues.
	faultLook = 100 * time.Millisecond
)

// attachedBots are the bots of processes that attached themselves, connected or not, in the order of their first time.
type attachedBots struct {
	admission sync.Mutex // requests are admitted one by one

	mu   sync.Mutex
	bots []*strategy
}

func (b *attachedBots) list() []*strategy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.bots)
}

// find returns the bot of that id, nil if there was none.
func (b *attachedBots) find(botID uint64) *strategy {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.bots {
		if s.botID == botID {
			return s
		}
	}
	return nil
}

// put adds a bot in the place of its predecessor, if it has one.
func (b *attachedBots) put(s, old *strategy) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.bots, old); i >= 0 {
		b.bots[i] = s
		return
	}
	b.bots = append(b.bots, s)
}

// makeRoom forgets a bot that has left and holds nothing, when there are too many.
func (b *attachedBots) makeRoom() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.bots) < maxAttachedBots {
		return nil
	}
	i := slices.IndexFunc(b.bots, func(s *strategy) bool { return !s.connected() && s.flat() })
	if i < 0 {
		return fmt.Errorf("%d bots are attached or hold orders or positions: use the id of one of them", len(b.bots))
	}
	for _, h := range b.bots[i].holdings {
		h.pub.mu.Lock()
		delete(h.pub.instruments[h.feedNo].holdings, b.bots[i].botID)
		h.pub.mu.Unlock()
	}
	b.bots = slices.Delete(b.bots, i, i+1)
	return nil
}

// connected reports whether the strategy's process, or its supervisor, is still at work.
func (s *strategy) connected() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// flat reports whether the strategy has neither orders nor a position.
func (s *strategy) flat() bool {
	for _, h := range s.holdings {
		h.pub.mu.Lock()
		flat := h.orders.View().Len() == 0 && h.state.Position == 0
		h.pub.mu.Unlock()
		if !flat {
			return false
		}
	}
	return true
}

// everyStrategy returns the configured strategies, then the attached ones.
func (h *Host) everyStrategy() []*strategy {
	return slices.Concat(h.strategies, h.attached.list())
}

// serveAttached serves the attach socket until ctx ends and every process that attached itself has parted.
func (h *Host) serveAttached(ctx context.Context, listener net.Listener) {
	err := hostipc.ServeAttach(ctx, listener, func(peer *hostipc.AttachPeer) { h.attach(ctx, peer) },
		func(err error) { h.log.Warn("attach socket", "error", err) })
	if err != nil {
		h.log.Error("attach socket", "error", err)
	}
}

// attach is the life of one attached process.
func (h *Host) attach(ctx context.Context, peer *hostipc.AttachPeer) {
	s, inst, err := h.admit(peer)
	if err != nil {
		h.log.Warn("process refused", "pid", peer.PID, "bot", peer.Request.BotID, "error", err)
		peer.Refuse(err)
		return
	}
	defer close(s.done)
	var asked *command
	state, reason := Ended, "process disconnected before the attach completed"
	files, attachment := inst.session.files(0)
	if err := peer.Accept(files, attachment); err == nil {
		s.log.Info("attached", "bot", s.botID, "pid", peer.PID)
		state, reason, asked = s.accompany(ctx, inst)
	}
	s.retire(inst, ending{reason: cmp.Or(reason, string(state)), done: state != Failed})
	inst.dispose()
	confirmed := s.leaveOrders(ctx)
	s.setState(state, reason)
	s.log.Info("detached", "state", state, "reason", reason)
	if asked != nil {
		h.background.Go(func() { asked.reply <- commandResult{err: <-confirmed} })
	}
}

// accompany returns when an attached process has disconnected or was disconnected, and the command that asked for it.
func (s *strategy) accompany(ctx context.Context, inst *instance) (State, string, *command) {
	faults := time.NewTicker(faultLook)
	defer faults.Stop()
	for {
		select {
		case <-s.peer.Gone():
			return Ended, "the process has disconnected", nil
		case <-ctx.Done():
			s.interrupt(inst, "the host is shutting down")
			return Stopped, "", nil
		case c := <-s.commands:
			s.interrupt(inst, "stopped by command")
			return Stopped, "", &c
		case <-faults.C:
			if fault := inst.session.fault(); fault != "" {
				s.log.Error("process is disconnected", "pid", s.peer.PID, "reason", fault)
				s.peer.Disconnect(fault)
				return Failed, fault, nil
			}
		}
	}
}

// interrupt makes the waiting calls of an attached process return, and parts from it when it has disconnected or had
// its time, in which its orders end already where it does not call its bot. The process itself is not the host's to kill.
func (s *strategy) interrupt(inst *instance, reason string) {
	inst.session.control.Interrupt()
	stopped := s.leaveIfSilent(inst, nil) // it may sit in a debugger
	defer stopped()
	limit := time.NewTimer(s.host.cfg.Supervision.StopTimeout)
	defer limit.Stop()
	select {
	case <-s.peer.Gone():
	case <-limit.C:
		s.log.Warn("process has not disconnected in time", "pid", s.peer.PID)
	}
	s.peer.Disconnect(reason)
}

// askAttached carries out a command on an attached process.
func (s *strategy) askAttached(ctx context.Context, kind commandKind) commandResult {
	switch {
	case (kind == commandStart || kind == commandStartDiscarding) && s.connected():
		return commandResult{already: true}
	case kind == commandStop && !s.connected():
		return commandResult{already: true, err: s.awaitOrders(ctx)}
	case kind == commandStop:
		r := s.ask(ctx, kind)
		if errors.Is(r.err, errEnding) {
			r.err = s.awaitOrders(ctx) // it went by itself meanwhile
		}
		return r
	}
	return commandResult{err: fmt.Errorf("%s is an attached process; the host cannot start it: start it again where it was started",
		s.cfg.Name)}
}
