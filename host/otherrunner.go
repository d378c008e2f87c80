package host

import (
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// clientIDs are those of earlier runs: the number of the newest one, and whether every order that is older than this run
// is this runner's. takesOver is the operator's word that no other runner is there.
type clientIDs struct {
	newest             uint64
	allOurs, takesOver bool
}

// handIDs tells a connector to a venue which client ids are known, before it runs.
func (p *publisher) handIDs() {
	if to, can := p.made().(connector.Recoverer); can && p.trades && p.recovered != nil {
		to.RecoverIDs(p.ids.newest, p.ids.allOurs)
	}
}

// takenOver lifts a halt of an earlier run that had found another runner, where the operator says that there is none. The
// lock is held.
func (p *publisher) takenOver(inst *instrument, halt *journal.Halt) bool {
	if !p.ids.takesOver || !strings.HasPrefix(halt.Cause, haltedText+otherRunner) {
		return false
	}
	note(p.record, &journal.Head{Kind: journal.KindTradingState, Instrument: inst.journalNo(p)},
		&journal.TradingState{From: halt.State}, "symbol", p.name+" "+inst.symbol, "run --take-over", "command line")
	return true
}

// haltAll halts all instruments of the account, and reports whether any was not. The lock is held.
func (p *publisher) haltAll(e *connector.AccountEvent, cause string) (news bool) {
	news = p.allHalted != cause && len(p.instruments) == 0
	p.allHalted = cause
	for _, inst := range p.instruments {
		if inst.trading.state != tradingHalted || e.Kind == connector.HedgeMode {
			p.halt(inst, cause)
			p.warn(inst.no, connector.Owner{}, e)
			news = true
		}
	}
	return news
}

// haltFresh halts an instrument that comes when all are halted. The lock is held.
func (p *publisher) haltFresh(inst *instrument) {
	if p.allHalted != "" {
		p.halt(inst, p.allHalted)
	}
}
