package ring

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// The attach socket carries three messages, each a length of four bytes, little endian, and that many bytes of JSON:
// the process's request, the host's answer, which brings the descriptors along, and, if the host parts from the
// process, the reason. docs/format/ring.md describes them.

const (
	// AttachVersion is the version of these messages.
	AttachVersion = 1
	// MaxMessage bounds a message in bytes, MaxInstruments and MaxConnectors what a request may name, MaxName each
	// name: descriptors of all connectors have to fit into one message of the system, which takes 253.
	MaxMessage     = 1 << 16
	MaxInstruments = 256
	MaxConnectors  = 100
	MaxName        = 64
)

// What becomes of a process's orders when it disconnects.
const (
	OnExitCancel = "cancel"
	OnExitKeep   = "keep"
)

// AttachRequest is what a process asks for that attaches itself to a running host.
type AttachRequest struct {
	Version     int          `json:"version"`
	BotID       uint64       `json:"bot_id,string"` // a JSON number may lose digits in other languages
	Wait        string       `json:"wait"`
	OnExit      string       `json:"on_exit"`
	Instruments []Instrument `json:"instruments"`
}

// Instrument is an instrument of a request.
type Instrument struct {
	Connector string  `json:"connector"`
	Symbol    string  `json:"symbol"`
	TickSize  float64 `json:"tick_size"`
	LotSize   float64 `json:"lot_size"`
}

// AttachAnswer names descriptors by their place in the message of the system that brought them.
type AttachAnswer struct {
	Refused    *Refusal    `json:"refused,omitempty"`
	Control    int         `json:"control"`
	Connectors []Connector `json:"connectors,omitempty"`
	// FeedNumbers are the instruments' numbers in their connectors, in the order of the request.
	FeedNumbers []int `json:"feed_numbers,omitempty"`
}

// Connector is a connector of an answer.
type Connector struct {
	Name    string `json:"name"`
	Feed    int    `json:"feed"`
	Private int    `json:"private"`
}

// Refusal is a refusal: Kind and What are those of a hft.BuildError, Kind empty for any other error; Text is the whole
// error.
type Refusal struct {
	Kind hft.BuildErrorKind `json:"kind,omitempty"`
	What string             `json:"what,omitempty"`
	Text string             `json:"text"`
}

// Parting is why the host disconnects a process.
type Parting struct {
	Closed string `json:"closed"`
}

// Check returns what is wrong with a request, but for its way to wait, as a *hft.BuildError. Both ends ask.
func (r *AttachRequest) Check() error {
	switch {
	case r.Version != AttachVersion:
		return invalid("version %d of the attach request, the host knows %d: build host and strategy of the same release",
			r.Version, AttachVersion)
	case r.OnExit != OnExitCancel && r.OnExit != OnExitKeep:
		return invalid("unknown on_exit %q (%s or %s)", r.OnExit, OnExitCancel, OnExitKeep)
	case r.BotID == 0:
		return invalid("bot id 0: use another, 0 addresses no bot")
	case len(r.Instruments) == 0:
		return &hft.BuildError{Kind: hft.BuilderIncomplete, What: "no instrument: at least one is required"}
	case len(r.Instruments) > MaxInstruments:
		return invalid("%d instruments: a bot may have %d", len(r.Instruments), MaxInstruments)
	}
	type key struct{ connector, symbol string }
	seen := make(map[key]bool)
	connectors := make(map[string]bool)
	for i := range r.Instruments {
		inst := &r.Instruments[i]
		if err := inst.check(i); err != nil {
			return err
		}
		k := key{inst.Connector, inst.Symbol}
		if seen[k] {
			return &hft.BuildError{Kind: hft.Duplicate, What: inst.name()}
		}
		seen[k] = true
		connectors[inst.Connector] = true
	}
	if len(connectors) > MaxConnectors {
		return invalid("%d connectors: a bot may use %d", len(connectors), MaxConnectors)
	}
	return nil
}

func (i *Instrument) name() string {
	return fmt.Sprintf("%.*s %.*s", MaxName, i.Connector, MaxName, i.Symbol)
}

// check returns what is wrong with the instrument, which is number n of a request.
func (i *Instrument) check(n int) error {
	switch {
	case i.Connector == "" || i.Symbol == "":
		return invalid("instrument %d names no connector or no symbol", n)
	case len(i.Connector) > MaxName || len(i.Symbol) > MaxName:
		return invalid("%s: a name may have %d bytes", i.name(), MaxName)
	case !Positive(i.TickSize):
		return invalid("%s: tick size %v: must be above 0", i.name(), i.TickSize)
	case !Positive(i.LotSize):
		return invalid("%s: lot size %v: must be above 0", i.name(), i.LotSize)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(format, args...)}
}

// Positive reports whether x is a number above 0.
func Positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }

// AppendMessage appends a message with its length.
func AppendMessage(b []byte, message any) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return b, fmt.Errorf("encode a message of the attach socket: %w", err)
	}
	if len(body) > MaxMessage {
		return b, fmt.Errorf("message of %d bytes: the attach socket takes %d", len(body), MaxMessage)
	}
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(body))), body...), nil
}

// ReadMessage reads the rest of a message of which head, less than a whole length, has been read.
func ReadMessage(r io.Reader, head []byte) ([]byte, error) {
	var length [4]byte
	n := copy(length[:], head)
	if _, err := io.ReadFull(r, length[n:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes: the attach socket takes %d", size, MaxMessage)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("message of %d bytes: %w", size, err)
	}
	return body, nil
}
