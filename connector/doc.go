// Package connector defines how a venue is connected: the Connector that a venue's package implements, the Sink it
// answers through, and what a venue's recorded messages decode to.
//
// A Connector knows neither shared memory nor bots: it gets instruments and orders as values and hands back events
// and order updates as values. Everything passed in a call belongs to the caller; the callee copies what it keeps.
//
// Run is called once and owns the connector's goroutines: all of them have ended when it returns. Register, Submit,
// Cancel and Modify may be called from any goroutine, before and during Run, and never block: an answer, also a
// refusal, comes through the Sink. Sink methods may be called from any goroutine; they never wait for a bot.
//
// When a queue inside of a connector is full it answers with an OrderError at once. After Run has returned requests
// are ignored.
package connector
