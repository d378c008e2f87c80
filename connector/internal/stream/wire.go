package stream

import (
	"net"
	"sync/atomic"
	"time"
)

// wire is the TCP connection below a WebSocket. It counts the reads that brought something, so that also half a frame
// and a ping are signs of life, and ends the connection when a write is not taken in time. A timer and not a deadline
// bounds the write: what is written by the WebSocket's own answers is bounded the same way, and nothing is allocated.
type wire struct {
	net.Conn
	reads   atomic.Uint64
	timeout time.Duration
	stuck   *time.Timer
	gaveUp  atomic.Bool
}

func newWire(conn net.Conn, timeout time.Duration) *wire {
	w := &wire{Conn: conn, timeout: timeout}
	w.stuck = time.AfterFunc(timeout, func() {
		w.gaveUp.Store(true)
		w.abort()
	})
	w.stuck.Stop()
	return w
}

// abort ends the connection without a word. What reads or writes returns at once.
func (w *wire) abort() { _ = w.Conn.Close() }

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.reads.Add(1)
	}
	return n, err
}

// Write implements net.Conn. One goroutine writes at a time: TLS and the WebSocket see to that.
func (w *wire) Write(p []byte) (int, error) {
	w.stuck.Reset(w.timeout)
	n, err := w.Conn.Write(p)
	w.stuck.Stop()
	return n, err
}
