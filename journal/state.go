package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// State is the sum of the records up to a sequence. It does not depend on the order between records of different
// locks: what is known of an order and its sums is taken from records that are appended under one lock; of all else
// the sums and the newest by number count.
type State struct {
	Sequence uint64 `json:"sequence"`
	// TimeNs is the latest time of a record.
	TimeNs      int64                     `json:"time_ns"`
	Run         RunState                  `json:"run"`
	Instruments map[uint32]InstrumentInfo `json:"instruments"`
	Strategies  map[uint64]*Strategy      `json:"strategies"`
	Absent      map[uint32]string         `json:"absent"` // books, with the reason
	// Lost is the number of records that could not be appended, Missing that of corrupt ones. NotFinite counts figures
	// that were not finite.
	Lost      uint64 `json:"lost"`
	Missing   uint64 `json:"missing"`
	NotFinite uint64 `json:"not_finite"`
	// ClockUnconfirmed is true if the machine's clock has jumped and the right time has not been confirmed.
	ClockUnconfirmed bool `json:"clock_unconfirmed"`
}

// RunState is the newest run of the host.
type RunState struct {
	Begun     uint64 `json:"begun"` // runs
	Running   bool   `json:"running"`
	BegunNs   int64  `json:"begun_ns"`
	PID       int64  `json:"pid"`
	Version   string `json:"version"`
	Config    string `json:"config_sha256"`
	EndReason string `json:"end_reason"`
}

// InstrumentInfo is an instrument that was named.
type InstrumentInfo struct {
	Connector string  `json:"connector"`
	Symbol    string  `json:"symbol"`
	TickSize  float64 `json:"tick_size"`
	LotSize   float64 `json:"lot_size"`
}

// Strategy is a strategy, by bot id.
type Strategy struct {
	Name    string `json:"name"`
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	PID     int64  `json:"pid"`
	// Incarnation is that of its newest process, EndedIncarnation that of the newest that has ended.
	Incarnation      uint32 `json:"incarnation"`
	EndedIncarnation uint32 `json:"ended_incarnation"`
	EndReason        string `json:"end_reason"`
	Failed           bool   `json:"failed"`
	Requests         uint64 `json:"requests"`
	Refused          uint64 `json:"refused"`
	// ClientNumber is the greatest number of a client id.
	ClientNumber uint64              `json:"client_number"`
	Trading      uint8               `json:"trading_state"`
	Holdings     map[uint32]*Account `json:"holdings"`
}

// Account is the ledger of a strategy on one instrument.
type Account struct {
	Holding
	Funding float64 `json:"funding"`
	// Orders are those that are not known to be over, by order id.
	Orders map[uint64]*OpenOrder `json:"orders"`
	// Sent are the requests to the venue of orders that are not over, by the order's first client id. Ended are those of the orders
	// that ended last, because what was sent of one may be told after its end.
	Sent  map[string]*SentOrder `json:"sent"`
	Ended []string              `json:"ended"`
}

// OpenOrder is an order that is not known to be over.
type OpenOrder struct {
	hft.Order
	Incarnation uint32 `json:"incarnation"`
	Origin      string `json:"origin"`
	ClientID    string `json:"client_id"`
	VenueID     string `json:"venue_id"`
	// Executed and Value are those of all its executions.
	Executed float64 `json:"executed"`
	Value    float64 `json:"value"`
}

// SentOrder is the part of an order that was sent to the venue.
type SentOrder struct {
	OrderID     uint64 `json:"order_id"`
	Incarnation uint32 `json:"incarnation"`
	// ClientIDs are all it may go by.
	ClientIDs map[string]uint64 `json:"client_ids"`
	// Number is that of the newest request.
	Number uint64 `json:"number"`
}

// maxEnded is the number of orders that may end on an instrument before what was sent of the first is told.
const maxEnded = 64

// NewState returns the State before the first record.
func NewState() *State {
	return &State{Instruments: make(map[uint32]InstrumentInfo), Strategies: make(map[uint64]*Strategy), Absent: make(map[uint32]string)}
}

func (s *State) strategy(bot uint64) *Strategy {
	b := s.Strategies[bot]
	if b == nil {
		b = &Strategy{Holdings: make(map[uint32]*Account)}
		s.Strategies[bot] = b
	}
	return b
}

func (s *State) account(h *Head) *Account {
	b := s.strategy(h.Bot)
	a := b.Holdings[h.Instrument]
	if a == nil {
		a = &Account{Orders: make(map[uint64]*OpenOrder), Sent: make(map[string]*SentOrder)}
		b.Holdings[h.Instrument] = a
	}
	return a
}

// Apply takes one record, which has to be the next.
func (s *State) Apply(r *Record) {
	if r.Kind == KindCheckpoint {
		return
	}
	if r.Sequence > s.Sequence+1 {
		s.Missing += r.Sequence - s.Sequence - 1
	}
	s.Sequence, s.TimeNs = r.Sequence, max(s.TimeNs, r.TimeNs)
	switch r.Kind {
	case KindInstrument:
		b, _ := As[Instrument](r)
		s.Instruments[r.Instrument] = InstrumentInfo{r.Text(0), r.Text(1), s.finite(b.TickSize), s.finite(b.LotSize)}
	case KindRunBegun:
		b, _ := As[Run](r)
		s.Run = RunState{Begun: s.Run.Begun + 1, Running: true, BegunNs: r.TimeNs, PID: b.PID, Version: r.Text(0), Config: r.Text(1)}
	case KindRunEnded:
		s.Run.Running, s.Run.EndReason = false, r.Text(0)
	case KindStarted, KindReplaced:
		s.started(r)
	case KindStopped, KindFailed:
		s.ended(r)
	case KindRequest, KindOrder, KindExecution, KindReconciled:
		s.order(r)
	case KindRefused:
		b, _ := As[Refusal](r)
		s.strategy(r.Bot).Refused += uint64(max(b.Count, 0))
	case KindSent:
		s.sent(r)
	case KindFunding:
		b, _ := As[Funding](r)
		s.account(&r.Head).Funding += s.finite(b.Amount)
	case KindBookAbsent:
		s.Absent[r.Instrument] = r.Text(0)
	case KindBookPresent:
		delete(s.Absent, r.Instrument)
	case KindTradingState:
		if b, _ := As[TradingState](r); r.Bot != 0 {
			s.strategy(r.Bot).Trading = b.To
		}
	case KindClockStep:
		b, _ := As[ClockStep](r)
		s.ClockUnconfirmed = b.Confirmed == 0
	case KindLost:
		b, _ := As[Lost](r)
		s.Lost += b.Count
	}
}

func (s *State) started(r *Record) {
	b, _ := As[Process](r)
	st := s.strategy(r.Bot)
	if r.Incarnation >= st.Incarnation {
		st.Incarnation, st.Name, st.Plugin, st.Version = r.Incarnation, r.Text(0), r.Text(1), r.Text(2)
		st.SHA256, st.PID = hex.EncodeToString(b.SHA256[:]), b.PID
	}
}

func (s *State) ended(r *Record) {
	st := s.strategy(r.Bot)
	if r.Incarnation >= st.EndedIncarnation {
		st.EndedIncarnation, st.EndReason, st.Failed = r.Incarnation, r.Text(1), r.Kind == KindFailed
	}
	if st.Name == "" {
		st.Name = r.Text(0)
	}
}

// order takes what is appended under the lock of the order's holding.
func (s *State) order(r *Record) {
	if len(r.body) < 80 {
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
		s.report(a, r, b.Order, b.Order.ExecQty, b.Value)
	}
}

func (s *State) requested(a *Account, r *Record, o hft.Order) {
	s.sanitise(&o)
	known := a.Orders[o.OrderID]
	switch {
	case o.Req == hft.StatusNew:
		a.Orders[o.OrderID] = &OpenOrder{Order: o, Incarnation: r.Incarnation}
	case known != nil:
		known.Req, known.LocalTimestampNs = o.Req, o.LocalTimestampNs
	}
}

// report takes an order's new state.
func (s *State) report(a *Account, r *Record, o hft.Order, executed, value float64) {
	s.sanitise(&o)
	origin := r.Text(0)
	if of := a.Orders[o.OrderID]; of != nil && of.Req == hft.StatusNew && o.LocalTimestampNs > 0 && o.LocalTimestampNs < of.LocalTimestampNs {
		return // it is of an order before, which is over
	}
	if o.Final() {
		delete(a.Orders, o.OrderID)
		if origin != "" {
			delete(a.Sent, origin)
			if a.Ended = append(a.Ended, origin); len(a.Ended) > maxEnded {
				a.Ended = slices.Delete(a.Ended, 0, 1)
			}
		}
		return
	}
	known := a.Orders[o.OrderID]
	if known == nil {
		if o.Req == hft.StatusRejected {
			return // a refusal of what is over
		}
		known = &OpenOrder{Order: o, Incarnation: r.Incarnation}
		a.Orders[o.OrderID] = known
	} else if o.Req == hft.StatusRejected {
		known.Req = hft.StatusNone
	} else {
		known.Update(&o)
	}
	known.Executed += s.finite(executed)
	known.Value += s.finite(value)
	if origin != "" {
		known.Origin, known.ClientID = origin, r.Text(1)
	}
	if id := r.Text(2); id != "" {
		known.VenueID = id
	}
}

// sent takes what goes to the venue, which another lock guards: the order's end may be known already.
func (s *State) sent(r *Record) {
	b, ok := As[Sent](r)
	if !ok {
		return
	}
	st, a := s.strategy(r.Bot), s.account(&r.Head)
	st.ClientNumber = max(st.ClientNumber, b.Number)
	origin := r.Text(0)
	if slices.Contains(a.Ended, origin) {
		return
	}
	o := a.Sent[origin]
	if o == nil {
		o = &SentOrder{OrderID: b.Order.OrderID, Incarnation: r.Incarnation, ClientIDs: make(map[string]uint64)}
		a.Sent[origin] = o
	}
	for _, id := range []string{r.Text(1), r.Text(2)} {
		if id != "" {
			o.ClientIDs[id] = max(o.ClientIDs[id], b.Number)
		}
	}
	o.Number = max(o.Number, b.Number)
}

func (s *State) sums(a *Account, h Holding) {
	for _, f := range []*float64{&h.State.Position, &h.State.Balance, &h.State.Fee, &h.State.TradingVolume, &h.State.TradingValue,
		&h.OwnPosition, &h.EntryPrice, &h.UnitValue, &h.Realised} {
		*f = s.finite(*f)
	}
	a.Holding = h
}

func (s *State) sanitise(o *hft.Order) {
	for _, f := range []*float64{&o.TickSize, &o.Qty, &o.LeavesQty, &o.ExecQty} {
		*f = s.finite(*f)
	}
}

// finite returns x, or 0 if it is not a number: JSON, and no sum, has a place for that.
func (s *State) finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		s.NotFinite++
		return 0
	}
	return x
}

// encode returns the State as a checkpoint has it. Equal ones are equal byte by byte.
func (s *State) encode() (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func decodeState(text []byte) (*State, error) {
	s := NewState()
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("journal: checkpoint: %w", err)
	}
	return s, nil
}
