package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/hftrunner/hftrunner/internal/settings"
)

// evaluate computes an expression and reports what is wrong with it. ok is false when there is no value.
func (r *report) evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (v settings.Value, ok bool) {
	result, diags := expr.Value(ctx)
	if diags.HasErrors() {
		r.addDiagnostics(diags)
		return settings.Value{}, false
	}
	plain, marks := result.UnmarkDeep()
	_, v.Text = marks[textMark]
	_, v.Secret = marks[secretMark]
	goValue, err := toGo(plain)
	if err != nil {
		r.errorf(expr.Range(), "write a string, number, bool, list or object", "this value cannot be used: %v", err)
		return settings.Value{}, false
	}
	v.Go = goValue
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
		return settings.Number(v.AsBigFloat())
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return listToGo(v)
	case t.IsObjectType() || t.IsMapType():
		return mapToGo(v)
	}
	return nil, fmt.Errorf("it is a %s", v.Type().FriendlyName())
}

func listToGo(v cty.Value) (any, error) {
	elements := make([]any, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		g, err := toGo(e)
		if err != nil {
			return nil, err
		}
		elements = append(elements, g)
	}
	return elements, nil
}

func mapToGo(v cty.Value) (any, error) {
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
