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
	return fmt.Sprintf("%s:%d: %s; %s", p.File, p.Line, p.What, p.Kind.Advice())
}

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Err }

// Advice says what to do about problems of a kind.
func (k ProblemKind) Advice() string {
	switch k {
	case TimeBackwards:
		return "list the files in order of time, and check whether the clock was set back"
	case Damaged:
		return "copy or record it again; everything before this place is usable"
	case TimeUnit:
		return "they are read as such"
	}
	return "repair or remove the line"
}
