package venue_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// lister is a fake that lists the open orders on all symbols.
type lister struct {
	*fake
	mu     sync.Mutex
	list   map[string]protocol.Report // by client id
	unread []protocol.UnreadRow
	failed error
	asked  []time.Time
}

func newLister(t *testing.T, reports ...protocol.Report) *lister {
	l := &lister{fake: newFake(t), list: make(map[string]protocol.Report)}
	for _, r := range reports {
		r.Channel, r.Status, r.HasCum = protocol.ChannelQuery, hft.StatusNew, true
		l.list[r.ClientID] = r
	}
	l.openOrders = func(_ context.Context, symbol string) (list []protocol.Report, _ error) {
		for _, r := range l.all() {
			if r.Symbol == symbol {
				list = append(list, r)
			}
		}
		return list, nil
	}
	l.cancel = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, open := l.list[o.ClientID]; !open {
			return protocol.Report{}, &protocol.Failure{Cause: protocol.Gone, Code: -2011}
		}
		delete(l.list, o.ClientID)
		return protocol.Report{}, nil // as at a venue whose answers tell nothing
	}
	return l
}

func (l *lister) all() []protocol.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.list))
}

func (l *lister) AllOpenOrders(context.Context) (protocol.OpenList, error) {
	l.mu.Lock()
	failed, unread := l.failed, slices.Clone(l.unread)
	l.asked = append(l.asked, time.Now())
	l.mu.Unlock()
	return protocol.OpenList{Orders: l.all(), Unread: unread}, failed
}

// times are those at which the list was asked for.
func (l *lister) times() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

// fail lets the list of all orders fail from now on, with nil work.
func (l *lister) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

// elsewhere returns a connector's open orders on symbols that are not registered.
func elsewhere(r *run) (open []connector.OpenOrder) {
	for _, o := range r.connector.OpenOrders() {
		if o.Symbol != "" {
			open = append(open, o)
		}
	}
	return open
}

func prefixed(c *venue.Config) { c.Trading, c.OrderPrefix = true, "hr" }

// TestOrdersOnOtherSymbols: what an earlier run has left on a symbol that is not registered is found, named, and ended
// when that is asked for; orders of others are not touched.
func TestOrdersOnOtherSymbols(t *testing.T) {
	t.Parallel()
	odd := protocol.Report{Symbol: "XRP", ClientID: ownID(t, 79), VenueID: "5", Side: hft.Sell, Price: math.Inf(1), Qty: -1}
	l := newLister(t, odd,
		protocol.Report{Symbol: "BTC", ClientID: ownID(t, 76), VenueID: "1", Side: hft.Buy, Price: 100, Qty: 1},
		protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3, CumQty: 1},
		protocol.Report{Symbol: "ETH", ClientID: ownID(t, 78), VenueID: "3", Side: hft.Sell, Price: 30, Qty: 4},
		protocol.Report{Symbol: "ETH", ClientID: "somebody's", VenueID: "4", Side: hft.Sell, Price: 30, Qty: 4})
	told := make(chan protocol.Report, 1)
	l.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		r := <-told
		sink.Order(&r)
		return nil
	}
	l.fail(&protocol.Failure{Cause: protocol.Unknown, Msg: "no answer"})
	log := &syncBuffer{}
	r := start(t, l, nil, func(c *venue.Config) { prefixed(c); c.Logger = log.logger() }, "BTC")
	private := take(t, l.private, "the private stream")
	r.trade(0) // does not wait for it
	if open, coming := r.connector.Unaccounted(); !slices.Equal(open, []int{-1}) || !coming {
		t.Errorf("the venue has not told: %v, %t", open, coming)
	}
	l.fail(nil)
	until(t, "they are found", func() bool { return len(elsewhere(r)) == 3 })
	if open, _ := r.connector.Unaccounted(); len(open) > 0 {
		t.Errorf("the venue has told: %v", open)
	}
	open := elsewhere(r)
	slices.SortFunc(open, func(a, b connector.OpenOrder) int { return int(a.OrderID) - int(b.OrderID) })
	if o := open[0]; o.Symbol != "ETH" || o.OrderID != 77 || o.Owner.Bot != 1 || o.VenueID != "2" || o.Side != hft.Buy || math.Abs(o.Price()-20.5) > 1e-9 || o.LeavesQty != 2 || o.InstrumentNo > -2 {
		t.Errorf("%+v", o)
	}
	if o := open[2]; o.Price() != 0 || o.LeavesQty != 0 || o.InstrumentNo == open[0].InstrumentNo {
		t.Errorf("%+v", o)
	}
	until(t, "they are named", func() bool { return bytes.Contains(log.bytes(), []byte("ETH "+open[0].ClientID+" Buy 2 at 20.5")) })
	// One ends by itself, one is canceled.
	told <- protocol.Report{Channel: protocol.ChannelStream, Symbol: "ETH", ClientID: open[1].ClientID, VenueID: "3", Status: hft.StatusFilled, Side: hft.Sell, Qty: 4, CumQty: 4, HasCum: true}
	private.send(t, "it is filled")
	until(t, "it has ended", func() bool { return len(elsewhere(r)) == 2 })
	r.connector.Cancel(open[0].Order)
	until(t, "it is canceled", func() bool { return len(elsewhere(r)) == 1 })
	if len(l.all()) != 4 { // the one that was filled is still in the list
		t.Errorf("open at the venue: %+v", l.all())
	}
}

// TestOtherSymbolsThatDoNotEnd: an order on a symbol that is not registered stays listed while the venue does not let
// it end, and may be canceled again.
func TestOtherSymbolsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	l := newLister(t, protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
	end := l.cancel
	busy := make(chan struct{})
	l.cancel = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
		select {
		case <-busy:
			return end(ctx, o)
		default:
			return protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded, Code: 503}
		}
	}
	r := start(t, l, nil, prefixed, "BTC")
	until(t, "it is found", func() bool { return len(elsewhere(r)) == 1 })
	o := elsewhere(r)[0]
	again := func() bool { open := elsewhere(r); return len(open) == 1 && open[0].Req == hft.StatusNone }
	for range 3 {
		r.connector.Cancel(o.Order)
		until(t, "it may be canceled again", again)
	}
	close(busy)
	r.connector.Cancel(o.Order)
	until(t, "it is canceled", func() bool { return len(elsewhere(r)) == 0 })
}

// TestOtherSymbolsAfterAnOutage: the list is fetched again when the private stream is back, not more than once a
// minute.
func TestOtherSymbolsAfterAnOutage(t *testing.T) {
	t.Parallel()
	l := newLister(t)
	r := start(t, l, nil, prefixed, "BTC")
	for range 3 {
		private := take(t, l.private, "the private stream")
		until(t, "all is told", func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 })
		r.trade(0)
		_ = private.ws.CloseNow()
	}
	if asked := l.times(); len(asked) != 1 {
		t.Errorf("asked at %v", asked)
	}
}

// TestOtherSymbolsAreRefused: a venue that does not list them holds up nothing.
func TestOtherSymbolsAreRefused(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]*protocol.Failure{"refused": {Cause: protocol.Refused, Msg: "no"}, "more than the limit": {Cause: protocol.Weight, Msg: "never"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLister(t)
			l.fail(failure)
			log := &syncBuffer{}
			r := start(t, l, nil, func(c *venue.Config) { prefixed(c); c.Logger = log.logger() }, "BTC")
			until(t, "it is accounted for", func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 })
			until(t, "it is said", func() bool { return bytes.Count(log.bytes(), []byte("[WARN]")) == 1 })
		})
	}
}

// TestOtherSymbolsBehindAPage: a page of something in front of the venue is no word of the venue's, and the list, which
// costs much, is asked for ever more rarely.
func TestOtherSymbolsBehindAPage(t *testing.T) {
	t.Parallel()
	l := newLister(t, protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
	l.fail(&protocol.Failure{Cause: protocol.Refused, Status: 404, Msg: "HTTP 404 Not Found"})
	r := start(t, l, nil, prefixed, "BTC")
	told := func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 }
	until(t, "it is asked for again", func() bool { return told() || len(l.times()) == 3 })
	if told() {
		t.Fatal("the venue has told nothing")
	}
	if asked := l.times(); asked[2].Sub(asked[1]) < 1900*time.Millisecond {
		t.Errorf("asked at %v", asked)
	}
	l.fail(nil)
	until(t, "it is found", func() bool { return told() && len(elsewhere(r)) == 1 })
}

// TestOtherSymbolsAtTheLimit: a cancel that the limit of orders does not let through goes when there is room, without
// being asked for again.
func TestOtherSymbolsAtTheLimit(t *testing.T) {
	t.Parallel()
	l := newLister(t, protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
	end, tries := l.cancel, 0
	l.cancel = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
		if tries++; tries < 4 {
			return protocol.Report{}, &protocol.Failure{Cause: protocol.OrderRate, RetryAt: time.Unix(0, l.NowNs()).Add(20 * time.Millisecond)}
		}
		return end(ctx, o)
	}
	r := start(t, l, nil, prefixed, "BTC")
	until(t, "it is found", func() bool { return len(elsewhere(r)) == 1 })
	r.connector.Cancel(elsewhere(r)[0].Order)
	until(t, "it is canceled", func() bool { open := elsewhere(r); return len(open) == 0 || open[0].Req == hft.StatusNone })
	if len(elsewhere(r)) > 0 {
		t.Error("it was given up")
	}
}

// TestUnreadRows: rows that cannot be read are passed over and told once where they are of others, and are not
// accounted for while they are this runner's, or may be.
func TestUnreadRows(t *testing.T) {
	t.Parallel()
	broken := errors.New("price is no number")
	for name, test := range map[string]struct {
		row    protocol.UnreadRow
		listed protocol.Report
		theirs bool
	}{
		"of others":          {row: protocol.UnreadRow{ClientID: "somebody's", Symbol: "ETH", Err: broken}, theirs: true},
		"its own":            {row: protocol.UnreadRow{ClientID: ownID(t, 80), Symbol: "ETH", Err: broken}},
		"anybody's":          {row: protocol.UnreadRow{Nameless: true, Err: broken}},
		"its own and traded": {row: protocol.UnreadRow{ClientID: ownID(t, 81), Symbol: "BTC", Err: broken}, theirs: true},
		"control characters": {listed: protocol.Report{Symbol: "E\x1bTH", ClientID: ownID(t, 82), VenueID: "9", Side: hft.Buy, Price: 1, Qty: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLister(t, protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
			if test.row.Err != nil {
				l.unread = []protocol.UnreadRow{test.row}
			} else {
				test.listed.Channel, test.listed.Status, test.listed.HasCum = protocol.ChannelQuery, hft.StatusNew, true
				l.list[test.listed.ClientID] = test.listed
			}
			log := &syncBuffer{}
			r := start(t, l, nil, func(c *venue.Config) { prefixed(c); c.Logger = log.logger() }, "BTC")
			until(t, "the other is found", func() bool { return len(elsewhere(r)) == 1 })
			until(t, "it is told", func() bool { return bytes.Contains(log.bytes(), []byte("cannot be decoded")) })
			if bytes.ContainsRune(log.bytes(), 0x1b) {
				t.Errorf("a control character in %q", log.bytes())
			}
			r.trade(0)
			accounted := func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 }
			if test.theirs {
				until(t, "all is accounted for", accounted)
				return
			}
			until(t, "fetching the list again", func() bool { return len(l.times()) > 1 })
			if accounted() {
				t.Error("it is accounted for")
			}
			l.mu.Lock()
			l.unread = nil
			delete(l.list, test.listed.ClientID)
			l.mu.Unlock()
			until(t, "all is accounted for", accounted)
			if n := bytes.Count(log.bytes(), []byte("cannot be decoded")); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// TestOrdersOnSymbolsThatCannotBeTraded: the list of all orders has those on a symbol that the venue does not have or
// whose tick is wrong; without the list they stay unknown.
func TestOrdersOnSymbolsThatCannotBeTraded(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"listed": nil, "refused": &protocol.Failure{Cause: protocol.Refused, Code: -1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLister(t)
			l.filters = func(symbol string) ([]protocol.Filters, error) {
				if symbol == "NONE" {
					return nil, &protocol.Failure{Cause: protocol.Refused}
				}
				return []protocol.Filters{{Symbol: symbol, Trading: true, TickSize: 0.5, LotSize: 0.001}}, nil
			}
			var want []int
			if failure != nil {
				l.fail(failure)
				want = []int{1, 2}
			}
			r := start(t, l, nil, prefixed, "BTC")
			r.connector.Register(instrument(1, "NONE"))
			r.connector.Register(instrument(2, "COARSE"))
			until(t, "all is told that will be", func() bool {
				open, coming := r.connector.Unaccounted()
				return !coming && slices.Equal(open, want)
			})
		})
	}
}

// closed is a lister without a private stream.
type closed struct{ *lister }

func (closed) UserStream(context.Context) (protocol.Stream, error) {
	return protocol.Stream{}, &protocol.Failure{Cause: protocol.Unreached, Msg: "connection refused"}
}

// TestWithoutThePrivateStream: what an earlier run has left is found and ended also where the private stream does not
// come up; new orders are refused.
func TestWithoutThePrivateStream(t *testing.T) {
	t.Parallel()
	l := newLister(t,
		protocol.Report{Symbol: "BTC", ClientID: ownID(t, 76), VenueID: "1", Side: hft.Buy, Price: 100, Qty: 1},
		protocol.Report{Symbol: "ETH", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3, CumQty: 1})
	l.query = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if r, open := l.list[o.ClientID]; open {
			return r, nil
		}
		return protocol.Report{}, &protocol.Failure{Cause: protocol.NotFound}
	}
	r := start(t, closed{l}, nil, prefixed, "BTC")
	if open, coming := r.connector.Unaccounted(); len(open) != 2 || !coming {
		t.Errorf("the venue has not told: %v, %t", open, coming)
	}
	until(t, "both are found", func() bool { return len(r.connector.OpenOrders()) == 2 })
	if open, _ := r.connector.Unaccounted(); len(open) > 0 {
		t.Errorf("the venue has told: %v", open)
	}
	r.connector.Submit(r.order(0, 1))
	until(t, "a new order is refused", func() bool { return r.refused("the private stream is down") > 0 })
	for _, o := range r.connector.OpenOrders() {
		r.connector.Cancel(o.Order)
	}
	until(t, "both have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
}
