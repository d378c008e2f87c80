package stream_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is after how long a test gives up waiting for what should come at once.
const patience = 30 * time.Second

// recv takes from a channel or fails.
func recv[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("%s: the channel is closed", what)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing came", what)
	}
	panic("not reached")
}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it did not happen", what)
		}
	}
}

// peer is the venue's side of one connection.
type peer struct {
	t    testing.TB
	ws   *websocket.Conn
	ctx  context.Context
	got  chan string
	err  chan error // why reading ended
	head http.Header
}

func (p *peer) send(frames ...string) {
	p.t.Helper()
	for _, f := range frames {
		if err := p.ws.Write(p.ctx, websocket.MessageText, []byte(f)); err != nil {
			p.t.Errorf("the venue cannot send %.20q: %v", f, err)
		}
	}
}

func (p *peer) expect(frames ...string) {
	p.t.Helper()
	for _, want := range frames {
		if got := recv(p.t, p.got, "waiting for "+want); got != want {
			p.t.Errorf("the venue got %q, not %q", got, want)
		}
	}
}

// closed waits for the end and returns the status of the close frame, -1 if there was none.
func (p *peer) closed() websocket.StatusCode {
	p.t.Helper()
	return websocket.CloseStatus(recv(p.t, p.err, "waiting for the connection's end"))
}

// venue is a WebSocket server. Each connection is a peer that the test takes.
type venue struct {
	url    string
	server *httptest.Server
	peers  chan *peer
	// refuse answers a handshake, if it is set and returns true.
	mu     sync.Mutex
	refuse func(w http.ResponseWriter) bool
}

func (v *venue) setRefuse(f func(w http.ResponseWriter) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refuse = f
}

func newVenue(t testing.TB, secure bool, options *websocket.AcceptOptions) *venue {
	v := &venue{peers: make(chan *peer, 16)}
	ctx, cancel := context.WithCancel(context.Background())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		refuse := v.refuse
		v.mu.Unlock()
		if refuse != nil && refuse(w) {
			return
		}
		ws, err := websocket.Accept(w, r, options)
		if err != nil {
			return
		}
		ws.SetReadLimit(-1)
		p := &peer{t: t, ws: ws, ctx: ctx, got: make(chan string, 1000), err: make(chan error, 1), head: r.Header}
		v.peers <- p
		for {
			_, data, err := ws.Read(ctx)
			if err != nil {
				p.err <- err
				_ = ws.CloseNow()
				return
			}
			p.got <- string(data)
		}
	})
	if secure {
		v.server = httptest.NewTLSServer(handler)
	} else {
		v.server = httptest.NewServer(handler)
	}
	v.url = "ws" + strings.TrimPrefix(v.server.URL, "http")
	t.Cleanup(func() {
		cancel()
		v.server.Close()
	})
	return v
}

func (v *venue) peer(t testing.TB) *peer {
	t.Helper()
	p := recv(t, v.peers, "waiting for a connection")
	p.t = t
	return p
}

// rawVenue speaks WebSocket by hand, for what a library would not do. Each connection's handshake is done.
func rawVenue(t testing.TB) (url string, conns <-chan net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := make(chan net.Conn, 16)
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				continue
			}
			sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
				base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
			c <- conn
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	return "ws://" + listener.Addr().String(), c
}

// rawFrame returns a frame as a server sends it.
func rawFrame(fin bool, opcode byte, payload string) []byte {
	head := []byte{opcode, 0}
	if fin {
		head[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		head[1] = byte(n)
	case n < 1<<16:
		head[1] = 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] = 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	return append(head, payload...)
}

// readRaw returns the next frame of a client, unmasked.
func readRaw(conn net.Conn) (opcode byte, payload string, err error) {
	var head [6]byte
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", err
	}
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, "", err
	}
	n := head[1] & 0x7f
	if n >= 126 {
		return 0, "", errors.New("a long frame")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(conn, data); err != nil {
		return 0, "", err
	}
	for i := range data {
		data[i] ^= head[2+i%4]
	}
	return head[0] & 0x0f, string(data), nil
}

// down is a call of OnDown.
type down struct {
	reason string
	next   time.Duration
}

// client is a Keeper that runs, and what it has said.
type client struct {
	*stream.Keeper
	frames  chan string
	ups     chan struct{}
	downs   chan down
	renewed chan string
	ended   chan error
	stop    context.CancelFunc
}

// newClient starts a Keeper for a stream; the functions change what is usual.
func newClient(t testing.TB, s protocol.Stream, change func(c *stream.Config)) *client {
	t.Helper()
	c := &client{frames: make(chan string, 100_000), ups: make(chan struct{}, 100), downs: make(chan down, 100),
		renewed: make(chan string, 100), ended: make(chan error, 1)}
	config := usual(s)
	config.OnUp = func() { c.ups <- struct{}{} }
	config.OnDown = func(reason string, next time.Duration) { c.downs <- down{reason, next} }
	config.OnRenewed = func(reason string) { c.renewed <- reason }
	config.OnFrame = func(_ int64, frame []byte) { c.frames <- string(frame) }
	if change != nil {
		change(&config)
	}
	keeper, err := stream.New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Keeper = keeper
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	go func() { c.ended <- keeper.Run(ctx); close(c.ended) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-c.ended:
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	return c
}

// usual is a configuration with short times for what tests wait for, and long ones for what should not happen.
func usual(s protocol.Stream) stream.Config {
	if s.Name == "" {
		s.Name = "market"
	}
	if s.Silence == 0 {
		s.Silence = time.Minute
	}
	return stream.Config{
		Prepare:    func(context.Context) (protocol.Stream, error) { return s, nil },
		NowNs:      func() int64 { return time.Now().UnixNano() },
		OnFrame:    func(int64, []byte) {},
		Attempts:   stream.NewAttempts(100_000, time.Second),
		BackOffMin: time.Millisecond, BackOffMax: 4 * time.Millisecond,
		OpenTimeout: 20 * time.Second, Overlap: 20 * time.Millisecond,
	}
}

func (c *client) expect(t testing.TB, frames ...string) {
	t.Helper()
	for _, want := range frames {
		if got := recv(t, c.frames, "waiting for "+want); got != want {
			t.Fatalf("the frame is %.60q, not %.60q", got, want)
		}
	}
}

// lost waits for OnDown with a reason that contains text.
func (c *client) lost(t testing.TB, text string) down {
	t.Helper()
	d := recv(t, c.downs, "waiting for: "+text)
	if !strings.Contains(d.reason, text) {
		t.Errorf("the reason is %q, not %q", d.reason, text)
	}
	return d
}
