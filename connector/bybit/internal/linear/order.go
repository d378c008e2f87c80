package linear

import (
	"context"
	"errors"
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// Paths of requests that the venue counts by themselves.
const (
	createPath = "/v5/order/create"
	amendPath  = "/v5/order/amend"
	cancelPath = "/v5/order/cancel"

	cancelBatchPath = "/v5/order/cancel-batch"
	cancelAllPath   = "/v5/order/cancel-all"
	realtimePath    = "/v5/order/realtime"
	historyPath     = "/v5/order/history"
	executionsPath  = "/v5/execution/list"
	positionsPath   = "/v5/position/list"
)

// orderName says which order a request is about, by the client's id where there is one: it is known first.
type orderName struct {
	OrderID     string `json:"orderId,omitempty"`
	OrderLinkID string `json:"orderLinkId,omitempty"`
}

func nameOf(o *protocol.Order) (orderName, error) {
	switch {
	case o.ClientID != "":
		return orderName{OrderLinkID: o.ClientID}, nil
	case o.VenueID != "":
		return orderName{OrderID: o.VenueID}, nil
	}
	return orderName{}, refused("the order has neither a client order id nor the venue's")
}

// refused is the failure for a request that is not sent.
func refused(format string, args ...any) error {
	return fmt.Errorf("bybit: %w", &protocol.Failure{Cause: protocol.Refused, Msg: fmt.Sprintf(format, args...)})
}

type createBody struct {
	Category    string `json:"category"`
	Symbol      string `json:"symbol"`
	Side        string `json:"side"`
	OrderType   string `json:"orderType"`
	Qty         string `json:"qty"`
	Price       string `json:"price,omitempty"`
	TimeInForce string `json:"timeInForce"`
	OrderLinkID string `json:"orderLinkId"`
	PositionIdx int    `json:"positionIdx"`
}

// Place sends an order. The acknowledgement says that the venue has accepted it for processing, not more: its report
// has the ids and no status. An order that the venue does not want after all, also a post-only one that would take,
// ends by the private stream.
func (p *Protocol) Place(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	body := createBody{Category: "linear", Symbol: o.Symbol, Qty: o.Qty, OrderLinkID: o.ClientID}
	switch o.Side {
	case hft.Buy:
		body.Side = "Buy"
	case hft.Sell:
		body.Side = "Sell"
	default:
		return protocol.Report{}, refused("the order's side %v is neither Buy nor Sell", o.Side)
	}
	switch {
	case o.OrdType == hft.Market:
		body.OrderType, body.TimeInForce = "Market", "IOC"
	case o.OrdType == hft.Limit:
		body.OrderType, body.Price, body.TimeInForce = "Limit", o.Price, timeInForceText(o.TimeInForce)
	}
	if body.OrderType == "" || body.TimeInForce == "" {
		return protocol.Report{}, refused("the venue has no order of type %v, %v", o.OrdType, o.TimeInForce)
	}
	return p.send(ctx, placeAction, createPath, o, body)
}

func timeInForceText(t hft.TimeInForce) string {
	switch t {
	case hft.GTC:
		return "GTC"
	case hft.GTX:
		return "PostOnly"
	case hft.FOK:
		return "FOK"
	case hft.IOC:
		return "IOC"
	}
	return ""
}

// Amend changes price and quantity of an order, which keeps its ids; only what is new is sent. An amendment to what the
// order is already is not sent and fails with NoChange. For the acknowledgement see Place.
func (p *Protocol) Amend(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	name, err := nameOf(o)
	if err != nil {
		return protocol.Report{}, err
	}
	body := struct {
		Category string `json:"category"`
		Symbol   string `json:"symbol"`
		orderName
		Qty   string `json:"qty,omitempty"`
		Price string `json:"price,omitempty"`
	}{Category: "linear", Symbol: o.Symbol, orderName: name}
	if o.Qty != o.PrevQty {
		body.Qty = o.Qty
	}
	if o.Price != o.PrevPrice {
		body.Price = o.Price
	}
	if body.Qty == "" && body.Price == "" {
		return protocol.Report{}, fmt.Errorf("bybit: %w", &protocol.Failure{Cause: protocol.NoChange,
			Msg: "price and quantity are the order's already"})
	}
	return p.send(ctx, amendAction, amendPath, o, body)
}

// Cancel cancels an order. For the acknowledgement see Place.
func (p *Protocol) Cancel(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	name, err := nameOf(o)
	if err != nil {
		return protocol.Report{}, err
	}
	return p.send(ctx, cancelAction, cancelPath, o, struct {
		Category string `json:"category"`
		Symbol   string `json:"symbol"`
		orderName
	}{"linear", o.Symbol, name})
}

// send sends a request about one order the way that is configured.
func (p *Protocol) send(ctx context.Context, a action, path string, o *protocol.Order,
	content any) (protocol.Report, error) {
	body := marshal(content)
	var ids orderIDs
	if p.trade != nil {
		got, sent, err := p.trade.send(ctx, a, path, o, body)
		if err != nil {
			return protocol.Report{}, fmt.Errorf("bybit: %s: %w", tradeOp(a), err)
		}
		if sent {
			return acknowledged(o, got), nil
		}
	}
	err := p.call(ctx, request{path: path, body: body, action: a}, func(result *fastjson.Value) error {
		ids = readIDs(result)
		return nil
	})
	if err != nil {
		return protocol.Report{}, err
	}
	return acknowledged(o, ids), nil
}

func acknowledged(o *protocol.Order, ids orderIDs) protocol.Report {
	r := protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: o.VenueID}
	if ids.venueID != "" {
		r.VenueID = ids.venueID
	}
	return r
}

// MaxCancels is how many orders go into a batch: the venue takes 20 and counts each, so no more than a second's worth.
// While REST pauses it is one, which goes over the trade connection.
func (p *Protocol) MaxCancels() int {
	if until, _ := p.budget.PausedUntilNs(budget.REST, p.venueNs()); until != 0 && p.trade != nil {
		return 1
	}
	return min(20, p.config.OrdersPerSecond)
}

// CancelBatch cancels orders of a symbol with one request, always by REST. For the acknowledgements see Place.
func (p *Protocol) CancelBatch(ctx context.Context, orders []*protocol.Order) ([]protocol.Outcome, error) {
	type item struct {
		Symbol string `json:"symbol"`
		orderName
	}
	var items []item
	for _, o := range orders {
		name, err := nameOf(o)
		if err != nil {
			return nil, err
		}
		items = append(items, item{o.Symbol, name})
	}
	body := marshal(struct {
		Category string `json:"category"`
		Request  []item `json:"request"`
	}{"linear", items})
	outcomes := make([]protocol.Outcome, len(orders))
	r := request{path: cancelBatchPath, body: body, action: cancelAction, count: len(orders), whole: true}
	err := p.call(ctx, r, func(answer *fastjson.Value) error {
		list, codes := answer.GetArray("result", "list"), answer.GetArray("retExtInfo", "list")
		if len(list) != len(orders) || len(codes) != len(orders) {
			return fmt.Errorf("%d orders were to be canceled and %d are answered", len(orders), len(codes))
		}
		for i, o := range orders {
			row, ids := row{v: codes[i]}, readIDs(list[i])
			code := int(row.whole("code"))
			switch {
			case row.err != nil:
				return row.err
			case ids.clientID != "" && o.ClientID != "" && ids.clientID != o.ClientID:
				outcomes[i].Err = &protocol.Failure{Cause: protocol.Unknown, Msg: "the answer is about another order"}
			case code != 0:
				outcomes[i].Err = p.refusal(code, row.str("msg"), cancelAction, 0)
			default:
				outcomes[i].Report = acknowledged(o, ids)
			}
		}
		return nil
	})
	return outcomes, err
}

// CancelAll cancels every order of the account on a symbol. The answer tells that it is accepted, not what has become
// of which order.
func (p *Protocol) CancelAll(ctx context.Context, symbol string) ([]protocol.Report, error) {
	body := marshal(struct {
		Category    string `json:"category"`
		Symbol      string `json:"symbol"`
		OrderFilter string `json:"orderFilter"` // without it conditional orders go, too, which OpenOrders does not list
	}{"linear", symbol, "Order"})
	return nil, p.call(ctx, request{path: cancelAllPath, body: body, action: cancelAction},
		func(result *fastjson.Value) error {
			if result != nil && string(result.GetStringBytes("success")) == "0" {
				return errors.New("the venue reports that it did not succeed")
			}
			return nil
		})
}
