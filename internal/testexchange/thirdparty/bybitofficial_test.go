package thirdparty_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	bybitapi "github.com/bybit-exchange/bybit.go.api"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// officialScene has the venue's own client of Bybit, which signs with a receive window where the other has none, and
// shows the raw messages of its connections.
type officialScene struct {
	*bybitScene
	client *bybitapi.Client
	ctx    context.Context
}

func openOfficial(t *testing.T) *officialScene {
	t.Helper()
	s := openBybit(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	t.Cleanup(cancel)
	return &officialScene{s, bybitapi.NewBybitHttpClient(testexchange.DefaultAPIKey, testexchange.DefaultSecret,
		bybitapi.WithBaseURL(s.httpURL())), ctx}
}

type params = map[string]any

// with returns a request of the client.
func (s *officialScene) with(p params) *bybitapi.BybitClientRequest {
	return s.client.NewUtaBybitServiceWithParams(p)
}

// result reads the result of an answer into a value and returns the code.
func result(t *testing.T, what string, r *bybitapi.ServerResponse, err error, into any) int {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if r.Time == 0 {
		t.Errorf("%s: no time: %+v", what, r)
	}
	if into != nil {
		text, err := json.Marshal(r.Result)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	return r.RetCode
}

func TestOfficialTime(t *testing.T) {
	s := openOfficial(t)
	r, err := s.client.NewUtaBybitServiceNoParams().GetServerTime(s.ctx)
	var clock struct{ TimeSecond, TimeNano string }
	if code := result(t, "time", r, err, &clock); code != 0 {
		t.Errorf("code %d", code)
	}
	ns, err := strconv.ParseInt(clock.TimeNano, 10, 64)
	if off := time.Since(time.Unix(0, ns)); err != nil || off.Abs() > deadline ||
		clock.TimeSecond != strconv.FormatInt(ns/1e9, 10) {
		t.Errorf("clock %+v, %v behind: %v", clock, off, err)
	}
}

func TestOfficialOrders(t *testing.T) {
	s := openOfficial(t)
	var order struct{ OrderID, OrderLinkID string }
	r, err := s.with(params{"category": "linear", "symbol": btc, "side": "Buy", "orderType": "Limit", "qty": "1",
		"price": "59990.1", "timeInForce": "PostOnly", "orderLinkId": "a", "positionIdx": 0}).PlaceOrder(s.ctx)
	if code := result(t, "place", r, err, &order); code != 0 || order.OrderLinkID != "a" {
		t.Fatalf("placed %d %+v", code, order)
	}
	var list struct {
		List           []struct{ OrderID, OrderStatus, LeavesQty string }
		NextPageCursor *string
	}
	r, err = s.with(params{"category": "linear", "symbol": btc, "limit": 20, "openOnly": 0}).GetOpenOrders(s.ctx)
	if code := result(t, "open orders", r, err, &list); code != 0 || len(list.List) != 1 ||
		list.List[0].OrderID != order.OrderID || list.List[0].OrderStatus != "New" || list.NextPageCursor == nil {
		t.Errorf("open orders %d %+v", code, list)
	}
	r, err = s.with(params{"category": "linear", "symbol": btc, "orderId": order.OrderID, "price": "59991"}).
		AmendOrder(s.ctx)
	if code := result(t, "amend", r, err, nil); code != 0 {
		t.Errorf("amend: %+v", r)
	}
	r, err = s.with(params{"category": "linear", "symbol": btc, "orderId": order.OrderID}).CancelOrder(s.ctx)
	if code := result(t, "cancel", r, err, nil); code != 0 {
		t.Errorf("cancel: %+v", r)
	}
	r, err = s.with(params{"category": "linear", "symbol": btc, "orderId": order.OrderID}).CancelOrder(s.ctx)
	if code := result(t, "second cancel", r, err, nil); code != 110001 {
		t.Errorf("second cancel: %+v", r)
	}
	r, err = s.with(params{"category": "linear", "symbol": btc}).CancelAllOrders(s.ctx)
	if code := result(t, "cancel all", r, err, nil); code != 0 {
		t.Errorf("cancel all: %+v", r)
	}
}

func TestOfficialBatch(t *testing.T) {
	s := openOfficial(t)
	one := func(id, price string) params {
		return params{"symbol": btc, "side": "Buy", "orderType": "Limit", "qty": "1", "price": price,
			"timeInForce": "GTC", "orderLinkId": id}
	}
	r, err := s.with(params{"category": "linear", "request": []params{one("a", "59990"), one("a", "59991"),
		one("b", "59992")}}).PlaceBatchOrder(s.ctx)
	if err != nil || r.RetCode != 0 {
		t.Fatalf("batch %+v: %v", r, err)
	}
	var codes []string
	for _, x := range r.RetExtInfo.List {
		codes = append(codes, strconv.Itoa(x.Code))
	}
	equal(t, "codes of the batch", codes, "0", "110072", "0")
	if ids := s.openIDs(); len(ids) != 2 || !ids["a"] || !ids["b"] {
		t.Errorf("open orders %v", ids)
	}
}

// message has the fields of all messages of private and trade connections.
type message struct {
	Op, ReqID, Topic, RetMsg string
	Success                  *bool
	RetCode                  *int
	Data                     json.RawMessage
	Header                   map[string]string
}

// socket opens a connection of the venue's client, which logs on by itself.
func (s *officialScene) socket(url string) (*bybitapi.WebSocket, *inbox[message]) {
	s.Helper()
	in := newInbox[message](s.T)
	officialAddress.Store(new(s.exchange.Address(s.venue)))
	c := bybitapi.NewBybitPrivateWebSocket(url, testexchange.DefaultAPIKey, testexchange.DefaultSecret,
		func(text string) error {
			var m message
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				s.streamError(err)
			}
			in.put(m)
			return nil
		}).Connect()
	if c == nil {
		s.Fatal("no connection")
	}
	s.Cleanup(func() { _ = c.Disconnect() }) // before the exchange ends, or the client connects again
	return c, in
}

func TestOfficialSockets(t *testing.T) {
	s := openOfficial(t)
	private, events := s.socket(bybitapi.WEBSOCKET_PRIVATE_MAINNET)
	if m := events.next("log-on"); m.Op != "auth" || m.Success == nil || !*m.Success {
		t.Fatalf("log-on %+v", m)
	}
	if _, err := private.SendSubscription([]string{"order.linear", "execution.linear", "position.linear"}); err != nil {
		t.Fatal(err)
	}
	if m := events.next("subscription"); m.Op != "subscribe" || m.Success == nil || !*m.Success {
		t.Fatalf("subscription %+v", m)
	}
	trade, replies := s.socket(bybitapi.WEBSOCKET_TRADE_MAINNET)
	if m := replies.next("log-on"); m.Op != "auth" || m.RetCode == nil || *m.RetCode != 0 {
		t.Fatalf("log-on %+v", m)
	}
	send := func(id, op string, p params) message {
		t.Helper()
		headers := map[string]string{"X-BAPI-TIMESTAMP": strconv.FormatInt(time.Now().UnixMilli(), 10),
			"X-BAPI-RECV-WINDOW": "5000"}
		if _, err := trade.SendRequest(op, p, headers, id); err != nil {
			t.Fatal(err)
		}
		m := replies.next("reply")
		if m.ReqID != id || m.Op != op || m.RetCode == nil {
			t.Fatalf("reply %+v", m)
		}
		return m
	}
	order := params{"category": "linear", "symbol": btc, "side": "Sell", "orderType": "Limit", "qty": "1",
		"price": "60000", "timeInForce": "IOC", "orderLinkId": "a"}
	if m := send("1", "order.create", order); *m.RetCode != 0 || m.RetMsg != "OK" ||
		m.Header["X-Bapi-Limit-Status"] == "" {
		t.Errorf("reply %+v", m)
	}
	var topics []string
	for _, m := range events.until("filled order", func(m message) bool {
		var rows []struct{ OrderStatus string }
		return m.Topic == "order.linear" && json.Unmarshal(m.Data, &rows) == nil &&
			rows[len(rows)-1].OrderStatus == "Filled"
	}) {
		topics = append(topics, m.Topic)
	}
	if !slices.Contains(topics, "execution.linear") {
		t.Errorf("topics before the filled order: %q", topics)
	}
	if m := send("2", "order.create", order); *m.RetCode != 110072 {
		t.Errorf("duplicate %+v", m)
	}
	if m := send("3", "order.cancel", params{"category": "linear", "symbol": btc,
		"orderLinkId": "a"}); *m.RetCode != 110001 {
		t.Errorf("cancel of a filled order %+v", m)
	}
}
