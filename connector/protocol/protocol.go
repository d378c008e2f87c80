package protocol

import (
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Protocol is how to speak to one venue: what its package implements. It keeps no orders, books or subscriptions; that
// is Connector's. Methods that take a context are called from several goroutines, block until the venue has answered,
// and return a *Failure when it has refused or not answered; the streams' functions are called by one goroutine each.
type Protocol interface {
	// ServerTimeNs asks for the venue's clock.
	ServerTimeNs(ctx context.Context) (int64, error)
	// NowNs returns the local clock, by which requests are signed and Failure.RetryAt is said. The venue's is measured
	// against it, so that there is no other.
	NowNs() int64
	// SetClockOffset sets what is added to NowNs in signed requests.
	SetClockOffset(offset time.Duration)
	// Filters returns the steps and limits of symbols.
	Filters(ctx context.Context, symbols []string) ([]Filters, error)
	// Permissions looks at the key: what it may do, the account's modes.
	Permissions(ctx context.Context) ([]connector.Finding, error)

	// MarketStreams returns the connections that bring the market data of symbols.
	MarketStreams(symbols []string) []Stream
	// NewDecoder returns a decoder of the market streams' messages, one for each connection. A trade's FirstID and
	// LastID are the first and last of its ids, by which, and by its TradeKey, a message that two connections have
	// brought is told.
	NewDecoder() connector.Decoder
	// Snapshot asks for a full book and returns the reply as it came, for a decoder. Venues whose stream brings
	// snapshots return ErrResubscribe.
	Snapshot(ctx context.Context, symbol string) ([]byte, error)

	// UserStream prepares a private stream, with whatever has to be asked for first, and returns it.
	UserStream(ctx context.Context) (Stream, error)
	// DecodeUser decodes a message of the private stream and hands what it says to the sink.
	DecodeUser(frame []byte, sink UserSink) error

	// Place, Amend and Cancel send a request and return the venue's acknowledgement, which may be empty where the
	// outcome only comes by the private stream. Amend returns both a report and an error where the venue has canceled
	// the order and refused the one that was to take its place: the report is about the canceled one, the error about
	// the other.
	Place(ctx context.Context, o *Order) (Report, error)
	Amend(ctx context.Context, o *Order) (Report, error)
	Cancel(ctx context.Context, o *Order) (Report, error)
	// QueryOrder asks for one order.
	QueryOrder(ctx context.Context, o *Order) (Report, error)
	// OpenOrders lists the open orders on a symbol, those of others included.
	OpenOrders(ctx context.Context, symbol string) (OpenList, error)
	// Executions lists the executions on a symbol since a time, oldest first, for a time of 0 or less those of about a
	// week. Of a long list it returns the first part, and *More. Where it fails it returns nothing.
	Executions(ctx context.Context, symbol string, sinceNs int64) ([]Report, error)
	// Positions returns the position of symbols; a venue without positions returns none. What is wrong with one symbol
	// only is the Err of its position.
	Positions(ctx context.Context, symbols []string) ([]Position, error)
	// Balances returns the account's balances.
	Balances(ctx context.Context) ([]Balance, error)
	// ArmDeadMan makes the venue cancel all orders on a symbol after window unless it is called again; 0 disarms it.
	// Venues that have no such thing return ErrUnsupported.
	ArmDeadMan(ctx context.Context, symbol string, window time.Duration) error

	// Close ends connections that the protocol holds for order entry.
	Close() error
}

// Hanger is implemented by a Protocol whose Close says goodbye on such connections, for which a venue may take its
// time.
type Hanger interface {
	// HangUp ends them at once, so that Close waits for nothing.
	HangUp()
}

// Order is a request about one order, as it goes to the venue.
type Order struct {
	Symbol   string
	ClientID string
	// NewClientID is, for Amend, the client id of the order that takes the place of this one where the venue replaces
	// orders; empty for ClientID. The report says by which id the order goes on.
	NewClientID string
	// VenueID is the venue's id of the order, empty while it is not known.
	VenueID string
	Side    hft.Side
	OrdType hft.OrdType
	// TimeInForce is of a limit order.
	TimeInForce hft.TimeInForce
	// Price and Qty are decimal texts with the instrument's decimals. For Amend they are the new ones, Qty the whole
	// order's: what is executed and what is to stay open.
	Price, Qty string
	// PrevPrice, PrevQty and CumQty are what an amended order is so far.
	PrevPrice, PrevQty, CumQty string
	// PriorQty is, for Amend, what was executed of orders that this one has replaced. Qty, PrevQty and CumQty include
	// it; the venue, to which it is another order, does not. Empty for none.
	PriorQty string
	// Ended reports, for Cancel, whether the order has ended meanwhile by the private stream, so that a cancel without
	// an answer need not go another way; nil for never.
	Ended func() bool
}

// Filters are the venue's rules for one instrument. Limits that the venue does not have are 0.
type Filters struct {
	Symbol                string  `json:"symbol"`
	Trading               bool    `json:"trading"`
	TickSize              float64 `json:"tick_size"`
	LotSize               float64 `json:"lot_size"`
	MinQty                float64 `json:"min_qty"`
	MaxQty                float64 `json:"max_qty"`
	MinNotional           float64 `json:"min_notional"`
	BaseAsset, QuoteAsset string  `json:"-"`
	// Spot says that the base asset itself is traded: the position is a balance, and a fee in the base asset lowers it.
	Spot bool `json:"-"`
}

// Position is the account's position on one instrument.
type Position struct {
	Symbol      string
	Qty         float64 // negative when short
	TimestampNs int64
	// Err says why there is no such thing as the position, as in hedge mode; nil otherwise. The instrument takes no new
	// orders then.
	Err error
}

// Balance is what the account has of one asset.
type Balance struct {
	Asset        string
	Free, Locked float64
	// TimestampNs is the venue's time of it, 0 where it is not told; needed on spot, where a balance is a position.
	TimestampNs int64
}

// BatchCanceler is an optional interface of a Protocol whose venue cancels several orders with one request.
type BatchCanceler interface {
	// MaxCancels is how many orders one request may name.
	MaxCancels() int
	// CancelBatch cancels orders of one symbol and returns, in their order, what Cancel would return for each. An error
	// says that there was no answer for any of them.
	CancelBatch(ctx context.Context, orders []*Order) ([]Outcome, error)
}

// Outcome is what became of one of several orders.
type Outcome struct {
	Report Report
	Err    error
}

// Sweeper is an optional interface of a Protocol whose venue ends all orders on a symbol quicker than one by one or
// batch by batch.
type Sweeper interface {
	// CancelAll cancels every order of the account on a symbol, also those of others, and returns what the answer tells
	// of them, which may be nothing. That there is none is not an error.
	CancelAll(ctx context.Context, symbol string) ([]Report, error)
}

// Lister is an optional interface of a Protocol whose venue lists orders that are over.
type Lister interface {
	// RecentOrders lists the newest orders on a symbol, whatever has become of them. Of what is said twice the last
	// counts.
	RecentOrders(ctx context.Context, symbol string) ([]Report, error)
}

// AllLister is an optional interface of a Protocol whose venue lists the open orders on all symbols. It is asked at the
// start and after the private stream was down: what an earlier run has left on a symbol that is not registered is seen
// by this only.
type AllLister interface {
	// AllOpenOrders lists the account's open orders on all symbols, those of others included. With an error it has
	// those that were told.
	AllOpenOrders(ctx context.Context) (OpenList, error)
}

// OpenList are open orders of an account. A row that cannot be read does not hide the others: it is in Unread.
type OpenList struct {
	Orders []Report
	Unread []UnreadRow
}

// UnreadRow is a row of a list that cannot be read.
type UnreadRow struct {
	// ClientID and Symbol are empty where the row has none. Nameless says that its client id is missing or cannot be
	// read, so that the order may be anybody's.
	ClientID, Symbol string
	Nameless         bool
	Err              error
}

// Peeker is an optional interface of a Protocol whose venue tells the best levels of a book cheaply. Without it the
// silence of one book is not noticed while its connection lives.
type Peeker interface {
	// Peek asks for the best levels of each side, best first, and stores them in m, as a MessageSnapshot whose Seq can
	// be compared with those of the stream.
	Peek(ctx context.Context, symbol string, m *connector.Message) error
}

// Noticer is an optional interface of a Protocol whose venue announces on a market stream that it is about to close the
// connection.
type Noticer interface {
	// Notice looks at a message of a market stream that the decoder has ignored, and returns why the stream has to be
	// renewed; empty when it does not. It may be called by several goroutines.
	Notice(frame []byte) (reason string)
}

// Resubscriber is an optional interface of a Protocol whose venue sends a book anew when its symbol is subscribed anew
// on the connection that is there: the other symbols on it are not disturbed.
type Resubscriber interface {
	// Resubscribe returns the messages to send, one after the other, on the connections whose MarketStreams has the
	// symbol. That it was refused shows by Notice, if at all; a caller that sees no snapshot asks again after a while.
	Resubscribe(symbol string) [][]byte
}

// Forbidder is an optional interface of a Protocol whose venue says for how long an address that it has refused with
// HTTP 403 must not come back. Streams stay away for a minute otherwise.
type Forbidder interface {
	ForbiddenPause() time.Duration
}

// FeePayer is an optional interface of a Protocol whose accounts may pay fees in assets of the venue's own, such as BNB.
type FeePayer interface {
	// FeeAssets are those assets. Any other is asked for when a fee was paid in it.
	FeeAssets() []string
	// AssetPrice asks for the last price of an asset in a quote asset. A *Failure with the cause Refused says that the
	// two are not traded against each other.
	AssetPrice(ctx context.Context, asset, quote string) (float64, error)
}

// OrderTester is an optional interface of a Protocol whose venue checks an order without placing it.
type OrderTester interface {
	TestOrder(ctx context.Context, o *Order) error
}

// Historian is implemented by a Protocol that can list what its venue did to the account on its own.
type Historian interface {
	// AccountEvents lists settlements of funding and forced closes of all symbols since a time.
	AccountEvents(ctx context.Context, sinceNs int64) ([]connector.AccountEvent, error)
}

// UserSink takes what the private stream says.
type UserSink interface {
	// Order takes a report about an order; r is copied.
	Order(r *Report)
	// Position takes the account's position.
	Position(p Position)
	// Balance takes a balance.
	Balance(b Balance)
	// Account takes what the venue did to the account on its own; the connector fills in InstrumentNo and the fee in quote
	// currency.
	Account(e *connector.AccountEvent)
	// Settled reports that funding was settled which the stream does not describe by symbol: it is asked for.
	Settled()
	// Renew says that the stream is over or about to be, and why: a new one has to be prepared.
	Renew(reason string)
}
