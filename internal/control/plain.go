package control

import (
	"bytes"
	"fmt"
	"io"
)

// Plain returns text as it may be printed: control characters, by which what somebody else wrote could clear a terminal or
// write over other lines, stand there as the escapes of JSON and Go, such as \u001b. Line ends and tabs stay. It is text
// itself when there is nothing to replace.
func Plain(text []byte) []byte {
	var out []byte
	kept := 0 // text up to here is in out
	for i := 0; i < len(text); i++ {
		c, size := rune(text[i]), 1
		switch {
		case c == '\n' || c == '\t' || c >= ' ' && c != 0x7f && c != 0xc2:
			continue
		case c == 0xc2: // the first byte of U+0080 to U+00BF, of which the lower half are control characters
			if i+1 == len(text) || text[i+1] < 0x80 || text[i+1] > 0x9f {
				continue
			}
			c, size = rune(text[i+1]), 2
		}
		out = fmt.Appendf(append(out, text[kept:i]...), `\u%04x`, c)
		kept = i + size
		i = kept - 1
	}
	if kept == 0 {
		return text
	}
	return append(out, text[kept:]...)
}

// PlainLine is Plain of what has to stay in its line.
func PlainLine(text string) string {
	return string(bytes.ReplaceAll(Plain([]byte(text)), []byte("\n"), []byte(`\n`)))
}

// PlainWriter passes on Plain of what is written to it. A character should not be split over two writes.
type PlainWriter struct{ io.Writer }

// Write passes on p.
func (w PlainWriter) Write(p []byte) (int, error) {
	if _, err := w.Writer.Write(Plain(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
