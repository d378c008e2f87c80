package pluginapi

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hftrunner/internal/control"
)

// parameters is what the tags of a parameter struct say.
type parameters struct {
	schema []control.Param
	// fields are the indexes of the struct's fields, as schema.
	fields []int
}

// readParameters returns what the tags of t say, or every mistake in them.
func readParameters(t reflect.Type) (parameters, error) {
	var p parameters
	var mistakes []string
	if t.Kind() != reflect.Struct {
		return p, fmt.Errorf("the parameters are a %s; they have to be a struct", t)
	}
	fieldOf := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		param, ok, problem := readField(f)
		if first, taken := fieldOf[param.Name]; ok && problem == "" && taken {
			problem = fmt.Sprintf("is the parameter %q, and so is %s", param.Name, first)
		}
		if problem != "" {
			mistakes = append(mistakes, fmt.Sprintf("%s.%s %s", t, f.Name, problem))
			continue
		}
		if ok {
			fieldOf[param.Name] = f.Name
			p.schema = append(p.schema, param)
			p.fields = append(p.fields, i)
		}
	}
	if len(mistakes) > 0 {
		return p, fmt.Errorf("mistakes in the parameters: %s", strings.Join(mistakes, "; "))
	}
	return p, nil
}

// readField returns the parameter of a field, ok false when it is none.
func readField(f reflect.StructField) (p control.Param, ok bool, problem string) {
	name, tagged := f.Tag.Lookup("hcl")
	if !tagged {
		for _, tag := range []string{"default", "min", "max", "doc"} {
			if _, has := f.Tag.Lookup(tag); has {
				return p, false, fmt.Sprintf("has a tag %s but no tag hcl: name the parameter", tag)
			}
		}
		if strings.Contains(string(f.Tag), "hcl") {
			return p, false, fmt.Sprintf("has a malformed tag `%s`: write `hcl:\"name\"`", f.Tag)
		}
		return p, false, ""
	}
	p.Name, p.Doc = name, f.Tag.Get("doc")
	if !f.IsExported() {
		return p, false, "has a tag hcl but is not exported: it could not be set"
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(name) {
		return p, false, fmt.Sprintf("has the name %q: use lower case letters, digits and _, a letter first", name)
	}
	if p.Type, ok = paramType(f.Type); !ok {
		return p, false, fmt.Sprintf("has the type %s: use string, an int or float type, bool, time.Duration, []string, []int64 or []float64", f.Type)
	}
	if problem := readBounds(&p, f); problem != "" {
		return p, false, problem
	}
	if problem := readDefault(&p, f); problem != "" {
		return p, false, problem
	}
	return p, true, ""
}

// paramType returns the parameter type of a Go type.
func paramType(t reflect.Type) (control.ParamType, bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return control.ParamDuration, true
	case reflect.TypeFor[[]string]():
		return control.ParamStrings, true
	case reflect.TypeFor[[]int64]():
		return control.ParamInts, true
	case reflect.TypeFor[[]float64]():
		return control.ParamFloats, true
	}
	switch t.Kind() {
	case reflect.String:
		return control.ParamString, true
	case reflect.Bool:
		return control.ParamBool, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return control.ParamInt, true
	case reflect.Float32, reflect.Float64:
		return control.ParamFloat, true
	}
	return "", false
}

// readBounds sets Min and Max from the tags, and from what fits into the field.
func readBounds(p *control.Param, f reflect.StructField) (problem string) {
	p.Min, p.Max = typeBounds(f.Type)
	for _, bound := range []struct {
		tag string
		to  **float64
	}{{"min", &p.Min}, {"max", &p.Max}} {
		text, ok := f.Tag.Lookup(bound.tag)
		if !ok {
			continue
		}
		v, problem := parseBound(p.Type, text)
		if problem != "" {
			return fmt.Sprintf("has %s:%q, %s", bound.tag, text, problem)
		}
		if fits := *bound.to; fits != nil && (bound.tag == "min" && v < *fits || bound.tag == "max" && v > *fits) {
			return fmt.Sprintf("has %s:%q, which a %s cannot hold", bound.tag, text, f.Type)
		}
		*bound.to = &v
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		return "has a min above its max"
	}
	return ""
}

func parseBound(t control.ParamType, text string) (v float64, problem string) {
	switch t {
	case control.ParamDuration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, `which is no duration such as "1.5s"`
		}
		return d.Seconds(), ""
	case control.ParamInt, control.ParamFloat, control.ParamInts, control.ParamFloats:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, "which is no number"
		}
		return v, ""
	}
	return 0, fmt.Sprintf("which a %s cannot have", t)
}

// typeBounds returns the range of the types that hold less than the control plane carries.
func typeBounds(t reflect.Type) (lo, hi *float64) {
	between := func(lo, hi float64) (*float64, *float64) { return &lo, &hi }
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return between(-math.Ldexp(1, t.Bits()-1), math.Ldexp(1, t.Bits()-1)-1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return between(0, math.Ldexp(1, t.Bits())-1)
	case reflect.Uint, reflect.Uint64:
		var zero float64
		return &zero, nil
	case reflect.Float32:
		return between(-math.MaxFloat32, math.MaxFloat32)
	}
	return nil, nil
}

// readDefault sets Default from the tag and checks it as a value would be.
func readDefault(p *control.Param, f reflect.StructField) (problem string) {
	text, ok := f.Tag.Lookup("default")
	if !ok {
		return ""
	}
	p.Default = json.RawMessage(text)
	if p.Type == control.ParamString || p.Type == control.ParamDuration {
		quoted, err := json.Marshal(text)
		if err != nil {
			return err.Error()
		}
		p.Default = quoted
	}
	if !json.Valid(p.Default) {
		return fmt.Sprintf("has default:%q, which is no %s", text, p.Type)
	}
	given := fmt.Sprintf("{%q:%s}", p.Name, p.Default)
	_, err := control.DecodeParams([]control.Param{*p}, json.RawMessage(given))
	if err != nil {
		return fmt.Sprintf("has default:%q: %s", text, err)
	}
	return ""
}

// decode returns the parameters that raw, a JSON object, gives, defaults filled in.
func (p parameters) decode(into reflect.Value, raw json.RawMessage) error {
	values, err := control.DecodeParams(p.schema, raw)
	if err != nil {
		return err
	}
	for i, field := range p.fields {
		setField(into.Field(field), values[p.schema[i].Name])
	}
	return nil
}

// setField sets a field to a checked value: the bounds of narrow types are part of the schema.
func setField(field reflect.Value, value any) {
	switch v := value.(type) {
	case int64:
		if field.CanUint() {
			field.SetUint(uint64(v))
			return
		}
		field.SetInt(v)
	case float64:
		field.SetFloat(v)
	default:
		field.Set(reflect.ValueOf(value).Convert(field.Type()))
	}
}
