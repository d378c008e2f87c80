package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

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
	// Executions is what is known of the executions at the venues, by instrument.
	Executions map[uint32]*Executions `json:"executions"`
	// Unattributed is the part of the account's position that belongs to no strategy, Halts the reason why new orders are
	// rejected, both by instrument.
	Unattributed map[uint32]float64 `json:"unattributed,omitempty"`
	Halts        map[uint32]Halt    `json:"halts,omitempty"`
	// ConnectorHalts are those of whole connectors, by name: they hold for instruments to come, too.
	ConnectorHalts map[string]Halt   `json:"connector_halts,omitempty"`
	Absent         map[uint32]string `json:"absent"` // books, with the reason
	// Lost is the number of records that could not be appended, Missing that of corrupt ones. NotFinite counts figures
	// that were not finite.
	Lost      uint64 `json:"lost"`
	Missing   uint64 `json:"missing"`
	NotFinite uint64 `json:"not_finite"`
	// ClockUnconfirmed is true if the machine's clock has jumped and the right time has not been confirmed.
	ClockUnconfirmed bool `json:"clock_unconfirmed"`
	// Holed is true if sums and executions are those before records that are missing. What the venue lists since then
	// is to be booked; the next run begins with that.
	Holed bool `json:"holed,omitempty"`
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

// Halt is the reason why new orders on an instrument are rejected, since when, and who has decided that.
type Halt struct {
	State   uint8  `json:"state"` // a TradingState's
	Cause   string `json:"cause"`
	Who     string `json:"who"`
	SinceNs int64  `json:"since_ns"`
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
	// NewestIncarnation is the greatest in any record, also of a process that was killed before it counted as started.
	NewestIncarnation uint32 `json:"newest_incarnation"`
	EndReason         string `json:"end_reason"`
	Failed            bool   `json:"failed"`
	Requests          uint64 `json:"requests"`
	Refused           uint64 `json:"refused"`
	// ClientNumber is the greatest number of a client id.
	ClientNumber uint64              `json:"client_number"`
	Trading      uint8               `json:"trading_state"`
	Holdings     map[uint32]*Account `json:"holdings"`
	// Held is nil while it is started by itself. Saved names the state that its next process is given,
	// nil where there is none.
	Held  *Held  `json:"held,omitempty"`
	Saved *Saved `json:"saved,omitempty"`
}

// Held is the reason why a strategy waits for a command.
type Held struct {
	Why     string `json:"why"` // HeldStopped or HeldGivenUp
	Reason  string `json:"reason"`
	Binary  string `json:"binary"` // sha256 of the one that failed
	SinceNs int64  `json:"since_ns"`
}

// Saved names the file of a saved state.
type Saved struct {
	File    string `json:"file"`
	SHA256  string `json:"sha256"`
	Bytes   int64  `json:"bytes"`
	SavedNs int64  `json:"saved_ns"`
	Reason  string `json:"reason"`
}

// Account is the ledger of a strategy on one instrument.
type Account struct {
	Holding
	// Orders are those that are not known to be over, by order id.
	Orders map[uint64]*OpenOrder `json:"orders"`
	// Sent are the requests to the venue of orders that are not over, by the order's first client id. Ended are those of the orders
	// that ended last, because what was sent of one may be told after its end.
	Sent  map[string]*SentOrder `json:"sent"`
	Ended []string              `json:"ended"`
}

// maxEnded is the number of orders that may end on an instrument before what was sent of the first is told.
const maxEnded = 64

// NewState returns the State before the first record.
func NewState() *State {
	return &State{Instruments: make(map[uint32]InstrumentInfo), Strategies: make(map[uint64]*Strategy),
		Executions: make(map[uint32]*Executions), Unattributed: make(map[uint32]float64), Halts: make(map[uint32]Halt),
		Absent: make(map[uint32]string)}
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
	b.NewestIncarnation = max(b.NewestIncarnation, h.Incarnation)
	a := b.Holdings[h.Instrument]
	if a == nil {
		a = newAccount()
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
		s.Holed = true
	}
	s.Sequence, s.TimeNs = r.Sequence, max(s.TimeNs, r.TimeNs)
	if !s.Holed || !s.behind(r) {
		s.take(r)
	}
}

// take takes what a record says.
func (s *State) take(r *Record) {
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
	case KindHeld, KindSavedState:
		s.kept(r)
	case KindTradingState:
		s.trading(r)
	case KindRequest, KindOrder, KindExecution, KindReconciled:
		s.order(r)
	case KindRefused:
		b, _ := As[Refusal](r)
		s.strategy(r.Bot).Refused += uint64(max(b.Count, 0))
	case KindSent:
		s.sent(r)
	case KindFunding, KindExecutionsRead, KindReset, KindUnattributed:
		s.ledger(r)
	case KindBookAbsent:
		s.Absent[r.Instrument] = r.Text(0)
	case KindBookPresent:
		delete(s.Absent, r.Instrument)
	case KindClockStep:
		b, _ := As[ClockStep](r)
		s.ClockUnconfirmed = b.Confirmed == 0
	case KindLost:
		b, _ := As[Lost](r)
		s.Lost += b.Count
		s.Holed = s.Holed || r.Text(0) == lostOwed
	}
}

// ledger takes what changes a ledger without an order.
func (s *State) ledger(r *Record) {
	switch r.Kind {
	case KindFunding:
		b, _ := As[Funding](r)
		s.executions(r.Instrument).event(FundingPrefix+r.Text(1), b.VenueNs)
		if r.Bot != 0 { // that of a position of no strategy has none
			s.sums(s.account(&r.Head), b.Holding)
		}
	case KindExecutionsRead:
		b, _ := As[ExecutionsRead](r)
		s.executions(r.Instrument).read(b.UntilNs, b.EventsNs)
	case KindReset:
		*s.account(&r.Head) = *newAccount()
		delete(s.Executions, r.Instrument)
		delete(s.Unattributed, r.Instrument)
	case KindUnattributed:
		b, _ := As[Unattributed](r)
		s.Unattributed[r.Instrument] = s.finite(b.Qty)
	}
}

// ConnectorScope is the first text of a KindTradingState record that is about a whole connector.
const ConnectorScope = "connector"

// trading takes what may be sent: by a strategy, on an instrument, or on all of a connector.
func (s *State) trading(r *Record) {
	b, _ := As[TradingState](r)
	switch {
	case r.Bot != 0:
		s.strategy(r.Bot).Trading = b.To
	case r.Instrument != 0 && b.To == 0:
		delete(s.Halts, r.Instrument)
	case r.Instrument != 0:
		s.Halts[r.Instrument] = Halt{State: b.To, Cause: r.Text(2), Who: r.Text(3), SinceNs: r.TimeNs}
	case r.Text(0) == ConnectorScope && b.To == 0:
		delete(s.ConnectorHalts, r.Text(1))
	case r.Text(0) == ConnectorScope:
		if s.ConnectorHalts == nil {
			s.ConnectorHalts = make(map[string]Halt)
		}
		s.ConnectorHalts[r.Text(1)] = Halt{State: b.To, Cause: r.Text(2), Who: r.Text(3), SinceNs: r.TimeNs}
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

// kept takes what the next run of the host is to know of a strategy. One goroutine appends it.
func (s *State) kept(r *Record) {
	st := s.strategy(r.Bot)
	if st.Name == "" {
		st.Name = r.Text(0)
	}
	if r.Kind == KindHeld {
		st.Held = nil
		if why := r.Text(1); why != "" {
			st.Held = &Held{Why: why, Reason: r.Text(2), Binary: r.Text(3), SinceNs: r.TimeNs}
		}
		return
	}
	st.Saved = nil
	if file := r.Text(1); file != "" {
		b, _ := As[SavedState](r)
		st.Saved = &Saved{File: file, SHA256: hex.EncodeToString(b.SHA256[:]), Bytes: b.Bytes, SavedNs: r.TimeNs,
			Reason: r.Text(2)}
	}
}

func (s *State) sums(a *Account, h Holding) {
	for _, f := range []*float64{&h.State.Position, &h.State.Balance, &h.State.Fee, &h.State.TradingVolume, &h.State.TradingValue,
		&h.State.Funding, &h.OwnPosition, &h.EntryPrice, &h.UnitValue, &h.Realised} {
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
