package binancespot_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// sink keeps what the private stream says.
type sink struct {
	orders    []protocol.Report
	balances  []protocol.Balance
	renewals  []string
	events    []connector.AccountEvent
	positions int
}

func (s *sink) Order(r *protocol.Report)          { s.orders = append(s.orders, *r) }
func (s *sink) Position(protocol.Position)        { s.positions++ }
func (s *sink) Balance(b protocol.Balance)        { s.balances = append(s.balances, b) }
func (s *sink) Account(e *connector.AccountEvent) { s.events = append(s.events, *e) }
func (s *sink) Settled()                          {}
func (s *sink) Renew(reason string)               { s.renewals = append(s.renewals, reason) }

// scripted is a line of the scripted session.
type scripted struct {
	Channel string          `json:"chan"`
	Note    string          `json:"note"`
	Message json.RawMessage `json:"msg"`
}

func session(tb testing.TB) []scripted {
	tb.Helper()
	var lines []scripted
	scanner := bufio.NewScanner(bytes.NewReader(datatest.Messages(tb, "scripted/binance_spot.jsonl")))
	for scanner.Scan() {
		var line scripted
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		tb.Fatal("the scripted session is empty")
	}
	return lines
}

func TestScriptedUserStream(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	var got sink
	for _, line := range session(t) {
		if line.Channel != "ws-user" && line.Channel != "ws-api" {
			continue
		}
		if err := p.DecodeUser(line.Message, &got); err != nil {
			t.Errorf("%s: %v", line.Note, err)
		}
	}
	report := func(client, id string, status hft.Status, atMs int64) protocol.Report {
		return protocol.Report{Symbol: "BTCUSDT", ClientID: client, VenueID: id, Status: status, Side: hft.Buy,
			Price: 60000.1, Qty: 0.01, HasCum: true, TimestampNs: atMs * 1e6}
	}
	accepted := report("hbt-0000000000000001", "201", hft.StatusNew, 1760000000000)
	filled := report("hbt-0000000000000001", "201", hft.StatusPartiallyFilled, 1760000000040)
	filled.CumQty, filled.AvgPrice, filled.TradeID, filled.LastQty, filled.LastPrice, filled.LastValue = 0.004,
		240.0004/0.004, "8001", 0.004, 60000.1, 240.0004
	filled.Maker, filled.Fee, filled.FeeAsset = true, 0.000004, "BTC"
	amended := report("hbt-0000000000000001", "201", hft.StatusPartiallyFilled, 1760000000060)
	amended.Qty, amended.CumQty = 0.008, 0.004
	canceled := report("hbt-0000000000000001", "201", hft.StatusCanceled, 1760000000090)
	canceled.CumQty = 0.004
	maker := report("hbt-0000000000000002", "202", hft.StatusNew, 1760000000100)
	maker.TimeInForce = hft.GTX
	expired := report("hbt-0000000000000003", "203", hft.StatusExpired, 1760000000200)
	expired.TimeInForce, expired.CumQty, expired.Reason = hft.IOC, 0.006, "UNFILLED_IOC_QUANTITY_EXPIRED"
	prevented := report("hbt-0000000000000004", "204", hft.StatusExpired, 1760000000300)
	prevented.Reason = "TRADE_PREVENTION"
	want := []protocol.Report{accepted, filled, amended, canceled, maker, expired, prevented}
	if !slices.Equal(got.orders, want) {
		t.Errorf("orders\n%+v, want\n%+v", got.orders, want)
	}
	if balances := []protocol.Balance{{Asset: "BTC", TimestampNs: 1760000000e9},
		{Asset: "USDT", Free: 400, Locked: 600, TimestampNs: 1760000000e9}}; !slices.Equal(got.balances, balances) {
		t.Errorf("balances %+v", got.balances)
	}
	if len(got.renewals) != 2 || !strings.Contains(got.renewals[0], "eventStreamTerminated") ||
		!strings.Contains(got.renewals[1], "serverShutdown") {
		t.Errorf("renewals %q", got.renewals)
	}
	if got.positions != 0 {
		t.Errorf("%d positions of a venue that has none", got.positions)
	}
}

// TestRecordedUserStream decodes events of 2021, which came in the envelope of that time.
func TestRecordedUserStream(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	var got sink
	for line := range bytes.Lines(datatest.Messages(t, "binance-spot/ws_user_2021.jsonl")) {
		if err := p.DecodeUser(line, &got); err != nil {
			t.Error(err)
		}
	}
	want := protocol.Report{Symbol: "BNBBTC", ClientID: "c4wyKsIhoAaittTYlIVLqk", VenueID: "5340845958",
		Status: hft.StatusNew, Side: hft.Buy, Price: 52789.1, Qty: 0.000284, HasCum: true,
		TimestampNs: 1616627567900000000}
	if len(got.orders) != 1 || got.orders[0] != want {
		t.Errorf("%+v, want %+v", got.orders, want)
	}
	if len(got.balances) != 3 || got.balances[0] != (protocol.Balance{Asset: "BTC", Free: 0.00225109, Locked: 0.00123,
		TimestampNs: 1616628815745e6}) {
		t.Errorf("%+v", got.balances)
	}
}

const reportText = `{"subscriptionId":0,"event":{"e":"executionReport","E":1760000000040,"s":"BTCUSDT","c":"hr-1","S":"SELL","o":"LIMIT","f":"GTC",` +
	`"q":"0.01000000","p":"60000.10000000","P":"0","F":"0","g":-1,"C":"","x":"TRADE","X":"FILLED","r":"NONE","i":9007199254740993,` +
	`"l":"0.00400000","z":"0.01000000","L":"60000.20000000","n":"-0.00000400","N":"BNB","T":1760000000041,"t":9007199254740995,"I":701,` +
	`"w":true,"m":false,"M":true,"O":1760000000040,"Z":"600.00000000","Y":"240","Q":"0","W":1760000000040,"V":"EXPIRE_MAKER"}}`

func TestExecutionReport(t *testing.T) {
	base := protocol.Report{Symbol: "BTCUSDT", ClientID: "hr-1", VenueID: "9007199254740993", Status: hft.StatusFilled,
		Side: hft.Sell, Price: 60000.1, Qty: 0.01, CumQty: 0.01, AvgPrice: 60000, HasCum: true,
		TradeID: "9007199254740995", LastQty: 0.004, LastPrice: 60000.2, LastValue: 240, Fee: -0.000004,
		FeeAsset: "BNB", TimestampNs: 1760000000041000000}
	noTrade := func(r *protocol.Report) {
		r.TradeID, r.LastQty, r.LastPrice, r.LastValue, r.Fee, r.FeeAsset = "", 0, 0, 0, 0, ""
	}
	for name, c := range map[string]struct {
		old, new string
		change   func(r *protocol.Report)
	}{
		"as it is":            {"", "", func(*protocol.Report) {}},
		"without an envelope": {`{"subscriptionId":0,"event":{`, `{`, func(*protocol.Report) {}},
		"unknown fields":      {`"w":true`, `"w":{"x":[1]},"zz":null,"C2":"x"`, func(*protocol.Report) {}},
		"microseconds": {`"T":1760000000041`, `"T":1760000000041987`,
			func(r *protocol.Report) { r.TimestampNs = 1760000000041987000 }},
		"no fee": {`"n":"-0.00000400","N":"BNB"`, `"n":"0","N":null`,
			func(r *protocol.Report) { r.Fee, r.FeeAsset = 0, "" }},
		"no fee fields": {`"n":"-0.00000400","N":"BNB",`, ``,
			func(r *protocol.Report) { r.Fee, r.FeeAsset = 0, "" }},
		"a trade with the id 0":  {`"t":9007199254740995`, `"t":0`, func(r *protocol.Report) { r.TradeID = "0" }},
		"no trade":               {`"t":9007199254740995`, `"t":-1`, noTrade},
		"no trade id":            {`"t":9007199254740995,`, ``, noTrade},
		"no trade, but its id":   {`"x":"TRADE"`, `"x":"NEW"`, noTrade},
		"unknown execution type": {`"x":"TRADE"`, `"x":"SOMETHING_NEW"`, noTrade},
		"unknown status": {`"X":"FILLED"`, `"X":"HALF_FILLED"`,
			func(r *protocol.Report) { r.Status = hft.StatusUnsupported }},
		"pending": {`"X":"FILLED"`, `"X":"PENDING_NEW"`,
			func(r *protocol.Report) { r.Status = hft.StatusUnsupported }},
		"unknown type": {`"o":"LIMIT"`, `"o":"STOP_LOSS"`,
			func(r *protocol.Report) { r.OrdType, r.TimeInForce = hft.OrdTypeUnsupported, hft.GTC }},
		"market": {`"o":"LIMIT","f":"GTC"`, `"o":"MARKET","f":"IOC"`,
			func(r *protocol.Report) { r.OrdType = hft.Market }},
		"post-only": {`"o":"LIMIT"`, `"o":"LIMIT_MAKER"`,
			func(r *protocol.Report) { r.TimeInForce = hft.GTX }},
		"fill or kill": {`"f":"GTC"`, `"f":"FOK"`, func(r *protocol.Report) { r.TimeInForce = hft.FOK }},
		"unknown side": {`"S":"SELL"`, `"S":"BOTH"`,
			func(r *protocol.Report) { r.Side = hft.SideUnsupported }},
		"no side": {`"S":"SELL",`, ``, func(r *protocol.Report) { r.Side = hft.SideNone }},
		"maker":   {`"m":false`, `"m":true`, func(r *protocol.Report) { r.Maker = true }},
		"canceled": {`"c":"hr-1","S":"SELL","o":"LIMIT","f":"GTC","q":"0.01000000","p":"60000.10000000","P":"0","F":"0","g":-1,"C":"","x":"TRADE","X":"FILLED"`,
			`"c":"web_7","S":"SELL","o":"LIMIT","f":"GTC","q":"0.01000000","p":"60000.10000000","P":"0","F":"0","g":-1,"C":"hr-1","x":"CANCELED","X":"CANCELED"`,
			func(r *protocol.Report) { noTrade(r); r.Status = hft.StatusCanceled }},
		"canceled by the venue": {`"x":"TRADE","X":"FILLED"`, `"x":"CANCELED","X":"CANCELED"`,
			func(r *protocol.Report) { noTrade(r); r.Status = hft.StatusCanceled }},
		"replaced, C means nothing": {`"C":"","x":"TRADE","X":"FILLED"`, `"C":"other","x":"REPLACED","X":"NEW"`,
			func(r *protocol.Report) { noTrade(r); r.Status = hft.StatusNew }},
		"rejected": {`"x":"TRADE","X":"FILLED","r":"NONE"`, `"x":"REJECTED","X":"REJECTED","r":"INSUFFICIENT_BALANCES"`,
			func(r *protocol.Report) { noTrade(r); r.Status, r.Reason = hft.StatusRejected, "INSUFFICIENT_BALANCES" }},
		"no client id": {`"c":"hr-1",`, ``, func(r *protocol.Report) { r.ClientID = "" }},
		"no venue id":  {`"i":9007199254740993,`, ``, func(r *protocol.Report) { r.VenueID = "" }},
		"nothing cumulative": {`"z":"0.01000000",`, ``,
			func(r *protocol.Report) { r.CumQty, r.HasCum, r.AvgPrice = 0, false, 0 }},
		"numbers without quotes": {`"p":"60000.10000000"`, `"p":6.00001e4`, func(*protocol.Report) {}},
	} {
		if !strings.Contains(reportText, c.old) {
			t.Fatalf("%s: nothing to change", name)
		}
		text := strings.Replace(reportText, c.old, c.new, 1)
		if name == "without an envelope" {
			text = strings.TrimSuffix(text, "}")
		}
		p, _ := answering(t, 200, "{}")
		var got sink
		want := base
		c.change(&want)
		if err := p.DecodeUser([]byte(text), &got); err != nil || len(got.orders) != 1 || got.orders[0] != want {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got.orders, want)
		}
	}
}

// TestWrongEvents: an event whose fields are wrong is an error and goes no further.
func TestWrongEvents(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	for _, text := range []string{
		``, `{`, `nonsense`, reportText[:200],
		strings.Replace(reportText, `"z":"0.01000000"`, `"z":"ten"`, 1),
		strings.Replace(reportText, `"z":"0.01000000"`, `"z":"NaN"`, 1),
		strings.Replace(reportText, `"z":"0.01000000"`, `"z":[]`, 1),
		strings.Replace(reportText, `"T":1760000000041`, `"T":-5`, 1),
		strings.Replace(reportText, `"T":1760000000041`, `"T":1e40`, 1),
		strings.Replace(reportText, `"t":9007199254740995`, `"t":99999999999999999999`, 1),
		strings.Replace(reportText, `"m":false`, `"m":"no"`, 1),
		strings.Replace(reportText, `"s":"BTCUSDT"`, `"s":7`, 1),
		strings.Replace(reportText, `"s":"BTCUSDT",`, ``, 1),
		strings.Replace(strings.Replace(reportText, `"c":"hr-1",`, ``, 1), `"i":9007199254740993,`, ``, 1),
		`{"event":{"e":"outboundAccountPosition","B":[{"a":"BTC","f":"x","l":"0"}]}}`,
	} {
		var got sink
		err := p.DecodeUser([]byte(text), &got)
		if err == nil || !strings.HasPrefix(err.Error(), "binancespot: private stream: ") {
			t.Errorf("%s gives %v", text, err)
		}
		if len(got.orders)+len(got.balances)+len(got.renewals) != 0 {
			t.Errorf("%s: handed on %+v", text, got)
		}
	}
}

// TestEventsOfNoInterest: whatever else comes is passed over.
func TestEventsOfNoInterest(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	for _, text := range []string{
		`{}`, `[]`, `null`, `7`, `"text"`, `{"event":null}`,
		`{"event":{"e":"balanceUpdate","E":1,"a":"BTC","d":"1.5","T":1}}`,
		`{"subscriptionId":0,"event":{"e":"listStatus","E":1,"s":"BTCUSDT","g":2,"c":"OCO"}}`,
		`{"event":{"e":"externalLockUpdate","E":1,"a":"NEO","d":"10","T":1}}`,
		`{"id":"subscribe","status":200,"result":{"subscriptionId":0},"rateLimits":[]}`,
		`{"event":{"e":"somethingOfNextYear","x":{}}}`,
		`{"event":{"e":"outboundAccountPosition"}}`, `{"event":{"e":"outboundAccountPosition","B":{}}}`,
		`{"event":{"e":"outboundAccountPosition","B":[{"f":"1"}]}}`,
	} {
		var got sink
		if err := p.DecodeUser([]byte(text), &got); err != nil ||
			len(got.orders)+len(got.balances)+len(got.renewals) != 0 {
			t.Errorf("%s gives %v, %+v", text, err, got)
		}
	}
}

// TestScriptedReplies holds the scripted replies of the REST interface and the WebSocket API to what they mean.
func TestScriptedReplies(t *testing.T) {
	want := map[string]protocol.Cause{
		"Order would immediately match and take.":                protocol.WouldTake,
		"Account has insufficient balance for requested action.": protocol.Refused,
		"Duplicate order sent.":                                  protocol.DuplicateID, "Unknown order sent.": protocol.Gone,
		"Order does not exist.":        protocol.NotFound,
		"Filter failure: PRICE_FILTER": protocol.Refused, "Filter failure: LOT_SIZE": protocol.Refused,
		"Filter failure: NOTIONAL":                                        protocol.Refused,
		"Timestamp for this request is outside of the recvWindow.":        protocol.ClockOff,
		"Too many new orders; current limit is 100 orders per 10 SECOND.": protocol.OrderRate,
	}
	seen := map[string]bool{}
	for _, line := range session(t) {
		if line.Channel != "rest-response" {
			continue
		}
		var refusal struct {
			Code int    `json:"code"`
			Msg  string `json:"msg"`
		}
		if err := json.Unmarshal(line.Message, &refusal); err != nil {
			t.Fatal(err)
		}
		status := 200
		if refusal.Code != 0 {
			status = 400
		}
		p, _ := answering(t, status, string(line.Message))
		o := &protocol.Order{Symbol: "BTCUSDT", ClientID: "hbt-0000000000000001", VenueID: "201"}
		r, err := p.Cancel(context.Background(), o)
		if refusal.Code == 0 {
			if err != nil || r.ClientID != o.ClientID || r.VenueID != "201" || r.Channel != protocol.ChannelAck ||
				r.Price != 60000.1 {
				t.Errorf("%s: %v, %+v", line.Note, err, r)
			}
			continue
		}
		cause, ok := want[refusal.Msg]
		if !ok {
			t.Errorf("%s: no expectation for %q", line.Note, refusal.Msg)
		}
		if protocol.CauseOf(err) != cause {
			t.Errorf("%s: %v, want %v", line.Note, err, cause)
		}
		seen[refusal.Msg] = true
	}
	for msg := range want {
		if !seen[msg] {
			t.Errorf("the session has no %q", msg)
		}
	}
}
