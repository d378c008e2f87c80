package exchange

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// Exchange is the exchange's side of one instrument. Calls come in ascending time from one goroutine.
type Exchange interface {
	// OnEvent takes one event of the market, which reached the exchange at timestampNs, and fills resting orders. The
	// caller picks the events (EXCH or LOCAL rows); kinds that an exchange does not use are ignored.
	OnEvent(timestampNs int64, e *hft.Event)
	// OnRequest answers a request that reached the exchange at timestampNs.
	OnRequest(timestampNs int64, r *Request)
	// Depth returns the exchange's book. It stays current and is not to be changed.
	Depth() hft.MarketDepth
	// State returns what all executions add up to, all owners together.
	State() hft.StateValues
	// Order returns the resting order of an owner.
	Order(owner, orderID uint64) (o hft.Order, ok bool)
	// NumOrders returns the number of resting orders.
	NumOrders() int
	// Err returns the error that the reference ends a run with, nil while there is none. After it events and requests
	// do nothing, and the run is to end. With Fixed there never is one.
	Err() error
}

// Config is what an L2 exchange is made of. Book, Queue, Asset, Fee and Responder are required.
type Config struct {
	// AssetNo is put into every report.
	AssetNo int
	// Book is the exchange's own, empty book; nobody else changes it. Its tick and lot size are the instrument's.
	Book  depth.L2MarketDepth
	Queue sim.QueueModel
	Asset sim.AssetType
	Fee   sim.FeeModel
	// Responder takes the reports.
	Responder Responder
	// MaxOrders is how many orders may rest at once, DefaultMaxOrders when 0.
	MaxOrders int
	Compat    sim.Compat
	// ConsumeDepth lets own taking orders, all owners together, use up the quantities that a PartialFill exchange
	// displays: nobody can take them again before the feed shows the price anew, by an update of it, a snapshot or a
	// clear. What a GTC order has left after all that its limit reaches then rests at its limit, and takes what the
	// feed shows there next. A NoPartialFill exchange never looks at quantities: no difference there.
	// Only with Compat Fixed.
	ConsumeDepth bool
	// SweepFills lets a single trade that is larger than what is displayed at its price trade on, with the rest,
	// through the next displayed levels; own orders up to them see it as a trade at their price. It is for feeds that
	// report a sweep as one trade at its first price. Only with Compat Fixed.
	SweepFills bool
}

// DefaultMaxOrders is how many orders may rest at an exchange unless configured.
const DefaultMaxOrders = 100_000

// maxTick bounds the prices that an exchange takes: beyond it a float64 no longer holds every tick.
const maxTick int64 = 1 << 53

// desk is the part of an exchange that does not depend on its market: the bots' resting orders and what is told about
// them.
type desk struct {
	compat    sim.Compat
	partial   bool
	assetNo   int
	maxOrders int
	tickSize  float64
	lotSize   float64
	responder Responder
	state     State

	orders orderTable // by owner and id
	pool   orderPool

	report Report // handed to the responder, so that it need not be allocated
	err    error
}

// L2 is an exchange over an aggregated book (NoPartialFillExchange, PartialFillExchange).
type L2 struct {
	desk
	book  depth.L2MarketDepth
	queue sim.QueueModel

	// Every displayed bid is at lowBidTick or above it, every ask at highAskTick or below: walks end there.
	lowBidTick, highAskTick int64

	buys, sells ladder // the resting orders by side
	visited     []rung // those that an event reaches, see visits

	sweeps, consumes     bool     // the options, the latter only where displayed quantities count
	takenBids, takenAsks consumed // empty unless consumes
}

var _ Exchange = (*L2)(nil)

// NewNoPartialFill returns an exchange that fills every order whole, whatever quantity is displayed or traded.
func NewNoPartialFill(cfg Config) (*L2, error) { return newL2(cfg, false) }

// NewPartialFill returns an exchange that fills a resting order by what traded past it and a taking order by what is
// displayed.
func NewPartialFill(cfg Config) (*L2, error) { return newL2(cfg, true) }

func newL2(cfg Config, partial bool) (*L2, error) {
	if cfg.Queue == nil {
		return nil, missing("Queue")
	}
	d, err := newDesk(&cfg, cfg.Book)
	if err != nil {
		return nil, err
	}
	d.partial = partial
	if (cfg.ConsumeDepth || cfg.SweepFills) && cfg.Compat != sim.Fixed {
		return nil, fmt.Errorf("exchange: hftbacktest has no ConsumeDepth and SweepFills: use them with Compat Fixed")
	}
	x := &L2{desk: d, book: cfg.Book, queue: cfg.Queue, buys: ladder{buy: true}, sweeps: cfg.SweepFills,
		consumes: cfg.ConsumeDepth && partial}
	x.forgetBounds()
	return x, nil
}

func missing(field string) error {
	return fmt.Errorf("exchange: exchange without %s: set it in the configuration", field)
}

// newDesk checks what both kinds of exchange need of a configuration.
func newDesk(cfg *Config, book hft.MarketDepth) (desk, error) {
	switch {
	case book == nil:
		return desk{}, missing("Book")
	case cfg.Asset == nil:
		return desk{}, missing("Asset")
	case cfg.Fee == nil:
		return desk{}, missing("Fee")
	case cfg.Responder == nil:
		return desk{}, missing("Responder")
	}
	if err := checkStep("tick size", book.TickSize()); err != nil {
		return desk{}, err
	}
	if err := checkStep("lot size", book.LotSize()); err != nil {
		return desk{}, err
	}
	if cfg.MaxOrders < 0 {
		return desk{}, fmt.Errorf("exchange: MaxOrders is %d: must be positive, or 0 for the default", cfg.MaxOrders)
	}
	maxOrders := cfg.MaxOrders
	if maxOrders == 0 {
		maxOrders = DefaultMaxOrders
	}
	return desk{compat: cfg.Compat, assetNo: cfg.AssetNo, maxOrders: maxOrders, tickSize: book.TickSize(),
		lotSize: book.LotSize(), responder: cfg.Responder, state: NewState(cfg.Asset, cfg.Fee)}, nil
}

// Depth returns the exchange's book.
func (x *L2) Depth() hft.MarketDepth { return x.book }

// State returns what all executions add up to.
func (x *desk) State() hft.StateValues { return x.state.Values }

// NumOrders returns the number of resting orders.
func (x *desk) NumOrders() int { return x.orders.count }

// Order returns the resting order of an owner.
func (x *desk) Order(owner, orderID uint64) (hft.Order, bool) {
	if o := x.orders.get(owner, orderID); o != nil {
		return o.Order, true
	}
	return hft.Order{}, false
}

func (x *L2) forgetBounds() { x.lowBidTick, x.highAskTick = hft.InvalidMax, hft.InvalidMin }

// side returns the ladder of an order's side.
func (x *L2) side(s hft.Side) *ladder {
	if s == hft.Buy {
		return &x.buys
	}
	return &x.sells
}

// rest puts an order into the maps, behind what is displayed at its price.
func (x *L2) rest(o *order) {
	// Ahead of it is what an order of the other side could take at the price.
	x.queue.Join(&o.queue, x.available(-o.Side, o.PriceTick))
	o.joinedFrontQty = o.queue.FrontQty
	o.restsSinceNs = o.ExchTimestampNs
	o.Status = hft.StatusNew
	x.orders.put(o)
	x.side(o.Side).insert(o)
}

// leave takes an order out of the maps.
func (x *L2) leave(o *order) {
	x.orders.remove(o)
	x.side(o.Side).remove(o)
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// checkStep returns an error unless x can be a tick or lot size.
func checkStep(what string, x float64) error {
	if !(x > 0) || !finite(x) {
		return fmt.Errorf("exchange: %s is %v: must be the instrument's, a positive number", what, x)
	}
	return nil
}
