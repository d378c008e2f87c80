package config

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxIdentifierBytes bounds names: they become file names and parts of client order ids.
const maxIdentifierBytes = 64

var identifierPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// identifier checks the name of a strategy, connector or plugin.
func identifier(s string) string {
	if !identifierPattern.MatchString(s) || len(s) > maxIdentifierBytes {
		return "is no name: use letters, digits, dot, dash and underscore, at most 64"
	}
	return ""
}

// symbol checks a venue's name of an instrument.
func symbol(s string) string {
	if s == "" || len(s) > maxIdentifierBytes || strings.ContainsFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsPrint(c)
	}) {
		return "is no symbol: it has no spaces and at most 64 bytes"
	}
	return ""
}

func notEmpty(s string) string {
	if strings.TrimSpace(s) == "" {
		return "is empty"
	}
	return ""
}

func checksum(s string) string {
	if raw, err := hex.DecodeString(s); s != "" && (err != nil || len(raw) != 32) {
		return "is no SHA-256: 64 hex digits, as sha256sum prints them"
	}
	return ""
}

// noun returns how a message names the type of an argument.
func (k argumentKind) noun() string {
	switch k {
	case kindDuration:
		return "a duration"
	case kindFiles:
		return "an object of symbol to path"
	case kindPaths:
		return "a path or a list of paths"
	case kindTime:
		return "a time or date"
	}
	return k.wants()
}

// wants returns what is to be written, with an example where that helps.
func (k argumentKind) wants() string {
	switch k {
	case kindInt:
		return "a whole number"
	case kindUint:
		return "a whole number of at least 0"
	case kindFloat:
		return "a number"
	case kindBool:
		return "true or false"
	case kindDuration:
		return `a duration such as "250ms" or "1m30s"`
	case kindSpeed:
		return `a number or "max"`
	case kindFiles:
		return `an object of symbol to path, such as { BTCUSDT = "day1.gz" } or { BTCUSDT = ["day1.gz", "day2.gz"] }`
	case kindPaths:
		return `a path or a list of paths, such as "day1.npz" or ["day1.npz", "day2.npz"]`
	case kindTime:
		return `a time such as "2024-08-08T12:00:00Z" or a date such as "2024-08-08"`
	}
	return "a string"
}

// convert returns v as the Go type of the argument's kind: string, int64, uint64, float64, bool, time.Duration,
// map[string][]string, []string, time.Time. problem says what is wrong with it and hint what to do.
func (a *argument) convert(v value) (converted any, problem, hint string) {
	if s, ok := v.goValue.(string); ok && v.text && a.kind != kindString {
		v.goValue = fromText(a.kind, strings.TrimSpace(s))
	}
	converted, ok := a.kind.convert(v.goValue)
	if !ok {
		return nil, fmt.Sprintf("%s is %s, not %s", a.name, v.show(), a.kind.noun()), "write " + a.kind.wants()
	}
	switch c := converted.(type) {
	case string:
		problem, hint = a.checkString(c, v)
	case int64:
		problem, hint = a.checkBounds(float64(c), v)
	case uint64:
		problem, hint = a.checkBounds(float64(c), v)
	case float64:
		if a.kind != kindSpeed || v.goValue != speedMax {
			problem, hint = a.checkBounds(c, v)
		}
	case time.Duration:
		problem, hint = a.checkBounds(c.Seconds(), v)
	}
	return converted, problem, hint
}

func (a *argument) checkString(s string, v value) (problem, hint string) {
	if len(a.choices) > 0 && (s != "" || a.def != "") {
		for _, c := range a.choices {
			if c == s {
				return "", ""
			}
		}
		return fmt.Sprintf("%s is %s", a.name, v.show()), oneOf(s, a.choices)
	}
	if a.pattern != nil {
		if text := a.pattern(s); text != "" {
			return fmt.Sprintf("%s %s %s", a.name, v.show(), text), ""
		}
	}
	return "", ""
}

// oneOf names the choices, the nearest first.
func oneOf(s string, choices []string) string {
	if n := nearest(s, choices); n != "" {
		return fmt.Sprintf("did you mean %q? (one of %s)", n, strings.Join(choices, ", "))
	}
	return "one of " + strings.Join(choices, ", ")
}

func (a *argument) checkBounds(x float64, v value) (problem, hint string) {
	b := a.bounds
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return fmt.Sprintf("%s is %s, which is not finite", a.name, v.show()), "write a finite number"
	case !b.set || x > b.min && x <= b.max || x == b.min && !b.above:
		return "", ""
	}
	return fmt.Sprintf("%s is %s, out of range", a.name, v.show()), "write " + a.kind.within(b)
}

// within says what is to be written in a range.
func (k argumentKind) within(b bounds) string {
	if k == kindSpeed {
		return "a number " + b.text(k) + ", or \"max\""
	}
	return k.noun() + " " + b.text(k)
}

// text says the allowed range.
func (b bounds) text(k argumentKind) string {
	format := func(x float64) string {
		if k == kindDuration {
			return strconv.Quote(time.Duration(x * float64(time.Second)).String())
		}
		if x != 0 && math.Abs(x) < 1e-6 {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	switch {
	case !b.set:
		return ""
	case b.above:
		return "above " + format(b.min)
	case math.IsInf(b.max, 1):
		return "of at least " + format(b.min)
	case math.IsInf(b.min, -1):
		return "of at most " + format(b.max)
	}
	return "from " + format(b.min) + " to " + format(b.max)
}

const speedMax = "max"

// fromText reads text that came from outside of the file as the type that is wanted; what it cannot read stays text.
func fromText(k argumentKind, s string) any {
	switch k {
	case kindInt, kindUint, kindFloat, kindSpeed:
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return u
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case kindBool:
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	}
	return s
}

func (k argumentKind) convert(v any) (any, bool) {
	switch k {
	case kindString:
		s, ok := v.(string)
		return s, ok
	case kindBool:
		b, ok := v.(bool)
		return b, ok
	case kindInt:
		i, ok := v.(int64)
		return i, ok
	case kindUint:
		if i, ok := v.(int64); ok && i >= 0 {
			return uint64(i), true
		}
		u, ok := v.(uint64)
		return u, ok
	case kindFloat:
		return toFloat(v)
	case kindSpeed:
		if v == speedMax {
			return 0.0, true
		}
		return toFloat(v)
	case kindDuration:
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		d, err := time.ParseDuration(s)
		return d, err == nil
	case kindPaths:
		return toPaths(v)
	case kindTime:
		return toTime(v)
	}
	return toFiles(v)
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
	for sym, paths := range m {
		if symbol(sym) != "" {
			return nil, false
		}
		list, ok := toPaths(paths)
		if !ok || len(list) == 0 {
			return nil, false
		}
		files[sym] = list
	}
	return files, true
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
