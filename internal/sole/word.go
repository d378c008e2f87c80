//go:build !race

package sole

// word is read and written whole; who looks may see an old value for some nanoseconds.
type word struct{ v uint32 }

func (w *word) load() uint32 { return w.v }

func (w *word) store(v uint32) { w.v = v }
