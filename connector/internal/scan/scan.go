package scan

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth bounds nesting, and with it the stack that a hostile message can take.
const maxDepth = 512

// Constants of the scans that look at eight bytes at once.
const (
	eachOne  uint64 = 0x0101010101010101
	eachHigh uint64 = 0x8080808080808080
	eachZero uint64 = 0x3030303030303030 // the digit 0
	eachTop6 uint64 = 0x7676767676767676 // added to 10 or more it reaches the high bit
)

// skipSpace returns the index of the first byte from i on that is not white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipDigits returns the index of the first byte from i on that is not a digit.
func skipDigits(b []byte, i int) int {
	for len(b)-i >= 8 {
		n := leadingDigits(binary.LittleEndian.Uint64(b[i:]) ^ eachZero)
		i += n
		if n < 8 {
			return i
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// leadingDigits counts the bytes below 10 at the low end of x: text that was exclusive-ored with eachZero.
func leadingDigits(x uint64) int {
	return bits.TrailingZeros64((x|(x+eachTop6))&eachHigh) >> 3
}

// skipNumber checks the number at b[i] and returns the index behind it.
func skipNumber(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start {
		return i, fail(i, "a value is expected")
	}
	if b[start] == '0' && i > start+1 {
		return i, fail(start, "a number has a leading zero")
	}
	return skipFraction(b, i)
}

// skipFraction checks fraction and exponent, both optional, and returns the index behind them.
func skipFraction(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = skipDigits(b, start); i == start {
			return i, fail(i, "digits are expected after the decimal point")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = skipDigits(b, start); i == start {
			return i, fail(i, "digits are expected in the exponent")
		}
	}
	return i, nil
}

// skipString checks the string whose opening quote is b[i] and returns the index behind its closing quote.
func skipString(b []byte, i int) (end int, escaped bool, err error) {
	i++
	for {
		for len(b)-i >= 8 {
			n := firstSpecial(binary.LittleEndian.Uint64(b[i:]))
			i += n
			if n < 8 {
				break
			}
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		switch {
		case i >= len(b):
			return i, escaped, fail(i, "the message ends inside a string")
		case b[i] == '"':
			return i + 1, escaped, nil
		case b[i] != '\\':
			return i, escaped, fail(i, "a control character stands inside a string")
		}
		escaped = true
		if i, err = skipEscape(b, i); err != nil {
			return i, escaped, err
		}
	}
}

// firstSpecial returns the index of the first byte of w, from the low end, that is a quote, a backslash or a control
// character, and 8 when there is none.
func firstSpecial(w uint64) int {
	quote, slash := w^(eachOne*'"'), w^(eachOne*'\\')
	// The lowest flag is exact; a borrow can only add wrong ones above it.
	return bits.TrailingZeros64(((quote-eachOne)&^quote|(slash-eachOne)&^slash|(w-eachOne*' ')&^w)&eachHigh) >> 3
}

// skipEscape checks the escape at b[i] and returns the index behind it.
func skipEscape(b []byte, i int) (int, error) {
	if i+1 >= len(b) {
		return i, fail(i, "the message ends inside a string")
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		if _, ok := hex4(b, i+2); ok {
			return i + 6, nil
		}
	}
	return i, fail(i, "a string has an escape that is not of JSON")
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte, i int) (r rune, ok bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// skipValue checks the value at b[i], which is no white space, and returns the index behind it.
func skipValue(b []byte, i, depth int) (int, error) {
	if i >= len(b) {
		return i, fail(i, "the message ends where a value is expected")
	}
	switch b[i] {
	case '"':
		end, _, err := skipString(b, i)
		return end, err
	case '{':
		return skipMembers(b, i, depth, true)
	case '[':
		return skipMembers(b, i, depth, false)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

func skipWord(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, fail(i, "a value is expected")
	}
	return i + len(word), nil
}

// skipMembers checks the object or array that opens at b[i] and returns the index behind it.
func skipMembers(b []byte, i, depth int, object bool) (int, error) {
	if depth >= maxDepth {
		return i, fail(i, "the message is nested too deeply")
	}
	closing := byte(']')
	if object {
		closing = '}'
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1, nil
	}
	for {
		var err error
		if object {
			if i, _, err = skipKey(b, i); err != nil {
				return i, err
			}
		}
		if i, err = skipValue(b, i, depth+1); err != nil {
			return i, err
		}
		var more bool
		if i, more, err = skipSeparator(b, i, closing); err != nil || !more {
			return i, err
		}
	}
}

// skipKey checks the name and colon at b[i] and returns the index of the value.
func skipKey(b []byte, i int) (next int, escaped bool, err error) {
	if i >= len(b) || b[i] != '"' {
		return i, false, fail(i, "a name in quotes is expected")
	}
	if i, escaped, err = skipString(b, i); err != nil {
		return i, escaped, err
	}
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return i, escaped, fail(i, "a colon is expected")
	}
	return skipSpace(b, i+1), escaped, nil
}

// skipSeparator takes what stands behind a member: a comma, after which more follows, or the closing bracket.
func skipSeparator(b []byte, i int, closing byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	switch {
	case i >= len(b):
		return i, false, fail(i, "the message ends inside an object or array")
	case b[i] == ',':
		return skipSpace(b, i+1), true, nil
	case b[i] == closing:
		return i + 1, false, nil
	}
	return i, false, fail(i, "a comma or closing bracket is expected")
}
