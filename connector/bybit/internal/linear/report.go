package linear

import (
	"strings"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// orderReport reads an order as the stream and the lists write it; ok is false for a row that is not about an order of
// a linear contract.
func orderReport(r *row, channel protocol.Channel) (report protocol.Report, ok bool) {
	report = protocol.Report{Channel: channel, Symbol: r.str("symbol"), ClientID: r.str("orderLinkId"),
		VenueID: r.str("orderId")}
	if !r.ours() || report.Symbol == "" || report.ClientID == "" && report.VenueID == "" {
		return report, false
	}
	reason, kind := string(r.text("rejectReason")), string(r.text("cancelType"))
	report.Status = status(r.text("orderStatus"), reason)
	report.Side = side(r.text("side"))
	report.OrdType = ordType(r.text("orderType"))
	report.TimeInForce = timeInForce(r.text("timeInForce"))
	report.Price, report.Qty = r.number("price"), r.number("qty")
	report.AvgPrice = r.number("avgPrice")
	report.CumQty, report.HasCum = r.decimal("cumExecQty")
	report.LeavesQty, report.HasLeaves = r.decimal("leavesQty")
	if !report.HasCum && report.HasLeaves && active(report.Status) && report.Qty >= report.LeavesQty {
		report.CumQty, report.HasCum = report.Qty-report.LeavesQty, true
	}
	if value := r.number("cumExecValue"); report.AvgPrice == 0 && report.CumQty > 0 {
		report.AvgPrice = value / report.CumQty
	}
	report.TimestampNs = r.timeNs("updatedTime")
	if !active(report.Status) {
		report.Reason = endReason(reason, kind)
	}
	return report, true
}

func active(s hft.Status) bool { return s == hft.StatusNew || s == hft.StatusPartiallyFilled }

// endReason is the venue's text about an end that the account did not ask for.
func endReason(reject, cancel string) string {
	switch reject {
	case "", "EC_NoError", "EC_PerCancelRequest":
	default:
		return reject
	}
	switch cancel {
	case "", "UNKNOWN", "CancelByUser":
		return ""
	}
	return cancel
}

// executionReport reads an execution; ok is false for what is no trade of a linear contract, such as funding. It says
// nothing about the order's state: the order topic does, before or after.
func executionReport(r *row, channel protocol.Channel) (report protocol.Report, ok bool) {
	report = protocol.Report{Channel: channel, Symbol: r.str("symbol"), ClientID: r.str("orderLinkId"),
		VenueID: r.str("orderId"), TradeID: r.str("execId"), FeeAsset: r.str("feeCurrency")}
	switch string(r.text("execType")) {
	case "", "Trade", "BlockTrade":
	default:
		return report, false
	}
	if !r.ours() || report.Symbol == "" || report.TradeID == "" || report.ClientID == "" && report.VenueID == "" {
		return report, false
	}
	report.Side = side(r.text("side"))
	report.OrdType = ordType(r.text("orderType"))
	report.LastQty, report.LastPrice, report.LastValue = r.number("execQty"), r.number("execPrice"),
		r.number("execValue")
	report.Fee, report.Maker = r.number("execFee"), r.is("isMaker")
	if report.FeeAsset == "" {
		report.FeeAsset = settleAsset(report.Symbol)
	}
	report.TimestampNs = r.timeNs("execTime")
	return report, true
}

// settleAsset is what a linear contract's fees are paid in where the execution does not say it: contracts are settled
// in USDT, which their name ends in (also before an expiry date), or else in USDC.
func settleAsset(symbol string) string {
	name, _, _ := strings.Cut(symbol, "-")
	if strings.HasSuffix(name, "USDT") {
		return "USDT"
	}
	return "USDC"
}

// position reads a position; ok is false for what is not about a linear contract. In hedge mode, where a contract has
// two of them, it has an error only.
func position(r *row) (p protocol.Position, ok bool) {
	p = protocol.Position{Symbol: r.str("symbol"), Qty: r.number("size"), TimestampNs: r.timeNs("updatedTime")}
	if side(r.text("side")) == hft.Sell {
		p.Qty = -p.Qty
	}
	if r.whole("positionIdx") != 0 {
		p = protocol.Position{Symbol: p.Symbol, Err: protocol.HedgeMode(p.Symbol)}
	}
	return p, r.ours() && p.Symbol != ""
}

// balance reads a coin of the wallet. What is bound is what spot orders lock and the initial margin of contract orders
// and positions; it is taken from this coin alone, although the venue counts all collateral of a unified account.
func balance(r *row) (b protocol.Balance, ok bool) {
	b = protocol.Balance{Asset: r.str("coin"),
		Locked: r.number("locked") + r.number("totalOrderIM") + r.number("totalPositionIM")}
	wallet, said := r.decimal("walletBalance")
	b.Free = wallet - b.Locked
	return b, said && b.Asset != ""
}

// status maps an order's status. The venue calls it canceled when it ends an order by itself; here an order that its
// own conditions have ended is expired, as at the other venues.
func status(text []byte, reason string) hft.Status {
	switch string(text) {
	case "New":
		return hft.StatusNew
	case "PartiallyFilled":
		return hft.StatusPartiallyFilled
	case "Filled":
		return hft.StatusFilled
	case "Cancelled", "PartiallyFilledCanceled", "Deactivated":
		if byItsConditions(reason) {
			return hft.StatusExpired
		}
		return hft.StatusCanceled
	case "Rejected":
		if byItsConditions(reason) {
			return hft.StatusExpired
		}
		return hft.StatusRejected
	}
	return hft.StatusUnsupported
}

// byItsConditions reports whether an order has ended because it was post only, fill or kill, immediate or cancel, or
// would have traded with the account itself.
func byItsConditions(reason string) bool {
	switch reason {
	case "EC_PostOnlyWillTakeLiquidity", "EC_NoImmediateQtyToFill", "EC_NoEnoughQtyToFill", "EC_CancelForNoFullFill",
		"EC_BySelfMatch":
		return true
	}
	return false
}

func side(text []byte) hft.Side {
	switch string(text) {
	case "Buy":
		return hft.Buy
	case "Sell":
		return hft.Sell
	}
	return hft.SideNone
}

func ordType(text []byte) hft.OrdType {
	switch string(text) {
	case "Limit":
		return hft.Limit
	case "Market":
		return hft.Market
	}
	return hft.OrdTypeUnsupported
}

func timeInForce(text []byte) hft.TimeInForce {
	switch string(text) {
	case "GTC":
		return hft.GTC
	case "PostOnly":
		return hft.GTX
	case "FOK":
		return hft.FOK
	case "IOC":
		return hft.IOC
	}
	return hft.TimeInForceUnsupported
}
