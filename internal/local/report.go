package local

import "github.com/hftrunner/hftrunner/hft"

// Apply applies what the exchange says of an order, received at nowNs, and reports whether it was a response. listed
// says that the report is part of a list of open orders, as after a registration, and no answer. What is over, older
// than what is known, or no news is none.
func (a *Asset) Apply(report *hft.Order, nowNs int64, listed bool) (response bool) {
	switch o := a.Orders.Get(report.OrderID); {
	case o != nil:
		if !a.update(o, report, nowNs, listed) {
			return false
		}
	case report.Req == hft.StatusRejected:
		return false // of an order that is not there any more
	default:
		a.Orders.Put(report)
	}
	a.notes.of(report.OrderID).answered = !listed
	return true
}

func (a *Asset) update(o, report *hft.Order, nowNs int64, listed bool) (response bool) {
	wasPending, requestedNs := o.Pending(), o.LocalTimestampNs
	switch {
	case isOfEarlier(o, report):
		return false
	case report.Req == hft.StatusRejected:
		if !wasPending {
			return false
		}
		a.refused(o, report)
	case o.Final():
		return false
	case report.ExchTimestampNs > 0 && report.ExchTimestampNs < o.ExchTimestampNs:
		return false
	case listed && wasPending && !report.Final():
		// The answer to the request is still to come and says more than the list of open orders.
		return false
	default:
		o.Update(report)
	}
	if wasPending && !o.Pending() && report.ExchTimestampNs > 0 {
		a.OrderLatency = OrderLatency{ReqTimestampNs: requestedNs, ExchTimestampNs: report.ExchTimestampNs,
			RespTimestampNs: nowNs, Known: true}
	}
	return true
}

// isOfEarlier reports whether a report of the end of an order, or a refusal, is older than the submission in flight: it
// is about an earlier order of that id.
func isOfEarlier(o, report *hft.Order) bool {
	ends := report.Req == hft.StatusRejected || report.Final()
	return ends && o.Req == hft.StatusNew && report.LocalTimestampNs > 0 && report.LocalTimestampNs < o.LocalTimestampNs
}

// refused takes over a refusal. There is at most one request in flight, so it is the answer to that.
func (a *Asset) refused(o, report *hft.Order) {
	switch {
	case o.Final(): // it was over before the request came
	case report.Final(): // a submission, whatever was asked for since
		o.Status = report.Status
	default:
		a.undo(o)
	}
	o.Req = hft.StatusNone
}

// undo takes back what a refused request did to an order.
func (a *Asset) undo(o *hft.Order) {
	switch o.Req {
	case hft.StatusNew:
		o.Status = hft.StatusExpired
	case hft.StatusReplaced:
		// A modify of this bot's last process is not known here; the next report will say.
		if note := a.notes.of(o.OrderID); note.prevQty > 0 {
			o.PriceTick, o.Qty = note.prevPriceTick, note.prevQty
		}
	}
}

// Answered reports whether a wait for an order in Orders is over before it begins: a response was applied since its
// last request and no wait has taken it, or the order is final and nothing more will come.
func (a *Asset) Answered(orderID uint64) bool {
	o := a.Orders.Get(orderID)
	return a.notes.of(orderID).answered || o != nil && o.Final() && !o.Pending()
}

// TakeAnswer notes that a wait has returned for the latest response of an order.
func (a *Asset) TakeAnswer(orderID uint64) {
	if a.Orders.Get(orderID) != nil {
		a.notes.of(orderID).answered = false
	}
}
