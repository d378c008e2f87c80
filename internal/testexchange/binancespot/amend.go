package binancespot

import (
	"net/http"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// amended is the answer to an amendment.
type amended struct {
	TransactTime int64        `json:"transactTime"`
	ExecutionID  int64        `json:"executionId"`
	Order        amendedOrder `json:"amendedOrder"`
}

type amendedOrder struct {
	Symbol            string `json:"symbol"`
	OrderID           int64  `json:"orderId"`
	OrderListID       int64  `json:"orderListId"`
	OrigClientOrderID string `json:"origClientOrderId"`
	ClientOrderID     string `json:"clientOrderId"`
	Price             string `json:"price"`
	Qty               string `json:"qty"`
	ExecutedQty       string `json:"executedQty"`
	PreventedQty      string `json:"preventedQty"`
	QuoteOrderQty     string `json:"quoteOrderQty"`
	CumulativeQuote   string `json:"cumulativeQuoteQty"`
	Status            string `json:"status"`
	TimeInForce       string `json:"timeInForce"`
	Type              string `json:"type"`
	Side              string `json:"side"`
	WorkingTime       int64  `json:"workingTime"`
	SelfTrade         string `json:"selfTradePreventionMode"`
}

// amend makes the quantity of an order smaller; it keeps its place in the queue.
func (v *Venue) amend(c *binance.Call) (any, *binance.Error) {
	ref, bad := readRef(c.Params, "orderId", "origClientOrderId")
	if bad == nil {
		bad = c.Params.Need("newQty")
	}
	if bad == nil {
		bad = checkID(c.Params, "newClientOrderId")
	}
	if bad != nil {
		return nil, bad
	}
	return v.withSymbol(c, func(nowNs int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		lots, bad := readSteps(c.Params, "newQty", s.Lot, "LOT_SIZE")
		if bad != nil {
			return nil, bad
		}
		before, err := m.Order(c.Key.Account, ref)
		if err != nil || !before.Open() {
			return nil, binance.ErrNoSuchOrder()
		}
		if lots >= before.QtyLots || lots <= before.FilledLots {
			return nil, &binance.Error{Code: -2038, Msg: "The requested action would change no state; rejecting."}
		}
		id := c.Params["newClientOrderId"]
		if id == "" {
			id = v.newID()
		}
		if id != before.ClientID {
			v.oldIDs[before.ID] = before.ClientID
		}
		o, err := m.Amend(nowNs, c.Key.Account, market.Amendment{Ref: market.Ref{Symbol: s.Name, ID: before.ID},
			PriceTicks: before.PriceTicks, QtyLots: lots, NewClientID: id})
		if err != nil {
			delete(v.oldIDs, before.ID)
			return nil, refusal(err)
		}
		r := newResult(s, &o)
		return amended{TransactTime: r.TransactTime, ExecutionID: v.nextExecutionID,
			Order: amendedOrder{r.Symbol, r.OrderID, -1, before.ClientID, o.ClientID, r.Price, r.OrigQty, r.ExecutedQty,
				"0.00000000", "0.00000000", r.CumulativeQuote, r.Status, r.TimeInForce, r.Type, r.Side, r.WorkingTime,
				r.SelfTrade}}, nil
	})
}

// replaced is the answer to a cancel-replace, and what else the refusal of one says.
type replaced struct {
	CancelResult     string `json:"cancelResult"`
	NewOrderResult   string `json:"newOrderResult"`
	CancelResponse   any    `json:"cancelResponse"`
	NewOrderResponse any    `json:"newOrderResponse"`
}

const success, failure = "SUCCESS", "FAILURE"

// cancelReplace cancels one order and places another.
func (v *Venue) cancelReplace(c *binance.Call) (any, *binance.Error) {
	ref, bad := readRef(c.Params, "cancelOrderId", "cancelOrigClientOrderId")
	if bad != nil {
		return nil, bad
	}
	mode := c.Params["cancelReplaceMode"]
	if mode != "STOP_ON_FAILURE" && mode != "ALLOW_FAILURE" {
		return nil, binance.ErrMalformed("cancelReplaceMode")
	}
	v.core.Counters.Submit(c.Params["newClientOrderId"])
	out := replaced{CancelResult: success, NewOrderResult: success}
	v.core.Do(func(nowNs int64, m *market.Market) {
		var refused *binance.Error
		if out.CancelResponse, refused = v.cancelIn(nowNs, m, c, ref,
			c.Params["cancelNewClientOrderId"]); refused != nil {
			out.CancelResult, out.CancelResponse = failure, refused
			if mode == "STOP_ON_FAILURE" {
				out.NewOrderResult = "NOT_ATTEMPTED"
				return
			}
		}
		if out.NewOrderResponse, refused = v.placeIn(nowNs, m, c); refused != nil {
			out.NewOrderResult, out.NewOrderResponse = failure, refused
		}
	})
	switch {
	case out.CancelResult == success && out.NewOrderResult == success:
		return out, nil
	case out.CancelResult == success || out.NewOrderResult == success:
		return nil, &binance.Error{Status: http.StatusConflict, Code: -2021,
			Msg: "Order cancel-replace partially failed.", Data: out}
	}
	return nil, &binance.Error{Code: -2022, Msg: "Order cancel-replace failed.", Data: out}
}
