package recording_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/recording"
)

// member is a file in a zip archive.
type member struct{ name, text string }

func archived(t testing.TB, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i, m := range members {
		method := zip.Deflate
		if i%2 == 1 {
			method = zip.Store
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: method})
		if err == nil {
			_, err = io.WriteString(f, m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestZip: the members of an archive are one file, by their names, whatever their order in it.
func TestZip(t *testing.T) {
	content := archived(t, member{"ob500/", ""}, member{"ob500/2024-05-02_X_ob500.data", "30 c\r\n40 d\r\n"}, member{"ob500/2024-05-01_X_ob500.data", "10 a\n20 b"})
	want := []string{"f0:1 10 a", "f0:2 20 b", "f0:3 30 c", "f0:4 40 d", "f1:1 50 e"}
	if lines, problems := read(t, 0, content, []byte("50 e\n")); !slices.Equal(lines, want) || len(problems) > 0 {
		t.Errorf("lines %q, problems %q", lines, problems)
	}
	if lines, problems := read(t, 0, archived(t, member{"a.DATA", ""})); len(lines)+len(problems) > 0 {
		t.Errorf("an empty member: lines %q, problems %q", lines, problems)
	}
	long := strings.Repeat("1 aaaaaaaaaaaaaaaa\n", 100_000) // more than a block
	if lines, problems := read(t, 0, archived(t, member{"1.data", long}, member{"2.data", long})); len(lines) != 200_000 || len(problems) > 0 {
		t.Errorf("%d lines, problems %q", len(lines), problems)
	}
}

// TestWrongZip: what is no whole archive, or has something else in it, is an error that names the file and says what to
// do.
func TestWrongZip(t *testing.T) {
	good := archived(t, member{"2024-05-01_X_ob500.data", "1 a\n2 b\n"})
	flagged := func(offset int, value byte) []byte { // in the central directory, where the reader looks
		changed := slices.Clone(good)
		changed[bytes.Index(changed, []byte("PK\x01\x02"))+offset] = value
		return changed
	}
	type wrong struct {
		name    string
		content []byte
		want    string
	}
	cases := []wrong{
		{"other.zip", archived(t, member{"1.data", "1 a\n"}, member{"README.txt", "hello"}), `has "README.txt" in it; only recordings that end in .data`},
		{"hidden.zip", archived(t, member{"__MACOSX/._1.data", "x"}), `has "__MACOSX/._1.data" in it`},
		{"events.npz", archived(t, member{"arr_0.npy", "x"}), `has "arr_0.npy" in it`},
		{"nothing.zip", archived(t), "has nothing in it; get it again"},
		{"folder.zip", archived(t, member{"ob500/", ""}), "has nothing in it"},
		{"encrypted.zip", flagged(8, 1), "is encrypted; unpack it"},
		{"method.zip", flagged(10, 12), "is packed by method 12, which is not read"},
		{"page.zip", []byte("<html>not found</html>"), "it is not a complete zip archive"},
		{"empty.zip", nil, "it is not a complete zip archive"},
	}
	for n := 4; n < len(good); n += 7 {
		cases = append(cases, wrong{"cut off", good[:n], "it is not a complete zip archive, perhaps a partial download"})
	}
	for _, c := range cases {
		name := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(name, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := recording.Open(recording.Config{Files: []string{name}})
		if err == nil {
			_ = r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%d bytes of %s: %v, want %s", len(c.content), c.name, err, c.want)
		}
	}
}

// TestCorruptZip: what can be read of an archive with a wrong checksum, or wrong bytes in a member, is read.
func TestCorruptZip(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "%d {\"p\":%d}\n", 1000+i, i*i*7919)
	}
	whole := archived(t, member{"1.data", text.String()})
	checksum := slices.Clone(whole)
	checksum[bytes.Index(whole, []byte("PK\x01\x02"))+16] ^= 1
	if lines, problems := read(t, 0, checksum, []byte("5000 {}\n")); len(lines) != 51 || !slices.Equal(problems, []string{"f0:51: damaged file"}) {
		t.Errorf("a wrong checksum gives %d lines, %q", len(lines), problems)
	}
	for at := 40; at < bytes.Index(whole, []byte("PK\x07\x08")); at += 5 {
		content := slices.Clone(whole)
		content[at] ^= 0xff
		lines, problems := read(t, 0, content, []byte("5000 {}\n"))
		damaged := slices.ContainsFunc(problems, func(p string) bool { return strings.HasSuffix(p, "damaged file") })
		if !damaged || len(lines) > 51 || lines[len(lines)-1] != "f1:1 5000 {}" {
			t.Errorf("byte %d: %d lines, %q", at, len(lines), problems)
		}
	}
}

// TestZipGone: an archive that is another one when its turn comes is an error.
func TestZipGone(t *testing.T) {
	names := write(t, []byte(strings.Repeat("1 aaaaaaaaaaaaaaaa\n", 100_000)), archived(t, member{"1.data", "2 b\n"}))
	r, err := recording.Open(recording.Config{Files: names})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.WriteFile(names[1], []byte("PK\x03\x04"), 0o600); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, _, err = r.Next()
	}
	if !strings.Contains(err.Error(), "not a complete zip archive") || !strings.Contains(err.Error(), names[1]) {
		t.Errorf("the reading ends with %v", err)
	}
}

// TestLinesWithoutTime: where the first line of a file is a message alone, each gets the time that it tells; elsewhere
// it is a bad line.
func TestLinesWithoutTime(t *testing.T) {
	cause := errors.New("enough")
	timeNs := func(message []byte) (int64, error) {
		n := int64(0)
		if strings.HasPrefix(string(message), `{"stop`) {
			return 0, cause
		}
		_, _ = fmt.Sscanf(string(message), `{"ts":%d`, &n)
		return n * 1000, nil
	}
	var problems []string
	names := write(t, []byte(`{"ts":1}`+"\r\n"+`{"x":1}`+"\n3000 {}\n"+`{"ts":4}`+"\n"), []byte("5000 {}\n"+`{"ts":6}`+"\nx\n"), []byte(`{"ts":7}`+"\n"+`{"stop":1}`+"\n"))
	r, err := recording.Open(recording.Config{Files: names, TimeNs: timeNs, OnProblem: func(p recording.Problem) error {
		problems = append(problems, fmt.Sprintf("%s:%d %s", filepath.Base(p.File), p.Line, p.What))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines []string
	for {
		var timestampNs int64
		var message []byte
		if timestampNs, message, err = r.Next(); err != nil {
			break
		}
		lines = append(lines, fmt.Sprintf("f%d:%d %d %s %t", r.FileNo(), r.Line(), timestampNs, message, r.ByMessage()))
	}
	if want := []string{`f0:1 1000 {"ts":1} true`, `f0:3 3000 {} false`, `f0:4 4000 {"ts":4} true`, "f1:1 5000 {} false", `f2:1 7000 {"ts":7} true`}; !slices.Equal(lines, want) ||
		!errors.Is(err, cause) {
		t.Errorf("lines %q, %v", lines, err)
	}
	if want := []string{`f0:2 the line has no time, nor has its message: "{\"x\":1}"`, `f1:2 the line does not start with a time and a space: "{\"ts\":6}"`,
		`f1:3 the line does not start with a time and a space: "x"`}; !slices.Equal(problems, want) {
		t.Errorf("problems %q", problems)
	}
}
