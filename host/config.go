package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/risk"
)

// Config configures a Host. Its creator has checked it: names are unique, every strategy's connector and plugin exist.
type Config struct {
	// Version is the version of the runner, shown to people.
	Version string
	// ConfigPath is the file the configuration came from, shown to people.
	ConfigPath string
	// PluginDir is the directory of the strategy binaries.
	PluginDir string
	// StateDir holds the control socket and the strategies' log files; it is created.
	StateDir string
	// Clock is the time of all connectors that do not bring their own: the one by which their requests are signed. It is one
	// of NewClock; nil is a new one.
	Clock connector.Clock
	// Supervision sets the limits of the supervisor.
	Supervision Supervision
	// StrategyLogs limits the log files of strategies.
	StrategyLogs StrategyLogs
	// Journal describes how the journal is kept.
	Journal Journal
	// Fresh ignores the positions, orders and money that the journal has of earlier runs.
	Fresh bool
	// TakeOver takes all orders with this runner's prefix as this runner's, also those that the journal does not know.
	TakeOver bool
	// Risk are the limits of everything together.
	Risk       risk.Limits
	Connectors []ConnectorConfig
	Strategies []StrategyConfig
}

// StrategyLogs are the limits of the log of each strategy, <state_dir>/logs/<name>.log.
type StrategyLogs struct {
	// Megabytes is from which size on a file is put aside, 0 for 10; Files is how many are kept, the present one
	// included, 0 for 10.
	Megabytes, Files int
	// LinesPerSecond is above which rate lines are counted instead of written, 0 for control.DefaultLogRate.
	LinesPerSecond int
}

// Supervision configures restarts of a strategy process and when it counts as failed permanently.
type Supervision struct {
	// StartTimeout bounds process start, handshake and configuration.
	StartTimeout time.Duration
	// StopTimeout bounds an orderly stop; after it the process is killed.
	StopTimeout time.Duration
	// ExitTimeout is the time that the end of a strategy, or of the run, waits for the venues to confirm that its
	// orders are closed; 0 is a minute.
	ExitTimeout time.Duration
	// HeartbeatTimeout is the time without a call after which a strategy is considered hung.
	HeartbeatTimeout time.Duration
	// BackoffMin and BackoffMax bound the wait before a restart, which doubles and has jitter.
	BackoffMin, BackoffMax time.Duration
	// CrashLoopRestarts within CrashLoopWindow stop the strategy for good.
	CrashLoopRestarts int
	CrashLoopWindow   time.Duration
}

// ConnectorConfig is one connector block.
type ConnectorConfig struct {
	// Name is unique, Kind is the venue's package: paper, binancefutures, ...
	Name, Kind string
	// Connector is the connector itself, not yet running. It may be nil where Open makes it.
	Connector connector.Connector
	// Open makes the connector to a venue that could not be reached, or whose account could not be traded. The host calls
	// it again and again, until it succeeds or the run ends; Trouble says what it was before.
	Open    func(ctx context.Context) (Opened, error)
	Trouble string
	// Trades is true if orders are sent to a venue, where an earlier run may have left some that the host does not
	// know.
	Trades bool
	// OnMismatch is the action when the account's position cannot be explained, empty for HaltOnMismatch.
	// MismatchAfter is how long that lasts before, 0 for 10 s.
	OnMismatch    OnMismatch
	MismatchAfter time.Duration
	// Risk are the limits of the account.
	Risk risk.Limits
	// FeedCapacity is the number of slots of the feed ring, a power of two; 0 for the default.
	FeedCapacity int
}

// StrategyConfig is one strategy block.
type StrategyConfig struct {
	// Name is unique.
	Name string
	// Plugin is the name of the binary in the plugin directory.
	Plugin string
	// SHA256 pins the binary when not empty, in hex.
	SHA256 string
	// BotID identifies the bot to venues and across restarts; 0 derives it from Name.
	BotID       uint64
	Instruments []InstrumentConfig
	// Params are the plugin's parameters as a JSON object.
	Params json.RawMessage
	Wait   ipc.WaitStrategy
	// OnExit is the policy for the orders of a strategy whose process ends unexpectedly or is stopped.
	OnExit ExitAction
	// OnChange is the action when the binary is replaced.
	OnChange ChangeAction
	// Position is the source of Bot.Position.
	Position PositionMode
	// Disabled strategies are not started with the host.
	Disabled bool
	// Risk are the limits of the strategy, on all its instruments.
	Risk risk.Limits
}

// InstrumentConfig is one instrument block of a strategy.
type InstrumentConfig struct {
	Connector, Symbol string
	TickSize, LotSize float64
	// Depth is the kind of book: window, hashmap, btree or roi; ROILow and ROIHigh are the range of the last.
	Depth           string
	ROILow, ROIHigh float64
	// LastTrades is the capacity of the last trades.
	LastTrades int
	// Currency is that of its prices, for limits of money; empty where it is not known. Risk are the limits of the
	// strategy on this instrument.
	Currency string
	Risk     risk.Limits
}

// ExitAction is a strategy's on_exit.
type ExitAction string

// Exit actions.
const (
	// CancelOrders cancels the strategy's open orders.
	CancelOrders ExitAction = "cancel"
	// KeepOrders leaves them at the venue.
	KeepOrders ExitAction = "keep"
)

// ChangeAction is a strategy's on_change.
type ChangeAction string

// Change actions.
const (
	// RestartOnChange restarts the strategy when its binary is replaced.
	RestartOnChange ChangeAction = "restart"
	// IgnoreChange leaves it running.
	IgnoreChange ChangeAction = "ignore"
)

// PositionMode is a strategy's position.
type PositionMode string

// Position modes.
const (
	// StrategyPosition is the sum of the bot's own fills.
	StrategyPosition PositionMode = "strategy"
	// AccountPosition is the venue's position of the account.
	AccountPosition PositionMode = "account"
)
