package pluginapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
)

// phase is how far a strategy process has come; it only grows.
type phase uint8

const (
	phaseNew phase = iota
	phaseConfigured
	phaseStarted
	phaseStopped
)

// adapter makes a control.Strategy of a Strategy. Its methods may be called from any goroutine; the author's code is
// called by one at a time: by the holder of calling, and by run between the start and the closing of ended. Each
// backtest has a strategy of its own and nothing to do with that one.
type adapter struct {
	description control.Description
	create      func(raw json.RawMessage) (Strategy, error)
	wiring      wiring

	// ctx is the process's, Run's is made of it; cancelled, nothing starts any more. ended is closed when Run has
	// returned for good or never will be called.
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}
	// saving has room for the one SaveState that may be under way.
	saving chan struct{}

	// calling is held by Configure and Start for their whole time, and by Stop from when Run has returned.
	calling sync.Mutex
	// strategy and build are guarded by calling, and so are the results of Stop.
	strategy Strategy
	build    func(ipc.Channel) (hft.Bot, error)
	state    []byte
	stateErr error

	// mu is taken after calling and held for moments only, so that Stop can interrupt what calling is held for. What
	// it guards is written with calling held too, or by run.
	mu       sync.Mutex
	phase    phase
	channel  ipc.Channel
	bot      hft.Bot
	exit     control.Exit
	panicked bool
	// runCtx is of the present or next call of Run, suspended says that it is to return and to be called again.
	runCtx    context.Context
	cancelRun context.CancelFunc
	suspended *suspension
}

// suspension is the time from Suspend to Resume.
type suspension struct {
	returned, resumed chan struct{} // closed when Run has returned, when it is to be called again
	closed            atomic.Bool   // Run has closed its bot
}

var _ control.Strategy = (*adapter)(nil)

// newAdapter returns the adapter of p, or the author's mistakes.
func newAdapter[P any](p Plugin[P], w wiring) (*adapter, error) {
	tags, err := checkPlugin(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &adapter{
		description: control.Description{Name: p.Name, Version: p.Version, Doc: p.Doc, Params: tags.schema.Settings},
		create: func(raw json.RawMessage) (Strategy, error) {
			var params P
			if err := tags.decode(&params, raw); err != nil {
				return nil, err
			}
			return p.New(params)
		},
		wiring: w, ctx: ctx, cancel: cancel, ended: make(chan struct{}), saving: make(chan struct{}, 1),
	}, nil
}

// Describe returns what the plugin is.
func (a *adapter) Describe(context.Context) (control.Description, error) { return a.description, nil }

// Configure makes the strategy of its parameters and maps the shared memory. It asks the host for nothing yet: while a
// strategy is replaced, its orders and position still change. After an error it may be called again.
func (a *adapter) Configure(_ context.Context, c control.Configuration) error {
	a.calling.Lock()
	defer a.calling.Unlock()
	if a.phase != phaseNew {
		return errors.New("the strategy is already configured: start another process")
	}
	strategy, err := a.newStrategy(c.Params)
	if err != nil {
		return err
	}
	build, err := a.wiring.prepare(c, strategy)
	if err != nil {
		return err
	}
	channel, err := a.wiring.attach(c.Attachment)
	if err != nil {
		return fmt.Errorf("attach to the host's shared memory: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return errors.Join(errStopped(), channel.Close())
	}
	a.strategy, a.build, a.channel, a.phase = strategy, build, channel, phaseConfigured
	return nil
}

// newStrategy makes a strategy of its parameters. It touches nothing of the adapter, so any goroutine may call it.
func (a *adapter) newStrategy(params json.RawMessage) (strategy Strategy, err error) {
	err = guard("New", func() (err error) {
		strategy, err = a.create(params)
		return err
	})
	if err != nil {
		return nil, err
	}
	if strategy == nil {
		return nil, errors.New("the plugin's New returned neither a strategy nor an error: this is a bug in the plugin")
	}
	return strategy, nil
}

// Start restores state and starts Run.
func (a *adapter) Start(_ context.Context, state []byte) error {
	a.calling.Lock()
	defer a.calling.Unlock()
	switch a.phase {
	case phaseNew:
		return errors.New("the strategy is not configured")
	case phaseStarted:
		return errors.New("the strategy is already started")
	case phaseStopped:
		return errStopped()
	}
	if state != nil {
		if err := a.restore(state); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return errStopped()
	}
	a.phase = phaseStarted
	a.runCtx, a.cancelRun = context.WithCancel(a.ctx)
	go a.run()
	return nil
}

func errStopped() error { return errors.New("the strategy is stopped: start another process") }

func (a *adapter) restore(state []byte) error {
	restorer, ok := a.strategy.(StateRestorer)
	if !ok {
		Logger().Warn("the state of the last process is dropped: this strategy has no RestoreState", "bytes",
			len(state))
		return nil
	}
	if err := guard("RestoreState", func() error { return restorer.RestoreState(state) }); err != nil {
		return fmt.Errorf("restore the state of the last process (%d bytes): %w", len(state), err)
	}
	return nil
}

// run is the strategy's goroutine: it builds the bot, which takes the host's answer, and runs the strategy.
func (a *adapter) run() {
	defer close(a.ended)
	err := guard("Run", func() error {
		bot, err := a.build(a.channel)
		if err != nil {
			return fmt.Errorf("build the bot: %w", err)
		}
		a.mu.Lock()
		a.bot = bot
		a.mu.Unlock()
		for {
			a.mu.Lock()
			ctx := a.runCtx
			a.mu.Unlock()
			if err := a.strategy.Run(ctx, bot); !a.again(ctx, err) {
				return err
			}
		}
	})
	var panicErr *panicError
	panicked := errors.As(err, &panicErr)
	exit := control.Exit{EndOfData: errors.Is(err, hft.ErrEndOfData) || a.botAtEnd()}
	if !exit.EndOfData && !panicked && a.ctx.Err() == nil {
		exit.EndOfData = dataEnded(a.channel)
	}
	if err != nil && !isOrderly(a.ctx, err) {
		exit.Error = err.Error()
		Logger().Error("the strategy failed", "error", exit.Error)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exit, a.panicked = exit, panicked
}

// again reports whether Run is to be called again after it returned err, which is when it was suspended, once it is
// resumed. ctx was Run's.
func (a *adapter) again(ctx context.Context, err error) bool {
	if ctx.Err() == nil || a.ctx.Err() != nil || errors.Is(err, hft.ErrEndOfData) ||
		err != nil && !isOrderly(ctx, err) {
		return false
	}
	a.mu.Lock()
	s := a.suspended
	a.mu.Unlock()
	if s == nil {
		return true // it took longer to return than the host had patience
	}
	_, err = a.bot.Cancel(-1, 0, false) // there is no such instrument, but a closed bot does not look
	s.closed.Store(errors.Is(err, hft.ErrInterrupted))
	close(s.returned)
	select {
	case <-s.resumed:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// Wait returns when Run has returned.
func (a *adapter) Wait(ctx context.Context) (control.Exit, error) {
	select {
	case <-a.ended:
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.exit, nil
	case <-ctx.Done():
		return control.Exit{}, ctx.Err()
	}
}

// Stop makes Run return, waits for it, saves the strategy's state and closes the bot. Called again it returns the same.
// When ctx ends before Run has returned, Run is still to return, and Stop may be called again.
func (a *adapter) Stop(ctx context.Context) ([]byte, error) {
	a.mu.Lock()
	a.cancel()
	if a.channel != nil && a.phase != phaseStopped {
		a.channel.Interrupt()
	}
	started := a.phase >= phaseStarted
	a.mu.Unlock()
	if started {
		select {
		case <-a.ended:
		case <-ctx.Done():
			return nil, fmt.Errorf("the strategy's Run has not returned; it must when its context is cancelled or a waiting call is interrupted: %w", ctx.Err())
		}
	}
	a.calling.Lock()
	defer a.calling.Unlock()
	if a.phase == phaseStopped {
		return a.state, a.stateErr
	}
	wasStarted := a.phase == phaseStarted
	if !wasStarted {
		close(a.ended)
	}
	if wasStarted {
		if a.state, a.stateErr = a.save(ctx); errors.Is(a.stateErr, ctx.Err()) && ctx.Err() != nil {
			return nil, a.stateErr
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = phaseStopped
	if err := a.release(); err != nil {
		Logger().Warn("the bot could not be closed", "error", err)
	}
	return a.state, a.stateErr
}

// save asks the strategy for its state, at most as long as ctx. A SaveState that takes longer is left alone, and no
// other is called beside it.
func (a *adapter) save(ctx context.Context) ([]byte, error) {
	saver, ok := a.strategy.(StateSaver)
	if !ok || a.panicked {
		return nil, nil
	}
	select {
	case a.saving <- struct{}{}:
	default:
		return nil, errors.New("save the state: SaveState was called before and has not returned yet")
	}
	var state []byte
	saved := make(chan error, 1)
	go func() {
		err := guard("SaveState", func() (err error) {
			state, err = saver.SaveState()
			return err
		})
		<-a.saving // before the answer: the next call may come at once
		saved <- err
	}()
	select {
	case err := <-saved:
		if err == nil && len(state) > control.MaxState {
			err = fmt.Errorf("it has %d bytes, at most %d can be handed over", len(state), control.MaxState)
		}
		if err != nil {
			return nil, fmt.Errorf("save the state: %w", err)
		}
		return state, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("save the state: SaveState has not returned: %w", ctx.Err())
	}
}

// Suspend makes Run return and saves the strategy's state, so that Run can be called again by Resume.
func (a *adapter) Suspend(ctx context.Context) ([]byte, error) {
	a.mu.Lock()
	if a.bot == nil || a.phase != phaseStarted || a.suspended != nil {
		a.mu.Unlock()
		return nil, errors.New("the strategy does not run at the moment")
	}
	s := &suspension{returned: make(chan struct{}), resumed: make(chan struct{})}
	a.suspended = s
	a.cancelRun()
	a.channel.Interrupt()
	a.mu.Unlock()
	select {
	case <-s.returned:
	case <-a.ended:
	case <-ctx.Done():
		return nil, fmt.Errorf("the strategy's Run has not returned; it must when its context is cancelled or a waiting call is interrupted: %w", ctx.Err())
	}
	return a.save(ctx)
}

// Resume has Run called again after Suspend, whatever that returned. One that is not suspended goes on anyway.
func (a *adapter) Resume(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.ended:
		return errors.New("the strategy's Run has ended")
	default:
	}
	if a.suspended == nil {
		return nil
	}
	if a.suspended.closed.Load() {
		return errors.New("the strategy has closed its bot")
	}
	a.channel.Resume()
	a.runCtx, a.cancelRun = context.WithCancel(a.ctx)
	close(a.suspended.resumed)
	a.suspended = nil
	return nil
}

// release closes the bot, which owns the channel, or the channel that no bot has taken over.
func (a *adapter) release() error {
	if a.bot != nil {
		return a.bot.Close()
	}
	if a.channel != nil {
		return a.channel.Close()
	}
	return nil
}

// guard calls the author's code and makes an error of a panic, with the stack in its text.
func guard(name string, call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{text: fmt.Sprintf("%s panicked: %v\n%s", name, v, debug.Stack())}
		}
	}()
	return call()
}

// panicError is a panic of the author's code.
type panicError struct{ text string }

// Error returns where it was, the value and the stack.
func (e *panicError) Error() string { return e.text }
