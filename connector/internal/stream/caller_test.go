package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// idOf takes the id out of messages like "id=7 anything".
func idOf(frame []byte) []byte {
	rest, ok := bytes.CutPrefix(frame, []byte("id="))
	if !ok {
		return nil
	}
	id, _, _ := bytes.Cut(rest, []byte(" "))
	return id
}

// caller is a Caller that runs.
type caller struct {
	*stream.Caller
	*client
}

func newCaller(t testing.TB, s protocol.Stream, change func(c *stream.CallerConfig)) caller {
	t.Helper()
	c := &client{frames: make(chan string, 1000), ups: make(chan struct{}, 100), downs: make(chan down, 100),
		renewed: make(chan string, 100), ended: make(chan error, 1)}
	config := stream.CallerConfig{Config: usual(s), ID: idOf, Timeout: patience}
	config.OnUp = func() { c.ups <- struct{}{} }
	config.OnDown = func(reason string, next time.Duration) { c.downs <- down{reason, next} }
	config.OnRenewed = func(reason string) { c.renewed <- reason }
	config.OnFrame = func(_ int64, frame []byte) { c.frames <- string(frame) }
	if change != nil {
		change(&config)
	}
	made, err := stream.NewCaller(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Keeper = made.Keeper
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	go func() { c.ended <- made.Run(ctx); close(c.ended) }()
	t.Cleanup(func() {
		cancel()
		recv2(t, c.ended)
	})
	return caller{made, c}
}

// recv2 waits for a channel's value or end.
func recv2(t testing.TB, c <-chan error) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Error("Run does not end")
	}
}

// outcome is what a Call returned.
type outcome struct {
	answer string
	err    error
}

func (c caller) start(id string) <-chan outcome {
	out := make(chan outcome, 1)
	go func() {
		answer, err := c.Call(context.Background(), id, []byte("id="+id+" do it"), nil)
		out <- outcome{string(answer), err}
	}()
	return out
}

func TestCalls(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url, Hello: hello("log on"), Answers: 1, Ready: answers}, nil)
	p := v.peer(t)
	p.expect("log on")
	if _, err := c.Call(context.Background(), "0", []byte("early"), nil); !errors.Is(err, stream.ErrDown) {
		t.Errorf("before the log-on is answered: %v", err)
	}
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	a := c.start("a")
	p.expect("id=a do it")
	b := c.start("b")
	p.expect("id=b do it")
	p.send("an event", "id=b done", "id=zz of nobody", "id=a done", "id=a twice")
	if got := recv(t, a, "waiting for a"); got.answer != "id=a done" || got.err != nil {
		t.Errorf("a: %+v", got)
	}
	if got := recv(t, b, "waiting for b"); got.answer != "id=b done" || got.err != nil {
		t.Errorf("b: %+v", got)
	}
	c.expect(t, "an event", "id=zz of nobody", "id=a twice")
	go func() { p.send(<-p.got) }()
	if got, err := c.Call(context.Background(), "c", []byte("id=c x"),
		[]byte("before ")); string(got) != "before id=c x" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestOutcomeUnknown: every call that waits when the connection ends hears so, and the next connection is logged on.
func TestOutcomeUnknown(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url, Hello: hello("log on"), Answers: 1, Ready: answers}, nil)
	first := v.peer(t)
	first.expect("log on")
	first.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	a := c.start("a")
	first.expect("id=a do it")
	b := c.start("b")
	first.expect("id=b do it")
	_ = first.ws.CloseNow()
	for _, call := range []<-chan outcome{a, b} {
		if got := recv(t, call, "waiting for a call"); !errors.Is(got.err, stream.ErrUnknown) ||
			!strings.Contains(got.err.Error(), "the connection ended") {
			t.Errorf("%+v", got)
		}
	}
	second := v.peer(t)
	second.expect("log on")
	second.send("ok")
	recv(t, c.ups, "waiting for OnUp again")
	a = c.start("a") // the id is free again
	second.expect("id=a do it")
	second.send("id=a done")
	if got := recv(t, a, "waiting for a"); got.err != nil || got.answer != "id=a done" {
		t.Errorf("%+v", got)
	}
}

func TestCallTimeouts(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url}, func(c *stream.CallerConfig) { c.Timeout = 20 * time.Millisecond })
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	if got := recv(t, c.start("a"), "waiting for a"); !errors.Is(got.err, stream.ErrUnknown) ||
		!strings.Contains(got.err.Error(), "no answer within 20ms") {
		t.Errorf("%+v", got)
	}
	p.expect("id=a do it")
	p.send("id=a too late")
	c.expect(t, "id=a too late")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Call(ctx, "b", []byte("id=b x"), nil); !errors.Is(err, context.Canceled) ||
		errors.Is(err, stream.ErrUnknown) {
		t.Errorf("with a context that has ended: %v", err)
	}
	patient := newCaller(t, protocol.Stream{URL: v.url}, nil)
	q := v.peer(t)
	recv(t, patient.ups, "waiting for OnUp")
	ctx, cancel = context.WithCancel(context.Background())
	go func() { <-q.got; cancel() }()
	if _, err := patient.Call(ctx, "c", []byte("id=c x"), nil); !errors.Is(err, context.Canceled) ||
		!errors.Is(err, stream.ErrUnknown) {
		t.Errorf("with a context that ends while it waits: %v", err)
	}
	if len(p.got) != 0 {
		t.Errorf("%q was sent", <-p.got)
	}
}

func TestCallsAreBounded(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url}, func(c *stream.CallerConfig) { c.MaxCalls = 2 })
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	a := c.start("a")
	p.expect("id=a do it")
	if got := recv(t, c.start("a"), "waiting for the second a"); got.err == nil ||
		errors.Is(got.err, stream.ErrUnknown) {
		t.Errorf("an id twice: %+v", got)
	}
	b := c.start("b")
	p.expect("id=b do it")
	if got := recv(t, c.start("c"), "waiting for c"); !errors.Is(got.err, stream.ErrBusy) {
		t.Errorf("a third: %+v", got)
	}
	p.send("id=a 1", "id=b 2")
	recv(t, a, "waiting for a")
	recv(t, b, "waiting for b")
	if len(p.got) != 0 {
		t.Errorf("%q was sent", <-p.got)
	}
}

// TestRenewalUnderCalls: an answer comes over the connection that the request went over.
func TestRenewalUnderCalls(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url}, nil)
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	a := c.start("a")
	first.expect("id=a do it")
	c.Caller.Renew("a test")
	second := v.peer(t)
	recv(t, c.renewed, "waiting for OnRenewed")
	b := c.start("b")
	second.expect("id=b do it")
	first.send("id=a done")
	second.send("id=b done")
	for _, call := range []<-chan outcome{a, b} {
		if got := recv(t, call, "waiting for a call"); got.err != nil {
			t.Errorf("%+v", got)
		}
	}
}

// TestEachCallGetsItsAnswer: many at once over connections that are cut and renewed; who gets an answer gets his own.
func TestEachCallGetsItsAnswer(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newCaller(t, protocol.Stream{URL: v.url, Lifetime: 30 * time.Millisecond}, func(c *stream.CallerConfig) {
		c.Timeout, c.StableAfter = 5*time.Second, time.Millisecond
	})
	var venues, callers sync.WaitGroup
	stop := make(chan struct{})
	venues.Go(func() {
		n := 0
		for {
			select {
			case <-stop:
				return
			case p := <-v.peers:
				n++
				cut := n%3 == 0
				venues.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						case m := <-p.got:
							if cut && i == 20 {
								_ = p.ws.CloseNow()
								return
							}
							_ = p.ws.Write(p.ctx, 1, []byte(m)) // the connection may have been replaced
						case err := <-p.err:
							p.err <- err
							return
						}
					}
				})
			}
		}
	})
	recv(t, c.ups, "waiting for OnUp")
	var mu sync.Mutex
	count := map[string]int{}
	for g := range 8 {
		callers.Go(func() {
			for i := range 300 {
				id := fmt.Sprintf("%d-%d", g, i)
				frame := "id=" + id + " x"
				answer, err := c.Call(context.Background(), id, []byte(frame), nil)
				kind := "answered"
				switch {
				case err == nil && string(answer) != frame:
					t.Errorf("%s got %q", id, answer)
				case errors.Is(err, stream.ErrDown):
					kind = "down"
					time.Sleep(time.Millisecond)
				case errors.Is(err, stream.ErrUnknown):
					kind = "unknown"
				case err != nil:
					t.Error(err)
				}
				mu.Lock()
				count[kind]++
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	c.stop()
	recv2(t, c.ended)
	close(stop)
	venues.Wait()
	if count["answered"] < 100 {
		t.Errorf("%v", count)
	}
}

func TestCallerConfigIsChecked(t *testing.T) {
	if _, err := stream.NewCaller(stream.CallerConfig{Config: usual(protocol.Stream{})}); err == nil {
		t.Error("without ID")
	}
	if _, err := stream.NewCaller(stream.CallerConfig{Config: usual(protocol.Stream{}), ID: idOf,
		MaxCalls: -1}); err == nil {
		t.Error("with -1 calls")
	}
	if _, err := stream.NewCaller(stream.CallerConfig{ID: idOf}); err == nil {
		t.Error("without Prepare")
	}
}

// echo starts a Caller whose venue answers each request with the same bytes, by hand and without allocating.
func echo(t testing.TB) (c caller) {
	url, conns := rawVenue(t)
	c = newCaller(t, protocol.Stream{URL: url}, nil)
	conn := recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	go answerAll(conn)
	return c
}

// answerAll unmasks each frame and sends it back.
func answerAll(conn net.Conn) {
	var head [6]byte
	buffer := make([]byte, 2+125)
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		n := int(head[1] & 0x7f)
		if _, err := io.ReadFull(conn, buffer[2:2+n]); err != nil {
			return
		}
		for i := range n {
			buffer[2+i] ^= head[2+i%4]
		}
		buffer[0], buffer[1] = head[0], byte(n)
		if _, err := conn.Write(buffer[:2+n]); err != nil {
			return
		}
	}
}

func TestCallDoesNotAllocate(t *testing.T) {
	c := echo(t)
	ctx, frame, buffer := context.Background(), []byte("id=1 new order"), make([]byte, 0, 100)
	if n := testing.AllocsPerRun(500, func() {
		answer, err := c.Call(ctx, "1", frame, buffer)
		if err != nil || len(answer) != len(frame) {
			t.Fatalf("%q, %v", answer, err)
		}
	}); n != 0 && !raceDetector {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkCall is from a request to its answer over loopback.
func BenchmarkCall(b *testing.B) {
	c := echo(b)
	ctx, frame, buffer := context.Background(), []byte("id=1 new order"), make([]byte, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Call(ctx, "1", frame, buffer); err != nil {
			b.Fatal(err)
		}
	}
}
