package linear

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// accountEvent reads an execution that the venue made on its own, or a settlement of funding; ok is false for all
// others.
func accountEvent(r *row) (e *connector.AccountEvent, ok bool) {
	e = &connector.AccountEvent{Kind: eventKind(r.text("execType"))}
	if e.Kind == 0 {
		return nil, false
	}
	e.Symbol, e.ID, e.OrderID = r.str("symbol"), r.str("execId"), r.str("orderId")
	e.FeePaid, e.FeeAsset, e.TimestampNs = r.number("execFee"), r.str("feeCurrency"), r.timeNs("execTime")
	if e.FeeAsset == "" {
		e.FeeAsset = settleAsset(e.Symbol)
	}
	if e.Kind == connector.Funding {
		e.Amount, e.Asset, e.Rate = -e.FeePaid, e.FeeAsset, r.number("feeRate")
		e.FeePaid, e.FeeAsset, e.OrderID = 0, "", ""
		return e, r.ours() && e.Symbol != "" && e.ID != ""
	}
	e.Side, e.Qty, e.Price, e.Value = side(r.text("side")), r.number("execQty"), r.number("execPrice"),
		r.number("execValue")
	if e.Value == 0 {
		e.Value = e.Qty * e.Price
	}
	return e, r.ours() && e.Symbol != "" && e.ID != "" && e.Qty > 0 && e.Price > 0 && e.Side != 0
}

// eventKind returns what an execution does that is not a trade, 0 for all others.
func eventKind(execType []byte) connector.AccountEventKind {
	switch string(execType) {
	case "BustTrade":
		return connector.Liquidation
	case "AdlTrade":
		return connector.ADL
	case "Settle":
		return connector.Settlement
	case "Delivery":
		return connector.Delivery
	case "MovePosition":
		return connector.Moved
	case "Funding":
		return connector.Funding
	}
	return 0
}

// eventsOf appends the events of a type and a period to list; without an end it is a week. One with too many of them is
// asked for in two halves.
func (p *Protocol) eventsOf(ctx context.Context, kind string, startMs, endMs int64, list []connector.AccountEvent) (
	[]connector.AccountEvent, error) {
	query := "category=linear&execType=" + kind + "&startTime=" + strconv.FormatInt(startMs, 10)
	if endMs != 0 {
		query += "&endTime=" + strconv.FormatInt(endMs, 10)
	}
	known := len(list)
	err := p.pages(ctx, executionsPath, query, executionLimit, func(r *row) error {
		if e, ok := accountEvent(r); ok {
			list = append(list, *e)
		}
		return nil
	})
	lastMs := cmp.Or(endMs, startMs+executionSpan.Milliseconds())
	if !errors.Is(err, errEndless) || lastMs <= startMs || repeats(list[known:]) {
		return list, err
	}
	middleMs := startMs + (lastMs-startMs)/2
	if list, err = p.eventsOf(ctx, kind, startMs, middleMs, list[:known]); err != nil {
		return nil, err
	}
	return p.eventsOf(ctx, kind, middleMs+1, lastMs, list)
}

// repeats reports whether a list has too much twice to be one of a venue that has come to its end.
func repeats(list []connector.AccountEvent) bool {
	ids := make(map[string]bool)
	for i := range list {
		ids[list[i].ID] = true
	}
	return 2*len(ids) <= len(list)
}

// AccountEvents lists settlements of funding and forced closes, which the venue keeps for two years. It answers for a
// week at most, and for one type of execution.
func (p *Protocol) AccountEvents(ctx context.Context, sinceNs int64) (list []connector.AccountEvent, err error) {
	now := p.venueMs()
	for startMs := max(sinceNs/int64(time.Millisecond),
		now-executionAge.Milliseconds()); startMs <= now; startMs += executionSpan.Milliseconds() {
		for _, kind := range []string{"Funding", "BustTrade", "AdlTrade", "Settle", "Delivery", "MovePosition"} {
			if list, err = p.eventsOf(ctx, kind, startMs, 0, list); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(list, func(a, b connector.AccountEvent) int {
		return cmp.Compare(a.TimestampNs,
			b.TimestampNs)
	})
	return list, nil
}
