package ipc_test

import (
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

// BenchmarkReceive publishes 64 messages and receives them, on one goroutine: what a bot pays for each event that is
// there.
func BenchmarkReceive(b *testing.B) {
	clock := hostipc.NewWallClock()
	inst := ipctest.Instruments()[0]
	feed, err := hostipc.NewFeed(inst.Connector, 1<<12, clock)
	if err != nil {
		b.Fatal(err)
	}
	control, err := hostipc.NewControl()
	if err != nil {
		b.Fatal(err)
	}
	port, err := hostipc.NewPort(feed, control)
	if err != nil {
		b.Fatal(err)
	}
	ch, err := ipc.Attach(ipc.Attachment{BotID: 1, ControlFD: dup(b, control.File().Fd()), Wait: ipc.WaitSpin,
		Connectors: []ipc.ConnectorAttachment{{Name: inst.Connector, FeedFD: dup(b, feed.File().Fd()),
			PrivateFD: dup(b, port.File().Fd())}}, Instruments: []ipc.InstrumentAttachment{{Instrument: inst}}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _, _, _ = ch.Close(), port.Close(), control.Close(), feed.Close() }()
	var ev ipc.LiveEvent
	port.SendSnapshot(0, nil, &hft.StateValues{}, nil)
	for ev.Kind != ipc.EventBatchEnd {
		if _, err := ch.RecvTimeout(1, -1, &ev); err != nil {
			b.Fatal(err)
		}
	}
	const messages = 64
	events := []hft.Event{depthEvent(1)}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for range messages {
			feed.Publish(0, events)
		}
		for range messages {
			if _, err := ch.RecvTimeout(1, -1, &ev); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages), "ns/event")
}

func dup(b *testing.B, fd uintptr) int {
	b.Helper()
	copied, err := syscall.Dup(int(fd))
	if err != nil {
		b.Fatal(err)
	}
	return copied
}
