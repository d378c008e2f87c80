package recording_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// BenchmarkReader reads all lines of the recording of BTCUSDT; one operation is the file, MB/s are of its text.
func BenchmarkReader(b *testing.B) {
	path := datatest.Recording(b, "binancefutures", "btcusdt_20240808.gz")
	b.ReportAllocs()
	for b.Loop() {
		r, err := recording.Open(recording.Config{Files: []string{path}})
		if err != nil {
			b.Fatal(err)
		}
		size := 0
		for err == nil {
			var message []byte
			_, message, err = r.Next()
			size += len(message) + 21
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(size))
	}
}

// BenchmarkGunzip compares the two gzip readers on the recording: why this package uses the one it does.
func BenchmarkGunzip(b *testing.B) {
	raw, err := os.ReadFile(datatest.Recording(b, "binancefutures", "btcusdt_20240808.gz"))
	if err != nil {
		b.Fatal(err)
	}
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"klauspost": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"std":       func(r io.Reader) (io.Reader, error) { return stdgzip.NewReader(r) },
	} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 256<<10)
			for b.Loop() {
				zip, err := open(bytes.NewReader(raw))
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, zip, buf)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(n)
			}
		})
	}
}
