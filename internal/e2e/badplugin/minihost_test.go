package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
)

// plugins is the directory in which TestMain has put the plugins.
var plugins string

// TestMain builds the program as a user would, and links it under each name.
func TestMain(m *testing.M) {
	if err := buildPlugins(); err != nil {
		fmt.Fprintln(os.Stderr, "build the test plugins:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(plugins)
		os.Exit(code)
	}))
}

func buildPlugins() (err error) {
	if plugins, err = os.MkdirTemp("", "badplugin"); err != nil {
		return err
	}
	program := filepath.Join(plugins, "badplugin")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	for _, name := range []string{"exits", "printsearly", "failsconfig", "prints", "panics", "quits", "hangs",
		"slowstop", "closes", "garbage"} {
		if err := os.Link(program, filepath.Join(plugins, name)); err != nil {
			return err
		}
	}
	return nil
}

// miniHost is the least of a host that a strategy runs on: one connector with one instrument whose book never changes
// and whose trades come every millisecond.
type miniHost struct {
	t       *testing.T
	feed    *hostipc.Feed
	control *hostipc.Control
	port    *hostipc.Port
	process *control.Process
	log     *syncBuffer // what the process writes
	entries *syncBuffer // its log entries from level info on

	quit    chan struct{}
	ended   chan struct{} // the data is to end
	serving sync.WaitGroup
	faults  chan error // what the bot did to its queues, the first of it
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newMiniHost starts a plugin on a host of its own and configures it.
func newMiniHost(t *testing.T, plugin, params string) *miniHost {
	t.Helper()
	h := &miniHost{t: t, log: &syncBuffer{}, entries: &syncBuffer{}, quit: make(chan struct{}),
		ended: make(chan struct{}), faults: make(chan error, 1)}
	h.feed = must[*hostipc.Feed](t)(hostipc.NewFeed("sim", 1024, hostipc.NewWallClock()))
	h.control = must[*hostipc.Control](t)(hostipc.NewControl())
	h.port = must[*hostipc.Port](t)(hostipc.NewPort(h.feed, h.control))
	h.process = must[*control.Process](t)(h.launch(plugin))
	h.serving.Add(1)
	go h.serve()
	t.Cleanup(h.close)
	instrument := ipc.Instrument{Connector: "sim", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}
	err := h.process.Configure(t.Context(), control.Configuration{
		StrategyName: plugin, Params: []byte(params), Books: []control.Book{{Depth: "window", LastTrades: 10}},
		Attachment: ipc.Attachment{
			BotID: 7, ControlFD: 3, Connectors: []ipc.ConnectorAttachment{{Name: "sim", FeedFD: 4, PrivateFD: 5}},
			Instruments: []ipc.InstrumentAttachment{{Instrument: instrument}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *miniHost) launch(plugin string) (*control.Process, error) {
	spawner := control.NewSpawner()
	h.t.Cleanup(func() { _ = spawner.Close() })
	return control.Launch(h.t.Context(), control.LaunchConfig{
		Spawner: spawner, Path: filepath.Join(plugins, plugin),
		Log:          hclog.New(&hclog.LoggerOptions{Output: h.log, Level: hclog.Trace, DisableTime: true}),
		StartTimeout: time.Minute,
		Logger:       hclog.New(&hclog.LoggerOptions{Name: "strategies", Output: h.entries, Level: hclog.Info}),
		ExtraFiles:   []*os.File{h.control.File(), h.feed.File(), h.port.File()},
	})
}

// serve publishes trades and answers registrations, until the test ends.
func (h *miniHost) serve() {
	defer h.serving.Done()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	trade := hft.Event{Ev: hft.LocalEvent | hft.TradeEvent | hft.BuyEvent, Px: 100.1, Qty: 1}
	level := hft.Event{Ev: hft.LocalEvent | hft.DepthSnapshotEvent | hft.BuyEvent, Px: 100, Qty: 1}
	var q hostipc.Request
	for {
		select {
		case <-h.quit:
			return
		case <-h.ended:
			h.feed.End()
			h.ended = nil
		case <-ticker.C:
			if h.ended != nil {
				h.feed.Publish(0, []hft.Event{trade})
			}
		}
		ok, err := h.port.Recv(&q)
		if err == nil && (h.port.Damaged() || h.port.Corrupt()) {
			err = errors.New("the bot damaged its queue")
		}
		switch {
		case err != nil:
			select {
			case h.faults <- err:
			default:
			}
		case ok && q.Kind == ipc.RequestRegisterInstrument:
			h.port.SendSnapshot(0, nil, &hft.StateValues{}, []hft.Event{level})
		}
	}
}

func (h *miniHost) close() {
	close(h.quit)
	h.serving.Wait()
	for _, c := range []interface{ Close() error }{h.process, h.port, h.control, h.feed} {
		if err := c.Close(); err != nil {
			h.t.Error(err)
		}
	}
}

// endData ends the feed, as recorded data does.
func (h *miniHost) endData() { close(h.ended) }

func (h *miniHost) start() {
	h.t.Helper()
	if err := h.process.Start(h.t.Context(), nil); err != nil {
		h.t.Fatal(err)
	}
}

// awaitLog waits until the plugin's log has a text.
func (h *miniHost) awaitLog(text string) {
	h.t.Helper()
	awaitText(h.t, h.log, text)
}

// awaitText waits until a log has a text.
func awaitText(t *testing.T, log *syncBuffer, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(log.String(), text) {
		if ctx.Err() != nil {
			t.Fatalf("log has no %q:\n%.2000s", text, log)
		}
		time.Sleep(time.Millisecond)
	}
}
