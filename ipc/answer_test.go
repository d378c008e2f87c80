package ipc

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
)

// FuzzAnswer gives a process what something that is no host may answer: an attachment uses each descriptor once.
func FuzzAnswer(f *testing.F) {
	good, err := json.Marshal(&ring.AttachAnswer{Control: 0, FeedNumbers: []int{0, 3}, Connectors: []ring.Connector{
		{Name: "alpha", Feed: 1, Private: 2}, {Name: "beta", Feed: 3, Private: 4}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, uint8(5))
	f.Add(good, uint8(4))
	f.Add([]byte(`{"control":0,"connectors":[{"name":"alpha","feed":0,"private":-1}],"feed_numbers":[0,1]}`), uint8(3))
	f.Add([]byte(`{"refused":{"kind":"duplicate","what":"bot id 7","text":"bot id 7 is connected"}}`), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		descriptors := make([]int, n)
		for i := range descriptors {
			descriptors[i] = 1000 + i
		}
		a, err := decodeAnswer(b, twoInstruments(), descriptors)
		if err != nil {
			return
		}
		got := a.descriptors()
		slices.Sort(got)
		if !slices.Equal(got, descriptors) || len(a.Instruments) != 2 {
			t.Fatalf("%s with %v became %+v", b, descriptors, a)
		}
	})
}

func TestRefusalsKeepTheirCause(t *testing.T) {
	cause := &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"}
	for _, c := range []struct {
		sent *ring.Refusal
		is   error
	}{
		{&ring.Refusal{Kind: cause.Kind, What: cause.What, Text: cause.Error()}, cause},
		{&ring.Refusal{Text: "no memory"}, nil},
	} {
		b, err := json.Marshal(&ring.AttachAnswer{Refused: c.sent})
		if err != nil {
			t.Fatal(err)
		}
		_, got := decodeAnswer(b, twoInstruments(), nil)
		var refused *RefusedError
		if !errors.As(got, &refused) || refused.Text != c.sent.Text {
			t.Errorf("%v arrives as %v", c.sent, got)
		}
		if c.is != nil && !errors.Is(got, c.is) {
			t.Errorf("%v is not %v any more", got, c.is)
		} else if _, isBuild := errors.AsType[*hft.BuildError](got); c.is == nil && isBuild {
			t.Errorf("%v became a BuildError", got)
		}
	}
}

func twoInstruments() *ring.AttachRequest {
	return &ring.AttachRequest{BotID: 1, Instruments: []ring.Instrument{
		{Connector: "alpha", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001},
		{Connector: "beta", Symbol: "BTCUSDT", TickSize: 1, LotSize: 1},
	}}
}
