package bybit

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// maxRecent is the number of closed orders that realtime keeps.
const maxRecent = 500

// realtime answers with open orders, the newest first, or with openOnly=1 with those that have ended lately.
func (v *Venue) realtime(c *call) (any, any, *refusal) {
	closed := c.query.Get("openOnly") == "1"
	if c.query.Get("symbol") == "" && c.query.Get("settleCoin") == "" && c.query.Get("baseCoin") == "" {
		return nil, nil, refuse(10001, "params error: symbol, baseCoin or settleCoin is needed")
	}
	return v.orders(c, func(o *market.Order) bool { return o.Open() != closed }, maxRecent)
}

// history answers with orders that have ended, the newest first.
func (v *Venue) history(c *call) (any, any, *refusal) {
	return v.orders(c, func(o *market.Order) bool { return !o.Open() }, 1<<30)
}

// orders answers with a page of the orders that a query and wanted choose, of the newest most.
func (v *Venue) orders(c *call, wanted func(*market.Order) bool, most int) (any, any, *refusal) {
	q := c.query
	limit, before, bad := readPage(q, 20, 50)
	if bad != nil {
		return nil, nil, bad
	}
	id, hasID := readID(orderKind, q.Get("orderId"))
	rows, cursor, n := []orderRow{}, "", 0
	v.core.Do(func(_ int64, m *market.Market) {
		list := m.Orders(c.key.Account)
		for _, o := range slices.Backward(list) {
			s, err := m.Symbol(o.Symbol)
			switch {
			case err != nil || !wanted(&o) || !selects(q, s):
				continue
			case q.Get("orderId") != "" && (!hasID || o.ID != id),
				q.Get("orderLinkId") != "" && o.ClientID != q.Get("orderLinkId"):
				continue
			}
			if n++; n > most || len(rows) == limit {
				break
			}
			if o.ID < before {
				rows = append(rows, newOrderRow(s, &o))
				cursor = cursorText(o.ID, o.CreatedNs)
			}
		}
	})
	return page{linear, rows, cursor}, nil, nil
}

// isOfOrder reports whether an execution is of the order that a query names, if it names one.
func isOfOrder(q url.Values, x *market.Execution) bool {
	if q.Get("orderId") != "" {
		if id, ok := readID(orderKind, q.Get("orderId")); !ok || x.OrderID != id {
			return false
		}
	}
	return q.Get("orderLinkId") == "" || x.ClientID == q.Get("orderLinkId")
}

// spanOf reads from when to when executions are asked for, in ms.
func (v *Venue) spanOf(q url.Values) (start, end int64, bad *refusal) {
	start, err := whole(q, "startTime", 0, 0, 1<<50)
	if err != nil {
		return 0, 0, errParameter("startTime")
	}
	end, err = whole(q, "endTime", 0, 0, 1<<50)
	if err != nil {
		return 0, 0, errParameter("endTime")
	}
	spanMs := executionSpan.Milliseconds()
	switch {
	case start == 0 && end == 0:
		end = milliseconds(v.core.NowNs())
		start = end - spanMs
	case end == 0:
		end = start + spanMs
	case start == 0:
		start = end - spanMs
	case end-start > spanMs || end < start:
		return 0, 0, errParameter("endTime")
	}
	return start, end, nil
}

// selects reports whether a query is about a symbol.
func selects(q url.Values, s *market.Symbol) bool {
	is := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
	return is("symbol", s.Name) && is("baseCoin", s.BaseAsset) && is("settleCoin", s.QuoteAsset)
}

// readPage reads the category, the length of a page, and the id that it ends before.
func readPage(q url.Values, otherwise, most int64) (limit int, before int64, bad *refusal) {
	if q.Get("category") != linear {
		return 0, 0, errParameter("category")
	}
	n, err := whole(q, "limit", otherwise, 1, most)
	if err != nil {
		return 0, 0, errParameter("limit")
	}
	cursor := q.Get("cursor")
	if cursor == "" {
		return int(n), 1<<63 - 1, nil
	}
	text, _, _ := strings.Cut(cursor, ":")
	before, err = strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, 0, errParameter("cursor")
	}
	return int(n), before, nil
}

// executionSpan is the longest period of one execution query.
const executionSpan = 7 * 24 * time.Hour

// executions answers with executions, the newest first.
func (v *Venue) executions(c *call) (any, any, *refusal) {
	q := c.query
	limit, before, bad := readPage(q, 50, 100)
	if bad != nil {
		return nil, nil, bad
	}
	start, end, bad := v.spanOf(q)
	if bad != nil {
		return nil, nil, bad
	}
	rows, cursor := []executionRow{}, ""
	v.core.Do(func(_ int64, m *market.Market) {
		for _, x := range slices.Backward(m.Executions(c.key.Account, "")) {
			s, err := m.Symbol(x.Symbol)
			at := milliseconds(x.TimeNs)
			switch {
			case err != nil || !selects(q, s) || at < start || at > end || x.ExecutionID >= before || !isOfOrder(q, &x),
				q.Get("execType") != "" && q.Get("execType") != executionType(x.Kind):
				continue
			}
			if len(rows) == limit {
				break
			}
			o, err := m.Order(c.key.Account, market.Ref{Symbol: x.Symbol, ID: x.OrderID})
			if err != nil { // it is forgotten already
				o = market.Order{PriceTicks: x.PriceTicks, QtyLots: x.QtyLots}
			}
			row := newExecutionRow(s, &x, &o, 0)
			row.FeeCurrency = x.FeeAsset
			rows = append(rows, row)
			cursor = cursorText(x.ExecutionID, x.TimeNs)
		}
	})
	return page{linear, rows, cursor}, nil, nil
}

// cursorText is the cursor of the next page, already escaped, as the venue sends it.
func cursorText(id, timeNs int64) string {
	return url.QueryEscape(strconv.FormatInt(id, 10) + ":" + timeText(timeNs) + ",")
}

// positions answers with the position of a symbol, or with all that are open.
func (v *Venue) positions(c *call) (any, any, *refusal) {
	q := c.query
	if _, err := whole(q, "limit", 20, 1, 200); err != nil || q.Get("category") != linear {
		return nil, nil, errParameter("category or limit")
	}
	only := q.Get("symbol")
	if only == "" && q.Get("settleCoin") == "" && q.Get("baseCoin") == "" {
		return nil, nil, refuse(10001, "params error: symbol or settleCoin is needed")
	}
	rows := []positionRow{}
	var bad *refusal
	v.core.Do(func(_ int64, m *market.Market) {
		if _, err := m.Symbol(only); only != "" && err != nil {
			bad = refusalOf(err, nil)
			return
		}
		for _, name := range m.Symbols() {
			s, err := m.Symbol(name)
			if err != nil || !selects(q, s) {
				continue
			}
			for _, p := range positionsOf(m, c.key.Account, s) {
				if only == "" && p.Lots == 0 {
					continue
				}
				row := newPositionRow(m, &p, v.seq)
				row.AvgPrice = p.EntryPrice()
				rows = append(rows, row)
			}
		}
	})
	return page{linear, rows, ""}, nil, bad
}

func (v *Venue) wallet(c *call) (any, any, *refusal) {
	if kind := c.query.Get("accountType"); kind != "UNIFIED" {
		return nil, nil, refuse(10001, "accountType only support UNIFIED.")
	}
	var row walletRow
	only := c.query.Get("coin")
	v.core.Do(func(_ int64, m *market.Market) {
		row = newWalletRow(m, c.key.Account, func(asset string) bool { return only == "" || asset == only })
	})
	return map[string]any{"list": []walletRow{row}}, nil, nil
}

// keyInfo is the venue's description of a key.
type keyInfo struct {
	ID          string              `json:"id"`
	Note        string              `json:"note"`
	APIKey      string              `json:"apiKey"`
	ReadOnly    int                 `json:"readOnly"`
	Secret      string              `json:"secret"`
	Permissions map[string][]string `json:"permissions"`
	IPs         []string            `json:"ips"`
	Type        int                 `json:"type"`
	DeadlineDay int                 `json:"deadlineDay"`
	ExpiredAt   string              `json:"expiredAt"`
	CreatedAt   string              `json:"createdAt"`
	Unified     int                 `json:"unified"`
	UTA         int                 `json:"uta"`
}

func (v *Venue) queryKey(c *call) (any, any, *refusal) {
	const day = 24 * time.Hour
	now := time.Unix(0, v.core.NowNs()).UTC()
	info := keyInfo{ID: "1", Note: c.key.Account, APIKey: c.key.APIKey, Type: 1, DeadlineDay: 90, UTA: 1,
		IPs: []string{"*"}, ExpiredAt: now.Add(90 * day).Format(time.RFC3339),
		CreatedAt: now.Add(-day).Format(time.RFC3339), Permissions: map[string][]string{"ContractTrade": {"Order",
			"Position"}, "Spot": {"SpotTrade"}, "Wallet": {}, "Options": {}, "Derivatives": {}}}
	if c.key.ReadOnly {
		info.ReadOnly = 1
	}
	return info, nil, nil
}
