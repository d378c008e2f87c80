package feed

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// level chooses the one book that is made of a recording among those of several depths that a venue sends (connector.Message.Level).
type level struct {
	// depth is the book's, 0 until there is one; fixed says that no other is taken.
	depth int
	fixed bool
	// newestNs is the exchange time of its newest message.
	newestNs int64
}

// maxLevelSilence is how long a book may be silent of which another depth tells changes. Those are changes of all deeper books as well,
// which are sent five times a second or more: then it is not recorded any more.
const maxLevelSilence = 10 * time.Second

// takes reports whether a message is to be used. The best bid and ask are, beside a deeper book; where there is none they are the
// book, and m becomes a snapshot. A deeper book takes over as soon as there is its snapshot, any other one when the book is no more.
func (l *level) takes(m *connector.Message) bool {
	switch {
	case m.Level == 0:
		return true
	case m.Kind == connector.MessageBBO:
		if l.depth == 1 {
			m.Kind = connector.MessageSnapshot
			for i := range m.Events {
				m.Events[i].SetKind(hft.DepthSnapshotEvent)
			}
		}
		return true
	}
	if l.newestNs == 0 {
		l.newestNs = m.ExchTimestampNs
	}
	ended := m.ExchTimestampNs-l.newestNs > int64(maxLevelSilence)
	if l.isOther(m) && (l.fixed || !ended && !(m.Level > l.depth && m.Kind == connector.MessageSnapshot)) {
		return false
	}
	l.depth, l.newestNs = m.Level, max(l.newestNs, m.ExchTimestampNs)
	return true
}

// takesAt reports the same of a message of a file, received at recordedNs, and what is wrong with its time. One with a wrong time has no
// say in which book is used.
func (l *level) takesAt(recordedNs int64, m *connector.Message) (used bool, wrong error) {
	if err := CheckTimes(recordedNs, m); err != nil {
		return !l.isOther(m), err
	}
	return l.takes(m), nil
}

// isOther reports whether a message is about a book of another depth than the one in use. A best bid and ask never is.
func (l *level) isOther(m *connector.Message) bool {
	return m.Level != 0 && m.Kind != connector.MessageBBO && l.depth != 0 && m.Level != l.depth
}

// passedOver says what of a message is not used, and why.
func (l *level) passedOver(m *connector.Message) string {
	return fmt.Sprintf("a message about the book of %d levels a side, while the book in use has %d", m.Level, l.depth)
}
