package sim

// FillCause says what made an execution.
type FillCause uint8

// Causes of an execution.
const (
	// CauseNone: no execution.
	CauseNone FillCause = iota
	// CauseTaker: the order took displayed quantity when it arrived.
	CauseTaker
	// CauseQueue: trades at its price came to it in the queue.
	CauseQueue
	// CauseThrough: a trade passed its price.
	CauseThrough
	// CauseCrossed: the other side's best price reached it.
	CauseCrossed
)

// String returns the cause's name as it stands in files.
func (c FillCause) String() string {
	names := [...]string{"", "taker", "queue", "through", "crossed"}
	if int(c) < len(names) {
		return names[c]
	}
	return "unknown"
}
