package market

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// Refusals of a request. A venue turns them into its codes and texts.
var (
	ErrSymbol         = errors.New("market: unknown symbol")
	ErrAccount        = errors.New("market: unknown account")
	ErrDuplicateID    = errors.New("market: the client order id is in use")
	ErrPriceLow       = errors.New("market: the price is below the lowest")
	ErrPriceHigh      = errors.New("market: the price is above the highest")
	ErrPriceBand      = errors.New("market: the price is too far from the market")
	ErrQtyLow         = errors.New("market: the quantity is below the smallest")
	ErrQtyHigh        = errors.New("market: the quantity is above the largest")
	ErrNotional       = errors.New("market: price times quantity is below the smallest")
	ErrFunds          = errors.New("market: the balance does not suffice")
	ErrReduceOnly     = errors.New("market: there is no position to reduce")
	ErrPositionSide   = errors.New("market: the position side does not fit the position mode")
	ErrTooManyOrders  = errors.New("market: too many open orders")
	ErrWouldTake      = errors.New("market: the post-only order would take")
	ErrNotFillable    = errors.New("market: the fill-or-kill order cannot be filled")
	ErrNoOrder        = errors.New("market: there is no such order")
	ErrNotOpen        = errors.New("market: the order is not open")
	ErrNoChange       = errors.New("market: the amendment changes nothing")
	ErrAlreadyFilled  = errors.New("market: that much of the order is filled already")
	ErrNotALimitOrder = errors.New("market: only limit orders can be amended")
	ErrModeLocked     = errors.New("market: the position mode cannot change while there are orders or positions")
)

// Config configures a Market.
type Config struct {
	// Spot exchanges one asset for another; otherwise orders open and close positions of linear derivatives.
	Spot     bool
	Symbols  []SymbolConfig
	Accounts []AccountConfig
	// FirstOrderID, FirstTradeID and FirstUpdateID are where ids start, 0 for 1.
	FirstOrderID, FirstTradeID, FirstUpdateID int64
	// Seed chooses the gaps between update ids. NoGaps has none.
	Seed   uint64
	NoGaps bool
	// HistorySize is the number of finished orders, and of executions, that are kept, 0 for 100000.
	HistorySize int
	// ForcedIDs has the prefixes of client ids of the venue's own orders; without one they have none.
	ForcedIDs map[ExecutionKind]string
}

// Market is the engine; see the package comment for who may use it.
type Market struct {
	spot     bool
	names    []string
	books    map[string]*book
	accounts map[string]*account
	random   *rand.Rand
	noGaps   bool
	history  int
	forced   map[ExecutionKind]string

	nextOrderID, nextExecutionID, nextTransferID int64
	orders                                       map[int64]*order
	// finished are the ids of orders that ended, the oldest first.
	finished   []int64
	executions []Execution

	nowNs          int64
	events, handed []Event
}

// New returns a market with empty books, or an error that names what is wrong with the configuration.
func New(c Config) (*Market, error) {
	m := &Market{spot: c.Spot, books: map[string]*book{}, accounts: map[string]*account{}, noGaps: c.NoGaps,
		history: c.HistorySize, forced: c.ForcedIDs, random: rand.New(rand.NewPCG(c.Seed, 0x6d61726b6574)),
		orders: map[int64]*order{}, nextOrderID: max(c.FirstOrderID, 1), nextTransferID: max(c.FirstTradeID, 1),
		nextExecutionID: max(c.FirstTradeID, 1)}
	if m.history == 0 {
		m.history = 100_000
	}
	if m.history < 0 {
		return nil, fmt.Errorf("market: history of %d orders: must be 0 or more", m.history)
	}
	for _, sc := range c.Symbols {
		s, err := NewSymbol(sc)
		if err != nil {
			return nil, err
		}
		if m.books[s.Name] != nil {
			return nil, fmt.Errorf("market: symbol %s is given twice; remove one", s.Name)
		}
		m.books[s.Name] = newBook(s, max(c.FirstUpdateID, 1), max(c.FirstTradeID, 1))
		m.names = append(m.names, s.Name)
	}
	for _, ac := range c.Accounts {
		if ac.Name == "" || m.accounts[ac.Name] != nil {
			return nil, fmt.Errorf("market: account %q: names must be unique", ac.Name)
		}
		if ac.Leverage < 0 {
			return nil, fmt.Errorf("market: account %s: leverage %d: must be 1 or more", ac.Name, ac.Leverage)
		}
		m.accounts[ac.Name] = newAccount(ac)
	}
	return m, nil
}

// Drain returns what has happened since the last call, valid until the next one.
func (m *Market) Drain() []Event {
	m.events, m.handed = m.handed[:0], m.events
	return m.handed
}

// Symbols returns the names of the symbols as configured, in that order.
func (m *Market) Symbols() []string { return slices.Clone(m.names) }

// Symbol returns a symbol, or ErrSymbol.
func (m *Market) Symbol(name string) (*Symbol, error) {
	b, err := m.book(name)
	if err != nil {
		return nil, err
	}
	return b.symbol, nil
}

func (m *Market) book(symbol string) (*book, error) {
	b := m.books[symbol]
	if b == nil {
		return nil, fmt.Errorf("%w: %q", ErrSymbol, symbol)
	}
	return b, nil
}

func (m *Market) account(name string) (*account, error) {
	a := m.accounts[name]
	if a == nil {
		return nil, fmt.Errorf("%w: %q", ErrAccount, name)
	}
	return a, nil
}

// Book returns the best levels of both sides and the id of the latest change.
func (m *Market) Book(symbol string, limit int) (bids, asks []Level, updateID int64, err error) {
	b, err := m.book(symbol)
	if err != nil {
		return nil, nil, 0, err
	}
	return b.top(hft.Buy, limit), b.top(hft.Sell, limit), b.updateID, nil
}

// LastPrice returns the price of the last trade in ticks: before the first one the middle of the book, 0 when it is
// empty.
func (m *Market) LastPrice(symbol string) (ticks int64) {
	b := m.books[symbol]
	if b == nil {
		return 0
	}
	if b.lastTick != 0 {
		return b.lastTick
	}
	double, _ := b.mid()
	return double / 2
}

// Order returns an order, open or finished, of an account.
func (m *Market) Order(accountName string, ref Ref) (Order, error) {
	o, err := m.find(accountName, ref)
	if err != nil {
		return Order{}, err
	}
	return o.Order, nil
}

func (m *Market) find(accountName string, ref Ref) (*order, error) {
	a, err := m.account(accountName)
	if err != nil {
		return nil, err
	}
	if _, err := m.book(ref.Symbol); err != nil {
		return nil, err
	}
	o := m.orders[ref.ID]
	if ref.ID == 0 {
		o = a.byClientID[ref.ClientID]
	}
	if o == nil || o.account != a || o.Symbol != ref.Symbol {
		return nil, ErrNoOrder
	}
	return o, nil
}

// OpenOrders returns the orders of an account in the book of a symbol, of all symbols when that is empty, by id.
func (m *Market) OpenOrders(accountName, symbol string) []Order {
	a := m.accounts[accountName]
	if a == nil {
		return nil
	}
	var list []Order
	for name, orders := range a.open {
		if symbol != "" && name != symbol {
			continue
		}
		for _, o := range orders {
			list = append(list, o.Order)
		}
	}
	slices.SortFunc(list, byID)
	return list
}

func byID(a, b Order) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// Orders returns all orders of an account that are known, open and finished, of all accounts when the name is empty.
func (m *Market) Orders(accountName string) []Order {
	var list []Order
	for _, o := range m.orders {
		if accountName == "" || o.Account == accountName {
			list = append(list, o.Order)
		}
	}
	slices.SortFunc(list, byID)
	return list
}

// Executions returns the executions of an account that are known, the oldest first, of all accounts and symbols when
// those are empty.
func (m *Market) Executions(accountName, symbol string) []Execution {
	var list []Execution
	for _, e := range m.executions {
		if (accountName == "" || e.Account == accountName) && (symbol == "" || e.Symbol == symbol) {
			list = append(list, e)
		}
	}
	return list
}

// ExecutionsOf returns the executions of an order that are known, the oldest first.
func (m *Market) ExecutionsOf(o *Order) []Execution {
	var list []Execution
	for i := len(m.executions) - 1; i >= 0 && m.executions[i].TimeNs >= o.CreatedNs; i-- {
		if m.executions[i].OrderID == o.ID {
			list = append(list, m.executions[i])
		}
	}
	slices.Reverse(list)
	return list
}

// Positions returns the positions of an account, flat ones that once were included, by symbol.
func (m *Market) Positions(accountName string) []Position {
	if a := m.accounts[accountName]; a != nil {
		return a.sortedPositions()
	}
	return nil
}

// Balances returns the balances of an account by asset.
func (m *Market) Balances(accountName string) []Balance {
	if a := m.accounts[accountName]; a != nil {
		return a.sortedBalances()
	}
	return nil
}

// Accounts returns the names of the accounts in alphabetical order.
func (m *Market) Accounts() []string { return slices.Sorted(maps.Keys(m.accounts)) }

// Hedge reports whether an account keeps two positions for each symbol.
func (m *Market) Hedge(accountName string) bool {
	a := m.accounts[accountName]
	return a != nil && a.hedge
}

// SetHedge changes the position mode, which is refused with ErrModeLocked while there are orders or positions.
func (m *Market) SetHedge(accountName string, hedge bool) error {
	a, err := m.account(accountName)
	if err != nil {
		return err
	}
	if a.hedge == hedge {
		return ErrNoChange
	}
	for _, p := range a.positions {
		if p.Lots != 0 {
			return ErrModeLocked
		}
	}
	if len(m.OpenOrders(accountName, "")) > 0 {
		return ErrModeLocked
	}
	a.hedge = hedge
	return nil
}

func (m *Market) emit(e Event) {
	e.TimeNs = m.nowNs
	m.events = append(m.events, e)
}

// changed emits the new quantity of a level and drops the level when that is 0.
func (m *Market) changed(b *book, s *bookSide, tick int64) {
	lots := int64(0)
	if i, found := s.find(tick); found {
		lots = s.levels[i].lots()
	}
	b.updateID++
	if !m.noGaps {
		b.updateID += m.random.Int64N(3)
	}
	s.drop(tick)
	m.emit(Event{Kind: LevelChanged, Symbol: b.symbol, UpdateID: b.updateID, Side: s.side, PriceTicks: tick,
		QtyLots: lots})
}
