package ipc

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
)

// errBadAnswer says that what answered is no host of this release.
var errBadAnswer = errors.New("the answer is corrupt: check that the host is of the same release")

// decodeAnswer decodes the host's answer to what a bot asked for: an attachment that uses each of the descriptors
// exactly once, or the refusal. It lacks the bot's way to wait.
func decodeAnswer(b []byte, r *ring.AttachRequest, descriptors []int) (a Attachment, err error) {
	var m ring.AttachAnswer
	if err := json.Unmarshal(b, &m); err != nil {
		return a, fmt.Errorf("%w (%w)", errBadAnswer, err)
	}
	if m.Refused != nil {
		return a, refused(m.Refused)
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
	a = Attachment{BotID: r.BotID, ControlFD: take(m.Control)}
	for _, c := range m.Connectors {
		a.Connectors = append(a.Connectors, ConnectorAttachment{Name: c.Name, FeedFD: take(c.Feed),
			PrivateFD: take(c.Private)})
	}
	for i, no := range m.FeedNumbers {
		a.Instruments = append(a.Instruments, InstrumentAttachment{Instrument: Instrument(r.Instruments[i]),
			FeedNo: no})
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

func refused(m *ring.Refusal) error {
	e := &RefusedError{Text: m.Text}
	if m.Kind != "" {
		e.build = &hft.BuildError{Kind: m.Kind, What: m.What}
	}
	return e
}
