package paper_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// naive is a book that is nothing but two maps.
type naive struct {
	bids, asks map[int64]float64
}

func (n *naive) best() (bid, ask int64) {
	bid, ask = hft.InvalidMin, hft.InvalidMax
	for tick := range n.bids {
		bid = max(bid, tick)
	}
	for tick := range n.asks {
		ask = min(ask, tick)
	}
	return bid, ask
}

// statistics of a flow.
type statistics struct {
	events, trades, batches int
	narrow                  int // batches after which the spread is one or two ticks
	low, high               int64
}

// inspect reads a source and holds every row to a naive book: levels are multiples of tick and lot, removals remove
// something, a trade is at the best price of the side it takes and not larger than what is there, and after each
// batch the book is not crossed.
func inspect(t *testing.T, s paper.Source, inst connector.Instrument, batches int) statistics {
	t.Helper()
	n := &naive{bids: map[int64]float64{}, asks: map[int64]float64{}}
	st := statistics{low: math.MaxInt64}
	var b paper.Batch
	previousNs := s.StartNs()
	for st.batches = 0; st.batches < batches; st.batches++ {
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.TimestampNs < previousNs || len(b.Events) == 0 || b.InstrumentNo != inst.No ||
			b.Ready != (st.batches == 0) || b.Stale != "" {
			t.Fatalf("batch %d: %+v after %d", st.batches, b, previousNs)
		}
		previousNs = b.TimestampNs
		for i := range b.Events {
			checkRow(t, n, inst, &b, &b.Events[i])
			if b.Events[i].Kind() == hft.TradeEvent {
				st.trades++
			}
		}
		st.events += len(b.Events)
		bid, ask := n.best()
		if bid >= ask || len(n.bids) < 50 || len(n.asks) < 50 {
			t.Fatalf("batch %d: best bid %d, ask %d, %d bids, %d asks", st.batches, bid, ask, len(n.bids), len(n.asks))
		}
		if ask-bid <= 2 {
			st.narrow++
		}
		st.low, st.high = min(st.low, bid), max(st.high, ask)
	}
	return st
}

func checkRow(t *testing.T, n *naive, inst connector.Instrument, b *paper.Batch, e *hft.Event) {
	t.Helper()
	tick, lots := hft.PriceTick(e.Px, inst.TickSize), hft.QtyLots(e.Qty, inst.LotSize)
	if e.Px != hft.TickPrice(tick, inst.TickSize) || math.Abs(e.Qty-float64(lots)*inst.LotSize) > 1e-9 || lots < 0 ||
		tick < 1 || e.Ev&hft.LocalEvent == 0 || e.LocalTimestampNs != b.TimestampNs ||
		e.ExchTimestampNs > e.LocalTimestampNs {
		t.Fatalf("row %+v", e)
	}
	own, other := n.bids, n.asks
	if e.Side() == hft.Sell {
		own, other = n.asks, n.bids
	}
	switch e.Kind() {
	case hft.DepthSnapshotEvent, hft.DepthEvent:
		if (e.Kind() == hft.DepthSnapshotEvent) != b.Ready {
			t.Fatalf("row %+v in a batch with ready %v", e, b.Ready)
		}
		if lots == 0 {
			if own[tick] == 0 {
				t.Fatalf("row %+v removes nothing", e)
			}
			delete(own, tick)
			return
		}
		own[tick] = e.Qty
	case hft.TradeEvent:
		if lots == 0 || e.Qty > other[tick]+1e-9 {
			t.Fatalf("trade %+v against %v", e, other[tick])
		}
	default:
		t.Fatalf("row %+v", e)
	}
}

func TestSyntheticBook(t *testing.T) {
	for _, inst := range []connector.Instrument{
		btc, eth,
		{No: 2, Symbol: "ANY", TickSize: 0.0001, LotSize: 1},
		{No: 2, Symbol: "COARSE", TickSize: 0.5, LotSize: 1000},
	} {
		t.Run(inst.Symbol, func(t *testing.T) {
			s := newSynthetic(t, paper.SyntheticConfig{Seed: 5, StartPrices: map[string]float64{"COARSE": 500}})
			if err := s.Register(inst); err != nil {
				t.Fatal(err)
			}
			st := inspect(t, s, inst, 12000)
			t.Logf("%+v, narrow %.2f", st, float64(st.narrow)/float64(st.batches))
			if float64(st.narrow) < 0.5*float64(st.batches) {
				t.Errorf("the spread is one or two ticks after %d of %d batches only", st.narrow, st.batches)
			}
			if st.trades < st.batches/50 {
				t.Errorf("%d trades in %d batches", st.trades, st.batches)
			}
			if move := float64(st.high-st.low) / float64(st.low); move < 0.001 || move > 0.05 {
				t.Errorf("the price moved by %v", move)
			}
		})
	}
}

func TestSyntheticRate(t *testing.T) {
	s := newSynthetic(t, paper.SyntheticConfig{Seed: 2, EventsPerSecond: 1000, Duration: 10 * time.Second})
	if err := s.Register(eth); err != nil {
		t.Fatal(err)
	}
	if st := inspect(t, s, eth, math.MaxInt); st.batches < 7000 || st.batches > 13000 {
		t.Errorf("%d batches in 10 s at 1000 a second", st.batches)
	}
}

// flowText returns the first batches of a source as text.
func flowText(t *testing.T, seed uint64, instruments ...connector.Instrument) map[int]string {
	t.Helper()
	s := newSynthetic(t, paper.SyntheticConfig{Seed: seed})
	for _, inst := range instruments {
		if err := s.Register(inst); err != nil {
			t.Fatal(err)
		}
	}
	text := map[int]*strings.Builder{}
	var b paper.Batch
	for range 3000 {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		if text[b.InstrumentNo] == nil {
			text[b.InstrumentNo] = &strings.Builder{}
		}
		fmt.Fprintln(text[b.InstrumentNo], b)
	}
	out := map[int]string{}
	for no, w := range text {
		out[no] = w.String()[:100_000]
	}
	return out
}

func TestSyntheticIsRepeatable(t *testing.T) {
	first := flowText(t, 1, btc, eth)
	if again := flowText(t, 1, eth, btc); again[btc.No] != first[btc.No] || again[eth.No] != first[eth.No] {
		t.Error("the same seed gives another flow")
	}
	if alone := flowText(t, 1, btc); alone[btc.No] != first[btc.No] {
		t.Error("an instrument's flow depends on the others")
	}
	if other := flowText(t, 2, btc); other[btc.No] == first[btc.No] {
		t.Error("another seed gives the same flow")
	}
}

func TestSyntheticErrors(t *testing.T) {
	for want, cfg := range map[string]paper.SyntheticConfig{
		"events per second": {EventsPerSecond: math.NaN()},
		"volatility":        {Volatility: -1},
		"jump interval":     {JumpInterval: -1},
		"jump size":         {JumpSize: 1},
		"duration":          {Duration: -1},
		"start price":       {StartPrices: map[string]float64{"X": math.NaN()}},
	} {
		if _, err := paper.NewSynthetic(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	s := newSynthetic(t, paper.SyntheticConfig{StartPrices: map[string]float64{"CHEAP": 0.99}})
	if err := s.Register(connector.Instrument{Symbol: "CHEAP", TickSize: 0.001, LotSize: 1}); err == nil ||
		!strings.Contains(err.Error(), "too few ticks for a book") {
		t.Errorf("990 ticks: %v", err)
	}
	if err := s.Register(connector.Instrument{Symbol: "X", TickSize: 0.001}); err == nil ||
		!strings.Contains(err.Error(), "lot size") {
		t.Errorf("no lot size: %v", err)
	}
	if err := s.Next(&paper.Batch{}); !errors.Is(err, io.EOF) {
		t.Errorf("without an instrument: %v", err)
	}
}
