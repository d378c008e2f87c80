package feed

import (
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// Seq is the place of the newest depth message in the book among all that the venue says about it (connector.Message.Seq), 0
// when the venue does not say or the book is not in step.
func (b *Book) Seq() int64 { return b.depthSeq }

// Agrees reports whether the best levels of the book are these: rows of both sides, each from the best on, as a venue tells
// them when it is asked. Prices at which a row was off the grid are left out, as in compare.
func (b *Book) Agrees(rows []hft.Event) bool {
	for i := range rows {
		offTick, offLot := b.grid.off(&rows[i])
		b.noteRounded(&rows[i], offTick, offLot)
	}
	rounded := b.check.rounded
	if len(rounded) >= maxRounded {
		return true // the steps are wrong, and nothing is compared
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		levels := slices.DeleteFunc(b.fused.Levels(side, nil), func(l depth.Level) bool { return rounded[l.PriceTick] })
		n := 0
		for i := range rows {
			row := &rows[i]
			if row.Side() != side || rounded[b.tick(row)] {
				continue
			}
			if n == len(levels) || levels[n].PriceTick != b.tick(row) || math.Abs(levels[n].Qty-row.Qty) > b.cfg.LotSize/2 {
				return false
			}
			n++
		}
		if n == 0 && len(levels) > 0 {
			return false
		}
	}
	return true
}
