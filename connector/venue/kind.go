package venue

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// NewKind returns the kind of a live venue, whose settings are an S. open makes its Protocol; it connects to nothing
// but, with OrderEntry "ws", to the venue's order entry. Kind.Open of the result has the settings checked and
// connects to nothing.
func NewKind[S any, P interface {
	*S
	OwnSettings
}](name, doc string, format connector.Format, open func(P, Env) (Opened, error)) connector.Kind {
	k := connector.NewKind(name, doc, func(s *S, env connector.Env) (connector.Connector, error) {
		own := P(s)
		return newAsked(own.Common(), format.Rule, env, func(e Env) (Opened, error) { return open(own, e) })
	})
	k.Format = format
	return k
}

// Env is the environment of a Protocol.
type Env struct {
	// OrderEntry takes the place of the one in Settings.
	OrderEntry string
	// NowNs is the local clock, by which requests are signed.
	NowNs func() int64
	// Logger is never nil. Outage is that of all connections to the venue.
	Logger hclog.Logger
	Outage protocol.Outage
}

// Opened is a Protocol and what its connector needs of the venue's own settings, see Config.
type Opened struct {
	Protocol            protocol.Protocol
	QuietLimit, DeadMan time.Duration
}

// Pace is after how long things happen that take minutes in practice. What is 0 has the venue's default; tests that
// cannot wait make it quicker.
type Pace struct {
	// Timeout is the time limit of a request.
	Timeout time.Duration
	// QuietBooks takes the place of QuietLimit; QuietTrades is how long the connections of trades may bring nothing
	// where they have one of their own; Silence is how long a connection may bring not even a ping; Lifetime is after
	// how long it is replaced; KeepAlive is how often the private stream is extended.
	QuietBooks, QuietTrades, Silence, Lifetime, KeepAlive time.Duration
	// The others are Config's.
	AuditInterval, BackOffMax, RefusedPause time.Duration
	AttemptsPer5Min                         int
}
