package linear_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit/internal/linear"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

func ExampleDecoder() {
	d := linear.Decoder{Level: 50}
	var m connector.Message
	raw := []byte(`{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1758845431663,"data":{"s":"BTCUSDT",` +
		`"b":[["109147.80","1.687"]],"a":[["109148.00","0"]],"u":21111423,"seq":457538796406},"cts":1758845431662}`)
	if err := d.Decode(1758845432767124368, raw, &m); err != nil {
		fmt.Println(err)
	}
	for _, e := range m.Events {
		fmt.Printf("%s %v %v at %v, update %d, %d ns\n", m.Symbol, e.Side(), e.Qty, e.Px, m.LastID, e.ExchTimestampNs)
	}
	// Output:
	// BTCUSDT Buy 1.687 at 109147.8, update 21111423, 1758845431662000000 ns
	// BTCUSDT Sell 0 at 109148, update 21111423, 1758845431662000000 ns
}

// sample returns the lines of a sample message file, without the time that a collector puts before them.
func sample(tb testing.TB, name string) [][]byte {
	tb.Helper()
	text := datatest.Messages(tb, "bybit-linear/"+name)
	var lines [][]byte
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := bytes.Clone(s.Bytes())
		lines = append(lines, line[max(bytes.IndexByte(line, '{'), 0):])
	}
	return lines
}

func samples(tb testing.TB) [][]byte {
	tb.Helper()
	return slices.Concat(sample(tb, "ws_orderbook500_XRPUSDT_20241201.jsonl"),
		sample(tb, "collector_lines_linear_2025.txt"), sample(tb, "ws_public_spot50_trade_pong.jsonl"))
}

// TestGoldenBook follows a recorded book of depth 500 as a live connection does and compares where it ends.
func TestGoldenBook(t *testing.T) {
	d := linear.Decoder{Level: 500}
	book, err := depthsync.New(depthsync.Config{Rule: connector.RuleStreamed})
	if err != nil {
		t.Fatal(err)
	}
	var m connector.Message
	sides := map[hft.Side]map[float64]float64{hft.Buy: {}, hft.Sell: {}}
	for i, raw := range sample(t, "ws_orderbook500_XRPUSDT_20241201.jsonl") {
		if err := d.Decode(1, raw, &m); err != nil {
			t.Fatal(err)
		}
		take := book.Depth
		if m.Kind == connector.MessageSnapshot {
			take = book.Snapshot
		}
		out := take(1, &m)
		if want := (depthsync.Output{Events: out.Events, Ready: i == 0,
			Seq: m.Seq}); fmt.Sprint(out) != fmt.Sprint(want) || len(out.Events) == 0 || m.Seq == 0 {
			t.Fatalf("message %d gives %d rows, ready: %t, stale: %q", i, len(out.Events), out.Ready, out.Stale)
		}
		for _, e := range out.Events {
			if e.Qty == 0 {
				delete(sides[e.Side()], e.Px)
			} else {
				sides[e.Side()][e.Px] = e.Qty
			}
		}
	}
	if stats, want := book.Stats(), (depthsync.Stats{Applied: 49, Snapshots: 1, SnapshotID: 20254869}); stats != want {
		t.Errorf("%+v, want %+v", stats, want)
	}
	bids, asks := slices.Sorted(maps.Keys(sides[hft.Buy])), slices.Sorted(maps.Keys(sides[hft.Sell]))
	bid, ask := bids[len(bids)-1], asks[0]
	got := fmt.Sprintf("%v x %v / %v x %v, %d/%d levels, u %d", bid, sides[hft.Buy][bid], ask, sides[hft.Sell][ask],
		len(bids), len(asks), book.LastID())
	if want := "1.9537 x 10605 / 1.9538 x 6702, 500/500 levels, u 20254918"; got != want {
		t.Errorf("the book ends as %s, want %s", got, want)
	}
}

const bookText = `{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1731035685345,"data":{"s":"BTCUSDT","b":[["75848.62","0.014895"],` +
	`["75837.13","0"]],"a":[["75848.89","0.088149"]],"u":2876701,"seq":47474967823},"cts":1731035685342}`

const tradeText = `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1758841135824,"data":[{"T":1758841135823,"s":"BTCUSDT","S":"Buy",` +
	`"v":"0.020","p":"109378.90","L":"ZeroPlusTick","i":"2a74ac78","BT":false,"RPI":false,"seq":457514743450},` +
	`{"T":1758841135824,"s":"BTCUSDT","S":"Sell","v":"1.5","p":"109378.80","L":"MinusTick","i":"2a74ac79","BT":true,"seq":457514743451}]}`

func TestTrades(t *testing.T) {
	var d linear.Decoder
	var m connector.Message
	if err := d.Decode(7, []byte(tradeText), &m); err != nil {
		t.Fatal(err)
	}
	want := connector.Message{Kind: connector.MessageTrade, Symbol: []byte("BTCUSDT"),
		ExchTimestampNs: 1758841135824000000, FirstID: 457514743450, LastID: 457514743451, Events: []hft.Event{
			{Ev: hft.LocalEvent | hft.TradeEvent | hft.BuyEvent, ExchTimestampNs: 1758841135823000000,
				LocalTimestampNs: 7, Px: 109378.9, Qty: 0.02},
			{Ev: hft.LocalEvent | hft.OffBookTrade | hft.SellEvent, ExchTimestampNs: 1758841135824000000,
				LocalTimestampNs: 7, Px: 109378.8, Qty: 1.5}}}
	if difference := scantest.Difference(&m, &want); difference != "" {
		t.Error(difference)
	}
}

// TestTradeKey: trades of one order have one seq and may come in several messages, which the trades' own ids tell
// apart.
func TestTradeKey(t *testing.T) {
	var d linear.Decoder
	key := func(text string) uint64 {
		var m connector.Message
		if err := d.Decode(7, []byte(text), &m); err != nil {
			t.Fatal(err)
		}
		return m.TradeKey
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(`"2a74ac79"`)) // it never fails
	if got := key(tradeText); got != h.Sum64() {
		t.Errorf("the key is %x, want %x, that of the last trade", got, h.Sum64())
	}
	if key(strings.Replace(tradeText, "2a74ac79", "2a74ac80", 1)) == h.Sum64() {
		t.Error("another trade has the same key")
	}
	if got := key(strings.Replace(tradeText, `"i":"2a74ac79",`, "", 1)); got != 0 {
		t.Errorf("a trade without an id has the key %x", got)
	}
}

func TestKinds(t *testing.T) {
	snapshot := strings.Replace(bookText, "delta", "snapshot", 1)
	deep := strings.Replace(bookText, "orderbook.50", "orderbook.1000", 1)
	best := strings.Replace(snapshot, "orderbook.50", "orderbook.1", 1)
	for _, c := range []struct {
		raw  string
		d    linear.Decoder
		kind connector.MessageKind
		rows int
	}{
		{bookText, linear.Decoder{}, connector.MessageDepth, 3},
		{snapshot, linear.Decoder{}, connector.MessageSnapshot, 3},
		{bookText, linear.Decoder{Level: 200}, connector.MessageIgnored, 0},
		{deep, linear.Decoder{}, connector.MessageDepth, 3},
		{deep, linear.Decoder{Level: 1000, BBO: true}, connector.MessageDepth, 3},
		{best, linear.Decoder{}, connector.MessageIgnored, 0},
		{best, linear.Decoder{BBO: true}, connector.MessageBBO, 3},
		{best, linear.Decoder{Level: 1}, connector.MessageSnapshot, 3},
		{best, linear.Decoder{Level: 1, BBO: true}, connector.MessageBBO, 3},
		{tradeText, linear.Decoder{Level: 1000}, connector.MessageTrade, 2},
		{`{"topic":"publicTrade.BTCUSDT","data":[]}`, linear.Decoder{}, connector.MessageIgnored, 0},
		{`{"topic":"orderbook.rpi.BTCUSDT","data":5}`, linear.Decoder{}, connector.MessageIgnored, 0},
		{`{"topic":"orderbook.50","data":5}`, linear.Decoder{}, connector.MessageIgnored, 0},
		{`{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT"},"cs":1,"ts":2}`, linear.Decoder{},
			connector.MessageIgnored, 0},
		{`{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}`, linear.Decoder{},
			connector.MessageIgnored, 0},
		{`{"topic":5}`, linear.Decoder{}, connector.MessageIgnored, 0},
		{`[]`, linear.Decoder{}, connector.MessageIgnored, 0},
		{` null `, linear.Decoder{}, connector.MessageIgnored, 0},
		{`{}`, linear.Decoder{}, connector.MessageIgnored, 0},
	} {
		var m connector.Message
		if err := c.d.Decode(1, []byte(c.raw), &m); err != nil || m.Kind != c.kind || len(m.Events) != c.rows {
			t.Errorf("%s: kind %d, %d rows, %v", c.raw, m.Kind, len(m.Events), err)
		}
	}
}

func TestWrongMessages(t *testing.T) {
	for _, c := range []struct{ text, from, to string }{
		{bookText, `"u":2876701`, `"u":2876701.5`}, {bookText, `"u":2876701,`, ``},
		{bookText, `"ts":1731035685345,`, ``},
		{bookText, `1731035685345`, `"soon"`}, {bookText, `"ts":1731035685345`, `"ts":-5`},
		{bookText, `"delta"`, `"other"`},
		{bookText, `"type":"delta",`, ``}, {bookText, `"delta"`, `5`}, {bookText, `"0.088149"`, `"-1"`},
		{bookText, `"a":[["75848.89","0.088149"]],`, ``},
		{bookText, `["75837.13","0"]`, `["75837.13"]`}, {bookText, `},"cts"`, `,"cts"`},
		{bookText, `"data":{`, `"data":[{`},
		{bookText, `"data":{"s"`, `"data":7,"x":{"s"`},
		{tradeText, `"Sell"`, `"sell"`}, {tradeText, `"S":"Buy",`, ``}, {tradeText, `"S":"Buy"`, `"S":1`},
		{tradeText, `"0.020"`, `"Inf"`},
		{tradeText, `"v":"1.5",`, ``}, {tradeText, `"p":"109378.80"`, `"p":null`},
		{tradeText, `"T":1758841135823`, `"T":true`},
		{tradeText, `"data":[{`, `"data":[5,{`}, {tradeText, `"data":[`, `"data":[[]],"x":[`},
		{tradeText, `"data":[`, `"x":[`},
		{tradeText, `"BT":true`, `"data":{"T":5}`}, {tradeText, `"seq":457514743450`, `"seq":"x"`},
		{tradeText, `"seq":457514743451`, `"seq":null`},
	} {
		var d linear.Decoder
		var m connector.Message
		raw := strings.Replace(c.text, c.from, c.to, 1)
		if raw == c.text {
			t.Fatalf("%s is not in the message", c.from)
		}
		if err := d.Decode(1, []byte(raw), &m); err == nil || !strings.HasPrefix(err.Error(), "bybit: byte ") {
			t.Errorf("%s gives %v", raw, err)
		}
	}
}

// TestSamplesEqualReference holds the recorded messages against encoding/json, as they are and in other words.
func TestSamplesEqualReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, level := range []int{0, 50, 500, 1} {
		d := linear.Decoder{Level: level, BBO: level != 1}
		for _, raw := range append(samples(t), []byte(bookText), []byte(tradeText)) {
			compare(t, &d, raw)
			for range 5 {
				reworded, err := scantest.Reword(rng, raw)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, &d, reworded)
			}
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	messages := append(samples(t), []byte(bookText), []byte(tradeText))
	for _, raw := range slices.Clone(messages) {
		reworded, err := scantest.Reword(rng, raw)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, reworded)
	}
	for _, level := range []int{50, 500} {
		d := linear.Decoder{Level: level, BBO: true}
		var m connector.Message
		if n := testing.AllocsPerRun(3, func() {
			for _, raw := range messages {
				if err := d.Decode(1, raw, &m); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%v allocations for %d messages", n, len(messages))
		}
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, raw := range append(samples(f), []byte(bookText), []byte(tradeText)) {
		if len(raw) > 3000 {
			continue
		}
		reworded, err := scantest.Reword(rng, raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(reworded)
	}
	for _, depth := range []string{"1", "200", "1000"} {
		f.Add([]byte(strings.NewReplacer("orderbook.50", "orderbook."+depth, `,"cts":1731035685342`, "").
			Replace(bookText)))
	}
	f.Add([]byte(strings.Replace(bookText, `"seq":`, `"seq":"A","x":`, 1)))
	d := linear.Decoder{BBO: true}
	f.Fuzz(func(t *testing.T, raw []byte) { compare(t, &d, raw) })
}

// BenchmarkDecode decodes messages of each kind; one operation is one message.
func BenchmarkDecode(b *testing.B) {
	book := sample(b, "ws_orderbook500_XRPUSDT_20241201.jsonl")
	for _, c := range []struct {
		name string
		raw  []byte
	}{{"snapshot", book[0]}, {"delta", book[1]}, {"trade", []byte(tradeText)}} {
		for name, decoder := range map[string]connector.Decoder{"hftrunner": &linear.Decoder{Level: 500},
			"encoding-json": reference{level: 500}} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				var m connector.Message
				b.SetBytes(int64(len(c.raw)))
				b.ReportAllocs()
				for b.Loop() {
					if err := decoder.Decode(1, c.raw, &m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// compare decodes raw with the decoder and with the reference and fails the test where they differ. What a name twice
// in one object means, or a huge exponent, is not settled: there the text has only to be accepted as JSON or not.
func compare(t *testing.T, d *linear.Decoder, raw []byte) {
	t.Helper()
	var got, want connector.Message
	err := d.Decode(5, raw, &got)
	if !json.Valid(raw) {
		if err == nil {
			t.Fatalf("accepted what is not JSON: %q", raw)
		}
		return
	}
	if err != nil && strings.Contains(err.Error(), "nested too deeply") || unsettled(raw) {
		return
	}
	wantErr := reference{level: d.Level, bbo: d.BBO}.Decode(5, raw, &want)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("decoder says %v, encoding/json says %v, of %q", err, wantErr, raw)
	}
	if err != nil {
		return
	}
	if got.Level != want.Level || got.Seq != want.Seq {
		t.Fatalf("level %d, sequence %d, want %d, %d, of %q", got.Level, got.Seq, want.Level, want.Seq, raw)
	}
	if difference := scantest.Difference(&got, &want); difference != "" {
		t.Fatalf("%s, of %q", difference, raw)
	}
}

// TestUsualBooks: what the venue sends about a book is read in one pass, with white space behind it in several, with
// the same result.
func TestUsualBooks(t *testing.T) {
	n := 0
	for _, line := range scantest.Lines(t, sampletest.Path(t, "bybit", "BTCUSDT"), 4000) {
		for _, d := range []linear.Decoder{{BBO: true}, {}, {Level: 1}} {
			var quick, long connector.Message
			usual := d.UsualBook(7, line.Message, &quick)
			if err := d.Decode(7, append(bytes.Clone(line.Message), ' '), &long); err != nil {
				t.Fatal(err)
			}
			if book := long.Kind != connector.MessageTrade && long.Kind != connector.MessageIgnored; usual != book {
				t.Fatalf("usual %t: %s", usual, line.Message)
			} else if !usual {
				continue
			}
			n++
			difference := scantest.Difference(&quick, &long)
			if difference != "" || quick.Seq != long.Seq || quick.Level != long.Level ||
				quick.TimeUnit != long.TimeUnit {
				t.Fatalf("%s: %s: %+v, want %+v", line.Message, difference, quick, long)
			}
		}
	}
	if n < 3000 {
		t.Errorf("%d messages", n)
	}
}

// TestEmptySideOfQuote: the whole of a best bid and ask says that a side without a level is empty, a difference says nothing of it.
func TestEmptySideOfQuote(t *testing.T) {
	const text = `{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1760000000001,"data":{"s":"BTCUSDT","b":[],"a":[["100.5","2"]],"u":7,"seq":9},"cts":1760000000000}`
	d, m := linear.Decoder{BBO: true}, connector.Message{}
	for text, want := range map[string][]float64{text: {0, 100.5}, strings.Replace(text, "snapshot", "delta", 1): {100.5},
		strings.Replace(text, `[["100.5","2"]]`, "[]", 1): {0, 0}} {
		if err := d.Decode(1, []byte(text), &m); err != nil || m.Kind != connector.MessageBBO || len(m.Events) != len(want) {
			t.Fatalf("%s: %v, %+v", text, err, m)
		}
		for i, px := range want {
			e := &m.Events[i]
			bid := i == 0 && len(want) == 2
			if e.Px != px || (e.Qty == 0) != (px == 0) || (e.Side() == hft.Buy) != bid || e.Kind() != hft.DepthBBOEvent || e.ExchTimestampNs != 1760000000000e6 {
				t.Errorf("%s: row %d is %+v", text, i, *e)
			}
		}
	}
}
