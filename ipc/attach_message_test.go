package ipc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

func goodRequest() *AttachRequest {
	return &AttachRequest{BotID: math.MaxUint64, Wait: WaitPark, KeepOrders: true, Instruments: []Instrument{
		{Connector: "alpha", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001},
		{Connector: "beta", Symbol: "BTCUSDT", TickSize: math.SmallestNonzeroFloat64, LotSize: math.MaxFloat64},
	}}
}

func TestAttachRequestRoundTrip(t *testing.T) {
	want := goodRequest()
	b, err := appendMessage(nil, want.message())
	if err != nil {
		t.Fatal(err)
	}
	for cut := range 4 { // wherever the first read ends
		body, err := readMessage(bytes.NewReader(b[cut:]), b[:cut])
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeAttachRequest(body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	// The largest request fits into a message.
	largest := &AttachRequest{BotID: math.MaxUint64, Wait: WaitAdaptive}
	for i := range maxAttachInstruments {
		name := strings.Repeat("c", maxAttachName)
		largest.Instruments = append(largest.Instruments, Instrument{Connector: name, TickSize: 1.2345678901234567e-300,
			LotSize: 1.2345678901234567e-300, Symbol: name[:maxAttachName-2] + string([]byte{byte('A' + i%16), byte('A' + i/16)})})
	}
	if err := largest.check(); err != nil {
		t.Fatal(err)
	}
	if _, err := appendMessage(nil, largest.message()); err != nil {
		t.Error(err)
	}
}

func TestAttachRequestChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*AttachRequest)
		want   hft.BuildErrorKind
	}{
		"bot id 0":      {func(r *AttachRequest) { r.BotID = 0 }, hft.InvalidArgument},
		"no instrument": {func(r *AttachRequest) { r.Instruments = nil }, hft.BuilderIncomplete},
		"too many":      {func(r *AttachRequest) { r.Instruments = make([]Instrument, maxAttachInstruments+1) }, hft.InvalidArgument},
		"wait strategy": {func(r *AttachRequest) { r.Wait = 3 }, hft.InvalidArgument},
		"no connector":  {func(r *AttachRequest) { r.Instruments[0].Connector = "" }, hft.InvalidArgument},
		"no symbol":     {func(r *AttachRequest) { r.Instruments[1].Symbol = "" }, hft.InvalidArgument},
		"long name":     {func(r *AttachRequest) { r.Instruments[1].Symbol = strings.Repeat("x", 65) }, hft.InvalidArgument},
		"tick 0":        {func(r *AttachRequest) { r.Instruments[0].TickSize = 0 }, hft.InvalidArgument},
		"tick NaN":      {func(r *AttachRequest) { r.Instruments[0].TickSize = math.NaN() }, hft.InvalidArgument},
		"lot negative":  {func(r *AttachRequest) { r.Instruments[1].LotSize = -1 }, hft.InvalidArgument},
		"lot infinite":  {func(r *AttachRequest) { r.Instruments[1].LotSize = math.Inf(1) }, hft.InvalidArgument},
		"twice":         {func(r *AttachRequest) { r.Instruments[1] = r.Instruments[0] }, hft.Duplicate},
		"connectors": {func(r *AttachRequest) {
			for i := range maxAttachConnectors {
				r.Instruments = append(r.Instruments, Instrument{"c" + string(rune('A'+i)), "X", 1, 1})
			}
		}, hft.InvalidArgument},
	} {
		r := goodRequest()
		c.change(r)
		if err := r.check(); !errors.Is(err, &hft.BuildError{Kind: c.want}) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if err := goodRequest().check(); err != nil {
		t.Error(err)
	}
}

func TestAttachRequestOfOtherReleases(t *testing.T) {
	good, err := json.Marshal(goodRequest().message())
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"version":1`:      `"version":2`,
		`"wait":"park"`:    `"wait":"doze"`,
		`"on_exit":"keep"`: `"on_exit":"sell"`,
	} {
		_, err := decodeAttachRequest(bytes.Replace(good, []byte(from), []byte(to), 1))
		if !errors.Is(err, &hft.BuildError{Kind: hft.InvalidArgument}) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	if _, err := appendMessage(nil, strings.Repeat("x", maxAttachMessage)); err == nil {
		t.Error("a message too long is sent")
	}
	long := binary.LittleEndian.AppendUint32(nil, maxAttachMessage+1)
	if _, err := readMessage(bytes.NewReader(long), nil); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a message too long is read: %v", err)
	}
}

// FuzzAttachRequest gives the host what a hostile process may send: it never panics, takes only what is in order, and
// takes little memory.
func FuzzAttachRequest(f *testing.F) {
	good, err := appendMessage(nil, goodRequest().message())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("\x02\x00\x00\x00{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte(`....{"version":1,"bot_id":"1","wait":"spin","on_exit":"cancel","instruments":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := readMessage(bytes.NewReader(b), nil)
		if err != nil {
			if len(b) > 4 { // look behind a length that is wrong, too
				_, _ = decodeAttachRequest(b[4:])
			}
			return
		}
		r, err := decodeAttachRequest(body)
		if err != nil {
			return
		}
		if err := r.check(); err != nil {
			t.Fatalf("%v was let through: %+v", err, r)
		}
		again, err := json.Marshal(r.message())
		if err != nil {
			t.Fatal(err)
		}
		if same, err := decodeAttachRequest(again); err != nil || !reflect.DeepEqual(same, r) {
			t.Fatalf("%+v came back as %+v, %v", r, same, err)
		}
	})
}

// FuzzAnswer gives a process what something that is no host may answer: an attachment uses each descriptor once.
func FuzzAnswer(f *testing.F) {
	good, err := json.Marshal(&answerMessage{Control: 0, FeedNumbers: []int{0, 3}, Connectors: []connectorMessage{{"alpha", 1, 2}, {"beta", 3, 4}}})
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
		a, err := decodeAnswer(b, goodRequest(), descriptors)
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
	for _, c := range []struct{ err, is error }{
		{cause, cause},
		{errors.Join(errors.New("bad luck"), cause), cause},
		{errors.New("no memory"), nil},
	} {
		b, err := json.Marshal(refusalOf(c.err))
		if err != nil {
			t.Fatal(err)
		}
		_, got := decodeAnswer(b, goodRequest(), nil)
		var refused *RefusedError
		if !errors.As(got, &refused) || refused.Text != c.err.Error() {
			t.Errorf("%v arrives as %v", c.err, got)
		}
		if c.is != nil && !errors.Is(got, c.is) {
			t.Errorf("%v is not %v any more", got, c.is)
		} else if _, isBuild := errors.AsType[*hft.BuildError](got); c.is == nil && isBuild {
			t.Errorf("%v became a BuildError", got)
		}
	}
}
