package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/connector/recording"
	"hftrunner/hft"
)

// lines reads the lines of all files and decodes them to rows.
type lines struct {
	options *Options
	summary *Summary
	reader  *recording.Reader
	decoder connector.Decoder
	message connector.Message

	// symbol is that of the first message that has one.
	symbol string
	// depthExchNs is the exchange time of the newest depth message.
	depthExchNs  int64
	latencyKnown bool
	// files are the counts of each file.
	files []fileLines
}

// fileLines counts the lines of a file and keeps the first problem that makes something of it unusable.
type fileLines struct {
	read, used int64
	problem    error
}

func openLines(files []string, options *Options, summary *Summary) (*lines, error) {
	l := &lines{options: options, summary: summary, decoder: options.NewDecoder(), files: make([]fileLines, len(files))}
	var err error
	l.reader, err = recording.Open(recording.Config{Files: files, MaxLineBytes: options.MaxLineBytes, OnProblem: l.problem})
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return l, nil
}

// problem counts what is wrong with a line and passes over it.
func (l *lines) problem(p recording.Problem) error {
	switch p.Kind {
	case recording.TimeBackwards:
		l.summary.TimesBackwards++
	case recording.Damaged:
		l.summary.DamagedFiles++
	default:
		l.summary.SkippedLines++
	}
	if f := &l.files[l.reader.FileNo()]; f.problem == nil && p.Kind != recording.TimeBackwards {
		f.problem = p
	}
	l.options.OnProblem(p)
	return nil
}

// read hands the rows of each message to add, without hft.ExchEvent and hft.LocalEvent; they belong to lines.
func (l *lines) read(ctx context.Context, files []string, add func(rows []hft.Event) error) error {
	for n := 0; ; n++ {
		if n%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("convert: %w", err)
			}
			l.options.Progress(Progress{Reading, l.reader.BytesRead(), l.reader.TotalBytes()})
		}
		localNs, text, err := l.reader.Next()
		if errors.Is(err, io.EOF) {
			l.options.Progress(Progress{Reading, l.reader.TotalBytes(), l.reader.TotalBytes()})
			return l.finish(files)
		}
		if err != nil {
			return fmt.Errorf("convert: %w", err)
		}
		rows, err := l.decode(localNs, text)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if err := add(rows); err != nil {
				return err
			}
		}
	}
}

// finish counts all lines and reports a file in which there is nothing to use.
func (l *lines) finish(files []string) error {
	for i, f := range l.files {
		l.summary.Lines += f.read
		if f.used > 0 {
			continue
		}
		err := fmt.Errorf("convert: %s: no line of it can be used, of %d with a time", files[i], f.read)
		if f.problem != nil {
			err = fmt.Errorf("%w (the first problem: %w)", err, f.problem)
		}
		return fmt.Errorf("%w; give a recording of the venue and symbol, with lines of a time in nanoseconds, a space and JSON", err)
	}
	return nil
}

// decode returns the rows of a message. An error ends the conversion; a message that is wrong is none.
func (l *lines) decode(localNs int64, text []byte) ([]hft.Event, error) {
	f, m := &l.files[l.reader.FileNo()], &l.message
	f.read++
	if err := l.decoder.Decode(localNs, text, m); err != nil {
		return nil, l.reader.Report(recording.BadLine, err.Error(), err)
	}
	if m.Kind == connector.MessageIgnored {
		l.summary.IgnoredLines++
		return nil, nil
	}
	if len(m.Symbol) > 0 && !strings.EqualFold(string(m.Symbol), l.symbol) {
		if l.symbol != "" {
			return nil, l.reader.Report(recording.BadLine, fmt.Sprintf("the message is about %.40q, those before about %s", m.Symbol, l.symbol), nil)
		}
		l.symbol = string(m.Symbol)
	}
	if m.Kind == connector.MessageBBO && !l.options.BBO {
		f.used++
		l.summary.IgnoredLines++
		return nil, nil
	}
	if err := feed.CheckTimes(localNs, m); err != nil {
		return nil, l.reader.Report(recording.BadLine, err.Error(), err)
	}
	l.time(m)
	for i := range m.Events {
		m.Events[i].Ev &^= hft.ExchEvent | hft.LocalEvent
	}
	if m.Kind == connector.MessageSnapshot {
		m.Events = insertClears(m.Events)
	}
	f.used++
	l.count(m.Events)
	return m.Events, nil
}

// time gives the time of the newest depth message to what comes without one of its own: quotes and snapshots of Binance
// spot. It was made after that message and before the next one, and local times may come from a clock that is off.
func (l *lines) time(m *connector.Message) {
	switch m.Kind {
	case connector.MessageDepth, connector.MessageSnapshot:
		l.depthExchNs = max(l.depthExchNs, m.ExchTimestampNs)
	}
	if m.ExchTimestampNs != 0 || l.depthExchNs == 0 {
		return
	}
	for i := range m.Events {
		m.Events[i].ExchTimestampNs = l.depthExchNs
	}
}

// insertClears puts a row before each side of a snapshot that clears the side as far as the snapshot goes: to the price
// of its last, worst level.
func insertClears(rows []hft.Event) []hft.Event {
	numBids := 0
	for numBids < len(rows) && rows[numBids].Ev&hft.BuyEvent != 0 {
		numBids++
	}
	numAsks := len(rows) - numBids
	clears := min(numBids, 1) + min(numAsks, 1)
	for range clears {
		rows = append(rows, hft.Event{})
	}
	if numAsks > 0 {
		copy(rows[numBids+clears:], rows[numBids:numBids+numAsks])
		rows[numBids+clears-1] = clearTo(rows[len(rows)-1])
	}
	if numBids > 0 {
		copy(rows[1:], rows[:numBids])
		rows[0] = clearTo(rows[numBids])
	}
	return rows
}

// clearTo returns the row that clears a side to the level worst.
func clearTo(worst hft.Event) hft.Event {
	worst.Ev = worst.Ev&^uint64(0xff) | hft.DepthClearEvent
	worst.Qty = 0
	return worst
}

// count adds rows to the summary.
func (l *lines) count(rows []hft.Event) {
	s := l.summary
	for i := range rows {
		e := &rows[i]
		switch e.Kind() {
		case hft.DepthEvent:
			s.Depth++
		case hft.TradeEvent:
			s.Trades++
		case hft.DepthClearEvent:
			s.Clears++
		case hft.DepthSnapshotEvent:
			s.Snapshots++
		case hft.DepthBBOEvent:
			s.BBOs++
		}
		if latencyNs := e.LocalTimestampNs - e.ExchTimestampNs; !l.latencyKnown || latencyNs < s.MinLatencyNs {
			l.latencyKnown = true
			s.MinLatencyNs, s.MinLatencyFile, s.MinLatencyLine = latencyNs, l.reader.File(), l.reader.Line()
		}
	}
}
