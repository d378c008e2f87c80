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

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/stream"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/ipc"
)

// Settings are the settings of a live connector: a pointer to the Settings of the venue's package.
type Settings interface {
	// Common returns those that every venue has.
	Common() *venue.Settings
}

// Pace is after how long things happen that take minutes in practice. What is 0 is as in the runner, which sets nothing;
// tests that cannot wait make it quicker.
type Pace struct {
	// Timeout is the time limit of a request.
	Timeout time.Duration
	// QuietBooks takes the place of QuietLimit; QuietTrades is how long the connections of trades may bring nothing where they
	// have one of their own; Silence is how long a connection may bring not even a ping; Lifetime is after how long it is replaced;
	// KeepAlive is how often the private stream is extended.
	QuietBooks, QuietTrades, Silence, Lifetime, KeepAlive time.Duration
	// The others are venue.Config's.
	AuditInterval, BackOffMax, RefusedPause time.Duration
	AttemptsPer5Min                         int
}

// Config configures a live connector.
type Config struct {
	// Kind is the venue: the name of one of Kinds.
	Kind string
	// Settings are of the kind.
	Settings Settings
	Pace     Pace
	// Clock is the local clock, by which requests are signed: the one that the connector is run with, or nil for a new one.
	Clock *ipc.Clock
	// Logger may be nil.
	Logger hclog.Logger

	// outage is that of all connections to the venue.
	outage *stream.Outage
	// orderEntry is the order route, if there is one.
	orderEntry string
	// quietLimit and deadMan are the venue's own settings that its connector has, too.
	quietLimit, deadMan time.Duration
}

// String names the venue: a secret is not for a text.
func (c Config) String() string { return c.Kind }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Venue is a venue's protocol.
type Venue struct {
	Protocol venue.Protocol
	// Rule is the venue's numbering of book updates.
	Rule connector.Rule
	// Clock is the local clock that its connector has to be run with.
	Clock  *ipc.Clock
	config Config
}

// Open makes what speaks to a venue.
func Open(c Config) (*Venue, error) { return open(c, c.Settings.Common().OrderEntry) }

func open(c Config, orderEntry string) (*Venue, error) {
	kind, ok := KindOf(c.Kind)
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", c.Kind)
	}
	if c.orderEntry = orderEntry; !c.Settings.Common().HasKey() {
		c.orderEntry = byREST // there are no orders
	}
	if c.Clock == nil {
		c.Clock = ipc.NewWallClock()
	}
	c.outage = stream.NewOutage(c.Logger, c.Clock.NowNs)
	v := &Venue{Clock: c.Clock}
	var err error
	v.Protocol, v.Rule, err = kind.open(&c)
	if err != nil {
		return nil, err
	}
	v.config = c
	return v, nil
}

// byREST is the order entry that connects to nothing.
const byREST = "rest"

// Check validates settings without connecting: orders by WebSocket would connect at once.
func Check(c Config) error {
	v, err := open(c, byREST)
	if err != nil {
		return err
	}
	return v.Protocol.Close()
}

// Connector returns a connector to the venue that is not connected yet. The filters are what the venue has said of the
// symbols to trade.
func (v *Venue) Connector(filters []venue.Filters) (*venue.Connector, error) {
	s := v.config.Settings.Common()
	return venue.New(v.complete(venue.Config{Filters: filters, Trading: s.HasKey(), OrderPrefix: s.OrderPrefix, DeadMan: v.config.deadMan,
		CancelOnDisconnect: s.CancelOnDisconnect}))
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
	cfg.AttemptsPer5Min, cfg.QuietLimit = c.Pace.AttemptsPer5Min, cmp.Or(c.Pace.QuietBooks, c.quietLimit)
	return cfg
}
