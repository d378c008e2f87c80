package scantest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

func Example() {
	raw := []byte(`{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","p":"61800.30","q":"0.006","X":"MARKET","m":false}`)
	var m connector.Message
	if err := (scantest.Reference{}).Decode(1, raw, &m); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s %v x %v\n", m.Symbol, m.Events[0].Px, m.Events[0].Qty)
	// Output: BTCUSDT 61800.3 x 0.006
}

// TestRewordKeepsTheMeaning shows that the rewriter changes the text and not the message.
func TestRewordKeepsTheMeaning(t *testing.T) {
	raw := []byte(`{"data":{"e":"depthUpdate","T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,` +
		`"pu":5123107831937,"b":[["58710.20","0.014"],["0.00000000","10"]],"a":[]}}`)
	rng := rand.New(rand.NewPCG(1, 2))
	var want, got connector.Message
	if err := (scantest.Reference{}).Decode(1, raw, &want); err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]bool)
	for range 200 {
		text, err := scantest.Reword(rng, raw)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", text, err)
		}
		texts[string(text)] = true
		if err := (scantest.Reference{}).Decode(1, text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if difference := scantest.Difference(&got, &want); difference != "" {
			t.Fatalf("%s, of %s", difference, text)
		}
	}
	if len(texts) < 190 {
		t.Errorf("only %d of 200 texts differ", len(texts))
	}
}
