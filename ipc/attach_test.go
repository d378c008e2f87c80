package ipc

import (
	"math"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// TestImpossibleNumbersAreErrors attaches to segments and by attachments with numbers that cannot be: what another process has
// written is an error and no panic. The segments are right but for that number.
func TestImpossibleNumbersAreErrors(t *testing.T) {
	type host struct {
		feed    *Feed
		port    *Port
		control *Control
	}
	word := func(s *shm.Segment, off int, value uint64) { *s.Word64(off) = value }
	cases := map[string]func(h *host, a *Attachment){
		"clock of no kind":         func(h *host, _ *Attachment) { word(h.feed.segment, offClockMode, 7) },
		"clock that stands":        func(h *host, _ *Attachment) { word(h.feed.segment, offClockRate, 0) },
		"clock that runs back":     func(h *host, _ *Attachment) { word(h.feed.segment, offClockRate, math.Float64bits(-1)) },
		"clock of no rate":         func(h *host, _ *Attachment) { word(h.feed.segment, offClockRate, math.Float64bits(math.NaN())) },
		"clock of endless rate":    func(h *host, _ *Attachment) { word(h.feed.segment, offClockRate, math.Float64bits(math.Inf(1))) },
		"queues of other capacity": func(h *host, _ *Attachment) { word(h.port.segment, offCapacity, 1<<40) },
		"size of the queues":       func(h *host, _ *Attachment) { word(h.port.segment, offSize, 1<<40) },
		"host without a process":   func(h *host, _ *Attachment) { word(h.control.segment, offPID, 0) },
		"host with a huge process": func(h *host, _ *Attachment) { word(h.control.segment, offPID, math.MaxUint64) },
		"negative instrument":      func(_ *host, a *Attachment) { a.Instruments[0].FeedNo = -1 },
		"huge instrument":          func(_ *host, a *Attachment) { a.Instruments[0].FeedNo = math.MaxInt },
		"tick size":                func(_ *host, a *Attachment) { a.Instruments[0].TickSize = math.NaN() },
		"lot size":                 func(_ *host, a *Attachment) { a.Instruments[0].LotSize = -1 },
		"wait strategy":            func(_ *host, a *Attachment) { a.Wait = 9 },
		"descriptor twice":         func(_ *host, a *Attachment) { a.Connectors[0].PrivateFD = a.Connectors[0].FeedFD },
		"negative descriptor":      func(_ *host, a *Attachment) { a.ControlFD = -1 },
		"huge descriptor":          func(_ *host, a *Attachment) { a.ControlFD = math.MaxInt },
	}
	cases[""] = func(*host, *Attachment) {}
	for name, spoil := range cases {
		clock := NewWallClock()
		feed, err := NewFeed("x", 1<<4, clock)
		if err != nil {
			t.Fatal(err)
		}
		control, err := NewControl()
		if err != nil {
			t.Fatal(err)
		}
		port, err := NewPort(feed, control)
		if err != nil {
			t.Fatal(err)
		}
		h := &host{feed, port, control}
		dup := func(s *shm.Segment) int {
			fd, err := syscall.Dup(int(s.File().Fd()))
			if err != nil {
				t.Fatal(err)
			}
			return fd
		}
		a := Attachment{BotID: 1, ControlFD: dup(control.segment),
			Connectors:  []ConnectorAttachment{{Name: "x", FeedFD: dup(feed.segment), PrivateFD: dup(port.segment)}},
			Instruments: []InstrumentAttachment{{Instrument: Instrument{Connector: "x", Symbol: "y", TickSize: 1, LotSize: 1}}}}
		descriptors := a.descriptors()
		spoil(h, &a)
		ch, err := Attach(a)
		if (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
		if ch != nil {
			_ = ch.Close()
		}
		closeDescriptors(descriptors)
		_, _, _ = port.Close(), control.Close(), feed.Close()
	}
}

// TestImpossibleCapacityIsAnError: what is said to be larger than any ring.
func TestImpossibleCapacityIsAnError(t *testing.T) {
	for _, capacity := range []uint64{0, 1, 3, 1 << 17, 1 << 30, 1 << 31, 1 << 32, 1 << 62, 1 << 63, math.MaxUint64} {
		s, err := createSegment("feed", headerSize, 0)
		if err != nil {
			t.Fatal(err)
		}
		*s.Word64(offCapacity) = capacity
		ready(s)
		fd, err := syscall.Dup(int(s.File().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		c := &SharedChannel{}
		l, err := c.openLink(ConnectorAttachment{Name: "x", FeedFD: fd})
		if err == nil {
			t.Errorf("capacity %d: no error", capacity)
		}
		_, _ = l.feed.Close(), s.Close()
		if capacity == 1<<17 || capacity == 1<<30 { // which can be, and is a lot of memory
			continue
		}
		if feed, err := NewFeed("x", int(capacity), NewWallClock()); capacity != 0 && err == nil {
			t.Errorf("a feed of capacity %d: no error", capacity)
		} else if feed != nil {
			_ = feed.Close()
		}
	}
}

// TestChannelThatNeverWas: a nil channel and one that nobody attached are as if they were closed.
func TestChannelThatNeverWas(t *testing.T) {
	for _, c := range []*SharedChannel{nil, {}} {
		var ev LiveEvent
		c.Interrupt()
		if _, err := c.RecvTimeout(1, 0, &ev); err != errClosed {
			t.Errorf("RecvTimeout: %v", err)
		}
		if err := c.Send(1, 0, &LiveRequest{}); err != errClosed {
			t.Errorf("Send: %v", err)
		}
		if c.NowNs() != 0 || len(c.Instruments()) != 0 || c.Close() != nil {
			t.Error("there is something")
		}
	}
}
