package blotter

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Failure is the outcome of a request that the venue did not acknowledge.
type Failure struct {
	Cause protocol.Cause
	// Code is the venue's, 0 when it had none; Msg the venue's text or what went wrong below.
	Code int
	Msg  string
	// Unreadable says, of Unknown, that there was an answer and that what it says cannot be read or be true.
	Unreadable bool
	// Outage is true while the venue fails as a whole, which is logged separately.
	Outage bool
	// RetryAtNs is when the venue wants to hear again, by the same clock as nowNs, 0 when it did not say.
	RetryAtNs int64
}

// text describes the failure of a request in one line.
func (f *Failure) text(request Request) string { return request.String() + ": " + f.Text() }

// Text describes the failure in one line.
func (f *Failure) Text() string {
	text := f.Cause.String()
	if f.Code != 0 {
		text += fmt.Sprintf(" (%d)", f.Code)
	}
	if f.Msg != "" {
		text += ": " + f.Msg
	}
	return text
}

// passes reports, of a cause, whether the same request may be tried again later.
func passes(c protocol.Cause) bool {
	switch c {
	case protocol.OrderRate, protocol.Weight, protocol.Banned, protocol.ClockOff, protocol.Overloaded, protocol.Unreached:
		return true
	}
	return false
}
