package paper

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/sim"
)

// simulated is the connector; see the package comment.
type simulated struct {
	cfg     Config
	latency sim.LatencyModel
	queue   sim.QueueModel

	// wake holds a token while there is something for Run to take.
	wake chan struct{}

	// Guarded by mu.
	mu            sync.Mutex
	sink          connector.Sink // nil before Run
	started       bool
	ended         bool
	registrations []connector.Instrument
	requests      []connector.Order // at most cfg.RequestCapacity
	early         uint64            // requests refused before Run
}

var (
	_ connector.Connector = (*simulated)(nil)
	_ connector.Timeliner = (*simulated)(nil)
)

// errRunTwice is returned by a second Run of the same connector.
var errRunTwice = errors.New("paper: Run was called before: create a new connector")

// New returns a connector that is not running yet, or an error that names what is wrong with cfg. It is a
// connector.Timeliner, and a feed.Reporter of what the source has found.
func New(cfg Config) (connector.Connector, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.RequestCapacity == 0 {
		cfg.RequestCapacity = defaultRequestCapacity
	}
	if cfg.Exchange.ContractSize == 0 {
		cfg.Exchange.ContractSize = 1
	}
	latency, err := sim.NewConstantLatency(cfg.Exchange.OrderLatency, cfg.Exchange.ResponseLatency)
	if err != nil {
		return nil, err
	}
	queue, err := cfg.Exchange.queueModel()
	if err != nil {
		return nil, err
	}
	return &simulated{cfg: cfg, latency: latency, queue: queue, wake: make(chan struct{}, 1)}, nil
}

// Reports returns what the source has found about its feeds; see feed.Reporter.
func (p *simulated) Reports() []feed.Report { return feed.ReportsOf(p.cfg.Source) }

// FeedReports returns Reports as they are told outside.
func (p *simulated) FeedReports() []connector.FeedReport { return feed.Forms(p.Reports()) }

// Timeline returns the source's time at the configured speed.
func (p *simulated) Timeline() connector.Timeline {
	return connector.Timeline{StartNs: p.cfg.Source.StartNs(), Rate: p.cfg.Speed, Stepped: p.cfg.Speed == 0}
}

// Register adds an instrument. What is wrong with it is reported through the Sink.
func (p *simulated) Register(inst connector.Instrument) {
	p.mu.Lock()
	if !p.ended {
		p.registrations = append(p.registrations, inst)
	}
	p.mu.Unlock()
	p.signal()
}

// Submit sends a new order.
func (p *simulated) Submit(o connector.Order) {
	o.Req = hft.StatusNew
	p.request(&o)
}

// Cancel cancels an order.
func (p *simulated) Cancel(o connector.Order) {
	o.Req = hft.StatusCanceled
	p.request(&o)
}

// Modify gives an order the price and quantity of o; the quantity is what is to remain open.
func (p *simulated) Modify(o connector.Order) {
	o.Req = hft.StatusReplaced
	p.request(&o)
}

// request queues a request, or refuses it when the queue is full.
func (p *simulated) request(o *connector.Order) {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	if len(p.requests) < p.cfg.RequestCapacity {
		p.requests = append(p.requests, *o)
		p.mu.Unlock()
		p.signal()
		return
	}
	sink := p.sink
	if sink == nil {
		p.early++
	}
	p.mu.Unlock()
	if sink != nil {
		refuse(sink, o, fmt.Sprintf("request rejected: %d requests are already pending, send fewer at a time",
			p.cfg.RequestCapacity))
	}
}

func (p *simulated) signal() {
	select {
	case p.wake <- struct{}{}:
	default: // a token is there already
	}
}

// refuse answers a request that never reached an exchange.
func refuse(sink connector.Sink, o *connector.Order, reason string) {
	u := connector.OrderUpdate{Order: *o}
	if o.Req == hft.StatusNew {
		u.Status = hft.StatusExpired
	}
	u.Req = hft.StatusRejected
	sink.Order(&u)
	reportRefusal(sink, &u.Order, reason)
}

func reportRefusal(sink connector.Sink, o *connector.Order, reason string) {
	e := connector.Error{InstrumentNo: o.InstrumentNo, Owner: o.Owner,
		LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue(reason))}
	e.OrderID = o.OrderID
	sink.Error(&e)
}

// Run simulates until ctx or the source ends. It is called once.
func (p *simulated) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) (err error) {
	p.mu.Lock()
	if p.started {
		p.mu.Unlock()
		return errRunTwice
	}
	p.started = true
	p.sink = sink
	early := p.early
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.ended = true
		p.requests, p.registrations = nil, nil
		p.mu.Unlock()
		if closeErr := p.cfg.Source.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("paper: close the source: %w", closeErr)
		}
	}()
	if early > 0 {
		e := connector.Error{InstrumentNo: -1, LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue(
			fmt.Sprintf("%d requests rejected: sent before the connector ran, when its queue of %d was full", early,
				p.cfg.RequestCapacity)))}
		sink.Error(&e)
	}
	return newSession(p, sink, clock).run(ctx)
}
