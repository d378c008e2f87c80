package binancefutures

import (
	"context"

	"github.com/hftrunner/hftrunner/connector/binanceapi"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// Positions returns the positions on symbols. The venue tells only of symbols with a position or an order, so what it
// does not tell of is flat as of the time of the request.
func (p *Protocol) Positions(ctx context.Context, symbols []string) ([]venue.Position, error) {
	list := make([]venue.Position, len(symbols))
	index := make(map[string]int, len(symbols))
	askedNs := p.signer.NowNs()
	for i, s := range symbols {
		list[i] = venue.Position{Symbol: s, TimestampNs: askedNs}
		index[s] = i
	}
	var hedge error
	var params []binanceapi.Param
	if len(symbols) == 1 {
		params = symbolParams(symbols[0])
	}
	err := p.ask(ctx, "/fapi/v3/positionRisk", binanceapi.Cost{Weight: 5, Trading: true}, params, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		return v.Each(func(row binanceapi.Value) error {
			symbol, qty, side := row.Text("symbol"), row.Decimal("positionAmt"), row.Text("positionSide")
			if side != "BOTH" && side != "" {
				if qty != 0 { // the mode is the account's, of all symbols
					hedge = hedgeError(symbol, side)
				}
				return nil
			}
			i, asked := index[symbol]
			if !asked {
				return nil
			}
			list[i].Qty = qty
			if t := row.TimeNs("updateTime"); t != 0 {
				list[i].TimestampNs = t
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Err = hedge
	}
	return list, nil
}

// Balances returns the wallet's balances of all assets that it has or had.
func (p *Protocol) Balances(ctx context.Context) ([]venue.Balance, error) {
	var list []venue.Balance
	err := p.ask(ctx, "/fapi/v3/balance", binanceapi.Cost{Weight: 5}, nil, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		return v.Each(func(row binanceapi.Value) error {
			if asset := row.Text("asset"); asset != "" {
				list = append(list, balance(asset, row.Decimal("balance"), row.Decimal("crossWalletBalance")))
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
