package runlog

import (
	"bytes"
	"fmt"
	"io"
	stdlog "log"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// maxEntries and maxBytes bound the queue; one source may have half of it, so that one in a flood leaves room.
	maxEntries = 8192
	maxBytes   = 4 << 20
	// chunk is about the maximum that is written at once.
	chunk = 32 << 10
	// tick is the interval between checks for repeated entries whose time is over.
	tick = time.Second
)

// Config says where a log goes.
type Config struct {
	// Name begins the name of every source; it may be empty.
	Name  string
	Level hclog.Level
	// Out is written by one goroutine, whole lines at a time, and may take as long as it likes. What it fails to write
	// is lost.
	Out io.Writer
	// Verbatim shows every entry, also those that repeat each other.
	Verbatim bool
}

// Log is one output. Its methods, and those of its loggers, may be called from any goroutine and under any lock: they
// do not wait, except Flush and Close.
type Log struct {
	cfg    Config
	logger hclog.Logger

	mu       sync.Mutex
	pending  []entry
	bytes    int
	bySource map[string]int
	// dropped are the entries that found no room since the queue was taken last.
	dropped int
	touched bool
	closing bool
	wake    chan struct{}
	done    chan struct{}

	// The rest belongs to the goroutine.
	now     time.Time // of the entry that is formatted
	line    bytes.Buffer
	buf     bytes.Buffer
	repeats repeats
}

// entry is one log call, or with reached the place in the queue that Flush waits for.
type entry struct {
	sink    hclog.Logger
	level   hclog.Level
	at      time.Time
	msg     string
	args    []any
	reached chan struct{}
}

// New returns a log and starts its goroutine, which ends with Close.
func New(cfg Config) *Log {
	l := &Log{cfg: cfg, bySource: make(map[string]int), wake: make(chan struct{}, 1), done: make(chan struct{}),
		repeats: newRepeats()}
	sink := hclog.New(&hclog.LoggerOptions{Name: cfg.Name, Level: cfg.Level, Output: &l.line,
		TimeFn: func() time.Time { return l.now }})
	l.logger = &logger{Logger: sink, log: l}
	go l.run()
	return l
}

// Logger returns the logger whose entries come here.
func (l *Log) Logger() hclog.Logger { return l.logger }

// Touch has Out called with nothing, for an Out that shows more than the log.
func (l *Log) Touch() {
	l.mu.Lock()
	l.touched = true
	l.mu.Unlock()
	l.signal()
}

// Flush waits until everything so far is written, at most a time, and reports whether it is.
func (l *Log) Flush(limit time.Duration) bool {
	reached := make(chan struct{})
	l.mu.Lock()
	l.pending = append(l.pending, entry{reached: reached})
	l.mu.Unlock()
	l.signal()
	return within(limit, reached, l.done)
}

// Close writes what there is, waits for that at most a time, and reports whether all is written. What is logged later
// is dropped.
func (l *Log) Close(limit time.Duration) bool {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.signal()
	return within(limit, l.done, nil)
}

func within(limit time.Duration, one, other <-chan struct{}) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-one:
		return true
	case <-other:
		return true
	case <-timer.C:
		return false
	}
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// put takes an entry, or counts it when there is no room.
func (l *Log) put(e entry) {
	size, source := e.size(), e.sink.Name()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return
	}
	if len(l.pending) >= maxEntries || l.bytes+size > maxBytes || l.bySource[source] >= maxEntries/2 {
		l.dropped++
		return
	}
	l.pending = append(l.pending, e)
	l.bytes += size
	l.bySource[source]++
	l.signal()
}

// size is about how much memory an entry takes.
func (e *entry) size() int {
	n := len(e.msg)
	for _, a := range e.args {
		if s, ok := a.(string); ok {
			n += len(s)
		}
	}
	return n
}

// run is the goroutine.
func (l *Log) run() {
	defer close(l.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-l.wake:
		case <-ticker.C:
		}
		closing := l.writePending()
		l.over(time.Now(), closing)
		l.flush()
		if closing {
			return
		}
	}
}

// writePending writes what waits and reports whether it was the last.
func (l *Log) writePending() (closing bool) {
	l.mu.Lock()
	taken, dropped, touched, closing := l.pending, l.dropped, l.touched, l.closing
	l.pending, l.bytes, l.dropped, l.touched = nil, 0, 0, false
	clear(l.bySource)
	l.mu.Unlock()
	for i := range taken {
		if e := &taken[i]; e.reached == nil {
			l.write(e)
		}
	}
	if dropped > 0 {
		l.now = time.Now()
		l.logger.(*logger).Logger.Warn("log lines were dropped because the log was not read or written in time",
			"lines", dropped)
		l.take()
	}
	l.flush()
	if touched {
		_, _ = l.cfg.Out.Write(nil)
	}
	for i := range taken {
		if taken[i].reached != nil {
			close(taken[i].reached)
		}
	}
	return closing
}

// write formats one entry.
func (l *Log) write(e *entry) {
	l.now = e.at
	e.sink.Log(e.level, e.msg, e.args...)
	if l.cfg.Verbatim || e.level < hclog.Info || l.repeats.admit(e, l.line.Bytes()) {
		l.take()
	}
	l.line.Reset()
}

// over logs how often entries were repeated whose time is over, or all.
func (l *Log) over(now time.Time, all bool) {
	l.repeats.over(now, all, func(r *repeat) {
		if r.last == nil {
			l.now = now
			r.sink.Log(r.level, "more lines of this source are left out", "lines", r.more, "within", repeatWindow)
		} else {
			// Of the time at which it is written, as every line; when the last one was is said.
			at, text, _ := bytes.Cut(bytes.TrimRight(r.last, "\n"), []byte(" "))
			fmt.Fprintf(&l.line, "%s %s (the last of %d more like it within %v, at %s)\n", now.Format(hclog.TimeFormat),
				text, r.more, repeatWindow, at)
		}
		l.take()
	})
}

// take moves the formatted line to what is written next.
func (l *Log) take() {
	l.buf.Write(l.line.Bytes())
	l.line.Reset()
	if l.buf.Len() >= chunk {
		l.flush()
	}
}

// flush writes. Nobody can be told that the log cannot be written.
func (l *Log) flush() {
	if l.buf.Len() > 0 {
		_, _ = l.cfg.Out.Write(l.buf.Bytes())
		l.buf.Reset()
	}
}

// logger is a logger of a Log. The one inside formats, in the Log's goroutine.
type logger struct {
	hclog.Logger
	log *Log
}

// Log takes an entry. Values that may change later are formatted at once.
func (g *logger) Log(level hclog.Level, msg string, args ...any) {
	if level == hclog.NoLevel || level < g.GetLevel() {
		return
	}
	kept := make([]any, len(args))
	for i, a := range args {
		kept[i] = lasting(a)
	}
	g.log.put(entry{sink: g.Logger, level: level, at: time.Now(), msg: msg, args: kept})
}

// lasting returns a value that formats as v does now.
func lasting(v any) any {
	switch v.(type) {
	case nil, string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64,
		time.Duration, time.Time, error:
		return v
	}
	return fmt.Sprint(v)
}

// Trace takes an entry.
func (g *logger) Trace(msg string, args ...any) { g.Log(hclog.Trace, msg, args...) }

// Debug takes an entry.
func (g *logger) Debug(msg string, args ...any) { g.Log(hclog.Debug, msg, args...) }

// Info takes an entry.
func (g *logger) Info(msg string, args ...any) { g.Log(hclog.Info, msg, args...) }

// Warn takes an entry.
func (g *logger) Warn(msg string, args ...any) { g.Log(hclog.Warn, msg, args...) }

// Error takes an entry.
func (g *logger) Error(msg string, args ...any) { g.Log(hclog.Error, msg, args...) }

// With returns a logger whose entries have these values too.
func (g *logger) With(args ...any) hclog.Logger { return &logger{g.Logger.With(args...), g.log} }

// Named returns the logger of a source.
func (g *logger) Named(name string) hclog.Logger { return &logger{g.Logger.Named(name), g.log} }

// ResetNamed returns the logger of a source without the names before.
func (g *logger) ResetNamed(name string) hclog.Logger {
	return &logger{g.Logger.ResetNamed(name), g.log}
}

// StandardLogger returns a logger of the standard library.
func (g *logger) StandardLogger(o *hclog.StandardLoggerOptions) *stdlog.Logger {
	return stdlog.New(g.StandardWriter(o), "", 0)
}

// StandardWriter returns a writer whose lines are entries.
func (g *logger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lineWriter{g} }

type lineWriter struct{ logger *logger }

func (w lineWriter) Write(p []byte) (int, error) {
	w.logger.Info(string(bytes.TrimRight(p, "\n")))
	return len(p), nil
}

// WriteWithin writes to an output that may not be read, such as a terminal that was stopped, and gives up after a time.
// It reports whether all was written.
func WriteWithin(w io.Writer, limit time.Duration, text []byte) error {
	done := make(chan error, 1)
	go func() {
		_, err := w.Write(text)
		done <- err
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("nobody has read the output for %v", limit)
	}
}
