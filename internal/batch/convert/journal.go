package convert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hftrunner/hftrunner/internal/recording"
)

// JournalSummary is the result of JournalLatencies.
type JournalSummary struct {
	// NumRows were written, Rejected of them with an ExchTimestampNs of 0. SkippedLines could not be used; DamagedFiles
	// could not be read to their end.
	NumRows, Rejected, SkippedLines, DamagedFiles int64
}

// JournalLatencies makes a file of order latencies, out.npz or out.npy, from journals of a live run: one JSON object a
// line, plain or gzip, with the times in nanoseconds req_ts, exch_ts, 0 for a request that was rejected, and resp_ts.
// Other fields are ignored. The rows are sorted by the time of the request.
//
// A line in which the response comes before the exchange or the exchange before the request is reported to onProblem,
// which may be nil, and skipped, like one that is no such object. Journals without a usable line are an error.
func JournalLatencies(ctx context.Context, files []string, out string, onProblem func(recording.Problem)) (JournalSummary, error) {
	var s JournalSummary
	var first error
	r, err := recording.Open(recording.Config{Files: files, OnProblem: func(p recording.Problem) error {
		if first == nil {
			first = p
		}
		if p.Kind == recording.Damaged {
			s.DamagedFiles++
		} else {
			s.SkippedLines++
		}
		if onProblem != nil {
			onProblem(p)
		}
		return nil
	}})
	if err != nil {
		return s, fmt.Errorf("convert: %w", err)
	}
	defer r.Close() // never fails
	var rows []Latency
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return s, fmt.Errorf("convert: %w", ctx.Err())
		}
		line, err := r.NextLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, fmt.Errorf("convert: %w", err)
		}
		row, err := journalRow(line)
		if err != nil {
			if err := r.Report(recording.BadLine, err.Error(), err); err != nil {
				return s, fmt.Errorf("convert: %w", err)
			}
			continue
		}
		if row.ExchTimestampNs == 0 {
			s.Rejected++
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		err := fmt.Errorf("convert: there is no line with latencies in %q", files)
		if first != nil {
			err = fmt.Errorf("%w (the first problem: %w)", err, first)
		}
		return s, fmt.Errorf("%w; must be journals of JSON lines with req_ts, exch_ts and resp_ts", err)
	}
	s.NumRows = int64(len(rows))
	return s, MeasuredLatencies(rows, out)
}

// MeasuredLatencies makes a file of order latencies, out.npz or out.npy, from measured ones, which it sorts by the time
// of the request.
func MeasuredLatencies(rows []Latency, out string) error {
	slices.SortStableFunc(rows, func(a, b Latency) int { return cmp.Compare(a.ReqTimestampNs, b.ReqTimestampNs) })
	return writeLatencies(out, rows)
}

// journalRow reads one line of a journal.
func journalRow(line []byte) (Latency, error) {
	var times struct {
		Req  *int64 `json:"req_ts"`
		Exch *int64 `json:"exch_ts"`
		Resp *int64 `json:"resp_ts"`
	}
	if err := json.Unmarshal(line, &times); err != nil {
		return Latency{}, fmt.Errorf("the line is not a JSON object with times in nanoseconds: %w", err)
	}
	if times.Req == nil || times.Exch == nil || times.Resp == nil {
		return Latency{}, errors.New("the line lacks req_ts, exch_ts or resp_ts")
	}
	row := Latency{ReqTimestampNs: *times.Req, ExchTimestampNs: *times.Exch, RespTimestampNs: *times.Resp}
	return row, row.Check()
}

// Check returns why no backtest can use the latency. An ExchTimestampNs of 0 is that of a request that was rejected.
func (row *Latency) Check() error {
	switch {
	case row.ReqTimestampNs <= 0 || row.ExchTimestampNs < 0:
		return fmt.Errorf("req_ts is %d and exch_ts %d; times are after 1970", row.ReqTimestampNs, row.ExchTimestampNs)
	case row.RespTimestampNs < row.ReqTimestampNs:
		return fmt.Errorf("the response is %d ns before the request", row.ReqTimestampNs-row.RespTimestampNs)
	case row.ExchTimestampNs == 0:
	case row.ExchTimestampNs < row.ReqTimestampNs:
		return fmt.Errorf("the exchange is %d ns before the request: the clocks differ",
			row.ReqTimestampNs-row.ExchTimestampNs)
	case row.RespTimestampNs < row.ExchTimestampNs:
		return fmt.Errorf("the response is %d ns before the exchange: the clocks differ",
			row.ExchTimestampNs-row.RespTimestampNs)
	}
	return nil
}
