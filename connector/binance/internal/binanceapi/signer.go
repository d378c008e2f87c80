package binanceapi

import (
	"slices"
	"sync/atomic"
	"time"
)

// Signer completes requests with time, window and signature. Any number of goroutines use it.
type Signer struct {
	key          *Key
	recvWindowMs int64
	nowNs        func() int64
	offsetNs     atomic.Int64
}

// NewSigner returns a signer for a key, nil for a client without one. recvWindow is how old a request may be when the
// venue gets it, 0 for the venue's default of 5 s; nowNs is the local clock, nanoseconds since the Unix epoch.
func NewSigner(key *Key, recvWindow time.Duration, nowNs func() int64) *Signer {
	return &Signer{key: key, recvWindowMs: recvWindow.Milliseconds(), nowNs: nowNs}
}

// Key returns the key, nil when there is none.
func (s *Signer) Key() *Key { return s.key }

// SetClockOffset sets what is added to the local clock to get the venue's.
func (s *Signer) SetClockOffset(offset time.Duration) { s.offsetNs.Store(int64(offset)) }

// NowNs returns the venue's time by the local clock and the offset.
func (s *Signer) NowNs() int64 { return s.nowNs() + s.offsetNs.Load() }

// localTime returns the local clock's time for one of the venue's, and venueNs the other way round.
func (s *Signer) localTime(venueNs int64) time.Time { return time.Unix(0, venueNs-s.offsetNs.Load()) }

func (s *Signer) venueNs(local time.Time) int64 { return local.UnixNano() + s.offsetNs.Load() }

// maxBan is the longest that a venue does not want to hear anything for: three days, and some room.
const maxBan = 7 * 24 * time.Hour

// told returns the local clock's time for one to come that the venue has said in its own, in milliseconds; zero for one
// that cannot be true.
func (s *Signer) told(ms int64) time.Time {
	if ms <= 0 || ms > maxMs {
		return time.Time{}
	}
	if wait := time.Duration(ms*1_000_000 - s.NowNs()); wait <= 0 || wait > maxBan {
		return time.Time{}
	}
	return s.localTime(ms * 1_000_000)
}

// appendTime adds the parameters of time to params.
func (s *Signer) appendTime(params []Param) []Param {
	if s.recvWindowMs > 0 {
		params = append(params, Int("recvWindow", s.recvWindowMs))
	}
	return append(params, Int("timestamp", s.NowNs()/1_000_000))
}

// AppendQuery appends the query of a signed REST request. The signer needs a key. params is given away; with room for
// two more nothing is allocated.
func (s *Signer) AppendQuery(dst []byte, params []Param) []byte {
	start := len(dst)
	dst = AppendQuery(dst, s.appendTime(params))
	var memory [128]byte
	signature := s.key.AppendSignature(memory[:0], dst[start:])
	dst = append(dst, "&signature="...)
	return appendEncoded(dst, signature)
}

// AppendCall appends a request of the WebSocket API that carries its own signature. The signer needs a key. params is
// given away and sorted; with room for three more nothing is allocated.
func (s *Signer) AppendCall(dst []byte, id, method string, params []Param) []byte {
	params = s.appendTime(append(params, Text("apiKey", s.key.ID())))
	start := len(dst)
	dst = appendSorted(dst, params)
	var memory [128]byte
	signature := s.key.AppendSignature(memory[:0], dst[start:])
	dst = appendHead(dst[:start], id, method)
	dst = append(dst, `,"params":{`...)
	dst = appendJSON(dst, params)
	dst = append(dst, `,"signature":"`...)
	dst = append(dst, signature...) // hex or base64: nothing to escape
	return append(dst, `"}}`...)
}

// AppendSessionCall appends a request of the WebSocket API on a connection that has logged on: it has a time and needs
// no signature. params is given away.
func (s *Signer) AppendSessionCall(dst []byte, id, method string, params []Param) []byte {
	return AppendCall(dst, id, method, s.appendTime(params))
}

// AppendLogon appends the request that logs a connection of the WebSocket API on. The key has to be Ed25519.
func (s *Signer) AppendLogon(dst []byte, id string) []byte {
	return s.AppendCall(dst, id, "session.logon", make([]Param, 0, 3))
}

// AppendCall appends a request of the WebSocket API without a signature.
func AppendCall(dst []byte, id, method string, params []Param) []byte {
	dst = appendHead(dst, id, method)
	if len(params) > 0 {
		dst = append(dst, `,"params":{`...)
		dst = appendJSON(dst, params)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendHead(dst []byte, id, method string) []byte {
	dst = slices.Grow(dst, 64)
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, id)
	dst = append(dst, `,"method":`...)
	return appendString(dst, method)
}
