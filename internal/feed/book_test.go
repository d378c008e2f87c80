package feed_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
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
					e := &q.Events[i]
					best := e.Px
					if best == 0 { // there is none
						best = math.Inf(-int(e.Side()))
					}
					if q.Seq > depthSeq && q.Seq > t.seq && (e.Side() == side && float64(side)*px > float64(side)*best ||
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

// follower takes what reaches us and holds the book that is published against what the ids say.
type follower struct {
	t             *testing.T
	e             *exchange
	b             *feed.Book
	local         *sides
	announced     bool
	seq, quoteSeq int64 // of depth stream and quotes
	newest        *connector.Message
	known         knowledge
	wanted        bool // a snapshot is
	restarted     bool
	conns         [2]connection
	snapshots     []*connector.Message // on their way
	whole, quoted int
	emptied       int // sides that a quote said to be empty
}

// connection is what is on its way over one connection.
type connection struct {
	open           bool
	depths, quotes []*connector.Message
}

// take takes a message. After each one the book is either absent or what the ids say: the venue's book as of the newest
// difference when no quote is newer, and otherwise what was last said of each level, with the newest quote as its best.
// It is never crossed, never goes back, and a plain book can apply everything that is published.
func (f *follower) take(m *connector.Message) {
	t, b, e := f.t, f.b, f.e
	c := *m // what a second connection brings is another copy
	c.Events = slices.Clone(m.Events)
	out := b.Take(1, &c)
	f.stale(out.Stale)
	if err := f.local.apply(out.Events); err != nil {
		t.Fatal(err)
	}
	f.announced = f.announced || out.Ready
	f.wanted = f.wanted || out.NeedSnapshot
	for r, i := b.Report(), 0; i < 2; i++ {
		if what := &r.Found[[...]feed.Finding{feed.Mismatch, feed.Crossing}[i]]; what.N > 0 {
			t.Fatalf("after %s: %v", describe(m), what.First)
		}
	}
	if f.announced != b.Synced() {
		t.Fatalf("announced %t, synced %t", f.announced, b.Synced())
	}
	if f.announced && b.Seq() < f.seq && !out.Ready {
		t.Fatalf("after %s: the book goes back from %d to %d", describe(m), f.seq, b.Seq())
	}
	f.seq = b.Seq()
	switch {
	case m.Kind == connector.MessageBBO:
		if m.Seq > f.quoteSeq {
			f.quoteSeq, f.newest = m.Seq, m
			if f.known.quotes = append(f.known.quotes, m); f.announced && m.Seq > f.seq {
				f.known.take(m)
			}
		}
	case out.Ready || m.Kind == connector.MessageSnapshot && len(out.Events) > 0:
		f.known.begin(e.history[f.seq], f.seq)
		if f.quoteSeq > f.seq {
			f.known.quotes = []*connector.Message{f.newest} // the ones before were not kept
			f.known.take(f.newest)
		}
	case m.Kind == connector.MessageDepth && f.announced:
		f.known.pass(e.history[f.seq], f.seq)
	}
	f.check(m)
}

func describe(m *connector.Message) string {
	return fmt.Sprintf("a message of kind %d with ids %d to %d at %d", m.Kind, m.FirstID, m.LastID, m.Seq)
}

// stale notes that the book is lost, if there is a reason.
func (f *follower) stale(reason string) {
	if reason == "" {
		return
	}
	f.announced, f.local = false, newSides()
	f.quoteSeq, f.known.quotes = 0, nil
}

func (f *follower) check(m *connector.Message) {
	t, e := f.t, f.e
	if !f.announced {
		if len(f.local.bids)+len(f.local.asks) > 0 {
			t.Fatal("a book that is not announced has levels")
		}
		return
	}
	bid, ask := f.local.best()
	if bid >= ask {
		t.Fatalf("the book is crossed: %v and %v", bid, ask)
	}
	if f.quoteSeq <= f.seq {
		f.whole++
		if want := e.history[f.seq]; !f.local.equal(want) {
			t.Fatalf("rule %v, after %s: at %d the book is %v, the venue's %v", e.rule, describe(m), f.seq, f.local, want)
		}
		return
	}
	f.quoted++
	if want := f.known.book(f.seq); !f.local.equal(want) {
		t.Fatalf("rule %v, after %s: with quote %d the book is %v, want %v", e.rule, describe(m), f.quoteSeq, f.local, want)
	}
	for i := range f.newest.Events {
		q := &f.newest.Events[i]
		px := bid
		if q.Side() == hft.Sell {
			px = ask
		}
		if math.IsInf(px, 0) && q.Px == 0 {
			f.emptied++
			continue
		}
		if px != q.Px || f.local.of(q.Side())[px] != q.Qty {
			t.Fatalf("quote %d of %v x %v is the newest, the best is %v x %v", f.quoteSeq, q.Px, q.Qty, px, f.local.of(q.Side())[px])
		}
	}
}

// send puts a message of the venue on its way over a connection, or over both.
func (f *follower) send(m *connector.Message, over ...int) {
	for _, i := range over {
		switch c := &f.conns[i]; {
		case !c.open:
		case m.Kind == connector.MessageBBO:
			c.quotes = append(c.quotes, m)
		default:
			c.depths = append(c.depths, m)
		}
	}
}

// sendDepth sends what the depth stream of a connection has to say.
func (f *follower) sendDepth(i int) {
	s := f.e.streams[i]
	switch {
	case s.told == f.e.seq:
	case f.e.ownMessages():
		f.send(f.e.depth(s), i)
	default:
		f.send(f.e.depth(s), 0, 1)
	}
}

// open opens a connection, whose stream may begin with a snapshot.
func (f *follower) open(i int) {
	if f.conns[i].open {
		return
	}
	f.conns[i].open = true
	if f.e.rule == connector.RuleStreamed {
		f.send(f.e.snapshot(), i)
	}
}

// end ends a connection with what is on its way. Without any the stream is lost.
func (f *follower) end(i int) {
	f.lose(f.conns[i].depths)
	f.conns[i] = connection{}
	if !f.conns[1-i].open {
		f.stale(f.b.Lost("no connection").Stale)
		f.seq, f.wanted, f.quoteSeq, f.known.quotes = 0, false, 0, nil
	}
}

// lose loses messages. Who has asked for a snapshot asks again when none comes.
func (f *follower) lose(messages []*connector.Message) {
	f.wanted = f.wanted || !f.announced && slices.ContainsFunc(messages, func(m *connector.Message) bool { return m.Kind == connector.MessageSnapshot })
}

// answer has the venue make the snapshot that was asked for: by itself, or in the stream of a subscription that is made
// anew.
func (f *follower) answer(i int) {
	streamed := f.e.rule == connector.RuleStreamed
	if !f.wanted || streamed && !f.conns[i].open {
		return
	}
	if f.wanted = false; streamed {
		f.send(f.e.snapshot(), i)
	} else {
		f.snapshots = append(f.snapshots, f.e.snapshot())
	}
}

// deliver takes up to n of what is on its way.
func (f *follower) deliver(queue *[]*connector.Message, n int) {
	for ; n > 0 && len(*queue) > 0; n-- {
		m := (*queue)[0]
		*queue = (*queue)[1:]
		f.take(m)
	}
}

// step lets one thing happen.
func (f *follower) step() {
	e := f.e
	i := e.IntN(2)
	c := &f.conns[i]
	switch op := e.IntN(64); {
	case op < 16:
		for range 1 + e.IntN(3) {
			e.change()
			f.send(e.quote(), 0, 1)
		}
	case op < 26:
		f.sendDepth(i)
	case op < 40:
		f.deliver(&c.depths, 1+e.IntN(4))
	case op < 50:
		f.deliver(&c.quotes, 1+e.IntN(8))
	case op < 53:
		f.deliver(&f.snapshots, 1)
	case op < 55:
		f.answer(i)
	case op == 55: // a snapshot that nobody needs
		f.wanted = true
		f.answer(i)
	case op < 58: // a message comes twice
		if len(c.depths) > 0 {
			f.take(c.depths[0])
		}
	case op == 58: // is lost; a snapshot of the stream is not, but with the connection
		if len(c.depths) > 0 && c.depths[0].Kind == connector.MessageDepth {
			c.depths = c.depths[1:]
		}
	case op == 59: // comes too early
		if len(c.depths) > 1 && c.depths[0].Kind == connector.MessageDepth && c.depths[1].Kind == connector.MessageDepth {
			c.depths[0], c.depths[1] = c.depths[1], c.depths[0]
		}
	case op == 60:
		f.end(i)
	case op == 61:
		// Nothing tells which of two starts a message with the next id belongs to: while one is on its way there is no
		// other.
		if settled := f.announced && len(f.conns[0].depths)+len(f.conns[1].depths) == 0; e.rule == connector.RuleStreamed && (settled || !f.restarted) {
			f.restarted = true
			f.send(e.restart(), 0, 1)
		}
	default:
		f.open(i)
	}
}

// settle lets everything come that is on its way, and the market go on for a while: then the book has to be there.
func (f *follower) settle() {
	f.open(0)
	for range 6 {
		for i := range f.conns {
			f.deliver(&f.conns[i].depths, math.MaxInt)
			f.deliver(&f.conns[i].quotes, math.MaxInt)
		}
		f.answer(0)
		f.deliver(&f.snapshots, math.MaxInt)
		f.e.set(hft.Buy, 90, float64(1+f.e.seq%7))
		f.e.set(hft.Buy, 91, float64(1+f.e.seq%5))
		f.sendDepth(0)
		f.sendDepth(1)
	}
	f.deliver(&f.conns[0].depths, math.MaxInt)
	f.deliver(&f.conns[1].depths, math.MaxInt)
	if !f.b.Synced() || f.b.Seq() != f.e.seq || !f.local.equal(f.e.book) {
		f.t.Fatalf("rule %v: in the end the book is there: %t, at %d; the venue is at %d", f.e.rule, f.b.Synced(), f.b.Seq(), f.e.seq)
	}
}

// follow follows a venue by a rule for as long as there is more.
func follow(t *testing.T, c choices, rule connector.Rule, more func() bool) *follower {
	b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: rule, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, e: newExchange(c, rule), b: b, local: newSides()}
	f.open(0)
	for more() {
		f.step()
	}
	f.settle()
	return f
}

// TestBookIsTheVenuesOrAbsent: depth stream and quote stream reach us with any delay of one against the other, over two
// connections that come, overlap and go, with messages lost, repeated and swapped, snapshots late and services that
// start anew.
func TestBookIsTheVenuesOrAbsent(t *testing.T) {
	if raceDetector {
		t.Skip("nothing is concurrent here")
	}
	whole, quoted, emptied := 0, 0, 0
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			n := 0
			f := follow(t, rand.New(rand.NewPCG(seed, 7)), connector.RuleFutures+connector.Rule(seed%3), func() bool { n++; return n < 800 })
			whole, quoted, emptied = whole+f.whole, quoted+f.quoted, emptied+f.emptied
		})
	}
	t.Logf("compared as a whole %d times, with a quote as the newest %d times, of empty sides %d", whole, quoted, emptied)
	if whole < 10_000 || quoted < 10_000 || emptied < 100 {
		t.Errorf("compared as a whole %d times, with a quote as the newest %d times, of empty sides %d: the test shows little", whole, quoted, emptied)
	}
}

// script are choices one byte each, and the first ones once they are used up.
type script struct{ rest []byte }

// IntN returns the next choice of n.
func (s *script) IntN(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

// FuzzSync: whatever happens, by the rule of each venue, the book is the venue's or absent, and in the end it is the
// venue's.
func FuzzSync(f *testing.F) {
	f.Add([]byte{})
	// A quote says again what a level is that a depth message before it has removed, and then comes a snapshot.
	f.Add([]byte("00A00010A1#011%110A00000000000001\x7f0|0000202000000000000020000A00011Z00A10000000X0A1%0110100~0A101000110000018"))
	// An old snapshot does not have a level that a difference and a quote have said since to be what it had been.
	f.Add([]byte("000000000000000000A270000010710007020A20110010001100X0A00000070000A20100&012081000X1\xff0A101001101010X"))
	for seed := range byte(12) {
		long := make([]byte, 600)
		_, _ = rand.NewChaCha8([32]byte{seed}).Read(long)
		f.Add(long)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for rule := connector.RuleFutures; rule.Valid(); rule++ {
			s := &script{data[:min(len(data), 4000)]}
			follow(t, s, rule, func() bool { return len(s.rest) > 0 })
		}
	})
}
