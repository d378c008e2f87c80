package binancespot

import (
	"context"
	"errors"
	"net/http"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// endpoint is a request about an order, which there are two ways to send.
type endpoint struct {
	method, path string // over HTTP
	call         string // over the WebSocket API
	cost         binanceapi.Cost
}

// request sends a request about an order in the way that is configured and hands its result to read.
func (p *Protocol) request(ctx context.Context, e endpoint, params []binanceapi.Param,
	read func(v binanceapi.Value) error) error {
	r := binanceapi.Request{Method: e.method, Path: e.path, Params: params, Security: binanceapi.Signed, Cost: e.cost}
	return p.entry.Do(ctx, e.call, r, read)
}

// report sends a request about an order and returns what read makes of its result.
func (p *Protocol) report(ctx context.Context, e endpoint, params []binanceapi.Param,
	read func(v binanceapi.Value) (protocol.Report, error)) (protocol.Report, error) {
	var r protocol.Report
	err := p.request(ctx, e, params, func(v binanceapi.Value) (err error) {
		r, err = read(v)
		return err
	})
	if err != nil {
		return protocol.Report{}, err
	}
	return r, nil
}

// Place sends a new order. The answer has its status, also of an order that was filled at once.
func (p *Protocol) Place(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	params, err := newOrder(o, o.ClientID, o.Qty)
	if err != nil {
		return protocol.Report{}, err
	}
	e := endpoint{http.MethodPost, "/api/v3/order", "order.place", binanceapi.Cost{Weight: 1, Orders: 1, Trading: true}}
	return p.report(ctx, e, params, func(v binanceapi.Value) (protocol.Report, error) {
		return order(v, protocol.ChannelAck, "clientOrderId")
	})
}

// TestOrder has the venue check an order without placing it, always over HTTP.
func (p *Protocol) TestOrder(ctx context.Context, o *protocol.Order) error {
	params, err := newOrder(o, o.ClientID, o.Qty)
	if err != nil {
		return err
	}
	return p.client.Do(ctx, binanceapi.Request{Method: http.MethodPost, Path: "/api/v3/order/test", Params: params,
		Security: binanceapi.Signed, Cost: binanceapi.Cost{Weight: 1, Trading: true}}, nil)
}

// Cancel cancels an order. The report is about the order, not about the cancellation, whose own id is the venue's
// choice.
func (p *Protocol) Cancel(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	e := endpoint{http.MethodDelete, "/api/v3/order", "order.cancel",
		binanceapi.Cost{Weight: 1, Cancel: true, Trading: true}}
	r, err := p.report(ctx, e, orderParams(o), canceled)
	return named(r, o), err
}

// Amend changes an order. Where only its quantity falls, it stays the same order in the same place of the queue.
// Otherwise the venue cancels it and takes a new one, which has NewClientID, or the same client id when that is empty,
// and a venue id of its own; the report is about the new one, and the end of the old one comes by the private stream.
//
// When the old order is canceled and the new one is refused, Amend returns both: a report that the old one is canceled,
// and a *protocol.Failure with the cause for the new one.
func (p *Protocol) Amend(ctx context.Context, o *protocol.Order) (r protocol.Report, err error) {
	keep, err := keepsPriority(o)
	if err != nil {
		return r, err
	}
	if keep {
		r, err = p.amendInPlace(ctx, o)
	} else {
		r, err = p.replace(ctx, o)
	}
	var f *protocol.Failure
	if errors.As(err, &f) && f.Cause == protocol.NotFound {
		f.Cause = protocol.Gone // NotFound is the answer to a question, and final
	}
	return r, err
}

func (p *Protocol) amendInPlace(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	params, err := amendKeepingPriority(o)
	if err != nil {
		return protocol.Report{}, err
	}
	e := endpoint{http.MethodPut, "/api/v3/order/amend/keepPriority", "order.amend.keepPriority",
		binanceapi.Cost{Weight: 4, Amend: true, Trading: true}}
	return p.report(ctx, e, params, amended)
}

func (p *Protocol) replace(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	params, err := cancelReplace(o)
	if err != nil {
		return protocol.Report{}, err
	}
	e := endpoint{http.MethodPost, "/api/v3/order/cancelReplace", "order.cancelReplace",
		binanceapi.Cost{Weight: 1, Orders: 1, Trading: true}}
	r, err := p.report(ctx, e, params, func(v binanceapi.Value) (protocol.Report, error) {
		return order(v.Field("newOrderResponse"), protocol.ChannelAck, "clientOrderId")
	})
	var halves *replaceError
	if errors.As(err, &halves) && halves.cancel == succeeded {
		return named(halves.old, o), err
	}
	return r, err
}

// CancelAll cancels every open order of the account on a symbol and returns them; that there is none is no error. A row
// that is about no single order, such as a list of orders, is passed over. It goes by REST always: over a connection
// that hangs it might arrive when there are other orders.
func (p *Protocol) CancelAll(ctx context.Context, symbol string) (reports []protocol.Report, err error) {
	params := make([]binanceapi.Param, 0, 1+roomForSigning)
	r := binanceapi.Request{Method: http.MethodDelete, Path: "/api/v3/openOrders", Security: binanceapi.Signed,
		Params: append(params, binanceapi.Text("symbol", symbol)),
		Cost:   binanceapi.Cost{Weight: 1, Cancel: true, Trading: true}}
	err = p.client.Do(ctx, r, func(v binanceapi.Value) error {
		return v.Each(func(row binanceapi.Value) error {
			if r, err := canceled(row); err == nil {
				reports = append(reports, r)
			}
			return nil
		})
	})
	if err != nil && protocol.CauseOf(err) == protocol.Gone {
		return nil, nil
	}
	return reports, err
}

// QueryOrder asks for one order.
func (p *Protocol) QueryOrder(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	e := endpoint{http.MethodGet, "/api/v3/order", "order.status", binanceapi.Cost{Weight: 4, Trading: true}}
	r, err := p.report(ctx, e, orderParams(o), func(v binanceapi.Value) (protocol.Report, error) {
		return order(v, protocol.ChannelQuery, "clientOrderId")
	})
	return named(r, o), err
}

// named gives a report the client id of the order that it was asked for: a canceled order may be shown with the id of
// the cancellation.
func named(r protocol.Report, o *protocol.Order) protocol.Report {
	if r.VenueID != "" && o.ClientID != "" {
		r.ClientID = o.ClientID
	}
	return r
}

// OpenOrders lists the open orders of the account on a symbol.
func (p *Protocol) OpenOrders(ctx context.Context, symbol string) (protocol.OpenList, error) {
	params := make([]binanceapi.Param, 0, 1+roomForSigning)
	return p.openOrders(ctx, 6, append(params, binanceapi.Text("symbol", symbol)))
}

// AllOpenOrders lists the open orders of the account on all symbols.
func (p *Protocol) AllOpenOrders(ctx context.Context) (protocol.OpenList, error) {
	return p.openOrders(ctx, 80, make([]binanceapi.Param, 0, roomForSigning))
}

func (p *Protocol) openOrders(ctx context.Context, weight int,
	params []binanceapi.Param) (open protocol.OpenList, err error) {
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/openOrders",
		Security: binanceapi.Signed, Params: params, Cost: binanceapi.Cost{Weight: weight, Trading: true}},
		func(v binanceapi.Value) error {
			if !v.IsArray() {
				return errNoList
			}
			open = binanceapi.OpenList(v, func(row binanceapi.Value) (protocol.Report, error) {
				return order(row, protocol.ChannelQuery, "clientOrderId")
			})
			return nil
		})
	return open, err
}

// RecentOrders lists the newest orders of the account on a symbol.
func (p *Protocol) RecentOrders(ctx context.Context, symbol string) (reports []protocol.Report, err error) {
	params := make([]binanceapi.Param, 0, 2+roomForSigning)
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/allOrders",
		Security: binanceapi.Signed, Params: append(params, binanceapi.Text("symbol", symbol),
			binanceapi.Int("limit", 1000)), Cost: binanceapi.Cost{Weight: 20, Trading: true}},
		func(v binanceapi.Value) error {
			if !v.IsArray() {
				return errNoList
			}
			return v.Each(func(row binanceapi.Value) error {
				r, err := order(row, protocol.ChannelQuery, "clientOrderId")
				reports = append(reports, r)
				return err
			})
		})
	if err != nil {
		return nil, err
	}
	return reports, nil
}
