package blotter

import (
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// Left returns the orders whose end is not known: the open ones, those whose submission was not answered included, and
// those that are being canceled because they showed up at the venue after their end was concluded.
func (b *Blotter) Left() []connector.OpenOrder {
	left := make([]connector.OpenOrder, 0, len(b.open)+len(b.strays))
	for _, e := range b.open {
		left = append(left, e.openOrder())
	}
	for _, e := range b.strayed() {
		o := e.openOrder()
		o.Status, o.LeavesQty = hft.StatusUnknown, e.book.qty(max(e.totalLots()-e.filledLots, 0))
		left = append(left, o)
	}
	return left
}

func (e *entry) openOrder() connector.OpenOrder {
	return connector.OpenOrder{Order: connector.Order{InstrumentNo: e.book.inst.No, Owner: e.owner, Order: e.view()},
		ClientID: e.now.clientID, VenueID: e.now.venueID}
}

// strayed returns the orders that are being canceled although they are taken for over.
func (b *Blotter) strayed() []*entry {
	b.strays = slices.DeleteFunc(b.strays, func(e *entry) bool { return !e.over || !e.wantCancel && e.cancel == idle })
	return b.strays
}

// AllToEnd reports whether the orders that are open on a symbol, those that the venue lists as open included, are all this
// runner's and have been asked to be canceled.
func (b *Blotter) AllToEnd(symbol string, listed []protocol.Report) bool {
	k := b.bySymbol[symbol]
	if k == nil {
		return false
	}
	for _, e := range k.live {
		if !e.toEnd && e.end == hft.StatusNone {
			return false
		}
	}
	for i := range listed {
		if e := b.lookUp(k, &listed[i]); e == nil || !e.toEnd && !e.over {
			return false
		}
	}
	return true
}

// Unended returns how many orders may be open on a symbol whose cancel was asked for and not confirmed.
func (b *Blotter) Unended(symbol string) int {
	k := b.bySymbol[symbol]
	if k == nil {
		return 0
	}
	n := 0
	for _, e := range k.live {
		if e.toEnd && e.end == hft.StatusNone {
			n++
		}
	}
	for _, e := range b.strayed() {
		if e.book == k {
			n++
		}
	}
	return n
}

// Knows reports whether an order has a client id that is remembered.
func (b *Blotter) Knows(clientID string) bool { return b.byID[clientID] != nil }

// Canceling reports whether an order's cancel was sent and is still to be answered: its end was not told meanwhile.
func (b *Blotter) Canceling(clientID string) bool {
	e := b.byID[clientID]
	return e != nil && e.cancel == sent
}
