package backtest

import (
	"encoding/binary"
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// RecordRow is a Record and the asset it is of.
type RecordRow struct {
	AssetNo int64
	Record  Record
}

// OrderRowKind says what an OrderRow tells.
type OrderRowKind uint8

// Kinds of order rows: the letters that they have in files.
const (
	OrderSubmit   OrderRowKind = 'S'
	OrderModify   OrderRowKind = 'M'
	OrderCancel   OrderRowKind = 'C'
	OrderResponse OrderRowKind = 'R'
)

// OrderRow is one line of the order log: a request, with the local order right after it, or a response, as it was
// delivered.
type OrderRow struct {
	// TimestampNs is when the request was made or the response delivered.
	TimestampNs int64
	AssetNo     int32
	Kind        OrderRowKind
	// Reject says why a response refuses a request.
	Reject sim.Reject
	_      [2]byte
	Order  hft.Order
}

// FillRow is one execution of an own order.
type FillRow struct {
	// ExchTimestampNs is when it happened, LocalTimestampNs when the bot learned it.
	ExchTimestampNs, LocalTimestampNs int64
	AssetNo                           int32
	Side                              hft.Side
	Maker                             bool
	Cause                             sim.FillCause
	_                                 byte
	OrderID                           uint64
	Price, Qty                        float64
	// Value and Fee are in the asset's currency; a rebate is negative.
	Value, Fee float64
	// Position is the bot's own after the execution.
	Position float64
	// JoinedFrontQty is the quantity ahead of a maker's order when it began to rest, RestedNs how long it has rested.
	JoinedFrontQty float64
	RestedNs       int64
}

// AppendRows appends rows in the form in which they travel between processes of one machine. Rows are of one of the
// types above.
func AppendRows[T RecordRow | OrderRow | FillRow](dst []byte, rows []T) []byte {
	dst, err := binary.Append(dst, binary.LittleEndian, rows)
	if err != nil {
		panic(fmt.Sprintf("backtest: a row is not of fixed size: %v", err)) // a mistake of this package
	}
	return dst
}

// DecodeRows returns the rows that AppendRows wrote.
func DecodeRows[T RecordRow | OrderRow | FillRow](data []byte) ([]T, error) {
	var row T
	size := binary.Size(row)
	if len(data)%size != 0 {
		return nil, fmt.Errorf("backtest: %d bytes are not a whole number of rows of %d bytes: runner and plugin must be of the same version", len(data), size)
	}
	rows := make([]T, len(data)/size)
	if _, err := binary.Decode(data, binary.LittleEndian, rows); err != nil {
		return nil, fmt.Errorf("backtest: decode rows: %w", err)
	}
	return rows, nil
}

// End says why a backtest ended.
type End string

// Ends of a backtest.
const (
	// EndOfData: the data or the period is over.
	EndOfData End = "end_of_data"
	// EndReturned: the strategy returned before.
	EndReturned End = "returned"
	// EndInterrupted: somebody stopped it.
	EndInterrupted End = "interrupted"
	// EndError: it failed.
	EndError End = "error"
)

// Progress is how far a backtest has come.
type Progress struct {
	// Rows of TotalRows have been read; both count every asset's.
	Rows      int64 `json:"rows"`
	TotalRows int64 `json:"total_rows"`
	// TimestampNs is the time that the data has reached, 0 before it began.
	TimestampNs int64 `json:"timestamp_ns"`
}

// Result sums up a backtest.
type Result struct {
	End End `json:"end"`
	// Error is the text of what failed, empty otherwise.
	Error string `json:"error,omitempty"`
	// StartNs and EndNs are the first and the last time of the strategy, in the data's time.
	StartNs int64 `json:"start_ns"`
	EndNs   int64 `json:"end_ns"`
	Rows    int64 `json:"rows"`
	// Assets are in the order of the Spec.
	Assets []AssetResult `json:"assets"`
}

// AssetResult sums up one instrument of a backtest.
type AssetResult struct {
	Symbol string `json:"symbol"`
	// Local is the bot's own account, Exchange the exchange's: they differ by what is still under way, and in mode
	// hftbacktest by what the reference does not count.
	Local    hft.StateValues `json:"local"`
	Exchange hft.StateValues `json:"exchange"`
	// MidPrice is the last one, 0 when there is none, and Equity what the bot's account is worth at it, after fee.
	MidPrice   float64 `json:"mid_price"`
	Equity     float64 `json:"equity"`
	OpenOrders int     `json:"open_orders"`
	Counts     Counts  `json:"counts"`
	// FeedLatency is sampled once a message; EntryLatency, ResponseLatency and RoundTrip once an answered request.
	FeedLatency     Distribution `json:"feed_latency"`
	EntryLatency    Distribution `json:"entry_latency"`
	ResponseLatency Distribution `json:"response_latency"`
	RoundTrip       Distribution `json:"round_trip"`
}

// Counts counts what happened to orders.
type Counts struct {
	Submits  int64 `json:"submits"`
	Modifies int64 `json:"modifies"`
	Cancels  int64 `json:"cancels"`
	// Fills are executions, by cause in FillsByCause under the cause's name.
	Fills        int64            `json:"fills"`
	FillsByCause map[string]int64 `json:"fills_by_cause,omitempty"`
	// Filled, Canceled and Expired are orders that ended so; Rejects are refused requests.
	Filled   int64 `json:"filled"`
	Canceled int64 `json:"canceled"`
	Expired  int64 `json:"expired"`
	Rejects  int64 `json:"rejects"`
}

// Distribution sums up durations in nanoseconds. Negative ones count as 0 but for MinNs.
type Distribution struct {
	Count  int64   `json:"count"`
	MinNs  int64   `json:"min_ns"`
	MeanNs float64 `json:"mean_ns"`
	P50Ns  int64   `json:"p50_ns"`
	P90Ns  int64   `json:"p90_ns"`
	P99Ns  int64   `json:"p99_ns"`
	P999Ns int64   `json:"p999_ns"`
	MaxNs  int64   `json:"max_ns"`
	// Buckets are ascending and leave out empty ones.
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket counts durations from FromNs up to, and not including, ToNs.
type Bucket struct {
	FromNs int64 `json:"from_ns"`
	ToNs   int64 `json:"to_ns"`
	Count  int64 `json:"count"`
}
