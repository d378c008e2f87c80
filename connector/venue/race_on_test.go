//go:build race

package venue_test

// raceDetector says that the race detector allocates, too.
const raceDetector = true
