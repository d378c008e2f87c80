package scan

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// quote is what a bookTicker says; has are the fields that it has.
type quote struct {
	id, time    int64
	symbol      []byte
	bid, bidQty float64
	ask, askQty float64
	has         quoteField
}

// quoteField is a field of a quote, or some.
type quoteField uint

const (
	quoteID quoteField = 1 << iota
	quoteSymbol
	quoteBid
	quoteBidQty
	quoteAsk
	quoteAskQty
	quoteType
	quoteTime
	quoteEventTime

	// ofSpot are those that each quote has, ofFutures those of futures.
	ofSpot    = quoteID | quoteSymbol | quoteBid | quoteBidQty | quoteAsk | quoteAskQty
	ofFutures = ofSpot | quoteType | quoteTime
)

// SpotQuote fills m from a bookTicker of the usual form and reports whether raw is one: in the envelope of the combined
// stream, without white space, fields in any order, none but the known ones, numbers not longer than usual. Scan takes
// everything, with the same result. m is kept as it is where raw is no such message.
func SpotQuote(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	return usualQuote(localTimestampNs, raw, ofSpot, m)
}

// FuturesQuote is SpotQuote for futures, whose quotes have a type and a time.
func FuturesQuote(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	return usualQuote(localTimestampNs, raw, ofFutures, m)
}

func usualQuote(localTimestampNs int64, b []byte, required quoteField, m *connector.Message) bool {
	var q quote
	i := quoteData(b)
	for more := i > 0; more; i++ {
		if i = q.member(b, i); i < 0 || i >= len(b) || b[i] != ',' && b[i] != '}' {
			return false
		}
		more = b[i] == ','
	}
	if i < 0 || i+1 != len(b) || b[i] != '}' || q.has&required != required ||
		q.has&(quoteTime|quoteEventTime) == quoteEventTime {
		return false
	}
	exchNs, unit, ok := int64(0), time.Duration(0), true
	t := Times{ExchTimestampNs: localTimestampNs, LocalTimestampNs: localTimestampNs}
	if q.has&quoteTime != 0 {
		if exchNs, unit, ok = hft.UnixNs(q.time, time.Millisecond); !ok {
			return false
		}
		t.ExchTimestampNs = exchNs
	}
	m.Reset()
	m.ExchTimestampNs, m.TimeUnit = exchNs, unit
	m.Kind, m.Symbol, m.LastID, m.Seq = connector.MessageBBO, q.symbol, q.id, q.id
	m.Events = slices.Grow(m.Events, 2)[:2]
	clear(m.Events)
	m.Events[0].Px, m.Events[0].Qty = q.bid, q.bidQty
	m.Events[1].Px, m.Events[1].Qty = q.ask, q.askQty
	Stamp(m.Events, 1, hft.DepthBBOEvent, t)
	return true
}

// quoteData returns where the first field of a message in an envelope starts, -1 when it is in none.
func quoteData(b []byte) int {
	const stream, data = `{"stream":`, `,"data":{`
	if len(b) < len(stream) || string(b[:len(stream)]) != stream {
		return -1
	}
	i := usualText(b, len(stream))
	if i < 0 || len(b)-i < len(data) || string(b[i:i+len(data)]) != data {
		return -1
	}
	return i + len(data)
}

// member reads the field at b[i] and returns the index behind it, -1 when it is none of a quote's.
func (q *quote) member(b []byte, i int) int {
	if len(b)-i < 8 || b[i] != '"' {
		return -1
	}
	if b[i+2] != '"' || b[i+3] != ':' {
		return newerField(b, i)
	}
	name := b[i+1]
	i += 4
	switch name {
	case 'u':
		q.has |= quoteID
		q.id, i = usualInt(b, i)
	case 'T':
		q.has |= quoteTime
		q.time, i = usualInt(b, i)
	case 'E': // needed where T is missing only
		q.has |= quoteEventTime
		_, i = usualInt(b, i)
	case 'b':
		q.has |= quoteBid
		q.bid, i = usualDecimal(b, i)
	case 'B':
		q.has |= quoteBidQty
		q.bidQty, i = usualDecimal(b, i)
	case 'a':
		q.has |= quoteAsk
		q.ask, i = usualDecimal(b, i)
	case 'A':
		q.has |= quoteAskQty
		q.askQty, i = usualDecimal(b, i)
	case 's':
		q.has |= quoteSymbol
		start := i + 1
		if i = usualText(b, i); i > 0 {
			q.symbol = b[start : i-1]
		}
	case 'e':
		q.has |= quoteType
		const bookTicker = `"bookTicker"`
		if !bytes.HasPrefix(b[i:], []byte(bookTicker)) {
			return -1
		}
		i += len(bookTicker)
	default:
		return -1
	}
	return i
}

// newerField returns the index behind the field at b[i] if its name has two letters: venues add such fields (USD-M ps,
// st), of which none is needed. It is -1 where that, or the value, is of another form.
func newerField(b []byte, i int) int {
	if !isLetter(b[i+1]) || !isLetter(b[i+2]) || b[i+3] != '"' || b[i+4] != ':' {
		return -1
	}
	if i += 5; b[i] == '0' {
		return i + 1
	}
	if b[i] == '"' {
		return usualText(b, i)
	}
	_, i = usualInt(b, i)
	return i
}

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }

// usualText returns the index behind the string at b[i], -1 when it has an escape or the end is near.
func usualText(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; len(b)-i >= 8; i += 8 {
		if n := firstSpecial(binary.LittleEndian.Uint64(b[i:])); n < 8 {
			if b[i+n] != '"' {
				return -1
			}
			return i + n + 1
		}
	}
	return -1
}

// usualDecimal converts the decimal in quotes at b[i] and returns the index behind it, -1 when the long way has to be
// taken.
func usualDecimal(b []byte, i int) (value float64, next int) {
	if b[i] != '"' {
		return 0, -1
	}
	value, quote := quotedDecimal(b, i+1)
	if quote < 0 {
		return 0, -1
	}
	return value, quote + 1
}

// usualInt converts the whole number above 0 at b[i], of at most 18 digits, and returns the index behind it, -1 for
// anything else.
func usualInt(b []byte, i int) (value int64, next int) {
	if i >= len(b) || b[i]-'1' >= 9 {
		return 0, -1
	}
	end := min(len(b), i+18)
	if len(b)-i >= 8 {
		x := binary.LittleEndian.Uint64(b[i:]) ^ eachZero
		n := leadingDigits(x)
		value = int64(digits8(x << ((64 - 8*uint(n)) & 63)))
		if i += n; n < 8 {
			return value, i
		}
	}
	for ; i < end && b[i]-'0' <= 9; i++ {
		value = value*10 + int64(b[i]-'0')
	}
	return value, i
}
