package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kinds of live connectors. They are the names of the formats of recorded files, too.
const (
	KindBinanceFutures = FormatBinanceFutures
	KindBinanceSpot    = FormatBinanceSpot
	KindBybit          = FormatBybit
)

// LiveKinds are the kinds of connectors to real venues, in the order of the documentation.
func LiveKinds() []string { return []string{KindBinanceFutures, KindBinanceSpot, KindBybit} }

const (
	// NetworkMain and NetworkTestnet are the networks of a connector.
	NetworkMain, NetworkTestnet = "main", "testnet"
	// defaultRecvWindow is what the venues take when a request says nothing.
	defaultRecvWindow = 5 * time.Second
)

// OrdersByWebSocket is the order_entry that sends orders over a WebSocket.
const OrdersByWebSocket = "ws"

// connectorKinds are the connector blocks by kind.
func connectorKinds() []*blockType {
	return []*blockType{paperSchema(), binanceFuturesSchema(), binanceSpotSchema(), bybitSchema()}
}

// address is an argument that a network has a value for.
func address(name, doc string) argument {
	scheme := "ws"
	if name == apiURL {
		scheme = "http"
	}
	return argument{name: name, kind: kindString, otherwise: "the network's", pattern: urlWith(scheme), doc: doc}
}

// limit is a rate limit that the venue has; less leaves something to others.
func limit(name string, venues int64, doc string) argument {
	return argument{name: name, kind: kindInt, def: venues, bounds: within(1, 1e7), doc: doc + "; less leaves something to others"}
}

// apiURL is the one address that is no WebSocket.
const apiURL = "api_url"

// urlWith checks an address of a scheme, with or without encryption.
func urlWith(scheme string) func(string) string {
	return func(s string) string {
		u, err := url.Parse(s)
		if err != nil || !slices.Contains([]string{scheme, scheme + "s"}, u.Scheme) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "is no address: it has to be like " + scheme + "s://host/path"
		}
		return ""
	}
}

func orderPrefix(s string) string {
	if len(s) < 1 || len(s) > 4 || strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) {
		return "is no order prefix: it has 1 to 4 letters or digits"
	}
	return ""
}

// liveSchema is a connector block of a live kind: what all of them have around what is the venue's own.
func liveSchema(kind, doc string, addresses []argument, own ...argument) *blockType {
	args := []argument{{name: "network", kind: kindString, def: "", choices: []string{NetworkMain, NetworkTestnet},
		doc: "which addresses are used; needed unless every address is given"}}
	args = append(args, addresses...)
	args = append(args,
		argument{name: "api_key", kind: kindString, def: "", doc: "the account's key, best as `env(\"NAME\")`; without it there is market data only"},
		argument{name: "secret", kind: kindString, def: "", doc: "the key's secret, best as `env(\"NAME\")` or `file(\"path\")`: the text of an HMAC key, or a private key as PEM"},
		argument{name: "order_prefix", kind: kindString, def: "hr", pattern: orderPrefix,
			doc: "begins the client order id of every order, 1 to 4 letters or digits; runners on one account need different ones, also on different symbols: at its end one cancels what has its prefix and one of its strategies"},
		argument{name: "order_entry", kind: kindString, def: "rest", choices: []string{"rest", OrdersByWebSocket},
			doc: "how orders are sent: as HTTP requests, or over a WebSocket; questions always go by HTTP, and so does a cancel that the WebSocket does not take or answer"},
		argument{name: "recv_window", kind: kindDuration, def: defaultRecvWindow.String(), bounds: within(0.001, 60),
			doc: "how old a request may be when the venue gets it"},
		argument{name: "cancel_on_disconnect", kind: kindDuration, def: "0s", bounds: within(0, 3600),
			doc: "how long the account's stream may be down, once it has been up in this run, until the runner cancels its orders, 0s for never. It is no dead-man's switch: when the runner has died, or does not reach the venue, nothing is canceled"},
		argument{name: "book_ticker", kind: kindBool, def: true, doc: "take the best bid and ask messages too"},
		argument{name: allowUnencrypted, kind: kindBool, def: false,
			doc: "allow addresses of other machines that begin with `http://` or `ws://` together with a key; everybody on the way could read and change what is sent"})
	return &blockType{name: "connector", labels: connectorLabels(kind), doc: doc, args: append(args, own...)}
}

// quietLimit is the setting of how long a book may be quiet.
func quietLimit(def string) argument {
	return argument{name: "quiet_limit", kind: kindDuration, def: def, bounds: within(1, 3600),
		doc: "after how long without a message about a symbol's book the venue is asked whether the book has moved on. If it has, the book is given up and subscribed anew; if it has not, the market is thin and the book stays. A connection that is quiet for so long and does not answer a ping is replaced"}
}

func connectorLabels(kinds ...string) []label {
	return []label{{name: "kind", choices: kinds}, {name: "name", pattern: identifier}}
}

func binanceFuturesSchema() *blockType {
	return liveSchema(KindBinanceFutures, "Binance USD-M futures. The steps of prices and quantities come from the venue. The account has to be in one-way position mode.",
		[]argument{
			address("public_url", "WebSocket of the streams of books, without the final `/ws` or `/stream`"),
			address("market_url", "WebSocket of the streams of trades"),
			address("private_url", "WebSocket of the account's stream"),
			address(apiURL, "root of the HTTP interface"),
			address("ws_api_url", "WebSocket API, for `order_entry = \"ws\"`"),
		},
		argument{name: "trade_stream", kind: kindString, def: "aggTrade", choices: []string{"aggTrade", "trade"},
			doc: "`aggTrade`: what one taker has traded at one price as one; `trade`: every single fill, which the venue does not document"},
		argument{name: "depth_speed", kind: kindString, def: "0ms", choices: []string{"0ms", "100ms", "250ms", "500ms"},
			doc: "how often changes of the book come; `0ms`, as they happen, is not documented by the venue"},
		quietLimit("30s"),
		limit("weight_per_minute", 2400, "how much the requests of this machine's address may weigh"),
		limit("orders_per_10s", 300, "how many orders and amendments the account may send in 10 s"),
		limit("orders_per_minute", 1200, "how many orders and amendments the account may send in a minute"),
		argument{name: "dead_man", kind: kindDuration, def: "0s", bounds: within(0, 3600),
			doc: "window of the venue's dead-man's switch (countdownCancelAll), at least 5s, 0s for none: the venue cancels **all** orders of the account on a symbol when this runner has not been heard of for so long. It is armed while the runner has open orders on the symbol, refreshed four times a window, and disarmed at an orderly end, unless a cancel on the symbol is not confirmed then"})
}

func binanceSpotSchema() *blockType {
	return liveSchema(KindBinanceSpot, "Binance spot. There are no positions, only balances: a strategy's position is what its fills add up to. There is no dead-man's switch: orders of a runner that is cut off stay at the venue.",
		[]argument{
			address("stream_url", "WebSocket of the market streams, without the final `/ws` or `/stream`"),
			address(apiURL, "root of the HTTP interface"),
			address("ws_api_url", "WebSocket API, which brings the account's events, and takes orders with `order_entry = \"ws\"`"),
		},
		argument{name: "trade_stream", kind: kindString, def: "trade", choices: []string{"trade", "aggTrade"},
			doc: "`trade`: every single fill; `aggTrade`: what one taker has traded at one price as one"},
		quietLimit("1m"),
		limit("weight_per_minute", 6000, "how much the requests of this machine's address may weigh"),
		limit("orders_per_10s", 100, "how many unfilled orders the account may place in 10 s"),
		limit("orders_per_day", 200_000, "how many unfilled orders the account may place in a day"))
}

func bybitSchema() *blockType {
	return liveSchema(KindBybit, "Bybit linear perpetuals and futures (v5, category linear). The account has to be a unified one in one-way position mode. The venue cancels orders on disconnection (DCP) for institutions only, so there is no dead-man's switch here: orders of a runner that is cut off stay at the venue.",
		[]argument{
			address("public_url", "WebSocket of the market data, such as `wss://stream.bybit.com/v5/public/linear`"),
			address("private_url", "WebSocket of the account's stream"),
			address("trade_url", "WebSocket for `order_entry = \"ws\"`"),
			address(apiURL, "root of the HTTP interface"),
		},
		argument{name: "depth_level", kind: kindInt, def: int64(50), bounds: within(1, 1000),
			doc: "how many levels of the book are subscribed: 1, 50, 200 or 1000; deeper ones come less often. Recordings of each depth can be read"},
		quietLimit("30s"),
		limit("orders_per_second", 10, "how many orders the account may place, amend and cancel in a second each; what the venue says in its answers counts from then on"))
}
