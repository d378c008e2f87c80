package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// accountAnswer is what verify-account says.
type accountAnswer struct {
	Orders, Executions, Foreign int
	Differences                 []struct {
		What       string
		ClientID   string  `json:"client_id"`
		JournalQty float64 `json:"journal_qty"`
		VenueQty   float64 `json:"venue_qty"`
	}
}

// TestVerifyAccount: what was executed is in the journal and at the venue. A journal of before lacks something, and a
// venue that has forgotten everything lacks all.
func TestVerifyAccount(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			w := newWorkspace(t, e.liveConfig(""))
			trade := func() (executions int) {
				t.Helper()
				before := len(e.executions())
				cmd, out := w.runner("run")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				within(t, "three more executions", out, func() bool { return len(e.executions()) >= before+3 })
				_ = cmd.Process.Signal(syscall.SIGINT)
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return len(e.executions())
			}
			verify := func() (a accountAnswer, code int) {
				time.Sleep(time.Second) // what is newer than some seconds is not compared, and the venue limits questions
				code = w.json(&a, "verify-account", "--output", "json")
				return a, code
			}
			agrees := func(executions int) {
				t.Helper()
				var last string
				within(t, "all agrees", printer{&last}, func() bool {
					a, code := verify()
					last = fmt.Sprintf("exit code %d, %+v, %d executions", code, a, executions)
					if code != 0 {
						t.Fatal(last)
					}
					return a.Executions == executions && a.Foreign == 0
				})
			}
			agrees(trade())
			old := filepath.Join(t.TempDir(), "old")
			if err := os.CopyFS(old, os.DirFS(w.state)); err != nil {
				t.Fatal(err)
			}
			agrees(trade())

			var last string
			whole := w.state
			w.state = old
			within(t, "the journal of before lacks something", printer{&last}, func() bool {
				a, code := verify()
				last = fmt.Sprintf("exit code %d, %+v", code, a)
				return code == 1 && len(a.Differences) > 0 && a.Differences[0].What == "not in the journal" &&
					a.Differences[0].ClientID != "" && a.Differences[0].VenueQty > 0
			})
			w.state = whole
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e.start()
			a, code := verify()
			if code != 1 || a.Orders != 0 || len(a.Differences) == 0 || a.Differences[0].What != "not at the venue" ||
				a.Differences[0].JournalQty <= 0 {
				t.Errorf("exit code %d, %+v", code, a)
			}
		})
	}
}

// executions are the exchange's.
func (e *liveExchange) executions() []venue.ExecutionState {
	e.t.Helper()
	s, err := e.State(e.venue)
	if err != nil {
		e.t.Fatal(err)
	}
	return s.Executions
}

// printer is a text that changes.
type printer struct{ text *string }

func (p printer) String() string { return *p.text }
