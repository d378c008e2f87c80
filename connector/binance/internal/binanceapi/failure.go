package binanceapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Causes is a venue's table of its own error codes; ok is false for a code that it says nothing about. The codes that
// both venues have in common need not be in it.
type Causes func(code int, msg string) (cause protocol.Cause, ok bool)

// sharedCause says what the codes mean that both venues have in common.
func sharedCause(code int) (cause protocol.Cause, ok bool) {
	switch code {
	case -1000, -1001, -1006, -1007: // unknown, disconnected, unexpected response, timeout
		return protocol.Unknown, true
	case -1003, -1034: // too many requests, too many connections
		return protocol.Weight, true
	case -1008:
		return protocol.Overloaded, true
	case -1015:
		return protocol.OrderRate, true
	case -1021:
		return protocol.ClockOff, true
	// unauthorized, signature, not authenticated, key format, key or address or permission
	case -1002, -1022, -1099, -2014, -2015:
		return protocol.Key, true
	case -2011:
		return protocol.Gone, true
	case -2013:
		return protocol.NotFound, true
	}
	return protocol.Unknown, false
}

// Details complete the failure that a refusal becomes by the data that it carries. They are called only when it has
// some.
type Details func(f *protocol.Failure, data Value)

// CauseOf says what an error code means, by the venue's own table first; Unknown for a code that is in none.
func CauseOf(code int, msg string, causes Causes) protocol.Cause {
	if cause, ok := causes(code, msg); ok {
		return cause
	}
	cause, _ := sharedCause(code)
	return cause
}

// causeOf says what a refusal means. status is the HTTP status, or the one that a reply of the WebSocket API has in its
// place; code is 0 when the venue gave none.
func causeOf(status, code int, msg string, causes Causes) protocol.Cause {
	switch {
	case status == http.StatusTeapot:
		return protocol.Banned
	case status == http.StatusServiceUnavailable && msg == "Service Unavailable.":
		// One of the status's two texts, whatever the code; the other one says that the outcome is not known.
		return protocol.Overloaded
	}
	if code != 0 {
		cause, known := causes(code, msg)
		if !known {
			cause, known = sharedCause(code)
		}
		if known && cause == protocol.Weight && strings.Contains(msg, "banned until") {
			return protocol.Banned
		}
		// of what is in front of the WebSocket API, which has no code for it
		if code == -1000 && status == http.StatusForbidden {
			return protocol.Banned
		}
		if known && (status != http.StatusTooManyRequests || cause == protocol.OrderRate) {
			return cause
		}
	}
	return statusCause(status)
}

// statusCause says what an HTTP status means that comes without a code, or with one that leaves it open.
func statusCause(status int) protocol.Cause {
	switch status {
	case http.StatusTooManyRequests:
		return protocol.Weight
	case http.StatusForbidden: // a firewall in front of the venue
		return protocol.Banned
	case http.StatusUnauthorized, http.StatusUnavailableForLegalReasons:
		return protocol.Key
	case http.StatusRequestTimeout:
		return protocol.Unknown
	}
	if status >= 300 && status < 500 {
		return protocol.Refused
	}
	return protocol.Unknown
}

// bannedUntil finds the time in a text such as "... banned until 1700000000000. Please ...".
func (s *Signer) bannedUntil(msg string) time.Time {
	_, rest, found := strings.Cut(msg, "banned until ")
	if !found {
		return time.Time{}
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	ms, err := strconv.ParseInt(rest[:end], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return s.told(ms)
}

// maxMsg is how much of a venue's text is kept.
const maxMsg = 300

// clip makes a venue's text fit to be shown: one line, not too long.
func clip(msg string) string {
	if len(msg) > maxMsg {
		msg = msg[:maxMsg] + "..."
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, msg), "?")
}

// refusal makes the failure of an answer that is no success. A wait that it says goes before a time, which needs the
// same clock.
func (s *Signer) refusal(status, code int, msg string, causes Causes, retryAt time.Time) *protocol.Failure {
	if retryAt.IsZero() {
		retryAt = s.bannedUntil(msg)
	}
	return &protocol.Failure{Cause: causeOf(status, code, msg, causes), Code: code, Msg: clip(msg), RetryAt: retryAt}
}

// lost is the failure of a request whose outcome nobody knows.
func lost(err error) *protocol.Failure { return &protocol.Failure{Cause: protocol.Unknown, Err: err} }

// unsent is the failure of a request that the venue has not got.
func unsent(err error) *protocol.Failure {
	return &protocol.Failure{Cause: protocol.Unreached, Err: err}
}

// errNoKey is the failure of a request that needs a key which there is not.
func errNoKey() *protocol.Failure {
	return &protocol.Failure{Cause: protocol.Key,
		Msg: "this needs a key and its secret: set them in the connector's block"}
}
