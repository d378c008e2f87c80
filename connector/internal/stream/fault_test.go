package stream_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	opText         = 1
	opContinuation = 0
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

func write(t testing.TB, conn net.Conn, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if _, err := conn.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestResetInAFrame(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, nil)
	first := recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	frame := rawFrame(true, opText, strings.Repeat("x", 5000))
	write(t, first, rawFrame(true, opText, "whole"), frame[:3000])
	c.expect(t, "whole")
	if err := first.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	c.lost(t, "reset")
	second := recv(t, conns, "waiting for the next connection")
	recv(t, c.ups, "waiting for OnUp")
	write(t, second, rawFrame(true, opText, "after"))
	c.expect(t, "after")
}

// TestFragments: in any number, in single bytes, with a ping between them.
func TestFragments(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, nil)
	conn := recv(t, conns, "waiting for a connection")
	var all []byte
	all = append(all, rawFrame(false, opText, "one ")...)
	all = append(all, rawFrame(false, opContinuation, "")...)
	all = append(all, rawFrame(true, opPing, "are you there")...)
	all = append(all, rawFrame(false, opContinuation, "message ")...)
	all = append(all, rawFrame(true, opContinuation, "only")...)
	all = append(all, rawFrame(true, opText, "")...)
	for i := range all {
		write(t, conn, all[i:i+1])
	}
	c.expect(t, "one message only", "")
	if op, payload, err := readRaw(conn); op != opPong || payload != "are you there" || err != nil {
		t.Errorf("the ping is answered by %d %q, %v", op, payload, err)
	}
	big := strings.Repeat("0123456789", 50_000) // the buffer has to grow
	write(t, conn, rawFrame(false, opText, big[:100_000]), rawFrame(false, opContinuation, big[100_000:400_000]),
		rawFrame(true, opContinuation, big[400_000:]))
	c.expect(t, big)
}

func TestWhatIsNoWebSocket(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, func(c *stream.Config) { c.ReadLimit = 1000 })
	for name, bytes := range map[string][]byte{
		"reserved bits":     {0xf1, 1, 'x'},
		"unknown operation": {0x83, 1, 'x'},
		"continues nothing": rawFrame(true, opContinuation, "x"),
		"too long":          rawFrame(true, opText, strings.Repeat("x", 1001)),
		"too long in pieces": append(rawFrame(false, opText, strings.Repeat("x", 900)),
			rawFrame(true, opContinuation, strings.Repeat("x", 900))...),
		"an endless length": {0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a long ping":       rawFrame(true, opPing, strings.Repeat("x", 200)),
	} {
		conn := recv(t, conns, "waiting for a connection")
		recv(t, c.ups, "waiting for OnUp")
		write(t, conn, rawFrame(true, opText, strings.Repeat("y", 1000)), bytes)
		c.expect(t, strings.Repeat("y", 1000))
		if d := c.lost(t, "read"); len(c.frames) != 0 {
			t.Errorf("%s: a frame is delivered; %s", name, d.reason)
		}
	}
}

func TestCompressed(t *testing.T) {
	for _, mode := range []websocket.CompressionMode{websocket.CompressionContextTakeover,
		websocket.CompressionNoContextTakeover} {
		v := newVenue(t, false, &websocket.AcceptOptions{CompressionMode: mode, CompressionThreshold: 1})
		c := newClient(t, protocol.Stream{URL: v.url}, nil)
		p := v.peer(t)
		if !strings.Contains(p.head.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			t.Error("not offered")
		}
		for i := range 50 {
			message := fmt.Sprintf(`{"e":"depthUpdate","u":%d,"b":[["58710.20","%d"]]}`, i, i*i) + strings.Repeat(" ",
				i*i*10)
			p.send(message)
			c.expect(t, message)
		}
		if err := c.Send([]byte(strings.Repeat("hi", 1000))); err != nil {
			t.Error(err)
		}
		p.expect(strings.Repeat("hi", 1000))
		c.stop()
		recv(t, c.ended, "waiting for Run")
	}
	v := newVenue(t, false, nil)
	newClient(t, protocol.Stream{URL: v.url}, func(c *stream.Config) { c.Uncompressed = true })
	if got := v.peer(t).head.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("%q is offered", got)
	}
}

func TestClosedByTheVenue(t *testing.T) {
	v := newVenue(t, false, nil)
	c := newClient(t, protocol.Stream{URL: v.url}, nil)
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	_ = p.ws.Close(websocket.StatusPolicyViolation, "too many messages")
	if d := c.lost(t, "too many messages"); !strings.Contains(d.reason, "StatusPolicyViolation") {
		t.Error(d.reason)
	}
	v.peer(t)
}

// TestSlowConsumer: the venue is held back, nothing is lost, the connection stays, and it is counted.
func TestSlowConsumer(t *testing.T) {
	const messages, size = 400, 100_000
	v := newVenue(t, false, nil)
	release := make(chan struct{})
	begun := make(chan struct{}, messages)
	c := newClient(t, protocol.Stream{URL: v.url, Silence: 500 * time.Millisecond}, func(c *stream.Config) {
		c.SlowFrame = 20 * time.Millisecond
		deliver := c.OnFrame
		c.OnFrame = func(localNs int64, frame []byte) {
			begun <- struct{}{}
			<-release
			deliver(localNs, frame[:8])
		}
	})
	open := sync.OnceFunc(func() { close(release) })
	t.Cleanup(open)
	p := v.peer(t)
	recv(t, c.ups, "waiting for OnUp")
	var sent atomic.Int64
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		rest := strings.Repeat("x", size)
		for i := range messages {
			p.send(fmt.Sprintf("%08d", i) + rest)
			sent.Add(1)
		}
	}()
	recv(t, begun, "waiting for the first frame")
	time.Sleep(1500 * time.Millisecond) // several times Silence
	if n := sent.Load(); n == messages {
		t.Errorf("the venue is not held back: %d of %d messages of %d bytes are sent", n, messages, size)
	}
	if len(c.downs) != 0 {
		t.Fatalf("a slow consumer is taken for a silent venue: %+v", <-c.downs)
	}
	open()
	for i := range messages {
		c.expect(t, fmt.Sprintf("%08d", i))
	}
	<-sending
	if s := c.Stats(); s.SlowFrames == 0 || s.Frames != messages {
		t.Errorf("%+v", s)
	}
}

// TestStuckWrite: a venue that does not read does not hold up a sender for ever.
func TestStuckWrite(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, func(c *stream.Config) { c.WriteTimeout = 30 * time.Millisecond })
	recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	big := make([]byte, 1<<20)
	var err error
	for range 1000 {
		if err = c.Send(big); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("a gigabyte is sent to a venue that does not read")
	}
	c.lost(t, "the venue accepts no data: a write blocked for 30ms")
	recv(t, conns, "waiting for the next connection")
}

// TestNoGoodbye: a venue that does not answer the close frame does not hold up the end.
func TestNoGoodbye(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, func(c *stream.Config) { c.CloseTimeout = 20 * time.Millisecond })
	conn := recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	c.stop()
	if err := recv(t, c.ended, "waiting for Run"); err != nil {
		t.Error(err)
	}
	if op, _, err := readRaw(conn); op != opClose || err != nil {
		t.Errorf("the last frame is %d, %v", op, err)
	}
}

// TestAfterTheEndNothingIsDelivered: what the venue sends until it has answered the close frame.
func TestAfterTheEndNothingIsDelivered(t *testing.T) {
	url, conns := rawVenue(t)
	c := newClient(t, protocol.Stream{URL: url}, nil)
	conn := recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	c.stop()
	if op, _, err := readRaw(conn); op != opClose || err != nil {
		t.Fatalf("%d, %v", op, err)
	}
	write(t, conn, rawFrame(true, opText, "too late"), rawFrame(true, opClose, "\x03\xe8"))
	recv(t, c.ended, "waiting for Run")
	if len(c.frames) != 0 {
		t.Errorf("%q is delivered", <-c.frames)
	}
}

// flood sends batches of frames by one write each, and waits until all are delivered.
func flood(t testing.TB, frames, size int) (batch func()) {
	url, conns := rawVenue(t)
	delivered := make(chan struct{}, 1)
	n := 0
	c := newClient(t, protocol.Stream{URL: url, QuietTopics: time.Hour}, func(c *stream.Config) {
		c.OnFrame = func(int64, []byte) {
			if n++; n%frames == 0 {
				delivered <- struct{}{}
			}
		}
	})
	conn := recv(t, conns, "waiting for a connection")
	recv(t, c.ups, "waiting for OnUp")
	var bytes []byte
	for range frames {
		bytes = append(bytes, rawFrame(true, opText, strings.Repeat("x", size))...)
	}
	return func() {
		if _, err := conn.Write(bytes); err != nil {
			t.Fatal(err)
		}
		<-delivered
	}
}

// TestNoAllocationsPerFrame measures all that the process allocates while frames come, the watch included.
func TestNoAllocationsPerFrame(t *testing.T) {
	const frames = 1000
	batch := flood(t, frames, 300)
	batch()
	runtime.GC()
	if n := testing.AllocsPerRun(20, batch); n > frames/100 && !raceDetector {
		t.Errorf("%v allocations for %d frames", n, frames)
	}
}

func BenchmarkFrames(b *testing.B) {
	for _, size := range []int{150, 1500, 15000} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			const frames = 100
			batch := flood(b, frames, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for n := 0; n < b.N; n += frames {
				batch()
			}
		})
	}
}

// BenchmarkSend is from a message to its bytes at the socket, masked.
func BenchmarkSend(b *testing.B) {
	url, conns := rawVenue(b)
	c := newClient(b, protocol.Stream{URL: url}, nil)
	conn := recv(b, conns, "waiting for a connection")
	recv(b, c.ups, "waiting for OnUp")
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	frame := []byte(strings.Repeat("x", 300))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(frame); err != nil {
			b.Fatal(err)
		}
	}
}
