//go:build race

package venue_test

const raceDetector = true
