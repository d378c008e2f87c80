package pluginapi

import (
	"encoding/json"
	"fmt"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// wiring is what the adapter needs of the data plane and of the engine of backtests.
type wiring struct {
	// prepare checks everything about the bot that can be checked without the host and returns what builds it.
	prepare func(c control.Configuration, s Strategy) (build func(ipc.Channel) (hft.Bot, error), err error)
	// attach maps the shared memory.
	attach func(ipc.Attachment) (ipc.Channel, error)
	// simulate makes the engine of a backtest, which tells its rows to rows.
	simulate func(spec json.RawMessage, s Strategy, rows *rowSender) (engine, error)
}

// liveWiring is the real one.
func liveWiring() wiring {
	return wiring{prepare: prepareLiveBot, attach: ipc.Attach, simulate: prepareEngine}
}

// prepareLiveBot makes the books and hooks up the strategy's optional methods.
func prepareLiveBot(c control.Configuration, s Strategy) (func(ipc.Channel) (hft.Bot, error), error) {
	if len(c.Books) != len(c.Attachment.Instruments) {
		return nil, fmt.Errorf("the host configured %d books for %d instruments", len(c.Books),
			len(c.Attachment.Instruments))
	}
	builder := live.NewBuilder().ID(c.Attachment.BotID)
	for i, inst := range c.Attachment.Instruments {
		b := c.Books[i]
		book, err := depth.New(b.Depth, inst.TickSize, inst.LotSize, b.ROILow, b.ROIHigh)
		if err != nil {
			return nil, fmt.Errorf("make the book of %s %s: %w", inst.Connector, inst.Symbol, err)
		}
		builder.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, book,
			b.LastTrades))
	}
	if handler, ok := s.(ErrorHandler); ok {
		builder.ErrorHandler(handler.OnError)
	} else {
		builder.ErrorHandler(logError)
	}
	if hook, ok := s.(OrderHook); ok {
		builder.OrderRecvHook(hook.OnOrder)
	}
	return func(ch ipc.Channel) (hft.Bot, error) {
		bot, err := builder.Build(ch)
		if err != nil {
			return nil, err // a nil *LiveBot must not become a hft.Bot
		}
		return bot, nil
	}, nil
}

// logError takes the error events of a strategy that has no handler. But for the bot's own, that it was too slow, the
// host has logged them: as lines they are in the strategy's log only.
func logError(e hft.LiveError) error {
	if e.Kind == hft.CustomKind && e.Code == hft.CodeFeedLost {
		Logger().Warn("the strategy is too slow for its feed, its books are rebuilt", "lost_events", e.Val.String())
	} else {
		_, _ = fmt.Fprintln(stderr, e.Error())
	}
	return nil
}
