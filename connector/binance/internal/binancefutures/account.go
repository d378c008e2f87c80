package binancefutures

import (
	"cmp"
	"context"
	"slices"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Positions returns the positions on symbols. The venue tells only of symbols with a position or an order, so what it
// does not tell of is flat as of the time of the request.
func (p *Protocol) Positions(ctx context.Context, symbols []string) ([]protocol.Position, error) {
	askedNs := p.signer.NowNs()
	var rows positions
	var params []binanceapi.Param
	if len(symbols) == 1 {
		params = symbolParams(symbols[0])
	}
	err := p.ask(ctx, "/fapi/v3/positionRisk", binanceapi.Cost{Weight: 5, Trading: true}, params,
		func(v binanceapi.Value) error {
			rows = nil
			if !v.IsArray() {
				return errNoList
			}
			return v.Each(func(row binanceapi.Value) error {
				rows.add(row.Text("symbol"), row.Text("positionSide"), row.Decimal("positionAmt"),
					cmp.Or(row.TimeNs("updateTime"), askedNs))
				return nil
			})
		})
	if err != nil {
		return nil, err
	}
	list := make([]protocol.Position, len(symbols))
	for i, symbol := range symbols {
		list[i] = protocol.Position{Symbol: symbol, TimestampNs: askedNs}
		for n := range rows {
			if rows[n].Symbol == symbol {
				list[i] = rows[n].position()
			}
		}
	}
	// The mode is the account's, of all symbols.
	if n := slices.IndexFunc(rows, func(s sides) bool { return s.hedge() }); n >= 0 {
		for i := range list {
			list[i].Qty, list[i].Err = 0, rows[n].position().Err
		}
	}
	return list, nil
}

// Balances returns the wallet's balances of all assets that it has or had.
func (p *Protocol) Balances(ctx context.Context) ([]protocol.Balance, error) {
	var list []protocol.Balance
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
