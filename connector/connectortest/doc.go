// Package connectortest holds a connector to connector's contract. Run is the conformance kit for a connector that
// follows a clock: each connector's test calls it once with a function that makes a fresh Harness. Clock is a manual
// clock that drives a connector step by step. RunLive is the same and more for a live connector, on the wall clock, at a
// loopback exchange that the test describes by Exchange.
//
// # Memory and goroutines
//
// Clock may be used from any goroutine. The kit starts one goroutine for the connector's Run and ends it before the next check; a call that should return at once
// and does not is given up after Patience and fails the test. No check depends on how fast the machine is. The methods
// of an Exchange are called by one goroutine. The kit counts goroutines, so it is not to run beside other tests.
package connectortest
