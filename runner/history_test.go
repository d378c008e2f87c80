package runner

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// historyFill is an execution as `runner fills` says it.
type historyFill struct {
	Sequence    uint64
	OrderID     uint64 `json:"order_id"`
	Side        string
	Price, Qty  float64
	Value, Fee  float64
	Maker       bool
	Realised    float64
	ExecutionID string `json:"execution_id"`
	ClientID    string `json:"client_id"`
}

// answers of the history's commands.
type (
	fillsAnswer struct{ Fills []historyFill }
	pnlAnswer   struct {
		PnL []struct {
			Fills                              int64
			TradedValue                        float64 `json:"traded_value"`
			Realised, Fees, Funding, Net, Open float64
			Currency                           string
		}
	}
	ordersAnswer struct {
		Orders []struct {
			Sequence uint64
			Fills    int64
			Open     bool
			Status   string
			ExecQty  float64 `json:"exec_qty"`
			Fees     float64
		}
		Total uint64
	}
	statementAnswer struct {
		Positions []struct {
			Realised, Fees  float64
			ClosingPosition float64 `json:"closing_position"`
			Executions      int64
		}
	}
	whyAnswer struct {
		Steps []struct {
			Step     string
			AfterNs  int64 `json:"after_ns"`
			Sequence uint64
		}
		TotalNs int64 `json:"total_ns"`
	}
)

// TestHistoryOfALiveRun: executions are the exchange's own, sums are those of the host's summary, while it runs and
// after; a database made again answers the same, and the parts of an order's way are the whole.
func TestHistoryOfALiveRun(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.liveConfig(""))
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "three executions in the history", out, func() bool {
		var fills fillsAnswer
		text, code := w.output("fills", "--output", "json")
		return code == 0 && json.Unmarshal([]byte(text), &fills) == nil && len(fills.Fills) >= 3
	})
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	state, err := e.State(testexchange.BinanceFutures)
	if err != nil {
		t.Fatal(err)
	}
	s := w.summary()
	st, in := s.Strategies[0], s.Strategies[0].Instruments[0]

	var fills fillsAnswer
	w.answer(&fills, "fills")
	if len(fills.Fills) != len(state.Executions) || uint64(len(fills.Fills)) != st.Fills {
		t.Fatalf("%d executions, the exchange has %d, the host %d", len(fills.Fills), len(state.Executions), st.Fills)
	}
	for _, f := range fills.Fills {
		i := slices.IndexFunc(state.Executions, func(x venue.ExecutionState) bool {
			return strconv.FormatInt(x.TradeID, 10) == f.ExecutionID || strconv.FormatInt(x.ID, 10) == f.ExecutionID
		})
		if i < 0 {
			t.Fatalf("the exchange does not have %+v", f)
		}
		x := state.Executions[i]
		if !strings.EqualFold(x.Side, f.Side) || x.ClientID != f.ClientID || x.Maker != f.Maker ||
			figure(t, x.Price) != f.Price || figure(t, x.Qty) != f.Qty || math.Abs(figure(t, x.Fee)-f.Fee) > 1e-9 {
			t.Errorf("%+v, the exchange has %+v", f, x)
		}
	}
	var pnl pnlAnswer
	var statement statementAnswer
	var orders ordersAnswer
	w.answer(&pnl, "pnl", "--by", "symbol")
	w.answer(&statement, "statement")
	w.answer(&orders, "orders")
	if len(pnl.PnL) != 1 || len(statement.Positions) != 1 {
		t.Fatalf("%+v %+v", pnl, statement)
	}
	sum, position := pnl.PnL[0], statement.Positions[0]
	for what, x := range map[string][2]float64{"realised": {sum.Realised, in.RealisedPnL}, "fees": {sum.Fees, in.Fee},
		"traded": {sum.TradedValue, in.TradingValue}, "net": {sum.Net, in.RealisedPnL - in.Fee},
		"realised in the statement": {position.Realised, in.RealisedPnL}, "position": {position.ClosingPosition,
			in.Position},
		"orders": {float64(orders.Total), float64(st.Orders)}} {
		if math.Abs(x[0]-x[1]) > 1e-6 {
			t.Errorf("%s: the history has %v, the host %v", what, x[0], x[1])
		}
	}
	explained := 0
	for _, o := range orders.Orders {
		if o.Open {
			t.Errorf("%+v is open", o)
		}
		var why whyAnswer
		if o.Fills == 0 || explained == 10 { // some are enough
			continue
		}
		explained++
		w.answer(&why, "why", "@"+strconv.FormatUint(o.Sequence, 10))
		var total int64
		executions := int64(0)
		var names []string
		for _, x := range why.Steps {
			total += x.AfterNs
			names = append(names, x.Step)
			if x.Step == "execution" {
				executions++
			}
		}
		if total != why.TotalNs || total <= 0 || executions != o.Fills {
			t.Errorf("%+v: %+v", o, why)
		}
		// The parts are in their order; of answer and execution either may come first.
		if !slices.Equal(names[:min(len(names), 4)], []string{"event", "strategy", "request", "sent"}) ||
			!slices.Contains(names, "answered") {
			t.Errorf("%+v: its way lacks something: %v", o, names)
		}
	}
	text, code := w.output("journal", "latency", "--out", "latency.npz")
	if code != 0 || !strings.Contains(text, "latency.npz: ") || !strings.Contains(text, " rows, 0 rejected") {
		t.Errorf("exit code %d: %s", code, text)
	}
	w.sameAgain("fills", "orders", "events", "pnl", "statement")

	// What the host does before a part of the journal is removed.
	if err := os.Remove(filepath.Join(w.state, history.DBName)); err != nil {
		t.Fatal(err)
	}
	if err := updateHistory(t.Context(), w.state); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.state, history.DBName)); err != nil {
		t.Error(err)
	}
}

// answer runs a command that answers with JSON.
func (w *workspace) answer(v any, args ...string) {
	w.t.Helper()
	if code := w.json(v, append(args, "--output", "json")...); code != 0 {
		w.t.Fatalf("%v: exit code %d", args, code)
	}
}

// sameAgain fails unless commands answer the same from a new database.
func (w *workspace) sameAgain(commands ...string) {
	w.t.Helper()
	before := make(map[string]string)
	for _, c := range commands {
		before[c], _ = w.output(c)
	}
	for _, ending := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(filepath.Join(w.state, history.DBName+ending))
	}
	for _, c := range commands {
		if after, code := w.output(c); after != before[c] || code != 0 {
			w.t.Errorf("%s: exit code %d, answers\n%s\nbefore\n%s", c, code, after, before[c])
		}
	}
}

// figure reads a number of the exchange.
func figure(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
