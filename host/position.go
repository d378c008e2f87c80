package host

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// The account's position in an instrument is what its strategies have, of whatever run, and what belongs to none of
// them: what the account held when it was first seen, and what the operator says. Each settled answer of the venue is
// held against that. A difference first makes the connector ask for executions and account events; the same one again,
// some time later and with those known, is a mismatch.

// OnMismatch is the action on a mismatch of positions.
type OnMismatch string

// Actions on a mismatch.
const (
	// HaltOnMismatch: the instrument takes no new orders, its open ones are canceled.
	HaltOnMismatch OnMismatch = "halt"
	// WarnOnMismatch: it is reported.
	WarnOnMismatch OnMismatch = "warn"
)

const (
	// defaultMismatchAfter is ConnectorConfig.MismatchAfter when it is 0.
	defaultMismatchAfter = 10 * time.Second
	// compareSoon is the time until a position is asked for again that cannot be compared yet.
	compareSoon = time.Second
)

// ownership has the part of the account's position in an instrument that belongs to no strategy, and the part that cannot
// be explained. The publisher's lock guards it.
type ownership struct {
	known        bool   // the position was seen, in this or an earlier run
	asset        string // on spot: whose balance the position is, with fractions of lots
	unattributed float64
	named        bool // unattributed was logged in this run
	// venue is the position that was compared last and difference what of it is neither the strategies' nor
	// unattributed, since sinceNs of the venue's time; mismatch is the last that was confirmed, 0 for none.
	venue, difference, mismatch float64
	sinceNs                     int64
}

var _ connector.PositionWatcher = (*publisher)(nil)

// PositionSettled compares the account's position with what is known of it.
func (p *publisher) PositionSettled(s connector.SettledPosition) (again time.Duration) {
	p.mu.Lock()
	again, tell := p.compare(p.shared(&s), &s)
	p.mu.Unlock()
	if tell != nil {
		tell()
	}
	return again
}

// compare returns when the position is to be asked for again, and what logs the outcome, without the lock. The lock is
// held.
func (p *publisher) compare(inst *instrument, s *connector.SettledPosition) (again time.Duration, tell func()) {
	for _, member := range inst.members() {
		if member.recovering {
			return compareSoon, nil
		}
	}
	o, own := &inst.ownership, p.owned(inst)
	o.venue = s.Qty
	if !o.known {
		p.attribute(inst, s.Qty-own, "the account's position when it was first seen")
	}
	d := inst.whole(s.Qty - own - o.unattributed)
	if d == 0 {
		return 0, p.agrees(inst, own)
	}
	if d != o.difference {
		o.difference, o.sinceNs = d, s.AskedNs
		return p.mismatchAfter, nil
	}
	if left := p.mismatchAfter - time.Duration(s.AskedNs-o.sinceNs); left > 0 || s.KnownNs < o.sinceNs {
		return max(left, compareSoon), nil
	}
	if d == o.mismatch {
		return 0, nil
	}
	return 0, p.mismatched(inst, own)
}

// whole returns a quantity in whole lots.
func (i *instrument) whole(qty float64) float64 {
	return math.Round(qty/i.lotSize) * i.lotSize
}

// owned returns what all strategies have, those that are not here included. The lock is held.
func (p *publisher) owned(inst *instrument) (sum float64) {
	for _, member := range inst.members() {
		for _, h := range member.byBot() {
			sum += h.profit.position
		}
		if known := p.past[member.symbol]; known != nil {
			for bot, a := range known.accounts {
				if !known.restored[bot] {
					sum += a.OwnPosition
				}
			}
		}
	}
	return sum
}

// attribute notes what belongs to no strategy. The lock is held.
func (p *publisher) attribute(inst *instrument, qty float64, why string) {
	o := &inst.ownership
	if o.known = true; o.asset == "" {
		qty = inst.whole(qty)
	}
	o.unattributed = qty
	noteTogether(p, &journal.Head{Kind: journal.KindUnattributed, Instrument: inst.journalNo(p)},
		&journal.Unattributed{Qty: o.unattributed, Venue: o.venue}, why)
}

// noteMismatch notes that positions do not agree, or do again. The lock is held.
func (p *publisher) noteMismatch(inst *instrument, own float64, details string) {
	o := &inst.ownership
	note(p.record, &journal.Head{Kind: journal.KindMismatch, Instrument: inst.journalNo(p)},
		&journal.Mismatch{Venue: o.venue, Strategies: own, Unattributed: o.unattributed}, details)
}

// agrees takes a position that is as known, and names what of it belongs to no strategy, once in a run. The lock is held.
func (p *publisher) agrees(inst *instrument, own float64) (tell func()) {
	o := &inst.ownership
	was, fresh := o.mismatch, !o.named && o.unattributed != 0
	o.difference, o.mismatch, o.named = 0, 0, true
	if was != 0 {
		p.noteMismatch(inst, own, "positions agree again")
	}
	if was == 0 && !fresh {
		return nil
	}
	unattributed, halted, spot := o.unattributed, inst.trading.state == tradingHalted, o.asset != ""
	return func() {
		if was != 0 {
			p.log.Info("the account's position agrees with the strategies' again", "symbol", inst.symbol, "halted",
				halted)
		}
		if fresh && !spot {
			p.log.Warn("the account holds a position that belongs to no strategy: none trades or closes it", "symbol",
				inst.symbol, "qty", rounded(unattributed),
				"fix", fmt.Sprintf("leave it, close it at the venue, or: runner adopt STRATEGY %s %s", p.name, inst.symbol))
		}
	}
}

// mismatched takes a difference that has lasted. The lock is held.
func (p *publisher) mismatched(inst *instrument, own float64) (tell func()) {
	o := &inst.ownership
	o.mismatch = o.difference
	details := fmt.Sprintf("the account has %v %s, the strategies %v", rounded(o.venue), cmp.Or(o.asset, inst.symbol),
		rounded(own))
	if o.unattributed != 0 {
		details += fmt.Sprintf(", no strategy %v", rounded(o.unattributed))
	}
	p.noteMismatch(inst, own, details)
	for _, member := range inst.members() {
		p.sendError(&connector.Error{InstrumentNo: member.no,
			LiveError: hft.CustomLiveError(hft.CodeAccount, hft.StringValue("positions do not match: "+details))})
	}
	log, consequence := p.log.Warn, "trading goes on (on_mismatch)"
	if p.onMismatch == HaltOnMismatch || p.onMismatch == "" && o.asset == "" {
		log, consequence = p.log.Error, "no new orders on it, open ones are canceled, nothing is sold"
		for _, member := range inst.members() {
			p.halt(member, mismatchText+details)
		}
	}
	difference := rounded(o.mismatch)
	return func() {
		log("positions do not match: "+details, "symbol", inst.symbol, "difference", difference,
			"consequence", consequence, "fix", fmt.Sprintf("find out why, then: runner adopt STRATEGY %[1]s %[2]s, or "+
				"runner adopt --none %[1]s %[2]s", p.name, inst.symbol))
	}
}
