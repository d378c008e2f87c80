package binancefutures

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

type countdownKey struct{ account, symbol string }

// countdown arms, refreshes or disarms the dead man's switch of a symbol.
func (v *Venue) countdown(c *binance.Call) (any, *binance.Error) {
	if bad := c.Params.Need("symbol", "countdownTime"); bad != nil {
		return nil, bad
	}
	ms, bad := c.Params.Int("countdownTime")
	if bad != nil || ms < 0 {
		return nil, binance.ErrMalformed("countdownTime")
	}
	return v.withSymbol(c, false, func(nowNs int64, _ *market.Market, s *market.Symbol) (any, *binance.Error) {
		key := countdownKey{c.Key.Account, s.Name}
		v.core.Counters.Beat(venue.Heartbeat{Account: key.account, Symbol: key.symbol, CountdownMs: ms, AtNs: nowNs})
		if ms == 0 {
			delete(v.countdowns, key)
		} else {
			v.countdowns[key] = nowNs + ms*int64(time.Millisecond)
		}
		return map[string]string{"symbol": s.Name, "countdownTime": strconv.FormatInt(ms, 10)}, nil
	})
}

// tickCountdowns cancels the orders of countdowns that have run out.
func (v *Venue) tickCountdowns(nowNs int64, m *market.Market) {
	if len(v.countdowns) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(v.countdowns), func(a, b countdownKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.symbol, b.symbol))
	})
	for _, k := range keys {
		if nowNs >= v.countdowns[k] {
			delete(v.countdowns, k)
			m.CancelAll(nowNs, k.account, k.symbol, market.ReasonCountdown)
		}
	}
}
