package host_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// breakPlugin replaces a plugin by a program that is not one.
func breakPlugin(t *testing.T, dir, name string) {
	t.Helper()
	bad := filepath.Join(dir, ".bad")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(bad, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestCrashStartsWhatRanLast kills a strategy while the plugin directory holds a binary that a hot restart has
// refused.
func TestCrashStartsWhatRanLast(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	cfg.Strategies[0].OnChange = host.IgnoreChange
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	breakPlugin(t, cfg.PluginDir, "quoter")
	if _, err := r.host.Restart(context.Background(), "grid", false); err == nil {
		t.Fatal("a broken binary was taken")
	}
	for range 2 {
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		before = r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	}
	if err := os.RemoveAll(cfg.PluginDir); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
}

// TestCrashStartsWhatRanLastWithoutItsCopy kills a strategy when its copy is gone with the state directory, and the
// plugin directory holds another.
func TestCrashStartsWhatRanLastWithoutItsCopy(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	cfg.Strategies[0].OnChange = host.IgnoreChange
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	breakPlugin(t, cfg.PluginDir, "quoter")
	for range 2 {
		if err := os.RemoveAll(filepath.Join(cfg.StateDir, "bin")); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		before = r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	}
}

// TestFullDiskStartsTheCopy kills and restarts a strategy when binaries can no longer be copied.
func TestFullDiskStartsTheCopy(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("grid", "running", running)

	// A limit on the size of files stands for the full disk: it is there without privileges.
	info, err := os.Stat(filepath.Join(cfg.PluginDir, "quoter"))
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	full := old
	full.Cur = uint64(info.Size() - 1)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) }()

	if _, err := r.host.Restart(context.Background(), "grid", false); err != nil {
		t.Errorf("restart of the same binary: %v", err)
	}
	before = r.status("grid")
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
}

// TestPluginFolderMadeAgain replaces a binary by way of a new plugin directory.
func TestPluginFolderMadeAgain(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	for i := range 2 {
		if err := os.RemoveAll(cfg.PluginDir); err != nil {
			t.Fatal(err)
		}
		next := filepath.Join(filepath.Dir(cfg.PluginDir), "next")
		if err := os.Mkdir(next, 0o700); err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, self, filepath.Join(next, "quoter"), 1+i)
		if err := os.Rename(next, cfg.PluginDir); err != nil {
			t.Fatal(err)
		}
		before = r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	}
	copyFile(t, filepath.Join(cfg.PluginDir, "quoter"), filepath.Join(cfg.PluginDir, "quoter"), 1)
	r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
}

// TestPluginFolderMadeAgainAtOnce removes the plugin directory and makes it again before anybody looks: the new one
// may well have the number of the old one.
func TestPluginFolderMadeAgainAtOnce(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	for i := range 3 {
		if err := errors.Join(os.RemoveAll(cfg.PluginDir), os.Mkdir(cfg.PluginDir, 0o700)); err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, self, filepath.Join(cfg.PluginDir, "quoter"), 1+i)
		before = r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	}
}

// restarting is a strategy whose hot restart waits for a process that does not come up.
func restarting(t *testing.T) (r *rig, before control.StrategyStatus, outcome <-chan error) {
	t.Helper()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	cfg.Strategies[0].OnChange = host.IgnoreChange
	cfg.Supervision.StartTimeout = 10 * patience
	r = start(t, cfg)
	before = r.until("grid", "running", running)
	hangs, copied := filepath.Join(cfg.PluginDir, ".hangs"), filepath.Join(cfg.StateDir, "bin")
	if err := os.WriteFile(hangs, []byte("#!/bin/sh\nexec sleep 3000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(hangs, filepath.Join(cfg.PluginDir, "quoter")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := r.host.Restart(context.Background(), "grid", false)
		ended <- err
	}()
	r.until("grid", "the new binary is taken", func(control.StrategyStatus) bool {
		copies, err := os.ReadDir(copied)
		return err == nil && len(copies) == 2
	})
	return r, before, ended
}

// TestDeathDuringHotRestart kills a strategy while its next process does not come up: it is not waited for.
func TestDeathDuringHotRestart(t *testing.T) {
	r, before, outcome := restarting(t)
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("grid", "a new process of the old binary", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	if err := <-outcome; err == nil || !strings.Contains(err.Error(), "ended before the new one was ready") {
		t.Errorf("restart: %v", err)
	}
}

// TestStopDuringHotRestart stops a strategy while its next process does not come up: it is not waited for.
func TestStopDuringHotRestart(t *testing.T) {
	r, _, outcome := restarting(t)
	if _, err := r.host.Restart(context.Background(), "grid", false); err == nil || !strings.Contains(err.Error(), "being restarted already") {
		t.Errorf("a second restart: %v", err)
	}
	if _, err := r.host.Stop(context.Background(), "grid"); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := <-outcome; err == nil || !strings.Contains(err.Error(), "stopped before the new process was ready") {
		t.Errorf("restart: %v", err)
	}
	r.until("grid", "stopped", func(s control.StrategyStatus) bool { return s.State == "stopped" && s.Instruments[0].OpenOrders == 0 })
}

// TestStrategyThatDoesNotStartIsTriedAgain runs a strategy whose process ends before it is a plugin, until it may.
func TestStrategyThatDoesNotStartIsTriedAgain(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.CrashLoopRestarts = 1000
	cfg.Strategies = []host.StrategyConfig{strategyOf("good", "quoter", quoterParams{}), strategyOf("late", "late", struct{}{})}
	r := start(t, cfg)
	late := r.until("late", "backoff", func(s control.StrategyStatus) bool { return s.State == "backoff" })
	if !strings.Contains(late.Reason, "exit status 3") {
		t.Errorf("%+v", late)
	}
	r.until("good", "fills", func(s control.StrategyStatus) bool { return s.Fills > 0 })
	if err := os.WriteFile(filepath.Join(cfg.StateDir, "bin", "ready"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.until("late", "running", running)
}

// TestReplayWaitsForAStrategy replays at full speed with one strategy that starts at the third attempt and one that
// fails permanently: the first sees the whole market, and the run ends.
func TestReplayWaitsForAStrategy(t *testing.T) {
	cfg := newConfig(t, 0, 4*time.Second)
	cfg.Strategies = []host.StrategyConfig{strategyOf("good", "sleeper", struct{}{}), strategyOf("third", "third", struct{}{}),
		strategyOf("never", "exits", struct{}{})}
	r := start(t, cfg)
	sum := r.await()
	if r.err != nil || sum.Exit != host.ExitEndOfData {
		t.Fatalf("exit %s, %v", sum.Exit, r.err)
	}
	good, third, never := sum.Strategies[0], sum.Strategies[1], sum.Strategies[2]
	if third.State != "ended" || third.Events == 0 || third.Events != good.Events {
		t.Errorf("%+v\n%+v", good, third)
	}
	if never.State != "failed" || !strings.Contains(never.Reason, "exit status 3") {
		t.Errorf("%+v", never)
	}
}

// TestMisconfiguredStrategyEndsTheHost has a plugin that is not there.
func TestMisconfiguredStrategyEndsTheHost(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("good", "quoter", quoterParams{}), strategyOf("bad", "nowhere", struct{}{})}
	r := start(t, cfg)
	sum := r.await()
	if r.err == nil || sum.Exit != host.ExitError || !strings.Contains(r.err.Error(), "nowhere") {
		t.Errorf("exit %s, %v", sum.Exit, r.err)
	}
}

// TestStateThatCannotBeSaved restarts strategies whose SaveState goes wrong: the old process trades on, and gives way only
// when its state may be lost.
func TestStateThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	for saving, says := range map[string]string{"fails": "the disk of the state is full", "panics": "no state today",
		"hangs": "SaveState has not returned", "large": "at most"} {
		t.Run(saving, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, 1, 0)
			if saving == "hangs" { // for longer than a strategy may make no call
				cfg.Supervision.StopTimeout, cfg.Supervision.HeartbeatTimeout = 3*time.Second, 2*time.Second
			}
			cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{Saving: saving})}
			r := start(t, cfg)
			before := r.until("grid", "fills", func(s control.StrategyStatus) bool { return s.Fills > 0 })
			_, err := r.host.Restart(context.Background(), "grid", false)
			if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "keeps running") {
				t.Fatalf("restart: %v", err)
			}
			now := r.status("grid")
			after := r.until("grid", "more fills and orders", func(s control.StrategyStatus) bool {
				return s.Fills > now.Fills && s.Orders > now.Orders
			})
			if after.PID != before.PID || after.State != "running" || after.Restarts != 0 || after.LostEvents != 0 {
				t.Errorf("%+v", after)
			}
			result, err := r.host.Restart(context.Background(), "grid", true)
			if err != nil || result.NewPID == before.PID || !strings.Contains(result.StateLost, "save the state") {
				t.Fatalf("restart without state: %+v, %v", result, err)
			}
			if alive(before.PID) {
				t.Error("the old process is left")
			}
			r.until("grid", "fills", func(s control.StrategyStatus) bool { return s.Fills > after.Fills })
		})
	}
}

// TestRunEndsWhileAStrategyIsStarted: it has not failed.
func TestRunEndsWhileAStrategyIsStarted(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "stuck", struct{}{})}
	cfg.Strategies[0].Disabled = true
	r := start(t, cfg)
	answered := make(chan error)
	go func() {
		_, err := r.host.Start(context.Background(), "a", false)
		answered <- err
	}()
	r.until("a", "starting", func(s control.StrategyStatus) bool { return s.State == "starting" })
	sum := r.end()
	if err := <-answered; err == nil || sum.Strategies[0].State != "stopped" {
		t.Errorf("%v, %+v", err, sum.Strategies[0])
	}
}

// old is the process of a plugin that was built before there was Suspend, and that does not stop gracefully.
type old struct{}

func (old) Describe(context.Context) (control.Description, error) {
	return control.Description{Name: "old", Version: "0.9.0"}, nil
}
func (old) Configure(context.Context, control.Configuration) error { return nil }
func (old) Start(context.Context, []byte) error                    { return nil }
func (old) Wait(ctx context.Context) (control.Exit, error) {
	<-ctx.Done()
	return control.Exit{}, ctx.Err()
}
func (old) Stop(context.Context) ([]byte, error)    { return nil, errors.New("no state today") }
func (old) Suspend(context.Context) ([]byte, error) { return nil, control.ErrUnsupported }
func (old) Resume(context.Context) error            { return control.ErrUnsupported }

// TestOldPluginIsStartedAgain restarts a strategy that can neither be suspended nor stopped gracefully: it is killed,
// which is logged.
func TestOldPluginIsStartedAgain(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.StartTimeout = 3 * time.Second // it never takes a step, which is waited for
	cfg.Supervision.HeartbeatTimeout = time.Hour
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "old", struct{}{})}
	r := start(t, cfg)
	before := r.until("a", "running", running)
	if _, err := r.host.Restart(context.Background(), "a", false); err == nil || !strings.Contains(err.Error(), "is started again") {
		t.Errorf("restart: %v", err)
	}
	r.until("a", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
}

// TestChildrenEndWithTheirStrategy has a strategy whose children have sessions of their own; whichever way it ends, they
// end with it, and those of another strategy do not.
func TestChildrenEndWithTheirStrategy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says who was started by whom")
	}
	cfg := newConfig(t, 1, 0)
	dir := t.TempDir()
	breeder := func(name string) host.StrategyConfig {
		return strategyOf(name, "breeder", map[string]string{"out": filepath.Join(dir, name)})
	}
	cfg.Strategies = []host.StrategyConfig{breeder("one"), breeder("other")}
	r := start(t, cfg)
	children := func(name string) (pids [2]int) {
		deadline := time.Now().Add(patience)
		for {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if n, _ := fmt.Sscan(string(text), &pids[0], &pids[1]); err == nil && n == 2 {
				return pids
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: no children: %q, %v", name, text, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	gone := func(pids [2]int) {
		t.Helper()
		for _, pid := range pids {
			for deadline := time.Now().Add(patience); sleeps(pid); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("process %d is left", pid)
				}
			}
		}
	}
	others := children("other")
	first := children("one")
	forget := func() {
		if err := os.Remove(filepath.Join(dir, "one")); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(dir, "one.new"))
	}
	pid := r.status("one").PID
	forget()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(first)
	second := children("one")
	r.until("one", "running again", running)
	forget()
	if _, err := r.host.Restart(context.Background(), "one", false); err != nil {
		t.Fatal(err)
	}
	gone(second)
	third := children("one")
	if _, err := r.host.Stop(context.Background(), "one"); err != nil {
		t.Fatal(err)
	}
	gone(third)
	if !sleeps(others[0]) || !sleeps(others[1]) {
		t.Error("children of another strategy were ended")
	}
	sum := r.end()
	gone(others)
	for _, s := range sum.Strategies {
		if len(s.LeftProcesses) > 0 {
			t.Errorf("%+v", s)
		}
	}
}

// sleeps reports whether a process is there and runs sleep.
func sleeps(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(text), "sleep")
}

// TestStateFolderRemoved removes the state directory of a running host: it can still be asked and attached to, and a
// strategy comes back although the copy of its binary is gone.
func TestStateFolderRemoved(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	for range 2 {
		if err := os.Rename(cfg.StateDir, filepath.Join(t.TempDir(), "gone")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{host.SocketName, host.AttachSocketName} {
			for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
				conn, err := net.Dial("unix", filepath.Join(cfg.StateDir, name))
				if err == nil {
					_ = conn.Close()
					break
				}
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
		}
		client, err := control.DialRunner(filepath.Join(cfg.StateDir, host.SocketName))
		if err != nil {
			t.Fatal(err)
		}
		if list, err := client.Strategies(context.Background()); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		_ = client.Close()
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		before = r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	}
}

// TestRefusedBinaryIsTriedOnce writes a broken binary in pieces over one that runs: it is refused once and not for each piece.
func TestRefusedBinaryIsTriedOnce(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{})}
	path := filepath.Join(cfg.PluginDir, "quoter")
	copyFile(t, path, path, 0) // not a link to this program
	var said lockedLog
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: &said}))
	r.until("grid", "running", running)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pieces := func(n int) {
		for i := range n {
			if _, err := fmt.Fprintf(f, "#!/bin/sh\n# %d\nexit 1\n", i); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(cfg.PluginDir, ".other"), nil, 0o600); err != nil { // an event in between
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
	}
	pieces(50)
	const refused = "new binary not used"
	for deadline := time.Now().Add(patience); !strings.Contains(said.String(), refused); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not refused")
		}
	}
	time.Sleep(2 * time.Second)
	if n := strings.Count(said.String(), refused); n != 1 {
		t.Errorf("tried %d times\n%s", n, said.String())
	}
}

// TestBinaryThatWasMissing: a strategy that failed permanently because the plugin directory had no such plugin starts
// when it has, and no longer counts as failed permanently.
func TestBinaryThatWasMissing(t *testing.T) {
	t.Parallel()
	there := new(atomic.Bool)
	cfg := unreachedConfig(t, &recalling{knows: true}, there)
	path := filepath.Join(cfg.PluginDir, "sleeper")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r := start(t, cfg)
	r.until("seven", "waits", func(s control.StrategyStatus) bool { return s.State == "backoff" })
	there.Store(true)
	r.until("seven", "is given up", func(s control.StrategyStatus) bool {
		return s.State == "failed" && strings.Contains(s.Reason, "no plugin")
	})
	copyFile(t, filepath.Join(cfg.PluginDir, "panics"), path, 0)
	r.until("seven", "runs", running)
	for _, st := range r.end().Strategies {
		if st.Name == "seven" && st.State != "stopped" {
			t.Errorf("one that runs again is at the end %s: %s", st.State, st.Reason)
		}
	}
}

// TestNewBinaryOfOneGivenUp: a strategy that failed permanently is tried again with a new binary, unless it was
// stopped by hand.
func TestNewBinaryOfOneGivenUp(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.CrashLoopRestarts = 1
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "panics", struct{}{})}
	var said lockedLog
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: &said}))
	failed := func(s control.StrategyStatus) bool { return s.State == "failed" }
	r.until("grid", "is given up", failed)
	path := filepath.Join(cfg.PluginDir, "panics")
	givenUp := func() int { return strings.Count(said.String(), "strategy failed permanently") }
	copyFile(t, path, path, 8)
	for deadline := time.Now().Add(patience); givenUp() < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not tried again\n%s", said.String())
		}
	}
	r.until("grid", "is given up again", failed)
	if _, err := r.host.Restart(context.Background(), "grid", true); err == nil || !strings.Contains(err.Error(), "is not running") {
		t.Errorf("error is %v", err)
	}
	if _, err := r.host.Stop(context.Background(), "grid"); err != nil {
		t.Error(err)
	}
	copyFile(t, path, path, 16)
	time.Sleep(time.Second)
	if n := givenUp(); n != 2 {
		t.Errorf("given up %d times", n)
	}
}
