package binancefutures

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// ack is an order as requests about it are answered, in the fields of 2026.
type ack struct {
	OrderID                 int64  `json:"orderId"`
	Symbol                  string `json:"symbol"`
	Status                  string `json:"status"`
	ClientOrderID           string `json:"clientOrderId"`
	Price                   string `json:"price"`
	AvgPrice                string `json:"avgPrice,omitempty"`
	OrigQty                 string `json:"origQty"`
	ExecutedQty             string `json:"executedQty"`
	CumQty                  string `json:"cumQty,omitempty"`
	CumQuote                string `json:"cumQuote,omitempty"`
	TimeInForce             string `json:"timeInForce"`
	Type                    string `json:"type"`
	ReduceOnly              bool   `json:"reduceOnly"`
	ClosePosition           bool   `json:"closePosition"`
	Side                    string `json:"side"`
	PositionSide            string `json:"positionSide"`
	StopPrice               string `json:"stopPrice"`
	WorkingType             string `json:"workingType"`
	PriceProtect            bool   `json:"priceProtect"`
	OrigType                string `json:"origType"`
	PriceMatch              string `json:"priceMatch"`
	SelfTradePreventionMode string `json:"selfTradePreventionMode"`
	GoodTillDate            int64  `json:"goodTillDate"`
	Time                    int64  `json:"time,omitempty"`
	UpdateTime              int64  `json:"updateTime"`
	ModifyID                int    `json:"modifyId,omitempty"`
	Pair                    string `json:"pair,omitempty"`
}

func newAck(s *market.Symbol, o *market.Order) *ack {
	return &ack{OrderID: o.ID, Symbol: o.Symbol, Status: binance.Status(o), ClientOrderID: o.ClientID,
		Price: price(s, o), OrigQty: s.Lot.Format(o.QtyLots), ExecutedQty: s.Lot.Format(o.FilledLots),
		CumQty: s.Lot.Format(o.FilledLots), TimeInForce: tif(o), Type: orderType(o), ReduceOnly: o.ReduceOnly,
		Side: binance.Side(o.Side), PositionSide: positionSide(o.Position), StopPrice: "0.00",
		WorkingType: "CONTRACT_PRICE", OrigType: orderType(o), PriceMatch: "NONE",
		SelfTradePreventionMode: binance.SelfTrade(o.SelfTrade), UpdateTime: binance.Milliseconds(o.UpdatedNs)}
}

// queried is an order as queries are answered.
func queried(s *market.Symbol, o *market.Order) *ack {
	a := newAck(s, o)
	a.CumQty = ""
	a.AvgPrice, a.CumQuote, a.Time = s.Average(o.FilledValue, o.FilledLots), binance.TrimZeros(o.FilledValue.String()),
		binance.Milliseconds(o.CreatedNs)
	return a
}

var clientIDPattern = regexp.MustCompile(`^[\.A-Z\:/a-z0-9_-]{1,36}$`)

// place reads and places a new order.
func (v *Venue) place(c *binance.Call) (any, *binance.Error) {
	v.core.Counters.Submit(c.Params["newClientOrderId"])
	return v.placeParams(c, c.Params)
}

func (v *Venue) placeParams(c *binance.Call, p binance.Params) (out any, bad *binance.Error) {
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(p["symbol"])
		if err != nil {
			bad = refusal(err, nil)
			return
		}
		request, e := readRequest(p, s)
		if e != nil {
			bad = e
			return
		}
		o, err := m.Place(nowNs, c.Key.Account, request)
		if err != nil {
			bad = refusal(err, s)
			return
		}
		if !strings.EqualFold(p["newOrderRespType"], "RESULT") {
			o.Status, o.FilledLots = hft.StatusNew, 0 // an ACK knows nothing of what follows
		}
		out = newAck(s, &o)
	})
	return out, bad
}

// testOrder checks an order without placing it.
func (v *Venue) testOrder(c *binance.Call) (out any, bad *binance.Error) {
	v.core.Do(func(_ int64, m *market.Market) {
		s, err := m.Symbol(c.Params["symbol"])
		if err != nil {
			bad = refusal(err, nil)
			return
		}
		_, bad = readRequest(c.Params, s)
	})
	return struct{}{}, bad
}

func readRequest(p binance.Params, s *market.Symbol) (market.Request, *binance.Error) {
	r := market.Request{ClientID: p["newClientOrderId"], Symbol: s.Name, IDReusable: true,
		ReduceOnly: strings.EqualFold(p["reduceOnly"], "true")}
	if err := p.Need("side", "type", "quantity"); err != nil {
		return r, err
	}
	if r.ClientID != "" && !clientIDPattern.MatchString(r.ClientID) {
		if len(r.ClientID) > 36 {
			return r, &binance.Error{Code: -4015, Msg: "Client order id length should be less than 36 chars"}
		}
		return r, &binance.Error{Code: -1100, Msg: "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'."}
	}
	var ok [3]bool
	r.Side, ok[0] = binance.ReadSide(p["side"])
	r.Position, ok[1] = readPositionSide(p["positionSide"])
	r.SelfTrade, ok[2] = binance.ReadSelfTrade(p["selfTradePreventionMode"])
	switch {
	case !ok[0]:
		return r, &binance.Error{Code: -1117, Msg: "Invalid side."}
	case !ok[1]:
		return r, &binance.Error{Code: -4060, Msg: "Invalid position side."}
	case !ok[2]:
		return r, &binance.Error{Code: -4224, Msg: "Invalid selfTradePreventionMode."}
	case p["priceMatch"] != "" && p["priceMatch"] != "NONE":
		return r, &binance.Error{Code: -5037, Msg: "Invalid price match"}
	}
	if err := readKind(&r, p); err != nil {
		return r, err
	}
	var err *binance.Error
	if r.QtyLots, err = readSteps(p, "quantity", s.Lot); err == nil && r.Type == hft.Limit {
		r.PriceTicks, err = readSteps(p, "price", s.Tick)
	}
	return r, err
}

// readKind reads type and time in force.
func readKind(r *market.Request, p binance.Params) *binance.Error {
	switch p["type"] {
	case "MARKET":
		r.Type, r.TIF = hft.Market, hft.IOC
		for _, name := range []string{"price", "timeInForce"} {
			if p[name] != "" {
				return &binance.Error{Code: -1106, Msg: "Parameter '" + name + "' sent when not required."}
			}
		}
		return nil
	case "LIMIT":
	case "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET":
		return &binance.Error{Code: -4120,
			Msg: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."}
	default:
		return &binance.Error{Code: -1116, Msg: "Invalid orderType."}
	}
	if err := p.Need("timeInForce", "price"); err != nil {
		return err
	}
	var ok bool
	if r.TIF, ok = map[string]hft.TimeInForce{"GTC": hft.GTC, "GTX": hft.GTX, "FOK": hft.FOK,
		"IOC": hft.IOC}[p["timeInForce"]]; !ok {
		return &binance.Error{Code: -1115, Msg: "Invalid timeInForce."}
	}
	return nil
}

// readSteps reads a positive multiple of a step.
func readSteps(p binance.Params, name string, step market.Step) (int64, *binance.Error) {
	n, err := step.Parse(p[name])
	isPrice := name == "price"
	switch {
	case errors.Is(err, market.ErrPrecision):
		return 0, refusal(err, nil)
	case errors.Is(err, market.ErrStep) && isPrice:
		return 0, &binance.Error{Code: -4014, Msg: "Price not increased by tick size."}
	case errors.Is(err, market.ErrStep):
		return 0, &binance.Error{Code: -4023, Msg: "Quantity not increased by step size."}
	case err != nil:
		return 0, binance.ErrMalformed(name)
	case n <= 0 && isPrice:
		return 0, &binance.Error{Code: -4001, Msg: "Price less than 0."}
	case n <= 0:
		return 0, &binance.Error{Code: -4003, Msg: "Quantity less than or equal to zero."}
	}
	return n, nil
}

// readRef reads which order a request is about.
func readRef(p binance.Params) (market.Ref, *binance.Error) {
	ref := market.Ref{Symbol: p["symbol"], ClientID: p["origClientOrderId"]}
	var err *binance.Error
	if ref.ID, err = p.Int("orderId"); err != nil {
		return ref, err
	}
	if ref.Symbol == "" {
		return ref, binance.ErrMalformed("symbol")
	}
	if ref.ID == 0 && ref.ClientID == "" {
		return ref, &binance.Error{Code: -1102,
			Msg: "Mandatory parameter 'orderId' was not sent, was empty/null, or malformed."}
	}
	return ref, nil
}

func (v *Venue) cancel(c *binance.Call) (any, *binance.Error) { return v.cancelParams(c, c.Params) }

func (v *Venue) cancelParams(c *binance.Call, p binance.Params) (out any, bad *binance.Error) {
	ref, bad := readRef(p)
	if bad != nil {
		return nil, bad
	}
	if id := ref.ClientID; id != "" {
		v.core.Counters.Cancel(id)
	} else {
		v.core.Counters.Cancel(strconv.FormatInt(ref.ID, 10))
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(ref.Symbol)
		if err != nil {
			bad = refusal(err, nil)
			return
		}
		o, err := m.Cancel(nowNs, c.Key.Account, ref, market.ReasonUser)
		if err != nil {
			bad = binance.ErrUnknownOrder()
			return
		}
		out = newAck(s, &o)
	})
	return out, bad
}

// maxAmendments is the maximum number of amendments of an order.
const maxAmendments = 10_000

func (v *Venue) modify(c *binance.Call) (any, *binance.Error) { return v.modifyParams(c, c.Params) }

func (v *Venue) modifyParams(c *binance.Call, p binance.Params) (out any, bad *binance.Error) {
	ref, bad := readRef(p)
	if bad == nil {
		bad = p.Need("side", "quantity", "price")
	}
	if bad != nil {
		return nil, bad
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(ref.Symbol)
		if err != nil {
			bad = refusal(err, nil)
			return
		}
		am := market.Amendment{Ref: ref, CancelIfFilled: true}
		if am.QtyLots, bad = readSteps(p, "quantity", s.Lot); bad != nil {
			return
		}
		if am.PriceTicks, bad = readSteps(p, "price", s.Tick); bad != nil {
			return
		}
		before, err := m.Order(c.Key.Account, ref)
		switch {
		case err == nil && binance.Side(before.Side) != p["side"]:
			bad = &binance.Error{Code: -1117, Msg: "Invalid side."}
			return
		case err == nil && before.Amendments >= maxAmendments:
			bad = &binance.Error{Code: -5026, Msg: "Exceed maximum modify order limit."}
			return
		}
		o, err := m.Amend(nowNs, c.Key.Account, am)
		switch {
		case errors.Is(err, market.ErrNotOpen), errors.Is(err, market.ErrNoOrder):
			bad = binance.ErrNoSuchOrder()
		case errors.Is(err, market.ErrNotional):
			bad = &binance.Error{Code: -5029,
				Msg: "Modify order's notional must be no smaller than " + binance.TrimZeros(s.MinNotional.String()) +
					"."}
		case err != nil:
			bad = refusal(err, s)
		default:
			a := newAck(s, &o)
			a.ModifyID, a.Pair = o.Amendments, o.Symbol
			out = a
		}
	})
	return out, bad
}

func (v *Venue) cancelAll(c *binance.Call) (out any, bad *binance.Error) {
	if bad := c.Params.Need("symbol"); bad != nil {
		return nil, bad
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		if _, err := m.Symbol(c.Params["symbol"]); err != nil {
			bad = refusal(err, nil)
			return
		}
		m.CancelAll(nowNs, c.Key.Account, c.Params["symbol"], market.ReasonUser)
	})
	return map[string]any{"code": 200, "msg": "The operation of cancel all open order is done."}, bad
}
