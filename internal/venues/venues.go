// Package venues makes what speaks to live venues and the connectors on them. Whoever needs one has it made here: the
// runner, its check and its recorder, and every end-to-end test, so that what is tested is wired as what trades.
//
// Open connects to nothing but, for orders by WebSocket, to the venue's order entry. The caller closes the Protocol of a
// Venue, or has a connector of it run, which does. Nothing here is used by two goroutines at once.
package venues

import (
	"cmp"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"hftrunner/connector/depthsync"
	"hftrunner/connector/stream"
	"hftrunner/connector/venue"
	"hftrunner/ipc"
)

// Settings are what a configuration says of a live connector. Addresses that are the network's are empty.
type Settings struct {
	// Network is Main or Testnet, empty when every address is given.
	Network    string
	PublicURL  string
	MarketURL  string
	PrivateURL string
	StreamURL  string
	TradeURL   string
	APIURL     string
	WSAPIURL   string
	// APIKey and Secret are the account's; HasKey says that they are there. Without them there is market data only.
	APIKey      string
	Secret      string
	HasKey      bool
	OrderPrefix string
	// OrderEntry is "rest" or "ws".
	OrderEntry string
	RecvWindow time.Duration
	BookTicker bool
	// TradeStream, DepthSpeed and DepthLevel are empty where the venue has no such choice; DeadMan is 0 for none.
	TradeStream string
	DepthSpeed  string
	DepthLevel  int
	DeadMan     time.Duration
	// CancelOnDisconnect is 0 for never.
	CancelOnDisconnect time.Duration
	// QuietLimit is how long a book's stream may bring nothing until the venue is asked, 0 for the default.
	QuietLimit time.Duration
	// The rate limits, 0 for the venue's own.
	WeightPerMinute int
	OrdersPerSecond int
	OrdersPer10s    int
	OrdersPerMinute int
	OrdersPerDay    int
}

// Networks.
const (
	Main    = "main"
	Testnet = "testnet"
)

// Pace is after how long things happen that take minutes in practice. What is 0 is as in the runner, which sets nothing;
// tests that cannot wait make it quicker.
type Pace struct {
	// Timeout is how long a request may take.
	Timeout time.Duration
	// QuietBooks takes the place of QuietLimit; QuietTrades is how long the connections of trades may bring nothing where they
	// have one of their own; Silence is how long a connection may bring not even a ping; Lifetime is after how long it is replaced;
	// KeepAlive is how often the private stream is extended.
	QuietBooks, QuietTrades, Silence, Lifetime, KeepAlive time.Duration
	// The others are venue.Config's.
	AuditInterval, BackOffMax, RefusedPause time.Duration
	AttemptsPer5Min                         int
}

// Config is what a live connector is made of.
type Config struct {
	// Kind is the venue: one of Kinds.
	Kind string
	Settings
	Pace Pace
	// Clock is the local clock, by which requests are signed: the one that the connector is run with, or nil for a new one.
	Clock *ipc.Clock
	// Logger may be nil.
	Logger hclog.Logger

	// outage is that of all connections to the venue.
	outage *stream.Outage
}

// String names the venue: a secret is not for a text.
func (c Config) String() string { return c.Kind }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Venue is how to speak to a venue.
type Venue struct {
	Protocol venue.Protocol
	// Rule is how the venue numbers the differences of its books.
	Rule depthsync.Rule
	// Clock is the local clock that its connector has to be run with.
	Clock  *ipc.Clock
	config Config
}

// Open makes what speaks to a venue.
func Open(c Config) (*Venue, error) {
	kind, ok := kinds()[c.Kind]
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", c.Kind)
	}
	if !c.HasKey {
		c.OrderEntry = "rest" // there are no orders
	}
	if c.Clock == nil {
		c.Clock = ipc.NewWallClock()
	}
	c.outage = stream.NewOutage(c.Logger, c.Clock.NowNs)
	v := &Venue{Clock: c.Clock, config: c}
	var err error
	v.Protocol, v.Rule, err = kind(&c)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Check says what is wrong with settings without connecting: orders by WebSocket would connect at once.
func Check(c Config) error {
	c.OrderEntry = "rest"
	v, err := Open(c)
	if err != nil {
		return err
	}
	return v.Protocol.Close()
}

// Connector returns a connector to the venue that is not connected yet. The filters are what the venue has said of the
// symbols to trade.
func (v *Venue) Connector(filters []venue.Filters) (*venue.Connector, error) {
	c := &v.config
	return venue.New(v.complete(venue.Config{Filters: filters, Trading: c.HasKey, OrderPrefix: c.OrderPrefix, DeadMan: c.DeadMan,
		CancelOnDisconnect: c.CancelOnDisconnect}))
}

// Recorder returns a connector that only hands record what the venue sends; see venue.Config.
func (v *Venue) Recorder(filters []venue.Filters, record func(symbol string, localNs int64, message []byte)) (*venue.Connector, error) {
	return venue.New(v.complete(venue.Config{Filters: filters, Record: record}))
}

// complete fills in what every connector has.
func (v *Venue) complete(cfg venue.Config) venue.Config {
	c := &v.config
	cfg.Protocol, cfg.Rule, cfg.Logger, cfg.Outage = v.Protocol, v.Rule, c.Logger, c.outage
	cfg.AuditInterval, cfg.BackOffMax, cfg.RefusedPause = c.Pace.AuditInterval, c.Pace.BackOffMax, c.Pace.RefusedPause
	cfg.AttemptsPer5Min, cfg.QuietLimit = c.Pace.AttemptsPer5Min, cmp.Or(c.Pace.QuietBooks, c.QuietLimit)
	return cfg
}
