// Package depthtest is for the tests of books and of everything fed from them: a conformance kit that every book
// passes, a naive book that is obviously right and slow, and the recorded day as event rows.
//
// The recordings are read from the folder named by HFTRUNNER_DATA, by default shared/data next to the repository;
// reference results lie in shared/golden. A test that needs them fails when they are absent. A recording is converted
// once per process and shared: its rows belong to this package and are not to be changed. Functions that take a
// testing.TB are for the test's goroutine.
package depthtest
