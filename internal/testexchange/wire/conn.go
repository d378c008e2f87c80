package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// Conn is one WebSocket connection. Its methods are safe for concurrent use.
type Conn struct {
	hub *Hub
	// ws is nil until the handshake is over, when attached is closed.
	ws       atomic.Pointer[websocket.Conn]
	attached chan struct{}
	raw      net.Conn
	tap      *Tap // nil for one with a socket

	// ID counts the hub's connections from 1. The others say how it was opened.
	ID             int64
	Path, RemoteIP string
	Query          url.Values
	Header         http.Header
	OpenedNs       int64

	unmetered bool
	streams   map[string]bool // guarded by hub.mu
	queue     chan message
	done      chan struct{}

	endMu sync.Mutex
	// status and reason are of the close frame that ends the connection, handshake is closed when the peer has answered
	// it and nil without one. They are set under endMu before done is closed.
	status    websocket.StatusCode
	reason    string
	handshake chan struct{}

	pongNs, heardNs atomic.Int64
	idleTimeout     atomic.Int64 // 0 for the hub's
	pingNs          int64        // used by Hub.Advance only
	sent, received  atomic.Int64
	dead            atomic.Bool     // fault.HalfOpen
	stopped         map[string]bool // fault.StreamStops; used by write only

	rateMu       sync.Mutex
	rateSecond   int64
	rateMessages int
}

type message struct {
	data []byte
	// what describes it for faults; answers are not subject to the faults of streams.
	what   string
	answer bool
	// status ends the connection instead, when it is not 0.
	status websocket.StatusCode
	reason string
}

// Subscribe adds a stream and reports whether it is new.
func (c *Conn) Subscribe(stream string) bool {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.streams[stream] {
		return false
	}
	c.streams[stream] = true
	if c.hub.streams[stream] == nil {
		c.hub.streams[stream] = map[int64]*Conn{}
	}
	c.hub.streams[stream][c.ID] = c
	return true
}

// Unsubscribe removes a stream.
func (c *Conn) Unsubscribe(stream string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.unsubscribe(c, stream)
}

// Streams returns what the connection has subscribed to, in alphabetical order.
func (c *Conn) Streams() []string {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return slices.Sorted(maps.Keys(c.streams))
}

// Counts returns how many messages were sent and received.
func (c *Conn) Counts() (sent, received int64) { return c.sent.Load(), c.received.Load() }

// PongNs returns when the last pong came, at first when the connection was opened.
func (c *Conn) PongNs() int64 { return c.pongNs.Load() }

// SetIdleTimeout changes after what silence of the client the connection is closed, for this one alone.
func (c *Conn) SetIdleTimeout(d time.Duration) { c.idleTimeout.Store(int64(d)) }

// Send queues an event; what is its type or stream, for faults.
func (c *Conn) Send(what string, data []byte) { c.enqueue(message{data: data, what: what}) }

// Answer queues the answer to a message of the client.
func (c *Conn) Answer(data []byte) { c.enqueue(message{data: data, answer: true}) }

func (c *Conn) enqueue(m message) {
	if c.tap != nil {
		if !m.answer && m.status == 0 {
			c.tap.Receive(m.data)
		}
		return
	}
	select {
	case <-c.done:
	case c.queue <- m:
	default: // the client does not read: a close frame would not reach it either
		if c.end(0, "") {
			if ws := c.ws.Load(); ws != nil {
				c.hub.running.Go(func() { _ = ws.CloseNow() })
			}
		}
	}
}

// end makes the connection one that is over, with a close frame unless status is 0, and reports whether it was not so
// before. It does not wait.
func (c *Conn) end(status websocket.StatusCode, reason string) bool {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if c.ended() {
		return false
	}
	c.status, c.reason = status, reason
	if ws := c.ws.Load(); ws != nil && status != 0 {
		handshake := make(chan struct{})
		c.handshake = handshake
		go func() { // Serve waits for it
			_ = ws.Close(status, reason) // the peer may be gone already
			close(handshake)
		}()
	}
	close(c.done)
	return true
}

// attach gives the connection its socket. It returns false when the connection is over already, and closes the socket
// then.
func (c *Conn) attach(ws *websocket.Conn) bool {
	c.endMu.Lock()
	c.ws.Store(ws)
	over := c.ended()
	c.endMu.Unlock()
	close(c.attached)
	switch {
	case !over:
	case c.status != 0:
		_ = ws.Close(c.status, c.reason) // the peer may be gone already
	default:
		_ = ws.CloseNow()
	}
	return !over
}

// ended reports whether the connection is over.
func (c *Conn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Close ends the connection with a close frame. It does not wait.
func (c *Conn) Close(status websocket.StatusCode, reason string) { c.end(status, reason) }

// CloseAfterSending ends the connection with a close frame when what is queued has been sent. It does not wait.
func (c *Conn) CloseAfterSending(status websocket.StatusCode, reason string) {
	c.enqueue(message{status: status, reason: reason})
}

// Kill ends the connection at once.
func (c *Conn) Kill() {
	c.end(0, "")
	if ws := c.ws.Load(); ws != nil {
		_ = ws.CloseNow() // it may be closed already
	}
}

// Reset ends the connection with a TCP reset, after half of a frame with data.
func (c *Conn) Reset(data []byte) {
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		frame := []byte{0x81, 126, 0, 0} // a whole text message with a length of 16 bits, no mask
		half := data[:min(len(data)/2, 1<<15)]
		binary.BigEndian.PutUint16(frame[2:], uint16(2*len(half)+2))
		_, _ = tcp.Write(append(frame, half...)) // what arrives of it does not matter
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	c.Kill()
}

// heard notes that the client is there, and closes the connection when it sends too much. It reports whether it stays.
func (c *Conn) heard() bool {
	nowNs := c.hub.config.Clock.NowNs()
	c.heardNs.Store(nowNs)
	c.rateMu.Lock()
	if second := nowNs / int64(time.Second); second != c.rateSecond {
		c.rateSecond, c.rateMessages = second, 0
	}
	c.rateMessages++
	tooMany := !c.unmetered && c.hub.config.MessagesPerSecond > 0 && c.rateMessages > c.hub.config.MessagesPerSecond
	c.rateMu.Unlock()
	if tooMany {
		c.Close(websocket.StatusPolicyViolation, "Too many requests")
	}
	return !tooMany
}

// read hands messages to the handler until the connection ends.
func (c *Conn) read(handler Handler) {
	for {
		_, data, err := c.ws.Load().Read(context.Background())
		if err != nil {
			return
		}
		c.received.Add(1)
		if !c.heard() {
			return
		}
		if c.dead.Load() {
			continue
		}
		handler.Message(c, data)
	}
}

// ping sends a ping; a pong with the same payload counts.
func (c *Conn) ping() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the ping or the connection, whichever is first
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case <-c.attached:
	case <-c.done:
		return
	}
	if c.ws.Load().Ping(ctx) == nil {
		c.pongNs.Store(c.hub.config.Clock.NowNs())
	}
}

// write sends what is queued until the connection ends.
func (c *Conn) write() {
	for {
		select {
		case <-c.done:
			return
		case m := <-c.queue:
			if m.status != 0 {
				c.Close(m.status, m.reason)
				return
			}
			if !c.writeMessage(m) {
				return
			}
		}
	}
}

// writeMessage sends one message with the faults that hit it. It returns false when the connection is over.
func (c *Conn) writeMessage(m message) bool {
	faults := c.hub.config.Faults
	if c.dead.Load() {
		return true
	}
	if !m.answer {
		if c.isSilent(m.what) {
			return true
		}
		if _, hit := faults.Hit(fault.ResetMidFrame, m.what); hit {
			c.Reset(m.data)
			return false
		}
		if _, hit := faults.Hit(fault.UnknownEvent, m.what); hit && c.hub.config.UnknownEvent != nil {
			if c.writeFrames(c.hub.config.UnknownEvent, 1) != nil {
				return false
			}
		}
		if _, hit := faults.Hit(fault.HalfMessage, m.what); hit && c.writeFrames(m.data[:len(m.data)/2], 1) != nil {
			return false
		}
		if _, hit := faults.Hit(fault.UnknownField, m.what); hit {
			m.data = withUnknownFields(m.data)
		}
	}
	frames := 1
	if f, hit := faults.Hit(fault.Fragment, m.what); hit {
		frames = f.ValueOr(3)
	}
	if c.writeFrames(m.data, frames) != nil {
		return false
	}
	c.sent.Add(1)
	return true
}

// isSilent applies the faults by which messages of a stream do not go out, now or from now on.
func (c *Conn) isSilent(stream string) bool {
	faults := c.hub.config.Faults
	if _, hit := faults.Hit(fault.HalfOpen, stream); hit {
		c.dead.Store(true)
		return true
	}
	if _, hit := faults.Hit(fault.StreamStops, stream); hit {
		c.Unsubscribe(stream)
		c.stopped[stream] = true
		return true
	}
	if c.stopped[stream] {
		if !slices.Contains(c.Streams(), stream) {
			return true // it was in the queue
		}
		delete(c.stopped, stream)
	}
	_, hit := faults.Hit(fault.Silent, stream)
	return hit
}

func (c *Conn) writeFrames(data []byte, frames int) error {
	ctx := context.Background() // the end of the connection ends the write
	if frames <= 1 {
		return c.ws.Load().Write(ctx, websocket.MessageText, data)
	}
	w, err := c.ws.Load().Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	size := max(len(data)/frames, 1)
	for len(data) > size {
		if _, err := w.Write(data[:size]); err != nil {
			return err
		}
		data = data[size:]
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// withUnknownFields adds a field to the message and to the objects in it that venues add fields to.
func withUnknownFields(data []byte) []byte {
	const field = `"zzz":{"y":[1,null,"x"]},`
	if len(data) < 2 || data[0] != '{' || data[1] == '}' {
		return data
	}
	out := append([]byte("{"+field), data[1:]...)
	for _, object := range []string{`"data":{"`, `"data":[{"`, `"o":{"`, `"a":{"`, `"event":{"`} {
		out = bytes.ReplaceAll(out, []byte(object), []byte(object[:len(object)-1]+field+`"`))
	}
	return out
}
