package npy_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zip"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

type latencyRow struct{ ReqNs, ExchNs, RespNs, Unused int64 }

// array writes an array by hand: a header of that text, then numRows latency rows of the numbers 0, 1, 2 ...
func array(dict string, numRows int) []byte {
	text := dict
	for (10+len(text)+1)%64 != 0 {
		text += " "
	}
	return rawArray(1, text+"\n", numRows)
}

func rawArray(version byte, text string, numRows int) []byte {
	out := append([]byte("\x93NUMPY"), version, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(text)))
	out = append(out, text...)
	for i := range 4 * numRows {
		out = binary.LittleEndian.AppendUint64(out, uint64(i))
	}
	return out
}

const latencyDescr = "[('req_ts', '<i8'), ('exch_ts', '<i8'), ('resp_ts', '<i8'), ('_padding', '<i8')]"

func latencyDict(shape string) string {
	return "{'descr': " + latencyDescr + ", 'fortran_order': False, 'shape': " + shape + ", }"
}

// archive makes a zip of members; odd ones are stored, even ones deflated.
func archive(tb testing.TB, members ...any) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		method := zip.Deflate
		if i%4 == 2 {
			method = zip.Store
		}
		m, err := z.CreateHeader(&zip.FileHeader{Name: members[i].(string), Method: method})
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := m.Write(members[i+1].([]byte)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func write(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// readAll reads the rest of the rows, chunk at a time.
func readAll[T any](r *npy.Reader[T], chunk int) ([]T, error) {
	var all []T
	buf := make([]T, chunk)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) && n == 0 {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// TestGoldenFile reads a file that NumPy has written, and writes it as NumPy has.
func TestGoldenFile(t *testing.T) {
	unzipped, err := gzip.NewReader(bytes.NewReader(datatest.Golden(t, "l3.events.npy.gz")))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	r, err := npy.Open[hft.Event](write(t, "l3.npy", content), npy.EventDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.NumRows() != 21093 || r.Warnings() != nil {
		t.Errorf("%d rows, warnings %v", r.NumRows(), r.Warnings())
	}
	rows, err := readAll(r, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got := depthtest.RowsSHA256(rows); got != "ed1067ab786bc65c024cfb8003e221a3765b3a42b04b0da2bd8426a020373072" {
		t.Errorf("hash %s of %d rows", got, len(rows))
	}
	path := filepath.Join(t.TempDir(), "again.npy")
	writeRows(t, path, rows)
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, content) {
		t.Errorf("written again it has %d bytes that differ from the %d of NumPy (%v)", len(again), len(content), err)
	}
}

func writeRows(tb testing.TB, path string, rows []hft.Event) {
	tb.Helper()
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows)))
	if err != nil {
		tb.Fatal(err)
	}
	for chunk := range slices.Chunk(rows, 777) {
		if err := w.Write(chunk); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// TestRoundTrip writes rows and reads them back in pieces of every size, through both formats.
func TestRoundTrip(t *testing.T) {
	rows := make([]hft.Event, 5003)
	for i := range rows {
		rows[i] = hft.Event{Ev: uint64(i) | hft.ExchEvent, ExchTimestampNs: int64(i), LocalTimestampNs: -int64(i),
			Px: float64(i) / 3, Qty: math.Inf(1), OrderID: math.MaxUint64 - uint64(i), Ival: math.MinInt64, Fval: -0.5}
	}
	for _, name := range []string{"a.npy", "a.npz"} {
		path := filepath.Join(t.TempDir(), name)
		for _, numRows := range []int{0, 1, len(rows)} {
			writeRows(t, path, rows[:numRows])
			for _, chunk := range []int{1, 7, 1024, 5003, 6000} {
				r, err := npy.Open[hft.Event](path, npy.EventDtype())
				if err != nil {
					t.Fatal(err)
				}
				got, err := readAll(r, chunk)
				if err != nil || r.NumRows() != int64(numRows) || !slices.Equal(got, rows[:numRows]) {
					t.Errorf("%s: %d of %d rows by %d differ (%v)", name, len(got), numRows, chunk, err)
				}
				if n, err := r.Read(make([]hft.Event, 1)); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("behind the end: %d, %v", n, err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				if _, err := r.Read(make([]hft.Event, 1)); !errors.Is(err, os.ErrClosed) ||
					!errors.Is(r.Close(), os.ErrClosed) {
					t.Errorf("closed: %v", err)
				}
			}
		}
	}
}

// TestHandWrittenFiles reads what other writers may write: other order of keys, stored members, no trailing commas.
func TestHandWrittenFiles(t *testing.T) {
	const reordered = "{'shape':(3,),'fortran_order':False,'descr':[(\"req_ts\",'<i8'),('exch_ts','<i8',),('resp_ts','<i8'),('_padding','<i8'),]}"
	plain := array(latencyDict("(3,)"), 3)
	for name, path := range map[string]string{
		"plain":     write(t, "a.npy", plain),
		"reordered": write(t, "b.npy", array(reordered, 3)),
		"deflated":  write(t, "c.npz", archive(t, "data.npy", plain, "other.npy", []byte("?"))),
		"stored":    write(t, "d.npz", archive(t, "note.txt", []byte("?"), "data.npy", plain)),
	} {
		r, err := npy.Open[latencyRow](path, npy.LatencyDtype())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rows, err := readAll(r, 2)
		if err != nil || !slices.Equal(rows, []latencyRow{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}}) ||
			r.Warnings() != nil {
			t.Errorf("%s: %v, %v, %v", name, rows, err, r.Warnings())
		}
		if n, err := r.Read(nil); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		r.Close()
	}
}

func TestWarnings(t *testing.T) {
	dict := strings.ReplaceAll(latencyDict("(2,)"), "_padding", "spare")
	r, err := npy.Open[latencyRow](write(t, "a.npy", array(dict, 3)), npy.LatencyDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := []string{`field 3 is called "spare", not "_padding"; it is read as "_padding"`,
		"the header says 2 rows, the file has 3; all are read"}
	if !slices.Equal(r.Warnings(), want) || r.NumRows() != 3 {
		t.Errorf("%q, %d rows", r.Warnings(), r.NumRows())
	}
}

// TestRefusedFiles opens files that are wrong in one way each.
func TestRefusedFiles(t *testing.T) {
	plain := array(latencyDict("(3,)"), 3)
	rows := len(plain) - 3*32
	replaced := func(old, new string) []byte { return array(strings.Replace(latencyDict("(3,)"), old, new, 1), 3) }
	lying := archive(t, "data.npy", plain)
	binary.LittleEndian.PutUint32(lying[bytes.LastIndex(lying, []byte("PK\x01\x02"))+24:], 1<<30)
	for _, c := range []struct {
		name    string
		content []byte
		cause   error
		says    string
	}{
		{"empty.npy", nil, npy.ErrTruncated, "it is empty"},
		{"empty.npz", nil, npy.ErrTruncated, "it is empty"},
		{"short.npy", plain[:8], npy.ErrTruncated, "within its header"},
		{"header.npy", plain[:50], npy.ErrTruncated, "its header has 40 of"},
		{"row.npy", plain[:rows+40], npy.ErrTruncated, "within row 1, after 8 of its 32 bytes"},
		{"rows.npy", plain[:rows+64], npy.ErrTruncated, "before row 2 and should have 3 rows"},
		{"rows.npz", archive(t, "data.npy", plain[:rows+64]), npy.ErrTruncated, "before row 2"},
		{"text.npy", []byte("1,2,3,4,5,6,7,8,9"), npy.ErrFormat, "numpy.save"},
		{"gzip.npy", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00"), npy.ErrFormat, "unpack it first"},
		{"zip.npy", archive(t, "data.npy", plain), npy.ErrFormat, "name it .npz"},
		{"plain.npz", plain, npy.ErrFormat, "name it .npy"},
		{"text.npz", []byte("hello"), npy.ErrFormat, "not a zip archive"},
		{"cut.npz", archive(t, "data.npy", plain)[:120], npy.ErrTruncated, "directory"},
		{"lying.npz", lying, npy.ErrCorrupt, "cannot be the 1073741824 bytes"},
		{"member.npz", archive(t, "0.npy", plain, "1.npy", plain), npy.ErrFormat,
			`["0.npy", "1.npy"] only; save the rows under the name "data"`},
		{"version.npy", rawArray(2, string(plain[10:rows]), 3), npy.ErrFormat, "version 2.0"},
		{"align.npy", rawArray(1, latencyDict("(3,)")+"\n", 3), npy.ErrFormat, "not a multiple of 64"},
		{"fortran.npy", replaced("False", "True"), npy.ErrFormat, "ascontiguousarray"},
		{"key.npy", replaced("}", "'extra': 1}"), npy.ErrFormat, `key "extra" is not known`},
		{"twice.npy", replaced("}", "'shape': (3,)}"), npy.ErrFormat, "twice"},
		{"missing.npy", replaced(", 'fortran_order': False", ""), npy.ErrFormat, `key "fortran_order" is missing`},
		{"letters.npy", replaced("req_ts", "req-ts"), npy.ErrFormat, "only letters"},
		{"flat.npy", replaced(latencyDescr, "'<f8'"), npy.ErrFormat, "without fields"},
		{"matrix.npy", replaced("(3,)", "(3, 1)"), npy.ErrFormat, "2 dimensions"},
		{"scalar.npy", replaced("(3,)", "()"), npy.ErrFormat, "0 dimensions"},
		{"negative.npy", replaced("(3,)", "(-3,)"), npy.ErrFormat, "number"},
		{"huge.npy", replaced("(3,)", "(9999999999999999999,)"), npy.ErrFormat, "too long"},
		{"type.npy", replaced("<i8", "<f8"), npy.ErrFormat, `field 0, "req_ts", has type <f8`},
		{"big.npy", replaced("<i8", ">i8"), npy.ErrFormat, "has type >i8"},
		{"fewer.npy", replaced(", ('_padding', '<i8')", ""), npy.ErrFormat, "3 fields"},
		{"tail.npy", replaced("}", "} 1"), npy.ErrFormat, "after the dictionary"},
		{"open.npy", replaced("}", ""), npy.ErrFormat, "missing"},
		{"feed.gz", nil, npy.ErrFormat, "runner convert"},
		{"feed.csv", nil, npy.ErrFormat, `extension ".csv"`},
	} {
		path := write(t, c.name, c.content)
		r, err := npy.Open[latencyRow](path, npy.LatencyDtype())
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, c.cause) || !strings.Contains(fmt.Sprint(err), c.says) ||
			!strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s: %v; it should name the file and say %q", c.name, err, c.says)
		}
	}
	if _, err := npy.Open[latencyRow](filepath.Join(t.TempDir(), "none.npy"), npy.LatencyDtype()); !errors.Is(err,
		os.ErrNotExist) {
		t.Error(err)
	}
	folder := filepath.Join(t.TempDir(), "folder.npy")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := npy.Open[latencyRow](folder, npy.LatencyDtype()); !errors.Is(err, npy.ErrFormat) {
		t.Error(err)
	}
}

// TestCorruptArchives flips bytes of the rows of archives: opening works, reading tells.
func TestCorruptArchives(t *testing.T) {
	plain := array(latencyDict("(3000,)"), 3000)
	deflated, stored := archive(t, "data.npy", plain), archive(t, "note", []byte{}, "data.npy", plain)
	stored[len(stored)/2] ^= 1
	for i := range 40 {
		deflated[len(deflated)/2+i] ^= 0xff
	}
	for name, content := range map[string][]byte{"deflated": deflated, "stored": stored} {
		r, err := npy.Open[latencyRow](write(t, "a.npz", content), npy.LatencyDtype())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(r, 512)
		if !errors.Is(err, npy.ErrCorrupt) || !strings.Contains(err.Error(),
			fmt.Sprintf("a.npz: member data.npy: row %d: ", len(rows))) {
			t.Errorf("%s: %v after %d rows", name, err, len(rows))
		}
		if n, again := r.Read(make([]latencyRow, 1)); n != 0 || again != err {
			t.Errorf("%s: then %d, %v", name, n, again)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFileShrinksWhileRead cuts a file that is open.
func TestFileShrinksWhileRead(t *testing.T) {
	path := write(t, "a.npy", array(latencyDict("(9000,)"), 9000))
	r, err := npy.Open[latencyRow](path, npy.LatencyDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(path, 192+6000*32+5); err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(r, 9000)
	if len(rows) != 6000 || !errors.Is(err, npy.ErrTruncated) || !strings.Contains(err.Error(), "row 6000") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestRowTypes gives row types that are not the file's.
func TestRowTypes(t *testing.T) {
	path := write(t, "a.npy", array(latencyDict("(3,)"), 3))
	refuse := func(err error, says string) {
		t.Helper()
		if !errors.Is(err, npy.ErrFormat) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	_, err := npy.Open[hft.Event](path, npy.LatencyDtype())
	refuse(err, "does not have the 4 fields")
	_, err = npy.Open[int64](path, npy.Dtype{{Name: "a", Type: "<i8"}})
	refuse(err, "int64 does not have")
	_, err = npy.Open[struct{ A, B *int64 }](path, npy.Dtype{{Name: "a", Type: "<i8"}, {Name: "b", Type: "<i8"}})
	refuse(err, "field A")
	_, err = npy.Open[struct{ A int32 }](path, npy.Dtype{{Name: "a", Type: "<i8"}})
	refuse(err, "does not have the 1 fields of 8 bytes")
	_, err = npy.Open[struct{ A int64 }](path, npy.Dtype{{Name: "a", Type: "<i4"}})
	refuse(err, `type "<i4"`)
	_, err = npy.Create[struct{ A int64 }](path, npy.Dtype{{Name: "it's", Type: "<i8"}}, 1)
	refuse(err, "field name")
	_, err = npy.Open[struct{}](path, nil)
	refuse(err, "no fields")
}

func TestReadAllocatesNothing(t *testing.T) {
	rows := make([]hft.Event, 20_000)
	dst := make([]hft.Event, 16)
	for _, name := range []string{"a.npy", "a.npz"} {
		path := filepath.Join(t.TempDir(), name)
		writeRows(t, path, rows)
		r, err := npy.Open[hft.Event](path, npy.EventDtype())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := r.Read(dst); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a read", name, n)
		}
	}
}
