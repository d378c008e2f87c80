package host

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// The end of a strategy, of its process and of the run is the end of its orders, unless on_exit keeps them: they are
// canceled until the connector's own record says that each has ended. What comes late belongs to it: a submission without
// an answer that turns out to be open, an order that a reconnect brings to light, a fill.

const (
	// defaultExitTimeout is Supervision.ExitTimeout when it is 0.
	defaultExitTimeout = time.Minute
	// leavingLook is the interval between checks of the record, leavingReport that between log lines about what is
	// left.
	leavingLook, leavingReport = 5 * time.Millisecond, 5 * time.Second
	// lateLook and lateReport are the same after exit_timeout.
	lateLook, lateReport = time.Second, time.Minute
	// maxCanceling is the maximum number of unanswered cancels of one connector: more would only fill its queues.
	maxCanceling = 1000
	// A refused cancel is sent again after recancelMin, then after twice that, up to recancelMax. One without an answer is
	// sent again after recancelMax: the connector has its own ways to find out.
	recancelMin, recancelMax = 250 * time.Millisecond, 5 * time.Second
)

// leaving ends the orders of strategies. One goroutine uses it.
type leaving struct {
	host *Host
	bots map[uint64]*strategy // those that do not keep their orders
	// fixed: only the orders that were open at the beginning, because a new process of the strategy may trade already. So may
	// have been those of an earlier run, where the venue had not told of them by then: pending.
	fixed   bool
	pending map[place]bool
	begun   bool
	unfit   bool // one of them cannot trade as it is configured: its orders may be anywhere
	asked   map[orderKey]*canceling
	left    []leftOrder // by the last look
	// untold lists the instruments whose venue had not reported by then what an earlier run has left; coming is true
	// if it still may.
	untold []place
	coming bool
	// late is true once exit_timeout has elapsed: from then on the host also waits for a venue that was never reached.
	late bool
}

// place is an instrument of a connector, -1 for all symbols that no strategy has, unreached for all of a venue that was never reached.
type place struct {
	pub          *publisher
	instrumentNo int
}

const unreached = -2

// orderKey identifies an order of the run.
type orderKey struct {
	pub          *publisher
	instrumentNo int
	owner        connector.Owner
	orderID      uint64
}

// canceling is the progress in closing an order.
type canceling struct {
	at    time.Time // of the last cancel, or of the first look at one that its strategy has sent
	pause time.Duration
}

// leftOrder is an order whose end is not known.
type leftOrder struct {
	pub *publisher
	connector.OpenOrder
}

func (o *leftOrder) key() orderKey { return orderKey{o.pub, o.InstrumentNo, o.Owner, o.OrderID} }

// leave begins to end the orders of those of the strategies that do not keep them: what can be canceled at once is.
func (h *Host) leave(strategies []*strategy, fixed bool) *leaving {
	l := h.newLeaving(strategies, fixed)
	pending, _ := l.unaccounted()
	for _, at := range pending {
		l.pending[at] = true
	}
	l.round(time.Now())
	l.begun = true
	return l
}

func (h *Host) newLeaving(strategies []*strategy, fixed bool) *leaving {
	l := &leaving{host: h, bots: make(map[uint64]*strategy), fixed: fixed, pending: make(map[place]bool), asked: make(map[orderKey]*canceling)}
	for _, s := range strategies {
		if s.cfg.OnExit == CancelOrders {
			l.bots[s.botID] = s
		}
		s.mu.Lock()
		l.unfit = l.unfit || s.unfit != nil
		s.mu.Unlock()
	}
	return l
}

// await returns when no order is left on a connector that works, or with ctx, and reports whether all are confirmed to have ended.
// It looks every so often, and what is left is logged each report.
func (l *leaving) await(ctx context.Context, every, report time.Duration) (over bool) {
	look := time.NewTicker(every)
	defer look.Stop()
	began := time.Now()
	for reported := began; l.waiting() && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-look.C:
			now := time.Now()
			l.round(now)
			look.Reset(max(every, min(10*time.Since(now), recancelMax))) // the more there are, the rarer: the records are locked meanwhile
			if now.Sub(reported) >= report {
				reported = now
				pairs := []any{"orders", len(l.left), "not_told_of", len(l.untold), "for", now.Sub(began).Round(time.Second)}
				if end, limited := ctx.Deadline(); limited {
					pairs = append(pairs, "at_most", end.Sub(began).Round(time.Second))
				}
				l.host.log.Info("waiting for the venues to confirm that all orders are closed", pairs...)
			}
		}
	}
	return len(l.look()) == 0 && len(l.untold) == 0
}

// waiting reports whether there is an order left whose end can still be confirmed, or may be one that the venue is still to tell of.
func (l *leaving) waiting() bool {
	return l.coming || slices.ContainsFunc(l.left, func(o leftOrder) bool { return o.pub.phase.Load() == atWork })
}

// unaccounted returns the instruments of these strategies on which an earlier run may have left orders, because the venue has not
// told yet, and reports whether it still may.
func (l *leaving) unaccounted() (untold []place, coming bool) {
	for _, p := range l.host.publishers {
		places, comes := l.unaccountedAt(p)
		untold, coming = append(untold, places...), coming || comes
	}
	return untold, coming
}

// unaccountedAt is unaccounted of one connector.
func (l *leaving) unaccountedAt(p *publisher) (untold []place, coming bool) {
	made := l.host.reached(p)
	if made == nil {
		if p.trades && l.isPending(p, unreached) && (len(l.symbolsAt(p)) > 0 || !l.fixed && len(l.bots) > 0) {
			return []place{{p, unreached}}, l.late
		}
		return nil, false
	}
	a, ok := made.(connector.Accountant)
	if !ok {
		return nil, false
	}
	instruments, still := a.Unaccounted()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, no := range instruments {
		if l.isPending(p, no) && (p.isOf(l.bots, no) || l.unfit && len(l.bots) > 0) {
			untold = append(untold, place{p, no})
			coming = coming || still && p.phase.Load() == atWork
		}
	}
	return untold, coming
}

// isPending reports whether a venue's report about a place is pending.
func (l *leaving) isPending(p *publisher, no int) bool {
	return !l.begun || !l.fixed || l.pending[place{p, no}] || l.pending[place{p, unreached}]
}

// symbolsAt returns the symbols that these strategies are to trade at a connector.
func (l *leaving) symbolsAt(p *publisher) (symbols []string) {
	for _, s := range l.host.everyStrategy() {
		for i := range s.cfg.Instruments {
			in := &s.cfg.Instruments[i] // its steps may be filled in meanwhile
			if l.bots[s.botID] != nil && in.Connector == p.name && !slices.Contains(symbols, in.Symbol) {
				symbols = append(symbols, in.Symbol)
			}
		}
	}
	return symbols
}

// isOf reports whether one of the bots trades on an instrument. On a symbol that no strategy has, -1, any may have traded before.
// The lock is held.
func (p *publisher) isOf(bots map[uint64]*strategy, no int) bool {
	if no < 0 {
		return len(bots) > 0
	}
	for bot := range p.instruments[no].holdings {
		if bots[bot] != nil {
			return true
		}
	}
	return false
}

// concerns reports whether an open order is to end.
func (l *leaving) concerns(o *leftOrder) bool {
	switch {
	case l.bots[o.Owner.Bot] == nil:
		// What its strategy has canceled, or what was treated as over, is not kept. A submission without an answer is.
		return !l.fixed && (o.Req == hft.StatusCanceled || o.Status == hft.StatusUnknown && o.Req == hft.StatusNone)
	case !l.fixed || !l.begun || l.asked[o.key()] != nil:
		return true
	}
	// One that no process of this run has sent was open before.
	return o.LocalTimestampNs == 0 && l.isPending(o.pub, max(o.InstrumentNo, -1))
}

// look returns the orders that are left now.
func (l *leaving) look() []leftOrder {
	l.untold, l.coming = l.unaccounted() // first: what the venue tells from here on is among the open orders
	l.left = l.left[:0]
	for _, o := range l.host.openOrders() {
		if l.concerns(&o) {
			l.left = append(l.left, o)
		}
	}
	counts := make(map[*strategy]int)
	for i := range l.left {
		counts[l.bots[l.left[i].Owner.Bot]]++
	}
	for _, s := range l.bots {
		s.left.Store(int64(counts[s]))
	}
	return l.left
}

// round looks at what is left and cancels what is due.
func (l *leaving) round(now time.Time) {
	unanswered := make(map[*publisher]int)
	var due []*leftOrder
	left := l.look()
	for i := range left {
		o := &left[i]
		c := l.asked[o.key()]
		if c == nil {
			c = &canceling{}
			l.asked[o.key()] = c
			if o.Req == hft.StatusCanceled { // its strategy has asked already
				c.at, c.pause = now, recancelMin
			}
		}
		switch {
		case o.pub.phase.Load() != atWork:
		case o.Req == hft.StatusCanceled && now.Sub(c.at) < recancelMax:
			unanswered[o.pub]++
		case now.Sub(c.at) >= c.pause:
			due = append(due, o)
		}
	}
	for _, o := range due {
		if unanswered[o.pub]++; unanswered[o.pub] > maxCanceling {
			continue
		}
		c := l.asked[o.key()]
		c.at, c.pause = now, min(max(2*c.pause, recancelMin), recancelMax)
		o.pub.connector.Cancel(o.pub.cancelOf(&o.Order))
	}
}

// cancelOf marks an open order as being canceled and returns the request for the connector.
func (p *publisher) cancelOf(o *connector.Order) connector.Order {
	out := *o
	out.Req = hft.StatusCanceled
	if o.InstrumentNo < 0 {
		return out
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.instruments[o.InstrumentNo].holdings[o.Owner.Bot]; h != nil {
		if known, ok := h.cancel(o.OrderID, o.Owner); ok {
			return known
		}
	}
	return out
}

// openOrders returns this runner's orders whose end is not known, those of nobody's included. A simulated exchange
// that has ended no longer has orders.
func (h *Host) openOrders() (all []leftOrder) {
	for _, p := range h.publishers {
		if p.simulated && p.phase.Load() == ended {
			continue
		}
		open := p.openOrders()
		slices.SortFunc(open, func(a, b connector.OpenOrder) int {
			return cmp.Or(a.InstrumentNo-b.InstrumentNo, cmp.Compare(a.Owner.Bot, b.Owner.Bot), cmp.Compare(a.OrderID, b.OrderID))
		})
		for _, o := range open {
			all = append(all, leftOrder{p, o})
		}
	}
	return all
}

// openOrders returns the orders whose end is not known: by the connector's own record, or by what it has reported.
func (p *publisher) openOrders() (open []connector.OpenOrder) {
	if !p.isOpen() {
		return nil
	}
	if keeper, ok := p.made().(connector.OrderKeeper); ok {
		return keeper.OpenOrders()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, inst := range p.instruments {
		for _, h := range inst.holdings {
			for o := range h.orders.View().All() {
				open = append(open, connector.OpenOrder{Order: connector.Order{InstrumentNo: inst.no, Owner: h.ownerOf(o.OrderID), Order: *o}})
			}
		}
		for _, o := range inst.strays {
			open = append(open, connector.OpenOrder{Order: o})
		}
	}
	return open
}

// leaveOrders carries out on_exit for the orders that are open now, on its own from here on: a new process may be started
// meanwhile. The error, once it has come to an end, is a *control.OrdersLeftError when exit_timeout was not enough. With ctx
// it ends too, because the host goes on with it. One goroutine at a time calls it.
func (s *strategy) leaveOrders(ctx context.Context) <-chan error {
	l := s.host.leave([]*strategy{s}, true)
	if n := len(l.left); n > 0 {
		s.log.Info("canceling open orders", "orders", n)
	}
	late, stop := context.WithCancel(ctx)
	if len(l.bots) > 0 { // one that keeps orders does nothing of what an earlier one waits for
		if s.late != nil {
			s.late() // what it waits for this one does
		}
		s.late = stop
	}
	confirmed := make(chan error, 1)
	s.host.background.Go(func() {
		defer stop()
		timed, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.ExitTimeout)
		defer cancel()
		defer func() {
			if late.Err() == nil { // or a later one counts
				s.left.Store(0)
			}
		}()
		over := l.await(timed, leavingLook, leavingReport)
		switch {
		case ctx.Err() != nil:
			confirmed <- fmt.Errorf("strategy %s: the host is shutting down and continues to close its orders", s.cfg.Name)
		case !over:
			left := s.leftError(l)
			logOrders(s.log.Error, mayBeOpen, left.Orders)
			if len(left.Unaccounted) > 0 {
				s.log.Error(notTold, "instruments", strings.Join(left.Unaccounted, ", "))
			}
			confirmed <- left
			l.late = true
			l.look()
			if l.await(late, lateLook, lateReport) { // until then it is not stopped
				s.log.Info("all orders are now confirmed as closed")
			}
		default:
			confirmed <- nil
		}
	})
	return confirmed
}

// awaitOrders returns when the orders of a strategy that has gone have ended, or with a *control.OrdersLeftError after exit_timeout.
func (s *strategy) awaitOrders(ctx context.Context) error {
	timed, cancel := context.WithTimeout(ctx, s.host.cfg.Supervision.ExitTimeout)
	defer cancel()
	l := s.host.leave([]*strategy{s}, true)
	switch {
	case l.await(timed, leavingLook, leavingReport):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("strategy %s: command still in progress: %w", s.cfg.Name, ctx.Err())
	}
	return s.leftError(l)
}

// timeUp is the cause of the end of a connector where something is left, nil elsewhere.
func (l *leaving) timeUp(p *publisher) error {
	if slices.ContainsFunc(l.left, func(o leftOrder) bool { return o.pub == p }) || slices.ContainsFunc(l.untold, func(at place) bool { return at.pub == p }) {
		return connector.ErrTimeUp
	}
	return nil
}

// endOrders ends the orders of all strategies at the end of the run, however they come to light, and notes what is left.
func (h *Host) endOrders() {
	ctx, cancel := context.WithTimeout(context.Background(), h.cfg.Supervision.ExitTimeout)
	defer cancel()
	h.leaving = h.leave(h.everyStrategy(), false)
	h.leaving.await(ctx, leavingLook, leavingReport)
}
