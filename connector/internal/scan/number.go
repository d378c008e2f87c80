package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// Powers of ten: as float64 they are exact up to 22, as uint64 up to 19.
var (
	floatPow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
		1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	uintPow10 = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
		1e17, 1e18, 1e19}
)

// digits8 returns the number that eight digits make, the first in the lowest byte, each as its value.
func digits8(x uint64) uint64 {
	x = x*10 + x>>8
	const mask = 0x000000ff000000ff
	return ((x&mask)*(100+1000000<<32) + (x>>16&mask)*(1+10000<<32)) >> 32
}

// quotedDecimal converts the decimal at b[i] that ends with a quote, when it is of the usual form: up to eight digits
// and up to eight decimals. It returns the index of the quote, or -1 when the long way has to be taken.
func quotedDecimal(b []byte, i int) (value float64, quote int) {
	if len(b)-i < 8 {
		return 0, -1
	}
	x := binary.LittleEndian.Uint64(b[i:]) ^ eachZero
	n := leadingDigits(x)
	if n == 0 {
		return 0, -1
	}
	mantissa := digits8(x << (64 - 8*uint(n)))
	if i += n; i < len(b) && b[i] == '"' {
		return float64(int64(mantissa)), i
	}
	if i++; len(b)-i < 8 || b[i-1] != '.' {
		return 0, -1
	}
	x = binary.LittleEndian.Uint64(b[i:]) ^ eachZero
	if n = leadingDigits(x); n == 8 && len(b)-i > 8 && b[i+8] == '"' && mantissa < 1<<25 {
		// As many as spot writes: apart, so that what comes behind the number does not wait for n.
		return float64(int64(mantissa*1e8+digits8(x))) / 1e8, i + 8
	}
	if n == 0 {
		return 0, -1
	}
	mantissa = mantissa*uintPow10[n&15] + digits8(x<<(64-8*uint(n)))
	if i += n; i >= len(b) || b[i] != '"' || mantissa >= 1<<53 {
		return 0, -1
	}
	// Both operands are exact, so the one rounding of the division is the right one.
	return float64(int64(mantissa)) / floatPow10[n&15], i
}

// decimal is a decimal number taken apart: mantissa times ten to the exponent.
type decimal struct {
	mantissa uint64
	exponent int
	negative bool
	// long says that there are more digits than mantissa can hold.
	long bool
}

// splitDecimal takes text apart: an optional minus, digits, optional decimals, optional exponent. Leading zeros are
// allowed; ok is false for anything else.
func splitDecimal(text []byte) (d decimal, ok bool) {
	i := 0
	if len(text) > 0 && text[0] == '-' {
		d.negative = true
		i++
	}
	end, err := skipFraction(text, skipDigits(text, i))
	if err != nil || end != len(text) || i == len(text) || text[i]-'0' > 9 {
		return d, false
	}
	point, digits, zeros := false, 0, 0
	for ; i < len(text) && text[i]|0x20 != 'e'; i++ {
		if text[i] == '.' {
			point = true
			continue
		}
		if point {
			d.exponent--
		}
		// Zeros at the end are held back: they matter only if another digit follows.
		zeros++
		if text[i] == '0' {
			continue
		}
		if digits > 0 {
			digits += zeros
		} else {
			digits = 1
		}
		if digits > len(uintPow10)-1 {
			d.long = true
			return d, true
		}
		d.mantissa = d.mantissa*uintPow10[min(zeros, digits)] + uint64(text[i]-'0')
		zeros = 0
	}
	d.exponent += zeros
	if i < len(text) {
		d.exponent += exponentValue(text[i+1:])
	}
	return d, true
}

// exponentValue reads a checked exponent; one beyond any use is cut off at a value that is as large.
func exponentValue(text []byte) int {
	sign, n := 1, 0
	for _, c := range text {
		switch {
		case c == '-':
			sign = -1
		case c != '+' && n < 1e6:
			n = n*10 + int(c-'0')
		}
	}
	return sign * n
}

// parseDecimal converts text as strconv.ParseFloat does, bit for bit. ok is false when text is no decimal number or
// too large.
func parseDecimal(text []byte) (value float64, ok bool) {
	d, ok := splitDecimal(text)
	if !ok {
		return 0, false
	}
	switch {
	case d.long:
	case d.mantissa == 0:
		ok = true
	case d.mantissa < 1<<53 && d.exponent >= 0 && d.exponent < len(floatPow10):
		value = float64(d.mantissa) * floatPow10[d.exponent]
	case d.mantissa < 1<<53 && d.exponent < 0 && -d.exponent < len(floatPow10):
		value = float64(d.mantissa) / floatPow10[-d.exponent]
	case d.exponent <= 0 && -d.exponent < len(uintPow10):
		value = divide(d.mantissa, uintPow10[-d.exponent])
	default:
		d.long = true
	}
	if d.long {
		value, err := strconv.ParseFloat(string(text), 64)
		return value, err == nil
	}
	if d.negative {
		value = math.Copysign(value, -1)
	}
	return value, true
}

// divide returns the float64 nearest to n/d, ties to even, for n and d other than 0.
func divide(n, d uint64) float64 {
	nShift, dShift := bits.LeadingZeros64(n), bits.LeadingZeros64(d)
	n <<= nShift
	// The quotient has 63 or 64 bits; what is below them only matters as being something.
	q, rest := bits.Div64(n>>1, n<<63, d<<dShift)
	exponent := dShift - nShift - 63
	drop := 64 - 53 - bits.LeadingZeros64(q)
	tail, half := q&(1<<drop-1), uint64(1)<<(drop-1)
	q >>= drop
	if tail > half || tail == half && (rest != 0 || q&1 == 1) {
		q++
	}
	return math.Ldexp(float64(q), exponent+drop)
}

// parseInt converts text to an int64; a fraction or exponent is fine when the value is whole.
func parseInt(text []byte) (value int64, ok bool) {
	d, ok := splitDecimal(text)
	if !ok || d.long {
		return 0, false
	}
	if d.mantissa == 0 {
		return 0, true
	}
	if d.exponent < 0 || d.exponent >= len(uintPow10) {
		return 0, false
	}
	high, n := bits.Mul64(d.mantissa, uintPow10[d.exponent])
	switch {
	case high != 0:
		return 0, false
	case d.negative && n <= 1<<63:
		return -int64(n), true
	case !d.negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}

// plainInt converts up to 16 digits at b[i] that end with a byte other than a point or exponent; ok is false when the
// long way has to be taken.
func plainInt(b []byte, i int) (value int64, ok bool) {
	if len(b)-i < 17 {
		return 0, false
	}
	x := binary.LittleEndian.Uint64(b[i:]) ^ eachZero
	n := leadingDigits(x)
	if n == 0 {
		return 0, false
	}
	value = int64(digits8(x << ((64 - 8*uint(n)) & 63)))
	i += n
	if n == 8 {
		x = binary.LittleEndian.Uint64(b[i:]) ^ eachZero
		if n = leadingDigits(x); n > 0 {
			value = value*int64(uintPow10[n&15]) + int64(digits8(x<<((64-8*uint(n))&63)))
		}
		i += n
	}
	return value, b[i]-'0' > 9 && b[i] != '.' && b[i]|0x20 != 'e'
}
