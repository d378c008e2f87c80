package feed

import (
	"cmp"
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
)

// crossing is a level of the depth stream that another of its levels, on the other side, has removed from the book.
type crossing struct {
	side hft.Side
	tick int64
	by   int64 // tick of the other level
	row  int   // of the message's rows, that of the other level
}

// noteCrossed notes the levels that the last update, a row at tick, has removed: gone are their deletions. A level is left out if it
// was a quote's, or if a row was off the grid there: what rounding has crossed says nothing about the venue.
func (b *Book) noteCrossed(row int, tick int64, gone []hft.Event) {
	if b.sync == nil || b.byTime && len(b.quote.rows) > 0 || len(b.check.rounded) >= maxRounded || b.check.rounded[tick] {
		return
	}
	for i := range gone {
		c := crossing{gone[i].Side(), b.tick(&gone[i]), tick, row}
		if l := b.ahead.level(c.side, c.tick); b.check.rounded[c.tick] || l != nil && l.depthQty == 0 {
			continue
		}
		b.crossed = append(b.crossed, c)
	}
}

// resolve leaves out what later ones of the rows say something about: the order within a message means nothing.
func (b *Book) resolve(rows []hft.Event) {
	keep := b.crossed[:0]
	for _, c := range b.crossed {
		i := c.row + 1
		for i < len(rows) && (rows[i].Side() != c.side || b.tick(&rows[i]) != c.tick) {
			i++
		}
		if i >= len(rows) {
			keep = append(keep, c)
		}
	}
	b.crossed = keep
}

// loseCrossed gives the book up if the message in hand has left it crossed: one of its levels is wrong, and nobody knows which.
func (b *Book) loseCrossed(inStep bool, out *Out) {
	if len(b.crossed) == 0 || !b.following() {
		return
	}
	c := b.crossed[0]
	bid, ask := c.by, c.tick
	if c.side == hft.Buy {
		bid, ask = ask, bid
	}
	what := fmt.Sprintf("the depth update %d leaves the book crossed, with a bid of %v and an ask of %v", b.sync.LastID(),
		hft.TickPrice(bid, b.cfg.TickSize), hft.TickPrice(ask, b.cfg.TickSize))
	b.tell(Crossing, what, nil)
	if b.cfg.IgnoreGaps {
		return
	}
	if reason := b.Lost(what).Stale; inStep {
		out.Stale = cmp.Or(out.Stale, reason)
	}
	out.Ready, out.NeedSnapshot = false, true
}
