package scan

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
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
// anything: the lengths of price and quantity are guessed to be those of the row before, which is nearly always so, and
// are checked by the conversion.
func usualRows(rows []hft.Event, b []byte, i int) (grown []hft.Event, next int, atRow bool) {
	const open, middle, closing, further = '[' | '"'<<8, '"' | ','<<8 | '"'<<16, '"' | ']'<<8, ','<<16 | '['<<24
	room, n, pxLen, qtyLen := rows[len(rows):cap(rows)], 0, 1, 1
	atRow = true
	for n < len(room) && i <= len(b)-usualSpan {
		r := (*[usualSpan]byte)(b[i:])
		if binary.LittleEndian.Uint16(r[:]) != open {
			break
		}
		if uint32(load(r, 2+pxLen))&0xffffff != middle {
			if pxLen = quoteIndex(r, 2); pxLen > usualLen || uint32(load(r, 2+pxLen))&0xffffff != middle {
				break
			}
		}
		at := 5 + pxLen
		tail := binary.LittleEndian.Uint32(r[at+qtyLen:])
		if tail&0xffff != closing {
			if qtyLen = quoteIndex(r, at); qtyLen > usualLen {
				break
			}
			if tail = binary.LittleEndian.Uint32(r[at+qtyLen:]); tail&0xffff != closing {
				break
			}
		}
		end := at + qtyLen
		px, qty, ok := 0.0, 0.0, false
		x, y := load(r, 2)^eachZero, load(r, at)^eachZero
		pxWhole, qtyWhole := 0, 0
		if max(pxLen, qtyLen) <= 8 {
			pxWhole, qtyWhole = pointAt(x, pxLen), pointAt(y, qtyLen)
		}
		if pxWhole > 0 && qtyWhole > 0 {
			px, qty = pointTaken(x, pxLen, pxWhole), pointTaken(y, qtyLen, qtyWhole)
		} else if px, ok = longDecimal(r, 2, pxLen); !ok {
			break
		} else if qty, ok = longDecimal(r, at, qtyLen); !ok {
			break
		}
		e := &room[n]
		*e = hft.Event{}
		e.Px, e.Qty = px, qty
		n++
		i += end + 2
		if tail&^0xffff != further {
			atRow = false
			break
		}
		i++
	}
	return rows[:len(rows)+n], i, atRow
}

// Usual reads a message of a form that is known, from the first byte on. Where it is of another, OK is false from then
// on, and what was read means nothing: Scan takes every form.
type Usual struct {
	payload *Payload
	i       int // -1 when it has failed
}

// Usual begins with a message, in place of Scan.
func (p *Payload) Usual(raw []byte) Usual {
	p.raw, p.scratch = raw, p.scratch[:0]
	return Usual{payload: p}
}

// Skip takes what has to stand there.
func (u *Usual) Skip(text string) {
	if b := u.payload.raw; u.i >= 0 && len(b)-u.i >= len(text) && string(b[u.i:u.i+len(text)]) == text {
		u.i += len(text)
	} else {
		u.i = -1
	}
}

// Text takes a string without escapes.
func (u *Usual) Text() []byte {
	start := u.i + 1
	if u.i >= 0 {
		u.i = usualText(u.payload.raw, u.i)
	}
	if u.i < 0 {
		return nil
	}
	return u.payload.raw[start : u.i-1]
}

// Int takes a whole number above 0.
func (u *Usual) Int() (value int64) {
	if u.i >= 0 {
		value, u.i = usualInt(u.payload.raw, u.i)
	}
	return value
}

// Decimal takes a price or quantity in quotes.
func (u *Usual) Decimal() (value float64) {
	if b := u.payload.raw; u.i >= 0 && u.i < len(b) {
		value, u.i = usualDecimal(b, u.i)
	} else {
		u.i = -1
	}
	return value
}

// Bool takes a truth value.
func (u *Usual) Bool() bool {
	const yes, no = "true", "false"
	switch b := u.payload.raw; {
	case u.i < 0:
	case len(b)-u.i >= len(yes) && string(b[u.i:u.i+len(yes)]) == yes:
		u.i += len(yes)
		return true
	case len(b)-u.i >= len(no) && string(b[u.i:u.i+len(no)]) == no:
		u.i += len(no)
	default:
		u.i = -1
	}
	return false
}

// Rows appends the array of prices and quantities to rows, with everything else zero.
func (u *Usual) Rows(rows []hft.Event) []hft.Event {
	if u.i < 0 {
		return rows
	}
	rows, next, err := u.payload.appendRows(rows, u.i)
	if u.i = next; err != nil {
		u.i = -1
	}
	return rows
}

// Ends reports whether all was of the form, and is over.
func (u *Usual) Ends() bool { return u.i == len(u.payload.raw) }

// UsualTrade is what a trade of Binance says.
type UsualTrade struct {
	Symbol []byte
	// FirstID and LastID are of what the trade is made of, At is when it was, as the venue writes it.
	FirstID, LastID, At int64
	Px, Qty             float64
	BuyerIsMaker        bool
}

// Fill stores the trade in m, which was reset, as Payload.Trade does. It reports whether its time is one.
func (t *UsualTrade) Fill(localTimestampNs int64, m *connector.Message) bool {
	exchNs, unit, ok := hft.UnixNs(t.At, time.Millisecond)
	if !ok {
		return false
	}
	side := hft.BuyEvent
	if t.BuyerIsMaker {
		side = hft.SellEvent
	}
	m.Kind, m.Symbol, m.FirstID, m.LastID, m.ExchTimestampNs, m.TimeUnit = connector.MessageTrade, t.Symbol, t.FirstID,
		t.LastID, exchNs, unit
	m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | hft.TradeEvent | side, ExchTimestampNs: exchNs,
		LocalTimestampNs: localTimestampNs, Px: t.Px, Qty: t.Qty})
	return true
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

// pointAt returns the index of the decimal point among the n characters in x, text exclusive-ored with eachZero, when
// they are three to eight and digits on both sides of one point, and 0 for anything else.
func pointAt(x uint64, n int) int {
	flags := (x | (x + eachTop6)) & eachHigh // of the bytes that are no digits; the lowest two are exact
	flags <<= (64 - 8*uint(n)) & 63
	whole := bits.TrailingZeros64(flags)>>3 - (8 - n) // counts from the first character again
	const point = '.' ^ '0'
	if uint(n-3) > 5 || flags&(flags-1) != 0 || uint(whole-1) > uint(n-3) || x>>(8*uint(whole)&63)&0xff != point {
		return 0
	}
	return whole
}

// pointTaken converts what pointAt has found: it takes the point out and converts all digits at once.
func pointTaken(x uint64, n, whole int) float64 {
	below := uint64(1)<<(8*uint(whole)&63) - 1
	x = x&below | x>>8&^below
	return float64(int64(digits8(x<<((72-8*uint(n))&63)))) / floatPow10[(n-1-whole)&15]
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
