package parity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// bookPatience is after how long a test gives up waiting for what should come at once.
const bookPatience = 30 * time.Second

// replica is a venue that says what a test hands it: frames over the socket of whoever has subscribed, and a book by
// REST when it is there.
type replica struct {
	t      *testing.T
	server *httptest.Server
	// sockets gets the connection once it has subscribed; books are the replies to those who ask for a book, of whom
	// asked gets one each.
	sockets chan *websocket.Conn
	asked   chan struct{}
	books   chan []byte
	ctx     context.Context
	// reading are the goroutines that take what the sockets bring.
	reading sync.WaitGroup
}

func newReplica(t *testing.T) *replica {
	v := &replica{t: t, sockets: make(chan *websocket.Conn, 8), asked: make(chan struct{}, 8), books: make(chan []byte)}
	ctx, cancel := context.WithCancel(context.Background())
	v.ctx = ctx
	v.server = httptest.NewServer(v)
	t.Cleanup(func() {
		cancel()
		v.server.CloseClientConnections()
		v.server.Close()
		v.reading.Wait()
	})
	return v
}

// ServeHTTP takes connections and questions.
func (v *replica) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") != "":
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		v.reading.Add(1)
		defer v.reading.Done()
		v.serve(socket)
	case strings.HasSuffix(r.URL.Path, "/depth"):
		v.asked <- struct{}{}
		select {
		case body := <-v.books:
			_, _ = w.Write(body)
		case <-r.Context().Done():
		case <-v.ctx.Done():
		}
	default: // the venue's clock is of no interest
		http.NotFound(w, r)
	}
}

// serve answers subscriptions and pings, and goes on reading: so pongs are taken.
func (v *replica) serve(socket *websocket.Conn) {
	defer socket.CloseNow()
	subscribed := false
	for {
		_, frame, err := socket.Read(v.ctx)
		if err != nil {
			return
		}
		var said struct {
			Method string `json:"method"`
			ID     any    `json:"id"`
			Op     string `json:"op"`
			ReqID  string `json:"req_id"`
		}
		if err := json.Unmarshal(frame, &said); err != nil {
			v.t.Errorf("the connector says %q: %v", frame, err)
			return
		}
		answer := map[string]any{"result": nil, "id": said.ID}
		if said.Op != "" {
			answer = map[string]any{"success": true, "ret_msg": "", "req_id": said.ReqID, "op": said.Op}
		}
		if said.Op == "ping" {
			answer["ret_msg"] = "pong"
		}
		text, err := json.Marshal(answer)
		if err != nil || socket.Write(v.ctx, websocket.MessageText, text) != nil {
			return
		}
		if !subscribed && said.Op != "ping" {
			subscribed = true
			v.sockets <- socket
		}
	}
}

// taken waits until the other side has taken everything that was sent: it answers a ping in its place among the frames.
func (v *replica) taken(socket *websocket.Conn) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, bookPatience)
	defer cancel()
	if err := socket.Ping(ctx); err != nil {
		v.t.Fatalf("the connection is lost: %v", err)
	}
}

// liveBook is the book of one instrument as the connector tells it.
type liveBook struct {
	*sinktest.Sink
	mu    sync.Mutex
	book  *plain
	ready chan struct{}
}

func (s *liveBook) Feed(no int, events []hft.Event) {
	s.Sink.Feed(no, events)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		s.book.apply(&events[i])
	}
}

// Account has nothing to do.
func (s *liveBook) Account(*connector.AccountEvent) {}

func (s *liveBook) Stale(no int, reason string) {
	s.Sink.Stale(no, reason)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.clear()
}

func (s *liveBook) Ready(no int) {
	s.Sink.Ready(no)
	s.ready <- struct{}{}
}

func (s *liveBook) print() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.print
}

// settings are those of a connector that has the streams of the recordings.
func (r *recorded) settings(t *testing.T, url string) venue.OwnSettings {
	t.Helper()
	ws := "ws" + strings.TrimPrefix(url, "http")
	named := map[string]any{"api_url": url, "public_url": ws + "/public", "market_url": ws + "/market",
		"private_url": ws + "/private", "stream_url": ws, "trade_stream": "trade"}
	if r.rule == connector.RuleStreamed {
		named["public_url"] = ws + "/v5/public/linear"
	}
	s, err := venues.Make(r.venue, named)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// live returns the books of the live connector at a venue that is some time away. The clock is the recording's.
func (r *recorded) live(t *testing.T, files []string, latencyNs int64) (list []shown, report feed.Report) {
	v := newReplica(t)
	var startNs int64
	sampletest.EachLine(t, func(localNs int64, _ []byte) {
		if startNs == 0 {
			startNs = localNs
		}
	}, files...)
	clock := hostipc.NewSteppedClock(startNs + latencyNs)
	opened, err := venues.Open(venues.Config{Kind: r.venue, Clock: clock, Settings: r.settings(t, v.server.URL)})
	if err != nil {
		t.Fatal(err)
	}
	c := opened.Knowing([]protocol.Filters{{Symbol: r.symbol, Trading: true, TickSize: r.tick, LotSize: r.lot}})
	c.Register(connector.Instrument{Symbol: r.symbol, TickSize: r.tick, LotSize: r.lot})
	sink := &liveBook{Sink: sinktest.NewSink(), book: newPlain(r.tick), ready: make(chan struct{}, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, clock) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	s := sender{v: v, clock: clock, sink: sink, socket: wait(t, v.sockets, "subscription"), said: r.said(),
		decoder: r.decoder()}
	var lastNs int64
	sampletest.EachLine(t, func(localNs int64, raw []byte) {
		if lastNs != 0 && localNs != lastNs {
			v.taken(s.socket)
			list = show(list, shown{localNs: lastNs, print: sink.print()})
		}
		lastNs = localNs
		clock.Step(localNs + latencyNs)
		s.send(localNs, raw)
	}, files...)
	v.taken(s.socket)
	return show(list, shown{localNs: lastNs, print: sink.print()}), c.Reports()[0]
}

// sender sends the lines of a recording in the way they once came.
type sender struct {
	v       *replica
	clock   *hostipc.Clock
	sink    *liveBook
	socket  *websocket.Conn
	said    *said
	decoder connector.Decoder
	message connector.Message
}

// send sends a line. A book that was asked for is the answer when the connector has asked, which it does while it has
// none.
func (s *sender) send(localNs int64, raw []byte) {
	t, m := s.v.t, &s.message
	if err := s.decoder.Decode(localNs, raw, m); err != nil {
		t.Fatal(err)
	}
	byREST, needed := m.Kind == connector.MessageSnapshot && len(m.Symbol) == 0, !s.said.synced()
	done := s.said.take(m)
	switch {
	case !byREST:
		if err := s.socket.Write(s.v.ctx, websocket.MessageText, raw); err != nil {
			t.Fatal(err)
		}
	case needed:
		s.v.taken(s.socket)
		wait(t, s.v.asked, "question for a book")
		s.v.books <- append([]byte(nil), raw...)
	}
	if done.ready {
		s.v.taken(s.socket)
		wait(t, s.sink.ready, "book")
	}
}

// wait takes from a channel or fails.
func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(bookPatience):
		t.Fatalf("waiting for a %s: nothing came", what)
		panic("not reached")
	}
}
