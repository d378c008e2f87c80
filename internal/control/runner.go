package control

import (
	"context"
	"fmt"
	"time"
)

// Runner is a running host as the command line sees it, over the control socket. The host implements it, the client
// end of the socket is one too.
type Runner interface {
	// Version returns the host's version.
	Version(ctx context.Context) (VersionInfo, error)
	// Strategies returns the state of all strategies in the order of the configuration.
	Strategies(ctx context.Context) ([]StrategyStatus, error)
	// Start starts a stopped strategy, Stop stops one. Both return when it is done, with already when there was nothing
	// to do. With discardState the new process does not get the state that the strategy has saved.
	Start(ctx context.Context, name string, discardState bool) (already bool, err error)
	Stop(ctx context.Context, name string) (already bool, err error)
	// Restart replaces a strategy's process by a new one. The old one goes on when the new one fails, or when its state
	// cannot be saved, unless discardState gives that up.
	Restart(ctx context.Context, name string, discardState bool) (RestartResult, error)
	// Adopt books what of the account's position belongs to no strategy.
	Adopt(ctx context.Context, a Adoption) (AdoptResult, error)
	// Resume lets halted instruments of a connector take new orders again, all of them with an empty symbol. It returns
	// those that were halted.
	Resume(ctx context.Context, connector, symbol string) ([]Resumption, error)
	// Halt refuses new orders on an instrument, on all of a connector with an empty symbol, or everywhere with an empty
	// connector, and cancels the open ones. It returns when the venues have confirmed that none is open; *OrdersLeftError
	// lists what was not confirmed in time.
	Halt(ctx context.Context, connector, symbol string) ([]HaltedInstrument, error)
}

// HaltedInstrument is an instrument that takes no new orders, and why. Already is true if it was halted before.
type HaltedInstrument struct {
	Connector string `json:"connector"`
	Symbol    string `json:"symbol"`
	Already   bool   `json:"already"`
	Cause     string `json:"cause"`
}

// Resumption is an instrument that was halted, and why. Refused is why it still is, empty where it takes new orders
// again.
type Resumption struct {
	Symbol  string `json:"symbol"`
	Cause   string `json:"cause"`
	Refused string `json:"refused,omitempty"`
}

// Adoption asks for a position that belongs to no strategy to be booked to one, or with an empty Strategy to be left at
// that.
type Adoption struct {
	Strategy, Connector, Symbol string
	// Qty has no sign and is 0 for all; Price is 0 for the middle of the book.
	Qty, Price float64
}

// AdoptResult is the outcome of an adoption.
type AdoptResult struct {
	// Qty was booked at Price, Position is the strategy's and Unattributed that of no strategy after it.
	Qty, Price, Position, Unattributed float64
	// Resumed: the instrument was halted and takes new orders again.
	Resumed bool
}

// VersionInfo identifies a host.
type VersionInfo struct {
	Version    string    `json:"version"`
	APIVersion int       `json:"api_version"`
	PID        int       `json:"pid"`
	Config     string    `json:"config"`
	StartedAt  time.Time `json:"started_at"`
}

// StrategyStatus is the state of one strategy.
type StrategyStatus struct {
	Name     string `json:"name"`
	Plugin   string `json:"plugin"`
	Version  string `json:"version"`
	State    string `json:"state"` // starting, running, stopping, backoff, stopped, failed, ended
	Reason   string `json:"reason,omitempty"`
	PID      int    `json:"pid"`
	UptimeNs int64  `json:"uptime_ns"`
	Restarts int    `json:"restarts"`
	// OrdersLeft is the number of orders that are being canceled because the strategy, its process or the run ends.
	OrdersLeft int `json:"orders_left"`

	Events       uint64             `json:"events"`
	LostEvents   uint64             `json:"lost_events"`
	Resyncs      uint64             `json:"resyncs"`
	Requests     uint64             `json:"requests"`
	Orders       uint64             `json:"orders"`
	Fills        uint64             `json:"fills"`
	Rejects      uint64             `json:"rejects"`
	TickToOrder  int64              `json:"last_tick_to_order_ns"`
	RestartGapNs []int64            `json:"restart_gap_ns"`
	Instruments  []InstrumentStatus `json:"instruments"`
}

// InstrumentStatus is the state of one instrument of a strategy. Prices are 0 while there is none; profits do not
// include fees.
type InstrumentStatus struct {
	Connector     string  `json:"connector"`
	Symbol        string  `json:"symbol"`
	Position      float64 `json:"position"`
	BestBid       float64 `json:"best_bid"`
	BestAsk       float64 `json:"best_ask"`
	OpenOrders    int     `json:"open_orders"`
	Fee           float64 `json:"fee"`
	TradingVolume float64 `json:"trading_volume"`
	TradingValue  float64 `json:"trading_value"`
	RealisedPnL   float64 `json:"realised_pnl"`
	OpenPnL       float64 `json:"open_pnl"`
	// Findings counts the findings about the instrument's feed, by the keys of package feed; nil for none.
	Findings map[string]uint64 `json:"findings,omitempty"`
	// TradingState is "halted" where only cancels are sent, for TradingReason, empty otherwise.
	TradingState  string `json:"trading_state,omitempty"`
	TradingReason string `json:"trading_reason,omitempty"`
	// Unattributed is the part of the account's position that belongs to no strategy, Mismatch the part that cannot be
	// explained.
	Unattributed float64 `json:"unattributed,omitempty"`
	Mismatch     float64 `json:"mismatch,omitempty"`
	// BadMessages is the number of unusable messages of the connector: the symbol of a message that cannot be decoded
	// is unknown.
	BadMessages uint64 `json:"connector_bad_messages,omitempty"`
}

// OpenOrder is an order that is open, or may be.
type OpenOrder struct {
	// Strategy is empty when the configuration has none of the order's bot.
	Strategy  string `json:"strategy"`
	Connector string `json:"connector"`
	Symbol    string `json:"symbol"`
	// ClientID is the venue's name of it that this runner chose; on a simulated exchange it is the bot's order id.
	ClientID string  `json:"client_id"`
	Side     string  `json:"side"`
	Price    float64 `json:"price"`
	OpenQty  float64 `json:"open_qty"`
}

// String describes the order on one line.
func (o OpenOrder) String() string {
	return fmt.Sprintf("%s %s %s %s %v at %v", o.Connector, o.Symbol, o.ClientID, o.Side, o.OpenQty, o.Price)
}

// RestartResult is the outcome of a restart.
type RestartResult struct {
	// Gap is the time from the old process's last step to the new one's first.
	Gap time.Duration
	// OldPID and NewPID are the processes, Version is the new one's plugin version.
	OldPID, NewPID int
	Version        string
	// StateLost is the reason why the old process's state was discarded, empty if it was not.
	StateLost string
}
