package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
)

const (
	// marksEvery is how often what the strategies hold is valued in the journal.
	marksEvery = time.Minute
	// maxRefusals a second of a strategy are records of their own, the rest are counted.
	maxRefusals = 100
)

// Journal describes how the host's journal, <state_dir>/journal, is kept.
type Journal struct {
	// Keep is the time that records are kept that are not about money, 0 for good.
	Keep time.Duration
	// ContinueOnError lets strategies send new orders while the journal cannot be written; cancels always go.
	ContinueOnError bool
	// RingBytes (a power of two) is the memory in which records wait for the disk, 0 for the journal's default.
	RingBytes int
	// BeforeRemove is called before parts of the journal are removed, so that who needs them can read them; see
	// journal.Config.
	BeforeRemove func(ctx context.Context) error
	// ConfigSHA256 is of the configuration, in hex, for the record of the run's beginning.
	ConfigSHA256 string
}

// recorder appends what the host decides and learns to its journal. Its methods are for any goroutine; what is about a holding is
// called with the publisher's lock, so that the journal has it in the order in which it was applied. Before open nothing is appended.
type recorder struct {
	writer atomic.Pointer[journal.Writer]
	clock  *hostipc.Clock
	log    hclog.Logger
	cfg    Journal
	// failed counts records that could not be appended.
	failed atomic.Uint64
}

// w returns the writer, nil before it is open and where there is no journal.
func (r *recorder) w() *journal.Writer {
	if r == nil {
		return nil
	}
	return r.writer.Load()
}

// openJournal begins the journal of a run.
func (h *Host) openJournal() error {
	r := h.record
	w, found, err := journal.Open(journal.Config{Dir: filepath.Join(h.cfg.StateDir, journal.DirName), NowNs: r.clock.NowNs,
		Keep: r.cfg.Keep, BeforeRemove: r.cfg.BeforeRemove, Notify: r.notify, RingBytes: r.cfg.RingBytes})
	if err != nil && r.cfg.ContinueOnError {
		r.log.Error("the journal of the state directory cannot be opened: this run has none (on_journal_error)", "error", err)
		return h.recoverReadOnly()
	}
	if err != nil {
		return fmt.Errorf("open the journal of the state directory: %w", err)
	}
	r.writer.Store(w)
	for _, torn := range found.Torn {
		r.log.Warn("the machine went down during a write to the journal; the incomplete record was moved to a file", "file", torn)
	}
	h.tellDamage(found.Damage)
	if found.Unclean {
		r.log.Warn("the last run of this state directory did not shut down gracefully", "run_begun", time.Unix(0, found.State.Run.BegunNs).UTC().Format(time.RFC3339),
			"records_in_memory_only", found.FromRing, "last_moments_lost", found.RingGone)
	}
	note(r, &journal.Head{Kind: journal.KindRunBegun}, &journal.Run{PID: int64(os.Getpid())}, h.cfg.Version, r.cfg.ConfigSHA256)
	h.damaged = len(found.Damage) > 0
	h.recover(found.State, found.Unclean)
	return nil
}

// recoverReadOnly recovers from a journal that cannot be written: what the strategies hold is not forgotten with it.
func (h *Host) recoverReadOnly() error {
	dir := filepath.Join(h.cfg.StateDir, journal.DirName)
	if entries, err := os.ReadDir(dir); errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil // there was none before
	}
	state, damage, err := journal.Load(dir)
	if err != nil {
		return fmt.Errorf("read the journal of the state directory, which cannot be written: what the strategies hold is not known: %w", err)
	}
	h.tellDamage(damage)
	h.damaged = true // and nothing says what is sent from now on
	h.recover(state, true)
	return nil
}

func (h *Host) tellDamage(damage []journal.Damage) {
	for _, d := range damage {
		h.record.log.Error("the journal is damaged: orders, fills and sums read from it lack what was there", "damage", d.String(),
			"fix", "run 'runner journal verify' for details")
	}
}

// close ends the journal of a run.
func (r *recorder) close(reason string) {
	if r.w() == nil {
		return
	}
	note(r, &journal.Head{Kind: journal.KindRunEnded}, &journal.Run{PID: int64(os.Getpid())}, reason)
	if n := r.failed.Load(); n > 0 {
		r.log.Error("the journal lacks records because it could not be written for a while", "records", n)
	}
	if err := r.w().Close(); err != nil {
		r.log.Error("the end of the journal could not be written; the next run tries again", "error", err)
	}
}

// notify tells the operator of the journal's troubles.
func (r *recorder) notify(n journal.Notice) {
	if n.Err == nil {
		r.log.Warn(n.Text)
		return
	}
	what := "new orders are rejected until it can be written; cancels are sent"
	if r.cfg.ContinueOnError {
		what = "strategies keep trading (on_journal_error)"
	}
	r.log.Error(n.Text, "error", n.Err, "consequence", what)
}

// note appends a record at the present time.
func note[B journal.Body](r *recorder, head *journal.Head, body *B, texts ...string) error {
	w := r.w()
	if w == nil {
		return nil
	}
	if dispensable(head.Kind, body) && w.Err() != nil {
		r.failed.Add(1)
		return w.Err()
	}
	head.TimeNs = r.clock.NowNs()
	err := journal.Append(w, head, body, texts...)
	if err != nil && !errors.Is(err, journal.ErrLate) {
		r.failed.Add(1)
	}
	return err
}

// dispensable reports whether a record is of those that come by themselves as long as the host runs, and that nothing
// is concluded from: while the journal cannot be written, what room is left is for others.
func dispensable[B journal.Body](kind journal.Kind, body *B) bool {
	switch kind {
	case journal.KindVenuePosition, journal.KindBookPresent, journal.KindBookAbsent:
		return true
	case journal.KindMark:
		m, is := any(body).(*journal.Mark)
		return is && m.DayEnd == 0
	}
	return false
}

// noteTogether is note of a record that belongs to an account event. The publisher's lock is held.
func noteTogether[B journal.Body](p *publisher, head *journal.Head, body *B, texts ...string) {
	if p.together == nil {
		_ = note(p.record, head, body, texts...) // counted
		return
	}
	if p.record.w() != nil {
		head.TimeNs = p.record.clock.NowNs()
		journal.Add(p.together, head, body, texts...)
	}
}

// append appends the records of a group.
func (r *recorder) append(g *journal.Group) {
	w := r.w()
	if w == nil {
		return
	}
	if err := w.AppendGroup(g); err != nil && !errors.Is(err, journal.ErrLate) {
		r.failed.Add(1)
	}
}

// head returns the head of a record about the holding. The publisher's lock is held.
func (h *holding) head(kind journal.Kind, owner connector.Owner) journal.Head {
	return journal.Head{Kind: kind, Bot: owner.Bot, Incarnation: owner.Incarnation, Instrument: h.pub.instruments[h.feedNo].journalNo(h.pub)}
}

// journalNo returns the number of the instrument in the journal. The publisher's lock is held.
func (i *instrument) journalNo(p *publisher) uint32 {
	if w := p.record.w(); w != nil && i.number == 0 {
		number, err := w.Instrument(p.name, i.symbol, i.tickSize, i.lotSize)
		if err != nil { // the next record tries again
			p.record.failed.Add(1)
			return number
		}
		i.number = number
	}
	return i.number
}

// sums returns what the holding adds up to, as records have it.
func (h *holding) sums() journal.Holding {
	return journal.Holding{State: h.state, OwnPosition: h.profit.position, EntryPrice: h.profit.entryPrice, UnitValue: h.profit.unitValue,
		Realised: h.profit.realised, NumOrders: h.numOrders, NumFills: h.numFills, NumRejects: h.numRejects}
}

// requires reports whether a request must be in the journal before it is sent: what makes risk, but in a market whose time waits for
// the bots, where a slow disk must not change what they do.
func (r *recorder) requires(h *holding, o *hft.Order) bool {
	return r.w() != nil && !r.cfg.ContinueOnError && o.Req != hft.StatusCanceled && h.pub.barrier == nil
}

// halts returns why a request must not be sent, nothing if it may.
func (r *recorder) halts(h *holding, o *hft.Order) (reason string) {
	if r.requires(h, o) {
		return unwritten(r.w().Err())
	}
	return ""
}

// sends appends a request that is to be sent, or takes it back and returns why that must not be. The lock is held.
func (r *recorder) sends(h *holding, o *connector.Order, reactedNs int64) (reason string) {
	head := h.head(journal.KindRequest, o.Owner)
	err := note(r, &head, &journal.Request{Order: o.Order, SawNs: h.pub.instruments[h.feedNo].exchNs, ReactedNs: reactedNs})
	if err == nil || !r.requires(h, &o.Order) {
		return ""
	}
	h.withdraw(&o.Order)
	return unwritten(err)
}

// unwritten is the reason given for an error of the journal, nothing without one.
func unwritten(err error) string {
	if err == nil {
		return ""
	}
	return "the journal cannot be written: " + err.Error()
}

// report appends a connector's report of an order, which the holding has applied. The lock is held.
func (r *recorder) report(h *holding, u *connector.OrderUpdate) {
	if r.w() == nil {
		return
	}
	if !u.Fill {
		head := h.head(journal.KindOrder, u.Owner)
		note(r, &head, &journal.OrderState{Order: u.Order.Order, Holding: h.sums()}, u.Names.Origin, u.Names.ClientID, u.Names.VenueID)
		return
	}
	head := h.head(journal.KindExecution, u.Owner)
	note(r, &head, &journal.Execution{Order: u.Order.Order, Holding: h.sums(), Value: u.FillValue, Fee: u.FillFee, FeePaid: u.FeePaid,
		FeeQty: u.FeeQty},
		u.Names.Origin, u.Names.ClientID, u.Names.VenueID, u.Names.ExecID, u.FeeAsset)
}

// refusals bounds the records of a strategy's refused requests. The goroutine that serves its process uses it.
type refusals struct {
	second int64
	n      int
	more   int64 // not written yet
}

// refused appends a request that was not sent. The lock is held.
func (r *recorder) refused(seen *refusals, h *holding, o *hft.Order, by journal.Refuser, rule, reason string) {
	if r.w() == nil {
		return
	}
	second := r.clock.NowNs() / int64(time.Second)
	if second != seen.second {
		seen.second, seen.n = second, 0
	}
	seen.n++
	if seen.n > maxRefusals || r.w().Err() != nil { // what room is left in memory is for executions
		seen.more++
		return
	}
	head := h.head(journal.KindRefused, h.owner)
	note(r, &head, &journal.Refusal{Order: *o, Count: 1 + seen.more, By: by}, rule, reason)
	seen.more = 0
}

// rest appends how many refusals have no record yet. The lock is held.
func (r *recorder) rest(seen *refusals, h *holding) {
	if seen.more > 0 {
		head := h.head(journal.KindRefused, h.owner)
		note(r, &head, &journal.Refusal{Count: seen.more, By: journal.ByHost}, "", "not listed one by one")
		seen.more = 0
	}
}

// process appends what has become of a strategy's process.
func (r *recorder) process(kind journal.Kind, s *strategy, inst *instance, oldPID int, texts ...string) {
	body := journal.Process{PID: int64(inst.pid()), OldPID: int64(oldPID)}
	sum, _ := hex.DecodeString(inst.binary.sum) // none of an attached process
	copy(body.SHA256[:], sum)
	s.mu.Lock()
	body.Restarts = int64(s.restarts)
	s.mu.Unlock()
	note(r, &journal.Head{Kind: kind, Bot: s.botID, Incarnation: inst.session.incarnation}, &body, append([]string{s.cfg.Name}, texts...)...)
}

// command appends what an operator has asked for.
func (r *recorder) command(what, name string) {
	note(r, &journal.Head{Kind: journal.KindCommand}, &journal.None{}, what+" "+name, "", "control socket")
}

// marks values what the strategies hold every minute, until ctx ends, and at the end of each day.
func (h *Host) marks(ctx context.Context) {
	look := time.NewTicker(marksEvery)
	defer look.Stop()
	day := func() int64 { return h.clock.NowNs() / int64(24*time.Hour) }
	for today, over := day(), false; !over; {
		select {
		case <-ctx.Done():
			over = true
		case <-look.C:
		}
		var ends uint8
		if now := day(); now != today {
			today, ends = now, 1
		}
		h.mark(ends)
	}
}

// mark appends the value of each holding that has ever traded. ends says that a day has ended.
func (h *Host) mark(ends uint8) {
	for _, s := range h.everyStrategy() {
		for _, held := range s.held() {
			held.mark(ends)
		}
	}
}

func (h *holding) mark(ends uint8) {
	h.pub.mu.Lock()
	defer h.pub.mu.Unlock()
	if h.numFills == 0 && h.profit.position == 0 {
		return
	}
	mid := h.pub.instruments[h.feedNo].mid()
	head := h.head(journal.KindMark, h.owner)
	note(h.pub.record, &head, &journal.Mark{Holding: h.sums(), Mid: zeroIfNaN(mid), Equity: h.profit.realised + h.profit.open(mid) - h.state.Fee + h.state.Funding, DayEnd: ends})
}
