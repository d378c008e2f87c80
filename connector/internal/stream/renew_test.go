package stream_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// broadcast numbers messages and sends each to every connection, as a venue's streams do.
func broadcast(v *venue, done <-chan struct{}, peers *[]*peer) {
	for n := 1; ; n++ {
		select {
		case <-done:
			return
		case p := <-v.peers:
			_ = p.ws.Write(p.ctx, websocket.MessageText, []byte("ok"))
			*peers = append(*peers, p)
		case <-time.After(time.Millisecond):
		}
		for _, p := range *peers {
			_ = p.ws.Write(p.ctx, websocket.MessageText, []byte(strconv.Itoa(n))) // old ones are closed
		}
	}
}

// TestLifetimeWithoutAGap: connections are replaced all the time, and not one number is missing.
func TestLifetimeWithoutAGap(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers,
		Lifetime: 300 * time.Millisecond},
		func(c *stream.Config) { c.Overlap, c.StableAfter = 200*time.Millisecond, 5*time.Millisecond })
	done := make(chan struct{})
	finished := make(chan struct{})
	var peers []*peer
	go func() { broadcast(v, done, &peers); close(finished) }()
	last := 0
	for len(c.renewed) < 4 {
		n, err := strconv.Atoi(recv(t, c.frames, "waiting for a number"))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case last == 0 || n == last+1:
			last = n
		case n > last:
			t.Fatalf("%d follows %d", n, last)
		}
	}
	close(done)
	<-finished
	if reason := <-c.renewed; reason != "maximum connection age reached" {
		t.Error(reason)
	}
	if len(c.downs) != 0 || len(c.ups) != 1 {
		t.Errorf("up %d times, down %d times", len(c.ups), len(c.downs))
	}
	if status := peers[0].closed(); status != websocket.StatusNormalClosure {
		t.Errorf("the first was closed with %d", status)
	}
	if s := c.Stats(); s.Renewals < 4 || s.Drops != 0 || s.Connects < 5 || !s.Up {
		t.Errorf("%+v", s)
	}
}

// TestShutdownNotice: the handler of a frame asks for a new connection; the old one delivers until it is ready.
func TestShutdownNotice(t *testing.T) {
	v := newVenue(t, false, nil)
	var keeper atomic.Pointer[stream.Keeper]
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers},
		func(c *stream.Config) {
			c.Overlap = time.Hour
			deliver := c.OnFrame
			c.OnFrame = func(localNs int64, frame []byte) {
				if string(frame) == "serverShutdown" {
					keeper.Load().Renew("the venue shuts down")
				}
				deliver(localNs, frame)
			}
		})
	keeper.Store(c.Keeper)
	first := v.peer(t)
	first.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	first.send("1", "serverShutdown")
	second := v.peer(t)
	second.expect("subscribe")
	first.send("2")
	c.expect(t, "1", "serverShutdown", "2")
	if len(c.renewed) != 0 {
		t.Error("taken over before it is ready")
	}
	second.send("ok")
	if reason := recv(t, c.renewed, "waiting for OnRenewed"); reason != "the venue shuts down" {
		t.Error(reason)
	}
	first.send("3")
	c.expect(t, "3")
	second.send("3")
	c.expect(t, "3") // both are delivered; the consumer knows its sequence
	if err := c.Send([]byte("hi")); err != nil {
		t.Error(err)
	}
	first.expect("subscribe")
	second.expect("hi")
	_ = first.ws.Close(websocket.StatusGoingAway, "bye") // the venue goes first
	second.send("4")
	c.expect(t, "4")
	if len(c.downs) != 0 {
		t.Errorf("down: %+v", <-c.downs)
	}
}

// TestTheOldOneStays while new connections fail.
func TestTheOldOneStays(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url}, nil)
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	var refused atomic.Int64
	v.setRefuse(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); refused.Add(1); return true })
	c.Renew("a test")
	until(t, "a few attempts", func() bool { return refused.Load() >= 3 })
	first.send("still here")
	c.expect(t, "still here")
	v.setRefuse(nil)
	second := v.peer(t)
	if reason := recv(t, c.renewed, "waiting for OnRenewed"); reason != "a test" {
		t.Error(reason)
	}
	if status := first.closed(); status != websocket.StatusNormalClosure {
		t.Errorf("the old one was closed with %d", status)
	}
	second.send("here, too")
	c.expect(t, "here, too")
	if len(c.downs) != 0 {
		t.Errorf("down: %+v", <-c.downs)
	}
}

// TestTheOldOneDies while a new connection is being made: that is a loss, and the new one the way back.
func TestTheOldOneDies(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers}, nil)
	first := v.peer(t)
	first.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("a test")
	second := v.peer(t)
	second.expect("subscribe")
	_ = first.ws.CloseNow()
	if d := c.lost(t, "read"); d.next != 0 {
		t.Errorf("the next attempt is under way, not in %v", d.next)
	}
	if c.Up() {
		t.Error("up")
	}
	second.send("ok")
	recv(t, c.ups, "waiting for OnUp again")
	if len(c.renewed) != 0 {
		t.Error("told as a renewal")
	}
}

// TestTheNewOneDies in the overlap: the old one takes over again.
func TestTheNewOneDies(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) { c.Overlap = time.Hour })
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("a test")
	second := v.peer(t)
	recv(t, c.renewed, "waiting for OnRenewed")
	_ = second.ws.CloseNow()
	third := v.peer(t)
	if reason := recv(t, c.renewed, "waiting for OnRenewed"); !strings.Contains(reason,
		"the connection that took over was lost") {
		t.Error(reason)
	}
	first.send("1")
	c.expect(t, "1")
	third.send("2")
	c.expect(t, "2")
	if len(c.downs) != 0 {
		t.Errorf("down: %+v", <-c.downs)
	}
}

// TestRenewWhilePreparing: what Prepare did not know of leads to one more connection.
func TestRenewWhilePreparing(t *testing.T) {
	v := newVenue(t, false, nil)
	topics := atomic.Pointer[string]{}
	set := func(s string) { topics.Store(&s) }
	set("a")
	begun, wait := make(chan struct{}, 10), make(chan struct{})
	c := newClient(t, protocol.Stream{}, func(c *stream.Config) {
		c.Prepare = func(context.Context) (protocol.Stream, error) {
			s := protocol.Stream{URL: v.url, Silence: time.Minute, Hello: hello(*topics.Load())}
			begun <- struct{}{}
			<-wait
			return s, nil
		}
	})
	recv(t, begun, "waiting for Prepare")
	set("a b")
	c.Renew("another topic")
	c.Renew("and one more") // is the same renewal
	time.Sleep(10 * time.Millisecond)
	close(wait)
	v.peer(t).expect("a")
	v.peer(t).expect("a b")
	recv(t, c.renewed, "waiting for OnRenewed")
	if n := c.Stats().Attempts; n != 2 {
		t.Errorf("%d attempts", n)
	}
}

func TestKeepAlive(t *testing.T) {
	v := newVenue(t, false, nil)
	var keys, calls atomic.Int64
	c := newClient(t, protocol.Stream{}, func(c *stream.Config) {
		c.Prepare = func(context.Context) (protocol.Stream, error) {
			key := keys.Add(1)
			return protocol.Stream{Name: "user", URL: v.url + "/?key=" + strconv.FormatInt(key, 10),
				Silence: time.Minute, KeepAliveInterval: time.Millisecond, KeepAlive: func(context.Context) error {
					calls.Add(1)
					if key == 1 && calls.Load() >= 5 {
						return errors.New("this listenKey does not exist")
					}
					return nil
				}}, nil
		}
	})
	if reason := recv(t, c.renewed, "waiting for OnRenewed"); !strings.Contains(reason,
		"keep-alive failed: this listenKey does not exist") {
		t.Error(reason)
	}
	if keys.Load() != 2 || len(c.downs) != 0 {
		t.Errorf("%d keys, down %d times", keys.Load(), len(c.downs))
	}
}

// TestRefusedRenewal: a topic that the venue does not know does not end what works.
func TestRefusedRenewal(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url, Hello: hello("subscribe"), Answers: 1, Ready: answers},
		func(c *stream.Config) { c.MaxRefusals = 2 })
	first := v.peer(t)
	first.send("ok")
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("another topic")
	for range 2 {
		v.peer(t).send("no: unknown topic")
	}
	time.Sleep(20 * time.Millisecond)
	first.send("data")
	c.expect(t, "data")
	if len(v.peers) != 0 || len(c.downs) != 0 {
		t.Errorf("%d more attempts, down %d times", len(v.peers), len(c.downs))
	}
	c.Renew("the topic is gone again") // begins anew
	v.peer(t).send("ok")
	recv(t, c.renewed, "waiting for OnRenewed")
	c.stop()
	if err := recv(t, c.ended, "waiting for Run"); err != nil {
		t.Error(err)
	}
}

// TestAheadOfTheOldOne: a new connection that is ahead delivers only when the old one has had its time, or has ended.
func TestAheadOfTheOldOne(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url},
		func(c *stream.Config) { c.Overlap, c.Settle = time.Hour, time.Hour })
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("a test")
	second := v.peer(t)
	recv(t, c.renewed, "waiting for OnRenewed")
	second.send("3")
	first.send("1", "2")
	c.expect(t, "1", "2")
	if len(c.frames) != 0 {
		t.Errorf("%q is delivered", <-c.frames)
	}
	_ = first.ws.CloseNow()
	c.expect(t, "3")
	if len(c.downs) != 0 {
		t.Errorf("down: %+v", <-c.downs)
	}
}

// TestDataBeforeTheAnswer is held until OnUp, within a bound.
func TestDataBeforeTheAnswer(t *testing.T) {
	v := newVenue(t, false, nil)
	var calls []string
	c := newClient(t, protocol.Stream{URL: v.url, Answers: 1, Ready: answers}, func(c *stream.Config) {
		c.ReadLimit = 100
		up, deliver := c.OnUp, c.OnFrame
		c.OnUp = func() { calls = append(calls, "up"); up() }
		c.OnFrame = func(ns int64, frame []byte) { calls = append(calls, string(frame)); deliver(ns, frame) }
	})
	first := v.peer(t)
	first.send(strings.Repeat("x", 60), strings.Repeat("y", 60))
	c.lost(t, "more than 100 bytes arrived before the answer")
	second := v.peer(t)
	second.send("a", "b", "ok", "c")
	c.expect(t, "a", "b", "c")
	c.stop()
	recv(t, c.ended, "waiting for Run")
	if got := strings.Join(calls, " "); got != "up a b c" {
		t.Error(got)
	}
}

// TestLostWhileTheVenueWantsAPause: the time that a renewal was told to wait counts for the way back, too.
func TestLostWhileTheVenueWantsAPause(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url}, nil)
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	refused := make(chan struct{}, 10)
	v.setRefuse(func(w http.ResponseWriter) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		refused <- struct{}{}
		return true
	})
	c.Renew("a test")
	recv(t, refused, "waiting for the attempt")
	time.Sleep(50 * time.Millisecond) // until its failure is known here; otherwise it is OnDown's own
	_ = first.ws.CloseNow()
	d := recv(t, c.downs, "waiting for OnDown")
	if d.next == 0 {
		d = recv(t, c.downs, "waiting for the attempt's OnDown")
	}
	if d.next != time.Hour {
		t.Errorf("the next attempt is in %v", d.next)
	}
}

// TestWaitingFrameAtTheEnd: a frame that waits for another connection's callback is not delivered once all has ended.
func TestWaitingFrameAtTheEnd(t *testing.T) {
	v := newVenue(t, false, nil)
	begun, release := make(chan struct{}, 1), make(chan struct{})
	open := sync.OnceFunc(func() { close(release) })
	c := newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) {
		c.Overlap, c.Settle, c.CloseTimeout = time.Hour, time.Millisecond, patience
		deliver := c.OnFrame
		c.OnFrame = func(localNs int64, frame []byte) {
			if string(frame) == "stop here" {
				begun <- struct{}{}
				<-release
			}
			deliver(localNs, frame)
		}
	})
	t.Cleanup(open)
	first := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	c.Renew("a test")
	second := v.peer(t)
	second.send("stop here")
	recv(t, begun, "waiting for the frame")
	first.send("too late")
	time.Sleep(50 * time.Millisecond) // until it is read and waits
	c.stop()
	first.closed()
	second.closed()
	open()
	recv(t, c.ended, "waiting for Run")
	c.expect(t, "stop here")
	if len(c.frames) != 0 {
		t.Errorf("%q is delivered", <-c.frames)
	}
}
