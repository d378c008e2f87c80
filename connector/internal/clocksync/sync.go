package clocksync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Sync needs. ServerTimeNs and NowNs must be set; everything else has a default.
type Config struct {
	// ServerTimeNs asks the venue for its time, in nanoseconds since the epoch.
	ServerTimeNs func(ctx context.Context) (int64, error)
	// NowNs is the local clock, in nanoseconds since the epoch.
	NowNs func() int64
	// Jumps counts how often the machine's time jumped: it was suspended, or somebody set a clock. A measurement during
	// which it counts is thrown away, and Run makes another within JumpCheck. nil where nobody looks.
	Jumps func() uint64
	// OnEstimate is told each new estimate, on Run's goroutine; may be nil.
	OnEstimate func(e Estimate, stepped bool)
	// OnError is told when a measurement has failed, on Run's goroutine; may be nil.
	OnError func(err error)

	// Samples is how many answers make a measurement. Default: 5.
	Samples int
	// Interval is the time between two measurements, Retry after one that has failed. Default: 10 minutes and 5 s.
	Interval, Retry time.Duration
	// Timeout bounds each question. Default: 3 s.
	Timeout time.Duration
	// MinResync is the shortest time between two measurements, however often one is asked for. Default: 1 s.
	MinResync time.Duration
	// JumpCheck is how often Jumps is looked at. Default: 250 ms.
	JumpCheck time.Duration
}

// Sync keeps an Estimate of a venue's clock.
type Sync struct {
	config   Config
	estimate atomic.Pointer[Estimate]
	resync   chan struct{}
	running  atomic.Bool
	track    Track

	mu sync.Mutex
	// begun counts measurements, measured is the number of the last one that succeeded; done is closed when that
	// changes.
	begun, measured uint64
	done            chan struct{}
}

// ErrJumped says that the machine's time jumped while the venue's clock was measured.
var ErrJumped = errors.New("clocksync: the machine's time jumped during the measurement: measure again")

// New makes a Sync. It does nothing until Run or Measure.
func New(config Config) (*Sync, error) {
	if config.ServerTimeNs == nil || config.NowNs == nil {
		return nil, errors.New("clocksync: ServerTimeNs and NowNs must be set")
	}
	if config.Samples == 0 {
		config.Samples = 5
	}
	if config.Jumps == nil {
		config.Jumps = func() uint64 { return 0 }
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&config.Interval, 10 * time.Minute}, {&config.Retry, 5 * time.Second}, {&config.Timeout, 3 * time.Second},
		{&config.MinResync, time.Second}, {&config.JumpCheck, 250 * time.Millisecond}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		if *d.value < 0 {
			return nil, fmt.Errorf("clocksync: a duration is negative: %v", *d.value)
		}
	}
	if config.Samples < 0 {
		return nil, errors.New("clocksync: Samples is negative")
	}
	s := &Sync{config: config, resync: make(chan struct{}, 1), done: make(chan struct{})}
	s.estimate.Store(&Estimate{})
	return s, nil
}

// Estimate returns what is known now.
func (s *Sync) Estimate() Estimate { return *s.estimate.Load() }

// NowMs returns the venue's time at a local time, in milliseconds: what goes into a signed request.
func (s *Sync) NowMs(localNs int64) int64 {
	return (localNs + s.estimate.Load().OffsetAtNs(localNs)) / int64(time.Millisecond)
}

// Resync asks for a measurement soon, such as when the venue says that a request's time was off. It returns at once.
func (s *Sync) Resync() {
	select {
	case s.resync <- struct{}{}:
	default: // one is asked for already
	}
}

// Remeasure asks for a measurement and waits until one that begins from now on has succeeded, while Run runs. Its error
// is ctx's.
func (s *Sync) Remeasure(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for before := s.begun; s.measured <= before; {
		done := s.done
		s.mu.Unlock()
		s.Resync() // also after one that was under way already
		select {
		case <-done:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// begin counts a measurement.
func (s *Sync) begin() (number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	return s.begun
}

// succeed tells who waits that a measurement has succeeded.
func (s *Sync) succeed(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measured = number
	close(s.done)
	s.done = make(chan struct{})
}

// Measure asks for Samples answers, and again that many if they contradict each other, and takes the result over. It
// must not be called while Run runs: before it, to begin with a known offset, or instead of it.
func (s *Sync) Measure(ctx context.Context) (Estimate, error) {
	if s.running.Swap(true) {
		return s.Estimate(), errors.New("clocksync: a measurement is under way; call Resync instead")
	}
	defer s.running.Store(false)
	e, _, err := s.measure(ctx)
	return e, err
}

func (s *Sync) measure(ctx context.Context) (Estimate, bool, error) {
	const rounds = 2
	var err error
	for range rounds {
		jumps := s.config.Jumps()
		var samples []Sample
		var failed error
		for range s.config.Samples {
			var sample Sample
			if sample, err = s.ask(ctx); err != nil {
				failed = err
				continue
			}
			samples = append(samples, sample)
		}
		if s.config.Jumps() != jumps {
			err = ErrJumped
			continue
		}
		var m Measurement
		if m, err = Combine(samples); err == nil {
			m.Dropped += s.config.Samples - len(samples)
			e, stepped := s.track.Add(m)
			s.estimate.Store(&e)
			return e, stepped, nil
		}
		if failed != nil {
			err = fmt.Errorf("%w: %w", err, failed)
		}
		if !errors.Is(err, ErrDisagree) {
			break
		}
	}
	return s.Estimate(), false, err
}

func (s *Sync) ask(ctx context.Context) (Sample, error) {
	if err := ctx.Err(); err != nil {
		return Sample{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	sample := Sample{SentNs: s.config.NowNs()}
	serverNs, err := s.config.ServerTimeNs(ctx)
	sample.ServerNs, sample.ReceivedNs = serverNs, s.config.NowNs()
	return sample, err
}

// Run measures at once, every Interval, when Resync is called and when the machine's time jumped, until ctx ends. It
// returns nil then, and an error if it runs already.
func (s *Sync) Run(ctx context.Context) error {
	if s.running.Swap(true) {
		return errors.New("clocksync: Run runs already")
	}
	defer s.running.Store(false)
	next := time.NewTimer(0)
	defer next.Stop()
	checks := time.NewTicker(s.config.JumpCheck)
	defer checks.Stop()
	// rest is closed to measurements for MinResync after each; what is asked for meanwhile stays in the channel.
	rest := time.NewTimer(0)
	defer rest.Stop()
	resync := (<-chan struct{})(nil)
	jumps := s.config.Jumps()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
			resync = s.resync
			continue
		case <-checks.C:
			if now := s.config.Jumps(); now != jumps {
				jumps = now
				s.Resync()
			}
			continue
		case <-resync:
		case <-next.C:
		}
		number := s.begin()
		e, stepped, err := s.measure(ctx)
		pause := s.config.Interval
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			pause = min(pause, s.config.Retry)
			if s.config.OnError != nil {
				s.config.OnError(err)
			}
		default:
			if s.config.OnEstimate != nil {
				s.config.OnEstimate(e, stepped)
			}
			s.succeed(number)
		}
		next.Reset(pause)
		resync = nil
		rest.Reset(s.config.MinResync)
	}
}
