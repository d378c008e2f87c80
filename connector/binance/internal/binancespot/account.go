package binancespot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// tradesLimit is how many of the account's trades an answer has at most.
	tradesLimit = 1000
	// maxTradePages is how many answers there are in a part of the executions at most.
	maxTradePages = 50
)

// Executions lists the account's executions on a symbol since a time, oldest first, and of all there are for a
// time of 0 or less. They name their order by the venue's id only.
func (p *Protocol) Executions(ctx context.Context, symbol string, sinceNs int64) ([]protocol.Report, error) {
	var reports []protocol.Report
	lastID := int64(-1)
	from := binanceapi.Int("startTime", max(sinceNs, 0)/1_000_000)
	for range maxTradePages {
		rows := 0
		params := make([]binanceapi.Param, 0, 3+roomForSigning)
		params = append(params, binanceapi.Text("symbol", symbol), from, binanceapi.Int("limit", tradesLimit))
		err := p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/myTrades",
			Security: binanceapi.Signed,
			Params:   params, Cost: binanceapi.Cost{Weight: 20, Trading: true}},
			func(v binanceapi.Value) error {
				if !v.IsArray() {
					return errNoList
				}
				return v.Each(func(row binanceapi.Value) error {
					rows++
					r, id, err := execution(row, symbol)
					if err == nil && id <= lastID {
						err = fmt.Errorf("binancespot: execution %d behind execution %d", id, lastID)
					}
					lastID = id
					reports = append(reports, r)
					return err
				})
			})
		if err != nil {
			return nil, err
		}
		if rows < tradesLimit {
			return reports, nil
		}
		// Ids rise with time, while several trades may have the time of the last one.
		from = binanceapi.Int("fromId", lastID+1)
	}
	if more := reports[len(reports)-1].TimestampNs; more > sinceNs {
		return reports, &protocol.More{SinceNs: more}
	}
	return nil, &protocol.Failure{Cause: protocol.Unknown, Unreadable: true,
		Msg: fmt.Sprintf("more than %d executions on %s at one time", len(reports), symbol)}
}

// errNoList: without it a reply of another shape would look like a list of nothing.
var errNoList = errors.New("binancespot: the reply is not a list")

// Positions returns none: the venue has balances only. What a pair's base asset amounts to is in Balances.
func (p *Protocol) Positions(context.Context, []string) ([]protocol.Position, error) { return nil, nil }

// Balances returns the account's balances that are not zero.
func (p *Protocol) Balances(ctx context.Context) ([]protocol.Balance, error) {
	var balances []protocol.Balance
	err := p.account(ctx, func(v binanceapi.Value) error {
		if !v.Field("balances").IsArray() {
			return errors.New("the account has no balances")
		}
		updatedNs := v.TimeNs("updateTime")
		return v.Field("balances").Each(func(row binanceapi.Value) error {
			b := protocol.Balance{Asset: row.Text("asset"), Free: row.Decimal("free"), Locked: row.Decimal("locked"),
				TimestampNs: updatedNs}
			if b.Free != 0 || b.Locked != 0 {
				balances = append(balances, b)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return balances, nil
}

func (p *Protocol) account(ctx context.Context, read func(v binanceapi.Value) error) error {
	params := make([]binanceapi.Param, 0, 1+roomForSigning)
	return p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/account",
		Security: binanceapi.Signed,
		Params:   append(params, binanceapi.Text("omitZeroBalances", "true")), Cost: binanceapi.Cost{Weight: 20}}, read)
}

// ArmDeadMan returns protocol.ErrUnsupported: the venue cancels orders on disconnection over FIX only.
func (p *Protocol) ArmDeadMan(context.Context, string, time.Duration) error {
	return protocol.ErrUnsupported
}

// Permissions looks at what the account may do and at its order limits.
func (p *Protocol) Permissions(ctx context.Context) ([]connector.Finding, error) {
	key := p.signer.Key()
	if key == nil {
		return []connector.Finding{{What: "key", Value: "none: market data only"}}, nil
	}
	findings := append([]connector.Finding{{What: "key", Value: key.String()}}, p.client.KeyFindings(ctx,
		"enableSpotAndMarginTrading")...)
	err := p.account(ctx, func(v binanceapi.Value) error {
		findings = append(findings, accountFindings(v)...)
		return nil
	})
	if err != nil {
		return findings, err
	}
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/rateLimit/order",
		Security: binanceapi.Signed,
		Params:   make([]binanceapi.Param, 0, roomForSigning), Cost: binanceapi.Cost{Weight: 40}},
		func(v binanceapi.Value) error {
			binanceapi.ReadLimits(v, func(u binanceapi.Usage) { findings = append(findings, p.limit(u)) })
			return nil
		})
	if err != nil {
		return findings, err
	}
	return append(findings,
		connector.Finding{What: "position",
			Value: "what the account has of the base asset, free and locked (position = \"account\"), or what a strategy's fills add up to"},
		connector.Finding{What: "dead-man's switch",
			Value: "none at the venue: if the runner is cut off its orders stay"}), nil
}

// limit compares one of the venue's limits with the configured one.
func (p *Protocol) limit(u binanceapi.Usage) connector.Finding {
	its := binanceapi.Allowance{Limit: u.Limit, Interval: u.Interval, Max: u.Max}
	f := connector.Finding{What: "rate limit", Value: fmt.Sprintf("%v, %d used", its, u.Used)}
	for _, own := range p.config.allowances() {
		if own.Limit == u.Limit && own.Interval == u.Interval && own.Max > u.Max {
			f.Minor = true
			f.Problem = fmt.Sprintf("%d are allowed here: the venue will reject some", own.Max)
			f.Advice = fmt.Sprintf("set the limit to %d or less", u.Max)
		}
	}
	return f
}

// accountFindings says what the account may do.
func accountFindings(v binanceapi.Value) []connector.Finding {
	trade := connector.Finding{What: "trading", Value: "allowed"}
	if !v.Bool("canTrade") {
		trade.Value = "not allowed"
		trade.Problem = "the account may not trade"
		trade.Advice = "look in the account's API management whether spot trading is enabled for the key and the account is not restricted"
	}
	findings := []connector.Finding{{What: "account type", Value: v.Text("accountType")}, trade}
	rates := v.Field("commissionRates")
	if rates.IsObject() {
		findings = append(findings, connector.Finding{What: "fees", Value: fmt.Sprintf("maker %s, taker %s",
			percent(rates.Decimal("maker")),
			percent(rates.Decimal("taker")))})
	}
	return findings
}

func percent(rate float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(rate*100, 'f', -1, 64), ".") + " %"
}
