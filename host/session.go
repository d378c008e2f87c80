package host

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
)

// session is the shared memory of one strategy process and the goroutine that serves its requests.
type session struct {
	strategy    *strategy
	incarnation uint32
	control     *hostipc.Control
	holdings    []*holding // in the order of the bot's instruments
	links       []*sessionLink
	stats       *strategyStats
	refusals    refusals
	limited     struct { // orders that limits refuse: how many are not in the log yet, and when there may be a line
		more int
		next time.Time
	}

	gone     atomic.Bool  // the process is no longer to be waited for
	damaged  atomic.Bool  // the process has damaged its queues
	draining atomic.Bool  // serve what is there, then end
	answered atomic.Int64 // registrations
	served   sync.WaitGroup

	mapped sync.RWMutex // held for reading while the barrier uses the control page, for writing by Close
	closed bool
}

// sessionLink is a session's queue pair with one connector.
type sessionLink struct {
	port     *hostipc.Port
	pub      *publisher
	holdings []*holding // by instrument number of the connector, nil where the strategy has none
}

const (
	// requestSpin is the time that an adaptive or spinning session looks for the next request before it parks.
	requestSpin = 50 * time.Microsecond
	// looksPerYield is the number of polls of a spin before it yields to other goroutines, which is not free.
	looksPerYield = 64
	// drainLimit is the maximum number of requests of one connector handled in a row; a queue holds fewer.
	drainLimit = 4096
	// requestPark bounds one sleep; a bot that sends rings. flushPark does while messages wait for room in its queue.
	requestPark = 500 * time.Millisecond
	flushPark   = time.Millisecond
)

// newSession makes the memory of a process that trades the holdings, which are some of the strategy's.
func newSession(s *strategy, holdings []*holding, incarnation uint32) (*session, error) {
	page, err := hostipc.NewControl()
	if err != nil {
		return nil, err
	}
	ses := &session{strategy: s, incarnation: incarnation, control: page, holdings: holdings, stats: s.stats}
	for _, h := range holdings {
		if err := ses.link(h); err != nil {
			ses.Close()
			return nil, err
		}
	}
	return ses, nil
}

// link adds the queues of the holding's connector, once for each connector.
func (s *session) link(h *holding) error {
	var link *sessionLink
	for _, l := range s.links {
		if l.pub == h.pub {
			link = l
		}
	}
	if link == nil {
		h.pub.mu.Lock()
		port, err := hostipc.NewPort(h.pub.feed, s.control)
		h.pub.mu.Unlock()
		if err != nil {
			return err
		}
		link = &sessionLink{port: port, pub: h.pub}
		s.links = append(s.links, link)
	}
	for len(link.holdings) <= h.feedNo {
		link.holdings = append(link.holdings, nil)
	}
	link.holdings[h.feedNo] = h
	return nil
}

// files returns the descriptors to inherit and the attachment that names them, the first being descriptor first.
func (s *session) files(first int) ([]*os.File, ipc.Attachment) {
	cfg := &s.strategy.cfg
	files := []*os.File{s.control.File()}
	a := ipc.Attachment{BotID: s.strategy.botID, ControlFD: first, Wait: cfg.Wait}
	for _, l := range s.links {
		a.Connectors = append(a.Connectors, ipc.ConnectorAttachment{Name: l.pub.name,
			FeedFD: first + len(files), PrivateFD: first + len(files) + 1})
		files = append(files, l.pub.feed.File(), l.port.File())
	}
	for _, h := range s.holdings {
		a.Instruments = append(a.Instruments, ipc.InstrumentAttachment{
			Instrument: ipc.Instrument{Connector: h.cfg.Connector, Symbol: h.cfg.Symbol, TickSize: h.cfg.TickSize, LotSize: h.cfg.LotSize},
			FeedNo:     h.feedNo})
	}
	return files, a
}

// books returns which books the bot keeps.
func books(instruments []InstrumentConfig) []control.Book {
	var list []control.Book
	for _, i := range instruments {
		list = append(list, control.Book{Depth: i.Depth, ROILow: i.ROILow, ROIHigh: i.ROIHigh, LastTrades: i.LastTrades})
	}
	return list
}

// activate makes the session the one that the strategy's orders belong to and serves its requests.
func (s *session) activate() {
	for _, l := range s.links {
		l.pub.mu.Lock()
		for _, h := range l.holdings {
			if h != nil {
				h.handOver(s.incarnation, l.port)
			}
		}
		l.pub.mu.Unlock()
		if l.pub.barrier != nil {
			l.pub.barrier.add(s)
		}
	}
	s.served.Add(1)
	go s.serve()
}

// deactivate ends the session's part in trading. What the bot has sent before is still carried out.
func (s *session) deactivate() {
	s.draining.Store(true)
	s.gone.Store(true)
	s.control.RingRequest()
	s.served.Wait()
	for _, l := range s.links {
		l.pub.mu.Lock()
		for _, h := range l.holdings {
			if h != nil && h.port == l.port {
				l.pub.record.rest(&s.refusals, h)
				h.port = nil
			}
		}
		l.pub.mu.Unlock()
		if l.pub.barrier != nil {
			l.pub.barrier.remove(s)
		}
	}
}

// inSync reports whether the bot has its orders, position and books of all instruments.
func (s *session) inSync() bool {
	if int(s.answered.Load()) < len(s.holdings) {
		return false
	}
	for _, l := range s.links {
		l.pub.mu.Lock()
		taken := l.port.Taken()
		l.pub.mu.Unlock()
		if !taken {
			return false
		}
	}
	return true
}

// Close releases the shared memory.
func (s *session) Close() {
	s.mapped.Lock()
	defer s.mapped.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	for _, l := range s.links {
		l.pub.mu.Lock()
		_ = l.port.Close()
		l.pub.mu.Unlock()
	}
	_ = s.control.Close()
}

// wake lets the bot look at its clock.
func (s *session) wake() {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	if !s.closed {
		s.control.Wake()
	}
}

// idleness is the state that a session's bot reports to the barrier.
type idleness uint8

const (
	busy     idleness = iota // it works
	sending                  // it waits, and the host has requests of it to carry out
	waiting                  // it waits, and everything is done
	departed                 // it is no longer to be waited for
)

// idle returns whether and until when the bot waits. With patience it sleeps that long, if it is busy, until it may
// have become idle.
func (s *session) idle(patience time.Duration) (deadlineNs int64, i idleness) {
	s.mapped.RLock()
	defer s.mapped.RUnlock()
	if s.closed || s.gone.Load() {
		return 0, departed
	}
	bell := s.control.IdleBell()
	handled := s.handled() // first: the answer of the host itself to what is handled makes the bot busy before that
	deadlineNs, sent, idle := s.control.Idle()
	switch {
	case idle && handled >= sent:
		return deadlineNs, waiting
	case idle:
		return 0, sending
	case patience > 0:
		s.control.WaitIdle(bell, patience)
	}
	return 0, busy
}

// handled returns how many of the bot's requests have been handled.
func (s *session) handled() (n uint64) {
	for _, l := range s.links {
		n += l.port.Handled()
	}
	return n
}

// calls returns a number that changes as long as the bot waits or sends requests.
func (s *session) calls() uint64 { return s.control.Progress() + s.handled() }

// fault returns the reason for which the bot must be restarted, empty if there is none.
func (s *session) fault() string {
	if s.damaged.Load() {
		return "it corrupted its request queue"
	}
	for _, l := range s.links {
		switch {
		case l.port.Corrupt():
			return "it corrupted its queue from the host"
		case l.port.Stalled():
			return fmt.Sprintf("it is too slow: more than %d private messages are pending", hostipc.MaxBacklog)
		}
	}
	return ""
}

// serve handles the bot's requests until the session is deactivated.
func (s *session) serve() {
	defer s.served.Done()
	var req hostipc.Request
	wait := s.strategy.cfg.Wait
	lastWork := time.Now()
	for looks := 0; ; looks++ {
		draining := s.draining.Load()
		worked := false
		for _, l := range s.links {
			worked = s.drain(l, &req) || worked
		}
		switch {
		case draining: // what was sent before has been handled; a bot that goes on sending is not waited for
			return
		case worked:
			lastWork = time.Now()
		case wait == ipc.WaitSpin, wait == ipc.WaitAdaptive && time.Since(lastWork) < requestSpin:
			if looks%looksPerYield == 0 {
				runtime.Gosched()
			}
		default:
			s.control.WaitRequest(s.pending, s.patience())
		}
	}
}

// patience returns how long to sleep.
func (s *session) patience() time.Duration {
	for _, l := range s.links {
		if l.port.Queued() > 0 {
			return flushPark
		}
	}
	return requestPark
}

func (s *session) pending() bool {
	for _, l := range s.links {
		if l.port.Pending() {
			return true
		}
	}
	return s.draining.Load()
}

// drain handles what the bot has sent to one connector and sends on what was queued aside for it.
func (s *session) drain(l *sessionLink, req *hostipc.Request) (worked bool) {
	for range drainLimit {
		ok, err := l.port.Recv(req)
		if !ok {
			break
		}
		worked = true
		if err != nil {
			s.refuse(l, req, err.Error())
		} else {
			s.handle(l, req)
		}
		l.port.Done()
	}
	if l.port.Damaged() {
		s.damaged.Store(true)
	}
	if l.port.Queued() > 0 {
		l.pub.mu.Lock()
		l.port.Flush()
		l.pub.mu.Unlock()
	}
	return worked
}
