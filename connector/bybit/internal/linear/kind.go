package linear

import (
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Kind returns the kind of this venue.
func Kind() connector.Kind {
	return venue.NewKind("bybit", doc, connector.Format{Rule: connector.RuleStreamed, NaturalLevel: DefaultLevel,
		NewDecoder: func() connector.Decoder { return &Decoder{BBO: true} }}, open)
}

func open(s *Settings, env venue.Env) (venue.Opened, error) {
	c := Config{Settings: *s, NowNs: env.NowNs, Logger: env.Logger, Outage: env.Outage}
	c.OrderEntry, c.RecvWindow = env.OrderEntry, s.RecvWindow.Truncate(time.Millisecond)
	p, err := New(c)
	if err != nil {
		return venue.Opened{}, err
	}
	return venue.Opened{Protocol: p, QuietLimit: s.QuietLimit}, nil
}
