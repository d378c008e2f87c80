package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// none stands for a value that does not exist.
const none = "-"

// whole returns an integer with its thousands apart.
func whole[T int | int64 | uint64](n T) string { return thousands(fmt.Sprint(n)) }

// thousands puts commas into the integer part of a decimal number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		sign, s = s[:1], s[1:]
	}
	integer, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, digit := range integer {
		if i > 0 && (len(integer)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + b.String() + fraction
}

// decimal returns a price or quantity without the noise of binary fractions: at most eight decimals.
func decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return none
	}
	s := strconv.FormatFloat(x, 'f', 8, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		s = "0"
	}
	return thousands(s)
}

// money returns an amount: two decimals, four below one, with its sign.
func money(x float64) string {
	decimals := 2
	if math.Abs(x) < 1 {
		decimals = 4
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return "0"
	}
	if x > 0 {
		s = "+" + s
	}
	return thousands(s)
}

// amount returns an amount that has no sign.
func amount(x float64) string { return strings.TrimPrefix(money(x), "+") }

// latency returns a short time with three digits and its unit; 0 is none.
func latency(ns int64) string {
	x := math.Abs(float64(ns))
	sign := ""
	if ns < 0 {
		sign = "-"
	}
	switch {
	case ns == 0:
		return none
	case x < 1e3:
		return fmt.Sprintf("%d ns", ns)
	case x < 1e6:
		return sign + threeDigits(x/1e3) + " µs"
	case x < 1e9:
		return sign + threeDigits(x/1e6) + " ms"
	}
	return sign + threeDigits(x/1e9) + " s"
}

func threeDigits(x float64) string {
	switch {
	case x < 9.995:
		return fmt.Sprintf("%.2f", x)
	case x < 99.95:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// uptime returns a long time in whole seconds.
func uptime(ns int64) string {
	d := time.Duration(ns).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// mid returns the middle of two prices, which are 0 when there is none.
func mid(bid, ask float64) string {
	if bid == 0 || ask == 0 {
		return none
	}
	return decimal((bid + ask) / 2)
}
