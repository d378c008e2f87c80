package feed

// MaxContested bounds what Contested returns.
const MaxContested = maxContested

// Contested is how many levels quotes and depth stream have different opinions of.
func (b *Book) Contested() int { return len(b.ahead.levels) }
