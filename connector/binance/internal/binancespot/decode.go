package binancespot

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/hft"
)

var _ connector.Decoder = (*Decoder)(nil)

// Decoder decodes the market data of spot. The zero value is ready. One goroutine uses it.
//
// The exchange time is the event's (E) for depth and the trade's own (T) for a trade. The bookTicker and the snapshot
// have none: Message.ExchTimestampNs is 0 then and the rows carry the local time in its place. Times in milliseconds
// and microseconds are told apart by their magnitude. A best bid and ask carry their update id (u) as LastID.
type Decoder struct {
	// AggTrades takes trades from the aggTrade stream in place of the trade stream. Only one of the two is decoded,
	// so that no trade counts twice.
	AggTrades bool

	payload scan.Payload
}

// Decode fills m from one message; see connector.Decoder. Acknowledgements, errors of the stream, event types that it
// does not know and partial books of a stream are MessageIgnored.
func (d *Decoder) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	if scan.SpotQuote(localTimestampNs, raw, m) {
		return nil
	}
	m.Reset()
	if d.usual(localTimestampNs, raw, m) {
		return nil
	}
	m.Reset()
	err := d.payload.Scan(raw, m.Events)
	m.Events = d.payload.Memory()
	if err == nil {
		err = d.decode(localTimestampNs, m)
	}
	m.TimeUnit = d.payload.TimeUnit
	if err != nil {
		return fmt.Errorf("binancespot: %w", err)
	}
	return nil
}

func (d *Decoder) decode(localTimestampNs int64, m *connector.Message) error {
	p := &d.payload
	if !p.Has(scan.EventType) {
		switch {
		case p.Has(scan.SnapshotID) && !p.Enveloped:
			// A stream of partial books has the same fields in an envelope, but is not the whole book.
			return d.snapshot(localTimestampNs, m)
		case p.Has(scan.LastID) && p.Has(scan.BidQty) && p.Has(scan.AskQty):
			return d.bookTicker(localTimestampNs, m)
		}
		return nil
	}
	switch string(p.String(scan.EventType)) {
	case scan.DepthUpdate:
		return d.depth(localTimestampNs, m)
	case "bookTicker":
		return d.bookTicker(localTimestampNs, m)
	case "trade":
		if !d.AggTrades {
			return d.trade(localTimestampNs, m)
		}
	case "aggTrade":
		if d.AggTrades {
			return d.trade(localTimestampNs, m)
		}
	}
	return nil
}

// header stores symbol and exchange time in m and returns the times of its rows, the local one twice when the message
// has none of the venue.
func (d *Decoder) header(localTimestampNs int64, m *connector.Message, times ...scan.Key) (scan.Times, error) {
	t := scan.Times{ExchTimestampNs: localTimestampNs, LocalTimestampNs: localTimestampNs}
	var err error
	if m.Symbol, err = d.payload.Text(scan.Symbol); err != nil {
		return t, err
	}
	if m.ExchTimestampNs, err = d.payload.FirstTimeNs(times...); err != nil {
		return t, err
	}
	if m.ExchTimestampNs != 0 {
		t.ExchTimestampNs = m.ExchTimestampNs
	}
	return t, nil
}

func (d *Decoder) bookTicker(localTimestampNs int64, m *connector.Message) error {
	t, err := d.header(localTimestampNs, m, scan.TransactionTime, scan.EventTime)
	if err != nil {
		return err
	}
	m.Kind = connector.MessageBBO
	if m.LastID, err = d.payload.Int(scan.LastID); err != nil {
		return err
	}
	m.Seq = m.LastID
	return d.payload.BBO(m, t)
}

func (d *Decoder) trade(localTimestampNs int64, m *connector.Message) error {
	t, err := d.header(localTimestampNs, m, scan.TransactionTime, scan.EventTime)
	if err != nil {
		return err
	}
	if m.ExchTimestampNs == 0 {
		return d.payload.Missing(scan.TransactionTime)
	}
	m.Kind = connector.MessageTrade
	return d.payload.Trade(m, t)
}

func (d *Decoder) depth(localTimestampNs int64, m *connector.Message) error {
	p := &d.payload
	t, err := d.header(localTimestampNs, m, scan.EventTime)
	if err != nil {
		return err
	}
	if m.ExchTimestampNs == 0 {
		return p.Missing(scan.EventTime)
	}
	m.Kind = connector.MessageDepth
	if m.FirstID, err = p.Int(scan.FirstID); err != nil {
		return err
	}
	if m.LastID, err = p.Int(scan.LastID); err != nil {
		return err
	}
	m.Seq = m.LastID
	m.HasPrevID = p.Has(scan.PrevID) // which tells futures
	return p.Depth(m, scan.Bids, scan.Asks, hft.DepthEvent, t)
}

func (d *Decoder) snapshot(localTimestampNs int64, m *connector.Message) error {
	p := &d.payload
	m.Kind = connector.MessageSnapshot
	var err error
	if m.LastID, err = p.Int(scan.SnapshotID); err != nil {
		return err
	}
	m.Seq = m.LastID
	t := scan.Times{ExchTimestampNs: localTimestampNs, LocalTimestampNs: localTimestampNs}
	return p.Depth(m, scan.SnapshotBids, scan.SnapshotAsks, hft.DepthSnapshotEvent, t)
}
