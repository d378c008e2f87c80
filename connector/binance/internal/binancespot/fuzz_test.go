package binancespot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// sensible reports what is wrong with a report, whatever the venue has sent.
func sensible(r *protocol.Report) string {
	switch {
	case r.Symbol == "":
		return "no symbol"
	case r.ClientID == "" && r.VenueID == "":
		return "no order"
	case r.Status > hft.StatusReplaced && r.Status != hft.StatusUnsupported:
		return "a status that is none"
	case r.TradeID == "" && (r.LastQty != 0 || r.LastPrice != 0 || r.Maker || r.Fee != 0):
		return "an execution without an id"
	case r.TimestampNs < 0:
		return "a time before 1970"
	}
	for _, x := range []float64{r.Price, r.Qty, r.CumQty, r.AvgPrice, r.LastQty, r.LastPrice, r.Fee} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "a number that is none"
		}
	}
	return ""
}

// sameAsReference compares a report with what encoding/json finds in the frame, where both read it alike: each name
// once, no escapes.
func sameAsReference(t *testing.T, frame []byte, r *protocol.Report) {
	if !json.Valid(frame) || !utf8.Valid(frame) || bytes.ContainsAny(frame, "\\ \t\r\n") {
		return
	}
	for _, name := range []string{"event", "data", "s", "i", "c", "C", "x", "X", "z", "l", "t"} {
		if bytes.Count(frame, []byte(`"`+name+`":`)) > 1 {
			return
		}
	}
	// Into maps, because structs take names that differ in case for the same.
	var event map[string]any
	decode := func(text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		event = nil
		_ = d.Decode(&event) // that it is valid was seen
	}
	decode(frame)
	for _, envelope := range []string{"event", "data"} {
		if inner, ok := event[envelope].(map[string]any); ok {
			event = inner
			break
		}
	}
	text := func(name string) string {
		if event[name] == nil {
			return ""
		}
		return fmt.Sprint(event[name])
	}
	clientID := text("c")
	if text("x") == "CANCELED" && text("C") != "" {
		clientID = text("C")
	}
	if r.Symbol != text("s") || r.ClientID != clientID {
		t.Errorf("symbol %q and client id %q of %s", r.Symbol, r.ClientID, frame)
	}
	for name, got := range map[string]float64{"z": r.CumQty, "p": r.Price, "q": r.Qty} {
		if want, _ := strconv.ParseFloat(text(name), 64); got != want &&
			bytes.Count(frame, []byte(`"`+name+`":`)) == 1 {
			t.Errorf("%s is %v and not %v of %s", name, got, want, frame)
		}
	}
	if id, _ := strconv.ParseInt(text("t"), 10, 64); r.TradeID != "" &&
		(strconv.FormatInt(id, 10) != r.TradeID || text("x") != "TRADE") {
		t.Errorf("trade %q of %s", r.TradeID, frame)
	}
}

// FuzzDecodeUser: no event makes DecodeUser panic or hand on nonsense, and what it reads is what encoding/json reads.
func FuzzDecodeUser(f *testing.F) {
	for _, line := range session(f) {
		f.Add([]byte(line.Message))
	}
	for line := range bytes.Lines(datatest.Messages(f, "binance-spot/ws_user_2021.jsonl")) {
		f.Add(line)
	}
	f.Add([]byte(reportText))
	p, err := binancespot.New(config(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = p.Close() })
	f.Fuzz(func(t *testing.T, frame []byte) {
		var s sink
		err := p.DecodeUser(frame, &s)
		for i := range s.orders {
			if wrong := sensible(&s.orders[i]); wrong != "" {
				t.Errorf("%s: %+v", wrong, s.orders[i])
			}
			sameAsReference(t, frame, &s.orders[i])
		}
		for _, b := range s.balances {
			if b.Asset == "" || math.IsNaN(b.Free+b.Locked) || math.IsInf(b.Free, 0) || math.IsInf(b.Locked, 0) {
				t.Errorf("%+v", b)
			}
		}
		if handed := len(s.orders) + len(s.renewals); handed > 1 || handed == 1 && err != nil {
			t.Errorf("%v, and %+v", err, s)
		}
	})
}

// FuzzReplies: no body of the REST interface makes a request panic or return nonsense, and a failure is always one.
func FuzzReplies(f *testing.F) {
	for _, line := range session(f) {
		f.Add(200, []byte(line.Message))
		f.Add(400, []byte(line.Message))
	}
	for _, text := range []string{placedText, amendedText, replacedText, `[` + placedText + `]`,
		`{"balances":[{"asset":"BTC","free":"1","locked":"2"}]}`,
		`[{"id":1,"orderId":2,"price":"3","qty":"4","commission":"5","time":6,"isBuyer":true}]`, `{"serverTime":1}`,
		`<html>`} {
		f.Add(200, []byte(text))
	}
	f.Add(200, datatest.Messages(f, "binance-spot/rest_openOrders_doclike.json"))
	f.Add(200, datatest.Messages(f, "binance-spot/rest_order_cancel_doclike.json"))
	f.Add(409, []byte(`{"code":-2021,"msg":"x","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":`+oldCanceledText+
		`,"newOrderResponse":{"code":-2010,"msg":"Order would immediately match and take."}}}`))
	var status int
	var body []byte
	venueSide := &fake{answer: func(*request) (int, string) { return status, string(body) }}
	c := config(venueSide)
	// Each request has a Protocol of its own, because a reply may say that nothing is to be sent for a while.
	fresh := func(tb testing.TB) *binancespot.Protocol {
		p, err := binancespot.New(c)
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
	ctx := context.Background()
	amendDown := amendOrder(func(o *protocol.Order) { o.Qty = "0.008" })
	amendPrice := amendOrder(func(o *protocol.Order) { o.Price = "60001" })
	f.Fuzz(func(t *testing.T, s int, b []byte) {
		venueSide.t, status, body = t, 100+((s%500)+500)%500, b
		if status == http.StatusSwitchingProtocols {
			return
		}
		check := func(name string, err error, reports ...protocol.Report) {
			if err != nil && protocol.CauseOf(err).String() == "unknown cause" {
				t.Errorf("%s: %v", name, err)
			}
			for i := range reports {
				r := &reports[i]
				if *r == (protocol.Report{}) && err != nil {
					continue
				}
				if err != nil && r.Status != hft.StatusCanceled && name != "replace" {
					t.Errorf("%s: %v, and %+v", name, err, *r)
				}
				if wrong := sensible(r); wrong != "" {
					t.Errorf("%s: %s: %+v", name, wrong, *r)
				}
			}
		}
		r, err := fresh(t).Place(ctx, limitOrder())
		check("place", err, r)
		r, err = fresh(t).Cancel(ctx, limitOrder())
		check("cancel", err, r)
		r, err = fresh(t).Amend(ctx, amendDown)
		check("amend", err, r)
		r, err = fresh(t).Amend(ctx, amendPrice)
		check("replace", err, r)
		r, err = fresh(t).QueryOrder(ctx, limitOrder())
		check("query", err, r)
		open, err := fresh(t).OpenOrders(ctx, "BTCUSDT")
		check("open orders", err, open.Orders...)
		list, err := fresh(t).Executions(ctx, "BTCUSDT", 0)
		check("executions", err, list...)
		_, err = fresh(t).Balances(ctx)
		check("balances", err)
		_, err = fresh(t).Filters(ctx, []string{"BTCUSDT"})
		check("filters", err)
		_, err = fresh(t).Permissions(ctx)
		check("permissions", err)
		_, err = fresh(t).ServerTimeNs(ctx)
		check("time", err)
		venueSide.asked()
	})
}
