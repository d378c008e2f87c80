package binancespot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

func TestServerTime(t *testing.T) {
	p, f := answering(t, 200, `{"serverTime":1760000000123}`)
	if ns, err := p.ServerTimeNs(context.Background()); err != nil || ns != 1760000000123000000 {
		t.Errorf("%d, %v", ns, err)
	}
	if asked := f.asked(); len(asked) != 1 || asked[0] != "GET /api/v3/time " {
		t.Errorf("asked %q", asked)
	}
	for _, body := range []string{`{}`, `{"serverTime":"x"}`, `<html>`} {
		p, _ := answering(t, 200, body)
		if ns, err := p.ServerTimeNs(context.Background()); err == nil {
			t.Errorf("%s: %d", body, ns)
		}
	}
}

// TestClockOffset: the venue's time and the window go with signed requests.
func TestClockOffset(t *testing.T) {
	f := &fake{t: t, answer: func(*request) (int, string) { return 200, `[]` }}
	c := config(f)
	c.RecvWindow = 2500 * time.Millisecond
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetClockOffset(-1500 * time.Millisecond)
	if _, err := p.OpenOrders(context.Background(), "BTCUSDT"); err != nil {
		t.Fatal(err)
	}
	if got := f.requests[0].params; got.Get("timestamp") != "1699999998500" || got.Get("recvWindow") != "2500" {
		t.Errorf("%v", got)
	}
}

func TestFilters(t *testing.T) {
	p, f := answering(t, 200, string(datatest.Messages(t, "binance-spot/rest_exchangeInfo.json")))
	got, err := p.Filters(context.Background(), []string{"ETHBTC"})
	want := protocol.Filters{Symbol: "ETHBTC", Trading: true, TickSize: 0.00001, LotSize: 0.0001, MinQty: 0.0001,
		MaxQty: 100000, MinNotional: 0.0001, BaseAsset: "ETH", QuoteAsset: "BTC", Spot: true}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%v, %+v, want %+v", err, got, want)
	}
	if asked := f.asked(); len(asked) != 1 || asked[0] != `GET /api/v3/exchangeInfo symbols=%5B%22ETHBTC%22%5D` {
		t.Errorf("asked %q", asked)
	}
	if _, err := p.Filters(context.Background(), []string{"ETHBTC",
		"NONESUCH"}); protocol.CauseOf(err) != protocol.Refused || !strings.Contains(err.Error(), "NONESUCH") {
		t.Errorf("a symbol that the venue does not know: %v", err)
	}

	const older = `{"symbols":[{"symbol":"B","status":"BREAK","filters":[{"filterType":"MIN_NOTIONAL","minNotional":"10.5"},{"filterType":"NEW"},7]},` +
		`{"symbol":"A","status":"TRADING","filters":null}]}`
	p, _ = answering(t, 200, older)
	got, err = p.Filters(context.Background(), []string{"A", "B"})
	if err != nil || !slices.Equal(got, []protocol.Filters{{Symbol: "A", Trading: true, Spot: true},
		{Symbol: "B", MinNotional: 10.5, Spot: true}}) {
		t.Errorf("%v, %+v", err, got)
	}
	p, _ = answering(t, 400, `{"code":-1121,"msg":"Invalid symbol."}`)
	if _, err := p.Filters(context.Background(), []string{"A"}); protocol.CauseOf(err) != protocol.Refused ||
		!strings.Contains(err.Error(), "filters of A") {
		t.Errorf("%v", err)
	}
}

func TestSnapshot(t *testing.T) {
	p, f := answering(t, 200, string(datatest.Messages(t, "binance-spot/rest_depth_snapshot.json")))
	text, err := p.Snapshot(context.Background(), "BTCUSDT")
	if err != nil {
		t.Fatal(err)
	}
	var m connector.Message
	if err := p.NewDecoder().Decode(5, text, &m); err != nil || m.Kind != connector.MessageSnapshot ||
		m.LastID != 50093239218 || len(m.Events) < 100 {
		t.Errorf("%v, kind %d, %d, %d rows", err, m.Kind, m.LastID, len(m.Events))
	}
	if asked := f.asked(); len(asked) != 1 || asked[0] != "GET /api/v3/depth limit=1000&symbol=BTCUSDT" {
		t.Errorf("asked %q", asked)
	}
}

func TestBalances(t *testing.T) {
	p, f := answering(t, 200, `{"canTrade":true,"balances":[{"asset":"BTC","free":"0.5","locked":"0.25"},{"asset":"ETH","free":"0.0","locked":"0"}]}`)
	got, err := p.Balances(context.Background())
	if err != nil || !slices.Equal(got, []protocol.Balance{{Asset: "BTC", Free: 0.5, Locked: 0.25}}) {
		t.Errorf("%v, %+v", err, got)
	}
	if asked := f.asked(); len(asked) != 1 || asked[0] != "GET /api/v3/account omitZeroBalances=true" {
		t.Errorf("asked %q", asked)
	}
	p, _ = answering(t, 200, string(datatest.Messages(t, "binance-spot/rest_account.json")))
	if _, err := p.Balances(context.Background()); err != nil {
		t.Error(err)
	}
	for _, body := range []string{`{}`, `[]`, `{"balances":[{"asset":"BTC","free":"x"}]}`} {
		p, _ = answering(t, 200, body)
		if got, err := p.Balances(context.Background()); err == nil || got != nil {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestNeitherPositionsNorDeadMan(t *testing.T) {
	p, f := answering(t, 200, "{}")
	if got, err := p.Positions(context.Background(), []string{"BTCUSDT"}); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if err := p.ArmDeadMan(context.Background(), "BTCUSDT", time.Minute); !errors.Is(err, protocol.ErrUnsupported) {
		t.Error(err)
	}
	if asked := f.asked(); asked != nil {
		t.Errorf("asked %q", asked)
	}
}

func TestExecutions(t *testing.T) {
	row := func(id int) string {
		return `{"symbol":"BTCUSDT","id":` + strconv.Itoa(id) + `,"orderId":9007199254740993,"orderListId":-1,"price":"4.5","qty":"12","quoteQty":"54",` +
			`"commission":"10.1","commissionAsset":"BNB","time":1499865549590,"isBuyer":` + strconv.FormatBool(id%2 == 0) + `,"isMaker":true,"isBestMatch":true}`
	}
	const total = 2300
	p, f := answering(t, 200, "")
	f.answer = func(r *request) (int, string) {
		first := 1
		if from := r.params.Get("fromId"); from != "" {
			first, _ = strconv.Atoi(from)
		}
		var rows []string
		for id := first; id <= min(total, first+999); id++ {
			rows = append(rows, row(id))
		}
		return 200, "[" + strings.Join(rows, ",") + "]"
	}
	got, err := p.Executions(context.Background(), "BTCUSDT", 1499865549000999999)
	if err != nil || len(got) != total {
		t.Fatalf("%v, %d executions", err, len(got))
	}
	want := protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTCUSDT", VenueID: "9007199254740993",
		Side: hft.Sell, TradeID: "1", LastQty: 12, LastPrice: 4.5, LastValue: 54, Maker: true, Fee: 10.1,
		FeeAsset: "BNB", TimestampNs: 1499865549590000000}
	if got[0] != want {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	for i := range got {
		if got[i].TradeID != strconv.Itoa(i+1) || got[i].Side != hft.Side(2*((i+1)%2^1)-1) {
			t.Fatalf("execution %d is %+v", i, got[i])
		}
	}
	asked := f.asked()
	if want := []string{"GET /api/v3/myTrades limit=1000&startTime=1499865549000&symbol=BTCUSDT",
		"GET /api/v3/myTrades fromId=1001&limit=1000&symbol=BTCUSDT",
		"GET /api/v3/myTrades fromId=2001&limit=1000&symbol=BTCUSDT"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}

	same := "[" + strings.Repeat(row(1)+",", 999) + row(1) + "]"
	for _, body := range []string{`{}`, `[{}]`, `[` + strings.Replace(row(1), `"4.5"`, `"x"`, 1) + `]`, same,
		"[" + row(2) + "," + row(1) + "]"} {
		f.answer = func(*request) (int, string) { return 200, body }
		if got, err := p.Executions(context.Background(), "BTCUSDT", 0); protocol.CauseOf(err) != protocol.Unknown ||
			err == nil || got != nil {
			t.Errorf("%s: %v, %v", body, err, got)
		}
	}
}

func TestPermissions(t *testing.T) {
	const limits = `[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100,"count":3},{"rateLimitType":"ORDERS","interval":"DAY",` +
		`"intervalNum":1,"limit":200000,"count":4}]`
	account := `{"canTrade":true,"accountType":"SPOT","commissionRates":{"maker":"0.00100000","taker":"0.00150000"},"balances":[]}`
	restrictions := `{"ipRestrict":true,"enableReading":true,"enableWithdrawals":false,"enableSpotAndMarginTrading":true}`
	p, f := answering(t, 200, "")
	f.answer = func(r *request) (int, string) {
		switch r.path {
		case "/api/v3/account":
			return 200, account
		case "/sapi/v1/account/apiRestrictions":
			return 200, restrictions
		}
		return 200, limits
	}
	findings, err := p.Permissions(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", findings)
	for _, want := range []string{"HMAC", "SPOT", "maker 0.1 %, taker 0.15 %",
		"100 orders of the account per 10s, 3 used", "200000 orders", "4 used", "dead-man", "base asset"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	for _, finding := range findings {
		if finding.Problem != "" || finding.Advice != "" {
			t.Errorf("all is well: %+v", finding)
		}
	}
	if strings.Contains(text, testSecret) {
		t.Error("the secret shows")
	}

	c := config(f)
	c.OrdersPer10s = 101
	greedy, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer greedy.Close()
	findings, err = greedy.Permissions(context.Background())
	if i := slices.IndexFunc(findings,
		func(f connector.Finding) bool { return f.Problem != "" && f.Advice != "" }); err != nil || i < 0 ||
		!strings.Contains(findings[i].Problem, "101") {
		t.Errorf("%v, %+v", err, findings)
	}

	account = `{"canTrade":false}`
	findings, err = p.Permissions(context.Background())
	if i := slices.IndexFunc(findings,
		func(f connector.Finding) bool { return f.Problem != "" && f.Advice != "" }); err != nil || i < 0 ||
		findings[i].What != "trading" {
		t.Errorf("%v, %+v", err, findings)
	}
	f.answer = func(*request) (int, string) {
		return 401, `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`
	}
	if _, err := p.Permissions(context.Background()); protocol.CauseOf(err) != protocol.Key || err == nil {
		t.Error(err)
	}
}

// TestWithoutKey: market data needs none, everything else says so and sends nothing.
func TestWithoutKey(t *testing.T) {
	ctx := context.Background()
	f := &fake{t: t, answer: func(*request) (int, string) { return 200, `{"serverTime":1}` }}
	c := config(f)
	c.APIKey, c.Secret, c.WSAPIURL, c.OrderEntry = "", "", "", "ws"
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.ServerTimeNs(ctx); err != nil {
		t.Error(err)
	}
	f.asked()
	if findings, err := p.Permissions(ctx); err != nil || len(findings) != 1 ||
		!strings.Contains(findings[0].Value, "none") {
		t.Errorf("%v, %v", findings, err)
	}
	for name, ask := range map[string]func() error{
		"user stream": func() error { _, err := p.UserStream(ctx); return err },
		"place":       func() error { _, err := p.Place(ctx, limitOrder()); return err },
		"cancel":      func() error { _, err := p.Cancel(ctx, limitOrder()); return err },
		"query":       func() error { _, err := p.QueryOrder(ctx, limitOrder()); return err },
		"cancel all":  func() error { _, err := p.CancelAll(ctx, "BTCUSDT"); return err },
		"open orders": func() error { _, err := p.OpenOrders(ctx, "BTCUSDT"); return err },
		"executions":  func() error { _, err := p.Executions(ctx, "BTCUSDT", 0); return err },
		"balances":    func() error { _, err := p.Balances(ctx); return err },
	} {
		if err := ask(); protocol.CauseOf(err) != protocol.Key || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked := f.asked(); asked != nil {
		t.Errorf("asked %q", asked)
	}
}

// TestCauses holds every error code that the venue may answer an order with to what it means.
func TestCauses(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		cause  protocol.Cause
	}{
		{400, `{"code":-1000,"msg":"An unknown error occurred while processing the request."}`, protocol.Unknown},
		{400, `{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}`,
			protocol.Unknown},
		{401, `{"code":-1002,"msg":"You are not authorized to execute this request."}`, protocol.Key},
		{429, `{"code":-1003,"msg":"Too much request weight used"}`, protocol.Weight},
		{418, `{"code":-1003,"msg":"Way too much request weight used; IP banned until 1700000060000."}`,
			protocol.Banned},
		{400, `{"code":-1006,"msg":"Execution status unknown."}`, protocol.Unknown},
		{400, `{"code":-1007,"msg":"Send status unknown; execution status unknown."}`, protocol.Unknown},
		{400, `{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}`, protocol.Overloaded},
		{400, `{"code":-1013,"msg":"Filter failure: PERCENT_PRICE_BY_SIDE"}`, protocol.Refused},
		{400, `{"code":-1015,"msg":"Too many new orders"}`, protocol.OrderRate},
		{503, `{"code":-1016,"msg":"This service is no longer available."}`, protocol.Overloaded},
		{400, `{"code":-1021,"msg":"Timestamp for this request was 1000ms ahead of the server's time."}`,
			protocol.ClockOff},
		{400, `{"code":-1022,"msg":"Signature for this request is not valid."}`, protocol.Key},
		{400, `{"code":-1034,"msg":"Too many concurrent connections."}`, protocol.Weight},
		{400, `{"code":-1100,"msg":"Illegal characters found in a parameter."}`, protocol.Refused},
		{400, `{"code":-1102,"msg":"Mandatory parameter 'price' was not sent"}`, protocol.Refused},
		{400, `{"code":-1106,"msg":"Parameter 'timeInForce' sent when not required."}`, protocol.Refused},
		{400, `{"code":-1111,"msg":"Parameter 'price' has too much precision."}`, protocol.Refused},
		{400, `{"code":-1121,"msg":"Invalid symbol."}`, protocol.Refused},
		{400, `{"code":-2010,"msg":"Order would immediately match and take."}`, protocol.WouldTake},
		{400, `{"code":-2010,"msg":"Account has insufficient balance for requested action."}`, protocol.Refused},
		{400, `{"code":-2010,"msg":"Duplicate order sent."}`, protocol.DuplicateID},
		{400, `{"code":-2010,"msg":"Market is closed."}`, protocol.Refused},
		{400, `{"code":-2010,"msg":"This symbol is not permitted for this account."}`, protocol.Refused},
		{400, `{"code":-2010,"msg":"This action is disabled on this account."}`, protocol.Key},
		{400, `{"code":-2010,"msg":"Rest API trading is not enabled."}`, protocol.Key},
		{400, `{"code":-2011,"msg":"Unknown order sent."}`, protocol.Gone},
		{400, `{"code":-2011,"msg":"Order was not canceled due to cancel restrictions."}`, protocol.NoChange},
		{400, `{"code":-2013,"msg":"Order does not exist."}`, protocol.NotFound},
		{401, `{"code":-2014,"msg":"API-key format invalid."}`, protocol.Key},
		{401, `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`, protocol.Key},
		{400, `{"code":-2021,"msg":"Order cancel-replace partially failed."}`, protocol.Unknown},
		{400, `{"code":-2022,"msg":"Order cancel-replace failed."}`, protocol.Unknown},
		{400, `{"code":-2026,"msg":"Order was canceled or expired with no executed qty over 90 days ago and has been archived."}`, protocol.NotFound},
		{400, `{"code":-2038,"msg":"Order amend is not supported for this symbol."}`, protocol.NoChange},
		{400, `{"code":-9999,"msg":"something of next year"}`, protocol.Refused},
		{500, `{"code":-9999,"msg":"something of next year"}`, protocol.Unknown},
		{403, `<html><body>403 Forbidden</body></html>`, protocol.Banned},
		{502, `<html>Bad Gateway</html>`, protocol.Unknown},
		{504, ``, protocol.Unknown},
		{410, `{}`, protocol.Refused},
	} {
		p, _ := answering(t, c.status, c.body)
		_, err := p.QueryOrder(context.Background(), limitOrder())
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != c.cause {
			t.Errorf("HTTP %d %s: %v, want %v", c.status, c.body, err, c.cause)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	p, f := answering(t, 429, `{"code":-1003,"msg":"Too much request weight used"}`)
	f.header = http.Header{"Retry-After": {"30"}}
	_, err := p.Balances(context.Background())
	var failure *protocol.Failure
	if !errors.As(err, &failure) || failure.RetryAt.UnixNano() != testTimeNs+30e9 {
		t.Errorf("%v, %+v", err, failure)
	}
}

// TestBudget: what the account may not send is not sent, and cancels still are.
func TestBudget(t *testing.T) {
	f := &fake{t: t, answer: func(*request) (int, string) { return 200, placedText }}
	c := config(f)
	c.OrdersPer10s = 3
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range 5 {
		_, err := p.Place(context.Background(), limitOrder())
		if refused := i >= 3; refused != (protocol.CauseOf(err) == protocol.OrderRate) || refused != (err != nil) {
			t.Errorf("order %d: %v", i, err)
		}
	}
	if _, err := p.Cancel(context.Background(), limitOrder()); err != nil {
		t.Error(err)
	}
	if asked := f.asked(); len(asked) != 4 || !strings.HasPrefix(asked[3], "DELETE") {
		t.Errorf("asked %q", asked)
	}
}
