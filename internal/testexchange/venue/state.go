package venue

import (
	"errors"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// State is a venue as it stands, for assertions and the admin endpoint. Prices and quantities are decimal text as the
// venue writes them.
type State struct {
	Venue string `json:"venue"`
	NowNs int64  `json:"nowNs"`
	// Orders and Executions are those of all accounts, the oldest first.
	Orders      []OrderState      `json:"orders"`
	Executions  []ExecutionState  `json:"executions"`
	Funding     []FundingState    `json:"funding"`
	Positions   []PositionState   `json:"positions"`
	Balances    []BalanceState    `json:"balances"`
	Books       []BookState       `json:"books"`
	Connections []ConnectionState `json:"connections"`
	Faults      []fault.Status    `json:"faults"`
	// Requests counts by description, Submits and Cancels by client order id.
	Requests   map[string]int `json:"requests"`
	Submits    map[string]int `json:"submits"`
	Cancels    map[string]int `json:"cancels"`
	Heartbeats []Heartbeat    `json:"heartbeats"`
	// Background describes why the market of others has stopped, if it has by an error.
	Background string `json:"background,omitempty"`
}

// OrderState is an order.
type OrderState struct {
	Account   string `json:"account"`
	Symbol    string `json:"symbol"`
	ID        int64  `json:"id"`
	ClientID  string `json:"clientId"`
	Side      string `json:"side"`
	Status    string `json:"status"`
	Reason    string `json:"reason,omitempty"`
	Price     string `json:"price"`
	Qty       string `json:"qty"`
	Filled    string `json:"filled"`
	UpdatedNs int64  `json:"updatedNs"`
}

// ExecutionState is an execution.
type ExecutionState struct {
	Account  string `json:"account"`
	Symbol   string `json:"symbol"`
	ID       int64  `json:"id"`
	TradeID  int64  `json:"tradeId"`
	OrderID  int64  `json:"orderId"`
	ClientID string `json:"clientId"`
	Side     string `json:"side"`
	Price    string `json:"price"`
	Qty      string `json:"qty"`
	Fee      string `json:"fee"`
	FeeAsset string `json:"feeAsset"`
	Maker    bool   `json:"maker"`
	TimeNs   int64  `json:"timeNs"`
	// Kind is the cause, such as liquidation; empty for a trade.
	Kind string `json:"kind,omitempty"`
}

// FundingState is a settlement of funding; Paid is below 0 for what was received.
type FundingState struct {
	Account string `json:"account"`
	Symbol  string `json:"symbol"`
	ID      int64  `json:"id"`
	Paid    string `json:"paid"`
	Asset   string `json:"asset"`
	TimeNs  int64  `json:"timeNs"`
}

// PositionState is a position, flat ones included once there was one.
type PositionState struct {
	Account string `json:"account"`
	Symbol  string `json:"symbol"`
	Side    string `json:"side"`
	Qty     string `json:"qty"`
	Entry   string `json:"entry"`
}

// BalanceState is a balance.
type BalanceState struct {
	Account string `json:"account"`
	Asset   string `json:"asset"`
	Total   string `json:"total"`
	Locked  string `json:"locked"`
}

// BookState is a whole book: price and quantity of each level, the best first.
type BookState struct {
	Symbol   string      `json:"symbol"`
	UpdateID int64       `json:"updateId"`
	Bids     [][2]string `json:"bids"`
	Asks     [][2]string `json:"asks"`
}

// ConnectionState is an open WebSocket connection.
type ConnectionState struct {
	ID       int64    `json:"id"`
	Path     string   `json:"path"`
	Streams  []string `json:"streams"`
	Sent     int64    `json:"sent"`
	Received int64    `json:"received"`
}

// State returns the venue as it stands, all at one moment except the counters of connections.
func (c *Core) State() State {
	s := State{Venue: c.Name, Faults: c.Faults.Armed()}
	c.Do(func(nowNs int64, m *market.Market) {
		s.NowNs = nowNs
		s.fill(m)
		if c.background != nil && c.background.Err() != nil {
			s.Background = c.background.Err().Error()
		}
	})
	c.Counters.copyInto(&s)
	for _, conn := range c.Hub.Conns() {
		sent, received := conn.Counts()
		s.Connections = append(s.Connections, ConnectionState{ID: conn.ID, Path: conn.Path, Streams: conn.Streams(),
			Sent: sent, Received: received})
	}
	return s
}

func (s *State) fill(m *market.Market) {
	symbols := map[string]*market.Symbol{}
	for _, name := range m.Symbols() {
		symbols[name], _ = m.Symbol(name) // it is one of them
		s.Books = append(s.Books, bookState(m, symbols[name]))
	}
	for _, o := range m.Orders("") {
		sy := symbols[o.Symbol]
		s.Orders = append(s.Orders, OrderState{Account: o.Account, Symbol: o.Symbol, ID: o.ID, ClientID: o.ClientID,
			Side: o.Side.String(), Status: o.Status.String(), Reason: string(o.Reason),
			Price: sy.Tick.Format(o.PriceTicks), Qty: sy.Lot.Format(o.QtyLots), Filled: sy.Lot.Format(o.FilledLots),
			UpdatedNs: o.UpdatedNs})
	}
	for _, x := range m.Executions("", "") {
		sy := symbols[x.Symbol]
		if x.Kind == market.Funding {
			s.Funding = append(s.Funding, FundingState{x.Account, x.Symbol, x.TradeID, x.Fee.String(), x.FeeAsset,
				x.TimeNs})
			continue
		}
		s.Executions = append(s.Executions, ExecutionState{Account: x.Account, Symbol: x.Symbol, ID: x.ExecutionID,
			TradeID: x.TradeID, OrderID: x.OrderID, ClientID: x.ClientID, Side: x.Side.String(),
			Price: sy.Tick.Format(x.PriceTicks), Qty: sy.Lot.Format(x.QtyLots), Fee: x.Fee.String(),
			FeeAsset: x.FeeAsset, Maker: x.Maker, TimeNs: x.TimeNs, Kind: string(x.Kind)})
	}
	for _, account := range m.Accounts() {
		for _, p := range m.Positions(account) {
			s.Positions = append(s.Positions, PositionState{Account: account, Symbol: p.Symbol.Name,
				Side: [...]string{"both", "long", "short"}[p.Side], Qty: p.Symbol.Lot.Format(p.Lots),
				Entry: p.EntryPrice()})
		}
		for _, b := range m.Balances(account) {
			s.Balances = append(s.Balances, BalanceState{Account: account, Asset: b.Asset, Total: b.Total.String(),
				Locked: b.Locked.String()})
		}
	}
}

func bookState(m *market.Market, s *market.Symbol) BookState {
	const all = 1 << 30
	bids, asks, id, _ := m.Book(s.Name, all) // the symbol is one of the market's
	return BookState{Symbol: s.Name, UpdateID: id, Bids: Levels(s, bids), Asks: Levels(s, asks)}
}

// Levels writes levels as text.
func Levels(s *market.Symbol, levels []market.Level) [][2]string {
	list := make([][2]string, 0, len(levels))
	for _, l := range levels {
		list = append(list, [2]string{s.Tick.Format(l.PriceTicks), s.Lot.Format(l.QtyLots)})
	}
	return list
}

// ErrNoBackground reports that a row is not for a market that a background moves.
var ErrNoBackground = errors.New("venue: the background moves this market; start it without one")

// SetLevel sets what others have at a price; quantity 0 removes it. For a market without background.
func (c *Core) SetLevel(symbol string, side hft.Side, price, qty float64) error {
	kind := hft.DepthEvent
	return c.apply(symbol, kind, side, price, qty)
}

// TradeOfOthers lets others trade; side is the taker's. It fills own orders that it reaches.
func (c *Core) TradeOfOthers(symbol string, taker hft.Side, price, qty float64) error {
	return c.apply(symbol, hft.TradeEvent, taker, price, qty)
}

func (c *Core) apply(symbol string, kind uint64, side hft.Side, price, qty float64) error {
	if c.background != nil {
		return ErrNoBackground
	}
	flag := hft.BuyEvent
	if side == hft.Sell {
		flag = hft.SellEvent
	}
	var err error
	c.Do(func(nowNs int64, m *market.Market) {
		err = m.ApplyBatch(nowNs, symbol, []hft.Event{{Ev: kind | flag, Px: price, Qty: qty}})
	})
	return err
}
