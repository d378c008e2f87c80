package convert

import (
	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/hft"
)

// natural makes rows of messages as they come, as the reference's converter does.
type natural struct {
	// depthExchNs is the exchange time of the newest depth message.
	depthExchNs int64
}

// rows returns the rows of a message, which belong to it.
func (n *natural) rows(m *connector.Message) []hft.Event {
	n.time(m)
	switch m.Kind {
	case connector.MessageSnapshot:
		m.Events = insertClears(m.Events)
	case connector.MessageTrade:
		m.Events = feed.MarketTrades(m.Events)
	}
	return m.Events
}

// time gives the time of the newest depth message to what comes without one of its own: quotes and snapshots of Binance
// spot. It was made after that message and before the next one, and local times may come from a clock that is off.
func (n *natural) time(m *connector.Message) {
	switch m.Kind {
	case connector.MessageDepth, connector.MessageSnapshot:
		n.depthExchNs = max(n.depthExchNs, m.ExchTimestampNs)
	}
	if m.ExchTimestampNs != 0 || n.depthExchNs == 0 {
		return
	}
	for i := range m.Events {
		m.Events[i].ExchTimestampNs = n.depthExchNs
	}
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
