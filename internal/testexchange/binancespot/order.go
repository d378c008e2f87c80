package binancespot

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// ack is the answer to a new order of type ACK; result adds the order, full the fills.
type ack struct {
	Symbol        string `json:"symbol"`
	OrderID       int64  `json:"orderId"`
	OrderListID   int64  `json:"orderListId"`
	ClientOrderID string `json:"clientOrderId"`
	TransactTime  int64  `json:"transactTime"`
}

type result struct {
	ack
	Price             string `json:"price"`
	OrigQty           string `json:"origQty"`
	ExecutedQty       string `json:"executedQty"`
	OrigQuoteOrderQty string `json:"origQuoteOrderQty"`
	CumulativeQuote   string `json:"cummulativeQuoteQty"`
	Status            string `json:"status"`
	TimeInForce       string `json:"timeInForce"`
	Type              string `json:"type"`
	Side              string `json:"side"`
	WorkingTime       int64  `json:"workingTime"`
	SelfTrade         string `json:"selfTradePreventionMode"`
	OrigClientOrderID string `json:"origClientOrderId,omitempty"`
}

type full struct {
	result
	Fills []fill `json:"fills"`
}

type fill struct {
	Price           string `json:"price"`
	Qty             string `json:"qty"`
	Commission      string `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	TradeID         int64  `json:"tradeId"`
}

func newResult(s *market.Symbol, o *market.Order) result {
	return result{ack: ack{o.Symbol, o.ID, -1, o.ClientID, binance.Milliseconds(o.UpdatedNs)},
		Price: s.Tick.Format(o.PriceTicks), OrigQty: s.Lot.Format(o.QtyLots), ExecutedQty: s.Lot.Format(o.FilledLots),
		OrigQuoteOrderQty: "0.00000000", CumulativeQuote: o.FilledValue.String(), Status: binance.Status(o),
		TimeInForce: tif(o), Type: orderType(o), Side: binance.Side(o.Side),
		WorkingTime: binance.Milliseconds(o.CreatedNs), SelfTrade: binance.SelfTrade(o.SelfTrade)}
}

func orderType(o *market.Order) string {
	switch {
	case o.Type == hft.Market:
		return "MARKET"
	case o.TIF == hft.GTX:
		return "LIMIT_MAKER"
	}
	return "LIMIT"
}

func tif(o *market.Order) string {
	if o.Type == hft.Market || o.TIF == hft.GTX {
		return "GTC" // as the venue says of both
	}
	return o.TIF.String()
}

// refusal words an error of the market.
func refusal(err error) *binance.Error {
	filter := func(name string) *binance.Error { return &binance.Error{Code: -1013, Msg: "Filter failure: " + name} }
	rejected := func(text string) *binance.Error { return &binance.Error{Code: -2010, Msg: text} }
	switch {
	case errors.Is(err, market.ErrSymbol):
		return binance.ErrSymbol()
	case errors.Is(err, market.ErrPrecision):
		return &binance.Error{Code: -1111, Msg: "Parameter has too much precision."}
	case errors.Is(err, market.ErrPriceLow), errors.Is(err, market.ErrPriceHigh):
		return filter("PRICE_FILTER")
	case errors.Is(err, market.ErrPriceBand):
		return filter("PERCENT_PRICE_BY_SIDE")
	case errors.Is(err, market.ErrQtyLow), errors.Is(err, market.ErrQtyHigh):
		return filter("LOT_SIZE")
	case errors.Is(err, market.ErrNotional):
		return filter("NOTIONAL")
	case errors.Is(err, market.ErrTooManyOrders):
		return filter("MAX_NUM_ORDERS")
	case errors.Is(err, market.ErrFunds):
		return rejected("Account has insufficient balance for requested action.")
	case errors.Is(err, market.ErrDuplicateID):
		return rejected("Duplicate order sent.")
	case errors.Is(err, market.ErrWouldTake):
		return rejected("Order would immediately match and take.")
	}
	return rejected("This action is disabled on this account.")
}

var clientIDPattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,36}$`)

func checkID(p binance.Params, name string) *binance.Error {
	if id := p[name]; id != "" && !clientIDPattern.MatchString(id) {
		return &binance.Error{Code: -1100, Msg: "Illegal characters found in parameter '" + name +
			"'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."}
	}
	return nil
}

func readRequest(p binance.Params, s *market.Symbol) (market.Request, *binance.Error) {
	r := market.Request{ClientID: p["newClientOrderId"], Symbol: s.Name, IDReusable: true}
	if bad := p.Need("side", "type", "quantity"); bad != nil {
		return r, bad
	}
	if bad := checkID(p, "newClientOrderId"); bad != nil {
		return r, bad
	}
	var ok bool
	if r.Side, ok = binance.ReadSide(p["side"]); !ok {
		return r, &binance.Error{Code: -1117, Msg: "Invalid side."}
	}
	if r.SelfTrade, ok = binance.ReadSelfTrade(p["selfTradePreventionMode"]); !ok {
		return r, &binance.Error{Code: -1013,
			Msg: "This symbol does not allow the specified self-trade prevention mode."}
	}
	if bad := readKind(&r, p); bad != nil {
		return r, bad
	}
	var bad *binance.Error
	if r.QtyLots, bad = readSteps(p, "quantity", s.Lot, "LOT_SIZE"); bad == nil && r.Type == hft.Limit {
		r.PriceTicks, bad = readSteps(p, "price", s.Tick, "PRICE_FILTER")
	}
	return r, bad
}

// readKind reads type and time in force.
func readKind(r *market.Request, p binance.Params) *binance.Error {
	unwanted := []string{"timeInForce"}
	switch p["type"] {
	case "LIMIT":
		if bad := p.Need("timeInForce", "price"); bad != nil {
			return bad
		}
		var ok bool
		if r.TIF, ok = map[string]hft.TimeInForce{"GTC": hft.GTC, "IOC": hft.IOC,
			"FOK": hft.FOK}[p["timeInForce"]]; !ok {
			return &binance.Error{Code: -1115, Msg: "Invalid timeInForce."}
		}
		r.RecordRefused = r.TIF == hft.FOK
		return nil
	case "LIMIT_MAKER":
		r.TIF = hft.GTX
		if bad := p.Need("price"); bad != nil {
			return bad
		}
	case "MARKET":
		r.Type, r.TIF = hft.Market, hft.IOC
		unwanted = append(unwanted, "price")
	default:
		return &binance.Error{Code: -1116, Msg: "Invalid orderType."}
	}
	for _, name := range unwanted {
		if p[name] != "" {
			return &binance.Error{Code: -1106, Msg: "Parameter '" + name + "' sent when not required."}
		}
	}
	return nil
}

// readSteps reads a positive multiple of a step.
func readSteps(p binance.Params, name string, step market.Step, filter string) (int64, *binance.Error) {
	n, err := step.Parse(p[name])
	switch {
	case errors.Is(err, market.ErrPrecision):
		return 0, refusal(err)
	case errors.Is(err, market.ErrStep), err == nil && n == 0:
		return 0, &binance.Error{Code: -1013, Msg: "Filter failure: " + filter}
	case err != nil || n < 0:
		return 0, &binance.Error{Code: -1100, Msg: "Illegal characters found in parameter '" + name +
			"'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."}
	}
	return n, nil
}

func (v *Venue) place(c *binance.Call) (out any, bad *binance.Error) {
	v.core.Counters.Submit(c.Params["newClientOrderId"])
	v.core.Do(func(nowNs int64, m *market.Market) { out, bad = v.placeIn(nowNs, m, c) })
	return out, bad
}

// placeIn places an order under the lock.
func (v *Venue) placeIn(nowNs int64, m *market.Market, c *binance.Call) (any, *binance.Error) {
	s, err := m.Symbol(c.Params["symbol"])
	if err != nil {
		return nil, refusal(err)
	}
	r, bad := readRequest(c.Params, s)
	if bad != nil {
		return nil, bad
	}
	o, err := m.Place(nowNs, c.Key.Account, r)
	if err != nil {
		return nil, refusal(err)
	}
	kind := c.Params["newOrderRespType"]
	if kind == "" && r.TIF != hft.GTX {
		kind = "FULL"
	}
	res := newResult(s, &o)
	switch kind {
	case "RESULT":
		return res, nil
	case "FULL":
		f := full{res, []fill{}}
		for _, x := range m.ExecutionsOf(&o) {
			f.Fills = append(f.Fills, fill{s.Tick.Format(x.PriceTicks), s.Lot.Format(x.QtyLots), x.Fee.String(),
				x.FeeAsset, x.TradeID})
		}
		return f, nil
	}
	return res.ack, nil
}

// testOrder checks an order without placing it.
func (v *Venue) testOrder(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, func(_ int64, _ *market.Market, s *market.Symbol) (any, *binance.Error) {
		_, bad := readRequest(c.Params, s)
		return struct{}{}, bad
	})
}

// newID is a client id that the venue gives.
func (v *Venue) newID() string {
	v.nextClientID++
	return fmt.Sprintf("web_%020d", v.nextClientID)
}

// readRef reads which order a request is about.
func readRef(p binance.Params, id, clientID string) (market.Ref, *binance.Error) {
	ref := market.Ref{Symbol: p["symbol"], ClientID: p[clientID]}
	var bad *binance.Error
	if ref.ID, bad = p.Int(id); bad != nil {
		return ref, bad
	}
	switch {
	case ref.Symbol == "":
		return ref, binance.ErrMalformed("symbol")
	case ref.ID == 0 && ref.ClientID == "":
		return ref, &binance.Error{Code: -1102, Msg: "Param '" + clientID + "' or '" + id +
			"' must be sent, but both were empty/null!"}
	}
	return ref, nil
}

func (v *Venue) cancel(c *binance.Call) (out any, bad *binance.Error) {
	ref, bad := readRef(c.Params, "orderId", "origClientOrderId")
	if bad == nil {
		bad = checkID(c.Params, "newClientOrderId")
	}
	if bad != nil {
		return nil, bad
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		out, bad = v.cancelIn(nowNs, m, c, ref, c.Params["newClientOrderId"])
	})
	return out, bad
}

// cancelIn cancels an order under the lock; id is the cancel's.
func (v *Venue) cancelIn(nowNs int64, m *market.Market, c *binance.Call, ref market.Ref,
	id string) (any, *binance.Error) {
	counted := ref.ClientID
	if counted == "" {
		counted = strconv.FormatInt(ref.ID, 10)
	}
	v.core.Counters.Cancel(counted)
	s, err := m.Symbol(ref.Symbol)
	if err != nil {
		return nil, refusal(err)
	}
	o, err := m.Order(c.Key.Account, ref)
	if err != nil || !o.Open() {
		return nil, binance.ErrUnknownOrder()
	}
	if restriction := c.Params["cancelRestrictions"]; restriction == "ONLY_NEW" && o.Status != hft.StatusNew ||
		restriction == "ONLY_PARTIALLY_FILLED" && o.Status != hft.StatusPartiallyFilled {
		return nil, &binance.Error{Code: -2011, Msg: "Order was not canceled due to cancel restrictions."}
	}
	return v.cancelOpen(nowNs, m, s, &o, id), nil
}

// cancelOpen cancels an order that is open.
func (v *Venue) cancelOpen(nowNs int64, m *market.Market, s *market.Symbol, o *market.Order, id string) result {
	if id == "" {
		id = v.newID()
	}
	v.cancelIDs[o.ID] = id
	done, err := m.Cancel(nowNs, o.Account, market.Ref{Symbol: o.Symbol, ID: o.ID}, market.ReasonUser)
	if err != nil {
		done = *o
	}
	r := newResult(s, &done)
	r.ClientOrderID, r.OrigClientOrderID = id, done.ClientID
	return r
}

// cancelAll cancels all orders of a symbol, and refuses when there is none.
func (v *Venue) cancelAll(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, func(nowNs int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		open := m.OpenOrders(c.Key.Account, s.Name)
		if len(open) == 0 {
			return nil, binance.ErrUnknownOrder()
		}
		list := make([]result, 0, len(open))
		for i := range open {
			list = append(list, v.cancelOpen(nowNs, m, s, &open[i], ""))
		}
		return list, nil
	})
}
