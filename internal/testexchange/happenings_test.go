package testexchange_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// happen lets something happen to the account of the test on BTCUSDT.
func (c *client) happen(h venue.Happening) {
	c.Helper()
	h.Account = c.key
	if h.Symbol == "" {
		h.Symbol = btc
	}
	if err := c.Happen(c.venue, h); err != nil {
		c.Fatal(err)
	}
}

// kinds lists the venue's executions other than trades, and its funding.
func (c *client) kinds() (list []string) {
	c.Helper()
	s := c.state()
	for _, x := range s.Executions {
		if x.Kind != "" {
			list = append(list, fmt.Sprint(x.Kind, " ", x.Side, " ", x.Qty, " at ", x.Price))
		}
	}
	for _, f := range s.Funding {
		list = append(list, fmt.Sprint("funding ", f.Paid, " ", f.Asset))
	}
	return list
}

// forced pays funding of 100 ppm on a position of 4 and closes it in parts.
func forced() []venue.Happening {
	const price = "60000.00"
	return []venue.Happening{
		{Kind: "funding", RatePPM: 100, Price: price},
		{Kind: "adl", Qty: "1", Price: price},
		{Kind: "settlement", Qty: "1", Price: price},
		{Kind: "delivery", Qty: "0.5", Price: price},
		{Kind: "liquidation", Price: "50000.00"},
	}
}

func TestFuturesHappenings(t *testing.T) {
	c := futures(t, nil)
	c.ok("POST", order, limit("BUY", "4", "60000.20", "GTC", "a"))
	c.ok("POST", order, limit("BUY", "1", "59000.00", "GTC", "rests"))
	u := c.user("/private/ws/")
	for _, h := range forced() {
		c.happen(h)
	}
	c.happen(venue.Happening{Kind: "deposit", Asset: "USDT", Amount: "5"})
	c.happen(venue.Happening{Kind: "deposit", Asset: "USDT", Amount: "-7.5"})
	c.happen(venue.Happening{Kind: "leverage", Leverage: 3})
	c.ok("POST", order, limit("SELL", "0.5", "60000.00", "GTC", "b"))
	u.orderEvents()
	c.happen(venue.Happening{Kind: "margin_call"})
	var calls []string
	for _, e := range u.drain() {
		calls = append(calls, fmt.Sprint(e.text("e"), " ", e.list("p")[0].text("pa"), " ", e.list("p")[0].text("ps")))
	}
	equal(t, calls, "MARGIN_CALL -0.500 BOTH")
	equal(t, c.kinds(), "adl Sell 1.000 at 60000.00", "settlement Sell 1.000 at 60000.00",
		"delivery Sell 0.500 at 60000.00",
		"liquidation Sell 1.500 at 50000.00", "funding 24.00000000 USDT")

	rows := c.do("GET", "/fapi/v1/income", form("incomeType", "FUNDING_FEE", "symbol", btc, "limit", "10"), true)
	if !strings.Contains(string(rows.body), `"income":"-24.00000000","asset":"USDT","info":"FUNDING_FEE"`) {
		t.Errorf("income: %s", rows.body)
	}
	trades := c.do("GET", "/fapi/v1/userTrades", form("symbol", btc), true)
	if n := strings.Count(string(trades.body), `"orderId"`); n != 6 {
		t.Errorf("%d trades, want 6 without funding: %s", n, trades.body)
	}
	mode := venue.Happening{Kind: "hedge", Account: c.key, Hedge: true}
	if err := c.Happen(c.venue, mode); err == nil {
		t.Error("the position mode has changed with a position")
	}
	c.happen(venue.Happening{Kind: "liquidation"})
	c.happen(mode)
	c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "l")+"&positionSide=LONG")
	c.happen(venue.Happening{Kind: "liquidation", Side: "long"})
}

// TestFuturesHappeningsStream takes the events of the stream one by one.
func TestFuturesHappeningsStream(t *testing.T) {
	c := futures(t, nil)
	c.ok("POST", order, limit("BUY", "4", "60000.20", "GTC", "a"))
	c.ok("POST", order, limit("BUY", "1", "59000.00", "GTC", "rests"))
	u := c.user("/private/ws/")
	event := func(h venue.Happening) (list []string) {
		t.Helper()
		c.happen(h)
		for _, e := range u.drain() {
			switch a, o := e.object("a"), e.object("o"); e.text("e") {
			case "ACCOUNT_UPDATE":
				change := a.list("B")[0]
				list = append(list, fmt.Sprint(a.text("m"), " ", change.text("bc"), " ", len(a.list("P"))))
			case "ORDER_TRADE_UPDATE":
				id := strings.TrimRight(o.text("c"), "0123456789")
				list = append(list, fmt.Sprint(id, " ", o.text("o"), " ", o.text("x"), "/", o.text("X"), " ",
					o.text("l"), " ", o["er"]))
			case "ACCOUNT_CONFIG_UPDATE":
				list = append(list, "leverage "+e.object("ac").text("l"))
			default:
				list = append(list, e.text("e"))
			}
		}
		return list
	}
	h := forced()
	equal(t, event(h[0]), "FUNDING_FEE -24.00000000 0")
	equal(t, event(h[1]), "adl_autoclose LIQUIDATION NEW/NEW 0 <nil>", "ORDER 0 1",
		"adl_autoclose LIQUIDATION CALCULATED/FILLED 1.000 <nil>")
	equal(t, event(h[2]), "settlement_autoclose- LIMIT NEW/NEW 0 <nil>", "ORDER 0 1",
		"settlement_autoclose- LIMIT TRADE/FILLED 1.000 <nil>")
	equal(t, event(h[3]), "delivery_autoclose- LIMIT NEW/NEW 0 <nil>", "ORDER 0 1",
		"delivery_autoclose- LIMIT TRADE/FILLED 0.500 <nil>")
	equal(t, event(h[4]), "rests LIMIT EXPIRED/EXPIRED 0 5", "autoclose- LIQUIDATION NEW/NEW 0 <nil>", "ORDER 0 1",
		"autoclose- LIQUIDATION CALCULATED/FILLED 1.500 <nil>")
	equal(t, event(venue.Happening{Kind: "deposit", Asset: "USDT", Amount: "5"}), "DEPOSIT 5.00000000 0")
	equal(t, event(venue.Happening{Kind: "deposit", Asset: "USDT", Amount: "-7.5"}), "WITHDRAW -7.50000000 0")
	equal(t, event(venue.Happening{Kind: "leverage", Leverage: 3}), "leverage 3")
}

func TestBybitHappenings(t *testing.T) {
	c := linear(t, nil)
	c.create(linearOrder("Buy", "4", "60000.2", "GTC", "a"))
	c.create(linearOrder("Buy", "1", "59000", "GTC", "rests"))
	u := c.logOn("/v5/private")
	u.follow("order", "execution", "position", "wallet")
	event := func(h venue.Happening) (list []string) {
		t.Helper()
		c.happen(h)
		for _, o := range u.heard() {
			for _, r := range o.list("data") {
				switch o.text("topic") {
				case "execution":
					list = append(list, fmt.Sprint(r.text("execType"), " ", r.text("side"), " ", r.text("execQty"),
						" fee ",
						r.text("execFee"), " ", r.text("orderLinkId")))
				case "order":
					list = append(list, fmt.Sprint(r.text("createType"), " ", r.text("orderStatus"), " ",
						r.text("cancelType")))
				case "position":
					list = append(list, "position "+r.text("size"))
				default:
					list = append(list, o.text("topic"))
				}
			}
		}
		return list
	}
	h := forced()
	equal(t, event(h[0]), "Funding Buy 4.000 fee 24.00000000 ", "wallet")
	equal(t, event(h[1]), "AdlTrade Sell 1.000 fee 33.00000000 ",
		"CreateByAdl_PassThrough New UNKNOWN", "CreateByAdl_PassThrough Filled UNKNOWN",
		"position 3.000", "wallet")
	equal(t, event(h[2]), "Settle Sell 1.000 fee 33.00000000 ", "CreateBySettle New UNKNOWN",
		"CreateBySettle Filled UNKNOWN", "position 2.000", "wallet")
	equal(t, event(h[3]), "Delivery Sell 0.500 fee 16.50000000 ", "CreateBySettle New UNKNOWN",
		"CreateBySettle Filled UNKNOWN", "position 1.500", "wallet")
	equal(t, event(h[4]), "BustTrade Sell 1.500 fee 41.25000000 ",
		"CreateByUser Cancelled CancelAllBeforeLiq", "CreateByLiq New UNKNOWN",
		"CreateByLiq Filled UNKNOWN", "position 0", "wallet")
	equal(t, event(venue.Happening{Kind: "deposit", Asset: "USDT", Amount: "5"}), "wallet")
	list := c.done("GET", "/v5/execution/list", "category=linear&symbol=BTCUSDT").list("list")
	var types []string
	for _, r := range list {
		types = append(types, r.text("execType"))
	}
	equal(t, types, "BustTrade", "Delivery", "Settle", "AdlTrade", "Funding", "Trade")
	equal(t, c.kinds(), "adl Sell 1.000 at 60000.00", "settlement Sell 1.000 at 60000.00",
		"delivery Sell 0.500 at 60000.00",
		"liquidation Sell 1.500 at 50000.00", "funding 24.00000000 USDT")
}

func TestSpotHappenings(t *testing.T) {
	c := spot(t, nil)
	u := c.session()
	c.happen(venue.Happening{Kind: "deposit", Asset: "BTC", Amount: "0.5"})
	equal(t, u.reports(), "balanceUpdate", "[map[a:BTC f:10.50000000 l:0.00000000]]")
	for _, h := range []venue.Happening{{Kind: "liquidation", Symbol: btc}, {Kind: "funding", Symbol: btc},
		{Kind: "deposit", Asset: "BTC", Amount: "-11"},
		{Kind: "deposit", Asset: "BTC", Amount: "much"}} {
		h.Account = c.key
		if err := c.Happen(c.venue, h); err == nil {
			t.Errorf("%+v is done", h)
		}
	}
}

func TestHappeningsThatCannotBe(t *testing.T) {
	c := futures(t, func(c *testexchange.Config) { c.OnlySymbols = []string{btc} })
	c.ok("POST", order, limit("BUY", "1", "60000.20", "GTC", "a"))
	before := c.state()
	for _, h := range []venue.Happening{{Kind: "liquidation", Symbol: "ETHUSDT"}, {Kind: "liquidation", Symbol: btc,
		Qty: "2"},
		{Kind: "liquidation", Symbol: btc, Qty: "x"}, {Kind: "adl", Symbol: btc, Price: "-1"}, {Kind: "trade",
			Symbol: btc}, {Kind: "", Symbol: btc},
		{Kind: "adl", Symbol: btc, Side: "up"}, {Kind: "margin_call", Symbol: btc, Side: "long"}, {Kind: "leverage",
			Symbol: btc},
		{Kind: "liquidation", Symbol: btc, Account: "nobody"}} {
		if h.Account == "" {
			h.Account = c.key
		}
		if err := c.Happen(c.venue, h); err == nil {
			t.Errorf("%+v is done", h)
		}
	}
	if after := c.state(); len(after.Executions) != len(before.Executions) ||
		after.Positions[0] != before.Positions[0] {
		t.Errorf("something has changed: %+v", after)
	}
	// The same over HTTP, as another process requests it.
	for body, want := range map[string]int{`{"kind":"funding","symbol":"BTCUSDT","ratePpm":100}`: 200,
		`{"kind":"funding"}`: 400, `{"what":1}`: 400} {
		r, err := c.http.Post(c.HTTPURL(c.venue)+"/admin/account", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close() // nothing is read
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, want)
		}
	}
}

// TestExecutionsSince: with a time the list begins with the first execution since then, without one it ends with the
// last.
func TestExecutionsSince(t *testing.T) {
	for path, c := range map[string]*client{"/fapi/v1/userTrades": futures(t, nil), "/api/v3/myTrades": spot(t, nil)} {
		orders := order
		if strings.Contains(path, "api/v3") {
			orders = spotOrder
		}
		for _, id := range []string{"a", "b", "c"} {
			c.ok("POST", orders, limit("BUY", "0.01", "60000.20", "GTC", id))
		}
		ids := func(params string) (list []string) {
			t.Helper()
			r := c.do("GET", path, params, true)
			var rows []object
			if err := json.Unmarshal(r.body, &rows); err != nil {
				t.Fatalf("%s: %v", r.body, err)
			}
			for _, row := range rows {
				list = append(list, fmt.Sprint(row.int("orderId")))
			}
			return list
		}
		all := ids(form("symbol", btc))
		first, last := ids(form("symbol", btc, "limit", "2", "startTime", "1")), ids(form("symbol", btc, "limit", "2"))
		if len(all) != 3 || !slices.Equal(first, all[:2]) || !slices.Equal(last, all[1:]) {
			t.Errorf("%s: %v, since a time %v, without %v", path, all, first, last)
		}
	}
}
