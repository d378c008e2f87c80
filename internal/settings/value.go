package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
)

// Value is a value as it was given, in plain Go.
type Value struct {
	// Go is nil, string, bool, int64, uint64, float64, []any or map[string]any of these.
	Go any
	// Text is true if it came from outside as text, so that "10" is as good as 10.
	Text bool
	// Secret is true if it is not to be shown.
	Secret bool
}

// String returns the value as a message names it, or that it is hidden.
func (v Value) String() string {
	if v.Secret {
		return "(hidden)"
	}
	return Show(v.Go)
}

// GoString is String.
func (v Value) GoString() string { return v.String() }

// Show returns a value as a message names it.
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		if len(v) > 60 {
			return strconv.Quote(v[:60]) + "..."
		}
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		return "an object"
	}
	return "another kind of value"
}

// Number returns a whole number as int64 or uint64 when it fits, anything else as float64. What a float64 cannot tell
// from a whole number is one: 1e-400 is 0.
func Number(f *big.Float) (any, error) {
	if f.IsInt() { // Uint64 calls 2.5 exact, so its accuracy says little
		if i, acc := f.Int64(); acc == big.Exact {
			return i, nil
		}
		if u, acc := f.Uint64(); acc == big.Exact {
			return u, nil
		}
	}
	x, _ := f.Float64()
	if math.IsInf(x, 0) {
		return nil, errors.New("it is too large a number")
	}
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int64(x), nil
	}
	return x, nil
}

// FromJSON returns a JSON value as a Value has it.
func FromJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var parsed any
	if err := d.Decode(&parsed); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return plain(parsed)
}

// plain replaces JSON numbers.
func plain(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return parseNumber(v.String())
	case []any:
		for i := range v {
			if v[i], err = plain(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = plain(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// parseNumber has the precision of HCL's numbers.
func parseNumber(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
	if err != nil {
		return nil, errors.New("it is too large a number")
	}
	return Number(f)
}

// Member is one member of a JSON object. Err says why its value cannot be used.
type Member struct {
	Name  string
	Value Value
	Err   error
}

// Members returns the members of a JSON object in their order, twice what comes twice, which encoding/json alone would
// hide. Nothing at all is an empty object.
func Members(raw []byte) ([]Member, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("no JSON object: %w", json.Unmarshal(raw, new(map[string]any)))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("no JSON object but start with %v", open)
	}
	var members []Member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("no JSON object: %w", err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("no JSON object: %w", err)
		}
		m := Member{}
		m.Name, _ = key.(string)
		m.Value.Go, m.Err = FromJSON(value)
		members = append(members, m)
	}
	return members, nil
}
