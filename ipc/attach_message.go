package ipc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/hft"
)

// The attach socket carries three messages, each a length of four bytes, little endian, and that many bytes of JSON:
// the process's request, the host's answer, which brings the descriptors along, and, if the host parts from the
// process, the reason. docs/format/ring.md describes them.

const (
	attachVersion = 1
	// maxAttachMessage bounds a message, maxAttachInstruments and maxAttachConnectors what a request may name:
	// descriptors of all connectors have to fit into one message of the system, which takes 253.
	maxAttachMessage     = 1 << 16
	maxAttachInstruments = 256
	maxAttachConnectors  = 100
	maxAttachName        = 64
)

const (
	onExitCancel = "cancel"
	onExitKeep   = "keep"
)

// AttachRequest is what a process asks for that attaches itself to a running host.
type AttachRequest struct {
	// BotID identifies the bot and its orders; it is not 0.
	BotID uint64
	// Instruments are the bot's in its order, at least one.
	Instruments []Instrument
	// Wait is how the bot waits for the next event.
	Wait WaitStrategy
	// KeepOrders leaves the bot's open orders at the venue when the process disconnects; else they are canceled.
	KeepOrders bool
}

type requestMessage struct {
	Version     int                 `json:"version"`
	BotID       uint64              `json:"bot_id,string"` // a JSON number may lose digits in other languages
	Wait        string              `json:"wait"`
	OnExit      string              `json:"on_exit"`
	Instruments []instrumentMessage `json:"instruments"`
}

type instrumentMessage struct {
	Connector string  `json:"connector"`
	Symbol    string  `json:"symbol"`
	TickSize  float64 `json:"tick_size"`
	LotSize   float64 `json:"lot_size"`
}

// answerMessage names descriptors by their place in the message of the system that brought them.
type answerMessage struct {
	Refused    *refusalMessage    `json:"refused,omitempty"`
	Control    int                `json:"control"`
	Connectors []connectorMessage `json:"connectors,omitempty"`
	// FeedNumbers are the instruments' numbers in their connectors, in the order of the request.
	FeedNumbers []int `json:"feed_numbers,omitempty"`
}

type connectorMessage struct {
	Name    string `json:"name"`
	Feed    int    `json:"feed"`
	Private int    `json:"private"`
}

// refusalMessage is a refusal: Kind and What are those of a hft.BuildError, Kind empty for any other error; Text is the
// whole error.
type refusalMessage struct {
	Kind hft.BuildErrorKind `json:"kind,omitempty"`
	What string             `json:"what,omitempty"`
	Text string             `json:"text"`
}

type partingMessage struct {
	Closed string `json:"closed"`
}

// check returns what is wrong with a request, as a *hft.BuildError. Both ends ask.
func (r *AttachRequest) check() error {
	invalid := func(format string, args ...any) error {
		return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.BotID == 0:
		return invalid("bot id 0: use another, 0 addresses no bot")
	case len(r.Instruments) == 0:
		return &hft.BuildError{Kind: hft.BuilderIncomplete, What: "no instrument: at least one is required"}
	case len(r.Instruments) > maxAttachInstruments:
		return invalid("%d instruments: a bot may have %d", len(r.Instruments), maxAttachInstruments)
	case r.Wait > WaitPark:
		return invalid("wait strategy %d: must be adaptive, spin or park", r.Wait)
	}
	type key struct{ connector, symbol string }
	seen := make(map[key]bool)
	connectors := make(map[string]bool)
	for i := range r.Instruments {
		inst := &r.Instruments[i]
		name := fmt.Sprintf("%.*s %.*s", maxAttachName, inst.Connector, maxAttachName, inst.Symbol)
		switch {
		case inst.Connector == "" || inst.Symbol == "":
			return invalid("instrument %d names no connector or no symbol", i)
		case len(inst.Connector) > maxAttachName || len(inst.Symbol) > maxAttachName:
			return invalid("%s: a name may have %d bytes", name, maxAttachName)
		case !positive(inst.TickSize):
			return invalid("%s: tick size %v: must be above 0", name, inst.TickSize)
		case !positive(inst.LotSize):
			return invalid("%s: lot size %v: must be above 0", name, inst.LotSize)
		case seen[key{inst.Connector, inst.Symbol}]:
			return &hft.BuildError{Kind: hft.Duplicate, What: name}
		}
		seen[key{inst.Connector, inst.Symbol}] = true
		connectors[inst.Connector] = true
	}
	if len(connectors) > maxAttachConnectors {
		return invalid("%d connectors: a bot may use %d", len(connectors), maxAttachConnectors)
	}
	return nil
}

func (r *AttachRequest) message() *requestMessage {
	m := &requestMessage{Version: attachVersion, BotID: r.BotID, Wait: r.Wait.String(), OnExit: onExitCancel}
	if r.KeepOrders {
		m.OnExit = onExitKeep
	}
	for _, i := range r.Instruments {
		m.Instruments = append(m.Instruments, instrumentMessage(i))
	}
	return m
}

// decodeAttachRequest decodes and checks what a process sent.
func decodeAttachRequest(b []byte) (*AttachRequest, error) {
	var m requestMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("attach request is corrupt: %w", err)
	}
	invalid := func(format string, args ...any) error {
		return &hft.BuildError{Kind: hft.InvalidArgument, What: fmt.Sprintf(format, args...)}
	}
	if m.Version != attachVersion {
		return nil, invalid("version %d of the attach request, the host knows %d: build host and strategy of the same release",
			m.Version, attachVersion)
	}
	wait, err := ParseWaitStrategy(m.Wait)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if m.OnExit != onExitCancel && m.OnExit != onExitKeep {
		return nil, invalid("unknown on_exit %q (%s or %s)", m.OnExit, onExitCancel, onExitKeep)
	}
	r := &AttachRequest{BotID: m.BotID, Wait: wait, KeepOrders: m.OnExit == onExitKeep}
	for _, i := range m.Instruments {
		r.Instruments = append(r.Instruments, Instrument(i))
	}
	return r, r.check()
}

// answerOf describes an attachment whose descriptors are the files' places in the answer.
func answerOf(a *Attachment) *answerMessage {
	m := &answerMessage{Control: a.ControlFD}
	for _, c := range a.Connectors {
		m.Connectors = append(m.Connectors, connectorMessage{Name: c.Name, Feed: c.FeedFD, Private: c.PrivateFD})
	}
	for _, i := range a.Instruments {
		m.FeedNumbers = append(m.FeedNumbers, i.FeedNo)
	}
	return m
}

// refusalOf describes an error to the process.
func refusalOf(err error) *answerMessage {
	m := &refusalMessage{Text: err.Error()}
	if build, ok := errors.AsType[*hft.BuildError](err); ok {
		m.Kind, m.What = build.Kind, build.What
	}
	return &answerMessage{Refused: m}
}

// errBadAnswer says that what answered is no host of this release.
var errBadAnswer = errors.New("the answer is corrupt: check that the host is of the same release")

// decodeAnswer decodes the host's answer to r: an attachment that uses each of the descriptors exactly once, or the
// refusal.
func decodeAnswer(b []byte, r *AttachRequest, descriptors []int) (a Attachment, err error) {
	var m answerMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return a, fmt.Errorf("%w (%w)", errBadAnswer, err)
	}
	if m.Refused != nil {
		return a, m.Refused.err()
	}
	if len(m.FeedNumbers) != len(r.Instruments) || len(descriptors) != 1+2*len(m.Connectors) {
		return a, fmt.Errorf("%w (%d instruments and %d descriptors for %d connectors)", errBadAnswer,
			len(m.FeedNumbers), len(descriptors), len(m.Connectors))
	}
	used := make([]bool, len(descriptors))
	take := func(place int) int {
		if place < 0 || place >= len(used) || used[place] {
			err = fmt.Errorf("%w (descriptor %d)", errBadAnswer, place)
			return -1
		}
		used[place] = true
		return descriptors[place]
	}
	a = Attachment{BotID: r.BotID, Wait: r.Wait, ControlFD: take(m.Control)}
	for _, c := range m.Connectors {
		a.Connectors = append(a.Connectors, ConnectorAttachment{Name: c.Name, FeedFD: take(c.Feed), PrivateFD: take(c.Private)})
	}
	for i, no := range m.FeedNumbers {
		a.Instruments = append(a.Instruments, InstrumentAttachment{Instrument: r.Instruments[i], FeedNo: no})
	}
	return a, err
}

// RefusedError says that the host refused to attach a process. When the cause is one, it unwraps to the
// *hft.BuildError: hft.Duplicate for a bot id that is connected, and so on.
type RefusedError struct {
	// Text is the host's reason.
	Text  string
	build *hft.BuildError
}

// Error returns the host's reason.
func (e *RefusedError) Error() string { return "the host rejects: " + e.Text }

// Unwrap returns the *hft.BuildError, if it is one.
func (e *RefusedError) Unwrap() error {
	if e.build == nil {
		return nil
	}
	return e.build
}

func (m *refusalMessage) err() error {
	e := &RefusedError{Text: m.Text}
	if m.Kind != "" {
		e.build = &hft.BuildError{Kind: m.Kind, What: m.What}
	}
	return e
}

// appendMessage appends a message with its length.
func appendMessage(b []byte, message any) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return b, fmt.Errorf("encode a message of the attach socket: %w", err)
	}
	if len(body) > maxAttachMessage {
		return b, fmt.Errorf("message of %d bytes: the attach socket takes %d", len(body), maxAttachMessage)
	}
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(body))), body...), nil
}

// readMessage reads the rest of a message of which head, less than a whole length, has been read.
func readMessage(r io.Reader, head []byte) ([]byte, error) {
	var length [4]byte
	n := copy(length[:], head)
	if _, err := io.ReadFull(r, length[n:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size > maxAttachMessage {
		return nil, fmt.Errorf("message of %d bytes: the attach socket takes %d", size, maxAttachMessage)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("message of %d bytes: %w", size, err)
	}
	return body, nil
}
