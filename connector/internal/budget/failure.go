package budget

import (
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// HoldBack has a budget hold back what a ban is about: until RetryAt where the venue has said it, otherwise for a
// guess, as budget.Ban has it. The failure then says when. localNs is the time by the Protocol's NowNs, offsetNs how
// far the venue's clock is ahead.
func HoldBack(b *Budget, f *protocol.Failure, scope Scope, guess time.Duration, localNs, offsetNs int64) {
	said, untilNs := !f.RetryAt.IsZero(), localNs+int64(guess)
	if said {
		untilNs = f.RetryAt.UnixNano()
	}
	why := "the venue has banned this IP address"
	if f.Status != 0 {
		why += fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	retryAtNs := b.Ban(scope, localNs+offsetNs, untilNs+offsetNs, said, why)
	if !said {
		f.RetryAt, f.Until = time.Unix(0, retryAtNs-offsetNs), time.Unix(0, untilNs)
	}
}

// NotSent is the failure of a request that a budget does not let through, for cause where that is no ban.
func NotSent(cause protocol.Cause, refusal Refusal, offsetNs int64) *protocol.Failure {
	f := &protocol.Failure{Cause: cause, Msg: "not sent: " + refusal.Why, Held: refusal.Paused}
	if refusal.Banned {
		f.Cause = protocol.Banned
	}
	if refusal.RetryAtNs != Never {
		f.RetryAt = time.Unix(0, refusal.RetryAtNs-offsetNs)
	}
	if refusal.UntilNs > refusal.RetryAtNs {
		f.Until = time.Unix(0, refusal.UntilNs-offsetNs)
	}
	return f
}

// ResultOf returns what the outcome of a request that a budget let through tells about a ban.
func ResultOf(err error) Result {
	switch {
	case err == nil || said(err):
		return Heard
	case protocol.CauseOf(err) == protocol.Unreached:
		return Unsent
	}
	return Silent
}

// said reports whether an error is the venue's answer: it has its code, or is about what was not in a list, or cannot
// be read. That there are too many requests or orders is none, nor is a ban: it does not tell that anything works.
func said(err error) bool {
	var f *protocol.Failure
	return errors.As(err, &f) && f.Cause != protocol.Weight && f.Cause != protocol.OrderRate &&
		f.Cause != protocol.Banned && (f.Code != 0 || f.Unreadable ||
		f.Err == nil && (f.Cause == protocol.NotFound || f.Cause == protocol.Gone))
}
