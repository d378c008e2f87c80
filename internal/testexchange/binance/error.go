package binance

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Error is a refusal as the venue words it.
type Error struct {
	// Status is the HTTP status, 400 when 0.
	Status int `json:"-"`
	// Code and Msg are the body.
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	// Data is the rest of the body.
	Data any `json:"data,omitempty"`
	// Body, when not empty, is sent instead of Code and Msg, as HTML.
	Body string `json:"-"`
	// RetryAfter goes into the header of that name.
	RetryAfter time.Duration `json:"-"`
	// Abort closes the connection without an answer.
	Abort bool `json:"-"`
}

// Error returns code and text.
func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Msg) }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// Refusals that both venues word alike.
func errMandatory(name string) *Error {
	return &Error{Code: -1102, Msg: "Mandatory parameter '" + name + "' was not sent, was empty/null, or malformed."}
}

// ErrMalformed is a parameter that cannot be read.
func ErrMalformed(name string) *Error { return errMandatory(name) }

// ErrSymbol is a symbol that the venue does not have.
func ErrSymbol() *Error { return &Error{Code: -1121, Msg: "Invalid symbol."} }

// ErrUnknownOrder refuses a cancel, ErrNoSuchOrder a query.
func ErrUnknownOrder() *Error { return &Error{Code: -2011, Msg: "Unknown order sent."} }

// ErrNoSuchOrder refuses a query.
func ErrNoSuchOrder() *Error { return &Error{Code: -2013, Msg: "Order does not exist."} }

func errTooManyRequests(status int, ip string, limit int, retry time.Duration) *Error {
	text := "Too many requests; current limit of IP(" + ip + ") is " + strconv.Itoa(limit) +
		" requests per minute. Please use the websocket for live updates to avoid polling the API."
	if status == http.StatusTeapot {
		text = "Way too many requests; IP(" + ip +
			") banned until the time in Retry-After. Please use the websocket for live updates to avoid bans."
	}
	return &Error{Status: status, Code: -1003, Msg: text, RetryAfter: retry}
}

func errTooManyOrders(limit int, interval string, retry time.Duration) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: -1015, RetryAfter: retry,
		Msg: "Too many new orders; current limit is " + strconv.Itoa(limit) + " orders per " + interval + "."}
}
