package binancefutures_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

const nowMs = 1760000000000

// config is one for tests, with the clock standing still.
func config() binancefutures.Config {
	c := binancefutures.Main()
	c.APIKey, c.Secret = "test-key", "test-secret"
	c.NowNs = func() int64 { return nowMs * 1_000_000 }
	return c
}

// newProtocol returns a Protocol whose REST interface is handler.
func newProtocol(t testing.TB, handler http.HandlerFunc,
	change func(c *binancefutures.Config)) *binancefutures.Protocol {
	t.Helper()
	c := config()
	if handler != nil {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		c.APIURL = server.URL
	}
	if change != nil {
		change(&c)
	}
	p, err := binancefutures.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// answer returns a handler that wants one request and gives one answer. The signature and the time are checked by the
// exchange's tests and are left out of want.
func answer(t *testing.T, want string, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, _, _ := strings.Cut(r.URL.RawQuery, "timestamp=")
		if got := strings.TrimRight(r.Method+" "+r.URL.Path+"?"+query, "&?"); got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// scripted returns the messages of the written session that come by a channel and whose note contains a text.
func scripted(t testing.TB, channel, note string) [][]byte {
	t.Helper()
	var list [][]byte
	for line := range strings.Lines(string(datatest.Messages(t, "scripted/binance_usdm.jsonl"))) {
		var row struct {
			Chan, Note string
			Msg        json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Chan == channel && strings.Contains(row.Note, note) {
			list = append(list, row.Msg)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no message of %s with %q", channel, note)
	}
	return list
}

func Example() {
	config := binancefutures.Testnet()
	config.APIKey, config.Secret = "key", "secret"
	config.NowNs = func() int64 { return 0 } // the wall clock, in a program
	p, err := binancefutures.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	for _, s := range p.MarketStreams([]string{"BTCUSDT"}) {
		fmt.Println(s.Name, s.URL, string(s.Hello[0]))
	}
	// Output:
	// public wss://fstream.binancefuture.com/public/stream {"method":"SUBSCRIBE","params":["btcusdt@depth@0ms"],"id":1}
	// market wss://fstream.binancefuture.com/market/stream {"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}
}

func TestWrongConfigs(t *testing.T) {
	for want, change := range map[string]func(c *binancefutures.Config){
		"depth speed":    func(c *binancefutures.Config) { c.DepthSpeed = "1ms" },
		"trade stream":   func(c *binancefutures.Config) { c.TradeStream = "trades" },
		"order entry":    func(c *binancefutures.Config) { c.OrderEntry = "fix" },
		"market URL":     func(c *binancefutures.Config) { c.MarketURL = "https://host" },
		"WebSocket API":  func(c *binancefutures.Config) { c.OrderEntry, c.WSAPIURL = "ws", "" },
		"REST URL":       func(c *binancefutures.Config) { c.APIURL = "host" },
		"clock":          func(c *binancefutures.Config) { c.NowNs = nil },
		"receive window": func(c *binancefutures.Config) { c.RecvWindow = time.Hour },
		"belong":         func(c *binancefutures.Config) { c.Secret = "" },
		"PKCS#8": func(c *binancefutures.Config) {
			c.Secret = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
		},
		"rate limit": func(c *binancefutures.Config) { c.OrdersPer10s = -1 },
	} {
		c := config()
		change(&c)
		if _, err := binancefutures.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	c := config()
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, asJSON); strings.Contains(text, c.Secret) ||
		strings.Contains(text, c.APIKey) || !strings.Contains(text, "with a key") {
		t.Error(text)
	}
	p := newProtocol(t, nil, nil)
	if text := fmt.Sprintf("%+v %#v", p, p); strings.Contains(text, c.Secret) {
		t.Error("the secret is in the protocol's text")
	}
}

// order is one of everything.
func order() protocol.Order {
	return protocol.Order{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000001", Side: hft.Buy, TimeInForce: hft.GTX,
		Price: "60000.10", Qty: "0.010"}
}

const ackText = `{"clientOrderId":"hbt-0000000000000001","cumQty":"0","executedQty":"0.004","orderId":9007199254740993,"origQty":"0.010","price":"60000.10",` +
	`"reduceOnly":false,"side":"BUY","status":"PARTIALLY_FILLED","symbol":"BTCUSDT","timeInForce":"GTX","type":"LIMIT","updateTime":1760000000090,"novel":{"a":[1]}}`

func TestOrderRequests(t *testing.T) {
	ack := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hbt-0000000000000001",
		VenueID: "9007199254740993", Status: hft.StatusPartiallyFilled, Side: hft.Buy, TimeInForce: hft.GTX,
		Price: 60000.1, Qty: 0.01, CumQty: 0.004, HasCum: true, TimestampNs: 1760000000090000000}
	query := ack
	query.Channel = protocol.ChannelQuery
	known := order()
	known.VenueID, known.CumQty = "9007199254740993", "0.004"
	market := order()
	market.OrdType, market.Side = hft.Market, hft.Sell
	const limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&price=60000.10&quantity=0.010&newClientOrderId=hbt-0000000000000001&newOrderRespType=ACK"
	for _, c := range []struct {
		name, want string
		order      protocol.Order
		do         func(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error)
		report     protocol.Report
	}{
		{"place", "POST /fapi/v1/order?" + limit, order(), place, ack},
		{"place at market", "POST /fapi/v1/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.010&newClientOrderId=hbt-0000000000000001&newOrderRespType=ACK", market, place, ack},
		{"amend", "PUT /fapi/v1/order?symbol=BTCUSDT&orderId=9007199254740993&side=BUY&quantity=0.010&price=60000.10",
			known, amend, ack},
		{"cancel", "DELETE /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=hbt-0000000000000001", order(), cancel, ack},
		{"cancel by the venue's id", "DELETE /fapi/v1/order?symbol=BTCUSDT&orderId=9007199254740993", known, cancel,
			ack},
		{"query", "GET /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=hbt-0000000000000001", order(), queryOrder,
			query},
	} {
		p := newProtocol(t, answer(t, c.want, 200, ackText), nil)
		if r, err := c.do(p, &c.order); err != nil || r != c.report {
			t.Errorf("%s: %+v, %v; want %+v", c.name, r, err, c.report)
		}
	}
	p := newProtocol(t, answer(t, "POST /fapi/v1/order/test?"+limit, 200, "{}"), nil)
	o := order()
	if err := p.TestOrder(t.Context(), &o); err != nil {
		t.Error(err)
	}
}

func place(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error) {
	return p.Place(context.Background(), o)
}
func amend(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error) {
	return p.Amend(context.Background(), o)
}
func cancel(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error) {
	return p.Cancel(context.Background(), o)
}
func queryOrder(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error) {
	return p.QueryOrder(context.Background(), o)
}

// TestRepliesThatAreNoOrder leave the outcome open, whatever the status says.
func TestRepliesThatAreNoOrder(t *testing.T) {
	for _, body := range []string{``, `{}`, `[]`, `null`, `{"code":200,"msg":"fine"}`,
		strings.Replace(ackText, `"0.004"`, `"much"`, 1), ackText[:len(ackText)-1]} {
		p := newProtocol(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }, nil)
		o := order()
		for _, do := range []func(p *binancefutures.Protocol, o *protocol.Order) (protocol.Report, error){place, amend, cancel, queryOrder} {
			if r, err := do(p, &o); err == nil || protocol.CauseOf(err) != protocol.Unknown ||
				r != (protocol.Report{}) {
				t.Errorf("%s: %+v, %v", body, r, err)
			}
		}
	}
}

// TestCodes is the table of the venue's error codes.
func TestCodes(t *testing.T) {
	for cause, codes := range map[protocol.Cause][]int{
		protocol.Unknown:     {-1000, -1001, -1006, -1007},
		protocol.Weight:      {-1003},
		protocol.Overloaded:  {-1008},
		protocol.OrderRate:   {-1015},
		protocol.ClockOff:    {-1021, -5028},
		protocol.Key:         {-1022, -2014, -2015},
		protocol.Gone:        {-2011},
		protocol.NotFound:    {-2013},
		protocol.DuplicateID: {-4116},
		protocol.WouldTake:   {-5022},
		protocol.Unfilled:    {-5021, -2020},
		protocol.NoChange:    {-5024, -5025, -5026, -5027, -5029},
		protocol.Refused: {-1102, -1111, -1121, -1125, -2010, -2012, -2018, -2019, -2021, -2022, -2023, -2025, -2027,
			-2028, -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4061, -4109, -4120,
			-4131, -4140, -4141, -4164, -4192, -4400, -4401, -5037, -5038, -5039, -5040, -5041, -99999},
	} {
		for _, code := range codes {
			p := newProtocol(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(400)
				_, _ = fmt.Fprintf(w, `{"code":%d,"msg":"A text."}`, code)
			}, nil)
			o := order()
			_, err := p.Place(t.Context(), &o)
			var f *protocol.Failure
			if !errors.As(err, &f) || f.Cause != cause || f.Code != code || f.Msg != "A text." {
				t.Errorf("%d: %v, want %v", code, err, cause)
			}
			// An order that is to be changed and is not there is gone.
			if _, err := p.Cancel(t.Context(), &o); code == -2013 && protocol.CauseOf(err) != protocol.Gone {
				t.Errorf("cancel: %v", err)
			}
		}
	}
	for _, body := range scripted(t, "rest-response", "400") {
		var e struct{ Code int }
		if err := json.Unmarshal(body, &e); err != nil || e.Code >= 0 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTimeFiltersSnapshot(t *testing.T) {
	p := newProtocol(t, answer(t, "GET /fapi/v1/time", 200, `{"serverTime":1620099477465}`), nil)
	if ns, err := p.ServerTimeNs(t.Context()); err != nil || ns != 1620099477465000000 {
		t.Errorf("%d, %v", ns, err)
	}
	p = newProtocol(t, answer(t, "GET /fapi/v1/time", 200, `{}`), nil)
	if _, err := p.ServerTimeNs(t.Context()); err == nil {
		t.Error("no time is no error")
	}

	p = newProtocol(t, answer(t, "GET /fapi/v1/exchangeInfo", 200,
		string(datatest.Messages(t, "binance-usdm/rest_exchangeInfo.json"))), nil)
	filters, err := p.Filters(t.Context(), []string{"ETHUSDT", "BTCUSDT"})
	if want := []protocol.Filters{
		{Symbol: "ETHUSDT", Trading: true, TickSize: 0.01, LotSize: 0.001, MinQty: 0.001, MaxQty: 10000,
			MinNotional: 20, BaseAsset: "ETH", QuoteAsset: "USDT"},
		{Symbol: "BTCUSDT", Trading: true, TickSize: 0.1, LotSize: 0.001, MinQty: 0.001, MaxQty: 1000, MinNotional: 100,
			BaseAsset: "BTC", QuoteAsset: "USDT"},
	}; err != nil || !reflect.DeepEqual(filters, want) {
		t.Errorf("%+v, %v", filters, err)
	}
	if _, err := p.Filters(t.Context(), []string{"NOSUCHUSDT"}); protocol.CauseOf(err) != protocol.Refused ||
		!strings.Contains(err.Error(), "NOSUCHUSDT") {
		t.Error(err)
	}

	p = newProtocol(t, answer(t, "GET /fapi/v1/depth?symbol=BTCUSDT&limit=1000", 200,
		string(datatest.Messages(t, "binance-usdm/rest_depth_snapshot.json"))), nil)
	body, err := p.Snapshot(t.Context(), "BTCUSDT")
	if err != nil {
		t.Fatal(err)
	}
	var m connector.Message
	if err := p.NewDecoder().Decode(42, body, &m); err != nil || m.Kind != connector.MessageSnapshot ||
		m.LastID != 5123107852948 || len(m.Events) != 2000 {
		t.Errorf("%v: kind %d, id %d, %d rows", err, m.Kind, m.LastID, len(m.Events))
	}
}

func TestAccount(t *testing.T) {
	p := newProtocol(t, answer(t, "GET /fapi/v3/positionRisk", 200,
		string(scripted(t, "rest-response", "positionRisk")[0])), nil)
	positions, err := p.Positions(t.Context(), []string{"ETHUSDT", "BTCUSDT"})
	if want := []protocol.Position{{Symbol: "ETHUSDT", TimestampNs: nowMs * 1_000_000},
		{Symbol: "BTCUSDT", Qty: 0.01, TimestampNs: 1760000000000000000}}; err != nil ||
		!reflect.DeepEqual(positions, want) {
		t.Errorf("%+v, %v", positions, err)
	}
	p = newProtocol(t, answer(t, "GET /fapi/v3/positionRisk?symbol=BTCUSDT", 200,
		`[{"symbol":"BTCUSDT","positionSide":"SHORT","positionAmt":"-1"}]`), nil)
	if list, err := p.Positions(t.Context(), []string{"BTCUSDT"}); err != nil || len(list) != 1 || list[0].Err == nil ||
		!strings.Contains(list[0].Err.Error(), "one-way") {
		t.Errorf("in hedge mode: %+v, %v", list, err)
	}
	// The mode is the account's: a position on a side of any symbol tells of it.
	p = newProtocol(t, answer(t, "GET /fapi/v3/positionRisk", 200, `[{"symbol":"XRPUSDT","positionSide":"LONG","positionAmt":"1"},{"symbol":"XRPUSDT","positionSide":"SHORT","positionAmt":"0"}]`), nil)
	if list, err := p.Positions(t.Context(), []string{"BTCUSDT", "ETHUSDT"}); err != nil || len(list) != 2 ||
		list[0].Err == nil || list[1].Err == nil {
		t.Errorf("in hedge mode by another symbol: %+v, %v", list, err)
	}
	p = newProtocol(t, answer(t, "GET /fapi/v3/positionRisk", 200, `[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"1"},{"symbol":"BTCUSDT","positionSide":"SHORT","positionAmt":"0"}]`), nil)
	if list, err := p.Positions(t.Context(), []string{"BTCUSDT", "ETHUSDT"}); err != nil || len(list) != 2 ||
		list[0].Err != nil || list[0].Qty != 1 || list[1].Err != nil {
		t.Errorf("sides with nothing in them: %+v, %v", list, err)
	}
	p = newProtocol(t, answer(t, "GET /fapi/v3/balance", 200, `[{"asset":"USDT","balance":"12.5","crossWalletBalance":"10","availableBalance":"3"},{"asset":"BNB","balance":"0","crossWalletBalance":"0"}]`), nil)
	if balances, err := p.Balances(t.Context()); err != nil ||
		!reflect.DeepEqual(balances, []protocol.Balance{{Asset: "USDT", Free: 10, Locked: 2.5}, {Asset: "BNB"}}) {
		t.Errorf("%+v, %v", balances, err)
	}
	p = newProtocol(t, answer(t, "GET /fapi/v1/openOrders?symbol=BTCUSDT", 200, "["+ackText+"]"), nil)
	if list, err := p.OpenOrders(t.Context(), "BTCUSDT"); err != nil || len(list.Orders) != 1 ||
		list.Orders[0].Channel != protocol.ChannelQuery || list.Orders[0].VenueID != "9007199254740993" {
		t.Errorf("%+v, %v", list, err)
	}
	// A reply of another shape must not look like a list of nothing: orders would be taken for gone.
	p = newProtocol(t,
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"code":0,"msg":"odd"}`)) }, nil)
	_, ordersErr := p.OpenOrders(t.Context(), "BTCUSDT")
	_, positionsErr := p.Positions(t.Context(), []string{"BTCUSDT"})
	_, balancesErr := p.Balances(t.Context())
	_, executionsErr := p.Executions(t.Context(), "BTCUSDT", 0)
	for _, err := range []error{ordersErr, positionsErr, balancesErr, executionsErr} {
		if protocol.CauseOf(err) != protocol.Unknown || err == nil {
			t.Error(err)
		}
	}
}

// TestOpenOrdersUnread: a row that cannot be read does not hide the others, in the list of a symbol and in that of all.
func TestOpenOrdersUnread(t *testing.T) {
	p := newProtocol(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"symbol":"BTCUSDT","clientOrderId":"web_1","orderId":7,"price":"x"},{},` + ackText + `]`))
	}, nil)
	for name, ask := range map[string]func() (protocol.OpenList, error){
		"of a symbol": func() (protocol.OpenList, error) { return p.OpenOrders(t.Context(), "BTCUSDT") },
		"of all":      func() (protocol.OpenList, error) { return p.AllOpenOrders(t.Context()) },
	} {
		open, err := ask()
		if err != nil || len(open.Orders) != 1 || open.Orders[0].VenueID != "9007199254740993" ||
			len(open.Unread) != 2 {
			t.Fatalf("%s: %+v, %v", name, open, err)
		}
		if theirs, nameless := open.Unread[0], open.Unread[1]; theirs.ClientID != "web_1" ||
			theirs.Symbol != "BTCUSDT" || theirs.Nameless || theirs.Err == nil || !nameless.Nameless ||
			nameless.Err == nil {
			t.Errorf("%s: %+v", name, open.Unread)
		}
	}
}

// TestExecutions reads more than a page.
func TestExecutions(t *testing.T) {
	const total = 2300
	p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var from int
		switch {
		case q.Has("startTime") && q.Get("startTime") == fmt.Sprint(nowMs-60_000) && !q.Has("fromId"):
			from = 1
		case q.Has("fromId") && !q.Has("startTime"):
			_, _ = fmt.Sscan(q.Get("fromId"), &from)
		default:
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		var rows []string
		for id := from; id <= total && len(rows) < 1000; id++ {
			rows = append(rows, fmt.Sprintf(`{"buyer":true,"commission":"0.01","commissionAsset":"USDT","id":%d,"maker":true,"orderId":9007199254740993,"price":"60000.1",`+
				`"qty":"0.004","side":"BUY","positionSide":"BOTH","symbol":"BTCUSDT","time":%d}`, id, nowMs+id/3))
		}
		_, _ = w.Write([]byte("[" + strings.Join(rows, ",") + "]"))
	}, nil)
	list, err := p.Executions(t.Context(), "BTCUSDT", (nowMs-60_000)*1_000_000)
	if err != nil || len(list) != total {
		t.Fatalf("%d executions, %v", len(list), err)
	}
	for i, r := range list {
		want := protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTCUSDT", VenueID: "9007199254740993",
			Side: hft.Buy, TradeID: fmt.Sprint(i + 1), LastQty: 0.004, LastPrice: 60000.1, Maker: true, Fee: 0.01,
			FeeAsset: "USDT", TimestampNs: int64(nowMs+(i+1)/3) * 1_000_000}
		if r != want {
			t.Fatalf("%+v, want %+v", r, want)
		}
	}
}

// TestOldExecutions: a query by time is about seven days at most, so older executions are asked for in several; the
// venue keeps those of three months.
func TestOldExecutions(t *testing.T) {
	const day = int64(24 * 3600 * 1000)
	for _, test := range []struct{ sinceMs, fromMs, queries int64 }{{0, nowMs - 7*day, 1}, {1, nowMs - 90*day, 13},
		{nowMs - 20*day, nowMs - 20*day, 3}} {
		var next, queries int64
		p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
			var start, end int64
			_, _ = fmt.Sscan(r.URL.Query().Get("startTime"), &start)
			_, _ = fmt.Sscan(r.URL.Query().Get("endTime"), &end)
			if queries == 0 && (start < test.fromMs || start > test.fromMs+3_600_000) || queries > 0 && start != next ||
				end-start > 7*day {
				t.Errorf("since %d: asked from %d to %d after %d", test.sinceMs, start, end, next)
			}
			next, queries = end+1, queries+1
			_, _ = w.Write([]byte("[]"))
		}, nil)
		if list, err := p.Executions(t.Context(), "BTCUSDT", test.sinceMs*1_000_000); err != nil || len(list) != 0 ||
			next != 1 || queries != test.queries {
			t.Errorf("since %d: %v, %v, %d queries", test.sinceMs, list, err, queries)
		}
	}
}

func TestWholeAccountRequests(t *testing.T) {
	for window, ms := range map[time.Duration]string{90 * time.Second: "90000", 0: "0"} {
		p := newProtocol(t, answer(t, "POST /fapi/v1/countdownCancelAll?symbol=BTCUSDT&countdownTime="+ms, 200,
			`{"symbol":"BTCUSDT","countdownTime":"`+ms+`"}`), nil)
		if err := p.ArmDeadMan(t.Context(), "BTCUSDT", window); err != nil {
			t.Error(err)
		}
	}
}

func TestPermissions(t *testing.T) {
	rules := datatest.Messages(t, "binance-usdm/rest_exchangeInfo.json")
	serve := func(dual, account string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/fapi/v1/positionSide/dual":
				_, _ = w.Write([]byte(dual))
			case "/fapi/v1/accountConfig":
				if account == "" {
					w.WriteHeader(404)
				}
				_, _ = w.Write([]byte(account))
			case "/fapi/v1/exchangeInfo":
				_, _ = w.Write(rules)
			}
		}
	}
	check := func(p *binancefutures.Protocol) string {
		t.Helper()
		findings, err := p.Permissions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, f := range findings {
			line := f.What + ": " + f.Value
			if f.Problem != "" {
				line += "!"
			}
			if (f.Problem == "") != (f.Advice == "") {
				t.Errorf("a problem without advice, or the other way round: %+v", f)
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "; ")
	}
	const limits = "; rate limit: 2400 weight of requests of this address per 1m0s; rate limit: 1200 orders of the account per 1m0s; rate limit: 300 orders of the account per 10s"
	if got, want := check(newProtocol(t, serve(`{"dualSidePosition":false}`, `{"canTrade":true,"multiAssetsMargin":true}`), nil)),
		"key: HMAC key ...; position mode: one-way; trading: allowed; multi-assets margin: on"+limits; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := check(newProtocol(t, serve(`{"dualSidePosition":true}`, `{"canTrade":false}`), func(c *binancefutures.Config) { c.OrdersPer10s = 301 })),
		"key: HMAC key ...; position mode: hedge!; trading: not allowed!; multi-assets margin: off"+limits+"!"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := check(newProtocol(t, serve(`{"dualSidePosition":false}`, ""), nil)); !strings.Contains(got,
		"trading: unknown") {
		t.Error(got)
	}
	if got := check(newProtocol(t, nil,
		func(c *binancefutures.Config) { c.APIKey, c.Secret = "", "" })); got != "key: none: market data only" {
		t.Error(got)
	}
	p := newProtocol(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(401)
		_, _ = w.Write(datatest.Messages(t, "binance-usdm/rest_error_bad_key.json"))
	}, nil)
	if _, err := p.Permissions(t.Context()); protocol.CauseOf(err) != protocol.Key {
		t.Error(err)
	}
}

func TestMarketStreams(t *testing.T) {
	p := newProtocol(t, nil, func(c *binancefutures.Config) {
		c.DepthSpeed, c.TradeStream, c.BookTicker, c.PublicURL = "250ms", "trade", true, "ws://host/public/"
	})
	symbols := make([]string, 400)
	for i := range symbols {
		symbols[i] = fmt.Sprintf("COIN%dUSDT", i)
	}
	subscribed, streams := map[string]bool{}, p.MarketStreams(symbols)
	if len(streams) != 2 || streams[0].Name != "public" || streams[1].Name != "public2" ||
		streams[0].URL != "ws://host/public/stream" {
		t.Fatalf("%+v", streams)
	}
	for _, s := range streams {
		n := 0
		for i, hello := range s.Hello {
			var m struct {
				Method string
				Params []string
				ID     int
			}
			if err := json.Unmarshal(hello, &m); err != nil || m.Method != "SUBSCRIBE" || m.ID != i+1 ||
				len(hello) > 4096 {
				t.Fatalf("%v: %s", err, hello)
			}
			for _, name := range m.Params {
				subscribed[name] = true
			}
			n += len(m.Params)
		}
		if s.Answers != len(s.Hello) || n > 1024 || s.Silence <= 0 || s.Lifetime <= 0 || s.Lifetime >= 24*time.Hour ||
			s.QuietTopics <= 0 || s.HelloInterval*10 < time.Second {
			t.Errorf("%d names in %d messages: %+v", n, len(s.Hello), s)
		}
	}
	if len(subscribed) != 1200 || !subscribed["coin7usdt@depth"] || !subscribed["coin399usdt@trade"] ||
		!subscribed["coin0usdt@bookTicker"] {
		t.Errorf("%d streams", len(subscribed))
	}

	ready := streams[0].Ready
	for frame, want := range map[string]string{
		`{"result":null,"id":1}`: "true <nil>", ` {"id":1,"result":null}`: "true <nil>",
		`{"stream":"btcusdt@depth","data":{"e":"depthUpdate","id":1}}`: "false <nil>",
		`{"e":"trade","id":1}`: "false <nil>", `{"data":{},"stream":"x"}`: "false <nil>", `[]`: "false <nil>",
		`x`: "false <nil>",
		`{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":null}`: "true binanceapi: the subscription is rejected (2): Invalid request: invalid stream",
		`{"code":3,"msg":"Invalid JSON"}`:                                        "true binanceapi: the subscription is rejected (3): Invalid JSON",
		`{"id":1,"error":{"code":2}}`:                                            "true binanceapi: the subscription is rejected (2): ",
	} {
		answer, err := ready([]byte(frame))
		if got := fmt.Sprint(answer, " ", err); got != want {
			t.Errorf("%s: %s, want %s", frame, got, want)
		}
	}
}

// Of several wrong addresses the same one is named every time.
func TestWrongAddressesAreToldInOrder(t *testing.T) {
	for range 20 {
		if _, err := binancefutures.New(binancefutures.Config{}); err == nil ||
			!strings.Contains(err.Error(), "the public URL") {
			t.Fatalf("error is %v", err)
		}
	}
}
