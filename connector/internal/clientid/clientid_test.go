package clientid_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
)

const startMs = 1_790_000_000_000

// venuePattern is what the strictest of the venues allows.
var venuePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,36}$`)

func newCodec(t testing.TB, prefix string) *clientid.Codec {
	t.Helper()
	c, err := clientid.New(prefix, startMs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func Example() {
	codec, err := clientid.New("hr", startMs)
	if err != nil {
		panic(err)
	}
	id, err := codec.Encode(connector.Owner{Bot: 7, Incarnation: 2}, 41)
	if err != nil {
		panic(err)
	}
	fmt.Println(id)
	owner, orderID, ok := codec.Decode(id)
	fmt.Println(owner.Bot, owner.Incarnation, orderID, ok)
	_, _, ok = codec.Decode("web_9fQ2kLmN")
	fmt.Println(ok)
	// Output:
	// hrAAAAAAAAAAcAAAAAAAAAKQAAAjFl6YQA
	// 7 2 41 true
	// false
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, prefix := range []string{"h", "hr", "h2r", "Z9aA"} {
		c := newCodec(t, prefix)
		for i := range 2000 {
			owner := connector.Owner{Bot: random.Uint64() | 1,
				Incarnation: uint32(random.IntN(clientid.MaxIncarnation + 1))}
			orderID := random.Uint64()
			if i == 0 {
				owner, orderID = connector.Owner{Bot: math.MaxUint64, Incarnation: clientid.MaxIncarnation},
					math.MaxUint64
			}
			id, err := c.Encode(owner, orderID)
			if err != nil {
				t.Fatal(err)
			}
			if !venuePattern.MatchString(id) || !strings.HasPrefix(id, prefix) {
				t.Fatalf("%q is no id for a venue", id)
			}
			gotOwner, gotID, ok := c.Decode(id)
			if !ok || gotOwner != owner || gotID != orderID {
				t.Fatalf("%+v %d became %+v %d %v", owner, orderID, gotOwner, gotID, ok)
			}
		}
	}
}

func TestNoIDTwice(t *testing.T) {
	c := newCodec(t, "hr")
	owner := connector.Owner{Bot: 7, Incarnation: 1}
	var mu sync.Mutex
	seen := make(map[string]bool)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 2000 {
				id, err := c.Encode(owner, 1)
				mu.Lock()
				if err != nil || seen[id] {
					t.Errorf("%q twice, %v", id, err)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	later, err := clientid.New("hr", startMs+8000)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := later.Encode(owner, 1); err != nil || seen[id] {
		t.Errorf("%q again after a restart, %v", id, err)
	}
}

func TestForeignIDs(t *testing.T) {
	c := newCodec(t, "hr")
	own, err := c.Encode(connector.Owner{Bot: 7}, 1)
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := c.Encode(connector.Owner{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "hr", "autoclose-1", own[:len(own)-1], own + "A", "HR" + own[2:], "xx" + own[2:],
		own[:10] + "." + own[11:], own[:10] + "\n" + own[11:], own[:10] + "\r" + own[11:], own[:10] + "=" + own[11:],
		own[:10] + "é" + own[12:], nobody} {
		if _, _, ok := c.Decode(id); ok {
			t.Errorf("%q was taken for our own", id)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, prefix := range []string{"", "hftrn", "a/b", "a-b", "ä"} {
		if _, err := clientid.New(prefix, startMs); !errors.Is(err, clientid.ErrPrefix) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	const endMs = 1577836800000 + 1<<40
	for _, ms := range []int64{0, -1, 1577836799999, endMs, math.MaxInt64, math.MinInt64} {
		if _, err := clientid.New("hr", ms); !errors.Is(err, clientid.ErrTime) {
			t.Errorf("start %d: %v", ms, err)
		}
	}
	c := newCodec(t, "hr")
	if id, err := c.Encode(connector.Owner{Bot: 1, Incarnation: clientid.MaxIncarnation + 1}, 1); !errors.Is(err,
		clientid.ErrIncarnation) || id != "" {
		t.Errorf("%q %v", id, err)
	}
	last, err := clientid.New("hr", endMs-1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := last.Encode(connector.Owner{Bot: 1}, 1); err != nil {
		t.Error(err)
	}
	if _, err := last.Encode(connector.Owner{Bot: 1}, 1); !errors.Is(err, clientid.ErrTime) {
		t.Errorf("the nonce went round: %v", err)
	}
}

func TestAllocations(t *testing.T) {
	c := newCodec(t, "hr")
	var id string
	if n := testing.AllocsPerRun(1000, func() { id, _ = c.Encode(connector.Owner{Bot: 7}, 1) }); n > 1 {
		t.Errorf("Encode allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { c.Decode(id) }); n != 0 {
		t.Errorf("Decode allocates %v times", n)
	}
}

func FuzzDecode(f *testing.F) {
	c := newCodec(f, "hr")
	id, err := c.Encode(connector.Owner{Bot: 7, Incarnation: 3}, 9)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id)
	f.Add("")
	f.Add("hr________________________________")
	f.Add("hrAAAA\nAAA=AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, id string) {
		owner, orderID, ok := c.Decode(id)
		if !ok {
			if owner != (connector.Owner{}) || orderID != 0 {
				t.Fatalf("content of a foreign id %q", id)
			}
			return
		}
		if !venuePattern.MatchString(id) {
			t.Fatalf("%q is no id of ours", id)
		}
		again, err := c.Encode(owner, orderID)
		if err != nil {
			t.Fatal(err)
		}
		// All but the nonce, the last 40 bits, has to be the same text.
		if again[:len(again)-7] != id[:len(id)-7] {
			t.Fatalf("%q means what %q means", id, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	c := newCodec(b, "hr")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 9); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := newCodec(b, "hr")
	id, err := c.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 9)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := c.Decode(id); !ok {
			b.Fatal("not ours")
		}
	}
}
