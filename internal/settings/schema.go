package settings

import (
	"math"
	"strconv"
	"time"
)

// Type is the type of a setting. The first eight are those of plugin parameters: their names are part of the control
// plane.
type Type string

// Types.
const (
	String   Type = "string"
	Int      Type = "int"
	Float    Type = "float"
	Bool     Type = "bool"
	Duration Type = "duration" // a string such as "5ms"
	Strings  Type = "list of string"
	Ints     Type = "list of int"
	Floats   Type = "list of float"

	Uint  Type = "uint"
	Speed Type = "speed" // a positive number or "max", which is kept as 0
	Paths Type = "paths" // a path or a list of paths
	Files Type = "files" // an object of symbol to Paths
	Time  Type = "time"  // a time as RFC 3339 has it, or a date
	Money Type = "money" // an object of currency to Float
)

// ofParam reports whether a parameter of a plugin can be of the type.
func (t Type) ofParam() bool {
	switch t {
	case String, Int, Float, Bool, Duration, Strings, Ints, Floats:
		return true
	}
	return false
}

// Setting is one setting.
type Setting struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	Doc  string `json:"doc,omitempty"`
	// Default is the value when it is left out, as a Value has it; nil without one.
	Default any `json:"default,omitempty"`
	// Min and Max bound a number, or a duration in seconds; with Above Min itself is not allowed.
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
	Above bool     `json:"above,omitempty"`
	// Otherwise says whose value is taken when it is left out and there is no default: "the connector's".
	Otherwise string `json:"otherwise,omitempty"`
	// Choices are the only strings allowed, when there are any. Format is what a string has to be.
	Choices []string `json:"choices,omitempty"`
	Format  string   `json:"format,omitempty"`

	index []int // of the field
}

// Required reports whether the setting has to be given.
func (s *Setting) Required() bool { return s.Default == nil && s.Otherwise == "" }

// Label is one label of a block.
type Label struct {
	Name    string
	Choices []string
	Format  string

	index []int
}

// Block is a block of settings.
type Block struct {
	Name, Doc string
	Labels    []Label
	Settings  []Setting
	Blocks    []*Block
	// Single: at most one of it in its parent. Implied: with its defaults when it is left out.
	Single, Implied bool
	// Free: the settings are not known here. Later: the caller decodes it.
	Free, Later bool
	// Kinds are what the block may be, chosen by its first label; a block that has them has no settings of its own.
	Kinds []*Block

	index []int // in the parent's struct
}

// OfKind returns the block that the first label chooses.
func (b *Block) OfKind(kind string) *Block {
	for _, k := range b.Kinds {
		if k.Labels[0].Choices[0] == kind {
			return k
		}
	}
	return b
}

// Setting returns the setting of a name, or nil.
func (b *Block) Setting(name string) *Setting {
	for i := range b.Settings {
		if b.Settings[i].Name == name {
			return &b.Settings[i]
		}
	}
	return nil
}

// Block returns the block within of a name, or nil.
func (b *Block) Block(name string) *Block {
	for _, c := range b.Blocks {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// SettingNames returns the names of the settings.
func (b *Block) SettingNames() []string {
	names := make([]string, len(b.Settings))
	for i := range b.Settings {
		names[i] = b.Settings[i].Name
	}
	return names
}

// BlockNames returns the names of the blocks within.
func (b *Block) BlockNames() []string {
	names := make([]string, len(b.Blocks))
	for i := range b.Blocks {
		names[i] = b.Blocks[i].Name
	}
	return names
}

// Noun returns how a message names the type.
func (t Type) Noun() string {
	switch t {
	case Duration:
		return "a duration"
	case Files:
		return "an object of symbol to path"
	case Paths:
		return "a path or a list of paths"
	case Time:
		return "a time or date"
	case Money:
		return "an object of currency to amount"
	}
	return t.Wants()
}

// Wants returns what is to be written, with an example where that helps.
func (t Type) Wants() string {
	switch t {
	case Int:
		return "a whole number"
	case Uint:
		return "a whole number of at least 0"
	case Float:
		return "a number"
	case Bool:
		return "true or false"
	case Duration:
		return `a duration such as "250ms" or "1m30s"`
	case Speed:
		return `a number or "max"`
	case Files:
		return `an object of symbol to path, such as { BTCUSDT = "day1.gz" } or { BTCUSDT = ["day1.gz", "day2.gz"] }`
	case Paths:
		return `a path or a list of paths, such as "day1.npz" or ["day1.npz", "day2.npz"]`
	case Time:
		return `a time such as "2024-08-08T12:00:00Z" or a date such as "2024-08-08"`
	case Money:
		return `an object of currency to amount, such as { USDT = 500 }`
	case Strings, Ints, Floats:
		return "a " + string(t)
	}
	return "a string"
}

// Element returns the type of a list's elements; ok is false when it is no list.
func (t Type) Element() (element Type, ok bool) {
	switch t {
	case Strings:
		return String, true
	case Ints:
		return Int, true
	case Floats:
		return Float, true
	}
	return t, false
}

// Values says which values the setting takes, apart from its choices: "a whole number from 1 to 1000".
func (s *Setting) Values() string {
	if s.Min == nil && s.Max == nil {
		return s.Type.Noun()
	}
	switch s.Type {
	case Speed:
		return "a number " + s.bounds() + `, or "max"`
	case Uint:
		return Int.Noun() + " " + s.bounds()
	}
	return s.Type.Noun() + " " + s.bounds()
}

func (s *Setting) bounds() string {
	switch {
	case s.Min == nil:
		return "of at most " + s.bound(*s.Max)
	case s.Above && s.Max != nil:
		return "above " + s.bound(*s.Min) + " and of at most " + s.bound(*s.Max)
	case s.Above:
		return "above " + s.bound(*s.Min)
	case s.Max == nil:
		return "of at least " + s.bound(*s.Min)
	}
	return "from " + s.bound(*s.Min) + " to " + s.bound(*s.Max)
}

func (s *Setting) bound(x float64) string {
	if s.Type == Duration {
		return strconv.Quote(seconds(x).String())
	}
	if x != 0 && math.Abs(x) < 1e-6 {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func seconds(x float64) time.Duration { return time.Duration(math.Round(x * float64(time.Second))) }
