package blotter

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// execution is what is to be published of a trade.
type execution struct {
	lots       int64
	price, fee float64
	maker      bool
	feeQty     float64 // what of the fee was taken from what is traded
	// id and feeAsset are the venue's names, empty where it is assumed; paid is the fee in that asset.
	id, feeAsset string
	paid         float64
	venueNs      int64 // 0 where it is assumed
	// clientID and venueID are the leg's.
	clientID, venueID string
}

// take counts the execution that a report is about and returns what of it is to be published; nil when it was counted
// before. The result is valid until the next call.
func (b *Blotter) take(e *entry, l *leg, r *protocol.Report, tells bool) *execution {
	lots := e.book.lots(r.LastQty)
	before, known := e.book.trades.get(r.TradeID)
	e.book.trades.put(r.TradeID, trade{e.shown.Side, lots, hft.PriceTick(r.LastPrice, e.book.inst.TickSize),
		r.TimestampNs})
	if known && before.side == e.shown.Side && lots > before.lots { // the report was wrong of which less was published
		lots -= before.lots
	} else if known || e.adoptedNs != 0 && r.TimestampNs <= e.adoptedNs || e.recovered && r.TimestampNs <= e.book.trades.forgottenNs {
		b.counts.Repeated++
		return nil
	}
	fresh := lots
	if tells {
		// What the venue says is executed leaves room for it, or it was assumed already, or the id was forgotten.
		fresh = min(lots, l.cumLots-l.filledLots)
	} else {
		fresh -= min(lots, l.assumedLots)
		if bound := e.boundLots(l); bound > 0 && l.filledLots+fresh > bound {
			fresh = 0
		}
	}
	assumed := min(lots-fresh, l.assumedLots)
	if fresh+assumed < lots {
		b.counts.Repeated++
		if fresh == 0 {
			return nil
		}
	}
	l.assumedLots -= assumed
	if fresh == 0 {
		return nil
	}
	b.shown(e) // what is executed has arrived, whatever else is known of the order
	e.filledLots += fresh
	e.filledValue += r.LastPrice * float64(fresh)
	l.filledLots += fresh
	l.filledValue += r.LastPrice * float64(fresh)
	l.cumLots = max(l.cumLots, l.filledLots)
	e.tsNs = max(e.tsNs, r.TimestampNs)
	part := float64(fresh) / float64(e.book.lots(r.LastQty))
	b.fill = execution{lots: fresh, price: r.LastPrice, fee: b.fee(e, r) * part, maker: r.Maker, id: r.TradeID,
		feeAsset: r.FeeAsset, paid: r.Fee * part, venueNs: r.TimestampNs,
		feeQty:   e.book.feeQty(r) * part,
		clientID: l.clientID, venueID: l.venueID}
	return &b.fill
}

// assume publishes what is executed by the venue's word and was never reported, at the average price of it, under the
// name of the leg that it is of. It reports false when nothing tells the price.
func (b *Blotter) assume(e *entry, nowNs int64) bool {
	missing := e.missingLots()
	price := e.missingPrice(missing)
	if price == 0 {
		return false
	}
	b.counts.Assumed++
	b.fail(e.book, e.owner, e.shown.OrderID, hft.CustomKind, CodeFillAssumed,
		fmt.Sprintf("no execution report for %v executed; booked at %v without fee", e.book.qty(missing), price))
	for i := range e.prior {
		if lots := e.prior[i].assume(); lots > 0 {
			missing -= lots
			b.assumed(e, &e.prior[i], lots, price, nowNs)
		}
	}
	e.now.assume()
	if missing > 0 {
		b.assumed(e, &e.now, missing, price, nowNs)
	}
	return true
}

// assumed publishes lots of a leg that were assumed, and settles the order with the last of them.
func (b *Blotter) assumed(e *entry, l *leg, lots int64, price float64, nowNs int64) {
	e.filledLots += lots
	e.filledValue += price * float64(lots)
	b.fill = execution{lots: lots, price: price, clientID: l.clientID, venueID: l.venueID}
	if e.missingLots() > 0 {
		b.publish(e, &b.fill)
		return
	}
	b.settle(e, &b.fill, nowNs)
}

// assume counts what is executed of a leg as published and returns how much of it was not.
func (l *leg) assume() (lots int64) {
	lots = l.cumLots - l.filledLots
	l.unpriced = l.unpriced || lots > 0
	l.assumedLots += lots
	l.filledLots = l.cumLots
	return lots
}

// publish reports an execution, or the order's new state when it has changed.
func (b *Blotter) publish(e *entry, fill *execution) {
	v := e.view()
	if e.overShown { // nothing changes an order that is over but what was executed before
		if fill == nil {
			return
		}
		v = e.shown
		v.LeavesQty = e.book.qty(max(e.book.lots(v.LeavesQty)-fill.lots, 0))
	}
	if fill != nil {
		v.ExecQty, v.ExecPriceTick, v.Maker = e.book.qty(fill.lots), hft.PriceTick(fill.price, v.TickSize), fill.maker
		v.ExchTimestampNs = max(v.ExchTimestampNs, e.tsNs)
	} else if same(&v, &e.shown) {
		return
	}
	e.shown, e.overShown = v, e.over
	b.update.InstrumentNo, b.update.Owner, b.update.Order.Order = e.book.inst.No, e.owner, v
	b.update.Fill, b.update.FillValue, b.update.FillFee, b.update.FillNs = false, 0, 0, 0
	b.update.FeePaid, b.update.FeeQty, b.update.FeeAsset, b.update.Names = 0, 0, "", e.names()
	holder := b.open[e.key()]
	if holder == e {
		holder = nil
	}
	unheard := e.unheard
	e.unheard = false
	if fill == nil {
		if holder == nil && !(unheard && e.over) { // the end of an order that the bot never heard of is no news
			b.out.Order(&b.update)
		}
		return
	}
	b.counts.Fills++
	b.update.Fill, b.update.FillFee, b.update.FillNs = true, fill.fee, fill.venueNs
	b.update.FeePaid, b.update.FeeQty, b.update.FeeAsset = fill.paid, fill.feeQty, fill.feeAsset
	b.update.Names.ExecID = fill.id
	b.update.Names.ClientID, b.update.Names.VenueID = fill.clientID, fill.venueID
	b.update.FillValue = b.update.ExecQty * fill.price * e.book.inst.ContractValue
	if holder == nil {
		b.out.Order(&b.update)
		return
	}
	b.lateFill(holder, &v)
}

// lateFill reports an execution of an order whose id the bot has used again: as an execution of the newer order, so that
// it is counted and does not end that one, which is then shown as it is.
func (b *Blotter) lateFill(holder *entry, v *hft.Order) {
	o := holder.shown
	o.Side, o.ExecQty, o.ExecPriceTick, o.Maker = v.Side, v.ExecQty, v.ExecPriceTick, v.Maker
	b.update.Owner, b.update.Order.Order = holder.owner, o
	b.out.Order(&b.update)
	b.update.Order.Order = holder.shown
	b.update.Fill, b.update.FillValue, b.update.FillFee, b.update.FillNs = false, 0, 0, 0
	b.update.FeePaid, b.update.FeeQty, b.update.FeeAsset, b.update.Names = 0, 0, "", holder.names()
	b.out.Order(&b.update)
}

// same reports whether two views of an order do not differ in anything but times and the last execution.
func same(a, b *hft.Order) bool {
	return a.Status == b.Status && a.Req == b.Req && a.PriceTick == b.PriceTick && a.Qty == b.Qty && a.LeavesQty == b.LeavesQty
}

// key returns what the bot knows the order by.
func (e *entry) key() key { return key{e.book.inst.No, e.owner.Bot, e.shown.OrderID} }
