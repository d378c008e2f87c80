package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// conn is one connection. Its reader and its watch begin with it; done is closed when all its goroutines have ended.
type conn struct {
	keeper *Keeper
	stream Stream
	socket *websocket.Conn
	wire   *wire
	// ctx ends when the connection begins to end.
	ctx    context.Context
	cancel context.CancelFunc

	goroutines sync.WaitGroup
	ending     sync.Once
	// err is why it ended. It is set before ended is closed.
	err   error
	ended chan struct{}
	done  chan struct{}

	// up is closed when every Hello is answered; answers counts them, and is the reader's own.
	up      chan struct{}
	answers int
	// answered gets one for each answer.
	answered chan struct{}
	// adopted is closed when OnUp or OnRenewed was called for it. What comes after the last answer waits for that.
	adopted chan struct{}
	// renew gets why the connection should be replaced.
	renew chan string

	data     atomic.Uint64 // frames delivered
	busy     atomic.Bool   // OnFrame works, or is waited for
	pongsDue atomic.Int64
	stable   atomic.Bool
}

// newConn starts the goroutines of a connection whose handshake is done.
func newConn(k *Keeper, s Stream, socket *websocket.Conn, w *wire) *conn {
	c := &conn{keeper: k, stream: s, socket: socket, wire: w, ended: make(chan struct{}), done: make(chan struct{}),
		up: make(chan struct{}), adopted: make(chan struct{}), answered: make(chan struct{}, s.Answers), renew: make(chan string, 1)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	socket.SetReadLimit(k.config.ReadLimit)
	if s.Answers == 0 {
		close(c.up)
	}
	c.goroutines.Add(2)
	go c.read()
	go c.watch()
	if s.KeepAlive != nil {
		c.goroutines.Add(1)
		go c.keepAlive()
	}
	go func() {
		<-c.ended
		c.goroutines.Wait()
		w.abort()
		_ = socket.CloseNow() // gives its buffers back; the connection below is closed already
		close(c.done)
	}()
	return c
}

// end ends the connection for a reason; the first counts. A polite end says goodbye and waits for the venue's answer;
// what comes until then is thrown away.
func (c *conn) end(err error, polite bool) {
	c.ending.Do(func() {
		c.err = err
		if polite {
			c.goroutines.Add(1)
			go func() {
				defer c.goroutines.Done()
				late := time.AfterFunc(c.keeper.config.CloseTimeout, c.wire.abort)
				defer late.Stop()
				_ = c.socket.Close(websocket.StatusNormalClosure, "") // it ends either way
				c.wire.abort()
			}()
		} else {
			c.wire.abort()
		}
		c.cancel()
		close(c.ended)
	})
}

func (c *conn) isUp() bool {
	select {
	case <-c.up:
		return c.ctx.Err() == nil
	default:
		return false
	}
}

// lasted reports whether the connection was a good one: it lived, and it brought something if it should have.
func (c *conn) lasted() bool {
	return c.stable.Load() && (c.stream.QuietTopics == 0 || c.data.Load() > 0)
}

// write sends a text message. An error ends the connection.
func (c *conn) write(frame []byte) error {
	// A context that can end would cost allocations for each frame; the wire bounds the time.
	if err := c.socket.Write(context.Background(), websocket.MessageText, frame); err != nil {
		err = fmt.Errorf("stream %q: write: %w", c.stream.Name, err)
		c.end(err, false)
		return err
	}
	return nil
}

// read reads until the connection ends.
func (c *conn) read() {
	defer c.goroutines.Done()
	c.end(c.readAll(), false)
}

func (c *conn) readAll() error {
	const firstSize = 64 << 10
	buffer := make([]byte, firstSize)
	for {
		// The same as in write: no context that can end. Closing the wire ends the read.
		_, r, err := c.socket.Reader(context.Background())
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		n := 0
		for {
			if n == len(buffer) {
				// The socket ends a message above ReadLimit, so this is bounded.
				buffer = append(buffer, make([]byte, len(buffer))...)
			}
			var m int
			m, err = r.Read(buffer[n:])
			n += m
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
		}
		if err := c.handle(c.keeper.config.NowNs(), buffer[:n]); err != nil {
			return err
		}
	}
}

// handle looks at a message and delivers it.
func (c *conn) handle(localNs int64, frame []byte) error {
	c.busy.Store(true)
	defer c.busy.Store(false)
	if c.answers == c.stream.Answers {
		select {
		case <-c.adopted:
		case <-c.ended:
			return nil
		}
	}
	k := c.keeper
	k.callbacks.Lock()
	defer k.callbacks.Unlock()
	if c.ctx.Err() != nil {
		return nil // it has ended, and OnDown may have been called
	}
	k.frames.Add(1)
	k.bytes.Add(uint64(len(frame)))
	if c.answers < c.stream.Answers {
		answer, err := c.stream.Ready(frame)
		if err != nil {
			return &RefusedError{Stream: c.stream.Name, Err: err}
		}
		if answer {
			c.answers++
			c.answered <- struct{}{} // there is room for all of them
			if c.answers == c.stream.Answers {
				close(c.up)
			}
			return nil
		}
	}
	if c.stream.Pong != nil && c.pongsDue.Load() > 0 && c.stream.Pong(frame) {
		c.pongsDue.Add(-1)
		return nil
	}
	c.data.Add(1)
	k.config.OnFrame(localNs, frame)
	if tookNs := k.config.NowNs() - localNs; tookNs >= int64(k.config.SlowFrame) {
		k.slowFrames.Add(1)
	}
	return nil
}
