package feed

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// quote is the newest quote of the venue.
type quote struct {
	seq      int64 // 0: there is none
	timeless bool  // it did not say when it was made
	rows     []hft.Event
}

// takeQuote takes the best bid and ask.
func (b *Book) takeQuote(localNs int64, m *connector.Message, out *Out) {
	q := &b.quote
	if b.sync == nil || b.byTime {
		if !b.following() && b.sync != nil {
			return
		}
		q.timeless = m.ExchTimestampNs == 0
		b.fuseQuote(localNs, m.Events)
		q.rows = append(q.rows[:0], m.Events...)
		out.Events = b.rows
		return
	}
	switch {
	case m.Seq == 0: // nobody knows what it is newer than
		b.count(OutdatedQuote)
		return
	case m.Seq <= q.seq:
		b.count(SeenQuote)
		out.Seen = true
		return
	}
	q.seq, q.timeless = m.Seq, m.ExchTimestampNs == 0
	switch {
	case !b.following(): // it follows when the book is there
	case m.Seq <= b.depthSeq:
		b.count(OutdatedQuote)
	default:
		b.fuseQuote(localNs, m.Events)
		b.heldBehind(out)
	}
	q.rows = append(q.rows[:0], m.Events...) // last: what has been written in parts just now is not copied in larger ones without waiting
	out.Events = b.rows
}

// heldBehind gives the book up where the depth stream is too far behind: of one that says nothing while quotes change that many
// levels nobody knows any more what it would have said.
func (b *Book) heldBehind(out *Out) {
	if len(b.ahead.levels) > maxContested {
		what := fmt.Sprintf("quotes have changed %d levels since the depth update %d, and none has come that contains them", len(b.ahead.levels), b.sync.LastID())
		b.tell(Gap, what, nil)
		if !b.cfg.IgnoreGaps {
			out.Stale, out.NeedSnapshot = cmp.Or(out.Stale, b.Lost(what).Stale), true
		} else {
			b.ahead.forget()
			b.ahead.forgotten = true
		}
	}
}

// quotedNs returns when a quote was made, at the latest, that was received at localNs and does not say so: it was on its way for
// at least as long as the fastest message, of the file or, live, of the last minute. So it is later than every message that came
// before it. Until a message has had a time it is 0.
func (b *Book) quotedNs(localNs int64) int64 {
	switch c := b.correction(); {
	case b.byTime: // a row with a later time than the next difference's would outlive it
		return b.depthExchNs
	case c != nil && c.Line != 0:
		return localNs - c.OffsetNs - c.MinLatencyNs
	}
	if ns, known := b.fastest.ns(); known {
		return localNs - ns
	}
	return b.depthExchNs
}

// fastest is by how much the least local time was after the exchange time, in this and the last minute of local time: clocks
// drift, and are set.
type fastest struct {
	beganNs   int64 // of this minute
	this      int64
	last      int64
	timed     bool // this has a value
	lastTimed bool
}

func (f *fastest) note(localNs, exchNs int64) {
	if since := localNs - f.beganNs; since >= int64(time.Minute) || since < 0 {
		f.last, f.lastTimed = f.this, f.timed && uint64(since) < uint64(2*time.Minute)
		f.beganNs, f.timed = localNs, false
	}
	if ns := localNs - exchNs; !f.timed || ns < f.this {
		f.timed, f.this = true, ns
	}
}

func (f *fastest) ns() (ns int64, known bool) {
	if f.lastTimed && f.last < f.this {
		return f.last, true
	}
	return f.this, f.timed
}

// noteLatency notes how long a message was on its way. Those of a file are known before.
func (b *Book) noteLatency(localNs, venueNs int64, m *connector.Message) {
	if b.lines == nil && m.ExchTimestampNs != 0 && venueNs-m.ExchTimestampNs > -int64(maxAhead) {
		b.fastest.note(localNs, m.ExchTimestampNs)
	}
}

// fuseQuote puts rows, those of the newest quote, through the book, as received at localNs.
func (b *Book) fuseQuote(localNs int64, rows []hft.Event) {
	q, out := &b.quote, b.rows
	b.checkRows(rows)
	quotedNs, flag := int64(0), uint64(0)
	if q.timeless {
		quotedNs = b.quotedNs(localNs)
		if !b.cfg.Natural { // whose rows are the reference's
			flag = hft.EstimatedTime
		}
	}
	for i := range rows {
		row := &rows[i]
		row.LocalTimestampNs = localNs
		row.Ev |= flag
		if quotedNs != 0 {
			row.ExchTimestampNs = quotedNs
		}
		if b.byTime {
			out = b.fused.Update(row, row.ExchTimestampNs, out)
			continue
		}
		if row.Px == 0 && row.Qty == 0 {
			out = b.emptySide(row, out)
			continue
		}
		side, tick := row.Side(), b.tick(row)
		if row.Qty > 0 {
			b.ahead.side(side).note(q.seq, tick)
		}
		if l := b.ahead.level(side, tick); l != nil {
			l.seq = q.seq
		} else {
			b.ahead.levels = append(b.ahead.levels, contested{side, tick, q.seq, b.qty(side, tick)})
		}
		out = b.fused.UpdateAt(row, tick, q.seq, out)
		removed := b.fused.Removed()
		gone := out[len(out)-len(removed):]
		for i := range gone {
			b.ahead.touch(gone[i].Side(), b.tick(&gone[i]), q.seq, removed[i])
		}
	}
	b.rows = out
}

// emptySide takes the row of a quote that says that its side is empty. What the depth stream says of the side stays behind the
// quote until the stream has passed it, as with any level that a quote has removed.
func (b *Book) emptySide(row *hft.Event, out []hft.Event) []hft.Event {
	b.count(EmptySide)
	side, seq, gone := row.Side(), b.quote.seq, *row
	b.ahead.side(side).noteBest(seq, nothing)
	for tick, ok := b.bestTick(side); ok; {
		b.ahead.touch(side, tick, seq, b.qty(side, tick))
		gone.Px = hft.TickPrice(tick, b.cfg.TickSize)
		out = b.fused.UpdateAt(&gone, tick, seq, out)
		before := tick
		tick, ok = b.bestTick(side)
		ok = ok && tick != before
	}
	return out
}

// bestTick returns the best price of a side, when there is one.
func (b *Book) bestTick(side hft.Side) (tick int64, ok bool) {
	if side == hft.Sell {
		tick = b.fused.BestAskTick()
		return tick, tick != hft.InvalidMax
	}
	tick = b.fused.BestBidTick()
	return tick, tick != hft.InvalidMin
}

// settle gives the levels back to the depth stream that quotes have changed and that it has passed now: one that came and went
// between two of its messages is in none of them.
func (b *Book) settle(localNs, exchNs int64) {
	keep := 0
	for i := range b.ahead.levels {
		l := b.ahead.levels[i]
		if l.seq <= b.depthSeq {
			l.seq = b.ahead.side(l.side).denied(l.priceTick, b.depthSeq)
		}
		if l.seq > b.depthSeq {
			b.ahead.levels[keep] = l
			keep++
			continue
		}
		if qty := b.qty(l.side, l.priceTick); qty != l.depthQty || qty > 0 {
			row := hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | hft.BuyEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs,
				Px: hft.TickPrice(l.priceTick, b.cfg.TickSize), Qty: l.depthQty}
			if l.side == hft.Sell {
				row.Ev = hft.LocalEvent | hft.DepthEvent | hft.SellEvent
			}
			published := len(b.rows)
			b.rows = b.fused.Update(&row, b.depthSeq, b.rows)
			if gone := b.fused.Removed(); len(gone) > 0 {
				b.noteCrossed(0, l.priceTick, b.rows[len(b.rows)-len(gone):])
			}
			if qty == l.depthQty { // the book notes as of when the level is known, which nobody else needs
				b.rows = b.rows[:published]
			}
		}
	}
	b.ahead.levels = b.ahead.levels[:keep]
}

// qty returns what the book has at a price.
func (b *Book) qty(side hft.Side, priceTick int64) float64 {
	if side == hft.Sell {
		return b.fused.AskQtyAtTick(priceTick)
	}
	return b.fused.BidQtyAtTick(priceTick)
}

func (b *Book) tick(row *hft.Event) int64 { return b.fused.PriceTick(row.Px) }

// beyondQuotes returns below which tick no quote that is ahead of the depth stream has said anything of a bid, and above which of an
// ask: most of what the stream says is of levels behind the best.
func (b *Book) beyondQuotes() (bid, ask int64) {
	if len(b.ahead.levels) == 0 && len(b.ahead.bids.list) == 0 && len(b.ahead.asks.list) == 0 {
		return math.MaxInt64, math.MinInt64
	}
	bid = max(nothing, min(b.ahead.worst(hft.Buy), b.fused.BestBidTick()))
	ask = max(nothing, min(b.ahead.worst(hft.Sell), -b.fused.BestAskTick()))
	return bid - 1, 1 - ask
}

// ahead is what quotes have said that the depth stream has not passed yet.
type ahead struct {
	bids, asks quoted
	// levels are those of which quotes and depth stream have different opinions, or had.
	levels []contested
	// forgotten is true after all this was forgotten while there were quotes that the stream had not passed.
	forgotten bool
}

// contested is a level that a quote has set or denied.
type contested struct {
	side      hft.Side
	priceTick int64
	seq       int64 // of the newest quote that did
	// depthQty is what the depth stream has said last.
	depthQty float64
}

// maxContested bounds the levels. Between two messages of a depth stream that lives there are some hundreds.
const maxContested = 1 << 14

func (a *ahead) forget() {
	a.bids.list, a.asks.list, a.levels = a.bids.list[:0], a.asks.list[:0], a.levels[:0]
}

func (a *ahead) side(side hft.Side) *quoted {
	if side == hft.Sell {
		return &a.asks
	}
	return &a.bids
}

// worst returns the worst price of a side, times its sign, of which quotes have said something, math.MaxInt64 when there is none.
func (a *ahead) worst(side hft.Side) int64 {
	q := a.side(side)
	worst := int64(math.MaxInt64)
	if len(q.list) > 0 {
		worst = q.list[0].best
	}
	for i := range a.levels {
		if l := &a.levels[i]; l.side == side {
			worst = min(worst, q.sign*l.priceTick)
		}
	}
	return worst
}

func (a *ahead) level(side hft.Side, priceTick int64) *contested {
	for i := len(a.levels) - 1; i >= 0; i-- { // the newest is the likeliest
		if l := &a.levels[i]; l.priceTick == priceTick && l.side == side {
			return l
		}
	}
	return nil
}

// touch notes that a quote has set or removed a level, which had qty before.
func (a *ahead) touch(side hft.Side, priceTick, seq int64, qty float64) {
	if l := a.level(side, priceTick); l != nil {
		l.seq = seq
		return
	}
	a.levels = append(a.levels, contested{side, priceTick, seq, qty})
}

// holds notes what a message of the depth stream says of a level and reports whether a newer quote says otherwise.
func (a *ahead) holds(side hft.Side, priceTick int64, qty float64, seq int64) bool {
	l, denied := a.level(side, priceTick), a.side(side).denied(priceTick, seq)
	switch {
	case l != nil:
		l.depthQty, l.seq = qty, max(l.seq, denied)
		return l.seq > seq
	case denied > seq:
		a.levels = append(a.levels, contested{side, priceTick, denied, qty})
		return true
	}
	return false
}

// quoted is what the quotes that are newer than the depth stream have said about one side: when there was no level better
// than which price.
type quoted struct {
	sign int64 // 1 for bids, -1 for asks: greater is better
	// list has ascending seq and, since a later quote with a worse price says more than the ones before it, ascending price.
	list []passedQuote
}

type passedQuote struct {
	seq  int64
	best int64 // in ticks, times sign
}

// maxQuoted bounds the list: it is emptied by the depth stream, which venues send ten times a second or more.
const maxQuoted = 4096

// nothing is worse than any price.
const nothing = -1 << 53

// note takes the best price of a quote that is newer than those before it.
func (q *quoted) note(seq, priceTick int64) { q.noteBest(seq, q.sign*priceTick) }

// noteBest is note with the price times sign, or nothing.
func (q *quoted) noteBest(seq, best int64) {
	n := len(q.list)
	for n > 0 && q.list[n-1].best >= best {
		n--
	}
	q.list = append(q.list[:n], passedQuote{seq, best})
	if len(q.list) > maxQuoted {
		q.list = q.list[:copy(q.list, q.list[len(q.list)-maxQuoted/2:])]
	}
}

// denied returns the newest quote after seq that says that there is no level at a price, 0 when there is none. Calls come in
// ascending seq.
func (q *quoted) denied(priceTick, seq int64) int64 {
	old := 0
	for old < len(q.list) && q.list[old].seq <= seq {
		old++
	}
	if old > 0 {
		q.list = q.list[:copy(q.list, q.list[old:])]
	}
	newest := int64(0)
	for i := range q.list {
		if q.sign*priceTick <= q.list[i].best {
			break
		}
		newest = q.list[i].seq
	}
	return newest
}
