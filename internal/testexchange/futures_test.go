package testexchange_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

const order = "/fapi/v1/order"

func futures(t *testing.T, change func(*testexchange.Config)) *client {
	t.Helper()
	return start(t, testexchange.BinanceFutures, change)
}

func limit(side, qty, price, tif, id string) string {
	return form("symbol", btc, "side", side, "type", "LIMIT", "quantity", qty, "price", price, "timeInForce", tif,
		"newClientOrderId", id)
}

// user opens the user data stream.
func (c *client) user(path string) *socket {
	c.Helper()
	r := c.do("POST", "/fapi/v1/listenKey", "", false)
	u := c.dial(path + decode(c.T, r.body).text("listenKey"))
	u.drain() // the connection is served
	return u
}

// orderEvents are x/X z t of the order updates so far.
func (s *socket) orderEvents() []string {
	s.Helper()
	var list []string
	for _, e := range s.drain() {
		if e.text("e") == "ORDER_TRADE_UPDATE" {
			o := e.object("o")
			list = append(list, fmt.Sprintf("%s %s/%s %s", o.text("c"), o.text("x"), o.text("X"), o.text("z")))
		}
	}
	return list
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFuturesOrderLifecycle(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	a := c.ok("POST", order, limit("BUY", "2", "60000.10", "GTX", "a"))
	if a.text("status") != "NEW" || a.text("origQty") != "2.000" || a.text("executedQty") != "0.000" ||
		a.int("updateTime") != c.nowMs() {
		t.Errorf("acknowledgement %v", a)
	}
	c.trade(hft.Sell, 60000.1, 0.5)
	c.ok("PUT", order, form("symbol", btc, "side", "BUY", "origClientOrderId", "a", "quantity", "1.5", "price",
		"60000.1"))
	if o := c.ok("GET", order, form("symbol", btc, "origClientOrderId", "a")); o.text("status") != "PARTIALLY_FILLED" ||
		o.text("avgPrice") != "60000.10000" {
		t.Errorf("query %v", o)
	}
	c.trade(hft.Sell, 60000, 3)
	c.ok("POST", order, limit("SELL", "1", "60000.00", "IOC", "b")+"&newOrderRespType=RESULT")
	c.ok("POST", order, form("symbol", btc, "side", "BUY", "type", "MARKET", "quantity", "6", "newClientOrderId", "c"))
	c.ok("POST", order, limit("SELL", "1", "60001.00", "GTC", "d"))
	if o := c.ok("DELETE", order, form("symbol", btc, "origClientOrderId", "d")); o.text("status") != "CANCELED" {
		t.Errorf("cancel %v", o)
	}
	equal(t, u.orderEvents(),
		"a NEW/NEW 0", "a TRADE/PARTIALLY_FILLED 0.500", "a AMENDMENT/PARTIALLY_FILLED 0.500", "a TRADE/FILLED 1.500",
		"b NEW/NEW 0", "b TRADE/FILLED 1.000",
		"c NEW/NEW 0", "c TRADE/PARTIALLY_FILLED 5.000", "c EXPIRED/EXPIRED 5.000",
		"d NEW/NEW 0", "d CANCELED/CANCELED 0")
	c.refused("DELETE", order, form("symbol", btc, "origClientOrderId", "d"), -2011)
	c.refused("GET", order, form("symbol", btc, "origClientOrderId", "nobody"), -2013)
	if s := c.state(); len(s.Executions) != 4 || s.Submits["a"] != 1 || s.Positions[0].Qty != "5.500" {
		t.Errorf("state: %d executions, submits %v, positions %v", len(s.Executions), s.Submits, s.Positions)
	}
}

func TestFuturesAccountUpdateComesFirst(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.TradeLite = true })
	u := c.user("/private/stream?streams=")
	c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"))
	var events []string
	for _, o := range u.drain() {
		data := o.object("data")
		events = append(events, data.text("e"))
		if data.text("e") != "ACCOUNT_UPDATE" {
			continue
		}
		p := data.object("a").list("P")
		if len(p) != 1 || p[0].text("pa") != "1.000" || p[0].text("ep") != "60000.20000" || p[0].text("ps") != "BOTH" {
			t.Errorf("positions %v", p)
		}
	}
	equal(t, events, "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE")
}

func TestFuturesEventFilter(t *testing.T) {
	c := futures(t, nil)
	r := c.do("POST", "/fapi/v1/listenKey", "", false)
	u := c.dial("/private/ws?listenKey=" + decode(t, r.body).text("listenKey") + "&events=ACCOUNT_UPDATE")
	u.drain()
	c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"))
	for _, e := range u.drain() {
		if e.text("e") != "ACCOUNT_UPDATE" {
			t.Errorf("%v in spite of the filter", e)
		}
	}
}

func TestFuturesRefusals(t *testing.T) {
	c := futures(t, nil)
	c.ok("POST", order, limit("BUY", "1", "59000.00", "GTC", "used"))
	for want, params := range map[string]string{
		"-1121 symbol":      strings.Replace(limit("BUY", "1", "60000", "GTC", "x"), btc, "NOUSDT", 1),
		"-1102 quantity":    form("symbol", btc, "side", "BUY", "type", "MARKET"),
		"-1117 side":        limit("LEFT", "1", "60000", "GTC", "x"),
		"-1116 type":        form("symbol", btc, "side", "BUY", "type", "NONE", "quantity", "1"),
		"-4120 stop":        form("symbol", btc, "side", "BUY", "type", "STOP_MARKET", "quantity", "1"),
		"-1115 tif":         limit("BUY", "1", "60000", "NEVER", "x"),
		"-4014 tick":        limit("BUY", "1", "60000.15", "GTC", "x"),
		"-1111 price":       limit("BUY", "1", "60000.123", "GTC", "x"),
		"-1111 quantity":    limit("BUY", "1.0001", "60000", "GTC", "x"),
		"-4003 zero":        limit("BUY", "0", "60000", "GTC", "x"),
		"-4005 large":       limit("BUY", "1001", "60000", "GTC", "x"),
		"-4164 notional":    limit("BUY", "0.001", "60000", "GTC", "x"),
		"-2019 margin":      limit("BUY", "900", "60000", "GTC", "x"),
		"-4016 band":        limit("BUY", "1", "70000", "GTC", "x"),
		"-4013 low":         limit("BUY", "1", "500", "GTC", "x"),
		"-5022 post only":   limit("BUY", "1", "60000.20", "GTX", "x"),
		"-5021 fok":         limit("BUY", "6", "60000.20", "FOK", "x"),
		"-4116 duplicate":   limit("BUY", "1", "60000", "GTC", "used"),
		"-4015 id":          limit("BUY", "1", "60000", "GTC", strings.Repeat("x", 37)),
		"-1100 id":          limit("BUY", "1", "60000", "GTC", "x y"),
		"-2022 reduce only": limit("BUY", "1", "60000", "GTC", "x") + "&reduceOnly=true",
		"-4061 hedge":       limit("BUY", "1", "60000", "GTC", "x") + "&positionSide=LONG",
		"-1106 price":       form("symbol", btc, "side", "BUY", "type", "MARKET", "quantity", "1", "price", "60000"),
	} {
		var code int64
		if _, err := fmt.Sscan(want, &code); err != nil {
			t.Fatal(err)
		}
		t.Run(want, func(t *testing.T) { c.refused("POST", order, params, code) })
	}
	c.refused("PUT", order, form("symbol", btc, "side", "BUY", "origClientOrderId", "used", "quantity", "1", "price",
		"59000"), -5027)
	if n := len(c.state().Orders); n != 1 {
		t.Errorf("%d orders, want the one that was taken", n)
	}
}

func TestFuturesAuthentication(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "k", Secret: "s"}, {APIKey: "watch", Secret: "s", ReadOnly: true}}
	})
	code := func(want int64, status int) {
		t.Helper()
		r := c.do("POST", order, limit("BUY", "1", "60000", "GTC", "x"), true)
		if got := decode(t, r.body).int("code"); got != want || r.status != status {
			t.Errorf("%d %s, want %d %d", r.status, r.body, status, want)
		}
	}
	c.key = ""
	code(-2014, 401)
	c.key = "nobody"
	code(-2015, 401)
	c.key, c.secret = "k", "wrong"
	code(-1022, 400)
	c.key, c.secret = "watch", "s"
	code(-2015, 401)
	c.key = "k"
	c.clock.Advance(-6 * time.Second)
	r := c.do("GET", "/fapi/v1/time", "", false)
	if got := decode(t, r.body).int("serverTime"); got > startNs/1e6 {
		t.Errorf("server time %d", got)
	}
	unsigned := c.do("POST", order, limit("BUY", "1", "60000", "GTC", "x")+"&timestamp=1&signature=00", false)
	if got := decode(t, unsigned.body).int("code"); got != -1021 {
		t.Errorf("old timestamp: %s", unsigned.body)
	}
}

func TestFuturesBatches(t *testing.T) {
	c := futures(t, nil)
	orders := `[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"59000","timeInForce":"GTC","newClientOrderId":"a"},
		{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"60000.2","timeInForce":"GTX","newClientOrderId":"b"}]`
	r := c.do("POST", "/fapi/v1/batchOrders", form("batchOrders", orders), true)
	if !strings.Contains(string(r.body), `"clientOrderId":"a"`) || !strings.Contains(string(r.body), `{"code":-5022,`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = c.do("DELETE", "/fapi/v1/batchOrders", form("symbol", btc, "origClientOrderIdList", `["a","b"]`), true)
	if !strings.Contains(string(r.body), `"status":"CANCELED"`) ||
		!strings.Contains(string(r.body), `{"code":-2011,"msg":"Unknown order sent."}]`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if o := c.ok("DELETE", "/fapi/v1/allOpenOrders", form("symbol", btc)); o.int("code") != 200 {
		t.Errorf("cancel all without orders: %v", o)
	}
}

func TestFuturesCountdown(t *testing.T) {
	c := futures(t, nil)
	c.ok("POST", order, limit("BUY", "1", "59000", "GTC", "a"))
	beat := form("symbol", btc, "countdownTime", "3000")
	if o := c.ok("POST", "/fapi/v1/countdownCancelAll", beat); o.text("countdownTime") != "3000" ||
		o.text("symbol") != btc {
		t.Errorf("%v", o)
	}
	c.Advance(2 * time.Second)
	c.ok("POST", "/fapi/v1/countdownCancelAll", beat)
	c.Advance(2990 * time.Millisecond)
	if o := c.state().Orders[0]; o.Status != "New" {
		t.Fatalf("canceled too early: %v", o)
	}
	c.Advance(10 * time.Millisecond)
	if o := c.state().Orders[0]; o.Status != "Canceled" || o.Reason != "countdown" {
		t.Errorf("after the countdown: %v", o)
	}
	if h := c.state().Heartbeats; len(h) != 2 || h[1].AtNs-h[0].AtNs != 2e9 || h[0].CountdownMs != 3000 {
		t.Errorf("heartbeats %v", h)
	}
}

func TestFuturesRoutes(t *testing.T) {
	c := futures(t, nil)
	all := []string{"btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade", "btcusdt@aggTrade"}
	for path, want := range map[string][]string{
		"/public/ws": {"bookTicker", "depthUpdate", "trade"}, "/market/ws": {"aggTrade"},
		"/ws": {"bookTicker", "depthUpdate", "trade"}, "/private/ws": nil,
	} {
		s := c.dial(path)
		s.subscribe(all...)
		c.level(hft.Buy, 59999.9, float64(len(path)))
		c.level(hft.Buy, 60000, float64(len(path)))
		c.trade(hft.Buy, 60000.2, 1)
		c.Advance(200 * time.Millisecond)
		kinds := map[string]bool{}
		for _, o := range s.drain() {
			kinds[o.text("e")] = true
		}
		var got []string
		for k := range kinds {
			got = append(got, k)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", path, got, want)
		}
		_ = s.conn.CloseNow()
	}
}

func TestFuturesStreamErrors(t *testing.T) {
	c := futures(t, nil)
	s := c.dial("/public/ws")
	for request, want := range map[string]string{
		`{"method":"SUBSCRIBE","params":["nonsense"],"id":7}`: `{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":7}`,
		`{"method":"SUBSCRIBE","id":8}`:                       `{"error":{"code":2,"msg":"Invalid request: missing field ` + "`params`" + `"},"id":8}`,
		`[1]`:                                                 `{"error":{"code":1,"msg":"Invalid value type: request must be an object"},"id":null}`,
		`{"method":"SUBSCRIBE","params":["no@bookTicker"],"id":"x"}`: `{"result":null,"id":"x"}`,
		`{"method":"GET_PROPERTY","id":9}`:                           `{"error":{"code":0,"msg":"Unknown property"},"id":9}`,
	} {
		s.write(request)
		data, err := s.readRaw()
		if err != nil || string(data) != want {
			t.Errorf("%s: %s %v, want %s", request, data, err, want)
		}
	}
}

// TestFuturesBookFollows reads thousands of differences of a synthetic market with the connector's decoder and
// synchronizer, and compares the book with the engine's.
func TestFuturesBookFollows(t *testing.T) {
	for _, speed := range []string{"", "@100ms", "@0ms"} {
		c := futures(t, func(c *testexchange.Config) { c.Background, c.EventsPerSecond = testexchange.Synthetic, 500 })
		s := c.dial("/public/stream?streams=btcusdt@depth" + speed)
		s.drain()
		f := follow(t, connector.RuleFutures)
		for step := range 20 {
			c.Advance(500 * time.Millisecond)
			if step == 3 {
				r := c.do("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", false)
				f.feed(r.body)
			}
			s.drainInto(f)
		}
		c.Advance(500 * time.Millisecond)
		s.drainInto(f)
		if f.gaps != 0 || f.sync.State() != depthsync.Synced {
			t.Fatalf("%q: %d gaps, state %v", speed, f.gaps, f.sync.State())
		}
		f.compare(c)
		if speed == "@0ms" && f.messages < 3000 {
			t.Errorf("only %d messages", f.messages)
		}
	}
}

func (s *socket) drainInto(f *follower) {
	s.Helper()
	s.write(`{"method":"LIST_SUBSCRIPTIONS","id":424242}`)
	for {
		data, err := s.readRaw()
		if err != nil {
			s.Fatal(err)
		}
		if strings.HasSuffix(string(data), `"id":424242}`) {
			return
		}
		f.feed(data)
	}
}

// follower is a book that follows a stream as a connector does.
type follower struct {
	*testing.T
	decoder  connector.Decoder
	sync     *depthsync.Synchronizer
	levels   [2]map[string]string
	gaps     int
	messages int
	// price and qty format numbers as the venue writes them.
	price, qty string
}

func follow(t *testing.T, rule connector.Rule) *follower {
	t.Helper()
	sync, err := depthsync.New(depthsync.Config{Rule: rule})
	if err != nil {
		t.Fatal(err)
	}
	return &follower{T: t, decoder: binance.Futures().Format.NewDecoder(), price: "%.2f", qty: "%.3f", sync: sync,
		levels: [2]map[string]string{{}, {}}}
}

func (f *follower) feed(data []byte) {
	f.Helper()
	var m connector.Message
	if err := f.decoder.Decode(1, data, &m); err != nil {
		f.Fatalf("%s: %v", data, err)
	}
	var out depthsync.Output
	switch m.Kind {
	case connector.MessageSnapshot:
		out = f.sync.Snapshot(1, &m)
	case connector.MessageDepth:
		f.messages++
		out = f.sync.Depth(1, &m)
	default:
		return
	}
	if out.Gap {
		f.gaps++
	}
	if out.Stale != "" {
		f.levels = [2]map[string]string{{}, {}}
	}
	for i := range out.Events {
		e := &out.Events[i]
		if e.Kind() == hft.DepthClearEvent {
			f.levels = [2]map[string]string{{}, {}}
			continue
		}
		side := 0
		if e.Side() == hft.Sell {
			side = 1
		}
		price := fmt.Sprintf(f.price, e.Px)
		if e.Qty == 0 {
			delete(f.levels[side], price)
		} else {
			f.levels[side][price] = fmt.Sprintf(f.qty, e.Qty)
		}
	}
}

// compare compares the book with the engine's.
func (f *follower) compare(c *client) {
	f.Helper()
	book := c.state().Books[0]
	for side, levels := range [][][2]string{book.Bids, book.Asks} {
		if len(levels) != len(f.levels[side]) {
			f.Errorf("side %d: %d levels, the engine has %d", side, len(f.levels[side]), len(levels))
		}
		for _, l := range levels {
			if f.levels[side][l[0]] != l[1] {
				f.Errorf("side %d: %s has %q, the engine %s", side, l[0], f.levels[side][l[0]], l[1])
			}
		}
	}
}

func TestFuturesOwnOrdersAreInTheBook(t *testing.T) {
	c := futures(t, nil)
	s := c.dial("/public/ws/btcusdt@depth@0ms")
	s.drain()
	c.ok("POST", order, limit("BUY", "2", "59999.90", "GTC", "a"))
	c.ok("POST", order, limit("SELL", "1", "60000.00", "GTC", "b"))
	c.ok("DELETE", order, form("symbol", btc, "origClientOrderId", "a"))
	c.Advance(time.Millisecond)
	var rows []string
	for _, o := range s.drain() {
		rows = append(rows, fmt.Sprint(o["b"], o["a"]))
	}
	equal(t, rows, "[[59999.90 2.000]] []", "[[60000.00 4.000]] []", "[[59999.90 0.000]] []")
}

func TestFuturesWebSocketAPI(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	s := c.dial("/ws-fapi/v1")
	ask := func(method string, params map[string]string) object {
		t.Helper()
		s.write(c.wsRequest(method, params))
		return s.read()
	}
	o := ask("order.place", map[string]string{"symbol": btc, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
		"quantity": "1", "price": "59000", "newClientOrderId": "w"})
	if o.int("status") != 200 || o.object("result").text("clientOrderId") != "w" || len(o.list("rateLimits")) != 2 {
		t.Errorf("place %v", o)
	}
	o = ask("order.modify", map[string]string{"symbol": btc, "side": "BUY", "quantity": "2", "price": "59000",
		"origClientOrderId": "w"})
	if o.object("result").text("origQty") != "2.000" {
		t.Errorf("modify %v", o)
	}
	if o = ask("order.status", map[string]string{"symbol": btc,
		"origClientOrderId": "w"}); o.object("result").text("status") != "NEW" {
		t.Errorf("status %v", o)
	}
	if o = ask("order.cancel", map[string]string{"symbol": btc,
		"origClientOrderId": "w"}); o.object("result").text("status") != "CANCELED" {
		t.Errorf("cancel %v", o)
	}
	o = ask("order.cancel", map[string]string{"symbol": btc, "origClientOrderId": "w"})
	if o.int("status") != 400 || o.object("error").int("code") != -2011 {
		t.Errorf("cancel again %v", o)
	}
	equal(t, u.orderEvents(), "w NEW/NEW 0", "w AMENDMENT/NEW 0", "w CANCELED/CANCELED 0")
	s.write(`{"id":"x","method":"session.logon","params":{"apiKey":"test-key","timestamp":` + fmt.Sprint(c.nowMs()) + `,"signature":"00"}}`)
	if o := s.read(); o.object("error").int("code") != -1022 {
		t.Errorf("logon %v", o)
	}
}

// wsRequest is a signed request of the WebSocket API.
func (c *client) wsRequest(method string, params map[string]string) string {
	params["apiKey"], params["timestamp"] = c.key, fmt.Sprint(c.nowMs())
	return `{"id":"q","method":"` + method + `","params":` + signedObject(c.secret, params) + `}`
}

func TestFuturesLimits(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.WeightPerMinute = 30 })
	r := c.do("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", false)
	if r.header.Get("X-MBX-USED-WEIGHT-1M") != "20" {
		t.Errorf("headers %v", r.header)
	}
	r = c.do("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", false)
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" ||
		decode(t, r.body).int("code") != -1003 {
		t.Errorf("over the limit: %d %v %s", r.status, r.header, r.body)
	}
	for range 2 {
		r = c.do("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", false)
	}
	if r.status != http.StatusTeapot {
		t.Errorf("far over the limit: %d", r.status)
	}
	c.Advance(time.Minute)
	r = c.do("POST", order, limit("BUY", "1", "59000", "GTC", "a")+"&recvWindow=60000", true)
	if r.header.Get("X-MBX-ORDER-COUNT-10S") != "1" || r.header.Get("X-MBX-ORDER-COUNT-1M") != "1" {
		t.Errorf("headers %d %s %v", r.status, r.body, r.header)
	}
}

func TestAdmin(t *testing.T) {
	c := futures(t, nil)
	post := func(body string) reply {
		r, err := c.http.Post(c.HTTPURL(c.venue)+"/admin/fault", "", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }() // read below
		data, err := io.ReadAll(r.Body)
		return reply{status: r.StatusCode, body: data, err: err}
	}
	if r := post("http-429=count:1,value:7"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := post(`{"name":"code-1008","count":1}`); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := post("nothing"); r.status != 400 || !strings.Contains(string(r.body), "unknown name") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("GET", "/fapi/v1/time", "", false); r.status != 429 || r.header.Get("Retry-After") != "7" {
		t.Errorf("%d %v", r.status, r.header)
	}
	c.refused("POST", order, limit("BUY", "1", "59000", "GTC", "a"), -1008)
	r := c.do("GET", "/admin/state", "", false)
	if s := decode(t, r.body); s.text("venue") != "binancefutures" || len(s.list("faults")) != 2 ||
		s.object("submits")["a"] != nil {
		t.Errorf("%s", r.body)
	}
}

func Example() {
	e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{testexchange.BinanceFutures},
		Background: testexchange.Still})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, e.WSURL(testexchange.BinanceFutures)+"/public/ws/btcusdt@bookTicker", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for side, price := range map[hft.Side]float64{hft.Buy: 60000, hft.Sell: 60000.1} {
		if err := e.SetLevel(testexchange.BinanceFutures, "BTCUSDT", side, price, 1); err != nil {
			fmt.Println(err)
		}
	}
	_, data, err := c.Read(ctx)
	fmt.Println(strings.Contains(string(data), `"s":"BTCUSDT","b":"60000.00","B":"1.000","a":"60000.10","A":"1.000"`),
		err)
	_ = c.CloseNow()
	fmt.Println(e.Close())
	// Output:
	// true <nil>
	// <nil>
}
