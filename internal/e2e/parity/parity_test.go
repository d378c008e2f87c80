package parity_test

import (
	"strings"
	"testing"
)

// worlds are the environments in which scripts run. The first is the one that the others are compared with.
func worlds() []struct {
	name string
	make func(tb testing.TB, m *market) *player
} {
	return []struct {
		name string
		make func(tb testing.TB, m *market) *player
	}{{"backtest", inBacktest}, {"memory", inMemory}, {"paper", inPaper}}
}

// TestParity plays every script in every world: the transcripts are the same.
func TestParity(t *testing.T) {
	names := make(map[string]bool)
	for _, s := range scripts() {
		if names[s.name] {
			t.Fatalf("two scripts are called %q", s.name)
		}
		names[s.name] = true
		t.Run(s.name, func(t *testing.T) {
			var first string
			for i, w := range worlds() {
				if w.name == "memory" && !s.limits.IsZero() {
					continue
				}
				p := w.make(t, &s.market)
				s.run(p)
				got := p.transcript()
				if i == 0 {
					first = got
					checkLines(t, got, s.contains)
					if testing.Verbose() {
						t.Log("\n" + got)
					}
				} else if got != first {
					t.Errorf("%s differs from %s\n%s", w.name, worlds()[0].name, difference(first, got))
				}
			}
		})
	}
}

// checkLines checks that a transcript has lines that contain the wanted texts, in their order.
func checkLines(t *testing.T, transcript string, wanted []string) {
	t.Helper()
	lines := strings.Split(transcript, "\n")
	from := 0
	for _, want := range wanted {
		for ; from < len(lines) && !strings.Contains(lines[from], want); from++ {
		}
		if from == len(lines) {
			t.Errorf("not in the transcript, or not in this place: %q\n%s", want, transcript)
			return
		}
		from++
	}
}

// difference shows the first line in which two transcripts differ, with what led to it.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	from := max(n-12, 0)
	return strings.Join(a[from:n], "\n") + "\n--- want\n" + strings.Join(a[n:min(n+4, len(a))], "\n") +
		"\n--- got\n" + strings.Join(b[n:min(n+4, len(b))], "\n")
}
