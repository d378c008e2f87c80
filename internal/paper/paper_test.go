package paper_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/connectortest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

const startNs = int64(1_700_000_000_000_000_000)

var btc = connector.Instrument{No: 3, Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}
var eth = connector.Instrument{No: 1, Symbol: "ETHUSDT", TickSize: 0.01, LotSize: 0.001}

// newPaper returns a connector on a source and a clock that stands at its start.
// timed is a connector with a time of its own.
type timed interface {
	connector.Connector
	connector.Timeliner
}

func newPaper(t testing.TB, cfg paper.Config) (timed, *connectortest.Clock) {
	t.Helper()
	p, err := paper.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	made, ok := p.(timed)
	if !ok {
		t.Fatalf("%T has no time of its own", p)
	}
	return made, connectortest.NewClock(made.Timeline().StartNs)
}

func newSynthetic(t testing.TB, cfg paper.SyntheticConfig) paper.Source {
	t.Helper()
	if cfg.StartNs == 0 {
		cfg.StartNs = startNs
	}
	s, err := paper.NewSynthetic(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// script is a source of given batches.
type script struct {
	batches []paper.Batch
	refuse  string // a symbol that it has nothing of
	err     error  // instead of io.EOF
	closed  int
}

func (s *script) StartNs() int64 { return startNs }
func (s *script) Close() error   { s.closed++; return nil }
func (s *script) Register(inst connector.Instrument) error {
	if inst.Symbol == s.refuse {
		return errors.New("there is no recording of it")
	}
	return nil
}
func (s *script) Next(b *paper.Batch) error {
	if len(s.batches) == 0 {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	*b = s.batches[0]
	s.batches = s.batches[1:]
	return nil
}

func row(ev uint64, px, qty float64) hft.Event {
	return hft.Event{Ev: hft.LocalEvent | ev, Px: px, Qty: qty}
}

// opening is a small book around 60000 at the start.
func opening(inst connector.Instrument) paper.Batch {
	b := paper.Batch{TimestampNs: startNs, InstrumentNo: inst.No, Ready: true}
	b.Counts[connector.Messages] = 1
	for i := range 20 {
		b.Events = append(b.Events, row(hft.BuyEvent|hft.DepthSnapshotEvent, 60000-float64(i), 1),
			row(hft.SellEvent|hft.DepthSnapshotEvent, 60001+float64(i), 1))
	}
	return b
}

func at(ms int64, inst connector.Instrument, events ...hft.Event) paper.Batch {
	return paper.Batch{TimestampNs: startNs + ms*1e6, InstrumentNo: inst.No, Events: events}
}

func TestConformance(t *testing.T) {
	exchanges := map[string]paper.Exchange{
		"whole": {OrderLatency: 5 * time.Millisecond, ResponseLatency: 3 * time.Millisecond, TakerFee: 0.0005},
		"partial": {PartialFill: true, Queue: "power_prob3", QueueN: 3, OrderLatency: 5 * time.Millisecond,
			ResponseLatency: 5 * time.Millisecond},
		"no latency": {PartialFill: true, Queue: "log_prob2"},
	}
	for name, exchange := range exchanges {
		for _, speed := range []float64{0, 1} {
			t.Run(fmt.Sprintf("synthetic/%s/speed %v", name, speed), func(t *testing.T) {
				connectortest.Run(t, func(t *testing.T) connectortest.Harness {
					p, clock := newPaper(t, paper.Config{Source: newSynthetic(t, paper.SyntheticConfig{Seed: 7}),
						Speed: speed, Exchange: exchange})
					return connectortest.Harness{Connector: p, Clock: clock,
						Instruments: []connector.Instrument{btc, eth}}
				})
			})
		}
	}
	t.Run("script", func(t *testing.T) {
		connectortest.Run(t, func(t *testing.T) connectortest.Harness {
			last := at(3_600_000, btc)
			p, clock := newPaper(t, paper.Config{Source: &script{batches: []paper.Batch{opening(btc), last}},
				Speed: 10})
			return connectortest.Harness{Connector: p, Clock: clock, Instruments: []connector.Instrument{btc}}
		})
	})
}

// running is a connector whose Run goes on in the background.
type running struct {
	t      *testing.T
	paper  timed
	clock  *connectortest.Clock
	sink   *sinktest.Sink
	cancel context.CancelFunc
	alive  context.Context
	err    error
}

func start(t *testing.T, cfg paper.Config, instruments ...connector.Instrument) *running {
	t.Helper()
	p, clock := newPaper(t, cfg)
	r := &running{t: t, paper: p, clock: clock, sink: sinktest.NewSink()}
	for _, inst := range instruments {
		p.Register(inst)
	}
	ctx, cancel := context.WithCancel(context.Background())
	alive, dead := context.WithCancel(context.Background())
	r.cancel, r.alive = cancel, alive
	go func() {
		defer dead()
		r.err = p.Run(ctx, r.sink, clock)
	}()
	t.Cleanup(func() { cancel(); <-alive.Done() })
	return r
}

// advance lets time pass and waits until the connector has done everything up to then.
func (r *running) advance(d time.Duration) {
	r.t.Helper()
	r.clock.Advance(d)
	r.settle()
}

func (r *running) settle() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.alive, connectortest.Patience)
	defer cancel()
	if err := r.clock.Settle(ctx); err != nil && r.alive.Err() == nil {
		r.t.Fatal(err)
	}
}

func order(bot, id uint64, inst connector.Instrument, side hft.Side, price, qty float64,
	tif hft.TimeInForce) connector.Order {
	return connector.Order{InstrumentNo: inst.No, Owner: connector.Owner{Bot: bot, Incarnation: 9},
		Order: hft.NewOrder(id, hft.PriceTick(price, inst.TickSize), inst.TickSize, qty, side, hft.Limit, tif)}
}

// lines shows updates as text, times in milliseconds after the start.
func lines(updates []connector.OrderUpdate) []string {
	var out []string
	for _, u := range updates {
		s := fmt.Sprintf("%d:%d %v req %v leaves %v at %v", u.Owner.Bot, u.OrderID, u.Status, u.Req, u.LeavesQty,
			time.Duration(u.ExchTimestampNs-startNs))
		if u.Fill {
			s += fmt.Sprintf(" fill %v@%d value %v fee %v", u.ExecQty, u.ExecPriceTick, u.FillValue, u.FillFee)
		}
		out = append(out, s)
	}
	return out
}

// Latencies, times, fees and the account's position, step by step.
func TestLatency(t *testing.T) {
	source := &script{batches: []paper.Batch{opening(btc),
		at(30, btc, row(hft.SellEvent|hft.TradeEvent, 59990, 0.5)), at(1000, btc)}}
	r := start(t, paper.Config{Source: source, Speed: 1, Exchange: paper.Exchange{
		OrderLatency: 5 * time.Millisecond, ResponseLatency: 3 * time.Millisecond, MakerFee: -0.5, ContractSize: 2}},
		btc)
	r.advance(10 * time.Millisecond)
	r.paper.Submit(order(1, 1, btc, hft.Buy, 59995, 0.25, hft.GTC))
	expect := func(after time.Duration, want ...string) {
		t.Helper()
		r.advance(after)
		if got := lines(r.sink.AllUpdates()); !slices.Equal(got, want) {
			t.Errorf("at %v:\n got %q\nwant %q", time.Duration(r.clock.NowNs()-startNs), got, want)
		}
	}
	accepted := "1:1 New req None leaves 0.25 at 15ms"
	filled := "1:1 Filled req None leaves 0 at 30ms fill 0.25@599950 value 29997.5 fee -14998.75"
	expect(0)
	expect(8*time.Millisecond - 1)
	expect(1, accepted)
	expect(12*time.Millisecond, accepted)
	if r.sink.LastPosition(btc.No) != 0 {
		t.Error("the position moved before the execution was reported")
	}
	expect(3*time.Millisecond, accepted, filled)
	if r.sink.LastPosition(btc.No) != 0.25 || r.sink.Updates(sinktest.Key{InstrumentNo: btc.No, Bot: 1,
		OrderID: 1})[1].Owner.Incarnation != 9 {
		t.Errorf("position is %v", r.sink.LastPosition(btc.No))
	}
	if err := r.sink.Faults(); err == nil || !strings.Contains(err.Error(), "nobody sent") {
		t.Errorf("the sink did not notice orders that were not announced: %v", err)
	}
}

// In stepped time the requests of one instant are handled by bot, however they came in.
func TestSteppedOrder(t *testing.T) {
	for _, late := range []bool{false, true} {
		r := start(t, paper.Config{Source: &script{batches: []paper.Batch{opening(btc), at(1000, btc)}},
			Exchange: paper.Exchange{OrderLatency: time.Millisecond}}, btc)
		r.advance(time.Millisecond)
		for _, bot := range []uint64{5, 2, 9} {
			r.paper.Submit(order(bot, 1, btc, hft.Buy, 59995, 1, hft.GTC))
			if late {
				r.settle() // taken one by one, still at one instant
			}
			r.paper.Submit(order(bot, 0, btc, hft.Buy, 59995, 1, hft.GTC))
		}
		r.advance(time.Millisecond)
		var got []string
		for _, u := range r.sink.AllUpdates() {
			got = append(got, fmt.Sprintf("%d:%d", u.Owner.Bot, u.OrderID))
		}
		if want := []string{"2:1", "2:0", "5:1", "5:0", "9:1", "9:0"}; !slices.Equal(got, want) {
			t.Errorf("taken one by one: %v: handled %v, want %v", late, got, want)
		}
	}
}

// The source's end: what arrives within the latency is delivered, then Run returns nil and the source is closed.
func TestEndOfData(t *testing.T) {
	source := &script{batches: []paper.Batch{opening(btc), at(100, btc)}}
	r := start(t, paper.Config{Source: source, Speed: 1, Exchange: paper.Exchange{
		OrderLatency: 5 * time.Millisecond, ResponseLatency: 3 * time.Millisecond}}, btc)
	r.advance(100 * time.Millisecond)
	r.paper.Submit(order(1, 1, btc, hft.Buy, 59995, 1, hft.GTC))
	r.settle()
	r.advance(time.Millisecond)
	r.paper.Submit(order(1, 2, btc, hft.Buy, 59995, 1, hft.GTC)) // its answer comes too late
	r.settle()
	if r.alive.Err() != nil {
		t.Fatal("Run ended before the answer was due")
	}
	r.advance(time.Hour)
	select {
	case <-r.alive.Done():
	case <-time.After(connectortest.Patience):
		t.Fatal("Run does not end with the data")
	}
	if r.err != nil || source.closed != 1 {
		t.Errorf("Run returned %v, source closed %d times", r.err, source.closed)
	}
	if got := lines(r.sink.AllUpdates()); !slices.Equal(got, []string{"1:1 New req None leaves 1 at 105ms"}) {
		t.Errorf("updates are %q", got)
	}
	if err := r.paper.Run(context.Background(), r.sink, r.clock); err == nil ||
		!strings.Contains(err.Error(), "Run was called before") {
		t.Errorf("a second Run returned %v", err)
	}
}

func TestSourceError(t *testing.T) {
	broken := errors.New("line 7: not JSON")
	source := &script{batches: []paper.Batch{opening(btc)}, err: broken}
	r := start(t, paper.Config{Source: source, Speed: 1}, btc)
	<-r.alive.Done()
	if !errors.Is(r.err, broken) || source.closed != 1 {
		t.Errorf("Run returned %v, source closed %d times", r.err, source.closed)
	}
}

// A lost book: the bots are told before the new rows, orders stay, and nothing can be taken until it is back.
func TestStaleAndRejections(t *testing.T) {
	stale := at(50, btc)
	stale.Stale = "gap of 3 messages"
	stale.Counts[connector.Gaps] = 1
	back := opening(btc)
	back.TimestampNs = startNs + 80e6
	source := &script{refuse: "XRPUSDT", batches: []paper.Batch{opening(btc), stale,
		at(60, eth, row(hft.DepthEvent, 1, 1)), back, at(1000, btc)}}
	xrp := connector.Instrument{No: 8, Symbol: "XRPUSDT", TickSize: 0.1, LotSize: 1}
	wrong := connector.Instrument{No: 9, Symbol: "WRONG", TickSize: 0, LotSize: 1}
	r := start(t, paper.Config{Source: source, Speed: 1}, btc, xrp, wrong, btc,
		connector.Instrument{No: -1, Symbol: "NEG", TickSize: 1, LotSize: 1})
	r.advance(time.Millisecond)
	errs := r.sink.Errors()
	if len(errs) != 4 || errs[0].InstrumentNo != 8 || errs[0].Kind != hft.CriticalConnectionError ||
		!strings.Contains(errs[0].Val.String(), "XRPUSDT") {
		t.Fatalf("errors are %+v", errs)
	}
	r.paper.Submit(order(1, 1, xrp, hft.Buy, 1, 1, hft.GTC))
	r.paper.Submit(order(1, 2, btc, hft.Buy, 59995, 1, hft.GTC))
	r.paper.Submit(order(1, 3, btc, hft.Buy, 59995, 0, hft.GTC))
	r.advance(54 * time.Millisecond)
	if r.sink.IsReady(btc.No) || r.sink.Counter(connector.Gaps) != 1 {
		t.Error("the lost book is ready")
	}
	market := order(1, 4, btc, hft.Buy, 0, 1, hft.GTC)
	market.OrdType = hft.Market
	r.paper.Submit(market)
	r.advance(45 * time.Millisecond)
	if !r.sink.IsReady(btc.No) {
		t.Error("the book is not back")
	}
	want := []string{"1:1 Expired req Rejected leaves 1 at -472222h13m20s", "1:2 New req None leaves 1 at 1ms",
		"1:3 Expired req Rejected leaves 0 at 1ms", "1:4 Expired req None leaves 1 at 55ms"}
	if got := lines(r.sink.AllUpdates()); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if errs := r.sink.Errors()[4:]; len(errs) != 2 || errs[0].OrderID != 1 || errs[1].OrderID != 3 ||
		errs[1].Kind != hft.OrderError {
		t.Errorf("errors are %+v", errs)
	}
}

// A queue that is full before there is a sink is reported when there is one; afterwards each request is.
func TestFullQueue(t *testing.T) {
	source := &script{batches: []paper.Batch{opening(btc), at(1000, btc)}}
	p, clock := newPaper(t, paper.Config{Source: source, Speed: 1, RequestCapacity: 2})
	for id := range uint64(5) {
		p.Submit(order(1, id, btc, hft.Buy, 59995, 1, hft.GTC))
	}
	p.Register(btc)
	sink := sinktest.NewSink()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx, sink, clock) }()
	settle, stop := context.WithTimeout(ctx, connectortest.Patience)
	defer stop()
	if err := clock.Settle(settle); err != nil {
		t.Fatal(err)
	}
	if errs := sink.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Val.String(), "3 requests rejected") ||
		errs[0].InstrumentNo != -1 {
		t.Errorf("errors are %+v", errs)
	}
	if got := len(sink.AllUpdates()); got != 2 {
		t.Errorf("%d requests were answered, want 2", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// An instrument may also come later.
func TestLateRegistration(t *testing.T) {
	r := start(t, paper.Config{Source: newSynthetic(t, paper.SyntheticConfig{}), Speed: 1})
	r.advance(time.Second)
	r.paper.Register(btc)
	r.advance(time.Second)
	r.paper.Register(eth)
	r.advance(2 * time.Second)
	for _, inst := range []connector.Instrument{btc, eth} {
		if events, trades := r.sink.Events(inst.No); !r.sink.IsReady(inst.No) || events < 400 || trades == 0 {
			t.Errorf("%s: %d events, %d trades", inst.Symbol, events, trades)
		}
	}
	if err := r.sink.Faults(); err != nil {
		t.Error(err)
	}
}

func TestConfigErrors(t *testing.T) {
	source := newSynthetic(t, paper.SyntheticConfig{})
	for want, cfg := range map[string]paper.Config{
		"no source":        {},
		"speed":            {Source: source, Speed: -1},
		"capacity":         {Source: source, RequestCapacity: -1},
		"order latency":    {Source: source, Exchange: paper.Exchange{OrderLatency: -1}},
		"response latency": {Source: source, Exchange: paper.Exchange{ResponseLatency: -1}},
		"maker fee":        {Source: source, Exchange: paper.Exchange{MakerFee: math.Inf(1)}},
		"contract size":    {Source: source, Exchange: paper.Exchange{ContractSize: -1}},
		"power_prob3":      {Source: source, Exchange: paper.Exchange{Queue: "fifo"}},
		"queue_n":          {Source: source, Exchange: paper.Exchange{Queue: "power_prob", QueueN: -1}},
	} {
		if _, err := paper.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	for _, queue := range append(paper.QueueNames(), "") {
		p, err := paper.New(paper.Config{Source: source, Speed: 10, Exchange: paper.Exchange{Queue: queue}})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := p.(connector.Timeliner).Timeline(); got != (connector.Timeline{StartNs: startNs, Rate: 10}) {
			t.Errorf("timeline is %+v", got)
		}
	}
}
