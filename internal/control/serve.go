package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

// ServeStrategy serves impl to the host that started this process and returns nil when the host ended the connection;
// the process should end then. It ends the process by itself when the host is gone. It is called once, from main,
// before anything was printed; it returns ErrNotLaunched when no host started the process. From then on what anybody
// prints to standard output goes to the log, and Ctrl-C and SIGTERM, which systemd sends to all processes of a service,
// do nothing: the host decides when a strategy stops.
//
// What the transport itself has to say goes to standard error, where the host takes it.
func ServeStrategy(impl Strategy) error {
	handshake := handshakeConfig()
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		return ErrNotLaunched
	}
	signal.Ignore(os.Interrupt)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) // not Ignore, which its children would inherit
	if err := watchLifeline(); err != nil {
		return err
	}
	if err := divertStdout(); err != nil {
		return err
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: versionedPlugins(impl),
		Logger: quietLogger{hclog.New(&hclog.LoggerOptions{Output: os.Stderr, JSONFormat: true,
			Level: launchedLogLevel()})},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(messageLimit), grpc.MaxSendMsgSize(messageLimit))...)
		},
	})
	return nil
}

// launchedLogLevel returns the minimum level of this process's log entries for the host, hclog.Info if there is no
// host or it did not set one.
func launchedLogLevel() hclog.Level {
	level := hclog.LevelFromString(os.Getenv(logLevelVariable))
	if level == hclog.NoLevel {
		return hclog.Info
	}
	return level
}

// watchLifeline ends the process when the host is gone.
func watchLifeline() error {
	text, ok := os.LookupEnv(lifelineVariable)
	if !ok {
		return fmt.Errorf("serve strategy: the host gave no lifeline (%s is not set); host and plugin have to be of the same version", lifelineVariable)
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return fmt.Errorf("serve strategy: %s=%q is not a descriptor", lifelineVariable, text)
	}
	syscall.CloseOnExec(fd)
	lifeline := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		var b [1]byte
		// Nothing is ever written: whatever ends this read, the host no longer holds the other end.
		for {
			if _, err := lifeline.Read(b[:]); err != nil && !errors.Is(err, syscall.EINTR) {
				os.Exit(0)
			}
		}
	}()
	return nil
}

// divertStdout keeps descriptor 1 free of everything but the handshake: the pipe moves to another number that only
// os.Stdout knows, which go-plugin replaces after the handshake, and what is written to 1 goes to standard error.
func divertStdout() error {
	fd, err := syscall.Dup(1)
	if err != nil {
		return fmt.Errorf("serve strategy: duplicate standard output: %w", err)
	}
	syscall.CloseOnExec(fd)
	if err := duplicateTo(2, 1); err != nil {
		return fmt.Errorf("serve strategy: divert standard output: %w", err)
	}
	os.Stdout = os.NewFile(uintptr(fd), "/dev/stdout")
	return nil
}

// strategyServer answers the host's calls by those of the implementation.
type strategyServer struct {
	pb.UnimplementedStrategyServer
	impl Strategy
}

// Describe returns what the plugin is.
func (s *strategyServer) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.Description, error) {
	d, err := s.impl.Describe(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return descriptionToProto(d), nil
}

// Configure passes refused parameters on as a value, every other error as one.
func (s *strategyServer) Configure(ctx context.Context, c *pb.Configuration) (*pb.ConfigureResponse, error) {
	err := s.impl.Configure(ctx, configurationFromProto(c))
	var errs ParamErrors
	if errors.As(err, &errs) {
		return &pb.ConfigureResponse{ParamErrors: paramErrorsToProto(errs)}, nil
	}
	if err != nil {
		return nil, statusOf(err)
	}
	return &pb.ConfigureResponse{}, nil
}

// Start starts Run.
func (s *strategyServer) Start(ctx context.Context, r *pb.StartRequest) (*pb.StartResponse, error) {
	if err := s.impl.Start(ctx, r.State); err != nil {
		return nil, statusOf(err)
	}
	return &pb.StartResponse{}, nil
}

// Wait waits for Run to return.
func (s *strategyServer) Wait(ctx context.Context, _ *pb.WaitRequest) (*pb.Exit, error) {
	e, err := s.impl.Wait(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return exitToProto(e), nil
}

// Stop stops Run.
func (s *strategyServer) Stop(ctx context.Context, _ *pb.StopRequest) (*pb.StopResponse, error) {
	state, err := s.impl.Stop(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return &pb.StopResponse{State: state}, nil
}

// Suspend makes Run return. It answers a moment before the host gives up, so that the host learns what it waited for.
func (s *strategyServer) Suspend(ctx context.Context, _ *pb.SuspendRequest) (*pb.StopResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/5))
		defer cancel()
	}
	state, err := s.impl.Suspend(ctx)
	if errors.Is(err, ErrUnsupported) {
		return nil, status.Error(codes.Unimplemented, validText(err.Error()))
	}
	if err != nil {
		return nil, status.Error(codes.Unknown, validText(err.Error())) // the time that is over is not the host's
	}
	return &pb.StopResponse{State: state}, nil
}

// Resume calls Run again.
func (s *strategyServer) Resume(ctx context.Context, _ *pb.ResumeRequest) (*pb.ResumeResponse, error) {
	if err := s.impl.Resume(ctx); err != nil {
		return nil, statusOf(err)
	}
	return &pb.ResumeResponse{}, nil
}

// statusOf keeps the text of an error and, for those of a context, what it is.
func statusOf(err error) error {
	return status.Error(status.FromContextError(err).Code(), validText(err.Error()))
}
