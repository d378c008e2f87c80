package replay_test

import (
	"errors"
	"io"
	"testing"

	"hftrunner/connector"
	"hftrunner/connector/binancespot"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/paper"
	"hftrunner/connector/replay"
	"hftrunner/depth"
	"hftrunner/hft"
	"hftrunner/internal/sample/sampletest"
)

// TestSpotQuotesAndDepthMakeOneBook replays a recorded spot feed, whose quotes have no exchange time, into a book that
// goes by time: every quote has to be believed, and no depth message may be taken for outdated because of one.
func TestSpotQuotesAndDepthMakeOneBook(t *testing.T) {
	sampletest.EachPath(t, "binancespot", "BTCUSDT", "btcusdt_20240808.gz", spotQuotesAndDepth)
}

func spotQuotesAndDepth(t *testing.T, path string) {
	source, err := replay.Open(replay.Config{
		Files:      map[string][]string{"BTCUSDT": {path}},
		NewDecoder: func() connector.Decoder { return new(binancespot.Decoder) },
		Rule:       depthsync.Spot, BookTicker: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := source.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.01, LotSize: 0.00001}); err != nil {
		t.Fatal(err)
	}
	book := depth.NewFusedMarketDepth(0.01, 0.00001, depth.Fixed)
	var batch paper.Batch
	var emit []hft.Event
	quotes, levels := 0, 0
	for {
		err := source.Next(&batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		lastNs := max(book.BestBidTimestampNs(), book.BestAskTimestampNs())
		for i := range batch.Events {
			e := &batch.Events[i]
			emit = book.Update(e, emit[:0])
			switch e.Kind() {
			case hft.DepthBBOEvent:
				quotes++
				px, qty := book.BestBid(), book.BestBidQty()
				if e.Side() == hft.Sell {
					px, qty = book.BestAsk(), book.BestAskQty()
				}
				if px != hft.TickPrice(hft.PriceTick(e.Px, 0.01), 0.01) || qty != e.Qty {
					t.Fatalf("after quote %d of %v x %v the best is %v x %v", quotes, e.Px, e.Qty, px, qty)
				}
			case hft.DepthEvent:
				if levels++; e.ExchTimestampNs < lastNs {
					t.Fatalf("depth of %d comes after a best of %d", e.ExchTimestampNs, lastNs)
				}
			}
		}
	}
	if quotes < 5000 || levels < 10_000 {
		t.Errorf("%d quotes and %d levels", quotes, levels)
	}
}
