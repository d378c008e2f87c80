package depthsync_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

func Example() {
	s, err := depthsync.New(depthsync.Config{Rule: connector.RuleSpot})
	if err != nil {
		fmt.Println(err)
	}
	out := s.Depth(1, &connector.Message{FirstID: 5, LastID: 8, Events: make([]hft.Event, 2)})
	fmt.Println(s.State(), len(out.Events), "rows, snapshot needed:", out.NeedSnapshot)
	out = s.Snapshot(2, &connector.Message{LastID: 6, Events: make([]hft.Event, 100)})
	fmt.Println(s.State(), len(out.Events), "rows, ready:", out.Ready)
	out = s.Depth(3, &connector.Message{FirstID: 10, LastID: 11})
	fmt.Println(s.State(), "-", out.Stale)
	// Output:
	// syncing 0 rows, snapshot needed: true
	// synced 102 rows, ready: true
	// syncing - depth updates after 8 are missing, the next one starts at 10
}

// book is a plain book.
type book struct{ bids, asks map[float64]float64 }

func newBook() *book { return &book{make(map[float64]float64), make(map[float64]float64)} }

func (b *book) apply(events []hft.Event) {
	for _, e := range events {
		side := b.bids
		if e.Side() == hft.Sell {
			side = b.asks
		}
		if e.Qty == 0 {
			delete(side, e.Px)
		} else {
			side[e.Px] = e.Qty
		}
	}
}

func (b *book) best() (bid, ask float64) {
	return slices.Max(slices.Collect(maps.Keys(b.bids))), slices.Min(slices.Collect(maps.Keys(b.asks)))
}

func (b *book) take(out depthsync.Output) {
	if out.Stale != "" {
		*b = *newBook()
	}
	b.apply(out.Events)
}

// TestRecordedBooks reads the heads of the recordings and compares with the table of the protocol reference (9.4).
func TestRecordedBooks(t *testing.T) {
	for _, c := range []struct {
		venue, file                 string
		lines                       int
		rule                        connector.Rule
		decoder                     connector.Decoder
		snapshotLine                int
		firstID, snapshotID, lastID int64
		dropped, applied            uint64
		quotes                      int
		bid, bidQty, ask, askQty    float64
		numBids, numAsks            int
		streamID                    int64
	}{
		{"binancefutures", "btcusdt_20240808.gz", 14000, connector.RuleFutures, binance.Futures().Format.NewDecoder(), 55,
			5123107850310, 5123107852948, 5123107853551, 4, 1036, 68, 61839.00, 4.690, 61839.10, 0.081, 2361, 1904, 5123112447660},
		{"binancefutures", "ethusdt_20240808.gz", 4000, connector.RuleFutures, binance.Futures().Format.NewDecoder(), 41,
			5123107853791, 5123107856276, 5123107856276, 5, 317, 20, 2681.85, 6.243, 2681.86, 23.959, 1269, 1269, 5123109199288},
		{"binancespot", "btcusdt_20240808.gz", 12000, connector.RuleSpot, binance.Spot().Format.NewDecoder(), 8,
			50093239208, 50093239218, 50093239224, 2, 1082, 193, 61759.56, 2.58397, 61759.57, 2.78847, 1155, 1329, 50093290274},
	} {
		t.Run(c.venue+"/"+c.file, func(t *testing.T) {
			s, err := depthsync.New(depthsync.Config{Rule: c.rule})
			if err != nil {
				t.Fatal(err)
			}
			// A quote that came before the depth message of the same update id shows the same best prices.
			b, quotes := newBook(), make(map[int64][2]hft.Event)
			var m connector.Message
			snapshotLine, equal, compared := 0, 0, 0
			for i, line := range scantest.Lines(t, datatest.Recording(t, c.venue, c.file), c.lines) {
				if err := c.decoder.Decode(line.LocalTimestampNs, line.Message, &m); err != nil {
					t.Fatal(err)
				}
				switch m.Kind {
				case connector.MessageSnapshot:
					snapshotLine = i + 1
					b.take(s.Snapshot(line.LocalTimestampNs, &m))
				case connector.MessageBBO:
					quotes[m.LastID] = [2]hft.Event(m.Events)
				case connector.MessageDepth:
					b.take(s.Depth(line.LocalTimestampNs, &m))
					quote, ok := quotes[m.LastID]
					if !ok || s.State() != depthsync.Synced {
						continue
					}
					compared++
					bid, ask := b.best()
					if bid == quote[0].Px && b.bids[bid] == quote[0].Qty && ask == quote[1].Px && b.asks[ask] == quote[1].Qty {
						equal++
					}
				}
			}
			stats := s.Stats()
			if snapshotLine != c.snapshotLine || stats.FirstAppliedFirstID != c.firstID || stats.SnapshotID != c.snapshotID ||
				stats.FirstAppliedLastID != c.lastID || stats.Dropped != c.dropped || stats.Applied != c.applied || stats.Gaps != 0 {
				t.Errorf("snapshot in line %d, %+v", snapshotLine, stats)
			}
			bid, ask := b.best()
			if bid != c.bid || b.bids[bid] != c.bidQty || ask != c.ask || b.asks[ask] != c.askQty {
				t.Errorf("best %v x %v / %v x %v", bid, b.bids[bid], ask, b.asks[ask])
			}
			if len(b.bids) != c.numBids || len(b.asks) != c.numAsks || s.LastID() != c.streamID {
				t.Errorf("%d bids, %d asks, last id %d", len(b.bids), len(b.asks), s.LastID())
			}
			if compared != c.quotes || equal != c.quotes {
				t.Errorf("%d of %d quotes equal, want all of %d", equal, compared, c.quotes)
			}
		})
	}
}

// venue is a book and its stream of differences, numbered by one of the rules.
type venue struct {
	rng  *rand.Rand
	rule connector.Rule
	book *book
	id   int64
}

// step changes the book and returns the difference.
func (v *venue) step() *connector.Message {
	m := &connector.Message{Kind: connector.MessageDepth, PrevID: v.id, HasPrevID: v.rule == connector.RuleFutures}
	m.FirstID = v.id + 1
	if v.rule == connector.RuleFutures {
		m.FirstID += int64(v.rng.IntN(3)) // the ids of other instruments lie between
	}
	m.LastID = m.FirstID
	if v.rule != connector.RuleStreamed {
		m.LastID += int64(v.rng.IntN(4))
	}
	v.id = m.LastID
	for range v.rng.IntN(5) {
		side := [...]uint64{hft.BuyEvent, hft.SellEvent}[v.rng.IntN(2)]
		m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | side,
			Px: float64(v.rng.IntN(20)), Qty: float64(v.rng.IntN(4))})
	}
	v.book.apply(m.Events)
	return m
}

func (v *venue) snapshot() *connector.Message {
	m := &connector.Message{Kind: connector.MessageSnapshot, LastID: v.id}
	for flag, side := range map[uint64]map[float64]float64{hft.BuyEvent: v.book.bids, hft.SellEvent: v.book.asks} {
		for px, qty := range side {
			m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | hft.DepthSnapshotEvent | flag, Px: px, Qty: qty})
		}
	}
	return m
}

// TestBookEqualsVenueOrIsSyncing is the property of the protocol reference (10): random differences, snapshots that
// arrive late or early, lost and repeated differences; at every moment the book equals the venue's as of the last
// difference, or the state says that it does not.
func TestBookEqualsVenueOrIsSyncing(t *testing.T) {
	synced, steps := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 99))
		v := &venue{rng: rng, rule: connector.RuleFutures + connector.Rule(seed%2), book: newBook(), id: 1000}
		s, err := depthsync.New(depthsync.Config{Rule: v.rule, MaxMessages: 2 + rng.IntN(20), MaxEvents: 10 + rng.IntN(100)})
		if err != nil {
			t.Fatal(err)
		}
		local, announced := newBook(), false
		var pending *connector.Message
		take := func(out depthsync.Output) {
			if out.Stale != "" {
				announced = false
			}
			local.take(out)
			announced = announced || out.Ready
		}
		for range 300 {
			steps++
			m := v.step()
			lost := rng.IntN(40) == 0
			if !lost {
				take(s.Depth(1, m))
				if rng.IntN(20) == 0 {
					take(s.Depth(1, m))
				}
			}
			if pending == nil && rng.IntN(10) == 0 {
				pending = v.snapshot()
			} else if pending != nil && rng.IntN(3) == 0 {
				take(s.Snapshot(1, pending))
				pending = nil
			}
			if announced != (s.State() == depthsync.Synced) {
				t.Fatalf("seed %d: state %v, announced %t", seed, s.State(), announced)
			}
			if s.State() == depthsync.Syncing {
				if len(local.bids)+len(local.asks) != 0 {
					t.Fatalf("seed %d: rows in a book that is not in step", seed)
				}
				continue
			}
			synced++
			// After a lost difference the book is that of the difference before, until the next one shows it.
			if s.LastID() == v.id && (!maps.Equal(local.bids, v.book.bids) || !maps.Equal(local.asks, v.book.asks)) {
				t.Fatalf("seed %d: the book differs from the venue's at %d", seed, v.id)
			}
		}
	}
	if synced < steps/4 {
		t.Errorf("in step only %d times of %d: the test shows little", synced, steps)
	}
}

// TestSnapshotAheadOfAGap: the first message of a file may be a snapshot that is ahead of a book which the file before
// left in step. What is missing between them never comes, and the snapshot is the book.
func TestSnapshotAheadOfAGap(t *testing.T) {
	for _, rule := range []connector.Rule{connector.RuleFutures, connector.RuleSpot} {
		s, err := depthsync.New(depthsync.Config{Rule: rule})
		if err != nil {
			t.Fatal(err)
		}
		s.Snapshot(1, &connector.Message{LastID: 10, Events: make([]hft.Event, 1)})
		difference := func(first, last, ns int64) depthsync.Output {
			return s.Depth(ns, &connector.Message{FirstID: first, LastID: last, PrevID: first - 1, HasPrevID: true,
				ExchTimestampNs: ns, Events: make([]hft.Event, 2)})
		}
		difference(9, 12, 1)
		s.Snapshot(2, &connector.Message{LastID: 100, Events: make([]hft.Event, 3)})
		out := difference(99, 102, 2)
		if out.Stale == "" || !out.Gap || !out.Ready || len(out.Events) != 5 || out.NeedSnapshot || out.StaleSnapshot ||
			s.State() != depthsync.Synced {
			t.Errorf("rule %v, a snapshot that fits: %+v", rule, out)
		}
		// One that the stream passed is none for a later gap.
		s.Snapshot(4, &connector.Message{LastID: 103, Events: make([]hft.Event, 3)})
		difference(103, 110, 3)
		out = difference(200, 210, 4)
		if out.Stale == "" || out.Ready || !out.NeedSnapshot || out.StaleSnapshot {
			t.Errorf("rule %v, a snapshot of before: %+v", rule, out)
		}
	}
}
