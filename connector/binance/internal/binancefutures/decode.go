package binancefutures

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/hft"
)

var _ connector.Decoder = (*Decoder)(nil)

// Decoder decodes the market data of USD-M futures. The zero value is ready. One goroutine uses it.
//
// The exchange time is the matching engine's (T), or the event's (E) where a message lacks it. Times in milliseconds
// and microseconds are told apart by their magnitude. A best bid and ask carry their update id (u) as LastID.
type Decoder struct {
	// AggTrades takes trades from the aggTrade stream in place of the trade stream, which not every connection has.
	// Only one of the two is decoded, so that no trade counts twice.
	AggTrades bool

	payload scan.Payload
}

// Decode fills m from one message; see connector.Decoder. Acknowledgements, errors of the stream, event types that it
// does not know and partial books of a stream are MessageIgnored. Trades that are not of the market are
// hft.OffBookTrade: liquidations by the insurance fund, ADL, and of trades that were put together what retail orders
// have of them.
func (d *Decoder) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	if scan.FuturesQuote(localTimestampNs, raw, m) {
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
		return fmt.Errorf("binancefutures: %w", err)
	}
	return nil
}

func (d *Decoder) decode(localTimestampNs int64, m *connector.Message) error {
	p := &d.payload
	if !p.Has(scan.EventType) {
		// A stream of partial books has the same fields, but is not the whole book.
		if p.Has(scan.SnapshotID) && !p.Enveloped {
			return d.snapshot(localTimestampNs, m)
		}
		return nil
	}
	switch string(p.String(scan.EventType)) {
	case scan.DepthUpdate:
		if isPartial(p.Stream()) {
			return nil
		}
		return d.depth(localTimestampNs, m)
	case "bookTicker":
		t, err := d.header(localTimestampNs, m)
		if err != nil {
			return err
		}
		m.Kind = connector.MessageBBO
		if m.LastID, err = p.Int(scan.LastID); err != nil {
			return err
		}
		m.Seq = m.LastID
		return p.BBO(m, t)
	case "trade":
		switch kind := p.String(scan.ExecutionType); {
		case d.AggTrades:
			return nil
		case len(kind) == 0:
			m.Unused = "a trade that does not say which kind it is of (X)"
			return nil
		case string(kind) == "MARKET":
			return d.trade(localTimestampNs, m)
		}
		return d.offBookTrade(localTimestampNs, m)
	case "aggTrade":
		if d.AggTrades {
			return d.aggTrade(localTimestampNs, m)
		}
	}
	return nil
}

// isPartial reports whether a stream is one of partial books, btcusdt@depth20@100ms: its messages look like
// differences.
func isPartial(stream []byte) bool {
	_, levels, _ := bytes.Cut(stream, []byte("@depth"))
	return len(levels) > 0 && levels[0] >= '0' && levels[0] <= '9'
}

// header stores symbol and exchange time in m and returns the times of its rows.
func (d *Decoder) header(localTimestampNs int64, m *connector.Message) (scan.Times, error) {
	t := scan.Times{LocalTimestampNs: localTimestampNs}
	var err error
	if m.Symbol, err = d.payload.Text(scan.Symbol); err != nil {
		return t, err
	}
	if t.ExchTimestampNs, err = d.payload.FirstTimeNs(scan.TransactionTime, scan.EventTime); err != nil {
		return t, err
	}
	m.ExchTimestampNs = t.ExchTimestampNs
	if t.ExchTimestampNs == 0 {
		return t, d.payload.Missing(scan.TransactionTime)
	}
	return t, nil
}

// trade takes a trade.
func (d *Decoder) trade(localTimestampNs int64, m *connector.Message) error {
	t, err := d.header(localTimestampNs, m)
	if err != nil {
		return err
	}
	m.Kind = connector.MessageTrade
	return d.payload.Trade(m, t)
}

// offBookTrade takes a trade that was none of the market. What the venue calls NA is no trade at all, and has no price.
func (d *Decoder) offBookTrade(localTimestampNs int64, m *connector.Message) error {
	if err := d.trade(localTimestampNs, m); err != nil {
		return err
	}
	if e := &m.Events[0]; e.Px > 0 && e.Qty > 0 {
		e.SetKind(hft.OffBookTrade)
	} else {
		m.Reset()
	}
	return nil
}

// aggTrade takes trades that were put together. What retail orders have of them, which are in no public book, is a row
// of its own.
func (d *Decoder) aggTrade(localTimestampNs int64, m *connector.Message) error {
	if err := d.trade(localTimestampNs, m); err != nil || !d.payload.Has(scan.NormalQty) {
		return err
	}
	normal, err := d.payload.Decimal(scan.NormalQty)
	if err != nil {
		return err
	}
	e := &m.Events[0]
	off := e.Qty - normal
	// eight decimals are the most that the venue writes; what is beyond them is the error of the difference
	if off < 1e7 {
		off = math.Round(off*1e8) / 1e8
	}
	switch {
	case off < 0:
		return errNormalQty
	case off == 0:
		return nil
	}
	rest := *e
	rest.Qty = off
	rest.SetKind(hft.OffBookTrade)
	if normal == 0 {
		*e = rest
		return nil
	}
	e.Qty = normal
	m.Events = append(m.Events, rest)
	return nil
}

var errNormalQty = errors.New("nq is more than q")

func (d *Decoder) depth(localTimestampNs int64, m *connector.Message) error {
	p := &d.payload
	t, err := d.header(localTimestampNs, m)
	if err != nil {
		return err
	}
	m.Kind = connector.MessageDepth
	if m.FirstID, err = p.Int(scan.FirstID); err != nil {
		return err
	}
	if m.LastID, err = p.Int(scan.LastID); err != nil {
		return err
	}
	m.Seq = m.LastID
	if m.HasPrevID = p.Has(scan.PrevID); m.HasPrevID {
		if m.PrevID, err = p.Int(scan.PrevID); err != nil {
			return err
		}
	}
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
	if m.ExchTimestampNs, err = p.FirstTimeNs(scan.TransactionTime, scan.EventTime); err != nil {
		return err
	}
	t := scan.Times{ExchTimestampNs: m.ExchTimestampNs, LocalTimestampNs: localTimestampNs}
	if t.ExchTimestampNs == 0 {
		t.ExchTimestampNs = localTimestampNs
	}
	return p.Depth(m, scan.SnapshotBids, scan.SnapshotAsks, hft.DepthSnapshotEvent, t)
}
