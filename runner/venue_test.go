package runner

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// loopback is the venue of testdata/venue: it speaks lines of JSON and fills every order at its price.
type loopback struct {
	net.Listener
	suspended atomic.Bool // the account
	filled    atomic.Int64
}

func newLoopback(t *testing.T) *loopback {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &loopback{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.serve(conn)
		}
	}()
	return l
}

// serve answers on one connection until it is closed.
func (l *loopback) serve(conn net.Conn) {
	defer conn.Close()
	requests := make(chan map[string]any)
	go func() {
		defer close(requests)
		for s := bufio.NewScanner(conn); s.Scan(); {
			var request map[string]any
			if json.Unmarshal(s.Bytes(), &request) != nil {
				return
			}
			requests <- request
		}
	}()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	symbol, id := "", 100
	for {
		select {
		case request, open := <-requests:
			if !open {
				return
			}
			if l.answer(conn, request); request["subscribe"] != nil {
				symbol, _ = request["subscribe"].(string)
				id++
				fmt.Fprintf(conn, "{\"symbol\":%q,\"time\":%d,\"id\":%d,\"whole\":true,"+
					"\"bids\":[[99.5,1],[99,2]],\"asks\":[[100.5,1],[101,2]]}\n",
					symbol, time.Now().UnixNano(), id)
			}
		case at := <-ticks.C:
			if symbol == "" {
				continue
			}
			id++
			fmt.Fprintf(conn, "{\"symbol\":%q,\"time\":%d,\"id\":%d,\"bids\":[[99,%d]]}\n"+
				"{\"symbol\":%q,\"time\":%d,\"trade\":[100.5,0.1]}\n",
				symbol, at.UnixNano(), id, 1+id%7, symbol, at.UnixNano())
		}
	}
}

func (l *loopback) answer(conn net.Conn, request map[string]any) {
	switch {
	case request["ask"] == "steps":
		fmt.Fprintln(conn, `{"ABC":{"tick":0.5,"lot":0.1}}`)
	case request["ask"] == "account" && l.suspended.Load():
		fmt.Fprintln(conn, `{"problem":"the account is suspended: ask the venue"}`)
	case request["ask"] == "account":
		fmt.Fprintln(conn, `{}`)
	case request["order"] != nil:
		l.filled.Add(1)
		fmt.Fprintf(conn, "{\"order\":%v,\"time\":%d}\n", request["order"], time.Now().UnixNano())
	}
}

// buildVenue builds the runner of the module in testdata/venue. What that module requires is what this one requires.
func buildVenue(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	theirs, err := os.ReadFile("testdata/venue/go.mod")
	ours, oursErr := os.ReadFile("../go.mod")
	sums, sumsErr := os.ReadFile("../go.sum")
	if err = errors.Join(err, oursErr, sumsErr); err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile(`(?s)\nrequire \(.*?\n\)`).FindAll(ours, -1) {
		theirs = append(theirs, block...)
	}
	mod := filepath.Join(dir, "go.mod")
	if err := errors.Join(os.WriteFile(mod, append(theirs, '\n'), 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600)); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "runner")
	if err := goBuild("testdata/venue", program, ".", "-modfile="+mod, "-buildvcs=false"); err != nil {
		t.Fatal(err)
	}
	return program
}

const loopbackConfig = `
runner {
  backoff_min = "10ms"
  backoff_max = "100ms"
}
connector "loopback" "test" {
  address = %q
}
strategy "a" {
  plugin = "join"
  instrument "test" "ABC" {
  }
  params {
    order_qty = 0.1
    interval  = "5ms"
  }
}
`

// TestVenueOfAnotherModule: another module builds a runner with a venue of its own, which is as good as those of this
// one: it is validated, checked, traded at, recorded, and its recordings are converted.
func TestVenueOfAnotherModule(t *testing.T) {
	t.Parallel()
	program, venue := buildVenue(t), newLoopback(t)
	w := newWorkspace(t, fmt.Sprintf(loopbackConfig, venue.Addr().String()))
	command := func(args ...string) (*exec.Cmd, *printed) {
		cmd, out := w.runner(args...)
		cmd.Path = program
		return cmd, out
	}
	says := func(want string, code int, args ...string) {
		t.Helper()
		cmd, out := command(args...)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", args, got, code, want, out)
		}
	}
	says("runner.hcl is valid", 0, "validate")
	says(`"address"`, 0, "validate", "--schema")
	w.write("wrong.hcl", fmt.Sprintf(loopbackConfig, "nowhere"))
	says(`connector "test" cannot be used: address nowhere: missing port in address`, 3, "validate", "--config", "wrong.hcl")
	w.write("wrong.hcl", strings.Replace(fmt.Sprintf(loopbackConfig, "nowhere"), "address", "adress", 1))
	says(`did you mean "address"?`, 3, "validate", "--config", "wrong.hcl")
	w.write("wrong.hcl", strings.Replace(fmt.Sprintf(loopbackConfig, venue.Addr().String()),
		`"ABC" {`, "\"ABC\" {\n    tick_size = 0.1", 1))
	says("tick_size of ABC is 0.1 and the venue's is 0.5: write the venue's or remove it", 3, "run", "--config", "wrong.hcl")

	venue.suspended.Store(true)
	says("the account is suspended", 1, "check")
	cmd, out := command("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "the strategy waits for the account", out, func() bool {
		a := w.statuses()["a"]
		return a.State == "backoff" && strings.Contains(a.Reason, "the account cannot be traded") &&
			strings.Contains(a.Reason, "suspended")
	})
	if n := venue.filled.Load(); n > 0 {
		t.Errorf("%d orders were sent all the same", n)
	}
	venue.suspended.Store(false)
	within(t, "it trades", out, func() bool { return venue.filled.Load() >= 20 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if s := w.summary(); s.Connectors[0].Kind != "loopback" || s.Connectors[0].BadMessages != 0 || s.Strategies[0].Fills < 10 {
		t.Errorf("%+v\n%s", s, out)
	}

	says("ABC", 0, "record", "--out", "data", "--duration", "500ms")
	files, err := filepath.Glob(filepath.Join(w.dir, "data", "abc_*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recording: %v, %v", files, err)
	}
	args := append([]string{"convert", "events", "--format", "loopback", "--tick-size", "0.5", "--lot-size", "0.1",
		"--out", "abc.npz"}, files...)
	says("abc.npz", 0, args...)
	const replay = "connector \"paper\" \"day\" {\n  replay {\n    format = \"loopback\"\n    speed  = \"max\"\n    files  = { ABC = %s }\n  }\n}\n"
	_, strategy, _ := strings.Cut(loopbackConfig, "\nstrategy")
	w.write("replay.hcl", fmt.Sprintf(replay, strings.ReplaceAll(fmt.Sprintf("%q", files), "\" \"", "\", \""))+"strategy"+
		strings.Replace(strategy, `"test" "ABC" {`, "\"day\" \"ABC\" {\n    tick_size = 0.5\n    lot_size  = 0.1", 1))
	says("", 0, "run", "--config", "replay.hcl", "--summary", "out.json")
	if s := w.summary(); s.Strategies[0].Events == 0 || s.Connectors[0].BadMessages != 0 {
		t.Errorf("%+v", s)
	}
}

// TestDocsShowTheVenue: the code in docs/connector.md is that of the module which is tested.
func TestDocsShowTheVenue(t *testing.T) {
	page, err := os.ReadFile("../docs/connector.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/venue/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Errorf("the page has %d blocks of code", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(code.String(), string(b[1])) {
			t.Errorf("this is nowhere in testdata/venue:\n%s", b[1])
		}
	}
}
