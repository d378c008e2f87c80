package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/recording"
)

// tally is what a format makes of lines: messages that it can use, about the depth and trades among them, and differences that
// are of the other venue with this form.
type tally struct {
	lines, used, depth, trades, other int64
	// own are the messages about the symbol that is wanted, others the symbols of the rest.
	own    int64
	others map[string]bool
	// lastNs is the newest local time of a message whose own time bears it out.
	lastNs int64
	// deepest is the deepest book that there is (connector.Message.Level).
	deepest int
}

// count counts a message of a format by the rule. The two venues of Binance write much alike, but only differences of futures
// say which one comes before them.
func (t *tally) count(rule connector.Rule, m *connector.Message) {
	t.deepest = max(t.deepest, m.Level)
	switch m.Kind {
	case connector.MessageIgnored:
		return
	case connector.MessageDepth:
		if rule == connector.RuleFutures && !m.HasPrevID || rule == connector.RuleSpot && m.HasPrevID {
			t.other++
			return
		}
		t.depth++
	case connector.MessageSnapshot:
		t.depth++
	case connector.MessageTrade:
		t.trades++
	}
	t.used++
}

// about counts a message by its symbol.
func (t *tally) about(m *connector.Message, own bool) {
	switch {
	case m.Kind == connector.MessageIgnored:
		return
	case own:
		t.own++
		return
	}
	if t.others == nil {
		t.others = map[string]bool{}
	}
	if len(t.others) < maxOthers {
		t.others[string(m.Symbol)] = true
	}
}

// maxOthers bounds the symbols that an error lists.
const maxOthers = 50

// checkSymbol refuses a file of other symbols.
func (t *tally) checkSymbol(wanted string) error {
	if t.own > 0 || len(t.others) == 0 {
		return nil
	}
	return fmt.Errorf("no message of the recording is about %s: it has messages of %s; use another recording, "+
		"or the symbol that it has", wanted, strings.Join(slices.Sorted(maps.Keys(t.others)), ", "))
}

// CheckOrder refuses a file that does not go on from the one before it, which had ended at beforeNs.
func CheckOrder(before string, beforeNs int64, file string, lastNs int64) error {
	switch {
	case lastNs > beforeNs:
		return nil
	case before == file:
		return fmt.Errorf("%s is listed twice; list each file once, in order of time", file)
	}
	return fmt.Errorf("%s ends before %s does, the file before it; list files in order of time", file, before)
}

// rule is that of the format.
func (c *LinesConfig) rule() connector.Rule { return c.Formats[c.Format].Rule }

// doubtful reports whether a file is to be looked at for another format.
func (t *tally) doubtful() bool { return t.lines > 0 && (t.depth <= t.other || 2*t.used < t.lines) }

// refuseForeign returns an error when another format reads more of a file than the one that it is said to be of: more of its depth,
// or as much of that and more lines.
func (l *Lines) refuseForeign(ctx context.Context, file string) error {
	names := slices.Sorted(maps.Keys(l.config.Formats))
	tallies := make([]tally, len(names))
	decoders := make([]connector.Decoder, len(names))
	for i, name := range names {
		decoders[i] = l.config.Formats[name].NewDecoder()
	}
	err := l.eachLine(ctx, file, nil, func(localNs int64, text []byte, _ *recording.Reader) bool {
		var m connector.Message
		for i, d := range decoders {
			tallies[i].lines++
			if d.Decode(localNs, text, &m) == nil {
				tallies[i].count(l.config.Formats[names[i]].Rule, &m)
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	own := slices.Index(names, l.config.Format)
	best := own
	for i := range tallies {
		if best < 0 || cmp.Or(cmp.Compare(tallies[i].depth, tallies[best].depth), cmp.Compare(tallies[i].used, tallies[best].used)) > 0 {
			best = i
		}
	}
	if best < 0 || best == own {
		return nil
	}
	used := int64(0)
	if own >= 0 {
		used = tallies[own].used
	}
	return fmt.Errorf(`%s is a recording of another format: %s reads %d of its %d lines, %s %d; use --format %[2]s, or format = "%[2]s" in the configuration`,
		file, names[best], tallies[best].used, tallies[best].lines, l.config.Format, used)
}

// eachLine calls f for each line of a file that has a time, with its reader, until f returns false. What is wrong with the file
// is told when it is read for good. measured are the bytes of the files before, for the progress; nil for none.
func (l *Lines) eachLine(ctx context.Context, file string, measured *int64, f func(localNs int64, text []byte, r *recording.Reader) bool) error {
	times := l.newMessageTimes(func() string { return file })
	r, err := recording.Open(recording.Config{Files: []string{file}, MaxLineBytes: l.config.MaxLineBytes, TimeNs: times.of})
	if err != nil {
		return err
	}
	defer r.Close() // never fails
	if measured != nil {
		defer func() { *measured += r.TotalBytes() }()
	}
	for n := 0; ; n++ {
		if n%measureEvery == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if measured != nil {
				l.config.Progress(*measured+r.BytesRead(), l.TotalBytes())
			}
		}
		localNs, text, err := r.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 && times.timeless > 0 {
				return times.missing()
			}
			return nil
		}
		if err != nil {
			return err
		}
		if !f(localNs, text, r) {
			return nil
		}
	}
}

// firstLines are enough to know what a recording is before it is read. Where there is no more than the best bid and ask in them, a
// deeper book may follow.
const firstLines = 1000

// look looks into a file for the depth of its book, and whether one that is taken as recorded is of its format.
func (l *Lines) look(ctx context.Context, n int) error {
	file, decoder, t := l.config.Files[n], l.config.NewDecoder(), tally{}
	var m connector.Message
	has, symbol := false, l.config.Symbol
	err := l.eachLine(ctx, file, nil, func(localNs int64, text []byte, _ *recording.Reader) bool {
		t.lines++
		if decoder.Decode(localNs, text, &m) == nil {
			if !sameSymbol(&symbol, m.Symbol) {
				m.Level = 0 // of no book of ours
			}
			t.count(l.config.rule(), &m)
			has = has || m.Level == l.config.Level
		}
		return t.lines < firstLines || t.deepest == 1
	})
	if err == nil && l.config.AsRecorded && l.config.Formats != nil && t.doubtful() {
		err = l.refuseForeign(ctx, file)
	}
	if l.levels[n].depth = t.deepest; has && l.config.Level != 0 {
		l.levels[n] = level{depth: l.config.Level, fixed: true}
	}
	return err
}

// checkMeasured looks whether files that have been read once, with these tallies, are of their format and have each a book: on one
// without depth the book would stand still.
func (l *Lines) checkMeasured(ctx context.Context, tallies []tally) error {
	used, trades := int64(0), int64(0)
	last, lastNs := 0, int64(0) // the file before with a time, and its end
	for i, t := range tallies {
		if t.doubtful() {
			if err := l.refuseForeign(ctx, l.config.Files[i]); err != nil {
				return err
			}
		}
		if err := t.checkSymbol(l.config.Symbol); err != nil {
			return fmt.Errorf("%s: %w", l.config.Files[i], err)
		}
		if t.lastNs != 0 {
			t.lastNs += l.report.Corrections[i].OffsetNs
			if lastNs != 0 {
				if err := CheckOrder(l.config.Files[last], lastNs, l.config.Files[i], t.lastNs); err != nil {
					return err
				}
			}
			last, lastNs = i, t.lastNs
		}
		if t.used > 0 && t.depth == 0 { // with nothing to use it is told why, line by line or at the end
			return fmt.Errorf("%s: there is no book in it, of %d messages %d are trades and none is about the depth; "+
				"use a recording with the depth stream, as 'runner record' creates it",
				l.config.Files[i], t.used, t.trades)
		}
		used, trades = used+t.used, trades+t.trades
	}
	l.noTrades = used > 0 && trades == 0
	return nil
}
