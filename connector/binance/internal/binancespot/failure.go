package binancespot

import (
	"fmt"
	"strings"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// cause returns what a refusal of the venue means, for the codes that spot alone has or means otherwise than futures;
// ok is false for all others.
func cause(code int, msg string) (c protocol.Cause, ok bool) {
	switch code {
	case -1013: // a filter
		return protocol.Refused, true
	case -2010:
		return newOrderCause(msg), true
	case -2011:
		return cancelCause(msg), true
	case -2013, -2026: // -2026: archived, because it ended without an execution long ago
		return protocol.NotFound, true
	case -2021, -2022:
		// Both halves of a replacement say more, see replaceDetails. Without them nobody knows what became of the
		// order.
		return protocol.Unknown, true
	case -2038, -2039: // amendment refused; the two ids that were given are of different orders
		return protocol.NoChange, true
	case -1016: // the service is shutting down
		return protocol.Overloaded, true
	}
	return 0, false
}

// newOrderCause tells the causes of -2010 apart, which only its text does.
func newOrderCause(msg string) protocol.Cause {
	switch {
	case strings.Contains(msg, "immediately match and take"):
		return protocol.WouldTake
	case strings.Contains(msg, "Duplicate order"):
		return protocol.DuplicateID
	case accountRefused(msg):
		return protocol.Key
	}
	return protocol.Refused
}

// cancelCause tells the causes of -2011 apart.
func cancelCause(msg string) protocol.Cause {
	switch {
	case strings.Contains(msg, "cancel restrictions"):
		// What cancelRestrictions asks for does not hold any more. The order stays as it is.
		return protocol.NoChange
	case accountRefused(msg):
		return protocol.Key
	}
	return protocol.Gone
}

// accountRefused reports whether a text is about the account or the key as a whole, not about one order.
func accountRefused(msg string) bool {
	return strings.Contains(msg, "disabled on this account") || strings.Contains(msg, "trading is not enabled")
}

// replaceError is what a refused replacement says about its two halves.
type replaceError struct {
	// cancel and replacement are SUCCESS, FAILURE or NOT_ATTEMPTED.
	cancel, replacement string
	// old is the order that was canceled, when it was.
	old protocol.Report
}

// Error returns both outcomes.
func (e *replaceError) Error() string {
	return fmt.Sprintf("cancellation %s, new order %s", outcome(e.cancel), outcome(e.replacement))
}

func outcome(text string) string {
	return strings.ToLower(strings.ReplaceAll(text, "_", " "))
}

// Outcomes of a half of a replacement.
const (
	succeeded = "SUCCESS"
	failed    = "FAILURE"
)

// replaceDetails completes the failure of a replacement by what the venue says about its halves: the one that failed
// decides about the cause.
func replaceDetails(f *protocol.Failure, data binanceapi.Value) {
	e := &replaceError{cancel: data.Text("cancelResult"), replacement: data.Text("newOrderResult")}
	if e.cancel == "" {
		return
	}
	half := data.Field("cancelResponse")
	if e.cancel == succeeded {
		old, err := canceled(half)
		if err != nil {
			return // what became of the order has to be asked
		}
		e.old = old
		half = data.Field("newOrderResponse")
	}
	f.Err = e
	if e.cancel != failed && e.replacement != failed {
		return
	}
	if code := int(half.Int("code")); code != 0 {
		msg := half.Text("msg")
		f.Cause, f.Code, f.Msg = binanceapi.CauseOf(code, msg, cause), code, msg
	}
}
