package connector

import (
	"context"
	"errors"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// Instrument is what a connector trades for the host.
type Instrument struct {
	// No is the number the host knows the instrument by in all later calls; it is small and unique in the connector.
	No int
	// Symbol is the venue's name.
	Symbol string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize float64
}

// Owner says whose order it is. A connector encodes it in the client order id, so that after any restart an open
// order finds its owner, and hands it back with every update; it gives no other meaning to it.
type Owner struct {
	// Bot is the bot's id, never 0.
	Bot uint64
	// Incarnation counts the bot's starts: a new process of the same bot may use the same order ids again.
	Incarnation uint32
}

// Order is one order as host and connector exchange it. Owner.Bot, InstrumentNo and OrderID identify an open order.
type Order struct {
	InstrumentNo int
	Owner        Owner
	hft.Order
}

// OrderUpdate is one report of the venue about an order. A refused request has Req hft.StatusRejected and the
// LocalTimestampNs of the request. A refused submission is hft.StatusExpired besides, which ends the order; the status of a
// refused cancel or modification is not final.
type OrderUpdate struct {
	// Order is the order after the report.
	Order
	// Fill says that the report is one execution, of ExecQty at ExecPriceTick. Each execution is reported once.
	Fill bool
	// FillValue is the execution's value in quote currency, FillFee the fee paid for it, negative for a rebate.
	FillValue, FillFee float64
	// FillNs is the venue's time of the execution, which may be reported late; 0 where it is that of the order.
	FillNs int64
	// FeePaid is the fee in the asset it was paid in, FeeAsset; empty where that is not known. FeeQty is FeePaid where
	// that is what the instrument itself trades, as on spot: it lowers the position, and 0 everywhere else.
	FeePaid, FeeQty float64
	FeeAsset        string
	Names           Names
}

// Names are what an order and an execution are known by outside; empty where there is no such name.
type Names struct {
	// Origin is the first client order id of the order, ClientID the present one. VenueID and ExecID are the venue's.
	Origin, ClientID, VenueID, ExecID string
}

// Error is an error event of a connector.
type Error struct {
	// InstrumentNo is the instrument it is about, -1 when it is about the connection.
	InstrumentNo int
	// Owner is the bot it is for; the zero Owner addresses all bots of the connector.
	Owner Owner
	// LiveError is handed to the bots; its Connector and AssetNo are filled in by the host.
	hft.LiveError
	// Outage says that it comes of an outage of the venue, of which the connector's log tells.
	Outage bool
}

// ErrTimeUp is the cause of the end of Run's context when the venue has not done in time what was to be done: what it has not
// answered by then it need not be waited for.
var ErrTimeUp = errors.New("connector: the time for an orderly end is over")

// Connector is the connection to one venue.
type Connector interface {
	// Register subscribes an instrument. The host calls it once per instrument; the connector itself subscribes
	// again after a reconnect.
	Register(inst Instrument)
	// Submit, Cancel and Modify send the request that o.Req names. For Modify, o has the new price and quantity.
	// The host has validated o and calls in the order of the bot's requests.
	Submit(o Order)
	Cancel(o Order)
	Modify(o Order)
	// Run connects and works until ctx ends or, for recorded data, the data ends; both return nil. Any other end is
	// an error that the host reports as critical. Where ctx ends by ErrTimeUp, Run waits for nothing any more.
	Run(ctx context.Context, sink Sink, clock Clock) error
}

// OpenOrder is an order whose end a connector does not know yet, as its record has it.
type OpenOrder struct {
	Order
	// ClientID is the venue's name of it that this runner chose, VenueID the venue's own; empty while unknown or where there is none.
	ClientID, VenueID string
	// Symbol is that of an order on a symbol that is not registered, which an earlier run has left; empty otherwise. Its InstrumentNo
	// is below -1 and stands for the symbol in Cancel only: no update tells of the order, and its TickSize is not the venue's.
	Symbol string
}

// OrderKeeper is implemented by connectors that keep a record of the orders at the venue.
type OrderKeeper interface {
	// OpenOrders returns this runner's orders whose end is not known, those whose submission was not answered included. Any
	// goroutine may call it, also when Run has ended: then it says what was left.
	OpenOrders() []OpenOrder
}

// Accountant is implemented by an OrderKeeper that has to ask its venue what earlier runs have left there.
type Accountant interface {
	// Unaccounted returns the instruments whose open orders the venue has not told since Run began, and whether it still may; -1
	// stands for all symbols that are not registered.
	// Any goroutine may call it, also when Run has ended.
	Unaccounted() (instruments []int, coming bool)
}

// Sink takes everything a connector has to say.
type Sink interface {
	// Feed publishes the events of one message as one batch. The events are copied before it returns. They are rows that
	// a plain book can apply: no hft.DepthBBOEvent, and no crossed book when the batch ends.
	Feed(instrumentNo int, events []hft.Event)
	// Order reports an order's new state to its owner.
	Order(u *OrderUpdate)
	// Position reports the account's position.
	Position(instrumentNo int, qty float64, exchTimestampNs int64)
	// Account reports what the venue did to the account. Each event is reported once.
	Account(e *AccountEvent)
	// Error reports an error event.
	Error(e *Error)
	// Ready says that the instrument's book is complete and follows the venue.
	Ready(instrumentNo int)
	// Stale says that the instrument's book is not to be trusted: it is cleared and stays empty until fed again.
	Stale(instrumentNo int, reason string)
	// Count adds to the connector's counters, which the summary and the metrics show.
	Count(c Counter, n uint64)
}

// Counter is something a connector counts.
type Counter uint8

// Counters.
const (
	// Messages received from the venue.
	Messages Counter = iota
	// BadMessages that could not be decoded.
	BadMessages
	// Gaps in the sequence of a feed.
	Gaps
	// Reconnects after a lost connection.
	Reconnects
	// StoppedStreams are books that were given up because their stream brought nothing while the venue's book had moved on.
	StoppedStreams
	// NumCounters is the number of counters.
	NumCounters
)

// Clock is a connector's time: wall clock for a venue, its own for recorded data. Code of a connector asks it and
// never time.Now, so that a test or a replay can drive it.
type Clock interface {
	// NowNs returns the time that the bots see too.
	NowNs() int64
	// WaitUntil returns when the clock shows timestampNs, when wake has something (which it takes), or with ctx's
	// error when ctx ends. It returns the time then, at most timestampNs. A stepped clock is moved by this call: it
	// goes on only when every bot has processed everything, and stops on the way at each time that a bot waits for;
	// it stands still while the connector waits for math.MaxInt64, which stands for never. A Timeliner's first call returns when the
	// strategies are up; a venue waits for none of them.
	WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (nowNs int64, err error)
}

// JumpWatcher is implemented by a Clock that notices when the machine's time jumps: it was suspended, or somebody set the
// wall clock. Who has measured another clock, or keeps a connection, looks at it now and then.
type JumpWatcher interface {
	// Jumps returns how often that was noticed, for how long the machine was suspended in all, by which NowNs went on, and by
	// how much the wall clock was set in all, which NowNs did not follow.
	Jumps() (n uint64, suspended, set time.Duration)
}

// Timeline describes the clock of a connector.
type Timeline struct {
	// StartNs is what the clock shows when the connector starts, 0 for the wall clock.
	StartNs int64
	// Rate is how fast time passes against the wall clock.
	Rate float64
	// Stepped says that time passes only as the connector's WaitUntil moves it: as fast as the bots can follow,
	// without losing an event. Rate is not used.
	Stepped bool
}

// Timeliner is implemented by connectors that bring their own time.
type Timeliner interface {
	// Timeline is asked once, before Run.
	Timeline() Timeline
}
