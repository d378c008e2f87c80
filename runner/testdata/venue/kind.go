package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"

	"github.com/hftrunner/hftrunner/connector"
)

// settings are what a connector block of the venue has.
type settings struct {
	Address string `json:"address" hcl:"address" doc:"host and port of the venue, such as '127.0.0.1:7000'"`
}

// loopback is the kind of the venue: a market that speaks lines of JSON and fills every order at its price.
func loopback() connector.Kind {
	k := connector.NewKind("loopback", "A small market on this machine.", open)
	k.Format = connector.Format{Rule: connector.RuleStreamed,
		NewDecoder: func() connector.Decoder { return new(decoder) }}
	return k
}

// open checks the settings. It connects to nothing: that is what Run does, and what the venue is asked.
func open(s *settings, env connector.Env) (connector.Connector, error) {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return nil, err
	}
	return &venue{address: s.Address, nowNs: env.NowNs, wake: make(chan struct{}, 1)}, nil
}

// ask asks the venue one question.
func (v *venue) ask(ctx context.Context, question string, answer any) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := fmt.Fprintf(conn, "{\"ask\":%q}\n", question); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// Steps asks for the steps, so that a configuration need not have them.
func (v *venue) Steps(ctx context.Context, symbols []string) ([]connector.Steps, error) {
	var has map[string]struct{ Tick, Lot float64 }
	if err := v.ask(ctx, "steps", &has); err != nil {
		return nil, err
	}
	list := make([]connector.Steps, len(symbols))
	for i, symbol := range symbols {
		s := has[symbol]
		list[i] = connector.Steps{Symbol: symbol, TickSize: s.Tick, LotSize: s.Lot}
		if s.Tick == 0 {
			list[i].Err = fmt.Errorf("the venue does not have %s", symbol)
		}
	}
	return list, nil
}

// Preflight asks whether the account can be traded. Strategies wait while it cannot.
func (v *venue) Preflight(ctx context.Context, _ []string) error {
	var account struct{ Problem string }
	if err := v.ask(ctx, "account", &account); err != nil {
		return err
	}
	if account.Problem != "" {
		return connector.Unfit(account.Problem)
	}
	return nil
}

// Check is what `runner check` reports.
func (v *venue) Check(ctx context.Context, _ connector.CheckOptions) []connector.Finding {
	f := connector.Finding{What: "account", Value: "open"}
	if err := v.Preflight(ctx, nil); err != nil {
		f.Value, f.Problem, f.Advice, f.Blocks = "not open", err.Error(), "see the venue's message", true
	}
	return []connector.Finding{f}
}

// Record hands over what `runner record` writes.
func (v *venue) Record(to func(symbol string, localNs int64, message []byte)) { v.record = to }
