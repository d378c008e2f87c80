package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParamValues are checked parameters by name. The value's type goes with the parameter's: string, int64, float64, bool,
// time.Duration, []string, []int64 or []float64.
type ParamValues map[string]any

// DecodeParams checks a JSON object of parameters against a schema and returns the value of every parameter, the default
// of what is left out. What is wrong is reported all at once as ParamErrors, in the order of the object, missing
// parameters last. An empty raw is an empty object. The host uses it before a strategy is started, the plugin when it is
// configured, so both say the same.
func DecodeParams(schema []Param, raw json.RawMessage) (ParamValues, error) {
	names, given, err := splitObject(raw)
	if err != nil {
		return nil, err
	}
	var errs ParamErrors
	values := make(ParamValues, len(schema))
	for _, name := range names {
		p, ok := findParam(schema, name)
		if !ok {
			errs = append(errs, ParamError{Name: name, Problem: unknownParam(schema, name)})
			continue
		}
		if len(given[name]) > 1 {
			errs = append(errs, ParamError{Name: name, Problem: "is given more than once"})
			values[name] = nil
			continue
		}
		v, problem := p.decode(given[name][0])
		if problem != "" {
			errs = append(errs, ParamError{Name: name, Problem: problem})
		}
		values[name] = v
	}
	for _, p := range schema {
		if _, ok := values[p.Name]; ok {
			continue
		}
		if p.Required() {
			errs = append(errs, ParamError{Name: p.Name, Problem: fmt.Sprintf("is missing: give %s", p.Type.phrase())})
			continue
		}
		v, problem := p.decode(p.Default)
		if problem != "" {
			errs = append(errs, ParamError{Name: p.Name, Problem: "has a default that " + problem})
		}
		values[p.Name] = v
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return values, nil
}

// splitObject returns the members of a JSON object in their order. encoding/json alone would hide that one came twice.
func splitObject(raw json.RawMessage) (names []string, values map[string][]json.RawMessage, err error) {
	values = map[string][]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, values, nil
	}
	malformed := func(err error) error { return fmt.Errorf("parameters are no JSON object: %w", err) }
	if !json.Valid(raw) {
		return nil, nil, malformed(json.Unmarshal(raw, new(map[string]any)))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, fmt.Errorf("parameters are no JSON object but start with %v", open)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, malformed(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, malformed(err)
		}
		name, _ := key.(string)
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	return names, values, nil
}

func findParam(schema []Param, name string) (Param, bool) {
	for _, p := range schema {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

func unknownParam(schema []Param, name string) string {
	known := make([]string, len(schema))
	for i, p := range schema {
		known[i] = p.Name
	}
	switch nearest := Nearest(name, known); {
	case nearest != "":
		return fmt.Sprintf("is unknown; did you mean %q?", nearest)
	case len(known) == 0:
		return "is unknown: this plugin has no parameters"
	}
	return "is unknown; known are " + strings.Join(known, ", ")
}

// decode returns the value, or what is wrong with it in words that follow the parameter's name.
func (p Param) decode(raw json.RawMessage) (value any, problem string) {
	var parsed any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		return nil, "is no JSON value: " + err.Error()
	}
	switch p.Type {
	case ParamString, ParamInt, ParamFloat, ParamBool, ParamDuration:
		return p.scalar(p.Type, parsed)
	case ParamStrings:
		return decodeList[string](p, ParamString, parsed)
	case ParamInts:
		return decodeList[int64](p, ParamInt, parsed)
	case ParamFloats:
		return decodeList[float64](p, ParamFloat, parsed)
	}
	return nil, fmt.Sprintf("has the type %q, which this runner does not know: build it and the plugin from the same version", p.Type)
}

func decodeList[T any](p Param, element ParamType, parsed any) (any, string) {
	list, ok := parsed.([]any)
	if !ok {
		return nil, fmt.Sprintf("is %s, not %s", describeJSON(parsed), p.Type.phrase())
	}
	out := make([]T, len(list))
	for i, e := range list {
		v, problem := p.scalar(element, e)
		if problem != "" {
			return nil, fmt.Sprintf("element %d %s", i, problem)
		}
		out[i], _ = v.(T)
	}
	return out, ""
}

// scalar checks one value of a type.
func (p Param) scalar(t ParamType, parsed any) (any, string) {
	wrong := fmt.Sprintf("is %s, not %s", describeJSON(parsed), t.phrase())
	switch t {
	case ParamString:
		if s, ok := parsed.(string); ok {
			return s, ""
		}
	case ParamBool:
		if b, ok := parsed.(bool); ok {
			return b, ""
		}
	case ParamDuration:
		s, ok := parsed.(string)
		if !ok {
			return nil, wrong + ` such as "1.5s"`
		}
		v, err := time.ParseDuration(s)
		if err != nil {
			return nil, wrong + ` such as "1.5s"`
		}
		return v, p.bound(v.Seconds(), func(seconds float64) string {
			return time.Duration(math.Round(seconds * float64(time.Second))).String()
		})
	case ParamFloat:
		n, ok := parsed.(json.Number)
		if !ok {
			break
		}
		v, err := n.Float64()
		if err != nil {
			return nil, fmt.Sprintf("is %s, which is too large for a float", n)
		}
		return v, p.bound(v, formatNumber)
	case ParamInt:
		n, ok := parsed.(json.Number)
		if !ok {
			break
		}
		v, problem := parseInt(n)
		if problem != "" {
			return nil, problem
		}
		return v, p.bound(float64(v), formatNumber)
	}
	return nil, wrong
}

// parseInt takes also a number such as 1e3 or 2.0, as a program that computed it may write it.
func parseInt(n json.Number) (int64, string) {
	if v, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return v, ""
	}
	f, err := n.Float64()
	switch {
	case err != nil || math.Abs(f) >= 1<<63:
		return 0, fmt.Sprintf("is %s, which is too large for an int", n)
	case f != math.Trunc(f):
		return 0, fmt.Sprintf("is %s, not a whole number", n)
	case math.Abs(f) > 1<<53:
		return 0, fmt.Sprintf("is %s, write a number this large without point and exponent", n)
	}
	return int64(f), ""
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func (p Param) bound(v float64, format func(float64) string) string {
	switch {
	case p.Min != nil && v < *p.Min:
		return fmt.Sprintf("is %s, below its minimum %s", format(v), format(*p.Min))
	case p.Max != nil && v > *p.Max:
		return fmt.Sprintf("is %s, above its maximum %s", format(v), format(*p.Max))
	}
	return ""
}

func describeJSON(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "the string " + shortQuote(v)
	case json.Number:
		return "the number " + v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	}
	return "an object"
}

// phrase returns the type with its article.
func (t ParamType) phrase() string {
	if t == ParamInt {
		return "an " + string(t)
	}
	return "a " + string(t)
}
