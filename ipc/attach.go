package ipc

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
	"github.com/hftrunner/hftrunner/internal/sole"
)

// sharedChannel is the Channel over the host's shared memory. Attach and Dial make one; a nil one, and the zero value,
// are as if they were closed.
type sharedChannel struct {
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

	mark        sole.Mark    // of who sends and receives
	open        atomic.Bool  // attached and not closed
	closing     sync.Mutex   // held by Close
	closedAtNs  atomic.Int64 // what NowNs returns after Close
	interrupted atomic.Bool
	seenNs      atomic.Int64 // newest time stamp received, with a stepped clock
	shownBefore uint64       // how often that clock had been shown when the bot last received or sent something
	checkHostAt int64        // monotonic time at which to look whether the host is alive
	tickMonoNs  uint64       // publication time of the newest feed event received
	sent        uint64
	up          ring.UpRecord
}

type route struct {
	link   *link
	feedNo int
}

// link is the bot's end of one connector.
type link struct {
	name       string
	feed       *shm.Segment
	private    *shm.Segment
	feedEnd    *uint64 // words of the feed's header
	feedClosed *uint64
	reader     *shm.BroadcastReader
	down       *shm.Consumer
	up         *shm.Producer

	instOf    []int          // instrument of the bot by number in the feed, -1 for others
	sessions  []registration // by number in the feed
	delivered uint64         // sequence of the last feed record delivered or passed over

	rec      shm.FeedRecord
	haveFeed bool
	in       ring.DownRecord
	haveDown bool
	level    int // next level of in, when in is a record of levels
	inBurst  bool
	obsolete bool // the burst answers a registration from before the last lap and is passed over

	errBytes []byte

	lost     uint64 // events lost, to be reported
	resyncAt int    // next feed number to clear and register again, len(instOf) when done
}

// registration is how far the registration of an instrument has come. The host answers each one, in their order, so
// that counting tells which one a burst answers.
type registration struct {
	fromSeq  uint64 // feed events from here on belong to the book; MaxUint64 until there is one
	asked    uint64 // registrations sent
	answered uint64 // bursts begun
	needed   uint64 // number of the first registration whose answer is newer than the last lap
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

// Attach maps the segments of an attachment and returns the bot's channel, which owns the descriptors. Clocks of
// connectors that do not agree are an error: a bot has one time.
func Attach(a Attachment) (Channel, error) {
	c := &sharedChannel{botID: a.BotID, wait: a.Wait}
	if err := c.attach(a); err != nil {
		_ = c.release()
		return nil, err
	}
	return c, nil
}

// attach opens everything; on an error release closes what was opened.
func (c *sharedChannel) attach(a Attachment) error {
	if err := a.check(); err != nil {
		return err
	}
	s, err := c.openSegment("control page", a.ControlFD, false, ring.ControlSize)
	if err != nil {
		return err
	}
	c.control = viewControl(s)
	pid := *s.Word64(ring.OffPID)
	if pid == 0 || pid > math.MaxInt32 {
		return fmt.Errorf("control page says that the host is process %d, which cannot be", pid)
	}
	c.hostPID = int(pid)
	for _, ca := range a.Connectors {
		l, err := c.openLink(ca)
		if l != nil {
			c.connectors = append(c.connectors, l)
		}
		if err != nil {
			return err
		}
		view, err := viewClock(l.feed)
		if err != nil {
			return fmt.Errorf("feed of connector %s: %w", l.name, err)
		}
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
	c.open.Store(true)
	return nil
}

// openSegment opens the next descriptor of the attachment.
func (c *sharedChannel) openSegment(what string, fd int, readOnly bool, minSize int) (*shm.Segment, error) {
	c.taken++
	return ring.Open(what, fd, readOnly, minSize)
}

func (c *sharedChannel) openLink(ca ConnectorAttachment) (*link, error) {
	l := &link{name: ca.Name}
	var err error
	if l.feed, err = c.openSegment("feed of connector "+ca.Name, ca.FeedFD, true, ring.HeaderSize); err != nil {
		return nil, err
	}
	capacity := *l.feed.Word64(ring.OffCapacity)
	err = shm.CheckBroadcast(l.feed.Size(), ring.HeaderSize, int(min(capacity, math.MaxInt)))
	if err != nil || capacity < 2 {
		return l, errors.Join(fmt.Errorf("feed of connector %s has an impossible capacity %d", ca.Name, capacity), err)
	}
	l.feedEnd, l.feedClosed = l.feed.Word64(ring.OffFeedEnd), l.feed.Word64(ring.OffFeedClosed)
	if l.private, err = c.openSegment("queues of connector "+ca.Name, ca.PrivateFD, false,
		ring.PrivateSize()); err != nil {
		return l, err
	}
	if n := *l.private.Word64(ring.OffCapacity); n != ring.DownCapacity {
		return l, fmt.Errorf("queues of connector %s have a capacity of %d, this program knows %d", ca.Name, n,
			ring.DownCapacity)
	}
	l.reader = shm.NewBroadcastReader(l.feed, ring.HeaderSize, int(capacity))
	l.delivered = l.reader.Tail()
	l.reader.Seek(l.delivered)
	l.down = shm.NewConsumer(l.private, ring.HeaderSize, ring.DownCapacity, ring.DownWords)
	l.up = shm.NewProducer(l.private, ring.UpOffset(), ring.UpCapacity, ring.UpWords)
	return l, nil
}

func (c *sharedChannel) addInstrument(ia InstrumentAttachment) error {
	for _, l := range c.connectors {
		if l.name != ia.Connector {
			continue
		}
		if ia.FeedNo < 0 || ia.FeedNo > math.MaxUint16 {
			return fmt.Errorf("instrument %s of connector %s has number %d", ia.Symbol, ia.Connector, ia.FeedNo)
		}
		if !ring.Positive(ia.TickSize) || !ring.Positive(ia.LotSize) {
			return fmt.Errorf("instrument %s of connector %s has tick size %v and lot size %v", ia.Symbol, ia.Connector,
				ia.TickSize, ia.LotSize)
		}
		for len(l.instOf) <= ia.FeedNo {
			l.instOf = append(l.instOf, -1)
			l.sessions = append(l.sessions, registration{fromSeq: math.MaxUint64})
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
		doorbell:    s.Word32(ring.OffDoorbell),
		hostParked:  s.Word32(ring.OffHostParked),
		workGen:     s.Word64(ring.OffWorkGen),
		stop:        s.Word64(ring.OffStop),
		parked:      s.Word32(ring.OffBotParked),
		requestBell: s.Word32(ring.OffRequestBell),
		progress:    s.Word64(ring.OffProgress),
		idleGen:     s.Word64(ring.OffIdleGen),
		deadline:    ring.Int64Word(s, ring.OffWaitDeadline),
		sent:        s.Word64(ring.OffSent),
		idleBell:    s.Word32(ring.OffIdleBell),
		events:      s.Word64(ring.OffEvents),
		lost:        s.Word64(ring.OffLost),
		resyncs:     s.Word64(ring.OffResyncs),
	}
}

// Instruments returns the bot's instruments, also after Close.
func (c *sharedChannel) Instruments() []Instrument {
	if c == nil {
		return nil
	}
	return c.instruments
}

// errClosed is what calls return after Close.
var errClosed = fmt.Errorf("%w: the channel is closed", hft.ErrInterrupted)

// off reports whether there is no host: the channel is closed, or was never attached.
func (c *sharedChannel) off() bool { return c == nil || !c.open.Load() }

// NowNs returns the clock of the bot's connectors, after Close the time of that. Any goroutine may ask.
func (c *sharedChannel) NowNs() int64 {
	if c == nil || c.control == nil {
		return 0
	}
	nowNs := c.clock.nowNs()
	if c.clock.stepped {
		nowNs = max(nowNs, c.seenNs.Load())
	}
	if c.off() { // asked last: what was read after Close is nothing
		return c.closedAtNs.Load()
	}
	return nowNs
}

// Interrupt makes every waiting call return hft.ErrInterrupted. After Close there is none.
func (c *sharedChannel) Interrupt() {
	if c == nil || c.control == nil {
		return
	}
	c.interrupted.Store(true)
	atomic.AddUint32(c.control.doorbell, 1)
	shm.FutexWake(c.control.doorbell, 1)
	runtime.KeepAlive(c)
}

// Resume takes Interrupt back.
func (c *sharedChannel) Resume() {
	if c != nil {
		c.interrupted.Store(false)
	}
}

// Send hands a request to the host. For RequestRegisterInstrument it refuses a tick or lot size that is not the
// host's, and a foreign bot id, with a *hft.BuildError.
func (c *sharedChannel) Send(botID uint64, instNo int, q *LiveRequest) error {
	if c.off() {
		return errClosed
	}
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
	c.mark.Enter("ipc: sharedChannel.Send")
	r := &c.routes[instNo]
	err := c.send(r.link, r.feedNo, q)
	c.mark.Leave()
	if c.off() {
		return errClosed // it may or may not have gone out
	}
	return err
}

func (c *sharedChannel) send(l *link, feedNo int, q *LiveRequest) error {
	if atomic.LoadUint64(l.feedClosed) != 0 { // SYNC POINT: feed closed
		return hft.ErrPeerGone
	}
	if err := c.lifeline.lost(); err != nil {
		return err
	}
	c.up.Put(uint8(q.Kind), feedNo, c.tickMonoNs, &q.Order, q.TickSize, q.LotSize)
	switch l.up.Put(c.up[:]) {
	case shm.PutOK:
	case shm.PutFull:
		return hft.ErrRequestQueueFull
	default:
		return hft.ErrPeerGone
	}
	if q.Kind == RequestRegisterInstrument {
		l.sessions[feedNo].asked++
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

// Close gives the memory back; a process that attached itself is disconnected from the host. Any goroutine may call it,
// at any time: a call that waits returns with hft.ErrInterrupted, as every later one does. When Close returns, so has
// every earlier one.
func (c *sharedChannel) Close() error {
	if c == nil {
		return nil
	}
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.off() {
		return nil
	}
	c.closedAtNs.Store(c.NowNs())
	c.open.Store(false)
	c.Interrupt()
	c.lifeline.close()
	return c.release()
}

func (c *sharedChannel) release() error {
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
func (c *sharedChannel) hostAlive() bool {
	return c.lifeline != nil || !errors.Is(syscall.Kill(c.hostPID, 0), syscall.ESRCH)
}

var _ Channel = (*sharedChannel)(nil)
