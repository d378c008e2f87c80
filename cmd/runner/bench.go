package main

import (
	"context"
	"fmt"

	"hftrunner/cmd/runner/internal/cli"
	"hftrunner/host"
	"hftrunner/ipc/latency"
)

// bench measures a record's way to another process and back, spinning and parked. The number of round trips is scaled
// from the duration by what one usually costs; a slow machine takes longer, and no sample is thrown away.
func bench(ctx context.Context, o cli.BenchOptions) ([]cli.BenchRow, error) {
	var rows []cli.BenchRow
	for _, path := range []struct {
		name       string
		wait       latency.Wait
		usualNs    int64
		maxSamples int64
	}{
		{"record to another process and back, spinning", latency.Spin, 500, 5_000_000},
		{"record to another process and back, parked", latency.Park, 50_000, 200_000},
	} {
		samples := min(max(int64(o.Duration)/path.usualNs, 100), path.maxSamples)
		r, err := latency.RoundTrip(ctx, latency.Options{Wait: path.wait, Samples: int(samples)})
		if err != nil {
			return nil, fmt.Errorf("measure: %s: %w", path.name, err)
		}
		rows = append(rows, cli.BenchRow{Path: path.name, Count: uint64(samples),
			LatencyNs: host.Percentiles{P50: r.RoundTrip.P50Ns, P99: r.RoundTrip.P99Ns, P999: r.RoundTrip.P999Ns, Max: r.RoundTrip.MaxNs},
			RawNs:     float64(r.RawBefore.P50Ns+r.RawAfter.P50Ns) / 2})
	}
	return rows, nil
}
