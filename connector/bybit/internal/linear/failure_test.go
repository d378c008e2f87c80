package linear_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

func anOrder() *protocol.Order {
	return &protocol.Order{Symbol: "BTCUSDT", ClientID: "t1", Side: hft.Buy, OrdType: hft.Limit, TimeInForce: hft.GTX,
		Price: "30000", Qty: "0.001", PrevPrice: "29999", PrevQty: "0.001"}
}

var kinds = []string{"place", "amend", "cancel", "query"}

// TestCodes is the table of the venue's codes: what each means for a placement, an amendment, a cancel and a question.
func TestCodes(t *testing.T) {
	same := func(c protocol.Cause) [4]protocol.Cause { return [4]protocol.Cause{c, c, c, c} }
	rate := [4]protocol.Cause{protocol.OrderRate, protocol.OrderRate, protocol.OrderRate, protocol.Weight}
	gone := [4]protocol.Cause{protocol.Gone, protocol.Gone, protocol.Gone, protocol.NotFound}
	for _, c := range []struct {
		codes []int
		want  [4]protocol.Cause
	}{
		{[]int{10000, 10016, 10014, 424242}, same(protocol.Unknown)},
		{[]int{10001}, [4]protocol.Cause{protocol.Refused, protocol.NoChange, protocol.Refused, protocol.Refused}},
		{[]int{10002}, same(protocol.ClockOff)},
		{[]int{10003, 10004, 10005, 10007, 10010, 10024, 10027, 33004}, same(protocol.Key)},
		{[]int{10006, 20003}, rate},
		{[]int{10018, 10403}, same(protocol.Weight)},
		{[]int{10429, 10019}, same(protocol.Overloaded)},
		{[]int{10009}, same(protocol.Banned)},
		{[]int{10017, 10029, 10404, 20006}, same(protocol.Refused)},
		{[]int{110001, 110008, 110010}, gone},
		{[]int{110003, 110004, 110006, 110007, 110012, 110044, 110045, 110052, 110009, 110017, 110020, 110021, 110023,
			110032, 110040, 110041, 110063, 110066, 110074, 110090, 110092, 110093, 110094, 110095, 110103, 110120,
			110121, 110999}, same(protocol.Refused)},
		{[]int{110043, 110064}, same(protocol.NoChange)},
		{[]int{110072}, same(protocol.DuplicateID)},
		{[]int{110079}, [4]protocol.Cause{protocol.Overloaded, protocol.NoChange, protocol.Overloaded,
			protocol.Overloaded}},
	} {
		for _, n := range c.codes {
			for i, kind := range kinds {
				s := newServer(t, code(n, "what the venue says"))
				err := at(t, s).Ask(t.Context(), kind, anOrder())
				var f *protocol.Failure
				if !errors.As(err, &f) || f.Cause != c.want[i] || f.Code != n ||
					!strings.Contains(f.Msg, "what the venue says") {
					t.Errorf("%s, %d: %v, want %v", kind, n, err, c.want[i])
				}
			}
		}
	}
}

// TestAnswersThatAreNone: HTTP errors and texts that are not the venue's.
func TestAnswersThatAreNone(t *testing.T) {
	const html = "<html><body>The Amazon CloudFront distribution is configured to block access</body></html>"
	minutes := func(n int) time.Time { return time.UnixMilli(testMs).Add(time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		name    string
		answer  answer
		cause   protocol.Cause
		retryAt time.Time
	}{
		{"403 in HTML", answer{status: 403, body: html}, protocol.Banned, minutes(0).Add(2 * time.Second)},
		{"403 with a short pause", answer{status: 403, body: html, header: map[string]string{"Retry-After": "60"}},
			protocol.Banned, minutes(1)},
		{"403 with a longer pause", answer{status: 403, body: html, header: map[string]string{"Retry-After": "1200"}},
			protocol.Banned, minutes(20)},
		{"403 with a code", answer{status: 403, body: `{"retCode":10029,"retMsg":"symbol"}`}, protocol.Refused,
			time.Time{}},
		{"418", answer{status: 418, body: "banned", header: map[string]string{"Retry-After": "1200"}}, protocol.Banned,
			minutes(20)},
		{"401 without a body", answer{status: 401}, protocol.Key, time.Time{}},
		{"401 with a code", answer{status: 401, body: `{"retCode":10002,"retMsg":"time"}`}, protocol.ClockOff,
			time.Time{}},
		{"404", answer{status: 404, body: "404 page not found"}, protocol.Refused, time.Time{}},
		{"429", answer{status: 429, body: "slow down", header: map[string]string{"Retry-After": "60"}}, protocol.Weight,
			minutes(1)},
		{"408", answer{status: 408, body: html}, protocol.Unknown, time.Time{}},
		{"301", answer{status: 301, body: html, header: map[string]string{"Location": "http://127.0.0.1:1/steal"}},
			protocol.Refused, time.Time{}},
		{"500", answer{status: 500}, protocol.Unknown, time.Time{}},
		{"502 in HTML", answer{status: 502, body: html}, protocol.Unknown, time.Time{}},
		{"503 with code 0", answer{status: 503, body: `{"retCode":0}`}, protocol.Unknown, time.Time{}},
		{"HTML", answer{status: 200, body: html}, protocol.Unknown, time.Time{}},
		{"nothing", answer{status: 200}, protocol.Unknown, time.Time{}},
		{"an array", answer{status: 200, body: `[]`}, protocol.Unknown, time.Time{}},
		{"no code", answer{status: 200, body: `{"retMsg":"OK"}`}, protocol.Unknown, time.Time{}},
		{"a code that is none", answer{status: 200, body: `{"retCode":"soon"}`}, protocol.Unknown, time.Time{}},
		{"half of an answer", answer{status: 200, body: `{"retCode":0,"result":{`}, protocol.Unknown, time.Time{}},
		{"nested without end", answer{status: 200, body: strings.Repeat("[", 100000)}, protocol.Unknown, time.Time{}},
		{"too long", answer{status: 200, body: `{"retCode":0,"x":"` + strings.Repeat("x", 9<<20) + `"}`},
			protocol.Unknown, time.Time{}},
		{"cut off", answer{status: 200, body: `{"retCode":0}`, header: map[string]string{"Content-Length": "50"}},
			protocol.Unknown, time.Time{}},
	} {
		for _, kind := range kinds {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range c.answer.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.answer.status)
				_, _ = io.WriteString(w, c.answer.body) // the client may have hung up
			}))
			cfg := config()
			cfg.APIURL = s.URL
			err := newProtocol(t, cfg).Ask(t.Context(), kind, anOrder())
			s.Close()
			var f *protocol.Failure
			if !errors.As(err, &f) || f.Cause != c.cause || !f.RetryAt.Equal(c.retryAt) || len(err.Error()) > 600 {
				t.Errorf("%s, %s: %v, want %v until %v", kind, c.name, err, c.cause, c.retryAt)
			} else if (f.Code != 0) != strings.HasSuffix(c.name, " with a code") {
				t.Errorf("%s, %s: the venue's code is %d; a status is not one", kind, c.name, f.Code)
			}
		}
	}
}

// TestNoAnswer: what was not sent is not executed, everything else is unknown.
func TestNoAnswer(t *testing.T) {
	p := newProtocol(t, config()) // nobody listens there
	if _, err := p.Place(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.Unreached {
		t.Errorf("nobody listens: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_ = conn.Close()
		}
	}()
	c := config()
	c.APIURL = "http://" + listener.Addr().String()
	if _, err := newProtocol(t, c).Place(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.Unknown {
		t.Errorf("hung up: %v", err)
	}
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	c.APIURL = slow.URL
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = newProtocol(t, c).Place(ctx, anOrder())
	if protocol.CauseOf(err) != protocol.Unknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer in time: %v", err)
	}
	c.APIKey, c.Secret = "", ""
	for _, kind := range kinds {
		if err := newProtocol(t, c).Ask(t.Context(), kind, anOrder()); protocol.CauseOf(err) != protocol.Key {
			t.Errorf("%s without a key: %v", kind, err)
		}
	}
}

// TestErrorsDoNotShowTheKey: the venue repeats what was signed.
func TestErrorsDoNotShowTheKey(t *testing.T) {
	s := newServer(t, code(10004, "error sign! origin_string[1700000000000test-key5000category=linear]"))
	err := at(t, s).Ask(t.Context(), "query", anOrder())
	if protocol.CauseOf(err) != protocol.Key || strings.Contains(err.Error(), testKey) ||
		!strings.Contains(err.Error(), "origin_string") {
		t.Error(err)
	}
}

// TestLimits: the venue's word about limits, and what it stops.
func TestLimits(t *testing.T) {
	s := newServer(t, ok(`{}`))
	c := config()
	c.APIURL, c.OrdersPerSecond = s.URL, 3
	nowNs := int64(testMs) * int64(time.Millisecond)
	c.NowNs = func() int64 { return nowNs }
	p := newProtocol(t, c)
	p.SetClockOffset(250 * time.Millisecond)
	for range 3 {
		if _, err := p.Place(t.Context(), anOrder()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.Place(t.Context(), anOrder())
	var f *protocol.Failure
	if !errors.As(err, &f) || f.Cause != protocol.OrderRate || !f.RetryAt.After(time.Unix(0, nowNs)) {
		t.Errorf("the fourth in a second: %v", err)
	}
	if _, err := p.Cancel(t.Context(), anOrder()); err != nil {
		t.Errorf("cancels are counted by themselves: %v", err)
	}
	if n := len(s.take()); n != 4 {
		t.Errorf("%d requests were sent", n)
	}
	nowNs += 2 * int64(time.Second)
	reset := map[string]string{"X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "0",
		"X-Bapi-Limit-Reset-Timestamp": "1700000002650"}
	s.script(answer{status: 200, header: reset, body: code(10006, "Too many visits").body})
	_, err = p.Place(t.Context(), anOrder())
	if want := time.UnixMilli(1700000002400); !errors.As(err, &f) || f.Cause != protocol.OrderRate ||
		!f.RetryAt.Equal(want) {
		t.Errorf("%v until %v, want %v in the local clock", err, f.RetryAt.UTC(), want.UTC())
	}
	s.take()
	for _, kind := range []string{"place", "amend"} {
		if err := p.Ask(t.Context(), kind, anOrder()); protocol.CauseOf(err) != protocol.OrderRate {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s.script(ok(`{"list":[]}`))
	if err := p.Ask(t.Context(), "cancel", anOrder()); err != nil {
		t.Error(err)
	}
	if n := len(s.take()); n != 1 {
		t.Errorf("%d requests were sent while orders pause", n)
	}
	nowNs += int64(time.Second)
	if err := p.Ask(t.Context(), "place", anOrder()); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	s.script(answer{status: 403, body: "<html>"})
	if err := p.Ask(t.Context(), "query", anOrder()); protocol.CauseOf(err) != protocol.Banned {
		t.Error(err)
	}
	s.take()
	if err := p.Ask(t.Context(), "cancel", anOrder()); err == nil || len(s.take()) != 0 {
		t.Errorf("a request was sent although the address is banned: %v", err)
	}
	nowNs += int64(2 * time.Second) // how long was not said: a cancel or a question finds out, no new order
	if err := p.Ask(t.Context(), "place", anOrder()); protocol.CauseOf(err) != protocol.Banned || len(s.take()) != 0 {
		t.Errorf("a new order: %v", err)
	}
	s.script(answer{status: 403, body: "<html>"})
	_ = p.Ask(t.Context(), "cancel", anOrder())
	if err := p.Ask(t.Context(), "cancel", anOrder()); protocol.CauseOf(err) != protocol.Banned || len(s.take()) != 1 {
		t.Errorf("a second one at once: %v", err)
	}
	nowNs += int64(4 * time.Second)
	s.script(answer{status: 200, body: `{"retCode":110001,"retMsg":"order not exists or too late to cancel"}`},
		ok(`{"list":[]}`), ok(`{"list":[]}`))
	if err := p.Ask(t.Context(), "cancel", anOrder()); protocol.CauseOf(err) != protocol.Gone {
		t.Error(err)
	}
	if err := p.Ask(t.Context(), "query", anOrder()); protocol.CauseOf(err) != protocol.NotFound {
		t.Errorf("after the ban: %v", err)
	}
}
