package ticktoorder_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/hftrunner/hftrunner/internal/bench/ticktoorder"
	"github.com/hftrunner/hftrunner/ipc"
)

func TestMain(m *testing.M) {
	ticktoorder.MaybePlugin()
	os.Exit(m.Run())
}

func Example() {
	r, err := ticktoorder.Measure(context.Background(), ticktoorder.Options{Message: ticktoorder.Quote,
		Samples: 100, Wait: ipc.WaitAdaptive})
	fmt.Println(len(r.SamplesNs), r.Quantile(0.5) > 0, err)
	// Output: 90 true <nil>
}

func TestMeasureEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ticktoorder.Measure(ctx, ticktoorder.Options{Message: ticktoorder.Quote,
		Samples: 100}); err == nil {
		t.Error("no error though the context had ended")
	}
}

// samples is the minimum number of measurements of a benchmark: starting a process takes longer than a thousand
// messages.
const samples = 5000

// BenchmarkTickToOrder times a message until the order it causes is at the connector, through a real strategy process.
func BenchmarkTickToOrder(b *testing.B) {
	for _, bm := range []struct {
		name    string
		message func(n int) []byte
		wait    ipc.WaitStrategy
	}{
		{"one-event/spin", ticktoorder.Quote, ipc.WaitSpin},
		{"one-event/park", ticktoorder.Quote, ipc.WaitPark},
		{"70-levels/spin", ticktoorder.Depth(70), ipc.WaitSpin},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r, err := ticktoorder.Measure(context.Background(), ticktoorder.Options{Message: bm.message,
				Samples: max(b.N, samples), Wait: bm.wait})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0, "ns/op") // would be the time of starting and stopping everything
			for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99.9": 0.999} {
				b.ReportMetric(float64(r.Quantile(q)), name+"-ns")
			}
		})
	}
}
