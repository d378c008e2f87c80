package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/control"
)

var _ control.Runner = (*Host)(nil)

// Version returns the host's version.
func (h *Host) Version(context.Context) (control.VersionInfo, error) {
	return control.VersionInfo{Version: h.cfg.Version, APIVersion: control.APIVersion, PID: os.Getpid(),
		Config: h.cfg.ConfigPath, StartedAt: h.startedAt}, nil
}

// Strategies returns the state of all strategies in the order of the configuration, and then of the processes that
// attached themselves.
func (h *Host) Strategies(context.Context) ([]control.StrategyStatus, error) {
	strategies := h.everyStrategy()
	list := make([]control.StrategyStatus, 0, len(strategies))
	found, bad := h.findings(), map[string]uint64{}
	for _, p := range h.publishers {
		bad[p.name] = p.counters[connector.BadMessages].Load()
	}
	for _, s := range strategies {
		st := s.status()
		for i := range st.Instruments {
			in := &st.Instruments[i]
			in.BadMessages = bad[in.Connector]
			in.Findings = found[instrumentKey{in.Connector, strings.ToUpper(in.Symbol)}]
		}
		list = append(list, st)
	}
	return list, nil
}

// instrumentKey names an instrument, in capitals: a recording may have its own letters.
type instrumentKey struct{ connector, symbol string }

// findings counts the findings about each instrument's feed.
func (h *Host) findings() map[instrumentKey]map[string]uint64 {
	found := map[instrumentKey]map[string]uint64{}
	for _, p := range h.publishers {
		for _, r := range p.reports() {
			if len(r.Findings) == 0 {
				continue
			}
			counts := map[string]uint64{}
			for _, f := range r.Findings {
				counts[f.Finding] = f.Count
			}
			found[instrumentKey{p.name, strings.ToUpper(r.Symbol)}] = counts
		}
	}
	return found
}

// Start starts a stopped strategy, with the state that it has saved unless that is to be discarded.
func (h *Host) Start(ctx context.Context, name string, discardState bool) (already bool, err error) {
	kind := commandStart
	if discardState {
		kind = commandStartDiscarding
	}
	h.record.command("start", name)
	r := h.command(ctx, name, kind)
	return r.already, r.err
}

// Stop stops a strategy and carries out its on_exit action.
func (h *Host) Stop(ctx context.Context, name string) (already bool, err error) {
	h.record.command("stop", name)
	r := h.command(ctx, name, commandStop)
	return r.already, r.err
}

// Restart replaces a strategy's process.
func (h *Host) Restart(ctx context.Context, name string, discardState bool) (control.RestartResult, error) {
	kind := commandRestart
	if discardState {
		kind = commandRestartDiscarding
	}
	h.record.command("restart", name)
	r := h.command(ctx, name, kind)
	return r.restart, r.err
}

func (h *Host) command(ctx context.Context, name string, kind commandKind) commandResult {
	var known []string
	for _, s := range h.everyStrategy() {
		if s.cfg.Name == name && s.peer != nil {
			return s.askAttached(ctx, kind)
		} else if s.cfg.Name == name {
			return s.ask(ctx, kind)
		}
		known = append(known, s.cfg.Name)
	}
	return commandResult{err: control.NewNotFoundError(name, known)}
}

// errEnding is returned for a strategy whose supervisor, or attached process, is already gone.
var errEnding = errors.New("the host is shutting down")

// ask hands a command to the supervisor and waits for its outcome.
func (s *strategy) ask(ctx context.Context, kind commandKind) commandResult {
	c := command{kind: kind, reply: make(chan commandResult, 1)}
	select {
	case s.commands <- c:
	case <-s.done:
		return commandResult{err: fmt.Errorf("strategy %s: %w", s.cfg.Name, errEnding)}
	case <-ctx.Done():
		return commandResult{err: ctx.Err()}
	}
	select {
	case r := <-c.reply:
		return r
	case <-ctx.Done():
		return commandResult{err: fmt.Errorf("strategy %s: command still in progress: %w", s.cfg.Name, ctx.Err())}
	}
}
