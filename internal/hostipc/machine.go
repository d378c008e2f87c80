package hostipc

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// Machine is what a wall clock learns the time from, in nanoseconds. A test that sets the time or suspends the machine
// gives its own.
type Machine struct {
	// Wall is the time of day since the epoch, which somebody may set at any time.
	Wall func() int64
	// Boot goes as the monotonic clock does, and on while the machine is suspended.
	Boot func() int64
}

// ThisMachine returns the clocks of the machine.
func ThisMachine() Machine {
	return Machine{Wall: func() int64 { return time.Now().UnixNano() }, Boot: shm.BootNs}
}

const (
	// leastSuspension and leastSet are what counts as a jump: less is the error of looking, or a slow adjustment.
	leastSuspension = 10 * time.Millisecond
	leastSet        = 50 * time.Millisecond
	// watchEvery is how often Watch looks.
	watchEvery = 250 * time.Millisecond
)

// machine is what a wall clock knows of its machine.
type machine struct {
	Machine
	mu sync.Mutex
	// bootAheadNs and wallAheadNs are by how much these clocks were ahead of the monotonic one, the latter without the
	// suspensions.
	bootAheadNs, wallAheadNs int64
	lookedNs                 atomic.Int64 // when Boot was looked at, by the monotonic clock
	n                        uint64
	suspendedNs, setNs       int64
}

// NewWallClock returns the wall clock of this moment, running. It goes on by the machine's monotonic clock: that
// somebody sets the wall clock does not move it. When the machine was suspended it goes on by that time, before NowNs
// is called again; bots see it from then on.
func NewWallClock() *Clock { return NewWallClockOf(ThisMachine()) }

// NewWallClockOf is NewWallClock with other clocks than the machine's.
func NewWallClockOf(from Machine) *Clock {
	m := &machine{Machine: from}
	m.wallAheadNs, _ = ahead(m.Wall)
	m.bootAheadNs, _ = ahead(m.Boot)
	c := &Clock{rate: 1, machine: m}
	monoNs := shm.MonotonicNs()
	c.startNs = monoNs + m.wallAheadNs
	c.monoStartNs.Store(monoNs)
	return c
}

// ahead returns by how much a clock is ahead of the monotonic one, wrong by no more than doubtNs: it is read between
// two readings of that, until nothing came between them.
func ahead(clock func() int64) (ns, doubtNs int64) {
	const tries, good = 8, int64(5 * time.Microsecond)
	doubtNs = math.MaxInt64
	for range tries {
		before := shm.MonotonicNs()
		at := clock()
		after := shm.MonotonicNs()
		if took := after - before; took < doubtNs {
			ns, doubtNs = at-before-took/2, took
		}
		if doubtNs <= good {
			break
		}
	}
	return ns, doubtNs
}

// due reports whether it is time to look whether the machine was suspended. None is, and wakes up, within a
// millisecond.
func (m *machine) due(monoNs int64) bool { return monoNs-m.lookedNs.Load() >= int64(time.Millisecond) }

// noticeSuspension looks whether the machine was suspended, unless somebody else just did.
func (c *Clock) noticeSuspension(monoNs int64) {
	m := c.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.due(monoNs) {
		c.lookSuspended()
	}
}

// Look looks whether the machine was suspended or its wall clock was set since the last look.
func (c *Clock) Look() {
	m := c.machine
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c.lookSuspended()
	wallNs, doubtNs := ahead(m.Wall)
	c.lookSuspended() // between the two
	if doubtNs > int64(leastSuspension) {
		return // the next look is better
	}
	wallNs -= m.suspendedNs
	setNs := wallNs - m.wallAheadNs
	m.wallAheadNs = wallNs // a slow adjustment is no jump
	if max(setNs, -setNs) >= int64(leastSet) {
		m.setNs += setNs
		m.n++
	}
}

// lookSuspended lets the clock go on by the time for which the machine was suspended. The machine's lock is held.
func (c *Clock) lookSuspended() {
	m := c.machine
	lookedNs := shm.MonotonicNs()
	defer m.lookedNs.Store(lookedNs)
	bootNs, doubtNs := ahead(m.Boot)
	ns := bootNs - m.bootAheadNs
	if ns < int64(leastSuspension)+doubtNs {
		return
	}
	m.bootAheadNs += ns
	m.suspendedNs += ns
	m.n++
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(c.monoStartNs.Load() - ns)
}

// Jumps returns how often a wall clock's machine was suspended or had its wall clock set, as far as was noticed, for
// how long it was suspended in all and by how much the wall clock was set in all. Other clocks have none.
func (c *Clock) Jumps() (n uint64, suspended, set time.Duration) {
	m := c.machine
	if m == nil {
		return 0, 0, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n, time.Duration(m.suspendedNs), time.Duration(m.setNs)
}

// Watch looks all the time until ctx ends, and warns once of each jump: what has happened, and by how much time.
func (c *Clock) Watch(ctx context.Context, warn func(what string, by time.Duration)) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	told, suspended, set := c.Jumps()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		c.Look()
		n, s, w := c.Jumps()
		if n == told {
			continue
		}
		if s != suspended {
			warn("the machine was suspended: the clock advances by that time, and missed data is fetched again",
				(s - suspended).Round(time.Millisecond))
		}
		if w != set {
			warn("clock step detected: the runner keeps its own time, so that signatures and timestamps stay right; restart to use the new time", (w - set).Round(time.Millisecond))
		}
		told, suspended, set = n, s, w
	}
}
