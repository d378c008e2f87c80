package backtest

// Record is one sample of one asset's state, 64 bytes as hftbacktest's recorder writes them (specification 8.4).
type Record struct {
	// TimestampNs is the time of the sample.
	TimestampNs int64
	// Price is the mid price, NaN while a side of the book is empty.
	Price    float64
	Position float64
	// Balance and Fee are in the asset's currency, cumulative since the start, as are the counts below.
	Balance       float64
	Fee           float64
	NumTrades     int64
	TradingVolume float64
	TradingValue  float64
}
