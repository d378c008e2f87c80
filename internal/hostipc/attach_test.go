package hostipc

import (
	"math"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
	"github.com/hftrunner/hftrunner/ipc"
)

// TestImpossibleNumbersAreErrors attaches to segments and by attachments with numbers that cannot be: what another
// process has written is an error and no panic. The segments are right but for that number.
func TestImpossibleNumbersAreErrors(t *testing.T) {
	type host struct {
		feed    *Feed
		port    *Port
		control *Control
	}
	word := func(s *shm.Segment, off int, value uint64) { *s.Word64(off) = value }
	cases := map[string]func(h *host, a *ipc.Attachment){
		"clock of no kind":     func(h *host, _ *ipc.Attachment) { word(h.feed.segment, ring.OffClockMode, 7) },
		"clock that stands":    func(h *host, _ *ipc.Attachment) { word(h.feed.segment, ring.OffClockRate, 0) },
		"clock that runs back": func(h *host, _ *ipc.Attachment) { word(h.feed.segment, ring.OffClockRate, math.Float64bits(-1)) },
		"clock of no rate": func(h *host, _ *ipc.Attachment) {
			word(h.feed.segment, ring.OffClockRate, math.Float64bits(math.NaN()))
		},
		"clock of endless rate": func(h *host, _ *ipc.Attachment) {
			word(h.feed.segment, ring.OffClockRate, math.Float64bits(math.Inf(1)))
		},
		"queues of other capacity": func(h *host, _ *ipc.Attachment) { word(h.port.segment, ring.OffCapacity, 1<<40) },
		"size of the queues":       func(h *host, _ *ipc.Attachment) { word(h.port.segment, ring.OffSize, 1<<40) },
		"host without a process":   func(h *host, _ *ipc.Attachment) { word(h.control.segment, ring.OffPID, 0) },
		"host with a huge process": func(h *host, _ *ipc.Attachment) { word(h.control.segment, ring.OffPID, math.MaxUint64) },
		"negative instrument":      func(_ *host, a *ipc.Attachment) { a.Instruments[0].FeedNo = -1 },
		"huge instrument":          func(_ *host, a *ipc.Attachment) { a.Instruments[0].FeedNo = math.MaxInt },
		"tick size":                func(_ *host, a *ipc.Attachment) { a.Instruments[0].TickSize = math.NaN() },
		"lot size":                 func(_ *host, a *ipc.Attachment) { a.Instruments[0].LotSize = -1 },
		"wait strategy":            func(_ *host, a *ipc.Attachment) { a.Wait = 9 },
		"descriptor twice":         func(_ *host, a *ipc.Attachment) { a.Connectors[0].PrivateFD = a.Connectors[0].FeedFD },
		"negative descriptor":      func(_ *host, a *ipc.Attachment) { a.ControlFD = -1 },
		"huge descriptor":          func(_ *host, a *ipc.Attachment) { a.ControlFD = math.MaxInt },
	}
	cases[""] = func(*host, *ipc.Attachment) {}
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
		a := ipc.Attachment{BotID: 1, ControlFD: dup(control.segment),
			Connectors: []ipc.ConnectorAttachment{{Name: "x", FeedFD: dup(feed.segment),
				PrivateFD: dup(port.segment)}},
			Instruments: []ipc.InstrumentAttachment{{Instrument: ipc.Instrument{Connector: "x", Symbol: "y",
				TickSize: 1, LotSize: 1}}}}
		descriptors := []int{a.ControlFD, a.Connectors[0].FeedFD, a.Connectors[0].PrivateFD}
		spoil(h, &a)
		ch, err := ipc.Attach(a)
		if (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
		if ch != nil {
			_ = ch.Close()
		}
		for _, fd := range descriptors {
			_ = syscall.Close(fd)
		}
		_, _, _ = port.Close(), control.Close(), feed.Close()
	}
}

// TestImpossibleCapacityIsAnError: no feed is made that is larger than any ring.
func TestImpossibleCapacityIsAnError(t *testing.T) {
	for _, capacity := range []int{1, 3, 1 << 31, 1 << 32, 1 << 62, -1, math.MinInt} {
		if feed, err := NewFeed("x", capacity, NewWallClock()); err == nil {
			t.Errorf("capacity %d: no error", capacity)
			_ = feed.Close()
		}
	}
}
