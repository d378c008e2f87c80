package control

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// tailLines and tailLineBytes bound what is remembered of a plugin's output.
	tailLines     = 3
	tailLineBytes = 512
	// streamLineBytes is the length at which a line without an end is broken.
	streamLineBytes = 64 << 10
	// Each lineUnit bytes of a line after the first count as a further line against the rate.
	lineUnit = 1 << 10
	// rateSeconds is for how long at the rate a plugin that was quiet may write at once.
	rateSeconds = 10
	// panicLines are let through whatever the rate when a plugin has panicked, once.
	panicLines = 2000
	// sayDroppedAfter is the time that dropped lines are counted before that is said.
	sayDroppedAfter = 10 * time.Second
)

// DefaultLogRate is the default number of lines per second of a plugin that are logged.
const DefaultLogRate = 200

// pluginLog takes all that a plugin says, whichever way: entries of hclog, slog and log, and what it writes to its
// standard error and, once it runs, to its standard output. All of it becomes entries of one log, up to a rate; what is
// over it is counted. The end of it is remembered, for the error text of a plugin that exited: lines beyond the last
// tailLines are forgotten, but not the line that starts a panic. The streams may be written by one goroutine each, and
// never wait.
type pluginLog struct {
	rate float64

	mu        sync.Mutex
	all, host hclog.Logger // of everything; of the entries with a level
	tail      [tailLines][]byte
	lines     int // that tail has had
	panicLine string
	panicking int // lines that are still let through
	tokens    float64
	filled    time.Time
	dropped   int
	say       *time.Timer
}

// newPluginLog returns a log of everything, whose entries also go to the host's logger.
func newPluginLog(all, host hclog.Logger, linesPerSecond int) *pluginLog {
	if linesPerSecond <= 0 {
		linesPerSecond = DefaultLogRate
	}
	rate := float64(linesPerSecond)
	return &pluginLog{all: all, host: host, rate: rate, tokens: rate * rateSeconds, filled: time.Now()}
}

// logStream is one stream into a pluginLog. It keeps a line that is not complete yet, up to streamLineBytes of it.
type logStream struct {
	log     *pluginLog
	name    string
	line    []byte
	begun   bool
	dropped bool // the line is over the rate
}

// stream returns the stream of an output with this name.
func (l *pluginLog) stream(name string) *logStream { return &logStream{log: l, name: name} }

// Write takes any piece of the output. It never fails.
func (s *logStream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		if !s.begun {
			s.begun, s.dropped = true, !s.log.admit(piece)
		}
		room := streamLineBytes - len(s.line)
		switch {
		case s.dropped:
			s.line = append(s.line, piece[:min(len(piece), max(0, tailLineBytes-len(s.line)))]...)
		case len(piece) > room:
			s.line = append(s.line, piece[:room]...)
			after, ended = rest[room:], true
		default:
			s.line = append(s.line, piece...)
		}
		if ended {
			s.endLine()
		}
		rest = after
	}
	return len(p), nil
}

// endLine hands a line on.
func (s *logStream) endLine() {
	if s.begun {
		s.log.take(s.name, s.line, s.dropped)
	}
	s.line, s.begun = s.line[:0], false
}

// standardError lets go-plugin wait for the end of a plugin's standard error but see nothing of it: its parser ends the
// host at an entry that is not as it expects.
type standardError struct {
	*os.File
	to *logStream
}

// Read reads all there is and returns at the end.
func (r standardError) Read([]byte) (int, error) {
	_, _ = io.Copy(r.to, r.File)
	r.to.endLine()
	return 0, io.EOF
}

// admit reports whether a line may be logged, and counts it if not.
func (l *pluginLog) admit(begin []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.panicLine == "" && startsPanic(begin) {
		l.panicking = panicLines
	}
	if l.panicking > 0 {
		l.panicking--
		return true
	}
	now := time.Now()
	l.tokens = min(l.tokens+now.Sub(l.filled).Seconds()*l.rate, l.rate*rateSeconds)
	l.filled = now
	if l.tokens >= 1 {
		l.tokens--
		return true
	}
	l.dropped++
	if l.say == nil {
		l.say = time.AfterFunc(sayDroppedAfter, l.sayDropped)
	}
	return false
}

func startsPanic(line []byte) bool {
	return bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: "))
}

// sayDropped logs how many lines were over the rate.
func (l *pluginLog) sayDropped() {
	l.mu.Lock()
	all, host, n := l.all, l.host, l.dropped
	l.dropped, l.say = 0, nil
	l.mu.Unlock()
	if n > 0 {
		const text = "lines of the strategy were left out of its log: it writes too many"
		all.Warn(text, "lines", n, "allowed_per_second", l.rate)
		host.Warn(text, "lines", n, "allowed_per_second", l.rate)
	}
}

// take remembers a line and logs it unless it is over the rate.
func (l *pluginLog) take(stream string, line []byte, dropped bool) {
	l.mu.Lock()
	l.remember(line)
	inPanic := l.panicLine != ""
	l.tokens -= float64(len(line) / lineUnit)
	all, host := l.all, l.host
	l.mu.Unlock()
	if dropped {
		return
	}
	if e, ok := parseEntry(line); ok {
		if e.source != "" {
			all, host = all.Named(e.source), host.Named(e.source)
		}
		all.Log(e.level, e.message, e.values...)
		host.Log(e.level, e.message, e.values...)
		return
	}
	level, text := hclog.Info, string(line)
	if inPanic {
		level = hclog.Error
	}
	all.Named(stream).Log(level, text)
	host.Debug(text)
}

func (l *pluginLog) remember(line []byte) {
	line = line[:min(len(line), tailLineBytes)]
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	if l.panicLine == "" && startsPanic(line) {
		l.panicLine = string(line)
	}
	last := &l.tail[l.lines%tailLines]
	*last = append((*last)[:0], line...)
	l.lines++
}

// close makes the log forget its loggers: go-plugin's goroutines may have something to say a moment later.
func (l *pluginLog) close() {
	l.mu.Lock()
	if l.say != nil {
		l.say.Stop()
	}
	l.mu.Unlock()
	l.sayDropped()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all, l.host = hclog.NewNullLogger(), hclog.NewNullLogger()
}

// lastWords returns what says best why a plugin ended, to be put after how it ended: its panic, or its last few lines
// separated by bars; nothing if it said nothing.
func (l *pluginLog) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	const begin = ", last output: "
	if l.panicLine != "" {
		return begin + l.panicLine
	}
	var tail []string
	for i := max(0, l.lines-tailLines); i < l.lines; i++ {
		tail = append(tail, string(l.tail[i%tailLines]))
	}
	if len(tail) == 0 {
		return ""
	}
	return begin + strings.Join(tail, " | ")
}

// logEntry is a line that is an entry of hclog, or of slog's JSON.
type logEntry struct {
	level           hclog.Level
	source, message string
	values          []any
}

// parseEntry reads a line, which may be anything.
func parseEntry(line []byte) (e logEntry, ok bool) {
	if len(line) == 0 || line[0] != '{' {
		return e, false
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if decoder.Decode(&fields) != nil {
		return e, false
	}
	text := func(names ...string) (value string) {
		for _, name := range names {
			if s, is := fields[name].(string); is && value == "" {
				value = s
				delete(fields, name)
			}
		}
		return value
	}
	e.level = hclog.LevelFromString(text("@level", "level"))
	e.message, e.source = text("@message", "msg"), text("@module")
	text("@timestamp", "time") // the host's time is shown, of all lines alike
	if e.level == hclog.NoLevel || e.level == hclog.Off {
		return e, false
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		e.values = append(e.values, name, fields[name])
	}
	return e, true
}

// firstLine is a plugin's standard output before go-plugin reads it: it remembers the first line, which has to be the
// handshake. One goroutine reads; line may be called by others.
type firstLine struct {
	*os.File
	mu   sync.Mutex
	line []byte
	done bool
}

// Read passes on and remembers.
func (f *firstLine) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done || n == 0 {
		return n, err
	}
	piece := p[:n]
	if i := bytes.IndexByte(piece, '\n'); i >= 0 {
		piece, f.done = piece[:i], true
	}
	f.line = append(f.line, piece[:min(len(piece), max(0, handshakeBytes-len(f.line)))]...)
	return n, err
}

// handshakeBytes bounds a handshake line: it carries a certificate.
const handshakeBytes = 16 << 10

// text returns the first line as far as it was read.
func (f *firstLine) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.line)
}
