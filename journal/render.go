package journal

import "slices"

// Line is a record as people and their programs read it.
type Line struct {
	Sequence    uint64   `json:"sequence"`
	TimeNs      int64    `json:"time_ns"`
	Kind        string   `json:"kind"`
	Bot         uint64   `json:"bot,omitempty"`
	Incarnation uint32   `json:"incarnation,omitempty"`
	Instrument  uint32   `json:"instrument,omitempty"`
	Body        any      `json:"body,omitempty"`
	Texts       []string `json:"texts,omitempty"`
}

// Line returns the record in that form; it stays valid.
func (r *Record) Line() Line {
	return Line{r.Sequence, r.TimeNs, r.Kind.String(), r.Bot, r.Incarnation, r.Instrument, r.bodyOf(), slices.Collect(r.Texts())}
}

func (r *Record) bodyOf() any {
	switch r.Kind {
	case KindInstrument:
		return bodyAs[Instrument](r)
	case KindRunBegun, KindRunEnded:
		return bodyAs[Run](r)
	case KindStarted, KindStopped, KindFailed, KindReplaced:
		return bodyAs[Process](r)
	case KindRequest:
		return bodyAs[Request](r)
	case KindRefused:
		return bodyAs[Refusal](r)
	case KindSent:
		return bodyAs[Sent](r)
	case KindAnswered:
		return bodyAs[Answer](r)
	case KindOrder:
		return bodyAs[OrderState](r)
	case KindExecution, KindReconciled:
		return bodyAs[Execution](r)
	case KindVenuePosition:
		return bodyAs[VenuePosition](r)
	case KindBalance:
		return bodyAs[Balance](r)
	case KindFunding:
		return bodyAs[Funding](r)
	case KindMark:
		return bodyAs[Mark](r)
	case KindTradingState:
		return bodyAs[TradingState](r)
	case KindClockStep:
		return bodyAs[ClockStep](r)
	case KindLost:
		return bodyAs[Lost](r)
	}
	return nil
}

func bodyAs[B Body](r *Record) B {
	b, _ := As[B](r)
	return b
}
