package recording

import "fmt"

// ProblemKind tells what is wrong with a recording.
type ProblemKind uint8

// Kinds of problems.
const (
	// BadLine: a line has no time, is too long, or its message cannot be used.
	BadLine ProblemKind = iota + 1
	// TimeBackwards: from this line on the time is earlier than before. It is reported once until time has caught up.
	TimeBackwards
	// Damaged: the file cannot be read any further, as when it was cut off while it was written.
	Damaged
	// Gap: a difference of the book is missing before this line.
	Gap
	// Unsynchronised: the recording ends and no snapshot fitted, at all or since the last gap.
	Unsynchronised
	// OffGrid: a price or quantity is no multiple of the instrument's steps. It is told for the first one only.
	OffGrid
	// TimeUnit: times are in another unit than usual. It is told once for the local times of a file and once for the venue's.
	TimeUnit
)

// String returns the kind's name.
func (k ProblemKind) String() string {
	switch k {
	case BadLine:
		return "bad line"
	case TimeBackwards:
		return "time runs backwards"
	case Damaged:
		return "damaged file"
	case Gap:
		return "gap"
	case Unsynchronised:
		return "not synchronised"
	case OffGrid:
		return "off the grid"
	case TimeUnit:
		return "unit of times"
	}
	return "unknown"
}

// Problem is one thing that is wrong with a recording. As an error it says where, what, and what to do.
type Problem struct {
	Kind ProblemKind
	File string
	// Line counts from 1.
	Line int
	// What is wrong, in words.
	What string
	// Err is the cause, nil when there is none beyond What.
	Err error
}

// Error returns file, line, what is wrong and what to do.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d: %s; %s", p.File, p.Line, p.What, p.advice())
}

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Err }

func (p Problem) advice() string {
	switch p.Kind {
	case TimeBackwards:
		return "give the files in the order of their time, and look whether the clock was set back"
	case Damaged:
		return "copy or record it again; what stands before can be used"
	case Gap:
		return "the book is empty until the next recorded snapshot that fits"
	case Unsynchronised:
		return "record a snapshot after the start and after each gap"
	case OffGrid:
		return "it is used as it is, and a book rounds it; give the steps that the venue had at that time"
	case TimeUnit:
		return "they are read as such"
	}
	return "repair or remove the line"
}
