package venue

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/internal/venuecheck"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// byREST is the order entry that connects to nothing.
const byREST = "rest"

// asked is the Connector that a Kind opens: its venue can be asked before Run. Nothing but the methods that it has of a
// connector.Connector is used by two goroutines at once.
type asked struct {
	*Connector
	settings *Settings
	env      connector.Env
	open     func(orderEntry string) (Opened, error)
	begun    bool
	ledger   *venuecheck.Ledger // nil until it is used
}

var (
	_ connector.Stepper     = (*asked)(nil)
	_ connector.Preflighter = (*asked)(nil)
	_ connector.Checker     = (*asked)(nil)
	_ connector.Recordable  = (*asked)(nil)
	_ connector.Auditor     = (*asked)(nil)
	_ io.Closer             = (*asked)(nil)
)

// newAsked checks settings by making a Protocol that sends orders by REST.
func newAsked(s *Settings, rule connector.Rule, env connector.Env, open func(Env) (Opened, error)) (*asked, error) {
	if env.Logger == nil {
		env.Logger = hclog.NewNullLogger()
	}
	outage := stream.NewOutage(env.Logger, env.NowNs)
	a := &asked{settings: s, env: env, open: func(orderEntry string) (Opened, error) {
		return open(Env{OrderEntry: orderEntry, NowNs: env.NowNs, Logger: env.Logger, Outage: outage})
	}}
	made, err := a.open(byREST)
	if err != nil {
		return nil, err
	}
	a.Connector, err = New(Config{Protocol: made.Protocol, Rule: rule, OrderPrefix: s.OrderPrefix,
		Trading: s.HasKey(), DeadMan: made.DeadMan,
		AuditInterval: s.Pace.AuditInterval, CancelOnDisconnect: s.CancelOnDisconnect,
		QuietLimit: cmp.Or(s.Pace.QuietBooks, made.QuietLimit), BackOffMax: s.Pace.BackOffMax,
		AttemptsPer5Min: s.Pace.AttemptsPer5Min, RefusedPause: s.Pace.RefusedPause, Logger: env.Logger, Outage: outage})
	if err != nil {
		return nil, errors.Join(err, made.Protocol.Close())
	}
	return a, nil
}

// begin gives the Connector the Protocol that sends orders as configured.
func (a *asked) begin() error {
	if a.begun || a.settings.OrderEntry == byREST || !a.settings.HasKey() {
		return nil
	}
	made, err := a.open(a.settings.OrderEntry)
	if err != nil {
		return err
	}
	a.begun = true
	before := a.protocol
	a.protocol, a.cfg.Protocol = made.Protocol, made.Protocol
	return before.Close()
}

// Protocol returns the Protocol that the Connector uses.
func (a *asked) Protocol() (protocol.Protocol, error) {
	err := a.begin()
	return a.protocol, err
}

// Know tells the Connector rules that the venue need not be asked for.
func (a *asked) Know(filters []protocol.Filters) { a.cfg.Filters = filters }

// speaking calls a function whenever the venue has answered a question.
type speaking struct {
	venuecheck.Asker
	spoke func()
}

func (s speaking) Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error) {
	filters, err := s.Asker.Filters(ctx, symbols)
	if s.spoke != nil && (err == nil || protocol.Final(err)) {
		s.spoke()
	}
	return filters, err
}

// Steps asks the venue for the rules of symbols, which the Connector then knows.
func (a *asked) Steps(ctx context.Context, symbols []string) ([]connector.Steps, error) {
	if err := a.begin(); err != nil {
		return nil, err
	}
	rules, err := venuecheck.AskRules(ctx, speaking{a.protocol, a.env.Answered}, symbols)
	if err != nil {
		return nil, err
	}
	a.Know(rules.Filters)
	steps := make([]connector.Steps, len(symbols))
	for i, symbol := range symbols {
		steps[i] = rules.Steps(symbol)
	}
	return steps, nil
}

// Preflight asks whether the account can be traded; without a key there is none.
func (a *asked) Preflight(ctx context.Context, symbols []string) error {
	if !a.settings.HasKey() {
		return nil
	}
	if err := a.begin(); err != nil {
		return err
	}
	if a.env.Answered != nil {
		a.env.Answered()
		defer a.env.Answered()
	}
	return venuecheck.Preflight(ctx, a.protocol, symbols)
}

// Check looks at everything that trading needs.
func (a *asked) Check(ctx context.Context, o connector.CheckOptions) []connector.Finding {
	if err := a.begin(); err != nil {
		return []connector.Finding{{What: "order entry", Value: "not known", Problem: err.Error(),
			Advice: "check its URL and the key", Blocks: true}}
	}
	return venuecheck.Run(ctx, venuecheck.Options{Protocol: a.protocol, HasKey: a.settings.HasKey(),
		OrderPrefix: a.settings.OrderPrefix, OrderTest: o.OrderTest, Instruments: o.Instruments})
}

// Record has all messages handed to a function.
func (a *asked) Record(to func(symbol string, localNs int64, message []byte)) { a.cfg.Record = to }

// account returns the Ledger of the account.
func (a *asked) account(ctx context.Context) (l *venuecheck.Ledger, err error) {
	if a.ledger == nil {
		a.ledger, err = venuecheck.NewLedger(ctx, a.protocol, a.settings.OrderPrefix)
	}
	return a.ledger, err
}

// Executed lists the orders that the venue has executions of.
func (a *asked) Executed(ctx context.Context, symbol string, sinceNs, untilNs int64) ([]connector.ExecutedOrder, error) {
	l, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	return l.Executed(ctx, symbol, sinceNs, untilNs)
}

// Owner asks whose an order is.
func (a *asked) Owner(ctx context.Context, symbol, venueID string) (clientID string, ours bool, err error) {
	l, err := a.account(ctx)
	if err != nil {
		return "", false, err
	}
	return l.Owner(ctx, symbol, venueID)
}

// Run begins what is open by then.
func (a *asked) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	if err := a.begin(); err != nil {
		return err
	}
	return a.Connector.Run(ctx, sink, clock)
}

// Close closes what was opened to ask.
func (a *asked) Close() error { return a.protocol.Close() }
