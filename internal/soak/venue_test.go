package soak

import (
	"context"
	"testing"
	"time"

	"hftrunner/connector"
	"hftrunner/connector/binancefutures"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/venue"
	"hftrunner/internal/testexchange"
)

// wallClock is the clock of a live connector.
type wallClock struct{}

func (wallClock) NowNs() int64 { return time.Now().UnixNano() }

func (c wallClock) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	var timer <-chan time.Time
	if d := timestampNs - c.NowNs(); d <= 0 {
		return timestampNs, ctx.Err()
	} else if d < int64(time.Hour) {
		t := time.NewTimer(time.Duration(d))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
		return timestampNs, nil
	case <-wake:
		return min(c.NowNs(), timestampNs), nil
	case <-ctx.Done():
		return c.NowNs(), ctx.Err()
	}
}

// subject is one venue's connector and what is to be known about it.
type subject struct {
	name     testexchange.Venue
	protocol func(tb testing.TB, e *testexchange.Exchange) venue.Protocol
	rule     depthsync.Rule
	// positions says that the venue keeps them.
	positions bool
	deadMan   time.Duration
}

func subjects() []subject {
	return []subject{
		{testexchange.BinanceFutures, newFutures, depthsync.Futures, true, 3 * time.Second},
	}
}

func newFutures(tb testing.TB, e *testexchange.Exchange) venue.Protocol {
	ws, http := e.WSURL(testexchange.BinanceFutures), e.HTTPURL(testexchange.BinanceFutures)
	p, err := binancefutures.New(binancefutures.Config{PublicURL: ws + "/public", MarketURL: ws + "/market", PrivateURL: ws + "/private", APIURL: http,
		WSAPIURL: ws + "/ws-fapi/v1", Key: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret, BookTicker: true, NowNs: wallClock{}.NowNs,
		Timeout: 3 * time.Second, QuietPublic: 3 * time.Second, Silence: 4 * time.Second, KeepAliveInterval: 2 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// instruments asks the venue for the steps of its symbols, as a runner does at its start.
func instruments(tb testing.TB, p venue.Protocol, symbols ...string) ([]connector.Instrument, []venue.Filters) {
	tb.Helper()
	filters, err := p.Filters(context.Background(), symbols)
	if err != nil {
		tb.Fatal(err)
	}
	var list []connector.Instrument
	for i, f := range filters {
		tick, lot, err := venue.CheckSteps(f.Symbol, &f, 0, 0)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, connector.Instrument{No: i, Symbol: f.Symbol, TickSize: tick, LotSize: lot})
	}
	return list, filters
}
