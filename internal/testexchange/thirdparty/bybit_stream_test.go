package thirdparty_test

import (
	"fmt"
	"testing"

	"github.com/hirokisan/bybit/v2"

	"github.com/hftrunner/hftrunner/hft"
)

func TestBybitUserStream(t *testing.T) {
	s := openBybit(t)
	u := s.user()
	s.place(bybit.SideBuy, "a", "2", "60000.10", "PostOnly")
	s.trade(hft.Sell, 60000.1, 0.5)
	if _, err := s.Order().AmendOrder(bybit.V5AmendOrderParam{Category: bybit.CategoryV5Linear, Symbol: btc,
		OrderLinkID: new("a"), Qty: new("1.5")}); err != nil {
		t.Error(err)
	}
	s.trade(hft.Sell, 60000, 3)
	s.place(bybit.SideSell, "b", "6", "60000", "IOC")
	s.place(bybit.SideBuy, "c", "1", "60000.20", "PostOnly")
	s.place(bybit.SideSell, "d", "1", "60010", "GTC")
	if _, err := s.Order().CancelOrder(bybit.V5CancelOrderParam{Category: bybit.CategoryV5Linear, Symbol: btc,
		OrderLinkID: new("d")}); err != nil {
		t.Error(err)
	}
	var orders []string
	for _, o := range u.orders.until("cancel", func(o bybit.V5WebsocketPrivateOrderData) bool {
		return o.OrderLinkID == "d" && o.OrderStatus == bybit.OrderStatusCancelled
	}) {
		orders = append(orders, fmt.Sprintf("%s %s %s/%s %s", o.OrderLinkID, o.OrderStatus, o.CumExecQty, o.Qty,
			o.RejectReason))
		if o.Category != "linear" || o.OrderID == "" || o.UpdatedTime == "" || o.CreatedTime == "" {
			t.Errorf("order %+v", o)
		}
	}
	equal(t, "orders", orders, "a New 0/2.000 EC_NoError", "a PartiallyFilled 0.500/2.000 EC_NoError",
		"a PartiallyFilled 0.500/1.500 EC_NoError", "a Filled 1.500/1.500 EC_NoError", "b New 0/6.000 EC_NoError",
		"b PartiallyFilled 5.000/6.000 EC_NoError", "b Cancelled 5.000/6.000 EC_NoImmediateQtyToFill",
		"c New 0/1.000 EC_NoError", "c Cancelled 0/1.000 EC_PostOnlyWillTakeLiquidity", "d New 0/1.000 EC_NoError",
		"d Cancelled 0/1.000 EC_PerCancelRequest")
	var executions []string
	ids := map[string]bool{}
	for _, x := range u.executions.until("execution of b",
		func(x bybit.V5WebsocketPrivateExecutionData) bool { return x.OrderLinkID == "b" }) {
		executions = append(executions, fmt.Sprintf("%s %s@%s leaves %s maker %t", x.OrderLinkID, x.ExecQty,
			x.ExecPrice, x.LeavesQty, x.IsMaker))
		if ids[x.ExecID] || x.ExecType != bybit.ExecTypeV5Trade || x.ExecFee == "" || x.ExecTime == "" {
			t.Errorf("execution %+v", x)
		}
		ids[x.ExecID] = true
	}
	equal(t, "executions", executions, "a 0.500@60000.10 leaves 1.500 maker true",
		"a 1.000@60000.10 leaves 0 maker true", "b 5.000@60000.00 leaves 1.000 maker false")
	p := u.positions.until("short position",
		func(p bybit.V5WebsocketPrivatePositionData) bool { return p.Size == "3.500" })
	if last := p[len(p)-1]; last.Side != bybit.SideSell || last.Symbol != btc || last.UpdatedTime == "" ||
		last.EntryPrice == "" {
		t.Errorf("position %+v", last)
	}
	if w := u.wallets.next("wallet"); len(w.Coins) == 0 || w.AccountType != bybit.AccountTypeV5UNIFIED {
		t.Errorf("wallet %+v", w)
	}
	if n := len(s.state().Executions); n != len(ids) {
		t.Errorf("%d executions at the venue, %d on the stream", n, len(ids))
	}
}

// TestBybitTradeSocket places and cancels over the trade connection. The client shows nothing of its answers, so the
// private stream tells.
func TestBybitTradeSocket(t *testing.T) {
	s := openBybit(t)
	u := s.user()
	trade, err := s.sockets.Trade()
	if err != nil {
		t.Fatal(err)
	}
	s.run(trade.Start)
	if err := trade.Login(); err != nil {
		t.Fatal(err)
	}
	if err := trade.Ping(); err != nil {
		t.Fatal(err)
	}
	order := bybitLimit(bybit.SideBuy, "a", "1", "59990.10", "PostOnly")
	if err := trade.CreateOrder([]*bybit.V5CreateOrderParam{&order}); err != nil {
		t.Fatal(err)
	}
	if o := u.orders.next("new order"); o.OrderLinkID != "a" || o.OrderStatus != bybit.OrderStatusNew ||
		o.Price != "59990.10" {
		t.Errorf("order %+v", o)
	}
	if err := trade.CancelOrder([]*bybit.V5CancelOrderParam{{Category: bybit.CategoryV5Linear, Symbol: btc,
		OrderLinkID: new("a")}}); err != nil {
		t.Fatal(err)
	}
	if o := u.orders.next("cancelled order"); o.OrderLinkID != "a" || o.OrderStatus != bybit.OrderStatusCancelled ||
		o.CancelType != "CancelByUser" {
		t.Errorf("order %+v", o)
	}
}

func TestBybitWrongLogon(t *testing.T) {
	s := openBybit(t)
	private, err := s.bybit("nobody", "wrong").sockets.Private()
	if err != nil {
		t.Fatal(err)
	}
	if err := private.Subscribe(); err != nil {
		t.Fatal(err)
	}
	if err := private.Run(); err == nil {
		t.Error("logged on with a key that nobody has")
	}
	_ = private.Close() // the venue has closed it
}

func TestBybitBook(t *testing.T) {
	for name, world := range worlds() {
		t.Run(name, func(t *testing.T) { openBybit(t, world).keepBook(t) })
	}
}

// keepBook keeps a book of 50 levels of what the client makes of the messages.
func (s *bybitScene) keepBook(t *testing.T) {
	events := newInbox[bybit.V5WebsocketPublicOrderBookResponse](t)
	public, err := s.sockets.Public(bybit.CategoryV5Linear)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := public.SubscribeOrderBook(bybit.V5WebsocketPublicOrderBookParamKey{Depth: 50, Symbol: btc},
		func(r bybit.V5WebsocketPublicOrderBookResponse) error {
			events.put(r)
			return nil
		}); err != nil {
		t.Fatal(err)
	}
	s.run(public.Start)
	snapshot := events.next("snapshot")
	if snapshot.Type != "snapshot" || snapshot.Data.Symbol != btc || snapshot.TimeStamp == 0 {
		t.Fatalf("first message %+v", snapshot)
	}
	s.stir(300)()
	s.level(hft.Buy, 60000.1, 0.123) // the last change, which the last message has
	b := newBook(t)
	apply := func(r bybit.V5WebsocketPublicOrderBookResponse) {
		for _, l := range r.Data.Bids {
			b.set(b.bids, l.Price, l.Size)
		}
		for _, l := range r.Data.Asks {
			b.set(b.asks, l.Price, l.Size)
		}
	}
	apply(snapshot)
	id, deltas := snapshot.Data.UpdateID, 0
	for _, r := range events.until("last change", func(r bybit.V5WebsocketPublicOrderBookResponse) bool {
		return len(r.Data.Bids) > 0 && r.Data.Bids[0].Price == "60000.10" && r.Data.Bids[0].Size == "0.123"
	}) {
		if r.Type != "delta" || r.Data.UpdateID != id+1 || r.Data.Seq == 0 {
			t.Errorf("message %s %d after %d", r.Type, r.Data.UpdateID, id)
		}
		id, deltas = r.Data.UpdateID, deltas+1
		apply(r)
	}
	if deltas < 5 {
		t.Fatalf("only %d deltas: the test shows nothing", deltas)
	}
	b.compare(s.book())
}

func TestBybitMarketStreams(t *testing.T) {
	s := openBybit(t)
	bests, trades := newInbox[bybit.V5WebsocketPublicOrderBookResponse](t),
		newInbox[bybit.V5WebsocketPublicTradeResponse](t)
	public, err := s.sockets.Public(bybit.CategoryV5Linear)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := public.SubscribeOrderBook(bybit.V5WebsocketPublicOrderBookParamKey{Depth: 1, Symbol: btc},
		func(r bybit.V5WebsocketPublicOrderBookResponse) error {
			bests.put(r)
			return nil
		}); err != nil {
		t.Fatal(err)
	}
	if _, err := public.SubscribeTrade(bybit.V5WebsocketPublicTradeParamKey{Symbol: btc},
		func(r bybit.V5WebsocketPublicTradeResponse) error {
			trades.put(r)
			return nil
		}); err != nil {
		t.Fatal(err)
	}
	s.run(public.Start)
	s.subscribed(2)
	if err := public.Ping(); err != nil {
		t.Error(err)
	}
	s.level(hft.Buy, 60000.1, 2)
	s.trade(hft.Sell, 60000.1, 0.5)
	for _, b := range bests.until("new best bid", func(b bybit.V5WebsocketPublicOrderBookResponse) bool {
		return len(b.Data.Bids) == 1 && b.Data.Bids[0].Price == "60000.10"
	}) {
		if b.Type != "snapshot" || len(b.Data.Asks) != 1 || b.Data.Asks[0].Price != "60000.20" {
			t.Errorf("best %+v", b)
		}
	}
	x := trades.next("trade")
	if len(x.Data) != 1 || x.Data[0].Trade != "60000.10" || x.Data[0].Value != "0.500" ||
		x.Data[0].Side != bybit.SideSell || x.Data[0].Timestamp == 0 || x.Data[0].ID == "" {
		t.Errorf("trade %+v", x)
	}
}
