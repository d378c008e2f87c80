package config

import (
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// value is the result of an expression in plain Go: nil, string, bool, int64, uint64, float64, []any, map[string]any.
type value struct {
	goValue any
	// text says that it came from env() or file(), so that "10" is as good as 10.
	text bool
	// secret says that it is not to be shown.
	secret bool
}

// evaluate computes an expression and reports what is wrong with it. ok is false when there is no value.
func (r *report) evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (v value, ok bool) {
	result, diags := expr.Value(ctx)
	if diags.HasErrors() {
		r.addDiagnostics(diags)
		return value{}, false
	}
	plain, marks := result.UnmarkDeep()
	_, v.text = marks[textMark]
	_, v.secret = marks[secretMark]
	goValue, err := toGo(plain)
	if err != nil {
		r.errorf(expr.Range(), "write a string, number, bool, list or object", "this value cannot be used: %v", err)
		return value{}, false
	}
	v.goValue = goValue
	return v, true
}

func toGo(v cty.Value) (any, error) {
	if v == cty.NilVal || !v.IsKnown() {
		return nil, fmt.Errorf("it is not known")
	}
	if v.IsNull() {
		return nil, nil
	}
	switch t := v.Type(); {
	case t == cty.String:
		return v.AsString(), nil
	case t == cty.Bool:
		return v.True(), nil
	case t == cty.Number:
		return number(v.AsBigFloat())
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		elements := make([]any, 0, v.LengthInt())
		for _, e := range v.AsValueSlice() {
			g, err := toGo(e)
			if err != nil {
				return nil, err
			}
			elements = append(elements, g)
		}
		return elements, nil
	case t.IsObjectType() || t.IsMapType():
		m := map[string]any{}
		for k, e := range v.AsValueMap() {
			g, err := toGo(e)
			if err != nil {
				return nil, err
			}
			m[k] = g
		}
		return m, nil
	}
	return nil, fmt.Errorf("it is a %s", v.Type().FriendlyName())
}

// number returns a whole number as int64 or uint64 when it fits, anything else as float64.
func number(f *big.Float) (any, error) {
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
		return nil, fmt.Errorf("it is too large a number")
	}
	return x, nil
}

// show returns a value as a message names it.
func show(v any) string {
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

// show returns the value as a message names it, or that it is hidden.
func (v value) show() string {
	if v.secret {
		return "(hidden)"
	}
	return show(v.goValue)
}
