package venuecheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Options are what Run looks at.
type Options struct {
	Protocol    protocol.Protocol
	Instruments []connector.Instrument // steps that are left to the venue are 0
	// HasKey says that there is an account to look at. OrderPrefix tells this runner's orders from others.
	HasKey      bool
	OrderPrefix string
	// OrderTest has an order tested by the venue, where the venue can.
	OrderTest bool
	// Logger may be nil.
	Logger hclog.Logger
	// StreamTimeout is how long connections and their first messages are waited for, 0 for 10 s.
	StreamTimeout time.Duration
}

// roundTrips is how many requests the round-trip time is taken from.
const roundTrips = 10

// clockTolerance is how far the clocks may be apart: signed requests carry the venue's time, but feed latencies do not.
const clockTolerance = 250 * time.Millisecond

// check is one look at a venue.
type check struct {
	Options
	report []connector.Finding
	rules  Rules
}

// Run looks at a venue and returns what was found, in the order in which it was looked for. Nothing of it is an error;
// ctx ends it early.
func Run(ctx context.Context, o Options) []connector.Finding {
	if o.StreamTimeout == 0 {
		o.StreamTimeout = 10 * time.Second
	}
	c := &check{Options: o}
	if !c.reach(ctx) {
		return c.report
	}
	c.clock(ctx)
	c.roundTrip(ctx)
	c.symbols(ctx)
	c.streams(ctx)
	if !o.HasKey {
		c.say("account", "skipped: no key, market data only")
		return c.report
	}
	if c.permissions(ctx) {
		c.orders(ctx)
		c.account(ctx)
		c.orderTest(ctx)
	}
	return c.report
}

// say adds a finding without a problem.
func (c *check) say(what, format string, args ...any) {
	c.add(connector.Finding{What: what, Value: fmt.Sprintf(format, args...)}, false)
}

func (c *check) add(f connector.Finding, blocks bool) {
	f.Blocks = blocks
	c.report = append(c.report, f)
}

// failed adds what a request has failed with.
func (c *check) failed(what string, err error) {
	c.add(connector.Finding{What: what, Value: "not known", Problem: err.Error(), Advice: advice(err)}, true)
}

// advice says what to do about a failure.
func advice(err error) string {
	if errors.As(err, new(protocol.HedgeMode)) {
		return "orders are sent in one-way mode only"
	}
	switch protocol.CauseOf(err) {
	case protocol.Key:
		return "check that api_key and secret belong to this venue and network, the key's permissions, and its allowed IP addresses"
	case protocol.ClockOff:
		return "set this machine's clock (NTP), or make recv_window longer"
	case protocol.Weight, protocol.OrderRate, protocol.Banned:
		return "wait, and check what else uses this IP address or account"
	case protocol.Unknown, protocol.Overloaded:
		return "check the network and the configured URLs"
	}
	return "see the venue's message"
}

// reach asks for the time, which every venue tells everybody.
func (c *check) reach(ctx context.Context) bool {
	if _, err := c.Protocol.ServerTimeNs(ctx); err != nil {
		c.add(connector.Finding{What: "reachable", Value: "no", Problem: err.Error(),
			Advice: "check the network and api_url"}, true)
		return false
	}
	c.say("reachable", "yes")
	return true
}

// clock measures how far the venue's clock is off, and lets requests be signed with the venue's time.
func (c *check) clock(ctx context.Context) {
	sync, err := clocksync.New(clocksync.Config{ServerTimeNs: c.Protocol.ServerTimeNs, NowNs: c.Protocol.NowNs,
		Samples: roundTrips})
	if err != nil {
		c.failed("clock", err)
		return
	}
	e, err := sync.Measure(ctx)
	if err != nil {
		c.failed("clock", err)
		return
	}
	nowNs := c.Protocol.NowNs()
	offset, bound := time.Duration(e.OffsetAtNs(nowNs)), time.Duration(e.ErrorAtNs(nowNs))
	c.Protocol.SetClockOffset(offset)
	f := connector.Finding{What: "clock", Value: fmt.Sprintf("the venue's is %v ahead of this machine's, within %v",
		short(offset), short(bound))}
	if offset < 0 {
		f.Value = fmt.Sprintf("the venue's is %v behind this machine's, within %v", short(-offset), short(bound))
	}
	if offset.Abs() > clockTolerance+bound {
		f.Problem = "feed latencies will be wrong by that; requests are signed with the venue's time"
		f.Advice = "set this machine's clock (NTP)"
	}
	c.add(f, false)
}

// short rounds a duration to what is worth reading.
func short(d time.Duration) time.Duration {
	if d.Abs() < time.Millisecond {
		return d.Round(time.Microsecond)
	}
	return d.Round(10 * time.Microsecond)
}

func (c *check) roundTrip(ctx context.Context) {
	var times []time.Duration
	for range roundTrips {
		beginNs := c.Protocol.NowNs()
		if _, err := c.Protocol.ServerTimeNs(ctx); err != nil {
			c.failed("round trip", err)
			return
		}
		times = append(times, time.Duration(c.Protocol.NowNs()-beginNs))
	}
	slices.Sort(times)
	c.say("round trip", "p50 %v, p99 %v of %d requests", short(times[rank(0.5)]), short(times[rank(0.99)]), roundTrips)
}

// rank is the nearest rank of a quantile.
func rank(q float64) int { return max(int(math.Ceil(q*roundTrips))-1, 0) }

// symbols compares the venue's rules with what is configured.
func (c *check) symbols(ctx context.Context) {
	var names []string
	for _, in := range c.Instruments {
		if !slices.Contains(names, in.Symbol) {
			names = append(names, in.Symbol)
		}
	}
	if len(names) == 0 {
		c.say("symbols", "none: no strategy uses the connector")
		return
	}
	var err error
	if c.rules, err = AskRules(ctx, c.Protocol, names); err != nil {
		c.failed("symbols", err)
		return
	}
	for _, in := range c.Instruments {
		f := connector.Finding{What: in.Symbol, Value: "not known"}
		if at := slices.IndexFunc(c.rules.Filters,
			func(f protocol.Filters) bool { return f.Symbol == in.Symbol }); at >= 0 {
			f.Value = describe(&c.rules.Filters[at])
		}
		steps := c.rules.Steps(in.Symbol)
		_, _, err := steps.Of(in.TickSize, in.LotSize)
		if err != nil {
			f.Problem, f.Advice = err.Error(), "no strategy with it will start: correct the instrument block"
		}
		c.add(f, err != nil)
	}
}

func describe(f *protocol.Filters) string {
	text := fmt.Sprintf("tick %s, lot %s", number(f.TickSize), number(f.LotSize))
	for _, limit := range []struct {
		name string
		x    float64
	}{{"quantity from", f.MinQty}, {"to", f.MaxQty}, {"value from", f.MinNotional}} {
		if limit.x != 0 {
			text += ", " + limit.name + " " + number(limit.x)
		}
	}
	if !f.Trading {
		text += ", not trading"
	}
	return text
}

// permissions looks at the key. The venue's findings are taken as they are.
func (c *check) permissions(ctx context.Context) bool {
	findings, err := c.Protocol.Permissions(ctx)
	for _, f := range findings {
		c.add(f, f.Problem != "" && !f.Minor)
	}
	if err != nil {
		c.failed("key", err)
	}
	return err == nil
}

// orders counts the open orders on the symbols.
func (c *check) orders(ctx context.Context) {
	codec, err := clientid.New(c.OrderPrefix, c.Protocol.NowNs()/int64(time.Millisecond))
	if err != nil {
		c.failed("open orders", err)
		return
	}
	for i := range c.rules.Filters {
		symbol := c.rules.Filters[i].Symbol
		open, err := c.Protocol.OpenOrders(ctx, symbol)
		if err != nil {
			c.failed("open orders on "+symbol, err)
			continue
		}
		own := 0
		for n := range open.Orders {
			if _, _, ok := codec.Decode(open.Orders[n].ClientID); ok {
				own++
			}
		}
		finding := connector.Finding{What: "open orders on " + symbol,
			Value: fmt.Sprintf("%d of this runner (prefix %s), %d of other clients", own, c.OrderPrefix,
				len(open.Orders)-own)}
		blocks := false
		for n := range open.Unread {
			row := &open.Unread[n]
			_, _, ok := codec.Decode(row.ClientID)
			blocks = blocks || ok || row.Nameless
			finding.Problem = fmt.Sprintf("%d more cannot be read, the last is %q: %v", len(open.Unread), row.ClientID,
				row.Err)
			finding.Advice = "look at it at the venue: while it is or may be of this runner no new orders are sent on the symbol"
		}
		c.add(finding, blocks)
	}
}

// account looks at positions and balances.
func (c *check) account(ctx context.Context) {
	var names []string
	for i := range c.rules.Filters {
		names = append(names, c.rules.Filters[i].Symbol)
	}
	positions, err := c.Protocol.Positions(ctx, names)
	if err != nil && !errors.Is(err, protocol.ErrUnsupported) {
		c.failed("positions", err)
	}
	for _, p := range positions {
		if p.Err != nil {
			c.failed("position on "+p.Symbol, p.Err)
			continue
		}
		c.say("position on "+p.Symbol, "%s", number(p.Qty))
	}
	balances, err := c.Protocol.Balances(ctx)
	if err != nil {
		c.failed("balances", err)
		return
	}
	for _, b := range balances {
		if b.Free != 0 || b.Locked != 0 {
			c.say("balance of "+b.Asset, "%s free, %s locked", number(b.Free), number(b.Locked))
		}
	}
}
