package thirdparty_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/adshao/go-binance/v2/common"
	"github.com/adshao/go-binance/v2/futures"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// futuresScene has a client of the futures venue.
type futuresScene struct {
	*scene
	*futures.Client
	ctx context.Context
}

func openFutures(t *testing.T, changes ...change) *futuresScene {
	t.Helper()
	return open(t, testexchange.BinanceFutures, changes...).futures(testexchange.DefaultAPIKey,
		testexchange.DefaultSecret)
}

func (s *scene) futures(key, secret string) *futuresScene {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	s.Cleanup(cancel)
	return &futuresScene{s, futures.NewClient(key, secret).SetApiEndpoint(s.httpURL()), ctx}
}

// served describes how go-binance opens a stream.
type served func() (done, stop chan struct{}, err error)

// must opens a stream on one class of the venue's URLs, "" for the unrouted ones, until the end of the test.
func (s *futuresScene) must(class string, open served) {
	s.Helper()
	base := s.wsURL()
	if class != "" {
		base += "/" + class
	}
	futures.BaseWsMainUrl, futures.BaseCombinedMainURL = base+"/ws", base+"/stream?streams="
	defer func() { futures.BaseWsMainUrl, futures.BaseCombinedMainURL = nowhere, nowhere }()
	s.keep(open)
}

// keep opens a stream and closes it at the end of the test.
func (s *scene) keep(open served) {
	s.Helper()
	done, stop, err := open()
	if err != nil {
		s.Fatalf("stream: %v", err)
	}
	s.Cleanup(func() {
		close(stop)
		<-done
	})
}

func (s *scene) streamError(err error) { s.Errorf("stream: %v", err) }

// refused checks that an error is the venue's with the code.
func refused(t *testing.T, what string, err error, code int64) {
	t.Helper()
	var e *common.APIError
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want the venue's %d", what, err, code)
	}
}

func TestFuturesSymbolsAndTime(t *testing.T) {
	s := openFutures(t)
	ms, err := s.NewServerTimeService().Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Since(time.UnixMilli(ms)); off.Abs() > deadline {
		t.Errorf("the venue is %v behind", off)
	}
	if err := s.NewPingService().Do(s.ctx); err != nil {
		t.Error(err)
	}
	info, err := s.NewExchangeInfoService().Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range info.Symbols {
		if y.Symbol != btc {
			continue
		}
		price, lot, market, notional, band := y.PriceFilter(), y.LotSizeFilter(), y.MarketLotSizeFilter(),
			y.MinNotionalFilter(), y.PercentPriceFilter()
		if price == nil || lot == nil || market == nil || notional == nil || band == nil ||
			y.MaxNumOrdersFilter() == nil {
			t.Fatalf("a filter is missing: %v", y.Filters)
		}
		if *price != (futures.PriceFilter{MaxPrice: "4529764", MinPrice: "556.80", TickSize: "0.10"}) ||
			*lot != (futures.LotSizeFilter{MaxQuantity: "1000", MinQuantity: "0.001", StepSize: "0.001"}) ||
			market.MaxQuantity != "120" || notional.Notional != "100" {
			t.Errorf("filters %+v %+v %+v %+v", price, lot, market, notional)
		}
		if y.Status != "TRADING" || y.ContractType != futures.ContractTypePerpetual || y.QuoteAsset != "USDT" ||
			len(y.TimeInForce) == 0 {
			t.Errorf("symbol %+v", y)
		}
	}
	if len(info.Symbols) != 2 || len(info.RateLimits) == 0 {
		t.Errorf("%d symbols, limits %v", len(info.Symbols), info.RateLimits)
	}
}

func TestFuturesMarketByREST(t *testing.T) {
	s := openFutures(t)
	depth, err := s.NewDepthService().Symbol(btc).Limit(5).Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(depth.Bids) != 1 || depth.Bids[0].Price != "60000.00" || depth.Asks[0].Quantity != "5.000" ||
		depth.LastUpdateID != s.book().UpdateID || depth.Time == 0 {
		t.Errorf("depth %+v", depth)
	}
	tickers, err := s.NewListBookTickersService().Symbol(btc).Do(s.ctx)
	if err != nil || len(tickers) != 1 || tickers[0].BidPrice != "60000.00" || tickers[0].AskPrice != "60000.20" {
		t.Errorf("tickers %+v: %v", tickers, err)
	}
	if _, err := s.NewDepthService().Symbol("NOUSDT").Do(s.ctx); true {
		refused(t, "unknown symbol", err, -1121)
	}
}

func (s *futuresScene) limit(side futures.SideType, id, qty, price string,
	tif futures.TimeInForceType) *futures.CreateOrderService {
	return s.NewCreateOrderService().Symbol(btc).Side(side).Type(futures.OrderTypeLimit).TimeInForce(tif).Quantity(qty).
		Price(price).
		NewClientOrderID(id)
}

// place places a limit order that is not refused.
func (s *futuresScene) place(side futures.SideType, id, qty, price string,
	tif futures.TimeInForceType) *futures.CreateOrderResponse {
	s.Helper()
	r, err := s.limit(side, id, qty, price, tif).Do(s.ctx)
	if err != nil {
		s.Fatalf("place %s: %v", id, err)
	}
	return r
}

func (s *futuresScene) openIDs() []string {
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

// ordersOf works through the requests of orders, with whatever key the client has.
func ordersOf(s *futuresScene) {
	s.Helper()
	placed := s.place(futures.SideTypeBuy, "a", "1", "59990.10", futures.TimeInForceTypeGTX)
	if placed.Status != futures.OrderStatusTypeNew || placed.ClientOrderID != "a" || placed.OrigQuantity != "1.000" ||
		placed.OrderID == 0 || placed.UpdateTime == 0 || placed.RateLimitOrder10s == "" ||
		placed.RateLimitOrder1m == "" {
		s.Errorf("placed %+v", placed)
	}
	s.place(futures.SideTypeSell, "b", "1", "60010.00", futures.TimeInForceTypeGTC)
	equal(s.T, "open orders", s.openIDs(), "a", "b")
	o, err := s.NewGetOrderService().Symbol(btc).OrigClientOrderID("a").Do(s.ctx)
	if err != nil || o.OrderID != placed.OrderID || o.Price != "59990.10" || o.Status != futures.OrderStatusTypeNew ||
		o.Time == 0 || o.AvgPrice == "" {
		s.Errorf("query %+v: %v", o, err)
	}
	if open, err := s.NewGetOpenOrderService().Symbol(btc).OrderID(placed.OrderID).Do(s.ctx); err != nil ||
		open.ClientOrderID != "a" {
		s.Errorf("open order %+v: %v", open, err)
	}
	m, err := s.NewModifyOrderService().Symbol(btc).Side(futures.SideTypeBuy).OrigClientOrderID("a").Quantity("2").
		Price("59991.0").Do(s.ctx)
	if err != nil || m.OrderID != placed.OrderID || m.Price != "59991.00" || m.OriginalQuantity != "2.000" {
		s.Errorf("modified %+v: %v", m, err)
	}
	c, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("a").Do(s.ctx)
	if err != nil || c.Status != futures.OrderStatusTypeCanceled || c.OrderID != placed.OrderID {
		s.Errorf("cancelled %+v: %v", c, err)
	}
	if _, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("a").Do(s.ctx); true {
		refused(s.T, "second cancel", err, -2011)
	}
	if err := s.NewCancelAllOpenOrdersService().Symbol(btc).Do(s.ctx); err != nil {
		s.Error(err)
	}
	equal(s.T, "open orders after cancel all", s.openIDs())
}

func TestFuturesOrdersHMAC(t *testing.T) { ordersOf(openFutures(t)) }

func TestFuturesOrdersEd25519(t *testing.T) {
	private, public := keys(t)
	s := open(t, testexchange.BinanceFutures, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "ed", PublicKey: public}}
	})
	f := s.futures("ed", private)
	f.KeyType = common.KeyTypeEd25519
	ordersOf(f)
}

// keys returns a pair of Ed25519 keys: the private one in PEM, as clients take it, the public one in base64.
func keys(t *testing.T) (private, public string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		base64.StdEncoding.EncodeToString(spki)
}

func TestFuturesRefusals(t *testing.T) {
	s := openFutures(t)
	for code, order := range map[int64]*futures.CreateOrderService{
		-5022: s.limit(futures.SideTypeBuy, "x", "1", "60000.20", futures.TimeInForceTypeGTX),
		-5021: s.limit(futures.SideTypeBuy, "x", "9", "60000.20", futures.TimeInForceTypeFOK),
		-4014: s.limit(futures.SideTypeBuy, "x", "1", "60000.15", futures.TimeInForceTypeGTC),
		-4164: s.limit(futures.SideTypeBuy, "x", "0.001", "60000", futures.TimeInForceTypeGTC),
		-1111: s.limit(futures.SideTypeBuy, "x", "1.0001", "60000", futures.TimeInForceTypeGTC),
		-2019: s.limit(futures.SideTypeBuy, "x", "900", "60000", futures.TimeInForceTypeGTC),
	} {
		_, err := order.Do(s.ctx)
		refused(t, fmt.Sprint(code), err, code)
	}
	if _, err := s.NewGetOrderService().Symbol(btc).OrigClientOrderID("nobody").Do(s.ctx); true {
		refused(t, "query", err, -2013)
	}
	wrong := s.futures(testexchange.DefaultAPIKey, "wrong")
	if _, err := wrong.NewListOpenOrdersService().Do(s.ctx); true {
		refused(t, "signature", err, -1022)
	}
	s.TimeOffset = 10_000
	if _, err := s.NewListOpenOrdersService().Do(s.ctx); true {
		refused(t, "clock", err, -1021)
	}
	if n := len(s.state().Orders); n != 0 {
		t.Errorf("%d orders of refused requests", n)
	}
}

func TestFuturesBatches(t *testing.T) {
	s := openFutures(t)
	r, err := s.NewCreateBatchOrdersService().OrderList([]*futures.CreateOrderService{
		s.limit(futures.SideTypeBuy, "a", "1", "59990", futures.TimeInForceTypeGTC),
		s.limit(futures.SideTypeBuy, "b", "1", "60000.20", futures.TimeInForceTypeGTX),
		s.limit(futures.SideTypeBuy, "c", "1", "59991", futures.TimeInForceTypeGTC),
	}).Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Orders) != 2 || r.Orders[1].ClientOrderID != "c" || len(r.Errors) != 3 || r.Errors[0] != nil ||
		r.Errors[2] != nil {
		t.Fatalf("orders %v, errors %v", r.Orders, r.Errors)
	}
	refused(t, "post only in a batch", r.Errors[1], -5022)
	// By the venue's ids: the client writes a list of its own ids as Go does, not as JSON.
	cancelled, err := s.NewCancelMultipleOrdersService().Symbol(btc).
		OrderIDList([]int64{r.Orders[0].OrderID, r.Orders[1].OrderID}).Do(s.ctx)
	if err != nil || len(cancelled) != 2 || cancelled[1].Status != futures.OrderStatusTypeCanceled {
		t.Errorf("cancelled %v: %v", cancelled, err)
	}
}

func TestFuturesAccount(t *testing.T) {
	s := openFutures(t)
	s.place(futures.SideTypeBuy, "a", "2", "60000.20", futures.TimeInForceTypeIOC)
	risk, err := s.NewGetPositionRiskV3Service().Symbol(btc).Do(s.ctx)
	if err != nil || len(risk) != 1 || risk[0].PositionAmt != "2.000" || risk[0].PositionSide != "BOTH" ||
		risk[0].UpdateTime == 0 {
		t.Errorf("position %+v: %v", risk, err)
	}
	balances, err := s.NewGetBalanceService().Do(s.ctx)
	if i := slices.IndexFunc(balances, func(b *futures.Balance) bool { return b.Asset == "USDT" }); err != nil ||
		i < 0 || balances[i].Balance != "99939.99980000" {
		t.Errorf("balances %+v: %v", balances, err)
	}
	account, err := s.NewGetAccountV3Service().Do(s.ctx)
	if err != nil || len(account.Assets) == 0 || len(account.Positions) == 0 {
		t.Errorf("account %+v: %v", account, err)
	}
	mode, err := s.NewGetPositionModeService().Do(s.ctx)
	if err != nil || mode.DualSidePosition {
		t.Errorf("mode %+v: %v", mode, err)
	}
	trades, err := s.NewListAccountTradeService().Symbol(btc).Do(s.ctx)
	if err != nil || len(trades) != 1 || trades[0].Quantity != "2.000" || trades[0].Maker ||
		trades[0].Commission != "60.00020000" {
		t.Errorf("trades %+v: %v", trades, err)
	}
}

func TestFuturesUserStream(t *testing.T) {
	s := openFutures(t)
	key, err := s.NewStartUserStreamService().Do(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.NewStartUserStreamService().Do(s.ctx)
	if err != nil || again != key {
		t.Errorf("listen key %s, then %s: %v", key, again, err)
	}
	if err := s.NewKeepaliveUserStreamService().ListenKey(key).Do(s.ctx); err != nil {
		t.Error(err)
	}
	events := newInbox[*futures.WsUserDataEvent](t)
	s.must("private", func() (chan struct{}, chan struct{}, error) {
		return futures.WsUserDataServe(key, events.put, s.streamError)
	})
	s.eventually("a user stream at the venue", func() bool { return len(s.state().Connections) == 1 })

	s.place(futures.SideTypeBuy, "a", "2", "60000.10", futures.TimeInForceTypeGTX)
	s.trade(hft.Sell, 60000.1, 0.5)
	if _, err := s.NewModifyOrderService().Symbol(btc).Side(futures.SideTypeBuy).OrigClientOrderID("a").Quantity("1.5").
		Price("60000.1").Do(s.ctx); err != nil {
		t.Error(err)
	}
	s.trade(hft.Sell, 60000, 3)
	s.place(futures.SideTypeSell, "b", "1", "60000.00", futures.TimeInForceTypeIOC)
	s.place(futures.SideTypeBuy, "c", "9", "60000.20", futures.TimeInForceTypeIOC)
	s.place(futures.SideTypeSell, "d", "1", "60010.00", futures.TimeInForceTypeGTC)
	if _, err := s.NewCancelOrderService().Symbol(btc).OrigClientOrderID("d").Do(s.ctx); err != nil {
		t.Error(err)
	}
	var orders, positions []string
	tradeIDs := map[int64]bool{}
	for _, e := range events.until("cancel", func(e *futures.WsUserDataEvent) bool {
		return e.OrderTradeUpdate.ClientOrderID == "d" && e.OrderTradeUpdate.Status == futures.OrderStatusTypeCanceled
	}) {
		switch o := e.OrderTradeUpdate; e.Event {
		case futures.UserDataEventTypeOrderTradeUpdate:
			orders = append(orders, fmt.Sprintf("%s %s/%s %s@%s %s %t", o.ClientOrderID, o.ExecutionType, o.Status,
				o.LastFilledQty, o.LastFilledPrice, o.AccumulatedFilledQty, o.IsMaker))
			if o.ExecutionType == futures.OrderExecutionTypeTrade {
				if o.TradeID == 0 || tradeIDs[o.TradeID] || o.CommissionAsset != "USDT" {
					t.Errorf("execution %+v", o)
				}
				tradeIDs[o.TradeID] = true
			}
		case futures.UserDataEventTypeAccountUpdate:
			for _, p := range e.AccountUpdate.Positions {
				positions = append(positions, p.Amount)
			}
			if e.AccountUpdate.Reason != futures.UserDataEventReasonTypeOrder || len(e.AccountUpdate.Balances) == 0 {
				t.Errorf("account update %+v", e.AccountUpdate)
			}
		}
	}
	equal(t, "orders", orders, "a NEW/NEW 0@0 0 false", "a TRADE/PARTIALLY_FILLED 0.500@60000.10 0.500 true",
		"a AMENDMENT/PARTIALLY_FILLED 0@0 0.500 false", "a TRADE/FILLED 1.000@60000.10 1.500 true",
		"b NEW/NEW 0@0 0 false", "b TRADE/FILLED 1.000@60000.00 1.000 false", "c NEW/NEW 0@0 0 false",
		"c TRADE/PARTIALLY_FILLED 5.000@60000.20 5.000 false", "c EXPIRED/EXPIRED 0@0 5.000 false",
		"d NEW/NEW 0@0 0 false", "d CANCELED/CANCELED 0@0 0 false")
	equal(t, "positions", positions, "0.500", "1.500", "0.500", "5.500")
	if n := len(s.state().Executions); n != len(tradeIDs) {
		t.Errorf("%d executions at the venue, %d on the stream", n, len(tradeIDs))
	}
	if err := s.NewCloseUserStreamService().ListenKey(key).Do(s.ctx); err != nil {
		t.Error(err)
	}
}
