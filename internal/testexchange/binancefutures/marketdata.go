package binancefutures

import (
	"time"

	"hftrunner/hft"
	"hftrunner/internal/testexchange/binance"
	"hftrunner/internal/testexchange/market"
	"hftrunner/internal/testexchange/venue"
)

func levels(s *market.Symbol, list []market.Level) [][2]string { return venue.Levels(s, list) }

// encode writes a message that is made of plain fields only.
func encode(value any) []byte {
	body, err := binance.Marshal(value)
	if err != nil {
		return []byte("{}")
	}
	return body
}

// publishMarket sends trades, best prices and, without delay, differences.
func (v *Venue) publishMarket(nowNs int64, m *market.Market, events []market.Event) {
	touched := map[*bookStreams]bool{}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case market.LevelChanged:
			b := v.bookOf(e.Symbol)
			if !touched[b] && b.stale == nil {
				b.stale = &snapshot{LastUpdateID: e.UpdateID - 1, E: milliseconds(e.TimeNs), T: milliseconds(e.TimeNs), Bids: [][2]string{}, Asks: [][2]string{}}
			}
			b.level(e)
			touched[b] = true
		case market.Traded:
			v.trade(v.bookOf(e.Symbol), e)
		}
	}
	for _, name := range m.Symbols() {
		b := v.books[name]
		if b == nil || !touched[b] {
			continue
		}
		v.bookTicker(nowNs, m, b)
		for _, d := range b.depths {
			if d.interval == 0 && nowNs >= b.frozenUntilNs {
				v.flush(nowNs, m, b, d)
			}
		}
	}
}

type tradeMessage struct {
	Event string `json:"e"`
	E     int64  `json:"E"`
	T     int64  `json:"T"`
	S     string `json:"s"`
	ID    int64  `json:"t"`
	Price string `json:"p"`
	Qty   string `json:"q"`
	X     string `json:"X"`
	Maker bool   `json:"m"`
}

// aggTrade is the message of several trades at one price by one side.
type aggTrade struct {
	Event string `json:"e"`
	E     int64  `json:"E"`
	S     string `json:"s"`
	ID    int64  `json:"a"`
	Price string `json:"p"`
	Qty   string `json:"q"`
	NQ    string `json:"nq"`
	First int64  `json:"f"`
	Last  int64  `json:"l"`
	T     int64  `json:"T"`
	Maker bool   `json:"m"`

	lots, tick, startNs int64
}

func (v *Venue) trade(b *bookStreams, e *market.Event) {
	buyerIsMaker := e.Side == hft.Sell
	v.broadcast(b.lower+"@trade", func() []byte {
		return encode(tradeMessage{Event: "trade", E: milliseconds(e.TimeNs), T: milliseconds(e.TimeNs), S: e.Symbol.Name, ID: e.TradeID,
			Price: e.Symbol.Tick.Format(e.PriceTicks), Qty: e.Symbol.Lot.Format(e.QtyLots), X: "MARKET", Maker: buyerIsMaker})
	})
	if a := b.agg; a != nil && (a.tick != e.PriceTicks || a.Maker != buyerIsMaker || e.TimeNs-a.startNs >= int64(aggInterval)) {
		v.flushAgg(b)
	}
	if b.agg == nil {
		b.aggID++
		b.agg = &aggTrade{Event: "aggTrade", S: e.Symbol.Name, ID: b.aggID, Price: e.Symbol.Tick.Format(e.PriceTicks), First: e.TradeID,
			Maker: buyerIsMaker, tick: e.PriceTicks, startNs: e.TimeNs}
	}
	b.agg.lots += e.QtyLots
	b.agg.Last, b.agg.T = e.TradeID, milliseconds(e.TimeNs)
}

// aggInterval is how long trades are aggregated.
const aggInterval = 100 * time.Millisecond

func (v *Venue) flushAgg(b *bookStreams) {
	a := b.agg
	b.agg = nil
	v.broadcast(b.lower+"@aggTrade", func() []byte {
		a.E = a.T
		a.Qty = b.symbol.Lot.Format(a.lots)
		a.NQ = a.Qty
		return encode(a)
	})
}

type bookTicker struct {
	Event  string `json:"e"`
	ID     int64  `json:"u"`
	S      string `json:"s"`
	Bid    string `json:"b"`
	BidQty string `json:"B"`
	Ask    string `json:"a"`
	AskQty string `json:"A"`
	T      int64  `json:"T"`
	E      int64  `json:"E"`
}

func (v *Venue) bookTicker(nowNs int64, m *market.Market, b *bookStreams) {
	bids, asks, id, _ := m.Book(b.symbol.Name, 1) // the symbol is one of the market's
	if len(bids) == 0 || len(asks) == 0 || bids[0] == b.bid && asks[0] == b.ask {
		return
	}
	b.bid, b.ask = bids[0], asks[0]
	payload := func() []byte {
		s := b.symbol
		return encode(bookTicker{Event: "bookTicker", ID: id, S: s.Name, Bid: s.Tick.Format(b.bid.PriceTicks), BidQty: s.Lot.Format(b.bid.QtyLots),
			Ask: s.Tick.Format(b.ask.PriceTicks), AskQty: s.Lot.Format(b.ask.QtyLots), T: milliseconds(b.lastNs), E: milliseconds(nowNs)})
	}
	v.broadcast(b.lower+"@bookTicker", payload)
	v.broadcast("!bookTicker", payload)
}

// tickAgg sends aggregated trades whose time is over.
func (v *Venue) tickAgg(nowNs int64) {
	for _, b := range v.books {
		if b.agg != nil && nowNs-b.agg.startNs >= int64(aggInterval) {
			v.flushAgg(b)
		}
	}
}
