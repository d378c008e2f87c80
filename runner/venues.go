package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// openConnector makes the connector of a block to a venue, which is not connected yet.
func openConnector(c *config.Connector, clock *hostipc.Clock, logger hclog.Logger) (connector.Connector, error) {
	return open(c, connector.Env{Logger: logger, NowNs: clock.NowNs})
}

func open(c *config.Connector, env connector.Env) (connector.Connector, error) {
	env.Name, env.Settings = c.Name, c.Live.Own
	made, err := c.Live.Kind.Open(env)
	if err != nil {
		return nil, fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err)
	}
	return made, nil
}

// closeUnused closes what a connector that does not run has opened.
func closeUnused(c connector.Connector) error {
	if opened, can := c.(io.Closer); can {
		return opened.Close()
	}
	return nil
}

// checkVenue says what is wrong with a connector's settings without connecting.
func checkVenue(c *config.Connector) error {
	made, err := c.Live.Kind.Open(connector.Env{Name: c.Name, Settings: c.Live.Own,
		Logger: hclog.NewNullLogger(), NowNs: hostipc.NewWallClock().NowNs})
	if err != nil {
		return err
	}
	return closeUnused(made)
}

// notYet is the error of a venue that does not answer, or with an account that cannot be traded as it is: nothing of
// that has to do with the configuration.
type notYet struct{ error }

// Unwrap returns the cause.
func (n notYet) Unwrap() error { return n.error }

// answer is what a venue says when it is asked for the steps of what the strategies trade.
type answer struct {
	connector connector.Connector
	steps     []connector.Steps
	err       error
}

// askVenue asks a venue for its steps, and whether the account can be traded, as far as the connector can ask.
// Requests are signed by the host's clock; it calls spoke whenever the venue answers.
func askVenue(ctx context.Context, file *config.File, c *config.Connector, clock *hostipc.Clock, logger hclog.Logger,
	spoke func()) (a answer) {
	if a.connector, a.err = open(c, connector.Env{Logger: logger, NowNs: clock.NowNs, Answered: spoke}); a.err != nil {
		return a
	}
	symbols := file.Symbols(c.Name)
	if stepper, can := a.connector.(connector.Stepper); can {
		a.steps, a.err = stepper.Steps(ctx, symbols)
	}
	if p, can := a.connector.(connector.Preflighter); can && a.err == nil {
		a.err = p.Preflight(ctx, symbols)
	}
	if unfit := connector.Unfit(""); errors.As(a.err, &unfit) {
		err := fmt.Errorf("the account cannot be traded: %v: connector %q: %w", c.Pos, c.Name, a.err)
		a.err = errors.Join(notYet{err}, closeUnused(a.connector))
	} else if a.err != nil {
		err := fmt.Errorf("cannot reach the venue: %v: connector %q: %w; check the network and the configured URLs, or run 'runner check %s'", c.Pos, c.Name, a.err, c.Name)
		a.err = errors.Join(notYet{err}, closeUnused(a.connector))
	}
	return a
}

// close closes what was opened to ask.
func (a *answer) close() error {
	if a.err != nil {
		return nil
	}
	return closeUnused(a.connector)
}

// made returns the connector to a venue that has answered, and fills in the steps. The problems are where the answer
// does not agree with the configuration: the connector is there for what else is traded on it.
func (a *answer) made(file *config.File, c *config.Connector) (connector.Connector, config.Problems, error) {
	if a.err != nil {
		return nil, nil, a.err
	}
	_, tells := a.connector.(connector.Stepper)
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		at := slices.IndexFunc(a.steps, func(s connector.Steps) bool { return s.Symbol == in.Symbol })
		switch {
		case at >= 0:
			return a.steps[at].Of(in.TickSize, in.LotSize)
		case tells:
			return 0, 0, fmt.Errorf("the venue returned nothing for %s", in.Symbol)
		case in.TickSize == 0 || in.LotSize == 0:
			return 0, 0, fmt.Errorf("%s needs tick_size and lot_size: connectors of kind %q do not ask the venue for them",
				in.Symbol, c.Kind)
		}
		return in.TickSize, in.LotSize, nil
	})
	return a.connector, problems, nil
}

// opened is what the host goes on with when the venue has answered late.
func (a *answer) opened(file *config.File, c *config.Connector) (host.Opened, error) {
	made, problems, err := a.made(file, c)
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
// configuration ends it at once.
const answerTime = 2 * time.Second

// liveConnector makes the connector to a venue, or what makes it as soon as the venue answers: nobody else waits for
// one that is silent. Then the question goes on until ctx, that of the run, ends, so that a slow venue is not asked
// twice.
func liveConnector(ctx context.Context, file *config.File, c *config.Connector, clock *hostipc.Clock,
	logger hclog.Logger) (host.ConnectorConfig, error) {
	cfg := host.ConnectorConfig{Name: c.Name, Kind: c.Kind, Trades: c.Live.HasKey() || !c.Live.Account,
		OnMismatch: host.OnMismatch(c.Live.OnMismatch), MismatchAfter: c.Live.MismatchAfter, Risk: c.Risk.Risk()}
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
		made, problems, err := a.made(file, c)
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
