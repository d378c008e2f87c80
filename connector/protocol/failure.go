package protocol

import (
	"errors"
	"fmt"
	"time"
)

// Failure is what a venue said instead of what was asked for, or that it said nothing.
type Failure struct {
	Cause Cause
	// Code and Msg are the venue's, Code 0 when it had none.
	Code int
	Msg  string
	// Status is HTTP's, of a refusal that came by it, of the venue or of something in front of it; otherwise 0.
	Status int
	// Unreadable says, of Unknown, that there was an answer and that it cannot be read.
	Unreadable bool
	// Held says that it was not sent, because the venue does not talk to this address until RetryAt, as it has said
	// before.
	Held bool
	// RetryAt is when the venue wants to hear again, by the Protocol's NowNs; zero when it did not say. Of a ban whose
	// end it did not say it is when a first cancel may find out, and Until, zero otherwise, until when all else waits
	// unless that is answered.
	RetryAt, Until time.Time
	// Err is what went wrong below, such as a connection that was lost; nil otherwise.
	Err error
}

// Error returns cause, code and text.
func (f *Failure) Error() string {
	text := f.Cause.String()
	if f.Code != 0 {
		text += fmt.Sprintf(" (%d)", f.Code)
	}
	if f.Msg != "" {
		text += ": " + f.Msg
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap returns what went wrong below.
func (f *Failure) Unwrap() error { return f.Err }

// HedgeMode is the error of a position where the account, or the symbol, is in hedge mode and has no single position.
// It names which.
type HedgeMode string

// Error returns what to do.
func (h HedgeMode) Error() string {
	return string(h) + " is in hedge mode: switch it to one-way mode at the venue"
}

// More is the error of a list that is too long for one answer. What is returned with it is all that there is from the
// time that was asked for to SinceNs, the venue's time from which to ask for the rest, which is later than the one
// asked for. What is of that very instant may be listed again.
type More struct{ SinceNs int64 }

// Error says from when on the rest is.
func (m *More) Error() string {
	return "the list goes on at " + time.Unix(0, m.SinceNs).UTC().Format(time.RFC3339Nano)
}

// CauseOf returns the cause of an error of a Protocol; what is no *Failure is Unknown.
func CauseOf(err error) Cause {
	var f *Failure
	if errors.As(err, &f) {
		return f.Cause
	}
	return Unknown
}

// Final reports whether the venue refuses a question for good. A page of something in front of it is none of its words.
func Final(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Cause == Refused && (f.Code != 0 || f.Status == 0)
}

// Errors of a Protocol that are no failures.
var (
	// ErrUnsupported: the venue has no such thing.
	ErrUnsupported = errors.New("venue: the venue has no such function")
	// ErrResubscribe: the snapshot comes with the stream when the symbol is subscribed anew.
	ErrResubscribe = errors.New("venue: snapshots come with the stream")
)
