package ipc_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

func TestSharedMemoryConformance(t *testing.T) {
	ipctest.Run(t, func(t *testing.T) ipctest.Fixture { return newFixture(t, ipc.WaitAdaptive) })
}

func TestSharedMemoryConformanceParked(t *testing.T) {
	ipctest.Run(t, func(t *testing.T) ipctest.Fixture { return newFixture(t, ipc.WaitPark) })
}

// fixture is a host over real shared memory, in the process of the test: the bots map the same segments once more.
type fixture struct {
	t     *testing.T
	wait  ipc.WaitStrategy
	clock *hostipc.Clock

	mu    sync.Mutex
	feeds map[string]*hostipc.Feed
	bots  map[uint64]*botEnd
}

// TestInterruptedBotShowsItsCalls: the host tells one that still calls its bot from one that hangs.
func TestInterruptedBotShowsItsCalls(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	ch, err := f.Attach(1, ipctest.Instruments()[:1])
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	f.Interrupt(1)
	for range 3 {
		before := f.bots[1].control.Progress()
		var ev ipc.LiveEvent
		if _, err := ch.RecvTimeout(1, time.Hour, &ev); !errors.Is(err, hft.ErrInterrupted) {
			t.Fatal(err)
		}
		if f.bots[1].control.Progress() == before {
			t.Error("a waiting call is not shown")
		}
	}
}

// botEnd is the host's end of one bot.
type botEnd struct {
	control *hostipc.Control
	ports   map[string]*hostipc.Port
	insts   []ipc.Instrument
}

func newFixture(t *testing.T, wait ipc.WaitStrategy) *fixture {
	f := &fixture{t: t, wait: wait, clock: hostipc.NewWallClock(), feeds: map[string]*hostipc.Feed{},
		bots: map[uint64]*botEnd{}}
	for _, inst := range ipctest.Instruments() {
		if f.feeds[inst.Connector] == nil {
			feed, err := hostipc.NewFeed(inst.Connector, 1<<12, f.clock)
			if err != nil {
				t.Fatal(err)
			}
			f.feeds[inst.Connector] = feed
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // what a host's request goroutine does
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				f.flush()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped; f.close() })
	return f
}

// flush sends what was queued aside.
func (f *fixture) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.bots {
		for _, p := range b.ports {
			if p.Queued() > 0 {
				p.Flush()
			}
		}
	}
}

func (f *fixture) close() {
	for _, b := range f.bots {
		for _, p := range b.ports {
			_ = p.Close()
		}
		_ = b.control.Close()
	}
	for _, feed := range f.feeds {
		if err := feed.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

// feedNo numbers the instruments of a connector.
func feedNo(connector, symbol string) int {
	no := 0
	for _, inst := range ipctest.Instruments() {
		if inst.Connector != connector {
			continue
		}
		if inst.Symbol == symbol {
			return no
		}
		no++
	}
	return -1
}

func (f *fixture) Attach(botID uint64, insts []ipc.Instrument) (ipc.Channel, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bots[botID] != nil {
		return nil, &hft.BuildError{Kind: hft.Duplicate, What: fmt.Sprintf("bot id %d", botID)}
	}
	b := &botEnd{ports: map[string]*hostipc.Port{}, insts: insts}
	var err error
	if b.control, err = hostipc.NewControl(); err != nil {
		return nil, err
	}
	a := ipc.Attachment{BotID: botID, ControlFD: f.inherit(b.control.File().Fd()), Wait: f.wait}
	for _, inst := range insts {
		feed := f.feeds[inst.Connector]
		if feed == nil {
			return nil, &hft.BuildError{Kind: hft.ConnectorNotFound, What: inst.Connector}
		}
		if b.ports[inst.Connector] == nil {
			port, err := hostipc.NewPort(feed, b.control)
			if err != nil {
				return nil, err
			}
			b.ports[inst.Connector] = port
			a.Connectors = append(a.Connectors, ipc.ConnectorAttachment{Name: inst.Connector,
				FeedFD: f.inherit(feed.File().Fd()), PrivateFD: f.inherit(port.File().Fd())})
		}
		host := inst
		for _, known := range ipctest.Instruments() {
			if known.Connector == inst.Connector && known.Symbol == inst.Symbol {
				host = known // the host's steps, which the registration is held against
			}
		}
		a.Instruments = append(a.Instruments, ipc.InstrumentAttachment{Instrument: host,
			FeedNo: feedNo(inst.Connector, inst.Symbol)})
	}
	f.bots[botID] = b
	ch, err := ipc.Attach(a)
	if err != nil {
		return nil, err
	}
	return &release{Channel: ch, f: f, botID: botID}, nil
}

// release frees the bot id when the channel is closed, as the host does when a process ends.
type release struct {
	ipc.Channel
	f     *fixture
	botID uint64
	once  sync.Once
}

func (r *release) Close() error {
	err := r.Channel.Close()
	r.once.Do(func() {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		b := r.f.bots[r.botID]
		delete(r.f.bots, r.botID)
		for _, p := range b.ports {
			_ = p.Close()
		}
		_ = b.control.Close()
	})
	return err
}

// inherit copies a descriptor as a child process would get it.
func (f *fixture) inherit(fd uintptr) int {
	c, err := syscall.Dup(int(fd))
	if err != nil {
		f.t.Fatal(err)
	}
	syscall.CloseOnExec(c)
	return c
}

func (f *fixture) PublishFeed(connector, symbol string, events []hft.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.feeds[connector].Publish(feedNo(connector, symbol), events)
	return nil
}

func (f *fixture) to(botID uint64, instNo int, send func(p *hostipc.Port, feedNo int)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.bots[botID]
	if b == nil {
		return fmt.Errorf("no bot %d", botID)
	}
	inst := b.insts[instNo]
	send(b.ports[inst.Connector], feedNo(inst.Connector, inst.Symbol))
	return nil
}

func (f *fixture) SendOrder(botID uint64, instNo int, order *hft.Order, state hft.StateValues) error {
	return f.to(botID, instNo, func(p *hostipc.Port, no int) { p.SendOrder(no, order, &state) })
}

func (f *fixture) SendPosition(botID uint64, instNo int, state hft.StateValues) error {
	return f.to(botID, instNo, func(p *hostipc.Port, no int) { p.SendState(no, &state) })
}

func (f *fixture) SendError(botID uint64, e hft.LiveError) error {
	instNo := max(e.AssetNo, 0)
	if e.AssetNo < 0 && e.Connector != "" {
		f.mu.Lock()
		instNo = slices.IndexFunc(f.bots[botID].insts,
			func(i ipc.Instrument) bool { return i.Connector == e.Connector })
		f.mu.Unlock()
	}
	return f.to(botID, instNo, func(p *hostipc.Port, no int) {
		if e.AssetNo < 0 {
			no = -1
		}
		p.SendError(no, &e)
	})
}

func (f *fixture) RecvRequest(timeout time.Duration) (uint64, int, ipc.LiveRequest, bool) {
	for deadline := time.Now().Add(timeout); ; time.Sleep(50 * time.Microsecond) {
		if botID, instNo, q, ok := f.takeRequest(); ok || !time.Now().Before(deadline) {
			return botID, instNo, q, ok
		}
	}
}

func (f *fixture) takeRequest() (uint64, int, ipc.LiveRequest, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for botID, b := range f.bots {
		for connector, p := range b.ports {
			var q hostipc.Request
			ok, err := p.Recv(&q)
			if err != nil {
				f.t.Errorf("request of bot %d: %v", botID, err)
			}
			if ok {
				p.Done()
				for instNo, inst := range b.insts {
					if inst.Connector == connector && feedNo(connector, inst.Symbol) == q.FeedNo {
						return botID, instNo, q.LiveRequest, true
					}
				}
			}
		}
	}
	return 0, 0, ipc.LiveRequest{}, false
}

func (f *fixture) AnswerRegister(botID uint64, instNo int, orders []hft.Order, state hft.StateValues,
	levels []hft.Event) error {
	return f.to(botID, instNo, func(p *hostipc.Port, no int) { p.SendSnapshot(no, orders, &state, levels) })
}

func (f *fixture) EndOfData() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, feed := range f.feeds {
		feed.End()
	}
}

func (f *fixture) Interrupt(botID uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bots[botID].control.Interrupt()
}
