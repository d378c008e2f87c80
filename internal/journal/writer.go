package journal

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DirName is the name of the journal's directory in a state directory.
const DirName = "journal"

// Config configures a Writer.
type Config struct {
	// Dir is the journal's directory; it is created.
	Dir string
	// NowNs is the host's clock.
	NowNs func() int64
	// Keep is the retention time of records that are not about money, by the host's clock; 0 is forever.
	Keep time.Duration
	// BeforeRemove is called before segments are removed, which are there until it returns. With an error they stay, at
	// most for twice the time of Keep; ctx ends with the Writer. nil does nothing.
	BeforeRemove func(ctx context.Context) error
	// Notify takes what an operator has to know. It is called by goroutines of the Writer, without a lock; nil drops it.
	Notify func(Notice)
	// RingBytes (a power of two) and SegmentBytes are sizes, 0 for the defaults.
	RingBytes, SegmentBytes int

	create     func(path string, bytes int64) (File, error) // of tests, as are all that follow
	syncFolder func(dir string) error
	ringPaths  []string
	syncEvery  time.Duration
}

// Notice is something that has happened to the journal.
type Notice struct {
	Text string
	// Err is nil when all is well again.
	Err error
}

// Errors of a Writer.
var (
	// ErrFull: the ring has no room, because the disk does not take what is in it.
	ErrFull = errors.New("journal: the disk has not accepted the pending records, and memory for them is full")
	// ErrLate: the same, but the record is of those that say what strategies have: it stays with this process and is
	// appended before any other when there is room.
	ErrLate = fmt.Errorf("%w; this record is appended later", ErrFull)
	// ErrClosed: the Writer was closed.
	ErrClosed = errors.New("journal: closed")
	// ErrInUse: another process writes the journal.
	ErrInUse = errors.New("another process writes this journal: each runner needs its own state_dir")
)

// SyncEvery is the interval at which appended records are made durable.
const SyncEvery = 10 * time.Millisecond

// Writer writes a journal. Open makes one.
type Writer struct {
	cfg   Config
	id    uint64
	table parser
	lock  *os.File
	ring  *ring

	mu       sync.Mutex // guards what follows, and the ring's head
	sequence uint64     // of the last record appended
	lost     Lost
	lostOwed bool // what is counted there should have stayed
	owed     []Group
	owedSize int
	closed   bool
	scratch  []byte
	numbers  map[[2]string]uint32 // of instruments
	named    map[uint32]Instrument
	newest   uint32 // number

	head, tail atomic.Uint64 // as in the ring
	size       uint64
	failure    atomic.Pointer[error]
	full       atomic.Bool // told

	kick    chan struct{}
	stop    chan struct{}
	drained sync.WaitGroup
	disk    disk
}

// Open makes the Writer of a directory: it takes the directory for itself, puts a torn tail aside, writes what the
// ring of a killed process still has, and begins a new segment. What it found is in the Recovery.
func Open(cfg Config) (*Writer, *Recovery, error) {
	cfg.RingBytes = cmp.Or(cfg.RingBytes, DefaultRingBytes)
	cfg.SegmentBytes = cmp.Or(cfg.SegmentBytes, DefaultSegmentBytes)
	cfg.syncEvery = cmp.Or(cfg.syncEvery, SyncEvery)
	if cfg.create == nil {
		cfg.create = create
	}
	if cfg.syncFolder == nil {
		cfg.syncFolder = syncFolder
	}
	if cfg.Notify == nil {
		cfg.Notify = func(Notice) {}
	}
	if cfg.NowNs == nil {
		return nil, nil, errors.New("journal: NowNs must be set")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return nil, nil, err
	}
	w := &Writer{cfg: cfg, lock: lock, kick: make(chan struct{}, 1), stop: make(chan struct{}), scratch: make([]byte, maxRecord),
		numbers: make(map[[2]string]uint32), named: make(map[uint32]Instrument), size: uint64(cfg.RingBytes)}
	recovery, err := w.recover()
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	w.drained.Add(1)
	go w.run()
	return w, recovery, nil
}

// lockFolder takes a directory for this process; the lock goes with the file, however the process ends.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("journal: %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// newID returns the id of a new journal.
func newID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return max(binary.NativeEndian.Uint64(b[:]), 1)
}

// Append appends a record: what the head says, with a body, or *None, and texts as the kind's comment says. When it returns nil
// the record outlives this process. It is for any goroutine; the caller's locks decide which record comes first.
func Append[B Body](w *Writer, h *Head, body *B, texts ...string) error {
	return w.append(h, bytesOf(body), texts)
}

func (w *Writer) append(h *Head, body []byte, texts []string) error {
	for i := range texts {
		if len(texts[i]) > maxTextBytes {
			texts[i] = texts[i][:maxTextBytes]
		}
	}
	n := sizeOf(len(body), texts)
	if n > maxRecord {
		return errorTooLong(h.Kind, n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if !w.room(padded(n)) {
		if staysOwed(h.Kind) {
			return w.owe(Group{[]grouped{{*h, slices.Clone(body), slices.Clone(texts)}}}, padded(n))
		}
		w.lose(h.TimeNs, 1)
		return ErrFull
	}
	w.publish(w.place(w.head.Load(), n, h, body, texts))
	return nil
}

// lose counts records that there is no room for. The lock is held.
func (w *Writer) lose(timeNs int64, n uint64) {
	if w.lost.Count == 0 {
		w.lost.FromNs = timeNs
	}
	w.lost.Count += n
	w.lost.ToNs = timeNs
	w.wake()
}

// place puts a record that has room into the ring behind a head, and returns the head behind it. The lock is held.
func (w *Writer) place(head uint64, n int, h *Head, body []byte, texts []string) uint64 {
	w.sequence++
	size := padded(n)
	at := head & (w.size - 1)
	if left := w.size - at; left >= uint64(size) {
		w.table.put(w.ring.data[at:at+uint64(size)], n, w.sequence, h, body, texts)
	} else {
		w.table.put(w.scratch[:size], n, w.sequence, h, body, texts)
		copy(w.ring.data[at:], w.scratch[:left])
		copy(w.ring.data, w.scratch[left:size])
	}
	return head + uint64(size)
}

// publish makes what was placed a part of the journal. The lock is held.
func (w *Writer) publish(head uint64) {
	atomic.StoreUint64(&w.ring.header.head, head) // a killed process leaves whole records before it
	w.head.Store(head)
	if head-w.tail.Load() > w.size/2 {
		w.wake()
	}
}

// tellLost appends how many records were lost, if there is room for that and for n bytes more. The lock is held.
func (w *Writer) tellLost(n int) bool {
	var texts []string
	if w.lostOwed {
		texts = []string{lostOwed}
	}
	own := sizeOf(lostBytes, texts)
	if w.free() < uint64(padded(own)+n) {
		return false
	}
	w.publish(w.place(w.head.Load(), own, &Head{Kind: KindLost, TimeNs: w.lost.ToNs}, bytesOf(&w.lost), texts))
	w.lost, w.lostOwed = Lost{}, false
	return true
}

func (w *Writer) free() uint64 { return w.size - (w.head.Load() - w.tail.Load()) }

// wake lets the goroutine look now.
func (w *Writer) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// Err returns why nothing that makes risk should be begun: what is appended can not be written, or an eighth of the room in memory
// is all that is left, which is for the ends of what has begun. It is nil when all is well, and cheap.
func (w *Writer) Err() error {
	if f := w.failure.Load(); f != nil {
		return *f
	}
	if w.free() < w.size/8 {
		return ErrFull
	}
	return nil
}

// Instrument returns the number of an instrument, and appends it when it is new or has other steps.
func (w *Writer) Instrument(connector, symbol string, tickSize, lotSize float64) (uint32, error) {
	key, steps := [2]string{connector, symbol}, Instrument{tickSize, lotSize}
	w.mu.Lock()
	number := w.numbers[key]
	known := number != 0 && w.named[number] == steps
	if number == 0 {
		w.newest++
		number = w.newest
		w.numbers[key] = number
	}
	w.named[number] = steps
	w.mu.Unlock()
	if known {
		return number, nil
	}
	err := Append(w, &Head{Kind: KindInstrument, TimeNs: w.cfg.NowNs(), Instrument: number}, &steps, connector, symbol)
	if err != nil { // it is to be named again
		w.mu.Lock()
		delete(w.named, number)
		w.mu.Unlock()
	}
	return number, err
}

// Sync returns when all that was appended before is durable, or with the reason why it is not.
func (w *Writer) Sync() error {
	var target uint64
	for known := false; ; time.Sleep(100 * time.Microsecond) {
		w.mu.Lock()
		if closed := w.closed; !known && len(w.owed) == 0 {
			target, known = w.head.Load(), true
		} else if closed {
			w.mu.Unlock()
			return ErrClosed
		}
		w.mu.Unlock()
		if known && w.tail.Load() >= target {
			return nil
		}
		if f := w.failure.Load(); f != nil {
			return *f
		}
		w.wake()
	}
}

// Sequence returns the sequence of the newest record.
func (w *Writer) Sequence() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sequence
}

// Close writes what was appended and ends the Writer. The error says why something is not on the disk; then the ring stays, and
// the next Open tries again.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.room(0)
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	w.drained.Wait()
	err := w.disk.end(w)
	return errors.Join(err, w.ring.close(err == nil), w.lock.Close())
}
