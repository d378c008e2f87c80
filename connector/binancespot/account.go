package binancespot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hftrunner/connector/binanceapi"
	"hftrunner/connector/blotter"
	"hftrunner/connector/venue"
)

// maxTrades is how many trades of the account one answer has at most.
const maxTrades = 1000

// Executions lists the account's executions on a symbol since a time, oldest first. They name their order by the venue's
// id only.
func (p *Protocol) Executions(ctx context.Context, symbol string, sinceNs int64) ([]blotter.Report, error) {
	var reports []blotter.Report
	from := binanceapi.Int("startTime", max(sinceNs, 0)/1_000_000)
	for {
		rows, lastID := 0, int64(0)
		params := make([]binanceapi.Param, 0, 3+roomForSigning)
		params = append(params, binanceapi.Text("symbol", symbol), from, binanceapi.Int("limit", maxTrades))
		err := p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/myTrades", Security: binanceapi.Signed,
			Params: params, Cost: binanceapi.Cost{Weight: 20}},
			func(v binanceapi.Value) error {
				if !v.IsArray() {
					return errors.New("the account's trades are no array")
				}
				return v.Each(func(row binanceapi.Value) error {
					r, id, err := execution(row, symbol)
					reports = append(reports, r)
					rows, lastID = rows+1, max(lastID, id)
					return err
				})
			})
		if err != nil {
			return nil, err
		}
		if rows < maxTrades {
			return reports, nil
		}
		// Ids rise with time, and several trades may have the time of the last one.
		from = binanceapi.Int("fromId", lastID+1)
	}
}

// Positions returns none: the venue has balances only. What a pair's base asset amounts to is in Balances.
func (p *Protocol) Positions(context.Context, []string) ([]venue.Position, error) { return nil, nil }

// Balances returns the account's balances that are not zero.
func (p *Protocol) Balances(ctx context.Context) ([]venue.Balance, error) {
	var balances []venue.Balance
	err := p.account(ctx, func(v binanceapi.Value) error {
		if !v.Field("balances").IsArray() {
			return errors.New("the account has no balances")
		}
		return v.Field("balances").Each(func(row binanceapi.Value) error {
			b := venue.Balance{Asset: row.Text("asset"), Free: row.Decimal("free"), Locked: row.Decimal("locked")}
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
	return p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/account", Security: binanceapi.Signed,
		Params: append(params, binanceapi.Text("omitZeroBalances", "true")), Cost: binanceapi.Cost{Weight: 20}}, read)
}

// ArmDeadMan returns venue.ErrUnsupported: the venue cancels orders on disconnection over FIX only.
func (p *Protocol) ArmDeadMan(context.Context, string, time.Duration) error {
	return venue.ErrUnsupported
}

// Permissions looks at the account and its order limits.
func (p *Protocol) Permissions(ctx context.Context) ([]venue.Finding, error) {
	findings := []venue.Finding{{What: "key", Value: p.keyKind()}}
	err := p.account(ctx, func(v binanceapi.Value) error {
		findings = append(findings, accountFindings(v)...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = p.client.Do(ctx, binanceapi.Request{Method: http.MethodGet, Path: "/api/v3/rateLimit/order", Security: binanceapi.Signed,
		Params: make([]binanceapi.Param, 0, roomForSigning), Cost: binanceapi.Cost{Weight: 40}},
		func(v binanceapi.Value) error {
			binanceapi.ReadLimits(v, func(u binanceapi.Usage) {
				findings = append(findings, venue.Finding{What: "orders per " + u.Interval.String(), Value: fmt.Sprintf("%d of %d used", u.Used, u.Max)})
			})
			return nil
		})
	if err != nil {
		return nil, err
	}
	return append(findings,
		venue.Finding{What: "position", Value: "none from the venue: a spot account has balances; positions start at zero and follow the fills"},
		venue.Finding{What: "dead-man's switch", Value: "none at the venue: the runner cancels when it can; orders stay if it is cut off"}), nil
}

// keyKind says what signs the requests.
func (p *Protocol) keyKind() string {
	switch key := p.signer.Key(); {
	case key == nil:
		return "none"
	case key.Ed25519():
		return "Ed25519, the private stream logs on"
	}
	return "HMAC, the private stream is subscribed by signature"
}

// accountFindings says what the account may do.
func accountFindings(v binanceapi.Value) []venue.Finding {
	trade := venue.Finding{What: "trading", Value: "allowed"}
	if !v.Bool("canTrade") {
		trade.Value = "not allowed"
		trade.Problem = "the account may not trade"
		trade.Advice = "look in the account's API management whether spot trading is enabled for the key and the account is not restricted"
	}
	findings := []venue.Finding{{What: "account type", Value: v.Text("accountType")}, trade}
	rates := v.Field("commissionRates")
	if rates.IsObject() {
		findings = append(findings, venue.Finding{What: "fees", Value: fmt.Sprintf("maker %s, taker %s", percent(rates.Decimal("maker")),
			percent(rates.Decimal("taker")))})
	}
	return findings
}

func percent(rate float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(rate*100, 'f', -1, 64), ".") + " %"
}
