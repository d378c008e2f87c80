package binancespot

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// DecodeUser decodes a message of the private stream: reports about orders, balances, and that the stream is about to
// end. Events come wrapped with the id of their subscription; those of earlier years, wrapped or not, are understood
// too. Answers to requests and events that it does not know are passed over. It may be called by several goroutines.
func (p *Protocol) DecodeUser(frame []byte, sink protocol.UserSink) error {
	err := p.parser.Parse(frame, func(v binanceapi.Value) error { return decodeEvent(binanceapi.Event(v), sink) })
	if err != nil {
		return fmt.Errorf("binancespot: private stream: %w", err)
	}
	return nil
}

func decodeEvent(event binanceapi.Value, sink protocol.UserSink) error {
	switch string(event.Bytes("e")) {
	case "executionReport":
		return executionReport(event, sink)
	case "outboundAccountPosition":
		return accountPosition(event, sink)
	case "balanceUpdate":
		e := &connector.AccountEvent{Kind: connector.BalanceChanged, Asset: event.Text("a"), Amount: event.Decimal("d"),
			TimestampNs: event.TimeNs("T")}
		e.Text = fmt.Sprintf("deposit, withdrawal or transfer of %v %s", e.Amount, e.Asset)
		if err := event.Err(); err != nil {
			return err
		}
		sink.Account(e)
	case "eventStreamTerminated":
		sink.Renew("the venue has ended the subscription (eventStreamTerminated)")
	case binanceapi.ServerShutdown:
		sink.Renew(binanceapi.ShutdownReason)
	}
	// Others tell of locks and order lists: the balances that come of them are in outboundAccountPosition, the orders
	// in executionReport.
	return nil
}

// executionReport hands a change of one order to the sink.
//
// The client id is in c, but a cancellation that was asked for has the request's id there and the order's in C. By the
// venue's own id (i) the blotter finds the order in any case.
func executionReport(v binanceapi.Value, sink protocol.UserSink) error {
	r := protocol.Report{
		Channel:     protocol.ChannelStream,
		Symbol:      v.Text("s"),
		VenueID:     v.ID("i"),
		Status:      binanceapi.Status(v.Bytes("X")),
		Side:        binanceapi.Side(v.Bytes("S")),
		Price:       v.Decimal("p"),
		Qty:         v.Decimal("q"),
		CumQty:      v.Decimal("z"),
		HasCum:      v.Has("z"),
		TimestampNs: v.TimeNs("T"),
	}
	r.OrdType, r.TimeInForce = kind(v.Bytes("o"), v.Bytes("f"))
	what := string(v.Bytes("x"))
	if what == "CANCELED" {
		r.ClientID = v.Text("C")
	}
	if r.ClientID == "" {
		r.ClientID = v.Text("c")
	}
	if r.CumQty > 0 {
		r.AvgPrice = v.Decimal("Z") / r.CumQty
	}
	// An id of -1 is none.
	if id := v.Int("t"); what == "TRADE" && v.Has("t") && id >= 0 {
		r.TradeID = strconv.FormatInt(id, 10)
		r.LastQty, r.LastPrice, r.LastValue = v.Decimal("l"), v.Decimal("L"), v.Decimal("Y")
		r.Maker = v.Bool("m")
		r.Fee, r.FeeAsset = v.Decimal("n"), v.Text("N")
	}
	if final(r.Status) {
		r.Reason = reason(v, what)
	}
	if err := v.Err(); err != nil {
		return fmt.Errorf("executionReport: %w", err)
	}
	switch {
	case r.Symbol == "":
		return errors.New("executionReport: it names no symbol (s)")
	case r.ClientID == "" && r.VenueID == "":
		return errors.New("executionReport: it names no order (c, i)")
	}
	sink.Order(&r)
	return nil
}

// reason returns why an order has ended that nobody has canceled: why it has expired (eR), why it was rejected (r), or
// that it would have met an order of the same account.
func reason(v binanceapi.Value, what string) string {
	if text := v.Text("eR"); text != "" {
		return text
	}
	if text := v.Text("r"); text != "" && text != "NONE" {
		return text
	}
	if what == "TRADE_PREVENTION" {
		return what
	}
	return ""
}

// accountPosition hands the balances that have changed to the sink.
func accountPosition(v binanceapi.Value, sink protocol.UserSink) error {
	updatedNs := v.TimeNs("u")
	return v.Field("B").Each(func(row binanceapi.Value) error {
		b := protocol.Balance{Asset: row.Text("a"), Free: row.Decimal("f"), Locked: row.Decimal("l"),
			TimestampNs: updatedNs}
		if err := row.Err(); err != nil {
			return fmt.Errorf("outboundAccountPosition: %w", err)
		}
		if b.Asset != "" {
			sink.Balance(b)
		}
		return nil
	})
}
