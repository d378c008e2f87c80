package ipc

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"syscall"

	"hftrunner/hft"
	"hftrunner/ipc/internal/shm"
)

// SharedChannel is the Channel over the host's shared memory.
type SharedChannel struct {
	botID       uint64
	wait        WaitStrategy
	instruments []Instrument
	routes      []route // per instrument of the bot
	connectors  []*link
	next        int // connector to look at first, so that none starves another
	control     *controlView
	clock       clockView
	hostPID     int
	lifeline    *lifeline // of a process that attached itself, else nil
	taken       int       // descriptors of the attachment that have been opened

	interrupted atomic.Bool
	closed      bool
	seenNs      int64  // newest time stamp received, with a stepped clock
	shownBefore uint64 // how often that clock had been shown when the bot last received or sent something
	checkHostAt int64  // monotonic time at which to look whether the host is alive
	tickMonoNs  uint64 // publication time of the newest feed event received
	sent        uint64
	up          upRecord
}

type route struct {
	link   *link
	feedNo int
}

// link is the bot's end of one connector.
type link struct {
	name    string
	feed    *shm.Segment
	private *shm.Segment
	reader  *shm.BroadcastReader
	down    *shm.Consumer
	up      *shm.Producer

	instOf    []int    // instrument of the bot by number in the feed, -1 for others
	fromSeq   []uint64 // by number in the feed: feed events from here on belong to the book; MaxUint64 until registered
	delivered uint64   // sequence of the last feed record delivered or passed over

	rec      shm.FeedRecord
	haveFeed bool
	in       downRecord
	haveDown bool
	level    int // next level of in, when in is a record of levels

	errBytes []byte

	lost     uint64 // events lost, to be reported
	resyncAt int    // next feed number to clear and register again, len(instOf) when done
}

// controlView is the bot's view of its control page.
type controlView struct {
	segment     *shm.Segment
	doorbell    *uint32
	hostParked  *uint32
	workGen     *uint64
	stop        *uint64
	parked      *uint32
	requestBell *uint32
	progress    *uint64
	idleGen     *uint64
	deadline    *int64
	sent        *uint64
	idleBell    *uint32
	events      *uint64
	lost        *uint64
	resyncs     *uint64

	numProgress, numEvents uint64
}

// Attach maps the segments of an attachment and returns the bot's channel, which owns the descriptors. Clocks of connectors that do not agree are an error: a bot has one time.
func Attach(a Attachment) (Channel, error) {
	c := &SharedChannel{botID: a.BotID, wait: a.Wait}
	if err := c.open(a); err != nil {
		_ = c.release()
		return nil, err
	}
	return c, nil
}

func (c *SharedChannel) open(a Attachment) error {
	if a.BotID == 0 || len(a.Connectors) == 0 || len(a.Instruments) == 0 {
		return errors.New("attachment names no bot, connector or instrument")
	}
	s, err := c.openSegment("control page", a.ControlFD, false, controlSize)
	if err != nil {
		return err
	}
	c.control = viewControl(s)
	c.hostPID = int(*s.Word64(offPID))
	for _, ca := range a.Connectors {
		l, err := c.openLink(ca)
		if l != nil {
			c.connectors = append(c.connectors, l)
		}
		if err != nil {
			return err
		}
		view := viewClock(l.feed)
		if len(c.connectors) == 1 {
			c.clock = view
		} else if !c.clock.same(&view) {
			return fmt.Errorf("connectors %s and %s have different clocks: a strategy cannot mix recorded and live time",
				c.connectors[0].name, l.name)
		}
	}
	for _, ia := range a.Instruments {
		if err := c.addInstrument(ia); err != nil {
			return err
		}
	}
	return nil
}

// openSegment opens the next descriptor of the attachment.
func (c *SharedChannel) openSegment(what string, fd int, readOnly bool, minSize int) (*shm.Segment, error) {
	c.taken++
	return openSegment(what, fd, readOnly, minSize)
}

func (c *SharedChannel) openLink(ca ConnectorAttachment) (*link, error) {
	l := &link{name: ca.Name}
	var err error
	if l.feed, err = c.openSegment("feed of connector "+ca.Name, ca.FeedFD, true, headerSize); err != nil {
		return nil, err
	}
	capacity := *l.feed.Word64(offCapacity)
	if capacity < 2 || capacity > 1<<32 || capacity&(capacity-1) != 0 ||
		headerSize+shm.BroadcastSize(int(capacity)) > l.feed.Size() {
		return l, fmt.Errorf("feed of connector %s has an impossible capacity %d", ca.Name, capacity)
	}
	if l.private, err = c.openSegment("queues of connector "+ca.Name, ca.PrivateFD, false, privateSize()); err != nil {
		return l, err
	}
	l.reader = shm.NewBroadcastReader(l.feed, headerSize, int(capacity))
	l.delivered = l.reader.Tail()
	l.reader.Seek(l.delivered)
	l.down = shm.NewConsumer(l.private, headerSize, downCapacity, downWords)
	l.up = shm.NewProducer(l.private, upOffset(), upCapacity, upWords)
	return l, nil
}

func (c *SharedChannel) addInstrument(ia InstrumentAttachment) error {
	for _, l := range c.connectors {
		if l.name != ia.Connector {
			continue
		}
		if ia.FeedNo < 0 || ia.FeedNo > math.MaxUint16 {
			return fmt.Errorf("instrument %s of connector %s has number %d", ia.Symbol, ia.Connector, ia.FeedNo)
		}
		for len(l.instOf) <= ia.FeedNo {
			l.instOf = append(l.instOf, -1)
			l.fromSeq = append(l.fromSeq, math.MaxUint64)
		}
		if l.instOf[ia.FeedNo] >= 0 {
			return &hft.BuildError{Kind: hft.Duplicate, What: ia.Connector + " " + ia.Symbol}
		}
		l.instOf[ia.FeedNo] = len(c.instruments)
		l.resyncAt = len(l.instOf)
		c.instruments = append(c.instruments, ia.Instrument)
		c.routes = append(c.routes, route{l, ia.FeedNo})
		return nil
	}
	return &hft.BuildError{Kind: hft.ConnectorNotFound, What: ia.Connector}
}

func viewControl(s *shm.Segment) *controlView {
	return &controlView{
		segment:     s,
		doorbell:    s.Word32(offDoorbell),
		hostParked:  s.Word32(offHostParked),
		workGen:     s.Word64(offWorkGen),
		stop:        s.Word64(offStop),
		parked:      s.Word32(offBotParked),
		requestBell: s.Word32(offRequestBell),
		progress:    s.Word64(offProgress),
		idleGen:     s.Word64(offIdleGen),
		deadline:    int64Word(s, offWaitDeadline),
		sent:        s.Word64(offSent),
		idleBell:    s.Word32(offIdleBell),
		events:      s.Word64(offEvents),
		lost:        s.Word64(offLost),
		resyncs:     s.Word64(offResyncs),
	}
}

// Instruments returns the bot's instruments.
func (c *SharedChannel) Instruments() []Instrument { return c.instruments }

// NowNs returns the clock of the bot's connectors.
func (c *SharedChannel) NowNs() int64 {
	if c.clock.stepped {
		return max(c.clock.nowNs(), c.seenNs)
	}
	return c.clock.nowNs()
}

// Interrupt makes every waiting call return hft.ErrInterrupted.
func (c *SharedChannel) Interrupt() {
	c.interrupted.Store(true)
	atomic.AddUint32(c.control.doorbell, 1)
	shm.FutexWake(c.control.doorbell, 1)
}

// Resume takes Interrupt back.
func (c *SharedChannel) Resume() { c.interrupted.Store(false) }

// Send hands a request to the host. For RequestRegisterInstrument it refuses a tick or lot size that is not the
// host's, and a foreign bot id, with a *hft.BuildError.
func (c *SharedChannel) Send(botID uint64, instNo int, q *LiveRequest) error {
	if instNo < 0 || instNo >= len(c.routes) {
		return hft.ErrInstrumentNotFound
	}
	if q.Kind == RequestRegisterInstrument {
		if botID != c.botID {
			return &hft.BuildError{Kind: hft.InvalidArgument,
				What: fmt.Sprintf("bot id %d: the host gave this process the id %d", botID, c.botID)}
		}
		if inst := &c.instruments[instNo]; q.TickSize != inst.TickSize || q.LotSize != inst.LotSize {
			return &hft.BuildError{Kind: hft.InvalidArgument,
				What: fmt.Sprintf("%s %s has tick size %v and lot size %v at the host, not %v and %v",
					inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, q.TickSize, q.LotSize)}
		}
	}
	r := &c.routes[instNo]
	return c.send(r.link, r.feedNo, q)
}

func (c *SharedChannel) send(l *link, feedNo int, q *LiveRequest) error {
	if atomic.LoadUint64(l.feed.Word64(offFeedClosed)) != 0 { // SYNC POINT: feed closed
		return hft.ErrPeerGone
	}
	if err := c.lifeline.lost(); err != nil {
		return err
	}
	c.up.put(feedNo, c.tickMonoNs, q)
	switch l.up.Put(c.up[:]) {
	case shm.PutOK:
	case shm.PutFull:
		return hft.ErrRequestQueueFull
	default:
		return hft.ErrPeerGone
	}
	c.sent++
	atomic.StoreUint64(c.control.sent, c.sent)
	c.active()
	if atomic.LoadUint32(c.control.hostParked) != 0 { // SYNC POINT: host parked
		atomic.AddUint32(c.control.requestBell, 1)
		shm.FutexWake(c.control.requestBell, 1)
	}
	return nil
}

// Close unmaps the segments; a process that attached itself is disconnected from the host.
func (c *SharedChannel) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	c.lifeline.close()
	return c.release()
}

func (c *SharedChannel) release() error {
	var errs []error
	for _, l := range c.connectors {
		if l.feed != nil {
			errs = append(errs, l.feed.Close())
		}
		if l.private != nil {
			errs = append(errs, l.private.Close())
		}
	}
	if c.control != nil {
		errs = append(errs, c.control.segment.Close())
	}
	return errors.Join(errs...)
}

// hostAlive reports whether the host's process exists. A lifeline knows better: it also holds where the host's process
// ids are not ours.
func (c *SharedChannel) hostAlive() bool {
	return c.lifeline != nil || !errors.Is(syscall.Kill(c.hostPID, 0), syscall.ESRCH)
}

var _ Channel = (*SharedChannel)(nil)
