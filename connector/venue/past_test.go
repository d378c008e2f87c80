package venue_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// journal is a Sink that keeps a journal.
type journal struct {
	*sinktest.Sink
	read chan int64
}

func (journal) Sent(*connector.Sent) error               { return nil }
func (j journal) Answered(*connector.Answer)             {}
func (j journal) ExecutionsRead(_ int, untilNs, _ int64) { j.read <- untilNs }

func (j journal) Unrecoverable(int) {}

// TestExecutionsOfOrdersThatAreOver: an execution that no earlier run has booked, of an order that is over for them and
// that the venue names by its own id only, is booked once to the strategy of its client id; booked ones and external
// ones are not.
func TestExecutionsOfOrdersThatAreOver(t *testing.T) {
	t.Parallel()
	nowNs := time.Now().UnixNano()
	codec, err := clientid.New("t", nowNs/1e6-60_000)
	if err != nil {
		t.Fatal(err)
	}
	clientID, err := codec.Encode(connector.Owner{Bot: 5, Incarnation: 2}, 8)
	if err != nil {
		t.Fatal(err)
	}
	row := func(order, trade string, lots float64) protocol.Report {
		return protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", VenueID: order, TradeID: trade, Side: hft.Sell, LastQty: lots * 0.001,
			LastPrice: 100, TimestampNs: nowNs - 1e9}
	}
	f := newFake(t)
	f.executions = func(context.Context, string) ([]protocol.Report, error) {
		return []protocol.Report{row("9", "old", 2), row("7", "external", 4), row("9", "new", 3)}, nil
	}
	var queries atomic.Int32
	f.query = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		queries.Add(1)
		r := protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: "web_1", VenueID: o.VenueID, Status: hft.StatusFilled, Side: hft.Sell,
			OrdType: hft.Limit, TimeInForce: hft.GTC, Price: 100, Qty: 0.005, CumQty: 0.005, HasCum: true, TimestampNs: nowNs - 1e9}
		if o.VenueID == "9" {
			r.ClientID = clientID
		}
		return r, nil
	}
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true, Filters: []protocol.Filters{rules("BTC")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Register(instrument(0, "BTC"))
	readNs := nowNs - int64(time.Hour)
	c.Recover(connector.Past{ReadNs: readNs, Booked: []connector.PastExecution{{ID: "old", Side: hft.Sell, Qty: 0.002, PriceTick: 1000, VenueNs: nowNs - 1e9}}})
	sink := journal{sinktest.NewSink(), make(chan int64, 10)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, wallClock{}) }()
	untilNs := take(t, sink.read, "executions are read")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if untilNs < nowNs || f.since.Load() > readNs-int64(time.Minute) || f.since.Load() < readNs-int64(2*time.Minute) || queries.Load() != 2 {
		t.Errorf("read up to %d since %d with %d queries", untilNs, f.since.Load(), queries.Load())
	}
	fills := 0.0
	for _, u := range sink.AllUpdates() {
		if u.Fill {
			fills += u.ExecQty
			if u.Owner != (connector.Owner{Bot: 5, Incarnation: 2}) || u.OrderID != 8 || u.Names.ExecID != "new" || u.Names.Origin != clientID {
				t.Errorf("%+v", u)
			}
		}
	}
	if fills != 0.003 {
		t.Errorf("executed %v", fills)
	}
}

// TestExecutionsOfOrderThatVenueRefusesToTellOf: they are asked for again, and what is known is not moved on meanwhile.
// An order that is refused for good is given up, which is said once.
func TestExecutionsOfOrderThatVenueRefusesToTellOf(t *testing.T) {
	t.Parallel()
	for name, refusals := range map[string]int32{"twice": 2, "for good": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRefusedOrder(t, refusals)
		})
	}
}

func testRefusedOrder(t *testing.T, refusals int32) {
	nowNs := time.Now().UnixNano()
	codec, err := clientid.New("t", nowNs/1e6-60_000)
	if err != nil {
		t.Fatal(err)
	}
	clientID, err := codec.Encode(connector.Owner{Bot: 5, Incarnation: 2}, 8)
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	f.executions = func(context.Context, string) ([]protocol.Report, error) {
		return []protocol.Report{{Channel: protocol.ChannelQuery, Symbol: "BTC", VenueID: "9", TradeID: "new", Side: hft.Sell, LastQty: 0.003,
			LastPrice: 100, TimestampNs: nowNs - 1e9}}, nil
	}
	var queries atomic.Int32
	f.query = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		if queries.Add(1) <= refusals {
			return protocol.Report{}, &protocol.Failure{Cause: protocol.Refused, Code: -1000, Msg: "not now"}
		}
		return protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: clientID, VenueID: o.VenueID, Status: hft.StatusFilled, Side: hft.Sell,
			OrdType: hft.Limit, TimeInForce: hft.GTC, Price: 100, Qty: 0.003, CumQty: 0.003, HasCum: true, TimestampNs: nowNs - 1e9}, nil
	}
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true, Filters: []protocol.Filters{rules("BTC")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Register(instrument(0, "BTC"))
	c.Recover(connector.Past{ReadNs: nowNs - int64(time.Hour)})
	sink := journal{sinktest.NewSink(), make(chan int64, 10)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, wallClock{}) }()
	take(t, sink.read, "executions are read")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	fills, said, wantFills, wantSaid := 0, 0, 1, 0
	if refusals > 2 {
		wantFills, wantSaid = 0, 1
	}
	for _, u := range sink.AllUpdates() {
		if u.Fill {
			fills++
		}
	}
	for _, e := range sink.Errors() {
		if strings.Contains(e.Val.String(), "does not tell of order 9") {
			said++
		}
	}
	if fills != wantFills || said != wantSaid || queries.Load() < 3 || queries.Load() > 5 {
		t.Errorf("%d fills, said %d times, %d queries", fills, said, queries.Load())
	}
}
