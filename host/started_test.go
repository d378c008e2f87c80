package host

import (
	"context"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// timed is a connector with a time of its own.
type timed struct{ connector.Connector }

func (timed) Timeline() connector.Timeline { return connector.Timeline{} }

// TestAVenueWaitsForNoStrategy: what is due at a venue is due while strategies are still being started; a market of our own begins
// when they are up.
func TestAVenueWaitsForNoStrategy(t *testing.T) {
	for name, test := range map[string]struct {
		c     connector.Connector
		waits bool
	}{"venue": {nil, false}, "market of our own": {timed{}, true}} {
		clock := hostipc.NewWallClock()
		p, err := newPublisher(ConnectorConfig{Name: name, Connector: test.c, FeedCapacity: 64}, clock, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if test.waits {
			cancel()
		}
		if _, err := p.WaitUntil(ctx, clock.NowNs(), nil); err != nil != test.waits {
			t.Errorf("%s: %v", name, err)
		}
		p.start()
		if _, err := p.WaitUntil(t.Context(), clock.NowNs(), nil); err != nil {
			t.Errorf("%s, started: %v", name, err)
		}
		cancel()
		if err := p.feed.Close(); err != nil {
			t.Error(err)
		}
	}
}
