package testexchange_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestBybitRequestFaults: each fault of a request, by REST and over the trade connection, and whether it was carried
// out.
func TestBybitRequestFaults(t *testing.T) {
	for _, f := range []struct {
		fault           string
		status          int
		code, tradeCode int64
		placed          bool
	}{
		{"http-429=count:1,value:2", 200, 10006, 10006, false},
		{"http-418=count:1", 200, 10009, 10009, false},
		{"http-403=count:1", 403, 0, 10403, false},
		{"http-503-failed=count:1", 503, 0, 10019, false},
		{"http-503-unknown=count:1,value:1", 200, 10016, 10016, true},
		{"http-503-unknown=count:1,value:2", 200, 10016, 10016, false},
		{"code-1007=count:1,value:1", 200, 10000, 10000, true},
		{"code-1008=count:1", 200, 10429, 10429, false},
		{"reply-delay=count:1,for:1ms", 200, 0, 0, true},
		{"ack-delay=count:1,for:1ms", 200, 0, 0, true},
	} {
		c := linear(t, nil)
		c.fault(f.fault)
		r := c.ask("POST", "/v5/order/create", linearOrder("Buy", "0.1", "59000", "GTC", "rest"), nil)
		if r.err != nil || r.status != f.status || r.status == http.StatusOK &&
			decode(t, r.body).int("retCode") != f.code {
			t.Errorf("%s: %d %s %v", f.fault, r.status, r.body, r.err)
		}
		if f.status != http.StatusOK && !strings.HasPrefix(string(r.body), "<html>") {
			t.Errorf("%s: %s", f.fault, r.body)
		}
		if strings.HasPrefix(f.fault, "http-429") && r.header.Get("X-Bapi-Limit-Status") != "0" {
			t.Errorf("%s: %v", f.fault, r.header)
		}
		s := c.logOn("/v5/trade")
		c.fault(f.fault)
		if o := s.request("1", "order.create", linearOrder("Buy", "0.1", "59000", "GTC",
			"ws")); o.int("retCode") != f.tradeCode {
			t.Errorf("%s: %v", f.fault, o)
		}
		want := 0
		if f.placed {
			want = 2
		}
		if n := len(c.state().Orders); n != want {
			t.Errorf("%s: %d orders, want %d", f.fault, n, want)
		}
	}
}

func TestBybitLostAcknowledgement(t *testing.T) {
	c := linear(t, nil)
	c.fault("ack-lost=count:2")
	if r := c.ask("POST", "/v5/order/create", linearOrder("Buy", "0.1", "59000", "GTC", "a"), nil); r.err == nil {
		t.Errorf("an answer: %s", r.body)
	}
	s := c.logOn("/v5/trade")
	s.write(`{"reqId":"1","header":{"X-BAPI-TIMESTAMP":"1760000000000"},"op":"order.create","args":[` + linearOrder("Buy", "0.1", "59000", "GTC", "b") + `]}`)
	if data, err := s.readRaw(); err == nil {
		t.Errorf("an answer: %s", data)
	}
	if list := c.done("GET", "/v5/order/realtime", "category=linear&symbol=BTCUSDT").list("list"); len(list) != 2 {
		t.Errorf("open: %v", list)
	}
}

func TestBybitUserFaults(t *testing.T) {
	c := linear(t, nil)
	u := c.logOn("/v5/private")
	u.follow("order")
	sell := func(id, text string) []string {
		t.Helper()
		c.fault(text)
		c.create(linearOrder("Sell", "0.1", "60000.0", "IOC", id))
		return u.rows()
	}
	placed := func(id string) string { return id + " New 0 of 0.100, 0.100 left, EC_NoError" }
	filled := func(id string) string { return id + " Filled 0.100 of 0.100, 0 left, EC_NoError" }
	equal(t, sell("a", "repeat-filled=count:1"), placed("a"), filled("a"),
		"a Filled 0.100 of 0.100, 0 left, EC_OrigClOrdIDDoesNotExist")
	equal(t, sell("b", "empty-leaves=count:1"), "b New 0 of 0.100,  left, EC_NoError", filled("b"))
	equal(t, sell("c", "unknown-status=count:1"), "c SomethingNew 0 of 0.100, 0.100 left, EC_NoError", placed("c"),
		filled("c"))
	equal(t, sell("d", "duplicate-user-event=count:1,only:order"), placed("d"), filled("d"), placed("d"), filled("d"))
	equal(t, sell("e", "drop-user-event=count:1,only:order"))
	equal(t, sell("f", "reorder-user-event=count:1,only:order"))
	equal(t, sell("g", "no-pings"), placed("g"), filled("g"), placed("f"), filled("f"))
	equal(t, sell("h", "user-event-delay=count:1,only:order,for:50ms"))
	equal(t, sell("i", "no-pings"))
	c.Advance(50 * time.Millisecond)
	equal(t, u.rows(), placed("h"), filled("h"), placed("i"), filled("i"))
}

func TestBybitFastExecutions(t *testing.T) {
	c := linear(t, nil)
	u := c.logOn("/v5/private")
	u.follow("execution.fast.linear")
	id := c.create(linearOrder("Buy", "1", "60000.1", "GTC", "a"))
	c.trade(hft.Sell, 60000.1, 1)
	c.create(linearOrder("Buy", "1", "60000.2", "GTC", "b"))
	list := u.heard()
	if len(list) != 2 || list[0].list("data")[0].text("orderLinkId") != "" ||
		list[0].list("data")[0].text("orderId") != id || list[1].list("data")[0].text("orderLinkId") != "b" {
		t.Errorf("%v", list)
	}
}

// TestBybitCancelOnDisconnect: orders go when the last connection that has subscribed to it has been gone for the
// window.
func TestBybitCancelOnDisconnect(t *testing.T) {
	c := linear(t, nil)
	c.create(linearOrder("Buy", "1", "59000", "GTC", "a"))
	for body, want := range map[string]int64{`{"product":"DERIVATIVES","timeWindow":2}`: 10001,
		`{"product":"SPOT","timeWindow":5}`: 10001, `{"product":"DERIVATIVES","timeWindow":5}`: 0} {
		if code, _ := c.code("POST", "/v5/order/disconnected-cancel-all", body); code != want {
			t.Errorf("%s: %d", body, code)
		}
	}
	open := func() int {
		return len(c.done("GET", "/v5/order/realtime", "category=linear&symbol=BTCUSDT").list("list"))
	}
	c.Advance(20 * time.Second)
	if open() != 1 {
		t.Error("canceled although nobody has subscribed")
	}
	u := c.logOn("/v5/private")
	u.follow("dcp.future")
	c.Advance(20 * time.Second)
	if open() != 1 {
		t.Error("canceled although the connection is up")
	}
	_ = u.conn.CloseNow()
	for len(c.state().Connections) > 0 {
		time.Sleep(time.Millisecond) // the venue learns of it
	}
	c.Advance(4 * time.Second)
	if open() != 1 {
		t.Error("canceled before the window is over")
	}
	c.Advance(2 * time.Second)
	if list := c.done("GET", "/v5/order/history", "category=linear&symbol=BTCUSDT").list("list"); open() != 0 ||
		len(list) != 1 || list[0].text("cancelType") != "CancelByDCP" {
		t.Errorf("after the window: %d open, %v", open(), list)
	}
}

func TestBybitHedgeMode(t *testing.T) {
	c := linear(t, func(config *testexchange.Config) {
		config.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey,
			Secret: testexchange.DefaultSecret, Hedge: true}}
	})
	if code, _ := c.code("POST", "/v5/order/create", linearOrder("Buy", "1", "60000.2", "GTC", "a")); code != 10001 {
		t.Errorf("positionIdx 0: %d", code)
	}
	for i, side := range []string{"Buy", "Sell"} {
		price := []string{"60000.2", "60000.0"}[i]
		c.create(strings.Replace(linearOrder(side, "1", price, "GTC", side), `Idx":0`, `Idx":`+string(rune('1'+i)), 1))
	}
	list := c.done("GET", "/v5/position/list", "category=linear&settleCoin=USDT").list("list")
	if len(list) != 2 || list[0].text("side")+list[0].text("positionIdx") != "Buy1" ||
		list[1].text("side")+list[1].text("positionIdx") != "Sell2" {
		t.Errorf("%v", list)
	}
}

func TestBybitIdleConnections(t *testing.T) {
	c := linear(t, nil)
	short, usual, public := c.dial("/v5/private?max_active_time=1m"), c.dial("/v5/trade"), c.dial("/v5/public/linear")
	for _, s := range []*socket{short, usual, public} {
		s.write(`{"op":"ping"}`)
		s.read()
	}
	open := func() (paths []string) {
		for _, conn := range c.state().Connections {
			paths = append(paths, conn.Path)
		}
		return paths
	}
	until := func(n int) {
		for began := time.Now(); len(open()) > n && time.Since(began) < deadline; time.Sleep(time.Millisecond) {
		}
	}
	go func() { _, _ = short.readRaw() }() // answers the close frame
	go func() { _, _ = usual.readRaw() }()
	c.Advance(59 * time.Second)
	equal(t, open(), "/v5/private", "/v5/trade", "/v5/public/linear")
	c.Advance(time.Second)
	until(2)
	equal(t, open(), "/v5/trade", "/v5/public/linear")
	c.Advance(5 * time.Minute)
	public.write(`{"op":"ping"}`)
	public.read()
	c.Advance(4 * time.Minute)
	until(1)
	equal(t, open(), "/v5/public/linear")
}

// TestBybitQuestions asks what no other test asks.
func TestBybitQuestions(t *testing.T) {
	c := linear(t, nil)
	if o := c.done("GET", "/v5/market/time", ""); o.text("timeSecond") != "1760000000" ||
		o.text("timeNano") != "1760000000000000000" {
		t.Errorf("time: %v", o)
	}
	list := c.done("GET", "/v5/market/instruments-info", "category=linear&symbol=BTCUSDT").list("list")
	if len(list) != 1 || list[0].object("priceFilter").text("tickSize") != "0.10" ||
		list[0].object("lotSizeFilter").text("minNotionalValue") != "5" {
		t.Errorf("instruments: %v", list)
	}
	if n := len(c.done("GET", "/v5/market/tickers", "category=linear").list("list")); n != 2 {
		t.Errorf("%d tickers", n)
	}
	c.level(hft.Buy, 59000, 1)
	book := c.done("GET", "/v5/market/orderbook", "category=linear&symbol=BTCUSDT&limit=2")
	if n := len(book["b"].([]any)); n != 2 || book.int("u") <= 0 || book.int("seq") <= 0 {
		t.Errorf("book: %v", book)
	}
	w := c.done("GET", "/v5/account/wallet-balance", "accountType=UNIFIED&coin=USDT").list("list")
	if len(w) != 1 || len(w[0].list("coin")) != 1 || w[0].list("coin")[0].text("walletBalance") != "100000.00000000" {
		t.Errorf("wallet: %v", w)
	}
	for path, want := range map[string]int64{
		"/v5/account/wallet-balance?accountType=SPOT":                    10001,
		"/v5/market/orderbook?category=spot&symbol=BTCUSDT":              10001,
		"/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1001": 10001,
		"/v5/order/realtime?category=linear":                             10001,
		"/v5/position/list?category=linear":                              10001, "/v5/order/history?category=linear&cursor=no": 10001,
		"/v5/execution/list?category=linear&startTime=1&endTime=999999999": 10001,
	} {
		path, query, _ := strings.Cut(path, "?")
		if code, _ := c.code("GET", path, query); code != want {
			t.Errorf("%s %s: %d", path, query, code)
		}
	}
	if r := c.ask("GET", "/v5/no", "", nil); r.status != http.StatusNotFound ||
		decode(t, r.body).int("retCode") != 10017 {
		t.Errorf("%d %s", r.status, r.body)
	}
	for i := range 3 {
		c.create(linearOrder("Buy", "1", "59000", "GTC", string(rune('a'+i))))
	}
	all := c.done("POST", "/v5/order/cancel-all", `{"category":"linear","settleCoin":"USDT"}`)
	if len(all.list("list")) != 3 || all.text("success") != "1" {
		t.Errorf("cancel all: %v", all)
	}
}
