package bybit

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// intervals are the update intervals of the depths of a book.
func intervals() map[int]time.Duration {
	return map[int]time.Duration{1: 10 * time.Millisecond, 50: 20 * time.Millisecond, 200: 100 * time.Millisecond,
		1000: 200 * time.Millisecond}
}

// quietBest is after what time the best levels are sent again.
const quietBest = 3 * time.Second

// books is a symbol's book in all its depths.
type books struct {
	symbol *market.Symbol
	// changedNs and seq are of the last change.
	changedNs, seq int64
	feeds          map[int]*feed
	// lastTick and direction are of the last trade.
	lastTick  int64
	direction string
}

// feed is one depth of a book: a topic.
type feed struct {
	topic    string
	depth    int
	interval time.Duration
	// bids and asks are what has been sent, as of update u.
	bids, asks []market.Level
	u          int64
	sentNs     int64
	touched    bool
	// skip is the number of messages that a fault still leaves out.
	skip int
	// waiting are connections whose snapshot a fault holds back, with the time at which it is sent.
	waiting map[*wire.Conn]int64
}

type bookMessage struct {
	Topic string   `json:"topic"`
	Type  string   `json:"type"`
	TS    int64    `json:"ts"`
	Data  bookData `json:"data"`
	CTS   int64    `json:"cts"`
}

type bookData struct {
	Symbol string      `json:"s"`
	Bids   [][2]string `json:"b"`
	Asks   [][2]string `json:"a"`
	U      int64       `json:"u"`
	Seq    int64       `json:"seq"`
}

func (v *Venue) bookOf(s *market.Symbol) *books {
	b := v.books[s.Name]
	if b == nil {
		b = &books{symbol: s, feeds: map[int]*feed{}, direction: "PlusTick"}
		v.books[s.Name] = b
	}
	return b
}

// feedOf returns a depth of a book, which begins when it is first asked for.
func (v *Venue) feedOf(m *market.Market, s *market.Symbol, depth int) *feed {
	b := v.bookOf(s)
	f := b.feeds[depth]
	if f == nil {
		bids, asks, id, _ := m.Book(s.Name, depth) // the symbol is one of the market's
		f = &feed{topic: "orderbook." + strconv.Itoa(depth) + "." + s.Name, depth: depth, interval: intervals()[depth],
			bids: bids, asks: asks, u: id, waiting: map[*wire.Conn]int64{}}
		b.feeds[depth] = f
	}
	return f
}

func (b *books) message(nowNs int64, f *feed, kind string, bids, asks []market.Level) []byte {
	return encode(bookMessage{Topic: f.topic, Type: kind, TS: milliseconds(nowNs), CTS: milliseconds(b.changedNs),
		Data: bookData{Symbol: b.symbol.Name, Bids: levelTexts(b.symbol, bids), Asks: levelTexts(b.symbol, asks),
			U: f.u, Seq: b.seq}})
}

// levelTexts writes levels as the venue does: one that is gone has the quantity 0.
func levelTexts(s *market.Symbol, levels []market.Level) [][2]string {
	list := make([][2]string, 0, len(levels))
	for _, l := range levels {
		qty := "0"
		if l.QtyLots > 0 {
			qty = s.Lot.Format(l.QtyLots)
		}
		list = append(list, [2]string{s.Tick.Format(l.PriceTicks), qty})
	}
	return list
}

// subscribeBook sends a new subscriber the book as the others have it.
func (v *Venue) subscribeBook(nowNs int64, m *market.Market, c *wire.Conn, s *market.Symbol, depth int) {
	f := v.feedOf(m, s, depth)
	b := v.bookOf(s)
	if len(v.core.Hub.Subscribers(f.topic)) == 0 {
		f.refresh(m, b) // nobody has followed it
	}
	c.Subscribe(f.topic)
	if delay, hit := v.core.Faults.Hit(fault.SnapshotDelay, f.topic); hit {
		f.waiting[c] = nowNs + int64(delay.DurationOr(100*time.Millisecond))
		return
	}
	c.Send(f.topic, b.message(nowNs, f, "snapshot", f.bids, f.asks))
}

// unsubscribeBook removes a connection from a topic, or from all topics if that is empty.
func (v *Venue) unsubscribeBook(c *wire.Conn, topic string) {
	for _, b := range v.books {
		for _, f := range b.feeds {
			if topic == "" || f.topic == topic {
				delete(f.waiting, c)
			}
		}
	}
}

// tickBooks sends the depths that are due.
func (v *Venue) tickBooks(nowNs int64, m *market.Market) {
	for _, name := range m.Symbols() {
		b := v.books[name]
		if b == nil {
			continue
		}
		for _, depth := range slices.Sorted(maps.Keys(b.feeds)) {
			f := b.feeds[depth]
			if nowNs-f.sentNs >= int64(f.interval) && len(v.core.Hub.Subscribers(f.topic)) > 0 {
				v.flush(nowNs, m, b, f)
			}
			for c, atNs := range f.waiting {
				if nowNs >= atNs {
					delete(f.waiting, c)
					c.Send(f.topic, b.message(nowNs, f, "snapshot", f.bids, f.asks))
				}
			}
		}
	}
}

// refresh takes over what has changed of a depth and returns it.
func (f *feed) refresh(m *market.Market, b *books) (changedBids, changedAsks []market.Level) {
	if !f.touched {
		return nil, nil
	}
	f.touched = false
	bids, asks, _, _ := m.Book(b.symbol.Name, f.depth) // the symbol is one of the market's
	changedBids, changedAsks = difference(f.bids, bids), difference(f.asks, asks)
	f.bids, f.asks = bids, asks
	if len(changedBids)+len(changedAsks) > 0 {
		f.u++
	}
	return changedBids, changedAsks
}

// flush sends what has changed of a depth.
func (v *Venue) flush(nowNs int64, m *market.Market, b *books, f *feed) {
	bids, asks := f.refresh(m, b)
	if len(bids)+len(asks) == 0 {
		if f.depth == 1 && nowNs-f.sentNs >= int64(quietBest) {
			v.sendBook(nowNs, f, b.message(nowNs, f, "snapshot", f.bids, f.asks))
		}
		return
	}
	if f.skip == 0 && f.depth > 1 {
		if gap, hit := v.core.Faults.Hit(fault.DepthGap, f.topic); hit {
			f.skip = gap.ValueOr(1)
		}
	}
	if f.skip > 0 {
		f.skip--
		f.sentNs = nowNs
		return
	}
	_, again := v.core.Faults.Hit(fault.RestartSnapshot, f.topic)
	if again {
		f.u = 1
	}
	_, middle := v.core.Faults.Hit(fault.MidSnapshot, f.topic)
	if f.depth == 1 || again || middle {
		v.sendBook(nowNs, f, b.message(nowNs, f, "snapshot", f.bids, f.asks))
		return
	}
	v.sendBook(nowNs, f, b.message(nowNs, f, "delta", bids, asks))
	if len(f.bids) == 0 {
		return
	}
	if _, wrong := v.core.Faults.Hit(fault.WrongSnapshot, f.topic); wrong {
		bids = slices.Clone(f.bids)
		bids[len(bids)-1].QtyLots++
		v.sendBook(nowNs, f, b.message(nowNs, f, "snapshot", bids, f.asks))
	}
}

func (v *Venue) sendBook(nowNs int64, f *feed, payload []byte) {
	f.sentNs = nowNs
	for _, c := range v.core.Hub.Subscribers(f.topic) {
		if _, waits := f.waiting[c]; !waits {
			c.Send(f.topic, payload)
		}
	}
}

// difference returns what makes levels of before: the new quantities, 0 for those that are gone. Both are sorted alike.
func difference(before, levels []market.Level) []market.Level {
	was := make(map[int64]int64, len(before))
	for _, l := range before {
		was[l.PriceTicks] = l.QtyLots
	}
	var changed []market.Level
	for _, l := range levels {
		if was[l.PriceTicks] != l.QtyLots {
			changed = append(changed, l)
		}
		delete(was, l.PriceTicks)
	}
	for _, l := range before {
		if _, gone := was[l.PriceTicks]; gone {
			changed = append(changed, market.Level{PriceTicks: l.PriceTicks})
		}
	}
	return changed
}
