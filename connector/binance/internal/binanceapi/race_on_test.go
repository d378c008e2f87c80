//go:build race

package binanceapi_test

// raceDetector says that the race detector allocates, too.
const raceDetector = true
