package runner

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
)

// patience is how long a test waits for what must come.
const patience = 2 * time.Minute

// workspace is a folder with a configuration, plugins and a state folder, as a user has it.
type workspace struct {
	t     *testing.T
	dir   string
	state string
}

func newWorkspace(t *testing.T, config string) *workspace {
	t.Helper()
	w := &workspace{t: t, dir: t.TempDir()}
	var err error
	if w.state, err = os.MkdirTemp("", "runner"); err != nil { // a socket's path has to be short
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(w.state) })
	plugins := filepath.Join(w.dir, "plugins")
	if err := errors.Join(os.Mkdir(plugins, 0o755), w.install("join"), w.install("ladder"), w.install("panics"),
		os.WriteFile(filepath.Join(w.dir, "runner.hcl"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	return w
}

// install makes one of the test's plugins one of the workspace.
func (w *workspace) install(plugin string) error {
	return installProgram(filepath.Join(w.dir, "plugins", plugin), testPlugin(w.t))
}

// runner is the program, to be run in the workspace. It dies with the test.
func (w *workspace) runner(args ...string) (*exec.Cmd, *printed) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience) // of several waits
	w.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Args = append([]string{"runner"}, args...) // the test binary is the runner by this name
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "RUNNER_PLUGIN_DIR=plugins", "RUNNER_STATE_DIR="+w.state)
	out := new(printed)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// printed is what a process has printed so far; it may be read while that goes on.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// summary reads the summary that a run wrote.
func (w *workspace) summary() (s host.Summary) {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "out.json"))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

const syntheticConfig = `
connector "paper" "sim" {
}
strategy "a" {
  plugin = "join"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = 0.01
  }
}
`

// TestKilledHostLeavesNoPlugin kills the host with -9: its strategy processes go too, also one that is suspended, and
// the next host starts in the same folder.
func TestKilledHostLeavesNoPlugin(t *testing.T) {
	w := newWorkspace(t, syntheticConfig+strings.Replace(strings.SplitAfterN(syntheticConfig, "}\n", 2)[1], `"a"`, `"b"`, 1))
	cmd, out := w.runner("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(w.state, host.SocketName)
	waitRunning(t, socket, out)
	client, err := control.DialRunner(socket)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Strategies(context.Background())
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	_ = client.Close()
	_ = syscall.Kill(list[1].PID, syscall.SIGSTOP)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, s := range list {
		for deadline := time.Now().Add(patience); alive(s.PID); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d of strategy %s survives its host", s.PID, s.Name)
			}
		}
	}
	again, out := w.runner("run", "--summary", "out.json")
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	waitRunning(t, socket, out)
	_ = again.Process.Signal(os.Interrupt)
	if err := again.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if s := w.summary(); len(s.Strategies) != 2 {
		t.Errorf("%+v", s)
	}
}

// TestStateFolderOfAnotherHost: a host whose state folder was removed, and is another host's before it could make it
// again, says so once, and is there again when the other one has gone.
func TestStateFolderOfAnotherHost(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, syntheticConfig)
	first, said := w.runner("run")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(w.state, host.SocketName)
	waitRunning(t, socket, said)
	_ = first.Process.Signal(syscall.SIGSTOP) // as if it were all within a moment
	if err := os.RemoveAll(w.state); err != nil {
		t.Fatal(err)
	}
	second, out := w.runner("run")
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	waitRunning(t, socket, out)
	_ = first.Process.Signal(syscall.SIGCONT)
	const lost = "now belongs to another host"
	within(t, "the first host says that it has lost its folder", said, func() bool {
		return strings.Contains(said.String(), lost) && strings.Contains(said.String(), fmt.Sprintf("(process %d)", second.Process.Pid))
	})
	_ = second.Process.Kill() // and leaves its socket
	_ = second.Wait()
	waitRunning(t, socket, said)
	_ = first.Process.Signal(os.Interrupt)
	if err := first.Wait(); err != nil || strings.Count(said.String(), lost) != 1 {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestChildOfKilledHost kills the host with -9 while a strategy has a child: the next host of that state folder ends
// it, and not the host of another one.
func TestChildOfKilledHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("who started a process is found on Linux only")
	}
	const config = `
connector "paper" "sim" {
}
strategy "a" {
  plugin = "ladder"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    orders = 1
    hang   = true
  }
}
`
	w := newWorkspace(t, "runner {\n  stop_timeout = \"100ms\"\n}\n"+config)
	cmd, out := w.runner("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var children []int
	within(t, "the strategy has a child", out, func() bool {
		s, ok := w.strategy("a")
		if ok && s.PID != 0 {
			children = childrenOf(t, s.PID)
		}
		return len(children) > 0
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	other := newWorkspace(t, syntheticConfig)
	next, out := other.runner("run")
	if err := next.Start(); err != nil {
		t.Fatal(err)
	}
	waitRunning(t, filepath.Join(other.state, host.SocketName), out)
	_ = next.Process.Signal(os.Interrupt)
	if err := next.Wait(); err != nil || !alive(children[0]) {
		t.Fatalf("%v; child %d of another host lives: %v\n%s", err, children[0], alive(children[0]), out)
	}
	again, out := w.runner("run")
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "the child is ended", out, func() bool {
		return !alive(children[0]) && strings.Contains(out.String(), fmt.Sprintf("(pid %d)", children[0]))
	})
	_ = again.Process.Signal(os.Interrupt)
	_ = again.Wait() // killed in the end, as its strategy hangs
	_ = syscall.Kill(children[0], syscall.SIGKILL)
}

func waitRunning(t *testing.T, socket string, out fmt.Stringer) {
	t.Helper()
	for deadline := time.Now().Add(patience); allRunning(socket) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the host does not run: %v\n%s", allRunning(socket), out)
		}
	}
}

// alive reports whether a process exists and is no zombie: in a container nobody may ask for the status of orphans.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.HasPrefix(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " Z")
}

// sampleLines returns the first lines of a recording of BTCUSDT at Binance futures.
func sampleLines(tb testing.TB, n int) (lines []string) {
	tb.Helper()
	for _, l := range scantest.Lines(tb, sampletest.Path(tb, "binancefutures", "BTCUSDT"), n) {
		lines = append(lines, fmt.Sprintf("%d %s", l.LocalTimestampNs, l.Message))
	}
	return lines
}

func gzipped(lines []string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, l := range lines {
		_, _ = z.Write([]byte(l + "\n"))
	}
	_ = z.Close() // memory does not fail
	return b.Bytes()
}

func replayConfig(settings string) string {
	return fmt.Sprintf(`
connector "paper" "day" {
  replay {
    format = "binancefutures"
    files  = { BTCUSDT = "btcusdt.gz" }
    %s
  }
}
`, settings) + strings.Replace(strings.SplitAfterN(syntheticConfig, "}\n", 2)[1], `"sim"`, `"day"`, 1)
}

// TestReplaySpeeds replays the beginning of the recorded day at each kind of speed: it ends by itself, with fills.
func TestReplaySpeeds(t *testing.T) {
	t.Parallel()
	lines := sampleLines(t, 2500) // some seven seconds
	for _, speed := range []string{"1", "10", `"max"`} {
		t.Run(strings.Trim(speed, `"`), func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, replayConfig("speed = "+speed))
			if err := os.WriteFile(filepath.Join(w.dir, "btcusdt.gz"), gzipped(lines), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd, out := w.runner("run", "--summary", "out.json")
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			s := w.summary()
			if c := s.Connectors[0]; s.Exit != host.ExitEndOfData || c.Messages != 2500 || c.Gaps != 0 || c.BadMessages != 0 {
				t.Errorf("%+v", s)
			}
			if st := s.Strategies[0]; st.State != "ended" || st.LostEvents != 0 || st.Fills == 0 || st.Events == 0 || st.Instruments[0].BestBid == 0 {
				t.Errorf("%+v\n%s", st, out)
			}
		})
	}
}

// TestDamagedRecordings replays files with a gap, a bad line and a missing end: each is reported with its line and
// counted, or ends the run, as configured, and nothing hangs.
func TestDamagedRecordings(t *testing.T) {
	t.Parallel()
	lines := sampleLines(t, 2500)
	depthAt := func(from int) int {
		for i := from; ; i++ {
			if strings.Contains(lines[i], "depthUpdate") {
				return i
			}
		}
	}
	gapAt := depthAt(1000)
	gap := append(append([]string{}, lines[:gapAt]...), lines[gapAt+1:]...)
	nextDepth := depthAt(gapAt+1) - 1 // where the gap shows, counted without the missing line
	bad := append([]string{}, lines...)
	bad[1200] = bad[1200][:60]
	whole := gzipped(lines)
	for _, test := range []struct {
		name, settings string
		data           []byte
		exit           int
		says           string
		gaps, bad      uint64
	}{
		{"gap", `on_gap = "resync"`, gzipped(gap), 0, fmt.Sprintf("btcusdt.gz:%d:", nextDepth+1), 1, 0},
		{"gap ignored", `on_gap = "ignore"`, gzipped(gap), 0, fmt.Sprintf("btcusdt.gz:%d:", nextDepth+1), 1, 0},
		{"gap fatal", `on_gap = "fatal"`, gzipped(gap), 1, fmt.Sprintf("btcusdt.gz:%d:", nextDepth+1), 0, 0},
		{"bad line", `on_bad_line = "skip"`, gzipped(bad), 0, "btcusdt.gz:1201:", 0, 1},
		{"bad line fatal", `on_bad_line = "fatal"`, gzipped(bad), 1, "btcusdt.gz:1201:", 0, 0},
		{"truncated", `on_bad_line = "skip"`, whole[:len(whole)/2], 0, "btcusdt.gz:", 0, 1},
		{"truncated fatal", `on_bad_line = "fatal"`, whole[:len(whole)/2], 1, "btcusdt.gz:", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, replayConfig("speed = \"max\"\n    "+test.settings))
			if err := os.WriteFile(filepath.Join(w.dir, "btcusdt.gz"), test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd, out := w.runner("run", "--summary", "out.json")
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != test.exit || !strings.Contains(out.String(), test.says) {
				t.Fatalf("exit code %d, want %d and %q:\n%s", code, test.exit, test.says, out)
			}
			if test.exit != 0 {
				return
			}
			c := w.summary().Connectors[0]
			if c.Gaps < test.gaps || c.BadMessages < test.bad || c.Messages == 0 {
				t.Errorf("%+v, want at least %d gaps and %d bad messages", c, test.gaps, test.bad)
			}
		})
	}
}
