package pluginapi

import (
	"context"

	"github.com/hftrunner/hftrunner/hft"
)

// Strategy is what an author writes.
type Strategy interface {
	// Run trades until a waiting call of bot returns an error, and returns that. It is no failure when hft.Ended says
	// so: the strategy is to stop, as ctx says, too, or recorded data has ended; nil is as good. Any other error is
	// one: the host carries out on_exit and restarts the strategy. Run has to call a waiting method of bot more often
	// than the heartbeat limit; a strategy that does not is taken for hung.
	Run(ctx context.Context, bot hft.Bot) error
}

// StateSaver is implemented by strategies that hand state over to their next process at a hot restart, and after an
// orderly stop. docs/bot-contract.md says what can be relied on.
type StateSaver interface {
	// SaveState is called after Run has returned, with up to 64 MB to be handed over. When it fails, or has not
	// returned within the host's stop_timeout, the restart is given up, and Run is called again with the same bot, so
	// that the strategy goes on. One that has closed its bot in Run cannot go on: it is started again, as after a
	// failure.
	SaveState() ([]byte, error)
}

// StateRestorer is implemented by strategies that take over the state of their last process.
type StateRestorer interface {
	// RestoreState is called before Run with what SaveState returned, possibly of an older version of the plugin, and
	// possibly long ago: a process that was killed saves nothing. With an error the strategy does not start.
	RestoreState(state []byte) error
}

// ErrorHandler is implemented by strategies that want error events.
type ErrorHandler interface {
	// OnError is called from within a waiting call, never before Run. An error it returns ends that call.
	OnError(e hft.LiveError) error
}

// OrderHook is implemented by strategies that want to see every order update.
type OrderHook interface {
	// OnOrder is called from within a waiting call, never before Run, and before the update is applied; of orders that
	// the strategy takes over it is told in the first waiting call, when Orders has them already. prev is the order as
	// it is, nil for an order the bot did not know; next is what the exchange reports. Both are only valid during the
	// call. An error it returns ends that call after the update was applied.
	OnOrder(prev, next *hft.Order) error
}

// Plugin describes a strategy to the host. P is a struct whose exported fields with an `hcl` tag are the parameters.
type Plugin[P any] struct {
	// Name and Version are shown to people; Name is lower case letters, digits and dashes.
	Name, Version string
	// Doc says in one sentence what the strategy does.
	Doc string
	// New makes the strategy of validated parameters.
	New func(params P) (Strategy, error)
}
