package main

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// answer is what a venue says when it is asked for the rules of what the strategies trade.
type answer struct {
	venue *venues.Venue
	rules venuecheck.Rules
	err   error
}

// speaking calls a function whenever the venue has answered a question.
type speaking struct {
	venuecheck.Asker
	spoke func()
}

func (s speaking) Filters(ctx context.Context, symbols []string) ([]venue.Filters, error) {
	filters, err := s.Asker.Filters(ctx, symbols)
	if err == nil || venue.Final(err) {
		s.spoke()
	}
	return filters, err
}

// askVenue asks a venue, whose requests are signed by the host's clock, and calls spoke whenever it answers.
func askVenue(ctx context.Context, file *config.File, c *config.Connector, clock *ipc.Clock, logger hclog.Logger, spoke func()) (a answer) {
	if a.venue, a.err = openVenue(c, clock, logger); a.err != nil {
		return a
	}
	a.rules, a.err = venuecheck.AskRules(ctx, speaking{a.venue.Protocol, spoke}, file.Symbols(c.Name))
	if a.err != nil {
		err := fmt.Errorf("%v: connector %q: %w; is the network up, are the addresses right? 'runner check %s' says more", c.Pos, c.Name, a.err, c.Name)
		a.err = errors.Join(unreachable{err}, a.venue.Protocol.Close())
	}
	return a
}

// connector makes the connector to a venue that has answered, and fills in the steps. The error is config.Problems when the
// answer does not agree with the configuration.
func (a *answer) connector(file *config.File, c *config.Connector) (connector.Connector, error) {
	if a.err != nil {
		return nil, a.err
	}
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		return a.rules.Steps(in.Symbol, in.TickSize, in.LotSize)
	})
	if len(problems) > 0 {
		return nil, errors.Join(problems, a.venue.Protocol.Close())
	}
	made, err := a.venue.Connector(a.rules.Filters)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err), a.venue.Protocol.Close())
	}
	return made, nil
}

// answerTime is how long the host waits for each answer of a venue at the start, so that what is wrong in the configuration ends it
// at once.
const answerTime = 2 * time.Second

// liveConnector makes the connector to a venue, or what makes it as soon as the venue answers: nobody else waits for one that is
// silent. Then the question goes on, so that a slow venue is not asked twice.
func liveConnector(ctx context.Context, file *config.File, c *config.Connector, clock *ipc.Clock, logger hclog.Logger) (host.ConnectorConfig, error) {
	cfg := host.ConnectorConfig{Name: c.Name, Kind: c.Kind, Trades: c.Live.HasKey}
	asking, stop := context.WithCancel(context.WithoutCancel(ctx))
	first := make(chan answer, 1)
	late := time.NewTimer(answerTime)
	defer late.Stop()
	spoke := func() { late.Reset(answerTime) }
	go func() { first <- askVenue(asking, file, c, clock, logger, spoke) }()
	cfg.Open = func(ctx context.Context) (connector.Connector, map[string]host.Steps, error) {
		defer context.AfterFunc(ctx, stop)()
		var a answer
		if first != nil {
			a, first = <-first, nil
		} else {
			a = askVenue(ctx, file, c, clock, logger, func() {})
		}
		made, err := a.connector(file, c)
		return made, stepsOf(file, c.Name), err
	}
	select {
	case a := <-first:
		first = nil
		made, err := a.connector(file, c)
		var silent unreachable
		switch {
		case err == nil:
			cfg.Connector = made
		case errors.As(err, &silent):
			cfg.Trouble = err.Error()
		default:
			return cfg, err
		}
	case <-late.C:
		cfg.Trouble = fmt.Sprintf("%v: connector %q: the venue has not answered within %v", c.Pos, c.Name, answerTime)
	case <-ctx.Done():
		cfg.Trouble = "the run was ended before the venue had answered"
	}
	return cfg, nil
}

// stepsOf returns the steps of what is traded on a connector.
func stepsOf(file *config.File, connectorName string) map[string]host.Steps {
	steps := map[string]host.Steps{}
	for i := range file.Strategies {
		for j := range file.Strategies[i].Instruments {
			in := &file.Strategies[i].Instruments[j] // others are filled in meanwhile
			if in.Connector == connectorName {
				steps[in.Symbol] = host.Steps{TickSize: in.TickSize, LotSize: in.LotSize}
			}
		}
	}
	return steps
}
