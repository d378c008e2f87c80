package history

import "strings"

// currencyOf returns the currency that an instrument's money is counted in, by the name of its symbol; empty where it
// cannot be told.
func currencyOf(symbol string) string {
	symbol, _, _ = strings.Cut(strings.ToUpper(symbol), "-") // a day of delivery
	symbol, _, _ = strings.Cut(symbol, "_")
	if strings.HasSuffix(symbol, "PERP") {
		return "USDC" // at Bybit
	}
	for _, quote := range []string{"USDT", "USDC", "FDUSD", "TUSD", "USD1", "USDE", "BUSD", "DAI", "USD", "EUR",
		"GBP", "TRY", "BRL", "JPY", "PLN", "MXN",
		"ZAR", "UAH", "BTC", "ETH", "BNB", "SOL", "XRP", "DOGE"} {
		if base, ok := strings.CutSuffix(symbol, quote); ok && base != "" {
			return quote
		}
	}
	return ""
}
