package host

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/risk"
)

// State of a strategy.
type State string

// States of a strategy.
const (
	// Starting: its process is being started.
	Starting State = "starting"
	// Running: it trades.
	Running State = "running"
	// Stopping: its process is being stopped, or the end of its orders is waited for.
	Stopping State = "stopping"
	// Backoff: it ended unexpectedly and waits to be started again.
	Backoff State = "backoff"
	// Stopped: it was stopped, or has not been started.
	Stopped State = "stopped"
	// Failed: it is not started again by itself, because it could not be or ended too often.
	Failed State = "failed"
	// Ended: it returned by itself, at the end of the data or because it was done.
	Ended State = "ended"
)

// strategy is one strategy block: its identity, what it holds, and its process. The supervisor goroutine is the only
// one to change the process; mu guards what others read.
type strategy struct {
	cfg      StrategyConfig
	botID    uint64
	host     *Host
	log      hclog.Logger
	holdings []*holding
	limits   *risk.Scope
	stats    *strategyStats
	output   *output             // of its processes
	peer     *hostipc.AttachPeer // the process, if it attached itself
	commands chan command
	done     chan struct{}      // closed when the supervisor has ended
	left     atomic.Int64       // orders that are being canceled because something ends
	late     context.CancelFunc // ends the wait, after exit_timeout, for what an earlier end of its process has left
	// registered is closed when the strategy has its holdings or is unfit, nil if it had them from the beginning.
	registered chan struct{}
	// told has something when a venue has told what has become of an earlier run's orders.
	told chan struct{}
	// refused is the binary that on_change has not taken, and when that was written. The watch's goroutine uses it.
	refused struct {
		sum string
		at  time.Time
	}

	// saved is the state that the next process is given, latched why it waits for a command, nil where it does not.
	// The supervisor's goroutine uses them.
	saved   *journal.Saved
	latched *journal.Held

	mu          sync.Mutex
	state       State
	reason      string
	current     *instance
	incarnation uint32
	restarts    int
	version     string
	sum         string // of the binary that runs
	tried       string // of the one that was started last, whether it runs or not
	startedAt   time.Time
	expectedBy  []*barrier // that wait for its process
	// leftProcesses could not be ended.
	leftProcesses []string
	// unfit is the reason why it cannot be registered at a venue that was reached late; byHand is true if it was
	// stopped since it last started.
	unfit  error
	byHand bool
}

func newStrategy(h *Host, cfg StrategyConfig) *strategy {
	s := &strategy{cfg: cfg, botID: cfg.BotID, host: h, log: h.log.Named(cfg.Name), state: Stopped,
		commands: make(chan command), done: make(chan struct{}), told: make(chan struct{}, 1)}
	if s.botID == 0 {
		s.botID = botIDOf(cfg.Name)
	}
	s.stats = &strategyStats{latency: newLatencyHistogram()}
	s.output = newOutput(h.cfg.StateDir, cfg.Name, h.cfg.StrategyLogs, s.log)
	return s
}

// botIDOf derives a bot's id from its strategy's name, so that it is the same after every restart of the host.
func botIDOf(name string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(name))
	return max(f.Sum64(), 1)
}

// register makes the strategy's instruments known to their connectors.
func (s *strategy) register(publishers map[string]*publisher) error {
	for _, cfg := range s.cfg.Instruments {
		p := publishers[cfg.Connector]
		if p == nil {
			return fmt.Errorf("strategy %s: no connector %q", s.cfg.Name, cfg.Connector)
		}
		inst, fresh, err := p.register(cfg)
		if err != nil {
			return fmt.Errorf("strategy %s: %w", s.cfg.Name, err)
		}
		if inst.holdings[s.botID] != nil {
			return fmt.Errorf("strategy %s: instrument %s of connector %s is used twice under the bot id %d",
				s.cfg.Name, cfg.Symbol, cfg.Connector, s.botID)
		}
		h := newHolding(cfg, s, p, inst)
		s.mu.Lock()
		s.holdings = append(s.holdings, h)
		s.mu.Unlock()
		if fresh {
			p.list(inst)
		}
	}
	return nil
}

// held returns the holdings, for those who are not the supervisor: a strategy may get them late.
func (s *strategy) held() []*holding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holdings
}

func (s *strategy) setState(state State, reason string) {
	s.mu.Lock()
	before := s.state
	s.state, s.reason = state, reason
	s.expect(state.expected())
	s.mu.Unlock()
	if before != state {
		s.log.Debug("state", "state", state, "reason", reason)
	}
}

// expect tells the barriers of the strategy's connectors whether its process is on its way. Those that were notified
// are notified of the end; a strategy may get its instruments in between. The lock is held.
func (s *strategy) expect(joins bool) {
	if !joins {
		for _, b := range s.expectedBy {
			b.expect(false)
		}
		s.expectedBy = nil
	} else if s.expectedBy == nil {
		for _, h := range s.holdings {
			if b := h.pub.barrier; b != nil {
				b.expect(true)
				s.expectedBy = append(s.expectedBy, b)
			}
		}
	}
}

// expected reports whether a process of the strategy is on its way.
func (s State) expected() bool { return s == Starting || s == Backoff }

func (s *strategy) getState() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// status returns what the command line shows.
func (s *strategy) status() control.StrategyStatus {
	waiting := s.waiting()
	s.mu.Lock()
	st := control.StrategyStatus{Name: s.cfg.Name, Plugin: s.cfg.Plugin, Version: s.version, State: string(s.state),
		Reason: s.reason, Restarts: s.restarts, OrdersLeft: int(s.left.Load())}
	if s.state == Stopped && st.OrdersLeft > 0 {
		st.State = string(Stopping)
	}
	if waiting != "" && s.state == Backoff {
		st.Reason = waiting
	}
	var current botTotals
	if s.current != nil {
		st.PID = s.current.pid()
		st.UptimeNs = int64(time.Since(s.startedAt))
		current = s.current.session.totals()
	}
	totals := s.stats.totals(current)
	s.mu.Unlock()
	st.Events, st.LostEvents, st.Resyncs = totals.events, totals.lost, totals.resyncs
	st.Requests = s.stats.requests.Load()
	st.TickToOrder = s.stats.lastTickToOrderNs.Load()
	s.stats.mu.Lock()
	st.RestartGapNs = append([]int64{}, s.stats.gapsNs...)
	s.stats.mu.Unlock()
	for _, h := range s.held() {
		inst, orders, fills, rejects := h.status()
		st.Instruments = append(st.Instruments, inst)
		st.Orders += orders
		st.Fills += fills
		st.Rejects += rejects
	}
	return st
}

func (h *holding) status() (st control.InstrumentStatus, orders, fills, rejects uint64) {
	h.pub.mu.Lock()
	defer h.pub.mu.Unlock()
	at := h.pub.instruments[h.feedNo]
	book, mid := at.book, at.mid()
	st = control.InstrumentStatus{
		Connector:     h.cfg.Connector,
		Symbol:        h.cfg.Symbol,
		Position:      h.state.Position,
		BestBid:       zeroIfNaN(book.BestBid()),
		BestAsk:       zeroIfNaN(book.BestAsk()),
		OpenOrders:    h.orders.View().Len(),
		Fee:           h.state.Fee,
		TradingVolume: h.state.TradingVolume,
		TradingValue:  h.state.TradingValue,
		RealisedPnL:   h.profit.realised,
		OpenPnL:       h.profit.open(mid),
		TradingState:  at.trading.state.String(),
		TradingReason: at.trading.cause,
		Unattributed:  rounded(at.owner().ownership.unattributed),
		Mismatch:      rounded(at.owner().ownership.mismatch),
	}
	return st, h.numOrders, h.numFills, h.numRejects
}

func zeroIfNaN(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
