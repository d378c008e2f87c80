package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"hftrunner/cmd/runner/internal/config"
	"hftrunner/cmd/runner/internal/venuecheck"
	"hftrunner/connector"
	"hftrunner/connector/venue"
	"hftrunner/host"
	"hftrunner/internal/venues"
	"hftrunner/ipc"
)

// newVenue makes what speaks to a connector's venue, with a clock of its own. The caller closes its Protocol.
func newVenue(c *config.Connector, logger hclog.Logger) (*venues.Venue, error) {
	return openVenue(c, ipc.NewWallClock(), logger)
}

func openVenue(c *config.Connector, clock *ipc.Clock, logger hclog.Logger) (*venues.Venue, error) {
	v, err := venues.Open(venues.Config{Kind: c.Kind, Settings: venues.Settings(*c.Live), Clock: clock, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err)
	}
	return v, nil
}

// checkVenue says what is wrong with a connector's settings without connecting.
func checkVenue(c *config.Connector) error {
	return venues.Check(venues.Config{Kind: c.Kind, Settings: venues.Settings(*c.Live)})
}

// unreachable is the error of a venue that does not answer, which has nothing to do with the configuration.
type unreachable struct{ error }

// Unwrap returns the cause.
func (u unreachable) Unwrap() error { return u.error }

// newLive makes the connector to a venue, which signs by the host's clock. It asks the venue for the rules of what the
// strategies trade, and fills in their steps. The error is config.Problems when the venue's answer does not agree with the configuration.
func newLive(ctx context.Context, file *config.File, c *config.Connector, clock *ipc.Clock, logger hclog.Logger) (connector.Connector, error) {
	v, err := openVenue(c, clock, logger)
	if err != nil {
		return nil, err
	}
	filters, err := fillSteps(ctx, file, c, v.Protocol)
	if err != nil {
		return nil, errors.Join(err, v.Protocol.Close())
	}
	made, err := v.Connector(filters)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err), v.Protocol.Close())
	}
	return made, nil
}

func fillSteps(ctx context.Context, file *config.File, c *config.Connector, p venue.Protocol) ([]venue.Filters, error) {
	rules, err := venuecheck.AskRules(ctx, p, file.Symbols(c.Name))
	if err != nil {
		return nil, unreachable{fmt.Errorf("%v: connector %q: %w; is the network up, are the addresses right? 'runner check %s' says more", c.Pos, c.Name, err, c.Name)}
	}
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		return rules.Steps(in.Symbol, in.TickSize, in.LotSize)
	})
	if len(problems) > 0 {
		return nil, problems
	}
	return rules.Filters, nil
}

// liveConnector makes the connector to a venue, or what makes it as soon as the venue answers: the first attempt is not to
// keep others waiting for longer than a strategy may take to start.
func liveConnector(ctx context.Context, file *config.File, c *config.Connector, clock *ipc.Clock, logger hclog.Logger) (host.ConnectorConfig, error) {
	cfg := host.ConnectorConfig{Name: c.Name, Kind: c.Kind, Trades: c.Live.HasKey}
	limited, cancel := context.WithTimeout(ctx, file.Runner.StartTimeout)
	defer cancel()
	made, err := newLive(limited, file, c, clock, logger)
	var silent unreachable
	switch {
	case err == nil:
		cfg.Connector = made
	case errors.As(err, &silent) && ctx.Err() == nil:
		cfg.Trouble = err.Error()
		cfg.Open = func(ctx context.Context) (connector.Connector, map[string]host.Steps, error) {
			made, err := newLive(ctx, file, c, clock, logger)
			return made, stepsOf(file, c.Name), err
		}
	default:
		return cfg, err
	}
	return cfg, nil
}

// stepsOf returns the steps of what is traded on a connector.
func stepsOf(file *config.File, connectorName string) map[string]host.Steps {
	steps := map[string]host.Steps{}
	for i := range file.Strategies {
		for _, in := range file.Strategies[i].Instruments {
			if in.Connector == connectorName {
				steps[in.Symbol] = host.Steps{TickSize: in.TickSize, LotSize: in.LotSize}
			}
		}
	}
	return steps
}
