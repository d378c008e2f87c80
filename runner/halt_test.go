package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// open returns how many orders of the strategies the exchange has open on a symbol, on all with an empty one.
func (r *killRig) open(symbol string) (n int) {
	s, err := r.State(r.venue)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range s.Orders {
		if bot, _ := owner(o.ClientID); bot != 0 && (symbol == "" || o.Symbol == symbol) &&
			(o.Status == "New" || o.Status == "PartiallyFilled") {
			n++
		}
	}
	return n
}

// mustRun runs a command that has to succeed.
func (r *killRig) mustRun(out fmt.Stringer, args ...string) string {
	r.t.Helper()
	text, code := r.w.output(args...)
	if code != 0 {
		r.t.Fatalf("runner %s: exit code %d: %s\n%s", strings.Join(args, " "), code, text, out)
	}
	return text
}

// goesOn waits until the strategies have executions on a symbol.
func (r *killRig) goesOn(symbol string, out fmt.Stringer) {
	r.t.Helper()
	before := r.executedOn(symbol)
	within(r.t, "executions on "+symbol, out, func() bool { return r.executedOn(symbol) > before+3 })
}

// TestHalt: halted are an instrument, a connector, or all, by command, signal and file; when the command returns, the
// exchange has no order open there. The rest trades on. A halt outlives kill -9, and ends with runner resume.
func TestHalt(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 31, nil)
			cmd, out := r.begin()
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			r.halt(false)
			r.w.write("go", "")
			r.goesOn("BTCUSDT", out)
			r.mustRun(out, "halt", "test", "BTCUSDT")
			if n := r.open("BTCUSDT"); n != 0 {
				t.Errorf("%d orders are open on a halted instrument\n%s", n, out)
			}
			done := r.executedOn("BTCUSDT")
			r.goesOn("ETHUSDT", out)
			if now := r.executedOn("BTCUSDT"); now != done {
				t.Errorf("%d executions on a halted instrument\n%s", now-done, out)
			}
			text := r.mustRun(out, "halt", "--all")
			if n := r.open(""); n != 0 || !strings.Contains(text, "test BTCUSDT: was halted: runner halt") ||
				!strings.Contains(text, "test ETHUSDT: halted") {
				t.Errorf("%d orders are open: %s\n%s", n, text, out)
			}
			r.executedNothing(out, func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				cmd, out = r.begin()
				r.halt(false)
				r.w.write("go", "")
				within(t, "both are halted", out, func() bool { return r.halted("BTCUSDT") && r.halted("ETHUSDT") })
			})
			r.mustRun(out, "resume", "test")
			r.goesOn("BTCUSDT", out)

			file := filepath.Join(r.w.dir, r.w.state, host.HaltFileName)
			if filepath.IsAbs(r.w.state) {
				file = filepath.Join(r.w.state, host.HaltFileName)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			within(t, "the file halts both", out, func() bool { return r.halted("BTCUSDT") && r.halted("ETHUSDT") && r.open("") == 0 })
			if text, code := r.w.output("resume", "test"); code == 0 || !strings.Contains(text, "remove it first") {
				t.Errorf("resumed beside the file, exit code %d: %s", code, text)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			r.mustRun(out, "resume", "test")
			r.goesOn("ETHUSDT", out)
			if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			within(t, "the signal halts both", out, func() bool { return r.halted("BTCUSDT") && r.halted("ETHUSDT") && r.open("") == 0 })
			r.mustRun(out, "resume", "test", "BTCUSDT")
			r.goesOn("BTCUSDT", out)
			r.whileAway(cmd)
		})
	}
}

// executedNothing fails if something is executed during f.
func (r *killRig) executedNothing(out fmt.Stringer, f func()) {
	r.t.Helper()
	before := r.executed()
	f()
	if now := r.executed(); now != before {
		r.t.Errorf("%d executions while everything was halted\n%s", now-before, out)
	}
}

// whileAway halts while the venue cannot be reached: the command says so, and when the venue is back nothing is open.
func (r *killRig) whileAway(cmd *exec.Cmd) {
	r.t.Helper()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	text, err := os.ReadFile(filepath.Join(r.w.dir, "runner.hcl"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.w.write("runner.hcl", "runner {\n  exit_timeout = \"1s\"\n}\n"+string(text))
	again, out := r.begin()
	defer func() { _, _ = again.Process.Kill(), again.Wait() }()
	r.mustRun(out, "resume", "test")
	r.halt(false)
	r.w.write("go", "")
	r.goesOn("ETHUSDT", out)
	r.halt(true)
	within(r.t, "orders are open", out, func() bool { return r.open("") > 0 })
	if err := r.Close(); err != nil {
		r.t.Error(err)
	}
	if text, code := r.w.output("halt", "--all"); code != 6 || !strings.Contains(text, "new orders are refused, but ") {
		r.t.Errorf("halted while the venue is away: exit code %d: %s\n%s", code, text, out)
	}
	r.start()
	within(r.t, "the venue confirms", out, func() bool {
		_, code := r.w.output("halt", "--all")
		return code == 0
	})
	if n := r.open(""); n != 0 {
		r.t.Errorf("%d orders are open\n%s", n, out)
	}
}
