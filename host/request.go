package host

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/risk"
	"github.com/hftrunner/hftrunner/ipc"
)

// The request path. Every request of every bot goes through handle, in this order: it has been read once and its
// fields validated by ipc; trading state; ownership; limits (package risk); journal; connector. A request is refused with
// an update that rejects it, where the bot has an order waiting for an answer, and an OrderError to its bot, unless the
// order has only just ended.

// handle carries out one valid request.
func (s *session) handle(l *sessionLink, req *hostipc.Request) {
	if req.FeedNo < 0 || req.FeedNo >= len(l.holdings) || l.holdings[req.FeedNo] == nil {
		s.refuse(l, req, fmt.Sprintf("instrument %d does not belong to this bot", req.FeedNo))
		return
	}
	h := l.holdings[req.FeedNo]
	if req.Kind == ipc.RequestRegisterInstrument {
		l.pub.snapshot(h)
		s.answered.Add(1)
		return
	}
	s.stats.requests.Add(1)

	reactedNs := req.TickToOrderNs()
	l.pub.mu.Lock()
	var order connector.Order
	by, rule := journal.ByGate, "trading_state"
	reason := l.pub.instruments[h.feedNo].trading.refuses(&req.Order)
	if reason == "" {
		by, rule, reason = journal.ByHost, "", l.pub.record.halts(h, &req.Order)
	}
	if reason == "" {
		order, reason = h.request(&req.Order)
	}

	var refusal risk.Refusal
	value := hft.Value{}
	if reason == "" && order.Req != hft.StatusCanceled {
		if refusal = h.reserve(&order.Order); refusal.Rule != risk.None {
			h.withdraw(&order.Order)
			by, rule, reason, value = journal.ByGate, refusal.Rule.String(), refusal.String(), refusal.Event()
		}
	}
	if reason == "" {
		reason = l.pub.record.sends(h, &order, reactedNs)
	}
	l.pub.mu.Unlock()
	if reason != "" {
		s.refuseBy(l, req, by, rule, reason, value)
		s.logLimit(h, refusal)
		return
	}
	s.stats.tickToOrder(reactedNs)
	switch req.Order.Req {
	case hft.StatusNew:
		l.pub.connector.Submit(order)
	case hft.StatusCanceled:
		l.pub.connector.Cancel(order)
	case hft.StatusReplaced:
		l.pub.connector.Modify(order)
	}
}

// refuse tells the bot why the host does not carry out a request.
func (s *session) refuse(l *sessionLink, req *hostipc.Request, reason string) {
	s.refuseBy(l, req, journal.ByHost, "", reason, hft.Value{})
}

// refuseBy tells the bot why a request was not carried out, with the value if there is one, and the journal who has
// refused it by which rule.
func (s *session) refuseBy(l *sessionLink, req *hostipc.Request, by journal.Refuser, rule, reason string, value hft.Value) {
	s.stats.refused.Add(1)
	l.pub.mu.Lock()
	defer l.pub.mu.Unlock()
	feedNo := -1
	if req.FeedNo >= 0 && req.FeedNo < len(l.holdings) && l.holdings[req.FeedNo] != nil {
		feedNo = req.FeedNo
		h := l.holdings[feedNo]
		h.numRejects++
		l.pub.record.refused(&s.refusals, h, &req.Order, by, rule, reason)
		if req.Kind == ipc.RequestOrder {
			answer := req.Order
			if answer.Req == hft.StatusNew {
				answer.Status = hft.StatusExpired
			}
			answer.Req = hft.StatusRejected
			answer.ExchTimestampNs = 0
			l.port.SendOrder(feedNo, &answer, &h.state)
		}
	}
	if reason == overMeanwhile {
		return
	}
	if value.IsEmpty() {
		value = hft.StringValue(reason)
	}
	e := hft.LiveErrorWith(hft.OrderError, value)
	e.Connector, e.OrderID = l.pub.name, req.Order.OrderID
	l.port.SendError(feedNo, &e)
}
