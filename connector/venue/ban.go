package venue

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector/blotter"
	"github.com/hftrunner/hftrunner/connector/budget"
)

// Ban has a budget hold back what a ban is about: until RetryAt where the venue has said it, otherwise for a guess, as budget.Ban has
// it. The failure then says when. localNs is the time by the Protocol's NowNs, offsetNs how far the venue's clock is ahead.
func (f *Failure) Ban(b *budget.Budget, scope budget.Scope, guess time.Duration, localNs, offsetNs int64) {
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
func NotSent(cause Cause, refusal budget.Refusal, offsetNs int64) *Failure {
	f := &Failure{Cause: cause, Msg: "not sent: " + refusal.Why, Held: refusal.Paused}
	if refusal.Banned {
		f.Cause = Banned
	}
	if refusal.RetryAtNs != budget.Never {
		f.RetryAt = time.Unix(0, refusal.RetryAtNs-offsetNs)
	}
	if refusal.UntilNs > refusal.RetryAtNs {
		f.Until = time.Unix(0, refusal.UntilNs-offsetNs)
	}
	return f
}

// ResultOf returns what the outcome of a request that a budget let through tells about a ban.
func ResultOf(err error) budget.Result {
	switch {
	case err == nil || said(err):
		return budget.Heard
	case CauseOf(err) == blotter.Unreached:
		return budget.Unsent
	}
	return budget.Silent
}

// waits says, for the log, until when is waited because of a failure.
func (f *Failure) waits() []any {
	const clock = "15:04:05 MST"
	switch {
	case !f.Until.IsZero():
		return []any{"until", f.Until.Format(clock), "unless", "a periodic test cancel is answered"}
	case !f.RetryAt.IsZero() && (f.Cause == Weight || f.Cause == OrderRate || f.Cause == Banned):
		return []any{"until", f.RetryAt.Format(clock)}
	}
	return nil
}
