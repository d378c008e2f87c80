//go:build !amd64 || race

package shm

import "sync/atomic"

// storeWord writes one word of a record that a later storeRelease publishes. Here every word is atomic: other
// processors reorder plain stores, and the race detector has to see no plain store at all.
func storeWord(addr *uint64, val uint64) { atomic.StoreUint64(addr, val) }

// storeRelease writes a word so that every store before it is visible to another processor before this one, and every
// storeWord after it later.
func storeRelease(addr *uint64, val uint64) { atomic.StoreUint64(addr, val) }
