package budget

import (
	"math/bits"
	"time"
)

const (
	// firstProbe is after how long a first request finds out whether a ban of unknown length is over. The time between
	// two of them doubles, up to mostProbe: the run may end meanwhile, and what is canceled then has exit_timeout only.
	// Up to mostFirst gets the first of one that follows another soon.
	firstProbe, mostProbe, mostFirst = 2 * time.Second, 5 * time.Second, 15 * time.Second
	// probeAnswer is how long what waits for the answer to a probe waits until it asks again.
	probeAnswer = 500 * time.Millisecond
)

// ban is that the venue does not talk to this address. Its end is not a time: it is over when a probe, the only request
// that is let through at a time, has been answered in the venue's own words.
type ban struct {
	on bool
	// untilNs is until when nothing but a cancel is a probe, probeNs from when on a probe may be sent.
	untilNs, probeNs int64
	said             bool          // the end, the last time
	first, wait      time.Duration // before the first probe, after the next one
	probing          bool          // one is under way
	newer            bool          // the venue has said meanwhile until when
	why              string
	overNs           int64 // when the last ban was over
}

// soon is for how long after a ban the next one goes on with its waits: what ended it may have gone another way.
const soon = time.Minute

// Ban stops what is in scope because the venue does not talk to this address: until a time that it has said, which is
// believed, or for a while that is guessed. After it, and where it is guessed also before, from 2 s on and then every 5
// s, one request at a time is let through, before it a cancel only, or by REST, where cancels may have another way, a
// question. Ban returns when the first of them is.
func (b *Budget) Ban(scope Scope, nowNs, untilNs int64, said bool, why string) (retryAtNs int64) {
	if scope >= scopes {
		scope = Everything
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := &b.bans[scope]
	if !n.on {
		first := firstProbe
		if n.first > 0 && nowNs-n.overNs < int64(soon) {
			first = min(2*n.first, mostFirst)
		}
		*n = ban{on: true, first: first, probeNs: nowNs + int64(first), wait: min(2*firstProbe, mostProbe)}
		if said {
			n.probeNs = untilNs
		}
	}
	n.untilNs, n.said, n.why = max(n.untilNs, untilNs), said, why
	if said {
		n.probeNs, n.newer = max(n.probeNs, untilNs), n.probing
	} else if n.probing { // which is what has been banned again
		return max(n.probeNs, nowNs+int64(n.wait))
	}
	return n.probeNs
}

// Result is what has become of a request.
type Result uint8

// Results.
const (
	// Silent: it was not answered, or by something in front of the venue, or again by a ban.
	Silent Result = iota
	// Heard: it was answered in the venue's own words, whatever they are.
	Heard
	// Unsent: it was not sent after all.
	Unsent
	// Lost: it was not answered by a stream, and goes by REST now, which finds out about every ban but the stream's
	// own.
	Lost
)

// Done says what has become of a request that was allowed, exactly once, when its real answer is there, and was told to
// Ban if that is what it says, or it is given up; which may be later than Answered.
func (b *Budget) Done(t Ticket, nowNs int64, result Result) {
	if t.probes == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for scope := range b.bans {
		n := &b.bans[scope]
		if t.probes&(1<<scope) == 0 {
			continue
		}
		heard := result == Heard && !n.newer
		silent := result == Silent || result == Lost && Scope(scope) == Stream
		n.probing, n.newer = false, false
		switch {
		case heard:
			*n = ban{first: n.first, overNs: nowNs}
		case silent && !(n.said && nowNs < n.untilNs):
			n.probeNs = max(n.probeNs, nowNs+int64(n.wait))
			n.wait = min(2*n.wait, mostProbe)
		}
	}
}

// banned returns which bans a request would be a probe of, or why and until when at least it is not sent. The lock is
// held.
func (b *Budget) banned(r Request, nowNs int64) (probes uint8, no Refusal) {
	for scope := range b.bans {
		n := &b.bans[scope]
		// While nobody can be asked by REST no new order goes by another way either; but that finds nothing out.
		blind := Scope(scope) == REST && r.Kind == Submit && !r.REST
		if !n.on || !blind && !Scope(scope).has(r) || blind && nowNs >= n.untilNs {
			continue
		}
		retryAtNs := n.probeNs
		switch {
		case blind:
			retryAtNs = max(retryAtNs, nowNs+int64(probeAnswer))
		case n.probing:
			retryAtNs = max(retryAtNs, nowNs+int64(probeAnswer))
		case nowNs >= n.probeNs && (nowNs >= n.untilNs || r.Kind == Cancel || Scope(scope) == REST && r.Kind != Submit):
			probes |= 1 << scope
			continue
		case nowNs >= n.probeNs: // a cancel may find out meanwhile that the ban is over
			retryAtNs = min(n.untilNs, nowNs+int64(firstProbe))
		}
		if retryAtNs > no.RetryAtNs {
			no = Refusal{RetryAtNs: retryAtNs, UntilNs: max(n.untilNs, retryAtNs), Why: n.why, Paused: true,
				Banned: true}
		}
	}
	return probes, no
}

// probing notes that a request is a probe. The lock is held.
func (b *Budget) probing(probes uint8) {
	for ; probes != 0; probes &= probes - 1 {
		b.bans[bits.TrailingZeros8(probes)].probing = true
	}
}

// has reports whether a request is in scope.
func (s Scope) has(r Request) bool {
	return s == Everything || s == Submits && r.Kind == Submit || s == REST && r.REST || s == Stream && !r.REST
}
