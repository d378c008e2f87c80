package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// latencyForm is the JSON form of journal latency.
type latencyForm struct {
	Out      string `json:"out"`
	Rows     int    `json:"rows"`
	Rejected int    `json:"rejected"`
	Skipped  int    `json:"skipped"`
}

func (s *settings) journalLatencyCommand(state *stateFlags) *cobra.Command {
	filter := journalFilter{kinds: []string{"request", "order", "execution"}}
	var connector, symbol, out string
	c := &cobra.Command{Use: "latency --out FILE.npz",
		Short: "create an order latency file from the host's own orders", Args: noArguments,
		Long: "latency writes a file for latency_files of an exchange block: of each submission and cancel of a\n" +
			"live run the times of request, venue and response. Requests whose times do not follow each other are\n" +
			"skipped: the clocks of venue and machine differ, or the market was a recording.",
		Example: "  runner journal latency --connector bf --since 7d --out latency.npz",
		PreRunE: func(*cobra.Command, []string) error { return checkOut(out) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := state.journalDir(s)
			if err != nil {
				return err
			}
			var l history.Latencies
			venues := make(map[string]bool)
			damage, err := filter.read(cmd.Context(), s, dir, false, func(r *journal.Record,
				names *history.Names) error {
				at, what := names.Instrument(r.Instrument)
				if connector != "" && at != connector || symbol != "" && what != symbol {
					return nil
				}
				venues[at] = true
				l.Take(r)
				return nil
			})
			if err == nil && len(venues) > 1 {
				err = withCode(ExitUsage,
					errors.New("there are orders at several connectors: choose one with --connector"))
			}
			if err == nil {
				err = s.writeLatencies(&l, out)
			}
			return s.tellDamage(damage, err)
		}}
	f := c.Flags()
	f.StringVar(&filter.since, "since", "", "`TIME` to start at: "+sinceHelp)
	f.StringVar(&filter.strategy, "strategy", "", "only orders of the strategy `NAME`")
	f.StringVar(&connector, "connector", "", "only orders at the connector `NAME`")
	f.StringVar(&symbol, "symbol", "", "only orders of the `SYMBOL`")
	f.StringVar(&out, "out", "", "latency `FILE` to write, .npz or .npy")
	return c
}

// writeLatencies writes the usable ones.
func (s *settings) writeLatencies(l *history.Latencies, out string) error {
	form := latencyForm{Out: out}
	var rows []convert.Latency
	var first error
	for _, t := range l.Answered {
		row := convert.Latency{ReqTimestampNs: t.RequestNs, ExchTimestampNs: t.VenueNs, RespTimestampNs: t.ResponseNs}
		if err := row.Check(); err != nil {
			if form.Skipped++; first == nil {
				first = err
			}
			continue
		}
		if row.ExchTimestampNs == 0 {
			form.Rejected++
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		err := errors.New("there is no answered order with usable times")
		if first != nil {
			err = fmt.Errorf("%w; the first of %d: %w", err, form.Skipped, first)
		}
		return withCode(ExitFailure, err)
	}
	form.Rows = len(rows)
	if err := convert.MeasuredLatencies(rows, out); err != nil {
		return withCode(ExitFailure, err)
	}
	if s.json() {
		return printJSON(s.app.Stdout, form)
	}
	text := fmt.Sprintf("%s: %s rows, %s rejected", out, whole(form.Rows), whole(form.Rejected))
	if first != nil {
		text += fmt.Sprintf(", %s skipped (the first: %v)", whole(form.Skipped), first)
	}
	fmt.Fprintln(s.app.Stdout, text)
	return nil
}
