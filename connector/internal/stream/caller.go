package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// CallerConfig configures a Caller.
type CallerConfig struct {
	// Config configures the connection. Its OnFrame receives everything but answers to calls, and answers that arrive
	// too late; it may be nil. Its Overlap is the time for which answers may arrive over a replaced connection;
	// Default: Timeout. The connection is never compressed.
	Config
	// ID returns the id that an answer carries, a part of the frame, or nil if the frame is not an answer.
	ID func(frame []byte) []byte
	// Timeout limits the wait for an answer. Default: 5 s.
	Timeout time.Duration
	// MaxCalls is the number of calls that may wait at the same time. Default: 1024.
	MaxCalls int
}

// Caller sends requests over a kept connection and waits for their answers.
type Caller struct {
	*Keeper
	config CallerConfig

	mu sync.Mutex
	// waiting are the calls that wait, by their id. free are finished ones, for the next.
	waiting map[string]*call
	free    []*call
}

// call is a request that waits. Under the Caller's mutex until it is out of the map, then its caller's.
type call struct {
	answer   []byte
	answered chan struct{} // holds one
	late     *time.Timer
}

// NewCaller makes a Caller. It does nothing until Run.
func NewCaller(config CallerConfig) (*Caller, error) {
	if config.ID == nil {
		return nil, errors.New("stream: a Caller needs ID, which finds out what a frame answers")
	}
	orDefault(&config.Timeout, 5*time.Second)
	orDefault(&config.MaxCalls, 1024)
	orDefault(&config.Overlap, config.Timeout)
	if config.Timeout < 0 || config.MaxCalls < 0 {
		return nil, errors.New("stream: Timeout or MaxCalls is negative")
	}
	c := &Caller{waiting: map[string]*call{}}
	if config.OnFrame == nil {
		config.OnFrame = func(int64, []byte) {}
	}
	c.config = config
	config.Uncompressed = true
	config.OnFrame = c.frame
	keeper, err := New(config.Config)
	if err != nil {
		return nil, err
	}
	keeper.direct = true
	c.Keeper = keeper
	return c, nil
}

// frame hands an answer to its call.
func (c *Caller) frame(localNs int64, frame []byte) {
	if id := c.config.ID(frame); id != nil && c.answer(id, frame) {
		return
	}
	c.config.OnFrame(localNs, frame)
}

func (c *Caller) answer(id, frame []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.waiting[string(id)]
	if !ok {
		return false
	}
	delete(c.waiting, string(id))
	w.answer = append(w.answer[:0], frame...)
	w.answered <- struct{}{}
	return true
}

// Call sends a request and returns its answer, appended to dst. The id has to be the one that the answer will carry,
// and to be unique among the calls that wait. An error that is ErrDown or ErrBusy says that nothing was sent; one that
// is ErrUnknown that the request may have been executed: the connection has ended, or no answer came within Timeout or
// before ctx ended.
func (c *Caller) Call(ctx context.Context, id string, frame, dst []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return dst, fmt.Errorf("stream: nothing was sent: %w", err)
	}
	link := c.live()
	if link == nil {
		return dst, ErrDown
	}
	w, err := c.enter(id)
	if err != nil {
		return dst, err
	}
	w.late.Reset(c.config.Timeout)
	err = link.write(frame)
	if err == nil {
		err = c.wait(ctx, link, w)
	} else {
		// A part of it, or all, may have gone out.
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	w.late.Stop()
	return c.leave(id, w, dst, err)
}

// wait waits until a call has its answer, or will not get it.
func (c *Caller) wait(ctx context.Context, link *conn, w *call) error {
	select {
	case <-w.answered:
		w.answered <- struct{}{} // for leave, which looks whatever the outcome
		return nil
	case <-link.done:
		return fmt.Errorf("%w: the connection ended: %w", ErrUnknown, link.err)
	case <-w.late.C:
		return fmt.Errorf("%w: no answer within %v", ErrUnknown, c.config.Timeout)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

// enter registers a call.
func (c *Caller) enter(id string) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.waiting[id]; twice {
		return nil, fmt.Errorf("stream: nothing was sent: a call with the id %q waits already", id)
	}
	if len(c.waiting) >= c.config.MaxCalls {
		return nil, ErrBusy
	}
	var w *call
	if n := len(c.free); n > 0 {
		w, c.free = c.free[n-1], c.free[:n-1]
	} else {
		w = &call{answered: make(chan struct{}, 1), late: stopped()}
	}
	c.waiting[id] = w
	return w, nil
}

// leave takes a call out and returns its outcome; an answer that came at the last moment counts.
func (c *Caller) leave(id string, w *call, dst []byte, err error) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[id] == w {
		delete(c.waiting, id)
	}
	select {
	case <-w.answered:
		dst, err = append(dst, w.answer...), nil
	default:
	}
	c.free = append(c.free, w)
	return dst, err
}
