package recording

import (
	"fmt"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// What makes a time a wrong one.
const (
	// maxStray is how far a line may be from both its neighbours, all later or all earlier.
	maxStray = int64(time.Minute)
	// maxExcursion is how far several lines may be, before those behind them go on from where it was.
	maxExcursion = int64(time.Hour)
	// maxAlone is how far a line may be from the others without another that agrees with it, and how far time may go back for good.
	maxAlone = 24 * time.Hour
	// maxHeld and maxHeldBytes bound what is read before its turn, and so how many lines an excursion has at most.
	maxHeld, maxHeldBytes = 1 << 14, 16 << 20
	// firstLines are those that are looked at to see where time begins.
	firstLines = 1 << 10
)

// place is a line of a file.
type place struct{ file, line int }

func (p place) before(other place) bool {
	return p.file < other.file || p.file == other.file && p.line < other.line
}

// heldLine is a line that was read before its turn, or the error in its place, with what was found on the way to it.
type heldLine struct {
	at          place
	timestampNs int64
	byMessage   bool
	numBytes    int
	problems    []heldProblem
	err         error
}

// heldProblem is one that has not been told yet.
type heldProblem struct {
	at      place
	problem Problem
}

// settle finds among the first lines where time begins: with the first one that agrees with another and that no more than half
// of those behind it in its file are far before. When there is none, the first line counts.
func (r *Reader) settle() {
	var times []int64
	var at []place
	for i := range firstLines {
		h := r.heldAt(i)
		if h == nil {
			break
		}
		if h.timestampNs != 0 {
			times, at = append(times, h.timestampNs), append(at, h.at)
		}
	}
	for i, ns := range times {
		behind := times[i+1:]
		far, all := 0, 0
		for n, other := range behind {
			if at[i+1+n].file != at[i].file {
				break
			}
			if all++; other < ns-maxExcursion {
				far++
			}
		}
		if 2*far <= all && slices.ContainsFunc(behind, func(other int64) bool { return near(other, ns) }) {
			r.goodNs, r.latestNs, r.good = ns, ns, at[i]
			return
		}
	}
}

// judge says what is wrong with the time of the line in hand, which is far from the good line before; it is empty when that is a
// pause, or a clock that was set. It is an error when this and what comes behind it are of a file that cannot follow the one before.
func (r *Reader) judge(ns int64) (what string, err error) {
	if r.trustedNs != r.goodNs && near(r.trustedNs, ns) {
		return "", nil
	}
	tooFar := r.tooFar(ns)
	if !r.far.before(r.hand) {
		return tooFar, nil
	}
	nextNs := r.nextTime()
	backNs := int64(0)
	if strays(r.goodNs, ns, nextNs) {
		backNs = nextNs
	} else if distance(r.goodNs, ns) > uint64(maxExcursion) {
		backNs = r.returns(ns)
	}
	switch {
	case backNs != 0 && !apart(r.goodNs, ns):
		return fmt.Sprintf("this line says %s, between lines that say %s and %s", utc(ns), utc(r.goodNs), utc(backNs)), nil
	case backNs != 0:
		return tooFar, nil
	case near(r.goodNs, ns):
		return "", nil
	case nextNs == 0 || !near(nextNs, ns):
		return tooFar, nil
	case !r.excludes(ns):
		return "", nil
	case r.good.file != r.hand.file:
		return "", r.cannotFollow(ns)
	}
	r.passFar()
	return tooFar, nil
}

// tooFar says that the time is too far from that of the good line before.
func (r *Reader) tooFar(ns int64) string {
	says := fmt.Sprintf("this line says %s and %s says %s: they are more than ", utc(ns), r.name(r.good), utc(r.goodNs))
	if apart(r.goodNs, ns) {
		return fmt.Sprintf("%s%d days apart, so one of the two is wrong", says, hft.MaxTimeJump/(24*time.Hour))
	}
	return fmt.Sprintf("%s%d hours apart, and the following lines do not agree with this one", says, maxAlone/time.Hour)
}

// passFar notes the line in hand as too far, and those behind it that are as well: they need not be looked at again.
func (r *Reader) passFar() {
	r.far = r.hand
	for i := 0; ; i++ {
		h := r.heldAt(i)
		if h == nil || h.timestampNs != 0 && !r.excludes(h.timestampNs) {
			return
		}
		r.far = h.at
	}
}

// excludes reports whether no line can have this time when the good ones are good, even if others agree with it.
func (r *Reader) excludes(ns int64) bool {
	return apart(r.goodNs, ns) || ns < r.goodNs && !near(r.goodNs, ns)
}

func (r *Reader) cannotFollow(ns int64) error {
	if ns < r.goodNs {
		return fmt.Errorf("recording: %s: from here on the file is of %s, and %s, which is listed before it, of %s: list the files in order of time",
			r.name(r.hand), utc(ns), r.name(r.good), utc(r.goodNs))
	}
	return fmt.Errorf("recording: %s: from here on the file is of %s, more than %d days after %s, which is listed before it and of %s: use them one by one",
		r.name(r.hand), utc(ns), hft.MaxTimeJump/(24*time.Hour), r.name(r.good), utc(r.goodNs))
}

// Distrust says that the message of the line in hand contradicts its time: it is not taken along, however many lines agree on it.
func (r *Reader) Distrust() {
	r.distrusted, r.latestNs, r.behind = true, r.trustedNs, false
}

func (r *Reader) name(p place) string { return fmt.Sprintf("%s:%d", r.config.Files[p.file], p.line) }

// strays reports whether a line between a good one and one behind it, 0 for none, has a time that both contradict.
func strays(goodNs, ns, nextNs int64) bool {
	if nextNs == 0 || nextNs < goodNs-maxStray || apart(goodNs, nextNs) {
		return false
	}
	return ns < goodNs-maxStray || ns-maxStray > max(nextNs, goodNs)
}

// returns gives the time with which lines behind the one in hand, which is far from the good ones, go on from those; 0 when none
// of those that are held does. They have to be as many as those that are far, unless nothing is known behind them and they are near.
func (r *Reader) returns(ns int64) int64 {
	excursionNs, backNs := ns, int64(0) // the former is the time of those that are far that is nearest to the good ones
	far, back := 1, 0
	for i := 0; ; i++ {
		h := r.heldAt(i)
		if h == nil {
			if back > 0 && distance(backNs, r.goodNs) <= uint64(maxExcursion) {
				return backNs
			}
			return 0
		}
		switch atNs := h.timestampNs; {
		case atNs == 0:
		case r.goesOn(atNs, ns, excursionNs):
			if back++; back == 1 {
				backNs = atNs
			}
			if back >= far {
				return backNs
			}
		case ns < r.goodNs:
			far, back, excursionNs = far+1, 0, max(excursionNs, atNs)
		case atNs >= r.goodNs-maxExcursion:
			far, back, excursionNs = far+1, 0, min(excursionNs, atNs)
		}
	}
}

// goesOn reports whether a line is on the side of the good ones of those that are far, of which the nearest is of excursionNs.
func (r *Reader) goesOn(atNs, ns, excursionNs int64) bool {
	if apart(r.goodNs, atNs) {
		return false
	}
	if ns > r.goodNs {
		return atNs >= r.goodNs-maxExcursion && atNs < excursionNs-maxExcursion
	}
	return atNs >= r.goodNs-maxStray && atNs > excursionNs+maxExcursion
}

// nextTime returns the time of the next line that has one, 0 for none.
func (r *Reader) nextTime() int64 {
	for i := 0; ; i++ {
		if h := r.heldAt(i); h == nil || h.timestampNs != 0 {
			if h == nil {
				return 0
			}
			return h.timestampNs
		}
	}
}

// heldAt returns a line behind the one in hand, counted from 0, and reads on to it. It is nil behind the last line, and behind the last
// that may be held. What was in hand is no more valid.
func (r *Reader) heldAt(i int) *heldLine {
	for i >= len(r.held) {
		if n := len(r.held); n >= maxHeld || n > 0 && (len(r.heldText)-r.heldUsed >= maxHeldBytes || r.held[n-1].err != nil) {
			return nil
		}
		r.held = append(r.held, heldLine{})
		h := &r.held[len(r.held)-1]
		r.holding = h
		text, err := r.readLine()
		r.holding = nil
		h.at, h.numBytes, h.err = r.at, len(text), err
		if err == nil {
			var l parsedLine
			l, h.err = r.parse(text)
			h.timestampNs, h.byMessage = l.timestampNs, l.byMessage
		}
		if used := r.heldUsed; used > len(r.heldText)/2 {
			r.heldText, r.heldUsed = r.heldText[:copy(r.heldText, r.heldText[used:])], 0
		}
		r.heldText = append(r.heldText, text...)
	}
	if h := &r.held[i]; h.err == nil {
		return h
	}
	return nil
}

// take takes the next line into hand, and tells what was found on the way to it.
func (r *Reader) take() (parsedLine, error) {
	if len(r.held) == 0 {
		text, err := r.NextLine()
		if err != nil {
			return parsedLine{}, err
		}
		return r.parse(text)
	}
	select {
	case <-r.stop:
		return parsedLine{}, errClosed()
	default:
	}
	h := &r.held[0]
	for len(h.problems) > 0 {
		p := h.problems[0]
		h.problems, r.hand = h.problems[1:], p.at
		if err := r.Report(p.problem.Kind, p.problem.What, p.problem.Err); err != nil {
			return parsedLine{}, err
		}
	}
	text, timestampNs, byMessage, err := r.heldText[r.heldUsed:][:h.numBytes], h.timestampNs, h.byMessage, h.err
	r.hand, r.heldUsed = h.at, r.heldUsed+h.numBytes
	if r.held = r.held[1:]; len(r.held) == 0 {
		r.held, r.heldText, r.heldUsed = nil, nil, 0
	}
	if byMessage {
		return alone(text, timestampNs), err
	}
	return split(text), err
}

// apart reports whether two times are too far from each other for both to be true.
func apart(a, b int64) bool { return hft.CheckTimeJump(min(a, b), max(a, b)) != nil }

// near reports whether one time supports the other.
func near(a, b int64) bool { return distance(a, b) <= uint64(maxAlone) }

func distance(a, b int64) uint64 { return uint64(max(a, b)) - uint64(min(a, b)) }

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
