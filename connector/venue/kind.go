package venue

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Kind is a kind of live venue: what is configured of a connector to it, how its messages are read, and how to speak to it.
type Kind struct {
	// Name is the kind of the connector block, and the format of the venue's recordings. Doc describes it to users.
	Name, Doc string
	// NewSettings returns settings with no values.
	NewSettings func() OwnSettings
	// Format reads the venue's messages, live and recorded alike.
	Format connector.Format
	// Open makes a Protocol. It connects to nothing but, with OrderEntry "ws", to the venue's order entry.
	Open func(Env) (Opened, error)
}

// OwnSettings are the settings of one venue: a pointer to a struct that embeds Settings.
type OwnSettings interface {
	// Common returns the settings that every venue has.
	Common() *Settings
}

// Env is the environment of a Protocol.
type Env struct {
	// Settings are of the Kind.
	Settings OwnSettings
	// OrderEntry takes the place of the one in Settings.
	OrderEntry string
	Pace       Pace
	// NowNs is the local clock, by which requests are signed.
	NowNs func() int64
	// Logger may be nil. Outage is that of all connections to the venue.
	Logger hclog.Logger
	Outage protocol.Outage
}

// Opened is a Protocol and what its connector needs of the venue's own settings, see Config.
type Opened struct {
	Protocol            protocol.Protocol
	QuietLimit, DeadMan time.Duration
}

// Pace is after how long things happen that take minutes in practice. What is 0 has the venue's default; tests that cannot
// wait make it quicker.
type Pace struct {
	// Timeout is the time limit of a request.
	Timeout time.Duration
	// QuietBooks takes the place of QuietLimit; QuietTrades is how long the connections of trades may bring nothing where they
	// have one of their own; Silence is how long a connection may bring not even a ping; Lifetime is after how long it is
	// replaced; KeepAlive is how often the private stream is extended.
	QuietBooks, QuietTrades, Silence, Lifetime, KeepAlive time.Duration
	// The others are Config's.
	AuditInterval, BackOffMax, RefusedPause time.Duration
	AttemptsPer5Min                         int
}

// ErrSettings is the error of Kind.Open for settings of another kind.
var ErrSettings = errors.New("venue: the settings are of another kind")
