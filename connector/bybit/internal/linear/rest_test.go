package linear_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// want compares what a server was asked.
func want(t *testing.T, s *server, requests ...asked) {
	t.Helper()
	if got := s.take(); !slices.Equal(got, requests) {
		t.Errorf("asked\n%q\nwant\n%q", got, requests)
	}
}

// TestOrderRequests: what is sent for each request about an order, byte by byte.
func TestOrderRequests(t *testing.T) {
	s := newServer(t, ok(`{"orderId":"v1","orderLinkId":"t1"}`))
	p := at(t, s)
	ack := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "t1", VenueID: "v1"}
	for _, c := range []struct {
		change func(o *protocol.Order)
		kind   string
		want   asked
	}{
		// The first is the body that the signature vector is of.
		{func(*protocol.Order) {}, "place", `POST /v5/order/create {"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"30000",` +
			`"timeInForce":"PostOnly","orderLinkId":"t1","positionIdx":0}`},
		{func(o *protocol.Order) { o.Side, o.TimeInForce = hft.Sell, hft.IOC }, "place", `POST /v5/order/create {"category":"linear","symbol":"BTCUSDT","side":"Sell",` +
			`"orderType":"Limit","qty":"0.001","price":"30000","timeInForce":"IOC","orderLinkId":"t1","positionIdx":0}`},
		{func(o *protocol.Order) { o.TimeInForce = hft.FOK }, "place", `POST /v5/order/create {"category":"linear","symbol":"BTCUSDT","side":"Buy",` +
			`"orderType":"Limit","qty":"0.001","price":"30000","timeInForce":"FOK","orderLinkId":"t1","positionIdx":0}`},
		{func(o *protocol.Order) { o.OrdType, o.TimeInForce = hft.Market, hft.GTC }, "place", `POST /v5/order/create {"category":"linear","symbol":"BTCUSDT",` +
			`"side":"Buy","orderType":"Market","qty":"0.001","timeInForce":"IOC","orderLinkId":"t1","positionIdx":0}`},
		{func(*protocol.Order) {}, "amend",
			`POST /v5/order/amend {"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1","price":"30000"}`},
		{func(o *protocol.Order) { o.Qty, o.PrevPrice = "0.002", "30000" }, "amend",
			`POST /v5/order/amend {"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1","qty":"0.002"}`},
		{func(o *protocol.Order) { o.Qty, o.ClientID, o.VenueID = "0.002", "", "v1" }, "amend",
			`POST /v5/order/amend {"category":"linear","symbol":"BTCUSDT","orderId":"v1","qty":"0.002","price":"30000"}`},
		{func(o *protocol.Order) { o.VenueID = "v1" }, "cancel",
			`POST /v5/order/cancel {"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1"}`},
		{func(o *protocol.Order) { o.ClientID, o.VenueID = "", "v1" }, "cancel",
			`POST /v5/order/cancel {"category":"linear","symbol":"BTCUSDT","orderId":"v1"}`},
	} {
		o := anOrder()
		c.change(o)
		request := map[string]func() (protocol.Report, error){
			"place":  func() (protocol.Report, error) { return p.Place(t.Context(), o) },
			"amend":  func() (protocol.Report, error) { return p.Amend(t.Context(), o) },
			"cancel": func() (protocol.Report, error) { return p.Cancel(t.Context(), o) },
		}[c.kind]
		got, err := request()
		wantAck := ack
		wantAck.ClientID = o.ClientID
		if err != nil || got != wantAck {
			t.Errorf("%s: %+v, %v", c.want, got, err)
		}
		want(t, s, c.want)
	}
	if _, err := p.CancelAll(t.Context(), "BTCUSDT"); err != nil {
		t.Error(err)
	}
	want(t, s, `POST /v5/order/cancel-all {"category":"linear","symbol":"BTCUSDT","orderFilter":"Order"}`)
	s.script(ok(`{"list":[],"success":"0"}`))
	if _, err := p.CancelAll(t.Context(), "BTCUSDT"); err == nil {
		t.Error("a cancel of all orders that did not succeed is none")
	}
}

// TestRequestsThatAreNotSent: what the venue cannot do, or need not.
func TestRequestsThatAreNotSent(t *testing.T) {
	s := newServer(t, ok(`{}`))
	p := at(t, s)
	for _, c := range []struct {
		kind   string
		change func(o *protocol.Order)
		cause  protocol.Cause
	}{
		{"place", func(o *protocol.Order) { o.Side = hft.SideNone }, protocol.Refused},
		{"place", func(o *protocol.Order) { o.OrdType = hft.OrdTypeUnsupported }, protocol.Refused},
		{"place", func(o *protocol.Order) { o.TimeInForce = hft.TimeInForceUnsupported }, protocol.Refused},
		{"amend", func(o *protocol.Order) { o.PrevPrice = o.Price }, protocol.NoChange},
		{"amend", func(o *protocol.Order) { o.ClientID = "" }, protocol.Refused},
		{"cancel", func(o *protocol.Order) { o.ClientID = "" }, protocol.Refused},
		{"query", func(o *protocol.Order) { o.ClientID = "" }, protocol.Refused},
	} {
		o := anOrder()
		c.change(o)
		if err := p.Ask(t.Context(), c.kind, o); protocol.CauseOf(err) != c.cause || err == nil {
			t.Errorf("%s %+v: %v", c.kind, o, err)
		}
	}
	want(t, s)
}

const restOrder = `{"orderId":"v1","orderLinkId":"t1","symbol":"BTCUSDT","price":"30000","qty":"0.003","side":"Sell","positionIdx":0,` +
	`"orderStatus":"PartiallyFilled","cancelType":"UNKNOWN","rejectReason":"EC_NoError","avgPrice":"30001","leavesQty":"0.002",` +
	`"cumExecQty":"0.001","cumExecValue":"30.001","cumExecFee":"0","timeInForce":"GTC","orderType":"Limit","createdTime":"1684738540559","updatedTime":"1684738540561"}`

var restReport = protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTCUSDT", ClientID: "t1", VenueID: "v1",
	Status: hft.StatusPartiallyFilled, Side: hft.Sell, Price: 30000, Qty: 0.003, CumQty: 0.001, HasCum: true,
	LeavesQty: 0.002, HasLeaves: true, AvgPrice: 30001, TimestampNs: 1684738540561000000}

func TestQueryOrder(t *testing.T) {
	const realtime, history = "GET /v5/order/realtime?category=linear&symbol=BTCUSDT&orderLinkId=t1&limit=50", "GET /v5/order/history?category=linear&symbol=BTCUSDT&orderLinkId=t1&limit=50"
	found, none := ok(`{"category":"linear","nextPageCursor":"","list":[`+restOrder+`]}`),
		ok(`{"category":"linear","nextPageCursor":"","list":[]}`)
	other := ok(`{"list":[` + strings.Replace(restOrder, `"t1"`, `"t2"`, 1) + `]}`)
	s := newServer(t, found)
	p := at(t, s)
	if got, err := p.QueryOrder(t.Context(), anOrder()); err != nil || got != restReport {
		t.Errorf("%+v, %v", got, err)
	}
	want(t, s, realtime)
	s.script(none, found)
	if got, err := p.QueryOrder(t.Context(), anOrder()); err != nil || got != restReport {
		t.Errorf("%+v, %v", got, err)
	}
	want(t, s, realtime, history)
	s.script(none)
	if _, err := p.QueryOrder(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.NotFound {
		t.Error(err)
	}
	s.script(other)
	if got, err := p.QueryOrder(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.NotFound {
		t.Errorf("another order was taken: %+v, %v", got, err)
	}
	s.take()
	s.script(found)
	if got, err := p.QueryOrder(t.Context(), &protocol.Order{Symbol: "BTCUSDT", VenueID: "v1"}); err != nil ||
		got != restReport {
		t.Errorf("%+v, %v", got, err)
	}
	want(t, s, "GET /v5/order/realtime?category=linear&symbol=BTCUSDT&orderId=v1&limit=50")
	// Nothing is said about an order when one of the questions is not answered.
	s.script(none, code(10016, "internal"))
	if _, err := p.QueryOrder(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.Unknown {
		t.Error(err)
	}
}

// TestQuestionsAreNotBegunAnew: a part of a question that has no answer is asked again by itself, a few times, and what
// the venue says is not.
func TestQuestionsAreNotBegunAnew(t *testing.T) {
	s := newServer(t)
	p := at(t, s)
	down, none := answer{status: 503, body: "<html>"}, ok(`{"list":[]}`)
	s.script(down, none, down, down, none)
	if _, err := p.QueryOrder(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.NotFound ||
		len(s.take()) != 5 {
		t.Errorf("half of the answers fail: %v", err)
	}
	s.script(down)
	if _, err := p.QueryOrder(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.Unknown || len(s.take()) != 3 {
		t.Errorf("all of them: %v", err)
	}
	for _, a := range []answer{{status: 429}, {status: 404, body: "<html>"}, code(10001, "params error")} {
		s.script(a)
		if _, err := p.QueryOrder(t.Context(), anOrder()); err == nil || len(s.take()) != 1 {
			t.Errorf("HTTP %d: %v", a.status, err)
		}
		p = at(t, s) // without a pause
	}
}

// TestOpenOrders: page by page until the last, whose cursor the venue may leave out, repeat or send with no rows.
func TestOpenOrders(t *testing.T) {
	page := func(id, cursor string) answer {
		return ok(`{"nextPageCursor":"` + cursor + `","list":[` + strings.Replace(restOrder, "t1", id,
			1) + `,{"category":"spot","symbol":"BTCUSDT","orderId":"9"}]}`)
	}
	const first = "GET /v5/order/realtime?category=linear&symbol=BTCUSDT&openOnly=0&limit=50"
	for _, c := range []struct {
		answers []answer
		asked   []asked
		ids     []string
	}{
		{[]answer{page("a", "")}, []asked{first}, []string{"a"}},
		{[]answer{page("a", "x%3A1%2C2"), page("b", "a b"), page("c", "")},
			[]asked{first, first + "&cursor=x%3A1%2C2", first + "&cursor=a+b"}, []string{"a", "b", "c"}},
		{[]answer{page("a", "x"), page("b", "x")}, []asked{first, first + "&cursor=x"}, []string{"a", "b"}},
		{[]answer{page("a", "x"), ok(`{"nextPageCursor":"y","list":[]}`)}, []asked{first, first + "&cursor=x"},
			[]string{"a"}},
	} {
		s := newServer(t, c.answers...)
		got, err := at(t, s).OpenOrders(t.Context(), "BTCUSDT")
		var ids []string
		for _, r := range got.Orders {
			ids = append(ids, r.ClientID)
		}
		if err != nil || !slices.Equal(ids, c.ids) || len(got.Unread) > 0 {
			t.Errorf("%q, %v, %+v", ids, err, got.Unread)
		}
		want(t, s, c.asked...)
	}
	// A list without end, one that breaks off, one that is none: never a part of it as if it were the whole.
	var n atomic.Int64
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"retCode":0,"result":{"nextPageCursor":"c%d","list":[%s]}}`, n.Add(1), restOrder)
	}))
	defer endless.Close()
	c := config()
	c.APIURL = endless.URL
	clock := atomic.Int64{}
	c.NowNs = func() int64 { return clock.Add(int64(time.Second)) } // as slow as the limit wants
	if got, err := newProtocol(t, c).OpenOrders(t.Context(), "BTCUSDT"); err == nil {
		t.Errorf("%d orders of a list without end", len(got.Orders))
	}
	for _, answers := range [][]answer{{page("a", "x"), code(10016, "")}, {ok(`{}`)}, {ok(`null`)}} {
		if got, err := at(t, newServer(t, answers...)).OpenOrders(t.Context(),
			"BTCUSDT"); protocol.CauseOf(err) != protocol.Unknown || err == nil {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// TestAllOpenOrders: when the list of the second coin is refused, what the first one has is told all the same.
func TestAllOpenOrders(t *testing.T) {
	const path = "GET /v5/order/realtime?category=linear&openOnly=0&settleCoin="
	s := newServer(t, ok(`{"list":[`+restOrder+`]}`), code(10001, "params error"))
	all, err := at(t, s).AllOpenOrders(t.Context())
	if protocol.CauseOf(err) != protocol.Refused || len(all.Orders) != 1 || all.Orders[0].ClientID != "t1" {
		t.Errorf("%+v, %v", all, err)
	}
	want(t, s, asked(path+"USDT&limit=50"), asked(path+"USDC&limit=50"))
}

// TestOpenOrdersUnread: a row that cannot be read does not hide the others, in the list of a symbol and in that of all.
func TestOpenOrdersUnread(t *testing.T) {
	rows := ok(`{"list":[5,{"symbol":"S","orderId":"1","orderLinkId":"a","qty":"x"},{"symbol":"S","orderId":"1","orderLinkId":{},"qty":"x"},` +
		`{"orderId":"1","orderLinkId":"b"},{"category":"spot","orderId":"9"},{"symbol":"S","orderId":"1","qty":"x"},{"orderId":"1","orderLinkId":""},` + restOrder + `]}`)
	check := func(open protocol.OpenList, err error) {
		t.Helper()
		wanted := []protocol.UnreadRow{{Nameless: true}, {ClientID: "a", Symbol: "S"}, {Symbol: "S", Nameless: true},
			{ClientID: "b"}, {Symbol: "S", Nameless: true}, {}}
		if err != nil || len(open.Orders) != 1 || open.Orders[0].ClientID != "t1" || len(open.Unread) != len(wanted) {
			t.Fatalf("%+v, %v", open, err)
		}
		for i, want := range wanted {
			if got := open.Unread[i]; got.ClientID != want.ClientID || got.Symbol != want.Symbol ||
				got.Nameless != want.Nameless || got.Err == nil {
				t.Errorf("%d: %+v", i, got)
			}
		}
	}
	check(at(t, newServer(t, rows)).OpenOrders(t.Context(), "BTCUSDT"))
	check(at(t, newServer(t, rows, ok(`{"list":[]}`))).AllOpenOrders(t.Context()))
}

// TestExecutions: oldest first, each once, over as many weeks as it takes.
func TestExecutions(t *testing.T) {
	row := func(id string, ms int64) string {
		return fmt.Sprintf(`{"symbol":"BTCUSDT","orderId":"v1","orderLinkId":"t1","side":"Buy","execId":"%s","execPrice":"2","execQty":"1","execType":"Trade",`+
			`"execFee":"0.1","isMaker":true,"execTime":"%d"}`, id, ms)
	}
	const week = 7 * 24 * 3600 * 1000
	since := int64(testMs - week - 5)
	s := newServer(t, ok(`{"nextPageCursor":"x","list":[`+row("c", since+week)+`,`+row("b", since+3)+`]}`),
		ok(`{"nextPageCursor":"","list":[`+row("a", since+3)+`]}`),
		ok(`{"list":[`+row("d", since+week+1)+`,`+row("c",
			since+week)+`,{"symbol":"BTCUSDT","execType":"Funding","execId":"f"}]}`))
	p := at(t, s)
	got, err := p.Executions(t.Context(), "BTCUSDT", since*1e6)
	var ids []string
	for _, r := range got {
		ids = append(ids, r.TradeID)
	}
	if err != nil || strings.Join(ids, "") != "abcd" {
		t.Errorf("%q, %v", ids, err)
	}
	const path = "GET /v5/execution/list?category=linear&symbol=BTCUSDT&startTime=%d&limit=100"
	first := asked(fmt.Sprintf(path, since))
	want(t, s, first, first+"&cursor=x", asked(fmt.Sprintf(path, since+week)))
	wantReport := protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTCUSDT", ClientID: "t1", VenueID: "v1",
		Side: hft.Buy, OrdType: hft.OrdTypeUnsupported, TradeID: "a", LastQty: 1, LastPrice: 2, Maker: true, Fee: 0.1,
		FeeAsset: "USDT", TimestampNs: (since + 3) * 1e6}
	if len(got) == 0 || got[0] != wantReport {
		t.Errorf("%+v, want %+v", got, wantReport)
	}
	if _, err := p.Executions(t.Context(), "BTCUSDT", 0); err != nil {
		t.Error(err)
	}
	want(t, s, asked(fmt.Sprintf(path, int64(testMs-week))), asked(fmt.Sprintf(path, int64(testMs))))
	s.script(ok(`{"list":[]}`), code(10016, ""))
	if got, err := p.Executions(t.Context(), "BTCUSDT", since*1e6); err == nil {
		t.Errorf("a part of the executions as if it were all: %v", got)
	}
}

func TestPositionsAndBalances(t *testing.T) {
	row := func(symbol, side, size string, idx int) answer {
		return ok(fmt.Sprintf(`{"nextPageCursor":"BTCUSDT%%2C1","category":"linear","list":[{"positionIdx":%d,"symbol":"%s","side":"%s","size":"%s","updatedTime":"1684738540561"}]}`, idx, symbol, side, size))
	}
	s := newServer(t, row("BTCUSDT", "Sell", "0.5", 0), row("ETHUSDT", "", "0", 0), ok(`{"list":[]}`))
	p := at(t, s)
	got, err := p.Positions(t.Context(), []string{"BTCUSDT", "ETHUSDT", "XRPUSDT"})
	wantPositions := []protocol.Position{{Symbol: "BTCUSDT", Qty: -0.5, TimestampNs: 1684738540561e6},
		{Symbol: "ETHUSDT", TimestampNs: 1684738540561e6}, {Symbol: "XRPUSDT"}}
	if err != nil || !slices.Equal(got, wantPositions) {
		t.Errorf("%+v, %v", got, err)
	}
	const path = "GET /v5/position/list?category=linear&symbol="
	want(t, s, path+"BTCUSDT", path+"ETHUSDT", path+"XRPUSDT")
	// What is wrong with one symbol is told of that one.
	s.script(row("BTCUSDT", "Sell", "0.5", 2), code(10001, "no such symbol"), row("ETHUSDT", "Buy", "2", 0))
	got, err = p.Positions(t.Context(), []string{"BTCUSDT", "OLDUSDT", "ETHUSDT"})
	if err != nil || len(got) != 3 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(),
		"BTCUSDT is in hedge mode") || got[0].Qty != 0 || protocol.CauseOf(got[1].Err) != protocol.Refused ||
		got[2].Qty != 2 || got[2].Err != nil {
		t.Errorf("hedge mode, and a symbol that is refused: %+v, %v", got, err)
	}
	s.script(row("BTCUSDT", "Sell", "0.5", 0), code(10016, ""))
	if got, err := p.Positions(t.Context(), []string{"BTCUSDT", "ETHUSDT"}); protocol.CauseOf(err) != protocol.Unknown {
		t.Errorf("no answer about one of them: %+v, %v", got, err)
	}
	s.take()
	s.script(ok(`{"list":[{"accountType":"UNIFIED","coin":[{"coin":"USDT","walletBalance":"100","locked":"1","totalOrderIM":"2.5","totalPositionIM":"3"},{"coin":"BTC","walletBalance":"0.5"}]}]}`))
	balances, err := p.Balances(t.Context())
	if err != nil || !slices.Equal(balances, []protocol.Balance{{Asset: "USDT", Free: 93.5, Locked: 6.5},
		{Asset: "BTC", Free: 0.5}}) {
		t.Errorf("%+v, %v", balances, err)
	}
	want(t, s, "GET /v5/account/wallet-balance?accountType=UNIFIED")
}

func TestMarketQuestions(t *testing.T) {
	s := newServer(t, ok(`{"timeSecond":"1688639403","timeNano":"1688639403423213947"}`))
	p := at(t, s)
	if got, err := p.ServerTimeNs(t.Context()); err != nil || got != 1688639403423213947 {
		t.Errorf("%d, %v", got, err)
	}
	want(t, s, "GET /v5/market/time")
	for _, result := range []string{`{}`, `null`, `{"timeNano":"-1"}`, `{"timeNano":"x"}`, `[]`} {
		s.script(ok(result))
		if got, err := p.ServerTimeNs(t.Context()); err == nil {
			t.Errorf("%s is the time %d", result, got)
		}
	}
	s.take()
	const info = `{"category":"linear","list":[{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","settleCoin":"USDT",` +
		`"priceFilter":{"minPrice":"0.10","maxPrice":"1999999.80","tickSize":"0.10"},"lotSizeFilter":{"maxOrderQty":"1190.000","minOrderQty":"0.001","qtyStep":"0.001",` +
		`"postOnlyMaxOrderQty":"1190.000","maxMktOrderQty":"500.000","minNotionalValue":"5"}}],"nextPageCursor":""}`
	s.script(ok(info))
	filters, err := p.Filters(t.Context(), []string{"BTCUSDT"})
	wantFilters := []protocol.Filters{{Symbol: "BTCUSDT", Trading: true, TickSize: 0.1, LotSize: 0.001, MinQty: 0.001,
		MaxQty: 1190, MinNotional: 5, BaseAsset: "BTC", QuoteAsset: "USDT"}}
	if err != nil || !slices.Equal(filters, wantFilters) {
		t.Errorf("%+v, %v", filters, err)
	}
	want(t, s, "GET /v5/market/instruments-info?category=linear&symbol=BTCUSDT")
	s.script(ok(strings.Replace(info, "Trading", "PreLaunch", 1)))
	if filters, err := p.Filters(t.Context(), []string{"BTCUSDT"}); err != nil || filters[0].Trading {
		t.Errorf("%+v, %v", filters, err)
	}
	for _, a := range []answer{ok(`{"list":[]}`), code(10001, "symbol invalid"), ok(info)} {
		s.script(a)
		if filters, err := p.Filters(t.Context(), []string{"NONE&x=y"}); protocol.CauseOf(err) != protocol.Refused ||
			!strings.Contains(err.Error(), "NONE") {
			t.Errorf("%+v, %v", filters, err)
		}
	}
	s.script(ok(strings.Replace(info, "0.10\"}", "?\"}", 1)))
	if filters, err := p.Filters(t.Context(), []string{"BTCUSDT"}); err == nil {
		t.Errorf("%+v", filters)
	}
}

// TestPermissions: what `runner check` shows about keys that are good and bad.
func TestPermissions(t *testing.T) {
	const good = `{"readOnly":0,"permissions":{"ContractTrade":["Order","Position"],"Spot":[],"Wallet":[]},"ips":["10.0.0.1"],"deadlineDay":-2,"expiredAt":"","unified":0,"uta":1}`
	oneWay, hedge := ok(`{"list":[]}`), ok(`{"list":[{"symbol":"ETHUSDT","positionIdx":1}]}`)
	for _, c := range []struct {
		name, from, to string
		positions      answer
		problems       string
	}{
		{"good", "", "", oneWay, ""},
		{"read only", `"readOnly":0`, `"readOnly":1`, oneWay, "the key may not trade"},
		{"no orders", `"Order",`, ``, oneWay, "the key may not place orders"},
		{"no positions", `,"Position"`, ``, oneWay, "the key may not see positions"},
		{"withdrawals", `"Wallet":[]`, `"Wallet":["AccountTransfer","Withdraw"]`, oneWay,
			"the key may withdraw, which a strategy never needs"},
		{"any address", `"10.0.0.1"],"deadlineDay":-2`, `"*"],"deadlineDay":3`, oneWay,
			"the key may be used from any address and expires, 3 days are left"},
		{"ends soon", `"expiredAt":""`, `"expiredAt":"2023-11-17T22:13:20Z"`, oneWay, "3 days are left"},
		{"has ended", `"expiredAt":""`, `"expiredAt":"2023-11-10T22:13:20Z"`, oneWay, "0 days are left"},
		{"bound", `"expiredAt":""`, `"expiredAt":"1970-01-01T00:00:00Z"`, oneWay, ""},
		{"classic", `"uta":1`, `"uta":0`, oneWay, "only unified accounts are supported"},
		{"hedge", "", "", hedge, "hedge mode positions are not supported"},
	} {
		s := newServer(t, ok(strings.Replace(good, c.from, c.to, 1)), oneWay, c.positions)
		findings, err := at(t, s).Permissions(t.Context())
		var problems []string
		for _, f := range findings {
			if f.Problem != "" {
				problems = append(problems, f.Problem)
			}
			if f.What == "" || (f.Problem == "") != (f.Advice == "") {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if got := strings.Join(problems, ", "); err != nil || got != c.problems || len(findings) != 8 {
			t.Errorf("%s: %d findings, %q, %v", c.name, len(findings), got, err)
		}
		want(t, s, "GET /v5/user/query-api", "GET /v5/position/list?category=linear&settleCoin=USDT&limit=200",
			"GET /v5/position/list?category=linear&settleCoin=USDC&limit=200")
	}
	demo := newServer(t, code(10032, "Demo trading are not supported."), oneWay, hedge)
	if findings, err := at(t, demo).Permissions(t.Context()); err != nil || len(findings) != 4 ||
		findings[1].Problem == "" {
		t.Errorf("where the key is not told of: %+v, %v", findings, err)
	}
	if _, err := at(t, newServer(t, code(10003, "API key is invalid."))).
		Permissions(t.Context()); protocol.CauseOf(err) != protocol.Key {
		t.Error(err)
	}
}

func TestDeadMan(t *testing.T) {
	s := newServer(t, ok(`{}`))
	if err := at(t, s).ArmDeadMan(t.Context(), "BTCUSDT", 10*time.Second); !errors.Is(err, protocol.ErrUnsupported) {
		t.Error(err)
	}
	c := config()
	c.APIURL, c.DisconnectCancel = s.URL, true
	p := newProtocol(t, c)
	if err := p.ArmDeadMan(t.Context(), "BTCUSDT", 0); !errors.Is(err, protocol.ErrUnsupported) {
		t.Error(err)
	}
	for _, window := range []time.Duration{time.Second, time.Hour} {
		if err := p.ArmDeadMan(t.Context(), "BTCUSDT", window); protocol.CauseOf(err) != protocol.Refused ||
			err == nil {
			t.Error(err)
		}
	}
	want(t, s)
	if err := p.ArmDeadMan(t.Context(), "BTCUSDT", 40*time.Second); err != nil {
		t.Error(err)
	}
	want(t, s, `POST /v5/order/disconnected-cancel-all {"product":"DERIVATIVES","timeWindow":40}`)
	user, err := p.UserStream(t.Context())
	if err != nil || !strings.Contains(string(user.Hello[1]),
		`"order.linear","execution.linear","position.linear","wallet","dcp.future"`) {
		t.Errorf("%s, %v", user.Hello, err)
	}
}

// FuzzREST answers every question with what is fuzzed: nothing panics, and what is no JSON is an error.
func FuzzREST(f *testing.F) {
	for _, a := range []answer{ok(`{"list":[` + restOrder + `],"nextPageCursor":"x"}`), code(10006, "x"),
		ok(`{"timeNano":"1688639403423213947"}`),
		ok(`{"list":[{"symbol":"BTCUSDT","priceFilter":{},"lotSizeFilter":{}}]}`),
		ok(`{"permissions":{"Wallet":[]},"ips":["*"]}`)} {
		f.Add(a.status, []byte(a.body))
	}
	f.Add(403, []byte("<html>"))
	var status atomic.Int64
	var body atomic.Pointer[[]byte]
	c := config()
	var nowNs atomic.Int64
	c.NowNs = func() int64 { return nowNs.Add(int64(time.Hour)) } // no limit and no ban lasts
	c.HTTPClient = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(*body.Load())
		return w.Result(), nil
	})}
	p := newProtocol(f, c)
	f.Fuzz(func(t *testing.T, n int, text []byte) {
		status.Store(int64(100 + uint(n)%500))
		if n == 200 {
			status.Store(200)
		}
		body.Store(&text)
		_, err := p.ServerTimeNs(t.Context())
		o := anOrder()
		_, placed := p.Place(t.Context(), o)
		_, swept := p.CancelAll(t.Context(), "S")
		_, batch := p.CancelBatch(t.Context(), []*protocol.Order{o, o})
		for _, err := range []error{placed, p.Ask(t.Context(), "query", o), swept, batch, err} {
			if err == nil && status.Load() != 200 {
				t.Fatalf("HTTP %d is a success: %q", status.Load(), text)
			}
		}
		_, _ = p.Filters(t.Context(), []string{"BTCUSDT"})
		_, _ = p.Positions(t.Context(), []string{"BTCUSDT"})
		_, _ = p.Balances(t.Context())
		_, _ = p.Permissions(t.Context())
		_, _ = p.OpenOrders(t.Context(), "BTCUSDT")
		_, _ = p.Executions(t.Context(), "BTCUSDT", c.NowNs())
	})
}

// TestBatchInAnotherSequence: what a batch's answer says of one order is not taken for another.
func TestBatchInAnotherSequence(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"retCode":0,"retMsg":"OK","result":{"list":[{"orderId":"v2","orderLinkId":"t2"},{"orderId":"v1","orderLinkId":"t1"},{"orderId":"v3","orderLinkId":"t3"},{}]},` +
			`"retExtInfo":{"list":[{"code":0,"msg":"OK"},{"code":110001,"msg":"order not exists"},{"code":0,"msg":"OK"},{"code":110001,"msg":"order not exists"}]},"time":1}`))
	}))
	defer s.Close()
	c := slowConfig()
	c.APIURL = s.URL
	var orders []*protocol.Order
	for i := range 4 {
		orders = append(orders, &protocol.Order{Symbol: "BTCUSDT", ClientID: fmt.Sprintf("t%d", i+1)})
	}
	outcomes, err := newProtocol(t, c).CancelBatch(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{&protocol.Failure{Cause: protocol.Unknown}, &protocol.Failure{Cause: protocol.Unknown},
		nil, &protocol.Failure{Cause: protocol.Gone}} {
		if got := outcomes[i].Err; (got == nil) != (want == nil) ||
			got != nil && protocol.CauseOf(got) != protocol.CauseOf(want) {
			t.Errorf("order %d: %+v", i+1, outcomes[i])
		}
	}
}

type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// BenchmarkPlace is an order by REST over loopback until the acknowledgement, the server included.
func BenchmarkPlace(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"retCode":0,"retMsg":"OK","result":{"orderId":"v1","orderLinkId":"t1"},"retExtInfo":{},"time":1}`))
	}))
	defer s.Close()
	c := slowConfig()
	c.APIURL = s.URL
	p, o := newProtocol(b, c), anOrder()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Place(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPositionsOfManySymbols: more questions than this side's limit lets through in a second are all asked, by a venue
// that answers at once.
func TestPositionsOfManySymbols(t *testing.T) {
	t.Parallel()
	s := newServer(t, ok(`{"list":[]}`))
	c := config()
	c.APIURL, c.NowNs = s.URL, func() int64 { return time.Now().UnixNano() }
	p := newProtocol(t, c)
	symbols := make([]string, 60)
	for i := range symbols {
		symbols[i] = fmt.Sprintf("S%dUSDT", i)
	}
	positions, err := p.Positions(t.Context(), symbols)
	if err != nil || len(positions) != len(symbols) || len(s.take()) != len(symbols) {
		t.Errorf("%d positions, %v", len(positions), err)
	}
}
