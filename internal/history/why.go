package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// Step is a step on an order's way.
type Step struct {
	// TimeNs is the host's time; VenueNs the venue's, by its own clock, 0 if the step has none.
	TimeNs, VenueNs int64
	// Sequence is the record's, 0 for a step that another record tells.
	Sequence uint64
	Name     string
	Text     string
}

// Timeline is an order's way from the market event that its strategy had received to its end. The time of each step
// less that of the step before are parts whose sum is the whole.
type Timeline struct {
	Steps []Step
	// Gone: segments with records of the order were removed. The steps are those that its row and executions have.
	Gone bool
}

// FindOrders returns the orders that go by a name, as Orders does: "@" and the sequence of an order's first record,
// that number alone, the strategy's order id, a client id or the venue's order id.
func (d *DB) FindOrders(ctx context.Context, name string, f *Filter) (*Table, error) {
	s := ordersSelection(f)
	if at, ok := strings.CutPrefix(name, "@"); ok {
		sequence, err := strconv.ParseUint(at, 10, 63)
		if err != nil {
			return nil, fmt.Errorf("history: order %q: a number is required after @", name)
		}
		s.when(true, "? = t.sequence", int64(sequence))
	} else if id, err := strconv.ParseUint(name, 10, 64); err == nil {
		s.when(true, "(? IN (t.sequence, order_id) OR ? IN (origin, client_id, venue_order_id))", int64(id), name)
	} else {
		s.when(true, "? IN (origin, client_id, venue_order_id)", name)
	}
	t, err := d.query(ctx, s, 0)
	return t.reversed(), err
}

// Why returns the way of the order whose first record has a sequence.
func (d *DB) Why(ctx context.Context, sequence uint64) (*Timeline, error) {
	row, err := scanOrder(d.tx.QueryRowContext(ctx, "SELECT "+orderColumns+" FROM orders WHERE sequence = ? LIMIT 1",
		int64(sequence)))
	if err != nil {
		return nil, fmt.Errorf("history: order @%d: %w", sequence, err)
	}
	dir := filepath.Join(filepath.Dir(d.path), journal.DirName)
	r, err := journal.OpenReader(dir, journal.ReadFrom{Sequence: row.sequence})
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer func() { _ = r.Close() }()
	if r.Oldest() > row.sequence {
		t := &Timeline{Gone: true, Steps: row.steps()}
		err := d.executionSteps(ctx, row, t)
		return t, err
	}
	t := &Timeline{}
	for {
		rec, err := r.Next(ctx)
		if errors.Is(err, io.EOF) || err == nil && rec.Sequence > row.lastSequence {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		if o := orderOf(rec); o != nil && row.has(rec, o) {
			t.add(rec, o)
		}
	}
}

// has reports whether a record between the order's first and last is about it.
func (row *orderRow) has(r *journal.Record, o *hft.Order) bool {
	if keyOf(r, o) != row.key {
		return false
	}
	if o.Req == hft.StatusNew && (r.Kind == journal.KindRefused || r.Kind == journal.KindRequest) {
		return r.Sequence == row.sequence
	}
	if origin := originOf(r); origin != "" && row.origin != "" {
		return origin == row.origin
	}
	return !row.refused && (o.LocalTimestampNs == 0 || o.LocalTimestampNs >= row.localNs)
}

// add adds the steps of a record.
func (t *Timeline) add(r *journal.Record, o *hft.Order) {
	s := Step{TimeNs: r.TimeNs, Sequence: r.Sequence}
	switch r.Kind {
	case journal.KindRequest:
		b := bodyOf[journal.Request](r)
		if o.Req == hft.StatusNew {
			t.before(r.TimeNs, o, &b)
		}
		s.Name, s.Text = "request", describe(o)+reaction(o, &b)+": checked and recorded by the host"
	case journal.KindRefused:
		b := bodyOf[journal.Refusal](r)
		s.Name = "refused"
		s.Text = strings.TrimSuffix(fmt.Sprintf("%s, by the %s: %s", describe(o), refuserName(b.By), refusalText(r)),
			": ")
	case journal.KindSent:
		id := r.Text(1)
		if replaced := r.Text(2); replaced != "" {
			id = replaced + " in place of " + id
		}
		s.Name, s.Text = "sent", requestName(o.Req)+" as "+id
	case journal.KindAnswered:
		b := bodyOf[journal.Answer](r)
		s.Name, s.VenueNs, s.Text = "answered", b.VenueNs, requestName(o.Req)+" "+outcomeName(b.Outcome)
		if reason := r.Text(3); reason != "" {
			s.Text += fmt.Sprintf(": %s (%d)", reason, b.Code)
		}
	case journal.KindOrder:
		s.Name, s.VenueNs, s.Text = "report", o.ExchTimestampNs, reportText(o)
	default:
		b := bodyOf[journal.Execution](r)
		s.Name, s.VenueNs = "execution", o.ExchTimestampNs
		s.Text = executionText(o.ExecQty, o.ExecPrice(), b.Fee, o.Maker, executionName(b.Kind))
		if r.Kind == journal.KindReconciled {
			s.Name = "reconciled"
		} else if id := r.Text(3); id != "" {
			s.Text += ", " + id
		}
		s.Text += ": " + reportText(o)
	}
	t.Steps = append(t.Steps, s)
}

// plausibleNs bounds how long a request may be on its way to the host: a strategy of a replay has another clock.
const plausibleNs = int64(10e9)

// before adds what came before a submission was recorded.
func (t *Timeline) before(atNs int64, o *hft.Order, b *journal.Request) {
	from := atNs - plausibleNs
	if b.ReactedNs >= 0 {
		from = atNs - b.ReactedNs
		t.Steps = append(t.Steps, Step{TimeNs: from, VenueNs: b.SawNs, Name: "event",
			Text: "the newest market event that the strategy had received; the venue's time is the book's at the request"})
	}
	if o.LocalTimestampNs >= from && o.LocalTimestampNs <= atNs {
		t.Steps = append(t.Steps, Step{TimeNs: o.LocalTimestampNs, Name: "strategy",
			Text: "the strategy made the request"})
	}
}

// reaction returns how fast a request followed an event, where that is not a step.
func reaction(o *hft.Order, b *journal.Request) string {
	if o.Req == hft.StatusNew || b.ReactedNs < 0 {
		return ""
	}
	return fmt.Sprintf(", %d ns after the newest event that the strategy had received", b.ReactedNs)
}

func refusalText(r *journal.Record) string { return strings.TrimPrefix(r.Text(0)+": "+r.Text(1), ": ") }

// describe returns a request in words.
func describe(o *hft.Order) string {
	switch o.Req {
	case hft.StatusNew:
		text := fmt.Sprintf("submit %s %s %s", lower(o.OrdType), lower(o.Side), figure(o.Qty))
		if o.OrdType == hft.Limit {
			text += fmt.Sprintf(" at %s %s", figure(o.Price()), lower(o.TimeInForce))
		}
		return text
	case hft.StatusReplaced:
		return fmt.Sprintf("modify to %s at %s", figure(o.Qty), figure(o.Price()))
	}
	return requestName(o.Req)
}

func reportText(o *hft.Order) string {
	if o.Req == hft.StatusRejected && !o.Final() {
		return "the request was refused, the order is " + statusName(o.Status)
	}
	return fmt.Sprintf("%s, %s left", statusName(o.Status), figure(o.LeavesQty))
}

func executionText(qty, price, fee float64, maker bool, kind string) string {
	side := "taker"
	if maker {
		side = "maker"
	}
	text := fmt.Sprintf("%s at %s as %s, fee %s", figure(qty), figure(price), side, figure(fee))
	if kind != executionName(journal.Trade) {
		text = kind + " of " + text
	}
	return text
}

func lower(x fmt.Stringer) string { return strings.ToLower(x.String()) }

// figure returns a number without the noise of binary fractions.
func figure(x float64) string {
	s := strconv.FormatFloat(x, 'f', 8, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// steps returns those that a row has by itself.
func (row *orderRow) steps() []Step {
	var all []Step
	add := func(ns int64, name, text string) {
		if ns != 0 {
			all = append(all, Step{TimeNs: ns, Name: name, Text: text})
		}
	}
	if row.requestNs != 0 && row.reactedNs >= 0 {
		add(row.requestNs-row.reactedNs, "event",
			"the newest market event that the strategy had received")
	}
	add(row.requestNs, "request", "submit")
	add(row.sentNs, "sent", "submit as "+row.origin)
	add(row.answerNs, "answered", "submit")
	if row.reportNs != row.fillNs && row.reportNs != row.endNs {
		add(row.reportNs, "report", "first")
	}
	if row.endNs != row.lastFillNs {
		add(row.endNs, "report", row.status)
	}
	return all
}

// executionSteps adds the executions of an order to what its row has.
func (d *DB) executionSteps(ctx context.Context, row *orderRow, t *Timeline) error {
	rows, err := d.tx.QueryContext(ctx,
		"SELECT sequence, time_ns, venue_ns, qty, price, fee, maker, kind, execution_id FROM executions "+
			"WHERE sequence BETWEEN ? AND ? AND bot = ? AND instrument = ? AND order_id = ? "+
			"AND incarnation = ? AND origin = ? ORDER BY sequence",
		int64(row.sequence), int64(row.lastSequence), int64(row.key.bot), row.key.instrument, int64(row.key.id),
		row.key.incarnation, row.origin)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		s := Step{Name: "execution"}
		var qty, price, fee float64
		var maker bool
		var kind, id string
		f := func(x *float64) any { return (*orZero)(x) }
		if err := rows.Scan((*signed)(&s.Sequence), &s.TimeNs, &s.VenueNs, f(&qty), f(&price), f(&fee), &maker,
			&kind, &id); err != nil {
			return fmt.Errorf("history: %w", err)
		}
		s.Text = strings.TrimSuffix(executionText(qty, price, fee, maker, kind)+", "+id, ", ")
		t.Steps = append(t.Steps, s)
	}
	slices.SortStableFunc(t.Steps, func(a, b Step) int { return cmp.Compare(a.TimeNs, b.TimeNs) })
	return rows.Err()
}
