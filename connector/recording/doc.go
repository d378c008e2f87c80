// Package recording reads files of raw venue messages as a collector writes them: one message a line,
// "<local time> <JSON>", with times in nanoseconds or, told by their magnitude, another unit, plain or as gzip of any number of members. It knows lines, not what is in them.
//
// # What is wrong with a file
//
// Each thing that is wrong is a Problem with file and line. Reading goes on behind it, unless Config.OnProblem says
// otherwise: a cut off or corrupt file is read as far as it goes, a line that is too long or has no time is passed
// over, a time that runs backwards is handed out as it stands.
//
// # Memory and goroutines
//
// One goroutine per Reader reads ahead, by three blocks of 256 KiB, more only for longer lines up to the bound of
// Config. One goroutine uses a Reader; a line belongs to the Reader and is valid until the next one is asked for.
// Nothing is allocated per line. Close may be called from any goroutine; it stops the reading ahead and waits for it.
package recording
