package feed_test

import (
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// day is a venue's recording: the sample of every venue, and the recorded day where there is one.
type day struct {
	venue, symbol, file string
	rule                connector.Rule
	decoder             func() connector.Decoder
	tick, lot           float64
}

func futures() connector.Decoder { return binance.Futures().Format.NewDecoder() }
func spot() connector.Decoder    { return binance.Spot().Format.NewDecoder() }

var days = []day{
	{"binancefutures", "BTCUSDT", "btcusdt_20240808.gz", connector.RuleFutures, futures, 0.1, 0.001},
	{"binancefutures", "ETHUSDT", "ethusdt_20240808.gz", connector.RuleFutures, futures, 0.01, 0.001},
	{"binancespot", "BTCUSDT", "btcusdt_20240808.gz", connector.RuleSpot, spot, 0.01, 0.00001},
	{"bybit", "BTCUSDT", "", connector.RuleStreamed, bybit.Kind().Format.NewDecoder, 0.1, 0.001},
}

// TestRecordedDays follows the recordings as a connector does that is any time away. After each depth message that
// contains all quotes so far, the book is that of the depth messages alone; after each other message its best is the
// newest quote, by the venue's ids.
func TestRecordedDays(t *testing.T) {
	if raceDetector {
		t.Skip("nothing is concurrent here")
	}
	for _, d := range days {
		t.Run(d.venue+"/"+d.symbol, func(t *testing.T) {
			t.Run("sample", func(t *testing.T) { d.follow(t, sampletest.Path(t, d.venue, d.symbol)) })
			if d.file != "" {
				t.Run("recorded", func(t *testing.T) { d.follow(t, datatest.Recording(t, d.venue, d.file)) })
			}
		})
	}
}

func (d *day) follow(t *testing.T, path string) {
	for _, latencyNs := range []int64{0, 50e6} {
		b, err := feed.NewBook(feed.Config{TickSize: d.tick, LotSize: d.lot, Rule: d.rule, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		f := followed{t: t, book: b, fused: depth.NewHashMapMarketDepth(d.tick, d.lot),
			plain: depth.NewHashMapMarketDepth(d.tick, d.lot), decoder: d.decoder()}
		if f.sync, err = depthsync.New(depthsync.Config{Rule: d.rule}); err != nil {
			t.Fatal(err)
		}
		sampletest.EachLine(t, func(localNs int64, line []byte) { f.take(localNs+latencyNs, line) }, path)
		if f.whole < 400 || f.quoted < 400 {
			t.Errorf("whole books %d, quotes %d: the test shows little", f.whole, f.quoted)
		}
		if n := found(b, feed.Crossing); n > 0 {
			t.Errorf("%d messages of a venue cross its book", n)
		}
		t.Logf("latency %d ms: whole books %d, quotes %d, %+v", latencyNs/1e6, f.whole, f.quoted, b.Report())
	}
}

// followed is a recording on its way through a Book, beside a book of its depth messages alone.
type followed struct {
	t             *testing.T
	book          *feed.Book
	sync          *depthsync.Synchronizer
	decoder       connector.Decoder
	fused, plain  depth.Book
	message       connector.Message
	depthSeq      int64
	quoteSeq      int64
	quote         [2]hft.Event
	whole, quoted int
}

func (d *followed) take(localNs int64, line []byte) {
	m := &d.message
	if err := d.decoder.Decode(localNs, line, m); err != nil {
		d.t.Fatal(err)
	}
	switch m.Kind {
	case connector.MessageDepth, connector.MessageSnapshot:
		step := d.sync.Depth
		if m.Kind == connector.MessageSnapshot {
			step = d.sync.Snapshot
		}
		out := step(localNs, m)
		for i := range out.Events {
			depth.Apply(d.plain, &out.Events[i])
		}
		d.depthSeq = max(d.depthSeq, m.Seq)
	case connector.MessageBBO:
		if m.Seq > d.quoteSeq {
			d.quoteSeq, d.quote = m.Seq, [2]hft.Event(m.Events)
		}
	}
	out := d.book.Take(localNs, m)
	for i := range out.Events {
		e := &out.Events[i]
		if depth.Apply(d.fused, e); e.Kind() == hft.DepthBBOEvent || e.LocalTimestampNs != localNs {
			d.t.Fatalf("row %+v is published at %d", e, localNs)
		}
	}
	switch {
	case !d.book.Synced():
	case d.quoteSeq > d.depthSeq:
		d.quoted++
		bid, ask := d.quote[0], d.quote[1]
		if math.Abs(d.fused.BestBid()-bid.Px) > 1e-6 || math.Abs(d.fused.BestAsk()-ask.Px) > 1e-6 || d.fused.BestBidQty() != bid.Qty || d.fused.BestAskQty() != ask.Qty {
			d.t.Fatalf("the newest quote is %v x %v and %v x %v, the best %v x %v and %v x %v", bid.Px, bid.Qty, ask.Px, ask.Qty,
				d.fused.BestBid(), d.fused.BestBidQty(), d.fused.BestAsk(), d.fused.BestAskQty())
		}
	case m.Kind == connector.MessageDepth:
		d.whole++
		d.compare()
	}
}

// compare compares 200 ticks of a side.
func (d *followed) compare() {
	bid, ask := d.plain.BestBidTick(), d.plain.BestAskTick()
	if d.fused.BestBidTick() != bid || d.fused.BestAskTick() != ask {
		d.t.Fatalf("at %d the best is %d and %d, the depth stream's %d and %d", d.depthSeq, d.fused.BestBidTick(), d.fused.BestAskTick(), bid, ask)
	}
	for i := range int64(200) {
		if got, want := d.fused.BidQtyAtTick(bid-i), d.plain.BidQtyAtTick(bid-i); got != want {
			d.t.Fatalf("at %d the bid of tick %d is %v, the depth stream's %v", d.depthSeq, bid-i, got, want)
		}
		if got, want := d.fused.AskQtyAtTick(ask+i), d.plain.AskQtyAtTick(ask+i); got != want {
			d.t.Fatalf("at %d the ask of tick %d is %v, the depth stream's %v", d.depthSeq, ask+i, got, want)
		}
	}
}
