package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/sample"
)

func (s *settings) sampleCommand() *cobra.Command {
	c := sample.Config{Duration: sample.DefaultDuration}
	cmd := &cobra.Command{Use: "sample --out DIR", Short: "create recordings of a synthetic day, to try replays and backtests with",
		Long: "sample records a synthetic market at each venue, as record would: the venue's own messages, in DIR/VENUE/{symbol}_{YYYYMMDD}.gz.\n" +
			"It needs no connection and takes seconds, and the files are the same each time. It shows that things work; what a strategy earns\n" +
			"on it says nothing about a real market.",
		Example: "  runner sample --out data/sample",
		Args:    noArguments,
		PreRunE: func(*cobra.Command, []string) error {
			switch {
			case c.Dir == "":
				return errors.New("--out is missing: name the directory to create")
			case c.Duration < time.Second || c.Duration > sample.MaxDuration:
				return fmt.Errorf("--duration is %v: must be from 1s to %v", c.Duration, sample.MaxDuration)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.sample(cmd.Context(), c)
		}}
	f := cmd.Flags()
	f.StringVar(&c.Dir, "out", "", "`DIR` for the files; created if missing")
	f.DurationVar(&c.Duration, "duration", c.Duration, "`DURATION` of market data to record")
	return cmd
}

func (s *settings) sample(ctx context.Context, c sample.Config) error {
	work := s.beginWork()
	c.Progress = func(done, total int64) { work.show("sample", "seconds of market", done, total) }
	files, err := sample.Write(ctx, c)
	work.end()
	switch {
	case ctx.Err() != nil:
		return withCode(ExitFailure, fmt.Errorf("the sample was not finished, %s was not created: %w", c.Dir,
			ctx.Err()))
	case err != nil:
		return withCode(ExitFailure, err)
	}
	if s.json() {
		return printJSON(s.app.Stdout, map[string]any{"files": files})
	}
	rows := make([][]string, len(files))
	for i, f := range files {
		rows[i] = []string{f.Venue, f.Symbol, filepath.ToSlash(f.Path), whole(f.Lines), size(f.Bytes)}
	}
	printTable(s.app.Stdout, columns("venue", "symbol", "file", ">lines", ">size"), rows)
	return nil
}
