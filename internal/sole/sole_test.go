package sole

import (
	"errors"
	"strings"
	"testing"
)

// refused returns what f panics with.
func refused(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = v.(string)
		}
	}()
	f()
	return ""
}

func TestMark(t *testing.T) {
	var m Mark
	for range 2 {
		m.Check("x.Read")
		m.Enter("x.Wait")
		for _, f := range []func(){func() { m.Enter("x.Send") }, func() { m.Check("x.Send") }} {
			done := make(chan string)
			go func() { done <- refused(f) }()
			if text := <-done; !strings.Contains(text, "x.Send is called while another goroutine") {
				t.Errorf("panics with %q", text)
			}
		}
		want := errors.New("no")
		if err := m.Call(func() error {
			m.Check("x.Read")
			if !m.InCallback() {
				t.Error("not in a callback")
			}
			return want
		}); err != want || m.InCallback() {
			t.Errorf("%v, in callback %v", err, m.InCallback())
		}
		if refused(func() { m.Enter("x.Send") }) == "" {
			t.Error("after a callback the call goes on")
		}
		m.Leave()
	}
	m.Enter("x.Wait")
	func() {
		defer func() { _ = recover() }()
		_ = m.Call(func() error { panic("of the caller") })
	}()
	m.Enter("x.Wait") // a program that recovers may go on
	m.Leave()
	if n := testing.AllocsPerRun(100, func() { m.Enter("x.Wait"); m.Leave() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMark(b *testing.B) {
	var m Mark
	for range b.N {
		m.Enter("x.Wait")
		m.Leave()
	}
}
