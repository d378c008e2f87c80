package live

// NeverBuilt returns bots that no builder has made.
func NeverBuilt() []LiveBot { return []LiveBot{(*liveBot)(nil), &liveBot{}} }
