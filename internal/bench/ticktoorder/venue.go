package ticktoorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// Quote returns a best bid and ask message in which only the bid's quantity depends on n: one event.
func Quote(n int) []byte {
	return fmt.Appendf(nil, `{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":%d,"s":"BTCUSDT","b":"60000.10","B":"%d.000",`+
		`"a":"60000.20","A":"5.000","T":1700000000000,"E":1700000000000}}`, n, n)
}

// Depth returns what makes messages of that many levels, whose quantities depend on n.
func Depth(levels int) func(n int) []byte {
	return func(n int) []byte { return depthMessage(n, levels) }
}

func depthMessage(n, levels int) []byte {
	side := func(price, step float64) (rows []byte) {
		for i := range levels / 2 {
			if i > 0 {
				rows = append(rows, ',')
			}
			rows = fmt.Appendf(rows, `["%.2f","%d.000"]`, price+step*float64(i), n)
		}
		return rows
	}
	return fmt.Appendf(nil, `{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1700000000000,"T":1700000000000,"s":"BTCUSDT",`+
		`"U":%d,"u":%d,"pu":%d,"b":[%s],"a":[%s]}}`, n, n, n-1, side(60000.1, -0.1), side(60000.2, 0.1))
}

// snapshot is the book before the first message.
// messageMs is the time of all messages.
const messageMs = 1_700_000_000_000

const snapshot = `{"lastUpdateId":0,"E":1700000000000,"T":1700000000000,"bids":[["60000.10","1.000"]],"asks":[["60000.20","1.000"]]}`

// breath is the time between an order and the next message, so that the strategy waits again when it comes.
const breath = 20 * time.Microsecond

// venue is a connector that sends a message, waits for the order it causes, and takes the time between.
type venue struct {
	o         Options
	orders    chan connector.Order
	arrived   chan time.Time
	samplesNs []int64
}

func newVenue(o Options) *venue {
	return &venue{o: o, orders: make(chan connector.Order, 16), arrived: make(chan time.Time, 16)}
}

// Register has nothing to do: there is one instrument.
func (v *venue) Register(connector.Instrument) {}

// Submit takes the time and hands the order to Run.
func (v *venue) Submit(o connector.Order) {
	now := time.Now()
	select {
	case v.orders <- o:
		v.arrived <- now
	default: // an order that nothing asked for
	}
}

// Cancel and Modify are never asked for.
func (v *venue) Cancel(connector.Order) {}

// Modify is never asked for.
func (v *venue) Modify(connector.Order) {}

// Timeline starts the simulated market when the strategy is in sync.
func (*venue) Timeline() connector.Timeline { return connector.Timeline{} }

// Run sends the messages one by one. Each order expires at once, so that none piles up.
func (v *venue) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	if _, err := clock.WaitUntil(ctx, clock.NowNs()+1, nil); err != nil {
		return nil
	}
	book, err := feed.NewBook(feed.Config{TickSize: tickSize, LotSize: lotSize, Rule: connector.RuleFutures,
		Quotes: true, VenueNs: func(int64) int64 { return messageMs * 1e6 }})
	if err != nil {
		return err
	}
	decoder := binance.Futures().Format.NewDecoder()
	var m connector.Message
	take := func(n int, raw []byte) error {
		if err := decoder.Decode(int64(n), raw, &m); err != nil {
			return err
		}
		if out := book.Take(int64(n), &m); len(out.Events) > 0 {
			sink.Feed(0, out.Events)
		}
		return nil
	}
	const first = 2 // the book is complete with message 1
	if err := errors.Join(take(0, []byte(snapshot)), take(1, depthMessage(1, 70))); err != nil {
		return err
	}
	v.samplesNs = make([]int64, 0, v.o.Samples)
	for n := range v.o.Samples + 1 {
		var sent time.Time // the first order answers the complete book
		if n > 0 {
			raw := v.o.Message(n - 1 + first)
			sent = time.Now()
			if err := take(n, raw); err != nil {
				return err
			}
		}
		select {
		case o := <-v.orders:
			if arrived := <-v.arrived; n > 0 {
				v.samplesNs = append(v.samplesNs, int64(arrived.Sub(sent)))
			}
			o.Req, o.Status, o.ExchTimestampNs = hft.StatusNone, hft.StatusExpired, int64(n+1)
			sink.Order(&connector.OrderUpdate{Order: o})
		case <-ctx.Done():
			return nil
		}
		for from := time.Now(); time.Since(from) < breath; {
			continue
		}
	}
	return nil
}
