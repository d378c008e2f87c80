package binancespot

import (
	"cmp"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Kind returns the kind of this venue.
func Kind() connector.Kind {
	return venue.NewKind("binancespot", doc, connector.Format{Rule: connector.RuleSpot,
		NewDecoder: func() connector.Decoder {
			return binanceapi.Recorded(new(Decoder), &Decoder{AggTrades: true})
		}}, open)
}

func open(s *Settings, env venue.Env) (venue.Opened, error) {
	c := Config{Settings: *s, NowNs: env.NowNs, Logger: env.Logger, Outage: env.Outage, Timeout: s.Pace.Timeout,
		Silence: s.Pace.Silence, Lifetime: s.Pace.Lifetime}
	c.OrderEntry, c.QuietLimit = env.OrderEntry, cmp.Or(s.Pace.QuietBooks, s.QuietLimit)
	p, err := New(c)
	if err != nil {
		return venue.Opened{}, err
	}
	return venue.Opened{Protocol: p, QuietLimit: s.QuietLimit}, nil
}
