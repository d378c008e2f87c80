package binancefutures_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

const served = testexchange.BinanceFutures

// The key of RFC 8032's first test, and its public half.
const (
	ed25519Private = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
	ed25519Public  = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

// startExchange returns an exchange whose book has 59990 bid and 60010 offered, 5 of each.
func startExchange(t *testing.T, change func(c *testexchange.Config)) *testexchange.Exchange {
	t.Helper()
	c := testexchange.Config{Venues: []testexchange.Venue{served}, OnlySymbols: []string{"BTCUSDT"},
		Background: testexchange.Still, LargeIDs: true, Seed: 1}
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

func arm(t *testing.T, e *testexchange.Exchange, f fault.Fault) {
	t.Helper()
	if err := e.Arm(served, f); err != nil {
		t.Fatal(err)
	}
}

// connected returns a Protocol of an exchange.
func connected(t *testing.T, e *testexchange.Exchange, change func(c *binancefutures.Config)) *binancefutures.Protocol {
	t.Helper()
	return newProtocol(t, nil, func(c *binancefutures.Config) {
		c.APIURL, c.PublicURL, c.MarketURL, c.PrivateURL = e.HTTPURL(served), e.WSURL(served)+"/public",
			e.WSURL(served)+"/market", e.WSURL(served)+"/private"
		c.WSAPIURL = e.WSURL(served) + "/ws-fapi/v1"
		c.NowNs = func() int64 { return time.Now().UnixNano() }
		c.BookTicker = true
		if change != nil {
			change(c)
		}
	})
}

// follow keeps a stream for the rest of the test and returns its frames.
func follow(t *testing.T, prepare func(ctx context.Context) (protocol.Stream, error)) <-chan []byte {
	t.Helper()
	frames, up := make(chan []byte, 1000), make(chan struct{})
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

// followUser follows the private stream. The exchange answers a message only when it has begun to send events, which no
// client may count on otherwise.
func followUser(t *testing.T, p *binancefutures.Protocol) *user {
	t.Helper()
	return &user{t: t, p: p, frames: follow(t, func(ctx context.Context) (protocol.Stream, error) {
		s, err := p.UserStream(ctx)
		s.Hello, s.Answers, s.Ready = [][]byte{[]byte(`{"method":"LIST_SUBSCRIPTIONS","id":1}`)}, 1,
			p.MarketStreams([]string{"BTCUSDT"})[0].Ready
		return s, err
	})}
}

// user follows the private stream. until waits for an event.
type user struct {
	t      *testing.T
	p      *binancefutures.Protocol
	frames <-chan []byte
	heard
}

func (u *user) until(what string, done func(h *heard) bool) {
	u.t.Helper()
	deadline := time.After(time.Minute)
	for !done(&u.heard) {
		select {
		case frame := <-u.frames:
			if err := u.p.DecodeUser(frame, &u.heard); err != nil {
				u.t.Fatalf("%v, of %s", err, frame)
			}
		case <-deadline:
			u.t.Fatalf("waiting for %s; heard %+v", what, u.heard)
		}
	}
}

// orderIs waits for a report about an order in a status.
func (u *user) orderIs(clientID string, status hft.Status) protocol.Report {
	u.t.Helper()
	var found protocol.Report
	u.until(fmt.Sprintf("%s to be %v", clientID, status), func(h *heard) bool {
		return slices.ContainsFunc(h.orders,
			func(r protocol.Report) bool { found = r; return r.ClientID == clientID && r.Status == status })
	})
	return found
}

func limitOrder(id string, side hft.Side, price, qty string, tif hft.TimeInForce) *protocol.Order {
	return &protocol.Order{Symbol: "BTCUSDT", ClientID: id, Side: side, Price: price, Qty: qty, TimeInForce: tif}
}

// TestOrdersOnTheExchange does with orders all that there is, by REST and by the WebSocket API with both kinds of keys.
func TestOrdersOnTheExchange(t *testing.T) {
	for name, change := range map[string]func(c *binancefutures.Config){
		"REST":                         nil,
		"REST, Ed25519":                func(c *binancefutures.Config) { c.APIKey, c.Secret = "ed", ed25519Private },
		"WebSocket API":                func(c *binancefutures.Config) { c.OrderEntry = "ws" },
		"WebSocket API, Ed25519 logon": func(c *binancefutures.Config) { c.APIKey, c.Secret, c.OrderEntry = "ed", ed25519Private, "ws" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startExchange(t, func(c *testexchange.Config) {
				c.Accounts = []testexchange.Account{{Name: "me", APIKey: "test-key", Secret: "test-secret"},
					{Name: "me", APIKey: "ed", PublicKey: ed25519Public}}
				c.TradeLite = true
			})
			pace := func() {}
			if strings.HasPrefix(name, "WebSocket") {
				pace = func() { time.Sleep(110 * time.Millisecond) } // the exchange takes ten messages a second
			}
			orders(t, e, connected(t, e, change), pace)
		})
	}
}

func orders(t *testing.T, e *testexchange.Exchange, p *binancefutures.Protocol, pace func()) {
	ctx := t.Context()
	u := followUser(t, p)
	do := func(what string, o *protocol.Order, f func(context.Context, *protocol.Order) (protocol.Report, error)) protocol.Report {
		t.Helper()
		var r protocol.Report
		var err error
		for range 200 { // until the connection for orders is up
			pace()
			if r, err = f(ctx, o); protocol.CauseOf(err) != protocol.Unreached {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return r
	}

	// An order that rests, is amended, partly and then wholly filled as maker.
	o := limitOrder("hbt-rest", hft.Buy, "60000.0", "0.010", hft.GTX)
	ack := do("place", o, p.Place)
	if ack.Status != hft.StatusNew || ack.Channel != protocol.ChannelAck || ack.ClientID != "hbt-rest" ||
		ack.Qty != 0.01 || ack.Price != 60000 || ack.TimestampNs == 0 || len(ack.VenueID) < 17 {
		t.Errorf("%+v", ack)
	}
	if r := u.orderIs("hbt-rest", hft.StatusNew); r.VenueID != ack.VenueID || r.TimeInForce != hft.GTX ||
		r.Side != hft.Buy {
		t.Errorf("%+v, acknowledged %+v", r, ack)
	}
	if open, err := p.OpenOrders(ctx, "BTCUSDT"); err != nil || len(open.Orders) != 1 ||
		open.Orders[0].VenueID != ack.VenueID {
		t.Errorf("%+v, %v", open, err)
	}
	o.VenueID, o.Price, o.Qty = ack.VenueID, "60000.5", "0.008"
	if r := do("amend", o, p.Amend); r.Price != 60000.5 || r.Qty != 0.008 || r.ClientID != "hbt-rest" ||
		r.Status != hft.StatusNew {
		t.Errorf("%+v", r)
	}
	pace()
	_, err := p.Amend(ctx, o)
	if protocol.CauseOf(err) != protocol.NoChange {
		t.Errorf("an amendment that changes nothing: %v", err)
	}
	for _, qty := range []float64{0.005, 0.003} {
		if err := e.TradeOfOthers(served, "BTCUSDT", hft.Sell, 60000.5, qty); err != nil {
			t.Fatal(err)
		}
	}
	filled := u.orderIs("hbt-rest", hft.StatusFilled)
	if !filled.Maker || filled.CumQty != 0.008 || filled.LastQty != 0.003 || filled.LastPrice != 60000.5 ||
		filled.FeeAsset != "USDT" || filled.Fee == 0 || len(filled.TradeID) < 17 {
		t.Errorf("%+v", filled)
	}
	u.until("the position", func(h *heard) bool {
		return slices.ContainsFunc(h.positions,
			func(p protocol.Position) bool { return p.Qty == 0.008 && p.Symbol == "BTCUSDT" && p.TimestampNs > 0 })
	})
	if r := do("query", o, p.QueryOrder); r.Status != hft.StatusFilled || r.CumQty != 0.008 || r.AvgPrice != 60000.5 ||
		r.Channel != protocol.ChannelQuery {
		t.Errorf("%+v", r)
	}

	// What is over cannot be changed.
	for what, f := range map[string]func(context.Context, *protocol.Order) (protocol.Report, error){"cancel": p.Cancel, "amend": p.Amend} {
		pace()
		if _, err := f(ctx, o); protocol.CauseOf(err) != protocol.Gone {
			t.Errorf("%s of a filled order: %v", what, err)
		}
	}
	if _, err := p.QueryOrder(ctx, limitOrder("hbt-never", hft.Buy, "1", "1",
		hft.GTC)); protocol.CauseOf(err) != protocol.NotFound {
		t.Errorf("an order that never was: %v", err)
	}

	// Orders that end at once.
	for _, c := range []struct {
		order *protocol.Order
		cause protocol.Cause
	}{
		{limitOrder("hbt-gtx", hft.Buy, "60010.0", "0.010", hft.GTX), protocol.WouldTake},
		{limitOrder("hbt-fok", hft.Buy, "60010.0", "9.000", hft.FOK), protocol.Unfilled},
		{limitOrder("hbt-tick", hft.Buy, "60000.05", "0.010", hft.GTC), protocol.Refused},
		{limitOrder("hbt-small", hft.Buy, "60000.0", "0.001", hft.GTC), protocol.Refused},
		{limitOrder("hbt-huge", hft.Buy, "60000.0", "900.000", hft.GTC), protocol.Refused},
		{&protocol.Order{Symbol: "NOSUCHUSDT", ClientID: "hbt-symbol", Side: hft.Buy, Price: "1.0", Qty: "1"},
			protocol.Refused},
	} {
		pace()
		_, err := p.Place(ctx, c.order)
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != c.cause || f.Code == 0 {
			t.Errorf("%s: %v, want %v", c.order.ClientID, err, c.cause)
		}
	}
	do("place IOC", limitOrder("hbt-ioc", hft.Buy, "60010.0", "5.500", hft.IOC), p.Place)
	if r := u.orderIs("hbt-ioc", hft.StatusExpired); r.CumQty != 5 ||
		r.Reason != "the rest of an immediate-or-cancel order" {
		t.Errorf("%+v", r)
	}
	setLevel(t, e, hft.Sell, 60010, 5)
	do("place at market", &protocol.Order{Symbol: "BTCUSDT", ClientID: "hbt-market", Side: hft.Buy, OrdType: hft.Market,
		Qty: "0.500"}, p.Place)
	if r := u.orderIs("hbt-market", hft.StatusFilled); r.OrdType != hft.Market || r.Maker || r.LastPrice != 60010 {
		t.Errorf("%+v", r)
	}

	// The same id twice, and cancels.
	open := limitOrder("hbt-open", hft.Sell, "60020.0", "0.010", hft.GTC)
	do("place", open, p.Place)
	pace()
	if _, err := p.Place(ctx, open); protocol.CauseOf(err) != protocol.DuplicateID {
		t.Errorf("an id twice: %v", err)
	}
	if r := do("cancel", open, p.Cancel); r.Status != hft.StatusCanceled || r.ClientID != "hbt-open" {
		t.Errorf("%+v", r)
	}
	u.orderIs("hbt-open", hft.StatusCanceled)
	batches(t, p, pace)
	u.orderIs("hbt-batch2", hft.StatusCanceled)

	history(t, e, p)
	if problems := badStates(e); problems != "" {
		t.Error(problems)
	}
}

// batches cancels several orders with one request, by either of their names, one of which is not there the second time,
// and finds them in the list of orders.
func batches(t *testing.T, p *binancefutures.Protocol, pace func()) {
	t.Helper()
	var orders []*protocol.Order
	for i := range 4 {
		o := limitOrder("hbt-batch"+strconv.Itoa(i), hft.Sell, "60020.0", "0.010", hft.GTC)
		r, err := p.Place(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		o.VenueID = r.VenueID
		orders = append(orders, o)
		pace()
	}
	for _, batch := range [][]*protocol.Order{orders[:2], orders[1:]} {
		if len(batch) == 3 {
			batch[1].VenueID = "" // then all go by the client's
		}
		outcomes, err := p.CancelBatch(t.Context(), batch)
		if err != nil || len(outcomes) != len(batch) {
			t.Fatalf("%+v, %v", outcomes, err)
		}
		for i, o := range outcomes {
			if gone := len(batch) == 3 && i == 0; gone && protocol.CauseOf(o.Err) != protocol.Gone ||
				!gone && (o.Err != nil || o.Report.Status != hft.StatusCanceled ||
					o.Report.ClientID != batch[i].ClientID) {
				t.Errorf("%d of %d: %+v", i, len(batch), o)
			}
		}
	}
	list, err := p.RecentOrders(t.Context(), "BTCUSDT")
	for _, o := range orders {
		if i := slices.IndexFunc(list, func(r protocol.Report) bool { return r.ClientID == o.ClientID }); i < 0 ||
			list[i].Status != hft.StatusCanceled {
			t.Errorf("%s is not in the list: %v, %+v", o.ClientID, err, list)
		}
	}
}

// history holds what REST says of the account against the exchange.
func history(t *testing.T, e *testexchange.Exchange, p *binancefutures.Protocol) {
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
		if got, want := fmt.Sprintf("%s %s %.3f %.2f %t", r.TradeID, r.VenueID, r.LastQty, r.LastPrice,
			r.Maker), fmt.Sprintf("%d %d %s %s %t", x.TradeID, x.OrderID, x.Qty, x.Price, x.Maker); !sameNumbers(got,
			want) {
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
}

func sameNumbers(a, b string) bool {
	as, bs := strings.Fields(a), strings.Fields(b)
	for i := range as {
		x, errX := strconv.ParseFloat(as[i], 64)
		y, errY := strconv.ParseFloat(bs[i], 64)
		if as[i] != bs[i] && (errX != nil || errY != nil || i < 2 || x != y) {
			return false
		}
	}
	return len(as) == len(bs)
}

// badStates says which orders the exchange got more than once or not at all.
func badStates(e *testexchange.Exchange) string {
	state, err := e.State(served)
	if err != nil {
		return err.Error()
	}
	for _, o := range state.Orders {
		if !strings.HasPrefix(o.ClientID, "hbt-") {
			return "an order of " + o.ClientID
		}
	}
	for id, n := range state.Submits {
		if n > 1 && id != "hbt-open" {
			return fmt.Sprintf("%s was placed %d times", id, n)
		}
	}
	return ""
}

// TestMarketDataOnTheExchange keeps the book by the streams and compares it with the exchange's.
func TestMarketDataOnTheExchange(t *testing.T) {
	e := startExchange(t,
		func(c *testexchange.Config) { c.Background, c.EventsPerSecond = testexchange.Synthetic, 500 })
	p := connected(t, e, nil)
	filters, err := p.Filters(t.Context(), []string{"BTCUSDT"})
	if err != nil || !filters[0].Trading || filters[0].TickSize <= 0 || filters[0].LotSize <= 0 ||
		filters[0].QuoteAsset != "USDT" {
		t.Errorf("%+v, %v", filters, err)
	}
	if ns, err := p.ServerTimeNs(t.Context()); err != nil || time.Since(time.Unix(0, ns)).Abs() > time.Minute {
		t.Errorf("%d, %v", ns, err)
	}
	streams := p.MarketStreams([]string{"BTCUSDT"})
	if len(streams) != 2 {
		t.Fatalf("%+v", streams)
	}
	kinds := map[connector.MessageKind]int{}
	for _, s := range streams {
		frames := follow(t, func(context.Context) (protocol.Stream, error) { return s, nil })
		decoder := p.NewDecoder()
		var m connector.Message
		read := func(done func() bool) {
			t.Helper()
			deadline := time.After(time.Minute)
			for !done() {
				select {
				case frame := <-frames:
					if err := decoder.Decode(1, frame, &m); err != nil || string(m.Symbol) != "BTCUSDT" {
						t.Fatalf("%v, of %s", err, frame)
					}
					if m.Kind == connector.MessageTrade && (m.FirstID == 0 || m.LastID < m.FirstID) {
						t.Fatalf("a trade without ids: %s", frame)
					}
					kinds[m.Kind]++
				case <-deadline:
					t.Fatalf("%s: only %v came", s.Name, kinds)
				}
			}
		}
		if s.Name == "market" {
			read(func() bool { return kinds[connector.MessageTrade] > 3 })
			continue
		}
		read(func() bool { return kinds[connector.MessageDepth] > 3 })
		body, err := p.Snapshot(t.Context(), "BTCUSDT")
		if err != nil {
			t.Fatal(err)
		}
		var snapshot connector.Message
		if err := decoder.Decode(1, body, &snapshot); err != nil || snapshot.Kind != connector.MessageSnapshot ||
			len(snapshot.Events) == 0 {
			t.Fatalf("%v: kind %d", err, snapshot.Kind)
		}
		// The stream comes to where the snapshot was taken.
		read(func() bool { return m.Kind == connector.MessageDepth && m.LastID >= snapshot.LastID })
		read(func() bool { return kinds[connector.MessageBBO] > 3 })
	}
}

// TestSubscriptionRefused: a stream that the venue does not want is no stream.
func TestSubscriptionRefused(t *testing.T) {
	e := startExchange(t, nil)
	arm(t, e, fault.Fault{Name: fault.ResubscribeError})
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

// TestFaultsOfReplies: each gives the cause that its text stands for, and the order is there or not as the cause says.
func TestFaultsOfReplies(t *testing.T) {
	const either = -1
	for _, c := range []struct {
		fault  fault.Fault
		cause  protocol.Cause
		placed int
		entry  string
	}{
		{fault.Fault{Name: fault.RateLimited, Value: 3}, protocol.Weight, 0, "rest ws"},
		{fault.Fault{Name: fault.Banned, Value: 120}, protocol.Banned, 0, "rest ws"},
		{fault.Fault{Name: fault.Forbidden}, protocol.Banned, 0, "rest"},
		{fault.Fault{Name: fault.UnavailableUnknown, Value: 1}, protocol.Unknown, 1, "rest ws"},
		{fault.Fault{Name: fault.UnavailableUnknown, Value: 2}, protocol.Unknown, 0, "rest ws"},
		{fault.Fault{Name: fault.UnavailableFailed}, protocol.Overloaded, 0, "rest ws"},
		{fault.Fault{Name: fault.BackendTimeout, Value: 1}, protocol.Unknown, 1, "rest ws"},
		{fault.Fault{Name: fault.Overload}, protocol.Overloaded, 0, "rest ws"},
		{fault.Fault{Name: fault.AckLost}, protocol.Unknown, 1, "rest ws"},
		{fault.Fault{Name: fault.ReplyDelay, Duration: time.Minute}, protocol.Unknown, either, "rest ws"},
	} {
		for _, entry := range strings.Fields(c.entry) {
			t.Run(string(c.fault.Name)+"/"+entry, func(t *testing.T) {
				t.Parallel()
				e := startExchange(t, nil)
				p := connected(t, e, func(config *binancefutures.Config) {
					if config.OrderEntry = entry; c.cause == protocol.Unknown { // which may take the time
						config.Timeout = 500 * time.Millisecond
					}
				})
				ready(t, p)
				f := c.fault
				f.Count, f.Only = 1, map[string]string{"rest": "POST /fapi/v1/order", "ws": "order.place"}[entry]
				arm(t, e, f)
				_, err := p.Place(t.Context(), limitOrder("hbt-1", hft.Buy, "60000.0", "0.010", hft.GTC))
				if protocol.CauseOf(err) != c.cause || err == nil {
					t.Errorf("%v, want %v", err, c.cause)
				}
				state, err := e.State(served)
				if err != nil {
					t.Fatal(err)
				}
				if c.placed != either && len(state.Orders) != c.placed {
					t.Errorf("%d orders at the exchange, want %d", len(state.Orders), c.placed)
				}
			})
		}
	}
}

// TestCancelsWhileRESTIsForbidden: batches go by REST, so cancels go one by one over the WebSocket API meanwhile.
func TestCancelsWhileRESTIsForbidden(t *testing.T) {
	for entry, batch := range map[string]int{"rest": 10, "ws": 1} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			e := startExchange(t, nil)
			p := connected(t, e, func(config *binancefutures.Config) { config.OrderEntry = entry })
			ready(t, p)
			o := limitOrder("hbt-1", hft.Buy, "59000.0", "0.010", hft.GTC)
			if _, err := p.Place(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if n := p.MaxCancels(); n != 10 {
				t.Errorf("%d in a batch", n)
			}
			arm(t, e, fault.Fault{Name: fault.Forbidden, Only: "GET /fapi/v1/openOrders", Count: 1})
			if _, err := p.OpenOrders(t.Context(), "BTCUSDT"); protocol.CauseOf(err) != protocol.Banned {
				t.Fatal(err)
			}
			if n := p.MaxCancels(); n != batch {
				t.Errorf("%d in a batch, want %d", n, batch)
			}
			if r, err := p.Cancel(t.Context(), o); (err == nil) != (entry == "ws") ||
				err == nil && r.Status != hft.StatusCanceled {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// ready waits until orders can be sent: an amendment of an order that is not there is refused by the venue then.
func ready(t *testing.T, p *binancefutures.Protocol) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := p.Amend(t.Context(), limitOrder("hbt-none", hft.Buy, "60000.0", "1", hft.GTC))
		if protocol.CauseOf(err) == protocol.Gone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestLogonRefused: a key that may not log on is no connection that is down for a while.
func TestLogonRefused(t *testing.T) {
	e := startExchange(t, nil)
	p := connected(t, e,
		func(c *binancefutures.Config) { c.APIKey, c.Secret, c.OrderEntry = "nobody", ed25519Private, "ws" })
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := p.Place(t.Context(), limitOrder("hbt-1", hft.Buy, "60000.0", "0.010", hft.GTC))
		if protocol.CauseOf(err) == protocol.Key {
			return
		}
		if protocol.CauseOf(err) != protocol.Unreached || time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestEntryIsTakenOver: the connection for orders is made anew after the venue has cut it, and before it does so when
// it says that it will.
func TestEntryIsTakenOver(t *testing.T) {
	for _, f := range []fault.Fault{{Name: fault.CutConnections},
		{Name: fault.ServerShutdown, Duration: 300 * time.Millisecond}} {
		e := startExchange(t, nil)
		p := connected(t, e, func(c *binancefutures.Config) { c.OrderEntry = "ws" })
		ready(t, p)
		before, err := e.State(served)
		if err != nil {
			t.Fatal(err)
		}
		arm(t, e, f)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			now, err := e.State(served)
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("%s: %+v, %v", f.Name, now.Connections, err)
			}
			if len(now.Connections) == 1 && now.Connections[0].ID > before.Connections[0].ID {
				break
			}
		}
		ready(t, p)
	}
}

// TestKeysOnTheExchange: what is wrong with keys, clock and modes is told from what is wrong with orders.
func TestKeysOnTheExchange(t *testing.T) {
	e := startExchange(t, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: "test-key", Secret: "test-secret"},
			{APIKey: "read-only", Secret: "r", ReadOnly: true}, {APIKey: "hedge", Secret: "h", Hedge: true}}
	})
	o := limitOrder("hbt-1", hft.Buy, "60000.0", "0.010", hft.GTC)
	for name, c := range map[string]struct {
		change func(c *binancefutures.Config)
		cause  protocol.Cause
	}{
		"wrong secret": {func(c *binancefutures.Config) { c.Secret = "other" }, protocol.Key},
		"unknown key":  {func(c *binancefutures.Config) { c.APIKey = "other" }, protocol.Key},
		"read-only":    {func(c *binancefutures.Config) { c.APIKey, c.Secret = "read-only", "r" }, protocol.Key},
		"hedge mode":   {func(c *binancefutures.Config) { c.APIKey, c.Secret = "hedge", "h" }, protocol.Refused},
		"slow clock": {func(c *binancefutures.Config) {
			c.NowNs = func() int64 { return time.Now().Add(-time.Minute).UnixNano() }
		}, protocol.ClockOff},
		"fast clock": {func(c *binancefutures.Config) {
			c.NowNs = func() int64 { return time.Now().Add(time.Minute).UnixNano() }
		}, protocol.ClockOff},
		"no key": {func(c *binancefutures.Config) { c.APIKey, c.Secret = "", "" }, protocol.Key},
	} {
		p := connected(t, e, c.change)
		if _, err := p.Place(t.Context(), o); protocol.CauseOf(err) != c.cause || err == nil {
			t.Errorf("%s: %v, want %v", name, err, c.cause)
		}
		if name == "slow clock" {
			p.SetClockOffset(time.Minute)
			if _, err := p.Place(t.Context(), o); err != nil {
				t.Errorf("with the offset set: %v", err)
			}
		}
	}
	findings, err := connected(t, e, func(c *binancefutures.Config) { c.APIKey, c.Secret = "hedge", "h" }).
		Permissions(t.Context())
	if err != nil || !slices.ContainsFunc(findings,
		func(f connector.Finding) bool { return f.What == "position mode" && f.Problem != "" }) {
		t.Errorf("%+v, %v", findings, err)
	}
	if state, err := e.State(served); err != nil || len(state.Orders) != 1 {
		t.Errorf("%+v, %v", state.Orders, err)
	}
}

// TestDeadManOnTheExchange: the venue cancels when nobody says that he is still there.
func TestDeadManOnTheExchange(t *testing.T) {
	e := startExchange(t, nil)
	p := connected(t, e, nil)
	u := followUser(t, p)
	for _, id := range []string{"hbt-1", "hbt-2"} {
		if _, err := p.Place(t.Context(), limitOrder(id, hft.Buy, "60000.0", "0.010", hft.GTC)); err != nil {
			t.Fatal(err)
		}
	}
	for _, window := range []time.Duration{time.Minute, 0, 100 * time.Millisecond} {
		if err := p.ArmDeadMan(t.Context(), "BTCUSDT", window); err != nil {
			t.Fatal(err)
		}
	}
	u.orderIs("hbt-1", hft.StatusCanceled)
	u.orderIs("hbt-2", hft.StatusCanceled)
	if state, err := e.State(served); err != nil || len(state.Heartbeats) != 3 {
		t.Errorf("%+v, %v", state.Heartbeats, err)
	}
}

// TestListenKeyOnTheExchange: its end is told by an event and by the keep-alive.
func TestListenKeyOnTheExchange(t *testing.T) {
	e := startExchange(t, nil)
	p := connected(t, e, nil)
	s, err := p.UserStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, p: p, frames: follow(t, func(context.Context) (protocol.Stream, error) { return s, nil })}
	if err := s.KeepAlive(t.Context()); err != nil {
		t.Error(err)
	}
	arm(t, e, fault.Fault{Name: fault.ListenKeyExpired})
	u.until("the end of the key", func(h *heard) bool { return len(h.renewals) > 0 })
	if err := s.KeepAlive(t.Context()); err == nil {
		t.Error("a key that has expired is extended")
	}
	if next, err := p.UserStream(t.Context()); err != nil || next.URL == s.URL {
		t.Errorf("%+v, %v", next, err)
	}
}

// TestUserEventsThatAreOdd: unknown fields, statuses and events do not disturb the ones that are known.
func TestUserEventsThatAreOdd(t *testing.T) {
	e := startExchange(t, func(c *testexchange.Config) { c.Compress = true })
	p := connected(t, e, nil)
	for _, f := range []fault.Name{fault.UnknownField, fault.UnknownStatus, fault.UnknownEvent, fault.NullFeeAsset,
		fault.Fragment, fault.DuplicateUserEvent, fault.RepeatFilled} {
		arm(t, e, fault.Fault{Name: f})
	}
	u := followUser(t, p)
	if _, err := p.Place(t.Context(), limitOrder("hbt-1", hft.Buy, "60010.0", "0.010", hft.GTC)); err != nil {
		t.Fatal(err)
	}
	if r := u.orderIs("hbt-1", hft.StatusFilled); r.CumQty != 0.01 || r.FeeAsset != "" {
		t.Errorf("%+v", r)
	}
}
