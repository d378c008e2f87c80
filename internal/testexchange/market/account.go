package market

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// AccountConfig describes an account.
type AccountConfig struct {
	Name string
	// Balances by asset.
	Balances map[string]Amount
	// Hedge keeps a long and a short position for each symbol instead of one.
	Hedge bool
	// Leverage divides the margin that positions and orders need, 0 for 20. It is not used for spot.
	Leverage int64
	// FeeAsset, when not empty, is what fees are paid in while the balance lasts, at the last price of its market in
	// the quote asset; those in Credits at par.
	FeeAsset string
}

// Credits is an asset that fees are paid in where the account has no other, worth one of each quote asset.
const Credits = "BNFCR"

// Balance is an account's balance of an asset.
type Balance struct {
	Asset string
	// Total is all of it, Locked what open orders hold (spot).
	Total, Locked Amount
}

// Position is an account's position in a derivative.
type Position struct {
	Symbol *Symbol
	Side   PositionSide
	// Lots is negative for a short position. Cost is what it was entered for, of the same sign.
	Lots      int64
	Cost      Amount
	Realized  Amount
	UpdatedNs int64
}

// EntryPrice returns the average price of the position as text, "0" when it is flat.
func (p *Position) EntryPrice() string { return p.Symbol.Average(p.Cost, p.Lots) }

type positionKey struct {
	symbol string
	side   PositionSide
}

type account struct {
	config    AccountConfig
	hedge     bool
	balances  map[string]*Balance
	positions map[positionKey]*Position
	// open are the orders in books by symbol; byClientID are the latest orders of each client id.
	open       map[string][]*order
	byClientID map[string]*order
}

func newAccount(c AccountConfig) *account {
	if c.Leverage == 0 {
		c.Leverage = 20
	}
	a := &account{config: c, hedge: c.Hedge, balances: map[string]*Balance{}, positions: map[positionKey]*Position{},
		open: map[string][]*order{}, byClientID: map[string]*order{}}
	for asset, total := range c.Balances {
		a.balances[asset] = &Balance{Asset: asset, Total: total}
	}
	return a
}

func (a *account) balance(asset string) *Balance {
	b := a.balances[asset]
	if b == nil {
		b = &Balance{Asset: asset}
		a.balances[asset] = b
	}
	return b
}

func (a *account) position(s *Symbol, side PositionSide) *Position {
	key := positionKey{s.Name, side}
	p := a.positions[key]
	if p == nil {
		p = &Position{Symbol: s, Side: side}
		a.positions[key] = p
	}
	return p
}

func (a *account) sortedPositions() []Position {
	list := make([]Position, 0, len(a.positions))
	for _, p := range a.positions {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(x, y Position) int {
		return cmp.Or(cmp.Compare(x.Symbol.Name, y.Symbol.Name), cmp.Compare(x.Side, y.Side))
	})
	return list
}

func (a *account) sortedBalances() []Balance {
	list := make([]Balance, 0, len(a.balances))
	for _, asset := range slices.Sorted(maps.Keys(a.balances)) {
		list = append(list, *a.balances[asset])
	}
	return list
}

// fill books one execution of a derivative and returns the realized profit, without the fee.
func (p *Position) fill(side hft.Side, tick, lots int64, nowNs int64) (realized Amount) {
	p.UpdatedNs = nowNs
	signed := int64(side) * lots
	closing := int64(0)
	if p.Lots != 0 && (p.Lots > 0) != (signed > 0) {
		closing = min(lots, int64(magnitude(p.Lots)))
	}
	if closing > 0 {
		cost := scaled(p.Cost, closing, int64(magnitude(p.Lots)))
		proceeds := p.Symbol.Value(tick, closing)
		if p.Lots > 0 {
			realized = proceeds - cost
		} else {
			realized = -cost - proceeds
		}
		p.Cost -= cost
		p.Lots += int64(side) * closing
		signed -= int64(side) * closing
	}
	p.Lots += signed
	p.Cost += p.Symbol.Value(tick, signed)
	p.Realized += realized
	return realized
}
