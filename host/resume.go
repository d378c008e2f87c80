package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/internal/control"
)

// Resume lets halted instruments of a connector take new orders again: one, or with an empty symbol all of them. One
// whose positions do not match stays halted: it is resumed by Adopt, which says whose the difference is.
func (h *Host) Resume(_ context.Context, connectorName, symbol string) ([]control.Resumption, error) {
	h.record.command("resume", strings.TrimSpace(connectorName+" "+symbol))
	if h.haltFile() {
		return nil, fmt.Errorf("the file %s is in %s: remove it first", HaltFileName, h.cfg.StateDir)
	}
	var names []string
	for _, p := range h.publishers {
		if p.name == connectorName {
			return p.lift(symbol)
		}
		names = append(names, p.name)
	}
	return nil, fmt.Errorf("there is no connector %q: use %s", connectorName, strings.Join(names, ", "))
}

// lift lifts the halt of one instrument, or of all.
func (p *publisher) lift(symbol string) (list []control.Resumption, err error) {
	p.mu.Lock()
	instruments := slices.Clone(p.instruments)
	if symbol != "" {
		instruments = []*instrument{p.bySymbol[symbol]}
	} else if p.allHalted != "" {
		p.setAllHalted("", "control socket")
	}
	for _, inst := range instruments {
		if inst == nil {
			p.mu.Unlock()
			return nil, fmt.Errorf("no strategy trades %s on connector %s", symbol, p.name)
		}
		if inst.trading.state != tradingHalted {
			continue
		}
		r := control.Resumption{Symbol: inst.symbol, Cause: inst.trading.cause}
		switch o := &inst.owner().ownership; {
		case inst.recovering:
			r.Refused = "the venue has not told yet what has become of the orders of an earlier run, try again later"
		case o.difference != 0 || o.mismatch != 0:
			r.Refused = fmt.Sprintf("positions do not match by %v: find out why, then: runner adopt STRATEGY %[2]s %[3]s, or "+
				"runner adopt --none %[2]s %[3]s", rounded(o.difference), p.name, inst.symbol)
		default:
			p.setTrading(inst, tradingActive, "runner resume", "control socket")
		}
		list = append(list, r)
	}
	p.mu.Unlock()
	for i := range list {
		if r := &list[i]; r.Refused == "" {
			p.log.Info("new orders are accepted again", "by", "runner resume", "symbol", r.Symbol, "was", r.Cause)
		}
	}
	return list, nil
}

// fixOf returns what the operator is to do about a halted instrument.
func (p *publisher) fixOf(inst *instrument) string {
	return fmt.Sprintf("find out why, then: runner resume %[1]s %[2]s; where positions do not match: runner adopt STRATEGY "+
		"%[1]s %[2]s, or runner adopt --none %[1]s %[2]s", p.name, inst.symbol)
}
