package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/runlog"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

const (
	// redrawEvery is how often the live lines change, statusEvery how often a line is logged where there is no terminal,
	// reportEvery how often one is printed of what ends soon, a backtest.
	redrawEvery = 500 * time.Millisecond
	statusEvery = time.Minute
	reportEvery = 5 * time.Second
)

func (s *settings) runCommand() *cobra.Command {
	var duration time.Duration
	var summaryPath string
	var how beginning
	c := &cobra.Command{Use: "run", Short: "run the strategies of the configuration until Ctrl-C or the end of the data",
		Long: "run starts the connectors and strategies of the configuration and shows a line for each strategy.\n" +
			"Ctrl-C shuts down gracefully: it stops the strategies, applies on_exit to their orders, waits until the venues have\n" +
			"confirmed that the orders are closed, and disconnects. A second Ctrl-C exits immediately.\n" +
			"On live venues it continues with the orders, positions and money that the journal of the state directory has.",
		Args: noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("duration") && duration <= 0 {
				return fmt.Errorf("--duration is %v: must be above 0, such as 20s", duration)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), duration, summaryPath, how) }}
	c.Flags().DurationVar(&duration, "duration", 0, "stop gracefully after this `DURATION`, such as 20s")
	c.Flags().BoolVar(&how.fresh, "fresh", false,
		"ignore the positions, orders and money that the journal has of earlier runs")
	c.Flags().BoolVar(&how.takeOver, "take-over", false,
		"take orders on the account with this order_prefix that the journal does not know: they are of a state directory that "+
			"is lost, or of another machine. A runner that still runs there stops trading")
	c.Flags().StringVar(&summaryPath, "summary", "", "write the summary as JSON to this `FILE`")
	return c
}

// beginning says what a run does with what earlier ones have left.
type beginning struct{ fresh, takeOver bool }

// run runs a host in this process.
func (s *settings) run(ctx context.Context, duration time.Duration, summaryPath string, how beginning) error {
	file, err := s.load(ctx, true)
	switch {
	case ctx.Err() != nil:
		return s.endedAtOnce()
	case err != nil:
		return err
	}
	file.Fresh, file.TakeOver = how.fresh, how.takeOver
	summary, err := createSummary(summaryPath)
	if err != nil {
		return withCode(ExitFailure, err)
	}
	view, logger := s.view(file.Runner.LogLevel)
	s.onSignal(ExitOrdersLeft, "orders may still be open at the venue", logger)
	for i := range file.Warnings {
		logger.Warn(file.Warnings[i].Message, "at", file.Warnings[i].Position.String())
	}
	h, err := s.newHost(ctx, file, logger)
	if err != nil {
		return err
	}
	s.onAbort(func(list chan<- string) error {
		h.Kill() // first: they would go on trading
		result := complete(h.SummaryAtOnce())
		list <- cmp.Or(leftAtOnce(&result), "\nno order is known to be open")
		return summary.write(&result)
	})
	logger.Info("runner starts", "version", s.app.Version, "config", file.Path, "strategies", len(file.Strategies), "connectors", len(file.Connectors))
	exit, runErr := s.attend(ctx, h, view, logger, duration)
	if errors.Is(runErr, control.ErrHostRunning) { // nothing has run
		return runErr
	}
	result := complete(h.Summary(exit))
	runErr = errors.Join(ordersLeft(&result), unaccounted(&result), strayed(&result), cmp.Or(runErr, givenUp(&result))) // the code is that of the first
	if err := s.finish(result, summary); err != nil {
		return errors.Join(runErr, withCode(ExitFailure, err))
	}
	return runErr
}

// endedAtOnce is the error of a run that was ended before it had begun, while the plugins were asked what they are: no venue was asked
// what an earlier run has left there.
func (s *settings) endedAtOnce() error {
	var venues []string
	if file, err := config.Load(s.configPath, s.options()); err == nil {
		for i := range file.Connectors {
			if c := &file.Connectors[i]; c.Live != nil && (c.Live.HasKey() || !c.Live.Account) {
				venues = append(venues, c.Name)
			}
		}
	}
	if len(venues) == 0 {
		return withCode(ExitFailure, errors.New("the run was stopped before it started"))
	}
	return withCode(ExitOrdersLeft, fmt.Errorf("the run was stopped before it started: orders of an earlier run may be open on %s, "+
		"which was not queried: check at the venue, or run again and shut down gracefully", strings.Join(venues, ", ")))
}

// leftAtOnce names what may be open at the venues when a run is ended at once, as far as it is known.
func leftAtOnce(s *host.Summary) string {
	const most = 100
	var text strings.Builder
	for _, list := range [][]control.OpenOrder{s.UnconfirmedOrders, s.StrayOrders} {
		for _, o := range list[:min(len(list), most)] {
			fmt.Fprintf(&text, "\n  %s", o)
		}
		if more := len(list) - most; more > 0 {
			fmt.Fprintf(&text, "\n  and %s more", count(more, "order"))
		}
	}
	if len(s.UnaccountedInstruments) > 0 {
		fmt.Fprintf(&text, "\n  those of an earlier run on %s", strings.Join(s.UnaccountedInstruments, ", "))
	}
	return text.String()
}

// ordersLeft is the error of a run that left orders whose end nobody has confirmed.
func ordersLeft(s *host.Summary) error {
	if len(s.UnconfirmedOrders) == 0 {
		return nil
	}
	return withCode(ExitOrdersLeft, fmt.Errorf("%s may still be open, not confirmed as closed in time: check at the venue",
		count(len(s.UnconfirmedOrders), "order")))
}

// unaccounted is the error of a run that was not told what an earlier one has left.
func unaccounted(s *host.Summary) error {
	if len(s.UnaccountedInstruments) == 0 {
		return nil
	}
	return withCode(ExitOrdersLeft, fmt.Errorf("orders of an earlier run may be open on %s, the venue has not reported them: check at the venue",
		strings.Join(s.UnaccountedInstruments, ", ")))
}

// strayed is the error of a run that has left orders open because no strategy is in the configuration for them.
func strayed(s *host.Summary) error {
	if len(s.StrayOrders) == 0 {
		return nil
	}
	return withCode(ExitOrdersLeft, fmt.Errorf("%s left open, of a strategy that is not in the configuration: "+
		"cancel them at the venue, or restore the strategy", count(len(s.StrayOrders), "order")))
}

// givenUp is the error of a run in which strategies failed for good.
func givenUp(s *host.Summary) error {
	var failed []string
	for _, st := range s.Strategies {
		if st.State == string(host.Failed) {
			failed = append(failed, fmt.Sprintf("strategy %s failed: %s", st.Name, st.Reason))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return withCode(ExitGivenUp, errors.New(strings.Join(failed, "\n")))
}

// newHost makes the host.
func (s *settings) newHost(ctx context.Context, file *config.File, logger hclog.Logger) (Host, error) {
	h, err := s.app.NewHost(ctx, file, logger)
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		return nil, withCode(ExitConfig, err)
	case err != nil:
		return nil, withCode(ExitFailure, err)
	}
	return h, nil // also where the run was ended meanwhile: it says what may be open at the venues
}

// finish prints the summary, after the log, and writes its file. An output that nobody reads is an error after a while.
func (s *settings) finish(result host.Summary, file *summaryFile) error {
	s.closeLogs()
	fileErr := file.write(&result)
	var out bytes.Buffer
	var err error
	if s.json() {
		err = printJSON(&out, result)
	} else {
		printSummary(&out, &result)
	}
	if writeErr := runlog.WriteWithin(s.app.Stdout, outputGrace, out.Bytes()); writeErr != nil && !s.terminalGone(writeErr) {
		err = errors.Join(err, fmt.Errorf("print the summary: %w", writeErr))
	}
	return errors.Join(fileErr, err)
}

// terminalGone reports whether a write has failed because the terminal was closed: nobody is there for what a run has to say.
func (s *settings) terminalGone(err error) bool {
	out, ok := fileOf(s.app.Stdout)
	if !ok || !errors.Is(err, syscall.EIO) {
		return false
	}
	info, err := out.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// errDuration ends a run that has had its time.
var errDuration = errors.New("the duration has elapsed")

// attend runs the host while it shows its state.
func (s *settings) attend(ctx context.Context, h Host, view *screen, logger hclog.Logger, duration time.Duration) (host.Exit, error) {
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, duration, errDuration)
		defer cancel()
	}
	over := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { show(ctx, h, view, logger, over) })
	exit, err := h.Run(ctx)
	close(over)
	group.Wait()
	if view != nil {
		view.Clear()
	}
	if exit == host.ExitInterrupted && errors.Is(context.Cause(ctx), errDuration) {
		exit = host.ExitDuration
	}
	var notStarted *host.StartError
	switch {
	case errors.As(err, &notStarted):
		return exit, withCode(ExitPluginFailed, fmt.Errorf("strategy %s: %w", notStarted.Strategy, err))
	case err != nil:
		return exit, withCode(ExitFailure, err)
	case exit == host.ExitError:
		return exit, withCode(ExitFailure, errors.New("the run ended with an error, see the log"))
	}
	return exit, nil
}

// view returns where the live lines are shown, nil without a terminal, and the logger. Whatever becomes of terminal and
// standard error, neither holds up who uses them.
func (s *settings) view(level string) (*screen, hclog.Logger) {
	lines := runlog.Config{Name: "runner", Level: hclog.LevelFromString(level), Out: s.app.Stderr}
	out, ok := fileOf(s.app.Stdout)
	if !ok || s.json() || !term.IsTerminal(int(out.Fd())) {
		return nil, s.openLog(lines).Logger()
	}
	view := terminalScreen(out)
	if isTerminal(s.app.Stderr) {
		lines.Out = view
		view.log = s.openLog(lines)
		return view, view.log.Logger()
	}
	view.log = s.openLog(runlog.Config{Out: view})
	return view, s.openLog(lines).Logger()
}

// openLog opens a log that closeLogs closes.
func (s *settings) openLog(c runlog.Config) *runlog.Log {
	l := runlog.New(c)
	s.logs = append(s.logs, l)
	return l
}

// closeLogs writes what is left of the logs, as far as they are read.
func (s *settings) closeLogs() {
	for _, l := range s.logs {
		l.Close(outputGrace)
	}
	s.logs = nil
}

func terminalScreen(out *os.File) *screen {
	return &screen{terminal: out, width: func() int {
		width, _, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 0
		}
		return width
	}}
}

// fileOf returns the file that is written to.
func fileOf(w io.Writer) (*os.File, bool) {
	if plain, ok := w.(control.PlainWriter); ok {
		w = plain.Writer
	}
	f, ok := w.(*os.File)
	return f, ok
}

func isTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show keeps the live lines up to date, or logs a line now and then.
func show(ctx context.Context, h Host, view *screen, logger hclog.Logger, over <-chan struct{}) {
	every := statusEvery
	if view != nil {
		every = redrawEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		all, err := h.Strategies(context.WithoutCancel(ctx))
		switch {
		case err != nil:
			logger.Warn("no status", "error", err)
		case view != nil:
			view.Show(slices.Concat(statusTable(all), positionLines(all), feedLines(all)))
		default:
			logger.Info("status", statusPairs(all)...)
		}
	}
}

// complete makes lists of what is nil, so that the JSON has [] and never null.
func complete(s host.Summary) host.Summary {
	if s.Connectors == nil {
		s.Connectors = []host.ConnectorSummary{}
	}
	if s.Strategies == nil {
		s.Strategies = []host.StrategySummary{}
	}
	if s.UnconfirmedOrders == nil {
		s.UnconfirmedOrders = []control.OpenOrder{}
	}
	if s.StrayOrders == nil {
		s.StrayOrders = []control.OpenOrder{}
	}
	for i := range s.Strategies {
		if s.Strategies[i].Instruments == nil {
			s.Strategies[i].Instruments = []control.InstrumentStatus{}
		}
		if s.Strategies[i].RestartGapNs == nil {
			s.Strategies[i].RestartGapNs = []int64{}
		}
	}
	return s
}
