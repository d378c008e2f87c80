package ring

// What a clock's word of its mode says.
const (
	ClockRunning = 1 // start + (monotonic now - monotonic start) * rate
	ClockStepped = 2 // the time the host last stored
)

// ClockAt returns what a running clock shows at a monotonic time; monoStartNs is 0 as long as it does not run.
func ClockAt(startNs, monoStartNs int64, rate float64, monoNs int64) int64 {
	if monoStartNs == 0 {
		return startNs
	}
	elapsed := monoNs - monoStartNs
	if rate == 1 {
		return startNs + elapsed
	}
	return startNs + int64(float64(elapsed)*rate)
}
