package ipctest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// testTimeout checks waits that end without an event. The channel's clock is what a wait is measured by; that it does
// not take much longer is not asserted, because a busy machine makes it so.
func testTimeout(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	for _, timeout := range []time.Duration{0, -time.Second, time.Microsecond, 20 * time.Millisecond} {
		startNs := p.ch.NowNs()
		_, err := p.ch.RecvTimeout(1, timeout, &p.ev)
		if !errors.Is(err, hft.ErrTimeout) {
			t.Fatalf("RecvTimeout(%v) with nothing to receive: %v, want ErrTimeout", timeout, err)
		}
		if passed := time.Duration(p.ch.NowNs() - startNs); passed < timeout {
			t.Errorf("RecvTimeout(%v) came back after %v", timeout, passed)
		}
	}
	want := p.publish(0, depthEvent(1), depthEvent(2))
	for i := range want { // what is there is received without waiting
		if instNo, err := p.ch.RecvTimeout(1, -time.Duration(i), &p.ev); err != nil || instNo != 0 ||
			describe(&p.ev) != describe(&want[i]) {
			t.Fatalf("RecvTimeout(0) = %d, %v, %s; want %s", instNo, err, describe(&p.ev), describe(&want[i]))
		}
	}
}

// testWakeUp lets the bot sleep before each event, with the longest timeout there is.
func testWakeUp(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	send := []func() error{
		func() error { return f.PublishFeed("alpha", "BTCUSDT", []hft.Event{depthEvent(1)}) },
		func() error { o := restingOrder(1); return f.SendOrder(1, 0, &o, stateOf(1)) },
		func() error { return f.SendError(1, hft.LiveError{Kind: hft.OrderError, Connector: "alpha"}) },
	}
	for n := range 30 {
		sent := make(chan error, 1)
		go func() {
			time.Sleep(time.Duration(n%3) * 2 * time.Millisecond)
			sent <- send[n/3%3]()
		}()
		if _, err := p.ch.RecvTimeout(1, hft.UntilEndOfData, &p.ev); err != nil {
			t.Fatalf("RecvTimeout: %v", err)
		}
		if kind := []ipc.LiveEventKind{ipc.EventFeed, ipc.EventOrder, ipc.EventError}[n/3%3]; p.ev.Kind != kind {
			t.Fatalf("received %s, want kind %d", describe(&p.ev), kind)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}

// wantInterrupted checks that the bot is interrupted and stays so.
func (p *peer) wantInterrupted(timeout time.Duration) {
	p.t.Helper()
	for range 3 {
		if _, err := p.ch.RecvTimeout(p.botID, timeout, &p.ev); !errors.Is(err, hft.ErrInterrupted) {
			p.t.Fatalf("RecvTimeout after an interrupt: %v, want ErrInterrupted", err)
		}
	}
}

func testInterruptFromAnotherGoroutine(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	interrupted := make(chan struct{})
	go func() {
		time.Sleep(5 * time.Millisecond)
		p.ch.Interrupt()
		p.ch.Interrupt()
		close(interrupted)
	}()
	p.wantInterrupted(hft.UntilEndOfData)
	<-interrupted
	p.wantInterrupted(0)
}

// testInterruptGoesBeforeEvents: a strategy in a stream of events has to stop too.
func testInterruptGoesBeforeEvents(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	p.publish(0, depthEvent(1), depthEvent(2), depthEvent(3))
	p.sendOrder(0, restingOrder(1), stateOf(1))
	p.recv()
	p.ch.Interrupt()
	p.wantInterrupted(0)
	p.wantInterrupted(patience)
}

func testInterruptByHost(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[0])
	o := connect(t, f, 2, insts[0])
	stop := make(chan struct{})
	go func() {
		time.Sleep(5 * time.Millisecond)
		f.Interrupt(1)
		close(stop)
	}()
	p.wantInterrupted(hft.UntilEndOfData)
	<-stop
	o.nothing() // the other bot goes on
	f.EndOfData()
	p.wantInterrupted(patience) // the end of data does not hide the interrupt
}

func testEndOfData(t *testing.T, f Fixture) {
	insts := Instruments()
	p := connect(t, f, 1, insts[0], insts[2])
	var want []ipc.LiveEvent
	want = append(want, p.publish(0, depthEvent(1), depthEvent(2))...)
	want = append(want, p.sendOrder(0, restingOrder(1), stateOf(1)))
	want = append(want, p.publish(0, depthEvent(3))...)
	want = append(want, p.sendPosition(0, stateOf(2))) // after the last feed event
	f.EndOfData()
	for i := range want {
		p.want(0, &want[i])
	}
	for _, timeout := range []time.Duration{0, patience, hft.UntilEndOfData} {
		if _, err := p.ch.RecvTimeout(1, timeout, &p.ev); !errors.Is(err, hft.ErrEndOfData) {
			t.Fatalf("RecvTimeout(%v) after everything was received: %v, want ErrEndOfData", timeout, err)
		}
	}
}

func testCloseTwice(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	p.publish(0, depthEvent(1))
	for range 2 {
		if err := p.ch.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	p.wantClosed()
}

// wantClosed checks that the channel is closed: calls return errors, or what does no harm.
func (p *peer) wantClosed() {
	p.t.Helper()
	nowNs := p.ch.NowNs()
	for range 3 {
		p.ch.Interrupt()
		p.wantInterrupted(0)
		p.wantInterrupted(patience)
		p.wantInterrupted(-1)
		for _, kind := range []ipc.RequestKind{ipc.RequestOrder, ipc.RequestRegisterInstrument} {
			inst := p.insts[0]
			q := ipc.LiveRequest{Kind: kind, Order: restingOrder(1), TickSize: inst.TickSize, LotSize: inst.LotSize}
			if err := p.ch.Send(p.botID, 0, &q); !errors.Is(err, hft.ErrInterrupted) {
				p.t.Errorf("Send after Close: %v, want ErrInterrupted", err)
			}
		}
		if n := len(p.ch.Instruments()); n != len(p.insts) {
			p.t.Errorf("%d instruments after Close", n)
		}
		if now := p.ch.NowNs(); now != nowNs || now == 0 {
			p.t.Errorf("the clock was %d after Close and is %d", nowNs, now)
		}
		if err := p.ch.Close(); err != nil {
			p.t.Errorf("Close: %v", err)
		}
	}
}

// testCloseFromAnotherGoroutine closes the channel while the bot waits for events and gets them, and others ask for the
// time and interrupt.
func testCloseFromAnotherGoroutine(t *testing.T, f Fixture) {
	for round := range 30 {
		botID := uint64(round + 1)
		p := connect(t, f, botID, Instruments()[0])
		got := make(chan error, 1)
		go func() {
			for {
				if _, err := p.ch.RecvTimeout(botID, hft.UntilEndOfData, &p.ev); err != nil {
					got <- err
					return
				}
				if e := &p.ev.Feed; p.ev.Kind != ipc.EventFeed || e.Px-60000+0.5 != e.Qty || e.LocalTimestampNs == 0 {
					got <- fmt.Errorf("half an event: %+v", p.ev)
					return
				}
			}
		}()
		ended := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(round) * 20 * time.Microsecond)
			for {
				select {
				case <-ended:
					return
				default:
					_ = p.ch.Close()
					p.ch.NowNs()
				}
			}
		}()
		for range round {
			_ = f.PublishFeed(p.insts[0].Connector, p.insts[0].Symbol, []hft.Event{depthEvent(1), depthEvent(2)})
			p.ch.NowNs()
		}
		select {
		case err := <-got:
			if !errors.Is(err, hft.ErrInterrupted) {
				t.Fatalf("RecvTimeout while the channel is closed: %v, want ErrInterrupted", err)
			}
		case <-time.After(patience):
			t.Fatal("RecvTimeout does not return after Close")
		}
		close(ended)
		p.wantClosed()
	}
}

// testNoAllocations measures sending and receiving, not the host's side of it.
func testNoAllocations(t *testing.T, f Fixture) {
	p := connect(t, f, 1, Instruments()[0])
	const runs = 50 // AllocsPerRun runs once more to warm up
	receive := func() {
		if _, err := p.ch.RecvTimeout(1, 0, &p.ev); err != nil {
			t.Fatalf("RecvTimeout: %v", err)
		}
	}
	check := func(what string, run func()) {
		t.Helper()
		if allocs := testing.AllocsPerRun(runs, run); allocs != 0 {
			t.Errorf("%s allocates %v times", what, allocs)
		}
	}
	for range runs + 1 {
		p.publish(0, depthEvent(1))
	}
	check("RecvTimeout of a feed event", receive)
	for range runs + 1 {
		p.sendOrder(0, restingOrder(1), stateOf(1))
	}
	check("RecvTimeout of an order", receive)
	check("RecvTimeout of nothing", func() {
		if _, err := p.ch.RecvTimeout(1, time.Microsecond, &p.ev); !errors.Is(err, hft.ErrTimeout) {
			t.Fatalf("RecvTimeout: %v", err)
		}
	})
	q := order(1)
	check("Send", func() {
		if err := p.ch.Send(1, 0, &q); err != nil {
			t.Fatalf("Send: %v", err)
		}
	})
	for range runs + 1 {
		wantRequest(t, f, 1, 0, q)
	}
}
