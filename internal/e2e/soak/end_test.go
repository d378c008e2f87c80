package soak

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// ending is a fault while a run closes its orders.
type ending struct {
	name string
	// begin brings it about, over ends it after a while; nil for nothing.
	begin, over func(sc *scene)
	after       time.Duration
	// long is true if it takes too long for every day, orders how many there are then; 0 for a few.
	long   bool
	orders int
	// wants chooses venues and ways of orders, all for nil.
	wants func(s subject, entry string) bool
	// others is true if the account has orders of somebody else on the symbol, which have to stay.
	others bool
}

func endings() []ending {
	disarm := func(sc *scene) {
		if err := sc.exchange.Disarm(sc.name, ""); err != nil {
			sc.Fatal(err)
		}
	}
	all := func(faults ...string) func(sc *scene) { return func(sc *scene) { sc.arm(faults...) } }
	tooMany := func(sc *scene) {
		only := map[string]string{"rest": "DELETE", "ws": "ancel"}[sc.entry]
		if !isBinance(sc.subject) {
			only = "cancel"
		}
		sc.arm("http-429=count:2,value:2,only:" + only)
	}
	down := func(sc *scene) {
		sc.arm("refuse-connect")
		sc.cut()
	}
	return []ending{
		{name: "no fault"},
		{name: "no fault, 200 orders", long: true, orders: 200},
		{name: "orders of others", others: true},
		{name: "orders of others, 190 orders", others: true, long: true, orders: 190},
		{name: "streams down", begin: down},
		{name: "streams down, 200 orders", begin: down, long: true, orders: 200},
		{name: "503", begin: all("http-503-failed"), over: disarm, after: 2 * time.Second},
		{name: "503, outcome unknown", begin: all("http-503-unknown"), over: disarm, after: 2 * time.Second, long: true,
			orders: 60},
		{name: "429 with Retry-After", begin: tooMany},
		{name: "418 with Retry-After", begin: all("http-418=count:8,value:2"),
			wants: func(s subject, _ string) bool { return isBinance(s) }},
		{name: "one 403", begin: all("http-403=count:1")},
		{name: "403 for long", begin: all("http-403"), over: disarm, after: 25 * time.Second, long: true, orders: 60},
		{name: "REST down", begin: all("http-503-failed=only:/"),
			wants: func(_ subject, entry string) bool { return entry == "ws" }},
		{name: "answers late", begin: all("reply-delay=for:1500ms")},
		{name: "answers 8 s late, 200 orders", begin: all("reply-delay=for:8s"), long: true, orders: 200},
		{name: "frozen for a while", begin: func(sc *scene) { sc.proxy.freeze(true) },
			over: func(sc *scene) { sc.proxy.freeze(false) }, after: 3 * time.Second},
		{name: "frozen for long", begin: func(sc *scene) { sc.proxy.freeze(true) },
			over: func(sc *scene) { sc.proxy.freeze(false) }, after: 25 * time.Second, long: true, orders: 200},
	}
}

// TestEnd: what a host asks for at the end of a run comes about: every order is canceled, and the connector knows it,
// by both ways of orders, whatever goes wrong for a while.
func TestEnd(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for row, c := range endings() {
			for _, entry := range s.entries(row) {
				if c.long && !long() || c.wants != nil && !c.wants(s, entry) {
					continue
				}
				t.Run(c.name+"/"+entry, func(t *testing.T) {
					t.Parallel()
					c.play(t, s, entry)
				})
			}
		}
	})
}

func (c ending) play(t *testing.T, s subject, entry string) {
	sc := behindProxy(t, s, settings{options: options{entry: entry, timeout: 10 * time.Second}, deadMan: 3 * s.deadMan})
	if c.orders == 0 {
		c.orders = 28 // more than go one by one, and ten
	}
	if c.others {
		foreign := place(t, sc, "somebody-else")
		defer func() {
			if n := sc.openAtExchange(); n != 1 {
				t.Errorf("the order %s of somebody else is not the one that is open: %d are", foreign, n)
			}
		}()
	}
	orders := sc.placeMany(c.orders)
	if c.begin != nil {
		c.begin(sc)
	}
	orders = append(orders, sc.submit(sc.order(hft.Buy, 99, hft.GTC))) // not answered yet, or never
	before := sc.state().Requests
	began := time.Now()
	for _, o := range orders {
		sc.cancelOrder(o)
	}
	if c.over != nil {
		time.Sleep(c.after)
		c.over(sc)
	}
	sc.wait("every order has ended", func() bool { return len(sc.left()) == 0 })
	t.Logf("%d orders have ended after %v", len(orders), time.Since(began).Round(time.Millisecond))
	after := sc.state().Requests
	for what, n := range after {
		if n -= before[what]; n > 0 && before[what] != after[what] {
			t.Logf("%4d %s", n, what)
		}
	}
	if n := sc.openAtExchange(); n != 0 && !c.others {
		t.Errorf("%d orders are open at the exchange", n)
	}
	sc.end(t)
}

// TestEndWithoutAnswer: a run at a venue that no longer answers ends all the same, and reports which orders may be
// open.
func TestEndWithoutAnswer(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, entry := range s.entries(0) {
			t.Run(entry, func(t *testing.T) {
				t.Parallel()
				sc := behindProxy(t, s, settings{options: options{entry: entry, timeout: 10 * time.Second},
					deadMan: s.deadMan})
				orders := sc.placeMany(3)
				kept := sc.submit(sc.order(hft.Buy, 500, hft.GTC))
				sc.becomes(kept, hft.StatusNew)
				sc.proxy.freeze(true)
				lost := sc.submit(sc.order(hft.Buy, 501, hft.GTC))
				for _, o := range orders {
					sc.cancelOrder(o)
				}
				time.Sleep(1500 * time.Millisecond) // by now cancels go both ways
				began := time.Now()
				sc.end(t)
				t.Logf("Run has ended after %v", time.Since(began).Round(time.Millisecond))
				want := append(orders, kept, lost)
				left := sc.left()
				for _, o := range want {
					i := slices.IndexFunc(left, func(l connector.OpenOrder) bool { return l.OrderID == o.OrderID })
					switch {
					case i < 0:
						t.Errorf("order %d is not among %+v", o.OrderID, left)
					case left[i].ClientID == "" || left[i].PriceTick != o.PriceTick || left[i].LeavesQty != o.Qty ||
						left[i].Side != o.Side:
						t.Errorf("order %+v is listed as %+v", o, left[i])
					}
				}
				if len(left) != len(want) {
					t.Errorf("%d orders are listed, want %d", len(left), len(want))
				}
			})
		}
	})
}

// TestEndLeavesTheSwitchArmed: where cancels do not come about until the run is over, the venue's dead-man's switch
// does it.
func TestEndLeavesTheSwitchArmed(t *testing.T) {
	each(t, func(s subject) bool { return s.deadMan > 0 }, func(t *testing.T, s subject) {
		for entry, cancels := range map[string]string{"rest": "DELETE /fapi/v1/order", "ws": "order.cancel"} {
			t.Run(entry, func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{options: options{entry: entry}, deadMan: s.deadMan,
					symbols: []string{"BTCUSDT", "ETHUSDT"}}, nil)
				o := sc.submit(sc.resting())
				sc.becomes(o, hft.StatusNew)
				kept := sc.order(hft.Buy, 0, hft.GTC)
				kept.InstrumentNo, kept.TickSize = 1, sc.instruments[1].TickSize
				kept.PriceTick, kept.Qty, kept.LeavesQty = hft.PriceTick(2400, kept.TickSize), 0.05, 0.05
				sc.becomes(sc.submit(kept), hft.StatusNew)
				sc.wait("both switches are armed", func() bool { return len(sc.state().Heartbeats) >= 2 })
				sc.arm("http-503-failed=only:" + cancels)
				sc.cancelOrder(o)
				sc.happened(fault.UnavailableFailed)
				sc.end(t)
				if left := sc.left(); len(left) != 2 {
					t.Errorf("listed are %+v", left)
				}
				sc.wait("the venue cancels the order", func() bool { return sc.openAtExchange() == 1 })
				ended := sc.state().NowNs
				sc.wait("the window has passed", func() bool { return sc.state().NowNs-ended > int64(s.deadMan) })
				if n := sc.openAtExchange(); n != 1 {
					t.Errorf("%d orders are open, the one that was kept is to be", n)
				}
			})
		}
	})
}

// left returns the orders whose end the connector does not know.
func (sc *scene) left() []connector.OpenOrder {
	keeper, ok := sc.connector.(connector.OrderKeeper)
	if !ok {
		sc.Fatal("the connector keeps no record of orders")
	}
	return keeper.OpenOrders()
}

// openAtExchange counts the open orders of the account.
func (sc *scene) openAtExchange() int {
	n := 0
	for _, o := range sc.state().Orders {
		if p := plain(o.Status); p == "new" || p == "partiallyfilled" {
			n++
		}
	}
	return n
}

// placeMany places orders that rest, as fast as the venue lets an account do it.
func (sc *scene) placeMany(n int) []connector.Order {
	sc.Helper()
	pause := 115 * time.Millisecond
	if isFutures(sc.subject) {
		pause = 40 * time.Millisecond
	}
	var orders []connector.Order
	for len(orders) < n {
		sc.wait("an order is not refused", func() bool { // one that comes too early for the venue's limit is
			o := sc.order(hft.Buy, 100+float64(len(orders)), hft.GTC)
			o.Qty, o.LeavesQty = 0.002, 0.002 // an account can pay for 200 of them
			o = sc.submit(o)
			time.Sleep(pause)
			if u, known := sc.last(o); known && u.Final() {
				return false
			}
			orders = append(orders, o)
			return true
		})
	}
	for _, o := range orders {
		sc.becomes(o, hft.StatusNew)
	}
	return orders
}

// behindProxy is open with a proxy between connector and exchange.
func behindProxy(t *testing.T, s subject, set settings) *scene {
	t.Helper()
	sc := &scene{T: t, subject: s, exchange: still(t, s, nil), sent: map[uint64]connector.Order{}}
	sc.proxy = newProxy(t, sc.exchange.Address(s.name))
	sc.stop = sc.moveMarket()
	t.Cleanup(sc.stop)
	sc.entry = set.entry
	set.symbols, set.address = []string{"BTCUSDT"}, sc.proxy.address()
	sc.enter(set)
	sc.wait("the books are ready", sc.ready)
	return sc
}

// proxy passes bytes on between a connector and an exchange until it is frozen: then it takes connections and bytes,
// and nothing comes of it until it thaws.
type proxy struct {
	listener net.Listener
	mu       sync.Mutex
	thawed   *sync.Cond
	frozen   bool
	closed   bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	p.thawed = sync.NewCond(&p.mu)
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			passing.Go(func() { p.pass(near, far) })
			passing.Go(func() { p.pass(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.freeze(false)
		passing.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) freeze(frozen bool) {
	p.mu.Lock()
	p.frozen = frozen
	p.mu.Unlock()
	p.thawed.Broadcast()
}

// pass passes bytes on in one direction. An end is passed on as well, when the proxy is not frozen.
func (p *proxy) pass(from, to net.Conn) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.frozen && !p.closed {
			p.thawed.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}

// place places an order of somebody else on the same account, with another protocol, and returns its client id.
func place(t *testing.T, sc *scene, clientID string) string {
	t.Helper()
	p := sc.subject.protocol(t, sc.exchange)
	t.Cleanup(func() { _ = p.Close() })
	if _, err := p.Place(t.Context(), &protocol.Order{Symbol: "BTCUSDT", ClientID: clientID, Side: hft.Buy,
		OrdType: hft.Limit, TimeInForce: hft.GTC, Price: "59000.00", Qty: "0.010"}); err != nil {
		t.Fatal(err)
	}
	return clientID
}
