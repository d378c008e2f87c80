package binancefutures_test

import (
	"reflect"
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
		`{"e":"MARGIN_CALL","E":5,"p":[{"s":"BTCUSDT","ps":"BOTH","pa":"-2","mp":"3"}]}`: {Kind: connector.MarginCall, Symbol: "BTCUSDT",
			TimestampNs: 5 * ms, Text: "the position of -2 BTCUSDT is close to its liquidation at a mark price of 3"},
		`{"e":"ACCOUNT_CONFIG_UPDATE","T":5,"ac":{"s":"BTCUSDT","l":20}}`: {Kind: connector.ConfigChanged, Symbol: "BTCUSDT", TimestampNs: 5 * ms,
			Text: "the leverage of BTCUSDT is 20 now"},
		`{"e":"ACCOUNT_CONFIG_UPDATE","T":5,"ai":{"j":true}}`: {Kind: connector.ConfigChanged, TimestampNs: 5 * ms, Text: "multi-assets mode: true"},
		`{"e":"ACCOUNT_UPDATE","T":5,"a":{"m":"DEPOSIT","B":[{"a":"USDT","wb":"10","cw":"10","bc":"4"}]}}`: {Kind: connector.BalanceChanged, Asset: "USDT",
			Amount: 4, TimestampNs: 5 * ms, Text: "deposit of 4 USDT"},
	} {
		if h := decode(t, p, []byte(frame)); !reflect.DeepEqual(h.events, []connector.AccountEvent{want}) {
			t.Errorf("%s: %+v, want %+v", frame, h.events, want)
		}
	}
}
