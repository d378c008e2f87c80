package blotter

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// NextDueNs returns the time at which Due has something to do, math.MaxInt64 when never. It may be in the past after any
// other call.
func (b *Blotter) NextDueNs() int64 {
	if len(b.agenda) == 0 {
		return math.MaxInt64
	}
	return b.agenda[0].dueNs
}

// Due does what is due: questions, cancels that are tried again, executions that did not come, forgetting.
func (b *Blotter) Due(nowNs int64) {
	fetch := false
	for len(b.agenda) > 0 && b.agenda[0].dueNs <= nowNs {
		e := b.agenda[0]
		if b.run(e, nowNs) {
			b.forget(e)
			continue
		}
		fetch = fetch || e.book.fetch
		b.schedule(e)
	}
	if !fetch {
		return
	}
	for _, k := range b.byNo {
		if k.fetch {
			k.fetch = false
			b.action = Action{Request: FetchExecutions, InstrumentNo: k.inst.No, Symbol: k.inst.Symbol, SinceNs: max(k.fetchNs, 0)}
			b.out.Send(&b.action)
		}
	}
}

// run does what is due for one entry and reports whether it is to be forgotten. Each time that was due is then in the
// future or 0.
func (b *Blotter) run(e *entry, nowNs int64) (forget bool) {
	if due(e.holdAtNs, nowNs) {
		b.holdOver(e, nowNs)
	}
	if due(e.cancelAtNs, nowNs) {
		b.cancelAgain(e, nowNs)
	}
	if due(e.askAtNs, nowNs) && e.mayAsk(&e.askAtNs, nowNs) {
		e.askAtNs = 0
		b.send(e, QueryOrder)
	}
	switch l := e.former(); {
	case l == nil:
		e.formerAtNs = 0
	case due(e.formerAtNs, nowNs) && e.mayAsk(&e.formerAtNs, nowNs):
		e.formerAtNs = 0
		b.sendFormer(e, l)
	}
	if !due(e.forgetAtNs, nowNs) {
		return false
	}
	if e.asking || e.cancel != idle || e.wantCancel || e.suspect || e.missingLots() > 0 || e.former() != nil {
		e.forgetAtNs = nowNs + keepNs
		return false
	}
	return true
}

// cancelAgain sends a cancel whose time has come.
func (b *Blotter) cancelAgain(e *entry, nowNs int64) {
	e.cancelAtNs = 0
	if e.over && e.wantCancel { // a stray
		e.cancel = sent
		b.send(e, Cancel)
		return
	}
	e.wantCancel = e.wantCancel || e.toEnd && !e.gone
	b.next(e, nowNs)
}

// mayAsk reports whether a question about an entry may be sent, which is then under way; if it is too early for it, the
// time at which it is due is put off. Questions in a row get rarer, so that no answer can make them go on and on.
func (e *entry) mayAsk(atNs *int64, nowNs int64) bool {
	if e.asking {
		return false
	}
	if nowNs-e.askedNs >= 2*maxBackoffNs {
		e.questions = 0
	}
	if e.questions > 0 {
		if earliestNs := e.askedNs + backoff(e.questions); nowNs < earliestNs {
			*atNs = earliestNs
			return false
		}
	}
	e.asking, e.askedNs = true, nowNs
	e.questions++
	return true
}

// holdOver goes on with an entry whose executions did not come: first they are asked for, then assumed.
func (b *Blotter) holdOver(e *entry, nowNs int64) {
	e.holds++
	_, priced := e.now.value()
	// What one message says is not enough to assume it. The average price is better than a limit price, which a market order
	// does not have at all.
	if e.holds > 1 && e.firm() && (priced || e.shown.OrdType == hft.Limit || e.holds > 4) && b.assume(e, nowNs) {
		return
	}
	k := e.book
	if sinceNs := b.sinceNs(e); !k.fetch || sinceNs < k.fetchNs {
		k.fetch, k.fetchNs = true, sinceNs
	}
	if (!priced || !e.now.firm()) && e.askAtNs == 0 {
		e.askAtNs = nowNs
	}
	if e.former() != nil && e.formerAtNs == 0 {
		e.formerAtNs = nowNs
	}
	e.holdAtNs = nowNs + min(int64(fetchNs)<<min(e.holds-1, 10), maxFetchNs)
}

func due(atNs, nowNs int64) bool { return atNs != 0 && atNs <= nowNs }

// schedule enters an entry's next time into the agenda.
func (b *Blotter) schedule(e *entry) {
	dueNs := int64(math.MaxInt64)
	for _, atNs := range [...]int64{e.holdAtNs, e.cancelAtNs, e.forgetAtNs} {
		if atNs != 0 {
			dueNs = min(dueNs, atNs)
		}
	}
	if !e.asking {
		for _, atNs := range [...]int64{e.askAtNs, e.formerAtNs} {
			if atNs != 0 {
				dueNs = min(dueNs, atNs)
			}
		}
	}
	if dueNs == math.MaxInt64 {
		b.agenda.remove(e)
		return
	}
	b.agenda.put(e, dueNs)
}

// agenda is a heap of entries by dueNs; each knows its place.
type agenda []*entry

// put enters an entry or moves it.
func (a *agenda) put(e *entry, dueNs int64) {
	if e.dueAt < 0 {
		e.dueAt = len(*a)
		*a = append(*a, e)
	} else if e.dueNs == dueNs {
		return
	}
	e.dueNs = dueNs
	a.fix(e.dueAt)
}

// remove takes an entry out.
func (a *agenda) remove(e *entry) {
	i := e.dueAt
	if i < 0 {
		return
	}
	last := len(*a) - 1
	a.swap(i, last)
	(*a)[last] = nil
	*a = (*a)[:last]
	e.dueAt = -1
	if i < last {
		a.fix(i)
	}
}

// fix moves the entry at i to where it belongs.
func (a *agenda) fix(i int) {
	h := *a
	for i > 0 && h[i].dueNs < h[(i-1)/2].dueNs {
		a.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].dueNs < h[least].dueNs {
				least = child
			}
		}
		if least == i {
			return
		}
		a.swap(i, least)
		i = least
	}
}

func (a *agenda) swap(i, j int) {
	h := *a
	h[i], h[j] = h[j], h[i]
	h[i].dueAt, h[j].dueAt = i, j
}
