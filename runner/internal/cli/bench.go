package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/host"
)

// BenchOptions say what is measured.
type BenchOptions struct {
	// Duration is how long each row is measured.
	Duration time.Duration
}

// BenchRow is one measured path.
type BenchRow struct {
	// Path says what was measured, Count how often.
	Path      string           `json:"path"`
	Count     uint64           `json:"count"`
	LatencyNs host.Percentiles `json:"latency_ns"`
	// RawNs is what one cache line took to the other core and back around the measurement, 0 where there is none.
	RawNs float64 `json:"raw_cache_line_ns"`
}

func (s *settings) benchCommand() *cobra.Command {
	o := BenchOptions{}
	c := &cobra.Command{Use: "bench", Short: "measure the data plane on this machine", Args: noArguments,
		PreRunE: func(*cobra.Command, []string) error {
			if o.Duration <= 0 {
				return fmt.Errorf("--duration is %v: must be above 0, such as 2s", o.Duration)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := s.app.Bench(cmd.Context(), o)
			if err != nil {
				return withCode(ExitFailure, err)
			}
			return s.printBench(rows)
		}}
	c.Flags().DurationVar(&o.Duration, "duration", 2*time.Second, "`DURATION` of the measurement of each path")
	return c
}

func (s *settings) printBench(rows []BenchRow) error {
	if s.json() {
		return printJSON(s.app.Stdout, map[string]any{"paths": rows})
	}
	lines := make([][]string, len(rows))
	for i, r := range rows {
		raw, multiple := none, none
		if r.RawNs > 0 {
			raw, multiple = latency(int64(r.RawNs+0.5)), fmt.Sprintf("%.1fx", float64(r.LatencyNs.P50)/r.RawNs)
		}
		lines[i] = []string{r.Path, whole(r.Count), latency(r.LatencyNs.P50), latency(r.LatencyNs.P99),
			latency(r.LatencyNs.P999), latency(r.LatencyNs.Max), raw, multiple}
	}
	printTable(s.app.Stdout, columns("path", ">count", ">p50", ">p99", ">p99.9", ">max", ">cache line and back",
		">p50 in lines"), lines)
	return nil
}
