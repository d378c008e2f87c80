package venue_test

import (
	"context"
	"fmt"
	"slices"
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

// teller is a journal that keeps the order in which executions and account events came.
type teller struct {
	journal
	mu    sync.Mutex
	words []string
}

func (r *teller) tell(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words = append(r.words, word)
}

func (r *teller) Order(u *connector.OrderUpdate) {
	if u.Fill {
		r.tell(fmt.Sprintf("%s %.3f", u.Names.ExecID, u.ExecQty))
	}
	r.journal.Order(u)
}

func (r *teller) Account(e *connector.AccountEvent) {
	r.tell(e.Kind.String())
	r.journal.Account(e)
}

// told returns what came, when so many words have.
func (r *teller) told(t *testing.T, n int) (words []string) {
	t.Helper()
	until(t, "executions and account events come", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		words = slices.Clone(r.words)
		return len(words) >= n
	})
	return words
}

// TestStreamBeforeExecutionsAreKnown: the private stream tells of an execution of an order that the journal does not
// know, and that the venue has closed a position, before the executions of the outage are known. All that was executed of
// the order is booked, and then what was closed.
func TestStreamBeforeExecutionsAreKnown(t *testing.T) {
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
	report := protocol.Report{Channel: protocol.ChannelStream, Symbol: "BTC", ClientID: clientID, VenueID: "9", Status: hft.StatusPartiallyFilled,
		Side: hft.Sell, OrdType: hft.Limit, TimeInForce: hft.GTC, Price: 100, Qty: 0.009, CumQty: 0.005, HasCum: true, TimestampNs: nowNs - 1e9}
	execution := func(id string, lots float64, agoNs int64) protocol.Report {
		return protocol.Report{Channel: protocol.ChannelQuery, Symbol: "BTC", VenueID: "9", TradeID: id, Side: hft.Sell, LastQty: lots * 0.001,
			LastPrice: 100, TimestampNs: nowNs - agoNs}
	}
	f := newFake(t)
	f.query = func(context.Context, *protocol.Order) (protocol.Report, error) {
		r := report
		r.Channel = protocol.ChannelQuery
		return r, nil
	}
	f.executions = func(context.Context, string) ([]protocol.Report, error) {
		return []protocol.Report{execution("outage", 2, 2e9), execution("streamed", 3, 1e9)}, nil
	}
	streamed, asked := make(chan struct{}), make(chan struct{})
	f.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		r := report
		r.TradeID, r.LastQty, r.LastPrice = "streamed", 0.003, 100
		sink.Order(&r)
		sink.Account(&connector.AccountEvent{Kind: connector.Liquidation, Symbol: "BTC", ID: "liquidation", Side: hft.Buy, Qty: 0.005,
			Price: 101, TimestampNs: nowNs})
		close(streamed)
		return nil
	}
	var once sync.Once
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		once.Do(func() { close(asked) })
		<-streamed
		r := report
		r.Channel = protocol.ChannelQuery
		return []protocol.Report{r}, nil
	}
	c, err := venue.New(venue.Config{Protocol: f, Rule: connector.RuleSpot, OrderPrefix: "t", Trading: true, Filters: []protocol.Filters{rules("BTC")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Register(instrument(0, "BTC"))
	c.Recover(connector.Past{ReadNs: nowNs - int64(time.Hour)})
	sink := &teller{journal: journal{sinktest.NewSink(), make(chan int64, 10)}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, sink, wallClock{}) }()
	private := take(t, f.private, "a private stream")
	take(t, asked, "the open orders are asked for")
	private.send(t, "all")
	words := sink.told(t, 3)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := strings.Join(words, ", "); got != "outage 0.002, streamed 0.003, liquidation" {
		t.Errorf("booked %s", got)
	}
}
