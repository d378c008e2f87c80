package binancespot_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

// usualTexts are messages of each kind as the venue writes them.
var usualTexts = []string{
	`{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["61730.17000000","1.20000000"]],"a":[["61837.64000000","1.54698000"]]}}`,
	`{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}`,
	`{"stream":"btcusdt@bookTicker","data":{"u":50093264783,"s":"BTCUSDT","b":"61843.24000000","B":"4.49984000","a":"61843.25000000","A":"1.15011000"}}`,
	`{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":5,"p":"61837.63000000","q":"0.02000000","f":1,"l":2,"T":1723161255342,"m":false,"M":true}}`,
}

// TestUsual: what the venue sends is read in one pass, with white space behind it in several, with the same result.
func TestUsual(t *testing.T) {
	messages := make([][]byte, 0, 5000)
	for _, text := range usualTexts {
		messages = append(messages, []byte(text))
	}
	for _, line := range scantest.Lines(t, sampletest.Path(t, "binancespot", "BTCUSDT"), 5000) {
		messages = append(messages, line.Message)
	}
	n := 0
	for _, raw := range messages {
		for _, d := range []binancespot.Decoder{{}, {AggTrades: true}} {
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
			d, reference := binancespot.Decoder{AggTrades: agg}, scantest.Reference{Spot: true, AggTrades: agg}
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
