package host

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// Sent notes a request before its bytes leave; see connector.Journaler.
func (p *publisher) Sent(s *connector.Sent) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	inst := p.instruments[s.InstrumentNo]
	head := journal.Head{Kind: journal.KindSent, Bot: s.Owner.Bot, Incarnation: s.Owner.Incarnation,
		Instrument: inst.journalNo(p)}
	err := note(p.record, &head, &journal.Sent{Order: s.Order.Order, Number: s.Number}, s.Origin, s.ClientID,
		s.NewClientID)
	if err == nil || p.record.cfg.ContinueOnError {
		return nil
	}
	return fmt.Errorf("not sent: the journal cannot be written: %w", err)
}

// Answered notes the venue's answer to a request; see connector.Journaler. What room is left in memory, where there is
// little, is for executions.
func (p *publisher) Answered(a *connector.Answer) {
	w := p.record.w()
	if w == nil || w.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.InstrumentNo < 0 || a.InstrumentNo >= len(p.instruments) { // of a symbol that nobody trades
		return
	}
	head := journal.Head{Kind: journal.KindAnswered, Bot: a.Owner.Bot, Incarnation: a.Owner.Incarnation,
		Instrument: p.instruments[a.InstrumentNo].journalNo(p)}
	_ = note(p.record, &head, &journal.Answer{Order: a.Order.Order, VenueNs: a.VenueNs, Code: a.Code,
		Outcome: journal.Outcome(a.Outcome)}, a.Origin, a.ClientID, a.VenueID, a.Reason) // counted
}

// ExecutionsRead notes how far the venue's executions are known; see connector.Journaler. The first time in a run it
// says that what earlier runs have left is known, too.
func (p *publisher) ExecutionsRead(instrumentNo int, untilNs, eventsNs int64) {
	p.mu.Lock()
	inst := p.instruments[instrumentNo]
	note(p.record, &journal.Head{Kind: journal.KindExecutionsRead, Instrument: inst.journalNo(p)},
		&journal.ExecutionsRead{UntilNs: untilNs, EventsNs: eventsNs})
	inst.account.eventsNs = max(inst.account.eventsNs, eventsNs)
	p.mu.Unlock()
	p.endRecovery(inst)
}

// Unrecoverable ends the wait for an instrument that cannot be traded; see connector.Journaler.
func (p *publisher) Unrecoverable(instrumentNo int) {
	p.mu.Lock()
	inst := p.instruments[instrumentNo]
	p.mu.Unlock()
	p.endRecovery(inst)
}

// endRecovery lets strategies start that wait for what an earlier run has left of an instrument.
func (p *publisher) endRecovery(inst *instrument) {
	p.mu.Lock()
	first := inst.recovering
	inst.recovering = false
	over := first && !slices.ContainsFunc(p.instruments, func(i *instrument) bool { return i.recovering })
	p.mu.Unlock()
	if first {
		p.recovered()
	}
	if over {
		p.tellRecovered()
	}
}

// tellRecovered logs what is known after the venue was asked what has become of an earlier run's orders.
func (p *publisher) tellRecovered() {
	var positions []any
	orders, learnt := 0, uint64(0)
	p.mu.Lock()
	for _, inst := range p.instruments {
		learnt += inst.learnt
		for _, list := range []map[uint64]*holding{inst.holdings, inst.orphans} {
			for _, bot := range slices.Sorted(maps.Keys(list)) {
				h := list[bot]
				orders += h.orders.View().Len()
				if h.profit.position != 0 {
					positions = append(positions, h.strategy+" "+inst.symbol, amount(h.profit.position, inst.lotSize))
				}
			}
		}
	}
	p.mu.Unlock()
	text, log := "the venue has told what an earlier run left", p.log.Info
	if p.unclean {
		text, log = "recovered after an unclean end of the last run", p.log.Warn
	}
	log(text, append([]any{"open_orders", orders, "executions_learnt", learnt, "positions", len(positions) / 2},
		positions...)...)
}
