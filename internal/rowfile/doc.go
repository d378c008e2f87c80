// Package rowfile writes the orders and fills of a backtest as tables that other programs read: the same rows as CSV
// and as Parquet, side by side, as they come.
//
// The CSV columns of orders are those of hftbacktest's order log, numbers as it writes them (docs of hftbacktest: side
// 1 and -1, status 0 to 7, floats without exponent), and a column reject; fills have names for what is a number
// inside. Parquet has the same columns with their types, and times as timestamps.
//
// A Sheet is one such file with columns that are known at run time only.
//
// A Table owns its two files from Create to Close or Discard and one goroutine at a time uses it. It keeps nothing of
// the rows given; in memory are at most a row group of Parquet (64 Ki rows) and the CSV writer's buffer. A full disk or
// another error of the files is returned by the call that meets it, at the latest by Close, and by all later ones; the
// files of a table that was not closed without an error are incomplete.
package rowfile
