package testexchange

import (
	"fmt"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Venue names a protocol.
type Venue string

// Venues.
const (
	BinanceFutures Venue = "binancefutures"
	BinanceSpot    Venue = "binancespot"
	Bybit          Venue = "bybit"
)

// Venues returns all venues that this package can be.
func Venues() []Venue {
	var list []Venue
	for v := range protocols() {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

// Account is an account with the key that it is used by.
type Account struct {
	// Name is for State; the API key when empty.
	Name string
	// APIKey identifies, Secret signs with HMAC, PublicKey (PEM or base64) verifies Ed25519 signatures.
	APIKey, Secret, PublicKey string
	// ReadOnly keys may not trade.
	ReadOnly bool
	// Hedge keeps a long and a short position.
	Hedge bool
	// FeeAsset, when not empty, is what fees are paid in while the balance lasts, such as BNB. The exchange needs a
	// market of it in the quote asset, but for market.Credits.
	FeeAsset string
	// Balances are decimal amounts by asset; nil for 100000 USDT and 10 of each base asset.
	Balances map[string]string
}

// The account of a Config without accounts.
const (
	DefaultAPIKey = "test-key"
	DefaultSecret = "test-secret"
)

// Background configures what moves the market.
type Background string

// Backgrounds.
const (
	// Synthetic is a market of seeded chance.
	Synthetic Background = "synthetic"
	// Recorded plays files of a collector once.
	Recorded Background = "recorded"
	// Still is an empty book that only accounts and Exchange.SetLevel move.
	Still Background = "still"
)

// Config configures an Exchange. Its zero value serves all venues on free ports with a synthetic market.
type Config struct {
	// Venues are the venues to simulate, all if empty.
	Venues []Venue
	// Host is the address to listen on, 127.0.0.1 if empty. FirstPort is the port of the first venue, the next has the
	// one after it; 0 chooses free ones.
	Host      string
	FirstPort int
	// Offline opens no port: the venues are reached by Exchange.Tap and Exchange.Get only.
	Offline bool
	// Symbols are the traded symbols, nil for the venue's BTCUSDT and ETHUSDT. OnlySymbols restricts them by name, to
	// all when empty.
	Symbols     []market.SymbolConfig
	OnlySymbols []string
	Accounts    []Account
	// Seed chooses the market, ids, and which opportunities faults take.
	Seed uint64
	// Background is Synthetic when empty. Recordings are the files of Recorded by symbol, and Decoders make what reads
	// them: this package does not import the connectors that it tests. EventsPerSecond of Synthetic
	// is for each symbol, 0 for the default of package paper.
	Background      Background
	Recordings      map[string][]string
	Decoders        map[Venue]func() connector.Decoder
	EventsPerSecond float64
	// Clock is the wall clock when nil. With a *wire.ScriptedClock time stands still except Exchange.Advance.
	Clock wire.Clock
	// TickInterval is the interval between reads of the wall clock, 0 for 5 ms.
	TickInterval time.Duration
	// Faults are armed from the start.
	Faults []fault.Fault
	// FirstID is the first id of orders, trades and book updates, 0 for small numbers. An exchange that is started
	// again in the place of another needs higher ones than that had: a venue gives no id twice.
	FirstID int64
	// LargeIDs starts ids above what a float64 holds exactly (2^53).
	LargeIDs bool
	// Compress negotiates permessage-deflate.
	Compress bool
	// Unrouted serves all streams of binancefutures on the unrouted paths.
	Unrouted bool
	// TradeLite announces fills early (binancefutures).
	TradeLite bool
	// MaxAge, PingInterval and PongTimeout shorten the venue's own, 0 leaves them.
	MaxAge, PingInterval, PongTimeout time.Duration
	// ListenKeyTTL shortens the life of a listen key, 0 leaves it.
	ListenKeyTTL time.Duration
	// WeightPerMinute and OrdersPerMinute change the venue's limits, 0 leaves them.
	WeightPerMinute, OrdersPerMinute int
}

// complete fills in what is left open.
func (c *Config) complete() error {
	if len(c.Venues) == 0 {
		c.Venues = Venues()
	}
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Clock == nil {
		c.Clock = wire.WallClock{}
	}
	if c.TickInterval == 0 {
		c.TickInterval = 5 * time.Millisecond
	}
	if c.Background == "" {
		c.Background = Synthetic
	}
	if len(c.Accounts) == 0 {
		c.Accounts = []Account{{APIKey: DefaultAPIKey, Secret: DefaultSecret}}
	}
	for i, v := range c.Venues {
		if _, ok := protocols()[v]; !ok {
			return fmt.Errorf("testexchange: venue %q is unknown; use one of %v", v, Venues())
		}
		if slices.Contains(c.Venues[:i], v) {
			return fmt.Errorf("testexchange: venue %s is given twice; remove one", v)
		}
	}
	if !slices.Contains([]Background{Synthetic, Recorded, Still}, c.Background) {
		return fmt.Errorf("testexchange: background %q is unknown; use synthetic, recorded or still", c.Background)
	}
	if c.FirstPort < 0 || c.FirstPort+len(c.Venues) > 65536 {
		return fmt.Errorf("testexchange: port %d: must be from 0 to %d", c.FirstPort, 65536-len(c.Venues))
	}
	if c.Background == Recorded && len(c.Venues) != 1 {
		return fmt.Errorf("testexchange: a recording is one venue's, %d are configured; name the one", len(c.Venues))
	}
	return nil
}

// credentials reads the accounts into what the market and the requests need.
func (c *Config) credentials(symbols []market.SymbolConfig) ([]market.AccountConfig, []wire.Key, error) {
	var accounts []market.AccountConfig
	var keys []wire.Key
	for i, a := range c.Accounts {
		if a.Name == "" {
			a.Name = a.APIKey
		}
		balances := map[string]market.Amount{"USDT": 100_000 * 1e8}
		for _, s := range symbols {
			balances[s.BaseAsset] = 10 * 1e8
		}
		if a.Balances != nil {
			clear(balances)
		}
		for asset, text := range a.Balances {
			amount, err := market.ParseAmount(text)
			if err != nil {
				return nil, nil, fmt.Errorf("testexchange: account %s: %s: %w", a.Name, asset, err)
			}
			balances[asset] = amount
		}
		key := wire.Key{Account: a.Name, APIKey: a.APIKey, Secret: a.Secret, ReadOnly: a.ReadOnly}
		if a.PublicKey != "" {
			public, err := wire.ParsePublicKey(a.PublicKey)
			if err != nil {
				return nil, nil, fmt.Errorf("testexchange: account %s: %w", a.Name, err)
			}
			key.Public = public
		}
		if a.Secret == "" && a.PublicKey == "" {
			return nil, nil,
				fmt.Errorf("testexchange: account %d (%s) has neither secret nor public key; one is required", i+1,
					a.Name)
		}
		known := slices.ContainsFunc(accounts, func(m market.AccountConfig) bool { return m.Name == a.Name })
		if !known { // several keys may be of one account
			accounts = append(accounts, market.AccountConfig{Name: a.Name, Balances: balances, Hedge: a.Hedge,
				FeeAsset: a.FeeAsset})
		}
		keys = append(keys, key)
	}
	return accounts, keys, nil
}
