package host

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hftrunner/hftrunner/connector"
)

// A venue that cannot be reached when the host begins, or has an account that cannot be traded, has no connector yet,
// and what only the venue knows of its instruments
// is not there: the strategies that trade on it have no memory and no process. It is asked again and again; when it
// answers, they are registered and start. Everybody else trades meanwhile.

// Steps are the steps of price and quantity of an instrument.
type Steps struct{ TickSize, LotSize float64 }

// Opened holds what a venue's answer makes available.
type Opened struct {
	Connector connector.Connector
	// Steps are those of the symbols that the venue has.
	Steps map[string]Steps
	// Unfit says of strategies, by name, why they cannot trade what the venue has as it is configured. They are given
	// up, the others
	// on the connector trade.
	Unfit map[string]error
}

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
	p.log.Warn("the strategies on the connector wait, retrying", "reason", said)
	for {
		select {
		case <-time.After(delays.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
		made, err := p.open(ctx)
		if err == nil {
			p.log.Info("the venue is reachable, the strategies on the connector start")
			h.registerOpened(p, &made)
			h.takeAllOrphans(p)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if text := err.Error(); text != said {
			said = text
			p.log.Warn("the strategies on the connector still wait", "reason", said)
			p.setTrouble(said)
		}
	}
}

// registerOpened registers the strategies that have all of their connectors now, and gives up those that cannot trade
// there.
func (h *Host) registerOpened(p *publisher, made *Opened) {
	h.opening.Lock()
	defer h.opening.Unlock()
	p.mu.Lock()
	p.connector = made.Connector
	p.mu.Unlock()
	p.handIDs()
	byName := make(map[string]*publisher)
	for _, q := range h.publishers {
		byName[q.name] = q
	}
	for _, s := range h.strategies {
		if !s.awaitsVenue() {
			continue
		}
		err := made.Unfit[s.cfg.Name]
		if err == nil {
			s.takeSteps(p.name, made.Steps)
			if _, waits := s.waitsFor(byName); waits {
				continue
			}
			err = s.register(byName)
		}
		s.mu.Lock()
		s.unfit = err
		s.mu.Unlock()
		close(s.registered)
	}
}

// made returns the connector, nil while its venue was never reached.
func (p *publisher) made() connector.Connector {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connector
}

// awaitsVenue reports whether it is open yet what the strategy trades.
func (s *strategy) awaitsVenue() bool {
	if s.registered == nil {
		return false
	}
	select {
	case <-s.registered:
		return false
	default:
		return true
	}
}

// takeSteps takes over the steps of what the strategy trades on a connector.
func (s *strategy) takeSteps(connectorName string, steps map[string]Steps) {
	for i := range s.cfg.Instruments {
		in := &s.cfg.Instruments[i]
		if step, ok := steps[in.Symbol]; ok && in.Connector == connectorName {
			in.TickSize, in.LotSize = step.TickSize, step.LotSize
		}
	}
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
	if !s.awaitsVenue() {
		return s.recovering()
	}
	for i := range s.cfg.Instruments {
		for _, p := range s.host.publishers {
			if p.name == s.cfg.Instruments[i].Connector && !p.isOpen() {
				return fmt.Sprintf("connector %s, retrying: %s", p.name, p.getTrouble())
			}
		}
	}
	return "its venue is reachable"
}

// recovering returns what the strategy waits to be told of an earlier run, nothing if it does not.
func (s *strategy) recovering() string {
	for _, h := range s.held() {
		h.pub.mu.Lock()
		waits := h.pub.instruments[h.feedNo].recovering
		h.pub.mu.Unlock()
		if waits {
			return fmt.Sprintf("connector %s: the venue has not told yet what has become of the orders of an earlier run on %s", h.pub.name, h.cfg.Symbol)
		}
	}
	return ""
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
