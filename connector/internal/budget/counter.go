package budget

import "math"

// grains is into how many parts a sliding window is cut: requests answered within one part are one entry.
const grains = 256

// entry is what was answered from firstNs to lastNs. It counts until a window after lastNs.
type entry struct {
	firstNs, lastNs, n int64
}

// counter counts one limit. A request is pending from when it is sent until it is answered, and counts all that time:
// the venue may count it at any moment of it.
type counter struct {
	Limit
	skewNs, perNs    int64
	nowNs            int64 // the latest time known
	pending          int64
	exhaustedUntilNs int64

	// Of a fixed window: its number; what was answered in it, and near enough to its end that the venue may have
	// counted it in the next; what the venue has said, -1 while it has not, and when; what was answered without it
	// saying anything.
	window, own, tail, seen, seenNs, unseen int64

	// Of a sliding window: a ring of what was answered, from the oldest, and its sum.
	ring          []entry
	head, entries int
	sum           int64
}

func newCounter(l Limit, skewNs int64) counter {
	c := counter{Limit: l, skewNs: skewNs, perNs: int64(l.Per), window: math.MinInt64, seen: -1}
	if l.Model == Sliding {
		// Entries begin at least a grain apart, and none is older than a window and a grain.
		const room = 4
		c.ring = make([]entry, grains+room)
	}
	return c
}

// windowOf returns the number of the window that is taken for the current one: it ends Skew late, so that the venue's
// has ended for sure.
func (c *counter) windowOf(nowNs int64) int64 {
	t := nowNs - c.skewNs
	w := t / c.perNs
	if t%c.perNs < 0 {
		w--
	}
	return w
}

// count returns what the venue may have counted at most.
func (c *counter) count() int64 {
	switch {
	case c.Model == Sliding:
		return c.sum + c.pending
	case c.seen >= 0:
		return c.seen + c.unseen + c.pending
	}
	return c.own + c.pending
}

// advance takes the time.
func (c *counter) advance(nowNs int64) {
	if nowNs < c.nowNs {
		if nowNs > c.nowNs-c.perNs {
			return // within a window: what was counted stays where it is
		}
		c.back(nowNs)
	}
	c.nowNs = nowNs
	if c.Model == Sliding {
		for c.entries > 0 && c.ring[c.head].lastNs+c.perNs <= nowNs {
			c.sum -= c.ring[c.head].n
			c.head = (c.head + 1) % len(c.ring)
			c.entries--
		}
		return
	}
	w := c.windowOf(nowNs)
	if w == c.window {
		return
	}
	if w != c.window+1 {
		c.tail = 0
	}
	c.window, c.own, c.tail, c.seen, c.unseen = w, c.tail, 0, -1, 0
}

// back takes a clock that was set back by more than a window: all that was counted counts as of now.
func (c *counter) back(nowNs int64) {
	c.exhaustedUntilNs = min(c.exhaustedUntilNs, nowNs+c.perNs)
	if c.Model == Fixed {
		c.window = c.windowOf(nowNs)
		return
	}
	if c.entries > 0 {
		c.head, c.entries = 0, 1
		c.ring[0] = entry{firstNs: nowNs, lastNs: nowNs, n: c.sum}
	}
}

// refuses returns 0 if there is room for n, otherwise the time from which there may be. held is the part of what is
// kept that has to stay free.
func (c *counter) refuses(n int64, held float64) int64 {
	limit := max(c.Max-int64(math.Ceil(float64(c.Max)*c.Kept*held)), 1) // of 1 nothing can be kept
	switch {
	case n > limit:
		return Never
	case c.nowNs < c.exhaustedUntilNs:
		return c.exhaustedUntilNs
	case c.count()+n <= limit:
		return 0
	case c.Model == Fixed:
		return (c.window+1)*c.perNs + c.skewNs
	}
	missing := c.count() + n - limit
	for i := range c.entries {
		e := &c.ring[(c.head+i)%len(c.ring)]
		if missing -= e.n; missing <= 0 {
			return e.lastNs + c.perNs
		}
	}
	return c.nowNs + c.perNs // it hangs on what is pending
}

// answered counts n that is not pending any more.
func (c *counter) answered(n int64) {
	if c.Model == Sliding {
		c.push(n)
		return
	}
	c.own += n
	c.unseen += n
	if c.nowNs >= (c.window+1)*c.perNs-c.skewNs {
		c.tail += n
	}
}

// observe counts n that is not pending any more, and what the venue has said with the answer.
func (c *counter) observe(n, used, sentNs int64) {
	if c.Model == Sliding {
		c.push(n)
		// Less than was counted here may mean that a window of the venue has just begun, and says nothing about the
		// next. More means that somebody else is counted, too.
		c.push(max(used-c.sum, 0))
		return
	}
	c.answered(n)
	if c.windowOf(sentNs) != c.window {
		return // the answer may be about the window before
	}
	c.unseen -= n // that is in what the venue has said
	if c.Refunds && sentNs > c.seenNs {
		c.seen = used
	} else {
		c.seen = max(c.seen, used) // answers overtake each other
	}
	c.seenNs = c.nowNs
}

// push adds n to the newest entry, or a new one.
func (c *counter) push(n int64) {
	if n == 0 {
		return
	}
	c.sum += n
	if c.entries > 0 {
		newest := &c.ring[(c.head+c.entries-1)%len(c.ring)]
		if c.nowNs-newest.firstNs < c.perNs/grains || c.entries == len(c.ring) {
			newest.lastNs = c.nowNs
			newest.n += n
			return
		}
	}
	c.ring[(c.head+c.entries)%len(c.ring)] = entry{firstNs: c.nowNs, lastNs: c.nowNs, n: n}
	c.entries++
}
