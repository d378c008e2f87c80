package binancespot_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const placedText = `{"symbol":"BTCUSDT","orderId":9007199254740993,"orderListId":-1,"clientOrderId":"hr-1","transactTime":1760000000000,` +
	`"price":"60000.10000000","origQty":"0.01000000","executedQty":"0.00400000","origQuoteOrderQty":"0.00000000",` +
	`"cummulativeQuoteQty":"240.00000000","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",` +
	`"workingTime":1760000000000,"selfTradePreventionMode":"EXPIRE_MAKER","aFieldOfNextYear":[{"x":null}]}`

func limitOrder() *protocol.Order {
	return &protocol.Order{Symbol: "BTCUSDT", ClientID: "hr-1", Side: hft.Buy, OrdType: hft.Limit, TimeInForce: hft.GTC,
		Price: "60000.10", Qty: "0.01000"}
}

func TestPlaceParameters(t *testing.T) {
	for _, c := range []struct {
		change func(o *protocol.Order)
		want   string // in the order of the names
	}{
		{func(*protocol.Order) {}, "newClientOrderId=hr-1&newOrderRespType=RESULT&price=60000.10&quantity=0.01000&side=BUY&symbol=BTCUSDT&timeInForce=GTC&type=LIMIT"},
		{func(o *protocol.Order) { o.TimeInForce, o.Side = hft.IOC, hft.Sell },
			"newClientOrderId=hr-1&newOrderRespType=RESULT&price=60000.10&quantity=0.01000&side=SELL&symbol=BTCUSDT&timeInForce=IOC&type=LIMIT"},
		{func(o *protocol.Order) { o.TimeInForce = hft.FOK },
			"newClientOrderId=hr-1&newOrderRespType=RESULT&price=60000.10&quantity=0.01000&side=BUY&symbol=BTCUSDT&timeInForce=FOK&type=LIMIT"},
		{func(o *protocol.Order) { o.TimeInForce = hft.GTX },
			"newClientOrderId=hr-1&newOrderRespType=RESULT&price=60000.10&quantity=0.01000&side=BUY&symbol=BTCUSDT&type=LIMIT_MAKER"},
		{func(o *protocol.Order) { o.OrdType = hft.Market },
			"newClientOrderId=hr-1&newOrderRespType=RESULT&quantity=0.01000&side=BUY&symbol=BTCUSDT&type=MARKET"},
	} {
		o := limitOrder()
		c.change(o)
		p, f := answering(t, 200, placedText)
		r, err := p.Place(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		want := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hr-1",
			VenueID: "9007199254740993", Status: hft.StatusPartiallyFilled, Side: hft.Buy, Price: 60000.1, Qty: 0.01,
			CumQty: 0.004, HasCum: true, AvgPrice: 60000, TimestampNs: 1760000000000000000}
		if r != want {
			t.Errorf("report\n%+v, want\n%+v", r, want)
		}
		if got := f.asked(); len(got) != 1 || got[0] != "POST /api/v3/order "+c.want {
			t.Errorf("asked %q, want %s", got, c.want)
		}
		if err := p.TestOrder(context.Background(), o); err != nil {
			t.Error(err)
		}
		if got := f.asked(); len(got) != 1 || got[0] != "POST /api/v3/order/test "+c.want {
			t.Errorf("test order: asked %q, want %s", got, c.want)
		}
	}
}

// TestOrdersThatAreNotSent looks at what can be known to be refused without asking.
func TestOrdersThatAreNotSent(t *testing.T) {
	for name, change := range map[string]func(o *protocol.Order){
		"no client id":          func(o *protocol.Order) { o.ClientID = "" },
		"a long client id":      func(o *protocol.Order) { o.ClientID = strings.Repeat("a", 37) },
		"characters":            func(o *protocol.Order) { o.ClientID = "a:b/c" },
		"no side":               func(o *protocol.Order) { o.Side = hft.SideNone },
		"unknown type":          func(o *protocol.Order) { o.OrdType = hft.OrdTypeUnsupported },
		"unknown time in force": func(o *protocol.Order) { o.TimeInForce = hft.TimeInForceUnsupported },
	} {
		p, f := answering(t, 200, placedText)
		o := limitOrder()
		change(o)
		if r, err := p.Place(context.Background(), o); protocol.CauseOf(err) != protocol.Refused ||
			r != (protocol.Report{}) {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
		if asked := f.asked(); asked != nil {
			t.Errorf("%s: sent %q", name, asked)
		}
	}
}

func TestCancelAndQuery(t *testing.T) {
	const canceledText = `{"symbol":"BTCUSDT","orderId":201,"orderListId":-1,"clientOrderId":"cxl-1","origClientOrderId":"hr-1",` +
		`"transactTime":1760000000090,"price":"60000.1","origQty":"0.01","executedQty":"0.004","cummulativeQuoteQty":"240.0004",` +
		`"status":"CANCELED","timeInForce":"GTC","type":"LIMIT_MAKER","side":"SELL"}`
	want := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hr-1", VenueID: "201",
		Status: hft.StatusCanceled, Side: hft.Sell, TimeInForce: hft.GTX, Price: 60000.1, Qty: 0.01, CumQty: 0.004,
		HasCum: true, AvgPrice: 60000.1, TimestampNs: 1760000000090000000}
	p, f := answering(t, 200, canceledText)
	for _, venueID := range []string{"", "201"} {
		o := limitOrder()
		o.VenueID = venueID
		id := "origClientOrderId=hr-1&symbol=BTCUSDT"
		if venueID != "" {
			id = "orderId=201&symbol=BTCUSDT"
		}
		r, err := p.Cancel(context.Background(), o)
		if err != nil || r != want {
			t.Errorf("cancel: %v, %+v", err, r)
		}
		if asked := f.asked(); len(asked) != 1 || asked[0] != "DELETE /api/v3/order "+id {
			t.Errorf("asked %q", asked)
		}
		queried := want
		queried.Channel = protocol.ChannelQuery
		r, err = p.QueryOrder(context.Background(), o)
		if err != nil || r != queried {
			t.Errorf("query: %v, %+v", err, r)
		}
		if asked := f.asked(); len(asked) != 1 || asked[0] != "GET /api/v3/order "+id {
			t.Errorf("asked %q", asked)
		}
	}
}

func TestCancelAll(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		cause   protocol.Cause
		ok      bool
		reports int
	}{
		{status: 200, body: `[{"orderListId":7},` + oldCanceledText + `]`, ok: true, reports: 1},
		{status: 400, body: `{"code":-2011,"msg":"Unknown order sent."}`, ok: true}, // none is open
		{status: 400, body: `{"code":-2011,"msg":"This action is disabled on this account."}`, cause: protocol.Key},
		{status: 503, body: `{"code":-1000,"msg":"Unknown error"}`, cause: protocol.Unknown},
	} {
		p, f := answering(t, c.status, c.body)
		reports, err := p.CancelAll(context.Background(), "BTCUSDT")
		if c.ok != (err == nil) || err != nil && protocol.CauseOf(err) != c.cause || len(reports) != c.reports {
			t.Errorf("%s: %v, %+v", c.body, err, reports)
		}
		if len(reports) > 0 && (reports[0].ClientID != "hr-1" || reports[0].Status != hft.StatusCanceled) {
			t.Errorf("%+v", reports)
		}
		if asked := f.asked(); len(asked) != 1 || asked[0] != "DELETE /api/v3/openOrders symbol=BTCUSDT" {
			t.Errorf("asked %q", asked)
		}
	}
}

const (
	amendedText = `{"transactTime":1741926410255,"executionId":75,"amendedOrder":{"symbol":"BTCUSDT","orderId":33,"orderListId":-1,` +
		`"origClientOrderId":"hr-1","clientOrderId":"hr-1","price":"60000.10","qty":"0.00800","executedQty":"0.00200","preventedQty":"0",` +
		`"quoteOrderQty":"0","cumulativeQuoteQty":"120.00","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",` +
		`"workingTime":1741926410242,"selfTradePreventionMode":"NONE"}}`
	replacedText = `{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":` + oldCanceledText + `,"newOrderResponse":` +
		`{"symbol":"BTCUSDT","orderId":34,"clientOrderId":"hr-2","transactTime":1741926410256,"price":"60001","origQty":"0.008","executedQty":"0",` +
		`"cummulativeQuoteQty":"0","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY"}}`
	oldCanceledText = `{"symbol":"BTCUSDT","origClientOrderId":"hr-1","orderId":33,"clientOrderId":"x","transactTime":1741926410255,"price":"60000.1",` +
		`"origQty":"0.01","executedQty":"0.002","cummulativeQuoteQty":"120","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY"}`
)

func amendOrder(change func(o *protocol.Order)) *protocol.Order {
	o := limitOrder()
	o.VenueID, o.NewClientID, o.PrevPrice, o.PrevQty = "33", "hr-2", "60000.1", "0.01"
	change(o)
	return o
}

func TestAmendParameters(t *testing.T) {
	const inPlace = "PUT /api/v3/order/amend/keepPriority newClientOrderId=hr-1&"
	replace := func(restriction, clientID, price, qty string) string {
		return "POST /api/v3/order/cancelReplace cancelOrderId=33&cancelReplaceMode=STOP_ON_FAILURE&cancelRestrictions=" + restriction +
			"&newClientOrderId=" + clientID + "&newOrderRespType=RESULT&price=" + price + "&quantity=" + qty + "&side=BUY&symbol=BTCUSDT&"
	}
	const limitEnd, makerEnd = "timeInForce=GTC&type=LIMIT", "type=LIMIT_MAKER"
	for name, c := range map[string]struct {
		change func(o *protocol.Order)
		want   string
	}{
		"less": {func(o *protocol.Order) { o.Qty = "0.008" },
			inPlace + "newQty=0.008&orderId=33&symbol=BTCUSDT"},
		"less, by its client id": {func(o *protocol.Order) { o.Qty, o.VenueID = "0.008", "" },
			inPlace + "newQty=0.008&origClientOrderId=hr-1&symbol=BTCUSDT"},
		"less, of an order that was replaced": {func(o *protocol.Order) { o.Qty, o.CumQty, o.PriorQty = "0.0080", "0.003", "0.002" },
			inPlace + "newQty=0.0060&orderId=33&symbol=BTCUSDT"},
		"more": {func(o *protocol.Order) { o.Qty = "0.02" },
			replace("ONLY_NEW", "hr-2", "60000.10", "0.02") + limitEnd},
		"another price": {func(o *protocol.Order) { o.Price, o.Qty = "60001", "0.008" },
			replace("ONLY_NEW", "hr-2", "60001", "0.008") + limitEnd},
		"post-only": {func(o *protocol.Order) { o.Price, o.TimeInForce = "60001", hft.GTX },
			replace("ONLY_NEW", "hr-2", "60001", "0.01000") + makerEnd},
		"the same client id": {func(o *protocol.Order) { o.Price, o.NewClientID = "60001", "" },
			replace("ONLY_NEW", "hr-1", "60001", "0.01000") + limitEnd},
		"partly executed": {func(o *protocol.Order) { o.Price, o.CumQty = "60001", "0.002" },
			replace("ONLY_PARTIALLY_FILLED", "hr-2", "60001", "0.00800") + limitEnd},
		"executed before it was replaced": {func(o *protocol.Order) { o.Price, o.CumQty, o.PriorQty = "60001", "0.002", "0.002" },
			replace("ONLY_NEW", "hr-2", "60001", "0.00800") + limitEnd},
	} {
		p, f := answering(t, 200, "")
		f.answer = func(r *request) (int, string) {
			if strings.HasSuffix(r.path, "keepPriority") {
				return 200, amendedText
			}
			return 200, replacedText
		}
		r, err := p.Amend(context.Background(), amendOrder(c.change))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hr-2", VenueID: "34",
			Status: hft.StatusNew, Side: hft.Buy, Price: 60001, Qty: 0.008, HasCum: true,
			TimestampNs: 1741926410256000000}
		if strings.HasPrefix(c.want, "PUT") {
			want = protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hr-1", VenueID: "33",
				Status: hft.StatusPartiallyFilled, Side: hft.Buy, Price: 60000.1, Qty: 0.008, CumQty: 0.002,
				HasCum: true, AvgPrice: 60000, TimestampNs: 1741926410255000000}
		}
		if r != want {
			t.Errorf("%s: report\n%+v, want\n%+v", name, r, want)
		}
		if asked := f.asked(); len(asked) != 1 || asked[0] != c.want {
			t.Errorf("%s: asked\n%q, want\n%q", name, asked, c.want)
		}
	}
}

func TestAmendmentsThatAreNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *protocol.Order)
		cause  protocol.Cause
	}{
		"nothing new":       {func(*protocol.Order) {}, protocol.NoChange},
		"a market order":    {func(o *protocol.Order) { o.OrdType = hft.Market }, protocol.Refused},
		"all executed":      {func(o *protocol.Order) { o.Price, o.CumQty = "1", "0.01" }, protocol.Refused},
		"more is executed":  {func(o *protocol.Order) { o.Qty, o.PriorQty = "0.005", "0.005" }, protocol.Refused},
		"exponent":          {func(o *protocol.Order) { o.Qty = "1e9" }, protocol.Refused},
		"a fraction":        {func(o *protocol.Order) { o.Qty = "1/3" }, protocol.Refused},
		"no number":         {func(o *protocol.Order) { o.PrevPrice = "NaN" }, protocol.Refused},
		"two points":        {func(o *protocol.Order) { o.Price = "1.2.3" }, protocol.Refused},
		"a very long one":   {func(o *protocol.Order) { o.Price = strings.Repeat("1", 1000) }, protocol.Refused},
		"a bad id in place": {func(o *protocol.Order) { o.Qty, o.ClientID = "0.001", "ä" }, protocol.Refused},
		"a bad new id":      {func(o *protocol.Order) { o.Price, o.NewClientID = "1", "a b" }, protocol.Refused},
	} {
		p, f := answering(t, 200, replacedText)
		if _, err := p.Amend(context.Background(), amendOrder(c.change)); protocol.CauseOf(err) != c.cause ||
			err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if asked := f.asked(); asked != nil {
			t.Errorf("%s: sent %q", name, asked)
		}
	}
}

// TestReplacementsThatFail looks at the answers that say that one half or both halves of a replacement failed.
func TestReplacementsThatFail(t *testing.T) {
	old := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "hr-1", VenueID: "33",
		Status: hft.StatusCanceled, Side: hft.Buy, Price: 60000.1, Qty: 0.01, CumQty: 0.002, HasCum: true,
		AvgPrice: 60000, TimestampNs: 1741926410255000000}
	cancelFails := func(code, msg string) string {
		return `{"code":-2022,"msg":"Order cancel-replace failed.","data":{"cancelResult":"FAILURE","newOrderResult":"NOT_ATTEMPTED",` +
			`"cancelResponse":{"code":` + code + `,"msg":"` + msg + `"},"newOrderResponse":null}}`
	}
	newFails := func(code, msg string) string {
		return `{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE",` +
			`"cancelResponse":` + oldCanceledText + `,"newOrderResponse":{"code":` + code + `,"msg":"` + msg + `"}}}`
	}
	for _, c := range []struct {
		status int
		body   string
		cause  protocol.Cause
		code   int
		report protocol.Report
		text   string
	}{
		{400, cancelFails("-2011", "Unknown order sent."), protocol.Gone, -2011, protocol.Report{},
			"cancellation failure, new order not attempted"},
		{400, cancelFails("-2013", "Order does not exist."), protocol.Gone, -2013, protocol.Report{},
			"cancellation failure"},
		{400, cancelFails("-2011", "Order was not canceled due to cancel restrictions."), protocol.NoChange, -2011,
			protocol.Report{}, "failure"},
		{409, newFails("-2010", "Order would immediately match and take."), protocol.WouldTake, -2010, old,
			"cancellation success, new order failure"},
		{409, newFails("-2010", "Account has insufficient balance for requested action."), protocol.Refused, -2010, old,
			"success"},
		{409, newFails("-1015", "Too many new orders; current limit is 100 orders per 10 SECOND."), protocol.OrderRate,
			-1015, old, "success"},
		{409, newFails("-1013", "Filter failure: NOTIONAL"), protocol.Refused, -1013, old, "success"},
		{409, newFails("-1007", "Timeout"), protocol.Unknown, -1007, old, "success"},
		{409, `{"code":-2021,"msg":"Order cancel-replace partially failed."}`, protocol.Unknown, -2021,
			protocol.Report{}, "partially"},
		{409,
			`{"code":-2021,"msg":"x","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":{}}}`,
			protocol.Unknown, -2021, protocol.Report{}, ""},
		{409, `{"code":-2021,"msg":"x","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":` + oldCanceledText + `}}`,
			protocol.Unknown, -2021, old, "success"},
		{400, `{"code":-2022,"msg":"x","data":{"cancelResult":7}}`, protocol.Refused, 0, protocol.Report{}, ""},
		{400, `{"code":-2022,"msg":"x","data":[]}`, protocol.Unknown, -2022, protocol.Report{}, ""},
		{400, `{"code":-1013,"msg":"Filter failure: LOT_SIZE"}`, protocol.Refused, -1013, protocol.Report{},
			"LOT_SIZE"},
	} {
		p, _ := answering(t, c.status, c.body)
		r, err := p.Amend(context.Background(), amendOrder(func(o *protocol.Order) { o.Price = "60001" }))
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != c.cause || f.Code != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s\ngives %v", c.body, err)
		}
		if r != c.report {
			t.Errorf("%s\nreport %+v, want %+v", c.body, r, c.report)
		}
	}
}

func TestAmendInPlaceThatFails(t *testing.T) {
	for body, cause := range map[string]protocol.Cause{
		`{"code":-2038,"msg":"Order amend is not supported for this symbol."}`:     protocol.NoChange,
		`{"code":-2039,"msg":"Client order ID is not correct for this order ID."}`: protocol.NoChange,
		`{"code":-2013,"msg":"Order does not exist."}`:                             protocol.Gone,
	} {
		p, _ := answering(t, 400, body)
		if _, err := p.Amend(context.Background(),
			amendOrder(func(o *protocol.Order) { o.Qty = "0.008" })); err == nil || protocol.CauseOf(err) != cause {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestRepliesThatSayNothing: a success that cannot be read leaves the outcome open, whatever was asked.
func TestRepliesThatSayNothing(t *testing.T) {
	ctx := context.Background()
	for _, body := range []string{``, `{}`, `[]`, `null`, `{"symbol":"BTCUSDT"}`, `<html>`, placedText[:100],
		strings.Replace(placedText, `"0.00400000"`, `"x"`, 1),
		strings.Replace(placedText, `"status":"PARTIALLY_FILLED",`, ``, 1)} {
		p, _ := answering(t, 200, body)
		for name, ask := range map[string]func() (protocol.Report, error){
			"place":  func() (protocol.Report, error) { return p.Place(ctx, limitOrder()) },
			"cancel": func() (protocol.Report, error) { return p.Cancel(ctx, limitOrder()) },
			"query":  func() (protocol.Report, error) { return p.QueryOrder(ctx, limitOrder()) },
			"amend": func() (protocol.Report, error) {
				return p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Qty = "0.008" }))
			},
			"replace": func() (protocol.Report, error) {
				return p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Price = "1" }))
			},
		} {
			r, err := ask()
			if err == nil || protocol.CauseOf(err) != protocol.Unknown || r != (protocol.Report{}) {
				t.Errorf("%s answered by %q: %v, %+v", name, body, err, r)
			}
		}
	}
}

func TestOpenOrders(t *testing.T) {
	p, f := answering(t, 200, `[`+placedText+`,`+strings.Replace(placedText, "hr-1", "web_1", 1)+`]`)
	open, err := p.OpenOrders(context.Background(), "BTCUSDT")
	reports := open.Orders
	if err != nil || len(reports) != 2 || reports[0].ClientID != "hr-1" || reports[1].ClientID != "web_1" ||
		reports[1].Channel != protocol.ChannelQuery {
		t.Errorf("%v, %+v", err, reports)
	}
	if asked := f.asked(); len(asked) != 1 || asked[0] != "GET /api/v3/openOrders symbol=BTCUSDT" {
		t.Errorf("asked %q", asked)
	}
	for _, body := range []string{`{}`, `null`} {
		p, _ := answering(t, 200, body)
		if open, err := p.OpenOrders(context.Background(), "BTCUSDT"); protocol.CauseOf(err) != protocol.Unknown ||
			err == nil || open.Orders != nil {
			t.Errorf("%s: %v, %v", body, err, open)
		}
	}
}

// TestOpenOrdersUnread: a row that cannot be read does not hide the others, in the list of a symbol and in that of all.
func TestOpenOrdersUnread(t *testing.T) {
	p, _ := answering(t, 200,
		`[{"symbol":"BTCUSDT","clientOrderId":"web_1","orderId":7,"price":"x"},{},`+placedText+`]`)
	for name, ask := range map[string]func() (protocol.OpenList, error){
		"of a symbol": func() (protocol.OpenList, error) { return p.OpenOrders(t.Context(), "BTCUSDT") },
		"of all":      func() (protocol.OpenList, error) { return p.AllOpenOrders(t.Context()) },
	} {
		open, err := ask()
		if err != nil || len(open.Orders) != 1 || open.Orders[0].ClientID != "hr-1" || len(open.Unread) != 2 {
			t.Fatalf("%s: %+v, %v", name, open, err)
		}
		if theirs, nameless := open.Unread[0], open.Unread[1]; theirs.ClientID != "web_1" ||
			theirs.Symbol != "BTCUSDT" || theirs.Nameless || theirs.Err == nil || !nameless.Nameless ||
			nameless.Err == nil {
			t.Errorf("%s: %+v", name, open.Unread)
		}
	}
}
