package stream_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// answers is a Ready for a venue that says "ok" and "no: why".
func answers(frame []byte) (bool, error) {
	if why, refused := strings.CutPrefix(string(frame), "no: "); refused {
		return true, errors.New(why)
	}
	return string(frame) == "ok", nil
}

func hello(messages ...string) (all [][]byte) {
	for _, m := range messages {
		all = append(all, []byte(m))
	}
	return all
}

func TestFromConnectToClose(t *testing.T) {
	v := newVenue(t, false, nil)
	var times []int64
	before := time.Now().UnixNano()
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("log on", "subscribe"), Answers: 2, Ready: answers},
		func(c *stream.Config) {
			deliver := c.OnFrame
			c.OnFrame = func(localNs int64, frame []byte) {
				times = append(times, localNs)
				deliver(localNs, frame)
			}
			c.Header = http.Header{"X-Test": {"yes"}}
		})
	p := v.peer(t)
	if p.head.Get("X-Test") != "yes" {
		t.Error("the header is not sent")
	}
	p.expect("log on", "subscribe")
	if err := c.Send([]byte("early")); !errors.Is(err, stream.ErrDown) || c.Up() {
		t.Errorf("before it is up, Send says %v", err)
	}
	p.send("ok", "first data", "ok")
	recv(t, c.ups, "waiting for OnUp")
	c.expect(t, "first data")
	p.send("ok", "more")
	c.expect(t, "ok", "more") // an "ok" that answers no Hello
	if err := c.Send([]byte("hi")); err != nil {
		t.Error(err)
	}
	p.expect("hi")
	if err := p.ws.Ping(p.ctx); err != nil {
		t.Errorf("a ping is not answered: %v", err)
	}
	c.stop()
	if err := recv(t, c.ended, "waiting for Run"); err != nil {
		t.Error(err)
	}
	if status := p.closed(); status != websocket.StatusNormalClosure {
		t.Errorf("closed with %d", status)
	}
	if len(times) != 3 || times[0] < before || times[2] > time.Now().UnixNano() || times[0] > times[2] {
		t.Errorf("the times are %v", times)
	}
	if s := c.Stats(); s.Up || s.Attempts != 1 || s.Connects != 1 || s.Frames != 5 || s.Drops != 0 ||
		s.Bytes != uint64(len("okfirst dataokokmore")) {
		t.Errorf("%+v", s)
	}
	if err := c.Run(context.Background()); err == nil {
		t.Error("Run runs twice")
	}
	if err := c.Send([]byte("late")); !errors.Is(err, stream.ErrDown) {
		t.Errorf("after the end, Send says %v", err)
	}
}

func TestHellosOneByOne(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("log on", "subscribe"), Answers: 2, OneByOne: true,
		Ready: answers, HelloInterval: time.Millisecond}, nil)
	p := v.peer(t)
	p.expect("log on")
	select {
	case m := <-p.got:
		t.Fatalf("%q is sent before the answer", m)
	case <-time.After(20 * time.Millisecond):
	}
	p.send("ok")
	p.expect("subscribe")
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp")
}

func TestRefusedIsLoudNotEndless(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers},
		func(c *stream.Config) { c.MaxRefusals = 3 })
	for range 3 {
		p := v.peer(t)
		p.expect("subscribe")
		p.send("no: invalid stream")
		c.lost(t, "the venue refused: invalid stream")
	}
	err := recv(t, c.ended, "waiting for Run")
	var refused *stream.RefusedError
	if !errors.As(err, &refused) || refused.Stream != "market" || refused.Err.Error() != "invalid stream" {
		t.Errorf("%v", err)
	}
	if len(v.peers) != 0 || c.Stats().Attempts != 3 {
		t.Errorf("%d attempts", c.Stats().Attempts)
	}
}

// TestRefusedAfterItWorked: what the venue has given once is asked for again, however often it is refused since.
func TestRefusedAfterItWorked(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("log on"), Answers: 1, Ready: answers},
		func(c *stream.Config) { c.MaxRefusals, c.RefusedPause = 2, time.Millisecond })
	p := v.peer(t)
	p.expect("log on")
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	_ = p.ws.CloseNow()
	recv(t, c.downs, "waiting for OnDown")
	for range 5 {
		p := v.peer(t)
		p.expect("log on")
		p.send("no: bad key")
		c.lost(t, "bad key")
	}
	p = v.peer(t)
	p.expect("log on")
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp again")
}

// TestRefusedForNow: a refusal that says when to try again, such as of a clock that is off, is no reason to give up.
func TestRefusedForNow(t *testing.T) {
	v := newVenue(t, false, nil)
	ready := func(frame []byte) (bool, error) {
		if answer, err := answers(frame); err != nil {
			return answer, fmt.Errorf("%w (%w)", err, &backoff.RetryAfterError{Duration: time.Millisecond})
		}
		return true, nil
	}
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("log on"), Answers: 1, Ready: ready},
		func(c *stream.Config) { c.MaxRefusals = 2 })
	for range 3 {
		p := v.peer(t)
		p.expect("log on")
		p.send("no: the clock is off")
		c.lost(t, "the clock is off")
	}
	p := v.peer(t)
	p.expect("log on")
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp")
}

func TestPermanentEndsAtOnce(t *testing.T) {
	bad := errors.New("key not accepted")
	v := newVenue(t, false, nil)
	for name, change := range map[string]func(c *stream.Config){
		"Prepare": func(c *stream.Config) {
			c.Prepare = func(context.Context) (protocol.Stream, error) { return protocol.Stream{}, backoff.Permanent(bad) }
		},
		"Ready": func(c *stream.Config) {
			s := protocol.Stream{Name: "user", URL: v.url, Silence: time.Minute, Answers: 1,
				Ready: func([]byte) (bool, error) { return false, backoff.Permanent(bad) }}
			c.Prepare = func(context.Context) (protocol.Stream, error) { return s, nil }
		},
	} {
		c := newClient(t, protocol.Stream{}, change)
		if name == "Ready" {
			v.peer(t).send("anything")
		}
		if err := recv(t, c.ended, "waiting for Run"); !errors.Is(err, bad) {
			t.Errorf("%s: %v", name, err)
		}
		c.lost(t, "key not accepted")
		if c.Stats().Attempts != 1 {
			t.Errorf("%s: %d attempts", name, c.Stats().Attempts)
		}
	}
}

func TestPrepareIsTriedAgain(t *testing.T) {
	v := newVenue(t, false, nil)
	n := 0
	c := newClient(t, protocol.Stream{}, func(c *stream.Config) {
		c.Prepare = func(context.Context) (protocol.Stream, error) {
			n++
			switch n {
			case 1:
				return protocol.Stream{}, errors.New("no listen key")
			case 2:
				return protocol.Stream{URL: v.url}, nil // Silence is missing
			}
			return protocol.Stream{URL: v.url, Silence: time.Minute}, nil
		}
	})
	c.lost(t, "no listen key")
	c.lost(t, "Silence is not set")
	recv(t, c.ups, "waiting for OnUp")
}

func TestNoAnswerToHello(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers},
		func(c *stream.Config) { c.OpenTimeout = 500 * time.Millisecond })
	v.peer(t).expect("subscribe")
	c.lost(t, "no answer to the logon or subscription in time")
	v.peer(t)
}

func TestSilence(t *testing.T) {
	t.Parallel()
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Silence: 2 * time.Second}, nil)
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	for range 25 { // pings alone are a sign of life, for longer than Silence
		if err := p.ws.Ping(p.ctx); err != nil {
			t.Fatalf("lost although pings come: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.lost(t, "silent: no messages for 2s")
	v.peer(t)
	recv(t, c.ups, "waiting for OnUp again")
}

func TestQuietTopics(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers,
		QuietTopics: 100 * time.Millisecond, Ping: func() []byte { return []byte("ping") },
		PingInterval: 5 * time.Millisecond, Pong: func(frame []byte) bool { return string(frame) == "pong" }}, nil)
	p := v.peer(t)
	p.expect("subscribe")
	p.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	p.send("data")
	c.expect(t, "data")
	for len(c.downs) == 0 {
		select {
		case m := <-p.got:
			if m != "ping" {
				t.Fatalf("the venue got %q", m)
			}
			_ = p.ws.Write(p.ctx, websocket.MessageText, []byte("pong")) // it may be closed just now
		case d := <-c.downs:
			c.downs <- d
		case <-time.After(patience):
			t.Fatal("a stream without data stays")
		}
	}
	c.lost(t, "connected, but no data for 100ms")
	if len(c.frames) != 0 {
		t.Errorf("pongs are delivered: %q", <-c.frames)
	}
	v.peer(t)
}

// TestQuietAndAlive: a connection that brings nothing and answers a ping is kept as long as the caller says so.
func TestQuietAndAlive(t *testing.T) {
	v := newVenue(t, false, nil)
	quiet := make(chan time.Duration, 100)
	var enough atomic.Bool
	c := newClient(t, protocol.Stream{URL: v.url, QuietTopics: 50 * time.Millisecond}, func(c *stream.Config) {
		c.OnQuiet = func(d time.Duration) error {
			quiet <- d
			if enough.Load() {
				return errors.New("enough")
			}
			return nil
		}
	})
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	for range 3 {
		if d := recv(t, quiet, "waiting for OnQuiet"); d != 50*time.Millisecond {
			t.Errorf("quiet for %v", d)
		}
	}
	p.send("data")
	c.expect(t, "data")
	if len(c.downs) != 0 {
		t.Error("the connection is lost")
	}
	enough.Store(true)
	c.lost(t, "enough")
}

// TestHalfOpen: one that does not even answer the ping is dead, however long it may be silent.
func TestHalfOpen(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url, Silence: time.Hour, QuietTopics: 50 * time.Millisecond},
		func(c *stream.Config) {
			c.OnQuiet = func(time.Duration) error { t.Error("it is taken for alive"); return nil }
		})
	recv(t, conns, "waiting for the connection")
	recv(t, c.ups, "waiting for OnUp")
	c.lost(t, "no answer to a ping")
}

func TestHandshakeRefused(t *testing.T) {
	v := newVenue(t, false, nil)
	for _, c := range []struct {
		status int
		after  string
		least  time.Duration
		most   time.Duration
	}{
		{429, "7", 7 * time.Second, 7 * time.Second}, {418, "120", 2 * time.Minute, 2 * time.Minute},
		{429, "", 4 * time.Millisecond, 6 * time.Millisecond},
		{403, "", time.Hour, time.Hour}, {503, "3", 3 * time.Second, 3 * time.Second},
		{500, "9", 9 * time.Second, 9 * time.Second},
		{500, "soon", 0, 2 * time.Millisecond}, {418, "99999999999999", 4 * time.Millisecond, 7 * 24 * time.Hour},
	} {
		v.setRefuse(func(w http.ResponseWriter) bool {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			http.Error(w, "go away", c.status)
			return true
		})
		client := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) { c.ForbiddenPause = time.Hour })
		d := client.lost(t, fmt.Sprintf("HTTP %d instead of a WebSocket", c.status))
		if d.next < c.least || d.next > c.most || !strings.Contains(d.reason, "go away") {
			t.Errorf("HTTP %d, %q: again after %v: %s", c.status, c.after, d.next, d.reason)
		}
		client.stop()
	}
}

// TestBackOff: the pauses double up to the longest, with jitter of a half, and begin anew after a connection that
// lasted.
func TestBackOff(t *testing.T) {
	v := newVenue(t, false, nil)
	var accept atomic.Bool
	v.setRefuse(func(w http.ResponseWriter) bool {
		if !accept.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
		return !accept.Load()
	})
	c := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) {
		c.BackOffMin, c.BackOffMax, c.StableAfter = 4*time.Millisecond, 40*time.Millisecond, time.Millisecond
	})
	interval := 4 * time.Millisecond
	for range 7 {
		if d := c.lost(t, "502"); d.next < interval/2 || d.next > interval*3/2+1 {
			t.Errorf("the pause is %v, not %v within a half", d.next, interval)
		}
		interval = min(2*interval, 40*time.Millisecond)
	}
	accept.Store(true)
	recv(t, c.ups, "waiting for OnUp")
	for len(c.downs) > 0 {
		<-c.downs
	}
	p := v.peer(t)
	time.Sleep(50 * time.Millisecond) // it lasts
	_ = p.ws.CloseNow()
	if d := c.lost(t, "read"); d.next > 6*time.Millisecond+1 {
		t.Errorf("the back-off does not begin anew: %v", d.next)
	}
}

// TestNewAttempts: no window ever holds more than the limit, however attempts come.
func TestNewAttempts(t *testing.T) {
	for _, n := range []int{2, 3, 60, 301} {
		const window = 5 * time.Minute
		attempts := stream.NewAttempts(n, window)
		begin := time.Unix(1_800_000_000, 0)
		var passed []time.Time
		for at := begin; at.Before(begin.Add(20 * time.Minute)); at = at.Add(100 * time.Millisecond) {
			for attempts.AllowN(at, 1) {
				passed = append(passed, at)
			}
		}
		if len(passed) < n {
			t.Errorf("of %d only %d pass in 20 minutes", n, len(passed))
		}
		for i := n; i < len(passed); i++ {
			if passed[i].Sub(passed[i-n]) < window {
				t.Fatalf("%d pass within %v, not %d", n+1, passed[i].Sub(passed[i-n]), n)
			}
		}
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	v := newVenue(t, false, nil)
	v.setRefuse(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true })
	c := newClient(t, protocol.Stream{URL: v.url},
		func(c *stream.Config) { c.Attempts = stream.NewAttempts(6, time.Hour) })
	for range 3 {
		c.lost(t, "502")
	}
	select {
	case d := <-c.downs:
		t.Errorf("a fourth attempt at once: %s", d.reason)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestSecure(t *testing.T) {
	v := newVenue(t, true, nil)
	roots := x509.NewCertPool()
	roots.AddCert(v.server.Certificate())
	c := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) { c.TLS = &tls.Config{RootCAs: roots} })
	recv(t, c.ups, "waiting for OnUp")
	p := v.peer(t)
	p.send("data")
	c.expect(t, "data")
	c.stop()
	if status := p.closed(); status != websocket.StatusNormalClosure {
		t.Errorf("closed with %d", status)
	}
	stranger := newClient(t, protocol.Stream{URL: v.url}, nil)
	stranger.lost(t, "certificate")
}

func TestConfigIsChecked(t *testing.T) {
	good := func() stream.Config { return usual(protocol.Stream{URL: "ws://127.0.0.1:1"}) }
	for want, change := range map[string]func(c *stream.Config){
		"have to be set":     func(c *stream.Config) { c.Prepare = nil },
		"Prepare, OnFrame":   func(c *stream.Config) { c.OnFrame = nil },
		"NowNs have to":      func(c *stream.Config) { c.NowNs = nil },
		"is negative":        func(c *stream.Config) { c.Overlap = -1 },
		"is longer than the": func(c *stream.Config) { c.BackOffMin = time.Hour },
	} {
		c := good()
		change(&c)
		if _, err := stream.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	ping := func() []byte { return nil }
	for want, s := range map[string]protocol.Stream{
		"has to begin with ws://":       {URL: "http://x", Silence: 1},
		"URL:":                          {URL: "ws://[::1", Silence: 1},
		"Silence is not set":            {URL: "ws://x"},
		"there is no Ready":             {URL: "ws://x", Silence: 1, Answers: 1},
		"as many answers":               {URL: "ws://x", Silence: 1, OneByOne: true, Hello: hello("a")},
		"Ping and PingInterval":         {URL: "ws://x", Silence: 1, Ping: ping},
		"QuietTopics needs Pong":        {URL: "ws://x", Silence: 1, Ping: ping, PingInterval: 1, QuietTopics: 1},
		"KeepAlive and KeepAliveInterv": {URL: "ws://x", Silence: 1, KeepAliveInterval: 1},
		"a duration is negative":        {URL: "ws://x", Silence: 1, Lifetime: -1},
	} {
		config := good()
		config.Prepare = func(context.Context) (protocol.Stream, error) { return s, nil }
		c := newClient(t, s, func(c *stream.Config) {
			c.Prepare = config.Prepare
		})
		c.lost(t, want)
		c.stop()
	}
}

// TestEndsWhileConnecting: ctx ends before the handshake is answered.
func TestEndsWhileConnecting(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := newClient(t, protocol.Stream{URL: "ws://" + listener.Addr().String()}, nil)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c.stop()
	if err := recv(t, c.ended, "waiting for Run"); err != nil {
		t.Error(err)
	}
	if len(c.downs) != 0 {
		t.Errorf("a shutdown is told as a failure: %+v", <-c.downs)
	}
}

// TestPauseIsCutShortAfterASuspension: timers stand still while the machine is suspended. A back-off is over then; a
// pause that the venue has asked for goes on, and the time of the suspension counts.
func TestPauseIsCutShortAfterASuspension(t *testing.T) {
	for name, forbidden := range map[string]bool{"back-off": false, "pause of the venue": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVenue(t, false, nil)
			v.setRefuse(func(w http.ResponseWriter) bool {
				w.WriteHeader(map[bool]int{true: http.StatusForbidden,
					false: http.StatusInternalServerError}[forbidden])
				return true
			})
			var suspendedNs atomic.Int64
			c := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) {
				c.BackOffMin, c.BackOffMax, c.ForbiddenPause = time.Hour, time.Hour, time.Hour
				c.NowNs = func() int64 { return time.Now().UnixNano() + suspendedNs.Load() }
			})
			recv(t, c.downs, "waiting for the first attempt")
			v.setRefuse(nil)
			suspendedNs.Store(int64(10 * time.Second))
			if forbidden {
				time.Sleep(2500 * time.Millisecond)
				if n := c.Stats().Attempts; n != 1 {
					t.Errorf("%d attempts although the venue has asked for an hour", n)
				}
				suspendedNs.Store(int64(2 * time.Hour))
			}
			recv(t, c.ups, "waiting for the connection after the suspension")
		})
	}
}

// TestAtOnce: Run that ends for a cause of its caller's waits for no goodbye, of a connection that is up and of one
// that is being made.
func TestAtOnce(t *testing.T) {
	for name, s := range map[string]protocol.Stream{"up": {},
		"being made": {Hello: hello("log on"), Answers: 1, Ready: answers}} {
		t.Run(name, func(t *testing.T) {
			url, conns := rawVenue(t)
			s.URL, s.Name, s.Silence = url, "market", time.Minute
			config := usual(s)
			config.CloseTimeout = time.Hour // the venue never answers a goodbye
			up := make(chan bool, 1)
			config.OnUp = func() { up <- true }
			keeper, err := stream.New(config)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- keeper.Run(ctx) }()
			conn := recv(t, conns, "waiting for a connection")
			if len(s.Hello) == 0 {
				recv(t, up, "waiting for OnUp")
			} else if _, _, err := readRaw(conn); err != nil {
				t.Fatal(err)
			}
			cancel(errors.New("the time is up"))
			if err := recv(t, ended, "waiting for Run"); err != nil {
				t.Error(err)
			}
			if opcode, _, err := readRaw(conn); err == nil {
				t.Errorf("the venue was sent a frame of kind %d", opcode)
			}
		})
	}
}
