package binancespot

import (
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
)

// depthSpeeds are the speeds of depth streams.
func depthSpeeds() map[string]time.Duration {
	return map[string]time.Duration{"": time.Second, "@100ms": 100 * time.Millisecond}
}

// validStream reports whether a stream's name is well formed.
func validStream(name string) bool {
	symbol, kind, ok := strings.Cut(name, "@")
	if strings.HasPrefix(name, "!") {
		return len(name) > 1
	}
	if !ok || symbol == "" || strings.Trim(symbol, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return false
	}
	if _, depth := binance.DepthStream(kind, depthSpeeds()); depth {
		return true
	}
	switch kind {
	case "bookTicker", "trade", "aggTrade", "ticker", "miniTicker", "avgPrice":
		return true
	}
	return strings.HasPrefix(kind, "kline_")
}

// wording writes market data.
type wording struct{}

var _ binance.Wording = wording{}

type depthUpdate struct {
	Event string      `json:"e"`
	E     int64       `json:"E"`
	S     string      `json:"s"`
	First int64       `json:"U"`
	Last  int64       `json:"u"`
	Bids  [][2]string `json:"b"`
	Asks  [][2]string `json:"a"`
}

// Depth is a message of a depth stream. Its ids continue those of the message before it.
func (wording) Depth(u *binance.DepthUpdate) any {
	first := u.FirstID
	if u.PrevID != 0 {
		first = u.PrevID + 1
	}
	return depthUpdate{"depthUpdate", u.NowMs, u.Symbol.Name, first, u.LastID, u.Bids, u.Asks}
}

type snapshot struct {
	LastUpdateID int64       `json:"lastUpdateId"`
	Bids         [][2]string `json:"bids"`
	Asks         [][2]string `json:"asks"`
}

// PartialDepth has the fields of a snapshot, without a time.
func (w wording) PartialDepth(u *binance.DepthUpdate) any { return w.Snapshot(u) }

// Snapshot is the body of a REST book, without a time.
func (wording) Snapshot(u *binance.DepthUpdate) any { return snapshot{u.LastID, u.Bids, u.Asks} }

type tradeMessage struct {
	Event  string `json:"e"`
	E      int64  `json:"E"`
	S      string `json:"s"`
	ID     int64  `json:"t"`
	Price  string `json:"p"`
	Qty    string `json:"q"`
	T      int64  `json:"T"`
	Maker  bool   `json:"m"`
	Ignore bool   `json:"M"`
}

// Trade is a single trade; M is a dead field, always true.
func (wording) Trade(u *binance.TradeUpdate) any {
	return tradeMessage{"trade", u.NowMs, u.Symbol.Name, u.ID, u.Symbol.Tick.Format(u.PriceTicks),
		u.Symbol.Lot.Format(u.QtyLots), u.TradedMs, u.BuyerIsMaker, true}
}

type aggTrade struct {
	Event  string `json:"e"`
	E      int64  `json:"E"`
	S      string `json:"s"`
	ID     int64  `json:"a"`
	Price  string `json:"p"`
	Qty    string `json:"q"`
	First  int64  `json:"f"`
	Last   int64  `json:"l"`
	T      int64  `json:"T"`
	Maker  bool   `json:"m"`
	Ignore bool   `json:"M"`
}

// AggTrade is several trades at one price by one side.
func (wording) AggTrade(u *binance.TradeUpdate) any {
	return aggTrade{"aggTrade", u.NowMs, u.Symbol.Name, u.ID, u.Symbol.Tick.Format(u.PriceTicks),
		u.Symbol.Lot.Format(u.QtyLots), u.FirstID, u.LastID, u.TradedMs, u.BuyerIsMaker, true}
}

type bookTicker struct {
	ID     int64  `json:"u"`
	S      string `json:"s"`
	Bid    string `json:"b"`
	BidQty string `json:"B"`
	Ask    string `json:"a"`
	AskQty string `json:"A"`
}

// Ticker is the best bid and ask, without a type and without a time.
func (wording) Ticker(u *binance.TickerUpdate) any {
	s := u.Symbol
	return bookTicker{u.UpdateID, s.Name, s.Tick.Format(u.Bid.PriceTicks), s.Lot.Format(u.Bid.QtyLots),
		s.Tick.Format(u.Ask.PriceTicks), s.Lot.Format(u.Ask.QtyLots)}
}

const maxDepth = 5000

func depthWeight(p binance.Params) int {
	limit, _ := p.Int("limit")
	switch {
	case limit <= 100:
		return 5
	case limit <= 500:
		return 25
	case limit <= 1000:
		return 50
	}
	return 250
}

// depth answers a request for the book.
func (v *Venue) depth(c *binance.Call) (any, *binance.Error) {
	limit, bad := c.Params.Int("limit")
	if bad != nil || limit < 0 {
		return nil, binance.ErrMalformed("limit")
	}
	if limit == 0 {
		limit = 100
	}
	return v.market.Snapshot(c, int(min(limit, maxDepth)), func(error) *binance.Error { return binance.ErrSymbol() })
}
