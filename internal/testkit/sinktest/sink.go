package sinktest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Key identifies an order.
type Key struct {
	InstrumentNo int
	Bot, OrderID uint64
}

// KeyOf returns the key of an order.
func KeyOf(o *connector.Order) Key { return Key{o.InstrumentNo, o.Owner.Bot, o.OrderID} }

// Sink records what a connector says, and what about it breaks the contract.
type Sink struct {
	mu        sync.Mutex
	closed    bool
	updates   []connector.OrderUpdate
	account   []connector.AccountEvent
	errors    []connector.Error
	books     map[int]*book
	positions map[int]float64
	counts    [connector.NumCounters]uint64
	stales    int
	orders    map[Key]*history
	faults    []error
}

// history is what was said of one order.
type history struct {
	last      connector.OrderUpdate
	final     bool
	executed  float64
	requested int
	// modifiedNs is the bot's time of the last modification that was sent.
	modifiedNs int64
}

var _ connector.Sink = (*Sink)(nil)

// NewSink returns an empty recording.
func NewSink() *Sink {
	return &Sink{books: map[int]*book{}, positions: map[int]float64{}, orders: map[Key]*history{}}
}

func (s *Sink) faultf(format string, args ...any) {
	if len(s.faults) < 20 {
		s.faults = append(s.faults, fmt.Errorf(format, args...))
	}
}

// enter locks and notes a call after the end.
func (s *Sink) enter(method string) {
	s.mu.Lock()
	if s.closed {
		s.faultf("%s was called after Run had returned", method)
	}
}

func (s *Sink) book(instrumentNo int) *book {
	b := s.books[instrumentNo]
	if b == nil {
		b = &book{bids: levels{}, asks: levels{}}
		s.books[instrumentNo] = b
	}
	return b
}

// Feed records events.
func (s *Sink) Feed(instrumentNo int, events []hft.Event) {
	s.enter("Feed")
	defer s.mu.Unlock()
	b := s.book(instrumentNo)
	if len(events) == 0 {
		s.faultf("an empty batch for instrument %d", instrumentNo)
	}
	for i := range events {
		e := &events[i]
		if e.Ev&hft.LocalEvent == 0 {
			s.faultf("event %+v has no LocalEvent flag", e)
		}
		side := b.asks
		if e.Side() == hft.Buy {
			side = b.bids
		}
		switch e.Kind() {
		case hft.DepthEvent, hft.DepthSnapshotEvent:
			b.fedSinceStale = true
			if e.Qty > 0 {
				side[near(e.Px)] = level{e.Px, e.Qty}
			} else {
				delete(side, near(e.Px))
			}
		case hft.DepthClearEvent:
			b.clear(e)
		case hft.TradeEvent:
			b.trades++
			s.checkTrade(e)
		case hft.OffBookTrade: // of no book, and no trade of the market
			s.checkTrade(e)
		case hft.DepthBBOEvent:
			s.faultf("event %+v is a quote, which no plain book can apply", e)
		}
		b.events++
	}
	if bid, ask := b.best(); bid >= ask {
		s.faultf("the book of instrument %d is crossed at the end of a batch: %v and %v", instrumentNo, bid, ask)
	}
}

// checkTrade holds a trade to what each one has.
func (s *Sink) checkTrade(e *hft.Event) {
	if e.Side() == hft.SideNone || !(e.Qty > 0) || math.IsNaN(e.Px) {
		s.faultf("trade %+v", e)
	}
}

// Order records an order update.
func (s *Sink) Order(u *connector.OrderUpdate) {
	s.enter("Order")
	defer s.mu.Unlock()
	s.updates = append(s.updates, *u)
	key := KeyOf(&u.Order)
	if key.Bot == 0 {
		s.faultf("update %+v has no owner", u)
	}
	h := s.orders[key]
	if h == nil {
		s.faultf("update %+v about an order that nobody sent", u)
		return
	}
	if u.Req == hft.StatusRejected {
		if u.Fill {
			s.faultf("update %+v is a refusal and an execution", u)
		}
		return
	}
	s.checkUpdate(u, h)
	h.last = *u
	if u.Final() {
		h.final = true
	}
}

// checkUpdate holds an update to the ones before it.
func (s *Sink) checkUpdate(u *connector.OrderUpdate, h *history) {
	last := &h.last
	// An execution may be told after the cancellation that it lost the race against.
	late := u.Fill && u.Status == last.Status && u.Status != hft.StatusFilled
	if h.final && !late {
		s.faultf("update %+v after the order's end %+v", u, last)
	}
	switch u.Req {
	// the request may still be in flight, or a later one
	case hft.StatusNone, hft.StatusNew, hft.StatusCanceled, hft.StatusReplaced:
	default:
		s.faultf("update %+v answers no request", u)
	}
	if u.Final() && u.Req != hft.StatusNone {
		s.faultf("update %+v is final and has a request in flight", u)
	}
	s.checkValues(u, last)
	if u.Fill {
		h.executed += u.ExecQty
		s.checkExecution(u, h)
		return
	}
	// An amendment may make an order smaller than what it was waiting for.
	if u.Status == hft.StatusFilled && last.Status != hft.StatusFilled && h.executed == 0 {
		s.faultf("update %+v says Filled without an execution", u)
	}
}

// checkValues looks at the time and the quantities of an update.
func (s *Sink) checkValues(u, last *connector.OrderUpdate) {
	// Not every answer of a venue has a time.
	if u.ExchTimestampNs < 0 || u.ExchTimestampNs > 0 && u.ExchTimestampNs < last.ExchTimestampNs {
		s.faultf("update %+v is older than %+v", u, last)
	}
	if u.LeavesQty < 0 || u.Status == hft.StatusFilled && math.Abs(u.LeavesQty) > 1e-9 {
		s.faultf("update %+v leaves %v", u, u.LeavesQty)
	}
}

// checkExecution looks at an update that is an execution.
func (s *Sink) checkExecution(u *connector.OrderUpdate, h *history) {
	last := &h.last
	if u.ExecQty <= 0 || u.FillValue <= 0 || u.Status != hft.StatusPartiallyFilled && !u.Final() {
		s.faultf("execution %+v", u)
	}
	// While a modification is in flight an execution may be the first sign that it took effect, and its answer as well.
	modifying := u.Req == hft.StatusReplaced || last.Req == hft.StatusReplaced ||
		u.LocalTimestampNs == h.modifiedNs && last.LocalTimestampNs != h.modifiedNs
	if last.Active() && !modifying && math.Abs(last.LeavesQty-u.ExecQty-u.LeavesQty) > 1e-6*(1+u.Qty) {
		s.faultf("execution %+v does not continue %+v", u, last)
	}
}

// Position records the account's position.
func (s *Sink) Position(instrumentNo int, qty float64, _ int64) {
	s.enter("Position")
	defer s.mu.Unlock()
	s.positions[instrumentNo] = qty
}

// Error records an error event.
func (s *Sink) Error(e *connector.Error) {
	s.enter("Error")
	defer s.mu.Unlock()
	s.errors = append(s.errors, *e)
	if e.Val.String() == "" {
		s.faultf("error %+v does not say what is wrong", e)
	}
}

// Ready records that a book is complete.
func (s *Sink) Ready(instrumentNo int) {
	s.enter("Ready")
	defer s.mu.Unlock()
	b := s.book(instrumentNo)
	if len(b.bids) == 0 || len(b.asks) == 0 || !b.fedSinceStale {
		s.faultf("instrument %d is ready with %d bids and %d asks", instrumentNo, len(b.bids), len(b.asks))
	}
	b.ready = true
}

// Account records what the venue did to the account.
func (s *Sink) Account(e *connector.AccountEvent) {
	s.enter("Account")
	defer s.mu.Unlock()
	if e.Kind.Closes() && (e.Side == hft.SideNone || !(e.Qty > 0) || !(e.Price > 0) || e.ID == "") {
		s.faultf("account event %+v has no side, quantity, price or id", e)
	}
	s.account = append(s.account, *e)
}

// AccountEvents returns the account events in their order.
func (s *Sink) AccountEvents() []connector.AccountEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.account)
}

// Stale records that a book is lost.
func (s *Sink) Stale(instrumentNo int, reason string) {
	s.enter("Stale")
	defer s.mu.Unlock()
	if reason == "" {
		s.faultf("instrument %d is stale without a reason", instrumentNo)
	}
	s.stales++
	b := s.book(instrumentNo)
	clear(b.bids)
	clear(b.asks)
	b.ready, b.fedSinceStale = false, false
}

// Count records counts.
func (s *Sink) Count(c connector.Counter, n uint64) {
	s.enter("Count")
	defer s.mu.Unlock()
	if c >= connector.NumCounters {
		s.faultf("counter %d", c)
		return
	}
	s.counts[c] += n
}

// Sent notes that a request about an order is about to be sent. A new order may use the id of one that has ended.
func (s *Sink) Sent(o *connector.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.orders[KeyOf(o)]
	if h == nil || h.final && o.Req == hft.StatusNew {
		h = &history{}
		s.orders[KeyOf(o)] = h
	}
	h.requested++
	if o.Req == hft.StatusReplaced {
		h.modifiedNs = o.LocalTimestampNs
	}
}

// Close notes that Run has returned.
func (s *Sink) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Updates returns the updates about an order in their order.
func (s *Sink) Updates(key Key) []connector.OrderUpdate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []connector.OrderUpdate
	for i := range s.updates {
		if KeyOf(&s.updates[i].Order) == key {
			out = append(out, s.updates[i])
		}
	}
	return out
}

// AllUpdates returns all updates in their order.
func (s *Sink) AllUpdates() []connector.OrderUpdate { return s.UpdatesFrom(0) }

// UpdatesFrom returns all updates in their order but the first n.
func (s *Sink) UpdatesFrom(n int) []connector.OrderUpdate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connector.OrderUpdate(nil), s.updates[min(n, len(s.updates)):]...)
}

// NumUpdates returns the number of updates.
func (s *Sink) NumUpdates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates)
}

// Errors returns the error events in their order.
func (s *Sink) Errors() []connector.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connector.Error(nil), s.errors...)
}

// LastPosition returns the account's position as last reported.
func (s *Sink) LastPosition(instrumentNo int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.positions[instrumentNo]
}

// Counter returns a counter.
func (s *Sink) Counter(c connector.Counter) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[c]
}

// IsReady reports whether an instrument's book is complete.
func (s *Sink) IsReady(instrumentNo int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book(instrumentNo).ready
}

// Stales returns how often a book was lost, of all instruments together.
func (s *Sink) Stales() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stales
}

// Open returns how many orders are open by what was said of them.
func (s *Sink) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := 0
	for _, h := range s.orders {
		if h.last.Active() {
			open++
		}
	}
	return open
}

// Best returns the best bid and ask of the rows as they came, NaN when there is none.
func (s *Sink) Best(instrumentNo int) (bid, ask float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book(instrumentNo).best()
}

// Events returns how many events and how many trades among them an instrument had.
func (s *Sink) Events(instrumentNo int) (events, trades int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.book(instrumentNo)
	return b.events, b.trades
}

// Faults returns everything that broke the contract, nil when nothing did.
func (s *Sink) Faults() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.faults...)
}

// Book returns a copy of the levels of an instrument, price to quantity.
func (s *Sink) Book(instrumentNo int) (bids, asks map[float64]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.book(instrumentNo)
	return b.bids.byPrice(), b.asks.byPrice()
}
