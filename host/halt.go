package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// HaltFileName is the name of a file in the state directory: while it is there, everything is halted.
const HaltFileName = "HALT"

// haltFileLook is the interval between looks for that file.
const haltFileLook = 500 * time.Millisecond

// Halt refuses new orders and cancels the open ones: on an instrument, on all of a connector with an empty symbol, or
// everywhere with an empty connector. It works while strategies hang, books are absent or a venue is away, and outlives
// restarts; Resume ends it. It returns when the venues have confirmed that no order of this runner is open there, or
// with a *control.OrdersLeftError after exit_timeout; cancels are sent on after that.
func (h *Host) Halt(ctx context.Context, connectorName, symbol string) ([]control.HaltedInstrument, error) {
	h.record.command("halt", strings.TrimSpace(connectorName+" "+symbol))
	var at []*publisher
	var names []string
	for _, p := range h.publishers {
		if connectorName == "" || p.name == connectorName {
			at = append(at, p)
		}
		names = append(names, p.name)
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("there is no connector %q: use %s", connectorName, strings.Join(names, ", "))
	}
	list, err := haltAt(at, symbol, "runner halt", "control socket")
	if err != nil {
		return nil, err
	}
	return list, h.confirmHalt(ctx, at, symbol)
}

// HaltAll halts everything because of what is not a command: a signal, the halt file. Cancels are sent from here on; nobody
// waits for their outcome.
func (h *Host) HaltAll(cause string) {
	h.record.command("halt", cause)
	list, err := haltAt(h.publishers, "", cause, cause)
	if err == nil {
		h.log.Warn("everything is halted", "cause", cause, "instruments", len(list), "fix", "runner resume CONNECTOR")
	}
}

// haltAt halts a symbol of the connectors, or all of them.
func haltAt(at []*publisher, symbol, cause, who string) (list []control.HaltedInstrument, err error) {
	for _, p := range at {
		p.mu.Lock()
		instruments := slices.Clone(p.instruments)
		if symbol != "" {
			instruments = []*instrument{p.bySymbol[symbol]}
		} else if p.allHalted == "" {
			p.setAllHalted(cause, who)
		}
		for _, inst := range instruments {
			if inst == nil {
				p.mu.Unlock()
				return nil, fmt.Errorf("no strategy trades %s on connector %s", symbol, p.name)
			}
			already := inst.trading.state == tradingHalted
			if !already {
				p.setTrading(inst, tradingHalted, haltedText+cause, who)
			}
			list = append(list, control.HaltedInstrument{Connector: p.name, Symbol: inst.symbol, Already: already,
				Cause: inst.trading.cause})
		}
		p.mu.Unlock()
	}
	return list, nil
}

// setAllHalted sets why all instruments of the connector, those to come included, are halted; empty if they are not. The
// lock is held.
func (p *publisher) setAllHalted(cause, who string) {
	change, why := journal.TradingState{To: uint8(tradingHalted)}, haltedText+cause
	if cause == "" {
		change, why = journal.TradingState{From: uint8(tradingHalted)}, "runner resume"
	}
	p.allHalted = cause
	note(p.record, &journal.Head{Kind: journal.KindTradingState}, &change, journal.ConnectorScope, p.name, why, who)
}

// confirmHalt waits until the venues have confirmed that no order of this runner is open there.
func (h *Host) confirmHalt(ctx context.Context, at []*publisher, symbol string) error {
	timed, cancel := context.WithTimeout(ctx, h.cfg.Supervision.ExitTimeout)
	defer cancel()
	look := time.NewTicker(leavingLook)
	defer look.Stop()
	for {
		left, untold := h.leftAt(at, symbol)
		if len(left) == 0 && len(untold) == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-timed.Done():
			return &control.OrdersLeftError{Orders: h.named(left), Unaccounted: untold}
		}
	}
}

// leftAt returns the orders that may be open on a symbol of the connectors, or on all, and the instruments of which the venue
// has not told what an earlier run has left.
func (h *Host) leftAt(at []*publisher, symbol string) (left []leftOrder, untold []string) {
	for _, p := range at {
		untold = append(untold, h.untoldAt(p, symbol)...)
	}
	for _, o := range h.openOrders() {
		of := o.Symbol
		if o.InstrumentNo >= 0 {
			of = o.pub.symbol(o.InstrumentNo)
		}
		if slices.Contains(at, o.pub) && (symbol == "" || of == symbol) {
			left = append(left, o)
		}
	}
	return left, untold
}

// untoldAt returns the instruments of which a venue has not told what an earlier run has left.
func (h *Host) untoldAt(p *publisher, symbol string) (untold []string) {
	made := h.reached(p)
	if made == nil && p.trades {
		return []string{p.name}
	}
	a, tells := made.(connector.Accountant)
	if !tells {
		return nil
	}
	instruments, _ := a.Unaccounted()
	for _, no := range instruments {
		if no < 0 && symbol == "" {
			untold = append(untold, p.name+" (symbols that no strategy has)")
		} else if no >= 0 && (symbol == "" || p.symbol(no) == symbol) {
			untold = append(untold, p.name+" "+p.symbol(no))
		}
	}
	return untold
}

// watchHaltFile halts everything at once if the halt file is there, and whenever it comes until ctx ends.
func (h *Host) watchHaltFile(ctx context.Context) {
	was := false
	check := func() {
		is := h.haltFile()
		if is && !was {
			h.HaltAll("the file " + HaltFileName)
		}
		was = is
	}
	check()
	h.background.Go(func() {
		look := time.NewTicker(haltFileLook)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				check()
			case <-ctx.Done():
				return
			}
		}
	})
}

// haltFile reports whether the halt file is there, or cannot be looked for.
func (h *Host) haltFile() bool {
	_, err := os.Stat(filepath.Join(h.cfg.StateDir, HaltFileName))
	return !errors.Is(err, fs.ErrNotExist)
}
