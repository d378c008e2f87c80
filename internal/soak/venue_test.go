package soak

import (
	"cmp"
	"context"
	"testing"
	"time"

	"hftrunner/connector"
	"hftrunner/connector/binancefutures"
	"hftrunner/connector/binancespot"
	"hftrunner/connector/bybit"
	"hftrunner/connector/connectortest"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/venue"
	"hftrunner/internal/testexchange"
)

// wallClock is the clock of a live connector.
type wallClock = connectortest.WallClock

// options are what a test changes about a venue's protocol. Empty ones are the quick values that all tests use.
type options struct {
	key, secret string
	// entry is the way of orders.
	entry string
	// base changes the addresses: it is given the class of a stream ("public", "market", "private") and the address.
	base func(class, url string) string
	// quiet, silence, lifetime and keepAlive are the protocol's watchdogs, as far as it has them; quietMarket is that of trades
	// on a connection of their own.
	quiet, quietMarket, silence, lifetime, keepAlive time.Duration
	clock                                            wallClock
}

func (o options) complete() options {
	o.key, o.secret = cmp.Or(o.key, testexchange.DefaultAPIKey), cmp.Or(o.secret, testexchange.DefaultSecret)
	o.quiet, o.silence = cmp.Or(o.quiet, 3*time.Second), cmp.Or(o.silence, 4*time.Second)
	o.quietMarket, o.keepAlive = cmp.Or(o.quietMarket, 20*time.Second), cmp.Or(o.keepAlive, 2*time.Second)
	if o.base == nil {
		o.base = func(_, url string) string { return url }
	}
	return o
}

// subject is one venue's connector and what is to be known about it.
type subject struct {
	name     testexchange.Venue
	protocol func(tb testing.TB, e *testexchange.Exchange, o options) venue.Protocol
	rule     depthsync.Rule
	// positions says that the venue keeps them.
	positions bool
	deadMan   time.Duration
	// place, amend, cancel and snapshot describe these requests to the exchange's faults.
	place, amend, cancel, snapshot string
	// patience of the bots, see there.
	patience int
	// watchdogs says that options change when a quiet connection is replaced; ed25519 that the venue takes such keys.
	watchdogs, ed25519 bool
}

func subjects() []subject {
	return []subject{
		{name: testexchange.BinanceFutures, protocol: newFutures, rule: depthsync.Futures, positions: true, deadMan: 3 * time.Second, patience: 8,
			place: "POST /fapi/v1/order", amend: "PUT /fapi/v1/order", cancel: "DELETE /fapi/v1/order", snapshot: "GET /fapi/v1/depth",
			watchdogs: true, ed25519: true},
		{name: testexchange.BinanceSpot, protocol: newSpot, rule: depthsync.Spot, patience: 30,
			place: "POST /api/v3/order", amend: "POST /api/v3/order/cancelReplace", cancel: "DELETE /api/v3/order", snapshot: "GET /api/v3/depth",
			watchdogs: true, ed25519: true},
		{name: testexchange.Bybit, protocol: newBybit, rule: depthsync.Streamed, positions: true, patience: 15,
			place: "POST /v5/order/create", amend: "POST /v5/order/amend", cancel: "POST /v5/order/cancel"},
	}
}

func newBybit(tb testing.TB, e *testexchange.Exchange, o options) venue.Protocol {
	o = o.complete()
	ws, http := e.WSURL(testexchange.Bybit), e.HTTPURL(testexchange.Bybit)
	p, err := bybit.New(bybit.Config{PublicURL: o.base("public", ws+"/v5/public/linear"), PrivateURL: o.base("private", ws+"/v5/private"),
		TradeURL: ws + "/v5/trade", APIURL: http, Key: o.key, Secret: o.secret, BookTicker: true, DepthLevel: 1000, NowNs: o.clock.NowNs,
		OrderEntry: bybit.OrderEntry(o.entry)})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func newSpot(tb testing.TB, e *testexchange.Exchange, o options) venue.Protocol {
	o = o.complete()
	ws, http := e.WSURL(testexchange.BinanceSpot), e.HTTPURL(testexchange.BinanceSpot)
	p, err := binancespot.New(binancespot.Config{StreamURL: o.base("market", ws), APIURL: http, WSAPIURL: o.base("private", ws+"/ws-api/v3"),
		Key: o.key, Secret: o.secret, BookTicker: true, NowNs: o.clock.NowNs, Timeout: 3 * time.Second, OrderEntry: o.entry,
		QuietMarket: o.quiet, Silence: o.silence, Lifetime: o.lifetime})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func newFutures(tb testing.TB, e *testexchange.Exchange, o options) venue.Protocol {
	o = o.complete()
	ws, http := e.WSURL(testexchange.BinanceFutures), e.HTTPURL(testexchange.BinanceFutures)
	p, err := binancefutures.New(binancefutures.Config{PublicURL: o.base("public", ws+"/public"), MarketURL: o.base("market", ws+"/market"),
		PrivateURL: o.base("private", ws+"/private"), APIURL: http, WSAPIURL: ws + "/ws-fapi/v1", Key: o.key, Secret: o.secret, BookTicker: true,
		NowNs: o.clock.NowNs, Timeout: 3 * time.Second, OrderEntry: o.entry, QuietPublic: o.quiet, QuietMarket: o.quietMarket,
		Silence: o.silence, Lifetime: o.lifetime, KeepAliveInterval: o.keepAlive})
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
