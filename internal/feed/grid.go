package feed

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// grid are an instrument's steps.
type grid struct {
	tick, lot, perTick, perLot float64
}

func newGrid(tickSize, lotSize float64) grid {
	return grid{tick: tickSize, lot: lotSize, perTick: 1 / tickSize, perLot: 1 / lotSize}
}

// checkRows counts the published rows that are off the grid, which are passed on as they are, and the trades outside of the book.
func (b *Book) checkRows(rows []hft.Event) {
	g := &b.grid
	for i := range rows {
		row := &rows[i]
		switch row.Kind() { // of no grid
		case hft.DepthClearEvent:
			continue
		case hft.OffBookTrade:
			b.count(OffBook)
			continue
		}
		if nearWhole(row.Px*g.perTick) && nearWhole(row.Qty*g.perLot) {
			continue
		}
		offTick, offLot := g.off(row)
		b.noteRounded(row, offTick, offLot)
		switch {
		case !offTick && !offLot:
		case b.report.Found[OffGrid].N == 0:
			b.tell(OffGrid, g.describe(row, offTick), nil)
		case b.report.Found[OffGrid].N < maxExamples:
			b.report.add(b.problem(OffGrid, g.describe(row, offTick), nil))
		default:
			b.count(OffGrid)
		}
	}
}

// noteRounded notes, where a row is no trade, that the book cannot have it as it is.
func (b *Book) noteRounded(row *hft.Event, offTick, offLot bool) {
	if (offTick || offLot && row.Qty < b.grid.lot) && row.Kind() != hft.TradeEvent {
		b.check.round(b.tick(row))
	}
}

// off reports whether a row's price and quantity are no multiples of the steps.
func (g *grid) off(row *hft.Event) (offTick, offLot bool) {
	return offGrid(row.Px, row.Px*g.perTick, g.tick), offGrid(row.Qty, row.Qty*g.perLot, g.lot)
}

func (g *grid) describe(row *hft.Event, offTick bool) string {
	what, value, step, name := "quantity", row.Qty, g.lot, "lot_size"
	if offTick {
		what, value, step, name = "price", row.Px, g.tick, "tick_size"
	}
	of := "level"
	switch row.Kind() {
	case hft.TradeEvent:
		of = "trade"
	case hft.DepthSnapshotEvent: // it may have waited for the message in hand
		of = "snapshot's level"
	}
	return fmt.Sprintf("the %s %v of a %s is not a multiple of %s %v", what, value, of, name, step)
}

// nearWhole reports, for less than 2^51, whether x is a whole number but for the error of a product.
func nearWhole(x float64) bool {
	off := x - (x + 0x1.8p52 - 0x1.8p52)
	return off <= 1e-6 && off >= -1e-6
}

// offGrid reports whether a value is no whole number of steps, beyond the error of decimal fractions in binary. steps is the
// quotient, or the product that may be some units in the last place off it.
func offGrid(value, steps, step float64) bool {
	if nearWhole(steps) {
		return false
	}
	steps = value / step
	return !(math.Abs(steps-math.Round(steps)) <= 1e-6+math.Abs(steps)*0x1p-50)
}
