package venue

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// maxUnanswered is how many submissions and modifications may wait for their answers. Cancels are not counted.
	maxUnanswered = 512
	// atOnce is how many cancels, and how many questions, on one symbol are under way at the same time; more wait, to go together
	// where the venue has a request for it. Where it has none singlesAtOnce are.
	atOnce, singlesAtOnce = 16, 64
	// fewest is how many have to wait to be worth one request about all orders of the symbol.
	fewest = 10
	// singlyNs is how long each goes by itself after a request about several has failed, as long as they do better: until after the
	// record of orders has sent those again that have failed. sweepPauseNs is between two questions whether all may be canceled.
	singlyNs, sweepPauseNs = int64(15 * time.Second), int64(5 * time.Second)
	// sweepPatience is how long cancels wait for the answer whether all orders on a symbol may be canceled; listTimeout how long
	// the answer, a list of pages, may take.
	sweepPatience, listTimeout = 2 * time.Second, time.Minute
	// orderPatience is how long a new order waits for a cancel-all under way. One that goes later is not what the bot wants.
	orderPatience = sweepPatience + time.Second
	// slotPatience is how long a cancel, or a batch of them, that is not answered holds up those behind it.
	slotPatience = time.Second
)

// sending is how the requests of the record of orders go out; under trade's mutex.
type sending struct {
	// turn is closed when the newest request has begun; nil before the first.
	turn chan struct{}
	// requests is the context of requests. It outlasts the run's a little: what is under way then is still to be answered.
	requests context.Context
	abandon  context.CancelFunc

	// unanswered are the submissions and modifications that wait for their answers.
	unanswered atomic.Int32
	// held is how many cancels wait in all lines.
	held int
}

// line is a symbol's cancels, or its questions about orders; under trade's mutex. A few go one by one, as soon as they are asked
// for; the others wait until one is answered, and then go together.
type line struct {
	request blotter.Request
	waiting []*blotter.Action
	out     int
	// singlyUntilNs is until when each goes by itself.
	singlyUntilNs int64
	// pausedUntilNs is until when the venue's limit of orders is used up; resume goes on then.
	pausedUntilNs int64
	resume        *time.Timer
	// sweep is closed when the cancel-all under way is over; nil while there is none. New orders on the symbol wait for it.
	// asking says that the venue is asked whether it may be, nextSweepNs is when it may be asked again.
	sweep       chan struct{}
	asking      bool
	nextSweepNs int64
}

// Send sends a request of the record of orders; see blotter.Output. The lock is held, so the answer comes later.
func (t *trade) Send(a *blotter.Action) {
	action := *a
	if action.Request == blotter.FetchExecutions {
		t.c.group.Go(func() { t.fetch(action.Symbol, action.SinceNs) })
		return
	}
	inst := t.c.symbols.named(action.Symbol)
	switch action.Request {
	case blotter.QueryOrder:
		t.enqueue(inst, &inst.questions, &action)
		return
	case blotter.Cancel:
		t.held++
		t.enqueue(inst, &inst.cancels, &action)
		return
	}
	if t.unanswered.Add(1) > maxUnanswered {
		t.c.group.Go(func() {
			t.answer(&action, protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded, Msg: "too many pending requests"})
		})
		return
	}
	if err := t.noteSent(&action); err != nil {
		t.c.group.Go(func() {
			t.answer(&action, protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded,
				Msg: err.Error()})
		})
		return
	}
	// A bot counts on its cancels going out before the order that they make room for.
	for _, other := range t.c.symbols.all() {
		if t.held == 0 {
			break
		}
		t.advance(other, &other.cancels, true)
	}
	sweep := inst.cancels.sweep
	t.begin(func(begun func()) { t.perform(inst, &action, sweep, begun) })
}

// begin lets do run when the request before it has begun; do says when itself has. The scheduler likes to begin with the newest
// goroutine.
func (t *trade) begin(do func(begun func())) {
	before, turn := t.turn, make(chan struct{})
	t.turn = turn
	t.c.group.Go(func() {
		if before != nil {
			<-before
		}
		do(func() { close(turn) })
	})
}

func (t *trade) enqueue(inst *instrument, l *line, a *blotter.Action) {
	l.request = a.Request
	l.waiting = append(l.waiting, a)
	t.advance(inst, l, false)
}

// advance sends what waits in a line, as far as there is room; all sends everything.
func (t *trade) advance(inst *instrument, l *line, all bool) {
	batcher, batches := t.c.protocol.(protocol.BatchCanceler)
	lister, lists := t.c.protocol.(protocol.Lister)
	room, batch, question := atOnce, 1, l.request == blotter.QueryOrder
	if question && !lists || !question && !batches {
		room = singlesAtOnce
	}
	if !question {
		t.dropEnded(l)
	}
	switch {
	case t.c.nowNs() < l.singlyUntilNs:
	case question && lists:
		if len(l.waiting) >= fewest && l.out < room {
			waiting := t.take(l, len(l.waiting))
			t.begin(func(begun func()) { t.list(inst, l, lister, waiting, begun) })
		}
	case !question && !all && (l.sweep != nil || t.trySweep(inst, l)):
		return
	case !question && batches:
		batch = batcher.MaxCancels()
	}
	if t.c.nowNs() < l.pausedUntilNs {
		return
	}
	for len(l.waiting) > 0 && (all || l.out < room) {
		some := t.take(l, min(len(l.waiting), batch))
		if len(some) > 1 {
			t.begin(func(begun func()) { t.cancelBatch(inst, l, batcher, some, begun) })
			continue
		}
		t.begin(func(begun func()) { t.perform(inst, some[0], nil, begun) })
	}
}

// take takes the first n out of a line, which are one request.
func (t *trade) take(l *line, n int) []*blotter.Action {
	some := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.out++
	if l.request == blotter.Cancel {
		t.held -= n
	}
	return some
}

// left notes that a request of a line is over. The lock is held.
func (t *trade) left(inst *instrument, l *line) {
	l.out--
	if !t.closed {
		t.advance(inst, l, false)
	}
}

// lineOf returns the line that a request goes through, nil for none.
func (i *instrument) lineOf(request blotter.Request) *line {
	switch request {
	case blotter.Cancel:
		return &i.cancels
	case blotter.QueryOrder:
		return &i.questions
	}
	return nil
}

// perform sends a request about one order to the venue and takes its answer.
func (t *trade) perform(inst *instrument, a *blotter.Action, sweep <-chan struct{}, begun func()) {
	o, l := inst.order(a), inst.lineOf(a.Request)
	leave := func() {}
	if l != nil {
		leave = t.slot(inst, l, a.Request)
	}
	defer leave()
	call := t.c.protocol.QueryOrder
	switch a.Request {
	case blotter.Place:
		call = t.c.protocol.Place
	case blotter.Amend:
		call = t.c.protocol.Amend
	case blotter.Cancel:
		call = t.c.protocol.Cancel
		o.Ended = func() bool { return !t.canceling(a.ClientID) }
	}
	if sweep != nil { // meanwhile others may go
		begun()
		begun = func() {}
		late := time.NewTimer(orderPatience)
		defer late.Stop()
		select {
		case <-sweep:
		case <-late.C:
			t.answer(a, protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded, Msg: "not sent: the previous cancel-all is not answered"})
			return
		}
	}
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	begun()
	send := func() (protocol.Report, error) { return call(ctx, o) }
	var report protocol.Report
	var err error
	if a.Request == blotter.Place || a.Request == blotter.Amend {
		report, err = send() // a late one is not what the bot wants
	} else {
		report, err = inWindow(ctx, t.c, send)
	}
	if l != nil && err != nil && t.putBack(inst, l, []*blotter.Action{a}, err) {
		return
	}
	t.answer(a, report, err)
	if cause := protocol.CauseOf(err); l != nil && err != nil && cause != protocol.Gone && cause != protocol.NotFound {
		t.mu.Lock()
		l.singlyUntilNs = 0 // no other way is open either, and hundreds of them would be in each other's
		t.mu.Unlock()
	}
}

// order is what a request about one order says to the venue.
func (i *instrument) order(a *blotter.Action) *protocol.Order {
	o := &protocol.Order{Symbol: a.Symbol, ClientID: a.ClientID, NewClientID: a.NewClientID, VenueID: a.VenueID, Side: a.Side, OrdType: a.OrdType,
		TimeInForce: a.TimeInForce, Price: i.price(a.PriceTick), Qty: i.qty(a.Qty)}
	if a.Request == blotter.Amend {
		if a.PriorQty > 0 {
			o.PriorQty = i.qty(a.PriorQty)
		}
		o.PrevPrice, o.PrevQty, o.CumQty = i.price(a.PrevPriceTick), i.qty(a.PrevQty), i.qty(a.CumQty)
	}
	return o
}

// cancelBatch cancels several orders with one request. They go one by one, too, when it is not answered soon.
func (t *trade) cancelBatch(inst *instrument, l *line, batcher protocol.BatchCanceler, some []*blotter.Action, begun func()) {
	orders := make([]*protocol.Order, len(some))
	for i, a := range some {
		orders[i] = inst.order(a)
	}
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	defer t.slot(inst, l, blotter.Cancel)()
	singly := sync.OnceValue(func() bool { return t.singly(inst, l, some) })
	late := time.AfterFunc(slotPatience, func() { singly() })
	begun()
	outcomes, err := inWindow(ctx, t.c, func() ([]protocol.Outcome, error) { return batcher.CancelBatch(ctx, orders) })
	went := !late.Stop() && singly()
	elsewhere := func() bool { return t.c.failureOf(err).Outage || batcher.MaxCancels() == 1 } // another way may be open
	if err != nil && (went || t.putBack(inst, l, some, err) || elsewhere() && singly()) {
		return
	}
	t.answers(l, some, err, func(i int) (protocol.Report, error) { return outcomes[i].Report, outcomes[i].Err })
}

// list asks about all orders on a symbol at once, and about those that are not in the list one by one.
func (t *trade) list(inst *instrument, l *line, lister protocol.Lister, some []*blotter.Action, begun func()) {
	begun()
	defer t.slot(inst, l, blotter.QueryOrder)()
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	reports, err := inWindow(ctx, t.c, func() ([]protocol.Report, error) { return lister.RecentOrders(ctx, inst.Symbol) })
	var absent []*blotter.Action
	if err == nil {
		known := make(map[string]*protocol.Report, 2*len(reports))
		for i := range reports {
			known[reports[i].ClientID], known["#"+reports[i].VenueID] = &reports[i], &reports[i]
		}
		found := make([]protocol.Report, 0, len(some))
		listed := some[:0]
		for _, a := range some {
			r := known["#"+a.VenueID]
			if a.VenueID == "" {
				r = known[a.ClientID]
			}
			if r == nil {
				absent = append(absent, a)
				continue
			}
			listed, found = append(listed, a), append(found, *r)
			found[len(found)-1].ClientID = a.ClientID // a canceled order may be shown with the id of its cancellation
		}
		some, reports = listed, found
	}
	t.mu.Lock()
	for _, a := range absent {
		l.out++
		t.begin(func(begun func()) { t.perform(inst, a, nil, begun) })
	}
	t.mu.Unlock()
	t.answers(l, some, err, func(i int) (protocol.Report, error) { return reports[i], nil })
}

// answers hands the answers of one request about several orders to the record. After one that failed as a whole each goes by
// itself for a while: the venue may have refused it because of one of them, or another way may be open.
func (t *trade) answers(l *line, some []*blotter.Action, err error, of func(i int) (protocol.Report, error)) {
	t.mu.Lock()
	if err != nil {
		l.singlyUntilNs = t.c.nowNs() + singlyNs
	}
	t.mu.Unlock()
	for i, a := range some {
		report, failed := protocol.Report{}, err
		if err == nil {
			report, failed = of(i)
		}
		t.answer(a, report, failed)
	}
}

// answer hands an answer to the record of orders. Amend may have both a report and an error.
func (t *trade) answer(a *blotter.Action, report protocol.Report, err error) {
	if a.Request == blotter.Place || a.Request == blotter.Amend {
		defer t.unanswered.Add(-1)
	}
	c := t.c
	nowNs, outage := c.nowNs(), false
	t.mu.Lock()
	if err == nil {
		t.noteAnswered(a, &report, nil)
		t.blotter.Answered(a.ClientID, a.Request, &report, nowNs)
	} else {
		f := c.failureOf(err)
		outage = f.Outage
		t.noteAnswered(a, &report, &f)
		if report.ClientID != "" {
			_ = t.blotter.Report(&report, nowNs) // the order is known, it was just asked for
		}
		t.blotter.Failed(a.ClientID, a.Request, f, nowNs)
	}
	t.mu.Unlock()
	t.changed()
	if err != nil {
		c.heed(err)
	}
	c.answered(a.Request, err, outage)
}
