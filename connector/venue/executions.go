package venue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// executionsTimeout bounds a query of a part of the executions, which may have many pages.
const executionsTimeout = time.Minute

// progress describes a reading of executions that is not over: the venue refuses some question, or the stream
// is lost. The zero progress is that of none.
type progress struct {
	// fromNs and nextNs are the venue's times from which it began and from which it goes on, nextNs 0 for none.
	fromNs, nextNs int64
	// unclaimed are executions up to then that may be of orders of this runner which are not known here, listed has
	// their ids. An order is to have them all at once.
	unclaimed []protocol.Report
	listed    map[string]bool
	// ours are orders of unclaimed that are this runner's, by the venue's id; of those in late the venue has refused to
	// tell too often to wait for: each later reading asks again.
	ours, late map[string]bool
}

// maxLate is the number of orders that later readings ask for.
const maxLate = 64

// over ends a reading.
func (p *progress) over() { p.fromNs, p.nextNs, p.ours = 0, 0, nil }

// since returns from when on executions are to be asked for where they were to be since a time.
func (p *progress) since(sinceNs int64) int64 {
	if p.nextNs == 0 || sinceNs < p.fromNs || sinceNs > p.nextNs {
		p.fromNs, p.nextNs = sinceNs, 0
		return sinceNs
	}
	return p.nextNs
}

// add notes executions that nobody here is known to have.
func (p *progress) add(unknown []protocol.Report) {
	if p.listed == nil {
		p.listed = make(map[string]bool)
	}
	for i := range unknown {
		if id := unknown[i].TradeID; !p.listed[id] {
			p.listed[id] = true
			p.unclaimed = append(p.unclaimed, unknown[i])
		}
	}
}

// orders returns the unclaimed executions by the venue's ids of their orders, which are in the order of the first of
// each.
func (p *progress) orders() (ids []string, of map[string][]protocol.Report) {
	of = make(map[string][]protocol.Report)
	for i := range p.unclaimed {
		r := &p.unclaimed[i]
		if of[r.VenueID] == nil {
			ids = append(ids, r.VenueID)
		}
		of[r.VenueID] = append(of[r.VenueID], *r)
	}
	return ids, of
}

// forget forgets the unclaimed executions of orders.
func (p *progress) forget(orders map[string]bool) {
	kept := p.unclaimed[:0]
	for i := range p.unclaimed {
		if r := &p.unclaimed[i]; orders[r.VenueID] {
			delete(p.listed, r.TradeID)
		} else {
			kept = append(kept, *r)
		}
	}
	clear(p.unclaimed[len(kept):])
	p.unclaimed = kept
}

// askExecutions asks for the executions on a symbol since a time and takes them. Where all are read, those of orders
// that are over here are claimed, before the list of open orders is taken: that counts what was executed of an
// unknown order as reported.
func (t *trade) askExecutions(session context.Context, inst *instrument, sinceNs int64, reads bool) error {
	c, p := t.c, &inst.reading.progress
	if reads {
		select {
		case inst.reading.turn <- struct{}{}:
			defer func() { <-inst.reading.turn }()
		case <-session.Done():
			return session.Err()
		}
		sinceNs = p.since(sinceNs)
	}
	if sinceNs > 0 {
		err := t.readParts(session, inst.Symbol, sinceNs, executionsTimeout, func(part []protocol.Report, restNs int64) error {
			return t.takePart(session, inst, part, restNs, reads)
		})
		if err != nil && reads && protocol.Final(err) {
			t.unavailable(inst, sinceNs, err)
		} else if err != nil {
			return err
		}
	}
	c.outage.Works(question{"executions of", inst.Symbol}) // fetch does not ask again for what has come since
	if !reads {
		return nil
	}
	if err := t.claim(session, inst); err != nil {
		return err
	}
	p.over()
	return nil
}

// takePart takes a part of the executions on a symbol; the rest, if there is one, is from restNs on. Which of them are
// of orders that are not known here is looked up before they are taken: that makes others be forgotten.
func (t *trade) takePart(session context.Context, inst *instrument, part []protocol.Report, restNs int64, reads bool) error {
	c, p := t.c, &inst.reading.progress
	t.mu.Lock()
	if err := session.Err(); err != nil {
		t.mu.Unlock()
		return err // what is known by now is asked for again
	}
	if reads {
		p.add(t.blotter.Unknown(inst.Symbol, part))
	}
	t.blotter.Executions(part, c.nowNs())
	t.mu.Unlock()
	if !reads {
		return nil
	}
	settledNs := c.venueNs(c.nowNs()) - int64(readOverlap)
	if restNs == 0 {
		if len(part) > 0 {
			p.nextNs = max(p.nextNs, min(part[len(part)-1].TimestampNs, settledNs))
		}
		return nil
	}
	p.nextNs = min(restNs, settledNs)
	return t.sift(session, inst)
}

// sift forgets executions of orders that are not this runner's while there are more to read.
func (t *trade) sift(ctx context.Context, inst *instrument) error {
	p := &inst.reading.progress
	ids, of := p.orders()
	theirs := make(map[string]bool)
	defer func() { p.forget(theirs) }()
	for _, id := range ids {
		if p.ours[id] {
			continue
		}
		order, found, err := t.orderOf(ctx, inst, id, len(of[id]))
		if err != nil && !protocol.Final(err) {
			return err
		}
		t.mu.Lock()
		ours := t.blotter.Knows(order.ClientID) || t.blotter.Ours(&order)
		t.mu.Unlock()
		switch {
		case err != nil: // claim asks again
		case found && ours && p.ours == nil:
			p.ours = map[string]bool{id: true}
		case found && ours:
			p.ours[id] = true
		default:
			t.foreign(inst, id)
			theirs[id] = true
		}
	}
	return nil
}

// readParts asks for the executions on a symbol since a time, one part of the list after the other, the oldest first,
// each within a time. part takes each and the time from which the rest is, 0 for none.
func (t *trade) readParts(ctx context.Context, symbol string, sinceNs int64, timeout time.Duration,
	part func(list []protocol.Report, restNs int64) error) error {
	c := t.c
	for {
		list, restNs, err := c.askPart(ctx, symbol, sinceNs, timeout)
		if err != nil {
			return err
		}
		err = checkExecutions(symbol, list, sinceNs, c.venueNs(c.nowNs()))
		if err == nil && restNs != 0 && restNs <= sinceNs {
			err = fmt.Errorf("%s: the list of executions does not go on: it has more from %s on", symbol, timeText(restNs))
		}
		if err != nil {
			c.badMessage("list of executions cannot be true", err, nil)
			return &protocol.Failure{Cause: protocol.Unknown, Unreadable: true, Err: err}
		}
		if err := part(list, restNs); err != nil || restNs == 0 {
			return err
		}
		sinceNs = restNs
	}
}

// askPart asks for a part of the executions on a symbol, and returns from when on the rest is, 0 for none.
func (c *Connector) askPart(ctx context.Context, symbol string, sinceNs int64, timeout time.Duration) (list []protocol.Report,
	restNs int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	list, err = c.protocol.Executions(ctx, symbol, sinceNs)
	var more *protocol.More
	if errors.As(err, &more) {
		return list, more.SinceNs, nil
	}
	return list, 0, err
}

// checkExecutions returns what cannot be true of a list of the executions on a symbol since a time: what would be
// counted by it might be counted twice, or what it lacks never. Venues have milliseconds.
func checkExecutions(symbol string, list []protocol.Report, sinceNs, venueNs int64) error {
	lastNs := sinceNs - sinceNs%int64(time.Millisecond)
	for i := range list {
		switch r := &list[i]; {
		case r.Symbol != symbol:
			return fmt.Errorf("%s: the list of executions has one of %q", symbol, r.Symbol)
		case r.TimestampNs < lastNs && i == 0:
			return fmt.Errorf("%s: execution %s of %s is in the list of those since %s", symbol, r.TradeID,
				timeText(r.TimestampNs), timeText(sinceNs))
		case r.TimestampNs < lastNs:
			return fmt.Errorf("%s: execution %s of %s is behind that of %s in the list", symbol, r.TradeID,
				timeText(r.TimestampNs), timeText(lastNs))
		case r.TimestampNs > venueNs+int64(maxAhead):
			return fmt.Errorf("%s: execution %s is of %s, more than a day ahead", symbol, r.TradeID, timeText(r.TimestampNs))
		default:
			lastNs = r.TimestampNs
		}
	}
	return nil
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// fetch asks for executions on a symbol.
func (t *trade) fetch(symbol string, sinceNs int64) {
	c := t.c
	err := t.readParts(c.ctx, symbol, sinceNs, requestTimeout, func(part []protocol.Report, _ int64) error {
		t.mu.Lock()
		t.blotter.Executions(part, c.nowNs())
		t.mu.Unlock()
		t.changed()
		return nil
	})
	if err != nil {
		c.unanswered(question{"executions of", symbol}, err)
		return // the record asks again
	}
	c.outage.Works(question{"executions of", symbol})
}

// maxRefused is how often the venue has to refuse to tell of an order in a row until its executions are no longer
// waited for: nothing is known on the symbol, and no strategy begins there, while they are.
const maxRefused = 5

// claim has the executions booked that are of orders of this runner which are over here, or which it does not know:
// executions may name their order by the venue's id only, so each such order is asked for. An error says that of some
// it is not known: they are to be claimed again.
func (t *trade) claim(ctx context.Context, inst *instrument) error {
	p := &inst.reading.progress
	ids, of := p.orders()
	over := make(map[string]bool)
	defer func() { p.forget(over) }()
	var refused error
	for _, id := range ids {
		order, found, err := t.orderOf(ctx, inst, id, len(of[id]))
		switch {
		case err != nil && !protocol.Final(err):
			return err
		case err != nil && p.late[id]:
			continue
		case err != nil && !t.givesUp(inst, id):
			refused = fmt.Errorf("order %s: %w", id, err)
			continue
		case err != nil:
			if p.late == nil {
				p.late = make(map[string]bool)
			}
			if p.late[id] = len(p.late) < maxLate; !p.late[id] {
				t.foreign(inst, id)
			}
			t.c.critical(inst.No, fmt.Sprintf("%s: the venue does not tell of order %s, of which it lists %d executions: %v, "+
				"queried %d times. If it is this runner's, they are missing in its position until it does: compare that with the venue's",
				inst.Symbol, id, len(of[id]), err, maxRefused))
			if p.late[id] {
				continue
			}
		case found:
			t.claimed(inst, &order, id, of[id])
		}
		over[id] = true
		delete(p.late, id)
	}
	return refused
}

// orderOf asks for the order of executions by the venue's id. found is false for one that the venue no longer knows: it
// is not asked for again.
func (t *trade) orderOf(ctx context.Context, inst *instrument, id string, executions int) (order protocol.Report, found bool, err error) {
	order, err = t.c.protocol.QueryOrder(ctx, &protocol.Order{Symbol: inst.Symbol, VenueID: id})
	switch protocol.CauseOf(err) {
	case protocol.NotFound, protocol.Gone:
		t.foreign(inst, id)
		t.c.log.Warn("executions of an order that the venue no longer knows: if it is this runner's, they are missing in its position",
			"symbol", inst.Symbol, "order", id, "executions", executions, "error", err)
		return order, false, nil
	}
	return order, err == nil, err
}

// claimed gives the executions of an order to whom it is of. id is the venue's.
func (t *trade) claimed(inst *instrument, order *protocol.Report, id string, executions []protocol.Report) {
	order.Symbol, order.VenueID = inst.Symbol, cmp.Or(order.VenueID, id)
	t.mu.Lock()
	delete(inst.reading.refused, id)
	ours := t.blotter.Missed(order, executions, t.c.nowNs())
	t.mu.Unlock()
	if ours {
		t.c.log.Warn("executions that the private stream has not reported were found in the venue's list", "symbol", inst.Symbol,
			"order", order.ClientID, "executions", len(executions))
	}
}

// foreign notes that an order is not to be asked for again.
func (t *trade) foreign(inst *instrument, venueID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(inst.reading.refused, venueID)
	t.blotter.Foreign(inst.Symbol, venueID)
}

// givesUp counts a refusal to tell of an order and reports whether it was the last.
func (t *trade) givesUp(inst *instrument, venueID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &inst.reading
	if r.refused == nil {
		r.refused = make(map[string]int)
	}
	if r.refused[venueID]++; r.refused[venueID] < maxRefused {
		return false
	}
	delete(r.refused, venueID)
	return true
}

// unavailable reports executions that the venue no longer lists.
func (t *trade) unavailable(inst *instrument, sinceNs int64, err error) {
	since := time.Unix(0, sinceNs).UTC().Format(time.RFC3339)
	t.c.critical(inst.No,
		fmt.Sprintf("%s: the venue does not list the executions since %s: %v. What was executed meanwhile may be missing "+
			"in positions: compare them with the venue's", inst.Symbol, since, err))
}
