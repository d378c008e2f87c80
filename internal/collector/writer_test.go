package collector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/internal/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noonNs = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano()

// read returns the lines of a file as the reader of recordings sees them, and its problems.
func read(t testing.TB, name string) (lines []string, problems []recording.Problem) {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: []string{name}, OnProblem: func(p recording.Problem) error {
		problems = append(problems, p)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		ns, message, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, problems
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%d %s", ns, message))
	}
}

func newWriter(t testing.TB, dir string) *Writer {
	t.Helper()
	w, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// want reads a file back and compares.
func want(t testing.TB, name string, lines ...string) {
	t.Helper()
	got, problems := read(t, name)
	if !slices.Equal(got, lines) || len(problems) > 0 {
		t.Errorf("%s: %d lines %q, problems %v; want %d lines %q", filepath.Base(name), len(got), got, problems,
			len(lines), lines)
	}
}

func line(ns int64, message string) string { return fmt.Sprintf("%d %s", ns, message) }

func TestDaysSymbolsAndMembers(t *testing.T) {
	dir := t.TempDir()
	midnightNs := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixNano()
	w := newWriter(t, dir)
	w.Record("BTCUSDT", midnightNs-1, []byte(`{"a":1}`))
	w.Record("ETHUSDT", midnightNs-1, []byte("{\n\"b\":\r\n2}"))
	w.Record("BTCUSDT", midnightNs, []byte(`{"a":2}`))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Record("BTCUSDT", midnightNs, []byte("after Close"))
	again := newWriter(t, dir) // another run on the same day
	again.Record("BTCUSDT", midnightNs+5, []byte(`{"a":3}`))
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "btcusdt_20261122.gz"), line(midnightNs-1, `{"a":1}`))
	want(t, filepath.Join(dir, "ethusdt_20261122.gz"), line(midnightNs-1, `{ "b":  2}`))
	want(t, filepath.Join(dir, "btcusdt_20261123.gz"), line(midnightNs, `{"a":2}`), line(midnightNs+5, `{"a":3}`))
	stats := w.Stats()
	if len(stats) != 2 || stats[0].Symbol != "BTCUSDT" || stats[0].Lines != 2 || len(stats[0].Files) != 2 ||
		stats[0].FileBytes == 0 || stats[0].Repaired {
		t.Errorf("%+v", stats)
	}
	// What any gzip reader says: two members.
	raw, err := os.ReadFile(filepath.Join(dir, "btcusdt_20261123.gz"))
	if err != nil || bytes.Count(raw, []byte{0x1f, 0x8b, 8}) != 2 {
		t.Errorf("%d members, %v", bytes.Count(raw, []byte{0x1f, 0x8b, 8}), err)
	}
}

func TestTimesThatRunBackwards(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, dir)
	w.Record("B", noonNs, []byte("first"))
	w.Record("B", noonNs-int64(3*time.Second), []byte("overtaken"))
	w.Record("B", noonNs-int64(24*time.Hour), []byte("the clock was set back"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, problems := read(t, filepath.Join(dir, "b_20261122.gz"))
	lines := []string{line(noonNs, "first"), line(noonNs, "overtaken"),
		line(noonNs-int64(24*time.Hour), "the clock was set back")}
	if !slices.Equal(got, lines) || len(problems) != 1 || problems[0].Kind != recording.TimeBackwards {
		t.Errorf("%q, %v", got, problems)
	}
}

// What has been flushed can be read while the writer lives, which is what a kill leaves.
func TestFlushed(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, dir)
	defer w.Close()
	w.Record("BTCUSDT", noonNs, []byte(`{"a":1}`))
	name := filepath.Join(dir, "btcusdt_20261122.gz")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if stats := w.Stats(); stats[0].FileBytes > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is written")
		}
	}
	got, problems := read(t, name)
	if !slices.Equal(got, []string{line(noonNs, `{"a":1}`)}) || len(problems) != 1 ||
		problems[0].Kind != recording.Damaged {
		t.Errorf("%q, %v", got, problems)
	}
	// Another recorder is told to stay away.
	other := newWriter(t, dir)
	other.Record("BTCUSDT", noonNs, []byte(`{"b":1}`))
	<-other.Failed()
	if err := other.Close(); err == nil || !strings.Contains(err.Error(), "another recorder") {
		t.Errorf("got %v", err)
	}
}

// flushedFile returns a file of two whole members and one of three flushes that was not ended, and where the flushes
// end.
func flushedFile(t testing.TB) (raw []byte, lines []string, ends []int) {
	t.Helper()
	var b bytes.Buffer
	add := func(zip *gzip.Writer, n int) {
		for i := range n {
			l := line(noonNs+int64(len(lines)), fmt.Sprintf(`{"i":%d,"data":%q}`, i, strings.Repeat("x", i%97)))
			lines = append(lines, l)
			_, _ = zip.Write([]byte(l + "\n"))
		}
	}
	for range 2 {
		zip := gzip.NewWriter(&b)
		add(zip, 50)
		_ = zip.Close()
	}
	ends = append(ends, b.Len())
	zip := gzip.NewWriter(&b)
	for range 3 {
		add(zip, 200)
		_ = zip.Flush()
		ends = append(ends, b.Len())
	}
	return b.Bytes(), lines, ends
}

// A file that was cut off anywhere is completed: what had been flushed before is there, and what comes after.
func TestCutOffAnywhere(t *testing.T) {
	raw, lines, ends := flushedFile(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "b_20261122.gz")
	step := 1 + (len(raw)-ends[0])/150
	for n := ends[0]; n <= len(raw); n += step {
		if err := os.WriteFile(name, raw[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWriter(t, dir)
		w.Record("B", noonNs+int64(time.Hour), []byte("later"))
		if err := w.Close(); err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		flushes := 0
		for _, end := range ends[1:] {
			if n >= end {
				flushes++
			}
		}
		got, problems := read(t, name)
		kept := len(got) - 1
		if kept < 100+200*flushes || flushes > 0 && kept > 100+200*flushes || len(problems) > 0 ||
			!slices.Equal(got[:kept], lines[:kept]) || got[kept] != line(noonNs+int64(time.Hour), "later") {
			t.Fatalf("cut at %d of %d, after %d flushes: %d lines, %v", n, len(raw), flushes, len(got), problems)
		}
		if repaired := w.Stats()[0].Repaired; repaired != (n > ends[0]) {
			t.Fatalf("cut at %d: repaired is %v", n, repaired)
		}
	}
}

// A file that others wrote is not touched where that would lose something.
func TestForeignFiles(t *testing.T) {
	raw, _, ends := flushedFile(t)
	var unflushed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&unflushed, gzip.HuffmanOnly)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 900_000 {
		fmt.Fprintf(zip, "%d {\"i\":%d}\n", noonNs+int64(i), i*7919)
	}
	_ = zip.Close()
	corrupt := slices.Clone(raw)
	corrupt[ends[0]/3] ^= 0xff
	for what, content := range map[string][]byte{"text": []byte("1 {}\n2 {}\n"), "corrupt": corrupt,
		"cut without a flush": unflushed.Bytes()[:unflushed.Len()-9]} {
		dir := t.TempDir()
		name := filepath.Join(dir, "b_20261122.gz")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWriter(t, dir)
		w.Record("B", noonNs, []byte("later"))
		err := w.Close()
		after, readErr := os.ReadFile(name)
		if !errors.Is(err, errForeign) || readErr != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: %v, %v, changed: %v", what, err, readErr, !bytes.Equal(after, content))
		}
	}
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	for _, name := range []string{"", "../x", `a\b`, "a/b", ".x"} {
		w := newWriter(t, t.TempDir())
		w.Record(name, noonNs, []byte("{}"))
		if err := w.Close(); err == nil {
			t.Errorf("symbol %q was taken", name)
		}
	}
	if _, err := New(filepath.Join(os.DevNull, "x")); err == nil {
		t.Error("a folder below a device was made")
	}
}

// FuzzComplete: whatever a file holds, it is either completed, with everything that could be read before, or left
// alone.
func FuzzComplete(f *testing.F) {
	raw, _, ends := flushedFile(f)
	f.Add(raw)
	f.Add(raw[:ends[1]+7])
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Add([]byte("text"))
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(t.TempDir(), "x.gz")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		_, err = complete(file)
		after, readErr := os.ReadFile(name)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			if !bytes.Equal(after, content) {
				t.Fatalf("changed although %v", err)
			}
			return
		}
		if len(after) == 0 {
			return
		}
		zip, err := gzip.NewReader(bytes.NewReader(after))
		if err == nil {
			_, err = io.Copy(io.Discard, zip)
		}
		if err != nil {
			t.Fatalf("the completed file: %v", err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	w := newWriter(b, b.TempDir())
	message := []byte(`{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107850310,"s":"BTCUSDT","b":"61839.00","B":"4.690","a":"61839.10","A":"0.081"}}`)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	ns := noonNs
	for b.Loop() {
		ns += 1000
		w.Record("BTCUSDT", ns, message)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "collector")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w, err := New(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Record("BTCUSDT", 1795348800000000000, []byte(`{"lastUpdateId":1,"bids":[],"asks":[]}`))
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	s := w.Stats()[0]
	fmt.Println(filepath.Base(s.Files[0]), s.Lines, "line")
	// Output: btcusdt_20261122.gz 1 line
}

// The files of a batch depend on the messages alone: written slowly or at once they are the same bytes, over more than
// one batch and more than one day.
func TestBatchIsTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dirs := []string{t.TempDir(), t.TempDir()}
		for i, dir := range dirs {
			w, err := NewBatch(dir)
			if err != nil {
				t.Fatal(err)
			}
			for n := range int64(60_000) {
				for _, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
					w.Record(symbol, noonNs+n*int64(time.Second), fmt.Appendf(nil, `{"n":%d,"of":%q}`, n, symbol))
				}
				if i == 1 && n%20_000 == 0 {
					time.Sleep(FlushInterval + 100*time.Millisecond)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"btcusdt_20261122.gz", "btcusdt_20261123.gz", "ethusdt_20261122.gz",
			"ethusdt_20261123.gz"} {
			one, err1 := os.ReadFile(filepath.Join(dirs[0], name))
			two, err2 := os.ReadFile(filepath.Join(dirs[1], name))
			if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
				t.Errorf("%s: %d and %d bytes, %v, %v", name, len(one), len(two), err1, err2)
			}
		}

	})
}
