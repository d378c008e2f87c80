package protocol

// Outage is told of everything that does not work at one venue, and tells of it as of one thing. The Protocol's own
// connections and those of the connector have the same one: that of Env in package venue. Any goroutine may use it.
type Outage interface {
	// Failed reports that something does not work: key tells it from others, what names it to people, and more are
	// names and values for the log.
	Failed(key any, what string, err error, more ...any)
	// Works reports that something works, or that it is no longer wanted.
	Works(key any)
	// Awaits says, of something that comes after what fails, that the outage is not over before it works.
	Awaits(key any)
	// Failing reports whether there is an outage that was told.
	Failing() bool
	// End marks the venue as no longer used: what was not logged is not logged later.
	End()
}
