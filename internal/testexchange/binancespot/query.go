package binancespot

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// withSymbol runs fn under the lock with the symbol of a request.
func (v *Venue) withSymbol(c *binance.Call, fn func(nowNs int64, m *market.Market, s *market.Symbol) (any,
	*binance.Error)) (out any, bad *binance.Error) {
	if bad := c.Params.Need("symbol"); bad != nil {
		return nil, bad
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(c.Params["symbol"])
		if err != nil {
			bad = refusal(err)
			return
		}
		out, bad = fn(nowNs, m, s)
	})
	return out, bad
}

// queried is an order as queries are answered.
type queried struct {
	Symbol            string `json:"symbol"`
	OrderID           int64  `json:"orderId"`
	OrderListID       int64  `json:"orderListId"`
	ClientOrderID     string `json:"clientOrderId"`
	Price             string `json:"price"`
	OrigQty           string `json:"origQty"`
	ExecutedQty       string `json:"executedQty"`
	CumulativeQuote   string `json:"cummulativeQuoteQty"`
	Status            string `json:"status"`
	TimeInForce       string `json:"timeInForce"`
	Type              string `json:"type"`
	Side              string `json:"side"`
	StopPrice         string `json:"stopPrice"`
	IcebergQty        string `json:"icebergQty"`
	Time              int64  `json:"time"`
	UpdateTime        int64  `json:"updateTime"`
	IsWorking         bool   `json:"isWorking"`
	WorkingTime       int64  `json:"workingTime"`
	OrigQuoteOrderQty string `json:"origQuoteOrderQty"`
	SelfTrade         string `json:"selfTradePreventionMode"`
}

func newQueried(s *market.Symbol, o *market.Order) queried {
	r := newResult(s, o)
	return queried{r.Symbol, r.OrderID, -1, r.ClientOrderID, r.Price, r.OrigQty, r.ExecutedQty, r.CumulativeQuote,
		r.Status, r.TimeInForce, r.Type, r.Side, "0.00000000", "0.00000000", r.WorkingTime, r.TransactTime, true,
		r.WorkingTime, "0.00000000", r.SelfTrade}
}

func (v *Venue) order(c *binance.Call) (any, *binance.Error) {
	ref, bad := readRef(c.Params, "orderId", "origClientOrderId")
	if bad != nil {
		return nil, bad
	}
	return v.withSymbol(c, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		o, err := m.Order(c.Key.Account, ref)
		if err != nil {
			return nil, binance.ErrNoSuchOrder()
		}
		return newQueried(s, &o), nil
	})
}

// openOrders answers for one symbol or for all.
func (v *Venue) openOrders(c *binance.Call) (out any, bad *binance.Error) {
	v.core.Do(func(_ int64, m *market.Market) {
		if name := c.Params["symbol"]; name != "" {
			if _, err := m.Symbol(name); err != nil {
				bad = refusal(err)
				return
			}
		}
		out = orders(m, m.OpenOrders(c.Key.Account, c.Params["symbol"]))
	})
	return out, bad
}

func (v *Venue) allOrders(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		var list []market.Order
		for _, o := range m.Orders(c.Key.Account) {
			if o.Symbol == s.Name {
				list = append(list, o)
			}
		}
		return orders(m, list[max(len(list)-500, 0):]), nil
	})
}

func orders(m *market.Market, list []market.Order) []queried {
	rows := []queried{}
	for i := range list {
		if s, err := m.Symbol(list[i].Symbol); err == nil {
			rows = append(rows, newQueried(s, &list[i]))
		}
	}
	return rows
}

// myTrade is a row of the executions of an account.
type myTrade struct {
	Symbol          string `json:"symbol"`
	ID              int64  `json:"id"`
	OrderID         int64  `json:"orderId"`
	OrderListID     int64  `json:"orderListId"`
	Price           string `json:"price"`
	Qty             string `json:"qty"`
	QuoteQty        string `json:"quoteQty"`
	Commission      string `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	Time            int64  `json:"time"`
	IsBuyer         bool   `json:"isBuyer"`
	IsMaker         bool   `json:"isMaker"`
	IsBestMatch     bool   `json:"isBestMatch"`
}

func (v *Venue) myTrades(c *binance.Call) (any, *binance.Error) {
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
	return v.withSymbol(c, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		list := []myTrade{}
		for _, x := range m.Executions(c.Key.Account, s.Name) {
			at := binance.Milliseconds(x.TimeNs)
			if orderID != 0 && x.OrderID != orderID || at < start || end != 0 && at > end || x.TradeID < fromID {
				continue
			}
			list = append(list, myTrade{s.Name, x.TradeID, x.OrderID, -1, s.Tick.Format(x.PriceTicks),
				s.Lot.Format(x.QtyLots), x.Value.String(), x.Fee.String(), x.FeeAsset, at, x.Side == hft.Buy, x.Maker,
				true})
		}
		if fromID != 0 || start != 0 {
			return list[:min(len(list), int(limit))], nil
		}
		return list[max(len(list)-int(limit), 0):], nil
	})
}

type balance struct {
	Asset  string `json:"asset"`
	Free   string `json:"free"`
	Locked string `json:"locked"`
}

type accountInfo struct {
	MakerCommission int       `json:"makerCommission"`
	TakerCommission int       `json:"takerCommission"`
	CanTrade        bool      `json:"canTrade"`
	CanWithdraw     bool      `json:"canWithdraw"`
	CanDeposit      bool      `json:"canDeposit"`
	UpdateTime      int64     `json:"updateTime"`
	AccountType     string    `json:"accountType"`
	Balances        []balance `json:"balances"`
	Permissions     []string  `json:"permissions"`
	UID             int64     `json:"uid"`
}

func (v *Venue) account(c *binance.Call) (any, *binance.Error) {
	info := accountInfo{MakerCommission: 10, TakerCommission: 10, CanTrade: !c.Key.ReadOnly, CanDeposit: true,
		AccountType: "SPOT", Balances: []balance{}, Permissions: []string{"SPOT"}, UID: 1}
	v.core.Do(func(nowNs int64, m *market.Market) {
		info.UpdateTime = binance.Milliseconds(nowNs)
		for _, b := range m.Balances(c.Key.Account) {
			info.Balances = append(info.Balances, balance{b.Asset, (b.Total - b.Locked).String(), b.Locked.String()})
		}
	})
	return info, nil
}

func (v *Venue) orderCounts(c *binance.Call) (any, *binance.Error) {
	return v.limits.OrderCounts(v.core.NowNs(), c.Key.Account), nil
}
