package connector

import "github.com/hftrunner/hftrunner/hft"

// Past holds what the host's journal knows of an instrument from earlier runs.
type Past struct {
	InstrumentNo int
	// Orders are those not known to be over. Their sums count as told: of their executions only what is more is
	// reported.
	Orders []PastOrder
	// ReadNs is the venue's time up to which all executions on the instrument are reported, 0 when nothing is known of
	// that. Those of Booked are reported besides, and so has everything up to ForgottenNs.
	ReadNs, ForgottenNs int64
	Booked              []PastExecution
	// Number is that of the newest client id.
	Number uint64
	// EventsSinceNs is the time since which account events are reported; 0 for those of this run only.
	EventsSinceNs int64
}

// PastOrder is an order of an earlier run.
type PastOrder struct {
	// Order is the order as its bot knew it.
	Order
	// RequestedNs is the time of its submission, 0 where that is not known.
	RequestedNs int64
	// Origin is its first client id, ClientIDs are all that it may go by.
	Origin    string
	ClientIDs []string
	// Legs are the orders at the venue that it has been, the present one last. There is none while the venue has not
	// shown it.
	Legs []PastLeg
	// Terms are the requested ones, the oldest first. Amendment is the client id that the last of them
	// gives the order, where that is an amendment whose outcome is not known.
	Terms     []PastTerms
	Amendment string
}

// PastLeg is one order at the venue: what of it was executed and what that is worth, in quote currency.
type PastLeg struct {
	ClientID, VenueID string
	Executed, Value   float64
	// Assumed is the part of Executed the venue has not reported as executions. Unpriced says that Value is not that of
	// all.
	Assumed  float64
	Unpriced bool
}

// PastTerms are a price and the quantity of a whole order.
type PastTerms struct {
	PriceTick int64
	Qty       float64
}

// PastExecution is an execution that has been reported. ID is empty for one that was assumed, of the order that goes by
// ClientID.
type PastExecution struct {
	ID, ClientID string
	Side         hft.Side
	Qty          float64
	PriceTick    int64
	VenueNs      int64
}

// Recoverer is implemented by connectors to venues, where orders and executions go on while no runner is there.
type Recoverer interface {
	// Recover hands over what is known of an instrument, before its Register or before Run. What has become of it is
	// reported to the Sink like everything else, and when that is over Journaler.ExecutionsRead is called.
	Recover(p Past)
	// RecoverIDs hands over the number of the newest client id that was used, before Run. An order with the client id of
	// this runner's that it cannot have sent by that is another's: it is neither taken nor canceled, and is reported as
	// OtherRunner. With takeOver all orders that are older than this run are this runner's.
	RecoverIDs(newest uint64, takeOver bool)
}

// Sent is a request that is about to be sent to the venue: a submission or an amendment. Order has the price and
// quantity that are asked for, the quantity being that of the whole order.
type Sent struct {
	Order
	// Origin is the order's first client id, ClientID the present one, NewClientID the one that an amendment may give
	// it. Number is that of the newest of them.
	Origin, ClientID, NewClientID string
	Number                        uint64
}

// Answer is the venue's answer to a request, by the way on which it was sent. Order.Req says which request, the rest of
// Order is as it was asked for.
type Answer struct {
	Order
	// Origin and ClientID are as in Sent. VenueID and VenueNs are empty where the answer does not tell.
	Origin, ClientID, VenueID string
	VenueNs                   int64
	Outcome                   AnswerOutcome
	// Code and Reason are those of a refusal, and of an answer that there was not.
	Code   int64
	Reason string
}

// AnswerOutcome is the outcome of a request.
type AnswerOutcome uint8

// Outcomes of a request.
const (
	// AnswerAccepted: the venue has taken the request.
	AnswerAccepted AnswerOutcome = 1
	// AnswerRefused: it has not, or the request was not sent.
	AnswerRefused AnswerOutcome = 2
	// AnswerUnknown: there was no answer, or it cannot be read.
	AnswerUnknown AnswerOutcome = 3
)

// Journaler is implemented by a Sink that keeps a journal.
type Journaler interface {
	// Sent notes a request before its bytes leave. With an error it must not be sent.
	Sent(s *Sent) error
	// Answered notes the answer to a submission, an amendment or a cancel, before what follows from it is reported.
	Answered(a *Answer)
	// ExecutionsRead notes that all executions on an instrument up to the venue's time are reported, and all account
	// events up to eventsNs, 0 where the venue does not list those.
	ExecutionsRead(instrumentNo int, untilNs, eventsNs int64)
	// Unrecoverable notes that nothing can be known of an instrument, because it cannot be traded.
	Unrecoverable(instrumentNo int)
}
