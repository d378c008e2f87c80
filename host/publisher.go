package host

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/risk"
)

// publisher is one connector with its feed: it is the Sink and the Clock of the connector, keeps the books, and
// carries every report to the bot it concerns.
//
// mu puts feed and private records of the connector into one sequence. It is held for a message at a time, never
// while calling the connector.
type publisher struct {
	name, kind string
	log        hclog.Logger
	connector  connector.Connector // nil until open has made it
	open       func(context.Context) (Opened, error)
	clock      *hostipc.Clock
	barrier    *barrier // of a stepped clock, else nil
	gate       *risk.Gate
	limits     *risk.Scope // of the account
	started    chan struct{}
	starting   sync.Once
	stop       context.CancelCauseFunc // ends run

	phase      atomic.Int32    // atWork, ended, stopped
	simulated  bool            // what it trades on is its own
	configured map[uint64]bool // bots of the configuration, whatever they trade on
	trades     bool            // it sends orders to a venue
	record     *recorder
	counters   [connector.NumCounters]atomic.Uint64

	onMismatch    OnMismatch
	mismatchAfter time.Duration
	tasks         sync.WaitGroup // that end with over, which is closed when the connector's Run has ended
	over          chan struct{}

	// What an earlier run has left: whether its end was unclean, its client ids, names by bot, and what is called when the
	// venue has answered for an instrument.
	unclean   bool
	ids       clientIDs
	names     map[uint64]string
	recovered func()

	mu          sync.Mutex
	past        past                    // what the journal had at the start
	halts       map[string]journal.Halt // of an earlier run, by symbol
	trouble     string                  // why the connector could not be opened yet
	assets      map[string]*instrument  // on spot: the first instrument of each asset
	elsewhere   sightings
	allHalted   string // why all instruments are halted, those to come included
	feed        *hostipc.Feed
	instruments []*instrument
	bySymbol    map[string]*instrument
	scratch     []hft.Event
	// together are the records of an account event while it is booked, nil otherwise: it is booked to all or none.
	together *journal.Group
}

// Phases of a connector.
const (
	atWork  int32 = iota
	ended         // by itself: its data is over, or it has failed
	stopped       // the run has ended
)

// run runs the connector.
func (p *publisher) run(ctx context.Context) error {
	err := p.connector.Run(ctx, p, p)
	close(p.over)
	p.tasks.Wait()
	if ctx.Err() == nil {
		p.phase.Store(ended)
	} else {
		p.phase.Store(stopped)
	}
	return err
}

var _ connector.Sink = (*publisher)(nil)
var (
	_ connector.Clock       = (*publisher)(nil)
	_ connector.JumpWatcher = (*publisher)(nil)
)

// instrument is one instrument of a connector.
type instrument struct {
	no       int
	symbol   string
	tickSize float64
	lotSize  float64
	book     depth.Book
	exchNs   int64 // exchange time of the newest row in the book
	ready    bool
	wasReady bool
	latency  latencyHistogram // of the feed
	holdings map[uint64]*holding
	strays   map[strayKey]connector.Order // open orders of bots that are not here
	orphans  map[uint64]*holding          // what they have, where they have something
	levels   []hft.Event                  // scratch
	number   uint32                       // in the journal, 0 while it has none
	// recovering: the venue has not told yet what has become of an earlier run's orders; learnt counts the executions
	// it has told since.
	recovering bool
	learnt     uint64
	account    account
	ownership  ownership
	shares     []*instrument // of one asset on spot, whose ownership is that of the first; nil elsewhere
	trading    trading
}

// mid returns the middle of the best prices, NaN while a side is empty.
func (i *instrument) mid() float64 { return (i.book.BestBid() + i.book.BestAsk()) / 2 }

// byBot returns all holdings in the order of their bots' ids, those of strategies that are not here included.
func (i *instrument) byBot() []*holding {
	list := slices.AppendSeq(slices.Collect(maps.Values(i.holdings)), maps.Values(i.orphans))
	slices.SortFunc(list, func(a, b *holding) int { return cmp.Compare(a.owner.Bot, b.owner.Bot) })
	return list
}

func newPublisher(cfg ConnectorConfig, clock *hostipc.Clock, log hclog.Logger) (*publisher, error) {
	feed, err := hostipc.NewFeed(cfg.Name, cfg.FeedCapacity, clock)
	if err != nil {
		return nil, err
	}
	p := &publisher{name: cfg.Name, kind: cfg.Kind, log: log.Named(cfg.Name), connector: cfg.Connector, open: cfg.Open, clock: clock,
		trouble: cfg.Trouble, trades: cfg.Trades, onMismatch: cfg.OnMismatch,
		mismatchAfter: cmp.Or(cfg.MismatchAfter, defaultMismatchAfter), over: make(chan struct{}), feed: feed, bySymbol: make(map[string]*instrument), started: make(chan struct{})}
	if cfg.Connector != nil {
		p.open = nil
	}
	t, timed := cfg.Connector.(connector.Timeliner)
	if timed {
		p.simulated = t.Timeline().StartNs != 0 // no venue has another time than ours
	}
	if clock.Stepped() {
		p.barrier = newBarrier(clock)
	} else if !timed {
		p.start() // a venue waits for nobody: what is due for the strategies that are up is due
	}
	return p, nil
}

// register makes the instrument known, once per symbol; every strategy has to agree on tick and lot size. A fresh one
// is to be listed when its holdings are in place.
func (p *publisher) register(cfg InstrumentConfig) (inst *instrument, fresh bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.bySymbol[cfg.Symbol]; known != nil {
		if known.tickSize != cfg.TickSize || known.lotSize != cfg.LotSize {
			return nil, false, fmt.Errorf("instrument %s of connector %s: tick and lot size %v, %v here but %v, %v in another strategy",
				cfg.Symbol, p.name, cfg.TickSize, cfg.LotSize, known.tickSize, known.lotSize)
		}
		return known, false, nil
	}
	if len(p.instruments) > math.MaxUint16 {
		return nil, false, fmt.Errorf("connector %s has more than %d instruments", p.name, math.MaxUint16)
	}
	inst = &instrument{no: len(p.instruments), symbol: cfg.Symbol, tickSize: cfg.TickSize, lotSize: cfg.LotSize,
		book: depth.NewWindowMarketDepth(cfg.TickSize, cfg.LotSize), latency: newLatencyHistogram(),
		holdings: make(map[uint64]*holding), strays: make(map[strayKey]connector.Order),
		orphans: make(map[uint64]*holding)}
	p.instruments = append(p.instruments, inst)
	p.bySymbol[cfg.Symbol] = inst
	p.haltFresh(inst)
	return inst, true, nil
}

// list subscribes a fresh instrument at the connector.
func (p *publisher) list(inst *instrument) {
	p.handPast(inst)
	p.connector.Register(connector.Instrument{No: inst.no, Symbol: inst.symbol, TickSize: inst.tickSize, LotSize: inst.lotSize})
}

// Feed publishes one message of the venue.
func (p *publisher) Feed(instrumentNo int, events []hft.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inst := p.instruments[instrumentNo]
	for i := range events {
		if isQuote(&events[i]) {
			events = p.withoutQuotes(events)
			break
		}
	}
	p.feed.Publish(instrumentNo, events) // first, because bots wait for it
	inst.apply(events)
	if len(events) > 0 {
		e := &events[len(events)-1]
		if ns, known := e.FeedLatency(); known {
			inst.latency.record(ns)
		}
	}
}

func isQuote(e *hft.Event) bool { return e.Kind() == hft.DepthBBOEvent }

// withoutQuotes leaves out what breaks the contract: no bot's book could apply a quote.
func (p *publisher) withoutQuotes(events []hft.Event) []hft.Event {
	p.scratch = p.scratch[:0]
	for i := range events {
		if !isQuote(&events[i]) {
			p.scratch = append(p.scratch, events[i])
		}
	}
	p.counters[connector.BadMessages].Add(uint64(len(events) - len(p.scratch)))
	return p.scratch
}

// apply applies events to the book, as the bots do.
func (i *instrument) apply(events []hft.Event) {
	for len(events) > 0 {
		n := depth.ApplyLevels(i.book, events)
		if n == 0 {
			if n = 1; !depth.Apply(i.book, &events[0]) {
				n, events = 0, events[1:]
				continue
			}
		}
		i.exchNs, events = events[n-1].ExchTimestampNs, events[n:]
	}
}

// Order carries a report to the order's owner.
func (p *publisher) Order(u *connector.OrderUpdate) {
	if p.update(u) {
		p.log.Warn("an open order of this runner belongs to a strategy that is not in the configuration; it is left unchanged: "+
			"cancel it at the venue, or restore its strategy", "symbol", p.symbol(u.InstrumentNo), "bot", u.Owner.Bot, "order", u.OrderID,
			"side", u.Side, "open_qty", u.LeavesQty)
	}
}

// update hands a report to the order's owner, and reports whether it is an order that was not known before, of nobody in the
// configuration.
func (p *publisher) update(u *connector.OrderUpdate) (stray bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feeElsewhere(u)
	inst := p.instruments[u.InstrumentNo]
	if u.Fill && inst.recovering {
		inst.learnt++
	}
	if h := inst.holdings[u.Owner.Bot]; h != nil {
		h.update(u)
		return false
	}
	if u.Fill || inst.orphans[u.Owner.Bot] != nil {
		p.orphan(inst, u.Owner.Bot).update(u)
	}
	key := strayKey{u.Owner.Bot, u.OrderID}
	if u.Final() {
		delete(inst.strays, key)
		return false
	}
	_, known := inst.strays[key]
	inst.strays[key] = u.Order
	return !known && !p.configured[u.Owner.Bot]
}

// symbol returns the symbol of an instrument.
func (p *publisher) symbol(instrumentNo int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instruments[instrumentNo].symbol
}

// Position takes the account's position, for the bots that want it.
func (p *publisher) Position(instrumentNo int, qty float64, exchTimestampNs int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	note(p.record, &journal.Head{Kind: journal.KindVenuePosition, Instrument: p.instruments[instrumentNo].journalNo(p)},
		&journal.VenuePosition{Qty: qty, VenueNs: exchTimestampNs})
	p.instruments[instrumentNo].account.moved(qty, exchTimestampNs)
	for _, h := range p.instruments[instrumentNo].holdings {
		if h.mode == AccountPosition {
			h.state.Position = qty
			h.moved()
			if h.port != nil {
				h.port.SendState(h.feedNo, &h.state)
			}
		}
	}
}

// Error carries an error event to the bots it concerns, and then to the log.
func (p *publisher) Error(e *connector.Error) {
	p.mu.Lock()
	strategy := p.sendError(e)
	p.mu.Unlock()
	p.logError(e, strategy)
}

// logError logs an error event when it is delivered, and without the lock. That a connection or a book is lost is logged
// by the connector, which knows what belongs together and when it is over.
func (p *publisher) logError(e *connector.Error, strategy string) {
	level := hclog.Warn
	switch {
	case e.Kind == hft.CriticalConnectionError:
		level = hclog.Error
	case e.Outage, e.Kind == hft.ConnectionInterrupted, e.Kind == hft.CustomKind && e.Code == hft.CodeStale:
		level = hclog.Debug
	}
	pairs := []any{"kind", e.Kind.String()}
	if e.Owner.Bot != 0 {
		pairs = append(pairs, "strategy", strategy, "order", e.OrderID)
	}
	p.log.Log(level, "error event", append(pairs, "reason", e.Val.String())...)
}

// sendError returns the name of the strategy that the event is about. The lock is held.
func (p *publisher) sendError(e *connector.Error) (strategy string) {
	live := e.LiveError
	live.Connector = p.name
	told := make(map[*hostipc.Port]bool)
	for _, inst := range p.instruments {
		if e.InstrumentNo >= 0 && e.InstrumentNo != inst.no {
			continue
		}
		for bot, h := range inst.holdings {
			if e.Owner.Bot == bot {
				strategy = h.strategy
			}
			if h.port != nil && !told[h.port] && (e.Owner.Bot == 0 || e.Owner.Bot == bot) {
				told[h.port] = true
				h.port.SendError(e.InstrumentNo, &live)
			}
		}
	}
	return strategy
}

// Ready notes that an instrument's book is complete.
func (p *publisher) Ready(instrumentNo int) {
	p.mu.Lock()
	inst := p.instruments[instrumentNo]
	news, first := !inst.ready, !inst.wasReady
	inst.ready, inst.wasReady = true, true
	if news {
		note(p.record, &journal.Head{Kind: journal.KindBookPresent, Instrument: inst.journalNo(p)}, &journal.None{}, "")
	}
	p.mu.Unlock()
	switch {
	case first:
		p.log.Info("book is in sync", "symbol", inst.symbol)
	case news: // the connector says that it has it again, as that it was lost
		p.log.Debug("book is in sync again", "symbol", inst.symbol)
	}
}

// Stale empties an instrument's book, here and at the bots, and tells them why.
func (p *publisher) Stale(instrumentNo int, reason string) {
	e := connector.Error{InstrumentNo: instrumentNo, LiveError: hft.CustomLiveError(hft.CodeStale, hft.StringValue(reason))}
	defer p.logError(&e, "") // when it is delivered and the lock is free
	p.mu.Lock()
	defer p.mu.Unlock()
	inst := p.instruments[instrumentNo]
	inst.ready = false
	note(p.record, &journal.Head{Kind: journal.KindBookAbsent, Instrument: inst.journalNo(p)}, &journal.None{}, reason)
	now := p.clock.NowNs()
	clearBook := hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent, ExchTimestampNs: now, LocalTimestampNs: now, Px: math.NaN()}
	p.scratch = append(p.scratch[:0], clearBook)
	inst.apply(p.scratch)
	p.feed.Publish(instrumentNo, p.scratch)
	p.sendError(&e)
}

// Count adds to a counter.
func (p *publisher) Count(c connector.Counter, n uint64) { p.counters[c].Add(n) }

// snapshot answers a bot's RegisterInstrument.
func (p *publisher) snapshot(h *holding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.port == nil {
		return
	}
	inst := p.instruments[h.feedNo]
	inst.levels = inst.book.Snapshot(inst.levels[:0])
	for i := range inst.levels {
		inst.levels[i].ExchTimestampNs = inst.exchNs
	}
	var orders []hft.Order
	for o := range h.orders.View().All() {
		orders = append(orders, *o)
	}
	h.port.SendSnapshot(h.feedNo, orders, &h.state, inst.levels)
}

// end marks the end of recorded data. The bots' time stays that of the last they have received.
func (p *publisher) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feed.End()
}

func (p *publisher) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.feed.Close()
}
