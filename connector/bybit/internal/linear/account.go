package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// ServerTimeNs asks for the venue's clock.
func (p *Protocol) ServerTimeNs(ctx context.Context) (int64, error) {
	var timeNs int64
	err := p.call(ctx, request{path: "/v5/market/time", open: true}, func(result *fastjson.Value) error {
		if result == nil {
			return errors.New("there is no time")
		}
		r := row{v: result}
		timeNs = r.whole("timeNano")
		if seconds := r.whole("timeSecond"); timeNs == 0 && seconds < math.MaxInt64/int64(time.Second) {
			timeNs = seconds * int64(time.Second)
		}
		if r.err == nil && timeNs <= 0 {
			return errors.New("there is no time")
		}
		return r.err
	})
	return timeNs, err
}

// list asks for a list of one page.
func (p *Protocol) list(ctx context.Context, path, query string, take func(r *row) error) error {
	return p.rows(ctx, request{path: path, query: query}, take)
}

func (p *Protocol) rows(ctx context.Context, r request, take func(r *row) error) error {
	return p.patient(ctx, r, func(result *fastjson.Value) error {
		if result == nil || result.Get("list") == nil {
			return errors.New("there is no list")
		}
		for _, v := range result.GetArray("list") {
			if err := takeRow(v, take); err != nil {
				return err
			}
		}
		return nil
	})
}

// Filters returns the steps and limits of symbols, one question for each. A symbol that the venue does not have is an
// error.
func (p *Protocol) Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error) {
	filters := make([]protocol.Filters, 0, len(symbols))
	for _, symbol := range symbols {
		var found *protocol.Filters
		err := p.rows(ctx, request{path: "/v5/market/instruments-info", query: linear(symbol), open: true},
			func(r *row) error {
				if r.str("symbol") != symbol {
					return nil
				}
				f := protocol.Filters{Symbol: symbol, Trading: string(r.text("status")) == "Trading",
					BaseAsset: r.str("baseCoin"), QuoteAsset: r.str("quoteCoin")}
				price, lot := row{v: r.v.Get("priceFilter")}, row{v: r.v.Get("lotSizeFilter")}
				if price.v == nil || lot.v == nil {
					return fmt.Errorf("%s has no priceFilter or no lotSizeFilter", symbol)
				}
				f.TickSize, f.LotSize = price.number("tickSize"), lot.number("qtyStep")
				f.MinQty, f.MaxQty, f.MinNotional = lot.number("minOrderQty"), lot.number("maxOrderQty"),
					lot.number("minNotionalValue")
				found = &f
				return errors.Join(price.err, lot.err)
			})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", symbol, err)
		}
		if found == nil {
			return nil, refused("the venue has no linear contract %q", symbol)
		}
		filters = append(filters, *found)
	}
	return filters, nil
}

// Permissions looks at the key and at the account's mode.
func (p *Protocol) Permissions(ctx context.Context) ([]connector.Finding, error) {
	var findings []connector.Finding
	err := p.call(ctx, request{path: "/v5/user/query-api"}, func(result *fastjson.Value) error {
		if result == nil || result.Type() != fastjson.TypeObject {
			return errors.New("there is nothing about the key")
		}
		r := row{v: result}
		findings = keyFindings(&r, p.venueMs())
		return r.err
	})
	var f *protocol.Failure
	switch {
	case errors.As(err, &f) && f.Code != 0 && (f.Cause == protocol.Unknown || f.Cause == protocol.Refused):
		findings = []connector.Finding{{What: "key",
			Value: "unknown: " + f.Error()}} // demo accounts do not have the question
	case err != nil:
		return nil, err
	}
	mode := connector.Finding{What: "position mode", Value: "one-way, or no position is open"}
	for _, coin := range settleCoins() {
		err = p.list(ctx, positionsPath, "category=linear&settleCoin="+coin+"&limit=200", func(r *row) error {
			if r.whole("positionIdx") != 0 {
				mode.Value = "hedge (" + r.str("symbol") + ")"
				mode.Problem, mode.Advice = "hedge mode positions are not supported",
					"switch the symbol to one-way mode"
			}
			return nil
		})
		if err != nil {
			break
		}
	}
	return append(findings, mode, p.limitFinding(), p.disconnectFinding()), err
}

// settleCoins are the coins that linear contracts are settled in.
func settleCoins() []string { return []string{"USDT", "USDC"} }

// keyFindings reads what the venue says about the key.
func keyFindings(r *row, nowMs int64) []connector.Finding {
	trade := texts(r.v, "permissions", "ContractTrade")
	access := connector.Finding{What: "key: contract trading", Value: strings.Join(trade, ", ")}
	if r.whole("readOnly") != 0 {
		access.Value = "read only"
		access.Problem, access.Advice = "the key may not trade", "make a key with read and write access"
	} else if !slices.Contains(trade, "Order") {
		access.Problem, access.Advice = "the key may not place orders", "allow it Contract: Orders"
	} else if !slices.Contains(trade, "Position") {
		access.Problem, access.Advice = "the key may not see positions", "allow it Contract: Positions"
	}
	wallet := texts(r.v, "permissions", "Wallet")
	withdraw := connector.Finding{What: "key: wallet", Value: strings.Join(wallet, ", ")}
	if slices.Contains(wallet, "Withdraw") {
		withdraw.Minor = true
		withdraw.Problem, withdraw.Advice = "the key may withdraw, which a strategy never needs",
			"make a key without Withdraw"
	}
	ips := texts(r.v, "ips")
	bound := connector.Finding{What: "key: addresses", Value: strings.Join(ips, ", ")}
	if len(ips) == 0 || slices.Contains(ips, "*") {
		bound.Minor = true
		bound.Problem, bound.Advice = "the key may be used from any address and expires",
			"bind it to this machine's address"
	}
	expiry := expiryOf(r, nowMs)
	account := connector.Finding{What: "account", Value: "unified"}
	if r.whole("uta") == 0 && r.whole("unified") == 0 {
		account.Value = "classic"
		account.Problem, account.Advice = "only unified accounts are supported",
			"upgrade the account to a unified trading account"
	}
	return []connector.Finding{access, withdraw, bound, expiry, account}
}

// expiryOf returns the time at which the key expires. One that is bound to addresses does not: the venue writes the
// year 1970, or nothing.
func expiryOf(r *row, nowMs int64) connector.Finding {
	const soonDays = 7
	f := connector.Finding{What: "key: expires", Value: "never"}
	at, err := time.Parse(time.RFC3339, r.str("expiredAt"))
	days, said := r.decimal("deadlineDay")
	switch {
	case err == nil && at.Year() > 1970:
		f.Value, said = at.UTC().Format(time.DateTime)+" UTC", true
		days = math.Floor(at.Sub(time.UnixMilli(nowMs)).Hours() / 24)
	case !slices.Contains(texts(r.v, "ips"), "*"):
		said = false
	}
	if said && days <= soonDays {
		f.Minor = days >= 0
		f.Problem, f.Advice = fmt.Sprintf("%v days are left", max(days, 0)), "make a new key, or bind it to an address"
	}
	return f
}

func (p *Protocol) disconnectFinding() connector.Finding {
	f := connector.Finding{What: "cancel on disconnect (DCP)", Value: "off: the venue has it for institutions only"}
	if p.config.DisconnectCancel {
		f.Value = "used; whether the venue has enabled it for the account shows only when it is armed"
	}
	return f
}

func texts(v *fastjson.Value, keys ...string) []string {
	var list []string
	for _, element := range v.GetArray(keys...) {
		list = append(list, string(element.GetStringBytes()))
	}
	return list
}

// errDisarm is what disarming gives: the venue has no request for it.
var errDisarm = fmt.Errorf("bybit: cancel on disconnect stays as it is until the venue is asked to end it: %w",
	protocol.ErrUnsupported)

// ArmDeadMan sets the window of the venue's cancel-on-disconnect (DCP). It is no timer of its own: when all private
// connections have been silent for the window, from 3 s to 5 min, the venue cancels the account's orders on all
// derivatives, whatever symbol is given. Only institutions have it; without Config.DisconnectCancel it is
// protocol.ErrUnsupported, as is disarming.
func (p *Protocol) ArmDeadMan(ctx context.Context, _ string, window time.Duration) error {
	if !p.config.DisconnectCancel {
		return fmt.Errorf("bybit: cancel on disconnect is for institutions: %w", protocol.ErrUnsupported)
	}
	if window == 0 {
		return errDisarm
	}
	if window < 3*time.Second || window > 300*time.Second {
		return refused("the window %v of cancel on disconnect is not between 3s and 5m", window)
	}
	body := marshal(struct {
		Product    string `json:"product"`
		TimeWindow int64  `json:"timeWindow"`
	}{"DERIVATIVES", int64(window / time.Second)})
	return p.call(ctx, request{path: "/v5/order/disconnected-cancel-all", body: body}, nil)
}
