package binanceapi_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// nowMs is the local clock of the tests.
const nowMs = 1700000000000

// noCauses is a venue without codes of its own.
func noCauses(int, string) (protocol.Cause, bool) { return 0, false }

func newClient(t *testing.T, handler http.HandlerFunc, change func(c *binanceapi.ClientConfig)) *binanceapi.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := binanceapi.ClientConfig{URL: server.URL + "/base/",
		Signer: newSigner(t, "the-key", "test-secret", 5*time.Second, nowMs), Causes: noCauses}
	if change != nil {
		change(&config)
	}
	client, err := binanceapi.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func failureOf(t *testing.T, err error) *protocol.Failure {
	t.Helper()
	var f *protocol.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	for _, secret := range []string{"test-secret", "signature=", "the-key"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
	return f
}

func order() binanceapi.Request {
	return binanceapi.Request{Method: http.MethodPost, Path: "/v1/order", Security: binanceapi.Signed,
		Cost: binanceapi.Cost{Orders: 1}, Params: []binanceapi.Param{binanceapi.Text("symbol", "BTCUSDT"),
			binanceapi.Text("newClientOrderId", "a:b/c")}}
}

func TestRequestIsSentAsSigned(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		query, signature, _ := strings.Cut(r.URL.RawQuery, "&signature=")
		want := string(newKey(t, "k", "test-secret").AppendSignature(nil, []byte(query+string(body))))
		if signature != want || r.Header.Get("X-MBX-APIKEY") != "the-key" || r.URL.Path != "/base/v1/order" ||
			query != "symbol=BTCUSDT&newClientOrderId=a%3Ab%2Fc&recvWindow=5000&timestamp=1700000000000" {
			t.Errorf("%s %s, headers %v, signature %s", r.Method, r.URL, r.Header, want)
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(`{"orderId":9007199254740993}`))
		_ = z.Close()
	}, nil)
	var id string
	if err := client.Do(t.Context(), order(),
		func(v binanceapi.Value) error { id = v.ID("orderId"); return nil }); err != nil || id != "9007199254740993" {
		t.Errorf("id %s, %v", id, err)
	}
}

// TestSecurity looks at what a request shows.
func TestSecurity(t *testing.T) {
	var got *http.Request
	handler := func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_, _ = w.Write([]byte("{}"))
	}
	client := newClient(t, handler, nil)
	for security, want := range map[binanceapi.Security]string{binanceapi.Public: "false false",
		binanceapi.KeyOnly: "true false", binanceapi.Signed: "true true"} {
		if err := client.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x", Security: security},
			nil); err != nil {
			t.Fatal(err)
		}
		if shown := fmt.Sprint(got.Header.Get("X-MBX-APIKEY") != "", got.URL.Query().Has("signature")); shown != want {
			t.Errorf("security %d: key and signature are %s, want %s", security, shown, want)
		}
	}
	bare := newClient(t, handler,
		func(c *binanceapi.ClientConfig) { c.Signer = binanceapi.NewSigner(nil, 0, func() int64 { return 0 }) })
	for _, security := range []binanceapi.Security{binanceapi.KeyOnly, binanceapi.Signed} {
		if f := failureOf(t, bare.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x",
			Security: security}, nil)); f.Cause != protocol.Key {
			t.Errorf("without a key: %v", f)
		}
	}
	if err := bare.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x"}, nil); err != nil {
		t.Errorf("a public request without a key: %v", err)
	}
}

// TestRefusals is the table of statuses and texts.
func TestRefusals(t *testing.T) {
	inAMinute := time.UnixMilli(nowMs).Add(time.Minute)
	const banned = `{"code":-1003,"msg":"Way too many requests; IP(127.0.0.1) banned until 1700000300000. Please use the websocket."}`
	for _, c := range []struct {
		status int
		body   string
		header string
		cause  protocol.Cause
		code   int
		retry  time.Time
	}{
		{status: 429, body: `{"code":-1003,"msg":"Too many requests."}`, header: "60", cause: protocol.Weight,
			code: -1003, retry: inAMinute},
		{status: 429, body: `{"code":-1015,"msg":"Too many new orders."}`, cause: protocol.OrderRate, code: -1015},
		{status: 429, body: `slow down`, header: "soon", cause: protocol.Weight},
		{status: 429, body: `{"code":-4999,"msg":"Something."}`, cause: protocol.Weight, code: -4999},
		{status: 418, body: banned, cause: protocol.Banned, code: -1003, retry: time.UnixMilli(1700000300000)},
		{status: 418, body: banned, header: "0", cause: protocol.Banned, code: -1003,
			retry: time.UnixMilli(1700000300000)},
		{status: 418, body: ``, header: "60", cause: protocol.Banned, retry: inAMinute},
		{status: 400, body: banned, cause: protocol.Banned, code: -1003, retry: time.UnixMilli(1700000300000)},
		{status: 400, body: `{"code":-1003,"msg":"banned until soon"}`, cause: protocol.Banned, code: -1003},
		{status: 403, body: "<html><body>403 Forbidden</body></html>", cause: protocol.Banned},
		{status: 403, body: `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`,
			cause: protocol.Key, code: -2015},
		{status: 401, body: `{"code":-2014,"msg":"API-key format invalid."}`, cause: protocol.Key, code: -2014},
		{status: 401, body: ``, cause: protocol.Key},
		{status: 451, body: `{"code":0,"msg":"Service unavailable from a restricted location."}`, cause: protocol.Key},
		{status: 400, body: `{"code":-1022,"msg":"Signature for this request is not valid."}`, cause: protocol.Key,
			code: -1022},
		{status: 400, body: `{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}`,
			cause: protocol.ClockOff, code: -1021},
		{status: 400, body: `{"code":-2011,"msg":"Unknown order sent."}`, cause: protocol.Gone, code: -2011},
		{status: 400, body: `{"code":-2013,"msg":"Order does not exist."}`, cause: protocol.NotFound, code: -2013},
		{status: 400, body: `{"code":-9876,"msg":"A code of the future."}`, cause: protocol.Refused, code: -9876},
		{status: 404, body: "not found", cause: protocol.Refused},
		{status: 302, body: ``, cause: protocol.Refused},
		{status: 408, body: ``, cause: protocol.Unknown},
		{status: 503, body: `{"code":-1008,"msg":"Request throttled by system-level protection."}`,
			cause: protocol.Overloaded, code: -1008},
		{status: 503, body: `{"code":-1007,"msg":"Timeout waiting for response from backend server."}`,
			cause: protocol.Unknown, code: -1007},
		{status: 503, body: `Service Unavailable.`, cause: protocol.Overloaded},
		{status: 503, body: `{"code":-1000,"msg":"Service Unavailable."}`, cause: protocol.Overloaded, code: -1000},
		{status: 503, body: `{"msg":"Service Unavailable."}`, cause: protocol.Overloaded},
		{status: 503, body: `{"code":0,"msg":"Unknown error, please check your request or try again later."}`,
			cause: protocol.Unknown},
		{status: 503, body: `Unknown error, please check your request or try again later.`, cause: protocol.Unknown},
		{status: 503, body: `<h1>503 Service Unavailable.</h1>`, cause: protocol.Unknown},
		{status: 500, body: `{"code":-1000,"msg":"An unknown error occurred while processing the request."}`,
			cause: protocol.Unknown, code: -1000},
		{status: 502, body: "<html>Bad Gateway</html>", cause: protocol.Unknown},
		{status: 500, body: `{"code":-9876,"msg":"A code of the future."}`, cause: protocol.Unknown, code: -9876},
		{status: 400, body: `{"code":"many","msg":5}`, cause: protocol.Refused},
		{status: 400, body: `[{"code":-2011}]`, cause: protocol.Refused},
	} {
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}, nil)
		f := failureOf(t, client.Do(t.Context(), order(), nil))
		if f.Cause != c.cause || f.Code != c.code || !f.RetryAt.Equal(c.retry) || strings.Contains(f.Msg, "<") ||
			f.Msg == "" {
			t.Errorf("%d %s: %v, again at %v; want %v (%d) at %v", c.status, c.body, f, f.RetryAt, c.cause, c.code,
				c.retry)
		}
	}
}

func TestVenuesOwnCodesComeFirst(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"code":-2011,"msg":"Order was not canceled due to cancel restrictions."}`))
	}, func(c *binanceapi.ClientConfig) {
		c.Causes = func(code int, msg string) (protocol.Cause, bool) {
			return protocol.Refused, code == -2011 && strings.Contains(msg, "restrictions")
		}
	})
	if f := failureOf(t, client.Do(t.Context(), order(), nil)); f.Cause != protocol.Refused {
		t.Error(f)
	}
}

// TestOutcomeUnknown: once a request may have gone out, a reply that does not come or is cut leaves the outcome open.
func TestOutcomeUnknown(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"cut before the reply": func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w, "") },
		"cut in the reply": func(w http.ResponseWriter, _ *http.Request) {
			hangUp(t, w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"orderId\":")
		},
		"not JSON":           func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"not the right JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"orderId":"many"}`)) },
		"no reply": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client go
			<-r.Context().Done()
		},
	} {
		client := newClient(t, handler, func(c *binanceapi.ClientConfig) { c.Timeout = 200 * time.Millisecond })
		err := client.Do(t.Context(), order(), func(v binanceapi.Value) error { v.Int("orderId"); return nil })
		if f := failureOf(t, err); f.Cause != protocol.Unknown {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// hangUp writes something raw and ends the connection.
func hangUp(t *testing.T, w http.ResponseWriter, text string) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = buffered.WriteString(text)
	_ = buffered.Flush()
	_ = conn.Close()
}

// TestNotSent: what had no connection was not executed.
func TestNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	client, err := binanceapi.NewClient(binanceapi.ClientConfig{URL: "http://" + address,
		Signer: newSigner(t, "the-key", "test-secret", 0, nowMs), Causes: noCauses})
	if err != nil {
		t.Fatal(err)
	}
	if f := failureOf(t, client.Do(t.Context(), order(), nil)); f.Cause != protocol.Unreached || f.Err == nil {
		t.Error(f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f := failureOf(t, client.Do(ctx, order(), nil)); f.Cause != protocol.Unreached ||
		!errors.Is(f, context.Canceled) {
		t.Error(f)
	}
}

// TestRedirectsAreNotFollowed: they would take key and signature to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request went elsewhere") }))
	defer elsewhere.Close()
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}, nil)
	request := order()
	request.Method = http.MethodGet
	if f := failureOf(t, client.Do(t.Context(), request, nil)); f.Cause != protocol.Refused {
		t.Error(f)
	}
}

func TestBudget(t *testing.T) {
	sent, count := 0, "3"
	status := 200
	var nowNs int64 = nowMs*1_000_000 + int64(3*time.Second) // away from the ends of the windows
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		sent++
		for name, value := range map[string]string{"X-MBX-USED-WEIGHT-1M": "25", "X-MBX-ORDER-COUNT-10S": count,
			"X-MBX-ORDER-COUNT-1D": "9", "X-MBX-USED-WEIGHT": "25", "X-MBX-ORDER-COUNT-1X": "1",
			"X-MBX-ORDER-COUNT-M": "1", "X-MBX-ORDER-COUNT-1M": "many", "X-MBX-UUID": "7"} {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("{}"))
	}, func(c *binanceapi.ClientConfig) {
		var err error
		if c.Budget, err = binanceapi.NewBudget([]binanceapi.Allowance{{Limit: binanceapi.RequestWeight,
			Interval: time.Minute, Max: 2400}, {Limit: binanceapi.Orders, Interval: 10 * time.Second,
			Max: 5}}); err != nil {
			t.Fatal(err)
		}
		c.Signer = binanceapi.NewSigner(newKey(t, "the-key", "test-secret"), 0, func() int64 { return nowNs })
	})
	cancel := binanceapi.Request{Method: http.MethodDelete, Path: "/x", Security: binanceapi.Signed,
		Cost: binanceapi.Cost{Weight: 1, Cancel: true, Trading: true}}
	do := func(r binanceapi.Request, wantSent int, want protocol.Cause) *protocol.Failure {
		t.Helper()
		before := sent
		err := client.Do(t.Context(), r, nil)
		if sent-before != wantSent || (err == nil) != (want == 255) {
			t.Fatalf("sent %d, %v", sent-before, err)
		}
		if err == nil {
			return nil
		}
		f := failureOf(t, err)
		if f.Cause != want {
			t.Fatalf("%v, want %v", f, want)
		}
		return f
	}
	const fine protocol.Cause = 255
	do(order(), 1, fine)
	count = "5" // somebody else uses the account as well: the venue's count wins
	do(order(), 1, fine)
	if f := do(order(), 0, protocol.OrderRate); !f.RetryAt.After(time.Unix(0, nowNs)) ||
		f.RetryAt.After(time.Unix(0, nowNs).Add(30*time.Second)) {
		t.Errorf("again at %v", f.RetryAt)
	}
	do(cancel, 1, fine)
	nowNs += int64(30 * time.Second)
	status = 429
	f := do(order(), 1, protocol.Weight)
	if !f.RetryAt.After(time.Unix(0, nowNs)) {
		t.Errorf("a failure that does not say when: %v", f.RetryAt)
	}
	do(cancel, 0, protocol.Weight)
	nowNs, status = f.RetryAt.UnixNano(), 418
	f = do(cancel, 1, protocol.Banned)
	if f.Until.Sub(time.Unix(0, nowNs)) < time.Minute {
		t.Errorf("a ban of unknown length until %v", f.Until)
	}
	if held := do(cancel, 0, protocol.Banned); !held.Held || !held.Until.Equal(f.Until) {
		t.Errorf("%+v", held)
	}
	nowNs = f.RetryAt.UnixNano()
	do(order(), 0, protocol.Banned) // a cancel finds out
	f = do(cancel, 1, protocol.Banned)
	nowNs += int64(3 * time.Second)
	do(cancel, 0, protocol.Banned) // the second try is later
	nowNs, status = f.RetryAt.UnixNano()+int64(4*time.Second), 200
	do(cancel, 1, fine)
	do(binanceapi.Request{Method: http.MethodGet, Path: "/x", Cost: binanceapi.Cost{Weight: 1}}, 1, fine)
}

// TestBanTimes: the time until which an address is banned is one of the venue's clock; one that cannot be true counts
// for none.
func TestBanTimes(t *testing.T) {
	const minute, year = int64(60_000), int64(365 * 24 * 3_600_000)
	cancel := binanceapi.Request{Method: http.MethodDelete, Path: "/x", Security: binanceapi.Signed,
		Cost: binanceapi.Cost{Weight: 1, Cancel: true}}
	for _, offset := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		for _, c := range []struct{ inMs, wantMs int64 }{{5 * minute, 5 * minute},
			{3 * 24 * 60 * minute, 3 * 24 * 60 * minute}, {30 * year, 2 * minute}, {-30 * year, 2 * minute},
			{-5 * minute, 2 * minute}, {math.MaxInt64 - 2*nowMs, 2 * minute}} {
			t.Run(fmt.Sprintf("%v, in %d ms", offset, c.inMs), func(t *testing.T) {
				untilMs := nowMs + offset.Milliseconds() + c.inMs
				nowNs, sent := int64(nowMs)*1_000_000, 0
				signer := binanceapi.NewSigner(newKey(t, "the-key", "test-secret"), 0, func() int64 { return nowNs })
				signer.SetClockOffset(offset)
				client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					sent++
					w.WriteHeader(418)
					_, _ = fmt.Fprintf(w, `{"code":-1003,"msg":"IP banned until %d. Please wait."}`, untilMs)
				}, func(config *binanceapi.ClientConfig) {
					var err error
					if config.Budget, err = binanceapi.NewBudget([]binanceapi.Allowance{{Limit: binanceapi.RequestWeight, Interval: time.Minute, Max: 2400}}); err != nil {
						t.Fatal(err)
					}
					config.Signer = signer
				})
				want := time.UnixMilli(nowMs + c.wantMs)
				until := func(f *protocol.Failure) time.Time {
					if f.Until.IsZero() {
						return f.RetryAt
					}
					return f.Until // what is taken for it
				}
				if f := failureOf(t, client.Do(t.Context(), cancel, nil)); f.Cause != protocol.Banned ||
					!until(f).Equal(want) || f.Until.IsZero() != (c.inMs == c.wantMs) {
					t.Errorf("%v until %v, want %v", f, until(f).UTC(), want.UTC())
				}
				nowNs = want.UnixNano() - 1
				other := binanceapi.Request{Method: http.MethodGet, Path: "/x", Cost: binanceapi.Cost{Weight: 1}}
				if f := failureOf(t, client.Do(t.Context(), other, nil)); sent != 1 || !until(f).Equal(want) {
					t.Errorf("in the ban %d sent, until %v", sent, f.RetryAt.UTC())
				}
				nowNs++
				if _ = client.Do(t.Context(), cancel, nil); sent != 2 {
					t.Errorf("%d sent after the ban", sent)
				}

				nowNs = nowMs * 1_000_000
				if c.inMs != c.wantMs {
					want = time.Time{}
				}
				frame := fmt.Appendf(nil,
					`{"id":"r1","status":429,"error":{"code":-1003,"msg":"Too much","data":{"retryAfter":%d}}}`,
					untilMs)
				err := client.Parser().Parse(frame,
					func(v binanceapi.Value) error { return signer.ReplyFailure(v, noCauses) })
				if f := failureOf(t, err); f.Cause != protocol.Weight || !f.RetryAt.Equal(want) {
					t.Errorf("over a WebSocket: %v until %v, want %v", f, f.RetryAt.UTC(), want.UTC())
				}
			})
		}
	}
}

// TestForbiddenOverAWebSocket: what is in front of the venue has no code of its own for it.
func TestForbiddenOverAWebSocket(t *testing.T) {
	client := newClient(t, func(http.ResponseWriter, *http.Request) {}, nil)
	for code, cause := range map[int]protocol.Cause{-1000: protocol.Banned, -1006: protocol.Unknown,
		-1007: protocol.Unknown} {
		err := client.Parser().Parse(fmt.Appendf(nil, `{"id":"r1","status":403,"error":{"code":%d,"msg":"Forbidden"}}`,
			code), func(v binanceapi.Value) error {
			return newSigner(t, "the-key", "test-secret", 0, 0).ReplyFailure(v, noCauses)
		})
		if f := failureOf(t, err); f.Cause != cause {
			t.Errorf("%d: %v", code, f)
		}
	}
}

// TestRetryAfterBesideATime: the clock may not be measured yet, a wait is right all the same.
func TestRetryAfterBesideATime(t *testing.T) {
	for _, inMs := range []int64{-600_000, 600_000} {
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "300")
			w.WriteHeader(418)
			_, _ = fmt.Fprintf(w, `{"code":-1003,"msg":"IP banned until %d. Please wait."}`, nowMs+inMs)
		}, func(config *binanceapi.ClientConfig) {
			config.Signer = binanceapi.NewSigner(newKey(t, "the-key", "test-secret"), 0,
				func() int64 { return nowMs * 1_000_000 })
		})
		f := failureOf(t, client.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x"}, nil))
		if want := time.UnixMilli(nowMs + 300_000); f.Cause != protocol.Banned || !f.RetryAt.Equal(want) {
			t.Errorf("%v until %v, want %v", f, f.RetryAt.UTC(), want.UTC())
		}
	}
}

func TestWrongURLs(t *testing.T) {
	for _, u := range []string{"", "host", "ftp://host", "https://", "https://host?x=1", "https://user@host", ":"} {
		if _, err := binanceapi.NewClient(binanceapi.ClientConfig{URL: u}); err == nil ||
			!strings.Contains(err.Error(), "REST URL") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// TestConnectionsAreKept: a new one for each order would cost a round trip or three.
func TestConnectionsAreKept(t *testing.T) {
	var mu sync.Mutex
	remotes := map[string]bool{}
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		remotes[r.RemoteAddr] = true
		if len(r.URL.Query().Get("n")) > 0 {
			w.WriteHeader(400)
		}
		_, _ = w.Write([]byte(`{"code":-2013,"msg":"..."}`))
	}, nil)
	for i := range 5 {
		_ = client.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x",
			Params: []binanceapi.Param{binanceapi.Text("n", strings.Repeat("x", i%2))}}, nil)
	}
	if len(remotes) != 1 {
		t.Errorf("5 requests, one after the other, came over %d connections", len(remotes))
	}
}

// FuzzReplies holds every body with any status against the promises: a failure or a success, no panic, no HTML shown.
func FuzzReplies(f *testing.F) {
	for _, body := range []string{`{"code":-1003,"msg":"banned until 1700000300000."}`, `<html>`, ``, `{"code":1e400}`, `{"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300,"count":1}]}`,
		`{"id":"r1","status":400,"error":{"code":-2010,"msg":"..","data":{"retryAfter":1}}}`, `{"a":"\u00e9\ud800","b":[1,{"c":null}],"orderId":-9223372036854775808,"price":"1e-8","m":true,"T":1700000000000}`} {
		f.Add(uint16(400), []byte(body))
		f.Add(uint16(200), []byte(body))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		transport := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: int(status), Header: http.Header{},
				Body: io.NopCloser(strings.NewReader(string(body)))}, nil
		})
		signer := binanceapi.NewSigner(nil, 0, func() int64 { return 0 })
		client, err := binanceapi.NewClient(binanceapi.ClientConfig{URL: "http://host", Signer: signer,
			Causes: noCauses, HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Do(t.Context(), binanceapi.Request{Method: http.MethodGet, Path: "/x"},
			func(v binanceapi.Value) error {
				v.Text("a")
				v.Decimal("price")
				v.Bool("m")
				v.TimeNs("T")
				v.ID("orderId")
				binanceapi.ReadLimits(v.Field("rateLimits"), func(u binanceapi.Usage) {
					if u.Interval <= 0 {
						t.Errorf("an interval of %v", u.Interval)
					}
				})
				if failure := signer.ReplyFailure(v, noCauses); failure != nil {
					return failure
				}
				return v.Field("b").Each(func(e binanceapi.Value) error { e.Int("c"); return nil })
			})
		var failure *protocol.Failure
		if err != nil && !errors.As(err, &failure) {
			t.Errorf("%T: %v", err, err)
		}
		if success := status >= 200 && status < 300; err == nil && !success {
			t.Errorf("status %d is a success", status)
		}
		if failure != nil && strings.ContainsAny(failure.Msg, "\n\r\x00") {
			t.Errorf("shown: %q", failure.Msg)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
