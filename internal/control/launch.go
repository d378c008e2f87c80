package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

// DefaultStartTimeout bounds a launch whose configuration gives no bound.
const DefaultStartTimeout = 10 * time.Second

// LaunchConfig configures Launch.
type LaunchConfig struct {
	// Spawner forks the process. It has to outlive it.
	Spawner *Spawner
	// Path is the plugin's file, Args are its arguments without the name.
	Path string
	Args []string
	// SHA256 is the sum the file has to have; nil for any.
	SHA256 []byte
	// ExtraFiles are inherited as descriptors 3, 4, ... in this order. They stay the caller's and may be closed when
	// Launch has returned.
	ExtraFiles []*os.File
	// Env is added to the environment, which is otherwise only where programs, home, temporary files, language and time
	// zone are: a strategy does not see the secrets of the host.
	Env []string
	// Log takes all that the process says, its log entries and the lines it writes to its outputs; nil discards it.
	// Lines over LogRate a second are counted instead, with some seconds' worth at once; 0 is DefaultLogRate.
	Log     hclog.Logger
	LogRate int
	// Logger takes the process's log entries by level too; nil discards them. Its level is the plugin's level. Neither
	// logger may wait for somebody to read: the process would wait, too.
	Logger hclog.Logger
	// Left is called with the processes that the plugin has started and that cannot be killed, before Close or a
	// failing Launch returns; nil logs them.
	Left func(processes []string)
	// StartTimeout bounds start and handshake, 0 is DefaultStartTimeout.
	StartTimeout time.Duration
}

// LeftText describes processes that cannot be killed.
const LeftText = "processes that the plugin has started cannot be ended: end them by hand"

// Launch starts a strategy process and returns when it has answered. Errors are a *LaunchError; nothing is left of the
// process then. When ctx ends before, the process is killed; afterwards ctx has no meaning for it.
func Launch(ctx context.Context, cfg LaunchConfig) (*Process, error) {
	if cfg.Spawner == nil {
		return nil, errors.New("launch: no spawner set")
	}
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = DefaultStartTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	if cfg.Left == nil {
		cfg.Left = func(processes []string) { cfg.Logger.Error(LeftText, "processes", processes) }
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, &LaunchError{Cause: CauseSystem, Path: cfg.Path, Problem: err.Error(), Err: err}
	}
	cfg.Path = path
	if err := checkFile(cfg.Path, cfg.SHA256); err != nil {
		return nil, err
	}
	l := &launch{cfg: cfg, log: newPluginLog(cfg.Log, cfg.Logger, cfg.LogRate)}
	p, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// launch is one attempt to start a plugin.
type launch struct {
	cfg  LaunchConfig
	log  *pluginLog
	proc *subprocess
}

// run starts, shakes hands, connects and makes the first call, all within the timeout.
func (l *launch) run(ctx context.Context) (*Process, error) {
	if deadline, ok := ctx.Deadline(); ok { // a bound like the other, for what is said of it
		l.cfg.StartTimeout = min(l.cfg.StartTimeout, max(time.Until(deadline).Round(100*time.Millisecond),
			time.Millisecond))
	}
	timed, cancel := context.WithTimeout(ctx, l.cfg.StartTimeout)
	defer cancel()
	started := make(chan struct{})
	client := plugin.NewClient(l.clientConfig(started))
	// go-plugin's Start and Client take no context: end them by ending the process.
	watching := make(chan struct{})
	stopWatch := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-stopWatch:
			return
		case <-started:
		}
		select {
		case <-stopWatch:
		case <-timed.Done():
			_ = l.proc.Kill(context.Background())
		}
	}()
	service, err := l.connect(timed, client)
	close(stopWatch)
	<-watching
	if err == nil && timed.Err() != nil {
		err = timed.Err() // the watcher has killed it just after the last call
	}
	if err != nil {
		launchErr := l.explain(ctx, timed, err)
		l.cleanUp(client)
		return nil, launchErr
	}
	// Nothing connects by path from then on, so nothing is left behind however host and plugin end.
	_ = os.RemoveAll(l.proc.socketDir)
	return newProcess(client, l.proc, service, l.log), nil
}

// connect does what can fail after the process runs.
func (l *launch) connect(ctx context.Context, client *plugin.Client) (pb.StrategyClient, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(strategyPlugin)
	if err != nil {
		return nil, err
	}
	service, ok := raw.(pb.StrategyClient)
	if !ok {
		return nil, fmt.Errorf("dispensed a %T", raw)
	}
	if _, err := service.Describe(ctx, &pb.DescribeRequest{}); err != nil {
		return nil, fmt.Errorf("first call: %w", err)
	}
	return service, nil
}

// cleanUp ends what there is of a failed attempt, go-plugin's goroutines and temporary directory included.
func (l *launch) cleanUp(client *plugin.Client) {
	defer l.log.close()
	if l.proc == nil {
		return
	}
	_ = l.proc.Kill(context.Background())
	if l.proc.startErr == nil {
		l.awaitOutput()
	}
	client.Kill()
	_ = os.RemoveAll(l.proc.socketDir)
}

// clientConfig tells go-plugin what we want. started is closed when l.proc is there.
func (l *launch) clientConfig(started chan struct{}) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  handshakeConfig(),
		VersionedPlugins: versionedPlugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		// Our own timeout ends the process and says so; go-plugin's is only there in case that fails.
		StartTimeout: 2 * l.cfg.StartTimeout,
		Logger:       quietLogger{l.cfg.Logger},
		SyncStdout:   l.log.stream("stdout"),
		SyncStderr:   l.log.stream("stderr"),
		// A connection that idles is closed by gRPC and could not be made again: the socket's file is gone by then.
		GRPCDialOptions: []grpc.DialOption{grpc.WithIdleTimeout(0)},
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, socketDir string) (runner.Runner, error) {
			// go-plugin put the handshake's variables into spec.Env and nothing else of use into spec. It checks
			// its SecureConfig against spec.Path, which is empty here, hence checkFile.
			cmd := &exec.Cmd{
				Path:       l.cfg.Path,
				Args:       append([]string{l.cfg.Path}, l.cfg.Args...),
				Env:        append(l.environment(), spec.Env...),
				ExtraFiles: append([]*os.File(nil), l.cfg.ExtraFiles...),
			}
			l.proc = newSubprocess(cmd, socketDir, l.log.stream("stderr"), &l.cfg)
			close(started)
			return l.proc, nil
		},
	}
}

// environment returns the part of the host's environment that a strategy process gets, and the requested additions.
func (l *launch) environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	level := l.cfg.Logger.GetLevel()
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	env = append(env, logLevelVariable+"="+level.String())
	return append(env, l.cfg.Env...)
}

// checkFile finds what can be seen without starting the file.
func checkFile(path string, sum []byte) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &LaunchError{Cause: CauseNotFound, Path: path, Problem: "there is no such file",
			Fix: "build it into the plugin directory", Err: err}
	case err != nil:
		return &LaunchError{Cause: CauseSystem, Path: path, Problem: err.Error(), Err: err}
	case info.IsDir():
		return &LaunchError{Cause: CauseNotExecutable, Path: path, Problem: "is a directory",
			Fix: "name the plugin's executable file"}
	case info.Mode().Perm()&0o111 == 0:
		return &LaunchError{Cause: CauseNotExecutable, Path: path, Problem: "is not executable",
			Fix: "run chmod +x on it"}
	}
	if sum == nil {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return &LaunchError{Cause: CauseChecksum, Path: path, Problem: "cannot be read for its checksum",
			Fix: "make it readable", Err: err}
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return &LaunchError{Cause: CauseChecksum, Path: path, Problem: "cannot be read for its checksum", Err: err}
	}
	if have := hash.Sum(nil); subtle.ConstantTimeCompare(have, sum) != 1 {
		return &LaunchError{
			Cause: CauseChecksum, Path: path,
			Problem: fmt.Sprintf("has SHA-256 %s, pinned is %s", hex.EncodeToString(have), hex.EncodeToString(sum)),
			Fix:     "pin the new sum if you trust the new file",
		}
	}
	return nil
}

// quietLogger lets go-plugin's own messages through at trace level only: what matters of them is in our errors.
type quietLogger struct{ hclog.Logger }

// Debug logs at trace level.
func (q quietLogger) Debug(msg string, args ...any) { q.Trace(msg, args...) }

// Info logs at trace level.
func (q quietLogger) Info(msg string, args ...any) { q.Trace(msg, args...) }

// Warn logs at trace level.
func (q quietLogger) Warn(msg string, args ...any) { q.Trace(msg, args...) }

// Error logs at trace level.
func (q quietLogger) Error(msg string, args ...any) { q.Trace(msg, args...) }

// Named returns a logger that is quiet too.
func (q quietLogger) Named(name string) hclog.Logger { return quietLogger{q.Logger.Named(name)} }
