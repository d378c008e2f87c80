package control

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

// RunnerClient is a running host at the other end of its control socket. Any goroutine may use it.
type RunnerClient struct {
	socketPath string
	conn       *grpc.ClientConn
	service    pb.RunnerClient
}

var _ Runner = (*RunnerClient)(nil)

// DialRunner connects to the host that listens at socketPath. The error is ErrNoHost if none does, even if a dead one
// has left its socket.
func DialRunner(socketPath string) (*RunnerClient, error) {
	if err := probe(socketPath); err != nil {
		return nil, fmt.Errorf("connect to the runner: %w", err)
	}
	conn, err := grpc.NewClient("passthrough:///runner",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", socketPath)
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to the runner at %s: %w", socketPath, err)
	}
	return &RunnerClient{socketPath: socketPath, conn: conn, service: pb.NewRunnerClient(conn)}, nil
}

// Close ends the connection.
func (c *RunnerClient) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("close connection to the runner: %w", err)
	}
	return nil
}

// Version returns the host's version.
func (c *RunnerClient) Version(ctx context.Context) (VersionInfo, error) {
	v, err := c.service.Version(ctx, &pb.VersionRequest{})
	if err != nil {
		return VersionInfo{}, c.wrap(err)
	}
	return versionFromProto(v), nil
}

// Strategies returns the state of all strategies.
func (c *RunnerClient) Strategies(ctx context.Context) ([]StrategyStatus, error) {
	r, err := c.service.Strategies(ctx, &pb.StrategiesRequest{})
	if err != nil {
		return nil, c.wrap(err)
	}
	out := make([]StrategyStatus, 0, len(r.GetStrategies()))
	for _, s := range r.GetStrategies() {
		out = append(out, statusFromProto(s))
	}
	return out, nil
}

// Start starts a stopped strategy.
func (c *RunnerClient) Start(ctx context.Context, name string, discardState bool) (already bool, err error) {
	done, err := c.service.Start(ctx, &pb.StrategyName{Name: name, DiscardState: discardState})
	if err != nil {
		return false, c.wrap(err)
	}
	return done.GetAlready(), nil
}

// Stop stops a strategy.
func (c *RunnerClient) Stop(ctx context.Context, name string) (already bool, err error) {
	done, err := c.service.Stop(ctx, &pb.StrategyName{Name: name})
	if err != nil {
		return false, c.wrap(err)
	}
	return done.GetAlready(), nil
}

// Restart replaces a strategy's process.
func (c *RunnerClient) Restart(ctx context.Context, name string, discardState bool) (RestartResult, error) {
	r, err := c.service.Restart(ctx, &pb.RestartRequest{Name: name, DiscardState: discardState})
	if err != nil {
		return RestartResult{}, c.wrap(err)
	}
	return restartFromProto(r), nil
}

// Adopt books a position that belongs to no strategy.
func (c *RunnerClient) Adopt(ctx context.Context, a Adoption) (AdoptResult, error) {
	r, err := c.service.Adopt(ctx, &pb.AdoptRequest{Strategy: a.Strategy, Connector: a.Connector, Symbol: a.Symbol,
		Qty: a.Qty, Price: a.Price})
	if err != nil {
		return AdoptResult{}, c.wrap(err)
	}
	return AdoptResult{Qty: r.GetQty(), Price: r.GetPrice(), Position: r.GetPosition(),
		Unattributed: r.GetUnattributed(), Resumed: r.GetResumed()}, nil
}

// Halt refuses new orders and cancels the open ones.
func (c *RunnerClient) Halt(ctx context.Context, connector, symbol string) ([]HaltedInstrument, error) {
	r, err := c.service.Halt(ctx, &pb.HaltRequest{Connector: connector, Symbol: symbol})
	if err != nil {
		return nil, c.wrap(err)
	}
	var list []HaltedInstrument
	for _, i := range r.GetInstruments() {
		list = append(list, HaltedInstrument{i.GetConnector(), i.GetSymbol(), i.GetAlready(), i.GetCause()})
	}
	return list, nil
}

// Resume lets halted instruments take new orders again.
func (c *RunnerClient) Resume(ctx context.Context, connector, symbol string) ([]Resumption, error) {
	r, err := c.service.Resume(ctx, &pb.LiftRequest{Connector: connector, Symbol: symbol})
	if err != nil {
		return nil, c.wrap(err)
	}
	var list []Resumption
	for _, i := range r.GetInstruments() {
		list = append(list, Resumption{Symbol: i.GetSymbol(), Cause: i.GetCause(), Refused: i.GetRefused()})
	}
	return list, nil
}

// wrap gives an error of the host its type back. Its text is the host's and stays as it is: it is meant for people.
func (c *RunnerClient) wrap(err error) error {
	s := status.Convert(err)
	for _, d := range s.Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			if typed := errorDetailFromProto(detail); typed != nil {
				return &hostError{text: s.Message(), err: typed}
			}
		}
	}
	if s.Code() == codes.Unavailable {
		return fmt.Errorf("%w at %s: it ended or closed the connection (%s)", ErrNoHost, c.socketPath, s.Message())
	}
	if ctxErr := contextError(s.Code()); ctxErr != nil {
		return fmt.Errorf("waiting for the runner: %w", ctxErr)
	}
	return errors.New(s.Message())
}

// hostError is an error of the host: its text and what it is.
type hostError struct {
	text string
	err  error
}

// Error returns the host's text.
func (e *hostError) Error() string { return e.text }

// Unwrap returns what the host's error is.
func (e *hostError) Unwrap() error { return e.err }
