// Package runner is the command runner: it hosts trading strategies, reads a configuration, connects the markets in
// it, runs each strategy in a process of its own, and talks to a runner that is already there.
//
// It only wires: which kinds of connectors there are besides paper, and with them which formats of recorded files, is
// up to who calls Main. The command line itself is in internal/cli, the configuration in internal/config.
package runner

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/bench/latency"
	"github.com/hftrunner/hftrunner/internal/bench/ticktoorder"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/runner/internal/cli"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// Main is the whole program: it runs the command line of this process and ends it. kinds are the connectors to venues
// that a configuration may have; each has a name of its own.
func Main(kinds ...connector.Kind) { program(func(*host.Config) {}, kinds) }

// program is Main with a last look at the configuration of a host.
func program(adjust func(*host.Config), kinds config.Kinds) {
	if latency.MaybeChild() { // runner bench starts this program again as its peer
		return
	}
	ticktoorder.MaybePlugin() // and as a strategy
	os.Exit(run(os.Args[1:], adjust, kinds))
}

// killer has started processes and can kill them, and what they have started, at once.
type killer interface{ Kill() }

func run(args []string, adjust func(*host.Config), kinds config.Kinds) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup has it ignored
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	// Caught, so that a reader of the output that went away ("runner run | tee", on Ctrl-C) does not end this process
	// before its orders have: a write is an error then. Ignored would be inherited by what is started.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	halts := make(chan os.Signal, 1)
	signal.Notify(halts, syscall.SIGUSR1)
	defer signal.Stop(halts)
	var running atomic.Pointer[killer] // whose processes end with this one
	started := func(k killer) { running.Store(&k) }
	abort := func(code int) {
		if k := running.Load(); k != nil {
			(*k).Kill()
		}
		os.Exit(code)
	}
	app := &cli.App{
		Version: version(), Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Signals: signals, Abort: abort,
		NewHost: func(ctx context.Context, file *config.File, logger hclog.Logger) (cli.Host, error) {
			cfg, err := hostConfig(ctx, file, logger)
			if err != nil {
				return nil, err
			}
			adjust(&cfg)
			h, err := host.New(cfg, logger)
			if err != nil {
				return nil, err
			}
			started(h)
			go func() {
				for range halts {
					h.HaltAll("the signal SIGUSR1")
				}
			}()
			return h, nil
		},
		PluginNames: host.PluginNames,
		Describe:    host.Describe,
		Dial:        func(socket string) (cli.Remote, error) { return control.DialRunner(socket) },
		Bench:       bench,
		NewExecutors: func(level string) cli.Executors {
			p := batch.NewProcesses(hclog.LevelFromString(level))
			started(p)
			return p
		},
		Kinds: kinds, Formats: kinds.Formats(), Open: openConnector, CheckVenue: checkVenue,
	}
	return app.Run(context.Background(), args)
}

// version is this module's version, or the commit that it, or the program of another module, was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	module := strings.TrimSuffix(reflect.TypeFor[connector.Kind]().PkgPath(), "/connector")
	for _, dep := range info.Deps {
		if dep.Path == module && dep.Version != "" && dep.Replace == nil {
			return dep.Version
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
