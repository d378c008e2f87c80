//go:build race

package stream_test

// raceDetector says that the race detector allocates, too.
const raceDetector = true
