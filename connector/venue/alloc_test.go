package venue_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// counting is a connector.Sink that only counts, and says when it has counted enough.
type counting struct {
	ready chan struct{}
	// armed begins the counting; every time as many as batch have come, done says so.
	armed        atomic.Bool
	feeds, batch int
	done         chan struct{}
}

func (c *counting) Feed(int, []hft.Event) {
	if !c.armed.Load() {
		return
	}
	if c.feeds++; c.feeds%c.batch == 0 {
		c.done <- struct{}{}
	}
}
func (c *counting) Order(*connector.OrderUpdate)    {}
func (c *counting) Position(int, float64, int64)    {}
func (c *counting) Error(*connector.Error)          {}
func (c *counting) Ready(int)                       { c.ready <- struct{}{} }
func (c *counting) Account(*connector.AccountEvent) {}
func (c *counting) Stale(int, string)               {}
func (c *counting) Count(connector.Counter, uint64) {}

// textFrame appends the bytes of an unmasked WebSocket text message.
func textFrame(dst []byte, text string) []byte {
	const final, text16, maxShort = 0x81, 126, 125
	if len(text) <= maxShort {
		dst = append(dst, final, byte(len(text)))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, final, text16), uint16(len(text)))
	}
	return append(dst, text...)
}

// dialect is what a venue's messages look like. Each is given the number of the message from 11 on; ids count one by
// one.
type dialect struct {
	name                          string
	rule                          connector.Rule
	decoder                       connector.Decoder
	snapshot, depth, trade, quote string
}

func dialects() []dialect {
	const rows = `[["60000.10","%[1]d.5"],["60000.00","1.25"],["59999.90","0.000"]]`
	list := []dialect{
		{name: "binancefutures", rule: connector.RuleFutures, decoder: binance.Futures().Format.NewDecoder(),
			snapshot: `{"lastUpdateId":10,"E":NOW,"T":NOW,"bids":[["60000.10","1"]],"asks":[["60000.20","1"]]}`,
			depth:    `{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":NOW,"T":NOW,"s":"BTCUSDT","U":%[1]d,"u":%[1]d,"pu":%[2]d,"b":` + rows + `,"a":[]}}`,
			trade:    `{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":NOW,"a":%[1]d,"s":"BTCUSDT","p":"60000.10","q":"0.5","f":%[1]d,"l":%[1]d,"T":NOW,"m":true}}`,
			quote:    `{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":%[1]d,"s":"BTCUSDT","b":"60000.10","B":"%[1]d.5","a":"60000.20","A":"5.0","T":NOW,"E":NOW}}`},
		{name: "binancespot", rule: connector.RuleSpot, decoder: binance.Spot().Format.NewDecoder(),
			snapshot: `{"lastUpdateId":10,"bids":[["60000.10","1"]],"asks":[["60000.20","1"]]}`,
			depth:    `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":NOW,"s":"BTCUSDT","U":%[1]d,"u":%[1]d,"b":` + rows + `,"a":[]}}`,
			trade:    `{"stream":"btcusdt@trade","data":{"e":"trade","E":NOW,"s":"BTCUSDT","t":%[1]d,"p":"60000.10","q":"0.5","T":NOW,"m":true,"M":true}}`,
			quote:    `{"stream":"btcusdt@bookTicker","data":{"u":%[1]d,"s":"BTCUSDT","b":"60000.10","B":"%[1]d.5","a":"60000.20","A":"5.0"}}`},
		{name: "bybit", rule: connector.RuleStreamed, decoder: bybit.Kind().Format.NewDecoder(),
			snapshot: `{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":NOW,"data":{"s":"BTCUSDT","b":[["60000.10","1"]],"a":[["60000.20","1"]],"u":10,"seq":10},"cts":NOW}`,
			depth:    `{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":NOW,"data":{"s":"BTCUSDT","b":` + rows + `,"a":[],"u":%[1]d,"seq":%[1]d},"cts":NOW}`,
			trade: `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":NOW,"data":[{"T":NOW,"s":"BTCUSDT","S":"Buy","v":"0.5","p":"60000.10",` +
				`"L":"PlusTick","i":"2f3bd0dc","BT":false,"RPI":false,"seq":%[1]d}]}`,
			quote: `{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":NOW,"data":{"s":"BTCUSDT","b":[["60000.10","%[1]d.5"]],"a":[["60000.20","5"]],` +
				`"u":%[1]d,"seq":%[1]d},"cts":NOW}`},
	}
	now := strconv.FormatInt(time.Now().UnixMilli(), 10) // messages of another time are not believed
	for i := range list {
		for _, text := range []*string{&list[i].snapshot, &list[i].depth, &list[i].trade, &list[i].quote} {
			*text = strings.ReplaceAll(*text, "NOW", now)
		}
	}
	return list
}

// TestMarketDataAllocatesNothing measures all that the process allocates while messages come over a socket: the stream,
// the decoder, the synchroniser and the connector, until Sink.Feed is called.
func TestMarketDataAllocatesNothing(t *testing.T) {
	const messages, batches = 500, 22
	for _, d := range dialects() {
		for name, pattern := range map[string]string{"depth": d.depth, "trade": d.trade, "bookTicker": d.quote} {
			t.Run(d.name+"/"+name, func(t *testing.T) {
				sink := &counting{batch: messages, ready: make(chan struct{}, 10), done: make(chan struct{}, 1)}
				f := newFake(t)
				f.decode = func() connector.Decoder { return d.decoder }
				f.snapshot = func(string) ([]byte, error) { return []byte(d.snapshot), nil }
				start(t, f, sink, func(c *venue.Config) { c.Rule = d.rule }, "BTCUSDT")
				market := take(t, f.market, "the market stream")
				next := 11
				if d.rule == connector.RuleStreamed {
					market.send(t, d.snapshot)
				} else {
					market.send(t, fmt.Sprintf(d.depth, next, next-1))
					next++
				}
				take(t, sink.ready, "the book")
				sink.armed.Store(true)

				frames := make([][]byte, batches)
				for n := range messages * batches {
					i := n / messages
					frames[i] = textFrame(frames[i], fmt.Sprintf(pattern, next+n, next+n-1))
				}
				i := 0
				batch := func() {
					if _, err := market.raw.Write(frames[i]); err != nil {
						t.Fatal(err)
					}
					i++
					take(t, sink.done, "the messages of a batch")
				}
				batch()
				if n := testing.AllocsPerRun(batches-2, batch); n > messages/100 && !raceDetector {
					t.Errorf("%v allocations for %d messages", n, messages)
				}
			})
		}
	}
}

// TestOrderAllocations: from Submit until the venue's refusal is answered only what lives as long as the request is
// allocated: its client id, the texts of price and quantity, its deadline and its goroutine's closure.
func TestOrderAllocations(t *testing.T) {
	f := newFake(t)
	refusal := &protocol.Failure{Cause: protocol.WouldTake}
	f.place = func(context.Context, *protocol.Order) (protocol.Report, error) { return protocol.Report{}, refusal }
	sink := &ending{over: make(chan hft.Status, 1)}
	r := start(t, f, sink, trading, "BTC")
	take(t, f.private, "the private stream")
	o := connector.Order{Owner: connector.Owner{Bot: 1, Incarnation: 1}, Order: hft.NewOrder(0, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTX)}
	order := func() {
		o.OrderID++
		r.connector.Submit(o)
		<-sink.over
	}
	until(t, "the account is known", func() bool {
		order()
		return sink.refusals.Load() < int64(o.OrderID)
	})
	for range 1000 { // what is over is remembered for a while, so memory grows at first
		order()
	}
	refusals := sink.refusals.Load()
	const bound = 30
	if n := testing.AllocsPerRun(1000, order); n > bound && !raceDetector {
		t.Errorf("%v allocations for an order", n)
	}
	if sink.refusals.Load() != refusals {
		t.Error("an order was not sent")
	}
}

// ending is a connector.Sink that says when an order is over.
type ending struct {
	counting
	over chan hft.Status
	// refusals counts orders that were refused here.
	refusals atomic.Int64
}

func (e *ending) Order(u *connector.OrderUpdate) {
	if u.Final() {
		e.over <- u.Status
	}
}

func (e *ending) Error(*connector.Error) { e.refusals.Add(1) }
