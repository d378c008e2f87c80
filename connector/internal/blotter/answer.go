package blotter

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// Answered takes a venue's acknowledgement of a request that Output was given: clientID is Action.ClientID. The report may
// be empty where the outcome only comes by the stream. An order that took the place of another is recognised by its ids.
func (b *Blotter) Answered(clientID string, request Request, r *protocol.Report, nowNs int64) {
	e := b.byID[clientID]
	if e == nil {
		return // over for long
	}
	if f := b.check(e, r, nowNs); f.field != "" {
		b.unreadable(e, &f, nowNs)
		b.Failed(clientID, request, Failure{Unreadable: true, Msg: f.String()}, nowNs)
		return
	}
	switch request {
	case Place:
		if e.place != idle && !e.seen {
			e.place, e.askAtNs = accepted, nowNs+streamNs
		}
		b.accept(e, r, false, nowNs)
	case Amend:
		b.accept(e, r, e.amend != idle, nowNs)
		b.amendAnswered(e, nowNs)
	case Cancel:
		if e.cancel == sent {
			e.cancel, e.askAtNs = accepted, nowNs+streamNs
			if e.blind {
				e.cancel = uncertain // of all orders, before this one arrived
			}
		}
		b.accept(e, r, false, nowNs)
	case QueryOrder:
		b.told(e, r, nowNs)
	}
}

// told takes the answer to a question.
func (b *Blotter) told(e *entry, r *protocol.Report, nowNs int64) {
	former := e.askedFormer != ""
	e.asking, e.askedFormer, e.disputed = false, "", false
	if former {
		e.formerAtNs = nowNs + againNs // about the next one, or again
	} else {
		e.absent, e.noAnswer = doubt{}, false
	}
	b.readable(e)
	l := b.accept(e, r, false, nowNs)
	if e.disputed {
		believed, askAtNs := l.denied.again(nowNs)
		switch {
		case believed:
			told, _ := l.told(e.book, r)
			b.withdraw(e, l, told)
			if rank := rankOf(r.Status); !e.over && l == &e.now && (rank == rankNew || rank == rankPartial) {
				e.end = hft.StatusNone // what told more has told it, too
			}
			e.disputed = false
			b.accept(e, r, false, nowNs)
		case former:
			e.formerAtNs = askAtNs
		default:
			e.askAtNs = askAtNs
		}
	}
	if !former {
		b.resolve(e, r, nowNs)
	}
	if !e.now.firm() && e.askAtNs == 0 {
		e.askAtNs = nowNs + againNs
	}
	b.schedule(e)
}

// amendAnswered goes on after the acknowledgement of an amendment was applied.
func (b *Blotter) amendAnswered(e *entry, nowNs int64) {
	e.amendOut = false
	switch {
	case e.over || e.amend != sent:
	case e.end != hft.StatusNone:
		e.amend = idle // it did not replace the order
	default:
		e.amend, e.askAtNs = accepted, nowNs+streamNs
	}
	b.settle(e, nil, nowNs)
}

// resolve goes on with the requests of an entry whose state was asked for.
func (b *Blotter) resolve(e *entry, r *protocol.Report, nowNs int64) {
	switch {
	case e.over:
		b.stillStray(e, r, nowNs)
		return
	case e.end != hft.StatusNone:
		if e.amend == uncertain && e.end == hft.StatusCanceled {
			b.replaced(e, nowNs)
		}
	case r.Status == hft.StatusNone:
		e.askAtNs = nowNs + againNs
	case e.disputed:
		// It is asked again.
	default:
		b.shown(e)
		if e.gone || e.cancel == accepted || e.cancel == uncertain { // it is open all the same
			e.cancel, e.cancelAtNs, e.gone, e.wantCancel = idle, 0, false, true
			if e.cancelTries++; e.cancelTries > 1 {
				e.cancelAtNs = e.canceledNs + backoff(e.cancelTries-1)
			}
		}
		if e.amend == accepted || e.amend == uncertain {
			if nowNs-e.amendNs < absentNs {
				e.askAtNs = nowNs + againNs
			} else {
				e.amend = idle
				b.refuse(e)
				b.complain(e, 0, "modify: it had no effect at the venue")
			}
		}
	}
	b.settle(e, nil, nowNs)
}

// replaced goes on with a canceled entry of which it is not known whether another order has taken its place.
func (b *Blotter) replaced(e *entry, nowNs int64) {
	switch {
	case !e.askedReplacement:
		e.askAtNs = nowNs // now about that one
	case nowNs-e.amendNs < absentNs:
		e.askAtNs = nowNs + againNs
	default: // the venue always shows the canceled order
		e.amend = idle
	}
}

// Failed takes what became of a request that the venue did not acknowledge: clientID is Action.ClientID. A venue that
// canceled an order and refused the one to take its place has said both: that goes to Report first.
func (b *Blotter) Failed(clientID string, request Request, f Failure, nowNs int64) {
	switch f.Cause {
	case protocol.OrderRate, protocol.Weight, protocol.Banned:
		if f.RetryAtNs > b.pausedUntilNs {
			b.pausedUntilNs, b.pause, b.pauseOutage = f.RetryAtNs, f.text(request), f.Outage
		}
	}
	e := b.byID[clientID]
	if e == nil {
		return
	}
	if f.Unreadable && request == QueryOrder {
		b.unanswered(e, &f)
	}
	switch request {
	case Place:
		b.placeFailed(e, &f, nowNs)
	case Amend:
		b.amendFailed(e, &f, nowNs)
	case Cancel:
		b.cancelFailed(e, &f, nowNs)
	case QueryOrder:
		b.queryFailed(e, &f, nowNs)
	}
}

func (b *Blotter) placeFailed(e *entry, f *Failure, nowNs int64) {
	if e.place == idle || e.seen || e.end != hft.StatusNone {
		return // the stream knew better
	}
	switch f.Cause {
	case protocol.Unknown, protocol.DuplicateID:
		e.place = uncertain
		e.ask(nowNs)
		b.complainOf(e, f, Place, "")
	case protocol.WouldTake, protocol.Unfilled:
		e.end, e.guessed = hft.StatusExpired, true
	default:
		e.end, e.guessed = hft.StatusExpired, true
		if e.missingLots() <= 0 && e.req == hft.StatusNew {
			b.refuseSubmission(e, nowNs)
		}
		b.complainOf(e, f, Place, "")
	}
	b.settle(e, nil, nowNs)
}

// refuseSubmission ends an order that the venue did not take.
func (b *Blotter) refuseSubmission(e *entry, nowNs int64) {
	b.finish(e, nowNs)
	e.shown, e.overShown = e.view(), true
	b.update = connector.OrderUpdate{Order: connector.Order{InstrumentNo: e.book.inst.No, Owner: e.owner,
		Order: e.shown}, Names: e.names()}
	b.update.Req = hft.StatusRejected
	b.out.Order(&b.update)
}

func (b *Blotter) amendFailed(e *entry, f *Failure, nowNs int64) {
	e.amendOut = false
	switch {
	case e.over || e.amend != sent: // the stream has answered
	case f.Cause == protocol.Unknown || f.Cause == protocol.DuplicateID:
		e.amend = uncertain
		e.ask(nowNs)
		b.complainOf(e, f, Amend, "")
	case f.Cause == protocol.Gone || f.Cause == protocol.NotFound:
		e.amend = idle
		e.ask(nowNs)
		b.refuseAmend(e)
	default:
		e.amend = idle
		b.refuseAmend(e)
		if f.Cause != protocol.WouldTake && f.Cause != protocol.Unfilled {
			b.complainOf(e, f, Amend, "")
		}
	}
	b.settle(e, nil, nowNs)
}

// refuseAmend answers a modification, unless a later request is in flight or the order's end will answer it.
func (b *Blotter) refuseAmend(e *entry) {
	if e.req == hft.StatusReplaced && !e.wantAmend && e.end == hft.StatusNone {
		b.refuse(e)
	}
}

func (b *Blotter) cancelFailed(e *entry, f *Failure, nowNs int64) {
	if e.cancel != sent {
		return
	}
	e.cancel = idle
	notOpen := f.Cause == protocol.Gone || f.Cause == protocol.NotFound
	switch {
	case passes(f.Cause) || f.Cause == protocol.Unknown && e.over:
		b.cancelLater(e, f, nowNs)
	case f.Cause == protocol.Unknown:
		e.cancel = uncertain
		e.ask(nowNs)
		if e.cancelTries == 0 {
			b.complainOf(e, f, Cancel, "")
		}
	case notOpen && e.blind && !e.over:
		// The submission may still arrive.
		e.cancelTries++
		e.cancelAtNs = nowNs + backoff(e.cancelTries)
		e.ask(nowNs)
	case notOpen:
		e.wantCancel, e.gone = false, !e.over
		e.ask(nowNs)
		if e.end == hft.StatusNone {
			b.refuse(e)
		}
	default:
		if e.cancelTries == 0 {
			b.complainOf(e, f, Cancel, "; retrying")
		}
		e.cancelTries++
		e.wantCancel, e.cancelAtNs = e.over, nowNs+maxBackoffNs
		if e.end == hft.StatusNone {
			b.refuse(e)
		}
	}
	b.settle(e, nil, nowNs)
}

// cancelLater sets the time at which a cancel that the venue refused for now is tried again.
func (b *Blotter) cancelLater(e *entry, f *Failure, nowNs int64) {
	if e.cancelTries == 0 {
		b.complainOf(e, f, Cancel, "; retrying")
	}
	e.cancelTries++
	e.cancelAtNs = nowNs + backoff(e.cancelTries)
	// A time that is known needs no guess, which would be longer each time. But it may be of one way of several: a long pause
	// does not hold the cancel up, and what is not to be sent meanwhile is refused on this side.
	switch {
	case f.RetryAtNs <= nowNs:
	case f.Cause == protocol.Banned:
		e.cancelAtNs = min(f.RetryAtNs, e.cancelAtNs)
	default:
		e.cancelAtNs = min(f.RetryAtNs, nowNs+maxBackoffNs)
	}
}

func (b *Blotter) queryFailed(e *entry, f *Failure, nowNs int64) {
	e.asking = false
	switch {
	case e.askedFormer != "":
		b.formerFailed(e, f, nowNs)
	case f.Cause != protocol.NotFound:
		e.askAtNs, e.noAnswer = max(nowNs, f.RetryAtNs), true
		b.cancelUnasked(e, nowNs)
	case e.over:
		b.readable(e) // nothing else hangs on it
		if e.cancel != idle {
			gone, askAtNs := e.absent.again(nowNs)
			if e.askAtNs = askAtNs; gone {
				e.strayEnded()
			}
		}
	case e.place == sent:
		// It is not there yet.
	default:
		e.noAnswer = false
		gone, askAtNs := e.absent.again(nowNs)
		if e.askAtNs = askAtNs; gone {
			b.vanished(e)
		}
	}
	b.settle(e, nil, nowNs)
}

// cancelUnasked lets a cancel whose outcome is not known, and cannot be asked for, be sent again: a second one does no harm, and
// the way that cancels take may be open where that of questions is not.
func (b *Blotter) cancelUnasked(e *entry, nowNs int64) {
	if e.cancel != uncertain || !e.wantCancel || e.over {
		return
	}
	e.cancelTries++
	e.cancel, e.cancelAtNs = idle, nowNs+backoff(e.cancelTries)
}

// formerFailed goes on after a question about a former leg was not answered.
func (b *Blotter) formerFailed(e *entry, f *Failure, nowNs int64) {
	e.formerAtNs = max(nowNs, f.RetryAtNs)
	for i := range e.prior {
		if l := &e.prior[i]; f.Cause == protocol.NotFound && l.venueID == e.askedFormer {
			l.done = true // nothing can be learnt any more
			b.lose(e, l)
		}
	}
	e.askedFormer = ""
}

// vanished ends an order that the venue does not know.
func (b *Blotter) vanished(e *entry) {
	if e.seen && e.end == hft.StatusNone {
		b.complain(e, 0, "order unknown to the venue, final state unknown; assuming expired")
	}
	e.amend = idle
	b.readable(e)
	b.lose(e, &e.now)
	if e.end == hft.StatusNone {
		e.end, e.guessed = hft.StatusExpired, true
	}
}

// lose goes on with a leg that the venue does not know any more: what one message has said of it will never be firm.
func (b *Blotter) lose(e *entry, l *leg) {
	if l.firm() {
		return
	}
	b.ruin(e, fmt.Sprintf("one report only says executed %v, of which %v is confirmed, and the venue no longer knows the order",
		e.book.qty(l.cumLots), e.book.qty(l.filledLots)))
	l.cumLots = l.filledLots
}
