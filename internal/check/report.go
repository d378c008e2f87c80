package check

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// BookKind says how the rows of a book were made of what a venue has sent.
type BookKind string

// Kinds of books.
const (
	// BookByRule: by the venue's rule, with quotes in it; both sides are cleared whole before a book begins and when it is lost.
	BookByRule BookKind = "by the venue's rule"
	// BookNatural: as the messages came, like the reference's converter does; a snapshot clears a side as far as it goes.
	BookNatural BookKind = "rows as they came"
)

// Report has the findings of a pass over the rows. All times are in nanoseconds.
type Report struct {
	// Rows counts all rows, Kinds those of each kind that occurs, in ascending order.
	Rows  int64       `json:"rows"`
	Kinds []KindCount `json:"kinds"`
	// ExchRows and LocalRows carry the flag of that side, UnflaggedRows none of the two; BuyRows and SellRows are of a side
	// of the book.
	ExchRows      int64 `json:"exch_rows"`
	LocalRows     int64 `json:"local_rows"`
	UnflaggedRows int64 `json:"unflagged_rows"`
	BuyRows       int64 `json:"buy_rows"`
	SellRows      int64 `json:"sell_rows"`
	// Book says how the rows of the book were made, empty when there is nothing that tells.
	Book BookKind `json:"book,omitempty"`
	// Messages counts the groups of successive local rows of one local time.
	Messages int64 `json:"messages"`
	// DepthRows are rows that change a book, by level or by order.
	DepthRows int64 `json:"depth_rows"`
	// First and last times as the rows of that side have them; 0 without any.
	FirstExchTimestampNs  int64 `json:"first_exch_timestamp_ns"`
	LastExchTimestampNs   int64 `json:"last_exch_timestamp_ns"`
	FirstLocalTimestampNs int64 `json:"first_local_timestamp_ns"`
	LastLocalTimestampNs  int64 `json:"last_local_timestamp_ns"`
	// GapLimitNs and ClockStepLimitNs are the limits that were used, TickSize and LotSize the steps of price and quantity.
	GapLimitNs       int64   `json:"gap_limit_ns"`
	ClockStepLimitNs int64   `json:"clock_step_limit_ns"`
	TickSize         float64 `json:"tick_size"`
	LotSize          float64 `json:"lot_size"`
	// recorded: the rows were made of a recording that has depth.
	recorded bool

	// ExchOrder are rows of the exchange side before their predecessor in exchange time, LocalOrder the same of the local
	// side; Value is by how many nanoseconds.
	ExchOrder  Finding `json:"exch_order"`
	LocalOrder Finding `json:"local_order"`
	// NegativeLatency are rows that were received before they happened; Value is by how many nanoseconds.
	NegativeLatency Finding `json:"negative_latency"`
	// Gaps are local rows after a silence longer than the limit; Value is its length in nanoseconds.
	Gaps Finding `json:"gaps"`
	// ClockSteps are messages whose feed latency differs from the last message's by more than the limit; Value is the
	// difference in nanoseconds, without its sign.
	ClockSteps Finding `json:"clock_steps"`
	// Crossed are times during which the best bid was above the best ask after complete messages, Locked those during
	// which the two were equal; Value is the length in nanoseconds of local time.
	Crossed Finding `json:"crossed"`
	Locked  Finding `json:"locked"`
	// BadPrices are prices that are negative or not finite, BadQuantities the same of quantities; Value is what it was, 0
	// for one that is not finite.
	BadPrices     Finding `json:"bad_prices"`
	BadQuantities Finding `json:"bad_quantities"`
	// OffTick are prices that are not a multiple of the tick size; Value is the price.
	OffTick Finding `json:"off_tick"`
	// OffLot are quantities that are not a multiple of the lot size; Value is the quantity.
	OffLot Finding `json:"off_lot"`
	// UnknownKinds are rows of a kind that nobody has given a meaning; those from 100 on are free for custom feeds and not
	// among them. Value is the kind.
	UnknownKinds Finding `json:"unknown_kinds"`
	// NoSide are levels and orders to add that are of neither side of the book; Value is the kind.
	NoSide Finding `json:"no_side"`
	// OrderErrors are rows of data by order (L3) that add an order that is there or change one that is not; Value is the
	// kind.
	OrderErrors Finding `json:"order_errors"`
}

// KindCount is how many rows of a kind there are. Name is empty for a kind without one.
type KindCount struct {
	Kind  uint64 `json:"kind"`
	Name  string `json:"name,omitempty"`
	Count int64  `json:"count"`
}

// Finding is one kind of fault: how often it occurs, and where first.
type Finding struct {
	Count int64 `json:"count"`
	// Worst and Sum are of the values of all examples, in the unit that the report says of Value.
	Worst float64 `json:"worst"`
	Sum   float64 `json:"sum"`
	// First are the first cases.
	First []Example `json:"first,omitempty"`
}

// Example is one case of a fault.
type Example struct {
	// Row counts from 0.
	Row int64 `json:"row"`
	// TimestampNs is the row's local time, its exchange time where the fault is on that side.
	TimestampNs int64   `json:"timestamp_ns"`
	Value       float64 `json:"value"`
}

// Severity says how bad a Problem is.
type Severity string

// Severities.
const (
	// SeverityError: results on this data are wrong.
	SeverityError Severity = "error"
	// SeverityWarning: results may be affected; look at it.
	SeverityWarning Severity = "warning"
)

// Problem is one thing that is wrong with the data, in words.
type Problem struct {
	Severity Severity `json:"severity"`
	// What says what was found, Advice what to do about it; both are sentences.
	What   string `json:"what"`
	Advice string `json:"advice"`
	// Row and TimestampNs are of the first case; Row is -1 when it is about the data as a whole.
	Row         int64 `json:"row"`
	TimestampNs int64 `json:"timestamp_ns"`
	// Count is the number of cases.
	Count int64 `json:"count"`
}

// OK reports whether no problem is an error.
func (r *Report) OK() bool {
	for _, p := range r.Problems() {
		if p.Severity == SeverityError {
			return false
		}
	}
	return true
}

// String returns the report as text of several lines, for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, %d messages, %s of local time from %s\n", r.Rows, r.Messages,
		duration(float64(r.LastLocalTimestampNs-r.FirstLocalTimestampNs)), clock(r.FirstLocalTimestampNs))
	fmt.Fprintf(&b, "exchange side %d rows, local side %d, neither %d; buy %d, sell %d\n", r.ExchRows, r.LocalRows, r.UnflaggedRows,
		r.BuyRows, r.SellRows)
	if r.Book != "" {
		fmt.Fprintf(&b, "book: %s\n", r.Book)
	}
	for _, k := range r.Kinds {
		name := k.Name
		if name == "" {
			name = fmt.Sprintf("kind %d", k.Kind)
		}
		fmt.Fprintf(&b, "  %-15s %d\n", name, k.Count)
	}
	problems := r.Problems()
	if len(problems) == 0 {
		b.WriteString("no problems in the rows\n")
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "%s: %s", p.Severity, p.What)
		if p.Row >= 0 {
			fmt.Fprintf(&b, " First at row %d, %s.", p.Row, clock(p.TimestampNs))
		}
		fmt.Fprintf(&b, " %s\n", p.Advice)
	}
	return b.String()
}

// clock returns a time as text, in UTC.
func clock(timestampNs int64) string {
	return time.Unix(0, timestampNs).UTC().Format("2006-01-02 15:04:05.000000000")
}

// duration returns nanoseconds as text.
func duration(ns float64) string {
	if ns >= math.MaxInt64 {
		return "more than 292 years"
	}
	return time.Duration(ns).String()
}

// kindName returns what package hft calls a kind, empty for one it does not know.
func kindName(kind uint64) string {
	switch kind {
	case hft.DepthEvent:
		return "depth"
	case hft.TradeEvent:
		return "trade"
	case hft.OffBookTrade:
		return "off-book trade"
	case hft.DepthClearEvent:
		return "depth clear"
	case hft.DepthSnapshotEvent:
		return "depth snapshot"
	case hft.DepthBBOEvent:
		return "best bid or ask"
	case hft.AddOrderEvent:
		return "add order"
	case hft.CancelOrderEvent:
		return "cancel order"
	case hft.ModifyOrderEvent:
		return "modify order"
	case hft.FillEvent:
		return "fill"
	}
	return ""
}
