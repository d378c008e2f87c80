// Package host runs connectors and strategies: it is the process behind `runner run`.
//
// # What it is made of
//
// A publisher per connector is the connector's Sink and Clock: it keeps the fused books, writes the feed, and carries
// every order update to the bot that owns the order. A holding is what one strategy has on one instrument (orders,
// position, profit); it outlives the strategy's processes. A session is the shared memory of one process together with
// the goroutine that serves its requests: read once and validated by ipc, then ownership, then the connector. A
// supervisor per strategy starts, watches, restarts and stops its process. The barrier moves the clock of a replay at
// full speed.
//
// A process that the host did not start attaches itself by the attach socket and is a strategy without a supervisor,
// for as long as it holds its connection. It is never taken for hung, since it may be stopped in a debugger; the clock
// of a replay at full speed then waits with it. What the bot holds is kept under its id while the host runs.
//
// # Memory and goroutines
//
// New makes the shared memory of the connectors, Run releases everything it or New made. One lock per connector puts
// feed and private messages into one sequence; it is held for one message at a time and never while a connector is
// called. Supervisors alone change a strategy's process. The methods that implement control.Runner, and Summary, may be
// called from any goroutine.
//
// # When something is full, closed or gone
//
// A bot that does not take its feed is lapped and resynchronises by itself. A bot that does not take its private
// messages has them queued aside within a bound, and is then restarted. A process that exits, panics or hangs has its
// on_exit action carried out and is started again with back-off, until it fails too often. A connector that fails ends
// the host. A process that attached itself and disconnects, by whatever way, has its orders canceled unless it asked
// for the contrary; one that damages its queues or does not empty them is disconnected. Nothing a strategy does stops
// another one.
package host
