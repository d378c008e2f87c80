package feed

import (
	"fmt"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

func (b *Book) takeTrades(m *connector.Message, out *Out) {
	if b.sync != nil && !b.trades.isNew(m) {
		b.count(SeenTrades)
		out.Seen = true
		return
	}
	b.tellMissing()
	if b.trades.anew {
		b.tell(TradesAnew, fmt.Sprintf("ids of trades begin again at %d", m.FirstID), nil)
	}
	if !b.cfg.Natural {
		m.Events = b.refuseTrades(m.Events)
	}
	b.checkRows(m.Events)
	out.Events = m.Events
}

// fewTrades is how many ids of trades in a row may be left out at USD-M, which gives some to trades that it does not publish.
const fewTrades = 100

// tellMissing tells of trades that have not come.
func (b *Book) tellMissing() {
	for _, h := range b.trades.missing {
		n := h.last - h.first + 1
		if b.cfg.Rule == connector.RuleFutures && n < fewTrades {
			continue
		}
		what := fmt.Sprintf("%d trades are missing, from the id %d on", n, h.first)
		if b.report.Found[TradeGap].N < maxExamples {
			b.tell(TradeGap, what, nil)
		} else {
			b.report.add(b.problem(TradeGap, what, nil))
		}
	}
}

// refuseTrades leaves out trades that cannot be: a simulated exchange would fill every order with one at 0.
func (b *Book) refuseTrades(rows []hft.Event) []hft.Event {
	return slices.DeleteFunc(rows, func(e hft.Event) bool {
		if e.Kind() != hft.TradeEvent || e.Px > 0 && e.Qty > 0 {
			return false
		}
		what := fmt.Sprintf("a trade of %v at %v", e.Qty, e.Px)
		if b.report.Found[BadTrade].N == 0 {
			b.tell(BadTrade, what, nil)
		} else {
			b.report.add(b.problem(BadTrade, what, nil))
		}
		return true
	})
}

// MarketTrades leaves out rows of kind hft.OffBookTrade, as the reference's connectors do.
func MarketTrades(rows []hft.Event) []hft.Event {
	return slices.DeleteFunc(rows, func(e hft.Event) bool { return e.Kind() == hft.OffBookTrade })
}

// LostTrades notes that the connection that has brought trades is gone: nothing comes a second time over the next one, so
// ids that are less than before begin again, as those of a venue do that was set up anew. What was left out meanwhile is
// missing, unless it comes.
func (b *Book) LostTrades() { b.trades.lost() }

// endTrades tells of trades that have not come before the end of a recording.
func (b *Book) endTrades() {
	b.problems, b.trades.missing = b.problems[:0], b.trades.missing[:0]
	b.trades.end()
	b.tellMissing()
}
