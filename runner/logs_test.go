package runner

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// Nobody reads what the runner writes, which is much more than a pipe holds: orders are sent and filled all the same, and
// SIGTERM ends the run in order. A standard output that nobody reads either is an error in the end.
func TestUnreadOutput(t *testing.T) {
	t.Parallel()
	for _, unread := range []string{"stderr", "both"} {
		t.Run(unread, func(t *testing.T) {
			if unread != "both" {
				onlyLong(t)
			}
			t.Parallel()
			e := newExchange(t, testexchange.BinanceFutures)
			w := newWorkspace(t, "runner {\n  log_level = \"debug\"\n}\n"+strings.Replace(e.liveConfig(""), `"join"`, `"loud"`, 1))
			if err := w.install("loud"); err != nil {
				t.Fatal(err)
			}
			cmd, out := w.runner("run", "--summary", "out.json")
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			fillPipe(t, read, write)
			cmd.Stderr = write
			if unread == "both" {
				cmd.Stdout = write
			}
			if err := errors.Join(cmd.Start(), write.Close()); err != nil {
				t.Fatal(err)
			}
			executions := func() int {
				s, err := e.State(e.venue)
				if err != nil {
					return 0
				}
				return len(s.Executions)
			}
			within(t, "a log that a pipe does not hold", out, func() bool {
				info, err := os.Stat(filepath.Join(w.state, "logs", "a.log"))
				return err == nil && info.Size() > 256<<10
			})
			before := executions()
			within(t, "executions and acknowledged orders while nobody reads the log", out, func() bool {
				in, ok := w.instrument()
				return ok && in.OpenOrders > 0 && executions() > before+3
			})
			_ = cmd.Process.Signal(syscall.SIGTERM)
			err = cmd.Wait()
			if unread == "stderr" && err != nil || unread == "both" && cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("ended with %v\n%s", err, out)
			}
			if open := e.open(); len(open) > 0 {
				t.Errorf("orders are still open: %v", open)
			}
			s := w.summary().Strategies[0]
			if s.State != "stopped" || s.Restarts != 0 || s.Fills == 0 {
				t.Errorf("%+v", s)
			}
			text, err := io.ReadAll(read)
			if err != nil || !bytes.Contains(text, []byte("runner starts")) {
				t.Errorf("the log begins otherwise: %v\n%.500s", err, text)
			}
		})
	}
}

// fillPipe leaves room for a line or two.
func fillPipe(t *testing.T, read, write *os.File) {
	t.Helper()
	page := bytes.Repeat([]byte{'\n'}, 4096)
	if err := write.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := write.Write(page); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	_, err := io.ReadFull(read, page)
	if err = errors.Join(err, write.SetWriteDeadline(time.Time{})); err == nil {
		_, err = write.Write(page[:len(page)-300])
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The exchange goes away and comes back: one WARN with the cause in plain words, and one line when all is as before,
// however many connections and questions had failed.
func TestOutageIsOneWarning(t *testing.T) {
	t.Parallel()
	ofOutage := regexp.MustCompile("not reached|outcome unknown|overloaded|private stream|tried again")
	for _, v := range someVenues(testexchange.Bybit) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			w := newWorkspace(t, strings.Replace(forgets(e.liveConfig("")), "  secret", "  order_entry = \"ws\"\n  secret", 1))
			cmd, out := w.runner("run", "--summary", "out.json")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "orders", out, func() bool { return len(e.open()) > 0 })
			if err := e.Close(); err != nil {
				t.Logf("close: %v", err)
			}
			says := func(text string) {
				t.Helper()
				within(t, text, out, func() bool { return strings.Contains(out.String(), text) })
			}
			says("the venue fails")
			time.Sleep(500 * time.Millisecond) // more attempts fail
			e.start()
			within(t, "orders again", out, func() bool { return len(e.open()) > 0 })
			in := func() int { s, _ := e.State(v); return len(s.Executions) }
			before := in()
			within(t, "executions again", out, func() bool { return in() > before })
			says("the venue works again")
			time.Sleep(time.Second) // what else there is to say
			_ = cmd.Process.Signal(syscall.SIGINT)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			var warnings, over []string
			for line := range strings.Lines(out.String()) {
				switch {
				case strings.Contains(line, "kind=OrderError") && !ofOutage.MatchString(line): // of the strategy's orders, which goes on
				case strings.Contains(line, "[WARN]"), strings.Contains(line, "[ERROR]"):
					warnings = append(warnings, line)
				case strings.Contains(line, "the venue works again"):
					over = append(over, line)
				}
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], "the venue fails") || len(over) != 1 {
				t.Errorf("%d warnings, %d times over:\n%s%s\nof\n%s", len(warnings), len(over), strings.Join(warnings, ""), strings.Join(over, ""), out)
			}
			if strings.Contains(out.String(), "overloaded") {
				t.Errorf("a refused connection is called overloaded:\n%s", out)
			}
		})
	}
}
