package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"github.com/hftrunner/hftrunner/internal/journal"
)

// DBName is the name of the database in a state directory.
const DBName = "history.db"

// DB is <state_dir>/history.db: the journal as tables. The file may be deleted at any time.
type DB struct {
	path string
	sql  *sql.DB
	tx   *sql.Tx // all queries read one moment
	upTo UpTo
	// damage lists the parts of the journal that could not be read.
	damage []journal.Damage
}

// UpTo is the range of records that the tables are made of.
type UpTo struct {
	// Sequence and TimeNs are those of the last record.
	Sequence uint64
	TimeNs   int64
	// FirstSequence and FirstNs are those of the first record from which on there is every record. Of what was
	// before, only money is certain to be here.
	FirstSequence uint64
	FirstNs       int64
}

// Open brings the database of a state directory up to date with its journal and returns it; it is created where it
// does not exist. The work is done here, in the process of who asks, with a low priority where that can be had: no
// host waits for it, none is needed, and a crash leaves an earlier state that is as true. A lock on a file keeps
// others from doing it at the same time.
func Open(ctx context.Context, stateDir string) (*DB, error) {
	d := &DB{path: filepath.Join(stateDir, DBName)}
	unlock, err := lock(ctx, d.path+".lock")
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer unlock()
	update := func() error {
		return gently(func() error { return d.update(ctx, filepath.Join(stateDir, journal.DirName)) })
	}
	err = update()
	if isBroken(err) { // not an SQLite file, or a corrupt one: the journal has all of it
		err = errors.Join(d.sql.Close(), d.remove())
		if err == nil {
			err = update()
		}
	}
	if err == nil {
		err = d.begin(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("history: %s: %w", d.path, err), d.Close())
	}
	return d, nil
}

// UpTo returns the range of records that answers are made of.
func (d *DB) UpTo() UpTo { return d.upTo }

// Damage returns the parts of the journal that could not be read: answers lack them.
func (d *DB) Damage() []journal.Damage { return d.damage }

// Close ends the use of the database.
func (d *DB) Close() error {
	var err error
	if d.tx != nil {
		err = d.tx.Rollback()
	}
	if d.sql != nil {
		err = errors.Join(err, d.sql.Close())
	}
	return err
}

// connect opens the file, which only its owner may read.
func (d *DB) connect(ctx context.Context) error {
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: d.path}).EscapedPath(), RawQuery: url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-65536)", "temp_store(MEMORY)",
		"journal_size_limit(67108864)"}}.Encode()}
	c, err := sqlite.NewConnector(name.String())
	if err != nil {
		return err
	}
	d.sql = sql.OpenDB(c)
	d.sql.SetMaxOpenConns(1)
	return d.sql.PingContext(ctx)
}

// begin begins the reading of one moment.
func (d *DB) begin(ctx context.Context) (err error) {
	if d.tx, err = d.sql.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return err
	}
	var sequence, first int64
	err = d.tx.QueryRowContext(ctx,
		"SELECT sequence, time_ns, first_sequence, first_ns FROM projection").Scan(&sequence, &d.upTo.TimeNs, &first,
		&d.upTo.FirstNs)
	if err != nil {
		return err
	}
	d.upTo.Sequence, d.upTo.FirstSequence = uint64(sequence), uint64(first)
	rows, err := d.tx.QueryContext(ctx, "SELECT path, offset, first, last, reason FROM damage ORDER BY rowid")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m journal.Damage
		if err := rows.Scan(&m.Path, &m.Offset, (*signed)(&m.From), (*signed)(&m.To), &m.Reason); err != nil {
			return err
		}
		d.damage = append(d.damage, m)
	}
	return rows.Err()
}

// remove deletes the file and what belongs to it.
func (d *DB) remove() error {
	var errs []error
	for _, ending := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(d.path + ending); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// SQLite's codes of a file that is none of its own, or damaged.
const (
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

func isBroken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqliteCorrupt || e.Code()&0xff == sqliteNotADB)
}

// lockPoll is the pause between two attempts to get a lock.
const lockPoll = 20 * time.Millisecond

// lock waits for a file's lock.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: run this as the user who runs the host", err)
	}
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		timer := time.NewTimer(lockPoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-timer.C:
		}
	}
}

// signed is an unsigned number in a column of SQLite.
type signed uint64

// Scan takes the number as it is there.
func (s *signed) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%v is not a number", v)
	}
	*s = signed(n)
	return nil
}

// marksOf returns as many question marks as a row has columns.
func marksOf(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
