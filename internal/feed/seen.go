package feed

import (
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

const (
	// maxSeenKeys bounds the messages that are told apart within one id: at Bybit each but the last has 1024 trades.
	maxSeenKeys = 64
	// maxSeenNames bounds the messages without ids that are known by name.
	maxSeenNames = 4096
	// maxHoles bounds the ids that may still come, tooLate is how much older than the newest trade one may be that does.
	maxHoles = 64
	tooLate  = 10 * time.Second
)

// seenTrades knows which messages of trades have come. The zero value has seen none.
type seenTrades struct {
	// lastID is the greatest id of a trade, keys are those of the messages that ended with it.
	lastID int64
	keys   []uint64
	// holes are ids up to lastID that have not come, ascending; they are for ids that count one by one, which those with keys do not.
	// A second connection that is behind may bring them. newestNs is the time of the newest trade.
	holes    []hole
	newestNs int64
	// names are the keys of the newest messages without ids, namedNs their times; next is the place of the oldest once there are
	// maxSeenNames.
	names   []uint64
	namedNs []int64
	next    int
	// anew is true while ids restarted with the latest message, and trades may come again; missing are the holes of which it
	// says that they stay.
	anew    bool
	missing []hole
	// newConnection is true until the first message by a connection with which nothing comes a second time.
	newConnection bool
}

// hole is the ids from first to last, which a trade of atNs has left out.
type hole struct{ first, last, atNs int64 }

// isNew reports whether a message of trades has not come before, and notes it. Messages with neither ids nor keys are always new.
func (s *seenTrades) isNew(m *connector.Message) bool {
	s.anew, s.missing = false, s.missing[:0]
	switch {
	case m.LastID == 0:
		return m.TradeKey == 0 || s.isNewName(m.TradeKey, m.ExchTimestampNs)
	case m.LastID > s.lastID:
		s.advance(m)
		return true
	case m.LastID < s.lastID:
		later := m.ExchTimestampNs - s.newestNs
		if m.TradeKey == 0 && later >= -int64(tooLate) && later <= int64(tooLate) && s.fills(m.FirstID, m.LastID) {
			return true
		}
		if !s.newConnection && (s.newestNs == 0 || later <= int64(tooLate)) {
			return false
		}
		s.restart() // as those of a venue do that was set up anew
		s.anew = !s.newConnection
		s.advance(m)
		return true
	case slices.Contains(s.keys, m.TradeKey):
		return false
	}
	if len(s.keys) < maxSeenKeys {
		s.keys = append(s.keys, m.TradeKey)
	}
	return true
}

// advance takes the newest message.
func (s *seenTrades) advance(m *connector.Message) {
	if m.TradeKey == 0 && s.lastID != 0 && m.FirstID-1 > s.lastID {
		s.note(hole{s.lastID + 1, m.FirstID - 1, m.ExchTimestampNs})
	}
	s.lastID, s.keys, s.newConnection = m.LastID, append(s.keys[:0], m.TradeKey), false
	s.newestNs = max(s.newestNs, m.ExchTimestampNs)
	for len(s.holes) > 0 && s.newestNs-s.holes[0].atNs > int64(tooLate) {
		s.miss()
	}
}

// isNewName reports whether a message without ids has not come before, and notes it. One that is older than all that are known by name
// has: a second recording of the same time begins with it.
func (s *seenTrades) isNewName(name uint64, exchNs int64) bool {
	switch {
	case slices.Contains(s.names, name):
		return false
	case len(s.names) < maxSeenNames:
		s.names, s.namedNs = append(s.names, name), append(s.namedNs, exchNs)
	default:
		// the time of one may be wrong
		if exchNs < s.namedNs[s.next] && exchNs < s.namedNs[(s.next+1)%maxSeenNames] {
			return false
		}
		s.names[s.next], s.namedNs[s.next] = name, exchNs
		s.next = (s.next + 1) % maxSeenNames
	}
	return true
}

// note notes ids that have not come.
func (s *seenTrades) note(h hole) {
	if len(s.holes) == maxHoles {
		s.miss()
	}
	s.holes = append(s.holes, h)
}

// miss gives the oldest hole up.
func (s *seenTrades) miss() {
	s.missing = append(s.missing, s.holes[0])
	s.holes = s.holes[:copy(s.holes, s.holes[1:])]
}

// fills reports whether ids have not come, which they have then.
func (s *seenTrades) fills(first, last int64) bool {
	for i := range s.holes {
		h := s.holes[i]
		if first < h.first || last > h.last {
			continue
		}
		switch {
		case first > h.first && last < h.last:
			s.holes[i].last = first - 1
			if len(s.holes) < maxHoles {
				s.holes = slices.Insert(s.holes, i+1, hole{last + 1, h.last, h.atNs})
			}
		case first > h.first:
			s.holes[i].last = first - 1
		case last < h.last:
			s.holes[i].first = last + 1
		default:
			s.holes = slices.Delete(s.holes, i, i+1)
		}
		return true
	}
	return false
}

// restart begins with the next ids, whatever they are.
func (s *seenTrades) restart() {
	s.lastID, s.keys, s.newestNs = 0, s.keys[:0], 0
	s.end()
}

// end gives all holes up.
func (s *seenTrades) end() {
	for len(s.holes) > 0 {
		s.miss()
	}
}

// lost notes that the next message comes by a new connection, over which nothing comes a second time.
func (s *seenTrades) lost() {
	s.keys, s.names, s.namedNs, s.next, s.newConnection = s.keys[:0], s.names[:0], s.namedNs[:0], 0, true
}
