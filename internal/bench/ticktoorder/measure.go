package ticktoorder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/ipc"
)

// Options say what to measure.
type Options struct {
	// Message makes the venue's message number n, each of which changes the book: see Quote and Depth.
	Message func(n int) []byte
	// Samples is the number of measurements, at least 1. The first tenth warms up and does not count.
	Samples int
	// Wait is the wait strategy of the strategy and its request path.
	Wait ipc.WaitStrategy
}

// Result is the sorted measurements.
type Result struct {
	SamplesNs []int64
}

// Quantile returns the sample at q, between 0 and 1.
func (r Result) Quantile(q float64) time.Duration {
	return time.Duration(r.SamplesNs[min(int(q*float64(len(r.SamplesNs))), len(r.SamplesNs)-1)])
}

// Measure runs a host with one strategy process and times every message until the order that answers it reaches the
// connector.
func Measure(ctx context.Context, o Options) (Result, error) {
	if o.Samples < 1 {
		return Result{}, errors.New("tick to order: at least one sample")
	}
	dir, err := os.MkdirTemp("", "hft")
	if err != nil {
		return Result{}, fmt.Errorf("tick to order: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, pluginName))
	}
	if err != nil {
		return Result{}, fmt.Errorf("tick to order: %w", err)
	}
	// With two processors, the strategy spins on one; a host that ran on both would be in its way.
	if n := runtime.NumCPU(); n <= 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	venue := newVenue(o)
	h, err := host.New(config(dir, venue, o.Wait), hclog.NewNullLogger())
	if err != nil {
		return Result{}, fmt.Errorf("tick to order: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second+time.Duration(o.Samples)*time.Millisecond)
	defer cancel()
	if _, err := h.Run(ctx); err != nil {
		return Result{}, fmt.Errorf("tick to order: %w", err)
	}
	if len(venue.samplesNs) < o.Samples {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		return Result{}, fmt.Errorf("tick to order: the strategy ended after %d of %d messages", len(venue.samplesNs),
			o.Samples)
	}
	samples := venue.samplesNs[len(venue.samplesNs)/10:]
	slices.Sort(samples)
	return Result{SamplesNs: samples}, nil
}

// Steps of the instrument.
const tickSize, lotSize = 0.1, 0.001

func config(dir string, v *venue, wait ipc.WaitStrategy) host.Config {
	return host.Config{Version: "bench", PluginDir: dir, StateDir: filepath.Join(dir, "state"),
		Supervision: host.Supervision{StartTimeout: 20 * time.Second, StopTimeout: 5 * time.Second,
			HeartbeatTimeout: 10 * time.Second, BackoffMin: time.Second, BackoffMax: time.Second,
			CrashLoopWindow: time.Minute},
		Connectors: []host.ConnectorConfig{{Name: "venue", Kind: "bench", Connector: v}},
		Strategies: []host.StrategyConfig{{Name: pluginName, Plugin: pluginName, Wait: wait, OnExit: host.KeepOrders,
			OnChange: host.IgnoreChange, Position: host.StrategyPosition, Params: []byte("{}"),
			Instruments: []host.InstrumentConfig{{Connector: "venue", Symbol: "BTCUSDT", TickSize: tickSize,
				LotSize: lotSize, Depth: "window"}}}},
	}
}
