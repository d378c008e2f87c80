package binancefutures

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// orderUpdate is ORDER_TRADE_UPDATE in the order of the wire.
type orderUpdate struct {
	Event string      `json:"e"`
	T     int64       `json:"T"`
	E     int64       `json:"E"`
	Order orderFields `json:"o"`
}

type orderFields struct {
	Symbol       string `json:"s"`
	ClientID     string `json:"c"`
	Side         string `json:"S"`
	Type         string `json:"o"`
	TIF          string `json:"f"`
	Qty          string `json:"q"`
	Price        string `json:"p"`
	Average      string `json:"ap"`
	StopPrice    string `json:"sp"`
	Exec         string `json:"x"`
	Status       string `json:"X"`
	ID           int64  `json:"i"`
	LastQty      string `json:"l"`
	FilledQty    string `json:"z"`
	LastPrice    string `json:"L"`
	Fee          string `json:"n,omitempty"`
	FeeAsset     any    `json:"N,omitempty"`
	T            int64  `json:"T"`
	TradeID      int64  `json:"t"`
	BidNotional  string `json:"b"`
	AskNotional  string `json:"a"`
	Maker        bool   `json:"m"`
	ReduceOnly   bool   `json:"R"`
	WorkingType  string `json:"wt"`
	OrigType     string `json:"ot"`
	PositionSide string `json:"ps"`
	Close        bool   `json:"cp"`
	Profit       string `json:"rp"`
	PP           bool   `json:"pP"`
	Si           int    `json:"si"`
	Ss           int    `json:"ss"`
	SelfTrade    string `json:"V"`
	PriceMatch   string `json:"pm"`
	GTD          int64  `json:"gtd"`
	Expiry       string `json:"er,omitempty"`

	null bool
}

// MarshalJSON writes a fee asset of null when asked to.
func (f orderFields) MarshalJSON() ([]byte, error) {
	type plain orderFields
	p := plain(f)
	if f.null {
		p.FeeAsset = nullAsset{}
	}
	return binance.Encode(p), nil
}

// nullAsset is a value that is there and null.
type nullAsset struct{}

// MarshalJSON writes null.
func (nullAsset) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func newOrderUpdate(nowNs int64, e *market.Event) orderUpdate {
	s, o := e.Symbol, &e.Order
	f := orderFields{Symbol: o.Symbol, ClientID: o.ClientID, Side: binance.Side(o.Side), Type: orderType(o),
		TIF: tif(o), Qty: s.Lot.Format(o.QtyLots), Price: price(s, o), Average: s.Average(o.FilledValue, o.FilledLots),
		StopPrice: "0", Status: binance.Status(o), ID: o.ID, LastQty: "0", FilledQty: s.Lot.Format(o.FilledLots),
		LastPrice: "0", T: binance.Milliseconds(e.TimeNs), BidNotional: "0", AskNotional: "0", ReduceOnly: o.ReduceOnly,
		WorkingType: "CONTRACT_PRICE", OrigType: orderType(o), PositionSide: positionSide(o.Position), Profit: "0",
		SelfTrade: binance.SelfTrade(o.SelfTrade), PriceMatch: "NONE"}
	if o.FilledLots == 0 {
		f.FilledQty = "0"
	}
	if o.Open() {
		notional := binance.TrimZeros(s.Value(o.PriceTicks, o.LeavesLots()).String())
		if o.Side > 0 {
			f.BidNotional = notional
		} else {
			f.AskNotional = notional
		}
	}
	switch e.Change {
	case market.Accepted:
		f.Exec = "NEW"
	case market.Canceled:
		f.Exec = "CANCELED"
	case market.Expired:
		f.Exec, f.Expiry = "EXPIRED", expiryReason(o)
	case market.Amended:
		f.Exec = "AMENDMENT"
	case market.Executed:
		x := &e.Execution
		f.Exec = "TRADE"
		if x.Kind == market.Liquidation || x.Kind == market.ADL {
			f.Exec = "CALCULATED"
		}
		f.LastQty, f.LastPrice = s.Lot.Format(x.QtyLots), s.Tick.Format(x.PriceTicks)
		f.Fee, f.FeeAsset = x.Fee.String(), x.FeeAsset
		f.TradeID, f.Maker, f.Profit = x.TradeID, x.Maker, binance.TrimZeros(x.RealizedPnL.String())
	}
	return orderUpdate{Event: "ORDER_TRADE_UPDATE", T: binance.Milliseconds(e.TimeNs), E: binance.Milliseconds(nowNs),
		Order: f}
}

type tradeLite struct {
	Event    string `json:"e"`
	E        int64  `json:"E"`
	T        int64  `json:"T"`
	Symbol   string `json:"s"`
	Qty      string `json:"q"`
	Price    string `json:"p"`
	Maker    bool   `json:"m"`
	ClientID string `json:"c"`
	Side     string `json:"S"`
	Last     string `json:"L"`
	LastQty  string `json:"l"`
	TradeID  int64  `json:"t"`
	ID       int64  `json:"i"`
}

func newTradeLite(nowNs int64, e *market.Event) tradeLite {
	s, o, x := e.Symbol, &e.Order, &e.Execution
	return tradeLite{Event: "TRADE_LITE", E: binance.Milliseconds(nowNs), T: binance.Milliseconds(e.TimeNs),
		Symbol: o.Symbol, Qty: s.Lot.Format(o.QtyLots), Price: price(s, o), Maker: x.Maker, ClientID: o.ClientID,
		Side: binance.Side(o.Side), Last: s.Tick.Format(x.PriceTicks), LastQty: s.Lot.Format(x.QtyLots),
		TradeID: x.TradeID, ID: o.ID}
}

type accountUpdate struct {
	Event   string        `json:"e"`
	T       int64         `json:"T"`
	E       int64         `json:"E"`
	Account accountFields `json:"a"`
}

type accountFields struct {
	Balances  []balanceFields  `json:"B"`
	Positions []positionFields `json:"P"`
	Reason    string           `json:"m"`
}

type balanceFields struct {
	Asset  string `json:"a"`
	Wallet string `json:"wb"`
	Cross  string `json:"cw"`
	Change string `json:"bc"`
}

type positionFields struct {
	Symbol     string `json:"s"`
	Amount     string `json:"pa"`
	Entry      string `json:"ep"`
	BreakEven  string `json:"bep"`
	Realized   string `json:"cr"`
	Unrealized string `json:"up"`
	MarginType string `json:"mt"`
	Isolated   string `json:"iw"`
	Side       string `json:"ps"`
}

func newAccountUpdate(nowNs int64, e *market.Event) accountUpdate {
	u := accountUpdate{Event: "ACCOUNT_UPDATE", T: binance.Milliseconds(e.TimeNs), E: binance.Milliseconds(nowNs),
		Account: accountFields{Balances: []balanceFields{}, Positions: []positionFields{}, Reason: "ORDER"}}
	change := "0" // does not contain trades and fees
	switch e.Why {
	case market.WhyFunding:
		u.Account.Reason = fundingFee
		change = (-e.Execution.Fee).String()
	case market.WhyDeposit:
		u.Account.Reason, change = "DEPOSIT", e.Delta.String()
	case market.WhyWithdraw:
		u.Account.Reason, change = "WITHDRAW", e.Delta.String()
	}
	for _, b := range e.Balances {
		u.Account.Balances = append(u.Account.Balances, balanceFields{b.Asset, b.Total.String(), b.Total.String(),
			change})
	}
	for i := range e.Positions {
		p := &e.Positions[i]
		u.Account.Positions = append(u.Account.Positions, positionFields{Symbol: p.Symbol.Name,
			Amount: p.Symbol.Lot.Format(p.Lots), Entry: p.EntryPrice(), BreakEven: p.EntryPrice(),
			Realized: binance.TrimZeros(p.Realized.String()), Unrealized: "0", MarginType: "cross", Isolated: "0",
			Side: positionSide(p.Side)})
	}
	return u
}
