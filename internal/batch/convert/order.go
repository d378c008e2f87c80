package convert

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
)

// checkEvery is the number of rows or lines between two checks of the context.
const checkEvery = 1 << 13

// walk merges the rows by exchange time with those by local time (specification 1.4): a row whose turn it is in both
// orders is given once with both flags, any other once per order, flagged for it. Local times are as recorded. The row
// belongs to walk.
func (c *conversion) walk(ctx context.Context, stage Stage, total int64, emit func(e *hft.Event) error) error {
	exch, err := c.exch.merge(c.options.MemoryRows / 2)
	if err != nil {
		return err
	}
	local, err := c.local.merge(c.options.MemoryRows / 2)
	if err != nil {
		return err
	}
	row := new(hft.Event)
	for n := int64(0); ; n++ {
		if err := c.options.goOn(ctx, stage, n, total); err != nil {
			return err
		}
		a, b := exch.head(), local.head()
		turn := 0
		switch {
		case a == nil && b == nil:
			c.options.Progress(Progress{stage, total, total})
			return nil
		case a == nil:
			turn = 1
		case b == nil:
			turn = -1
		default:
			turn = cmp.Or(cmp.Compare(a.ExchTimestampNs, b.ExchTimestampNs), cmp.Compare(a.LocalTimestampNs, b.LocalTimestampNs))
		}
		flags := uint64(0)
		if turn >= 0 {
			*row, flags = *b, hft.LocalEvent
			if err := local.pop(); err != nil {
				return err
			}
		}
		if turn <= 0 {
			*row = *a
			flags |= hft.ExchEvent
			if err := exch.pop(); err != nil {
				return err
			}
		}
		row.Ev |= flags
		if err := emit(row); err != nil {
			return err
		}
	}
}

// goOn looks at the context before row n of a stage and tells how far it is, now and then.
func (o *Options) goOn(ctx context.Context, stage Stage, n, total int64) error {
	if n%checkEvery != 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	o.Progress(Progress{stage, min(n, total), total})
	return nil
}

// walkRaw gives the rows as they were captured.
func (c *conversion) walkRaw(ctx context.Context, emit func(e *hft.Event) error) error {
	captured, err := c.captured.merge(c.options.MemoryRows)
	if err != nil {
		return err
	}
	row := new(hft.Event)
	for n := int64(0); ; n++ {
		if err := c.options.goOn(ctx, Writing, n, c.captured.rows); err != nil {
			return err
		}
		e := captured.head()
		if e == nil {
			c.options.Progress(Progress{Writing, n, n})
			return nil
		}
		*row = *e
		if err := captured.pop(); err != nil {
			return err
		}
		if err := emit(row); err != nil {
			return err
		}
	}
}

// validator makes sure that rows can be read in both orders, as a backtest does.
type validator struct {
	row                 int64
	exchNs, localNs     int64
	exchSeen, localSeen bool
}

func (v *validator) check(e *hft.Event) error {
	if e.Ev&hft.ExchEvent != 0 {
		if v.exchSeen && e.ExchTimestampNs < v.exchNs {
			return fmt.Errorf("convert: row %d: exchange time %d comes after %d; report this, the order was not corrected", v.row, e.ExchTimestampNs, v.exchNs)
		}
		v.exchSeen, v.exchNs = true, e.ExchTimestampNs
	}
	if e.Ev&hft.LocalEvent != 0 {
		if v.localSeen && e.LocalTimestampNs < v.localNs {
			return fmt.Errorf("convert: row %d: local time %d comes after %d; report this, the order was not corrected", v.row, e.LocalTimestampNs, v.localNs)
		}
		v.localSeen, v.localNs = true, e.LocalTimestampNs
	}
	v.row++
	return nil
}
