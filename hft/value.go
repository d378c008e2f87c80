package hft

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ValueKind is the type of a Value.
type ValueKind uint8

// Types of a Value.
const (
	ValueEmpty ValueKind = iota
	ValueString
	ValueInt
	ValueFloat
	ValueBool
	ValueList
	ValueMap
)

// Value is a small dynamically typed value, as errors carry it (Value). The zero value is empty. It is immutable:
// what the getters return is not to be changed.
type Value struct {
	kind ValueKind
	b    bool
	i    int64
	f    float64
	s    string
	list []Value
	m    map[string]Value
}

// StringValue returns a Value of a string.
func StringValue(s string) Value { return Value{kind: ValueString, s: s} }

// IntValue returns a Value of an integer.
func IntValue(i int64) Value { return Value{kind: ValueInt, i: i} }

// FloatValue returns a Value of a float.
func FloatValue(f float64) Value { return Value{kind: ValueFloat, f: f} }

// BoolValue returns a Value of a bool.
func BoolValue(b bool) Value { return Value{kind: ValueBool, b: b} }

// ListValue returns a Value of a list, which it keeps.
func ListValue(list ...Value) Value { return Value{kind: ValueList, list: list} }

// MapValue returns a Value of a map, which it keeps.
func MapValue(m map[string]Value) Value { return Value{kind: ValueMap, m: m} }

// Kind returns the type of the value.
func (v Value) Kind() ValueKind { return v.kind }

// IsEmpty reports whether there is no value.
func (v Value) IsEmpty() bool { return v.kind == ValueEmpty }

// Str returns the string; ok is false for another type.
func (v Value) Str() (s string, ok bool) { return v.s, v.kind == ValueString }

// Int returns the integer; ok is false for another type.
func (v Value) Int() (i int64, ok bool) { return v.i, v.kind == ValueInt }

// Float returns the float; ok is false for another type.
func (v Value) Float() (f float64, ok bool) { return v.f, v.kind == ValueFloat }

// Bool returns the bool; ok is false for another type.
func (v Value) Bool() (b, ok bool) { return v.b, v.kind == ValueBool }

// List returns the list; ok is false for another type.
func (v Value) List() (list []Value, ok bool) { return v.list, v.kind == ValueList }

// Map returns the map; ok is false for another type.
func (v Value) Map() (m map[string]Value, ok bool) { return v.m, v.kind == ValueMap }

// Get returns the entry of a map; empty when v is no map or has no such key.
func (v Value) Get(key string) Value { return v.m[key] }

// String returns the value as text: a string as it is, lists and maps in brackets with sorted keys, nothing if empty.
func (v Value) String() string {
	switch v.kind {
	case ValueString:
		return v.s
	case ValueInt:
		return strconv.FormatInt(v.i, 10)
	case ValueFloat:
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case ValueBool:
		return strconv.FormatBool(v.b)
	case ValueList:
		parts := make([]string, len(v.list))
		for i, e := range v.list {
			parts[i] = e.String()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case ValueMap:
		parts := make([]string, 0, len(v.m))
		for _, k := range slices.Sorted(maps.Keys(v.m)) {
			parts = append(parts, fmt.Sprintf("%s: %s", k, v.m[k].String()))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return ""
}
