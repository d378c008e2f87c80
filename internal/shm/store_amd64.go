//go:build amd64 && !race

package shm

// storeWord writes one word of a record that a later storeRelease publishes.
func storeWord(addr *uint64, val uint64) { *addr = val }

// storeRelease writes a word so that every store before it is visible to another processor before this one, and every
// store after it later.
//
// It is a plain MOV. The processor keeps stores in program order (total store order), so only the compiler could
// reorder them, and it cannot see into a call that it must not inline: memory written before the call is written, and
// what follows waits for the return. sync/atomic offers only a sequentially consistent store, XCHG, which waits until
// the line has been taken back from every reader that holds it: per event that is what the writer must never wait for.
//
//go:noinline
func storeRelease(addr *uint64, val uint64) { *addr = val }
