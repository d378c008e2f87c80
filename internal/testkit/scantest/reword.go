package scantest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Reword writes a message that means the same in other words: names in another order and with more of them, white
// space, escapes, numbers with or without quotes and with exponents. A message that is not JSON is an error.
func Reword(rng *rand.Rand, message []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("reword: %w", err)
	}
	w := rewriter{rng: rng}
	w.value("", value)
	return w.out, nil
}

type rewriter struct {
	rng *rand.Rand
	out []byte
}

func (w *rewriter) space() {
	for w.rng.IntN(4) == 0 {
		w.out = append(w.out, " \t\r\n"[w.rng.IntN(4)])
	}
}

func (w *rewriter) value(name string, value any) {
	w.space()
	switch v := value.(type) {
	case map[string]any:
		w.object(v)
	case []any:
		w.array(v)
	case string:
		if name == "s" || name == "e" || name == "X" || name == "stream" || !numberForm.MatchString(v) {
			w.text(v)
		} else {
			w.number(v)
		}
	case json.Number:
		w.number(v.String())
	case bool:
		w.out = fmt.Append(w.out, v)
	case nil:
		w.out = append(w.out, "null"...)
	}
	w.space()
}

func (w *rewriter) object(members map[string]any) {
	names := make([]string, 0, len(members)+2)
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, extra := range []string{"ps", "st", "a long new field"} {
		if _, used := members[extra]; !used && w.rng.IntN(3) == 0 {
			names = append(names, extra)
		}
	}
	w.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	w.out = append(w.out, '{')
	for i, name := range names {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.space()
		w.text(name)
		w.space()
		w.out = append(w.out, ':')
		if value, ok := members[name]; ok {
			w.value(name, value)
		} else {
			w.out = append(w.out, `[{"b":[["1","2"]],"e":"trade"},"\"}]",-1.5E+3,null]`...)
		}
	}
	w.out = append(w.out, '}')
}

func (w *rewriter) array(values []any) {
	w.out = append(w.out, '[')
	for i, value := range values {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value("", value)
	}
	if len(values) == 2 && w.rng.IntN(10) == 0 {
		if _, row := values[0].(string); row {
			w.out = append(w.out, `,[]`...)
		}
	}
	w.out = append(w.out, ']')
}

func (w *rewriter) text(text string) {
	w.out = append(w.out, '"')
	for _, r := range text {
		switch {
		case w.rng.IntN(8) == 0 && r < 1<<16:
			w.out = fmt.Appendf(w.out, `\u%04x`, r)
		case r == '"' || r == '\\':
			w.out = append(w.out, '\\', byte(r))
		default:
			w.out = append(w.out, string(r)...)
		}
	}
	w.out = append(w.out, '"')
}

// number writes the same number, often in another form.
func (w *rewriter) number(text string) {
	if !strings.ContainsAny(text, "eE") {
		switch w.rng.IntN(4) {
		case 0:
			if whole, decimals, ok := strings.Cut(text, "."); ok {
				digits := strings.TrimLeft(whole+decimals, "0")
				if digits == "" {
					digits = "0"
				}
				text = fmt.Sprintf("%se-%d", digits, len(decimals))
			} else if trimmed := strings.TrimRight(text, "0"); trimmed != "" && trimmed != text {
				text = fmt.Sprintf("%sE+%d", trimmed, len(text)-len(trimmed))
			}
		case 1:
			if strings.Contains(text, ".") {
				text += "000"
			}
		}
	}
	if w.rng.IntN(2) == 0 {
		w.out = append(w.out, text...)
		return
	}
	w.text(text)
}
