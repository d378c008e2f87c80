package sim

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// LatencyModel says how long requests and responses travel. A model may keep a cursor over recorded latencies, so each
// direction of a Link has its own. Times given to one method never fall.
type LatencyModel interface {
	// EntryNs returns the nanoseconds from a bot's request, sent at timestampNs, to the exchange. A negative one says
	// that the request gets lost and the bot learns it after that many nanoseconds.
	EntryNs(timestampNs int64, o *hft.Order) int64
	// ResponseNs returns the nanoseconds from the exchange, which acted at timestampNs, to the bot; never negative.
	// Here o.Req is the request that is answered, StatusNone when a resting order executed (Report.Answers).
	ResponseNs(timestampNs int64, o *hft.Order) int64
}

// PerRequestLatency has a latency model for each kind of request, as venues queue them differently. All three are
// required; they may be the same value unless they keep a cursor.
type PerRequestLatency struct {
	// New also brings the reports of executions that no request caused.
	New, Modify, Cancel LatencyModel
}

var _ LatencyModel = PerRequestLatency{}

// EntryNs asks the model of the request.
func (p PerRequestLatency) EntryNs(timestampNs int64, o *hft.Order) int64 {
	return p.of(o.Req).EntryNs(timestampNs, o)
}

// ResponseNs asks the model of the request that is answered.
func (p PerRequestLatency) ResponseNs(timestampNs int64, o *hft.Order) int64 {
	return p.of(o.Req).ResponseNs(timestampNs, o)
}

func (p PerRequestLatency) of(request hft.Status) LatencyModel {
	switch request {
	case hft.StatusReplaced:
		return p.Modify
	case hft.StatusCanceled:
		return p.Cancel
	}
	return p.New
}

// constantLatency is always the same (ConstantLatency).
type constantLatency struct {
	entryNs, responseNs int64
}

// NewConstantLatency returns a constant latency. A negative entry refuses every request after that time; a negative
// response, which would arrive before it was sent, is an error.
func NewConstantLatency(entry, response time.Duration) (LatencyModel, error) {
	if response < 0 {
		return nil,
			fmt.Errorf("sim: response latency is %v: a response cannot arrive before it is sent, must be 0 or more",
				response)
	}
	return constantLatency{entryNs: int64(entry), responseNs: int64(response)}, nil
}

// EntryNs returns the constant.
func (c constantLatency) EntryNs(int64, *hft.Order) int64 { return c.entryNs }

// ResponseNs returns the constant.
func (c constantLatency) ResponseNs(int64, *hft.Order) int64 { return c.responseNs }
