package soak

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/scantest"
	"github.com/hftrunner/hftrunner/ipc"
)

// The recorded market.
const (
	benchTick, benchLot = 0.1, 0.001
	benchSymbol         = "BTCUSDT"
)

// samples collects times and reports their quantiles.
type samples []int64

func (s samples) report(b *testing.B, name string) {
	b.Helper()
	if len(s) == 0 {
		b.Fatal("nothing was measured")
	}
	slices.Sort(s)
	for unit, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		b.ReportMetric(float64(s[int(q*float64(len(s)))]), name+unit+"-ns")
	}
}

// recordedMarket is a snapshot and what follows it.
type recordedMarket struct {
	snapshot []byte
	// first brings the book in step; depth, trades and quotes are frames to measure with.
	first                 []byte
	depth, trades, quotes [][]byte
}

// maxFrames bounds what is sent of each kind in one go.
const maxFrames = 4000

func readMarket(tb testing.TB) *recordedMarket {
	tb.Helper()
	var m recordedMarket
	// Messages of then are not believed now.
	nowMs, times := strconv.FormatInt(time.Now().UnixMilli(), 10), regexp.MustCompile(`"([ET])":\d{13}`)
	for _, line := range scantest.Lines(tb, datatest.Recording(tb, "binancefutures", "btcusdt_20240808.gz"), 0) {
		var list *[][]byte
		switch {
		case bytes.Contains(line.Message, []byte(`"depthUpdate"`)):
			list = &m.depth
		case bytes.Contains(line.Message, []byte(`"X":"MARKET"`)):
			list = &m.trades
		case bytes.Contains(line.Message, []byte(`"bookTicker"`)):
			list = &m.quotes
		}
		if list != nil && len(*list) <= maxFrames {
			*list = append(*list, textFrame(times.ReplaceAll(line.Message, []byte(`"$1":`+nowMs))))
		}
	}
	m.first, m.depth = m.depth[0], m.depth[1:]
	d := binance.Futures().Format.NewDecoder()
	var msg connector.Message
	payload := m.first[bytes.IndexByte(m.first, '{'):]
	if err := d.Decode(1, payload, &msg); err != nil {
		tb.Fatal(err)
	}
	// The snapshot is as new as the first difference: the rest of the book comes as it changes.
	m.snapshot = []byte(`{"lastUpdateId":` + strconv.FormatInt(msg.FirstID,
		10) + `,"bids":[["30000","1"]],"asks":[["90000","1"]]}`)
	return &m
}

// textFrame returns the bytes of an unmasked WebSocket text message.
func textFrame(text []byte) []byte {
	const final, text16, text64, maxShort = 0x81, 126, 127, 125
	var head []byte
	switch n := len(text); {
	case n <= maxShort:
		head = []byte{final, byte(n)}
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16([]byte{final, text16}, uint16(n))
	default:
		head = binary.BigEndian.AppendUint64([]byte{final, text64}, uint64(n))
	}
	return append(head, text...)
}

// rest lets the receiver go to sleep again, as between two messages of a venue.
func rest() {
	for from := time.Now(); time.Since(from) < 30*time.Microsecond; {
		continue
	}
}

// attachedReader attaches to a host. The host's side of it parks, because it would otherwise spin on the one processor
// that the connector has here beside the reader.
func attachedReader(b *testing.B, socket string) ipc.Channel {
	b.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		} else if time.Since(began) > patience {
			b.Fatal(err)
		}
	}
	inst := ipc.Instrument{Connector: "venue", Symbol: benchSymbol, TickSize: benchTick, LotSize: benchLot}
	ch, err := ipc.Dial(socket, 7, []ipc.Instrument{inst}, ipc.DialConfig{Wait: ipc.WaitPark})
	if err != nil {
		b.Fatal(err)
	}
	request := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: benchTick, LotSize: benchLot}
	if err := ch.Send(7, 0, &request); err != nil {
		b.Fatal(err)
	}
	var ev ipc.LiveEvent
	for ev.Kind != ipc.EventBatchEnd {
		if _, err := ch.RecvTimeout(7, patience, &ev); err != nil {
			b.Fatal(err)
		}
	}
	return ch
}

// feedOf spins until the first event of the next message is there, and takes the time.
func feedOf(ch ipc.Channel, timeout time.Duration) (atNs int64, err error) {
	var ev ipc.LiveEvent
	for began := time.Now(); ev.Kind != ipc.EventFeed; {
		_, err := ch.RecvTimeout(7, -1, &ev)
		if errors.Is(err, hft.ErrTimeout) && time.Since(began) < timeout {
			continue
		}
		if err != nil {
			return 0, err
		}
	}
	atNs = time.Now().UnixNano()
	for ev.More {
		if _, err := ch.RecvTimeout(7, timeout, &ev); err != nil {
			return 0, err
		}
	}
	return atNs, nil
}

// drain takes what is in the ring.
func drain(b *testing.B, ch ipc.Channel) {
	b.Helper()
	for {
		var ev ipc.LiveEvent
		if _, err := ch.RecvTimeout(7, 20*time.Millisecond, &ev); errors.Is(err, hft.ErrTimeout) {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSocketToRing is from right before a recorded message is written to a loopback socket until a reader sees
// its first event in the feed's ring: the kernel, the stream, the decoder, the synchroniser, the host's book and the
// ring. raw is for comparison: the same bytes over a bare TCP connection to a goroutine that waits, which is the share
// of kernel and scheduler.
func BenchmarkSocketToRing(b *testing.B) {
	m := readMarket(b)
	for _, kind := range []struct {
		name   string
		frames [][]byte
	}{{"depth", m.depth}, {"trade", m.trades}, {"bookTicker", m.quotes}} {
		b.Run(kind.name, func(b *testing.B) {
			var through, raw samples
			for b.Loop() {
				through = append(through, socketToRing(b, m, kind.frames)...)
				raw = append(raw, bareSocket(b, kind.frames)...)
			}
			through.report(b, "")
			raw.report(b, "raw-")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// socketToRing sends frames one by one.
func socketToRing(b *testing.B, m *recordedMarket, frames [][]byte) (list samples) {
	b.Helper()
	v := newBareVenue(b, m.snapshot)
	clock := hostipc.NewWallClock()
	ch := attachedReader(b, serveBots(b, v.connectorTo(b, "rest", clock), clock))
	defer ch.Close() //nolint:errcheck // it is only memory
	conn := v.marketConn(b)
	send := func(frame []byte) {
		if _, err := conn.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
	send(m.first)
	if _, err := feedOf(ch, patience); err != nil {
		b.Fatal("the book does not come into step: ", err)
	}
	drain(b, ch)
	missing := 0
	for _, frame := range frames {
		rest()
		sentNs := time.Now().UnixNano()
		send(frame)
		atNs, err := feedOf(ch, 20*time.Millisecond)
		switch {
		case err == nil:
			list = append(list, atNs-sentNs)
		case errors.Is(err, hft.ErrTimeout):
			missing++ // the host has dropped all of it: it was known already
		default:
			b.Fatal(err)
		}
	}
	if missing > len(frames)/10 {
		b.Fatalf("of %d messages %d did not reach the ring", len(frames), missing)
	}
	return list
}

// bareSocket sends the same frames to a goroutine that waits, and looks for the time at which it has each.
func bareSocket(b *testing.B, frames [][]byte) (list samples) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connects any more
	out, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	in, err := listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	var got atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<20)
		for {
			n, err := in.Read(buffer)
			if err != nil {
				return
			}
			got.Add(int64(n))
		}
	}()
	sent := int64(0)
	for _, frame := range frames {
		rest()
		sent += int64(len(frame))
		began := time.Now()
		if _, err := out.Write(frame); err != nil {
			b.Fatal(err)
		}
		for got.Load() < sent {
			continue
		}
		list = append(list, int64(time.Since(began)))
	}
	_ = out.Close()
	<-done
	_ = in.Close()
	return list
}

// quiet is a connector.Sink that says when an order is over.
type quiet struct{ over chan struct{} }

func (q *quiet) Feed(int, []hft.Event) {}
func (q *quiet) Order(u *connector.OrderUpdate) {
	if u.Final() {
		q.over <- struct{}{}
	}
}
func (q *quiet) Position(int, float64, int64)    {}
func (q *quiet) Error(*connector.Error)          {}
func (q *quiet) Ready(int)                       {}
func (q *quiet) Account(*connector.AccountEvent) {}
func (q *quiet) Stale(int, string)               {}
func (q *quiet) Count(connector.Counter, uint64) {}

// BenchmarkOrderToSocket is from the connector's Submit until the order's bytes have come out of the loopback socket at
// a venue, by REST and by WebSocket; from a bot to Submit is tick-to-order's. ns/op, B/op and allocs/op are of the
// whole round until the order's end is known, the venue's side included.
func BenchmarkOrderToSocket(b *testing.B) {
	for _, entry := range []string{"rest", "ws"} {
		b.Run(entry, func(b *testing.B) {
			v := newBareVenue(b, nil)
			clock := hostipc.NewWallClock()
			c := v.connectorTo(b, entry, clock)
			c.Register(connector.Instrument{No: 0, Symbol: benchSymbol, TickSize: benchTick, LotSize: benchLot})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			sink := &quiet{over: make(chan struct{}, 1)}
			ended := make(chan error, 1)
			go func() { ended <- c.Run(ctx, sink, clock) }()
			orderToSocket(b, v, c, sink)
			cancel()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
}

// orderToSocket submits orders one by one.
func orderToSocket(b *testing.B, v *bareVenue, c connector.Connector, sink *quiet) {
	b.Helper()
	id := uint64(0)
	order := func() (ns int64) {
		id++
		v.arrivedNs.Store(0)
		v.armed.Store(1)
		o := connector.Order{Owner: connector.Owner{Bot: 7, Incarnation: 1},
			Order: hft.NewOrder(id, 600_000, benchTick, 0.01, hft.Buy, hft.Limit, hft.GTX)}
		began := time.Now().UnixNano()
		c.Submit(o)
		select {
		case <-sink.over:
		case <-time.After(patience):
			b.Fatal("the order has no end")
		}
		return v.arrivedNs.Load() - began
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		before := v.orders.Load()
		if order(); v.orders.Load() > before {
			break // the private stream is up and reconciled
		} else if time.Since(began) > patience {
			b.Fatal("no order reaches the venue")
		}
	}
	sentBefore, idBefore := v.orders.Load(), id
	var list samples
	b.ReportAllocs()
	for b.Loop() {
		list = append(list, order())
	}
	list.report(b, "")
	if sent, submitted := v.orders.Load()-sentBefore, id-idBefore; sent != submitted {
		b.Fatalf("of %d orders %d reached the venue", submitted, sent)
	}
}
