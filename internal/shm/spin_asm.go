//go:build amd64 || arm64

package shm

// spinHint tells the processor that this thread waits for another (PAUSE, YIELD).
//
//go:noescape
func spinHint(n uint32)
