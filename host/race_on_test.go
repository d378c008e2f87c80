//go:build race

package host_test

// recordedLines is how much of the recorded day is replayed: under the race detector every step takes ten times as long.
const recordedLines = 8_000
