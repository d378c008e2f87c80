package bybit

import (
	"strconv"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// orderRow is an order in lists and in the topic order.
type orderRow struct {
	Category      string `json:"category,omitempty"`
	Symbol        string `json:"symbol"`
	OrderID       string `json:"orderId"`
	OrderLinkID   string `json:"orderLinkId"`
	BlockTradeID  string `json:"blockTradeId"`
	Side          string `json:"side"`
	PositionIdx   int    `json:"positionIdx"`
	Status        string `json:"orderStatus"`
	CancelType    string `json:"cancelType"`
	RejectReason  string `json:"rejectReason"`
	TimeInForce   string `json:"timeInForce"`
	Price         string `json:"price"`
	Qty           string `json:"qty"`
	AvgPrice      string `json:"avgPrice"`
	LeavesQty     string `json:"leavesQty"`
	LeavesValue   string `json:"leavesValue"`
	CumExecQty    string `json:"cumExecQty"`
	CumExecValue  string `json:"cumExecValue"`
	CumExecFee    string `json:"cumExecFee"`
	OrderType     string `json:"orderType"`
	StopOrderType string `json:"stopOrderType"`
	ReduceOnly    bool   `json:"reduceOnly"`
	SMPType       string `json:"smpType"`
	CreateType    string `json:"createType"`
	CreatedTime   string `json:"createdTime"`
	UpdatedTime   string `json:"updatedTime"`
	FeeCurrency   string `json:"feeCurrency"`
	ClosedPnL     string `json:"closedPnl"`
}

func newOrderRow(s *market.Symbol, o *market.Order) orderRow {
	reason, cancel := endWords(o)
	r := orderRow{Symbol: o.Symbol, OrderID: idText(orderKind, o.ID), OrderLinkID: linkID(o.ClientID, o.ID),
		Side: sideText(o.Side), PositionIdx: positionIdx(o.Position), Status: statusText(o.Status), CancelType: cancel,
		RejectReason: reason, TimeInForce: tifText(o), Price: priceText(s, o), Qty: s.Lot.Format(o.QtyLots),
		LeavesQty: "0", LeavesValue: "0", CumExecQty: "0", CumExecValue: "0", CumExecFee: "0", OrderType: typeText(o),
		StopOrderType: "UNKNOWN", ReduceOnly: o.ReduceOnly, SMPType: "None", CreateType: createType(o.Kind),
		CreatedTime: timeText(o.CreatedNs), UpdatedTime: timeText(o.UpdatedNs), ClosedPnL: "0"}
	if left := o.LeavesLots(); left > 0 {
		r.LeavesQty, r.LeavesValue = s.Lot.Format(left), s.Value(o.PriceTicks, left).String()
	}
	if o.FilledLots > 0 {
		r.AvgPrice = s.Average(o.FilledValue, o.FilledLots)
		r.CumExecQty, r.CumExecValue, r.CumExecFee = s.Lot.Format(o.FilledLots), o.FilledValue.String(), o.Fee.String()
	}
	return r
}

func timeText(ns int64) string { return strconv.FormatInt(milliseconds(ns), 10) }

// executionRow is an execution in the list and in the topic execution.
type executionRow struct {
	Category      string `json:"category,omitempty"`
	Symbol        string `json:"symbol"`
	OrderID       string `json:"orderId"`
	OrderLinkID   string `json:"orderLinkId"`
	Side          string `json:"side"`
	OrderPrice    string `json:"orderPrice"`
	OrderQty      string `json:"orderQty"`
	LeavesQty     string `json:"leavesQty"`
	OrderType     string `json:"orderType"`
	StopOrderType string `json:"stopOrderType"`
	ExecFee       string `json:"execFee"`
	ExecID        string `json:"execId"`
	ExecPrice     string `json:"execPrice"`
	ExecQty       string `json:"execQty"`
	ExecType      string `json:"execType"`
	ExecValue     string `json:"execValue"`
	ExecTime      string `json:"execTime"`
	IsMaker       bool   `json:"isMaker"`
	FeeRate       string `json:"feeRate"`
	FeeCurrency   string `json:"feeCurrency"`
	MarkPrice     string `json:"markPrice"`
	ClosedSize    string `json:"closedSize"`
	Seq           int64  `json:"seq"`
}

// newExecutionRow writes an execution of an order as it was then.
func newExecutionRow(s *market.Symbol, x *market.Execution, o *market.Order, seq int64) executionRow {
	ppm := s.TakerFeePPM
	if x.Maker {
		ppm = s.MakerFeePPM
	}
	r := executionRow{Symbol: x.Symbol, OrderID: idText(orderKind, x.OrderID),
		OrderLinkID: linkID(x.ClientID, x.OrderID), Side: sideText(x.Side), OrderPrice: priceText(s, o),
		OrderQty: s.Lot.Format(o.QtyLots), LeavesQty: "0", OrderType: typeText(o), StopOrderType: "UNKNOWN",
		ExecFee: x.Fee.String(), ExecID: idText(executionKind, x.ExecutionID), ExecPrice: s.Tick.Format(x.PriceTicks),
		ExecQty: s.Lot.Format(x.QtyLots), ExecType: executionType(x.Kind), ExecValue: x.Value.String(),
		ExecTime: timeText(x.TimeNs), IsMaker: x.Maker, FeeRate: market.Amount(ppm * 100).String(),
		MarkPrice: s.Tick.Format(x.PriceTicks), ClosedSize: "0", Seq: seq}
	if left := o.LeavesLots(); left > 0 {
		r.LeavesQty = s.Lot.Format(left)
	}
	if x.Kind == market.Funding {
		r.OrderLinkID, r.OrderType, r.OrderPrice, r.OrderQty = "", "UNKNOWN", "0", "0"
		if x.Value != 0 {
			r.FeeRate = strconv.FormatFloat(float64(x.Fee)/float64(x.Value), 'f', 8, 64)
		}
	}
	return r
}

// fastRow is an execution in the topic execution.fast, which does not know the client's id of a maker.
type fastRow struct {
	Category    string `json:"category"`
	Symbol      string `json:"symbol"`
	ExecID      string `json:"execId"`
	ExecPrice   string `json:"execPrice"`
	ExecQty     string `json:"execQty"`
	OrderID     string `json:"orderId"`
	IsMaker     bool   `json:"isMaker"`
	OrderLinkID string `json:"orderLinkId"`
	Side        string `json:"side"`
	ExecTime    string `json:"execTime"`
	Seq         int64  `json:"seq"`
}

func newFastRow(r *executionRow) fastRow {
	f := fastRow{linear, r.Symbol, r.ExecID, r.ExecPrice, r.ExecQty, r.OrderID, r.IsMaker, r.OrderLinkID, r.Side,
		r.ExecTime, r.Seq}
	if f.IsMaker {
		f.OrderLinkID = ""
	}
	return f
}

// positionRow is a position in the list and in the topic position, which name its price differently.
type positionRow struct {
	Category      string `json:"category,omitempty"`
	PositionIdx   int    `json:"positionIdx"`
	Symbol        string `json:"symbol"`
	Side          string `json:"side"`
	Size          string `json:"size"`
	EntryPrice    string `json:"entryPrice,omitempty"`
	AvgPrice      string `json:"avgPrice,omitempty"`
	PositionValue string `json:"positionValue"`
	Leverage      string `json:"leverage"`
	MarkPrice     string `json:"markPrice"`
	UnrealisedPnL string `json:"unrealisedPnl"`
	CumRealised   string `json:"cumRealisedPnl"`
	Status        string `json:"positionStatus"`
	CreatedTime   string `json:"createdTime"`
	UpdatedTime   string `json:"updatedTime"`
	Seq           int64  `json:"seq"`
}

func newPositionRow(m *market.Market, p *market.Position, seq int64) positionRow {
	s := p.Symbol
	mark := m.LastPrice(s.Name)
	r := positionRow{PositionIdx: positionIdx(p.Side), Symbol: s.Name, Size: "0", PositionValue: "0", Leverage: "20",
		MarkPrice: s.Tick.Format(mark), UnrealisedPnL: (s.Value(mark, p.Lots) - p.Cost).String(),
		CumRealised: p.Realized.String(), Status: "Normal", CreatedTime: timeText(p.UpdatedNs),
		UpdatedTime: timeText(p.UpdatedNs), Seq: seq}
	size, value := p.Lots, p.Cost
	switch {
	case size > 0:
		r.Side = sideText(hft.Buy)
	case size < 0:
		r.Side, size, value = sideText(hft.Sell), -size, -value
	default:
		return r
	}
	r.Size, r.PositionValue = s.Lot.Format(size), value.String()
	return r
}

// positionsOf returns the positions of an account in a symbol as the venue has them: one, or in hedge mode two.
func positionsOf(m *market.Market, account string, s *market.Symbol) []market.Position {
	list := []market.Position{{Symbol: s, Side: market.Both}}
	if m.Hedge(account) {
		list = []market.Position{{Symbol: s, Side: market.Long}, {Symbol: s, Side: market.Short}}
	}
	for _, p := range m.Positions(account) {
		for i := range list {
			if p.Symbol == s && p.Side == list[i].Side {
				list[i] = p
			}
		}
	}
	return list
}

// walletRow is the unified account.
type walletRow struct {
	AccountType   string    `json:"accountType"`
	TotalEquity   string    `json:"totalEquity"`
	WalletBalance string    `json:"totalWalletBalance"`
	Coin          []coinRow `json:"coin"`
}

type coinRow struct {
	Coin            string `json:"coin"`
	Equity          string `json:"equity"`
	WalletBalance   string `json:"walletBalance"`
	Locked          string `json:"locked"`
	TotalOrderIM    string `json:"totalOrderIM"`
	TotalPositionIM string `json:"totalPositionIM"`
	CumRealised     string `json:"cumRealisedPnl"`
	UnrealisedPnL   string `json:"unrealisedPnl"`
}

// newWalletRow writes an account with the coins that keep accepts.
func newWalletRow(m *market.Market, account string, keep func(asset string) bool) walletRow {
	w := walletRow{AccountType: "UNIFIED", TotalEquity: "0", WalletBalance: "0", Coin: []coinRow{}}
	for _, b := range m.Balances(account) {
		total := b.Total.String()
		if b.Asset == "USDT" {
			w.TotalEquity, w.WalletBalance = total, total
		}
		if keep(b.Asset) {
			w.Coin = append(w.Coin, coinRow{Coin: b.Asset, Equity: total, WalletBalance: total,
				Locked: b.Locked.String(), TotalOrderIM: "0", TotalPositionIM: "0", CumRealised: "0",
				UnrealisedPnL: "0"})
		}
	}
	return w
}
