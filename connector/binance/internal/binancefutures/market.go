package binancefutures

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// maxStreams is how many streams a connection may have.
	maxStreams = 1024
	// helloInterval keeps subscriptions below the venue's ten messages per second.
	helloInterval = 150 * time.Millisecond
	// snapshotLimit is how many levels of each side a snapshot has, the most there are; it weighs 20.
	snapshotLimit, snapshotWeight = 1000, 20
	// peekLimit levels are the most for the lowest weight.
	peekLimit, peekWeight = 50, 2
)

// MarketStreams returns the connections that bring books and trades: one of each class, more when the symbols do not
// fit.
func (p *Protocol) MarketStreams(symbols []string) []protocol.Stream {
	var public, market []string
	for _, symbol := range symbols {
		name := strings.ToLower(symbol)
		depth := name + "@depth"
		if p.config.DepthSpeed != "250ms" { // the venue's own default, which has no suffix
			depth += "@" + p.config.DepthSpeed
		}
		public = append(public, depth)
		if p.config.BookTicker {
			public = append(public, name+"@bookTicker")
		}
		if p.config.TradeStream == "trade" {
			public = append(public, name+"@trade")
		} else {
			market = append(market, name+"@aggTrade")
		}
	}
	list := p.marketStreams(nil, "public", p.config.PublicURL, public, p.config.QuietLimit)
	return p.marketStreams(list, "market", p.config.MarketURL, market, p.config.QuietMarket)
}

func (p *Protocol) marketStreams(list []protocol.Stream, class, url string, names []string,
	quiet time.Duration) []protocol.Stream {
	for i := 0; i < len(names); i += maxStreams {
		name := class
		if i > 0 {
			name += strconv.Itoa(i/maxStreams + 1)
		}
		hello := binanceapi.Subscriptions(names[i:min(i+maxStreams, len(names))])
		list = append(list, protocol.Stream{Name: name, URL: strings.TrimSuffix(url, "/") + "/stream", Hello: hello,
			Answers: len(hello), HelloInterval: helloInterval, Ready: p.parser.Subscribed, Silence: p.config.Silence,
			QuietTopics: quiet, Lifetime: p.config.Lifetime})
	}
	return list
}

// maxNotice is longer than a notice; what nobody decodes may be long.
const maxNotice = 256

// Notice looks at a message of a market stream that the decoder has ignored: the venue may say that it is about to shut
// the server down. Its documents say so of spot only.
func (p *Protocol) Notice(frame []byte) (reason string) {
	if len(frame) > maxNotice || !bytes.Contains(frame, []byte(serverShutdown)) {
		return ""
	}
	err := p.parser.Parse(frame, func(v binanceapi.Value) error {
		if string(unwrapped(v).Bytes("e")) == serverShutdown {
			reason = shutdownReason
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return reason
}

// NewDecoder returns a decoder for the trade stream that is configured.
func (p *Protocol) NewDecoder() connector.Decoder {
	return &Decoder{AggTrades: p.config.TradeStream == "aggTrade"}
}

// Snapshot asks for a book of 1000 levels a side.
func (p *Protocol) Snapshot(ctx context.Context, symbol string) ([]byte, error) {
	return p.depth(ctx, symbol, snapshotLimit, snapshotWeight)
}

// Peek asks for the best 50 levels a side.
func (p *Protocol) Peek(ctx context.Context, symbol string, m *connector.Message) error {
	body, err := p.depth(ctx, symbol, peekLimit, peekWeight)
	if err != nil {
		return err
	}
	return p.NewDecoder().Decode(p.config.NowNs(), body, m)
}

func (p *Protocol) depth(ctx context.Context, symbol string, limit int64, weight int) ([]byte, error) {
	return p.rest.Bytes(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/fapi/v1/depth",
		Cost: binanceapi.Cost{Weight: weight}, Params: []binanceapi.Param{binanceapi.Text("symbol", symbol),
			binanceapi.Int("limit", limit)}})
}

// credits is what accounts in credits trading mode pay with in the place of any quote asset: it is worth one of that.
const credits = "BNFCR"

// FeeAssets are BNB and credits.
func (p *Protocol) FeeAssets() []string { return []string{binanceapi.FeeAsset, credits} }

// AssetPrice asks for the last price of the contract of an asset in a quote asset.
func (p *Protocol) AssetPrice(ctx context.Context, asset, quote string) (float64, error) {
	if asset == credits {
		return 1, nil
	}
	return p.rest.LastPrice(ctx, "/fapi/v2/ticker/price", 1, asset+quote)
}
