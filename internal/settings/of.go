package settings

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Of returns the block that the tags of a struct type say, or every mistake in them.
func Of(t reflect.Type) (*Block, error) { return of(t, false) }

// OfParams is Of for the parameters of a plugin, of which the host is told less: there are settings only, of the types
// that it is told of (an unsigned number is an Int with bounds), and no other tags than default, min, max and doc.
func OfParams(t reflect.Type) (*Block, error) { return of(t, true) }

func of(t reflect.Type, params bool) (*Block, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("settings have to be a struct, and %s is none", t)
	}
	r := newTags(t, nil, params)
	r.read(t, nil, "")
	if len(r.mistakes) > 0 {
		return nil, fmt.Errorf("mistakes in the tags: %s", strings.Join(r.mistakes, "; "))
	}
	return r.block, nil
}

// tags reads the tags of a struct.
type tags struct {
	of       reflect.Type
	parents  []reflect.Type // the structs of the blocks that this one is within, and its own
	params   bool           // of a plugin
	block    *Block
	fields   map[string]string // by the name of the setting
	mistakes []string
}

func newTags(t reflect.Type, parents []reflect.Type, params bool) *tags {
	return &tags{of: t, parents: append(slices.Clip(parents), t), params: params, block: &Block{},
		fields: map[string]string{}}
}

// read reads the fields of t, the struct itself or one that is embedded in it at index.
func (r *tags) read(t reflect.Type, index []int, otherwise string) {
	for i := range t.NumField() {
		f := t.Field(i)
		f.Index = slices.Concat(index, f.Index)
		if _, tagged := f.Tag.Lookup("hcl"); f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct {
			r.read(f.Type, f.Index, f.Tag.Get("otherwise"))
			continue
		}
		if problem := r.field(f, otherwise); problem != "" {
			r.mistakes = append(r.mistakes, fmt.Sprintf("%s.%s %s", r.of, f.Name, problem))
		}
	}
}

// field reads a field's tags and says what is wrong with them.
func (r *tags) field(f reflect.StructField, otherwise string) (problem string) {
	name, tagged := f.Tag.Lookup("hcl")
	if !tagged {
		return untagged(f)
	}
	name, options, _ := strings.Cut(name, ",")
	if !f.IsExported() {
		return "has a tag hcl but is not exported: it could not be set"
	}
	if !settingName.MatchString(name) {
		return fmt.Sprintf("has the name %q: use lower case letters, digits and _, a letter first", name)
	}
	if first, taken := r.fields[name]; taken {
		return fmt.Sprintf("has the name %q, and so has %s", name, first)
	}
	if r.params && options != "" {
		return fmt.Sprintf("has the option %q: a plugin has parameters only, no blocks and labels", options)
	}
	switch options {
	case "":
		s := Setting{Name: name, Doc: f.Tag.Get("doc"), Format: f.Tag.Get("format"), Otherwise: f.Tag.Get("otherwise"),
			Choices: choices(f), index: f.Index}
		if problem := s.read(f, otherwise, r.params); problem != "" {
			return problem
		}
		r.block.Settings = append(r.block.Settings, s)
	case "label":
		r.block.Labels = append(r.block.Labels, Label{Name: name, Choices: choices(f), Format: f.Tag.Get("format"),
			index: f.Index})
	case "free":
		r.block.Blocks = append(r.block.Blocks, &Block{Name: name, Doc: f.Tag.Get("doc"), Single: true, Implied: true,
			Free: true})
	case "block", "block,later":
		if problem := r.within(f, name, options != "block"); problem != "" {
			return problem
		}
	default:
		return fmt.Sprintf("has the option %q: there are block, later, label and free", options)
	}
	r.fields[name] = f.Name
	return ""
}

func untagged(f reflect.StructField) (problem string) {
	for _, tag := range []string{"default", "min", "max", "above", "choices", "format", "otherwise", "doc"} {
		if _, has := f.Tag.Lookup(tag); has {
			return fmt.Sprintf("has a tag %s but no tag hcl: name the setting", tag)
		}
	}
	if strings.Contains(string(f.Tag), "hcl") {
		return fmt.Sprintf("has a malformed tag `%s`: write `hcl:\"name\"`", f.Tag)
	}
	return ""
}

// within reads a block in the block.
func (r *tags) within(f reflect.StructField, name string, later bool) (problem string) {
	t, kind := f.Type, f.Type.Kind()
	if kind == reflect.Pointer || kind == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return fmt.Sprintf("has the type %s: a block is a struct, a pointer to one or a slice of them", f.Type)
	}
	if slices.Contains(r.parents, t) {
		return fmt.Sprintf("has the type %s: the block would be within itself, without an end", f.Type)
	}
	inner := newTags(t, r.parents, r.params)
	inner.read(t, nil, "")
	r.mistakes = append(r.mistakes, inner.mistakes...)
	b := inner.block
	b.Name, b.Doc, b.Later, b.index = name, f.Tag.Get("doc"), later, f.Index
	b.Single, b.Implied = kind != reflect.Slice, kind == reflect.Struct
	r.block.Blocks = append(r.block.Blocks, b)
	return ""
}

func choices(f reflect.StructField) []string {
	if list := f.Tag.Get("choices"); list != "" {
		return strings.Split(list, ",")
	}
	return nil
}

// read reads type, bounds and default.
func (s *Setting) read(f reflect.StructField, otherwise string, param bool) (problem string) {
	var ok bool
	s.Type, ok = typeOf(f.Type, s.Format)
	if param {
		if _, above := f.Tag.Lookup("above"); above || s.Choices != nil || s.Format != "" ||
			s.Otherwise+otherwise != "" {
			return "has a tag above, choices, format or otherwise, of which the host is not told"
		}
		if s.Type == Uint {
			s.Type = Int
		}
		ok = s.Type.ofParam()
	}
	if !ok {
		return fmt.Sprintf("has the type %s: use string, an int, uint or float type, bool, time.Duration, []string, []int64 or []float64", f.Type)
	}
	if s.Format == string(Speed) || s.Format == string(Paths) {
		s.Format = ""
	}
	if _, known := formats()[s.Format]; s.Format != "" && (!known || s.Type != String) {
		return fmt.Sprintf("has format:%q, which a %s cannot have", s.Format, s.Type)
	}
	if problem := s.readBounds(f); problem != "" {
		return problem
	}
	if otherwise != "" {
		s.Otherwise = otherwise
		return ""
	}
	return s.readDefault(f)
}

func typeOf(t reflect.Type, format string) (Type, bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return Duration, true
	case reflect.TypeFor[time.Time]():
		return Time, true
	case reflect.TypeFor[[]string]():
		if format == string(Paths) {
			return Paths, true
		}
		return Strings, true
	case reflect.TypeFor[[]int64]():
		return Ints, true
	case reflect.TypeFor[[]float64]():
		return Floats, true
	case reflect.TypeFor[map[string][]string]():
		return Files, true
	case reflect.TypeFor[map[string]float64]():
		return Money, true
	}
	switch t.Kind() {
	case reflect.String:
		return String, true
	case reflect.Bool:
		return Bool, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Uint, true
	case reflect.Float32, reflect.Float64:
		if format == string(Speed) {
			return Speed, true
		}
		return Float, true
	}
	return "", false
}

// readBounds takes the bounds from the tags, and from what fits into the field.
func (s *Setting) readBounds(f reflect.StructField) (problem string) {
	s.Min, s.Max = typeBounds(f.Type)
	for _, bound := range []struct {
		tag string
		to  **float64
	}{{"min", &s.Min}, {"above", &s.Min}, {"max", &s.Max}} {
		text, ok := f.Tag.Lookup(bound.tag)
		if !ok {
			continue
		}
		v, problem := s.Type.parseBound(text)
		if problem != "" {
			return fmt.Sprintf("has %s:%q, %s", bound.tag, text, problem)
		}
		if fits := *bound.to; fits != nil && (bound.to == &s.Min && v < *fits || bound.to == &s.Max && v > *fits) {
			return fmt.Sprintf("has %s:%q, which a %s cannot hold", bound.tag, text, f.Type)
		}
		*bound.to = &v
		s.Above = s.Above || bound.tag == "above"
	}
	if s.Min != nil && s.Max != nil && *s.Min > *s.Max {
		return "has a min above its max"
	}
	return ""
}

func (t Type) parseBound(text string) (v float64, problem string) {
	switch t {
	case Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, `which is not a duration such as "1.5s"`
		}
		return d.Seconds(), ""
	case Int, Uint, Float, Speed, Ints, Floats, Money:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, "which is not a number"
		}
		return v, ""
	}
	return 0, fmt.Sprintf("which a %s cannot have", t)
}

// typeBounds returns the range of the types that hold less than an int64 or a float64, as far as a float64 can say it.
func typeBounds(t reflect.Type) (lo, hi *float64) {
	between := func(lo, hi float64) (*float64, *float64) { return &lo, &hi }
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return between(-math.Ldexp(1, t.Bits()-1), math.Ldexp(1, t.Bits()-1)-1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return between(0, math.Ldexp(1, t.Bits())-1)
	case reflect.Uint, reflect.Uint64:
		return new(float64), nil
	case reflect.Float32:
		return between(-math.MaxFloat32, math.MaxFloat32)
	}
	return nil, nil
}

// readDefault takes the default from its tag and checks it as a value would be.
func (s *Setting) readDefault(f reflect.StructField) (problem string) {
	text, ok := f.Tag.Lookup("default")
	if !ok {
		return ""
	}
	if s.Otherwise != "" {
		return "has a tag default and a tag otherwise"
	}
	if s.Type == String || s.Type == Duration || s.Type == Time {
		s.Default = text
	} else if v, err := FromJSON([]byte(text)); err != nil || v == nil {
		return fmt.Sprintf("has default:%q, which is no %s", text, s.Type)
	} else {
		s.Default = v
	}
	if _, problem := s.Convert(Value{Go: s.Default}); problem != nil {
		return fmt.Sprintf("has default:%q: %s", text, problem)
	}
	return ""
}

// DefaultJSON returns the default as JSON, nil without one.
func (s *Setting) DefaultJSON() json.RawMessage {
	if s.Default == nil {
		return nil
	}
	text, err := json.Marshal(s.Default)
	if err != nil {
		return nil // it came from JSON or a tag, so it can be written
	}
	return text
}
