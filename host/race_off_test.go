//go:build !race

package host_test

// recordedLines is how much of the recorded day is replayed: 0 for all of it.
const recordedLines = 0
