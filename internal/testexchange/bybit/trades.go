package bybit

import (
	"cmp"
	"strings"

	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// maxTrades is the number of trades that one message has at most.
const maxTrades = 1024

type tradeMessage struct {
	Topic string     `json:"topic"`
	Type  string     `json:"type"`
	TS    int64      `json:"ts"`
	Data  []tradeRow `json:"data"`
}

type tradeRow struct {
	T      int64  `json:"T"`
	Symbol string `json:"s"`
	Side   string `json:"S"`
	Qty    string `json:"v"`
	Price  string `json:"p"`
	Tick   string `json:"L"`
	ID     string `json:"i"`
	Block  bool   `json:"BT"`
	RPI    bool   `json:"RPI"`
	Seq    int64  `json:"seq"`
}

// publishTrades sends the trades, those of a symbol that happened together in one message.
func (v *Venue) publishTrades(nowNs int64, events []market.Event) {
	rows := map[*books][]tradeRow{}
	var order []*books
	for i := range events {
		e := &events[i]
		if e.Kind != market.Traded {
			continue
		}
		b := v.bookOf(e.Symbol)
		if rows[b] == nil {
			order = append(order, b)
		}
		rows[b] = append(rows[b], b.trade(e, v.seq+1)) // what happened together has one number
	}
	for _, b := range order {
		topic := "publicTrade." + b.symbol.Name
		subscribers := v.core.Hub.Subscribers(topic)
		for list := rows[b]; len(list) > 0 && len(subscribers) > 0; {
			n := min(len(list), maxTrades)
			payload := encode(tradeMessage{topic, "snapshot", milliseconds(nowNs), list[:n]})
			list = list[n:]
			for _, c := range subscribers {
				c.Send(topic, payload)
			}
		}
	}
}

// trade notes a trade and returns its row.
func (b *books) trade(e *market.Event, seq int64) tradeRow {
	switch cmp.Compare(e.PriceTicks, b.lastTick) {
	case 1:
		b.direction = "PlusTick"
	case -1:
		b.direction = "MinusTick"
	default:
		b.direction = "Zero" + strings.TrimPrefix(b.direction, "Zero")
	}
	b.lastTick = e.PriceTicks
	return tradeRow{T: milliseconds(e.TimeNs), Symbol: b.symbol.Name, Side: sideText(e.Side),
		Qty: b.symbol.Lot.Format(e.QtyLots), Price: b.symbol.Tick.Format(e.PriceTicks), Tick: b.direction,
		ID: idText(tradeKind, e.TradeID), Seq: seq}
}
