package venuecheck_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/venuecheck"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// venueOptions are the options for an exchange in this process.
func venueOptions(t *testing.T, v testexchange.Venue) (*testexchange.Exchange, venuecheck.Options) {
	t.Helper()
	e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{v}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	o := venuecheck.Options{HasKey: true, OrderPrefix: "hr", OrderTest: true, StreamTimeout: 2 * time.Second,
		Instruments: []connector.Instrument{{Symbol: "BTCUSDT"}, {Symbol: "ETHUSDT", TickSize: 0.01}}}
	ws := e.WSURL(v)
	settings, err := venues.Make(string(v), map[string]any{"public_url": ws + "/public", "market_url": ws + "/market",
		"private_url": ws + "/private", "stream_url": ws, "ws_api_url": ws + "/ws-api/v3", "api_url": e.HTTPURL(v),
		"book_ticker": false, "api_key": testexchange.DefaultAPIKey, "secret": testexchange.DefaultSecret})
	if err != nil {
		t.Fatal(err)
	}
	made, err := venues.Open(venues.Config{Kind: string(v), Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol = made.Protocol
	t.Cleanup(func() { _ = o.Protocol.Close() })
	return e, o
}

func find(list []connector.Finding, what string) *connector.Finding {
	at := slices.IndexFunc(list, func(f connector.Finding) bool { return f.What == what })
	if at < 0 {
		return nil
	}
	return &list[at]
}

// blocked reports whether something keeps a strategy from trading.
func blocked(list []connector.Finding) bool {
	return slices.ContainsFunc(list, func(f connector.Finding) bool { return f.Blocks })
}

// A venue where all is well has an answer for everything, and no problem.
func TestRunOnAGoodVenue(t *testing.T) {
	for _, v := range []testexchange.Venue{testexchange.BinanceFutures, testexchange.BinanceSpot} {
		_, o := venueOptions(t, v)
		r := venuecheck.Run(t.Context(), o)
		for what, says := range map[string]string{"reachable": "yes", "clock": "within", "round trip": "p99",
			"BTCUSDT": "tick 0.", "ETHUSDT": "lot 0.", "stream account": "connected after",
			"open orders on ETHUSDT": "0 of this runner (prefix hr), 0 of other clients",
			"balance of USDT":        "100000 free", "order test on BTCUSDT": "passed: buy"} {
			if f := find(r, what); f == nil || f.Problem != "" || !strings.Contains(f.Value, says) {
				t.Errorf("%s: %s: %+v, want %q", v, what, f, says)
			}
		}
		if blocked(r) {
			t.Errorf("%s: %+v", v, r)
		}
	}
}

// A stream that is silent is looked at; when all of them are, there is no market data.
func TestSilentStreams(t *testing.T) {
	for _, test := range []struct {
		only   string
		blocks bool
	}{{"aggTrade", false}, {"", true}} {
		e, o := venueOptions(t, testexchange.BinanceFutures)
		o.StreamTimeout = 500 * time.Millisecond
		if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.Silent, Only: test.only}); err != nil {
			t.Fatal(err)
		}
		r := venuecheck.Run(t.Context(), o)
		f := find(r, "stream market")
		if f == nil || !strings.Contains(f.Problem, "no message within") || f.Advice == "" || f.Blocks != test.blocks {
			t.Errorf("only %q: %+v", test.only, r)
		}
	}
}

// A venue that refuses connections, or does not answer a request, is told with what to do.
func TestWhatIsRefused(t *testing.T) {
	e, o := venueOptions(t, testexchange.BinanceFutures)
	o.StreamTimeout = time.Second
	if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.RefuseConnect}); err != nil {
		t.Fatal(err)
	}
	r := venuecheck.Run(t.Context(), o)
	for _, what := range []string{"stream public", "stream market", "stream account"} {
		if f := find(r, what); f == nil || f.Problem == "" || f.Advice == "" || !f.Blocks ||
			f.Value != "not connected" {
			t.Errorf("%s: %+v", what, f)
		}
	}
	e, o = venueOptions(t, testexchange.BinanceFutures)
	if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.Banned}); err != nil {
		t.Fatal(err)
	}
	r = venuecheck.Run(t.Context(), o)
	if f := find(r, "reachable"); f == nil || !f.Blocks || !blocked(r) || len(r) != 1 {
		t.Errorf("%+v", r)
	}
}
