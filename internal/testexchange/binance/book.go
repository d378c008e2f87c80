package binance

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// book are the streams of one symbol's book.
type book struct {
	symbol  *market.Symbol
	lower   string
	streams []*depthStream
	// bid and ask are the best levels as the ticker had them last.
	bid, ask market.Level
	// agg is the aggregate that may still grow.
	agg   *TradeUpdate
	aggID int64
	// beforeFirst is an id from before every difference.
	beforeFirst int64
	// frozenUntilNs holds differences back; changedNs is when the book changed last.
	frozenUntilNs, changedNs int64
}

// depthStream is one speed of a book's differences or of its best levels. It runs whether anybody listens or not.
type depthStream struct {
	name     string
	interval time.Duration
	partial  int // best levels, 0 for differences
	dueNs    int64
	changes  map[levelKey]int64
	// first and last are the ids of the changes that wait, prev the last id that was sent.
	first, last, prev int64
	skip              int
}

type levelKey struct {
	side hft.Side
	tick int64
}

// PartialLevels are the numbers of levels that a stream of the best ones can have.
func PartialLevels() []int { return []int{5, 10, 20} }

// DepthStream reads the part of a stream's name after the symbol, such as depth5@100ms, with the speeds of a venue.
func DepthStream(kind string, speeds map[string]time.Duration) (levels int, ok bool) {
	base, speed, fast := strings.Cut(kind, "@")
	if fast {
		speed = "@" + speed
	}
	text, depth := strings.CutPrefix(base, "depth")
	if _, known := speeds[speed]; !known || !depth {
		return 0, false
	}
	if text == "" {
		return 0, true
	}
	levels, err := strconv.Atoi(text)
	return levels, err == nil && strconv.Itoa(levels) == text && slices.Contains(PartialLevels(), levels)
}

func (d *MarketData) book(s *market.Symbol) *book {
	b := d.books[s.Name]
	if b != nil {
		return b
	}
	b = &book{symbol: s, lower: strings.ToLower(s.Name)}
	for _, levels := range append([]int{0}, PartialLevels()...) {
		name := b.lower + "@depth"
		if levels > 0 {
			name += strconv.Itoa(levels)
		}
		for _, speed := range slices.Sorted(maps.Keys(d.speeds)) {
			b.streams = append(b.streams, &depthStream{name: name + speed, interval: d.speeds[speed], partial: levels,
				changes: map[levelKey]int64{}})
		}
	}
	d.books[s.Name] = b
	return b
}

// level notes a change for the streams.
func (b *book) level(e *market.Event) {
	if b.changedNs == 0 {
		b.beforeFirst = e.UpdateID - 1
	}
	b.changedNs = e.TimeNs
	for _, s := range b.streams {
		if s.first == 0 {
			s.first = e.UpdateID
		}
		s.last = e.UpdateID
		if s.partial == 0 {
			s.changes[levelKey{e.Side, e.PriceTicks}] = e.QtyLots
		}
	}
}

// flush sends what a stream has, when it is due.
func (d *MarketData) flush(nowNs int64, m *market.Market, b *book, s *depthStream) {
	if nowNs < s.dueNs {
		return
	}
	if s.interval > 0 {
		s.dueNs = nowNs - nowNs%int64(s.interval) + int64(s.interval)
	}
	if s.first == 0 {
		return
	}
	if s.skip == 0 && len(d.core.Hub.Subscribers(s.name)) > 0 { // a gap that nobody sees is none
		if f, hit := d.core.Faults.Hit(fault.DepthGap, s.name); hit {
			s.skip = f.ValueOr(1)
		}
	}
	if s.skip > 0 {
		s.skip--
	} else {
		d.Broadcast(s.name, func() any { return d.update(nowNs, m, b, s) })
	}
	s.prev, s.first = s.last, 0
	clear(s.changes)
}

func (d *MarketData) update(nowNs int64, m *market.Market, b *book, s *depthStream) any {
	if s.partial > 0 {
		return d.wording.PartialDepth(b.levels(nowNs, m, s.partial))
	}
	u := &DepthUpdate{Symbol: b.symbol, NowMs: Milliseconds(nowNs), ChangedMs: Milliseconds(b.changedNs),
		FirstID: s.first, LastID: s.last, PrevID: s.prev, Bids: [][2]string{}, Asks: [][2]string{}}
	for _, k := range slices.SortedFunc(maps.Keys(s.changes),
		func(x, y levelKey) int { return cmp.Compare(x.tick, y.tick) }) {
		row := [2]string{b.symbol.Tick.Format(k.tick), b.symbol.Lot.Format(s.changes[k])}
		if k.side == hft.Buy {
			u.Bids = append(u.Bids, row)
		} else {
			u.Asks = append(u.Asks, row)
		}
	}
	return d.wording.Depth(u)
}

// levels returns the best levels of a book.
func (b *book) levels(nowNs int64, m *market.Market, limit int) *DepthUpdate {
	bids, asks, id, _ := m.Book(b.symbol.Name, limit) // the symbol is one of the market's
	return &DepthUpdate{Symbol: b.symbol, NowMs: Milliseconds(nowNs), ChangedMs: Milliseconds(b.changedNs), LastID: id,
		FirstID: id, Bids: venue.Levels(b.symbol, bids), Asks: venue.Levels(b.symbol, asks)}
}

// Snapshot answers a request for the book with the faults of such requests. refuse words an unknown symbol.
func (d *MarketData) Snapshot(c *Call, limit int, refuse func(error) *Error) (any, *Error) {
	var out *DepthUpdate
	var bad *Error
	d.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(c.Params["symbol"])
		if err != nil {
			bad = refuse(err)
			return
		}
		b := d.book(s)
		if _, hit := d.core.Faults.Hit(fault.StaleSnapshot, c.What); hit {
			out = &DepthUpdate{Symbol: s, NowMs: Milliseconds(nowNs), ChangedMs: Milliseconds(nowNs),
				LastID: b.beforeFirst, Bids: [][2]string{}, Asks: [][2]string{}}
			return
		}
		if f, hit := d.core.Faults.Hit(fault.AheadSnapshot, c.What); hit {
			b.frozenUntilNs = nowNs + int64(f.DurationOr(500*time.Millisecond))
		}
		out = b.levels(nowNs, m, limit)
	})
	if bad != nil {
		return nil, bad
	}
	if f, hit := d.core.Faults.Hit(fault.SnapshotDelay, c.What); hit {
		if d.core.Wait(c.HTTP.Context(), f.DurationOr(100*time.Millisecond)) != nil {
			return nil, &Error{Abort: true}
		}
	}
	return d.wording.Snapshot(out), nil
}
