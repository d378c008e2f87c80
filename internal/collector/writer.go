package collector

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// FlushInterval is the maximum time that a message is only in memory.
	FlushInterval = 500 * time.Millisecond
	// MaxPending is the maximum number of bytes of messages waiting to be written.
	MaxPending = 64 << 20
	// batchBytes is the amount of one symbol's data that NewBatch compresses at a time.
	batchBytes = 1 << 20
	dayNs      = int64(24 * time.Hour)
	// overtaken is the maximum by which a message overtaken in transit may be older than the previous line, on a
	// machine that stalls for seconds.
	overtaken = int64(10 * time.Second)
)

// Stats counts what a Writer has written for one symbol.
type Stats struct {
	Symbol string
	// Lines and Bytes are what Record took, FileBytes what is in the files of this Writer, compressed.
	Lines, Bytes, FileBytes int64
	// Files are the names of the files written, in the order of time.
	Files []string
	// Repaired is true if the first file's last member was cut off and has been completed.
	Repaired bool
}

// Writer writes the messages of any number of symbols to a directory.
type Writer struct {
	dir string
	// batch makes Record write, by amount.
	batch bool

	mu      sync.Mutex
	changed sync.Cond // pending has become less, or the Writer has failed
	symbols map[string]*symbol
	order   []*symbol
	pending int
	err     error
	closed  bool

	failed chan struct{}
	stop   chan struct{}
	done   sync.WaitGroup
}

// symbol is a Writer's state for one symbol. Its file belongs to the writing goroutine, the rest is guarded by mu.
type symbol struct {
	stats Stats
	day   int64 // of the newest line, days since 1970
	// lastNs is the time of the newest line.
	lastNs int64
	parts  []part
	file   *file
}

// part is lines of one day.
type part struct {
	day  int64
	text []byte
}

// New makes a Writer into a directory, which it creates.
func New(dir string) (*Writer, error) { return start(dir, false) }

// NewBatch makes a Writer whose files depend on the messages alone and not on when they come: the same messages make
// the same bytes. It writes in Record, which one goroutine may call, and what is taken is in the file after Close only.
func NewBatch(dir string) (*Writer, error) { return start(dir, true) }

func start(dir string, batch bool) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	w := &Writer{dir: dir, batch: batch, symbols: map[string]*symbol{}, failed: make(chan struct{}),
		stop: make(chan struct{})}
	w.changed.L = &w.mu
	w.done.Go(w.work)
	return w, nil
}

// Record takes a message that was received at a time in nanoseconds since 1970; it is copied. A line break in a
// message would make two lines of it, so JSON that is written over several lines gets blanks in their place. A symbol
// whose name could lead out of the directory is an error of the Writer.
func (w *Writer) Record(symbolName string, localNs int64, message []byte) {
	if full := w.take(symbolName, localNs, message); full && w.batch {
		w.report(w.flush())
	}
}

// take takes a message and reports whether a batch is full.
func (w *Writer) take(symbolName string, localNs int64, message []byte) (full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.pending > MaxPending && w.err == nil && !w.closed {
		w.changed.Wait()
	}
	if w.err != nil || w.closed {
		return false
	}
	s := w.symbolOf(symbolName)
	if s == nil {
		return false
	}
	// Two connections bring their messages on two goroutines: one that is overtaken on the way here by a newer one of
	// the other is written behind it and with its time, so that times do not run backwards in the file. What is older
	// than that is a clock that was set, which is to be seen.
	if d := s.lastNs - localNs; d > 0 && d < overtaken {
		localNs = s.lastNs
	}
	s.lastNs = localNs
	// A clock that is set back over midnight does not lead back into a file that is complete.
	s.day = max(s.day, localNs/dayNs)
	if n := len(s.parts); n == 0 || s.parts[n-1].day != s.day {
		s.parts = append(s.parts, part{day: s.day})
	}
	p := &s.parts[len(s.parts)-1]
	before := len(p.text)
	p.text = appendLine(p.text, localNs, message)
	s.stats.Lines++
	s.stats.Bytes += int64(len(p.text) - before)
	w.pending += len(p.text) - before
	return len(p.text) >= batchBytes || w.pending >= MaxPending/2
}

// symbolOf returns what is kept of a symbol, nil after a failure because it cannot be part of a file name. The lock is
// held.
func (w *Writer) symbolOf(name string) *symbol {
	s := w.symbols[name]
	if s != nil {
		return s
	}
	if name == "" || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
		w.fail(fmt.Errorf("collector: symbol %q cannot be part of a file name", name))
		return nil
	}
	s = &symbol{stats: Stats{Symbol: name}}
	w.symbols[name] = s
	w.order = append(w.order, s)
	return s
}

// appendLine appends a message as a line of a recording.
func appendLine(text []byte, localNs int64, message []byte) []byte {
	text = strconv.AppendInt(text, localNs, 10)
	text = append(text, ' ')
	begin := len(text)
	text = append(text, message...)
	for i := begin; i < len(text); i++ {
		if c := text[i]; c == '\n' || c == '\r' {
			text[i] = ' '
		}
	}
	return append(text, '\n')
}

// fail ends the writing. The lock is held.
func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
		close(w.failed)
	}
	w.changed.Broadcast()
}

// Failed is closed when writing has failed.
func (w *Writer) Failed() <-chan struct{} { return w.failed }

// Err returns why writing has failed, nil when it has not.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Stats returns what has been written, symbols in the order in which they came.
func (w *Writer) Stats() []Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Stats, len(w.order))
	for i, s := range w.order {
		list[i] = s.stats
		list[i].Files = append([]string(nil), s.stats.Files...)
	}
	return list
}

// Close writes what is there and ends the files. It can be called more than once.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.stop)
		w.changed.Broadcast()
	}
	w.mu.Unlock()
	w.done.Wait()
	return w.Err()
}

// work writes every FlushInterval until Close, or at Close alone.
func (w *Writer) work() {
	var due <-chan time.Time
	if !w.batch {
		ticker := time.NewTicker(FlushInterval)
		defer ticker.Stop()
		due = ticker.C
	}
	for stopping := false; !stopping; {
		select {
		case <-due:
		case <-w.stop:
			stopping = true
		}
		if w.Err() == nil {
			w.report(w.flush())
		}
	}
	w.mu.Lock()
	all := w.order
	w.mu.Unlock()
	for _, s := range all {
		if s.file != nil {
			w.report(s.file.close())
		}
	}
}

func (w *Writer) report(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail(fmt.Errorf("collector: %w; check free disk space", err))
}

// flush writes what is pending.
func (w *Writer) flush() error {
	w.mu.Lock()
	all := w.order
	parts := make([][]part, len(all))
	for i, s := range all {
		parts[i], s.parts = s.parts, nil
	}
	w.mu.Unlock()
	var errs []error
	for i, s := range all {
		errs = append(errs, w.write(s, parts[i]))
	}
	return errors.Join(errs...)
}

// write appends the parts of one symbol to its files and lets the messages that wait in.
func (w *Writer) write(s *symbol, parts []part) error {
	for _, p := range parts {
		if s.file != nil && s.file.day != p.day {
			if err := s.file.close(); err != nil {
				return err
			}
			s.file = nil
		}
		if s.file == nil {
			f, err := open(w.dir, s.stats.Symbol, p.day)
			if err != nil {
				return err
			}
			s.file = f
			w.mu.Lock()
			s.stats.Files = append(s.stats.Files, f.name)
			s.stats.Repaired = s.stats.Repaired || f.repaired
			w.mu.Unlock()
		}
		n, err := s.file.write(p.text)
		w.mu.Lock()
		s.stats.FileBytes += n
		w.pending -= len(p.text)
		w.changed.Broadcast()
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
