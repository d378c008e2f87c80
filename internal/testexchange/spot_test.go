package testexchange_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

const (
	spotOrder = "/api/v3/order"
	seed      = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60" // of RFC 8032, test 1
	publicKey = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

func spot(t *testing.T, change func(*testexchange.Config)) *client {
	t.Helper()
	return start(t, testexchange.BinanceSpot, change)
}

// session opens the WebSocket API and subscribes user data.
func (c *client) session() *socket {
	c.Helper()
	s := c.dial("/ws-api/v3")
	s.write(c.wsRequest("userDataStream.subscribe.signature", map[string]string{}))
	if o := s.read(); o.int("status") != 200 || o.object("result").text("subscriptionId") != "0" {
		c.Fatalf("subscribe: %v", o)
	}
	return s
}

// reports are the events of user data so far.
func (s *socket) reports() []string {
	s.Helper()
	s.write(`{"id":"end","method":"ping"}`)
	var list []string
	for {
		o := s.read()
		if o.text("id") == "end" {
			return list
		}
		e := o.object("event")
		switch e.text("e") {
		case "executionReport":
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s/%s %s %s %s", e.text("x"), e.text("X"), e.text("z"),
				e.text("c"), e.text("C"))))
		case "outboundAccountPosition":
			list = append(list, fmt.Sprint(e["B"]))
		default:
			list = append(list, e.text("e"))
		}
	}
}

func spotLimit(side, qty, price, tif, id string) string {
	return limit(side, qty, price, tif, id) + "&newOrderRespType=RESULT"
}

func TestSpotOrderLifecycle(t *testing.T) {
	c := spot(t, nil)
	u := c.session()
	o := c.ok("POST", spotOrder, form("symbol", btc, "side", "BUY", "type", "LIMIT_MAKER", "quantity", "1", "price",
		"60000.1", "newClientOrderId", "a"))
	if len(o) != 5 || o.text("clientOrderId") != "a" {
		t.Errorf("ACK of a LIMIT_MAKER: %v", o)
	}
	equal(t, u.reports(), "NEW/NEW 0.00000000 a", "[map[a:USDT f:39999.90000000 l:60000.10000000]]")
	c.trade(hft.Sell, 60000.1, 0.4)
	equal(t, u.reports(), "TRADE/PARTIALLY_FILLED 0.40000000 a",
		"[map[a:BTC f:10.39960000 l:0.00000000] map[a:USDT f:39999.90000000 l:36000.06000000]]")
	amend := c.ok("PUT", spotOrder+"/amend/keepPriority", form("symbol", btc, "origClientOrderId", "a", "newQty", "0.8",
		"newClientOrderId", "a"))
	if amend.object("amendedOrder").text("qty") != "0.80000000" {
		t.Errorf("amendment: %v", amend)
	}
	o = c.ok("DELETE", spotOrder, form("symbol", btc, "origClientOrderId", "a", "newClientOrderId", "cxl"))
	if o.text("clientOrderId") != "cxl" || o.text("origClientOrderId") != "a" || o.text("status") != "CANCELED" {
		t.Errorf("cancel: %v", o)
	}
	var reports []string
	for _, r := range u.reports() {
		if !strings.HasPrefix(r, "[") {
			reports = append(reports, r)
		}
	}
	equal(t, reports, "REPLACED/PARTIALLY_FILLED 0.40000000 a", "CANCELED/CANCELED 0.40000000 cxl a")
	o = c.ok("POST", spotOrder, form("symbol", btc, "side", "SELL", "type", "MARKET", "quantity", "6",
		"newClientOrderId", "b"))
	if f := o.list("fills"); len(f) != 1 || f[0].text("qty") != "5.00000000" ||
		f[0].text("commissionAsset") != "USDT" || o.text("status") != "EXPIRED" {
		t.Errorf("FULL of a market order: %v", o)
	}
	got := u.reports()
	equal(t, got[:3], "NEW/NEW 0.00000000 b", "TRADE/PARTIALLY_FILLED 5.00000000 b", "EXPIRED/EXPIRED 5.00000000 b")
}

func TestSpotRefusals(t *testing.T) {
	c := spot(t, nil)
	c.ok("POST", spotOrder, spotLimit("BUY", "0.1", "59000", "GTC", "used"))
	for want, params := range map[string]string{
		"-1121 Invalid symbol.": strings.Replace(spotLimit("BUY", "1", "60000",
			"GTC", "x"), btc, "NOUSDT", 1),
		"-1115 Invalid timeInForce.": spotLimit("BUY", "1", "60000", "GTX", "x"),
		"-1106 Parameter 'timeInForce' sent when not required.": strings.Replace(spotLimit("BUY", "1", "60000",
			"GTC", "x"), "type=LIMIT", "type=LIMIT_MAKER", 1),
		"-1013 Filter failure: LOT_SIZE": spotLimit("BUY", "0.000001", "60000", "GTC",
			"x"),
		"-1013 Filter failure: PRICE_FILTER": spotLimit("BUY", "1", "60000.001", "GTC", "x"),
		"-1013 Filter failure: NOTIONAL": spotLimit("BUY", "0.00001", "60000", "GTC",
			"x"),
		"-1013 Filter failure: PERCENT_PRICE_BY_SIDE":                  spotLimit("BUY", "0.1", "600000", "GTC", "x"),
		"-2010 Account has insufficient balance for requested action.": spotLimit("BUY", "5", "60000", "GTC", "x"),
		"-2010 Duplicate order sent.":                                  spotLimit("BUY", "0.1", "60000", "GTC", "used"),
		"-2010 Order would immediately match and take.": form("symbol", btc, "side", "BUY", "type",
			"LIMIT_MAKER", "quantity", "1", "price", "60000.2"),
		"-1111 Parameter has too much precision.": spotLimit("BUY", "0.0000000001", "60000", "GTC",
			"x"),
	} {
		r := c.do("POST", spotOrder, params, true)
		if o := decode(t, r.body); r.status != 400 || o.text("code")+" "+o.text("msg") != want {
			t.Errorf("%d %s, want %s", r.status, r.body, want)
		}
	}
	c.refused("DELETE", "/api/v3/openOrders", form("symbol", "ETHUSDT"), -2011)
	c.refused("DELETE", spotOrder, form("symbol", btc, "origClientOrderId", "used", "cancelRestrictions",
		"ONLY_PARTIALLY_FILLED"), -2011)
	c.refused("GET", spotOrder, form("symbol", btc, "orderId", "99"), -2013)
	c.refused("PUT", spotOrder+"/amend/keepPriority", form("symbol", btc, "origClientOrderId", "used", "newQty", "0.2"),
		-2038)
	if o := c.ok("POST", spotOrder, spotLimit("SELL", "6", "60000", "FOK", "fok")); o.text("status") != "EXPIRED" ||
		o.text("executedQty") != "0.00000000" {
		t.Errorf("a FOK order that cannot be filled: %v", o)
	}
}

func TestSpotCancelReplace(t *testing.T) {
	c := spot(t, nil)
	c.ok("POST", spotOrder, spotLimit("BUY", "0.1", "59000", "GTC", "a"))
	replace := func(id, mode, newOrder string) reply {
		return c.do("POST", spotOrder+"/cancelReplace",
			newOrder+"&cancelOrigClientOrderId="+id+"&cancelReplaceMode="+mode, true)
	}
	r := replace("a", "STOP_ON_FAILURE", spotLimit("BUY", "0.1", "59001", "GTC", "b"))
	if o := decode(t, r.body); r.status != 200 || o.text("newOrderResult") != "SUCCESS" ||
		o.object("cancelResponse").text("origClientOrderId") != "a" {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = replace("a", "STOP_ON_FAILURE", spotLimit("BUY", "0.1", "59001", "GTC", "c"))
	if o := decode(t, r.body); r.status != 400 || o.int("code") != -2022 ||
		o.object("data").text("newOrderResult") != "NOT_ATTEMPTED" {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = replace("b", "ALLOW_FAILURE", spotLimit("BUY", "0.1", "59001.001", "GTC", "c"))
	if o := decode(t, r.body); r.status != 409 || o.int("code") != -2021 ||
		o.object("data").object("newOrderResponse").int("code") != -1013 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestSpotBookFollows(t *testing.T) {
	for _, speed := range []string{"", "@100ms"} {
		c := spot(t, func(c *testexchange.Config) { c.Background, c.EventsPerSecond = testexchange.Synthetic, 500 })
		s := c.dial("/stream?streams=btcusdt@depth" + speed)
		s.drain()
		f := follow(t, connector.RuleSpot)
		f.decoder, f.price, f.qty = binance.Spot().Format.NewDecoder(), "%.8f", "%.8f"
		for step := range 20 {
			c.Advance(time.Second)
			if step == 3 {
				f.feed(c.do("GET", "/api/v3/depth", "symbol=BTCUSDT&limit=1000", false).body)
			}
			s.drainInto(f)
		}
		if f.gaps != 0 || f.sync.State() != depthsync.Synced || f.messages < 18 {
			t.Fatalf("%q: %d gaps, state %v, %d messages", speed, f.gaps, f.sync.State(), f.messages)
		}
		f.compare(c)
	}
}

func TestSpotIDsHaveNoHoles(t *testing.T) {
	c := spot(t, nil)
	s := c.dial("/ws/btcusdt@depth@100ms")
	s.drain()
	last := int64(0)
	for i := range 5 {
		c.level(hft.Buy, 59000, float64(i+1))
		c.Advance(100 * time.Millisecond)
		o := s.read()
		if last != 0 && o.int("U") != last+1 {
			t.Errorf("first id %d after %d", o.int("U"), last)
		}
		if _, has := o["T"]; has || o["pu"] != nil {
			t.Errorf("spot has neither T nor pu: %v", o)
		}
		last = o.int("u")
	}
}

func TestSpotLogon(t *testing.T) {
	c := spot(t, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "test-key", PublicKey: publicKey},
			{APIKey: "hmac", Secret: "test-secret"}}
	})
	s := c.dial("/ws-api/v3")
	s.write(`{"id":1,"method":"userDataStream.subscribe"}`)
	if o := s.read(); o.object("error").int("code") != -2015 {
		t.Errorf("subscribed without a logon: %v", o)
	}
	payload := fmt.Sprintf("apiKey=test-key&recvWindow=5000&timestamp=%d", c.nowMs())
	s.write(fmt.Sprintf(`{"id":"1","method":"session.logon","params":{"apiKey":"test-key","recvWindow":5000,"timestamp":%d,"signature":"%s"}}`,
		c.nowMs(), sign(t, payload)))
	if o := s.read(); o.object("result").text("apiKey") != "test-key" {
		t.Fatalf("logon: %v", o)
	}
	s.write(`{"id":"2","method":"userDataStream.subscribe"}`)
	if o := s.read(); o.object("result").text("subscriptionId") != "0" {
		t.Errorf("subscribe: %v", o)
	}
	s.write(`{"id":"2","method":"userDataStream.subscribe"}`)
	if o := s.read(); o.object("error").int("code") != -2035 {
		t.Errorf("subscribe twice: %v", o)
	}
	s.write(fmt.Sprintf(`{"id":"3","method":"order.place","params":{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT_MAKER","quantity":"0.1","price":"59000","newClientOrderId":"w","timestamp":%d}}`, c.nowMs()))
	seen := map[string]bool{}
	for range 3 { // two events and the answer
		o := s.read()
		seen[o.object("event").text("e")+o.text("id")] = true
	}
	if !seen["executionReport<nil>"] || !seen["outboundAccountPosition<nil>"] || !seen["<nil>3"] {
		t.Errorf("after an order: %v", seen)
	}
	s.write(`{"id":"4","method":"session.logout"}`)
	if o := s.read(); o.object("event").text("e") != "eventStreamTerminated" {
		t.Errorf("logout: %v", o)
	}
	if o := s.read(); o.int("status") != 200 {
		t.Errorf("logout: %v", o)
	}
	hmac := wire.HMAC("test-secret", fmt.Sprintf("apiKey=hmac&timestamp=%d", c.nowMs()))
	s.write(fmt.Sprintf(`{"id":"5","method":"session.logon","params":{"apiKey":"hmac","timestamp":%d,"signature":"%s"}}`, c.nowMs(), hmac))
	if o := s.read(); o["error"] == nil {
		t.Errorf("logon with HMAC: %v", o)
	}
}

func TestSpotEncodedSignatures(t *testing.T) {
	c := spot(t, nil)
	raw := fmt.Sprintf(`symbols=["BTCUSDT"]&symbol=%s&timestamp=%d`, btc, c.nowMs())
	encoded := fmt.Sprintf("symbols=%s&symbol=%s&timestamp=%d", url.QueryEscape(`["BTCUSDT"]`), btc, c.nowMs())
	for payload, status := range map[string]int{raw: 400, encoded: 200} {
		r := c.do("GET", "/api/v3/openOrders", encoded+"&signature="+wire.HMAC(c.secret, payload), false)
		if r.status != status {
			t.Errorf("signed %s: %d %s", payload, r.status, r.body)
		}
	}
}

func TestSpotFaults(t *testing.T) {
	c := spot(t, nil)
	u := c.session()
	c.fault("unknown-status=count:1")
	c.fault("session-expired")
	c.ok("POST", spotOrder, spotLimit("BUY", "0.1", "59000", "GTC", "a"))
	if got := u.reports(); len(got) != 3 || !strings.HasPrefix(got[0], "SOMETHING_NEW/PENDING_SOMETHING") {
		t.Errorf("%q", got)
	}
	c.Advance(time.Millisecond)
	equal(t, u.reports(), "eventStreamTerminated")
	c.ok("POST", spotOrder, spotLimit("BUY", "0.1", "59000", "GTC", "b"))
	equal(t, u.reports())
	c.fault("server-shutdown")
	c.Advance(time.Millisecond)
	equal(t, u.reports(), "serverShutdown")
}
