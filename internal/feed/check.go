package feed

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// check holds a snapshot that was not needed against the book: what the differences of the venue add up to has to be what the
// venue says.
type check struct {
	// waits says that the book has not reached the snapshot's id yet.
	waits   bool
	id, seq int64
	rows    []hft.Event
	at      Problem // where it came
	levels  []depth.Level
	// worstBid and worstAsk are how far the book goes: past them it knows what has changed only.
	worstBid, worstAsk int64
	// rounded are the prices in ticks of which a row was off the grid: what the book has there is of several levels, or is none.
	rounded map[int64]bool
}

// maxRounded bounds them: where there are more the steps are wrong, and nothing is compared.
const maxRounded = 4096

// round notes that a row is not in the book as it is.
func (c *check) round(priceTick int64) {
	if c.rounded == nil {
		c.rounded = map[int64]bool{}
	}
	if len(c.rounded) < maxRounded {
		c.rounded[priceTick] = true
	}
}

// begin notes how far the snapshot goes that the book begins with.
func (c *check) begin(rows []hft.Event, tickSize float64) {
	c.waits, c.worstBid, c.worstAsk = false, math.MaxInt64, math.MinInt64
	for i := range rows {
		if row := &rows[i]; row.Kind() == hft.DepthSnapshotEvent {
			if tick := hft.PriceTick(row.Px, tickSize); row.Side() == hft.Sell {
				c.worstAsk = max(c.worstAsk, tick)
			} else {
				c.worstBid = min(c.worstBid, tick)
			}
		}
	}
}

// compareTo compares the book with a snapshot that it does not need, at once or when it has got as far. One without a place among
// all that the venue says, or of another place where the stream itself brings the snapshots, tells nothing.
func (b *Book) compareTo(m *connector.Message) {
	c, reached := &b.check, b.sync.LastID()
	if b.byTime || m.Seq == 0 || b.cfg.Rule == connector.RuleStreamed && (m.LastID != reached || m.Seq != b.depthSeq) {
		return
	}
	c.id, c.seq, c.rows, c.at = m.LastID, m.Seq, append(c.rows[:0], m.Events...), b.problem(Mismatch, "", nil)
	for i := range c.rows {
		offTick, offLot := b.grid.off(&c.rows[i])
		b.noteRounded(&c.rows[i], offTick, offLot)
	}
	if c.waits = reached < c.id; !c.waits {
		b.compare(nil, reached == c.id)
	}
}

// compare counts a snapshot that differs. Levels that have changed since it was made are left out: those of the book say when
// they have; of those that the book does not have, complete says that passed are all that have.
func (b *Book) compare(passed []hft.Event, complete bool) {
	c := &b.check
	c.waits = false
	if len(c.rounded) >= maxRounded {
		return
	}
	var differ difference
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		rows := slices.DeleteFunc(append([]hft.Event(nil), c.rows...), func(e hft.Event) bool {
			return e.Side() != side || e.Qty <= 0 || c.rounded[b.tick(&e)]
		})
		slices.SortStableFunc(rows, func(a, b hft.Event) int { return -int(side) * cmp.Compare(a.Px, b.Px) }) // best first
		c.levels = slices.DeleteFunc(b.fused.Levels(side, c.levels[:0]), func(l depth.Level) bool { return c.rounded[l.PriceTick] })
		levels := c.levels
		for len(rows) > 0 {
			tick := b.tick(&rows[0])
			switch {
			case len(levels) > 0 && levels[0].PriceTick == tick:
				if l := levels[0]; !b.changed(side, &l) && math.Abs(l.Qty-rows[0].Qty) > b.cfg.LotSize/2 {
					differ.add(side, rows[0].Px, l.Qty, rows[0].Qty)
				}
				rows, levels = rows[1:], levels[1:]
			case len(levels) > 0 && (levels[0].PriceTick > tick) == (side == hft.Buy):
				if l := levels[0]; !b.changed(side, &l) {
					differ.add(side, hft.TickPrice(l.PriceTick, b.cfg.TickSize), l.Qty, 0)
				}
				levels = levels[1:]
			default:
				if complete && !c.beyond(side, tick) && !b.changes(passed, side, tick) {
					differ.add(side, rows[0].Px, 0, rows[0].Qty)
				}
				rows = rows[1:]
			}
		}
	}
	if differ.n == 0 {
		return
	}
	n := b.report.Found[Mismatch].N
	if n >= maxExamples {
		b.count(Mismatch)
		return
	}
	p := c.at
	p.What = differ.String()
	if b.report.add(p); n == 0 {
		b.problems = append(b.problems, p)
	}
}

// beyond reports whether a level is past those that the book knows.
func (c *check) beyond(side hft.Side, tick int64) bool {
	if side == hft.Sell {
		return tick > c.worstAsk
	}
	return tick < c.worstBid
}

// changed reports whether a level of the book is newer than the snapshot; a quote may just have said again what it was.
func (b *Book) changed(side hft.Side, l *depth.Level) bool {
	quoted := b.ahead.level(side, l.PriceTick)
	return l.Order > b.check.seq || quoted != nil && quoted.seq > b.check.seq
}

// changes reports whether rows, or a quote that is newer than the depth stream, change a level.
func (b *Book) changes(rows []hft.Event, side hft.Side, tick int64) bool {
	return b.ahead.level(side, tick) != nil || b.ahead.side(side).denied(tick, b.depthSeq) != 0 ||
		slices.ContainsFunc(rows, func(e hft.Event) bool { return e.Side() == side && b.tick(&e) == tick })
}

// difference is what a snapshot and a book have differently.
type difference struct {
	n           int
	side        hft.Side
	px          float64
	book, venue float64
}

func (d *difference) add(side hft.Side, px, book, venue float64) {
	if d.n++; d.n == 1 {
		d.side, d.px, d.book, d.venue = side, px, book, venue
	}
}

// String says how many levels differ, and how the first does.
func (d *difference) String() string {
	side, levels := "bid", "levels"
	if d.side == hft.Sell {
		side = "ask"
	}
	if d.n == 1 {
		levels = "level"
	}
	return fmt.Sprintf("a snapshot differs from the book in %d %s: the first is the %s of %v, %v in the book and %v in the snapshot", d.n, levels, side, d.px, d.book, d.venue)
}
