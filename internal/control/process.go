package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

const (
	// exitGrace is the time that a failed call waits for the end of the process that may have caused it.
	exitGrace = time.Second
	// hangUpGrace is the time that Close lets a plugin end itself before it is killed.
	hangUpGrace = 200 * time.Millisecond
)

// ErrUnkillable is returned by Close when the kernel has not ended a killed process within closeLimit.
var ErrUnkillable = errors.New("process does not end")

// closeLimit is the time that Close waits for a killed process.
const closeLimit = 5 * time.Second

// Process is a running strategy process. All methods may be called from any goroutine. It must be closed, even if it
// ended on its own.
type Process struct {
	client  *plugin.Client
	proc    *subprocess
	service pb.StrategyClient
	log     *pluginLog

	closeOnce sync.Once
	closeErr  error
}

var _ Strategy = (*Process)(nil)

func newProcess(client *plugin.Client, proc *subprocess, service pb.StrategyClient, log *pluginLog) *Process {
	return &Process{client: client, proc: proc, service: service, log: log}
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.proc.pid }

// Exited is closed when the process is gone, for whatever reason.
func (p *Process) Exited() <-chan struct{} { return p.proc.exited }

// ExitError describes how the process ended and what it said last; it is an ErrPluginExited. It is nil while the
// process runs.
func (p *Process) ExitError() error {
	select {
	case <-p.proc.exited:
	default:
		return nil
	}
	text := describeExit(p.proc.waitErr)
	if p.proc.waitErr != nil && !p.proc.wasKilled() {
		text += p.log.lastWords()
	}
	return fmt.Errorf("%w: %s", ErrPluginExited, text)
}

// Kill kills the process and everything it started, at once and without waiting for its end; see Exited.
func (p *Process) Kill() error { return p.proc.Kill(context.Background()) }

// Signal sends the process a signal, to stop and continue it or to have it dump its goroutines.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.ExitError(); err != nil {
		return err
	}
	if err := p.proc.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal plugin process %d: %w", p.PID(), err)
	}
	return nil
}

// Close ends the process if it still runs and what it has started, waits for their end and releases what belongs to
// them. A process that is well ends itself when its lifeline is cut; after a fifth of a second it is killed.
func (p *Process) Close() error {
	p.closeOnce.Do(func() { p.closeErr = p.close() })
	return p.closeErr
}

func (p *Process) close() error {
	p.proc.hangUp()
	if !p.proc.exitsWithin(hangUpGrace) {
		if err := p.Kill(); err != nil {
			return err
		}
		if !p.proc.exitsWithin(closeLimit) {
			return fmt.Errorf("close plugin process %d: %w", p.PID(), ErrUnkillable)
		}
	}
	<-p.proc.swept
	// Without a process left this only ends go-plugin's goroutines: it has nothing to wait for.
	p.client.Kill()
	p.log.close()
	return nil
}

// Describe asks the plugin what it is.
func (p *Process) Describe(ctx context.Context) (Description, error) {
	d, err := p.service.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return Description{}, p.wrap(ctx, "describe", err)
	}
	return descriptionFromProto(d), nil
}

// Configure configures the strategy. Wrong parameters are ParamErrors.
func (p *Process) Configure(ctx context.Context, c Configuration) error {
	r, err := p.service.Configure(ctx, configurationToProto(c))
	if err != nil {
		return p.wrap(ctx, "configure", err)
	}
	if errs := paramErrorsFromProto(r.GetParamErrors()); len(errs) > 0 {
		return errs
	}
	return nil
}

// Start starts the strategy.
func (p *Process) Start(ctx context.Context, state []byte) error {
	if _, err := p.service.Start(ctx, &pb.StartRequest{State: state}); err != nil {
		return p.wrap(ctx, "start", err)
	}
	return nil
}

// Wait waits for the strategy's Run to return.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	e, err := p.service.Wait(ctx, &pb.WaitRequest{})
	if err != nil {
		return Exit{}, p.wrap(ctx, "wait", err)
	}
	return exitFromProto(e), nil
}

// Stop stops the strategy and returns its state.
func (p *Process) Stop(ctx context.Context) ([]byte, error) {
	r, err := p.service.Stop(ctx, &pb.StopRequest{})
	if err != nil {
		return nil, p.wrap(ctx, "stop", err)
	}
	return r.State, nil
}

// Suspend makes the strategy return and returns its state.
func (p *Process) Suspend(ctx context.Context) ([]byte, error) {
	r, err := p.service.Suspend(ctx, &pb.SuspendRequest{})
	if err != nil {
		return nil, p.wrap(ctx, "suspend", err)
	}
	return r.State, nil
}

// Resume lets a suspended strategy go on.
func (p *Process) Resume(ctx context.Context) error {
	if _, err := p.service.Resume(ctx, &pb.ResumeRequest{}); err != nil {
		return p.wrap(ctx, "resume", err)
	}
	return nil
}

// wrap turns what gRPC says into what happened. A broken connection shows up in a call a moment before the end of the
// process does, so that is waited for.
func (p *Process) wrap(ctx context.Context, call string, err error) error {
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unavailable:
		p.proc.exitsWithin(exitGrace)
	case codes.Canceled, codes.DeadlineExceeded:
		if ctx.Err() == nil {
			p.proc.exitsWithin(exitGrace)
		}
	}
	if exitErr := p.ExitError(); exitErr != nil {
		return fmt.Errorf("%s: %w", call, exitErr)
	}
	if s.Code() == codes.Unimplemented {
		return fmt.Errorf("%s: %w", call, ErrUnsupported)
	}
	if ctxErr := contextError(s.Code()); ctxErr != nil {
		return fmt.Errorf("%s plugin process %d: %w", call, p.PID(), ctxErr)
	}
	return fmt.Errorf("%s: %w", call, errors.New(s.Message()))
}

// contextError returns the error of the context package that a status stands for, nil for any other.
func contextError(code codes.Code) error {
	switch code {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return nil
}
