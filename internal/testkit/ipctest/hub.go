package ipctest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

const (
	// RequestCapacity is the number of requests of all bots that a Hub keeps until RecvRequest takes them.
	RequestCapacity = 256
	// MaxQueuedEvents is the number of events a bot may leave unread before the Hub gives it up.
	MaxQueuedEvents = 1 << 16
)

// Request is one request of a bot as the host gets it. InstNo counts the bot's instruments.
type Request struct {
	BotID  uint64
	InstNo int
	ipc.LiveRequest
}

// Hub is a host in plain memory: it has instruments, any number of bots attach to it, and the test plays the part of
// the venues. It is a Fixture. All methods may be called by any goroutine.
type Hub struct {
	instruments []ipc.Instrument
	clock       *ManualClock // nil: the wall clock

	mu       sync.Mutex
	bots     []*channel
	requests fifo[Request]
	handle   func(Request) error
	ended    bool
	closed   bool
	arrived  chan struct{} // holds a token when requests may have arrived
}

var _ Fixture = (*Hub)(nil)

// NewHub returns a host of those instruments. clock is the bots' time; nil is the wall clock, on which waiting calls
// really wait.
func NewHub(instruments []ipc.Instrument, clock *ManualClock) *Hub {
	return &Hub{instruments: append([]ipc.Instrument(nil), instruments...), clock: clock,
		arrived: make(chan struct{}, 1)}
}

// Attach returns a channel for a bot that uses those instruments. A botID of 0 leaves it to the first
// RequestRegisterInstrument to say which bot it is. *hft.BuildError of kind Duplicate when a connected bot has that
// id. The instruments are looked at when they are registered.
func (h *Hub) Attach(botID uint64, instruments []ipc.Instrument) (ipc.Channel, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &channel{hub: h, instruments: append([]ipc.Instrument(nil), instruments...),
		registered: make([]bool, len(instruments)), woken: make(chan struct{}, 1)}
	if botID != 0 {
		if err := h.bind(c, botID); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// check returns why the hub cannot serve an instrument. The caller holds mu.
func (h *Hub) check(inst *ipc.Instrument) error {
	connectorKnown := false
	for i := range h.instruments {
		own := &h.instruments[i]
		connectorKnown = connectorKnown || own.Connector == inst.Connector
		if own.Connector != inst.Connector || own.Symbol != inst.Symbol {
			continue
		}
		if own.TickSize != inst.TickSize || own.LotSize != inst.LotSize {
			return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(
				"%s/%s has tick size %v and lot size %v, the bot says %v and %v", inst.Connector, inst.Symbol,
				own.TickSize, own.LotSize, inst.TickSize, inst.LotSize)}
		}
		return nil
	}
	if !connectorKnown {
		return &hft.BuildError{Kind: hft.ConnectorNotFound, What: inst.Connector}
	}
	return &hft.BuildError{Kind: hft.InvalidArgument, What: inst.Connector + " has no instrument " + inst.Symbol}
}

// bind makes c the channel of that bot. The caller holds mu.
func (h *Hub) bind(c *channel, botID uint64) error {
	if h.bot(botID) != nil {
		return &hft.BuildError{Kind: hft.Duplicate, What: fmt.Sprintf("bot id %d", botID)}
	}
	c.botID = botID
	h.bots = append(h.bots, c)
	return nil
}

// bot returns the connected bot of that id or nil. The caller holds mu.
func (h *Hub) bot(botID uint64) *channel {
	for _, c := range h.bots {
		if c.botID == botID {
			return c
		}
	}
	return nil
}

// Handle makes handle answer all requests from now on, called by Send in the bot's goroutine; what it returns, Send
// returns. nil goes back to queueing requests for RecvRequest.
func (h *Hub) Handle(handle func(Request) error) {
	h.mu.Lock()
	h.handle = handle
	h.mu.Unlock()
}

// PublishFeed publishes the events of one message to every bot that has registered the instrument.
func (h *Hub) PublishFeed(connector, symbol string, events []hft.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.instruments, func(i ipc.Instrument) bool {
		return i.Connector == connector && i.Symbol == symbol
	}) {
		return fmt.Errorf("ipctest: the hub has no instrument %s/%s: pass it to NewHub", connector, symbol)
	}
	for _, c := range h.bots {
		for instNo := range c.instruments {
			inst := &c.instruments[instNo]
			if inst.Connector != connector || inst.Symbol != symbol || !c.registered[instNo] {
				continue
			}
			for i := range events {
				more := i+1 < len(events)
				c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventFeed, More: more, Feed: events[i]})
			}
			c.wake()
		}
	}
	return nil
}

// send queues one event for a bot.
func (h *Hub) send(botID uint64, instNo int, ev *ipc.LiveEvent) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.bot(botID)
	if c == nil {
		return fmt.Errorf("ipctest: no bot %d is connected: attach it first", botID)
	}
	if instNo >= len(c.instruments) || instNo < 0 && ev.Kind != ipc.EventError {
		return fmt.Errorf("ipctest: bot %d has no instrument %d: %w", botID, instNo, hft.ErrInstrumentNotFound)
	}
	c.push(instNo, ev)
	c.wake()
	return nil
}

// SendOrder sends a bot the new state of one of its orders and its state after it.
func (h *Hub) SendOrder(botID uint64, instNo int, order *hft.Order, state hft.StateValues) error {
	return h.send(botID, instNo, &ipc.LiveEvent{Kind: ipc.EventOrder, Order: *order, State: state})
}

// SendPosition sends a bot its state.
func (h *Hub) SendPosition(botID uint64, instNo int, state hft.StateValues) error {
	return h.send(botID, instNo, &ipc.LiveEvent{Kind: ipc.EventPosition, State: state})
}

// SendError sends a bot an error event; its AssetNo counts the bot's instruments or is hft.AllAssets.
func (h *Hub) SendError(botID uint64, e hft.LiveError) error {
	return h.send(botID, max(e.AssetNo, -1), &ipc.LiveEvent{Kind: ipc.EventError, Err: e})
}

// AnswerRegister sends a bot the burst that answers its registration of an instrument, and its feed from then on.
func (h *Hub) AnswerRegister(botID uint64, instNo int, orders []hft.Order, state hft.StateValues,
	levels []hft.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.bot(botID)
	if c == nil || instNo < 0 || instNo >= len(c.instruments) {
		return fmt.Errorf("ipctest: bot %d with instrument %d is not connected: attach it first", botID, instNo)
	}
	c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventBatchStart})
	for i := range orders {
		c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventOrder, Order: orders[i], State: state})
	}
	c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventPosition, State: state})
	c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventFeed, Feed: hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent}})
	for i := range levels {
		c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventFeed, Feed: levels[i]})
	}
	c.push(instNo, &ipc.LiveEvent{Kind: ipc.EventBatchEnd})
	c.registered[instNo] = true
	c.wake()
	return nil
}

// RecvRequest returns the oldest request that no handler took, waiting at most timeout of the wall clock for one.
func (h *Hub) RecvRequest(timeout time.Duration) (botID uint64, instNo int, request ipc.LiveRequest, ok bool) {
	var expired <-chan time.Time
	for {
		h.mu.Lock()
		var r Request
		ok = h.requests.pop(&r)
		h.mu.Unlock()
		if ok || timeout <= 0 {
			return r.BotID, r.InstNo, r.LiveRequest, ok
		}
		if expired == nil {
			expired = time.After(timeout)
		}
		select {
		case <-h.arrived:
		case <-expired:
			timeout = 0 // look once more
		}
	}
}

// EndOfData ends the data of all bots: they get hft.ErrEndOfData once they have received everything before.
func (h *Hub) EndOfData() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.wakeAll()
}

// Interrupt asks a bot to stop.
func (h *Hub) Interrupt(botID uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.bot(botID); c != nil {
		c.interrupted.Store(true)
		c.wake()
	}
}

// Close ends the host: what its bots have not received is lost to them.
func (h *Hub) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.wakeAll()
	return nil
}

func (h *Hub) wakeAll() {
	for _, c := range h.bots {
		c.wake()
	}
}
