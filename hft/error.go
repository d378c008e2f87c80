package hft

import (
	"errors"
	"fmt"
)

// What a BotError's Code says. Codes from 10 are the numbers hftbacktest hands to Python.
const (
	codeInstrumentNotFound = 1
	codeTimeout            = 2
	codeInterrupted        = 3
	codeCustom             = 4
	codeRequestQueueFull   = 5 // ours
	codePeerGone           = 6 // ours

	codeOrderIDExist          = 10
	codeOrderRequestInProcess = 11
	codeOrderNotFound         = 12
	codeInvalidOrderRequest   = 13
	codeInvalidOrderStatus    = 14
	codeEndOfData             = 15
	codeData                  = 100
)

var botErrorTexts = [...]string{
	codeInstrumentNotFound:    "instrument not found",
	codeTimeout:               "timed out",
	codeInterrupted:           "interrupted",
	codeCustom:                "error",
	codeRequestQueueFull:      "request queue is full",
	codePeerGone:              "peer is gone",
	codeOrderIDExist:          "order id already exists",
	codeOrderRequestInProcess: "an order request is in process",
	codeOrderNotFound:         "order not found",
	codeInvalidOrderRequest:   "invalid order request",
	codeInvalidOrderStatus:    "invalid order status",
	codeEndOfData:             "end of data",
	codeData:                  "data error",
}

// BotError is what Bot methods return (BotError, BacktestError). errors.Is compares the cause, so
// errors.Is(err, hft.ErrOrderNotFound) holds for any message; errors.As gives the value.
type BotError struct {
	// Code is the cause as a number.
	Code uint8
	// Msg adds detail; it may be empty.
	Msg string
}

// Error returns cause and detail.
func (e *BotError) Error() string {
	text := fmt.Sprintf("bot error %d", e.Code)
	if int(e.Code) < len(botErrorTexts) && botErrorTexts[e.Code] != "" {
		text = botErrorTexts[e.Code]
	}
	if e.Msg == "" {
		return text
	}
	if e.Code == codeCustom {
		return e.Msg
	}
	return text + ": " + e.Msg
}

// Is reports whether target is a BotError of the same cause.
func (e *BotError) Is(target error) bool {
	t, ok := target.(*BotError)
	return ok && t.Code == e.Code
}

// CustomError returns a BotError that is its message (BotError::Custom).
func CustomError(msg string) error { return &BotError{Code: codeCustom, Msg: msg} }

// Errors to compare with; they are also what the hot path returns, so that it allocates nothing.
var (
	// ErrInstrumentNotFound: no such asset number.
	ErrInstrumentNotFound error = &BotError{Code: codeInstrumentNotFound}
	// ErrTimeout: no answer in the time allowed.
	ErrTimeout error = &BotError{Code: codeTimeout}
	// ErrInterrupted: the strategy is to stop.
	ErrInterrupted error = &BotError{Code: codeInterrupted}
	// ErrRequestQueueFull: the host has not taken the earlier requests yet; nothing was sent.
	ErrRequestQueueFull error = &BotError{Code: codeRequestQueueFull}
	// ErrPeerGone: the host or the bot at the other end of the channel is gone.
	ErrPeerGone error = &BotError{Code: codePeerGone}
	// ErrOrderIDExist: the order id is in use.
	ErrOrderIDExist error = &BotError{Code: codeOrderIDExist}
	// ErrOrderRequestInProcess: a request for that order is in flight.
	ErrOrderRequestInProcess error = &BotError{Code: codeOrderRequestInProcess}
	// ErrOrderNotFound: no such order.
	ErrOrderNotFound error = &BotError{Code: codeOrderNotFound}
	// ErrInvalidOrderRequest: the request's values are not acceptable.
	ErrInvalidOrderRequest error = &BotError{Code: codeInvalidOrderRequest}
	// ErrInvalidOrderStatus: the order's status does not allow it.
	ErrInvalidOrderStatus error = &BotError{Code: codeInvalidOrderStatus}
	// ErrEndOfData: recorded data has ended; everything up to the end has been processed.
	ErrEndOfData error = &BotError{Code: codeEndOfData}
	// ErrData: the data could not be read.
	ErrData error = &BotError{Code: codeData}
)

// Ended reports whether err, of a waiting call, says that the strategy has come to its end and nothing is wrong: it is
// to stop (ErrInterrupted), or recorded data has ended (ErrEndOfData).
func Ended(err error) bool { return errors.Is(err, ErrInterrupted) || errors.Is(err, ErrEndOfData) }

// BuildErrorKind is the cause of a BuildError, as text.
type BuildErrorKind string

// Causes of a BuildError.
const (
	// BuilderIncomplete: What is required and was not given.
	BuilderIncomplete BuildErrorKind = "builder is incomplete"
	// InvalidArgument: What is not acceptable.
	InvalidArgument BuildErrorKind = "invalid argument"
	// Duplicate: What was given twice or is already in use.
	Duplicate BuildErrorKind = "duplicate"
	// ConnectorNotFound: there is no connector of the name What.
	ConnectorNotFound BuildErrorKind = "connector not found"
)

// BuildError is why a bot could not be built (BuildError). errors.Is compares Kind, and What when the target has it.
type BuildError struct {
	Kind BuildErrorKind
	// What names the argument, instrument, bot id or connector.
	What string
}

// Error returns cause and subject.
func (e *BuildError) Error() string {
	if e.What == "" {
		return string(e.Kind)
	}
	return string(e.Kind) + ": " + e.What
}

// Is reports whether target is a BuildError of the same kind and, if target names one, the same subject.
func (e *BuildError) Is(target error) bool {
	t, ok := target.(*BuildError)
	return ok && t.Kind == e.Kind && (t.What == "" || t.What == e.What)
}

// ErrorKind is the cause of a LiveError (ErrorKind).
type ErrorKind uint8

// Causes of a LiveError.
const (
	// ConnectionInterrupted: the venue's connection is down; the connector reconnects.
	ConnectionInterrupted ErrorKind = 1
	// CriticalConnectionError: the venue cannot be used any more without intervention.
	CriticalConnectionError ErrorKind = 2
	// OrderError: a request about an order was refused or failed.
	OrderError ErrorKind = 3
	// CustomKind: Code says which (ErrorKind::Custom).
	CustomKind ErrorKind = 4
)

// String returns the kind's name.
func (k ErrorKind) String() string {
	switch k {
	case ConnectionInterrupted:
		return "ConnectionInterrupted"
	case CriticalConnectionError:
		return "CriticalConnectionError"
	case OrderError:
		return "OrderError"
	case CustomKind:
		return "Custom"
	}
	return fmt.Sprintf("ErrorKind(%d)", uint8(k))
}

// Codes of LiveErrors of CustomKind that the runner itself sends; a connector's own codes are positive.
const (
	// CodeFeedLost: the bot was too slow, Value is the number of feed events lost; its books are being rebuilt.
	CodeFeedLost int64 = -1
	// CodeStale: the instrument's feed is silent or out of sync, Value says why; its book is empty until it is back.
	CodeStale int64 = -2
	// CodeAccount: the venue did something to the account on its own, such as a liquidation; Value says what. Position
	// and StateValues contain it already.
	CodeAccount int64 = -3
)

// LiveError is an error event: something that went wrong outside of the bot (LiveError). It is handed to the error
// handler.
type LiveError struct {
	Kind ErrorKind
	// Code tells errors of CustomKind apart.
	Code int64
	// Connector is the name of the connector it came from, empty for the runner itself.
	Connector string
	// AssetNo is the instrument it is about, AllAssets when it is about the connector.
	AssetNo int
	// OrderID is the order it is about, 0 when none.
	OrderID uint64
	// Val carries what the venue or connector said.
	Val Value
}

// NewLiveError returns an error event without a value (LiveError::new).
func NewLiveError(kind ErrorKind) LiveError { return LiveError{Kind: kind, AssetNo: AllAssets} }

// LiveErrorWith returns an error event with a value (LiveError::with).
func LiveErrorWith(kind ErrorKind, value Value) LiveError {
	return LiveError{Kind: kind, AssetNo: AllAssets, Val: value}
}

// CustomLiveError returns an error event of kind Custom(code).
func CustomLiveError(code int64, value Value) LiveError {
	return LiveError{Kind: CustomKind, Code: code, AssetNo: AllAssets, Val: value}
}

// Value returns what the venue or connector said (LiveError::value).
func (e LiveError) Value() Value { return e.Val }

// Error describes the event in one line, so that a LiveError can be returned as an error.
func (e LiveError) Error() string {
	s := e.Kind.String()
	if e.Kind == CustomKind {
		s = fmt.Sprintf("Custom(%d)", e.Code)
	}
	if e.Connector != "" {
		s += " connector " + e.Connector
	}
	if e.AssetNo != AllAssets {
		s += fmt.Sprintf(" asset %d", e.AssetNo)
	}
	if e.OrderID != 0 {
		s += fmt.Sprintf(" order %d", e.OrderID)
	}
	if text := e.Val.String(); text != "" {
		s += ": " + text
	}
	return s
}
