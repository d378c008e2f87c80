package backtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// LastBook is the book at the end of event files, for another backtest to begin with.
type LastBook struct {
	// Rows are what AssetBuilder.InitialSnapshot takes, as hftbacktest's create_last_snapshot has them: bids from the
	// best on, then asks, with times 0.
	Rows []hft.Event
	// NumBids and NumAsks are the rows of each side.
	NumBids, NumAsks int
	// LastLocalTimestampNs is the time of the last row of the files that a bot would get.
	LastLocalTimestampNs int64
	// NumHidden are levels that the files have, and that a book of a backtest does not show any more after the other
	// side had crossed them. They are not in Rows.
	NumHidden int
	// Changes says that the files have changes of levels only, and that there was no snapshot before them: levels that
	// did not change are missing.
	Changes bool
}

// LastBookOptions are what ReadLastBook needs. All but Initial and Progress are required.
type LastBookOptions struct {
	// Data are read one after the other.
	Data []Data
	// Initial is what the book begins with, nil for nothing.
	Initial           Data
	TickSize, LotSize float64
	// Progress is called every few thousand rows; nil for never.
	Progress func(rows, total int64)
}

// ReadLastBook applies the rows that a bot would get to a book and returns what it is at the end. A book that is empty
// or crossed then is an error (hft.ErrData), and so is data by order.
func ReadLastBook(ctx context.Context, o LastBookOptions) (LastBook, error) {
	if len(o.Data) == 0 {
		return LastBook{}, incomplete("no data: files or rows are required")
	}
	shown, err := depth.New("window", o.TickSize, o.LotSize, 0, 0)
	if err != nil {
		return LastBook{}, err
	}
	all := depth.NewBTreeMarketDepth(o.TickSize, o.LotSize) // crossed, if the rows are
	r := lastBookReader{books: []depth.L2MarketDepth{shown, all}, progress: o.Progress}
	r.last.Changes = o.Initial == nil
	if o.Initial != nil {
		if err := r.begin(o.Initial); err != nil {
			return LastBook{}, err
		}
	}
	if err := r.read(ctx, o.Data); err != nil {
		return LastBook{}, err
	}
	levels := all.Snapshot(nil)
	if err := checkLevels(levels); err != nil {
		return LastBook{}, dataError(fmt.Errorf("at the end of %s %w", o.Data[len(o.Data)-1], err))
	}
	r.last.Rows = shown.Snapshot(nil)
	r.last.NumHidden = len(levels) - len(r.last.Rows)
	bids, asks := sides(r.last.Rows)
	r.last.NumBids, r.last.NumAsks = len(bids), len(asks)
	return r.last, nil
}

// lastBookReader applies rows to books.
type lastBookReader struct {
	books    []depth.L2MarketDepth
	last     LastBook
	progress func(rows, total int64)
}

func (r *lastBookReader) begin(initial Data) error {
	rows, err := readAll(initial)
	if err != nil {
		return dataError(fmt.Errorf("initial snapshot: %w", err))
	}
	for i := range rows {
		if k := rows[i].Kind(); k != hft.DepthSnapshotEvent && k != hft.DepthEvent {
			return dataError(fmt.Errorf("initial snapshot: %s row %d is of kind %d, not a book level: must be a file of `runner snapshot`, not of events", initial, i, k))
		}
	}
	for _, b := range r.books {
		b.ApplySnapshot(rows)
	}
	return nil
}

// read walks over the blocks of the data in the place of both cursors of a backtest.
func (r *lastBookReader) read(ctx context.Context, data []Data) error {
	t, err := newTape(data, 0, false)
	if err != nil {
		return err
	}
	defer t.close()
	rows := int64(0)
	for b := t.head; b != nil; {
		if err := errors.Join(ctx.Err(), b.err); err != nil {
			return err
		}
		for i := range b.rows {
			if err := r.apply(&b.rows[i]); err != nil {
				return dataError(fmt.Errorf("row %d: %w", rows+int64(i), err))
			}
		}
		rows += int64(len(b.rows))
		if r.progress != nil {
			r.progress(rows, t.totalRows)
		}
		next := t.after(b)
		t.leave(b)
		t.leave(b)
		b = next
	}
	return nil
}

func (r *lastBookReader) apply(e *hft.Event) error {
	if e.Ev&hft.LocalEvent == 0 {
		return nil
	}
	switch e.Kind() {
	case hft.AddOrderEvent, hft.CancelOrderEvent, hft.ModifyOrderEvent, hft.FillEvent:
		return errors.New("this is data by order, which a backtest cannot start from a snapshot: the data must start with the orders of the book")
	case hft.DepthClearEvent, hft.DepthSnapshotEvent:
		r.last.Changes = false
	}
	r.last.LastLocalTimestampNs = e.LocalTimestampNs
	for _, b := range r.books {
		depth.Apply(b, e)
	}
	return nil
}

// sides parts the rows of a snapshot.
func sides(rows []hft.Event) (bids, asks []hft.Event) {
	n := 0
	for n < len(rows) && rows[n].Side() == hft.Buy {
		n++
	}
	return rows[:n], rows[n:]
}

// checkLevels says what is wrong with a book that another day would begin with.
func checkLevels(rows []hft.Event) error {
	bids, asks := sides(rows)
	if len(rows) == 0 {
		return errors.New("the book is empty: it has no rows, or it was lost and no matching snapshot followed")
	}
	if len(bids) == 0 || len(asks) == 0 || bids[0].Px < asks[0].Px {
		return nil
	}
	bidsUpTo, asksUpTo := 0, 0
	for bidsUpTo < len(bids) && bids[bidsUpTo].Px >= asks[0].Px {
		bidsUpTo++
	}
	for asksUpTo < len(asks) && asks[asksUpTo].Px <= bids[0].Px {
		asksUpTo++
	}
	return fmt.Errorf("the book is crossed: bids of %s and asks of %s; a deletion is missing in the data: convert the recording again without --natural, or end the data before that",
		levelsText(bids[:bidsUpTo]), levelsText(asks[:asksUpTo]))
}

// maxLevelsTold is how many levels of a side an error names.
const maxLevelsTold = 5

func levelsText(rows []hft.Event) string {
	var parts []string
	for i := range rows[:min(len(rows), maxLevelsTold)] {
		parts = append(parts, fmt.Sprintf("%.12g (%.12g)", rows[i].Px, rows[i].Qty))
	}
	text := strings.Join(parts, ", ")
	if n := len(rows) - maxLevelsTold; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// Write writes the rows to an event file, .npz or .npy.
func (l *LastBook) Write(path string) (err error) {
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(l.Rows)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Discard()) }()
	if err := w.Write(l.Rows); err != nil {
		return err
	}
	return w.Close()
}
