package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// Error events are the one thing on the data plane that has no fixed size. They are encoded to bytes, cut into pieces
// of a record each, and put together again by the bot.

const (
	maxValueDepth = 1000
	MaxErrorBytes = 64 << 20
)

var errBadValue = errors.New("encoded error event is corrupt")

// AppendError encodes everything of e but AssetNo, which travels in the record's head.
func AppendError(b []byte, e *hft.LiveError) []byte {
	b = append(b, byte(e.Kind))
	b = binary.AppendVarint(b, e.Code)
	b = binary.AppendUvarint(b, e.OrderID)
	b = appendString(b, e.Connector)
	return appendValue(b, e.Val, 0)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValue replaces what is nested too deep by its text.
func appendValue(b []byte, v hft.Value, depth int) []byte {
	if depth == maxValueDepth {
		v = hft.StringValue(v.String())
	}
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case hft.ValueString:
		s, _ := v.Str()
		return appendString(b, s)
	case hft.ValueInt:
		i, _ := v.Int()
		return binary.AppendVarint(b, i)
	case hft.ValueFloat:
		f, _ := v.Float()
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	case hft.ValueBool:
		if t, _ := v.Bool(); t {
			return append(b, 1)
		}
		return append(b, 0)
	case hft.ValueList:
		list, _ := v.List()
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, e := range list {
			b = appendValue(b, e, depth+1)
		}
	case hft.ValueMap:
		m, _ := v.Map()
		b = binary.AppendUvarint(b, uint64(len(m)))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b = appendValue(appendString(b, k), m[k], depth+1)
		}
	}
	return b
}

// DecodeError decodes what AppendError made; anything else is an error.
func DecodeError(b []byte) (hft.LiveError, error) {
	d := valueDecoder{rest: b}
	e := hft.LiveError{Kind: hft.ErrorKind(d.byte()), Code: d.varint(), OrderID: d.uvarint()}
	e.Connector = d.string()
	e.Val = d.value(0)
	if d.err == nil && len(d.rest) != 0 {
		d.err = fmt.Errorf("%w: %d bytes too many", errBadValue, len(d.rest))
	}
	return e, d.err
}

type valueDecoder struct {
	rest []byte
	err  error
}

func (d *valueDecoder) fail() {
	d.err = errBadValue
	d.rest = nil
}

func (d *valueDecoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *valueDecoder) varint() int64 {
	i, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return i
}

func (d *valueDecoder) uvarint() uint64 {
	u, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return u
}

// length decodes a count of things of at least one byte each, so that a damaged count cannot ask for much memory.
func (d *valueDecoder) length() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *valueDecoder) string() string {
	n := d.length()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *valueDecoder) value(depth int) hft.Value {
	if depth > maxValueDepth {
		d.fail()
	}
	switch kind := hft.ValueKind(d.byte()); kind {
	case hft.ValueEmpty:
		return hft.Value{}
	case hft.ValueString:
		return hft.StringValue(d.string())
	case hft.ValueInt:
		return hft.IntValue(d.varint())
	case hft.ValueFloat:
		if len(d.rest) < 8 {
			d.fail()
			return hft.Value{}
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(d.rest))
		d.rest = d.rest[8:]
		return hft.FloatValue(f)
	case hft.ValueBool:
		return hft.BoolValue(d.byte() == 1)
	case hft.ValueList:
		n := d.length()
		list := make([]hft.Value, 0, min(n, 1024))
		for ; d.err == nil && n > 0; n-- {
			list = append(list, d.value(depth+1))
		}
		return hft.ListValue(list...)
	case hft.ValueMap:
		m := make(map[string]hft.Value)
		for n := d.length(); d.err == nil && n > 0; n-- {
			k := d.string()
			m[k] = d.value(depth + 1)
		}
		return hft.MapValue(m)
	}
	d.fail()
	return hft.Value{}
}
