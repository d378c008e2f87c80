package venue

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

func hftCritical(text string) hft.LiveError {
	return hft.LiveErrorWith(hft.CriticalConnectionError, hft.StringValue(text))
}

func hftInterrupted(text string) hft.LiveError {
	return hft.LiveErrorWith(hft.ConnectionInterrupted, hft.StringValue(text))
}

// complaints keeps the same complaint from being made over and over.
type complaints struct {
	mu   sync.Mutex
	last string
}

// fresh reports whether a complaint is not the one that was made last.
func (c *complaints) fresh(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == text {
		return false
	}
	c.last = text
	return true
}

// question is something that is asked until it is answered, as a key of an Outage.
type question struct{ what, symbol string }

var accountQuestion = question{"orders and positions", ""}

// unanswered takes the failure of a question that is asked again, and what it means beyond that. A refusal is no
// outage: it is logged by itself, once.
func (c *Connector) unanswered(q question, err error) {
	c.heed(err)
	what := strings.TrimSpace(q.what + " " + q.symbol)
	switch {
	case protocol.Final(err), protocol.CauseOf(err) == protocol.Key:
		c.outage.Works(q)
		if c.complain.fresh(what + err.Error()) {
			c.log.Warn("query rejected by the venue, retrying", "what", what, "error", err)
		}
	default:
		c.fails(q, what, err)
	}
}

// fails tells of a failure of the venue, and until when is waited because of it. That a request was given up here is
// none.
func (c *Connector) fails(q question, what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	var until []any
	if f := (*protocol.Failure)(nil); errors.As(err, &f) {
		until = waits(f)
	}
	c.outage.Failed(q, what, err, until...)
}

// orderRequests are the requests about orders, as a key of an Outage: what is asked about the account tells that they
// work again.
var orderRequests = question{"requests about orders", ""}

// isOutage reports whether a request failed because the venue fails, not because of what was asked for.
func isOutage(f *protocol.Failure) bool {
	if f.Held {
		return true
	}
	switch f.Cause {
	case protocol.Unreached, protocol.Banned:
		return true
	case protocol.Refused: // by a page of something in front of the venue
		return f.Code == 0 && f.Status != 0
	case protocol.Overloaded: // the venue, not what is sent from here
		return f.Code != 0 || f.Status != 0 || f.Err != nil
	case protocol.Weight, protocol.OrderRate: // the venue says it, not the count of this side
		return f.Code != 0 || f.Status != 0
	case protocol.Unknown:
		return !f.Unreadable
	}
	return false
}

// waits says, for the log, until when is waited because of a failure.
func waits(f *protocol.Failure) []any {
	const clock = "15:04:05 MST"
	switch {
	case !f.Until.IsZero():
		return []any{"until", f.Until.Format(clock), "unless", "a periodic test cancel is answered"}
	case !f.RetryAt.IsZero() && (f.Cause == protocol.Weight || f.Cause == protocol.OrderRate || f.Cause == protocol.Banned):
		return []any{"until", f.RetryAt.Format(clock)}
	}
	return nil
}

// answered tells of the answer to a request about an order: while the venue fails it is one outage, however many
// requests fail.
func (c *Connector) answered(request blotter.Request, err error, outage bool) {
	switch {
	case outage:
		if f := (*protocol.Failure)(nil); errors.As(err, &f) && !f.Held && len(waits(f)) > 0 {
			if untilNs := c.nowNs() + int64(c.untilRetry(err)); untilNs > c.pausedNs.Load() {
				c.pausedNs.Store(untilNs)
				c.ordersOnly.Store(f.Cause == protocol.OrderRate)
			}
		}
		c.fails(orderRequests, request.String(), err)
	case budget.ResultOf(err) == budget.Heard && c.nowNs() >= c.pausedNs.Load(): // it may be of before the pause, or have gone another way
		c.outage.Works(orderRequests)
	}
}

// accounted notes that orders and positions were told.
func (c *Connector) accounted() {
	c.outage.Works(accountQuestion)
	if c.nowNs() >= c.pausedNs.Load() || !c.ordersOnly.Load() {
		c.outage.Works(orderRequests)
	}
}

// maxExcerpt bounds how much of a message is logged.
const maxExcerpt = 200

// What is wrong with a message that is passed over.
const (
	unreadable = "venue message cannot be decoded"
	untimely   = "venue message has an impossible time"
	crossed    = "venue snapshot is crossed"
)

// badMessage counts a message that is passed over because of err and logs it, not each when there are many. A lock is
// held, so the log comes later.
func (c *Connector) badMessage(what string, err error, frame []byte) {
	c.sink.Count(connector.BadMessages, 1)
	c.unreadable.Do(func() {
		excerpt := strings.ToValidUTF8(string(frame[:min(len(frame), maxExcerpt)]), "?")
		c.group.Go(func() {
			c.log.Warn(what+" and is skipped", "error", err, "message", excerpt)
		})
	})
}

// refuse answers a submission or another request that is not sent.
func refuse(sink connector.Sink, o *connector.Order, reason string) {
	refuseFor(sink, o, reason, false)
}

// refuseFor is refuse, with outage because the venue fails, which the log tells by itself.
func refuseFor(sink connector.Sink, o *connector.Order, reason string, outage bool) {
	u := connector.OrderUpdate{Order: *o}
	if u.Req == hft.StatusNew {
		u.Status = hft.StatusExpired
	}
	u.Req = hft.StatusRejected
	sink.Order(&u)
	e := connector.Error{InstrumentNo: o.InstrumentNo, Owner: o.Owner, LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue(reason)), Outage: outage}
	e.OrderID = o.OrderID
	sink.Error(&e)
}
