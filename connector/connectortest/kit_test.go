package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// defect is one way to break the contract.
type defect int

const (
	none defect = iota
	silentCancel
	answersTwice
	foreignOwner
	fillsTwice
	fillsWithoutExecution
	leaksGoroutine
	returnsError
	talksAfterRun
	neverReady
	readyTooEarly
	sharedIDs
	acceptsDuplicates
	postOnlyError
	oldPrice
	numDefects
)

// simple is a connector to a venue that is all in its head: limit orders at or above the ask execute, others rest.
// Everything is answered at once, from the caller's goroutine.
type simple struct {
	defect defect

	mu    sync.Mutex
	sink  connector.Sink
	clock connector.Clock
	ended bool
	early []connector.Order
	insts []connector.Instrument
	open  map[sinktest.Key]connector.Order
	pos   float64
}

func newSimple(d defect) *simple { return &simple{defect: d, open: map[sinktest.Key]connector.Order{}} }

func (s *simple) Register(inst connector.Instrument) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insts = append(s.insts, inst)
}

func (s *simple) Submit(o connector.Order) { s.request(o, hft.StatusNew) }
func (s *simple) Cancel(o connector.Order) { s.request(o, hft.StatusCanceled) }
func (s *simple) Modify(o connector.Order) { s.request(o, hft.StatusReplaced) }

func (s *simple) request(o connector.Order, req hft.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Req = req
	switch {
	case s.ended && s.defect == talksAfterRun:
		s.answer(o, hft.StatusNew)
	case s.ended:
	case s.sink == nil:
		s.early = append(s.early, o)
	default:
		s.handle(o)
	}
}

func (s *simple) answer(o connector.Order, status hft.Status) {
	u := connector.OrderUpdate{Order: o}
	u.Status, u.Req, u.ExchTimestampNs = status, hft.StatusNone, s.clock.NowNs()
	if s.defect == foreignOwner {
		u.Owner.Incarnation++
	}
	s.sink.Order(&u)
	if s.defect == answersTwice && status == hft.StatusCanceled {
		s.sink.Order(&u)
	}
}

func (s *simple) refuse(o connector.Order, why string) {
	u := connector.OrderUpdate{Order: o}
	u.Req, u.ExchTimestampNs = hft.StatusRejected, s.clock.NowNs()
	s.sink.Order(&u)
	if why != "" {
		e := connector.Error{InstrumentNo: o.InstrumentNo, Owner: o.Owner,
			LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue(why))}
		e.OrderID = o.OrderID
		s.sink.Error(&e)
	}
}

func (s *simple) handle(o connector.Order) {
	key := sinktest.KeyOf(&o)
	if s.defect == sharedIDs {
		key.Bot = 0
	}
	existing, found := s.open[key]
	switch {
	case o.Req == hft.StatusNew && found && s.defect != acceptsDuplicates:
		s.refuse(existing, "duplicate")
	case o.Req == hft.StatusNew:
		s.submit(key, o)
	case !found:
		s.refuse(o, "")
	case o.Req == hft.StatusCanceled:
		delete(s.open, key)
		if s.defect != silentCancel {
			s.answer(existing, hft.StatusCanceled)
		}
	default:
		existing.Qty, existing.LeavesQty = o.Qty, o.Qty
		if s.defect != oldPrice {
			existing.PriceTick = o.PriceTick
		}
		s.open[key] = existing
		s.answer(existing, hft.StatusNew)
	}
}

func (s *simple) submit(key sinktest.Key, o connector.Order) {
	crosses := o.Side == hft.Buy && o.PriceTick >= 1001 || o.Side == hft.Sell && o.PriceTick <= 1000
	switch {
	case crosses && o.TimeInForce == hft.GTX:
		s.answer(o, hft.StatusExpired)
		if s.defect == postOnlyError {
			s.refuse(o, "would take")
		}
	case crosses:
		u := connector.OrderUpdate{Order: o, Fill: s.defect != fillsWithoutExecution, FillValue: 1}
		u.Status, u.Req, u.ExchTimestampNs = hft.StatusFilled, hft.StatusNone, s.clock.NowNs()
		u.LeavesQty, u.ExecQty, u.ExecPriceTick = 0, o.Qty, o.PriceTick
		s.sink.Order(&u)
		if s.defect == fillsTwice {
			s.sink.Order(&u)
		}
		s.pos += float64(o.Side) * o.Qty
		s.sink.Position(o.InstrumentNo, s.pos, u.ExchTimestampNs)
	default:
		s.open[key] = o
		s.answer(o, hft.StatusNew)
	}
}

func (s *simple) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	s.mu.Lock()
	s.sink, s.clock = sink, clock
	for _, inst := range s.insts {
		if s.defect == readyTooEarly {
			sink.Ready(inst.No)
		}
		sink.Count(connector.Messages, 1)
		sink.Feed(inst.No, []hft.Event{
			{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthSnapshotEvent, Px: 1000 * inst.TickSize, Qty: 1},
			{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthSnapshotEvent, Px: 1001 * inst.TickSize, Qty: 1}})
		if s.defect != neverReady {
			sink.Ready(inst.No)
		}
	}
	for _, o := range s.early {
		s.handle(o)
	}
	s.mu.Unlock()
	if s.defect == leaksGoroutine {
		go func() { time.Sleep(2 * Patience) }()
	}
	var err error
	for err == nil {
		_, err = clock.WaitUntil(ctx, clock.NowNs()+int64(time.Hour), nil)
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	if s.defect == returnsError {
		return fmt.Errorf("simple: %w", err)
	}
	return nil
}

func harness(d defect) Harness {
	return Harness{Connector: newSimple(d), Clock: NewClock(1e18), Flood: 1000, Limit: 100 * time.Millisecond,
		Instruments: []connector.Instrument{{No: 0, Symbol: "X", TickSize: 1, LotSize: 1}}}
}

func TestRun(t *testing.T) {
	Run(t, func(*testing.T) Harness { return harness(none) })
}

// Each defect is found by at least one check, with words that tell what is wrong.
func TestDefectsAreFound(t *testing.T) {
	words := [numDefects]string{
		silentCancel: "an answer to request", answersTwice: "after the order's end", foreignOwner: "was answered to",
		fillsTwice:            "after the order's end",
		fillsWithoutExecution: "without an execution", leaksGoroutine: "goroutines are left",
		returnsError:  "Run returned an error",
		talksAfterRun: "after Run had returned", neverReady: "books to be ready", readyTooEarly: "is ready with 0 bids",
		sharedIDs: "answer is", acceptsDuplicates: "a duplicate is answered", postOnlyError: "post-only",
		oldPrice: "modified to",
	}
	for d := none + 1; d < numDefects; d++ {
		var found []error
		for _, c := range checks() {
			if d == leaksGoroutine && c.name != "rest and cancel" {
				continue // each would wait for the goroutine
			}
			if err := conduct(harness(d), c); err != nil {
				found = append(found, err)
			}
		}
		if err := errors.Join(found...); err == nil || !strings.Contains(err.Error(), words[d]) {
			t.Errorf("defect %d: want %q in: %v", d, words[d], err)
		}
	}
}
