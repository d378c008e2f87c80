package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

// ErrNoBacktest is returned by Backtest when the plugin was built before there was this call.
var ErrNoBacktest = errors.New("the plugin has no backtest: it was built against an older version of hftrunner, rebuild it")

// Backtester is a Strategy that runs backtests in its process. A Process is one; whether the plugin at its other end is
// one too shows in the call.
type Backtester interface {
	// Backtest makes a strategy and runs it over recorded data. It needs neither Configure nor shared memory, and does
	// not touch a strategy that was configured. Several may run in one process, one after the other or concurrently.
	// update is called by one goroutine at a time, in the order of what happened, and never after Backtest has
	// returned; while it does not return, the backtest waits. The memory of an update is lent for the call. The last
	// one has the result, even if the strategy has failed.
	//
	// Errors are about what kept the backtest from having a result. Wrong parameters are ParamErrors. When ctx ends the
	// backtest is interrupted and the error is that of ctx. An error of update interrupts it, too, and is returned.
	Backtest(ctx context.Context, job BacktestJob, update func(BacktestUpdate) error) error
}

var _ Backtester = (*Process)(nil)

// BacktestJob is a backtest to be run.
type BacktestJob struct {
	// StrategyName is the name of the strategy block.
	StrategyName string
	// Params are the parameters as in Configuration.
	Params json.RawMessage
	// Spec is the simulation, in JSON. This package does not interpret it.
	Spec json.RawMessage
}

// BacktestUpdate is an update from a running backtest. Empty fields have no meaning. This package does not interpret
// it.
type BacktestUpdate struct {
	// Progress and Result are JSON; Result comes with the last update.
	Progress, Result json.RawMessage
	// Records, Orders and Fills are rows since the last update, packed by the engine. All of an update together have to
	// stay well below 64 MiB.
	Records, Orders, Fills []byte
}

// Backtest runs a backtest in the process; see Backtester. The process is of no use for another one when the strategy
// does not return after ctx has ended: that is not waited for, Close ends it.
func (p *Process) Backtest(ctx context.Context, job BacktestJob, update func(BacktestUpdate) error) error {
	// The end of this call is the end of the stream, however it comes.
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.service.Backtest(streamCtx, backtestJobToProto(job))
	if err != nil {
		return p.wrap(ctx, "backtest", err)
	}
	for finished := false; ; {
		u, err := stream.Recv()
		if errors.Is(err, io.EOF) && finished {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return errors.New("backtest: the plugin ended it without a result: this is a bug in the plugin, rebuild it")
		}
		if status.Code(err) == codes.Unimplemented {
			return fmt.Errorf("backtest: %w", ErrNoBacktest)
		}
		if err != nil {
			return p.wrap(ctx, "backtest", err)
		}
		if errs := paramErrorsFromProto(u.GetParamErrors()); len(errs) > 0 {
			return errs
		}
		finished = len(u.GetResult()) > 0
		if err := update(backtestUpdateFromProto(u)); err != nil {
			return fmt.Errorf("backtest: receive an update: %w", err)
		}
	}
}

// Backtest streams what the implementation tells and passes refused parameters on as a value.
func (s *strategyServer) Backtest(job *pb.BacktestJob, stream grpc.ServerStreamingServer[pb.BacktestUpdate]) error {
	backtester, ok := s.impl.(Backtester)
	if !ok {
		return status.Error(codes.Unimplemented, ErrNoBacktest.Error())
	}
	// Send encodes before it returns, which ends the loan of an update's memory.
	err := backtester.Backtest(stream.Context(), backtestJobFromProto(job), func(u BacktestUpdate) error {
		return stream.Send(backtestUpdateToProto(u))
	})
	var errs ParamErrors
	if errors.As(err, &errs) {
		return stream.Send(&pb.BacktestUpdate{ParamErrors: paramErrorsToProto(errs)})
	}
	if err != nil {
		return statusOf(err)
	}
	return nil
}
