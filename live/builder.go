package live

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/internal/sole"
	"github.com/hftrunner/hftrunner/ipc"
)

const (
	defaultResponseTimeout = 60 * time.Second
	defaultBuildTimeout    = 30 * time.Second
	// maxLastTrades bounds the trades that are kept of an instrument; a million take 128 MB.
	maxLastTrades = 1_000_000
)

// LiveBotBuilder collects what a LiveBot is made of (LiveBotBuilder). A method that is called again replaces what it
// set, but for Register, which adds. It is used by one goroutine.
type LiveBotBuilder struct {
	id              uint64
	instruments     []Instrument
	errorHandler    func(hft.LiveError) error
	orderRecvHook   func(prev, next *hft.Order) error
	logger          func(string)
	responseTimeout time.Duration
	buildTimeout    time.Duration
	dial            ipc.DialConfig
}

// NewBuilder returns a builder with a random id, which is never 0 (LiveBot::builder).
func NewBuilder() *LiveBotBuilder {
	var id uint64
	for id == 0 {
		var b [8]byte
		rand.Read(b[:]) // never fails
		id = binary.LittleEndian.Uint64(b[:])
	}
	return &LiveBotBuilder{id: id, responseTimeout: defaultResponseTimeout, buildTimeout: defaultBuildTimeout,
		logger: logWarning}
}

func logWarning(line string) { slog.Warn(line) }

// Register adds an instrument. Assets are numbered from 0 in the order of the calls (register).
func (b *LiveBotBuilder) Register(inst Instrument) *LiveBotBuilder {
	b.instruments = append(b.instruments, inst)
	return b
}

// ID sets the bot's id, which identifies its orders across restarts (id). Build refuses 0 and an id that a connected
// bot has.
func (b *LiveBotBuilder) ID(id uint64) *LiveBotBuilder {
	b.id = id
	return b
}

// ErrorHandler sets what is called with every error event. An error that it returns ends the waiting call with that
// error. Without a handler error events are logged (error_handler).
func (b *LiveBotBuilder) ErrorHandler(handler func(hft.LiveError) error) *LiveBotBuilder {
	b.errorHandler = handler
	return b
}

// OrderRecvHook sets what is called with every order response before it is applied: prev is the order as it is, nil
// for one that the bot does not know; next is what the host reports. Both are valid during the call only and are not
// to be changed. An error that it returns ends the waiting call with that error after the response has been applied
// (order_recv_hook).
func (b *LiveBotBuilder) OrderRecvHook(hook func(prev, next *hft.Order) error) *LiveBotBuilder {
	b.orderRecvHook = hook
	return b
}

// ResponseTimeout sets how long a request with wait waits for its response by the channel's clock. The default is 60 s.
func (b *LiveBotBuilder) ResponseTimeout(timeout time.Duration) *LiveBotBuilder {
	b.responseTimeout = timeout
	return b
}

// BuildTimeout sets how long Build waits for the books by the channel's clock. The default is 30 s.
func (b *LiveBotBuilder) BuildTimeout(timeout time.Duration) *LiveBotBuilder {
	b.buildTimeout = timeout
	return b
}

// Logger sets what is called with one line for each error event that no handler takes. The default is slog.Warn,
// which writes to standard error unless the program says otherwise; nil goes back to it.
func (b *LiveBotBuilder) Logger(log func(line string)) *LiveBotBuilder {
	if b.logger = log; log == nil {
		b.logger = logWarning
	}
	return b
}

// Build registers the instruments at the host and returns the bot when orders, state and a complete book of each have
// arrived. Hook and handler are not called meanwhile: what they have to be told, the first waiting call tells them. ch
// is a channel of exactly these instruments in this order; the bot owns it from then on. When Build fails, ch and the
// books belong to the caller again and books may have been changed.
//
// All that is wrong is told at once (errors.Join). Errors are *hft.BuildError for what cannot be built:
// BuilderIncomplete without an instrument or channel, InvalidArgument, Duplicate for an instrument registered twice or
// an id that a connected bot has, ConnectorNotFound. Others come from the channel; hft.ErrTimeout says that the host
// did not answer.
func (b *LiveBotBuilder) Build(ch ipc.Channel) (LiveBot, error) {
	if err := b.check(ch); err != nil {
		return nil, err
	}
	bot := &liveBot{
		id: b.id, ch: ch, responseTimeout: b.responseTimeout,
		errorHandler: b.errorHandler, orderRecvHook: b.orderRecvHook, logger: b.logger,
	}
	bot.assets = make([]asset, len(b.instruments))
	for i := range b.instruments {
		inst := &b.instruments[i]
		a := &bot.assets[i]
		sole.Watch(inst.book, &bot.mark)
		*a = asset{Asset: local.NewAsset(inst.TickSize, inst.LotSize, inst.lastTrades), instrument: inst.Instrument,
			book: inst.book, connectorNo: bot.connectorNo(inst.Connector), registering: true}
	}
	for i := range bot.assets {
		if err := bot.register(i); err != nil {
			return nil, err
		}
	}
	if err := bot.awaitBooks(b.buildTimeout); err != nil {
		for i := range bot.early { // no waiting call will tell them
			if e := &bot.early[i]; !e.isOrder {
				bot.log(&e.err)
			}
		}
		return nil, fmt.Errorf("live: bot %d could not be built: %w", b.id, err)
	}
	bot.built = true
	bot.open.Store(true)
	return bot, nil
}

// check returns all that is wrong with what was given to the builder.
func (b *LiveBotBuilder) check(ch ipc.Channel) error {
	if ch != nil {
		return b.checkFor(ch.Instruments())
	}
	missing := &hft.BuildError{Kind: hft.BuilderIncomplete, What: "no channel: pass Build the channel to the host"}
	return errors.Join(b.checkOwn(), missing)
}

// checkFor returns all that is wrong with what was given to the builder for a channel of these instruments.
func (b *LiveBotBuilder) checkFor(channel []ipc.Instrument) error {
	wrong := []error{b.checkOwn()}
	for i := range min(len(channel), len(b.instruments)) {
		if inst := &b.instruments[i]; channel[i].Connector != inst.Connector || channel[i].Symbol != inst.Symbol {
			wrong = append(wrong, &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(
				"%s/%s: instrument %d of the channel is %s/%s: keep the order", inst.Connector, inst.Symbol, i,
				channel[i].Connector, channel[i].Symbol)})
		}
	}
	if n := len(channel); n != len(b.instruments) && len(b.instruments) > 0 {
		wrong = append(wrong, &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(
			"the channel has %d instruments and the bot %d: build both of the same", n, len(b.instruments))})
	}
	return errors.Join(wrong...)
}

// checkOwn returns all that is wrong with the builder whatever the channel.
func (b *LiveBotBuilder) checkOwn() error {
	var wrong []error
	if len(b.instruments) == 0 {
		wrong = append(wrong, &hft.BuildError{Kind: hft.BuilderIncomplete,
			What: "no instrument: call Register before Build"})
	}
	if b.id == 0 {
		wrong = append(wrong, &hft.BuildError{Kind: hft.InvalidArgument,
			What: "bot id 0: use another, 0 addresses no bot"})
	}
	for i := range b.instruments {
		wrong = append(wrong, b.checkInstrument(i))
	}
	return errors.Join(wrong...)
}

// checkInstrument returns all that is wrong with one instrument.
func (b *LiveBotBuilder) checkInstrument(i int) error {
	inst := &b.instruments[i]
	name := inst.Connector + "/" + inst.Symbol
	var wrong []error
	invalid := func(format string, args ...any) {
		wrong = append(wrong, &hft.BuildError{Kind: hft.InvalidArgument,
			What: name + ": " + fmt.Sprintf(format, args...)})
	}
	if !(inst.TickSize > 0) || math.IsInf(inst.TickSize, 0) {
		invalid("tick size %v: must be above 0", inst.TickSize)
	}
	if !(inst.LotSize > 0) || math.IsInf(inst.LotSize, 0) {
		invalid("lot size %v: must be above 0", inst.LotSize)
	}
	switch {
	case inst.book == nil:
		invalid("no book: pass NewInstrument one of package depth")
	case len(wrong) == 0 && (inst.book.TickSize() != inst.TickSize || inst.book.LotSize() != inst.LotSize):
		invalid("the book has tick size %v and lot size %v, the instrument %v and %v", inst.book.TickSize(),
			inst.book.LotSize(), inst.TickSize, inst.LotSize)
	}
	if inst.lastTrades > maxLastTrades {
		invalid("%d last trades: a bot keeps %d at most", inst.lastTrades, maxLastTrades)
	}
	for j := range b.instruments[:i] {
		other := &b.instruments[j]
		if other.Connector == inst.Connector && other.Symbol == inst.Symbol {
			wrong = append(wrong, &hft.BuildError{Kind: hft.Duplicate, What: name})
		}
		if inst.shares(other) {
			invalid("its book is that of %s/%s: each instrument needs its own", other.Connector, other.Symbol)
		}
	}
	return errors.Join(wrong...)
}

// shares reports whether both have the same book.
func (i *Instrument) shares(other *Instrument) bool {
	return i.book != nil && reflect.TypeOf(i.book).Comparable() && other.book == i.book
}

// register asks the host for the orders, state and book of an asset.
func (b *liveBot) register(assetNo int) error {
	a := &b.assets[assetNo]
	request := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: a.instrument.TickSize,
		LotSize: a.instrument.LotSize}
	err := b.ch.Send(b.id, assetNo, &request)
	var refused *hft.BuildError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Kind == hft.Duplicate:
		return fmt.Errorf("live: the host rejected bot %d, another connected bot has this id: %w", b.id, err)
	}
	return fmt.Errorf("live: the host rejected the instrument of bot %d: %s/%s: %w", b.id, a.instrument.Connector,
		a.instrument.Symbol, err)
}

// awaitBooks applies what arrives until every asset's registration has been answered.
func (b *liveBot) awaitBooks(timeout time.Duration) error {
	deadlineNs := local.Deadline(b.ch.NowNs(), timeout)
	for {
		missing := 0
		for i := range b.assets {
			if b.assets[i].registering {
				missing++
			}
		}
		if missing == 0 {
			return nil
		}
		remaining := time.Duration(deadlineNs - b.ch.NowNs())
		instNo, err := b.ch.RecvTimeout(b.id, max(remaining, 0), &b.ev)
		if err == nil {
			err = b.process(instNo, &wait{})
		} else if errors.Is(err, hft.ErrTimeout) {
			if remaining > 0 {
				continue
			}
			err = fmt.Errorf("the host has not sent %d of %d books within %v: %w", missing, len(b.assets), timeout, err)
		}
		if err != nil {
			return err
		}
	}
}

// connectorNo returns the number of the connector of that name, a new one if need be.
func (b *liveBot) connectorNo(name string) int {
	for i, known := range b.connectors {
		if known.name == name {
			return i
		}
	}
	b.connectors = append(b.connectors, connectorState{name: name})
	return len(b.connectors) - 1
}
