package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// memoryRig is a host on an exchange with one strategy that remembers, a.
type memoryRig struct {
	t   *testing.T
	w   *workspace
	cmd *exec.Cmd
	out fmt.Stringer
}

func newMemoryRig(t *testing.T) *memoryRig {
	t.Helper()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, `runner {
  backoff_min = "10ms"
  backoff_max = "20ms"
  crash_loop_restarts = 3
}
`+strings.NewReplacer(`plugin = "join"`, `plugin = "rememberer"`, `order_qty = 0.01`, "", `interval  = "250ms"`, "").
		Replace(e.liveConfig("")))
	if err := w.install("rememberer"); err != nil {
		t.Fatal(err)
	}
	return &memoryRig{t: t, w: w}
}

// run starts the host, kill ends it with -9.
func (r *memoryRig) run(args ...string) {
	r.t.Helper()
	r.remove("began")
	r.cmd, r.out = r.w.runner(append([]string{"run"}, args...)...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *memoryRig) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (r *memoryRig) remove(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.w.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
}

// begins waits until a process has begun with a state.
func (r *memoryRig) begins(state string) {
	r.t.Helper()
	text := ""
	within(r.t, "it begins", r.out, func() bool {
		b, err := os.ReadFile(filepath.Join(r.w.dir, "began"))
		text = string(b)
		return err == nil
	})
	if !strings.HasPrefix(text, "["+state+"] ") {
		r.t.Fatalf("it begins with %s, want [%s]\n%s", text, state, r.out)
	}
	within(r.t, "it runs", r.out, func() bool { return strings.Contains(r.ps(), "running") })
}

// says waits for a text in the host's log.
func (r *memoryRig) says(text string) {
	r.t.Helper()
	within(r.t, text, r.out, func() bool { return strings.Contains(r.out.String(), text) })
}

func (r *memoryRig) ps() string {
	text, _ := r.w.output("ps") // there may be no host yet
	return text
}

// command has to succeed.
func (r *memoryRig) command(args ...string) {
	r.t.Helper()
	if text, code := r.w.output(args...); code != 0 && !strings.Contains(text, "it starts when that is over") {
		r.t.Fatalf("%v: exit code %d\n%s\n%s", args, code, text, r.out)
	}
}

// TestSavedState: what SaveState has returned is what the next process is given, whatever has ended the host between.
func TestSavedState(t *testing.T) {
	t.Parallel()
	r := newMemoryRig(t)
	r.run()
	r.begins("")
	r.remove("began")
	r.command("restart", "a")
	r.begins("+")
	r.kill() // which saves nothing, so the next process is given the same
	r.run()
	r.begins("+")
	r.says("continues with its saved state")
	_ = r.cmd.Process.Signal(os.Interrupt)
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, r.out)
	}
	r.run()
	r.begins("++")
	r.command("stop", "a")
	r.remove("began")
	r.command("start", "a")
	r.begins("+++")

	// A state that is refused stays.
	r.kill()
	r.w.write("refuse", "")
	r.run()
	r.says("a state from another world")
	r.says("its saved state is kept in")
	r.says("crash-loop limit reached")
	r.kill()
	r.remove("refuse")
	r.run()
	r.says("given up in an earlier run")
	r.command("start", "a")
	r.begins("+++")
	r.command("stop", "a")
	r.remove("began")
	r.command("start", "--discard-state", "a")
	r.begins("")
	r.kill()
	r.run()
	r.begins("")

	r.remove("began")
	r.command("restart", "a")
	r.begins("+")
	r.kill()
	r.run("--fresh")
	r.says("ignored because of --fresh: saved_state=1")
	r.begins("")
	r.kill()
}

// TestDamagedState: a saved state that is not what was saved is not given to anybody.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	r := newMemoryRig(t)
	r.run()
	r.begins("")
	r.remove("began")
	r.command("restart", "a")
	r.begins("+")
	r.kill()
	files, err := filepath.Glob(filepath.Join(r.w.state, "saved", "a-*.state"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("-"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run()
	r.says("saved state cannot be read")
	r.begins("")
	r.kill()
}

// TestStoppedStaysStopped: a strategy that was stopped by command or given up does not start with the next host, with
// --fresh neither, until it is told to.
func TestStoppedStaysStopped(t *testing.T) {
	t.Parallel()
	r := newMemoryRig(t)
	r.run()
	r.begins("")
	r.command("stop", "a")
	for _, args := range [][]string{nil, {"--fresh"}} {
		r.kill()
		r.run(args...)
		r.says("the strategy is not started")
		within(t, "stopped", r.out, func() bool { return strings.Contains(r.ps(), "stopped by command in an earlier run") })
	}
	r.command("start", "a")
	r.begins("")
	r.kill()
	r.run()
	r.begins("")
	r.kill()

	r.w.write("crash", "")
	r.run()
	r.says("crash-loop limit reached")
	r.kill()
	r.remove("crash")
	r.run()
	r.says("given up in an earlier run")
	within(t, "failed", r.out, func() bool { return strings.Contains(r.ps(), "failed") })
	r.command("start", "a")
	r.begins("")
	r.kill()
	r.run()
	r.begins("")
	r.kill()
	text, _ := r.w.output("events", "--output", "json")
	for _, want := range []string{`"held"`, "given_up: ", "stopped", "started by command"} {
		if !strings.Contains(text, want) {
			t.Errorf("the events lack %q:\n%s", want, text)
		}
	}
}
