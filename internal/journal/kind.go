package journal

import (
	"fmt"
	"strings"
)

// Kind is the kind of a record.
type Kind uint16

// Kinds of records. The numbers are in files: a kind that is no longer written keeps its number.
const (
	// KindInstrument gives an instrument its number: Instrument; texts connector, symbol.
	KindInstrument Kind = 1
	// KindRunBegun and KindRunEnded are the ends of a run of the host: Run; texts version and sha256 of the configuration, or the
	// reason.
	KindRunBegun Kind = 2
	KindRunEnded Kind = 3

	// KindStarted: a process of a strategy trades from now on: Process; texts name, plugin, version.
	KindStarted Kind = 10
	// KindStopped: it no longer does, and that was wanted, or it was done: Process; texts name, reason.
	KindStopped Kind = 11
	// KindFailed: it ended unexpectedly or could not be started: Process; texts name, reason.
	KindFailed Kind = 12
	// KindReplaced: a hot restart, told after KindStarted of the new process: Process; texts name, plugin, version.
	KindReplaced Kind = 13
	// KindHeld: a strategy is not started by itself until it is started by command, or no longer so; texts name, why
	// (HeldStopped, HeldGivenUp, or empty), reason, sha256 of the binary that failed.
	KindHeld Kind = 14
	// KindSavedState names the state that the next process of a strategy is given: SavedState; texts name, file in the
	// directory of saved states (empty where there is no longer one), reason.
	KindSavedState Kind = 15

	// KindRequest is a request of a bot that the host sends on: Request.
	KindRequest Kind = 20
	// KindRefused is one that is not sent: Refusal; texts rule, reason.
	KindRefused Kind = 21
	// KindSent is a request to the venue, before the bytes leave: Sent; texts origin, client id, client id of the
	// replacement.
	KindSent Kind = 22
	// KindAnswered is the venue's answer to it: Answer; texts origin, client id, venue's order id, reason.
	KindAnswered Kind = 23
	// KindOrder is the state of an order as its strategy gets it: OrderState; texts origin, client id, venue's order
	// id.
	KindOrder Kind = 24
	// KindExecution is one execution and the order's state with it: Execution; texts origin, client id, venue's order id,
	// execution id, fee asset.
	KindExecution Kind = 25

	// KindVenuePosition is the venue's position of the account: VenuePosition.
	KindVenuePosition Kind = 30
	// KindBalance is the venue's balance of an asset of the account: Balance; texts connector, asset.
	KindBalance Kind = 31
	// KindFunding is a settlement booked to a strategy: Funding; texts asset, venue's id.
	KindFunding Kind = 32
	// KindReconciled is the result of a query: Execution or nothing; texts what, details.
	KindReconciled Kind = 33
	// KindMark is the equity of a strategy on an instrument at a time: Mark.
	KindMark Kind = 34
	// KindExecutionsRead: the venue's executions on an instrument are known up to a time, and booked: ExecutionsRead.
	KindExecutionsRead Kind = 35
	// KindReset: what a strategy has on an instrument begins anew: Holding, which is what it had; text why.
	KindReset Kind = 36
	// KindUnattributed: what of the account's position belongs to no strategy has changed: Unattributed; text why.
	KindUnattributed Kind = 37
	// KindMismatch: the account's position is another than what strategies have and nobody's is, or no longer so:
	// Mismatch; text details.
	KindMismatch Kind = 38

	// KindBookAbsent and KindBookPresent tell whether the book of an instrument can be trusted; text reason.
	KindBookAbsent  Kind = 40
	KindBookPresent Kind = 41

	// KindTradingState: what may trade has changed: TradingState; texts scope, name, cause, who.
	KindTradingState Kind = 50
	// KindCommand is an operator's command; texts command, who, from where.
	KindCommand Kind = 51
	// KindClockStep: the machine's time has jumped, or such a jump was confirmed: ClockStep.
	KindClockStep Kind = 52
	// KindAlert is an alert that was sent; texts name, text.
	KindAlert Kind = 53

	// KindLost: records could not be appended before this one: Lost; text "sums" if the sums in later records have
	// something in them that is missing. The writer itself writes it.
	KindLost Kind = 60
	// KindCheckpoint is the State up to its sequence; one text, JSON. It stands at the head of segments and is not a record of
	// the sequence.
	KindCheckpoint Kind = 61
)

// kindInfo describes a kind.
type kindInfo struct {
	name string
	size int // of the body
	// money is true for records that are kept forever, names for those that are needed to read them.
	money, names bool
	order        bool // the body begins with an hft.Order
}

func infoOf(k Kind) (kindInfo, bool) {
	switch k {
	case KindInstrument:
		return kindInfo{name: "instrument", size: instrumentBytes, names: true}, true
	case KindRunBegun:
		return kindInfo{name: "run_begun", size: runBytes}, true
	case KindRunEnded:
		return kindInfo{name: "run_ended", size: runBytes}, true
	case KindStarted:
		return kindInfo{name: "started", size: processBytes, names: true}, true
	case KindStopped:
		return kindInfo{name: "stopped", size: processBytes}, true
	case KindFailed:
		return kindInfo{name: "failed", size: processBytes}, true
	case KindReplaced:
		return kindInfo{name: "replaced", size: processBytes}, true
	case KindHeld:
		return kindInfo{name: "held"}, true
	case KindSavedState:
		return kindInfo{name: "saved_state", size: savedStateBytes}, true
	case KindRequest:
		return kindInfo{name: "request", size: requestBytes, order: true}, true
	case KindRefused:
		return kindInfo{name: "refused", size: refusalBytes, order: true}, true
	case KindSent:
		return kindInfo{name: "sent", size: sentBytes, order: true}, true
	case KindAnswered:
		return kindInfo{name: "answered", size: answerBytes, order: true}, true
	case KindOrder:
		return kindInfo{name: "order", size: orderStateBytes, order: true}, true
	case KindExecution:
		return kindInfo{name: "execution", size: executionBytes, money: true, order: true}, true
	case KindBookAbsent:
		return kindInfo{name: "book_absent"}, true
	case KindBookPresent:
		return kindInfo{name: "book_present"}, true
	case KindTradingState:
		return kindInfo{name: "trading_state", size: tradingStateBytes}, true
	case KindCommand:
		return kindInfo{name: "command"}, true
	case KindClockStep:
		return kindInfo{name: "clock_step", size: clockStepBytes}, true
	case KindAlert:
		return kindInfo{name: "alert"}, true
	case KindLost:
		return kindInfo{name: "lost", size: lostBytes}, true
	case KindCheckpoint:
		return kindInfo{name: "checkpoint"}, true
	}
	return accountInfoOf(k)
}

// accountInfoOf is infoOf for what is about the account.
func accountInfoOf(k Kind) (kindInfo, bool) {
	switch k {
	case KindVenuePosition:
		return kindInfo{name: "venue_position", size: venuePositionBytes, money: true}, true
	case KindBalance:
		return kindInfo{name: "balance", size: balanceBytes, money: true}, true
	case KindFunding:
		return kindInfo{name: "funding", size: fundingBytes, money: true}, true
	case KindReconciled:
		return kindInfo{name: "reconciled", size: executionBytes, money: true, order: true}, true
	case KindMark:
		return kindInfo{name: "mark", size: markBytes}, true // those of the ends of days are kept: see money.go
	case KindExecutionsRead:
		return kindInfo{name: "executions_read", size: executionsReadBytes}, true
	case KindReset:
		return kindInfo{name: "reset", size: holdingBytes, money: true}, true
	case KindUnattributed:
		return kindInfo{name: "unattributed", size: unattributedBytes, money: true}, true
	case KindMismatch:
		return kindInfo{name: "mismatch", size: mismatchBytes}, true
	}
	return kindInfo{}, false
}

// ParseKind returns the kind of a name.
func ParseKind(name string) (Kind, error) {
	var names []string
	for k := range KindCheckpoint {
		if i, ok := infoOf(k); ok && i.name == name {
			return k, nil
		} else if ok {
			names = append(names, i.name)
		}
	}
	return 0, fmt.Errorf("no record kind is called %q: use %s", name, strings.Join(names, ", "))
}

// String returns the kind's name.
func (k Kind) String() string {
	if i, ok := infoOf(k); ok {
		return i.name
	}
	return fmt.Sprintf("kind_%d", uint16(k))
}
