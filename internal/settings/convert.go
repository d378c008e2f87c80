package settings

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem describes a mistake in one setting.
type Problem struct {
	// Name is the setting's. Element is the place in a list, "[2]", empty for the setting itself.
	Name, Element string
	// What describes what is wrong, in words that follow the name. Hint says what to do, and may be empty.
	What, Hint string
	// Missing: it has to be given and is not.
	Missing bool
}

// String returns name and what is wrong.
func (p *Problem) String() string { return p.Name + p.Element + " " + p.What }

// speedMax is the speed that is kept as 0.
const speedMax = "max"

// Convert returns v as the Go type of the setting: string, int64, uint64, float64, bool, time.Duration, time.Time,
// map[string][]string, map[string]float64, []string, []int64 or []float64. The Problem is nil when it is right.
func (s *Setting) Convert(v Value) (any, *Problem) {
	switch s.Type {
	case Strings:
		return convertList[string](s, String, v)
	case Ints:
		return convertList[int64](s, Int, v)
	case Floats:
		return convertList[float64](s, Float, v)
	case String, Int, Uint, Float, Bool, Duration, Speed, Paths, Files, Time, Money:
		return s.scalar(v)
	}
	return nil, s.unknown()
}

// ConvertParam is Convert of a plugin's parameter, as the plugin has described it.
func (s *Setting) ConvertParam(v Value) (any, *Problem) {
	if !s.Type.ofParam() {
		return nil, s.unknown()
	}
	return s.Convert(v)
}

func (s *Setting) unknown() *Problem {
	return s.problem(fmt.Sprintf("has the type %q, which this runner does not know", s.Type),
		"build it and the plugin from the same version")
}

func (s *Setting) problem(what, hint string) *Problem {
	return &Problem{Name: s.Name, What: what, Hint: hint}
}

func convertList[T any](s *Setting, element Type, v Value) (any, *Problem) {
	given, ok := v.Go.([]any)
	if !ok {
		return nil, s.problem(fmt.Sprintf("is %s, which is not a %s", v, s.Type), "write [..., ...]")
	}
	list := make([]T, len(given))
	for i := range given {
		one := *s
		one.Type = element
		converted, problem := one.scalar(Value{Go: given[i], Text: v.Text, Secret: v.Secret})
		if problem != nil {
			problem.Element = "[" + strconv.Itoa(i) + "]"
			return nil, problem
		}
		list[i], _ = converted.(T)
	}
	return list, nil
}

func (s *Setting) scalar(v Value) (any, *Problem) {
	if text, ok := v.Go.(string); ok && v.Text {
		v.Go = s.Type.FromText(text)
	}
	converted, ok := s.Type.convert(v.Go)
	if beyond := s.Type.beyond(v.Go); !ok && beyond != "" {
		return nil, s.problem(fmt.Sprintf("is %s, which is %s", v, beyond), "write "+s.Values())
	}
	if !ok {
		return nil, s.problem(fmt.Sprintf("is %s, not %s", v, s.Type.Noun()), "write "+s.Type.Wants())
	}
	var problem *Problem
	switch c := converted.(type) {
	case string:
		problem = s.checkString(c, v)
	case int64:
		problem = s.checkBounds(float64(c), v)
	case uint64:
		problem = s.checkBounds(float64(c), v)
	case float64:
		if s.Type != Speed || v.Go != speedMax {
			problem = s.checkBounds(c, v)
		}
	case time.Duration:
		problem = s.checkBounds(c.Seconds(), v)
	case map[string]float64:
		problem = s.checkMoney(c, v)
	}
	return converted, problem
}

func (s *Setting) checkMoney(money map[string]float64, v Value) *Problem {
	for _, currency := range slices.Sorted(maps.Keys(money)) {
		if problem := s.checkBounds(money[currency], Value{Go: money[currency], Secret: v.Secret}); problem != nil {
			problem.Element = "." + currency
			return problem
		}
	}
	return nil
}

func (s *Setting) checkString(text string, v Value) *Problem {
	if len(s.Choices) > 0 && (text != "" || s.Default != "") {
		if slices.Contains(s.Choices, text) {
			return nil
		}
		return s.problem("is "+v.String(), OneOf(text, s.Choices))
	}
	if wrong := CheckFormat(s.Format, text); wrong != "" && (text != "" || s.Default != "") {
		return s.problem(v.String()+" "+wrong, "")
	}
	return nil
}

func (s *Setting) checkBounds(x float64, v Value) *Problem {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return s.problem(fmt.Sprintf("is %s, which is not finite", v), "write a finite number")
	case s.Min != nil && (x < *s.Min || x == *s.Min && s.Above), s.Max != nil && x > *s.Max:
		return s.problem(fmt.Sprintf("is %s, out of range", v), "write "+s.Values())
	}
	return nil
}

// FromText reads text that came from outside as the type that is wanted; what it cannot read stays text.
func (t Type) FromText(text string) any {
	s := strings.TrimSpace(text)
	switch t {
	case String:
		return text
	case Int, Uint, Float, Speed:
		if number, err := parseNumber(s); err == nil {
			return number
		}
	case Bool:
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	}
	return s
}

func (t Type) convert(v any) (any, bool) {
	switch t {
	case String:
		s, ok := v.(string)
		return s, ok
	case Bool:
		b, ok := v.(bool)
		return b, ok
	case Int:
		i, ok := v.(int64)
		return i, ok
	case Uint:
		if i, ok := v.(int64); ok && i >= 0 {
			return uint64(i), true
		}
		u, ok := v.(uint64)
		return u, ok
	case Float:
		return toFloat(v)
	case Speed:
		if v == speedMax {
			return 0.0, true
		}
		return toFloat(v)
	case Duration:
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		d, err := time.ParseDuration(s)
		return d, err == nil
	case Paths:
		return toPaths(v)
	case Time:
		return toTime(v)
	case Money:
		return toMoney(v)
	}
	return toFiles(v)
}

// beyond says in which way a whole number does not fit into the type, nothing when it does.
func (t Type) beyond(v any) string {
	number, _ := toFloat(v)
	x, ok := number.(float64)
	switch {
	case !ok || math.IsInf(x, 0):
	case t == Int && x >= 1<<63:
		return "too large for an int of 64 bits"
	case t == Int && x < -1<<63:
		return "too small for an int of 64 bits"
	case t == Uint && x >= 1<<64:
		return "too large for a uint of 64 bits"
	}
	return ""
}

func toFloat(v any) (any, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	}
	return nil, false
}

// toFiles takes a path or a list of paths for each symbol.
func toFiles(v any) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return nil, false
	}
	files := make(map[string][]string, len(m))
	for symbol, paths := range m {
		list, ok := toPaths(paths)
		if !ok || len(list) == 0 || CheckFormat("symbol", symbol) != "" {
			return nil, false
		}
		files[symbol] = list
	}
	return files, true
}

// toMoney takes an amount of each currency.
func toMoney(v any) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	money := make(map[string]float64, len(m))
	for currency, amount := range m {
		x, ok := toFloat(amount)
		if !ok || CheckFormat("symbol", currency) != "" {
			return nil, false
		}
		money[currency], _ = x.(float64)
	}
	return money, true
}

// toPaths takes a path or a list of paths.
func toPaths(v any) ([]string, bool) {
	elements, ok := v.([]any)
	if !ok {
		elements = []any{v}
	}
	paths := make([]string, len(elements))
	for i, e := range elements {
		path, ok := e.(string)
		if !ok || path == "" {
			return nil, false
		}
		paths[i] = path
	}
	return paths, true
}

// toTime takes a time or a date; the empty string is the zero time.
func toTime(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok || s == "" {
		return time.Time{}, ok
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		// Nanoseconds since 1970 reach to these years.
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
