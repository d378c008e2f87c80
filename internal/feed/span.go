package feed

import (
	"cmp"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
)

// Span is how the two times of what a recording publishes lie to each other, with local times as corrected.
type Span struct {
	// FirstExchNs is the exchange time at which the market begins; 0 when nothing is published.
	FirstExchNs int64
	// usualNs is the longest from a row's exchange time to its receipt but for the delays, which ascend in both times.
	usualNs int64
	delays  []delay
}

// delay says that a row with an exchange time from exchNs on is received at localNs.
type delay struct{ exchNs, localNs int64 }

const (
	// beginning is how long after the first row was received one may come that is older.
	beginning = time.Minute
	// usual is how old a row may be when it is received without being noted by itself; apart is how far the exchange times of
	// two noted ones are.
	usual, apart = time.Second, time.Second
)

// Reach returns until when lines have to be read so that no row with an exchange time up to exchNs is missing.
func (s *Span) Reach(exchNs int64) int64 {
	reachNs := exchNs + s.usualNs
	later, _ := slices.BinarySearchFunc(s.delays, exchNs+1, func(d delay, ns int64) int { return cmp.Compare(d.exchNs, ns) })
	if later > 0 {
		reachNs = max(reachNs, s.delays[later-1].localNs)
	}
	return reachNs
}

// note notes a row that is late.
func (s *Span) note(exchNs, localNs int64) {
	n := len(s.delays)
	for n > 0 && s.delays[n-1].exchNs >= exchNs {
		n--
	}
	if s.delays = s.delays[:n]; n > 0 && exchNs-s.delays[n-1].exchNs < int64(apart) {
		s.delays[n-1].localNs = localNs
		return
	}
	s.delays = append(s.delays, delay{exchNs, localNs})
}

// add adds that of another file, whose local times are corrected by offsetNs and not before lastNs, the end of the one before.
func (s *Span) add(file *spanner, offsetNs, lastNs int64) {
	if s.FirstExchNs == 0 {
		s.FirstExchNs = file.span.FirstExchNs
	}
	s.usualNs = max(s.usualNs, file.span.usualNs+offsetNs)
	if file.leastExchNs != 0 && lastNs > file.firstLocalNs+offsetNs {
		s.note(file.leastExchNs, lastNs)
	}
	for _, d := range file.span.delays {
		s.note(d.exchNs, max(d.localNs+offsetNs, lastNs))
	}
}

// spanner measures the Span of a file, with local times as recorded. What a book does to times is known from the messages alone
// but for its synchronisation, which may publish a row long after it came.
type spanner struct {
	sync *depthsync.Synchronizer
	// level is the depth of the book (connector.Message.Level).
	level int
	span  Span
	// firstLocalNs and localNs are the times of the first and the latest line, which never run backwards; beganNs is when the
	// first row was published.
	firstLocalNs, localNs, beganNs int64
	// leastExchNs is the earliest exchange time of all, depthExchNs the latest of the depth stream: not the newest, which may be
	// wrong.
	leastExchNs, depthExchNs int64
}

// receive takes the time of a line, unless it is so far from those before that its message has to bear it out.
func (s *spanner) receive(localNs int64) {
	if s.firstLocalNs == 0 {
		s.firstLocalNs, s.localNs, s.span.usualNs = localNs, localNs, -int64(MaxClockDistance)
	}
	if localNs-s.localNs <= int64(MaxClockDistance) {
		s.localNs = max(s.localNs, localNs)
	}
}

// take takes a message with the line's time, which its rows may have for want of their own.
func (s *spanner) take(localNs int64, m *connector.Message) {
	if m.Kind != connector.MessageIgnored { // it bears the time out, however far from the lines before
		s.localNs = max(s.localNs, localNs)
	}
	s.rows(localNs, m.Events, m.Kind == connector.MessageTrade)
	var out depthsync.Output
	if isBook := m.Kind == connector.MessageDepth || m.Kind == connector.MessageSnapshot; isBook && m.Level != s.level {
		if s.level != 0 && s.sync.Reset("another depth").Stale != "" {
			s.row(cmp.Or(m.ExchTimestampNs, s.depthExchNs))
		}
		s.level = m.Level
	}
	switch m.Kind {
	case connector.MessageDepth:
		out = s.sync.Depth(localNs, m)
	case connector.MessageSnapshot:
		out = s.sync.Snapshot(localNs, m)
	default:
		return
	}
	if out.Stale != "" {
		s.row(cmp.Or(m.ExchTimestampNs, s.depthExchNs)) // that the book is gone has this time
	}
	s.rows(localNs, out.Events, true)
	if m.ExchTimestampNs != 0 {
		s.depthExchNs = m.ExchTimestampNs
	}
}

func (s *spanner) rows(localNs int64, rows []hft.Event, published bool) {
	for i := range rows {
		exchNs := rows[i].ExchTimestampNs
		if exchNs == localNs && s.depthExchNs != 0 { // it has none of its own, and gets one that is not before this
			exchNs = s.depthExchNs
		}
		if i > 0 && exchNs == rows[i-1].ExchTimestampNs {
			continue
		}
		s.row(exchNs)
		switch {
		case !published:
		case s.span.FirstExchNs == 0:
			s.span.FirstExchNs, s.beganNs = exchNs, s.localNs
		case s.localNs-s.beganNs <= int64(beginning):
			s.span.FirstExchNs = min(s.span.FirstExchNs, exchNs)
		}
	}
}

func (s *spanner) row(exchNs int64) {
	if s.leastExchNs == 0 || exchNs < s.leastExchNs {
		s.leastExchNs = exchNs
	}
	if late := s.localNs - exchNs; late <= int64(usual) {
		s.span.usualNs = max(s.span.usualNs, late)
	} else {
		s.span.note(exchNs, s.localNs)
	}
}
