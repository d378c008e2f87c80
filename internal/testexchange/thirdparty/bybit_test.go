package thirdparty_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/hirokisan/bybit/v2"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// bybitScene has a client of Bybit, hirokisan's.
type bybitScene struct {
	*scene
	bybit.V5ServiceI
	sockets *bybit.V5WebsocketService
}

func openBybit(t *testing.T, changes ...change) *bybitScene {
	t.Helper()
	return open(t, testexchange.Bybit, changes...).bybit(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
}

func (s *scene) bybit(key, secret string) *bybitScene {
	return &bybitScene{s, bybit.NewClient().WithBaseURL(s.httpURL()).WithAuth(key, secret).V5(),
		bybit.NewWebsocketClient().WithBaseURL(s.wsURL()).WithAuth(key, secret).
			WithDialer(&websocket.Dialer{EnableCompression: true}).V5()}
}

// run runs a connection of the client until the end of the test.
func (s *bybitScene) run(start func(context.Context, bybit.ErrHandler) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- start(ctx, func(closed bool, err error) {
			if !closed && ctx.Err() == nil {
				s.streamError(err)
			}
		})
	}()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("connection: %v", err)
		}
	})
}

// subscribed waits until the venue has a connection with n streams.
func (s *bybitScene) subscribed(n int) {
	s.Helper()
	s.eventually(fmt.Sprintf("%d streams at the venue", n), func() bool {
		for _, c := range s.state().Connections {
			if len(c.Streams) == n {
				return true
			}
		}
		return false
	})
}

func bybitRefused(t *testing.T, what string, err error, code int) {
	t.Helper()
	var e *bybit.ErrorResponse
	if !errors.As(err, &e) || e.RetCode != code {
		t.Errorf("%s: %v, want the venue's %d", what, err, code)
	}
}

func TestBybitSymbols(t *testing.T) {
	s := openBybit(t)
	info, err := s.Market().GetInstrumentsInfo(bybit.V5GetInstrumentsInfoParam{Category: bybit.CategoryV5Linear,
		Symbol: new(bybit.SymbolV5BTCUSDT)})
	if err != nil || info.Result.LinearInverse == nil || len(info.Result.LinearInverse.List) != 1 {
		t.Fatalf("%+v: %v", info, err)
	}
	y := info.Result.LinearInverse.List[0]
	if y.Symbol != btc || y.Status != bybit.InstrumentStatusTrading ||
		y.ContractType != bybit.ContractTypeLinearPerpetual || y.SettleCoin != bybit.CoinUSDT ||
		y.PriceFilter.TickSize != "0.10" || y.LotSizeFilter.QtyStep != "0.001" ||
		y.LotSizeFilter.MinNotionalValue == "" || y.LotSizeFilter.MaxMktOrderQty == "" {
		t.Errorf("symbol %+v", y)
	}
}

func TestBybitMarketByREST(t *testing.T) {
	s := openBybit(t)
	r, err := s.Market().GetOrderbook(bybit.V5GetOrderbookParam{Category: bybit.CategoryV5Linear, Symbol: btc,
		Limit: new(50)})
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Result; b.Symbol != btc || len(b.Bids) != 1 || b.Bids[0].Price != "60000.00" ||
		b.Asks[0].Quantity != "5.000" || b.UpdateID == 0 || b.Timestamp == 0 {
		t.Errorf("book %+v", b)
	}
	_, err = s.Market().GetOrderbook(bybit.V5GetOrderbookParam{Category: bybit.CategoryV5Linear, Symbol: "NOUSDT"})
	bybitRefused(t, "unknown symbol", err, 10001)
}

func bybitLimit(side bybit.Side, id, qty, price, tif string) bybit.V5CreateOrderParam {
	return bybit.V5CreateOrderParam{Category: bybit.CategoryV5Linear, Symbol: btc, Side: side,
		OrderType: bybit.OrderTypeLimit, Qty: qty, Price: &price, TimeInForce: new(bybit.TimeInForce(tif)),
		OrderLinkID: &id}
}

// place places a limit order and returns the venue's id.
func (s *bybitScene) place(side bybit.Side, id, qty, price, tif string) string {
	s.Helper()
	r, err := s.Order().CreateOrder(bybitLimit(side, id, qty, price, tif))
	if err != nil {
		s.Fatalf("place %s: %v", id, err)
	}
	if r.Result.OrderLinkID != id || r.Result.OrderID == "" {
		s.Errorf("placed %+v", r.Result)
	}
	return r.Result.OrderID
}

func (s *bybitScene) openOrders() []bybit.V5GetOrder {
	s.Helper()
	r, err := s.Order().GetOpenOrders(bybit.V5GetOpenOrdersParam{Category: bybit.CategoryV5Linear,
		Symbol: new(bybit.SymbolV5BTCUSDT)})
	if err != nil {
		s.Fatal(err)
	}
	return r.Result.List
}

func (s *bybitScene) openIDs() map[string]bool {
	s.Helper()
	ids := map[string]bool{}
	for _, o := range s.openOrders() {
		ids[o.OrderLinkID] = true
	}
	return ids
}

func TestBybitOrders(t *testing.T) {
	s := openBybit(t)
	id := s.place(bybit.SideBuy, "a", "1", "59990.10", "PostOnly")
	s.place(bybit.SideSell, "b", "1", "60010", "GTC")
	if ids := s.openIDs(); len(ids) != 2 || !ids["a"] || !ids["b"] {
		t.Errorf("open orders %v", ids)
	}
	amended, err := s.Order().AmendOrder(bybit.V5AmendOrderParam{Category: bybit.CategoryV5Linear, Symbol: btc,
		OrderLinkID: new("a"), Qty: new("2"), Price: new("59991")})
	if err != nil || amended.Result.OrderID != id {
		t.Errorf("amended %+v: %v", amended, err)
	}
	for _, o := range s.openOrders() {
		if o.OrderLinkID == "a" && (o.OrderID != id || o.Price != "59991.00" || o.Qty != "2.000" ||
			o.LeavesQty != "2.000" || o.OrderStatus != bybit.OrderStatusNew || o.TimeInForce != "PostOnly" ||
			o.CreatedTime == "" || o.UpdatedTime == "") {
			t.Errorf("open order %+v", o)
		}
	}
	cancel := bybit.V5CancelOrderParam{Category: bybit.CategoryV5Linear, Symbol: btc, OrderLinkID: new("a")}
	if r, err := s.Order().CancelOrder(cancel); err != nil || r.Result.OrderID != id || r.Result.OrderLinkID != "a" {
		t.Errorf("cancelled %+v: %v", r, err)
	}
	_, err = s.Order().CancelOrder(cancel)
	bybitRefused(t, "second cancel", err, 110001)
	all, err := s.Order().CancelAllOrders(bybit.V5CancelAllOrdersParam{Category: bybit.CategoryV5Linear,
		Symbol: new(bybit.SymbolV5BTCUSDT)})
	if err != nil || len(all.Result.LinearInverseOption.List) != 1 ||
		all.Result.LinearInverseOption.List[0].OrderLinkID != "b" || all.Result.Spot.Success != "1" {
		t.Errorf("cancelled all %+v: %v", all, err)
	}
	if ids := s.openIDs(); len(ids) != 0 {
		t.Errorf("open orders after cancel all: %v", ids)
	}
}

func TestBybitRefusals(t *testing.T) {
	s := openBybit(t)
	s.place(bybit.SideBuy, "used", "1", "59990", "GTC")
	for what, o := range map[string]struct {
		code  int
		order bybit.V5CreateOrderParam
	}{
		"duplicate": {110072, bybitLimit(bybit.SideBuy, "used", "1", "59990", "GTC")},
		"funds":     {110007, bybitLimit(bybit.SideBuy, "x", "900", "60000", "GTC")},
		"far price": {110003, bybitLimit(bybit.SideBuy, "x", "1", "90000", "GTC")},
		"lot":       {10001, bybitLimit(bybit.SideBuy, "x", "0.0001", "60000", "GTC")},
	} {
		_, err := s.Order().CreateOrder(o.order)
		bybitRefused(t, what, err, o.code)
	}
	_, err := s.bybit(testexchange.DefaultAPIKey, "wrong").Order().
		CreateOrder(bybitLimit(bybit.SideBuy, "x", "1", "60000", "GTC"))
	bybitRefused(t, "signature", err, 10004)
	_, err = s.bybit("nobody", "wrong").Order().CreateOrder(bybitLimit(bybit.SideBuy, "x", "1", "60000", "GTC"))
	bybitRefused(t, "key", err, 10003)
	if n := len(s.state().Orders); n != 1 {
		t.Errorf("%d orders, want the one that was taken", n)
	}
}

func TestBybitAccount(t *testing.T) {
	s := openBybit(t)
	s.place(bybit.SideSell, "a", "2", "60000", "IOC")
	p, err := s.Position().GetPositionInfo(bybit.V5GetPositionInfoParam{Category: bybit.CategoryV5Linear,
		Symbol: new(bybit.SymbolV5BTCUSDT)})
	if err != nil || len(p.Result.List) != 1 {
		t.Fatalf("positions %+v: %v", p, err)
	}
	if x := p.Result.List[0]; x.Side != bybit.SideSell || x.Size != "2.000" || x.PositionIdx != 0 ||
		x.UpdatedTime == "" || x.AvgPrice == "" {
		t.Errorf("position %+v", x)
	}
	x, err := s.Execution().GetExecutionList(bybit.V5GetExecutionParam{Category: bybit.CategoryV5Linear,
		Symbol: new(bybit.SymbolV5BTCUSDT)})
	if err != nil || len(x.Result.List) != 1 {
		t.Fatalf("executions %+v: %v", x, err)
	}
	if e := x.Result.List[0]; e.ExecQty != "2.000" || e.ExecPrice != "60000.00" || e.IsMaker || e.OrderLinkID != "a" ||
		e.ExecType != bybit.ExecTypeV5Trade || e.ExecFee == "" {
		t.Errorf("execution %+v", e)
	}
	w, err := s.Account().GetWalletBalance(bybit.AccountTypeV5UNIFIED, []bybit.Coin{bybit.CoinUSDT})
	if err != nil || len(w.Result.List) != 1 || len(w.Result.List[0].Coin) != 1 ||
		w.Result.List[0].Coin[0].WalletBalance == "" {
		t.Errorf("wallet %+v: %v", w, err)
	}
	k, err := s.User().GetAPIKey()
	if err != nil || k.Result.APIKey != testexchange.DefaultAPIKey || k.Result.ReadOnly != 0 ||
		len(k.Result.Permissions.ContractTrade) == 0 {
		t.Errorf("key %+v: %v", k, err)
	}
}

// bybitUser is the private stream of an account.
type bybitUser struct {
	orders     *inbox[bybit.V5WebsocketPrivateOrderData]
	executions *inbox[bybit.V5WebsocketPrivateExecutionData]
	positions  *inbox[bybit.V5WebsocketPrivatePositionData]
	wallets    *inbox[bybit.V5WebsocketPrivateWalletData]
}

func (s *bybitScene) user() *bybitUser {
	s.Helper()
	u := &bybitUser{newInbox[bybit.V5WebsocketPrivateOrderData](s.T),
		newInbox[bybit.V5WebsocketPrivateExecutionData](s.T), newInbox[bybit.V5WebsocketPrivatePositionData](s.T),
		newInbox[bybit.V5WebsocketPrivateWalletData](s.T)}
	private, err := s.sockets.Private()
	if err != nil {
		s.Fatal(err)
	}
	if err := private.Subscribe(); err != nil { // which is the log-on
		s.Fatal(err)
	}
	_, errOrder := private.SubscribeOrder(func(r bybit.V5WebsocketPrivateOrderResponse) error { return put(u.orders, r.Data) })
	_, errExecution := private.SubscribeExecution(func(r bybit.V5WebsocketPrivateExecutionResponse) error { return put(u.executions, r.Data) })
	_, errPosition := private.SubscribePosition(func(r bybit.V5WebsocketPrivatePositionResponse) error { return put(u.positions, r.Data) })
	_, errWallet := private.SubscribeWallet(func(r bybit.V5WebsocketPrivateWalletResponse) error { return put(u.wallets, r.Data) })
	if err := errors.Join(errOrder, errExecution, errPosition, errWallet); err != nil {
		s.Fatal(err)
	}
	s.run(private.Start)
	s.subscribed(4)
	return u
}

func put[T any](b *inbox[T], rows []T) error {
	for _, r := range rows {
		b.put(r)
	}
	return nil
}
