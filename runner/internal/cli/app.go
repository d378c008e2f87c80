package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/runlog"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// Exit codes.
const (
	ExitOK            = 0
	ExitFailure       = 1
	ExitUsage         = 2
	ExitConfig        = 3
	ExitPluginFailed  = 4
	ExitNoHost        = 5
	ExitOrdersLeft    = 6
	ExitGivenUp       = 7
	defaultConfigFile = "runner.hcl"
)

// Host is a host that runs in this process, as run uses it.
type Host interface {
	// Run works until ctx ends or the data does, and takes everything down in order.
	Run(ctx context.Context) (host.Exit, error)
	// Strategies returns the state of all strategies.
	Strategies(ctx context.Context) ([]control.StrategyStatus, error)
	// Summary sums up the run so far.
	Summary(exit host.Exit) host.Summary
	// SummaryAtOnce is that of a process that ends without the end of Run.
	SummaryAtOnce() host.Summary
	// Kill kills all strategies at once and waits for nothing.
	Kill()
}

// Remote is a host in another process. The caller closes it.
type Remote interface {
	control.Runner
	io.Closer
}

// App is a command line with everything it acts on.
type App struct {
	// Version is the runner's version.
	Version string
	Stdout  io.Writer
	Stderr  io.Writer
	// Environ is the environment as os.Environ gives it.
	Environ []string
	// Signals delivers SIGINT, SIGTERM and SIGHUP: the first ends a command in order, a second SIGINT or SIGTERM calls
	// Abort, unless it comes together with the first.
	Signals <-chan os.Signal
	// Abort ends the process and those it has started at once, whatever else blocks.
	Abort func(code int)
	// NewHost makes a host of a checked configuration. It asks venues what they have; the error is config.Problems
	// where that does not agree with the configuration.
	NewHost func(ctx context.Context, file *config.File, logger hclog.Logger) (Host, error)
	// Kinds are the kinds of connectors to venues.
	Kinds config.Kinds
	// Open makes a live connector, which is not connected yet. The caller runs it with the clock, or closes it if it
	// can.
	Open func(c *config.Connector, clock *hostipc.Clock, logger hclog.Logger) (connector.Connector, error)
	// CheckVenue says what is wrong with the settings of a live connector, without connecting.
	CheckVenue func(c *config.Connector) error
	// PluginNames lists a plugin folder, Describe asks the named plugins what they are.
	PluginNames func(dir string) ([]string, error)
	Describe    func(ctx context.Context, dir string, names []string) (map[string]host.PluginInfo, error)
	// Dial reaches the host that listens at a control socket; the error is control.ErrNoHost when there is none.
	Dial func(socket string) (Remote, error)
	// NewExecutors makes what runs the jobs of a backtest, logging from a level on.
	NewExecutors func(level string) Executors
	// Formats are how recorded messages are read, by the format's name.
	Formats map[string]connector.Format
	// Now is the clock of names and summaries; nil is time.Now.
	Now func() time.Time
	// Bench measures this machine.
	Bench func(ctx context.Context, o BenchOptions) ([]BenchRow, error)
}

// codedError is an error with the exit code it leads to.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func withCode(code int, err error) error { return &codedError{code, err} }

// settings are the global flags.
type settings struct {
	app        *App
	configPath string
	output     string
	logLevel   string
	socket     string
	// interruption is what a command says when it is interrupted.
	interruption interruption
	logs         []*runlog.Log // to be closed
}

// Run executes a command line without the program's name and returns the exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	plain := *a
	a = &plain
	a.Stdout, a.Stderr = control.PlainWriter{Writer: a.Stdout}, control.PlainWriter{Writer: a.Stderr}
	s := &settings{app: a}
	root := s.command()
	root.SetArgs(args)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	ctx, stop := s.untilSignal(ctx)
	defer stop()
	command, err := root.ExecuteContextC(ctx)
	s.closeLogs()
	if err == nil {
		return ExitOK
	}
	// What has no code never reached a command: it is a wrong command line.
	code := ExitUsage
	var coded *codedError
	if errors.As(err, &coded) {
		code = coded.code
	}
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		a.printProblems(problems)
	case coded == nil:
		a.say("runner: %v\nTry '%s --help'.\n", err, command.CommandPath())
	default:
		a.say("runner: %v\n", err)
	}
	return code
}

func (s *settings) command() *cobra.Command {
	root := &cobra.Command{Use: "runner", Short: "runs trading strategies, each in its own process",
		Long: "runner hosts trading strategies as plugin processes and feeds them through shared memory.\n\n" +
			"Exit codes: 0 done, 1 failure while running, 2 wrong usage, 3 invalid configuration,\n" +
			"4 a plugin could not be started, 5 no running host, 6 orders may still be open at the venue,\n" +
			"7 a strategy failed and was not restarted, never ran or failed while stopping.\n\n" +
			"Ctrl-C, SIGTERM and a closed terminal shut down gracefully; a second Ctrl-C or SIGTERM forces exit.",
		SilenceErrors: true, SilenceUsage: true, Args: knownCommand,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command given")
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return s.check() },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.configPath, "config", defaultConfigFile, "configuration `FILE`")
	flags.StringVar(&s.output, "output", "text", "output format: text or json")
	flags.StringVar(&s.logLevel, "log-level", "", "minimum log level: trace, debug, info, warn or error")
	flags.StringVar(&s.socket, "socket", "",
		"control socket of the running host (default <state_dir>/"+host.SocketName+")")
	root.AddCommand(s.runCommand(), s.validateCommand(), s.pluginsCommand(), s.psCommand(), s.startCommand(),
		s.stopCommand(), s.restartCommand(), s.haltCommand(), s.resumeCommand(), s.adoptCommand(), s.versionCommand(), s.benchCommand(),
		s.backtestCommand(), s.convertCommand(), s.checkDataCommand(), s.checkCommand(), s.recordCommand(),
		s.sampleCommand(), s.snapshotCommand(), s.journalCommand(), s.ordersCommand(), s.fillsCommand(), s.pnlCommand(),
		s.eventsCommand(), s.statementCommand(), s.whyCommand(), s.verifyAccountCommand())
	return root
}

// knownCommand refuses what is no command and names the nearest one.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if n := control.Nearest(args[0], names); n != "" {
		return fmt.Errorf("unknown command %q; did you mean %q?", args[0], n)
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, got %q", cmd.Name(), args[0])
	}
	return nil
}

func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs at least one %s", cmd.Name(), what)
		}
		return nil
	}
}

func atMostOneConnector(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes the name of one connector, got %d names", cmd.Name(), len(args))
	}
	return nil
}

func (s *settings) check() error {
	if s.output != "text" && s.output != "json" {
		return fmt.Errorf("--output is %q: must be text or json", s.output)
	}
	if s.logLevel != "" && hclog.LevelFromString(s.logLevel) == hclog.NoLevel {
		return fmt.Errorf("--log-level is %q: must be trace, debug, info, warn or error", s.logLevel)
	}
	return nil
}

// json reports whether results are JSON.
func (s *settings) json() bool { return s.output == "json" }

func (s *settings) options() config.Options {
	o := config.Options{Kinds: s.app.Kinds, Environ: s.app.Environ, Flags: map[string]string{}, Live: s.app.CheckVenue}
	if s.logLevel != "" {
		o.Flags["log_level"] = s.logLevel
	}
	return o
}

// load reads the configuration with plugins and files checked. With later, a plugin that does not start is a warning
// where it may start the next time.
func (s *settings) load(ctx context.Context, later bool) (*config.File, error) {
	o := s.options()
	o.Stat, o.Glob = os.Stat, filepath.Glob
	o.Plugins = func(dir string, names []string) config.Plugins {
		known := s.app.plugins(ctx, dir, names)
		var launch *control.LaunchError
		for name, err := range known.Failed {
			if later && errors.As(err, &launch) && !launch.Lasting() {
				known.Later[name] = err
				delete(known.Failed, name)
			}
		}
		return known
	}
	file, err := config.Load(s.configPath, o)
	if err != nil {
		return nil, configError(err)
	}
	return file, nil
}

// configError gives a refused configuration its exit code.
func configError(err error) error {
	var problems config.Problems
	if errors.As(err, &problems) && problems.OnlyPluginsFailed() {
		return withCode(ExitPluginFailed, err)
	}
	return withCode(ExitConfig, err)
}

// plugins asks a folder about the named plugins.
func (a *App) plugins(ctx context.Context, dir string, names []string) config.Plugins {
	known := config.Plugins{Described: map[string]control.Description{}, SHA256: map[string]string{},
		Failed: map[string]error{}, Later: map[string]error{}}
	available, err := a.PluginNames(dir)
	if err != nil {
		return known
	}
	known.Available = available
	var present []string
	for _, name := range names {
		for _, have := range available {
			if name == have {
				present = append(present, name)
			}
		}
	}
	infos, err := a.Describe(ctx, dir, present)
	for _, name := range present {
		info := infos[name]
		switch {
		case err != nil:
			known.Failed[name] = err
		case info.Err != nil:
			known.Failed[name] = info.Err
		default:
			known.Described[name], known.SHA256[name] = info.Description, info.SHA256
		}
	}
	return known
}

// dial reaches the running host.
func (s *settings) dial() (Remote, error) {
	socket := s.socket
	if socket == "" {
		state, err := s.stateDir()
		if err != nil {
			return nil, err
		}
		socket = filepath.Join(state, host.SocketName)
	}
	remote, err := s.app.Dial(socket)
	if errors.Is(err, control.ErrNoHost) {
		return nil, withCode(ExitNoHost,
			fmt.Errorf("no host is running at %s: start one with 'runner run', or name its socket with --socket",
				socket))
	}
	if err != nil {
		return nil, withCode(ExitFailure, err)
	}
	return remote, nil
}

func (a *App) printProblems(problems config.Problems) {
	a.say("%v\n\n%s\n", problems, tally(problems))
}

// outputGrace is how long the last words of a command wait for somebody to read them: the end of a run must not.
const outputGrace = 2 * time.Second

// say prints to standard error, unless nobody reads it.
func (a *App) say(format string, args ...any) {
	_ = runlog.WriteWithin(a.Stderr, outputGrace, fmt.Appendf(nil, format, args...))
}

// tally counts problems in words.
func tally(problems config.Problems) string {
	parts := []string{count(problems.Count(config.SeverityError), "error")}
	if n := problems.Count(config.SeverityWarning); n > 0 {
		parts = append(parts, count(n, "warning"))
	}
	return strings.Join(parts, ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
