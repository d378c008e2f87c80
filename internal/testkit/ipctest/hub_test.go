package ipctest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

func TestHubConformance(t *testing.T) {
	ipctest.Run(t, func(t *testing.T) ipctest.Fixture {
		hub := ipctest.NewHub(ipctest.Instruments(), nil)
		t.Cleanup(func() { hub.Close() })
		return hub
	})
}

// attached returns a channel of bot 1 with a hub's first instrument, registered, and nothing in it.
func attached(t *testing.T, hub *ipctest.Hub) ipc.Channel {
	t.Helper()
	ch, err := hub.Attach(1, ipctest.Instruments()[:1])
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.AnswerRegister(1, 0, nil, hft.StateValues{}, nil); err != nil {
		t.Fatal(err)
	}
	var ev ipc.LiveEvent
	for ev.Kind != ipc.EventBatchEnd {
		if _, err := ch.RecvTimeout(1, 0, &ev); err != nil {
			t.Fatal(err)
		}
	}
	return ch
}

// TestManualClock: a wait moves the clock to what is scheduled, in order, and never beyond its time.
func TestManualClock(t *testing.T) {
	clock := ipctest.NewManualClock(1000)
	hub := ipctest.NewHub(ipctest.Instruments(), clock)
	ch := attached(t, hub)
	var ran []string
	note := func(name string) func() {
		return func() { ran = append(ran, fmt.Sprintf("%s@%d", name, clock.NowNs())) }
	}
	clock.At(1030, note("d"))
	clock.At(1010, note("a"))
	clock.At(1020, func() { // a wake-up, and one more for the same time
		note("b")()
		clock.At(1020, note("c"))
		if err := hub.SendPosition(1, 0, hft.StateValues{Position: 1}); err != nil {
			t.Error(err)
		}
	})
	var ev ipc.LiveEvent
	if _, err := ch.RecvTimeout(1, 5, &ev); !errors.Is(err, hft.ErrTimeout) || clock.NowNs() != 1005 || len(ran) != 0 {
		t.Fatalf("RecvTimeout(5) = %v at %d after %v", err, clock.NowNs(), ran)
	}
	if _, err := ch.RecvTimeout(1, 100, &ev); err != nil || ev.Kind != ipc.EventPosition || ch.NowNs() != 1020 {
		t.Fatalf("RecvTimeout(100) = %v, kind %d, at %d; want the position at 1020", err, ev.Kind, ch.NowNs())
	}
	clock.At(5, note("late")) // its time is over: it runs at the next move
	clock.Advance(10)
	if got, want := fmt.Sprint(ran), "[a@1010 b@1020 late@1020 c@1020 d@1030]"; got != want || clock.NowNs() != 1030 {
		t.Errorf("ran %s until %d, want %s until 1030", got, clock.NowNs(), want)
	}
	if clock.Advance(-5); clock.NowNs() != 1030 {
		t.Errorf("the clock went back to %d", clock.NowNs())
	}
	for range 2 { // the end of time is not an overflow
		if _, err := ch.RecvTimeout(1, hft.UntilEndOfData, &ev); !errors.Is(err, hft.ErrTimeout) {
			t.Errorf("RecvTimeout to the end of time: %v", err)
		}
	}
}

func TestStalledBotIsGivenUp(t *testing.T) {
	hub := ipctest.NewHub(ipctest.Instruments(), ipctest.NewManualClock(0))
	ch := attached(t, hub)
	events := make([]hft.Event, 1<<12)
	for range ipctest.MaxQueuedEvents/len(events) + 1 {
		if err := hub.PublishFeed("alpha", "BTCUSDT", events); err != nil {
			t.Fatal(err)
		}
	}
	var ev ipc.LiveEvent
	if _, err := ch.RecvTimeout(1, 0, &ev); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("RecvTimeout of a bot that left everything unread: %v, want ErrPeerGone", err)
	}
	if err := ch.Send(1, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder}); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("Send: %v, want ErrPeerGone", err)
	}
}

func TestHubClosed(t *testing.T) {
	hub := ipctest.NewHub(ipctest.Instruments(), nil)
	ch := attached(t, hub)
	go hub.Close()
	var ev ipc.LiveEvent
	if _, err := ch.RecvTimeout(1, hft.UntilEndOfData, &ev); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("RecvTimeout when the host ends: %v, want ErrPeerGone", err)
	}
	if err := ch.Send(1, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder}); !errors.Is(err, hft.ErrPeerGone) {
		t.Errorf("Send: %v, want ErrPeerGone", err)
	}
}

// TestBotID: a channel belongs to the bot that registers first, until it is closed.
func TestBotID(t *testing.T) {
	hub := ipctest.NewHub(ipctest.Instruments(), nil)
	inst := ipctest.Instruments()[:1]
	register := &ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: inst[0].TickSize,
		LotSize: inst[0].LotSize}
	invalid := &hft.BuildError{Kind: hft.InvalidArgument}
	first, err := hub.Attach(0, inst)
	if err != nil {
		t.Fatal(err)
	}
	for _, botID := range []uint64{0, 5} { // an order before the registration
		if err := first.Send(botID, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder}); !errors.Is(err, invalid) {
			t.Errorf("Send of bot %d before it registers: %v", botID, err)
		}
	}
	if err := first.Send(0, 0, register); !errors.Is(err, invalid) {
		t.Errorf("bot 0 registers: %v", err)
	}
	if err := first.Send(5, 0, register); err != nil {
		t.Fatalf("bot 5 registers: %v", err)
	}
	if err := first.Send(6, 0, register); !errors.Is(err, invalid) {
		t.Errorf("bot 6 registers on the channel of bot 5: %v", err)
	}
	duplicate := &hft.BuildError{Kind: hft.Duplicate}
	second, err := hub.Attach(0, inst)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Send(5, 0, register); !errors.Is(err, duplicate) {
		t.Errorf("a second bot 5 registers: %v", err)
	}
	if _, err := hub.Attach(5, inst); !errors.Is(err, duplicate) {
		t.Errorf("a second bot 5 attaches: %v", err)
	}
	first.Close()
	if err := second.Send(5, 0, register); err != nil {
		t.Errorf("bot 5 registers after the first has left: %v", err)
	}
}

func TestHostSideErrors(t *testing.T) {
	hub := ipctest.NewHub(ipctest.Instruments(), nil)
	attached(t, hub)
	for name, err := range map[string]error{
		"position of an unknown bot":       hub.SendPosition(2, 0, hft.StateValues{}),
		"order of an unknown instrument":   hub.SendOrder(1, 1, &hft.Order{}, hft.StateValues{}),
		"order of instrument -1":           hub.SendOrder(1, -1, &hft.Order{}, hft.StateValues{}),
		"error about an unknown asset":     hub.SendError(1, hft.LiveError{AssetNo: 1}),
		"answer to an unknown bot":         hub.AnswerRegister(2, 0, nil, hft.StateValues{}, nil),
		"answer of an unknown instrument":  hub.AnswerRegister(1, 1, nil, hft.StateValues{}, nil),
		"feed of an instrument it has not": hub.PublishFeed("alpha", "XYZ", nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	hub.Interrupt(99) // nobody
	if _, _, _, ok := hub.RecvRequest(time.Microsecond); ok {
		t.Error("there is a request nobody sent")
	}
}

// A host and a bot in memory: the test publishes, the bot receives and sends, the test looks at the request.
func ExampleHub() {
	inst := ipc.Instrument{Connector: "venue", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}
	hub := ipctest.NewHub([]ipc.Instrument{inst}, ipctest.NewManualClock(0))
	channel, err := hub.Attach(7, []ipc.Instrument{inst})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer channel.Close()
	order := hft.NewOrder(1, 600000, inst.TickSize, 0.5, hft.Buy, hft.Limit, hft.GTX)
	order.Req = hft.StatusNew
	if err := channel.Send(7, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder, Order: order}); err != nil {
		fmt.Println(err)
	}
	botID, instNo, request, _ := hub.RecvRequest(0)
	fmt.Println("host:", botID, instNo, request.Order.Side, request.Order.Qty, "at", request.Order.Price())

	request.Order.Status, request.Order.Req = hft.StatusNew, hft.StatusNone
	if err := hub.SendOrder(botID, instNo, &request.Order, hft.StateValues{}); err != nil {
		fmt.Println(err)
	}
	var ev ipc.LiveEvent
	for err == nil {
		if _, err = channel.RecvTimeout(7, time.Second, &ev); err == nil {
			fmt.Println("bot: order", ev.Order.OrderID, "is", ev.Order.Status)
		}
	}
	fmt.Println("bot:", err, "at", time.Duration(channel.NowNs()))
	// Output:
	// host: 7 0 Buy 0.5 at 60000
	// bot: order 1 is New
	// bot: timed out at 1s
}

// BenchmarkHub is one feed event there and one order back, for a sense of what tests on a Hub cost.
func BenchmarkHub(b *testing.B) {
	hub := ipctest.NewHub(ipctest.Instruments(), ipctest.NewManualClock(0))
	ch, err := hub.Attach(1, ipctest.Instruments()[:1])
	if err != nil {
		b.Fatal(err)
	}
	var ev ipc.LiveEvent
	q := ipc.LiveRequest{Kind: ipc.RequestOrder}
	b.ReportAllocs()
	for b.Loop() {
		if err := hub.SendPosition(1, 0, hft.StateValues{}); err != nil {
			b.Fatal(err)
		}
		if _, err := ch.RecvTimeout(1, 0, &ev); err != nil {
			b.Fatal(err)
		}
		if err := ch.Send(1, 0, &q); err != nil {
			b.Fatal(err)
		}
		if _, _, _, ok := hub.RecvRequest(0); !ok {
			b.Fatal("the request is not there")
		}
	}
}
