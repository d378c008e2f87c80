package pluginapi

import (
	"context"
	"errors"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// isOrderly reports whether an error that Run returned stands for an orderly end. ctx is Run's. Of joined errors all
// have to: what failed at the end is not hidden by the reason for the end.
func isOrderly(ctx context.Context, err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(part error) bool { return !isOrderly(ctx, part) })
	}
	return errors.Is(err, hft.ErrInterrupted) || errors.Is(err, hft.ErrEndOfData) ||
		errors.Is(err, context.Canceled) && ctx.Err() != nil
}

// drainLimit bounds how many events are passed over in search of the end of the data. It is above what the rings hold,
// so a channel that still has events after it is one whose data goes on.
const drainLimit = 1 << 20

// botAtEnd reports whether the bot has told the strategy that the data has ended. One that the strategy has closed
// knows no more than that.
func (a *adapter) botAtEnd() bool {
	b, ok := a.bot.(interface{ AtEnd() bool })
	return ok && b.AtEnd()
}

// dataEnded looks whether a channel that nobody uses any more has come to the end of recorded data. Answers to the
// strategy's last requests may lie before it. A closed channel says that it is closed.
func dataEnded(ch ipc.Channel) bool {
	var ev ipc.LiveEvent
	for range drainLimit {
		if _, err := ch.RecvTimeout(0, 0, &ev); err != nil {
			return errors.Is(err, hft.ErrEndOfData)
		}
	}
	return false
}
