package ipctest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// channel is a bot's end of a Hub. Its one queue holds feed and private events in the order in which the host sent
// them, which is the order the merge of the shared memory has to restore.
type channel struct {
	hub         *Hub
	instruments []ipc.Instrument
	interrupted atomic.Bool
	woken       chan struct{} // holds a token when there is something to look at
	timer       *time.Timer   // of the bot's goroutine

	// Guarded by hub.mu.
	botID      uint64
	registered []bool // by instrument: it gets its feed
	events     fifo[delivery]
	stalled    bool // the hub gave the bot up
	closedAtNs int64
	closed     bool
}

// errClosed is returned by calls after Close.
var errClosed = fmt.Errorf("%w: the channel is closed", hft.ErrInterrupted)

// delivery is one event on its way to a bot.
type delivery struct {
	instNo int
	ev     ipc.LiveEvent
}

var _ ipc.Channel = (*channel)(nil)

// push queues an event. The caller holds hub.mu.
func (c *channel) push(instNo int, ev *ipc.LiveEvent) {
	if c.events.len() >= MaxQueuedEvents {
		c.stalled = true
		return
	}
	c.events.push(&delivery{instNo, *ev})
}

// wake makes a waiting RecvTimeout look again.
func (c *channel) wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// Send is ipc.Channel's. RequestRegisterInstrument is refused with a *hft.BuildError when the hub does not have the
// instrument or another connected bot has the id.
func (c *channel) Send(botID uint64, instNo int, request *ipc.LiveRequest) error {
	h := c.hub
	h.mu.Lock()
	err := c.accept(botID, instNo, request)
	handle := h.handle
	if err == nil && handle == nil {
		if h.requests.len() >= RequestCapacity {
			err = hft.ErrRequestQueueFull
		} else {
			h.requests.push(&Request{botID, instNo, *request})
			select {
			case h.arrived <- struct{}{}:
			default:
			}
		}
	}
	h.mu.Unlock()
	if err == nil && handle != nil {
		err = handle(Request{botID, instNo, *request})
	}
	return err
}

// accept checks a request. The caller holds hub.mu.
func (c *channel) accept(botID uint64, instNo int, request *ipc.LiveRequest) error {
	if c.closed {
		return errClosed
	}
	if c.stalled || c.hub.closed {
		return hft.ErrPeerGone
	}
	if instNo < 0 || instNo >= len(c.instruments) {
		return hft.ErrInstrumentNotFound
	}
	if request.Kind == ipc.RequestRegisterInstrument {
		inst := c.instruments[instNo]
		inst.TickSize, inst.LotSize = request.TickSize, request.LotSize
		if err := c.hub.check(&inst); err != nil {
			return err
		}
		if c.botID == 0 && botID != 0 {
			if err := c.hub.bind(c, botID); err != nil {
				return err
			}
		}
	}
	if c.botID == 0 || botID != c.botID {
		return &hft.BuildError{Kind: hft.InvalidArgument,
			What: fmt.Sprintf("bot id %d: the channel belongs to bot %d", botID, c.botID)}
	}
	return nil
}

// RecvTimeout is ipc.Channel's.
func (c *channel) RecvTimeout(_ uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	if clock := c.hub.clock; clock != nil {
		untilNs := addSaturating(clock.NowNs(), timeout)
		for due := true; ; due = clock.step(untilNs) {
			if instNo, err := c.take(ev); err != hft.ErrTimeout || !due {
				return instNo, err
			}
		}
	}
	instNo, err := c.take(ev)
	if err != hft.ErrTimeout || timeout <= 0 {
		return instNo, err
	}
	if c.timer == nil {
		c.timer = time.NewTimer(timeout)
	} else {
		c.timer.Reset(timeout)
	}
	defer c.timer.Stop()
	for {
		select {
		case <-c.woken:
		case <-c.timer.C:
			return c.take(ev)
		}
		if instNo, err := c.take(ev); err != hft.ErrTimeout {
			return instNo, err
		}
	}
}

// take returns what there is without waiting: hft.ErrTimeout when there is nothing.
func (c *channel) take(ev *ipc.LiveEvent) (int, error) {
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.closed {
		return -1, errClosed
	}
	if c.interrupted.Load() {
		return -1, hft.ErrInterrupted
	}
	if c.stalled || h.closed {
		return -1, hft.ErrPeerGone
	}
	next := c.events.front()
	if next == nil {
		if h.ended {
			return -1, hft.ErrEndOfData
		}
		return -1, hft.ErrTimeout
	}
	*ev = next.ev
	instNo := next.instNo
	c.events.drop()
	return instNo, nil
}

// NowNs is ipc.Channel's.
func (c *channel) NowNs() int64 {
	c.hub.mu.Lock()
	closed, closedAtNs := c.closed, c.closedAtNs
	c.hub.mu.Unlock()
	if closed {
		return closedAtNs
	}
	return c.nowNs()
}

func (c *channel) nowNs() int64 {
	if c.hub.clock != nil {
		return c.hub.clock.NowNs()
	}
	return time.Now().UnixNano()
}

// Instruments is ipc.Channel's.
func (c *channel) Instruments() []ipc.Instrument { return c.instruments }

// Interrupt is ipc.Channel's.
func (c *channel) Interrupt() {
	c.interrupted.Store(true)
	c.wake()
}

// Resume is ipc.Channel's.
func (c *channel) Resume() { c.interrupted.Store(false) }

// Close is ipc.Channel's; the bot's id is free afterwards.
func (c *channel) Close() error {
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed, c.closedAtNs = true, c.nowNs()
	c.wake()
	h.bots = slices.DeleteFunc(h.bots, func(o *channel) bool { return o == c })
	return nil
}
