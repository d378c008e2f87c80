package pluginapi

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/control"
)

const (
	// batchBytes is where the engine waits for its rows to be taken, wakeBytes where the sender is told that it is
	// worth taking them. In between the engine goes on while the sender is on its way.
	batchBytes = 1 << 20
	wakeBytes  = batchBytes / 2
	// progressInterval is how often something is sent in any case.
	progressInterval = 200 * time.Millisecond
)

// rowBatch is the rows of one update.
type rowBatch struct {
	records []backtest.RecordRow
	orders  []backtest.OrderRow
	fills   []backtest.FillRow
	// bytes is the size of all of them when packed.
	bytes int
}

func (b *rowBatch) reset() {
	b.records, b.orders, b.fills, b.bytes = b.records[:0], b.orders[:0], b.fills[:0], 0
}

// rowSender takes the rows of one backtest from the engine's goroutine and passes them on from one of its own, with the
// progress. Two batches take turns: one is filled while the other is sent. No row is lost: when one is full and the
// other not sent yet the engine waits. When sending has failed the engine is interrupted and further rows are dropped.
//
// OnRecord, OnOrder and OnFill are the engine's. start, then finish, are called by whoever runs it.
type rowSender struct {
	update                             func(control.BacktestUpdate) error
	recordBytes, orderBytes, fillBytes int

	// mu guards filling and err; taken is signalled when either has changed in favour of who waits.
	mu      sync.Mutex
	taken   sync.Cond
	filling *rowBatch
	err     error

	wake chan struct{} // of capacity 1
	quit chan struct{}
	done chan struct{}

	// engine, sending and packed belong to the sending goroutine; after done to who calls finish.
	engine  engine
	sending *rowBatch
	packed  struct{ records, orders, fills []byte }
}

func newRowSender(update func(control.BacktestUpdate) error) *rowSender {
	s := &rowSender{
		update:      update,
		recordBytes: binary.Size(backtest.RecordRow{}),
		orderBytes:  binary.Size(backtest.OrderRow{}),
		fillBytes:   binary.Size(backtest.FillRow{}),
		filling:     &rowBatch{}, sending: &rowBatch{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.taken.L = &s.mu
	return s
}

// OnRecord takes a copy of a sample.
func (s *rowSender) OnRecord(row *backtest.RecordRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserve(s.recordBytes) {
		s.filling.records = append(s.filling.records, *row)
	}
}

// OnOrder takes a copy of a line of the order log.
func (s *rowSender) OnOrder(row *backtest.OrderRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserve(s.orderBytes) {
		s.filling.orders = append(s.filling.orders, *row)
	}
}

// OnFill takes a copy of an execution.
func (s *rowSender) OnFill(row *backtest.FillRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserve(s.fillBytes) {
		s.filling.fills = append(s.filling.fills, *row)
	}
}

// reserve waits for room in the batch and reports whether rows are still taken.
func (s *rowSender) reserve(bytes int) bool {
	for s.err == nil && s.filling.bytes+bytes > batchBytes {
		s.taken.Wait()
	}
	s.filling.bytes += bytes
	if s.filling.bytes >= wakeBytes {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return s.err == nil
}

// start begins to send what e produces.
func (s *rowSender) start(e engine) {
	s.engine = e
	go s.run()
}

func (s *rowSender) run() {
	defer close(s.done)
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for quit := false; !quit; {
		select {
		case <-s.wake:
		case <-ticker.C:
		case <-s.quit:
			quit = true
		}
		if err := s.send(nil); err != nil {
			s.fail(err)
			return
		}
	}
}

// fail makes an end of a backtest whose rows nobody takes.
func (s *rowSender) fail(err error) {
	s.mu.Lock()
	s.err = err
	s.taken.Signal()
	s.mu.Unlock()
	s.engine.Interrupt()
}

// send sends what there is.
func (s *rowSender) send(result json.RawMessage) error {
	s.mu.Lock()
	s.filling, s.sending = s.sending, s.filling
	s.taken.Signal()
	s.mu.Unlock()
	progress, err := json.Marshal(s.engine.Progress())
	if err != nil {
		return fmt.Errorf("encode the progress: %w", err)
	}
	b, p := s.sending, &s.packed
	p.records = backtest.AppendRows(p.records[:0], b.records)
	p.orders = backtest.AppendRows(p.orders[:0], b.orders)
	p.fills = backtest.AppendRows(p.fills[:0], b.fills)
	b.reset()
	return s.update(control.BacktestUpdate{Progress: progress, Result: result, Records: p.records, Orders: p.orders,
		Fills: p.fills})
}

// finish sends what is left, and the result. The engine produces nothing any more.
func (s *rowSender) finish(result backtest.Result) error {
	close(s.quit)
	<-s.done
	if s.err != nil {
		return s.err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return s.send(text)
}
