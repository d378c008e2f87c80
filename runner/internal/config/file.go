package config

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// KindPaper is the kind of a simulated exchange; Options.Kinds has the others.
const KindPaper = "paper"

// Names that other packages wire by.
const (
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
	// Kinds are those of Options.
	Kinds Kinds `json:"-"`
	// Fresh ignores what the journal has of earlier runs.
	Fresh bool `json:"-"`
	// TakeOver takes orders with this runner's prefix as its own that the journal does not know.
	TakeOver bool `json:"-"`

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
	PluginDir         string        `json:"plugin_dir" hcl:"plugin_dir" default:"bin/plugins" format:"not_empty" doc:"directory of the strategy binaries, relative to the working directory; only those named by a strategy are ever executed"`
	StateDir          string        `json:"state_dir" hcl:"state_dir" default:"state" format:"not_empty" doc:"directory of the control socket, the strategies' logs, the results of backtests ('backtests') and recordings converted for them ('cache', which may be removed), relative to the working directory; it is created"`
	StartTimeout      time.Duration `json:"start_timeout_ns" hcl:"start_timeout" default:"10s" above:"0s" doc:"time limit for a strategy's process start, handshake and configuration"`
	StopTimeout       time.Duration `json:"stop_timeout_ns" hcl:"stop_timeout" default:"5s" above:"0s" doc:"time limit for a graceful stop of a strategy, after which it is killed; if it neither calls a waiting method of its bot nor sends a request for a second meanwhile, 'on_exit' is applied to its orders immediately"`
	ExitTimeout       time.Duration `json:"exit_timeout_ns" hcl:"exit_timeout" default:"1m" above:"0s" doc:"how long shutdown and 'runner stop' wait for the venues to confirm that every order that 'on_exit' does not keep is closed; the rest is then listed, and the exit code is 6. The runner does not wait for a venue that it has never reached, because it can have no order there: it lists that venue's instruments immediately, with the same exit code, because an earlier run may have left orders"`
	HeartbeatTimeout  time.Duration `json:"heartbeat_timeout_ns" hcl:"heartbeat_timeout" default:"10s" min:"1s" doc:"a strategy that has not called a waiting method of its bot for this long is considered hung"`
	BackoffMin        time.Duration `json:"backoff_min_ns" hcl:"backoff_min" default:"250ms" above:"0s" doc:"delay before the first restart of a failed strategy; doubles with each further restart"`
	BackoffMax        time.Duration `json:"backoff_max_ns" hcl:"backoff_max" default:"30s" above:"0s" doc:"maximum delay before a restart"`
	CrashLoopRestarts int           `json:"crash_loop_restarts" hcl:"crash_loop_restarts" default:"5" min:"1" max:"1000" doc:"this many restarts within 'crash_loop_window' mark a strategy as failed permanently"`
	CrashLoopWindow   time.Duration `json:"crash_loop_window_ns" hcl:"crash_loop_window" default:"1m" above:"0s" doc:"see 'crash_loop_restarts'"`
	StrategyLogMB     int           `json:"strategy_log_mb" hcl:"strategy_log_mb" default:"10" min:"1" max:"100000" doc:"size in megabytes at which a strategy's log file, 'logs/<strategy>.log' in the state directory, is rotated"`
	StrategyLogFiles  int           `json:"strategy_log_files" hcl:"strategy_log_files" default:"10" min:"2" max:"10000" doc:"how many log files of a strategy are kept, including the current one; the oldest is removed"`
	StrategyLogRate   int           `json:"strategy_log_rate" hcl:"strategy_log_rate" default:"200" min:"1" max:"1000000" doc:"maximum log lines per second of a strategy, however it writes them, with bursts of up to ten seconds' worth. Lines beyond it are dropped, and the log says how many"`
	JournalKeep       time.Duration `json:"journal_keep_ns" hcl:"journal_keep" default:"720h" min:"0s" doc:"how long the journal, 'journal' in the state directory, keeps records that are not about money; '0s' keeps them forever. Executions, fees, funding, balances and the values at the end of each day are kept forever in 'journal/money'"`
	OnJournalError    string        `json:"on_journal_error" hcl:"on_journal_error" default:"halt" choices:"halt,continue" doc:"what happens while the journal cannot be written because the disk is full or fails: 'halt' rejects new orders and amendments but sends cancels; 'continue' keeps trading, and the journal lacks what happens meanwhile"`
	LogLevel          string        `json:"log_level" hcl:"log_level" default:"info" choices:"trace,debug,info,warn,error" doc:"minimum level of the log lines shown"`
	Risk              Limits        `json:"risk,omitzero" hcl:"risk,block" doc:"Limits that no order gets round, live, on paper and in backtests: an order that would exceed one is rejected, and the strategy gets an OrderError that names it. A risk block here is for everything together; one in a connector block is for the account, one in a strategy block for the strategy and one in an instrument block for the strategy on that instrument. An order has to pass all of them. Limits of one order and of a position hold for each single instrument, those of orders and rates for the block as a whole. Money is an object of currency to amount, such as '{ USDT = 500 }'."`
}

// Connector is one connector block.
type Connector struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Pos is where the block begins.
	Pos Position `json:"-"`
	// Speed is how fast the feed's time passes against the wall clock, 0 for as fast as the strategies can follow.
	Speed float64 `json:"speed" hcl:"speed" default:"1" above:"0" format:"speed" doc:"how fast the synthetic feed's time passes against the wall clock, or \"max\": as fast as the strategies can follow"`
	// Synthetic or Replay is the feed; the other is nil.
	Synthetic *Synthetic `json:"synthetic,omitempty" hcl:"synthetic,block" doc:"A seeded flow of limit, market and cancel orders around the best prices."`
	Replay    *Replay    `json:"replay,omitempty" hcl:"replay,block" doc:"Recorded files of a venue's messages. The connector then has the recording's clock, so a strategy cannot use another connector besides it."`
	Exchange  Exchange   `json:"exchange" hcl:"exchange,block" doc:"How the simulated exchange fills orders."`
	Fee       Fee        `json:"fee" hcl:"fee,block" doc:"Fees as shares of the traded value; a rebate is negative."`
	// Risk are the limits of the account.
	Risk Limits `json:"risk,omitzero"`
	// Live is what a connector to a venue is, nil for paper. Exchange and Fee are then what a backtest begins with.
	Live *Live `json:"-"`

	rng, filesRng hcl.Range
	keyWrong      bool // key or secret cannot be read, which was reported
}

// MarshalJSON returns the settings that the connector's kind has.
func (c *Connector) MarshalJSON() ([]byte, error) {
	type plain Connector
	if c.Live == nil {
		return json.Marshal((*plain)(c))
	}
	own, err := json.Marshal(c.Live.Own)
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, `{"kind":%q,"name":%q,"has_key":%t`, c.Kind, c.Name, c.Live.HasKey())
	if !c.Risk.IsZero() {
		limits, err := json.Marshal(&c.Risk)
		if err != nil {
			return nil, err
		}
		head = append(append(head, `,"risk":`...), limits...)
	}
	if len(own) > len("{}") {
		head = append(head, ',')
	}
	return append(head, own[1:]...), nil
}

// OwnClock reports whether the connector's time is not the wall clock's.
func (c *Connector) OwnClock() bool { return c.Replay != nil || c.Speed != 1 }

// Synthetic is a synthetic block.
type Synthetic struct {
	Seed            uint64        `json:"seed" hcl:"seed" default:"1" doc:"random seed; the same seed gives the same flow"`
	EventsPerSecond float64       `json:"events_per_second" hcl:"events_per_second" default:"400" min:"1" max:"1000000" doc:"mean number of limit orders, cancels and market orders per second and instrument"`
	Volatility      float64       `json:"volatility" hcl:"volatility" default:"0.00012" min:"1e-09" max:"0.1" doc:"how much the reference price moves in a second, relative to the price"`
	JumpInterval    time.Duration `json:"jump_interval_ns" hcl:"jump_interval" default:"2.5s" above:"0s" doc:"mean time between sudden moves, in which one large order sweeps the book"`
	JumpSize        float64       `json:"jump_size" hcl:"jump_size" default:"0.0008" min:"1e-09" max:"0.1" doc:"mean size of a sudden move, relative to the price"`
	FeedLatency     time.Duration `json:"feed_latency_ns" hcl:"feed_latency" default:"500us" min:"0s" max:"1m" doc:"how much older than its arrival an event is"`
}

// Replay is a replay block.
type Replay struct {
	Format      string              `json:"format" hcl:"format" doc:"format of the recorded messages"`
	Files       map[string][]string `json:"files" hcl:"files" doc:"symbol to path, or to a list of paths in order of time; relative to the working directory; plain, '.gz', or '.zip' archives of '.data' files, as venues offer them. If there are books of several depths (Bybit), the deepest is used, together with the best bid and ask; with 'sync = \"natural\"' that of 50 levels, if there is one"`
	Speed       float64             `json:"-" hcl:"speed" default:"1" above:"0" format:"speed" doc:"how fast the recording's time passes against the wall clock, or \"max\": as fast as the strategies can follow, without losing an event. Then the simulated exchange sees rows at their exchange time and strategies at their local time, and orders and fills are those of a backtest that begins at the same time: the clock starts with the first row of all 'files', including those of symbols that no strategy uses, so omit these; otherwise, and with 'sync = \"natural\"', both see them at their local time"`
	Sync        string              `json:"sync" hcl:"sync" default:"exchange" choices:"exchange,natural" doc:"'exchange': a book only after a matching snapshot, as live; 'natural': every row as recorded"`
	OnBadLine   string              `json:"on_bad_line" hcl:"on_bad_line" default:"skip" choices:"skip,fatal" doc:"how to handle a line that cannot be read or whose time cannot be right: more than 31 days from the lines before, or more than a day before them for good; more than a day after them without a following line that agrees; more than a minute later or earlier than both its neighbours; one of several that are more than an hour from the lines before, while as many following lines continue from those; or more than a day from the exchange time in its message. It is reported and counted either way; a whole file that is so far from the one before ends the run"`
	OnGap       string              `json:"on_gap" hcl:"on_gap" default:"resync" choices:"resync,ignore,fatal" doc:"what a gap in the update ids does: clear the book until the next snapshot, nothing, or end the run"`
	BookTicker  bool                `json:"book_ticker" hcl:"book_ticker" default:"true" doc:"use best bid and ask messages too"`
	BaseLatency time.Duration       `json:"base_latency_ns,omitempty" hcl:"base_latency" default:"0s" min:"0s" max:"1m" doc:"minimum latency of a file whose local clock was behind the exchange's; with 'sync = \"natural\"' times stay as recorded. A file without local times, such as a venue's archive, needs it above 0: each message arrives this long after the venue's time"`
}

// Exchange is an exchange block.
type Exchange struct {
	Model           string        `json:"model" hcl:"model" default:"no_partial_fill" choices:"no_partial_fill,partial_fill" doc:"'no_partial_fill': each fill is whole; 'partial_fill': displayed quantities limit it"`
	Queue           string        `json:"queue" hcl:"queue" default:"risk_adverse" choices:"risk_adverse,power_prob,power_prob2,power_prob3,log_prob,log_prob2" doc:"how the position in the queue is estimated; 'risk_adverse' lets only trades advance it"`
	QueueN          float64       `json:"queue_n" hcl:"queue_n" default:"3" above:"0" doc:"exponent of the power_prob queues"`
	OrderLatency    time.Duration `json:"order_latency_ns" hcl:"order_latency" default:"5ms" min:"0s" max:"1m" doc:"from the host to the exchange"`
	ResponseLatency time.Duration `json:"response_latency_ns" hcl:"response_latency" default:"5ms" min:"0s" max:"1m" doc:"from the exchange back"`
}

// Fee is a fee block: shares of the traded value.
type Fee struct {
	Maker float64 `json:"maker" hcl:"maker" default:"0.0002" min:"-0.1" max:"0.1" doc:"fee of a fill that added liquidity"`
	Taker float64 `json:"taker" hcl:"taker" default:"0.0005" min:"-0.1" max:"0.1" doc:"fee of a fill that took liquidity"`
}

// Strategy is one strategy block.
type Strategy struct {
	Name string `json:"name" hcl:"name,label" format:"identifier"`
	// Pos is where the block begins.
	Pos         Position     `json:"-"`
	Plugin      string       `json:"plugin" hcl:"plugin" format:"identifier" doc:"name of the binary in 'plugin_dir'"`
	SHA256      string       `json:"sha256,omitempty" hcl:"sha256" default:"" format:"sha256" doc:"pins the binary: its SHA-256 in hex"`
	BotID       uint64       `json:"bot_id,omitempty" hcl:"bot_id" default:"0" doc:"identifies the bot to venues and across restarts; 0 derives it from the strategy's name"`
	Instruments []Instrument `json:"instruments" hcl:"instrument,block" doc:"An instrument the strategy trades; its asset number is its place among the strategy's instrument blocks."`
	// Sweep are the parameters of Options.Sets that the strategy has.
	Sweep    []SweepParam `json:"sweep,omitempty"`
	Wait     string       `json:"wait" hcl:"wait" default:"adaptive" choices:"adaptive,spin,park" doc:"how the strategy waits: spin some microseconds and then sleep, never sleep, or sleep immediately; never sleeping uses a full core, and one of the host"`
	OnExit   string       `json:"on_exit" hcl:"on_exit" default:"cancel" choices:"cancel,keep" doc:"what happens to its open orders when it stops or dies. Orders of a strategy that was renamed or removed from the file are left open, because there is no policy for them; they are listed at the end, and the exit code is 6. A renamed strategy gets its orders back with the 'bot_id' given in the log"`
	OnChange string       `json:"on_change" hcl:"on_change" default:"restart" choices:"restart,ignore" doc:"what happens when its binary is replaced; 'restart' also starts one that failed permanently, unless it was stopped since"`
	Position string       `json:"position" hcl:"position" default:"strategy" choices:"strategy,account" doc:"source of its position: its own fills, or the venue's account"`
	Enabled  bool         `json:"enabled" hcl:"enabled" default:"true" doc:"start it with the host"`
	Risk     Limits       `json:"risk,omitzero" hcl:"risk,block" doc:"Limits of the strategy, on all its instruments. See 'runner › risk'."`
	// Backtest is the backtest block, nil when there is none.
	Backtest *Backtest `json:"backtest,omitempty" hcl:"backtest,block" doc:"What 'runner backtest' runs the strategy on: recorded data instead of the connectors. 'runner run' ignores it."`
	// Params are the plugin's parameters as a JSON object. They are not part of the JSON form: they may hold secrets.
	Params json.RawMessage `json:"-" hcl:"params,free" doc:"The plugin's parameters; 'runner plugins' prints them with their defaults."`
	// SecretParams are the names of parameters whose values are not to be shown.
	SecretParams []string `json:"-"`

	block, params *block
}

// Instrument is one instrument block of a strategy.
type Instrument struct {
	Connector string `json:"connector" hcl:"connector,label"`
	Symbol    string `json:"symbol" hcl:"symbol,label" format:"symbol"`
	// TickSize and LotSize are 0 until File.FillSteps where they are left to the venue.
	TickSize   float64 `json:"tick_size" hcl:"tick_size" otherwise:"the venue's" above:"0" doc:"tick size; required with a paper connector and for backtests, otherwise checked against the venue's"`
	LotSize    float64 `json:"lot_size" hcl:"lot_size" otherwise:"the venue's" above:"0" doc:"lot size; required with a paper connector and for backtests, otherwise checked against the venue's"`
	Depth      string  `json:"depth" hcl:"depth" default:"window" choices:"window,hashmap,btree,roi" doc:"type of book that the strategy keeps"`
	ROILow     float64 `json:"roi_low,omitempty" hcl:"roi_low" default:"0" min:"0" doc:"lowest price of a roi book"`
	ROIHigh    float64 `json:"roi_high,omitempty" hcl:"roi_high" default:"0" min:"0" doc:"highest price of a roi book"`
	Currency   string  `json:"currency,omitempty" hcl:"currency" default:"" doc:"currency of its prices, needed where limits are in money"`
	Risk       Limits  `json:"risk,omitzero" hcl:"risk,block" doc:"Limits of the strategy on this instrument. See 'runner › risk'."`
	LastTrades int     `json:"last_trades" hcl:"last_trades" default:"100" min:"0" max:"1000000" doc:"how many of the last trades are kept, 0 for none"`

	block *block
}
