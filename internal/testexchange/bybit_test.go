package testexchange_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// bybitClient is a plain client of Bybit.
type bybitClient struct{ *client }

func linear(t *testing.T, change func(*testexchange.Config)) bybitClient {
	t.Helper()
	return bybitClient{start(t, testexchange.Bybit, change)}
}

// ask sends a request: a query for GET, a body for POST, signed unless it is about the market. change may be nil.
func (c bybitClient) ask(method, path, payload string, change func(*http.Request)) reply {
	c.Helper()
	url, body := c.HTTPURL(c.venue)+path, ""
	if method == http.MethodPost {
		body = payload
	} else if payload != "" {
		url += "?" + payload
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	ms := strconv.FormatInt(c.nowMs(), 10)
	for name, value := range map[string]string{"X-BAPI-API-KEY": c.key, "X-BAPI-TIMESTAMP": ms,
		"X-BAPI-RECV-WINDOW": "5000", "X-BAPI-SIGN": wire.HMAC(c.secret, ms+c.key+"5000"+payload),
		"Content-Type": "application/json"} {
		r.Header.Set(name, value)
	}
	if change != nil {
		change(r)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = response.Body.Close() }() // it was read to its end
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, text, err}
}

// code sends a request and returns its retCode and result.
func (c bybitClient) code(method, path, payload string) (int64, object) {
	c.Helper()
	r := c.ask(method, path, payload, nil)
	if r.err != nil || r.status != http.StatusOK {
		c.Fatalf("%s %s %s: %d %s %v", method, path, payload, r.status, r.body, r.err)
	}
	o := decode(c.T, r.body)
	return o.int("retCode"), o.object("result")
}

// done sends a request that has to succeed.
func (c bybitClient) done(method, path, payload string) object {
	c.Helper()
	code, result := c.code(method, path, payload)
	if code != 0 {
		c.Fatalf("%s %s %s: %d", method, path, payload, code)
	}
	return result
}

// linearOrder is a body of order.create.
func linearOrder(side, qty, price, tif, id string) string {
	return fmt.Sprintf(`{"category":"linear","symbol":"BTCUSDT","side":%q,"orderType":"Limit","qty":%q,"price":%q,"timeInForce":%q,"orderLinkId":%q,"positionIdx":0}`,
		side, qty, price, tif, id)
}

func (c bybitClient) create(body string) string {
	c.Helper()
	return c.done("POST", "/v5/order/create", body).text("orderId")
}

// logOn opens a private or trade connection.
func (c bybitClient) logOn(path string) *socket {
	c.Helper()
	s := c.dial(path)
	s.write(c.auth(c.nowMs() + 5000))
	if o := s.read(); o.text("op") != "auth" || o.text("success") != "true" && o.text("retCode") != "0" {
		c.Fatalf("auth: %v", o)
	}
	return s
}

func (c bybitClient) auth(expiresMs int64) string {
	return fmt.Sprintf(`{"op":"auth","args":[%q,%d,%q]}`, c.key, expiresMs,
		wire.HMAC(c.secret, fmt.Sprintf("GET/realtime%d", expiresMs)))
}

// follow subscribes topics.
func (s *socket) follow(topics ...string) {
	s.Helper()
	args, err := json.Marshal(topics)
	if err != nil {
		s.Fatal(err)
	}
	s.write(`{"req_id":"7","op":"subscribe","args":` + string(args) + `}`)
	if o := s.read(); o.text("success") != "true" || o.text("req_id") != "7" || o.text("op") != "subscribe" {
		s.Fatalf("subscribe: %v", o)
	}
}

// heardRaw returns what has come so far: all before the answer to a ping.
func (s *socket) heardRaw() (list [][]byte) {
	s.Helper()
	s.write(`{"req_id":"end","op":"ping"}`)
	for {
		data, err := s.readRaw()
		if err != nil {
			s.Fatal(err)
		}
		if decode(s.T, data).text("req_id") == "end" {
			return list
		}
		list = append(list, data)
	}
}

// heard is heardRaw, decoded.
func (s *socket) heard() (list []object) {
	s.Helper()
	for _, data := range s.heardRaw() {
		list = append(list, decode(s.T, data))
	}
	return list
}

// rows are the rows of private topics so far, in few words.
func (s *socket) rows() []string {
	s.Helper()
	var list []string
	for _, o := range s.heard() {
		for _, r := range o.list("data") {
			switch topic := o.text("topic"); topic {
			case "order.linear", "order":
				list = append(list, fmt.Sprintf("%s %s %s of %s, %s left, %s", r.text("orderLinkId"),
					r.text("orderStatus"), r.text("cumExecQty"), r.text("qty"), r.text("leavesQty"),
					r.text("rejectReason")))
			case "execution.linear":
				list = append(list, fmt.Sprintf("%s %s at %s, %s left, maker %s", r.text("orderLinkId"),
					r.text("execQty"), r.text("execPrice"), r.text("leavesQty"), r.text("isMaker")))
			case "position.linear":
				list = append(list, fmt.Sprintf("position %s %s", r.text("side"), r.text("size")))
			default:
				list = append(list, topic)
			}
		}
	}
	return list
}

func TestBybitOrderLifecycle(t *testing.T) {
	c := linear(t, nil)
	u := c.logOn("/v5/private")
	u.follow("order.linear", "execution.linear", "position.linear", "wallet")
	id := c.create(linearOrder("Buy", "1", "60000.1", "PostOnly", "a"))
	equal(t, u.rows(), "a New 0 of 1.000, 1.000 left, EC_NoError", "position  0")
	c.done("POST", "/v5/order/amend", `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"a","qty":"0.8"}`)
	c.trade(hft.Sell, 60000.1, 0.3)
	equal(t, u.rows(), "a New 0 of 0.800, 0.800 left, EC_NoError", "position  0",
		"a 0.300 at 60000.10, 0.500 left, maker true", "a PartiallyFilled 0.300 of 0.800, 0.500 left, EC_NoError",
		"position Buy 0.300", "wallet")
	open := c.done("GET", "/v5/order/realtime", "category=linear&symbol=BTCUSDT").list("list")
	if len(open) != 1 || open[0].text("orderId") != id || open[0].text("cumExecQty") != "0.300" {
		t.Errorf("open: %v", open)
	}
	c.done("POST", "/v5/order/cancel", `{"category":"linear","symbol":"BTCUSDT","orderId":"`+id+`"}`)
	equal(t, u.rows(), "a Cancelled 0.300 of 0.800, 0 left, EC_PerCancelRequest", "position Buy 0.300")

	// An acknowledgement says nothing about the outcome.
	c.create(linearOrder("Buy", "1", "60000.2", "PostOnly", "b"))
	c.create(linearOrder("Buy", "9", "60000.2", "FOK", "c"))
	c.create(linearOrder("Buy", "6", "60000.2", "IOC", "d"))
	equal(t, u.rows(), "b New 0 of 1.000, 1.000 left, EC_NoError",
		"b Cancelled 0 of 1.000, 0 left, EC_PostOnlyWillTakeLiquidity", "position Buy 0.300",
		"c New 0 of 9.000, 9.000 left, EC_NoError", "c Cancelled 0 of 9.000, 0 left, EC_NoEnoughQtyToFill",
		"position Buy 0.300", "d 5.000 at 60000.20, 1.000 left, maker false",
		"d New 0 of 6.000, 6.000 left, EC_NoError", "d PartiallyFilled 5.000 of 6.000, 1.000 left, EC_NoError",
		"d Cancelled 5.000 of 6.000, 0 left, EC_NoImmediateQtyToFill", "position Buy 5.300", "wallet")
	c.level(hft.Sell, 60000.2, 1)
	c.create(linearOrder("Buy", "1", "60000.1", "PostOnly", "f"))
	c.done("POST", "/v5/order/amend", `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"f","price":"60000.2"}`)
	equal(t, u.rows(), "f New 0 of 1.000, 1.000 left, EC_NoError", "position Buy 5.300",
		"f Cancelled 0 of 1.000, 0 left, EC_PostOnlyWillTakeLiquidity", "position Buy 5.300")
	c.create(`{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"5.3","reduceOnly":true,"orderLinkId":"e"}`)
	got := u.rows()
	equal(t, got[len(got)-3:], "e Cancelled 5.000 of 5.300, 0 left, EC_NoImmediateQtyToFill", "position Buy 0.300",
		"wallet")
	position := c.done("GET", "/v5/position/list", "category=linear&symbol=BTCUSDT").list("list")
	if len(position) != 1 || position[0].text("size") != "0.300" || position[0].text("side") != "Buy" ||
		position[0].text("avgPrice") == "" {
		t.Errorf("position: %v", position)
	}
}

func TestBybitRefusals(t *testing.T) {
	c := linear(t, nil)
	c.create(linearOrder("Buy", "0.1", "59000", "GTC", "used"))
	order := func(old, instead string) string {
		return strings.Replace(linearOrder("Buy", "0.1", "59000", "GTC", "x"), old, instead, 1)
	}
	for _, r := range []struct {
		path, body string
		want       int64
	}{
		{"create", order("BTCUSDT", "NOUSDT"), 10001}, {"create", order(`"linear"`, `"spot"`), 10001},
		{"create", order(`"Buy"`, `"BUY"`), 10001},
		{"create", order(`"0.1"`, `0.1`), 10001}, {"create", order("GTC", "GTX"), 10001},
		{"create", order("59000", "59000.05"), 10001},
		{"create", order("59000", "70000"), 110003}, {"create", order("0.1", "0.00001"), 10001},
		{"create", order("0.1", "1000"), 110007},
		{"create", order(`"x"`, `"used"`), 110072}, {"create", order(`"x"`, `"x/y"`), 10001},
		{"create", order(`Idx":0`, `Idx":1`), 10001},
		{"create", linearOrder("Buy", "0.001", "0.5", "GTC", "x"), 110094}, {"create", "[", 10001},
	} {
		c.Advance(time.Second) // by the second it allows ten
		if code, _ := c.code("POST", "/v5/order/"+r.path, r.body); code != r.want {
			t.Errorf("%s: %d, want %d", r.body, code, r.want)
		}
	}
	const about = `{"category":"linear","symbol":"BTCUSDT",`
	for body, want := range map[string]int64{
		about + `"orderLinkId":"used"}`: 10001, about + `"orderLinkId":"used","price":"59000"}`: 10001,
		about + `"orderLinkId":"no","price":"1"}`: 110001,
		about + `"orderId":"no","price":"1"}`:     110001, about + `"price":"1"}`: 10001,
	} {
		if code, _ := c.code("POST", "/v5/order/amend", body); code != want {
			t.Errorf("amend %s: %d, want %d", body, code, want)
		}
	}
	c.done("POST", "/v5/order/cancel", about+`"orderLinkId":"used"}`)
	if code, _ := c.code("POST", "/v5/order/cancel", about+`"orderLinkId":"used"}`); code != 110001 {
		t.Errorf("second cancel: %d", code)
	}
	if code, _ := c.code("POST", "/v5/order/cancel-all", `{"category":"linear"}`); code != 10001 {
		t.Errorf("cancel-all of nothing: %d", code)
	}
}

func TestBybitSignatures(t *testing.T) {
	c := linear(t, func(config *testexchange.Config) {
		config.Accounts = []testexchange.Account{{Name: "a", APIKey: "test-key", Secret: "test-secret"},
			{Name: "a", APIKey: "look", Secret: "s", ReadOnly: true}}
	})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	body := linearOrder("Buy", "0.1", "59000", "GTC", "x")
	for name, r := range map[string]struct {
		change       func(*http.Request)
		status, code int64
	}{
		"as it should be": {nil, 200, 0},
		"another byte":    {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body[:len(body)-1] + " ")) }, 200, 10004},
		"unknown key":     {header("X-BAPI-API-KEY", "nobody"), 200, 10003},
		"no key":          {func(r *http.Request) { r.Header.Del("X-BAPI-API-KEY") }, 401, 10003},
		"another window":  {header("X-BAPI-RECV-WINDOW", "6000"), 200, 10004},
		"no JSON":         {header("Content-Type", "text/plain"), 200, 10001},
	} {
		got := c.ask("POST", "/v5/order/create", body, r.change)
		if got.err != nil || int64(got.status) != r.status || decode(t, got.body).int("retCode") != r.code {
			t.Errorf("%s: %d %s %v, want %d", name, got.status, got.body, got.err, r.code)
		}
	}
	for offset, want := range map[time.Duration]int64{-4 * time.Second: 0, -6 * time.Second: 10002,
		900 * time.Millisecond: 0, 2 * time.Second: 10002} {
		ms := strconv.FormatInt(c.nowMs()+offset.Milliseconds(), 10)
		got := c.ask("GET", "/v5/user/query-api", "", func(r *http.Request) {
			r.Header.Set("X-BAPI-TIMESTAMP", ms)
			r.Header.Set("X-BAPI-SIGN", wire.HMAC(c.secret, ms+c.key+"5000"))
		})
		if code := decode(t, got.body).int("retCode"); code != want {
			t.Errorf("%v: %d, want %d", offset, code, want)
		}
	}
	c.key, c.secret = "look", "s"
	if code, _ := c.code("POST", "/v5/order/create", body); code != 10005 {
		t.Errorf("a key that may not trade: %d", code)
	}
	if info := c.done("GET", "/v5/user/query-api", ""); info.text("readOnly") != "1" {
		t.Errorf("the key: %v", info)
	}
}

func TestBybitLogOn(t *testing.T) {
	c := linear(t, nil)
	for _, path := range []string{"/v5/private", "/v5/trade"} {
		for name, text := range map[string]string{
			"expired":     c.auth(c.nowMs()),
			"wrong":       strings.Replace(c.auth(c.nowMs()+5000), `",1`, `",2`, 1),
			"unknown key": strings.Replace(c.auth(c.nowMs()+5000), c.key, "nobody", 1),
			"no format":   `{"op":"auth","args":[1]}`,
		} {
			s := c.dial(path)
			s.write(text)
			if o := s.read(); o.text("success") == "true" || o.text("retCode") == "0" || o.text("op") != "auth" {
				t.Errorf("%s %s: %v", path, name, o)
			}
			if _, err := s.readRaw(); err == nil {
				t.Errorf("%s %s: the connection stays", path, name)
			}
		}
	}
	s := c.dial("/v5/private")
	s.write(`{"op":"subscribe","args":["order"]}`)
	if o := s.read(); o.text("success") != "false" {
		t.Errorf("without log-on: %v", o)
	}
	trade := c.logOn("/v5/trade")
	trade.write(c.auth(c.nowMs() + 5000))
	if o := trade.read(); o.int("retCode") != 20001 {
		t.Errorf("second log-on: %v", o)
	}
	u := c.logOn("/v5/private")
	u.follow("order.linear")
	for topics, want := range map[string]string{`["order"]`: "false", `["no"]`: "false", `["order.linear"]`: "false",
		`["execution.fast.linear"]`: "true"} {
		u.write(`{"op":"subscribe","args":` + topics + `}`)
		if o := u.read(); o.text("success") != want {
			t.Errorf("%s: %v", topics, o)
		}
	}
}

func TestBybitPongs(t *testing.T) {
	c := linear(t, nil)
	for path, want := range map[string]string{
		"/v5/public/linear": "map[conn_id:C op:ping req_id:7 ret_msg:pong success:true]",
		"/v5/private":       "map[args:[1760000000000] conn_id:C op:pong req_id:7]",
		"/v5/trade":         "map[connId:C data:[1760000000000] op:pong retCode:0 retMsg:OK]",
	} {
		s := c.dial(path)
		s.write(`{"req_id":"7","op":"ping"}`)
		o := s.read()
		for _, name := range []string{"conn_id", "connId"} {
			if o[name] != nil {
				o[name] = "C"
			}
		}
		if got := fmt.Sprint(map[string]any(o)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// trade sends one request of a trade connection and returns its answer.
func (s *socket) request(id, op, body string) object {
	s.Helper()
	s.write(fmt.Sprintf(`{"reqId":%q,"header":{"X-BAPI-TIMESTAMP":"%d","X-BAPI-RECV-WINDOW":"5000"},"op":%q,"args":[%s]}`, id, s.nowMs(), op, body))
	return s.read()
}

func TestBybitTradeConnection(t *testing.T) {
	c := linear(t, nil)
	body := linearOrder("Buy", "0.1", "59000", "GTC", "a")
	if o := c.dial("/v5/trade").request("1", "order.create", body); o.int("retCode") != 10007 {
		t.Errorf("without log-on: %v", o)
	}
	s := c.logOn("/v5/trade")
	o := s.request("1", "order.create", body)
	if o.int("retCode") != 0 || o.text("reqId") != "1" || o.text("op") != "order.create" ||
		o.object("data").text("orderLinkId") != "a" || o.object("header").text("X-Bapi-Limit") != "10" ||
		o.object("header").text("X-Bapi-Limit-Status") != "9" {
		t.Errorf("create: %v", o)
	}
	const about = `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"a"`
	for _, r := range []struct {
		id, op, body string
		want         int64
	}{
		{"1", "order.create", body, 20006}, {"2", "order.create", body, 110072},
		{"3", "order.amend", about + `,"price":"59001"}`, 0},
		{"4", "order.cancel", about + `}`, 0}, {"5", "order.cancel", about + `}`, 110001},
		{"6", "order.query", about + `}`, 10404},
		{"7", "order.create-batch", `{"category":"linear","request":[{"symbol":"BTCUSDT"}]}`, 0},
		{strings.Repeat("x", 37), "order.cancel", about + `}`, 10001},
	} {
		if o := s.request(r.id, r.op, r.body); o.int("retCode") != r.want || o.text("reqId") != r.id {
			t.Errorf("%s: %v, want %d", r.op, o, r.want)
		}
	}
	s.write(`{"reqId":"8","header":{"X-BAPI-TIMESTAMP":"1","X-BAPI-RECV-WINDOW":"5000"},"op":"order.cancel","args":[{}]}`)
	if o := s.read(); o.int("retCode") != 10002 {
		t.Errorf("an old request: %v", o)
	}
	c.fault("server-shutdown=for:50ms")
	c.Advance(10 * time.Millisecond)
	if o := s.request("9", "order.cancel", about+`}`); o.int("retCode") != 10019 {
		t.Errorf("during a restart: %v", o)
	}
	c.Advance(50 * time.Millisecond)
	if _, err := s.readRaw(); err == nil {
		t.Error("the connection outlives the restart")
	}
}

func TestBybitBatch(t *testing.T) {
	c := linear(t, nil)
	one := `{"symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.1","price":"59000","timeInForce":"GTC","orderLinkId":"a"}`
	r := decode(t, c.ask("POST", "/v5/order/create-batch", `{"category":"linear","request":[`+one+`,`+one+`]}`,
		nil).body)
	list, codes := r.object("result").list("list"), r.object("retExtInfo").list("list")
	if len(list) != 2 || list[0].text("orderLinkId") != "a" || list[1].text("orderId") != "" || len(codes) != 2 ||
		codes[0].int("code") != 0 || codes[1].int("code") != 110072 {
		t.Errorf("%v", r)
	}
	c.done("POST", "/v5/order/cancel-batch", `{"category":"linear","request":[{"symbol":"BTCUSDT","orderLinkId":"a"}]}`)
	if n := len(c.done("GET", "/v5/order/realtime", "category=linear&symbol=BTCUSDT").list("list")); n != 0 {
		t.Errorf("%d are open", n)
	}
}

func TestBybitRateLimits(t *testing.T) {
	c := linear(t, func(config *testexchange.Config) { config.WeightPerMinute = 12 * 20 })
	var r reply
	for range 11 {
		r = c.ask("POST", "/v5/order/cancel", `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"a"}`, nil)
	}
	reset, err := strconv.ParseInt(r.header.Get("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
	if decode(t, r.body).int("retCode") != 10006 || r.header.Get("X-Bapi-Limit-Status") != "0" || err != nil ||
		reset <= c.nowMs() {
		t.Errorf("%s %v", r.body, r.header)
	}
	c.Advance(time.Second)
	if code, _ := c.code("POST", "/v5/order/cancel",
		`{"category":"linear","symbol":"BTCUSDT","orderLinkId":"a"}`); code != 110001 {
		t.Errorf("a second later: %d", code)
	}
	for range 20 {
		r = c.ask("GET", "/v5/market/time", "", nil)
	}
	if r.status != http.StatusForbidden || !strings.Contains(string(r.body), "<html>") {
		t.Errorf("over the limit of the address: %d %s", r.status, r.body)
	}
	c.Advance(9 * time.Minute)
	if r := c.ask("GET", "/v5/market/time", "", nil); r.status != http.StatusForbidden {
		t.Errorf("9 minutes later: %d", r.status)
	}
	c.Advance(time.Minute)
	c.done("GET", "/v5/market/time", "")
}

// TestBybitPages reads lists page by page while they grow.
func TestBybitPages(t *testing.T) {
	c := linear(t, func(config *testexchange.Config) { config.OrdersPerMinute = 60 * 1000 })
	const n = 23
	for i := range n {
		c.create(linearOrder("Buy", "0.001", "59000", "GTC", fmt.Sprint("o", i)))
	}
	pages := func(path, query, name string) (ids []string) {
		for cursor, more := "", true; more; {
			o := c.done("GET", path, query+"&limit=10&cursor="+cursor)
			for _, r := range o.list("list") {
				ids = append(ids, r.text(name))
			}
			cursor = o.text("nextPageCursor")
			more = len(o.list("list")) > 0
			if more && cursor == "" {
				t.Fatalf("%s: no cursor behind %d rows", path, len(ids))
			}
		}
		return ids
	}
	ids := pages("/v5/order/realtime", "category=linear&symbol=BTCUSDT", "orderLinkId")
	if len(ids) != n || ids[0] != "o22" || ids[n-1] != "o0" {
		t.Errorf("open: %v", ids)
	}
	c.level(hft.Sell, 58999, 5)
	fills := pages("/v5/execution/list", "category=linear&symbol=BTCUSDT&startTime="+fmt.Sprint(c.nowMs()-1000),
		"execId")
	slices.Sort(fills)
	if len(slices.Compact(fills)) != n {
		t.Errorf("executions: %v", fills)
	}
	if ids := pages("/v5/order/realtime", "category=linear&symbol=BTCUSDT", "orderLinkId"); len(ids) != 0 {
		t.Errorf("still open: %v", ids)
	}
	for path, query := range map[string]string{"/v5/order/realtime": "openOnly=1&", "/v5/order/history": ""} {
		if ids := pages(path, query+"category=linear&symbol=BTCUSDT", "orderLinkId"); len(ids) != n {
			t.Errorf("%s: %v", path, ids)
		}
		if ids := pages(path, query+"category=linear&symbol=BTCUSDT&orderLinkId=o7", "orderLinkId"); len(ids) != 1 {
			t.Errorf("%s by id: %v", path, ids)
		}
	}
	if list := c.done("GET", "/v5/execution/list",
		"category=linear&symbol=BTCUSDT&endTime="+fmt.Sprint(c.nowMs()-1000)).list("list"); len(list) != 0 {
		t.Errorf("before: %v", list)
	}
}

func TestBybitBooks(t *testing.T) {
	for _, depth := range []string{"1", "50", "200", "1000"} {
		c := linear(t, nil)
		s := c.dial("/v5/public/linear")
		s.follow("orderbook."+depth+".BTCUSDT", "publicTrade.BTCUSDT")
		first := s.heard()
		if len(first) != 1 || first[0].text("type") != "snapshot" || first[0].object("data").text("s") != btc {
			t.Fatalf("depth %s begins with %v", depth, first)
		}
		u := first[0].object("data").int("u")
		c.level(hft.Buy, 60000.1, 3)
		c.level(hft.Buy, 59999, 2)
		c.trade(hft.Sell, 60000.1, 1)
		c.Advance(200 * time.Millisecond)
		list := s.heard()
		if list[0].text("topic") != "publicTrade.BTCUSDT" || list[0].list("data")[0].text("S") != "Sell" ||
			list[0].list("data")[0].text("v") != "1.000" {
			t.Errorf("trade: %v", list[0])
		}
		last := list[len(list)-1]
		want, kind := "[[60000.10 3.000] [59999.00 2.000]]", "delta"
		if depth == "1" {
			want, kind = "[[60000.10 3.000]]", "snapshot"
		}
		if d := last.object("data"); len(list) != 2 || last.text("type") != kind || d.int("u") != u+1 ||
			fmt.Sprint(d["b"]) != want || last.int("cts") > last.int("ts") {
			t.Errorf("depth %s: %v", depth, list)
		}
		c.Advance(2700 * time.Millisecond)
		if list := s.heard(); len(list) != 0 {
			t.Errorf("depth %s, without a change: %v", depth, list)
		}
		c.Advance(400 * time.Millisecond)
		again := s.heard()
		if depth == "1" && (len(again) != 1 || again[0].object("data").int("u") != u+1) ||
			depth != "1" && len(again) != 0 {
			t.Errorf("depth %s, after 3 s: %v", depth, again)
		}
	}
}

func TestBybitBookFaults(t *testing.T) {
	c := linear(t, nil)
	s := c.dial("/v5/public/linear")
	s.follow("orderbook.50.BTCUSDT")
	u := s.heard()[0].object("data").int("u")
	change := func(qty float64, text string) (messages []string) {
		t.Helper()
		if text != "" {
			c.fault(text)
		}
		c.level(hft.Buy, 59000, qty)
		c.Advance(20 * time.Millisecond)
		for _, o := range s.heard() {
			messages = append(messages, fmt.Sprint(o.text("type"), " ", o.object("data").int("u")-u, " ",
				len(o.object("data")["b"].([]any))))
		}
		return messages
	}
	equal(t, change(1, ""), "delta 1 1")
	equal(t, change(2, "mid-snapshot=count:1"), "snapshot 2 2")
	equal(t, change(3, "wrong-snapshot=count:1"), "delta 3 1", "snapshot 3 2")
	equal(t, change(4, "depth-gap=count:1,value:2"))
	equal(t, change(5, ""))
	equal(t, change(6, ""), "delta 6 1")
	equal(t, change(7, "restart-snapshot=count:1"), fmt.Sprint("snapshot ", 1-u, " 2"))
	equal(t, change(8, ""), fmt.Sprint("delta ", 2-u, " 1"))

	c.fault("subscribe-error=count:1")
	s.write(`{"op":"subscribe","args":["publicTrade.BTCUSDT"]}`)
	if o := s.read(); o.text("success") != "false" {
		t.Errorf("a refused subscription: %v", o)
	}
	for _, topics := range []string{`["orderbook.500.BTCUSDT"]`, `["publicTrade.NOUSDT"]`, `["orderbook.50.BTCUSDT"]`,
		`[]`, `[1]`} {
		s.write(`{"op":"subscribe","args":` + topics + `}`)
		if o := s.read(); o.text("success") != "false" {
			t.Errorf("%s: %v", topics, o)
		}
	}
	s.write(`{"op":"unsubscribe","args":["orderbook.50.BTCUSDT"]}`)
	if o := s.read(); o.text("success") != "true" {
		t.Errorf("unsubscribe: %v", o)
	}
	if got := change(9, ""); got != nil {
		t.Errorf("after unsubscribing: %v", got)
	}
	c.fault("snapshot-delay=count:1,for:100ms")
	s.follow("orderbook.50.BTCUSDT")
	if got := change(10, ""); got != nil {
		t.Errorf("before the snapshot: %v", got)
	}
	c.Advance(100 * time.Millisecond)
	if list := s.heard(); len(list) != 1 || list[0].text("type") != "snapshot" {
		t.Errorf("a late snapshot: %v", list)
	}
}

// TestBybitBookEqualsTheVenues follows a lively market and compares.
func TestBybitBookEqualsTheVenues(t *testing.T) {
	c := linear(t, func(config *testexchange.Config) {
		config.Background, config.EventsPerSecond, config.LargeIDs = testexchange.Synthetic, 500, true
	})
	for _, depth := range []string{"50", "1000"} {
		s := c.dial("/v5/public/linear")
		s.follow("orderbook."+depth+".BTCUSDT", "orderbook.1.BTCUSDT", "publicTrade.BTCUSDT")
		level, err := strconv.Atoi(depth)
		if err != nil {
			t.Fatal(err)
		}
		f := follow(t, connector.RuleStreamed)
		f.decoder = bybit.Kind().Format.NewDecoder()
		if level == 1000 {
			c.fault("mid-snapshot=p:0.3,only:orderbook.1000")
			c.fault("restart-snapshot=p:0.2,only:orderbook.1000")
		}
		compared := 0
		for range 300 {
			c.Advance(10 * time.Millisecond)
			before := f.messages + int(f.sync.Stats().Snapshots)
			for _, data := range s.heardRaw() {
				f.feed(data)
			}
			if level == 1000 && f.messages+int(f.sync.Stats().Snapshots) > before {
				compared++
				f.compare(c.client) // it was sent just now
			}
		}
		if f.messages < 5 || f.gaps != 0 || f.sync.State() != depthsync.Synced ||
			level == 1000 && (compared < 10 || f.sync.Stats().Snapshots < 3) {
			t.Errorf("depth %s: %d messages, %d gaps, %v, compared %d times, %+v", depth, f.messages, f.gaps,
				f.sync.State(), compared, f.sync.Stats())
		}
	}
}
