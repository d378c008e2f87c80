package binancefutures_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binancefutures"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a venue with one symbol, others at 60000.0 and 60000.2, and the key k with the secret s.
func serve(clock wire.Clock) (*venue.Core, *binancefutures.Venue, error) {
	core, err := venue.New(venue.Config{Name: "binancefutures", Address: "127.0.0.1:0", Clock: clock,
		Wire: binancefutures.WireConfig(), Keys: []wire.Key{{Account: "a", APIKey: "k", Secret: "s"}},
		Market: market.Config{
			Symbols: []market.SymbolConfig{{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10",
				LotSize: "0.001", MinNotional: "100"}},
			Accounts: []market.AccountConfig{{Name: "a", Balances: map[string]market.Amount{"USDT": 1e13}}}}})
	if err != nil {
		return nil, nil, err
	}
	v := binancefutures.New(core, binancefutures.Options{WeightPerMinute: 1 << 40, OrdersPer10s: 1 << 40,
		OrdersPerMinute: 1 << 40})
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

func fixture(t testing.TB) (*venue.Core, *binancefutures.Venue, *wire.ScriptedClock) {
	t.Helper()
	clock := wire.NewScriptedClock(1_760_000_000_000_000_000)
	core, v, err := serve(clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	})
	return core, v, clock
}

// FuzzRequest sends signed requests with any parameters: each is answered with JSON, a refusal with a negative code.
func FuzzRequest(f *testing.F) {
	methods := []string{"POST", "PUT", "DELETE", "GET"}
	paths := []string{"order", "batchOrders", "openOrders", "openOrder", "allOpenOrders", "countdownCancelAll",
		"userTrades", "depth", "listenKey"}
	for i, params := range []string{
		"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=59000&timeInForce=GTC&newClientOrderId=x",
		"symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true", "symbol=BTCUSDT&orderId=1",
		"symbol=BTCUSDT&origClientOrderId=x",
		"symbol=BTCUSDT&countdownTime=1000",
		`batchOrders=[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"1"}]`, "limit=5&symbol=BTCUSDT",
		`symbol=BTCUSDT&orderIdList=[1,2]`, "symbol=BTCUSDT&side=BUY&quantity=2&price=59001&orderId=1",
	} {
		f.Add(uint8(i), uint8(i), params)
	}
	core, v, err := serve(wire.NewScriptedClock(1_760_000_000_000_000_000))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = core.Close() })
	f.Fuzz(func(t *testing.T, method, path uint8, params string) {
		what := methods[int(method)%len(methods)] + " /fapi/v1/" + paths[int(path)%len(paths)]
		verb, target, _ := strings.Cut(what, " ")
		w := request(v, verb, target, params)
		if w.Code == http.StatusNotFound {
			return // not every method is for every path
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %q: %d %s", what, params, w.Code, w.Body)
		}
		var refusal struct{ Code int }
		if w.Code != http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &refusal) != nil || refusal.Code >= 0) {
			t.Fatalf("%s %q: %d %s", what, params, w.Code, w.Body)
		}
	})
}

// FuzzMessage sends any text to a connection of streams and to one of the WebSocket API: both live on.
func FuzzMessage(f *testing.F) {
	f.Add(`{"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":1}`)
	f.Add(`{"id":"1","method":"order.place","params":{"symbol":"BTCUSDT","apiKey":"k","timestamp":1760000000000,"signature":"x"}}`)
	f.Add(`[{}]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // the WebSocket library refuses to send it
		}
		core, _, _ := fixture(t)
		for path, question := range map[string]string{"/public/ws": `{"method":"LIST_SUBSCRIPTIONS","id":"end"}`,
			"/ws-fapi/v1": `{"id":"end","method":"time"}`} {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			c, _, err := websocket.Dial(ctx, "ws://"+core.Address()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, message := range []string{text, question} {
				if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
					t.Fatal(err)
				}
			}
			for {
				_, data, err := c.Read(ctx)
				if err != nil {
					t.Fatalf("%s after %q: %v", path, text, err)
				}
				var answer struct{ ID any }
				if err := json.Unmarshal(data, &answer); err != nil {
					t.Fatalf("%s after %q: %s", path, text, data)
				}
				if answer.ID == "end" {
					break
				}
			}
			_ = c.CloseNow()
		}
	})
}

func BenchmarkPlaceAndCancel(b *testing.B) {
	_, v, _ := fixture(b)
	b.ReportAllocs()
	for b.Loop() {
		if w := request(v, "POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=59000&timeInForce=GTC&newClientOrderId=x"); w.Code != 200 {
			b.Fatal(w.Body)
		}
		if w := request(v, "DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=x"); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

func Example() {
	core, v, err := serve(wire.NewScriptedClock(1_760_000_000_000_000_000))
	if err != nil {
		fmt.Println(err)
		return
	}
	w := request(v, "POST", "/fapi/v1/order",
		"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=60000.20&timeInForce=GTX")
	fmt.Println(w.Code, w.Body)
	fmt.Println(core.Close())
	// Output:
	// 400 {"code":-5022,"msg":"Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history"}
	// <nil>
}
