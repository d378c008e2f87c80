package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// What fails at one venue is one outage: a WARN with the cause when the first fails, a line when the last works again.
func TestOutageIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	nowNs := int64(0)
	o := stream.NewOutage(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true, Level: hclog.Info}),
		func() int64 { return nowNs })
	o.Awaits("book") // nothing is wrong
	o.Works("market")
	for range 2 {
		o.Failed("market", "market data", errors.New("gone"), "next_attempt_in", time.Second)
		o.Failed("private", "private stream", errors.New("gone too"))
		o.Failed("market", "market data", errors.New("refused"))
		o.Works("market")
		o.Awaits("book")
		o.Works("private")
		nowNs += int64(3 * time.Second)
		o.Works("book")
		o.Works("book")
		nowNs += int64(time.Minute)
	}
	once := `[WARN]  the venue fails, retrying: what="market data" cause=gone next_attempt_in=1s` + "\n" +
		"[INFO]  the venue works again: after=3s failures=3\n"
	if got := out.String(); got != once+once {
		t.Errorf("got\n%s", got)
	}
}

// A venue that fails every now and then is told of at most once in a while, and for as long as it does.
func TestOutageComesAndGoes(t *testing.T) {
	var out bytes.Buffer
	nowNs := int64(1)
	o := stream.NewOutage(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true, Level: hclog.Info}),
		func() int64 { return nowNs })
	for range 60 {
		o.Failed("orders", "submission", errors.New("overloaded"))
		nowNs += int64(500 * time.Millisecond)
		o.Works("orders")
		nowNs += int64(500 * time.Millisecond)
	}
	for range 40 { // now it lasts
		o.Failed("orders", "submission", errors.New("overloaded"))
		nowNs += int64(time.Second)
	}
	warned, over := strings.Count(out.String(), "[WARN]"), strings.Count(out.String(), "works again")
	if warned < 3 || warned > 7 || over != warned-1 || o.Failing() != true {
		t.Errorf("%d warnings, %d times over\n%s", warned, over, out.String())
	}
	nowNs += int64(time.Second)
	o.Works("orders")
	if !strings.Contains(out.String(), "after=41s failures=") {
		t.Errorf("the end of the long one is not told\n%s", out.String())
	}
}

// An outage that begins soon after the last one is told when it has gone on for a while, also when nothing is tried
// meanwhile; one that has ended by then is not.
func TestOutageIsToldLate(t *testing.T) {
	const calm, moment = 15 * time.Second, 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		nowNs := func() int64 { return time.Now().UnixNano() }
		o := stream.NewOutage(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true, Level: hclog.Info}),
			nowNs)
		fails := func() {
			o.Failed("orders", "submission", errors.New("overloaded"))
			o.Works("orders")
		}
		fails()
		before := out.String()
		time.Sleep(calm - moment)
		fails()
		time.Sleep(2 * moment)
		synctest.Wait()
		if got := out.String(); got != before || o.Failing() {
			t.Fatalf("what was over is told\n%s", got)
		}
		fails()
		time.Sleep(calm - moment)
		o.Failed("market", "market data", errors.New("gone"))
		if o.Failing() {
			t.Error("it is not told yet")
		}
		time.Sleep(moment)
		synctest.Wait()
		late := `[WARN]  the venue fails, retrying: what="market data" cause=gone` + "\n"
		if !o.Failing() || !strings.Contains(out.String(), late) {
			t.Fatalf("it is not told\n%s", out.String())
		}
		o.Works("market")
		if got := out.String(); strings.Count(got, "works again") != 3 || strings.Count(got, "[WARN]") != 3 {
			t.Errorf("got\n%s", got)
		}
	})
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A connection that is lost after another one was given up is not waited for: what fails next is told.
func TestOutageAfterGivingUp(t *testing.T) {
	v := newVenue(t, false, nil)
	var out bytes.Buffer
	o := stream.NewOutage(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true, Level: hclog.Warn}),
		func() int64 { return 0 })
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers},
		func(c *stream.Config) { c.MaxRefusals, c.Outage = 1, o })
	first := v.peer(t)
	first.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("another topic")
	v.peer(t).send("no: unknown topic")
	time.Sleep(200 * time.Millisecond) // it is read
	_ = first.ws.CloseNow()
	if err := recv(t, c.ended, "waiting for Run"); err == nil {
		t.Error("it did not give up")
	}
	o.Failed("orders", "order connection", errors.New("gone"))
	if got := out.String(); !strings.Contains(got, `[WARN]  the venue fails, retrying: what="order connection"`) {
		t.Errorf("got %q", got)
	}
}

// The cause is in plain words, of real errors.
func TestReason(t *testing.T) {
	get := func(url string, timeout time.Duration) error {
		client := http.Client{Timeout: timeout}
		r, err := client.Get(url)
		if err == nil {
			_ = r.Body.Close()
			return errors.New("it was answered")
		}
		return fmt.Errorf("GET: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	private := httptest.NewTLSServer(http.NotFoundHandler())
	defer private.Close()
	private.Config.ErrorLog = nil
	for want, err := range map[string]error{
		"connection refused": get(nobody, time.Minute),
		"no answer in time":  get(slow.URL, 50*time.Millisecond),
		"the name nobody.invalid cannot be resolved": &net.OpError{Op: "dial",
			Err: &net.DNSError{Name: "nobody.invalid", Err: "no such host"}},
		"the certificate is not accepted": get(private.URL, time.Minute),
		"HTTP 503 Service Unavailable":    fmt.Errorf("connect: %w", &stream.HandshakeError{Status: 503}),
		"the connection was closed":       fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"no pong":                         errors.New("no pong"),
		"unknown":                         nil,
		"no answer in time ":              context.DeadlineExceeded,
	} {
		if got := stream.Reason(err); !strings.HasPrefix(got, strings.TrimSpace(want)) {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
