package linear

import (
	"cmp"
	"time"

	"github.com/hftrunner/hftrunner/connector/venue"
)

// Settings are what a configuration says of a connector to this venue. Addresses that are the network's are empty.
type Settings struct {
	venue.Net
	PublicURL  string `json:"public_url,omitempty" hcl:"public_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the market data, such as 'wss://stream.bybit.com/v5/public/linear'"`
	PrivateURL string `json:"private_url,omitempty" hcl:"private_url" otherwise:"the network's" format:"ws" doc:"WebSocket of the private stream"`
	TradeURL   string `json:"trade_url,omitempty" hcl:"trade_url" otherwise:"the network's" format:"ws" doc:"WebSocket for 'order_entry = \"ws\"'"`
	APIURL     string `json:"api_url,omitempty" hcl:"api_url" otherwise:"the network's" format:"http" doc:"root of the HTTP interface"`
	venue.Settings
	DepthLevel      int           `json:"depth_level,omitempty" hcl:"depth_level" default:"50" min:"1" max:"1000" doc:"book levels to subscribe: 1, 50, 200 or 1000; deeper books are updated less often. Recordings of every depth can be read"`
	QuietLimit      time.Duration `json:"quiet_limit_ns" hcl:"quiet_limit" default:"30s" min:"1s" max:"1h" doc:"after this long without a message about a symbol's book, the venue is queried whether the book has changed. If it has, the book is cleared and subscribed again; if not, the market is thin and the book stays. A connection that is quiet for this long and does not answer a ping is replaced"`
	OrdersPerSecond int           `json:"orders_per_second,omitempty" hcl:"orders_per_second" default:"10" min:"1" max:"10000000" doc:"orders placed, amended and canceled per second (each) for the account; the limits in the venue's answers replace it; lower it if other programs share the account"`
}

// doc describes a connector to this venue.
const doc = "Bybit linear perpetuals and futures (v5, category linear). The account must be a unified one in one-way position mode. The venue cancels orders on disconnection (DCP) for institutions only, so there is no dead-man's switch here: orders stay at the venue if the runner loses its connection."

// resolve fills in the addresses that are the network's.
func (s *Settings) resolve() {
	var network Settings
	switch s.Network {
	case venue.Main:
		network = Main().Settings
	case venue.Testnet:
		network = Testnet().Settings
	}
	s.PublicURL = cmp.Or(s.PublicURL, network.PublicURL)
	s.PrivateURL = cmp.Or(s.PrivateURL, network.PrivateURL)
	s.TradeURL = cmp.Or(s.TradeURL, network.TradeURL)
	s.APIURL = cmp.Or(s.APIURL, network.APIURL)
}
