package runner

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// statuses returns what the running host says of its strategies, nothing while there is none.
func (w *workspace) statuses() map[string]control.StrategyStatus {
	client, err := control.DialRunner(filepath.Join(w.state, host.SocketName))
	if err != nil {
		return nil
	}
	defer client.Close()
	all, err := client.Strategies(context.Background())
	if err != nil {
		return nil
	}
	byName := map[string]control.StrategyStatus{}
	for i := range all {
		byName[all[i].Name] = all[i]
	}
	return byName
}

// Two venues, of which one cannot be reached at the start: the strategy on the other trades, the one on this waits,
// says why, and trades when the venue is there.
func TestLiveVenueThatComesLate(t *testing.T) {
	t.Parallel()
	late, there := newExchange(t, testexchange.Bybit), newExchange(t, testexchange.BinanceFutures)
	if err := late.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	other := strings.NewReplacer(`"test"`, `"other"`, `strategy "a"`, `strategy "b"`).Replace(there.liveConfig(""))
	w := newWorkspace(t, "runner {\n  backoff_max = \"1s\"\n}\n"+late.liveConfig("")+other)
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "orders at the venue that is there", out, func() bool { return len(there.open()) > 0 })
	within(t, "the other waits and says why", out, func() bool {
		a := w.statuses()["a"]
		return a.State == "backoff" && strings.Contains(a.Reason, "cannot reach the venue") && strings.Contains(a.Reason, "refused")
	})
	if text, code := w.output("start", "a"); code != 1 || !strings.Contains(text, "cannot reach the venue") {
		t.Errorf("start: %d, %s", code, text)
	}
	late.start()
	within(t, "orders at the venue that came late", out, func() bool { return len(late.open()) > 0 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if open := append(late.open(), there.open()...); len(open) > 0 {
		t.Errorf("orders are still open: %v\n%s", open, out)
	}
	for _, s := range w.summary().Strategies {
		if s.State != "stopped" || s.Orders == 0 {
			t.Errorf("%+v\n%s", s, out)
		}
	}
}

// TestVenueNeverReached: a run that ends without having reached its venue says that orders of an earlier one may be
// open there.
func TestVenueNeverReached(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.Bybit)
	if err := e.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	w := newWorkspace(t, e.liveConfig(""))
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "the strategy waits", out, func() bool { return w.statuses()["a"].State == "backoff" })
	_ = cmd.Process.Signal(syscall.SIGINT)
	code, sum := w.wait(cmd), w.summary()
	if code != 6 || !slices.Equal(sum.UnaccountedInstruments, []string{"test BTCUSDT", "test (symbols that no strategy has)"}) ||
		!strings.Contains(out.String(), "the venue has not reported which orders an earlier run has left") {
		t.Errorf("exit code %d, not told of %q\n%s", code, sum.UnaccountedInstruments, out)
	}
}

// TestVenueThatIsSilent: a venue that takes connections and says nothing at the start holds up nobody on another one,
// and its strategy trades when it speaks.
func TestVenueThatIsSilent(t *testing.T) {
	t.Parallel()
	silent, there := newExchange(t, testexchange.Bybit), newExchange(t, testexchange.BinanceFutures)
	f, config := silent.frozen(t, silent.liveConfig(""))
	f.freeze(true)
	other := strings.NewReplacer(`"test"`, `"other"`, `strategy "a"`, `strategy "b"`).Replace(there.liveConfig(""))
	// With the limit that held it up before, none would trade as long as the venue is silent.
	w := newWorkspace(t, "runner {\n  start_timeout = \"10m\"\n}\n"+config+other)
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "orders at the venue that speaks", out, func() bool { return len(there.open()) > 0 })
	if a := w.statuses()["a"]; a.State != "backoff" || !strings.Contains(a.Reason, "the venue has not answered") {
		t.Errorf("%+v", a)
	}
	f.freeze(false)
	within(t, "orders at the venue that was silent", out, func() bool { return len(silent.open()) > 0 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 || len(silent.open())+len(there.open()) > 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestLateVenueRefusesASymbol: a venue that answers late, and has not what one strategy is to trade, is told of once,
// as an error of the configuration; the others on it trade, and what an earlier run has left for the one ends.
func TestLateVenueRefusesASymbol(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	f, before := e.frozen(t, e.ladder(t, `on_exit = "keep"`, "orders = 3"))
	w := newWorkspace(t, before)
	cmd, out := w.begin(e, 3)
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 || len(e.open()) != 3 {
		t.Fatalf("exit code %d, open %v\n%s", code, e.open(), out)
	}
	left := e.open()
	w.write("runner.hcl", strings.NewReplacer("BTCUSDT", "BTCUSDX", "keep", "cancel").Replace(before)+ladderBlock("b", "test", "", "orders = 2"))
	f.freeze(true)
	cmd, again := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "the venue is silent", again, func() bool { return strings.Contains(w.statuses()["a"].Reason, "has not answered") })
	f.freeze(false)
	within(t, "the strategy is given up", again, func() bool { return w.statuses()["a"].State == "failed" })
	if reason := w.statuses()["a"].Reason; !strings.Contains(reason, "runner.hcl:") || !strings.Contains(reason, "the venue rejects BTCUSDX") {
		t.Errorf("it says %s", reason)
	}
	within(t, "what it has left ends, and the other trades", again, func() bool {
		open := e.open()
		return len(open) == 2 && !slices.ContainsFunc(open, func(id string) bool { return slices.Contains(left, id) })
	})
	_ = cmd.Process.Signal(syscall.SIGINT)
	code := w.wait(cmd)
	if n := strings.Count(again.String(), "does not match the venue's instruments"); code != 7 || n != 1 || len(e.open()) > 0 ||
		!strings.Contains(again.String(), "strategy a failed") || strings.Contains(again.String(), "still cannot reach") {
		t.Errorf("exit code %d, said %d times\n%s", code, n, again)
	}
}

// TestFirstQuestionEndsWithTheRun: the question that a silent venue was asked first ends with the run, and an answer
// that nobody has taken is closed.
func TestFirstQuestionEndsWithTheRun(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]bool{"it is silent": false, "it answers": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &quietConnector{closed: make(chan struct{})}
			ctx, end := context.WithCancel(t.Context())
			first := ask(ctx, func() answer {
				if !answers {
					<-ctx.Done()
					return answer{err: ctx.Err()}
				}
				return answer{connector: v}
			})
			end()
			if answers {
				<-v.closed
			}
			if a, ok := <-first; ok && a.err == nil {
				t.Error("it is answered all the same")
			}
		})
	}
}

// quietConnector is one that is closed.
type quietConnector struct {
	connector.Connector
	closed chan struct{}
}

func (p *quietConnector) Close() error {
	close(p.closed)
	return nil
}

// TestEndedBeforeTheVenueAnswers: Ctrl-C while a venue is silent ends the run, which says so and what may be open
// there.
func TestEndedBeforeTheVenueAnswers(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	f, config := e.frozen(t, e.liveConfig(""))
	f.freeze(true)
	w := newWorkspace(t, config)
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "the venue is asked", out, f.asked)
	_ = cmd.Process.Signal(syscall.SIGINT)
	code, sum := w.wait(cmd), w.summary()
	if code != 6 || len(sum.UnaccountedInstruments) != 2 || strings.Contains(out.String(), "context canceled") || !strings.Contains(out.String(), "before the venue answered") && !strings.Contains(out.String(), "has not answered") {
		t.Errorf("exit code %d, not told of %q\n%s", code, sum.UnaccountedInstruments, out)
	}
}
