package connectortest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// Patience is how long the kit waits for something that should happen at once before it calls that a failure.
const Patience = 20 * time.Second

// Harness is a connector that is not running yet, and what the kit has to know about it.
type Harness struct {
	Connector connector.Connector
	// Clock is given to the connector's Run; it starts when the connector's timeline says. It is nil for a live
	// connector, which has the wall clock.
	Clock *Clock
	// Exchange is what a live connector is connected to. It may be used by this Harness only.
	Exchange Exchange
	// Again returns another connector for the same account and exchange, as if the runner was started anew. For a live
	// connector.
	Again func() connector.Connector
	// NoPositions says that the venue keeps no positions.
	NoPositions bool
	// Instruments are at least one; the kit registers all and trades the first.
	Instruments []connector.Instrument
	// Qty is the quantity of the kit's orders, ten lots when 0.
	Qty float64
	// Step is how much time the kit lets pass at once, and Limit after how much an answer is overdue; 10 ms and 30 s
	// when 0. On the wall clock Step is how often the kit looks.
	Step, Limit time.Duration
	// Flood is how many requests are more than the connector can queue, 20000 when 0.
	Flood int
}

// check is one part of the contract. It returns what is broken.
type check struct {
	name string
	do   func(k *kit) error
}

// checks returns the kit's parts.
func checks() []check {
	return []check{
		{"books become ready", readiness},
		{"rest and cancel", restAndCancel},
		{"take", take},
		{"post only expires without an error", postOnly},
		{"modify", modify},
		{"cancel and modify of an unknown order are refused", unknownOrder},
		{"a duplicate id is refused and harms nobody", duplicateID},
		{"owners are independent", owners},
		{"requests before Run are answered", beforeRun},
		{"calls after Run are ignored", afterRun},
		{"a flood is answered and never blocks", flood},
		{"the end of the context ends Run", endOfContext},
	}
}

// Run checks connectors made by newHarness against the contract of package connector, a fresh one for each part. A live
// connector has to show more: see Exchange.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	run(t, checks(), newHarness)
}

// RunLive is Run for a live connector: with Exchange and Again, on the wall clock.
func RunLive(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	run(t, append(checks(), liveChecks()...), newHarness)
}

func run(t *testing.T, list []check, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			if err := conduct(newHarness(t), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// conduct runs one check on one harness, and then ends the connector and checks what must hold after that.
func conduct(h Harness, c check) error {
	if h.Qty == 0 {
		h.Qty = 10 * h.Instruments[0].LotSize
	}
	if h.Step == 0 {
		h.Step = 10 * time.Millisecond
	}
	if h.Limit == 0 {
		h.Limit = 30 * time.Second
	}
	if h.Flood == 0 {
		h.Flood = 20000
	}
	goroutines := runtime.NumGoroutine()
	k := &kit{Harness: h, clock: wallClock{}, sink: sinktest.NewSink(), done: make(chan struct{})}
	if h.Clock != nil {
		k.clock = h.Clock
	}
	err := c.do(k)
	if endErr := k.end(); endErr != nil {
		err = errors.Join(err, endErr)
	}
	if faults := k.sink.Faults(); faults != nil {
		err = errors.Join(err, faults)
	}
	return errors.Join(err, leaked(goroutines))
}

// leaked waits for the goroutines of a check to end.
func leaked(before int) error {
	for deadline := time.Now().Add(Patience / 10); ; time.Sleep(time.Millisecond) {
		now := runtime.NumGoroutine()
		if now <= before {
			return nil
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			return fmt.Errorf("%d goroutines are left, %d before:\n%s", now, before,
				stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// kit is one connector under test.
type kit struct {
	Harness
	clock   connector.Clock // Harness.Clock or the wall clock
	sink    *sinktest.Sink
	cancel  context.CancelFunc
	alive   context.Context // ends when Run has returned
	done    chan struct{}   // closed when Run has returned
	runErr  error
	orderID uint64
}

// start registers the instruments and starts Run.
func (k *kit) start() {
	for _, inst := range k.Instruments {
		k.Connector.Register(inst)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	alive, dead := context.WithCancel(context.Background())
	k.alive = alive
	sink, done := k.sink, k.done
	go func() {
		defer dead()
		k.runErr = k.Connector.Run(ctx, sink, k.clock)
		sink.Close()
		close(done)
	}()
}

// end ends the context and waits for Run, which must return nil.
func (k *kit) end() error {
	if k.cancel == nil {
		return nil
	}
	k.cancel()
	select {
	case <-k.done:
	case <-time.After(Patience):
		return errors.New("Run does not return after its context has ended")
	}
	if k.runErr != nil {
		return fmt.Errorf("Run returned an error: %w", k.runErr)
	}
	return nil
}

// until lets time pass until cond holds.
func (k *kit) until(what string, cond func() bool) error {
	if k.Clock == nil {
		return k.watch(what, cond)
	}
	for passed := time.Duration(0); ; passed += k.Step {
		ctx, cancel := context.WithTimeout(k.alive, Patience)
		err := k.Clock.Settle(ctx)
		cancel()
		if cond() {
			return nil
		}
		if err != nil {
			select {
			case <-k.done:
				return fmt.Errorf("%s: Run has returned (%v)", what, k.runErr)
			default:
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		if passed > k.Limit {
			return fmt.Errorf("%s: not within %v", what, k.Limit)
		}
		k.Clock.Advance(k.Step)
	}
}

// watch waits by the wall clock until cond holds.
func (k *kit) watch(what string, cond func() bool) error {
	deadline := time.NewTimer(k.Limit)
	defer deadline.Stop()
	look := time.NewTicker(k.Step)
	defer look.Stop()
	for !cond() {
		select {
		case <-look.C:
		case <-k.alive.Done():
			if cond() {
				return nil
			}
			return fmt.Errorf("%s: Run has returned (%v)", what, k.runErr)
		case <-deadline.C:
			return fmt.Errorf("%s: not within %v", what, k.Limit)
		}
	}
	return nil
}

// open starts the connector and waits for the books.
func (k *kit) open() error {
	k.start()
	return k.ready()
}

// prompt runs a call that must not block.
func prompt(what string, call func()) error {
	returned := make(chan struct{})
	go func() {
		call()
		close(returned)
	}()
	select {
	case <-returned:
		return nil
	case <-time.After(Patience):
		return fmt.Errorf("%s blocks", what)
	}
}

// order returns an order of a bot far from the market: below it to buy, above it to sell.
func (k *kit) order(bot uint64, side hft.Side, tif hft.TimeInForce) connector.Order {
	k.orderID++
	bid, ask := k.sink.Best(k.Instruments[0].No)
	price := bid * 0.97
	if side == hft.Sell {
		price = ask * 1.03
	}
	return k.at(bot, k.orderID, price, side, tif)
}

func (k *kit) at(bot, id uint64, price float64, side hft.Side, tif hft.TimeInForce) connector.Order {
	inst := k.Instruments[0]
	o := connector.Order{InstrumentNo: inst.No, Owner: connector.Owner{Bot: bot, Incarnation: uint32(bot) + 1},
		Order: hft.NewOrder(id, hft.PriceTick(price, inst.TickSize), inst.TickSize, k.Qty, side, hft.Limit, tif)}
	o.Req = hft.StatusNew
	return o
}

// crossing returns an order that takes.
func (k *kit) crossing(bot uint64, side hft.Side, tif hft.TimeInForce) connector.Order {
	k.orderID++
	bid, ask := k.sink.Best(k.Instruments[0].No)
	price := ask * 1.01
	if side == hft.Sell {
		price = bid * 0.99
	}
	return k.at(bot, k.orderID, price, side, tif)
}

// send sends the request that o.Req names, as of the clock.
func (k *kit) send(o connector.Order) error {
	o.LocalTimestampNs = k.clock.NowNs()
	k.sink.Sent(&o)
	switch o.Req {
	case hft.StatusCanceled:
		return prompt("Cancel", func() { k.Connector.Cancel(o) })
	case hft.StatusReplaced:
		return prompt("Modify", func() { k.Connector.Modify(o) })
	}
	return prompt("Submit", func() { k.Connector.Submit(o) })
}

// ask sends a request and waits for the next update about the order, which it returns.
func (k *kit) ask(o connector.Order) (connector.OrderUpdate, error) {
	before := len(k.sink.Updates(sinktest.KeyOf(&o)))
	if err := k.send(o); err != nil {
		return connector.OrderUpdate{}, err
	}
	what := fmt.Sprintf("an answer to request %v of order %d", o.Req, o.OrderID)
	if err := k.until(what, func() bool { return len(k.sink.Updates(sinktest.KeyOf(&o))) > before }); err != nil {
		return connector.OrderUpdate{}, err
	}
	u := k.sink.Updates(sinktest.KeyOf(&o))[before]
	if u.Owner != o.Owner && o.Req == hft.StatusNew && u.Req != hft.StatusRejected {
		return u, fmt.Errorf("order of %+v was answered to %+v", o.Owner, u.Owner)
	}
	if o.Req == hft.StatusNew && u.Req == hft.StatusRejected && !u.Final() {
		return u, fmt.Errorf("a refused submission is %v: it has to be final, nothing else says that the order is over",
			u.Status)
	}
	return u, nil
}

// want returns an error unless u is an accepted request with that status.
func want(u connector.OrderUpdate, status hft.Status) error {
	if u.Status != status || u.Req != hft.StatusNone {
		return fmt.Errorf("answer is %v with request %v, want %v: %+v", u.Status, u.Req, status, u)
	}
	return nil
}

func sameQty(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) }
