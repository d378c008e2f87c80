package linear

import (
	"context"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// What tests look at from outside.

func (p *Protocol) SignREST(timestampMs, payload string) (string, error) {
	return p.signREST(timestampMs, payload)
}

func (p *Protocol) AuthFrame(expiresMs int64) ([]byte, error) { return p.authFrame(expiresMs) }

// TradeUp starts the trade connection and reports whether it is up.
func (p *Protocol) TradeUp() bool {
	p.trade.connect()
	return p.trade.caller.Up()
}

// Ready and IsPong are what the connections' streams ask.
func (p *Protocol) Ready(frame []byte) (bool, error) { return p.parsers.ready(frame) }
func (p *Protocol) IsPong(frame []byte) bool         { return p.parsers.isPong(frame) }

// Ask does one request of each kind.
func (p *Protocol) Ask(ctx context.Context, kind string, o *protocol.Order) error {
	var err error
	switch kind {
	case "place":
		_, err = p.Place(ctx, o)
	case "amend":
		_, err = p.Amend(ctx, o)
	case "cancel":
		_, err = p.Cancel(ctx, o)
	default:
		_, err = p.QueryOrder(ctx, o)
	}
	return err
}

// RequestID is what the trade connection tells answers apart by.
func RequestID(frame []byte) []byte { return requestID(frame) }

// UsualBook fills m from a message about a book in one pass, where that is possible.
func (d *Decoder) UsualBook(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	return d.usualBook(localTimestampNs, raw, m)
}
