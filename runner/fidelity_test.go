package runner

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

// bothConfig is a strategy for a replay at full speed and a backtest of the same recordings.
const bothConfig = `
runner {
  plugin_dir = %q
  state_dir  = %q
}
connector "paper" "day" {
  replay {
    format       = "binancefutures"
    files        = { %s }
    speed        = "max"
    base_latency = "1ms"
  }
  exchange {
    model            = "partial_fill"
    queue            = "power_prob3"
    order_latency    = "5ms"
    response_latency = "3ms"
  }
  fee {
    maker = -0.00005
    taker = 0.0007
  }
}
`

// bothStrategies are those that trade; %[1]q is the recording of BTCUSDT, %[2]q that of ETHUSDT.
var bothStrategies = map[string]string{
	"gridtrading": `strategy "gridtrading" {
  plugin = "gridtrading"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    relative_half_spread   = 0.0001
    relative_grid_interval = 0.0001
    grid_num               = 10
    skew                   = 0.00002
    order_qty              = 0.01
    max_position           = 0.1
  }
  backtest {
    data "BTCUSDT" {
      files        = %[1]q
      base_latency = "1ms"
    }
  }
}
`,
	"obimm": `strategy "obimm" {
  plugin = "obimm"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "day" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  params {
    half_spread = 0.0001
    order_value = 600
  }
  backtest {
    data "BTCUSDT" {
      files        = %[1]q
      base_latency = "1ms"
    }
    data "ETHUSDT" {
      files        = %[2]q
      base_latency = "1ms"
    }
  }
}
`}

// TestReplayIsABacktest: a strategy sends the same requests and gets the same answers and fills at the same times, whether its
// recordings are replayed at full speed, by the host with processes and shared memory, or converted and run as a backtest.
func TestReplayIsABacktest(t *testing.T) {
	const btc, eth = "btcusdt_20240808.gz", "ethusdt_20240808.gz"
	for strategy := range bothStrategies {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			t.Run("sample", func(t *testing.T) {
				btc, eth := sampletest.Path(t, "binancefutures", "BTCUSDT"), sampletest.Path(t, "binancefutures", "ETHUSDT")
				if os.Getenv("HFTRUNNER_LONG") == "" {
					btc, eth = beginning(t, btc), beginning(t, eth)
				}
				replayAsBacktest(t, strategy, btc, eth)
			})
			t.Run("recorded", func(t *testing.T) {
				onlyLong(t)
				replayAsBacktest(t, strategy, datatest.Recording(t, "binancefutures", btc), datatest.Recording(t, "binancefutures", eth))
			})
		})
	}
}

// beginning makes a recording of the first lines of one.
func beginning(t *testing.T, recording string) string {
	t.Helper()
	var lines []string
	for _, l := range scantest.Lines(t, recording, 11_000) {
		lines = append(lines, fmt.Sprintf("%d %s", l.LocalTimestampNs, l.Message))
	}
	path := filepath.Join(t.TempDir(), "beginning.gz")
	if err := os.WriteFile(path, gzipped(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func replayAsBacktest(t *testing.T, strategy, btc, eth string) {
	bin, _ := build(t)
	state, err := os.MkdirTemp("", "runner") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	files, trades := fmt.Sprintf("BTCUSDT = %q", btc), bothStrategies[strategy]
	if trades = fmt.Sprintf(trades, btc); strategy == "obimm" {
		files, trades = files+fmt.Sprintf(", ETHUSDT = %q", eth), fmt.Sprintf(bothStrategies[strategy], btc, eth)
	}
	text := fmt.Sprintf(bothConfig, filepath.Join(bin, "plugins"), state, files) + trades
	replayed := replayRows(t, text)
	backtested := backtestRows(t, text, strategy)
	if len(backtested) < 500 || !slices.ContainsFunc(backtested, func(row string) bool { return strings.HasPrefix(row, "F") }) {
		t.Fatalf("%d rows in the backtest: that shows little", len(backtested))
	}
	wrong, first := max(len(replayed), len(backtested))-min(len(replayed), len(backtested)), -1
	for i := range min(len(replayed), len(backtested)) {
		if replayed[i] != backtested[i] {
			if wrong++; first < 0 {
				first = i
			}
		}
	}
	t.Logf("%d rows in the replay, %d in the backtest, %d differ", len(replayed), len(backtested), wrong)
	if wrong == 0 {
		return
	}
	if first < 0 {
		first = min(len(replayed), len(backtested))
	}
	excerpt := func(rows []string) string { return strings.Join(rows[max(0, first-3):min(len(rows), first+5)], "\n  ") }
	t.Errorf("from row %d on:\nreplay\n  %s\nbacktest\n  %s", first, excerpt(replayed), excerpt(backtested))
}

// watched is a connector between which and the host everything about orders is written down.
type watched struct {
	connector.Connector
	connector.Timeliner

	mu    sync.Mutex
	ended bool
	rows  []string
}

func (w *watched) add(row string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.rows = append(w.rows, row)
	}
}

func requestRow(kind string, ns int64, assetNo int, o *hft.Order) string {
	return fmt.Sprintf("%s %d asset %d order %d %v %d ticks %v", kind, ns, assetNo, o.OrderID, int(o.Side), o.PriceTick, o.Qty)
}

func (w *watched) Submit(o connector.Order) {
	w.add(requestRow("S", o.LocalTimestampNs, o.InstrumentNo, &o.Order))
	w.Connector.Submit(o)
}

func (w *watched) Cancel(o connector.Order) {
	w.add(requestRow("C", o.LocalTimestampNs, o.InstrumentNo, &o.Order))
	w.Connector.Cancel(o)
}

func (w *watched) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	err := w.Connector.Run(ctx, &watchedSink{sink, w, clock}, clock)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true // what follows is the host's end
	return err
}

type watchedSink struct {
	connector.Sink
	w     *watched
	clock connector.Clock
}

func responseRow(ns int64, assetNo int, o *hft.Order) string {
	return requestRow("R", ns, assetNo, o) + fmt.Sprintf(" leaves %v executed %v at %d status %d request %d maker %s at %d of %d", o.LeavesQty, o.ExecQty,
		o.ExecPriceTick, o.Status, o.Req, map[bool]string{false: "0", true: "1"}[o.Maker], o.ExchTimestampNs, o.LocalTimestampNs)
}

func fillRow(exchNs, localNs, assetNo, side, orderID, price, qty, value, fee string) string {
	return strings.Join([]string{"F", localNs, "asset", assetNo, "order", orderID, side, price, qty, "value", value, "fee", fee, "at", exchNs}, " ")
}

func (s *watchedSink) Order(u *connector.OrderUpdate) {
	if u.Fill {
		s.w.add(fillRow(fmt.Sprint(u.ExchTimestampNs), fmt.Sprint(s.clock.NowNs()), fmt.Sprint(u.InstrumentNo), map[hft.Side]string{hft.Buy: "buy", hft.Sell: "sell"}[u.Side],
			fmt.Sprint(u.OrderID), fmt.Sprint(u.ExecPrice()), fmt.Sprint(u.ExecQty), fmt.Sprint(u.FillValue), fmt.Sprint(u.FillFee)))
	}
	s.w.add(responseRow(s.clock.NowNs(), u.InstrumentNo, &u.Order.Order))
	s.Sink.Order(u)
}

// replayRows runs the configuration as `runner run` does.
func replayRows(t *testing.T, text string) []string {
	cfg, err := hostConfig(t.Context(), writeConfig(t, text), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	made := cfg.Connectors[0].Connector
	w := &watched{Connector: made, Timeliner: made.(connector.Timeliner)}
	cfg.Connectors[0].Connector = w
	h, err := host.New(cfg, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Run(t.Context()); err != nil || exit != host.ExitEndOfData {
		t.Fatalf("the replay: %v, %v", exit, err)
	}
	return w.rows
}

// backtestRows runs the configuration's backtest, as a user does.
func backtestRows(t *testing.T, text, strategy string) (rows []string) {
	dir := t.TempDir()
	path := filepath.Join(dir, "runner.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Args = []string{"runner", "backtest", strategy, "--config", path, "--out", filepath.Join(dir, "results")}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results := filepath.Join(dir, "results", strategy)
	fills := readTable(t, results, "fills.csv")
	for _, r := range readTable(t, results, "orders.csv") {
		if r["kind"] != "R" {
			rows = append(rows, r["kind"]+" "+r["ts"]+fmt.Sprintf(" asset %s order %s %s %s ticks %s", r["asset"], r["order_id"], r["side"], r["price_tick"], r["qty"]))
			continue
		}
		if len(fills) > 0 && fills[0]["local_ts"] == r["ts"] && fills[0]["order_id"] == r["order_id"] && fills[0]["exch_ts"] == r["exch_ts"] {
			f := fills[0]
			rows, fills = append(rows, fillRow(f["exch_ts"], f["local_ts"], f["asset"], f["side"], f["order_id"], f["price"], f["qty"], f["value"], f["fee"])), fills[1:]
		}
		rows = append(rows, fmt.Sprintf("R %s asset %s order %s %s %s ticks %s leaves %s executed %s at %s status %s request %s maker %s at %s of %s", r["ts"], r["asset"],
			r["order_id"], r["side"], r["price_tick"], r["qty"], r["leaves_qty"], r["exec_qty"], r["exec_price_tick"], r["status"], r["req"], r["maker"],
			r["exch_ts"], r["req_ts"]))
	}
	if len(fills) > 0 {
		t.Errorf("%d fills have no response, the first is %v", len(fills), fills[0])
	}
	return rows
}

// readTable reads a file of rows with a header.
func readTable(t *testing.T, dir, name string) (table []map[string]string) {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("%s: %d lines, %v", name, len(lines), err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		table = append(table, row)
	}
	return table
}
