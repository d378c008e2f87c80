package thirdparty

import (
	"database/sql"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// BenchmarkAppend hands over one record of 216 bytes, and the disk gets all of them every ten milliseconds; where a library has no
// such setting, with a sync or a commit by the benchmark at that pace, which is part of the time. ns/op is what the disk lets
// through; p50 and p99.9 are what the caller waits.
func BenchmarkAppend(b *testing.B) {
	body := make([]byte, 216)
	b.Run("journal", func(b *testing.B) {
		w, _, err := journal.Open(journal.Config{Dir: b.TempDir(), NowNs: func() int64 { return 1 }, RingBytes: 64 << 20})
		must(b, err)
		defer func() { _ = w.Close() }()
		h := &journal.Head{Kind: journal.KindExecution, Bot: 1, Instrument: 1}
		e := &journal.Execution{Order: hft.NewOrder(1, 100, 0.1, 1, hft.Buy, hft.Limit, hft.GTC)}
		e.Order.Status = hft.StatusFilled
		var took times
		for b.Loop() {
			for w.Err() != nil {
				_ = w.Sync()
			}
			from := time.Now()
			must(b, journal.Append(w, h, e))
			took.add(from)
		}
		took.report(b)
	})
	b.Run("tidwall-wal", func(b *testing.B) {
		l, err := wal.Open(b.TempDir(), &wal.Options{NoSync: true, NoCopy: true})
		must(b, err)
		defer func() { _ = l.Close() }()
		due := newPace()
		var took times
		for i := uint64(1); b.Loop(); i++ {
			from := time.Now()
			must(b, l.Write(i, body))
			if due.now() {
				must(b, l.Sync())
			}
			took.add(from)
		}
		took.report(b)
	})
	b.Run("bbolt", func(b *testing.B) {
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "db"), 0o600, nil)
		must(b, err)
		defer func() { _ = db.Close() }()
		begin := func() (*bbolt.Tx, *bbolt.Bucket) {
			tx, err := db.Begin(true)
			must(b, err)
			bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
			must(b, err)
			return tx, bucket
		}
		tx, bucket := begin()
		due := newPace()
		var key [8]byte
		var took times
		for i := uint64(1); b.Loop(); i++ {
			from := time.Now()
			binary.BigEndian.PutUint64(key[:], i)
			must(b, bucket.Put(key[:], body))
			if due.now() {
				must(b, tx.Commit())
				tx, bucket = begin()
			}
			took.add(from)
		}
		took.report(b)
		must(b, tx.Commit())
	})
	b.Run("sqlite", func(b *testing.B) {
		db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
		must(b, err)
		defer func() { _ = db.Close() }()
		_, err = db.Exec("CREATE TABLE records (sequence INTEGER PRIMARY KEY, body BLOB)")
		must(b, err)
		begin := func() (*sql.Tx, *sql.Stmt) {
			tx, err := db.Begin()
			must(b, err)
			insert, err := tx.Prepare("INSERT INTO records (body) VALUES (?)")
			must(b, err)
			return tx, insert
		}
		tx, insert := begin()
		due := newPace()
		var took times
		for b.Loop() {
			from := time.Now()
			_, err := insert.Exec(body)
			must(b, err)
			if due.now() {
				must(b, tx.Commit())
				tx, insert = begin()
			}
			took.add(from)
		}
		took.report(b)
		must(b, tx.Commit())
	})
}

// times are the durations of the calls.
type times []int64

func (t *times) add(from time.Time) { *t = append(*t, int64(time.Since(from))) }

func (t times) report(b *testing.B) {
	b.ReportAllocs()
	slices.Sort(t)
	b.ReportMetric(float64(t[len(t)/2]), "p50-ns")
	b.ReportMetric(float64(t[len(t)*999/1000]), "p99.9-ns")
}

// pace tells every ten milliseconds.
type pace struct{ last time.Time }

func newPace() *pace { return &pace{time.Now()} }

func (p *pace) now() bool {
	if time.Since(p.last) < journal.SyncEvery {
		return false
	}
	p.last = time.Now()
	return true
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}
