package binance

import (
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// Wording encodes a venue's market data. Each method returns the JSON value to send.
type Wording interface {
	// Depth is a difference of the book, PartialDepth its best levels, Snapshot the answer of REST.
	Depth(*DepthUpdate) any
	PartialDepth(*DepthUpdate) any
	Snapshot(*DepthUpdate) any
	Trade(*TradeUpdate) any
	AggTrade(*TradeUpdate) any
	Ticker(*TickerUpdate) any
}

// DepthUpdate is a difference of a book, or some or all of its levels.
type DepthUpdate struct {
	Symbol *market.Symbol
	// NowMs is the send time, ChangedMs the time of the last change of the book.
	NowMs, ChangedMs int64
	// FirstID and LastID are the ids of its changes, PrevID the last id of the difference before it. Of levels only
	// LastID is set.
	FirstID, LastID, PrevID int64
	// Bids and Asks are price and quantity: of a difference by ascending price, of levels the best first.
	Bids, Asks [][2]string
}

// TradeUpdate is a trade, or several at one price by one side.
type TradeUpdate struct {
	Symbol *market.Symbol
	// ID is the trade's or the aggregate's; FirstID and LastID are the trades of an aggregate.
	ID, FirstID, LastID int64
	PriceTicks, QtyLots int64
	BuyerIsMaker        bool
	// NowMs is the send time, TradedMs the time of the last trade.
	NowMs, TradedMs int64

	startNs int64
}

// TickerUpdate is the best bid and ask.
type TickerUpdate struct {
	Symbol           *market.Symbol
	UpdateID         int64
	Bid, Ask         market.Level
	NowMs, ChangedMs int64
}

// MarketData turns the events of a market into the messages of streams. The core's lock guards it.
type MarketData struct {
	core    *venue.Core
	wording Wording
	// flows reports whether a connection on path gets a stream.
	flows  func(path, stream string) bool
	speeds map[string]time.Duration
	books  map[string]*book
}

// aggInterval is the aggregation interval of trades.
const aggInterval = 100 * time.Millisecond

// NewMarketData returns the market data of a core. speeds are the intervals of depth streams by the end of their names,
// 0 for one without delay.
func NewMarketData(core *venue.Core, wording Wording, speeds map[string]time.Duration, flows func(path,
	stream string) bool) *MarketData {
	return &MarketData{core: core, wording: wording, flows: flows, speeds: speeds, books: map[string]*book{}}
}

// Broadcast sends a payload, which is made when somebody gets it, to who has subscribed to a stream.
func (d *MarketData) Broadcast(stream string, payload func() any) {
	var raw, combined []byte
	for _, c := range d.core.Hub.Subscribers(stream) {
		if !d.flows(c.Path, stream) {
			continue
		}
		if raw == nil {
			raw = Encode(payload())
		}
		if !strings.HasSuffix(c.Path, "/stream") {
			c.Send(stream, raw)
			continue
		}
		if combined == nil {
			combined = Combined(stream, raw)
		}
		c.Send(stream, combined)
	}
}

// Publish sends trades, best prices and, without delay, differences.
func (d *MarketData) Publish(nowNs int64, m *market.Market, events []market.Event) {
	touched := map[*book]bool{}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case market.LevelChanged:
			b := d.book(e.Symbol)
			b.level(e)
			touched[b] = true
		case market.Traded:
			d.trade(d.book(e.Symbol), e)
		}
	}
	for _, name := range m.Symbols() {
		b := d.books[name]
		if b == nil || !touched[b] {
			continue
		}
		d.ticker(nowNs, m, b)
		for _, s := range b.streams {
			if s.interval == 0 && nowNs >= b.frozenUntilNs {
				d.flush(nowNs, m, b, s)
			}
		}
	}
}

// Tick sends what is due.
func (d *MarketData) Tick(nowNs int64, m *market.Market) {
	for _, name := range m.Symbols() {
		b := d.books[name]
		if b == nil {
			continue
		}
		if nowNs >= b.frozenUntilNs {
			for _, s := range b.streams {
				d.flush(nowNs, m, b, s)
			}
		}
		if b.agg != nil && nowNs-b.agg.startNs >= int64(aggInterval) {
			d.flushAgg(b)
		}
	}
}

// ChangedMs returns when the book of a symbol changed last.
func (d *MarketData) ChangedMs(s *market.Symbol) int64 { return Milliseconds(d.book(s).changedNs) }

func (d *MarketData) trade(b *book, e *market.Event) {
	u := &TradeUpdate{Symbol: e.Symbol, ID: e.TradeID, PriceTicks: e.PriceTicks, QtyLots: e.QtyLots,
		BuyerIsMaker: e.Side == hft.Sell, NowMs: Milliseconds(e.TimeNs), TradedMs: Milliseconds(e.TimeNs),
		startNs: e.TimeNs}
	d.Broadcast(b.lower+"@trade", func() any { return d.wording.Trade(u) })
	if a := b.agg; a != nil && (a.PriceTicks != u.PriceTicks || a.BuyerIsMaker != u.BuyerIsMaker ||
		e.TimeNs-a.startNs >= int64(aggInterval)) {
		d.flushAgg(b)
	}
	if b.agg == nil {
		b.aggID++
		first := *u
		first.ID, first.FirstID, first.QtyLots = b.aggID, e.TradeID, 0
		b.agg = &first
	}
	b.agg.QtyLots += e.QtyLots
	b.agg.LastID, b.agg.TradedMs, b.agg.NowMs = e.TradeID, u.TradedMs, u.NowMs
}

func (d *MarketData) flushAgg(b *book) {
	u := b.agg
	b.agg = nil
	d.Broadcast(b.lower+"@aggTrade", func() any { return d.wording.AggTrade(u) })
}

func (d *MarketData) ticker(nowNs int64, m *market.Market, b *book) {
	bids, asks, id, _ := m.Book(b.symbol.Name, 1) // the symbol is one of the market's
	if len(bids) == 0 || len(asks) == 0 || bids[0] == b.bid && asks[0] == b.ask {
		return
	}
	b.bid, b.ask = bids[0], asks[0]
	payload := func() any {
		return d.wording.Ticker(&TickerUpdate{Symbol: b.symbol, UpdateID: id, Bid: b.bid, Ask: b.ask,
			NowMs: Milliseconds(nowNs), ChangedMs: Milliseconds(b.changedNs)})
	}
	d.Broadcast(b.lower+"@bookTicker", payload)
	d.Broadcast("!bookTicker", payload)
}
