package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// ladderBlock is a strategy block of the plugin.
func ladderBlock(name, connector, settings, params string) string {
	return fmt.Sprintf(`
strategy %q {
  plugin = "ladder"
  %s
  instrument %q "BTCUSDT" {
  }
  params {
    %s
  }
}
`, name, settings, connector, params)
}

// ladder is the configuration of a ladder at the exchange.
func (e *liveExchange) ladder(t *testing.T, settings, params string) string {
	t.Helper()
	return e.ConnectorBlock(e.venue) + ladderBlock("a", "test", settings, params)
}

// begin starts the runner and waits until n orders are open.
func (w *workspace) begin(e *liveExchange, n int, args ...string) (*exec.Cmd, fmt.Stringer) {
	w.t.Helper()
	cmd, out := w.runner(append([]string{"run", "--summary", "out.json"}, args...)...)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	within(w.t, "open orders", out, func() bool { return len(e.open()) == n })
	within(w.t, "they are known to the host", out, func() bool { in, ok := w.instrument(); return ok && in.OpenOrders == n })
	return cmd, out
}

// wait returns the exit code.
func (w *workspace) wait(cmd *exec.Cmd) int {
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// TestSignalsEndOrders: each signal that ends a run ends its orders at the exchange, unless they are to be kept.
func TestSignalsEndOrders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		signal syscall.Signal
		onExit string
		left   int
	}{{syscall.SIGHUP, "cancel", 0}, {syscall.SIGTERM, "cancel", 0}, {syscall.SIGHUP, "keep", 20}} {
		t.Run(test.signal.String()+" "+test.onExit, func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, testexchange.BinanceFutures)
			w := newWorkspace(t, e.ladder(t, fmt.Sprintf("on_exit = %q", test.onExit), "orders = 20"))
			cmd, out := w.begin(e, 20)
			if test.signal == syscall.SIGTERM { // as systemd does, to all processes of the service, in whatever order
				s, _ := w.strategy("a")
				if err := syscall.Kill(s.PID, test.signal); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Process.Signal(test.signal)
			for range 3 { // shell and kernel send one each when a terminal is closed, systemd one after SIGTERM, timeout(1) the same twice
				time.Sleep(time.Millisecond)
				_ = cmd.Process.Signal(syscall.SIGHUP)
				_ = cmd.Process.Signal(test.signal)
			}
			if code := w.wait(cmd); code != 0 || len(e.open()) != test.left {
				t.Errorf("exit code %d, %d orders are left\n%s", code, len(e.open()), out)
			}
			if s := w.summary(); s.Exit != host.ExitInterrupted || s.Strategies[0].State != "stopped" || s.Strategies[0].Reason != "" || len(s.UnconfirmedOrders) != 0 {
				t.Errorf("%+v\n%s", s, out)
			}
		})
	}
}

// TestNohup: a runner that was started with SIGHUP ignored survives its terminal.
func TestNohup(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.ladder(t, "", "orders = 5"))
	cmd, out := w.runner("run", "--summary", "out.json")
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, w.program()}, cmd.Args[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "open orders", out, func() bool { return len(e.open()) == 5 })
	_ = cmd.Process.Signal(syscall.SIGHUP)
	time.Sleep(500 * time.Millisecond)
	if in, ok := w.instrument(); !ok || in.OpenOrders != 5 || len(e.open()) != 5 {
		t.Fatalf("it did not survive SIGHUP\n%s", out)
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 || len(e.open()) != 0 {
		t.Errorf("exit code %d, open %v\n%s", code, e.open(), out)
	}
}

// program is a file of the runner by its name, for programs that start it.
func (w *workspace) program() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "runner")
	if err := installProgram(path, os.Args[0]); err != nil && !errors.Is(err, os.ErrExist) {
		w.t.Fatal(err)
	}
	return path
}

// TestReaderGoesAway: who reads the output ends with the same Ctrl-C, as tee does: the runner ends its orders all the
// same.
func TestReaderGoesAway(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.ladder(t, "", "orders = 5"))
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd, out := w.runner("run", "--summary", "out.json")
	cmd.Stdout, cmd.Stderr = pipe, pipe
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = pipe.Close()
	within(t, "open orders", out, func() bool { return len(e.open()) == 5 })
	_ = r.Close()
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = w.wait(cmd) // it may well say that it could not print its summary
	if s := w.summary(); !cmd.ProcessState.Exited() || len(e.open()) != 0 || s.Exit != host.ExitInterrupted || len(s.UnconfirmedOrders) != 0 {
		t.Errorf("%v, open %v, %+v", cmd.ProcessState, e.open(), s)
	}
}

// TestManyPaperOrders: all of thousands of open orders end, in a run of a paper exchange that answers later than they
// come.
func TestManyPaperOrders(t *testing.T) {
	t.Parallel()
	orders := 4000
	if os.Getenv("HFTRUNNER_LONG") != "" {
		orders = 10_000
	}
	w := newWorkspace(t, "runner {\n  exit_timeout = \"4m\"\n}\nconnector \"paper\" \"sim\" {\n  exchange {\n    order_latency = \"20ms\"\n    response_latency = \"20ms\"\n  }\n}\n"+
		strings.Replace(ladderBlock("a", "sim", "", fmt.Sprintf("orders = %d", orders)), "\"BTCUSDT\" {\n", "\"BTCUSDT\" {\n    tick_size = 0.1\n    lot_size = 0.001\n", 1))
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "open orders", out, func() bool { in, ok := w.instrument(); return ok && in.OpenOrders == orders })
	_ = cmd.Process.Signal(syscall.SIGINT)
	code := w.wait(cmd)
	s := w.summary()
	if st := s.Strategies[0]; code != 0 || st.Instruments[0].OpenOrders != 0 || st.Rejects != 0 || len(s.UnconfirmedOrders) != 0 {
		t.Errorf("exit code %d, %d unconfirmed, %+v\n%s", code, len(s.UnconfirmedOrders), st, out)
	}
}

// freezer stands between runner and exchange and lets nothing through while it is frozen.
type freezer struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	thaw   chan struct{} // nil while nothing is frozen
	closed bool
	conns  []net.Conn
}

func newFreezer(t *testing.T, to string) *freezer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{listener: l, to: to}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { f.serve(&group, c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.freeze(false)
		f.mu.Lock()
		f.closed = true
		for _, c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
		group.Wait()
	})
	return f
}

func (f *freezer) serve(group *sync.WaitGroup, c net.Conn) {
	out, err := net.Dial("tcp", f.to)
	if err != nil {
		_ = c.Close()
		return
	}
	f.mu.Lock()
	f.conns = append(f.conns, c, out)
	closed := f.closed
	f.mu.Unlock()
	if closed {
		_, _ = c.Close(), out.Close()
		return
	}
	group.Go(func() { f.pass(out, c) })
	f.pass(c, out)
}

func (f *freezer) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		f.mu.Lock()
		thaw := f.thaw
		f.mu.Unlock()
		if thaw != nil {
			<-thaw
		}
		if _, writeErr := to.Write(b[:n]); writeErr != nil || err != nil {
			return
		}
	}
}

// asked reports whether somebody has connected.
func (f *freezer) asked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns) > 0
}

func (f *freezer) freeze(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case on && f.thaw == nil:
		f.thaw = make(chan struct{})
	case !on && f.thaw != nil:
		close(f.thaw)
		f.thaw = nil
	}
}

// frozen is a configuration whose way to the exchange can be frozen.
func (e *liveExchange) frozen(t *testing.T, config string) (*freezer, string) {
	t.Helper()
	f := newFreezer(t, e.Address(e.venue))
	return f, strings.ReplaceAll(config, e.Address(e.venue), f.listener.Addr().String())
}

// TestFrozenExchange: what cannot be confirmed within exit_timeout is listed in log and summary, with its own exit
// code.
func TestFrozenExchange(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceSpot) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			f, config := e.frozen(t, e.ladder(t, "", "orders = 7"))
			w := newWorkspace(t, "runner {\n  exit_timeout = \"2s\"\n}\n"+config)
			cmd, out := w.begin(e, 7)
			ids := e.open()
			f.freeze(true)
			_ = cmd.Process.Signal(syscall.SIGINT)
			code := w.wait(cmd)
			s := w.summary()
			if code != 6 || len(s.UnconfirmedOrders) != 7 {
				t.Fatalf("exit code %d, %+v\n%s", code, s.UnconfirmedOrders, out)
			}
			for _, o := range s.UnconfirmedOrders {
				if !slices.Contains(ids, o.ClientID) || o.Connector != "test" || o.Symbol != "BTCUSDT" || o.Strategy != "a" || o.Side != "Buy" ||
					o.Price <= 0 || o.OpenQty != 0.01 {
					t.Errorf("the list has %+v, open are %v", o, ids)
				}
				if strings.Count(out.String(), o.ClientID) < 2 { // the log and the summary
					t.Errorf("%s is not named:\n%s", o.ClientID, out)
				}
			}
			if !strings.Contains(out.String(), "7 orders may still be open") {
				t.Errorf("no error:\n%s", out)
			}
		})
	}
}

// signalTwice interrupts a command, and again after between until it has ended.
func (w *workspace) signalTwice(cmd *exec.Cmd, between func()) (code int) {
	_ = cmd.Process.Signal(syscall.SIGINT)
	between()
	stop := make(chan struct{})
	var signals sync.WaitGroup
	signals.Go(func() {
		for { // those that come together are one
			select {
			case <-stop:
				return
			case <-time.After(500 * time.Millisecond):
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	})
	code = w.wait(cmd)
	close(stop)
	signals.Wait()
	return code
}

// TestOrdersOfAHungStrategy: those of one that does not answer its stop end while it is waited for.
func TestOrdersOfAHungStrategy(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, "runner {\n  stop_timeout = \"10h\"\n}\n"+e.ladder(t, "", "orders = 3\n    hang = true"))
	cmd, out := w.begin(e, 3)
	st, _ := w.strategy("a")
	_ = cmd.Process.Signal(syscall.SIGINT)
	within(t, "its orders have ended", out, func() bool { return len(e.open()) == 0 })
	if !alive(st.PID) {
		t.Errorf("the strategy is gone\n%s", out)
	}
	if code := w.signalTwice(cmd, func() {}); code == 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestSecondSignal: it ends the run at once, whatever blocks, and leaves no process.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	const never = "runner {\n  exit_timeout = \"10h\"\n  stop_timeout = \"10h\"\n}\n"
	t.Run("orders are waited for", func(t *testing.T) {
		t.Parallel()
		e := newExchange(t, testexchange.BinanceFutures)
		f, config := e.frozen(t, e.ladder(t, "", "orders = 3"))
		w := newWorkspace(t, never+config)
		cmd, out := w.begin(e, 3)
		f.freeze(true)
		code := w.signalTwice(cmd, func() {
			within(t, "the end is waited for", out, func() bool {
				st, ok := w.strategy("a")
				return ok && st.State == "stopping" && st.OrdersLeft == 3
			})
			if text, _ := w.output("ps"); !strings.Contains(text, "stopping (3 orders left)") {
				t.Errorf("ps says\n%s", text)
			}
		})
		if code != 6 || !strings.Contains(out.String(), "forced exit; orders may still be open") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		if text := out.String(); strings.Contains(text, "could not be listed") || strings.Contains(text, "summary not written") {
			return // the machine stood still: it is said, at least
		}
		s := w.summary()
		if s.Exit != host.ExitInterrupted || len(s.UnconfirmedOrders) != 3 {
			t.Errorf("the summary has %+v", s)
		}
		for _, o := range s.UnconfirmedOrders {
			if !strings.Contains(out.String(), o.ClientID) {
				t.Errorf("%s is not named\n%s", o.ClientID, out)
			}
		}
	})
	t.Run("a strategy hangs", func(t *testing.T) {
		t.Parallel()
		e := newExchange(t, testexchange.BinanceFutures)
		w := newWorkspace(t, never+e.ladder(t, "", "orders = 3\n    hang = true"))
		cmd, out := w.begin(e, 3)
		st, _ := w.strategy("a")
		children := childrenOf(t, st.PID)
		if code := w.signalTwice(cmd, func() {
			within(t, "it is being stopped", out, func() bool { st, ok := w.strategy("a"); return ok && st.State == "stopping" })
		}); code != 6 {
			t.Errorf("exit code %d\n%s", code, out)
		}
		if len(children) == 0 {
			t.Error("the strategy has no child")
		}
		for _, pid := range append(children, st.PID) {
			within(t, fmt.Sprintf("process %d is gone", pid), out, func() bool { return !alive(pid) })
		}
	})
	t.Run("nobody reads what it says", func(t *testing.T) {
		t.Parallel()
		e := newExchange(t, testexchange.BinanceFutures)
		f, config := e.frozen(t, e.ladder(t, "", "orders = 3"))
		w := newWorkspace(t, never+config)
		r, pipe, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd, out := w.runner("run", "--log-level", "trace")
		cmd.Stdout, cmd.Stderr = pipe, pipe
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, r)
		}()
		within(t, "open orders", out, func() bool { return len(e.open()) == 3 })
		f.freeze(true)
		_ = r.SetReadDeadline(time.Now()) // from here on nobody reads
		<-read
		fill(pipe)
		t.Cleanup(func() { _ = r.Close() })
		if code := w.signalTwice(cmd, func() {}); code != 6 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("the venue does not answer at the start", func(t *testing.T) {
		t.Parallel()
		e := newExchange(t, testexchange.BinanceFutures)
		f, config := e.frozen(t, e.ladder(t, "", "orders = 3"))
		f.freeze(true)
		w := newWorkspace(t, config)
		cmd, out := w.runner("run")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		within(t, "the venue is asked", out, f.asked)
		if code := w.signalTwice(cmd, func() {}); code != 6 {
			t.Errorf("exit code %d", code)
		}
	})
}

// fill leaves no room in a pipe, until its reader is closed.
func fill(pipe *os.File) {
	go func() { _, _ = io.CopyN(pipe, neverEnding{}, 1<<30) }()
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

// strategy returns what the running host says of a strategy.
func (w *workspace) strategy(name string) (control.StrategyStatus, bool) {
	client, err := control.DialRunner(filepath.Join(w.state, host.SocketName))
	if err != nil {
		return control.StrategyStatus{}, false
	}
	defer client.Close()
	all, err := client.Strategies(context.Background())
	i := slices.IndexFunc(all, func(s control.StrategyStatus) bool { return s.Name == name })
	if err != nil || i < 0 {
		return control.StrategyStatus{}, false
	}
	return all[i], true
}

func childrenOf(t *testing.T, pid int) (list []int) {
	t.Helper()
	parent, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			// One that still has its parent's program is not yet what was started, or Go's own that tries what the
			// kernel can.
			if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", child)); err != nil || program == parent {
				continue
			}
			list = append(list, child)
		}
	}
	return list
}

// TestStopIsConfirmed: runner stop says "stopped" when the venue has confirmed the end of the orders, and lists them,
// with an exit code of its own, when it has not in time.
func TestStopIsConfirmed(t *testing.T) {
	t.Parallel()
	t.Run("in time", stopInTime)
	t.Run("not in time", stopNotInTime)
}

func stopInTime(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.ladder(t, "", "orders = 5"))
	cmd, out := w.begin(e, 5)
	if err := e.Arm(e.venue, fault.Fault{Name: fault.ReplyDelay, Duration: time.Second}); err != nil {
		t.Fatal(err)
	}
	if text, code := w.output("stop", "a"); code != 0 || !strings.Contains(text, "a stopped") || len(e.open()) > 0 {
		t.Fatalf("exit code %d, open %v: %s\n%s", code, e.open(), text, out)
	}
	if err := e.Disarm(e.venue, fault.ReplyDelay); err != nil {
		t.Fatal(err)
	}
	if text, code := w.output("start", "a"); code != 0 {
		t.Fatalf("exit code %d: %s\n%s", code, text, out)
	}
	within(t, "open orders", out, func() bool { in, ok := w.instrument(); return ok && in.OpenOrders == 5 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 || len(e.open()) > 0 {
		t.Errorf("exit code %d, open %v\n%s", code, e.open(), out)
	}
}

func stopNotInTime(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	f, config := e.frozen(t, e.ladder(t, "", "orders = 5"))
	w := newWorkspace(t, "runner {\n  exit_timeout = \"1s\"\n}\n"+config)
	cmd, out := w.begin(e, 5)
	ids := e.open()
	f.freeze(true)
	text, code := w.output("stop", "a")
	if code != 6 || strings.Contains(text, "a stopped") {
		t.Errorf("exit code %d: %s\n%s", code, text, out)
	}
	for _, id := range ids {
		if !strings.Contains(text, id) {
			t.Errorf("%s is not listed: %s", id, text)
		}
	}
	f.freeze(false)
	within(t, "no orders", out, func() bool { return len(e.open()) == 0 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestCrashedStrategyLeavesNoOrders: the orders of a strategy that died end, although the exchange answers late, and
// although nobody starts it again.
func TestCrashedStrategyLeavesNoOrders(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.Bybit)
	w := newWorkspace(t, "runner {\n  backoff_min = \"1h\"\n  backoff_max = \"1h\"\n}\n"+e.ladder(t, "", "orders = 8"))
	cmd, out := w.begin(e, 8)
	if err := e.Arm(e.venue, fault.Fault{Name: fault.ReplyDelay, Duration: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	st, _ := w.strategy("a")
	_ = syscall.Kill(st.PID, syscall.SIGKILL)
	within(t, "no orders", out, func() bool { return len(e.open()) == 0 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	code := w.wait(cmd)
	if s := w.summary().Strategies[0]; code != 0 || s.State != "stopped" || !strings.Contains(s.Reason, "it was waiting to restart when the run ended: ") {
		t.Errorf("exit code %d, %+v\n%s", code, s, out)
	}
}

// TestGivenUpLate: a strategy that fails near the end of a replay makes the run fail, and the summary says why.
func TestGivenUpLate(t *testing.T) {
	t.Parallel()
	lines := sampleLines(t, 2500)
	w := newWorkspace(t, replayConfig("speed = 4")[:strings.Index(replayConfig("speed = 4"), "strategy")]+
		"runner {\n  backoff_min = \"1h\"\n  backoff_max = \"1h\"\n}\n"+
		strings.Replace(ladderBlock("a", "day", "", "orders = 3\n    panic_at = \"1500ms\""), "\"BTCUSDT\" {\n", "\"BTCUSDT\" {\n    tick_size = 0.1\n    lot_size = 0.001\n", 1))
	w.write("btcusdt.gz", string(gzipped(lines)))
	text, code := w.output("run", "--summary", "out.json")
	if st := w.summary().Strategies[0]; code != 7 || st.State != "failed" || !strings.Contains(st.Reason, "as configured") || strings.Count(text, "as configured") < 2 {
		t.Errorf("exit code %d, %+v\n%s", code, st, text)
	}
}

// TestStrayOrders: orders of a strategy that is no longer in the file are named at the start and listed at the end,
// and left as they are, which has the exit code of orders that may be open.
func TestStrayOrders(t *testing.T) {
	t.Parallel()
	for no, test := range []struct {
		venue  testexchange.Venue
		symbol string // of the run after
	}{
		{testexchange.BinanceSpot, "BTCUSDT"},
		{testexchange.BinanceFutures, "ETHUSDT"},
		{testexchange.BinanceSpot, "ETHUSDT"},
		{testexchange.Bybit, "ETHUSDT"},
	} {
		t.Run(fmt.Sprint(test.venue, " ", test.symbol), func(t *testing.T) {
			if no >= 2 {
				onlyLong(t)
			}
			t.Parallel()
			e := newExchange(t, test.venue)
			w := newWorkspace(t, e.ladder(t, `on_exit = "keep"`, "orders = 4"))
			cmd, out := w.begin(e, 4)
			_ = cmd.Process.Signal(syscall.SIGINT)
			if code := w.wait(cmd); code != 0 || len(e.open()) != 4 {
				t.Fatalf("exit code %d, open %v\n%s", code, e.open(), out)
			}
			ids := e.open()
			slices.Sort(ids)
			// after runs a strategy with two orders on the symbol, and returns what is open after it and said to be
			// left.
			after := func(name string) (open, listed []string) {
				w.write("runner.hcl", e.ConnectorBlock(e.venue)+strings.Replace(ladderBlock(name, "test", "", "orders = 2"), "BTCUSDT", test.symbol, 1))
				cmd, out := w.runner("run", "--summary", "out.json")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				within(t, "they are said at the start", out, func() bool {
					return strings.Contains(out.String(), "strategy a holds 0 BTCUSDT on test by the journal, and nobody trades it")
				})
				within(t, "its own orders", out, func() bool { in, ok := w.instrument(); return ok && in.OpenOrders == 2 && len(e.open()) == 6 })
				_ = cmd.Process.Signal(syscall.SIGINT)
				code, sum := w.wait(cmd), w.summary()
				if (code == 6) != (len(sum.StrayOrders) > 0) || code != 0 && code != 6 || len(sum.UnconfirmedOrders) > 0 || len(sum.UnaccountedInstruments) > 0 {
					t.Errorf("exit code %d\n%s", code, out)
				}
				for _, o := range sum.StrayOrders {
					listed = append(listed, o.ClientID)
					if o.Symbol != "BTCUSDT" || o.Side != "Buy" || o.Price <= 0 || o.OpenQty <= 0 {
						t.Errorf("%+v", o)
					}
				}
				slices.Sort(listed)
				open = e.open()
				slices.Sort(open)
				return open, listed
			}
			if open, listed := after("b"); !slices.Equal(listed, ids) || !slices.Equal(open, ids) {
				t.Errorf("listed %v, open %v, left before %v", listed, open, ids)
			}
			if test.symbol == "BTCUSDT" {
				return // to a they are no strays
			}
			if open, listed := after("a"); len(open) > 0 || len(listed) > 0 {
				t.Errorf("their strategy is back: listed %v, open %v", listed, open)
			}
		})
	}
}

// TestFailedConnector: when one connector fails, the orders on the others end.
func TestFailedConnector(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	lines := sampleLines(t, 2500)
	lines[2400] = "garbage"
	for _, speed := range []string{"2", "0.5", "0.1"} { // until there are orders before it fails
		w := newWorkspace(t, strings.Replace(e.ladder(t, "", "orders = 6")+replayConfig("speed = "+speed+"\n    on_bad_line = \"fatal\""), "strategy \"a\" {\n  plugin = \"join\"", "strategy \"b\" {\n  plugin = \"join\"", 1))
		w.write("btcusdt.gz", string(gzipped(lines)))
		cmd, out := w.runner("run", "--summary", "out.json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan int, 1)
		go func() { ended <- w.wait(cmd) }()
		had := 0
		within(t, "open orders, or the end", out, func() bool { had = len(e.open()); return had == 6 || len(ended) > 0 })
		if code := <-ended; code != 1 || len(e.open()) != 0 {
			t.Errorf("exit code %d, open %v\n%s", code, e.open(), out)
		}
		if had == 6 {
			return
		}
	}
	t.Error("there never were orders")
}
