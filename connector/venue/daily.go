package venue

import "time"

const (
	dayNs = int64(24 * time.Hour)
	// dailyLook is the maximum pause between two looks at the date, which a machine that was suspended passes unnoticed.
	dailyLook = 10 * time.Second
	// dailySpacing is the pause between the snapshots of two instruments, so that they do not use up the request budget.
	dailySpacing = 250 * time.Millisecond
)

// snapshotDaily requests a snapshot of each book when a UTC day has begun, until the connector stops: a recording has a
// file for each day, which is then complete by itself. The books do not need it, but are compared with it.
func (c *Connector) snapshotDaily() {
	day := c.nowNs() / dayNs
	for c.pause(min(dailyLook, time.Duration((day+1)*dayNs-c.nowNs())+time.Millisecond)) {
		now := c.nowNs() / dayNs
		if now <= day {
			continue
		}
		day = now
		for _, inst := range c.symbols.all() {
			if !c.beginDay(inst) {
				continue
			}
			c.group.Go(func() { c.fetchSnapshot(inst) })
			if !c.pause(dailySpacing) {
				return
			}
		}
	}
}

// beginDay reports whether a book needs a snapshot for the new day, and claims the request. One that is not complete gets
// it anyway.
func (c *Connector) beginDay(inst *instrument) bool {
	inst.mu.Lock()
	defer inst.mu.Unlock()
	if inst.asking || !inst.book.Synced() {
		return false
	}
	inst.asking = true
	return true
}
