package linear

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// action is what a request does, which some codes are read by.
type action uint8

const (
	queryAction action = iota
	placeAction
	amendAction
	cancelAction
)

// Codes that are handled apart from causeOf.
const (
	codeRate      = 10006
	codeIPRate    = 10403
	codeOldIPRate = 10018
	codeLoggedOn  = 20001
	codeFrequent  = 20003
	codeBadSign   = 10004
	codeRestarted = 10019
)

// forbiddenPause is how long the venue wants no requests from an address that made too many, where it does not say how
// long.
const forbiddenPause = 10 * time.Minute

// causeOf maps a code of the venue (retCode), of REST and of the trade connection alike. A code that is not known says
// something about the order when it is one of the trading codes, and leaves open what has happened otherwise.
func causeOf(code int, a action) protocol.Cause {
	switch code {
	case 10002:
		return protocol.ClockOff
	case 10003, codeBadSign, 10005, 10007, 10008, 10010, 10024, 10027, 33004:
		return protocol.Key
	case codeRate, codeFrequent:
		return rateCause(a)
	case 10009:
		return protocol.Banned
	case codeOldIPRate, codeIPRate:
		return protocol.Weight
	case codeRestarted, 10429:
		return protocol.Overloaded
	}
	return orderCause(code, a)
}

// orderCause is causeOf of the codes that say something about the order.
func orderCause(code int, a action) protocol.Cause {
	switch code {
	case 10001:
		// The venue has this code, too, for an amendment to what the order is already.
		if a == amendAction {
			return protocol.NoChange
		}
		return protocol.Refused
	case 10017, 10029, 10404, 20006:
		return protocol.Refused
	case 110001, 110008, 110010:
		if a == queryAction {
			return protocol.NotFound
		}
		return protocol.Gone
	case 110043, 110064:
		return protocol.NoChange
	case 110072:
		return protocol.DuplicateID
	case 110079:
		// The order is being worked on: an amendment was not made, a cancel is to be tried again.
		if a == amendAction {
			return protocol.NoChange
		}
		return protocol.Overloaded
	}
	if code/1000 == 110 {
		return protocol.Refused
	}
	return protocol.Unknown
}

// refusal is the failure for a code. resetNs is when the venue says that the limit is reset, in its clock, 0 when it
// did not.
func (p *Protocol) refusal(code int, msg string, a action, resetNs int64) *protocol.Failure {
	f := &protocol.Failure{Cause: causeOf(code, a), Code: code, Msg: p.clean(msg)}
	switch code {
	case codeRate, codeFrequent, codeOldIPRate, codeIPRate:
		f.RetryAt = p.after(time.Second) // limits are by the second
		if resetNs > 0 {
			f.RetryAt = p.localTime(resetNs)
		}
	}
	return f
}

// clean makes the venue's text fit for logs: the one about a wrong signature repeats what was signed, the key included.
func (p *Protocol) clean(msg string) string {
	const most = 200
	if p.config.APIKey != "" {
		msg = strings.ReplaceAll(msg, p.config.APIKey, "KEY")
	}
	if len(msg) > most {
		msg = strings.ToValidUTF8(msg[:most], "") + "..."
	}
	return msg
}

// statusFailure is the failure for an HTTP status whose body says nothing more.
func (p *Protocol) statusFailure(status int, header http.Header, body []byte) *protocol.Failure {
	f := &protocol.Failure{Cause: protocol.Unknown, Status: status,
		Msg: p.clean(fmt.Sprintf("HTTP %d %s: %s", status, http.StatusText(status), excerpt(body)))}
	pause := time.Duration(0)
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 && seconds <= 7*24*3600 {
		pause = time.Duration(seconds) * time.Second
	}
	switch {
	case status == http.StatusForbidden, status == http.StatusTeapot:
		f.Cause = protocol.Banned
		f.Msg += ": too many requests from this IP address, or the venue does not serve its country"
		if pause > 0 {
			f.RetryAt = p.after(pause)
		}
	case status == http.StatusUnauthorized:
		f.Cause = protocol.Key
	case status == http.StatusTooManyRequests:
		f.Cause, f.RetryAt = protocol.Weight, p.after(max(pause, time.Second))
	case status >= 300 && status < 500 && status != http.StatusRequestTimeout:
		f.Cause = protocol.Refused
	}
	return f
}

// transportFailure is the failure for a request without an answer. One that found no connection was not executed.
func transportFailure(err error) *protocol.Failure {
	f := &protocol.Failure{Cause: protocol.Unknown, Msg: "no answer", Err: err}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		f.Cause, f.Msg = protocol.Unreached, "nothing was sent"
	}
	return f
}
