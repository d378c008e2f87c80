package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

func (s *settings) statementCommand() *cobra.Command {
	q := &question{}
	var from, to string
	o := history.StatementOptions{Method: history.Average}
	c := &cobra.Command{Use: "statement",
		Short: "what was traded, paid and realised in a time, for taxes and accountants", Args: noArguments,
		Long: "statement sums up the executions and funding from one time up to another, not included: for each\n" +
			"strategy and instrument the position before and after, what was bought and sold, the realised\n" +
			"profit, fees and funding, and fees and funding of each asset. With --out it writes each execution\n" +
			"and settlement to a file, with the venue's ids. Realised profit is by the average price of a\n" +
			"strategy's position, or by what was bought or sold first (fifo); with --account, of all strategies\n" +
			"together, as the venue sees the account." + historyLong,
		Example: "  runner statement --from 2026-01-01 --to 2027-01-01 --method fifo --account --out trades-2026.csv",
		PreRunE: func(*cobra.Command, []string) error {
			if o.Method != history.Average && o.Method != history.FIFO {
				return fmt.Errorf("--method is %q: must be %s or %s", o.Method, history.Average, history.FIFO)
			}
			if o.Account && q.strategy != "" {
				return fmt.Errorf("--account is of all strategies: leave out --strategy")
			}
			return checkSheet(q.out)
		},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.SinceNs, err = s.parseTime("from", from); err == nil {
				o.UntilNs, err = s.parseTime("to", to)
			}
			if err != nil {
				return withCode(ExitUsage, err)
			}
			o.Strategy, o.Connector, o.Symbol = q.strategy, q.connector, q.symbol
			return q.ask(cmd.Context(), s, func(d *history.DB) error {
				st, err := d.Statement(cmd.Context(), &o)
				if err != nil {
					return err
				}
				return s.printStatement(d, st, &o, q.out)
			})
		}}
	q.addNames(c)
	f := c.Flags()
	f.StringVar(&from, "from", "", "`TIME` to start at, UTC (default the beginning): "+sinceHelp)
	f.StringVar(&to, "to", "", "`TIME` to end before, UTC (default now)")
	f.StringVar(&o.Method, "method", o.Method, "how realised profit is computed: average or fifo")
	f.BoolVar(&o.Account, "account", false, "one position for all strategies on an instrument")
	f.StringVar(&q.out, "out", "", "write each execution and settlement to a `FILE`, .csv or .parquet")
	return c
}

func (s *settings) printStatement(d *history.DB, st *history.Statement, o *history.StatementOptions, out string) error {
	if out != "" {
		return s.writeTable(out, st.Lines)
	}
	at := func(ns int64, otherwise string) string {
		if ns == 0 {
			return otherwise
		}
		return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05")
	}
	if s.json() {
		form := map[string]any{"up_to": upToOf(d), "method": o.Method, "account": o.Account, "from": nil, "to": nil}
		if o.SinceNs != 0 {
			form["from"] = time.Unix(0, o.SinceNs).UTC().Format(rowfile.TimeFormat)
		}
		if o.UntilNs != 0 {
			form["to"] = time.Unix(0, o.UntilNs).UTC().Format(rowfile.TimeFormat)
		}
		for name, t := range map[string]*history.Table{"positions": st.Positions, "fees": st.Fees,
			"funding": st.Funding, "lines": st.Lines} {
			rows, err := jsonRows(t)
			if err != nil {
				return err
			}
			form[name] = rows
		}
		return printJSON(s.app.Stdout, form)
	}
	w := s.app.Stdout
	fmt.Fprintf(w, "from %s to %s UTC, realised by %s price%s\n", at(o.SinceNs, "the beginning"), at(o.UntilNs, "now"),
		choose(o.Method == history.FIFO, "the first", "the average"), choose(o.Account, " of the account's position",
			" of each strategy's position"))
	s.printRows(st.Positions, "nothing was traded or held",
		[]string{"strategy", "connector", "symbol", "currency", "opening_position", "bought", "bought_value#",
			"sold", "sold_value#", "realised$", "fees#", "funding$",
			"net$", "closing_position", "closing_price"},
		[]string{"strategy", "connector", "symbol", "currency", ">opening", ">bought", ">for", ">sold", ">for",
			">realised", ">fees", ">funding", ">net", ">closing", ">at"})
	for _, sums := range []struct {
		name string
		t    *history.Table
	}{{"fees paid", st.Fees}, {"funding received", st.Funding}} {
		for _, row := range sums.t.Rows {
			fmt.Fprintf(w, "%s in %v: %s\n", sums.name, cellText(row[0], rowfile.Text, 0), decimal(row[1].(float64)))
		}
	}
	s.printUpTo(d, false)
	return nil
}
