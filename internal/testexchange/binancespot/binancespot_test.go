package binancespot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binancespot"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a venue with one symbol, others at 60000.00 and 60000.20, and the key k with the secret s.
func serve() (*venue.Core, *binancespot.Venue, error) {
	core, err := venue.New(venue.Config{Name: "binancespot", Address: "127.0.0.1:0",
		Clock: wire.NewScriptedClock(1_760_000_000_000_000_000), Wire: binancespot.WireConfig(),
		Keys: []wire.Key{{Account: "a", APIKey: "k", Secret: "s"}}, Market: market.Config{Spot: true, NoGaps: true,
			Symbols: []market.SymbolConfig{{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT",
				TickSize: "0.01000000", LotSize: "0.00001000", MinNotional: "5"}},
			Accounts: []market.AccountConfig{{Name: "a", Balances: map[string]market.Amount{"USDT": 1e13,
				"BTC": 1e10}}}}})
	if err != nil {
		return nil, nil, err
	}
	v := binancespot.New(core, binancespot.Options{WeightPerMinute: 1 << 40, OrdersPer10s: 1 << 40,
		OrdersPerDay: 1 << 40})
	if err := core.Start(v); err != nil {
		return nil, nil, err
	}
	for side, price := range map[hft.Side]float64{hft.Buy: 60000, hft.Sell: 60000.2} {
		if err := core.SetLevel("BTCUSDT", side, price, 5); err != nil {
			return nil, nil, err
		}
	}
	return core, v, nil
}

func request(v http.Handler, method, path, params string) *httptest.ResponseRecorder {
	params += "&timestamp=1760000000000"
	r := httptest.NewRequest(method, path, strings.NewReader(params+"&signature="+wire.HMAC("s", params)))
	r.Header.Set("X-MBX-APIKEY", "k")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// FuzzRequest sends signed requests with any parameters: each is answered with JSON, a refusal with a negative code.
func FuzzRequest(f *testing.F) {
	methods := []string{"POST", "PUT", "DELETE", "GET"}
	paths := []string{"order", "order/amend/keepPriority", "order/cancelReplace", "openOrders", "myTrades", "depth",
		"exchangeInfo"}
	for i, params := range []string{
		"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=59000&timeInForce=GTC&newClientOrderId=x",
		"symbol=BTCUSDT&orderId=1&newQty=0.5",
		"symbol=BTCUSDT&cancelOrderId=1&cancelReplaceMode=ALLOW_FAILURE&side=SELL&type=MARKET&quantity=0.1",
		"symbol=BTCUSDT&origClientOrderId=x&cancelRestrictions=ONLY_NEW", "symbol=BTCUSDT&fromId=1",
		"symbol=BTCUSDT&limit=5000", `symbols=["BTCUSDT"]`,
	} {
		f.Add(uint8(i), uint8(i), params)
	}
	core, v, err := serve()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = core.Close() })
	f.Fuzz(func(t *testing.T, method, path uint8, params string) {
		verb, target := methods[int(method)%len(methods)], "/api/v3/"+paths[int(path)%len(paths)]
		w := request(v, verb, target, params)
		if w.Code == http.StatusNotFound {
			return // not every method is for every path
		}
		var refusal struct{ Code int }
		if !json.Valid(w.Body.Bytes()) || w.Code != http.StatusOK &&
			(json.Unmarshal(w.Body.Bytes(), &refusal) != nil || refusal.Code >= 0) {
			t.Fatalf("%s %s %q: %d %s", verb, target, params, w.Code, w.Body)
		}
	})
}

func BenchmarkPlaceAndCancel(b *testing.B) {
	core, v, err := serve()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = core.Close() })
	b.ReportAllocs()
	for b.Loop() {
		if w := request(v, "POST", "/api/v3/order", "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=59000&timeInForce=GTC&newClientOrderId=x"); w.Code != 200 {
			b.Fatal(w.Body)
		}
		if w := request(v, "DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=x"); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

func Example() {
	core, v, err := serve()
	if err != nil {
		fmt.Println(err)
		return
	}
	w := request(v, "POST", "/api/v3/order", "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1&price=60000.20")
	fmt.Println(w.Code, w.Body)
	fmt.Println(core.Close())
	// Output:
	// 400 {"code":-2010,"msg":"Order would immediately match and take."}
	// <nil>
}
