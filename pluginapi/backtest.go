package pluginapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// engine is a backtest that is ready to run.
type engine interface {
	hft.Bot
	// Interrupt makes waiting calls return hft.ErrInterrupted. Any goroutine may call it and Progress.
	Interrupt()
	Progress() backtest.Progress
	// Finish sums up; err is what the strategy returned.
	Finish(err error) backtest.Result
}

var (
	_ engine             = (backtest.Backtest)(nil)
	_ backtest.Observer  = (*rowSender)(nil)
	_ control.Backtester = (*adapter)(nil)
)

// Backtest runs the strategy of p over recorded data in this process, as a host would run it in the plugin's: params,
// nil for the defaults, is decoded and checked, New makes the strategy, and its OnOrder and OnError, if it has them,
// are called. It is how a strategy is tested by `go test`. b has the data, the models and, where wanted, an Observer;
// it is used up.
//
// It returns when Run has returned. When ctx ends, Run's context does and its waiting calls return hft.ErrInterrupted;
// the result says so and there is no error. The error is what kept the strategy from running, wrong parameters for
// one, or what Run failed with, a panic included; the result says the latter, too.
func Backtest[P any](ctx context.Context, p Plugin[P], params json.RawMessage,
	b *backtest.Builder) (backtest.Result, error) {
	a, err := newAdapter(p, wiring{})
	if err != nil {
		return backtest.Result{}, err
	}
	strategy, err := a.newStrategy(params)
	if err != nil {
		return backtest.Result{}, err
	}
	e, err := buildEngine(b, strategy)
	if err != nil {
		return backtest.Result{}, err
	}
	result, runErr := simulate(ctx, strategy, e)
	if err := e.Close(); err != nil {
		return result, errors.Join(runErr, fmt.Errorf("close the backtest: %w", err))
	}
	return result, runErr
}

// buildEngine hooks up the strategy's optional methods.
func buildEngine(b *backtest.Builder, s Strategy) (engine, error) {
	if handler, ok := s.(ErrorHandler); ok {
		b.ErrorHandler(handler.OnError)
	}
	if hook, ok := s.(OrderHook); ok {
		b.OrderRecvHook(hook.OnOrder)
	}
	e, err := b.Build()
	if err != nil {
		return nil, err // a nil *Backtest must not become an engine
	}
	return e, nil
}

// prepareEngine makes the engine of a host's description.
func prepareEngine(spec json.RawMessage, s Strategy, rows *rowSender) (engine, error) {
	// A field that this version does not know would change the results without anybody noticing.
	decoder := json.NewDecoder(bytes.NewReader(spec))
	decoder.DisallowUnknownFields()
	var decoded backtest.Spec
	if err := decoder.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("read the simulation request: %w: build runner and plugin from the same version", err)
	}
	b, err := backtest.FromSpec(decoded)
	if err != nil {
		return nil, err
	}
	return buildEngine(b.Observer(rows), s)
}

// Backtest runs a strategy of its own; see control.Backtester.
func (a *adapter) Backtest(ctx context.Context, job control.BacktestJob,
	update func(control.BacktestUpdate) error) error {
	strategy, err := a.newStrategy(job.Params)
	if err != nil {
		return err
	}
	rows := newRowSender(update)
	e, err := a.wiring.simulate(job.Spec, strategy, rows)
	if err != nil {
		return err
	}
	rows.start(e)
	result, err := simulate(ctx, strategy, e)
	if err != nil {
		Logger().Error("the strategy failed in a backtest", "strategy", job.StrategyName, "error", err.Error())
	}
	err = rows.finish(result)
	if closeErr := e.Close(); closeErr != nil {
		Logger().Warn("the backtest could not be closed", "strategy", job.StrategyName, "error", closeErr)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// simulate runs a strategy to its end. The error is what it failed with.
func simulate(ctx context.Context, s Strategy, e engine) (backtest.Result, error) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		e.Interrupt()
	})
	err := guard("Run", func() error { return s.Run(ctx, e) })
	if !stop() {
		<-interrupted // it must not come after the engine is closed
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = hft.ErrInterrupted
	}
	result := e.Finish(err)
	if err != nil && isOrderly(ctx, err) {
		err = nil
	}
	return result, err
}
