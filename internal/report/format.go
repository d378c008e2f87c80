package report

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// missing stands for a number that is not known.
const missing = "–"

// formatNumber writes a number for people: thousands set apart, four digits that count, a real minus.
func formatNumber(x float64) string {
	switch abs := math.Abs(x); {
	case math.IsNaN(x):
		return missing
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "−∞"
	case abs >= 1e15 || abs != 0 && abs < 1e-6:
		return minus(strconv.FormatFloat(x, 'e', 3, 64))
	default:
		decimals := 0
		if abs < 1e4 && abs != math.Trunc(abs) {
			decimals = 3
			for limit := 10.0; abs >= limit && decimals > 0; limit *= 10 {
				decimals--
			}
			for limit := 1.0; abs < limit && decimals < 10; limit /= 10 {
				decimals++
			}
		}
		text := strconv.FormatFloat(x, 'f', decimals, 64)
		if decimals > 0 {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return minus(thousands(text))
	}
}

// formatPrice writes all digits of a number.
func formatPrice(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return formatNumber(x)
	}
	return minus(thousands(strconv.FormatFloat(x, 'f', -1, 64)))
}

func formatInt(n int64) string { return minus(thousands(strconv.FormatInt(n, 10))) }

func formatPercent(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return formatNumber(x)
	}
	return formatNumber(x*100) + " %"
}

func minus(text string) string { return strings.Replace(text, "-", "−", 1) }

// thousands sets the digits before the point apart in groups of three.
func thousands(text string) string {
	whole, rest, point := strings.Cut(text, ".")
	digits := strings.TrimPrefix(whole, "-")
	var b strings.Builder
	b.WriteString(whole[:len(whole)-len(digits)])
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if point {
		b.WriteString("." + rest)
	}
	return b.String()
}

// formatTime writes a time in UTC to the second, the unit people compare days in.
func formatTime(ns int64) string {
	if ns == 0 {
		return missing
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05")
}

// formatPeriod leaves the second date out when it is the first one.
func formatPeriod(startNs, endNs int64) string {
	start, end := formatTime(startNs), formatTime(endNs)
	if start == missing || end == missing {
		return missing
	}
	if start[:10] == end[:10] {
		end = end[11:]
	}
	return start + " – " + end + " UTC"
}

// formatShortPeriod is to the minute, for tables.
func formatShortPeriod(startNs, endNs int64) string {
	start, end := formatTime(startNs), formatTime(endNs)
	if start == missing || end == missing {
		return missing
	}
	start, end = start[:16], end[:16]
	switch {
	case start[:10] == end[:10]:
		end = end[11:]
	case start[:4] == end[:4]:
		end = end[5:]
	}
	return start + " – " + end
}

// figureText is how a figure is read.
type figureText struct {
	// Label is for people, Name the reference's.
	Label, Name, Value, Unit string
	// Sign is pos, neg or empty.
	Sign string
	// Scale is what the figure was multiplied by to get the number shown.
	Scale float64
}

// labelOf returns how a metric is called in the report.
func labelOf(name string) string {
	labels := map[string]string{
		"SR":                  "Sharpe ratio",
		"Sortino":             "Sortino ratio",
		"MaxDrawdown":         "Max drawdown",
		"AnnualReturn":        "Annual return",
		"NumberOfTrades":      "Trades",
		"DailyNumberOfTrades": "Trades per day",
		"DailyTradingValue":   "Traded per day",
		"DailyTurnover":       "Turnover per day",
		"TradingValue":        "Traded",
		"ReturnOverMDD":       "Return / drawdown",
		"ReturnOverTrade":     "Return / traded",
		"MaxPositionValue":    "Max position",
		"MeanPositionValue":   "Mean position",
		"MedianPositionValue": "Median position",
		"MaxLeverage":         "Max leverage",
	}
	return cmp.Or(labels[name], name)
}

// figure writes a metric with its unit, and its sign where it means winning or losing.
func figure(name string, value float64, run *Run) figureText {
	f := figureText{Label: labelOf(name), Name: name, Value: formatNumber(value), Scale: 1}
	switch name {
	case "Return", "AnnualReturn", "MaxDrawdown":
		if run.BookSize > 0 {
			f.Value = formatPercent(value)
			break
		}
		f.Unit = run.Currency
	case "ReturnOverTrade":
		f.Scale, f.Unit = 1e4, "bp" // hundredths of a per cent, as fees are spoken of
		f.Value = formatNumber(value * f.Scale)
	case "DailyTradingValue", "TradingValue", "MaxPositionValue", "MeanPositionValue", "MedianPositionValue":
		f.Unit = run.Currency
	}
	switch name {
	case "SR", "Sortino", "Return", "AnnualReturn", "ReturnOverMDD", "ReturnOverTrade":
		if value > 0 {
			f.Sign, f.Value = "pos", "+"+f.Value
		} else if value < 0 {
			f.Sign = "neg"
		}
	}
	return f
}
