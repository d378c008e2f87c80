package connectortest

import (
	"errors"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// Exchange is a loopback exchange as the kit needs it for a live connector: what it makes happen there, and what is
// true. Calls come from one goroutine. An error ends the check.
type Exchange interface {
	// MoveTo lets the market of others go to a price: they trade with all that rests on the way, and then have orders
	// on both sides of it again. The market goes on changing a little all the time, so that books can be followed.
	MoveTo(symbol string, price float64) error
	// CutConnections closes all connections that stay open, as a venue does once a day. New ones are taken.
	CutConnections() error
	// LeaveOutDepth lets some differences of the books of all symbols be missing.
	LeaveOutDepth() error
	// LoseAnswer carries the next new order out and does not answer it.
	LoseAnswer() error
	// State returns what is true now.
	State() (ExchangeState, error)
}

// ExchangeState is an exchange at one moment.
type ExchangeState struct {
	// Orders are those that the connector has sent since the exchange began, also the ones that are over.
	Orders []ExchangeOrder
	// Positions are the account's by symbol, nil where the venue keeps none.
	Positions map[string]float64
	// Books are whole books by symbol.
	Books map[string]ExchangeBook
}

// ExchangeOrder is an order at the exchange.
type ExchangeOrder struct {
	Symbol   string
	Side     hft.Side
	Open     bool
	Executed float64
}

// ExchangeBook is a book at the exchange, price to quantity.
type ExchangeBook struct{ Bids, Asks map[float64]float64 }

// liveChecks returns the parts for live connectors.
func liveChecks() []check {
	return []check{
		{"executions of other clients are reported once", restingFills},
		{"connections come back", reconnect},
		{"a gap is mended", gap},
		{"an order whose answer is lost is found", lostAnswer},
		{"executions while away are reported", awayFills},
		{"orders are adopted", adoption},
	}
}

// restingFills: orders on both sides are executed as the market comes to them.
func restingFills(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		if err := k.fillBehind(side, func() error { return nil }); err != nil {
			return err
		}
		if err := k.agree(); err != nil { // also: the book has come to where the market is
			return err
		}
	}
	return nil
}

// fillBehind places an order half a percent behind the market, does something, and lets the market come to it.
func (k *kit) fillBehind(side hft.Side, meanwhile func() error) error {
	inst := k.Instruments[0]
	bid, ask := k.sink.Best(inst.No)
	price := (bid + ask) / 2 * (1 - 0.005*float64(side))
	k.orderID++
	o := k.at(1, k.orderID, price, side, hft.GTC)
	u, err := k.ask(o)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := meanwhile(); err != nil {
		return err
	}
	if err := k.Exchange.MoveTo(inst.Symbol, price*(1-0.005*float64(side))); err != nil {
		return err
	}
	if err := k.until("the order to be filled",
		func() bool { return k.last(o).Status == hft.StatusFilled }); err != nil {
		return err
	}
	executed := 0.0
	for _, u := range k.sink.Updates(sinktest.KeyOf(&o)) {
		if u.Fill {
			executed += u.ExecQty
		}
	}
	if !sameQty(executed, o.Qty) {
		return fmt.Errorf("executions of an order of %v add up to %v", o.Qty, executed)
	}
	return nil
}

// last returns the last update about an order, a zero one when there is none.
func (k *kit) last(o connector.Order) connector.OrderUpdate {
	updates := k.sink.Updates(sinktest.KeyOf(&o))
	if len(updates) == 0 {
		return connector.OrderUpdate{}
	}
	return updates[len(updates)-1]
}

// cut closes the connections and waits until the connector has said so.
func (k *kit) cut() error {
	stales := k.sink.Stales()
	if err := k.Exchange.CutConnections(); err != nil {
		return err
	}
	if err := k.until("books to be lost with their connection",
		func() bool { return k.sink.Stales() >= stales+len(k.Instruments) }); err != nil {
		return err
	}
	return k.until("an error event about the lost connection", func() bool {
		for _, e := range k.sink.Errors() {
			if e.Kind == hft.ConnectionInterrupted {
				return true
			}
		}
		return false
	})
}

// ready waits until all books are complete.
func (k *kit) ready() error {
	return k.until("books to be ready", func() bool {
		for _, inst := range k.Instruments {
			if !k.sink.IsReady(inst.No) {
				return false
			}
		}
		return true
	})
}

// reconnect: all symbols come back after connections were lost, and orders were not touched.
func reconnect(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	o := k.order(1, hft.Buy, hft.GTC)
	u, err := k.ask(o)
	if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
		return err
	}
	if err := errors.Join(k.cut(), k.ready(), k.agree()); err != nil {
		return err
	}
	o.Req = hft.StatusCanceled
	u, err = k.ask(o)
	return errors.Join(err, want(u, hft.StatusCanceled), k.agree())
}

// gap: a book with a gap is given up, and then complete again.
func gap(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	gaps, stales := k.sink.Counter(connector.Gaps), k.sink.Stales()
	if err := k.Exchange.LeaveOutDepth(); err != nil {
		return err
	}
	if err := k.until("a gap to be counted and its book to be lost", func() bool {
		return k.sink.Counter(connector.Gaps) > gaps && k.sink.Stales() > stales
	}); err != nil {
		return err
	}
	return errors.Join(k.ready(), k.agree())
}

// lostAnswer: an order is asked about whose answer does not come, and sent once.
func lostAnswer(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	if err := k.Exchange.LoseAnswer(); err != nil {
		return err
	}
	o := k.order(1, hft.Buy, hft.GTC)
	if err := k.send(o); err != nil {
		return err
	}
	if err := k.until("the order to be found at the exchange", func() bool {
		u := k.last(o)
		return u.Status == hft.StatusNew && u.Req == hft.StatusNone
	}); err != nil {
		return err
	}
	state, err := k.Exchange.State()
	if err != nil {
		return err
	}
	if len(state.Orders) != 1 {
		return fmt.Errorf("one order was submitted, the exchange has %d: %+v", len(state.Orders), state.Orders)
	}
	o.Req = hft.StatusCanceled
	u, err := k.ask(o)
	return errors.Join(err, want(u, hft.StatusCanceled), k.agree())
}

// awayFills: what is executed while connections are down is told when they are back.
func awayFills(k *kit) error {
	if err := k.open(); err != nil {
		return err
	}
	if err := k.fillBehind(hft.Buy, k.cut); err != nil {
		return err
	}
	return errors.Join(k.ready(), k.agree())
}

// adoption: the orders of a connector that has ended are found by the next one, which tells each bot of its own.
func adoption(k *kit) error {
	if k.Again == nil {
		return errors.New("Harness.Again is not set: a second connector is needed")
	}
	if err := k.open(); err != nil {
		return err
	}
	orders := []connector.Order{k.order(1, hft.Buy, hft.GTC), k.order(2, hft.Sell, hft.GTC)}
	for _, o := range orders {
		u, err := k.ask(o)
		if err = errors.Join(err, want(u, hft.StatusNew)); err != nil {
			return err
		}
	}
	if err := errors.Join(k.end(), k.sink.Faults()); err != nil {
		return fmt.Errorf("the first connector: %w", err)
	}
	k.Connector, k.sink, k.done = k.Again(), sinktest.NewSink(), make(chan struct{})
	for _, o := range orders {
		k.sink.Sent(&o)
	}
	if err := k.open(); err != nil {
		return err
	}
	for _, o := range orders {
		if err := k.until("the order to be adopted",
			func() bool { return k.last(o).Status == hft.StatusNew }); err != nil {
			return err
		}
		if u := k.last(o); u.Owner != o.Owner || u.PriceTick != o.PriceTick || u.Side != o.Side ||
			!sameQty(u.LeavesQty, o.Qty) {
			return fmt.Errorf("order %+v is adopted as %+v", o, u)
		}
		o.Req = hft.StatusCanceled
		u, err := k.ask(o)
		if err = errors.Join(err, want(u, hft.StatusCanceled)); err != nil {
			return err
		}
	}
	return k.agree()
}

// agree waits until all that was said is what the exchange has.
func (k *kit) agree() error {
	var differs error
	err := k.until("the connector to agree with the exchange", func() bool {
		state, err := k.Exchange.State()
		if err != nil {
			differs = err
			return false
		}
		differs = k.differences(&state)
		return differs == nil
	})
	if err != nil {
		return errors.Join(err, differs)
	}
	return nil
}

// differences returns what differs between what was said and what is true.
func (k *kit) differences(state *ExchangeState) error {
	type sum struct {
		symbol string
		side   hft.Side
	}
	told, executed := map[sum]float64{}, map[sum]float64{}
	open := 0
	for _, o := range state.Orders {
		executed[sum{o.Symbol, o.Side}] += o.Executed
		if o.Open {
			open++
		}
	}
	for _, u := range k.sink.AllUpdates() {
		if u.Fill {
			told[sum{k.symbol(u.InstrumentNo), u.Side}] += u.ExecQty
		}
	}
	var errs []error
	for key, qty := range executed {
		if !sameQty(told[key], qty) {
			errs = append(errs, fmt.Errorf("%s %v: %v is reported as executed, at the exchange it is %v", key.symbol,
				key.side, told[key], qty))
		}
	}
	if n := k.sink.Open(); n != open {
		errs = append(errs, fmt.Errorf("%d orders are reported as open, at the exchange there are %d", n, open))
	}
	for _, inst := range k.Instruments {
		if want, known := state.Positions[inst.Symbol]; known && !sameQty(k.sink.LastPosition(inst.No), want) {
			errs = append(errs, fmt.Errorf("position of %s is reported as %v, at the exchange it is %v", inst.Symbol,
				k.sink.LastPosition(inst.No), want))
		}
		bids, asks := k.sink.Book(inst.No)
		if book, known := state.Books[inst.Symbol]; known &&
			(!sameLevels(bids, book.Bids) || !sameLevels(asks, book.Asks)) {
			errs = append(errs, fmt.Errorf("the book of %s is %v and %v, at the exchange %v and %v", inst.Symbol, bids,
				asks, book.Bids, book.Asks))
		}
	}
	return errors.Join(errs...)
}

func (k *kit) symbol(instrumentNo int) string {
	for _, inst := range k.Instruments {
		if inst.No == instrumentNo {
			return inst.Symbol
		}
	}
	return ""
}

func sameLevels(a, b map[float64]float64) bool {
	if len(a) != len(b) {
		return false
	}
	for price, qty := range b {
		if math.Abs(a[price]-qty) > 1e-9*(1+qty) {
			return false
		}
	}
	return true
}
