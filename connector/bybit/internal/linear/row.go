package linear

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// row is one object of the venue. Its getters take numbers with and without quotes and treat "" and null as not said.
// The first value that is not what its name says is kept as err, and what was asked for is then not said.
type row struct {
	v   *fastjson.Value
	err error
}

// text returns a string or number as it stands; it is valid as long as the message.
func (r *row) text(key string) []byte {
	if r.v == nil {
		return nil
	}
	v := r.v.Get(key)
	if v == nil {
		return nil
	}
	switch v.Type() {
	case fastjson.TypeString:
		return v.GetStringBytes()
	case fastjson.TypeNumber:
		return v.MarshalTo(nil)
	}
	return nil
}

func (r *row) str(key string) string { return string(r.text(key)) }

func (r *row) wrong(key string, text []byte, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s is not a %s", key, excerpt(text), what)
	}
}

// decimal returns a finite number and whether there is one.
func (r *row) decimal(key string) (value float64, said bool) {
	text := r.text(key)
	if len(text) == 0 {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if last := text[len(text)-1]; err != nil || last < '0' || last > '9' || bytes.ContainsAny(text, "xX") {
		r.wrong(key, text, "decimal number")
		return 0, false
	}
	return value, true
}

// number is decimal for values that are 0 when they are not said.
func (r *row) number(key string) float64 {
	value, _ := r.decimal(key)
	return value
}

// whole returns a whole number, 0 when it is not said.
func (r *row) whole(key string) int64 {
	text := r.text(key)
	if len(text) == 0 {
		return 0
	}
	value, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.wrong(key, text, "whole number")
	}
	return value
}

// timeNs returns a time in milliseconds as nanoseconds, 0 when it is not said.
func (r *row) timeNs(key string) int64 {
	ms := r.whole(key)
	if ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		r.wrong(key, r.text(key), "time in milliseconds")
		return 0
	}
	return ms * int64(time.Millisecond)
}

func (r *row) is(key string) bool {
	v := r.v.Get(key)
	return v != nil && (v.Type() == fastjson.TypeTrue || string(v.GetStringBytes()) == "true")
}

// ours reports whether the row is about a linear contract; rows that do not say are.
func (r *row) ours() bool {
	category := r.text("category")
	return len(category) == 0 || string(category) == "linear"
}

var errNotJSON = errors.New("not valid JSON")

// parse reads a message of the venue. fastjson's parser alone lets some texts pass that are no JSON; its validator
// alone takes for ever over brackets nested without end, which the parser refuses.
func parse(p *fastjson.Parser, raw []byte) (*fastjson.Value, error) {
	v, err := p.ParseBytes(raw)
	if err != nil || fastjson.ValidateBytes(raw) != nil {
		return nil, errNotJSON
	}
	return v, nil
}

// excerpt is the start of a text of the venue, fit for a message.
func excerpt(text []byte) string {
	const most = 120
	if len(text) > most {
		return strconv.QuoteToASCII(string(text[:most])) + "..."
	}
	return strconv.QuoteToASCII(string(text))
}

// marshal writes what is made of strings and numbers only, which cannot fail.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}

// parsers lends memory to those who read messages. The zero value is ready, and any goroutine may use it.
type parsers struct{ pool fastjson.ParserPool }
