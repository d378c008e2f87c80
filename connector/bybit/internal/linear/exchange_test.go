package linear_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

const served = testexchange.Bybit

// startExchange returns an exchange whose book has 59990 bid and 60010 offered, 5 of each.
func startExchange(t *testing.T, change func(c *testexchange.Config)) *testexchange.Exchange {
	t.Helper()
	c := testexchange.Config{Venues: []testexchange.Venue{served}, OnlySymbols: []string{"BTCUSDT"},
		Background: testexchange.Still, LargeIDs: true, Seed: 1, OrdersPerMinute: 60 * 1000}
	if change != nil {
		change(&c)
	}
	e, err := testexchange.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if c.Background == testexchange.Still {
		setLevel(t, e, hft.Buy, 59990, 5)
		setLevel(t, e, hft.Sell, 60010, 5)
	}
	return e
}

func setLevel(t *testing.T, e *testexchange.Exchange, side hft.Side, price, qty float64) {
	t.Helper()
	if err := e.SetLevel(served, "BTCUSDT", side, price, qty); err != nil {
		t.Fatal(err)
	}
}

// connected returns a Protocol of an exchange.
func connected(t *testing.T, e *testexchange.Exchange, change func(c *linear.Config)) *linear.Protocol {
	t.Helper()
	ws := e.WSURL(served)
	c := linear.Config{NowNs: func() int64 { return time.Now().UnixNano() }}
	c.PublicURL, c.PrivateURL, c.TradeURL, c.APIURL = ws+"/v5/public/linear", ws+"/v5/private", ws+"/v5/trade",
		e.HTTPURL(served)
	c.APIKey, c.Secret, c.BookTicker, c.OrdersPerSecond = testKey, testSecret, true, 1000
	if change != nil {
		change(&c)
	}
	return newProtocol(t, c)
}

// followed keeps a stream for the rest of the test and returns its frames.
func followed(t *testing.T, prepare func(ctx context.Context) (protocol.Stream, error)) <-chan []byte {
	t.Helper()
	frames, up := make(chan []byte, 10_000), make(chan struct{})
	var once sync.Once
	k, err := stream.New(stream.Config{Prepare: prepare, NowNs: func() int64 { return time.Now().UnixNano() },
		OnUp:    func() { once.Do(func() { close(up) }) },
		OnFrame: func(_ int64, frame []byte) { frames <- slices.Clone(frame) },
		OnDown:  func(reason string, _ time.Duration) { t.Logf("down: %s", reason) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-up:
	case err := <-ended:
		ended <- err
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the stream does not come up")
	}
	return frames
}

// account follows the private stream. It is the protocol.UserSink of what it hears.
type account struct {
	*testing.T
	p         *linear.Protocol
	frames    <-chan []byte
	orders    []protocol.Report
	positions []protocol.Position
	balances  []protocol.Balance
}

func (a *account) Order(r *protocol.Report)        { a.orders = append(a.orders, *r) }
func (a *account) Position(p protocol.Position)    { a.positions = append(a.positions, p) }
func (a *account) Balance(b protocol.Balance)      { a.balances = append(a.balances, b) }
func (a *account) Account(*connector.AccountEvent) {}
func (a *account) Settled()                        {}
func (a *account) Renew(reason string)             { a.Errorf("renew: %s", reason) }

func (a *account) until(what string, done func() bool) {
	a.Helper()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case frame := <-a.frames:
			if err := a.p.DecodeUser(frame, a); err != nil {
				a.Fatalf("%v, of %s", err, frame)
			}
		case <-deadline:
			a.Fatalf("waiting for %s; heard %+v, %+v", what, a.orders, a.positions)
		}
	}
}

// orderIs waits for a report about an order in a status.
func (a *account) orderIs(clientID string, status hft.Status) (found protocol.Report) {
	a.Helper()
	a.until(fmt.Sprintf("%s to be %v", clientID, status), func() bool {
		return slices.ContainsFunc(a.orders, func(r protocol.Report) bool {
			found = r
			return r.ClientID == clientID && r.Status == status && r.TradeID == ""
		})
	})
	return found
}

// executed waits for the executions of an order and returns the last.
func (a *account) executed(clientID string, n int) (last protocol.Report) {
	a.Helper()
	a.until(fmt.Sprintf("%d executions of %s", n, clientID), func() bool {
		seen := 0
		for _, r := range a.orders {
			if r.ClientID == clientID && r.TradeID != "" {
				seen, last = seen+1, r
			}
		}
		return seen == n
	})
	return last
}

func limitOrder(id string, side hft.Side, price, qty string, tif hft.TimeInForce) *protocol.Order {
	return &protocol.Order{Symbol: "BTCUSDT", ClientID: id, Side: side, Price: price, Qty: qty, TimeInForce: tif}
}

// TestOrdersOnTheExchange does with orders all that there is, by REST and over the trade connection.
func TestOrdersOnTheExchange(t *testing.T) {
	for _, entry := range []linear.OrderEntry{linear.OrdersByREST, linear.OrdersByWebSocket} {
		t.Run(string(entry), func(t *testing.T) {
			t.Parallel()
			e := startExchange(t, nil)
			p := connected(t, e, func(c *linear.Config) { c.OrderEntry = entry })
			a := &account{T: t, p: p, frames: followed(t, p.UserStream)}
			if entry == linear.OrdersByWebSocket {
				eventually(t, "the trade connection is up", p.TradeUp)
			}
			resting(t, e, a)
			ending(t, e, a)
			history(t, e, p)
			state, err := e.State(served)
			if err != nil {
				t.Fatal(err)
			}
			if got := state.Requests["order.create"] > 0; got != (entry == linear.OrdersByWebSocket) {
				t.Errorf("requests %v", state.Requests)
			}
		})
	}
}

// resting: an order that rests, is amended, and is filled as maker, partly and then wholly.
func resting(t *testing.T, e *testexchange.Exchange, a *account) {
	t.Helper()
	ctx, p := t.Context(), a.p
	o := limitOrder("hbt-rest", hft.Buy, "60000.00", "0.010", hft.GTX)
	ack, err := p.Place(ctx, o)
	if err != nil || ack.Status != hft.StatusNone || ack.Channel != protocol.ChannelAck || ack.ClientID != "hbt-rest" ||
		ack.VenueID == "" {
		t.Fatalf("%+v, %v", ack, err)
	}
	if r := a.orderIs("hbt-rest", hft.StatusNew); r.VenueID != ack.VenueID || r.TimeInForce != hft.GTX ||
		r.Side != hft.Buy || r.Price != 60000 || r.Qty != 0.01 {
		t.Errorf("%+v, acknowledged %+v", r, ack)
	}
	if open, err := p.OpenOrders(ctx, "BTCUSDT"); err != nil || len(open.Orders) != 1 ||
		open.Orders[0].VenueID != ack.VenueID {
		t.Errorf("%+v, %v", open, err)
	}
	amended := *o
	amended.PrevPrice, amended.PrevQty, amended.Price, amended.Qty = o.Price, o.Qty, "60000.50", "0.008"
	if _, err := p.Amend(ctx, &amended); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Amend(ctx, &amended); protocol.CauseOf(err) != protocol.NoChange {
		t.Errorf("an amendment to what the order is: %v", err)
	}
	for _, qty := range []float64{0.005, 0.003} {
		if err := e.TradeOfOthers(served, "BTCUSDT", hft.Sell, 60000.5, qty); err != nil {
			t.Fatal(err)
		}
	}
	if r := a.executed("hbt-rest", 2); !r.Maker || r.LastQty != 0.003 || r.LastPrice != 60000.5 || r.Fee == 0 ||
		r.FeeAsset != "USDT" || r.TimestampNs == 0 {
		t.Errorf("%+v", r)
	}
	if r := a.orderIs("hbt-rest", hft.StatusFilled); r.CumQty != 0.008 || !r.HasCum || r.AvgPrice != 60000.5 {
		t.Errorf("%+v", r)
	}
	a.until("the position", func() bool {
		return slices.ContainsFunc(a.positions,
			func(p protocol.Position) bool { return p.Qty == 0.008 && p.Symbol == "BTCUSDT" && p.TimestampNs > 0 })
	})
	a.until("the balance", func() bool {
		return slices.ContainsFunc(a.balances,
			func(b protocol.Balance) bool { return b.Asset == "USDT" && b.Free < 100_000 && b.Free > 99_999 })
	})
	if r, err := p.QueryOrder(ctx, o); err != nil || r.Status != hft.StatusFilled || r.CumQty != 0.008 ||
		r.Channel != protocol.ChannelQuery {
		t.Errorf("%+v, %v", r, err)
	}
	for what, f := range map[string]func(context.Context, *protocol.Order) (protocol.Report, error){"cancel": p.Cancel, "amend": p.Amend} {
		if _, err := f(ctx, &amended); protocol.CauseOf(err) != protocol.Gone {
			t.Errorf("%s of a filled order: %v", what, err)
		}
	}
	if _, err := p.QueryOrder(ctx, limitOrder("hbt-never", hft.Buy, "1", "1",
		hft.GTC)); protocol.CauseOf(err) != protocol.NotFound {
		t.Errorf("an order that never was: %v", err)
	}
}

// ending: orders that end at once, are refused, or are canceled.
func ending(t *testing.T, e *testexchange.Exchange, a *account) {
	t.Helper()
	ctx, p := t.Context(), a.p
	place := func(o *protocol.Order) {
		t.Helper()
		if _, err := p.Place(ctx, o); err != nil {
			t.Fatalf("%s: %v", o.ClientID, err)
		}
	}
	place(limitOrder("hbt-gtx", hft.Buy, "60010.00", "0.010", hft.GTX))
	place(limitOrder("hbt-fok", hft.Buy, "60010.00", "9.000", hft.FOK))
	place(limitOrder("hbt-ioc", hft.Buy, "60010.00", "5.500", hft.IOC))
	for id, want := range map[string]struct {
		reason string
		cum    float64
	}{"hbt-gtx": {"EC_PostOnlyWillTakeLiquidity", 0}, "hbt-fok": {"EC_NoEnoughQtyToFill", 0},
		"hbt-ioc": {"EC_NoImmediateQtyToFill", 5}} {
		if r := a.orderIs(id, hft.StatusExpired); r.Reason != want.reason || r.CumQty != want.cum {
			t.Errorf("%+v", r)
		}
	}
	for _, c := range []struct {
		order *protocol.Order
		cause protocol.Cause
	}{
		{limitOrder("hbt-tick", hft.Buy, "60000.05", "0.010", hft.GTC), protocol.Refused},
		{limitOrder("hbt-far", hft.Buy, "9000000.00", "0.010", hft.GTC), protocol.Refused},
		{limitOrder("hbt-small", hft.Buy, "1.00", "0.001", hft.GTC), protocol.Refused},
		{limitOrder("hbt-huge", hft.Buy, "60000.00", "900.000", hft.GTC), protocol.Refused},
		{&protocol.Order{Symbol: "NOSUCHUSDT", ClientID: "hbt-symbol", Side: hft.Buy, Price: "1.0", Qty: "1"},
			protocol.Refused},
		{limitOrder("hbt-gtx", hft.Buy, "60000.00", "0.010", hft.GTC), protocol.DuplicateID},
	} {
		_, err := p.Place(ctx, c.order)
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != c.cause || f.Code == 0 {
			t.Errorf("%s: %v, want %v", c.order.ClientID, err, c.cause)
		}
	}
	setLevel(t, e, hft.Sell, 60010, 5)
	place(&protocol.Order{Symbol: "BTCUSDT", ClientID: "hbt-market", Side: hft.Buy, OrdType: hft.Market, Qty: "0.500"})
	if r := a.executed("hbt-market", 1); r.Maker || r.LastPrice != 60010 {
		t.Errorf("%+v", r)
	}
	open := limitOrder("hbt-open", hft.Sell, "60020.00", "0.010", hft.GTC)
	place(open)
	if _, err := p.Cancel(ctx, open); err != nil {
		t.Error(err)
	}
	if r := a.orderIs("hbt-open", hft.StatusCanceled); r.Reason != "" {
		t.Errorf("%+v", r)
	}
	for i := range 3 {
		place(limitOrder("hbt-all"+strconv.Itoa(i), hft.Sell, "60020.00", "0.010", hft.GTC))
	}
	for range 2 { // the second time there is none
		if _, err := p.CancelAll(ctx, "BTCUSDT"); err != nil {
			t.Error(err)
		}
	}
	a.orderIs("hbt-all2", hft.StatusCanceled)
	batch := []*protocol.Order{limitOrder("hbt-batch", hft.Sell, "60020.00", "0.010", hft.GTC),
		{Symbol: "BTCUSDT", ClientID: "hbt-none"}, open}
	place(batch[0])
	outcomes, err := p.CancelBatch(ctx, batch)
	if err != nil || len(outcomes) != 3 || outcomes[0].Err != nil || outcomes[0].Report.VenueID == "" ||
		protocol.CauseOf(outcomes[1].Err) != protocol.Gone || protocol.CauseOf(outcomes[2].Err) != protocol.Gone {
		t.Errorf("%+v, %v", outcomes, err)
	}
	a.orderIs("hbt-batch", hft.StatusCanceled)
	list, err := p.RecentOrders(ctx, "BTCUSDT")
	if i := slices.IndexFunc(list, func(r protocol.Report) bool { return r.ClientID == "hbt-batch" }); i < 0 ||
		list[i].Status != hft.StatusCanceled {
		t.Errorf("%v, %+v", err, list)
	}
}

// history holds what REST says of the account against the exchange.
func history(t *testing.T, e *testexchange.Exchange, p *linear.Protocol) {
	t.Helper()
	state, err := e.State(served)
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Executions(t.Context(), "BTCUSDT", time.Now().Add(-time.Hour).UnixNano())
	if err != nil || len(list) == 0 || len(list) != len(state.Executions) {
		t.Fatalf("%d executions, the exchange has %d, %v", len(list), len(state.Executions), err)
	}
	for i, r := range list {
		x := state.Executions[i]
		if got, want := fmt.Sprintf("%s %.3f %.2f %t", r.ClientID, r.LastQty, r.LastPrice,
			r.Maker), fmt.Sprintf("%s %s %s %t", x.ClientID, x.Qty, x.Price, x.Maker); got != want {
			t.Errorf("execution %d: %s, want %s", i, got, want)
		}
	}
	positions, err := p.Positions(t.Context(), []string{"BTCUSDT"})
	if err != nil || len(positions) != 1 || fmt.Sprintf("%.3f", positions[0].Qty) != state.Positions[0].Qty {
		t.Errorf("%+v, the exchange has %+v, %v", positions, state.Positions, err)
	}
	balances, err := p.Balances(t.Context())
	if i := slices.IndexFunc(balances, func(b protocol.Balance) bool { return b.Asset == "USDT" }); err != nil ||
		i < 0 || balances[i].Free <= 0 {
		t.Errorf("%+v, %v", balances, err)
	}
	findings, err := p.Permissions(t.Context())
	if i := slices.IndexFunc(findings,
		func(f connector.Finding) bool { return f.What == "key: contract trading" }); err != nil || i < 0 ||
		findings[i].Problem != "" {
		t.Errorf("%+v, %v", findings, err)
	}
}

// TestManyOpenOrders: lists of several pages.
func TestManyOpenOrders(t *testing.T) {
	const n = 130
	e := startExchange(t, nil)
	p := connected(t, e, nil)
	for i := range n {
		if _, err := p.Place(t.Context(), limitOrder("hbt-"+strconv.Itoa(i), hft.Buy, "60000.00", "0.001",
			hft.GTC)); err != nil {
			t.Fatal(err)
		}
	}
	open, err := p.OpenOrders(t.Context(), "BTCUSDT")
	if err != nil || len(open.Orders) != n || len(open.Unread) > 0 {
		t.Errorf("%d open, %v", len(open.Orders), err)
	}
	if err := e.TradeOfOthers(served, "BTCUSDT", hft.Sell, 60000, 1); err != nil {
		t.Fatal(err)
	}
	list, err := p.Executions(t.Context(), "BTCUSDT", 0)
	if err != nil || len(list) != n || list[0].ClientID != "hbt-0" || list[n-1].ClientID != "hbt-129" {
		t.Errorf("%d executions, %v", len(list), err)
	}
}

// TestMarketDataOnTheExchange keeps the book by the stream, also after a gap.
func TestMarketDataOnTheExchange(t *testing.T) {
	e := startExchange(t,
		func(c *testexchange.Config) { c.Background, c.EventsPerSecond = testexchange.Synthetic, 500 })
	p := connected(t, e, nil)
	filters, err := p.Filters(t.Context(), []string{"BTCUSDT"})
	if err != nil || !filters[0].Trading || filters[0].TickSize != 0.1 || filters[0].LotSize != 0.001 ||
		filters[0].MinNotional != 5 {
		t.Errorf("%+v, %v", filters, err)
	}
	if ns, err := p.ServerTimeNs(t.Context()); err != nil || time.Since(time.Unix(0, ns)).Abs() > time.Minute {
		t.Errorf("%d, %v", ns, err)
	}
	if _, err := p.Snapshot(t.Context(), "BTCUSDT"); !errors.Is(err, protocol.ErrResubscribe) {
		t.Errorf("snapshot: %v", err)
	}
	for _, f := range []fault.Fault{{Name: fault.MidSnapshot, Probability: 0.1},
		{Name: fault.RestartSnapshot, Probability: 0.05, Only: "orderbook.50"}} {
		if err := e.Arm(served, f); err != nil {
			t.Fatal(err)
		}
	}
	frames := followed(t,
		func(context.Context) (protocol.Stream, error) { return p.MarketStreams([]string{"BTCUSDT"})[0], nil })
	book, err := depthsync.New(depthsync.Config{Rule: p.DepthRule()})
	if err != nil {
		t.Fatal(err)
	}
	decoder, kinds := p.NewDecoder(), map[connector.MessageKind]int{}
	var m connector.Message
	deadline := time.After(time.Minute)
	for kinds[connector.MessageDepth] < 50 || kinds[connector.MessageTrade] < 3 || kinds[connector.MessageBBO] < 10 ||
		book.Stats().Snapshots < 3 {
		var frame []byte
		select {
		case frame = <-frames:
		case <-deadline:
			t.Fatalf("only %v came, %+v", kinds, book.Stats())
		}
		if err := decoder.Decode(1, frame, &m); err != nil {
			t.Fatalf("%v, of %s", err, frame)
		}
		kinds[m.Kind]++
		var out depthsync.Output
		switch m.Kind {
		case connector.MessageSnapshot:
			out = book.Snapshot(1, &m)
		case connector.MessageDepth:
			out = book.Depth(1, &m)
		case connector.MessageTrade:
			if m.FirstID == 0 || m.LastID < m.FirstID {
				t.Fatalf("a trade without ids: %s", frame)
			}
		}
		if out.Gap || out.Stale != "" {
			t.Fatalf("the book is lost: %+v, by %s", out, frame)
		}
	}
}

// TestSubscriptionRefused: a stream that the venue does not want is no stream.
func TestSubscriptionRefused(t *testing.T) {
	e := startExchange(t, nil)
	if err := e.Arm(served, fault.Fault{Name: fault.ResubscribeError}); err != nil {
		t.Fatal(err)
	}
	s := connected(t, e, nil).MarketStreams([]string{"BTCUSDT"})[0]
	k, err := stream.New(stream.Config{Prepare: func(context.Context) (protocol.Stream, error) { return s, nil },
		NowNs: func() int64 { return time.Now().UnixNano() }, OnFrame: func(int64, []byte) {}, MaxRefusals: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var refused *stream.RefusedError
	if err := k.Run(ctx); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

// TestFaultsOfReplies: each gives the cause that its code stands for, and the order is there or not as the cause says.
func TestFaultsOfReplies(t *testing.T) {
	for _, c := range []struct {
		fault    fault.Fault
		rest, ws protocol.Cause
		placed   int
	}{
		{fault.Fault{Name: fault.RateLimited, Value: 3}, protocol.OrderRate, protocol.OrderRate, 0},
		{fault.Fault{Name: fault.Banned}, protocol.Banned, protocol.Banned, 0},
		{fault.Fault{Name: fault.Forbidden}, protocol.Banned, protocol.Weight, 0},
		{fault.Fault{Name: fault.UnavailableUnknown, Value: 1}, protocol.Unknown, protocol.Unknown, 1},
		{fault.Fault{Name: fault.UnavailableUnknown, Value: 2}, protocol.Unknown, protocol.Unknown, 0},
		{fault.Fault{Name: fault.UnavailableFailed}, protocol.Unknown, protocol.Overloaded, 0},
		{fault.Fault{Name: fault.BackendTimeout, Value: 1}, protocol.Unknown, protocol.Unknown, 1},
		{fault.Fault{Name: fault.Overload}, protocol.Overloaded, protocol.Overloaded, 0},
		{fault.Fault{Name: fault.AckLost}, protocol.Unknown, protocol.Unknown, 1},
	} {
		for entry, cause := range map[linear.OrderEntry]protocol.Cause{linear.OrdersByREST: c.rest,
			linear.OrdersByWebSocket: c.ws} {
			t.Run(fmt.Sprintf("%s %d/%s", c.fault.Name, c.fault.Value, entry), func(t *testing.T) {
				t.Parallel()
				e := startExchange(t, nil)
				p := connected(t, e, func(c *linear.Config) { c.OrderEntry = entry })
				if entry == linear.OrdersByWebSocket {
					if _, err := p.UserStream(t.Context()); err != nil { // which connects it
						t.Fatal(err)
					}
					eventually(t, "the trade connection is up", p.TradeUp)
				}
				f := c.fault
				f.Count, f.Only = 1, map[linear.OrderEntry]string{linear.OrdersByREST: "POST /v5/order/create",
					linear.OrdersByWebSocket: "order.create"}[entry]
				if err := e.Arm(served, f); err != nil {
					t.Fatal(err)
				}
				_, err := p.Place(t.Context(), limitOrder("hbt-1", hft.Buy, "60000.00", "0.010", hft.GTC))
				if protocol.CauseOf(err) != cause || err == nil {
					t.Errorf("%v, want %v", err, cause)
				}
				state, err := e.State(served)
				if err != nil {
					t.Fatal(err)
				}
				if len(state.Orders) != c.placed {
					t.Errorf("%d orders at the exchange, want %d", len(state.Orders), c.placed)
				}
			})
		}
	}
}

// TestDeadManOnTheExchange sets the window of the venue's cancel-on-disconnect.
func TestDeadManOnTheExchange(t *testing.T) {
	e := startExchange(t, nil)
	p := connected(t, e, func(c *linear.Config) { c.DisconnectCancel = true })
	followed(t, p.UserStream)
	if err := p.ArmDeadMan(t.Context(), "BTCUSDT", 5*time.Second); err != nil {
		t.Error(err)
	}
	state, err := e.State(served)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Heartbeats) != 1 || state.Heartbeats[0].CountdownMs != 5000 ||
		!slices.Contains(state.Connections[0].Streams, "dcp.future") {
		t.Errorf("%+v, %+v", state.Heartbeats, state.Connections)
	}
}
