// Package depthtest is for the tests of books and of everything fed from them: a conformance kit that every book
// passes, a naive book that is obviously right and slow, and the recorded day as event rows.
//
// A recording is converted once per process and shared: its rows belong to this package and are not to be changed.
// Functions that take a testing.TB are for the test's goroutine.
package depthtest
