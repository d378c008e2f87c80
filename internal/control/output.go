package control

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	// tailLines and tailLineBytes bound what is remembered of a plugin's standard error.
	tailLines     = 3
	tailLineBytes = 512
)

// pluginLog takes what a plugin writes to its standard error and, once it runs, to its standard output, passes it on
// to the strategy's log line by line and remembers the end of it, for the error text of a plugin that exited. Its
// streams may be written by one goroutine each. Lines beyond the last tailLines are forgotten, but not the line that
// starts a panic.
type pluginLog struct {
	mu        sync.Mutex
	out       io.Writer
	tail      []string
	panicLine string
}

func newPluginLog(out io.Writer) *pluginLog {
	if out == nil {
		out = io.Discard
	}
	return &pluginLog{out: out}
}

// logStream is one stream into a pluginLog. It keeps a line that is not complete yet, up to streamLineBytes of it.
type logStream struct {
	log    *pluginLog
	prefix string
	line   []byte
}

// streamLineBytes is where a line without an end is broken.
const streamLineBytes = 64 << 10

// stream returns a stream whose lines get a prefix in the log.
func (l *pluginLog) stream(prefix string) *logStream { return &logStream{log: l, prefix: prefix} }

// Write takes any piece of the output. It never fails: a full disk of the log must not stop a strategy.
func (s *logStream) Write(p []byte) (int, error) {
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		s.line = append(s.line, rest[:i]...)
		s.endLine()
		rest = rest[i+1:]
	}
	s.line = append(s.line, rest...)
	if len(s.line) >= streamLineBytes {
		s.endLine()
	}
	return len(p), nil
}

// close makes the log forget its writer: go-plugin's goroutines may have something to say a moment later.
func (l *pluginLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = io.Discard
}

func (s *logStream) endLine() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.remember(string(s.line[:min(len(s.line), tailLineBytes)]))
	_, _ = fmt.Fprintf(s.log.out, "%s%s\n", s.prefix, s.line)
	s.line = s.line[:0]
}

func (l *pluginLog) remember(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	if l.panicLine == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		l.panicLine = line
	}
	if len(l.tail) == tailLines {
		l.tail = append(l.tail[:0], l.tail[1:]...)
	}
	l.tail = append(l.tail, line)
}

// lastWords returns what says best why a plugin ended, to be put after how it ended: its panic, or its last few lines
// separated by bars; nothing if it said nothing.
func (l *pluginLog) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.panicLine != "":
		return ", its last words were: " + l.panicLine
	case len(l.tail) > 0:
		return ", its last words were: " + strings.Join(l.tail, " | ")
	}
	return ""
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
