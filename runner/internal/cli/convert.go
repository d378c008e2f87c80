package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

func (s *settings) convertCommand() *cobra.Command {
	c := &cobra.Command{Use: "convert", Short: "convert recordings to event and latency files", Args: knownCommand,
		RunE: func(*cobra.Command, []string) error { return errors.New("missing subcommand: events or latency") }}
	c.AddCommand(s.convertEventsCommand(), s.convertLatencyCommand())
	return c
}

// maxProblems bounds the warnings about recordings that are printed.
const maxProblems = 20

// eventsForm is the JSON form of a conversion.
type eventsForm struct {
	Out       string   `json:"out"`
	Files     []string `json:"files"`
	Rows      int64    `json:"rows"`
	BothFlags int64    `json:"rows_of_both_sides"`
	ExchOnly  int64    `json:"rows_of_exchange_only"`
	LocalOnly int64    `json:"rows_of_local_only"`
	Depth     int64    `json:"depth"`
	Trades    int64    `json:"trades"`
	Clears    int64    `json:"clears"`
	Snapshots int64    `json:"snapshots"`
	BBOs      int64    `json:"bbos"`
	Lines     int64    `json:"lines"`
	FirstNs   int64    `json:"first_local_ns"`
	LastNs    int64    `json:"last_local_ns"`
	// Natural: the rows are as they came.
	Natural bool         `json:"natural"`
	Report  *feed.Report `json:"report"`
}

func (s *settings) convertEventsCommand() *cobra.Command {
	var format, out, initial string
	var options convert.Options
	c := &cobra.Command{Use: "events --format FORMAT --tick-size T --lot-size L --out FILE.npz RECORDING...",
		Short: "convert the recorded messages of one symbol to an event file",
		Long: "events decodes recordings (.gz, .zip or plain) in order of time, builds the book by the venue's rule as a live connector\n" +
			"does, including best bids and asks, corrects the local times of a file if some are before exchange times, sorts the rows\n" +
			"so that both sides of a backtest can read them, and writes them as hftbacktest does: .npz or .npy. With --natural the rows\n" +
			"are those of hftbacktest's converter, byte for byte: in recorded order, with one correction for all files.\n" +
			"The archives of venues (Bybit's .data.zip) have no local times: --base-latency is the delay from the venue's time to\n" +
			"reception. If there are books of several depths, the deepest is used, together with the best bid and ask.\n" +
			"Unusable lines are reported and skipped; memory use is bounded regardless of file size.",
		Example: "  runner convert events --format binancefutures --tick-size 0.1 --lot-size 0.001 --out btcusdt_20240808.npz btcusdt_20240808.gz",
		Args:    atLeastOne("RECORDING"),
		PreRunE: func(cmd *cobra.Command, files []string) error {
			if options.Natural && !cmd.Flags().Changed("quotes") {
				options.Quotes = false
			}
			if at := slices.IndexFunc(files, config.EventFile); at >= 0 {
				return fmt.Errorf("%s already holds events: recordings are required", files[at])
			}
			if options.BaseLatency < 0 {
				return fmt.Errorf("--base-latency is %v: must be at least 0s", options.BaseLatency)
			}
			if err := s.checkFormat(format); err != nil {
				return err
			}
			if options.Natural && initial != "" {
				return errors.New("--initial begins a book, and --natural keeps rows as recorded: use one of them")
			}
			if err := checkOut(out); err != nil || options.Natural {
				return err
			}
			return checkSteps(options.TickSize, options.LotSize, ", or keep rows as recorded with --natural")
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			options.NewDecoder, options.Rule = s.app.Formats[format].NewDecoder, s.app.Formats[format].Rule
			options.Format, options.Formats = format, s.app.Formats
			of := recordings{format: format}
			if err := of.begin(initial); err != nil {
				return err
			}
			options.Initial = of.initial
			return s.convertEvents(cmd.Context(), files, out, options)
		}}
	f := c.Flags()
	f.StringVar(&format, "format", "", "`FORMAT` of the messages: "+strings.Join(s.app.Kinds.Recorded(), ", "))
	f.StringVar(&out, "out", "", "event `FILE` to write, .npz or .npy")
	f.StringVar(&options.Symbol, "symbol", "", symbolHelp)
	f.StringVar(&initial, "initial", "", initialHelp)
	f.DurationVar(&options.BaseLatency, "base-latency", 0, baseLatencyHelp)
	f.Float64Var(&options.TickSize, "tick-size", 0, "tick size of the instrument, a `PRICE`")
	f.Float64Var(&options.LotSize, "lot-size", 0, "lot size of the instrument, a `QUANTITY`")
	f.BoolVar(&options.Quotes, "quotes", true,
		"apply best bid and ask messages to the book; with --natural they become separate rows, off by default")
	f.BoolVar(&options.Natural, "natural", false,
		"keep rows as recorded, without the venue's book rule, as hftbacktest's converter does")
	f.StringVar(&options.TempDir, "temp-dir", "", "`DIR` for temporary sort files (default: that of the output)")
	return c
}

// baseLatencyHelp is the help of a flag for recordings.
const baseLatencyHelp = "minimum feed `LATENCY` after local times are corrected; the latency of files without local times"

// symbolHelp is the help of a flag for recordings.
const symbolHelp = "`SYMBOL` whose messages are used, required if there are several; others are skipped and counted"

// checkFormat refuses a format that does not exist.
func (s *settings) checkFormat(format string) error {
	if _, ok := s.app.Formats[format]; ok {
		return nil
	}
	known := s.app.Kinds.Recorded()
	if n := control.Nearest(format, known); n != "" {
		return fmt.Errorf("--format is %q; did you mean %q?", format, n)
	}
	return fmt.Errorf("--format is %q: use one of %s", format, strings.Join(known, ", "))
}

// checkSteps refuses steps that are missing or none.
func checkSteps(tickSize, lotSize float64, otherwise string) error {
	for _, step := range []struct {
		name  string
		value float64
	}{{"--tick-size", tickSize}, {"--lot-size", lotSize}} {
		if !(step.value > 0) || math.IsInf(step.value, 0) {
			return fmt.Errorf("%s is %v: must be the instrument's, a number above 0%s", step.name, step.value,
				otherwise)
		}
	}
	return nil
}

// checkOut refuses the name of an output that no reader would take.
func checkOut(out string) error {
	if !config.EventFile(out) {
		return fmt.Errorf("--out is %q: must end in .npz or .npy", out)
	}
	return nil
}

func (s *settings) convertEvents(ctx context.Context, files []string, out string, o convert.Options) error {
	work := s.beginWork()
	problems := 0
	o.OnProblem = func(p feed.Problem) {
		if problems++; problems <= maxProblems {
			work.print("warning: " + p.Error())
		}
	}
	o.Progress = func(p convert.Progress) {
		work.show(p.Stage.String(), convertUnit(p.Stage.String()), p.Done,
			p.Total)
	}
	s.onSignal(ExitFailure, "nothing is written", nil)
	summary, err := convert.Events(ctx, files, out, o)
	if problems > maxProblems {
		work.print(fmt.Sprintf("warning: and %d more", problems-maxProblems))
	}
	work.end()
	if err != nil {
		return withCode(ExitFailure, err)
	}
	if s.json() {
		form := eventsForm{Out: out, Files: files, Rows: summary.NumRows, BothFlags: summary.Both,
			ExchOnly: summary.ExchOnly, LocalOnly: summary.LocalOnly, Depth: summary.Depth, Trades: summary.Trades,
			Clears: summary.Clears, Snapshots: summary.Snapshots, BBOs: summary.BBOs, Lines: summary.Lines,
			FirstNs: summary.FirstLocalTimestampNs, LastNs: summary.LastLocalTimestampNs, Natural: o.Natural,
			Report: summary.Report}
		return errors.Join(printJSON(s.app.Stdout, form), incomplete(out, &summary))
	}
	w := s.app.Stdout
	fmt.Fprintf(w, "%s: %s rows, %s depth, %s trades, %s snapshot\n", out, whole(summary.NumRows),
		whole(summary.Depth), whole(summary.Trades),
		whole(summary.Snapshots+summary.Clears))
	fmt.Fprintf(w, "  local time %s to %s\n", clock(summary.FirstLocalTimestampNs), clock(summary.LastLocalTimestampNs))
	printFeed(w, "  ", summary.Report)
	return incomplete(out, &summary)
}

// incomplete returns an error where results on the rows of recordings would be wrong, as check-data finds.
func incomplete(out string, summary *convert.Summary) error {
	found := &summary.Report.Found[feed.Unsynchronised]
	if found.N > 0 {
		return withCode(ExitFailure, fmt.Errorf("%s was written, but there is no complete book at its end: %w",
			out, found.First))
	}
	return unusable(out, summary)
}

// unusable returns an error for what was written of recordings because of which results would be wrong.
func unusable(out string, summary *convert.Summary) error {
	var said []string
	for _, f := range summary.Report.Unusable(summary.NumRows) {
		said = append(said, summary.Report.Line(f))
	}
	if said == nil {
		return nil
	}
	return withCode(ExitFailure, fmt.Errorf("%s was written, but results on it would be wrong: %s", out,
		strings.Join(said, "; ")))
}

// printFeed prints what was found about a feed, a line each.
func printFeed(w io.Writer, prefix string, r *feed.Report) { printLines(w, prefix, r.Lines()) }

func printLines(w io.Writer, prefix string, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(w, prefix+line)
	}
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000 UTC") }

func (s *settings) convertLatencyCommand() *cobra.Command {
	var feeds, journal []string
	var out string
	o := convert.FeedLatencyOptions{}
	c := &cobra.Command{Use: "latency (--from-feed FILE... | --from-journal FILE...) --out FILE.npz",
		Short: "create an order latency file",
		Long: "latency creates a file of order latencies for latency_files of an exchange block: from the feed latencies of event files,\n" +
			"as hftbacktest's examples do, or from journals of the plugin latencylog, which measures a venue. 'runner journal latency' makes one of what a\n" +
			"host has recorded of its own orders.",
		Example: "  runner convert latency --from-feed btcusdt_20240808.npz --entry-factor 4 --response-factor 3 --out latency.npz\n" +
			"  runner convert latency --from-journal latency.jsonl --out latency.npz",
		Args: noArguments,
		PreRunE: func(*cobra.Command, []string) error {
			if (len(feeds) == 0) == (len(journal) == 0) {
				return errors.New("either --from-feed or --from-journal is required")
			}
			return checkOut(out)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.onSignal(ExitFailure, "nothing is written", nil)
			return s.convertLatency(cmd.Context(), feeds, journal, out, o)
		}}
	f := c.Flags()
	f.StringSliceVar(&feeds, "from-feed", nil, "comma-separated event `FILES` in order of time")
	f.StringSliceVar(&journal, "from-journal", nil, "`FILES` with a line of req_ts, exch_ts and resp_ts for each order")
	f.StringVar(&out, "out", "", "latency `FILE` to write, .npz or .npy")
	f.DurationVar(&o.Bucket, "bucket", convert.DefaultBucket,
		"with --from-feed: one latency per interval of this `DURATION`")
	f.Float64Var(&o.EntryFactor, "entry-factor", 1, "with --from-feed: `FACTOR` on the feed latency to the exchange")
	f.Float64Var(&o.ResponseFactor, "response-factor", 1, "with --from-feed: `FACTOR` on the feed latency back")
	f.DurationVar(&o.EntryOffset, "entry-offset", 0,
		"with --from-feed: `DURATION` added to the latency to the exchange")
	f.DurationVar(&o.ResponseOffset, "response-offset", 0, "with --from-feed: `DURATION` added to the latency back")
	return c
}

func (s *settings) convertLatency(ctx context.Context, feeds, journal []string, out string,
	o convert.FeedLatencyOptions) error {
	form := struct {
		Out          string `json:"out"`
		Rows         int64  `json:"rows"`
		Rejected     int64  `json:"rejected"`
		SkippedLines int64  `json:"skipped_lines"`
	}{Out: out}
	var err error
	if len(feeds) > 0 {
		form.Rows, err = convert.FeedLatencies(ctx, feeds, out, o)
	} else {
		var j convert.JournalSummary
		j, err = convert.JournalLatencies(ctx, journal, out, func(p recording.Problem) {
			fmt.Fprintf(s.app.Stderr,
				"warning: %v\n", p)
		})
		form.Rows, form.Rejected, form.SkippedLines = j.NumRows, j.Rejected, j.SkippedLines
	}
	if err != nil {
		return withCode(ExitFailure, err)
	}
	if s.json() {
		return printJSON(s.app.Stdout, form)
	}
	fmt.Fprintf(s.app.Stdout, "%s: %s rows, %s rejected\n", out, whole(form.Rows), whole(form.Rejected))
	return nil
}

// work shows how far one piece of work is, on a terminal.
type work struct {
	app    *App
	screen *screen
	tasks  []*task
	last   time.Time
}

func (s *settings) beginWork() *work {
	w := &work{app: s.app}
	if out, ok := fileOf(s.app.Stderr); ok && !s.json() && isTerminal(out) {
		w.screen = terminalScreen(out)
	}
	return w
}

// show is cheap enough to be called often.
func (w *work) show(name, unit string, done, total int64) {
	now := w.app.now()
	if w.screen == nil || now.Sub(w.last) < redrawEvery/4 {
		return
	}
	w.last = now
	at := slices.IndexFunc(w.tasks, func(t *task) bool { return t.name == name })
	if at < 0 {
		w.tasks = []*task{{name: name, unit: unit, begin: now}}
		at = 0
	}
	w.tasks[at].set(done, total, 0)
	w.screen.Show([]string{w.tasks[at].line(0, now, true)})
}

func (w *work) print(line string) {
	if w.screen != nil {
		fmt.Fprintln(w.screen, line)
		return
	}
	fmt.Fprintln(w.app.Stderr, line)
}

func (w *work) end() {
	if w.screen != nil {
		w.screen.Clear()
	}
}
