package blotter

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Request is something to ask a venue for.
type Request uint8

// Requests.
const (
	// Place submits an order.
	Place Request = iota
	// Amend changes price and quantity of an order.
	Amend
	// Cancel cancels an order.
	Cancel
	// QueryOrder asks for the state of an order.
	QueryOrder
	// FetchExecutions asks for the executions on a symbol since SinceNs; hand them to Executions. It needs no other answer.
	FetchExecutions
)

// String returns the request's name.
func (r Request) String() string {
	names := [...]string{"submit", "modify", "cancel", "query", "executions"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown request"
}

// Action is a request to send now. FetchExecutions has Request, InstrumentNo, Symbol and SinceNs only.
type Action struct {
	Request      Request
	InstrumentNo int
	Symbol       string
	// ClientID and VenueID identify the order; VenueID is empty while it is not known.
	ClientID, VenueID string
	// NewClientID is, for Amend, the client id that the order which takes the place of this one has to have, at a venue that
	// replaces orders: by it the replacement is known and can be asked about. It is left unused where the order stays itself.
	NewClientID string
	// Origin is the first client id of the order. LocalTimestampNs is when its bot sent its last request for it.
	Origin           string
	LocalTimestampNs int64
	Owner            connector.Owner
	OrderID          uint64
	Side             hft.Side
	OrdType          hft.OrdType
	TimeInForce      hft.TimeInForce
	// PriceTick and Qty are what the order is to have, Qty with what is executed already.
	PriceTick int64
	Qty       float64
	// PrevPriceTick, PrevQty and CumQty are what an order to amend is so far, in the same terms.
	PrevPriceTick   int64
	PrevQty, CumQty float64
	// PriorQty is the part of CumQty that was executed of orders which this one has replaced at the venue.
	PriorQty float64
	// SinceNs is the venue's time from which executions may be missing.
	SinceNs int64
}

// Output takes what a Blotter has to say. Its methods are called within the Blotter's, by the same goroutine; they copy
// what they keep and must not call the Blotter.
type Output interface {
	// Order is connector.Sink's: an order's new state, or an execution.
	Order(u *connector.OrderUpdate)
	// Error is connector.Sink's.
	Error(e *connector.Error)
	// Send sends a request. Every one but FetchExecutions has to be answered once, by Answered or Failed, whatever
	// happens; a request that cannot be sent is answered by Failed after the Blotter's method has returned.
	Send(a *Action)
}

// CodeFillAssumed is the code of error events of kind hft.CustomKind that say that an execution was taken from an
// order's executed quantity, because the venue did not report it by itself.
const CodeFillAssumed int64 = 101

// CodeFeeUnknown is the code of error events of kind hft.CustomKind that say that fees in an asset are not counted.
const CodeFeeUnknown int64 = 102

// CodeStopped is the code of error events of kind hft.CustomKind that say that an instrument takes no new orders because
// the venue says of one what cannot be true, CodeResumed of those that say that it takes them again.
const CodeStopped, CodeResumed int64 = 103, 104

// fail sends an error event about an order.
func (b *Blotter) fail(book *book, owner connector.Owner, orderID uint64, kind hft.ErrorKind, code int64, text string) {
	e := errorOf(book, owner, orderID, kind, code, text)
	b.out.Error(&e)
}

func errorOf(book *book, owner connector.Owner, orderID uint64, kind hft.ErrorKind, code int64, text string) connector.Error {
	e := connector.Error{InstrumentNo: book.inst.No, Owner: owner, LiveError: hft.LiveErrorWith(kind, hft.StringValue(text))}
	e.Code, e.OrderID = code, orderID
	return e
}

// complain sends an OrderError about an entry.
func (b *Blotter) complain(e *entry, code int, text string) {
	b.fail(e.book, e.owner, e.shown.OrderID, hft.OrderError, int64(code), text)
}

// complainOf sends an OrderError about a request that failed; then says what comes of it.
func (b *Blotter) complainOf(e *entry, f *Failure, request Request, then string) {
	out := errorOf(e.book, e.owner, e.shown.OrderID, hft.OrderError, int64(f.Code), f.text(request)+then)
	out.Outage = f.Outage
	b.out.Error(&out)
}

// send sends a request about an entry as it is.
func (b *Blotter) send(e *entry, request Request) {
	b.prepare(e, request)
	b.out.Send(&b.action)
}

// sendFormer asks about a former leg of an entry.
func (b *Blotter) sendFormer(e *entry, l *leg) {
	b.prepare(e, QueryOrder)
	b.action.ClientID, b.action.VenueID = l.clientID, l.venueID
	e.askedFormer = l.venueID
	b.out.Send(&b.action)
}

// prepare makes the action of a request about an entry as it is.
func (b *Blotter) prepare(e *entry, request Request) {
	b.action = Action{Request: request, InstrumentNo: e.book.inst.No, Symbol: e.book.inst.Symbol,
		ClientID: e.now.clientID, VenueID: e.now.venueID, Origin: e.names().Origin,
		LocalTimestampNs: e.shown.LocalTimestampNs, Owner: e.owner, OrderID: e.shown.OrderID,
		Side: e.shown.Side, OrdType: e.shown.OrdType, TimeInForce: e.shown.TimeInForce,
		PriceTick: e.priceTick, Qty: e.book.qty(e.totalLots())}
	if request == QueryOrder {
		if e.suspect || e.absent.times > 0 {
			b.action.VenueID = "" // which may be wrong, while the client id is this side's
		}
		e.askedReplacement = e.end == hft.StatusCanceled && e.amend == uncertain
		if e.askedReplacement {
			b.action.ClientID, b.action.VenueID = e.amendID, ""
		}
	}
	if request == Amend {
		b.action.PriorQty = e.book.qty(e.priorLots())
		b.action.NewClientID = e.amendID
		b.action.PrevPriceTick, b.action.PrevQty, b.action.CumQty = b.action.PriceTick, b.action.Qty, e.book.qty(e.cumLots())
		b.action.PriceTick, b.action.Qty = e.target.priceTick, e.book.qty(e.target.totalLots)
	}
}
