package venuecheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Ledger reads a venue's own records of an account.
type Ledger struct {
	protocol protocol.Protocol
	codec    *clientid.Codec
}

// NewLedger returns the Ledger of an account. It measures the venue's clock, by which requests are signed; prefix is
// that of this runner's client ids.
func NewLedger(ctx context.Context, p protocol.Protocol, prefix string) (*Ledger, error) {
	codec, err := clientid.New(prefix, p.NowNs()/int64(time.Millisecond))
	if err != nil {
		return nil, err
	}
	sync, err := clocksync.New(clocksync.Config{ServerTimeNs: p.ServerTimeNs, NowNs: p.NowNs, Samples: roundTrips})
	if err != nil {
		return nil, err
	}
	e, err := sync.Measure(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure the venue's clock: %w", err)
	}
	p.SetClockOffset(time.Duration(e.OffsetAtNs(p.NowNs())))
	return &Ledger{p, codec}, nil
}

// Executed lists the orders on a symbol that were executed from one time of the venue to before another, in the order
// of their first executions.
func (l *Ledger) Executed(ctx context.Context, symbol string, sinceNs, untilNs int64) (
	[]connector.ExecutedOrder, error) {
	var orders []connector.ExecutedOrder
	at := make(map[string]int)
	seen := make(map[string]bool)
	for fromNs := sinceNs; ; {
		part, err := l.protocol.Executions(ctx, symbol, fromNs)
		var more *protocol.More
		if err != nil && (!errors.As(err, &more) || more.SinceNs <= fromNs) {
			return nil, fmt.Errorf("executions on %s: %w", symbol, err)
		}
		for i := range part {
			r := &part[i]
			if r.TimestampNs < sinceNs || r.TimestampNs >= untilNs || seen[r.TradeID] {
				continue
			}
			seen[r.TradeID] = true
			no, known := at[r.VenueID]
			if !known {
				no = len(orders)
				at[r.VenueID] = no
				orders = append(orders, connector.ExecutedOrder{Symbol: symbol, VenueID: r.VenueID})
			}
			o := &orders[no]
			o.Qty += r.LastQty
			o.Value += r.LastQty * r.LastPrice
			o.Executions++
		}
		if more == nil || more.SinceNs >= untilNs {
			return orders, nil
		}
		fromNs = more.SinceNs
	}
}

// Owner asks for the client id of an order, and reports whether it is one of this runner's.
func (l *Ledger) Owner(ctx context.Context, symbol, venueID string) (clientID string, ours bool, err error) {
	r, err := l.protocol.QueryOrder(ctx, &protocol.Order{Symbol: symbol, VenueID: venueID})
	if err != nil {
		return "", false, fmt.Errorf("order %s on %s: %w", venueID, symbol, err)
	}
	_, _, ours = l.codec.Decode(r.ClientID)
	return r.ClientID, ours, nil
}
