package backtest

import (
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
)

const (
	// blockRows is how many rows are read at once: 1 MiB.
	blockRows = 16384
	// readAheadBlocks is how many blocks wait to be used.
	readAheadBlocks = 3
)

// block is a run of rows. Blocks of a tape form a list, so that each of its two cursors can walk at its own pace.
type block struct {
	rows []hft.Event
	next *block
	// err ends the tape after rows.
	err error
	// users are the cursors that have not left the block yet.
	users int
	// owned says that rows is memory of the tape, to be used again.
	owned bool
}

// tape is the rows of one asset, read in the background, file by file. Memory is bounded by the distance between the
// two cursors and readAheadBlocks. One goroutine uses the cursors.
type tape struct {
	sources       []Data
	offsetNs      int64
	allowUnsorted bool
	totalRows     int64

	ready chan *block
	free  chan *block
	stop  chan struct{}
	done  sync.WaitGroup

	head *block // an empty one that both cursors begin at
	// passed counts the rows of the blocks that both cursors have left.
	passed atomic.Int64
}

// newTape looks at all sources and starts to read them.
func newTape(sources []Data, offsetNs int64, allowUnsorted bool) (*tape, error) {
	t := &tape{sources: sources, offsetNs: offsetNs, allowUnsorted: allowUnsorted,
		ready: make(chan *block, readAheadBlocks), free: make(chan *block, 2*readAheadBlocks),
		stop: make(chan struct{}), head: &block{users: 2}}
	for _, s := range sources {
		n, err := s.numRows()
		if err != nil {
			return nil, dataError(err)
		}
		t.totalRows += n
	}
	if t.totalRows == 0 {
		return nil, dataError(fmt.Errorf("there are no rows in %s: a file with events is required", names(sources)))
	}
	t.done.Go(t.read)
	return t, nil
}

func names(sources []Data) string {
	text := ""
	for i, s := range sources {
		if i > 0 {
			text += ", "
		}
		text += s.String()
	}
	return text
}

// close stops the reading. The cursors must not be used any more.
func (t *tape) close() {
	close(t.stop)
	t.done.Wait()
}

// read is the background goroutine.
func (t *tape) read() {
	defer close(t.ready)
	check := rowCheck{exchNs: math.MinInt64, localNs: math.MinInt64}
	for _, s := range t.sources {
		if !t.readSource(s, &check) {
			return
		}
	}
}

// readSource reports whether to go on.
func (t *tape) readSource(s Data, check *rowCheck) bool {
	rows, err := s.open()
	if err != nil {
		t.send(&block{err: dataError(err)})
		return false
	}
	defer rows.Close()
	for rowNo := int64(0); ; {
		b := t.newBlock()
		b.rows, b.owned, err = rows.next(b.rows, t.offsetNs != 0)
		if t.offsetNs != 0 {
			shift(b.rows, t.offsetNs)
		}
		if n, rowErr := check.rows(b.rows, t.offsetNs != 0, t.allowUnsorted); rowErr != nil {
			b.rows = b.rows[:n]
			err = fmt.Errorf("%s row %d: %w", s, rowNo+int64(n), rowErr)
		}
		rowNo += int64(len(b.rows))
		over := err == io.EOF
		if err != nil && !over {
			b.err = dataError(err)
		}
		if (len(b.rows) > 0 || b.err != nil) && !t.send(b) || b.err != nil {
			return false
		}
		if over {
			return true
		}
	}
}

// newBlock returns a block, one that was used before if there is one.
func (t *tape) newBlock() *block {
	select {
	case b := <-t.free:
		return b
	default:
		return &block{}
	}
}

func (t *tape) send(b *block) bool {
	b.users = 2
	select {
	case t.ready <- b:
		return true
	case <-t.stop:
		return false
	}
}

// after returns the block behind b, nil at the end.
func (t *tape) after(b *block) *block {
	if b.next == nil {
		b.next = <-t.ready // nil when the channel is closed
	}
	return b.next
}

// leave is called by each cursor when it has left a block for the next one.
func (t *tape) leave(b *block) {
	if b.users--; b.users > 0 {
		return
	}
	t.passed.Add(int64(len(b.rows)))
	if !b.owned {
		return
	}
	*b = block{rows: b.rows[:0]}
	select {
	case t.free <- b:
	default: // a burst has made more blocks than are needed now
	}
}

func shift(rows []hft.Event, offsetNs int64) {
	for i := range rows {
		rows[i].LocalTimestampNs += offsetNs
	}
}

func dataError(err error) error {
	return fmt.Errorf("%w: %w", hft.ErrData, err)
}

// rowCheck finds rows that the engine must not see.
type rowCheck struct{ exchNs, localNs int64 }

// rows returns the number of rows that are good, and what is wrong with the one behind them.
func (c *rowCheck) rows(rows []hft.Event, shifted, allowUnsorted bool) (good int, err error) {
	for i := range rows {
		e := &rows[i]
		if shifted && e.LocalTimestampNs <= e.ExchTimestampNs {
			return i, fmt.Errorf("with the feed latency offset the local time %d is not after the exchange time %d: use a larger offset",
				e.LocalTimestampNs, e.ExchTimestampNs)
		}
		if err := c.jump(e); err != nil {
			return i, err
		}
		if allowUnsorted {
			if e.Ev&hft.ExchEvent != 0 {
				c.exchNs = max(c.exchNs, e.ExchTimestampNs)
			}
			if e.Ev&hft.LocalEvent != 0 {
				c.localNs = max(c.localNs, e.LocalTimestampNs)
			}
			continue
		}
		if e.Ev&hft.ExchEvent != 0 {
			if e.ExchTimestampNs < c.exchNs {
				return i, fmt.Errorf("exchange time %d is before that of an earlier row, %d: sort the rows, `runner convert` does, or allow unsorted rows",
					e.ExchTimestampNs, c.exchNs)
			}
			c.exchNs = e.ExchTimestampNs
		}
		if e.Ev&hft.LocalEvent != 0 {
			if e.LocalTimestampNs < c.localNs {
				return i, fmt.Errorf("local time %d is before that of an earlier row, %d: sort the rows, `runner convert` does, or allow unsorted rows",
					e.LocalTimestampNs, c.localNs)
			}
			c.localNs = e.LocalTimestampNs
		}
	}
	return len(rows), nil
}

// jump says what is wrong with the times of a row that come too long after those of the rows before.
func (c *rowCheck) jump(e *hft.Event) error {
	if c.exchNs != math.MinInt64 && e.Ev&hft.ExchEvent != 0 {
		if err := hft.CheckTimeJump(c.exchNs, e.ExchTimestampNs); err != nil {
			return fmt.Errorf("exchange time: %w", err)
		}
	}
	if c.localNs != math.MinInt64 && e.Ev&hft.LocalEvent != 0 {
		if err := hft.CheckTimeJump(c.localNs, e.LocalTimestampNs); err != nil {
			return fmt.Errorf("local time: %w", err)
		}
	}
	return nil
}
