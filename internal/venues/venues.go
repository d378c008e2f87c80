// Package venues makes what speaks to live venues and the connectors on them, for tests: by the kinds that the runner
// is given, so that what is tested is wired as what trades.
//
// Open connects to nothing but, for orders by WebSocket, to the venue's order entry. The caller closes the Protocol
// of a Venue, or has its connector run, which does. Nothing here is used by two goroutines at once.
package venues

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// Config configures a live connector.
type Config struct {
	// Kind is the venue: the name of one of Kinds.
	Kind string
	// Settings are of the kind.
	Settings venue.OwnSettings
	Pace     venue.Pace
	// Clock is the local clock, by which requests are signed: the one that the connector is run with, or nil for a
	// new one.
	Clock *hostipc.Clock
	// Logger may be nil.
	Logger hclog.Logger
}

// String names the venue: a secret is not for a text.
func (c Config) String() string { return c.Kind }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Connector is a connector to a live venue.
type Connector interface {
	connector.Connector
	connector.OrderKeeper
	connector.Accountant
	connector.Recoverer
	connector.Recordable
	// Reports returns what was found about the feed of each instrument.
	Reports() []feed.Report
}

// Venue is a venue's protocol.
type Venue struct {
	Protocol protocol.Protocol
	// Rule is the venue's numbering of book updates.
	Rule connector.Rule
	// Clock is the local clock that its connector has to be run with.
	Clock *hostipc.Clock
	// Connector is the connector to the venue, which is not connected yet.
	Connector Connector
	unasked   unasked
}

// unasked is a connector that is told the rules of symbols, so that the venue is not asked for them.
type unasked interface {
	Connector
	connector.Stepper
	Protocol() (protocol.Protocol, error)
	Know(filters []protocol.Filters)
}

// Open makes what speaks to a venue.
func Open(c Config) (*Venue, error) {
	kind, ok := KindOf(c.Kind)
	if !ok {
		return nil, fmt.Errorf("this build has no venue %q", c.Kind)
	}
	if c.Clock == nil {
		c.Clock = hostipc.NewWallClock()
	}
	c.Settings.Common().Pace = c.Pace
	made, err := kind.Open(connector.Env{Name: c.Kind, Settings: c.Settings, Logger: c.Logger, NowNs: c.Clock.NowNs})
	if err != nil {
		return nil, err
	}
	v := &Venue{Clock: c.Clock, Rule: kind.Format.Rule}
	if v.unasked, ok = made.(unasked); !ok {
		return nil, fmt.Errorf("%T is not a connector to a live venue", made)
	}
	v.Connector = v.unasked
	v.Protocol, err = v.unasked.Protocol()
	return v, err
}

// Steps asks the venue for the rules of symbols, which the Connector then knows.
func (v *Venue) Steps(ctx context.Context, symbols ...string) ([]connector.Steps, error) {
	return v.unasked.Steps(ctx, symbols)
}

// Knowing returns the Connector when it has been told the rules of the symbols to trade.
func (v *Venue) Knowing(filters []protocol.Filters) Connector {
	v.unasked.Know(filters)
	return v.Connector
}
