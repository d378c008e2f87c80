package cli

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// screen keeps a few lines at the bottom of a terminal up to date while log lines scroll above them. Show, Clear and
// Write may be called from any goroutine.
type screen struct {
	terminal io.Writer
	width    func() int

	mu    sync.Mutex
	lines []string
	shown int
	rest  []byte // of a log line that is not complete yet
}

// Show replaces the lines at the bottom.
func (s *screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = lines
	var b bytes.Buffer
	s.erase(&b)
	s.draw(&b)
	_, _ = s.terminal.Write(b.Bytes())
}

// Clear takes the lines away for good.
func (s *screen) Clear() { s.Show(nil) }

// Write prints whole log lines above the bottom.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	end := bytes.LastIndexByte(s.rest, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	var b bytes.Buffer
	s.erase(&b)
	b.Write(s.rest[:end])
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
	width := s.width()
	for _, line := range s.lines {
		b.WriteString(cut(line, width))
		b.WriteByte('\n')
	}
	s.shown = len(s.lines)
}

// cut shortens a line to a width, if there is one.
func cut(line string, width int) string {
	if width <= 1 || utf8.RuneCountInString(line) < width {
		return line
	}
	return string([]rune(line)[:width-2]) + "…"
}
