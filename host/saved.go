package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/journal"
)

// What a strategy's next process is to know beyond orders and money: the state that the process before it has saved,
// and whether it may start by itself. Both are in the journal, so that any end of the host leaves them. A strategy all
// of whose markets begin again with each run has neither.

// savedDir is the directory of the saved states in the state directory: a file for each, which the journal names.
const savedDir = "saved"

// savedEnding is the ending of their files, savedDigits the number of hex digits of the checksum in their names.
const (
	savedEnding = ".state"
	savedDigits = 16
)

// continues reports whether a strategy goes on in the next run.
func (s *strategy) continues() bool {
	if s.peer != nil || s.host.record.w() == nil {
		return false
	}
	for _, cfg := range s.cfg.Instruments {
		if slices.ContainsFunc(s.host.publishers, func(p *publisher) bool {
			return p.name == cfg.Connector && !p.simulated
		}) {
			return true
		}
	}
	return false
}

// recoverStrategies takes over what the journal has of each strategy besides orders and money. It is called before
// strategies start.
func (h *Host) recoverStrategies(past *journal.State) {
	for _, s := range h.strategies {
		was := past.Strategies[s.botID]
		if was == nil || !s.continues() {
			continue
		}
		if s.saved = was.Saved; s.saved != nil && h.cfg.Fresh {
			s.log.Warn("ignored because of --fresh", "saved_state", s.saved.Bytes, "saved", timeText(s.saved.SavedNs))
			s.dropState("run --fresh")
		}
		if s.latched = was.Held; s.latched != nil {
			s.mu.Lock()
			s.byHand, s.tried = was.Held.Why == journal.HeldStopped, was.Held.Binary
			s.mu.Unlock()
		}
	}
}

// stayHeld is the start of a strategy that was stopped by command in an earlier run, or given up.
func (s *supervisor) stayHeld() {
	since := timeText(s.latched.SinceNs)
	state, reason := Stopped, "stopped by command in an earlier run, at "+since
	if s.latched.Why == journal.HeldGivenUp {
		state, reason = Failed, fmt.Sprintf("given up in an earlier run, at %s: %s", since, s.latched.Reason)
	}
	s.setState(state, reason)
	s.log.Warn("the strategy is not started", "reason", reason, "fix", "to start it: runner start "+s.cfg.Name)
}

// latch makes the strategy wait for a command also in the next run.
func (s *strategy) latch(why, reason string) {
	if !s.continues() {
		return
	}
	s.mu.Lock()
	binary := s.tried
	s.mu.Unlock()
	s.latched = &journal.Held{Why: why}
	_ = note(s.host.record, &journal.Head{Kind: journal.KindHeld, Bot: s.botID}, &journal.None{}, s.cfg.Name, why, reason,
		binary) // counted
}

// unlatch ends that.
func (s *strategy) unlatch() {
	if s.latched == nil {
		return
	}
	s.latched = nil
	_ = note(s.host.record, &journal.Head{Kind: journal.KindHeld, Bot: s.botID}, &journal.None{}, s.cfg.Name) // counted
}

// keepState makes a state the one that the next process is given. nil is that of a plugin that saves none.
func (s *strategy) keepState(state []byte, reason string) {
	switch {
	case !s.continues():
	case state == nil:
		s.dropState("the plugin has saved none")
	default:
		if err := s.writeState(state, reason); err != nil {
			s.log.Error("the strategy's state could not be kept; another run begins with the one before it, if any", "error", err)
		}
	}
}

// writeState writes a state to its file and then names that in the journal. The file of the state before it stays until
// the next.
func (s *strategy) writeState(state []byte, reason string) error {
	body := journal.SavedState{SHA256: sha256.Sum256(state), Bytes: int64(len(state))}
	sum := hex.EncodeToString(body.SHA256[:])
	name := s.cfg.Name + "-" + sum[:savedDigits] + savedEnding
	dir := filepath.Join(s.host.cfg.StateDir, savedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(dir, name), state); err != nil {
		return err
	}
	err := note(s.host.record, &journal.Head{Kind: journal.KindSavedState, Bot: s.botID}, &body, s.cfg.Name, name, reason)
	if err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	before := ""
	if s.saved != nil {
		before = s.saved.File
	}
	s.saved = &journal.Saved{File: name, SHA256: sum, Bytes: body.Bytes, SavedNs: s.host.record.clock.NowNs(), Reason: reason}
	if before == name {
		return nil
	}
	all, err := os.ReadDir(dir)
	for _, file := range all {
		if n := file.Name(); s.isStateFile(n) && n != name && n != before {
			err = errors.Join(err, os.Remove(filepath.Join(dir, n)))
		}
	}
	if err != nil {
		s.log.Warn("older saved states could not be removed", "error", err)
	}
	return nil
}

// isStateFile reports whether a file of savedDir is the strategy's.
func (s *strategy) isStateFile(name string) bool {
	sum, ours := strings.CutPrefix(strings.TrimSuffix(name, savedEnding), s.cfg.Name+"-")
	return ours && len(sum) == savedDigits && strings.HasSuffix(name, savedEnding)
}

// writeDurably makes a file with a content, which is there whole after a power cut or not at all.
func writeDurably(path string, content []byte) error {
	part := path + ".new"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// dropState makes the next process begin without a state. The file stays until the next state is saved.
func (s *strategy) dropState(reason string) {
	if s.saved == nil {
		return
	}
	s.log.Warn("the next process of the strategy begins without the saved state", "reason", reason,
		"file", filepath.Join(s.host.cfg.StateDir, savedDir, s.saved.File))
	s.saved = nil
	_ = note(s.host.record, &journal.Head{Kind: journal.KindSavedState, Bot: s.botID}, &journal.SavedState{}, s.cfg.Name, "",
		reason) // counted
}

// savedState returns the state that the next process is given, nil where there is none.
func (s *strategy) savedState() []byte {
	if s.saved == nil {
		return nil
	}
	state, err := os.ReadFile(filepath.Join(s.host.cfg.StateDir, savedDir, s.saved.File))
	if sum := sha256.Sum256(state); err == nil && hex.EncodeToString(sum[:]) != s.saved.SHA256 {
		err = fmt.Errorf("it has %d bytes with another checksum than the journal's", len(state))
	}
	if err != nil {
		s.log.Error("the strategy's saved state cannot be read, it begins without", "error", err)
		return nil
	}
	return state
}

// tellState says which state a process was given.
func (s *strategy) tellState(state []byte) {
	if state != nil {
		s.log.Info("continues with its saved state", "bytes", len(state), "saved", timeText(s.saved.SavedNs),
			"when", s.saved.Reason)
	}
}

// refusal adds to the error of a start with a saved state how to start without.
func (s *strategy) refusal(err error, state []byte) error {
	if state == nil {
		return err
	}
	return fmt.Errorf("%w; its saved state is kept in %s, to start without: runner start --discard-state %s", err,
		filepath.Join(s.host.cfg.StateDir, savedDir, s.saved.File), s.cfg.Name)
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }
