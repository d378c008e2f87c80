package venue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// ledger is a venue's list of executions on BTC, in parts, and the orders that they are of.
type ledger struct {
	nowNs, beganNs int64
	codec          *clientid.Codec

	mu      sync.Mutex
	rows    []protocol.Report
	orders  map[string]protocol.Report
	part    int
	asked   []string // since when executions were asked for, in ms after beganNs, and orders
	fails   map[string]int
	changes func(list []protocol.Report) // what is wrong with the next answer
}

func newLedger(t *testing.T, part int) *ledger {
	t.Helper()
	nowNs := time.Now().UnixNano() / 1e6 * 1e6
	codec, err := clientid.New("t", nowNs/1e6-60_000)
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{nowNs: nowNs, beganNs: nowNs - int64(30*time.Minute), codec: codec, part: part,
		orders: make(map[string]protocol.Report), fails: make(map[string]int)}
}

// order is one that is over: of this runner with an id that is not 0, else of another one.
func (l *ledger) order(t *testing.T, venueID string, orderID uint64, lots int) {
	t.Helper()
	clientID := "web_" + venueID
	if orderID > 0 {
		var err error
		if clientID, err = l.codec.Encode(connector.Owner{Bot: 5, Incarnation: 2}, orderID); err != nil {
			t.Fatal(err)
		}
	}
	l.orders[venueID] = protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: clientID,
		VenueID: venueID, Status: hft.StatusFilled,
		Side: hft.Sell, OrdType: hft.Limit, TimeInForce: hft.GTC, Price: 100,
		Qty: float64(lots) * 0.001, CumQty: float64(lots) * 0.001, HasCum: true,
		TimestampNs: l.beganNs}
}

// executed adds an execution of one lot, so many milliseconds after the beginning.
func (l *ledger) executed(venueID string, ms int) {
	l.rows = append(l.rows, protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", VenueID: venueID,
		TradeID: fmt.Sprint("x", len(l.rows)), Side: hft.Sell,
		LastQty: 0.001, LastPrice: 100, TimestampNs: l.beganNs + int64(ms)*1e6})
}

func (l *ledger) executions(f *fake) func(context.Context, string) ([]protocol.Report, error) {
	return func(context.Context, string) ([]protocol.Report, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		sinceNs := f.since.Load()
		since := fmt.Sprint((sinceNs - l.beganNs) / 1e6)
		l.asked = append(l.asked, since)
		if l.fails[since]--; l.fails[since] >= 0 {
			return nil, &protocol.Failure{Cause: protocol.Overloaded}
		}
		i := slices.IndexFunc(l.rows, func(r protocol.Report) bool { return r.TimestampNs >= sinceNs })
		if i < 0 {
			return nil, nil
		}
		list := slices.Clone(l.rows[i:min(i+l.part, len(l.rows))])
		if change := l.changes; change != nil {
			l.changes = nil
			change(list)
			return list, nil
		}
		if i+len(list) < len(l.rows) {
			return list, &protocol.More{SinceNs: list[len(list)-1].TimestampNs}
		}
		return list, nil
	}
}

func (l *ledger) query(_ context.Context, o *protocol.Order) (protocol.Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "order "+o.VenueID)
	if l.fails[o.VenueID]--; l.fails[o.VenueID] >= 0 {
		return protocol.Report{}, &protocol.Failure{Cause: protocol.Refused, Code: -1, Msg: "not now"}
	}
	if r, ok := l.orders[o.VenueID]; ok {
		return r, nil
	}
	return protocol.Report{}, &protocol.Failure{Cause: protocol.NotFound}
}

// recovered runs a connector until the executions are read, and returns how many lots it has booked of which order.
func (l *ledger) recovered(t *testing.T, past connector.Past) (lots map[uint64]int, sink journal) {
	t.Helper()
	f := newFake(t)
	f.executions, f.query = l.executions(f), l.query
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true,
		Filters: []protocol.Filters{rules("BTC")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Register(instrument(0, "BTC"))
	past.ReadNs = l.beganNs + int64(time.Minute)
	c.Recover(past)
	sink = journal{sinktest.NewSink(), make(chan int64, 10)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, wallClock{}) }()
	take(t, sink.read, "executions are read")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	lots = make(map[uint64]int)
	for _, u := range sink.AllUpdates() {
		if u.Fill {
			lots[u.OrderID] += int(u.ExecQty/0.001 + 0.5)
			i := slices.IndexFunc(l.rows, func(r protocol.Report) bool { return r.TradeID == u.Names.ExecID })
			if i < 0 || u.FillNs != l.rows[i].TimestampNs {
				t.Errorf("execution %s is of %d", u.Names.ExecID, u.FillNs)
			}
		}
	}
	return lots, sink
}

// TestExecutionsInParts: a list in parts is read to its end. An order that has executions in two of them
// has them all at once, and of others none is kept. What has failed goes on where it was.
func TestExecutionsInParts(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 4)
	l.order(t, "9", 8, 3)
	l.order(t, "7", 0, 6)
	l.order(t, "6", 4, 2)
	for i, id := range []string{"7", "9", "7", "7", "7", "6", "9", "7", "7", "9", "6"} {
		l.executed(id, 1000+i/2) // two of each millisecond
	}
	l.fails["1002"], l.fails["9"] = 1, 1
	lots, _ := l.recovered(t, connector.Past{})
	if len(lots) != 2 || lots[8] != 3 || lots[4] != 2 {
		t.Errorf("booked %v", lots)
	}
	var since []string
	for _, text := range l.asked {
		if !strings.Contains(text, "order") {
			since = append(since, text)
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(l.asked), func(s string) bool { return s != "order 7" })); n != 1 {
		t.Errorf("the external order was queried %d times: %v", n, l.asked)
	}
	if want := "[0 1001 1002 1002 1003 1004]"; !strings.HasPrefix(fmt.Sprint(since), want[:len(want)-1]) {
		t.Errorf("since %v, want %s", since, want)
	}
}

// TestExecutionsPushOutOthers: an execution of an order that is over is booked although more executions than are
// remembered follow it in the list.
func TestExecutionsPushOutOthers(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1<<20)
	l.order(t, "9", 8, 1)
	l.order(t, "5", 3, 20_000)
	owner := connector.Owner{Bot: 5, Incarnation: 2}
	open := hft.NewOrder(3, 1000, 0.1, 20, hft.Sell, hft.Limit, hft.GTC)
	open.Status, open.LeavesQty, open.LocalTimestampNs = hft.StatusNew, 20, l.beganNs
	clientID := l.orders["5"].ClientID
	l.executed("9", 100_000)
	const n = 5000
	for i := range n {
		l.executed("5", 100_001+i)
	}
	five := l.orders["5"]
	five.Status, five.Qty, five.CumQty = hft.StatusPartiallyFilled, 20, n*0.001
	l.orders["5"] = five
	past := connector.Past{Orders: []connector.PastOrder{{Order: connector.Order{Owner: owner, Order: open},
		RequestedNs: l.beganNs, Origin: clientID,
		ClientIDs: []string{clientID}, Terms: []connector.PastTerms{{PriceTick: 1000, Qty: 20}},
		Legs: []connector.PastLeg{{ClientID: clientID, VenueID: "5"}}}}}
	if lots, _ := l.recovered(t, past); lots[8] != 1 || lots[3] != n {
		t.Errorf("booked %v", lots)
	}
}

// TestImpossibleExecutions: a list that cannot be true is asked for again, with an error, and nothing of it is booked.
func TestImpossibleExecutions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(list []protocol.Report){
		"of another symbol": func(list []protocol.Report) { list[1].Symbol = "ETH" },
		"not in order":      func(list []protocol.Report) { list[0], list[1] = list[1], list[0] },
		"older than asked": func(list []protocol.Report) {
			list[0].TimestampNs -= int64(time.Hour)
			list[0].TradeID = "old"
		},
		"of the day after tomorrow": func(list []protocol.Report) { list[1].TimestampNs += int64(48 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, 100)
			l.order(t, "9", 8, 2)
			l.executed("9", 100_000)
			l.executed("9", 100_001)
			l.changes = change
			lots, sink := l.recovered(t, connector.Past{})
			if len(lots) != 1 || lots[8] != 2 {
				t.Errorf("booked %v", lots)
			}
			if n := sink.Counter(connector.BadMessages); n != 1 {
				t.Errorf("said %d times", n)
			}
		})
	}
}

// jumpingClock is the wall clock with what is added to it.
type jumpingClock struct {
	wallClock
	ahead *atomic.Int64
}

func (c jumpingClock) NowNs() int64 { return c.wallClock.NowNs() + c.ahead.Load() }

// TestOrderThatIsToldLate: executions of an order of which the venue refuses to tell are booked when it does, in a later
// reading, while nobody waits for them.
func TestOrderThatIsToldLate(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 100)
	l.order(t, "9", 8, 2)
	l.executed("9", 1000)
	l.executed("9", 1001)
	l.fails["9"] = 7
	f := newFake(t)
	f.executions, f.query = l.executions(f), l.query
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true, AuditInterval: 10 * time.Millisecond,
		Filters: []protocol.Filters{rules("BTC")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Register(instrument(0, "BTC"))
	c.Recover(connector.Past{ReadNs: l.beganNs + int64(time.Minute)})
	sink := journal{sinktest.NewSink(), make(chan int64, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ahead := new(atomic.Int64)
	go func() { done <- c.Run(ctx, sink, jumpingClock{ahead: ahead}) }()
	fills := func() (n int) {
		for _, u := range sink.AllUpdates() {
			if u.Fill {
				n++
			}
		}
		return n
	}
	for n := range 3 {
		take(t, sink.read, "executions are read")
		if want := 2 * (n / 2); n < 2 && fills() != want {
			t.Errorf("reading %d: %d executions are booked", n, fills())
		}
		ahead.Add(int64(11 * time.Minute))
	}
	until(t, "they are booked", func() bool { return fills() == 2 })
	take(t, sink.read, "executions are read again")
	cancel()
	if err := <-done; err != nil || fills() != 2 {
		t.Errorf("%d executions, %v", fills(), err)
	}
}
