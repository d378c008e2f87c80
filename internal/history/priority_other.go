//go:build !linux

package history

// gently runs fn: only Linux has a priority for each thread.
func gently(fn func() error) error { return fn() }
