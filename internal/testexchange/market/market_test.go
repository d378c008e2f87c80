package market_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

func linear() market.SymbolConfig {
	return market.SymbolConfig{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10",
		LotSize: "0.001", MinNotional: "5", MakerFeePPM: 200, TakerFeePPM: 500}
}

// newMarket has the accounts a and b and others at 99.9 and 100.1 with 5 lots of 1.
func newMarket(t testing.TB, spot bool) *market.Market {
	t.Helper()
	money := map[string]market.Amount{"USDT": 10_000 * 1e8, "BTC": 100 * 1e8}
	m, err := market.New(market.Config{Spot: spot, Symbols: []market.SymbolConfig{linear()}, NoGaps: spot,
		Accounts: []market.AccountConfig{{Name: "a", Balances: money}, {Name: "b", Balances: money}}})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, m, level(hft.Buy, 99.9, 5), level(hft.Sell, 100.1, 5), level(hft.Sell, 100.2, 5))
	return m
}

func level(side hft.Side, price, qty float64) hft.Event { return row(hft.DepthEvent, side, price, qty) }

func trade(taker hft.Side, price, qty float64) hft.Event {
	return row(hft.TradeEvent, taker, price, qty)
}

func row(kind uint64, side hft.Side, price, qty float64) hft.Event {
	flag := hft.BuyEvent
	if side == hft.Sell {
		flag = hft.SellEvent
	}
	return hft.Event{Ev: kind | flag, Px: price, Qty: qty}
}

func apply(t testing.TB, m *market.Market, rows ...hft.Event) {
	t.Helper()
	if err := m.ApplyBatch(1, "BTCUSDT", rows); err != nil {
		t.Fatal(err)
	}
}

func limit(side hft.Side, tick, lots int64) market.Request {
	return market.Request{Symbol: "BTCUSDT", Side: side, PriceTicks: tick, QtyLots: lots, IDReusable: true}
}

func place(t testing.TB, m *market.Market, account string, r market.Request) market.Order {
	t.Helper()
	o, err := m.Place(2, account, r)
	if err != nil {
		t.Fatalf("place %+v: %v", r, err)
	}
	return o
}

func current(t testing.TB, m *market.Market, o market.Order) market.Order {
	t.Helper()
	got, err := m.Order(o.Account, market.Ref{Symbol: o.Symbol, ID: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func want(t testing.TB, o market.Order, status hft.Status, filled int64) {
	t.Helper()
	if o.Status != status || o.FilledLots != filled {
		t.Errorf("order %d is %v with %d filled, want %v with %d", o.ID, o.Status, o.FilledLots, status, filled)
	}
}

func TestTakerSweepsPriceLevels(t *testing.T) {
	m := newMarket(t, false)
	o := place(t, m, "a", limit(hft.Buy, 1002, 7000))
	want(t, o, hft.StatusFilled, 7000)
	if o.FilledValue != (5*1001+2*1002)*1e7 {
		t.Errorf("paid %v, want 5 at 100.1 and 2 at 100.2", o.FilledValue)
	}
	_, asks, _, _ := m.Book("BTCUSDT", 10)
	if len(asks) != 1 || asks[0] != (market.Level{PriceTicks: 1002, QtyLots: 3000}) {
		t.Errorf("asks after the sweep: %v", asks)
	}
	p := m.Positions("a")
	if len(p) != 1 || p[0].Lots != 7000 || p[0].Cost != o.FilledValue {
		t.Errorf("position %+v", p)
	}
}

func TestTimeInForce(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*market.Request)
		status hft.Status
		filled int64
		reason market.Reason
		err    error
	}{
		{"GTC rests", func(*market.Request) {}, hft.StatusPartiallyFilled, 5000, "", nil},
		{"IOC expires", func(r *market.Request) { r.TIF = hft.IOC }, hft.StatusExpired, 5000, market.ReasonIOC, nil},
		{"FOK is refused", func(r *market.Request) { r.TIF = hft.FOK }, 0, 0, "", market.ErrNotFillable},
		{"FOK expires", func(r *market.Request) { r.TIF, r.RecordRefused = hft.FOK, true }, hft.StatusExpired, 0,
			market.ReasonFOK, nil},
		{"FOK fills", func(r *market.Request) { r.TIF, r.PriceTicks = hft.FOK, 1002 }, hft.StatusFilled, 6000, "", nil},
		{"GTX is refused", func(r *market.Request) { r.TIF = hft.GTX }, 0, 0, "", market.ErrWouldTake},
		{"GTX expires", func(r *market.Request) { r.TIF, r.RecordRefused = hft.GTX, true }, hft.StatusExpired, 0,
			market.ReasonPostOnly, nil},
		{"GTX rests", func(r *market.Request) { r.TIF, r.PriceTicks = hft.GTX, 1000 }, hft.StatusNew, 0, "", nil},
		{"market", func(r *market.Request) { r.Type, r.QtyLots = hft.Market, 11000 }, hft.StatusExpired, 10000,
			market.ReasonMarket, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMarket(t, false)
			r := limit(hft.Buy, 1001, 6000)
			c.change(&r)
			o, err := m.Place(2, "a", r)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (o.Status != c.status || o.FilledLots != c.filled || o.Reason != c.reason) {
				t.Errorf("%v, %d filled, reason %q; want %v, %d, %q", o.Status, o.FilledLots, o.Reason, c.status,
					c.filled, c.reason)
			}
			if err != nil && len(m.Orders("a")) != 0 {
				t.Error("a refused order left a trace")
			}
		})
	}
}

func TestQueueOfOthersComesFirst(t *testing.T) {
	m := newMarket(t, false)
	first := place(t, m, "a", limit(hft.Buy, 999, 2000))
	second := place(t, m, "b", limit(hft.Buy, 999, 2000))
	apply(t, m, trade(hft.Sell, 99.9, 4))
	want(t, current(t, m, first), hft.StatusNew, 0)
	apply(t, m, trade(hft.Sell, 99.9, 2)) // 1 lot of others is left, then 1 of the first
	want(t, current(t, m, first), hft.StatusPartiallyFilled, 1000)
	apply(t, m, trade(hft.Sell, 99.8, 2)) // a worse price: everything before it is gone
	want(t, current(t, m, first), hft.StatusFilled, 2000)
	want(t, current(t, m, second), hft.StatusPartiallyFilled, 1000)
}

func TestCanceledQueueMovesOrdersForward(t *testing.T) {
	m := newMarket(t, false)
	o := place(t, m, "a", limit(hft.Buy, 999, 2000))
	apply(t, m, level(hft.Buy, 99.9, 1))
	apply(t, m, trade(hft.Sell, 99.9, 2))
	want(t, current(t, m, o), hft.StatusPartiallyFilled, 1000)
}

func TestQuotedThroughIsFilledAsMaker(t *testing.T) {
	m := newMarket(t, false)
	o := place(t, m, "a", limit(hft.Buy, 1000, 2000))
	apply(t, m, level(hft.Sell, 99.8, 3), level(hft.Buy, 99.9, 0))
	want(t, current(t, m, o), hft.StatusFilled, 2000)
	x := m.Executions("a", "BTCUSDT")
	if len(x) != 1 || !x[0].Maker || x[0].PriceTicks != 1000 {
		t.Errorf("executions %+v: want one as maker at its own price", x)
	}
	bids, asks, _, _ := m.Book("BTCUSDT", 1)
	if len(bids) != 0 || asks[0] != (market.Level{PriceTicks: 998, QtyLots: 1000}) {
		t.Errorf("book %v %v", bids, asks)
	}
}

func TestOlderOfCrossedLevelsGoes(t *testing.T) {
	m := newMarket(t, false)
	apply(t, m, level(hft.Buy, 100.1, 2))
	bids, asks, _, _ := m.Book("BTCUSDT", 5)
	if bids[0].PriceTicks != 1001 || asks[0].PriceTicks != 1002 {
		t.Errorf("book %v %v", bids, asks)
	}
}

func TestSelfTrade(t *testing.T) {
	for mode, want := range map[market.SelfTrade][2]hft.Status{
		market.ExpireMaker:      {hft.StatusExpired, hft.StatusNew},
		market.ExpireTaker:      {hft.StatusNew, hft.StatusExpired},
		market.ExpireBoth:       {hft.StatusExpired, hft.StatusExpired},
		market.SelfTradeAllowed: {hft.StatusFilled, hft.StatusFilled},
	} {
		m := newMarket(t, false)
		maker := place(t, m, "a", limit(hft.Sell, 1000, 2000))
		r := limit(hft.Buy, 1000, 2000)
		r.SelfTrade = mode
		taker := place(t, m, "a", r)
		if got := [2]hft.Status{current(t, m, maker).Status, taker.Status}; got != want {
			t.Errorf("mode %d: maker and taker are %v, want %v", mode, got, want)
		}
	}
}

func TestAmend(t *testing.T) {
	m := newMarket(t, false)
	first := place(t, m, "a", limit(hft.Buy, 1000, 2000))
	second := place(t, m, "b", limit(hft.Buy, 1000, 2000))
	ref := market.Ref{Symbol: "BTCUSDT", ID: first.ID}
	if _, err := m.Amend(3, "a", market.Amendment{Ref: ref, PriceTicks: 1000, QtyLots: 2000}); !errors.Is(err,
		market.ErrNoChange) {
		t.Errorf("no change: %v", err)
	}
	if _, err := m.Amend(3, "a", market.Amendment{Ref: ref, PriceTicks: 1000, QtyLots: 1500}); err != nil {
		t.Fatal(err)
	}
	apply(t, m, trade(hft.Sell, 100, 1)) // a smaller quantity keeps the place
	want(t, current(t, m, first), hft.StatusPartiallyFilled, 1000)
	if _, err := m.Amend(3, "a", market.Amendment{Ref: ref, PriceTicks: 1000, QtyLots: 4000}); err != nil {
		t.Fatal(err)
	}
	apply(t, m, trade(hft.Sell, 100, 1)) // a larger one does not
	want(t, current(t, m, second), hft.StatusPartiallyFilled, 1000)
	o, err := m.Amend(3, "a", market.Amendment{Ref: ref, PriceTicks: 1001, QtyLots: 3000})
	if err != nil {
		t.Fatal(err)
	}
	want(t, o, hft.StatusFilled, 3000)
	if _, err := m.Amend(3, "a", market.Amendment{Ref: ref, PriceTicks: 1000, QtyLots: 9}); !errors.Is(err,
		market.ErrNotOpen) {
		t.Errorf("finished: %v", err)
	}
	o, err = m.Amend(3, "b", market.Amendment{Ref: market.Ref{Symbol: "BTCUSDT", ID: second.ID}, PriceTicks: 1000,
		QtyLots: 1000, CancelIfFilled: true})
	if err != nil || o.Status != hft.StatusCanceled {
		t.Errorf("amended to what is filled: %v %v", o.Status, err)
	}
}

func TestRefusals(t *testing.T) {
	m := newMarket(t, false)
	taken := limit(hft.Buy, 990, 1000)
	taken.ClientID = "x"
	place(t, m, "a", taken)
	for name, c := range map[string]struct {
		change func(*market.Request)
		err    error
	}{
		"symbol":        {func(r *market.Request) { r.Symbol = "NO" }, market.ErrSymbol},
		"duplicate":     {func(r *market.Request) { r.ClientID = "x" }, market.ErrDuplicateID},
		"quantity":      {func(r *market.Request) { r.QtyLots = 0 }, market.ErrQtyLow},
		"notional":      {func(r *market.Request) { r.QtyLots = 49 }, market.ErrNotional},
		"funds":         {func(r *market.Request) { r.QtyLots = 3_000_000 }, market.ErrFunds},
		"reduce only":   {func(r *market.Request) { r.ReduceOnly = true }, market.ErrReduceOnly},
		"position side": {func(r *market.Request) { r.Position = market.Long }, market.ErrPositionSide},
		"price":         {func(r *market.Request) { r.PriceTicks = 0 }, market.ErrPriceLow},
	} {
		r := limit(hft.Buy, 990, 1000)
		c.change(&r)
		if _, err := m.Place(2, "a", r); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	if _, err := m.Cancel(2, "b", market.Ref{Symbol: "BTCUSDT", ClientID: "x"}, market.ReasonUser); !errors.Is(err,
		market.ErrNoOrder) {
		t.Errorf("another account's order: %v", err)
	}
}

func TestPositionAndProfit(t *testing.T) {
	m := newMarket(t, false)
	place(t, m, "a", limit(hft.Buy, 1001, 5000))
	apply(t, m, level(hft.Buy, 110, 20), level(hft.Sell, 100.2, 0))
	place(t, m, "a", limit(hft.Sell, 1100, 8000)) // closes 5 and opens 3 short
	p := m.Positions("a")[0]
	if p.Lots != -3000 || p.Cost != -330*1e8 || p.Realized != 495*1e7 {
		t.Errorf("position %d lots, cost %v, realized %v; want -3000, -330, 49.5", p.Lots, p.Cost, p.Realized)
	}
	fees := market.Amount((5005+8800)*1e7) * 500 / 1_000_000
	for _, b := range m.Balances("a") {
		if b.Asset == "USDT" && b.Total != 10_000*1e8+495*1e7-fees {
			t.Errorf("balance %v", b.Total)
		}
	}
}

func TestSpotBalances(t *testing.T) {
	m := newMarket(t, true)
	o := place(t, m, "a", limit(hft.Buy, 1000, 10_000)) // locks 1000
	usdt := func() market.Balance { return m.Balances("a")[1] }
	if b := usdt(); b.Locked != 1000*1e8 {
		t.Errorf("locked %v, want 1000", b.Locked)
	}
	apply(t, m, trade(hft.Sell, 99.9, 4))
	want(t, current(t, m, o), hft.StatusPartiallyFilled, 4000)
	if b := usdt(); b.Locked != 600*1e8 || b.Total != 9600*1e8 {
		t.Errorf("after 4 of 10: %v", b)
	}
	if b := m.Balances("a")[0]; b.Total != 104*1e8-4*1e8*200/1_000_000 {
		t.Errorf("bought %v, want 4 less the fee", b.Total)
	}
	m.CancelAll(3, "a", "", market.ReasonUser)
	if b := usdt(); b.Locked != 0 {
		t.Errorf("locked after the cancel: %v", b.Locked)
	}
	if _, err := m.Place(2, "a", limit(hft.Sell, 1003, 105_000)); !errors.Is(err, market.ErrFunds) {
		t.Errorf("sale of more than there is: %v", err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	m, err := market.New(market.Config{Symbols: []market.SymbolConfig{linear()}, HistorySize: 10,
		Accounts: []market.AccountConfig{{Name: "a", Balances: map[string]market.Amount{"USDT": 1e12}}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		r := limit(hft.Buy, 1000, 1000)
		r.ClientID = fmt.Sprint(i)
		o := place(t, m, "a", r)
		if _, err := m.Cancel(2, "a", market.Ref{Symbol: "BTCUSDT", ID: o.ID}, market.ReasonUser); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.Orders("")); n != 10 {
		t.Errorf("%d orders are known, want 10", n)
	}
}

// follower rebuilds books and orders from events alone.
type follower struct {
	levels map[hft.Side]map[int64]int64
	last   int64
	traded int64
}

func (f *follower) follow(t *testing.T, events []market.Event) {
	for _, e := range events {
		switch e.Kind {
		case market.LevelChanged:
			if e.UpdateID <= f.last {
				t.Fatalf("update id %d after %d", e.UpdateID, f.last)
			}
			f.last = e.UpdateID
			if e.QtyLots == 0 {
				delete(f.levels[e.Side], e.PriceTicks)
			} else {
				f.levels[e.Side][e.PriceTicks] = e.QtyLots
			}
		case market.Traded:
			f.traded += e.QtyLots
		}
	}
}

// TestEventsTellEverything drives a market by chance and compares what its events say with what it says itself, and
// what accounts have with what they traded.
func TestEventsTellEverything(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		m := newMarket(t, seed%2 == 0)
		f := &follower{levels: map[hft.Side]map[int64]int64{hft.Buy: {}, hft.Sell: {}}}
		for step := range 400 {
			chance(t, m, random, int64(step))
			f.follow(t, m.Drain())
		}
		bids, asks, id, err := m.Book("BTCUSDT", 1<<20)
		if err != nil || id != f.last {
			t.Fatalf("seed %d: id %d, want %d, %v", seed, id, f.last, err)
		}
		if len(bids) > 0 && len(asks) > 0 && bids[0].PriceTicks >= asks[0].PriceTicks {
			t.Fatalf("seed %d: crossed %v %v", seed, bids[0], asks[0])
		}
		for side, levels := range map[hft.Side][]market.Level{hft.Buy: bids, hft.Sell: asks} {
			if len(levels) != len(f.levels[side]) {
				t.Fatalf("seed %d: %v: %d levels, events say %d", seed, side, len(levels), len(f.levels[side]))
			}
			for _, l := range levels {
				if f.levels[side][l.PriceTicks] != l.QtyLots {
					t.Fatalf("seed %d: %v %+v, events say %d", seed, side, l, f.levels[side][l.PriceTicks])
				}
			}
		}
		checkOrders(t, m, seed)
	}
}

func chance(t *testing.T, m *market.Market, random *rand.Rand, step int64) {
	side := hft.Side(1 - 2*random.IntN(2))
	tick := 1000 + random.Int64N(21) - 10
	account := []string{"a", "b"}[random.IntN(2)]
	switch random.IntN(6) {
	case 0:
		apply(t, m, level(side, float64(tick)/10, float64(random.IntN(4))))
	case 1:
		apply(t, m, trade(side, float64(tick)/10, float64(1+random.IntN(3))))
	case 2, 3:
		r := limit(side, tick, 1000+random.Int64N(3000))
		r.TIF, r.SelfTrade = hft.TimeInForce(random.IntN(4)), market.SelfTrade(random.IntN(4))
		r.Type = hft.OrdType(random.IntN(8) / 7)
		_, _ = m.Place(step, account, r) // a refusal is as good
	case 4:
		if open := m.OpenOrders(account, ""); len(open) > 0 {
			o := open[random.IntN(len(open))]
			_, _ = m.Amend(step, account, market.Amendment{Ref: market.Ref{Symbol: o.Symbol, ID: o.ID},
				PriceTicks: tick, QtyLots: 1000 + random.Int64N(3000), CancelIfFilled: true})
		}
	case 5:
		if open := m.OpenOrders(account, ""); len(open) > 0 {
			o := open[random.IntN(len(open))]
			if _, err := m.Cancel(step, account, market.Ref{Symbol: o.Symbol, ID: o.ID},
				market.ReasonUser); err != nil {
				t.Fatalf("an open order is not canceled: %v", err)
			}
		}
	}
}

// checkOrders compares orders with their executions, and locked balances with open orders.
func checkOrders(t *testing.T, m *market.Market, seed uint64) {
	filled, ids := map[int64]int64{}, map[int64]bool{}
	for _, x := range m.Executions("", "") {
		filled[x.OrderID] += x.QtyLots
		if ids[x.ExecutionID] {
			t.Fatalf("seed %d: execution %d twice", seed, x.ExecutionID)
		}
		ids[x.ExecutionID] = true
	}
	for _, o := range m.Orders("") {
		if filled[o.ID] != o.FilledLots || o.FilledLots > o.QtyLots ||
			(o.FilledLots == o.QtyLots) != (o.Status == hft.StatusFilled) {
			t.Fatalf("seed %d: order %+v has executions of %d", seed, o, filled[o.ID])
		}
	}
	for _, account := range []string{"a", "b"} {
		open := m.OpenOrders(account, "")
		if !slices.IsSortedFunc(open, func(x, y market.Order) int { return int(x.ID - y.ID) }) {
			t.Fatalf("seed %d: open orders are not sorted", seed)
		}
		m.CancelAll(1000, account, "", market.ReasonUser)
		for _, b := range m.Balances(account) {
			if b.Locked != 0 || b.Total < 0 && b.Asset == "BTC" {
				t.Fatalf("seed %d: %s without orders: %+v", seed, account, b)
			}
		}
	}
}

func BenchmarkPlaceAndCancel(b *testing.B) {
	m := newMarket(b, false)
	b.ReportAllocs()
	for b.Loop() {
		o := place(b, m, "a", limit(hft.Buy, 998, 1000))
		if _, err := m.Cancel(3, "a", market.Ref{Symbol: "BTCUSDT", ID: o.ID}, market.ReasonUser); err != nil {
			b.Fatal(err)
		}
		m.Drain()
	}
}
