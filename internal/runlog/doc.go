// Package runlog takes the log of a run, so that logging holds up nobody: a log call puts its entry into a bounded
// queue and returns, and one goroutine formats and writes. While nobody reads the output, or a disk hangs, what does
// not fit is counted and said when there is room again. Entries that repeat each other are shown a few times and then
// counted. Strategies' own logs go to files that are rotated, and a file that cannot be written is reported once.
package runlog
