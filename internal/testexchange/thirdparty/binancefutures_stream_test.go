package thirdparty_test

import (
	"testing"
	"time"

	"github.com/adshao/go-binance/v2/common"
	"github.com/adshao/go-binance/v2/futures"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

func TestFuturesBook(t *testing.T) {
	for name, world := range worlds() {
		t.Run(name, func(t *testing.T) { openFutures(t, world).keepBook(t) })
	}
}

// keepBook builds a book in the way that the venue recommends, of what the client makes of the messages.
func (s *futuresScene) keepBook(t *testing.T) {
	events := newInbox[*futures.WsDepthEvent](t)
	s.must("public", func() (chan struct{}, chan struct{}, error) {
		return futures.WsDiffDepthServeWithRate(btc, 100*time.Millisecond, events.put, s.streamError)
	})
	wait := s.stir(300)
	first := events.next("first difference")
	snapshot, err := s.NewDepthService().Symbol(btc).Limit(1000).Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	wait()
	last := s.book()
	diffs := append([]*futures.WsDepthEvent{first}, events.until("last difference",
		func(e *futures.WsDepthEvent) bool { return e.LastUpdateID >= last.UpdateID })...)

	b := newBook(t)
	b.apply(snapshot.Bids, snapshot.Asks)
	applied, previous := 0, first.PrevLastUpdateID
	for _, d := range diffs {
		if d.PrevLastUpdateID != previous {
			t.Errorf("a gap: %d after %d", d.PrevLastUpdateID, previous)
		}
		previous = d.LastUpdateID
		if d.LastUpdateID < snapshot.LastUpdateID {
			continue
		}
		if applied == 0 && d.FirstUpdateID > snapshot.LastUpdateID {
			t.Errorf("first difference %d to %d does not join the snapshot %d", d.FirstUpdateID, d.LastUpdateID,
				snapshot.LastUpdateID)
		}
		applied++
		b.apply(d.Bids, d.Asks)
		if d.Time == 0 || d.TransactionTime == 0 || d.Symbol != btc {
			t.Errorf("difference %+v", d)
		}
	}
	if applied < 2 {
		t.Fatalf("only %d differences: the test shows nothing", applied)
	}
	b.compare(last)
}

// apply applies levels of go-binance, which has the same type for both venues.
func (b *book) apply(bids []common.PriceLevel, asks []common.PriceLevel) {
	b.Helper()
	for _, l := range bids {
		b.set(b.bids, l.Price, l.Quantity)
	}
	for _, l := range asks {
		b.set(b.asks, l.Price, l.Quantity)
	}
}

func TestFuturesMarketStreams(t *testing.T) {
	s := openFutures(t)
	bests, trades := newInbox[*futures.WsBookTickerEvent](t), newInbox[*futures.WsAggTradeEvent](t)
	s.must("public", func() (chan struct{}, chan struct{}, error) {
		return futures.WsBookTickerServe(btc, bests.put, s.streamError)
	})
	s.must("market", func() (chan struct{}, chan struct{}, error) {
		return futures.WsAggTradeServe(btc, trades.put, s.streamError)
	})
	s.eventually("both streams at the venue", func() bool { return len(s.state().Connections) == 2 })
	s.level(hft.Buy, 60000.1, 2)
	s.trade(hft.Sell, 60000.1, 0.5)
	b := bests.until("new best bid", func(b *futures.WsBookTickerEvent) bool { return b.BestBidPrice == "60000.10" })
	if last := b[len(b)-1]; last.BestBidQty != "2.000" || last.BestAskPrice != "60000.20" || last.UpdateID == 0 ||
		last.Time == 0 || last.TransactionTime == 0 {
		t.Errorf("best %+v", last)
	}
	if x := trades.next("trade"); x.Price != "60000.10" || x.Quantity != "0.500" || !x.Maker || x.TradeTime == 0 ||
		x.AggregateTradeID == 0 {
		t.Errorf("trade %+v", x)
	}
}

func TestFuturesCombinedStreams(t *testing.T) {
	s := openFutures(t)
	events := newInbox[*futures.WsDepthEvent](t)
	s.must("public", func() (chan struct{}, chan struct{}, error) {
		return futures.WsCombinedDiffDepthServe([]string{btc, "ETHUSDT"}, events.put, s.streamError)
	})
	s.eventually("the streams at the venue",
		func() bool { c := s.state().Connections; return len(c) == 1 && len(c[0].Streams) == 2 })
	s.level(hft.Buy, 59999, 1)
	if err := s.exchange.SetLevel(s.venue, "ETHUSDT", hft.Sell, 3000, 2); err != nil {
		t.Fatal(err)
	}
	events.until("difference of BTC", func(e *futures.WsDepthEvent) bool {
		return e.Symbol == btc && len(e.Bids) > 0 && e.Bids[0] == (futures.Bid{Price: "59999.00", Quantity: "1.000"})
	})
}

// TestFuturesUnroutedURL opens what the client takes for the URL of old: the book flows, trades do not.
func TestFuturesUnroutedURL(t *testing.T) {
	s := openFutures(t)
	bests, trades := newInbox[*futures.WsBookTickerEvent](t), newInbox[*futures.WsAggTradeEvent](t)
	s.must("", func() (chan struct{}, chan struct{}, error) {
		return futures.WsAggTradeServe(btc, trades.put, s.streamError)
	})
	s.must("", func() (chan struct{}, chan struct{}, error) {
		return futures.WsBookTickerServe(btc, bests.put, s.streamError)
	})
	s.eventually("both connections at the venue", func() bool { return len(s.state().Connections) == 2 })
	s.trade(hft.Sell, 60000, 0.5)
	s.level(hft.Buy, 60000.1, 2)
	bests.until("new best bid", func(b *futures.WsBookTickerEvent) bool { return b.BestBidPrice == "60000.10" })
	if len(trades.ch) != 0 {
		t.Error("a trade on the unrouted URL")
	}
}

func TestFuturesWebSocketAPI(t *testing.T) {
	s := openFutures(t)
	socketAPI.Store(new(s.wsURL() + "/ws-fapi/v1"))
	placing, err := futures.NewOrderPlaceWsService(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
	if err != nil {
		t.Fatal(err)
	}
	status, err := futures.NewOrderStatusWsService(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
	if err != nil {
		t.Fatal(err)
	}
	cancelling, err := futures.NewOrderCancelWsService(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
	if err != nil {
		t.Fatal(err)
	}
	order := func(id, price string) *futures.OrderPlaceWsRequest {
		return futures.NewOrderPlaceWsRequest().Symbol(btc).Side(futures.SideTypeBuy).Type(futures.OrderTypeLimit).
			TimeInForce(futures.TimeInForceTypeGTX).
			Quantity("1").Price(price).NewClientOrderID(id).NewOrderResponseType(futures.NewOrderRespTypeACK)
	}
	placed, err := placing.SyncDo("1", order("a", "59990.1"))
	if err != nil || placed.Status != 200 || placed.Error != nil || placed.Result.ClientOrderID != "a" ||
		placed.Result.Status != futures.OrderStatusTypeNew {
		t.Fatalf("placed %+v: %v", placed, err)
	}
	crossing, err := placing.SyncDo("2", order("b", "60000.2"))
	if err != nil || crossing.Status != 400 || crossing.Error == nil {
		t.Fatalf("crossing %+v: %v", crossing, err)
	}
	refused(t, "post only", crossing.Error, -5022)
	o, err := status.SyncDo("3", futures.NewOrderStatusWsRequest().Symbol(btc).OrigClientOrderID("a"))
	if err != nil || o.Result.OrderID != placed.Result.OrderID || o.Result.Price != "59990.10" {
		t.Errorf("status %+v: %v", o, err)
	}
	c, err := cancelling.SyncDo("4", futures.NewOrderCancelRequest().Symbol(btc).OrigClientOrderID("a"))
	if err != nil || c.Result.Status != futures.OrderStatusTypeCanceled {
		t.Errorf("cancelled %+v: %v", c, err)
	}
	equal(t, "statuses", []string{s.state().Orders[0].Status}, "Canceled")
}
