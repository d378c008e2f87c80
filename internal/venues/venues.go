// Package venues makes what speaks to live venues and the connectors on them. Whoever needs one has it made here: the
// runner, its check and its recorder, and every end-to-end test, so that what is tested is wired as what trades.
//
// Open connects to nothing but, for orders by WebSocket, to the venue's order entry. The caller closes the Protocol of a
// Venue, or has a connector of it run, which does. Nothing here is used by two goroutines at once.
package venues

import (
	"cmp"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// Config configures a live connector.
type Config struct {
	// Kind is the venue: the name of one of Kinds.
	Kind string
	// Settings are of the kind.
	Settings venue.OwnSettings
	Pace     venue.Pace
	// Clock is the local clock, by which requests are signed: the one that the connector is run with, or nil for a new one.
	Clock *hostipc.Clock
	// Logger may be nil.
	Logger hclog.Logger
}

// String names the venue: a secret is not for a text.
func (c Config) String() string { return c.Kind }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Venue is a venue's protocol.
type Venue struct {
	Protocol protocol.Protocol
	// Rule is the venue's numbering of book updates.
	Rule connector.Rule
	// Clock is the local clock that its connector has to be run with.
	Clock  *hostipc.Clock
	config Config
	outage protocol.Outage
	opened venue.Opened
}

// Open makes what speaks to a venue.
func Open(c Config) (*Venue, error) { return open(c, c.Settings.Common().OrderEntry) }

func open(c Config, orderEntry string) (*Venue, error) {
	kind, ok := KindOf(c.Kind)
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", c.Kind)
	}
	if !c.Settings.Common().HasKey() {
		orderEntry = byREST // there are no orders
	}
	if c.Clock == nil {
		c.Clock = hostipc.NewWallClock()
	}
	v := &Venue{Clock: c.Clock, Rule: kind.Format.Rule, config: c, outage: venue.NewOutage(c.Logger, c.Clock.NowNs)}
	var err error
	v.opened, err = kind.Open(venue.Env{Settings: c.Settings, OrderEntry: orderEntry, Pace: c.Pace, NowNs: c.Clock.NowNs,
		Logger: c.Logger, Outage: v.outage})
	if err != nil {
		return nil, err
	}
	v.Protocol = v.opened.Protocol
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
func (v *Venue) Connector(filters []protocol.Filters) (*venue.Connector, error) {
	s := v.config.Settings.Common()
	return venue.New(v.complete(venue.Config{Filters: filters, Trading: s.HasKey(), OrderPrefix: s.OrderPrefix, DeadMan: v.opened.DeadMan,
		CancelOnDisconnect: s.CancelOnDisconnect}))
}

// Recorder returns a connector that only hands record what the venue sends; see venue.Config.
func (v *Venue) Recorder(filters []protocol.Filters, record func(symbol string, localNs int64, message []byte)) (*venue.Connector, error) {
	return venue.New(v.complete(venue.Config{Filters: filters, Record: record}))
}

// complete fills in what every connector has.
func (v *Venue) complete(cfg venue.Config) venue.Config {
	c := &v.config
	cfg.Protocol, cfg.Rule, cfg.Logger, cfg.Outage = v.Protocol, v.Rule, c.Logger, v.outage
	cfg.AuditInterval, cfg.BackOffMax, cfg.RefusedPause = c.Pace.AuditInterval, c.Pace.BackOffMax, c.Pace.RefusedPause
	cfg.AttemptsPer5Min, cfg.QuietLimit = c.Pace.AttemptsPer5Min, cmp.Or(c.Pace.QuietBooks, v.opened.QuietLimit)
	return cfg
}
