package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// verifyDelay is the time that an execution may take to get into the journal: what is newer is not compared.
const verifyDelay = 5 * time.Second

// accountForm is the JSON form of verify-account. Times are the venue's.
type accountForm struct {
	Connector  string `json:"connector"`
	SinceNs    int64  `json:"since_ns"`
	UntilNs    int64  `json:"until_ns"`
	Orders     int    `json:"orders"` // that agree
	Executions int    `json:"executions"`
	// Foreign is the number of orders at the venue that are not this runner's.
	Foreign     int                 `json:"foreign"`
	Differences []accountDifference `json:"differences"`
}

// accountDifference is an order whose executions in the journal are not the venue's.
type accountDifference struct {
	Symbol       string  `json:"symbol"`
	VenueOrderID string  `json:"venue_order_id"`
	ClientID     string  `json:"client_id,omitempty"`
	What         string  `json:"what"`
	JournalQty   float64 `json:"journal_qty"`
	VenueQty     float64 `json:"venue_qty"`
	JournalValue float64 `json:"journal_value"`
	VenueValue   float64 `json:"venue_value"`
}

func (s *settings) verifyAccountCommand() *cobra.Command {
	since := ""
	c := &cobra.Command{Use: "verify-account [CONNECTOR]", Short: "compare the journal's executions with the venue's own list",
		Long: "verify-account asks the venue of a live connector for all executions of a period and compares them, order by\n" +
			"order, with those in the journal. Orders that are not this runner's are counted. The last seconds are left out.\n" +
			"The exit code is 1 when something differs.",
		Args: atMostOneConnector,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			sinceNs, err := s.parseTime("since", since)
			if err != nil {
				return withCode(ExitUsage, err)
			}
			return s.verifyAccount(cmd.Context(), name, sinceNs)
		}}
	c.Flags().StringVar(&since, "since", "24h", "`TIME` to start at, not before the journal's beginning: "+sinceHelp)
	return c
}

func (s *settings) verifyAccount(ctx context.Context, name string, sinceNs int64) error {
	file, c, err := s.loadLive(name)
	if err != nil {
		return err
	}
	if c.Live.Account && !c.Live.HasKey() {
		return withCode(ExitUsage, fmt.Errorf("connector %q has no key: its account cannot be read", c.Name))
	}
	clock := hostipc.NewWallClock()
	made, err := s.app.Open(c, clock, hclog.NewNullLogger())
	if err != nil {
		return withCode(ExitFailure, err)
	}
	a := &accountCheck{form: accountForm{Connector: c.Name, SinceNs: sinceNs, Differences: []accountDifference{}}}
	if a.auditor, err = auditorOf(made, c); err == nil {
		a.form.UntilNs = clock.NowNs() - int64(verifyDelay)
		err = a.run(ctx, file, c)
	}
	if err := errors.Join(err, closeUnused(made)); err != nil {
		return withCode(ExitFailure, fmt.Errorf("verify %s: %w", c.Name, err))
	}
	return s.printAccount(&a.form)
}

func auditorOf(made connector.Connector, c *config.Connector) (connector.Auditor, error) {
	auditor, can := made.(connector.Auditor)
	if !can {
		return nil, fmt.Errorf("connectors of kind %q have no records of an account", c.Kind)
	}
	return auditor, nil
}

// accountCheck compares what the journal has of an account with what the venue has.
type accountCheck struct {
	form    accountForm
	auditor connector.Auditor
}

func (a *accountCheck) run(ctx context.Context, file *config.File, c *config.Connector) error {
	d, err := history.Open(ctx, file.Runner.StateDir)
	if err != nil {
		return err
	}
	beginNs, err := d.BeginNs(ctx, c.Name)
	symbols, symbolsErr := d.SymbolsAt(ctx, c.Name)
	if err := errors.Join(err, symbolsErr, d.Close()); err != nil {
		return err
	}
	a.form.SinceNs = max(a.form.SinceNs, beginNs)
	for i := range file.Strategies {
		for _, in := range file.Strategies[i].Instruments {
			if in.Connector == c.Name && !slices.Contains(symbols, in.Symbol) {
				symbols = append(symbols, in.Symbol)
			}
		}
	}
	var there []connector.ExecutedOrder
	for _, symbol := range symbols {
		found, err := a.auditor.Executed(ctx, symbol, a.form.SinceNs, a.form.UntilNs)
		if err != nil {
			return err
		}
		there = append(there, found...)
	}
	// again: it has to be newer than the venue's lists
	if d, err = history.Open(ctx, file.Runner.StateDir); err != nil {
		return err
	}
	here, err := d.Executed(ctx, c.Name, a.form.SinceNs, a.form.UntilNs)
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	return a.compare(ctx, here, there)
}

// orderAt names an order at the venue.
type orderAt struct{ symbol, venueID string }

func (a *accountCheck) compare(ctx context.Context, here []history.ExecutedOrder,
	there []connector.ExecutedOrder) error {
	known := make(map[orderAt]history.ExecutedOrder)
	for _, o := range here {
		known[orderAt{o.Symbol, o.VenueID}] = o
	}
	for _, o := range there {
		key := orderAt{o.Symbol, o.VenueID}
		has, found := known[key]
		delete(known, key)
		diff := accountDifference{Symbol: o.Symbol, VenueOrderID: o.VenueID, ClientID: has.ClientID,
			JournalQty: has.Qty, VenueQty: o.Qty, JournalValue: has.Value, VenueValue: o.Value, What: "differs"}
		switch {
		case found && near(o.Qty, has.Qty) && near(o.Value, has.Value):
			a.form.Orders++
			a.form.Executions += o.Executions
			continue
		case found:
		default:
			clientID, ours, err := a.auditor.Owner(ctx, o.Symbol, o.VenueID)
			if err == nil && !ours {
				a.form.Foreign++
				continue
			}
			if diff.ClientID, diff.What = clientID, "not in the journal"; err != nil {
				diff.What = "not in the journal, and the venue does not say whose: " + err.Error()
			}
		}
		a.form.Differences = append(a.form.Differences, diff)
	}
	for _, o := range here {
		if _, left := known[orderAt{o.Symbol, o.VenueID}]; left {
			a.form.Differences = append(a.form.Differences, accountDifference{Symbol: o.Symbol, VenueOrderID: o.VenueID,
				ClientID: o.ClientID, JournalQty: o.Qty, JournalValue: o.Value, What: "not at the venue"})
		}
	}
	return ctx.Err()
}

// near reports whether two sums are the same.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1) }

func (s *settings) printAccount(f *accountForm) error {
	if s.json() {
		if err := printJSON(s.app.Stdout, f); err != nil {
			return err
		}
	} else {
		var rows [][]string
		for _, d := range f.Differences {
			rows = append(rows, []string{d.Symbol, d.VenueOrderID, d.ClientID, fmt.Sprint(d.JournalQty),
				fmt.Sprint(d.VenueQty), fmt.Sprint(d.JournalValue), fmt.Sprint(d.VenueValue), d.What})
		}
		if len(rows) > 0 {
			printTable(s.app.Stdout, columns("symbol", "venue's order", "client id", ">journal qty", ">venue qty",
				">journal value", ">venue value", "what"), rows)
		}
		at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05") }
		fmt.Fprintf(s.app.Stdout, "%s from %s to %s: %s with %s agree, %s not of this runner\n", f.Connector,
			at(f.SinceNs), at(f.UntilNs), count(f.Orders, "order"), count(f.Executions, "execution"),
			count(f.Foreign, "order"))
	}
	if n := len(f.Differences); n > 0 {
		return withCode(ExitFailure, fmt.Errorf("the journal and %s differ in %s", f.Connector, count(n, "order")))
	}
	return nil
}
