package scan

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// appendRows converts the array of [price, quantity] at byte i and returns the index behind it. What follows price and
// quantity in a row is passed over.
func (p *Payload) appendRows(rows []hft.Event, i int) (grown []hft.Event, next int, err error) {
	b := p.raw
	if i >= len(b) || b[i] != '[' {
		return rows, i, fail(i, "an array of prices and quantities is expected")
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return rows, i + 1, nil
	}
	for more := true; more; {
		var atRow bool
		rows, i, atRow = usualRows(rows, b, i)
		if atRow && i > len(b)-usualSpan {
			rows, i, atRow = p.lastRows(rows, i)
		}
		if !atRow {
			if i, more, err = skipSeparator(b, i, ']'); err != nil {
				return rows, i, err
			}
			continue
		}
		px, qty, next := usualRow(b, i)
		if next < 0 {
			if px, qty, next, err = p.anyRow(i); err != nil {
				return rows, next, err
			}
		}
		rows = append(rows, hft.Event{Px: px, Qty: qty})
		i = next
		if i+1 < len(b) && b[i] == ',' && b[i+1] == '[' {
			i++
			continue
		}
		if i, more, err = skipSeparator(b, i, ']'); err != nil {
			return rows, i, err
		}
	}
	return rows, i, nil
}

// lastRows is usualRows for the rows that are too near the end: it reads a copy with zeros behind it.
func (p *Payload) lastRows(rows []hft.Event, i int) (grown []hft.Event, next int, atRow bool) {
	n := copy(p.tail[:usualSpan], p.raw[i:])
	clear(p.tail[n:])
	rows, n, atRow = usualRows(rows, p.tail[:], 0)
	return rows, i + n, atRow
}

// usualRow converts ["price","quantity"] without white space; next is -1 for anything else.
func usualRow(b []byte, i int) (px, qty float64, next int) {
	if len(b)-i < 2 || b[i] != '[' || b[i+1] != '"' {
		return 0, 0, -1
	}
	px, i = quotedDecimal(b, i+2)
	if i < 0 || len(b)-i < 3 || b[i+1] != ',' || b[i+2] != '"' {
		return 0, 0, -1
	}
	qty, i = quotedDecimal(b, i+3)
	if i < 0 || len(b)-i < 2 || b[i+1] != ']' {
		return 0, 0, -1
	}
	return px, qty, i + 2
}

// anyRow converts a row in any form that JSON allows.
func (p *Payload) anyRow(i int) (px, qty float64, next int, err error) {
	b := p.raw
	if i >= len(b) || b[i] != '[' {
		return 0, 0, i, fail(i, "a row of price and quantity is expected")
	}
	if px, i, err = p.anyDecimal(skipSpace(b, i+1)); err != nil {
		return 0, 0, i, err
	}
	i, more, err := skipSeparator(b, i, ']')
	if err != nil || !more {
		return 0, 0, i, fail(i, "a row has no quantity")
	}
	if qty, i, err = p.anyDecimal(i); err != nil {
		return 0, 0, i, err
	}
	for {
		if i, more, err = skipSeparator(b, i, ']'); err != nil || !more {
			return px, qty, i, err
		}
		if i, err = skipValue(b, i, 3); err != nil {
			return 0, 0, i, err
		}
	}
}

// anyDecimal converts a price or quantity, with or without quotes.
func (p *Payload) anyDecimal(i int) (value float64, next int, err error) {
	b := p.raw
	var text []byte
	if i < len(b) && b[i] == '"' {
		end, escaped, err := skipString(b, i)
		if err != nil {
			return 0, end, err
		}
		next, text = end, b[i+1:end-1]
		if escaped {
			text = p.unescape(text)
		}
	} else {
		end, err := skipNumber(b, i)
		if err != nil {
			return 0, end, err
		}
		next, text = end, b[i:end]
	}
	value, ok := parseDecimal(text)
	if !ok || value < 0 {
		return 0, i, fail(i, "a price or quantity is not a decimal number of zero or more")
	}
	return value, next, nil
}

// Times are the two times of a row.
type Times struct {
	// ExchTimestampNs is the venue's, LocalTimestampNs when it was received.
	ExchTimestampNs, LocalTimestampNs int64
}

// Depth stores the rows of a depth message or snapshot in m, completed with kind and times.
func (p *Payload) Depth(m *connector.Message, bids, asks Key, kind uint64, t Times) error {
	rows, numBids, err := p.Rows(bids, asks)
	m.Events = rows
	if err == nil {
		Stamp(rows, numBids, kind, t)
	}
	return err
}

// Stamp completes rows with side, kind and times; the first numBids are bids.
func Stamp(rows []hft.Event, numBids int, kind uint64, t Times) {
	stamp(rows[:numBids], hft.LocalEvent|hft.BuyEvent|kind, t)
	stamp(rows[numBids:], hft.LocalEvent|hft.SellEvent|kind, t)
}

func stamp(rows []hft.Event, ev uint64, t Times) {
	for i := range rows {
		e := &rows[i]
		e.Ev, e.ExchTimestampNs, e.LocalTimestampNs = ev, t.ExchTimestampNs, t.LocalTimestampNs
	}
}

// BBO stores the best bid and best ask of a bookTicker in m as two rows.
func (p *Payload) BBO(m *connector.Message, t Times) error {
	const ev = hft.LocalEvent | hft.DepthBBOEvent
	err := p.row(m, Bids, BidQty, ev|hft.BuyEvent, t)
	if err == nil {
		err = p.row(m, Asks, AskQty, ev|hft.SellEvent, t)
	}
	return err
}

// Trade stores a trade in m as one row, and the first and last id of what it is made of, 0 when the message has none.
func (p *Payload) Trade(m *connector.Message, t Times) error {
	if err := p.tradeIDs(m); err != nil {
		return err
	}
	buyerIsMaker, err := p.Bool(BuyerIsMaker)
	if err != nil {
		return err
	}
	side := hft.BuyEvent
	if buyerIsMaker {
		side = hft.SellEvent
	}
	return p.row(m, Price, Qty, hft.LocalEvent|hft.TradeEvent|side, t)
}

func (p *Payload) tradeIDs(m *connector.Message) (err error) {
	first, last := TradeID, TradeID
	if !p.Has(TradeID) {
		first, last = FirstTradeID, LastTradeID
	}
	if p.Has(first) {
		if m.FirstID, err = p.Int(first); err != nil {
			return err
		}
	}
	if p.Has(last) {
		m.LastID, err = p.Int(last)
	}
	return err
}

func (p *Payload) row(m *connector.Message, price, qty Key, ev uint64, t Times) error {
	px, err := p.Decimal(price)
	if err != nil {
		return err
	}
	q, err := p.Decimal(qty)
	if err != nil {
		return err
	}
	m.Events = append(m.Events, hft.Event{Ev: ev, ExchTimestampNs: t.ExchTimestampNs,
		LocalTimestampNs: t.LocalTimestampNs, Px: px, Qty: q})
	return nil
}
