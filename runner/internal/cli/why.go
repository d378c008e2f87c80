package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

func (s *settings) whyCommand() *cobra.Command {
	q := &question{}
	c := &cobra.Command{Use: "why ORDER",
		Short: "show the way of one order, from the market event before it to its end",
		Long: "why prints each step of one order with its time and the nanoseconds since the step before: the\n" +
			"market event that the strategy had received, its request, what the host, the wire and the venue made\n" +
			"of it, each report and execution. ORDER is @ and the record that 'runner orders' shows, a client\n" +
			"order id, the venue's order id, or the strategy's own order id; if several orders match, they are\n" +
			"listed. Times are the host's, the venue's are by its own clock." + historyLong,
		Example: "  runner why @26\n  runner why 8389765591234 --strategy grid-btc",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("why takes one order, got %d; 'runner orders' lists them", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd.Context(), s, func(d *history.DB) error {
				f := history.Filter{Strategy: q.strategy, Connector: q.connector, Symbol: q.symbol}
				found, err := d.FindOrders(cmd.Context(), args[0], &f)
				if err != nil {
					return withCode(ExitUsage, err)
				}
				if len(found.Rows) != 1 {
					return s.severalOrders(d, found, args[0])
				}
				t, err := d.Why(cmd.Context(), found.Rows[0][0].(uint64))
				if err != nil {
					return err
				}
				return s.printWhy(d, found, t)
			})
		}}
	q.addNames(c)
	return c
}

// severalOrders lists orders that have one name.
func (s *settings) severalOrders(d *history.DB, found *history.Table, name string) error {
	if len(found.Rows) == 0 {
		return withCode(ExitUsage,
			fmt.Errorf("there is no order %q in the journal from record %d on: 'runner orders' lists them", name,
				d.UpTo().FirstSequence))
	}
	v := ordersView()
	for _, line := range table(columns(v.titles...), shownCells(found, v.shown)) {
		s.app.say("%s\n", line)
	}
	return withCode(ExitUsage, fmt.Errorf("%s match %q: name one by @ and its record, as in 'runner why @%d'",
		count(len(found.Rows), "order"), name, found.Rows[0][0]))
}

// stepForm is the JSON form of a step.
type stepForm struct {
	Step     string  `json:"step"`
	Time     string  `json:"time"`
	AfterNs  int64   `json:"after_ns"`
	TotalNs  int64   `json:"total_ns"`
	Venue    *string `json:"venue_time"`
	Sequence uint64  `json:"sequence,omitempty"`
	Text     string  `json:"text"`
}

func (s *settings) printWhy(d *history.DB, found *history.Table, t *history.Timeline) error {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format(rowfile.TimeFormat) }
	steps := make([]stepForm, len(t.Steps))
	rows := make([][]string, len(steps))
	for i := range t.Steps {
		x, first, last := &t.Steps[i], t.Steps[0].TimeNs, t.Steps[max(i-1, 0)].TimeNs
		steps[i] = stepForm{Step: x.Name, Time: at(x.TimeNs), AfterNs: x.TimeNs - last, TotalNs: x.TimeNs - first,
			Sequence: x.Sequence, Text: x.Text}
		venue, record := none, none
		if x.VenueNs != 0 {
			text := at(x.VenueNs)
			steps[i].Venue, venue = &text, time.Unix(0, x.VenueNs).UTC().Format("15:04:05.000000")
		}
		if x.Sequence != 0 {
			record = fmt.Sprint(x.Sequence)
		}
		rows[i] = []string{time.Unix(0, x.TimeNs).UTC().Format("2006-01-02 15:04:05.000000000"),
			whole(x.TimeNs - last), whole(x.TimeNs - first), venue, record, x.Name, x.Text}
	}
	order, err := jsonRows(found)
	if err != nil {
		return err
	}
	var total int64
	if n := len(steps); n > 0 {
		total = steps[n-1].TotalNs
	}
	if s.json() {
		return printJSON(s.app.Stdout, map[string]any{"up_to": upToOf(d), "order": order[0], "steps": steps,
			"total_ns": total, "records_gone": t.Gone})
	}
	v := ordersView()
	s.printRows(found, "", v.shown, v.titles)
	fmt.Fprintln(s.app.Stdout)
	printTable(s.app.Stdout, columns("host's time", ">ns", ">total ns", "venue's time", ">record", "step", "what"),
		rows)
	if t.Gone {
		fmt.Fprintln(s.app.Stdout, "the order's records are no longer kept: these are the steps that were kept of it")
	}
	if parts := len(steps) - 1; parts > 0 {
		fmt.Fprintf(s.app.Stdout, "%s ns in %s\n", whole(total), count(parts, "part"))
	}
	s.printUpTo(d, false)
	return nil
}
