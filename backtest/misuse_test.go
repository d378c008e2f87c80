package backtest_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// panicText returns what f panics with, nothing if it does not.
func panicText(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// TestTwoGoroutines: while one goroutine is within a call, another's calls panic, with a text that says which and what
// to do.
func TestTwoGoroutines(t *testing.T) {
	bot := newMisused(t)
	leave := backtest.Within(bot)
	for name, f := range map[string]func(){
		"Elapse":              func() { _, _ = bot.Elapse(time.Hour) },
		"ElapseBT":            func() { _, _ = bot.ElapseBT(time.Hour) },
		"WaitNextFeed":        func() { _, _ = bot.WaitNextFeed(true, time.Hour) },
		"WaitOrderResponse":   func() { _, _ = bot.WaitOrderResponse(0, 1, time.Hour) },
		"SubmitOrder":         func() { _, _ = bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false) },
		"Modify":              func() { _, _ = bot.Modify(0, 1, 100, 1, false) },
		"Cancel":              func() { _, _ = bot.Cancel(0, 1, false) },
		"Position":            func() { bot.Position(0) },
		"StateValues":         func() { bot.StateValues(0) },
		"Depth":               func() { bot.Depth(0) },
		"LastTrades":          func() { bot.LastTrades(0) },
		"ClearLastTrades":     func() { bot.ClearLastTrades(hft.AllAssets) },
		"KeepOffBookTrades":   func() { bot.KeepOffBookTrades(hft.AllAssets) },
		"Orders":              func() { bot.Orders(0) },
		"ClearInactiveOrders": func() { bot.ClearInactiveOrders(hft.AllAssets) },
		"FeedLatency":         func() { bot.FeedLatency(0) },
		"OrderLatency":        func() { bot.OrderLatency(0) },
	} {
		text := panicText(f)
		for _, want := range []string{"Backtest." + name, "another goroutine", "for one goroutine only"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s panics with %q, which does not say %q", name, text, want)
			}
		}
	}
	bot.Progress()
	bot.Interrupt()
	leave()
	if text := panicText(func() { bot.Position(0) }); text != "" {
		t.Errorf("afterwards the bot panics: %s", text)
	}
}

// newMisused returns a backtest over a day of rows.
func newMisused(t *testing.T) backtest.Backtest {
	t.Helper()
	const both = hft.ExchEvent | hft.LocalEvent
	rows := make([]hft.Event, 200_000)
	for i := range rows {
		rows[i] = hft.Event{Ev: both | hft.DepthEvent | hft.BuyEvent, ExchTimestampNs: int64(i) * 1000,
			LocalTimestampNs: int64(i)*1000 + 1, Px: 100 + float64(i%7), Qty: 1}
	}
	constant, err := sim.NewConstantLatency(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	bot, err := backtest.NewBuilder().AddAsset(backtest.NewAsset("X").Data(backtest.Rows(rows)).Book("window", 1, 1).
		Queue(sim.RiskAdverseQueue()).Latency(constant, constant).Fee(sim.TradingValueFee{})).Build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bot.Close() })
	return bot
}

// TestCloseWhileItRuns: everybody may close at any time; the run ends, it does not look like the end of the data, and
// what is called later returns an error or does no harm.
func TestCloseWhileItRuns(t *testing.T) {
	for round := range 20 {
		bot := newMisused(t)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				time.Sleep(time.Duration(round) * 100 * time.Microsecond)
				if err := bot.Close(); err != nil {
					t.Error(err)
				}
				bot.Interrupt()
				bot.Progress()
			})
		}
		var err error
		for err == nil {
			_, err = bot.WaitNextFeed(true, time.Hour)
		}
		if !hft.Ended(err) {
			t.Errorf("the run ends with %v", err)
		}
		end := backtest.EndReturned
		if errors.Is(err, hft.ErrEndOfData) {
			end = backtest.EndOfData
		}
		group.Wait()
		if r := bot.Finish(nil); r.End != end {
			t.Errorf("the run ended with %v and the result says %v", err, r.End)
		}
		if _, err := bot.Elapse(0); !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("Elapse of a closed bot: %v", err)
		}
		if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("SubmitBuyOrder of a closed bot: %v", err)
		}
		bot.Position(0)
		bot.Depth(0).BestBid()
	}
}

// TestBotThatNeverWas: a nil bot and one that nobody built are as if they were closed.
func TestBotThatNeverWas(t *testing.T) {
	for _, bot := range backtest.NeverBuilt() {
		bot.Interrupt()
		if _, err := bot.Elapse(0); !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("Elapse: %v", err)
		}
		if _, err := bot.Cancel(0, 1, true); !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("Cancel: %v", err)
		}
		if err := bot.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestBuildTellsAll: all that is wrong is told at once.
func TestBuildTellsAll(t *testing.T) {
	_, err := backtest.NewBuilder().Period(5, 3).RecordInterval(-1).
		AddAsset(backtest.NewAsset("BTCUSDT").Fee(nil)).
		AddAsset(backtest.NewAsset("ETHUSDT").Book("window", 0.1, 1).Exchange(99).LastTrades(2_000_000_000)).Build()
	for _, want := range []string{"period from 5 to 3", "record interval -1ns",
		"asset 0: builder is incomplete: no data", "asset 0: builder is incomplete: no book", "a model is nil",
		"asset 1: builder is incomplete: no data", "exchange model 99", "last trades 2000000000"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s, in:\n%v", want, err)
		}
	}
}
