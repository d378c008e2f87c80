// Package pluginapi is what a strategy author imports besides hft: Strategy, its optional methods, and Serve, which
// main calls.
//
//	func main() {
//		pluginapi.Serve(pluginapi.Plugin[Params]{Name: "gridtrading", Version: "1.0.0",
//			New: func(p Params) (pluginapi.Strategy, error) { return &grid{p: p}, nil }})
//	}
//
// # Parameters
//
// Params is a struct. Each exported field with a tag `hcl` is a parameter; its type is string, a kind of int or float,
// bool, time.Duration or a slice of string, int64 or float64. The tags `default`, `min`, `max` and `doc` say the rest:
//
//	GridNum  int           `hcl:"grid_num" default:"10" min:"1" doc:"orders a side"`
//	Interval time.Duration `hcl:"interval" default:"100ms" min:"1ms"`
//	Symbols  []string      `hcl:"symbols" default:"[]"`
//
// Such fields of a struct that is embedded (not of a pointer to one) are parameters, too. No whole number is above
// 9223372036854775807, also where the field could hold it.
//
// A parameter without a default has to be given. The default of a list is written as JSON. Bounds are inclusive, and
// those of a list hold for each element. Mistakes in the tags are the author's: Serve panics and names the field.
// Mistakes in the values are the user's: they are reported before anything is started, all at once.
//
// # Memory and goroutines
//
// Run has a goroutine of its own, and OnError and OnOrder are called in it; New, RestoreState and SaveState are never
// called at the same time as Run. The bot belongs to Run and may be read by SaveState; it is closed afterwards, if the
// strategy has not closed it itself.
//
// # Backtest
//
// The process of a plugin also runs backtests, any number after and beside each other, each with a strategy of its own
// from New: a strategy that keeps its state in its own fields, and not in variables of the package, needs to know
// nothing of that. SaveState and RestoreState are not called. What happens is sent to the host by another goroutine
// than Run's in batches of up to 1 MiB; a host that does not take them makes the backtest wait. The function Backtest
// runs a plugin's strategy in any process, which is how `go test` tests it.
//
// # When something ends
//
// A panic of the strategy ends its Run, is logged with its stack and reported to the host, which restarts the
// strategy. When the strategy is to stop, ctx is cancelled and the bot's waiting calls return hft.ErrInterrupted; at
// the end of recorded data they return hft.ErrEndOfData. Run returns either as it is. When the host is gone, the
// process ends by itself. Messages go to the host by Logger, slog or log, at the level that the host logs; what a
// strategy prints lands in the same log. No way of writing ever holds the strategy up, and beyond some 200 lines a
// second the host only counts.
package pluginapi
