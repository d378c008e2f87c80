package feed

import "github.com/hftrunner/hftrunner/connector"

// NaturalTimes gives the rows of messages their times as the reference does.
type NaturalTimes struct {
	// depthExchNs is the exchange time of the newest depth message.
	depthExchNs int64
}

// Give gives a message and its rows the time at which the venue sent it, where it says so beside another one, and that of the newest
// depth message to what comes without one of its own: quotes and snapshots of Binance spot. Those were made after that message and
// before the next one, and local times may come from a clock that is off.
func (n *NaturalTimes) Give(m *connector.Message) {
	exchNs := m.SentNs
	if exchNs != 0 {
		m.ExchTimestampNs = exchNs
	}
	switch m.Kind {
	case connector.MessageDepth, connector.MessageSnapshot:
		n.depthExchNs = max(n.depthExchNs, m.ExchTimestampNs)
	}
	if m.ExchTimestampNs == 0 {
		exchNs = n.depthExchNs
	}
	if exchNs == 0 {
		return
	}
	for i := range m.Events {
		m.Events[i].ExchTimestampNs = exchNs
	}
}
