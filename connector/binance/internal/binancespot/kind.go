package binancespot

import (
	"cmp"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Kind returns the kind of this venue.
func Kind() venue.Kind {
	return venue.Kind{Name: "binancespot", Doc: doc, NewSettings: func() venue.OwnSettings { return new(Settings) }, Open: open,
		Format: connector.Format{Rule: connector.RuleSpot, NewDecoder: func() connector.Decoder {
			return binanceapi.Recorded(new(Decoder), &Decoder{AggTrades: true})
		}}}
}

func open(env venue.Env) (venue.Opened, error) {
	s, ok := env.Settings.(*Settings)
	if !ok {
		return venue.Opened{}, venue.ErrSettings
	}
	c := Config{Settings: *s, NowNs: env.NowNs, Logger: env.Logger, Outage: env.Outage, Timeout: env.Pace.Timeout,
		Silence: env.Pace.Silence, Lifetime: env.Pace.Lifetime}
	c.OrderEntry, c.QuietLimit = env.OrderEntry, cmp.Or(env.Pace.QuietBooks, s.QuietLimit)
	p, err := New(c)
	if err != nil {
		return venue.Opened{}, err
	}
	return venue.Opened{Protocol: p, QuietLimit: s.QuietLimit}, nil
}
