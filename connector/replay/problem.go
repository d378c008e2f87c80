package replay

import (
	"fmt"

	"hftrunner/connector/recording"
)

// ProblemKind tells what is wrong with a recording.
type ProblemKind uint8

// Kinds of problems.
const (
	// BadLine: a line has no time, is no JSON or no message of the venue, is about another instrument, or too long.
	BadLine ProblemKind = iota + 1
	// TimeBackwards: from this line on the time is earlier than before. It is reported once until time has caught up.
	TimeBackwards
	// Damaged: the file cannot be read any further, as when it was cut off while it was written.
	Damaged
	// Gap: a difference of the book is missing before this line.
	Gap
	// Unsynchronised: the recording ends and no snapshot fitted, at all or since the last gap.
	Unsynchronised
	// Foreign: no line of the recording is a message that can be used. It ends the replay.
	Foreign
	// OffGrid: a price or quantity is no multiple of the instrument's steps. It is told for the first one only and counted for
	// all.
	OffGrid
	// UnreadBook: the recording has a book only of a depth that is not decoded. It ends the replay.
	UnreadBook
	// TimeUnit: times are in another unit than usual. It is told once for the local times of a file and once for the venue's.
	TimeUnit
)

// String returns the kind's name.
func (k ProblemKind) String() string {
	names := [...]string{BadLine: "bad line", TimeBackwards: "time runs backwards", Damaged: "damaged file", Gap: "gap",
		Unsynchronised: "not synchronised", Foreign: "nothing to use", OffGrid: "off the grid", UnreadBook: "book not read", TimeUnit: "unit of times"}
	if k > 0 && int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// kindOf returns the kind of a problem of the file itself.
func kindOf(k recording.ProblemKind) ProblemKind {
	switch k {
	case recording.TimeBackwards:
		return TimeBackwards
	case recording.Damaged:
		return Damaged
	case recording.TimeUnit:
		return TimeUnit
	}
	return BadLine
}

// Problem is one thing that is wrong with a recording. As an error it says where, what, and what to do.
type Problem struct {
	Kind   ProblemKind
	Symbol string
	File   string
	// Line counts from 1.
	Line int
	// What is wrong, in words.
	What string
	// Done is what was done about it, empty when it ended the replay.
	Done string
	// Err is the cause, nil when there is none beyond What.
	Err error
}

// Error returns file, line, what is wrong and what was done about it, or what to do.
func (p Problem) Error() string {
	if p.Done != "" {
		return fmt.Sprintf("replay: %s:%d: %s; %s", p.File, p.Line, p.What, p.Done)
	}
	return fmt.Sprintf("replay: %s:%d: %s; %s", p.File, p.Line, p.What, p.advice())
}

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Err }

func (p Problem) advice() string {
	switch p.Kind {
	case BadLine:
		return `repair or remove the line, or pass over it with on_bad_line = "skip"`
	case TimeBackwards:
		return `sort the file by time, or take the time of the line before with on_bad_line = "skip"`
	case Damaged:
		return `record it again, or use what can be read with on_bad_line = "skip"`
	case Foreign:
		return `check that format is the venue of the recording, and that it has market data`
	case UnreadBook:
		return `record a depth that can be read`
	case Gap:
		return `wait for the next recorded snapshot with on_gap = "resync", or go on with on_gap = "ignore"`
	}
	return `record a snapshot after the start and after each gap, or use sync = "natural"`
}

// done returns what a configuration has done about a problem that is not fatal.
func (c *Config) done(kind ProblemKind) string {
	switch {
	case kind == BadLine:
		return `the line is skipped, as on_bad_line says`
	case kind == TimeBackwards:
		return `it gets the time of the line before, as on_bad_line says`
	case kind == Damaged:
		return `what comes before is used, as on_bad_line says`
	case kind == TimeUnit:
		return `they are read as such`
	case kind == OffGrid:
		return `it is used as it is, and a book rounds it`
	case kind == Gap && c.OnGap == IgnoreGap:
		return `the book goes on with it, as on_gap says`
	case kind == Gap:
		return `the book is empty until the next recorded snapshot, as on_gap says`
	}
	return ""
}
