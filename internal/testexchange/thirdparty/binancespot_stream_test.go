package thirdparty_test

import (
	"testing"

	binance "github.com/adshao/go-binance/v2"

	"github.com/hftrunner/hftrunner/hft"
)

func TestSpotBook(t *testing.T) {
	for name, world := range worlds() {
		t.Run(name, func(t *testing.T) { openSpot(t, world).keepBook(t) })
	}
}

// keepBook builds a book in the way that the venue recommends, of what the client makes of the messages.
func (s *spotScene) keepBook(t *testing.T) {
	events := newInbox[*binance.WsDepthEvent](t)
	s.must(func() (chan struct{}, chan struct{}, error) {
		return binance.WsDepthServe100Ms(btc, events.put, s.streamError)
	})
	wait := s.stir(300)
	first := events.next("first difference")
	snapshot, err := s.NewDepthService().Symbol(btc).Limit(1000).Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.LastUpdateID < first.FirstUpdateID {
		t.Fatalf("snapshot %d is from before the stream, which began at %d", snapshot.LastUpdateID, first.FirstUpdateID)
	}
	wait()
	last := s.book()
	diffs := append([]*binance.WsDepthEvent{first}, events.until("last difference",
		func(e *binance.WsDepthEvent) bool { return e.LastUpdateID >= last.UpdateID })...)

	b, applied, id := newBook(t), 0, snapshot.LastUpdateID
	b.apply(snapshot.Bids, snapshot.Asks)
	for i, d := range diffs {
		if i > 0 && d.FirstUpdateID != diffs[i-1].LastUpdateID+1 {
			t.Errorf("a gap: %d after %d", d.FirstUpdateID, diffs[i-1].LastUpdateID)
		}
		if d.LastUpdateID <= id {
			continue
		}
		if d.FirstUpdateID > id+1 || d.Time == 0 || d.Symbol != btc {
			t.Errorf("difference %+v after %d", d, id)
		}
		applied, id = applied+1, d.LastUpdateID
		b.apply(d.Bids, d.Asks)
	}
	if applied < 2 {
		t.Fatalf("only %d differences: the test shows nothing", applied)
	}
	b.compare(last)
}

func TestSpotMarketStreams(t *testing.T) {
	s := openSpot(t)
	bests, trades, combined := newInbox[*binance.WsBookTickerEvent](t), newInbox[*binance.WsTradeEvent](t),
		newInbox[*binance.WsAggTradeEvent](t)
	s.must(func() (chan struct{}, chan struct{}, error) {
		return binance.WsBookTickerServe(btc, bests.put, s.streamError)
	})
	s.must(func() (chan struct{}, chan struct{}, error) {
		return binance.WsTradeServe(btc, trades.put, s.streamError)
	})
	s.must(func() (chan struct{}, chan struct{}, error) {
		return binance.WsCombinedAggTradeServe([]string{btc}, combined.put, s.streamError)
	})
	s.eventually("the streams at the venue", func() bool { return len(s.state().Connections) == 3 })
	s.level(hft.Buy, 60000.1, 2)
	s.trade(hft.Sell, 60000.1, 0.5)
	b := bests.until("new best bid",
		func(b *binance.WsBookTickerEvent) bool { return b.BestBidPrice == "60000.10000000" })
	if last := b[len(b)-1]; last.BestBidQty != "2.00000000" || last.BestAskPrice != "60000.20000000" ||
		last.UpdateID == 0 || last.Symbol != btc {
		t.Errorf("best %+v", last)
	}
	if x := trades.next("trade"); x.Price != "60000.10000000" || x.Quantity != "0.50000000" || !x.IsBuyerMaker ||
		!x.Placeholder || x.TradeTime == 0 || x.TradeID == 0 {
		t.Errorf("trade %+v", x)
	}
	if x := combined.next("aggregated trade"); x.Price != "60000.10000000" || x.Quantity != "0.50000000" ||
		!x.IsBuyerMaker {
		t.Errorf("aggregated trade %+v", x)
	}
}

func TestSpotBestByREST(t *testing.T) {
	s := openSpot(t)
	tickers, err := s.NewListBookTickersService().Symbol(btc).Do(s.ctx)
	if err != nil || len(tickers) != 1 || tickers[0].BidPrice != "60000.00000000" ||
		tickers[0].AskQuantity != "5.00000000" {
		t.Errorf("tickers %+v: %v", tickers, err)
	}
}
