package binancefutures

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

type exchangeInfo struct {
	ExchangeFilters []struct{}   `json:"exchangeFilters"`
	FuturesType     string       `json:"futuresType"`
	RateLimits      []rateLimit  `json:"rateLimits"`
	ServerTime      int64        `json:"serverTime"`
	Assets          []assetInfo  `json:"assets"`
	Symbols         []symbolInfo `json:"symbols"`
	Timezone        string       `json:"timezone"`
}

type rateLimit struct {
	Interval      string `json:"interval"`
	IntervalNum   int    `json:"intervalNum"`
	Limit         int    `json:"limit"`
	RateLimitType string `json:"rateLimitType"`
}

type assetInfo struct {
	Asset             string `json:"asset"`
	MarginAvailable   bool   `json:"marginAvailable"`
	AutoAssetExchange string `json:"autoAssetExchange"`
}

type symbolInfo struct {
	Symbol                string   `json:"symbol"`
	Pair                  string   `json:"pair"`
	ContractType          string   `json:"contractType"`
	DeliveryDate          int64    `json:"deliveryDate"`
	OnboardDate           int64    `json:"onboardDate"`
	Status                string   `json:"status"`
	MaintMarginPercent    string   `json:"maintMarginPercent"`
	RequiredMarginPercent string   `json:"requiredMarginPercent"`
	BaseAsset             string   `json:"baseAsset"`
	QuoteAsset            string   `json:"quoteAsset"`
	MarginAsset           string   `json:"marginAsset"`
	PricePrecision        int      `json:"pricePrecision"`
	QuantityPrecision     int      `json:"quantityPrecision"`
	BaseAssetPrecision    int      `json:"baseAssetPrecision"`
	QuotePrecision        int      `json:"quotePrecision"`
	UnderlyingType        string   `json:"underlyingType"`
	UnderlyingSubType     []string `json:"underlyingSubType"`
	TriggerProtect        string   `json:"triggerProtect"`
	LiquidationFee        string   `json:"liquidationFee"`
	MarketTakeBound       string   `json:"marketTakeBound"`
	Filters               []filter `json:"filters"`
	OrderTypes            []string `json:"orderTypes"`
	TimeInForce           []string `json:"timeInForce"`
}

// filter is any of the filters: fields that are not its own are absent.
type filter struct {
	FilterType        string `json:"filterType"`
	MinPrice          string `json:"minPrice,omitempty"`
	MaxPrice          string `json:"maxPrice,omitempty"`
	TickSize          string `json:"tickSize,omitempty"`
	MinQty            string `json:"minQty,omitempty"`
	MaxQty            string `json:"maxQty,omitempty"`
	StepSize          string `json:"stepSize,omitempty"`
	Limit             int    `json:"limit,omitempty"`
	Notional          string `json:"notional,omitempty"`
	MultiplierUp      string `json:"multiplierUp,omitempty"`
	MultiplierDown    string `json:"multiplierDown,omitempty"`
	MultiplierDecimal string `json:"multiplierDecimal,omitempty"`
}

func (v *Venue) exchangeInfo(*binance.Call) (any, *binance.Error) {
	o := &v.options
	info := exchangeInfo{ExchangeFilters: []struct{}{}, FuturesType: "U_MARGINED", Timezone: "UTC",
		ServerTime: binance.Milliseconds(v.core.NowNs()), RateLimits: []rateLimit{{"MINUTE", 1, o.WeightPerMinute,
			"REQUEST_WEIGHT"}, {"MINUTE", 1, o.OrdersPerMinute, "ORDERS"},
			{"SECOND", 10, o.OrdersPer10s, "ORDERS"}},
		Assets: []assetInfo{{"USDT", true, "-10000"}}, Symbols: []symbolInfo{}}
	v.core.Do(func(_ int64, m *market.Market) {
		for _, name := range m.Symbols() {
			if s, err := m.Symbol(name); err == nil {
				info.Symbols = append(info.Symbols, newSymbolInfo(s))
			}
		}
	})
	return info, nil
}

func newSymbolInfo(s *market.Symbol) symbolInfo {
	tick, lot := s.Tick.String(), s.Lot.String()
	decimals := func(n float64) string { return binance.TrimZeros(market.Amount(n * 1e8).String()) }
	filters := []filter{
		{FilterType: "PRICE_FILTER", MinPrice: s.Tick.Format(s.MinPriceTicks),
			MaxPrice: binance.TrimZeros(s.Tick.Format(s.MaxPriceTicks)), TickSize: tick},
		{FilterType: "LOT_SIZE", MinQty: s.Lot.Format(s.MinQtyLots),
			MaxQty: binance.TrimZeros(s.Lot.Format(s.MaxQtyLots)), StepSize: lot},
		{FilterType: "MARKET_LOT_SIZE", MinQty: s.Lot.Format(s.MinQtyLots),
			MaxQty: binance.TrimZeros(s.Lot.Format(s.MaxMarketQtyLots)), StepSize: lot},
		{FilterType: "MAX_NUM_ORDERS", Limit: s.MaxOrders},
		{FilterType: "MIN_NOTIONAL", Notional: binance.TrimZeros(s.MinNotional.String())},
	}
	if s.BandShare > 0 {
		filters = append(filters, filter{FilterType: "PERCENT_PRICE", MultiplierUp: decimals(1 + s.BandShare),
			MultiplierDown: decimals(1 - s.BandShare), MultiplierDecimal: "4"})
	}
	return symbolInfo{Symbol: s.Name, Pair: s.Name, ContractType: "PERPETUAL", DeliveryDate: 4133404800000,
		OnboardDate: 1569398400000, Status: "TRADING", MaintMarginPercent: "2.5000", RequiredMarginPercent: "5.0000",
		BaseAsset: s.BaseAsset, QuoteAsset: s.QuoteAsset, MarginAsset: s.QuoteAsset, PricePrecision: s.Tick.Decimals(),
		QuantityPrecision: s.Lot.Decimals(), BaseAssetPrecision: 8, QuotePrecision: 8, UnderlyingType: "COIN",
		UnderlyingSubType: []string{"PoW"}, TriggerProtect: "0.0500", LiquidationFee: "0.012500",
		MarketTakeBound: "0.05", Filters: filters, OrderTypes: []string{"LIMIT", "MARKET"},
		TimeInForce: []string{"GTC", "IOC", "FOK", "GTX"}}
}

func (v *Venue) time(*binance.Call) (any, *binance.Error) {
	return map[string]int64{"serverTime": binance.Milliseconds(v.core.NowNs())}, nil
}

func (v *Venue) ping(*binance.Call) (any, *binance.Error) { return struct{}{}, nil }

type tickerBook struct {
	Symbol       string `json:"symbol"`
	BidPrice     string `json:"bidPrice"`
	BidQty       string `json:"bidQty"`
	AskPrice     string `json:"askPrice"`
	AskQty       string `json:"askQty"`
	Time         int64  `json:"time"`
	LastUpdateID int64  `json:"lastUpdateId"`
}

func (v *Venue) tickerBook(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, true, func(_ int64, m *market.Market, only *market.Symbol) (any, *binance.Error) {
		rows := []tickerBook{}
		for _, name := range m.Symbols() {
			s, err := m.Symbol(name)
			if err != nil || only != nil && only.Name != name {
				continue
			}
			bids, asks, id, _ := m.Book(name, 1) // the symbol is one of the market's
			row := tickerBook{Symbol: name, BidPrice: "0", BidQty: "0", AskPrice: "0", AskQty: "0",
				Time: v.market.ChangedMs(s), LastUpdateID: id}
			if len(bids) > 0 {
				row.BidPrice, row.BidQty = s.Tick.Format(bids[0].PriceTicks), s.Lot.Format(bids[0].QtyLots)
			}
			if len(asks) > 0 {
				row.AskPrice, row.AskQty = s.Tick.Format(asks[0].PriceTicks), s.Lot.Format(asks[0].QtyLots)
			}
			rows = append(rows, row)
		}
		if only != nil {
			return rows[0], nil
		}
		return rows, nil
	})
}

type tickerPrice struct {
	Symbol string `json:"symbol"`
	Price  string `json:"price"`
	Time   int64  `json:"time"`
}

func (v *Venue) tickerPrice(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, false, func(nowNs int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		return tickerPrice{s.Name, s.Tick.Format(m.LastPrice(s.Name)), binance.Milliseconds(nowNs)}, nil
	})
}

type premiumIndex struct {
	Symbol          string `json:"symbol"`
	MarkPrice       string `json:"markPrice"`
	IndexPrice      string `json:"indexPrice"`
	LastFundingRate string `json:"lastFundingRate"`
	NextFundingTime int64  `json:"nextFundingTime"`
	InterestRate    string `json:"interestRate"`
	Time            int64  `json:"time"`
}

func (v *Venue) premiumIndex(c *binance.Call) (any, *binance.Error) {
	return v.withSymbol(c, false, func(nowNs int64, m *market.Market, s *market.Symbol) (any, *binance.Error) {
		const eightHoursMs = 8 * 60 * 60 * 1000
		price, nowMs := s.Tick.Format(m.LastPrice(s.Name)), binance.Milliseconds(nowNs)
		return premiumIndex{s.Name, price, price, "0.00010000", nowMs - nowMs%eightHoursMs + eightHoursMs, "0.00010000",
			nowMs}, nil
	})
}
