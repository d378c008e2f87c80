package binancefutures

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const orderPath = "/fapi/v1/order"

// placeCost is the cost of placing and amending: they count as orders and weigh nothing.
func placeCost() binanceapi.Cost { return binanceapi.Cost{Orders: 1, Trading: true} }

func cancelCost() binanceapi.Cost { return binanceapi.Cost{Weight: 1, Cancel: true, Trading: true} }

func queryCost() binanceapi.Cost { return binanceapi.Cost{Weight: 1, Trading: true} }

// Place submits an order. The answer is asked for as ACK: it comes as soon as the order is taken, while RESULT would
// wait for the match and then tell a quantity without its price, which these answers do not have any more since 2026.
// What becomes of the order comes once, by the private stream.
func (p *Protocol) Place(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	return p.send(ctx, http.MethodPost, orderPath, "order.place", placeParams(o), placeCost())
}

// TestOrder has the venue check an order without placing it.
func (p *Protocol) TestOrder(ctx context.Context, o *protocol.Order) error {
	return p.rest.Do(ctx, binanceapi.Request{Method: http.MethodPost, Path: orderPath + "/test", Params: placeParams(o),
		Security: binanceapi.Signed, Cost: placeCost()}, nil)
}

// maxParams is how many parameters a request about an order has, with those that signing adds.
const maxParams = 13

func placeParams(o *protocol.Order) []binanceapi.Param {
	params := append(make([]binanceapi.Param, 0, maxParams), binanceapi.Text("symbol", o.Symbol),
		binanceapi.Text("side", binanceapi.SideText(o.Side)))
	if o.OrdType == hft.Market {
		params = append(params, binanceapi.Text("type", "MARKET"))
	} else {
		params = append(params, binanceapi.Text("type", "LIMIT"),
			binanceapi.Text("timeInForce", o.TimeInForce.String()), binanceapi.Text("price", o.Price))
	}
	return append(params, binanceapi.Text("quantity", o.Qty), binanceapi.Text("newClientOrderId", o.ClientID),
		binanceapi.Text("newOrderRespType", "ACK"))
}

// Amend changes price and quantity of a limit order, which loses its place in the queue; the ids stay. The venue
// cancels an order whose new quantity is not more than what is executed, and one of GTX that would take at its new
// price.
func (p *Protocol) Amend(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	params := append(orderParams(o), binanceapi.Text("side", binanceapi.SideText(o.Side)),
		binanceapi.Text("quantity", o.Qty), binanceapi.Text("price", o.Price))
	r, err := p.send(ctx, http.MethodPut, orderPath, "order.modify", params, placeCost())
	return r, openOnly(err)
}

// Cancel cancels an order.
func (p *Protocol) Cancel(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	r, err := p.send(ctx, http.MethodDelete, orderPath, "order.cancel", orderParams(o), cancelCost())
	return r, openOnly(err)
}

// orderParams name an order: by the venue's id where it is known.
func orderParams(o *protocol.Order) []binanceapi.Param {
	params := append(make([]binanceapi.Param, 0, maxParams), binanceapi.Text("symbol", o.Symbol))
	if o.VenueID != "" {
		return append(params, binanceapi.ID("orderId", o.VenueID))
	}
	return append(params, binanceapi.Text("origClientOrderId", o.ClientID))
}

// openOnly says Gone of an order that a request wants to change and the venue does not know.
func openOnly(err error) error {
	var f *protocol.Failure
	if errors.As(err, &f) && f.Cause == protocol.NotFound {
		f.Cause = protocol.Gone
	}
	return err
}

// send sends a request about one order by the configured way.
func (p *Protocol) send(ctx context.Context, method, path, wsMethod string, params []binanceapi.Param,
	cost binanceapi.Cost) (protocol.Report, error) {
	var r protocol.Report
	read := func(v binanceapi.Value) error {
		r = orderReport(v, protocol.ChannelAck)
		return checkNamed(&r)
	}
	request := binanceapi.Request{Method: method, Path: path, Params: params, Security: binanceapi.Signed, Cost: cost}
	if err := p.entry.Do(ctx, wsMethod, request, read); err != nil {
		return protocol.Report{}, err
	}
	return r, nil
}

// orderReport reads an order's row of a reply. Executed quantities in it are sums: there is no last execution.
func orderReport(v binanceapi.Value, channel protocol.Channel) protocol.Report {
	return protocol.Report{
		Channel: channel, Symbol: v.Text("symbol"), ClientID: v.Text("clientOrderId"), VenueID: v.ID("orderId"),
		Status: binanceapi.Status(v.Bytes("status")), Side: binanceapi.Side(v.Bytes("side")),
		OrdType: binanceapi.OrdType(v.Bytes("type")), TimeInForce: binanceapi.TimeInForce(v.Bytes("timeInForce")),
		Price: v.Decimal("price"), Qty: v.Decimal("origQty"),
		CumQty: v.Decimal("executedQty"), HasCum: v.Has("executedQty"), AvgPrice: v.Decimal("avgPrice"),
		TimestampNs: v.TimeNs("updateTime"),
	}
}

// checkNamed refuses a message that names no order: what it says would be about nothing.
func checkNamed(r *protocol.Report) error {
	if r.VenueID == "" && r.ClientID == "" {
		return errors.New("binancefutures: the message names no order")
	}
	return nil
}

// MaxCancels is how many orders the venue takes in a batch. While REST pauses it is one, which goes over the WebSocket
// API.
func (p *Protocol) MaxCancels() int {
	if p.entry.WS != nil && p.rest.Paused() {
		return 1
	}
	return 10
}

// CancelBatch cancels orders of a symbol with one request, always by REST. The venue names them all by its ids or all
// by the client's, and answers in their order.
func (p *Protocol) CancelBatch(ctx context.Context, orders []*protocol.Order) ([]protocol.Outcome, error) {
	var ids, clientIDs []string
	for _, o := range orders {
		clientIDs = append(clientIDs, strconv.Quote(o.ClientID))
		if o.VenueID != "" {
			ids = append(ids, o.VenueID)
		}
	}
	params := append(make([]binanceapi.Param, 0, maxParams), binanceapi.Text("symbol", orders[0].Symbol))
	if len(ids) == len(orders) {
		params = append(params, binanceapi.Text("orderIdList", "["+strings.Join(ids, ",")+"]"))
	} else {
		params = append(params, binanceapi.Text("origClientOrderIdList", "["+strings.Join(clientIDs, ",")+"]"))
	}
	outcomes := make([]protocol.Outcome, 0, len(orders))
	r := binanceapi.Request{Method: http.MethodDelete, Path: "/fapi/v1/batchOrders", Params: params,
		Security: binanceapi.Signed, Cost: cancelCost()}
	err := p.rest.Do(ctx, r, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		return v.Each(func(row binanceapi.Value) error {
			if len(outcomes) == len(orders) {
				return errNoList
			}
			outcomes = append(outcomes, canceled(row, orders[len(outcomes)]))
			return nil
		})
	})
	if err == nil && len(outcomes) != len(orders) {
		err = &protocol.Failure{Cause: protocol.Unknown,
			Msg: fmt.Sprintf("%d orders were to be canceled and %d are answered", len(orders), len(outcomes))}
	}
	return outcomes, err
}

// canceled reads what an answer says of one order of a batch.
func canceled(row binanceapi.Value, o *protocol.Order) protocol.Outcome {
	if code := int(row.Int("code")); code != 0 {
		msg := row.Text("msg")
		return protocol.Outcome{Err: openOnly(&protocol.Failure{Cause: binanceapi.CauseOf(code, msg, causeOf),
			Code: code, Msg: msg})}
	}
	r := orderReport(row, protocol.ChannelAck)
	if r.ClientID != o.ClientID && (r.VenueID == "" || r.VenueID != o.VenueID) {
		return protocol.Outcome{Err: &protocol.Failure{Cause: protocol.Unknown,
			Msg: "the answer is about another order"}}
	}
	return protocol.Outcome{Report: r}
}

// QueryOrder asks for one order. The venue forgets orders that ended without an execution after some days.
func (p *Protocol) QueryOrder(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	var r protocol.Report
	err := p.ask(ctx, orderPath, queryCost(), orderParams(o), func(v binanceapi.Value) error {
		r = orderReport(v, protocol.ChannelQuery)
		return checkNamed(&r)
	})
	if err != nil {
		return protocol.Report{}, err
	}
	return r, nil
}

// OpenOrders lists the open orders on a symbol.
func (p *Protocol) OpenOrders(ctx context.Context, symbol string) (protocol.OpenList, error) {
	return p.openOrders(ctx, queryCost(), symbolParams(symbol))
}

// AllOpenOrders lists the open orders on all symbols.
func (p *Protocol) AllOpenOrders(ctx context.Context) (protocol.OpenList, error) {
	return p.openOrders(ctx, binanceapi.Cost{Weight: 40}, nil)
}

func (p *Protocol) openOrders(ctx context.Context, cost binanceapi.Cost,
	params []binanceapi.Param) (open protocol.OpenList, err error) {
	err = p.ask(ctx, "/fapi/v1/openOrders", cost, params, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		open = binanceapi.OpenList(v, func(row binanceapi.Value) (protocol.Report, error) {
			r := orderReport(row, protocol.ChannelQuery)
			return r, checkNamed(&r)
		})
		return nil
	})
	return open, err
}

// RecentOrders lists the newest orders on a symbol.
func (p *Protocol) RecentOrders(ctx context.Context, symbol string) ([]protocol.Report, error) {
	var list []protocol.Report
	params := append(symbolParams(symbol), binanceapi.Int("limit", 1000))
	err := p.ask(ctx, "/fapi/v1/allOrders", binanceapi.Cost{Weight: 5, Trading: true}, params,
		func(v binanceapi.Value) error {
			if !v.IsArray() {
				return errNoList
			}
			return v.Each(func(row binanceapi.Value) error {
				r := orderReport(row, protocol.ChannelQuery)
				list = append(list, r)
				return checkNamed(&r)
			})
		})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// errNoList: without it a reply of another shape would look like a list of nothing.
var errNoList = errors.New("binancefutures: the reply is not a list")

func symbolParams(symbol string) []binanceapi.Param {
	return append(make([]binanceapi.Param, 0, 4), binanceapi.Text("symbol", symbol))
}

// ArmDeadMan has the venue cancel all orders on a symbol after window; 0 ends that. The venue looks every 10 ms.
func (p *Protocol) ArmDeadMan(ctx context.Context, symbol string, window time.Duration) error {
	return p.rest.Do(ctx, binanceapi.Request{Method: http.MethodPost, Path: "/fapi/v1/countdownCancelAll",
		Security: binanceapi.Signed, Params: append(symbolParams(symbol),
			binanceapi.Int("countdownTime", window.Milliseconds())),
		Cost: binanceapi.Cost{Weight: 10, Cancel: true, Trading: true}}, nil)
}

const (
	// tradesLimit is how many executions a reply has at most.
	tradesLimit = 1000
	// maxTradePages is how many replies there are in a part of the executions at most.
	maxTradePages = 50
	// tradeSpan is the longest period of a query by time, maxTradeAge how long the venue keeps executions.
	tradeSpan   = 7*24*time.Hour - time.Minute
	maxTradeAge = 90*24*time.Hour - time.Hour
)

// Executions lists the executions on a symbol since a time, oldest first, for a time of 0 or less those of seven days.
// The venue keeps them for three months. They name their order by the venue's id only.
func (p *Protocol) Executions(ctx context.Context, symbol string, sinceNs int64) ([]protocol.Report, error) {
	var list []protocol.Report
	var lastID int64
	nowNs := p.signer.NowNs()
	if sinceNs <= 0 {
		sinceNs = nowNs - int64(tradeSpan)
	}
	sinceNs = max(sinceNs, nowNs-int64(maxTradeAge))
	askedNs := sinceNs
	span := func() []binanceapi.Param {
		params := append(symbolParams(symbol), binanceapi.Int("startTime", sinceNs/1_000_000))
		if sinceNs += int64(tradeSpan); sinceNs < nowNs {
			params = append(params, binanceapi.Int("endTime", sinceNs/1_000_000))
			sinceNs += 1_000_000
		}
		return params
	}
	params, byID := span(), false
	for range maxTradePages {
		n, fromID := 0, lastID
		err := p.ask(ctx, "/fapi/v1/userTrades", binanceapi.Cost{Weight: 5, Trading: true},
			append(params, binanceapi.Int("limit", tradesLimit)), func(v binanceapi.Value) error {
				if !v.IsArray() {
					return errNoList
				}
				return v.Each(func(row binanceapi.Value) error {
					n++
					id := row.Int("id")
					if byID && id <= fromID {
						return fmt.Errorf("binancefutures: execution %d where those behind %d were requested", id, fromID)
					}
					lastID = max(lastID, id)
					list = append(list, execution(row))
					return nil
				})
			})
		if err != nil {
			return nil, err
		}
		if n < tradesLimit && !byID && sinceNs < nowNs {
			params = span()
			continue
		}
		if n < tradesLimit {
			return sorted(list), nil
		}
		// to the end, whatever the time
		params, byID = append(symbolParams(symbol), binanceapi.Int("fromId", lastID+1)), true
	}
	list = sorted(list)
	if more := list[len(list)-1].TimestampNs; more > askedNs {
		return list, &protocol.More{SinceNs: more}
	}
	return nil, &protocol.Failure{Cause: protocol.Unknown, Unreadable: true,
		Msg: fmt.Sprintf("more than %d executions on %s at one time", len(list), symbol)}
}

// sorted returns executions by their time.
func sorted(list []protocol.Report) []protocol.Report {
	slices.SortStableFunc(list, func(a, b protocol.Report) int { return cmp.Compare(a.TimestampNs, b.TimestampNs) })
	return list
}

func execution(row binanceapi.Value) protocol.Report {
	return protocol.Report{
		Channel: protocol.ChannelQuery, Symbol: row.Text("symbol"), VenueID: row.ID("orderId"),
		Side:    binanceapi.Side(row.Bytes("side")),
		TradeID: row.ID("id"), LastQty: row.Decimal("qty"), LastPrice: row.Decimal("price"),
		LastValue: row.Decimal("quoteQty"), Maker: row.Bool("maker"),
		Fee: row.Decimal("commission"), FeeAsset: row.Text("commissionAsset"), TimestampNs: row.TimeNs("time"),
	}
}
