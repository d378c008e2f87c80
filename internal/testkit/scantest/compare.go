package scantest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hftrunner/hftrunner/connector"
)

// Compare decodes raw with decoder and with the Reference and fails the test where they differ: in whether they accept
// it, or in any value. Text whose meaning is not settled, with a name twice in one object or an exponent of four
// digits, has only to be accepted as JSON or not.
func Compare(tb testing.TB, decoder connector.Decoder, reference Reference, raw []byte) {
	tb.Helper()
	const localTimestampNs = 1723161256313245678
	var got, want connector.Message
	err := decoder.Decode(localTimestampNs, raw, &got)
	if err != nil && strings.Contains(err.Error(), "nested too deeply") {
		return
	}
	if !json.Valid(raw) {
		if err == nil {
			tb.Fatalf("accepted what is not JSON: %q", raw)
		}
		return
	}
	if unsettled(raw) {
		return
	}
	wantErr := reference.Decode(localTimestampNs, raw, &want)
	if (err == nil) != (wantErr == nil) {
		tb.Fatalf("decoder says %v, encoding/json says %v, of %q", err, wantErr, raw)
	}
	if err != nil {
		return
	}
	if difference := Difference(&got, &want); difference != "" {
		tb.Fatalf("%s, of %q", difference, raw)
	}
}

// Difference describes the first difference between two messages, bit for bit, and is empty when there is none.
func Difference(got, want *connector.Message) string {
	if utf8.Valid(got.Symbol) && !bytes.Equal(got.Symbol, want.Symbol) {
		return fmt.Sprintf("symbol %q, want %q", got.Symbol, want.Symbol)
	}
	head := func(m *connector.Message) string {
		return fmt.Sprintf("kind %d exch %d sent %d U %d u %d pu %d %t", m.Kind, m.ExchTimestampNs, m.SentNs, m.FirstID,
			m.LastID, m.PrevID, m.HasPrevID)
	}
	if head(got) != head(want) {
		return fmt.Sprintf("%s, want %s", head(got), head(want))
	}
	if len(got.Events) != len(want.Events) {
		return fmt.Sprintf("%d rows, want %d", len(got.Events), len(want.Events))
	}
	for i, g := range got.Events {
		w := want.Events[i]
		if g != w || math.Signbit(g.Px) != math.Signbit(w.Px) || math.Signbit(g.Qty) != math.Signbit(w.Qty) {
			return fmt.Sprintf("row %d is %+v, want %+v", i, g, w)
		}
	}
	return ""
}

// unsettled reports whether in raw, which is valid, an object has a name twice or a number has a huge exponent.
func unsettled(raw []byte) bool {
	lower := bytes.ToLower(raw)
	for i := bytes.IndexByte(lower, 'e'); i >= 0; {
		digits := bytes.TrimLeft(lower[i+1:], "+-")
		if len(digits) > 3 && len(bytes.TrimLeft(digits[:4], "0123456789")) == 0 {
			return true
		}
		next := bytes.IndexByte(lower[i+1:], 'e')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	return repeatedName(d)
}

// repeatedName walks one value, which is valid.
func repeatedName(d *json.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('['):
		for d.More() {
			if repeatedName(d) {
				return true
			}
		}
		_, _ = d.Token()
	case json.Delim('{'):
		seen := make(map[string]bool)
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return false
			}
			text := fmt.Sprint(name)
			if seen[text] {
				return true
			}
			seen[text] = true
			if repeatedName(d) {
				return true
			}
		}
		_, _ = d.Token()
	}
	return false
}
