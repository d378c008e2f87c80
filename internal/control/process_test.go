package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
)

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// logger writes everything to the buffer.
func (l *lockedBuffer) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: l, Level: hclog.Trace, DisableTime: true})
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) await(t testing.TB, text string) {
	t.Helper()
	for ctx := deadline(t); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("log has no %q:\n%.2000s", text, l.String())
		}
	}
}

func TestProcessLifecycle(t *testing.T) {
	p := mustLaunch(t, nil)
	ctx := deadline(t)
	d, err := p.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "fake" || d.Version != "1.2.3" || d.Doc != "For tests, with \uFFFD in it." || len(d.Params) != 2 {
		t.Errorf("description is %+v", d)
	}
	if q := d.Params[0]; q.Required() || q.Default != 0.5 || q.Min == nil || *q.Min != 1 || q.Max != nil {
		t.Errorf("parameter qty is %+v", q)
	}
	if !d.Params[1].Required() {
		t.Error("parameter mode has become optional on the way")
	}
	c := control.Configuration{
		StrategyName: "grid-btc", Params: []byte(`{"mode":"plain"}`),
		Attachment: ipc.Attachment{
			BotID: 1<<63 + 7, ControlFD: 3, Wait: ipc.WaitPark,
			Connectors: []ipc.ConnectorAttachment{{Name: "sim", FeedFD: 4, PrivateFD: 5},
				{Name: "bf", FeedFD: 6, PrivateFD: 7}},
			Instruments: []ipc.InstrumentAttachment{{
				Instrument: ipc.Instrument{Connector: "sim", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001},
				FeedNo:     2,
			}},
		},
		Books: []control.Book{{Depth: "roi", ROILow: 10, ROIHigh: 20, LastTrades: 100}},
	}
	if err := p.Configure(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(ctx, []byte("remember")); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait for a running strategy: %v", err)
	}
	seen := stopSeen(t, p)
	if want := fmt.Sprintf("%+v", c); seen["configuration"] != want {
		t.Errorf("plugin was configured with\n%s\nwant\n%s", seen["configuration"], want)
	}
	if seen["state"] != `true "remember"` {
		t.Errorf("plugin got the state %s", seen["state"])
	}
	exit, err := p.Wait(ctx)
	if err != nil || exit != (control.Exit{Error: "because \uFFFD", EndOfData: true}) {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.ExitError(); !errors.Is(err, control.ErrPluginExited) {
		t.Errorf("after the close the exit error is %v", err)
	}
	if _, err := p.Describe(ctx); !errors.Is(err, control.ErrPluginExited) {
		t.Errorf("a call after the close ends with %v", err)
	}
}

func TestStateNilAndEmptyDiffer(t *testing.T) {
	for _, c := range []struct {
		state []byte
		want  string
	}{{nil, `false ""`}, {[]byte{}, `true ""`}} {
		p := mustLaunch(t, nil)
		if err := p.Start(deadline(t), c.state); err != nil {
			t.Fatal(err)
		}
		if got := stopSeen(t, p)["state"]; got != c.want {
			t.Errorf("state %#v arrived as %s", c.state, got)
		}
	}
}

func TestConfigureErrors(t *testing.T) {
	p := mustLaunch(t, nil)
	err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"wrong"}`)})
	var errs control.ParamErrors
	if !errors.As(err, &errs) || len(errs) != 2 || errs[1] != (control.ParamError{Name: "mode", Problem: "is wrong"}) {
		t.Errorf("wrong parameters are reported as %#v", err)
	}
	err = p.Configure(deadline(t), control.Configuration{Params: []byte(`{`)})
	if err == nil || !strings.Contains(err.Error(), "parse parameters") || errors.Is(err, control.ErrPluginExited) {
		t.Errorf("another error is reported as %v", err)
	}
	if err := p.Start(deadline(t), []byte("bad")); err == nil || !strings.Contains(err.Error(), "cannot restore bad") {
		t.Errorf("a state that cannot be restored is reported as %v", err)
	}
}

func TestKilledPlugin(t *testing.T) {
	p := mustLaunch(t, nil)
	ctx := deadline(t)
	if err := p.Start(ctx, nil); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := p.Wait(ctx)
		waited <- err
	}()
	if err := p.ExitError(); err != nil {
		t.Fatalf("a running plugin has the exit error %v", err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	calls := map[string]func() error{
		"pending wait": func() error { return <-waited },
		"describe":     func() error { _, err := p.Describe(ctx); return err },
		"configure":    func() error { return p.Configure(ctx, control.Configuration{}) },
		"start":        func() error { return p.Start(ctx, nil) },
		"wait":         func() error { _, err := p.Wait(ctx); return err },
		"stop":         func() error { _, err := p.Stop(ctx); return err },
		"exit error":   p.ExitError,
		"signal":       func() error { return p.Signal(syscall.SIGCONT) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, control.ErrPluginExited) || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.Kill(); err != nil {
		t.Errorf("kill of a dead plugin: %v", err)
	}
}

func TestExitDuringCall(t *testing.T) {
	p := mustLaunch(t, nil)
	err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"exit"}`)})
	if !errors.Is(err, control.ErrPluginExited) {
		t.Fatal(err)
	}
	for _, want := range []string{"exit status 7", "panic: in the middle of a call"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestStoppedPluginIsKilledAtOnce(t *testing.T) {
	p := mustLaunch(t, nil)
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// The signal takes a moment to stop every thread, so the first calls may still be answered.
	call := func() error {
		short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_, err := p.Describe(short)
		return err
	}
	err := call()
	for err == nil {
		err = call()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call of a stopped plugin ends with %v", err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
}

func TestCloseEndsStoppedPlugin(t *testing.T) {
	p := mustLaunch(t, nil)
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if running(p.PID()) {
		t.Error("closed plugin still runs")
	}
}

func TestInterruptReachesOnlyTheHost(t *testing.T) {
	p := mustLaunch(t, nil)
	group, err := syscall.Getpgid(p.PID())
	if err != nil || group != p.PID() || group == syscall.Getpgrp() {
		t.Errorf("plugin %d is in the process group %d, %v", p.PID(), group, err)
	}
	// Even one sent to the plugin itself is ignored.
	if err := p.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Describe(deadline(t)); err != nil {
		t.Error(err)
	}
}

func TestExtraFilesAreDescriptorsFrom3(t *testing.T) {
	files := make([]*os.File, 2)
	for i, text := range []string{"control page", "feed segment"} {
		path := filepath.Join(t.TempDir(), "segment")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		files[i] = f
	}
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.ExtraFiles = files })
	if err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"fds"}`)}); err != nil {
		t.Fatal(err)
	}
	seen := stopSeen(t, p)
	if seen["fd3"] != "control page" || seen["fd4"] != "feed segment" {
		t.Errorf("plugin read %q and %q", seen["fd3"], seen["fd4"])
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("BINANCE_SECRET", "hunter2")
	t.Setenv("TZ", "Europe/Zurich")
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.Env = []string{"GIVEN=yes"} })
	if err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"env"}`)}); err != nil {
		t.Fatal(err)
	}
	env := stopSeen(t, p)["env"]
	if strings.Contains(env, "hunter2") {
		t.Error("the host's secret is in the plugin's environment")
	}
	for _, want := range []string{"GIVEN=yes", "TZ=Europe/Zurich", "PATH=" + os.Getenv("PATH")} {
		if !strings.Contains(env, want) {
			t.Errorf("environment has no %s:\n%s", want, env)
		}
	}
}

func TestStrayPrintsGoToTheLog(t *testing.T) {
	log := &lockedBuffer{}
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.Log = log.logger() })
	for range 2 {
		if err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"prints"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	log.await(t, "[INFO]  stdout: stray line on stdout\n")
	log.await(t, "[INFO]  stderr: raw line on descriptor 1\n")
	if _, err := p.Describe(deadline(t)); err != nil {
		t.Error(err)
	}
}

func TestKillTakesTheGroup(t *testing.T) {
	p := mustLaunch(t, nil)
	if err := p.Configure(deadline(t), control.Configuration{Params: []byte(`{"mode":"grandchild"}`)}); err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(stopSeen(t, p)["grandchild"])
	if err != nil {
		t.Fatal(err)
	}
	if !running(grandchild) {
		t.Fatal("the grandchild does not run")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, grandchild)
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := openFiles(t)
	spawner := control.NewSpawner()
	for _, role := range []string{"plugin", "plugin", "exits", "prints-before"} {
		p, err := control.Launch(deadline(t), control.LaunchConfig{Spawner: spawner, Path: os.Args[0],
			Args: []string{role}})
		if (err == nil) != (role == "plugin") {
			t.Fatalf("%s: %v", role, err)
		}
		left, err := os.ReadDir(os.TempDir())
		if err != nil || len(left) != 0 {
			t.Errorf("%s: the temporary folder has %v, %v", role, left, err)
		}
		if p != nil {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := spawner.Close(); err != nil {
		t.Fatal(err)
	}
	for ctx := deadline(t); openFiles(t) > before; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("%d descriptors are open, %d were", openFiles(t), before)
		}
	}
}
