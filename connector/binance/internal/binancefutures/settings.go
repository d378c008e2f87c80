package binancefutures

import (
	"cmp"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Settings are what a configuration says of a connector to this venue. Addresses that are the network's are empty.
type Settings struct {
	venue.Net
	PublicURL  string `json:"public_url,omitempty" hcl:"public_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the streams of books, without the final '/ws' or '/stream'"`
	MarketURL  string `json:"market_url,omitempty" hcl:"market_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the streams of trades"`
	PrivateURL string `json:"private_url,omitempty" hcl:"private_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the private stream"`
	APIURL     string `json:"api_url,omitempty" hcl:"api_url" otherwise:"the network's" format:"http" doc:"root of the HTTP interface"`
	WSAPIURL   string `json:"ws_api_url,omitempty" hcl:"ws_api_url" otherwise:"the network's" format:"ws" doc:"WebSocket API, for 'order_entry = \"ws\"'"`
	KeyURL     string `json:"key_url,omitempty" hcl:"key_url" otherwise:"the network's" format:"http" doc:"root of the HTTP interface that is asked what the key may do, and until when; empty for no such query"`
	venue.Settings
	TradeStream     string        `json:"trade_stream,omitempty" hcl:"trade_stream" default:"aggTrade" choices:"aggTrade,trade" doc:"'aggTrade': the fills of one taker at one price as one trade; 'trade': every single fill, which the venue does not document"`
	DepthSpeed      string        `json:"depth_speed,omitempty" hcl:"depth_speed" default:"0ms" choices:"0ms,100ms,250ms,500ms" doc:"interval of book updates; '0ms' (real time) is not documented by the venue"`
	QuietLimit      time.Duration `json:"quiet_limit_ns" hcl:"quiet_limit" default:"30s" min:"1s" max:"1h" doc:"after this long without a message about a symbol's book, the venue is queried whether the book has changed. If it has, the book is cleared and subscribed again; if not, the market is thin and the book stays. A connection that is quiet for this long and does not answer a ping is replaced"`
	WeightPerMinute int           `json:"weight_per_minute,omitempty" hcl:"weight_per_minute" default:"2400" min:"1" max:"10000000" doc:"request weight per minute for this IP address; lower it if other programs share the address"`
	OrdersPer10s    int           `json:"orders_per_10s,omitempty" hcl:"orders_per_10s" default:"300" min:"1" max:"10000000" doc:"orders and amendments per 10 s for the account; lower it if other programs share the account"`
	OrdersPerMinute int           `json:"orders_per_minute,omitempty" hcl:"orders_per_minute" default:"1200" min:"1" max:"10000000" doc:"orders and amendments per minute for the account; lower it if other programs share the account"`
	DeadMan         time.Duration `json:"dead_man_ns,omitempty" hcl:"dead_man" default:"0s" min:"0s" max:"1h" doc:"window of the venue's dead-man's switch (countdownCancelAll), at least 5s, 0s for none: the venue cancels **all** orders of the account on a symbol when it has received nothing from this runner for this long. It is armed while the runner has open orders on the symbol, refreshed four times a window, and disarmed at an orderly end, unless a cancel on the symbol is not confirmed then"`
}

// doc describes a connector to this venue.
const doc = "Binance USD-M futures. Tick and lot sizes come from the venue. The account must be in one-way position mode."

// resolve fills in the addresses that are the network's.
func (s *Settings) resolve() {
	var network Settings
	switch s.Network {
	case venue.Main:
		network = Main().Settings
		if s.APIURL == "" {
			network.KeyURL = binanceapi.KeyAddress
		}
	case venue.Testnet:
		network = Testnet().Settings
	}
	s.PublicURL = cmp.Or(s.PublicURL, network.PublicURL)
	s.MarketURL = cmp.Or(s.MarketURL, network.MarketURL)
	s.PrivateURL = cmp.Or(s.PrivateURL, network.PrivateURL)
	s.APIURL = cmp.Or(s.APIURL, network.APIURL)
	s.WSAPIURL = cmp.Or(s.WSAPIURL, network.WSAPIURL)
	s.KeyURL = cmp.Or(s.KeyURL, network.KeyURL)
}
