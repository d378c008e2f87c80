package clocksync_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ms  = int64(time.Millisecond)
	day = 24 * 3600 * 1000 * ms
	// start is some day.
	start = 20_000 * day
)

// sample asks at a local time a venue whose clock is offsetNs ahead, with given times there and back.
func sample(sentNs, offsetNs, thereNs, backNs int64) clocksync.Sample {
	return clocksync.Sample{SentNs: sentNs, ServerNs: (sentNs + thereNs + offsetNs) / ms * ms,
		ReceivedNs: sentNs + thereNs + backNs}
}

func abs(n int64) int64 { return max(n, -n) }

func TestCombine(t *testing.T) {
	const offset = -1_234 * ms
	good := []clocksync.Sample{sample(start, offset, 80*ms, 20*ms), sample(start+ms, offset, 4*ms, 6*ms),
		sample(start+2*ms, offset, 30*ms, 3*ms)}
	for name, c := range map[string]struct {
		samples       []clocksync.Sample
		used, dropped int
		err           error
	}{
		"all agree": {good, 3, 0, nil},
		"a lie":     {append(good[:3:3], sample(start, offset+500*ms, ms, ms)), 3, 1, nil},
		"the clock was set back": {append(good[:3:3], clocksync.Sample{SentNs: start, ServerNs: start,
			ReceivedNs: start - 1}), 3, 1, nil},
		"nonsense": {append(good[:3:3], clocksync.Sample{},
			clocksync.Sample{SentNs: math.MaxInt64, ServerNs: math.MinInt64, ReceivedNs: math.MaxInt64}), 3, 2, nil},
		"two against two": {append(good[:2:2], sample(start, 0, ms, ms), sample(start, 0, ms, 2*ms)), 0, 0,
			clocksync.ErrDisagree},
		"nothing": {nil, 0, 0, clocksync.ErrNoSample},
		"nothing that can be true": {[]clocksync.Sample{{SentNs: 5, ServerNs: 5, ReceivedNs: 4}}, 0, 0,
			clocksync.ErrNoSample},
	} {
		m, err := clocksync.Combine(c.samples)
		if !errors.Is(err, c.err) || m.Used != c.used || m.Dropped != c.dropped {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		// The best round trip alone says it to 5.5 ms.
		if err == nil && (abs(m.OffsetNs-offset) > m.ErrorNs || m.ErrorNs > 5*ms+ms/2 || m.RoundTripNs > 10*ms) {
			t.Errorf("%s: the offset is %v, not %v within %v", name, m.OffsetNs, offset, m.ErrorNs)
		}
	}
}

// TestTheBoundHolds: whatever the delays and however lopsided, the true offset is within the bound, and the bound is no
// wider than the shortest round trip says.
func TestTheBoundHolds(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		offset := rng.Int64N(20_000*ms) - 10_000*ms
		samples := make([]clocksync.Sample, 1+rng.IntN(9))
		at := start + rng.Int64N(day)
		for i := range samples {
			samples[i] = sample(at, offset, rng.Int64N(200*ms), rng.Int64N(50*ms))
			at = samples[i].ReceivedNs + rng.Int64N(10*ms)
		}
		m, err := clocksync.Combine(samples)
		if err != nil || m.Used != len(samples) {
			t.Fatalf("seed %d: %+v, %v", seed, m, err)
		}
		if abs(m.OffsetNs-offset) > m.ErrorNs || m.ErrorNs > (m.RoundTripNs+ms)/2+1 {
			t.Fatalf("seed %d: %+v, the offset is %d", seed, m, offset)
		}
	}
}

func TestDrift(t *testing.T) {
	const ppb = 20_000 // 20 ppm: 12 ms in ten minutes
	rng := rand.New(rand.NewPCG(1, 1))
	var track clocksync.Track
	var e clocksync.Estimate
	offsetAt := func(localNs int64) int64 { return 300*ms + (localNs-start)*ppb/1_000_000_000 }
	at := start
	for range 20 {
		var samples []clocksync.Sample
		for i := range int64(5) {
			sent := at + i*20*ms
			samples = append(samples, sample(sent, offsetAt(sent), rng.Int64N(10*ms), rng.Int64N(10*ms)))
		}
		m, err := clocksync.Combine(samples)
		if err != nil {
			t.Fatal(err)
		}
		var stepped bool
		if e, stepped = track.Add(m); stepped {
			t.Fatalf("drift is taken for a step: %+v", e)
		}
		for _, later := range []int64{0, 60_000 * ms, 600_000 * ms} {
			if wrong := abs(e.OffsetAtNs(at+later) - offsetAt(at+later)); wrong > e.ErrorAtNs(at+later) {
				t.Errorf("%v later it is %d wrong, more than %d", time.Duration(later), wrong, e.ErrorAtNs(at+later))
			}
		}
		at += 600_000 * ms
	}
	if e.DriftPPB < ppb*8/10 || e.DriftPPB > ppb*12/10 {
		t.Errorf("the drift is %d, not %d", e.DriftPPB, ppb)
	}
	if wrong := abs(e.OffsetAtNs(at) - offsetAt(at)); wrong > 8*ms {
		t.Errorf("ten minutes later it is %v wrong", time.Duration(wrong))
	}
}

func TestSteps(t *testing.T) {
	measured := func(atNs, offsetNs int64) clocksync.Measurement {
		return clocksync.Measurement{AtNs: atNs, OffsetNs: offsetNs, ErrorNs: ms, Used: 5}
	}
	for name, c := range map[string]struct {
		second  clocksync.Measurement
		stepped bool
	}{
		"nothing happened":       {measured(start+100_000*ms, ms), false},
		"drift, just":            {measured(start+100_000*ms, 52*ms), false},
		"more than drift":        {measured(start+100_000*ms, 53*ms), true},
		"set forward by an hour": {measured(start+3_700_000*ms, -3_600_000*ms), true},
		"set back by an hour":    {measured(start-3_600_000*ms, 3_600_000*ms), true},
		"set back by a little":   {measured(start-ms, ms), true},
	} {
		var track clocksync.Track
		track.Add(measured(start, 0))
		e, stepped := track.Add(c.second)
		if stepped != c.stepped || e.OffsetNs != c.second.OffsetNs || !e.Known {
			t.Errorf("%s: %+v, %t", name, e, stepped)
		}
		if stepped && e.DriftPPB != 0 {
			t.Errorf("%s: a step is taken for drift", name)
		}
	}
}

func FuzzCombine(f *testing.F) {
	f.Add(int64(1), int64(2), int64(3), int64(4), int64(5), int64(6))
	f.Add(start, start+500*ms, start+ms, int64(math.MaxInt64), int64(math.MinInt64), int64(0))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g int64) {
		m, err := clocksync.Combine([]clocksync.Sample{{a, b, c}, {d, e, g}})
		if err != nil {
			return
		}
		if m.ErrorNs < 0 || m.Used == 0 || m.RoundTripNs < 0 {
			t.Errorf("%+v", m)
		}
		var track clocksync.Track
		track.Add(m)
		estimate, _ := track.Add(m)
		if estimate.ErrorAtNs(a) < 0 {
			t.Errorf("%+v: a negative bound", estimate)
		}
	})
}

// venue is a clock that is ahead of a local one, which goes only when it is asked for, and can be set.
type venue struct {
	mu            sync.Mutex
	localNs       int64
	jumps         uint64
	jumpsNext     int // questions during which the machine's time jumps
	offsetNs      int64
	asked         int
	failures      int
	setBackNext   int64 // while the next question is under way
	oneWay, reply int64
}

func (v *venue) nowNs() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.localNs
}

func (v *venue) numJumps() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.jumps
}

// set sets the local clock, not the venue's, which is noticed.
func (v *venue) set(byNs int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.localNs += byNs
	v.offsetNs -= byNs
	v.jumps++
}

func (v *venue) serverTimeNs(context.Context) (int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if v.failures > 0 {
		v.failures--
		return 0, errors.New("no answer")
	}
	v.localNs += v.oneWay
	server := (v.localNs + v.offsetNs) / ms * ms
	v.localNs += v.setBackNext
	v.offsetNs -= v.setBackNext
	v.setBackNext = 0
	if v.jumpsNext > 0 {
		v.jumpsNext--
		v.jumps++
		v.localNs += 10_000 * ms // the machine is suspended: the venue's clock goes on, too
	}
	v.localNs += v.reply
	return server, nil
}

func newVenue() *venue {
	return &venue{localNs: start, offsetNs: 1500 * ms, oneWay: 3 * ms, reply: 5 * ms}
}

func newSync(t testing.TB, v *venue, change func(c *clocksync.Config)) *clocksync.Sync {
	t.Helper()
	config := clocksync.Config{ServerTimeNs: v.serverTimeNs, NowNs: v.nowNs}
	if change != nil {
		change(&config)
	}
	s, err := clocksync.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMeasure(t *testing.T) {
	v := newVenue()
	s := newSync(t, v, nil)
	if s.Estimate().Known || s.NowMs(start) != start/ms {
		t.Error("something is known before the first measurement")
	}
	v.setBackNext = -200 * ms // the local clock is set while the first question is under way
	v.failures = 1
	e, err := s.Measure(context.Background())
	if err != nil || e.Used != 3 || e.Dropped != 2 || abs(e.OffsetNs-1700*ms) > e.ErrorNs || e.ErrorNs > 5*ms {
		t.Errorf("%+v, %v", e, err)
	}
	now := v.nowNs()
	if got, want := s.NowMs(now), (now+1700*ms)/ms; abs(got-want) > 5 {
		t.Errorf("the venue's time is %d, not %d", got, want)
	}
	v.failures = 1000
	if kept, err := s.Measure(context.Background()); !errors.Is(err, clocksync.ErrNoSample) || kept != e {
		t.Errorf("%+v, %v", kept, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v.asked = 0
	if _, err := s.Measure(ctx); !errors.Is(err, context.Canceled) || v.asked != 0 {
		t.Errorf("%v after %d questions", err, v.asked)
	}
}

// TestRun: at once, again after a failure, on demand, and when the clock was set.
func TestRun(t *testing.T) {
	v := newVenue()
	v.failures = 7
	type told struct {
		e       clocksync.Estimate
		stepped bool
	}
	estimates, failures := make(chan told), make(chan error)
	s := newSync(t, v, func(c *clocksync.Config) {
		c.Interval, c.Retry, c.MinResync, c.JumpCheck = time.Hour, time.Millisecond, time.Millisecond, time.Millisecond
		c.Jumps = v.numJumps
		c.OnEstimate = func(e clocksync.Estimate, stepped bool) { estimates <- told{e, stepped} }
		c.OnError = func(err error) { failures <- err }
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	if err := <-failures; !errors.Is(err, clocksync.ErrNoSample) {
		t.Error(err)
	}
	if err := s.Run(ctx); err == nil {
		t.Error("Run runs twice")
	}
	if _, err := s.Measure(ctx); err == nil {
		t.Error("Measure beside Run")
	}
	if got := <-estimates; got.stepped || abs(got.e.OffsetNs-1500*ms) > got.e.ErrorNs {
		t.Errorf("%+v", got)
	}
	s.Resync()
	if got := <-estimates; got.stepped || abs(got.e.OffsetNs-1500*ms) > got.e.ErrorNs {
		t.Errorf("on demand: %+v", got)
	}
	v.set(-3000 * ms)
	if got := <-estimates; !got.stepped || abs(got.e.OffsetNs-4500*ms) > got.e.ErrorNs {
		t.Errorf("set back by 3 s: %+v", got)
	}
	v.set(60_000 * ms)
	if got := <-estimates; !got.stepped || abs(got.e.OffsetNs+55_500*ms) > got.e.ErrorNs {
		t.Errorf("set forward by a minute: %+v", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestJumpDuringMeasurement: a measurement during which the machine's time jumped counts for nothing, however exact the
// other answers are.
func TestJumpDuringMeasurement(t *testing.T) {
	v := newVenue()
	s := newSync(t, v, func(c *clocksync.Config) { c.Jumps = v.numJumps })
	v.jumpsNext = 1
	e, err := s.Measure(context.Background())
	if err != nil || e.Used != 5 || v.asked != 10 {
		t.Errorf("%+v after %d questions, %v", e, v.asked, err)
	}
	v.jumpsNext = 1000
	if kept, err := s.Measure(context.Background()); !errors.Is(err, clocksync.ErrJumped) || kept != e {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestRemeasure: who waits for a measurement gets one that has begun after the call.
func TestRemeasure(t *testing.T) {
	v := newVenue()
	s := newSync(t, v, func(c *clocksync.Config) {
		c.Interval, c.Retry, c.MinResync = time.Hour, time.Millisecond, time.Millisecond
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 25 {
				v.mu.Lock()
				v.failures++ // which it does not take for an answer
				v.localNs += 1000 * ms
				v.offsetNs -= 1000 * ms
				least := v.offsetNs
				v.mu.Unlock()
				if err := s.Remeasure(ctx); err != nil {
					t.Error(err)
				}
				if e := s.Estimate(); e.OffsetNs-e.ErrorNs > least {
					t.Errorf("the offset is still %d, it is less than %d", e.OffsetNs, least)
				}
			}
		})
	}
	group.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := s.Remeasure(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody measures any more: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	v := newVenue()
	good := clocksync.Config{ServerTimeNs: v.serverTimeNs, NowNs: v.nowNs}
	for name, change := range map[string]func(c *clocksync.Config){
		"no question": func(c *clocksync.Config) { c.ServerTimeNs = nil },
		"no clock":    func(c *clocksync.Config) { c.NowNs = nil },
		"interval":    func(c *clocksync.Config) { c.Interval = -1 },
		"samples":     func(c *clocksync.Config) { c.Samples = -1 },
		"check":       func(c *clocksync.Config) { c.JumpCheck = -1 },
	} {
		c := good
		change(&c)
		if _, err := clocksync.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	s := newSync(t, newVenue(), nil)
	if _, err := s.Measure(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { s.NowMs(start) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNowMs(b *testing.B) {
	s := newSync(b, newVenue(), nil)
	b.ReportAllocs()
	for b.Loop() {
		s.NowMs(start)
	}
}

func Example() {
	// Asked at 10:00:00.000 local time, read 20 ms later, stamped 1.5 s ahead of us on the way.
	local := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	m, err := clocksync.Combine([]clocksync.Sample{
		{SentNs: local.UnixNano(), ServerNs: local.Add(1510 * time.Millisecond).UnixNano(),
			ReceivedNs: local.Add(20 * time.Millisecond).UnixNano()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(time.Duration(m.OffsetNs), "±", time.Duration(m.ErrorNs))
	// Output: 1.5005s ± 10.5ms
}
