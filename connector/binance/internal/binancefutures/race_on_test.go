//go:build race

package binancefutures_test

// raceDetector says that the race detector allocates, too.
const raceDetector = true
