// Package recording reads files of raw venue messages as a collector writes them: one message a line,
// "<local time> <JSON>", with times in nanoseconds or, told by their magnitude, another unit, plain, as gzip of any number of members, or as a
// zip archive of files that end in .data, which are read in the order of their names as one, lines counted through. Files that venues
// offer have no local times: Config.TimeNs says what counts then. A Reader knows lines, not what is in them.
//
// # What is wrong with a file
//
// A zip archive that is not whole or has other files in it is an error at once.
// Each thing that is wrong is a Problem with file and line. Reading goes on behind it, unless Config.OnProblem says
// otherwise: a cut off or corrupt file is read as far as it goes, a line that is too long or has no time is passed
// over, a time that runs backwards is handed out as it stands. So is a pause, behind which time stays.
//
// A line is passed over as a bad one when its time cannot be true:
//
//   - it is more than a minute later, or earlier, than both its neighbours;
//   - it is one of several that are more than an hour later, or earlier, than the good lines before them, and as many lines behind
//     them go on from the good ones; at the start, when most lines behind it are more than an hour earlier;
//   - it is more than a day from the good lines, and the next line does not agree with it;
//   - it is more than hft.MaxTimeJump from them, or more than a day before them, and so are the lines behind it. When that is how a
//     file begins, it is an error: the file cannot follow the one before.
//
// For that, lines are read before their turn: 1024 at the start, and where time jumps at most 16384, of 16 MiB or a line more. Longer
// runs of wrong times are found only by those who read the messages (Distrust).
//
// # Memory and goroutines
//
// One goroutine per Reader reads ahead, by three blocks of 256 KiB, more only for longer lines up to the bound of
// Config. One goroutine uses a Reader; a line belongs to the Reader and is valid until the next one is asked for.
// Nothing is allocated per line, but for those that are read before their turn. Close may be called from any goroutine; it stops the
// reading ahead and waits for it.
package recording
