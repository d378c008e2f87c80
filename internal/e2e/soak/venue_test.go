package soak

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// options are a test's changes of a venue's protocol. Empty ones are the quick values that all tests use.
type options struct {
	key, secret string
	// entry is the way of orders.
	entry string
	// base changes the addresses: it is given the class of a stream ("public", "market", "private") and the address.
	base func(class, url string) string
	// quiet, silence, lifetime and keepAlive are the protocol's watchdogs, as far as it has them; quietMarket is that
	// of trades on a connection of their own.
	quiet, quietMarket, silence, lifetime, keepAlive time.Duration
	// clock is nil for the machine's.
	clock *hostipc.Clock
	// address is the exchange's address, if there is something in between; timeout is that of its answers.
	address string
	timeout time.Duration
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
	name testexchange.Venue
	rule connector.Rule
	// positions is true if the venue keeps them.
	positions bool
	deadMan   time.Duration
	// place, amend, cancel and snapshot describe these requests to the exchange's faults.
	place, amend, cancel, snapshot string
	// patience of the bots, see there.
	patience int
	// watchdogs is true if options change when a quiet connection is replaced; ed25519 that the venue takes such keys.
	watchdogs, ed25519 bool
}

func subjects() []subject {
	return []subject{
		{name: testexchange.BinanceFutures, rule: connector.RuleFutures, positions: true, deadMan: 3 * time.Second,
			patience: 8, place: "POST /fapi/v1/order", amend: "PUT /fapi/v1/order", cancel: "DELETE /fapi/v1/order",
			snapshot: "GET /fapi/v1/depth", watchdogs: true, ed25519: true},
		{name: testexchange.BinanceSpot, rule: connector.RuleSpot, patience: 30, place: "POST /api/v3/order",
			amend: "POST /api/v3/order/cancelReplace", cancel: "DELETE /api/v3/order", snapshot: "GET /api/v3/depth",
			watchdogs: true, ed25519: true},
		{name: testexchange.Bybit, rule: connector.RuleStreamed, positions: true, patience: 15,
			place: "POST /v5/order/create", amend: "POST /v5/order/amend", cancel: "POST /v5/order/cancel"},
	}
}

// open makes what speaks to the venue at an exchange, in the way of the runner.
func (s subject) open(tb testing.TB, e *testexchange.Exchange, set settings) *venues.Venue {
	tb.Helper()
	o := set.options.complete()
	address := cmp.Or(o.address, e.Address(s.name))
	ws := "ws://" + address
	named := map[string]any{"api_url": "http://" + address, "api_key": o.key, "secret": o.secret,
		"order_prefix": cmp.Or(set.prefix, ownPrefix),
		"order_entry":  cmp.Or(o.entry, "rest"), "dead_man": set.deadMan, "cancel_on_disconnect": set.cancelOnDisconnect}
	c := venues.Config{Kind: string(s.name), Clock: o.clock, Pace: set.pace, Logger: set.logger}
	c.Pace.Timeout, c.Pace.QuietBooks, c.Pace.QuietTrades = cmp.Or(o.timeout, 3*time.Second), o.quiet, o.quietMarket
	c.Pace.Silence, c.Pace.Lifetime, c.Pace.KeepAlive = o.silence, o.lifetime, o.keepAlive
	switch s.name {
	case testexchange.Bybit:
		named["public_url"], named["private_url"] = o.base("public", ws+"/v5/public/linear"),
			o.base("private", ws+"/v5/private")
		named["trade_url"], named["depth_level"] = ws+"/v5/trade", 1000
	case testexchange.BinanceSpot:
		named["stream_url"], named["ws_api_url"] = o.base("market", ws), o.base("private", ws+"/ws-api/v3")
	default:
		named["public_url"], named["market_url"] = o.base("public", ws+"/public"), o.base("market", ws+"/market")
		named["private_url"], named["ws_api_url"] = o.base("private", ws+"/private"), ws+"/ws-fapi/v1"
	}
	var err error
	if c.Settings, err = venues.Make(c.Kind, named); err != nil {
		tb.Fatal(err)
	}
	v, err := venues.Open(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// protocol makes what speaks to the venue at an exchange, for questions beside a connector.
func (s subject) protocol(tb testing.TB, e *testexchange.Exchange) protocol.Protocol {
	tb.Helper()
	return s.open(tb, e, settings{}).Protocol
}

// instruments asks the venue for the steps of its symbols, as a runner does at its start.
func instruments(tb testing.TB, p protocol.Protocol, symbols ...string) ([]connector.Instrument, []protocol.Filters) {
	tb.Helper()
	filters, err := p.Filters(context.Background(), symbols)
	if err != nil {
		tb.Fatal(err)
	}
	var list []connector.Instrument
	for i, f := range filters {
		list = append(list, connector.Instrument{No: i, Symbol: f.Symbol, TickSize: f.TickSize, LotSize: f.LotSize})
	}
	return list, filters
}
