package venue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// watcher is a Sink that compares positions: each differs.
type watcher struct {
	*sinktest.Sink
	settled chan connector.SettledPosition
}

func (w watcher) PositionSettled(p connector.SettledPosition) time.Duration {
	select {
	case w.settled <- p:
	default:
	}
	return time.Millisecond
}

// TestSettledPositions: a position is handed over to be compared if nothing about the symbol came between the question
// and the answers. Where it differs, executions are known up to that time when the next one comes.
func TestSettledPositions(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var moving atomic.Bool
	var rounds, streamed atomic.Int32
	moving.Store(true)
	f.positions = func(context.Context) ([]protocol.Position, error) {
		return []protocol.Position{{Symbol: "BTC", Qty: 0.5, TimestampNs: time.Now().UnixNano()}}, nil
	}
	f.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		sink.Position(protocol.Position{Symbol: "BTC", Qty: 0.5, TimestampNs: 1})
		streamed.Add(1)
		return nil
	}
	var private atomic.Pointer[peer]
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		if moving.Load() {
			if private.Load() == nil {
				private.Store(<-f.private)
			}
			before := streamed.Load()
			private.Load().send(t, "position")
			until(t, "the stream has told the position", func() bool { return streamed.Load() > before })
		}
		rounds.Add(1)
		return nil, nil
	}
	sink := watcher{sinktest.NewSink(), make(chan connector.SettledPosition, 1)}
	start(t, f, sink, func(c *venue.Config) { c.Trading, c.AuditInterval = true, 20*time.Millisecond }, "BTC")
	until(t, "the account is asked for", func() bool { return rounds.Load() >= 4 })
	select {
	case p := <-sink.settled:
		t.Errorf("compared while it moves: %+v", p)
	default:
	}
	moving.Store(false)
	first := take(t, sink.settled, "a settled position")
	if first.Qty != 0.5 || first.InstrumentNo != 0 || first.AskedNs == 0 {
		t.Errorf("%+v", first)
	}
	until(t, "executions are known up to the first answer", func() bool {
		return take(t, sink.settled, "another answer").KnownNs >= first.AskedNs
	})
}
