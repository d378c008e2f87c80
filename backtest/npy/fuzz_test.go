package npy

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zip"
)

type fuzzRow struct{ A, B, C, D int64 }

// FuzzParseHeader holds that any text is refused or understood as it is written back.
func FuzzParseHeader(f *testing.F) {
	f.Add(string(appendHeader(nil, EventDtype(), 21093)[preambleBytes:]))
	f.Add("{'shape':(3,),'fortran_order':True,'descr':[(\"a\",'<i8',),],}")
	f.Add("{'descr': '<f8', 'fortran_order': False, 'shape': (), }")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHeader(text)
		if err != nil {
			return
		}
		if _, err := h.check(h.descr); err != nil {
			return
		}
		again, err := parseHeader(string(appendHeader(nil, h.descr, h.shape[0])[preambleBytes:]))
		if err != nil || again.shape[0] != h.shape[0] || again.descr.String() != h.descr.String() {
			t.Errorf("%q: %+v became %+v, %v", text, h, again, err)
		}
	})
}

// FuzzReader reads any bytes as .npy and .npz: an error, or as many rows as announced, and never more than can be
// there.
func FuzzReader(f *testing.F) {
	plain := append(appendHeader(nil, LatencyDtype(), 40), bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 160)...)
	f.Add(plain)
	f.Add(plain[:len(plain)-33])
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		m, err := z.CreateHeader(&zip.FileHeader{Name: dataMember, Method: method})
		if err != nil {
			f.Fatal(err)
		}
		if _, err := m.Write(plain); err != nil {
			f.Fatal(err)
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
		for _, at := range []int{40, out.Len() / 2, out.Len() - 60, out.Len() - 10} {
			broken := bytes.Clone(out.Bytes())
			broken[at] ^= 0x55
			f.Add(broken)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, format := range []string{".npy", ".npz"} {
			r, err := newReader[fuzzRow](bytes.NewReader(content), int64(len(content)), format, dataMember,
				LatencyDtype())
			if err != nil {
				if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s: no cause: %v", format, err)
				}
				continue
			}
			if r.NumRows() > 1032*int64(len(content))/32 {
				t.Errorf("%d rows of %d bytes", r.NumRows(), len(content))
			}
			rows, total := make([]fuzzRow, 7), int64(0)
			for err == nil {
				var n int
				n, err = r.Read(rows)
				total += int64(n)
			}
			if errors.Is(err, io.EOF) && total != r.NumRows() {
				t.Errorf("%s: %d of %d rows", format, total, r.NumRows())
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", format, err)
			}
		}
	})
}
