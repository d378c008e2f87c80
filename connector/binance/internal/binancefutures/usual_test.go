package binancefutures_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

// usualTexts are messages of each kind as the venue writes them.
var usualTexts = []string{
	`{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[["58710.20","0.014"],["61496.50","0.010"]],"a":[["61800.30","0.000"]]}}`,
	`{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}}`,
	`{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161256322,"s":"BTCUSDT","a":5,"p":"61800.30","q":"1.5","nq":"1.5","f":1,"l":2,"T":1723161256321,"m":true}}`,
}

// TestUsual: what the venue sends is read in one pass, with white space behind it in several, with the same result.
func TestUsual(t *testing.T) {
	messages := make([][]byte, 0, 5000)
	for _, text := range usualTexts {
		messages = append(messages, []byte(text))
	}
	for _, line := range scantest.Lines(t, sampletest.Path(t, "binancefutures", "BTCUSDT"), 5000) {
		messages = append(messages, line.Message)
	}
	n := 0
	for _, raw := range messages {
		for _, d := range []binancefutures.Decoder{{}, {AggTrades: true}} {
			var quick, long connector.Message
			usual := d.Usual(7, raw, &quick)
			if err := d.Decode(7, append(bytes.Clone(raw), ' '), &long); err != nil {
				t.Fatal(err)
			}
			if want := long.Kind == connector.MessageDepth || long.Kind == connector.MessageTrade; usual != want {
				t.Fatalf("usual %t: %s", usual, raw)
			} else if !usual {
				continue
			}
			n++
			if difference := scantest.Difference(&quick, &long); difference != "" || quick.Seq != long.Seq ||
				quick.TimeUnit != long.TimeUnit {
				t.Fatalf("%s: %s: %+v, want %+v", raw, difference, quick, long)
			}
		}
	}
	if n < 1000 {
		t.Errorf("%d messages", n)
	}
}

// TestUnusual: what is changed anywhere behind the name of the stream has the same result as with the reference, and
// what is cut off is none.
func TestUnusual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	put := []string{"", "0", "00", "-", ".", "e1", " ", "null", "true", "[]", "\"", "\\\\u0030", ",", "}",
		"9999999999999999999", "x"}
	for _, text := range usualTexts {
		from := strings.Index(text, `,"data"`)
		for _, agg := range []bool{false, true} {
			d, reference := binancefutures.Decoder{AggTrades: agg}, scantest.Reference{AggTrades: agg}
			for n := range len(text) {
				if d.Usual(7, []byte(text[:n]), &connector.Message{}) {
					t.Fatalf("taken: %s", text[:n])
				}
			}
			for range 5000 {
				i := from + rng.IntN(len(text)-from)
				end := min(len(text), i+rng.IntN(4))
				scantest.Compare(t, &d, reference, []byte(text[:i]+put[rng.IntN(len(put))]+text[end:]))
			}
		}
	}
}
