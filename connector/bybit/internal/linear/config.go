package linear

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

var (
	_ protocol.Protocol      = (*Protocol)(nil)
	_ protocol.BatchCanceler = (*Protocol)(nil)
	_ protocol.Sweeper       = (*Protocol)(nil)
	_ protocol.Lister        = (*Protocol)(nil)
	_ protocol.Resubscriber  = (*Protocol)(nil)
	_ protocol.Noticer       = (*Protocol)(nil)
	_ protocol.Peeker        = (*Protocol)(nil)
	_ protocol.Forbidder     = (*Protocol)(nil)
	_ protocol.Hanger        = (*Protocol)(nil)
)

// OrderEntry is the way that orders take to the venue.
type OrderEntry = string

// Ways of orders.
const (
	// OrdersByREST sends each request as an HTTP request.
	OrdersByREST OrderEntry = "rest"
	// OrdersByWebSocket sends placements, amendments and cancels over the trade connection while that is up, and by
	// REST while it is not. Everything else is asked for by REST.
	OrdersByWebSocket OrderEntry = "ws"
)

// DefaultLevel is the depth of the book that is subscribed when Config does not say.
const DefaultLevel = 50

// Config configures a Protocol.
type Config struct {
	// Settings are the configuration's; what is empty or 0 is as the network or the venue has it. PrivateURL is needed
	// with a key, TradeURL for OrdersByWebSocket. A Secret that is a PEM block is an RSA key; RecvWindow is in whole
	// milliseconds.
	Settings
	// DisconnectCancel says that the venue has enabled its cancel-on-disconnect (DCP) for the account, which it does
	// for institutions on request. ArmDeadMan then sets its window.
	DisconnectCancel bool
	// HTTPClient sends the REST requests; nil makes one. Redirects are not followed, whatever it says: a signed request
	// goes to no other place.
	HTTPClient *http.Client
	// Logger is told about the trade connection; it may be nil.
	Logger hclog.Logger
	// Outage is that of the venue, which the trade connection is a part of; it may be nil.
	Outage protocol.Outage
	// NowNs is the local clock in Unix nanoseconds, which is needed.
	NowNs func() int64
}

// Main returns a Config with the addresses of the real venue.
func Main() Config {
	return Config{Settings: Settings{PublicURL: "wss://stream.bybit.com/v5/public/linear",
		PrivateURL: "wss://stream.bybit.com/v5/private",
		TradeURL:   "wss://stream.bybit.com/v5/trade", APIURL: "https://api.bybit.com"}}
}

// Testnet returns a Config with the addresses of the venue for trying things out. It has keys of its own.
func Testnet() Config {
	return Config{Settings: Settings{PublicURL: "wss://stream-testnet.bybit.com/v5/public/linear",
		PrivateURL: "wss://stream-testnet.bybit.com/v5/private",
		TradeURL:   "wss://stream-testnet.bybit.com/v5/trade", APIURL: "https://api-testnet.bybit.com"}}
}

// String shows the addresses and choices, and neither key nor secret.
func (c Config) String() string {
	key := "no key"
	if c.APIKey != "" {
		key = "with a key"
	}
	return fmt.Sprintf("bybit: %s, %s, %s, %s, depth %d, book ticker %t, orders by %s, %s", c.PublicURL, c.PrivateURL,
		c.TradeURL, c.APIURL, c.DepthLevel, c.BookTicker, c.OrderEntry, key)
}

const (
	defaultRecvWindow = 5 * time.Second
	defaultTimeout    = 10 * time.Second
	defaultOrders     = 10
)

// Protocol speaks Bybit's v5 protocol for linear contracts; see protocol.Protocol. It is safe for use by several
// goroutines.
type Protocol struct {
	config     Config
	sign       signer
	client     *http.Client
	recvWindow string
	offsetNs   atomic.Int64
	budget     *budget.Budget
	parsers    parsers
	trade      *tradeSocket
}

// New returns a Protocol. It connects to nothing. What is wrong with config is told all at once.
func New(config Config) (*Protocol, error) {
	config.resolve()
	if config.DepthLevel == 0 {
		config.DepthLevel = DefaultLevel
	}
	if config.RecvWindow == 0 {
		config.RecvWindow = defaultRecvWindow
	}
	if config.OrderEntry == "" {
		config.OrderEntry = OrdersByREST
	}
	if config.OrdersPerSecond == 0 {
		config.OrdersPerSecond = defaultOrders
	}
	sign, err := newSigner(config.APIKey, config.Secret)
	if err = errors.Join(config.check(), err); err != nil {
		return nil, fmt.Errorf("bybit: %w", err)
	}
	p := &Protocol{config: config, sign: sign, recvWindow: strconv.FormatInt(config.RecvWindow.Milliseconds(), 10)}
	p.client = newClient(config.HTTPClient)
	if p.budget, err = newBudget(config.OrdersPerSecond); err != nil {
		return nil, fmt.Errorf("bybit: %w", err)
	}
	if config.OrderEntry == OrdersByWebSocket {
		if p.trade, err = newTradeSocket(p); err != nil {
			return nil, fmt.Errorf("bybit: %w", err)
		}
	}
	return p, nil
}

func newClient(given *http.Client) *http.Client {
	c := http.Client{Timeout: defaultTimeout, Transport: transport()}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// transport is the usual one with connections of its own, of which as many stay open as there are requests at once.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program has replaced it
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 16
	return t
}

func (c *Config) check() error {
	errs := c.checkURLs()
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if (c.APIKey == "") != (c.Secret == "") {
		wrong("Key and Secret belong together: set both, or neither for market data only")
	}
	if c.RecvWindow < time.Millisecond || c.RecvWindow > time.Minute {
		wrong("RecvWindow %v is not between 1ms and 1m", c.RecvWindow)
	}
	if !slices.Contains([]int{1, 50, 200, 1000}, c.DepthLevel) {
		wrong("DepthLevel %d is none of 1, 50, 200 and 1000", c.DepthLevel)
	}
	if c.DepthLevel == 1 && c.BookTicker {
		wrong("DepthLevel 1 is the book ticker already: leave BookTicker out, or take a deeper book")
	}
	if c.OrderEntry != OrdersByREST && c.OrderEntry != OrdersByWebSocket {
		wrong("OrderEntry %q is neither %q nor %q", c.OrderEntry, OrdersByREST, OrdersByWebSocket)
	}
	if c.OrderEntry == OrdersByWebSocket && c.APIKey == "" {
		wrong("OrderEntry %q needs Key and Secret", c.OrderEntry)
	}
	if c.OrdersPerSecond < 0 {
		wrong("OrdersPerSecond %d is negative", c.OrdersPerSecond)
	}
	if c.NowNs == nil {
		wrong("NowNs, the clock, is missing")
	}
	return errors.Join(errs...)
}

func (c *Config) checkURLs() (errs []error) {
	for _, u := range []struct {
		name, text string
		needed     bool
		schemes    []string
	}{
		{"PublicURL", c.PublicURL, true, []string{"wss", "ws"}},
		{"PrivateURL", c.PrivateURL, c.APIKey != "", []string{"wss", "ws"}},
		{"TradeURL", c.TradeURL, c.OrderEntry == OrdersByWebSocket, []string{"wss", "ws"}},
		{"APIURL", c.APIURL, true, []string{"https", "http"}},
	} {
		if u.text == "" && !u.needed {
			continue
		}
		parsed, err := url.Parse(u.text)
		if err != nil || !slices.Contains(u.schemes, parsed.Scheme) || parsed.Host == "" {
			errs = append(errs, fmt.Errorf("%s %q is not a URL that starts with %s://", u.name, u.text, u.schemes[0]))
		}
	}
	return errs
}

// NowNs returns the local clock.
func (p *Protocol) NowNs() int64 { return p.config.NowNs() }

// SetClockOffset sets what is added to the local clock in signed requests.
func (p *Protocol) SetClockOffset(offset time.Duration) { p.offsetNs.Store(int64(offset)) }

// venueMs is venueNs in milliseconds.
func (p *Protocol) venueMs() int64 { return p.venueNs() / int64(time.Millisecond) }

// localTime turns a time of the venue's clock into one of the local clock.
func (p *Protocol) localTime(venueNs int64) time.Time { return time.Unix(0, venueNs-p.offsetNs.Load()) }

// after is a time of the local clock.
func (p *Protocol) after(d time.Duration) time.Time { return time.Unix(0, p.config.NowNs()+int64(d)) }

// NewDecoder returns a decoder of the book and the trades that MarketStreams subscribes. The ids of a trade message are
// the venue's sequence numbers (seq), the same for trades that were made at once. Those of one order may come in
// several messages: the venue puts at most 1024 trades into one. TradeKey tells them apart.
func (p *Protocol) NewDecoder() connector.Decoder {
	return &Decoder{Level: p.config.DepthLevel, BBO: p.config.BookTicker}
}

// DepthRule is the rule that the book's messages follow.
func (p *Protocol) DepthRule() connector.Rule { return connector.RuleStreamed }

// ForbiddenPause is ten minutes, as the venue's documentation of its rate limits asks.
func (p *Protocol) ForbiddenPause() time.Duration { return forbiddenPause }

// Snapshot returns protocol.ErrResubscribe: the book comes with the stream, see Resubscribe.
func (p *Protocol) Snapshot(context.Context, string) ([]byte, error) {
	return nil, protocol.ErrResubscribe
}

// HangUp ends the trade connection without a goodbye; see protocol.Hanger.
func (p *Protocol) HangUp() {
	if p.trade != nil {
		p.trade.end(errHungUp)
	}
}

// Close ends the trade connection, if there is one. Requests that are out fail, and nothing may be asked for
// afterwards.
func (p *Protocol) Close() error {
	if p.trade != nil {
		p.trade.end(nil)
	}
	p.client.CloseIdleConnections()
	return nil
}
