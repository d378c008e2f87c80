package binancefutures_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

func ExampleDecoder() {
	var d binancefutures.Decoder
	var m connector.Message
	raw := []byte(`{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT",` +
		`"t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":true}}`)
	if err := d.Decode(1723161255051000000, raw, &m); err != nil {
		fmt.Println(err)
	}
	e := m.Events[0]
	fmt.Printf("%s: an aggressor on side %v, %v at %v, %d ns\n", m.Symbol, e.Side(), e.Qty, e.Px, e.ExchTimestampNs)
	// Output: BTCUSDT: an aggressor on side Sell, 0.006 at 61800.3, 1723161256321000000 ns
}

const depthText = `{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,` +
	`"pu":5123107831937,"b":[["58710.20","0.014"],["61496.50","0"]],"a":[["61800.30","12.5"]]}`

func TestDepthUpdate(t *testing.T) {
	var d binancefutures.Decoder
	var m connector.Message
	for _, raw := range []string{depthText, `{"stream":"btcusdt@depth@0ms","data":` + depthText + `}`,
		` {"data": ` + depthText + ` , "stream":"x"}` + "\n"} {
		if err := d.Decode(7, []byte(raw), &m); err != nil {
			t.Fatal(err)
		}
		row := func(ev uint64, px, qty float64) hft.Event {
			return hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | ev, ExchTimestampNs: 1723161256298000000,
				LocalTimestampNs: 7, Px: px, Qty: qty}
		}
		want := connector.Message{Kind: connector.MessageDepth, Symbol: []byte("BTCUSDT"),
			ExchTimestampNs: 1723161256298000000, FirstID: 5123107832006, LastID: 5123107837557, PrevID: 5123107831937,
			HasPrevID: true, Events: []hft.Event{row(hft.BuyEvent, 58710.2, 0.014), row(hft.BuyEvent, 61496.5, 0),
				row(hft.SellEvent, 61800.3, 12.5)}}
		if difference := scantest.Difference(&m, &want); difference != "" {
			t.Errorf("%s, of %s", difference, raw)
		}
	}
}

func TestKinds(t *testing.T) {
	const trade = `{"e":"trade","T":1723161256322,"s":"BTCUSDT","p":"61800.30","q":"0.006","X":"MARKET","m":false}`
	const agg = `{"e":"aggTrade","E":1723161256322,"s":"BTCUSDT","a":5,"p":"61800.30","q":"1","nq":"1","f":1,"l":2,"T":1723161256322,"m":false}`
	const update = `{"e":"depthUpdate","E":1723161256298,"T":1723161256298,"s":"BTCUSDT","U":5,"u":6,"pu":4,"b":[["1","2"]],"a":[]}`
	for _, c := range []struct {
		raw       string
		aggTrades bool
		kind      connector.MessageKind
		rows      int
	}{
		{raw: trade, kind: connector.MessageTrade, rows: 1},
		{raw: trade, aggTrades: true},
		{raw: agg},
		{raw: agg, aggTrades: true, kind: connector.MessageTrade, rows: 1},
		{raw: strings.Replace(trade, "MARKET", "INSURANCE_FUND", 1), kind: connector.MessageTrade, rows: 1},
		{raw: strings.Replace(trade, `"X":"MARKET",`, "", 1)},
		{raw: `{"e":"bookTicker","u":9,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4","T":1723161256313}`,
			kind: connector.MessageBBO, rows: 2},
		{raw: `{"lastUpdateId":5,"E":1,"T":2,"bids":[["1","2"]],"asks":[["3","4"],["5","6"]]}`,
			kind: connector.MessageSnapshot, rows: 3},
		{raw: `{"stream":"btcusdt@depth5","data":{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}}`},
		{raw: `{"stream":"btcusdt@depth5@100ms","data":` + update + `}`},
		{raw: `{"stream":"btcusdt@depth20","data":` + update + `}`},
		{raw: `{"stream":"btcusdt@depth@100ms","data":` + update + `}`, kind: connector.MessageDepth, rows: 1},
		{raw: `{"data":` + update + `,"stream":"btcusdt@depth"}`, kind: connector.MessageDepth, rows: 1},
		{raw: update, kind: connector.MessageDepth, rows: 1},
		{raw: `{"result":null,"id":1}`}, {raw: `{"error":{"code":2,"msg":"Invalid request"},"id":null}`},
		{raw: `{"code":-1121,"msg":"Invalid symbol."}`},
		{raw: `{"e":"markPriceUpdate","b":5,"a":{},"u":"x"}`}, {raw: `{"e":7,"u":1}`}, {raw: `[{"e":"trade"}]`},
		{raw: `null`}, {raw: `{}`},
		{raw: strings.Replace(agg, `"nq":"1"`, `"nq":"0.4"`, 1), aggTrades: true, kind: connector.MessageTrade,
			rows: 2},
		{raw: strings.Replace(trade, `"p":"61800.30","q":"0.006","X":"MARKET"`, `"p":"0","q":"0","X":"NA"`, 1)},
	} {
		d := binancefutures.Decoder{AggTrades: c.aggTrades}
		var m connector.Message
		if err := d.Decode(1, []byte(c.raw), &m); err != nil || m.Kind != c.kind || len(m.Events) != c.rows {
			t.Errorf("%s: kind %d, %d rows, %v", c.raw, m.Kind, len(m.Events), err)
		}
	}
}

// TestOffBookTrades: what was no trade of the market is a row of its own kind.
func TestOffBookTrades(t *testing.T) {
	const form = `{"e":"aggTrade","E":1723161256322,"s":"BTCUSDT","a":5,"p":"61800.30","q":"%s",%s"f":1,"l":2,"T":1723161256322,"m":true}`
	for _, c := range []struct{ raw, want string }{
		{fmt.Sprintf(form, "1.234", `"nq":"1.2",`), "[2 1.2] [120 0.034]"},
		{fmt.Sprintf(form, "1.234", `"nq":1.234,`), "[2 1.234]"},
		{fmt.Sprintf(form, "1.234", `"nq":"0",`), "[120 1.234]"},
		{fmt.Sprintf(form, "1.234", ``), "[2 1.234]"},
		{fmt.Sprintf(form, "1.234", `"nq":"1.3",`), "binancefutures: nq is more than q"},
		{fmt.Sprintf(form, "1.234", `"nq":null,`),
			"binancefutures: byte 86: nq is not a decimal number of zero or more"},
		{`{"e":"trade","T":1723161256322,"s":"BTCUSDT","p":"61800.30","q":"0.006","X":"INSURANCE_FUND","m":true}`,
			"[120 0.006]"},
	} {
		d := binancefutures.Decoder{AggTrades: strings.Contains(c.raw, "agg")}
		var m connector.Message
		var rows []string
		err := d.Decode(7, []byte(c.raw), &m)
		for _, e := range m.Events {
			rows = append(rows, fmt.Sprint([]any{e.Kind(), e.Qty}))
			if e.Side() != hft.Sell || e.Px != 61800.3 || e.ExchTimestampNs != 1723161256322000000 ||
				e.LocalTimestampNs != 7 {
				t.Errorf("%s: row %+v", c.raw, e)
			}
		}
		got := strings.Join(rows, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.raw, got, c.want)
		}
		if raw := []byte(c.raw); err == nil && testing.AllocsPerRun(100, func() { err = d.Decode(7, raw, &m) }) != 0 {
			t.Errorf("%s: allocates", c.raw)
		}
	}
}

func TestWrongMessages(t *testing.T) {
	for from, to := range map[string]string{
		`"u":5123107837557`: `"u":5123107837557.5`, `"U":5123107832006,`: ``, `"s":"BTCUSDT",`: ``,
		`"s":"BTCUSDT"`:      `"s":5`,
		`"pu":5123107831937`: `"pu":null`, `"T":1723161256298`: `"T":"soon"`, `"12.5"`: `"-12.5"`, `"0.014"`: `""`,
		`["61496.50","0"]`:          `["61496.50"]`,
		`"a":[["61800.30","12.5"]]`: `"a":{}`, `,"a":[["61800.30","12.5"]]`: ``, `"58710.20"`: `"58710,20"`,
		`"61800.30"`:                           `"1e400"`,
		`"E":1723161256299,"T":1723161256298,`: ``, `"]]}`: `"]]`, `"61496.50"`: `"NaN"`,
		`["58710.20"`: `[["58710.20"]`,
	} {
		var d binancefutures.Decoder
		var m connector.Message
		raw := strings.Replace(depthText, from, to, 1)
		if raw == depthText {
			t.Fatalf("%s is not in the message", from)
		}
		err := d.Decode(1, []byte(raw), &m)
		if err == nil || !strings.HasPrefix(err.Error(), "binancefutures: byte ") {
			t.Errorf("%s gives %v", raw, err)
		}
	}
}

// TestRecordedEqualsReference holds every recorded message against encoding/json, and some of them reworded.
func TestRecordedEqualsReference(t *testing.T) {
	sampletest.EachPath(t, "binancefutures", "ETHUSDT", "ethusdt_20240808.gz", equalsReference)
}

func equalsReference(t *testing.T, path string) {
	var d binancefutures.Decoder
	rng := rand.New(rand.NewPCG(7, 8))
	for i, line := range scantest.Lines(t, path, 6000) {
		scantest.Compare(t, &d, scantest.Reference{}, line.Message)
		if i%8 != 0 && i > 50 {
			continue
		}
		reworded, err := scantest.Reword(rng, line.Message)
		if err != nil {
			t.Fatal(err)
		}
		var got, want connector.Message
		if err := d.Decode(1, line.Message, &want); err != nil {
			t.Fatal(err)
		}
		want.Symbol = []byte(string(want.Symbol)) // the next Decode may reuse it
		if err := d.Decode(1, reworded, &got); err != nil {
			t.Fatalf("%v, of %s", err, reworded)
		}
		if difference := scantest.Difference(&got, &want); difference != "" {
			t.Fatalf("%s, of %s", difference, reworded)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	messages := scantest.Lines(t, sampletest.Path(t, "binancefutures", "BTCUSDT"), 3000)
	var d binancefutures.Decoder
	var m connector.Message
	decode := func() {
		for _, line := range messages {
			if err := d.Decode(line.LocalTimestampNs, line.Message, &m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(3, decode); n != 0 {
		t.Errorf("%v allocations for %d messages", n, len(messages))
	}
	// The slow ways as well: other order, white space, escapes, exponents.
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range messages[:500] {
		reworded, err := scantest.Reword(rng, messages[i].Message)
		if err != nil {
			t.Fatal(err)
		}
		messages[i].Message = reworded
	}
	messages = messages[:500]
	if n := testing.AllocsPerRun(3, decode); n != 0 {
		t.Errorf("%v allocations for reworded messages", n)
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	f.Add([]byte(depthText))
	for _, line := range scantest.Lines(f, sampletest.Path(f, "binancefutures", "BTCUSDT"), 60) {
		if len(line.Message) > 5000 {
			continue
		}
		f.Add(line.Message)
		reworded, err := scantest.Reword(rng, line.Message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(reworded)
	}
	for _, text := range []string{`{"lastUpdateId":5,"E":1,"T":2,"bids":[["1","2"]],"asks":[["3.5","4"],[5e-1,6]]}`,
		`{"result":null,"id":1}`,
		`{"e":"bookTicker","u":9,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4","T":1723161256313}`} {
		f.Add([]byte(text))
	}
	for _, nq := range []string{"1", "0.4", "0", "2", "1e-9"} {
		f.Add(fmt.Appendf(nil, `{"e":"aggTrade","E":1,"s":"BTCUSDT","p":"61800.30","q":"1.0","nq":"%s","f":1,"l":2,"T":1723161256322,"m":true}`, nq))
	}
	for _, kind := range []string{"MARKET", "ADL", "NA", ""} {
		f.Add(fmt.Appendf(nil,
			`{"e":"trade","T":1723161256322,"s":"BTCUSDT","p":"61800.30","q":"0.006","X":"%s","m":true}`, kind))
	}
	var d binancefutures.Decoder
	agg := binancefutures.Decoder{AggTrades: true}
	f.Fuzz(func(t *testing.T, raw []byte) {
		scantest.Compare(t, &d, scantest.Reference{}, raw)
		scantest.Compare(t, &agg, scantest.Reference{AggTrades: true}, raw)
	})
}
