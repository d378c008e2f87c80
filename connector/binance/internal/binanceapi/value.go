package binanceapi

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/hft"
)

// Parser parses replies and events that are not market data. The zero value is ready; any number of goroutines use it.
type Parser struct{ pool fastjson.ParserPool }

// Value is one value of a parsed text, usually an object whose fields are read by name. A field that is absent, null or
// an empty text is the zero value, and whatever else the object has is ignored; the first field that cannot be what it
// is asked for becomes the error of Parse. A Value is valid during the call that it was handed to.
type Value struct {
	v   *fastjson.Value
	err *error
}

// Parse parses text and hands the whole of it to read. It returns read's error, else that of the first wrong field.
func (p *Parser) Parse(text []byte, read func(v Value) error) error {
	parser := p.pool.Get()
	defer p.pool.Put(parser)
	root, err := parser.ParseBytes(text)
	if err != nil {
		// The library's error quotes the text, which may be long.
		return fmt.Errorf("binanceapi: %d bytes that are not JSON", len(text))
	}
	var wrong error
	if err := read(Value{root, &wrong}); err != nil {
		return err
	}
	return wrong
}

func (v Value) fail(name, what string) {
	if *v.err == nil {
		*v.err = fmt.Errorf("binanceapi: the field %q is %s", name, what)
	}
}

// Alone returns the value with an Err of its own, which fails nothing else.
func (v Value) Alone() Value { return Value{v.v, new(error)} }

// Err returns the first wrong field so far, for who wants to know before the end of Parse.
func (v Value) Err() error { return *v.err }

// Field returns a field, which may be absent.
func (v Value) Field(name string) Value { return Value{v.v.Get(name), v.err} }

// Has says that there is such a field and that it is not null.
func (v Value) Has(name string) bool {
	f := v.v.Get(name)
	return f != nil && f.Type() != fastjson.TypeNull
}

// IsArray and IsObject tell the kinds of a value.
func (v Value) IsArray() bool { return v.v != nil && v.v.Type() == fastjson.TypeArray }

// IsObject says that the value is an object.
func (v Value) IsObject() bool { return v.v != nil && v.v.Type() == fastjson.TypeObject }

// Each calls fn for each element of an array; a value that is none has no elements.
func (v Value) Each(fn func(e Value) error) error {
	if !v.IsArray() {
		return nil
	}
	for _, e := range v.v.GetArray() {
		if err := fn(Value{e, v.err}); err != nil {
			return err
		}
	}
	return nil
}

// Bytes returns a field's text, nil when it has none. It is valid as long as v.
func (v Value) Bytes(name string) []byte {
	f := v.v.Get(name)
	if f == nil || f.Type() == fastjson.TypeNull {
		return nil
	}
	text, err := f.StringBytes()
	if err != nil {
		v.fail(name, "no text")
	}
	return text
}

// Text returns a field's text as a string of its own.
func (v Value) Text(name string) string { return string(v.Bytes(name)) }

// ID returns a field that is a whole number or a text as a text; 0 and an absent one are empty.
func (v Value) ID(name string) string {
	if f := v.v.Get(name); f != nil && f.Type() == fastjson.TypeString {
		return v.Text(name)
	}
	if n := v.Int(name); n != 0 {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// Int returns a whole number of 64 bits, written with or without quotes.
func (v Value) Int(name string) int64 {
	f := v.v.Get(name)
	if f == nil || f.Type() == fastjson.TypeNull {
		return 0
	}
	var n int64
	var err error
	switch f.Type() {
	case fastjson.TypeNumber:
		n, err = f.Int64()
	case fastjson.TypeString:
		if text := f.GetStringBytes(); len(text) > 0 {
			n, err = strconv.ParseInt(string(text), 10, 64)
		}
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		v.fail(name, "no whole number of 64 bits")
		return 0
	}
	return n
}

// Decimal returns a finite number, written with or without quotes.
func (v Value) Decimal(name string) float64 {
	f := v.v.Get(name)
	if f == nil || f.Type() == fastjson.TypeNull {
		return 0
	}
	var x float64
	var err error
	switch f.Type() {
	case fastjson.TypeNumber:
		x, err = f.Float64()
	case fastjson.TypeString:
		if text := f.GetStringBytes(); len(text) > 0 {
			x, err = strconv.ParseFloat(string(text), 64)
		}
	default:
		err = errors.ErrUnsupported
	}
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		v.fail(name, "no number")
		return 0
	}
	return x
}

// Bool returns a truth value.
func (v Value) Bool(name string) bool {
	f := v.v.Get(name)
	if f == nil || f.Type() == fastjson.TypeNull {
		return false
	}
	if f.Type() != fastjson.TypeTrue && f.Type() != fastjson.TypeFalse {
		v.fail(name, "neither true nor false")
	}
	return f.Type() == fastjson.TypeTrue
}

// maxMs is the last millisecond that fits in nanoseconds.
const maxMs = math.MaxInt64 / 1_000_000

// TimeNs returns a time of milliseconds, or of microseconds where the connection asks for them, in nanoseconds.
func (v Value) TimeNs(name string) int64 {
	ns, _, ok := hft.UnixNs(v.Int(name), time.Millisecond)
	if !ok {
		v.fail(name, "no time since 1970")
	}
	return ns
}
