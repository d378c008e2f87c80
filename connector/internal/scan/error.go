package scan

import "strconv"

// Error says what is wrong with a message and where.
type Error struct {
	// Offset is the byte of the message, counted from 0.
	Offset int
	// What is wrong.
	What string
}

// Error returns both in one line.
func (e *Error) Error() string { return "byte " + strconv.Itoa(e.Offset) + ": " + e.What }

func fail(offset int, what string) error { return &Error{Offset: offset, What: what} }
