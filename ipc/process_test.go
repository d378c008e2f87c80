package ipc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
)

// TestMain is also the main function of the processes that these tests start.
func TestMain(m *testing.M) {
	switch os.Getenv("IPC_TEST_ROLE") {
	case "bot":
		runBot()
	case "host":
		runHost()
	case "attachhost":
		runAttachHost()
	}
	os.Exit(m.Run())
}

// runBot is a strategy process: it registers, checks that the feed is a gapless count, echoes every order update as a
// cancel of the same id, and writes down what happens.
func runBot() {
	var a ipc.Attachment
	if err := json.Unmarshal([]byte(os.Getenv("IPC_TEST_ATTACHMENT")), &a); err != nil {
		fail(err)
	}
	ch, err := ipc.Attach(a)
	if err != nil {
		fail(err)
	}
	inst := ch.Instruments()[0]
	q := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: inst.TickSize, LotSize: inst.LotSize}
	if err := ch.Send(a.BotID, 0, &q); err != nil {
		fail(err)
	}
	var ev ipc.LiveEvent
	last := -1.0
	for {
		_, err := ch.RecvTimeout(a.BotID, time.Hour, &ev)
		switch {
		case errors.Is(err, hft.ErrPeerGone):
			fmt.Println("peer gone")
			os.Exit(0)
		case errors.Is(err, hft.ErrEndOfData):
			fmt.Println("end")
			os.Exit(0)
		case err != nil:
			fail(err)
		}
		switch ev.Kind {
		case ipc.EventBatchEnd:
			fmt.Println("ready")
		case ipc.EventFeed:
			if ev.Feed.Kind() != hft.DepthEvent {
				last = -1
				continue
			}
			if last >= 0 && ev.Feed.Px != last+1 || ev.Feed.Qty != ev.Feed.Px*2 {
				fail(fmt.Errorf("after %v came %v with %v", last, ev.Feed.Px, ev.Feed.Qty))
			}
			last = ev.Feed.Px
		case ipc.EventOrder:
			o := ev.Order
			o.Req = hft.StatusCanceled
			if err := ch.Send(a.BotID, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder, Order: o}); err != nil {
				fail(err)
			}
		case ipc.EventError:
			fmt.Printf("lost %v\n", ev.Err.Value())
			last = -1
		}
	}
}

func fail(err error) {
	fmt.Println("FAIL", err)
	os.Exit(1)
}

// smallHost is a host of one connector and its bots, each a real process.
type smallHost struct {
	mu    sync.Mutex
	feed  *hostipc.Feed
	bots  map[uint64]*botProcess
	next  int
	stop  chan struct{}
	ended sync.WaitGroup
}

type botProcess struct {
	control *hostipc.Control
	port    *hostipc.Port
	cmd     *exec.Cmd
	lines   chan string
	echoes  int
}

func newSmallHost() (*smallHost, error) {
	feed, err := hostipc.NewFeed("alpha", 1<<12, hostipc.NewWallClock())
	if err != nil {
		return nil, err
	}
	h := &smallHost{feed: feed, bots: map[uint64]*botProcess{}, stop: make(chan struct{})}
	h.ended.Add(1)
	go h.run()
	return h, nil
}

// run publishes a count and serves the bots.
func (h *smallHost) run() {
	defer h.ended.Done()
	for {
		select {
		case <-h.stop:
			return
		default:
		}
		h.mu.Lock()
		events := make([]hft.Event, 1+h.next%5)
		for i := range events {
			events[i] = hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, Px: float64(h.next),
				Qty: 2 * float64(h.next)}
			h.next++
		}
		h.feed.Publish(0, events)
		for _, b := range h.bots {
			h.serve(b)
		}
		h.mu.Unlock()
		time.Sleep(20 * time.Microsecond)
	}
}

func (h *smallHost) serve(b *botProcess) {
	var q hostipc.Request
	for {
		ok, err := b.port.Recv(&q)
		if !ok || err != nil {
			return
		}
		b.port.Done()
		if q.Kind == ipc.RequestRegisterInstrument {
			b.port.SendSnapshot(0, nil, &hft.StateValues{}, nil)
			continue
		}
		b.echoes++
	}
}

func (h *smallHost) startBot(botID uint64, wait ipc.WaitStrategy) (*botProcess, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	control, err := hostipc.NewControl()
	if err != nil {
		return nil, err
	}
	port, err := hostipc.NewPort(h.feed, control)
	if err != nil {
		return nil, err
	}
	a := ipc.Attachment{BotID: botID, ControlFD: 3, Wait: wait,
		Connectors: []ipc.ConnectorAttachment{{Name: "alpha", FeedFD: 4, PrivateFD: 5}},
		Instruments: []ipc.InstrumentAttachment{{Instrument: ipc.Instrument{Connector: "alpha", Symbol: "BTCUSDT",
			TickSize: 0.1, LotSize: 0.001}}}}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "IPC_TEST_ROLE=bot", "IPC_TEST_ATTACHMENT="+string(text))
	cmd.ExtraFiles = []*os.File{control.File(), h.feed.File(), port.File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &botProcess{control: control, port: port, cmd: cmd, lines: make(chan string, 1000)}
	go func() {
		defer close(b.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			b.lines <- sc.Text()
		}
	}()
	h.bots[botID] = b
	return b, nil
}

func (h *smallHost) echoes(b *botProcess) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return b.echoes
}

func (h *smallHost) sendOrder(b *botProcess, id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := hft.NewOrder(id, 1, 0.1, 1, hft.Buy, hft.Limit, hft.GTC)
	b.port.SendOrder(0, &o, &hft.StateValues{})
}

// drop ends the host's part for a bot.
func (h *smallHost) drop(botID uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.bots[botID]
	delete(h.bots, botID)
	_ = b.port.Close()
	_ = b.control.Close()
}

// expect waits for a line of the bot.
func (b *botProcess) expect(t *testing.T, want string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-b.lines:
			if !ok {
				t.Fatalf("the bot ended before it said %q", want)
			}
			if line == want || len(line) > len(want) && line[:len(want)] == want {
				return
			}
			if len(line) > 4 && line[:4] == "FAIL" {
				t.Fatal(line)
			}
		case <-timeout:
			t.Fatalf("the bot did not say %q", want)
		}
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	for _, wait := range []ipc.WaitStrategy{ipc.WaitAdaptive, ipc.WaitSpin, ipc.WaitPark} {
		t.Run(wait.String(), func(t *testing.T) {
			h, err := newSmallHost()
			if err != nil {
				t.Fatal(err)
			}
			b, err := h.startBot(1, wait)
			if err != nil {
				t.Fatal(err)
			}
			b.expect(t, "ready")
			for i := range 200 {
				h.sendOrder(b, uint64(i+1))
			}
			eventually(t, "200 echoes", func() bool { return h.echoes(b) == 200 })
			eventually(t, "events counted",
				func() bool { return b.control.Stats().Events > 0 && b.control.Progress() > 0 })

			// Suspended for longer than the ring lasts, the bot is lapped and says so; the host does not wait for it.
			if err := b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			from := h.published()
			eventually(t, "the host goes on", func() bool { return h.published() > from+(1<<12)+100 })
			if err := b.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			b.expect(t, "lost")
			b.expect(t, "ready")
			h.sendOrder(b, 1000)
			eventually(t, "an echo after the lap", func() bool { return h.echoes(b) == 201 })

			close(h.stop)
			h.ended.Wait()
			h.feed.End()
			b.expect(t, "end")
			if err := b.cmd.Wait(); err != nil {
				t.Error(err)
			}
			h.drop(1)
			_ = h.feed.Close()
		})
	}
}

func (h *smallHost) published() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

// TestKilledBots kills bots at random moments while others keep reading: nobody notices, and each successor starts
// with a clean channel.
func TestKilledBots(t *testing.T) {
	h, err := newSmallHost()
	if err != nil {
		t.Fatal(err)
	}
	witness, err := h.startBot(1, ipc.WaitAdaptive)
	if err != nil {
		t.Fatal(err)
	}
	witness.expect(t, "ready")
	for i := range 8 {
		victim, err := h.startBot(2, ipc.WaitStrategy(i%3))
		if err != nil {
			t.Fatal(err)
		}
		victim.expect(t, "ready")
		for n := range 50 {
			h.sendOrder(victim, uint64(n+1))
		}
		time.Sleep(time.Duration(i) * 700 * time.Microsecond)
		_ = victim.cmd.Process.Kill()
		_ = victim.cmd.Wait()
		h.drop(2)
	}
	h.sendOrder(witness, 7)
	eventually(t, "an echo of the witness", func() bool { return h.echoes(witness) == 1 })
	if s := witness.control.Stats(); s.Lost != 0 || s.Resyncs != 0 {
		t.Errorf("the witness noticed: %+v", s)
	}
	close(h.stop)
	h.ended.Wait()
	h.feed.End()
	witness.expect(t, "end")
	_ = witness.cmd.Wait()
	h.drop(1)
	_ = h.feed.Close()
}

// runHost is a host process with one bot; it says the bot's process id and works until it is killed.
func runHost() {
	h, err := newSmallHost()
	if err != nil {
		fail(err)
	}
	b, err := h.startBot(1, ipc.WaitPark)
	if err != nil {
		fail(err)
	}
	for line := range b.lines {
		if line == "ready" {
			fmt.Println(b.cmd.Process.Pid)
		}
	}
	select {}
}

// TestKilledHost kills the host: the bot notices and ends.
func TestKilledHost(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "IPC_TEST_ROLE=host")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatalf("the host did not say its bot's process id: %v", err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the bot: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	eventually(t, "the bot ends", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) })
}

// zombie reports whether a process has ended but nobody has asked for its status: the orphan of a test in a container
// without an init process.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	var id int
	var name, state string
	_, _ = fmt.Sscan(string(b), &id, &name, &state)
	return state == "Z"
}
