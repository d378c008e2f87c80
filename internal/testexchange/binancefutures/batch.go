package binancefutures

import (
	"encoding/json"
	"strconv"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
)

const maxBatch, maxCancelBatch = 5, 10

// batch answers a request that carries several orders as JSON; one does what one of them asks for.
func batch(one func(*binance.Call, binance.Params) (any, *binance.Error)) func(*binance.Call) (any, *binance.Error) {
	return func(c *binance.Call) (any, *binance.Error) {
		var orders []json.RawMessage
		if json.Unmarshal([]byte(c.Params["batchOrders"]), &orders) != nil || len(orders) == 0 {
			return nil, binance.ErrMalformed("batchOrders")
		}
		if len(orders) > maxBatch {
			return nil, &binance.Error{Code: -4082, Msg: "Invalid number of batch place orders."}
		}
		out := make([]any, 0, len(orders))
		for _, raw := range orders {
			params, _, err := binance.ReadObject(raw)
			if err != nil {
				return nil, binance.ErrMalformed("batchOrders")
			}
			out = append(out, either(one(c, params)))
		}
		return out, nil
	}
}

// either returns what is sent for one order of a batch.
func either(result any, bad *binance.Error) any {
	if bad != nil {
		return bad
	}
	return result
}

func (v *Venue) placeOne(c *binance.Call, p binance.Params) (any, *binance.Error) {
	v.core.Counters.Submit(p["newClientOrderId"])
	return v.placeParams(c, p)
}

// cancelBatch cancels several orders by one of two lists.
func (v *Venue) cancelBatch(c *binance.Call) (any, *binance.Error) {
	if bad := c.Params.Need("symbol"); bad != nil {
		return nil, bad
	}
	var ids []int64
	var clientIDs []string
	byID, byClient := c.Params["orderIdList"], c.Params["origClientOrderIdList"]
	switch {
	case byID != "" && json.Unmarshal([]byte(byID), &ids) != nil:
		return nil, binance.ErrMalformed("orderIdList")
	case byID == "" && json.Unmarshal([]byte(byClient), &clientIDs) != nil:
		return nil, binance.ErrMalformed("origClientOrderIdList")
	case len(ids)+len(clientIDs) == 0 || len(ids)+len(clientIDs) > maxCancelBatch:
		return nil, &binance.Error{Code: -4082, Msg: "Invalid number of batch place orders."}
	}
	out := []any{}
	for _, id := range ids {
		out = append(out, either(v.cancelParams(c, binance.Params{"symbol": c.Params["symbol"],
			"orderId": strconv.FormatInt(id, 10)})))
	}
	for _, id := range clientIDs {
		out = append(out, either(v.cancelParams(c, binance.Params{"symbol": c.Params["symbol"],
			"origClientOrderId": id})))
	}
	return out, nil
}
