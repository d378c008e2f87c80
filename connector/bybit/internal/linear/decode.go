package linear

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/hft"
)

var _ connector.Decoder = (*Decoder)(nil)

// Decoder decodes the market data of linear perpetuals. The zero value is ready. One goroutine uses it.
//
// Each depth of a book is a feed of its own, complete in itself: a snapshot at its start, and after a restart of the
// venue, replaces the book; then come differences. Only one depth may be applied to one book: connector.Message.Level
// says which a message is of. Their update ids have nothing to do with each other, their sequence numbers are those of
// one sequence.
//
// The exchange time of a book's rows is when the matching engine made them (cts), or where that is missing when the
// venue sent the message (ts), which is the time in hftbacktest's converter and Message.SentNs: what is sent first may
// be of later, where topics differ. That of a trade is its own (T). A message about a book has its update id (u), which
// counts one by one, as FirstID and LastID: connector.RuleStreamed is the rule that it follows. A message of trades has
// the sequence numbers (seq) of its first and last trade there, 0 where the venue does not send them, as in old
// recordings; trades that were made at once share one.
type Decoder struct {
	// Level is the one depth that is decoded, which was subscribed: 1, 50, 200 or 1000, or 500 in what was recorded
	// before 2025;
	// 0 decodes all but depth 1.
	Level int
	// BBO takes depth 1 as the best bid and ask, whatever Level is.
	BBO bool

	// book reads the whole message: it is the object under data where that is one, which is so for books.
	book scan.Payload
	// element reads one trade, value a single value; both share the conversions of book.
	element, value scan.Payload
	valueText      []byte
	topic          []byte
}

// Decode fills m from one message; see connector.Decoder. Topics that are not asked for, answers to requests and pongs
// are MessageIgnored. A message of trades has one row a trade; block trades and those with a retail order (BT, RPI) are
// hft.OffBookTrade.
func (d *Decoder) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	m.Reset()
	if d.usualBook(localTimestampNs, raw, m) {
		return nil
	}
	m.Reset()
	err := d.book.Scan(raw, m.Events)
	m.Events = d.book.Memory()
	if err == nil {
		err = d.decode(localTimestampNs, raw, m)
	}
	if err != nil {
		return fmt.Errorf("bybit: %w", err)
	}
	return nil
}

// envelope is where the values of a message's own fields start, 0 where there is none.
type envelope struct{ topic, kind, ts, cts, data int }

func (d *Decoder) decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	at := d.open(raw)
	if at.topic == 0 || raw[at.topic] != '"' {
		return nil
	}
	topic := d.text(raw, at.topic)
	if bytes.IndexByte(valueAt(raw, at.topic), '\\') >= 0 {
		d.topic = append(d.topic[:0], topic...) // text's memory is used again
		topic = d.topic
	}
	if symbol, ok := bytes.CutPrefix(topic, []byte("publicTrade.")); ok {
		m.Symbol = symbol
		return d.trades(localTimestampNs, raw, at, m)
	}
	if rest, ok := bytes.CutPrefix(topic, []byte("orderbook.")); ok {
		level, symbol, ok := cutLevel(rest)
		if !ok {
			return nil
		}
		if !d.wants(level) {
			return nil
		}
		m.Symbol = symbol
		return d.depth(localTimestampNs, raw, at, level, m)
	}
	return nil
}

// wants reports whether the books of a depth are decoded.
func (d *Decoder) wants(level int) bool {
	return level == d.Level || d.Level == 0 && level != 1 || d.BBO && level == 1
}

// cutLevel takes a topic apart behind its "orderbook.": "50.BTCUSDT".
func cutLevel(rest []byte) (level int, symbol []byte, ok bool) {
	text, symbol, ok := bytes.Cut(rest, []byte("."))
	if !ok || len(text) == 0 || len(text) > 6 {
		return 0, nil, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		level = level*10 + int(c-'0')
	}
	return level, symbol, true
}

// open finds the message's own fields. It stops as soon as it has them, which usually is before the data.
func (d *Decoder) open(raw []byte) envelope {
	var at envelope
	w := walk(raw, skipSpace(raw, 0))
	for w.next() {
		switch string(d.text(raw, w.name)) {
		case "topic":
			at.topic = w.value
		case "type":
			at.kind = w.value
		case "ts":
			at.ts = w.value
		case "cts":
			at.cts = w.value
		case "data":
			at.data = w.value
		}
		if at.topic != 0 && at.kind != 0 && at.ts != 0 && at.data != 0 {
			break
		}
	}
	return at
}

func (d *Decoder) depth(localTimestampNs int64, raw []byte, at envelope, level int, m *connector.Message) error {
	if !d.book.Enveloped {
		return fail(at.data, "data is not an object")
	}
	ts, err := d.timeNs(raw, at.ts)
	if err != nil {
		return fail(at.ts, "ts is not a time")
	}
	m.TimeUnit = d.value.TimeUnit
	if m.LastID, err = d.book.Int(scan.LastID); err != nil {
		return err
	}
	m.FirstID, m.ExchTimestampNs, m.SentNs, m.Level = m.LastID, ts, ts, level
	if at.cts == 0 {
		at.cts = d.behindData(raw, "cts")
	}
	if at.cts != 0 {
		if m.ExchTimestampNs, err = d.timeNs(raw, at.cts); err != nil {
			return fail(at.cts, "cts is not a time")
		}
	}
	if d.book.Has(scan.Sequence) { // old recordings do not have it
		if m.Seq, err = d.book.Int(scan.Sequence); err != nil {
			return err
		}
	}
	return d.levels(raw, at, level == 1 && d.BBO, m,
		scan.Times{ExchTimestampNs: m.ExchTimestampNs, LocalTimestampNs: localTimestampNs})
}

// levels stores what the message says about the book, or is of a best bid and ask, as rows.
func (d *Decoder) levels(raw []byte, at envelope, quote bool, m *connector.Message, t scan.Times) error {
	if quote {
		m.Kind = connector.MessageBBO
		err := d.book.Depth(m, scan.Bids, scan.Asks, hft.DepthBBOEvent, t)
		if err == nil && at.kind != 0 && raw[at.kind] == '"' && string(d.text(raw, at.kind)) == "snapshot" {
			m.Events = withEmptySides(m.Events, t)
		}
		return err
	}
	if at.kind == 0 || raw[at.kind] != '"' {
		return fail(at.kind, "type is not a string")
	}
	var kind uint64
	if m.Kind, kind = kindOf(d.text(raw, at.kind)); kind == 0 {
		return fail(at.kind, "type is neither snapshot nor delta")
	}
	return d.book.Depth(m, scan.Bids, scan.Asks, kind, t)
}

// withEmptySides adds, to the whole of a best bid and ask, a row of zeros for each side that has none. Bids are first.
func withEmptySides(rows []hft.Event, t scan.Times) []hft.Event {
	empty := hft.Event{Ev: hft.LocalEvent | hft.DepthBBOEvent, ExchTimestampNs: t.ExchTimestampNs, LocalTimestampNs: t.LocalTimestampNs}
	sides := uint64(0)
	for i := range rows {
		sides |= rows[i].Ev
	}
	if sides&hft.BuyEvent == 0 {
		bid := empty
		bid.Ev |= hft.BuyEvent
		rows = slices.Insert(rows, 0, bid)
	}
	if sides&hft.SellEvent == 0 {
		empty.Ev |= hft.SellEvent
		rows = append(rows, empty)
	}
	return rows
}

// kindOf returns what the type of a message about a book says, and the kind of its rows, 0 for none.
func kindOf(text []byte) (connector.MessageKind, uint64) {
	switch string(text) {
	case "snapshot":
		return connector.MessageSnapshot, hft.DepthSnapshotEvent
	case "delta":
		return connector.MessageDepth, hft.DepthEvent
	}
	return connector.MessageIgnored, 0
}

func (d *Decoder) trades(localTimestampNs int64, raw []byte, at envelope, m *connector.Message) error {
	if at.data == 0 || raw[at.data] != '[' {
		return fail(at.data, "data is not an array")
	}
	var last []byte // the id of the last trade
	w := walk(raw, at.data)
	for w.next() {
		if raw[w.value] != '{' {
			return fail(w.value, "a trade is not an object")
		}
		e := hft.Event{Ev: hft.LocalEvent | hft.TradeEvent, LocalTimestampNs: localTimestampNs}
		seq, id, err := d.trade(valueAt(raw, w.value), &e)
		if err != nil {
			return fail(w.value, err.Error())
		}
		if m.Kind != connector.MessageTrade {
			m.FirstID = seq
		}
		m.LastID, last = seq, id
		m.Kind, m.ExchTimestampNs, m.TimeUnit = connector.MessageTrade, e.ExchTimestampNs, d.element.TimeUnit
		m.Events = append(m.Events, e)
	}
	if last != nil {
		m.TradeKey = hash(last)
	}
	return nil
}

// trade fills e from one element and returns its sequence number and its id as it stands there, nil if it has none. Its
// error has no place in the message.
func (d *Decoder) trade(raw []byte, e *hft.Event) (seq int64, id []byte, err error) {
	err = d.element.Scan(raw, nil)
	if err == nil {
		e.ExchTimestampNs, err = d.element.TimeNs(scan.TransactionTime)
	}
	if err == nil {
		e.Px, err = d.element.Decimal(scan.Price)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("in the trade that starts here, %w", err)
	}
	if d.element.Enveloped {
		return 0, nil, errData
	}
	sideAt, qtyAt, seqAt := 0, 0, 0
	for w := walk(raw, 0); w.next(); {
		switch string(d.text(raw, w.name)) {
		case "S":
			sideAt = w.value
		case "v":
			qtyAt = w.value
		case "seq":
			seqAt = w.value
		case "i":
			id = valueAt(raw, w.value)
		case "BT", "RPI":
			if raw[w.value] == 't' {
				e.SetKind(hft.OffBookTrade)
			}
		}
	}
	if sideAt == 0 || raw[sideAt] != '"' {
		return 0, nil, errSide
	}
	switch string(d.text(raw, sideAt)) {
	case "Buy":
		e.Ev |= hft.BuyEvent
	case "Sell":
		e.Ev |= hft.SellEvent
	default:
		return 0, nil, errSide
	}
	if e.Qty, err = d.decimal(raw, qtyAt); err != nil {
		return 0, nil, errQty
	}
	if seqAt != 0 {
		if seq, err = d.whole(raw, seqAt); err != nil {
			return 0, nil, errSeq
		}
	}
	return seq, id, nil
}

// hash is FNV-1a of 64 bits.
func hash(text []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range text {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// Errors of a trade.
var (
	errData = errors.New("the trade has an object data")
	errSide = errors.New("the side S of the trade is neither Buy nor Sell")
	errSeq  = errors.New("the sequence number seq of the trade is not a whole number of 64 bits")
	errQty  = errors.New("the quantity v of the trade is not a decimal number of zero or more")
)

func fail(offset int, what string) error { return &scan.Error{Offset: offset, What: what} }
