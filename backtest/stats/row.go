package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Number is a figure that JSON can hold: NaN is null, the infinities are the strings "Infinity" and "-Infinity".
type Number float64

// MarshalJSON returns the number as JSON.
func (n Number) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case math.IsNaN(x):
		return []byte("null"), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(x)
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "null":
		*n = Number(math.NaN())
	case `"Infinity"`:
		*n = Number(math.Inf(1))
	case `"-Infinity"`:
		*n = Number(math.Inf(-1))
	default:
		var x float64
		if err := json.Unmarshal(text, &x); err != nil {
			return fmt.Errorf("stats: a figure is a number, null, \"Infinity\" or \"-Infinity\": %w", err)
		}
		*n = Number(x)
	}
	return nil
}

// Figure is one metric of a period.
type Figure struct {
	Name  string `json:"name"`
	Value Number `json:"value"`
}

// Row holds the figures of a period in the order of the metrics.
type Row struct {
	// StartNs and EndNs are the first and last label of the period, both included; 0 without samples.
	StartNs, EndNs int64
	// Uneven says that the samples are not equally far apart, as when nothing was recorded for a while: then ratios,
	// which are annualised from the first distance, are to be taken with care.
	Uneven  bool
	Figures []Figure
}

// Value returns the figure of that name, and NaN and false if there is none.
func (r Row) Value(name string) (value float64, ok bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return float64(f.Value), true
		}
	}
	return math.NaN(), false
}

// rowJSON keeps the figures a list, because JSON objects have no order and the order of a summary is read.
type rowJSON struct {
	Start   string   `json:"start"`
	End     string   `json:"end"`
	StartNs int64    `json:"start_ns"`
	EndNs   int64    `json:"end_ns"`
	Uneven  bool     `json:"uneven,omitempty"`
	Figures []Figure `json:"figures"`
}

// MarshalJSON returns the row with its times both as text (RFC 3339, UTC) and in nanoseconds.
func (r Row) MarshalJSON() ([]byte, error) {
	text := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
	return json.Marshal(rowJSON{text(r.StartNs), text(r.EndNs), r.StartNs, r.EndNs, r.Uneven, r.Figures})
}

// UnmarshalJSON reads what MarshalJSON wrote; the times are taken from the nanoseconds.
func (r *Row) UnmarshalJSON(text []byte) error {
	var j rowJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return fmt.Errorf("stats: row: %w", err)
	}
	*r = Row{j.StartNs, j.EndNs, j.Uneven, j.Figures}
	return nil
}
