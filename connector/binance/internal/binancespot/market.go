package binancespot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// maxSymbols is how many symbols share a connection: three streams each, and the venue's limit is 1024.
	maxSymbols = 300
	// helloInterval keeps below the venue's five messages a second, which count pongs too.
	helloInterval = 300 * time.Millisecond
	// snapshotLevels of each side are asked for: more cost five times the weight.
	snapshotLevels, snapshotWeight = 1000, 50
	// peekLevels are the most for the lowest weight.
	peekLevels, peekWeight = 100, 5
)

// MarketStreams returns the connections that bring depth, trades and, where it is configured, the best bid and ask.
func (p *Protocol) MarketStreams(symbols []string) []protocol.Stream {
	var streams []protocol.Stream
	for chunk := range slices.Chunk(symbols, maxSymbols) {
		var topics []string
		for _, symbol := range chunk {
			name := strings.ToLower(symbol)
			topics = append(topics, name+"@depth@100ms", name+"@"+p.config.TradeStream)
			if p.config.BookTicker {
				topics = append(topics, name+"@bookTicker")
			}
		}
		hello := binanceapi.Subscriptions(topics)
		name := "market"
		if len(streams) > 0 {
			name = fmt.Sprintf("market%d", len(streams)+1)
		}
		streams = append(streams, protocol.Stream{
			Name: name, URL: strings.TrimSuffix(p.config.StreamURL, "/") + "/stream",
			Hello: hello, Answers: len(hello), HelloInterval: helloInterval, Ready: p.parser.Subscribed,
			Silence: p.config.Silence, QuietTopics: p.config.QuietLimit, Lifetime: p.config.Lifetime,
		})
	}
	return streams
}

// NewDecoder returns a decoder of the market streams' messages.
func (p *Protocol) NewDecoder() connector.Decoder {
	return &Decoder{AggTrades: p.config.TradeStream == "aggTrade"}
}

// Notice looks at a message of a market stream that the decoder has ignored: the venue may say that it is about to shut
// the server down.
func (p *Protocol) Notice(frame []byte) (reason string) { return p.parser.Notice(frame) }

// Snapshot asks for a book of 1000 levels a side. It has no time of the venue.
func (p *Protocol) Snapshot(ctx context.Context, symbol string) ([]byte, error) {
	return p.depth(ctx, symbol, snapshotLevels, snapshotWeight)
}

// Peek asks for the best 100 levels a side.
func (p *Protocol) Peek(ctx context.Context, symbol string, m *connector.Message) error {
	body, err := p.depth(ctx, symbol, peekLevels, peekWeight)
	if err != nil {
		return err
	}
	return p.NewDecoder().Decode(p.config.NowNs(), body, m)
}

func (p *Protocol) depth(ctx context.Context, symbol string, levels int64, weight int) ([]byte, error) {
	return p.client.Bytes(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/depth",
		Params: []binanceapi.Param{binanceapi.Text("symbol", symbol), binanceapi.Int("limit", levels)},
		Cost:   binanceapi.Cost{Weight: weight}})
}

// ServerTimeNs asks for the venue's clock.
func (p *Protocol) ServerTimeNs(ctx context.Context) (timeNs int64, err error) {
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/time",
		Cost: binanceapi.Cost{Weight: 1}}, func(v binanceapi.Value) error {
		if timeNs = v.TimeNs("serverTime"); timeNs == 0 {
			return errors.New("there is no serverTime")
		}
		return nil
	})
	return timeNs, err
}

// Filters returns the steps and limits of symbols, in their order.
func (p *Protocol) Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error) {
	names, err := json.Marshal(symbols)
	if err != nil {
		return nil, fmt.Errorf("binancespot: symbols: %w", err)
	}
	found := map[string]protocol.Filters{}
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/exchangeInfo",
		Params: []binanceapi.Param{binanceapi.Text("symbols", string(names))}, Cost: binanceapi.Cost{Weight: 20}},
		func(v binanceapi.Value) error {
			return v.Field("symbols").Each(func(row binanceapi.Value) error {
				f := filters(row)
				found[f.Symbol] = f
				return nil
			})
		})
	if err != nil {
		return nil, fmt.Errorf("filters of %s: %w", strings.Join(symbols, ", "), err)
	}
	rows := make([]protocol.Filters, 0, len(symbols))
	for _, symbol := range symbols {
		f, ok := found[symbol]
		if !ok {
			return nil, &protocol.Failure{Cause: protocol.Refused, Code: -1121,
				Msg: "the venue has no symbol " + symbol + ": see its list of pairs"}
		}
		rows = append(rows, f)
	}
	return rows, nil
}

// filters reads one symbol of exchangeInfo.
func filters(v binanceapi.Value) protocol.Filters {
	f := protocol.Filters{Spot: true, Symbol: v.Text("symbol"), Trading: string(v.Bytes("status")) == "TRADING",
		BaseAsset: v.Text("baseAsset"), QuoteAsset: v.Text("quoteAsset")}
	_ = v.Field("filters").Each(func(row binanceapi.Value) error {
		switch string(row.Bytes("filterType")) {
		case "PRICE_FILTER":
			f.TickSize = row.Decimal("tickSize")
		case "LOT_SIZE":
			f.LotSize, f.MinQty, f.MaxQty = row.Decimal("stepSize"), row.Decimal("minQty"), row.Decimal("maxQty")
		case "NOTIONAL", "MIN_NOTIONAL": // the older name; a symbol has one of them
			f.MinNotional = row.Decimal("minNotional")
		}
		return nil
	})
	return f
}

// FeeAssets has BNB.
func (p *Protocol) FeeAssets() []string { return []string{binanceapi.FeeAsset} }

// AssetPrice asks for the last price of an asset in a quote asset.
func (p *Protocol) AssetPrice(ctx context.Context, asset, quote string) (float64, error) {
	return p.client.LastPrice(ctx, "/api/v3/ticker/price", 2, asset+quote)
}
