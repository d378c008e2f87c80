package bybit

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// window is an account's cancel-on-disconnect (DCP).
type window struct {
	length time.Duration
	// seen is true if a connection has subscribed to it; goneNs is the time since which none has, 0 while one has.
	seen   bool
	goneNs int64
}

// Bounds of a window, and the one that nobody has set.
const (
	minWindow     = 3
	maxWindow     = 300
	defaultWindow = 10 * time.Second
)

// setWindow sets after what time without a connection the account's orders are canceled.
func (v *Venue) setWindow(c *call) (any, any, *refusal) {
	var r struct {
		Product    string `json:"product"`
		TimeWindow int64  `json:"timeWindow"`
	}
	if json.Unmarshal(c.body, &r) != nil || r.Product != "DERIVATIVES" {
		return nil, nil, errParameter("product")
	}
	if r.TimeWindow < minWindow || r.TimeWindow > maxWindow {
		return nil, nil, errParameter("timeWindow")
	}
	v.core.Do(func(nowNs int64, _ *market.Market) {
		v.windowOf(c.key.Account).length = time.Duration(r.TimeWindow) * time.Second
		v.core.Counters.Beat(venue.Heartbeat{Account: c.key.Account, CountdownMs: r.TimeWindow * 1000, AtNs: nowNs})
	})
	return nil, nil, nil
}

func (v *Venue) windowOf(account string) *window {
	w := v.windows[account]
	if w == nil {
		w = &window{length: defaultWindow}
		v.windows[account] = w
	}
	return w
}

// tickWindows cancels for accounts whose connections have all gone.
func (v *Venue) tickWindows(nowNs int64, m *market.Market) {
	followed := map[string]bool{}
	for _, u := range v.users {
		if slices.Contains(u.conn.Streams(), "dcp.future") {
			followed[u.account] = true
			v.windowOf(u.account).seen = true
		}
	}
	for _, account := range slices.Sorted(maps.Keys(v.windows)) {
		w := v.windows[account]
		switch {
		case followed[account]:
			w.goneNs = 0
		case w.seen && w.goneNs == 0:
			w.goneNs = nowNs
		case w.seen && nowNs-w.goneNs >= int64(w.length):
			w.seen, w.goneNs = false, 0
			m.CancelAll(nowNs, account, "", market.ReasonCountdown)
		}
	}
}
