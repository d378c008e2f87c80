package report

import (
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/hft"
)

// Limits of what a page holds of one run.
const (
	MaxPoints = 2000
	maxFills  = 5000
)

// Report is everything a page shows.
type Report struct {
	Title string
	// CreatedAt is the time of writing as the reader shall see it; it is given so that the same report gives the same
	// page.
	CreatedAt string
	// Version is that of the program.
	Version string
	Runs    []Run
	// Sweep is nil unless parameters were varied.
	Sweep *Sweep
}

// NameValue is a line of a table.
type NameValue struct{ Name, Value string }

// Run is one strategy over one period.
type Run struct {
	// Name is what the run is chosen by; it should differ from the others'.
	Name, Strategy, Plugin, PluginVersion string
	Params                                []NameValue
	Instruments                           []Instrument
	Data                                  []DataFile
	// Models says how the exchange was simulated: exchange, queue, latency, fees, compat mode.
	Models         []NameValue
	StartNs, EndNs int64
	// Currency is what equity is counted in, such as USDT.
	Currency string
	// BookSize is the capital that Return and MaxDrawdown are a part of, 0 if they are amounts of money.
	BookSize float64
	// Stats are the figures of each part of the period, if there are parts, and of the whole period last.
	Stats []stats.Row
	// Assets have the curves of each instrument, Total those of all together.
	Assets []Asset
	Total  stats.Curves
	// OrderLatency holds entry, response and round trip, or what of them is known.
	OrderLatency []Distribution
	FeedLatency  []Distribution
	Queue        *Queue
	Counts       Counts
	// Result says how the run ended, such as "end of data"; Failed marks it as an error.
	Result string
	Failed bool
}

// Instrument is what was traded.
type Instrument struct {
	Name              string
	TickSize, LotSize float64
	// Asset and Fees are descriptions, such as "linear, contract size 1".
	Asset, Fees string
}

// DataFile is a file the run was fed with.
type DataFile struct {
	Path           string
	Rows           int64
	StartNs, EndNs int64
	// Problems are the findings about its quality, one a line.
	Problems []string
}

// Asset is what happened in one instrument.
type Asset struct {
	Instrument string
	// Price and Position are drawn; equity is that of Run.Total.
	Curves stats.Curves
	// Fills are in ascending time.
	Fills []Fill
}

// Fill is an own execution.
type Fill struct {
	TimestampNs int64
	Side        hft.Side
	Price, Qty  float64
	Maker       bool
	// Cause says why it happened: taker, queue, through, crossed.
	Cause string
}

// Counts are those of the whole run.
type Counts struct {
	Orders, Modifies, Cancels, Fills, Rejects int64
}

// Queue tells how resting orders came to be filled.
type Queue struct {
	// Causes counts fills by their cause, in the order to be shown.
	Causes []Count
	// RestTime is the time from acceptance to the fill, QtyAhead the quantity before an order when it joined its level.
	RestTime, QtyAhead Distribution
	// FillRate is the share of accepted orders that had a fill, 0 to 1; NaN if there were none.
	FillRate float64
}

// Count is a number of things of one name.
type Count struct {
	Name  string
	Count int64
}

// Sweep is the result of running a strategy with several values of its parameters.
type Sweep struct {
	// Params and Metrics name the values of each point.
	Params, Metrics []string
	Points          []SweepPoint
}

// SweepPoint is one combination of values.
type SweepPoint struct {
	Name string
	// Params are the values in the order of Sweep.Params; a missing one is empty. Values that are all numbers sort as
	// such.
	Params []string
	// Metrics are in the order of Sweep.Metrics; a missing one is NaN.
	Metrics []float64
	// Run is the name of the run in Report.Runs that shows it, empty if none does.
	Run string
	// Failure is why there is no result, empty if there is one.
	Failure string
}
