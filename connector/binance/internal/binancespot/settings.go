package binancespot

import (
	"cmp"
	"time"

	"github.com/hftrunner/hftrunner/connector/venue"
)

// Settings are what a configuration says of a connector to this venue. Addresses that are the network's are empty.
type Settings struct {
	venue.Net
	StreamURL string `json:"stream_url,omitempty" hcl:"stream_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the market streams, without the final '/ws' or '/stream'"`
	APIURL    string `json:"api_url,omitempty" hcl:"api_url" otherwise:"the network's" format:"http" doc:"root of the HTTP interface"`
	WSAPIURL  string `json:"ws_api_url,omitempty" hcl:"ws_api_url" otherwise:"the network's" format:"ws" doc:"WebSocket API, which brings the account's events, and takes orders with 'order_entry = \"ws\"'"`
	venue.Settings
	TradeStream     string        `json:"trade_stream,omitempty" hcl:"trade_stream" default:"trade" choices:"trade,aggTrade" doc:"'trade': every single fill; 'aggTrade': the fills of one taker at one price as one trade"`
	QuietLimit      time.Duration `json:"quiet_limit_ns" hcl:"quiet_limit" default:"1m" min:"1s" max:"1h" doc:"after this long without a message about a symbol's book, the venue is queried whether the book has changed. If it has, the book is cleared and subscribed again; if not, the market is thin and the book stays. A connection that is quiet for this long and does not answer a ping is replaced"`
	WeightPerMinute int           `json:"weight_per_minute,omitempty" hcl:"weight_per_minute" default:"6000" min:"1" max:"10000000" doc:"request weight per minute for this IP address; lower it if other programs share the address"`
	OrdersPer10s    int           `json:"orders_per_10s,omitempty" hcl:"orders_per_10s" default:"100" min:"1" max:"10000000" doc:"unfilled orders per 10 s for the account; lower it if other programs share the account"`
	OrdersPerDay    int           `json:"orders_per_day,omitempty" hcl:"orders_per_day" default:"200000" min:"1" max:"10000000" doc:"unfilled orders per day for the account; lower it if other programs share the account"`
}

// doc describes a connector to this venue.
const doc = "Binance spot. There are no positions, only balances: a strategy's position is the sum of its fills. There is no dead-man's switch: orders stay at the venue if the runner loses its connection."

// resolve fills in the addresses that are the network's.
func (s *Settings) resolve() {
	var network Settings
	switch s.Network {
	case venue.Main:
		network = Main().Settings
	case venue.Testnet:
		network = Testnet().Settings
	}
	s.StreamURL = cmp.Or(s.StreamURL, network.StreamURL)
	s.APIURL = cmp.Or(s.APIURL, network.APIURL)
	s.WSAPIURL = cmp.Or(s.WSAPIURL, network.WSAPIURL)
}
