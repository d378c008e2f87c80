package bybit

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// refusal is an answer that says no.
type refusal struct {
	// status of HTTP, 0 for 200. With html that is what is sent, and nothing else.
	status int
	code   int
	msg    string
	html   string
	// abort closes the connection without an answer.
	abort bool
}

func refuse(code int, msg string) *refusal { return &refusal{code: code, msg: msg} }

func errParameter(name string) *refusal { return refuse(10001, "params error: "+name+" invalid") }

// refusals are the venue's words for the market's refusals.
var refusals = []struct {
	err  error
	code int
	msg  string
}{
	{market.ErrSymbol, 10001, "params error: symbol invalid"},
	{market.ErrDuplicateID, 110072, "OrderLinkedID is duplicate"},
	{market.ErrPriceLow, 110003, "Order price exceeds the allowable range."},
	{market.ErrPriceHigh, 110003, "Order price exceeds the allowable range."},
	{market.ErrPriceBand, 110003, "Order price exceeds the allowable range."},
	{market.ErrQtyLow, 10001, "The number of contracts is below minimum limit allowed"},
	{market.ErrQtyHigh, 10001, "The number of contracts exceeds maximum limit allowed: too large"},
	{market.ErrNotional, 110094, "Order does not meet minimum order value "},
	{market.ErrFunds, 110007, "ab not enough for new order"},
	{market.ErrReduceOnly, 110017, "current position is zero, cannot fix reduce-only order qty"},
	{market.ErrPositionSide, 10001, "position idx not match position mode"},
	{market.ErrTooManyOrders, 110020, "Not allowed to have more than 500 active orders"},
	{market.ErrNoOrder, 110001, "order not exists or too late to process"},
	{market.ErrNotOpen, 110001, "order not exists or too late to process"},
	{market.ErrNoChange, 10001, "The order remains unchanged as the parameters entered match the existing ones."},
	{market.ErrAlreadyFilled, 110064,
		"The order modified during the process of replacing, please check the order status again"},
}

// refusalOf words an error of the market. symbol is nil when it is not known.
func refusalOf(err error, s *market.Symbol) *refusal {
	for _, r := range refusals {
		if !errors.Is(err, r.err) {
			continue
		}
		msg := r.msg
		if r.err == market.ErrNotional && s != nil {
			msg += strconv.FormatFloat(s.MinNotional.Float(), 'f', -1, 64) + s.QuoteAsset
		}
		return refuse(r.code, msg)
	}
	return refuse(10001, "Request parameter error.")
}

// Kinds of ids, which make the same number two texts.
const (
	orderKind     = 0x4d1c
	executionKind = 0x5800
	tradeKind     = 0x50af
)

// idText writes an id as the venue does, in the form of a UUID.
func idText(kind uint16, id int64) string {
	return fmt.Sprintf("%08x-%04x-%04x-9e5a-%012x", uint32(uint64(id)>>32), uint16(uint64(id)>>16), kind,
		uint64(id)&0xffff|uint64(kind)<<24)
}

// readID reads an id of the kind; ok is false for any other text.
func readID(kind uint16, text string) (id int64, ok bool) {
	if len(text) != 36 {
		return 0, false
	}
	n, err := strconv.ParseUint(text[:8]+text[9:13]+text[32:], 16, 64)
	id = int64(n)
	return id, err == nil && id > 0 && idText(kind, id) == text
}

// linkID is the client's id of an order, empty when the market has given it one.
func linkID(clientID string, id int64) string {
	if clientID == "x-"+strconv.FormatInt(id, 10) {
		return ""
	}
	return clientID
}

func sideText(s hft.Side) string {
	if s == hft.Buy {
		return "Buy"
	}
	return "Sell"
}

func readSide(text string) (hft.Side, bool) {
	switch text {
	case "Buy":
		return hft.Buy, true
	case "Sell":
		return hft.Sell, true
	}
	return hft.SideNone, false
}

func typeText(o *market.Order) string {
	if o.Type == hft.Market {
		return "Market"
	}
	return "Limit"
}

func tifText(o *market.Order) string {
	switch {
	case o.Type == hft.Market, o.TIF == hft.IOC:
		return "IOC"
	case o.TIF == hft.GTX:
		return "PostOnly"
	case o.TIF == hft.FOK:
		return "FOK"
	}
	return "GTC"
}

func readTIF(text string) (hft.TimeInForce, bool) {
	switch text {
	case "", "GTC":
		return hft.GTC, true
	case "PostOnly":
		return hft.GTX, true
	case "IOC":
		return hft.IOC, true
	case "FOK":
		return hft.FOK, true
	}
	return 0, false
}

func statusText(s hft.Status) string {
	switch s {
	case hft.StatusNew:
		return "New"
	case hft.StatusPartiallyFilled:
		return "PartiallyFilled"
	case hft.StatusFilled:
		return "Filled"
	}
	return "Cancelled" // also one that has expired
}

// endWords are rejectReason and cancelType of an order.
func endWords(o *market.Order) (reason, cancel string) {
	switch o.Reason {
	case market.ReasonUser:
		return "EC_PerCancelRequest", "CancelByUser"
	case market.ReasonCountdown:
		return "EC_PerCancelRequest", "CancelByDCP"
	case market.ReasonIOC, market.ReasonMarket:
		return "EC_NoImmediateQtyToFill", "UNKNOWN"
	case market.ReasonFOK:
		return "EC_NoEnoughQtyToFill", "UNKNOWN"
	case market.ReasonPostOnly:
		return "EC_PostOnlyWillTakeLiquidity", "UNKNOWN"
	case market.ReasonSelfTrade:
		return "EC_BySelfMatch", "CancelBySmp"
	case market.ReasonReduceOnly:
		return "EC_PerCancelRequest", "CancelByReduceOnly"
	case market.ReasonLiquidation:
		return "EC_PerCancelRequest", "CancelAllBeforeLiq"
	}
	return "EC_NoError", "UNKNOWN"
}

// executionType is the field execType.
func executionType(k market.ExecutionKind) string {
	switch k {
	case market.Liquidation:
		return "BustTrade"
	case market.ADL:
		return "AdlTrade"
	case market.Settlement:
		return "Settle"
	case market.Delivery:
		return "Delivery"
	case market.Funding:
		return "Funding"
	}
	return "Trade"
}

// createType is who made an order.
func createType(k market.ExecutionKind) string {
	switch k {
	case market.Liquidation:
		return "CreateByLiq"
	case market.ADL:
		return "CreateByAdl_PassThrough"
	case market.Settlement, market.Delivery:
		return "CreateBySettle"
	}
	return "CreateByUser"
}

func priceText(s *market.Symbol, o *market.Order) string {
	if o.Type == hft.Market {
		return "0"
	}
	return s.Tick.Format(o.PriceTicks)
}

// positionIdx is 0 in one-way mode, 1 and 2 for the two positions of hedge mode.
func positionIdx(p market.PositionSide) int { return int(p) }
