package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// snapshotOptions are the flags of snapshot.
type snapshotOptions struct {
	tickSize, lotSize    float64
	out, initial, format string
	symbol               string
	baseLatency          time.Duration
}

// snapshotForm is the JSON form of a book that was written. A side that is empty has no best level.
type snapshotForm struct {
	Out     string   `json:"out"`
	Files   []string `json:"files"`
	Initial string   `json:"initial,omitempty"`
	LastNs  int64    `json:"last_local_ns"`
	Bids    int      `json:"bids"`
	Asks    int      `json:"asks"`
	BestBid *float64 `json:"best_bid"`
	BestAsk *float64 `json:"best_ask"`
	// Hidden are levels that were left out, ChangesOnly says that levels may be missing.
	Hidden      int  `json:"hidden"`
	ChangesOnly bool `json:"changes_only"`
	// Recording is what was found in recordings while their rows were made.
	Recording *feed.Report `json:"recording,omitempty"`
	// unusable is why results on it would be wrong.
	unusable error
}

func (s *settings) snapshotCommand() *cobra.Command {
	var o snapshotOptions
	c := &cobra.Command{Use: "snapshot --tick-size T --lot-size L --out FILE.npz INPUT...", Short: "create the end-of-day book, with which the next day's backtest starts",
		Long: "snapshot applies event files (.npz, .npy) in order of time or, with --format, recordings to a book, and writes its state\n" +
			"at the end, as hftbacktest's create_last_snapshot does: bids from the best on, then asks. A data block of a backtest starts with\n" +
			"it by snapshot = \"FILE.npz\". With --initial the book starts with that of the day before, which a recording without a\n" +
			"snapshot continues; its first update must then follow on the book's. If the book is empty or crossed at the\n" +
			"end, nothing is written and the exit code is 1.",
		Example: "  runner snapshot --tick-size 0.1 --lot-size 0.001 --out btcusdt_20240808_end.npz btcusdt_20240808.npz\n" +
			"  runner snapshot --tick-size 0.1 --lot-size 0.001 --initial btcusdt_20240808_end.npz --out btcusdt_20240809_end.npz btcusdt_20240809.npz",
		Args: atLeastOne("INPUT"),
		PreRunE: func(_ *cobra.Command, inputs []string) error {
			return s.checkSnapshot(&o, inputs)
		},
		RunE: func(cmd *cobra.Command, inputs []string) error {
			s.onSignal(ExitFailure, "nothing is written", nil)
			return s.snapshot(cmd.Context(), inputs, o)
		}}
	f := c.Flags()
	f.Float64Var(&o.tickSize, "tick-size", 0, "tick size of the instrument, a `PRICE`")
	f.Float64Var(&o.lotSize, "lot-size", 0, "lot size of the instrument, a `QUANTITY`")
	f.StringVar(&o.out, "out", "", "`FILE` to write, .npz or .npy")
	f.StringVar(&o.initial, "initial", "", "snapshot `FILE` that the book starts with")
	f.StringVar(&o.format, "format", "", "`FORMAT` of the messages of recordings: "+strings.Join(s.app.Kinds.Recorded(),
		", "))
	f.StringVar(&o.symbol, "symbol", "", symbolHelp)
	f.DurationVar(&o.baseLatency, "base-latency", 0, baseLatencyHelp)
	return c
}

// checkSnapshot refuses a command line that nothing can be made of.
func (s *settings) checkSnapshot(o *snapshotOptions, inputs []string) error {
	if err := checkSteps(o.tickSize, o.lotSize, ""); err != nil {
		return err
	}
	if err := checkOut(o.out); err != nil {
		return err
	}
	if o.initial != "" && !config.EventFile(o.initial) {
		return fmt.Errorf("--initial is %q: must end in .npz or .npy", o.initial)
	}
	if at := slices.IndexFunc(inputs, func(path string) bool { return sameFile(path, o.out) }); at >= 0 {
		return fmt.Errorf("--out is %s, which is an input: must be another file", inputs[at])
	}
	if o.baseLatency < 0 {
		return fmt.Errorf("--base-latency is %v: must be at least 0s", o.baseLatency)
	}
	recorded := slices.IndexFunc(inputs, func(path string) bool { return !config.EventFile(path) })
	events := slices.IndexFunc(inputs, config.EventFile)
	switch {
	case recorded >= 0 && events >= 0:
		return fmt.Errorf("%s holds events and %s does not: inputs must be either event files or recordings",
			inputs[events], inputs[recorded])
	case recorded >= 0 && o.format == "":
		return fmt.Errorf("%s is not a .npz or .npy file: if it is a recording, name its venue with --format",
			inputs[recorded])
	case recorded < 0 && o.format != "":
		return errors.New("--format is for recordings: omit it with event files")
	case o.format != "":
		return s.checkFormat(o.format)
	}
	return nil
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func (s *settings) snapshot(ctx context.Context, inputs []string, o snapshotOptions) error {
	form := snapshotForm{Out: o.out, Files: inputs, Initial: o.initial}
	last, err := s.lastBook(ctx, inputs, &o, &form)
	if err != nil {
		return withCode(ExitFailure, err)
	}
	if err := last.Write(o.out); err != nil {
		return withCode(ExitFailure, fmt.Errorf("write the book: %w", err))
	}
	form.LastNs, form.Bids, form.Asks = last.LastLocalTimestampNs, last.NumBids, last.NumAsks
	form.Hidden, form.ChangesOnly = last.NumHidden, last.Changes
	if last.NumBids > 0 {
		form.BestBid = &last.Rows[0].Px
	}
	if last.NumAsks > 0 {
		form.BestAsk = &last.Rows[last.NumBids].Px
	}
	if s.json() {
		return errors.Join(printJSON(s.app.Stdout, form), form.unusable)
	}
	s.printSnapshot(&form)
	return form.unusable
}

// lastBook makes rows of recordings first.
func (s *settings) lastBook(ctx context.Context, inputs []string, o *snapshotOptions,
	form *snapshotForm) (backtest.LastBook, error) {
	work := s.beginWork()
	defer work.end()
	events := inputs
	if o.format != "" {
		dir, err := os.MkdirTemp("", "snapshot")
		if err != nil {
			return backtest.LastBook{}, fmt.Errorf("create a directory for rows: %w", err)
		}
		defer os.RemoveAll(dir)
		events = []string{filepath.Join(dir, "events.npy")}
		of := recordings{format: o.format, baseLatency: o.baseLatency, symbol: o.symbol}
		if o.initial != "" {
			if err := of.begin(o.initial); err != nil {
				return backtest.LastBook{}, err
			}
			if of.initial.LastID == 0 {
				work.print("warning: the initial book has no update id, so that updates missing before the recording go unnoticed; " +
					"'runner snapshot' writes the id if it reads recordings")
			}
		}
		summary, err := s.rowsOf(ctx, inputs, of, events[0], o.tickSize, o.lotSize, work)
		if err == nil {
			form.unusable = unusable(o.out, &summary)
		}
		if form.Recording = summary.Report; err == nil && summary.Report.Found[feed.Unsynchronised].N > 0 {
			err = summary.Report.Found[feed.Unsynchronised].First
		}
		if err != nil {
			return backtest.LastBook{}, errors.Join(unfit(o.initial, summary.Report), err)
		}
		last, err := backtest.ReadLastBook(ctx, s.lastBookOptions(o, events, work))
		for i := range last.Rows {
			last.Rows[i].Ival = summary.LastUpdateID
		}
		return last, err
	}
	options := s.lastBookOptions(o, events, work)
	if o.initial != "" {
		of := recordings{format: "events"}
		err := of.begin(o.initial)
		if err == nil {
			err = batch.CheckBook(&of.initial, events[0])
		}
		if err != nil {
			return backtest.LastBook{}, err
		}
		options.Initial = backtest.File(o.initial)
	}
	return backtest.ReadLastBook(ctx, options)
}

// unfit says that an initial book is not the one that the recordings continue, nil if it is.
func unfit(initial string, r *feed.Report) error {
	if initial == "" || r == nil {
		return nil
	}
	if gap := &r.Found[feed.Gap]; gap.N > 0 {
		return fmt.Errorf("--initial %s: %s", initial, gap.First.What)
	}
	return nil
}

// lastBookOptions are those for event files, without an initial book.
func (s *settings) lastBookOptions(o *snapshotOptions, events []string, work *work) backtest.LastBookOptions {
	options := backtest.LastBookOptions{TickSize: o.tickSize, LotSize: o.lotSize,
		Progress: func(rows, total int64) { work.show("reading", "rows", rows, total) }}
	for _, path := range events {
		options.Data = append(options.Data, backtest.File(path))
	}
	return options
}

func (s *settings) printSnapshot(form *snapshotForm) {
	if form.ChangesOnly {
		s.app.say("warning: the files have book changes only, so unchanged levels are missing; start with the previous book by --initial\n")
	}
	if form.Hidden > 0 {
		s.app.say("warning: omitted %s that the other side had crossed: a backtest's book does not show them\n",
			count(form.Hidden, "level"))
	}
	w := s.app.Stdout
	best := func(px *float64) string {
		if px == nil {
			return none
		}
		return decimal(*px)
	}
	fmt.Fprintf(w, "%s: %s bids from %s, %s asks from %s\n", form.Out, whole(form.Bids), best(form.BestBid),
		whole(form.Asks), best(form.BestAsk))
	fmt.Fprintf(w, "  local time %s\n", clock(form.LastNs))
	if form.Recording != nil {
		printFeed(w, "  ", form.Recording)
	}
}
