// Package history gives what a runner's journal says to people and their programs: each record as a list of named figures and texts
// (Fields), with the names of strategies and instruments in the place of numbers (Names).
package history
