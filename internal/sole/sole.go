// Package sole notices that something which is for one goroutine is used by two at the same time.
//
// A Mark stands in what is to be watched; its zero value is ready. It is memory of its owner and holds nothing to
// release.
//
// To enter and to leave are plain stores of a word, about a nanosecond together: an atomic store would double what
// receiving an event takes. So noticing is likely and not certain, which is enough for a mistake of the program;
// whatever has to be exact needs something else.
package sole

import "fmt"

const (
	free uint32 = iota
	inside
	callback
)

// Mark records whether a call of its owner is in progress.
type Mark struct{ state word }

// Enter begins a call. It panics when another one has not ended, with a text that names what, which is owner and
// method.
func (m *Mark) Enter(what string) {
	if m.state.load() != free {
		refuse(what)
	}
	m.state.store(inside)
}

// Leave ends a call.
func (m *Mark) Leave() { m.state.store(free) }

// Check panics as Enter does, for a call that only reads and may come from a callback.
func (m *Mark) Check(what string) {
	if m.state.load() == inside {
		refuse(what)
	}
}

// Call runs a callback of a call that has entered. When the callback panics, the call has been left.
func (m *Mark) Call(f func() error) error {
	before, after := m.state.load(), free
	m.state.store(callback)
	defer func() { m.state.store(after) }()
	err := f()
	after = before
	return err
}

// InCallback reports whether a callback runs.
func (m *Mark) InCallback() bool { return m.state.load() == callback }

// Watch gives what has a method Watch, a book of package depth say, the mark of the bot that keeps it. Anything else
// stays unwatched.
func Watch(v any, m *Mark) {
	if w, ok := v.(interface{ Watch(m *Mark) }); ok {
		w.Watch(m)
	}
}

//go:noinline
func refuse(what string) {
	panic(fmt.Sprintf("%s is called while another goroutine is within a call: it is for one goroutine only. Hand what others want done to that goroutine, by a Go channel say", what))
}
