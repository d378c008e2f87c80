package runner

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestTwoRunnersOnOneAccount: a second runner with the same prefix finds the orders of the first. It says so, sends nothing
// and leaves them alone, while the first trades on. With --take-over it has them; then the first finds orders that it has not
// sent, and stops.
func TestTwoRunnersOnOneAccount(t *testing.T) {
	t.Parallel()
	for no, v := range testexchange.Venues() {
		t.Run(string(v), func(t *testing.T) {
			if no > 0 {
				onlyLong(t)
			}
			t.Parallel()
			e := newExchange(t, v)
			text := e.ladder(t, `on_exit = "keep"`, "orders = 4")
			first, second := newWorkspace(t, text), newWorkspace(t, text)
			cmd, out := first.begin(e, 4)
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			ids := e.open()
			slices.Sort(ids)
			same := func() bool {
				now := e.open()
				slices.Sort(now)
				return slices.Equal(now, ids)
			}
			halted := func(w *workspace) bool {
				in, ok := w.instrument()
				return ok && in.TradingState == "halted"
			}
			const told = "another runner with the same order_prefix trades on the account"

			cmd2, out2 := second.runner("run")
			if err := cmd2.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "the second is told", out2, func() bool { return strings.Contains(out2.String(), told) && halted(second) })
			_ = cmd2.Process.Signal(syscall.SIGINT)
			if code := second.wait(cmd2); code != 0 || !same() || halted(first) || strings.Contains(out.String(), told) {
				t.Fatalf("exit code %d, open %v, before %v, the first is halted: %t\n%s\n%s", code, e.open(), ids,
					halted(first), out2, out)
			}

			second.write("runner.hcl", strings.Replace(text, "orders = 4", "orders = 5", 1))
			cmd2, out2 = second.runner("run", "--take-over")
			if err := cmd2.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "the second has them", out2, func() bool {
				in, ok := second.instrument()
				return ok && in.OpenOrders == 5 && in.TradingState == ""
			})
			within(t, "the first is told", out, func() bool { return strings.Contains(out.String(), told) && halted(first) })
			if strings.Contains(out2.String(), told) {
				t.Errorf("the second is told, too\n%s", out2)
			}
			_ = cmd2.Process.Signal(syscall.SIGINT)
			if code := second.wait(cmd2); code != 0 {
				t.Errorf("exit code %d\n%s", code, out2)
			}
		})
	}
}

// TestStateDirectoryIsLost: orders that an earlier run has left and no journal knows are another runner's, until the operator
// says that there is none.
func TestStateDirectoryIsLost(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.Bybit)
	w := newWorkspace(t, e.ladder(t, `on_exit = "keep"`, "orders = 3"))
	cmd, _ := w.begin(e, 3)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := errors.Join(os.RemoveAll(w.state), os.Mkdir(w.state, 0o700)); err != nil {
		t.Fatal(err)
	}
	cmd, out := w.runner("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "it says how to go on", out, func() bool { return strings.Contains(out.String(), "runner run --take-over") })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if open := e.open(); len(open) != 3 {
		t.Fatalf("open are %v\n%s", open, out)
	}
	cmd, list := w.begin(e, 3, "--take-over")
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 || len(e.open()) != 3 {
		t.Errorf("exit code %d, open %v\n%s", code, e.open(), list)
	}
}
