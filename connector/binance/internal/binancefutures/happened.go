package binancefutures

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// forcedKind returns what an order of the venue's own does, by its client id; 0 for everybody else's.
func forcedKind(clientID string) connector.AccountEventKind {
	for prefix, kind := range map[string]connector.AccountEventKind{"autoclose-": connector.Liquidation,
		"adl_autoclose":         connector.ADL,
		"settlement_autoclose-": connector.Settlement, "delivery_autoclose-": connector.Delivery} {
		if strings.HasPrefix(clientID, prefix) {
			return kind
		}
	}
	return 0
}

// forcedEvent makes an account event of an execution of the venue's own order.
func forcedEvent(kind connector.AccountEventKind, r *protocol.Report) *connector.AccountEvent {
	return &connector.AccountEvent{Kind: kind, Symbol: r.Symbol, ID: r.TradeID, OrderID: r.VenueID, Side: r.Side,
		Qty: r.LastQty, Price: r.LastPrice,
		Value: cmp.Or(r.LastValue, r.LastQty*r.LastPrice), FeePaid: r.Fee, FeeAsset: r.FeeAsset,
		TimestampNs: r.TimestampNs}
}

const fundingFee = "FUNDING_FEE"

// balanceEvent passes on why a balance has changed, unless it was by an order or by funding, which is booked by symbol.
func balanceEvent(reason, asset string, change float64, timestampNs int64, sink protocol.UserSink) {
	switch reason {
	case "", "ORDER", fundingFee:
		return
	}
	sink.Account(&connector.AccountEvent{Kind: connector.BalanceChanged, Asset: asset, Amount: change,
		TimestampNs: timestampNs,
		Text:        fmt.Sprintf("%s of %v %s", strings.ToLower(reason), change, asset)})
}

// marginCall reads MARGIN_CALL.
func marginCall(v binanceapi.Value, sink protocol.UserSink) error {
	timestampNs := v.TimeNs("E")
	return v.Field("p").Each(func(row binanceapi.Value) error {
		symbol, qty, mark := row.Text("s"), row.Decimal("pa"), row.Decimal("mp")
		if err := v.Err(); err != nil {
			return err
		}
		sink.Account(&connector.AccountEvent{Kind: connector.MarginCall, Symbol: symbol, TimestampNs: timestampNs,
			Text: fmt.Sprintf("the position of %v %s is close to its liquidation at a mark price of %v", qty, symbol,
				mark)})
		return nil
	})
}

// configEvent reads ACCOUNT_CONFIG_UPDATE: another leverage of a symbol, or another mode of the account.
func configEvent(v binanceapi.Value, sink protocol.UserSink) error {
	e := &connector.AccountEvent{Kind: connector.ConfigChanged, TimestampNs: v.TimeNs("T")}
	if c := v.Field("ac"); c.IsObject() {
		e.Symbol = c.Text("s")
		e.Text = "the leverage of " + e.Symbol + " is " + c.ID("l") + " now"
	} else {
		e.Text = fmt.Sprintf("multi-assets mode: %v", v.Field("ai").Bool("j"))
	}
	if err := v.Err(); err != nil {
		return err
	}
	sink.Account(e)
	return nil
}

// Limits of the venue's lists: rows of a page of income, and forced orders and their trades.
const (
	incomeLimit = 1000
	forceLimit  = 100
	// forcedBefore is the time before the first listed execution of a forced order in which others are looked for.
	forcedBefore = time.Hour
)

// AccountEvents lists settlements of funding, from the income history of three months, and liquidations and ADL, from
// the list of forced orders of 90 days. The venue has no list of settled and delivered contracts.
func (p *Protocol) AccountEvents(ctx context.Context, sinceNs int64) ([]connector.AccountEvent, error) {
	list, err := p.funding(ctx, sinceNs)
	if err != nil {
		return nil, err
	}
	return p.forced(ctx, sinceNs, list)
}

func (p *Protocol) funding(ctx context.Context, sinceNs int64) (list []connector.AccountEvent, err error) {
	for page := int64(1); ; page++ {
		rows := 0
		params := []binanceapi.Param{binanceapi.Text("incomeType", fundingFee), binanceapi.Int("startTime",
			sinceNs/int64(time.Millisecond)),
			binanceapi.Int("limit", incomeLimit), binanceapi.Int("page", page)}
		err := p.ask(ctx, "/fapi/v1/income", binanceapi.Cost{Weight: 30}, params, func(v binanceapi.Value) error {
			if !v.IsArray() {
				return errNoList
			}
			return v.Each(func(row binanceapi.Value) error {
				rows++
				e := connector.AccountEvent{Kind: connector.Funding, Symbol: row.Text("symbol"), ID: row.ID("tranId"),
					Amount: row.Decimal("income"),
					Asset:  row.Text("asset"), TimestampNs: row.TimeNs("time")}
				if row.Text("incomeType") == fundingFee && e.ID != "" {
					list = append(list, e)
				}
				return nil
			})
		})
		if err != nil || rows < incomeLimit {
			return list, err
		}
	}
}

// forced appends the executions of forced orders to list.
func (p *Protocol) forced(ctx context.Context, sinceNs int64,
	list []connector.AccountEvent) ([]connector.AccountEvent, error) {
	const span, age = int64(tradeSpan / time.Millisecond), int64(maxTradeAge / time.Millisecond)
	nowMs := p.signer.NowNs() / int64(time.Millisecond)
	var orders []protocol.Report
	for startMs := max(sinceNs/int64(time.Millisecond), nowMs-age); ; startMs += span + 1 {
		endMs := startMs + span
		if endMs >= nowMs {
			endMs = 0
		}
		var err error
		if orders, err = p.forcedOrders(ctx, startMs, endMs, orders); err != nil {
			return list, err
		}
		if endMs == 0 {
			break
		}
	}
	for i := range orders {
		var err error
		if list, err = p.forcedTrades(ctx, &orders[i], list); err != nil {
			return list, err
		}
	}
	return list, nil
}

// forcedOrders appends the forced orders of a period to list; an end of 0 is now. A list as long as the venue's longest
// may lack some, and is asked for in two halves: which ones it has, the first or the last, does not matter.
func (p *Protocol) forcedOrders(ctx context.Context, startMs, endMs int64,
	list []protocol.Report) ([]protocol.Report, error) {
	params := []binanceapi.Param{binanceapi.Int("startTime", startMs), binanceapi.Int("limit", forceLimit)}
	if endMs != 0 {
		params = append(params, binanceapi.Int("endTime", endMs))
	}
	rows, known := 0, len(list)
	err := p.ask(ctx, "/fapi/v1/forceOrders", binanceapi.Cost{Weight: 50}, params, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		return v.Each(func(row binanceapi.Value) error {
			rows++
			o := protocol.Report{Symbol: row.Text("symbol"), VenueID: row.ID("orderId"),
				ClientID: row.Text("clientOrderId")}
			if forcedKind(o.ClientID) != 0 {
				list = append(list, o)
			}
			return nil
		})
	})
	if err != nil || rows < forceLimit {
		return list, err
	}
	lastMs := endMs
	if lastMs == 0 {
		lastMs = max(p.signer.NowNs()/int64(time.Millisecond), startMs+1)
	}
	if lastMs <= startMs {
		return nil, &protocol.Failure{Cause: protocol.Unknown, Unreadable: true,
			Msg: fmt.Sprintf("%d forced orders at one time, %d", rows, startMs)}
	}
	middleMs := startMs + (lastMs-startMs)/2
	list, err = p.forcedOrders(ctx, startMs, middleMs, list[:known])
	if err != nil {
		return nil, err
	}
	return p.forcedOrders(ctx, middleMs+1, endMs, list)
}

// forcedTrades appends the executions of a forced order to list. The venue lists tradesLimit of an order at most: where
// there are as many, the order's are looked for among all since the first of them.
func (p *Protocol) forcedTrades(ctx context.Context, o *protocol.Report, list []connector.AccountEvent) (
	[]connector.AccountEvent, error) {
	kind := forcedKind(o.ClientID)
	params := []binanceapi.Param{binanceapi.Text("symbol", o.Symbol), binanceapi.Text("orderId", o.VenueID),
		binanceapi.Int("limit", tradesLimit)}
	known := len(list)
	firstNs := int64(math.MaxInt64)
	err := p.ask(ctx, "/fapi/v1/userTrades", binanceapi.Cost{Weight: 5}, params, func(v binanceapi.Value) error {
		if !v.IsArray() {
			return errNoList
		}
		return v.Each(func(row binanceapi.Value) error {
			r := execution(row)
			firstNs = min(firstNs, r.TimestampNs)
			list = append(list, *forcedEvent(kind, &r))
			return nil
		})
	})
	if err != nil || len(list)-known < tradesLimit {
		return list, err
	}
	listed := make(map[string]bool)
	for i := range list[known:] {
		listed[list[known+i].ID] = true
	}
	for sinceNs := firstNs - int64(forcedBefore); ; {
		part, err := p.Executions(ctx, o.Symbol, sinceNs)
		var more *protocol.More
		if err != nil && !errors.As(err, &more) {
			return nil, err
		}
		for i := range part {
			if r := &part[i]; r.VenueID == o.VenueID && !listed[r.TradeID] {
				listed[r.TradeID] = true
				list = append(list, *forcedEvent(kind, r))
			}
		}
		if more == nil {
			return list, nil
		}
		sinceNs = more.SinceNs
	}
}
