package binancefutures

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const listenKeyPath = "/fapi/v1/listenKey"

// UserStream asks for a listen key and returns the private stream of it. The key ends 60 min after it was last
// extended; asking again gives the same one and extends it. Its URL is a secret of sorts: who has it can read the
// account's events.
func (p *Protocol) UserStream(ctx context.Context) (protocol.Stream, error) {
	var key string
	request := binanceapi.Request{Method: http.MethodPost, Path: listenKeyPath, Security: binanceapi.KeyOnly,
		Cost: binanceapi.Cost{Weight: 1}}
	err := p.rest.Do(ctx, request, func(v binanceapi.Value) error {
		if key = v.Text("listenKey"); key == "" {
			return errors.New("binancefutures: the reply has no listen key")
		}
		return nil
	})
	if err != nil {
		return protocol.Stream{}, err
	}
	p.mu.Lock()
	p.listenKey = key
	p.mu.Unlock()
	return protocol.Stream{Name: "user", URL: strings.TrimSuffix(p.config.PrivateURL, "/") +
		"/ws/" + url.PathEscape(key), Silence: p.config.Silence, Lifetime: p.config.Lifetime,
		KeepAlive: p.extendListenKey, KeepAliveInterval: p.config.KeepAliveInterval}, nil
}

// extendListenKey keeps the listen key alive. An error means that a new one is needed.
func (p *Protocol) extendListenKey(ctx context.Context) error {
	return p.rest.Do(ctx, binanceapi.Request{Method: http.MethodPut, Path: listenKeyPath, Security: binanceapi.KeyOnly,
		Cost: binanceapi.Cost{Weight: 1}}, nil)
}

// DecodeUser decodes an event of the private stream. Events that it does not know are ignored; so is TRADE_LITE, which
// tells of an execution earlier but neither its fee nor the order's state, and is followed by the order's own event.
//
// Positions are those of one-way mode. In hedge mode, which orders of this runner are refused in, an error says so when
// the account has a position on one side.
func (p *Protocol) DecodeUser(frame []byte, sink protocol.UserSink) error {
	return p.parser.Parse(frame, func(v binanceapi.Value) error {
		v = unwrapped(v)
		switch string(v.Bytes("e")) {
		case "ORDER_TRADE_UPDATE":
			return p.orderEvent(v, sink)
		case "ACCOUNT_UPDATE":
			return accountEvent(v, sink)
		case "MARGIN_CALL":
			return marginCall(v, sink)
		case "ACCOUNT_CONFIG_UPDATE":
			return configEvent(v, sink)
		case "listenKeyExpired":
			if p.current(v.Text("listenKey")) {
				sink.Renew("the listen key has expired")
			}
		case serverShutdown:
			sink.Renew(shutdownReason)
		}
		return nil
	})
}

const serverShutdown, shutdownReason = "serverShutdown", "the venue is about to shut this server down"

// unwrapped returns the event without the combined stream's envelope.
func unwrapped(v binanceapi.Value) binanceapi.Value {
	if data := v.Field("data"); data.IsObject() && v.Has("stream") {
		return data
	}
	return v
}

// current says whether a listen key is the newest one; a stream that was replaced may still say that its own is over.
func (p *Protocol) current(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return key == "" || p.listenKey == "" || key == p.listenKey
}

// orderEvent reads ORDER_TRADE_UPDATE.
func (p *Protocol) orderEvent(v binanceapi.Value, sink protocol.UserSink) error {
	o := v.Field("o")
	if !o.IsObject() {
		return errors.New("binancefutures: an order's event has no order")
	}
	r := protocol.Report{
		Channel: protocol.ChannelStream, Symbol: o.Text("s"), ClientID: o.Text("c"), VenueID: o.ID("i"),
		Status: binanceapi.Status(o.Bytes("X")), Side: binanceapi.Side(o.Bytes("S")),
		OrdType: binanceapi.OrdType(o.Bytes("o")), TimeInForce: binanceapi.TimeInForce(o.Bytes("f")),
		Price: o.Decimal("p"), Qty: o.Decimal("q"), CumQty: o.Decimal("z"), HasCum: o.Has("z"),
		AvgPrice:    o.Decimal("ap"),
		TimestampNs: o.TimeNs("T"),
	}
	if r.TimestampNs == 0 {
		r.TimestampNs = v.TimeNs("T")
	}
	switch string(o.Bytes("x")) {
	case "TRADE", "CALCULATED": // CALCULATED is an execution of a liquidation
		if trade := o.ID("t"); trade != "" {
			r.TradeID, r.LastQty, r.LastPrice, r.Maker = trade, o.Decimal("l"), o.Decimal("L"), o.Bool("m")
			r.Fee, r.FeeAsset = o.Decimal("n"), o.Text("N")
		}
	}
	if r.Status == hft.StatusExpired {
		r.Reason = expiry(o.ID("er"), string(o.Bytes("X")))
	}
	if err := v.Err(); err != nil {
		return err
	}
	if err := checkNamed(&r); err != nil {
		return err
	}
	if kind := forcedKind(r.ClientID); kind == 0 {
		sink.Order(&r)
	} else if r.TradeID != "" {
		sink.Account(forcedEvent(kind, &r))
	}
	return nil
}

// expiry puts the venue's reason of an end in words.
func expiry(reason, status string) string {
	words := [...]string{"", "prevented a trade with itself", "the rest of an immediate-or-cancel order",
		"the rest of an immediate-or-cancel order, and prevented a trade with itself",
		"knocked out by a reduce-only order or a reversed position", "liquidation", "good till executed",
		"the symbol was delisted", "after its stop was triggered", "the rest of a market order",
		"fill or kill that could not be filled", "post only and it would take"}
	for i, text := range words {
		if i > 0 && reason == strconv.Itoa(i) {
			return text
		}
	}
	switch {
	case reason != "" && reason != "0":
		return "expired for reason " + reason
	case status == "EXPIRED_IN_MATCH":
		return words[1]
	}
	return "expired"
}

// accountEvent reads ACCOUNT_UPDATE: the balances and positions that have changed.
func accountEvent(v binanceapi.Value, sink protocol.UserSink) error {
	a := v.Field("a")
	timestampNs := v.TimeNs("T")
	reason := a.Text("m")
	if reason == fundingFee {
		sink.Settled()
	}
	err := a.Field("B").Each(func(row binanceapi.Value) error {
		asset, wallet, crossWallet := row.Text("a"), row.Decimal("wb"), row.Decimal("cw")
		if asset != "" && v.Err() == nil {
			sink.Balance(balance(asset, wallet, crossWallet))
			balanceEvent(reason, asset, row.Decimal("bc"), timestampNs, sink)
		}
		return v.Err()
	})
	if err != nil {
		return err
	}
	var list positions
	err = a.Field("P").Each(func(row binanceapi.Value) error {
		list.add(row.Text("s"), row.Text("ps"), row.Decimal("pa"), timestampNs)
		return v.Err()
	})
	if err != nil {
		return err
	}
	for i := range list {
		sink.Position(list[i].position())
	}
	return nil
}

// balance makes a balance of a wallet: free is what is not bound to isolated positions. Margin that open orders and
// cross positions use is not taken off, since the stream does not tell it.
func balance(asset string, wallet, crossWallet float64) protocol.Balance {
	return protocol.Balance{Asset: asset, Free: crossWallet, Locked: wallet - crossWallet}
}
