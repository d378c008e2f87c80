package ipc_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

// machine is one whose clocks a test moves.
type machine struct{ wallNs, bootNs atomic.Int64 }

func (m *machine) clock() *hostipc.Clock {
	this := hostipc.ThisMachine()
	return hostipc.NewWallClockOf(hostipc.Machine{Wall: func() int64 { return this.Wall() + m.wallNs.Load() },
		Boot: func() int64 { return this.Boot() + m.bootNs.Load() }})
}

func (m *machine) suspend(d time.Duration) {
	m.wallNs.Add(int64(d))
	m.bootNs.Add(int64(d))
	time.Sleep(2 * time.Millisecond) // no machine wakes up in less
}

// passed returns by how much a clock went on besides the time that passes, in whole seconds.
func passed(clock interface{ NowNs() int64 }) func() time.Duration {
	began, beganNs := time.Now(), clock.NowNs()
	return func() time.Duration {
		return (time.Duration(clock.NowNs()-beganNs) - time.Since(began)).Round(time.Second)
	}
}

// The clock follows no setting of the wall clock and every suspension of the machine, in the host and in its bots.
func TestTimeJumps(t *testing.T) {
	m := new(machine)
	f := newFixture(t, ipc.WaitAdaptive)
	f.clock = m.clock()
	insts := ipctest.Instruments()[:1]
	feed, err := hostipc.NewFeed(insts[0].Connector, 1<<4, f.clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.feeds[insts[0].Connector].Close(); err != nil {
		t.Fatal(err)
	}
	f.feeds[insts[0].Connector] = feed
	bot, err := f.Attach(1, insts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bot.Close() }()
	host, seen := passed(f.clock), passed(bot)
	var suspended, set time.Duration
	for n, jump := range []struct{ suspended, set time.Duration }{{0, 10 * time.Second}, {0, -time.Hour},
		{10 * time.Second, 0}, {48 * time.Hour, 0}, {5 * time.Second, 0}, {0, 3000 * time.Second}} {
		m.suspend(jump.suspended)
		m.wallNs.Add(int64(jump.set))
		f.clock.NowNs()
		suspended, set = suspended+jump.suspended, set+jump.set
		if h, b := host(), seen(); h != suspended || b != suspended {
			t.Errorf("%+v: the host's clock went on by %v, the bot's by %v, suspended was %v", jump, h, b, suspended)
		}
		f.clock.Look()
		if count, s, w := f.clock.Jumps(); count != uint64(n+1) || s.Round(time.Second) != suspended ||
			w.Round(time.Second) != set {
			t.Errorf("%+v: %d jumps, suspended %v, set by %v", jump, count, s, w)
		}
	}
}

// No clock goes back, whoever notices a suspension and whatever the wall clock is set to.
func TestClockNeverGoesBack(t *testing.T) {
	m := new(machine)
	clock := m.clock()
	var readers sync.WaitGroup
	var over atomic.Bool
	for _, read := range []func() int64{clock.NowNs, clock.NowNs, clock.NowNs} {
		readers.Go(func() {
			for last := int64(0); !over.Load(); {
				now := read()
				if now < last {
					t.Errorf("from %d back to %d", last, now)
				}
				last = now
			}
		})
	}
	began := clock.NowNs()
	for i := range 50 {
		m.suspend(time.Second)
		m.wallNs.Add(int64(i%7-3) * int64(time.Minute))
		clock.Look()
	}
	over.Store(true)
	readers.Wait()
	if went := time.Duration(clock.NowNs() - began); went < 50*time.Second {
		t.Errorf("it went on by %v", went)
	}
}

// Who waits for a time is not kept waiting for the time for which the machine was suspended, and each jump is warned of
// once.
func TestWaitOverSuspension(t *testing.T) {
	m := new(machine)
	clock := m.clock()
	ctx, cancel := context.WithCancel(t.Context())
	warned := make(chan string, 10)
	var watching sync.WaitGroup
	watching.Go(func() {
		clock.Watch(ctx, func(what string, by time.Duration) { warned <- by.Round(time.Second).String() + " " + what })
	})
	dueNs := clock.NowNs() + int64(time.Hour)
	time.AfterFunc(20*time.Millisecond, func() { m.suspend(time.Hour) })
	if nowNs, err := clock.WaitUntil(ctx, dueNs, nil); nowNs != dueNs || err != nil {
		t.Errorf("%d, %v", nowNs-dueNs, err)
	}
	if text := <-warned; !strings.HasPrefix(text, "1h0m0s the machine was suspended") {
		t.Error(text)
	}
	m.wallNs.Add(-int64(7 * time.Second))
	if text := <-warned; !strings.HasPrefix(text, "-7s clock step detected") {
		t.Error(text)
	}
	cancel()
	watching.Wait()
	if len(warned) > 0 {
		t.Errorf("also: %s", <-warned)
	}
}

// On a machine where nothing happens there are no jumps, however busy it is.
func TestNoJumps(t *testing.T) {
	clock := hostipc.NewWallClock()
	for range 20_000 {
		clock.Look()
	}
	if n, suspended, set := clock.Jumps(); n != 0 {
		t.Errorf("%d: suspended %v, set by %v", n, suspended, set)
	}
}

func BenchmarkNowNs(b *testing.B) {
	clock := hostipc.NewWallClock()
	b.ReportAllocs()
	for b.Loop() {
		clock.NowNs()
	}
}
