package soak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	connectorvenue "github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Scenes wait more than they work.
	if err := flag.Set("test.parallel", "16"); err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m)
}

// each runs a test for each venue that wants accepts, all for nil. Scenes mostly wait, so they run side by side.
func each(t *testing.T, wants func(s subject) bool, test func(t *testing.T, s subject)) {
	t.Helper()
	t.Parallel()
	n := 0
	for _, s := range subjects() {
		if wants != nil && !wants(s) {
			continue
		}
		n++
		t.Run(string(s.name), func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
	if n == 0 {
		t.Error("there is no venue for this test")
	}
}

// long reports whether rows are run that take too long for every day.
func long() bool { return os.Getenv("HFTRUNNER_LONG") != "" }

// entries are both ways of orders. Each day runs one of them, which is another one from row to row and from venue to
// venue.
func (s subject) entries(row int) []string {
	both := []string{"rest", "ws"}
	if long() {
		return both
	}
	venue := slices.IndexFunc(subjects(), func(o subject) bool { return o.name == s.name })
	return both[(row+venue)%2:][:1]
}

// has reports whether the venue can have a fault.
func (s subject) has(name fault.Name) bool {
	switch name {
	case fault.EmptyLeaves, fault.MidSnapshot, fault.RestartSnapshot:
		return s.rule == connector.RuleStreamed
	case fault.NullFeeAsset, fault.StaleSnapshot, fault.AheadSnapshot, fault.SnapshotDelay:
		return s.rule != connector.RuleStreamed
	case fault.ListenKeyExpired, fault.ListenKeyUnknown:
		return isFutures(s)
	case fault.SessionExpired:
		return s.rule == connector.RuleSpot
	}
	return true
}

// quickAudit compares with the venue often, for what no event tells.
func quickAudit() connectorvenue.Pace {
	return connectorvenue.Pace{AuditInterval: 300 * time.Millisecond}
}

func isBinance(s subject) bool { return s.rule != connector.RuleStreamed }

// isPrivate reports whether a connection brings the account's events.
func (s subject) isPrivate(path string) bool {
	return strings.Contains(path, "private") || strings.Contains(path, "ws-api")
}

func isFutures(s subject) bool { return s.name == testexchange.BinanceFutures }

// mids are the prices of the still market, around which others have othersQty at the best level of each side.
func mids() map[string]float64 { return map[string]float64{"BTCUSDT": 60000, "ETHUSDT": 2500} }

const (
	othersQty = 50
	// spread is the distance of each side from the middle.
	spread = 1.0
)

// scene is one connector at one exchange whose market stands still except a far level that changes all the time, so
// that the test knows what becomes of an order.
type scene struct {
	*testing.T
	subject
	*run
	exchange *testexchange.Exchange
	nextID   uint64
	// sent are the orders of this scene by id.
	sent map[uint64]connector.Order
	stop func()
	// halted lets moveMarket stand still.
	halted atomic.Bool
	// proxy is between connector and exchange, nil for none; entry the way of orders where it matters.
	entry string
	proxy *proxy
}

// still starts an exchange whose market stands still.
func still(t *testing.T, s subject, change func(c *testexchange.Config)) *testexchange.Exchange {
	t.Helper()
	config := testexchange.Config{Venues: []testexchange.Venue{s.name}, Background: testexchange.Still,
		Seed: soakSeed(t), PingInterval: time.Second}
	if change != nil {
		change(&config)
	}
	e, err := testexchange.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// armed lets an exchange begin with faults.
func armed(texts ...string) func(c *testexchange.Config) {
	return func(c *testexchange.Config) {
		for _, text := range texts {
			f, err := fault.Parse(text)
			if err != nil {
				f.Name = fault.Name(text) // Start reports an unknown fault
			}
			c.Faults = append(c.Faults, f)
		}
	}
}

// stage starts an exchange and a connector, and lets the connector run. Wait for ready yourself.
func stage(t *testing.T, s subject, set settings, change func(c *testexchange.Config)) *scene {
	t.Helper()
	return stageAt(t, s, still(t, s, change), set)
}

// stageAt is stage at an exchange that is there.
func stageAt(t *testing.T, s subject, e *testexchange.Exchange, set settings) *scene {
	t.Helper()
	sc := &scene{T: t, subject: s, exchange: e, sent: map[uint64]connector.Order{}}
	sc.stop = sc.moveMarket()
	t.Cleanup(sc.stop)
	if set.symbols == nil {
		set.symbols = []string{"BTCUSDT"}
	}
	sc.enter(set)
	return sc
}

// open is stage and waits until the books are ready.
func open(t *testing.T, s subject, set settings, change func(c *testexchange.Config)) *scene {
	t.Helper()
	sc := stage(t, s, set, change)
	sc.wait("the books are ready", sc.ready)
	return sc
}

// enter connects a connector, as a runner does that is started.
func (sc *scene) enter(set settings) {
	sc.Helper()
	sc.run = connect(sc.T, sc.subject, sc.exchange, set)
	for _, o := range sc.sent {
		sc.Sent(&o) // a connector that comes after another may speak of its orders
	}
	r := sc.run
	r.begin()
	sc.Cleanup(func() {
		r.end(sc.T)
		if err := r.Faults(); err != nil {
			sc.Errorf("the connector broke its contract: %v", err)
		}
	})
}

// moveMarket makes the market and lets a far level of each symbol walk, so that levels come and go all the time, until
// the returned function is called.
func (sc *scene) moveMarket() (stop func()) {
	sc.Helper()
	for symbol, mid := range mids() {
		sc.level(symbol, hft.Buy, mid-spread, othersQty)
		sc.level(symbol, hft.Sell, mid+spread, othersQty)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var moving sync.WaitGroup
	moving.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			for symbol, mid := range mids() {
				// it stands still now and then, so that books can be compared on a slow machine
				if sc.halted.Load() || i%100 >= 70 {
					break
				}
				// The exchange may be closed already by a test that restarts it, and then nobody sees it.
				_ = sc.exchange.SetLevel(sc.name, symbol, hft.Buy, math.Round(mid*0.98)+float64(i%17), float64(1+i%7))
				_ = sc.exchange.SetLevel(sc.name, symbol, hft.Buy, math.Round(mid*0.98)+float64((i+16)%17), 0)
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	return func() {
		cancel()
		moving.Wait()
	}
}

func (sc *scene) level(symbol string, side hft.Side, price, qty float64) {
	sc.Helper()
	if err := sc.exchange.SetLevel(sc.name, symbol, side, price, qty); err != nil {
		sc.Fatal(err)
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it has served its purpose
	return l.Addr().(*net.TCPAddr).Port
}

// restart ends the exchange, and starts another one without its memory at the same address.
func (sc *scene) restart() {
	sc.Helper()
	sc.stop()
	if err := sc.exchange.Close(); err != nil {
		sc.Fatal(err)
	}
	_, port, err := net.SplitHostPort(sc.exchange.Address(sc.name))
	if err != nil {
		sc.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		sc.Fatal(err)
	}
	// ids are no others'
	sc.exchange = still(sc.T, sc.subject, func(c *testexchange.Config) { c.FirstPort, c.LargeIDs = number, true })
	stop := sc.moveMarket()
	sc.Cleanup(stop)
}

// arm arms faults in the words of the command line.
func (sc *scene) arm(texts ...string) {
	sc.Helper()
	for _, text := range texts {
		f, err := fault.Parse(text)
		if err == nil {
			err = sc.exchange.Arm(sc.name, f)
		}
		if err != nil {
			sc.Fatal(err)
		}
	}
}

// hits returns how often a fault has happened.
func (sc *scene) hits(name fault.Name) int {
	for _, f := range sc.state().Faults {
		if f.Name == name {
			return f.Hits
		}
	}
	return 0
}

// happened waits until a fault has happened: without it a test would prove nothing.
func (sc *scene) happened(name fault.Name) {
	sc.Helper()
	sc.wait(fmt.Sprintf("the fault %s happens", name), func() bool { return sc.hits(name) > 0 })
}

func (sc *scene) state() venue.State {
	sc.Helper()
	state, err := sc.exchange.State(sc.name)
	if err != nil {
		sc.Fatal(err)
	}
	return state
}

func (sc *scene) wait(what string, cond func() bool) {
	sc.Helper()
	eventually(sc.T, what, cond)
}

// order returns an order of bot 1 on BTCUSDT at a distance from the middle; positive distances are behind the market.
func (sc *scene) order(side hft.Side, behind float64, tif hft.TimeInForce) connector.Order {
	sc.nextID++
	inst := sc.instruments[0]
	price := mids()[inst.Symbol] - float64(side)*behind
	o := connector.Order{InstrumentNo: inst.No, Owner: connector.Owner{Bot: 1, Incarnation: 1},
		Order: hft.NewOrder(sc.nextID, hft.PriceTick(price, inst.TickSize), inst.TickSize, 0.01, side, hft.Limit, tif)}
	return o
}

// resting returns an order that waits in the book, taking one that is executed at once.
func (sc *scene) resting() connector.Order { return sc.order(hft.Buy, 100, hft.GTC) }
func (sc *scene) taking() connector.Order  { return sc.order(hft.Buy, -100, hft.IOC) }

func (sc *scene) submit(o connector.Order) connector.Order {
	o.Req = hft.StatusNew
	return sc.send(o, sc.connector.Submit)
}

func (sc *scene) cancelOrder(o connector.Order) connector.Order {
	o.Req = hft.StatusCanceled
	return sc.send(o, sc.connector.Cancel)
}

func (sc *scene) modify(o connector.Order) connector.Order {
	o.Req = hft.StatusReplaced
	return sc.send(o, sc.connector.Modify)
}

func (sc *scene) send(o connector.Order, call func(connector.Order)) connector.Order {
	o.LocalTimestampNs = sc.clock.NowNs()
	sc.sent[o.OrderID] = o
	sc.Sent(&o)
	call(o)
	return o
}

// last returns the last update about an order, and whether there is one.
func (sc *scene) last(o connector.Order) (connector.OrderUpdate, bool) {
	updates := sc.Updates(sinktest.KeyOf(&o))
	if len(updates) == 0 {
		return connector.OrderUpdate{}, false
	}
	return updates[len(updates)-1], true
}

// becomes waits until an order has one of some states and nothing under way.
func (sc *scene) becomes(o connector.Order, states ...hft.Status) connector.OrderUpdate {
	sc.Helper()
	var u connector.OrderUpdate
	sc.wait(fmt.Sprintf("order %d becomes %v", o.OrderID, states), func() bool {
		var known bool
		u, known = sc.last(o)
		return known && slices.Contains(states, u.Status) && (u.Req == hft.StatusNone || u.Req == hft.StatusRejected)
	})
	return u
}

// said returns the error events whose text contains a part.
func (sc *scene) said(kind hft.ErrorKind, part string) int {
	n := 0
	for _, e := range sc.Errors() {
		if e.Kind == kind && strings.Contains(e.LiveError.Error(), part) {
			n++
		}
	}
	return n
}

// agrees waits until orders, executions, positions and books are those of the exchange, and each order was sent once.
func (sc *scene) agrees() {
	sc.Helper()
	compare(sc.T, sc.subject, sc.exchange, sc.run, sc.halted.Store)
}

// ordersAgree compares each order of the connector with what the last update said of it. An order that was replaced is
// several at the exchange.
func ordersAgree(t *testing.T, state venue.State, r *run) error {
	t.Helper()
	type fate struct {
		status string
		filled float64
	}
	fates := map[sinktest.Key]fate{}
	for _, o := range state.Orders {
		owner, id, ok := connectorvenue.OwnerOf(ownPrefix, o.ClientID)
		if !ok {
			continue
		}
		inst := slices.IndexFunc(r.instruments, func(i connector.Instrument) bool { return i.Symbol == o.Symbol })
		key := sinktest.Key{InstrumentNo: inst, Bot: owner.Bot, OrderID: id}
		fates[key] = fate{plain(o.Status), fates[key].filled + number(t, o.Filled)}
	}
	last, executed := map[sinktest.Key]connector.OrderUpdate{}, map[sinktest.Key]float64{}
	for _, u := range r.AllUpdates() {
		key := sinktest.KeyOf(&u.Order)
		// A request that came after the order's end is refused as it was sent: that says nothing of the order.
		if was, ok := last[key]; !ok || !was.Final() || u.Req != hft.StatusRejected {
			last[key] = u
		}
		if u.Fill {
			executed[key] += u.ExecQty
		}
	}
	var errs []error
	for key, f := range fates {
		u, known := last[key]
		if !known || plain(u.Status.String()) != f.status {
			errs = append(errs, fmt.Errorf("order %+v is %s at the exchange, the last update is %+v; %s", key, f.status,
				u, story(r, key)))
		}
		if math.Abs(executed[key]-f.filled) > 1e-9 {
			errs = append(errs, fmt.Errorf("order %+v has executed %v at the exchange, %v is reported", key, f.filled,
				executed[key]))
		}
	}
	return errors.Join(errs...)
}

// story is the history of an order, in short.
func story(r *run, key sinktest.Key) string {
	var b strings.Builder
	for _, u := range r.Updates(key) {
		fmt.Fprintf(&b, "%v/%v ", u.Status, u.Req)
	}
	for _, e := range r.Errors() {
		if e.OrderID == key.OrderID && e.Owner.Bot == key.Bot {
			fmt.Fprintf(&b, "%q ", e.LiveError.Error())
		}
	}
	return b.String()
}

// plain makes the statuses of all venues and of hft comparable.
func plain(status string) string {
	status = strings.ToLower(strings.ReplaceAll(status, "_", ""))
	switch status {
	case "cancelled":
		return "canceled"
	case "expiredinmatch":
		return "expired"
	}
	return status
}
