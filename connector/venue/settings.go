package venue

import "time"

// Networks.
const (
	Main    = "main"
	Testnet = "testnet"
)

// Net is which of a venue's networks a connector is for.
type Net struct {
	// Network is "main" or "testnet", empty when every address is given.
	Network string `json:"network" hcl:"network" default:"" choices:"main,testnet" doc:"which URLs are used; required unless every URL is set"`
}

// Settings are what a configuration says of every live connector, whichever the venue; package internal/settings reads the tags.
// A venue's own Settings have Net before the addresses and these after them.
type Settings struct {
	// APIKey and Secret are never part of a text; without them there is market data only.
	APIKey             string        `json:"-" hcl:"api_key" default:"" doc:"the account's key, best as 'env(\"NAME\")'; without it there is market data only"`
	Secret             string        `json:"-" hcl:"secret" default:"" doc:"the key's secret, best as 'env(\"NAME\")' or 'file(\"path\")': an HMAC secret, or a private key as PEM"`
	OrderPrefix        string        `json:"order_prefix" hcl:"order_prefix" default:"hr" format:"order_prefix" doc:"prefix of every client order id, 1 to 4 letters or digits; runners on one account need different prefixes, even on different symbols: at its end, a runner cancels all orders with its prefix and one of its strategies"`
	OrderEntry         string        `json:"order_entry" hcl:"order_entry" default:"rest" choices:"rest,ws" doc:"how orders are sent: as HTTP requests, or over a WebSocket; queries always use HTTP, and so does a cancel that the WebSocket does not send or answer"`
	RecvWindow         time.Duration `json:"recv_window_ns" hcl:"recv_window" default:"5s" min:"1ms" max:"1m" doc:"maximum age of a request when the venue receives it"`
	CancelOnDisconnect time.Duration `json:"cancel_on_disconnect_ns,omitempty" hcl:"cancel_on_disconnect" default:"0s" min:"0s" max:"1h" doc:"how long the private stream may be down, once it has been up in this run, before the runner cancels its orders; 0s for never. This is not a dead-man's switch: if the runner has died or cannot reach the venue, nothing is canceled"`
	OnMismatch         string        `json:"on_mismatch" hcl:"on_mismatch" default:"" choices:"halt,warn" doc:"what happens when the account's position in an instrument is not what its strategies have and what belongs to none of them: 'halt' cancels the instrument's orders and takes no new ones until 'runner adopt', 'warn' only reports it; nothing is bought or sold. On spot it is about an asset and all instruments that trade it. Not set: 'halt', on spot 'warn'"`
	MismatchAfter      time.Duration `json:"mismatch_after_ns" hcl:"mismatch_after" default:"10s" min:"1s" max:"10m" doc:"how long a difference must last to be a mismatch, with executions queried meanwhile"`
	BookTicker         bool          `json:"book_ticker" hcl:"book_ticker" default:"true" doc:"use best bid and ask messages too"`
	AllowUnencrypted   bool          `json:"-" hcl:"allow_unencrypted" default:"false" doc:"allow 'http://' and 'ws://' URLs of other machines together with a key; anyone on the network path could read and change what is sent"`
	// Pace is not configured: tests that cannot wait set it.
	Pace Pace `json:"-"`
}

// OwnSettings are the settings of one venue: a pointer to a struct that embeds Settings.
type OwnSettings interface {
	// Common returns the settings that every venue has.
	Common() *Settings
}

// Common returns the settings that every venue has.
func (s *Settings) Common() *Settings { return s }

// HasKey reports whether there are a key and its secret.
func (s *Settings) HasKey() bool { return s.APIKey != "" && s.Secret != "" }

// String says what is done with the account, without its secrets.
func (s Settings) String() string {
	if !s.HasKey() {
		return "market data only"
	}
	return "orders by " + s.OrderEntry + " as " + s.OrderPrefix
}

// GoString is String: a secret is not for %#v either.
func (s Settings) GoString() string { return s.String() }
