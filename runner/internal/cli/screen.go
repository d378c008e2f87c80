package cli

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/runlog"
)

// screen keeps a few lines at the bottom of a terminal up to date while log lines scroll above them. Show, Clear and
// Write may be called from any goroutine.
type screen struct {
	terminal io.Writer
	width    func() int
	// log is the log whose goroutine draws, so that a terminal that was stopped (Ctrl-S) holds up nobody else. Without
	// one, who calls draws.
	log *runlog.Log

	next atomic.Pointer[[]string] // what to show
	// mu is held while drawing.
	mu    sync.Mutex
	shown int
	rest  []byte // of a log line that is not complete yet
}

// Show replaces the lines at the bottom.
func (s *screen) Show(lines []string) {
	s.next.Store(&lines)
	if s.log != nil {
		s.log.Touch()
		return
	}
	_, _ = s.Write(nil)
}

// Clear takes the lines away for good.
func (s *screen) Clear() {
	s.Show(nil)
	if s.log != nil {
		s.log.Flush(outputGrace)
	}
}

// Write prints whole log lines above the bottom.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	end := bytes.LastIndexByte(s.rest, '\n') + 1
	if end == 0 && len(p) > 0 {
		return len(p), nil
	}
	var b bytes.Buffer
	s.erase(&b)
	b.Write(control.Plain(s.rest[:end]))
	s.rest = append(s.rest[:0], s.rest[end:]...)
	s.draw(&b)
	if _, err := s.terminal.Write(b.Bytes()); err != nil {
		return 0, fmt.Errorf("write to the terminal: %w", err)
	}
	return len(p), nil
}

// erase moves up over the lines shown and clears to the end of the screen.
func (s *screen) erase(b *bytes.Buffer) {
	if s.shown > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", s.shown)
	}
	s.shown = 0
}

// draw prints the lines, cut to the terminal's width, because a wrapped line would be counted wrong by erase.
func (s *screen) draw(b *bytes.Buffer) {
	lines := s.next.Load()
	if lines == nil {
		return
	}
	width := s.width()
	for _, line := range *lines {
		b.WriteString(cut(control.PlainLine(line), width))
		b.WriteByte('\n')
	}
	s.shown = len(*lines)
}

// cut shortens a line to a width, if there is one.
func cut(line string, width int) string {
	if width <= 1 || utf8.RuneCountInString(line) < width {
		return line
	}
	return string([]rune(line)[:width-2]) + "…"
}
