package runner

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestLiveRecordOfAWrongSnapshot: a snapshot that the venue sends and that is not its book is counted by record, as text and as JSON.
func TestLiveRecordOfAWrongSnapshot(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"text", "json"} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, testexchange.Bybit)
			w := newWorkspace(t, e.liveConfig(""))
			cmd, log := w.runner("record", "BTCUSDT", "--out", "data", "--output", output)
			var stdout printed
			cmd.Stdout = &stdout
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "a file", log, func() bool {
				names, err := filepath.Glob(filepath.Join(w.dir, "data", "*.gz"))
				if err != nil || len(names) == 0 {
					return false
				}
				info, err := os.Stat(names[0])
				return err == nil && info.Size() > 3000
			})
			if err := e.Arm(testexchange.Bybit, fault.Fault{Name: fault.WrongSnapshot, Count: 1}); err != nil {
				t.Fatal(err)
			}
			within(t, "a warning", log, func() bool { return strings.Contains(log.String(), "a snapshot differs from the book in 1 level") })
			_ = cmd.Process.Signal(syscall.SIGINT)
			code := w.wait(cmd)
			says := strings.Contains(stdout.String(), "\nBTCUSDT: 1 snapshot that differs from the book; first: ")
			if output == "json" {
				var form struct {
					Symbols []struct {
						Report struct {
							Findings []struct {
								Finding, What string
								Count         int
							} `json:"findings"`
						} `json:"report"`
					} `json:"symbols"`
				}
				if err := json.Unmarshal([]byte(stdout.String()), &form); err != nil {
					t.Fatal(err)
				}
				for _, f := range form.Symbols[0].Report.Findings {
					says = says || f.Finding == "mismatch" && f.Count == 1 && strings.Contains(f.What, "in 1 level: the first is the bid of ")
				}
			}
			if code != 0 || !says {
				t.Errorf("exit code %d\n%s\n%s", code, &stdout, log)
			}
		})
	}
}

// TestLiveUnreadableMessages: what cannot be read belongs to no symbol; ps says how often the connector had it.
func TestLiveUnreadableMessages(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, e.liveConfig(""))
	cmd, out := w.runner("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "a book", out, func() bool { in, ok := w.instrument(); return ok && in.BestBid != 0 })
	if in, _ := w.instrument(); in.BadMessages != 0 {
		t.Errorf("%d bad messages before there was one", in.BadMessages)
	}
	if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.HalfMessage, Count: 3, Only: "@depth"}); err != nil {
		t.Fatal(err)
	}
	within(t, "they are counted", out, func() bool { in, ok := w.instrument(); return ok && in.BadMessages == 3 })
	if text, code := w.output("ps"); code != 0 || !strings.Contains(text, "\nfeed of test: 3 bad messages\n") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if text, code := w.output("ps", "--output", "json"); code != 0 || !strings.Contains(text, `"connector_bad_messages": 3`) {
		t.Errorf("exit code %d\n%s", code, text)
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	if code := w.wait(cmd); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
