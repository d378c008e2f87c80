package check

import (
	"fmt"
	"strconv"
)

// crossedShare is the part of the time for which a book may be crossed before that is an error: a feed crosses for
// moments, a lost message or a wrong tick size crosses for long.
const crossedShare = 0.01

// offTickShare is the part of the rows from which on prices that are no multiples are those of another tick size, and quantities the same.
const offTickShare = 0.5

// Problems returns what is wrong with the data in words, errors first; none when all is well.
func (r *Report) Problems() []Problem {
	problems := append(r.wholeProblems(), r.errorProblems()...)
	return append(problems, r.warningProblems()...)
}

// whole is a problem of the data as a whole.
func whole(what, advice string) Problem {
	return Problem{Severity: SeverityError, What: what, Advice: advice, Row: -1, Count: 1}
}

// wholeProblems are errors that no single row is to blame for.
func (r *Report) wholeProblems() []Problem {
	if r.Rows == 0 {
		return []Problem{whole("There are no rows.", "Use another file, or convert this one again from its recording.")}
	}
	var problems []Problem
	switch {
	case r.ExchRows == 0 && r.LocalRows == 0:
		problems = append(problems, whole("No row is flagged for the exchange or the local side, so nothing would be processed.",
			"Make the file with `runner convert`, which sets the flags and the order of the rows."))
	case r.ExchRows == 0:
		problems = append(problems, whole("No row is flagged for the exchange side, so no order would ever be filled.",
			"Make the file with `runner convert`."))
	case r.LocalRows == 0:
		problems = append(problems, whole("No row is flagged for the local side, so the strategy would see no market.",
			"Make the file with `runner convert`."))
	}
	switch {
	case r.DepthRows > 0:
	case r.recorded:
		problems = append(problems, whole("There is no row of a book: none of the recording was ever complete.",
			"Begin with the book before it, by snapshot or --initial, or record a snapshot after the start."))
	default:
		problems = append(problems, whole("There is no depth at all, so the book stays empty.",
			"Record the venue's depth stream too, or use a file that has it."))
	}
	return problems
}

// of makes a problem of a finding that has cases.
func of(list []Problem, severity Severity, f *Finding, what, advice string) []Problem {
	if f.Count == 0 {
		return list
	}
	p := Problem{Severity: severity, What: what, Advice: advice, Row: -1, Count: f.Count}
	if len(f.First) > 0 {
		p.Row, p.TimestampNs = f.First[0].Row, f.First[0].TimestampNs
	}
	return append(list, p)
}

// count returns a number with its noun: "1 row", "2 rows".
func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.FormatInt(n, 10) + " " + noun
}

func (r *Report) errorProblems() []Problem {
	const reorder = "Sort the file with `runner convert`; the engine would process these rows in the past."
	var list []Problem
	list = of(list, SeverityError, &r.ExchOrder, fmt.Sprintf("The exchange side goes back in time at %s, at most by %s.",
		count(r.ExchOrder.Count, "row"), duration(r.ExchOrder.Worst)), reorder)
	list = of(list, SeverityError, &r.LocalOrder, fmt.Sprintf("The local side goes back in time at %s, at most by %s.",
		count(r.LocalOrder.Count, "row"), duration(r.LocalOrder.Worst)), reorder)
	list = of(list, SeverityError, &r.NegativeLatency, fmt.Sprintf("%s received before it happened at the exchange, at most by %s.",
		count(r.NegativeLatency.Count, "row")+" was", duration(r.NegativeLatency.Worst)),
		"Correct the local times with `runner convert`; the strategy would see the future.")
	list = of(list, SeverityError, &r.BadPrices, fmt.Sprintf("%s with a price that is negative or not finite.",
		count(r.BadPrices.Count, "row")), "Look at the recording there; the engine would drop or misplace these rows.")
	if r.wrongTick() {
		list = of(list, SeverityError, &r.OffTick, r.offTickText(), offTickAdvice)
	}
	if r.wrongLot() {
		list = of(list, SeverityError, &r.OffLot, r.offLotText(), offLotAdvice)
	}
	list = of(list, SeverityError, &r.BadQuantities, fmt.Sprintf("%s with a quantity that is negative or not finite.",
		count(r.BadQuantities.Count, "row")), "Look at the recording there; quantities are totals of a level, not changes.")
	list = of(list, SeverityError, &r.OrderErrors, fmt.Sprintf("%s to an order that is not there, or add one that is.",
		count(r.OrderErrors.Count, "change")), "Start the file with a snapshot of all orders, and look for lost messages there.")
	if r.crossedTooLong() {
		list = of(list, SeverityError, &r.Crossed, r.crossedText(), r.crossedAdvice())
	}
	return list
}

func (r *Report) crossedTooLong() bool {
	return r.Crossed.Sum > crossedShare*float64(r.LastLocalTimestampNs-r.FirstLocalTimestampNs)
}

func (r *Report) crossedText() string {
	return fmt.Sprintf("The book is crossed %s, %s in all and %s at most.", count(r.Crossed.Count, "time"),
		duration(r.Crossed.Sum), duration(r.Crossed.Worst))
}

func (r *Report) crossedAdvice() string {
	return "Check the tick size and look for lost depth messages before that time; queue positions and fills are unreliable meanwhile."
}

const offTickAdvice = "Check the tick size of the instrument for that day; prices are rounded to it."

// wrongTick reports whether the prices are those of another tick size.
func (r *Report) wrongTick() bool { return float64(r.OffTick.Count) > offTickShare*float64(r.Rows) }

const offLotAdvice = "Check the lot size of the instrument for that day; a book rounds quantities to it."

// wrongLot reports whether the quantities are those of another lot size.
func (r *Report) wrongLot() bool { return float64(r.OffLot.Count) > offTickShare*float64(r.Rows) }

func (r *Report) offLotText() string {
	return fmt.Sprintf("%s of %d with a quantity that is not a multiple of the lot size %v.", count(r.OffLot.Count, "row"), r.Rows, r.LotSize)
}

func (r *Report) offTickText() string {
	return fmt.Sprintf("%s of %d with a price that is not a multiple of the tick size %v.", count(r.OffTick.Count, "row"), r.Rows, r.TickSize)
}

func (r *Report) warningProblems() []Problem {
	var list []Problem
	if !r.crossedTooLong() {
		list = of(list, SeverityWarning, &r.Crossed, r.crossedText(), r.crossedAdvice())
	}
	list = of(list, SeverityWarning, &r.Locked, fmt.Sprintf("The best bid equals the best ask %s, %s in all.", count(r.Locked.Count, "time"),
		duration(r.Locked.Sum)), "Look for lost depth messages before that time if it lasts; some venues do lock for moments.")
	list = of(list, SeverityWarning, &r.Gaps, fmt.Sprintf("No row arrived for more than %s, %s, %s at most.",
		duration(float64(r.GapLimitNs)), count(r.Gaps.Count, "time"), duration(r.Gaps.Worst)),
		"Leave that period out, or fetch it from another recording; the book is stale in a gap.")
	list = of(list, SeverityWarning, &r.ClockSteps, fmt.Sprintf("The feed latency jumps by more than %s from one message to the next, %s, %s at most.",
		duration(float64(r.ClockStepLimitNs)), count(r.ClockSteps.Count, "time"), duration(r.ClockSteps.Worst)),
		"Look whether the recorder's clock was set or the connection stalled there; latencies around it are not the market's.")
	if !r.wrongTick() {
		list = of(list, SeverityWarning, &r.OffTick, r.offTickText(), offTickAdvice)
	}
	if !r.wrongLot() {
		list = of(list, SeverityWarning, &r.OffLot, r.offLotText(), offLotAdvice)
	}
	list = of(list, SeverityWarning, &r.UnknownKinds, fmt.Sprintf("%s of an unknown kind, the first of kind %v.",
		count(r.UnknownKinds.Count, "row"), firstValue(&r.UnknownKinds)), "Use kinds from 100 on for data of your own; the engine ignores these rows.")
	list = of(list, SeverityWarning, &r.NoSide, fmt.Sprintf("%s of depth that is of neither side of the book.",
		count(r.NoSide.Count, "row")), "Set the buy or sell flag; the engine ignores these rows.")
	if r.UnflaggedRows > 0 && r.UnflaggedRows < r.Rows {
		list = append(list, Problem{Severity: SeverityWarning, Row: -1, Count: r.UnflaggedRows,
			What:   fmt.Sprintf("%s flagged for neither the exchange nor the local side.", count(r.UnflaggedRows, "row")),
			Advice: "Make the file with `runner convert`; the engine ignores these rows."})
	}
	return list
}

func firstValue(f *Finding) float64 {
	if len(f.First) == 0 {
		return 0
	}
	return f.First[0].Value
}
