package sample

import (
	"fmt"
	"strings"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// feed is the data recorded at a venue.
type feed struct {
	venue   testexchange.Venue
	symbols []string
	seed    uint64
	// subscribe returns the address of a symbol's connection and what is said on it.
	subscribe func(symbol string) (target string, hello [][]byte)
	// snapshot is the path of the book request, empty if the stream brings snapshots.
	snapshot string
}

// feeds are the venues with the streams that `runner record` asks them for by default.
func feeds() []feed {
	symbols := []string{"BTCUSDT", "ETHUSDT"}
	return []feed{
		{venue: testexchange.BinanceFutures, symbols: symbols, seed: 1, snapshot: "/fapi/v1/depth?symbol=%s&limit=1000",
			subscribe: func(symbol string) (string, [][]byte) {
				return combined("/public/stream", symbol, "depth@0ms", "bookTicker", "trade"), nil
			}},
		{venue: testexchange.BinanceSpot, symbols: symbols, seed: 2, snapshot: "/api/v3/depth?symbol=%s&limit=5000",
			subscribe: func(symbol string) (string, [][]byte) {
				return combined("/stream", symbol, "depth@100ms", "bookTicker", "trade"), nil
			}},
		{venue: testexchange.Bybit, symbols: symbols, seed: 3,
			subscribe: func(symbol string) (string, [][]byte) {
				hello := fmt.Sprintf(`{"op":"subscribe","args":["orderbook.50.%[1]s","orderbook.1.%[1]s","publicTrade.%[1]s"]}`, symbol)
				return "/v5/public/linear", [][]byte{[]byte(hello)}
			}},
	}
}

// combined is the address of a connection with streams of a symbol.
func combined(path, symbol string, streams ...string) string {
	prefix := strings.ToLower(symbol) + "@"
	return path + "?streams=" + prefix + strings.Join(streams, "/"+prefix)
}
