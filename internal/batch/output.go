package batch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Names of a job's files.
const (
	jobFile     = "job.json"
	recordsFile = "records.npz"
	logFile     = "plugin.log"
	errorFile   = "error.txt"
	spoolFile   = "records.tmp"
)

// output writes what a running job tells into its directory.
type output struct {
	dir      string
	numAsset int
	orders   *rowfile.Table[backtest.OrderRow]
	fills    *rowfile.Table[backtest.FillRow]
	log      *os.File
	// spool has the records of all assets as they came: an archive needs to know how many there are before the first.
	spool   *os.File
	writer  *bufio.Writer
	records []int64
	result  *backtest.Result
	onStep  func(backtest.Progress)
}

// createOutput begins a job's directory again.
func createOutput(dir string, job *Job, onStep func(backtest.Progress)) (o *output, err error) {
	if err := errors.Join(os.MkdirAll(dir, 0o755), removeFiles(dir)); err != nil {
		return nil, fmt.Errorf("create the job's directory: %w", err)
	}
	o = &output{dir: dir, numAsset: len(job.Spec.Assets), records: make([]int64, len(job.Spec.Assets)), onStep: onStep}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.discard())
		}
	}()
	if o.orders, err = rowfile.CreateOrders(dir); err != nil {
		return nil, err
	}
	if o.fills, err = rowfile.CreateFills(dir, job.Symbols()); err != nil {
		return nil, err
	}
	if o.log, err = os.Create(filepath.Join(dir, logFile)); err != nil {
		return nil, fmt.Errorf("create the plugin's log: %w", err)
	}
	if o.spool, err = os.Create(filepath.Join(dir, spoolFile)); err != nil {
		return nil, fmt.Errorf("create a file for records: %w", err)
	}
	o.writer = bufio.NewWriterSize(o.spool, 256<<10)
	return o, nil
}

// take writes one update of the strategy's process, which is trusted no more than any other input.
func (o *output) take(u control.BacktestUpdate) error {
	if len(u.Orders) > 0 {
		rows, err := backtest.DecodeRows[backtest.OrderRow](u.Orders)
		if err := errors.Join(err, o.orders.Write(rows)); err != nil {
			return err
		}
	}
	if len(u.Fills) > 0 {
		rows, err := backtest.DecodeRows[backtest.FillRow](u.Fills)
		if err := errors.Join(err, o.fills.Write(rows)); err != nil {
			return err
		}
	}
	if len(u.Records) > 0 {
		if err := o.spoolRecords(u.Records); err != nil {
			return err
		}
	}
	if len(u.Progress) > 0 {
		var p backtest.Progress
		if err := json.Unmarshal(u.Progress, &p); err != nil {
			return fmt.Errorf("the plugin's progress: %w", err)
		}
		o.onStep(p)
	}
	if len(u.Result) > 0 {
		o.result = &backtest.Result{}
		if err := json.Unmarshal(u.Result, o.result); err != nil {
			return fmt.Errorf("the plugin's result: %w", err)
		}
	}
	return nil
}

func (o *output) spoolRecords(data []byte) error {
	rows, err := backtest.DecodeRows[backtest.RecordRow](data)
	if err != nil {
		return err
	}
	for i := range rows {
		n := rows[i].AssetNo
		if n < 0 || n >= int64(o.numAsset) {
			return fmt.Errorf("the plugin's records: there is no asset %d", n)
		}
		o.records[n]++
	}
	if _, err := o.writer.Write(data); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return nil
}

// finish completes all files but job.json.
func (o *output) finish() error {
	err := errors.Join(o.orders.Close(), o.fills.Close(), o.log.Close())
	if err != nil {
		return err
	}
	if err := o.archive(); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(o.dir, logFile)); err == nil && info.Size() == 0 {
		return os.Remove(filepath.Join(o.dir, logFile)) // nothing was said
	}
	return nil
}

// archive makes records.npz of the spool: for each asset, its rows.
func (o *output) archive() (err error) {
	if err := o.writer.Flush(); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	w, err := npy.CreateArchive[backtest.Record](filepath.Join(o.dir, recordsFile), npy.RecordDtype())
	if err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	defer func() { err = errors.Join(err, w.Discard()) }()
	for n := range o.numAsset {
		if err := w.Member(strconv.Itoa(n)+".npy", o.records[n]); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
		if err := o.copyRecords(w, int64(n)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return errors.Join(o.spool.Close(), os.Remove(o.spool.Name()))
}

// spoolChunk is the number of records read back at a time.
const spoolChunk = 4096

func (o *output) copyRecords(w *npy.ArchiveWriter[backtest.Record], asset int64) error {
	if _, err := o.spool.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read records back: %w", err)
	}
	size := len(backtest.AppendRows(nil, make([]backtest.RecordRow, 1)))
	chunk := make([]byte, spoolChunk*size)
	picked := make([]backtest.Record, 0, spoolChunk)
	for {
		n, err := io.ReadFull(o.spool, chunk)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("read records back: %w", err)
		}
		rows, err := backtest.DecodeRows[backtest.RecordRow](chunk[:n])
		if err != nil {
			return err
		}
		picked = picked[:0]
		for i := range rows {
			if rows[i].AssetNo == asset {
				picked = append(picked, rows[i].Record)
			}
		}
		if err := w.Write(picked); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
}

// discard closes everything and removes the directory.
func (o *output) discard() error {
	var err error
	if o.orders != nil {
		err = errors.Join(err, ignoreClosed(o.orders.Discard()))
	}
	if o.fills != nil {
		err = errors.Join(err, ignoreClosed(o.fills.Discard()))
	}
	for _, f := range []*os.File{o.log, o.spool} {
		if f != nil {
			err = errors.Join(err, ignoreClosed(f.Close()))
		}
	}
	err = errors.Join(err, removeFiles(o.dir))
	_ = os.Remove(o.dir) // it may have directories of other jobs in it
	return err
}

// removeFiles removes what a job writes. The directory may hold other jobs' directories, which stay.
func removeFiles(dir string) error {
	var err error
	for _, name := range []string{jobFile, recordsFile, logFile, errorFile, spoolFile, "orders.csv", "orders.parquet", "fills.csv", "fills.parquet"} {
		err = errors.Join(err, ignoreClosed(os.Remove(filepath.Join(dir, name))))
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
