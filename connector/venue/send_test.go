package venue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// crowd is a venue that cancels orders one by one until the gate is shut, notes what is asked for in its sequence, and
// lists.
type crowd struct {
	*fake
	mu   sync.Mutex
	said []string
	open map[string]bool // by client id
	// gate lets single cancels be answered, when it is closed or has something.
	gate chan struct{}
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{fake: newFake(t), open: map[string]bool{}, gate: make(chan struct{})}
	c.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		c.note("place")
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open[o.ClientID] = true
		return c.report(o, hft.StatusNew), nil
	}
	c.cancel = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
		c.note("cancel")
		select {
		case <-c.gate:
		case <-ctx.Done():
			return protocol.Report{}, ctx.Err()
		}
		return c.end(o), nil
	}
	c.openOrders = func(context.Context, string) (list []protocol.Report, _ error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for id := range c.open {
			list = append(list, c.report(&protocol.Order{Symbol: "BTC", ClientID: id}, hft.StatusNew))
		}
		return list, nil
	}
	return c
}

func (c *crowd) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, what)
}

// asked returns what was asked for since the last call.
func (c *crowd) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

func (c *crowd) report(o *protocol.Order, status hft.Status) protocol.Report {
	return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: status, Side: hft.Buy, Price: 100, Qty: 0.01, HasCum: true}
}

func (c *crowd) end(o *protocol.Order) protocol.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, o.ClientID)
	return c.report(o, hft.StatusCanceled)
}

// batches is a crowd that cancels batches of 10, too.
type batches struct{ *crowd }

func (b batches) MaxCancels() int { return 10 }

func (b batches) CancelBatch(_ context.Context, orders []*protocol.Order) ([]protocol.Outcome, error) {
	b.note(fmt.Sprintf("batch of %d", len(orders)))
	var outcomes []protocol.Outcome
	for _, o := range orders {
		outcomes = append(outcomes, protocol.Outcome{Report: b.end(o)})
	}
	return outcomes, nil
}

// sweeps is a crowd that cancels all orders of a symbol, too, when the broom is there.
type sweeps struct {
	*crowd
	broom chan struct{}
}

func (s sweeps) CancelAll(context.Context, string) (reports []protocol.Report, _ error) {
	s.note("all")
	<-s.broom
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.open {
		reports = append(reports, s.report(&protocol.Order{Symbol: "BTC", ClientID: id}, hft.StatusCanceled))
	}
	clear(s.open)
	return reports, nil
}

// begin runs a connector with n open orders at a crowd.
func (c *crowd) begin(t *testing.T, p protocol.Protocol, n uint64) (r *run, orders []connector.Order) {
	t.Helper()
	r = start(t, p, nil, trading, "BTC")
	r.trade(0)
	until(t, "nothing but orders of the test is open", func() bool { return len(r.connector.OpenOrders()) == 1 })
	first := r.connector.OpenOrders()[0].Order
	orders = append(orders, first)
	for id := uint64(1); id < n; id++ {
		o := r.order(0, id)
		r.connector.Submit(o)
		orders = append(orders, o)
	}
	until(t, "all orders are taken", func() bool {
		for id := uint64(1); id < n; id++ {
			if !r.taken(id) {
				return false
			}
		}
		return len(r.connector.OpenOrders()) == int(n)
	})
	c.asked()
	return r, orders
}

// TestManyCancelsGoTogether: a few cancels go one by one, at once, those that wait for them in batches; and an order
// goes after all cancels that were asked for before it.
func TestManyCancelsGoTogether(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	r, orders := c.begin(t, batches{c}, 40)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "the first cancels are sent", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) >= 16 })
	r.connector.Submit(r.order(0, 1000))
	until(t, "the order is taken", func() bool { return r.taken(1000) })
	// Each has its own goroutine, so the order may overtake a batch: all are waited for.
	until(t, "all are sent", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) >= 20 })
	said := c.asked()
	// The sequence is the subject of TestRequestsBeginInSequence.
	slices.Sort(said)
	if want := append([]string{"batch of 10", "batch of 10", "batch of 4"}, append(slices.Repeat([]string{"cancel"}, 16), "place")...); !slices.Equal(said, want) {
		t.Errorf("%q is asked for, want %q", said, want)
	}
	close(c.gate)
	until(t, "all but the new order have ended", func() bool { return len(r.connector.OpenOrders()) == 1 })
}

// TestCancelAll: one request for all orders on a symbol is sent when all of them are this runner's and to be canceled,
// and an order that comes meanwhile is sent after it is answered.
func TestCancelAll(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(c *crowd)
		all     bool
	}{
		{name: "own orders", all: true},
		{name: "an order of somebody else", prepare: func(c *crowd) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.open["web_1"] = true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t)
			s := sweeps{c, make(chan struct{})}
			r, orders := c.begin(t, s, 100)
			if test.prepare != nil {
				test.prepare(c)
			}
			for _, o := range orders {
				r.connector.Cancel(o)
			}
			c.gate <- struct{}{} // one is answered, and what waits may go
			if !test.all {
				until(t, "every order is canceled by itself", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) == 100 })
				if said := c.asked(); slices.Contains(said, "all") {
					t.Errorf("orders of others were canceled: %q", said)
				}
				close(c.gate)
				until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
				return
			}
			until(t, "all are canceled at once", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return slices.Contains(c.said, "all") })
			c.asked()
			r.connector.Submit(r.order(0, 1000))
			time.Sleep(20 * time.Millisecond)
			if said := c.asked(); slices.Contains(said, "place") {
				t.Errorf("while all are canceled %q is asked for", said)
			}
			close(s.broom)
			until(t, "the order is taken", func() bool { return r.taken(1000) })
			close(c.gate)
			until(t, "all but the new order have ended", func() bool { return len(r.connector.OpenOrders()) == 1 })
		})
	}
}

// TestOrderBehindACancelAllWithoutAnswer: a new order waits for the cancel-all before it, but not for long: it is
// refused then, not sent at a price of long ago.
func TestOrderBehindACancelAllWithoutAnswer(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	s := sweeps{c, make(chan struct{})}
	r, orders := c.begin(t, s, 100)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	c.gate <- struct{}{}
	until(t, "all are canceled at once", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return slices.Contains(c.said, "all") })
	c.asked()
	r.connector.Submit(r.order(0, 1000))
	until(t, "the order is refused", func() bool { return r.refused("cancel-all") == 1 })
	close(s.broom)
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
	if said := c.asked(); slices.Contains(said, "place") {
		t.Errorf("the order was sent: %q", said)
	}
}

// TestCancelAllAfterALateAnswer: that all orders were this runner's when the venue began with a list that it sends much
// later is not enough to cancel all of them; it is asked once more.
func TestCancelAllAfterALateAnswer(t *testing.T) {
	for name, foreign := range map[string]bool{"own orders": false, "an order of somebody else meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t)
			s := sweeps{c, make(chan struct{})}
			close(s.broom)
			list, late, asked := c.openOrders, make(chan struct{}), make(chan struct{}, 100)
			var slow atomic.Bool
			c.openOrders = func(ctx context.Context, symbol string) ([]protocol.Report, error) {
				open, err := list(ctx, symbol)
				asked <- struct{}{}
				if slow.Swap(false) {
					<-late
				}
				return open, err
			}
			r, orders := c.begin(t, s, 100)
			for len(asked) > 0 {
				<-asked
			}
			slow.Store(true)
			for _, o := range orders {
				r.connector.Cancel(o)
			}
			c.gate <- struct{}{} // one is answered, and what waits may go
			take(t, asked, "the list")
			until(t, "the cancels have gone one by one", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) == 100 })
			c.asked()
			if foreign {
				c.mu.Lock()
				c.open["web_1"] = true
				c.mu.Unlock()
			}
			close(late)
			if !foreign {
				until(t, "all are canceled at once", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return slices.Contains(c.said, "all") })
			} else {
				take(t, asked, "the list again")
				time.Sleep(50 * time.Millisecond)
				if said := c.asked(); slices.Contains(said, "all") {
					t.Error("the order of somebody else was canceled")
				}
			}
			close(c.gate)
			until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
		})
	}
}

// TestOneOrderIsKept: while one order of the runner on the symbol is not to be canceled, the others are canceled one by
// one.
func TestOneOrderIsKept(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	close(c.gate)
	r, orders := c.begin(t, sweeps{c, nil}, 150)
	for _, o := range orders[1:] {
		r.connector.Cancel(o)
	}
	until(t, "the others have ended", func() bool { return len(r.connector.OpenOrders()) == 1 })
	if said := c.asked(); slices.Contains(said, "all") || len(said) != 149 {
		t.Errorf("%d requests: %q", len(said), said)
	}
}

// lists is a crowd that lists what has become of orders.
type lists struct{ *crowd }

func (l lists) RecentOrders(_ context.Context, symbol string) (list []protocol.Report, _ error) {
	l.note("list")
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.open {
		if len(list) < 30 { // the others are not among the newest
			list = append(list, l.report(&protocol.Order{Symbol: symbol, ClientID: id}, hft.StatusCanceled))
		}
	}
	return list, nil
}

// TestManyQuestionsGoTogether: of many orders whose outcome is not known a few are asked about one by one, the others
// by a list, and those that are not in it one by one.
func TestManyQuestionsGoTogether(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.cancel = func(context.Context, *protocol.Order) (protocol.Report, error) {
		return protocol.Report{}, &protocol.Failure{Cause: protocol.Unknown}
	}
	gate := make(chan struct{})
	c.query = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
		c.note("query")
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return c.report(o, hft.StatusCanceled), ctx.Err()
	}
	r, orders := c.begin(t, lists{c}, 60)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "some are asked about", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) >= 16 })
	time.Sleep(50 * time.Millisecond)
	close(gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
	said := c.asked()
	queries := 0
	for _, what := range said {
		if what == "query" {
			queries++
		}
	}
	if !slices.Contains(said, "list") || queries >= 60 {
		t.Errorf("%d questions for 60 orders; %q", queries, said)
	}
}

// TestOrdersGoAfterCancels: in a burst of more cancels than go one by one, the order that they make room for is the
// last to go, but for what the system's scheduler does now and then.
func TestOrdersGoAfterCancels(t *testing.T) {
	t.Parallel()
	const bursts = 20
	overtaken := 0
	c := newCrowd(t)
	close(c.gate)
	r, orders := c.begin(t, batches{c}, 40)
	next := uint64(1000)
	for range bursts {
		for _, o := range orders {
			r.connector.Cancel(o)
		}
		orders = orders[:0]
		for range 40 {
			next++
			o := r.order(0, next)
			r.connector.Submit(o)
			orders = append(orders, o)
		}
		until(t, "the new orders are taken and the others over", func() bool { return r.taken(next) && len(r.connector.OpenOrders()) == 40 })
		said := c.asked()
		first := slices.Index(said, "place")
		if slices.ContainsFunc(said[first:], func(what string) bool { return what != "place" }) {
			overtaken++
		}
	}
	if overtaken > bursts/2 {
		t.Errorf("in %d of %d bursts an order has overtaken a cancel", overtaken, bursts)
	}
}

// TestCancelsWithoutAnswers: cancels that are not answered hold up those behind them for a moment only.
func TestCancelsWithoutAnswers(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	r, orders := c.begin(t, batches{c}, 40)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "those behind the first have ended", func() bool { return len(r.connector.OpenOrders()) == 16 })
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
}

// TestManyCancelsLeaveRoomForOrders: however many cancels wait for their answers, new orders are taken.
func TestManyCancelsLeaveRoomForOrders(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	r, orders := c.begin(t, c, 10)
	for id := range uint64(600) {
		o := r.order(0, 2000+id)
		r.connector.Submit(o)
		orders = append(orders, o)
		if id%50 == 49 {
			until(t, "the orders are taken", func() bool { return r.taken(2000 + id) })
		}
	}
	until(t, "all orders are open", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.open) == len(orders) })
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	r.connector.Submit(r.order(0, 5000))
	until(t, "the order is answered", func() bool { return r.taken(5000) || r.refused("too many requests") > 0 })
	if !r.taken(5000) {
		t.Error("the order was refused while many cancels wait for their answers")
	}
	close(c.gate)
	until(t, "all but the new order have ended", func() bool { return len(r.connector.OpenOrders()) == 1 })
}

// limited cancels batches of 10 when its limit is not used up, and then one at a time.
type limited struct {
	batches
	full atomic.Bool
	next atomic.Int64
}

func (l *limited) CancelBatch(ctx context.Context, orders []*protocol.Order) ([]protocol.Outcome, error) {
	const pace = 100 * time.Millisecond
	now := time.Now()
	if l.full.Load() || now.UnixNano() < l.next.Load() {
		return nil, &protocol.Failure{Cause: protocol.OrderRate, Msg: "too many", RetryAt: now.Add(pace)}
	}
	l.next.Store(now.Add(pace).UnixNano())
	return l.batches.CancelBatch(ctx, orders)
}

// TestCancelsAtThePaceOfTheLimit: batches that are too many for the venue's limit wait and go again as batches, without
// a word, and those of orders that have ended meanwhile do not go at all.
func TestCancelsAtThePaceOfTheLimit(t *testing.T) {
	t.Parallel()
	// 16 go one by one and 40 wait: four whole batches, so that none is left over that would go by itself on a slow
	// machine.
	const atOnce, orderCount = 16, 16 + 40
	c := newCrowd(t)
	told := make(chan protocol.Report, 1)
	c.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		r := <-told
		sink.Order(&r)
		return nil
	}
	l := &limited{batches: batches{c}}
	l.full.Store(true)
	r, orders := c.begin(t, l, orderCount)
	private := take(t, c.private, "the private stream")
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "the first are sent", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) >= atOnce })
	last := r.connector.OpenOrders()
	i := slices.IndexFunc(last, func(o connector.OpenOrder) bool { return o.OrderID == orders[len(orders)-1].OrderID })
	told <- c.end(&protocol.Order{Symbol: "BTC", ClientID: last[i].ClientID})
	private.send(t, "the last has ended")
	until(t, "it has ended", func() bool { return len(r.connector.OpenOrders()) < orderCount })
	l.full.Store(false)
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
	said, sent, singles := c.asked(), 0, 0
	for _, request := range said {
		n := 1
		if _, err := fmt.Sscanf(request, "batch of %d", &n); err != nil {
			singles++
		}
		sent += n
	}
	if sent != orderCount-1 || singles > atOnce+2 || r.refused("cancel") > 0 {
		t.Errorf("%d events about refused cancels; %q", r.refused("cancel"), said)
	}
}

// refusing refuses each batch as a whole.
type refusing struct{ batches }

func (r refusing) CancelBatch(_ context.Context, orders []*protocol.Order) ([]protocol.Outcome, error) {
	r.note(fmt.Sprintf("batch of %d", len(orders)))
	time.Sleep(100 * time.Millisecond) // so that others go meanwhile
	return nil, &protocol.Failure{Cause: protocol.Refused, Code: 10001, Msg: "one of them is wrong"}
}

// TestBatchesRefusedAsAWhole: what was in a batch that is refused goes one by one, also when the record sends it again
// later.
func TestBatchesRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	const orderCount = 16 + 150
	c := newCrowd(t)
	r, orders := c.begin(t, refusing{batches{c}}, orderCount)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "the first are sent", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) >= 16 })
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
	batches := 0
	for _, request := range c.asked() {
		if request != "cancel" {
			batches++
		}
	}
	if batches > 15 {
		t.Errorf("%d batches were refused", batches)
	}
}

// TestCancelsInALongPause: what the venue's limit stops for an hour on one way is tried meanwhile: another may be open.
func TestCancelsInALongPause(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	cancel := c.cancel
	var stopped atomic.Bool
	c.cancel = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
		if !stopped.Swap(true) {
			return protocol.Report{}, &protocol.Failure{Cause: protocol.OrderRate, Msg: "not sent", RetryAt: time.Now().Add(time.Hour)}
		}
		return cancel(ctx, o)
	}
	close(c.gate)
	r, orders := c.begin(t, c, 2)
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
}

// mute does not answer batches, and says so when wait returns: after longer than they hold up those behind them.
type mute struct {
	batches
	sent chan struct{}
	wait func()
}

func (m *mute) CancelBatch(context.Context, []*protocol.Order) ([]protocol.Outcome, error) {
	m.sent <- struct{}{}
	m.wait()
	return nil, &protocol.Failure{Cause: protocol.Unknown, Msg: "no answer"}
}

// testMute cancels orders in batches that are not answered, and expects that all end.
func testMute(t *testing.T, orders uint64, wait func()) {
	t.Parallel()
	c := newCrowd(t)
	m := &mute{batches{c}, make(chan struct{}, 10), wait}
	r, list := c.begin(t, m, orders)
	for _, o := range list {
		r.connector.Cancel(o)
	}
	take(t, m.sent, "the first batch")
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
}

// TestBatchesWithoutAnswers: cancels of a batch that is not answered for long go one by one, also when nothing else is
// asked for.
func TestBatchesWithoutAnswers(t *testing.T) {
	testMute(t, 36, func() { time.Sleep(1500 * time.Millisecond) })
}

// TestBatchesThatHang: the cancels of a batch go one by one before it has failed.
func TestBatchesThatHang(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	testMute(t, 40, func() { <-over })
}
