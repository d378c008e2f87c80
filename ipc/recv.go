package ipc

import (
	"math"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// poll stores the next event that is there in ev.
func (c *sharedChannel) poll(ev *LiveEvent) (instNo int, ok bool) {
	n := len(c.connectors)
	for i := range n {
		at := c.next + i
		if at >= n {
			at -= n
		}
		if instNo, ok = c.pollLink(c.connectors[at], ev); ok {
			// A batch is delivered whole before another connector has its turn.
			if c.next = at; !ev.More {
				c.next++
			}
			if c.next >= n {
				c.next = 0
			}
			return instNo, true
		}
	}
	return 0, false
}

// pollLink merges the feed and the private queue of one connector in the order in which the host published them: a
// private record comes after exactly the feed records up to its stamp. The feed is looked at first: a private record
// that was published before a feed record is visible once the feed record is.
func (c *sharedChannel) pollLink(l *link, ev *LiveEvent) (instNo int, ok bool) {
	for {
		if l.lost != 0 || l.resyncAt < len(l.instOf) {
			if instNo, ok = c.resync(l, ev); ok {
				return instNo, true
			}
		}
		if !l.haveFeed {
			switch l.reader.Next(&l.rec) {
			case shm.ReadOK:
				l.haveFeed = true
			case shm.ReadLapped:
				c.lapped(l)
				continue
			}
		}
		if !l.haveDown {
			l.haveDown = l.down.Next(l.in[:])
			l.level = 0
		}
		if l.haveDown && l.in.FeedSeq() <= l.delivered {
			if instNo, ok = c.takeDown(l, ev); ok {
				return instNo, true
			}
			continue
		}
		if !l.haveFeed {
			return 0, false
		}
		if instNo, ok = c.takeFeed(l, ev); ok {
			return instNo, true
		}
	}
}

// takeFeed delivers the feed record that was read, or passes over it when it is of no concern to the bot.
func (c *sharedChannel) takeFeed(l *link, ev *LiveEvent) (instNo int, ok bool) {
	l.haveFeed = false
	l.delivered++
	no := ring.FeedNoOf(&l.rec)
	if no >= len(l.instOf) || l.instOf[no] < 0 || l.delivered < l.sessions[no].fromSeq {
		return 0, false
	}
	ev.Kind = EventFeed
	ev.More = ring.GetFeed(&l.rec, &ev.Feed)
	c.tickMonoNs = l.rec.W[5] & ring.MonoMask
	c.seen(ev.Feed.LocalTimestampNs)
	if c.control.numEvents++; c.control.numEvents%eventsPerCount == 0 {
		atomic.StoreUint64(c.control.events, c.control.numEvents)
	}
	return l.instOf[no], true
}

// seen notes the time of what was received: a stepped clock shows it at the latest then.
func (c *sharedChannel) seen(timestampNs int64) {
	if c.clock.stepped && timestampNs > c.seenNs.Load() {
		c.seenNs.Store(timestampNs)
	}
}

// takeDown delivers the private record that was read, or the next level of it.
func (c *sharedChannel) takeDown(l *link, ev *LiveEvent) (instNo int, ok bool) {
	no := l.in.FeedNo()
	l.haveDown = false
	c.seen(l.in.TimestampNs())
	instNo = -1
	if no >= 0 && no < len(l.instOf) {
		instNo = l.instOf[no]
	}
	if kind := l.in.Kind(); kind == ring.DownError {
		return c.takeError(l, instNo, ev)
	} else if instNo < 0 {
		return 0, false // the host sends nothing else without an instrument of the bot
	}
	if l.passOver(no) {
		return 0, false
	}
	body := l.in.Body()
	ev.More = false
	switch kind := l.in.Kind(); kind {
	case uint8(EventBatchStart):
		ev.Kind = EventBatchStart
	case uint8(EventBatchEnd):
		ev.Kind = EventBatchEnd
		l.sessions[no].fromSeq = l.in.FeedSeq() + 1
	case uint8(EventOrder):
		ev.Kind = EventOrder
		ring.GetOrder(body, &ev.Order)
		ring.GetState(body[ring.OrderWords:], &ev.State)
	case uint8(EventPosition):
		ev.Kind = EventPosition
		ring.GetState(body[ring.OrderWords:], &ev.State)
	case ring.DownClear:
		clearEvent(ev, int64(body[0]))
	case ring.DownLevels:
		return c.takeLevel(l, instNo, ev)
	default:
		return 0, false
	}
	return instNo, true
}

// passOver reports whether the private record that was read belongs to a burst that answers a registration from before
// the last lap: its book is older than what was lost. A burst is never interrupted by other records with an instrument.
func (l *link) passOver(no int) bool {
	r := &l.sessions[no]
	switch l.in.Kind() {
	case uint8(EventBatchStart):
		r.answered++
		l.inBurst, l.obsolete = true, r.answered < r.needed
	case uint8(EventBatchEnd):
		obsolete := l.obsolete
		l.inBurst, l.obsolete = false, false
		return obsolete
	}
	return l.obsolete
}

func clearEvent(ev *LiveEvent, timestampNs int64) {
	ev.Kind, ev.More = EventFeed, true
	ev.Feed = hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent, ExchTimestampNs: timestampNs,
		LocalTimestampNs: timestampNs, Px: math.NaN()}
}

func (c *sharedChannel) takeLevel(l *link, instNo int, ev *LiveEvent) (int, bool) {
	n := min(l.in.Count(), ring.LevelsPerRecord)
	if n == 0 {
		return 0, false
	}
	body := l.in.Body()
	side := hft.BuyEvent
	if l.in.Flags() != 0 {
		side = hft.SellEvent
	}
	ev.Kind, ev.More = EventFeed, true
	ev.Feed = hft.Event{
		Ev:               hft.LocalEvent | side | hft.DepthSnapshotEvent,
		ExchTimestampNs:  int64(body[0]),
		LocalTimestampNs: int64(body[0]),
		Px:               math.Float64frombits(body[1+2*l.level]),
		Qty:              math.Float64frombits(body[2+2*l.level]),
	}
	l.level++
	l.haveDown = l.level < n
	return instNo, true
}

func (c *sharedChannel) takeError(l *link, instNo int, ev *LiveEvent) (int, bool) {
	n := min(l.in.Count(), ring.ErrorPieceBytes)
	body := l.in.Body()
	for i := range n {
		l.errBytes = append(l.errBytes, byte(body[1+i/8]>>(8*(i%8))))
	}
	if body[0] != 0 && len(l.errBytes) <= ring.MaxErrorBytes {
		return 0, false // more pieces to come
	}
	e, err := ring.DecodeError(l.errBytes)
	l.errBytes = nil
	if err != nil {
		e = hft.LiveErrorWith(hft.CriticalConnectionError,
			hft.StringValue("an error event of the host cannot be read: "+err.Error()))
	}
	if e.Connector == "" {
		e.Connector = l.name
	}
	e.AssetNo = instNo
	ev.Kind, ev.More, ev.Err = EventError, false, e
	return instNo, true
}

// lapped is called when the feed has overwritten events that the bot had not read: it goes on at the newest event,
// and every book of the connector is cleared and asked for again. What was asked for before is of no use any more.
func (c *sharedChannel) lapped(l *link) {
	tail := max(l.reader.Tail(), l.reader.Cursor())
	lost := tail - l.delivered
	l.lost += lost
	l.reader.Seek(tail)
	l.delivered = tail
	l.haveFeed = false
	for no := range l.sessions {
		r := &l.sessions[no]
		r.fromSeq, r.needed = math.MaxUint64, r.asked+1
	}
	l.obsolete = l.inBurst
	l.resyncAt = 0
	atomic.AddUint64(c.control.lost, lost)
	atomic.AddUint64(c.control.resyncs, 1)
}

// resync reports a loss: first the error event, then for each instrument a clear of its book, and asks the host for
// the book again. A full request queue is tried again at the next call.
func (c *sharedChannel) resync(l *link, ev *LiveEvent) (instNo int, ok bool) {
	if l.lost != 0 {
		ev.Kind, ev.More = EventError, false
		ev.Err = hft.CustomLiveError(hft.CodeFeedLost, hft.IntValue(int64(l.lost)))
		ev.Err.Connector = l.name
		l.lost = 0
		return -1, true
	}
	for l.resyncAt < len(l.instOf) {
		no := l.resyncAt
		if instNo = l.instOf[no]; instNo < 0 {
			l.resyncAt++
			continue
		}
		inst := &c.instruments[instNo]
		q := LiveRequest{Kind: RequestRegisterInstrument, TickSize: inst.TickSize, LotSize: inst.LotSize}
		if c.send(l, no, &q) != nil {
			return 0, false
		}
		l.resyncAt++
		clearEvent(ev, c.NowNs())
		ev.More = false
		return instNo, true
	}
	return 0, false
}
