package host

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/risk"
)

// admit makes the bot of a process, which takes part in trading from then on.
func (h *Host) admit(peer *hostipc.AttachPeer) (*strategy, *instance, error) {
	h.attached.admission.Lock()
	defer h.attached.admission.Unlock()
	old, err := h.predecessor(peer.Request.BotID)
	if err != nil {
		return nil, nil, err
	}
	publishers, err := h.publishersOf(peer.Request.Instruments)
	if err != nil {
		return nil, nil, err
	}
	s := h.newAttached(peer, old)
	holdings, list, err := s.hold(peer.Request.Instruments, publishers)
	defer list() // at the end, so that the bot learns what the connector says to it
	if err != nil {
		return nil, nil, err
	}
	ses, err := newSession(s, holdings, s.incarnation)
	if err != nil {
		return nil, nil, fmt.Errorf("create the memory of %s: %w", s.cfg.Name, err)
	}
	inst := &instance{session: ses, ended: make(chan ending, 1), quiet: make(chan struct{})}
	s.state, s.current, s.startedAt = Running, inst, time.Now()
	h.attached.put(s, old)
	ses.activate()
	h.record.process(journal.KindStarted, s, inst, 0, s.cfg.Plugin, "")
	return s, inst, nil
}

// predecessor returns the last bot of that id, nil if there was none; the error says who has the id now.
func (h *Host) predecessor(botID uint64) (*strategy, error) {
	for _, s := range h.strategies {
		if s.botID == botID {
			return nil, &hft.BuildError{Kind: hft.Duplicate,
				What: fmt.Sprintf("bot id %d: in use by strategy %s, use another", botID, s.cfg.Name)}
		}
	}
	old := h.attached.find(botID)
	if old == nil {
		return nil, h.attached.makeRoom()
	}
	timer := time.NewTimer(handover)
	defer timer.Stop()
	select {
	case <-old.done:
	case <-old.peer.Gone():
		<-old.done
	case <-timer.C:
		return nil, &hft.BuildError{Kind: hft.Duplicate,
			What: fmt.Sprintf("bot id %d: in use by connected process %d, use another", botID, old.peer.PID)}
	}
	return old, nil
}

// publishersOf returns the connectors of the instruments, or what is wrong with one of them.
func (h *Host) publishersOf(instruments []ipc.Instrument) ([]*publisher, error) {
	var list []*publisher
	for _, inst := range instruments {
		i := slices.IndexFunc(h.publishers, func(p *publisher) bool { return p.name == inst.Connector })
		if i >= 0 && !h.publishers[i].isOpen() {
			return nil, fmt.Errorf("connector %s, try again later: %s", inst.Connector, h.publishers[i].getTrouble())
		}
		if i < 0 {
			var names []string
			for _, p := range h.publishers {
				names = append(names, p.name)
			}
			return nil, fmt.Errorf("%w (the host has %s)",
				&hft.BuildError{Kind: hft.ConnectorNotFound, What: inst.Connector}, strings.Join(names, ", "))
		}
		if err := h.publishers[i].accepts(inst); err != nil {
			return nil, err
		}
		list = append(list, h.publishers[i])
	}
	return list, nil
}

// accepts returns why an instrument cannot be traded by an attached process.
func (p *publisher) accepts(inst ipc.Instrument) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.bySymbol[inst.Symbol]
	switch {
	case known != nil && known.recovering:
		return fmt.Errorf("%s %s: the venue has not told yet what has become of the orders of an earlier run, try again later", p.name, inst.Symbol)
	case known == nil && len(p.instruments) >= maxAttachedInstruments:
		return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(
			"%s %s: the connector has %d instruments already: configure more in the host", p.name, inst.Symbol, len(p.instruments))}
	case known != nil && (known.tickSize != inst.TickSize || known.lotSize != inst.LotSize):
		return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(
			"%s %s has tick size %v and lot size %v at the host, not %v and %v", p.name, inst.Symbol, known.tickSize,
			known.lotSize, inst.TickSize, inst.LotSize)}
	}
	return nil
}

// newAttached returns the strategy of a process; it continues its predecessor, if it has one.
func (h *Host) newAttached(peer *hostipc.AttachPeer, old *strategy) *strategy {
	r := peer.Request
	cfg := StrategyConfig{Name: fmt.Sprintf("attached-%d", r.BotID), Plugin: attachedPlugin, BotID: r.BotID, Wait: r.Wait,
		OnExit: CancelOrders, Position: StrategyPosition}
	if r.KeepOrders {
		cfg.OnExit = KeepOrders
	}
	s := newStrategy(h, cfg)
	s.peer = peer
	if old != nil {
		s.holdings, s.stats = slices.Clone(old.holdings), old.stats
		s.incarnation, s.restarts, s.late = old.incarnation, old.restarts+1, old.late
		s.limits = old.limits
	} else {
		s.limits = h.gate.Strategy(cfg.Name, risk.Limits{})
		s.incarnation = h.pastProcesses[s.botID]
	}
	s.incarnation++
	return s
}

// hold returns the strategy's holdings of the instruments, new ones where it has none. list subscribes those that are
// new to their connector; it is to be called in any case.
func (s *strategy) hold(instruments []ipc.Instrument, publishers []*publisher) (holdings []*holding, list func(), err error) {
	type unlisted struct {
		p    *publisher
		inst *instrument
	}
	var fresh []unlisted
	list = func() {
		for _, u := range fresh {
			u.p.list(u.inst)
		}
	}
	for i, inst := range instruments {
		p := publishers[i]
		known := slices.IndexFunc(s.holdings, func(h *holding) bool { return h.pub == p && h.cfg.Symbol == inst.Symbol })
		if known >= 0 {
			holdings = append(holdings, s.holdings[known])
			continue
		}
		cfg := InstrumentConfig{Connector: inst.Connector, Symbol: inst.Symbol, TickSize: inst.TickSize, LotSize: inst.LotSize}
		at, isFresh, err := p.register(cfg)
		if err != nil {
			return nil, list, &hft.BuildError{Kind: hft.InvalidArgument, What: err.Error()}
		}
		if isFresh {
			fresh = append(fresh, unlisted{p, at})
		}
		h := newHolding(cfg, s, p, at)
		s.holdings = append(s.holdings, h)
		holdings = append(holdings, h)
	}
	return holdings, list, nil
}
