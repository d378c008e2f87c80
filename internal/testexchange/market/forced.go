package market

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// ExecutionKind is the cause of an execution.
type ExecutionKind string

// Kinds of executions: a trade, what the venue does to a position on its own, and funding, which is none.
const (
	Trade       ExecutionKind = ""
	Liquidation ExecutionKind = "liquidation"
	ADL         ExecutionKind = "adl"
	Settlement  ExecutionKind = "settlement"
	Delivery    ExecutionKind = "delivery"
	Funding     ExecutionKind = "funding"
)

// Why is the cause of a change of an account that no order has made.
type Why string

// Causes.
const (
	WhyFunding  Why = "funding"
	WhyDeposit  Why = "deposit"
	WhyWithdraw Why = "withdraw"
)

// Errors of what happens to an account.
var (
	ErrNoPosition = errors.New("market: there is no such position")
	ErrNoSpot     = errors.New("market: spot has no positions")
	ErrKind       = errors.New("market: not a way in which a position is closed: use liquidation, adl, settlement or delivery")
)

// Close lets the venue close lots of a position, all of it for 0, at a price, the last one for 0. A liquidation
// cancels the account's orders of the symbol first, and like an ADL it is a trade that everybody sees.
func (m *Market) Close(nowNs int64, accountName, symbol string, side PositionSide, kind ExecutionKind, priceTicks,
	lots int64) error {
	m.nowNs = nowNs
	a, b, err := m.derivative(accountName, symbol)
	if err != nil {
		return err
	}
	if !slices.Contains([]ExecutionKind{Liquidation, ADL, Settlement, Delivery}, kind) {
		return fmt.Errorf("%w, not %q", ErrKind, kind)
	}
	p := a.position(b.symbol, side)
	held := int64(magnitude(p.Lots))
	if priceTicks == 0 {
		priceTicks = m.LastPrice(symbol)
	}
	if lots == 0 {
		lots = held
	}
	if held == 0 || lots < 0 || lots > held || priceTicks <= 0 {
		return fmt.Errorf("%w: %d of %d lots of %s at %d ticks", ErrNoPosition, lots, held, symbol, priceTicks)
	}
	if kind == Liquidation {
		for _, o := range m.OpenOrders(accountName, symbol) {
			m.finish(m.orders[o.ID], hft.StatusExpired, ReasonLiquidation, Expired)
		}
	}
	o := &order{account: a, book: b, Order: Order{Account: accountName, Symbol: symbol, Side: hft.Sell,
		Type: hft.Limit, TIF: hft.IOC,
		PriceTicks: priceTicks, QtyLots: lots, ReduceOnly: true, Position: side, Status: hft.StatusNew, Kind: kind,
		CreatedNs: nowNs, UpdatedNs: nowNs}}
	if p.Lots < 0 {
		o.Side = hft.Buy
	}
	o.ClientID = m.forcedID(kind)
	m.accept(o)
	if kind == Liquidation || kind == ADL {
		m.trade(b, priceTicks, lots, o.Side, nil, o)
		return nil
	}
	m.execute(o, b.nextTradeID, priceTicks, lots, false)
	b.nextTradeID++
	return nil
}

// forcedID is the client id of the venue's next own order; all orders of an ADL have the same.
func (m *Market) forcedID(kind ExecutionKind) string {
	prefix := m.forced[kind]
	if prefix == "" || kind == ADL {
		return prefix
	}
	return fmt.Sprint(prefix, m.nextOrderID)
}

// Settle settles funding of all positions in a symbol: longs pay the rate, in parts per million, of the position's
// value at a price, the last one for 0. An account without position has none.
func (m *Market) Settle(nowNs int64, symbol string, ratePPM, priceTicks int64) error {
	m.nowNs = nowNs
	b, err := m.book(symbol)
	if err != nil {
		return err
	}
	if m.spot {
		return ErrNoSpot
	}
	if priceTicks == 0 {
		priceTicks = m.LastPrice(symbol)
	}
	s := b.symbol
	for _, name := range m.Accounts() {
		a := m.accounts[name]
		for _, p := range a.sortedPositions() {
			if p.Symbol != s || p.Lots == 0 {
				continue
			}
			value := s.Value(priceTicks, p.Lots)
			x := Execution{Kind: Funding, ExecutionID: m.nextExecutionID, TradeID: m.nextTransferID, Account: name,
				Symbol: symbol, Side: hft.Buy,
				Position: p.Side, PriceTicks: priceTicks, QtyLots: int64(magnitude(p.Lots)), Value: value,
				Fee:      scaled(value, ratePPM, 1_000_000),
				FeeAsset: s.QuoteAsset, TimeNs: nowNs}
			if p.Lots < 0 {
				x.Side, x.Value = hft.Sell, -value
			}
			m.nextExecutionID++
			m.nextTransferID++
			quote := a.balance(s.QuoteAsset)
			quote.Total -= x.Fee
			m.keep(x)
			m.emit(Event{Kind: AccountChanged, Symbol: s, Account: name, Why: WhyFunding, Execution: x,
				Balances: []Balance{*quote}})
		}
	}
	return nil
}

// Deposit adds to a balance, or takes from it what is below 0 and not locked.
func (m *Market) Deposit(nowNs int64, accountName, asset string, amount Amount) error {
	m.nowNs = nowNs
	a, err := m.account(accountName)
	if err != nil {
		return err
	}
	b := a.balance(asset)
	if b.Total+amount < b.Locked {
		return ErrFunds
	}
	b.Total += amount
	e := Event{Kind: AccountChanged, Account: accountName, Why: WhyDeposit, Delta: amount, Balances: []Balance{*b}}
	if amount < 0 {
		e.Why = WhyWithdraw
	}
	m.emit(e)
	return nil
}

// Call says to an account that its margin is nearly used up.
func (m *Market) Call(nowNs int64, accountName, symbol string, side PositionSide) error {
	m.nowNs = nowNs
	a, b, err := m.derivative(accountName, symbol)
	if err != nil {
		return err
	}
	p := *a.position(b.symbol, side)
	if p.Lots == 0 {
		return fmt.Errorf("%w: %s", ErrNoPosition, symbol)
	}
	m.emit(Event{Kind: Called, Symbol: b.symbol, Account: accountName, Positions: []Position{p}})
	return nil
}

// SetLeverage changes the leverage of an account, as its owner does by hand.
func (m *Market) SetLeverage(nowNs int64, accountName, symbol string, leverage int64) error {
	m.nowNs = nowNs
	a, b, err := m.derivative(accountName, symbol)
	if err != nil {
		return err
	}
	if leverage < 1 || leverage > 125 {
		return fmt.Errorf("market: leverage %d: must be from 1 to 125", leverage)
	}
	a.config.Leverage = leverage
	m.emit(Event{Kind: LeverageChanged, Symbol: b.symbol, Account: accountName, Leverage: leverage})
	return nil
}

func (m *Market) derivative(accountName, symbol string) (*account, *book, error) {
	a, err := m.account(accountName)
	if err != nil {
		return nil, nil, err
	}
	if m.spot {
		return nil, nil, ErrNoSpot
	}
	b, err := m.book(symbol)
	return a, b, err
}
