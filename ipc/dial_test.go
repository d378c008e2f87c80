package ipc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
)

// attachHost serves an attach socket with one feed, on which it publishes a count.
type attachHost struct {
	*smallHost
	socket string
	served chan error
	cancel context.CancelFunc

	admitted   sync.Mutex
	peers      []*hostipc.AttachPeer
	complaints []string
}

var dialed = ipc.Instrument{Connector: "alpha", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}

// newAttachHost makes a host that listens in dir. serve is called with each process; nil takes it in.
func newAttachHost(dir string, serve func(*attachHost, *hostipc.AttachPeer)) (*attachHost, error) {
	small, err := newSmallHost()
	if err != nil {
		return nil, err
	}
	if serve == nil {
		serve = (*attachHost).takeIn
	}
	h := &attachHost{smallHost: small, socket: filepath.Join(dir, "attach.sock"), served: make(chan error, 1)}
	listener, err := net.Listen("unix", h.socket)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	go func() {
		h.served <- hostipc.ServeAttach(ctx, listener, func(p *hostipc.AttachPeer) {
			h.admitted.Lock()
			h.peers = append(h.peers, p)
			h.admitted.Unlock()
			serve(h, p)
			select {
			case <-p.Gone():
			case <-ctx.Done():
				p.Disconnect("the test is over")
			}
		}, func(err error) {
			h.admitted.Lock()
			h.complaints = append(h.complaints, err.Error())
			h.admitted.Unlock()
		})
	}()
	return h, nil
}

// takeIn makes the process a bot of the small host, for good.
func (h *attachHost) takeIn(p *hostipc.AttachPeer) {
	control, err := hostipc.NewControl()
	if err != nil {
		p.Refuse(err)
		return
	}
	h.mu.Lock()
	port, err := hostipc.NewPort(h.feed, control)
	h.mu.Unlock()
	if err != nil {
		p.Refuse(err)
		return
	}
	h.mu.Lock()
	h.bots[p.Request.BotID] = &botProcess{control: control, port: port}
	h.mu.Unlock()
	a := ipc.Attachment{ControlFD: 0, Connectors: []ipc.ConnectorAttachment{{Name: "alpha", FeedFD: 1, PrivateFD: 2}},
		Instruments: []ipc.InstrumentAttachment{{Instrument: p.Request.Instruments[0]}}}
	if err := p.Accept([]*os.File{control.File(), h.feed.File(), port.File()}, a); err != nil {
		h.drop(p.Request.BotID)
		return
	}
	go func() {
		<-p.Gone()
		h.drop(p.Request.BotID)
	}()
}

func (h *attachHost) close(t testing.TB) {
	h.cancel()
	if err := <-h.served; err != nil {
		t.Error(err)
	}
	close(h.stop)
	h.ended.Wait()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		left := len(h.bots)
		h.mu.Unlock()
		if left == 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d bots are left", left)
		}
	}
	if err := h.feed.Close(); err != nil {
		t.Error(err)
	}
}

// startAttachHost is newAttachHost for a test.
func startAttachHost(t testing.TB, serve func(*attachHost, *hostipc.AttachPeer)) *attachHost {
	t.Helper()
	dir, err := os.MkdirTemp("", "hft") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	h, err := newAttachHost(dir, serve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.close(t); _ = os.RemoveAll(dir) })
	return h
}

// firstFeed registers and waits for a feed event.
func firstFeed(t testing.TB, ch ipc.Channel, botID uint64) {
	t.Helper()
	if err := ch.Send(botID, 0, &ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: 0.1,
		LotSize: 0.001}); err != nil {
		t.Fatal(err)
	}
	var ev ipc.LiveEvent
	for ev.Kind != ipc.EventFeed || ev.Feed.Kind() != hft.DepthEvent {
		if _, err := ch.RecvTimeout(botID, patience, &ev); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDial(t *testing.T) {
	h := startAttachHost(t, nil)
	ch, err := ipc.Dial(h.socket, 7, []ipc.Instrument{dialed},
		ipc.DialConfig{Wait: ipc.WaitPark, KeepOrders: true, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	firstFeed(t, ch, 7)
	h.admitted.Lock()
	p := h.peers[0]
	h.admitted.Unlock()
	if p.PID != os.Getpid() || p.Request.BotID != 7 || p.Request.Wait != ipc.WaitPark || !p.Request.KeepOrders ||
		p.Request.Instruments[0] != dialed {
		t.Errorf("process %d asked for %+v", p.PID, p.Request)
	}
	var ev ipc.LiveEvent
	q := ipc.LiveRequest{Kind: ipc.RequestOrder, Order: hft.NewOrder(1, 2, 0.1, 3, hft.Buy, hft.Limit, hft.GTC)}
	q.Order.Req = hft.StatusNew
	if n := testing.AllocsPerRun(100, func() {
		if err := ch.Send(7, 0, &q); err != nil && !errors.Is(err, hft.ErrRequestQueueFull) {
			t.Fatal(err)
		}
		if _, err := ch.RecvTimeout(7, patience, &ev); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a request and an event allocate %v times", n)
	}
	for range 2 {
		if err := ch.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-p.Gone():
	case <-time.After(patience):
		t.Error("the host does not notice that the channel is closed")
	}
}

// TestDisconnect parts from processes that wait in each way; they learn why, at once, and can send nothing more.
func TestDisconnect(t *testing.T) {
	h := startAttachHost(t, nil)
	for i, wait := range []ipc.WaitStrategy{ipc.WaitAdaptive, ipc.WaitSpin, ipc.WaitPark} {
		botID := uint64(i + 1)
		ch, err := ipc.Dial(h.socket, botID, []ipc.Instrument{dialed}, ipc.DialConfig{Wait: wait})
		if err != nil {
			t.Fatal(err)
		}
		// Not registered, so that there is nothing to receive.
		ended := make(chan error)
		go func() {
			var ev ipc.LiveEvent
			_, err := ch.RecvTimeout(botID, time.Hour, &ev)
			ended <- err
		}()
		h.admitted.Lock()
		p := h.peers[i]
		h.admitted.Unlock()
		time.Sleep(time.Duration(i) * time.Millisecond)
		p.Disconnect("it is late")
		select {
		case err = <-ended:
		case <-time.After(patience):
			t.Fatal("the bot does not notice")
		}
		if !errors.Is(err, hft.ErrPeerGone) || !strings.Contains(err.Error(), "it is late") {
			t.Errorf("%v: RecvTimeout: %v", wait, err)
		}
		if err := ch.Send(botID, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder}); !errors.Is(err, hft.ErrPeerGone) {
			t.Errorf("%v: Send: %v", wait, err)
		}
		if err := ch.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDialFails meets what is not there, does not answer, or answers nonsense. No descriptor is left open.
func TestDialFails(t *testing.T) {
	dir, err := os.MkdirTemp("", "hft")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	frame := func(s string) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	_, err = ipc.Dial(filepath.Join(dir, "nobody"), 7, []ipc.Instrument{dialed}, ipc.DialConfig{})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no host runs there") {
		t.Errorf("no socket: %v", err)
	}
	for name, c := range map[string]struct{ answer, want string }{
		"silent":  {"silent", "i/o timeout"},
		"hung up": {"", "hung up"},
		"cut off": {frame("{}")[:5], "unexpected EOF"},
		"no JSON": {frame("hello"), "corrupt"},
		"empty":   {frame("{}"), "corrupt"},
		"no rights": {frame(`{"control":0,"connectors":[{"name":"alpha","feed":1,"private":2}],"feed_numbers":[0]}`),
			"corrupt"},
		"too long":   {"\x00\x00\x00\x01", "takes"},
		"refused":    {frame(`{"refused":{"text":"not today"}}`), "the host rejects: not today"},
		"text ahead": {"HTTP/1.1 400 Bad Request\r\n\r\n", "takes"},
	} {
		socket := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1<<16))
			if c.answer == "silent" {
				<-release
				return
			}
			_, _ = conn.Write([]byte(c.answer))
		}()
		timeout := patience
		if c.answer == "silent" {
			timeout = 20 * time.Millisecond
		}
		if _, err := ipc.Dial(socket, 7, []ipc.Instrument{dialed}, ipc.DialConfig{Timeout: timeout}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		close(release)
		_ = listener.Close()
	}
}

// segments counts the descriptors of shared memory that this process has open.
func segments(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if target, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); strings.Contains(target,
			"memfd:hftrunner") {
			n++
		}
	}
	return n
}

// TestDamagedAnswersLeaveNothingOpen accepts with descriptors that do not fit.
func TestDamagedAnswersLeaveNothingOpen(t *testing.T) {
	var mode atomic.Int32
	h := startAttachHost(t, func(h *attachHost, p *hostipc.AttachPeer) {
		control, err := hostipc.NewControl()
		if err != nil {
			p.Refuse(err)
			return
		}
		defer control.Close()
		a := ipc.Attachment{ControlFD: 0, Connectors: []ipc.ConnectorAttachment{{Name: "alpha", FeedFD: 1,
			PrivateFD: 2}}, Instruments: []ipc.InstrumentAttachment{{Instrument: p.Request.Instruments[0]}}}
		files := []*os.File{control.File(), h.feed.File(), control.File()}
		switch mode.Load() {
		case 0:
			files = files[:2] // one too few
		case 1:
			a.Connectors[0].FeedFD = 0 // one used twice
		case 2:
			a.Connectors[0].Name = "beta" // not the instrument's
		case 3: // the control page is no queue: too small
		case 4:
			files[0] = h.feed.File() // cannot be mapped for writing: the others are not even looked at
		}
		if err := p.Accept(files, a); err != nil {
			t.Error(err)
		}
	})
	before := segments(t)
	for i := range int32(5) {
		mode.Store(i)
		if ch, err := ipc.Dial(h.socket, 7, []ipc.Instrument{dialed}, ipc.DialConfig{}); err == nil {
			t.Errorf("answer %d is taken", i)
			_ = ch.Close()
		}
		eventually(t, "descriptors closed", func() bool { return segments(t) == before })
	}
}

// TestRefuseAndComplain: what the host says arrives, and what is wrong with a connection is told to the host.
func TestRefuseAndComplain(t *testing.T) {
	h := startAttachHost(t, func(_ *attachHost, p *hostipc.AttachPeer) {
		p.Refuse(fmt.Errorf("sorry: %w", &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"}))
		p.Disconnect("refused")
	})
	// serve waits for Gone, which a refused process never is: it ends with the host.
	_, err := ipc.Dial(h.socket, 7, []ipc.Instrument{dialed}, ipc.DialConfig{})
	if !errors.Is(err, &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"}) ||
		!strings.Contains(err.Error(), "sorry") {
		t.Errorf("refused: %v", err)
	}
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello, host")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a complaint", func() bool {
		h.admitted.Lock()
		defer h.admitted.Unlock()
		return len(h.complaints) == 1
	})
}

// TestTooManyPeers fills the socket with connections that say nothing; there is room again when they leave.
func TestTooManyPeers(t *testing.T) {
	h := startAttachHost(t, nil)
	var idle []net.Conn
	for range 64 {
		conn, err := net.Dial("unix", h.socket)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	_, err := ipc.Dial(h.socket, 7, []ipc.Instrument{dialed}, ipc.DialConfig{})
	if err == nil || !strings.Contains(err.Error(), "64 processes are attached") {
		t.Errorf("the 65th: %v", err)
	}
	for _, conn := range idle {
		_ = conn.Close()
	}
	eventually(t, "room", func() bool {
		ch, err := ipc.Dial(h.socket, 7, []ipc.Instrument{dialed}, ipc.DialConfig{})
		if err != nil {
			return false
		}
		return ch.Close() == nil
	})
}

// runAttachHost is a host process that is killed.
func runAttachHost() {
	if _, err := newAttachHost(os.Getenv("IPC_TEST_DIR"), nil); err != nil {
		fail(err)
	}
	fmt.Println("ready")
	select {}
}

// TestKilledHostOfDialed kills the host's process: the attached one notices at once, however it waits.
func TestKilledHostOfDialed(t *testing.T) {
	dir, err := os.MkdirTemp("", "hft")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "IPC_TEST_ROLE=attachhost", "IPC_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	var line string
	if _, err := fmt.Fscan(out, &line); err != nil || line != "ready" {
		t.Fatalf("the host says %q, %v", line, err)
	}
	ch, err := ipc.Dial(filepath.Join(dir, "attach.sock"), 7, []ipc.Instrument{dialed},
		ipc.DialConfig{Wait: ipc.WaitPark})
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	firstFeed(t, ch, 7)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	var ev ipc.LiveEvent
	for err == nil {
		_, err = ch.RecvTimeout(7, patience, &ev)
	}
	if !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("RecvTimeout: %v", err)
	}
	if err := ch.Send(7, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder}); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("Send: %v", err)
	}
}

// BenchmarkDial is what it takes to attach and to part.
func BenchmarkDial(b *testing.B) {
	h := startAttachHost(b, nil)
	botID := uint64(0)
	for b.Loop() {
		botID++ // the host frees an id a little later
		ch, err := ipc.Dial(h.socket, botID, []ipc.Instrument{dialed}, ipc.DialConfig{})
		if err != nil {
			b.Fatal(err)
		}
		if err := ch.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
