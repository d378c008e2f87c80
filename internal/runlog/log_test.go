package runlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/runlog"
)

// patience is the time that a test waits for what must come.
const patience = time.Minute

// gate is an output that can be read or not.
type gate struct {
	mu   sync.Mutex
	text bytes.Buffer
	shut sync.Mutex // held while nobody reads
}

func (g *gate) Write(p []byte) (int, error) {
	g.shut.Lock()
	defer g.shut.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}

// count adds up the numbers after a text.
func count(t *testing.T, text, pattern string) (sum int) {
	t.Helper()
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// While nobody reads the output, log calls return, also those of other sources than the one in a flood; what was
// dropped is counted and said when there is room again.
func TestUnreadOutput(t *testing.T) {
	out := &gate{}
	l := runlog.New(runlog.Config{Name: "runner", Level: hclog.Info, Out: out, Verbatim: true})
	out.shut.Lock()
	const n = 100_000
	flood, other := l.Logger().Named("flood"), l.Logger().Named("other")
	for i := range n {
		flood.Warn("refused", "order", i)
	}
	other.Error("something else")
	if l.Flush(time.Millisecond) {
		t.Error("an output that nobody reads has taken everything")
	}
	out.shut.Unlock()
	if !l.Close(patience) {
		t.Fatal("the log does not end")
	}
	text := out.String()
	shown, dropped := strings.Count(text, "runner.flood: refused"), count(t, text, `dropped .*: lines=(\d+)`)
	if shown+dropped != n || dropped == 0 || shown == 0 || !strings.Contains(text,
		"[ERROR] runner.other: something else") {
		t.Errorf("%d lines shown and %d said to be dropped of %d", shown, dropped, n)
	}
}

// Entries that differ only in numbers and ids are shown a few times and then counted, each source by itself.
func TestRepeatedLines(t *testing.T) {
	out := &gate{}
	l := runlog.New(runlog.Config{Level: hclog.Info, Out: out})
	const n = 3000
	for i := range n {
		l.Logger().Named("a").Warn("refused", "order", i, "client_id", fmt.Sprintf("x-%016xab", i), "strategy", "grid1")
		l.Logger().Named("b").Warn("refused", "order", i, "client_id", fmt.Sprintf("x-%016xab", i), "strategy", "grid1")
	}
	l.Logger().Named("a").Warn("refused", "order", 1, "client_id", "x", "strategy", "grid2")
	if !l.Close(patience) {
		t.Fatal("the log does not end")
	}
	text := out.String()
	for _, source := range []string{"a", "b"} {
		shown := strings.Count(text, source+": refused: order")
		more := count(t, text, source+`: refused: .*\(the last of (\d+) more like it`)
		if source == "a" {
			shown-- // the one of grid2
		}
		if shown > 20 || shown-1+more != n {
			t.Errorf("source %s: %d lines shown, %d more said, of %d:\n%.2000s", source, shown, more, n, text)
		}
	}
	// A line that is collapsed has the time at which it is written, so that the log's times never go back, and says its
	// own.
	var last time.Time
	for line := range strings.Lines(text) {
		stamp, rest, _ := strings.Cut(line, " ")
		at, err := time.Parse(hclog.TimeFormat, stamp)
		if err != nil || at.Before(last) {
			t.Fatalf("after %v comes %s", last, line)
		}
		last = at
		if _, own, ok := strings.Cut(strings.TrimSuffix(rest, ")\n"), ", at "); ok {
			if was, err := time.Parse(hclog.TimeFormat, own); err != nil || was.After(at) {
				t.Errorf("the last one's time: %v in %s", err, line)
			}
		} else if strings.Contains(rest, "(the last of") {
			t.Errorf("no time of the last one: %s", line)
		}
	}
	if !strings.Contains(text, "strategy=grid2") || !strings.Contains(text, "order=2999") {
		t.Errorf("an entry of another strategy, or the last one, is missing:\n%.2000s", text)
	}
}

// A source whose entries are all different is bounded, too.
func TestFloodOfDifferentLines(t *testing.T) {
	out := &gate{}
	l := runlog.New(runlog.Config{Level: hclog.Info, Out: out})
	word := func(i int) string { return strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(i)) }
	const n = 3000
	for i := range n {
		l.Logger().Info(word(i))
	}
	if !l.Close(patience) {
		t.Fatal("the log does not end")
	}
	lines := strings.Count(out.String(), "\n")
	if more := count(t, out.String(), `left out: lines=(\d+)`); lines > 1000 || lines-1+more != n {
		t.Errorf("%d lines shown, %d more said, of %d", lines, more, n)
	}
}

// A source in a flood of different entries does not use up the room in which other sources' entries are counted.
func TestFloodBesideRepeatedLines(t *testing.T) {
	out := &gate{}
	l := runlog.New(runlog.Config{Level: hclog.Info, Out: out})
	word := func(i int) string { return strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(i)) }
	for i := range 6000 {
		l.Logger().Named("a").Info(word(i))
		if i%1000 == 0 {
			l.Flush(patience)
		}
	}
	l.Flush(patience)
	const n = 1000
	for i := range n {
		l.Logger().Named("b").Warn("refused", "order", i)
	}
	if !l.Close(patience) {
		t.Fatal("the log does not end")
	}
	if shown := strings.Count(out.String(), "b: refused"); shown > 20 {
		t.Errorf("%d lines shown of %d that repeat each other", shown, n)
	}
}

// What changes after the call is logged as it was.
func TestValuesAreKept(t *testing.T) {
	out := &gate{}
	l := runlog.New(runlog.Config{Level: hclog.Info, Out: out})
	list := []int{1, 2}
	l.Logger().With("with", 7).Info("text", "list", list, "error", errors.New("why"), "pause", time.Second)
	l.Logger().Debug("not shown")
	list[0] = 9
	l.Close(patience)
	if got := out.String(); !strings.Contains(got, `text: with=7 list="[1 2]" error=why pause=1s`) ||
		strings.Contains(got, "not shown") {
		t.Errorf("got %s", got)
	}
}

func TestFileIsRotated(t *testing.T) {
	dir := t.TempDir()
	f := runlog.NewFile(runlog.FileConfig{Path: filepath.Join(dir, "logs", "a.log"), Megabytes: 1, Files: 3})
	line := []byte(strings.Repeat("x", 32<<10-1) + "\n")
	for range 32 * 8 { // 8 MB
		if _, err := f.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	var size int64
	files, err := filepath.Glob(filepath.Join(dir, "logs", "a*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if len(files) > 3 || size > 3<<20 || size < 1<<20 {
		t.Errorf("%d bytes in %v", size, files)
	}
}

// A file that cannot be written, or is removed, is reported once, and again when it is over.
func TestFileInTrouble(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	var told []string
	f := runlog.NewFile(runlog.FileConfig{Path: filepath.Join(dir, "a.log"), Megabytes: 1, Files: 2,
		Trouble: func(err error, lost int) {
			told = append(told, fmt.Sprintf("%t %d", err != nil, lost))
		}})
	defer f.Close()
	write := func() {
		if n, err := f.Write([]byte("one\ntwo\n")); n != 8 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // no directory can be made there
		t.Fatal(err)
	}
	for range 3 {
		write()
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	write()
	write()
	if got := strings.Join(told, ", "); got != "true 0, false 6" {
		t.Errorf("told %s", got)
	}
	told = nil
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); len(told) < 2 &&
		time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		write()
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a.log")); err != nil || string(text) != "one\ntwo\n" ||
		len(told) != 2 {
		t.Errorf("%q, %v; told %v", text, err, told)
	}
}

func TestWriteWithin(t *testing.T) {
	out := &gate{}
	if err := runlog.WriteWithin(out, patience, []byte("text")); err != nil || out.String() != "text" {
		t.Errorf("%v, %q", err, out.String())
	}
	out.shut.Lock()
	defer out.shut.Unlock()
	if err := runlog.WriteWithin(out, time.Millisecond, []byte("text")); err == nil {
		t.Error("no error for an output that nobody reads")
	}
}

func Example() {
	l := runlog.New(runlog.Config{Name: "runner", Level: hclog.Info, Out: withoutTime{}})
	l.Logger().Named("test").Warn("private stream down", "reason", "connection refused")
	l.Close(time.Second)
	// Output:
	// [WARN]  runner.test: private stream down: reason="connection refused"
}

// withoutTime prints lines without their time.
type withoutTime struct{}

func (withoutTime) Write(p []byte) (int, error) {
	_, rest, _ := strings.Cut(string(p), " ")
	fmt.Print(rest)
	return len(p), nil
}
