package venue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// requestTimeout bounds a question that no bot waits for.
	requestTimeout = 10 * time.Second
	// unreadableFirst messages that cannot be read are logged, then one each unreadableInterval.
	unreadableFirst, unreadableInterval = 10, 10 * time.Second
	// retryPause is the time until something that failed and is not a stream's is tried again.
	retryPause = time.Second
)

// defaultAuditInterval is how often the venue is asked what it has, unless configured.
const defaultAuditInterval = 30 * time.Second

// Config is what a Connector needs.
type Config struct {
	Protocol protocol.Protocol
	// Rule is how the venue numbers the differences of its books.
	Rule connector.Rule
	// OrderPrefix begins every client order id, 1 to 4 letters or digits: by it this runner's orders are told from others.
	// Runners on one account need different ones.
	OrderPrefix string
	// Trading says that there is a key: orders, positions and the private stream. Without it only market data comes.
	Trading bool
	// DeadMan is the window of the venue's dead-man's switch, 0 for none. It is refreshed four times a window while there
	// are open orders, and disarmed at the end.
	DeadMan time.Duration
	// AuditInterval is how often open orders and positions are compared with the venue's although no connection was lost:
	// a venue may fail to send an event. 0 is 30 s.
	AuditInterval time.Duration
	// Filters are the venue's rules of the symbols, as far as they are known. The venue is asked for those of other symbols when
	// they are registered.
	Filters []protocol.Filters
	// CancelOnDisconnect is how long the private stream may be down, once it has been up in this run, until this process cancels all
	// orders of the runner, 0 for never. It is no dead-man's switch: nothing is canceled when the process has died or does not reach the venue.
	CancelOnDisconnect time.Duration
	// QuietLimit is how long the stream of a book may bring nothing until the venue is asked whether the book has moved on, 0
	// for 30 s. Only then is the book given up and subscribed anew.
	QuietLimit time.Duration
	// StepsInterval is how often the venue is asked for the steps of the instruments anew, besides after each reconnection, 0
	// for an hour. One whose steps have changed, by two answers in a row, takes no new orders until the next run,
	// and its open ones are canceled.
	StepsInterval time.Duration
	// Record is handed every message about a registered symbol and every snapshot, with the time of its receipt; nil for
	// nobody. It is called by one goroutine at a time.
	Record func(symbol string, localNs int64, message []byte)
	// BackOffMax is the longest pause between two attempts to connect, before jitter, 0 for 30 s. AttemptsPer5Min is how many
	// connections all streams together attempt in 5 minutes, 0 for 100; venues take about 300 from an address.
	BackOffMax      time.Duration
	AttemptsPer5Min int
	// RefusedPause is after how long market data that the venue has come to refuse is asked for again, 0 for a minute.
	RefusedPause time.Duration
	// Logger may be nil.
	Logger hclog.Logger
	// Outage is told what does not work at the venue; it is shared with the Protocol's own connections. nil for a new one.
	Outage protocol.Outage
}

// Connector is the connection to a live venue.
type Connector struct {
	cfg      Config
	protocol protocol.Protocol
	log      hclog.Logger
	outage   protocol.Outage
	symbols  symbolTable

	// The following are set when Run begins.
	ctx   context.Context
	sink  connector.Sink
	clock connector.Clock
	group *sync.WaitGroup

	// live says that Run works: what comes before is kept, what comes after is dropped.
	live         atomic.Bool
	startMu      sync.Mutex
	begun, ended bool
	early        []connector.Instrument
	// unlearned are the instruments that are not in the table: true while the venue is asked for their rules, false when they
	// cannot be traded.
	unlearned     map[int]bool
	numUnlearned  atomic.Int64
	past          map[int]connector.Past
	lineage       *lineage
	earlyRequests []connector.Order

	// trade is the part that has to do with orders; nil without a key.
	trade *trade

	market marketStreams
	// reconnected wakes who asks for the venue's rules.
	reconnected chan struct{}
	attempts    *rate.Limiter // to connect, of all streams
	complain    complaints
	// pausedNs is until when the venue does not want to hear requests about orders, as it has said last; ordersOnly that it answers
	// questions all the same.
	pausedNs   atomic.Int64
	ordersOnly atomic.Bool
	// unreadable lets messages that cannot be read be logged now and then.
	unreadable rate.Sometimes
	recordMu   sync.Mutex
	clockSync  *clocksync.Sync
	// clockOffset is how far the venue's clock is ahead, in nanoseconds, 0 until it is known.
	clockOffset atomic.Int64
	jumps       connector.JumpWatcher // nil when the clock of Run does not notice
}

var (
	_ connector.Connector   = (*Connector)(nil)
	_ connector.OrderKeeper = (*Connector)(nil)
	_ connector.Accountant  = (*Connector)(nil)
)

// New returns a connector that is not connected yet.
func New(cfg Config) (*Connector, error) {
	if cfg.Protocol == nil {
		return nil, errors.New("venue: no protocol")
	}
	if !cfg.Rule.Valid() {
		return nil, fmt.Errorf("venue: no rule %d for books", cfg.Rule)
	}
	if cfg.DeadMan < 0 {
		return nil, fmt.Errorf("venue: the dead-man's window is %v: must be positive, or 0 for none", cfg.DeadMan)
	}
	if cfg.CancelOnDisconnect < 0 {
		return nil, fmt.Errorf("venue: orders would be canceled %v after a disconnection: must be positive, or 0 for never", cfg.CancelOnDisconnect)
	}
	if cfg.AuditInterval < 0 {
		return nil, fmt.Errorf("venue: the audit interval is %v: must be positive, or 0 for %v", cfg.AuditInterval, defaultAuditInterval)
	}
	if cfg.StepsInterval < 0 {
		return nil, fmt.Errorf("venue: tick and lot sizes would be fetched every %v: must be positive, or 0 for %v", cfg.StepsInterval, defaultStepsInterval)
	}
	if cfg.StepsInterval == 0 {
		cfg.StepsInterval = defaultStepsInterval
	}
	if cfg.QuietLimit < 0 {
		return nil, fmt.Errorf("venue: books may be quiet for %v: must be positive, or 0 for %v", cfg.QuietLimit, defaultQuietLimit)
	}
	if cfg.QuietLimit == 0 {
		cfg.QuietLimit = defaultQuietLimit
	}
	if cfg.BackOffMax <= 0 {
		cfg.BackOffMax = 30 * time.Second
	}
	if cfg.AttemptsPer5Min <= 0 {
		cfg.AttemptsPer5Min = 100
	}
	if cfg.RefusedPause <= 0 {
		cfg.RefusedPause = time.Minute
	}
	if cfg.AuditInterval == 0 {
		cfg.AuditInterval = defaultAuditInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.Trading {
		// The time of the ids is set when Run brings a clock; here only the prefix is checked.
		if _, err := clientid.New(cfg.OrderPrefix, checkMs); err != nil {
			return nil, err
		}
	}
	c := &Connector{unlearned: make(map[int]bool), past: make(map[int]connector.Past),
		reconnected: make(chan struct{}, 1), cfg: cfg, protocol: cfg.Protocol, log: cfg.Logger, outage: cfg.Outage,
		attempts:   stream.NewAttempts(cfg.AttemptsPer5Min, 5*time.Minute),
		unreadable: rate.Sometimes{First: unreadableFirst, Interval: unreadableInterval}}
	if c.outage == nil {
		c.outage = stream.NewOutage(c.log, c.nowNs)
	}
	return c, nil
}

// checkMs is any time that client order ids can have.
const checkMs = 1_700_000_000_000

// idle takes a request outside of Run: it is answered when Run begins, and dropped when it has ended.
func (c *Connector) idle(o *connector.Order) {
	c.startMu.Lock()
	defer c.startMu.Unlock()
	if !c.begun && len(c.earlyRequests) < maxUnanswered {
		c.earlyRequests = append(c.earlyRequests, *o)
	}
}

// Run connects and works until ctx ends. The clock has to go as Protocol.NowNs does; by one that is no connector.JumpWatcher no
// suspension is noticed. An error says that the venue does not want what is subscribed.
func (c *Connector) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	c.startMu.Lock()
	if c.begun {
		c.startMu.Unlock()
		return errors.New("venue: Run is called a second time")
	}
	c.ctx, c.sink, c.clock, c.group = ctx, sink, clock, &group
	c.jumps, _ = clock.(connector.JumpWatcher)
	if cfg := &c.cfg; cfg.Trading {
		t, err := newTrade(c)
		if err != nil {
			c.startMu.Unlock()
			return err
		}
		c.trade = t
	}
	c.begun = true
	for _, inst := range c.early {
		c.register(inst)
	}
	requests := c.earlyRequests
	c.early, c.earlyRequests = nil, nil
	c.live.Store(true)
	c.startMu.Unlock()
	for i := range requests {
		refuse(sink, &requests[i], "order rejected: the connector is not connected yet")
	}

	if err := c.keepClock(); err != nil {
		return err
	}
	if c.trade != nil {
		c.trade.start()
	}
	group.Go(c.watchSteps)
	if c.cfg.Record != nil {
		group.Go(c.snapshotDaily)
	}
	if p, can := c.protocol.(protocol.Peeker); can {
		group.Go(func() { c.watchQuiet(p) })
	}
	err := c.runMarket()
	timeUp := errors.Is(context.Cause(ctx), connector.ErrTimeUp)
	if c.trade != nil {
		defer c.trade.abandonSoon(timeUp)()
		if err == nil {
			c.trade.stop()
		}
	}
	c.startMu.Lock()
	c.live.Store(false)
	c.ended = true
	if c.trade != nil {
		c.trade.close()
	}
	c.startMu.Unlock()
	cancel()
	group.Wait()
	defer c.outage.End()
	if h, can := c.protocol.(protocol.Hanger); can && timeUp {
		h.HangUp()
	}
	return errors.Join(err, c.protocol.Close())
}

// nowNs returns the bots' time. What the Protocol says is by its own; see untilRetry.
func (c *Connector) nowNs() int64 { return c.clock.NowNs() }

// critical sends an error event that somebody has to look at. Who takes it logs it.
func (c *Connector) critical(instrumentNo int, text string) {
	c.sink.Error(&connector.Error{InstrumentNo: instrumentNo, LiveError: hftCritical(text)})
}

// interrupted tells the bots that a connection is lost.
func (c *Connector) interrupted(text string) {
	c.sink.Count(connector.Reconnects, 1)
	c.sink.Error(&connector.Error{InstrumentNo: -1, LiveError: hftInterrupted(text)})
}

// heed does what a failure asks for beyond the request that failed.
func (c *Connector) heed(err error) {
	var f *protocol.Failure
	if !errors.As(err, &f) || f.Held {
		return
	}
	switch f.Cause {
	case protocol.ClockOff:
		c.clockSync.Resync()
	case protocol.Key, protocol.Banned:
		if c.complain.fresh(f.Error()) {
			c.critical(-1, f.Error())
		}
	}
}
