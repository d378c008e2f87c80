package host_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
)

// batches is a venue that feeds what it is given, the first of which makes the book.
type batches chan []hft.Event

func (batches) Register(connector.Instrument) {}
func (batches) Submit(connector.Order)        {}
func (batches) Cancel(connector.Order)        {}
func (batches) Modify(connector.Order)        {}

func (v batches) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return nil
		case events := <-v:
			sink.Feed(0, events)
			if first {
				sink.Ready(0)
			}
		}
	}
}

// TestSnapshotInMidStream: a snapshot that replaces a book, as Bybit sends them, takes the levels away that it does not have
// from the bots' books too, although a quote of the best prices has been newer.
func TestSnapshotInMidStream(t *testing.T) {
	v := make(batches)
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = []host.ConnectorConfig{{Name: "batches", Kind: "test", Connector: v}}
	r := start(t, cfg)
	bot := r.attach("batches", nil, false)
	row := func(kind, side uint64, exchNs int64, px, qty float64) hft.Event {
		return hft.Event{Ev: hft.LocalEvent | kind | side, ExchTimestampNs: exchNs, LocalTimestampNs: time.Now().UnixNano(), Px: px, Qty: qty}
	}
	levels := func(exchNs int64, bids, asks []float64) (list []hft.Event) {
		for _, px := range bids {
			list = append(list, row(hft.DepthSnapshotEvent, hft.BuyEvent, exchNs, px, 1))
		}
		for _, px := range asks {
			list = append(list, row(hft.DepthSnapshotEvent, hft.SellEvent, exchNs, px, 1))
		}
		return list
	}
	until := func(bid, ask int64) {
		t.Helper()
		for deadline := time.Now().Add(patience); bot.Depth(0).BestBidTick() != bid || bot.Depth(0).BestAskTick() != ask; {
			if _, err := bot.WaitNextFeed(false, time.Second); err != nil || time.Now().After(deadline) {
				t.Fatalf("best %d and %d, want %d and %d; %v", bot.Depth(0).BestBidTick(), bot.Depth(0).BestAskTick(), bid, ask, err)
			}
		}
	}
	v <- levels(1000, []float64{100, 99, 98}, []float64{101, 102, 103})
	until(100, 101)
	v <- []hft.Event{row(hft.DepthEvent, hft.BuyEvent, 5000, 100, 3), row(hft.DepthEvent, hft.SellEvent, 5000, 101, 3)}
	// Quotes break the contract: no plain book can apply them. They are counted and dropped.
	v <- []hft.Event{row(hft.DepthBBOEvent, hft.BuyEvent, 6000, 100.5, 3), row(hft.DepthBBOEvent, hft.SellEvent, 6000, 100.6, 3)}
	clearRow := hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent, ExchTimestampNs: 2000, LocalTimestampNs: time.Now().UnixNano(), Px: math.NaN()}
	v <- append([]hft.Event{clearRow}, levels(2000, []float64{99, 97}, []float64{103})...)
	until(99, 103)
	book := bot.Depth(0)
	for tick, want := range map[int64]float64{97: 1, 98: 0, 99: 1, 100: 0} {
		if got := book.BidQtyAtTick(tick); got != want {
			t.Errorf("bid %d has %v, want %v", tick, got, want)
		}
	}
	for tick, want := range map[int64]float64{101: 0, 102: 0, 103: 1} {
		if got := book.AskQtyAtTick(tick); got != want {
			t.Errorf("ask %d has %v, want %v", tick, got, want)
		}
	}
	if err := bot.Close(); err != nil {
		t.Error(err)
	}
	if sum := r.host.Summary(host.ExitInterrupted); sum.Connectors[0].BadMessages != 2 {
		t.Errorf("%d bad messages, want the two quotes", sum.Connectors[0].BadMessages)
	}
}
