package binancefutures

import (
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// withSymbol runs fn under the lock with the symbol of a request; an optional one that is absent is nil.
func (v *Venue) withSymbol(c *binance.Call, optional bool, fn func(nowNs int64, m *market.Market,
	s *market.Symbol) (any, *binance.Error)) (out any, bad *binance.Error) {
	name := c.Params["symbol"]
	if name == "" && !optional {
		return nil, binance.ErrMalformed("symbol")
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		var s *market.Symbol
		if name != "" {
			var err error
			if s, err = m.Symbol(name); err != nil {
				bad = refusal(err, nil)
				return
			}
		}
		out, bad = fn(nowNs, m, s)
	})
	return out, bad
}

// order answers a query for one order; openOnly hides finished ones.
func (v *Venue) order(openOnly bool) func(*binance.Call) (any, *binance.Error) {
	return func(c *binance.Call) (any, *binance.Error) {
		ref, bad := readRef(c.Params)
		if bad != nil {
			return nil, bad
		}
		return v.withSymbol(c, false, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
			o, err := m.Order(c.Key.Account, ref)
			if err != nil || openOnly && !o.Open() {
				return nil, binance.ErrNoSuchOrder()
			}
			return queried(s, &o), nil
		})
	}
}

func (v *Venue) openOrders(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, true, func(_ int64, m *market.Market, _ *market.Symbol) (any, *binance.Error) {
		return acks(m, m.OpenOrders(c.Key.Account, c.Params["symbol"])), nil
	})
}

func (v *Venue) allOrders(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, false, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		var list []market.Order
		for _, o := range m.Orders(c.Key.Account) {
			if o.Symbol == s.Name {
				list = append(list, o)
			}
		}
		return acks(m, list[max(len(list)-500, 0):]), nil
	})
}

func acks(m *market.Market, orders []market.Order) []*ack {
	list := []*ack{}
	for i := range orders {
		if s, err := m.Symbol(orders[i].Symbol); err == nil {
			list = append(list, queried(s, &orders[i]))
		}
	}
	return list
}

// userTrade is a row of the executions of an account.
type userTrade struct {
	Buyer        bool   `json:"buyer"`
	Commission   string `json:"commission"`
	Asset        string `json:"commissionAsset"`
	ID           int64  `json:"id"`
	Maker        bool   `json:"maker"`
	OrderID      int64  `json:"orderId"`
	Price        string `json:"price"`
	Qty          string `json:"qty"`
	QuoteQty     string `json:"quoteQty"`
	RealizedPnl  string `json:"realizedPnl"`
	Side         string `json:"side"`
	PositionSide string `json:"positionSide"`
	Symbol       string `json:"symbol"`
	Time         int64  `json:"time"`
}

func (v *Venue) userTrades(c *binance.Call) (any, *binance.Error) {
	var bounds [5]int64
	for i, name := range []string{"orderId", "startTime", "endTime", "fromId", "limit"} {
		n, bad := c.Params.Int(name)
		if bad != nil {
			return nil, bad
		}
		bounds[i] = n
	}
	orderID, start, end, fromID, limit := bounds[0], bounds[1], bounds[2], bounds[3], bounds[4]
	if limit <= 0 || limit > 1000 {
		limit = 500
	}
	return v.withSymbol(c, false, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		list := []userTrade{}
		for _, x := range m.Executions(c.Key.Account, s.Name) {
			at := binance.Milliseconds(x.TimeNs)
			if x.Kind == market.Funding || orderID != 0 && x.OrderID != orderID || at < start || end != 0 && at > end ||
				x.TradeID < fromID {
				continue
			}
			list = append(list, userTrade{Buyer: x.Side == hft.Buy, Commission: x.Fee.String(), Asset: x.FeeAsset,
				ID: x.TradeID, Maker: x.Maker, OrderID: x.OrderID, Price: s.Tick.Format(x.PriceTicks),
				Qty: s.Lot.Format(x.QtyLots), QuoteQty: x.Value.String(), RealizedPnl: x.RealizedPnL.String(),
				Side: binance.Side(x.Side), PositionSide: positionSide(x.Position), Symbol: s.Name, Time: at})
		}
		if fromID != 0 || start != 0 {
			return list[:min(len(list), int(limit))], nil
		}
		return list[max(len(list)-int(limit), 0):], nil
	})
}

// positionRow is a row of positionRisk.
type positionRow struct {
	Symbol                 string `json:"symbol"`
	PositionSide           string `json:"positionSide"`
	PositionAmt            string `json:"positionAmt"`
	EntryPrice             string `json:"entryPrice"`
	BreakEvenPrice         string `json:"breakEvenPrice"`
	MarkPrice              string `json:"markPrice"`
	UnRealizedProfit       string `json:"unRealizedProfit"`
	LiquidationPrice       string `json:"liquidationPrice"`
	IsolatedMargin         string `json:"isolatedMargin"`
	Notional               string `json:"notional"`
	MarginAsset            string `json:"marginAsset"`
	IsolatedWallet         string `json:"isolatedWallet"`
	InitialMargin          string `json:"initialMargin"`
	MaintMargin            string `json:"maintMargin"`
	PositionInitialMargin  string `json:"positionInitialMargin"`
	OpenOrderInitialMargin string `json:"openOrderInitialMargin"`
	ADL                    int    `json:"adl"`
	BidNotional            string `json:"bidNotional"`
	AskNotional            string `json:"askNotional"`
	UpdateTime             int64  `json:"updateTime"`
}

// positionRisk answers with the symbols that have a position or orders.
func (v *Venue) positionRisk(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, true, func(nowNs int64, m *market.Market, only *market.Symbol) (any, *binance.Error) {
		rows := []positionRow{}
		known := map[string]bool{}
		for _, p := range m.Positions(c.Key.Account) {
			if only != nil && p.Symbol.Name != only.Name || p.Lots == 0 &&
				len(m.OpenOrders(c.Key.Account, p.Symbol.Name)) == 0 {
				continue
			}
			known[p.Symbol.Name] = true
			rows = append(rows, newPositionRow(m, &p))
		}
		for _, name := range m.Symbols() {
			if known[name] || only != nil && only.Name != name || len(m.OpenOrders(c.Key.Account, name)) == 0 {
				continue
			}
			s, err := m.Symbol(name)
			if err != nil {
				return nil, refusal(err, nil)
			}
			rows = append(rows, newPositionRow(m, &market.Position{Symbol: s, UpdatedNs: nowNs}))
		}
		return rows, nil
	})
}

func newPositionRow(m *market.Market, p *market.Position) positionRow {
	s := p.Symbol
	mark := m.LastPrice(s.Name)
	notional := s.Value(mark, p.Lots)
	return positionRow{Symbol: s.Name, PositionSide: positionSide(p.Side), PositionAmt: s.Lot.Format(p.Lots),
		EntryPrice: p.EntryPrice(), BreakEvenPrice: p.EntryPrice(), MarkPrice: s.Tick.Format(mark),
		UnRealizedProfit: (notional - p.Cost).String(), LiquidationPrice: "0", IsolatedMargin: "0",
		Notional: notional.String(), MarginAsset: s.QuoteAsset, IsolatedWallet: "0", InitialMargin: "0",
		MaintMargin: "0", PositionInitialMargin: "0", OpenOrderInitialMargin: "0", BidNotional: "0", AskNotional: "0",
		UpdateTime: binance.Milliseconds(p.UpdatedNs)}
}

type balanceRow struct {
	AccountAlias       string `json:"accountAlias"`
	Asset              string `json:"asset"`
	Balance            string `json:"balance"`
	CrossWalletBalance string `json:"crossWalletBalance"`
	CrossUnPnl         string `json:"crossUnPnl"`
	AvailableBalance   string `json:"availableBalance"`
	MaxWithdrawAmount  string `json:"maxWithdrawAmount"`
	MarginAvailable    bool   `json:"marginAvailable"`
	UpdateTime         int64  `json:"updateTime"`
}

func (v *Venue) balance(c *binance.Call) (any, *binance.Error) {
	rows := []balanceRow{}
	v.core.Do(func(nowNs int64, m *market.Market) {
		for _, b := range m.Balances(c.Key.Account) {
			total := b.Total.String()
			rows = append(rows, balanceRow{AccountAlias: "SgsR", Asset: b.Asset, Balance: total,
				CrossWalletBalance: total, CrossUnPnl: "0.00000000", AvailableBalance: total, MaxWithdrawAmount: total,
				MarginAvailable: true, UpdateTime: binance.Milliseconds(nowNs)})
		}
	})
	return rows, nil
}

type accountInfo struct {
	FeeTier            int            `json:"feeTier"`
	CanTrade           bool           `json:"canTrade"`
	CanDeposit         bool           `json:"canDeposit"`
	CanWithdraw        bool           `json:"canWithdraw"`
	MultiAssetsMargin  bool           `json:"multiAssetsMargin"`
	TotalWalletBalance string         `json:"totalWalletBalance"`
	AvailableBalance   string         `json:"availableBalance"`
	Assets             []accountAsset `json:"assets"`
	Positions          []positionRow  `json:"positions"`
}

type accountAsset struct {
	Asset            string `json:"asset"`
	WalletBalance    string `json:"walletBalance"`
	MarginBalance    string `json:"marginBalance"`
	AvailableBalance string `json:"availableBalance"`
	UpdateTime       int64  `json:"updateTime"`
}

func (v *Venue) account(c *binance.Call) (any, *binance.Error) {
	info := accountInfo{CanTrade: !c.Key.ReadOnly, CanDeposit: true, Assets: []accountAsset{},
		Positions: []positionRow{}}
	v.core.Do(func(nowNs int64, m *market.Market) {
		var total market.Amount
		for _, b := range m.Balances(c.Key.Account) {
			if b.Asset == "USDT" {
				total = b.Total
			}
			text := b.Total.String()
			info.Assets = append(info.Assets, accountAsset{b.Asset, text, text, text, binance.Milliseconds(nowNs)})
		}
		info.TotalWalletBalance, info.AvailableBalance = total.String(), total.String()
		for _, p := range m.Positions(c.Key.Account) {
			if p.Lots != 0 {
				info.Positions = append(info.Positions, newPositionRow(m, &p))
			}
		}
	})
	return info, nil
}

func (v *Venue) dual(c *binance.Call) (any, *binance.Error) {
	var dual bool
	v.core.Do(func(_ int64, m *market.Market) { dual = m.Hedge(c.Key.Account) })
	return map[string]bool{"dualSidePosition": dual}, nil
}

func (v *Venue) setDual(c *binance.Call) (any, *binance.Error) {
	var err error
	v.core.Do(func(_ int64, m *market.Market) {
		err = m.SetHedge(c.Key.Account, strings.EqualFold(c.Params["dualSidePosition"], "true"))
	})
	switch err {
	case nil:
		return map[string]any{"code": 200, "msg": "success"}, nil
	case market.ErrNoChange:
		return nil, &binance.Error{Code: -4059, Msg: "No need to change position side."}
	}
	return nil, &binance.Error{Code: -4068, Msg: "Position side cannot be changed if there exists position."}
}

func (v *Venue) orderCounts(c *binance.Call) (any, *binance.Error) {
	return v.limits.OrderCounts(v.core.NowNs(), c.Key.Account), nil
}
