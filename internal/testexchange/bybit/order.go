package bybit

import (
	"encoding/json"
	"regexp"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// orderRequest is the parameters of requests about one order, as they are written.
type orderRequest struct {
	Category    string `json:"category"`
	Symbol      string `json:"symbol"`
	Side        string `json:"side"`
	OrderType   string `json:"orderType"`
	Qty         string `json:"qty"`
	Price       string `json:"price"`
	TimeInForce string `json:"timeInForce"`
	OrderID     string `json:"orderId"`
	OrderLinkID string `json:"orderLinkId"`
	PositionIdx int    `json:"positionIdx"`
	ReduceOnly  bool   `json:"reduceOnly"`
	SMPType     string `json:"smpType"`
}

// orderIDs is the answer to a request about an order: it was accepted, nothing more.
type orderIDs struct {
	OrderID     string `json:"orderId"`
	OrderLinkID string `json:"orderLinkId"`
}

const (
	linear   = "linear"
	maxBatch = 20
)

var linkIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,36}$`)

// oneOrder reads one order of a body and does what is asked for with it.
func oneOrder(one func(*call, *orderRequest) (orderIDs, *refusal)) func(*call) (any, any, *refusal) {
	return func(c *call) (any, any, *refusal) {
		var r orderRequest
		if json.Unmarshal(c.body, &r) != nil {
			return nil, nil, refuse(10001, "Request parameter error.")
		}
		ids, bad := one(c, &r)
		if bad != nil {
			return nil, nil, bad
		}
		return ids, nil, nil
	}
}

// batchBody is a request about several orders.
type batchBody struct {
	Category string         `json:"category"`
	Request  []orderRequest `json:"request"`
}

// batchCode is the result code of one order of a batch.
type batchCode struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
}

func countOrders(c *call) int {
	var b batchBody
	if json.Unmarshal(c.body, &b) != nil {
		return 1
	}
	return max(len(b.Request), 1)
}

// batch reads several orders of a body; each is accepted or refused by itself.
func batch(one func(*call, *orderRequest) (orderIDs, *refusal)) func(*call) (any, any, *refusal) {
	return func(c *call) (any, any, *refusal) {
		var b batchBody
		if json.Unmarshal(c.body, &b) != nil || len(b.Request) == 0 || len(b.Request) > maxBatch {
			return nil, nil, errParameter("request")
		}
		list, codes := []orderIDs{}, []batchCode{}
		for i := range b.Request {
			r := &b.Request[i]
			r.Category = b.Category
			ids, bad := one(c, r)
			if bad == nil {
				bad = refuse(0, "OK")
			}
			list, codes = append(list, ids), append(codes, batchCode{bad.code, bad.msg})
		}
		return map[string]any{"list": list}, map[string]any{"list": codes}, nil
	}
}

// steps reads a positive multiple of a step.
func steps(text, name string, step market.Step) (int64, *refusal) {
	n, err := step.Parse(text)
	if err != nil || n <= 0 {
		return 0, errParameter(name)
	}
	return n, nil
}

// read reads a new order.
func (r *orderRequest) read(s *market.Symbol) (out market.Request, bad *refusal) {
	out = market.Request{ClientID: r.OrderLinkID, Symbol: s.Name, ReduceOnly: r.ReduceOnly, RecordRefused: true}
	var ok bool
	if out.Side, ok = readSide(r.Side); !ok {
		return out, errParameter("side")
	}
	if out.TIF, ok = readTIF(r.TimeInForce); !ok {
		return out, errParameter("timeInForce")
	}
	if !linkIDPattern.MatchString(r.OrderLinkID) {
		return out, errParameter("orderLinkId")
	}
	if r.PositionIdx < 0 || r.PositionIdx > 2 {
		return out, errParameter("positionIdx")
	}
	out.Position = market.PositionSide(r.PositionIdx)
	if out.SelfTrade, ok = map[string]market.SelfTrade{"": market.SelfTradeAllowed, "None": market.SelfTradeAllowed,
		"CancelMaker": market.ExpireMaker, "CancelTaker": market.ExpireTaker,
		"CancelBoth": market.ExpireBoth}[r.SMPType]; !ok {
		return out, errParameter("smpType")
	}
	switch r.OrderType {
	case "Market":
		out.Type, out.TIF = hft.Market, hft.IOC
	case "Limit":
		out.Type = hft.Limit
		if out.PriceTicks, bad = steps(r.Price, "price", s.Tick); bad != nil {
			return out, bad
		}
	default:
		return out, errParameter("orderType")
	}
	out.QtyLots, bad = steps(r.Qty, "qty", s.Lot)
	return out, bad
}

// ref reads which order a request is about.
func (r *orderRequest) ref() (market.Ref, *refusal) {
	ref := market.Ref{Symbol: r.Symbol, ClientID: r.OrderLinkID}
	switch {
	case r.OrderID != "":
		id, ok := readID(orderKind, r.OrderID)
		if !ok {
			return ref, refuse(110001, "order not exists or too late to process")
		}
		ref.ID = id
	case r.OrderLinkID == "":
		return ref, errParameter("orderId")
	}
	return ref, nil
}

func idsOf(o *market.Order) orderIDs {
	return orderIDs{OrderID: idText(orderKind, o.ID), OrderLinkID: linkID(o.ClientID, o.ID)}
}

// withSymbol runs fn under the lock with a symbol of the category linear.
func (v *Venue) withSymbol(category, symbol string, fn func(nowNs int64, m *market.Market,
	s *market.Symbol) *refusal) (bad *refusal) {
	if category != linear {
		return errParameter("category")
	}
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(symbol)
		if err != nil {
			bad = refusalOf(err, nil)
			return
		}
		bad = fn(nowNs, m, s)
	})
	return bad
}

func (v *Venue) create(c *call, r *orderRequest) (ids orderIDs, bad *refusal) {
	v.core.Counters.Submit(r.OrderLinkID)
	bad = v.withSymbol(r.Category, r.Symbol, func(nowNs int64, m *market.Market, s *market.Symbol) *refusal {
		request, bad := r.read(s)
		if bad != nil {
			return bad
		}
		o, err := m.Place(nowNs, c.key.Account, request)
		if err != nil {
			return refusalOf(err, s)
		}
		ids = idsOf(&o)
		return nil
	})
	return ids, bad
}

func (v *Venue) amend(c *call, r *orderRequest) (ids orderIDs, bad *refusal) {
	bad = v.withSymbol(r.Category, r.Symbol, func(nowNs int64, m *market.Market, s *market.Symbol) *refusal {
		ref, bad := r.ref()
		if bad != nil {
			return bad
		}
		o, err := m.Order(c.key.Account, ref)
		if err != nil {
			return refusalOf(err, s)
		}
		am := market.Amendment{Ref: ref, PriceTicks: o.PriceTicks, QtyLots: o.QtyLots, ExpireIfTaking: true}
		if r.Price != "" {
			if am.PriceTicks, bad = steps(r.Price, "price", s.Tick); bad != nil {
				return bad
			}
		}
		if r.Qty != "" {
			if am.QtyLots, bad = steps(r.Qty, "qty", s.Lot); bad != nil {
				return bad
			}
		}
		if o, err = m.Amend(nowNs, c.key.Account, am); err != nil {
			return refusalOf(err, s)
		}
		ids = idsOf(&o)
		return nil
	})
	return ids, bad
}

func (v *Venue) cancel(c *call, r *orderRequest) (ids orderIDs, bad *refusal) {
	id := r.OrderLinkID
	if id == "" {
		id = r.OrderID
	}
	v.core.Counters.Cancel(id)
	bad = v.withSymbol(r.Category, r.Symbol, func(nowNs int64, m *market.Market, s *market.Symbol) *refusal {
		ref, bad := r.ref()
		if bad != nil {
			return bad
		}
		o, err := m.Cancel(nowNs, c.key.Account, ref, market.ReasonUser)
		if err != nil {
			return refusalOf(err, s)
		}
		ids = idsOf(&o)
		return nil
	})
	return ids, bad
}

// cancelAll cancels the orders of a symbol, or of all symbols with a coin.
func (v *Venue) cancelAll(c *call) (any, any, *refusal) {
	var r struct{ Category, Symbol, BaseCoin, SettleCoin string }
	switch {
	case json.Unmarshal(c.body, &r) != nil || r.Category != linear:
		return nil, nil, errParameter("category")
	case r.Symbol == "" && r.BaseCoin == "" && r.SettleCoin == "":
		return nil, nil, refuse(10001, "params error: symbol, baseCoin or settleCoin is needed")
	}
	list := []orderIDs{}
	var bad *refusal
	v.core.Do(func(nowNs int64, m *market.Market) {
		if _, err := m.Symbol(r.Symbol); err != nil && r.Symbol != "" {
			bad = refusalOf(err, nil)
			return
		}
		for _, name := range m.Symbols() {
			s, err := m.Symbol(name)
			asked := func(named, is string) bool { return named == "" || named == is }
			if err != nil || !asked(r.Symbol, name) || !asked(r.BaseCoin, s.BaseAsset) ||
				!asked(r.SettleCoin, s.QuoteAsset) {
				continue
			}
			for _, o := range m.CancelAll(nowNs, c.key.Account, name, market.ReasonUser) {
				list = append(list, idsOf(&o))
			}
		}
	})
	return map[string]any{"list": list, "success": "1"}, nil, bad
}
