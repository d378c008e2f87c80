package control_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/control"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"BTCUSDT\tä€😀\n\u00a0\u00c2":            "BTCUSDT\tä€😀\n\u00a0\u00c2",
		"\x1b[2J":                               `\u001b[2J`,
		"a\rb\x00\x7f":                          `a\u000db\u0000\u007f`,
		"\u009b31m\u0080x\u009f":                `\u009b31m\u0080x\u009f`,
		"BTC\u202eTDSU\u2066\u200b\ufeff\u00ad": `BTC\u202eTDSU\u2066\u200b\ufeff\u00ad`,
		"a\u2028b\U000e0041c":                   `a\u2028b\udb40\udc41c`, // a tag, which nobody sees
		"cut \xc2":                              "cut \xc2",
	} {
		if got := string(control.Plain([]byte(text))); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := control.PlainLine("a\n\x1bb"); got != `a\n\u001bb` {
		t.Errorf("%q", got)
	}
	// JSON stays what it was.
	text := "evil\x1b\u009b\x7f\u202e\U000e0041\n"
	encoded, _ := json.Marshal(text)
	var out strings.Builder
	_, _ = control.PlainWriter{Writer: &out}.Write(encoded)
	var again string
	if err := json.Unmarshal([]byte(out.String()), &again); err != nil || again != text ||
		strings.ContainsAny(out.String(), "\x1b\u009b\x7f\u202e\U000e0041") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
