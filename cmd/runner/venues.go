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
		return nil, fmt.Errorf("%v: connector %q: %w; is the network up, are the addresses right? 'runner check %s' says more", c.Pos, c.Name, err, c.Name)
	}
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		return rules.Steps(in.Symbol, in.TickSize, in.LotSize)
	})
	if len(problems) > 0 {
		return nil, problems
	}
	return rules.Filters, nil
}
