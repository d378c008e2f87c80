package main

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is written by the command and read by the test.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestServesUntilInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := new(output)
	c := newCommand(out)
	c.SetArgs([]string{"--venue", "binancefutures", "--listen", "127.0.0.1:0", "--symbols", "BTCUSDT", "--fault",
		"http-418=count:1", "--account", "k:s"})
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(ctx) }()
	url := regexp.MustCompile(`REST +(http://\S+)`)
	var base string
	for end := time.Now().Add(time.Minute); base == ""; time.Sleep(time.Millisecond) {
		if m := url.FindStringSubmatch(out.String()); m != nil {
			base = m[1]
		} else if time.Now().After(end) {
			t.Fatalf("no address in %q", out)
		}
	}
	for _, want := range []int{418, 200} {
		r, err := http.Get(base + "/fapi/v1/time")
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("status %d, want %d", r.StatusCode, want)
		}
	}
	if !strings.Contains(out.String(), `connector "binancefutures" "test" {`) ||
		!strings.Contains(out.String(), `"k"`) {
		t.Errorf("no connector to paste in %q", out)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, bad := range [][]string{{"--venue", "none"}, {"--listen", "x"}, {"--fault", "none"}, {"--account", "k"},
		{"--recording", "x"}, {"--symbols", "NO"}, {"--listen", "127.0.0.1:x"}, {"argument"}} {
		c := newCommand(new(output))
		c.SetArgs(bad)
		c.SetOut(new(output))
		if err := c.Execute(); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	out := new(output)
	c := newCommand(out)
	c.SetArgs([]string{"--list-faults"})
	if err := c.Execute(); err != nil || !strings.Contains(out.String(), "depth-gap") {
		t.Errorf("%v %s", err, out)
	}
}
