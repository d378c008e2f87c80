package soak

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"hftrunner/connector"
	"hftrunner/connector/connectortest"
	"hftrunner/connector/venue"
	"hftrunner/hft"
	"hftrunner/internal/testexchange"
	"hftrunner/internal/testexchange/fault"
)

// ownPrefix begins the client order ids of the connector under test.
const ownPrefix = "t"

// patience is how long something that has to happen may take.
const patience = 60 * time.Second

func soakTime(tb testing.TB) time.Duration {
	text := os.Getenv("HFTRUNNER_SOAK")
	if text == "" {
		return 6 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		tb.Fatalf("HFTRUNNER_SOAK: %v", err)
	}
	return d
}

func soakSeed(tb testing.TB) uint64 {
	text := os.Getenv("HFTRUNNER_SEED")
	if text == "" {
		return 1
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("HFTRUNNER_SEED: %v", err)
	}
	return seed
}

// bot trades on one instrument, at random, and follows its orders by what the connector says.
type bot struct {
	id     uint64
	run    *run
	random *rand.Rand
	nextID uint64
	// patience is for how many rounds it does nothing on average, so that it keeps most of the time below the venue's limits.
	patience int

	mu     sync.Mutex
	open   map[uint64]*hft.Order
	filled float64
}

// run is one connector at work.
type run struct {
	*connectortest.Sink
	connector   connector.Connector
	instruments []connector.Instrument
	bots        map[uint64]*bot
	clock       wallClock
	cancel      context.CancelFunc
	// done is closed when Run has returned err.
	done chan struct{}
	err  error
}

// Order follows a bot's order.
func (r *run) Order(u *connector.OrderUpdate) {
	r.Sink.Order(u)
	b := r.bots[u.Owner.Bot]
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.Fill {
		b.filled += u.ExecQty * float64(u.Side)
	}
	o := b.open[u.OrderID]
	if o == nil {
		return
	}
	if u.Req == hft.StatusRejected {
		if o.Req == hft.StatusNew {
			delete(b.open, u.OrderID)
		}
		o.Req = hft.StatusNone
		return
	}
	if u.Final() {
		delete(b.open, u.OrderID)
		return
	}
	local := o.LocalTimestampNs
	*o = u.Order.Order
	o.LocalTimestampNs = local
}

// act is one step of a bot.
func (b *bot) act() {
	inst := b.run.instruments[int(b.id)%len(b.run.instruments)]
	bid, ask := b.run.Best(inst.No)
	if !b.run.IsReady(inst.No) || math.IsNaN(bid) || math.IsNaN(ask) {
		return
	}
	b.mu.Lock()
	var request *connector.Order
	send := b.run.connector.Submit
	for _, o := range b.open {
		if !o.Cancellable() {
			continue
		}
		switch b.random.IntN(4) {
		case 0:
			o.Req = hft.StatusCanceled
			request, send = b.order(inst, *o), b.run.connector.Cancel
		case 1:
			changed := *o
			changed.PriceTick += b.random.Int64N(7) - 3
			changed.Qty = b.qty(inst, bid)
			changed.Req, o.Req = hft.StatusReplaced, hft.StatusReplaced
			request, send = b.order(inst, changed), b.run.connector.Modify
		}
		break
	}
	if request == nil && len(b.open) < 6 {
		b.nextID++
		side, price := hft.Buy, bid
		if b.random.IntN(2) == 0 {
			side, price = hft.Sell, ask
		}
		tick := hft.PriceTick(price, inst.TickSize) + int64(side)*(b.random.Int64N(12)-8)
		o := hft.NewOrder(b.nextID, tick, inst.TickSize, b.qty(inst, bid), side, hft.Limit,
			[]hft.TimeInForce{hft.GTC, hft.GTX, hft.IOC, hft.GTC}[b.random.IntN(4)])
		o.Req = hft.StatusNew
		b.open[o.OrderID] = &o
		request = b.order(inst, o)
	}
	b.mu.Unlock()
	if request != nil {
		b.run.Sent(request)
		send(*request)
	}
}

// qty returns a quantity that the venue takes, at some price: some have a least value of 100.
func (b *bot) qty(inst connector.Instrument, price float64) float64 {
	const value = 120
	least := math.Ceil(value / (price * inst.LotSize))
	return (least + float64(b.random.IntN(int(5*least)+20))) * inst.LotSize
}

func (b *bot) order(inst connector.Instrument, o hft.Order) *connector.Order {
	o.LocalTimestampNs = wallClock{}.NowNs()
	return &connector.Order{InstrumentNo: inst.No, Owner: connector.Owner{Bot: b.id, Incarnation: 1}, Order: o}
}

// cancelAll cancels what is open and reports whether nothing is.
func (b *bot) cancelAll() bool {
	inst := b.run.instruments[int(b.id)%len(b.run.instruments)]
	b.mu.Lock()
	var requests []*connector.Order
	for _, o := range b.open {
		if o.Cancellable() {
			o.Req = hft.StatusCanceled
			requests = append(requests, b.order(inst, *o))
		}
	}
	none := len(b.open) == 0
	b.mu.Unlock()
	for _, o := range requests {
		b.run.Sent(o)
		b.run.connector.Cancel(*o)
	}
	return none
}

// start connects a venue's connector to an exchange and lets two bots begin. The seed chooses the way of orders.
func start(t *testing.T, s subject, e *testexchange.Exchange, seed uint64) *run {
	t.Helper()
	// Faults come faster than they would in years, so pauses are short: bots are to trade, not to wait.
	set := settings{config: venue.Config{DeadMan: s.deadMan, AuditInterval: time.Second, BackOffMax: time.Second, AttemptsPer5Min: 100_000,
		RefusedPause: time.Second}}
	set.entry = []string{"ws", "rest"}[seed%2]
	r := connect(t, s, e, set)
	for id := uint64(1); id <= 2; id++ {
		r.bots[id] = &bot{id: id, run: r, random: rand.New(rand.NewPCG(seed, id)), patience: s.patience, open: map[uint64]*hft.Order{}}
	}
	r.begin()
	return r
}

// settings are how a connector is set up. Empty ones are those of all tests.
type settings struct {
	options
	// config is the connector's; what it is made of is filled in.
	config  venue.Config
	symbols []string
}

// connect makes a connector with its instruments that does not run yet.
func connect(t *testing.T, s subject, e *testexchange.Exchange, set settings) *run {
	t.Helper()
	r := prepare(t, s, e, set)
	for _, inst := range r.instruments {
		r.connector.Register(inst)
	}
	return r
}

// prepare makes a connector without instruments.
func prepare(t *testing.T, s subject, e *testexchange.Exchange, set settings) *run {
	t.Helper()
	p := s.protocol(t, e, set.options)
	if set.symbols == nil {
		set.symbols = []string{"BTCUSDT", "ETHUSDT"}
	}
	insts, filters := instruments(t, p, set.symbols...)
	cfg := set.config
	cfg.Protocol, cfg.Rule, cfg.Trading, cfg.Filters = p, s.rule, true, filters
	cfg.OrderPrefix = cmp.Or(cfg.OrderPrefix, ownPrefix)
	cfg.Logger = hclog.New(&hclog.LoggerOptions{Name: string(s.name), Output: &testWriter{t: t}, Level: hclog.LevelFromString(cmp.Or(os.Getenv("HFTRUNNER_LOG"), "warn"))})
	c, err := venue.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &run{Sink: connectortest.NewSink(), connector: c, instruments: insts, bots: map[uint64]*bot{}, clock: set.clock, done: make(chan struct{})}
}

// begin lets the connector run.
func (r *run) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		r.err = r.connector.Run(ctx, r, r.clock)
		close(r.done)
	}()
}

// testWriter sends log lines to the test's log.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// eventually waits for cond, with a bound.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for began := time.Now(); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// agree waits until check finds nothing, with a bound.
func agree(t *testing.T, what string, check func() error) {
	t.Helper()
	// A market that goes on is the same here and there for moments only.
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > patience/3 {
			t.Errorf("%s: %v", what, err)
			return
		}
	}
}

func (r *run) ready() bool {
	for _, inst := range r.instruments {
		if !r.IsReady(inst.No) {
			return false
		}
	}
	return true
}

// end stops a run, if it is not over already, and checks that it ended well.
func (r *run) end(t *testing.T) {
	t.Helper()
	r.cancel()
	select {
	case <-r.done:
		if r.err != nil {
			t.Errorf("Run returned %v", r.err)
		}
	case <-time.After(patience):
		t.Error("Run does not return")
	}
}

// faults are armed one after the other, by chance.
func faults() []fault.Fault {
	return []fault.Fault{
		{Name: fault.DropUserEvent, Count: 2}, {Name: fault.DuplicateUserEvent, Count: 5}, {Name: fault.ReorderUserEvent, Count: 5},
		{Name: fault.AckDelay, Count: 3, Duration: 300 * time.Millisecond}, {Name: fault.AckLost, Count: 2}, {Name: fault.RepeatFilled, Count: 3},
		{Name: fault.UnknownField, Count: 10}, {Name: fault.UnknownStatus, Count: 3}, {Name: fault.UnknownEvent, Count: 3},
		{Name: fault.NullFeeAsset, Count: 3}, {Name: fault.ListenKeyExpired}, {Name: fault.RateLimited, Count: 1},
		{Name: fault.UnavailableUnknown, Count: 2}, {Name: fault.UnavailableFailed, Count: 2}, {Name: fault.BackendTimeout, Count: 2},
		{Name: fault.Overload, Count: 3}, {Name: fault.ReplyDelay, Count: 3}, {Name: fault.DepthGap, Count: 1}, {Name: fault.StaleSnapshot, Count: 1},
		{Name: fault.AheadSnapshot, Count: 1}, {Name: fault.SnapshotDelay, Count: 2}, {Name: fault.CutConnections}, {Name: fault.NoPings, Count: 2},
		{Name: fault.ResetMidFrame, Count: 1}, {Name: fault.Fragment, Count: 20}, {Name: fault.RefuseConnect, Count: 1},
		{Name: fault.MidSnapshot, Count: 2}, {Name: fault.RestartSnapshot, Count: 1}, {Name: fault.EmptyLeaves, Count: 5},
		{Name: fault.SessionExpired}, {Name: fault.ListenKeyUnknown, Count: 1}, {Name: fault.ServerShutdown, Duration: time.Second},
		{Name: fault.ResubscribeError, Count: 1}, {Name: fault.Silent, Count: 20},
	}
}

// harsh reports whether a fault ends connections or stops trading for a while.
func harsh(name fault.Name) bool {
	switch name {
	case fault.CutConnections, fault.ServerShutdown, fault.RefuseConnect, fault.ResetMidFrame, fault.RateLimited, fault.AckLost, fault.SessionExpired,
		fault.ListenKeyExpired, fault.StaleSnapshot, fault.ResubscribeError:
		return true
	}
	return false
}

// TestSoak lets two bots trade at each venue while faults come by chance, and then compares with the exchange.
func TestSoak(t *testing.T) {
	for _, s := range subjects() {
		t.Run(string(s.name), func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			seed := soakSeed(t)
			before := descriptors(t)
			defer func() { eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= before }) }()
			e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{s.name}, Seed: seed, EventsPerSecond: 300, Compress: true,
				PingInterval: time.Second, OrdersPerMinute: 6000})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			r := start(t, s, e, seed)
			eventually(t, "the books are ready", r.ready)

			random := rand.New(rand.NewPCG(seed, 99))
			list := slices.DeleteFunc(faults(), func(f fault.Fault) bool { return !s.has(f.Name) })
			hits := map[fault.Name]int{}
			nextFault := time.Now()
			for began := time.Now(); time.Since(began) < soakTime(t); time.Sleep(5 * time.Millisecond) {
				for _, b := range r.bots {
					if b.random.IntN(b.patience) == 0 {
						b.act()
					}
				}
				if time.Now().After(nextFault) {
					f := list[random.IntN(len(list))]
					if err := e.Arm(s.name, f); err != nil {
						t.Fatal(err)
					}
					hits[f.Name]++
					nextFault = time.Now().Add(time.Duration(50+random.IntN(300)) * time.Millisecond)
					if harsh(f.Name) {
						nextFault = nextFault.Add(time.Second) // or the bots would hardly ever trade
					}
				}
			}
			for name := range hits {
				if err := e.Disarm(s.name, name); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("armed %v", hits)
			settle(t, s, e, r)
			compare(t, s, e, r)
			r.end(t)
		})
	}
}

// descriptors is how many files and sockets this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// settle cancels everything and waits for it.
func settle(t *testing.T, s subject, e *testexchange.Exchange, r *run) {
	t.Helper()
	eventually(t, "all orders come to their end", func() bool {
		none := true
		for _, b := range r.bots {
			none = b.cancelAll() && none
		}
		time.Sleep(20 * time.Millisecond)
		return none
	})
	eventually(t, "the books are ready again", r.ready)
	eventually(t, "no order is open at the exchange", func() bool {
		state, err := e.State(s.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range state.Orders {
			if o.Status == "NEW" || o.Status == "PARTIALLY_FILLED" || o.Status == "New" || o.Status == "PartiallyFilled" {
				return false
			}
		}
		return true
	})
}

// compare holds the connector's account of the run to the exchange's.
func compare(t *testing.T, s subject, e *testexchange.Exchange, r *run) {
	t.Helper()
	// Executions that were missed are asked for some time after.
	agree(t, "orders", func() error {
		state, err := e.State(s.name)
		if err != nil {
			t.Fatal(err)
		}
		return ordersAgree(t, state, r)
	})
	agree(t, "every execution is reported once", func() error { return executionsAgree(t, s, e, r) })
	if s.positions {
		agree(t, "positions", func() error { return positionsAgree(t, s, e, r) })
	}
	for _, inst := range r.instruments {
		agree(t, "book at some moment", func() error { return bookAgrees(t, s, e, r, inst) })
	}
	if err := r.Faults(); err != nil {
		t.Errorf("the connector broke its contract: %v", err)
	}
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range state.Submits {
		if n > 1 {
			t.Errorf("order %s was submitted %d times", id, n)
		}
	}
	refusals := map[string]int{}
	for _, e := range r.Errors() {
		if e.Kind == hft.OrderError {
			_, text, _ := strings.Cut(e.LiveError.Error(), ": ")
			refusals[text]++
		}
	}
	t.Logf("errors about orders: %v", refusals)
	t.Logf("%d orders, %d executions, %d updates, %d reconnects, %d gaps", len(state.Orders), len(state.Executions), r.NumUpdates(),
		r.Counter(connector.Reconnects), r.Counter(connector.Gaps))
}

func executionsAgree(t *testing.T, s subject, e *testexchange.Exchange, r *run) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]float64{}, map[string]float64{}
	for _, x := range state.Executions {
		if strings.HasPrefix(x.ClientID, ownPrefix) {
			want[x.Symbol+" "+x.Side] += number(t, x.Qty)
		}
	}
	for _, u := range r.AllUpdates() {
		if u.Fill {
			got[r.instruments[u.InstrumentNo].Symbol+" "+u.Side.String()] += u.ExecQty
		}
	}
	for key := range want {
		if math.Abs(want[key]-got[key]) > 1e-9 {
			return fmt.Errorf("executed %s: %v reported, %v at the exchange", key, got[key], want[key])
		}
	}
	if len(got) > len(want) {
		return fmt.Errorf("executions reported %v, at the exchange %v", got, want)
	}
	return nil
}

func positionsAgree(t *testing.T, s subject, e *testexchange.Exchange, r *run) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range state.Positions {
		for _, inst := range r.instruments {
			if got := r.LastPosition(inst.No); inst.Symbol == p.Symbol && math.Abs(got-number(t, p.Qty)) > 1e-9 {
				return fmt.Errorf("position of %s is %v, at the exchange %s", p.Symbol, got, p.Qty)
			}
		}
	}
	return nil
}

func bookAgrees(t *testing.T, s subject, e *testexchange.Exchange, r *run, inst connector.Instrument) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range state.Books {
		if inst.Symbol != b.Symbol {
			continue
		}
		bids, asks := r.Book(inst.No)
		if err := sidesAgree(t, b.Bids, bids); err != nil {
			return fmt.Errorf("%s bids: %w", b.Symbol, err)
		}
		if err := sidesAgree(t, b.Asks, asks); err != nil {
			return fmt.Errorf("%s asks: %w", b.Symbol, err)
		}
		return nil
	}
	return fmt.Errorf("the exchange has no book of %s", inst.Symbol)
}

func sidesAgree(t *testing.T, want [][2]string, got map[float64]float64) error {
	t.Helper()
	if len(want) != len(got) {
		return fmt.Errorf("%d levels, at the exchange %d", len(got), len(want))
	}
	for _, level := range want {
		if px := number(t, level[0]); math.Abs(got[px]-number(t, level[1])) > 1e-9 {
			return fmt.Errorf("%v at %v, at the exchange %s", got[px], px, level[1])
		}
	}
	return nil
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
