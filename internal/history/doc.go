// Package history tells a runner's past from its journal: each record as a list of named figures and texts (Fields),
// with the names of strategies and instruments in the place of numbers (Names), and all records as tables (DB).
//
// The tables are <state_dir>/history.db, an SQLite file with a row per order, execution, payment, mark and event. It
// is a projection: whoever asks brings it up to date with the journal and its money directory first, no host takes
// part, and it may be deleted at any time. A journal that was replaced by another is noticed by the last record's
// sequence and checksum.
package history
