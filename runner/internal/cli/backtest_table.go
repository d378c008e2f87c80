package cli

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/internal/batch"
)

const (
	// maxTableGroups is how many lines of a sweep are printed, maxDayGroups of how many strategies and sets the days
	// are.
	maxTableGroups = 40
	maxDayGroups   = 4
	// maxErrors is how many failed runs are told.
	maxErrors = 10
)

// printBacktest prints what a backtest came to.
func printBacktest(w io.Writer, plan *backtestPlan, groups []batch.Group, results []batch.JobResult) {
	sets := setNames(groups)
	heads := append([]string{"strategy"}, sets...)
	heads = append(heads, "instrument")
	book := groups[0].Job.Figures.BookSize > 0
	var rows [][]string
	for i := range groups {
		if i == maxTableGroups {
			break
		}
		rows = append(rows, groupRows(&groups[i], sets)...)
	}
	section(w, columns(append(heads, figureHeads(book)...)...), rows)
	if len(groups) > maxTableGroups {
		fmt.Fprintf(w, "and %d more, in the report and in summary.json\n", len(groups)-maxTableGroups)
	}
	printDays(w, groups, book)
	for i := range groups {
		if text := groups[i].Warning(); text != "" && i < maxErrors {
			fmt.Fprintf(w, "\nwarning: %s: %s\n", groups[i].Name(), text)
		}
	}
	printFailures(w, results)
	fmt.Fprintf(w, "\nreport  %s\n", filepath.Join(plan.dir, "report.html"))
	fmt.Fprintf(w, "results %s\n", plan.dir)
}

// setNames are the names of all parameters that are varied.
func setNames(groups []batch.Group) []string {
	var names []string
	seen := map[string]bool{}
	for i := range groups {
		for _, set := range groups[i].Job.Set {
			if !seen[set.Name] {
				seen[set.Name] = true
				names = append(names, set.Name)
			}
		}
	}
	return names
}

// groupRows is a line for a strategy and set, and one below it for each of several instruments.
func groupRows(g *batch.Group, sets []string) [][]string {
	row := []string{g.Job.Strategy}
	for _, name := range sets {
		value := none
		for _, set := range g.Job.Set {
			if set.Name == name {
				value = set.Value
			}
		}
		row = append(row, value)
	}
	instrument := g.Job.Spec.Assets[0].Symbol
	if len(g.Job.Spec.Assets) > 1 && !g.Mixed {
		instrument = "all"
	}
	fills := whole(g.Counts.Fills)
	if g.Finished == 0 {
		fills = "not done"
		if g.Skipped > 0 {
			fills = "skipped"
		}
		if g.Error != "" {
			fills = "failed"
		}
	} else if g.Finished+g.Skipped < len(g.Jobs) {
		fills += fmt.Sprintf(" (%d of %d)", g.Finished, len(g.Jobs))
	}
	var whole stats.Row
	if n := len(g.Stats); n > 0 {
		whole = g.Stats[n-1]
	}
	rows := [][]string{append(append(row, instrument), append(figures(whole, g.Job.Figures.BookSize), fills)...)}
	for _, a := range g.Assets {
		if g.Mixed && a.Symbol == instrument {
			continue
		}
		line := append(make([]string, 1+len(sets)), a.Symbol)
		rows = append(rows, append(line, append(figures(a.Rows[len(a.Rows)-1], g.Job.Figures.BookSize), "")...))
	}
	return rows
}

// figureHeads are the columns of the figures.
func figureHeads(book bool) []string {
	value := ">value/day"
	if book {
		value = ">turnover/day"
	}
	return []string{">sr", ">sortino", ">return", ">max drawdown", ">trades/day", value, ">return/mdd", ">return/trade",
		">max position", ">fills"}
}

// figures are the cells of a period's figures, without the fills.
func figures(r stats.Row, book float64) []string {
	amountOf := money
	if book > 0 {
		amountOf = func(x float64) string { return strconv.FormatFloat(100*x, 'f', 3, 64) + " %" }
	}
	cell := func(show func(float64) string, names ...string) string {
		for _, name := range names {
			if x, ok := r.Value(name); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
				return show(x)
			}
		}
		return none
	}
	return []string{cell(ratio, "SR"), cell(ratio, "Sortino"), cell(amountOf, "Return"), cell(func(x float64) string {
		return strings.TrimPrefix(amountOf(x), "+")
	}, "MaxDrawdown"), cell(rounded, "DailyNumberOfTrades"), cell(rounded, "DailyTradingValue", "DailyTurnover"),
		cell(ratio, "ReturnOverMDD"),
		cell(func(x float64) string { return strconv.FormatFloat(100*x, 'f', 4, 64) + " %" }, "ReturnOverTrade"),
		cell(amount, "MaxPositionValue")}
}

func ratio(x float64) string { return thousands(strconv.FormatFloat(x, 'f', 2, 64)) }

// rounded has no decimals unless it is small.
func rounded(x float64) string {
	if math.Abs(x) < 100 {
		return ratio(x)
	}
	return thousands(strconv.FormatFloat(x, 'f', 0, 64))
}

// printDays prints the figures of each part or day, where there are several.
func printDays(w io.Writer, groups []batch.Group, book bool) {
	var rows [][]string
	shown := 0
	for i := range groups {
		g := &groups[i]
		if len(g.Stats) < 3 || shown == maxDayGroups {
			continue
		}
		shown++
		for n := range g.Stats[:len(g.Stats)-1] {
			rows = append(rows, append([]string{g.Name(), g.PartName(n)},
				figures(g.Stats[n], g.Job.Figures.BookSize)...))
		}
	}
	heads := figureHeads(book)
	section(w, columns(append([]string{"run", "day"}, heads[:len(heads)-1]...)...), rows)
}

// printFailures says why runs failed.
func printFailures(w io.Writer, results []batch.JobResult) {
	shown, more := 0, 0
	for i := range results {
		switch r := &results[i]; {
		case r.Status != batch.StatusFailed:
		case shown == maxErrors:
			more++
		default:
			if shown == 0 {
				fmt.Fprintln(w)
			}
			shown++
			fmt.Fprintf(w, "failed: %s: %s\n", r.Name, r.Reason())
		}
	}
	if more > 0 {
		fmt.Fprintf(w, "and %d more, in summary.json\n", more)
	}
}
