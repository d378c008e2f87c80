package backtest

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
)

// cursor walks over the rows of a tape that have one flag: the local or the exchange side's.
type cursor struct {
	tape  *tape
	flag  uint64
	local bool
	block *block
	rows  []hft.Event
	i     int
	// err is why the tape ended early.
	err error
}

func newCursor(t *tape, flag uint64) cursor {
	return cursor{tape: t, flag: flag, local: flag == hft.LocalEvent, block: t.head, i: -1}
}

// row returns the row that the last advance came to, valid until the next.
func (c *cursor) row() *hft.Event { return &c.rows[c.i] }

// advance goes to the next row with the flag and returns its time, sim.NeverNs at the end.
func (c *cursor) advance() int64 {
	for {
		c.i++
		if c.i >= len(c.rows) {
			if !c.nextBlock() {
				return exchange.NeverNs
			}
			c.i = 0
		}
		e := &c.rows[c.i]
		if e.Ev&c.flag == 0 {
			continue
		}
		if c.local {
			return e.LocalTimestampNs
		}
		return e.ExchTimestampNs
	}
}

// nextBlock goes to the next block with rows.
func (c *cursor) nextBlock() bool {
	for {
		if c.block.err != nil {
			c.err = c.block.err
			return false
		}
		next := c.tape.after(c.block)
		if next == nil {
			return false
		}
		c.tape.leave(c.block)
		c.block, c.rows = next, next.rows
		if len(c.rows) > 0 {
			return true
		}
	}
}
