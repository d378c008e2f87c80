package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
)

// TestMain lets the test binary be a plugin or a host as well: its first argument says which. Tests start it with
// real processes, so nothing here runs in process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		roles := roles()
		maps.Copy(roles, systemRoles())
		if role, ok := roles[os.Args[1]]; ok {
			role()
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if code == 0 {
			if err := noChildren(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		os.Exit(code)
	}))
}

// roles are the roles of a process of the test binary.
func roles() map[string]func() {
	serve := func(s control.Strategy) {
		if err := control.ServeStrategy(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	return map[string]func(){
		"plugin": func() { serve(newFakeStrategy()) },
		// An embedded interface hides the backtest, as a plugin has none that was built before.
		"old":           func() { serve(struct{ control.Strategy }{newFakeStrategy()}) },
		"prints-before": func() { fmt.Println("hello there"); serve(newFakeStrategy()) },
		"prints-glued":  func() { fmt.Print("hello "); serve(newFakeStrategy()) },
		"exits":         func() { fmt.Fprintln(os.Stderr, "cannot find my licence"); os.Exit(3) },
		"panics":        func() { panic("no luck today") },
		"silent":        func() { time.Sleep(time.Hour) },
		"closes-stdout": func() { _ = os.Stdout.Close(); time.Sleep(time.Hour) },
		"future-version": func() {
			fmt.Println("1|99|unix|/nonexistent|grpc|")
			time.Sleep(time.Hour)
		},
		"dies-after-handshake": func() {
			fmt.Printf("1|%d|unix|/nonexistent|grpc|\n", control.APIVersion)
			fmt.Fprintln(os.Stderr, "panic: after all")
			os.Exit(2)
		},
		"host": runHost,
	}
}

// fakeStrategy is the plugin's side of the tests: it shows what it got through the state that Stop returns.
type fakeStrategy struct {
	mu     sync.Mutex
	seen   map[string]string
	stop   chan struct{}
	ended  chan struct{}
	closer sync.Once
}

func newFakeStrategy() *fakeStrategy {
	return &fakeStrategy{seen: map[string]string{}, stop: make(chan struct{}), ended: make(chan struct{})}
}

func (f *fakeStrategy) Describe(context.Context) (control.Description, error) {
	lo := 1.0
	return control.Description{
		Name: "fake", Version: "1.2.3", Doc: "For tests, with \xff in it.",
		Params: []settings.Setting{
			{Name: "qty", Type: settings.Float, Default: 0.5, Min: &lo},
			{Name: "mode", Type: settings.String},
		},
	}, nil
}

func (f *fakeStrategy) Configure(_ context.Context, c control.Configuration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var params struct{ Mode, Run string }
	if err := json.Unmarshal(c.Params, &params); err != nil {
		return fmt.Errorf("parse parameters: %w", err)
	}
	f.seen["configuration"] = fmt.Sprintf("%+v", c)
	switch params.Mode {
	case "wrong":
		return control.ParamErrors{{Name: "qty", Problem: "is too much"}, {Name: "mode", Problem: "is wrong"}}
	case "prints":
		fmt.Println("stray line on stdout")
		_, _ = syscall.Write(1, []byte("raw line on descriptor 1\n"))
		fmt.Print(strings.Repeat("x", 200_000), "\n")
	case "fds":
		for fd := 3; fd <= 4; fd++ {
			b := make([]byte, 64)
			n, err := syscall.Pread(fd, b, 0)
			if err != nil {
				return fmt.Errorf("read descriptor %d: %w", fd, err)
			}
			f.seen[fmt.Sprintf("fd%d", fd)] = string(b[:n])
		}
	case "env":
		f.seen["env"] = strings.Join(os.Environ(), "\n")
	case "grandchild":
		// Inherits the outputs: what it leaves open must not keep the host waiting.
		cmd := exec.Command("sleep", "300")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.NewFile(2, "stderr")
		if err := cmd.Start(); err != nil {
			return err
		}
		f.seen["grandchild"] = fmt.Sprint(cmd.Process.Pid)
	case "shell":
		if out, err := exec.Command("sh", "-c", params.Run).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	case "exit":
		fmt.Fprintln(os.NewFile(2, "stderr"), "panic: in the middle of a call")
		os.Exit(7)
	}
	return nil
}

func (f *fakeStrategy) Start(_ context.Context, state []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen["state"] = fmt.Sprintf("%t %q", state != nil, state)
	if string(state) == "bad" {
		return errors.New("cannot restore bad")
	}
	go func() {
		defer close(f.ended)
		<-f.stop
	}()
	return nil
}

func (f *fakeStrategy) Wait(ctx context.Context) (control.Exit, error) {
	select {
	case <-f.ended:
		return control.Exit{Error: "because \xfe", EndOfData: true}, nil
	case <-ctx.Done():
		return control.Exit{}, ctx.Err()
	}
}

func (f *fakeStrategy) Stop(context.Context) ([]byte, error) {
	f.closer.Do(func() { close(f.stop) })
	f.mu.Lock()
	defer f.mu.Unlock()
	return json.Marshal(f.seen)
}

func (f *fakeStrategy) Suspend(context.Context) ([]byte, error) { return nil, control.ErrUnsupported }
func (f *fakeStrategy) Resume(context.Context) error            { return control.ErrUnsupported }

// runHost is an intermediate host: it starts a plugin, prints its process number and waits to be killed.
func runHost() {
	spawner := control.NewSpawner()
	p, err := control.Launch(context.Background(), control.LaunchConfig{
		Spawner: spawner, Path: os.Args[0], Args: os.Args[2:],
	})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	time.Sleep(time.Hour)
}

// launch starts the test binary in a role and ends it with the test.
func launch(t testing.TB, role string, change func(*control.LaunchConfig)) (*control.Process, error) {
	t.Helper()
	spawner := control.NewSpawner()
	t.Cleanup(func() { _ = spawner.Close() })
	cfg := control.LaunchConfig{Spawner: spawner, Path: os.Args[0], Args: []string{role}}
	if change != nil {
		change(&cfg)
	}
	p, err := control.Launch(context.Background(), cfg)
	if err == nil {
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return p, err
}

func mustLaunch(t testing.TB, change func(*control.LaunchConfig)) *control.Process {
	t.Helper()
	p, err := launch(t, "plugin", change)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stopSeen stops the plugin and returns what it has seen.
func stopSeen(t testing.TB, p *control.Process) map[string]string {
	t.Helper()
	state, err := p.Stop(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	if err := json.Unmarshal(state, &seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// deadline returns a context that keeps a broken test from hanging; nothing is asserted about it.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// awaitGone waits for the end of a process that is not ours, as long as it takes: the test's own timeout is the limit.
func awaitGone(t testing.TB, pid int) {
	t.Helper()
	for running(pid) {
		time.Sleep(5 * time.Millisecond)
	}
}

// running reports whether there is such a process and it is not a zombie.
func running(pid int) bool {
	if runtime.GOOS != "linux" {
		return syscall.Kill(pid, 0) == nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// noChildren reports processes that a test has left behind.
func noChildren() error {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return err
	}
	for _, list := range lists {
		pids, _ := os.ReadFile(list)
		if len(pids) > 0 {
			return fmt.Errorf("tests left child processes %s", pids)
		}
	}
	return nil
}

// openFiles counts the process's descriptors.
func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
