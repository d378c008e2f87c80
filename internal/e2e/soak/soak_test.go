package soak

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// ownPrefix begins the client order ids of the connector under test.
const ownPrefix = "t"

// patience is the time that something that has to happen may take.
const patience = 60 * time.Second

func soakTime(tb testing.TB) time.Duration {
	text := os.Getenv("HFTRUNNER_SOAK")
	if text == "" {
		if long() {
			return 10 * time.Second
		}
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		tb.Fatalf("HFTRUNNER_SOAK: %v", err)
	}
	return d
}

func soakSeed(tb testing.TB) uint64 {
	text := os.Getenv("HFTRUNNER_SEED")
	if text == "" {
		return 1
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("HFTRUNNER_SEED: %v", err)
	}
	return seed
}

// faults are armed one after the other, by chance.
func faults() []fault.Fault {
	return []fault.Fault{
		{Name: fault.DropUserEvent, Count: 2}, {Name: fault.DuplicateUserEvent, Count: 5},
		{Name: fault.ReorderUserEvent, Count: 5},
		{Name: fault.AckDelay, Count: 3, Duration: 300 * time.Millisecond}, {Name: fault.AckLost, Count: 2},
		{Name: fault.RepeatFilled, Count: 3},
		{Name: fault.UnknownField, Count: 10}, {Name: fault.UnknownStatus, Count: 3},
		{Name: fault.UnknownEvent, Count: 3},
		{Name: fault.NullFeeAsset, Count: 3}, {Name: fault.ListenKeyExpired}, {Name: fault.RateLimited, Count: 1},
		{Name: fault.UnavailableUnknown, Count: 2}, {Name: fault.UnavailableFailed, Count: 2},
		{Name: fault.BackendTimeout, Count: 2},
		{Name: fault.Overload, Count: 3}, {Name: fault.ReplyDelay, Count: 3}, {Name: fault.DepthGap, Count: 1},
		{Name: fault.StaleSnapshot, Count: 1},
		{Name: fault.AheadSnapshot, Count: 1}, {Name: fault.SnapshotDelay, Count: 2}, {Name: fault.CutConnections},
		{Name: fault.NoPings, Count: 2},
		{Name: fault.ResetMidFrame, Count: 1}, {Name: fault.Fragment, Count: 20}, {Name: fault.RefuseConnect, Count: 1},
		{Name: fault.MidSnapshot, Count: 2}, {Name: fault.RestartSnapshot, Count: 1},
		{Name: fault.EmptyLeaves, Count: 5},
		{Name: fault.SessionExpired}, {Name: fault.ListenKeyUnknown, Count: 1},
		{Name: fault.ServerShutdown, Duration: time.Second},
		{Name: fault.ResubscribeError, Count: 1}, {Name: fault.Silent, Count: 20},
	}
}

// harsh reports whether a fault ends connections or stops trading for a while.
func harsh(name fault.Name) bool {
	switch name {
	case fault.CutConnections, fault.ServerShutdown, fault.RefuseConnect, fault.ResetMidFrame, fault.RateLimited,
		fault.AckLost, fault.SessionExpired, fault.ListenKeyExpired, fault.StaleSnapshot, fault.ResubscribeError:
		return true
	}
	return false
}

// TestSoak lets two bots trade at each venue while faults come by chance, and then compares with the exchange.
func TestSoak(t *testing.T) {
	for _, s := range subjects() {
		t.Run(string(s.name), func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			seed := soakSeed(t)
			before := descriptors(t)
			defer func() { eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= before }) }()
			e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{s.name}, Seed: seed,
				EventsPerSecond: 300, Compress: true, PingInterval: time.Second, OrdersPerMinute: 6000})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			r := start(t, s, e, seed)
			eventually(t, "the books are ready", r.ready)

			random := rand.New(rand.NewPCG(seed, 99))
			list := slices.DeleteFunc(faults(), func(f fault.Fault) bool { return !s.has(f.Name) })
			hits := map[fault.Name]int{}
			nextFault := time.Now()
			for began := time.Now(); time.Since(began) < soakTime(t); time.Sleep(5 * time.Millisecond) {
				for _, b := range r.bots {
					if b.random.IntN(b.patience) == 0 {
						b.act()
					}
				}
				if time.Now().After(nextFault) {
					f := list[random.IntN(len(list))]
					if err := e.Arm(s.name, f); err != nil {
						t.Fatal(err)
					}
					hits[f.Name]++
					nextFault = time.Now().Add(time.Duration(50+random.IntN(300)) * time.Millisecond)
					if harsh(f.Name) {
						nextFault = nextFault.Add(time.Second) // or the bots would hardly ever trade
					}
				}
			}
			for name := range hits {
				if err := e.Disarm(s.name, name); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("armed %v", hits)
			settle(t, s, e, r)
			compare(t, s, e, r, func(halted bool) {
				if err := e.Halt(s.name, halted); err != nil {
					t.Fatal(err)
				}
			})
			r.end(t)
		})
	}
}

// descriptors is the number of files and sockets that this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
