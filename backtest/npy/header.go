package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	magic = "\x93NUMPY"
	// preambleBytes is the size of magic, version and header length.
	preambleBytes = 10
	// headerAlign is what the size of preamble and header is a multiple of, so that rows are aligned in the file.
	headerAlign = 64
)

// header is what the head of an array says.
type header struct {
	descr Dtype
	shape []int64
	// fortran says that columns lie together.
	fortran bool
	// bytes is the size of preamble and header: where the rows begin.
	bytes int64
}

// readHeader reads preamble and header from the start of an array. It reads not a byte of the rows.
func readHeader(src io.Reader) (header, error) {
	var preamble [preambleBytes]byte
	n, err := io.ReadFull(src, preamble[:])
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return header{}, err
	case n == 0:
		return header{}, fmt.Errorf("%w: it is empty; fetch or convert the data again", ErrTruncated)
	}
	if got := string(preamble[:min(n, len(magic))]); got != magic[:len(got)] {
		return header{}, fmt.Errorf("%w: %s", ErrFormat, strangeMagic(preamble[:n]))
	}
	if n < preambleBytes {
		return header{}, fmt.Errorf("%w: it ends within its header, after %d bytes; fetch or convert the data again",
			ErrTruncated, n)
	}
	if preamble[6] != 1 || preamble[7] != 0 {
		return header{}, fmt.Errorf("%w: format version %d.%d; write it as version 1.0 (numpy.lib.format.write_array with version=(1, 0))",
			ErrFormat, preamble[6], preamble[7])
	}
	text := make([]byte, binary.LittleEndian.Uint16(preamble[8:]))
	if n, err := io.ReadFull(src, text); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return header{}, fmt.Errorf("%w: its header has %d of %d bytes; fetch or convert the data again", ErrTruncated,
			n, len(text))
	} else if err != nil {
		return header{}, err
	}
	if (preambleBytes+len(text))%headerAlign != 0 {
		return header{},
			fmt.Errorf("%w: the rows begin at byte %d, which is not a multiple of %d; save the array again with NumPy",
				ErrFormat, preambleBytes+len(text), headerAlign)
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return header{}, fmt.Errorf("%w: header: %w; save the array again with NumPy", ErrFormat, err)
	}
	h.bytes = int64(preambleBytes + len(text))
	return h, nil
}

// strangeMagic says what a file is that does not begin as an array does.
func strangeMagic(start []byte) string {
	switch {
	case len(start) >= 2 && start[0] == 0x1f && start[1] == 0x8b:
		return "it is compressed with gzip; unpack it first"
	case strings.HasPrefix(string(start), "PK"):
		return "it is a zip archive; name it .npz"
	}
	return "it does not begin with NumPy's mark; save the array with numpy.save"
}

// parseHeader reads the Python dictionary of a header, followed by nothing but space.
func parseHeader(text string) (header, error) {
	p := literal{text: text}
	var h header
	seen := map[string]bool{}
	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.str()
		p.expect(':')
		if p.err == nil && seen[key] {
			return header{}, fmt.Errorf("key %q stands there twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			h.descr = p.descr()
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.shape()
		default:
			p.fail("key %q is not known", key)
		}
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	if p.err == nil && strings.Trim(p.text[p.at:], " \t\n\r") != "" {
		p.fail("text after the dictionary")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			p.fail("key %q is missing", key)
		}
	}
	return h, p.err
}

// literal reads the parts of a Python literal. After a failure all methods return at once.
type literal struct {
	text string
	at   int
	err  error
}

func (p *literal) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+" (at byte %d)", append(args, p.at)...)
	}
}

// peek returns the next byte that is not space, 0 at the end.
func (p *literal) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.err != nil || p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *literal) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *literal) expect(c byte) {
	if !p.accept(c) {
		p.fail("%q is missing", string(c))
	}
}

// validString reports whether s has only the characters that hftbacktest accepts in a string of a header.
func validString(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '<' || c == '>' || c == '_') {
			return false
		}
	}
	return s != ""
}

func (p *literal) str() string {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		p.fail("a string is missing")
		return ""
	}
	rest := p.text[p.at+1:]
	n := strings.IndexByte(rest, quote)
	if n < 0 || !validString(rest[:n]) {
		p.fail("a string may have only letters, digits, <, > and _")
		return ""
	}
	p.at += n + 2
	return rest[:n]
}

func (p *literal) boolean() bool {
	c := p.peek()
	for word, value := range map[string]bool{"True": true, "False": false} {
		if c != 0 && strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return value
		}
	}
	p.fail("True or False is missing")
	return false
}

func (p *literal) descr() Dtype {
	if c := p.peek(); c == '\'' || c == '"' {
		p.fail("it is an array of %q without fields", p.str())
	}
	var d Dtype
	p.expect('[')
	for p.err == nil && !p.accept(']') {
		p.expect('(')
		name := p.str()
		p.expect(',')
		kind := p.str()
		p.accept(',')
		p.expect(')')
		d = append(d, Field{name, kind})
		if !p.accept(',') {
			p.expect(']')
			break
		}
	}
	return d
}

func (p *literal) shape() []int64 {
	var shape []int64
	p.expect('(')
	for p.err == nil && !p.accept(')') {
		shape = append(shape, p.number())
		if !p.accept(',') {
			p.expect(')')
			break
		}
	}
	return shape
}

// number reads a number of at most 18 digits.
func (p *literal) number() int64 {
	c := p.peek()
	start, n := p.at, int64(0)
	for ; c >= '0' && c <= '9' && p.at-start < 19; c = p.peekRaw() {
		n = 10*n + int64(c-'0')
		p.at++
	}
	if digits := p.at - start; digits == 0 || digits > 18 {
		p.fail("a number is missing or too long")
	}
	return n
}

// peekRaw returns the next byte, 0 at the end.
func (p *literal) peekRaw() byte {
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// check compares the header with the rows that are wanted and returns warnings about what does no harm.
func (h *header) check(d Dtype) (warnings []string, err error) {
	if h.fortran {
		return nil, fmt.Errorf("%w: it is in Fortran order; save numpy.ascontiguousarray(rows)", ErrFormat)
	}
	if len(h.shape) != 1 {
		return nil, fmt.Errorf("%w: it has %d dimensions where rows have 1; save rows.ravel()", ErrFormat, len(h.shape))
	}
	if len(h.descr) != len(d) {
		return nil,
			fmt.Errorf("%w: its rows have %d fields, %v, where %d are expected, %v; check that it is this kind of file",
				ErrFormat, len(h.descr), h.descr, len(d), d)
	}
	for i, want := range d {
		got := h.descr[i]
		if got.Type != want.Type {
			return nil,
				fmt.Errorf("%w: field %d, %q, has type %s where %s %s is expected; check that it is this kind of file",
					ErrFormat, i, got.Name, got.Type, want.Name, want.Type)
		}
		if got.Name != want.Name {
			warnings = append(warnings, fmt.Sprintf("field %d is called %q, not %q; it is read as %q", i, got.Name,
				want.Name, want.Name))
		}
	}
	return warnings, nil
}

// appendHeader appends preamble and header of an array of numRows rows, as NumPy writes them.
func appendHeader(dst []byte, d Dtype, numRows int64) []byte {
	text := fmt.Sprintf("{'descr': %v, 'fortran_order': False, 'shape': (%d,), }", d, numRows)
	padding := headerAlign - (preambleBytes+len(text)+1)%headerAlign
	text += strings.Repeat(" ", padding%headerAlign) + "\n"
	dst = append(dst, magic...)
	dst = append(dst, 1, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	return append(dst, text...)
}
