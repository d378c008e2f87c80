package host_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/host"
)

// BenchmarkHotRestart reports the gap between the old process's last step and the new one's first.
func BenchmarkHotRestart(b *testing.B) {
	cfg := newConfig(b, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{KeepQuotes: true, Ticks: 20_000})}
	r := start(b, cfg)
	r.until("grid", "running", running)
	var gaps time.Duration
	for b.Loop() {
		result, err := r.host.Restart(context.Background(), "grid", false)
		if err != nil {
			b.Fatal(err)
		}
		gaps += result.Gap
	}
	b.ReportMetric(float64(gaps.Microseconds())/float64(b.N), "gap-µs")
}

// BenchmarkParkedStrategies reports what a strategy process takes of memory, and what ten parked ones and their host
// take of a processor while the market is quiet.
func BenchmarkParkedStrategies(b *testing.B) {
	const strategies = 10
	cfg := newConfig(b, 1, time.Nanosecond)
	cfg.Connectors[0].Connector = quiet{}
	for i := range strategies {
		s := strategyOf(fmt.Sprintf("idle-%d", i), "sleeper", struct{}{})
		s.Wait = 2 // park
		cfg.Strategies = append(cfg.Strategies, s)
	}
	r := start(b, cfg)
	var resident, private int64
	var pids []int
	for i := range strategies {
		s := r.until(fmt.Sprintf("idle-%d", i), "running", running)
		pids = append(pids, s.PID)
		resident += memoryBytes(b, s.PID, "VmRSS")
		private += memoryBytes(b, s.PID, "RssAnon")
	}
	pids = append(pids, os.Getpid())
	const span = 2 * time.Second
	before := processorTime(b, pids)
	for b.Loop() {
		time.Sleep(span)
	}
	used := processorTime(b, pids) - before
	b.ReportMetric(100*used.Seconds()/(span.Seconds()*float64(b.N)), "%-of-a-core")
	b.ReportMetric(float64(resident)/strategies/(1<<20), "MiB-resident/plugin")
	b.ReportMetric(float64(private)/strategies/(1<<20), "MiB-private/plugin")
	b.ReportMetric(0, "ns/op")
}

// memoryBytes returns what a process has in memory: VmRSS with, RssAnon without the pages of the program and of the
// shared segments, which processes have in common.
func memoryBytes(tb testing.TB, pid int, what string) int64 {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Skip("only Linux tells the memory of another process in this way")
	}
	for _, line := range strings.Split(string(status), "\n") {
		var kib int64
		if _, err := fmt.Sscanf(line, what+": %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	tb.Fatalf("no %s", what)
	return 0
}

// processorTime returns the time that processes have spent on a processor.
func processorTime(tb testing.TB, pids []int) (sum time.Duration) {
	tb.Helper()
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			tb.Fatal(err)
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		var user, system int64
		if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
			tb.Fatal(err)
		}
		sum += time.Duration(user+system) * 10 * time.Millisecond
	}
	return sum
}
