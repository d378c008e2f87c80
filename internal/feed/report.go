package feed

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/recording"
)

// Finding is a kind of thing that is found about a feed.
type Finding uint8

// Findings. The first four are of a file, the others of the messages of a symbol, wherever they come from.
const (
	// BadLine: a line has no time, is no message of the venue, is about another instrument, or too long.
	BadLine = Finding(recording.BadLine)
	// TimeBackwards: from this line on the time is earlier than before. It is found once until time has caught up.
	TimeBackwards = Finding(recording.TimeBackwards)
	// Damaged: the file cannot be read any further.
	Damaged = Finding(recording.Damaged)
	// TimeUnit: times are in another unit than usual. It is found once for the local times of a file and once for the venue's.
	TimeUnit = Finding(recording.TimeUnit)
)

// Findings about messages.
const (
	// BadTime: a message has a time that cannot be true, and is passed over.
	BadTime Finding = iota + TimeUnit + 1
	// Gap: a difference of the book is missing before this message.
	Gap
	// Unsynchronised: the recording ends and no snapshot fitted, at all or since the last gap.
	Unsynchronised
	// Mismatch: a snapshot that was not needed has other levels than the book. It is one for each such snapshot.
	Mismatch
	// OffGrid: a row has a price or quantity that is no multiple of the instrument's steps.
	OffGrid
	// SeenTrades and SeenQuote are messages that came before. OutdatedQuote is one that is older than the book.
	SeenTrades
	SeenQuote
	OutdatedQuote
	// OffBook is a trade that was none of the book.
	OffBook
	// Late: rows of a recording come to the simulated exchange after their time. It is told for the first ones only.
	Late
	// Overlap: an update of the book came before, StaleSnapshot: a snapshot does not fit to the updates, Overflow: updates that wait for a
	// snapshot were dropped because they were too many.
	Overlap
	StaleSnapshot
	Overflow
	// NoTrades: a recording has messages about the market, and none is a trade.
	NoTrades
	// OtherLevel: a message is about a book of another depth than the one that is made of the recording.
	OtherLevel
	// NoLocalTime: a file says when things happened, and not when they were received.
	NoLocalTime
	// Crossed is a snapshot whose best bid is not below its best ask, BadTrade a trade without a price or quantity: both are passed
	// over. TradesAnew: the ids of trades restarted while those of the book continued.
	Crossed
	BadTrade
	TradesAnew
	// TradeGap: ids of trades were left out and have not come since.
	TradeGap
	// Crossing: an update of the book leaves a bid that is not below an ask.
	Crossing
	// EmptySide is a best bid and ask that says that a side has no level.
	EmptySide
	// NotWanted: a message about the market is not used (connector.Message.Unused).
	NotWanted
	// NoBook: there was no complete book for most of the time of a recording.
	NoBook
	// NumFindings is one more than the last.
	NumFindings
)

// wording says in words what a finding is, once and several times, and what to do about it.
type wording struct{ name, one, many, advice string }

func wordingOf(k recording.ProblemKind, one, many string) wording {
	return wording{k.String(), one, many, k.Advice()}
}

var wordings = [NumFindings]wording{
	BadLine:       wordingOf(recording.BadLine, "unusable line", "unusable lines"),
	TimeBackwards: wordingOf(recording.TimeBackwards, "time that runs backwards", "times that run backwards"),
	Damaged:       wordingOf(recording.Damaged, "damaged file", "damaged files"),
	TimeUnit:      wordingOf(recording.TimeUnit, "unit of times that is not the usual", "units of times that are not the usual"),
	BadTime: {"bad time", "message with an impossible time", "messages with an impossible time",
		"it is skipped; check the machine's clock"},
	Gap: {"gap", "gap in the updates of the book", "gaps in the updates of the book", "the book is empty until the next snapshot that fits"},
	Unsynchronised: {"not synchronised", "recording that ends without a complete book", "recordings that end without a complete book",
		"record a snapshot after the start and after each gap"},
	Mismatch: {"mismatch", "snapshot that differs from the book", "snapshots that differ from the book",
		"the book is kept as it is: the venue's earlier messages do not add up to its own snapshot, or were recorded incompletely"},
	OffGrid: {"off the grid", "row off the grid of tick and lot size", "rows off the grid of tick and lot size",
		"it is used as is, and a book rounds it; use the tick and lot size that the venue had at that time"},
	SeenTrades:    {name: "seen trades", one: "message of trades that came before", many: "messages of trades that came before"},
	SeenQuote:     {name: "seen quote", one: "best bid and ask that came before", many: "best bids and asks that came before"},
	OutdatedQuote: {name: "outdated quote", one: "best bid and ask older than the book", many: "best bids and asks older than the book"},
	Late: {"late at the exchange", "message that came to the exchange after its time", "messages that came to the exchange after their time",
		"fills differ from a backtest's by this much"},
	Overlap: {name: "overlap", one: "update of the book that came before", many: "updates of the book that came before"},
	StaleSnapshot: {"stale snapshot", "snapshot that does not fit to the updates of the book", "snapshots that do not fit to the updates of the book",
		"waiting for the next one"},
	Overflow: {"overflow", "time that updates of the book were dropped that wait for a snapshot", "times that updates of the book were dropped that wait for a snapshot",
		"only a snapshot that is newer than they fits: record one after the start and after each gap"},
	NoTrades: {"no trades", "recording without trades", "recordings without trades",
		"only the book fills resting orders; record the trade stream, too"},
	OtherLevel: {"other depth", "message about a book of another depth", "messages about books of another depth",
		"it is skipped; of several depths the deepest is used, together with the best bid and ask"},
	NoLocalTime: {"no local times", "file without local times", "files without local times",
		"check how the results change with another base latency"},
	Crossed: {"crossed snapshot", "snapshot that is crossed", "snapshots that are crossed",
		"it is skipped, and the book waits for the next one"},
	BadTrade: {"bad trade", "trade without a price or quantity", "trades without a price or quantity",
		"it is skipped; check what the file was made of"},
	TradesAnew: {"trade ids restart", "restart of the ids of trades", "restarts of the ids of trades",
		"a trade that came before and comes again now counts twice"},
	TradeGap: {"trade gap", "gap in the trades", "gaps in the trades",
		"a backtest has no fills from them; check that the connection of trades was up while recording"},
	Crossing: {"crossing update", "update that leaves the book crossed", "updates that leave the book crossed",
		"the book is empty until the next snapshot that fits"},
	EmptySide: {name: "empty side", one: "best bid and ask with an empty side", many: "best bids and asks with an empty side"},
	OffBook:   {name: "off-book trade", one: "trade outside of the book", many: "trades outside of the book"},
	NotWanted: {"not wanted", "message about the market that is not used", "messages about the market that are not used",
		"it is skipped; check that the file has the trades that you expect"},
	NoBook: {"no book", "recording without a complete book for most of its time", "recordings without a complete book for most of their time",
		"record a snapshot after the start and after each gap"},
}

// String returns the finding's name.
func (f Finding) String() string {
	if f < NumFindings && wordings[f].name != "" {
		return wordings[f].name
	}
	return "unknown"
}

// Skips reports whether a message, or what is left of a file, is passed over for it.
func (f Finding) Skips() bool {
	return f == BadLine || f == BadTime || f == Crossed || f == Damaged
}

// Key is the finding's name in JSON and logs.
func (f Finding) Key() string { return strings.NewReplacer(" ", "_", "-", "_").Replace(f.String()) }

// Problem is one thing that was found. As an error it says where, what, and what to do.
type Problem struct {
	Finding Finding
	Symbol  string
	// File and Line, which counts from 1, are where it was found; Line is 0 for what is of all files, File empty for what has none. LocalNs is the time there.
	File    string
	Line    int
	LocalNs int64
	// What was found, in words.
	What string
	// Advice says what to do, or what was done; empty for what the Finding has by itself.
	Advice string
	// Err is the cause, nil when there is none beyond What.
	Err error
}

// Error returns the place, what was found and what to do.
func (p Problem) Error() string {
	advice := p.Advice
	if advice == "" && p.Finding < NumFindings {
		advice = wordings[p.Finding].advice
	}
	text := p.place()
	if p.What != "" {
		text += ": " + p.What
	}
	if advice != "" {
		text += "; " + advice
	}
	return text
}

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Err }

func (p *Problem) place() string {
	if p.File != "" {
		if p.Line == 0 {
			return p.File
		}
		return p.File + ":" + strconv.Itoa(p.Line)
	}
	return time.Unix(0, p.LocalNs).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// Report is what was found about the feed of one symbol: counts, and the first examples of each finding.
type Report struct {
	Symbol string
	// Depth, Snapshots, Quotes and Trades are the messages about the market that were taken, those that came before included.
	Depth, Snapshots, Quotes, Trades uint64
	Found                            [NumFindings]Found
	// Corrections are those of each file of a recording.
	Corrections []Correction
}

// Reporter is implemented by connectors and sources that make their books of a feed.
type Reporter interface {
	// Reports returns what was found about each symbol so far. Any goroutine may call it.
	Reports() []Report
}

// ReportsOf returns the Reports of a Reporter, or those that a connector.FeedReporter tells; of what is neither, as a
// synthetic market, there are none.
func ReportsOf(of any) []Report {
	switch r := of.(type) {
	case Reporter:
		return r.Reports()
	case connector.FeedReporter:
		reports := []Report{}
		for _, form := range r.FeedReports() {
			reports = append(reports, reportOf(&form))
		}
		return reports
	}
	return []Report{}
}

// reportOf is the Report whose Form is given. Findings that there are not are left out.
func reportOf(form *connector.FeedReport) Report {
	r := Report{Symbol: form.Symbol, Depth: form.Depth, Snapshots: form.Snapshots, Quotes: form.Quotes, Trades: form.Trades}
	for i := range form.Findings {
		told := &form.Findings[i]
		for f := range NumFindings {
			if f.Key() != told.Finding {
				continue
			}
			found := Found{N: told.Count, First: problemOf(f, form.Symbol, told)}
			for j := range told.More {
				found.More = append(found.More, problemOf(f, form.Symbol, &told.More[j]))
			}
			r.Found[f] = found
		}
	}
	for _, c := range form.Corrections {
		r.Corrections = append(r.Corrections, Correction(c))
	}
	return r
}

func problemOf(f Finding, symbol string, e *connector.FeedFinding) Problem {
	return Problem{Finding: f, Symbol: symbol, What: e.What, File: e.File, Line: e.Line, LocalNs: e.LocalNs}
}

// Found is how often something was found, and the first time.
type Found struct {
	N     uint64
	First Problem
	// More are those after the first of which there is more to say than that they were: maxExamples with it.
	More []Problem
}

// maxExamples is how many of a Finding are kept.
const maxExamples = 5

// CountMessage counts a message by its kind.
func (r *Report) CountMessage(kind connector.MessageKind) {
	switch kind {
	case connector.MessageDepth:
		r.Depth++
	case connector.MessageSnapshot:
		r.Snapshots++
	case connector.MessageBBO:
		r.Quotes++
	case connector.MessageTrade:
		r.Trades++
	}
}

// add counts a problem, and keeps it when it is one of the first of its kind.
func (r *Report) add(p Problem) {
	found := &r.Found[p.Finding]
	if found.N++; found.N == 1 {
		found.First = p
	} else if p.What != "" && len(found.More) < maxExamples-1 {
		found.More = append(found.More, p)
	}
}

// Add adds the counts of what was found about another symbol.
func (r *Report) Add(other *Report) {
	for f := range r.Found {
		r.Found[f].N += other.Found[f].N
	}
}

// Counts are how often what was found was found, by the Finding's key; nil for nothing.
func (r *Report) Counts() map[string]uint64 {
	var counts map[string]uint64
	for f := range NumFindings {
		if n := r.Found[f].N; n > 0 {
			if counts == nil {
				counts = map[string]uint64{}
			}
			counts[f.Key()] = n
		}
	}
	return counts
}

// Faults says in a few words what of counts, as Report.Counts returns them, is wrong with a feed: what each has, as quotes older than its
// book and what a second connection brings again, is left out.
func Faults(counts map[string]uint64) string {
	ordinary := []Finding{SeenQuote, OutdatedQuote, OffBook, Late, Overlap, StaleSnapshot}
	var parts []string
	for f := range NumFindings {
		if n := counts[f.Key()]; n > 0 && !slices.Contains(ordinary, f) {
			parts = append(parts, fmt.Sprintf("%s %d", f, n))
		}
	}
	return strings.Join(parts, ", ")
}

// Lines returns a line for each correction of local times and each finding, with how often it was found and the first example.
func (r *Report) Lines() []string { return r.lines(false, func(Finding) string { return "" }) }

// Unusable returns the findings because of which results on rows that were made of the feed would be wrong: there is no
// complete book at the end or for most of the time, most snapshots differ from the book, or most of the rows are off the grid.
func (r *Report) Unusable(rows int64) []Finding {
	var list []Finding
	if r.Found[Unsynchronised].N > 0 {
		list = append(list, Unsynchronised)
	}
	if r.Found[NoBook].N > 0 {
		list = append(list, NoBook)
	}
	if n := r.Found[Mismatch].N; n > 1 && 2*n > r.Snapshots {
		list = append(list, Mismatch)
	}
	if n := r.Found[OffGrid].N; rows > 0 && 2*n > uint64(rows) {
		list = append(list, OffGrid)
	}
	return list
}

// Judged returns Lines, each behind "error: " for what is Unusable and "warning: " for everything else, with the further
// examples that are kept of each finding behind its line, indented.
func (r *Report) Judged(rows int64) []string {
	unusable := r.Unusable(rows)
	return r.lines(true, func(f Finding) string {
		if slices.Contains(unusable, f) {
			return "error: "
		}
		return "warning: "
	})
}

// Line says how often something was found, with the first example.
func (r *Report) Line(f Finding) string {
	found, what := &r.Found[f], wordings[f].many
	if found.N == 1 {
		what = wordings[f].one
	}
	return fmt.Sprintf("%d %s; first: %s", found.N, what, found.First.Error())
}

func (r *Report) lines(examples bool, prefix func(Finding) string) []string {
	var lines []string
	for _, c := range r.Corrections {
		if c.OffsetNs != 0 {
			lines = append(lines, prefix(NumFindings)+c.String())
		}
	}
	for f := range NumFindings {
		found := &r.Found[f]
		if found.N == 0 {
			continue
		}
		lines = append(lines, prefix(f)+r.Line(f))
		if examples {
			for i := range found.More {
				p := &found.More[i]
				lines = append(lines, prefix(f)+"  "+p.place()+": "+p.What)
			}
		}
	}
	return lines
}
