package shm

// maxSpinPause bounds one pause: longer, and the goroutine could not be preempted in between.
const maxSpinPause = 1000

// SpinPause waits n times the processor's spin-loop hint (PAUSE: some 10 to 150 cycles each, by the processor), at most
// 1000 times; n below 1 does nothing. Use it between looks at memory that is not expected to change at once: it leaves
// the core to its other hyper-thread. A loop that is after the last nanosecond looks without pausing.
func SpinPause(n int) {
	if n > 0 {
		spinHint(uint32(min(n, maxSpinPause)))
	}
}
