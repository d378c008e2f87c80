package journal

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// OpenOrder is an order that is not known to be over.
type OpenOrder struct {
	hft.Order
	Incarnation uint32 `json:"incarnation"`
	// RequestedNs is the time of its submission, 0 where that is not known.
	RequestedNs int64  `json:"requested_ns"`
	Origin      string `json:"origin"`
	ClientID    string `json:"client_id"`
	VenueID     string `json:"venue_id"`
	// Executed and Value are those of all its executions. Of an order that was found at the venue Executed has what
	// was executed before, too.
	Executed float64 `json:"executed"`
	Value    float64 `json:"value"`
	// Legs are the orders at the venue that it has been, the present one last: where an amendment replaces an order
	// there are several.
	Legs []Leg `json:"legs"`
}

// Leg is one order at the venue.
type Leg struct {
	ClientID string `json:"client_id"`
	VenueID  string `json:"venue_id"`
	// Executed and Value are of its executions, Assumed what of Executed the venue has not reported as executions.
	Executed float64 `json:"executed"`
	Value    float64 `json:"value"`
	Assumed  float64 `json:"assumed"`
	// Unpriced is true if Value lacks what was executed before the order was found.
	Unpriced bool `json:"unpriced"`
}

// SentOrder is the part of an order that was sent to the venue.
type SentOrder struct {
	OrderID     uint64 `json:"order_id"`
	Incarnation uint32 `json:"incarnation"`
	RequestedNs int64  `json:"requested_ns"`
	// ClientIDs are all it may go by.
	ClientIDs map[string]uint64 `json:"client_ids"`
	// Number is that of the newest request, Amendment the client id that the newest one gives the order, empty when
	// that is a submission. Terms are what the venue was asked for last, by number.
	Number    uint64           `json:"number"`
	Amendment string           `json:"amendment"`
	Terms     map[uint64]Terms `json:"terms"`
}

// Terms are a price and the quantity of a whole order.
type Terms struct {
	PriceTick int64   `json:"price_tick"`
	Qty       float64 `json:"qty"`
}

// Executions holds what is known of the executions on an instrument.
type Executions struct {
	// ReadNs is the venue's time up to which all are booked, 0 when they were never read.
	ReadNs int64 `json:"read_ns"`
	// Booked are those that were booked since a minute before ReadNs, or since ForgottenNs where there are too many.
	Booked      []BookedExecution `json:"booked"`
	ForgottenNs int64             `json:"forgotten_ns"`
	// EventsNs is the venue's time up to which account events are booked, 0 when they were never listed. Events are
	// those that were booked since EventsAgainNs before EventsNs, or before ReadNs where that is 0: forced closes by the id
	// of the execution, funding by the id of the settlement behind FundingPrefix.
	EventsNs int64         `json:"events_ns,omitempty"`
	Events   []BookedEvent `json:"events,omitempty"`
}

// BookedEvent is an account event that was booked. VenueNs is 0 where a checkpoint of an earlier version does not tell.
type BookedEvent struct {
	ID      string `json:"id"`
	VenueNs int64  `json:"venue_ns,omitempty"`
}

// UnmarshalJSON also reads the id alone, as earlier versions wrote it.
func (b *BookedEvent) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &b.ID)
	}
	type plain BookedEvent
	return json.Unmarshal(text, (*plain)(b))
}

// FundingPrefix precedes the ids of settlements in Executions.Events.
const FundingPrefix = "funding "

// event remembers an account event; each of its records has the same id.
func (e *Executions) event(id string, venueNs int64) {
	if !slices.ContainsFunc(e.Events, func(b BookedEvent) bool { return b.ID == id }) {
		e.Events = append(e.Events, BookedEvent{id, venueNs})
	}
}

// forgetEvents forgets the events that are not listed again. Of those without a time the newest are kept.
func (e *Executions) forgetEvents() {
	sinceNs := cmp.Or(e.EventsNs, e.ReadNs) - EventsAgainNs
	timeless := 0
	for _, b := range e.Events {
		if b.VenueNs == 0 {
			timeless++
		}
	}
	e.Events = slices.DeleteFunc(e.Events, func(b BookedEvent) bool {
		if b.VenueNs == 0 {
			timeless--
			return timeless >= maxEvents
		}
		return b.VenueNs < sinceNs
	})
}

// BookedExecution is one that was booked. ID is empty when it was concluded from the executed quantity of the order
// that goes by ClientID.
type BookedExecution struct {
	ID        string   `json:"id,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Side      hft.Side `json:"side"`
	Qty       float64  `json:"qty"`
	PriceTick int64    `json:"price_tick"`
	VenueNs   int64    `json:"venue_ns"`
}

const (
	// maxLegs and maxTerms bound what is kept of an order, maxBooked what is kept of executions,
	// maxEvents what is kept of events without a time.
	maxLegs, maxTerms, maxBooked, maxEvents = 64, 16, 2048, 512
	// ReadAgainNs is by how much the executions that are read overlap with those that were read before: a venue may
	// list one a little late.
	ReadAgainNs = 60_000_000_000
	// EventsAgainNs is the same for account events.
	EventsAgainNs = 600_000_000_000
)

func newAccount() *Account {
	return &Account{Orders: make(map[uint64]*OpenOrder), Sent: make(map[string]*SentOrder)}
}

func (s *State) executions(instrument uint32) *Executions {
	e := s.Executions[instrument]
	if e == nil {
		e = new(Executions)
		s.Executions[instrument] = e
	}
	return e
}

// read moves on the time up to which executions are known.
func (e *Executions) read(untilNs, eventsNs int64) {
	e.EventsNs = max(e.EventsNs, eventsNs)
	if e.ReadNs == 0 { // what was before is not this journal's
		e.ForgottenNs = max(e.ForgottenNs, untilNs)
	}
	e.ReadNs = max(e.ReadNs, untilNs)
	e.Booked = slices.DeleteFunc(e.Booked, func(b BookedExecution) bool { return b.VenueNs < e.ReadNs-ReadAgainNs })
	e.forgetEvents()
}

// book remembers an execution.
func (e *Executions) book(b BookedExecution) {
	if len(e.Booked) >= maxBooked {
		const some = maxBooked / 4
		for i := range e.Booked[:some] {
			e.ForgottenNs = max(e.ForgottenNs, e.Booked[i].VenueNs)
		}
		e.Booked = slices.Delete(e.Booked, 0, some)
	}
	e.Booked = append(e.Booked, b)
}

// order takes what is appended under the lock of the order's holding.
func (s *State) order(r *Record) {
	if len(r.body) < 80 {
		return
	}
	if b, _ := As[Execution](r); r.Kind == KindExecution && b.Kind != Trade { // of no order of a bot
		if id := r.Text(3); id != "" { // a transfer by the operator has none
			s.executions(r.Instrument).event(id, b.Order.ExchTimestampNs)
		}
		if r.Bot != 0 {
			s.sums(s.account(&r.Head), b.Holding)
		}
		return
	}
	a := s.account(&r.Head)
	switch r.Kind {
	case KindRequest:
		b, _ := As[Request](r)
		s.strategy(r.Bot).Requests++
		s.requested(a, r, b.Order)
	case KindOrder:
		b, _ := As[OrderState](r)
		s.sums(a, b.Holding)
		s.report(a, r, b.Order, 0, 0)
	default:
		b, _ := As[Execution](r)
		s.sums(a, b.Holding)
		if r.Kind == KindExecution {
			o := &b.Order
			booked := BookedExecution{ID: r.Text(3), Side: o.Side, Qty: s.finite(o.ExecQty),
				PriceTick: o.ExecPriceTick, VenueNs: o.ExchTimestampNs}
			if booked.ID == "" {
				booked.ClientID = r.Text(1)
			}
			s.executions(r.Instrument).book(booked)
		}
		s.report(a, r, b.Order, b.Order.ExecQty, b.Value)
	}
}

func (s *State) requested(a *Account, r *Record, o hft.Order) {
	s.sanitise(&o)
	known := a.Orders[o.OrderID]
	switch {
	case o.Req == hft.StatusNew:
		a.Orders[o.OrderID] = &OpenOrder{Order: o, Incarnation: r.Incarnation, RequestedNs: o.LocalTimestampNs}
	case known != nil:
		known.Req, known.LocalTimestampNs = o.Req, o.LocalTimestampNs
	}
}

// report takes an order's new state.
func (s *State) report(a *Account, r *Record, o hft.Order, executed, value float64) {
	s.sanitise(&o)
	executed, value = s.finite(executed), s.finite(value)
	origin := r.Text(0)
	known := a.Orders[o.OrderID]
	if known != nil && known.Req == hft.StatusNew && o.LocalTimestampNs > 0 &&
		o.LocalTimestampNs < known.LocalTimestampNs {
		return // it is of an order before, which is over
	}
	if o.Final() {
		a.end(o.OrderID, origin)
		return
	}
	if executed != 0 && (slices.Contains(a.Ended, origin) || known != nil && known.Origin != "" &&
		origin != known.Origin) {
		return // the bot has used its id again
	}
	switch {
	case known == nil && o.Req == hft.StatusRejected:
		return // a refusal of what is over
	case known == nil:
		known = &OpenOrder{Order: o, Incarnation: r.Incarnation, Executed: max(o.Qty-o.LeavesQty-executed, 0)}
		a.Orders[o.OrderID] = known
	case o.Req == hft.StatusRejected:
		known.Req = hft.StatusNone
	default:
		known.Update(&o)
	}
	known.named(r, executed, value)
	known.Executed += executed
	known.Value += value
}

// end removes an order.
func (a *Account) end(orderID uint64, origin string) {
	delete(a.Orders, orderID)
	if origin == "" {
		return
	}
	delete(a.Sent, origin)
	if a.Ended = append(a.Ended, origin); len(a.Ended) > maxEnded {
		a.Ended = slices.Delete(a.Ended, 0, 1)
	}
}

// named takes the names in a report, and what it says was executed under them.
func (o *OpenOrder) named(r *Record, executed, value float64) {
	if r.Text(0) == "" {
		return
	}
	leg := o.leg(r.Text(1), r.Text(2))
	if len(o.Legs) == 1 && o.Origin == "" { // executed before it was found
		leg.Executed, leg.Unpriced = o.Executed, o.Executed > 0
	}
	leg.Executed += executed
	leg.Value += value
	if r.Kind == KindExecution && r.Text(3) == "" {
		leg.Assumed += executed
	}
	last := o.Legs[len(o.Legs)-1]
	o.Origin, o.ClientID, o.VenueID = r.Text(0), last.ClientID, last.VenueID
}

// leg returns the leg of a client id and a venue's id, a new one where there is none.
func (o *OpenOrder) leg(clientID, venueID string) *Leg {
	for i := len(o.Legs) - 1; i >= 0; i-- {
		l := &o.Legs[i]
		switch {
		case venueID != "" && l.VenueID == venueID: // the venue may give it another client id
			l.ClientID = clientID
			return l
		case l.ClientID == clientID && (venueID == "" || l.VenueID == ""):
			l.VenueID = max(l.VenueID, venueID)
			return l
		}
	}
	if len(o.Legs) == maxLegs {
		o.Legs = slices.Delete(o.Legs, 0, 1)
	}
	o.Legs = append(o.Legs, Leg{ClientID: clientID, VenueID: venueID})
	return &o.Legs[len(o.Legs)-1]
}

// sent takes what goes to the venue, which another lock may guard: the order's end may be known already.
func (s *State) sent(r *Record) {
	b, ok := As[Sent](r)
	if !ok {
		return
	}
	s.sanitise(&b.Order)
	st, a := s.strategy(r.Bot), s.account(&r.Head)
	st.ClientNumber = max(st.ClientNumber, b.Number)
	origin := r.Text(0)
	if slices.Contains(a.Ended, origin) {
		return
	}
	o := a.Sent[origin]
	if o == nil {
		o = &SentOrder{OrderID: b.Order.OrderID, Incarnation: r.Incarnation, RequestedNs: b.Order.LocalTimestampNs,
			ClientIDs: make(map[string]uint64), Terms: make(map[uint64]Terms)}
		a.Sent[origin] = o
	}
	for _, id := range []string{r.Text(1), r.Text(2)} {
		if id != "" {
			o.ClientIDs[id] = max(o.ClientIDs[id], b.Number)
		}
	}
	if b.Number >= o.Number {
		o.Number, o.Amendment = b.Number, r.Text(2)
	}
	if o.Terms == nil { // an older checkpoint has none
		o.Terms = make(map[uint64]Terms)
	}
	if b.Order.Req == hft.StatusNew {
		o.RequestedNs = b.Order.LocalTimestampNs
	}
	if o.Terms[b.Number] = (Terms{b.Order.PriceTick, b.Order.Qty}); len(o.Terms) > maxTerms {
		oldest := b.Number
		for number := range o.Terms {
			oldest = min(oldest, number)
		}
		delete(o.Terms, oldest)
	}
}

// SentOf returns what was sent of an order, nil when nothing was.
func (a *Account) SentOf(o *OpenOrder) *SentOrder {
	if sent := a.Sent[o.Origin]; o.Origin != "" && sent != nil {
		return sent
	}
	for _, sent := range a.Sent {
		if sent.OrderID == o.OrderID && sent.Incarnation == o.Incarnation && sent.RequestedNs == o.RequestedNs {
			return sent
		}
	}
	return nil
}
