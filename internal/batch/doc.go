// Package batch runs many backtests: strategies times sets of parameters times parts of the data (days), side by side,
// each in a strategy's own process, and keeps the results in a run directory.
//
// Run takes Jobs. A job's recorded files are converted once and kept in a cache, its data is looked over, an Executor
// runs it, and its rows go to files as they come: nothing of a running job is held in memory but what the files'
// buffers hold. The last file of a job is job.json, written under another name and renamed: a job that has one is
// finished, whatever happened to the program afterwards. Continue skips those jobs when nothing they were made of has
// changed. Evaluate reads the finished jobs back and makes the statistics of each strategy and set, WriteSummary and
// WriteReport what people and programs read.
//
// The recordings of an asset are one feed: the book of each goes on from those before it, which are therefore read
// first, in their order, even if only a later one is wanted. What is in the cache of a file depends on them, and so
// does a finished job.
//
// # Memory and goroutines
//
// Run works with Config.Workers goroutines and returns when all of them have; it owns the run directory meanwhile.
// Events are handed to Config.OnEvent by one goroutine at a time. What Run and Evaluate return belongs to the caller.
// A Job is only read.
//
// # When something fails
//
// A job that fails - its data, its strategy, its process - is an entry in the result and does not touch the others. A
// full disk fails the jobs that meet it. When the context ends, running jobs are interrupted and leave nothing behind;
// finished ones stay. A run directory that cannot be written is an error of Run.
package batch
