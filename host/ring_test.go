package host

import (
	"bytes"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// line is a message as it was recorded.
type line struct {
	localNs int64
	raw     []byte
}

// toRing is the path of a message from socket to bots: decoder, book, and the host with its ring.
type toRing struct {
	config    feed.Config
	decoder   connector.Decoder
	book      *feed.Book
	publisher *publisher
	message   connector.Message
	// first bring the book, and some more; lines come behind them.
	first, lines []line
}

// feedVenues are the venues with decoder, rule and steps.
var feedVenues = []struct {
	name              string
	rule              connector.Rule
	decoder           func() connector.Decoder
	tickSize, lotSize float64
}{
	{"binancefutures", connector.RuleFutures, binance.Futures().Format.NewDecoder, 0.1, 0.001},
	{"binancespot", connector.RuleSpot, binance.Spot().Format.NewDecoder, 0.01, 0.00001},
	{"bybit", connector.RuleStreamed, bybit.Kind().Format.NewDecoder, 0.1, 0.001},
}

// newToRing is a recording of a venue on its way, with its first lines there.
func newToRing(tb testing.TB, no int) *toRing {
	tb.Helper()
	v := &feedVenues[no]
	p, _ := newPathOf(tb, v.tickSize, v.lotSize)
	r := &toRing{config: feed.Config{TickSize: v.tickSize, LotSize: v.lotSize, Rule: v.rule, Quotes: true}, decoder: v.decoder(), publisher: p}
	r.read(tb, sampletest.Path(tb, v.name, "BTCUSDT"))
	r.begin(tb)
	return r
}

func (r *toRing) read(tb testing.TB, path string) {
	tb.Helper()
	sampletest.EachLine(tb, func(localNs int64, raw []byte) {
		r.lines = append(r.lines, line{localNs, bytes.Clone(raw)})
	}, path)
	const first = 3000
	r.first, r.lines = r.lines[:first], r.lines[first:]
}

// begin begins with a new book.
func (r *toRing) begin(tb testing.TB) {
	tb.Helper()
	var err error
	if r.book, err = feed.NewBook(r.config); err != nil {
		tb.Fatal(err)
	}
	r.publisher.Stale(0, "begins anew")
	r.send(tb, r.first)
}

func (r *toRing) send(tb testing.TB, lines []line) {
	tb.Helper()
	for i := range lines {
		if err := r.decoder.Decode(lines[i].localNs, lines[i].raw, &r.message); err != nil {
			tb.Fatal(err)
		}
		out := r.book.Take(lines[i].localNs, &r.message)
		if len(out.Events) > 0 {
			r.publisher.Feed(0, out.Events)
		}
		if out.Ready {
			r.publisher.Ready(0)
		}
	}
}

// TestDecodeToRingAllocatesNothing: of thousands of messages a few make a book larger.
func TestDecodeToRingAllocatesNothing(t *testing.T) {
	for no, v := range feedVenues {
		t.Run(v.name, func(t *testing.T) {
			r := newToRing(t, no)
			half, rest := len(r.lines)/2, r.lines
			n := testing.AllocsPerRun(1, func() { // once to warm up, and once
				r.send(t, rest[:half])
				rest = rest[half:]
			})
			if !r.book.Synced() || n > 5 {
				t.Errorf("%v allocations of %d messages, in step: %t", n, half, r.book.Synced())
			}
		})
	}
}

// BenchmarkDecodeToRing measures the processor time from a message until its rows are in the ring.
func BenchmarkDecodeToRing(b *testing.B) {
	for no, v := range feedVenues {
		b.Run(v.name, func(b *testing.B) {
			r := newToRing(b, no)
			for b.Loop() {
				r.send(b, r.lines)
				b.StopTimer()
				r.begin(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(r.lines)), "ns/message")
		})
	}
}
