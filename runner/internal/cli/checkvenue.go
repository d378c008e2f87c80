package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// venueForm is the JSON form of a look at a venue.
type venueForm struct {
	Connector string              `json:"connector"`
	Kind      string              `json:"kind"`
	OK        bool                `json:"ok"`
	Findings  []connector.Finding `json:"findings"`
}

func (s *settings) checkCommand() *cobra.Command {
	var orderTest bool
	c := &cobra.Command{Use: "check [NAME]", Short: "check that a connector is ready to trade: clock, streams, symbols, API key",
		Long: "check connects to the venue of a live connector and reports clock, round-trip times, streams, symbols against the\n" +
			"configuration, key permissions, limits, open orders, positions and balances. It never places an order;\n" +
			"--order-test also sends one to the venue's validation endpoint, if it has one.\n" +
			"The exit code is 1 when a strategy could not trade.",
		Args: atMostOneConnector,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.checkVenue(cmd.Context(), args, orderTest)
		}}
	c.Flags().BoolVar(&orderTest, "order-test", false,
		"have the venue validate an order on each symbol; none is placed")
	return c
}

// loadLive reads the configuration without its plugins, which have nothing to do with venues, and returns a live
// connector: the named one, or the only one.
func (s *settings) loadLive(name string) (*config.File, *config.Connector, error) {
	file, err := config.Load(s.configPath, s.options())
	if err != nil {
		return nil, nil, configError(err)
	}
	var names []string
	var found *config.Connector
	for i := range file.Connectors {
		c := &file.Connectors[i]
		if c.Live == nil {
			continue
		}
		names = append(names, c.Name)
		if name == "" || c.Name == name {
			found = c
		}
	}
	switch n := control.Nearest(name, names); {
	case len(names) == 0:
		return nil, nil, withCode(ExitUsage,
			fmt.Errorf("%s has no connector to a venue: add one, such as connector %q \"name\" { network = \"main\" }",
				s.configPath, s.app.Kinds.Names()[0]))
	case name == "" && len(names) > 1:
		return nil, nil, withCode(ExitUsage, fmt.Errorf("name a connector: %s has %v", s.configPath, names))
	case found == nil && n != "":
		return nil, nil, withCode(ExitUsage, fmt.Errorf("%s has no connector to a venue named %q; did you mean %q?",
			s.configPath, name, n))
	case found == nil:
		return nil, nil, withCode(ExitUsage, fmt.Errorf("%s has no connector to a venue named %q; it has %v",
			s.configPath, name, names))
	}
	return file, found, nil
}

func (s *settings) checkVenue(ctx context.Context, args []string, orderTest bool) error {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	file, c, err := s.loadLive(name)
	if err != nil {
		return err
	}
	made, err := s.app.Open(c, hostipc.NewWallClock(), hclog.NewNullLogger())
	if err != nil {
		return withCode(ExitFailure, err)
	}
	checker, can := made.(connector.Checker)
	if !can {
		return withCode(ExitUsage, errors.Join(fmt.Errorf("connectors of kind %q cannot be checked", c.Kind),
			closeUnused(made)))
	}
	o := connector.CheckOptions{OrderTest: orderTest}
	for i := range file.Strategies {
		for _, in := range file.Strategies[i].Instruments {
			if in.Connector == c.Name {
				o.Instruments = append(o.Instruments, connector.Instrument{Symbol: in.Symbol, TickSize: in.TickSize,
					LotSize: in.LotSize})
			}
		}
	}
	findings := checker.Check(ctx, o)
	if err := errors.Join(ctx.Err(), closeUnused(made)); err != nil {
		return withCode(ExitFailure, fmt.Errorf("check %s: %w", c.Name, err))
	}
	if err := s.printFindings(c, findings); err != nil {
		return err
	}
	if blocked(findings) {
		return withCode(ExitFailure, fmt.Errorf("%s is not ready to trade; see the problems above", c.Name))
	}
	return nil
}

// closeUnused closes what a connector that does not run has opened.
func closeUnused(c connector.Connector) error {
	if opened, can := c.(io.Closer); can {
		return opened.Close()
	}
	return nil
}

// blocked reports whether something keeps a strategy from trading.
func blocked(findings []connector.Finding) bool {
	return slices.ContainsFunc(findings, func(f connector.Finding) bool { return f.Blocks })
}

func (s *settings) printFindings(c *config.Connector, findings []connector.Finding) error {
	if s.json() {
		return printJSON(s.app.Stdout, venueForm{Connector: c.Name, Kind: c.Kind, OK: !blocked(findings),
			Findings: findings})
	}
	w := s.app.Stdout
	fmt.Fprintf(w, "%s, %s, %s\n\n", c.Name, c.Kind, c.Live)
	rows := make([][]string, len(findings))
	for i, f := range findings {
		verdict := "ok"
		switch {
		case f.Blocks:
			verdict = "PROBLEM"
		case f.Problem != "":
			verdict = "look"
		}
		rows[i] = []string{f.What, verdict, f.Value}
	}
	printTable(w, columns("what", "", "found"), rows)
	for _, f := range findings {
		if f.Problem != "" {
			fmt.Fprintf(w, "\n%s: %s\n  %s\n", f.What, f.Problem, f.Advice)
		}
	}
	return nil
}
