package binancejson

import (
	"encoding/binary"
	"math/bits"

	"hftrunner/hft"
)

// usualSpan is more than a row of the usual form takes: brackets, quotes, comma and twice 16 characters.
const usualSpan = 48

// usualLen is the longest number that usualRows converts.
const usualLen = 16

// usualRows converts as many rows as it can from the one at b[i] on: rows of the form ["price","quantity"] without
// white space, numbers of at most eight digits before the point and at most eight after it, while rows has room and
// the end of b is not near. It returns where it stopped, and with atRow that this is a row that it left to others.
//
// The index of the next row is the only thing that an iteration waits for, so it is found without converting
// anything: the length of the price is guessed to be that of the row before, which is nearly always so, and the quote
// behind the quantity is searched in one word. Both are checked by the conversion.
func usualRows(rows []hft.Event, b []byte, i int) (grown []hft.Event, next int, atRow bool) {
	pxLen := 0
	for len(rows) < cap(rows) && i <= len(b)-usualSpan {
		r := (*[usualSpan]byte)(b[i:])
		if r[0] != '[' || r[1] != '"' {
			break
		}
		if pxLen == 0 || r[(2+pxLen)&31] != '"' {
			if pxLen = quoteIndex(r, 2); pxLen > usualLen {
				break
			}
		}
		at := (2 + pxLen) & 31
		if r[at+1] != ',' || r[at+2] != '"' {
			break
		}
		at = (at + 3) & 31
		qtyLen := quoteIndex(r, at)
		end := (at + qtyLen) & 63
		if qtyLen > usualLen || end >= usualSpan-3 || r[end+1] != ']' {
			break
		}
		px, pxOK := usualDecimal(load(r, 2), pxLen)
		if !pxOK {
			if px, pxOK = longDecimal(r, 2, pxLen); !pxOK {
				break
			}
		}
		qty, qtyOK := usualDecimal(load(r, at), qtyLen)
		if !qtyOK {
			if qty, qtyOK = longDecimal(r, at, qtyLen); !qtyOK {
				break
			}
		}
		n := len(rows)
		rows = rows[:n+1]
		rows[n] = hft.Event{Px: px, Qty: qty}
		i += end + 2
		if r[end+2] != ',' || r[end+3] != '[' {
			return rows, i, false
		}
		i++
	}
	return rows, i, true
}

// load returns the eight bytes at r[i&31], the first in the lowest byte.
func load(r *[usualSpan]byte, i int) uint64 { return binary.LittleEndian.Uint64(r[i&31:]) }

// quoteIndex returns how far behind i&31 the next quote is, or a number above usualLen when it is farther.
func quoteIndex(r *[usualSpan]byte, i int) int {
	x := load(r, i) ^ eachOne*'"'
	if flags := (x - eachOne) &^ x & eachHigh; flags != 0 {
		return bits.TrailingZeros64(flags) >> 3
	}
	for n := 8; n <= usualLen && i+n < usualSpan; n++ {
		if r[i+n] == '"' {
			return n
		}
	}
	return usualLen + 1
}

// usualDecimal converts the n characters in x, the first in the lowest byte, when they are three to eight and digits
// on both sides of a point.
func usualDecimal(x uint64, n int) (value float64, ok bool) {
	x ^= eachZero
	flags := (x | (x + eachTop6)) & eachHigh // of the bytes that are no digits; the lowest two are exact
	whole := bits.TrailingZeros64(flags) >> 3 & 7
	inside := flags << ((64 - 8*uint(n)) & 63)
	decimals := n - 1 - whole
	const point = '.' ^ '0'
	if uint(n-3) > 5 || inside&(inside-1) != 0 || x>>(8*uint(whole)&63)&0xff != point || whole == 0 || decimals < 1 {
		return 0, false
	}
	// Take the point out and convert all digits at once.
	below := uint64(1)<<(8*uint(whole)&63) - 1
	x = x&below | x>>8&^below
	return float64(int64(digits8(x<<((72-8*uint(n))&63)))) / floatPow10[decimals&15], true
}

// longDecimal converts the n characters at r[i], at most usualLen, when they are one to eight digits, alone or with a
// point and one to eight decimals.
func longDecimal(r *[usualSpan]byte, i, n int) (value float64, ok bool) {
	x := load(r, i) ^ eachZero
	whole := leadingDigits(x)
	if whole >= n {
		return float64(int64(digits8(x << ((64 - 8*uint(n)) & 63)))), n > 0
	}
	decimals := n - whole - 1
	if r[(i+whole)&31] != '.' || whole == 0 || decimals == 0 || decimals > 8 {
		return 0, false
	}
	y := load(r, i+whole+1) ^ eachZero
	if leadingDigits(y) < decimals {
		return 0, false
	}
	mantissa := digits8(x<<((64-8*uint(whole))&63))*uintPow10[decimals] + digits8(y<<((64-8*uint(decimals))&63))
	// Both operands are exact, so the one rounding of the division is the right one.
	return float64(int64(mantissa)) / floatPow10[decimals], mantissa < 1<<53
}
