// Package venuecheck asks a venue whether a connector's settings are right: whether it can be reached and how fast it
// answers, whether the clocks agree, what the key may do, and whether the configured steps are the venue's. It is what
// `runner check` reports, and what `runner run` asks before it starts.
//
// Run makes requests and connections one after the other in the calling goroutine and leaves none behind; it places no
// order, and only has one tested where the venue has a test for that and it was asked for. A venue that does not answer
// is a finding, not an error. What is returned belongs to the caller.
package venuecheck
