package feed_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"hftrunner/connector"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/feed"
	"hftrunner/depth"
	"hftrunner/hft"
)

// levels are one side of a book, price to quantity.
type levels map[float64]float64

// sides is a book as anybody has it who applies what is published: no more than setting and clearing levels.
type sides struct{ bids, asks levels }

func newSides() *sides { return &sides{levels{}, levels{}} }

func (s *sides) of(side hft.Side) levels {
	if side == hft.Sell {
		return s.asks
	}
	return s.bids
}

func (s *sides) apply(rows []hft.Event) error {
	for i := range rows {
		row := &rows[i]
		switch row.Kind() {
		case hft.DepthClearEvent:
			if !math.IsNaN(row.Px) || row.Side() != hft.SideNone {
				return fmt.Errorf("clear row %+v", row)
			}
			clear(s.bids)
			clear(s.asks)
		case hft.DepthEvent, hft.DepthSnapshotEvent:
			if row.Qty > 0 {
				s.of(row.Side())[row.Px] = row.Qty
			} else {
				delete(s.of(row.Side()), row.Px)
			}
		case hft.TradeEvent:
		default:
			return fmt.Errorf("row %+v is published", row)
		}
	}
	return nil
}

func (s *sides) best() (bid, ask float64) {
	bid, ask = math.Inf(-1), math.Inf(1)
	for px := range s.bids {
		bid = max(bid, px)
	}
	for px := range s.asks {
		ask = min(ask, px)
	}
	return bid, ask
}

func (s *sides) equal(o *sides) bool { return maps.Equal(s.bids, o.bids) && maps.Equal(s.asks, o.asks) }

func (s *sides) clone() *sides { return &sides{maps.Clone(s.bids), maps.Clone(s.asks)} }

// exchange is a venue: a book in which one level changes at each sequence number.
type exchange struct {
	rng     *rand.Rand
	rule    depthsync.Rule
	seq     int64
	book    *sides
	history []*sides // by sequence number
	// The depth stream: the last sequence number and id it has told.
	told, lastID int64
	pending      map[hft.Side]levels
	net          bool
}

func newExchange(seed uint64) *exchange {
	rng := rand.New(rand.NewPCG(seed, 7))
	e := &exchange{rng: rng, rule: depthsync.Futures + depthsync.Rule(seed%3), book: newSides(), net: seed%6 == 2, pending: map[hft.Side]levels{}}
	e.history = append(e.history, e.book.clone())
	for range 20 {
		e.change()
	}
	e.depth() // nobody listens yet
	return e
}

// change changes one level; what a new level crosses is gone, each at a sequence number of its own.
func (e *exchange) change() {
	px := float64(100 + e.rng.IntN(24))
	bid, ask := e.book.best()
	side := hft.Buy
	if px >= ask || px > bid && e.rng.IntN(2) == 0 {
		side = hft.Sell
	}
	if e.rng.IntN(8) == 0 { // somebody takes: the first level of the other side goes
		if side = hft.Buy; e.rng.IntN(2) == 0 {
			side = hft.Sell
		}
		if px = bid; side == hft.Sell {
			px = ask
		}
		if !math.IsInf(px, 0) {
			e.set(side, px, 0)
		}
		return
	}
	qty := float64(e.rng.IntN(4))
	if qty > 0 {
		for other := range e.book.of(-side) {
			if side == hft.Buy && other <= px || side == hft.Sell && other >= px {
				e.set(-side, other, 0)
			}
		}
	}
	e.set(side, px, qty)
}

func (e *exchange) set(side hft.Side, px, qty float64) {
	if e.book.of(side)[px] == qty {
		return
	}
	if qty > 0 {
		e.book.of(side)[px] = qty
	} else {
		delete(e.book.of(side), px)
	}
	e.seq++
	e.history = append(e.history, e.book.clone())
	if e.pending[side] == nil {
		e.pending[side] = levels{}
	}
	e.pending[side][px] = qty
}

// depth is everything that has changed since the message before. A venue whose
// snapshots are not made in between may leave out what came and went.
func (e *exchange) depth() *connector.Message {
	m := &connector.Message{Kind: connector.MessageDepth, Seq: e.seq, ExchTimestampNs: e.seq, PrevID: e.lastID, HasPrevID: e.rule == depthsync.Futures}
	m.FirstID, m.LastID = e.told+1, e.seq
	if e.rule == depthsync.Streamed {
		m.FirstID, m.LastID = e.lastID+1, e.lastID+1
	}
	before := e.history[e.told]
	e.told, e.lastID = e.seq, m.LastID
	for side, changed := range e.pending {
		for px, qty := range changed {
			if e.net && before.of(side)[px] == qty {
				continue
			}
			m.Events = append(m.Events, event(hft.DepthEvent, side, px, qty, e.seq))
		}
	}
	clear(e.pending)
	return m
}

func event(kind uint64, side hft.Side, px, qty float64, exchNs int64) hft.Event {
	flag := hft.BuyEvent
	if side == hft.Sell {
		flag = hft.SellEvent
	}
	return hft.Event{Ev: hft.LocalEvent | kind | flag, Px: px, Qty: qty, ExchTimestampNs: exchNs}
}

func (e *exchange) snapshot() *connector.Message {
	m := &connector.Message{Kind: connector.MessageSnapshot, LastID: e.seq, Seq: e.seq, ExchTimestampNs: e.seq}
	book := e.book
	if e.rule == depthsync.Streamed { // it is the stream's
		m.LastID, m.Seq, book = e.lastID, e.told, e.history[e.told]
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		for px, qty := range book.of(side) {
			m.Events = append(m.Events, event(hft.DepthSnapshotEvent, side, px, qty, m.Seq))
		}
	}
	return m
}

// quote is the best of both sides; one without a time where the rule is spot's.
func (e *exchange) quote() *connector.Message {
	m := &connector.Message{Kind: connector.MessageBBO, LastID: e.seq, Seq: e.seq}
	if e.rule != depthsync.Spot {
		m.ExchTimestampNs = e.seq
	}
	bid, ask := e.book.best()
	if !math.IsInf(bid, 0) {
		m.Events = append(m.Events, event(hft.DepthBBOEvent, hft.Buy, bid, e.book.bids[bid], 1<<40))
	}
	if !math.IsInf(ask, 0) {
		m.Events = append(m.Events, event(hft.DepthBBOEvent, hft.Sell, ask, e.book.asks[ask], 1<<40))
	}
	return m
}

// told is what is known of one level, and as of which sequence number.
type told struct {
	seq int64
	qty float64
}

// knowledge is everything that depth messages and quotes have said, newest first: what the book has to be.
type knowledge struct {
	levels map[hft.Side]map[float64]told
	quotes []*connector.Message // newer than the depth stream
}

// begin takes the book that the depth stream has reached.
func (k *knowledge) begin(book *sides, seq int64) {
	k.levels = map[hft.Side]map[float64]told{hft.Buy: {}, hft.Sell: {}}
	for side, known := range k.levels {
		for px, qty := range book.of(side) {
			known[px] = told{seq, qty}
		}
	}
}

func (k *knowledge) take(m *connector.Message) {
	for i := range m.Events {
		if e := &m.Events[i]; k.levels[e.Side()][e.Px].seq <= m.Seq {
			k.levels[e.Side()][e.Px] = told{m.Seq, e.Qty}
		}
	}
}

// pass takes the book that the depth stream has reached for all levels of which nothing newer is known.
func (k *knowledge) pass(book *sides, seq int64) {
	for side, known := range k.levels {
		for px := range book.of(side) {
			if _, ok := known[px]; !ok {
				known[px] = told{}
			}
		}
		for px, t := range known {
			if t.seq <= seq {
				known[px] = told{seq, book.of(side)[px]}
			}
		}
	}
}

// book returns the levels: what was last said of each, and no level that a newer quote says not to be there.
func (k *knowledge) book(depthSeq int64) *sides {
	book := newSides()
	for side, known := range k.levels {
		for px, t := range known {
			for _, q := range k.quotes {
				for i := range q.Events {
					best := q.Events[i].Px
					if e := &q.Events[i]; q.Seq > depthSeq && q.Seq > t.seq && (e.Side() == side && float64(side)*px > float64(side)*best ||
						e.Side() != side && float64(side)*px >= float64(side)*best) {
						t = told{q.Seq, 0}
					}
				}
			}
			if t.qty > 0 {
				book.of(side)[px] = t.qty
			}
		}
	}
	return book
}

// TestBookIsTheVenuesOrAbsent: depth stream and quote stream reach us with any delay of one against the other, over two
// connections that overlap, with differences lost and snapshots late. After every message the book is either absent or
// what the ids say: the venue's book as of the newest difference when no quote is newer, and otherwise what was last said of
// each level, with the newest quote as its best. It is never crossed, and a plain book can apply everything that is published.
func TestBookIsTheVenuesOrAbsent(t *testing.T) {
	if raceDetector {
		t.Skip("nothing is concurrent here")
	}
	whole, quoted := 0, 0
	for seed := range uint64(200) {
		e := newExchange(seed)
		b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: e.rule, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		local := newSides()
		var depths, quotes, snapshots []*connector.Message
		var depthSeq, quoteSeq, toldSeq int64
		newest := e.quote()
		var known knowledge
		announced, wanted := false, e.rule == depthsync.Streamed
		take := func(m *connector.Message) {
			c := *m // what a second connection brings is another copy
			c.Events = append([]hft.Event(nil), m.Events...)
			out := b.Take(1, &c)
			if out.Stale != "" {
				announced, local = false, newSides()
				quoteSeq, known.quotes = 0, nil
			}
			if err := local.apply(out.Events); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			announced = announced || out.Ready
			wanted = wanted || out.NeedSnapshot
			switch {
			case m.Kind == connector.MessageBBO:
				if m.Seq > quoteSeq {
					quoteSeq, newest = m.Seq, m
					if known.quotes = append(known.quotes, m); announced && m.Seq > depthSeq {
						known.take(m)
					}
				}
			case m.Kind == connector.MessageDepth:
				if toldSeq = max(toldSeq, m.Seq); announced {
					depthSeq = toldSeq
				}
			case out.Ready: // with the differences that were held back
				depthSeq = max(toldSeq, m.Seq)
			case len(out.Events) > 0:
				depthSeq = max(depthSeq, m.Seq)
			}
			switch {
			case out.Ready || m.Kind == connector.MessageSnapshot && len(out.Events) > 0:
				known.begin(e.history[depthSeq], depthSeq)
				if quoteSeq > depthSeq {
					known.quotes = []*connector.Message{newest} // the ones before were not kept
					known.take(newest)
				}
			case m.Kind == connector.MessageDepth && announced:
				known.pass(e.history[depthSeq], depthSeq)
			}
			if r := b.Report(); r.Found[feed.Mismatch].N > 0 {
				t.Fatalf("seed %d: %v", seed, r.Found[feed.Mismatch].First)
			}
			if announced != b.Synced() {
				t.Fatalf("seed %d: announced %t, synced %t", seed, announced, b.Synced())
			}
			if !announced {
				if len(local.bids)+len(local.asks) > 0 {
					t.Fatalf("seed %d: a book that is not announced has levels", seed)
				}
				return
			}
			bid, ask := local.best()
			if bid >= ask {
				t.Fatalf("seed %d: the book is crossed: %v and %v", seed, bid, ask)
			}
			if quoteSeq <= depthSeq {
				whole++
				if want := e.history[depthSeq]; !local.equal(want) {
					t.Fatalf("seed %d, rule %v, after %+v: at %d the book is %v, the venue's %v", seed, e.rule, m, depthSeq, local, want)
				}
				return
			}
			quoted++
			if len(newest.Events) < 2 {
				return // a side is empty: which levels of it are gone the depth stream will say
			}
			if want := known.book(depthSeq); !local.equal(want) {
				t.Fatalf("seed %d, rule %v, after %+v: with quote %d the book is %v, want %v", seed, e.rule, m, quoteSeq, local, want)
			}
			for i := range newest.Events {
				q := &newest.Events[i]
				px := bid
				if q.Side() == hft.Sell {
					px = ask
				}
				if px != q.Px || local.of(q.Side())[px] != q.Qty {
					t.Fatalf("seed %d: quote %d of %v x %v is the newest, the best is %v x %v", seed, quoteSeq, q.Px, q.Qty, px, local.of(q.Side())[px])
				}
			}
		}
		for range 400 {
			for range e.rng.IntN(3) {
				e.change()
				quotes = append(quotes, e.quote())
			}
			if e.rng.IntN(3) == 0 && e.seq > e.told {
				m := e.depth()
				if e.rng.IntN(60) > 0 { // else it is lost
					depths = append(depths, m)
					if e.rng.IntN(8) == 0 {
						depths = append(depths, m)
					}
				}
			}
			if wanted && e.rng.IntN(4) == 0 || e.rng.IntN(20) == 0 { // or one that is not needed
				snapshot := e.snapshot()
				if wanted = false; e.rule == depthsync.Streamed {
					depths = append(depths, snapshot)
				} else {
					snapshots = append(snapshots, snapshot)
				}
			}
			for _, queue := range []*[]*connector.Message{&depths, &quotes, &snapshots} {
				for len(*queue) > 0 && e.rng.IntN(3) > 0 {
					take((*queue)[0])
					if e.rng.IntN(10) == 0 && (*queue)[0].Kind != connector.MessageSnapshot {
						take((*queue)[0])
					}
					*queue = (*queue)[1:]
				}
			}
		}
	}
	if whole < 5_000 || quoted < 5_000 {
		t.Errorf("compared as a whole %d times, with a quote as the newest %d times: the test shows little", whole, quoted)
	}
}

// TestQuoteIsOrderedByItsID: a spot quote has no time. Whatever the latency, the depth message that follows it is newer.
func TestQuoteIsOrderedByItsID(t *testing.T) {
	for _, latencyNs := range []int64{0, 10e6, 50e6} {
		b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: depthsync.Spot, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		book := depth.NewWindowMarketDepth(0.1, 0.001, depth.Fixed)
		const t0 = 1_700_000_000_000_000_000
		take := func(ms int64, m connector.Message) {
			localNs := t0 + ms*1e6 + latencyNs
			for i := range m.Events {
				m.Events[i].LocalTimestampNs = localNs
			}
			out := b.Take(localNs, &m)
			for i := range out.Events {
				depth.Apply(book, &out.Events[i])
			}
		}
		depthAt := func(ms, first, last int64, rows ...hft.Event) {
			for i := range rows {
				rows[i].ExchTimestampNs = t0 + ms*1e6
			}
			take(ms, connector.Message{Kind: connector.MessageDepth, FirstID: first, LastID: last, Seq: last, ExchTimestampNs: t0 + ms*1e6, Events: rows})
		}
		quoteAt := func(ms, id int64, px, qty float64) {
			localNs := t0 + ms*1e6 + latencyNs // in place of a time, as the decoder has it
			take(ms, connector.Message{Kind: connector.MessageBBO, LastID: id, Seq: id, Events: []hft.Event{
				event(hft.DepthBBOEvent, hft.Buy, px, qty, localNs), event(hft.DepthBBOEvent, hft.Sell, 100.5, 1, localNs)}})
		}
		bid := func(px, qty float64) hft.Event { return event(hft.DepthEvent, hft.Buy, px, qty, 0) }
		take(0, connector.Message{Kind: connector.MessageSnapshot, LastID: 1, Seq: 1, Events: []hft.Event{
			event(hft.DepthSnapshotEvent, hft.Buy, 100, 1, t0), event(hft.DepthSnapshotEvent, hft.Sell, 100.5, 1, t0)}})
		depthAt(0, 2, 2, bid(100.1, 5))
		quoteAt(60, 3, 100.1, 4)
		quoteAt(70, 4, 100.2, 1)
		depthAt(100, 3, 6, bid(100.1, 2), bid(100.2, 1)) // made 40 ms after the quote of 100.1
		if got := book.BidQtyAtTick(1001); got != 2 {
			t.Errorf("latency %d: at 100.1 the book has %v, the venue 2", latencyNs, got)
		}
		quoteAt(105, 5, 100.0, 9) // late: the depth message has passed it
		if got := book.BestBidTick(); got != 1002 {
			t.Errorf("latency %d: the best bid is %d after a quote that was older", latencyNs, got)
		}
		if n := found(b, feed.OutdatedQuote); n != 1 {
			t.Errorf("latency %d: %d outdated quotes", latencyNs, n)
		}
	}
}
