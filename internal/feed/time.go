package feed

import (
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// MaxClockDistance is how far a message's exchange time may be from its receipt. Clocks are minutes apart at worst, hours where
// somebody took local time for UTC; what is more is a wrong time: a year, a unit, zero.
const MaxClockDistance = 24 * time.Hour

// CheckTimes returns an error for a message with an exchange time that cannot be true, because it is before 1970 or more than
// MaxClockDistance from venueNs, the venue's time when the message came. A message that has no time is fine.
func CheckTimes(venueNs int64, m *connector.Message) error {
	if m.ExchTimestampNs != 0 {
		if err := checkTime(venueNs, m.ExchTimestampNs); err != nil {
			return err
		}
	}
	rows := m.Events
	if m.Kind != connector.MessageTrade {
		rows = rows[:min(len(rows), 1)] // they have one time
	}
	for i := range rows {
		if own := rows[i].LocalTimestampNs; own != 0 && rows[i].ExchTimestampNs == own {
			continue // for want of a time of the venue it is the receiver's
		}
		if err := checkTime(venueNs, rows[i].ExchTimestampNs); err != nil {
			return err
		}
	}
	return nil
}

// maxAhead is by how much a message may be ahead of the venue's clock, which is known that well, and within how much of each other
// the latencies of two messages have to be to bear each other out.
const maxAhead = time.Minute

// earlier is a message that was received before it happened, by more than maxAhead. One alone has a wrong time; where the next one
// is as early, it is the clock, as in a file (Lines.measure).
type earlier struct {
	latencyNs int64
	came      bool // the message before was one
}

// check returns an error for a message that was received, at venueNs by the venue's clock, before it happened, unless the one before
// bears it out.
func (e *earlier) check(localNs, venueNs int64, m *connector.Message) error {
	if m.ExchTimestampNs == 0 {
		return nil
	}
	exchNs := m.ExchTimestampNs
	if m.Kind == connector.MessageTrade { // other rows have the message's time
		exchNs = newestNs(m)
	}
	before, alone := *e, true
	e.latencyNs, e.came = localNs-exchNs, exchNs-venueNs > int64(maxAhead)
	if before.came {
		distance := before.latencyNs - e.latencyNs
		alone = max(distance, -distance) > int64(maxAhead)
	}
	if !e.came || !alone {
		return nil
	}
	return fmt.Errorf("it is received %v before its exchange time %s, unlike the message before: wrong time", time.Duration(exchNs-venueNs).Round(time.Millisecond), utc(exchNs))
}

// checkSnapshot returns an error for a snapshot of which the best bid is not below the best ask.
func checkSnapshot(m *connector.Message) error {
	if m.Kind != connector.MessageSnapshot {
		return nil
	}
	bid, ask := math.Inf(-1), math.Inf(1)
	for i := range m.Events {
		switch row := &m.Events[i]; {
		case !(row.Qty > 0):
		case row.Side() == hft.Buy:
			bid = max(bid, row.Px)
		case row.Side() == hft.Sell:
			ask = min(ask, row.Px)
		}
	}
	if bid < ask {
		return nil
	}
	return fmt.Errorf("the snapshot is crossed: its best bid is %v, its best ask %v", bid, ask)
}

func checkTime(venueNs, exchNs int64) error {
	distance, where := uint64(exchNs)-uint64(venueNs), "after"
	if exchNs < venueNs {
		distance, where = -distance, "before"
	}
	if exchNs < 0 {
		return fmt.Errorf("the exchange time %d is before 1970", exchNs)
	}
	if distance <= uint64(MaxClockDistance) {
		return nil
	}
	return fmt.Errorf("the exchange time %s is %s %s the local time %s: one of the two is wrong (they may be %d hours apart)",
		utc(exchNs), inWords(distance), where, utc(venueNs), MaxClockDistance/time.Hour)
}

// inWords says in hours, and from two days on in days, how much a distance is.
func inWords(distance uint64) string {
	if days := distance / uint64(24*time.Hour); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", distance/uint64(time.Hour))
}

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// refuse passes over a message that cannot be true. A book that lacks rows because of it is lost; where gaps are ignored it goes
// on, and the next difference tells of the gap.
func (b *Book) refuse(m *connector.Message, why Finding, err error) Out {
	var out Out
	b.tell(why, err.Error(), err)
	whole := m.Kind == connector.MessageSnapshot
	switch {
	case b.sync == nil || m.Kind != connector.MessageDepth && !whole:
	case whole && b.cfg.Rule != connector.RuleStreamed:
		out.NeedSnapshot = !b.following()
	case b.cfg.IgnoreGaps || !b.following(): // the next difference does not follow what is held back
	default:
		b.tell(Gap, fmt.Sprintf("depth updates after %d are missing: this message was skipped", b.sync.LastID()), nil)
		out.Stale, out.NeedSnapshot = b.Lost("a message about the book cannot be true: "+err.Error()).Stale, true
	}
	return out
}
