package paper

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// SyntheticConfig configures a synthetic market. Its zero value is a usable one that starts at time 0.
type SyntheticConfig struct {
	// Seed chooses the market: the same seed gives the same flow, for each instrument by itself.
	Seed uint64
	// StartNs is the time of the first batch. At a speed of 1 give the wall clock: a market that starts at 0 would run
	// through all the years up to now at once.
	StartNs int64
	// Duration is how long the market lasts, 0 for ever.
	Duration time.Duration
	// EventsPerSecond is how many limit orders, cancels and market orders arrive for each instrument in the mean,
	// DefaultEventsPerSecond when 0.
	EventsPerSecond float64
	// StartPrices are the first mid prices by symbol. Others start at 60000 for BTCUSDT, 2500 for ETHUSDT, and 25000
	// ticks for anything else.
	StartPrices map[string]float64
	// Volatility is how much the reference price, which the market follows, moves in a second, as a share of the price;
	// DefaultVolatility when 0.
	Volatility float64
	// JumpInterval is the mean time between sudden moves, in which one large order sweeps the book;
	// DefaultJumpInterval when 0. JumpSize is their mean size as a share of the price, DefaultJumpSize when 0.
	JumpInterval time.Duration
	JumpSize     float64
	// FeedLatency is how much older than TimestampNs an event's exchange time is.
	FeedLatency time.Duration
}

// Defaults of a SyntheticConfig.
const (
	DefaultEventsPerSecond = 400
	DefaultVolatility      = 0.00012
	DefaultJumpInterval    = 2500 * time.Millisecond
	DefaultJumpSize        = 0.0008
)

// errBookTooSmall says that an instrument's start price has too few ticks for a book.
var errBookTooSmall = errors.New("paper: the start price is too few ticks for a book")

// minStartTicks is the lowest start price: the book needs room below it.
const minStartTicks = 1000

// synthetic is a market made of seeded chance: limit, market and cancel orders arrive around the best prices as Poisson
// processes (R. Cont, S. Stoikov, R. Talreja: A stochastic model for order book dynamics, 2010). What that model
// leaves out, a price that goes somewhere, is added by a reference price that wanders, jumps and returns, and that the
// flow leans towards. It implements Source; one goroutine uses it.
type synthetic struct {
	cfg   SyntheticConfig
	flows []*flow
	nowNs int64
}

var _ Source = (*synthetic)(nil)

// NewSynthetic returns a synthetic market without instruments, or an error that names what is wrong with cfg.
func NewSynthetic(cfg SyntheticConfig) (Source, error) {
	cfg.EventsPerSecond = cmp.Or(cfg.EventsPerSecond, DefaultEventsPerSecond)
	cfg.Volatility = cmp.Or(cfg.Volatility, DefaultVolatility)
	cfg.JumpInterval = cmp.Or(cfg.JumpInterval, DefaultJumpInterval)
	cfg.JumpSize = cmp.Or(cfg.JumpSize, DefaultJumpSize)
	switch {
	case !(cfg.EventsPerSecond >= 0.1 && cfg.EventsPerSecond <= 1e6):
		return nil, fmt.Errorf("paper: synthetic: %v events per second: must be from 0.1 to 1000000",
			cfg.EventsPerSecond)
	case !(cfg.Volatility >= 0 && cfg.Volatility <= 0.01):
		return nil, fmt.Errorf("paper: synthetic: volatility %v: must be a share of the price per second, up to 0.01",
			cfg.Volatility)
	case cfg.JumpInterval < 0:
		return nil, fmt.Errorf("paper: synthetic: jump interval %v: must be positive", cfg.JumpInterval)
	case !(cfg.JumpSize >= 0 && cfg.JumpSize <= 0.01):
		return nil, fmt.Errorf("paper: synthetic: jump size %v: must be a share of the price, up to 0.01", cfg.JumpSize)
	case cfg.Duration < 0 || cfg.FeedLatency < 0:
		return nil, fmt.Errorf("paper: synthetic: duration %v, feed latency %v: must be 0 or more", cfg.Duration,
			cfg.FeedLatency)
	}
	for symbol, price := range cfg.StartPrices {
		if !(price > 0) || math.IsInf(price, 0) {
			return nil, fmt.Errorf("paper: synthetic: start price %v of %s: must be positive", price, symbol)
		}
	}
	return &synthetic{cfg: cfg, nowNs: cfg.StartNs}, nil
}

// StartNs returns the configured start.
func (s *synthetic) StartNs() int64 { return s.cfg.StartNs }

// Register adds an instrument, whose market begins with a snapshot at the current time. errBookTooSmall when its start
// price is less than 1000 ticks.
func (s *synthetic) Register(inst connector.Instrument) error {
	if !(inst.TickSize > 0) || math.IsInf(inst.TickSize, 0) || !(inst.LotSize > 0) || math.IsInf(inst.LotSize, 0) {
		return fmt.Errorf("paper: synthetic: %s has tick size %v and lot size %v: must be positive", inst.Symbol,
			inst.TickSize, inst.LotSize)
	}
	ticks := math.Round(s.startPrice(inst) / inst.TickSize)
	if ticks < minStartTicks || ticks > 1e12 {
		return fmt.Errorf("%w: %s starts at %v ticks of %v, use a start price of %v or more, or another tick size",
			errBookTooSmall, inst.Symbol, ticks, inst.TickSize, minStartTicks*inst.TickSize)
	}
	s.flows = append(s.flows, newFlow(&s.cfg, inst, int64(ticks), s.nowNs))
	return nil
}

func (s *synthetic) startPrice(inst connector.Instrument) float64 {
	if price, ok := s.cfg.StartPrices[inst.Symbol]; ok {
		return price
	}
	switch inst.Symbol {
	case "BTCUSDT":
		return 60000
	case "ETHUSDT":
		return 2500
	}
	return 25000 * inst.TickSize
}

// Next stores the earliest event of all instruments in b. io.EOF without instruments and at the end of Duration.
func (s *synthetic) Next(b *Batch) error {
	var next *flow
	for _, f := range s.flows {
		if next == nil || f.nextNs < next.nextNs {
			next = f
		}
	}
	if next == nil || s.cfg.Duration > 0 && next.nextNs-s.cfg.StartNs > int64(s.cfg.Duration) {
		return io.EOF
	}
	s.nowNs = next.nextNs
	*b = Batch{TimestampNs: s.nowNs, InstrumentNo: next.inst.No, Ready: next.events == nil}
	b.Counts[connector.Messages] = 1
	b.Events = next.advance()
	return nil
}

// Close does nothing: there is nothing to release.
func (s *synthetic) Close() error { return nil }
