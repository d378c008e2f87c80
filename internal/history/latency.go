package history

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// RequestTimes are the times of a request: when the strategy made it, when the venue carried it out by its own clock,
// 0 if the submission was rejected without such a time, and when the host got the answer.
type RequestTimes struct{ RequestNs, VenueNs, ResponseNs int64 }

// Latencies finds the answers to submissions and cancels in the records of a journal, which it takes in their order.
type Latencies struct {
	waiting map[orderKey]waitingRequest
	// Answered are the answered requests, in the order of their answers.
	Answered []RequestTimes
}

// waitingRequest is a request without an answer.
type waitingRequest struct {
	kind   hft.Status // as Order.Req
	timeNs int64
}

// Take takes the next record.
func (l *Latencies) Take(r *journal.Record) {
	if l.waiting == nil {
		l.waiting = make(map[orderKey]waitingRequest)
	}
	switch r.Kind {
	case journal.KindRequest:
		o := orderOf(r)
		if o.Req == hft.StatusNew || o.Req == hft.StatusCanceled {
			l.waiting[keyOf(r, o)] = waitingRequest{o.Req, o.LocalTimestampNs}
		} else {
			delete(l.waiting, keyOf(r, o)) // the answers to a modification and to a cancel before it look alike
		}
	case journal.KindOrder, journal.KindExecution:
		o := orderOf(r)
		w, ok := l.waiting[keyOf(r, o)]
		if !ok || o.Status == hft.StatusUnknown || isEarlier(&w, o) {
			return
		}
		if w.answeredBy(o) {
			l.Answered = append(l.Answered, RequestTimes{w.timeNs, o.ExchTimestampNs, r.TimeNs})
		} else if w.kind == hft.StatusNew || o.Req != hft.StatusRejected && !o.Final() {
			return // of something else
		}
		delete(l.waiting, keyOf(r, o))
	}
}

// answeredBy reports whether a report is the answer to the request, and says when the venue has carried it out.
func (w *waitingRequest) answeredBy(o *hft.Order) bool {
	refused := o.Req == hft.StatusRejected
	if w.kind == hft.StatusNew {
		return o.ExchTimestampNs > 0 || refused || o.Status == hft.StatusRejected
	}
	return o.Status == hft.StatusCanceled && !refused && o.ExchTimestampNs > 0
}

// isEarlier reports whether a report is of an order of before with the same id.
func isEarlier(w *waitingRequest, o *hft.Order) bool {
	return w.kind == hft.StatusNew && o.LocalTimestampNs > 0 && o.LocalTimestampNs < w.timeNs
}
