package host

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// barrier moves a stepped clock: recorded time goes on only when every bot has received everything and waits, and it
// stops at each time that a bot waits for. So a replay at full speed loses nothing and treats the bots as a backtest
// would.
type barrier struct {
	clock    *hostipc.Clock
	expected atomic.Int64 // bots whose process is on its way; time does not pass without them

	mu       sync.Mutex
	sessions []*session
	scratch  []*session
}

const (
	barrierSpins = 200
	barrierSleep = 2 * time.Millisecond
	// maxShows is the number of times that one wait shows the same time. A bot that still waits for it reads another
	// connector's clock.
	maxShows = 4
)

func newBarrier(clock *hostipc.Clock) *barrier { return &barrier{clock: clock} }

func (b *barrier) add(s *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions = append(b.sessions, s)
}

func (b *barrier) remove(s *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions = slices.DeleteFunc(b.sessions, func(known *session) bool { return known == s })
}

// expect adds a bot that is being started or waits to be started again, or takes it away: it has joined, or failed
// permanently.
func (b *barrier) expect(joins bool) {
	if joins {
		b.expected.Add(1)
		return
	}
	b.expected.Add(-1)
}

// awaitExpected returns when no bot is starting: what a failed strategy must see is not played without it.
func (b *barrier) awaitExpected(ctx context.Context) error {
	for b.expected.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(barrierSleep):
		}
	}
	return nil
}

// members returns the sessions to wait for. The result is valid until the next call.
func (b *barrier) members() []*session {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scratch = append(b.scratch[:0], b.sessions...)
	return b.scratch
}

// show lets the bots see the time that the connector has reached, and that nothing else happens at it by itself.
func (b *barrier) show() {
	b.clock.Show()
	for _, s := range b.members() {
		s.wake()
	}
}

// waitUntil is WaitUntil of a stepped clock. The bots' deadlines before timestampNs come first; at timestampNs itself
// the connector's events do, as in a backtest: the bots see the new time with the first event, or when everybody is done
// with it. A bot that waits for the end of the present instant has it when every bot waits and none has sent anything
// that the connector has not taken.
func (b *barrier) waitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	if timestampNs == math.MaxInt64 {
		return b.standStill(ctx, wake)
	}
	for shows := 0; ; {
		next, err := b.nextDeadline(ctx, timestampNs)
		if err != nil {
			return b.clock.NowNs(), err
		}
		select {
		case <-wake: // requests came in at this instant
			return b.clock.NowNs(), nil
		default:
		}
		if ctx.Err() != nil {
			return b.clock.NowNs(), ctx.Err()
		}
		nowNs := b.clock.NowNs()
		if next <= nowNs && nowNs < timestampNs && shows < maxShows {
			shows++
			b.show()
			continue
		}
		// What a bot says is not trusted to be in the future.
		next = min(max(next, nowNs+1), max(timestampNs, nowNs))
		b.clock.Step(next)
		if next >= timestampNs {
			return timestampNs, nil
		}
		b.show()
	}
}

// nextDeadline returns the earliest time that a bot waits for, at most timestampNs, once all of them wait.
func (b *barrier) nextDeadline(ctx context.Context, timestampNs int64) (int64, error) {
	next := timestampNs
	if err := b.awaitExpected(ctx); err != nil {
		return 0, err
	}
	for _, s := range b.members() {
		deadlineNs, err := awaitIdle(ctx, s)
		if err != nil {
			return 0, err
		}
		next = min(next, deadlineNs)
	}
	return next, nil
}

// standStill waits for requests while nothing will ever happen by itself: the connector has no instrument.
func (b *barrier) standStill(ctx context.Context, wake <-chan struct{}) (int64, error) {
	look := time.NewTicker(barrierSleep)
	defer look.Stop()
	for {
		b.show()
		select {
		case <-wake:
			return b.clock.NowNs(), nil
		case <-ctx.Done():
			return b.clock.NowNs(), ctx.Err()
		case <-look.C:
		}
	}
}

// awaitIdle returns until when a bot waits, once it has received everything and its requests have been handled. A bot
// that is gone waits forever; a hung one is the supervisor's to find.
func awaitIdle(ctx context.Context, s *session) (deadlineNs int64, err error) {
	patience := time.Duration(0)
	for spins := 0; ; spins++ {
		if spins == barrierSpins {
			patience = barrierSleep
		}
		deadlineNs, idle := s.idle(patience)
		switch {
		case idle == departed:
			return math.MaxInt64, nil
		case idle == waiting:
			return deadlineNs, nil
		case ctx.Err() != nil:
			return 0, ctx.Err()
		default: // busy, or the request goroutine is at its requests
			runtime.Gosched()
		}
	}
}
