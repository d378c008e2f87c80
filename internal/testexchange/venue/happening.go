package venue

import (
	"fmt"

	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// Happening describes an event of an account that none of its own orders causes. Numbers are decimal text, as the venue
// writes them.
type Happening struct {
	// Kind is liquidation, adl, settlement, delivery, funding, deposit, margin_call, leverage or hedge.
	Kind    string `json:"kind"`
	Account string `json:"account"`
	Symbol  string `json:"symbol"`
	// Side is the position of hedge mode, long or short, empty in one-way mode.
	Side string `json:"side"`
	// Qty is the quantity to close, empty for all of it; Price is the price of that, or the mark price of funding,
	// empty for the last price.
	Qty   string `json:"qty"`
	Price string `json:"price"`
	// RatePPM is the funding rate that longs pay, Leverage the new leverage. Hedge turns hedge mode on or off.
	RatePPM  int64 `json:"ratePpm"`
	Leverage int64 `json:"leverage"`
	Hedge    bool  `json:"hedge"`
	// Asset and Amount are those of a deposit; an amount below 0 is a withdrawal.
	Asset  string `json:"asset"`
	Amount string `json:"amount"`
}

// Happen lets something happen to an account. An error says why it cannot; nothing has changed then.
func (c *Core) Happen(h Happening) (err error) {
	c.Do(func(nowNs int64, m *market.Market) { err = h.do(nowNs, m) })
	if err != nil {
		return fmt.Errorf("%s: %w", h.Kind, err)
	}
	return nil
}

func (h *Happening) do(nowNs int64, m *market.Market) error {
	switch h.Kind {
	case "deposit":
		amount, err := market.ParseAmount(h.Amount)
		if err != nil {
			return err
		}
		return m.Deposit(nowNs, h.Account, h.Asset, amount)
	case "hedge":
		return m.SetHedge(h.Account, h.Hedge)
	}
	s, err := m.Symbol(h.Symbol)
	if err != nil {
		return err
	}
	var tick, lots int64
	if h.Price != "" {
		if tick, err = s.Tick.Parse(h.Price); err != nil {
			return fmt.Errorf("price %q: %w", h.Price, err)
		}
	}
	if h.Qty != "" {
		if lots, err = s.Lot.Parse(h.Qty); err != nil {
			return fmt.Errorf("qty %q: %w", h.Qty, err)
		}
	}
	side, known := map[string]market.PositionSide{"": market.Both, "long": market.Long, "short": market.Short}[h.Side]
	if !known {
		return fmt.Errorf("side %q is not a position's; use long, short, or nothing in one-way mode", h.Side)
	}
	switch h.Kind {
	case "funding":
		return m.Settle(nowNs, h.Symbol, h.RatePPM, tick)
	case "margin_call":
		return m.Call(nowNs, h.Account, h.Symbol, side)
	case "leverage":
		return m.SetLeverage(nowNs, h.Account, h.Symbol, h.Leverage)
	}
	return m.Close(nowNs, h.Account, h.Symbol, side, market.ExecutionKind(h.Kind), tick, lots)
}
