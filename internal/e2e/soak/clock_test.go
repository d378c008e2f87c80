package soak

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// machine is one whose time a test lets jump, and with it the world's, which is the exchange's.
type machine struct{ wallNs, bootNs, worldNs atomic.Int64 }

// clock returns the machine's clock.
func (m *machine) clock() *hostipc.Clock {
	this := hostipc.ThisMachine()
	return hostipc.NewWallClockOf(hostipc.Machine{Wall: func() int64 { return this.Wall() + m.wallNs.Load() },
		Boot: func() int64 { return this.Boot() + m.bootNs.Load() }})
}

// NowNs returns the world's time.
func (m *machine) NowNs() int64 { return time.Now().UnixNano() + m.worldNs.Load() }

// set sets the wall clock.
func (m *machine) set(by time.Duration) { m.wallNs.Add(int64(by)) }

// stop lets time pass of which no clock of the machine knows, as when a virtual machine is stopped.
func (m *machine) stop(d time.Duration) { m.worldNs.Add(int64(d)) }

// suspend lets time pass of which the monotonic clock does not know.
func (m *machine) suspend(d time.Duration) {
	m.worldNs.Add(int64(d))
	m.wallNs.Add(int64(d))
	m.bootNs.Add(int64(d))
	time.Sleep(2 * time.Millisecond) // no machine wakes up in less
}

// TestClockIsOff: a local clock that is far off is corrected from the start.
func TestClockIsOff(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for name, offset := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				m := new(machine)
				m.set(offset)
				sc := open(t, s, settings{options: options{clock: m.clock()}}, nil)
				sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
			})
		}
	})
}

// TestTimeJumps: whatever becomes of the machine's time, the request that comes right after it is taken, by both ways
// of orders; a cancel is even where nothing on the machine shows that time has passed.
func TestTimeJumps(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, entry := range []string{"rest", "ws"} {
			t.Run(entry, func(t *testing.T) {
				t.Parallel()
				m := new(machine)
				sc := open(t, s, settings{options: options{clock: m.clock(), entry: entry}},
					func(c *testexchange.Config) { c.Clock = m })
				for _, jump := range []struct {
					name string
					do   func()
				}{
					{"set forward", func() { m.set(10 * time.Second) }},
					{"set back", func() { m.set(-time.Hour) }},
					{"suspended", func() { m.suspend(10 * time.Second) }},
					{"suspended again", func() { m.suspend(7 * time.Second) }},
				} {
					before, nowNs := sc.rests(), sc.clock.NowNs()
					jump.do()
					after := sc.submit(sc.resting())
					sc.cancelOrder(before)
					sc.becomes(before, hft.StatusCanceled)
					sc.becomes(after, hft.StatusNew)
					sc.cancelOrder(after)
					sc.becomes(after, hft.StatusCanceled)
					if n := sc.said(hft.OrderError, "clock off"); n > 0 || sc.clock.NowNs() < nowNs {
						t.Fatalf("%s: %d requests were refused for their time; %v", jump.name, n, sc.Errors())
					}
				}
				o := sc.rests()
				m.stop(20 * time.Second)
				sc.cancelOrder(o)
				sc.becomes(o, hft.StatusCanceled)
				if n := sc.said(hft.OrderError, "clock off"); n > 0 {
					t.Errorf("the cancel was answered by %v", sc.Errors())
				}
				sc.takesOrders()
				sc.agrees()
			})
		}
	})
}
