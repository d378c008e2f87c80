package recording_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	dir, err := os.MkdirTemp("", "recording")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "btcusdt_20240808")
	_ = os.WriteFile(name, []byte("1000 {\"e\":\"trade\"}\nnot a line\n2000 {}\n"), 0o600)

	r, err := recording.Open(recording.Config{Files: []string{name}, OnProblem: func(p recording.Problem) error {
		fmt.Println("line", p.Line, "is a", p.Kind)
		return nil
	}})
	if err != nil {
		fmt.Println(err)
	}
	defer r.Close()
	for {
		timestampNs, message, err := r.Next()
		if err != nil {
			break
		}
		fmt.Println(timestampNs, string(message))
	}
	// Output:
	// 1000 {"e":"trade"}
	// line 2 is a bad line
	// 2000 {}
}

func zipped(t *testing.T, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range members {
		w := gzip.NewWriter(&buf)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// write stores the contents as files f0, f1... and returns their names.
func write(t *testing.T, contents ...[]byte) []string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i, content := range contents {
		name := filepath.Join(dir, fmt.Sprintf("f%d", i))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// read returns what a recording holds, one text a line, and what is wrong with it.
func read(t *testing.T, maxLineBytes int, contents ...[]byte) (lines, problems []string) {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: write(t, contents...), MaxLineBytes: maxLineBytes, OnProblem: func(p recording.Problem) error {
		problems = append(problems, fmt.Sprintf("%s:%d: %v", filepath.Base(p.File), p.Line, p.Kind))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		timestampNs, message, err := r.Next()
		if err == io.EOF {
			if done, size := r.BytesRead(), r.TotalBytes(); done != size && len(problems) == 0 {
				t.Errorf("%d of %d bytes are read at the end", done, size)
			}
			return lines, problems
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("f%d:%d %d %.20s", r.FileNo(), r.Line(), timestampNs, message))
	}
}

// A time that is zero or ten years ahead makes its line a bad one, wherever it stands; what comes after counts from the
// good ones.
func TestWrongTimes(t *testing.T) {
	const now, tenYears = 1_700_000_000_000_000_000, 315_360_000_000_000_000
	text := fmt.Sprintf("0 a\n%d b\n%d c\n0 d\n%d e\n", now, now+tenYears, now+1)
	lines, problems := read(t, 0, []byte(text), fmt.Appendf(nil, "%d f\n%d g\n%d h\n", now+2*tenYears, now+int64(hft.MaxTimeJump), now+int64(hft.MaxTimeJump)))
	if want := []string{fmt.Sprintf("f0:2 %d b", now), fmt.Sprintf("f0:5 %d e", now+1), fmt.Sprintf("f1:2 %d g", now+int64(hft.MaxTimeJump)),
		fmt.Sprintf("f1:3 %d h", now+int64(hft.MaxTimeJump))}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	if want := []string{"f0:1: bad line", "f0:3: bad line", "f0:4: bad line", "f1:1: bad line"}; !slices.Equal(problems, want) {
		t.Errorf("%q, want %q", problems, want)
	}
}

// A time that is days from its neighbours' makes its line a bad one, wherever it stands; a pause of days is none.
func TestTimesAlone(t *testing.T) {
	const now, day = int64(1_700_000_000_000_000_000), int64(24 * time.Hour)
	for _, test := range []struct {
		name string
		days []int64
		bad  []int
	}{
		{"ahead", []int64{0, 0, 30, 0, 0}, []int{3}},
		{"back", []int64{0, 0, -30, 0, 0}, []int{3}},
		{"first ahead", []int64{30, 0, 0}, []int{1}},
		{"first back", []int64{-30, 0, 0}, []int{1}},
		{"second ahead", []int64{0, 2, 0, 0}, []int{2}},
		{"last ahead", []int64{0, 0, 30}, []int{3}},
		{"two", []int64{0, 0, 30, 15, 0, 0}, []int{3, 4}},
		{"a pause", []int64{0, 0, 5, 5, 5}, nil},
		{"a pause at the start", []int64{0, 5, 5}, []int{1}},
	} {
		var text []byte
		var want, bad []string
		for i, days := range test.days {
			text = fmt.Appendf(text, "%d a\n", now+days*day)
			if slices.Contains(test.bad, i+1) {
				bad = append(bad, fmt.Sprintf("f0:%d: bad line", i+1))
			} else {
				want = append(want, fmt.Sprintf("f0:%d %d a", i+1, now+days*day))
			}
		}
		if lines, problems := read(t, 0, text); !slices.Equal(lines, want) || !slices.Equal(problems, bad) {
			t.Errorf("%s: %q %q, want %q %q", test.name, lines, problems, want, bad)
		}
	}
}

// A single time that could be a pause, or a clock that was set, is wrong when the lines beside it agree with each
// other. What lines agree on stands.
func TestStrayTimes(t *testing.T) {
	const hour, day = int64(time.Hour), 24 * int64(time.Hour)
	for _, c := range []struct {
		name  string
		files [][]int64 // the times, from some time on
		want  string    // a letter each: used, bad or backwards
	}{
		{"ahead", [][]int64{{0, 1, 20 * day, 2, 3}}, "uubuu"},
		{"hours ahead", [][]int64{{0, 1, 20 * hour, 2, 3}}, "uubuu"},
		{"behind", [][]int64{{0, 1, -20 * day, 2, 3}}, "uubuu"},
		{"hours behind", [][]int64{{0, 1, -20 * hour, 2, 3}}, "uubuu"},
		{"one after the other", [][]int64{{0, 1, 20 * day, 2, -20 * day, 3, 20 * hour, 4}}, "uubububu"},
		{"first ahead", [][]int64{{20 * day, 0, 1, 2}}, "buuu"},
		{"first behind", [][]int64{{-20 * day, 0, 1, 2}}, "buuu"},
		{"second ahead", [][]int64{{0, 20 * day, 1, 2}}, "ubuu"},
		{"last ahead", [][]int64{{0, 1, 2, 20 * day}}, "uuub"},
		{"last behind", [][]int64{{0, 1, 2, -20 * day}}, "uuub"},
		{"last of a file", [][]int64{{0, 1, 20 * day}, {day, day + 1}}, "uubuu"},
		{"first of a file", [][]int64{{0, 1}, {20 * day, day, day + 1}}, "uubuu"},
		{"a pause", [][]int64{{0, 1, 20 * day, 20*day + 1}}, "uuuu"},
		{"hours after the first, before the last", [][]int64{{0, 5 * hour, 5*hour + 1, 10 * hour}}, "uuuu"},
		{"days apart", [][]int64{{0}, {day}, {2 * day}}, "uuu"},
		{"hours ahead, twice", [][]int64{{0, 5 * hour, 5*hour + 1, 1, 2}}, "ubbuu"},
		{"days ahead, twice", [][]int64{{0, 1, 20 * day, 20*day + 1, 2, 3}}, "uubbuu"},
		{"days behind, twice", [][]int64{{0, 1, -20 * day, 1 - 20*day, 2, 3}}, "uubbuu"},
		{"years ahead, twice", [][]int64{{0, 1, 2000 * day, 2000*day + 1, 2, 3}}, "uubbuu"},
		{"ahead of each other", [][]int64{{0, 1, 20 * day, 20*day + 1, 25 * day, 25*day + 1, 3 * day, 3*day + 1, 2, 3}}, "uubbbbbbuu"},
		{"ahead, with a good line between", [][]int64{{0, 1, 20 * day, 20*day + 1, 2, 20*day + 2, 20*day + 3, 3, 4}}, "uubbubbuu"},
		{"first ahead, twice", [][]int64{{20 * day, 20*day + 1, 0, 1, 2, 3}}, "bbuuuu"},
		{"the last of a file and the first of the next", [][]int64{{0, 1, 20 * day}, {20*day + 1, day, day + 1}}, "uubbuu"},
		{"a pause with a wrong line behind it", [][]int64{{0, 1, 5 * day, 5*day + 1, 3 * day, 5*day + 2, 5*day + 3}}, "uuuubuu"},
		{"days behind for good", [][]int64{{0, 1, 2, 3, -20 * day, 1 - 20*day}}, "uuuubb"},
		{"files that overlap", [][]int64{{0, 1, 2}, {-2 * hour, -hour * 3 / 2, -hour, -hour / 2, 3}}, "uuu<uuuu"},
		{"a clock set back by less than an hour", [][]int64{{0, hour / 2, hour/2 + 1, 1, 2}}, "uuu<u"},
		{"a clock set back by hours", [][]int64{{0, hour, 2 * hour, 3 * hour, 4 * hour, 1, 2}}, "uuuuu<u"},
		{"a second back", [][]int64{{0, int64(time.Second), 1, 2}}, "uu<u"},
	} {
		var contents [][]byte
		for _, times := range c.files {
			var text []byte
			for _, ns := range times {
				text = fmt.Appendf(text, "%d m%d\n", 1_700_000_000_000_000_000+ns, ns)
			}
			contents = append(contents, text)
		}
		got := ""
		r, err := recording.Open(recording.Config{Files: write(t, contents...), OnProblem: func(p recording.Problem) error {
			got += map[recording.ProblemKind]string{recording.BadLine: "b", recording.TimeBackwards: "<"}[p.Kind]
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		for {
			timestampNs, message, err := r.Next()
			if err == io.EOF {
				break
			}
			if want := fmt.Sprintf("m%d", timestampNs-1_700_000_000_000_000_000); err != nil || string(message) != want {
				t.Fatalf("%s: %q, want %q; %v", c.name, message, want, err)
			}
			got += "u"
		}
		r.Close()
		if got := strings.ReplaceAll(got, "<u", "<"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Runs of wrong times, of any length that can be looked over and in both directions, are bad lines, and nothing else
// is.
func TestExcursions(t *testing.T) {
	const hour = int64(time.Hour)
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		var text []byte
		var want, bad []string
		ns, line := int64(1_700_000_000_000_000_000), 0
		write := func(n int, offsetNs int64) {
			for range n {
				if line++; offsetNs == 0 {
					want = append(want, fmt.Sprintf("f0:%d %d a", line, ns))
				} else {
					bad = append(bad, fmt.Sprintf("f0:%d: bad line", line))
				}
				text = fmt.Appendf(text, "%d a\n", ns+offsetNs)
				ns += random.Int64N(int64(time.Second))
			}
		}
		for range 5 {
			write(2000, 0)
			offsetNs := 3*hour + random.Int64N(40*24*hour)
			if random.IntN(2) == 0 {
				offsetNs = -offsetNs
			}
			write(1+random.IntN(500), offsetNs)
			write(500+random.IntN(500), 0)
			ns += random.Int64N(5 * 24 * hour) // a pause
		}
		write(2000, 0)
		if lines, problems := read(t, 0, text); !slices.Equal(lines, want) || !slices.Equal(problems, bad) {
			t.Errorf("seed %d: %d lines, want %d; %d problems, want %d", seed, len(lines), len(want), len(problems), len(bad))
		}
	}
}

// TestFilesApart: a file that as a whole cannot follow the one before ends the reading, rather than all its lines being
// bad.
func TestFilesApart(t *testing.T) {
	const day = int64(24 * time.Hour)
	for _, c := range []struct {
		days       int64
		used, want string
	}{
		{31, "aabb", ""},
		{40, "aa", "f1:2: from here on the file is of 2023-12-24T22:13:20.000000001Z, more than 31 days after "},
		{2, "aabb", ""},
		{-1, "aa", "f1:2: from here on the file is of 2023-11-13T22:13:20Z, and "},
	} {
		const now = 1_700_000_000_000_000_000
		files := write(t, fmt.Appendf(nil, "%d a\n%d a\n", now, now+1), fmt.Appendf(nil, "0 x\n%d b\n%[1]d b\n", now+1+c.days*day+min(c.days, 0)))
		r, err := recording.Open(recording.Config{Files: files})
		if err != nil {
			t.Fatal(err)
		}
		used := ""
		var text []byte
		for err == nil {
			used += string(text)
			_, text, err = r.Next()
		}
		if used != c.used || (c.want == "") != (err == io.EOF) || err != io.EOF && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d days: %s are used, then %v", c.days, used, err)
		}
		r.Close()
	}
}

// What was found among lines that are read before their turn is told in its turn.
func TestProblemsInTheirTurn(t *testing.T) {
	const now, day = int64(1_700_000_000_000_000_000), int64(24 * time.Hour)
	lines, problems := read(t, 40, fmt.Appendf(nil, "%d a\n%d b\nx\n%d %s\n%d c\n%d d\n", now, now+1, now, strings.Repeat("y", 40), now+20*day, now+2))
	if want := []string{"f0:3: bad line", "f0:4: bad line", "f0:5: bad line"}; len(lines) != 3 || !slices.Equal(problems, want) {
		t.Errorf("%q, %q", lines, problems)
	}
}

// A wrong time at the start does not make the later lines wrong: those are true that agree with each other.
func TestWrongFirstTimes(t *testing.T) {
	const now, tenYears = 1_700_000_000_000_000_000, 315_360_000_000_000_000
	good := fmt.Sprintf("%d b\n%d c\n", now, now+1)
	for _, c := range []struct {
		name            string
		text            string
		lines, problems []string
	}{
		{"first ahead", fmt.Sprintf("%d a\n", now+tenYears) + good, []string{"f0:2 b", "f0:3 c"}, []string{"f0:1: bad line"}},
		{"first behind", "5 a\n" + good, []string{"f0:2 b", "f0:3 c"}, []string{"f0:1: bad line"}},
		{"second behind", fmt.Sprintf("%d a\n%d x\n", now, now-tenYears) + good, []string{"f0:1 a", "f0:3 b", "f0:4 c"}, []string{"f0:2: bad line"}},
		{"two ahead", fmt.Sprintf("%d a\n0 y\n%d x\n", now+tenYears, now+2*tenYears) + good, []string{"f0:4 b", "f0:5 c"},
			[]string{"f0:1: bad line", "f0:2: bad line", "f0:3: bad line"}},
		{"behind in the middle", good + "7 x\n" + fmt.Sprintf("%d d\n", now+2), []string{"f0:1 b", "f0:2 c", "f0:4 d"}, []string{"f0:3: bad line"}},
		{"alone", "5 a\n", []string{"f0:1 a"}, nil},
		{"none agree", fmt.Sprintf("5 a\n%d b\n", now), []string{"f0:1 a"}, []string{"f0:2: bad line"}},
	} {
		lines, problems := read(t, 0, []byte(c.text))
		for i, l := range lines {
			words := strings.Fields(l)
			lines[i] = words[0] + " " + words[2]
		}
		if !slices.Equal(lines, c.lines) || !slices.Equal(problems, c.problems) {
			t.Errorf("%s: %q, want %q; %q, want %q", c.name, lines, c.lines, problems, c.problems)
		}
	}
}

func TestLines(t *testing.T) {
	const bound = 1 << 19
	filler := strings.Repeat("x", bound)
	for _, c := range []struct {
		name            string
		contents        [][]byte
		lines, problems []string
	}{
		{"plain without a last newline", [][]byte{[]byte("1 a\r\n2 b")}, []string{"f0:1 1 a", "f0:2 2 b"}, nil},
		{"empty", [][]byte{nil, []byte("\n"), []byte("1 a\n")}, []string{"f2:1 1 a"}, []string{"f1:1: bad line"}},
		{"members", [][]byte{zipped(t, "1 a\n2", " b\n", "3 c"), []byte("4 d\n")}, []string{"f0:1 1 a", "f0:2 2 b", "f0:3 3 c", "f1:1 4 d"}, nil},
		{"no time", [][]byte{[]byte("a\n1\n -1 x\n9223372036854775808 x\n9223372036854775807 y\n")}, []string{"f0:5 9223372036854775807 y"},
			[]string{"f0:1: bad line", "f0:2: bad line", "f0:3: bad line", "f0:4: bad line"}},
		{"backwards", [][]byte{[]byte("5 a\n3 b\n4 c\n5 d\n"), []byte("1 e\n6 f\n")},
			[]string{"f0:1 5 a", "f0:2 3 b", "f0:3 4 c", "f0:4 5 d", "f1:1 1 e", "f1:2 6 f"},
			[]string{"f0:2: time runs backwards", "f1:1: time runs backwards"}},
		{"long", [][]byte{[]byte("1 " + filler[:bound-2] + "\n2 " + filler + "\n3 c\n4 " + strings.Repeat(filler, 4) + "\n5 e\n6 " + filler)},
			[]string{"f0:1 1 " + filler[:20], "f0:3 3 c", "f0:5 5 e"}, []string{"f0:2: bad line", "f0:4: bad line", "f0:6: bad line"}},
		{"header cut off", [][]byte{zipped(t, "1 a\n")[:7], []byte("2 b\n")}, []string{"f1:1 2 b"}, []string{"f0:1: damaged file"}},
	} {
		lines, problems := read(t, bound, c.contents...)
		if !slices.Equal(lines, c.lines) || !slices.Equal(problems, c.problems) {
			t.Errorf("%s: %q, problems %q", c.name, lines, problems)
		}
	}
}

// Times in any unit are those of nanoseconds, and a file whose unit is another is told of once.
func TestUnits(t *testing.T) {
	const second = 1_700_000_000
	var contents [][]byte
	var want []string
	for n, digits := range []string{"", "000", "000000", "000000000"} {
		contents = append(contents, fmt.Appendf(nil, "%d%s a\n%d%s b\n", second+n, digits, second+n, digits))
		for line, what := range []string{"a", "b"} {
			want = append(want, fmt.Sprintf("f%d:%d %d000000000 %s", n, line+1, second+n, what))
		}
	}
	contents[3] = append(contents[3], fmt.Sprintf("%d c\n", second/2)...) // a wrong line is no example of a unit
	lines, problems := read(t, 0, contents...)
	if told := []string{"f0:1: unit of times", "f1:1: unit of times", "f2:1: unit of times", "f3:3: bad line"}; !slices.Equal(lines, want) || !slices.Equal(problems, told) {
		t.Errorf("%q, want %q, problems %q", lines, want, problems)
	}
}

// TestCutOffFile cuts a gzip file at every length: what can be read is, and the cut is reported once.
func TestCutOffFile(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "%d {\"p\":%d}\n", 1000+i, i*i*7919)
	}
	whole := zipped(t, text.String())
	for n := 3; n < len(whole); n++ {
		lines, problems := read(t, 0, whole[:n], []byte("5000 {}\n"))
		if len(problems) != 1 || problems[0] != fmt.Sprintf("f0:%d: damaged file", len(lines)) || lines[len(lines)-1] != "f1:1 5000 {}" {
			t.Fatalf("%d bytes of %d: %d lines, problems %q", n, len(whole), len(lines), problems)
		}
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // the checksum
	if lines, problems := read(t, 0, flipped); len(lines) != 50 || !slices.Equal(problems, []string{"f0:51: damaged file"}) {
		t.Errorf("a wrong checksum gives %d lines, %q", len(lines), problems)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		config recording.Config
		want   string
	}{
		{recording.Config{}, "no files; at least one"},
		{recording.Config{Files: []string{dir}}, "is not a file"},
		{recording.Config{Files: []string{filepath.Join(dir, "no")}}, "HFTRUNNER_DATA"},
		{recording.Config{Files: []string{"x"}, MaxLineBytes: -1}, "MaxLineBytes is -1"},
	} {
		if _, err := recording.Open(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	cause := errors.New("enough")
	var seen recording.Problem
	r, err := recording.Open(recording.Config{Files: write(t, []byte("1 a\nx\n2 b\n")), OnProblem: func(p recording.Problem) error { seen = p; return cause }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Next(); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Next(); !errors.Is(err, cause) || seen.Line != 2 || !strings.Contains(seen.Error(), `f0:2: the line does not start`) ||
		!strings.Contains(seen.Error(), "; repair or remove the line") {
		t.Errorf("%v, %v", err, seen)
	}
	if timestampNs, _, err := r.Next(); timestampNs != 2 || err != nil {
		t.Errorf("behind the problem: %d, %v", timestampNs, err)
	}
}

// TestFileGone removes a file after the reading began with another.
func TestFileGone(t *testing.T) {
	names := write(t, []byte(strings.Repeat("1 aaaaaaaaaaaaaaaa\n", 100_000)), []byte("2 b\n"))
	r, err := recording.Open(recording.Config{Files: names})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Remove(names[1]); err != nil { // at most three blocks of the first file have been read
		t.Fatal(err)
	}
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "it was there when the reading began") {
		t.Errorf("the reading ends with %v", err)
	}
}

// TestClose closes in the middle while another goroutine reads.
func TestClose(t *testing.T) {
	names := write(t, zipped(t, strings.Repeat("1 aaaaaaaaaaaaaaaa\n", 200_000)))
	for n := range 20 {
		r, err := recording.Open(recording.Config{Files: names})
		if err != nil {
			t.Fatal(err)
		}
		for range n * 5000 {
			if _, _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error)
		go func() {
			var err error
			for err == nil {
				_, _, err = r.Next()
			}
			ended <- err
		}()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) && err != io.EOF {
			t.Errorf("the reading ended with %v", err)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	r, err := recording.Open(recording.Config{Files: write(t, zipped(t, strings.Repeat("1 aaaaaaaaaaaaaaaa\n", 400_000)))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := testing.AllocsPerRun(10, func() {
		for range 30_000 {
			if _, _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 5 {
		// Reading ahead may allocate now and then, not per line.
		t.Errorf("%v allocations for 30000 lines", n)
	}
}

// FuzzReader reads arbitrary bytes as a file: no panic, an end, and no line that the file cannot hold.
func FuzzReader(f *testing.F) {
	f.Add([]byte("1 {}\n2 {}\n"))
	f.Add([]byte("\x1f\x8b\x08"))
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write([]byte("1 {}\n2 {}\n"))
	_ = w.Close()
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:20])
	archive := archived(f, member{"1.data", "1 {}\n2 {}\n"}, member{"2.data", "{\"ts\":3}\n4 {}"})
	f.Add(archive)
	f.Add(archive[:len(archive)-30])
	f.Add([]byte("{\"ts\":3}\n4 {}\n{\"ts\":5}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := recording.Open(recording.Config{Files: []string{name}, MaxLineBytes: 1 << 16, TimeNs: func(message []byte) (int64, error) { return int64(len(message)), nil }})
		if err != nil && bytes.HasPrefix(content, []byte("PK")) {
			return // no whole archive, or of something else
		}
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for last := 0; ; {
			timestampNs, message, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil || timestampNs < 0 || len(message) > 1<<16 || bytes.IndexByte(message, '\n') >= 0 || r.Line() <= last {
				t.Fatalf("line %d after %d: %d %q %v", r.Line(), last, timestampNs, message, err)
			}
			last = r.Line()
		}
	})
}
