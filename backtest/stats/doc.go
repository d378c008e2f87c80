// Package stats turns the rows of a backtest's recorder into the figures and curves people judge a strategy by: those
// of hftbacktest's report (SR, Sortino, Return, MaxDrawdown ...), in its order, under its names and by its formulas,
// so that a run can be compared with one of hftbacktest.
//
// New prepares and resamples the rows of one asset and evaluates each day or month alone and the whole period last.
// Join concatenates days that were run separately, each from a flat start; Sum adds up the assets of one run. CurvesOf
// gives the lines of a chart, thinned so that no extreme is lost.
//
// # What the figures say
//
// Ratios are annualised from the distance of the first two samples, as in hftbacktest, so they depend on the
// window. Trades that happened before the first row are not counted. Division by zero and missing data give an
// infinity or NaN, never an error; Row writes them to JSON as "Infinity", "-Infinity" and null.
//
// # Memory and goroutines
//
// The rows given are read during the call and neither kept nor changed; what is returned belongs to the caller. Values
// of this package are immutable after they were made and may be read by any goroutine. Nothing is started, nothing is
// to be closed. The only errors are rows that are not in ascending time and options that make no sense.
package stats
