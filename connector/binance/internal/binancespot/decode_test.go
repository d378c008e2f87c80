package binancespot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"

	"github.com/valyala/fastjson"
)

func ExampleDecoder() {
	var d binancespot.Decoder
	var m connector.Message
	raw := []byte(`{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",` +
		`"a":"61837.64000000","A":"1.54698000"}}`)
	if err := d.Decode(1723161255051000000, raw, &m); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s: %v / %v, stamped %d\n", m.Symbol, m.Events[0].Px, m.Events[1].Px, m.Events[0].ExchTimestampNs)
	// Output: BTCUSDT: 61837.63 / 61837.64, stamped 1723161255051000000
}

const (
	depthText = `{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,` +
		`"b":[["61737.63000000","0.00000000"],["61730.17000000","0.50000000"]],"a":[["61837.64000000","1.54698000"]]}`
	tradeText = `{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","b":1,"a":2,` +
		`"T":1723161255342,"m":true,"M":true}`
)

func TestDepthUpdate(t *testing.T) {
	var d binancespot.Decoder
	var m connector.Message
	if err := d.Decode(7, []byte(depthText), &m); err != nil {
		t.Fatal(err)
	}
	row := func(ev uint64, px, qty float64) hft.Event {
		return hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | ev, ExchTimestampNs: 1723161255208000000,
			LocalTimestampNs: 7, Px: px, Qty: qty}
	}
	want := connector.Message{Kind: connector.MessageDepth, Symbol: []byte("BTCUSDT"),
		ExchTimestampNs: 1723161255208000000, FirstID: 50093239189, LastID: 50093239202,
		Events: []hft.Event{row(hft.BuyEvent, 61737.63, 0), row(hft.BuyEvent, 61730.17, 0.5),
			row(hft.SellEvent, 61837.64, 1.54698)}}
	if difference := scantest.Difference(&m, &want); difference != "" {
		t.Error(difference)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		raw               string
		messageNs, rowsNs int64
	}{
		{tradeText, 1723161255342000000, 1723161255342000000},
		{strings.Replace(depthText, "1723161255208", "1723161255208123", 1), 1723161255208123000, 1723161255208123000},
		{`{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}`, 0, 9},
		{`{"u":5,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}`, 0, 9},
		{`{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4","T":5}`, 5000000, 5000000},
	} {
		var d binancespot.Decoder
		var m connector.Message
		if err := d.Decode(9, []byte(c.raw), &m); err != nil {
			t.Fatal(err)
		}
		if m.ExchTimestampNs != c.messageNs || m.Events[0].ExchTimestampNs != c.rowsNs ||
			m.Events[0].LocalTimestampNs != 9 {
			t.Errorf("%s: %d, %+v", c.raw, m.ExchTimestampNs, m.Events[0])
		}
	}
}

func TestKinds(t *testing.T) {
	agg := strings.Replace(tradeText, `"trade"`, `"aggTrade"`, 1)
	for _, c := range []struct {
		raw       string
		aggTrades bool
		kind      connector.MessageKind
	}{
		{raw: tradeText, kind: connector.MessageTrade}, {raw: tradeText, aggTrades: true},
		{raw: agg}, {raw: agg, aggTrades: true, kind: connector.MessageTrade},
		{raw: `{"result":null,"id":1}`}, {raw: `{"e":"serverShutdown","E":1}`}, {raw: `[]`},
		{raw: `{"stream":"btcusdt@depth5","data":{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}}`},
		{raw: `{"lastUpdateId":5,"bids":[],"asks":[]}`, kind: connector.MessageSnapshot},
	} {
		d := binancespot.Decoder{AggTrades: c.aggTrades}
		var m connector.Message
		if err := d.Decode(1, []byte(c.raw), &m); err != nil || m.Kind != c.kind {
			t.Errorf("%s: kind %d, %v", c.raw, m.Kind, err)
		}
		if m.Kind == connector.MessageTrade && m.Events[0].Side() != hft.Sell {
			t.Errorf("the buyer was the maker, the aggressor is %v", m.Events[0].Side())
		}
	}
}

func TestWrongMessages(t *testing.T) {
	for _, raw := range []string{
		strings.Replace(depthText, `"E":1723161255208,`, ``, 1), strings.Replace(depthText, `"U":50093239189,`, ``, 1),
		strings.Replace(tradeText, `"m":true`, `"m":1`, 1), strings.Replace(tradeText, `"p":"61837.63000000",`, ``, 1),
		strings.Replace(tradeText, `"T":1723161255342`, `"T":0`, 1), `{"lastUpdateId":5,"bids":[["1","2"]]}`,
		`{"u":5,"b":"1","B":"2","a":"3","A":"4"}`, `{"lastUpdateId":"x","bids":[],"asks":[]}`, depthText[:80],
	} {
		var d binancespot.Decoder
		var m connector.Message
		if err := d.Decode(1, []byte(raw), &m); err == nil || !strings.HasPrefix(err.Error(), "binancespot: byte ") {
			t.Errorf("%s gives %v", raw, err)
		}
	}
}

// TestRecordedEqualsReference holds recorded messages against encoding/json, as they are and reworded.
func TestRecordedEqualsReference(t *testing.T) {
	sampletest.EachPath(t, "binancespot", "BTCUSDT", "btcusdt_20240808.gz", equalsReference)
}

func equalsReference(t *testing.T, path string) {
	var d binancespot.Decoder
	reference := scantest.Reference{Spot: true}
	rng := rand.New(rand.NewPCG(7, 8))
	for _, line := range scantest.Lines(t, path, 5000) {
		scantest.Compare(t, &d, reference, line.Message)
		reworded, err := scantest.Reword(rng, line.Message)
		if err != nil {
			t.Fatal(err)
		}
		var got, want connector.Message
		if err := reference.Decode(1, line.Message, &want); err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(1, reworded, &got); err != nil {
			t.Fatalf("%v, of %s", err, reworded)
		}
		if difference := scantest.Difference(&got, &want); difference != "" {
			t.Fatalf("%s, of %s", difference, reworded)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	messages := scantest.Lines(t, sampletest.Path(t, "binancespot", "BTCUSDT"), 3000)
	var d binancespot.Decoder
	var m connector.Message
	if n := testing.AllocsPerRun(3, func() {
		for _, line := range messages {
			if err := d.Decode(line.LocalTimestampNs, line.Message, &m); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d messages", n, len(messages))
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	f.Add([]byte(depthText))
	f.Add([]byte(tradeText))
	for _, line := range scantest.Lines(f, sampletest.Path(f, "binancespot", "BTCUSDT"), 60) {
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
	f.Add([]byte(`{"lastUpdateId":5,"bids":[["1","2"]],"asks":[["3.5","4"],[5e-1,6]]}`))
	var d binancespot.Decoder
	f.Fuzz(func(t *testing.T, raw []byte) {
		scantest.Compare(t, &d, scantest.Reference{Spot: true}, raw)
	})
}

// BenchmarkDecode decodes the recorded messages; one operation is all of them. fastjson only parses, which is less
// than what the decoder does.
func BenchmarkDecode(b *testing.B) {
	messages := scantest.Lines(b, datatest.Recording(b, "binancespot", "btcusdt_20240808.gz"), 0)
	var size int64
	for _, line := range messages {
		size += int64(len(line.Message))
	}
	run := func(name string, decode func(raw []byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for i := range messages {
					if err := decode(messages[i].Message); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	var d binancespot.Decoder
	var m connector.Message
	var parser fastjson.Parser
	run("hftrunner", func(raw []byte) error { return d.Decode(1, raw, &m) })
	run("fastjson-parsing-only", func(raw []byte) error { _, err := parser.ParseBytes(raw); return err })
	run("encoding-json", func(raw []byte) error { return scantest.Reference{Spot: true}.Decode(1, raw, &m) })
}
