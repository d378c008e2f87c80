package feed

import (
	"context"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/recording"
)

// Correction is what a file's local times are corrected by: by so much that no message is received before it happened.
type Correction struct {
	File string `json:"file"`
	// MinLatencyNs is the least local time minus exchange time in the file as recorded, at Line. Line is 0 when no message has
	// a time of its own.
	MinLatencyNs int64 `json:"min_latency_ns"`
	Line         int   `json:"line"`
	// OffsetNs is added to local times, 0 when nothing is to be corrected.
	OffsetNs int64 `json:"offset_ns"`
}

// String says what was added and which message has decided it.
func (c Correction) String() string {
	return fmt.Sprintf("local times shifted by %v: %s:%d is received %v before its exchange time", time.Duration(c.OffsetNs), c.File, c.Line,
		-time.Duration(c.MinLatencyNs))
}

// latency is how long after it happened the message of a line was received.
type latency struct {
	ns   int64
	line int
}

// newestNs returns the newest exchange time of a message.
func newestNs(m *connector.Message) int64 {
	ns := m.ExchTimestampNs
	for i := range m.Events {
		ns = max(ns, m.Events[i].ExchTimestampNs)
	}
	return ns
}

// measure finds the correction of a file: by its least latency, but one message alone does not decide. measured are the bytes of
// the files before, for the progress; span and t get what is in the file.
func (l *Lines) measure(ctx context.Context, n int, measured *int64, span *spanner, t *tally) (Correction, error) {
	file := l.config.Files[n]
	c := Correction{File: file}
	decoder, m, symbol, book := l.config.NewDecoder(), connector.Message{}, l.config.Symbol, l.levels[n]
	var least [2]latency
	err := l.eachLine(ctx, file, measured, func(localNs int64, text []byte, r *recording.Reader) bool {
		t.lines++
		span.receive(localNs)
		if decoder.Decode(localNs, text, &m) != nil {
			return true
		}
		own := sameSymbol(&symbol, m.Symbol)
		t.about(&m, own)
		if !own {
			t.count(l.config.rule(), &m)
			return true
		}
		used, wrong := book.takesAt(localNs, &m)
		if !used {
			t.used++
			return true
		}
		t.count(l.config.rule(), &m)
		if wrong != nil {
			r.Distrust()
			return true
		}
		if span.sync != nil {
			span.take(localNs, &m)
		}
		if m.ExchTimestampNs == 0 {
			return true
		}
		t.lastNs = max(t.lastNs, localNs)
		of := latency{localNs - newestNs(&m), r.Line()}
		if least[0].line == 0 || of.ns < least[0].ns {
			least[0], of = of, least[0]
		}
		if of.line != 0 && (least[1].line == 0 || of.ns < least[1].ns) {
			least[1] = of
		}
		return true
	})
	if err != nil {
		return c, err
	}
	decides := least[0]
	if least[1].line != 0 && least[1].ns-decides.ns > int64(maxAhead) {
		decides = least[1]
	}
	if c.MinLatencyNs, c.Line = decides.ns, decides.line; c.MinLatencyNs < 0 {
		c.OffsetNs = int64(l.config.BaseLatency) - c.MinLatencyNs
	}
	return c, nil
}

// synchronizer returns what a Span needs, nil when none is asked for.
func (l *Lines) synchronizer() (*depthsync.Synchronizer, error) {
	if !l.config.Rule.Valid() {
		return nil, nil
	}
	return depthsync.New(depthsync.Config{Rule: l.config.Rule, IgnoreGaps: l.config.IgnoreGaps})
}
