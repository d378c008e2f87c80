package latency_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/bench/latency"
)

// dieVariable makes a peer end early: its exit status and after how long.
const dieVariable = "HFTRUNNER_LATENCY_TEST_DIE"

func TestMain(m *testing.M) {
	if text := os.Getenv(dieVariable); text != "" && os.Getenv("HFTRUNNER_LATENCY_CHILD") != "" {
		var status int
		var after time.Duration
		if _, err := fmt.Sscan(text, &status, (*int64)(&after)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		if after == 0 {
			os.Exit(status)
		}
		time.AfterFunc(after, func() { os.Exit(status) })
	}
	if latency.MaybeChild() {
		return
	}
	os.Exit(m.Run())
}

// Example measures a few spinning round trips.
func Example() {
	result, err := latency.RoundTrip(context.Background(), latency.Options{Samples: 300, RawSamples: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.RoundTrip.P50Ns > 0, result.RawBefore.P50Ns > 0, result.Multiple > 0)
	// Output: true true true
}

func TestRoundTrip(t *testing.T) {
	cases := map[string]latency.Options{
		"spin":        {Samples: 500, RawSamples: 100},
		"park":        {Wait: latency.Park, Samples: 20, RawSamples: 100},
		"laps":        {Samples: 500, RawSamples: 100, FeedCapacity: 2, ReplyWords: 8},
		"short reply": {Samples: 200, RawSamples: 100, ReplyWords: 2},
		"long reply":  {Samples: 200, RawSamples: 100, ReplyWords: 24},
	}
	for name, opts := range cases {
		t.Run(name, func(t *testing.T) {
			result, err := latency.RoundTrip(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []latency.Quantiles{result.RoundTrip, result.RawBefore, result.RawAfter} {
				if q.P50Ns <= 0 || q.P90Ns < q.P50Ns || q.P99Ns < q.P90Ns || q.P999Ns < q.P99Ns || q.MaxNs < q.P999Ns {
					t.Errorf("quantiles out of order: %+v", q)
				}
			}
			if result.Multiple <= 0 || result.RawSwing < 1 {
				t.Errorf("multiple %v, swing %v", result.Multiple, result.RawSwing)
			}
			if result.Options.Samples != opts.Samples || result.Options.Warmup != opts.Samples/10 {
				t.Errorf("options of the result: %+v", result.Options)
			}
		})
	}
}

func TestRoundTripRefusesOptions(t *testing.T) {
	cases := map[string]latency.Options{
		"power of two": {FeedCapacity: 3},
		"words":        {ReplyWords: 1},
		"negative":     {Samples: -1},
		"spin or park": {Wait: 2},
	}
	for want, opts := range cases {
		if _, err := latency.RoundTrip(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that says %q", opts, err, want)
		}
	}
}

func TestRoundTripEndsWithContext(t *testing.T) {
	for _, wait := range []latency.Wait{latency.Spin, latency.Park} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := latency.RoundTrip(ctx, latency.Options{Wait: wait, Samples: 1 << 26, RawSamples: 100})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: error %v, want the context's", wait, err)
		}
	}
}

func TestRoundTripReportsADeadPeer(t *testing.T) {
	for text, want := range map[string]string{
		"3 0":        "exit status 3",
		"0 0":        "MaybeChild",
		"4 50000000": "exit status 4", // in the middle
	} {
		t.Setenv(dieVariable, text)
		for _, wait := range []latency.Wait{latency.Spin, latency.Park} {
			_, err := latency.RoundTrip(t.Context(), latency.Options{Wait: wait, Samples: 1 << 26, RawSamples: 100})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %v: error %v, want one that says %q", text, wait, err, want)
			}
		}
	}
}

func TestWaitString(t *testing.T) {
	for wait, want := range map[latency.Wait]string{latency.Spin: "spin", latency.Park: "park", 9: "Wait(9)"} {
		if got := wait.String(); got != want {
			t.Errorf("%d: %q, want %q", wait, got, want)
		}
	}
}

func benchmark(b *testing.B, opts latency.Options) {
	opts.Samples = max(b.N, 100)
	result, err := latency.RoundTrip(b.Context(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(result.RoundTrip.P50Ns), "p50-ns")
	b.ReportMetric(float64(result.RoundTrip.P99Ns), "p99-ns")
	b.ReportMetric(float64(result.RoundTrip.P999Ns), "p99.9-ns")
	b.ReportMetric(float64(result.RawBefore.P50Ns), "raw-before-ns")
	b.ReportMetric(float64(result.RawAfter.P50Ns), "raw-after-ns")
	b.ReportMetric(float64(result.RawAfter.P99Ns), "raw-p99-ns")
	b.ReportMetric(result.Multiple, "x-raw")
}

// BenchmarkRoundTrip is a record of 64 bytes there and a reply back between two processes; ns/op counts the start of
// the peer as well, the metrics do not.
func BenchmarkRoundTrip(b *testing.B) {
	for _, words := range []int{8, 16, 24} {
		b.Run(fmt.Sprintf("spin/reply=%dB", words*8), func(b *testing.B) {
			benchmark(b, latency.Options{ReplyWords: words})
		})
	}
	b.Run("park/reply=128B", func(b *testing.B) {
		benchmark(b, latency.Options{Wait: latency.Park})
	})
}
