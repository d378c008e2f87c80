package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/record"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// recordOptions are the flags of record.
type recordOptions struct {
	connector, out string
	duration       time.Duration
}

func (s *settings) recordCommand() *cobra.Command {
	var o recordOptions
	c := &cobra.Command{Use: "record [--connector NAME] [SYMBOL...] --out DIR", Short: "record a venue's raw messages for backtests and replays",
		Long: "record subscribes symbols at the venue of a live connector (default: those that strategies use) and writes each raw\n" +
			"message as a line \"<local ns> <message>\" to DIR/{symbol}_{YYYYMMDD}.gz. A new file starts at midnight UTC, with a book\n" +
			"snapshot at the start and after each gap. No key is used. Ctrl-C stops gracefully; a kill loses less than a second.\n" +
			"A file of the same day is appended to.",
		Example: "  runner record --connector bf BTCUSDT ETHUSDT --out data",
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if o.out == "" {
				return errors.New("--out is missing: name the directory to write to")
			}
			if cmd.Flags().Changed("duration") && o.duration <= 0 {
				return fmt.Errorf("--duration is %v: must be above 0, such as 20s", o.duration)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, symbols []string) error { return s.record(cmd.Context(), o, symbols) }}
	f := c.Flags()
	f.StringVar(&o.connector, "connector", "", "`NAME` of the connector, if there are several live ones")
	f.StringVar(&o.out, "out", "", "`DIR` for the files; created if missing")
	f.DurationVar(&o.duration, "duration", 0, "stop gracefully after this `DURATION`, such as 20s")
	return c
}

func (s *settings) record(ctx context.Context, o recordOptions, symbols []string) error {
	file, c, err := s.loadLive(o.connector)
	if err != nil {
		return err
	}
	if len(symbols) == 0 {
		symbols = file.Symbols(c.Name)
	}
	if len(symbols) == 0 {
		return withCode(ExitUsage, fmt.Errorf("no strategy uses connector %q: symbols to record are required", c.Name))
	}
	s.onSignal(ExitFailure, "up to a second of messages is lost", nil)
	view, logger := s.view(file.Runner.LogLevel)
	r, err := s.newRecorder(ctx, c, symbols, o.out, logger)
	if err != nil {
		return err
	}
	return s.runRecorder(ctx, r, view, logger, o)
}

// newRecorder asks the venue for the symbols and makes the recorder.
func (s *settings) newRecorder(ctx context.Context, c *config.Connector, symbols []string, out string,
	logger hclog.Logger) (*record.Recorder, error) {
	keyless := *c
	keyless.Live = c.Live.Keyless()
	clock := hostipc.NewWallClock()
	made, err := s.app.Open(&keyless, clock, logger.Named(c.Name))
	if err != nil {
		return nil, withCode(ExitFailure, err)
	}
	steps, err := stepsToRecord(ctx, made, symbols)
	var r *record.Recorder
	if err == nil {
		r, err = record.New(record.Config{Connector: made, Clock: clock, Symbols: steps, Dir: out,
			Logger: logger.Named(c.Name)})
	}
	if err != nil {
		return nil, withCode(ExitFailure, errors.Join(err, closeUnused(made)))
	}
	return r, nil
}

// stepsToRecord returns the steps of symbols, all of which the venue has to have. A venue that does not tell them has
// none.
func stepsToRecord(ctx context.Context, c connector.Connector, symbols []string) ([]connector.Steps, error) {
	stepper, can := c.(connector.Stepper)
	if !can {
		steps := make([]connector.Steps, len(symbols))
		for i := range symbols {
			steps[i].Symbol = symbols[i]
		}
		return steps, nil
	}
	steps, err := stepper.Steps(ctx, symbols)
	for i := range steps {
		if s := &steps[i]; s.TickSize == 0 {
			err = errors.Join(err, s.Err)
		}
	}
	return steps, err
}

func (s *settings) runRecorder(ctx context.Context, r *record.Recorder, view *screen, logger hclog.Logger,
	o recordOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.duration > 0 {
		timer := time.AfterFunc(o.duration, cancel)
		defer timer.Stop()
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	every := statusEvery
	if view != nil {
		every = redrawEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	meter := &record.Meter{}
	meter.Take(r.Progress()) // so that the first line has a rate
	for {
		select {
		case <-ticker.C:
			p := meter.Take(r.Progress())
			if view != nil {
				view.Show(recordTable(&p))
			} else {
				logProgress(logger, &p)
			}
			continue
		case err := <-done:
			if view != nil {
				view.Clear()
			}
			p := r.Progress()
			if printErr := s.printRecorded(s.app.Stdout, &p); err == nil {
				err = printErr
			}
			if err != nil {
				return withCode(ExitFailure, err)
			}
			return nil
		}
	}
}

// recordTable is what is shown while it goes on.
func recordTable(p *record.Progress) []string {
	rows := make([][]string, len(p.Symbols))
	for i, sym := range p.Symbols {
		state := "in sync"
		if !sym.Ready {
			state = "no book"
		}
		rows[i] = []string{sym.Symbol, state, whole(sym.Lines), whole(int64(sym.LinesPerSecond)), whole(sym.Gaps),
			size(sym.FileBytes)}
	}
	lines := table(columns("symbol", "book", ">lines", ">lines/s", ">resyncs", ">size"), rows)
	return append(lines, recordCounts(p)...)
}

// recordCounts are the lines under the table: what was found about the connections and each feed.
func recordCounts(p *record.Progress) []string {
	lines := []string{fmt.Sprintf("%s, %s", count(int(p.Reconnects), "reconnect"),
		count(int(p.BadMessages), "bad message"))}
	for i := range p.Symbols {
		for _, line := range p.Symbols[i].Report.Lines() {
			lines = append(lines, p.Symbols[i].Symbol+": "+line)
		}
	}
	return lines
}

// logProgress logs one line for all symbols.
func logProgress(logger hclog.Logger, p *record.Progress) {
	var lines int64
	var resyncs uint64
	var perSecond float64
	var bytes int64
	var without []string
	var found feed.Report
	for _, sym := range p.Symbols {
		found.Add(&sym.Report)
		lines += sym.Lines
		resyncs += sym.Gaps
		perSecond += sym.LinesPerSecond
		bytes += sym.FileBytes
		if !sym.Ready {
			without = append(without, sym.Symbol)
		}
	}
	pairs := []any{"symbols", len(p.Symbols), "lines", lines, "lines_per_second", int64(perSecond), "resyncs", resyncs,
		"size", size(bytes), "reconnects", p.Reconnects, "bad_messages", p.BadMessages}
	for f := range found.Found {
		if n := found.Found[f].N; n > 0 {
			pairs = append(pairs, feed.Finding(f).Key(), n)
		}
	}
	if len(without) > 0 {
		pairs = append(pairs, "no_book", strings.Join(without, ", "))
	}
	logger.Info("recording", pairs...)
}

func (s *settings) printRecorded(w io.Writer, p *record.Progress) error {
	if s.json() {
		return printJSON(w, p)
	}
	var rows [][]string
	for _, sym := range p.Symbols {
		for n, path := range sym.Files {
			row := []string{"", filepath.ToSlash(path), "", "", ""}
			if n == 0 {
				row = []string{sym.Symbol, filepath.ToSlash(path), whole(sym.Lines), whole(sym.Gaps),
					size(sym.FileBytes)}
			}
			rows = append(rows, row)
		}
		if len(sym.Files) == 0 {
			rows = append(rows, []string{sym.Symbol, none, "0", whole(sym.Gaps), none})
		}
	}
	printTable(w, columns("symbol", "file", ">lines", ">resyncs", ">size"), rows)
	for _, line := range recordCounts(p) {
		fmt.Fprintln(w, line)
	}
	return nil
}

// size writes a number of bytes as people do.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return threeDigits(float64(n)/1e3) + " kB"
	case n < 10_000_000_000:
		return threeDigits(float64(n)/1e6) + " MB"
	}
	return threeDigits(float64(n)/1e9) + " GB"
}
