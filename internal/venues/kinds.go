package venues

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hftrunner/connector/binancefutures"
	"hftrunner/connector/binancespot"
	"hftrunner/connector/bybit"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/venue"
)

// kinds makes what speaks to each venue.
func kinds() map[string]func(*Config) (venue.Protocol, depthsync.Rule, error) {
	return map[string]func(*Config) (venue.Protocol, depthsync.Rule, error){
		"binancefutures": newBinanceFutures,
		"binancespot":    newBinanceSpot,
		"bybit":          newBybit,
	}
}

// Kinds returns the venues that there are, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

// preset is the configuration of a network, an empty one where every address is given.
func preset[C any](network string, main, testnet func() C) (c C) {
	switch network {
	case Main:
		c = main()
	case Testnet:
		c = testnet()
	}
	return c
}

// override sets dst unless the configuration leaves it to the network.
func override(dst *string, address string) {
	if address != "" {
		*dst = address
	}
}

func newBinanceFutures(s *Config) (venue.Protocol, depthsync.Rule, error) {
	c := preset(s.Network, binancefutures.Main, binancefutures.Testnet)
	override(&c.PublicURL, s.PublicURL)
	override(&c.MarketURL, s.MarketURL)
	override(&c.PrivateURL, s.PrivateURL)
	override(&c.APIURL, s.APIURL)
	override(&c.WSAPIURL, s.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs = s.APIKey, s.Secret, s.RecvWindow, s.Clock.NowNs
	c.Logger, c.Outage = s.Logger, s.outage
	c.DepthSpeed, c.TradeStream, c.BookTicker, c.OrderEntry = s.DepthSpeed, s.TradeStream, s.BookTicker, s.OrderEntry
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerMinute = s.WeightPerMinute, s.OrdersPer10s, s.OrdersPerMinute
	c.Timeout, c.QuietPublic, c.QuietMarket, c.Silence = s.Pace.Timeout, cmp.Or(s.Pace.QuietBooks, s.QuietLimit), s.Pace.QuietTrades, s.Pace.Silence
	c.Lifetime, c.KeepAliveInterval = s.Pace.Lifetime, s.Pace.KeepAlive
	p, err := binancefutures.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, depthsync.Futures, nil
}

func newBinanceSpot(s *Config) (venue.Protocol, depthsync.Rule, error) {
	c := preset(s.Network, binancespot.Main, binancespot.Testnet)
	override(&c.StreamURL, s.StreamURL)
	override(&c.APIURL, s.APIURL)
	override(&c.WSAPIURL, s.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = s.APIKey, s.Secret, s.RecvWindow, s.Clock.NowNs, s.Logger
	c.Outage = s.outage
	c.TradeStream, c.BookTicker, c.OrderEntry = s.TradeStream, s.BookTicker, s.OrderEntry
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerDay = s.WeightPerMinute, s.OrdersPer10s, s.OrdersPerDay
	c.Timeout, c.QuietMarket, c.Silence, c.Lifetime = s.Pace.Timeout, cmp.Or(s.Pace.QuietBooks, s.QuietLimit), s.Pace.Silence, s.Pace.Lifetime
	p, err := binancespot.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, depthsync.Spot, nil
}

func newBybit(s *Config) (venue.Protocol, depthsync.Rule, error) {
	c := preset(s.Network, bybit.Main, bybit.Testnet)
	override(&c.PublicURL, s.PublicURL)
	override(&c.PrivateURL, s.PrivateURL)
	override(&c.TradeURL, s.TradeURL)
	override(&c.APIURL, s.APIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = s.APIKey, s.Secret, s.RecvWindow.Truncate(time.Millisecond), s.Clock.NowNs, s.Logger
	c.DepthLevel, c.BookTicker, c.OrderEntry = s.DepthLevel, s.BookTicker, bybit.OrderEntry(s.OrderEntry)
	c.OrdersPerSecond, c.Outage = s.OrdersPerSecond, s.outage
	p, err := bybit.New(c)
	if err != nil {
		return nil, 0, err
	}
	return p, p.DepthRule(), nil
}
