package binancespot

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// roomForSigning is how many parameters signing adds: window, time and, over the WS API, the key.
const roomForSigning = 3

// maxIDLen is the longest client order id.
const maxIDLen = 36

// checkID refuses a client order id that the venue would not take, before anything is sent.
func checkID(id string) error {
	ok := id != "" && len(id) <= maxIDLen
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	}
	if !ok {
		return refused(fmt.Sprintf("client order id %q: it has 1 to %d letters, digits, - or _", id, maxIDLen))
	}
	return nil
}

func refused(msg string) error { return &protocol.Failure{Cause: protocol.Refused, Msg: msg} }

// newOrder returns the parameters of a new order with qty of it. The answer is always asked for with its result
// (newOrderRespType RESULT): the venue's default differs by type, and an acknowledgement alone has no status.
func newOrder(o *protocol.Order, clientID, qty string) ([]binanceapi.Param, error) {
	if err := checkID(clientID); err != nil {
		return nil, err
	}
	params := make([]binanceapi.Param, 0, 12+roomForSigning)
	params = append(params, binanceapi.Text("symbol", o.Symbol), binanceapi.Text("newClientOrderId", clientID),
		binanceapi.Text("newOrderRespType", "RESULT"), binanceapi.Text("quantity", qty))
	switch o.Side {
	case hft.Buy:
		params = append(params, binanceapi.Text("side", "BUY"))
	case hft.Sell:
		params = append(params, binanceapi.Text("side", "SELL"))
	default:
		return nil, refused("an order is to buy or to sell")
	}
	switch {
	case o.OrdType == hft.Market:
		return append(params, binanceapi.Text("type", market)), nil
	case o.OrdType != hft.Limit:
		return nil, refused(fmt.Sprintf("order type %v: the venue has limit and market orders", o.OrdType))
	}
	params = append(params, binanceapi.Text("price", o.Price))
	switch o.TimeInForce {
	case hft.GTX:
		// Post-only is a type of its own here, and a time in force beside it is an error.
		return append(params, binanceapi.Text("type", limitMaker)), nil
	case hft.GTC, hft.IOC, hft.FOK:
		return append(params, binanceapi.Text("type", limit),
			binanceapi.Text("timeInForce", o.TimeInForce.String())), nil
	}
	return nil, refused(fmt.Sprintf("time in force %v: the venue has GTC, GTX, IOC and FOK", o.TimeInForce))
}

// orderParams returns the parameters that name an order: by the venue's id where it is known, which is found quicker
// and stays the order's when an amendment gives it a new client id.
func orderParams(o *protocol.Order) []binanceapi.Param {
	params := make([]binanceapi.Param, 0, 4+roomForSigning)
	params = append(params, binanceapi.Text("symbol", o.Symbol))
	if o.VenueID != "" {
		return append(params, binanceapi.ID("orderId", o.VenueID))
	}
	return append(params, binanceapi.Text("origClientOrderId", o.ClientID))
}

// keepsPriority reports whether an amendment only takes something off the order's quantity, which the venue does
// without the order losing its place in the queue.
func keepsPriority(o *protocol.Order) (bool, error) {
	if o.OrdType != hft.Limit {
		return false, refused("only limit orders can be amended")
	}
	price, err := compareDecimals(o.Price, o.PrevPrice)
	if err != nil {
		return false, err
	}
	qty, err := compareDecimals(o.Qty, o.PrevQty)
	if err != nil {
		return false, err
	}
	if price == 0 && qty == 0 {
		return false, &protocol.Failure{Cause: protocol.NoChange, Msg: "price and quantity are what they are already"}
	}
	return price == 0 && qty < 0, nil
}

// amendKeepingPriority returns the parameters of an amendment in place. Without newClientOrderId the venue would give
// the order a client id of its own choice.
func amendKeepingPriority(o *protocol.Order) ([]binanceapi.Param, error) {
	if err := checkID(o.ClientID); err != nil {
		return nil, err
	}
	qty, err := subtractDecimals(o.Qty, o.PriorQty)
	if err != nil {
		return nil, err
	}
	return append(orderParams(o), binanceapi.Text("newClientOrderId", o.ClientID), binanceapi.Text("newQty", qty)), nil
}

// cancelReplace returns the parameters of an amendment by a new order. Its quantity is what is to stay open. An order
// that has no execution yet is only canceled if that is still so (ONLY_NEW): otherwise what is executed in the meantime
// would be ordered a second time. For further executions of an order that has some already the venue has no such
// condition.
func cancelReplace(o *protocol.Order) ([]binanceapi.Param, error) {
	open, err := subtractDecimals(o.Qty, o.CumQty)
	if err != nil {
		return nil, err
	}
	clientID := o.NewClientID
	if clientID == "" {
		clientID = o.ClientID
	}
	params, err := newOrder(o, clientID, open)
	if err != nil {
		return nil, err
	}
	params = append(params, binanceapi.Text("cancelReplaceMode", "STOP_ON_FAILURE"))
	executed, err := compareDecimals(o.CumQty, o.PriorQty)
	if err != nil {
		return nil, err
	}
	restriction := "ONLY_NEW"
	if executed > 0 {
		restriction = "ONLY_PARTIALLY_FILLED"
	}
	params = append(params, binanceapi.Text("cancelRestrictions", restriction))
	if o.VenueID != "" {
		return append(params, binanceapi.ID("cancelOrderId", o.VenueID)), nil
	}
	return append(params, binanceapi.Text("cancelOrigClientOrderId", o.ClientID)), nil
}

// decimal returns the value of a decimal text; "" is 0. Floating point would find quantities different that are the
// same.
func decimal(text string) (*big.Rat, error) {
	value := new(big.Rat)
	if text == "" {
		return value, nil
	}
	const longest = 40
	if len(text) > longest || strings.Trim(text, "0123456789.") != "" {
		return nil, refused(fmt.Sprintf("decimal %q: digits and a point are expected", text[:min(len(text), longest)]))
	}
	if _, ok := value.SetString(text); !ok {
		return nil, refused(fmt.Sprintf("decimal %q: digits and a point are expected", text))
	}
	return value, nil
}

// compareDecimals returns -1, 0 or 1 for a less than, equal to or greater than b.
func compareDecimals(a, b string) (int, error) {
	x, err := decimal(a)
	if err != nil {
		return 0, err
	}
	y, err := decimal(b)
	if err != nil {
		return 0, err
	}
	return x.Cmp(y), nil
}

// subtractDecimals returns a - b, which has to be more than nothing, with as many decimals as the longer of them has.
func subtractDecimals(a, b string) (string, error) {
	x, err := decimal(a)
	if err != nil {
		return "", err
	}
	y, err := decimal(b)
	if err != nil {
		return "", err
	}
	difference := x.Sub(x, y)
	if difference.Sign() <= 0 {
		return "", refused(fmt.Sprintf("quantity %s is not more than the %q that is executed: cancel the order instead",
			a, b))
	}
	_, fractionA, _ := strings.Cut(a, ".")
	_, fractionB, _ := strings.Cut(b, ".")
	return difference.FloatString(max(len(fractionA), len(fractionB))), nil
}
