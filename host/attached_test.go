package host_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// attachedProgram runs in a process of this binary that attaches itself: the environment says how.
type attachedProgram struct {
	Socket  string
	BotID   uint64
	Symbols []string
	Quoter  quoterParams
	Keep    bool
	Wait    ipc.WaitStrategy
	// DamageQueue overwrites the memory it shares with the host once it has seen an event.
	DamageQueue bool
}

const attachedProgramEnv = "HFTRUNNER_TEST_ATTACHED"

// runAttached is the main function of such a process. It writes "attached", and at the end what Run returned.
func runAttached(config string) {
	var p attachedProgram
	if err := json.Unmarshal([]byte(config), &p); err != nil {
		fmt.Println("end:", err)
		os.Exit(1)
	}
	if err := p.run(); err != nil {
		fmt.Println("end:", err)
		os.Exit(1)
	}
	fmt.Println("end: nil")
	os.Exit(0)
}

func (p *attachedProgram) run() error {
	builder := live.NewBuilder().ID(p.BotID).ErrorHandler(func(e hft.LiveError) error { return nil })
	for _, symbol := range p.Symbols {
		inst := attachedInstrument(symbol)
		book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
		if err != nil {
			return err
		}
		builder.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, book, 10))
	}
	q := &quoter{p: p.Quoter}
	builder.OrderRecvHook(q.OnOrder)
	bot, err := builder.Attach(ipc.DialConfig{Wait: p.Wait, KeepOrders: p.Keep, Timeout: patience}).Connect(p.Socket)
	if err != nil {
		return err
	}
	defer bot.Close()
	fmt.Println("attached")
	if p.DamageQueue {
		if _, err := bot.WaitNextFeed(false, time.Hour); err != nil {
			return err
		}
		damageSharedMemory()
	}
	if p.Quoter.Qty == 0 {
		return sleeper{}.Run(context.Background(), bot)
	}
	if err := q.Run(context.Background(), bot); err != nil {
		return err
	}
	_, err = bot.Elapse(0) // says why it returned
	return err
}

// damageSharedMemory fills the private segment, which this process has mapped, with ones by way of its descriptor.
func damageSharedMemory() {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		path := filepath.Join("/proc/self/fd", e.Name())
		if target, _ := os.Readlink(path); !strings.Contains(target, "hftrunner-private") {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		info, _ := f.Stat()
		ones := make([]byte, info.Size()-4096)
		for i := range ones {
			ones[i] = 0xff
		}
		_, _ = f.WriteAt(ones, 4096)
		_ = f.Close()
	}
}

func attachedInstrument(symbol string) ipc.Instrument {
	tick := 0.1
	if symbol == "ETHUSDT" {
		tick = 0.01
	}
	return ipc.Instrument{Connector: "sim", Symbol: symbol, TickSize: tick, LotSize: 0.001}
}

// attachedProcess is such a process.
type attachedProcess struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string
}

func (r *rig) socket() string { return filepath.Join(r.cfg.StateDir, host.AttachSocketName) }

// launch starts a process; it is killed with the test.
func (r *rig) launch(p attachedProgram) *attachedProcess {
	r.t.Helper()
	p.Socket = r.socket()
	if len(p.Symbols) == 0 {
		p.Symbols = []string{"BTCUSDT"}
	}
	config, err := json.Marshal(p)
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), attachedProgramEnv+"="+string(config))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	a := &attachedProcess{t: r.t, cmd: cmd, lines: make(chan string, 16)}
	go func() {
		defer close(a.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			a.lines <- sc.Text()
		}
	}()
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return a
}

// expect waits for a line that contains text.
func (a *attachedProcess) expect(text string) {
	a.t.Helper()
	select {
	case line, ok := <-a.lines:
		if !ok || !strings.Contains(line, text) {
			a.t.Fatalf("the process says %q, want %q", line, text)
		}
	case <-time.After(patience):
		a.t.Fatalf("the process does not say %q", text)
	}
}

func (a *attachedProcess) kill() {
	a.t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		a.t.Fatal(err)
	}
	_ = a.cmd.Wait()
}

func (r *rig) awaitSocket() {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(r.socket()); err == nil {
			return
		} else if time.Now().After(deadline) {
			r.t.Fatal(err)
		}
	}
}

// TestAttachedProcessTrades attaches a process on an instrument of a strategy and one that the host does not know yet.
func TestAttachedProcessTrades(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("plugin", "quoter", quoterParams{})}
	r := start(t, cfg)
	r.until("plugin", "running", running)
	a := r.launch(attachedProgram{BotID: 7, Symbols: []string{"ETHUSDT", "BTCUSDT"}, Quoter: quoterParams{FirstID: 1, Qty: 0.01}})
	a.expect("attached")
	s := r.until("attached-7", "fills of both instruments", func(s control.StrategyStatus) bool {
		return s.Instruments[0].TradingVolume > 0 && s.Instruments[1].TradingVolume > 0
	})
	if s.Plugin != "(attached)" || s.PID != a.cmd.Process.Pid || s.State != "running" || s.Instruments[0].Symbol != "ETHUSDT" {
		t.Errorf("%+v", s)
	}
	r.until("plugin", "fills", func(s control.StrategyStatus) bool { return s.Fills > 0 && s.LostEvents == 0 })
	if info, err := os.Stat(r.socket()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}

	ctx := context.Background()
	if _, err := r.host.Restart(ctx, "attached-7", false); err == nil || !strings.Contains(err.Error(), "attached process") {
		t.Errorf("restart: %v", err)
	}
	if already, err := r.host.Start(ctx, "attached-7", false); err != nil || !already {
		t.Errorf("start: %v", err)
	}
	if _, err := r.host.Stop(ctx, "attached-7"); err != nil {
		t.Error(err)
	}
	a.expect("end: interrupted")
	if s := r.status("attached-7"); s.State != "stopped" || s.PID != 0 {
		t.Errorf("%+v", s)
	}
	r.until("attached-7", "its orders canceled", func(s control.StrategyStatus) bool {
		return s.Instruments[0].OpenOrders == 0 && s.Instruments[1].OpenOrders == 0
	})
	if _, err := r.host.Stop(ctx, "attached-7"); err != nil {
		t.Errorf("stopped again: %v", err)
	}
	sum := r.end()
	if s := sum.Strategies[1]; s.Name != "attached-7" || s.Fills == 0 || s.TickToOrderNs.P50 <= 0 || s.Events == 0 {
		t.Errorf("%+v", s)
	}
}

// deaf is an exchange that does not hear cancels.
type deaf struct{ timed }

// timed is a connector with a time of its own.
type timed interface {
	connector.Connector
	connector.Timeliner
}

func (deaf) Cancel(connector.Order) {}

// TestStoppedAttachedProcessLeavesOrders: stopping a process reports its orders that were not confirmed as closed.
func TestStoppedAttachedProcessLeavesOrders(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	sim, ok := cfg.Connectors[0].Connector.(timed)
	if !ok {
		t.Fatal("another connector")
	}
	cfg.Connectors[0].Connector = deaf{sim}
	cfg.Supervision.ExitTimeout = 200 * time.Millisecond
	r := start(t, cfg)
	a := r.launch(attachedProgram{BotID: 7, Symbols: []string{"BTCUSDT"}, Quoter: quoterParams{FirstID: 1, Qty: 0.01, Ticks: 500, KeepQuotes: true}})
	a.expect("attached")
	r.until("attached-7", "open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders > 0 })
	_, err := r.host.Stop(context.Background(), "attached-7")
	if left := new(control.OrdersLeftError); !errors.As(err, &left) || len(left.Orders) == 0 {
		t.Errorf("stop: %v", err)
	}
	if s := r.status("attached-7"); s.State != "stopping" || s.OrdersLeft == 0 {
		t.Errorf("while the end of its orders is not confirmed: %s, %d orders left", s.State, s.OrdersLeft)
	}
}

func TestAttachRefused(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	configured := strategyOf("plugin", "sleeper", struct{}{})
	configured.BotID = 5
	cfg.Strategies = []host.StrategyConfig{configured}
	r := start(t, cfg)
	r.until("plugin", "running", running)
	btc := attachedInstrument("BTCUSDT")
	first, err := ipc.Dial(r.socket(), 7, []ipc.Instrument{btc}, ipc.DialConfig{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	coarse, big, stranger := btc, btc, btc
	coarse.TickSize, big.LotSize, stranger.Connector = 0.5, 1, "nowhere"
	for _, c := range []struct {
		name  string
		botID uint64
		inst  []ipc.Instrument
		want  hft.BuildError
		text  string
	}{
		{"connected id", 7, []ipc.Instrument{btc}, hft.BuildError{Kind: hft.Duplicate}, fmt.Sprintf("in use by connected process %d", os.Getpid())},
		{"configured id", 5, []ipc.Instrument{btc}, hft.BuildError{Kind: hft.Duplicate}, "in use by strategy plugin"},
		{"tick size", 8, []ipc.Instrument{coarse}, hft.BuildError{Kind: hft.InvalidArgument}, "tick size 0.1"},
		{"lot size", 8, []ipc.Instrument{big}, hft.BuildError{Kind: hft.InvalidArgument}, "lot size 0.001"},
		{"connector", 8, []ipc.Instrument{stranger}, hft.BuildError{Kind: hft.ConnectorNotFound, What: "nowhere"}, "the host has sim"},
		{"twice", 8, []ipc.Instrument{btc, btc}, hft.BuildError{Kind: hft.Duplicate}, "sim BTCUSDT"},
		{"id 0", 0, []ipc.Instrument{btc}, hft.BuildError{Kind: hft.InvalidArgument}, "bot id 0"},
	} {
		ch, err := ipc.Dial(r.socket(), c.botID, c.inst, ipc.DialConfig{Timeout: patience})
		if !errors.Is(err, &c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, &c.want, c.text)
		}
		if ch != nil {
			_ = ch.Close()
		}
	}
	// The id is free as soon as its bot has gone.
	for range 20 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if first, err = ipc.Dial(r.socket(), 7, []ipc.Instrument{btc}, ipc.DialConfig{Timeout: patience}); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.status("attached-7"); s.Restarts != 20 || s.State != "running" {
		t.Errorf("%+v", s)
	}
	if s := r.status("plugin"); s.State != "running" || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
}

// TestKilledAttachedProcess kills one whose orders are to be canceled and one whose orders are to stay.
func TestKilledAttachedProcess(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("plugin", "quoter", quoterParams{})}
	r := start(t, cfg)
	plugin := r.until("plugin", "running", running)
	quotes := quoterParams{FirstID: 1, Qty: 0.01, KeepQuotes: true, Ticks: 20_000}
	cancels := r.launch(attachedProgram{BotID: 7, Quoter: quotes})
	keeps := r.launch(attachedProgram{BotID: 8, Quoter: quotes, Keep: true, Wait: ipc.WaitPark})
	twoOrders := func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 }
	for _, a := range []*attachedProcess{cancels, keeps} {
		a.expect("attached")
	}
	r.until("attached-7", "two open orders", twoOrders)
	r.until("attached-8", "two open orders", twoOrders)
	cancels.kill()
	keeps.kill()
	r.until("attached-7", "its orders canceled", func(s control.StrategyStatus) bool {
		return s.State == "ended" && s.PID == 0 && s.Instruments[0].OpenOrders == 0
	})
	before := r.until("attached-8", "the end", func(s control.StrategyStatus) bool { return s.State == "ended" })
	if before.Instruments[0].OpenOrders == 0 {
		t.Errorf("on_exit=keep: %+v", before)
	}

	// A new process under the same id finds what the first one had.
	out := filepath.Join(t.TempDir(), "out")
	quotes.Out = out
	again := r.launch(attachedProgram{BotID: 8, Quoter: quotes, Keep: true})
	again.expect("attached")
	after := r.until("attached-8", "running", func(s control.StrategyStatus) bool { return running(s) && s.Events > before.Events+50 })
	if after.Restarts != 1 || after.PID != again.cmd.Process.Pid {
		t.Errorf("%+v", after)
	}
	if got := sightings(t, out)[0]; got.What != "start" || got.BestBid == 0 ||
		after.Fills == before.Fills && (got.Orders != before.Instruments[0].OpenOrders || got.Position != before.Instruments[0].Position) {
		t.Errorf("the new process saw %+v, the host had %+v", got, before)
	}
	if s := r.status("plugin"); s.PID != plugin.PID || s.LostEvents != 0 || s.Resyncs != 0 || s.Restarts != 0 {
		t.Errorf("the plugin noticed: %+v", s)
	}
}

// TestAttachedPositionSurvives trades to a position, disconnects, and finds it again, also with other instruments.
func TestAttachedPositionSurvives(t *testing.T) {
	r := start(t, newConfig(t, 1, 0))
	r.awaitSocket()
	connect := func(symbols ...string) live.LiveBot {
		t.Helper()
		builder := live.NewBuilder().ID(7)
		for _, symbol := range symbols {
			inst := attachedInstrument(symbol)
			book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			builder.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, book, 0))
		}
		bot, err := builder.Attach(ipc.DialConfig{Timeout: patience}).Connect(r.socket())
		if err != nil {
			t.Fatal(err)
		}
		return bot
	}
	bot := connect("BTCUSDT")
	for bot.Depth(0).BestAskTick() == hft.InvalidMax { // the market of a fresh instrument is just about to begin
		if _, err := bot.WaitNextFeed(false, patience); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bot.SubmitBuyOrder(0, 1, bot.Depth(0).BestAsk()+50, 0.003, hft.IOC, hft.Limit, true); err != nil {
		t.Fatal(err)
	}
	want := bot.StateValues(0)
	if want.Position <= 0 || want.NumTrades == 0 {
		t.Fatalf("after a buy: %+v", want)
	}
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
	bot = connect("ETHUSDT", "BTCUSDT")
	if got := bot.StateValues(1); got != want || bot.Position(0) != 0 {
		t.Errorf("back with %+v and %v, left with %+v", got, bot.Position(0), want)
	}
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAttachedProcessInterrupted: an ending host interrupts the process and takes its orders back.
func TestAttachedProcessInterrupted(t *testing.T) {
	r := start(t, newConfig(t, 1, 0))
	r.awaitSocket()
	quotes := r.launch(attachedProgram{BotID: 7, Quoter: quoterParams{FirstID: 1, Qty: 0.01, KeepQuotes: true, Ticks: 20_000}})
	quotes.expect("attached")
	waits := r.launch(attachedProgram{BotID: 8, Wait: ipc.WaitPark})
	waits.expect("attached")
	r.until("attached-7", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	sum := r.end()
	quotes.expect("end: interrupted")
	waits.expect("end: interrupted")
	for _, s := range sum.Strategies {
		if s.State != "stopped" || s.Instruments[0].OpenOrders != 0 {
			t.Errorf("%+v", s)
		}
	}
	if _, err := os.Stat(r.socket()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	_, err := ipc.Dial(r.socket(), 9, []ipc.Instrument{attachedInstrument("BTCUSDT")}, ipc.DialConfig{})
	if err == nil || !strings.Contains(err.Error(), "no host runs there") {
		t.Errorf("dial after the end: %v", err)
	}
}

// TestSuspendedAttachedProcess stops a process for much longer than the heartbeat limit, as a debugger would.
func TestSuspendedAttachedProcess(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.HeartbeatTimeout = 50 * time.Millisecond
	r := start(t, cfg)
	r.awaitSocket()
	a := r.launch(attachedProgram{BotID: 7})
	a.expect("attached")
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * cfg.Supervision.HeartbeatTimeout)
	if s := r.status("attached-7"); s.State != "running" {
		t.Errorf("%+v", s)
	}
	events := r.status("attached-7").Events
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.until("attached-7", "more events", func(s control.StrategyStatus) bool { return s.Events > events })
}

// TestStopOfASuspendedAttachedProcess: the orders of one that sits in a debugger end while it is waited for.
func TestStopOfASuspendedAttachedProcess(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*rig) error{
		"by command": func(r *rig) error {
			_, err := r.host.Stop(context.Background(), "attached-7")
			return err
		},
		"with the run": func(r *rig) error {
			r.end()
			return r.err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, 1, 0)
			cfg.Supervision.StopTimeout = 10 * patience
			r := start(t, cfg)
			r.awaitSocket()
			a := r.launch(attachedProgram{BotID: 7, Quoter: quoterParams{FirstID: 1, Qty: 0.01, KeepQuotes: true, Ticks: 20_000}})
			a.expect("attached")
			r.until("attached-7", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
			if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			stopped := make(chan error, 1)
			go func() { stopped <- stop(r) }()
			r.until("attached-7", "its orders have ended", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 0 })
			if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGarbageOfAttachedProcesses: neither what comes over the socket nor what is written into the queues hurts others.
func TestGarbageOfAttachedProcesses(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("plugin", "quoter", quoterParams{})}
	r := start(t, cfg)
	r.until("plugin", "running", running)
	framed := func(s string) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	request := `{"version":1,"bot_id":"9","wait":"adaptive","on_exit":"cancel","instruments":[{"connector":"sim","symbol":"BTCUSDT","tick_size":0.1,"lot_size":0.001}]}`
	for name, c := range map[string]struct{ send, want string }{
		"text":         {"GET / HTTP/1.1\r\n\r\n", "refused"},
		"no json":      {framed("abc"), "corrupt"},
		"other json":   {framed("[]"), "corrupt"},
		"nothing":      {framed(""), "corrupt"},
		"too long":     {"\xff\xff\xff\x7f", "refused"},
		"cut off":      {"\xff\x00\x00\x00{", "refused"},
		"one byte":     {"\x01", ""},
		"good, bad id": {framed(strings.Replace(request, `"9"`, `"x"`, 1)), "corrupt"},
		"and more":     {framed(request) + "more", "feed_numbers"},
	} {
		conn, err := net.Dial("unix", r.socket())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(c.send)); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		answer, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s: answered %q, %v", name, answer, err)
		}
		_ = conn.Close()
	}

	vandal := r.launch(attachedProgram{BotID: 7, DamageQueue: true})
	vandal.expect("attached")
	s := r.until("attached-7", "failed", func(s control.StrategyStatus) bool { return s.State == "failed" })
	if !strings.Contains(s.Reason, "corrupt") {
		t.Errorf("%+v", s)
	}
	vandal.expect("end: peer is gone: the host has disconnected this process: it corrupted")
	events := r.status("plugin").Events
	r.until("plugin", "trading on", func(s control.StrategyStatus) bool {
		return s.Events > events+100 && s.Restarts == 0 && s.LostEvents == 0 && s.State == "running"
	})
}

// TestAttachedAtFullSpeed attaches to a replay at full speed: its clock goes on only with the process, and without it
// once it is gone.
func TestAttachedAtFullSpeed(t *testing.T) {
	cfg := newConfig(t, 0, 20*time.Minute)
	cfg.Strategies = []host.StrategyConfig{strategyOf("plugin", "quoter", quoterParams{})}
	r := start(t, cfg)
	r.until("plugin", "running", running)
	inst := attachedInstrument("BTCUSDT")
	ch, err := ipc.Dial(r.socket(), 7, []ipc.Instrument{inst}, ipc.DialConfig{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	q := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: inst.TickSize, LotSize: inst.LotSize}
	if err := ch.Send(7, 0, &q); err != nil {
		t.Fatal(err)
	}
	var ev ipc.LiveEvent
	fromNs := ch.NowNs()
	for n := 0; n < 5000; { // every event of the replay, in its time
		if _, err := ch.RecvTimeout(7, time.Hour, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Kind == ipc.EventFeed {
			n++
		} else if ev.Kind == ipc.EventError {
			t.Fatalf("error event: %v", ev.Err)
		}
	}
	if ch.NowNs() <= fromNs {
		t.Error("time stands still")
	}
	// It does not wait now: time stands still until it is gone.
	settle := time.Now().Add(patience)
	held := r.status("plugin").Events
	for same := 0; same < 20 && time.Now().Before(settle); time.Sleep(5 * time.Millisecond) {
		if now := r.status("plugin").Events; now == held {
			same++
		} else {
			held, same = now, 0
		}
	}
	if now := r.status("plugin").Events; now != held {
		t.Errorf("the replay ran on without the attached process: %d events, then %d", held, now)
	}
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	r.until("plugin", "more events", func(s control.StrategyStatus) bool { return s.Events > held })
}

// TestAttachedProcessComesToTheEndOfData: the host waits for it, and ends by itself.
func TestAttachedProcessComesToTheEndOfData(t *testing.T) {
	r := start(t, newConfig(t, 1, time.Second))
	r.awaitSocket()
	a := r.launch(attachedProgram{BotID: 7, Quoter: quoterParams{FirstID: 1, Qty: 0.01}})
	a.expect("attached")
	sum := r.await()
	a.expect("end: " + hft.ErrEndOfData.Error())
	if s := sum.Strategies[0]; r.err != nil || sum.Exit != host.ExitEndOfData || s.State != "ended" || s.LostEvents != 0 {
		t.Errorf("exit %s, %v; %+v", sum.Exit, r.err, s)
	}
}
