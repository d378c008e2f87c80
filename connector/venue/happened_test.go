package venue_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// historian is a venue that lists what it did to the account.
type historian struct {
	*fake
	events func() []connector.AccountEvent
}

func (l *historian) AccountEvents(context.Context, int64) ([]connector.AccountEvent, error) {
	return l.events(), nil
}

// TestEventsOfASymbolAddedLate: while the venue is asked what it did to the account, another symbol is added, and the
// list has what was closed of it. That is booked after the symbol's executions, and so is its funding.
func TestEventsOfASymbolAddedLate(t *testing.T) {
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
	f := &historian{fake: newFake(t)}
	f.query = func(context.Context, *protocol.Order) (protocol.Report, error) {
		return protocol.Report{Channel: protocol.ChannelQuery, Symbol: "ETH", ClientID: clientID, VenueID: "9",
			Status: hft.StatusFilled,
			Side:   hft.Sell, OrdType: hft.Limit, TimeInForce: hft.GTC, Price: 100, Qty: 0.002, CumQty: 0.002,
			HasCum:      true,
			TimestampNs: nowNs - 2e9}, nil
	}
	f.executions = func(_ context.Context, symbol string) ([]protocol.Report, error) {
		if symbol != "ETH" {
			return nil, nil
		}
		return []protocol.Report{{Channel: protocol.ChannelQuery, Symbol: "ETH", VenueID: "9", TradeID: "outage",
			Side: hft.Sell, LastQty: 0.002,
			LastPrice: 100, TimestampNs: nowNs - 2e9}}, nil
	}
	adding, passed := make(chan struct{}), make(chan struct{})
	f.openOrders = func(_ context.Context, symbol string) ([]protocol.Report, error) {
		if symbol == "ETH" {
			<-passed
		}
		return nil, nil
	}
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true,
		Filters: []protocol.Filters{rules("BTC"), rules("ETH")}})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	f.events = func() []connector.AccountEvent {
		once.Do(func() {
			c.Register(instrument(1, "ETH"))
			close(adding)
		})
		return []connector.AccountEvent{
			{Kind: connector.Funding, Symbol: "ETH", ID: "funding", Amount: 1, TimestampNs: nowNs - 1e9},
			{Kind: connector.Liquidation, Symbol: "ETH", ID: "liquidation", Side: hft.Buy, Qty: 0.002, Price: 101,
				TimestampNs: nowNs}}
	}
	c.Register(instrument(0, "BTC"))
	for no := range 2 {
		c.Recover(connector.Past{InstrumentNo: no, ReadNs: nowNs - int64(time.Hour),
			EventsSinceNs: nowNs - int64(time.Hour)})
	}
	sink := &teller{journal: journal{sinktest.NewSink(), make(chan int64, 10)}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, wallClock{}) }()
	take(t, adding, "account events are asked for")
	take(t, sink.read, "what is known of the first symbol is journaled")
	close(passed)
	words := sink.told(t, 3)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := strings.Join(words, ", "); got != "outage 0.002, funding, liquidation" {
		t.Errorf("booked %s", got)
	}
}
