package binancefutures_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// heard is a sink that keeps what it was told.
type heard struct {
	orders    []protocol.Report
	positions []protocol.Position
	balances  []protocol.Balance
	renewals  []string
	settled   int
	events    []connector.AccountEvent
}

func (h *heard) Order(r *protocol.Report)          { h.orders = append(h.orders, *r) }
func (h *heard) Position(p protocol.Position)      { h.positions = append(h.positions, p) }
func (h *heard) Balance(b protocol.Balance)        { h.balances = append(h.balances, b) }
func (h *heard) Account(e *connector.AccountEvent) { h.events = append(h.events, *e) }
func (h *heard) Settled()                          { h.settled++ }
func (h *heard) Renew(reason string)               { h.renewals = append(h.renewals, reason) }

func (h *heard) nothing() bool {
	return len(h.orders)+len(h.positions)+len(h.balances)+len(h.renewals) == 0
}

func decode(t testing.TB, p *binancefutures.Protocol, frame []byte) *heard {
	t.Helper()
	h := &heard{}
	if err := p.DecodeUser(frame, h); err != nil {
		t.Fatalf("%v, of %s", err, frame)
	}
	return h
}

// TestScriptedSession reads the events of a session from the first order to funding.
func TestScriptedSession(t *testing.T) {
	p := newProtocol(t, nil, nil)
	const ms = 1_000_000
	first := protocol.Report{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000001", VenueID: "101", Status: hft.StatusNew,
		Side: hft.Buy, Price: 60000.1, Qty: 0.01, HasCum: true, TimestampNs: 1760000000000 * ms}
	change := func(r protocol.Report, f func(r *protocol.Report)) protocol.Report { f(&r); return r }
	for _, c := range []struct {
		note string
		want protocol.Report
	}{
		{"order 1 accepted", first},
		{"partial fill, maker", change(first, func(r *protocol.Report) {
			r.Status, r.CumQty, r.AvgPrice, r.TimestampNs = hft.StatusPartiallyFilled, 0.004, 60000.1, 1760000000040*ms
			r.TradeID, r.LastQty, r.LastPrice, r.Maker, r.Fee, r.FeeAsset = "9001", 0.004, 60000.1, true, 0.04800008,
				"USDT"
		})},
		{"amendment", change(first, func(r *protocol.Report) {
			r.Status, r.CumQty, r.AvgPrice, r.TimestampNs, r.Price, r.Qty = hft.StatusPartiallyFilled, 0.004, 60000.1,
				1760000000090*ms, 60000, 0.008
		})},
		{"final fill, maker", change(first, func(r *protocol.Report) {
			r.Status, r.CumQty, r.AvgPrice, r.TimestampNs, r.Price, r.Qty = hft.StatusFilled, 0.008, 60000.05,
				1760000000130*ms, 60000, 0.008
			r.TradeID, r.LastQty, r.LastPrice, r.Maker, r.Fee, r.FeeAsset = "9002", 0.004, 60000, true, 0.048, "USDT"
		})},
		{"expired, z keeps the filled part", protocol.Report{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000002",
			VenueID: "102", Status: hft.StatusExpired, Side: hft.Buy, TimeInForce: hft.IOC, Price: 60000.3, Qty: 0.01,
			CumQty: 0.006, AvgPrice: 60000.2, HasCum: true, TimestampNs: 1760000000200 * ms,
			Reason: "the rest of an immediate-or-cancel order"}},
		{"self trade prevention", protocol.Report{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000003", VenueID: "103",
			Status: hft.StatusExpired, Side: hft.Buy, Price: 60000.1, Qty: 0.01, HasCum: true,
			TimestampNs: 1760000000300 * ms, Reason: "prevented a trade with itself"}},
		{"order 4 canceled", protocol.Report{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000004", VenueID: "104",
			Status: hft.StatusCanceled, Side: hft.Buy, Price: 60000.1, Qty: 0.01, HasCum: true,
			TimestampNs: 1760000000410 * ms}},
	} {
		h := decode(t, p, scripted(t, "ws-user", c.note)[0])
		if len(h.orders) != 1 || h.orders[0] != c.want {
			t.Errorf("%s: %+v, want %+v", c.note, h.orders, c.want)
		}
	}
	h := decode(t, p, scripted(t, "ws-user", "position after the fill")[0])
	if !reflect.DeepEqual(*h, heard{positions: []protocol.Position{{Symbol: "BTCUSDT", Qty: 0.004,
		TimestampNs: 1760000000040 * ms}}, balances: []protocol.Balance{{Asset: "USDT", Free: 1000}}}) {
		t.Errorf("%+v", h)
	}
	if h := decode(t, p, scripted(t, "ws-user", "funding")[0]); !reflect.DeepEqual(*h,
		heard{balances: []protocol.Balance{{Asset: "USDT", Free: 999.99}}, settled: 1}) {
		t.Errorf("%+v", h)
	}
	if h := decode(t, p, scripted(t, "ws-user", "key expired")[0]); len(h.renewals) != 1 {
		t.Errorf("%+v", h)
	}
	// An early notice of a fill says nothing that the order's own event does not say better.
	for _, frame := range append(scripted(t, "ws-user", "TRADE_LITE"),
		datatest.Messages(t, "binance-usdm/ws_TRADE_LITE.json")) {
		if h := decode(t, p, frame); !h.nothing() {
			t.Errorf("%+v", h)
		}
	}
	for _, frame := range scripted(t, "ws-user", "") {
		decode(t, p, frame)
		decode(t, p, []byte(`{"stream":"key","data":`+string(frame)+`}`))
	}
}

// event is an order's event with fields put in place of, or added to, the usual ones.
func event(t *testing.T, order map[string]any) []byte {
	t.Helper()
	o := map[string]any{"s": "XRPUSDT", "c": "10002", "S": "SELL", "o": "LIMIT", "f": "GTC", "q": "12", "p": "0.5193",
		"ap": "0", "x": "NEW", "X": "NEW", "i": json.Number("34679383739"), "l": "0", "z": "0", "L": "0", "n": "0",
		"N": "USDT", "T": 1685805366239, "t": 0, "m": false, "ps": "BOTH"}
	for name, value := range order {
		o[name] = value
	}
	frame, err := json.Marshal(map[string]any{"e": "ORDER_TRADE_UPDATE", "T": 1685805366239, "E": 1685805366244,
		"o": o})
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// TestOrderEventsThatVary: what the venue may send, or may send one day, is no error.
func TestOrderEventsThatVary(t *testing.T) {
	p := newProtocol(t, nil, nil)
	for name, c := range map[string]struct {
		order map[string]any
		check func(r *protocol.Report) bool
	}{
		"ids above 2^53": {map[string]any{"i": json.Number("8389765739703625592"), "x": "TRADE",
			"t": json.Number("9007199254740993"), "l": "1"}, func(r *protocol.Report) bool {
			return r.VenueID == "8389765739703625592" && r.TradeID == "9007199254740993"
		}},
		"no fee asset": {map[string]any{"N": nil, "n": nil, "x": "TRADE", "t": 5, "l": "1", "L": "2"},
			func(r *protocol.Report) bool {
				return r.TradeID == "5" && r.FeeAsset == "" && r.Fee == 0 && r.LastPrice == 2
			}},
		"rebate": {map[string]any{"n": "-0.01", "x": "TRADE", "t": 5},
			func(r *protocol.Report) bool { return r.Fee == -0.01 }},
		"unknown status": {map[string]any{"X": "SLEEPING"},
			func(r *protocol.Report) bool { return r.Status == hft.StatusUnsupported && r.VenueID != "" }},
		"NEW_ADL": {map[string]any{"X": "NEW_ADL"},
			func(r *protocol.Report) bool { return r.Status == hft.StatusUnsupported }},
		"unknown type": {map[string]any{"o": "TRAILING_STOP_MARKET", "f": "GTE_GTC"}, func(r *protocol.Report) bool {
			return r.OrdType == hft.OrdTypeUnsupported && r.TimeInForce == hft.TimeInForceUnsupported
		}},
		"unknown execution": {map[string]any{"x": "DREAM", "l": "5", "t": 7},
			func(r *protocol.Report) bool { return r.TradeID == "" && r.LastQty == 0 }},
		"unknown fields": {map[string]any{"zz": map[string]any{"a": []int{1}}, "x ": nil},
			func(r *protocol.Report) bool { return r.Status == hft.StatusNew }},
		"numbers unquoted": {map[string]any{"p": 0.5, "q": json.Number("1e2"), "i": "34679383739"},
			func(r *protocol.Report) bool { return r.Price == 0.5 && r.Qty == 100 && r.VenueID == "34679383739" }},
		"no cumulative": {map[string]any{"z": nil}, func(r *protocol.Report) bool { return !r.HasCum }},
		"no time": {map[string]any{"T": nil},
			func(r *protocol.Report) bool { return r.TimestampNs == 1685805366239000000 }},
		"post only": {map[string]any{"X": "EXPIRED", "x": "EXPIRED", "f": "GTX", "er": "11"},
			func(r *protocol.Report) bool {
				return r.Reason == "post only and it would take" && r.TimeInForce == hft.GTX
			}},
		"reason as number": {map[string]any{"X": "EXPIRED", "er": 5},
			func(r *protocol.Report) bool { return r.Reason == "liquidation" }},
		"reason 0": {map[string]any{"X": "EXPIRED", "er": "0"},
			func(r *protocol.Report) bool { return r.Reason == "expired" }},
		"reason of 2030": {map[string]any{"X": "EXPIRED", "er": "77"},
			func(r *protocol.Report) bool { return r.Reason == "expired for reason 77" }},
	} {
		frame := event(t, c.order)
		h := decode(t, p, frame)
		if len(h.orders) != 1 || !c.check(&h.orders[0]) {
			t.Errorf("%s: %+v of %s", name, h.orders, frame)
		}
	}
	for _, frame := range []string{`{"e":"MARGIN_CALL","E":1}`, `{"e":"STRATEGY_UPDATE"}`, `{"e":"GRID_UPDATE"}`,
		`{"e":"CONDITIONAL_ORDER_TRIGGER_REJECT"}`, `{"e":"ALGO_UPDATE","o":{}}`, `{"e":"FUTURE_EVENT","o":7}`,
		`{"result":null,"id":1}`, `{}`, `[]`, `null`, `{"e":null}`, `{"e":"ACCOUNT_UPDATE"}`} {
		if h := decode(t, p, []byte(frame)); !h.nothing() {
			t.Errorf("%s: %+v", frame, h)
		}
	}
}

// TestWrongEvents: nothing of an event that cannot be read reaches the sink with numbers made up.
func TestWrongEvents(t *testing.T) {
	p := newProtocol(t, nil, nil)
	for _, frame := range [][]byte{event(t, map[string]any{"q": "many"}), event(t, map[string]any{"z": "NaN"}),
		event(t, map[string]any{"i": 1.5}), event(t, map[string]any{"p": []int{1}}),
		event(t, map[string]any{"m": "yes", "x": "TRADE", "t": 1}), event(t, map[string]any{"T": -5}),
		event(t, map[string]any{"c": 5}), []byte(`{"e":"ORDER_TRADE_UPDATE"}`), []byte(`{"e":5}`),
		[]byte(`{"e":"ACCOUNT_UPDATE","T":1,"a":{"P":[{"s":"BTCUSDT","pa":"long"}]}}`),
		[]byte(`{"e":"ACCOUNT_UPDATE","T":1,"a":{"B":[{"a":"USDT","wb":"much"}]}}`), []byte(`{"e":`), {}} {
		h := &heard{}
		if err := p.DecodeUser(frame, h); err == nil || !h.nothing() {
			t.Errorf("%s: %v, %+v", frame, err, h)
		}
	}
}

// TestHedgeMode: one-way accounts may list the sides with nothing in them; a position on one side is another mode.
func TestHedgeMode(t *testing.T) {
	p := newProtocol(t, nil, nil)
	const text = `{"e":"ACCOUNT_UPDATE","T":5,"E":6,"a":{"m":"ORDER","B":[],"P":[{"s":"BTCUSDT","pa":"-3","ps":"BOTH"},{"s":"BTCUSDT","pa":"0","ps":"LONG"},{"s":"BTCUSDT","pa":"0","ps":"SHORT"}]}}`
	if h := decode(t, p, []byte(text)); !reflect.DeepEqual(h.positions,
		[]protocol.Position{{Symbol: "BTCUSDT", Qty: -3, TimestampNs: 5_000_000}}) {
		t.Errorf("%+v", h)
	}
	// Where BOTH comes first, or alone is missing, it is not a position of 0.
	const both = `{"s":"BTCUSDT","pa":"0","ps":"BOTH"},`
	for _, rows := range []string{both + `{"s":"BTCUSDT","pa":"2","ps":"LONG"},{"s":"BTCUSDT","pa":"0","ps":"SHORT"}`,
		`{"s":"BTCUSDT","pa":"2","ps":"LONG"}`, `{"s":"BTCUSDT","pa":"0","ps":"SHORT"}`} {
		h := decode(t, p, []byte(`{"e":"ACCOUNT_UPDATE","T":5,"E":6,"a":{"m":"ORDER","B":[],"P":[{"s":"ETHUSDT","pa":"1","ps":"BOTH"},`+rows+`]}}`))
		if len(h.positions) != 2 || h.positions[0].Err != nil || h.positions[0].Qty != 1 ||
			h.positions[1].Symbol != "BTCUSDT" || !errors.As(h.positions[1].Err, new(protocol.HedgeMode)) {
			t.Errorf("%s: %+v", rows, h.positions)
		}
	}
}

func TestListenKey(t *testing.T) {
	key, asked := "first", []string{}
	p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method)
		if r.Header.Get("X-MBX-APIKEY") != "test-key" || r.URL.RawQuery != "" {
			t.Errorf("%v %s", r.Header, r.URL)
		}
		switch {
		case r.Method == http.MethodPut && key == "gone":
			w.WriteHeader(400)
			_, _ = w.Write([]byte(`{"code":-1125,"msg":"This listenKey does not exist."}`))
		default:
			_, _ = fmt.Fprintf(w, `{"listenKey":%q}`, key)
		}
	}, nil)
	s, err := p.UserStream(t.Context())
	if err != nil || s.Name != "user" || s.URL != "wss://fstream.binance.com/private/ws/first" ||
		s.KeepAliveInterval.Minutes() != 30 || s.Silence <= 0 || s.QuietTopics != 0 || s.Lifetime <= 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := s.KeepAlive(t.Context()); err != nil {
		t.Error(err)
	}
	key = "second"
	if s, err = p.UserStream(t.Context()); err != nil || !strings.HasSuffix(s.URL, "/second") {
		t.Fatalf("%+v, %v", s, err)
	}
	for frame, renewals := range map[string]int{`{"e":"listenKeyExpired","E":1,"listenKey":"first"}`: 0,
		`{"e":"listenKeyExpired","E":1,"listenKey":"second"}`: 1, `{"e":"listenKeyExpired","E":1}`: 1,
		`{"e":"serverShutdown","E":1}`: 1} {
		if h := decode(t, p, []byte(frame)); len(h.renewals) != renewals {
			t.Errorf("%s: %v", frame, h.renewals)
		}
	}
	key = "gone"
	if err := s.KeepAlive(t.Context()); err == nil {
		t.Error("a key that is gone is kept alive")
	}
	key = ""
	if _, err := p.UserStream(t.Context()); err == nil {
		t.Error("a stream without a key")
	}
	if fmt.Sprint(asked) != "[POST PUT POST PUT POST]" {
		t.Error(asked)
	}
}

func TestNotice(t *testing.T) {
	p := newProtocol(t, nil, nil)
	for frame, want := range map[string]bool{`{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}`: true,
		`{"e":"serverShutdown","E":1}`: true, `{"e":"trade","s":"serverShutdown"}`: false,
		`{"e":"serverShutdown"`: false, `{}`: false, `{"e":"serverShutdown","x":"` + strings.Repeat("x",
			300) + `"}`: false} {
		if got := p.Notice([]byte(frame)) != ""; got != want {
			t.Errorf("%s: %t", frame, got)
		}
	}
}

// FuzzDecodeUser holds every text against the promises: no panic, and reports that name an order, with finite numbers.
func FuzzDecodeUser(f *testing.F) {
	for _, frame := range scripted(f, "ws-user", "") {
		f.Add([]byte(frame))
	}
	f.Add([]byte(`{"e":"ORDER_TRADE_UPDATE","o":{"s":"A","i":1,"x":"TRADE","t":1,"q":1e308,"p":"1e999","N":null}}`))
	c := config()
	p, err := binancefutures.New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		h := &heard{}
		if err := p.DecodeUser(frame, h); err != nil && len(h.orders) > 0 {
			t.Errorf("%v after %+v", err, h.orders)
		}
		for _, r := range h.orders {
			for _, x := range []float64{r.Price, r.Qty, r.CumQty, r.AvgPrice, r.LastPrice, r.LastQty, r.Fee} {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%+v", r)
				}
			}
			if r.VenueID == "" && r.ClientID == "" || r.TimestampNs < 0 {
				t.Errorf("a report about no order: %+v", r)
			}
		}
	})
}

// forget takes everything.
type forget struct{ n int }

func (f *forget) Order(*protocol.Report)          { f.n++ }
func (f *forget) Position(protocol.Position)      { f.n++ }
func (f *forget) Balance(protocol.Balance)        { f.n++ }
func (f *forget) Account(*connector.AccountEvent) {}
func (f *forget) Settled()                        {}
func (f *forget) Renew(string)                    { f.n++ }

// TestDecodeUserAllocations: the texts of a report, which the blotter keeps, and nothing else.
func TestDecodeUserAllocations(t *testing.T) {
	p := newProtocol(t, nil, nil)
	var sink forget
	frame := scripted(t, "ws-user", "partial fill, maker")[0]
	n := testing.AllocsPerRun(100, func() {
		if err := p.DecodeUser(frame, &sink); err != nil {
			t.Fatal(err)
		}
	})
	if n > 7 && !raceDetector { // the race detector makes pools forget
		t.Errorf("%v allocations for an order's event", n)
	}
}

func BenchmarkDecodeUser(b *testing.B) {
	p := newProtocol(b, nil, nil)
	for name, note := range map[string]string{"fill": "partial fill, maker", "account": "position after the fill"} {
		frame := scripted(b, "ws-user", note)[0]
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			var sink forget
			for b.Loop() {
				if err := p.DecodeUser(frame, &sink); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
