package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// LatencyRow is one recorded request, 32 bytes as in an order-latency file (OrderLatencyRow): when the bot sent it,
// when the exchange acted on it, and when the bot knew. An ExchTimestampNs of 0 or less says that the exchange refused
// it for technical reasons.
type LatencyRow struct {
	ReqTimestampNs  int64
	ExchTimestampNs int64
	RespTimestampNs int64
	Padding         int64
}

// maxTimestampNs bounds the times of a latency file, so that differences of them are never too large.
const maxTimestampNs int64 = 1 << 62

// interpolatedLatency takes the latency at a time from the recorded ones before and after it (IntpOrderLatency). It
// keeps a cursor for either way, so each Link has its own.
type interpolatedLatency struct {
	entries   []LatencyRow // by request time
	responses []LatencyRow // in Fixed the accepted ones by exchange time, otherwise the same rows as entries
	compat    Compat

	entryRow, responseRow int
}

// NewInterpolatedLatency returns a latency, for one goroutine, from recorded requests in the order in which they were
// sent; the rows of several files simply follow each other. The rows are not changed and must not be while the
// latency is in use. offset is added to each way.
//
// The latency before the first and after the last row is theirs. A request between two rows of which one was refused
// is lost, and the bot learns it after the time that the refusals took. With Fixed, refused rows say nothing about
// responses. The reference takes them into account (Q34), its offset makes a refused row an accepted one of the
// year 1970, whose refusals never arrive (Q35), and its first row is that of the current file (Q33), which makes no
// difference to a caller whose times do not fall.
//
// No rows, a row whose times cannot be or, with Fixed, do not ascend from request to response, and rows that are not
// in order of request are an error.
func NewInterpolatedLatency(rows []LatencyRow, offset time.Duration, compat Compat) (LatencyModel, error) {
	if len(rows) == 0 {
		return nil,
			fmt.Errorf("sim: no order latencies: a file with at least one row, or a constant latency, is required")
	}
	if offset < -time.Hour || offset > time.Hour {
		return nil, fmt.Errorf("sim: order latency offset is %v: must be at most an hour", offset)
	}
	for i := range rows {
		if err := checkLatencyRow(rows, i, int64(offset), compat); err != nil {
			return nil, err
		}
	}
	l := &interpolatedLatency{entries: rows, responses: rows, compat: compat}
	if offset != 0 {
		l.entries = slices.Clone(rows)
		for i := range l.entries {
			r := &l.entries[i]
			if r.ExchTimestampNs > 0 || compat != Fixed {
				r.ExchTimestampNs += int64(offset)
			}
			r.RespTimestampNs += 2 * int64(offset)
		}
		l.responses = l.entries
	}
	if compat == Fixed {
		l.responses = slices.DeleteFunc(slices.Clone(l.entries),
			func(r LatencyRow) bool { return r.ExchTimestampNs <= 0 })
		if len(l.responses) == 0 {
			return nil, fmt.Errorf("sim: every one of %d order latencies is a rejection: rows with the exchange's time are required", len(rows))
		}
		slices.SortStableFunc(l.responses,
			func(a, b LatencyRow) int { return cmp.Compare(a.ExchTimestampNs, b.ExchTimestampNs) })
	}
	return l, nil
}

// checkLatencyRow returns an error unless rows[i] can be used.
func checkLatencyRow(rows []LatencyRow, i int, offsetNs int64, compat Compat) error {
	r := &rows[i]
	for _, at := range [...]int64{r.ReqTimestampNs, r.ExchTimestampNs, r.RespTimestampNs} {
		if at <= -maxTimestampNs || at >= maxTimestampNs {
			return fmt.Errorf("sim: order latency row %d: %d is not a time in nanoseconds", i, at)
		}
	}
	if i > 0 && rows[i-1].ReqTimestampNs > r.ReqTimestampNs {
		return fmt.Errorf("sim: order latency row %d was sent at %d, the row before it at %d: sort the rows by request time, and the files by day",
			i, r.ReqTimestampNs, rows[i-1].ReqTimestampNs)
	}
	if compat != Fixed {
		return nil
	}
	entryNs, responseNs := r.ExchTimestampNs+offsetNs-r.ReqTimestampNs, r.RespTimestampNs+offsetNs-r.ExchTimestampNs
	if r.ExchTimestampNs <= 0 {
		entryNs, responseNs = 0, r.RespTimestampNs+2*offsetNs-r.ReqTimestampNs
	}
	if entryNs < 0 || responseNs < 0 {
		return fmt.Errorf("sim: order latency row %d: sent at %d, exchange %d, response %d with offset %d ns go back in time: correct the clocks, or use a larger offset",
			i, r.ReqTimestampNs, r.ExchTimestampNs, r.RespTimestampNs, offsetNs)
	}
	return nil
}

// interpolate returns the value at x of the line through (x1, y1) and (x2, y2), in the reference's order of evaluation.
func interpolate(x, x1, y1, x2, y2 int64) int64 {
	return int64(float64(y2-y1)/float64(x2-x1)*float64(x-x1)) + y1
}

// EntryNs returns the time to the exchange of a request sent at timestampNs, or minus the time to the notice of its
// loss.
func (l *interpolatedLatency) EntryNs(timestampNs int64, _ *hft.Order) int64 {
	rows := l.entries
	first := &rows[0]
	if timestampNs < first.ReqTimestampNs {
		return l.entryOf(first)
	}
	i := l.entryRow
	if l.compat == Fixed {
		for rows[i].ReqTimestampNs > timestampNs {
			i-- // the caller's time fell
		}
	}
	for i+1 < len(rows) && !(rows[i].ReqTimestampNs <= timestampNs && timestampNs < rows[i+1].ReqTimestampNs) {
		i++
	}
	l.entryRow = i
	r := &rows[i]
	if i+1 == len(rows) {
		return l.entryOf(r)
	}
	next := &rows[i+1]
	if r.ExchTimestampNs > 0 && next.ExchTimestampNs > 0 {
		return interpolate(timestampNs, r.ReqTimestampNs, r.ExchTimestampNs-r.ReqTimestampNs,
			next.ReqTimestampNs, next.ExchTimestampNs-next.ReqTimestampNs)
	}
	noticeNs := interpolate(timestampNs, r.ReqTimestampNs, r.RespTimestampNs-r.ReqTimestampNs,
		next.ReqTimestampNs, next.RespTimestampNs-next.ReqTimestampNs)
	if l.compat == Fixed {
		noticeNs = max(noticeNs, 1) // 0 would be an accepted request
	}
	return -noticeNs
}

// entryOf returns what a single row says of the way to the exchange.
func (l *interpolatedLatency) entryOf(r *LatencyRow) int64 {
	if r.ExchTimestampNs <= 0 && l.compat == Fixed {
		return -max(r.RespTimestampNs-r.ReqTimestampNs, 1)
	}
	return r.ExchTimestampNs - r.ReqTimestampNs
}

// ResponseNs returns the time to the bot of what the exchange did at timestampNs.
func (l *interpolatedLatency) ResponseNs(timestampNs int64, _ *hft.Order) int64 {
	rows := l.responses
	first := &rows[0]
	if timestampNs < first.ExchTimestampNs {
		return max(first.RespTimestampNs-first.ExchTimestampNs, 0)
	}
	i := l.responseRow
	if l.compat == Fixed {
		for rows[i].ExchTimestampNs > timestampNs {
			i--
		}
	}
	for i+1 < len(rows) && !(rows[i].ExchTimestampNs <= timestampNs && timestampNs < rows[i+1].ExchTimestampNs) {
		i++
	}
	l.responseRow = i
	r := &rows[i]
	latencyNs := r.RespTimestampNs - r.ExchTimestampNs
	if i+1 < len(rows) {
		next := &rows[i+1]
		latencyNs = interpolate(timestampNs, r.ExchTimestampNs, latencyNs, next.ExchTimestampNs,
			next.RespTimestampNs-next.ExchTimestampNs)
	}
	return max(latencyNs, 0)
}
