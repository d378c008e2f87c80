//go:build !race

package feed_test

// raceDetector says that the tests run under it, several times as slow.
const raceDetector = false
