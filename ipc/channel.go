package ipc

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// LiveEventKind says what a LiveEvent is.
type LiveEventKind uint8

// Kinds of LiveEvent.
const (
	// EventBatchStart opens the burst that answers a RegisterInstrument: the bot's open orders, its state, a clear of
	// the book and the book. EventBatchEnd closes it; only then is the instrument's book complete.
	EventBatchStart LiveEventKind = 1
	// EventBatchEnd closes the burst.
	EventBatchEnd LiveEventKind = 2
	// EventFeed carries Feed.
	EventFeed LiveEventKind = 3
	// EventOrder carries Order, and the State after it.
	EventOrder LiveEventKind = 4
	// EventPosition carries State alone.
	EventPosition LiveEventKind = 5
	// EventError carries Err.
	EventError LiveEventKind = 6
)

// LiveEvent is one message from the host to a bot (LiveEvent). A caller owns it and passes it to RecvTimeout again
// and again, so that receiving allocates nothing.
type LiveEvent struct {
	Kind LiveEventKind
	// More says that further events of the same message of the venue follow at once: a strategy that waits for the
	// feed wakes up after the last of them.
	More bool
	// Feed is the market event of EventFeed. Depth events are LocalEvent|side with kind DepthEvent,
	// DepthSnapshotEvent or DepthClearEvent, ready to be applied to a book.
	Feed hft.Event
	// Order is the order's state of EventOrder.
	Order hft.Order
	// State is the bot's state on the instrument after EventOrder or EventPosition.
	State hft.StateValues
	// Err is the error of EventError; its AssetNo counts as the bot's instruments do.
	Err hft.LiveError
}

// RequestKind says what a LiveRequest is.
type RequestKind uint8

// Kinds of LiveRequest.
const (
	// RequestOrder carries Order, whose Req says what is asked: StatusNew, StatusCanceled or StatusReplaced.
	RequestOrder RequestKind = 1
	// RequestRegisterInstrument asks for the instrument's orders, state and book (RegisterInstrument).
	RequestRegisterInstrument RequestKind = 2
)

// LiveRequest is one message from a bot to the host (LiveRequest).
type LiveRequest struct {
	Kind RequestKind
	// Order is the order as the bot has it after applying the request to its own copy.
	Order hft.Order
	// TickSize and LotSize are the bot's, checked against the host's by RequestRegisterInstrument.
	TickSize, LotSize float64
}

// Channel is the bot's end of the data plane (Channel). instNo counts the bot's instruments from 0 in the order in
// which the channel was built. One goroutine uses it, and one that notices two panics; NowNs, Instruments, Interrupt,
// Resume and Close may be called from any, at any time.
type Channel interface {
	// Send hands a request to the host. It never waits: hft.ErrRequestQueueFull when the host is behind,
	// hft.ErrPeerGone when it is gone.
	Send(botID uint64, instNo int, request *LiveRequest) error
	// RecvTimeout waits at most timeout of the channel's clock for the next event and stores it in ev. A negative
	// timeout takes only what is there already. With 0 it also waits, where time is stepped, for what else happens at
	// this time: other events, and the answers to requests that arrive at once. Errors: hft.ErrTimeout;
	// hft.ErrInterrupted once Interrupt was called or the host asked the bot to stop; hft.ErrEndOfData when recorded
	// data has ended and everything before has been received; hft.ErrPeerGone. instNo is -1 for an error event that is
	// about no instrument.
	RecvTimeout(botID uint64, timeout time.Duration, ev *LiveEvent) (instNo int, err error)
	// NowNs returns the channel's clock.
	NowNs() int64
	// Instruments returns what the channel was built with.
	Instruments() []Instrument
	// Interrupt makes the current and every later RecvTimeout return hft.ErrInterrupted. It may be called from any
	// goroutine, more than once. Resume takes it back; what the host asked stays.
	Interrupt()
	Resume()
	// Close releases what the channel holds. The present RecvTimeout and everything that is called later returns
	// hft.ErrInterrupted; NowNs stands still, Instruments stays, Interrupt, Resume and a second Close do nothing.
	Close() error
}

// Instrument is one instrument of a channel.
type Instrument struct {
	// Connector is the name of the connector, Symbol the venue's name of the instrument.
	Connector, Symbol string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize float64
}
