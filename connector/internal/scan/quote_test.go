package scan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

// TestQuotes: what a venue sends is of the usual form, and white space behind a message, which is not, changes nothing.
func TestQuotes(t *testing.T) {
	for _, c := range []struct {
		venue   string
		usual   func(localTimestampNs int64, raw []byte, m *connector.Message) bool
		decoder connector.Decoder
	}{
		{"binancefutures", scan.FuturesQuote, binance.Futures().Format.NewDecoder()},
		{"binancespot", scan.SpotQuote, binance.Spot().Format.NewDecoder()},
	} {
		n := 0
		for _, line := range scantest.Lines(t, sampletest.Path(t, c.venue, "BTCUSDT"), 5000) {
			var quick, long connector.Message
			if usual, quote := c.usual(7, line.Message, &quick), bytes.Contains(line.Message,
				[]byte("@bookTicker")); usual != quote {
				t.Fatalf("%s: usual %t: %s", c.venue, usual, line.Message)
			} else if !usual {
				continue
			}
			n++
			raw := append(bytes.Clone(line.Message), ' ')
			if c.usual(7, raw, &long) {
				t.Fatalf("white space is usual: %q", raw)
			}
			if err := c.decoder.Decode(7, raw, &long); err != nil {
				t.Fatal(err)
			}
			if difference := scantest.Difference(&quick,
				&long); difference != "" || quick.Seq != long.Seq || quick.TimeUnit != long.TimeUnit {
				t.Fatalf("%s: %s: %+v, want %+v", line.Message, difference, quick, long)
			}
		}
		if n < 1000 {
			t.Errorf("%s: %d quotes", c.venue, n)
		}
	}
}

// TestUnusualQuotes: what is wrong in a quote, or only unusual, is left to the long way.
func TestUnusualQuotes(t *testing.T) {
	const quote = `{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.50700000","a":"61800.30","A":"2.51000000","T":1723161256313,"E":1723161256314}}`
	var m connector.Message
	decoder := binance.Futures().Format.NewDecoder()
	usual := func(raw string) bool { return scan.FuturesQuote(7, []byte(raw), &m) }
	if !usual(quote) || !usual(strings.Replace(quote, `"u":5123107839020,"s":"BTCUSDT"`, `"s":"BTCUSDT","u":5`, 1)) {
		t.Fatal("refused")
	}
	for _, field := range []string{`"ps":"BTCUSDT"`, `"st":1`, `"st":0`} {
		for _, raw := range []string{strings.Replace(quote, `,"T"`, ","+field+`,"T"`, 1),
			strings.Replace(quote, `}}`, ","+field+`}}`, 1),
			strings.Replace(quote, `"e":`, field+`,"e":`, 1)} {
			var long connector.Message
			if err := decoder.Decode(7, []byte(raw+" "), &long); err != nil || !usual(raw) || scantest.Difference(&m,
				&long) != "" {
				t.Errorf("%s: %v, %+v, want %+v", raw, err, m, long)
			}
		}
	}
	for _, change := range [][2]string{
		{`"e":"bookTicker"`, `"e":"trade"`}, {`"e":"bookTicker",`, ``}, {`,"T":1723161256313`,
			``}, {`"T":1723161256313`, `"T":0`},
		{`5123107839020`, `-5`}, {`5123107839020`, `05`}, {`5123107839020`, `5.5`}, {`5123107839020`,
			`5e1`}, {`5123107839020`, `"5"`},
		{`5123107839020`, `51231078390205123107839020`}, {`,"u":5123107839020`, ``}, {`"BTCUSDT"`,
			`"BTC\u0055SDT"`}, {`"BTCUSDT"`, `7`},
		{`,"s":"BTCUSDT"`, ``}, {`"b":"61800.20"`, `"b":61800.20`}, {`"61800.20"`, `"-61800.20"`}, {`"61800.20"`,
			`".20"`},
		{`"61800.20"`, `"6180000000.20"`}, {`"61800.20"`, `[["61800.20","1"]]`}, {`"B":`, `"Q":`}, {`"a"`,
			`"ps":05,"a"`}, {`"a"`, `"ps":-1,"a"`}, {`"a"`, `"ps":[1],"a"`}, {`"a"`, `"psx":1,"a"`},
		{`"a"`, `"p\\":1,"a"`}, {`"a"`, `"ps":"\\","a"`}, {`"a":`, `"a" :`},
		{`}}`, `}`}, {`}}`, `}]`}, {`}}`, `},"x":1}`}, {`}}`, `,}}`}, {`314}}`,
			`314}}}`}, {`{"stream":"btcusdt@bookTicker","data":`, ``}, {`"data"`, `"dat"`},
	} {
		if raw := strings.Replace(quote, change[0], change[1], 1); raw == quote || usual(raw) {
			t.Errorf("taken: %s", raw)
		}
	}
	for n := range len(quote) {
		if usual(quote[:n]) {
			t.Errorf("taken: %s", quote[:n])
		}
	}
}
