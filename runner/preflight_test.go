package runner

import (
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// TestAccountInHedgeMode: an account in hedge mode is found before any order goes. All strategies on the connector
// wait, the
// reason is said once, and they trade when the mode is changed at the venue.
func TestAccountInHedgeMode(t *testing.T) {
	t.Parallel()
	for _, v := range []testexchange.Venue{testexchange.BinanceFutures, testexchange.Bybit} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			hedge := func(on bool) {
				if err := e.Happen(v, venue.Happening{Kind: "hedge", Account: testexchange.DefaultAPIKey,
					Hedge: on}); err != nil {
					t.Fatal(err)
				}
			}
			hedge(true)
			text := e.liveConfig("")
			second := strings.Replace(text[strings.Index(text, "strategy"):], `strategy "a"`, `strategy "b"`, 1)
			w := newWorkspace(t, "runner {\n  backoff_min = \"10ms\"\n  backoff_max = \"100ms\"\n}\n"+text+second)
			cmd, out := w.runner("run")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			asked := func() (n int) {
				s, err := e.State(v)
				if err != nil {
					t.Fatal(err)
				}
				for what, count := range s.Requests {
					if strings.Contains(what, "positionSide/dual") || strings.Contains(what, "position/list") {
						n += count
					}
				}
				if len(s.Submits) > 0 {
					t.Fatalf("orders were sent: %v\n%s", s.Submits, out)
				}
				return n
			}
			within(t, "the venue is asked again", out, func() bool { return asked() > 6 })
			for name, s := range w.statuses() {
				if s.State != "backoff" || !strings.Contains(s.Reason, "the account cannot be traded") ||
					!strings.Contains(s.Reason, "hedge") || !strings.Contains(s.Reason, "one-way") {
					t.Errorf("%s: %+v", name, s)
				}
			}
			if n := strings.Count(out.String(), "the account cannot be traded"); n != 1 {
				t.Errorf("it was said %d times\n%s", n, out)
			}
			hedge(false)
			within(t, "both trade", out, func() bool {
				all := w.statuses()
				return all["a"].State == "running" && all["b"].State == "running" && len(e.open()) > 0
			})
			_ = cmd.Process.Signal(syscall.SIGINT)
			if code := w.wait(cmd); code != 0 {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
}

// TestEndWhileTheAccountIsUnfit: a run that ends while the account cannot be traded does not know what an earlier one has left
// there: it says so, by exit code 6 and the name of the instrument.
func TestEndWhileTheAccountIsUnfit(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	if err := e.Happen(e.venue, venue.Happening{Kind: "hedge", Account: testexchange.DefaultAPIKey, Hedge: true}); err != nil {
		t.Fatal(err)
	}
	w := newWorkspace(t, "runner {\n  exit_timeout = \"1s\"\n}\n"+e.liveConfig(""))
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "it waits", out, func() bool { return strings.Contains(w.statuses()["a"].Reason, "the account cannot be traded") })
	_ = cmd.Process.Signal(syscall.SIGINT)
	code, sum := w.wait(cmd), w.summary()
	if code != 6 || len(sum.UnaccountedInstruments) != 2 || !strings.Contains(sum.UnaccountedInstruments[0], "BTCUSDT") {
		t.Errorf("exit code %d, %v\n%s", code, sum.UnaccountedInstruments, out)
	}
}
