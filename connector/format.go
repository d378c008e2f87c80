package connector

// Format is how to read what a venue has sent, live and recorded alike.
type Format struct {
	// NewDecoder makes the decoder of one symbol's messages.
	NewDecoder func() Decoder
	// Rule is how the venue numbers the differences of a book.
	Rule Rule
	// NaturalLevel is the depth that the reference's converter reads of a venue that sends several; 0 where there is one.
	NaturalLevel int
}

// Rule is how a venue numbers its differences.
type Rule uint8

// Rules.
const (
	// RuleFutures is Binance's rule for futures: a difference names the last update id of the one before it (pu), and
	// the first one after a snapshot spans the snapshot's id.
	RuleFutures Rule = iota + 1
	// RuleSpot is Binance's rule for spot: update ids have no holes, so a difference starts at most one after the id
	// that has been reached.
	RuleSpot
	// RuleStreamed is the rule of a venue whose stream brings the snapshots, as Bybit's does: one at the start of a
	// subscription and more at any time, each of which replaces the book; then update ids count one by one. An id of 1
	// says that the venue's service has started anew. A missing difference is mended by subscribing again.
	RuleStreamed
)

// String returns the rule's name.
func (r Rule) String() string {
	switch r {
	case RuleFutures:
		return "futures"
	case RuleSpot:
		return "spot"
	case RuleStreamed:
		return "streamed"
	}
	return "unknown"
}

// Valid reports whether r is one of the rules.
func (r Rule) Valid() bool { return r >= RuleFutures && r <= RuleStreamed }
