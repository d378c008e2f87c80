package testexchange

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Exchange is the venues that Start has started.
type Exchange struct {
	config Config
	clock  *wire.ScriptedClock // nil with a clock of its own
	venues []*venue.Core
	faults map[Venue]*fault.Set
}

// Start serves what is configured until Close. An error says what is wrong with the configuration or the addresses;
// nothing is left behind then.
func Start(c Config) (*Exchange, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	e := &Exchange{config: c, faults: map[Venue]*fault.Set{}}
	e.clock, _ = c.Clock.(*wire.ScriptedClock)
	for i, name := range c.Venues {
		if err := e.start(i, name); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// largeIDs is the first id that a float64 cannot hold.
const largeIDs = 8_389_765_739_703_625_000

func (e *Exchange) start(number int, name Venue) error {
	c := &e.config
	p := protocols()[name]
	symbols, err := c.symbols(&p)
	if err != nil {
		return err
	}
	accounts, keys, err := c.credentials(symbols)
	if err != nil {
		return err
	}
	faults := fault.NewSet(c.Seed + uint64(number))
	for _, f := range c.Faults {
		if err := faults.Arm(f); err != nil {
			return fmt.Errorf("testexchange: %w", err)
		}
	}
	e.faults[name] = faults
	background, err := c.background(name, &p, symbols)
	if err != nil {
		return err
	}
	config := venue.Config{Name: string(name), Clock: c.Clock, TickInterval: c.TickInterval, Faults: faults, Keys: keys,
		Background: background, Address: net.JoinHostPort(c.Host, strconv.Itoa(c.port(number))), Wire: p.wire(),
		Market: market.Config{Spot: p.spot, Symbols: symbols, Accounts: accounts, Seed: c.Seed, NoGaps: p.noGaps,
			FirstUpdateID: 1_000_000,
			ForcedIDs:     p.forcedIDs}}
	if e.clock != nil {
		config.TickInterval = 0
	}
	if c.Offline {
		config.Address = ""
	}
	if c.FirstID > 0 {
		config.Market.FirstOrderID, config.Market.FirstTradeID, config.Market.FirstUpdateID = c.FirstID, c.FirstID,
			c.FirstID
	}
	if c.LargeIDs {
		config.Market.FirstOrderID, config.Market.FirstTradeID, config.Market.FirstUpdateID = largeIDs, largeIDs,
			largeIDs
	}
	config.Wire.Compress = c.Compress
	for _, d := range []struct{ to, from *time.Duration }{{&config.Wire.MaxAge, &c.MaxAge},
		{&config.Wire.PingInterval, &c.PingInterval}, {&config.Wire.PongTimeout, &c.PongTimeout}} {
		if *d.from > 0 {
			*d.to = *d.from
		}
	}
	core, err := venue.New(config)
	if err != nil {
		return errors.Join(fmt.Errorf("testexchange: %w", err), background.Close())
	}
	if err := core.Start(withAdmin(core, p.new(core, c))); err != nil {
		return fmt.Errorf("testexchange: %w", err)
	}
	e.venues = append(e.venues, core)
	return nil
}

// symbols returns what a venue trades.
func (c *Config) symbols(p *protocol) ([]market.SymbolConfig, error) {
	list := c.Symbols
	if list == nil {
		list = p.symbols()
	}
	for _, name := range c.OnlySymbols {
		if !slices.ContainsFunc(list, func(s market.SymbolConfig) bool { return s.Name == name }) {
			return nil, fmt.Errorf("testexchange: symbol %s is unknown; describe it in Config.Symbols", name)
		}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(s market.SymbolConfig) bool {
		return len(c.OnlySymbols) > 0 && !slices.Contains(c.OnlySymbols, s.Name) ||
			c.Background == Recorded && len(c.Recordings[s.Name]) == 0
	})
	if len(list) == 0 {
		return nil, errors.New("testexchange: there is no symbol to trade; recordings are named by the venue's symbols")
	}
	return list, nil
}

func (c *Config) port(number int) int {
	if c.FirstPort == 0 {
		return 0
	}
	return c.FirstPort + number
}

// core returns a venue, nil when it was not configured.
func (e *Exchange) core(name Venue) *venue.Core {
	for _, v := range e.venues {
		if v.Name == string(name) {
			return v
		}
	}
	return nil
}

// ErrNotServed reports that an exchange does not have a venue.
var ErrNotServed = errors.New("testexchange: the venue is not configured; add it to Config.Venues")

// Address returns host and port of a venue, empty when it is not served.
func (e *Exchange) Address(name Venue) string {
	if core := e.core(name); core != nil {
		return core.Address()
	}
	return ""
}

// HTTPURL returns the base of a venue's REST URLs, such as http://127.0.0.1:9001.
func (e *Exchange) HTTPURL(name Venue) string { return "http://" + e.Address(name) }

// WSURL returns the base of a venue's WebSocket URLs, such as ws://127.0.0.1:9001.
func (e *Exchange) WSURL(name Venue) string { return "ws://" + e.Address(name) }

// ConnectorBlock returns a connector of the runner's configuration for a venue.
func (e *Exchange) ConnectorBlock(name Venue) string {
	a := e.config.Accounts[0]
	return fmt.Sprintf(protocols()[name].connectorBlock, e.Address(name), a.APIKey, a.Secret)
}

// State returns a venue as it stands, or ErrNotServed.
func (e *Exchange) State(name Venue) (venue.State, error) {
	core := e.core(name)
	if core == nil {
		return venue.State{}, ErrNotServed
	}
	return core.State(), nil
}

// Arm arms a fault at a venue.
func (e *Exchange) Arm(name Venue, f fault.Fault) error {
	set := e.faults[name]
	if set == nil {
		return ErrNotServed
	}
	return set.Arm(f)
}

// Disarm removes a fault from a venue, all of them for an empty name.
func (e *Exchange) Disarm(name Venue, f fault.Name) error {
	set := e.faults[name]
	if set == nil {
		return ErrNotServed
	}
	set.Clear(f)
	return nil
}

// SetLevel sets what others have at a price of a still market; quantity 0 removes it.
func (e *Exchange) SetLevel(name Venue, symbol string, side hft.Side, price, qty float64) error {
	core := e.core(name)
	if core == nil {
		return ErrNotServed
	}
	return core.SetLevel(symbol, side, price, qty)
}

// TradeOfOthers lets others trade in a still market; side is the taker's.
func (e *Exchange) TradeOfOthers(name Venue, symbol string, taker hft.Side, price, qty float64) error {
	core := e.core(name)
	if core == nil {
		return ErrNotServed
	}
	return core.TradeOfOthers(symbol, taker, price, qty)
}

// Happen lets something happen to an account that no order of its has made.
func (e *Exchange) Happen(name Venue, h venue.Happening) error {
	core := e.core(name)
	if core == nil {
		return ErrNotServed
	}
	return core.Happen(h)
}

// Halt stops the background market, or lets it continue where it was.
func (e *Exchange) Halt(name Venue, halted bool) error {
	core := e.core(name)
	if core == nil {
		return ErrNotServed
	}
	core.Halt(halted)
	return nil
}

// Advance moves a scripted clock by d, in steps of 10 ms up to 10 s and in one step beyond, and does what is due at
// each. With another clock it only does what is due now.
func (e *Exchange) Advance(d time.Duration) {
	step := d
	if d <= 10*time.Second {
		step = 10 * time.Millisecond
	}
	for {
		part := min(step, d)
		if e.clock != nil && part > 0 {
			e.clock.Advance(part)
		}
		for _, v := range e.venues {
			v.Advance()
		}
		if d -= part; d <= 0 || e.clock == nil {
			return
		}
	}
}

// Close ends everything and waits for it. It can be called more than once.
func (e *Exchange) Close() error {
	var errs []error
	for _, v := range e.venues {
		errs = append(errs, v.Close())
	}
	return errors.Join(errs...)
}
