package blotter

import (
	"errors"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Times of the record, in ns.
const (
	second = 1_000_000_000
	// holdNs is how long an execution may come after the order's executed quantity said so, until it is asked for;
	// fetchNs how long after that it is assumed, or asked for again; maxFetchNs the longest between two questions.
	holdNs, fetchNs, maxFetchNs = second / 2, 3 * second / 2, 30 * second
	// streamNs is how long the stream may take to tell the outcome of a request that was accepted.
	streamNs = 2 * second
	// absentNs is how long an order has to be unknown to the venue, asked at least minAbsences times, to be over.
	absentNs, minAbsences = 5 * second, 2
	// againNs is after what time a question is asked again.
	againNs = second
	// firstBackoffNs and maxBackoffNs bound the time until a refused cancel or question is tried again; it doubles.
	firstBackoffNs, maxBackoffNs = second / 10, 5 * second
	// listLagNs is by how much a list of orders may be behind the executions.
	listLagNs = 30 * second
	// keepNs is how long an order that is over is remembered.
	keepNs = 300 * second
)

// settle draws the conclusions of what has become known of an entry: it publishes, ends the order when its end and all
// executions before it are known, sends requests that had to wait, and sets the times at which something is due.
func (b *Blotter) settle(e *entry, fill *execution, nowNs int64) {
	switch missing := e.missingLots(); {
	case missing <= 0:
		e.holdAtNs, e.holds = 0, 0
		if e.whole() {
			e.completeNs = max(e.completeNs, e.tsNs)
		}
	case e.holdAtNs == 0:
		e.holdAtNs = nowNs + holdNs
	}
	replacing := e.end == hft.StatusCanceled && (e.amend == sent || e.amend == uncertain)
	if e.end != hft.StatusNone && !e.over && e.missingLots() <= 0 && !replacing {
		b.finish(e, nowNs)
	}
	b.publish(e, fill)
	b.next(e, nowNs)
	b.schedule(e)
}

// finish ends an order.
func (b *Blotter) finish(e *entry, nowNs int64) {
	if e.end == hft.StatusRejected || e.end == hft.StatusCanceled && !e.wantCancel && e.req != hft.StatusCanceled && e.reason != "" {
		b.complain(e, 0, e.end.String()+" by the venue: "+e.reason)
	}
	e.over, e.req = true, hft.StatusNone
	e.place, e.amend, e.cancel = idle, idle, idle
	e.wantCancel, e.wantAmend, e.gone = false, false, false
	e.cancelAtNs, e.cancelTries, e.forgetAtNs = 0, 0, nowNs+keepNs
	if !e.suspect {
		e.askAtNs = 0
	}
	e.book.strike(e)
	if id := e.key(); b.open[id] == e {
		delete(b.open, id)
	}
}

// next sends the request that an entry waits to send, if it may.
func (b *Blotter) next(e *entry, nowNs int64) {
	// A submission that may have arrived is asked about first. Where that has no answer, the cancel's way may be open.
	if e.over || e.end != hft.StatusNone || e.unshown() && (e.place == sent || !e.wantCancel || !e.noAnswer) {
		return
	}
	switch {
	case e.wantCancel:
		b.sendCancel(e, nowNs)
	case e.wantAmend && e.amend == idle && !e.amendOut && e.cancel == idle:
		b.sendAmend(e, nowNs)
	}
}

// unshown reports whether an order was submitted and the venue has not shown it yet.
func (e *entry) unshown() bool { return !e.seen && (e.place == sent || e.place == uncertain) }

// sendCancel sends the cancel that is wanted, unless another request has to be answered first or it is too early to try again.
func (b *Blotter) sendCancel(e *entry, nowNs int64) {
	if e.cancel != idle || e.amendOut || e.gone || nowNs < e.cancelAtNs {
		return
	}
	e.cancelAtNs, e.cancel, e.canceledNs, e.blind = 0, sent, nowNs, e.unshown()
	b.send(e, Cancel)
}

// sendAmend sends the modification that is wanted, or refuses it.
func (b *Blotter) sendAmend(e *entry, nowNs int64) {
	e.wantAmend = false
	id, err := b.codec.Encode(e.owner, e.shown.OrderID)
	if err == nil && e.book.stopped != "" {
		err = errors.New(e.book.stopped)
	}
	if err != nil {
		b.refuse(e)
		b.complain(e, 0, "modify: "+err.Error())
		return
	}
	e.target = e.wanted
	e.target.totalLots = e.cumLots() + e.wanted.openLots
	e.asks(e.target.priceTick, e.target.openLots, e.target.totalLots-e.priorLots(), e.target.totalLots)
	e.amend, e.amendOut, e.amendID, e.amendNs = sent, true, id, nowNs
	b.know(e, id)
	b.send(e, Amend)
}

// refuse answers the bot's request in flight with a refusal; the order stays as it is.
func (b *Blotter) refuse(e *entry) {
	if e.req == hft.StatusNone {
		return
	}
	e.req = hft.StatusNone
	e.shown = e.view()
	b.update = connector.OrderUpdate{Order: connector.Order{InstrumentNo: e.book.inst.No, Owner: e.owner, Order: e.shown}}
	b.update.Req = hft.StatusRejected
	b.out.Order(&b.update)
}

// ask lets an entry's order be asked about at once.
func (e *entry) ask(nowNs int64) {
	if !e.over {
		e.askAtNs = nowNs
	}
}

// backoff returns the time to wait before the try after tries.
func backoff(tries int) int64 {
	return min(int64(firstBackoffNs)<<min(max(tries-1, 0), 10), maxBackoffNs)
}
