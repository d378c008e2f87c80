package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"hftrunner/cmd/runner/internal/cli"
	"hftrunner/cmd/runner/internal/config"
	"hftrunner/cmd/runner/internal/venuecheck"
	"hftrunner/connector"
	"hftrunner/connector/binancefutures"
	"hftrunner/connector/binancespot"
	"hftrunner/connector/bybit"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/venue"
)

// venueKinds makes what speaks to each kind of venue that a configuration may name.
func venueKinds() map[string]func(*config.Live, hclog.Logger) (cli.Venue, error) {
	return map[string]func(*config.Live, hclog.Logger) (cli.Venue, error){
		config.KindBinanceFutures: newBinanceFutures,
		config.KindBinanceSpot:    newBinanceSpot,
		config.KindBybit:          newBybit,
	}
}

// newVenue makes what speaks to a connector's venue. The caller closes its Protocol.
func newVenue(c *config.Connector, logger hclog.Logger) (cli.Venue, error) {
	kind, ok := venueKinds()[c.Kind]
	if !ok {
		return cli.Venue{}, fmt.Errorf("%v: this build has no venue %q", c.Pos, c.Kind)
	}
	v, err := kind(c.Live, logger)
	if err != nil {
		return cli.Venue{}, fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err)
	}
	return v, nil
}

// checkVenue says what is wrong with a connector's settings without connecting: orders by WebSocket would connect at
// once.
func checkVenue(c *config.Connector) error {
	kind, ok := venueKinds()[c.Kind]
	if !ok {
		return fmt.Errorf("this build has no venue %q", c.Kind)
	}
	offline := *c.Live
	offline.OrderEntry = "rest"
	v, err := kind(&offline, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	return v.Protocol.Close()
}

// newLive makes the connector to a venue. It asks the venue for the rules of what the strategies trade, and fills in
// their steps. The error is config.Problems when the venue's answer does not agree with the configuration.
func newLive(ctx context.Context, file *config.File, c *config.Connector, logger hclog.Logger) (connector.Connector, error) {
	v, err := newVenue(c, logger)
	if err != nil {
		return nil, err
	}
	filters, err := fillSteps(ctx, file, c, v.Protocol)
	if err != nil {
		return nil, errors.Join(err, v.Protocol.Close())
	}
	began := time.Now()
	made, err := venue.New(venue.Config{Protocol: v.Protocol, MonotonicNs: func() int64 { return int64(time.Since(began)) },
		Rule: v.Rule, OrderPrefix: c.Live.OrderPrefix, Trading: c.Live.HasKey,
		DeadMan: c.Live.DeadMan, CancelOnDisconnect: c.Live.CancelOnDisconnect, Filters: filters, Logger: logger})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%v: connector %q: %w", c.Pos, c.Name, err), v.Protocol.Close())
	}
	return made, nil
}

func fillSteps(ctx context.Context, file *config.File, c *config.Connector, p venue.Protocol) ([]venue.Filters, error) {
	rules, err := venuecheck.AskRules(ctx, p, file.Symbols(c.Name))
	if err != nil {
		return nil, fmt.Errorf("%v: connector %q: %w; is the network up, are the addresses right? 'runner check %s' says more", c.Pos, c.Name, err, c.Name)
	}
	problems := file.FillSteps(c.Name, func(in *config.Instrument) (tickSize, lotSize float64, err error) {
		return rules.Steps(in.Symbol, in.TickSize, in.LotSize)
	})
	if len(problems) > 0 {
		return nil, problems
	}
	return rules.Filters, nil
}

// nowNs is the wall clock, which venues have.
func nowNs() int64 { return time.Now().UnixNano() }

// override sets dst unless the configuration leaves it to the network.
func override(dst *string, address string) {
	if address != "" {
		*dst = address
	}
}

func newBinanceFutures(l *config.Live, _ hclog.Logger) (cli.Venue, error) {
	var c binancefutures.Config
	switch l.Network {
	case config.NetworkMain:
		c = binancefutures.Main()
	case config.NetworkTestnet:
		c = binancefutures.Testnet()
	}
	override(&c.PublicURL, l.PublicURL)
	override(&c.MarketURL, l.MarketURL)
	override(&c.PrivateURL, l.PrivateURL)
	override(&c.APIURL, l.APIURL)
	override(&c.WSAPIURL, l.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs = l.APIKey, l.Secret, l.RecvWindow, nowNs
	c.DepthSpeed, c.TradeStream, c.BookTicker, c.OrderEntry = l.DepthSpeed, l.TradeStream, l.BookTicker, orderEntry(l)
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerMinute = l.WeightPerMinute, l.OrdersPer10s, l.OrdersPerMinute
	p, err := binancefutures.New(c)
	if err != nil {
		return cli.Venue{}, err
	}
	return cli.Venue{Protocol: p, Rule: depthsync.Futures}, nil
}

func newBinanceSpot(l *config.Live, logger hclog.Logger) (cli.Venue, error) {
	var c binancespot.Config
	switch l.Network {
	case config.NetworkMain:
		c = binancespot.Main()
	case config.NetworkTestnet:
		c = binancespot.Testnet()
	}
	override(&c.StreamURL, l.StreamURL)
	override(&c.APIURL, l.APIURL)
	override(&c.WSAPIURL, l.WSAPIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = l.APIKey, l.Secret, l.RecvWindow, nowNs, logger
	c.TradeStream, c.BookTicker, c.OrderEntry = l.TradeStream, l.BookTicker, orderEntry(l)
	c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerDay = l.WeightPerMinute, l.OrdersPer10s, l.OrdersPerDay
	p, err := binancespot.New(c)
	if err != nil {
		return cli.Venue{}, err
	}
	return cli.Venue{Protocol: p, Rule: depthsync.Spot}, nil
}

func newBybit(l *config.Live, logger hclog.Logger) (cli.Venue, error) {
	var c bybit.Config
	switch l.Network {
	case config.NetworkMain:
		c = bybit.Config{PublicURL: "wss://stream.bybit.com/v5/public/linear", PrivateURL: "wss://stream.bybit.com/v5/private",
			TradeURL: "wss://stream.bybit.com/v5/trade", APIURL: "https://api.bybit.com"}
	case config.NetworkTestnet:
		c = bybit.Config{PublicURL: "wss://stream-testnet.bybit.com/v5/public/linear", PrivateURL: "wss://stream-testnet.bybit.com/v5/private",
			TradeURL: "wss://stream-testnet.bybit.com/v5/trade", APIURL: "https://api-testnet.bybit.com"}
	}
	override(&c.PublicURL, l.PublicURL)
	override(&c.PrivateURL, l.PrivateURL)
	override(&c.TradeURL, l.TradeURL)
	override(&c.APIURL, l.APIURL)
	c.Key, c.Secret, c.RecvWindow, c.NowNs, c.Logger = l.APIKey, l.Secret, l.RecvWindow.Truncate(time.Millisecond), nowNs, logger
	c.DepthLevel, c.BookTicker, c.OrderEntry = l.DepthLevel, l.BookTicker, bybit.OrderEntry(orderEntry(l))
	c.OrdersPerSecond = l.OrdersPerSecond
	p, err := bybit.New(c)
	if err != nil {
		return cli.Venue{}, err
	}
	return cli.Venue{Protocol: p, Rule: p.DepthRule()}, nil
}

// orderEntry is the way of orders; without a key there are none.
func orderEntry(l *config.Live) string {
	if !l.HasKey {
		return "rest"
	}
	return l.OrderEntry
}
