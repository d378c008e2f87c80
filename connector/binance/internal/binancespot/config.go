package binancespot

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Config configures a Protocol. Its texts show no secret.
type Config struct {
	// Settings are the configuration's; what is empty or 0 is as the network or the venue has it. Secret is either the
	// text of an HMAC key or an Ed25519 private key in PKCS#8, PEM or base64.
	Settings

	// Timeout limits a request, 0 for binanceapi.DefaultTimeout.
	Timeout time.Duration

	// HTTPClient is used for REST, nil for one of its own.
	HTTPClient *http.Client
	// NowNs is the local clock, nanoseconds since the Unix epoch.
	NowNs func() int64
	// Logger gets what happens to the connection for order entry; it may be nil.
	Logger hclog.Logger
	// Outage is that of the venue, which that connection is a part of; it may be nil.
	Outage protocol.Outage

	// Silence limits the time without even a ping on a connection, 0 for 1 min: the venue sends one every 20 s.
	Silence time.Duration
	// Lifetime is after how long a connection is replaced, 0 for 23 h: the venue cuts it after 24 h.
	Lifetime time.Duration
}

// Main returns a Config with the addresses of the real venue.
func Main() Config {
	return Config{Settings: Settings{StreamURL: "wss://stream.binance.com:9443", APIURL: "https://api.binance.com",
		WSAPIURL: "wss://ws-api.binance.com:443/ws-api/v3"}}
}

// Testnet returns a Config with the addresses of the venue for trying things out. It has keys of its own and forgets
// everything about once a month.
func Testnet() Config {
	return Config{Settings: Settings{StreamURL: "wss://stream.testnet.binance.vision",
		APIURL:   "https://testnet.binance.vision",
		WSAPIURL: "wss://ws-api.testnet.binance.vision/ws-api/v3"}}
}

// String shows the addresses and choices.
func (c Config) String() string {
	key := "no key"
	if c.APIKey != "" || c.Secret != "" {
		key = "with a key"
	}
	return fmt.Sprintf("binancespot: %s, streams %s, WebSocket API %s, trades %s, orders %s, %s",
		c.APIURL, c.StreamURL, c.WSAPIURL, c.TradeStream, c.OrderEntry, key)
}

// GoString is String: a secret is not for %#v either.
func (c Config) GoString() string { return c.String() }

// MarshalText is String, so that no encoder and no logger shows more.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// maxRecvWindow is the longest window that the venue takes.
const maxRecvWindow = time.Minute

// complete fills in what is empty and reports what cannot be.
func (c *Config) complete() error {
	c.resolve()
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.QuietLimit, time.Minute}, {&c.Silence, time.Minute}, {&c.Lifetime, 23 * time.Hour}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	for _, limit := range []struct {
		field *int
		value int
	}{{&c.WeightPerMinute, 6000}, {&c.OrdersPer10s, 100}, {&c.OrdersPerDay, 200_000}} {
		if *limit.field == 0 {
			*limit.field = limit.value
		}
		if *limit.field < 0 {
			return fmt.Errorf("a rate limit is %d: omit it for the venue's own", *limit.field)
		}
	}
	for _, choice := range []struct {
		name, first, second string
		field               *string
	}{{"trade stream", "trade", "aggTrade", &c.TradeStream}, {"order entry", "rest", "ws", &c.OrderEntry}} {
		if *choice.field == "" {
			*choice.field = choice.first
		}
		if *choice.field != choice.first && *choice.field != choice.second {
			return fmt.Errorf("the %s is %q: must be %q or %q", choice.name, *choice.field, choice.first, choice.second)
		}
	}
	if err := checkURL("stream", c.StreamURL); err != nil {
		return err
	}
	if c.APIKey != "" || c.WSAPIURL != "" {
		if err := checkURL("WebSocket API", c.WSAPIURL); err != nil {
			return err
		}
	}
	return c.check()
}

// check reports what cannot be of what has no default.
func (c *Config) check() error {
	switch {
	case c.NowNs == nil:
		return errors.New("there is no clock: set NowNs")
	case c.RecvWindow < 0 || c.RecvWindow > maxRecvWindow:
		return fmt.Errorf("the receive window is %v: the venue accepts up to %v", c.RecvWindow, maxRecvWindow)
	case (c.APIKey == "") != (c.Secret == ""):
		return errors.New("key and secret belong together: set both, or neither for market data only")
	}
	return nil
}

// allowances are the limits of requests. Executions give back what orders have used.
func (c *Config) allowances() []binanceapi.Allowance {
	return []binanceapi.Allowance{
		{Limit: binanceapi.RequestWeight, Interval: time.Minute, Max: c.WeightPerMinute},
		{Limit: binanceapi.Orders, Interval: 10 * time.Second, Max: c.OrdersPer10s, Refunds: true},
		{Limit: binanceapi.Orders, Interval: 24 * time.Hour, Max: c.OrdersPerDay, Refunds: true},
	}
}

func checkURL(what, text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "wss" && u.Scheme != "ws" || u.Host == "" ||
		u.RawQuery != "" {
		return fmt.Errorf("the %s URL %q must be like wss://host/path", what, text)
	}
	return nil
}
