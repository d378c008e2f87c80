package binancespot

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// executionReport is in the order of the wire.
type executionReport struct {
	Event        string  `json:"e"`
	E            int64   `json:"E"`
	Symbol       string  `json:"s"`
	ClientID     string  `json:"c"`
	Side         string  `json:"S"`
	Type         string  `json:"o"`
	TIF          string  `json:"f"`
	Qty          string  `json:"q"`
	Price        string  `json:"p"`
	StopPrice    string  `json:"P"`
	IcebergQty   string  `json:"F"`
	ListID       int64   `json:"g"`
	OrigClientID string  `json:"C"`
	Exec         string  `json:"x"`
	Status       string  `json:"X"`
	Reject       string  `json:"r"`
	ID           int64   `json:"i"`
	LastQty      string  `json:"l"`
	FilledQty    string  `json:"z"`
	LastPrice    string  `json:"L"`
	Fee          string  `json:"n"`
	FeeAsset     *string `json:"N"`
	T            int64   `json:"T"`
	TradeID      int64   `json:"t"`
	ExecutionID  int64   `json:"I"`
	Working      bool    `json:"w"`
	Maker        bool    `json:"m"`
	Ignore       bool    `json:"M"`
	Created      int64   `json:"O"`
	FilledValue  string  `json:"Z"`
	LastValue    string  `json:"Y"`
	QuoteQty     string  `json:"Q"`
	WorkingTime  int64   `json:"W"`
	SelfTrade    string  `json:"V"`
	Expiry       string  `json:"eR,omitempty"`
}

const zero = "0.00000000"

// report writes an event of an order.
func (v *Venue) report(nowNs int64, e *market.Event) executionReport {
	s, o := e.Symbol, &e.Order
	r := executionReport{Event: "executionReport", E: binance.Milliseconds(nowNs), Symbol: o.Symbol,
		ClientID: o.ClientID, Side: binance.Side(o.Side), Type: orderType(o), TIF: tif(o), Qty: s.Lot.Format(o.QtyLots),
		Price: s.Tick.Format(o.PriceTicks), StopPrice: zero, IcebergQty: zero, ListID: -1, Status: binance.Status(o),
		Reject: "NONE", ID: o.ID, LastQty: zero, FilledQty: s.Lot.Format(o.FilledLots), LastPrice: zero, Fee: "0",
		T: binance.Milliseconds(e.TimeNs), TradeID: -1, ExecutionID: v.nextExecutionID, Working: o.Open(),
		Created: binance.Milliseconds(o.CreatedNs), FilledValue: o.FilledValue.String(), LastValue: zero,
		QuoteQty: zero, WorkingTime: binance.Milliseconds(o.CreatedNs), SelfTrade: binance.SelfTrade(o.SelfTrade)}
	v.nextExecutionID++
	switch e.Change {
	case market.Accepted:
		r.Exec = "NEW"
	case market.Amended:
		r.Exec = "REPLACED"
		if old, changed := v.oldIDs[o.ID]; changed {
			r.OrigClientID = old
			delete(v.oldIDs, o.ID)
		}
	case market.Canceled:
		r.Exec = "CANCELED"
		if id, asked := v.cancelIDs[o.ID]; asked {
			r.ClientID, r.OrigClientID = id, o.ClientID
			delete(v.cancelIDs, o.ID)
		}
	case market.Expired:
		r.Exec, r.Expiry = "EXPIRED", expiryReason(o)
		if o.Reason == market.ReasonSelfTrade {
			r.Exec = "TRADE_PREVENTION"
		}
	case market.Executed:
		x := &e.Execution
		r.Exec = "TRADE"
		r.LastQty, r.LastPrice, r.LastValue = s.Lot.Format(x.QtyLots), s.Tick.Format(x.PriceTicks), x.Value.String()
		r.Fee, r.FeeAsset = x.Fee.String(), &x.FeeAsset
		r.TradeID, r.Maker, r.Ignore = x.TradeID, x.Maker, true
		r.Working = true
	}
	return r
}

func expiryReason(o *market.Order) string {
	switch o.Reason {
	case market.ReasonIOC:
		return "UNFILLED_IOC_QUANTITY_EXPIRED"
	case market.ReasonFOK:
		return "UNFILLED_FOK_ORDER_EXPIRED"
	case market.ReasonMarket:
		return "INSUFFICIENT_LIQUIDITY"
	}
	return ""
}

// accountPosition is outboundAccountPosition.
type accountPosition struct {
	Event    string           `json:"e"`
	E        int64            `json:"E"`
	Updated  int64            `json:"u"`
	Balances []accountBalance `json:"B"`
}

// balanceUpdate is a deposit or a withdrawal.
type balanceUpdate struct {
	Event   string `json:"e"`
	E       int64  `json:"E"`
	Asset   string `json:"a"`
	Delta   string `json:"d"`
	Cleared int64  `json:"T"`
}

type accountBalance struct {
	Asset  string `json:"a"`
	Free   string `json:"f"`
	Locked string `json:"l"`
}

// filled reports whether an event is the last fill of an order.
func filled(e *market.Event) bool { return e.Order.Status == hft.StatusFilled }
