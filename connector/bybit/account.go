package bybit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/venue"
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
func (p *Protocol) Filters(ctx context.Context, symbols []string) ([]venue.Filters, error) {
	filters := make([]venue.Filters, 0, len(symbols))
	for _, symbol := range symbols {
		var found *venue.Filters
		err := p.rows(ctx, request{path: "/v5/market/instruments-info", query: linear(symbol), open: true}, func(r *row) error {
			if r.str("symbol") != symbol {
				return nil
			}
			f := venue.Filters{Symbol: symbol, Trading: string(r.text("status")) == "Trading", BaseAsset: r.str("baseCoin"), QuoteAsset: r.str("quoteCoin")}
			price, lot := row{v: r.v.Get("priceFilter")}, row{v: r.v.Get("lotSizeFilter")}
			if price.v == nil || lot.v == nil {
				return fmt.Errorf("%s has no priceFilter or no lotSizeFilter", symbol)
			}
			f.TickSize, f.LotSize = price.number("tickSize"), lot.number("qtyStep")
			f.MinQty, f.MaxQty, f.MinNotional = lot.number("minOrderQty"), lot.number("maxOrderQty"), lot.number("minNotionalValue")
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
func (p *Protocol) Permissions(ctx context.Context) ([]venue.Finding, error) {
	var findings []venue.Finding
	err := p.call(ctx, request{path: "/v5/user/query-api"}, func(result *fastjson.Value) error {
		if result == nil || result.Type() != fastjson.TypeObject {
			return errors.New("there is nothing about the key")
		}
		r := row{v: result}
		findings = keyFindings(&r)
		return r.err
	})
	if err != nil {
		return nil, err
	}
	mode := venue.Finding{What: "position mode", Value: "one-way, or no position is open"}
	err = p.list(ctx, positionsPath, "category=linear&settleCoin=USDT&limit=200", func(r *row) error {
		if r.whole("positionIdx") != 0 {
			mode.Value = "hedge (" + r.str("symbol") + ")"
			mode.Problem, mode.Advice = "hedge mode positions are not supported", "switch the symbol to one-way mode"
		}
		return nil
	})
	return append(findings, mode, p.limitFinding(), p.disconnectFinding()), err
}

// keyFindings reads what the venue says about the key.
func keyFindings(r *row) []venue.Finding {
	trade := texts(r.v, "permissions", "ContractTrade")
	access := venue.Finding{What: "key: contract trading", Value: strings.Join(trade, ", ")}
	if r.whole("readOnly") != 0 {
		access.Value = "read only"
		access.Problem, access.Advice = "the key may not trade", "make a key with read and write access"
	} else if !slices.Contains(trade, "Order") {
		access.Problem, access.Advice = "the key may not place orders", "allow it Contract: Orders"
	} else if !slices.Contains(trade, "Position") {
		access.Problem, access.Advice = "the key may not see positions", "allow it Contract: Positions"
	}
	wallet := texts(r.v, "permissions", "Wallet")
	withdraw := venue.Finding{What: "key: wallet", Value: strings.Join(wallet, ", ")}
	if slices.Contains(wallet, "Withdraw") {
		withdraw.Minor = true
		withdraw.Problem, withdraw.Advice = "the key may withdraw, which a strategy never needs", "make a key without Withdraw"
	}
	ips := texts(r.v, "ips")
	bound := venue.Finding{What: "key: addresses", Value: strings.Join(ips, ", ")}
	if len(ips) == 0 || slices.Contains(ips, "*") {
		bound.Minor = true
		bound.Problem, bound.Advice = "the key may be used from any address and expires", "bind it to this machine's address"
	}
	expiry := venue.Finding{What: "key: expires", Value: r.str("expiredAt")}
	const soonDays = 7
	if days, said := r.decimal("deadlineDay"); said && days <= soonDays && slices.Contains(ips, "*") {
		expiry.Minor = days > 0
		expiry.Problem, expiry.Advice = fmt.Sprintf("%v days are left", days), "make a new key, or bind it to an address"
	}
	account := venue.Finding{What: "account", Value: "unified"}
	if r.whole("uta") == 0 && r.whole("unified") == 0 {
		account.Value = "classic"
		account.Problem, account.Advice = "only unified accounts are supported", "upgrade the account to a unified trading account"
	}
	return []venue.Finding{access, withdraw, bound, expiry, account}
}

func (p *Protocol) disconnectFinding() venue.Finding {
	f := venue.Finding{What: "cancel on disconnect (DCP)", Value: "off: the venue has it for institutions only"}
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
var errDisarm = fmt.Errorf("bybit: cancel on disconnect stays as it is until the venue is asked to end it: %w", venue.ErrUnsupported)

// ArmDeadMan sets the window of the venue's cancel-on-disconnect (DCP). It is no timer of its own: when all private
// connections have been silent for the window, from 3 s to 5 min, the venue cancels the account's orders on all
// derivatives, whatever symbol is given. Only institutions have it; without Config.DisconnectCancel it is venue.ErrUnsupported, as is disarming.
func (p *Protocol) ArmDeadMan(ctx context.Context, _ string, window time.Duration) error {
	if !p.config.DisconnectCancel {
		return fmt.Errorf("bybit: cancel on disconnect is for institutions: %w", venue.ErrUnsupported)
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
