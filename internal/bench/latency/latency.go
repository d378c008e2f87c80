package latency

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// Wait is the wait strategy of both processes.
type Wait uint8

// Ways to wait.
const (
	// Spin looks at the memory without a pause: two cores are busy.
	Spin Wait = 0
	// Park sleeps in the kernel until the other side rings; each way costs a wake-up.
	Park Wait = 1
)

// String returns spin or park.
func (w Wait) String() string {
	switch w {
	case Spin:
		return "spin"
	case Park:
		return "park"
	}
	return fmt.Sprintf("Wait(%d)", uint8(w))
}

// Options configures the measurement. A zero field means its default.
type Options struct {
	// Wait is the wait strategy of both sides.
	Wait Wait
	// Samples is the number of round trips measured (default 200000 when spinning, 5000 when parking).
	Samples int
	// Warmup is the number of round trips before that (default a tenth of Samples).
	Warmup int
	// RawSamples is the number of raw round trips measured before and again after (default 50000).
	RawSamples int
	// FeedCapacity is the capacity of the feed ring in records of 64 bytes (default 16384; a power of two).
	FeedCapacity int
	// ReplyWords is the size of the reply in words of 8 bytes, the sequence included (default 16, which is 128 bytes).
	ReplyWords int
}

// Quantiles sums up durations in nanoseconds. Each contains one reading of the clock.
type Quantiles struct {
	P50Ns, P90Ns, P99Ns, P999Ns, MaxNs int64
}

// Result is the result of RoundTrip.
type Result struct {
	// Options are those of the call, defaults filled in.
	Options Options
	// RoundTrip is a record there and its reply back.
	RoundTrip Quantiles
	// RawBefore and RawAfter are one cache line there and back, spinning, right before and right after.
	RawBefore, RawAfter Quantiles
	// Multiple is the median round trip as a multiple of the raw one (the mean of the two medians).
	Multiple float64
	// RawSwing is the larger raw median divided by the smaller: far above 1, the machine changed in between and the
	// multiple means little.
	RawSwing float64
}

// withDefaults fills in what is zero, or says what is wrong.
func (o Options) withDefaults() (Options, error) {
	if o.Wait > Park {
		return o, fmt.Errorf("latency: %v: must be spin or park", o.Wait)
	}
	if o.Samples < 0 || o.Warmup < 0 || o.RawSamples < 0 {
		return o, fmt.Errorf("latency: negative number of samples")
	}
	if o.Samples == 0 {
		o.Samples = 200_000
		if o.Wait == Park {
			o.Samples = 5_000
		}
	}
	if o.Warmup == 0 {
		o.Warmup = o.Samples / 10
	}
	if o.RawSamples == 0 {
		o.RawSamples = 50_000
	}
	if o.FeedCapacity == 0 {
		o.FeedCapacity = 1 << 14
	}
	if o.ReplyWords == 0 {
		o.ReplyWords = 16
	}
	return o, checkSizes(o.FeedCapacity, o.ReplyWords)
}

// RoundTrip starts the child, measures and ends the child. It takes about a second with the defaults; ctx ends it
// early with an error. The calling program must call MaybeChild at the start of main.
func RoundTrip(ctx context.Context, opts Options) (Result, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return Result{}, err
	}
	link, err := newLink(opts.FeedCapacity, opts.ReplyWords)
	if err != nil {
		return Result{}, fmt.Errorf("latency: %w", err)
	}
	defer link.close()
	child, err := startChild(ctx, link, opts)
	if err != nil {
		return Result{}, fmt.Errorf("latency: %w", err)
	}
	defer child.kill()

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	result := Result{Options: opts}
	samplesNs := make([]int64, max(opts.Samples+opts.Warmup, opts.RawSamples))
	p := pinger{link: link, child: child, ringTimeout: 100 * time.Millisecond}
	p.init(opts)
	steps := []struct {
		what  string
		phase uint32
		count int
		into  *Quantiles
		run   func([]int64) bool
	}{
		{"raw cache line", phaseRaw, opts.RawSamples, &result.RawBefore, p.raw},
		{"records", phaseRecords, opts.Samples + opts.Warmup, &result.RoundTrip, p.records},
		{"raw cache line", phaseRaw, opts.RawSamples, &result.RawAfter, p.raw},
	}
	for _, step := range steps {
		if !p.enter(step.phase) || !step.run(samplesNs[:step.count]) {
			return Result{}, fmt.Errorf("latency: %s: %w", step.what, child.failure(ctx))
		}
		skip := 0
		if step.phase == phaseRecords {
			skip = opts.Warmup
		}
		*step.into = quantiles(samplesNs[skip:step.count])
	}
	before, after := float64(result.RawBefore.P50Ns), float64(result.RawAfter.P50Ns)
	result.Multiple = float64(result.RoundTrip.P50Ns) / ((before + after) / 2)
	result.RawSwing = max(before, after) / min(before, after)
	p.enter(phaseQuit)
	return result, nil
}

// quantiles sorts samples, at least one.
func quantiles(samplesNs []int64) Quantiles {
	slices.Sort(samplesNs)
	at := func(q float64) int64 { return samplesNs[int(q*float64(len(samplesNs)-1))] }
	return Quantiles{P50Ns: at(0.5), P90Ns: at(0.9), P99Ns: at(0.99), P999Ns: at(0.999), MaxNs: at(1)}
}

// checkSizes reports whether such rings can be created.
func checkSizes(feedCapacity, replyWords int) error {
	const enough = 1 << 62
	if err := shm.CheckBroadcast(enough, 0, feedCapacity); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	if err := shm.CheckQueue(enough, 0, replyCapacity, replyWords); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	return nil
}
