package linear_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cenkalti/backoff/v5"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// said writes down what a private stream says.
type said struct{ lines []string }

func (s *said) Order(r *protocol.Report) {
	if r.TradeID != "" {
		s.add("execution %s %s %q %s: %v at %v, maker %t, fee %v %s, status %v, cum %t, %d", r.Symbol, r.Side, r.ClientID, r.TradeID, r.LastQty,
			r.LastPrice, r.Maker, r.Fee, r.FeeAsset, r.Status, r.HasCum, r.TimestampNs)
		return
	}
	s.add("order %s %s %q %s: %v %v %v, %v at %v, cum %v %t at %v, %d %q", r.Symbol, r.Side, r.ClientID, r.VenueID, r.Status, r.OrdType,
		r.TimeInForce, r.Qty, r.Price, r.CumQty, r.HasCum, r.AvgPrice, r.TimestampNs, r.Reason)
}

func (s *said) Position(p protocol.Position) {
	if p.Err != nil {
		s.add("position %v", p.Err)
		return
	}
	s.add("position %s %v, %d", p.Symbol, p.Qty, p.TimestampNs)
}
func (s *said) Balance(b protocol.Balance) {
	s.add("balance %s %v free, %v locked", b.Asset, b.Free, b.Locked)
}
func (s *said) Account(e *connector.AccountEvent) {
	s.add("%v of %s: %s %s %v at %v, fee %v %s, %v %s, %s", e.Kind, e.Symbol, e.ID, e.Side, e.Qty,
		e.Price, e.FeePaid, e.FeeAsset, e.Amount, e.Asset, e.Text)
}
func (s *said) Settled()            {}
func (s *said) Renew(reason string) { s.add("renew: %s", reason) }
func (s *said) add(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func decodeUser(t *testing.T, p *linear.Protocol, frame string) []string {
	t.Helper()
	var s said
	if err := p.DecodeUser([]byte(frame), &s); err != nil {
		t.Errorf("%s: %v", frame, err)
	}
	return s.lines
}

// scripted returns the messages of the scripted session on one channel.
func scripted(tb testing.TB, channel string) [][]byte {
	tb.Helper()
	var messages [][]byte
	for _, line := range sample(tb, "../scripted/bybit_linear.jsonl") {
		var m struct {
			Chan string
			Msg  json.RawMessage
		}
		if err := json.Unmarshal(line, &m); err != nil {
			tb.Fatal(err)
		}
		if m.Chan == channel {
			messages = append(messages, m.Msg)
		}
	}
	if len(messages) == 0 {
		tb.Fatalf("no messages of %s in the script", channel)
	}
	return messages
}

// TestScriptedSession is the life of three orders as the private stream tells it.
func TestScriptedSession(t *testing.T) {
	p := newProtocol(t, config())
	var s said
	for _, m := range scripted(t, "ws-private") {
		if err := p.DecodeUser(m, &s); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	const id = `BTCUSDT Buy "hbt0000000000000001"`
	const a, b, c = "a4c1718e-fe53-4659-a118-1f6ecce04ad9", "b4c1718e-fe53-4659-a118-1f6ecce04ad9", "c4c1718e-fe53-4659-a118-1f6ecce04ad9"
	want := []string{
		`order ` + id + ` ` + a + `: New Limit GTX, 0.01 at 60000.1, cum 0 true at 0, 1760000000000000000 ""`,
		`execution ` + id + ` 0ab1bdf7-4219-438b-b30a-32ec863018f7: 0.004 at 60000.1, maker true, fee 0.048 USDT, status None, cum false, 1760000000040000000`,
		`position BTCUSDT 0.004, 1760000000040000000`,
		`order ` + id + ` ` + a + `: PartiallyFilled Limit GTX, 0.01 at 60000.1, cum 0.004 true at 60000.1, 1760000000040000000 ""`,
		`order ` + id + ` ` + a + `: PartiallyFilled Limit GTX, 0.008 at 60000, cum 0.004 true at 60000.1, 1760000000060000000 ""`,
		`order ` + id + ` ` + a + `: Canceled Limit GTX, 0.008 at 60000, cum 0.004 true at 60000.1, 1760000000090000000 ""`,
		`order BTCUSDT Buy "hbt0000000000000002" ` + b + `: Expired Limit GTX, 0.01 at 60000.1, cum 0 true at 0, 1760000000200000000 "EC_PostOnlyWillTakeLiquidity"`,
		`order BTCUSDT Buy "hbt0000000000000006" ` + c + `: Expired Limit IOC, 0.01 at 60000.1, cum 0.006 true at 60000, 1760000000300000000 "EC_NoImmediateQtyToFill"`,
	}
	// The ids of the last two orders are as the script gives them.
	for i := range max(len(want), len(s.lines)) {
		if i >= len(want) || i >= len(s.lines) || s.lines[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, get(s.lines, i), get(want, i))
		}
	}
}

func get(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

func TestRecordedPrivateMessages(t *testing.T) {
	p := newProtocol(t, config())
	var s said
	for _, m := range slices.Concat(sample(t, "ws_private.jsonl"), sample(t, "ws_position_short.json")) {
		if err := p.DecodeUser(m, &s); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	want := []string{
		`position XRPUSDT 75, 1672364174449000000`,
		`execution XRPUSDT Sell "" 7e2ae69c-4edf-5800-a352-893d52b446aa: 25 at 0.3374, maker false, fee 0.005061 USDT, status None, cum false, 1672364174443000000`,
		`order BTCUSDT Sell "" c1956690-b731-4191-97c0-94b00422231b: Filled Market IOC, 1.7 at 4.033, cum 1.7 true at 4.24, 1733778525917000000 ""`,
		`position ETHUSDT -0.01, 1762199125472000000`,
	}
	if !slices.Equal(s.lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(s.lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestOddPrivateMessages: what is missing, unknown or about something else.
func TestOddPrivateMessages(t *testing.T) {
	p := newProtocol(t, config())
	order := func(fields string) string {
		return `{"topic":"order.linear","new":[{}],"data":[{"symbol":"S","orderId":"1",` + fields + `}]}`
	}
	execution := func(fields string) string {
		return `{"topic":"execution.linear","data":[{"symbol":"SPERP","orderId":"1","execId":"e","side":"Sell","execQty":"1","execPrice":"2","execTime":"3",` + fields + `}]}`
	}
	line := func(status, numbers, reason string) string {
		return `order S None "" 1: ` + status + ` Unsupported Unsupported, ` + numbers + `, 0 "` + reason + `"`
	}
	for frame, want := range map[string]string{
		order(`"orderStatus":"New","qty":"5","leavesQty":"3","cumExecQty":""`):                              line("New", "5 at 0, cum 2 true at 0", ""),
		order(`"orderStatus":"New","qty":5,"leavesQty":"","cumExecQty":null,"avgPrice":""`):                 line("New", "5 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":"Cancelled","qty":"5","leavesQty":"0","cumExecQty":""`):                        line("Canceled", "5 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":"PartiallyFilledCanceled","cumExecQty":"2","cumExecValue":"9"`):                line("Canceled", "0 at 0, cum 2 true at 4.5", ""),
		order(`"orderStatus":"Cancelled","cancelType":"CancelByDCP"`):                                       line("Canceled", "0 at 0, cum 0 false at 0", "CancelByDCP"),
		order(`"orderStatus":"Cancelled","cancelType":"CancelByUser","rejectReason":"EC_PerCancelRequest"`): line("Canceled", "0 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":"Cancelled","rejectReason":"EC_CancelForNoFullFill"`):                          line("Expired", "0 at 0, cum 0 false at 0", "EC_CancelForNoFullFill"),
		order(`"orderStatus":"Rejected","rejectReason":"EC_ReachRiskPriceLimit"`):                           line("Rejected", "0 at 0, cum 0 false at 0", "EC_ReachRiskPriceLimit"),
		order(`"orderStatus":"Rejected","rejectReason":"EC_PostOnlyWillTakeLiquidity"`):                     line("Expired", "0 at 0, cum 0 false at 0", "EC_PostOnlyWillTakeLiquidity"),
		order(`"orderStatus":"Filled","rejectReason":"EC_OrigClOrdIDDoesNotExist"`):                         line("Filled", "0 at 0, cum 0 false at 0", "EC_OrigClOrdIDDoesNotExist"),
		order(`"orderStatus":"Deactivated"`):                                                                line("Canceled", "0 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":"Untriggered"`):                                                                line("Unsupported", "0 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":"Sleeping","timeInForce":"RPI","side":"Both"`):                                 line("Unsupported", "0 at 0, cum 0 false at 0", ""),
		order(`"orderStatus":5`):                                                                                              line("Unsupported", "0 at 0, cum 0 false at 0", ""),
		order(`"category":"inverse","orderStatus":"New"`):                                                                     "",
		`{"topic":"order","data":[{"symbol":"S","orderStatus":"New"}]}`:                                                       "", // no id
		`{"topic":"order","data":[{"orderId":"1","orderStatus":"New"}]}`:                                                      "", // no symbol
		`{"topic":"order.spot","data":[{"symbol":"S","orderId":"1","orderStatus":"New"}]}`:                                    "",
		`{"topic":"order","data":[]}`:                                                                                         "",
		execution(`"execType":"Trade","execFee":"-0.5","isMaker":true`):                                                       `execution SPERP Sell "" e: 1 at 2, maker true, fee -0.5 USDC, status None, cum false, 3000000`,
		execution(`"execFee":"1","feeCurrency":"BTC"`):                                                                        `execution SPERP Sell "" e: 1 at 2, maker false, fee 1 BTC, status None, cum false, 3000000`,
		execution(`"execType":"AdlTrade","execFee":"3"`):                                                                      "auto-deleveraging of SPERP: e Sell 1 at 2, fee 3 USDC, 0 , ",
		execution(`"execType":"BustTrade"`):                                                                                   "liquidation of SPERP: e Sell 1 at 2, fee 0 USDC, 0 , ",
		execution(`"execType":"MovePosition"`):                                                                                "move of SPERP: e Sell 1 at 2, fee 0 USDC, 0 , ",
		execution(`"execType":"Funding","execFee":"0.5"`):                                                                     "funding of SPERP: e None 0 at 0, fee 0 , -0.5 USDC, ",
		execution(`"execType":"Settle"`):                                                                                      "settlement of SPERP: e Sell 1 at 2, fee 0 USDC, 0 , ",
		execution(`"execType":"NewThing"`):                                                                                    "",
		execution(`"category":"option"`):                                                                                      "",
		`{"topic":"execution.fast.linear","data":[{}]}`:                                                                       "",
		`{"topic":"position.linear","data":[{"symbol":"S","side":"","size":"0","positionIdx":0,"updatedTime":""}]}`:           "position S 0, 0",
		`{"topic":"position.linear","data":[{"symbol":"S","side":"Sell","size":"2","positionIdx":2,"updatedTime":"1"}]}`:      "position S is in hedge mode: switch it to one-way mode at the venue",
		`{"topic":"position.linear","data":[{"category":"inverse","symbol":"S","side":"Sell","size":"2","updatedTime":"1"}]}`: "",
		`{"topic":"wallet","data":[{"accountType":"UNIFIED","coin":[{"coin":"USDT","walletBalance":"10","locked":"1","totalOrderIM":"2","totalPositionIM":""},` +
			`{"coin":"BTC","walletBalance":""}]}]}`: "balance USDT 7 free, 3 locked",
		`{"topic":"dcp.future","data":{}}`: "",
		`{"topic":"greeks","data":5}`:      "",
		`{"topic":5,"data":5}`:             "",
		`{"req_id":"ping","op":"pong","args":["1760000000000"],"conn_id":"x"}`:    "",
		`{"success":true,"ret_msg":"","op":"subscribe","conn_id":"x"}`:            "",
		`{"success":false,"ret_msg":"signature of test-key expired","op":"auth"}`: "renew: auth: signature of KEY expired",
		`{}`:   "",
		`[]`:   "",
		`null`: "",
	} {
		if got := strings.Join(decodeUser(t, p, frame), "; "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", frame, got, want)
		}
	}
}

// TestBrokenPrivateMessages: the error says what is wrong, and the other rows are handed over all the same.
func TestBrokenPrivateMessages(t *testing.T) {
	p := newProtocol(t, config())
	const whole = `{"symbol":"S","orderId":"2","orderStatus":"New"}`
	for frame, want := range map[string]string{
		`{"topic":"order","data":[`:  "not valid JSON",
		``:                           "not valid JSON",
		`{"topic":"order","data":5}`: "data is not an array",
		`{"topic":"order"}`:          "data is not an array",
		`{"topic":"order","data":[7,` + whole + `]}`:                                                 "a row is not an object",
		`{"topic":"order","data":[{"symbol":"S","orderId":"1","price":"NaN"},` + whole + `]}`:        `price "NaN" is not a decimal`,
		`{"topic":"order","data":[{"symbol":"S","orderId":"1","price":"0x1p4"},` + whole + `]}`:      `price "0x1p4" is not a decimal`,
		`{"topic":"order","data":[{"symbol":"S","orderId":"1","qty":"1e999"},` + whole + `]}`:        `qty "1e999" is not a decimal`,
		`{"topic":"order","data":[{"symbol":"S","orderId":"1","updatedTime":"soon"},` + whole + `]}`: `updatedTime "soon" is not a whole number`,
		`{"topic":"order","data":[{"symbol":"S","orderId":"1","updatedTime":-5},` + whole + `]}`:     `updatedTime "-5" is not a time`,
		`{"topic":"wallet","data":[{"coin":[{"coin":"USDT","walletBalance":"x"}]}]}`:                 `walletBalance "x" is not a decimal`,
	} {
		var s said
		err := p.DecodeUser([]byte(frame), &s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", frame, err, want)
		}
		if strings.Contains(frame, whole) != (len(s.lines) == 1) {
			t.Errorf("%s: %v", frame, s.lines)
		}
	}
}

// TestAnswers: the three forms of pongs and log-ons, and what is refused.
func TestAnswers(t *testing.T) {
	p := newProtocol(t, config())
	pongs, answers := 0, 0
	for _, channel := range []string{"ws-public", "ws-private", "ws-trade"} {
		for _, m := range scripted(t, channel) {
			if bytes.Contains(m, []byte(`"args":[`)) && !bytes.Contains(m, []byte(`"pong"`)) || bytes.Contains(m, []byte(`"ping"}`)) && !bytes.Contains(m, []byte("success")) {
				continue // what the client says
			}
			answer, err := p.Ready(m)
			if err != nil {
				t.Errorf("%s: %v", m, err)
			}
			if answer {
				answers++
			}
			if p.IsPong(m) {
				pongs++
			}
			if answer && p.IsPong(m) {
				t.Errorf("%s is both", m)
			}
		}
	}
	if pongs != 3 || answers != 4 {
		t.Errorf("%d pongs, %d answers", pongs, answers)
	}
	for frame, want := range map[string]protocol.Cause{
		`{"success":false,"ret_msg":"error:handler not found,topic:orderbook.50.NONE","op":"subscribe"}`: protocol.Refused,
		`{"success":false,"ret_msg":"Params Error","op":"auth"}`:                                         protocol.Key,
		`{"retCode":10003,"retMsg":"Invalid apiKey","op":"auth"}`:                                        protocol.Key,
		`{"retCode":10002,"retMsg":"expired","op":"auth"}`:                                               protocol.ClockOff,
	} {
		answer, err := p.Ready([]byte(frame))
		var passes *backoff.RetryAfterError
		if answer || protocol.CauseOf(err) != want || err == nil || errors.As(err, &passes) != (want == protocol.ClockOff) {
			t.Errorf("%s: %t, %v", frame, answer, err)
		}
		if notice := p.Notice([]byte(frame)); (notice != "") != strings.Contains(frame, "subscribe") {
			t.Errorf("%s: notice %q", frame, notice)
		}
	}
	if answer, err := p.Ready([]byte(`{"retCode":20001,"retMsg":"Repeat auth","op":"auth"}`)); !answer || err != nil {
		t.Errorf("logged on already: %v", err)
	}
	if answer, err := p.Ready([]byte(`{"topic":"x","data":{"op":1}`)); answer || err != nil {
		t.Errorf("broken: %v", err)
	}
}

func FuzzDecodeUser(f *testing.F) {
	for _, m := range slices.Concat(scripted(f, "ws-private"), sample(f, "ws_private.jsonl"), sample(f, "ws_position_short.json")) {
		f.Add(m)
	}
	f.Add([]byte(`{"topic":"wallet","data":[{"coin":[{"coin":"USDT","walletBalance":"10","locked":"1"}]}]}`))
	p := newProtocol(f, config())
	f.Fuzz(func(t *testing.T, frame []byte) {
		var s checked
		s.t = t
		err := p.DecodeUser(frame, &s)
		if err == nil && !json.Valid(frame) {
			t.Fatalf("accepted what is not JSON: %q", frame)
		}
		if _, err := p.Ready(frame); err != nil && !json.Valid(frame) {
			t.Fatalf("answered what is no JSON: %q", frame)
		}
		p.Notice(frame)
		p.IsPong(frame)
	})
}

// checked looks at what a fuzzed message says.
type checked struct{ t *testing.T }

func (c *checked) Order(r *protocol.Report) {
	if r.Symbol == "" || r.ClientID == "" && r.VenueID == "" || r.TimestampNs < 0 || r.TradeID != "" && r.Status != hft.StatusNone {
		c.t.Errorf("%+v", r)
	}
	for _, value := range []float64{r.Price, r.Qty, r.CumQty, r.LastQty, r.LastPrice, r.Fee} {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			c.t.Errorf("%+v", r)
		}
	}
}

func (c *checked) Position(p protocol.Position) {
	if p.Symbol == "" || p.TimestampNs < 0 {
		c.t.Errorf("%+v", p)
	}
}

func (c *checked) Balance(b protocol.Balance) {
	if b.Asset == "" {
		c.t.Errorf("%+v", b)
	}
}

func (c *checked) Account(*connector.AccountEvent) {}
func (c *checked) Settled()                        {}
func (c *checked) Renew(reason string) {
	if reason == "" {
		c.t.Error("no reason")
	}
}

// nobody takes what a benchmark decodes.
type nobody struct{ n int }

func (n *nobody) Order(*protocol.Report)          { n.n++ }
func (n *nobody) Position(protocol.Position)      { n.n++ }
func (n *nobody) Balance(protocol.Balance)        { n.n++ }
func (n *nobody) Account(*connector.AccountEvent) {}
func (n *nobody) Settled()                        {}
func (n *nobody) Renew(string)                    { n.n++ }

// BenchmarkDecodeUser decodes messages of the private stream; encoding/json only reads the same fields into a
// structure.
func BenchmarkDecodeUser(b *testing.B) {
	messages := scripted(b, "ws-private")
	p := newProtocol(b, config())
	for _, c := range []struct {
		name, topic string
	}{{"order", `"topic":"order"`}, {"execution", `"topic":"execution"`}, {"position", `"topic":"position"`}} {
		raw := messages[slices.IndexFunc(messages, func(m []byte) bool { return bytes.Contains(m, []byte(c.topic)) })]
		b.Run(c.name+"/hftrunner", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			var sink nobody
			for b.Loop() {
				if err := p.DecodeUser(raw, &sink); err != nil {
					b.Fatal(err)
				}
			}
			if sink.n == 0 {
				b.Fatal("nothing was said")
			}
		})
		b.Run(c.name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var m struct {
					Topic string
					Data  []struct {
						Category, Symbol, OrderID, OrderLinkID, Side, OrderStatus, RejectReason, CancelType, TimeInForce, OrderType string
						Price, Qty, AvgPrice, LeavesQty, CumExecQty, CumExecValue, UpdatedTime                                      string
						ExecID, ExecQty, ExecPrice, ExecFee, ExecTime, ExecType, FeeCurrency, Size                                  string
						IsMaker                                                                                                     bool
					}
				}
				if err := json.Unmarshal(raw, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
