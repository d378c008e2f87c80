package market

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of Step.Parse.
var (
	// ErrNumber: the text is not a decimal number, or is out of range.
	ErrNumber = errors.New("not a decimal number")
	// ErrPrecision: the number has more decimals than the step is written with.
	ErrPrecision = errors.New("too many decimals")
	// ErrStep: the number is not a multiple of the step.
	ErrStep = errors.New("not a multiple of the step")
)

// maxScale bounds the decimals of a step.
const maxScale = 12

// Step is the step of a price (tick) or of a quantity (lot): numbers are counted in it. The zero Step is not valid.
type Step struct {
	// The step is units * 10^-scale; decimals is how many decimals its numbers are written with, at least scale.
	units           int64
	scale, decimals int
}

// ParseStep reads a step, such as 0.10, whose decimals are those of all numbers written with it.
func ParseStep(text string) (Step, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	significant := strings.TrimRight(fraction, "0")
	if len(fraction) > maxScale {
		return Step{}, fmt.Errorf("step %q: %w: must be at most %d", text, ErrPrecision, maxScale)
	}
	units, err := strconv.ParseInt(whole+significant, 10, 64)
	if err != nil || units <= 0 || units > 1e5 || text[0] == '+' {
		return Step{}, fmt.Errorf("step %q: %w above 0, such as 0.001", text, ErrNumber)
	}
	return Step{units: units, scale: len(significant), decimals: len(fraction)}, nil
}

// Float returns the step as a number.
func (s Step) Float() float64 { return float64(s.units) / float64(pow10(s.scale)) }

// Decimals returns how many decimals numbers are written with.
func (s Step) Decimals() int { return s.decimals }

// String returns the step as text.
func (s Step) String() string { return s.Format(1) }

// Parse returns the number of steps in text; the sign may be minus. Errors are ErrNumber, ErrPrecision and ErrStep.
func (s Step) Parse(text string) (int64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(whole)+len(fraction) == 0 || len(whole) > 15 {
		return 0, ErrNumber
	}
	for _, c := range whole + fraction {
		if c < '0' || c > '9' {
			return 0, ErrNumber
		}
	}
	if len(fraction) > s.decimals {
		return 0, ErrPrecision
	}
	if len(fraction) > s.scale {
		return 0, ErrStep
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", s.scale-len(fraction)), 10, 64)
	if err != nil {
		return 0, ErrNumber
	}
	if n%s.units != 0 {
		return 0, ErrStep
	}
	n /= s.units
	if negative {
		n = -n
	}
	return n, nil
}

// Format writes n steps as a decimal number.
func (s Step) Format(n int64) string { return string(s.Append(nil, n)) }

// Append appends n steps as a decimal number.
func (s Step) Append(b []byte, n int64) []byte {
	return appendDecimal(b, n*s.units, s.scale, s.decimals)
}

// appendDecimal appends n * 10^-scale with so many decimals, at least scale.
func appendDecimal(b []byte, n int64, scale, decimals int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	unit := pow10(scale)
	b = strconv.AppendInt(b, n/unit, 10)
	if decimals == 0 {
		return b
	}
	b = append(b, '.')
	fraction := strconv.AppendInt(nil, n%unit, 10)
	for range scale - len(fraction) {
		b = append(b, '0')
	}
	if scale > 0 {
		b = append(b, fraction...)
	}
	for range decimals - scale {
		b = append(b, '0')
	}
	return b
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Amount is an amount of money or of an asset in units of 1e-8.
type Amount int64

// amountScale is the decimals of an Amount.
const amountScale = 8

// String returns the amount with 8 decimals.
func (a Amount) String() string {
	return string(appendDecimal(nil, int64(a), amountScale, amountScale))
}

// Float returns the amount as a number.
func (a Amount) Float() float64 { return float64(a) / 1e8 }

// ParseAmount reads an amount with up to 8 decimals.
func ParseAmount(text string) (Amount, error) {
	n, err := Step{units: 1, scale: amountScale, decimals: amountScale}.Parse(text)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", text, err)
	}
	return Amount(n), nil
}
