package linear

import (
	"bytes"

	"github.com/hftrunner/hftrunner/connector/internal/scan"
)

// walker goes through the members of one object or array in text that is known to be valid JSON. A value is passed over
// only when the one behind it is asked for.
type walker struct {
	raw    []byte
	i      int
	object bool
	// name and value are where the member in hand starts; name is for objects.
	name, value int
}

// walk begins with the object or array at raw[i]; anything else has no members.
func walk(raw []byte, i int) walker {
	return walker{raw: raw, i: i, object: raw[i] == '{'}
}

// next goes to the next member and returns false behind the last.
func (w *walker) next() bool {
	switch {
	case w.value != 0:
		w.i = skipSpace(w.raw, skipValue(w.raw, w.value))
	case w.object || w.raw[w.i] == '[':
		if end := skipSpace(w.raw, w.i+1); w.raw[end] == ']' || w.raw[end] == '}' {
			return false
		}
	default:
		return false
	}
	if w.value != 0 && w.raw[w.i] != ',' {
		return false
	}
	w.value = skipSpace(w.raw, w.i+1)
	if w.object {
		w.name = w.value
		colon := skipSpace(w.raw, skipString(w.raw, w.name))
		w.value = skipSpace(w.raw, colon+1)
	}
	return true
}

// behindData returns where the value of the message's own field of a name starts that stands behind the object under
// data, 0 when there is none.
func (d *Decoder) behindData(raw []byte, name string) int {
	for i := skipSpace(raw, d.book.DataEnd); raw[i] == ','; {
		at := skipSpace(raw, i+1)
		value := skipSpace(raw, skipSpace(raw, skipString(raw, at))+1)
		if string(d.text(raw, at)) == name {
			return value
		}
		i = skipSpace(raw, skipValue(raw, value))
	}
	return 0
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string at b[i].
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index behind the value at b[i].
func skipValue(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			i = skipWord(b, i)
		}
		if depth == 0 {
			return i
		}
	}
}

// skipWord returns the index behind the number or word at b[i].
func skipWord(b []byte, i int) int {
	for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != '}' && b[i] != ']' {
		i++
	}
	return i
}

// valueAt returns the value at b[i] as it stands.
func valueAt(b []byte, i int) []byte { return b[i:skipValue(b, i)] }

// text returns the string at raw[i] without quotes and escapes. With escapes it holds until the next value is read.
func (d *Decoder) text(raw []byte, i int) []byte {
	quoted := raw[i:skipString(raw, i)]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	if d.read(`{"s":`, quoted) != nil {
		return nil
	}
	return d.value.String(scan.Symbol)
}

// timeNs returns the time at raw[i], 0 for a missing one, which is an error.
func (d *Decoder) timeNs(raw []byte, i int) (int64, error) {
	if i == 0 {
		return 0, fail(i, "missing")
	}
	if err := d.read(`{"T":`, valueAt(raw, i)); err != nil {
		return 0, err
	}
	return d.value.TimeNs(scan.TransactionTime)
}

// decimal returns the price or quantity at raw[i], 0 for a missing one, which is an error.
func (d *Decoder) decimal(raw []byte, i int) (float64, error) {
	if i == 0 {
		return 0, fail(i, "missing")
	}
	if err := d.read(`{"q":`, valueAt(raw, i)); err != nil {
		return 0, err
	}
	return d.value.Decimal(scan.Qty)
}

// whole returns the whole number at raw[i].
func (d *Decoder) whole(raw []byte, i int) (int64, error) {
	if err := d.read(`{"u":`, valueAt(raw, i)); err != nil {
		return 0, err
	}
	return d.value.Int(scan.LastID)
}

// read puts a value into an object that a Payload understands, whose conversions are exact and allocate nothing.
func (d *Decoder) read(open string, value []byte) error {
	d.valueText = append(append(append(d.valueText[:0], open...), value...), '}')
	return d.value.Scan(d.valueText, nil)
}
