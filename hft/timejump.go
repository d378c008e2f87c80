package hft

import (
	"fmt"
	"time"
)

// MaxTimeJump is how far recorded time may go from one record to the next, in replays, backtests and conversions alike.
// What goes further is a wrong time and not a pause: taken for true, strategies would live through years in which
// nothing happens, and recorders write them down. A month of nothing is still a pause, as between files of chosen days.
// It is no setting: what is wrong is wrong by years, and days that are farther apart are runs or backtests of their
// own.
const MaxTimeJump = 31 * 24 * time.Hour

// CheckTimeJump returns an error for a recorded time nowNs that is more than MaxTimeJump after beforeNs, that of the
// record before.
func CheckTimeJump(beforeNs, nowNs int64) error {
	if nowNs <= beforeNs || uint64(nowNs)-uint64(beforeNs) <= uint64(MaxTimeJump) {
		return nil
	}
	days := (uint64(nowNs) - uint64(beforeNs)) / uint64(24*time.Hour)
	return fmt.Errorf("the time %d is %d days after %d, the one before it: one of the two is wrong (a pause in recorded data is at most %d days)",
		nowNs, days, beforeNs, MaxTimeJump/(24*time.Hour))
}
