package bybit

import (
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// timeResult is the venue's clock.
type timeResult struct {
	Second string `json:"timeSecond"`
	Nano   string `json:"timeNano"`
}

func (v *Venue) time(*call) (any, any, *refusal) {
	nowNs := v.core.NowNs()
	return timeResult{strconv.FormatInt(nowNs/int64(time.Second), 10), strconv.FormatInt(nowNs, 10)}, nil, nil
}

// page is a list with the cursor of what follows.
type page struct {
	Category string `json:"category"`
	List     any    `json:"list"`
	Cursor   string `json:"nextPageCursor"`
}

type instrument struct {
	Symbol          string         `json:"symbol"`
	ContractType    string         `json:"contractType"`
	Status          string         `json:"status"`
	BaseCoin        string         `json:"baseCoin"`
	QuoteCoin       string         `json:"quoteCoin"`
	LaunchTime      string         `json:"launchTime"`
	DeliveryTime    string         `json:"deliveryTime"`
	PriceScale      string         `json:"priceScale"`
	Leverage        leverageFilter `json:"leverageFilter"`
	Price           priceFilter    `json:"priceFilter"`
	Lot             lotFilter      `json:"lotSizeFilter"`
	UnifiedMargin   bool           `json:"unifiedMarginTrade"`
	FundingInterval int            `json:"fundingInterval"`
	SettleCoin      string         `json:"settleCoin"`
}

type leverageFilter struct {
	Min  string `json:"minLeverage"`
	Max  string `json:"maxLeverage"`
	Step string `json:"leverageStep"`
}

type priceFilter struct {
	Min  string `json:"minPrice"`
	Max  string `json:"maxPrice"`
	Tick string `json:"tickSize"`
}

type lotFilter struct {
	Max         string `json:"maxOrderQty"`
	Min         string `json:"minOrderQty"`
	Step        string `json:"qtyStep"`
	PostOnlyMax string `json:"postOnlyMaxOrderQty"`
	MarketMax   string `json:"maxMktOrderQty"`
	MinNotional string `json:"minNotionalValue"`
}

func newInstrument(s *market.Symbol) instrument {
	most := s.Lot.Format(s.MaxQtyLots)
	return instrument{Symbol: s.Name, ContractType: "LinearPerpetual", Status: "Trading", BaseCoin: s.BaseAsset,
		QuoteCoin: s.QuoteAsset, LaunchTime: "1584230400000", DeliveryTime: "0",
		PriceScale: strconv.Itoa(s.Tick.Decimals()), Leverage: leverageFilter{"1", "100.00", "0.01"},
		Price: priceFilter{s.Tick.Format(s.MinPriceTicks), s.Tick.Format(s.MaxPriceTicks), s.Tick.String()},
		Lot: lotFilter{Max: most, Min: s.Lot.Format(s.MinQtyLots), Step: s.Lot.String(), PostOnlyMax: most,
			MarketMax:   s.Lot.Format(s.MaxMarketQtyLots),
			MinNotional: strconv.FormatFloat(s.MinNotional.Float(), 'f', -1, 64)},
		UnifiedMargin: true, FundingInterval: 480, SettleCoin: s.QuoteAsset}
}

// instruments answers with one contract or with all.
func (v *Venue) instruments(c *call) (any, any, *refusal) {
	if c.query.Get("category") != linear {
		return nil, nil, errParameter("category")
	}
	list := []instrument{}
	only := c.query.Get("symbol")
	v.core.Do(func(_ int64, m *market.Market) {
		for _, name := range m.Symbols() {
			if s, err := m.Symbol(name); err == nil && (only == "" || only == name) {
				list = append(list, newInstrument(s))
			}
		}
	})
	return page{linear, list, ""}, nil, nil
}

// book is the answer of REST.
type book struct {
	Symbol string      `json:"s"`
	Bids   [][2]string `json:"b"`
	Asks   [][2]string `json:"a"`
	TS     int64       `json:"ts"`
	U      int64       `json:"u"`
	Seq    int64       `json:"seq"`
	CTS    int64       `json:"cts"`
}

// restDepth is whose update ids the answers of REST have.
const restDepth = 1000

// orderbook answers with levels of the deepest book.
func (v *Venue) orderbook(c *call) (any, any, *refusal) {
	limit, err := whole(c.query, "limit", 25, 1, 1000)
	if err != nil {
		return nil, nil, errParameter("limit")
	}
	var out book
	bad := v.withSymbol(c.query.Get("category"), c.query.Get("symbol"),
		func(nowNs int64, m *market.Market, s *market.Symbol) *refusal {
			f, b := v.feedOf(m, s, restDepth), v.bookOf(s)
			if len(v.core.Hub.Subscribers(f.topic)) == 0 {
				f.refresh(m, b)
			}
			out = book{s.Name, levelTexts(s, f.bids[:min(len(f.bids), int(limit))]),
				levelTexts(s, f.asks[:min(len(f.asks), int(limit))]), milliseconds(nowNs), f.u, b.seq,
				milliseconds(b.changedNs)}
			return nil
		})
	if bad != nil {
		return nil, nil, bad
	}
	if delay, hit := v.core.Faults.Hit(fault.SnapshotDelay, c.what); hit &&
		v.core.Wait(c.http.Context(), delay.DurationOr(100*time.Millisecond)) != nil {
		return nil, nil, &refusal{abort: true}
	}
	return out, nil, nil
}

type ticker struct {
	Symbol string `json:"symbol"`
	Last   string `json:"lastPrice"`
	Index  string `json:"indexPrice"`
	Mark   string `json:"markPrice"`
	Bid    string `json:"bid1Price"`
	BidQty string `json:"bid1Size"`
	Ask    string `json:"ask1Price"`
	AskQty string `json:"ask1Size"`
}

// tickers answers with the best levels of one contract or of all.
func (v *Venue) tickers(c *call) (any, any, *refusal) {
	if c.query.Get("category") != linear {
		return nil, nil, errParameter("category")
	}
	list := []ticker{}
	only := c.query.Get("symbol")
	v.core.Do(func(_ int64, m *market.Market) {
		for _, name := range m.Symbols() {
			s, err := m.Symbol(name)
			if err != nil || only != "" && only != name {
				continue
			}
			bids, asks, _, _ := m.Book(name, 1) // the symbol is one of the market's
			price := s.Tick.Format(m.LastPrice(name))
			t := ticker{Symbol: name, Last: price, Index: price, Mark: price}
			if len(bids) > 0 {
				t.Bid, t.BidQty = s.Tick.Format(bids[0].PriceTicks), s.Lot.Format(bids[0].QtyLots)
			}
			if len(asks) > 0 {
				t.Ask, t.AskQty = s.Tick.Format(asks[0].PriceTicks), s.Lot.Format(asks[0].QtyLots)
			}
			list = append(list, t)
		}
	})
	return page{linear, list, ""}, nil, nil
}
