package venue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// stopTimeout bounds what is done at the end of a run, timeUpTimeout where the time for that is over already.
const stopTimeout, timeUpTimeout = 3 * time.Second, 300 * time.Millisecond

// trade is the part of a Connector that has to do with orders.
type trade struct {
	c      *Connector
	keeper atomic.Pointer[stream.Keeper]
	// wasUp says that the venue has accepted the private stream once.
	wasUp atomic.Bool

	// mu guards the record of orders. Nothing waits while holding it.
	mu      sync.Mutex
	blotter *blotter.Blotter
	codec   *clientid.Codec
	strays  strays
	aliens  []connector.AccountEvent // orders of other runners that nobody was told of
	// sent and answered are reused.
	sent     connector.Sent
	answered connector.Answer
	// up says that the private stream is up; dead why nothing is traded any more.
	up   bool
	dead string
	// session ends when the private stream is lost: what was asked for in it is void then. It is nil before the first.
	session    context.Context
	endSession context.CancelFunc
	// back is closed when the private stream is up again; nil while it is, and before it first was.
	back chan struct{}
	// reconciling says that reconcile works on the session, comparing that positions are to be compared again soon.
	reconciling, comparing bool

	// closing ends when nothing is waited for any more; it outlives the run's context.
	closing context.Context
	giveUp  context.CancelFunc

	sending
	// closed says that the run is over: no goroutine may be begun any more.
	closed bool

	wake chan struct{}
	// suspect wakes the audit: something of the private stream could not be read.
	suspect chan struct{}
	// settled and inquiry wake inquire: funding was settled, all executions are known. fundedNs is the time of the newest
	// settlement that was listed; only inquire uses it, one at a time.
	settled, inquiry chan struct{}
	fundedNs         int64
	// exposed and resumed wake the dead-man's switch: a symbol has its first open order, the machine was suspended. beaten is
	// closed when the switch is not refreshed any more.
	exposed, resumed, beaten chan struct{}
	// unpriced wakes keepFeePrices: a price may be missing.
	unpriced chan struct{}
}

func newTrade(c *Connector) (*trade, error) {
	codec, err := clientid.New(c.cfg.OrderPrefix, c.nowNs()/int64(time.Millisecond))
	if err != nil {
		return nil, err
	}
	waker := func() chan struct{} { return make(chan struct{}, 1) }
	t := &trade{c: c, codec: codec,
		strays: strays{orders: make(map[string]*connector.OpenOrder), numbers: make(map[string]int)}, wake: waker(),
		suspect: waker(), settled: waker(), inquiry: waker(), exposed: waker(), resumed: waker(), unpriced: waker(),
		beaten: make(chan struct{})}
	t.closing, t.giveUp = context.WithCancel(context.WithoutCancel(c.ctx))
	t.requests, t.abandon = context.WithCancel(t.closing)
	if t.blotter, err = blotter.New(blotter.Config{Codec: codec, Output: t, VenueNs: c.venueNs, Other: t.others}); err != nil {
		return nil, err
	}
	if n := c.lineage; n != nil {
		t.blotter.Continue(n.newest, n.takeOver)
	}
	return t, t.renewKeeper()
}

// renewKeeper makes what keeps the private stream.
func (t *trade) renewKeeper() error {
	c := t.c
	keeper, err := stream.New(stream.Config{Prepare: t.prepare, OnUp: t.onUp, OnDown: t.onDown, OnFrame: t.onFrame,
		OnRenewed: func(reason string) {
			c.log.Info("private stream renewed", "reason", reason)
			signal(t.suspect) // the old connection may have been dead for a while
		},
		NowNs: c.nowNs, Logger: c.log, Outage: c.outage, What: "private stream", Attempts: c.attempts, BackOffMax: c.cfg.BackOffMax, ForbiddenPause: c.forbiddenPause()})
	t.keeper.Store(keeper)
	return err
}

// keep keeps the private stream until the connector stops. A key that is refused from the start will not do; one that was
// accepted before is tried again, because without the stream nothing but canceling is possible.
func (t *trade) keep() {
	c := t.c
	for {
		err := t.keeper.Load().Run(c.ctx)
		if err == nil {
			return
		}
		t.mu.Lock()
		t.up = false
		if !t.wasUp.Load() {
			t.dead = "private stream rejected: " + err.Error()
		}
		reason := t.dead
		t.mu.Unlock()
		if reason != "" {
			c.critical(-1, reason)
			return
		}
		c.critical(-1, fmt.Sprintf("private stream rejected after it had worked, retrying in %v: %v", c.cfg.RefusedPause, err))
		if !c.pause(c.cfg.RefusedPause) {
			return
		}
		if err := t.renewKeeper(); err != nil {
			c.critical(-1, err.Error()) // the same configuration worked before
			return
		}
	}
}

// register adds an instrument to the record of orders.
func (t *trade) register(inst connector.Instrument, f *protocol.Filters, past *connector.Past) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.blotter.Register(blotter.Instrument{No: inst.No, Symbol: inst.Symbol, TickSize: inst.TickSize, LotSize: inst.LotSize,
		MaxQty: f.MaxQty, QuoteAsset: f.QuoteAsset, BaseAsset: f.BaseAsset, Spot: f.Spot})
	signal(t.unpriced)
	if err == nil && past.InstrumentNo == inst.No {
		t.blotter.Recover(past, t.c.nowNs())
	}
	return err
}

// catchUp asks for the orders on a symbol that was registered while the private stream is up.
func (t *trade) catchUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.up && !t.reconciling {
		t.beginReconciling()
	}
}

// close drops what bots ask for from now on.
func (t *trade) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// abandonSoon gives up what is still unanswered a moment after the run's end, or when the returned function is called.
func (t *trade) abandonSoon(timeUp bool) (now func()) {
	after, giveUp := stopTimeout, t.abandon
	if timeUp {
		after, giveUp = timeUpTimeout, t.giveUp
	}
	late := time.AfterFunc(after, giveUp)
	return func() {
		late.Stop()
		t.giveUp()
	}
}

// start begins what a run does besides market data.
func (t *trade) start() {
	c := t.c
	c.group.Go(t.keep)
	c.group.Go(t.work)
	c.group.Go(t.audit)
	c.group.Go(t.learn)
	if payer, ok := c.protocol.(protocol.FeePayer); ok {
		c.group.Go(func() { t.keepFeePrices(payer) })
	}
	if c.cfg.DeadMan > 0 {
		c.group.Go(t.keepAlive)
	} else {
		close(t.beaten)
	}
}

// work does what is due in the record of orders.
func (t *trade) work() {
	c := t.c
	for {
		t.mu.Lock()
		dueNs := t.blotter.NextDueNs()
		t.mu.Unlock()
		nowNs, err := c.clock.WaitUntil(c.ctx, dueNs, t.wake)
		if err != nil {
			return
		}
		t.mu.Lock()
		t.blotter.Due(nowNs)
		t.concludeAll()
		t.mu.Unlock()
		t.tellOthers()
	}
}

// changed lets work look again at what is due.
func (t *trade) changed() { signal(t.wake) }

// signal wakes who waits, now or the next time.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// OpenOrders returns this runner's orders whose end is not known; see connector.OrderKeeper.
func (c *Connector) OpenOrders() []connector.OpenOrder {
	c.startMu.Lock()
	t := c.trade
	c.startMu.Unlock()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(t.blotter.Left(), t.openStrays()...)
}

// Unaccounted returns where an earlier run may have left orders that are not in the record; see connector.Accountant.
func (c *Connector) Unaccounted() (instruments []int, coming bool) {
	if !c.cfg.Trading {
		return nil, false
	}
	c.startMu.Lock()
	t := c.trade
	running := !c.ended
	for _, inst := range c.early {
		instruments, coming = append(instruments, inst.No), true
	}
	listed := t != nil && t.listedStrays()
	for no, learning := range c.unlearned {
		if learning || !listed { // the list of all orders has those of a symbol that cannot be traded
			instruments, coming = append(instruments, no), coming || learning
		}
	}
	c.startMu.Unlock()
	for _, inst := range c.symbols.all() {
		if !inst.known.Load() {
			instruments, coming = append(instruments, inst.No), true
		}
	}
	slices.Sort(instruments)
	_, can := c.protocol.(protocol.AllLister)
	if t == nil { // it has not asked for anything
		if can {
			instruments, coming = append(instruments, -1), true
		}
		return instruments, coming && running
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if can && (!t.strays.told || t.strays.unread.own > 0) {
		instruments, coming = append(instruments, -1), true
	}
	return instruments, coming && running && t.dead == ""
}

// Submit sends a new order.
func (c *Connector) Submit(o connector.Order) {
	o.Req = hft.StatusNew
	c.request(&o, (*blotter.Blotter).Submit)
}

// Cancel asks to cancel an order.
func (c *Connector) Cancel(o connector.Order) {
	o.Req = hft.StatusCanceled
	c.request(&o, (*blotter.Blotter).Cancel)
}

// Modify asks for a new price and quantity.
func (c *Connector) Modify(o connector.Order) {
	o.Req = hft.StatusReplaced
	c.request(&o, (*blotter.Blotter).Modify)
}

// request takes a bot's request. Cancels are taken whatever the state of the connection; what adds orders needs the private
// stream, because without it nobody would see what becomes of them.
func (c *Connector) request(o *connector.Order, take func(*blotter.Blotter, *connector.Order, int64)) {
	if !c.live.Load() {
		c.idle(o)
		return
	}
	t := c.trade
	if t == nil {
		refuse(c.sink, o, "order rejected: no API key, market data only")
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if o.InstrumentNo < -1 && o.Req == hft.StatusCanceled {
		t.cancelStray(o)
		return
	}
	inst := c.symbols.numbered(o.InstrumentNo)
	if o.Req != hft.StatusCanceled {
		switch {
		case t.dead != "":
			refuse(c.sink, o, "order rejected: "+t.dead)
			return
		case inst == nil: // the record of orders may know it a moment earlier
			refuse(c.sink, o, fmt.Sprintf("order rejected: instrument %d is not known to the connector", o.InstrumentNo))
			return
		case inst.stopped.Load() != nil:
			refuse(c.sink, o, "order rejected: "+*inst.stopped.Load())
			return
		case inst.doubts > 0:
			refuse(c.sink, o, fmt.Sprintf("order rejected: %s accepts no new orders: %v", inst.Symbol, inst.doubt))
			return
		case !t.up || !inst.accounted.Load():
			told := c.outage.Failing() || !t.up && t.wasUp.Load()
			refuseFor(c.sink, o, "order rejected: the private stream is down or reconciling", told)
			return
		}
	}
	take(t.blotter, o, c.nowNs())
	t.changed()
	if c.cfg.DeadMan > 0 && o.Req == hft.StatusNew && inst != nil && t.blotter.OpenOn(inst.Symbol) == 1 {
		signal(t.exposed)
	}
}

// Order passes an order's new state on to the bots; see blotter.Output.
func (t *trade) Order(u *connector.OrderUpdate) {
	if u.Fill {
		if inst := t.c.symbols.numbered(u.InstrumentNo); inst != nil {
			inst.reading.told++
			inst.watch.moved()
		}
	}
	t.c.sink.Order(u)
}

// Error passes an error event on to the bots; see blotter.Output. The lock is held, so the log comes later.
func (t *trade) Error(e *connector.Error) {
	t.c.sink.Error(e)
	if text := e.Val.String(); e.Kind == hft.CustomKind && e.Code == blotter.CodeStopped {
		t.c.group.Go(func() { t.c.log.Error(text) })
	} else if e.Kind == hft.CustomKind && e.Code == blotter.CodeResumed {
		t.c.group.Go(func() { t.c.log.Info(text) })
	} else if e.Kind == hft.CustomKind && e.Code == blotter.CodeFeeUnknown {
		signal(t.unpriced)
	}
}

// failureOf returns an error of a Protocol as the record of orders takes it.
func (c *Connector) failureOf(err error) blotter.Failure {
	var f *protocol.Failure
	if !errors.As(err, &f) {
		return blotter.Failure{Cause: protocol.Unknown, Msg: err.Error(), Outage: true}
	}
	out := blotter.Failure{Cause: f.Cause, Code: f.Code, Msg: f.Msg, Unreadable: f.Unreadable, Outage: isOutage(f)}
	if out.Msg == "" && f.Err != nil {
		out.Msg = f.Err.Error()
	}
	if !f.RetryAt.IsZero() {
		out.RetryAtNs = c.nowNs() + int64(c.untilRetry(err))
	}
	return out
}
