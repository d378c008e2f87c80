package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

// socketPathLimit is the longest path of a unix socket that every system takes: macOS has 104 bytes with the final 0.
const socketPathLimit = 103

// ListenRunner listens on a control socket that only this user can use. A file that a dead host left there is
// replaced; ErrHostRunning when its host lives. Closing the listener removes the file.
func ListenRunner(socketPath string) (net.Listener, error) {
	fresh := socketPath + ".new"
	if len(fresh) > socketPathLimit {
		return nil, fmt.Errorf("listen on %s: the path of a socket may have %d bytes: use a shorter state_dir",
			socketPath, socketPathLimit-len(".new"))
	}
	switch err := probe(socketPath); {
	case err == nil:
		return nil, fmt.Errorf("listen on %s: %w: stop it first, or use another state_dir", socketPath, ErrHostRunning)
	case !errors.Is(err, ErrNoHost):
		return nil, fmt.Errorf("listen on %s: %w", socketPath, err)
	}
	// Made under another name and moved when it has its mode, so that nobody connects in between.
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen on %s: %w", socketPath, err)
	}
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", socketPath, err)
	}
	lis.SetUnlinkOnClose(false)
	err = os.Chmod(fresh, 0o600)
	var own os.FileInfo
	if err == nil {
		own, err = os.Lstat(fresh)
	}
	if err == nil {
		err = os.Rename(fresh, socketPath)
	}
	if err != nil {
		_ = lis.Close()
		_ = os.Remove(fresh)
		return nil, fmt.Errorf("listen on %s: %w", socketPath, err)
	}
	return &socketListener{UnixListener: lis, path: socketPath, own: own}, nil
}

// socketListener removes its file when it is closed.
type socketListener struct {
	*net.UnixListener
	path string
	own  os.FileInfo // of its file, whose number is not another's before it is closed
}

// Close removes the file, unless there is another's by now, and stops listening.
func (l *socketListener) Close() error {
	if there, err := os.Lstat(l.path); err == nil && os.SameFile(l.own, there) {
		_ = os.Remove(l.path)
	}
	return l.UnixListener.Close()
}

// probe returns nil when somebody listens, ErrNoHost when nobody does.
func probe(socketPath string) error {
	conn, err := net.Dial("unix", socketPath)
	if err == nil {
		return conn.Close()
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w at %s", ErrNoHost, socketPath)
	}
	return err
}

// lastAnswer is the time that calls that are under way when a host ends have to get their answers.
const lastAnswer = 3 * time.Second

// ServeRunner answers the command line until ctx ends, and returns nil then: calls that are under way get their
// answers, such as that the host is ending, or end a moment later. It closes lis.
func ServeRunner(ctx context.Context, lis net.Listener, r Runner) error {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(messageLimit), grpc.MaxSendMsgSize(messageLimit),
		grpc.ConnectionTimeout(lastAnswer)) // for a connection that says nothing both kinds of stop wait
	pb.RegisterRunnerServer(server, &runnerServer{runner: r})
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(lastAnswer, server.Stop)
		defer late.Stop()
		server.GracefulStop()
	})
	defer stop()
	if err := server.Serve(lis); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve control socket %s: %w", lis.Addr(), err)
	}
	return nil
}

// runnerServer answers calls by those of the host.
type runnerServer struct {
	pb.UnimplementedRunnerServer
	runner Runner
}

// Version returns the host's version.
func (s *runnerServer) Version(ctx context.Context, _ *pb.VersionRequest) (*pb.VersionInfo, error) {
	v, err := s.runner.Version(ctx)
	if err != nil {
		return nil, runnerStatus(err)
	}
	return versionToProto(v), nil
}

// Strategies returns the state of all strategies.
func (s *runnerServer) Strategies(ctx context.Context, _ *pb.StrategiesRequest) (*pb.StrategiesResponse, error) {
	list, err := s.runner.Strategies(ctx)
	if err != nil {
		return nil, runnerStatus(err)
	}
	out := &pb.StrategiesResponse{}
	for _, item := range list {
		out.Strategies = append(out.Strategies, statusToProto(item))
	}
	return out, nil
}

// Start starts a strategy.
func (s *runnerServer) Start(ctx context.Context, n *pb.StrategyName) (*pb.Done, error) {
	already, err := s.runner.Start(ctx, n.GetName(), n.GetDiscardState())
	if err != nil {
		return nil, runnerStatus(err)
	}
	return &pb.Done{Already: already}, nil
}

// Stop stops a strategy.
func (s *runnerServer) Stop(ctx context.Context, n *pb.StrategyName) (*pb.Done, error) {
	already, err := s.runner.Stop(ctx, n.GetName())
	if err != nil {
		return nil, runnerStatus(err)
	}
	return &pb.Done{Already: already}, nil
}

// Restart replaces a strategy's process.
func (s *runnerServer) Restart(ctx context.Context, q *pb.RestartRequest) (*pb.RestartResult, error) {
	r, err := s.runner.Restart(ctx, q.GetName(), q.GetDiscardState())
	if err != nil {
		return nil, runnerStatus(err)
	}
	return restartToProto(r), nil
}

// Adopt books a position that belongs to no strategy.
func (s *runnerServer) Adopt(ctx context.Context, q *pb.AdoptRequest) (*pb.AdoptResult, error) {
	r, err := s.runner.Adopt(ctx, Adoption{Strategy: q.GetStrategy(), Connector: q.GetConnector(),
		Symbol: q.GetSymbol(), Qty: q.GetQty(), Price: q.GetPrice()})
	if err != nil {
		return nil, runnerStatus(err)
	}
	return &pb.AdoptResult{Qty: r.Qty, Price: r.Price, Position: r.Position, Unattributed: r.Unattributed,
		Resumed: r.Resumed}, nil
}

// Halt refuses new orders and cancels the open ones.
func (s *runnerServer) Halt(ctx context.Context, q *pb.HaltRequest) (*pb.HaltResult, error) {
	list, err := s.runner.Halt(ctx, q.GetConnector(), q.GetSymbol())
	if err != nil {
		return nil, runnerStatus(err)
	}
	r := &pb.HaltResult{}
	for _, i := range list {
		r.Instruments = append(r.Instruments, &pb.HaltedInstrument{Connector: i.Connector, Symbol: i.Symbol,
			Already: i.Already, Cause: i.Cause})
	}
	return r, nil
}

// Resume lets halted instruments take new orders again.
func (s *runnerServer) Resume(ctx context.Context, q *pb.LiftRequest) (*pb.LiftResult, error) {
	list, err := s.runner.Resume(ctx, q.GetConnector(), q.GetSymbol())
	if err != nil {
		return nil, runnerStatus(err)
	}
	r := &pb.LiftResult{}
	for i := range list {
		r.Instruments = append(r.Instruments, &pb.Resumption{Symbol: validText(list[i].Symbol),
			Cause: validText(list[i].Cause), Refused: validText(list[i].Refused)})
	}
	return r, nil
}

// runnerStatus keeps the text of an error, and of the types the command line tells apart also the value.
func runnerStatus(err error) error {
	s := status.New(status.FromContextError(err).Code(), validText(err.Error()))
	if s.Code() == codes.OK {
		s = status.New(codes.Unknown, validText(err.Error()))
	}
	detail := errorDetailToProto(err)
	if detail == nil {
		return s.Err()
	}
	detailed, detailErr := s.WithDetails(protoadapt.MessageV1Of(detail))
	if detailErr != nil {
		return s.Err()
	}
	return detailed.Err()
}
