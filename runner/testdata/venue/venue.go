package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/feed"
	"github.com/hftrunner/hftrunner/hft"
)

// venue is a connector to the venue. It keeps no orders beyond a run: one that trades for money also implements
// connector.OrderKeeper, Accountant and Recoverer, or is made of a protocol.Protocol, for which package venue has all
// that.
type venue struct {
	address string
	nowNs   func() int64
	record  func(symbol string, localNs int64, message []byte)

	mu         sync.Mutex
	registered []connector.Instrument
	requests   []connector.Order
	wake       chan struct{}
}

// later leaves something to Run, which may not have begun.
func (v *venue) later(do func()) {
	v.mu.Lock()
	do()
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *venue) Register(inst connector.Instrument) {
	v.later(func() { v.registered = append(v.registered, inst) })
}
func (v *venue) Submit(o connector.Order) { v.later(func() { v.requests = append(v.requests, o) }) }
func (v *venue) Cancel(o connector.Order) { v.Submit(o) }
func (v *venue) Modify(o connector.Order) { v.Submit(o) }

// run is what only the goroutine of Run uses.
type run struct {
	*venue
	net.Conn
	sink  connector.Sink
	books map[string]*book
	sent  []connector.Order
}

type book struct {
	connector.Instrument
	*feed.Book
}

// Run connects and works until ctx ends.
func (v *venue) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return err
	}
	r := &run{venue: v, Conn: conn, sink: sink, books: make(map[string]*book)}
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(conn); s.Scan(); {
			select {
			case lines <- append([]byte(nil), s.Bytes()...):
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		_ = conn.Close()
		for range lines { // until the goroutine has ended
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-v.wake:
			err = r.work()
		case line, open := <-lines:
			if !open && ctx.Err() != nil { // the end of both may be seen in either order
				return nil
			}
			if !open {
				return errors.New("the venue has closed the connection")
			}
			err = r.take(line)
		}
		if err != nil {
			return err
		}
	}
}

// work subscribes what was registered and sends what was requested.
func (r *run) work() error {
	r.mu.Lock()
	registered, requests := r.registered, r.requests
	r.registered, r.requests = nil, nil
	r.mu.Unlock()
	for _, inst := range registered {
		b, err := feed.NewBook(feed.Config{Symbol: inst.Symbol, TickSize: inst.TickSize, LotSize: inst.LotSize,
			Rule: connector.RuleStreamed})
		if err != nil {
			return err
		}
		r.books[inst.Symbol] = &book{inst, b}
		if _, err := fmt.Fprintf(r, "{\"subscribe\":%q}\n", inst.Symbol); err != nil {
			return err
		}
	}
	for _, o := range requests {
		if o.Req != hft.StatusNew { // too late: an order is filled at once
			o.Req = hft.StatusRejected
			r.sink.Order(&connector.OrderUpdate{Order: o})
			continue
		}
		r.sent = append(r.sent, o)
		_, err := fmt.Fprintf(r, "{\"order\":%d,\"price\":%v,\"qty\":%v}\n", len(r.sent), o.Price(), o.Qty*float64(o.Side))
		if err != nil {
			return err
		}
	}
	return nil
}

// take publishes what the venue has sent.
func (r *run) take(line []byte) error {
	localNs := r.nowNs()
	var from message
	if err := json.Unmarshal(line, &from); err != nil {
		r.sink.Count(connector.BadMessages, 1)
		return nil
	}
	r.sink.Count(connector.Messages, 1)
	if from.Order > 0 && from.Order <= len(r.sent) {
		r.filled(&r.sent[from.Order-1], from.Time)
		return nil
	}
	b := r.books[from.Symbol]
	if b == nil {
		return nil
	}
	var m connector.Message
	if err := (decoder{}).Decode(localNs, line, &m); err != nil {
		return err
	}
	out := b.Take(localNs, &m)
	if out.Seen {
		return nil
	}
	if r.record != nil {
		r.record(from.Symbol, localNs, line)
	}
	if out.Stale != "" {
		r.sink.Stale(b.No, out.Stale)
	}
	if len(out.Events) > 0 {
		r.sink.Feed(b.No, out.Events)
	}
	if out.Ready {
		r.sink.Ready(b.No)
	}
	if out.NeedSnapshot { // the venue sends the book anew
		_, err := fmt.Fprintf(r, "{\"subscribe\":%q}\n", from.Symbol)
		return err
	}
	return nil
}

// filled reports the execution of an order.
func (r *run) filled(o *connector.Order, exchNs int64) {
	o.Status, o.Req, o.ExchTimestampNs = hft.StatusFilled, hft.StatusNone, exchNs
	o.ExecQty, o.ExecPriceTick, o.LeavesQty = o.Qty, o.PriceTick, 0
	r.sink.Order(&connector.OrderUpdate{Order: *o, Fill: true, FillValue: o.Price() * o.Qty})
}
