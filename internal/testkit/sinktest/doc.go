// Package sinktest has a connector.Sink for tests of connectors: it records what a connector reports, and everything in it that
// breaks the contract of package connector. Any goroutine may use it; what its methods return are copies of the caller's.
package sinktest
