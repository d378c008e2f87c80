package binancefutures_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
)

// TestAccountEvents: what the venue does to the account on its own becomes account events.
func TestAccountEvents(t *testing.T) {
	const ms = 1_000_000
	p := newProtocol(t, nil, nil)
	for name, c := range map[string]struct {
		change map[string]any
		want   connector.AccountEvent
	}{
		"liquidation": {map[string]any{"x": "CALCULATED", "c": "autoclose-1", "l": "5", "L": "3", "t": 7, "n": "2"},
			connector.AccountEvent{Kind: connector.Liquidation}},
		"ADL": {map[string]any{"x": "CALCULATED", "c": "adl_autoclose", "l": "5", "L": "3", "t": 7, "n": "2"},
			connector.AccountEvent{Kind: connector.ADL}},
		"settlement": {map[string]any{"x": "TRADE", "c": "settlement_autoclose-5", "l": "5", "L": "3", "t": 7,
			"n": "2"}, connector.AccountEvent{Kind: connector.Settlement}},
		"delivery": {map[string]any{"x": "TRADE", "c": "delivery_autoclose-5", "l": "5", "L": "3", "t": 7,
			"n": "2"}, connector.AccountEvent{Kind: connector.Delivery}},
	} {
		w := c.want
		w.Symbol, w.ID, w.OrderID, w.Side, w.Qty, w.Price, w.Value = "XRPUSDT", "7", "34679383739", -1, 5, 3, 15
		w.FeePaid, w.FeeAsset, w.TimestampNs = 2, "USDT", 1685805366239*ms
		h := decode(t, p, event(t, c.change))
		if len(h.orders) > 0 || !reflect.DeepEqual(h.events, []connector.AccountEvent{w}) {
			t.Errorf("%s: %+v, want %+v", name, *h, w)
		}
	}
	for frame, want := range map[string]connector.AccountEvent{
		`{"e":"MARGIN_CALL","E":5,"p":[{"s":"BTCUSDT","ps":"BOTH","pa":"-2","mp":"3"}]}`: {Kind: connector.MarginCall,
			Symbol: "BTCUSDT", TimestampNs: 5 * ms,
			Text: "the position of -2 BTCUSDT is close to its liquidation at a mark price of 3"},
		`{"e":"ACCOUNT_CONFIG_UPDATE","T":5,"ac":{"s":"BTCUSDT","l":20}}`: {Kind: connector.ConfigChanged,
			Symbol: "BTCUSDT", TimestampNs: 5 * ms, Text: "the leverage of BTCUSDT is 20 now"},
		`{"e":"ACCOUNT_CONFIG_UPDATE","T":5,"ai":{"j":true}}`: {Kind: connector.ConfigChanged, TimestampNs: 5 * ms,
			Text: "multi-assets mode: true"},
		`{"e":"ACCOUNT_UPDATE","T":5,"a":{"m":"DEPOSIT","B":[{"a":"USDT","wb":"10","cw":"10","bc":"4"}]}}`: {Kind: connector.BalanceChanged, Asset: "USDT",
			Amount: 4, TimestampNs: 5 * ms, Text: "deposit of 4 USDT"},
	} {
		if h := decode(t, p, []byte(frame)); !reflect.DeepEqual(h.events, []connector.AccountEvent{want}) {
			t.Errorf("%s: %+v, want %+v", frame, h.events, want)
		}
	}
}

// TestManyForcedOrders: more forced orders than a list has, and more executions than the list of an order has, are
// listed once each, whichever of too many a list has.
func TestManyForcedOrders(t *testing.T) {
	t.Parallel()
	const orders, each, day = 150, 2, 24 * 3600 * 1000
	const beganMs = nowMs - 20*day
	atMs := func(order int) int64 { return beganMs + int64(order)*day/500 } // all on one day
	const long = 77                                                         // the order with the many executions
	trades := func(order int) int {
		if order == long {
			return 1500
		}
		return each
	}
	for name, newest := range map[string]bool{"the first": false, "the last": true} {
		p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			number := func(name string) (n int64) {
				_, _ = fmt.Sscan(q.Get(name), &n)
				return n
			}
			var rows []string
			limit := 100
			trade := func(order, i int) {
				rows = append(rows, fmt.Sprintf(`{"id":%d,"orderId":%d,"price":"3","qty":"1","side":"BUY","symbol":"BTCUSDT","time":%d}`,
					10_000*order+i, order, atMs(order)))
			}
			switch {
			case r.URL.Path == "/fapi/v1/forceOrders":
				if end := number("endTime"); end-number("startTime") > 7*day {
					t.Errorf("a query of %s", r.URL.RawQuery)
				}
				for order := 1; order <= orders; order++ {
					if at := atMs(order); at >= number("startTime") &&
						(number("endTime") == 0 || at <= number("endTime")) {
						rows = append(rows,
							fmt.Sprintf(`{"symbol":"BTCUSDT","orderId":%d,"clientOrderId":"autoclose-%d"}`, order,
								order))
					}
				}
			case r.URL.Path == "/fapi/v1/userTrades" && q.Has("orderId"):
				limit = 1000
				for i := range trades(int(number("orderId"))) {
					trade(int(number("orderId")), i)
				}
			case r.URL.Path == "/fapi/v1/userTrades":
				limit = 1000
				for order := 1; order <= orders; order++ {
					for i := range trades(order) {
						if at := atMs(order); at >= number("startTime") &&
							(number("endTime") == 0 || at <= number("endTime")) &&
							int64(10_000*order+i) >= number("fromId") {
							trade(order, i)
						}
					}
				}
				rows = rows[:min(len(rows), limit)]
			}
			if newest {
				rows = rows[max(len(rows)-limit, 0):]
			}
			_, _ = w.Write([]byte("[" + strings.Join(rows[:min(len(rows), limit)], ",") + "]"))
		}, nil)
		list, err := p.AccountEvents(t.Context(), (beganMs-1)*1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		ids := make(map[string]bool)
		for i := range list {
			ids[list[i].ID] = true
		}
		if want := each*(orders-1) + 1500; len(list) != want || len(ids) != want {
			t.Errorf("%s: %d events, %d ids, want %d", name, len(list), len(ids), want)
		}
	}
}
