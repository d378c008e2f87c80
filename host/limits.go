package host

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/risk"
)

// limit gives a holding its place in the gate, with what it has: from now on its orders are counted. The lock is held.
func (h *holding) limit(g *risk.Gate, strategy *risk.Scope) {
	h.limits = g.Holding(strategy, h.pub.limits, h.cfg.Symbol,
		risk.Terms{LotSize: h.cfg.LotSize, Currency: h.cfg.Currency}, h.cfg.Risk)
	h.countAll()
}

// countAll counts what the holding has against the limits. The lock is held.
func (h *holding) countAll() {
	h.moved()
	for o := range h.orders.View().All() {
		h.limits.Update(o)
	}
}

// reserve counts an order that is to be sent; the refusal says which limit forbids that. The lock is held.
func (h *holding) reserve(o *hft.Order) risk.Refusal {
	return h.limits.Reserve(o, h.pub.instruments[h.feedNo].book, h.pub.clock.NowNs())
}

// count counts an order as it now is against the limits. The lock is held.
func (h *holding) count(orderID uint64) {
	if o := h.orders.Get(orderID); o != nil {
		h.limits.Update(o)
	} else {
		h.limits.Release(orderID)
	}
}

// moved tells the gate the position. The lock is held.
func (h *holding) moved() {
	h.limits.SetPosition(h.state.Position, h.profit.position)
}

// limitLogPause is the least time between two log lines about a strategy's orders that limits refuse.
const limitLogPause = 10 * time.Second

// logLimit reports an order that a limit has refused. The session's goroutine calls it.
func (s *session) logLimit(h *holding, r risk.Refusal) {
	if r.Rule == risk.None {
		return
	}
	s.limited.more++
	if now := time.Now(); now.After(s.limited.next) {
		s.strategy.log.Warn("a limit refuses orders", "symbol", h.cfg.Symbol, "limit", r.String(), "refused", s.limited.more)
		s.limited.more, s.limited.next = 0, now.Add(limitLogPause)
	}
}
