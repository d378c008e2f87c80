//go:build !race

package host

// racing says that the tests run under the race detector.
const racing = false
