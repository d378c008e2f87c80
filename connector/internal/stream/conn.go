package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// conn is one connection. Its reader and its watch begin with it; done is closed when all its goroutines have ended.
type conn struct {
	keeper *Keeper
	stream protocol.Stream
	socket *websocket.Conn
	wire   *wire
	// run is the keeper's: see polite.
	run context.Context
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
	// held is how many bytes came before the last answer.
	held int64
	// adopted is closed when the connection may deliver: OnUp or OnRenewed was called, and it has settled.
	adopted chan struct{}
	// renew gets why the connection should be replaced.
	renew chan string

	data     atomic.Uint64 // frames delivered
	busy     atomic.Bool   // OnFrame works, or is waited for
	probing  atomic.Bool
	pongsDue atomic.Int64
	stable   atomic.Bool
}

// newConn starts the goroutines of a connection whose handshake is done.
func newConn(run context.Context, k *Keeper, s protocol.Stream, socket *websocket.Conn, w *wire) *conn {
	c := &conn{run: run, keeper: k, stream: s, socket: socket, wire: w, ended: make(chan struct{}),
		done: make(chan struct{}), up: make(chan struct{}), adopted: make(chan struct{}),
		answered: make(chan struct{}, s.Answers), renew: make(chan string, 1)}
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

// end ends the connection for a reason; the first counts. With a goodbye it waits for the venue's answer;
// what comes until then is thrown away. It is cut short when the keeper ends without one.
func (c *conn) end(err error, goodbye bool) {
	c.ending.Do(func() {
		if c.wire.gaveUp.Load() {
			err = fmt.Errorf("the venue accepts no data: a write blocked for %v", c.wire.timeout)
		}
		c.err = err
		if goodbye {
			c.goroutines.Add(1)
			go func() {
				defer c.goroutines.Done()
				late := time.AfterFunc(c.keeper.config.CloseTimeout, c.wire.abort)
				defer late.Stop()
				defer context.AfterFunc(c.run, func() {
					if !polite(c.run) {
						c.wire.abort()
					}
				})()
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
	var held [][]byte
	for c.answers < c.stream.Answers {
		n, err := c.readFrame(&buffer)
		if err != nil {
			return err
		}
		if held, err = c.prepare(held, buffer[:n]); err != nil {
			return err
		}
	}
	if !c.adoption() {
		return nil
	}
	for _, frame := range held {
		c.deliver(c.keeper.config.NowNs(), frame)
	}
	held = nil
	for {
		n, err := c.readFrame(&buffer)
		if err != nil {
			return err
		}
		c.deliver(c.keeper.config.NowNs(), buffer[:n])
	}
}

// readFrame reads a message into the buffer, which grows to the longest one, and returns its length.
func (c *conn) readFrame(buffer *[]byte) (n int, err error) {
	// The same as in write: no context that can end. Closing the wire ends the read.
	_, r, err := c.socket.Reader(context.Background())
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	for {
		if n == len(*buffer) {
			// The socket ends a message above ReadLimit, so this is bounded.
			*buffer = append(*buffer, make([]byte, len(*buffer))...)
		}
		m, err := r.Read((*buffer)[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
	}
}

// prepare looks at a message of a connection that is not up: an answer is counted, anything else held until it is.
func (c *conn) prepare(held [][]byte, frame []byte) ([][]byte, error) {
	k := c.keeper
	k.callbacks.Lock()
	defer k.callbacks.Unlock()
	answer, err := c.stream.Ready(frame)
	switch {
	case err != nil:
		return held, &RefusedError{Stream: c.stream.Name, Err: err}
	case answer:
		k.count(frame)
		c.answers++
		c.answered <- struct{}{} // there is room for all of them
		if c.answers == c.stream.Answers {
			close(c.up)
		}
		return held, nil
	}
	if c.held += int64(len(frame)); c.held > k.config.ReadLimit {
		return held, fmt.Errorf("more than %d bytes arrived before the answer to the logon or subscription",
			k.config.ReadLimit)
	}
	return append(held, bytes.Clone(frame)), nil
}

// adoption waits until the connection may deliver, and reports whether it may.
func (c *conn) adoption() bool {
	c.busy.Store(true)
	defer c.busy.Store(false)
	select {
	case <-c.adopted:
		return true
	case <-c.ended:
		return false
	}
}

// deliver hands a message over.
func (c *conn) deliver(localNs int64, frame []byte) {
	k := c.keeper
	c.busy.Store(true)
	k.callbacks.Lock()
	defer func() {
		k.callbacks.Unlock()
		c.busy.Store(false)
	}()
	if c.ctx.Err() != nil {
		return // it has ended, and OnDown may have been called
	}
	k.count(frame)
	if c.stream.Pong != nil && c.pongsDue.Load() > 0 && c.stream.Pong(frame) {
		c.pongsDue.Add(-1)
		return
	}
	c.data.Add(1)
	k.config.OnFrame(localNs, frame)
	if tookNs := k.config.NowNs() - localNs; tookNs >= int64(k.config.SlowFrame) {
		k.slowFrames.Add(1)
	}
}
