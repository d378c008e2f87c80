package ipc

import (
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// lifeline is the socket of a process that attached itself: it is open as long as both ends live. A nil lifeline is
// that of a process the host started, which has none.
type lifeline struct {
	conn *net.UnixConn
	gone atomic.Bool
	err  error // why, once gone
	done chan struct{}
}

// watchHost returns the lifeline of an attached process; it wakes the bot when the host has closed it.
func watchHost(conn *net.UnixConn, doorbell *uint32) *lifeline {
	l := &lifeline{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.err = hft.ErrPeerGone
		var parting ring.Parting
		if b, err := ring.ReadMessage(conn, nil); err == nil && json.Unmarshal(b, &parting) == nil &&
			parting.Closed != "" {
			l.err = fmt.Errorf("%w: the host has disconnected this process: %s", hft.ErrPeerGone, parting.Closed)
		}
		l.gone.Store(true)
		atomic.AddUint32(doorbell, 1)
		shm.FutexWake(doorbell, 1)
	}()
	return l
}

// lost returns why the host is gone, nil while it is there.
func (l *lifeline) lost() error {
	if l == nil || !l.gone.Load() {
		return nil
	}
	return l.err
}

// close tells the host that the bot is done. The doorbell is not touched afterwards.
func (l *lifeline) close() {
	if l == nil {
		return
	}
	_ = l.conn.Close()
	<-l.done
}
