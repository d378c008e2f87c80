package linear_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/depthsync"
)

// request is what a client says on a WebSocket.
type request struct {
	Op     string
	ReqID  string `json:"reqId"`
	Args   []json.RawMessage
	Header map[string]string
}

// socketServer is a venue's WebSockets, which answer by a function for each path.
type socketServer struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex
	// ends are how connections ended, -1 without a goodbye.
	ends []websocket.StatusCode
	// said are the requests that came, auth and pings left out.
	said []string
	// answer returns what to send for a request; closing ends the connection instead.
	answer func(path string, r request) (frames []string, closing bool)
}

func newSocketServer(t *testing.T, answer func(path string, r request) ([]string, bool)) *socketServer {
	s := &socketServer{t: t, answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *socketServer) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it is the server's way to hang up
	send := func(text string) bool { return conn.Write(r.Context(), websocket.MessageText, []byte(text)) == nil }
	loggedOn := false
	for {
		_, text, err := conn.Read(r.Context())
		if err != nil {
			s.mu.Lock()
			s.ends = append(s.ends, websocket.CloseStatus(err))
			s.mu.Unlock()
			return
		}
		var said request
		if err := json.Unmarshal(text, &said); err != nil {
			s.t.Errorf("%s: %v", text, err)
			return
		}
		trade := strings.HasSuffix(r.URL.Path, "/trade")
		switch said.Op {
		case "auth":
			loggedOn = true
			if want := `"977d2a1068009c263a4e3e15a2838ccaf62d1eda4ca2ff08b5456910b481b58b"`; string(said.Args[1]) == "1700000010000" && string(said.Args[2]) != want {
				s.t.Errorf("signature %s", said.Args[2])
			}
			reply := `{"success":true,"ret_msg":"","op":"auth","conn_id":"c"}`
			if trade {
				reply = `{"retCode":0,"retMsg":"OK","op":"auth","connId":"c"}`
			}
			if !send(reply) {
				return
			}
			continue
		case "ping":
			continue
		}
		if !loggedOn && !strings.Contains(r.URL.Path, "/public/") {
			s.t.Errorf("%s before the log-on: %s", r.URL.Path, text)
		}
		s.mu.Lock()
		s.said = append(s.said, string(text))
		frames, closing := s.answer(r.URL.Path, said)
		s.mu.Unlock()
		for _, f := range frames {
			if !send(f) {
				return
			}
		}
		if closing {
			return
		}
	}
}

func (s *socketServer) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.said
	s.said = nil
	return got
}

// socketConfig talks to s on the WebSockets, with a clock that stands still and so makes the log-ons of the vectors.
func socketConfig(s *socketServer) linear.Config {
	c := config()
	base := "ws" + strings.TrimPrefix(s.URL, "http")
	c.PublicURL, c.PrivateURL, c.TradeURL = base+"/v5/public/linear", base+"/v5/private", base+"/v5/trade"
	return c
}

// eventually waits for what another goroutine is to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 5000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s did not come", what)
}

// tradeAnswer is what the trade connection says to a request.
func tradeAnswer(r request, code int, msg, data string) string {
	return fmt.Sprintf(`{"reqId":%q,"retCode":%d,"retMsg":%q,"op":%q,"data":%s,"retExtInfo":{},"header":{"X-Bapi-Limit":"1000000","X-Bapi-Limit-Status":"999999",`+
		`"X-Bapi-Limit-Reset-Timestamp":"1700000000000","Traceid":"38b7","Timenow":"1700000000000"},"connId":"c"}`, r.ReqID, code, msg, r.Op, data)
}

// TestTradeConnection sends orders over a real WebSocket.
func TestTradeConnection(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var code atomic.Int64
	var hangUp atomic.Bool
	s := newSocketServer(t, func(_ string, r request) ([]string, bool) {
		return []string{`{"op":"something","new":1}`, tradeAnswer(r, int(code.Load()), "said",
			`{"orderId":"v1","orderLinkId":"t1"}`)}, false
	})
	hung := newSocketServer(t, func(string, request) ([]string, bool) { return nil, hangUp.Load() })
	defer s.Close()
	defer hung.Close()
	c := socketConfig(s)
	c.OrderEntry = linear.OrdersByWebSocket
	p := newProtocol(t, c)
	eventually(t, "the trade connection", p.TradeUp)

	o := anOrder()
	ack := protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTCUSDT", ClientID: "t1", VenueID: "v1"}
	for kind, want := range map[string]string{
		"order.create": `{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"30000","timeInForce":"PostOnly","orderLinkId":"t1","positionIdx":0}`,
		"order.amend":  `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1","price":"30000"}`,
		"order.cancel": `{"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1"}`,
	} {
		got, err := map[string]func(context.Context, *protocol.Order) (protocol.Report, error){"order.create": p.Place, "order.amend": p.Amend, "order.cancel": p.Cancel}[kind](t.Context(), o)
		if err != nil || got != ack {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
		said := s.take()
		if len(said) != 1 || !strings.HasSuffix(said[0], `"header":{"X-BAPI-TIMESTAMP":"1700000000000","X-BAPI-RECV-WINDOW":"5000"},"op":"`+kind+`","args":[`+want+`]}`) {
			t.Errorf("%s: %q", kind, said)
		}
	}
	for n, want := range map[int]protocol.Cause{110072: protocol.DuplicateID, 110007: protocol.Refused,
		10016: protocol.Unknown, 10002: protocol.ClockOff, 20006: protocol.Refused} {
		code.Store(int64(n))
		if _, err := p.Place(t.Context(), o); protocol.CauseOf(err) != want || err == nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	// Many at once, each with its own answer.
	code.Store(0)
	s.take()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if got, err := p.Place(t.Context(), o); err != nil || got != ack {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	group.Wait()
	ids := make(map[string]bool)
	for _, text := range s.take() {
		var r request
		if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.ReqID) > 36 || ids[r.ReqID] {
			t.Errorf("%s: %v", text, err)
		}
		ids[r.ReqID] = true
	}
	if len(ids) != 50 {
		t.Errorf("%d requests", len(ids))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}

	// The venue hangs up before it answers.
	hangUp.Store(true)
	c = socketConfig(hung)
	c.OrderEntry = linear.OrdersByWebSocket
	p = newProtocol(t, c)
	eventually(t, "the trade connection", p.TradeUp)
	if _, err := p.Place(t.Context(), o); protocol.CauseOf(err) != protocol.Unknown || err == nil {
		t.Errorf("hung up: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestartOfTheTradeConnection: the venue says that it restarts, a new connection takes over, and the order is not
// taken for executed.
func TestRestartOfTheTradeConnection(t *testing.T) {
	var connections, asked atomic.Int64
	s := newSocketServer(t, func(_ string, r request) ([]string, bool) {
		if asked.Add(1) == 1 {
			return []string{tradeAnswer(r, 10019, "server restarting", `{}`)}, false
		}
		return []string{tradeAnswer(r, 0, "OK", `{"orderId":"v1"}`)}, false
	})
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { connections.Add(1); inner.ServeHTTP(w, r) })
	c := socketConfig(s)
	c.OrderEntry = linear.OrdersByWebSocket
	p := newProtocol(t, c)
	eventually(t, "the trade connection", p.TradeUp)
	if _, err := p.Place(t.Context(), anOrder()); protocol.CauseOf(err) != protocol.Overloaded {
		t.Error(err)
	}
	eventually(t, "the second connection", func() bool { return connections.Load() == 2 })
	eventually(t, "the next order", func() bool { _, err := p.Place(t.Context(), anOrder()); return err == nil })
}

// TestOrdersByRESTWithoutTradeConnection: while the trade connection is not there orders go by REST, and nothing is
// sent twice.
func TestOrdersByRESTWithoutTradeConnection(t *testing.T) {
	rest := newServer(t, ok(`{"orderId":"v1","orderLinkId":"t1"}`))
	c := config()
	c.APIURL, c.OrderEntry = rest.URL, linear.OrdersByWebSocket
	p := newProtocol(t, c)
	if got, err := p.Place(t.Context(), anOrder()); err != nil || got.VenueID != "v1" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := len(rest.take()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestCancelByRESTInstead: a cancel that the trade connection does not answer, or hangs up on, goes by REST, a new
// order does not.
func TestCancelByRESTInstead(t *testing.T) {
	for name, hangUp := range map[string]bool{"silent": false, "hung up": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest := newServer(t, ok(`{"orderId":"v1","orderLinkId":"t1"}`))
			s := newSocketServer(t, func(string, request) ([]string, bool) { return nil, hangUp })
			defer s.Close()
			c := socketConfig(s)
			c.APIURL, c.OrderEntry = rest.URL, linear.OrdersByWebSocket
			p := newProtocol(t, c)
			eventually(t, "the trade connection", p.TradeUp)
			over := anOrder()
			over.Ended = func() bool { return true }
			if _, err := p.Cancel(t.Context(), over); protocol.CauseOf(err) != protocol.Gone {
				t.Errorf("the cancel of an order that has ended meanwhile: %v", err)
			}
			if asked := rest.take(); len(asked) > 0 {
				t.Errorf("it went by REST: %q", asked)
			}
			eventually(t, "the trade connection", p.TradeUp)
			if got, err := p.Cancel(t.Context(), anOrder()); err != nil || got.VenueID != "v1" {
				t.Errorf("%+v, %v", got, err)
			}
			want(t, rest, `POST /v5/order/cancel {"category":"linear","symbol":"BTCUSDT","orderLinkId":"t1"}`)
			eventually(t, "the trade connection", p.TradeUp)
			if _, err := p.Place(t.Context(), anOrder()); err == nil || protocol.CauseOf(err) != protocol.Unknown {
				t.Errorf("a new order: %v", err)
			}
			if asked := rest.take(); len(asked) > 0 {
				t.Errorf("sent a second time: %q", asked)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCancelWhileRESTIsForbidden: what HTTP does not let through stops REST only. Cancels go over a trade connection
// that is up, also many, and nowhere without it.
func TestCancelWhileRESTIsForbidden(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
		for _, up := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, trade connection up: %t", status, up), func(t *testing.T) {
				t.Parallel()
				rest := newServer(t, answer{status: status, body: "<html>"})
				c := config()
				var s *socketServer
				if up {
					s = newSocketServer(t, func(_ string, r request) ([]string, bool) {
						return []string{tradeAnswer(r, 0, "OK", `{"orderId":"v1","orderLinkId":"t1"}`)}, false
					})
					defer s.Close()
					c = socketConfig(s)
				}
				c.APIURL, c.OrderEntry = rest.URL, linear.OrdersByWebSocket
				p := newProtocol(t, c)
				if up {
					eventually(t, "the trade connection", p.TradeUp)
				}
				if n := p.MaxCancels(); n != 20 {
					t.Errorf("%d in a batch", n)
				}
				if err := p.Ask(t.Context(), "query", anOrder()); err == nil || len(rest.take()) == 0 {
					t.Fatalf("a question: %v", err)
				}
				if n := p.MaxCancels(); n != 1 {
					t.Errorf("%d in a batch, which goes by REST", n)
				}
				got, err := p.Cancel(t.Context(), anOrder())
				if up {
					if said := s.take(); err != nil || got.VenueID != "v1" || len(said) != 1 ||
						!strings.Contains(said[0], `"op":"order.cancel"`) {
						t.Errorf("%+v, %v, over the trade connection: %q", got, err, said)
					}
				} else if err == nil {
					t.Errorf("%+v", got)
				}
				if err := p.Ask(t.Context(), "query", anOrder()); err == nil {
					t.Error("a question is answered")
				}
				if asked := rest.take(); len(asked) > 0 {
					t.Errorf("by REST: %q", asked)
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestStreamsOverSockets follows a scripted book with a gap over a real connection, as the runtime does, and hears the
// private stream.
func TestStreamsOverSockets(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var books [][]byte
	for _, m := range scripted(t, "ws-public") {
		if strings.Contains(string(m), `"topic":"orderbook.50`) {
			books = append(books, m)
		}
	}
	subscriptions := 0
	s := newSocketServer(t, func(path string, r request) ([]string, bool) {
		reply := `{"success":true,"ret_msg":"","conn_id":"c","req_id":"x","op":"` + r.Op + `"}`
		switch {
		case strings.HasSuffix(path, "/private"):
			frames := []string{reply}
			for _, m := range scripted(t, "ws-private") {
				if strings.Contains(string(m), `"topic"`) {
					frames = append(frames, string(m))
				}
			}
			return frames, false
		case r.Op == "unsubscribe":
			return []string{reply}, false
		}
		subscriptions++
		newer := strings.NewReplacer(`"u":18521288`, `"u":18521300`, `"seq":`, `"seq":9`)
		if subscriptions > 1 {
			return []string{reply, newer.Replace(string(books[0]))}, false
		}
		gap := strings.Replace(string(books[1]), `"u":18521289`, `"u":18521291`, 1)
		return []string{reply, string(books[0]), string(books[1]), gap}, false
	})
	defer s.Close()
	p := newProtocol(t, socketConfig(s))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup

	book, err := depthsync.New(depthsync.Config{Rule: p.DepthRule()})
	if err != nil {
		t.Fatal(err)
	}
	decoder := p.NewDecoder()
	var m connector.Message
	var seen []string
	synced := make(chan struct{})
	var market *stream.Keeper
	market = keep(t,
		func(context.Context) (protocol.Stream, error) { return p.MarketStreams([]string{"BTCUSDT"})[0], nil },
		func(localNs int64, frame []byte) {
			if err := decoder.Decode(localNs, frame, &m); err != nil {
				t.Error(err)
			}
			take := book.Depth
			switch m.Kind {
			case connector.MessageIgnored:
				return
			case connector.MessageSnapshot:
				take = book.Snapshot
			}
			out := take(localNs, &m)
			seen = append(seen, fmt.Sprintf("%d rows, ready %t, gap %t", len(out.Events), out.Ready, out.Gap))
			if out.NeedSnapshot {
				for _, frame := range p.Resubscribe("BTCUSDT") {
					if err := market.Send(frame); err != nil {
						t.Error(err)
					}
				}
			}
			if len(seen) == 4 {
				close(synced)
			}
		})
	group.Go(func() { run(t, ctx, market) })

	var private said
	heard := make(chan struct{})
	user := keep(t, p.UserStream, func(_ int64, frame []byte) {
		if err := p.DecodeUser(frame, &private); err != nil {
			t.Error(err)
		}
		if len(private.lines) == 8 {
			close(heard)
		}
	})
	group.Go(func() { run(t, ctx, user) })
	for what, done := range map[string]chan struct{}{"the book": synced, "the private stream": heard} {
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Errorf("%s did not come", what)
		}
	}
	cancel()
	group.Wait()
	want := []string{"4 rows, ready true, gap false", "3 rows, ready false, gap false", "0 rows, ready false, gap true",
		"4 rows, ready true, gap false"}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("%q", seen)
	}
	said := s.take()
	text := strings.Join(said, "\n")
	for _, part := range []string{`["order.linear","execution.linear","position.linear","wallet"]`,
		`["orderbook.50.BTCUSDT","publicTrade.BTCUSDT"]`, `"op":"unsubscribe","args":["orderbook.50.BTCUSDT"]`,
		`"op":"subscribe","args":["orderbook.50.BTCUSDT"]`} {
		if strings.Count(text, part) != 1 {
			t.Errorf("%s was not said once: %s", part, text)
		}
	}
}

func keep(t *testing.T, prepare func(context.Context) (protocol.Stream, error), onFrame func(int64,
	[]byte)) *stream.Keeper {
	t.Helper()
	k, err := stream.New(stream.Config{Prepare: prepare, OnFrame: onFrame, NowNs: func() int64 { return 5 }})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func run(t *testing.T, ctx context.Context, k *stream.Keeper) { //nolint:revive // the test comes first in these tests
	if err := k.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestRequestID: an answer's id is found wherever it stands, and in what is no answer there is none.
func TestRequestID(t *testing.T) {
	for frame, want := range map[string]string{
		`{"reqId":"a-1","retCode":0}`: "a-1", `{"retCode":0, "reqId" : "b"}`: "b", `{"op":"pong"}`: "",
		`{"reqId":5}`: "", `{"reqId":"x`: "", `"reqId"`: "",
	} {
		if got := linear.RequestID([]byte(frame)); string(got) != want {
			t.Errorf("%s: %q", frame, got)
		}
	}
}

// BenchmarkPlaceByWebSocket is an order over the trade connection until the acknowledgement, the server included.
func BenchmarkPlaceByWebSocket(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // it is the server's way to hang up
		for {
			_, text, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			reply := `{"retCode":0,"retMsg":"OK","op":"auth","connId":"c"}`
			if id := linear.RequestID(text); id != nil {
				reply = tradeAnswer(request{ReqID: string(id), Op: "order.create"}, 0, "OK",
					`{"orderId":"v1","orderLinkId":"t1"}`)
			}
			if conn.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
				return
			}
		}
	}))
	defer s.Close()
	c := slowConfig()
	c.TradeURL, c.OrderEntry = "ws"+strings.TrimPrefix(s.URL, "http"), linear.OrdersByWebSocket
	p, o := newProtocol(b, c), anOrder()
	for !p.TradeUp() {
		time.Sleep(time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Place(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHangUp: the trade connection ends without a goodbye, for which a venue may take its time, once it is to hang up.
func TestHangUp(t *testing.T) {
	for _, hangUp := range []bool{false, true} {
		s := newSocketServer(t, func(string, request) ([]string, bool) { return nil, false })
		c := socketConfig(s)
		c.OrderEntry = linear.OrdersByWebSocket
		p := newProtocol(t, c)
		eventually(t, "the trade connection", p.TradeUp)
		want := websocket.StatusNormalClosure
		if hangUp {
			p.HangUp()
			want = -1
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "the end", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.ends) == 1 && s.ends[0] == want
		})
	}
}
