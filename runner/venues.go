package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venuecheck"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/venues"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// newVenue makes what speaks to a connector's venue, with a clock of its own. The caller closes its Protocol.
func newVenue(c *config.Connector, logger hclog.Logger) (*venues.Venue, error) {
	return openVenue(c, hostipc.NewWallClock(), logger)
}

func openVenue(c *config.Connector, clock *hostipc.Clock, logger hclog.Logger) (*venues.Venue, error) {
	v, err := venues.Open(venues.Config{Kind: c.Kind, Settings: c.Live.Own, Clock: clock, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err)
	}
	return v, nil
}

// checkVenue says what is wrong with a connector's settings without connecting.
func checkVenue(c *config.Connector) error {
	return venues.Check(venues.Config{Kind: c.Kind, Settings: c.Live.Own})
}

// notYet is the error of a venue that does not answer, or with an account that cannot be traded as it is: nothing of
// that has
// to do with the configuration.
type notYet struct{ error }

// Unwrap returns the cause.
func (n notYet) Unwrap() error { return n.error }

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

func (s speaking) Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error) {
	filters, err := s.Asker.Filters(ctx, symbols)
	if err == nil || protocol.Final(err) {
		s.spoke()
	}
	return filters, err
}

// askVenue asks a venue for its rules, and whether the account can be traded. Requests are signed by the host's
// clock; it
// calls spoke whenever the venue answers.
func askVenue(ctx context.Context, file *config.File, c *config.Connector, clock *hostipc.Clock, logger hclog.Logger,
	spoke func()) (a answer) {
	if a.venue, a.err = openVenue(c, clock, logger); a.err != nil {
		return a
	}
	a.rules, a.err = venuecheck.AskRules(ctx, speaking{a.venue.Protocol, spoke}, file.Symbols(c.Name))
	if a.err == nil && c.Live.HasKey() {
		spoke()
		a.err = venuecheck.Preflight(ctx, a.venue.Protocol, file.Symbols(c.Name))
		spoke()
	}
	if unfit := venuecheck.Unfit(""); errors.As(a.err, &unfit) {
		err := fmt.Errorf("the account cannot be traded: %v: connector %q: %w", c.Pos, c.Name, a.err)
		a.err = errors.Join(notYet{err}, a.venue.Protocol.Close())
	} else if a.err != nil {
		err := fmt.Errorf("cannot reach the venue: %v: connector %q: %w; check the network and the configured URLs, or run 'runner check %s'", c.Pos, c.Name, a.err, c.Name)
		a.err = errors.Join(notYet{err}, a.venue.Protocol.Close())
	}
	return a
}

// close closes what was opened to ask.
func (a *answer) close() error {
	if a.err != nil {
		return nil
	}
	return a.venue.Protocol.Close()
}

// connector makes the connector to a venue that has answered, and fills in the steps. The problems are where the
// answer does not
// agree with the configuration: the connector is there for what else is traded on it.
func (a *answer) connector(file *config.File, c *config.Connector) (connector.Connector, config.Problems, error) {
	if a.err != nil {
		return nil, nil, a.err
	}
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		return a.rules.Steps(in.Symbol, in.TickSize, in.LotSize)
	})
	made, err := a.venue.Connector(a.rules.Filters)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err), a.close())
	}
	return made, problems, nil
}

// opened is what the host goes on with when the venue has answered late.
func (a *answer) opened(file *config.File, c *config.Connector) (host.Opened, error) {
	made, problems, err := a.connector(file, c)
	if err != nil {
		return host.Opened{}, err
	}
	unfit := make(map[string]error)
	for i := range problems {
		p := &problems[i]
		err := fmt.Errorf("%v: %s", p.Position, p.Message)
		if before := unfit[p.Strategy]; before != nil {
			err = fmt.Errorf("%w; %w", before, err)
		}
		unfit[p.Strategy] = err
	}
	return host.Opened{Connector: made, Steps: stepsOf(file, c.Name, unfit), Unfit: unfit}, nil
}

// answerTime is how long the host waits for each answer of a venue at the start, so that what is wrong in the
// configuration ends it
// at once.
const answerTime = 2 * time.Second

// liveConnector makes the connector to a venue, or what makes it as soon as the venue answers: nobody else waits for
// one that is
// silent. Then the question goes on until ctx, that of the run, ends, so that a slow venue is not asked twice.
func liveConnector(ctx context.Context, file *config.File, c *config.Connector, clock *hostipc.Clock,
	logger hclog.Logger) (host.ConnectorConfig, error) {
	cfg := host.ConnectorConfig{Name: c.Name, Kind: c.Kind, Trades: c.Live.HasKey(),
		OnMismatch: host.OnMismatch(c.Live.OnMismatch), MismatchAfter: c.Live.MismatchAfter}
	asking, stop := context.WithCancel(ctx)
	late := time.NewTimer(answerTime)
	defer late.Stop()
	spoke := func() { late.Reset(answerTime) }
	first := ask(asking, func() answer { return askVenue(asking, file, c, clock, logger, spoke) })
	cfg.Open = func(ctx context.Context) (host.Opened, error) {
		defer context.AfterFunc(ctx, stop)()
		a, ok := <-first
		if !ok || a.err != nil && asking.Err() != nil {
			a = askVenue(ctx, file, c, clock, logger, func() {})
		}
		return a.opened(file, c)
	}
	select {
	case a, ok := <-first:
		if !ok {
			cfg.Trouble = endedBefore
			break
		}
		made, problems, err := a.connector(file, c)
		var later notYet
		switch {
		case errors.As(err, &later) && ctx.Err() != nil:
			cfg.Trouble = endedBefore
		case errors.As(err, &later):
			cfg.Trouble = err.Error()
		case err != nil:
			return cfg, err
		case len(problems) > 0:
			return cfg, errors.Join(problems, a.close())
		default:
			cfg.Connector = made
		}
	case <-late.C:
		cfg.Trouble = fmt.Sprintf("cannot reach the venue: %v: connector %q: the venue has not answered within %v",
			c.Pos, c.Name, answerTime)
	case <-ctx.Done():
		cfg.Trouble = endedBefore
	}
	return cfg, nil
}

// endedBefore is why there is no connector when a run is ended at its start.
const endedBefore = "the run was stopped before the venue answered"

// ask returns the answer of a question, or nothing when nobody has taken it by the end of ctx.
func ask(ctx context.Context, question func() answer) <-chan answer {
	first := make(chan answer)
	go func() {
		defer close(first)
		a := question()
		select {
		case first <- a:
		case <-ctx.Done():
			_ = a.close()
		}
	}()
	return first
}

// stepsOf returns the steps of what is traded on a connector by strategies that fit.
func stepsOf(file *config.File, connectorName string, unfit map[string]error) map[string]host.Steps {
	steps := map[string]host.Steps{}
	for i := range file.Strategies {
		if unfit[file.Strategies[i].Name] != nil {
			continue
		}
		for j := range file.Strategies[i].Instruments {
			in := &file.Strategies[i].Instruments[j] // others are filled in meanwhile
			if in.Connector == connectorName {
				steps[in.Symbol] = host.Steps{TickSize: in.TickSize, LotSize: in.LotSize}
			}
		}
	}
	return steps
}
