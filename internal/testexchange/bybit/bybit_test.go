package bybit_test

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
	"github.com/hftrunner/hftrunner/internal/testexchange/bybit"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	nowNs = 1_760_000_000_000_000_000
	nowMs = "1760000000000"
)

// serve starts a venue with one symbol, others at 60000.0 and 60000.2, and the key k with the secret s.
func serve() (*venue.Core, *bybit.Venue, error) {
	core, err := venue.New(venue.Config{Name: "bybit", Address: "127.0.0.1:0", Clock: wire.NewScriptedClock(nowNs),
		Wire: bybit.WireConfig(), Keys: []wire.Key{{Account: "a", APIKey: "k", Secret: "s"}},
		Market: market.Config{NoGaps: true, FirstUpdateID: 1000,
			Symbols: []market.SymbolConfig{{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10",
				LotSize: "0.001", MinNotional: "5"}},
			Accounts: []market.AccountConfig{{Name: "a", Balances: map[string]market.Amount{"USDT": 1e13}}}}})
	if err != nil {
		return nil, nil, err
	}
	v := bybit.New(core, bybit.Options{RequestsPer5s: 1 << 40, OrdersPerSecond: 1 << 40, ConnectionsPer5m: 1 << 40})
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

func request(v http.Handler, method, path, payload string) *httptest.ResponseRecorder {
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader(payload))
		r.Header.Set("Content-Type", "application/json")
	} else {
		r = httptest.NewRequest(method, path, nil)
		r.URL.RawQuery = payload
	}
	for name, value := range map[string]string{"X-BAPI-API-KEY": "k", "X-BAPI-TIMESTAMP": nowMs,
		"X-BAPI-SIGN": wire.HMAC("s", nowMs+"k"+payload)} {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// retCode reads the code of an answer.
func retCode(w *httptest.ResponseRecorder) (int, error) {
	var e struct {
		Code *int `json:"retCode"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		return 0, err
	}
	if e.Code == nil {
		return 0, fmt.Errorf("no retCode in %s", w.Body)
	}
	return *e.Code, nil
}

// requests are all that REST knows.
func requests() []string {
	return []string{"POST order/create", "POST order/amend", "POST order/cancel", "POST order/cancel-all",
		"POST order/create-batch", "POST order/amend-batch", "POST order/cancel-batch",
		"POST order/disconnected-cancel-all", "GET order/realtime", "GET order/history", "GET execution/list",
		"GET position/list", "GET account/wallet-balance", "GET user/query-api", "GET market/time",
		"GET market/instruments-info", "GET market/orderbook", "GET market/tickers"}
}

// FuzzRequest sends signed requests with any parameters: each is answered in the venue's form.
func FuzzRequest(f *testing.F) {
	const about = `{"category":"linear","symbol":"BTCUSDT",`
	for i, payload := range []string{
		about + `"side":"Buy","orderType":"Limit","qty":"1","price":"59000","timeInForce":"GTC","orderLinkId":"x"}`,
		about + `"orderLinkId":"x","price":"59001"}`,
		about + `"orderLinkId":"x"}`, about + `"settleCoin":"USDT"}`,
		`{"category":"linear","request":[` + about + `"side":"Sell","orderType":"Market","qty":"0.01"}]}`,
		`{"category":"linear","request":[{}]}`, `{"category":"linear","request":[]}`,
		`{"product":"DERIVATIVES","timeWindow":10}`,
		"category=linear&symbol=BTCUSDT&limit=5&cursor=3%3A1",
		"category=linear&orderId=00000000-0000-4d1c-9e5a-004d1c000001",
		"category=linear&symbol=BTCUSDT&startTime=1&endTime=2", "category=linear&settleCoin=USDT",
		"accountType=UNIFIED&coin=BTC", "", "%zz",
		"category=linear", "category=linear&symbol=BTCUSDT&limit=1", "category=linear",
	} {
		f.Add(uint8(i), payload)
	}
	core, v, err := serve()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = core.Close() })
	f.Fuzz(func(t *testing.T, which uint8, payload string) {
		method, path, _ := strings.Cut(requests()[int(which)%len(requests())], " ")
		w := request(v, method, "/v5/"+path, payload)
		if code, err := retCode(w); err != nil || code == 10016 || w.Code != http.StatusOK && code == 0 {
			t.Fatalf("%s %s %q: %d %s, %v", method, path, payload, w.Code, w.Body, err)
		}
	})
}

// FuzzMessage sends any text to each kind of connection, logged on where that is possible: all live on.
func FuzzMessage(f *testing.F) {
	f.Add(`{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}`)
	f.Add(`{"op":"subscribe","args":["order"]}`)
	f.Add(`{"reqId":"1","header":{"X-BAPI-TIMESTAMP":"` + nowMs + `"},"op":"order.create","args":[{"category":"linear","symbol":"BTCUSDT"}]}`)
	f.Add(`{"op":"unsubscribe","args":["x"]}`)
	f.Add(`[{}]`)
	core, _, err := serve()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = core.Close() })
	auth := fmt.Sprintf(`{"op":"auth","args":["k",1760000005000,%q]}`, wire.HMAC("s", "GET/realtime1760000005000"))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Contains(text, "auth") {
			return // the WebSocket library does not send it, or a wrong log-on ends the connection
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, path := range []string{"/v5/public/linear", "/v5/private", "/v5/trade"} {
			c, _, err := websocket.Dial(ctx, "ws://"+core.Address()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, message := range []string{auth, text, `{"op":"ping","req_id":"end","reqId":"end"}`} {
				if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
					t.Fatal(err)
				}
			}
			for {
				_, data, err := c.Read(ctx)
				if err != nil || !json.Valid(data) {
					t.Fatalf("%s after %q: %s %v", path, text, data, err)
				}
				if strings.Contains(string(data), `"end"`) {
					break
				}
			}
			_ = c.CloseNow()
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
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf(`{"category":"linear","symbol":"BTCUSDT","orderLinkId":"x%d"`, n)
		body := id + `,"side":"Buy","orderType":"Limit","qty":"1","price":"59000"}`
		if code, err := retCode(request(v, "POST", "/v5/order/create", body)); code != 0 || err != nil {
			b.Fatal(code, err)
		}
		if code, err := retCode(request(v, "POST", "/v5/order/cancel", id+`}`)); code != 0 || err != nil {
			b.Fatal(code, err)
		}
	}
}

func Example() {
	core, v, err := serve()
	if err != nil {
		fmt.Println(err)
		return
	}
	// It would take: accepted, and canceled at once.
	w := request(v, "POST", "/v5/order/create",
		`{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"1","price":"60000.2","timeInForce":"PostOnly","orderLinkId":"a"}`)
	fmt.Println(w.Code, w.Body)
	order := core.State().Orders[0]
	fmt.Println(order.Status, order.Reason, core.Close())
	// Output:
	// 200 {"retCode":0,"retMsg":"OK","result":{"orderId":"00000000-0000-4d1c-9e5a-004d1c000001","orderLinkId":"a"},"retExtInfo":{},"time":1760000000000}
	// Expired post_only <nil>
}
