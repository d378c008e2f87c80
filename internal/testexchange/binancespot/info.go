package binancespot

import (
	"encoding/json"
	"slices"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

type exchangeInfo struct {
	Timezone        string       `json:"timezone"`
	ServerTime      int64        `json:"serverTime"`
	RateLimits      []rateLimit  `json:"rateLimits"`
	ExchangeFilters []struct{}   `json:"exchangeFilters"`
	Symbols         []symbolInfo `json:"symbols"`
}

type rateLimit struct {
	RateLimitType string `json:"rateLimitType"`
	Interval      string `json:"interval"`
	IntervalNum   int    `json:"intervalNum"`
	Limit         int    `json:"limit"`
}

type symbolInfo struct {
	Symbol                     string     `json:"symbol"`
	Status                     string     `json:"status"`
	BaseAsset                  string     `json:"baseAsset"`
	BaseAssetPrecision         int        `json:"baseAssetPrecision"`
	QuoteAsset                 string     `json:"quoteAsset"`
	QuotePrecision             int        `json:"quotePrecision"`
	QuoteAssetPrecision        int        `json:"quoteAssetPrecision"`
	OrderTypes                 []string   `json:"orderTypes"`
	IcebergAllowed             bool       `json:"icebergAllowed"`
	CancelReplaceAllowed       bool       `json:"cancelReplaceAllowed"`
	AmendAllowed               bool       `json:"amendAllowed"`
	IsSpotTradingAllowed       bool       `json:"isSpotTradingAllowed"`
	IsMarginTradingAllowed     bool       `json:"isMarginTradingAllowed"`
	Filters                    []any      `json:"filters"`
	Permissions                []string   `json:"permissions"`
	PermissionSets             [][]string `json:"permissionSets"`
	DefaultSelfTradePrevention string     `json:"defaultSelfTradePreventionMode"`
	AllowedSelfTradePrevention []string   `json:"allowedSelfTradePreventionModes"`
}

type priceFilter struct {
	FilterType string `json:"filterType"`
	MinPrice   string `json:"minPrice"`
	MaxPrice   string `json:"maxPrice"`
	TickSize   string `json:"tickSize"`
}

type lotSize struct {
	FilterType string `json:"filterType"`
	MinQty     string `json:"minQty"`
	MaxQty     string `json:"maxQty"`
	StepSize   string `json:"stepSize"`
}

type notional struct {
	FilterType       string `json:"filterType"`
	MinNotional      string `json:"minNotional"`
	ApplyMinToMarket bool   `json:"applyMinToMarket"`
	MaxNotional      string `json:"maxNotional"`
	ApplyMaxToMarket bool   `json:"applyMaxToMarket"`
	AvgPriceMins     int    `json:"avgPriceMins"`
}

type percentPrice struct {
	FilterType        string `json:"filterType"`
	BidMultiplierUp   string `json:"bidMultiplierUp"`
	BidMultiplierDown string `json:"bidMultiplierDown"`
	AskMultiplierUp   string `json:"askMultiplierUp"`
	AskMultiplierDown string `json:"askMultiplierDown"`
	AvgPriceMins      int    `json:"avgPriceMins"`
}

type maxOrders struct {
	FilterType   string `json:"filterType"`
	MaxNumOrders int    `json:"maxNumOrders"`
}

// exchangeInfo answers for symbol, for symbols (a JSON array) or for all.
func (v *Venue) exchangeInfo(c *binance.Call) (any, *binance.Error) {
	var only []string
	if list := c.Params["symbols"]; list != "" && json.Unmarshal([]byte(list), &only) != nil {
		return nil, binance.ErrMalformed("symbols")
	}
	if name := c.Params["symbol"]; name != "" {
		only = append(only, name)
	}
	o := &v.options
	info := exchangeInfo{Timezone: "UTC", ServerTime: binance.Milliseconds(v.core.NowNs()),
		ExchangeFilters: []struct{}{}, Symbols: []symbolInfo{},
		RateLimits: []rateLimit{{"REQUEST_WEIGHT", "MINUTE", 1, o.WeightPerMinute},
			{"ORDERS", "SECOND", 10, o.OrdersPer10s},
			{"ORDERS", "DAY", 1, o.OrdersPerDay}, {"RAW_REQUESTS", "MINUTE", 5, 61_000}}}
	v.core.Do(func(_ int64, m *market.Market) {
		for _, name := range m.Symbols() {
			if s, err := m.Symbol(name); err == nil && (only == nil || slices.Contains(only, name)) {
				info.Symbols = append(info.Symbols, newSymbolInfo(s))
			}
		}
	})
	if only != nil && len(info.Symbols) < len(only) {
		return nil, binance.ErrSymbol()
	}
	return info, nil
}

func newSymbolInfo(s *market.Symbol) symbolInfo {
	filters := []any{
		priceFilter{"PRICE_FILTER", s.Tick.Format(s.MinPriceTicks), s.Tick.Format(s.MaxPriceTicks), s.Tick.String()},
		lotSize{"LOT_SIZE", s.Lot.Format(s.MinQtyLots), s.Lot.Format(s.MaxQtyLots), s.Lot.String()},
		lotSize{"MARKET_LOT_SIZE", "0.00000000", s.Lot.Format(s.MaxMarketQtyLots), "0.00000000"},
		notional{"NOTIONAL", s.MinNotional.String(), true, "9000000.00000000", false, 5},
		maxOrders{"MAX_NUM_ORDERS", s.MaxOrders},
	}
	if s.BandShare > 0 {
		up, down := market.Amount((1+s.BandShare)*1e8), market.Amount((1-s.BandShare)*1e8)
		filters = append(filters, percentPrice{"PERCENT_PRICE_BY_SIDE", binance.TrimZeros(up.String()),
			binance.TrimZeros(down.String()), binance.TrimZeros(up.String()), binance.TrimZeros(down.String()), 5})
	}
	return symbolInfo{Symbol: s.Name, Status: "TRADING", BaseAsset: s.BaseAsset, BaseAssetPrecision: 8,
		QuoteAsset: s.QuoteAsset, QuotePrecision: 8, QuoteAssetPrecision: 8,
		OrderTypes: []string{"LIMIT", "LIMIT_MAKER", "MARKET"}, CancelReplaceAllowed: true, AmendAllowed: true,
		IsSpotTradingAllowed: true, Filters: filters, Permissions: []string{}, PermissionSets: [][]string{{"SPOT"}},
		DefaultSelfTradePrevention: "EXPIRE_MAKER", AllowedSelfTradePrevention: []string{"EXPIRE_TAKER", "EXPIRE_MAKER",
			"EXPIRE_BOTH", "NONE"}}
}

func (v *Venue) time(*binance.Call) (any, *binance.Error) {
	return map[string]int64{"serverTime": binance.Milliseconds(v.core.NowNs())}, nil
}

func (v *Venue) ping(*binance.Call) (any, *binance.Error) { return struct{}{}, nil }

type tickerBook struct {
	Symbol   string `json:"symbol"`
	BidPrice string `json:"bidPrice"`
	BidQty   string `json:"bidQty"`
	AskPrice string `json:"askPrice"`
	AskQty   string `json:"askQty"`
}

func (v *Venue) tickerBook(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		bids, asks, _, _ := m.Book(s.Name, 1) // the symbol is one of the market's
		row := tickerBook{s.Name, zero, zero, zero, zero}
		if len(bids) > 0 {
			row.BidPrice, row.BidQty = s.Tick.Format(bids[0].PriceTicks), s.Lot.Format(bids[0].QtyLots)
		}
		if len(asks) > 0 {
			row.AskPrice, row.AskQty = s.Tick.Format(asks[0].PriceTicks), s.Lot.Format(asks[0].QtyLots)
		}
		return row, nil
	})
}

type tickerPrice struct {
	Symbol string `json:"symbol"`
	Price  string `json:"price"`
}

func (v *Venue) tickerPrice(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, func(_ int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		return tickerPrice{s.Name, s.Tick.Format(m.LastPrice(s.Name))}, nil
	})
}
