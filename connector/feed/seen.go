package feed

import (
	"slices"

	"hftrunner/connector"
)

// maxSeenKeys bounds the messages that are told apart within one id: at Bybit each but the last has 1024 trades.
const maxSeenKeys = 64

// seenTrades knows which messages of trades have come. The zero value has seen none.
type seenTrades struct {
	// lastID is the greatest id of a trade, keys are those of the messages that ended with it.
	lastID int64
	keys   []uint64
}

// isNew reports whether a message of trades has not come before, and notes it. Messages without ids are always new.
func (s *seenTrades) isNew(m *connector.Message) bool {
	switch {
	case m.LastID == 0:
		return true
	case m.LastID > s.lastID:
		s.lastID, s.keys = m.LastID, append(s.keys[:0], m.TradeKey)
		return true
	case m.LastID < s.lastID || slices.Contains(s.keys, m.TradeKey):
		return false
	}
	if len(s.keys) < maxSeenKeys {
		s.keys = append(s.keys, m.TradeKey)
	}
	return true
}

// forget begins anew.
func (s *seenTrades) forget() { s.lastID, s.keys = 0, s.keys[:0] }
