package exchange

import (
	"fmt"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// L3Config is what an L3 exchange is made of. Book, Asset, Fee and Responder are required; all but Book means the same
// as in Config.
type L3Config struct {
	AssetNo int
	// Book is the exchange's own, empty book by order; nobody else changes it. Its tick and lot size are the
	// instrument's.
	Book      depth.L3MarketDepth
	Asset     sim.AssetType
	Fee       sim.FeeModel
	Responder Responder
	MaxOrders int
	// Compat Hftbacktest lets a modified order rest through the other side's best (Q32), does not fill an order that is
	// priced better than the best of the feed when the feed's orders behind it are filled (Q38), and ends at the first
	// event that does not fit the book; Stock means the same here.
	Compat sim.Compat
}

// L3 is an exchange over a feed that names every order (L3NoPartialFillExchange with L3FIFOQueueModel). The bots'
// orders queue among the feed's, first come first served: an order is filled, always whole, when a feed order behind it
// is filled or when the other side's best price reaches it.
//
// The feed may contradict itself, as recordings with gaps do. Such events are passed over and counted (FeedErrors);
// with Compat Hftbacktest the first one ends the exchange, as it ends a run of the reference, and Err wraps
// hft.ErrOrderNotFound, hft.ErrOrderIDExist or hft.ErrInvalidOrderRequest.
type L3 struct {
	desk
	book   depth.L3MarketDepth
	queue  fifo
	errors L3FeedErrors
}

// L3FeedErrors counts events of a feed that do not fit the book. More than none says that the data have a gap, begin
// without a snapshot, or were put together wrongly.
type L3FeedErrors struct {
	// UnknownOrder: cancels, modifications and fills of orders that are not in the book.
	UnknownOrder int64
	// KnownOrder: orders added while one of the same id is in the book.
	KnownOrder int64
	// Invalid: a price or quantity that cannot be.
	Invalid int64
}

var _ Exchange = (*L3)(nil)

// NewL3 returns an exchange over a book by order.
func NewL3(cfg L3Config) (*L3, error) {
	d, err := newDesk(&Config{AssetNo: cfg.AssetNo, Asset: cfg.Asset, Fee: cfg.Fee, Responder: cfg.Responder,
		MaxOrders: cfg.MaxOrders, Compat: cfg.Compat}, cfg.Book)
	if err != nil {
		return nil, err
	}
	return &L3{desk: d, book: cfg.Book, queue: newFIFO()}, nil
}

// Depth returns the exchange's book.
func (x *L3) Depth() hft.MarketDepth { return x.book }

// FeedErrors returns how many events did not fit the book so far.
func (x *L3) FeedErrors() L3FeedErrors { return x.errors }

// OnEvent takes one event of the market: orders added, modified, canceled and filled, and clears. Trades and all other
// kinds are ignored: the feed says in fills what a trade did to the book.
func (x *L3) OnEvent(timestampNs int64, e *hft.Event) {
	if x.err != nil {
		return
	}
	switch e.Kind() {
	case hft.AddOrderEvent:
		if side := e.Side(); side != hft.SideNone {
			x.onAdd(timestampNs, side, e)
		}
	case hft.ModifyOrderEvent:
		x.onModify(timestampNs, e)
	case hft.CancelOrderEvent:
		if _, _, _, err := x.book.DeleteOrder(e.OrderID, timestampNs); err != nil {
			x.contradiction(timestampNs, e, err)
			return
		}
		x.queue.cancelFeed(e.OrderID)
	case hft.FillEvent:
		if e.Side() != hft.SideNone {
			x.onFill(timestampNs, e)
		}
	case hft.DepthClearEvent:
		x.onClear(timestampNs, e.Side())
	}
}

// contradiction takes note of an event that does not fit the book, which the event has not changed.
func (x *L3) contradiction(timestampNs int64, e *hft.Event, err error) {
	what := "has an invalid price or quantity"
	switch err {
	case hft.ErrOrderNotFound:
		x.errors.UnknownOrder++
		what = "is about an order that is not in the book"
	case hft.ErrOrderIDExist:
		x.errors.KnownOrder++
		what = "adds an order whose id is in the book"
	default:
		x.errors.Invalid++
	}
	if x.compat != sim.Fixed {
		x.err = fmt.Errorf("exchange: the feed's event of kind %d for order %d at %d %s; look for a gap in the data, or run without "+
			"the compat mode, which skips such events: %w", e.Kind(), e.OrderID, timestampNs, what, err)
	}
}

// refused reports an event that the fixed mode does not let into the book. A book in mode depth.Compat would take it.
func (x *L3) refused(timestampNs int64, e *hft.Event) bool {
	if x.compat != sim.Fixed || x.sane(e) {
		return false
	}
	x.contradiction(timestampNs, e, hft.ErrInvalidOrderRequest)
	return true
}

func (x *L3) onAdd(timestampNs int64, side hft.Side, e *hft.Event) {
	if x.refused(timestampNs, e) {
		return
	}
	add := x.book.AddSellOrder
	if side == hft.Buy {
		add = x.book.AddBuyOrder
	}
	prevBestTick, bestTick, err := add(e.OrderID, e.Px, e.Qty, timestampNs)
	if err != nil {
		x.contradiction(timestampNs, e, err)
		return
	}
	x.queue.addFeed(side, e.OrderID, hft.PriceTick(e.Px, x.tickSize), e.Qty)
	x.cross(timestampNs, side, prevBestTick, bestTick)
}

func (x *L3) onModify(timestampNs int64, e *hft.Event) {
	if x.refused(timestampNs, e) {
		return
	}
	side, prevBestTick, bestTick, err := x.book.ModifyOrder(e.OrderID, e.Px, e.Qty, timestampNs)
	if err != nil {
		x.contradiction(timestampNs, e, err)
		return
	}
	x.queue.modifyFeed(e.OrderID, hft.PriceTick(e.Px, x.tickSize), e.Qty)
	x.cross(timestampNs, side, prevBestTick, bestTick)
}

// cross fills the bots' orders that the best price of the feed's side has reached from the other side. A best that got
// worse reaches nobody.
func (x *L3) cross(timestampNs int64, side hft.Side, prevBestTick, bestTick int64) {
	l, step := &x.queue.sells, int64(1)
	none := hft.InvalidMin
	if side == hft.Sell {
		l, step, none = &x.queue.buys, -1, hft.InvalidMax
	}
	reached := l.priority(bestTick)
	if l.priority(prevBestTick) >= reached {
		return
	}
	from := 0
	if x.compat != sim.Fixed && prevBestTick != none {
		from = x.first(l, l.priority(prevBestTick+step), reached)
	}
	x.execute(timestampNs, l, from, l.before(reached+1), sim.CauseCrossed)
}

// first returns where the reference begins to fill orders of the priorities from..to: it visits the prices of that
// range if they are few, so that orders beyond it stay, and all orders otherwise.
func (x *L3) first(l *ladder, from, to int64) int {
	if int64(x.orders.count) < to-from {
		return 0
	}
	return l.before(from)
}

// onFill fills the bots' orders that should have been filled before the feed's order: those at a better price and those
// before it in its queue. The order itself stays until the feed cancels or modifies it.
func (x *L3) onFill(timestampNs int64, e *hft.Event) {
	f := x.queue.feed.get(e.OrderID)
	if f == nil {
		x.contradiction(timestampNs, e, hft.ErrOrderNotFound)
		return
	}
	l := x.queue.side(f.side)
	if x.compat != sim.Fixed {
		bestTick := x.book.BestAskTick()
		if f.side == hft.Buy {
			bestTick = x.book.BestBidTick()
		}
		best, filled := l.priority(bestTick), l.priority(hft.PriceTick(e.Px, x.tickSize))
		if best < filled {
			x.execute(timestampNs, l, x.first(l, best, filled-1), l.before(filled), sim.CauseThrough)
		}
	} else {
		better, _ := x.queue.before(f)
		x.execute(timestampNs, l, 0, better, sim.CauseThrough)
	}
	from, to := x.queue.before(f)
	x.execute(timestampNs, l, from, to, sim.CauseQueue)
}

// execute fills the orders from..to-1 of a ladder, best price first and at one price in order of arrival. The reference
// goes from the lowest price upwards on both sides (where it takes any, its hash sets, so do we: Q24).
func (x *L3) execute(timestampNs int64, l *ladder, from, to int, cause sim.FillCause) {
	if from >= to {
		return
	}
	rungs := l.rungs[from:to]
	if l.buy && x.compat != sim.Fixed {
		for end := len(rungs); end > 0; {
			start := end - 1
			for start > 0 && rungs[start-1].priority == rungs[end-1].priority {
				start--
			}
			x.fillAll(timestampNs, rungs[start:end], cause)
			end = start
		}
	} else {
		x.fillAll(timestampNs, rungs, cause)
	}
	x.drop(l, from, to)
}

func (x *L3) fillAll(timestampNs int64, rungs []rung, cause sim.FillCause) {
	for _, r := range rungs {
		x.fill(timestampNs, r.order, r.order.LeavesQty, 0, cause)
	}
}

// onClear forgets the feed's orders of a side, of both with hft.SideNone. The bots' orders of the side expire: where
// they would be in the queues that the feed is about to send is not known.
func (x *L3) onClear(timestampNs int64, side hft.Side) {
	x.book.ClearOrders(side)
	x.queue.clearFeed(side)
	if side != hft.Sell {
		x.expire(timestampNs, &x.queue.buys)
	}
	if side != hft.Buy {
		x.expire(timestampNs, &x.queue.sells)
	}
}

func (x *L3) expire(timestampNs int64, l *ladder) {
	for _, r := range l.rungs {
		o := r.order
		o.Status, o.ExecQty, o.ExchTimestampNs = hft.StatusExpired, 0, timestampNs
		if x.compat != sim.Fixed {
			o.LeavesQty = 0
		}
		x.orders.remove(o)
		x.respond(timestampNs, o, hft.StatusNone)
		x.pool.put(o)
	}
	clear(l.rungs)
	l.rungs = l.rungs[:0]
}
