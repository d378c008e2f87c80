package testexchange

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testexchange/binancefutures"
	"github.com/hftrunner/hftrunner/internal/testexchange/binancespot"
	"github.com/hftrunner/hftrunner/internal/testexchange/bybit"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// protocol describes a venue.
type protocol struct {
	new func(*venue.Core, *Config) venue.Protocol
	// wire describes how it treats connections, symbols what it trades, spot whether assets change hands, noGaps
	// whether the update ids of a book have no holes.
	wire         func() wire.Config
	symbols      func() []market.SymbolConfig
	spot, noGaps bool
	// forcedIDs has the prefixes of client ids of the venue's own orders.
	forcedIDs map[market.ExecutionKind]string
	// rule is the numbering of book updates in its recordings.
	rule connector.Rule
	// connectorBlock is a connector of the runner's configuration; %s is the address.
	connectorBlock string
}

// protocols are the venues by name.
func protocols() map[Venue]protocol {
	return map[Venue]protocol{
		BinanceFutures: {
			new: func(core *venue.Core, c *Config) venue.Protocol {
				return binancefutures.New(core, binancefutures.Options{Seed: c.Seed, Unrouted: c.Unrouted,
					TradeLite: c.TradeLite, ListenKeyTTL: c.ListenKeyTTL, WeightPerMinute: c.WeightPerMinute,
					OrdersPerMinute: c.OrdersPerMinute})
			},
			wire: binancefutures.WireConfig, symbols: linearSymbols,
			forcedIDs: map[market.ExecutionKind]string{market.Liquidation: "autoclose-", market.ADL: "adl_autoclose",
				market.Settlement: "settlement_autoclose-", market.Delivery: "delivery_autoclose-"},
			rule: connector.RuleFutures,
			connectorBlock: `connector "binancefutures" "test" {
  api_url     = "http://%[1]s"
  public_url  = "ws://%[1]s/public"
  market_url  = "ws://%[1]s/market"
  private_url = "ws://%[1]s/private"
  ws_api_url  = "ws://%[1]s/ws-fapi/v1"
  api_key     = "%[2]s"
  secret      = "%[3]s"
}
`},
		BinanceSpot: {
			new: func(core *venue.Core, c *Config) venue.Protocol {
				o := binancespot.Options{WeightPerMinute: c.WeightPerMinute}
				if c.LargeIDs {
					o.FirstExecutionID = largeIDs
				}
				return binancespot.New(core, o)
			},
			wire: binancespot.WireConfig, symbols: spotSymbols, spot: true, noGaps: true,
			rule: connector.RuleSpot,
			connectorBlock: `connector "binancespot" "test" {
  api_url    = "http://%[1]s"
  stream_url = "ws://%[1]s"
  ws_api_url = "ws://%[1]s/ws-api/v3"
  api_key    = "%[2]s"
  secret     = "%[3]s"
}
`},
		Bybit: {
			new: func(core *venue.Core, c *Config) venue.Protocol {
				return bybit.New(core, bybit.Options{RequestsPer5s: perMinute(c.WeightPerMinute, 12),
					OrdersPerSecond: perMinute(c.OrdersPerMinute, 60)})
			},
			wire: bybit.WireConfig, symbols: bybitSymbols, noGaps: true,
			rule: connector.RuleStreamed,
			connectorBlock: `connector "bybit" "test" {
  api_url     = "http://%[1]s"
  public_url  = "ws://%[1]s/v5/public/linear"
  private_url = "ws://%[1]s/v5/private"
  trade_url   = "ws://%[1]s/v5/trade"
  api_key     = "%[2]s"
  secret      = "%[3]s"
}
`},
	}
}

// perMinute is the share of a limit per minute in one of so many parts, at least 1; 0 stays 0.
func perMinute(limit, parts int) int { return (limit + parts - 1) / parts }

// linearSymbols are those of the derivatives.
func linearSymbols() []market.SymbolConfig {
	return []market.SymbolConfig{
		{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10", LotSize: "0.001", MinPrice: "556.80",
			MaxPrice: "4529764.00", MinQty: "0.001", MaxQty: "1000.000", MaxMarketQty: "120.000", MinNotional: "100",
			BandShare: 0.05, MakerFeePPM: 200, TakerFeePPM: 500},
		{Name: "ETHUSDT", BaseAsset: "ETH", QuoteAsset: "USDT", TickSize: "0.01", LotSize: "0.001", MinPrice: "39.86",
			MaxPrice: "306177.00", MinQty: "0.001", MaxQty: "10000.000", MaxMarketQty: "2000.000", MinNotional: "20",
			BandShare: 0.05, MakerFeePPM: 200, TakerFeePPM: 500},
	}
}

// bybitSymbols are those of Bybit's linear contracts.
func bybitSymbols() []market.SymbolConfig {
	return []market.SymbolConfig{
		{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10", LotSize: "0.001", MinPrice: "0.10",
			MaxPrice: "1999999.80", MinQty: "0.001", MaxQty: "1190.000", MaxMarketQty: "119.000", MinNotional: "5",
			MaxOrders: 500, BandShare: 0.1, MakerFeePPM: 200, TakerFeePPM: 550},
		{Name: "ETHUSDT", BaseAsset: "ETH", QuoteAsset: "USDT", TickSize: "0.01", LotSize: "0.01", MinPrice: "0.01",
			MaxPrice: "199999.98", MinQty: "0.01", MaxQty: "7240.00", MaxMarketQty: "724.00", MinNotional: "5",
			MaxOrders: 500, BandShare: 0.1, MakerFeePPM: 200, TakerFeePPM: 550},
	}
}

// spotSymbols are those of spot.
func spotSymbols() []market.SymbolConfig {
	symbol := func(base, lot string) market.SymbolConfig {
		return market.SymbolConfig{Name: base + "USDT", BaseAsset: base, QuoteAsset: "USDT", TickSize: "0.01000000",
			LotSize: lot, MinPrice: "0.01000000", MaxPrice: "1000000.00000000", MinQty: lot, MaxQty: "9000.00000000",
			MaxMarketQty: "100.00000000", MinNotional: "5", BandShare: 0.8, MakerFeePPM: 1000, TakerFeePPM: 1000}
	}
	return []market.SymbolConfig{symbol("BTC", "0.00001000"), symbol("ETH", "0.00010000")}
}

// background makes what moves a venue's market, nil for a still one.
func (c *Config) background(name Venue, p *protocol, symbols []market.SymbolConfig) (*venue.Background, error) {
	nowNs := c.Clock.NowNs()
	var source paper.Source
	var err error
	switch c.Background {
	case Still:
		return nil, nil
	case Recorded:
		source, err = replay.Open(replay.Config{Files: c.Recordings, NewDecoder: c.Decoders[name], Rule: p.rule})
	default:
		source, err = paper.NewSynthetic(paper.SyntheticConfig{Seed: c.Seed, StartNs: nowNs,
			EventsPerSecond: c.EventsPerSecond})
	}
	if err != nil {
		return nil, fmt.Errorf("testexchange: %w", err)
	}
	return venue.NewBackground(source, symbols, nowNs)
}
