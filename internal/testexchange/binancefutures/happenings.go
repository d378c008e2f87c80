package binancefutures

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

type marginCall struct {
	Event     string           `json:"e"`
	E         int64            `json:"E"`
	Wallet    string           `json:"cw"`
	Positions []calledPosition `json:"p"`
}

type calledPosition struct {
	Symbol      string `json:"s"`
	Side        string `json:"ps"`
	Amount      string `json:"pa"`
	MarginType  string `json:"mt"`
	Isolated    string `json:"iw"`
	Mark        string `json:"mp"`
	Unrealized  string `json:"up"`
	Maintenance string `json:"mm"`
}

func newMarginCall(nowNs int64, m *market.Market, e *market.Event) marginCall {
	call := marginCall{Event: "MARGIN_CALL", E: binance.Milliseconds(nowNs), Wallet: "0"}
	for _, b := range m.Balances(e.Account) {
		if b.Asset == e.Symbol.QuoteAsset {
			call.Wallet = b.Total.String()
		}
	}
	for i := range e.Positions {
		p := &e.Positions[i]
		s := p.Symbol
		mark := m.LastPrice(s.Name)
		value := s.Value(mark, p.Lots)
		call.Positions = append(call.Positions, calledPosition{Symbol: s.Name, Side: positionSide(p.Side),
			Amount:     s.Lot.Format(p.Lots),
			MarginType: "CROSSED", Isolated: "0", Mark: s.Tick.Format(mark), Unrealized: (value - p.Cost).String(),
			Maintenance: "0"})
	}
	return call
}

type leverageUpdate struct {
	Event  string   `json:"e"`
	E      int64    `json:"E"`
	T      int64    `json:"T"`
	Config leverage `json:"ac"`
}

type leverage struct {
	Symbol   string `json:"s"`
	Leverage int64  `json:"l"`
}

type incomeRow struct {
	Symbol  string `json:"symbol"`
	Type    string `json:"incomeType"`
	Income  string `json:"income"`
	Asset   string `json:"asset"`
	Info    string `json:"info"`
	Time    int64  `json:"time"`
	TranID  int64  `json:"tranId"`
	TradeID string `json:"tradeId"`
}

// income answers with funding, the only type that there is, the oldest first.
func (v *Venue) income(c *binance.Call) (any, *binance.Error) {
	start, bad := c.Params.Int("startTime")
	if bad != nil {
		return nil, bad
	}
	end, bad := c.Params.Int("endTime")
	if bad != nil {
		return nil, bad
	}
	limit, bad := c.Params.Int("limit")
	if bad != nil {
		return nil, bad
	}
	page, bad := c.Params.Int("page")
	if bad != nil {
		return nil, bad
	}
	if limit <= 0 {
		limit = 100
	}
	limit, page = min(limit, 1000), max(page, 1)
	rows := []incomeRow{}
	v.core.Do(func(_ int64, m *market.Market) {
		for _, x := range m.Executions(c.Key.Account, c.Params["symbol"]) {
			at := binance.Milliseconds(x.TimeNs)
			if x.Kind != market.Funding || at < start || end != 0 && at > end || c.Params["incomeType"] != "" &&
				c.Params["incomeType"] != fundingFee {
				continue
			}
			rows = append(rows, incomeRow{Symbol: x.Symbol, Type: fundingFee, Income: (-x.Fee).String(),
				Asset: x.FeeAsset, Info: fundingFee,
				Time: at, TranID: x.TradeID})
		}
	})
	from := min(int(limit*(page-1)), len(rows))
	return rows[from:min(from+int(limit), len(rows))], nil
}

// forceOrders answers with the orders of liquidations and ADL, of all symbols without one.
func (v *Venue) forceOrders(c *binance.Call) (any, *binance.Error) {
	start, bad := c.Params.Int("startTime")
	if bad != nil {
		return nil, bad
	}
	end, bad := c.Params.Int("endTime")
	if bad != nil {
		return nil, bad
	}
	var list []*ack
	v.core.Do(func(_ int64, m *market.Market) {
		var orders []market.Order
		for _, o := range m.Orders(c.Key.Account) {
			at := binance.Milliseconds(o.CreatedNs)
			forced := (o.Kind == market.Liquidation || o.Kind == market.ADL) && (end == 0 || at <= end)
			if forced && at >= start && (c.Params["symbol"] == "" ||
				o.Symbol == c.Params["symbol"]) {
				orders = append(orders, o)
			}
		}
		list = acks(m, orders[max(len(orders)-100, 0):])
	})
	return list, nil
}

const fundingFee = "FUNDING_FEE"
