package venue_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is after how long a test gives up waiting for what should come soon.
const patience = time.Minute

// fake is a venue whose streams are real sockets and whose requests are functions of the test. A function that is nil
// has nothing to tell. The fields are not changed after the connector has begun.
type fake struct {
	url    string
	decode func() connector.Decoder
	// private and market get the server's side of each connection when it is up. hello gets what is sent on market
	// streams.
	private, market chan *peer
	hello           chan string

	ahead      time.Duration // of the venue's clock
	since      atomic.Int64  // of the last question about executions
	filters    func(symbol string) ([]protocol.Filters, error)
	snapshot   func(symbol string) ([]byte, error)
	place      func(ctx context.Context, o *protocol.Order) (protocol.Report, error)
	cancel     func(ctx context.Context, o *protocol.Order) (protocol.Report, error)
	query      func(ctx context.Context, o *protocol.Order) (protocol.Report, error)
	openOrders func(ctx context.Context, symbol string) ([]protocol.Report, error)
	executions func(ctx context.Context, symbol string) ([]protocol.Report, error)
	positions  func(ctx context.Context) ([]protocol.Position, error)
	deadMan    func(ctx context.Context, symbol string, window time.Duration) error
	decodeUser func(frame []byte, sink protocol.UserSink) error
	// unreadOrders are the rows of the open orders on a symbol that cannot be read.
	unreadOrders func(symbol string) []protocol.UnreadRow
}

// peer is the server's side of a connection; raw is the socket below.
type peer struct {
	ws  *websocket.Conn
	raw net.Conn
}

func (p *peer) send(tb testing.TB, text string) {
	tb.Helper()
	if err := p.ws.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		tb.Fatal(err)
	}
}

type connKey struct{}

func newFake(tb testing.TB) *fake {
	tb.Helper()
	f := &fake{private: make(chan *peer, 100), market: make(chan *peer, 100), hello: make(chan string, 1000),
		decode: func() connector.Decoder { return wordDecoder{} }}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		raw, _ := r.Context().Value(connKey{}).(net.Conn)
		p := &peer{ws, raw}
		if r.URL.Path == "/private" {
			f.private <- p
		}
		for first := true; ; first = false {
			_, text, err := ws.Read(context.Background())
			if err != nil {
				return
			}
			f.hello <- string(text)
			if first {
				if ws.Write(context.Background(), websocket.MessageText, []byte("ok")) != nil {
					return
				}
				f.market <- p
			}
		}
	}))
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	server.Start()
	f.url = "ws" + strings.TrimPrefix(server.URL, "http")
	tb.Cleanup(server.Close)
	return f
}

func (f *fake) ServerTimeNs(context.Context) (int64, error) {
	return time.Now().Add(f.ahead).UnixNano(), nil
}
func (f *fake) NowNs() int64                 { return time.Now().UnixNano() }
func (f *fake) SetClockOffset(time.Duration) {}
func (f *fake) Filters(_ context.Context, symbols []string) ([]protocol.Filters, error) {
	if f.filters != nil {
		return f.filters(symbols[0])
	}
	return []protocol.Filters{rules(symbols[0])}, nil
}
func (f *fake) Permissions(context.Context) ([]connector.Finding, error) {
	return nil, errors.New("nobody asks")
}

func (f *fake) MarketStreams(symbols []string) []protocol.Stream {
	if len(symbols) == 0 {
		return nil
	}
	return []protocol.Stream{{Name: "market", URL: f.url + "/market", Hello: [][]byte{[]byte(strings.Join(symbols, ","))}, Answers: 1,
		Ready: func(frame []byte) (bool, error) { return string(frame) == "ok", nil }, Silence: time.Minute}}
}

func (f *fake) NewDecoder() connector.Decoder { return f.decode() }

func (f *fake) Snapshot(_ context.Context, symbol string) ([]byte, error) {
	if f.snapshot == nil {
		return nil, errors.New("there is no snapshot")
	}
	return f.snapshot(symbol)
}

func (f *fake) UserStream(context.Context) (protocol.Stream, error) {
	return protocol.Stream{Name: "private", URL: f.url + "/private", Silence: time.Minute}, nil
}

func (f *fake) DecodeUser(frame []byte, sink protocol.UserSink) error {
	if f.decodeUser == nil {
		return errors.New("nobody understands this")
	}
	return f.decodeUser(frame, sink)
}

func (f *fake) Place(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	if f.place == nil {
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew}, nil
	}
	return f.place(ctx, o)
}

func (f *fake) Amend(context.Context, *protocol.Order) (protocol.Report, error) {
	return protocol.Report{}, &protocol.Failure{Cause: protocol.Refused}
}

func (f *fake) Cancel(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	if f.cancel == nil {
		return protocol.Report{}, &protocol.Failure{Cause: protocol.Refused}
	}
	return f.cancel(ctx, o)
}

func (f *fake) QueryOrder(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	if f.query == nil {
		return protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded}
	}
	return f.query(ctx, o)
}

func (f *fake) OpenOrders(ctx context.Context, symbol string) (open protocol.OpenList, err error) {
	if f.unreadOrders != nil {
		open.Unread = f.unreadOrders(symbol)
	}
	if f.openOrders != nil {
		open.Orders, err = f.openOrders(ctx, symbol)
	}
	return open, err
}

func (f *fake) Executions(ctx context.Context, symbol string, sinceNs int64) ([]protocol.Report, error) {
	f.since.Store(sinceNs)
	if f.executions == nil {
		return nil, nil
	}
	return f.executions(ctx, symbol)
}

func (f *fake) Positions(ctx context.Context, _ []string) ([]protocol.Position, error) {
	if f.positions == nil {
		return nil, protocol.ErrUnsupported
	}
	return f.positions(ctx)
}

func (f *fake) Balances(context.Context) ([]protocol.Balance, error) { return nil, nil }

func (f *fake) ArmDeadMan(ctx context.Context, symbol string, window time.Duration) error {
	if f.deadMan == nil {
		return protocol.ErrUnsupported
	}
	return f.deadMan(ctx, symbol, window)
}

func (f *fake) Close() error { return nil }

// wordDecoder decodes messages of words: a snapshot is "S symbol id", a difference "D symbol first last", a trade
// "T symbol id". A fifth word is by how many days its exchange time is wrong. Everything else is ignored.
type wordDecoder struct{}

func (wordDecoder) Decode(localNs int64, raw []byte, m *connector.Message) error {
	m.Reset()
	var kind, symbol string
	var first, last, days int64
	n, _ := fmt.Sscan(string(raw), &kind, &symbol, &first, &last, &days)
	exchNs := localNs + days*int64(24*time.Hour)
	if n < 3 {
		return nil
	}
	m.Symbol, m.FirstID, m.LastID, m.ExchTimestampNs = []byte(symbol), first, max(first, last), exchNs
	e := hft.Event{Ev: hft.LocalEvent | hft.BuyEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs, Px: 100, Qty: 1}
	switch kind {
	case "S":
		m.Kind, e.Ev = connector.MessageSnapshot, e.Ev|hft.DepthSnapshotEvent
	case "D":
		m.Kind, e.Ev = connector.MessageDepth, e.Ev|hft.DepthEvent
	case "T":
		m.Kind, e.Ev = connector.MessageTrade, e.Ev|hft.TradeEvent
	}
	m.Events = append(m.Events, e)
	return nil
}

// wallClock is the clock of the tests.
type wallClock struct{}

func (wallClock) NowNs() int64 { return time.Now().UnixNano() }

func (wallClock) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	timer := time.NewTimer(min(time.Duration(timestampNs-time.Now().UnixNano()), time.Hour))
	defer timer.Stop()
	select {
	case <-timer.C:
		return timestampNs, ctx.Err()
	case <-wake:
		return min(time.Now().UnixNano(), timestampNs), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run is a connector at work.
type run struct {
	*sinktest.Sink
	connector *venue.Connector
	stopOnce  sync.Once
	cancel    context.CancelCauseFunc
	done      chan error
	tb        testing.TB
	nextID    uint64
}

// found returns how often something was found about the feeds of all instruments.
func (r *run) found(f feed.Finding) (n uint64) {
	for _, report := range r.connector.Reports() {
		n += report.Found[f].N
	}
	return n
}

func (r *run) stop() {
	r.stopOnce.Do(func() {
		r.cancel(nil)
		select {
		case err := <-r.done:
			if err != nil {
				r.tb.Error(err)
			}
		case <-time.After(patience):
			r.tb.Error("Run does not return")
		}
	})
}

// start runs a connector to a fake until the test ends, with sink instead of a recording where it is not nil.
func start(tb testing.TB, p protocol.Protocol, sink connector.Sink, change func(c *venue.Config), symbols ...string) *run {
	tb.Helper()
	return startBy(tb, wallClock{}, p, sink, change, symbols...)
}

// startBy is start with another clock.
func startBy(tb testing.TB, clock connector.Clock, p protocol.Protocol, sink connector.Sink, change func(c *venue.Config), symbols ...string) *run {
	tb.Helper()
	cfg := venue.Config{Protocol: p, Rule: connector.RuleSpot, OrderPrefix: "t"}
	for _, symbol := range symbols {
		cfg.Filters = append(cfg.Filters, rules(symbol))
	}
	if change != nil {
		change(&cfg)
	}
	c, err := venue.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	for i, symbol := range symbols {
		c.Register(instrument(i, symbol))
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &run{Sink: sinktest.NewSink(), connector: c, cancel: cancel, done: make(chan error, 1), tb: tb}
	if sink == nil {
		sink = r
	}
	go func() { r.done <- c.Run(ctx, sink, clock) }()
	tb.Cleanup(r.stop)
	return r
}

// rules are those of each symbol of the fake.
func rules(symbol string) protocol.Filters {
	return protocol.Filters{Symbol: symbol, Trading: true, TickSize: 0.1, LotSize: 0.001}
}

func instrument(no int, symbol string) connector.Instrument {
	return connector.Instrument{No: no, Symbol: symbol, TickSize: 0.1, LotSize: 0.001}
}

// order returns a new order, which the recording expects answers about.
func (r *run) order(no int, id uint64) connector.Order {
	o := connector.Order{InstrumentNo: no, Owner: connector.Owner{Bot: 1, Incarnation: 1},
		Order: hft.NewOrder(id, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTC)}
	o.Req, o.LocalTimestampNs = hft.StatusNew, time.Now().UnixNano()
	r.Sent(&o)
	return o
}

// taken says whether the venue has acknowledged an order.
func (r *run) taken(id uint64) bool {
	return slices.ContainsFunc(r.AllUpdates(), func(u connector.OrderUpdate) bool {
		return u.OrderID == id && u.Status == hft.StatusNew
	})
}

// trade submits orders, one after the other, until one is taken.
func (r *run) trade(no int) {
	r.tb.Helper()
	id := uint64(0)
	until(r.tb, "an order is taken", func() bool {
		// The next one goes when the one before is refused, or was dropped because Run had not begun.
		if !slices.ContainsFunc(r.connector.OpenOrders(), func(o connector.OpenOrder) bool { return o.OrderID == id }) && !r.taken(id) {
			r.nextID++
			id = 1_000_000 + r.nextID
			r.connector.Submit(r.order(no, id))
		}
		return r.taken(id)
	})
}

// numEvents is how many events of an instrument have come.
func (r *run) numEvents(no int) int {
	events, _ := r.Events(no)
	return events
}

// numTrades is how many of them are trades.
func (r *run) numTrades(no int) int {
	_, trades := r.Events(no)
	return trades
}

// refused says how many error events say that an order was not sent because of what contains text.
func (r *run) refused(text string) (n int) {
	for _, e := range r.Errors() {
		if e.Kind == hft.OrderError && strings.Contains(e.LiveError.Error(), text) {
			n++
		}
	}
	return n
}

// until waits for a condition.
func until(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			tb.Fatalf("it did not happen: %s", what)
		}
	}
}

// take takes from a channel.
func take[T any](tb testing.TB, c <-chan T, what string) (v T) {
	tb.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		tb.Fatalf("nothing came: %s", what)
	}
	return v
}

func trading(c *venue.Config) { c.Trading = true }
