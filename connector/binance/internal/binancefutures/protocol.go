package binancefutures

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

var (
	_ protocol.Protocol      = (*Protocol)(nil)
	_ protocol.BatchCanceler = (*Protocol)(nil)
	_ protocol.Lister        = (*Protocol)(nil)
	_ protocol.Noticer       = (*Protocol)(nil)
	_ protocol.FeePayer      = (*Protocol)(nil)
	_ protocol.Hanger        = (*Protocol)(nil)
)

// Protocol is how to speak to USD-M futures; see protocol.Protocol. Its methods may be called from any goroutine.
type Protocol struct {
	config Config
	signer *binanceapi.Signer
	rest   *binanceapi.Client
	keys   *binanceapi.Client // asks what the key may do, nil for nobody
	// entry sends orders, by REST or over the WebSocket API.
	entry  binanceapi.Entry
	parser binanceapi.Parser

	mu sync.Mutex
	// listenKey is the key of the newest private stream.
	listenKey string
}

// New returns a Protocol. Nothing is connected until something is asked, except that order entry by the WebSocket API
// connects at once and stays so until Close.
func New(config Config) (*Protocol, error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("binancefutures: %w", err)
	}
	var key *binanceapi.Key
	if config.APIKey != "" {
		var err error
		if key, err = binanceapi.NewKey(config.APIKey, config.Secret); err != nil {
			return nil, fmt.Errorf("binancefutures: %w", err)
		}
	}
	config.APIKey, config.Secret = "", "" // nothing shows what is not there
	p := &Protocol{config: config, signer: binanceapi.NewSigner(key, config.RecvWindow, config.NowNs)}
	budget, err := config.budget()
	if err != nil {
		return nil, fmt.Errorf("binancefutures: %w", err)
	}
	p.rest, err = binanceapi.NewClient(binanceapi.ClientConfig{URL: config.APIURL, Signer: p.signer, Causes: causeOf,
		HTTPClient: config.HTTPClient, Timeout: config.Timeout, Budget: budget})
	if err != nil {
		return nil, fmt.Errorf("binancefutures: %w", err)
	}
	if config.KeyURL != "" {
		p.keys, err = binanceapi.NewClient(binanceapi.ClientConfig{URL: config.KeyURL, Signer: p.signer,
			Causes: causeOf, HTTPClient: config.HTTPClient, Timeout: config.Timeout, Budget: budget})
		if err != nil {
			return nil, fmt.Errorf("binancefutures: %w", err)
		}
	}
	p.entry.REST = p.rest
	if config.OrderEntry == "ws" && key != nil {
		p.entry.WS, err = binanceapi.NewCaller(binanceapi.CallerConfig{Name: "orders", URL: config.WSAPIURL,
			Signer: p.signer, Causes: causeOf, Timeout: config.Timeout, Silence: config.Silence,
			Lifetime: config.Lifetime, Budget: budget, NowNs: config.NowNs, Logger: config.Logger,
			Outage: config.Outage})
		if err != nil {
			return nil, fmt.Errorf("binancefutures: %w", err)
		}
	}
	return p, nil
}

// HangUp ends the connection for order entry without a goodbye; see protocol.Hanger.
func (p *Protocol) HangUp() { p.entry.HangUp() }

// Close ends the connections for order entry and those of REST that are idle.
func (p *Protocol) Close() error {
	p.entry.Close()
	return nil
}

// get asks for something that needs no key.
func (p *Protocol) get(ctx context.Context, path string, weight int, params []binanceapi.Param,
	read func(v binanceapi.Value) error) error {
	return p.rest.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: path, Params: params,
		Cost: binanceapi.Cost{Weight: weight}}, read)
}

// ask asks for something of the account.
func (p *Protocol) ask(ctx context.Context, path string, cost binanceapi.Cost, params []binanceapi.Param,
	read func(v binanceapi.Value) error) error {
	return p.rest.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: path, Params: params,
		Security: binanceapi.Signed, Cost: cost}, read)
}

// ServerTimeNs asks for the venue's clock, which is in milliseconds.
func (p *Protocol) ServerTimeNs(ctx context.Context) (timestampNs int64, err error) {
	err = p.get(ctx, "/fapi/v1/time", 1, nil, func(v binanceapi.Value) error {
		if timestampNs = v.TimeNs("serverTime"); timestampNs == 0 {
			return fmt.Errorf("binancefutures: the reply has no time")
		}
		return nil
	})
	return timestampNs, err
}

// NowNs returns the local clock.
func (p *Protocol) NowNs() int64 { return p.config.NowNs() }

// SetClockOffset sets what is added to the local clock in signed requests.
func (p *Protocol) SetClockOffset(offset time.Duration) { p.signer.SetClockOffset(offset) }

// Filters asks for the rules of all symbols, as the venue tells them only together, and returns those of the ones asked
// for, in their order. A symbol that the venue does not have is Refused.
func (p *Protocol) Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error) {
	found := make(map[string]protocol.Filters, len(symbols))
	for _, s := range symbols {
		found[s] = protocol.Filters{}
	}
	err := p.get(ctx, "/fapi/v1/exchangeInfo", 1, nil, func(v binanceapi.Value) error {
		return v.Field("symbols").Each(func(row binanceapi.Value) error {
			if _, asked := found[string(row.Bytes("symbol"))]; asked {
				f := filters(row)
				found[f.Symbol] = f
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	list := make([]protocol.Filters, 0, len(symbols))
	for _, s := range symbols {
		f := found[s]
		if f.Symbol == "" {
			return nil, &protocol.Failure{Cause: protocol.Refused, Code: -1121,
				Msg: "the venue has no symbol " + s + ": see its list of USD-M contracts"}
		}
		list = append(list, f)
	}
	return list, nil
}

// filters reads a symbol's row. Steps come from the filters: the precisions beside them are something else.
func filters(row binanceapi.Value) protocol.Filters {
	f := protocol.Filters{Symbol: row.Text("symbol"), Trading: string(row.Bytes("status")) == "TRADING",
		BaseAsset: row.Text("baseAsset"), QuoteAsset: row.Text("quoteAsset")}
	_ = row.Field("filters").Each(func(v binanceapi.Value) error {
		switch string(v.Bytes("filterType")) {
		case "PRICE_FILTER":
			f.TickSize = v.Decimal("tickSize")
		case "LOT_SIZE":
			f.LotSize, f.MinQty, f.MaxQty = v.Decimal("stepSize"), v.Decimal("minQty"), v.Decimal("maxQty")
		case "MIN_NOTIONAL":
			f.MinNotional = v.Decimal("notional")
		}
		return nil
	})
	return f
}

// Permissions looks at the account's position mode, whether the key may trade, and the limits.
func (p *Protocol) Permissions(ctx context.Context) ([]connector.Finding, error) {
	if p.signer.Key() == nil {
		return []connector.Finding{{What: "key", Value: "none: market data only"}}, nil
	}
	findings := []connector.Finding{{What: "key", Value: p.signer.Key().String()}}
	if p.keys != nil {
		findings = append(findings, p.keys.KeyFindings(ctx, "enableFutures")...)
	}
	hedge := false
	err := p.ask(ctx, "/fapi/v1/positionSide/dual", binanceapi.Cost{Weight: 30}, nil, func(v binanceapi.Value) error {
		hedge = v.Bool("dualSidePosition")
		return nil
	})
	if err != nil {
		return findings, err
	}
	mode := connector.Finding{What: "position mode", Value: "one-way"}
	if hedge {
		mode = connector.Finding{What: "position mode", Value: "hedge",
			Problem: "orders without a position side are rejected in hedge mode",
			Advice:  "set the account's position mode to one-way"}
	}
	findings = append(findings, mode)
	trading, err := p.trading(ctx)
	if err != nil {
		return findings, err
	}
	findings = append(findings, trading...)
	err = p.get(ctx, "/fapi/v1/exchangeInfo", 1, nil, func(v binanceapi.Value) error {
		binanceapi.ReadLimits(v.Field("rateLimits"), func(u binanceapi.Usage) {
			findings = append(findings, p.limit(u))
		})
		return nil
	})
	return findings, err
}

// trading looks at what the account may do.
func (p *Protocol) trading(ctx context.Context) ([]connector.Finding, error) {
	trading := connector.Finding{What: "trading", Value: "allowed"}
	margin := connector.Finding{What: "multi-assets margin", Value: "off"}
	err := p.ask(ctx, "/fapi/v1/accountConfig", binanceapi.Cost{Weight: 5}, nil, func(v binanceapi.Value) error {
		if !v.Bool("canTrade") {
			trading = connector.Finding{What: "trading", Value: "not allowed",
				Problem: "the account may not trade futures",
				Advice:  "open the futures account and let the key trade futures in the API management"}
		}
		if v.Bool("multiAssetsMargin") {
			margin.Value = "on"
		}
		return nil
	})
	switch {
	case err == nil:
		return []connector.Finding{trading, margin}, nil
	case protocol.CauseOf(err) == protocol.Refused:
		return []connector.Finding{{What: "trading", Value: "unknown: this venue does not report it"}}, nil
	}
	return nil, err
}

// limit compares one of the venue's limits with the configured one.
func (p *Protocol) limit(u binanceapi.Usage) connector.Finding {
	limits := map[binanceapi.Usage]int{
		{Limit: binanceapi.RequestWeight, Interval: time.Minute}: p.config.WeightPerMinute,
		{Limit: binanceapi.Orders, Interval: 10 * time.Second}:   p.config.OrdersPer10s,
		{Limit: binanceapi.Orders, Interval: time.Minute}:        p.config.OrdersPerMinute,
	}
	f := connector.Finding{What: "rate limit", Value: binanceapi.Allowance{Limit: u.Limit, Interval: u.Interval,
		Max: u.Max}.String()}
	if own := limits[binanceapi.Usage{Limit: u.Limit, Interval: u.Interval}]; own > u.Max {
		f.Minor = true
		f.Problem = fmt.Sprintf("%d are allowed here: the venue will reject some", own)
		f.Advice = fmt.Sprintf("set the limit to %d or less", u.Max)
	}
	return f
}
