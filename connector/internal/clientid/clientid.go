package clientid

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/connector"
)

// MaxLen is the length of the longest id, in characters; the venues allow no more.
const MaxLen = maxPrefix + bodyLen

// MaxIncarnation is the highest incarnation that fits into an id.
const MaxIncarnation = 1<<incarnationBits - 1

const (
	maxPrefix       = 4
	bodyLen         = 32 // characters of 6 bits
	rawLen          = 24 // bytes
	incarnationBits = 24
	nonceBits       = 40
	// epochMs is 2020-01-01 UTC.
	epochMs = 1577836800000
)

// Errors of New and Encode.
var (
	// ErrPrefix: the prefix is not 1 to 4 characters of [A-Za-z0-9].
	ErrPrefix = errors.New("clientid: the order prefix has to be 1 to 4 letters or digits")
	// ErrTime: the start, or with the ids made since the nonce, is outside of the years 2020 to 2054.
	ErrTime = errors.New("clientid: the time has to be within the years 2020 to 2054, check the clock")
	// ErrIncarnation: the bot was started more often than an id can say.
	ErrIncarnation = errors.New("clientid: the bot was started too often for its incarnation to fit into 24 bits")
)

// Codec makes and reads the ids of one prefix.
type Codec struct {
	prefix string
	nonce  atomic.Int64 // of the id made last
}

// New returns the codec of a runner that started at startMs, milliseconds since 1970 by the wall clock. Errors:
// ErrPrefix, ErrTime.
func New(prefix string, startMs int64) (*Codec, error) {
	if len(prefix) < 1 || len(prefix) > maxPrefix {
		return nil, fmt.Errorf("%w, not %q", ErrPrefix, prefix)
	}
	for i := range len(prefix) {
		if c := prefix[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return nil, fmt.Errorf("%w, not %q", ErrPrefix, prefix)
		}
	}
	if startMs < epochMs || startMs-epochMs >= 1<<nonceBits {
		return nil, fmt.Errorf("%w: started at %d ms", ErrTime, startMs)
	}
	c := &Codec{prefix: prefix}
	c.nonce.Store(startMs - epochMs - 1)
	return c, nil
}

// Encode returns a new id for an order; two calls never return the same. Errors: ErrIncarnation, ErrTime.
func (c *Codec) Encode(owner connector.Owner, orderID uint64) (string, error) {
	if owner.Incarnation > MaxIncarnation {
		return "", ErrIncarnation
	}
	nonce := c.nonce.Add(1)
	if nonce >= 1<<nonceBits {
		return "", ErrTime
	}
	var raw [rawLen]byte
	binary.BigEndian.PutUint64(raw[0:], owner.Bot)
	binary.BigEndian.PutUint64(raw[8:], orderID)
	binary.BigEndian.PutUint64(raw[16:], uint64(owner.Incarnation)<<nonceBits|uint64(nonce))
	var id [MaxLen]byte
	n := copy(id[:], c.prefix)
	base64.RawURLEncoding.Encode(id[n:n+bodyLen], raw[:])
	return string(id[:n+bodyLen]), nil
}

// Decode returns whose order an id is; ok is false for an id that this prefix's codec cannot have made.
func (c *Codec) Decode(id string) (owner connector.Owner, orderID uint64, ok bool) {
	raw, ok := c.raw(id)
	if !ok {
		return connector.Owner{}, 0, false
	}
	tail := binary.BigEndian.Uint64(raw[16:])
	owner = connector.Owner{Bot: binary.BigEndian.Uint64(raw[0:]), Incarnation: uint32(tail >> nonceBits)}
	if owner.Bot == 0 {
		return connector.Owner{}, 0, false // no bot has it
	}
	return owner, binary.BigEndian.Uint64(raw[8:]), true
}

// raw returns the bytes of an id of this prefix.
func (c *Codec) raw(id string) (raw [rawLen]byte, ok bool) {
	n := len(c.prefix)
	if len(id) != n+bodyLen || id[:n] != c.prefix {
		return raw, false
	}
	var body [bodyLen]byte
	for i := range bodyLen {
		// The decoder skips line ends, which no id has.
		if body[i] = id[n+i]; body[i] == '\n' || body[i] == '\r' {
			return raw, false
		}
	}
	_, err := base64.RawURLEncoding.Decode(raw[:], body[:])
	return raw, err == nil
}

// Number returns the number of an id, which rises from id to id, 0 for one that this prefix's codec cannot have made.
func (c *Codec) Number(id string) uint64 {
	raw, ok := c.raw(id)
	if !ok {
		return 0
	}
	return binary.BigEndian.Uint64(raw[16:]) & (1<<nonceBits - 1)
}

// Newest returns the number of the newest id: those to come are above it.
func (c *Codec) Newest() uint64 { return uint64(c.nonce.Load()) }

// After lets the next ids have numbers above one.
func (c *Codec) After(number uint64) {
	for {
		now := c.nonce.Load()
		if uint64(now) >= number || number >= 1<<nonceBits || c.nonce.CompareAndSwap(now, int64(number)) {
			return
		}
	}
}
