package binancefutures

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	// Logger gets what happens to the connection for order entry, which is a part of Outage, that of the venue; both
	// may be nil.
	Logger hclog.Logger
	Outage protocol.Outage

	// QuietMarket is the time without trades after which the connection is asked for a sign of life, 0 for 5 min; see
	// protocol.Stream.QuietTopics. That of books has QuietLimit.
	QuietMarket time.Duration
	// Silence limits the time without even a ping on a connection, 0 for 5 min: the venue sends one every 3 min.
	Silence time.Duration
	// Lifetime is after how long a connection is replaced, 0 for 23 h: the venue cuts it after 24 h.
	Lifetime time.Duration
	// KeepAliveInterval is the interval at which the private stream's listen key is extended, 0 for 30 min: it ends
	// after
	// 60 min.
	KeepAliveInterval time.Duration
}

// Main returns a Config with the addresses of the real venue.
func Main() Config {
	return Config{Settings: Settings{
		PublicURL: "wss://fstream.binance.com/public", MarketURL: "wss://fstream.binance.com/market",
		PrivateURL: "wss://fstream.binance.com/private",
		APIURL:     "https://fapi.binance.com", WSAPIURL: "wss://ws-fapi.binance.com/ws-fapi/v1",
	}}
}

// Testnet returns a Config with the addresses of the venue for trying things out. It has keys of its own.
func Testnet() Config {
	return Config{Settings: Settings{
		PublicURL: "wss://fstream.binancefuture.com/public", MarketURL: "wss://fstream.binancefuture.com/market",
		PrivateURL: "wss://fstream.binancefuture.com/private",
		APIURL:     "https://demo-fapi.binance.com", WSAPIURL: "wss://testnet.binancefuture.com/ws-fapi/v1",
	}}
}

// String shows the addresses and choices.
func (c Config) String() string {
	key := "no key"
	if c.APIKey != "" || c.Secret != "" {
		key = "with a key"
	}
	return fmt.Sprintf("binancefutures: %s, streams %s %s %s, WebSocket API %s, depth %s, trades %s, orders %s, %s",
		c.APIURL, c.PublicURL, c.MarketURL, c.PrivateURL, c.WSAPIURL, c.DepthSpeed, c.TradeStream, c.OrderEntry, key)
}

// GoString is String: a secret is not for %#v either.
func (c Config) GoString() string { return c.String() }

// MarshalText is String, so that no encoder and no logger shows more.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// complete fills in what is empty and reports what cannot be.
func (c *Config) complete() error {
	c.resolve()
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.QuietLimit, 30 * time.Second}, {&c.QuietMarket, 5 * time.Minute}, {&c.Silence, 5 * time.Minute},
		{&c.Lifetime, 23 * time.Hour}, {&c.KeepAliveInterval, 30 * time.Minute}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	for _, limit := range []struct {
		field *int
		value int
	}{{&c.WeightPerMinute, 2400}, {&c.OrdersPer10s, 300}, {&c.OrdersPerMinute, 1200}} {
		if *limit.field == 0 {
			*limit.field = limit.value
		}
		if *limit.field < 0 {
			return fmt.Errorf("a rate limit is %d: omit it for the venue's own", *limit.field)
		}
	}
	for _, choice := range []struct {
		name, first string
		field       *string
		others      []string
	}{
		{"depth speed", "0ms", &c.DepthSpeed, []string{"100ms", "250ms", "500ms"}},
		{"trade stream", "aggTrade", &c.TradeStream, []string{"trade"}},
		{"order entry", "rest", &c.OrderEntry, []string{"ws"}},
	} {
		switch {
		case *choice.field == "":
			*choice.field = choice.first
		case *choice.field != choice.first && !slices.Contains(choice.others, *choice.field):
			return fmt.Errorf("the %s is %q: must be %q or one of %q", choice.name, *choice.field, choice.first,
				choice.others)
		}
	}
	if err := c.checkAddresses(); err != nil {
		return err
	}
	return c.check()
}

// checkAddresses reports addresses that are none.
func (c *Config) checkAddresses() error {
	addresses := [][2]string{{"public", c.PublicURL}, {"market", c.MarketURL}, {"private", c.PrivateURL}}
	if c.OrderEntry == "ws" {
		addresses = append(addresses, [2]string{"WebSocket API", c.WSAPIURL})
	}
	for _, a := range addresses {
		if u, err := url.Parse(a[1]); err != nil || u.Scheme != "wss" && u.Scheme != "ws" || u.Host == "" ||
			u.RawQuery != "" {
			return fmt.Errorf("the %s URL %q must be like wss://host/path", a[0], a[1])
		}
	}
	return nil
}

// check reports what cannot be of what has no default.
func (c *Config) check() error {
	switch {
	case c.NowNs == nil:
		return errors.New("there is no clock: set NowNs")
	case c.RecvWindow < 0 || c.RecvWindow > time.Minute:
		return fmt.Errorf("the receive window is %v: the venue accepts up to 60 s", c.RecvWindow)
	case (c.APIKey == "") != (c.Secret == ""):
		return errors.New("key and secret belong together: set both, or neither for market data only")
	}
	return nil
}

// budget returns the limits of requests.
func (c *Config) budget() (binanceapi.Budget, error) {
	return binanceapi.NewBudget([]binanceapi.Allowance{
		{Limit: binanceapi.RequestWeight, Interval: time.Minute, Max: c.WeightPerMinute},
		{Limit: binanceapi.Orders, Interval: 10 * time.Second, Max: c.OrdersPer10s},
		{Limit: binanceapi.Orders, Interval: time.Minute, Max: c.OrdersPerMinute},
	})
}
