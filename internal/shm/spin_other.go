//go:build !amd64 && !arm64

package shm

// spinHint has nothing to tell: the call itself is the pause.
//
//go:noinline
func spinHint(uint32) {}
