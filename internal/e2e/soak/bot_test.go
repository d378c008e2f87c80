package soak

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// bot trades on one instrument, at random, and follows its orders by what the connector says.
type bot struct {
	id     uint64
	run    *run
	random *rand.Rand
	nextID uint64
	// patience is for how many rounds it does nothing on average, so that it keeps most of the time below the venue's
	// limits.
	patience int

	mu     sync.Mutex
	open   map[uint64]*hft.Order
	filled float64
}

// act is one step of a bot.
func (b *bot) act() {
	inst := b.run.instruments[int(b.id)%len(b.run.instruments)]
	bid, ask := b.run.Best(inst.No)
	if !b.run.IsReady(inst.No) || math.IsNaN(bid) || math.IsNaN(ask) {
		return
	}
	b.mu.Lock()
	var request *connector.Order
	send := b.run.connector.Submit
	for _, o := range b.open {
		if !o.Cancellable() {
			continue
		}
		switch b.random.IntN(4) {
		case 0:
			o.Req = hft.StatusCanceled
			request, send = b.order(inst, *o), b.run.connector.Cancel
		case 1:
			changed := *o
			changed.PriceTick += b.random.Int64N(7) - 3
			changed.Qty = b.qty(inst, bid)
			changed.Req, o.Req = hft.StatusReplaced, hft.StatusReplaced
			request, send = b.order(inst, changed), b.run.connector.Modify
		}
		break
	}
	if request == nil && len(b.open) < 6 {
		b.nextID++
		side, price := hft.Buy, bid
		if b.random.IntN(2) == 0 {
			side, price = hft.Sell, ask
		}
		tick := hft.PriceTick(price, inst.TickSize) + int64(side)*(b.random.Int64N(12)-8)
		o := hft.NewOrder(b.nextID, tick, inst.TickSize, b.qty(inst, bid), side, hft.Limit,
			[]hft.TimeInForce{hft.GTC, hft.GTX, hft.IOC, hft.GTC}[b.random.IntN(4)])
		o.Req = hft.StatusNew
		b.open[o.OrderID] = &o
		request = b.order(inst, o)
	}
	b.mu.Unlock()
	if request != nil {
		b.run.Sent(request)
		send(*request)
	}
}

// qty returns a quantity that the venue takes, at some price: some have a least value of 100.
func (b *bot) qty(inst connector.Instrument, price float64) float64 {
	const value = 120
	least := math.Ceil(value / (price * inst.LotSize))
	return (least + float64(b.random.IntN(int(5*least)+20))) * inst.LotSize
}

func (b *bot) order(inst connector.Instrument, o hft.Order) *connector.Order {
	o.LocalTimestampNs = b.run.clock.NowNs()
	return &connector.Order{InstrumentNo: inst.No, Owner: connector.Owner{Bot: b.id, Incarnation: 1}, Order: o}
}

// cancelAll cancels what is open and reports whether nothing is.
func (b *bot) cancelAll() bool {
	inst := b.run.instruments[int(b.id)%len(b.run.instruments)]
	b.mu.Lock()
	var requests []*connector.Order
	for _, o := range b.open {
		if o.Cancellable() {
			o.Req = hft.StatusCanceled
			requests = append(requests, b.order(inst, *o))
		}
	}
	none := len(b.open) == 0
	b.mu.Unlock()
	for _, o := range requests {
		b.run.Sent(o)
		b.run.connector.Cancel(*o)
	}
	return none
}
