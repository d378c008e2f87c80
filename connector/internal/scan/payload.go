package scan

import (
	"encoding/binary"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hftrunner/hftrunner/hft"
)

// DepthUpdate is the event type of a difference of the book at both venues.
const DepthUpdate = "depthUpdate"

// Payload is one message after Scan: the object under "data" when the message has one, else the message itself. The
// zero value is ready. One goroutine uses it.
type Payload struct {
	// Enveloped says that the message was wrapped by the combined stream, and DataEnd where what was wrapped ends.
	Enveloped bool
	DataEnd   int
	// streamAt is where the name of the stream stands that the envelope gives, 0 for none.
	streamAt int
	// TimeUnit is the unit of the time that was read last, 0 when none was.
	TimeUnit time.Duration

	raw []byte
	// at is where each field's value starts, 0 when there is none: no value stands at the first byte of an object.
	at [numKeys]int

	// Rows converted during the pass: rowsAt are the starts of the two arrays they come from.
	rows    []hft.Event
	rowsAt  [2]int
	numBids int

	// tail is a copy of the end of the message, see lastRows.
	tail [2 * usualSpan]byte

	// scratch holds strings that had escapes.
	scratch []byte
}

// Scan reads raw, which has to be whole and valid JSON. It takes over the memory of rows; Rows gives it back. A
// message that is no object has no fields.
func (p *Payload) Scan(raw []byte, rows []hft.Event) error {
	p.raw, p.scratch = raw, p.scratch[:0]
	p.Enveloped, p.TimeUnit, p.streamAt = false, 0, 0
	p.rows = rows
	p.forget()
	i := skipSpace(raw, 0)
	var err error
	if i < len(raw) && raw[i] == '{' {
		i, err = p.object(i, 0)
	} else {
		i, err = skipValue(raw, i, 0)
	}
	if err != nil {
		return err
	}
	if i = skipSpace(raw, i); i < len(raw) {
		return fail(i, "something follows the message")
	}
	return nil
}

// forget drops the fields noted so far.
func (p *Payload) forget() {
	p.at = [numKeys]int{}
	p.rows, p.rowsAt, p.numBids = p.rows[:0], [2]int{}, 0
}

// object notes the fields of the object that opens at i and returns the index behind it. depth is 1 inside of an
// envelope.
func (p *Payload) object(i, depth int) (int, error) {
	b := p.raw
	if i = skipSpace(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for more := true; more; {
		key, next, err := p.key(i)
		if err != nil {
			return next, err
		}
		if next < len(b) && key == dataKey && depth == 0 && b[next] == '{' {
			p.forget()
			p.Enveloped = true
			i, err = p.object(next, 1)
			p.DataEnd = i
		} else if key == NoKey || key > numKeys || p.Enveloped && depth == 0 {
			if key == streamKey && depth == 0 {
				p.streamAt = next
			}
			i, err = skipValue(b, next, depth+1)
		} else {
			i, err = p.field(key, next, depth+1)
		}
		if err != nil {
			return i, err
		}
		if i+1 < len(b) && b[i] == ',' && b[i+1] == '"' {
			i++
			continue
		}
		if i, more, err = skipSeparator(b, i, '}'); err != nil {
			return i, err
		}
	}
	return i, nil
}

// key reads the name at i and returns the index of its value.
func (p *Payload) key(i int) (Key, int, error) {
	b := p.raw
	if len(b)-i > 4 && b[i] == '"' && b[i+2] == '"' && b[i+3] == ':' && b[i+4] > ' ' && b[i+1] >= 'A' &&
		b[i+1] != '\\' {
		return letterKey(b[i+1]), i + 4, nil
	}
	if len(b)-i > 10 && b[i] == '"' {
		if n := firstSpecial(binary.LittleEndian.Uint64(b[i+1:])); n < 8 && b[i+1+n] == '"' && b[i+2+n] == ':' &&
			b[i+3+n] > ' ' {
			return keyOf(b[i+1 : i+1+n]), i + 3 + n, nil
		}
	}
	next, escaped, err := skipKey(b, i)
	if err != nil {
		return NoKey, next, err
	}
	end := next - 1
	for b[end] != '"' {
		end--
	}
	name := b[i+1 : end]
	if escaped {
		name = p.unescape(name)
	}
	return keyOf(name), next, nil
}

// field notes the value at i and returns the index behind it.
func (p *Payload) field(key Key, i, depth int) (int, error) {
	p.at[key] = i
	switch key {
	case Bids, SnapshotBids:
		if p.rowsAt[0] == 0 && p.rowsExpected(key) {
			if next, ok := p.convertRows(0, i); ok {
				p.numBids = len(p.rows)
				return next, nil
			}
		}
	case Asks, SnapshotAsks:
		if p.rowsAt[0] != 0 && p.rowsAt[1] == 0 && p.rowsExpected(key) {
			if next, ok := p.convertRows(1, i); ok {
				return next, nil
			}
		}
	}
	b := p.raw
	if i < len(b) && b[i]-'1' < 9 {
		if end := skipDigits(b, i); end < len(b) && (b[end] == ',' || b[end] == '}') {
			return end, nil
		}
	}
	return skipValue(b, i, depth)
}

// rowsExpected guesses by what came before whether the value of key is an array of rows.
func (p *Payload) rowsExpected(key Key) bool {
	if e := p.at[EventType]; e != 0 {
		return (key == Bids || key == Asks) && len(p.raw)-e > len(DepthUpdate)+1 && p.raw[e] == '"' &&
			string(p.raw[e+1:e+1+len(DepthUpdate)]) == DepthUpdate
	}
	return (key == SnapshotBids || key == SnapshotAsks) && p.at[SnapshotID] != 0
}

// convertRows tries to convert the array at i on the way. If that fails the value may be something else or wrong,
// which is found out when somebody asks for it.
func (p *Payload) convertRows(side, i int) (next int, ok bool) {
	n := len(p.rows)
	rows, next, err := p.appendRows(p.rows, i)
	if err != nil {
		p.rows = rows[:n]
		return i, false
	}
	p.rows, p.rowsAt[side] = rows, i
	return next, true
}

// Rows returns the rows of the two arrays, with price and quantity and everything else zero, the bids first, and their
// number. An array that is missing is an error. It also returns the memory given to Scan when there are no rows.
func (p *Payload) Rows(bids, asks Key) (rows []hft.Event, numBids int, err error) {
	starts := [2]int{p.at[bids], p.at[asks]}
	if p.rowsAt == starts && starts[0] != 0 && starts[1] != 0 {
		return p.rows, p.numBids, nil
	}
	rows = p.rows[:0]
	for side, start := range starts {
		if start == 0 {
			return rows[:0], 0, p.Missing([2]Key{bids, asks}[side])
		}
		if rows, _, err = p.appendRows(rows, start); err != nil {
			return rows[:0], 0, err
		}
		if side == 0 {
			numBids = len(rows)
		}
	}
	return rows, numBids, nil
}

// Memory returns the memory given to Scan, without rows.
func (p *Payload) Memory() []hft.Event { return p.rows[:0] }

// Stream returns the name of the stream that the combined stream's envelope gives, nil where there is none.
func (p *Payload) Stream() []byte {
	if p.streamAt == 0 || p.raw[p.streamAt] != '"' {
		return nil
	}
	return p.stringAt(p.streamAt)
}

// Has reports whether the message has the field.
func (p *Payload) Has(key Key) bool { return p.at[key] != 0 }

// Missing returns the error of a message that lacks the field.
func (p *Payload) Missing(key Key) error { return fail(len(p.raw), key.String()+" is missing") }

// text returns the field's string without quotes and escapes, or its number as it stands.
func (p *Payload) text(key Key) ([]byte, bool) {
	i := p.at[key]
	if i == 0 {
		return nil, false
	}
	if p.raw[i] == '"' {
		return p.stringAt(i), true
	}
	end, err := skipNumber(p.raw, i)
	return p.raw[i:end], err == nil
}

// stringAt returns the string that Scan has checked at i.
func (p *Payload) stringAt(i int) []byte {
	end, escaped, _ := skipString(p.raw, i)
	if text := p.raw[i+1 : end-1]; !escaped {
		return text
	}
	return p.unescape(p.raw[i+1 : end-1])
}

// String returns the field's text, nil when it is absent or no string. It is a part of the message, or of p's own
// memory when it has escapes.
func (p *Payload) String(key Key) []byte {
	if i := p.at[key]; i != 0 && p.raw[i] == '"' {
		return p.stringAt(i)
	}
	return nil
}

// Text is String with an error when the field is absent or no string.
func (p *Payload) Text(key Key) ([]byte, error) {
	i := p.at[key]
	switch {
	case i == 0:
		return nil, p.Missing(key)
	case p.raw[i] != '"':
		return nil, fail(i, key.String()+" is not a string")
	}
	return p.stringAt(i), nil
}

// Int returns a whole number, written with or without quotes; a missing one is an error.
func (p *Payload) Int(key Key) (int64, error) {
	i := p.at[key]
	if i == 0 {
		return 0, p.Missing(key)
	}
	if value, ok := plainInt(p.raw, i); ok {
		return value, nil
	}
	if text, ok := p.text(key); ok {
		if value, ok := parseInt(text); ok {
			return value, nil
		}
	}
	return 0, fail(i, key.String()+" is not a whole number of 64 bits")
}

// Decimal returns a price or quantity, written with or without quotes; a missing or negative one is an error.
func (p *Payload) Decimal(key Key) (float64, error) {
	i := p.at[key]
	if i == 0 {
		return 0, p.Missing(key)
	}
	if p.raw[i] == '"' {
		if value, quote := quotedDecimal(p.raw, i+1); quote > 0 {
			return value, nil
		}
	}
	if text, ok := p.text(key); ok {
		if value, ok := parseDecimal(text); ok && value >= 0 {
			return value, nil
		}
	}
	return 0, fail(i, key.String()+" is not a decimal number of zero or more")
}

// Bool returns a truth value; a missing one is an error.
func (p *Payload) Bool(key Key) (bool, error) {
	i := p.at[key]
	switch {
	case i == 0:
		return false, p.Missing(key)
	case p.raw[i] == 't' || p.raw[i] == 'f':
		return p.raw[i] == 't', nil
	}
	return false, fail(i, key.String()+" is neither true nor false")
}

// TimeNs returns a time in nanoseconds. The venue writes milliseconds, or microseconds where the connection asks for
// them, and who has made a recording of something else may have taken another unit; see hft.UnixNs.
func (p *Payload) TimeNs(key Key) (int64, error) {
	t, err := p.Int(key)
	if err != nil {
		return 0, err
	}
	ns, unit, ok := hft.UnixNs(t, time.Millisecond)
	if !ok {
		return 0, fail(p.at[key], key.String()+" is not a time since 1970")
	}
	p.TimeUnit = unit
	return ns, nil
}

// FirstTimeNs returns the time of the first of keys that the message has, 0 when it has none.
func (p *Payload) FirstTimeNs(keys ...Key) (int64, error) {
	for _, key := range keys {
		if p.Has(key) {
			return p.TimeNs(key)
		}
	}
	return 0, nil
}

// unescape appends the checked text to scratch without its escapes and returns it there.
func (p *Payload) unescape(text []byte) []byte {
	start := len(p.scratch)
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			p.scratch = append(p.scratch, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'b':
			p.scratch = append(p.scratch, '\b')
		case 'f':
			p.scratch = append(p.scratch, '\f')
		case 'n':
			p.scratch = append(p.scratch, '\n')
		case 'r':
			p.scratch = append(p.scratch, '\r')
		case 't':
			p.scratch = append(p.scratch, '\t')
		case 'u':
			r, _ := hex4(text, i+1)
			i += 4
			if utf16.IsSurrogate(r) {
				second, ok := lowSurrogate(text, i+1)
				if r = utf16.DecodeRune(r, second); ok && r != utf8.RuneError {
					i += 6
				}
			}
			p.scratch = utf8.AppendRune(p.scratch, r)
		default:
			p.scratch = append(p.scratch, text[i])
		}
	}
	return p.scratch[start:]
}

func lowSurrogate(text []byte, i int) (rune, bool) {
	if len(text)-i < 6 || text[i] != '\\' || text[i+1] != 'u' {
		return 0, false
	}
	return hex4(text, i+2)
}
