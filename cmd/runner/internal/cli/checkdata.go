package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"hftrunner/backtest/quality"
	"hftrunner/cmd/runner/internal/config"
	"hftrunner/internal/batch"
)

// qualityForm is the JSON form of a look at one file.
type qualityForm struct {
	File     string            `json:"file"`
	OK       bool              `json:"ok"`
	Error    string            `json:"error,omitempty"`
	Problems []quality.Problem `json:"problems"`
	Report   *quality.Report   `json:"report"`
}

func (s *settings) checkDataCommand() *cobra.Command {
	var o quality.Options
	c := &cobra.Command{Use: "check-data --tick-size T --lot-size L FILE...", Short: "look event files over before a backtest uses them",
		Long: "check-data reads event files (.npz, .npy) and reports rows out of order, gaps, steps of the clock, crossed books and\n" +
			"values that cannot be. The exit code is 1 when results on a file would be wrong.",
		Example: "  runner check-data --tick-size 0.1 --lot-size 0.001 btcusdt_20240808.npz",
		Args:    atLeastOne("FILE"),
		PreRunE: func(*cobra.Command, []string) error {
			return checkSteps(o.TickSize, o.LotSize, "")
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			return s.checkData(cmd.Context(), files, o)
		}}
	f := c.Flags()
	f.Float64Var(&o.TickSize, "tick-size", 0, "step of `PRICES` of the instrument")
	f.Float64Var(&o.LotSize, "lot-size", 0, "step of `QUANTITIES` of the instrument")
	f.DurationVar(&o.GapLimit, "gap", quality.DefaultGapLimit, "longest `TIME` without a row that is no gap")
	f.DurationVar(&o.ClockStepLimit, "clock-step", quality.DefaultClockStepLimit, "greatest `CHANGE` of the feed latency that is no step of the clock")
	return c
}

func (s *settings) checkData(ctx context.Context, files []string, o quality.Options) error {
	bad := 0
	forms := make([]qualityForm, 0, len(files))
	for _, path := range files {
		form := s.checkOne(ctx, path, o)
		if ctx.Err() != nil {
			return withCode(ExitFailure, fmt.Errorf("look over %s: %w", path, ctx.Err()))
		}
		if !form.OK {
			bad++
		}
		forms = append(forms, form)
		if !s.json() {
			fmt.Fprintln(s.app.Stdout, path)
			if form.Error != "" {
				fmt.Fprintf(s.app.Stdout, "error: %s\n", form.Error)
			} else {
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
		return withCode(ExitFailure, fmt.Errorf("not to be used as recorded: %d of %s", bad, count(len(files), "file")))
	}
	return nil
}

func (s *settings) checkOne(ctx context.Context, path string, o quality.Options) qualityForm {
	form := qualityForm{File: path, Problems: []quality.Problem{}}
	if !config.EventFile(path) {
		form.Error = fmt.Sprintf("%s is no .npz or .npy file: make one of a recording with 'runner convert events'", path)
		return form
	}
	work := s.beginWork()
	report, err := batch.CheckFile(ctx, path, o, func(rows, total int64) { work.show(filepath.Base(path), "rows", rows, total) })
	work.end()
	if err != nil {
		form.Error = err.Error()
		return form
	}
	form.Report, form.OK = &report, report.OK()
	form.Problems = append(form.Problems, report.Problems()...)
	return form
}
