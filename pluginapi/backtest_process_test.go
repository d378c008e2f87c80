package pluginapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// joiner is a strategy that trades: it joins the best prices with one order on each side. It notes through its hook how
// many reports it has seen, which is part of what is compared.
type joiner struct {
	p       joinerParams
	nextID  uint64
	reports int
}

type joinerParams struct {
	Qty         float64       `hcl:"qty" default:"0.01"`
	MaxPosition float64       `hcl:"max_position" default:"0.05"`
	Interval    time.Duration `hcl:"interval" default:"20ms"`
	// FailAfter lets it fail after so many reports.
	FailAfter int `hcl:"fail_after" default:"0"`
}

func (j *joiner) Run(_ context.Context, bot hft.Bot) error {
	for {
		if _, err := bot.Elapse(j.p.Interval); err != nil {
			return err
		}
		bot.ClearInactiveOrders(0)
		book := bot.Depth(0)
		if book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax {
			continue
		}
		for _, side := range []hft.Side{hft.Buy, hft.Sell} {
			if err := j.quote(bot, side); err != nil {
				return err
			}
		}
	}
}

func (j *joiner) quote(bot hft.Bot, side hft.Side) error {
	book := bot.Depth(0)
	price := book.BestBid()
	if side == hft.Sell {
		price = book.BestAsk()
	}
	resting := false
	for o := range bot.Orders(0).All() {
		if o.Side != side {
			continue
		}
		resting = true
		if o.Cancellable() && o.Price() != price {
			if _, err := bot.Cancel(0, o.OrderID, false); err != nil {
				return err
			}
		}
	}
	if resting || float64(side)*bot.Position(0) >= j.p.MaxPosition {
		return nil
	}
	j.nextID++
	_, err := bot.SubmitOrder(0, hft.OrderRequest{OrderID: j.nextID, Price: price, Qty: j.p.Qty, Side: side,
		TimeInForce: hft.GTX}, false)
	return err
}

func (j *joiner) OnOrder(_, next *hft.Order) error {
	if j.reports++; j.reports == j.p.FailAfter {
		return fmt.Errorf("report %d is of order %d", j.reports, next.OrderID)
	}
	return nil
}

func joinerPlugin() Plugin[joinerParams] {
	return Plugin[joinerParams]{Name: "joiner", Version: "1.0.0", New: func(p joinerParams) (Strategy, error) {
		return &joiner{p: p}, nil
	}}
}

// sampleSpec is a backtest of a minute, from a file.
func sampleSpec(t testing.TB) backtest.Spec {
	t.Helper()
	return specOf(t, sampletest.BTC(t).Events)
}

func specOf(t testing.TB, rows []hft.Event) backtest.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "day.npy")
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows)))
	if err == nil {
		err = errors.Join(w.Write(rows), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return backtest.Spec{RecordIntervalNs: int64(100 * time.Millisecond), Assets: []backtest.AssetSpec{{
		Connector: "sim", Symbol: "BTCUSDT", TickSize: depthtest.BTCTickSize, LotSize: depthtest.BTCLotSize,
		Depth: "window",
		Files: []string{path}, Type: "linear", ContractSize: 1,
		Exchange: backtest.ExchangeSpec{Model: "partial_fill", Queue: "power_prob3", QueueN: 3,
			Latency: backtest.LatencySpec{EntryNs: 10_000_000, ResponseNs: 5_000_000}},
		Fee: backtest.FeeSpec{Model: "value", Maker: -0.00005, Taker: 0.0007},
	}}}
}

// rowKeeper observes as a library's user does.
type rowKeeper struct{ collector }

func (k *rowKeeper) OnRecord(row *backtest.RecordRow) { k.records = append(k.records, *row) }
func (k *rowKeeper) OnOrder(row *backtest.OrderRow)   { k.orders = append(k.orders, *row) }
func (k *rowKeeper) OnFill(row *backtest.FillRow)     { k.fills = append(k.fills, *row) }

// asLibrary runs the joiner in this process.
func asLibrary(t testing.TB, spec backtest.Spec, params string) (backtest.Result, *rowKeeper, error) {
	t.Helper()
	b, err := backtest.FromSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	var k rowKeeper
	result, err := Backtest(t.Context(), joinerPlugin(), json.RawMessage(params), b.Observer(&k))
	return result, &k, err
}

// launchJoiner starts the joiner as a plugin.
func launchJoiner(t testing.TB) *control.Process {
	t.Helper()
	spawner := control.NewSpawner()
	p, err := control.Launch(t.Context(), control.LaunchConfig{Spawner: spawner, Path: os.Args[0],
		Args: []string{"joiner"}, StartTimeout: time.Minute})
	if err != nil {
		t.Fatal(errors.Join(err, spawner.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), spawner.Close()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func job(t testing.TB, spec backtest.Spec, params string) control.BacktestJob {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return control.BacktestJob{StrategyName: "joiner", Params: json.RawMessage(params), Spec: text}
}

// TestProcessAndLibraryAgree: row by row, whether the strategy ends well or not.
func TestProcessAndLibraryAgree(t *testing.T) {
	spec := sampleSpec(t)
	p := launchJoiner(t)
	for _, c := range []struct {
		params string
		end    backtest.End
	}{{`{}`, backtest.EndOfData}, {`{"fail_after": 500}`, backtest.EndError}} {
		want, rows, err := asLibrary(t, spec, c.params)
		if want.End != c.end || (err != nil) != (c.end == backtest.EndError) || len(rows.orders) < 500 ||
			len(rows.fills) == 0 || len(rows.records) == 0 {
			t.Fatalf("%s: as a library: %v, %d orders, %d fills, %d records, %v", c.params, want.End, len(rows.orders),
				len(rows.fills), len(rows.records), err)
		}
		var c2 collector
		if err := p.Backtest(t.Context(), job(t, spec, c.params), c2.take); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows.orders, c2.orders) || !slices.Equal(rows.fills, c2.fills) ||
			fmt.Sprint(rows.records) != fmt.Sprint(c2.records) {
			t.Errorf("%s: rows differ: %d and %d orders, %d and %d fills, %d and %d records", c.params,
				len(rows.orders), len(c2.orders), len(rows.fills), len(c2.fills), len(rows.records), len(c2.records))
		}
		if len(c2.results) != 1 || fmt.Sprintf("%+v", c2.results[0]) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: results differ:\n%+v\n%+v", c.params, want, c2.results)
		}
	}
}

func TestProcessIsCancelled(t *testing.T) {
	spec := sampleSpec(t)
	spec.Assets[0].Files = slices.Repeat(spec.Assets[0].Files, 200) // for minutes
	spec.AllowUnsorted = true
	p := launchJoiner(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := p.Backtest(ctx, job(t, spec, `{}`), func(u control.BacktestUpdate) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled backtest: %v", err)
	}
	// The process is as good as new: the strategy has obeyed.
	var c collector
	if err := p.Backtest(t.Context(), job(t, sampleSpec(t), `{}`), c.take); err != nil || len(c.results) != 1 {
		t.Errorf("the next one: %d results, %v", len(c.results), err)
	}
}

func TestBacktestOfALibraryEnds(t *testing.T) {
	spec := sampleSpec(t)
	if _, _, err := asLibrary(t, spec, `{"qty": "much", "qyt": 1}`); err == nil {
		t.Error("wrong parameters passed")
	} else if errs := (control.ParamErrors)(nil); !errors.As(err, &errs) || len(errs) != 2 {
		t.Errorf("wrong parameters: %v", err)
	}
	if _, err := Backtest(t.Context(), joinerPlugin(), nil, backtest.NewBuilder()); err == nil {
		t.Error("a backtest of nothing ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, err := backtest.FromSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	if result, err := Backtest(ctx, joinerPlugin(), nil, b); err != nil || result.End != backtest.EndInterrupted {
		t.Errorf("a cancelled one: %v, %v", result.End, err)
	}
}

// BenchmarkBacktest is the recorded day with all rows going to another process, and in this one without.
func BenchmarkBacktest(b *testing.B) {
	day := depthtest.RecordedBTC(b).Events
	spec, rows := specOf(b, day), float64(len(day))
	b.Run("process", func(b *testing.B) {
		p, j := launchJoiner(b), job(b, spec, `{}`)
		for b.Loop() {
			if err := p.Backtest(context.Background(), j,
				func(control.BacktestUpdate) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			builder, err := backtest.FromSpec(spec)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := Backtest(context.Background(), joinerPlugin(), nil, builder); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
