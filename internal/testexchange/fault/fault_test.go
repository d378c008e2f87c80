package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

func armed(t testing.TB, text string) *fault.Set {
	t.Helper()
	f, err := fault.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s := fault.NewSet(7)
	if err := s.Arm(f); err != nil {
		t.Fatal(err)
	}
	return s
}

func hits(s *fault.Set, name fault.Name, n int) (list []int) {
	for i := range n {
		if _, hit := s.Hit(name, "POST /order"); hit {
			list = append(list, i)
		}
	}
	return list
}

func TestWhenItHappens(t *testing.T) {
	for text, want := range map[string][]int{
		"ack-lost":                       {0, 1, 2, 3, 4, 5},
		"ack-lost=count:2":               {0, 1},
		"ack-lost=after:3,count:2":       {3, 4},
		"ack-lost=only:POST,count:1":     {0},
		"ack-lost=only:GET":              nil,
		"listen-key-expired":             nil, // another name
		"ack-lost=p:1,after:5,for:100ms": {5},
	} {
		if got := hits(armed(t, text), fault.AckLost, 6); !slices.Equal(got, want) {
			t.Errorf("%s hits %v, want %v", text, got, want)
		}
	}
	if got := hits(armed(t, "cut-connections"), fault.CutConnections, 5); !slices.Equal(got, []int{0}) {
		t.Errorf("an action happens at %v, want once", got)
	}
}

func TestSameSeedSameHits(t *testing.T) {
	a, b := armed(t, "ack-lost=0.3"), armed(t, "ack-lost=0.3")
	if err := b.Arm(fault.Fault{Name: fault.DropUserEvent, Probability: 0.5}); err != nil {
		t.Fatal(err)
	}
	hits(b, fault.DropUserEvent, 17) // another fault's dice are its own
	got := hits(a, fault.AckLost, 1000)
	if !slices.Equal(got, hits(b, fault.AckLost, 1000)) {
		t.Error("hits depend on another fault")
	}
	if len(got) < 200 || len(got) > 400 {
		t.Errorf("%d of 1000 hits at 0.3", len(got))
	}
	if status := a.Armed(); len(status) != 1 || status[0].Opportunities != 1000 || status[0].Hits != len(got) {
		t.Errorf("status %+v", status)
	}
}

func TestParse(t *testing.T) {
	f, err := fault.Parse("depth-gap=count:2,after:100,value:3,for:50ms,p:0.5,only:btc")
	want := fault.Fault{Name: fault.DepthGap, Probability: 0.5, Count: 2, After: 100, Value: 3,
		Duration: 50 * time.Millisecond, Only: "btc"}
	if err != nil || f != want {
		t.Errorf("%+v, %v; want %+v", f, err, want)
	}
	for _, bad := range []string{"", "nothing", "ack-lost=2", "ack-lost=-0.1", "ack-lost=0", "ack-lost=count:x",
		"ack-lost=what:1", "ack-lost=NaN", "ack-lost=for:-1s", "ack-lost=count:-1"} {
		if f, err := fault.Parse(bad); err == nil {
			t.Errorf("%q was taken as %+v", bad, f)
		}
	}
	if _, err := fault.Parse("nothing"); !errors.Is(err, fault.ErrUnknown) {
		t.Errorf("unknown name: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("depth-gap=count:2,after:100,value:3,for:50ms,p:0.5,only:btc")
	f.Add("ack-lost=0.1")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := fault.Parse(text)
		if err != nil {
			return
		}
		if err := fault.NewSet(1).Arm(parsed); err != nil {
			t.Errorf("%q is parsed and not armed: %v", text, err)
		}
	})
}

func BenchmarkHitUnarmed(b *testing.B) {
	s := fault.NewSet(1)
	if n := testing.AllocsPerRun(100, func() { s.Hit(fault.Silent, "x") }); n != 0 {
		b.Errorf("%v allocations", n)
	}
	for b.Loop() {
		s.Hit(fault.Silent, "x")
	}
}

func Example() {
	s := fault.NewSet(1)
	f, err := fault.Parse("ack-lost=count:1,after:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Arm(f); err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_, hit := s.Hit(fault.AckLost, "POST /fapi/v1/order")
		fmt.Println(hit)
	}
	// Output:
	// false
	// true
	// false
}
