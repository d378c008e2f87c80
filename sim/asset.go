package sim

// AssetType says what quantities of an instrument are worth.
type AssetType interface {
	// Amount returns the value of qty at price, in the currency that balance and fee are kept in.
	Amount(price, qty float64) float64
	// Equity returns what balance and position are worth at price, after fee.
	Equity(price, balance, position, fee float64) float64
}

// LinearAsset is quoted and settled in the quote currency; its value is the size of one contract (LinearAsset).
type LinearAsset float64

// Amount returns contract size x price x quantity.
func (c LinearAsset) Amount(price, qty float64) float64 {
	return float64(float64(c)*price) * qty
}

// Equity returns balance plus the position's value, minus fee.
func (c LinearAsset) Equity(price, balance, position, fee float64) float64 {
	return (balance + float64(float64(float64(c)*position)*price)) - fee
}

// InverseAsset is quoted in one currency and settled in the other, as coin-margined contracts are; its value is the
// size of one contract (InverseAsset).
type InverseAsset float64

// Amount returns contract size x quantity / price.
func (c InverseAsset) Amount(price, qty float64) float64 {
	return float64(float64(c)*qty) / price
}

// Equity returns the negated balance minus the position's value, minus fee.
func (c InverseAsset) Equity(price, balance, position, fee float64) float64 {
	return (-balance - float64(float64(c)*position)/price) - fee
}
