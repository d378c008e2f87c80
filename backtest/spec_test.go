package backtest_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/sim"
)

func validSpec(tb testing.TB) backtest.Spec {
	return backtest.Spec{RecordIntervalNs: 1e9, Assets: []backtest.AssetSpec{{Connector: "sim", Symbol: "BTCUSDT",
		TickSize: depthtest.BTCTickSize, LotSize: depthtest.BTCLotSize, Depth: "window", LastTrades: 10, Type: "linear",
		ContractSize: 1, Files: []string{writeEvents(tb, filepath.Join(tb.TempDir(), "day.npz"),
			sampletest.BTC(tb).Events)}, Exchange: backtest.ExchangeSpec{Model: "partial_fill", Queue: "power_prob3",
			QueueN: 3, Latency: backtest.LatencySpec{EntryNs: 1e6,
				ResponseNs: 1e6}, CancelLatency: &backtest.LatencySpec{EntryNs: 3e6, ResponseNs: 1e6}},
		Fee: backtest.FeeSpec{Model: "value", Maker: -0.00005, Taker: 0.0007}}}}
}

// What was made of a description runs as what was made by hand, also after a trip through JSON.
func TestSpecEqualsBuilder(t *testing.T) {
	spec := validSpec(t)
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var read backtest.Spec
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, spec) {
		t.Fatalf("%+v, %v", read, err)
	}
	described, err := backtest.FromSpec(read)
	if err != nil {
		t.Fatal(err)
	}
	usual, _ := sim.NewConstantLatency(time.Millisecond, time.Millisecond)
	cancel, _ := sim.NewConstantLatency(3*time.Millisecond, time.Millisecond)
	latency := sim.PerRequestLatency{New: usual, Modify: usual, Cancel: cancel}
	byHand := backtest.NewBuilder().RecordInterval(time.Second).
		AddAsset(backtest.NewAsset("BTCUSDT").Data(backtest.File(spec.Assets[0].Files[0])).
			Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize).Exchange(backtest.PartialFill).
			Queue(goldenQueue("pow3")).
			Latency(latency, latency).Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}).LastTrades(10))
	var logs []uint64
	var results []backtest.Result
	for _, b := range []*backtest.Builder{described, byHand} {
		g, watch := newGolden(), &watcher{}
		bot := build(t, b.Observer(tee{g, watch}))
		script := &scripted{bot: bot, log: g, qty: 0.01, symbol: []instrument{{depthtest.BTCTickSize,
			depthtest.BTCLotSize, 1}}}
		script.run("modify")
		results, logs = append(results, bot.Finish(nil)), append(logs, g.orders.Sum64())
		if len(watch.records) < 20 || watch.records[0].Record.TimestampNs%1e9 != 0 {
			t.Errorf("%d records, the first %+v", len(watch.records), watch.records[0])
		}
	}
	if logs[0] != logs[1] || !reflect.DeepEqual(results[0], results[1]) {
		t.Errorf("results differ:\n%+v\n%+v", results[0], results[1])
	}
	if r := results[0].Assets[0]; r.Counts.Fills < 10 || r.FeedLatency.Count < 100 || r.RoundTrip.P50Ns < 1.9e6 ||
		r.RoundTrip.P50Ns > 4.1e6 || len(r.RoundTrip.Buckets) == 0 {
		t.Errorf("result %+v", r)
	}
}

func TestSpecErrors(t *testing.T) {
	dir := t.TempDir()
	empty := writeEvents(t, filepath.Join(dir, "empty.npz"), nil)
	noFlags := writeEvents(t, filepath.Join(dir, "flags.npy"), []hft.Event{{Ev: hft.DepthEvent}})
	cut := filepath.Join(dir, "cut.npy")
	content, err := os.ReadFile(writeEvents(t, filepath.Join(dir, "whole.npy"), sampletest.BTC(t).Events[:1000]))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, content[:len(content)-30], 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*backtest.Spec, *backtest.AssetSpec){
		`compat "new"`:             func(s *backtest.Spec, _ *backtest.AssetSpec) { s.Compat = "new" },
		`exchange model "x"`:       func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Exchange.Model = "x" },
		`queue "fifo"`:             func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Exchange.Queue = "fifo" },
		"queue_n is 0":             func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Exchange.QueueN = 0 },
		`fee model "free"`:         func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Fee.Model = "free" },
		"flat fee":                 func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Fee = backtest.FeeSpec{Model: "flat", Buyer: 1} },
		`asset type "quanto"`:      func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Type = "quanto" },
		"contract size 0":          func(_ *backtest.Spec, a *backtest.AssetSpec) { a.ContractSize = 0 },
		"tick size":                func(_ *backtest.Spec, a *backtest.AssetSpec) { a.TickSize = 0 },
		`book "tree"`:              func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Depth = "tree" },
		"last trades 1000000000":   func(_ *backtest.Spec, a *backtest.AssetSpec) { a.LastTrades = 1e9 },
		"no data":                  func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Files = nil },
		"missing.npz":              func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Files = []string{"missing.npz"} },
		"there are no rows in":     func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Files = []string{empty} },
		"rows need the flag EXCH":  func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Files = []string{noFlags} },
		"cut.npy":                  func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Files = []string{cut} },
		"response latency is -1ns": func(_ *backtest.Spec, a *backtest.AssetSpec) { a.Exchange.Latency.ResponseNs = -1 },
		"modify latency: ": func(_ *backtest.Spec, a *backtest.AssetSpec) {
			a.Exchange.ModifyLatency = &backtest.LatencySpec{Files: []string{"no.npz"}}
		},
		"is not after the exchange": func(_ *backtest.Spec, a *backtest.AssetSpec) { a.FeedLatencyOffsetNs = -1e12 },
		"the period from 5 to 4":    func(s *backtest.Spec, _ *backtest.AssetSpec) { s.FromNs, s.ToNs = 5, 4 },
		"no asset":                  func(s *backtest.Spec, _ *backtest.AssetSpec) { s.Assets = nil },
	} {
		spec := validSpec(t)
		change(&spec, &spec.Assets[0])
		b, err := backtest.FromSpec(spec)
		if err == nil {
			var bot backtest.Backtest
			if bot, err = b.Build(); err == nil {
				_, err = bot.Elapse(time.Hour)
				bot.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// A period starts with the books as they are and ends like the data.
func TestPeriod(t *testing.T) {
	rows := sampletest.BTC(t).Events
	startNs := rows[0].ExchTimestampNs
	fromNs, toNs := startNs+20e9, startNs+50e9
	watch := &watcher{}
	bot := build(t, backtest.NewBuilder().Period(fromNs, toNs).RecordInterval(time.Second).Observer(watch).
		AddAsset(newAsset(t, rows).Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize)))
	if bot.CurrentTimestampNs() != fromNs {
		t.Errorf("the bot starts at %d, want %d", bot.CurrentTimestampNs(), fromNs)
	}
	want(t, hft.ElapseOk)(bot.Elapse(0))
	if book := bot.Depth(0); book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax ||
		len(bot.LastTrades(0)) != 0 {
		t.Errorf("book %v %v, %d trades at the start", book.BestBid(), book.BestAsk(), len(bot.LastTrades(0)))
	}
	want(t, hft.ElapseOk)(bot.Elapse(29 * time.Second))
	wantEnd(t)(bot.Elapse(2 * time.Second))
	wantEnd(t)(bot.Elapse(2 * time.Second))
	if now := bot.CurrentTimestampNs(); now < toNs-1e9 || now >= toNs {
		t.Errorf("the bot ends at %d, the period at %d", now, toNs)
	}
	r := bot.Finish(nil)
	if r.End != backtest.EndOfData || r.StartNs != fromNs || len(watch.records) < 29 || len(watch.records) > 32 {
		t.Errorf("result %v from %d, %d records", r.End, r.StartNs, len(watch.records))
	}
}

// A bot that is interrupted comes back at once and says so.
func TestInterrupt(t *testing.T) {
	bot := build(t, backtest.NewBuilder().AddAsset(newAsset(t, nil).
		Data(backtest.Repeated(sampletest.BTC(t).Events, 1000)).
		Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize)))
	go func() {
		for bot.Progress().Rows == 0 {
			time.Sleep(time.Millisecond)
		}
		bot.Interrupt()
	}()
	_, err := bot.Elapse(hft.UntilEndOfData)
	if !errors.Is(err, hft.ErrInterrupted) {
		t.Errorf("error is %v", err)
	}
	if _, err := bot.WaitNextFeed(true, time.Second); !errors.Is(err, hft.ErrInterrupted) {
		t.Errorf("then %v", err)
	}
	if r := bot.Finish(err); r.End != backtest.EndInterrupted || r.Error != "" || r.Rows == 0 ||
		r.Rows > 1000*int64(len(sampletest.BTC(t).Events))/2 {
		t.Errorf("result %v %q after %d rows", r.End, r.Error, r.Rows)
	}
}

// The recorder's file is read back as it was written.
func TestRecorderFile(t *testing.T) {
	bot := build(t, backtest.NewBuilder().AddAsset(newAsset(t, market())).AddAsset(newAsset(t, market())))
	recorder := backtest.NewRecorder(2, 1)
	for range 5 {
		want(t, hft.ElapseOk)(bot.Elapse(100))
		if err := recorder.Record(bot); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "r.npz")
	if err := recorder.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	r, err := npy.OpenMember[backtest.Record](path, "1.npy", npy.RecordDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := make([]backtest.Record, 10)
	if n, _ := r.Read(rows); !reflect.DeepEqual(rows[:n], recorder.Rows(1)) || n != 5 || rows[0].Price != 100 {
		t.Errorf("read %d rows: %+v", n, rows[:n])
	}
	if err := backtest.NewRecorder(1, 1).Record(bot); err == nil {
		t.Error("a recorder takes a bot of another size")
	}
}

func TestRowsTravel(t *testing.T) {
	rows := []backtest.OrderRow{{TimestampNs: 5, AssetNo: 1, Kind: backtest.OrderCancel, Reject: sim.RejectLost,
		Order: hft.NewOrder(7, 100, 0.1, 2, hft.Sell, hft.Market, hft.IOC)}, {TimestampNs: 6}}
	got, err := backtest.DecodeRows[backtest.OrderRow](backtest.AppendRows(nil, rows))
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := backtest.DecodeRows[backtest.FillRow](make([]byte, 13)); err == nil {
		t.Error("13 bytes are rows")
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add(backtest.AppendRows(nil, []backtest.FillRow{{OrderID: 3}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := backtest.DecodeRows[backtest.FillRow](data)
		if err == nil && len(rows) > 0 && len(backtest.AppendRows(nil, rows)) != len(data) {
			t.Errorf("%d rows of %d bytes", len(rows), len(data))
		}
	})
}

func TestInstrument(t *testing.T) {
	for want, asset := range map[float64]sim.AssetType{1: sim.LinearAsset(1), 0.001: sim.LinearAsset(0.001),
		100: sim.InverseAsset(100)} {
		a := backtest.NewAsset("BTCUSD").Connector("sim").Data(backtest.Rows(market())).Book("window", 0.5, 2).
			AssetType(asset)
		bot := build(t, backtest.NewBuilder().AddAsset(a))
		if got := bot.Instrument(0); got != (hft.Instrument{Connector: "sim", Symbol: "BTCUSD", TickSize: 0.5,
			LotSize: 2, ContractSize: want}) {
			t.Errorf("%+v, want contract size %v", got, want)
		}
	}
}
