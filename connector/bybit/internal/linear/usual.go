package linear

import (
	"bytes"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/hft"
)

// usualBook fills m from a message about a book of the form in which the venue writes them, and reports whether raw is
// one. All others are read in more than one pass, with the same result.
func (d *Decoder) usualBook(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	u := d.book.Usual(raw)
	u.Skip(`{"topic":`)
	topic := u.Text()
	rest, isBook := bytes.CutPrefix(topic, []byte("orderbook."))
	level, symbol, ok := cutLevel(rest)
	if !isBook || !ok || !d.wants(level) {
		return false
	}
	u.Skip(`,"type":`)
	messageKind, kind := kindOf(u.Text())
	if level == 1 && d.BBO {
		messageKind, kind = connector.MessageBBO, hft.DepthBBOEvent
	}
	u.Skip(`,"ts":`)
	ts := u.Int()
	u.Skip(`,"data":{"s":`)
	u.Text()
	u.Skip(`,"b":`)
	rows := u.Rows(m.Events)
	numBids := len(rows)
	u.Skip(`,"a":`)
	rows = u.Rows(rows)
	u.Skip(`,"u":`)
	m.LastID = u.Int()
	u.Skip(`,"seq":`)
	m.Seq = u.Int()
	u.Skip(`},"cts":`)
	cts := u.Int()
	u.Skip(`}`)
	m.Events = rows
	sentNs, unit, ok := hft.UnixNs(ts, time.Millisecond)
	exchNs, _, sane := hft.UnixNs(cts, time.Millisecond)
	if !u.Ends() || kind == 0 || !ok || !sane {
		return false
	}
	if messageKind == connector.MessageBBO && (numBids == 0 || numBids == len(rows)) {
		return false // a side is empty
	}
	m.Kind, m.Symbol, m.Level, m.FirstID, m.SentNs, m.ExchTimestampNs, m.TimeUnit = messageKind, symbol, level,
		m.LastID, sentNs, exchNs, unit
	scan.Stamp(rows, numBids, kind, scan.Times{ExchTimestampNs: exchNs, LocalTimestampNs: localTimestampNs})
	return true
}
