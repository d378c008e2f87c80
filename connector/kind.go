package connector

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/hashicorp/go-hclog"
)

// Kind is a kind of connector block in a configuration. NewKind makes one.
type Kind struct {
	// Name is the block's first label, and the format of the venue's recordings. Doc describes the kind to users.
	Name, Doc string
	// NewSettings returns a pointer to a new struct of what a block has. docs/connector.md lists the tags of its
	// fields.
	NewSettings func() any
	// Format reads what the venue sends, live and recorded alike. Without a NewDecoder there are no recordings.
	Format Format
	// Open makes a connector. It connects to nothing: that is for Run and for the optional methods of the connector.
	Open func(Env) (Connector, error)
}

// Env is what a Kind opens a connector with.
type Env struct {
	// Name is the name of the block.
	Name string
	// Settings come from NewSettings, with the block's values and the defaults.
	Settings any
	// Logger is never nil. NowNs is the clock that the connector will run with.
	Logger hclog.Logger
	NowNs  func() int64
	// Answered is to be called whenever the venue answers while Steps or Preflight are busy; nil if nobody wants to
	// know. A venue that keeps answering is waited for.
	Answered func()
}

// NewKind returns a Kind whose blocks are read into S, without a Format.
func NewKind[S any](name, doc string, open func(*S, Env) (Connector, error)) Kind {
	return Kind{Name: name, Doc: doc, NewSettings: func() any { return new(S) },
		Open: func(env Env) (Connector, error) {
			s, ok := env.Settings.(*S)
			if !ok {
				return nil, fmt.Errorf("connector: kind %q was given settings of type %T", name, env.Settings)
			}
			return open(s, env)
		}}
}

// What follows is optional: a Connector that a Kind has opened may also implement Stepper, Preflighter, Checker,
// Recordable and Auditor, whose methods are called before Run, or io.Closer, which is called where Run is not.

// Steps are the steps of one symbol at the venue.
type Steps struct {
	Symbol string
	// TickSize and LotSize are 0 where the venue does not have the symbol.
	TickSize, LotSize float64
	// Err is why the symbol cannot be traded now; nil if it can.
	Err error
}

// Of fills in tick and lot size where the configured ones are 0, and returns an error that names both where they
// differ, or Err.
func (s *Steps) Of(tickSize, lotSize float64) (tick, lot float64, err error) {
	tick, lot = cmp.Or(tickSize, s.TickSize), cmp.Or(lotSize, s.LotSize)
	switch {
	case s.Err != nil:
		return tick, lot, s.Err
	case !sameStep(tick, s.TickSize):
		return tick, lot, fmt.Errorf("tick_size of %s is %v and the venue's is %v: write the venue's or remove it",
			s.Symbol, tick, s.TickSize)
	case !sameStep(lot, s.LotSize):
		return tick, lot, fmt.Errorf("lot_size of %s is %v and the venue's is %v: write the venue's or remove it",
			s.Symbol, lot, s.LotSize)
	}
	return tick, lot, nil
}

// sameStep reports whether a configured step is the venue's.
func sameStep(configured, venues float64) bool { return math.Abs(configured-venues) <= 1e-9*venues }

// Stepper is implemented by connectors whose venue tells tick and lot sizes, so that a configuration may leave them
// out.
type Stepper interface {
	// Steps asks the venue for each symbol. The error says that it did not answer; then it is asked again later.
	Steps(ctx context.Context, symbols []string) ([]Steps, error)
}

// Preflighter is implemented by connectors that can ask whether the account can be traded as it is.
type Preflighter interface {
	// Preflight returns an Unfit if it cannot, or another error if the venue did not answer. It is called after Steps.
	Preflight(ctx context.Context, symbols []string) error
}

// Unfit is the error of an account that cannot be traded as it is. It says what is wrong and what to do.
type Unfit string

func (u Unfit) Error() string { return string(u) }

// Checker is implemented by connectors that `runner check` can look at.
type Checker interface {
	// Check looks whether strategies could trade. Whatever it finds is no error; it places no order.
	Check(ctx context.Context, o CheckOptions) []Finding
}

// CheckOptions are what Check looks at.
type CheckOptions struct {
	// Instruments are those of the strategies; steps that are left to the venue are 0.
	Instruments []Instrument
	// OrderTest asks for an order to be validated by a venue that can do this without placing it.
	OrderTest bool
}

// Finding is something to tell about a venue or an account.
type Finding struct {
	// What was looked at, Value what was found.
	What  string `json:"what"`
	Value string `json:"value"`
	// Problem says what is wrong and Advice what to do; both are empty when all is well.
	Problem string `json:"problem,omitempty"`
	Advice  string `json:"advice,omitempty"`
	// Minor problems keep no strategy from trading.
	Minor bool `json:"minor,omitempty"`
	// Blocks says that the problem keeps a strategy from trading; whoever runs a check sets it.
	Blocks bool `json:"blocks"`
}

// Recordable is implemented by connectors of which `runner record` can make recordings.
type Recordable interface {
	// Record has every message about a registered symbol, and every snapshot of its book, handed to a function, with
	// the time of its receipt. One goroutine at a time calls the function, which keeps nothing of the message.
	Record(to func(symbol string, localNs int64, message []byte))
}

// ExecutedOrder is an order of the venue with the sums of its executions.
type ExecutedOrder struct {
	Symbol, VenueID string
	Qty, Value      float64
	Executions      int
}

// Auditor is implemented by connectors that can read the venue's own records of the account, for `runner
// verify-account`.
type Auditor interface {
	// Executed lists the orders on a symbol that were executed from one time of the venue to before another.
	Executed(ctx context.Context, symbol string, sinceNs, untilNs int64) ([]ExecutedOrder, error)
	// Owner asks for the client id of an order, and reports whether it is one of this runner's.
	Owner(ctx context.Context, symbol, venueID string) (clientID string, ours bool, err error)
}
