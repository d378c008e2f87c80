package live_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// newDialer returns a builder with one instrument of connector "venue".
func newDialer() *live.LiveBotBuilder {
	return live.NewBuilder().Register(live.NewInstrument("venue", "BTCUSDT", 0.1, 0.001,
		depth.NewWindowMarketDepth(0.1, 0.001), 0))
}

// serveAttach serves an attach socket until the test ends.
func serveAttach(t *testing.T, serve func(*hostipc.AttachPeer)) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hft") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "attach.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- hostipc.ServeAttach(ctx, listener, serve, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	return socket
}

func TestConnectRefused(t *testing.T) {
	var asked atomic.Int32
	socket := serveAttach(t, func(p *hostipc.AttachPeer) {
		asked.Add(1)
		p.Refuse(&hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"})
	})
	for name, c := range map[string]struct {
		builder *live.LiveBotBuilder
		socket  string
		want    error
	}{
		"no instrument": {live.NewBuilder(), socket, &hft.BuildError{Kind: hft.BuilderIncomplete}},
		"id 0":          {newDialer().ID(0), socket, &hft.BuildError{Kind: hft.InvalidArgument}},
		"twice": {newDialer().Register(live.NewInstrument("venue", "BTCUSDT", 0.1, 0.001,
			depth.NewWindowMarketDepth(0.1, 0.001), 0)), socket, &hft.BuildError{Kind: hft.Duplicate}},
		"no host": {newDialer(), socket + "x", os.ErrNotExist},
		"by host": {newDialer().ID(7), socket, &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"}},
		"long": {newDialer().Register(live.NewInstrument("venue", strings.Repeat("x", 65), 0.1, 0.001,
			depth.NewWindowMarketDepth(0.1, 0.001), 0)), socket, &hft.BuildError{Kind: hft.InvalidArgument}},
		"no steps": {live.NewBuilder().Register(live.NewInstrument("venue", "X", 0, 1, nil, 0)), socket,
			&hft.BuildError{Kind: hft.InvalidArgument}},
	} {
		if bot, err := c.builder.Connect(c.socket); !errors.Is(err, c.want) || bot != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the host was asked %d times, want once: the rest can be seen from here", n)
	}
}

// TestConnectFails: a host that gives memory but no books; nothing is left of the attempt.
func TestConnectFails(t *testing.T) {
	gone := make(chan struct{})
	socket := serveAttach(t, func(p *hostipc.AttachPeer) {
		control, err := hostipc.NewControl()
		if err != nil {
			t.Error(err)
			return
		}
		defer control.Close()
		feed, err := hostipc.NewFeed("venue", 16, hostipc.NewWallClock())
		if err != nil {
			t.Error(err)
			return
		}
		defer feed.Close()
		port, err := hostipc.NewPort(feed, control)
		if err != nil {
			t.Error(err)
			return
		}
		defer port.Close()
		a := ipc.Attachment{Connectors: []ipc.ConnectorAttachment{{Name: "venue", FeedFD: 1, PrivateFD: 2}},
			Instruments: []ipc.InstrumentAttachment{{Instrument: p.Request.Instruments[0]}}}
		if err := p.Accept([]*os.File{control.File(), feed.File(), port.File()}, a); err != nil {
			t.Error(err)
			return
		}
		<-p.Gone()
		close(gone)
	})
	bot, err := newDialer().BuildTimeout(20 * time.Millisecond).Connect(socket)
	if !errors.Is(err, hft.ErrTimeout) || bot != nil {
		t.Errorf("%v, %v", bot, err)
	}
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the socket is still open")
	}
}
