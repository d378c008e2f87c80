package binancefutures

import (
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
)

// depthSpeeds are the speeds of depth streams. The one without delay is undocumented and used.
func depthSpeeds() map[string]time.Duration {
	return map[string]time.Duration{"": 250 * time.Millisecond, "@250ms": 250 * time.Millisecond,
		"@500ms": 500 * time.Millisecond, "@100ms": 100 * time.Millisecond, "@0ms": 0}
}

const classPublic, classMarket, classPrivate = "public", "market", "private"

// streamClass returns the path that a stream flows on, "" for a name that is not well formed. The trade stream, which
// is not documented, is seen with the book and not with the market's.
func streamClass(name string) string {
	if name == "!bookTicker" {
		return classPublic
	}
	if strings.HasPrefix(name, "!") {
		return classMarket
	}
	symbol, kind, ok := strings.Cut(name, "@")
	if !ok || symbol == "" || strings.Trim(symbol, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return ""
	}
	if _, depth := binance.DepthStream(kind, depthSpeeds()); depth || kind == "bookTicker" || kind == "trade" {
		return classPublic
	}
	base, _, _ := strings.Cut(kind, "@")
	switch base {
	case "aggTrade", "markPrice", "ticker", "miniTicker", "forceOrder", "compositeIndex":
		return classMarket
	}
	if strings.HasPrefix(base, "kline_") {
		return classMarket
	}
	return ""
}

func validStream(name string) bool { return streamClass(name) != "" }

// flows reports whether a connection gets a stream by its path; unrouted ones get the book.
func (v *Venue) flows(path, stream string) bool {
	class := streamClass(stream)
	for _, c := range []string{classPublic, classMarket, classPrivate} {
		if strings.HasPrefix(path, "/"+c+"/") {
			return c == class
		}
	}
	return class == classPublic || v.options.Unrouted
}

// wording writes market data.
type wording struct{}

var _ binance.Wording = wording{}

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

// Depth is a message of a depth stream.
func (wording) Depth(u *binance.DepthUpdate) any {
	return depthUpdate{"depthUpdate", u.NowMs, u.ChangedMs, u.Symbol.Name, u.FirstID, u.LastID, u.PrevID, u.Bids,
		u.Asks}
}

// PartialDepth has the fields of a difference.
func (w wording) PartialDepth(u *binance.DepthUpdate) any { return w.Depth(u) }

type snapshot struct {
	LastUpdateID int64       `json:"lastUpdateId"`
	E            int64       `json:"E"`
	T            int64       `json:"T"`
	Bids         [][2]string `json:"bids"`
	Asks         [][2]string `json:"asks"`
}

// Snapshot is the body of a REST book.
func (wording) Snapshot(u *binance.DepthUpdate) any {
	return snapshot{u.LastID, u.NowMs, u.ChangedMs, u.Bids, u.Asks}
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

// Trade is a single trade.
func (wording) Trade(u *binance.TradeUpdate) any {
	return tradeMessage{"trade", u.NowMs, u.TradedMs, u.Symbol.Name, u.ID, u.Symbol.Tick.Format(u.PriceTicks),
		u.Symbol.Lot.Format(u.QtyLots), "MARKET", u.BuyerIsMaker}
}

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
}

// AggTrade is several trades at one price by one side.
func (wording) AggTrade(u *binance.TradeUpdate) any {
	qty := u.Symbol.Lot.Format(u.QtyLots)
	return aggTrade{"aggTrade", u.NowMs, u.Symbol.Name, u.ID, u.Symbol.Tick.Format(u.PriceTicks), qty, qty, u.FirstID,
		u.LastID, u.TradedMs, u.BuyerIsMaker}
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

// Ticker is the best bid and ask.
func (wording) Ticker(u *binance.TickerUpdate) any {
	s := u.Symbol
	return bookTicker{"bookTicker", u.UpdateID, s.Name, s.Tick.Format(u.Bid.PriceTicks), s.Lot.Format(u.Bid.QtyLots),
		s.Tick.Format(u.Ask.PriceTicks), s.Lot.Format(u.Ask.QtyLots), u.ChangedMs, u.NowMs}
}

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
	return v.market.Snapshot(c, int(limit), func(err error) *binance.Error { return refusal(err, nil) })
}
