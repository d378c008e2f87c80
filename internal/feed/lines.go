package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/recording"
)

// LinesConfig says which recordings of one symbol Lines reads.
type LinesConfig struct {
	// Files are read one after the other.
	Files      []string
	NewDecoder func() connector.Decoder
	// Symbol is the venue's name of the instrument; empty is that of the first message that has one.
	Symbol string
	// BaseLatency is the least latency of a file whose local times are corrected, 0 or more. Of a file without local times, as in the
	// archives of venues, it is the latency of every message, and has to be above 0.
	BaseLatency time.Duration
	// Level is of which depth the book is where a file has several (connector.Message.Level). When it does not have this one in its first
	// lines, or with 0, it is the deepest; one that is not recorded any more is followed by another.
	Level int
	// AsRecorded leaves local times as they are.
	AsRecorded bool
	// Rule, when there is one, asks for Span, of which there is none of files AsRecorded. IgnoreGaps is as in Config.
	Rule       connector.Rule
	IgnoreGaps bool
	// MaxLineBytes bounds a line; 0 is recording.DefaultMaxLineBytes.
	MaxLineBytes int
	// OnProblem is called for each Problem, but of the findings of a Book for those in Out.Problems only, on the goroutine that
	// calls Next, Message, Tell or Refuse. An error that it returns ends the call; with nil reading goes on behind the problem.
	OnProblem func(Problem) error
	// Progress is called every now and then while the files are looked through for the correction, with bytes of all files; nil
	// for never.
	Progress func(done, total int64)
	// Formats are all formats by name, and Format the name of this one. A file that another one reads is refused, and so are
	// files without a book that are not AsRecorded. With nil they are taken as they are, and of those AsRecorded the book is that of
	// the depth that comes first until a deeper one does.
	Format  string
	Formats map[string]connector.Format
}

// Lines hands out the messages of recordings of one symbol, with the place that each has there. One goroutine uses it; Close and
// BytesRead may be called from any.
type Lines struct {
	config   LinesConfig
	reader   *recording.Reader
	decoder  connector.Decoder // of the file in hand
	decoding int               // its number
	levels   []level           // of each file
	message  connector.Message
	report   Report
	span     Span
	// lost is where the book was lost, when it was, unread the first line that could not be read since the last update.
	lost, unread Problem

	recordedNs, localNs int64
	text                []byte
	files               []FileCounts
	// unitFile is 1 + the number of the file of which an unusual unit of the venue's times was told last, timelessFile that of the
	// one of which it was told that there are no local times.
	unitFile, timelessFile int
	// noTrades is to be told at the first line.
	noTrades bool
}

// FileCounts are what has come of a file's lines.
type FileCounts struct {
	// Read are those with a time, Used those of them that were messages about the market.
	Read, Used int64
}

// OpenLines looks through the files for the correction of their local times, and begins to read. A file that is missing or no
// file is an error that names it. The caller has to close Lines.
func OpenLines(ctx context.Context, config LinesConfig) (*Lines, error) {
	if config.OnProblem == nil {
		config.OnProblem = func(Problem) error { return nil }
	}
	if config.Progress == nil {
		config.Progress = func(int64, int64) {}
	}
	l := &Lines{config: config, decoder: config.NewDecoder(), report: Report{Symbol: config.Symbol}, files: make([]FileCounts, len(config.Files)),
		levels: make([]level, len(config.Files))}
	var err error
	times := l.newMessageTimes(func() string { return l.File() })
	l.reader, err = recording.Open(recording.Config{Files: config.Files, MaxLineBytes: config.MaxLineBytes, TimeNs: times.of,
		OnProblem: func(p recording.Problem) error { return l.unreadable(Finding(p.Kind), p.What, p.Err) }})
	if err != nil {
		return nil, err
	}
	measured, lastNs := int64(0), int64(0)
	tallies := make([]tally, len(config.Files))
	for i, file := range config.Files {
		c := Correction{File: file}
		if config.Formats != nil || !config.AsRecorded {
			err = l.look(ctx, i)
		}
		if err == nil && !config.AsRecorded {
			var span spanner
			if span.sync, err = l.synchronizer(); err == nil {
				c, err = l.measure(ctx, i, &measured, &span, &tallies[i])
			}
			l.span.add(&span, c.OffsetNs, lastNs)
			lastNs = max(lastNs, span.localNs+c.OffsetNs)
		}
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.report.Corrections = append(l.report.Corrections, c)
	}
	if !config.AsRecorded && config.Formats != nil {
		if err := l.checkMeasured(ctx, tallies); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// NewBook makes a Book for the messages of Lines, with one Report for both and exchange times held against those of the file.
func (l *Lines) NewBook(config Config) (*Book, error) {
	b, err := NewBook(config)
	if err == nil {
		l.Continue(b)
	}
	return b, err
}

// Continue lets a Book that earlier Lines made take the messages of these, as if all files were of one Lines.
func (l *Lines) Continue(b *Book) {
	if before := b.lines; before != nil && before.unread.File != "" {
		b.doubtful, l.unread = true, before.unread
	}
	b.cfg.VenueNs = func(int64) int64 { return l.recordedNs }
	b.report, b.lines, b.firstNs, b.absentNs = &l.report, l, 0, 0
}

// Tell hands what was found about the message in hand to OnProblem, after the Book has taken it.
func (l *Lines) Tell(out *Out) error {
	for i := range out.Problems {
		p := &out.Problems[i]
		if p.Finding.Skips() {
			l.files[l.reader.FileNo()].Used--
		}
		if err := l.config.OnProblem(*p); err != nil {
			return err
		}
	}
	if out.Stale != "" {
		l.lost = l.problem(Unsynchronised, "no snapshot that fits follows this gap: the book stays empty to the end of the recording", nil)
	}
	return nil
}

// CheckEnd tells, at the end, of trades that have not come and of a Book that is not complete.
func (l *Lines) CheckEnd(b *Book) error {
	b.endTrades()
	for i := range b.problems {
		if err := l.config.OnProblem(b.problems[i]); err != nil {
			return err
		}
	}
	if l.report.Depth+l.report.Snapshots == 0 {
		return nil
	}
	if b.Synced() {
		return l.tellAbsent(b)
	}
	p := l.lost
	switch {
	case b.following():
		p = l.unread
		what := "this line cannot be read, and no update of the book follows that shows that it was none"
		if p.Finding == Damaged {
			what = "the file breaks off here, and no update of the book follows that shows that none is missing"
		}
		p.Finding, p.What, p.Err = Unsynchronised, what, nil
	case p.File == "":
		p = l.problem(Unsynchronised, "the recording ends and its book was never complete: no snapshot fits its depth updates", nil)
	}
	l.report.add(p)
	return l.config.OnProblem(p)
}

// shortRecording is the time that any recording may be without a complete book.
const shortRecording = time.Minute

// tellAbsent tells of a book that was not there for most of the time.
func (l *Lines) tellAbsent(b *Book) error {
	absent, whole := time.Duration(b.absentNs), time.Duration(b.localNs-b.firstNs)
	if absent <= max(shortRecording, whole/2) {
		return nil
	}
	return l.found(NoBook, fmt.Sprintf("there is no complete book for %v of %v", absent, whole), nil)
}

// problem is something about the line in hand.
func (l *Lines) problem(f Finding, what string, cause error) Problem {
	return Problem{Finding: f, Symbol: l.report.Symbol, File: l.File(), Line: l.Line(), LocalNs: l.localNs, What: what, Err: cause}
}

// found counts a problem of the line in hand and tells of it.
func (l *Lines) found(f Finding, what string, cause error) error {
	p := l.problem(f, what, cause)
	l.report.add(p)
	return l.config.OnProblem(p)
}

// unreadable is found for what may be of a line that was an update of the book.
func (l *Lines) unreadable(f Finding, what string, cause error) error {
	if (f == BadLine || f == Damaged) && l.unread.File == "" {
		l.unread = l.problem(f, what, cause)
	}
	return l.found(f, what, cause)
}

// Note counts what was found in the line in hand, and tells of the first time.
func (l *Lines) Note(f Finding, what string) error {
	if l.report.Found[f].N > 0 {
		l.Count(f, 1)
		return nil
	}
	return l.found(f, what, nil)
}

// Count counts what was found n times in the line in hand, and is not to be told.
func (l *Lines) Count(f Finding, n int) {
	for range n {
		l.report.add(l.problem(f, "", nil))
	}
}

// Report is what was found so far. It belongs to Lines.
func (l *Lines) Report() *Report { return &l.report }

// measureEvery is how many lines go by between two looks at the context.
const measureEvery = 1 << 13

// OtherSymbolError is the cause of a BadLine: its message is about Symbol, the recording is of another one.
type OtherSymbolError struct{ Symbol, Of string }

// Error returns both symbols.
func (e *OtherSymbolError) Error() string {
	return fmt.Sprintf("the message is about %.40q, the file is of %s", e.Symbol, e.Of)
}

// sameSymbol compares as the venues do, who write symbols in both cases. The first one that there is counts for all.
func sameSymbol(symbol *string, of []byte) bool {
	if len(of) > 0 && *symbol == "" {
		*symbol = string(of)
	}
	return len(of) == 0 || string(of) == *symbol || strings.EqualFold(string(of), *symbol)
}

// Next takes the next line with a time into hand and returns its time as corrected, which does not run backwards unless
// it is AsRecorded; io.EOF comes behind the last line. What is wrong with the files on the way goes to OnProblem.
func (l *Lines) Next() (localNs int64, err error) {
	if l.noTrades {
		l.noTrades = false
		if err := l.found(NoTrades, "there is no trade in the recording", nil); err != nil {
			return 0, err
		}
	}
	for {
		if l.recordedNs, l.text, err = l.reader.Next(); err != nil {
			return 0, err
		}
		if n := l.reader.FileNo(); n != l.decoding { // each file by itself, as measure does: what it was recorded with may differ
			l.decoder, l.decoding = l.config.NewDecoder(), n
		}
		l.files[l.reader.FileNo()].Read++
		if err := l.tellTimeless(); err != nil {
			return 0, err
		}
		localNs = l.recordedNs + l.report.Corrections[l.reader.FileNo()].OffsetNs
		if l.localNs != 0 || l.config.AsRecorded || l.decoder.Decode(l.recordedNs, l.text, &l.message) != nil {
			break
		}
		tooEarly := l.early(localNs) // the first line says when all begins
		if tooEarly == nil {
			break
		}
		if err := l.found(BadLine, tooEarly.Error(), tooEarly); err != nil {
			return 0, err
		}
	}
	switch {
	case l.config.AsRecorded:
	case l.localNs != 0 && l.doubtful(localNs-l.localNs):
		l.reader.Distrust()
		localNs = l.localNs
	default:
		localNs = max(localNs, l.localNs)
	}
	l.localNs = localNs
	return localNs, nil
}

// doubtful reports whether the line in hand is a jump in time that its own message contradicts, or of which there is none about
// the market. It comes in its turn, to be told of, and takes no time along.
func (l *Lines) doubtful(jumpNs int64) bool {
	if jumpNs <= int64(MaxClockDistance) || l.decoder.Decode(l.recordedNs, l.text, &l.message) != nil {
		return false
	}
	return l.message.Kind == connector.MessageIgnored || CheckTimes(l.recordedNs, &l.message) != nil
}

// early returns an error for a message, received at localNs as corrected, that was received before it happened. No other
// message of the file says so, or local times had been corrected by more. By how much is said by its own time: localNs may be that
// of the line before.
func (l *Lines) early(localNs int64) error {
	m := &l.message
	before := newestNs(m) - localNs
	if m.Kind == connector.MessageIgnored || m.ExchTimestampNs == 0 || before <= 0 {
		return nil
	}
	own := l.recordedNs + l.report.Corrections[l.reader.FileNo()].OffsetNs
	if own > newestNs(m) {
		return fmt.Errorf("its local time is %v after its exchange time: wrong time", time.Duration(own-newestNs(m)))
	}
	return fmt.Errorf("it is received %v before its exchange time, unlike all other messages of the file: wrong time", time.Duration(newestNs(m)-own))
}

// Message decodes the line in hand. It is nil when the line says nothing about the market, or cannot be used, which goes to OnProblem.
// It is valid until the next Next.
func (l *Lines) Message() (*connector.Message, error) {
	m := &l.message
	if err := l.decoder.Decode(l.localNs, l.text, m); err != nil {
		return nil, l.unreadable(BadLine, err.Error(), err)
	}
	if m.Kind == connector.MessageIgnored {
		return nil, l.unused()
	}
	if !sameSymbol(&l.report.Symbol, m.Symbol) {
		err := &OtherSymbolError{Symbol: string(m.Symbol), Of: l.report.Symbol}
		return nil, l.found(BadLine, err.Error(), err)
	}
	if !l.config.AsRecorded && CheckTimes(l.localNs, m) == nil { // else the book refuses it
		if err := l.early(l.localNs); err != nil {
			if m.Kind == connector.MessageDepth {
				return nil, l.unreadable(BadLine, err.Error(), err)
			}
			return nil, l.found(BadLine, err.Error(), err)
		}
	}
	n := l.reader.FileNo()
	if used, wrong := l.levels[n].takesAt(l.recordedNs, m); !used {
		return nil, l.passOver(wrong)
	}
	if m.TimeUnit != 0 && m.TimeUnit != time.Millisecond && l.unitFile <= n {
		l.unitFile = n + 1
		if err := l.found(TimeUnit, "the venue's times are in "+hft.UnitName(m.TimeUnit), nil); err != nil {
			return nil, err
		}
	}
	l.files[n].Used++
	return m, nil
}

// unused counts the message in hand when it says something about the market that is not used.
func (l *Lines) unused() error {
	if m := &l.message; m.Unused != "" && sameSymbol(&l.report.Symbol, m.Symbol) {
		return l.Note(NotWanted, m.Unused)
	}
	return nil
}

// passOver reports that the message in hand, about a book of another depth, is not used; wrong is about its time.
func (l *Lines) passOver(wrong error) error {
	if wrong != nil {
		return l.found(BadTime, wrong.Error(), wrong)
	}
	return l.Note(OtherLevel, l.levels[l.reader.FileNo()].passedOver(&l.message))
}

// Refuse says, where there is no Book, that the message in hand has a time that cannot be true.
func (l *Lines) Refuse(err error) error {
	l.files[l.reader.FileNo()].Used--
	return l.found(BadTime, err.Error(), err)
}

// RecordedNs returns the time that the line in hand has in its file.
func (l *Lines) RecordedNs() int64 { return l.recordedNs }

// File and Line are the place of the line in hand, FileNo that of the file in LinesConfig.Files.
func (l *Lines) File() string { return l.reader.File() }

// Line counts from 1.
func (l *Lines) Line() int { return l.reader.Line() }

// FileNo returns the place of File in LinesConfig.Files.
func (l *Lines) FileNo() int { return l.reader.FileNo() }

// Span is how the times of all files lie to each other, when LinesConfig.Rule asks for it.
func (l *Lines) Span() Span { return l.span }

// Counts are those of each file so far.
func (l *Lines) Counts() []FileCounts { return l.files }

// BytesRead returns how much of the files has been read, as recording.Reader does, and TotalBytes their size.
func (l *Lines) BytesRead() int64 { return l.reader.BytesRead() }

// TotalBytes returns the size of all files when they were opened.
func (l *Lines) TotalBytes() int64 { return l.reader.TotalBytes() }

// Close stops the reading ahead, waits for it, and closes the files. It can be called more than once.
func (l *Lines) Close() error { return l.reader.Close() }
