package risk

import (
	"math"
	"slices"
	"sync"

	"github.com/hftrunner/hftrunner/hft"
)

// Gate is all limits of a runner, or of a backtest, and what is used of them.
type Gate struct {
	mu         sync.Mutex
	runner     Scope
	scopes     []*Scope // strategies and accounts
	nets       []*net
	currencies []string
}

// Scope is a strategy, an account, or all together: the limits that its holdings share.
type Scope struct {
	level  Level
	name   string
	limits limits
	open   int
	money  []money // by currency
	rate   rate
}

// money sums one currency.
type money struct{ open, position float64 }

// limits are Limits with money by the number of its currency.
type limits struct {
	Limits
	orderValue, positionValue, openValue []float64
}

// net sums what all strategies have in one instrument of an account.
type net struct {
	account     *Scope
	symbol      string
	position    float64
	buys, sells side
	worth       float64
}

// side sums the open orders on one side of an instrument.
type side struct{ lots, value float64 }

// exposure describes how far one open order could move the position.
type exposure struct {
	lots, value float64
	buy         bool
}

// Holding counts what one strategy has in one instrument.
type Holding struct {
	gate          *Gate
	symbol        string
	lotSize       float64
	unitValue     float64
	inverse       bool
	currency      int
	strategy      *Scope
	net           *net
	limits        limits
	orders        map[uint64]exposure
	position, own float64
	buys, sells   side
	worth, mark   float64
	rate          rate
}

// Terms are those of an instrument that its limits need.
type Terms struct {
	// LotSize is the step of quantities.
	LotSize float64
	// ContractSize is the size of one contract; 0 counts as 1. With Inverse it is an amount of the quote currency, and values
	// are in the base currency.
	ContractSize float64
	Inverse      bool
	// Currency is that of the values, empty where it is not known: then no limit of money concerns the instrument.
	Currency string
}

// request is a submission, or an amendment of an order that is open. Price is NaN where it is not known at which one at the
// market would be executed, mark where the position cannot be valued.
type request struct {
	orderID     uint64
	buy         bool
	qty         float64
	price, mark float64
	timestampNs int64
}

// NewGate returns a gate with the limits of everything together.
func NewGate(all Limits) *Gate {
	g := &Gate{}
	g.runner.level, g.runner.rate = Runner, newRate(all)
	g.runner.limits = g.numbered(all)
	return g
}

// Strategy adds a strategy. The name is for people.
func (g *Gate) Strategy(name string, l Limits) *Scope { return g.scope(Strategy, name, l) }

// Connector adds an account: what a connector trades on.
func (g *Gate) Connector(name string, l Limits) *Scope { return g.scope(Connector, name, l) }

func (g *Gate) scope(level Level, name string, l Limits) *Scope {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Scope{level: level, name: name, limits: g.numbered(l), rate: newRate(l)}
	s.money = make([]money, len(g.currencies))
	g.scopes = append(g.scopes, s)
	return s
}

// Holding adds an instrument of a strategy on an account, with the limits of its own. It is nil, which lets everything
// through, where nothing is limited at any level.
func (g *Gate) Holding(strategy, account *Scope, symbol string, t Terms, l Limits) *Holding {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.IsZero() && strategy.limits.IsZero() && account.limits.IsZero() && g.runner.limits.IsZero() {
		return nil
	}
	h := &Holding{gate: g, symbol: symbol, lotSize: t.LotSize, unitValue: t.ContractSize, inverse: t.Inverse, currency: -1,
		strategy: strategy, orders: make(map[uint64]exposure, 64), limits: g.numbered(l), mark: math.NaN(),
		rate: newRate(l)}
	if h.unitValue == 0 {
		h.unitValue = 1
	}
	if t.Currency != "" {
		h.currency = g.number(t.Currency)
	}
	at := slices.IndexFunc(g.nets, func(n *net) bool { return n.account == account && n.symbol == symbol })
	if at < 0 {
		at = len(g.nets)
		g.nets = append(g.nets, &net{account: account, symbol: symbol})
	}
	h.net = g.nets[at]
	return h
}

// numbered returns limits by the numbers of their currencies. The lock is held, or nobody else has the gate.
func (g *Gate) numbered(l Limits) limits {
	list := func(by map[string]float64) (values []float64) {
		for currency, limit := range by {
			n := g.number(currency)
			for len(values) <= n {
				values = append(values, 0)
			}
			values[n] = limit
		}
		return values
	}
	return limits{l, list(l.MaxOrderValue), list(l.MaxPositionValue), list(l.MaxOpenValue)}
}

// number returns the number of a currency, a new one for a new currency.
func (g *Gate) number(currency string) int {
	if i := slices.Index(g.currencies, currency); i >= 0 {
		return i
	}
	g.currencies = append(g.currencies, currency)
	g.runner.money = append(g.runner.money, money{})
	for _, s := range g.scopes {
		s.money = append(s.money, money{})
	}
	return len(g.currencies) - 1
}

// of returns the limit of a currency, 0 where there is none.
func of(values []float64, currency int) float64 {
	if currency < 0 || currency >= len(values) {
		return 0
	}
	return values[currency]
}

// scopesOf returns whose limits hold for the holding besides its own.
func (h *Holding) scopesOf() [3]*Scope {
	return [...]*Scope{h.strategy, h.net.account, &h.gate.runner}
}

// Reserve counts an order that is to be submitted or, with Req hft.StatusReplaced, amended, if no limit forbids that: then as
// the larger of what it is and what it is to become. The book is that of the instrument, the time that of the request by
// the connector's clock.
func (h *Holding) Reserve(o *hft.Order, book hft.MarketDepth, nowNs int64) Refusal {
	if h == nil {
		return Refusal{}
	}
	r := request{orderID: o.OrderID, buy: o.Side == hft.Buy, qty: o.Qty, price: o.Price(),
		mark: (book.BestBid() + book.BestAsk()) / 2, timestampNs: nowNs}
	if o.OrdType == hft.Market {
		r.price = reached(book, o.Side, o.Qty)
	}
	return h.reserve(&r)
}

// Update states what has become of an order: what could still be executed of it, or that it is over. What was reserved
// for an amendment stays until that is answered, and so does what a market order is expected to cost.
func (h *Holding) Update(o *hft.Order) {
	switch {
	case h == nil:
	case o.Final():
		h.Release(o.OrderID)
	case o.Req != hft.StatusReplaced && o.OrdType != hft.Market:
		h.set(o.OrderID, o.Side == hft.Buy, o.LeavesQty, o.Price())
	}
}

// maxReach bounds the search for the price of a market order, in ticks from the best.
const maxReach = 10_000

// reached returns the worst price at which a market order would be executed by the book, NaN where there is none; what
// the book does not cover counts at the last price that is looked at.
func reached(book hft.MarketDepth, side hft.Side, qty float64) float64 {
	tick, step, shown := book.BestAskTick(), int64(1), book.AskQtyAtTick
	if side == hft.Sell {
		tick, step, shown = book.BestBidTick(), -1, book.BidQtyAtTick
	}
	if tick == hft.InvalidMax || tick == hft.InvalidMin {
		return math.NaN()
	}
	last := tick
	for range maxReach {
		if at := shown(tick); at > 0 {
			last, qty = tick, qty-at
		}
		if qty <= 0 {
			break
		}
		tick += step
	}
	return hft.TickPrice(last, book.TickSize())
}

func (h *Holding) reserve(r *request) Refusal {
	g := h.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	old, amends := h.orders[r.orderID]
	e := exposure{lots: math.Ceil(r.qty/h.lotSize - 1e-6), buy: r.buy}
	price := r.price
	if math.IsNaN(price) {
		price = r.mark
	}
	e.value = h.value(e.lots*h.lotSize, price)
	if !math.IsNaN(r.mark) {
		h.mark = r.mark
	} else if math.IsNaN(h.mark) {
		h.mark = price
	}
	refusal := h.order(r.qty, e)
	if amends {
		e.lots, e.value = math.Max(e.lots, old.lots), math.Max(e.value, old.value)
	}
	if refusal.Rule == None {
		refusal = h.sums(e, old, amends)
	}
	if refusal.Rule == None {
		refusal = h.rates(r.timestampNs)
	}
	if refusal.Rule != None {
		return refusal
	}
	h.count(r.timestampNs)
	h.put(r.orderID, e)
	return Refusal{}
}

// value returns what a quantity is worth at a price.
func (h *Holding) value(qty, price float64) float64 {
	if h.inverse {
		return qty * h.unitValue / price
	}
	return qty * h.unitValue * price
}

// order checks one order by itself.
func (h *Holding) order(qty float64, e exposure) Refusal {
	if max := h.limits.MaxOrderQty; exceeds(qty, max, h.lotSize) {
		return Refusal{Rule: OrderQty, Name: h.symbol, Limit: max, Value: qty}
	}
	if r := h.orderValue(&h.limits, e); r.Rule != None {
		r.Name = h.symbol
		return r
	}
	for _, s := range h.scopesOf() {
		if max := s.limits.MaxOrderQty; exceeds(qty, max, h.lotSize) {
			return Refusal{OrderQty, s.level, s.name, max, qty, ""}
		}
		if r := h.orderValue(&s.limits, e); r.Rule != None {
			r.Level, r.Name = s.level, s.name
			return r
		}
	}
	return Refusal{}
}

func (h *Holding) orderValue(l *limits, e exposure) Refusal {
	max := of(l.orderValue, h.currency)
	if math.IsNaN(e.value) && (max > 0 || of(l.positionValue, h.currency) > 0 || of(l.openValue, h.currency) > 0) {
		return Refusal{Rule: Price}
	}
	if max > 0 && e.value > max*(1+1e-12) {
		return Refusal{Rule: OrderValue, Limit: max, Value: e.value, Currency: h.gate.currencies[h.currency]}
	}
	return Refusal{}
}

// exceeds reports whether a quantity is above a limit, if there is one, by more than what sums are inexact by.
func exceeds(qty, max, lotSize float64) bool { return max > 0 && qty > max+lotSize*1e-6 }
