package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = 10 * time.Second

// fixture is a hub that echoes messages and subscribes each connection to "s".
type fixture struct {
	*wire.Hub
	clock  *wire.ScriptedClock
	faults *fault.Set
	server *wire.Server
	opened chan *wire.Conn
}

func serve(t *testing.T, change func(*wire.Config)) *fixture {
	t.Helper()
	f := &fixture{clock: wire.NewScriptedClock(1e18), faults: fault.NewSet(1), opened: make(chan *wire.Conn, 100)}
	config := wire.Config{Clock: f.clock, Faults: f.faults, UnknownEvent: []byte(`{"e":"new"}`)}
	change(&config)
	f.Hub = wire.NewHub(config)
	handler := wire.Handler{
		Opened:  func(c *wire.Conn) { c.Subscribe("s"); f.opened <- c },
		Message: func(c *wire.Conn, data []byte) { c.Answer(data) },
	}
	server, err := wire.Listen("127.0.0.1:0",
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.Serve(w, r, handler) }), f.Hub)
	if err != nil {
		t.Fatal(err)
	}
	f.server = server
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) arm(t *testing.T, text string) {
	t.Helper()
	one, err := fault.Parse(text)
	if err == nil {
		err = f.faults.Arm(one)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) dial(t *testing.T, o *websocket.DialOptions) (*websocket.Conn, *wire.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+f.server.Address()+"/x", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, <-f.opened
}

func read(t *testing.T, c *websocket.Conn) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	_, data, err := c.Read(ctx)
	return string(data), err
}

func readOK(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	text, err := read(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func nothing(*wire.Config) {}

func TestMessagesInOrder(t *testing.T) {
	f := serve(t, nothing)
	c, _ := f.dial(t, nil)
	for i := range 1000 {
		for _, s := range f.Subscribers("s") {
			s.Send("s", fmt.Appendf(nil, "%d", i))
		}
	}
	for i := range 1000 {
		if got := readOK(t, c); got != fmt.Sprint(i) {
			t.Fatalf("message %q, want %d", got, i)
		}
	}
}

func TestFragmentsAndDeflate(t *testing.T) {
	text := strings.Repeat(`{"e":"depthUpdate","b":[["60000.10","1.5"]]}`, 50)
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled,
		websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover} {
		f := serve(t, func(c *wire.Config) { c.Compress = true })
		f.arm(t, "fragment=value:7,after:1")
		c, s := f.dial(t, &websocket.DialOptions{CompressionMode: mode})
		for range 3 {
			s.Send("s", []byte(text))
			if got := readOK(t, c); got != text {
				t.Fatalf("mode %d: got %d bytes, want %d", mode, len(got), len(text))
			}
		}
		if hits := f.faults.Armed()[0].Hits; hits != 2 {
			t.Errorf("mode %d: %d fragmented messages", mode, hits)
		}
	}
}

func TestResetMidFrame(t *testing.T) {
	f := serve(t, nothing)
	f.arm(t, "reset-mid-frame=count:1,after:1")
	c, s := f.dial(t, nil)
	s.Send("s", []byte("whole"))
	if got := readOK(t, c); got != "whole" {
		t.Fatal(got)
	}
	s.Send("s", []byte(strings.Repeat("x", 1000)))
	if text, err := read(t, c); err == nil {
		t.Errorf("a message of %d bytes came out of half a frame", len(text))
	} else if !errors.Is(err, syscall.ECONNRESET) && !strings.Contains(err.Error(), "EOF") {
		t.Errorf("the connection ends with %v, want a reset", err)
	}
}

func TestSilentStillAnswers(t *testing.T) {
	f := serve(t, nothing)
	f.arm(t, "silent")
	c, s := f.dial(t, nil)
	s.Send("s", []byte("data"))
	if err := c.Write(context.Background(), websocket.MessageText, []byte("question")); err != nil {
		t.Fatal(err)
	}
	if got := readOK(t, c); got != "question" {
		t.Errorf("got %q, want the answer alone", got)
	}
}

func TestUnknownFieldsAndEvents(t *testing.T) {
	f := serve(t, nothing)
	f.arm(t, "unknown-field")
	f.arm(t, "unknown-event=count:1")
	f.arm(t, "half-message=count:1")
	c, s := f.dial(t, nil)
	s.Send("s", []byte(`{"stream":"x","data":{"e":"y"}}`))
	if got := readOK(t, c); got != `{"e":"new"}` {
		t.Errorf("first %s", got)
	}
	if got := readOK(t, c); got != `{"stream":"x","` {
		t.Errorf("then a half: %s", got)
	}
	if got := readOK(t, c); got != `{"zzz":{"y":[1,null,"x"]},"stream":"x","data":{"zzz":{"y":[1,null,"x"]},"e":"y"}}` {
		t.Errorf("then %s", got)
	}
}

func closeStatus(t *testing.T, c *websocket.Conn) websocket.StatusCode {
	t.Helper()
	_, err := read(t, c)
	return websocket.CloseStatus(err)
}

func TestEndAfterADay(t *testing.T) {
	f := serve(t, func(c *wire.Config) { c.MaxAge = 24 * time.Hour })
	c, _ := f.dial(t, nil)
	f.Advance(f.clock.Advance(24*time.Hour - 1))
	if n := len(f.Conns()); n != 1 {
		t.Fatalf("%d connections before the day is over", n)
	}
	f.Advance(f.clock.Advance(1))
	if s := closeStatus(t, c); s != websocket.StatusGoingAway {
		t.Errorf("closed with %d", s)
	}
}

func TestPings(t *testing.T) {
	pinged := make(chan struct{}, 100)
	var silent atomic.Bool
	options := &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return !silent.Load() }}
	f := serve(t, func(c *wire.Config) { c.PingInterval, c.PongTimeout = 3*time.Minute, 10*time.Minute })
	c, _ := f.dial(t, options)
	reading := c.CloseRead(context.Background())
	for range 10 { // half an hour with pongs
		f.Advance(f.clock.Advance(3 * time.Minute))
		<-pinged
		eventually(t, "the pong counts", func() bool {
			select {
			case <-reading.Done():
				t.Fatal("closed although pongs came")
			default:
			}
			return f.Conns()[0].PongNs() == f.clock.NowNs()
		})
	}
	silent.Store(true)
	for range 4 {
		f.Advance(f.clock.Advance(3 * time.Minute))
	}
	select {
	case <-reading.Done():
	case <-time.After(deadline):
		t.Error("open without a pong for 12 minutes")
	}
}

func TestNoPings(t *testing.T) {
	pinged := make(chan struct{}, 100)
	f := serve(t, func(c *wire.Config) { c.PingInterval = time.Minute })
	f.arm(t, "no-pings")
	c, s := f.dial(t, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return true }})
	f.Advance(f.clock.Advance(time.Hour))
	s.Send("s", []byte("after"))
	if got := readOK(t, c); got != "after" || len(pinged) != 0 {
		t.Errorf("%q, %d pings", got, len(pinged))
	}
}

func TestTooManyMessages(t *testing.T) {
	f := serve(t, func(c *wire.Config) { c.MessagesPerSecond = 10 })
	c, _ := f.dial(t, nil)
	for range 11 {
		if err := c.Write(context.Background(), websocket.MessageText, []byte("x")); err != nil {
			break // closed while we write
		}
	}
	for range 11 {
		if _, err := read(t, c); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("closed with %v", err)
			}
			return
		}
	}
	t.Error("11 messages in a second are taken")
}

func TestSlowClientIsClosed(t *testing.T) {
	f := serve(t, nothing)
	_, s := f.dial(t, nil) // never reads
	data := make([]byte, 4096)
	for range 100 * wire.QueueSize {
		s.Send("s", data)
		if len(f.Conns()) == 0 {
			return
		}
	}
	eventually(t, "the connection is closed", func() bool { return len(f.Conns()) == 0 })
}

func TestRefusedHandshake(t *testing.T) {
	f := serve(t, nothing)
	f.arm(t, "refuse-connect=count:1")
	_, response, err := websocket.Dial(context.Background(), "ws://"+f.server.Address()+"/x", nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("handshake: %v", err)
	}
	f.dial(t, nil)
}

func TestLimiter(t *testing.T) {
	l := wire.Limiter{Interval: time.Minute, Limit: 5}
	if used, ok, retry := l.Use(int64(50*time.Second), "a", 5); used != 5 || !ok || retry != 10*time.Second {
		t.Errorf("%d %v %v", used, ok, retry)
	}
	if _, ok, _ := l.Use(int64(59*time.Second), "a", 1); ok {
		t.Error("6 of 5")
	}
	if _, ok, _ := l.Use(int64(59*time.Second), "b", 1); !ok {
		t.Error("another key has its own count")
	}
	if used, ok, _ := l.Use(int64(time.Minute), "a", 1); used != 1 || !ok {
		t.Errorf("the next minute begins at %d", used)
	}
}

// eventually waits for something that happens by itself.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
	}
}

func ExampleHMAC() {
	fmt.Println(wire.HMAC("key", "The quick brown fox jumps over the lazy dog"))
	// Output: f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8
}
