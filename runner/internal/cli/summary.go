package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// printSummary prints what a run came to.
func printSummary(w io.Writer, s *host.Summary) {
	fmt.Fprintf(w, "\nended: %s after %s (runner %s)\n", strings.ReplaceAll(string(s.Exit), "_", " "),
		uptime(s.UptimeNs), s.Version)
	var rows [][]string
	for _, c := range s.Connectors {
		rows = append(rows, []string{c.Name, c.Kind, whole(c.Messages), whole(c.Events), whole(c.Gaps),
			whole(c.BadMessages), whole(c.Reconnects)})
	}
	section(w, columns("connector", "kind", ">messages", ">events", ">gaps", ">bad messages", ">reconnects"), rows)
	for _, c := range s.Connectors {
		if c.StoppedStreams > 0 {
			fmt.Fprintf(w, "%s: a book's stream stopped while its connection stayed up, %s\n", c.Name,
				count(int(c.StoppedStreams), "time"))
		}
		for i := range c.Feeds {
			printLines(w, c.Name+" "+c.Feeds[i].Symbol+": ", c.Feeds[i].Lines)
		}
	}
	rows = nil
	for _, st := range s.Strategies {
		rows = append(rows, []string{st.Name, st.Plugin + " " + st.Version, st.State, whole(st.Restarts),
			whole(st.Events), whole(st.LostEvents), whole(st.Resyncs), whole(st.Requests), whole(st.Orders),
			whole(st.Fills), whole(st.Rejects)})
	}
	section(w, columns("strategy", "plugin", "state", ">restarts", ">events", ">lost", ">resyncs", ">requests",
		">orders", ">fills", ">rejects"), rows)
	for _, st := range s.Strategies {
		if st.Reason != "" {
			fmt.Fprintf(w, "%s: %s\n", st.Name, st.Reason)
		}
		for _, p := range st.LeftProcesses {
			fmt.Fprintf(w, "%s: could not be killed, kill it manually: %s\n", st.Name, p)
		}
	}
	for _, p := range s.LeftProcesses {
		fmt.Fprintf(w, "a process of an earlier run could not be killed, kill it manually: %s\n", p)
	}
	rows = nil
	for _, st := range s.Strategies {
		for _, in := range st.Instruments {
			rows = append(rows, []string{st.Name, in.Connector, in.Symbol, decimal(in.Position), price(in.BestBid),
				price(in.BestAsk), whole(in.OpenOrders), decimal(in.TradingVolume), amount(in.TradingValue),
				money(in.Fee), money(in.RealisedPnL), money(in.OpenPnL),
				money(netPnL(in.RealisedPnL, in.OpenPnL, in.Fee))})
		}
	}
	section(w, columns("strategy", "connector", "symbol", ">position", ">bid", ">ask", ">open", ">volume", ">value",
		">fee", ">realised pnl", ">open pnl", ">net pnl"), rows)
	for _, line := range summaryPositions(s) {
		fmt.Fprintln(w, line)
	}
	rows = nil
	for _, st := range s.Strategies {
		rows = append(rows, latencyRow(st.Name, "feed", st.FeedLatencyNs),
			latencyRow(st.Name, "tick to order", st.TickToOrderNs))
		if n := len(st.RestartGapNs); n > 0 {
			gaps := slices.Sorted(slices.Values(st.RestartGapNs))
			rows = append(rows, []string{st.Name, "gap of " + count(n, "hot restart"), latency(gaps[n/2]), none, none,
				latency(gaps[n-1])})
		}
	}
	section(w, columns("strategy", "latency", ">p50", ">p99", ">p99.9", ">max"), rows)
	printOrders(w,
		"These orders may still be open: the venue has not confirmed in time that they are closed. Check at the venue.",
		s.UnconfirmedOrders)
	printOrders(w, "These open orders are of strategies that are not in the configuration; they were left unchanged.",
		s.StrayOrders)
}

// printOrders prints orders that are left, under a line that says why.
func printOrders(w io.Writer, what string, orders []control.OpenOrder) {
	if len(orders) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", what)
	rows := make([][]string, len(orders))
	for i, o := range orders {
		name := o.Strategy
		if name == "" {
			name = none
		}
		rows[i] = []string{name, o.Connector, o.Symbol, o.ClientID, o.Side, price(o.Price), decimal(o.OpenQty)}
	}
	printTable(w, columns("strategy", "connector", "symbol", "client id", "side", ">price", ">open"), rows)
}

func latencyRow(name, what string, p host.Percentiles) []string {
	return []string{name, what, latency(p.P50), latency(p.P99), latency(p.P999), latency(p.Max)}
}

// price returns a price, which is 0 when there is none.
func price(x float64) string {
	if x == 0 {
		return none
	}
	return decimal(x)
}

func section(w io.Writer, cs []column, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(w)
	printTable(w, cs, rows)
}

// summaryFile is where the summary goes, once: at the end of a run, or when it is ended at once.
type summaryFile struct {
	path string // of a file that is there whole or not at all
	mode os.FileMode
	file *os.File // what cannot be that, such as a pipe or /dev/stdout; both are nothing for nowhere
	once sync.Once
}

// createSummary prepares the summary's file before the run, so that a path that cannot be written is known at once. One
// of an earlier run is removed: it is not taken for this one's.
func createSummary(path string) (*summaryFile, error) {
	if path == "" {
		return &summaryFile{}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the summary: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return &summaryFile{file: file}, nil
	}
	if os.Remove(path) != nil { // so another cannot take its place either
		return &summaryFile{file: file}, nil
	}
	return &summaryFile{path: path, mode: info.Mode().Perm()}, file.Close()
}

func (f *summaryFile) write(result *host.Summary) (err error) {
	f.once.Do(func() {
		switch {
		case f.file != nil:
			err = errors.Join(printJSON(f.file, result), f.file.Close())
		case f.path != "":
			err = f.put(result)
		}
		if err != nil {
			err = fmt.Errorf("the summary is not written: %w", err)
		}
	})
	return err
}

// put writes the summary under a name of its own beside the path and gives it its name when it is whole.
func (f *summaryFile) put(result *host.Summary) error {
	name := fmt.Sprintf("%s.%d.new", f.path, os.Getpid())
	_ = os.Remove(name) // what a process of the same number has left, which was killed
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode)
	if err != nil {
		return err
	}
	err = errors.Join(file.Chmod(f.mode), printJSON(file, result), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
