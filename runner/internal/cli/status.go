package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// statusColumns are those of ps and of the live view.
func statusColumns() []column {
	return columns("name", "state", ">uptime", ">events", "symbol", ">mid", ">position", ">open", ">fills", ">net pnl",
		">tick-to-order")
}

// statusRow is one line for a strategy, values of several instruments with a bar between.
func statusRow(s *control.StrategyStatus) []string {
	var symbols, mids, positions []string
	open, pnl := 0, 0.0
	for _, in := range s.Instruments {
		symbols = append(symbols, in.Symbol)
		mids = append(mids, mid(in.BestBid, in.BestAsk))
		positions = append(positions, decimal(in.Position))
		open += in.OpenOrders
		pnl += netPnL(in.RealisedPnL, in.OpenPnL, in.Fee)
	}
	join := func(parts []string) string { return strings.Join(parts, " | ") }
	return []string{s.Name, state(s), uptime(s.UptimeNs), whole(s.Events), join(symbols), join(mids), join(positions),
		whole(open), whole(s.Fills), money(pnl), latency(s.TickToOrder)}
}

// state returns the state of a strategy, and how many orders it still has to end.
func state(s *control.StrategyStatus) string {
	if s.OrdersLeft == 0 {
		return s.State
	}
	return fmt.Sprintf("%s (%s left)", s.State, count(s.OrdersLeft, "order"))
}

// netPnL is what is left after fees.
func netPnL(realised, open, fee float64) float64 { return realised + open - fee }

// statusTable is a line of titles and one for each strategy.
func statusTable(all []control.StrategyStatus) []string {
	rows := make([][]string, len(all))
	for i := range all {
		rows[i] = statusRow(&all[i])
	}
	return table(statusColumns(), rows)
}

// feedLines are what is wrong with the feeds of the strategies' instruments, a line for each of which something is, and
// one for each connector that had messages which could not be used.
func feedLines(all []control.StrategyStatus) []string {
	var lines []string
	add := func(line string) {
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for i := range all {
		for _, in := range all[i].Instruments {
			if faults := feed.Faults(in.Findings); faults != "" {
				add(fmt.Sprintf("feed of %s %s: %s", in.Connector, in.Symbol, faults))
			}
			if in.BadMessages > 0 {
				add(fmt.Sprintf("feed of %s: %s", in.Connector, count(int(in.BadMessages), "bad message")))
			}
		}
	}
	return lines
}

// positionLines tells of instruments that are halted, whose positions do not match, and of positions that belong to no
// strategy.
func positionLines(all []control.StrategyStatus) []string {
	var lines []string
	for i := range all {
		for _, in := range all[i].Instruments {
			if line := positionLine(&in); line != "" && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func positionLine(in *control.InstrumentStatus) string {
	var parts []string
	if in.TradingState != "" {
		parts = append(parts, in.TradingReason)
	}
	if in.Mismatch != 0 {
		parts = append(parts, fmt.Sprintf("%s of the account's position cannot be explained", decimal(in.Mismatch)))
	}
	if in.Unattributed != 0 {
		parts = append(parts, decimal(in.Unattributed)+" belongs to no strategy")
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", in.Connector, in.Symbol, strings.Join(parts, "; "))
}

// statusPairs are the names and values of the one line that is logged where there is no terminal: all strategies
// together, and by name those that do not run.
func statusPairs(all []control.StrategyStatus) []any {
	running, open := 0, 0
	var fills, events uint64
	pnl := 0.0
	var idle []string
	for i := range all {
		s := &all[i]
		if s.State == string(host.Running) {
			running++
		} else {
			idle = append(idle, s.Name+" "+s.State)
		}
		fills += s.Fills
		events += s.Events
		for _, in := range s.Instruments {
			open += in.OpenOrders
			pnl += netPnL(in.RealisedPnL, in.OpenPnL, in.Fee)
		}
	}
	pairs := []any{"running", fmt.Sprintf("%d of %d", running, len(all)), "events", events, "open_orders", open,
		"fills", fills, "net_pnl", strings.ReplaceAll(money(pnl), ",", "")}
	if len(idle) > 0 {
		pairs = append(pairs, "not_running", strings.Join(idle, ", "))
	}
	if lines := positionLines(all); len(lines) > 0 {
		pairs = append(pairs, "positions", strings.Join(lines, "; "))
	}
	if lines := feedLines(all); len(lines) > 0 {
		pairs = append(pairs, "feeds", strings.ReplaceAll(strings.Join(lines, "; "), "feed of ", ""))
	}
	return pairs
}

// reasons lists why strategies are not running, for the lines under a table.
func reasons(all []control.StrategyStatus) []string {
	var lines []string
	for _, s := range all {
		if s.Reason != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", s.Name, s.Reason))
		}
	}
	return lines
}

// summaryPositions is positionLines at the end of a run.
func summaryPositions(s *host.Summary) []string {
	all := make([]control.StrategyStatus, len(s.Strategies))
	for i := range s.Strategies {
		all[i].Instruments = s.Strategies[i].Instruments
	}
	return positionLines(all)
}
