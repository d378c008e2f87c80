package check

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// rows looks at the next rows. The work of a row without a fault is here and in the calls of its class.
func (c *checker) rows(rows []hft.Event) {
	for i := range rows {
		ev := &rows[i]
		kind := ev.Kind()
		c.flags[ev.Ev>>28&15]++
		c.kinds[kind]++
		class := c.class[kind]
		if ev.LocalTimestampNs < ev.ExchTimestampNs {
			c.fault(&c.NegativeLatency, ev.LocalTimestampNs, spanNs(ev.LocalTimestampNs, ev.ExchTimestampNs))
		}
		if class&hasPrice != 0 {
			c.price(ev)
		} else if class == 0 {
			c.fault(&c.UnknownKinds, ev.LocalTimestampNs, float64(kind))
		}
		if ev.Ev&hft.ExchEvent != 0 {
			c.exchTime(ev)
		}
		if ev.Ev&hft.LocalEvent != 0 {
			c.localTime(ev)
			c.apply(ev, class)
		}
		c.row++
	}
}

// price checks price and quantity.
func (c *checker) price(ev *hft.Event) {
	if math.Float64bits(ev.Px) >= positiveFinite && !(ev.Px == 0) {
		c.fault(&c.BadPrices, ev.LocalTimestampNs, finiteOrZero(ev.Px))
	} else if !c.gridChecked {
		// The product may be some units in the last place off the quotient; offStep looks again.
		ticks := float64(ev.Px * c.perTick)
		if off := ticks - float64(int64(ticks+0.5)); (off > 1e-6 || off < -1e-6) && offStep(ev.Px/c.TickSize) {
			c.fault(&c.OffTick, ev.LocalTimestampNs, ev.Px)
		}
	}
	if math.Float64bits(ev.Qty) >= positiveFinite && !(ev.Qty == 0) {
		c.fault(&c.BadQuantities, ev.LocalTimestampNs, finiteOrZero(ev.Qty))
	} else if !c.gridChecked {
		lots := float64(ev.Qty * c.perLot)
		if off := lots - float64(int64(lots+0.5)); (off > 1e-6 || off < -1e-6) && offStep(ev.Qty/c.LotSize) {
			c.fault(&c.OffLot, ev.LocalTimestampNs, ev.Qty)
		}
	}
}

// offStep reports whether a price or quantity in steps is no whole number, beyond the error of decimal fractions in binary.
func offStep(steps float64) bool {
	return math.Abs(steps-math.Round(steps)) > 1e-6+steps*0x1p-50
}

func finiteOrZero(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// spanNs returns the nanoseconds from one time to a later one; the difference of any two fits 64 bits without sign.
func spanNs(from, to int64) float64 { return float64(uint64(to) - uint64(from)) }

// later reports whether to is more than limitNs after from.
func later(from, to, limitNs int64) bool {
	return to > from && uint64(to)-uint64(from) > uint64(limitNs)
}

func (c *checker) exchTime(ev *hft.Event) {
	if !c.hasExch {
		c.hasExch, c.FirstExchTimestampNs = true, ev.ExchTimestampNs
	} else if ev.ExchTimestampNs < c.LastExchTimestampNs {
		c.fault(&c.ExchOrder, ev.ExchTimestampNs, spanNs(ev.ExchTimestampNs, c.LastExchTimestampNs))
	}
	c.LastExchTimestampNs = ev.ExchTimestampNs
}

// localTime follows the messages: rows of one local time in a row.
func (c *checker) localTime(ev *hft.Event) {
	ts, last := ev.LocalTimestampNs, c.LastLocalTimestampNs
	if ts == last && c.Messages > 0 {
		return
	}
	latencyNs := ts - ev.ExchTimestampNs
	if c.Messages == 0 {
		c.FirstLocalTimestampNs = ts
	} else {
		c.endMessage()
		if ts < last {
			c.fault(&c.LocalOrder, ts, spanNs(ts, last))
		} else if later(last, ts, c.GapLimitNs) {
			c.fault(&c.Gaps, ts, spanNs(last, ts))
		}
		if later(c.latencyNs, latencyNs, c.ClockStepLimitNs) || later(latencyNs, c.latencyNs, c.ClockStepLimitNs) {
			c.fault(&c.ClockSteps, ts, spanNs(min(c.latencyNs, latencyNs), max(c.latencyNs, latencyNs)))
		}
	}
	c.Messages++
	c.LastLocalTimestampNs, c.latencyNs, c.messageRow = ts, latencyNs, c.row
}

// apply changes the book of the local side.
func (c *checker) apply(ev *hft.Event, class class) {
	if class&(level|order|clears) == 0 {
		return
	}
	side := ev.Side()
	switch {
	case class&clears != 0:
		c.book.clear(side, ev.Px)
		if side != hft.SideNone {
			c.Book = BookNatural
		} else if c.Book == "" && math.IsNaN(ev.Px) {
			c.Book = BookByRule
		}
	case side == hft.SideNone && (class&level != 0 || ev.Kind() == hft.AddOrderEvent):
		c.fault(&c.NoSide, ev.LocalTimestampNs, float64(ev.Kind()))
	case class&level != 0:
		c.book.updateLevel(side, ev)
	case !c.book.updateOrder(side, ev):
		c.fault(&c.OrderErrors, ev.LocalTimestampNs, float64(ev.Kind()))
	}
}

// endMessage looks at the book after a complete message.
func (c *checker) endMessage() {
	now := c.book.state()
	if now == c.episode {
		return
	}
	c.endEpisode()
	c.episode, c.episodeStart = now, Example{Row: c.messageRow, TimestampNs: c.LastLocalTimestampNs}
}

// endEpisode notes how long the book was crossed or locked, if it was.
func (c *checker) endEpisode() {
	if c.episode == bookFine {
		return
	}
	c.episodeStart.Value = spanNs(c.episodeStart.TimestampNs, max(c.episodeStart.TimestampNs, c.LastLocalTimestampNs))
	if c.episode == bookCrossed {
		c.found(&c.Crossed, c.episodeStart)
	} else {
		c.found(&c.Locked, c.episodeStart)
	}
}

// finish ends the last message and sums up.
func (c *checker) finish() Report {
	if c.Messages > 0 {
		c.endMessage()
		c.endEpisode()
	}
	c.Rows = c.row
	for flags, n := range c.flags {
		ev := uint64(flags) << 28
		for _, f := range []struct {
			flag uint64
			sum  *int64
		}{{hft.ExchEvent, &c.ExchRows}, {hft.LocalEvent, &c.LocalRows}, {hft.BuyEvent, &c.BuyRows}, {hft.SellEvent, &c.SellRows}} {
			if ev&f.flag != 0 {
				*f.sum += n
			}
		}
		if ev&(hft.ExchEvent|hft.LocalEvent) == 0 {
			c.UnflaggedRows += n
		}
	}
	for kind, n := range c.kinds {
		if n == 0 {
			continue
		}
		c.Kinds = append(c.Kinds, KindCount{Kind: uint64(kind), Name: kindName(uint64(kind)), Count: n})
		if c.class[kind]&(level|order) != 0 && uint64(kind) != hft.FillEvent {
			c.DepthRows += n
		}
	}
	return c.Report
}
