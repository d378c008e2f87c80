package hostipc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/ipc"
)

func goodRequest() *ring.AttachRequest {
	return &ring.AttachRequest{Version: ring.AttachVersion, BotID: math.MaxUint64, Wait: "park",
		OnExit: ring.OnExitKeep, Instruments: []ring.Instrument{
			{Connector: "alpha", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001},
			{Connector: "beta", Symbol: "BTCUSDT", TickSize: math.SmallestNonzeroFloat64, LotSize: math.MaxFloat64},
		}}
}

func TestAttachRequestRoundTrip(t *testing.T) {
	b, err := ring.AppendMessage(nil, goodRequest())
	if err != nil {
		t.Fatal(err)
	}
	for cut := range 4 { // wherever the first read ends
		body, err := ring.ReadMessage(bytes.NewReader(b[cut:]), b[:cut])
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeAttachRequest(body)
		want := &AttachRequest{BotID: math.MaxUint64, Wait: ipc.WaitPark, KeepOrders: true,
			Instruments: []ipc.Instrument{
				ipc.Instrument(goodRequest().Instruments[0]), ipc.Instrument(goodRequest().Instruments[1])}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	// The largest request fits into a message.
	largest := &ring.AttachRequest{Version: ring.AttachVersion, BotID: math.MaxUint64, Wait: "adaptive",
		OnExit: ring.OnExitCancel}
	for i := range ring.MaxInstruments {
		name := strings.Repeat("c", ring.MaxName)
		largest.Instruments = append(largest.Instruments, ring.Instrument{Connector: name,
			TickSize: 1.2345678901234567e-300, LotSize: 1.2345678901234567e-300,
			Symbol: name[:ring.MaxName-2] + string([]byte{byte('A' + i%16), byte('A' + i/16)})})
	}
	if err := largest.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.AppendMessage(nil, largest); err != nil {
		t.Error(err)
	}
}

func TestAttachRequestChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ring.AttachRequest)
		want   hft.BuildErrorKind
	}{
		"bot id 0":      {func(r *ring.AttachRequest) { r.BotID = 0 }, hft.InvalidArgument},
		"no instrument": {func(r *ring.AttachRequest) { r.Instruments = nil }, hft.BuilderIncomplete},
		"too many":      {func(r *ring.AttachRequest) { r.Instruments = make([]ring.Instrument, ring.MaxInstruments+1) }, hft.InvalidArgument},
		"wait strategy": {func(r *ring.AttachRequest) { r.Wait = "WaitStrategy(3)" }, hft.InvalidArgument},
		"no connector":  {func(r *ring.AttachRequest) { r.Instruments[0].Connector = "" }, hft.InvalidArgument},
		"no symbol":     {func(r *ring.AttachRequest) { r.Instruments[1].Symbol = "" }, hft.InvalidArgument},
		"long name": {func(r *ring.AttachRequest) { r.Instruments[1].Symbol = strings.Repeat("x", 65) },
			hft.InvalidArgument},
		"tick 0":       {func(r *ring.AttachRequest) { r.Instruments[0].TickSize = 0 }, hft.InvalidArgument},
		"lot negative": {func(r *ring.AttachRequest) { r.Instruments[1].LotSize = -1 }, hft.InvalidArgument},
		"twice":        {func(r *ring.AttachRequest) { r.Instruments[1] = r.Instruments[0] }, hft.Duplicate},
		"connectors": {func(r *ring.AttachRequest) {
			for i := range ring.MaxConnectors {
				r.Instruments = append(r.Instruments, ring.Instrument{Connector: "c" + string(rune('A'+i)), Symbol: "X",
					TickSize: 1, LotSize: 1})
			}
		}, hft.InvalidArgument},
	} {
		r := goodRequest()
		c.change(r)
		if _, err := decodeAttachRequest(encoded(t, r)); !errors.Is(err, &hft.BuildError{Kind: c.want}) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for _, number := range []float64{math.NaN(), math.Inf(1)} { // which JSON does not have
		tick, lot := goodRequest(), goodRequest()
		tick.Instruments[0].TickSize, lot.Instruments[1].LotSize = number, number
		for _, r := range []*ring.AttachRequest{tick, lot} {
			if err := r.Check(); !errors.Is(err, &hft.BuildError{Kind: hft.InvalidArgument}) {
				t.Errorf("%v: %v", number, err)
			}
		}
	}
	if err := goodRequest().Check(); err != nil {
		t.Error(err)
	}
}

func encoded(t *testing.T, r *ring.AttachRequest) []byte {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAttachRequestOfOtherReleases(t *testing.T) {
	good := encoded(t, goodRequest())
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
	if _, err := ring.AppendMessage(nil, strings.Repeat("x", ring.MaxMessage)); err == nil {
		t.Error("a message too long is sent")
	}
	long := binary.LittleEndian.AppendUint32(nil, ring.MaxMessage+1)
	if _, err := ring.ReadMessage(bytes.NewReader(long), nil); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a message too long is read: %v", err)
	}
}

// FuzzAttachRequest gives the host what a hostile process may send: it never panics, takes only what is in order, and
// takes little memory.
func FuzzAttachRequest(f *testing.F) {
	good, err := ring.AppendMessage(nil, goodRequest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("\x02\x00\x00\x00{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte(`....{"version":1,"bot_id":"1","wait":"spin","on_exit":"cancel","instruments":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := ring.ReadMessage(bytes.NewReader(b), nil)
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
		m := &ring.AttachRequest{Version: ring.AttachVersion, BotID: r.BotID, Wait: r.Wait.String(),
			OnExit: ring.OnExitCancel}
		if r.KeepOrders {
			m.OnExit = ring.OnExitKeep
		}
		for _, i := range r.Instruments {
			m.Instruments = append(m.Instruments, ring.Instrument(i))
		}
		if err := m.Check(); err != nil {
			t.Fatalf("%v was let through: %+v", err, r)
		}
		if same, err := decodeAttachRequest(encoded(t, m)); err != nil || !reflect.DeepEqual(same, r) {
			t.Fatalf("%+v came back as %+v, %v", r, same, err)
		}
	})
}

// FuzzRequest hands the host arbitrary words: it must not panic, and what it accepts is a sound request.
func FuzzRequest(f *testing.F) {
	var r ring.UpRecord
	o := hft.NewOrder(1, 2, 0.1, 3, hft.Buy, hft.Limit, hft.GTC)
	o.Req = hft.StatusNew
	r.Put(uint8(ipc.RequestOrder), 4, 5, &o, 0, 0)
	f.Add(wordsToBytes(r[:]))
	f.Add(bytes.Repeat([]byte{0xff}, len(r)*8))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r ring.UpRecord
		for i, c := range b[:min(len(b), len(r)*8)] {
			r[i/8] |= uint64(c) << (8 * (i % 8))
		}
		var q Request
		if q.get(&r) != nil || q.Kind == ipc.RequestRegisterInstrument {
			return
		}
		if q.Kind != ipc.RequestOrder || !(q.Order.Qty > 0) || math.IsInf(q.Order.Qty, 0) || !(q.Order.TickSize > 0) ||
			q.Order.Side != hft.Buy && q.Order.Side != hft.Sell || q.Order.OrdType > hft.Market ||
			q.Order.TimeInForce > hft.IOC {
			t.Errorf("accepted %+v", q)
		}
		if ns := q.TickToOrderNs(); ns < -1 {
			t.Errorf("tick to order %d", ns)
		}
		again := recordOf(&q)
		var back Request
		if err := back.get(&again); err != nil || !sameRequest(&back, &q) {
			t.Errorf("%+v became %+v (%v)", q, back, err)
		}
	})
}

// sameRequest compares bit by bit: a NaN is the same as itself.
func sameRequest(a, b *Request) bool { return recordOf(a) == recordOf(b) }

func recordOf(q *Request) (r ring.UpRecord) {
	r.Put(uint8(q.Kind), q.FeedNo, q.tickMonoNs, &q.Order, q.TickSize, q.LotSize)
	return r
}

func wordsToBytes(words []uint64) (b []byte) {
	for _, w := range words {
		for i := range 8 {
			b = append(b, byte(w>>(8*i)))
		}
	}
	return b
}

// TestSyncPointsComeInPairs checks that each publishing store has its observing load: a name stands at two places, or
// at more where several places observe.
func TestSyncPointsComeInPairs(t *testing.T) {
	var files []string
	for _, folder := range []string{".", "../ring", "../../ipc"} {
		found, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	count := map[string]int{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`// SYNC POINT: (.*)`).FindAllStringSubmatch(string(b), -1) {
			count[m[1]]++
		}
	}
	if len(count) == 0 {
		t.Error("no sync points found")
	}
	for name, n := range count {
		if n != 2 {
			t.Errorf("sync point %q stands %d times, want a store and a load", name, n)
		}
	}
}

// TestRefusalsTellTheirCause: a BuildError is sent as one, wherever it is in the error.
func TestRefusalsTellTheirCause(t *testing.T) {
	cause := &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"}
	for _, c := range []struct {
		err  error
		kind hft.BuildErrorKind
		what string
	}{
		{cause, hft.Duplicate, "bot id 7"},
		{errors.Join(errors.New("bad luck"), cause), hft.Duplicate, "bot id 7"},
		{errors.New("no memory"), "", ""},
	} {
		if m := refusalOf(c.err).Refused; m == nil || m.Text != c.err.Error() || m.Kind != c.kind || m.What != c.what {
			t.Errorf("%v is sent as %+v", c.err, m)
		}
	}
}
