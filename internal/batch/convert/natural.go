package convert

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// natural makes rows of messages as they come, as hftbacktest's converter does.
type natural struct{ times feed.NaturalTimes }

// rows returns the rows of a message, which belong to it.
func (n *natural) rows(m *connector.Message) []hft.Event {
	n.times.Give(m)
	switch m.Kind {
	case connector.MessageSnapshot:
		m.Events = insertClears(m.Events)
	case connector.MessageTrade:
		m.Events = feed.MarketTrades(m.Events)
	}
	return m.Events
}

// insertClears puts a row before each side of a snapshot that clears the side as far as the snapshot goes: to the price
// of its last, worst level.
func insertClears(rows []hft.Event) []hft.Event {
	numBids := 0
	for numBids < len(rows) && rows[numBids].Ev&hft.BuyEvent != 0 {
		numBids++
	}
	numAsks := len(rows) - numBids
	clears := min(numBids, 1) + min(numAsks, 1)
	for range clears {
		rows = append(rows, hft.Event{})
	}
	if numAsks > 0 {
		copy(rows[numBids+clears:], rows[numBids:numBids+numAsks])
		rows[numBids+clears-1] = clearTo(rows[len(rows)-1])
	}
	if numBids > 0 {
		copy(rows[1:], rows[:numBids])
		rows[0] = clearTo(rows[numBids])
	}
	return rows
}

// clearTo returns the row that clears a side to the level worst.
func clearTo(worst hft.Event) hft.Event {
	worst.SetKind(hft.DepthClearEvent)
	worst.Qty = 0
	return worst
}
