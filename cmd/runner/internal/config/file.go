package config

import (
	"encoding/json"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// KindPaper is the kind of a simulated exchange; LiveKinds has the others.
const KindPaper = "paper"

// Names that other packages wire by.
const (
	// FormatBinanceFutures and the others are formats of recorded files.
	FormatBinanceFutures = "binancefutures"
	FormatBinanceSpot    = "binancespot"
	FormatBybit          = "bybit"
	// QueueRiskAdverse is the default queue model.
	QueueRiskAdverse = "risk_adverse"
	// DepthROI is the book with a fixed price range.
	DepthROI = "roi"
	// PositionAccount is the position mode that takes the venue's word.
	PositionAccount = "account"
)

// File is a configuration with every default filled in and every check passed.
type File struct {
	// Path is the file it was read from.
	Path   string `json:"config"`
	Runner Runner `json:"runner"`
	// Connectors and Strategies are in the order of the file, never nil.
	Connectors []Connector `json:"connectors"`
	Strategies []Strategy  `json:"strategies"`
	// Warnings are problems that do not stop a run.
	Warnings Problems `json:"-"`

	// failed: a plugin is missing or could not be started, so parameters are not known.
	failed bool
	source []byte
}

func (f *File) connector(name string) *Connector {
	for i := range f.Connectors {
		if f.Connectors[i].Name == name {
			return &f.Connectors[i]
		}
	}
	return nil
}

// Runner is the runner block. Paths are relative to the working directory.
type Runner struct {
	PluginDir         string        `json:"plugin_dir"`
	StateDir          string        `json:"state_dir"`
	StartTimeout      time.Duration `json:"start_timeout_ns"`
	StopTimeout       time.Duration `json:"stop_timeout_ns"`
	ExitTimeout       time.Duration `json:"exit_timeout_ns"`
	HeartbeatTimeout  time.Duration `json:"heartbeat_timeout_ns"`
	BackoffMin        time.Duration `json:"backoff_min_ns"`
	BackoffMax        time.Duration `json:"backoff_max_ns"`
	CrashLoopRestarts int           `json:"crash_loop_restarts"`
	CrashLoopWindow   time.Duration `json:"crash_loop_window_ns"`
	StrategyLogMB     int           `json:"strategy_log_mb"`
	StrategyLogFiles  int           `json:"strategy_log_files"`
	StrategyLogRate   int           `json:"strategy_log_rate"`
	LogLevel          string        `json:"log_level"`
}

// Connector is one connector block.
type Connector struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Pos is where the block begins.
	Pos Position `json:"-"`
	// Speed is how fast the feed's time passes against the wall clock, 0 for as fast as the strategies can follow.
	Speed float64 `json:"speed"`
	// Synthetic or Replay is the feed; the other is nil.
	Synthetic *Synthetic `json:"synthetic,omitempty"`
	Replay    *Replay    `json:"replay,omitempty"`
	Exchange  Exchange   `json:"exchange"`
	Fee       Fee        `json:"fee"`
	// Live is what a connector to a venue is, nil for paper. Exchange and Fee are then what a backtest begins with.
	Live *Live `json:"-"`

	rng, filesRng hcl.Range
	keyWrong      bool // key or secret cannot be read, which was reported
}

// MarshalJSON returns the arguments that the connector's kind has.
func (c *Connector) MarshalJSON() ([]byte, error) {
	type plain Connector
	if c.Live == nil {
		return json.Marshal((*plain)(c))
	}
	return json.Marshal(struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
		*Live
	}{c.Kind, c.Name, c.Live})
}

// OwnClock reports whether the connector's time is not the wall clock's.
func (c *Connector) OwnClock() bool { return c.Replay != nil || c.Speed != 1 }

// Synthetic is a synthetic block.
type Synthetic struct {
	Seed            uint64  `json:"seed"`
	EventsPerSecond float64 `json:"events_per_second"`
	// Volatility is how much the reference price moves in a second, JumpSize how much a sudden move, as shares of it.
	Volatility   float64       `json:"volatility"`
	JumpInterval time.Duration `json:"jump_interval_ns"`
	JumpSize     float64       `json:"jump_size"`
	FeedLatency  time.Duration `json:"feed_latency_ns"`
}

// Replay is a replay block.
type Replay struct {
	Format string `json:"format"`
	// Files are the paths per symbol in the order of time.
	Files      map[string][]string `json:"files"`
	Sync       string              `json:"sync"`
	OnBadLine  string              `json:"on_bad_line"`
	OnGap      string              `json:"on_gap"`
	BookTicker bool                `json:"book_ticker"`
	// BaseLatency is the least latency of a file whose local times are corrected.
	BaseLatency time.Duration `json:"base_latency_ns,omitempty"`
}

// Exchange is an exchange block.
type Exchange struct {
	Model           string        `json:"model"`
	Queue           string        `json:"queue"`
	QueueN          float64       `json:"queue_n"`
	OrderLatency    time.Duration `json:"order_latency_ns"`
	ResponseLatency time.Duration `json:"response_latency_ns"`
}

// Fee is a fee block: shares of the traded value.
type Fee struct {
	Maker float64 `json:"maker"`
	Taker float64 `json:"taker"`
}

// Strategy is one strategy block.
type Strategy struct {
	Name string `json:"name"`
	// Pos is where the block begins.
	Pos         Position     `json:"-"`
	Plugin      string       `json:"plugin"`
	SHA256      string       `json:"sha256,omitempty"`
	BotID       uint64       `json:"bot_id,omitempty"`
	Instruments []Instrument `json:"instruments"`
	// Params are the plugin's parameters as a JSON object. They are not part of the JSON form: they may hold secrets.
	Params json.RawMessage `json:"-"`
	// SecretParams are the names of parameters whose values are not to be shown.
	SecretParams []string `json:"-"`
	// Sweep are the parameters of Options.Sets that the strategy has.
	Sweep    []SweepParam `json:"sweep,omitempty"`
	Wait     string       `json:"wait"`
	OnExit   string       `json:"on_exit"`
	OnChange string       `json:"on_change"`
	Position string       `json:"position"`
	Enabled  bool         `json:"enabled"`
	// Backtest is the backtest block, nil when there is none.
	Backtest *Backtest `json:"backtest,omitempty"`

	rng, pluginRng, botIDRng, sha256Rng, backtestRng hcl.Range
	params                                           *block
}

// Instrument is one instrument block of a strategy.
type Instrument struct {
	Connector string `json:"connector"`
	Symbol    string `json:"symbol"`
	// TickSize and LotSize are 0 until File.FillSteps where they are left to the venue.
	TickSize   float64 `json:"tick_size"`
	LotSize    float64 `json:"lot_size"`
	Depth      string  `json:"depth"`
	ROILow     float64 `json:"roi_low,omitempty"`
	ROIHigh    float64 `json:"roi_high,omitempty"`
	LastTrades int     `json:"last_trades"`

	block *block
}
