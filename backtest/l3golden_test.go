package backtest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/sim"
)

// l3File unpacks the reference's feed by order into an event file.
func l3File(tb testing.TB) string {
	tb.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(datatest.Golden(tb, "l3.events.npy.gz")))
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "l3.npy")
	file, err := os.Create(path)
	if err == nil {
		_, err = file.ReadFrom(unzipped)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// The reference's runs over a feed by order give the same order and state logs, byte for byte.
func TestL3RunsEqualReference(t *testing.T) {
	path := l3File(t)
	lines := readSummary(t, "l3.summary.csv")
	for _, s := range lines {
		t.Run(s["run"], func(t *testing.T) {
			bot, script := l3Run(t, path, sim.Hftbacktest, s)
			g := script.log
			result := script.run(s["strategy"])
			v := bot.StateValues(0)
			got := fmt.Sprintf("%s at %d, %d requests, %d lines %016x, states %016x, %s|%s|%s|%d|%s|%s", result,
				bot.CurrentTimestampNs(), g.requests, g.orderLines, g.orders.Sum64(), g.states.Sum64(),
				number(v.Position), number(v.Balance), number(v.Fee), v.NumTrades, number(v.TradingVolume),
				number(v.TradingValue))
			want := fmt.Sprintf("%s at %s, %s requests, %s lines %s, states %s, %s", s["result"], s["end_ts"],
				s["requests"], s["lines"], s["order_log_fnv"], s["state_fnv"], s["final_state"])
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
	if len(lines) != 18 {
		t.Errorf("%d runs", len(lines))
	}
}

// l3Run is a run of the reference over its feed by order.
func l3Run(tb testing.TB, path string, compat sim.Compat, s summary) (backtest.Backtest, *scripted) {
	tb.Helper()
	latency, err := sim.NewConstantLatency(time.Duration(s.float(tb, "latency_entry")),
		time.Duration(s.float(tb, "latency_resp")))
	if err != nil {
		tb.Fatal(err)
	}
	g := newGolden()
	g.byOrder, g.before = true, map[uint64]hft.Order{}
	bot := build(tb, backtest.NewBuilder().Compat(compat).Observer(g).AddAsset(backtest.NewAsset("L3").
		Data(backtest.File(path)).Book("hashmap", 0.1, 1).Exchange(backtest.L3FIFO).Latency(latency, latency).
		Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}).LastTrades(1000)))
	g.bot = bot
	return bot, &scripted{bot: bot, log: g, offset: int64(s.float(tb, "offset")), qty: 2,
		symbol: []instrument{{0.1, 1, 1}}}
}

// In the fixed mode both sides of a run by order agree at the end, and orders inside the spread fill more often (Q38).
func TestL3Fixed(t *testing.T) {
	path := l3File(t)
	for _, s := range readSummary(t, "l3.summary.csv") {
		if s["offset"] != "1" || s["latency_entry"] == "0" {
			continue
		}
		bot, script := l3Run(t, path, sim.Fixed, s)
		script.run(s["strategy"])
		r := bot.Finish(nil).Assets[0]
		if r.Local != r.Exchange {
			t.Errorf("%s: the bot's account is %+v, the exchange's %+v", s["run"], r.Local, r.Exchange)
		}
		theirs := int64(s.float(t, "filled"))
		if taker := s["strategy"] == "taker"; taker && r.Local.NumTrades != theirs ||
			!taker && r.Local.NumTrades <= theirs {
			t.Errorf("%s: %d executions, %d of the reference", s["run"], r.Local.NumTrades, theirs)
		}
	}
}
