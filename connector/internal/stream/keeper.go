package stream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Keeper keeps one Stream connected.
type Keeper struct {
	config Config
	// direct lets a new connection deliver at once: a Caller's frames are answers, which have no sequence.
	direct  bool
	running atomic.Bool
	// callbacks is held while one of the Config's On functions, Ready or Pong is called.
	callbacks sync.Mutex
	// current is the connection that requests go to, nil when there is none that is up.
	current atomic.Pointer[conn]
	renew   chan string

	attempts, connects, drops, renewals, frames, bytes, slowFrames atomic.Uint64
}

// Stats counts what a Keeper has done so far.
type Stats struct {
	Up bool
	// Attempts are begun connections, Connects those that came up, Drops those of them that were lost with none to take
	// over, Renewals those that were replaced without a gap.
	Attempts, Connects, Drops, Renewals uint64
	// Frames and Bytes are what came, uncompressed. SlowFrames are frames that OnFrame was slow with.
	Frames, Bytes, SlowFrames uint64
}

// New makes a Keeper. It does nothing until Run.
func New(config Config) (*Keeper, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	return &Keeper{config: config, renew: make(chan string, 1)}, nil
}

// Run keeps the stream connected until ctx ends, and returns nil then. It says goodbye to the venue, for which that has
// CloseTimeout, unless ctx has a cause of its own (context.WithCancelCause): then it waits for nothing. It returns an
// error when trying again is no use: a *RefusedError after MaxRefusals in a row, or what Prepare or Ready have marked
// with backoff.Permanent. It is called once.
func (k *Keeper) Run(ctx context.Context) error {
	if k.running.Swap(true) {
		return errors.New("stream: Run is called a second time")
	}
	return newLoop(k, ctx).run()
}

// Renew replaces the connection by a new one without a gap, such as after a shutdown notice or when there is more to
// subscribe to: Prepare is called again. It returns at once. Between attempts it does nothing, as Prepare will be
// called anyway. Requests that come together make one renewal.
func (k *Keeper) Renew(reason string) {
	select {
	case k.renew <- reason:
	default: // one is waiting already, and Prepare has not been called for it
	}
}

// Send sends a text message over the connection that is up. It waits while the venue does not read, at most
// WriteTimeout, and returns ErrDown when there is no connection. An error of the write ends the connection.
func (k *Keeper) Send(frame []byte) error {
	c := k.live()
	if c == nil {
		return ErrDown
	}
	return c.write(frame)
}

// count counts a message.
func (k *Keeper) count(frame []byte) {
	k.frames.Add(1)
	k.bytes.Add(uint64(len(frame)))
}

// live returns the connection that requests go to, nil if there is none.
func (k *Keeper) live() *conn {
	if c := k.current.Load(); c != nil && c.ctx.Err() == nil {
		return c
	}
	return nil
}

// Up reports whether there is a connection that is up.
func (k *Keeper) Up() bool { return k.live() != nil }

// Stats returns the counters.
func (k *Keeper) Stats() Stats {
	return Stats{Up: k.Up(), Attempts: k.attempts.Load(), Connects: k.connects.Load(), Drops: k.drops.Load(),
		Renewals: k.renewals.Load(), Frames: k.frames.Load(), Bytes: k.bytes.Load(), SlowFrames: k.slowFrames.Load()}
}
