package backtest

import "github.com/hftrunner/hftrunner/risk"

// Spec is a backtest as data: what the command line hands to the strategy's process, and what is kept with the results.
// FromSpec makes a Builder of it. Names of models are those of the configuration. Times and durations are nanoseconds.
type Spec struct {
	// Compat is "fixed", which is also the empty string's meaning, or "hftbacktest".
	Compat string `json:"compat"`
	// FromNs and ToNs bound the period in which the strategy runs; 0 is the start and the end of the data. The books
	// are kept from the start of the data in any case.
	FromNs int64 `json:"from_ns,omitempty"`
	ToNs   int64 `json:"to_ns,omitempty"`
	// RecordIntervalNs is the time between two samples of the state, 0 for none.
	RecordIntervalNs int64 `json:"record_interval_ns,omitempty"`
	// AllowUnsorted takes rows that are out of order as they come (quirk Q1) instead of ending with an error.
	AllowUnsorted bool `json:"allow_unsorted,omitempty"`
	// Risk are limits; mode "hftbacktest" knows none.
	Risk   Risk        `json:"risk,omitzero"`
	Assets []AssetSpec `json:"assets"`
}

// AssetSpec is one instrument of a Spec.
type AssetSpec struct {
	Connector string  `json:"connector"`
	Symbol    string  `json:"symbol"`
	TickSize  float64 `json:"tick_size"`
	LotSize   float64 `json:"lot_size"`
	// Depth is the kind of book: window, hashmap, btree or roi, the latter from ROILow to ROIHigh.
	Depth   string  `json:"depth"`
	ROILow  float64 `json:"roi_low,omitempty"`
	ROIHigh float64 `json:"roi_high,omitempty"`
	// LastTrades is the capacity of the last trades, 0 for none.
	LastTrades int `json:"last_trades"`
	// Files are event files (.npz or .npy), read one after the other.
	Files []string `json:"files"`
	// Snapshot is an event file that the books begin with, empty for none.
	Snapshot string `json:"snapshot,omitempty"`
	// FeedLatencyOffsetNs is added to the local time of every row.
	FeedLatencyOffsetNs int64        `json:"feed_latency_offset_ns,omitempty"`
	Exchange            ExchangeSpec `json:"exchange"`
	Fee                 FeeSpec      `json:"fee"`
	// Type is "linear" or "inverse", ContractSize the size of one contract.
	Type         string  `json:"type"`
	ContractSize float64 `json:"contract_size"`
	// Risk are the limits of the instrument, Currency what limits of money count its values in.
	Risk     risk.Limits `json:"risk,omitzero"`
	Currency string      `json:"currency,omitempty"`
}

// ExchangeSpec says how the simulated exchange of an instrument fills orders.
type ExchangeSpec struct {
	// Model is "no_partial_fill", "partial_fill" or "l3_fifo"; the last needs data by order.
	Model string `json:"model"`
	// Queue is "risk_adverse", "power_prob", "power_prob2", "power_prob3", "log_prob" or "log_prob2"; QueueN is the
	// exponent of the power models. l3_fifo uses neither.
	Queue  string  `json:"queue"`
	QueueN float64 `json:"queue_n,omitempty"`
	// ConsumeDepth lets own orders consume displayed quantities until the feed updates them.
	ConsumeDepth bool `json:"consume_depth,omitempty"`
	// SweepFills lets what a trade has left after its price's displayed quantity trade on at the next levels.
	SweepFills bool `json:"sweep_fills,omitempty"`
	// Latency is that of all requests; Modify and Cancel, when given, have their own.
	Latency       LatencySpec  `json:"latency"`
	ModifyLatency *LatencySpec `json:"modify_latency,omitempty"`
	CancelLatency *LatencySpec `json:"cancel_latency,omitempty"`
}

// LatencySpec is an order latency: constant, or interpolated when there are files.
type LatencySpec struct {
	EntryNs    int64 `json:"entry_ns,omitempty"`
	ResponseNs int64 `json:"response_ns,omitempty"`
	// Files are order-latency files, read one after the other; OffsetNs is added to each way.
	Files    []string `json:"files,omitempty"`
	OffsetNs int64    `json:"offset_ns,omitempty"`
}

// FeeSpec is a fee model. A rebate is negative.
type FeeSpec struct {
	// Model is "value" (share of the traded value), "quantity" (per unit of quantity) or "flat" (per execution).
	Model string  `json:"model"`
	Maker float64 `json:"maker"`
	Taker float64 `json:"taker"`
	// Buyer and Seller are shares of the value on top, for "value" and "quantity".
	Buyer  float64 `json:"buyer,omitempty"`
	Seller float64 `json:"seller,omitempty"`
}
