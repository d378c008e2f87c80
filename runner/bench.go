package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/bench/latency"
	"github.com/hftrunner/hftrunner/internal/bench/ticktoorder"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/runner/internal/cli"
)

// bench measures a record's way to another process and back, and the way from a venue's message to an order, spinning
// and parked. The number of samples is scaled from the duration by what one usually costs; a slow machine takes longer,
// and no sample is thrown away.
func bench(ctx context.Context, o cli.BenchOptions) ([]cli.BenchRow, error) {
	spin, err := benchRoundTrip(ctx, "record to another process and back, spinning", latency.Spin, samplesIn(o.Duration, 500*time.Nanosecond))
	if err != nil {
		return nil, err
	}
	park, err := benchRoundTrip(ctx, "record to another process and back, parked", latency.Park, samplesIn(o.Duration, 50*time.Microsecond))
	if err != nil {
		return nil, err
	}
	rows := []cli.BenchRow{spin, park}
	for _, path := range []struct {
		name    string
		message func(n int) []byte
		wait    ipc.WaitStrategy
		usual   time.Duration
	}{
		{"quote to order through a strategy, spinning", ticktoorder.Quote, ipc.WaitSpin, 200 * time.Microsecond},
		{"70 levels to order through a strategy, spinning", ticktoorder.Depth(70), ipc.WaitSpin, 200 * time.Microsecond},
		{"quote to order through a strategy, parked", ticktoorder.Quote, ipc.WaitPark, 200 * time.Microsecond},
	} {
		row, err := benchTickToOrder(ctx, path.name, ticktoorder.Options{Message: path.message, Wait: path.wait,
			Samples: samplesIn(o.Duration, path.usual)})
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// samplesIn returns how many samples of the usual cost fill a duration, within bounds of memory and of meaning.
func samplesIn(d, usual time.Duration) int { return int(min(max(d/usual, 1000), 5_000_000)) }

func benchRoundTrip(ctx context.Context, name string, wait latency.Wait, samples int) (cli.BenchRow, error) {
	r, err := latency.RoundTrip(ctx, latency.Options{Wait: wait, Samples: samples})
	if err != nil {
		return cli.BenchRow{}, fmt.Errorf("measure: %s: %w", name, err)
	}
	return cli.BenchRow{Path: name, Count: uint64(samples), RawNs: float64(r.RawBefore.P50Ns+r.RawAfter.P50Ns) / 2,
		LatencyNs: host.Percentiles{P50: r.RoundTrip.P50Ns, P99: r.RoundTrip.P99Ns, P999: r.RoundTrip.P999Ns, Max: r.RoundTrip.MaxNs}}, nil
}

func benchTickToOrder(ctx context.Context, name string, o ticktoorder.Options) (cli.BenchRow, error) {
	before, err := rawLevel(ctx)
	if err != nil {
		return cli.BenchRow{}, err
	}
	r, err := ticktoorder.Measure(ctx, o)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w: other programs keep the processors busy; try again without them, or with a shorter --duration", err)
	}
	if err != nil {
		return cli.BenchRow{}, fmt.Errorf("measure: %s: %w", name, err)
	}
	after, err := rawLevel(ctx)
	if err != nil {
		return cli.BenchRow{}, err
	}
	return cli.BenchRow{Path: name, Count: uint64(len(r.SamplesNs)), RawNs: (before + after) / 2,
		LatencyNs: host.Percentiles{P50: int64(r.Quantile(0.5)), P99: int64(r.Quantile(0.99)), P999: int64(r.Quantile(0.999)), Max: int64(r.Quantile(1))}}, nil
}

// rawLevel returns what a cache line takes to the other core and back now. Virtual machines move between processors, so
// a latency means little without it.
func rawLevel(ctx context.Context) (float64, error) {
	r, err := latency.RoundTrip(ctx, latency.Options{Wait: latency.Spin, Samples: 1000})
	if err != nil {
		return 0, fmt.Errorf("measure the raw level: %w", err)
	}
	return float64(r.RawBefore.P50Ns+r.RawAfter.P50Ns) / 2, nil
}
