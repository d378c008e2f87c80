package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/check"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// qualityForm is the JSON form of a look at one file.
type qualityForm struct {
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Error    string          `json:"error,omitempty"`
	Problems []check.Problem `json:"problems"`
	Report   *check.Report   `json:"report"`
	// Recording is what was found in a recording while its rows were made.
	Recording *feed.Report `json:"recording,omitempty"`
}

func (s *settings) checkDataCommand() *cobra.Command {
	var o check.Options
	var format string
	var baseLatency time.Duration
	var symbol, initial string
	c := &cobra.Command{Use: "check-data --tick-size T --lot-size L FILE...", Short: "validate event files and recordings before a backtest",
		Long: "check-data reads event files (.npz, .npy) and, with --format, recordings, and reports rows out of order, gaps, clock jumps,\n" +
			"crossed books and invalid values. It builds the rows of a recording as 'runner convert events' does.\n" +
			"The exit code is 1 when results on a file would be wrong.",
		Example: "  runner check-data --tick-size 0.1 --lot-size 0.001 btcusdt_20240808.npz\n" +
			"  runner check-data --tick-size 0.1 --lot-size 0.001 --format binancefutures btcusdt_20240808.gz",
		Args: atLeastOne("FILE"),
		PreRunE: func(*cobra.Command, []string) error {
			if format != "" {
				if err := s.checkFormat(format); err != nil {
					return err
				}
			}
			if baseLatency < 0 {
				return fmt.Errorf("--base-latency is %v: must be at least 0s", baseLatency)
			}
			return checkSteps(o.TickSize, o.LotSize, "")
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			of := recordings{format: format, baseLatency: baseLatency, symbol: symbol}
			if err := of.begin(initial); err != nil {
				return err
			}
			return s.checkData(cmd.Context(), files, of, o)
		}}
	f := c.Flags()
	f.StringVar(&format, "format", "", "`FORMAT` of the messages of recordings: "+strings.Join(s.app.Kinds.Recorded(),
		", "))
	f.StringVar(&symbol, "symbol", "", symbolHelp)
	f.StringVar(&initial, "initial", "", initialHelp)
	f.DurationVar(&baseLatency, "base-latency", 0, baseLatencyHelp)
	f.Float64Var(&o.TickSize, "tick-size", 0, "tick size of the instrument, a `PRICE`")
	f.Float64Var(&o.LotSize, "lot-size", 0, "lot size of the instrument, a `QUANTITY`")
	f.DurationVar(&o.GapLimit, "gap", check.DefaultGapLimit, "report gaps longer than this `DURATION`")
	f.DurationVar(&o.ClockStepLimit, "clock-step", check.DefaultClockStepLimit,
		"report feed latency jumps larger than this `DURATION`")
	return c
}

// recordings says how recordings are read, of which there may be none.
type recordings struct {
	format      string
	baseLatency time.Duration
	symbol      string
	// initial is the book that they continue, without levels for none.
	initial convert.InitialBook
}

// initialHelp is the help of a flag for recordings.
const initialHelp = "snapshot `FILE` that the book starts with, for a recording that continues without a snapshot"

// begin reads the book that recordings continue, if a file of one is named.
func (r *recordings) begin(initial string) (err error) {
	if initial == "" {
		return nil
	}
	if !config.EventFile(initial) {
		return withCode(ExitUsage, fmt.Errorf("--initial is %q: must end in .npz or .npy", initial))
	}
	if r.format == "" {
		return withCode(ExitUsage, errors.New("--initial is for recordings: name their venue with --format"))
	}
	if r.initial, err = batch.ReadBook(initial); err != nil {
		return withCode(ExitFailure, fmt.Errorf("--initial %w", err))
	}
	r.initial.Name = "--initial " + initial
	return nil
}

func (s *settings) checkData(ctx context.Context, files []string, of recordings, o check.Options) error {
	bad := 0
	forms := make([]qualityForm, 0, len(files))
	for n, path := range files {
		if n > 0 {
			of.initial = convert.InitialBook{} // each file is looked at by itself
		}
		form := s.checkOne(ctx, path, of, o)
		if ctx.Err() != nil {
			return withCode(ExitFailure, fmt.Errorf("check %s: %w", path, ctx.Err()))
		}
		if !form.OK {
			bad++
		}
		forms = append(forms, form)
		if !s.json() {
			fmt.Fprintln(s.app.Stdout, path)
			if form.Recording != nil {
				rows := int64(0)
				if form.Report != nil {
					rows = form.Report.Rows
				}
				for _, line := range form.Recording.Judged(rows) {
					fmt.Fprintln(s.app.Stdout, line)
				}
			}
			if form.Error != "" {
				fmt.Fprintf(s.app.Stdout, "error: %s\n", form.Error)
			}
			if form.Report != nil {
				fmt.Fprint(s.app.Stdout, form.Report)
			}
		}
	}
	if s.json() {
		if err := printJSON(s.app.Stdout, map[string]any{"files": forms}); err != nil {
			return err
		}
	}
	if bad > 0 {
		return withCode(ExitFailure, fmt.Errorf("not usable as recorded: %d of %s", bad, count(len(files), "file")))
	}
	return nil
}

func (s *settings) checkOne(ctx context.Context, path string, of recordings, o check.Options) qualityForm {
	form := qualityForm{File: path, Problems: []check.Problem{}}
	if err := s.look(ctx, path, of, o, &form); err != nil {
		form.Error = err.Error()
	} else if r := form.Recording; r != nil && s.json() {
		var said []string
		for _, f := range r.Unusable(form.Report.Rows) {
			said = append(said, r.Line(f))
		}
		form.Error = strings.Join(said, "; ")
	}
	return form
}

// look looks one file over. The rows of a recording go through a file of their own, as those of any size have to.
func (s *settings) look(ctx context.Context, path string, of recordings, o check.Options, form *qualityForm) error {
	events := path
	work := s.beginWork()
	defer work.end()
	if !config.EventFile(path) {
		if of.format == "" {
			return fmt.Errorf("%s is not a .npz or .npy file: if it is a recording, name its venue with --format", path)
		}
		dir, err := os.MkdirTemp("", "check-data")
		if err != nil {
			return fmt.Errorf("create a directory for rows: %w", err)
		}
		defer os.RemoveAll(dir)
		events = filepath.Join(dir, "events.npy")
		summary, err := s.rowsOf(ctx, []string{path}, of, events, o.TickSize, o.LotSize, work)
		form.Recording = summary.Report
		if err != nil {
			return err
		}
		o.GridChecked = true
	}
	report, err := batch.CheckFile(ctx, events, o,
		func(rows, total int64) { work.show(filepath.Base(path), "rows", rows, total) })
	if err != nil {
		return err
	}
	form.Report, form.OK = &report, report.OK()
	form.Problems = append(form.Problems, report.Problems()...)
	if r := form.Recording; r != nil {
		form.OK = form.OK && len(r.Unusable(report.Rows)) == 0
	}
	return nil
}

// rowsOf makes an event file of recordings as a backtest does.
func (s *settings) rowsOf(ctx context.Context, files []string, of recordings, events string, tickSize, lotSize float64,
	work *work) (convert.Summary, error) {
	f := s.app.Formats[of.format]
	return convert.Events(ctx, files, events, convert.Options{NewDecoder: f.NewDecoder, Rule: f.Rule, Format: of.format, Formats: s.app.Formats,
		Symbol: of.symbol, Initial: of.initial, BaseLatency: of.baseLatency, TickSize: tickSize, LotSize: lotSize,
		Quotes:   true,
		Progress: func(p convert.Progress) { work.show(p.Stage.String(), convertUnit(p.Stage.String()), p.Done, p.Total) }})
}
