package risk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// plain is the limits as they are explained: every sum is added up again from all orders and positions.
type plain struct {
	holdings []*plainHolding
	levels   []plainLevel
}

type plainHolding struct {
	account, strategy, symbol string
	currency                  string
	lot, position, own, mark  float64
	orders                    map[uint64]plainOrder
}

type plainOrder struct {
	buy        bool
	qty, value float64
}

// plainLevel is one Limits and the holdings that it is about.
type plainLevel struct {
	level   Level
	name    string
	of      func(h *plainHolding) bool
	limits  Limits
	timesNs []int64
}

// could returns how far buys or sells could bring the position in the instrument of h, as the level sees it, and what
// all its positions could be worth, those in instruments of the same currency.
func (p *plain) could(l *plainLevel, of *plainHolding, buy bool) (position, worth float64) {
	type sums struct{ position, buys, sells, bought, sold float64 }
	by := map[string]*sums{}
	var mine *sums
	for _, h := range p.holdings {
		if !l.of(h) {
			continue
		}
		key := h.account + h.symbol
		own := h.own
		if l.level <= Strategy {
			key += h.strategy
			own = h.position
		}
		s := by[key]
		if s == nil {
			s = &sums{}
			by[key] = s
		}
		s.position += own
		for _, o := range h.orders {
			if o.buy {
				s.buys, s.bought = s.buys+o.qty, s.bought+o.value
			} else {
				s.sells, s.sold = s.sells+o.qty, s.sold+o.value
			}
		}
		if h.account+h.symbol == of.account+of.symbol && (l.level > Strategy || h.strategy == of.strategy) {
			mine = s
		}
	}
	for _, s := range by {
		value := s.position * of.mark // all marks are the same in this test
		worth += max(math.Abs(value+s.bought), math.Abs(value-s.sold))
	}
	if buy {
		return mine.position + mine.buys, worth
	}
	return -mine.position + mine.sells, worth
}

// refuses returns the rule and the level that refuse the order.
func (p *plain) refuses(h *plainHolding, id uint64, o plainOrder, nowNs int64) (Rule, Level) {
	old, amends := h.orders[id]
	for i := range p.levels {
		if l := &p.levels[i]; l.of(h) {
			if m := l.limits.MaxOrderQty; m > 0 && o.qty > m+1e-9 {
				return OrderQty, l.level
			}
			if m := l.limits.MaxOrderValue[h.currency]; m > 0 && o.value > m*(1+1e-9) {
				return OrderValue, l.level
			}
		}
	}
	larger := plainOrder{o.buy, max(o.qty, old.qty), max(o.value, old.value)}
	for i := range p.levels {
		l := &p.levels[i]
		if !l.of(h) {
			continue
		}
		_, before := p.could(l, h, o.buy)
		open, value := 0, 0.0
		for _, other := range p.holdings {
			if l.of(other) {
				open += len(other.orders)
				for _, o := range other.orders {
					value += o.value
				}
			}
		}
		h.orders[id] = larger
		position, worth := p.could(l, h, o.buy)
		delete(h.orders, id)
		if amends {
			h.orders[id] = old
		}
		switch {
		case l.limits.MaxPosition > 0 && larger.qty > old.qty && position > l.limits.MaxPosition+1e-9:
			return Position, l.level
		case l.limits.MaxPositionValue[h.currency] > 0 && worth > before+1e-6 &&
			worth > l.limits.MaxPositionValue[h.currency]*(1+1e-9):
			return PositionValue, l.level
		case l.limits.MaxOpenOrders > 0 && !amends && open >= l.limits.MaxOpenOrders:
			return OpenOrders, l.level
		case l.limits.MaxOpenValue[h.currency] > 0 && larger.value > old.value &&
			value+larger.value-old.value > l.limits.MaxOpenValue[h.currency]*(1+1e-9):
			return OpenValue, l.level
		}
	}
	for i := range p.levels {
		l := &p.levels[i]
		n := 0
		for _, t := range l.timesNs {
			if nowNs-t < l.limits.OrderRateInterval.Nanoseconds() {
				n++
			}
		}
		if l.of(h) && l.limits.MaxOrderRate > 0 && n >= l.limits.MaxOrderRate {
			return OrderRate, l.level
		}
	}
	return None, 0
}

// TestGateAgainstPlainModel: whatever is submitted, amended, filled and ended in any order, the gate decides as the
// limits are explained.
func TestGateAgainstPlainModel(t *testing.T) {
	refused := map[Rule]int{}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		chance := func(x float64) float64 {
			if rng.IntN(2) == 0 {
				return 0
			}
			return math.Round(x * (0.5 + rng.Float64()))
		}
		random := func(k float64) Limits {
			l := Limits{MaxOrderQty: chance(4), MaxPosition: chance(6 * k), MaxOpenOrders: int(chance(5 * k)),
				MaxOrderValue:    map[string]float64{"USDT": chance(400)},
				MaxPositionValue: map[string]float64{"USDT": chance(900 * k)},
				MaxOpenValue:     map[string]float64{"USDT": chance(700 * k)},
				MaxOrderRate:     int(chance(3 * k)), OrderRateInterval: time.Second}
			return l
		}
		all := random(4)
		g, model := NewGate(all), &plain{}
		var holdings []*Holding
		accounts, accountLimits := map[string]*Scope{}, map[string]Limits{}
		for _, name := range []string{"x", "y"} {
			accountLimits[name] = random(3)
			accounts[name] = g.Connector(name, accountLimits[name])
		}
		add := func(level Level, name string, l Limits, of func(h *plainHolding) bool) {
			model.levels = append(model.levels, plainLevel{level: level, name: name, of: of, limits: l})
		}
		strategies, strategyLimits := map[string]*Scope{}, map[string]Limits{}
		for i := range 6 {
			h := &plainHolding{strategy: string(rune('a' + i/3)), account: []string{"x", "x", "y"}[i%3],
				symbol: []string{"BTCUSDT", "ETHUSDT", "BTCUSDT"}[i%3], currency: "USDT", lot: 0.01, mark: 100,
				orders: map[uint64]plainOrder{}}
			if strategies[h.strategy] == nil {
				strategyLimits[h.strategy] = random(2)
				strategies[h.strategy] = g.Strategy(h.strategy, strategyLimits[h.strategy])
			}
			own := random(1)
			holdings = append(holdings, g.Holding(strategies[h.strategy], accounts[h.account], h.symbol,
				Terms{LotSize: h.lot, Currency: h.currency}, own))
			add(Instrument, h.symbol, own, func(o *plainHolding) bool { return o == h })
			model.holdings = append(model.holdings, h)
		}
		for name, l := range strategyLimits {
			add(Strategy, name, l, func(h *plainHolding) bool { return h.strategy == name })
		}
		for name, l := range accountLimits {
			add(Connector, name, l, func(h *plainHolding) bool { return h.account == name })
		}
		add(Runner, "", all, func(*plainHolding) bool { return true })
		nowNs := int64(0)
		for step := range 400 {
			nowNs += rng.Int64N(2e8)
			i := rng.IntN(len(holdings))
			h, m := holdings[i], model.holdings[i]
			id := uint64(rng.IntN(8))
			o, open := m.orders[id]
			switch action := rng.IntN(10); {
			case action < 6: // submit, or amend
				price := float64(80 + rng.IntN(40))
				if !open {
					o.buy = rng.IntN(2) == 0
				}
				o.qty = float64(1+rng.IntN(500)) / 100
				o.value = o.qty * price
				got := h.reserve(&request{id, o.buy, o.qty, price, m.mark, nowNs})
				want, level := model.refuses(m, id, o, nowNs)
				if got.Rule != want || want != None && got.Level != level {
					t.Fatalf("seed %d, step %d: %v (%s), want %v of %v", seed, step, got.Rule, got, want, level)
				}
				refused[want]++
				if want != None {
					continue
				}
				old := m.orders[id]
				m.orders[id] = plainOrder{o.buy, max(o.qty, old.qty), max(o.value, old.value)}
				for k := range model.levels {
					if l := &model.levels[k]; l.of(m) {
						l.timesNs = append(l.timesNs, nowNs)
					}
				}
			case action < 8 && open && o.qty > 0: // a part is executed
				qty := math.Round(o.qty*100*rng.Float64()) / 100
				left := math.Round((o.qty-qty)*100) / 100
				price := o.value / o.qty
				sign := -1.0
				if o.buy {
					sign = 1
				}
				m.position, m.own = m.position+sign*qty, m.own+sign*qty
				h.SetPosition(m.position, m.own)
				h.set(id, o.buy, left, price)
				m.orders[id] = plainOrder{o.buy, left, left * price}
			case open: // it ends, which may be reported twice
				delete(m.orders, id)
				for range 1 + rng.IntN(2) {
					h.Release(id)
				}
			}
		}
	}
	for _, r := range []Rule{OrderQty, OrderValue, Position, PositionValue, OpenOrders, OpenValue, OrderRate, None} {
		if refused[r] < 20 {
			t.Errorf("%v was met %d times only", r, refused[r])
		}
	}
}

// TestLastOfALimit: of many goroutines that want the last of a limit at a time one gets it.
func TestLastOfALimit(t *testing.T) {
	g := NewGate(Limits{MaxOpenOrders: 100})
	account := g.Connector("x", Limits{})
	var let [8]int
	var wait sync.WaitGroup
	for i := range let {
		h := g.Holding(g.Strategy(fmt.Sprint(i), Limits{}), account, "BTCUSDT", Terms{LotSize: 1}, Limits{})
		wait.Go(func() {
			for id := range uint64(50) {
				if h.reserve(&request{orderID: id, buy: true, qty: 1, price: 1}).Rule == None {
					let[i]++
				}
			}
		})
	}
	wait.Wait()
	sum := 0
	for _, n := range let {
		sum += n
	}
	if sum != 100 {
		t.Errorf("%d orders are open, the limit is 100", sum)
	}
}

// TestWhatReducesPasses: beyond a limit, what makes the position smaller passes, and what turns it round does not only
// reduce.
func TestWhatReducesPasses(t *testing.T) {
	g := NewGate(Limits{})
	h := g.Holding(g.Strategy("a", Limits{}), g.Connector("x", Limits{}), "BTCUSDT", Terms{LotSize: 0.1}, Limits{MaxPosition: 1})
	h.SetPosition(-5, -5)
	reserve := func(id uint64, side hft.Side, qty float64) Rule {
		return h.reserve(&request{orderID: id, buy: side == hft.Buy, qty: qty, price: 1, mark: 1}).Rule
	}
	for _, c := range []struct {
		side hft.Side
		qty  float64
		want Rule
	}{{hft.Sell, 0.1, Position}, {hft.Buy, 6.1, Position}, {hft.Buy, 5, None}, {hft.Buy, 1, None}, {hft.Buy, 0.1, Position}} {
		if got := reserve(uint64(c.qty*10), c.side, c.qty); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.side, c.qty, got, c.want)
		}
	}
}

// TestNoPrice: an order whose value is limited needs a price.
func TestNoPrice(t *testing.T) {
	g := NewGate(Limits{MaxOrderValue: map[string]float64{"USDT": 100}})
	strategy, account := g.Strategy("a", Limits{}), g.Connector("x", Limits{})
	limited := g.Holding(strategy, account, "BTCUSDT", Terms{LotSize: 1, Currency: "USDT"}, Limits{})
	other := g.Holding(strategy, account, "BTCUSD", Terms{LotSize: 1, Currency: "USD"}, Limits{})
	r := request{orderID: 1, buy: true, qty: 1, price: math.NaN(), mark: math.NaN()}
	if got := limited.reserve(&r); got.Rule != Price {
		t.Errorf("%v", got)
	}
	if got := other.reserve(&r); got.Rule != None {
		t.Errorf("%v", got)
	}
}

func TestReserveAllocatesNothing(t *testing.T) {
	h, r := benchmarked()
	id := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		id++
		r.orderID, r.timestampNs = id, r.timestampNs+1e6
		if h.reserve(r).Rule != None {
			t.Fatal("refused")
		}
		h.set(id, true, 0.5, 100)
		h.Release(id)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchmarked() (*Holding, *request) {
	money := map[string]float64{"USDT": 1e6}
	l := Limits{MaxOrderQty: 10, MaxOrderValue: money, MaxPosition: 1000, MaxPositionValue: money, MaxOpenOrders: 1000,
		MaxOpenValue: money, MaxOrderRate: 100_000, OrderRateInterval: time.Microsecond}
	g := NewGate(l)
	strategy, account := g.Strategy("a", l), g.Connector("x", l)
	for range 20 {
		g.Holding(strategy, account, "ETHUSDT", Terms{LotSize: 0.001, Currency: "USDT"}, l)
	}
	h := g.Holding(strategy, account, "BTCUSDT", Terms{LotSize: 0.001, Currency: "USDT"}, l)
	for i := range uint64(20) {
		h.reserve(&request{orderID: 1e6 + i, qty: 1, price: 101, mark: 100})
	}
	return h, &request{buy: true, qty: 1, price: 100, mark: 100.5}
}

// BenchmarkGate: one request with all limits at all levels, and the end of its order.
func BenchmarkGate(b *testing.B) {
	for _, part := range []string{"reserve", "reserve and release"} {
		b.Run(part, func(b *testing.B) {
			h, r := benchmarked()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				r.timestampNs += 1000
				r.orderID = uint64(i)
				if part == "reserve" {
					r.orderID = 7 // an amendment
				}
				if h.reserve(r).Rule != None {
					b.Fatal("refused")
				}
				if part != "reserve" {
					h.Release(r.orderID)
				}
			}
		})
	}
}
