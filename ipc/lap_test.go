package ipc_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

func depthEvent(n int) hft.Event {
	return hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: int64(n),
		LocalTimestampNs: int64(n), Px: float64(n), Qty: 1}
}

// TestLappedBotResynchronises lets a bot fall behind by more than the ring holds.
func TestLappedBotResynchronises(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	insts := ipctest.Instruments()[:2] // both of connector alpha, whose ring has 1<<12 slots
	ch, err := f.Attach(9, insts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	register(t, f, ch, 9, insts)

	const missed = 3 << 12
	for n := range missed {
		_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(n)})
	}
	var ev ipc.LiveEvent
	instNo, err := ch.RecvTimeout(9, patience, &ev)
	if err != nil || ev.Kind != ipc.EventError || ev.Err.Code != hft.CodeFeedLost || ev.Err.Connector != "alpha" ||
		instNo != -1 {
		t.Fatalf("after a lap: instrument %d, %v, %+v", instNo, err, ev)
	}
	if lost, _ := ev.Err.Val.Int(); lost != missed {
		t.Errorf("lost %d events, want %d", lost, missed)
	}
	for want := range insts {
		instNo, err := ch.RecvTimeout(9, patience, &ev)
		if err != nil || instNo != want || ev.Kind != ipc.EventFeed || ev.Feed.Kind() != hft.DepthClearEvent ||
			!math.IsNaN(ev.Feed.Px) {
			t.Fatalf("want a clear of instrument %d, got %d, %v, %+v", want, instNo, err, ev)
		}
	}
	// What is published before the answer belongs to the snapshot, not to the feed.
	_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(-1)})
	for range insts {
		botID, instNo, q, ok := f.RecvRequest(patience)
		if !ok || botID != 9 || q.Kind != ipc.RequestRegisterInstrument || q.TickSize != insts[instNo].TickSize {
			t.Fatalf("want a registration, got bot %d instrument %d %+v", botID, instNo, q)
		}
		if err := f.AnswerRegister(9, instNo, nil, hft.StateValues{Position: 5},
			[]hft.Event{depthEvent(7)}); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(8)})
	var px []float64
	for len(px) < 3 {
		if _, err := ch.RecvTimeout(9, patience, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Kind == ipc.EventFeed && ev.Feed.Kind() != hft.DepthClearEvent {
			px = append(px, ev.Feed.Px)
		}
	}
	if px[0] != 7 || px[1] != 7 || px[2] != 8 {
		t.Errorf("after the resynchronisation came %v, want the snapshots 7, 7 and the event 8", px)
	}
	f.mu.Lock()
	stats := f.bots[9].control.Stats()
	f.mu.Unlock()
	if stats.Lost != missed || stats.Resyncs != 1 {
		t.Errorf("the host is told %+v", stats)
	}
}

// TestLappedAgainBeforeTheSnapshotIsRead: a bot is lapped, asks for its book, and is lapped again before it has read
// the answer, or in the middle of it. The answer is of a book that is older than what was lost, so nothing of it may be
// taken for the book, nor anything of the feed until the next answer.
func TestLappedAgainBeforeTheSnapshotIsRead(t *testing.T) {
	for name, readBefore := range map[string]int{"before it is read": 0, "after its begin": 1, "within its levels": 5} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, ipc.WaitAdaptive)
			insts := ipctest.Instruments()[:1]
			ch, err := f.Attach(9, insts)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = ch.Close() })
			register(t, f, ch, 9, insts)
			lap := func() {
				for n := range 3 << 12 {
					_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(n)})
				}
			}
			var ev ipc.LiveEvent
			recv := func() bool {
				_, err := ch.RecvTimeout(9, -1, &ev)
				return err == nil
			}
			await := func(kind ipc.LiveEventKind) {
				t.Helper()
				if !recv() || ev.Kind != kind {
					t.Fatalf("want an event of kind %d, got %+v", kind, ev)
				}
			}
			answer := func(n int) {
				t.Helper()
				if _, _, _, ok := f.RecvRequest(patience); !ok {
					t.Fatal("no registration")
				}
				levels := make([]hft.Event, 30)
				for i := range levels {
					levels[i] = depthEvent(n)
				}
				if err := f.AnswerRegister(9, 0, nil, hft.StateValues{}, levels); err != nil {
					t.Fatal(err)
				}
			}
			lap()
			await(ipc.EventError)
			await(ipc.EventFeed) // the clear; the registration is under way
			answer(7)
			for range readBefore {
				recv()
			}
			lap() // the strategy computes
			await(ipc.EventError)
			await(ipc.EventFeed)
			if ev.Feed.Kind() != hft.DepthClearEvent {
				t.Fatalf("after the second lap comes %+v", ev)
			}
			_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(8)})
			if recv() {
				t.Errorf("of a book that is not there yet comes %+v", ev)
			}
			answer(9)
			_ = f.PublishFeed("alpha", insts[0].Symbol, []hft.Event{depthEvent(10)})
			await(ipc.EventBatchStart)
			levels := 0
			for recv() {
				if ev.Kind == ipc.EventFeed && ev.Feed.Kind() != hft.DepthClearEvent {
					if levels++; ev.Feed.Px != 9 && ev.Feed.Px != 10 {
						t.Errorf("the new book has %v", ev.Feed.Px)
					}
				}
			}
			if levels != 31 {
				t.Errorf("the new book has %d levels and what followed, want 31", levels)
			}
		})
	}
}

// register registers all instruments with empty books and takes the answers.
func register(t *testing.T, f *fixture, ch ipc.Channel, botID uint64, insts []ipc.Instrument) {
	t.Helper()
	var ev ipc.LiveEvent
	for instNo, inst := range insts {
		q := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: inst.TickSize, LotSize: inst.LotSize}
		if err := ch.Send(botID, instNo, &q); err != nil {
			t.Fatal(err)
		}
		if _, _, _, ok := f.RecvRequest(patience); !ok {
			t.Fatal("no registration")
		}
		if err := f.AnswerRegister(botID, instNo, nil, hft.StateValues{}, nil); err != nil {
			t.Fatal(err)
		}
		for ev.Kind = 0; ev.Kind != ipc.EventBatchEnd; {
			if _, err := ch.RecvTimeout(botID, patience, &ev); err != nil {
				t.Fatal(err)
			}
		}
	}
}

const patience = time.Minute

// TestPrivateMessagesAreNeverLost lets far more private messages pile up than the queue holds.
func TestPrivateMessagesAreNeverLost(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	insts := ipctest.Instruments()[:1]
	ch, err := f.Attach(9, insts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	const n = 20_000
	for i := range n {
		if err := f.SendPosition(9, 0, hft.StateValues{Position: float64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var ev ipc.LiveEvent
	for i := range n {
		if _, err := ch.RecvTimeout(9, patience, &ev); err != nil || ev.State.Position != float64(i) {
			t.Fatalf("message %d: %v, %+v", i, err, ev.State)
		}
	}
}

// TestStalledBotIsReported fills a port beyond its bound: it gives up instead of growing.
func TestStalledBotIsReported(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	ch, err := f.Attach(9, ipctest.Instruments()[:1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	port := f.bots[9].ports["alpha"]
	f.mu.Lock()
	defer f.mu.Unlock()
	state := hft.StateValues{}
	for range hostipc.MaxBacklog + 4096 {
		port.SendState(0, &state)
	}
	if !port.Stalled() || port.Queued() > hostipc.MaxBacklog {
		t.Errorf("stalled %v with %d records aside", port.Stalled(), port.Queued())
	}
}

// TestClosedFeedIsPeerGone closes the host's end.
func TestClosedFeedIsPeerGone(t *testing.T) {
	f := newFixture(t, ipc.WaitPark)
	insts := ipctest.Instruments()[:1]
	ch, err := f.Attach(9, insts)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		var ev ipc.LiveEvent
		_, err := ch.RecvTimeout(9, time.Hour, &ev)
		got <- err
	}()
	time.Sleep(20 * time.Millisecond) // so that the bot is parked more often than not
	f.mu.Lock()
	_ = f.feeds["alpha"].Close()
	delete(f.feeds, "alpha")
	f.mu.Unlock()
	select {
	case err := <-got:
		if !errors.Is(err, hft.ErrPeerGone) {
			t.Errorf("RecvTimeout: %v", err)
		}
	case <-time.After(patience):
		t.Error("the bot did not notice")
	}
	q := ipc.LiveRequest{Kind: ipc.RequestOrder}
	if err := ch.Send(9, 0, &q); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("Send: %v", err)
	}
	_ = ch.Close()
}

// TestHostSideAllocatesNothing measures what happens for each message of a venue.
func TestHostSideAllocatesNothing(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	ch, err := f.Attach(9, ipctest.Instruments()[:1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	f.mu.Lock()
	defer f.mu.Unlock()
	feed, port := f.feeds["alpha"], f.bots[9].ports["alpha"]
	events := []hft.Event{depthEvent(1), depthEvent(2), depthEvent(3)}
	if n := testing.AllocsPerRun(1000, func() { feed.Publish(0, events) }); n != 0 {
		t.Errorf("Publish allocates %v times", n)
	}
	order := hft.NewOrder(1, 2, 0.1, 3, hft.Buy, hft.Limit, hft.GTC)
	var state hft.StateValues
	if n := testing.AllocsPerRun(1000, func() { port.SendOrder(0, &order, &state) }); n != 0 {
		t.Errorf("SendOrder allocates %v times", n)
	}
}

// TestBatchLongerThanTheRing publishes more in one batch than the ring holds: the bot is lapped like by many batches.
func TestBatchLongerThanTheRing(t *testing.T) {
	f := newFixture(t, ipc.WaitAdaptive)
	insts := ipctest.Instruments()[:1]
	ch, err := f.Attach(9, insts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	register(t, f, ch, 9, insts)
	batch := make([]hft.Event, 10_000) // the ring has 1<<12 slots
	for i := range batch {
		batch[i] = depthEvent(i)
	}
	_ = f.PublishFeed("alpha", insts[0].Symbol, batch)
	var ev ipc.LiveEvent
	if _, err := ch.RecvTimeout(9, patience, &ev); err != nil || ev.Kind != ipc.EventError ||
		ev.Err.Code != hft.CodeFeedLost {
		t.Fatalf("%v, %+v", err, ev)
	}
	if lost, _ := ev.Err.Val.Int(); lost != int64(len(batch)) {
		t.Errorf("lost %d of %d", lost, len(batch))
	}
}
