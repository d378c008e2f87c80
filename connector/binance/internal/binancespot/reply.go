package binancespot

import (
	"cmp"
	"errors"
	"strconv"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// order reads an order of a reply: the answer to a request with its result, a row of open orders, a queried order.
// clientID is the name of the field that has the order's client id, which differs.
func order(v binanceapi.Value, channel protocol.Channel, clientID string) (protocol.Report, error) {
	r := protocol.Report{
		Channel:  channel,
		Symbol:   v.Text("symbol"),
		ClientID: v.Text(clientID),
		VenueID:  v.ID("orderId"),
		Status:   binanceapi.Status(v.Bytes("status")),
		Side:     binanceapi.Side(v.Bytes("side")),
		Price:    v.Decimal("price"),
		Qty:      v.Decimal("origQty"),
		CumQty:   v.Decimal("executedQty"),
		HasCum:   v.Has("executedQty"),
	}
	r.OrdType, r.TimeInForce = kind(v.Bytes("type"), v.Bytes("timeInForce"))
	if v.Has("qty") { // the name that the answer to an amendment has for it
		r.Qty = v.Decimal("qty")
	}
	for _, name := range [...]string{"transactTime", "updateTime", "time"} {
		if r.TimestampNs = v.TimeNs(name); r.TimestampNs != 0 {
			break
		}
	}
	if r.CumQty > 0 {
		quote := v.Decimal("cummulativeQuoteQty") // so the venue spells it
		if quote == 0 {
			quote = v.Decimal("cumulativeQuoteQty") // and so in the answer to an amendment
		}
		r.AvgPrice = max(quote, 0) / r.CumQty // negative for orders of a time when it was not kept
	}
	if final(r.Status) {
		r.Reason = v.Text("expiryReason")
	}
	if r.VenueID == "" || r.Symbol == "" || !v.Has("status") {
		return r, errors.New("the reply is about no order: symbol, orderId or status is missing")
	}
	return r, v.Err()
}

// canceled reads the answer to a cancellation, where clientOrderId is the request's.
func canceled(v binanceapi.Value) (protocol.Report, error) {
	return order(v, protocol.ChannelAck, "origClientOrderId")
}

// amended reads the answer to an amendment in place.
func amended(v binanceapi.Value) (protocol.Report, error) {
	inner := v.Field("amendedOrder")
	if !inner.IsObject() {
		return protocol.Report{}, errors.New("the reply has no amendedOrder")
	}
	r, err := order(inner, protocol.ChannelAck, "clientOrderId")
	r.TimestampNs = v.TimeNs("transactTime")
	if err == nil {
		err = v.Err()
	}
	return r, err
}

// execution reads a row of the account's trades. It names the order by the venue's id only.
func execution(v binanceapi.Value, symbol string) (protocol.Report, int64, error) {
	id := v.Int("id")
	r := protocol.Report{
		Channel:     protocol.ChannelQuery,
		Symbol:      cmp.Or(v.Text("symbol"), symbol),
		VenueID:     v.ID("orderId"),
		Status:      hft.StatusNone,
		Side:        hft.Sell,
		TradeID:     strconv.FormatInt(id, 10),
		LastQty:     v.Decimal("qty"),
		LastPrice:   v.Decimal("price"),
		LastValue:   v.Decimal("quoteQty"),
		Maker:       v.Bool("isMaker"),
		Fee:         v.Decimal("commission"),
		FeeAsset:    v.Text("commissionAsset"),
		TimestampNs: v.TimeNs("time"),
	}
	if v.Bool("isBuyer") {
		r.Side = hft.Buy
	}
	if r.VenueID == "" || !v.Has("id") {
		return r, id, errors.New("a trade without id or orderId")
	}
	return r, id, v.Err()
}
