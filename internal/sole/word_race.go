//go:build race

package sole

import "sync/atomic"

// word is atomic here, so that the race detector speaks of what the caller shares and not of the mark.
type word struct{ v atomic.Uint32 }

func (w *word) load() uint32 { return w.v.Load() }

func (w *word) store(v uint32) { w.v.Store(v) }
