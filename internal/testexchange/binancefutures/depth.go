package binancefutures

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hftrunner/hft"
	"hftrunner/internal/testexchange/binance"
	"hftrunner/internal/testexchange/fault"
	"hftrunner/internal/testexchange/market"
)

// bookStreams are the streams of one symbol's book.
type bookStreams struct {
	symbol *market.Symbol
	lower  string
	depths []*depthStream
	// bid and ask are the best levels as bookTicker had them last.
	bid, ask market.Level
	// agg is the aggregated trade that may still grow.
	agg   *aggTrade
	aggID int64
	// stale is a snapshot from before every update that was sent.
	stale *snapshot
	// frozenUntilNs holds updates back.
	frozenUntilNs int64
	// last is the exchange time of the latest change.
	lastNs int64
}

// depthStream is a stream of differences: one speed of one symbol. It runs whether anybody listens or not.
type depthStream struct {
	name     string
	interval time.Duration
	partial  int // levels of a partial book, 0 for differences
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

// depthSpeeds are the speeds with the ends of their streams' names. The one without delay is undocumented and used.
func depthSpeeds() map[string]time.Duration {
	return map[string]time.Duration{"": 250 * time.Millisecond, "@250ms": 250 * time.Millisecond, "@500ms": 500 * time.Millisecond,
		"@100ms": 100 * time.Millisecond, "@0ms": 0}
}

const classPublic, classMarket, classPrivate = "public", "market", "private"

// streamClass returns the path that a stream flows on, "" for a name that is not well formed. The trade stream, which
// is not documented, is seen with the book and not with the market's.
func streamClass(name string) string {
	if name == "!bookTicker" {
		return classPublic
	}
	symbol, kind, ok := strings.Cut(name, "@")
	if !ok || symbol == "" {
		if strings.HasPrefix(name, "!") {
			return classMarket
		}
		return ""
	}
	for _, r := range symbol {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return ""
		}
	}
	base, speed, _ := strings.Cut(kind, "@")
	switch {
	case base == "bookTicker", base == "trade":
		return classPublic
	case strings.HasPrefix(base, "depth"):
		_, known := depthSpeeds()["@"+speed]
		levels := strings.TrimPrefix(base, "depth")
		if speed != "" && !known || !slices.Contains([]string{"", "5", "10", "20"}, levels) {
			return ""
		}
		return classPublic
	case base == "aggTrade", base == "markPrice", base == "ticker", base == "miniTicker", base == "forceOrder", base == "compositeIndex",
		strings.HasPrefix(base, "kline_"):
		return classMarket
	}
	return ""
}

func validStream(name string) bool { return streamClass(name) != "" }

// flows reports which streams a connection gets by its path; unrouted ones get the book.
func (v *Venue) flows(path, class string) bool {
	for _, c := range []string{classPublic, classMarket, classPrivate} {
		if strings.HasPrefix(path, "/"+c+"/") {
			return c == class
		}
	}
	return class == classPublic || v.options.Unrouted
}

// broadcast sends a payload to who has subscribed to a stream.
func (v *Venue) broadcast(stream string, payload func() []byte) {
	var raw, combined []byte
	class := streamClass(stream)
	for _, c := range v.core.Hub.Subscribers(stream) {
		if !v.flows(c.Path, class) {
			continue
		}
		if raw == nil {
			raw = payload()
		}
		if !strings.HasSuffix(c.Path, "/stream") {
			c.Send(stream, raw)
			continue
		}
		if combined == nil {
			combined = binance.Combined(stream, raw)
		}
		c.Send(stream, combined)
	}
}

func (v *Venue) bookOf(s *market.Symbol) *bookStreams {
	b := v.books[s.Name]
	if b == nil {
		b = &bookStreams{symbol: s, lower: strings.ToLower(s.Name)}
		for end, interval := range depthSpeeds() {
			for _, levels := range []int{0, 5, 10, 20} {
				name := b.lower + "@depth"
				if levels > 0 {
					name += strconv.Itoa(levels)
				}
				b.depths = append(b.depths, &depthStream{name: name + end, interval: interval, partial: levels, changes: map[levelKey]int64{}})
			}
		}
		slices.SortFunc(b.depths, func(x, y *depthStream) int { return cmp.Compare(x.name, y.name) })
		v.books[s.Name] = b
	}
	return b
}

// level notes a change of the book for its streams.
func (b *bookStreams) level(e *market.Event) {
	b.lastNs = e.TimeNs
	for _, d := range b.depths {
		if d.first == 0 {
			d.first = e.UpdateID
		}
		d.last = e.UpdateID
		if d.partial == 0 {
			d.changes[levelKey{e.Side, e.PriceTicks}] = e.QtyLots
		}
	}
}

// flushDepth sends the updates that are due.
func (v *Venue) flushDepth(nowNs int64, m *market.Market) {
	for _, name := range m.Symbols() {
		if b := v.books[name]; b != nil && nowNs >= b.frozenUntilNs {
			for _, d := range b.depths {
				v.flush(nowNs, m, b, d)
			}
		}
	}
}

func (v *Venue) flush(nowNs int64, m *market.Market, b *bookStreams, d *depthStream) {
	if nowNs < d.dueNs {
		return
	}
	if d.interval > 0 {
		d.dueNs = nowNs - nowNs%int64(d.interval) + int64(d.interval)
	}
	if d.first == 0 {
		return
	}
	if d.skip == 0 && len(v.core.Hub.Subscribers(d.name)) > 0 { // a gap that nobody sees is none
		if f, hit := v.core.Faults.Hit(fault.DepthGap, d.name); hit {
			d.skip = f.ValueOr(1)
		}
	}
	if d.skip > 0 {
		d.skip--
	} else {
		v.broadcast(d.name, func() []byte { return d.message(nowNs, m, b) })
	}
	d.prev, d.first = d.last, 0
	clear(d.changes)
}

// depthUpdate is a message of a depth stream.
type depthUpdate struct {
	Event string      `json:"e"`
	E     int64       `json:"E"`
	T     int64       `json:"T"`
	S     string      `json:"s"`
	First int64       `json:"U"`
	Last  int64       `json:"u"`
	Prev  int64       `json:"pu"`
	Bids  [][2]string `json:"b"`
	Asks  [][2]string `json:"a"`
}

func (d *depthStream) message(nowNs int64, m *market.Market, b *bookStreams) []byte {
	u := depthUpdate{Event: "depthUpdate", E: milliseconds(nowNs), T: milliseconds(b.lastNs), S: b.symbol.Name, First: d.first, Last: d.last,
		Prev: d.prev, Bids: [][2]string{}, Asks: [][2]string{}}
	if d.partial > 0 {
		bids, asks, _, _ := m.Book(b.symbol.Name, d.partial) // the symbol is one of the market's
		u.Bids, u.Asks = levels(b.symbol, bids), levels(b.symbol, asks)
		return encode(u)
	}
	keys := slices.SortedFunc(maps.Keys(d.changes), func(x, y levelKey) int { return cmp.Compare(x.tick, y.tick) })
	for _, k := range keys {
		row := [2]string{b.symbol.Tick.Format(k.tick), b.symbol.Lot.Format(d.changes[k])}
		if k.side == hft.Buy {
			u.Bids = append(u.Bids, row)
		} else {
			u.Asks = append(u.Asks, row)
		}
	}
	return encode(u)
}

// snapshot is the body of a REST book.
type snapshot struct {
	LastUpdateID int64       `json:"lastUpdateId"`
	E            int64       `json:"E"`
	T            int64       `json:"T"`
	Bids         [][2]string `json:"bids"`
	Asks         [][2]string `json:"asks"`
}

const maxSnapshot = 1000

func depthWeight(p binance.Params) int {
	limit, _ := p.Int("limit")
	switch {
	case limit == 0 || limit == 500:
		return 10
	case limit <= 50:
		return 2
	case limit == 100:
		return 5
	}
	return 20
}

// depth answers a request for the book.
func (v *Venue) depth(c *binance.Call) (any, *binance.Error) {
	limit, bad := c.Params.Int("limit")
	if bad != nil {
		return nil, bad
	}
	if limit == 0 {
		limit = 500
	}
	if !slices.Contains([]int64{5, 10, 20, 50, 100, 500, 1000}, limit) {
		return nil, &binance.Error{Code: -4021, Msg: "Limit is not a valid depth limit."}
	}
	var out *snapshot
	v.core.Do(func(nowNs int64, m *market.Market) {
		s, err := m.Symbol(c.Params["symbol"])
		if err != nil {
			bad = refusal(err, nil)
			return
		}
		b := v.bookOf(s)
		if _, hit := v.core.Faults.Hit(fault.StaleSnapshot, c.What); hit && b.stale != nil {
			stale := *b.stale
			out = &stale
			return
		}
		if f, hit := v.core.Faults.Hit(fault.AheadSnapshot, c.What); hit {
			b.frozenUntilNs = nowNs + int64(f.DurationOr(500*time.Millisecond))
		}
		out = v.snapshot(nowNs, m, b, int(limit))
	})
	if bad != nil {
		return nil, bad
	}
	if f, hit := v.core.Faults.Hit(fault.SnapshotDelay, c.What); hit {
		if v.core.Wait(c.HTTP.Context(), f.DurationOr(100*time.Millisecond)) != nil {
			return nil, &binance.Error{Abort: true}
		}
	}
	out.Bids, out.Asks = out.Bids[:min(int(limit), len(out.Bids))], out.Asks[:min(int(limit), len(out.Asks))]
	return out, nil
}

func (v *Venue) snapshot(nowNs int64, m *market.Market, b *bookStreams, limit int) *snapshot {
	bids, asks, id, _ := m.Book(b.symbol.Name, limit) // the symbol is one of the market's
	return &snapshot{LastUpdateID: id, E: milliseconds(nowNs), T: milliseconds(b.lastNs), Bids: levels(b.symbol, bids), Asks: levels(b.symbol, asks)}
}
