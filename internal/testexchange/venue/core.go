package venue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Protocol is a venue's protocol on top of a Core.
type Protocol interface {
	// Handler serves HTTP requests and WebSocket handshakes.
	http.Handler
	// Publish turns events into messages. It is called under the lock of the core; the events are valid until it
	// returns.
	Publish(nowNs int64, m *market.Market, events []market.Event)
	// Tick does what time does: streams that are sent at intervals, keys that expire. It is called under the lock.
	Tick(nowNs int64, m *market.Market)
}

// Config configures a Core.
type Config struct {
	// Name is the venue's.
	Name string
	// Address is the address to listen on; port 0 chooses a free one. Without one the venue is reached within this
	// process only.
	Address string
	Clock   wire.Clock
	// TickInterval is the interval at which the venue advances on its own, 0 for never: then the owner calls Advance.
	TickInterval time.Duration
	Faults       *fault.Set
	Market       market.Config
	Keys         []wire.Key
	// Wire configures connections; Clock and Faults are filled in.
	Wire wire.Config
	// Background moves the market; nil for a market that only its accounts and the owner move.
	Background *Background
}

// Core is one venue without its protocol.
type Core struct {
	Name   string
	Clock  wire.Clock
	Faults *fault.Set
	Hub    *wire.Hub
	// Counters count the requests to the venue.
	Counters *Counters

	config   Config
	keys     map[string]*wire.Key
	protocol Protocol
	server   *wire.Server

	mu         sync.Mutex
	market     *market.Market
	background *Background
	lastNs     int64

	ctx     context.Context
	cancel  context.CancelFunc
	ticking sync.WaitGroup
	once    sync.Once
	err     error
}

// New returns a core that does not serve yet.
func New(config Config) (*Core, error) {
	m, err := market.New(config.Market)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Name, err)
	}
	if config.Faults == nil {
		config.Faults = fault.NewSet(0)
	}
	config.Wire.Clock, config.Wire.Faults = config.Clock, config.Faults
	c := &Core{Name: config.Name, Clock: config.Clock, Faults: config.Faults, Hub: wire.NewHub(config.Wire),
		Counters: newCounters(), config: config, keys: map[string]*wire.Key{}, market: m, background: config.Background}
	for i := range config.Keys {
		k := &config.Keys[i]
		if k.APIKey == "" || c.keys[k.APIKey] != nil {
			return nil, fmt.Errorf("%s: key %q of account %s: keys must be unique", config.Name, k.APIKey, k.Account)
		}
		c.keys[k.APIKey] = k
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Start serves a protocol.
func (c *Core) Start(p Protocol) error {
	c.protocol = p
	c.Do(func(int64, *market.Market) {}) // the book has its first rows before anybody asks
	if c.config.Address != "" {
		server, err := wire.Listen(c.config.Address, p, c.Hub)
		if err != nil {
			c.cancel()
			return errors.Join(fmt.Errorf("%s: %w", c.Name, err), c.background.Close())
		}
		c.server = server
	}
	if c.config.TickInterval > 0 {
		c.ticking.Go(c.tick)
	}
	return nil
}

func (c *Core) tick() {
	ticker := time.NewTicker(c.config.TickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
			c.Advance()
		}
	}
}

// Address returns host and port of the server, empty when there is none.
func (c *Core) Address() string {
	if c.server == nil {
		return ""
	}
	return c.server.Address()
}

// ServeHTTP hands a request to the protocol, as the server does.
func (c *Core) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.protocol.ServeHTTP(w, r) }

// Key returns the key with an API key, nil when there is none.
func (c *Core) Key(apiKey string) *wire.Key { return c.keys[apiKey] }

// NowNs returns the time of the venue.
func (c *Core) NowNs() int64 { return c.Clock.NowNs() }

// Do runs fn with the market, at the time that it is given, and publishes what happened.
func (c *Core) Do(fn func(nowNs int64, m *market.Market)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	nowNs := c.catchUp()
	fn(nowNs, c.market)
	c.publish(nowNs)
}

// catchUp lets the background do what is due and returns the time, which never runs backwards.
func (c *Core) catchUp() int64 {
	nowNs := max(c.Clock.NowNs(), c.lastNs)
	c.lastNs = nowNs
	if c.background != nil {
		c.background.advance(nowNs, c.market, c.publish)
	}
	return nowNs
}

// Halt stops the background market, or lets it continue where it was.
func (c *Core) Halt(halted bool) {
	c.Do(func(nowNs int64, _ *market.Market) {
		if c.background != nil {
			c.background.halt(nowNs, halted)
		}
	})
}

func (c *Core) publish(nowNs int64) {
	if events := c.market.Drain(); len(events) > 0 {
		c.protocol.Publish(nowNs, c.market, events)
	}
}

// Advance does what is due by the clock: background, streams, connections.
func (c *Core) Advance() {
	c.mu.Lock()
	nowNs := c.catchUp()
	c.protocol.Tick(nowNs, c.market)
	c.publish(nowNs)
	c.mu.Unlock()
	c.Hub.Advance(nowNs)
}

// Wait returns after d of the machine's time, or earlier with an error when ctx or the venue ends.
func (c *Core) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// Close ends the venue and waits for everything that belongs to it. It can be called more than once.
func (c *Core) Close() error {
	c.once.Do(func() {
		c.cancel()
		c.ticking.Wait()
		if c.server != nil {
			c.err = c.server.Close()
		}
		c.err = errors.Join(c.err, c.background.Close())
	})
	return c.err
}
