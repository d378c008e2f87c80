package testexchange_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

const depthPath = "/fapi/v1/depth"

func TestFaultsOfUserEvents(t *testing.T) {
	for text, want := range map[string][]string{
		"drop-user-event=count:1":      {"a CANCELED/CANCELED 0"},
		"duplicate-user-event=count:1": {"a NEW/NEW 0", "a NEW/NEW 0", "a CANCELED/CANCELED 0"},
		"reorder-user-event=count:1":   {"a CANCELED/CANCELED 0", "a NEW/NEW 0"},
		"unknown-status=count:1": {"a SOMETHING_NEW/PENDING_SOMETHING 0", "a NEW/NEW 0",
			"a CANCELED/CANCELED 0"},
		"unknown-field=":   nil, // not a probability
		"unknown-field":    {"a NEW/NEW 0", "a CANCELED/CANCELED 0"},
		"fragment=value:9": {"a NEW/NEW 0", "a CANCELED/CANCELED 0"},
		"drop-user-event=only:ORDER_TRADE_UPDATE": nil,
	} {
		t.Run(text, func(t *testing.T) {
			c := futures(t, nil)
			u := c.user("/private/ws/")
			f, err := fault.Parse(text)
			if err != nil {
				if want != nil {
					t.Fatal(err)
				}
				return
			}
			if err := c.Arm(c.venue, f); err != nil {
				t.Fatal(err)
			}
			c.ok("POST", order, limit("BUY", "1", "59000", "GTC", "a"))
			c.ok("DELETE", order, form("symbol", btc, "origClientOrderId", "a"))
			equal(t, u.orderEvents(), want...)
		})
	}
}

func TestReorderedEventComesByTime(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	c.fault("reorder-user-event=count:1,for:50ms")
	c.ok("POST", order, limit("BUY", "1", "59000", "GTC", "a"))
	c.Advance(40 * time.Millisecond)
	equal(t, u.orderEvents())
	c.Advance(10 * time.Millisecond)
	equal(t, u.orderEvents(), "a NEW/NEW 0")
}

func TestFaultRepeatFilledAndNullAsset(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	c.fault("repeat-filled")
	c.fault("null-fee-asset")
	c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"))
	events := u.drain()
	last, before := events[len(events)-1], events[len(events)-2]
	if before.object("o").text("t") != last.object("o").text("t") || last.object("o").text("X") != "FILLED" {
		t.Errorf("%v\n%v", before, last)
	}
	if n, there := last.object("o")["N"]; n != nil || !there {
		t.Errorf("fee asset %v, there %v", n, there)
	}
}

func TestFaultUnknownEvent(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	c.fault("unknown-event=count:1")
	c.ok("POST", order, limit("BUY", "1", "59000", "GTC", "a"))
	if events := u.drain(); len(events) != 2 || events[0].text("e") != "SOMETHING_NEW" {
		t.Errorf("%v", events)
	}
}

func TestFaultAckDelay(t *testing.T) {
	c := futures(t, nil)
	u := c.user("/private/ws/")
	c.fault("ack-delay=for:10s")
	answered := make(chan reply, 1)
	c.http.Timeout = 0
	go func() { answered <- c.do("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"), true) }()
	for { // the fill is there while the answer is not
		if o := u.read(); o.object("o").text("X") == "FILLED" {
			break
		}
	}
	select {
	case r := <-answered:
		t.Errorf("the answer came before the fill: %s", r.body)
	default:
	}
	if err := c.Close(); err != nil { // ends the wait
		t.Error(err)
	}
	if r := <-answered; r.err == nil {
		t.Errorf("answered %d %s by a closed exchange", r.status, r.body)
	}
}

func TestFaultAckLost(t *testing.T) {
	c := futures(t, nil)
	c.fault("ack-lost=count:1,only:POST")
	if r := c.do("POST", order, limit("BUY", "1", "59000", "GTC", "a"), true); r.err == nil {
		t.Errorf("answered %d %s", r.status, r.body)
	}
	if o := c.ok("GET", order, form("symbol", btc, "origClientOrderId", "a")); o.text("status") != "NEW" {
		t.Errorf("the order is %v, want live", o)
	}
	s := c.dial("/ws-fapi/v1")
	c.fault("ack-lost=count:1")
	s.write(c.wsRequest("order.place", map[string]string{"symbol": btc, "side": "BUY", "type": "LIMIT",
		"timeInForce": "GTC", "quantity": "1", "price": "59000", "newClientOrderId": "b"}))
	if data, err := s.readRaw(); err == nil {
		t.Errorf("answered %s", data)
	}
	if o := c.ok("GET", order, form("symbol", btc, "origClientOrderId", "b")); o.text("status") != "NEW" {
		t.Errorf("the order is %v, want live", o)
	}
}

func TestFaultsOfReplies(t *testing.T) {
	for text, want := range map[string]struct {
		status     int
		body       string
		retryAfter string
		live       bool
	}{
		"http-429=value:3":         {429, `{"code":-1003,`, "3", false},
		"http-418":                 {418, `{"code":-1003,`, "120", false},
		"http-403":                 {403, "<html>", "", false},
		"http-503-unknown=value:1": {503, "Unknown error, please check your request or try again later.", "", true},
		"http-503-unknown=value:2": {503, "Unknown error, please check your request or try again later.", "", false},
		"http-503-failed":          {503, "Service Unavailable.", "", false},
		"code-1007=value:1":        {503, `{"code":-1007,`, "", true},
		"code-1008":                {503, `{"code":-1008,`, "", false},
	} {
		t.Run(text, func(t *testing.T) {
			c := futures(t, nil)
			c.fault(text)
			r := c.do("POST", order, limit("BUY", "1", "59000", "GTC", "a"), true)
			if r.status != want.status || !strings.Contains(string(r.body), want.body) ||
				r.header.Get("Retry-After") != want.retryAfter {
				t.Errorf("%d %s %v", r.status, r.body, r.header)
			}
			if live := len(c.state().Orders) == 1; live != want.live {
				t.Errorf("order live: %v, want %v", live, want.live)
			}
		})
	}
}

func TestFaultOnlyOrders(t *testing.T) {
	c := futures(t, nil)
	c.fault("code-1008")
	if r := c.do("GET", "/fapi/v1/time", "", false); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.fault("code-1008=only:POST")
	c.refused("DELETE", order, form("symbol", btc, "origClientOrderId", "a"), -2011)
}

func TestFaultDepthGap(t *testing.T) {
	c := futures(t, nil)
	s := c.dial("/public/ws/btcusdt@depth@100ms")
	s.drain()
	f := follow(t, connector.RuleFutures)
	step := func(qty float64) {
		c.level(hft.Buy, 59990, qty)
		c.Advance(100 * time.Millisecond)
		s.drainInto(f)
	}
	step(1)
	f.feed(c.do("GET", depthPath, "symbol=BTCUSDT", false).body)
	step(2)
	if f.sync.State() != depthsync.Synced {
		t.Fatalf("state %v", f.sync.State())
	}
	c.fault("depth-gap=count:1,value:2")
	for i := range 4 {
		step(float64(3 + i))
	}
	if f.gaps != 1 || f.sync.State() == depthsync.Synced {
		t.Errorf("%d gaps, state %v", f.gaps, f.sync.State())
	}
	f.feed(c.do("GET", depthPath, "symbol=BTCUSDT", false).body)
	step(9)
	if f.sync.State() != depthsync.Synced {
		t.Errorf("after a snapshot: %v", f.sync.State())
	}
	f.compare(c)
}

func TestFaultsOfSnapshots(t *testing.T) {
	c := futures(t, nil)
	s := c.dial("/public/ws/btcusdt@depth@100ms")
	s.drain()
	c.Advance(100 * time.Millisecond)
	s.drain()
	c.level(hft.Buy, 59990, 1)
	c.Advance(100 * time.Millisecond)
	first := s.read()
	c.fault("stale-snapshot=count:1")
	stale := decode(t, c.do("GET", depthPath, "symbol=BTCUSDT", false).body)
	if stale.int("lastUpdateId") >= first.int("U") {
		t.Errorf("snapshot %d, first update %d", stale.int("lastUpdateId"), first.int("U"))
	}
	c.fault("ahead-snapshot=count:1,for:1s")
	c.level(hft.Buy, 59991, 1)
	ahead := decode(t, c.do("GET", depthPath, "symbol=BTCUSDT", false).body)
	if ahead.int("lastUpdateId") <= first.int("u") {
		t.Errorf("snapshot %d, last update sent %d", ahead.int("lastUpdateId"), first.int("u"))
	}
	c.Advance(900 * time.Millisecond)
	if list := s.drain(); len(list) != 0 {
		t.Errorf("updates while the snapshot is ahead: %v", list)
	}
	c.Advance(200 * time.Millisecond)
	if list := s.drain(); len(list) != 1 || list[0].int("pu") != first.int("u") ||
		list[0].int("u") < ahead.int("lastUpdateId") {
		t.Errorf("updates afterwards: %v", list)
	}
	c.fault("snapshot-delay=count:1,for:20ms")
	before := time.Now()
	c.do("GET", depthPath, "symbol=BTCUSDT", false)
	if waited := time.Since(before); waited < 20*time.Millisecond {
		t.Errorf("a delayed snapshot came after %v", waited)
	}
}

func TestFaultsOfListenKeys(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.ListenKeyTTL = time.Minute })
	keep := func() reply { return c.do("PUT", "/fapi/v1/listenKey", "", false) }
	u := c.user("/private/ws/")
	c.Advance(50 * time.Second)
	if r := keep(); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.Advance(50 * time.Second)
	if list := u.drain(); len(list) != 0 {
		t.Errorf("expired although it was kept: %v", list)
	}
	c.Advance(10 * time.Second)
	if list := u.drain(); len(list) != 1 || list[0].text("e") != "listenKeyExpired" {
		t.Errorf("%v", list)
	}
	c.ok("POST", order, limit("BUY", "1", "59000", "GTC", "a"))
	if list := u.drain(); len(list) != 0 {
		t.Errorf("events after the key has expired: %v", list)
	}
	u = c.user("/private/ws/")
	c.fault("listen-key-expired")
	c.Advance(time.Millisecond)
	if list := u.drain(); len(list) != 1 || list[0].text("e") != "listenKeyExpired" {
		t.Errorf("%v", list)
	}
	c.user("/private/ws/")
	c.fault("listen-key-unknown=count:1")
	if r := keep(); r.status != 400 || decode(t, r.body).int("code") != -1125 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestFaultsOfConnections(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.MaxAge = time.Minute })
	end := func(s *socket) websocket.StatusCode {
		t.Helper()
		_, err := s.readRaw()
		return websocket.CloseStatus(err)
	}
	s := c.dial("/public/ws")
	s.drain()
	c.Advance(time.Minute)
	if status := end(s); status != websocket.StatusGoingAway {
		t.Errorf("at its age: %v", status)
	}
	s = c.dial("/public/ws")
	s.drain()
	c.fault("cut-connections")
	c.Advance(time.Millisecond)
	if status := end(s); status != websocket.StatusGoingAway {
		t.Errorf("cut: %v", status)
	}
	s = c.dial("/public/stream")
	s.drain()
	c.fault("server-shutdown=for:5s")
	c.Advance(time.Second)
	if o := s.read(); o.text("stream") != "!serverShutdown" || o.object("data").text("e") != "serverShutdown" {
		t.Errorf("%v", o)
	}
	c.Advance(5 * time.Second)
	if status := end(s); status != websocket.StatusGoingAway {
		t.Errorf("shut down: %v", status)
	}
	c.fault("refuse-connect=count:1")
	if _, _, err := websocket.Dial(context.Background(), c.WSURL(c.venue)+"/public/ws", nil); err == nil {
		t.Error("the handshake was not refused")
	}
	s = c.dial("/public/ws/btcusdt@bookTicker")
	s.drain()
	c.fault("silent")
	c.level(hft.Buy, 60000, 7)
	if list := s.drain(); len(list) != 0 {
		t.Errorf("%v", list)
	}
	if err := c.Disarm(c.venue, ""); err != nil {
		t.Error(err)
	}
	c.fault("subscribe-error=count:1")
	s.write(`{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}`)
	if o := s.read(); o.object("error").int("code") != 2 {
		t.Errorf("%v", o)
	}
	c.fault("reset-mid-frame=count:1")
	c.level(hft.Buy, 60000, 8)
	if data, err := s.readRaw(); err == nil {
		t.Errorf("half a frame gave %s", data)
	}
}

func TestLargeIDs(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.LargeIDs = true })
	a := c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"))
	if id := a.int("orderId"); id <= 1<<53 || int64(float64(id)) == id {
		t.Errorf("id %d is exact as a float64", id)
	}
	if o := c.ok("GET", order, form("symbol", btc, "orderId", a.text("orderId"))); o.text("clientOrderId") != "a" {
		t.Errorf("%v", o)
	}
}

// TestSameSeedSameMarket runs the same minute twice.
func TestSameSeedSameMarket(t *testing.T) {
	run := func() string {
		c := futures(t, func(c *testexchange.Config) { c.Background = testexchange.Synthetic })
		c.Advance(30 * time.Second)
		c.ok("POST", order, form("symbol", btc, "side", "BUY", "type", "MARKET", "quantity", "1"))
		c.Advance(30 * time.Second)
		r := c.do("GET", "/admin/state", "", false)
		_, rest, _ := strings.Cut(string(r.body), `"venue"`)
		return rest
	}
	if a, b := run(), run(); a != b || len(a) < 1000 {
		t.Error("two runs with the same seed differ")
	}
}

func TestVenues(t *testing.T) {
	if !slices.Contains(testexchange.Venues(), testexchange.BinanceFutures) {
		t.Error(testexchange.Venues())
	}
	for _, bad := range []testexchange.Config{
		{Venues: []testexchange.Venue{"none"}},
		{Venues: []testexchange.Venue{testexchange.BinanceFutures, testexchange.BinanceFutures}},
		{Background: "none"},
		{Venues: []testexchange.Venue{testexchange.BinanceFutures}, Background: testexchange.Recorded},
		{Venues: []testexchange.Venue{testexchange.BinanceFutures}, Background: testexchange.Recorded,
			Recordings: map[string][]string{btc: {"/does/not/exist"}}},
		{OnlySymbols: []string{"NO"}},
		{Accounts: []testexchange.Account{{APIKey: "k"}}},
		{Accounts: []testexchange.Account{{APIKey: "k", Secret: "s", Balances: map[string]string{"USDT": "x"}}}},
		{Faults: []fault.Fault{{Name: "none"}}},
		{Host: "256.0.0.1"},
	} {
		if e, err := testexchange.Start(bad); err == nil {
			t.Errorf("%+v was started", bad)
			_ = e.Close()
		}
	}
}
