package backtest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/sole"
	"github.com/hftrunner/hftrunner/risk"
	"github.com/hftrunner/hftrunner/sim"
)

// defaultResponseTimeout is how long a request with wait waits for its answer, as live.
const defaultResponseTimeout = 60 * time.Second

// Observer is told what happens in a backtest, on the bot's goroutine and in the order of time. What it is handed is
// valid during the call.
type Observer interface {
	// OnOrder is called for each request and each response that concerns an order of the bot.
	OnOrder(row *OrderRow)
	// OnFill is called for each execution when the bot learns it.
	OnFill(row *FillRow)
	// OnRecord is called for each sample of an asset's state.
	OnRecord(row *RecordRow)
}

// Builder collects what a backtest is made of (BacktestBuilder). A method that is called again replaces what it set,
// but for AddAsset. It is used by one goroutine.
type Builder struct {
	assets          []*AssetBuilder
	compat          sim.Compat
	fromNs, toNs    int64
	recordInterval  time.Duration
	allowUnsorted   bool
	responseTimeout time.Duration
	errorHandler    func(hft.LiveError) error
	orderRecvHook   func(prev, next *hft.Order) error
	observer        Observer
	risk            Risk
}

// Risk are the limits of a backtest besides those of its instruments. They hold in mode sim.Fixed only.
type Risk struct {
	Runner   risk.Limits `json:"runner,omitzero"`
	Strategy risk.Limits `json:"strategy,omitzero"`
	// Connectors are the limits of accounts, by the names of their connectors.
	Connectors map[string]risk.Limits `json:"connectors,omitempty"`
}

// IsZero reports whether nothing is limited.
func (r Risk) IsZero() bool {
	return r.Runner.IsZero() && r.Strategy.IsZero() && len(r.Connectors) == 0
}

// NewBuilder returns an empty builder (Backtest::builder).
func NewBuilder() *Builder {
	return &Builder{responseTimeout: defaultResponseTimeout, toNs: math.MaxInt64}
}

// AddAsset adds an instrument. Assets are numbered from 0 in the order of the calls (add_asset).
func (b *Builder) AddAsset(a *AssetBuilder) *Builder {
	b.assets = append(b.assets, a)
	return b
}

// Compat sets the mode of all assets: sim.Fixed, which is the default, or sim.Hftbacktest.
func (b *Builder) Compat(c sim.Compat) *Builder {
	b.compat = c
	return b
}

// Period bounds the time in which the bot acts: it starts at fromNs, with the books as they are then, and the data ends
// for it before toNs. A fromNs of 0 is the start and a toNs of 0 the end of the data.
func (b *Builder) Period(fromNs, toNs int64) *Builder {
	b.fromNs, b.toNs = fromNs, toNs
	if toNs == 0 {
		b.toNs = math.MaxInt64
	}
	return b
}

// RecordInterval sets how often the observer gets a sample of the state: at each multiple of the interval, and at the
// end. 0, the default, is never.
func (b *Builder) RecordInterval(interval time.Duration) *Builder {
	b.recordInterval = interval
	return b
}

// AllowUnsorted takes rows that are out of order as they come, in the past (quirk Q1). Otherwise they are an error.
func (b *Builder) AllowUnsorted() *Builder {
	b.allowUnsorted = true
	return b
}

// ResponseTimeout sets how long a request with wait waits for its response. The default is 60 s, as live; in mode
// sim.Hftbacktest there is no limit.
func (b *Builder) ResponseTimeout(timeout time.Duration) *Builder {
	b.responseTimeout = timeout
	return b
}

// ErrorHandler sets what is called with every error event: a refused request. An error that it returns ends the waiting
// call with that error.
func (b *Builder) ErrorHandler(handler func(hft.LiveError) error) *Builder {
	b.errorHandler = handler
	return b
}

// OrderRecvHook sets what is called with every order response before it is applied: prev is the order as it is, nil for
// one that the bot does not know; next is what the exchange reports. Both are valid during the call only and are not to
// be changed. An error that it returns ends the waiting call with that error after the response has been applied.
func (b *Builder) OrderRecvHook(hook func(prev, next *hft.Order) error) *Builder {
	b.orderRecvHook = hook
	return b
}

// Observer sets who is told what happens.
func (b *Builder) Observer(o Observer) *Builder {
	b.observer = o
	return b
}

// Risk sets limits; an order that would exceed one is refused before it leaves, as live.
func (b *Builder) Risk(r Risk) *Builder {
	b.risk = r
	return b
}

// Build opens the data and returns the bot, whose time is that of the first row or the start of the period. The caller
// closes it. All that is wrong is told at once (errors.Join): *hft.BuildError for what cannot be built, hft.ErrData for
// data that cannot be read.
func (b *Builder) Build() (Backtest, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	bt := &backtestBot{compat: b.compat, fromNs: b.fromNs, toNs: b.toNs, recordIntervalNs: int64(b.recordInterval),
		nextRecordNs: exchange.NeverNs, responseTimeout: b.responseTimeout, errorHandler: b.errorHandler,
		orderRecvHook: b.orderRecvHook, observer: b.observer}
	for i, ab := range b.assets {
		a, err := ab.build(i, b)
		if err != nil {
			bt.closeTapes()
			return nil, fmt.Errorf("backtest: asset %d: %w", i, err)
		}
		sole.Watch(a.book, &bt.mark)
		bt.assets = append(bt.assets, a)
	}
	if b.compat == sim.Fixed {
		bt.limit(b)
	}
	if err := bt.start(); err != nil {
		bt.closeTapes()
		return nil, err
	}
	bt.built = true
	return bt, nil
}

// check returns all that is wrong with what was given to the builder, before any data is opened.
func (b *Builder) check() error {
	var wrong []error
	if len(b.assets) == 0 {
		wrong = append(wrong, incomplete("no asset: call AddAsset before Build"))
	}
	if b.recordInterval < 0 || b.responseTimeout < 0 {
		wrong = append(wrong, invalid("record interval %v and response timeout %v: a duration must be 0 or more",
			b.recordInterval, b.responseTimeout))
	}
	if b.fromNs >= b.toNs {
		wrong = append(wrong, invalid("the period from %d to %d is empty: its end must be after its start", b.fromNs,
			b.toNs))
	}
	for i, a := range b.assets {
		for _, err := range a.check() {
			wrong = append(wrong, fmt.Errorf("backtest: asset %d: %w", i, err))
		}
	}
	return errors.Join(wrong...)
}

func incomplete(what string) error {
	return &hft.BuildError{Kind: hft.BuilderIncomplete, What: what}
}

func invalid(format string, args ...any) error {
	return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(format, args...)}
}
