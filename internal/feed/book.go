package feed

import (
	"cmp"
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
)

// Config configures a Book.
type Config struct {
	// TickSize and LotSize are the steps of price and quantity, finite and above 0.
	TickSize, LotSize float64
	// Rule selects how the venue numbers the differences of a book.
	Rule connector.Rule
	// Natural publishes rows as they come, without the venue's rule, ordered by exchange time, as hftbacktest's connectors do.
	// A missing difference is a Problem all the same.
	Natural bool
	// Quotes lets the venue's quote stream into the book.
	Quotes bool
	// IgnoreGaps goes on after a missing difference with a book that may have wrong levels.
	IgnoreGaps bool
	// VenueNs returns the venue's time at a local time, by which exchange times are held against; nil where local times are as
	// good.
	VenueNs func(localNs int64) int64
	// Symbol goes into the Report.
	Symbol string
}

// Out has the actions after a message, in this order: drop it when Seen, clear the book when Stale is set, publish Events as
// one batch, announce the book when Ready, ask for a snapshot when NeedSnapshot.
type Out struct {
	// Seen: the message has come before, so it is neither published nor recorded.
	Seen bool
	// Stale is the reason why the book is lost, empty if it is not.
	Stale string
	// Events are the rows to publish; there may be none.
	Events []hft.Event
	// Ready: the book is complete with Events.
	Ready bool
	// NeedSnapshot: a new snapshot is needed; see depthsync.Output.
	NeedSnapshot bool
	// Problems with the message to report: each BadTime, of which nothing is published, each Gap, and the first of Mismatch and
	// OffGrid. The Report has all of them.
	Problems []Problem
}

// Book is the feed of one symbol. One goroutine at a time uses it.
type Book struct {
	cfg    Config
	sync   *depthsync.Synchronizer // nil when Natural
	fused  *depth.FusedMarketDepth
	trades seenTrades
	grid   grid
	// report is of the Book, or of the Lines that it is of.
	report *Report
	lines  *Lines
	// doubtful: a line could not be read which may have been an update, and that none has come since.
	doubtful bool
	// localNs is the time of the message in hand, problems those of it that are to be told.
	localNs int64
	// firstNs is the time of the first message of the Lines, absentNs the time without a book since.
	firstNs, absentNs int64
	problems          []Problem

	// byTime: rows are ordered by exchange time, for want of a sequence.
	byTime bool
	// depthSeq and depthExchNs are the place and time of the newest depth message in the book.
	depthSeq, depthExchNs int64
	// fastest is of the messages that have said when they were made.
	fastest fastest
	early   earlier
	// level is the depth of the book (connector.Message.Level).
	level int
	// quote is the newest one; ahead is what quotes have said that the depth stream has not passed yet.
	quote quote
	ahead ahead
	check check
	// crossed is what the depth message in hand has removed by levels of the other side.
	crossed []crossing

	// Natural: times; whether a difference has come and the last one's id; whether the book was announced.
	times  NaturalTimes
	seen   bool
	lastID int64
	ready  bool

	rows []hft.Event
}

// NewBook returns a Book that is not in step yet. Steps that are not above 0 and a rule that does not exist are errors.
func NewBook(cfg Config) (*Book, error) {
	if !(cfg.TickSize > 0) || !(cfg.LotSize > 0) {
		return nil, fmt.Errorf("feed: tick size %v and lot size %v must be above 0", cfg.TickSize, cfg.LotSize)
	}
	if !cfg.Rule.Valid() {
		return nil, fmt.Errorf("feed: there is no rule %d", cfg.Rule)
	}
	b := &Book{cfg: cfg, byTime: cfg.Natural, report: &Report{Symbol: cfg.Symbol}, grid: newGrid(cfg.TickSize, cfg.LotSize), fused: depth.NewFusedMarketDepth(cfg.TickSize, cfg.LotSize)}
	b.ahead.bids.sign, b.ahead.asks.sign = 1, -1
	if cfg.Natural {
		return b, nil
	}
	var err error
	b.sync, err = depthsync.New(depthsync.Config{Rule: cfg.Rule, IgnoreGaps: cfg.IgnoreGaps})
	return b, err
}

// Synced reports whether the book follows the venue. After a line of a recording that cannot be read it does so again when an update
// shows that nothing is missing.
func (b *Book) Synced() bool {
	return b.following() && !b.doubtful && (b.lines == nil || b.lines.unread.File == "")
}

// following reports whether there is a book.
func (b *Book) following() bool {
	if b.sync == nil {
		return b.ready
	}
	return b.sync.State() == depthsync.Synced
}

// Report returns what was found so far.
func (b *Book) Report() Report { return *b.report }

// count counts what was found in the message in hand.
func (b *Book) count(f Finding) {
	if found := &b.report.Found[f]; found.N > 0 {
		found.N++
		return
	}
	b.report.add(b.problem(f, "", nil))
}

// tell counts what was found in the message in hand, and says so.
func (b *Book) tell(f Finding, what string, cause error) {
	p := b.problem(f, what, cause)
	b.report.add(p)
	b.problems = append(b.problems, p)
}

func (b *Book) problem(f Finding, what string, cause error) Problem {
	if b.lines != nil {
		return b.lines.problem(f, what, cause)
	}
	return Problem{Finding: f, Symbol: b.report.Symbol, LocalNs: b.localNs, What: what, Err: cause}
}

// gap tells of a missing difference: the stream had reached afterID and the next one starts at fromID.
func (b *Book) gap(afterID, fromID int64) {
	b.tell(Gap, fmt.Sprintf("depth updates after %d are missing, the next one starts at %d", afterID, fromID), nil)
}

// Take takes one message, received at localNs, and may change the times of its rows. Kinds that say nothing about the
// market give nothing.
func (b *Book) Take(localNs int64, m *connector.Message) (out Out) {
	if b.lines != nil {
		b.noteAbsent(localNs)
	}
	b.localNs, b.problems = localNs, b.problems[:0]
	b.report.CountMessage(m.Kind)
	b.take(localNs, m, &out)
	if b.cfg.Natural && m.Kind == connector.MessageTrade {
		out.Events = MarketTrades(out.Events)
	}
	out.Problems = b.problems
	return out
}

// noteAbsent notes the time of a recording up to the message in hand that had no book.
func (b *Book) noteAbsent(localNs int64) {
	switch {
	case b.firstNs == 0:
		b.firstNs = localNs
	case !b.following():
		b.absentNs += localNs - b.localNs
	}
}

// take writes its result through out: a struct of this size returned from call to call is copied in a way that stalls the processor.
func (b *Book) take(localNs int64, m *connector.Message, out *Out) {
	b.rows = b.rows[:0]
	if m.Kind == connector.MessageIgnored {
		return
	}
	b.doubtful = b.doubtful || b.lines != nil && b.lines.unread.File != ""
	venueNs := b.venueNs(localNs)
	if err := CheckTimes(venueNs, m); err != nil {
		*out = b.refuse(m, BadTime, err)
		return
	}
	if b.lines == nil { // those of a file are looked through before
		if err := b.early.check(localNs, venueNs, m); err != nil {
			*out = b.refuse(m, BadTime, err)
			return
		}
	}
	if err := checkSnapshot(m); err != nil && !b.cfg.Natural {
		*out = b.refuse(m, Crossed, err)
		return
	}
	b.noteLatency(localNs, venueNs, m)
	if b.cfg.Natural {
		b.times.Give(m)
	}
	switch m.Kind {
	case connector.MessageTrade:
		b.takeTrades(m, out)
	case connector.MessageBBO:
		if b.cfg.Quotes {
			b.takeQuote(localNs, m, out)
		}
	case connector.MessageDepth, connector.MessageSnapshot:
		if b.sync == nil {
			*out = b.takeNatural(m)
		} else {
			b.takeDepth(localNs, m, out)
		}
	}
}

// venueNs returns the venue's time at a local one.
func (b *Book) venueNs(localNs int64) int64 {
	if b.cfg.VenueNs == nil {
		return localNs
	}
	return b.cfg.VenueNs(localNs)
}

// correction is that of the file in hand, nil where there is none.
func (b *Book) correction() *Correction {
	if b.lines == nil {
		return nil
	}
	return &b.report.Corrections[b.lines.reader.FileNo()]
}

// Lost forgets the stream, as when the connection that brought the book is gone. Out has nothing but Stale, which is reason
// when the book was in step.
func (b *Book) Lost(reason string) Out {
	if b.sync == nil {
		return Out{}
	}
	out := b.sync.Reset(reason)
	b.empty()
	return Out{Stale: out.Stale}
}

// empty makes the book empty. Earlier ids do not count for later messages: they may restart.
func (b *Book) empty() {
	b.clear(&hft.Event{Ev: hft.DepthClearEvent})
	b.rows = b.rows[:0]
	b.depthSeq, b.quote.seq = 0, 0
	b.ahead.forget()
	b.check.waits = false
}

// clear applies a clear row. What comes after it is newer, whatever its order.
func (b *Book) clear(row *hft.Event) { b.rows = b.fused.Update(row, 0, b.rows) }

func (b *Book) takeDepth(localNs int64, m *connector.Message, out *Out) {
	var s depthsync.Output
	stale := ""
	if m.Level != b.level {
		if b.level != 0 { // with ids that have nothing to do with those before
			stale = b.Lost(fmt.Sprintf("the book of %d levels a side is followed by that of %d", b.level, m.Level)).Stale
		}
		b.level = m.Level
	}
	inStep := b.following()
	b.crossed = b.crossed[:0]
	if m.Kind == connector.MessageSnapshot {
		if s = b.sync.Snapshot(localNs, m); inStep && len(s.Events) == 0 {
			b.compareTo(m)
		}
	} else {
		s = b.sync.Depth(localNs, m)
	}
	if s.Repeated {
		b.count(Overlap)
		out.Seen = true
		return
	}
	b.continued(m)
	if s.StaleSnapshot {
		b.count(StaleSnapshot)
	}
	if s.Overflow {
		b.count(Overflow)
	}
	out.Stale, out.Ready, out.NeedSnapshot = cmp.Or(stale, s.Stale), s.Ready, s.NeedSnapshot
	if s.Gap {
		b.gap(s.AfterID, s.FromID)
	}
	if s.Anew {
		b.quote.seq = 0
		b.trades.lost()
	}
	if s.Stale != "" {
		b.empty()
	}
	b.depthExchNs = cmp.Or(m.ExchTimestampNs, b.depthExchNs) // not the latest, which may be wrong
	if len(s.Events) == 0 && s.Seq == 0 {
		return
	}
	b.depthSeq = s.Seq                                                             // also of a message without rows
	if s.Ready || len(s.Events) > 0 && s.Events[0].Kind() == hft.DepthClearEvent { // the whole book
		b.byTime = s.Seq == 0
		b.ahead.forget()
		b.check.begin(s.Events, b.cfg.TickSize)
		b.fuse(s.Events, s.Seq)
		if b.quote.seq > s.Seq {
			b.fuseQuote(localNs, b.quote.rows)
		}
	} else {
		b.fuse(s.Events, s.Seq)
		b.settle(localNs, m.ExchTimestampNs)
		if b.check.waits && b.check.id <= b.sync.LastID() {
			b.compare(m.Events, true)
		}
		b.heldBehind(out)
	}
	b.loseCrossed(inStep, out)
	out.Events = b.rows
}

// continued notes that the ids of a message say whether something is missing before it. A snapshot that comes by REST says nothing about
// the stream.
func (b *Book) continued(m *connector.Message) {
	if b.doubtful && (m.Kind == connector.MessageDepth || b.cfg.Rule == connector.RuleStreamed) {
		b.doubtful, b.lines.unread = false, Problem{}
	}
}

// takeNatural takes rows as they come.
func (b *Book) takeNatural(m *connector.Message) Out {
	var out Out
	if m.Level != b.level {
		b.level, b.seen = m.Level, false
	}
	if m.Kind == connector.MessageDepth {
		if b.seen && m.LastID <= b.lastID && m.ExchTimestampNs <= b.depthExchNs {
			b.count(Overlap) // the stream stays where it is
		} else {
			if b.seen && !depthsync.Follows(b.cfg.Rule, b.lastID, m) {
				b.gap(b.lastID, m.FirstID)
			}
			b.lastID, b.seen = m.LastID, true
		}
	} else if b.cfg.Rule == connector.RuleStreamed {
		b.lastID = m.LastID // the stream's own, which goes on from there
	}
	b.depthExchNs = max(b.depthExchNs, m.ExchTimestampNs)
	b.fuse(m.Events, 0)
	out.Events = b.rows
	out.Ready, b.ready = !b.ready, true
	return out
}

// fuse puts rows of the depth stream through the book.
func (b *Book) fuse(rows []hft.Event, seq int64) {
	b.checkRows(rows)
	bid, ask := b.beyondQuotes()
	out := b.rows
	for i := 0; i < len(rows); i++ {
		if !b.byTime {
			n := 0
			if n, out = b.fused.UpdateBehind(rows[i:], seq, bid, ask, out); i+n == len(rows) {
				break
			}
			i += n
		}
		row := &rows[i]
		side := row.Side()
		switch {
		case row.Kind() == hft.DepthClearEvent: // what comes after it is newer, whatever its order
			out = b.fused.Update(row, 0, out)
		case side == hft.SideNone: // of no book
		case b.byTime:
			out = b.fused.Update(row, row.ExchTimestampNs, out)
		default:
			out = b.fuseLevel(row, seq, bid, ask, out)
		}
		if n := len(b.fused.Removed()); n > 0 {
			b.noteCrossed(i, b.tick(row), out[len(out)-n:])
		}
	}
	if b.rows = out; len(b.crossed) > 0 {
		b.resolve(rows)
	}
}

// fuseLevel puts a row of the depth stream through the book, of which quotes have said something from the ticks bid and ask on.
func (b *Book) fuseLevel(row *hft.Event, seq, bid, ask int64, out []hft.Event) []hft.Event {
	side, tick := row.Side(), b.tick(row)
	switch {
	case side == hft.Buy && tick < bid || side == hft.Sell && tick > ask:
		return b.fused.UpdateAt(row, tick, seq, out)
	case b.ahead.holds(side, tick, row.Qty, seq):
		return out
	}
	if out = b.fused.UpdateAt(row, tick, seq, out); b.quote.seq > seq && b.qty(side, tick) != row.Qty {
		b.ahead.touch(side, tick, b.quote.seq, row.Qty) // what a quote crossed on the other side
	}
	return out
}
