// Package report shows backtests to people: as one HTML page that opens offline in any browser.
//
// The caller fills a Report with what it knows; every part may be left empty and then is not shown, or says that there
// is nothing. WriteHTML writes the page, with its style, its script and its data inside: it loads nothing, and a
// content security policy in the page holds it to that. NewDistribution
// and FromHistogram make the latency and queue histograms. Curves and figures are those of package stats.
//
// # Size
//
// Curves are thinned to MaxPoints each, keeping the lowest and highest of every stretch, and fills to 5,000 a run;
// with many runs in one page each gets less, so the page stays at a few megabytes. The page says where fills were left
// out. The tables are complete: with thousands of runs put only those into Runs that are worth opening, the sweep's
// table and map need none of them.
//
// # Trust, memory and goroutines
//
// Names, parameters, paths and error texts are untrusted: they are escaped, and never become markup or script. A
// Report is only read, during the call; calls with different reports may run at the same time, and with the same one,
// too. Nothing is started and nothing is to be closed. Errors are those of the writer.
package report
