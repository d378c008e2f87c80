package host

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hftrunner/connector"
)

// A venue that cannot be reached when the host begins has no connector yet, and what only the venue knows of its instruments
// is not there: the strategies that trade on it have no memory and no process. It is asked again and again; when it
// answers, they are registered and start. Everybody else trades meanwhile.

// Steps are the steps of price and quantity of an instrument.
type Steps struct{ TickSize, LotSize float64 }

// newBackoff returns the delays between attempts, which double and have jitter.
func (s *Supervision) newBackoff() *backoff.ExponentialBackOff {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval = s.BackoffMin, s.BackoffMax
	delays.Multiplier, delays.RandomizationFactor = 2, 0.25
	return delays
}

// runConnector runs the publisher's connector, which is opened first if it is not yet.
func (h *Host) runConnector(ctx context.Context, p *publisher) error {
	if p.open != nil {
		if err := h.openConnector(ctx, p); err != nil {
			return err
		}
	}
	return p.run(ctx)
}

// openConnector returns when the venue has answered and the strategies that waited for it are registered. The error is
// ctx's.
func (h *Host) openConnector(ctx context.Context, p *publisher) error {
	delays := h.cfg.Supervision.newBackoff()
	said := p.getTrouble()
	p.log.Warn("the venue cannot be reached, its strategies wait; it is asked again", "reason", said)
	for {
		select {
		case <-time.After(delays.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
		made, steps, err := p.open(ctx)
		if err == nil {
			p.log.Info("the venue answers")
			h.opened(p, made, steps)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if text := err.Error(); text != said {
			said = text
			p.log.Warn("the venue still cannot be reached", "reason", said)
			p.setTrouble(said)
		}
	}
}

// opened registers the strategies that have all of their connectors now.
func (h *Host) opened(p *publisher, made connector.Connector, steps map[string]Steps) {
	for s, err := range h.registerOpened(p, made, steps) {
		s.log.Error("strategy cannot trade what the venue has", "error", err)
		s.mu.Lock()
		s.unfit = err
		s.mu.Unlock()
		s.setState(Failed, err.Error())
	}
}

// registerOpened returns the strategies that cannot be registered, and why.
func (h *Host) registerOpened(p *publisher, made connector.Connector, steps map[string]Steps) map[*strategy]error {
	refused := make(map[*strategy]error)
	h.opening.Lock()
	defer h.opening.Unlock()
	p.mu.Lock()
	p.connector = made
	p.mu.Unlock()
	byName := make(map[string]*publisher)
	for _, q := range h.publishers {
		byName[q.name] = q
	}
	for _, s := range h.strategies {
		if s.registered == nil {
			continue
		}
		for i := range s.cfg.Instruments {
			in := &s.cfg.Instruments[i]
			if step, ok := steps[in.Symbol]; ok && in.Connector == p.name {
				in.TickSize, in.LotSize = step.TickSize, step.LotSize
			}
		}
		if _, waits := s.waitsFor(byName); waits {
			continue
		}
		if err := s.register(byName); err != nil {
			refused[s] = err
			continue
		}
		close(s.registered)
	}
	return refused
}

// reached returns a connector whose instruments are registered, nil while its venue was never reached.
func (h *Host) reached(p *publisher) connector.Connector {
	h.opening.Lock()
	defer h.opening.Unlock()
	return p.made()
}

// waitsFor returns a connector of the strategy's that is not open yet.
func (s *strategy) waitsFor(publishers map[string]*publisher) (*publisher, bool) {
	for i := range s.cfg.Instruments {
		if p := publishers[s.cfg.Instruments[i].Connector]; p != nil && !p.isOpen() {
			return p, true
		}
	}
	return nil, false
}

// waiting returns why the strategy waits for a venue, nothing if it does not.
func (s *strategy) waiting() string {
	if s.registered == nil {
		return ""
	}
	select {
	case <-s.registered:
		return ""
	default:
	}
	for i := range s.cfg.Instruments {
		for _, p := range s.host.publishers {
			if p.name == s.cfg.Instruments[i].Connector && !p.isOpen() {
				return fmt.Sprintf("connector %s: the venue cannot be reached, it is asked again: %s", p.name, p.getTrouble())
			}
		}
	}
	return "its venue answers"
}

func (p *publisher) isOpen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connector != nil
}

func (p *publisher) setTrouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = text
}

func (p *publisher) getTrouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}
