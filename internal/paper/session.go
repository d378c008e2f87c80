package paper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// maxInstrumentNo bounds the table of exchanges: instrument numbers are small.
const maxInstrumentNo = 1 << 16

// session is one Run. Its goroutine owns everything in it.
type session struct {
	paper   *simulated
	sink    connector.Sink
	clock   connector.Clock
	stepped bool

	link      *exchange.Link
	exchanges []*exchange.L2 // by instrument number, nil where there is none
	listed    int            // how many there are

	batch     Batch
	haveBatch bool
	nowNs     int64 // the time of what was processed last
	batchNs   int64 // the time of the last batch
	ended     bool  // the source has

	// The requests of one instant, which wait for the others of the same instant when time is stepped.
	instant   []connector.Order
	instantNs int64

	// Reused, so that nothing is allocated.
	taken   []connector.Order
	request exchange.Request
	report  exchange.Report
	reports []exchange.Report
	update  connector.OrderUpdate
}

func newSession(p *simulated, sink connector.Sink, clock connector.Clock) *session {
	return &session{paper: p, sink: sink, clock: clock, stepped: p.cfg.Speed == 0,
		link: exchange.NewLink(p.latency, p.latency), nowNs: clock.NowNs()}
}

// run is the event loop: wait for the next thing to happen, take requests on the way, let it happen.
func (s *session) run(ctx context.Context) error {
	s.take(s.nowNs)
	for ctx.Err() == nil {
		if err := s.fetch(); err != nil {
			return err
		}
		nextNs := s.nextNs()
		nowNs, err := s.clock.WaitUntil(ctx, nextNs, s.paper.wake)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("paper: wait for the next event: %w", err)
		}
		took := s.take(max(nowNs, s.nowNs))
		if nowNs < nextNs || took && s.stepped {
			continue // there may be more requests of this instant
		}
		if s.over() {
			return nil // the bots have seen everything of this instant, and none has asked for more
		}
		if err := s.step(nextNs); err != nil {
			return err
		}
	}
	return nil
}

// fetch gets the next batch unless there is one.
func (s *session) fetch() error {
	if s.haveBatch || s.listed == 0 || s.ended {
		return nil
	}
	err := s.paper.cfg.Source.Next(&s.batch)
	switch {
	case err == nil:
		s.haveBatch = true
	case errors.Is(err, io.EOF):
		s.ended = true
	default:
		return fmt.Errorf("paper: read the source: %w", err)
	}
	return nil
}

// over reports whether the source has ended and nothing is under way.
func (s *session) over() bool {
	return s.ended && len(s.instant) == 0 && s.link.ToExchange.Len() == 0 && s.link.ToLocal.Len() == 0
}

// nextNs returns when something happens next, sim.NeverNs while there is no instrument. It is never in the past.
func (s *session) nextNs() int64 {
	if s.over() {
		return s.nowNs + 1 // the bots may still have requests of this instant
	}
	nextNs := min(s.link.ToExchange.NextNs(), s.link.ToLocal.NextNs())
	if s.haveBatch {
		nextNs = min(nextNs, s.batch.TimestampNs)
	}
	if len(s.instant) > 0 {
		nextNs = min(nextNs, s.instantNs+int64(s.paper.cfg.Exchange.OrderLatency))
	}
	return max(nextNs, s.nowNs)
}

// step lets what happens at one time happen, in the order of a backtest: a batch for the bots, reports on their way
// back, batches for the exchange, and when there are no more for this time requests arriving.
func (s *session) step(nowNs int64) error {
	s.nowNs = nowNs
	s.flush()
	for told := false; s.haveBatch && s.batch.TimestampNs <= nowNs; {
		if s.batch.To != ToExchange {
			if told {
				return nil // the bots come between
			}
			told = true
		}
		s.haveBatch, s.batchNs = false, nowNs
		if s.apply(nowNs, &s.batch); s.batch.To != ToExchange {
			s.deliverUntil(nowNs)
		}
		if err := s.fetch(); err != nil {
			return err
		}
	}
	s.deliverUntil(nowNs)
	for s.link.ToExchange.Receive(nowNs, &s.request) {
		s.exchanges[s.request.AssetNo].OnRequest(nowNs, &s.request)
		s.deliverUntil(nowNs)
	}
	return nil
}

// deliverUntil hands out the reports that have arrived, of one time by instrument, as a backtest does.
func (s *session) deliverUntil(nowNs int64) {
	for s.link.ToLocal.NextNs() <= nowNs {
		s.reports = s.reports[:0]
		for dueNs := s.link.ToLocal.NextNs(); s.link.ToLocal.Receive(dueNs, &s.report); {
			s.reports = append(s.reports, s.report)
		}
		slices.SortStableFunc(s.reports, func(a, b exchange.Report) int { return cmp.Compare(a.AssetNo, b.AssetNo) })
		for i := range s.reports {
			s.deliver(&s.reports[i])
		}
	}
}

// apply hands a batch to the bots and to the exchange, or to whom it is for.
func (s *session) apply(nowNs int64, b *Batch) {
	for c, n := range b.Counts {
		if n > 0 {
			s.sink.Count(connector.Counter(c), n)
		}
	}
	exchange := s.exchange(b.InstrumentNo)
	if exchange == nil {
		return
	}
	if b.Stale != "" {
		s.sink.Stale(b.InstrumentNo, b.Stale)
		if b.To == ToEverybody {
			exchange.OnEvent(nowNs, &hft.Event{Ev: hft.DepthClearEvent})
		}
	}
	if len(b.Events) > 0 && b.To != ToExchange {
		s.sink.Feed(b.InstrumentNo, b.Events)
	}
	if b.To != ToBots {
		for i := range b.Events {
			exchange.OnEvent(nowNs, &b.Events[i])
		}
	}
	if b.Ready {
		s.sink.Ready(b.InstrumentNo)
	}
}

// exchange returns the exchange of an instrument, nil when there is none.
func (s *session) exchange(instrumentNo int) *exchange.L2 {
	if instrumentNo < 0 || instrumentNo >= len(s.exchanges) {
		return nil
	}
	return s.exchanges[instrumentNo]
}

// deliver hands a report to the bots.
func (s *session) deliver(r *exchange.Report) {
	s.update = connector.OrderUpdate{
		Order: connector.Order{InstrumentNo: r.AssetNo,
			Owner: connector.Owner{Bot: r.Owner, Incarnation: uint32(r.Tag)}, Order: r.Order},
		Fill: r.Fill, FillValue: r.FillValue, FillFee: r.FillFee}
	s.sink.Order(&s.update)
	if r.Fill {
		s.sink.Position(r.AssetNo, r.Position, r.Order.ExchTimestampNs)
	}
	if r.Reject != sim.NotRejected && r.Reject != sim.RejectUnknownOrder {
		reportRefusal(s.sink, &s.update.Order, "order rejected: "+r.Reject.String())
	}
}

// take moves what is queued into the session, as of nowNs. It reports whether there were requests.
func (s *session) take(nowNs int64) bool {
	p := s.paper
	p.mu.Lock()
	registrations := p.registrations
	p.registrations = nil
	p.requests, s.taken = s.taken[:0], p.requests
	p.mu.Unlock()

	for _, inst := range registrations {
		s.register(nowNs, inst)
	}
	if len(s.taken) == 0 || s.ended && nowNs > s.batchNs {
		return false // what is asked for after the last batch is not carried out, or a bot could go on for ever
	}
	if s.instantNs != nowNs {
		s.flush()
		s.instantNs = nowNs
	}
	for i := range s.taken {
		o := &s.taken[i]
		if s.exchange(o.InstrumentNo) == nil {
			refuse(s.sink, o,
				fmt.Sprintf("order rejected: instrument %d is not simulated, see the earlier error about it",
					o.InstrumentNo))
			continue
		}
		s.instant = append(s.instant, *o)
	}
	if !s.stepped {
		s.flush()
	}
	return true
}

// flush sends the requests of the instant on their way. When time is stepped they are ordered by bot, because the
// order in which processes get to send within one instant is chance.
func (s *session) flush() {
	if len(s.instant) == 0 {
		return
	}
	if s.stepped {
		slices.SortStableFunc(s.instant,
			func(a, b connector.Order) int { return cmp.Compare(a.Owner.Bot, b.Owner.Bot) })
	}
	for i := range s.instant {
		o := &s.instant[i]
		s.request = exchange.Request{AssetNo: o.InstrumentNo, Owner: o.Owner.Bot, Tag: uint64(o.Owner.Incarnation),
			Order: o.Order}
		s.link.Send(s.instantNs, &s.request)
	}
	s.instant = s.instant[:0]
}

// register opens an exchange for an instrument.
func (s *session) register(nowNs int64, inst connector.Instrument) {
	err := s.list(inst)
	if err == nil {
		s.sink.Position(inst.No, 0, nowNs)
		return
	}
	reason := fmt.Sprintf("%s cannot be simulated: %v", inst.Symbol, err)
	if inst.No >= 0 {
		s.sink.Stale(inst.No, reason)
	}
	s.sink.Error(&connector.Error{InstrumentNo: inst.No,
		LiveError: hft.LiveErrorWith(hft.CriticalConnectionError, hft.StringValue(reason))})
}

func (s *session) list(inst connector.Instrument) error {
	if inst.No < 0 || inst.No > maxInstrumentNo {
		return fmt.Errorf("instrument number %d is not within 0..%d", inst.No, maxInstrumentNo)
	}
	if s.exchange(inst.No) != nil {
		return fmt.Errorf("instrument number %d is in use", inst.No)
	}
	e := &s.paper.cfg.Exchange
	book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
	if err != nil {
		return err
	}
	cfg := exchange.Config{AssetNo: inst.No, Book: book, Queue: s.paper.queue, Asset: sim.LinearAsset(e.ContractSize),
		Fee: sim.TradingValueFee{Maker: e.MakerFee, Taker: e.TakerFee}, Responder: s.link}
	made, err := exchange.NewNoPartialFill(cfg)
	if e.PartialFill {
		made, err = exchange.NewPartialFill(cfg)
	}
	if err != nil {
		return err
	}
	if err := s.paper.cfg.Source.Register(inst); err != nil {
		return err
	}
	for len(s.exchanges) <= inst.No {
		s.exchanges = append(s.exchanges, nil)
	}
	s.exchanges[inst.No] = made
	s.listed++
	return nil
}
