package thirdparty_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	binance "github.com/adshao/go-binance/v2"
	"github.com/adshao/go-binance/v2/common"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// spotScene has a client of the spot venue.
type spotScene struct {
	*scene
	*binance.Client
	ctx context.Context
}

func openSpot(t *testing.T, changes ...change) *spotScene {
	t.Helper()
	return open(t, testexchange.BinanceSpot, changes...).spot(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
}

func (s *scene) spot(key, secret string) *spotScene {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	s.Cleanup(cancel)
	return &spotScene{s, binance.NewClient(key, secret).SetApiEndpoint(s.httpURL()), ctx}
}

// must opens a stream until the end of the test.
func (s *spotScene) must(open served) {
	s.Helper()
	binance.BaseWsMainURL, binance.BaseCombinedMainURL = s.wsURL()+"/ws", s.wsURL()+"/stream?streams="
	defer func() { binance.BaseWsMainURL, binance.BaseCombinedMainURL = nowhere, nowhere }()
	s.keep(open)
}

func TestSpotSymbolsAndTime(t *testing.T) {
	s := openSpot(t)
	if off, err := s.NewSetServerTimeService().Do(s.ctx); err != nil || time.Duration(off)*time.Millisecond > deadline {
		t.Errorf("clock offset %d ms: %v", off, err)
	}
	info, err := s.NewExchangeInfoService().Symbol(btc).Do(s.ctx)
	if err != nil || len(info.Symbols) != 1 {
		t.Fatalf("%+v: %v", info, err)
	}
	y := info.Symbols[0]
	price, lot, notional, band := y.PriceFilter(), y.LotSizeFilter(), y.NotionalFilter(), y.PercentPriceBySideFilter()
	if price == nil || lot == nil || notional == nil || band == nil || y.MarketLotSizeFilter() == nil ||
		y.MaxNumOrdersFilter() == nil {
		t.Fatalf("a filter is missing: %v", y.Filters)
	}
	if price.TickSize != "0.01000000" || lot.StepSize != "0.00001000" || notional.MinNotional != "5.00000000" {
		t.Errorf("filters %+v %+v %+v", price, lot, notional)
	}
	if y.Status != "TRADING" || y.BaseAsset != "BTC" || !slices.Contains(y.OrderTypes, "LIMIT_MAKER") ||
		len(info.RateLimits) == 0 {
		t.Errorf("symbol %+v, limits %v", y, info.RateLimits)
	}
}

func (s *spotScene) limit(side binance.SideType, id, qty, price string,
	tif binance.TimeInForceType) *binance.CreateOrderService {
	return s.NewCreateOrderService().Symbol(btc).Side(side).Type(binance.OrderTypeLimit).TimeInForce(tif).Quantity(qty).
		Price(price).NewClientOrderID(id)
}

func (s *spotScene) maker(side binance.SideType, id, qty, price string) *binance.CreateOrderService {
	return s.NewCreateOrderService().Symbol(btc).Side(side).Type(binance.OrderTypeLimitMaker).Quantity(qty).
		Price(price).NewClientOrderID(id).
		NewOrderRespType(binance.NewOrderRespTypeRESULT)
}

// place places an order that is not refused.
func (s *spotScene) place(o *binance.CreateOrderService) *binance.CreateOrderResponse {
	s.Helper()
	r, err := o.Do(s.ctx)
	if err != nil {
		s.Fatalf("place: %v", err)
	}
	return r
}

func (s *spotScene) openIDs() []string {
	s.Helper()
	list, err := s.NewListOpenOrdersService().Symbol(btc).Do(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	var ids []string
	for _, o := range list {
		ids = append(ids, o.ClientOrderID)
	}
	return ids
}

// spotOrdersOf works through the requests of orders, with whatever key the client has.
func spotOrdersOf(s *spotScene) {
	s.Helper()
	placed := s.place(s.maker(binance.SideTypeBuy, "a", "1", "59990.10"))
	if placed.Status != binance.OrderStatusTypeNew || placed.ClientOrderID != "a" ||
		placed.OrigQuantity != "1.00000000" || placed.OrderID == 0 || placed.TransactTime == 0 ||
		placed.Type != binance.OrderTypeLimitMaker {
		s.Errorf("placed %+v", placed)
	}
	s.place(s.limit(binance.SideTypeSell, "b", "1", "60010.00", binance.TimeInForceTypeGTC))
	equal(s.T, "open orders", s.openIDs(), "a", "b")
	o, err := s.NewGetOrderService().Symbol(btc).OrigClientOrderID("a").Do(s.ctx)
	if err != nil || o.OrderID != placed.OrderID || o.Price != "59990.10000000" ||
		o.Status != binance.OrderStatusTypeNew || !o.IsWorking || o.OrderListId != -1 {
		s.Errorf("query %+v: %v", o, err)
	}
	replaced, err := s.NewCancelReplaceOrderService().Symbol(btc).Side(binance.SideTypeBuy).
		Type(binance.OrderTypeLimitMaker).
		CancelReplaceMode(binance.CancelReplaceModeStopOnFailure).CancelOrigClientOrderID("a").NewClientOrderID("c").
		Quantity("1.5").Price("59991").Do(s.ctx)
	if err != nil || replaced.CancelResult != "SUCCESS" || replaced.NewOrderResult != "SUCCESS" ||
		replaced.NewOrderResponse.ClientOrderID != "c" || replaced.CancelResponse.OrigClientOrderID != "a" {
		s.Errorf("replaced %+v: %v", replaced, err)
	}
	c, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("c").NewClientOrderID("cancel-c").Do(s.ctx)
	if err != nil || c.Status != binance.OrderStatusTypeCanceled || c.OrigClientOrderID != "c" ||
		c.ClientOrderID != "cancel-c" {
		s.Errorf("cancelled %+v: %v", c, err)
	}
	if _, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("c").Do(s.ctx); true {
		refused(s.T, "second cancel", err, -2011)
	}
	all, err := s.NewCancelOpenOrdersService().Symbol(btc).Do(s.ctx)
	if err != nil || len(all.Orders) != 1 || all.Orders[0].OrigClientOrderID != "b" || len(all.OCOOrders) != 0 {
		s.Errorf("cancelled all %+v: %v", all, err)
	}
	if _, err := s.NewCancelOpenOrdersService().Symbol(btc).Do(s.ctx); true {
		refused(s.T, "nothing to cancel", err, -2011)
	}
	equal(s.T, "open orders after cancel all", s.openIDs())
}

func TestSpotOrdersHMAC(t *testing.T) { spotOrdersOf(openSpot(t)) }

func TestSpotOrdersEd25519(t *testing.T) {
	private, public := keys(t)
	s := open(t, testexchange.BinanceSpot, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "ed", PublicKey: public}}
	}).spot("ed", private)
	s.KeyType = common.KeyTypeEd25519
	spotOrdersOf(s)
}

func TestSpotRefusals(t *testing.T) {
	s := openSpot(t)
	for what, o := range map[string]struct {
		code  int64
		order *binance.CreateOrderService
	}{
		"post only": {-2010, s.maker(binance.SideTypeBuy, "x", "1", "60000.20")},
		"funds":     {-2010, s.limit(binance.SideTypeBuy, "x", "9", "60000", binance.TimeInForceTypeGTC)},
		"tick":      {-1013, s.limit(binance.SideTypeBuy, "x", "1", "60000.001", binance.TimeInForceTypeGTC)},
		"notional":  {-1013, s.limit(binance.SideTypeBuy, "x", "0.00001", "60000", binance.TimeInForceTypeGTC)},
	} {
		_, err := o.order.Do(s.ctx)
		refused(t, what, err, o.code)
	}
	if err := s.limit(binance.SideTypeBuy, "x", "1", "60000", binance.TimeInForceTypeGTC).Test(s.ctx); err != nil {
		t.Errorf("test order: %v", err)
	}
	if n := len(s.state().Orders); n != 0 {
		t.Errorf("%d orders of refused and test requests", n)
	}
}

// TestSpotFills looks at the fills that come with the answer, which is the default for limit orders.
func TestSpotFills(t *testing.T) {
	s := openSpot(t)
	r := s.place(s.limit(binance.SideTypeBuy, "a", "1", "60000.20", binance.TimeInForceTypeIOC))
	if r.Status != binance.OrderStatusTypeFilled || len(r.Fills) != 1 || r.Fills[0].Price != "60000.20000000" ||
		r.Fills[0].CommissionAsset != "BTC" || r.Fills[0].Commission != "0.00100000" ||
		r.CummulativeQuoteQuantity != "60000.20000000" {
		t.Errorf("filled %+v", r)
	}
	account, err := s.NewGetAccountService().Do(s.ctx)
	if err != nil || !account.CanTrade {
		t.Fatalf("account %+v: %v", account, err)
	}
	i := slices.IndexFunc(account.Balances, func(b binance.Balance) bool { return b.Asset == "BTC" })
	if i < 0 || account.Balances[i].Free != "10.99900000" {
		t.Errorf("balances %+v", account.Balances)
	}
	trades, err := s.NewListTradesService().Symbol(btc).Do(s.ctx)
	if err != nil || len(trades) != 1 || trades[0].ID != r.Fills[0].TradeID || trades[0].IsMaker || !trades[0].IsBuyer {
		t.Errorf("trades %+v: %v", trades, err)
	}
}

func TestSpotUserStreamHMAC(t *testing.T) {
	s := openSpot(t)
	spotUserStream(s, testexchange.DefaultAPIKey, testexchange.DefaultSecret, common.KeyTypeHmac)
}

func TestSpotUserStreamEd25519(t *testing.T) {
	private, public := keys(t)
	s := open(t, testexchange.BinanceSpot, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "ed", PublicKey: public}}
	}).spot("ed", private)
	s.KeyType = common.KeyTypeEd25519
	spotUserStream(s, "ed", private, common.KeyTypeEd25519)
}

// spotUserStream follows orders on the stream that the client subscribes by signature.
func spotUserStream(s *spotScene, key, secret, keyType string) {
	s.Helper()
	events := newInbox[*binance.WsUserDataEvent](s.T)
	socketAPI.Store(new(s.wsURL() + "/ws-api/v3"))
	_, stop, err := binance.WsUserDataServeSignature(key, secret, keyType, 0, events.put, s.streamError)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { close(stop) }) // it ends with the connection, and is silent from now on
	s.eventually("a user stream at the venue",
		func() bool { c := s.state().Connections; return len(c) == 1 && c[0].Sent > 0 })

	s.place(s.maker(binance.SideTypeBuy, "a", "1", "60000.10"))
	s.trade(hft.Sell, 60000.1, 0.25)
	s.trade(hft.Sell, 60000, 3)
	s.place(s.limit(binance.SideTypeSell, "b", "6", "60000.00", binance.TimeInForceTypeIOC))
	s.place(s.limit(binance.SideTypeSell, "c", "1", "60010.00", binance.TimeInForceTypeGTC))
	if _, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("c").NewClientOrderID("cancel-c").
		Do(s.ctx); err != nil {
		s.Error(err)
	}
	var orders []string
	tradeIDs, accounts := map[int64]bool{}, 0
	for _, e := range events.until("cancel",
		func(e *binance.WsUserDataEvent) bool { return e.OrderUpdate.ExecutionType == "CANCELED" }) {
		switch o := e.OrderUpdate; e.Event {
		case binance.UserDataEventTypeExecutionReport:
			orders = append(orders, fmt.Sprintf("%s %s/%s %s %s@%s %s %t", o.ClientOrderId, o.OrigCustomOrderId,
				o.ExecutionType, o.Status, o.LatestVolume, o.LatestPrice, o.FilledVolume, o.IsMaker))
			if o.ExecutionType == "TRADE" {
				if o.TradeId <= 0 || tradeIDs[o.TradeId] || o.FeeAsset == "" || o.TransactionTime == 0 {
					s.Errorf("execution %+v", o)
				}
				tradeIDs[o.TradeId] = true
			}
		case binance.UserDataEventTypeOutboundAccountPosition:
			accounts++
			if len(e.AccountUpdate.WsAccountUpdates) == 0 || e.Time == 0 {
				s.Errorf("account %+v", e.AccountUpdate)
			}
		}
	}
	equal(s.T, "orders", orders,
		"a /NEW NEW 0.00000000@0.00000000 0.00000000 false",
		"a /TRADE PARTIALLY_FILLED 0.25000000@60000.10000000 0.25000000 true",
		"a /TRADE FILLED 0.75000000@60000.10000000 1.00000000 true",
		"b /NEW NEW 0.00000000@0.00000000 0.00000000 false",
		"b /TRADE PARTIALLY_FILLED 5.00000000@60000.00000000 5.00000000 false",
		"b /EXPIRED EXPIRED 0.00000000@0.00000000 5.00000000 false",
		"c /NEW NEW 0.00000000@0.00000000 0.00000000 false",
		"cancel-c c/CANCELED CANCELED 0.00000000@0.00000000 0.00000000 false")
	if n := len(s.state().Executions); n != len(tradeIDs) || accounts == 0 {
		s.Errorf("%d executions at the venue, %d on the stream, %d account updates", n, len(tradeIDs), accounts)
	}
}

// TestSpotListenKeysAreGone checks that an old client gets an error that says so.
func TestSpotListenKeysAreGone(t *testing.T) {
	s := openSpot(t)
	if key, err := s.NewStartUserStreamService().Do(s.ctx); err == nil {
		t.Errorf("listen key %q, which the venue no longer gives", key)
	}
}

func TestSpotWebSocketAPI(t *testing.T) {
	s := openSpot(t)
	socketAPI.Store(new(s.wsURL() + "/ws-api/v3"))
	placing, err := binance.NewOrderCreateWsService(testexchange.DefaultAPIKey, testexchange.DefaultSecret)
	if err != nil {
		t.Fatal(err)
	}
	order := func(id, price string) *binance.OrderCreateWsRequest {
		return binance.NewOrderCreateWsRequest().Symbol(btc).Side(binance.SideTypeBuy).
			Type(binance.OrderTypeLimitMaker).Quantity("1").Price(price).
			NewClientOrderID(id).NewOrderRespType(binance.NewOrderRespTypeRESULT)
	}
	placed, err := placing.SyncDo("1", order("a", "59990.1"))
	if err != nil || placed.Status != 200 || placed.Error != nil || placed.Result.ClientOrderID != "a" ||
		placed.Result.Status != binance.OrderStatusTypeNew {
		t.Fatalf("placed %+v: %v", placed, err)
	}
	crossing, err := placing.SyncDo("2", order("b", "60000.2"))
	if err != nil || crossing.Status != 400 || crossing.Error == nil {
		t.Fatalf("crossing %+v: %v", crossing, err)
	}
	refused(t, "post only", crossing.Error, -2010)
	equal(t, "open orders", s.openIDs(), "a")
}
