package runlog

import (
	"bytes"
	"hash/maphash"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// Of entries that differ in nothing but numbers and ids, repeatFirst are shown within a repeatWindow, and of one
	// source at one level sourceFirst.
	repeatWindow = 10 * time.Second
	repeatFirst  = 5
	sourceFirst  = 500
	// maxKinds bounds how many kinds of entries are known at a time.
	maxKinds = 4096
)

// repeats counts entries that repeat each other. One goroutine uses it.
type repeats struct {
	seed  maphash.Seed
	kinds map[uint64]*repeat
	text  []byte
}

// repeat is one kind of entries in the present window.
type repeat struct {
	sink        hclog.Logger
	level       hclog.Level
	until       time.Time
	shown, more int
	// last is the newest that was not shown; nil where they are of several kinds.
	last []byte
}

func newRepeats() repeats { return repeats{seed: maphash.MakeSeed(), kinds: make(map[uint64]*repeat)} }

// admit reports whether an entry is to be shown; line is as it would be.
func (r *repeats) admit(e *entry, line []byte) bool {
	r.text = append(append(r.text[:0], e.sink.Name()...), byte(e.level))
	source := maphash.Bytes(r.seed, r.text)
	if _, rest, ok := bytes.Cut(line, []byte(" ")); ok { // without its time
		r.text = appendKind(r.text, rest)
	}
	key := maphash.Bytes(r.seed, r.text)
	kind, all := r.kinds[key], r.of(source, e)
	switch {
	case kind != nil && kind.shown >= repeatFirst:
		kind.more++
		kind.last = append(kind.last[:0], line...)
		return false
	case all.shown >= sourceFirst: // without a new kind: a flood of different entries is to leave room for others
		all.more++
		return false
	}
	r.of(key, e).shown++
	all.shown++
	return true
}

// of returns the repeat of a key, which is not remembered when there are too many.
func (r *repeats) of(key uint64, e *entry) *repeat {
	k := r.kinds[key]
	if k == nil {
		k = &repeat{sink: e.sink, level: e.level, until: e.at.Add(repeatWindow)}
		if len(r.kinds) < maxKinds {
			r.kinds[key] = k
		}
	}
	return k
}

// over says of each kind whose window is over, or of all, how many were not shown.
func (r *repeats) over(now time.Time, all bool, say func(*repeat)) {
	for key, k := range r.kinds {
		switch {
		case !all && now.Before(k.until):
		case k.more == 0:
			delete(r.kinds, key)
		default:
			say(k)
			k.more, k.until = 0, now.Add(repeatWindow)
			if k.last == nil { // of several kinds, which are not to be hidden for good
				k.shown = 0
			}
		}
	}
}

// longID is from how many characters on a word with a digit in it is an id.
const longID = 16

// appendKind appends a line with its numbers and ids taken out.
func appendKind(dst, line []byte) []byte {
	for i := 0; i < len(line); {
		if !inWord(line[i]) {
			dst = append(dst, line[i])
			i++
			continue
		}
		end, digit := i, false
		for ; end < len(line) && inWord(line[end]); end++ {
			digit = digit || isDigit(line[end])
		}
		word := line[i:end]
		if digit && (len(word) >= longID || isDigit(bytes.TrimLeft(word, "-+.")[0])) {
			word = []byte{'#'}
		}
		dst = append(dst, word...)
		i = end
	}
	return dst
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func inWord(b byte) bool {
	return isDigit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '.' || b == '-' || b == '+' || b == '_' ||
		b == ':' || b >= 0x80
}
