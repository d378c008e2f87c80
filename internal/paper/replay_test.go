package paper_test

import (
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/connectortest"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// newReplay opens a recording of BTCUSDT.
func newReplay(t *testing.T, path string) paper.Source {
	t.Helper()
	source, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": {path}},
		NewDecoder: binance.Futures().Format.NewDecoder, Rule: connector.RuleFutures})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestReplayConformance(t *testing.T) {
	path := sampletest.Path(t, "binancefutures", "BTCUSDT")
	for _, speed := range []float64{0, 10} {
		connectortest.Run(t, func(t *testing.T) connectortest.Harness {
			p, clock := newPaper(t, paper.Config{Source: newReplay(t, path), Speed: speed, Exchange: paper.Exchange{
				PartialFill: true, Queue: "power_prob3", OrderLatency: 5 * time.Millisecond,
				ResponseLatency: 5 * time.Millisecond}})
			return connectortest.Harness{Connector: p, Clock: clock, Instruments: []connector.Instrument{btc}}
		})
	}
}

// The whole recording, stepped, with a bot that quotes at the touch: it ends by itself and the bot has traded.
func TestReplayToTheEnd(t *testing.T) {
	sampletest.EachPath(t, "binancefutures", "BTCUSDT", "btcusdt_20240808.gz", replayToTheEnd)
}

func replayToTheEnd(t *testing.T, path string) {
	r := start(t, paper.Config{Source: newReplay(t, path), Exchange: paper.Exchange{
		PartialFill: true, Queue: "power_prob3", OrderLatency: 5 * time.Millisecond,
		ResponseLatency: 5 * time.Millisecond}}, btc)
	m := &maker{r: r, inst: btc, bot: 1, open: map[uint64]connector.Order{},
		prices: func(bid, ask float64) ([]float64, []float64) { return []float64{bid}, []float64{ask} }}
	for r.alive.Err() == nil {
		r.advance(500 * time.Millisecond)
		if r.sink.IsReady(btc.No) {
			m.step()
		}
	}
	if r.err != nil {
		t.Fatalf("Run returned %v", r.err)
	}
	if events, trades := r.sink.Events(btc.No); events < 25_000 || trades < 1000 || m.fills < 50 ||
		r.sink.Counter(connector.Gaps) != 0 {
		t.Errorf("%d events, %d trades, %d fills, %d gaps", events, trades, m.fills, r.sink.Counter(connector.Gaps))
	}
	if seconds := float64(r.clock.NowNs()-r.paper.Timeline().StartNs) / 1e9; seconds < 59 ||
		seconds > 61 && seconds < 340 || seconds > 350 {
		t.Errorf("the recording took %v s of its own time", seconds)
	}
	position := 0.0
	for _, u := range r.sink.AllUpdates() {
		if u.Fill {
			position += float64(u.Side) * u.ExecQty
		}
	}
	if got := r.sink.LastPosition(btc.No); got-position > 1e-9 || position-got > 1e-9 {
		t.Errorf("position %v, executions %v", got, position)
	}
}
