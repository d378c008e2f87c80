package control

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Plain returns text as it may be printed: control characters, by which what somebody else wrote could clear a terminal
// or write over other lines, and characters that are not seen or turn the direction of others, stand there as the
// escapes of JSON and Go, such as \u001b. Line ends and tabs stay. It is text itself when there is nothing to replace.
func Plain(text []byte) []byte {
	var out []byte
	kept := 0 // text up to here is in out
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRune(text[i:])
		}
		if !unseen(c) {
			i += size
			continue
		}
		out = append(out, text[kept:i]...)
		if high, low := utf16.EncodeRune(c); high != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, c)
		}
		i += size
		kept = i
	}
	if kept == 0 {
		return text
	}
	return append(out, text[kept:]...)
}

// unseen reports whether a character is a control or format character or ends a line, other than those of every text.
func unseen(c rune) bool {
	if c < utf8.RuneSelf {
		return c != '\n' && c != '\t' && (c < ' ' || c == 0x7f)
	}
	return unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
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
