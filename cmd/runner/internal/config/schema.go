package config

import "math"

// argumentKind is the type of an argument's value.
type argumentKind uint8

const (
	kindString argumentKind = iota
	kindInt
	kindUint
	kindFloat
	kindBool
	// kindDuration is a string such as "5ms".
	kindDuration
	// kindSpeed is a positive number or "max", which is kept as 0.
	kindSpeed
	// kindFiles is an object of symbol to a path or a list of paths.
	kindFiles
	// kindPaths is a path or a list of paths.
	kindPaths
	// kindTime is a string: a time as RFC 3339 has it, or a date.
	kindTime
)

// argument is one row of the table: an argument of a block. A default is written as the file would have it.
type argument struct {
	name     string
	kind     argumentKind
	def      any
	required bool
	// otherwise says whose value is taken when it is left out and there is no default: "the connector's".
	otherwise string
	// choices are the only strings allowed, when there are any.
	choices []string
	bounds  bounds
	// pattern, when not nil, says what is wrong with a string, or returns nothing.
	pattern func(string) string
	doc     string
}

// bounds limits a number, or a duration in seconds. Without set there is none.
type bounds struct {
	set, above bool // above: min itself is not allowed
	min, max   float64
}

// label is one label of a block.
type label struct {
	name    string
	choices []string
	pattern func(string) string
}

// blockType is a block of the table.
type blockType struct {
	name   string
	labels []label
	args   []argument
	blocks []*blockType
	// single: at most one of it in its parent. implied: with its defaults when it is left out.
	single, implied bool
	// free: the arguments are not of this table but a plugin's parameters.
	free bool
	// kinds are what the block may be, chosen by its first label; a block that has them has no arguments of its own.
	kinds []*blockType
	doc   string
}

func atLeast(min float64) bounds { return bounds{set: true, min: min, max: math.Inf(1)} }
func above(min float64) bounds   { return bounds{set: true, above: true, min: min, max: math.Inf(1)} }
func within(min, max float64) bounds {
	return bounds{set: true, min: min, max: max}
}

// ofKind returns the table of a block with these labels, which have been checked.
func (t *blockType) ofKind(labels []string) *blockType {
	for _, k := range t.kinds {
		if k.labels[0].choices[0] == labels[0] {
			return k
		}
	}
	return t
}

func (t *blockType) argument(name string) *argument {
	for i := range t.args {
		if t.args[i].name == name {
			return &t.args[i]
		}
	}
	return nil
}

func (t *blockType) block(name string) *blockType {
	for _, b := range t.blocks {
		if b.name == name {
			return b
		}
	}
	return nil
}

func (t *blockType) argumentNames() []string {
	names := make([]string, len(t.args))
	for i := range t.args {
		names[i] = t.args[i].name
	}
	return names
}

func (t *blockType) blockNames() []string {
	names := make([]string, len(t.blocks))
	for i := range t.blocks {
		names[i] = t.blocks[i].name
	}
	return names
}

// fileSchema is the one table of everything the file may hold: it checks, it gives the defaults, and docs/config.md is
// printed from it.
func fileSchema() *blockType {
	return &blockType{blocks: []*blockType{runnerSchema(), connectorSchema(), strategySchema()}}
}

func runnerSchema() *blockType {
	return &blockType{name: "runner", single: true, implied: true,
		doc: "Settings of the host process. Each can also be given as an environment variable `RUNNER_<NAME>`, for " +
			"example `RUNNER_STATE_DIR`, which overrides the file.",
		args: []argument{
			{name: "plugin_dir", kind: kindString, def: "bin/plugins", pattern: notEmpty,
				doc: "folder of the strategy binaries, relative to the working directory; only those named by a strategy are ever executed"},
			{name: "state_dir", kind: kindString, def: "state", pattern: notEmpty,
				doc: "folder of the control socket, the strategies' logs, the results of backtests (`backtests`) and recordings converted for them (`cache`, which may be removed), relative to the working directory; it is created"},
			{name: "start_timeout", kind: kindDuration, def: "10s", bounds: above(0),
				doc: "limit for a strategy's process start, handshake and configuration"},
			{name: "stop_timeout", kind: kindDuration, def: "5s", bounds: above(0),
				doc: "limit for an orderly stop of a strategy, after which it is killed; the orders of one that does not call its bot for a second meanwhile begin to end (`on_exit`) at once"},
			{name: "exit_timeout", kind: kindDuration, def: "1m", bounds: above(0),
				doc: "how long the end of a run, and `runner stop`, wait for the venues to confirm that every order that is not to be kept " +
					"(`on_exit`) has ended; what is left then is listed, with an exit code of its own. A venue that this run has never reached is not waited for, because this run can have no order there: its instruments are named at once, with the same exit code, because an earlier run may have left some"},
			{name: "heartbeat_timeout", kind: kindDuration, def: "10s", bounds: atLeast(1),
				doc: "a strategy that has not called a waiting method of its bot for this long is taken for hung"},
			{name: "backoff_min", kind: kindDuration, def: "250ms", bounds: above(0),
				doc: "wait before the first restart of a failed strategy; doubles with each further one"},
			{name: "backoff_max", kind: kindDuration, def: "30s", bounds: above(0),
				doc: "longest wait before a restart"},
			{name: "crash_loop_restarts", kind: kindInt, def: int64(5), bounds: within(1, 1000),
				doc: "this many restarts within `crash_loop_window` stop a strategy for good"},
			{name: "crash_loop_window", kind: kindDuration, def: "1m", bounds: above(0),
				doc: "see `crash_loop_restarts`"},
			{name: "strategy_log_mb", kind: kindInt, def: int64(10), bounds: within(1, 100_000),
				doc: "size in megabytes at which a strategy's log file, `logs/<strategy>.log` in the state folder, is put aside and a new one begun"},
			{name: "strategy_log_files", kind: kindInt, def: int64(10), bounds: within(2, 10_000),
				doc: "how many log files of a strategy are kept, the present one included; the oldest is removed"},
			{name: "strategy_log_rate", kind: kindInt, def: int64(200), bounds: within(1, 1_000_000),
				doc: "how many lines a second of a strategy are logged, whichever way it writes them; ten seconds' worth may come at once. Of what is over it the log has the number"},
			{name: "log_level", kind: kindString, def: "info", choices: []string{"trace", "debug", "info", "warn", "error"},
				doc: "least level of log lines shown"},
		}}
}

// connectorSchema is a connector block of any kind.
func connectorSchema() *blockType {
	t := &blockType{name: "connector", kinds: connectorKinds()}
	var names []string
	for _, k := range t.kinds {
		names = append(names, k.labels[0].choices...)
	}
	t.labels = connectorLabels(names...)
	t.doc = "A market to trade on, of one of several kinds: a simulated exchange, or a real venue. `runner check NAME` asks a venue whether all is well."
	return t
}

func paperSchema() *blockType {
	return &blockType{name: "connector", labels: connectorLabels(KindPaper),
		doc: "A simulated exchange on a synthetic or recorded feed. Without a feed block it has a synthetic one.",
		args: []argument{
			{name: "speed", kind: kindSpeed, def: 1.0, bounds: above(0),
				doc: "how fast the synthetic feed's time passes against the wall clock, or \"max\": as fast as the strategies can follow"},
		},
		blocks: []*blockType{syntheticSchema(), replaySchema(), exchangeSchema(), feeSchema()}}
}

func syntheticSchema() *blockType {
	return &blockType{name: "synthetic", single: true,
		doc: "A seeded flow of limit, market and cancel orders around the best prices.",
		args: []argument{
			{name: "seed", kind: kindUint, def: int64(1), doc: "start of the random numbers; the same seed gives the same flow"},
			{name: "events_per_second", kind: kindFloat, def: 400.0, bounds: within(1, 1e6),
				doc: "mean number of limit orders, cancels and market orders a second, for each instrument"},
			{name: "volatility", kind: kindFloat, def: 0.00012, bounds: within(1e-9, 0.1),
				doc: "how much the reference price moves in a second, as a share of the price"},
			{name: "jump_interval", kind: kindDuration, def: "2.5s", bounds: above(0),
				doc: "mean time between sudden moves, in which one large order sweeps the book"},
			{name: "jump_size", kind: kindFloat, def: 0.0008, bounds: within(1e-9, 0.1),
				doc: "mean size of a sudden move as a share of the price"},
			{name: "feed_latency", kind: kindDuration, def: "500us", bounds: within(0, 60),
				doc: "how much older than its arrival an event is"},
		}}
}

func replaySchema() *blockType {
	return &blockType{name: "replay", single: true,
		doc: "Recorded files of a venue's messages. The connector then has the recording's clock, so a strategy cannot use another connector beside it.",
		args: []argument{
			{name: "format", kind: kindString, required: true, choices: RecordedFormats(),
				doc: "what the recorded messages are"},
			{name: "files", kind: kindFiles, required: true,
				doc: "symbol to path, or to a list of paths in the order of time; relative to the working directory; plain, `.gz`, or `.zip` archives of `.data` files, as venues offer them. Where there are books of several depths (Bybit) the deepest is read, and with it the best bid and ask; with `sync = \"natural\"` that of 50 levels, if there is one"},
			{name: "speed", kind: kindSpeed, def: 1.0, bounds: above(0),
				doc: "how fast the recording's time passes against the wall clock, or \"max\": as fast as the strategies can follow, without losing an event. Then the simulated exchange sees rows at their exchange time and strategies at their local time, and orders and fills are those of a backtest that begins at the same time: the clock begins with the first row of all `files`, also of a symbol that no strategy has, so leave that out; otherwise, and with `sync = \"natural\"`, both see them at their local time"},
			{name: "sync", kind: kindString, def: "exchange", choices: []string{"exchange", "natural"},
				doc: "`exchange`: a book only after a snapshot that fits, as live; `natural`: every row as it is recorded"},
			{name: "on_bad_line", kind: kindString, def: "skip", choices: []string{"skip", "fatal"},
				doc: "what a line that cannot be read does, or whose time cannot be true: more than 31 days from the lines before, or more than a day before them for good; more than a day after them without a line behind that agrees; more than a minute later or earlier than both its neighbours; one of several that are more than an hour from the lines before, while as many behind them go on from those; or more than a day from the exchange time in its message. It is reported and counted either way; a file that as a whole is so far from the one before ends the run"},
			{name: "on_gap", kind: kindString, def: "resync", choices: []string{"resync", "ignore", "fatal"},
				doc: "what a gap in the update ids does: the book is empty until the next snapshot, nothing, or the run ends"},
			{name: "book_ticker", kind: kindBool, def: true, doc: "take the best bid and ask messages too"},
			{name: "base_latency", kind: kindDuration, def: "0s", bounds: within(0, 60),
				doc: "least latency that a file gets whose local clock was behind the exchange's; with `sync = \"natural\"` times stay as recorded. A file without local times, as venues' archives are, needs it above 0: each message comes so much after the venue's time"},
		}}
}

func exchangeSchema() *blockType {
	return &blockType{name: "exchange", single: true, implied: true,
		doc: "How the simulated exchange fills orders.",
		args: []argument{
			{name: "model", kind: kindString, def: "no_partial_fill", choices: []string{"no_partial_fill", "partial_fill"},
				doc: "`no_partial_fill`: each fill is whole; `partial_fill`: displayed quantities limit it"},
			{name: "queue", kind: kindString, def: QueueRiskAdverse,
				choices: []string{QueueRiskAdverse, "power_prob", "power_prob2", "power_prob3", "log_prob", "log_prob2"},
				doc:     "how the position in the queue is estimated; `risk_adverse` lets only trades advance it"},
			{name: "queue_n", kind: kindFloat, def: 3.0, bounds: above(0), doc: "exponent of the power_prob queues"},
			{name: "order_latency", kind: kindDuration, def: "5ms", bounds: within(0, 60), doc: "from the host to the exchange"},
			{name: "response_latency", kind: kindDuration, def: "5ms", bounds: within(0, 60), doc: "from the exchange back"},
		}}
}

func feeSchema() *blockType {
	return &blockType{name: "fee", single: true, implied: true,
		doc: "Fees as shares of the traded value; a rebate is negative.",
		args: []argument{
			{name: "maker", kind: kindFloat, def: 0.0002, bounds: within(-0.1, 0.1), doc: "fee of a fill that added liquidity"},
			{name: "taker", kind: kindFloat, def: 0.0005, bounds: within(-0.1, 0.1), doc: "fee of a fill that took liquidity"},
		}}
}

func strategySchema() *blockType {
	return &blockType{name: "strategy", labels: []label{{name: "name", pattern: identifier}},
		doc: "A strategy: a plugin with its parameters, in its own process.",
		args: []argument{
			{name: "plugin", kind: kindString, required: true, pattern: identifier, doc: "name of the binary in `plugin_dir`"},
			{name: "sha256", kind: kindString, def: "", pattern: checksum, doc: "pins the binary: its SHA-256 in hex"},
			{name: "bot_id", kind: kindUint, def: int64(0),
				doc: "identifies the bot to venues and across restarts; 0 derives it from the strategy's name"},
			{name: "wait", kind: kindString, def: "adaptive", choices: []string{"adaptive", "spin", "park"},
				doc: "how the strategy waits: spin some microseconds and then sleep, never sleep, or sleep at once; never sleeping takes a core of its own and one of the host"},
			{name: "on_exit", kind: kindString, def: "cancel", choices: []string{"cancel", "keep"},
				doc: "what happens to its open orders when it stops or dies. Those of a strategy that the file does not have any more, renamed or removed, " +
					"are left open, because nobody says what is to become of them; they are listed at the end, and the exit code is 6. A strategy that is renamed has its orders again with the `bot_id` that the log names"},
			{name: "on_change", kind: kindString, def: "restart", choices: []string{"restart", "ignore"},
				doc: "what happens when its binary is replaced; `restart` also starts one that was given up, unless it was stopped since"},
			{name: "position", kind: kindString, def: "strategy", choices: []string{"strategy", PositionAccount},
				doc: "what its position is: its own fills, or what the venue's account says"},
			{name: "enabled", kind: kindBool, def: true, doc: "start it with the host"},
		},
		blocks: []*blockType{instrumentSchema(), backtestSchema(),
			{name: "params", single: true, implied: true, free: true,
				doc: "The plugin's parameters; `runner plugins` prints them with their defaults."}}}
}

func instrumentSchema() *blockType {
	return &blockType{name: "instrument", labels: []label{{name: "connector"}, {name: "symbol", pattern: symbol}},
		doc: "An instrument the strategy trades; its asset number is its place among the strategy's instrument blocks.",
		args: []argument{
			{name: "tick_size", kind: kindFloat, otherwise: "the venue's", bounds: above(0),
				doc: "step of prices; needed with a paper connector and for backtests, compared with the venue's otherwise"},
			{name: "lot_size", kind: kindFloat, otherwise: "the venue's", bounds: above(0), doc: "step of quantities; needed with a paper connector and for backtests, compared with the venue's otherwise"},
			{name: "depth", kind: kindString, def: "window", choices: []string{"window", "hashmap", "btree", DepthROI},
				doc: "which book the strategy keeps"},
			{name: "roi_low", kind: kindFloat, def: 0.0, bounds: atLeast(0), doc: "lowest price of a roi book"},
			{name: "roi_high", kind: kindFloat, def: 0.0, bounds: atLeast(0), doc: "highest price of a roi book"},
			{name: "last_trades", kind: kindInt, def: int64(100), bounds: within(0, 1e6),
				doc: "how many of the last trades are kept, 0 for none"},
		}}
}
