package wire

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// QueueSize is the number of messages that wait for a connection before it is closed.
const QueueSize = 8192

// Config configures a Hub. A zero duration means never, a zero number no bound.
type Config struct {
	Clock  Clock
	Faults *fault.Set
	// PingInterval is the interval between pings, PongTimeout the time without a pong after which the server closes.
	PingInterval, PongTimeout time.Duration
	// IdleTimeout closes a connection that has sent nothing for so long.
	IdleTimeout time.Duration
	// MaxAge closes a connection that is so old.
	MaxAge time.Duration
	// MessagesPerSecond bounds what a client sends, control frames included.
	MessagesPerSecond int
	// Compress negotiates permessage-deflate with clients that offer it.
	Compress bool
	// UnknownEvent is the event that fault.UnknownEvent sends.
	UnknownEvent []byte
	// ReadLimit bounds a message of a client in bytes, 0 for 64 KiB.
	ReadLimit int64
}

// Handler handles one connection.
type Handler struct {
	// Opened is called before anything is read; may be nil.
	Opened func(*Conn)
	// Message is called for each message, one after the other. The bytes are the handler's.
	Message func(*Conn, []byte)
	// Unmetered connections may send more than Config.MessagesPerSecond.
	Unmetered bool
	// Closed is called once at the end; may be nil.
	Closed func(*Conn)
}

// Hub is the WebSocket connections of one venue.
type Hub struct {
	config Config

	mu      sync.Mutex
	conns   map[int64]*Conn
	streams map[string]map[int64]*Conn
	nextID  int64
	closed  bool
	running sync.WaitGroup
}

// NewHub returns a hub without connections.
func NewHub(config Config) *Hub {
	if config.ReadLimit == 0 {
		config.ReadLimit = 64 << 10
	}
	return &Hub{config: config, conns: map[int64]*Conn{}, streams: map[string]map[int64]*Conn{}}
}

// Serve makes a WebSocket connection of a request and serves it until it ends.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, handler Handler) {
	if _, hit := h.config.Faults.Hit(fault.RefuseConnect, r.URL.Path); hit {
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	c := &Conn{hub: h, Path: r.URL.Path, Query: r.URL.Query(), RemoteIP: RemoteIP(r), Header: r.Header.Clone(),
		OpenedNs: h.config.Clock.NowNs(), unmetered: handler.Unmetered, streams: map[string]bool{},
		stopped: map[string]bool{}, queue: make(chan message, QueueSize), done: make(chan struct{}),
		attached: make(chan struct{})}
	c.raw, _ = r.Context().Value(rawKey{}).(net.Conn)
	c.pongNs.Store(c.OpenedNs)
	c.heardNs.Store(c.OpenedNs)
	c.pingNs = c.OpenedNs
	options := &websocket.AcceptOptions{InsecureSkipVerify: true,
		OnPingReceived: func(context.Context, []byte) bool { return c.heard() && !c.dead.Load() },
		OnPongReceived: func(context.Context, []byte) { c.heard() }}
	if h.config.Compress {
		options.CompressionMode, options.CompressionThreshold = websocket.CompressionContextTakeover, 64
	}
	c.tap = tap(r)
	if !h.add(c) {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	if c.tap != nil {
		h.serveTap(c, handler)
		return
	}
	defer h.running.Done()
	// It is known before the client knows that it is connected: what happens from then on is sent.
	if handler.Opened != nil {
		handler.Opened(c)
	}
	defer func() {
		h.remove(c)
		if handler.Closed != nil {
			handler.Closed(c)
		}
	}()
	ws, err := websocket.Accept(w, r, options)
	if err != nil {
		c.Kill() // Accept has answered
		return
	}
	ws.SetReadLimit(h.config.ReadLimit)
	if !c.attach(ws) {
		return
	}
	var writing sync.WaitGroup
	writing.Go(c.write)
	c.read(handler)
	c.end(0, "")
	if c.handshake != nil {
		<-c.handshake
	}
	c.Kill()
	writing.Wait()
}

func (h *Hub) add(c *Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.running.Add(1)
	h.nextID++
	c.ID = h.nextID
	h.conns[c.ID] = c
	return true
}

func (h *Hub) remove(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c.ID)
	for stream := range c.streams {
		h.unsubscribe(c, stream)
	}
}

func (h *Hub) unsubscribe(c *Conn, stream string) {
	delete(c.streams, stream)
	delete(h.streams[stream], c.ID)
	if len(h.streams[stream]) == 0 {
		delete(h.streams, stream)
	}
}

// Conns returns the connections that are open, the oldest first.
func (h *Hub) Conns() []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Collect(maps.Values(h.conns))
	slices.SortFunc(list, func(a, b *Conn) int { return int(a.ID - b.ID) })
	return list
}

// Subscribers returns the connections that have subscribed to a stream, the oldest first.
func (h *Hub) Subscribers(stream string) []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	subscribed := h.streams[stream]
	if len(subscribed) == 0 {
		return nil
	}
	list := slices.Collect(maps.Values(subscribed))
	slices.SortFunc(list, func(a, b *Conn) int { return int(a.ID - b.ID) })
	return list
}

// Advance does to the connections what time does.
func (h *Hub) Advance(nowNs int64) {
	age := func(sinceNs int64, limit time.Duration) bool { return limit > 0 && nowNs-sinceNs >= int64(limit) }
	for _, c := range h.Conns() {
		switch {
		case c.tap != nil:
		case age(c.OpenedNs, h.config.MaxAge):
			c.Close(websocket.StatusGoingAway, "connection expired")
		case age(c.pongNs.Load(), h.config.PongTimeout):
			c.Close(websocket.StatusPolicyViolation, "Pong timeout")
		case age(c.heardNs.Load(), cmp.Or(time.Duration(c.idleTimeout.Load()), h.config.IdleTimeout)):
			c.Close(websocket.StatusGoingAway, "idle")
		case age(c.pingNs, h.config.PingInterval):
			c.pingNs = nowNs
			if _, hit := h.config.Faults.Hit(fault.NoPings, c.Path); !hit && !c.dead.Load() {
				h.running.Go(c.ping)
			}
		}
	}
}

// CloseAll closes all connections with a status.
func (h *Hub) CloseAll(status websocket.StatusCode, reason string) {
	for _, c := range h.Conns() {
		c.Close(status, reason)
	}
}

// close ends all connections, takes no more, and waits for them.
func (h *Hub) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, c := range h.Conns() {
		c.Kill()
	}
	h.running.Wait()
}
