package linear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	openLimit      = 50
	executionLimit = 100
	// executionSpan is the longest time that one question about executions may be about, executionYears how long the
	// venue keeps them.
	executionSpan = 7 * 24 * time.Hour
	executionAge  = 2 * 365 * 24 * time.Hour
)

func linear(symbol string) string { return "category=linear&symbol=" + url.QueryEscape(symbol) }

// QueryOrder asks for one order: among the open and the last 500 closed ones, which the venue forgets when it starts
// anew, and then in the history.
func (p *Protocol) QueryOrder(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	name, err := nameOf(o)
	if err != nil {
		return protocol.Report{}, err
	}
	query := linear(o.Symbol)
	if name.OrderLinkID != "" {
		query += "&orderLinkId=" + url.QueryEscape(name.OrderLinkID)
	} else {
		query += "&orderId=" + url.QueryEscape(name.OrderID)
	}
	for _, path := range []string{realtimePath, historyPath} {
		reports, err := p.ordersAgain(ctx, path, query)
		if err != nil {
			return protocol.Report{}, err
		}
		for _, r := range reports {
			if o.ClientID != "" && r.ClientID == o.ClientID || o.ClientID == "" && r.VenueID == o.VenueID {
				return r, nil
			}
		}
	}
	return protocol.Report{}, fmt.Errorf("bybit: %w", &protocol.Failure{Cause: protocol.NotFound,
		Msg: "neither among the orders nor in the history"})
}

// OpenOrders lists the open orders on a symbol.
func (p *Protocol) OpenOrders(ctx context.Context, symbol string) (open protocol.OpenList, err error) {
	err = p.openOrders(ctx, openOn(symbol), &open)
	return open, err
}

func openOn(symbol string) string { return linear(symbol) + "&openOnly=0" }

// AllOpenOrders lists the open orders on all symbols, by the coins that linear contracts are settled in.
func (p *Protocol) AllOpenOrders(ctx context.Context) (open protocol.OpenList, err error) {
	for _, coin := range settleCoins() {
		if err := p.openOrders(ctx, "category=linear&openOnly=0&settleCoin="+coin, &open); err != nil {
			return open, err
		}
	}
	return open, nil
}

// openOrders adds the rows of a list of open orders.
func (p *Protocol) openOrders(ctx context.Context, query string, open *protocol.OpenList) error {
	return p.pagesOf(ctx, realtimePath, query, openLimit, func(v *fastjson.Value) error {
		takeOpen(open, v)
		return nil
	})
}

// takeOpen reads a row of a list of open orders by itself: one that cannot be read does not hide the others.
func takeOpen(open *protocol.OpenList, v *fastjson.Value) {
	var report protocol.Report
	other, named := false, false
	err := takeRow(v, func(r *row) error {
		other = !r.ours()
		report, named = orderReport(r, protocol.ChannelQuery)
		return nil
	})
	switch {
	case other:
		return
	case err == nil && named:
		open.Orders = append(open.Orders, report)
		return
	case err == nil:
		err = errors.New("symbol, or orderId and orderLinkId, are missing")
	}
	r, id := row{v: v}, v.Get("orderLinkId")
	readable := id != nil && slices.Contains([]fastjson.Type{fastjson.TypeString, fastjson.TypeNumber,
		fastjson.TypeNull}, id.Type())
	open.Unread = append(open.Unread, protocol.UnreadRow{ClientID: r.str("orderLinkId"), Symbol: r.str("symbol"),
		Nameless: !readable, Err: err})
}

// RecentOrders lists the open orders on a symbol and the last 500 that are over, which the venue forgets when it starts
// anew.
func (p *Protocol) RecentOrders(ctx context.Context, symbol string) ([]protocol.Report, error) {
	open, err := p.ordersAgain(ctx, realtimePath, openOn(symbol))
	if err != nil {
		return nil, err
	}
	over, err := p.ordersAgain(ctx, realtimePath, linear(symbol)+"&openOnly=1") // one that ends in between is in both
	return append(open, over...), err
}

func (p *Protocol) orders(ctx context.Context, path, query string) ([]protocol.Report, error) {
	var reports []protocol.Report
	err := p.pages(ctx, path, query, openLimit, func(r *row) error {
		if report, ok := orderReport(r, protocol.ChannelQuery); ok {
			reports = append(reports, report)
		}
		return nil
	})
	return reports, err
}

// ordersAgain is orders, asked up to three times where there is no answer: who begins anew with the first of two parts,
// each of which fails now and then, seldom gets to the end. What the venue has said, or does not want to hear, is not
// asked again.
func (p *Protocol) ordersAgain(ctx context.Context, path, query string) ([]protocol.Report, error) {
	for pause := 100 * time.Millisecond; ; pause *= 3 {
		reports, err := p.orders(ctx, path, query)
		var f *protocol.Failure
		if pause > 300*time.Millisecond || !errors.As(err, &f) || f.Unreadable ||
			f.Cause != protocol.Unknown && f.Cause != protocol.Overloaded {
			return reports, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// partLimit is about how many executions there are in a part of the list.
const partLimit = maxPages * executionLimit

// Executions lists the executions on a symbol since a time, oldest first. Time 0 asks for the last week; the venue has
// them for two years. The venue lists the newest first, so a week with too many of them is asked for in shorter
// periods.
func (p *Protocol) Executions(ctx context.Context, symbol string, sinceNs int64) ([]protocol.Report, error) {
	now, week := p.venueMs(), executionSpan.Milliseconds()
	startMs := max(sinceNs/int64(time.Millisecond), now-executionAge.Milliseconds())
	if sinceNs <= 0 {
		startMs = now - week
	}
	var reports []protocol.Report
	seen := make(map[string]bool) // two spans meet at a millisecond
	for spanMs := week; startMs <= now; {
		if len(reports) >= partLimit {
			return sorted(reports), &protocol.More{SinceNs: startMs * int64(time.Millisecond)}
		}
		span, rows, err := p.executionsOf(ctx, symbol, startMs, spanMs, seen)
		switch {
		case errors.Is(err, errEndless) && spanMs > 1 && len(span) > rows/2: // else it is the same again and again
			oldestMs := span[len(span)-1].TimestampNs / int64(time.Millisecond)
			spanMs = max(1, min(spanMs, min(startMs+spanMs, now)-oldestMs)/2)
			continue
		case err != nil:
			return nil, err
		}
		for i := range slices.Backward(span) {
			seen[span[i].TradeID] = true
			reports = append(reports, span[i])
		}
		startMs += spanMs
		if rows < partLimit/4 {
			spanMs = min(2*spanMs, week)
		}
	}
	return sorted(reports), nil
}

// executionsOf lists the executions of a period that were not seen, newest first, and how many rows the venue has sent.
func (p *Protocol) executionsOf(ctx context.Context, symbol string, startMs, spanMs int64, seen map[string]bool) (
	span []protocol.Report, rows int, err error) {
	query := linear(symbol) + "&startTime=" + strconv.FormatInt(startMs, 10)
	// Without an end it is a week, so that the last span is not cut off by a clock that is behind the venue's.
	if endMs := startMs + spanMs; spanMs < executionSpan.Milliseconds() && endMs < p.venueMs() {
		query += "&endTime=" + strconv.FormatInt(endMs, 10)
	}
	fresh := make(map[string]bool)
	err = p.pages(ctx, executionsPath, query, executionLimit, func(r *row) error {
		rows++
		if report, ok := executionReport(r, protocol.ChannelQuery); ok && !seen[report.TradeID] &&
			!fresh[report.TradeID] {
			fresh[report.TradeID] = true
			span = append(span, report)
		}
		return nil
	})
	return span, rows, err
}

// sorted returns executions by their time.
func sorted(list []protocol.Report) []protocol.Report {
	slices.SortStableFunc(list, func(a, b protocol.Report) int { return cmp.Compare(a.TimestampNs, b.TimestampNs) })
	return list
}

// Positions returns the position of each symbol.
func (p *Protocol) Positions(ctx context.Context, symbols []string) ([]protocol.Position, error) {
	positions := make([]protocol.Position, 0, len(symbols))
	for _, symbol := range symbols {
		found := protocol.Position{Symbol: symbol}
		err := p.list(ctx, positionsPath, linear(symbol), func(r *row) error {
			if position, ok := position(r); ok && position.Symbol == symbol && found.Err == nil {
				found = position
			}
			return nil
		})
		var f *protocol.Failure
		switch {
		case errors.As(err, &f) && (f.Cause == protocol.Refused || f.Unreadable): // about this symbol
			found.Err = err
		case err != nil:
			return nil, err
		}
		positions = append(positions, found)
	}
	return positions, nil
}

// Balances returns what the unified account has; see protocol.Balance and, for what is bound, the package comment.
func (p *Protocol) Balances(ctx context.Context) ([]protocol.Balance, error) {
	var balances []protocol.Balance
	err := p.list(ctx, "/v5/account/wallet-balance", "accountType=UNIFIED", func(r *row) error {
		return coins(r, func(b protocol.Balance) { balances = append(balances, b) })
	})
	return balances, err
}

// coins hands the coins of an account's row to take.
func coins(r *row, take func(protocol.Balance)) error {
	for _, v := range r.v.GetArray("coin") {
		err := takeRow(v, func(coin *row) error {
			if b, ok := balance(coin); ok && coin.err == nil {
				take(b)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
